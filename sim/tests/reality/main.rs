//! The reality scorecard: every case in which keepalived 2.2.7 was measured, replayed and held.
//!
//! One test a case, by its name: `cargo test --test reality c13`. `scorecard` holds the page in `sim/docs` and prints
//! it; `INSTA_UPDATE=always` writes it anew. A case fails when a figure is outside without a reason, and also when a
//! figure that has a reason for being outside is within.

mod capture;
mod case;
mod cases;
mod compare;
mod crafted;
mod figures;
mod frames;
mod play;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Failed, Trial};

use case::Case;
use compare::Outcome;

/// A case, and what became of it once somebody asked.
struct Entry {
    case: Case,
    outcome: OnceLock<Outcome>,
}

impl Entry {
    fn outcome(&self) -> &Outcome {
        self.outcome.get_or_init(|| {
            let mut outcome = compare::outcome(&self.case);
            outcome.rows.extend(crafted::rows(&self.case));
            outcome.rows.extend(frames::row(&self.case));
            outcome
        })
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let entries: Vec<Entry> =
        cases::all().into_iter().map(|case| Entry { case, outcome: OnceLock::new() }).collect();
    let entries = Arc::new(entries);
    let mut trials: Vec<Trial> = (0..entries.len())
        .map(|i| {
            let entries = Arc::clone(&entries);
            let (name, pending) = (entries[i].case.name, entries[i].case.pending.is_some());
            Trial::test(name, move || held(entries[i].outcome())).with_ignored_flag(pending)
        })
        .collect();
    let (every, card) = (Arc::clone(&entries), entries);
    trials.push(Trial::test("every_measured_case_has_its_row", move || complete(&every)));
    trials.push(Trial::test("scorecard", move || scorecard(&card)));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Whether everything outside has a reason.
fn held(outcome: &Outcome) -> Result<(), Failed> {
    let wrong = outcome.rows.iter().flat_map(|row| {
        row.wrong.iter().map(move |wrong| format!("{}, {}: {wrong}", outcome.name, row.what))
    });
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Whether no case was forgotten, and none made up.
fn complete(entries: &[Entry]) -> Result<(), Failed> {
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.case.name).collect();
    names.sort_unstable();
    let folders = figures::all();
    if names == folders {
        return Ok(());
    }
    let without = folders.iter().filter(|folder| !names.contains(&folder.as_str()));
    let made_up = names.iter().filter(|name| !folders.iter().any(|folder| folder == *name));
    let twice = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| &pair[0]);
    Err(format!(
        "folders without a case: {:?}\ncases without a folder: {:?}\ntwice: {:?}",
        without.collect::<Vec<_>>(),
        made_up.collect::<Vec<_>>(),
        twice.collect::<Vec<_>>()
    )
    .into())
}

/// Whether the page says what is.
fn scorecard(entries: &[Entry]) -> Result<(), Failed> {
    let mut outcomes: Vec<Outcome> = entries.iter().map(|entry| entry.outcome().clone()).collect();
    outcomes.sort_by_key(|outcome| outcome.name);
    let page = table::page(&outcomes);
    println!("{page}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scorecard.md");
    if std::env::var("INSTA_UPDATE").is_ok_and(|how| how == "always") {
        return std::fs::write(path, page).map_err(|error| error.to_string().into());
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    if stored == page {
        return Ok(());
    }
    let difference = havip_sim::snapshot::difference(&stored, &page);
    Err(format!("sim/docs/scorecard.md says something else:\n{difference}").into())
}
