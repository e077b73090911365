//! The timers of an instance: a closed list, each at most once.

use crate::time::Time;

/// What an instance waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Backup: no advertisement came, so the master is down.
    MasterDown,
    /// Master: the next advertisement is due.
    Advert,
    /// The second burst of gratuitous ARP, `garp_master_delay` after the first. Leaving mastership does not
    /// cancel it; it then does nothing, unless the instance is master again by then (as 2.2.7).
    GarpDelayed,
    /// The second burst after a lower-priority advertisement, `garp_lower_prio_delay` after the first.
    GarpLowerPrio,
}

impl Timer {
    /// In the order in which timers of one instant fire.
    const ALL: [Timer; 4] = [Timer::MasterDown, Timer::Advert, Timer::GarpDelayed, Timer::GarpLowerPrio];
}

/// When each timer is due.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    due: [Time; Timer::ALL.len()],
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Timers { due: [Time::MAX; Timer::ALL.len()] }
    }
    pub(crate) fn arm(&mut self, timer: Timer, due: Time) {
        self.due[timer as usize] = due;
    }
    pub(crate) fn disarm(&mut self, timer: Timer) {
        self.due[timer as usize] = Time::MAX;
    }
    pub(crate) fn disarm_all(&mut self) {
        self.due = [Time::MAX; Timer::ALL.len()];
    }
    /// When the first is due.
    pub(crate) fn earliest(&self) -> Time {
        self.due.iter().copied().min().unwrap_or(Time::MAX)
    }
    /// Takes the first timer, in the order of the list, that is due.
    pub(crate) fn expired(&mut self, now: Time) -> Option<Timer> {
        let timer = Timer::ALL.into_iter().find(|&t| self.due[t as usize] <= now)?;
        self.disarm(timer);
        Some(timer)
    }
}
