//! The worst run of each row as a scenario file that replays it.

use std::fs;
use std::io;
use std::path::Path;

use havip::time::Time;

use super::rows::Row;
use super::table;
use super::{Refusal, Report, Trial};
use crate::scenario::{Expect, Expectation, Script};
use crate::world::ClientId;

impl Trial {
    /// Makes sure that a folder can be written, before anything is run.
    pub fn can_save(folder: &Path) -> Result<(), Refusal> {
        let probe = folder.join("conf").join(".havip-sim");
        let tried = fs::create_dir_all(folder.join("conf"))
            .and_then(|()| fs::write(&probe, ""))
            .and_then(|()| fs::remove_file(&probe));
        tried.map_err(|error| unwritable(folder, &error))
    }

    /// Writes the worst run of each row into a folder, `STORY-MASTER.scn`, and the configurations into its `conf`.
    pub fn save(&self, report: &Report, folder: &Path) -> Result<Vec<String>, Refusal> {
        let mut written = Vec::new();
        let put = |name: &str, text: &str| {
            fs::write(folder.join(name), text).map_err(|error| unwritable(folder, &error))
        };
        for machine in &self.cluster.machines {
            put(&machine.file, &machine.text)?;
        }
        for row in &report.rows {
            let name = format!("{}.scn", self.name_of(row));
            put(&name, &self.text_of(report, row))?;
            written.push(name);
        }
        Ok(written)
    }

    fn name_of(&self, row: &Row) -> String {
        let mut name = row.story.word().to_owned();
        if let Some(first) = &row.first {
            name = format!("{name}-{first}");
        }
        if let Some(heard) = row.first_advert {
            name = format!("{name}-{}-heard", self.cluster.machines[usize::from(heard.0)].name);
        }
        name
    }

    /// The script of a row's worst run. What the client suffered in it is an expectation: it holds on replay.
    pub(super) fn script_of(&self, report: &Report, row: &Row) -> Script {
        let worst = &row.figures[row.worst];
        let plan = &report.runs[row.plan].plan;
        let mut script = plan.script_of(worst.seed, (worst.shift, worst.extra));
        script.name = self.name_of(row);
        let mark = script.acts.get(plan.mark as usize).map_or(Time::ZERO, |act| act.at);
        let end = Time::ZERO + script.run;
        if row.first.is_some() {
            let expect = Expect::Outage(mark, end, ClientId(0), worst.without.probed);
            script.expectations.push(Expectation { expect, only: None, line: 0 });
        }
        script
    }

    fn text_of(&self, report: &Report, row: &Row) -> String {
        format!(
            "# {}\n# The worst of {} runs: {}; without the address {}.\n{}",
            table::row_in_words(row),
            row.share.0,
            table::verdict_of(row),
            table::without(row, report.refresh),
            self.script_of(report, row)
        )
    }
}

fn unwritable(folder: &Path, error: &io::Error) -> Refusal {
    Refusal::new(format!("cannot write into {}: {error}", folder.display()))
        .advise("give --save a folder that you may write, or one that does not exist yet")
}
