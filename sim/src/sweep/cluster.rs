//! The cluster of a plan: a script in which nothing happens, and the files it names.

use std::io;
use std::path::{Path, PathBuf};

use havip::profile::Profile;

use super::plan::{Named, Plan, Refused, refused};
use crate::scenario::{Scenario, Script, ScriptError, load_keepalived};
use crate::trial::{Settings, Trial};
use crate::world::{ProgramSetup, Setup};

/// What is swept.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    /// The machines, their network, their clients; no act, no expectation.
    pub(super) script: Script,
    files: Files,
    /// What there is to say about the files as they are.
    known: Vec<String>,
}

#[derive(Clone, Debug)]
enum Files {
    /// Those of a trial.
    Of(Box<Trial>),
    /// Those of a folder.
    In(PathBuf),
}

impl Cluster {
    /// Reads what the plan names.
    pub(super) fn open(plan: &Plan) -> Result<Cluster, Refused> {
        let (mut script, files) = match &plan.cluster {
            Named::Files { files, lan, subnet } => {
                let profile = plan.profile.unwrap_or(Profile::KEEPALIVED);
                let settings = Settings { lan: *lan, subnet: *subnet, profile, ..Settings::default() };
                let trial = Trial::open(files, settings).map_err(|refusal| Refused(refusal.to_string()))?;
                (trial.bare(), Files::Of(Box::new(trial)))
            }
            Named::Scenario(path) => {
                let text = std::fs::read(path)
                    .map_err(|error| Refused(format!("cannot read {}: {error}", path.display())))?;
                let text = String::from_utf8_lossy(&text);
                let script = Script::parse(&path.display().to_string(), &text)
                    .map_err(|errors| Refused(said(&errors)))?;
                let script = plan.profile.map_or(script.clone(), |profile| script.under(profile));
                (script, Files::In(path.parent().unwrap_or(Path::new("")).to_owned()))
            }
        };
        // A sweep has stories of its own, and judges by its target.
        script.acts.clear();
        script.expectations.clear();
        (script.phases, script.also) = (None, Vec::new());
        script.tidy();
        if script.clients.is_empty() {
            let message = "no client: nobody would miss the address, and no outage could be measured";
            return Err(Refused(format!("{}: {message}", script.source.file)));
        }
        let mut cluster = Cluster { script, files, known: Vec::new() };
        let setup = cluster.prepare(&cluster.script).map_err(|errors| Refused(said(&errors)))?;
        cluster.known = diagnoses(&setup).map(str::to_owned).collect();
        Ok(cluster)
    }

    /// A script of this cluster, ready to run.
    pub(super) fn prepare(&self, script: &Script) -> Result<Setup, Vec<ScriptError>> {
        let read = |name: &str| -> io::Result<String> {
            match &self.files {
                Files::Of(trial) => trial.file_text(name),
                Files::In(folder) => std::fs::read_to_string(folder.join(name)),
            }
        };
        let Scenario { setup, .. } = script.prepare(&read, &load_keepalived)?;
        Ok(setup)
    }

    /// Makes sure that every axis overrides something, each by itself: who misspells a keyword is told which.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Refused> {
        plan.grid.check(&self.script).map_err(|(line, message)| refused(&plan.path, line, message))?;
        for axis in &plan.grid.axes {
            let alone = super::grid::Grid { axes: vec![axis.clone()] };
            let script = alone.script(&self.script, &super::grid::Point(vec![0]));
            if let Err(errors) = self.prepare(&script) {
                let said = errors.first().map_or("", |error| &error.message);
                let message = format!("{said}: a keyword of the grid is a scalar of a `vrrp_instance`");
                return Err(refused(&plan.path, axis.line, message));
            }
        }
        Ok(())
    }

    /// What a point's values make keepalived say that it does not say of the files as they are. An error refuses the
    /// point: what it would run with is not what was asked for.
    pub(super) fn remarks(&self, setup: &Setup) -> Result<Vec<String>, String> {
        let mut new: Vec<&str> =
            diagnoses(setup).filter(|said| !self.known.iter().any(|one| one == said)).collect();
        // Several machines may say the same.
        new.sort_unstable();
        new.dedup();
        match new.iter().find(|said| said.contains(": error[")) {
            Some(said) => Err((*said).to_owned()),
            None => {
                Ok(new.into_iter().filter(|said| said.contains(": warning[")).map(str::to_owned).collect())
            }
        }
    }
}

/// What a script's errors come to in a line.
pub(super) fn why(errors: &[ScriptError]) -> String {
    let Some(first) = errors.first() else { return "it cannot be run".to_owned() };
    let help = first.help.as_ref().map_or(String::new(), |help| format!("; {help}"));
    format!("{}{help}", first.message)
}

fn said(errors: &[ScriptError]) -> String {
    errors.iter().map(ScriptError::one_line).collect::<Vec<_>>().join("\n")
}

fn diagnoses(setup: &Setup) -> impl Iterator<Item = &str> {
    setup.cvms.iter().flat_map(|cvm| {
        let ProgramSetup::Agent { diagnoses, .. } = &cvm.program;
        diagnoses.iter().map(String::as_str)
    })
}
