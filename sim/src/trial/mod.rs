//! Two configuration files and no scenario: what happens to the clients of a cluster when its machines fail.
//!
//! [`Trial::open`] reads the files, names their machines, puts them on a segment and says what it had to assume.
//! [`Trial::run`] runs a fixed battery of stories at every phase of the advert interval and gives a [`Report`]: a
//! table of figures, and for every row that is not well the line of the file that decided it and what to write
//! instead. Every run is a script: [`Trial::save`] writes the worst of each row as a scenario file.

mod advice;
mod bare;
mod battery;
mod change;
mod cluster;
mod disagreement;
mod execute;
mod expand;
mod json;
mod junit;
mod measure;
mod page;
mod peers;
mod rows;
mod save;
mod service;
mod settings;
mod started;
mod table;

use std::fmt;
use std::path::PathBuf;

pub use advice::Remedy;
pub use battery::Story;
pub use cluster::{Basis, Tag};
pub use measure::{Figures, Without};
pub use rows::{Row, Verdict};
pub use settings::{LEFT_BEHIND, Limits, PHASES, Settings};

use havip::profile::Profile;

use crate::observe::words;
use cluster::Cluster;
use execute::Runs;

/// Why there is nothing to simulate, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is the matter.
    pub message: String,
    /// The place in the file, shown as `havipd check` does.
    pub diagnosis: Option<String>,
    /// What to do.
    pub advice: String,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), diagnosis: None, advice: String::new() }
    }
    fn diagnosis(mut self, text: impl Into<String>) -> Refusal {
        self.diagnosis = Some(text.into());
        self
    }
    fn advise(mut self, text: impl Into<String>) -> Refusal {
        self.advice = text.into();
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(diagnosis) = &self.diagnosis {
            write!(f, "\n\n{}", diagnosis.trim_end())?;
        }
        if !self.advice.is_empty() {
            write!(f, "\n  {}", self.advice)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Is told how far a trial has come, from any thread.
pub trait Progress: Sync {
    /// So many parts of so many are done.
    fn at(&self, done: usize, all: usize);
}

/// Nobody wants to know.
impl Progress for () {
    fn at(&self, _: usize, _: usize) {}
}

/// A cluster that can be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    cluster: Cluster,
    settings: Settings,
}

/// What a trial found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The rows of the table, in its order.
    pub rows: Vec<Row>,
    /// Machines that never stay master: no row begins with them.
    pub never_first: Vec<String>,
    /// For each verdict that is not ok: why, and what to write instead.
    pub remedies: Vec<Remedy>,
    /// What the figures rest on.
    pub bases: Vec<Basis>,
    title: String,
    remarks: Vec<String>,
    /// The longest `garp_master_refresh`: until when a client that is left behind stays so.
    refresh: havip::time::Duration,
    runs: Vec<Runs>,
}

impl Report {
    /// Whether a limit of `--fail-on` is passed.
    pub fn fails(&self) -> bool {
        self.rows.iter().any(Row::fails)
    }
}

impl Trial {
    /// Reads the files, one a machine: a, b, c and d in their order.
    pub fn open(files: &[PathBuf], settings: Settings) -> Result<Trial, Refusal> {
        if settings.lan && settings.cloud_delay.is_some() {
            return Err(
                Refusal::new("a lan has no cloud to wait for").advise("leave out --lan or --cloud-delay")
            );
        }
        Ok(Trial { cluster: Cluster::open(files, &settings)?, settings })
    }

    /// Runs the battery. The report is a function of the files and the settings, whatever the number of threads.
    pub fn run(&self, progress: &dyn Progress) -> Result<Report, Refusal> {
        let runs = execute::battery(&self.cluster, &self.settings, progress)?;
        let rows = rows::rows(&self.cluster, &self.settings, &runs);
        let remedies = advice::remedies(&self.cluster, &self.settings, &rows)?;
        Ok(Report {
            never_first: rows::never_first(&self.cluster, &runs),
            remedies,
            bases: self.bases(),
            title: self.title(),
            refresh: self
                .cluster
                .machines
                .iter()
                .map(|m| m.instance().garp.master_refresh)
                .max()
                .unwrap_or_default(),
            remarks: self.remarks(),
            rows,
            runs,
        })
    }

    fn title(&self) -> String {
        let machines = self.cluster.machines.iter().map(|m| format!("{} {} {}", m.name, m.address, m.path));
        let mut title = machines.collect::<Vec<_>>().join("\n");
        if self.settings.profile != Profile::KEEPALIVED {
            title.push_str(&format!("\nas {}", self.settings.profile));
        }
        title
    }

    /// What has no row, and how many warnings each file has: they are `havipd check`'s to tell.
    fn remarks(&self) -> Vec<String> {
        let mut told = Vec::new();
        if battery::scripts(&self.cluster).is_empty() {
            let text = "no file tracks a script (`track_script`): nobody notices a service that dies, and it has no row";
            told.push(text.to_owned());
        }
        for machine in &self.cluster.machines {
            let warnings = machine.loaded.diagnoses.iter();
            let n = warnings.filter(|d| d.severity == havip::config::Severity::Warning).count();
            if n > 0 {
                let (path, name) = (&machine.path, machine.name);
                let word = if n == 1 { "warning" } else { "warnings" };
                told.push(format!(
                    "{path} has {n} {word} for {name}: `havipd check {path} -i {name}` tells them"
                ));
            }
        }
        told
    }

    fn bases(&self) -> Vec<Basis> {
        let (program, known) = words::program(self.settings.profile);
        let known = if known == Tag::Measured.word() { Tag::Measured } else { Tag::Assumed };
        let mut bases = vec![
            Basis::new(known, "program", program),
            Basis::new(Tag::Measured, "host", "start, timers and addresses as late as Linux's"),
        ];
        if self.cluster.lan {
            let taken = "a neighbour stays reachable for 15..45 s, then takes 5 s and three requests (Linux)";
            bases.push(Basis::new(Tag::Measured, "arp", taken));
        } else {
            let taken = "moves to whoever announces the HAVIP by ARP, and to nobody else";
            bases.push(Basis::new(Tag::Vendor, "binding", taken));
            match self.settings.cloud_delay {
                Some((low, high)) => {
                    let taken = format!("{}..{}", scenario_time(low), scenario_time(high));
                    bases.push(Basis::new(Tag::Given, "cloud delay", taken));
                }
                None => {
                    let taken =
                        "from a claim to the binding: \"may take 10 seconds\"; --cloud-delay gives yours";
                    bases.push(Basis::new(Tag::Vendor, "D", taken));
                    if self.settings.limits.outage.is_some() {
                        bases.push(Basis::new(
                            Tag::Vendor,
                            "outage limit",
                            "--fail-on outage counts D as 10 s",
                        ));
                    }
                }
            }
        }
        bases.push(Basis::new(Tag::Assumed, "latency", "200us..400us between any two machines"));
        if self.settings.limits.two_masters.is_some() {
            let taken = "--fail-on two-masters counts the time in which they can hear each other";
            bases.push(Basis::new(Tag::Assumed, "masters limit", taken));
        }
        let refresh = self.cluster.machines.iter().map(|m| m.instance().garp.master_refresh).max();
        let refresh = refresh.unwrap_or_default();
        let split = if refresh.is_zero() {
            "protocol 112 is blocked both ways for 60 s; heal: whose advert is heard first then".to_owned()
        } else {
            let refresh = scenario_time(refresh);
            format!(
                "protocol 112 is blocked both ways for 60 s, and up to {refresh} more: heals meet every refresh"
            )
        };
        bases.push(Basis::new(Tag::Assumed, "split", split));
        bases.extend(self.cluster.bases.iter().cloned());
        bases
    }
}

fn scenario_time(time: havip::time::Duration) -> String {
    crate::scenario::TimeText(time).to_string()
}
