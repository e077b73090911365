//! Telling others: notify scripts and pipes, with keepalived's words (measured: d06).
//!
//! A pipe is written first, then the script of that state is run, then `notify`; nobody waits for either.

use crate::config::{Config, Notify};
use crate::program::{Action, Actions, Role};
use crate::vrrp::{Notice, VirtualRouter};

/// Runs the programs that read the pipes, before anything is written; after a reload those that are new.
pub(super) fn readers(config: &Config, before: Option<&Config>, out: &mut Actions) {
    let known = |command: &String| before.is_some_and(|before| before.fifo_scripts.contains(command));
    for command in config.fifo_scripts.iter().filter(|command| !known(command)) {
        out.push(Action::Notify { command });
    }
}

/// Tells what happened to an instance.
pub(super) fn instance(config: &Config, router: &VirtualRouter, notice: Notice, out: &mut Actions) {
    let told = &router.config().notify;
    if config.fifos.is_empty() && *told == Notify::default() {
        return;
    }
    let mut priority = router.priority();
    let (word, script, any) = match notice {
        Notice::Is(role) => (state(role), script_of(told, role), true),
        Notice::Removed => (state(Role::Fault), None, true),
        Notice::MasterHeardLower => ("MASTER_RX_LOWER_PRI", told.master_rx_lower_pri.as_deref(), false),
        Notice::Priority(_) if !told.priority_changes.unwrap_or(config.notify_priority_changes) => return,
        Notice::Priority(now) => {
            priority = now;
            let word = if router.role() == Role::Master { "MASTER_PRIORITY" } else { "BACKUP_PRIORITY" };
            (word, None, false)
        }
    };
    let subject = ("INSTANCE", router.config().name.as_str());
    tell(config, subject, (word, priority), (script, told.any.as_deref().filter(|_| any)), out);
}

/// Tells what a group has become. A group has no priority: 0 stands for it.
pub(super) fn group(config: &Config, index: usize, role: Role, out: &mut Actions) {
    let Some(group) = config.groups.get(index) else { return };
    let scripts = (script_of(&group.notify, role), group.notify.any.as_deref());
    tell(config, ("GROUP", &group.name), (state(role), 0), scripts, out);
}

/// `fifo_write_vrrp_states_on_reload`: measured (d06c), only a backup says what it is.
pub(super) fn after_reload(config: &Config, router: &VirtualRouter, out: &mut Actions) {
    if config.fifo_states_on_reload && router.role() == Role::Backup {
        let subject = ("INSTANCE", router.config().name.as_str());
        tell(config, subject, (state(Role::Backup), router.priority()), (None, None), out);
    }
}

fn tell(
    config: &Config,
    (kind, name): (&str, &str),
    (word, priority): (&str, u8),
    (script, any): (Option<&str>, Option<&str>),
    out: &mut Actions,
) {
    if !config.fifos.is_empty() {
        let line = format!("{kind} \"{name}\" {word} {priority}");
        config.fifos.iter().for_each(|path| out.push(Action::WriteFifo { path, line: &line }));
    }
    if let Some(command) = script {
        out.push(Action::Notify { command });
    }
    if let Some(command) = any {
        let quote = if name.contains(char::is_whitespace) { "\"" } else { "" };
        let command = format!("{command} {kind} {quote}{name}{quote} {word} {priority}");
        out.push(Action::Notify { command: &command });
    }
}

/// keepalived's word for a state: one that is not taking part any more has stopped.
fn state(role: Role) -> &'static str {
    match role {
        Role::Init => "STOP",
        Role::Backup => "BACKUP",
        Role::Master => "MASTER",
        Role::Fault => "FAULT",
    }
}

fn script_of(told: &Notify, role: Role) -> Option<&str> {
    match role {
        Role::Init => told.stop.as_deref(),
        Role::Backup => told.backup.as_deref(),
        Role::Master => told.master.as_deref(),
        Role::Fault => told.fault.as_deref(),
    }
}
