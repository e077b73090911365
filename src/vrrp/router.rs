//! One virtual router: a `vrrp_instance` at work.
//!
//! Here is what it knows and what can happen to it. Each event is made an [`Input`] (`judge`), the
//! [table](super::table) says what follows, and that is done (`perform`).

use std::net::IpAddr;
use std::sync::Arc;

use tracing::info;

use super::authenticate::Authenticator;
use super::claims::Claims;
use super::faults::{Fault, Faults};
use super::perform::Cause;
use super::place::{Held, Place};
use super::receive::{Datagram, Receiver};
use super::refused::{Refusals, Refused};
use super::table::Input;
use super::timers::{Timer, Timers};
use crate::config::{Instance, VirtualRoute};
use crate::profile::{Profile, Switch};
use crate::program::{Action, Actions, AddressChange, InterfaceId, Now, Record, Role, Subject, Value, Why};
use crate::time::{Duration, Time};
use crate::wire::vrrp::{MAX_ADDRESSES, PRIORITY_OWNER};

/// One virtual router.
#[derive(Clone, Debug)]
pub struct VirtualRouter {
    pub(super) config: Arc<Instance>,
    pub(super) profile: Profile,
    pub(super) subject: Subject,
    pub(super) place: Place,
    /// What it holds as master, those it advertises first.
    pub(super) held: Vec<Held>,
    /// The advertised ones, as they are compared.
    pub(super) advertised: Vec<IpAddr>,
    pub(super) role: Role,
    pub(super) timers: Timers,
    pub(super) claims: Claims,
    /// Addresses asked for and not yet on the interface; announcing them waits for that.
    pub(super) installing: u16,
    /// The effective priority: the configured one and what is tracked.
    pub(super) priority: u8,
    pub(super) faults: Faults,
    /// It has been told to begin. A script of weight 0 that has not ended once holds it back.
    pub(super) begun: bool,
    /// Active_Adver_Interval: our own, or in v3 the one the master told.
    pub(super) master_interval: Duration,
    /// Why and since when the master down timer runs.
    pub(super) waiting: Waiting,
    /// As backup: the best advertisement that it has obeyed lately, and when.
    pub(super) obeys: Option<(u8, IpAddr, Time)>,
    /// When preemption is allowed: set by the first lower-priority advertisement heard as backup.
    pub(super) preempt_from: Option<Time>,
    /// When `vrrp_startup_delay` and `vrrp_delay_after_boot` are over.
    pub(super) deaf_until: Time,
    /// When it last advertised.
    pub(super) spoke: Time,
    /// How many of the next advertisements come sooner than an interval after the last.
    pub(super) repeats: u8,
    /// keepalived numbers its advertisements from 1.
    pub(super) identification: u16,
    /// Answers to come to addresses that were added again for their lease.
    pub(super) renewing: u16,
    /// What the announcement is for, once the addresses are there.
    pub(super) announcing: Announcing,
    /// Whose addresses were found right, for `skip_check_adv_addr`.
    pub(super) checked: Option<IpAddr>,
    /// How the addresses of the last advertisement that it obeyed were unlike its own.
    pub(super) unlike: Option<Refused>,
    /// It has heard other machines' broadcasts or multicasts: this is a lan. No cloud's subnet carries them.
    pub(super) on_lan: bool,
    /// It was master when its own link went down, and has said no goodbye.
    pub(super) cut_off: bool,
    pub(super) authenticator: Option<Authenticator>,
    pub(super) refusals: Refusals,
    pub(super) group: Group,
    /// What is to be told by notify scripts and pipes, in order.
    pub(super) notices: Vec<Notice>,
}

/// What its group asks about it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// It is a member of one.
    pub(super) member: bool,
    /// Its master down timer has run out: it waits for the others since then.
    pub(super) wants_master: Option<Time>,
    /// It has ceased to be master and its group has not been told.
    pub(super) gave_way: bool,
}

/// Something to tell by notify scripts and pipes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It is in this state now; `Init` stands for stopped.
    Is(Role),
    /// It is no longer in the configuration.
    Removed,
    /// As master, it heard a lower priority.
    MasterHeardLower,
    /// Its effective priority changed.
    Priority(u8),
}

/// Why addresses are being added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announcing {
    /// The instance became master: two bursts, then refreshes.
    Takeover,
    /// A reload added one: a burst of all, and none after `garp_master_delay` (measured: d04c).
    Reload,
}

/// What a backup waits for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) since: Time,
    pub(super) what: Awaited,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Awaited {
    /// An advertisement.
    Advert,
    /// Its skew time, after this one left.
    SkewAfter(IpAddr),
    /// Its skew time, after it left itself.
    OwnSkew,
}

impl VirtualRouter {
    /// An instance that has not begun.
    pub fn new(
        config: Arc<Instance>,
        profile: Profile,
        subject: Subject,
        place: Place,
        held: Vec<Held>,
    ) -> Self {
        let advertised = advertised(profile, &held);
        VirtualRouter {
            profile,
            subject,
            place,
            held,
            advertised,
            role: Role::Init,
            timers: Timers::new(),
            claims: Claims::default(),
            installing: 0,
            priority: config.priority,
            faults: Faults::default(),
            begun: false,
            master_interval: config.advert_interval,
            waiting: Waiting { since: Time::ZERO, what: Awaited::Advert },
            obeys: None,
            preempt_from: None,
            deaf_until: Time::ZERO,
            spoke: Time::ZERO,
            repeats: 0,
            identification: 0,
            renewing: 0,
            announcing: Announcing::Takeover,
            checked: None,
            unlike: None,
            on_lan: false,
            cut_off: false,
            authenticator: config.hmac.as_ref().map(Authenticator::new),
            refusals: Refusals::default(),
            group: Group::default(),
            notices: Vec::new(),
            config,
        }
    }

    /// The interface that it has waited for is there.
    pub fn move_to(&mut self, place: Place, held: Vec<Held>) {
        self.advertised = advertised(self.profile, &held);
        (self.place, self.held) = (place, held);
    }

    /// Its configuration.
    pub fn config(&self) -> &Arc<Instance> {
        &self.config
    }
    /// Where it lives.
    pub fn place(&self) -> Place {
        self.place
    }
    /// How records refer to it.
    pub fn subject(&self) -> Subject {
        self.subject
    }
    /// Its state.
    pub fn role(&self) -> Role {
        self.role
    }
    /// What keeps it from taking part.
    pub fn faults(&self) -> Faults {
        self.faults
    }
    /// Whether it has been told to begin.
    pub fn has_begun(&self) -> bool {
        self.begun
    }
    /// Its effective priority.
    pub fn priority(&self) -> u8 {
        self.priority
    }
    /// How many advertisements it has refused, by kind.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.refusals.counts()
    }
    /// When its first timer is due.
    pub fn deadline(&self) -> Time {
        self.timers.earliest()
    }
    /// Whether an interface is its own, or one of its addresses'.
    pub fn speaks_on(&self, interface: InterfaceId) -> bool {
        self.place.interface == interface || self.held.iter().any(|held| held.interface == interface)
    }
    /// Whether it holds this address as master.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.held.iter().any(|h| h.address.addr() == address)
    }

    // Events.

    /// Takes part from here on, or as soon as nothing keeps it from it. `delay`: what is left of
    /// `vrrp_startup_delay` and `vrrp_delay_after_boot`.
    pub fn start(&mut self, now: Now, delay: Duration, out: &mut Actions) {
        self.begun = true;
        let cause = |why| Cause::new(now, why);
        if let Some(fault) = self.faults.first() {
            info!("({}) Entering FAULT STATE", self.config.name);
            return self.apply(Input::Fault, &cause(fault.why(self.place.source)), out);
        }
        self.deaf_until = now.mono + delay;
        // RFC 9568 section 6.4.1: "If the Priority = 255, i.e., the router owns the IPvX address(es)
        // associated with the Virtual Router, then: - Send an ADVERTISEMENT", that is, it starts as master.
        // keepalived wants `state MASTER` for it, written or implied.
        let owner = self.priority == PRIORITY_OWNER && self.config.starts_master;
        if owner && delay.is_zero() {
            info!("({}) Receive advertisement timeout", self.config.name);
            let why = Why::new("priority 255, state MASTER: the address's owner");
            return self.apply(Input::StartAsMaster, &cause(why), out);
        }
        if self.config.starts_master && self.profile.has(Switch::StartsMaster) {
            // 1.3: its first timer is an interval, and it hears nobody before.
            return self.timers.arm(Timer::MasterDown, now.mono + delay + self.config.advert_interval);
        }
        info!("({}) Entering BACKUP STATE (init)", self.config.name);
        self.apply(Input::Start, &cause(Why::new("start")), out);
        let due = if owner { now.mono } else { self.timers.due(Timer::MasterDown) };
        self.timers.arm(Timer::MasterDown, due + delay);
    }

    /// Its timers.
    pub fn timer(&mut self, now: Now, out: &mut Actions) {
        self.step_down_if_it_stood_still(now, out);
        while let Some(timer) = self.timers.expired(now.mono) {
            match timer {
                Timer::MasterDown => self.master_is_down(now, out),
                Timer::Advert => {
                    self.apply(Input::AdvertDue, &Cause::new(now, Why::NONE), out);
                }
                Timer::LateClaim => self.add_addresses(now, out),
                _ => self.claim_timer(now, timer, out),
            }
        }
    }

    /// A packet for its virtual router, received in its mode.
    pub fn receive(&mut self, now: Now, datagram: &Datagram<'_>, out: &mut Actions) {
        if !matches!(self.role, Role::Backup | Role::Master) {
            return;
        }
        if now.mono < self.deaf_until {
            return self.hear_nothing_yet(now);
        }
        self.step_down_if_it_stood_still(now, out);
        let receiver = Receiver {
            config: &self.config,
            profile: self.profile,
            addresses: &self.advertised,
            known: self.config.skip_check_addresses && self.checked == Some(datagram.src),
        };
        match receiver.check(now, self.authenticator.as_mut(), datagram) {
            Ok(advert) => {
                let before = std::mem::replace(&mut self.unlike, advert.unlike);
                if let Some(unlike) = advert.unlike.filter(|_| advert.unlike != before) {
                    self.note(unlike.obeyed(), out);
                }
                self.checked = Some(advert.from);
                self.judge(now, advert, out);
            }
            Err(refused) => {
                let why = refused.why();
                if self.refusals.count(refused) {
                    let (name, from) = (&self.config.name, datagram.src);
                    info!("({name}) received an advert from {from} that is refused: {why}");
                }
                out.push(Action::Record(Record::Rejected { subject: self.subject, why }));
                self.apply(Input::Refused, &Cause::new(now, why), out);
            }
        }
    }

    /// Something that it cannot do without is missing, or there again.
    pub fn set_fault(&mut self, now: Now, fault: Fault, holds: bool, out: &mut Actions) {
        self.set_fault_of(now, (fault, self.place.source), holds, out);
    }

    fn set_fault_of(&mut self, now: Now, (fault, source): (Fault, IpAddr), holds: bool, out: &mut Actions) {
        if !self.faults.set(fault, holds) {
            return;
        }
        match (self.faults.any(), self.role) {
            (true, Role::Init) if !self.begun => {}
            (true, Role::Init | Role::Backup | Role::Master) => {
                info!("({}) Entering FAULT STATE", self.config.name);
                let input = match fault {
                    Fault::Group => Input::GroupFault,
                    Fault::OwnLink => Input::LinkDown,
                    _ => Input::Fault,
                };
                self.cut_off = input == Input::LinkDown && self.role == Role::Master;
                self.apply(input, &Cause::new(now, fault.why(source)), out);
            }
            (false, Role::Fault) => {
                info!("({}) Entering BACKUP STATE", self.config.name);
                let input = if self.is_not_missed(now) { Input::MendedInTime } else { Input::Mended };
                self.apply(input, &Cause::new(now, fault.mended()), out);
            }
            _ => {}
        }
    }

    /// What is tracked is worth this much to its priority now.
    pub fn set_bonus(&mut self, now: Now, bonus: i32, out: &mut Actions) {
        self.step_down_if_it_stood_still(now, out);
        let base = self.config.priority;
        // RFC 9568 section 5.2.4: "The priority value for the VRRP Router that owns the IPvX address
        // associated with the Virtual Router MUST be 255 (decimal).", whatever it tracks, and "VRRP Routers
        // backing up a Virtual Router MUST use priority values between 1-254 (decimal)."
        let priority = match base {
            PRIORITY_OWNER => base,
            _ => (i32::from(base) + bonus).clamp(1, 254) as u8,
        };
        let before = std::mem::replace(&mut self.priority, priority);
        if before == priority {
            return;
        }
        info!("({}) Changing effective priority from {before} to {priority}", self.config.name);
        let values = [Value::Number(before.into()), Value::Number(priority.into())];
        let why = Why::with("effective priority {} -> {}", values);
        self.note(why, out);
        self.notices.push(Notice::Priority(priority));
        let input = if priority > before { Input::Raised } else { Input::Lowered };
        self.apply(input, &Cause { before, ..Cause::new(now, why) }, out);
    }

    /// Something happened to an address of one of its interfaces.
    pub fn address(&mut self, now: Now, address: IpAddr, change: AddressChange, out: &mut Actions) {
        self.step_down_if_it_stood_still(now, out);
        let Some(held) = self.held.iter().find(|h| h.address.addr() == address) else { return };
        match change {
            AddressChange::Added | AddressChange::Failed if self.renewing > 0 => self.renewing -= 1,
            AddressChange::Added | AddressChange::Failed if self.installing > 0 => {
                self.installing -= 1;
                self.announce_when_installed(now, out);
            }
            AddressChange::VanishedByOther if held.tracked && self.role == Role::Master => {
                info!("({}) Entering BACKUP STATE", self.config.name);
                let why = Why::with("{} was removed from the interface", [Value::Address(address)]);
                self.apply(Input::AddressLost, &Cause::new(now, why), out);
            }
            _ => {}
        }
    }

    /// Somebody removed a route that was its own while it was master. keepalived's source (the measurements have no
    /// such case): as for an address.
    pub fn route_vanished(&mut self, now: Now, route: &str, out: &mut Actions) {
        self.step_down_if_it_stood_still(now, out);
        let is_own = |own: &VirtualRoute| own.route == route && !own.no_track;
        if self.role == Role::Master && self.config.routes.iter().any(is_own) {
            info!("({}) Entering BACKUP STATE", self.config.name);
            let why = Why::new("a route was removed");
            self.apply(Input::AddressLost, &Cause::new(now, why), out);
        }
    }

    /// Ends in good order.
    pub fn stop(&mut self, now: Now, why: Why, out: &mut Actions) {
        info!("({}) {why}", self.config.name);
        self.begun = false;
        self.apply(Input::Stop, &Cause::new(now, why), out);
    }

    /// Ends with its configuration (SIGHUP). It says one last time what it was before it says goodbye, as measured
    /// (d04e, d04g, d04k).
    pub fn remove(&mut self, now: Now, why: Why, out: &mut Actions) {
        if self.role == Role::Master {
            self.send_advert(self.priority, now, out);
        }
        self.stop(now, why, out);
    }

    /// Takes a changed configuration and keeps its state (SIGHUP). `old` runs on until here: it says one last
    /// time what it was, as measured, unless it has stood still for so long that it must not. `faults`: what keeps the
    /// new one from taking part where it is placed. The old one says goodbye then, since it knows to whom.
    pub fn reload(
        &mut self,
        now: Now,
        config: Arc<Instance>,
        (place, held, faults): (Place, Vec<Held>, &[Fault]),
        out: &mut Actions,
    ) {
        self.step_down_if_it_stood_still(now, out);
        if self.role == Role::Master {
            self.send_advert(self.priority, now, out);
        }
        for &fault in faults {
            self.set_fault_of(now, (fault, place.source), true, out);
        }
        let new = VirtualRouter::new(config, self.profile, self.subject, place, held);
        let old = std::mem::replace(self, new);
        self.role = old.role;
        self.begun = old.begun;
        self.faults = old.faults;
        (self.installing, self.renewing) = (old.installing, old.renewing);
        (self.on_lan, self.cut_off) = (old.on_lan, old.cut_off);
        self.notices = old.notices;
        self.refusals = old.refusals;
        let bonus = i32::from(old.priority) - i32::from(old.config.priority);
        if self.config.priority != PRIORITY_OWNER {
            self.priority = (i32::from(self.config.priority) + bonus).clamp(1, 254) as u8;
        }
        if self.config.hmac == old.config.hmac {
            self.authenticator = old.authenticator;
        }
        self.claims.go_on_from(&old.claims);
        match self.role {
            Role::Master => {
                self.send_advert(self.priority, now, out);
                self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
                self.change_addresses(&old.held, out);
                self.change_routes(&old.config.routes, out);
                self.verify_from_now(now);
            }
            Role::Backup => self.await_master(now, Awaited::Advert),
            Role::Init | Role::Fault => {}
        }
        for fault in Fault::OF_ITS_PLACE.into_iter().filter(|fault| !faults.contains(fault)) {
            self.set_fault(now, fault, false, out);
        }
    }

    // Its group.

    /// From now on a member of a group decides with the others.
    pub fn join_group(&mut self) {
        self.group.member = true;
    }
    /// Since when it waits for the others of its group to lose their master too.
    pub fn wants_master(&self) -> Option<Time> {
        self.group.wants_master
    }
    /// Whether it has ceased to be master; asked once.
    pub fn take_gave_way(&mut self) -> bool {
        std::mem::take(&mut self.group.gave_way)
    }
    /// Every member has lost its master. `by_group`: this one goes with the others.
    pub fn take_over_with_group(&mut self, now: Now, by_group: bool, out: &mut Actions) {
        let why = if by_group { Why::new("its group becomes master") } else { self.why_master_is_down(now) };
        info!("({}) Entering MASTER STATE", self.config.name);
        self.apply(Input::GroupTakesOver, &Cause::new(now, why), out);
    }
    /// Another member is no longer master.
    pub fn give_way_with_group(&mut self, now: Now, out: &mut Actions) {
        let why = Why::new("another member of its group is no longer master");
        self.apply(Input::GroupGivesWay, &Cause::new(now, why), out);
        self.group.gave_way = false;
    }
    /// Whether there is something to tell by notify scripts and pipes; of a new master, as soon as its addresses are
    /// there.
    pub fn has_notices(&self) -> bool {
        !self.notices.is_empty() && (self.installing == 0 || self.role != Role::Master)
    }
    /// Whether all that there was to tell has been told.
    pub fn is_told(&self) -> bool {
        self.notices.is_empty()
    }
    /// What there is to tell, in order.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }
}

/// The addresses that an advertisement has room for.
fn advertised(profile: Profile, held: &[Held]) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = held.iter().filter(|h| h.advertised).map(|h| h.address.addr()).collect();
    // RFC 9568 section 5.2.9: "For IPv6, the first address MUST be the IPv6 link-local address associated with the
    // Virtual Router."
    if profile.has(Switch::LinkLocalFirst) {
        all.sort_by_key(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()));
    }
    all.truncate(MAX_ADDRESSES);
    all
}
