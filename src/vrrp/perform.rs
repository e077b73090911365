//! Doing what a cell of the table says.

use super::interval::{master_down_interval, skew_time};
use super::place::Held;
use super::receive::Advert;
use super::router::{Announcing, Awaited, Notice, VirtualRouter, Waiting};
use super::table::{Effect, Input, cell};
use super::timers::Timer;
use super::transmit;
use crate::config::VirtualRoute;
use crate::profile::Switch;
use crate::program::{Action, Actions, Now, Record, Role, Why};
use crate::time::{Duration, Time};
use crate::wire::vrrp::PRIORITY_LEAVING;

/// How often an advertisement behind a goodbye is repeated before a skew time is over.
const REPEATS: u8 = 2;

/// How long a cloud's binding may take to follow a claim, by its vendor's document.
const BIND_DELAY: Duration = Duration::from_secs(10);

/// What the effects of a cell may need to know of its cause.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    pub(super) now: Now,
    pub(super) why: Why,
    pub(super) advert: Option<Advert>,
    /// The effective priority before it changed.
    pub(super) before: u8,
}

impl Cause {
    /// One without an advertisement, and without a change of priority.
    pub(super) fn new(now: Now, why: Why) -> Cause {
        Cause { now, why, advert: None, before: 0 }
    }
}

impl VirtualRouter {
    pub(super) fn apply(&mut self, input: Input, cause: &Cause, out: &mut Actions) {
        let cell = cell(self.role, input, self.profile);
        for &effect in cell.effects {
            self.perform(effect, cell.to, cause, out);
        }
    }

    fn perform(&mut self, effect: Effect, to: Role, cause: &Cause, out: &mut Actions) {
        let now = cause.now;
        match effect {
            Effect::Turn => self.turn(to, cause.why, out),
            Effect::Advertise => self.send_advert(self.priority, now, out),
            Effect::SayGoodbye => self.send_advert(PRIORITY_LEAVING, now, out),
            // Measured (d09, d09d): without the answer, the next advertisement is not put off either.
            Effect::AnswerLower => {
                if !self.config.lower_prio_no_advert {
                    self.send_advert(self.priority, now, out);
                    self.arm_advert(now);
                }
            }
            Effect::AnswerHigher => {
                if self.config.higher_prio_send_advert {
                    self.send_advert(self.priority, now, out);
                }
            }
            Effect::AwaitMaster => {
                self.group.wants_master = None;
                self.obey(cause);
                self.await_master(now, Awaited::Advert);
            }
            Effect::AwaitGroup => {
                let wait = self.down_interval(self.priority, self.master_interval);
                self.timers.arm(Timer::MasterDown, now.mono + wait);
            }
            Effect::AwaitSkew => {
                let what = cause.advert.map_or(Awaited::OwnSkew, |a| Awaited::SkewAfter(a.from));
                self.waiting = Waiting { since: now.mono, what };
                let skew = skew_time(self.config.version, self.priority, self.master_interval);
                self.timers.arm(Timer::MasterDown, now.mono + skew);
            }
            Effect::ShiftWait => self.shift_wait(cause.before),
            Effect::ArmAdvert => self.arm_advert(now),
            Effect::RepeatAdvert => {
                self.repeats = REPEATS;
                self.arm_advert(now);
            }
            Effect::DisarmElection => {
                self.timers.disarm(Timer::MasterDown);
                self.timers.disarm(Timer::Advert);
                self.timers.disarm(Timer::LateClaim);
                self.repeats = 0;
            }
            Effect::DisarmAll => self.timers.disarm_all(),
            Effect::AdoptInterval => {
                if let Some(advert) = cause.advert {
                    self.master_interval = advert.interval;
                }
            }
            Effect::OwnInterval => self.master_interval = self.config.advert_interval,
            Effect::ForgetPreemptDelay => self.preempt_from = None,
            Effect::AddAddresses => self.add_addresses(now, out),
            Effect::AddAddressesLater => {
                self.timers.arm(Timer::LateClaim, now.mono + self.config.advert_interval);
            }
            Effect::RemoveAddresses => self.remove_addresses(out),
            Effect::RenewLease => self.renew_lease(out),
            Effect::Refresh => self.refresh(now, out),
            Effect::AnnounceAgainstLower => self.announce_against_lower(now, cause.why, out),
            Effect::AnnounceAgain => self.reclaim(now, out),
            Effect::AnnounceSource => self.announce_source(out),
            Effect::ForgetAnnouncements => self.forget_announcements(),
        }
    }

    fn turn(&mut self, to: Role, why: Why, out: &mut Actions) {
        let from = std::mem::replace(&mut self.role, to);
        self.obeys = None;
        self.refusals.begin_anew();
        self.group.wants_master = None;
        self.group.gave_way |= self.group.member && from == Role::Master && to == Role::Backup;
        if from == Role::Master && self.profile.has(Switch::ForgetsPastMastership) {
            self.forget_announcements();
        }
        self.notices.push(Notice::Is(to));
        out.push(Action::Record(Record::Transition { subject: self.subject, from, to, why }));
    }

    pub(super) fn await_master(&mut self, now: Now, what: Awaited) {
        self.waiting = Waiting { since: now.mono, what };
        let wait = self.down_interval(self.priority, self.master_interval);
        self.timers.arm(Timer::MasterDown, now.mono + wait);
    }

    /// The next advertisement: an interval from now, or sooner while one is repeated. The skew time of whoever is not above
    /// it is as long as its own, or longer.
    fn arm_advert(&mut self, now: Now) {
        let interval = self.config.advert_interval;
        let skew = skew_time(self.config.version, self.priority, interval);
        let sooner = Duration::from_micros(skew.as_micros() / u64::from(REPEATS + 1));
        let wait = if self.repeats == 0 { interval } else { sooner };
        self.repeats = self.repeats.saturating_sub(1);
        self.timers.arm(Timer::Advert, now.mono + wait);
    }

    /// Remembers its master. Of two that it hears the better one: the other will hear it too, and give way.
    fn obey(&mut self, cause: &Cause) {
        let Some(advert) = cause.advert else { return };
        let now = cause.now.mono;
        let known = self.obeys.filter(|&(.., at)| now < at + advert.interval * 2);
        let new = (advert.priority, advert.from, now);
        self.obeys = Some(match known {
            Some(best) if (best.0, best.1) > (new.0, new.1) => best,
            _ => new,
        });
    }

    /// A changed priority moves the timer of a backup that waits for its master.
    fn shift_wait(&mut self, before: u8) {
        let due = self.timers.due(Timer::MasterDown);
        if self.role != Role::Backup || due == Time::MAX {
            return;
        }
        let interval = self.master_interval;
        let (old, new) = (self.down_interval(before, interval), self.down_interval(self.priority, interval));
        let moved = (due + new).as_nanos().saturating_sub(old.as_nanos());
        self.timers.arm(Timer::MasterDown, Time::from_nanos(moved));
    }

    pub(super) fn down_interval(&self, priority: u8, interval: Duration) -> Duration {
        master_down_interval(self.config.version, priority, interval, self.config.down_timer_adverts)
    }

    // What it sends and holds.

    pub(super) fn send_advert(&mut self, priority: u8, now: Now, out: &mut Actions) {
        self.identification = self.identification.wrapping_add(1);
        self.spoke = now.mono;
        let signing = self.authenticator.as_mut().and_then(|a| a.sign(now));
        let sender = transmit::Sender { config: &self.config, place: self.place, signing };
        sender.advertise(&self.advertised, priority, self.identification, out);
    }

    /// The next advertisement, if nothing is signed.
    pub(super) fn push_next_advert(&self, out: &mut Actions) {
        let sender = transmit::Sender { config: &self.config, place: self.place, signing: None };
        sender.advertise(&self.advertised, self.priority, self.identification.wrapping_add(1), out);
    }

    pub(super) fn announce_source(&self, out: &mut Actions) {
        if self.config.is_unicast() {
            // Peers may hold an old entry for us: measured, one announcement of our own address.
            transmit::announcement(self.place, self.place.source, false, out);
        }
    }

    // What is on an interface the kernel answers for. RFC 9568 section 6.4.3: "It MUST respond to ARP
    // requests for the IPv4 address(es) associated with the Virtual Router.", "It MUST be a member of the
    // Solicited-Node multicast address for the IPv6 address(es) associated with the Virtual Router." and "It
    // MUST accept packets addressed to the IPvX address(es) associated with the Virtual Router if it is the
    // IPvX address owner or if Accept_Mode is True."; RFC 9568 section 6.4.2: "Compute and join the
    // Solicited-Node multicast address [RFC4291] for the IPv6 address(es) associated with the Virtual
    // Router."
    pub(super) fn add_addresses(&mut self, now: Now, out: &mut Actions) {
        self.announcing = Announcing::Takeover;
        for held in &self.held {
            self.installing += 1;
            out.push(self.adding(held));
        }
        if self.installing == 0 {
            self.add_routes(out);
            self.first_burst(now, out);
        }
    }

    /// `virtual_routes`: behind the addresses, since they may be what a route's gateway is reached from.
    fn add_routes(&self, out: &mut Actions) {
        for VirtualRoute { route, .. } in &self.config.routes {
            out.push(Action::AddRoute { route });
        }
    }

    fn remove_routes(&self, out: &mut Actions) {
        for VirtualRoute { route, .. } in self.config.routes.iter().rev() {
            out.push(Action::RemoveRoute { route });
        }
    }

    /// After a reload: what is gone is removed, what is new added.
    pub(super) fn change_routes(&self, had: &[VirtualRoute], out: &mut Actions) {
        let without = |these: &[VirtualRoute], route: &str| these.iter().all(|one| one.route != route);
        for VirtualRoute { route, .. } in had.iter().filter(|one| without(&self.config.routes, &one.route)) {
            out.push(Action::RemoveRoute { route });
        }
        for VirtualRoute { route, .. } in self.config.routes.iter().filter(|one| without(had, &one.route)) {
            out.push(Action::AddRoute { route });
        }
    }

    fn adding(&self, held: &Held) -> Action<'static> {
        let lease = self.profile.has(Switch::LeasesAddresses).then(|| self.lease());
        let Held { interface, address, .. } = *held;
        Action::AddAddress { interface, address, lifetime: lease, accept: self.config.accepts }
    }

    /// Long enough for three lost renewals, in the kernel's whole seconds. In a cloud the binding stays with a machine
    /// whose process was killed until it has followed the next master's claim, and until then it shall answer.
    fn lease(&self) -> Duration {
        let follows = if self.is_bound_by_a_cloud() { BIND_DELAY } else { Duration::ZERO };
        let nanos = (Duration::from_secs(2) + self.config.advert_interval * 3 + follows).as_nanos();
        Duration::from_secs(nanos.div_ceil(1_000_000_000))
    }

    /// Whether addresses are added once more with each advertisement; not while they are being added.
    pub(super) fn renews_leases(&self) -> bool {
        let adds_them_yet = self.installing > 0 || self.timers.due(Timer::LateClaim) != Time::MAX;
        !adds_them_yet && self.profile.has(Switch::LeasesAddresses)
    }

    fn renew_lease(&mut self, out: &mut Actions) {
        if !self.renews_leases() {
            return;
        }
        self.renewing = self.renewing.saturating_add(self.held.len() as u16);
        self.push_renewals(out);
    }

    /// Adds what it holds once more.
    pub(super) fn push_renewals(&self, out: &mut Actions) {
        for held in &self.held {
            out.push(self.adding(held));
        }
    }

    // RFC 9568 section 8.1.2: "gratuitous ARP messages MUST be delayed until both the IPv4 address and the
    // Virtual Router MAC address are configured." RFC 9568 section 8.2.2: "ND Neighbor Advertisements, and ND
    // Neighbor Solicitation messages MUST be delayed until both the IPv6 address and the Virtual Router MAC
    // address are configured."
    pub(super) fn announce_when_installed(&mut self, now: Now, out: &mut Actions) {
        if self.installing == 0 && self.role == Role::Master {
            match self.announcing {
                Announcing::Takeover => {
                    self.add_routes(out);
                    self.first_burst(now, out);
                }
                Announcing::Reload => {
                    self.announce(now, self.config.garp.master_repeat, Why::new("reload"), out);
                }
            }
        }
    }

    // The kernel answers for it no longer. RFC 9568 section 6.4.2: "It MUST NOT respond to ARP requests for
    // the IPv4 address(es) associated with the Virtual Router.", "It MUST NOT respond to ND Neighbor
    // Solicitation messages for the IPv6 address(es) associated with the Virtual Router." and "It MUST NOT
    // accept packets addressed to the IPvX address(es) associated with the Virtual Router."
    fn remove_addresses(&mut self, out: &mut Actions) {
        self.remove_routes(out);
        for held in &self.held {
            out.push(Action::RemoveAddress { interface: held.interface, address: held.address });
        }
    }

    /// After a reload: what is new is added, what is gone removed, and if anything is new everything is announced.
    pub(super) fn change_addresses(&mut self, had: &[Held], out: &mut Actions) {
        let same = |a: &Held, b: &Held| a.address.addr() == b.address.addr() && a.interface == b.interface;
        for gone in had.iter().filter(|old| !self.held.iter().any(|new| same(old, new))) {
            out.push(Action::RemoveAddress { interface: gone.interface, address: gone.address });
        }
        self.announcing = Announcing::Reload;
        for new in self.held.iter().filter(|new| !had.iter().any(|old| same(old, new))) {
            self.installing += 1;
            out.push(self.adding(new));
        }
    }
}
