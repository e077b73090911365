//! The neighbour table of one interface, as Linux keeps it (`net/core/neighbour.c`, `net/ipv4/arp.c`).
//!
//! Machines and clients share it. It decides how long a client is left behind: an entry stays reachable for 15 to
//! 45 s after it was confirmed, is then tried for 5 s, then asked for by three unicast requests a second apart,
//! and only then by broadcast (measured: case c23, 38 to 47 s). ICMP and raw sockets confirm nothing.
//!
//! ARP and neighbour discovery share the table's states and timers in Linux, and here. What differs is what a frame
//! may change (`arp_process`, `ndisc_recv_na`); whoever reads the frames says it with [`Heard`].

use std::collections::VecDeque;
use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::chance::{Purpose, number_of};
use super::host::Host;
use super::report::FrameId;
use crate::cloud::key_of;

/// `base_reachable_time` is 30 s; an entry's own is drawn from half to one and a half of it.
pub const REACHABLE_TIME: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(45));
/// The kernel draws it anew this often.
const REACHABLE_REDRAW: Duration = Duration::from_secs(300);
/// `delay_first_probe_time`.
const DELAY_TIME: Duration = Duration::from_secs(5);
/// `retrans_time`.
const RETRANS_TIME: Duration = Duration::from_secs(1);
/// `ucast_solicit` and `mcast_solicit`.
const SOLICITS: u8 = 3;
/// `locktime`: a second answer within it does not replace the first.
const LOCK_TIME: Duration = Duration::from_secs(1);
/// `unres_qlen`: packets that wait for one unresolved neighbour; one more pushes the oldest out.
pub const QUEUE_MAX: usize = 101;

/// The states of an entry, by the kernel's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Asked for by broadcast, never answered; packets wait.
    Incomplete,
    /// Confirmed lately.
    Reachable,
    /// Usable, not confirmed lately.
    Stale,
    /// Used while stale: waits for somebody to confirm it.
    Delay,
    /// Asked for by unicast.
    Probe,
    /// Did not answer.
    Failed,
}

impl State {
    /// Whether it has a hardware address that is used.
    const fn is_valid(self) -> bool {
        matches!(self, State::Reachable | State::Stale | State::Delay | State::Probe)
    }
}

/// One neighbour.
#[derive(Clone, Debug)]
struct Entry {
    key: u128,
    address: IpAddr,
    state: State,
    mac: Mac,
    /// When it last answered us.
    confirmed: Option<Time>,
    /// When a packet was last sent to it.
    used: Time,
    /// When its state or address last changed.
    updated: Time,
    /// Requests sent without an answer.
    probes: u8,
    timer: Time,
    waiting: VecDeque<FrameId>,
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
    /// No timer is due before this.
    next: Time,
    clock: Clock,
}

/// The kernel's timers, as inexact as they are.
#[derive(Clone, Copy, Debug)]
struct Clock {
    owner: u32,
    host: Host,
}

impl Clock {
    fn after(self, now: Time, length: Duration, entry: IpAddr) -> Time {
        self.host.kernel_timer(self.owner, now, length, number_of(entry))
    }
}

impl Neighbours {
    /// The empty table of a node's interface.
    pub const fn new(owner: u32, host: Host) -> Self {
        Neighbours { entries: Vec::new(), next: Time::MAX, clock: Clock { owner, host } }
    }

    /// Timers that are set from here on are by another chance.
    pub const fn reseed(&mut self, host: Host) {
        self.clock.host = host;
    }

    /// The hardware address of an entry that a packet uses without changing anything but when it was used.
    pub fn steady_mac_of(&self, address: IpAddr) -> Option<Mac> {
        let entry = &self.entries[self.find(address).ok()?];
        matches!(entry.state, State::Reachable | State::Delay | State::Probe).then_some(entry.mac)
    }

    /// Notes a packet that was not sent because its fate was known.
    pub fn note_used(&mut self, address: IpAddr, at: Time) {
        if let Ok(i) = self.find(address) {
            self.entries[i].used = at;
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
        let entry = &mut self.entries[i];
        entry.used = now;
        match entry.state {
            State::Reachable | State::Delay | State::Probe => Resolved::To(entry.mac),
            State::Stale => {
                entry.turn(State::Delay, now, clock.after(now, DELAY_TIME, address));
                self.next = self.next.min(entry.timer);
                Resolved::To(entry.mac)
            }
            State::Failed => {
                entry.turn(State::Incomplete, now, clock.after(now, RETRANS_TIME, address));
                self.next = self.next.min(entry.timer);
                entry.probes = 1;
                entry.waiting.push_back(packet);
                Resolved::Waits { ask: true, pushed_out: None }
            }
            State::Incomplete => {
                let pushed_out =
                    if entry.waiting.len() >= QUEUE_MAX { entry.waiting.pop_front() } else { None };
                entry.waiting.push_back(packet);
                Resolved::Waits { ask: false, pushed_out }
            }
        }
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
        let (clock, reachable_for) = (self.clock, self.reachable_time(now));
        let entry = &mut self.entries[i];
        let old = entry.state;
        let mut new = if heard.confirms { State::Reachable } else { State::Stale };
        let other_mac = entry.mac != heard.mac;
        let replaces = !heard.weak && (heard.asks_us || heard.gratuitous || now > entry.updated + LOCK_TIME);
        if heard.confirms && !(old.is_valid() && other_mac && !replaces) {
            entry.confirmed = Some(now);
        }
        if old.is_valid() {
            if other_mac && !replaces {
                // `NEIGH_UPDATE_F_WEAK_OVERRIDE`
                if heard.weak && old == State::Reachable {
                    entry.turn(State::Stale, now, Time::MAX);
                }
                return Learned::default();
            }
            if !other_mac && new == State::Stale {
                new = old;
            }
        }
        if new != old {
            let reachable = new == State::Reachable;
            let timer = if reachable { clock.after(now, reachable_for, heard.address) } else { Time::MAX };
            entry.turn(new, now, timer);
            self.next = self.next.min(entry.timer);
        }
        if other_mac {
            entry.updated = now;
            entry.mac = heard.mac;
            if new != State::Reachable {
                entry.confirmed = None;
            }
        }
        let released = if old.is_valid() { VecDeque::new() } else { std::mem::take(&mut entry.waiting) };
        Learned { changed: other_mac, released }
    }

    /// Makes an entry say what is not true, as a forged answer would.
    pub fn forge(&mut self, now: Time, address: IpAddr, mac: Mac) {
        self.hear(now, Heard { address, mac, confirms: false, asks_us: true, gratuitous: true, weak: false });
        self.hear(
            now,
            Heard { address, mac, confirms: true, asks_us: false, gratuitous: false, weak: false },
        );
    }

    /// No timer of the table is due before this.
    pub fn deadline(&self) -> Time {
        self.next
    }

    /// Runs the timers that are due (`neigh_timer_handler`).
    pub fn run_timers(&mut self, now: Time, wants: &mut Vec<Want>) {
        let (clock, reachable_for) = (self.clock, self.reachable_time(now));
        self.next = Time::MAX;
        for entry in &mut self.entries {
            if entry.timer <= now {
                entry.run_timer(now, clock, reachable_for, wants);
            }
            self.next = self.next.min(entry.timer);
        }
    }

    /// Forgets everything: the carrier is gone. Returns the packets that waited.
    pub fn flush(&mut self) -> Vec<FrameId> {
        self.next = Time::MAX;
        self.entries.drain(..).flat_map(|e| e.waiting).collect()
    }

    fn find(&self, address: IpAddr) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key_of(address), |e| e.key)
    }

    fn reachable_time(&self, now: Time) -> Duration {
        let period = now.as_nanos() / REACHABLE_REDRAW.as_nanos();
        let Clock { owner, host } = self.clock;
        host.chance()
            .of_node(Purpose::ReachableTime, owner, Time::from_nanos(period), 0)
            .within(REACHABLE_TIME)
    }
}

impl Entry {
    fn new(address: IpAddr, state: State, mac: Mac, now: Time) -> Self {
        Entry {
            key: key_of(address),
            address,
            state,
            mac,
            confirmed: None,
            used: now,
            updated: now,
            probes: 0,
            timer: Time::MAX,
            waiting: VecDeque::new(),
        }
    }

    fn turn(&mut self, state: State, now: Time, timer: Time) {
        self.state = state;
        self.updated = now;
        self.timer = timer;
    }

    fn confirmed_within(&self, now: Time, span: Duration) -> bool {
        self.confirmed.is_some_and(|t| now <= t + span)
    }

    fn run_timer(&mut self, now: Time, clock: Clock, reachable_for: Duration, wants: &mut Vec<Want>) {
        let delay_ends = clock.after(now, DELAY_TIME, self.address);
        match self.state {
            State::Reachable => match self.confirmed {
                Some(t) if now < t + reachable_for => self.timer = t + reachable_for,
                _ if now <= self.used + DELAY_TIME => self.turn(State::Delay, now, delay_ends),
                _ => self.turn(State::Stale, now, Time::MAX),
            },
            State::Delay if self.confirmed_within(now, DELAY_TIME) => {
                self.turn(State::Reachable, now, clock.after(now, reachable_for, self.address));
            }
            State::Delay => {
                self.turn(State::Probe, now, now);
                self.probes = 0;
                self.solicit(now, clock, wants);
            }
            State::Probe | State::Incomplete => self.solicit(now, clock, wants),
            State::Stale | State::Failed => self.timer = Time::MAX,
        }
    }

    /// Asks once more, or gives up.
    fn solicit(&mut self, now: Time, clock: Clock, wants: &mut Vec<Want>) {
        if self.probes >= SOLICITS {
            self.turn(State::Failed, now, Time::MAX);
            wants.push(Want::GiveUp { address: self.address, waiting: std::mem::take(&mut self.waiting) });
            return;
        }
        self.probes += 1;
        self.timer = clock.after(now, RETRANS_TIME, self.address);
        let to = (self.state == State::Probe).then_some(self.mac);
        wants.push(Want::Ask { address: self.address, to, waiting: self.waiting.front().copied() });
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::chance::Chance;
    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 12));
    const A: Mac = Mac([2, 0, 0, 0, 0, 5]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 6]);

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }
    fn table() -> Neighbours {
        Neighbours::new(1, Host::new(Chance::new(7), true))
    }
    fn reply(mac: Mac) -> Heard {
        Heard { address: PEER, mac, confirms: true, asks_us: false, gratuitous: false, weak: false }
    }
    fn announcement(mac: Mac) -> Heard {
        Heard { confirms: false, gratuitous: true, ..reply(mac) }
    }
    /// Runs the table to `until`, sending a packet every 100 ms; returns when each request was sent.
    fn asked(table: &mut Neighbours, from: u64, until: u64) -> Vec<(u64, Option<Mac>)> {
        let (mut wants, mut asked) = (Vec::new(), Vec::new());
        for ms in (from..until).step_by(100) {
            table.run_timers(at(ms), &mut wants);
            for want in wants.drain(..) {
                if let Want::Ask { to, .. } = want {
                    asked.push((ms, to));
                }
            }
            if let Resolved::Waits { ask: true, .. } = table.resolve(at(ms), PEER, FrameId(0)) {
                asked.push((ms, None));
            }
        }
        asked
    }

    #[test]
    fn an_unknown_neighbour_is_asked_for_three_times_and_given_up_after_three_seconds() {
        let mut t = table();
        assert_eq!(t.resolve(at(0), PEER, FrameId(1)), Resolved::Waits { ask: true, pushed_out: None });
        let mut wants = Vec::new();
        for ms in [1000, 2000, 3000] {
            assert_eq!(t.deadline(), at(ms));
            t.run_timers(at(ms), &mut wants);
        }
        assert_eq!(wants.len(), 3);
        assert_eq!(wants[2], Want::GiveUp { address: PEER, waiting: VecDeque::from([FrameId(1)]) });
        assert_eq!(t.state_of(PEER), Some(State::Failed));
    }

    #[test]
    fn a_used_entry_whose_owner_is_gone_is_left_after_reachable_time_and_eight_seconds() {
        let mut t = table();
        t.resolve(at(0), PEER, FrameId(1));
        assert_eq!(t.hear(at(1), reply(B)).released, [FrameId(1)]);
        let reachable = t.reachable_time(at(1)).as_nanos() / 1_000_000;
        let asked = asked(&mut t, 100, 60_000);
        // Reachable time, rounded up to our step, then 5 s of delay: three unicast requests a second apart,
        // then, a second later, the broadcast.
        let first = (1 + reachable).next_multiple_of(100) + 5_000;
        assert_eq!(
            asked[..4],
            [(first, Some(B)), (first + 1000, Some(B)), (first + 2000, Some(B)), (first + 3000, None)]
        );
    }

    #[test]
    fn an_announcement_moves_an_entry_at_once_and_makes_none() {
        let mut t = table();
        assert_eq!(t.hear(at(0), announcement(A)), Learned::default());
        assert_eq!(t.mac_of(PEER), None);
        t.resolve(at(0), PEER, FrameId(1));
        t.hear(at(1), reply(A));
        assert!(t.hear(at(2), announcement(B)).changed, "within the lock time, too");
        assert_eq!((t.mac_of(PEER), t.state_of(PEER)), (Some(B), Some(State::Stale)));
    }

    #[test]
    fn of_two_answers_the_first_holds() {
        let mut t = table();
        t.resolve(at(0), PEER, FrameId(1));
        t.hear(at(1), reply(B));
        assert!(!t.hear(at(2), reply(A)).changed);
        assert_eq!(t.mac_of(PEER), Some(B));
        assert!(t.hear(at(1002), reply(A)).changed, "after the lock time");
    }

    #[test]
    fn the_queue_of_an_unresolved_neighbour_is_bounded() {
        let mut t = table();
        for n in 0..QUEUE_MAX as u32 {
            t.resolve(at(0), PEER, FrameId(n));
        }
        assert_eq!(
            t.resolve(at(1), PEER, FrameId(999)),
            Resolved::Waits { ask: false, pushed_out: Some(FrameId(0)) }
        );
        assert_eq!(t.flush().len(), QUEUE_MAX);
    }
}
