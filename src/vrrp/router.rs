//! One virtual router: a `vrrp_instance` at work.
//!
//! What happens is made an [`Input`], the [table](super::table) says what follows, and [`VirtualRouter::apply`] does it.

use std::net::IpAddr;
use std::sync::Arc;

use tracing::info;

use super::claims::Claims;
use super::faults::{Fault, Faults};
use super::interval::{master_down_interval, skew_time};
use super::place::{Held, Place};
use super::receive::{self, Advert, Datagram};
use super::table::{Effect, Input, cell};
use super::timers::{Timer, Timers};
use super::transmit;
use crate::config::Instance;
use crate::profile::{Profile, Switch};
use crate::program::{Action, Actions, AddressChange, Now, Record, Role, Subject, Value, Why};
use crate::time::{Duration, Time};
use crate::wire::vrrp::{PRIORITY_LEAVING, PRIORITY_OWNER};

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
    priority: u8,
    faults: Faults,
    /// It has been told to begin. A script of weight 0 that has not ended once holds it back.
    begun: bool,
    /// Active_Adver_Interval: our own, or in v3 the one the master told.
    master_interval: Duration,
    /// Why and since when the master down timer runs.
    waiting: Waiting,
    /// When preemption is allowed: set by the first lower-priority advertisement heard as backup.
    preempt_from: Option<Time>,
    /// When `vrrp_startup_delay` is over.
    deaf_until: Time,
    /// When it last advertised.
    spoke: Time,
    /// keepalived numbers its advertisements from 1.
    identification: u16,
    /// Answers to come to addresses that were added again for their lease.
    renewing: u16,
    /// What the announcement is for, once the addresses are there.
    announcing: Announcing,
    /// Whose addresses were found right, for `skip_check_adv_addr`.
    checked: Option<IpAddr>,
    group: Group,
    /// What is to be told by notify scripts and pipes, in order.
    notices: Vec<Notice>,
}

/// What its group asks about it.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// It is a member of one.
    member: bool,
    /// Its master down timer has run out: it waits for the others since then.
    wants_master: Option<Time>,
    /// It has ceased to be master and its group has not been told.
    gave_way: bool,
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
enum Announcing {
    /// The instance became master: two bursts, then refreshes.
    Takeover,
    /// A reload added one: a burst of all, and none after `garp_master_delay` (measured: d04c).
    Reload,
}

/// What a backup waits for.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Time,
    what: Awaited,
}

#[derive(Clone, Copy, Debug)]
enum Awaited {
    /// An advertisement.
    Advert,
    /// Its skew time, after this one left.
    SkewAfter(IpAddr),
    /// Its skew time, after it left itself.
    OwnSkew,
}

/// What the effects of a cell may need to know of its cause.
#[derive(Clone, Copy)]
struct Cause {
    now: Now,
    why: Why,
    advert: Option<Advert>,
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
        let advertised = held.iter().filter(|h| h.advertised).map(|h| h.address.addr()).take(255).collect();
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
            preempt_from: None,
            deaf_until: Time::ZERO,
            spoke: Time::ZERO,
            identification: 0,
            renewing: 0,
            announcing: Announcing::Takeover,
            checked: None,
            group: Group::default(),
            notices: Vec::new(),
            config,
        }
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
    /// When its first timer is due.
    pub fn deadline(&self) -> Time {
        self.timers.earliest()
    }
    /// Whether it holds this address as master.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.held.iter().any(|h| h.address.addr() == address)
    }

    // Events.

    /// Takes part from here on, or as soon as nothing keeps it from it. `delay`: `vrrp_startup_delay`.
    pub fn start(&mut self, now: Now, delay: Duration, out: &mut Actions) {
        self.begun = true;
        let cause = |why| Cause { now, why, advert: None };
        if let Some(fault) = self.faults.first() {
            info!("({}) Entering FAULT STATE", self.config.name);
            return self.apply(Input::Fault, &cause(fault.why(self.place.source)), out);
        }
        self.deaf_until = now.mono + delay;
        // RFC 9568 section 6.4.1, (100): "If the Priority = 255, i.e., the router owns the IPvX address associated
        // with the Virtual Router", it starts as master. keepalived wants `state MASTER` for it, written or implied.
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
                    self.apply(Input::AdvertDue, &Cause { now, why: Why::NONE, advert: None }, out);
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
        let known = self.config.skip_check_addresses && self.checked == Some(datagram.src);
        let checked = receive::check(&self.config, self.profile, &self.advertised, known, datagram);
        match checked {
            Ok(advert) => {
                if let Some(missing) = advert.unlike {
                    self.note(missing.why(), out);
                }
                self.checked = Some(advert.from);
                self.judge(now, advert, out);
            }
            Err(refused) => {
                let why = refused.why();
                info!(
                    "({}) received an advert from {} that is refused: {why}",
                    self.config.name, datagram.src
                );
                out.push(Action::Record(Record::Rejected { subject: self.subject, why }));
                self.apply(Input::Refused, &Cause { now, why, advert: None }, out);
            }
        }
    }

    /// Something that it cannot do without is missing, or there again.
    pub fn set_fault(&mut self, now: Now, fault: Fault, holds: bool, out: &mut Actions) {
        if !self.faults.set(fault, holds) {
            return;
        }
        let source = self.place.source;
        match (self.faults.any(), self.role) {
            (true, Role::Init) if !self.begun => {}
            (true, Role::Init | Role::Backup | Role::Master) => {
                info!("({}) Entering FAULT STATE", self.config.name);
                let input = if fault == Fault::Group { Input::GroupFault } else { Input::Fault };
                self.apply(input, &Cause { now, why: fault.why(source), advert: None }, out);
            }
            (false, Role::Fault) => {
                info!("({}) Entering BACKUP STATE", self.config.name);
                self.apply(Input::Mended, &Cause { now, why: fault.mended(), advert: None }, out);
            }
            _ => {}
        }
    }

    /// What is tracked is worth this much to its priority now.
    pub fn set_bonus(&mut self, now: Now, bonus: i32, out: &mut Actions) {
        let base = self.config.priority;
        // "255 forbids weights; trackers cannot raise it to 255".
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
        self.shift_wait(before);
        self.apply(input, &Cause { now, why, advert: None }, out);
    }

    /// Something happened to an address of one of its interfaces.
    pub fn address(&mut self, now: Now, address: IpAddr, change: AddressChange, out: &mut Actions) {
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
                self.apply(Input::AddressLost, &Cause { now, why, advert: None }, out);
            }
            _ => {}
        }
    }

    /// Ends in good order.
    pub fn stop(&mut self, now: Now, why: Why, out: &mut Actions) {
        info!("({}) {why}", self.config.name);
        self.begun = false;
        self.apply(Input::Stop, &Cause { now, why, advert: None }, out);
    }

    /// Takes a changed configuration and keeps its state (SIGHUP). `old` runs on until here: it says one last
    /// time what it was, as measured.
    pub fn reload(
        &mut self,
        now: Now,
        config: Arc<Instance>,
        (place, held): (Place, Vec<Held>),
        out: &mut Actions,
    ) {
        if self.role == Role::Master {
            self.send_advert(self.priority, now, out);
        }
        let new = VirtualRouter::new(config, self.profile, self.subject, place, held);
        let old = std::mem::replace(self, new);
        self.role = old.role;
        self.begun = old.begun;
        self.faults = old.faults;
        self.installing = old.installing;
        self.group.member = old.group.member;
        self.notices = old.notices;
        let bonus = i32::from(old.priority) - i32::from(old.config.priority);
        if self.config.priority != PRIORITY_OWNER {
            self.priority = (i32::from(self.config.priority) + bonus).clamp(1, 254) as u8;
        }
        self.claims.set_refresh(old.claims.refresh_due());
        match self.role {
            Role::Master => {
                self.send_advert(self.priority, now, out);
                self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
                self.change_addresses(&old.held, out);
            }
            Role::Backup => self.await_master(now, Awaited::Advert),
            Role::Init | Role::Fault => {}
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
        self.apply(Input::GroupTakesOver, &Cause { now, why, advert: None }, out);
    }
    /// Another member is no longer master.
    pub fn give_way_with_group(&mut self, now: Now, out: &mut Actions) {
        let why = Why::new("another member of its group is no longer master");
        self.apply(Input::GroupGivesWay, &Cause { now, why, advert: None }, out);
        self.group.gave_way = false;
    }
    /// Whether there is something to tell by notify scripts and pipes; of a new master, as soon as its addresses are
    /// there.
    pub fn has_notices(&self) -> bool {
        !self.notices.is_empty() && (self.installing == 0 || self.role != Role::Master)
    }
    /// What there is to tell, in order.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    // From what happened to an input.

    /// Ranks an advertisement against itself.
    fn judge(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        let input = match self.role {
            _ if advert.priority == PRIORITY_LEAVING => Input::Leaving,
            Role::Backup => self.rank_as_backup(now, advert, out),
            _ => self.rank_as_master(advert),
        };
        let why = match (self.role, input) {
            (Role::Master, Input::Higher) => self.why_it_gives_way(advert),
            (Role::Master, _) | (_, Input::Lower) => {
                let values = [Value::Number(advert.priority.into()), Value::Address(advert.from)];
                Why::with("priority {} heard from {}", values)
            }
            _ => Why::NONE,
        };
        if (self.role, input) == (Role::Master, Input::Lower) {
            self.notices.push(Notice::MasterHeardLower);
        }
        self.log_rank(input, advert);
        self.apply(input, &Cause { now, why, advert: Some(advert) }, out);
    }

    fn rank_as_backup(&mut self, now: Now, advert: Advert, out: &mut Actions) -> Input {
        let lower = advert.priority < self.priority;
        self.run_preempt_delay(now, lower, out);
        let delayed = self.preempt_from.is_some_and(|from| now.mono < from);
        match lower {
            false => Input::Higher,
            true if self.config.nopreempt || delayed => Input::LowerObeyed,
            true => Input::Lower,
        }
    }

    /// RFC 9568 section 6.4.3, (725): priority first, then "the primary IPvX address of the sender".
    fn rank_as_master(&self, advert: Advert) -> Input {
        use std::cmp::Ordering::{Equal, Greater, Less};
        match (advert.priority, advert.from).cmp(&(self.priority, self.place.source)) {
            Less => Input::Lower,
            Equal => Input::Own,
            Greater => Input::Higher,
        }
    }

    /// `preempt_delay` begins with the first lower-priority advertisement, and any other one cancels it.
    fn run_preempt_delay(&mut self, now: Now, lower: bool, out: &mut Actions) {
        if self.config.preempt_delay.is_zero() {
            return;
        }
        match (lower, self.preempt_from) {
            (true, None) => {
                let delay = self.config.preempt_delay;
                self.preempt_from = Some(now.mono + delay);
                info!("({}) start preempt delay ({})", self.config.name, delay.display(6));
                let why =
                    Why::with("preempt_delay {} starts: a lower priority is master", [Value::Seconds(delay)]);
                self.note(why, out);
            }
            (false, Some(_)) => self.preempt_from = None,
            _ => {}
        }
    }

    fn master_is_down(&mut self, now: Now, out: &mut Actions) {
        let cause = |why| Cause { now, why, advert: None };
        match self.role {
            Role::Init if self.begun => {
                info!("({}) Entering MASTER STATE", self.config.name);
                self.apply(Input::StartAsMaster, &cause(Why::new("state MASTER")), out);
            }
            Role::Backup => {
                info!("({}) Receive advertisement timeout", self.config.name);
                if self.group.member {
                    self.group.wants_master = Some(now.mono);
                    return self.apply(Input::MasterDownAlone, &cause(Why::NONE), out);
                }
                info!("({}) Entering MASTER STATE", self.config.name);
                self.apply(Input::MasterDown, &cause(self.why_master_is_down(now)), out);
            }
            _ => {}
        }
    }

    /// Measured (reality 8.9): 2.2.7 discards what it hears during `vrrp_startup_delay`, but each packet adds the rest
    /// of the delay to its timer.
    fn hear_nothing_yet(&mut self, now: Now) {
        let due = self.timers.due(Timer::MasterDown);
        if !self.profile.has(Switch::StartupDelayOnce) && due != Time::MAX {
            self.timers.arm(Timer::MasterDown, due + self.deaf_until.saturating_since(now.mono));
        }
    }

    /// A master that was not scheduled for so long that another must have taken over steps down before it speaks.
    fn step_down_if_it_stood_still(&mut self, now: Now, out: &mut Actions) {
        if self.role != Role::Master {
            return;
        }
        let priority = match self.config.timer_expired_backup {
            Some(priority) => priority,
            None if self.profile.has(Switch::LateWakeStepsDown) => 254,
            None => return,
        };
        let silent = now.mono.saturating_since(self.spoke);
        if silent > self.down_interval(priority, self.config.advert_interval) {
            let why = Why::with("it did not run for {} s", [Value::Seconds(silent)]);
            self.apply(Input::StoodStill, &Cause { now, why, advert: None }, out);
        }
    }

    // What follows.

    fn apply(&mut self, input: Input, cause: &Cause, out: &mut Actions) {
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
            Effect::AnswerLower => {
                if !self.config.lower_prio_no_advert {
                    self.send_advert(self.priority, now, out);
                }
            }
            Effect::AnswerHigher => {
                if self.config.higher_prio_send_advert {
                    self.send_advert(self.priority, now, out);
                }
            }
            Effect::AwaitMaster => {
                self.group.wants_master = None;
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
            // Done where both priorities are known.
            Effect::ShiftWait => {}
            Effect::ArmAdvert => self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval),
            Effect::DisarmElection => {
                self.timers.disarm(Timer::MasterDown);
                self.timers.disarm(Timer::Advert);
                self.timers.disarm(Timer::LateClaim);
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
            Effect::AnnounceAgain => {
                let why = Why::new("the other master has left");
                self.announce(now, self.config.garp.master_repeat, why, out);
            }
            Effect::AnnounceSource => self.announce_source(out),
            Effect::ForgetAnnouncements => self.forget_announcements(),
        }
    }

    fn turn(&mut self, to: Role, why: Why, out: &mut Actions) {
        let from = std::mem::replace(&mut self.role, to);
        self.group.wants_master = None;
        self.group.gave_way |= self.group.member && from == Role::Master && to == Role::Backup;
        if from == Role::Master && self.profile.has(Switch::ForgetsPastMastership) {
            self.forget_announcements();
        }
        self.notices.push(Notice::Is(to));
        out.push(Action::Record(Record::Transition { subject: self.subject, from, to, why }));
    }

    fn await_master(&mut self, now: Now, what: Awaited) {
        self.waiting = Waiting { since: now.mono, what };
        let wait = self.down_interval(self.priority, self.master_interval);
        self.timers.arm(Timer::MasterDown, now.mono + wait);
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

    fn down_interval(&self, priority: u8, interval: Duration) -> Duration {
        master_down_interval(self.config.version, priority, interval, self.config.down_timer_adverts)
    }

    // What it sends and holds.

    fn send_advert(&mut self, priority: u8, now: Now, out: &mut Actions) {
        self.identification = self.identification.wrapping_add(1);
        self.spoke = now.mono;
        transmit::advert(&self.config, self.place, &self.advertised, priority, self.identification, out);
    }

    fn announce_source(&self, out: &mut Actions) {
        if self.config.is_unicast() {
            // Peers may hold an old entry for us: measured, one announcement of our own address.
            transmit::announcement(self.place, self.place.source, false, out);
        }
    }

    fn add_addresses(&mut self, now: Now, out: &mut Actions) {
        self.announcing = Announcing::Takeover;
        for held in &self.held {
            self.installing += 1;
            out.push(self.adding(held));
        }
        if self.installing == 0 {
            self.first_burst(now, out);
        }
    }

    fn adding(&self, held: &Held) -> Action<'static> {
        let lease = self.profile.has(Switch::LeasesAddresses).then(|| self.lease());
        Action::AddAddress { interface: held.interface, address: held.address, lifetime: lease }
    }

    /// Long enough for three lost renewals, in the kernel's whole seconds.
    fn lease(&self) -> Duration {
        let nanos = (Duration::from_secs(2) + self.config.advert_interval * 3).as_nanos();
        Duration::from_secs(nanos.div_ceil(1_000_000_000))
    }

    fn renew_lease(&mut self, out: &mut Actions) {
        if self.installing > 0 || self.timers.due(Timer::LateClaim) != Time::MAX {
            return;
        }
        for held in &self.held {
            self.renewing = self.renewing.saturating_add(1);
            out.push(self.adding(held));
        }
    }

    fn announce_when_installed(&mut self, now: Now, out: &mut Actions) {
        if self.installing == 0 && self.role == Role::Master {
            match self.announcing {
                Announcing::Takeover => self.first_burst(now, out),
                Announcing::Reload => {
                    self.announce(now, self.config.garp.master_repeat, Why::new("reload"), out);
                }
            }
        }
    }

    fn remove_addresses(&mut self, out: &mut Actions) {
        for held in &self.held {
            out.push(Action::RemoveAddress { interface: held.interface, address: held.address });
        }
    }

    /// After a reload: what is new is added, what is gone removed, and if anything is new everything is announced.
    fn change_addresses(&mut self, had: &[Held], out: &mut Actions) {
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

    // Words.

    fn note(&self, why: Why, out: &mut Actions) {
        out.push(Action::Record(Record::Note { subject: Some(self.subject), why }));
    }

    fn why_master_is_down(&self, now: Now) -> Why {
        let waited = now.mono.saturating_since(self.waiting.since).as_micros();
        let waited = Value::Seconds(Duration::from_micros(waited));
        match self.waiting.what {
            Awaited::SkewAfter(peer) => {
                Why::with("{} left; skew time {} s is over", [Value::Address(peer), waited])
            }
            Awaited::OwnSkew => Why::with("its own skew time {} s is over", [waited]),
            Awaited::Advert => {
                let priority = Value::Number(self.priority.into());
                Why::with("no advert for {} s (priority {})", [waited, priority])
            }
        }
    }

    fn why_it_gives_way(&self, advert: Advert) -> Why {
        let (from, own) = (Value::Address(advert.from), Value::Number(self.priority.into()));
        if advert.priority == self.priority {
            return Why::with("advert of {}: same priority {}, higher address", [from, own]);
        }
        let values = [from, Value::Number(advert.priority.into()), own];
        Why::with("advert of {}: priority {}, ours {}", values)
    }

    /// keepalived's own words in the log, for people who compare.
    fn log_rank(&self, input: Input, advert: Advert) {
        let (name, ours) = (&self.config.name, self.priority);
        let Advert { from, priority, .. } = advert;
        match (self.role, input) {
            (Role::Master, Input::Leaving) => info!("({name}) Master received priority 0 message"),
            (Role::Master, Input::Lower) => info!(
                "({name}) Received advert from {from} with lower priority {priority}, ours {ours}, forcing new election"
            ),
            (Role::Master, Input::Own) => info!("({name}) received an advert from its own address"),
            (Role::Master, Input::Higher) => info!(
                "({name}) Master received advert from {from} with higher priority {priority}, ours {ours}\n\
                 ({name}) Entering BACKUP STATE"
            ),
            _ => {}
        }
    }
}
