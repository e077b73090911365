//! What a campaign is of: a scenario file, configuration files, or a plan that names them.

use std::path::{Path, PathBuf};

use clap::Args;
use havip::profile::Profile;

use super::{complain, print_open_error};
use crate::explore::{Base, Plan, PlanFile, Seeds};
use crate::run::{self, OpenError};
use crate::trial::{Settings, Trial};

/// A cluster, and what is done to it.
#[derive(Clone, Debug, Args)]
pub(super) struct Subject {
    /// A scenario file (*.scn); or a keepalived.conf for each machine, two to four; or a plan (*.toml)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Run every machine under this profile: keepalived, havip or keepalived-1.3
    #[arg(long = "as", value_name = "PROFILE")]
    profile: Option<Profile>,
    /// On a lan: a learning switch, any address may be claimed. Without it, configuration files are of machines in a
    /// cloud's subnet; a scenario says by itself where its machines are
    #[arg(long)]
    lan: bool,
    /// Plant a flaw in the machines that about one seed in a hundred shows: the campaign must find it
    #[arg(long)]
    canary: bool,
}

/// A subject, read.
pub(super) struct Loaded {
    pub(super) base: Base,
    pub(super) plan: Plan,
    /// Those a plan names.
    pub(super) seeds: Option<Seeds>,
}

/// Why a subject cannot be used.
pub(super) enum Bad {
    Message(String),
    Open(OpenError),
}

impl From<String> for Bad {
    fn from(message: String) -> Bad {
        Bad::Message(message)
    }
}

impl Bad {
    pub(super) fn complain(&self) {
        match self {
            Bad::Message(message) => complain(message),
            Bad::Open(error) => print_open_error(error),
        }
    }
}

impl Subject {
    pub(super) fn load(&self) -> Result<Loaded, Bad> {
        let is = |path: &Path, ending: &str| path.extension().is_some_and(|known| known == ending);
        let special = self.files.iter().find(|path| is(path, "scn") || is(path, "toml"));
        match (self.files.as_slice(), special) {
            ([plan], Some(_)) if is(plan, "toml") && !self.lan => self.load_plan(plan),
            (_, Some(_)) if self.lan => Err(Bad::Message(
                "--lan is for configuration files: a scenario says `lan` by itself, a plan `lan = true`"
                    .to_owned(),
            )),
            ([scenario], Some(_)) => self.made(base_of_scenario(scenario, self.profile)?, None),
            ([], _) => Err(Bad::Message(
                "there is no file: a scenario, a plan, or a keepalived.conf a machine".to_owned(),
            )),
            (files, None) => self.made(base_of_files(files, self.profile, self.lan)?, None),
            (files, Some(special)) => Err(Bad::Message(format!(
                "{} is one of {} files: give one scenario file, or one plan, or a keepalived.conf for each machine",
                special.display(),
                files.len()
            ))),
        }
    }

    fn load_plan(&self, path: &Path) -> Result<Loaded, Bad> {
        let plan = PlanFile::read(path)?;
        let says = |error: String| Bad::Message(format!("{}: {error}", path.display()));
        let profile = self.profile.or(plan.profile().map_err(says)?);
        // As configurations of a scenario file, what a plan names is named from its own folder.
        let folder = path.parent().unwrap_or(Path::new(""));
        let base = match (&plan.scenario, plan.files.as_slice()) {
            (Some(_), []) if plan.lan => {
                return Err(says("`lan` is for files: a scenario says it by itself".to_owned()));
            }
            (Some(scenario), []) => base_of_scenario(&folder.join(scenario), profile)?,
            (None, files @ [_, ..]) => {
                let files: Vec<PathBuf> = files.iter().map(|file| folder.join(file)).collect();
                base_of_files(&files, profile, plan.lan)?
            }
            (Some(_), _) => {
                return Err(says("it names a scenario and files: one of them is too much".to_owned()));
            }
            (None, []) => {
                let advice =
                    "it names no cluster: scenario = \"FILE.scn\", or files = [\"a.conf\", \"b.conf\"]";
                return Err(says(advice.to_owned()));
            }
        };
        self.made(base, Some((&plan, path)))
    }

    fn made(&self, base: Base, plan: Option<(&PlanFile, &Path)>) -> Result<Loaded, Bad> {
        let (plan, seeds) = match plan {
            None => (Plan::new(&base), None),
            Some((file, path)) => {
                let says = |error: String| Bad::Message(format!("{}: {error}", path.display()));
                let seeds = file.seeds.as_deref().map(Seeds::parse).transpose();
                (file.plan(&base).map_err(says)?, seeds.map_err(says)?)
            }
        };
        Ok(Loaded { base, plan: Plan { canary: self.canary, ..plan }, seeds })
    }

    /// What is typed behind `havip-sim replay` to name it again; a seed comes behind it.
    pub(super) fn words(&self) -> String {
        let mut words: Vec<String> =
            self.files.iter().map(|path| quoted(&path.display().to_string())).collect();
        if let Some(profile) = self.profile {
            words.insert(0, format!("--as {profile}"));
        }
        for (said, word) in [(self.lan, "--lan"), (self.canary, "--canary")] {
            if said {
                words.insert(0, word.to_owned());
            }
        }
        words.join(" ")
    }

    /// Without the last word, which is no file: options may stand between the two.
    pub(super) fn without_last(&self) -> (Subject, String) {
        let mut subject = self.clone();
        let last = subject.files.pop().unwrap_or_default();
        (subject, last.display().to_string())
    }

    /// The first of its files.
    pub(super) fn first(&self) -> PathBuf {
        self.files.first().cloned().unwrap_or_default()
    }
}

fn base_of_scenario(path: &Path, profile: Option<Profile>) -> Result<Base, Bad> {
    let base = Base::open(path, profile).map_err(Bad::Open)?;
    if let Some(line) = base.beyond_rules().first() {
        anstream::eprintln!(
            "{}:{line}: no rule knows of this: they hold machines to the files that these begin with, and the cloud to its \
             HAVIPs and ranges at the beginning",
            path.display()
        );
    }
    holds_by_itself(path, profile)?;
    Ok(base)
}

/// Whether a scenario holds with nothing injected. What it expects is of the profiles that it names: under another one
/// it is not looked at.
fn holds_by_itself(path: &Path, profile: Option<Profile>) -> Result<(), Bad> {
    let scenario = run::open_as(path, None, profile).map_err(Bad::Open)?;
    if scenario.expectations.is_empty() {
        return Ok(());
    }
    let own = run::open(path, None).map_err(Bad::Open)?.setup.profile();
    let is_of = |profile: &Profile| own == Some(*profile) || run::also(path).contains(profile);
    if let Some(profile) = profile.filter(|profile| !is_of(profile)) {
        let shown = path.display();
        anstream::eprintln!("what {shown} expects is not looked at: it does not say `also as {profile}`");
        return Ok(());
    }
    let record = run::run(&scenario);
    match record.verdicts.iter().find(|row| !row.verdict.holds) {
        None => Ok(()),
        Some(row) => Err(Bad::Message(format!(
            "{0} does not hold though nothing is injected: line {1}, {2}\n  `havip-sim run {0}` shows what happens; mend it, \
             or take that line out",
            path.display(),
            row.verdict.line,
            row.text
        ))),
    }
}

fn base_of_files(files: &[PathBuf], profile: Option<Profile>, lan: bool) -> Result<Base, Bad> {
    let settings = Settings { profile: profile.unwrap_or(Profile::KEEPALIVED), lan, ..Settings::default() };
    let trial = Trial::open(files, settings).map_err(|refusal| Bad::Message(refusal.to_string()))?;
    let (script, texts) = trial.started();
    let read = |name: &str| match texts.iter().find(|(file, _)| file == name) {
        Some((_, text)) => Ok(text.clone()),
        None => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    Base::new(script, None, &read).map_err(|errors| Bad::Open(OpenError::Wrong(errors)))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/+:@%=,".contains(c);
    match word.chars().all(plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
