//! The state machine of one virtual router: what each state makes of each event.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;
use tracing::info;

use super::interval::{master_down_interval, skew_time};
use super::receive::{self, Advert};
use super::timers::{Bursts, Timer, Timers};
use super::transmit;
use crate::config::Instance;
use crate::program::{Action, Actions, AddressChange, InterfaceId, Now, Record, Role, Subject, Value, Why};
use crate::time::{Duration, Time};
use crate::wire::ethernet::Mac;
use crate::wire::ipv4;
use crate::wire::vrrp::{PRIORITY_LEAVING, PRIORITY_OWNER};

/// Where an instance lives on its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its interface.
    pub interface: InterfaceId,
    /// The interface's hardware address.
    pub mac: Mac,
    /// The address its advertisements come from.
    pub source: Ipv4Addr,
}

/// One virtual router: a `vrrp_instance` at work.
#[derive(Clone, Debug)]
pub struct VirtualRouter {
    config: Arc<Instance>,
    subject: Subject,
    place: Place,
    /// The virtual addresses as advertised.
    addresses: Vec<Ipv4Addr>,
    role: Role,
    timers: Timers,
    /// Second bursts to come: after takeovers, and after lower-priority advertisements.
    garp_delayed: Bursts,
    garp_lower_prio: Bursts,
    /// Active_Adver_Interval: our own, or in v3 the one the master told.
    master_interval: Duration,
    /// Why and since when the master down timer runs.
    waiting: Waiting,
    /// When preemption is allowed: set by the first lower-priority advertisement heard as backup.
    preempt_from: Option<Time>,
    /// When a refresh is due; looked at when an advertisement is sent (as 2.2.7).
    refresh_from: Time,
    /// keepalived numbers its advertisements from 1.
    identification: u16,
    /// Addresses asked for and not yet on the interface; announcing them waits for that.
    installing: u16,
    /// What the announcement is for, once they are there.
    announcing: Announcing,
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
    for_skew_after: Option<Ipv4Addr>,
}

/// What came out of a received advertisement, seen from ours.
enum Rank {
    Leaving,
    Lower,
    Same,
    Higher,
}

impl VirtualRouter {
    /// An instance that has not begun.
    pub fn new(config: Arc<Instance>, subject: Subject, place: Place) -> Self {
        let addresses = config.addresses.iter().filter_map(|a| ipv4_of(a.address)).take(255).collect();
        VirtualRouter {
            subject,
            place,
            addresses,
            role: Role::Init,
            timers: Timers::new(),
            garp_delayed: Bursts::default(),
            garp_lower_prio: Bursts::default(),
            master_interval: config.advert_interval,
            waiting: Waiting { since: Time::ZERO, for_skew_after: None },
            preempt_from: None,
            refresh_from: Time::MAX,
            identification: 0,
            installing: 0,
            announcing: Announcing::Takeover,
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
    /// When its first timer is due.
    pub fn deadline(&self) -> Time {
        self.timers.earliest()
    }

    // Events.

    /// Takes part from here on: as backup, or unable to because of `fault`.
    pub fn start(&mut self, now: Now, fault: Option<Why>, out: &mut Actions) {
        if let Some(why) = fault {
            info!("({}) Entering FAULT STATE", self.config.name);
            return self.turn(Role::Fault, why, out);
        }
        // RFC 9568 section 6.4.1, (100): "If the Priority = 255, i.e., the router owns the IPvX address", it
        // starts as master. keepalived wants `state MASTER` for it, written or implied.
        if self.config.priority == PRIORITY_OWNER && self.config.starts_master {
            info!("({}) Receive advertisement timeout", self.config.name);
            return self.become_master(now, Why::new("priority 255, state MASTER: the address's owner"), out);
        }
        info!("({}) Entering BACKUP STATE (init)", self.config.name);
        self.become_backup(now, Why::new("start"), out);
    }

    /// Its timers.
    pub fn timer(&mut self, now: Now, out: &mut Actions) {
        while let Some(timer) = self.timers.expired(now.mono) {
            match timer {
                Timer::MasterDown => self.master_is_down(now, out),
                Timer::Advert => self.advertise_and_refresh(now, out),
                Timer::GarpDelayed => {
                    let delay = Value::Seconds(self.config.garp.master_delay);
                    let why = Why::with("garp_master_delay {}", [delay]);
                    for _ in 0..self.garp_delayed.take(now.mono) {
                        self.announce(self.config.garp.master_repeat, why, out);
                    }
                    self.timers.arm(Timer::GarpDelayed, self.garp_delayed.next());
                }
                Timer::GarpLowerPrio => {
                    let delay = Value::Seconds(self.config.garp.lower_prio_delay);
                    let why = Why::with("garp_lower_prio_delay {}", [delay]);
                    for _ in 0..self.garp_lower_prio.take(now.mono) {
                        self.announce(self.config.garp.lower_prio_repeat, why, out);
                    }
                    self.timers.arm(Timer::GarpLowerPrio, self.garp_lower_prio.next());
                }
            }
        }
    }

    /// A packet for its virtual router, received in its mode.
    pub fn receive(&mut self, now: Now, packet: &ipv4::Packet<&[u8]>, out: &mut Actions) {
        if !matches!(self.role, Role::Backup | Role::Master) {
            return;
        }
        match receive::check(&self.config, &self.addresses, packet) {
            Ok(advert) if self.role == Role::Backup => self.advert_as_backup(now, advert, out),
            Ok(advert) => self.advert_as_master(now, advert, out),
            Err(refused) => {
                let why = refused.why();
                info!(
                    "({}) received an advert from {} that is refused: {why}",
                    self.config.name,
                    packet.src()
                );
                out.push(Action::Record(Record::Rejected { subject: self.subject, why }));
            }
        }
        // Any packet of its virtual router that reaches a master sets its advertisement timer anew, even one
        // that is refused (measured: c21). An attacker can silence a master so; the `keepalived` profile may be.
        if self.role == Role::Master {
            self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
        }
    }

    /// Its interface lost or gained its carrier.
    pub fn link(&mut self, now: Now, up: bool, out: &mut Actions) {
        match (up, self.role) {
            (false, Role::Backup | Role::Master) => {
                info!("({}) Entering FAULT STATE", self.config.name);
                self.leave_for_fault(Why::new("link down"), out);
            }
            (true, Role::Fault) => {
                if self.config.is_unicast() {
                    // Peers may hold an old entry for us: measured, one announcement of our own address.
                    let own = std::iter::once(self.place.source);
                    transmit::announcements(self.place.interface, self.place.mac, &own, 1, out);
                }
                info!("({}) Entering BACKUP STATE", self.config.name);
                self.become_backup(now, Why::new("link up"), out);
            }
            _ => {}
        }
    }

    /// Something happened to an address of its interface.
    pub fn address(&mut self, now: Now, address: IpAddr, change: AddressChange, out: &mut Actions) {
        let ours = self.addresses.iter().any(|&a| IpAddr::V4(a) == address);
        if !ours || !matches!(change, AddressChange::Added | AddressChange::Failed) || self.installing == 0 {
            return;
        }
        self.installing -= 1;
        if self.installing == 0 && self.role == Role::Master {
            match self.announcing {
                Announcing::Takeover => self.first_burst(now, out),
                Announcing::Reload => self.announce(self.config.garp.master_repeat, Why::new("reload"), out),
            }
        }
    }

    /// Ends in good order.
    pub fn stop(&mut self, why: Why, out: &mut Actions) {
        // RFC 9568 section 6.4.3, (710): "If a Shutdown event is received, then [...] Send an ADVERTISEMENT with
        // Priority = 0".
        if self.role == Role::Master {
            self.send_advert(PRIORITY_LEAVING, out);
            self.remove_addresses(out);
        }
        info!("({}) {why}", self.config.name);
        self.timers.disarm_all();
        self.turn(Role::Init, why, out);
    }

    /// Takes a changed configuration and keeps its state (SIGHUP). `old` runs on until here: it says one last
    /// time what it was, as measured.
    pub fn reload(&mut self, now: Now, config: Arc<Instance>, place: Place, out: &mut Actions) {
        if self.role == Role::Master {
            self.send_advert(self.config.priority, out);
        }
        let had = std::mem::take(&mut self.addresses);
        let old = std::mem::replace(self, VirtualRouter::new(config, self.subject, place));
        self.role = old.role;
        self.installing = old.installing;
        self.refresh_from = old.refresh_from;
        match self.role {
            Role::Master => {
                self.send_advert(self.config.priority, out);
                self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
                self.change_addresses(&old.config, &had, out);
            }
            Role::Backup => self.wait_for_master(now, None),
            Role::Init | Role::Fault => {}
        }
    }

    // Backup.

    fn advert_as_backup(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        let lower = advert.priority < self.config.priority;
        if advert.priority == PRIORITY_LEAVING {
            // RFC 9568 section 6.4.2, (440): "If the Priority in the ADVERTISEMENT is 0, then: Set the
            // Active_Down_Timer to Skew_Time".
            let skew = skew_time(self.config.version, self.config.priority, self.master_interval);
            self.waiting = Waiting { since: now.mono, for_skew_after: Some(advert.from) };
            return self.timers.arm(Timer::MasterDown, now.mono + skew);
        }
        self.run_preempt_delay(now, lower, out);
        let delayed = self.preempt_from.is_some_and(|from| now.mono < from);
        if lower && !self.config.nopreempt && !delayed {
            // Discarded: the timer runs on, and preemption takes place when it is over.
            return;
        }
        self.adopt_interval(advert);
        self.wait_for_master(now, None);
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
                out.push(Action::Record(Record::Note { subject: Some(self.subject), why }));
            }
            (false, Some(_)) => self.preempt_from = None,
            _ => {}
        }
    }

    fn master_is_down(&mut self, now: Now, out: &mut Actions) {
        if self.role != Role::Backup {
            return;
        }
        info!("({}) Receive advertisement timeout", self.config.name);
        let waited =
            Value::Seconds(Duration::from_micros(now.mono.saturating_since(self.waiting.since).as_micros()));
        let why = match self.waiting.for_skew_after {
            Some(peer) => Why::with("{} left; skew time {} s is over", [Value::Address(peer.into()), waited]),
            None => Why::with("no advert for {} s (priority {})", [waited, self.priority_value()]),
        };
        self.become_master(now, why, out);
    }

    fn wait_for_master(&mut self, now: Now, for_skew_after: Option<Ipv4Addr>) {
        let Instance { version, priority, down_timer_adverts, .. } = *self.config;
        let wait = master_down_interval(version, priority, self.master_interval, down_timer_adverts);
        self.waiting = Waiting { since: now.mono, for_skew_after };
        self.timers.arm(Timer::MasterDown, now.mono + wait);
    }

    fn adopt_interval(&mut self, advert: Advert) {
        // RFC 9568 section 6.4.2, (450): "Set Active_Adver_Interval to Max Advertise Interval contained in the
        // ADVERTISEMENT". In v2 the two are the same: another interval was refused.
        self.master_interval = advert.interval;
    }

    // Master.

    fn become_master(&mut self, now: Now, why: Why, out: &mut Actions) {
        info!("({}) Entering MASTER STATE", self.config.name);
        self.timers.disarm(Timer::MasterDown);
        self.preempt_from = None;
        self.turn(Role::Master, why, out);
        // The order is keepalived's: advertisement, addresses, announcements.
        self.send_advert(self.config.priority, out);
        self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
        self.announcing = Announcing::Takeover;
        let config = Arc::clone(&self.config);
        for address in &config.addresses {
            self.add_address(address.address, out);
        }
        if self.installing == 0 {
            self.first_burst(now, out);
        }
    }

    fn first_burst(&mut self, now: Now, out: &mut Actions) {
        let garp = self.config.garp;
        self.announce(garp.master_repeat, Why::NONE, out);
        if !garp.master_delay.is_zero() {
            self.garp_delayed.add(now.mono + garp.master_delay);
            self.timers.arm(Timer::GarpDelayed, self.garp_delayed.next());
        }
        self.refresh_from =
            if garp.master_refresh.is_zero() { Time::MAX } else { now.mono + garp.master_refresh };
    }

    fn advertise_and_refresh(&mut self, now: Now, out: &mut Actions) {
        if self.role != Role::Master {
            return;
        }
        self.send_advert(self.config.priority, out);
        self.timers.arm(Timer::Advert, now.mono + self.config.advert_interval);
        if now.mono > self.refresh_from {
            let refresh = self.config.garp.master_refresh;
            self.refresh_from = now.mono + refresh;
            let why = Why::with("garp_master_refresh {}", [Value::Seconds(refresh)]);
            self.announce(self.config.garp.master_refresh_repeat, why, out);
        }
    }

    fn advert_as_master(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        match self.rank(advert) {
            Rank::Leaving => {
                info!("({}) Master received priority 0 message", self.config.name);
                self.send_advert(self.config.priority, out);
            }
            Rank::Lower => self.answer_lower(now, advert, out),
            Rank::Same => info!("({}) received an advert from its own address", self.config.name),
            Rank::Higher => self.give_way(now, advert, out),
        }
    }

    /// RFC 9568 section 6.4.3, (725): "If the Priority in the ADVERTISEMENT is greater than the local Priority or
    /// [...] equal to the local Priority and the primary IPvX address of the sender is greater than the local
    /// primary IPvX address (based on an unsigned integer comparison)".
    fn rank(&self, advert: Advert) -> Rank {
        use std::cmp::Ordering::{Equal, Greater, Less};
        if advert.priority == PRIORITY_LEAVING {
            return Rank::Leaving;
        }
        let theirs = (advert.priority, u32::from(advert.from));
        match theirs.cmp(&(self.config.priority, u32::from(self.place.source))) {
            Less => Rank::Lower,
            Equal => Rank::Same,
            Greater => Rank::Higher,
        }
    }

    fn answer_lower(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        info!(
            "({}) Received advert from {} with lower priority {}, ours {}, forcing new election",
            self.config.name, advert.from, advert.priority, self.config.priority
        );
        // RFC 9568 section 6.4.3, (740): "Send an ADVERTISEMENT immediately to assert Active state".
        if !self.config.lower_prio_no_advert {
            self.send_advert(self.config.priority, out);
        }
        let garp = self.config.garp;
        if garp.lower_prio_repeat > 0 {
            let values = [Value::Number(advert.priority.into()), Value::Address(advert.from.into())];
            self.announce(garp.lower_prio_repeat, Why::with("priority {} heard from {}", values), out);
            if !garp.lower_prio_delay.is_zero() {
                self.garp_lower_prio.add(now.mono + garp.lower_prio_delay);
                self.timers.arm(Timer::GarpLowerPrio, self.garp_lower_prio.next());
            }
        }
    }

    /// No farewell: the winner is not told, unless `higher_prio_send_advert` says so.
    fn give_way(&mut self, now: Now, advert: Advert, out: &mut Actions) {
        info!(
            "({}) Master received advert from {} with higher priority {}, ours {}",
            self.config.name, advert.from, advert.priority, self.config.priority
        );
        if self.config.higher_prio_send_advert {
            self.send_advert(self.config.priority, out);
        }
        let from = Value::Address(advert.from.into());
        let why = match advert.priority == self.config.priority {
            true => {
                Why::with("advert of {}: same priority {}, higher address", [from, self.priority_value()])
            }
            false => {
                let values = [from, Value::Number(advert.priority.into()), self.priority_value()];
                Why::with("advert of {}: priority {}, ours {}", values)
            }
        };
        info!("({}) Entering BACKUP STATE", self.config.name);
        self.adopt_interval(advert);
        self.remove_addresses(out);
        self.turn(Role::Backup, why, out);
        self.timers.disarm(Timer::Advert);
        self.preempt_from = None;
        self.wait_for_master(now, None);
    }

    // Changes of state.

    fn become_backup(&mut self, now: Now, why: Why, out: &mut Actions) {
        self.master_interval = self.config.advert_interval;
        self.preempt_from = None;
        self.turn(Role::Backup, why, out);
        self.wait_for_master(now, None);
    }

    /// Two advertisements of priority 0 (measured); with the link down they go no further than the kernel.
    fn leave_for_fault(&mut self, why: Why, out: &mut Actions) {
        if self.role == Role::Master {
            self.send_advert(PRIORITY_LEAVING, out);
            self.send_advert(PRIORITY_LEAVING, out);
            self.remove_addresses(out);
        }
        self.timers.disarm(Timer::MasterDown);
        self.timers.disarm(Timer::Advert);
        self.turn(Role::Fault, why, out);
    }

    fn turn(&mut self, to: Role, why: Why, out: &mut Actions) {
        let from = std::mem::replace(&mut self.role, to);
        out.push(Action::Record(Record::Transition { subject: self.subject, from, to, why }));
    }

    // What it sends and holds.

    fn send_advert(&mut self, priority: u8, out: &mut Actions) {
        self.identification = self.identification.wrapping_add(1);
        let from = (self.place.interface, self.place.source);
        transmit::advert(&self.config, from, &self.addresses, priority, self.identification, out);
    }

    /// Announces its addresses, if it is master and has them.
    fn announce(&self, repeat: u32, why: Why, out: &mut Actions) {
        if self.role != Role::Master || self.installing > 0 || repeat == 0 || self.addresses.is_empty() {
            return;
        }
        out.push(Action::Record(Record::Claims { subject: self.subject, why }));
        let addresses = self.addresses.iter().copied();
        transmit::announcements(self.place.interface, self.place.mac, &addresses, repeat, out);
    }

    fn add_address(&mut self, address: IpNet, out: &mut Actions) {
        self.installing += 1;
        out.push(Action::AddAddress { interface: self.place.interface, address, lifetime: None });
    }

    fn remove_addresses(&mut self, out: &mut Actions) {
        for address in &self.config.addresses {
            let address = address.address;
            out.push(Action::RemoveAddress { interface: self.place.interface, address });
        }
    }

    /// After a reload: what is new is added, what is gone removed, and if anything is new everything is announced.
    fn change_addresses(&mut self, old: &Instance, had: &[Ipv4Addr], out: &mut Actions) {
        for gone in old.addresses.iter().filter(|a| !self.config.addresses.contains(a)) {
            out.push(Action::RemoveAddress { interface: self.place.interface, address: gone.address });
        }
        self.announcing = Announcing::Reload;
        let config = Arc::clone(&self.config);
        for new in config.addresses.iter().filter(|a| !ipv4_of(a.address).is_some_and(|v4| had.contains(&v4)))
        {
            self.add_address(new.address, out);
        }
    }

    fn priority_value(&self) -> Value {
        Value::Number(self.config.priority.into())
    }
}

fn ipv4_of(net: IpNet) -> Option<Ipv4Addr> {
    match net {
        IpNet::V4(net) => Some(net.addr()),
        IpNet::V6(_) => None,
    }
}
