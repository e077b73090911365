//! Another configuration for the same machines: what advice would make of their files.

use havip::config::Span;
use havip::files::Files;

use super::cluster::{Cluster, Machine, understand};

/// What to write instead.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// Scalars of every machine's instance.
    pub(super) with: Vec<(&'static str, String)>,
    /// Edits of single files: machine, where, what.
    pub(super) edits: Vec<(usize, Edit)>,
}

/// An edit of a machine's file.
#[derive(Clone, Debug)]
pub(super) enum Edit {
    /// Other text in place of this.
    Replace(Span, String),
    /// Lines below the line of this.
    Below(Span, String),
}

impl Change {
    /// One or more scalars, on every machine.
    pub(super) fn with(pairs: &[(&'static str, &str)]) -> Change {
        let with = pairs.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Change { with, edits: Vec::new() }
    }

    /// The cluster with the change made; `None` where the files do not take it.
    pub(super) fn made(&self, cluster: &Cluster) -> Option<Cluster> {
        let mut changed = cluster.clone();
        for (i, machine) in changed.machines.iter_mut().enumerate() {
            let edits: Vec<&Edit> =
                self.edits.iter().filter(|(n, _)| *n == i).map(|(_, edit)| edit).collect();
            if !edits.is_empty() {
                edit(machine, &edits)?;
            }
            for (key, value) in &self.with {
                machine.with.retain(|(known, _)| known != key);
                machine.with.push(((*key).to_owned(), value.clone()));
            }
            let files = Files::single(machine.file.clone(), machine.text.clone());
            let loaded = understand(&files, machine.name, &machine.with, cluster.profile);
            if loaded.config.instances.len() != 1 || !loaded.unmatched_with.is_empty() {
                return None;
            }
            machine.loaded = loaded;
        }
        Some(changed)
    }
}

/// Edits the text of a machine whose file includes no other: only there do places fit.
fn edit(machine: &mut Machine, edits: &[&Edit]) -> Option<()> {
    let text = machine.text.clone();
    if machine.loaded.sources.files().first()?.text != text {
        return None;
    }
    let mut places: Vec<(usize, usize, &str)> = Vec::new();
    for edit in edits {
        places.push(match edit {
            Edit::Replace(span, with) => (span.start as usize, span.end as usize, with.as_str()),
            Edit::Below(span, lines) => {
                let rest = text.get(span.end as usize..)?;
                let end = span.end as usize + rest.find('\n').map_or(rest.len(), |n| n + 1);
                (end, end, lines.as_str())
            }
        });
    }
    places.sort_by_key(|(start, ..)| std::cmp::Reverse(*start));
    let mut new = text;
    for (start, end, with) in places {
        new.get(start..end)?;
        new.replace_range(start..end, with);
    }
    machine.text = new;
    machine.file = format!("conf/{}-changed.conf", machine.name);
    Some(())
}
