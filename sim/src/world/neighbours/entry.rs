//! One neighbour: its states and timers.

use std::collections::VecDeque;
use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::{Heard, Learned, QUEUE_MAX, Resolved, Uses, Want};
use crate::cloud::key_of;
use crate::world::chance::{Purpose, number_of};
use crate::world::host::Host;
use crate::world::report::FrameId;

/// `base_reachable_time` is 30 s; an entry's own is drawn from half to one and a half of it.
pub const REACHABLE_TIME: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(45));
/// The kernel draws it anew this often.
const REACHABLE_REDRAW: Duration = Duration::from_secs(300);
/// `delay_first_probe_time`.
pub(super) const DELAY_TIME: Duration = Duration::from_secs(5);
/// `retrans_time`.
pub(super) const RETRANS_TIME: Duration = Duration::from_secs(1);
/// `ucast_solicit` and `mcast_solicit`.
const SOLICITS: u8 = 3;
/// `locktime`: a second answer within it does not replace the first.
const LOCK_TIME: Duration = Duration::from_secs(1);

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
    pub(super) const fn is_valid(self) -> bool {
        matches!(self, State::Reachable | State::Stale | State::Delay | State::Probe)
    }
}

/// One neighbour.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: u128,
    pub(super) address: IpAddr,
    pub(super) state: State,
    pub(super) mac: Mac,
    /// When it last answered us.
    confirmed: Option<Time>,
    /// When a packet was last sent to it.
    used: Time,
    /// When its state or address last changed.
    updated: Time,
    /// Requests sent without an answer.
    probes: u8,
    pub(super) timer: Time,
    /// While it is reachable: the instant in which it is so no more, if nothing confirms it, and when it is asked for then,
    /// if it is used.
    lapses: (Time, Time),
    /// When the kernel has something to do about it. That an entry is not reachable any more is found out by whoever looks
    /// next: nobody can see it before.
    pub(super) due: Time,
    pub(super) waiting: VecDeque<FrameId>,
}

/// The kernel's timers, as inexact as they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) owner: u32,
    pub(super) host: Host,
    pub(super) tick: Duration,
}

impl Clock {
    fn after(self, now: Time, length: Duration, entry: IpAddr) -> Time {
        self.host.kernel_timer(self.owner, now, length, number_of(entry))
    }

    pub(super) fn reachable_time(self, now: Time) -> Duration {
        let period = now.as_nanos() / REACHABLE_REDRAW.as_nanos();
        self.host
            .chance()
            .of_node(Purpose::ReachableTime, self.owner, Time::from_nanos(period), 0)
            .within(REACHABLE_TIME)
    }
}

impl Entry {
    pub(super) fn new(address: IpAddr, state: State, mac: Mac, now: Time) -> Self {
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

    /// Resolves a packet that is for it, and keeps the packet where it must wait.
    pub(super) fn resolve(&mut self, now: Time, packet: FrameId, clock: Clock) -> Resolved {
        self.lapse(now);
        self.use_at(now);
        match self.state {
            State::Reachable | State::Delay | State::Probe => Resolved::To(self.mac),
            State::Stale => {
                self.turn(State::Delay, now, clock.after(now, DELAY_TIME, self.address));
                Resolved::To(self.mac)
            }
            State::Failed => {
                self.turn(State::Incomplete, now, clock.after(now, RETRANS_TIME, self.address));
                self.probes = 1;
                self.waiting.push_back(packet);
                Resolved::Waits { ask: true, pushed_out: None }
            }
            State::Incomplete => {
                let pushed_out =
                    if self.waiting.len() >= QUEUE_MAX { self.waiting.pop_front() } else { None };
                self.waiting.push_back(packet);
                Resolved::Waits { ask: false, pushed_out }
            }
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

    pub(super) fn use_at(&mut self, at: Time) {
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
    pub(super) fn find_lapse(&mut self, clock: Clock) {
        let mut at = self.timer.round_up(clock.tick);
        while let Some(until) = self.confirmed.map(|t| t + clock.reachable_time(at)).filter(|t| at < *t) {
            at = until.round_up(clock.tick);
        }
        self.lapses = (at, clock.after(at, DELAY_TIME, self.address));
        self.due = if self.is_used() { self.lapses.1 } else { Time::MAX };
    }

    /// It is not reachable any more, if it was not before this instant.
    pub(super) fn lapse(&mut self, now: Time) {
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
    pub(super) fn steady_until(&self, uses: Uses) -> Option<Time> {
        let (at, asked) = self.lapses;
        match self.is_used() {
            false if at < uses.first => None,
            false if uses.apart > DELAY_TIME => Some(at),
            _ => Some(asked),
        }
    }

    /// Takes in what an ARP frame says of it (`neigh_update`).
    pub(super) fn hear(&mut self, now: Time, heard: Heard, clock: Clock) -> Learned {
        self.lapse(now);
        let old = self.state;
        let mut new = if heard.confirms { State::Reachable } else { State::Stale };
        let other_mac = self.mac != heard.mac;
        let replaces = !heard.weak && (heard.asks_us || heard.gratuitous || now > self.updated + LOCK_TIME);
        if heard.confirms && !(old.is_valid() && other_mac && !replaces) {
            self.confirmed = Some(now);
        }
        if old.is_valid() {
            if other_mac && !replaces {
                // `NEIGH_UPDATE_F_WEAK_OVERRIDE`
                if heard.weak && old == State::Reachable {
                    self.turn(State::Stale, now, Time::MAX);
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
            self.turn(new, now, timer);
        }
        if other_mac {
            self.updated = now;
            self.mac = heard.mac;
            if new != State::Reachable {
                self.confirmed = None;
            }
        }
        if new == State::Reachable {
            self.find_lapse(clock);
        }
        let released = if old.is_valid() { VecDeque::new() } else { std::mem::take(&mut self.waiting) };
        Learned { changed: other_mac, released }
    }

    fn confirmed_within(&self, now: Time, span: Duration) -> bool {
        self.confirmed.is_some_and(|t| now <= t + span)
    }

    pub(super) fn run_timer(&mut self, now: Time, clock: Clock, wants: &mut Vec<Want>) {
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
