//! `havip-sim merge`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use clap::Args;

use super::{BAD_INPUT, FAILS, Format, HOLDS, complain};
use crate::explore::{Merged, Report, Shard, grouped, merge};
use crate::observe::Palette;

/// Put the results of several machines together.
#[derive(Debug, Args)]
#[command(after_help = "\
Results of one plan, one code and the same seeds are put together, in whatever order and however often each is given:
the file is the one that a single machine would have written. `havip-sim explore ... --resume` with that file in its
place runs what is missing, and shrinks what was found.

Exit status: 0 all rules hold; 1 one does not; 2 the files do not belong together, or cannot be read or written.")]
pub(super) struct Merge {
    /// Results files (*.jsonl) of `havip-sim explore`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write the results into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How to print what they come to
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Merge {
    pub(super) fn execute(&self) -> u8 {
        let Merged { head, total: tally, missing } = match merge(&self.files, self.out.as_deref()) {
            Ok(merged) => merged,
            Err(message) => {
                complain(&message);
                return BAD_INPUT;
            }
        };
        let report = Report {
            head: &head,
            tally: &tally,
            shard: Shard::WHOLE,
            results: self.out.clone(),
            found: Vec::new(),
            replay: None,
            next: Vec::new(),
        };
        if !missing.is_empty() {
            anstream::eprintln!("{}", told(&missing));
        }
        match print(&report, self.format) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                complain(&error.to_string());
                BAD_INPUT
            }
            _ if tally.found() > 0 => FAILS,
            _ => HOLDS,
        }
    }
}

/// What is not there, and what to do about it.
fn told(missing: &[(u64, u64)]) -> String {
    const SOME: usize = 4;
    let mut ranges: Vec<String> =
        missing.iter().take(SOME).map(|(from, to)| format!("{from}..{to}")).collect();
    let more = missing.len().saturating_sub(SOME);
    ranges.extend((more > 0).then(|| format!("{} more ranges", grouped(more as u64))));
    format!(
        "seeds are missing: {}; give their files too, or run them: havip-sim explore ... --resume with the merged file in \
         its place",
        ranges.join(", ")
    )
}

/// Prints a report on standard output.
pub(super) fn print(report: &Report<'_>, format: Format) -> io::Result<()> {
    let mut out = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
    match format {
        Format::Text => write!(out, "{}", report.render(&Palette::colour())),
        Format::Json => writeln!(out, "{}", report.json()),
    }
}
