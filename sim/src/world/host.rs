//! How inexact a machine is: one table, each row with its measurement.
//!
//! A kernel and a scheduler are never exact, and a perfect lattice of timers gives the wrong answer by a whole
//! second where two of them fall together. The rows are what keepalived 2.2.7 showed on two-core virtual machines
//! (Debian 12); none is tuned for one case. `host exact` switches the table off: every row becomes its shortest
//! possible value, and only the tick is left.

use havip::time::{Duration, Time};

use super::chance::{Chance, Purpose};

/// One row: how long something takes, as the share of cases in which it took no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What takes so long.
    pub what: &'static str,
    /// Per mille of the cases, and how long they took at most; even in between. From 0 to 1000.
    pub quantiles: &'static [(u64, Duration)],
    /// Where it was measured.
    pub measured: &'static str,
    purpose: Purpose,
}

const fn micros(n: u64) -> Duration {
    Duration::from_micros(n)
}

/// From starting a program to its first step. Case c01: process start to first advertisement took 3.6265 to
/// 3.6676 s, 3.6094 s of which is the master down interval; case d16, which has no such interval, 12.6 to 24.5 ms.
pub const PROGRAM_START: Row = Row {
    what: "program start",
    quantiles: &[(0, micros(12_000)), (1000, micros(58_000))],
    measured: "c01, d16, 14 runs",
    purpose: Purpose::ProgramStart,
};
/// How late a timer fires. Every timer row of the first round: rule + 0.1 to 0.5 ms.
pub const TIMER_LATENESS: Row = Row {
    what: "timer lateness",
    quantiles: &[(0, micros(80)), (1000, micros(500))],
    measured: "c01-c17, and 2019 advert intervals",
    purpose: Purpose::TimerLateness,
};
/// From asking the kernel for an address to having it. Cases c02 and c17: first advertisement to first
/// gratuitous ARP, which waits for the address, took 0.1 to 1 ms (10 ms once in 55 runs).
pub const ADDRESS_INSTALL: Row = Row {
    what: "address install",
    quantiles: &[(0, micros(100)), (1000, micros(1_000))],
    measured: "55 takeovers",
    purpose: Purpose::AddressInstall,
};
/// Between two frames a program sends in one go: half of them within 21 us, one in a hundred after more than 228.
pub const BURST_SPACING: Row = Row {
    what: "spacing in a burst",
    quantiles: &[
        (0, micros(7)),
        (250, micros(11)),
        (500, micros(21)),
        (750, micros(37)),
        (900, micros(71)),
        (950, micros(105)),
        (990, micros(228)),
        (1000, micros(835)),
    ],
    measured: "2296 frames of all captures",
    purpose: Purpose::BurstSpacing,
};
/// The same behind the first [`SHORT_BURST`] frames, where a program has nothing to do but to send. Case d21c, whose two
/// bursts of a hundred frames are 1.1 ms long each.
pub const LONG_BURST_SPACING: Row = Row {
    what: "spacing in a long burst",
    quantiles: &[
        (0, micros(7)),
        (250, micros(8)),
        (500, micros(9)),
        (750, micros(13)),
        (900, micros(17)),
        (950, micros(21)),
        (990, micros(31)),
        (1000, micros(66)),
    ],
    measured: "d21c, 216 frames",
    purpose: Purpose::BurstSpacing,
};
/// How many frames a short burst has: two times five, the most that most captures have in one go.
pub const SHORT_BURST: u32 = 10;
/// From a change of carrier to the program's hearing of it. Cases c04 and c04b.
pub const LINK_EVENT: Row = Row {
    what: "link event",
    quantiles: &[(0, micros(4_000)), (1000, micros(32_000))],
    measured: "c04, c04b, 10 runs",
    purpose: Purpose::LinkEvent,
};
/// From a signal (SIGTERM, SIGHUP) to the program's acting on it. Cases d04a, d04g and d04k.
pub const SIGNAL: Row = Row {
    what: "signal",
    quantiles: &[(0, micros(300)), (500, micros(800)), (1000, micros(3_200))],
    measured: "d04, 9 runs",
    purpose: Purpose::Signal,
};
/// From asking for a script to hearing how it ended: to fork, to run a shell, to exit. The first good run of a script
/// that does nothing was known 2 to 9 ms after the start (`init_fail` with `rise 3`); notify scripts wrote their first
/// line 3.3 ms after the address was there (case d06, 27 runs, up to 7.2).
pub const SCRIPT: Row = Row {
    what: "script",
    quantiles: &[(0, micros(2_000)), (500, micros(3_300)), (1000, micros(9_000))],
    measured: "d15, d06, 27 runs",
    purpose: Purpose::Script,
};
/// From writing a tracked file to the program's having read it, by inotify. Cases d14 to d14d.
pub const FILE_EVENT: Row = Row {
    what: "file event",
    quantiles: &[(0, micros(300)), (500, micros(500)), (1000, micros(800))],
    measured: "d14, 9 runs",
    purpose: Purpose::FileEvent,
};
/// From typing `ip addr del` to the program's having heard of it, the goodbye leaving within 0.3 ms of that. Case d05.
pub const TAMPER: Row = Row {
    what: "command by hand",
    quantiles: &[(0, micros(4_700)), (500, micros(5_200)), (1000, micros(7_700))],
    measured: "d05, 3 runs",
    purpose: Purpose::Tamper,
};

/// The whole table, but for the kernel's own timers (see [`Host::kernel_timer`]).
pub const TABLE: [Row; 10] = [
    PROGRAM_START,
    TIMER_LATENESS,
    ADDRESS_INSTALL,
    BURST_SPACING,
    LONG_BURST_SPACING,
    LINK_EVENT,
    SIGNAL,
    SCRIPT,
    FILE_EVENT,
    TAMPER,
];

/// Linux rounds a timer of its own up to a grain that grows with its length (`kernel/time/timer.c`, 250 Hz): up to
/// how long, and the grain.
const WHEEL: [(Duration, Duration); 4] = [
    (Duration::from_millis(252), Duration::from_millis(4)),
    (Duration::from_millis(2_016), Duration::from_millis(32)),
    (Duration::from_millis(16_128), Duration::from_millis(256)),
    (Duration::from_millis(129_024), Duration::from_millis(2_048)),
];

/// The host table of a run, on or off.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    chance: Chance,
    exact: bool,
}

impl Host {
    /// The table of a run; `exact` switches it off.
    pub const fn new(chance: Chance, exact: bool) -> Self {
        Host { chance, exact }
    }

    /// How long a thing takes on a node, the `n`-th of its kind begun at this instant.
    pub fn takes(self, row: &Row, node: u32, at: Time, n: u32) -> Duration {
        if self.exact {
            return Duration::ZERO;
        }
        let draw = self.chance.of_node(row.purpose, node, at, n).between(0, 999_999);
        quantile(row.quantiles, draw)
    }

    /// When a timer of a node's kernel fires that is set now: up to a grain late. Measured in c23: requests for a
    /// neighbour 1.015 to 1.024 s apart, its delay of 5 s lasting 5.15 s.
    pub fn kernel_timer(self, node: u32, now: Time, length: Duration, n: u32) -> Time {
        let due = now + length;
        let grain = WHEEL.iter().find(|(up_to, _)| length <= *up_to).map_or(WHEEL[3].1, |&(_, grain)| grain);
        if self.exact {
            return due;
        }
        due + self.chance.of_node(Purpose::KernelTimer, node, now, n).within((Duration::ZERO, grain))
    }

    /// When a kernel takes an address away that was given this lifetime now. It counts whole seconds, and its check of
    /// lifetimes runs a second apart at the least (`check_lifetime` of `net/ipv4/devinet.c`,
    /// `ADDRCONF_TIMER_FUZZ_MAX`): up to a second late. That it is never early is assumed: Linux may be by the 20 ms
    /// of `ADDRCONF_TIMER_FUZZ_MINUS`.
    pub fn lifetime_ends(self, node: u32, now: Time, lifetime: Duration, n: u32) -> Time {
        let second = Duration::from_secs(1);
        let due = now + second * lifetime.as_nanos().div_ceil(second.as_nanos()).max(1);
        if self.exact {
            return due;
        }
        due + self.chance.of_node(Purpose::LifetimeCheck, node, now, n).within((Duration::ZERO, second))
    }

    /// The chance behind it.
    pub const fn chance(self) -> Chance {
        self.chance
    }
}

/// The length at a share, in parts per million, of a row.
fn quantile(quantiles: &[(u64, Duration)], ppm: u64) -> Duration {
    // Most rows are even from end to end, and every timer of every seed comes by here.
    if let &[(0, low), (1000, high)] = quantiles {
        return low + Duration::from_nanos((high.as_nanos() - low.as_nanos()) * ppm / 1_000_000);
    }
    let above = quantiles.iter().position(|&(share, _)| share * 1000 > ppm).unwrap_or(quantiles.len() - 1);
    let [(from, low), (to, high)] = [quantiles[above.saturating_sub(1)], quantiles[above]];
    let (into, width) = (ppm.saturating_sub(from * 1000), (to - from).max(1) * 1000);
    low + Duration::from_nanos((high.as_nanos() - low.as_nanos()) * into / width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_drawn_as_it_was_measured() {
        let host = Host::new(Chance::new(3), false);
        let mut drawn: Vec<u64> = (0..10_000)
            .map(|n| host.takes(&BURST_SPACING, 1, Time::from_nanos(n), 0).as_nanos() / 1000)
            .collect();
        drawn.sort_unstable();
        assert_eq!(drawn[0], 7);
        assert!((20..=22).contains(&drawn[5_000]), "median {}", drawn[5_000]);
        assert!((95..=115).contains(&drawn[9_500]), "p95 {}", drawn[9_500]);
    }

    #[test]
    fn every_row_is_in_order_and_reaches_its_ends() {
        for row in TABLE {
            let mut sorted = row.quantiles.to_vec();
            sorted.sort_unstable();
            assert_eq!(row.quantiles, sorted, "{}", row.what);
            assert_eq!((sorted[0].0, sorted[sorted.len() - 1].0), (0, 1000), "{}", row.what);
            assert_eq!(quantile(row.quantiles, 0), sorted[0].1);
        }
    }

    #[test]
    fn a_kernel_timer_is_late_by_its_grain_at_most_and_never_early() {
        let host = Host::new(Chance::new(3), false);
        for n in 0..1000 {
            let now = Time::from_nanos(n * 1_000_003);
            for (length, grain) in [(1_000, 32), (5_000, 256), (30_000, 2_048)] {
                let length = Duration::from_millis(length);
                let late = host.kernel_timer(1, now, length, 7) - (now + length);
                assert!(late <= Duration::from_millis(grain), "{late}");
            }
        }
    }
}
