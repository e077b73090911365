//! What an agent of one instance does again and again while nothing happens (rule 8 of [`program`](crate::program)).

use super::Agent;
use crate::program::{Actions, Beat, InterfaceId, Now, Role};
use crate::time::{Duration, Time};
use crate::vrrp::{Datagram, VirtualRouter};

impl Agent {
    pub(super) fn steady_beat(&self) -> Option<Beat> {
        self.only_router()?.beat()
    }

    pub(super) fn push_steady_beat(&self, out: &mut Actions) {
        if let Some(router) = self.only_router() {
            router.push_beat(out);
        }
    }

    pub(super) fn shrugs(&self, now: Now, interface: InterfaceId, packet: &[u8]) -> Option<Duration> {
        let datagram = Datagram::new(packet)?;
        let router = self.only_router()?;
        (self.receiver_of(interface, &datagram) == Some(0)).then(|| router.shrugs_at(now, &datagram))?
    }

    pub(super) fn kept_on(&mut self, times: u32, last: Now) {
        let [router] = &mut self.routers[..] else { return };
        match router.role() {
            Role::Master => router.kept_speaking(times, last),
            _ => router.kept_hearing(last),
        }
        self.earliest = router.deadline();
    }

    /// Its instance, if there is one alone and nothing else has a timer.
    fn only_router(&self) -> Option<&VirtualRouter> {
        let [router] = &self.routers[..] else { return None };
        let others = [self.tracking.deadline(), self.links.deadline(), self.sessions.deadline()];
        let quiet = others.iter().all(|deadline| *deadline == Time::MAX);
        (quiet && self.groups.is_empty() && self.ends.is_none()).then_some(router)
    }
}
