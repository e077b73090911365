//! The timers of an instance: a closed list, each at most once.

use std::collections::VecDeque;

use crate::time::Time;

/// What an instance waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Backup: no advertisement came, so the master is down.
    MasterDown,
    /// Master: the next advertisement is due.
    Advert,
    /// Master, in 1.3: its addresses, an advertisement interval after the takeover.
    LateClaim,
    /// The next of the second bursts of gratuitous ARP, `garp_master_delay` after their first ones. Leaving mastership does not
    /// cancel it; it then does nothing, unless the instance is master again by then (as 2.2.7).
    GarpDelayed,
    /// The next of the second bursts after lower-priority advertisements, `garp_lower_prio_delay` after the first
    /// ones.
    GarpLowerPrio,
    /// The next frame, or round, of a burst that takes its time.
    GarpPaced,
    /// Time to ask who has the addresses.
    Verify,
}

impl Timer {
    /// In the order in which timers of one instant fire.
    const ALL: [Timer; 7] = [
        Timer::MasterDown,
        Timer::Advert,
        Timer::LateClaim,
        Timer::GarpDelayed,
        Timer::GarpLowerPrio,
        Timer::GarpPaced,
        Timer::Verify,
    ];
}

/// When each timer is due, and which is the first.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    due: [Time; Timer::ALL.len()],
    earliest: Time,
}

impl Timers {
    pub(crate) const fn new() -> Self {
        Timers { due: [Time::MAX; Timer::ALL.len()], earliest: Time::MAX }
    }
    pub(crate) fn arm(&mut self, timer: Timer, due: Time) {
        let before = std::mem::replace(&mut self.due[timer as usize], due);
        if due <= self.earliest {
            self.earliest = due;
        } else if before == self.earliest {
            self.earliest = self.due.iter().copied().min().unwrap_or(Time::MAX);
        }
    }
    pub(crate) fn disarm(&mut self, timer: Timer) {
        self.arm(timer, Time::MAX);
    }
    pub(crate) fn disarm_all(&mut self) {
        *self = Timers::new();
    }
    /// When it is due; `Time::MAX` if it is not armed.
    pub(crate) fn due(&self, timer: Timer) -> Time {
        self.due[timer as usize]
    }
    /// When the first is due.
    pub(crate) fn earliest(&self) -> Time {
        self.earliest
    }
    /// When the first of the others is due.
    pub(crate) fn earliest_but(&self, timer: Timer) -> Time {
        let others = Timer::ALL.into_iter().filter(|&other| other != timer);
        others.map(|other| self.due(other)).min().unwrap_or(Time::MAX)
    }
    /// Takes the first timer, in the order of the list, that is due.
    pub(crate) fn expired(&mut self, now: Time) -> Option<Timer> {
        if self.earliest > now {
            return None;
        }
        let timer = Timer::ALL.into_iter().find(|&t| self.due[t as usize] <= now)?;
        self.disarm(timer);
        Some(timer)
    }
}

/// Second bursts still to come. Each first burst has its own: a later one neither replaces nor delays it
/// (measured: c12, 65 to 70 frames in 12 s; d05, three elections in 7 s).
#[derive(Clone, Debug, Default)]
pub(crate) struct Bursts {
    due: VecDeque<Time>,
}

/// What is more is left out: whoever floods a master with advertisements shall not fill its memory.
const BURSTS_MAX: usize = 1024;

impl Bursts {
    /// One more, due then or later than those before it.
    pub(crate) fn add(&mut self, due: Time) {
        if self.due.len() < BURSTS_MAX {
            self.due.push_back(due);
        }
    }
    /// When the next is due.
    pub(crate) fn next(&self) -> Time {
        self.due.front().copied().unwrap_or(Time::MAX)
    }
    /// Takes those that are due and says how many they were.
    pub(crate) fn take(&mut self, now: Time) -> u32 {
        let due = self.due.iter().take_while(|due| **due <= now).count();
        self.due.drain(..due);
        due as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn each_first_burst_has_its_second_one() {
        let mut bursts = Bursts::default();
        assert_eq!((bursts.next(), bursts.take(at(9))), (Time::MAX, 0));
        for due in [5, 6, 7] {
            bursts.add(at(due));
        }
        assert_eq!((bursts.next(), bursts.take(at(6))), (at(5), 2), "a late timer finds two");
        assert_eq!((bursts.next(), bursts.take(at(7))), (at(7), 1));
        (0..5000).for_each(|_| bursts.add(at(8)));
        assert_eq!(bursts.take(at(8)), BURSTS_MAX as u32);
    }

    #[test]
    fn the_earliest_is_known_however_timers_move() {
        let mut timers = Timers::new();
        timers.arm(Timer::Advert, at(3));
        timers.arm(Timer::Verify, at(2));
        assert_eq!(timers.earliest(), at(2));
        timers.arm(Timer::Verify, at(5));
        assert_eq!(timers.earliest(), at(3), "moved away");
        assert_eq!(timers.expired(at(2)), None);
        assert_eq!(timers.expired(at(9)), Some(Timer::Advert), "in the order of the list");
        assert_eq!(timers.expired(at(9)), Some(Timer::Verify));
        assert_eq!((timers.expired(at(9)), timers.earliest()), (None, Time::MAX));
    }
}
