//! What to do where the address stays with a machine whose service is dead.

use havip::config::{Instance, Tracked};

use super::advice::{Cure, decided};
use super::change::{Block, Change, Edit, Found};
use super::cluster::{Cluster, Machine};
use super::rows::Row;

/// The address stays with a machine whose service is dead: nobody looks, or what they see moves nothing.
pub(super) fn dead(cluster: &Cluster, row: &Row) -> Cure {
    let place = cluster.machines.iter().position(|m| Some(m.name) == row.first.as_deref()).unwrap_or(0);
    let machine = &cluster.machines[place];
    let looks = |m: &Machine| m.instance().tracked.iter().any(|t| matches!(t.what, Tracked::Script(_)));
    let (names, change) = faults_where_it_fails(cluster);
    let write = vec![format!(
        "track_script {{ {} }}: a failed check is FAULT, whatever the priorities",
        names.join(" ")
    )];
    if !looks(machine) {
        return Cure {
            decided: vec![format!("{}: no track_script in {}", machine.path, machine.instance().name)],
            why: format!("{} never looks at what it serves", machine.name),
            write,
            change,
        };
    }
    let (_, failed) = priorities(machine.instance());
    let others = cluster.machines.iter().filter(|m| m.name != machine.name);
    let Some(best) = others.max_by_key(|m| priorities(m.instance()).0) else {
        return Cure { decided: Vec::new(), why: String::new(), write: Vec::new(), change: None };
    };
    let (well, _) = priorities(best.instance());
    let decided = vec![
        decided(machine, "priority", "default 100"),
        decided(best, if best.instance().nopreempt { "nopreempt" } else { "priority" }, "default 100"),
    ];
    let why = if well > failed && best.instance().nopreempt {
        format!(
            "a failed check lowers {} to {failed}, below {}'s {well}, but {} does not preempt: it leaves the address with \
             any living master",
            machine.name, best.name, best.name
        )
    } else {
        format!(
            "a failed check lowers {} to {failed}, which is not below {}'s {well}: the weight can never move the address",
            machine.name, best.name
        )
    };
    Cure { decided, why, write, change }
}

/// Every script that a machine has, tracked without a weight: what the block is to say, and the change of all files.
/// `None` where a file has not one place for the block.
fn faults_where_it_fails(cluster: &Cluster) -> (Vec<String>, Option<Change>) {
    let mut all: Vec<String> = Vec::new();
    let mut edits = Some(Vec::new());
    for (i, machine) in cluster.machines.iter().enumerate() {
        let scripts = &machine.loaded.config.scripts;
        let tracked = machine.instance().tracked.iter().filter_map(|tracker| match tracker.what {
            Tracked::Script(n) => scripts.get(usize::from(n)),
            _ => None,
        });
        let mut names: Vec<&str> = tracked.map(|script| script.name.as_str()).collect();
        let block = Block::find(&machine.text, "track_script");
        let place = match block {
            Found::One(block) => Some(Edit::Replace(block.span(), String::new())),
            Found::None if names.is_empty() => {
                names = known_to(machine, cluster);
                let below = machine.instance().decided.get("virtual_router_id");
                below.map(|span| Edit::Below(*span, String::new()))
            }
            _ => None,
        };
        if names.is_empty() {
            continue; // it has no script to look with
        }
        let entries: Vec<String> = names.iter().map(|name| format!("{} weight 0", quoted(name))).collect();
        let text = format!("track_script {{\n        {}\n    }}", entries.join("\n        "));
        let edit = match place {
            Some(Edit::Replace(span, _)) => Some(Edit::Replace(span, text)),
            Some(Edit::Below(span, _)) => Some(Edit::Below(span, format!("    {text}\n"))),
            None => None,
        };
        edits = edits.zip(edit).map(|(mut edits, edit)| {
            edits.push((i, edit));
            edits
        });
        for entry in entries {
            if !all.contains(&entry) {
                all.push(entry);
            }
        }
    }
    (all, edits.map(|edits| Change { with: Vec::new(), edits }))
}

/// The scripts that other machines track and this one's file has as well: who tracks none has none in its configuration.
fn known_to<'c>(machine: &Machine, cluster: &'c Cluster) -> Vec<&'c str> {
    let words: Vec<&str> = machine.text.split(|c: char| c.is_whitespace() || "{}\"".contains(c)).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut names: Vec<&str> = Vec::new();
    for script in cluster.machines.iter().flat_map(|other| &other.loaded.config.scripts) {
        let is_here = words.windows(2).any(|two| two == ["vrrp_script", script.name.as_str()]);
        if is_here && !names.contains(&script.name.as_str()) {
            names.push(&script.name);
        }
    }
    names
}

/// A name as one word of a file.
fn quoted(name: &str) -> String {
    if name.contains(char::is_whitespace) { format!("\"{name}\"") } else { name.to_owned() }
}

/// A machine's priority while every script of its instance is well, and while every one has failed.
fn priorities(instance: &Instance) -> (i32, i32) {
    let (mut well, mut failed) = (i32::from(instance.priority), i32::from(instance.priority));
    for tracker in instance.tracked.iter().filter(|t| matches!(t.what, Tracked::Script(_))) {
        let weight = i32::from(tracker.weight);
        // A positive weight counts while the check is good, a negative one while it is bad.
        let on_good = (weight > 0) != tracker.reverse;
        *if on_good { &mut well } else { &mut failed } += weight;
    }
    (well.clamp(1, 254), failed.clamp(1, 254))
}
