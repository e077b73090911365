//! `havip-sim replay`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use serde_json::json;

use super::subject::{Bad, Loaded, Subject};
use super::{BAD_INPUT, FAILS, Format, HOLDS, complain, watch};
use crate::engine::Engine;
use crate::explore::{Outcome, Plan, replay, seed_of};
use crate::observe::{Lanes, Palette, Record};
use crate::rules::Violation;
use crate::run::OpenError;

/// Run one seed of a campaign again: its record, and the rules that do not hold in it.
#[derive(Debug, Args)]
#[command(
    override_usage = "havip-sim replay [OPTIONS] FILE... SEED",
    after_help = "\
SEED is the last word: a number, or a commit hash. The same files and options as those of the campaign give the same run.

Exit status: 0 all rules hold; 1 one does not; 2 the input cannot be used."
)]
pub(super) struct Replay {
    #[command(flatten)]
    subject: Subject,
    /// Write the run into this file as a scenario
    #[arg(long, value_name = "FILE")]
    scn: Option<PathBuf>,
    /// How to print the record
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    watch: watch::Watch,
}

impl Replay {
    pub(super) fn execute(&self) -> u8 {
        match self.replay() {
            Ok(code) => code,
            Err(bad) => {
                bad.complain();
                BAD_INPUT
            }
        }
    }

    fn replay(&self) -> Result<u8, Bad> {
        let (subject, word) = self.subject.without_last();
        let seed = seed_of(&word)
            .ok_or_else(|| format!("{word:?} is no seed: a number, or a commit hash, behind the files"))?;
        self.watch.check(&[subject.first()])?;
        let Loaded { base, plan, .. } = subject.load()?;
        let outcome = Outcome::of(&base, &plan, seed);
        let wrong = |errors| Bad::Open(OpenError::Wrong(errors));
        let scenario = replay::scenario(&base, &plan, &outcome.drawn).map_err(wrong)?;
        if let Some(path) = &self.scn {
            replay::write(&base, &outcome.drawn, path)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        let (record, lanes) = self.watch.run(&scenario, Engine::EventLoop)?;
        match self.print(&record, lanes.as_ref(), &outcome, &plan) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                complain(&error.to_string());
                return Ok(BAD_INPUT);
            }
            _ => {}
        }
        Ok(if outcome.found(&plan).next().is_some() { FAILS } else { HOLDS })
    }

    fn print(
        &self,
        record: &Record,
        lanes: Option<&Lanes>,
        outcome: &Outcome,
        plan: &Plan,
    ) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
        let why = |one: &Violation| plan.expects(one.rule, &outcome.drawn.injected).map(|known| &known.why);
        if self.format == Format::Json {
            let mut json = record.json();
            let broken = outcome.violations.iter().map(|one| {
                json!({ "rule": one.rule.name(), "at": one.at.as_nanos(), "what": one.what, "expected": why(one) })
            });
            if let Some(fields) = json.as_object_mut() {
                fields.insert("broken".into(), broken.collect());
            }
            return writeln!(out, "{json}");
        }
        let palette = Palette::colour();
        write!(out, "{}\n{}\n", record.render(&palette), outcome.drawn.in_words())?;
        if let Some(lanes) = lanes.filter(|_| self.watch.lanes) {
            writeln!(out, "{}", lanes.text(record, &palette))?;
        }
        for one in &outcome.violations {
            let (style, word) = match why(one) {
                Some(why) => (palette.dim, format!("as expected ({why})")),
                None => (palette.bad, "does not hold".to_owned()),
            };
            writeln!(out, "{style}{} {word}{style:#}: {}", one.rule.name(), one.what)?;
            writeln!(out, "    {}", one.rule.sentence())?;
        }
        if outcome.violations.is_empty() {
            let good = palette.good;
            writeln!(out, "{good}every rule holds{good:#}")?;
        }
        Ok(())
    }
}
