//! What rules are about, and when each is to be looked at next: only what a deadline was set for is looked at when it
//! has passed.

use havip::time::{Duration, Time};

/// What a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matter {
    /// Masters that should give way, backups that should take over.
    Elections,
    /// Addresses on machines that should not have them.
    Addresses,
    /// Bindings and clients that are not with the one master.
    Owners,
    /// Advertisements and goodbyes that are due.
    Speech,
    /// Masters without their addresses.
    Holdings,
    /// Groups whose members are not in one state.
    Groups,
}

impl Matter {
    pub(super) const ALL: [Matter; 6] = [
        Matter::Elections,
        Matter::Addresses,
        Matter::Owners,
        Matter::Speech,
        Matter::Holdings,
        Matter::Groups,
    ];
}

/// Of each matter: nothing about it can be wrong up to and including this instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    of: [Time; Matter::ALL.len()],
    /// None is earlier.
    earliest: Time,
}

impl Deadlines {
    pub(super) const NONE: Deadlines = Deadlines { of: [Time::MAX; Matter::ALL.len()], earliest: Time::MAX };

    /// Something is wrong if it is still so then.
    pub(super) fn wait(&mut self, matter: Matter, until: Time) {
        let deadline = &mut self.of[matter as usize];
        *deadline = until.min(*deadline);
        self.earliest = until.min(self.earliest);
    }
    /// Forgets a matter's: it is being looked at.
    pub(super) fn clear(&mut self, matter: Matter) {
        self.of[matter as usize] = Time::MAX;
    }
    /// Whether one has passed.
    pub(super) fn is_over(&self, matter: Matter, now: Time) -> bool {
        now > self.of[matter as usize]
    }
    /// The first instant of a run in which one has passed, if that is no later than `now`, an instant itself.
    pub(super) fn passed(&mut self, now: Time, tick: Duration) -> Option<Time> {
        if self.earliest >= now {
            return None;
        }
        self.earliest = self.of.iter().copied().min().unwrap_or(Time::MAX);
        (self.earliest < now).then(|| (self.earliest + Duration::from_nanos(1)).round_up(tick))
    }
}
