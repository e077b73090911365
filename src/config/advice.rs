//! What to do about it: remarks that take a whole file to make.

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::{Config, Instance, Span};

/// Instances that get in each other's way; why keepalived refuses to run, if it does.
pub(super) fn check_together(instances: &[(Instance, Span)], out: &mut Diagnoses) -> Option<String> {
    for (i, (a, first)) in instances.iter().enumerate() {
        for (b, second) in &instances[..i] {
            let same = a.vrid == b.vrid && a.interface == b.interface && a.is_unicast() == b.is_unicast();
            if same && a.interface.is_some() {
                let message = format!(
                    "{} and {} have the same virtual_router_id on the same interface",
                    quote(&b.name),
                    quote(&a.name)
                );
                let help = "keepalived refuses to start (exit 2)";
                out.push(
                    Diagnosis::error("vrid-twice", *first, message.clone())
                        .related(*second, "the other")
                        .help(help)
                        .by_keepalived(),
                );
                return Some(message);
            }
        }
    }
    None
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
