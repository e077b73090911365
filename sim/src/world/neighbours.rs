//! The neighbour table of one interface, as Linux keeps it (`net/core/neighbour.c`, `net/ipv4/arp.c`).
//!
//! Machines and clients share it. It decides how long a client is left behind: an entry stays reachable for 15 to
//! 45 s after it was confirmed, is then tried for 5 s, then asked for by three unicast requests a second apart,
//! and only then by broadcast (measured: case c23, 38 to 47 s). ICMP and raw sockets confirm nothing.
//!
//! ARP and neighbour discovery share the table's states and timers in Linux, and here. What differs is what a frame
//! may change (`arp_process`, `ndisc_recv_na`); whoever reads the frames says it with [`Heard`].

mod entry;

use std::collections::VecDeque;
use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

pub use self::entry::State;
use self::entry::{Clock, Entry};
use super::host::Host;
use super::report::FrameId;
use crate::cloud::key_of;

/// `unres_qlen`: packets that wait for one unresolved neighbour; one more pushes the oldest out.
pub const QUEUE_MAX: usize = 101;

/// Packets to come that will use an entry, if it is steady.
#[derive(Clone, Copy, Debug)]
pub struct Uses {
    /// The first of them at the latest.
    pub first: Time,
    /// How far apart they are at most.
    pub apart: Duration,
}

/// What becomes of a packet for a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// Send it there.
    To(Mac),
    /// It waits. If `ask`, a broadcast request must go out; if `pushed_out`, that packet found no room.
    Waits {
        /// The first packet for an unknown neighbour.
        ask: bool,
        /// The oldest waiting packet, dropped.
        pushed_out: Option<FrameId>,
    },
}

/// Something the table wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Ask for an address: by unicast to a hardware address, or by broadcast. Linux asks in the name of the
    /// packet that waits, if one does (`arp_announce` 0).
    Ask {
        /// Who has it.
        address: IpAddr,
        /// Where the request goes.
        to: Option<Mac>,
        /// The packet that waits.
        waiting: Option<FrameId>,
    },
    /// The neighbour did not answer: these packets die.
    GiveUp {
        /// Which.
        address: IpAddr,
        /// What waited for it.
        waiting: VecDeque<FrameId>,
    },
}

/// What an ARP frame says about a neighbour.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address.
    pub mac: Mac,
    /// A reply, sent to us alone: it confirms. Anything else only informs.
    pub confirms: bool,
    /// A request for an address of ours: makes an entry where there is none.
    pub asks_us: bool,
    /// A gratuitous announcement: replaces an entry even within the lock time.
    pub gratuitous: bool,
    /// An advertisement of IPv6 that does not override: an entry that knows better is only doubted.
    pub weak: bool,
}

/// What a heard ARP frame changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The hardware address is another one now.
    pub changed: bool,
    /// Packets that waited for it and can go now.
    pub released: VecDeque<FrameId>,
}

/// The table.
#[derive(Clone, Debug)]
pub struct Neighbours {
    /// Sorted by the key of their address.
    entries: Vec<Entry>,
    /// The first that is due.
    next: Time,
    clock: Clock,
}

impl Neighbours {
    /// The empty table of a node's interface.
    pub const fn new(owner: u32, host: Host, tick: Duration) -> Self {
        Neighbours { entries: Vec::new(), next: Time::MAX, clock: Clock { owner, host, tick } }
    }

    /// Timers that are set from here on are by another chance.
    pub fn reseed(&mut self, now: Time, host: Host) {
        self.pause(now);
        self.clock.host = host;
        self.resume(now);
    }

    /// The kernel stands still.
    pub fn pause(&mut self, now: Time) {
        self.entries.iter_mut().for_each(|entry| entry.lapse(now));
    }

    /// It goes on: what was to happen in between happens at an instant to come.
    pub fn resume(&mut self, at: Time) {
        let clock = self.clock;
        for entry in &mut self.entries {
            if entry.state == State::Reachable {
                entry.timer = entry.timer.max(at);
                entry.find_lapse(clock);
            }
        }
        self.find_next();
    }

    /// The hardware address of an entry that these packets use without changing anything but when it was used, and until
    /// when they do.
    pub fn steady(&self, address: IpAddr, uses: Uses) -> Option<(Mac, Time)> {
        let entry = &self.entries[self.find(address).ok()?];
        match entry.state {
            State::Reachable => Some((entry.mac, entry.steady_until(uses)?)),
            State::Delay | State::Probe => Some((entry.mac, entry.timer)),
            State::Incomplete | State::Stale | State::Failed => None,
        }
    }

    /// Notes packets that were not sent because their fate was known: the last one, and none of them longer after the one
    /// before it than was asked for.
    pub fn note_used(&mut self, address: IpAddr, at: Time) {
        if let Ok(i) = self.find(address) {
            self.entries[i].use_at(at);
            self.next = self.next.min(self.entries[i].due);
        }
    }

    /// The hardware address it would use now, if any.
    pub fn mac_of(&self, address: IpAddr) -> Option<Mac> {
        let entry = &self.entries[self.find(address).ok()?];
        entry.state.is_valid().then_some(entry.mac)
    }

    /// The state of an entry, if there is one.
    pub fn state_of(&self, address: IpAddr) -> Option<State> {
        Some(self.entries[self.find(address).ok()?].state)
    }

    /// Resolves a packet's next hop, and keeps the packet where it must wait.
    pub fn resolve(&mut self, now: Time, address: IpAddr, packet: FrameId) -> Resolved {
        let i = self.find(address).unwrap_or_else(|i| {
            self.entries.insert(i, Entry::new(address, State::Failed, Mac::UNSPECIFIED, now));
            i
        });
        let clock = self.clock;
        let resolved = self.entries[i].resolve(now, packet, clock);
        self.next = self.next.min(self.entries[i].due);
        resolved
    }

    /// Takes in what an ARP frame says (`arp_process`, `neigh_update`).
    pub fn hear(&mut self, now: Time, heard: Heard) -> Learned {
        let i = match self.find(heard.address) {
            Ok(i) => i,
            Err(_) if !heard.asks_us => return Learned::default(),
            Err(i) => {
                self.entries.insert(i, Entry::new(heard.address, State::Failed, Mac::UNSPECIFIED, now));
                i
            }
        };
        let (clock, due) = (self.clock, self.entries[i].due);
        let learned = self.entries[i].hear(now, heard, clock);
        match self.entries[i].due {
            // It was the first, and is due later now.
            later if due == self.next && later > due => self.find_next(),
            due => self.next = self.next.min(due),
        }
        learned
    }

    /// Makes an entry say what is not true, as a forged answer would.
    pub fn forge(&mut self, now: Time, address: IpAddr, mac: Mac) {
        self.hear(now, Heard { address, mac, confirms: false, asks_us: true, gratuitous: true, weak: false });
        self.hear(
            now,
            Heard { address, mac, confirms: true, asks_us: false, gratuitous: false, weak: false },
        );
    }

    /// When the kernel has something to do about the first of them.
    pub fn deadline(&self) -> Time {
        self.next
    }

    /// Runs the timers that are due (`neigh_timer_handler`).
    pub fn run_timers(&mut self, now: Time, wants: &mut Vec<Want>) {
        let clock = self.clock;
        for entry in self.entries.iter_mut().filter(|entry| entry.due <= now) {
            entry.lapse(now);
            entry.run_timer(now, clock, wants);
        }
        self.find_next();
    }

    /// Forgets everything: the carrier is gone. Returns the packets that waited.
    pub fn flush(&mut self) -> Vec<FrameId> {
        self.next = Time::MAX;
        self.entries.drain(..).flat_map(|e| e.waiting).collect()
    }

    fn find(&self, address: IpAddr) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key_of(address), |e| e.key)
    }

    fn find_next(&mut self) {
        self.next = self.entries.iter().map(|entry| entry.due).min().unwrap_or(Time::MAX);
    }
}

#[cfg(test)]
mod tests;
