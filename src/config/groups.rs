//! `vrrp_sync_group`: instances that are master together or not at all.

use std::sync::Arc;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::model::{Instance, SyncGroup};
use super::notify::Notifies;
use super::parser::Node;
use super::tracking::{Definitions, Found, Lines};
use super::weights::{self, Why};
use super::{Config, Span};

/// An instance in force, before its group had a word.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) instance: Instance,
    pub(super) name: Span,
    pub(super) tracked: Vec<Found>,
}

/// A group as far as its own lines say.
#[derive(Debug)]
pub(super) struct Group {
    name: Word,
    members: Option<Vec<Word>>,
    tracked: Vec<Found>,
    tracking_weight: bool,
    pub(super) notifies: Notifies,
}

/// Reads every `vrrp_sync_group`.
pub(super) fn read(top: &[Node], definitions: &mut Definitions, out: &mut Diagnoses) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (place, node) in top.iter().enumerate().filter(|(_, n)| n.name() == "vrrp_sync_group") {
        // A block without a name, or with two, was diagnosed by the parser and is skipped.
        let [_, name] = node.words.as_slice() else { continue };
        if let Some(before) = groups.iter().find(|g| g.name.text == name.text) {
            let message = format!("there is a group {} already: this one is skipped", quote(&name.text));
            let twice = Diagnosis::error("group-twice", name.span, message);
            out.push(twice.related(before.name.span, "the first").by_keepalived());
            continue;
        }
        groups.push(group(name, node, place, definitions, out));
    }
    groups
}

fn group(
    name: &Word,
    node: &Node,
    place: usize,
    definitions: &mut Definitions,
    out: &mut Diagnoses,
) -> Group {
    let (mut members, mut lines, mut notifies) = (None, Lines::default(), Notifies::default());
    let mut tracking_weight = false;
    for line in &node.children {
        match line.name() {
            "group" if members.is_some() => {
                let message =
                    format!("{} has a list of instances already: that one counts", quote(&name.text));
                out.push(Diagnosis::error("members-twice", line.span(), message).by_keepalived());
            }
            // One name a line is the custom; keepalived takes every word.
            "group" => {
                members =
                    Some(line.children.iter().flat_map(|n| n.words.iter().cloned()).collect::<Vec<_>>());
            }
            "sync_group_tracking_weight" => tracking_weight = true,
            "global_tracking" => {
                tracking_weight = true;
                let message = "`global_tracking` is an old name: `sync_group_tracking_weight` is the one";
                out.push(Diagnosis::warning("deprecated", line.span(), message).by_keepalived());
            }
            _ => {
                let _ = lines.block(line) || notifies.line(line, out);
            }
        }
    }
    let tracked = definitions.resolve(&name.text, place, &lines, out);
    Group { name: name.clone(), members, tracked, tracking_weight, notifies }
}

/// Puts instances and groups together: who is in which, and whose weights count.
pub(super) fn settle(groups: Vec<Group>, mut members: Vec<Member>, config: &mut Config, out: &mut Diagnoses) {
    let names: std::collections::BTreeMap<String, usize> =
        members.iter().enumerate().map(|(i, m)| (m.instance.name.clone(), i)).collect();
    let mut of: Vec<Option<(Span, bool)>> = vec![None; members.len()];
    for group in groups {
        let mut list = Vec::new();
        for word in group.members.iter().flatten() {
            let Some(&i) = names.get(&word.text) else {
                let message = format!("there is no instance {} for the group to have", quote(&word.text));
                out.push(
                    Diagnosis::error("no-such-instance", word.span, message)
                        .label("left out")
                        .by_keepalived(),
                );
                continue;
            };
            if let Some((other, _)) = of[i] {
                let message = format!("{} is in a group already", quote(&word.text));
                let twice = Diagnosis::error("two-groups", word.span, message).label("left out");
                out.push(twice.related(other, "this group has it").by_keepalived());
                continue;
            }
            of[i] = Some((group.name.span, group.tracking_weight));
            let priorities = &mut members[i].instance.notify.priority_changes;
            *priorities = priorities.or(group.notifies.notify.priority_changes);
            list.push(i);
        }
        if let Some(group) = one(group, list, &members, out) {
            config.groups.push(group);
        }
    }
    for (member, group) in members.into_iter().zip(of) {
        let Member { mut instance, tracked, .. } = member;
        let why = match group {
            Some((span, false)) => Some(Why::Group(span)),
            _ if instance.priority == 255 => Some(Why::Owner),
            _ => None,
        };
        let tracked = match why {
            Some(why) => weights::drop_from(&instance.name, tracked, why, out),
            None => tracked,
        };
        weights::check_effect(&instance, &tracked, out);
        instance.tracked = tracked.iter().map(|f| f.tracker).collect();
        config.instances.push(Arc::new(instance));
    }
}

/// The group in force; `None` where keepalived removes it.
fn one(mut group: Group, list: Vec<usize>, members: &[Member], out: &mut Diagnoses) -> Option<SyncGroup> {
    let name = &group.name;
    if list.is_empty() {
        let message = format!("the group {} has no instance: it is left out", quote(&name.text));
        out.push(Diagnosis::error("empty-group", name.span, message).by_keepalived());
        return None;
    }
    if list.len() == 1 {
        let message =
            format!("the group {} has one instance: there is nothing to keep together", quote(&name.text));
        out.push(Diagnosis::warning("lone-member", name.span, message).by_keepalived());
    }
    let owner = |&i: &usize| members[i].instance.priority == 255 && members[i].instance.starts_master;
    let owners = list.iter().filter(|i| owner(i)).count();
    if owners > 0 && owners < list.len() {
        let message =
            format!("some instances of the group {} are owners and some are not", quote(&name.text));
        let help = "an owner is master at once and a group only together: give all or none priority 255";
        out.push(Diagnosis::error("owners-in-group", name.span, message).help(help).by_keepalived());
    }
    if list.iter().any(|&i| members[i].instance.priority == 255) {
        weights::clear(&name.text, &mut group.tracked, out);
    }
    Some(SyncGroup {
        name: name.text.clone(),
        members: list,
        tracked: group.tracked.iter().map(|f| f.tracker).collect(),
        tracking_weight: group.tracking_weight,
        notify: group.notifies.notify,
    })
}
