//! The cluster of some configuration files with every machine on from the start, for who tells its own stories of it.

use std::path::Path;

use havip::time::Duration;

use super::Trial;
use super::battery::{Plan, Story};
use crate::scenario::{Script, name_of};
use crate::world::Act;

/// How often the client asks: often enough to see every outage that people speak of.
const PERIOD: Duration = Duration::from_millis(100);

impl Trial {
    /// The script, without a story, and the configuration files as it names them.
    pub(crate) fn started(&self) -> (Script, Vec<(String, String)>) {
        // The story whose machines' scripts have a service to look at.
        let mut script = Plan::new(&self.cluster, &self.settings, Story::ServiceDies, None).script;
        script.name = self.name();
        for act in std::mem::take(&mut script.acts) {
            if let Act::PowerOn(cvm) = act.act {
                script.cvms[usize::from(cvm.0)].off = false;
            }
        }
        for client in &mut script.clients {
            (client.every, client.port) = (PERIOD, None);
        }
        if script.checks.is_empty() {
            script.services.clear();
        }
        script.run = Duration::from_secs(60);
        script.tidy();
        let mut files: Vec<(String, String)> = Vec::new();
        for machine in &self.cluster.machines {
            if !files.iter().any(|(name, _)| *name == machine.file) {
                files.push((machine.file.clone(), machine.text.clone()));
            }
        }
        (script, files)
    }

    /// The files' names, each once, as a scenario may be called.
    fn name(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for machine in &self.cluster.machines {
            let stem =
                Path::new(&machine.file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if !names.contains(&stem) {
                names.push(stem);
            }
        }
        name_of("", &names.join("-"), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::load_keepalived;
    use crate::trial::Settings;

    #[test]
    fn every_machine_is_on_and_nothing_happens() {
        let conf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/conf");
        for (name, services) in [("vendor-spelled", 0), ("vendor-safe", 0), ("pair-tracked", 1)] {
            let file = conf.join(format!("{name}.conf"));
            let trial = Trial::open(&[file.clone(), file], Settings::default());
            let Ok(trial) = trial else { panic!("{name}: {}", trial.unwrap_err()) };
            let (script, files) = trial.started();
            assert_eq!(script.name, name);
            assert!(script.acts.is_empty() && script.cvms.iter().all(|cvm| !cvm.off), "{script}");
            assert_eq!(script.services.len(), services, "{script}");
            let read =
                |path: &str| Ok(files.iter().find(|(name, _)| name == path).expect("a file").1.clone());
            assert!(script.prepare(&read, &load_keepalived).is_ok(), "{script}");
        }
    }
}
