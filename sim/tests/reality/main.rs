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
    let (every, figure, card) = (Arc::clone(&entries), Arc::clone(&entries), entries);
    trials.push(Trial::test("every_measured_case_has_its_row", move || complete(&every)));
    trials.push(Trial::test("every_measured_figure_has_its_row", move || accounted_for(&figure)));
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

/// Figures without a row, by the last part of their names. `data/README.md` says of each why it has none.
const WITHOUT_A_ROW: &[&str] = &[
    // Where an act has its place, and sums of it and of figures with rows.
    "a_last_before",
    "b_after_last_accepted",
    "gap_over_t",
    "last_before",
    // Quotients and repetitions of figures with rows.
    "a_adv_per_s_during",
    "a_during",
    "b_adv_per_s_during",
    "window",
    // Instants of a steady sender.
    "a_extra_adverts",
    "a_prio_seq",
    "adv/a",
    "adv/b",
    "b_adv_times",
    "first",
    "garp/a",
    "garp/b",
    "script_runs",
    "script_runs_ok",
    "up_a_first",
    "up_b_last",
    // Frames in words or digits.
    "advert",
    "advert_text",
    "b_text",
    "first_advert_hex",
    "first_una_hex",
    "hex",
    "prio0_hex",
    "vips_in_adverts",
    // Other programs than keepalived: a kernel, the harness.
    "172.16.16.12",
    "last_reply_rel_heal",
    "log/a",
    "log/b",
    "n_icmp6",
    "started_first",
    // Of a goodbye in some runs, of the advertisement before it in others.
    "last_advert_to_first_advert",
    "last_advert_to_first_garp",
    "last_to_first",
    "last_to_first_advert",
    "last_to_first_garp",
];

/// Figures of what no program sent: of a port that is silent, and of the harness's own crafted frame.
fn is_of_nobody(case: &Case, place: &str) -> bool {
    let silent = case.steps.first().is_some_and(|step| step.act == "cut a <-> *");
    let counted = ["/prio0", "/prios", "/garp", "/adverts"].iter().any(|name| place.ends_with(name));
    let crafted = case.steps.first().is_some_and(|step| step.act.starts_with("craft "));
    silent && place.starts_with("/during/a/") || crafted && (place.starts_with("/c/") || counted)
}

/// Whether every figure of every run was read for a row, or is of a kind that has none.
fn accounted_for(entries: &[Entry]) -> Result<(), Failed> {
    let mut without = Vec::new();
    for entry in entries {
        entry.outcome();
        for run in figures::runs(entry.case.name) {
            let places = run.places().into_iter();
            let places = places.filter(|place| !run.was_asked(place) && !is_of_nobody(&entry.case, place));
            let known =
                |place: &String| WITHOUT_A_ROW.iter().any(|name| place.ends_with(&format!("/{name}")));
            without.extend(
                places.filter(|place| !known(place)).map(|place| format!("{} {place}", entry.case.name)),
            );
        }
    }
    without.sort();
    without.dedup();
    if without.is_empty() {
        Ok(())
    } else {
        Err(format!("figures without a row:\n{}", without.join("\n")).into())
    }
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
