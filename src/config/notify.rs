//! `notify_*`: which programs are told, and how their command lines are quoted.

use std::collections::BTreeMap;

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis};
use super::model::Notify;
use super::parser::Node;

/// The `notify_*` lines of an instance or a group. The first of each counts.
#[derive(Debug, Default)]
pub(super) struct Notifies {
    pub(super) notify: Notify,
    lines: BTreeMap<&'static str, Span>,
}

impl Notifies {
    /// One line; false when it is none of these.
    pub(super) fn line(&mut self, node: &Node, out: &mut Diagnoses) -> bool {
        let name = node.name();
        let notify = &mut self.notify;
        if name == "notify_priority_changes" {
            notify.priority_changes = super::values::switch(node, out).or(notify.priority_changes);
            return true;
        }
        let field = match name {
            "notify_master" => &mut notify.master,
            "notify_backup" => &mut notify.backup,
            "notify_fault" => &mut notify.fault,
            "notify_stop" => &mut notify.stop,
            "notify" => &mut notify.any,
            "notify_master_rx_lower_pri" => &mut notify.master_rx_lower_pri,
            _ => return false,
        };
        if let Some(&first) = self.lines.get(name) {
            let message = format!("there is a {name} already: that one counts");
            let twice = Diagnosis::warning("notify-twice", node.span(), message);
            out.push(twice.label("no effect").related(first, "the first").by_keepalived());
            return true;
        }
        self.lines.insert(name, node.span());
        *field = command(node);
        true
    }

    /// The line of the first program, if there is any.
    pub(super) fn first(&self) -> Option<Span> {
        self.lines.values().min().copied()
    }
}

/// The command line behind a keyword: a word, or what stands in quotes. Words behind it are a user and a group.
pub(super) fn command(node: &Node) -> Option<String> {
    let first = node.value()?;
    let Some(rest) = first.text.strip_prefix('\'') else { return Some(first.text.clone()) };
    // Single quotes are no quotes to the lexer: its words are put together again up to the closing one.
    let mut text = String::new();
    for (i, word) in node.words[1..].iter().enumerate() {
        let part = if i == 0 { rest } else { word.text.as_str() };
        if i > 0 {
            text.push(' ');
        }
        if let Some(last) = part.strip_suffix('\'') {
            text.push_str(last);
            return Some(text);
        }
        text.push_str(part);
    }
    Some(text)
}
