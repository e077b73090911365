//! What is known of one machine: its agent, what that has heard, and which addresses are on it.

use std::net::IpAddr;

use havip::program::Role;
use havip::time::{Duration, Time};

use super::bounds::LATE;

/// Goodbyes that are no further apart may have been read in either order.
const SEVERAL: Duration = Duration::from_secs(60);

/// A machine.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) alive: bool,
    /// The script has stopped it, or its machine, and not started it again.
    pub(super) sent_away: bool,
    /// Stands still: frozen, or its machine paused.
    pub(super) held: bool,
    /// Since when its agent has been running without standing still; or since when it has not been.
    pub(super) since: Time,
    /// When it was booted.
    pub(super) booted: Time,
    /// By the subject's number: which seat it is.
    pub(super) subjects: Vec<Option<usize>>,
    pub(super) chairs: Vec<Chair>,
    pub(super) addresses: Vec<Address>,
    /// Addresses that somebody has added by hand, whatever became of them.
    pub(super) by_hand: Vec<IpAddr>,
    /// When somebody last deleted one, or a route.
    pub(super) deleted: Time,
    /// Told to stop as master.
    pub(super) farewell: Option<Farewell>,
}

/// An address on a machine that is not its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) address: IpAddr,
    pub(super) since: Time,
}

/// What is known of one virtual router of a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chair {
    pub(super) role: Role,
    pub(super) since: Time,
    /// Until when it was master, having been one.
    pub(super) was_master: Option<Time>,
    /// The effective priority.
    pub(super) priority: u8,
    pub(super) ear: Ear,
    /// The same before the last instant in which anything was heard, in case that is refused.
    pub(super) before: Before,
    /// When a lower one first came that it could not read then.
    pub(super) unread: Option<Time>,
    /// The last goodbye that came, read or not.
    pub(super) goodbye: Option<Goodbye>,
    /// The last instant in which something came to the machine and not to its agent.
    pub(super) deaf: Time,
    /// When an advertisement of its own last left.
    pub(super) spoke: Time,
    /// It is master: since when a live machine hears what it says.
    pub(super) company: Option<Time>,
    /// It is master, and stood still for so long that it must not speak as one.
    pub(super) late: Option<Late>,
    /// When one of a better master last came, read or not.
    pub(super) bettered: Option<Time>,
}

/// A goodbye that is owed.
#[derive(Clone, Debug)]
pub(super) struct Farewell {
    /// When the machine was told to stop.
    pub(super) told: Time,
    /// Since when its agent has been able to say it.
    pub(super) from: Time,
    /// The seats that have not.
    pub(super) owed: Vec<usize>,
}

/// How long a master stood still, and for how long it may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    pub(super) from: Time,
    pub(super) until: Time,
    pub(super) bound: Duration,
}

/// What an instance has heard since it entered its state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ear {
    /// The last advertisement, whatever it said.
    pub(super) heard: Option<Heard>,
    /// The last that a backup has to obey.
    pub(super) obeyed: Option<Heard>,
    /// When the first of a row of lower ones came, and the last.
    pub(super) lower: Option<(Time, Heard)>,
    /// As master: a better one, since when.
    pub(super) better: Option<Heard>,
}

/// What an instance had heard before an instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    at: Time,
    ear: Ear,
    /// More than one came at that instant: which of them is refused nobody knows.
    several: bool,
}

/// A goodbye.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goodbye {
    pub(super) at: Time,
    pub(super) from: IpAddr,
    /// Another had said goodbye shortly before.
    pub(super) several: bool,
    /// The instance has read it.
    pub(super) read: bool,
}

/// An advertisement received.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) at: Time,
    pub(super) from: IpAddr,
    pub(super) priority: u8,
    pub(super) interval: Duration,
}

impl Machine {
    pub(super) fn new(priorities: impl Iterator<Item = u8>) -> Machine {
        Machine {
            alive: false,
            sent_away: false,
            held: false,
            since: Time::ZERO,
            booted: Time::ZERO,
            subjects: Vec::new(),
            chairs: priorities.map(Chair::new).collect(),
            addresses: Vec::new(),
            by_hand: Vec::new(),
            deleted: Time::ZERO,
            farewell: None,
        }
    }
    /// Whether its agent runs now.
    pub(super) fn runs(&self) -> bool {
        self.alive && !self.held
    }
    pub(super) fn chair_of(&mut self, subject: u16) -> Option<(usize, &mut Chair)> {
        let seat = (*self.subjects.get(usize::from(subject))?)?;
        Some((seat, &mut self.chairs[seat]))
    }
}

impl Chair {
    fn new(priority: u8) -> Chair {
        Chair {
            role: Role::Init,
            since: Time::ZERO,
            was_master: None,
            priority,
            ear: Ear::default(),
            before: Before { at: Time::MAX, ear: Ear::default(), several: false },
            unread: None,
            goodbye: None,
            deaf: Time::MAX,
            spoke: Time::ZERO,
            company: None,
            late: None,
            bettered: None,
        }
    }
    /// Enters a state: what was heard in the one before counts no longer, but for what a timer runs by.
    pub(super) fn enter(&mut self, role: Role, at: Time) {
        if self.role == Role::Master {
            self.was_master = Some(at);
        }
        (self.role, self.since, self.late) = (role, at, None);
        (self.ear.better, self.ear.lower) = (None, None);
        // What it has just found in its queue it has read in the new state.
        self.unread = self.unread.filter(|since| *since + LATE >= at);
        if role != Role::Backup {
            self.ear.obeyed = None;
        }
    }
    /// Somebody says goodbye, which the instance reads or may read.
    pub(super) fn takes_leave(&mut self, at: Time, from: IpAddr, read: bool) {
        let lately = |before: Goodbye| before.at + SEVERAL >= at && (before.several || before.from != from);
        let several = self.goodbye.is_some_and(lately);
        self.goodbye = Some(Goodbye { at, from, several, read });
    }
    /// Something comes, and may be refused.
    pub(super) fn remembers(&mut self, at: Time) {
        if self.before.at == at {
            self.before.several = true;
        } else {
            self.before = Before { at, ear: self.ear, several: false };
        }
    }
    /// Forgets what came at this instant: one of it was refused.
    pub(super) fn refused(&mut self, at: Time) {
        self.deaf = at;
        let Before { at: last, ear, several } = self.before;
        if last == at {
            // Another of them may have been what keeps it backup.
            let heard = if several { self.ear.heard } else { ear.heard };
            self.ear = Ear { heard, ..ear };
        }
    }
}
