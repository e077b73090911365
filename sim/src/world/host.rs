//! How inexact a machine is: one table, each row with its measurement.
//!
//! A kernel and a scheduler are never exact, and a perfect lattice of timers gives the wrong answer by a whole
//! second where two of them fall together. The rows are what keepalived 2.2.7 showed on two-core virtual machines
//! (Debian 12); none is tuned for one case. `host exact` switches the table off: every row becomes its shortest
//! possible value, and only the tick is left.

use havip::time::{Duration, Time};

use super::chance::{Chance, Purpose};

/// One row: a range that is drawn from evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What takes so long.
    pub what: &'static str,
    /// Shortest and longest.
    pub range: (Duration, Duration),
    /// Where it was measured.
    pub measured: &'static str,
    purpose: Purpose,
}

const fn micros(low: u64, high: u64) -> (Duration, Duration) {
    (Duration::from_micros(low), Duration::from_micros(high))
}

/// From starting a program to its first step. Case c01: process start to first advertisement took 3.6265 to
/// 3.6676 s, 3.6094 s of which is the master down interval.
pub const PROGRAM_START: Row = Row {
    what: "program start",
    range: micros(18_000, 58_000),
    measured: "c01, 5 runs",
    purpose: Purpose::ProgramStart,
};
/// How late a timer fires. Every timer row of the first round: rule + 0.1 to 0.5 ms.
pub const TIMER_LATENESS: Row = Row {
    what: "timer lateness",
    range: micros(80, 500),
    measured: "c01-c17, and 2019 advert intervals",
    purpose: Purpose::TimerLateness,
};
/// From asking the kernel for an address to having it. Cases c02 and c17: first advertisement to first
/// gratuitous ARP, which waits for the address, took 0.1 to 1 ms (10 ms once in 55 runs).
pub const ADDRESS_INSTALL: Row = Row {
    what: "address install",
    range: micros(100, 1_000),
    measured: "55 takeovers",
    purpose: Purpose::AddressInstall,
};
/// Between two frames a program sends in one go.
pub const BURST_SPACING: Row = Row {
    what: "spacing in a burst",
    range: micros(7, 254),
    measured: "1884 frames",
    purpose: Purpose::BurstSpacing,
};
/// From a change of carrier to the program's hearing of it. Cases c04 and c04b.
pub const LINK_EVENT: Row = Row {
    what: "link event",
    range: micros(4_000, 32_000),
    measured: "c04, c04b, 10 runs",
    purpose: Purpose::LinkEvent,
};

/// The whole table.
pub const TABLE: [Row; 5] = [PROGRAM_START, TIMER_LATENESS, ADDRESS_INSTALL, BURST_SPACING, LINK_EVENT];

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
        self.chance.of_node(row.purpose, node, at, n).within(row.range)
    }
}
