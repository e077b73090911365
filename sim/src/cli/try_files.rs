//! `havip-sim try`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use havip::profile::Profile;
use havip::time::Duration;
use ipnet::Ipv4Net;

use super::{BAD_INPUT, FAILS, Format, HOLDS, complain};
use crate::observe::Palette;
use crate::scenario;
use crate::trial::{Limits, PHASES, Progress, Refusal, Report, Settings, Trial};

/// Try configuration files against every failure there is, and say what clients suffer.
#[derive(Debug, Args)]
#[command(after_help = "\
Machines are named a, b, c and d in the order given, and the name is keepalived's -i id: a file with `@a` and `@b`
lines can be given twice. Addresses and peers come from the files.

Each story is run with each machine as first master, at 100 phases of the advert interval. `+ D` is the time the
cloud takes to move the binding: --cloud-delay gives yours. `up to D - 6.40s`: for 6.4 s of it the old holder goes
on answering, so a cloud that takes less costs nothing. Under the table stands, for each verdict that is not ok, the
line that decided it, what to write instead, and what the row would then be.

Exit status: 0; 1 a limit of --fail-on is passed; 2 the input cannot be used.")]
pub(super) struct Try {
    /// keepalived.conf files, one a machine: two to four
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// On a lan: a learning switch, any address may be claimed. Without it: in a cloud's subnet
    #[arg(long, conflicts_with = "subnet")]
    lan: bool,
    /// The cloud's subnet, where the addresses of the files shall not say it
    #[arg(long, value_name = "CIDR", value_parser = cidr)]
    subnet: Option<Ipv4Net>,
    /// How long the cloud takes from a claim to the binding, such as 3s..8s
    #[arg(long, value_name = "D..D", value_parser = delay, conflicts_with = "lan")]
    cloud_delay: Option<(Duration, Duration)>,
    /// Exit with 1 if one of these limits is passed, such as 'outage>15s,two-masters>1s,stale'
    #[arg(long, value_name = "LIMITS", value_parser = Limits::parse)]
    fail_on: Option<Limits>,
    /// Write the worst run of each row into this folder as a scenario file that replays it
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Write the rows into this file as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write one page: the table, and under it the worst run of each row as a picture
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Run every machine under this profile: keepalived, havip or keepalived-1.3
    #[arg(long = "as", value_name = "PROFILE", default_value_t = Profile::KEEPALIVED, hide_default_value = true)]
    profile: Profile,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// How many phases of the advert interval each story is run at
    #[arg(long, value_name = "N", default_value_t = PHASES, value_parser = clap::value_parser!(u32).range(1..=10_000), hide = true)]
    phases: u32,
}

fn delay(text: &str) -> Result<(Duration, Duration), String> {
    let (low, high) = scenario::times(text)?;
    let tick = scenario::Script::TICK.as_nanos();
    let fits = |time: Duration| time.as_nanos().is_multiple_of(tick);
    if fits(low) && fits(high) { Ok((low, high)) } else { Err("finer than the tick of 100us".to_owned()) }
}

fn cidr(text: &str) -> Result<Ipv4Net, String> {
    let net: Ipv4Net = text.parse().map_err(|_| "a range of addresses such as 172.16.16.0/24".to_owned())?;
    if net == net.trunc() {
        Ok(net)
    } else {
        Err(format!("an address in a range, not a range: did you mean {}?", net.trunc()))
    }
}

impl Try {
    pub(super) fn execute(&self) -> u8 {
        match self.attempt() {
            Ok(report) => match self.print(&report) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    complain(&error.to_string());
                    BAD_INPUT
                }
                _ if report.fails() => FAILS,
                _ => HOLDS,
            },
            Err(refusal) => {
                complain(&refusal.to_string());
                BAD_INPUT
            }
        }
    }

    fn attempt(&self) -> Result<Report, Refusal> {
        let settings = Settings {
            lan: self.lan,
            subnet: self.subnet,
            cloud_delay: self.cloud_delay,
            limits: self.fail_on.unwrap_or_default(),
            phases: self.phases,
            profile: self.profile,
        };
        let trial = Trial::open(&self.files, settings)?;
        if let Some(folder) = &self.save {
            Trial::can_save(folder)?;
        }
        // Files are opened first: who may not write learns it before a long run.
        for (flag, file) in [("--junit", &self.junit), ("--html", &self.html)] {
            write(flag, file.as_deref(), || Ok(String::new()))?;
        }
        let meter = Meter { shown: io::stderr().is_terminal() };
        let report = trial.run(&meter);
        meter.clear();
        let report = report?;
        if let Some(folder) = &self.save {
            trial.save(&report, folder)?;
        }
        write("--junit", self.junit.as_deref(), || Ok(report.junit()))?;
        write("--html", self.html.as_deref(), || trial.page(&report))?;
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
fn write(
    flag: &str,
    file: Option<&Path>,
    text: impl FnOnce() -> Result<String, Refusal>,
) -> Result<(), Refusal> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()?).map_err(|error| Refusal {
        message: format!("cannot write {}: {error}", file.display()),
        diagnosis: None,
        advice: format!("give {flag} a file in a folder that exists and that you may write"),
    })
}

/// How far it has come, on a terminal only.
struct Meter {
    shown: bool,
}

impl Progress for Meter {
    fn at(&self, done: usize, all: usize) {
        if self.shown {
            eprint!("\r{done} of {all}");
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
