//! Announcing: when, how often and how fast an instance tells everybody that the addresses are its own.
//!
//! A burst is every address in turn, some times over. keepalived sends it as fast as it can, or a frame at a time
//! (`vrrp_garp_interval`); the `havip` profile sends one announcement at a time, every address once before any is
//! repeated, and asks later whether the claim was believed.

use std::net::IpAddr;
use std::sync::Arc;

use super::router::VirtualRouter;
use super::timers::{Bursts, Timer};
use super::transmit;
use crate::profile::Switch;
use crate::program::{Action, Actions, Now, Record, Role, Value, Why};
use crate::time::{Duration, Time};
use crate::wire::ethernet::Mac;

/// Between two announcements of a paced burst: the five of one address take 0.1 s, and a fabric that takes 50 claims a
/// second and machine loses none, however many addresses there are.
const PACE: Duration = Duration::from_millis(20);
/// When a claim is first verified; the wait doubles up to [`VERIFY_MAX`] while it is not believed.
const VERIFY_FIRST: Duration = Duration::from_secs(1);
/// How often a claim that was believed is verified again. And how long one waits at most that was not: a cloud that has
/// been deaf, for however long, is told within that time; a lan that has not shown itself as one can bear it.
const VERIFY_MAX: Duration = Duration::from_secs(10);
/// After so many questions without an answer the segment is taken for a lan as far as leases go: a cloud that does not
/// know the address has no binding that the lease could wait for.
const SILENT_QUESTIONS: u32 = 3;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_millis(500);
/// The rounds of a claim that is made again: a request and a reply.
const AGAIN: u32 = 2;
/// How often the leaving of another master is answered with claims: whoever floods a master with goodbyes shall not
/// make it flood the network.
const RECLAIM_INTERVAL: Duration = Duration::from_secs(1);
/// RFC 5227 section 1.1: DEFEND_INTERVAL, "minimum interval between defensive ARPs".
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// How soon an address that another machine has taken is taken back once more, at least and at most.
const CONTEST_FIRST: Duration = Duration::from_secs(60);
const CONTEST_MAX: Duration = Duration::from_secs(3840);

/// What an instance has announced and is going to announce.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    /// Second bursts to come: after takeovers, and after lower-priority advertisements.
    delayed: Bursts,
    lower_prio: Bursts,
    /// When a refresh is due; looked at when an advertisement is sent (as 2.2.7).
    refresh_from: Option<Time>,
    paced: Option<Paced>,
    verifying: Verifying,
    /// When the leaving of another master was last answered.
    reclaimed: Option<Time>,
    contest: Contest,
    /// When an address was last defended.
    defended: Option<Time>,
    /// Others that share its interface, or its `garp_group`, have announced, or it has itself: it waits until then.
    gate: Time,
    /// Until when the others wait for what it has announced, if they have not been told.
    closes: Option<Time>,
    /// It waits with the others since it was last asked.
    queued: bool,
}

/// The rest of a burst.
#[derive(Clone, Copy, Debug)]
struct Paced {
    /// The next announcement.
    next: u32,
    /// How many there are.
    of: u32,
    /// How many were made since it last had none to make: a burst that is begun anew goes on with the next address.
    made: u32,
    every: Duration,
}

/// What is known of the last questions, one an address.
#[derive(Clone, Copy, Debug, Default)]
struct Verifying {
    /// How many wait for an answer, and how many were answered with our own hardware address.
    asked: usize,
    ours: usize,
    /// One was answered with another machine's.
    another: bool,
    /// It has been the right answer since the last takeover.
    believed: bool,
    /// Somebody has answered with our own hardware address: a cloud's switch, since on a lan only we could.
    vouched: bool,
    /// How many times in a row nobody has answered.
    silent: u32,
    wait: Duration,
}

/// Another machine has taken an address that was ours: a master that we do not hear, or one that has left without a
/// word. From the latter it is to be taken back at once; two of the former would take it from each other for ever, so
/// each waits twice as long the next time, and the one that came last has it meanwhile.
#[derive(Clone, Copy, Debug, Default)]
struct Contest {
    /// Not taken back before this.
    quiet_until: Time,
    patience: Duration,
}

impl Contest {
    /// Whether to take it back now. What begins after a long quiet is a new contest.
    fn answers(&mut self, now: Time) -> bool {
        if now < self.quiet_until {
            return false;
        }
        let new = self.patience.is_zero() || now >= self.quiet_until + CONTEST_MAX;
        self.patience = if new { CONTEST_FIRST } else { (self.patience * 2).min(CONTEST_MAX) };
        self.quiet_until = now + self.patience;
        true
    }
}

impl Claims {
    pub(crate) fn refresh_due(&self) -> Option<Time> {
        self.refresh_from
    }
    /// After a reload: what was planned and what was learnt goes on.
    pub(crate) fn go_on_from(&mut self, old: &Claims) {
        (self.refresh_from, self.gate) = (old.refresh_from, old.gate);
        self.verifying = old.verifying;
    }
}

impl VirtualRouter {
    /// The addresses are on the interface after a takeover.
    pub(super) fn first_burst(&mut self, now: Now, out: &mut Actions) {
        let garp = self.config.garp;
        self.announce(now, garp.master_repeat, Why::NONE, out);
        if !garp.master_delay.is_zero() {
            self.claims.delayed.add(now.mono + garp.master_delay);
            self.timers.arm(Timer::GarpDelayed, self.claims.delayed.next());
        }
        let refresh = garp.master_refresh;
        self.claims.refresh_from = (!refresh.is_zero()).then(|| now.mono + refresh);
        self.verify_from_now(now);
    }

    /// A timer of this file's.
    pub(super) fn claim_timer(&mut self, now: Now, timer: Timer, out: &mut Actions) {
        let garp = self.config.garp;
        match timer {
            Timer::GarpDelayed => {
                let why = Why::with("garp_master_delay {}", [Value::Seconds(garp.master_delay)]);
                for _ in 0..self.claims.delayed.take(now.mono) {
                    self.announce(now, garp.master_repeat, why, out);
                }
                self.timers.arm(Timer::GarpDelayed, self.claims.delayed.next());
            }
            Timer::GarpLowerPrio => {
                let why = Why::with("garp_lower_prio_delay {}", [Value::Seconds(garp.lower_prio_delay)]);
                for _ in 0..self.claims.lower_prio.take(now.mono) {
                    self.announce(now, garp.lower_prio_repeat, why, out);
                }
                self.timers.arm(Timer::GarpLowerPrio, self.claims.lower_prio.next());
            }
            Timer::GarpPaced => self.go_on_announcing(now, out),
            Timer::Verify => self.verify(now, out),
            Timer::MasterDown | Timer::Advert | Timer::LateClaim => {}
        }
    }

    /// `garp_master_refresh`: looked at when an advertisement leaves.
    pub(super) fn refresh(&mut self, now: Now, out: &mut Actions) {
        if self.claims.refresh_from.is_some_and(|from| now.mono > from) {
            let refresh = self.config.garp.master_refresh;
            self.claims.refresh_from = Some(now.mono + refresh);
            let why = Why::with("garp_master_refresh {}", [Value::Seconds(refresh)]);
            self.announce(now, self.config.garp.master_refresh_repeat, why, out);
        }
    }

    /// After a lower-priority advertisement: a burst now, and one later.
    pub(super) fn announce_against_lower(&mut self, now: Now, why: Why, out: &mut Actions) {
        let garp = self.config.garp;
        if garp.lower_prio_repeat == 0 {
            return;
        }
        self.announce(now, garp.lower_prio_repeat, why, out);
        if !garp.lower_prio_delay.is_zero() {
            self.claims.lower_prio.add(now.mono + garp.lower_prio_delay);
            self.timers.arm(Timer::GarpLowerPrio, self.claims.lower_prio.next());
        }
        self.verify_from_now(now);
    }

    /// Another master has left: its claims may have come after ours.
    pub(super) fn reclaim(&mut self, now: Now, out: &mut Actions) {
        if self.claims.reclaimed.is_none_or(|at| now.mono >= at + RECLAIM_INTERVAL) {
            self.claims.reclaimed = Some(now.mono);
            let why = Why::new("the other master has left");
            self.announce(now, self.config.garp.master_repeat, why, out);
        }
    }

    /// Nothing that was planned will be announced.
    pub(super) fn forget_announcements(&mut self) {
        self.claims = Claims::default();
        for timer in [Timer::GarpDelayed, Timer::GarpLowerPrio, Timer::GarpPaced, Timer::Verify] {
            self.timers.disarm(timer);
        }
    }

    /// Announces its addresses, if it is master and has them.
    pub(super) fn announce(&mut self, now: Now, repeat: u32, why: Why, out: &mut Actions) {
        let nothing = self.held.is_empty() || repeat == 0;
        if self.role != Role::Master || self.installing > 0 || nothing {
            return;
        }
        out.push(Action::Record(Record::Claims { subject: self.subject, why }));
        let interval = self.announcement_interval();
        if self.profile.has(Switch::ClaimsBothWays) {
            let every = if interval.is_zero() { PACE } else { interval };
            // What is left of a burst is not cut short by a smaller one.
            let (left, made) = self.claims.paced.map_or((0, 0), |paced| (paced.of - paced.next, paced.made));
            let of = repeat.saturating_mul(self.held.len() as u32).max(left);
            self.paced_from(now, Paced { next: 0, of, made, every }, out);
        } else if !interval.is_zero() {
            // Measured (d21): the first address twice, every other one once, whatever the repeat.
            let of = self.held.len() as u32 + 1;
            self.paced_from(now, Paced { next: 0, of, made: 0, every: interval }, out);
        } else {
            for _ in 0..repeat {
                self.announce_round(out);
            }
        }
    }

    /// Takes a burst's first step and plans the next.
    fn paced_from(&mut self, now: Now, paced: Paced, out: &mut Actions) {
        let Paced { next, of, made, every } = paced;
        if now.mono < self.claims.gate {
            (self.claims.paced, self.claims.queued) = (Some(paced), true);
            return self.timers.arm(Timer::GarpPaced, self.claims.gate);
        }
        self.announce_next(paced, out);
        let closes = now.mono + every;
        // A burst of one address that is begun anew begins at once: what it answers is a rival's claim.
        if self.profile.has(Switch::ClaimsBothWays) && self.held.len() > 1 {
            self.claims.gate = closes;
        }
        self.claims.closes = Some(closes);
        let more = next + 1 < of;
        let rest = Paced { next: next + 1, of, made: made.saturating_add(1), every };
        self.claims.paced = more.then_some(rest);
        self.timers.arm(Timer::GarpPaced, if more { closes } else { Time::MAX });
    }

    /// `havip`: the addresses in turn, a round of requests and one of replies.
    fn announce_next(&self, Paced { next, made, .. }: Paced, out: &mut Actions) {
        let addresses = self.held.len() as u32;
        let (at, reply) = match self.profile.has(Switch::ClaimsBothWays) {
            true => (made % addresses, next / addresses % 2 == 1),
            false => (next.saturating_sub(1) % addresses, false),
        };
        let held = self.held[at as usize];
        transmit::announcement(held.place(self.place.source), held.address.addr(), reply, out);
    }

    fn go_on_announcing(&mut self, now: Now, out: &mut Actions) {
        if let Some(paced) = self.claims.paced.take()
            && self.role == Role::Master
        {
            self.paced_from(now, paced, out);
        }
    }

    fn announce_round(&self, out: &mut Actions) {
        for held in &self.held {
            transmit::announcement(held.place(self.place.source), held.address.addr(), false, out);
        }
    }

    fn announcement_interval(&self) -> Duration {
        let garp = &self.config.garp;
        if self.config.is_ipv6() { garp.gna_interval } else { garp.interval }
    }

    /// Until when others that share its pace wait after its last announcement; told once.
    pub fn take_closes(&mut self) -> Option<Time> {
        self.claims.closes.take()
    }

    /// It announces nothing before this: another one has that shares its pace.
    pub fn wait_to_announce(&mut self, until: Time) {
        self.claims.gate = self.claims.gate.max(until);
    }

    /// Whether it has begun to wait with the others; told once.
    pub fn take_queued(&mut self) -> bool {
        std::mem::take(&mut self.claims.queued)
    }

    /// Before this it announces nothing.
    pub fn closed_until(&self) -> Time {
        self.claims.gate
    }

    /// If it waits to announce: how often it has announced each of its addresses, and how long one announcement takes.
    pub fn waits_to_announce(&self) -> Option<(u32, Duration)> {
        let paced = self.claims.paced?;
        Some((paced.made / self.held.len().max(1) as u32, paced.every))
    }

    /// It is its turn then, if nobody before it announces later.
    pub fn announce_at(&mut self, turn: Time) {
        self.timers.arm(Timer::GarpPaced, turn);
    }

    /// How fast it announces, as its interface's `garp_group` has it.
    pub fn set_pace(&mut self, interval: Duration, gna_interval: Duration) {
        let garp = &mut Arc::make_mut(&mut self.config).garp;
        (garp.interval, garp.gna_interval) = (interval, gna_interval);
    }

    // Whether it is believed.

    pub(super) fn verify_from_now(&mut self, now: Now) {
        if self.profile.has(Switch::VerifiesClaims) {
            let Verifying { vouched, silent, .. } = self.claims.verifying;
            self.claims.verifying = Verifying { wait: VERIFY_FIRST, vouched, silent, ..Verifying::default() };
            self.timers.arm(Timer::Verify, now.mono + VERIFY_FIRST);
        }
    }

    /// Asks, and half a second later looks at what that brought.
    fn verify(&mut self, now: Now, out: &mut Actions) {
        if self.role != Role::Master {
            return;
        }
        let wait = if self.claims.verifying.asked == 0 { self.ask(out) } else { self.look(now, out) };
        self.timers.arm(Timer::Verify, now.mono + wait);
    }

    fn ask(&mut self, out: &mut Actions) -> Duration {
        // Of what is on the loopback nobody on a segment can be asked.
        let on_segment = self.held.iter().filter(|held| held.mac != Mac::UNSPECIFIED);
        let mut asked = 0;
        for held in on_segment {
            transmit::question(held.place(self.place.source), held.address.addr(), out);
            asked += 1;
        }
        self.claims.verifying = Verifying { asked, ours: 0, another: false, ..self.claims.verifying };
        if asked == 0 { VERIFY_MAX } else { ANSWER }
    }

    fn look(&mut self, now: Now, out: &mut Actions) -> Duration {
        let Verifying { asked, ours, another, believed, vouched, silent, wait } = self.claims.verifying;
        let again = match another {
            // It was ours, or on a lan its kernel answers: nobody is deaf to us, but another machine has taken it.
            true if believed || self.on_lan => {
                let answers = self.claims.contest.answers(now.mono);
                answers.then_some(Why::new("another machine has taken it"))
            }
            true => Some(Why::new("claim not believed: another machine answers")),
            false if ours >= asked => None,
            // On a lan nobody answers but who holds it; a cloud's switch answers for everybody.
            false if self.on_lan => None,
            false => Some(Why::new("claim not verified: nobody answers")),
        };
        let vouched = vouched || ours > 0;
        let silent = if another || ours > 0 { 0 } else { silent.saturating_add(1) };
        let wait = match again {
            None => VERIFY_MAX,
            Some(_) if believed => VERIFY_FIRST,
            Some(_) => (wait * 2).min(VERIFY_MAX),
        };
        let believed = again.is_none() && (believed || ours >= asked);
        self.claims.verifying =
            Verifying { asked: 0, believed, vouched, silent, wait, ..self.claims.verifying };
        if let Some(why) = again {
            self.announce(now, AGAIN, why, out);
        }
        wait
    }

    /// Whether a binding may have to follow a claim: not on a lan.
    pub(super) fn is_bound_by_a_cloud(&self) -> bool {
        let Verifying { vouched, silent, .. } = self.claims.verifying;
        !self.on_lan && (vouched || silent < SILENT_QUESTIONS)
    }

    /// It hears what other machines say to all.
    pub(crate) fn hears_broadcasts(&mut self) {
        self.on_lan = true;
    }

    /// Somebody says, to all or to us, who has an address.
    pub(crate) fn heard_of(
        &mut self,
        now: Now,
        address: IpAddr,
        (mac, to_all): (Mac, bool),
        out: &mut Actions,
    ) {
        let Some(held) = self.held.iter().find(|held| held.address.addr() == address) else { return };
        let ours = mac == held.mac;
        self.step_down_if_it_stood_still(now, out);
        let verifying = &mut self.claims.verifying;
        match self.role {
            Role::Master if ours => verifying.ours += 1,
            Role::Master if !to_all => verifying.another = true,
            Role::Master => self.defend(now, address, out),
            _ => {}
        }
    }

    /// Another machine announces an address to everybody. RFC 5227 section 2.4 (c): a host that must keep its address
    /// defends it, with no second announcement within DEFEND_INTERVAL. Two that do so end after one answer each.
    fn defend(&mut self, now: Now, address: IpAddr, out: &mut Actions) {
        let due = self.claims.defended.is_none_or(|at| now.mono >= at + DEFEND_INTERVAL);
        if self.profile.has(Switch::DefendsAddresses) && due {
            self.claims.defended = Some(now.mono);
            let why = Why::with("another machine announces {}: defended", [Value::Address(address)]);
            self.announce(now, AGAIN, why, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_time_and_again_is_taken_back_ever_more_seldom_until_it_is_quiet_for_long() {
        let mut contest = Contest::default();
        let mut answered = Vec::new();
        for second in (0..8000).chain([20_000, 20_030, 20_060]) {
            if contest.answers(Time::from_nanos(second * 1_000_000_000)) {
                answered.push(second);
            }
        }
        assert_eq!(answered, [0, 60, 180, 420, 900, 1860, 3780, 7620, 20_000, 20_060]);
    }
}
