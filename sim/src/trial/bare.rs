//! The cluster of a trial by itself, for whoever has stories of his own.

use std::io;

use super::Trial;
use super::battery::{Plan, Story};
use crate::scenario::Script;

impl Trial {
    /// The machines on their segment, all on from the start, and the client: a script in which nothing happens.
    pub(crate) fn bare(&self) -> Script {
        let mut script = Plan::new(&self.cluster, &self.settings, Story::Start, None).script;
        script.acts.clear();
        script.cvms.iter_mut().for_each(|cvm| cvm.off = false);
        script.tidy();
        script
    }

    /// The text of a file by the name that scripts of this trial have for it.
    pub(crate) fn file_text(&self, name: &str) -> io::Result<String> {
        match self.cluster.machines.iter().find(|machine| machine.file == name) {
            Some(machine) => Ok(machine.text.clone()),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }
}
