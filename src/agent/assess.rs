//! What instances make of what they track: a bonus to their priority, a fault, or a wait for the first word of it.

use std::sync::Arc;

use super::locate::has;
use super::{Agent, groups};
use crate::config::{Tracked, Tracker};
use crate::program::{Actions, Now};
use crate::vrrp::Fault;

impl Agent {
    /// Something tracked has changed: every instance is told what that is worth to it.
    pub(super) fn assess(&mut self, now: Now, out: &mut Actions) {
        if self.ends.is_some() {
            return;
        }
        for index in 0..self.routers.len() {
            self.assess_one(index, now, out);
        }
    }

    pub(super) fn assess_one(&mut self, index: usize, now: Now, out: &mut Actions) {
        let config = Arc::clone(&self.config);
        let name = &self.routers[index].config().name;
        let Some(at) = config.instances.iter().position(|i| i.name == *name) else { return };
        let trackers = || groups::trackers_of(&config, at);
        let bonus = trackers().map(|t| self.worth(t)).sum();
        let place = self.routers[index].place();
        let interface = self.interfaces.iter().find(|i| i.id == place.interface);
        let own_down = interface.is_some_and(|i| !i.up) && config.instances[at].track_own_interface;
        let source_gone =
            interface.is_some_and(|i| !has(i, place.source)) && config.instances[at].track_source;
        let fails = |fault| trackers().any(|t| self.fault_of(t) == Some(fault));
        let kinds = [Fault::Link, Fault::Script, Fault::File, Fault::Process, Fault::Bfd];
        let failing = kinds.map(|kind| (kind, fails(kind)));
        let waits = trackers().any(|t| self.is_unknown(t));
        let begins = (self.started + config.startup_delay).max(self.booted + config.delay_after_boot);
        let delay = begins.saturating_since(now.mono);
        let router = &mut self.routers[index];
        router.set_bonus(now, bonus, out);
        router.set_fault(now, Fault::OwnLink, own_down, out);
        for (kind, fails) in failing {
            router.set_fault(now, kind, fails, out);
        }
        if config.instances[at].track_source {
            router.set_fault(now, Fault::SourceMissing, source_gone, out);
        }
        if !router.has_begun() && !waits {
            router.start(now, delay, out);
        }
    }

    /// What a tracker adds to a priority.
    fn worth(&self, tracker: Tracker) -> i32 {
        let weight = i32::from(tracker.weight);
        let good = match tracker.what {
            Tracked::Interface(i) => self.is_up(i),
            Tracked::Script(i) => self.tracking.script(i).unwrap_or(weight < 0),
            Tracked::Process(i) => self.tracking.process(i).unwrap_or(weight < 0),
            Tracked::Bfd(i) => self.sessions.is_up(i),
            Tracked::File(i) => {
                let number = self.tracking.file(i).unwrap_or(0).clamp(-254, 254) as i32;
                return number * weight * if tracker.reverse { -1 } else { 1 };
            }
        } != tracker.reverse;
        // "w > 0 adds when good; w < 0 subtracts when bad".
        if good == (weight > 0) { weight } else { 0 }
    }

    /// The fault that a tracker is a reason for.
    fn fault_of(&self, tracker: Tracker) -> Option<Fault> {
        let weightless = tracker.weight == 0;
        match tracker.what {
            Tracked::Interface(i) => (weightless && self.is_up(i) == tracker.reverse).then_some(Fault::Link),
            Tracked::Script(i) => {
                let bad = self.tracking.script(i).is_some_and(|good| good == tracker.reverse);
                (weightless && bad).then_some(Fault::Script)
            }
            Tracked::Process(i) => {
                let bad = self.tracking.process(i).is_some_and(|good| good == tracker.reverse);
                (weightless && bad).then_some(Fault::Process)
            }
            // By its source, it is in FAULT from the start until the session is up.
            Tracked::Bfd(i) => {
                (weightless && self.sessions.is_up(i) == tracker.reverse).then_some(Fault::Bfd)
            }
            // Measured (d14b, d14c): any number with weight 0, and less than -253 with another.
            Tracked::File(i) => {
                let number = self.tracking.file(i).unwrap_or(0);
                let far = !weightless && self.worth(tracker) < -253;
                (weightless && (number != 0) != tracker.reverse || far).then_some(Fault::File)
            }
        }
    }

    /// Measured (reality 8.16): an instance waits for the first word of what it cannot do without.
    fn is_unknown(&self, tracker: Tracker) -> bool {
        match tracker.what {
            Tracked::Interface(_) | Tracked::Bfd(_) => false,
            Tracked::Script(i) => tracker.weight == 0 && self.tracking.script(i).is_none(),
            Tracked::File(i) => self.tracking.file(i).is_none(),
            Tracked::Process(i) => self.tracking.process(i).is_none(),
        }
    }

    fn is_up(&self, index: u16) -> bool {
        let name = self.config.interfaces.get(usize::from(index));
        self.interfaces.iter().any(|i| Some(&i.name) == name && i.up)
    }
}
