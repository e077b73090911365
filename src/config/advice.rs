//! What to do about it: remarks that take a whole file to make.

use std::collections::BTreeMap;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::groups::Member;
use super::tracking::{Found, Kind};
use super::{Config, Instance, Span};

/// Instances that get in each other's way; why keepalived refuses to run, if it does.
pub(super) fn check_together(members: &[Member], out: &mut Diagnoses) -> Option<String> {
    let mut seen: BTreeMap<_, Vec<&Member>> = BTreeMap::new();
    for member in members.iter().filter(|m| m.instance.interface.is_some()) {
        let a = &member.instance;
        let key = (a.vrid, &a.interface, a.is_unicast(), a.is_ipv6());
        let others = seen.entry(key).or_default();
        // Unicast instances that speak from different addresses are told apart by them.
        let apart =
            |b: &Instance| a.is_unicast() && a.source.is_some() && b.source.is_some() && a.source != b.source;
        if let Some(other) = others.iter().find(|m| !apart(&m.instance)) {
            let message = format!(
                "{} and {} have the same virtual_router_id on the same interface",
                quote(&other.instance.name),
                quote(&a.name)
            );
            let help = "keepalived refuses to start (exit 2)";
            out.push(
                Diagnosis::error("vrid-twice", member.name, message.clone())
                    .related(other.name, "the other")
                    .help(help)
                    .by_keepalived(),
            );
            return Some(message);
        }
        others.push(member);
    }
    None
}

/// Whether a line tracks the instance's own interface: it is left out, since that one always counts.
pub(super) fn is_own_interface(found: &Found, who: &str, own: Option<&str>, out: &mut Diagnoses) -> bool {
    let own = found.kind == Kind::Interface && Some(found.name.as_str()) == own;
    if own {
        let message = format!("{who}: the own interface is always tracked: this line has no effect");
        out.push(Diagnosis::warning("own-interface-tracked", found.line, message).by_keepalived());
    }
    own
}

/// keepalived's own complaint where programs are run and `enable_script_security` is not written.
pub(super) fn script_security(first: Option<Span>, out: &mut Diagnoses) {
    let Some(span) = first else { return };
    let message = "programs are run, and `enable_script_security` is not written";
    let help = "in `global_defs`: then a program that runs as root and that others may change is not run";
    out.push(Diagnosis::warning("script-security", span, message).help(help).by_keepalived());
}

/// The code of [`safe_pair`]: it advises on the whole file and comes last.
pub(super) const SAFE_PAIR: &str = "safe-pair";

/// The pair that does what people who wrote this wanted, once: where `state MASTER` undoes a `nopreempt`.
pub(super) fn safe_pair(cleared: Span, config: &Config, out: &mut Diagnoses) {
    let refresh = config.instances.iter().all(|i| !i.garp.master_refresh.is_zero());
    let mut note = Diagnosis::note(
        SAFE_PAIR,
        cleared,
        "to leave the address where it is, write the same on both machines",
    )
    .help("`state BACKUP` and `nopreempt` on both, equal priorities, no `preempt_delay`");
    if !refresh {
        note = note.help("and `garp_master_refresh 5`: once a split has healed, it bounds how long a client stays with the loser");
    }
    out.push(note);
}
