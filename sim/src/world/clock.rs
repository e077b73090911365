//! A machine's own two clocks, against the time of the world.
//!
//! They run as fast as the world's until an act makes them drift; a step moves the wall clock alone.

use havip::program::Now;
use havip::time::{Duration, Time};

use super::act::Drift;
use super::machine::EPOCH;

/// A million parts.
const WHOLE: i128 = 1_000_000;

/// The clocks of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// Since this instant of the world it runs at this rate,
    since: Time,
    /// and this is what the monotonic clock showed then.
    shown: Time,
    drift: Drift,
    /// How far the wall clock was set forward or back, in nanoseconds.
    stepped: i64,
}

impl Default for Clock {
    fn default() -> Self {
        Clock { since: Time::ZERO, shown: Time::ZERO, drift: Drift(0), stepped: 0 }
    }
}

impl Clock {
    /// What both clocks show at an instant of the world.
    pub(super) fn now(&self, at: Time) -> Now {
        let mono = self.mono(at);
        let utc = (mono + EPOCH).as_nanos().saturating_add_signed(self.stepped);
        Now { mono, utc: Time::from_nanos(utc) }
    }

    /// The first instant of the world at which the monotonic clock shows a time.
    pub(super) fn when(&self, mono: Time) -> Time {
        if mono <= self.shown {
            return self.since; // it has passed
        }
        if self.drift == Drift(0) {
            return self.since + (mono - self.shown);
        }
        let shows = i128::from((mono - self.shown).as_nanos());
        let rate = WHOLE + i128::from(self.drift.0);
        let takes = (shows * WHOLE + rate - 1) / rate;
        self.since + Duration::from_nanos(u64::try_from(takes).unwrap_or(u64::MAX))
    }

    /// From now on the clocks gain or lose so much.
    pub(super) fn set_drift(&mut self, now: Time, drift: Drift) {
        *self = Clock { since: now, shown: self.mono(now), drift, stepped: self.stepped };
    }

    /// The wall clock is set forward, or back.
    pub(super) fn step(&mut self, by: i64) {
        self.stepped = self.stepped.saturating_add(by);
    }

    fn mono(&self, at: Time) -> Time {
        if self.drift == Drift(0) && self.since == self.shown {
            return at;
        }
        let passed = i128::from(at.saturating_since(self.since).as_nanos());
        let shows = passed * (WHOLE + i128::from(self.drift.0)) / WHOLE;
        self.shown + Duration::from_nanos(u64::try_from(shows).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Time {
        Time::ZERO + Duration::from_secs(n)
    }

    #[test]
    fn a_clock_that_gains_shows_more_and_its_timers_come_sooner() {
        let mut clock = Clock::default();
        clock.set_drift(s(10), Drift(100_000));
        assert_eq!(clock.now(s(20)).mono, s(21));
        assert_eq!(clock.when(s(21)), s(20));
        clock.set_drift(s(20), Drift(-100_000));
        assert_eq!(clock.now(s(30)).mono, s(30));
        clock.set_drift(s(30), Drift(0));
        assert_eq!(clock.now(s(31)).mono, s(31));
    }

    #[test]
    fn a_timer_never_comes_before_its_time_is_shown() {
        for ppm in [-73, -1, 1, 50, 99_999] {
            let mut clock = Clock::default();
            clock.set_drift(Time::from_nanos(7), Drift(ppm));
            for n in 0..2_000u64 {
                let deadline = Time::from_nanos(n * 1_000_003 + n);
                let at = clock.when(deadline);
                assert!(clock.now(at).mono >= deadline, "{ppm} ppm, {deadline:?}");
            }
        }
    }

    #[test]
    fn a_step_moves_the_wall_clock_alone() {
        let mut clock = Clock::default();
        clock.step(-5_000_000_000);
        assert_eq!(clock.now(s(9)), Now { mono: s(9), utc: s(4) + EPOCH });
        clock.step(i64::MIN);
        clock.step(i64::MIN);
        assert_eq!(clock.now(s(9)).utc, Time::ZERO);
    }
}
