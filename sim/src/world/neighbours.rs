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
    /// While it is reachable: the instant in which it is so no more, if nothing confirms it, and when it is asked for then,
    /// if it is used.
    lapses: (Time, Time),
    /// When the kernel has something to do about it. That an entry is not reachable any more is found out by whoever looks
    /// next: nobody can see it before.
    due: Time,
    waiting: VecDeque<FrameId>,
}

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

/// The kernel's timers, as inexact as they are.
#[derive(Clone, Copy, Debug)]
struct Clock {
    owner: u32,
    host: Host,
    tick: Duration,
}

impl Clock {
    fn after(self, now: Time, length: Duration, entry: IpAddr) -> Time {
        self.host.kernel_timer(self.owner, now, length, number_of(entry))
    }

    fn reachable_time(self, now: Time) -> Duration {
        let period = now.as_nanos() / REACHABLE_REDRAW.as_nanos();
        self.host
            .chance()
            .of_node(Purpose::ReachableTime, self.owner, Time::from_nanos(period), 0)
            .within(REACHABLE_TIME)
    }
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
        let entry = &mut self.entries[i];
        entry.lapse(now);
        entry.use_at(now);
        let resolved = match entry.state {
            State::Reachable | State::Delay | State::Probe => Resolved::To(entry.mac),
            State::Stale => {
                entry.turn(State::Delay, now, clock.after(now, DELAY_TIME, address));
                Resolved::To(entry.mac)
            }
            State::Failed => {
                entry.turn(State::Incomplete, now, clock.after(now, RETRANS_TIME, address));
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
        };
        self.next = self.next.min(entry.due);
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
            lapses: (Time::MAX, Time::MAX),
            due: Time::MAX,
            waiting: VecDeque::new(),
        }
    }

    fn turn(&mut self, state: State, now: Time, timer: Time) {
        self.state = state;
        self.updated = now;
        self.wait_until(timer);
    }

    fn wait_until(&mut self, timer: Time) {
        (self.timer, self.due) = (timer, timer);
    }

    fn use_at(&mut self, at: Time) {
        self.used = at;
        if self.state == State::Reachable && self.is_used() {
            self.due = self.lapses.1;
        }
    }

    /// It is used lately when it is not reachable any more: then it is not stale, but waits for somebody to confirm it.
    fn is_used(&self) -> bool {
        self.lapses.0 <= self.used + DELAY_TIME
    }

    /// It is reachable, and its timer or what confirms it is another.
    fn find_lapse(&mut self, clock: Clock) {
        let mut at = self.timer.round_up(clock.tick);
        while let Some(until) = self.confirmed.map(|t| t + clock.reachable_time(at)).filter(|t| at < *t) {
            at = until.round_up(clock.tick);
        }
        self.lapses = (at, clock.after(at, DELAY_TIME, self.address));
        self.due = if self.is_used() { self.lapses.1 } else { Time::MAX };
    }

    /// It is not reachable any more, if it was not before this instant.
    fn lapse(&mut self, now: Time) {
        let (at, asked) = self.lapses;
        if self.state == State::Reachable && at < now {
            match self.is_used() {
                true => self.turn(State::Delay, at, asked),
                false => self.turn(State::Stale, at, Time::MAX),
            }
        }
    }

    /// Until when it stays as it is, but that it is not reachable any more and waits for somebody to confirm it, which
    /// nobody sees; nothing, if it is stale before the first of the packets.
    fn steady_until(&self, uses: Uses) -> Option<Time> {
        let (at, asked) = self.lapses;
        match self.is_used() {
            false if at < uses.first => None,
            false if uses.apart > DELAY_TIME => Some(at),
            _ => Some(asked),
        }
    }

    /// `neigh_update`.
    fn hear(&mut self, now: Time, heard: Heard, clock: Clock) -> Learned {
        let entry = self;
        entry.lapse(now);
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
            let timer = match reachable {
                true => clock.after(now, clock.reachable_time(now), heard.address),
                false => Time::MAX,
            };
            entry.turn(new, now, timer);
        }
        if other_mac {
            entry.updated = now;
            entry.mac = heard.mac;
            if new != State::Reachable {
                entry.confirmed = None;
            }
        }
        if new == State::Reachable {
            entry.find_lapse(clock);
        }
        let released = if old.is_valid() { VecDeque::new() } else { std::mem::take(&mut entry.waiting) };
        Learned { changed: other_mac, released }
    }

    fn confirmed_within(&self, now: Time, span: Duration) -> bool {
        self.confirmed.is_some_and(|t| now <= t + span)
    }

    fn run_timer(&mut self, now: Time, clock: Clock, wants: &mut Vec<Want>) {
        if self.timer > now {
            return;
        }
        match self.state {
            State::Reachable => {}
            State::Delay if self.confirmed_within(now, DELAY_TIME) => {
                let reachable_for = clock.reachable_time(now);
                self.turn(State::Reachable, now, clock.after(now, reachable_for, self.address));
                self.find_lapse(clock);
            }
            State::Delay => {
                self.turn(State::Probe, now, now);
                self.probes = 0;
                self.solicit(now, clock, wants);
            }
            State::Probe | State::Incomplete => self.solicit(now, clock, wants),
            State::Stale | State::Failed => self.wait_until(Time::MAX),
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
        self.wait_until(clock.after(now, RETRANS_TIME, self.address));
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
        Neighbours::new(1, Host::new(Chance::new(7), true), Duration::from_micros(100))
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
        let reachable = t.clock.reachable_time(at(1)).as_nanos() / 1_000_000;
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
    fn that_an_entry_is_not_reachable_any_more_wakes_nobody() {
        let mut t = table();
        t.resolve(at(0), PEER, FrameId(1));
        assert_eq!(t.deadline(), at(1_000));
        t.hear(at(1), reply(B));
        assert_eq!(t.deadline(), Time::MAX, "it has answered, and nobody uses it: it will be stale");
        let lapses = (at(1) + t.clock.reachable_time(at(1))).round_up(t.clock.tick);
        let uses = |first: Time, ms: u64| Uses { first, apart: Duration::from_millis(ms) };
        assert_eq!(t.steady(PEER, uses(at(2), 100)), Some((B, lapses + DELAY_TIME)));
        assert_eq!(t.steady(PEER, uses(at(2), 5_001)), Some((B, lapses)), "it may be stale in between");
        assert_eq!(t.steady(PEER, uses(lapses + RETRANS_TIME, 100)), None, "it is stale before that");
        // The last of many packets, all of them asked for at once.
        t.note_used(PEER, lapses + RETRANS_TIME);
        assert_eq!(t.deadline(), lapses + DELAY_TIME);
        assert_eq!(t.steady(PEER, uses(lapses + RETRANS_TIME * 2, 100)), Some((B, lapses + DELAY_TIME)));
        t.resolve(lapses + RETRANS_TIME * 3, PEER, FrameId(2));
        assert_eq!(t.state_of(PEER), Some(State::Delay));
    }

    #[test]
    fn an_entry_that_nobody_used_is_stale_when_somebody_looks() {
        let mut t = table();
        t.resolve(at(0), PEER, FrameId(1));
        t.hear(at(1), reply(B));
        let late = at(1) + REACHABLE_TIME.1 + RETRANS_TIME;
        assert_eq!(t.resolve(late, PEER, FrameId(2)), Resolved::To(B));
        assert_eq!((t.state_of(PEER), t.deadline()), (Some(State::Delay), late + DELAY_TIME));
    }

    #[test]
    fn what_was_to_happen_while_a_kernel_stands_still_happens_when_it_goes_on() {
        let mut t = table();
        t.resolve(at(0), PEER, FrameId(1));
        t.hear(at(1), reply(B));
        t.note_used(PEER, at(14_000));
        t.pause(at(14_000));
        t.resume(at(60_000));
        assert_eq!(t.state_of(PEER), Some(State::Reachable));
        t.resolve(at(60_001), PEER, FrameId(2));
        // It was not used within 5 s before it went on, and so is used while stale.
        assert_eq!((t.state_of(PEER), t.deadline()), (Some(State::Delay), at(60_001) + DELAY_TIME));
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
