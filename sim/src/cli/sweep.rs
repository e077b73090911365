//! `havip-sim sweep`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::Args;

use super::{BAD_INPUT, FAILS, Format, HOLDS};
use crate::observe::Palette;
use crate::sweep::{Choice, Plan, Report};
use crate::trial::Progress;

/// Try a grid of settings against failures and loss, and name the one to choose for a target.
#[derive(Debug, Args)]
#[command(after_help = "\
The plan names the cluster (`files` or `scenario`), what is varied (`[grid]`: keywords of keepalived.conf, `loss`,
`bind-delay`), what happens to the master (`stories`, `runs` of each), for how long nothing does (`quiet`), and what
the setting must keep to (`target`). scenarios/sweep.toml is one.

Exit status: 0 a setting is chosen, or no target was given; 1 none meets the target; 2 the input cannot be used.")]
pub(super) struct Sweep {
    /// The plan, a TOML file; what it names is relative to its folder
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// Write the points into this file as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write a picture into this file: outages against false takeovers
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many threads; as many as there are cores if not given. The results are the same
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Sweep {
    pub(super) fn execute(&self) -> u8 {
        let printed = self.attempt().and_then(|report| match self.print(&report) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.to_string()),
            _ => Ok(report),
        });
        match printed {
            Ok(Report { choice: Some(Choice::Nearest(..)), .. }) => FAILS,
            Ok(_) => HOLDS,
            Err(message) => {
                anstream::eprintln!("{}error{}: {message}", Palette::colour().bad, anstyle::Reset);
                BAD_INPUT
            }
        }
    }

    fn attempt(&self) -> Result<Report, String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.jobs.unwrap_or(0).into()).build();
        let pool = pool.map_err(|error| format!("cannot start threads: {error}; give fewer with --jobs"))?;
        let meter = Meter { shown: io::stderr().is_terminal() };
        let report = pool.install(|| {
            let plan = Plan::read(&self.plan).map_err(|refused| refused.to_string())?;
            let sweep = crate::sweep::Sweep::open(plan).map_err(|refused| refused.to_string())?;
            // Files are opened first: who may not write learns it before a long run.
            for (flag, file) in [("--csv", &self.csv), ("--svg", &self.svg)] {
                write(flag, file.as_deref(), String::new)?;
            }
            sweep.run(&meter).map_err(|refused| refused.to_string())
        });
        meter.clear();
        let report = report?;
        write("--csv", self.csv.as_deref(), || report.csv())?;
        write("--svg", self.svg.as_deref(), || report.svg())?;
        Ok(report)
    }

    fn print(&self, report: &Report) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
        match self.format {
            Format::Text => write!(out, "{}", report.render(&Palette::colour())),
            Format::Json => writeln!(out, "{}", report.json()),
        }
    }
}

/// Writes what an option asks for, if it was given.
fn write(flag: &str, file: Option<&Path>, text: impl FnOnce() -> String) -> Result<(), String> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()).map_err(|error| {
        let advice = "a file in a folder that exists and that you may write";
        format!("cannot write {}: {error}\n  give {flag} {advice}", file.display())
    })
}

/// How far it has come, on a terminal only.
struct Meter {
    shown: bool,
}

impl Progress for Meter {
    fn at(&self, done: usize, all: usize) {
        if self.shown {
            let permille = (done * 1000).checked_div(all).unwrap_or(0);
            eprint!("\r{done} of {all} points, {}.{} %", permille / 10, permille % 10);
        }
    }
}

impl Meter {
    fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}
