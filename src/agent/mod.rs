//! The agent: every virtual router of one machine, as one [`Program`].
//!
//! It finds each instance's interface, hands packets to the instance they are for, keeps the earliest of all
//! timers, and carries instances over a reload. What keepalived does with a whole process is done here; what it
//! does with one instance, in [`vrrp`](crate::vrrp).
//!
//! - `locate`: names to interfaces;
//! - `assess`: what is tracked, made a priority or a fault;
//! - `tracking`: scripts, files and processes; `sessions`: BFD; `links`: interfaces whose changes count later;
//! - `groups`: instances that decide together; `pacing`: instances that announce one after another;
//! - `segment`: what others on it say to all, and of addresses;
//! - `steady`: what it does while nothing happens;
//! - `notify`: scripts and pipes that are told.

mod assess;
mod groups;
mod links;
mod locate;
mod notify;
mod pacing;
mod segment;
mod sessions;
mod steady;
#[cfg(test)]
mod tests;
mod tracking;

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use tracing::{info, warn};

use crate::config::{self, Config, Instance, Options, VirtualRoute};
use crate::files::Files;
use crate::profile::{Profile, Switch};
use crate::program::{
    Action, Actions, AddressChange, Beat, Event, Interface, InterfaceId, Now, Program, Record, Role, Subject,
    Value, Why,
};
use crate::time::{Duration, Time};
use crate::vrrp::{Datagram, Fault, Notice, VirtualRouter};
use crate::wire::{Family, ipv4};
use groups::Group;
use links::Links;
use locate::{Located, has, locate, nowhere};
use pacing::Pacing;
use sessions::Sessions;
use tracking::Tracking;

/// Measured (c03): after SIGTERM the process stays for about a second.
const LINGER: Duration = Duration::from_secs(1);

/// keepalived's agent on one machine.
#[derive(Clone, Debug)]
pub struct Agent {
    options: Options,
    config: Arc<Config>,
    interfaces: Vec<Interface>,
    routers: Vec<VirtualRouter>,
    groups: Vec<Group>,
    tracking: Tracking,
    sessions: Sessions,
    links: Links,
    pacing: Pacing,
    /// The last one that it was told of by an advertisement and does not have.
    unknown: Option<(u8, IpAddr)>,
    /// The next instance's number: numbers are never used twice.
    subjects: u16,
    started: Time,
    /// When the machine booted.
    booted: Time,
    /// When the process ends, once it is stopping.
    ends: Option<Time>,
    earliest: Time,
}

impl Agent {
    /// An agent that will run this configuration, and read a changed one with the same options.
    pub fn new(config: Arc<Config>, options: Options) -> Self {
        Agent {
            options,
            config,
            interfaces: Vec::new(),
            routers: Vec::new(),
            groups: Vec::new(),
            tracking: Tracking::default(),
            sessions: Sessions::default(),
            links: Links::default(),
            pacing: Pacing::default(),
            unknown: None,
            subjects: 0,
            started: Time::ZERO,
            booted: Time::ZERO,
            ends: None,
            earliest: Time::MAX,
        }
    }

    /// Its virtual routers, in file order.
    pub fn routers(&self) -> &[VirtualRouter] {
        &self.routers
    }

    fn profile(&self) -> Profile {
        self.options.profile
    }

    fn start(&mut self, now: Now, interfaces: &[Interface], out: &mut Actions) {
        self.interfaces = interfaces.to_vec();
        self.started = now.mono;
        if let Some(reason) = &self.config.refused {
            warn!("{reason}");
            out.push(note(Why::new("keepalived refuses the configuration and ends")));
            return out.push(Action::Exit);
        }
        let config = Arc::clone(&self.config);
        notify::readers(&config, None, out);
        self.tracking = Tracking::start(&config, None, now, out);
        self.sessions = Sessions::start(&config, &self.sessions, &self.interfaces, now, out);
        for instance in &config.instances {
            if !self.add(now, instance, out) {
                // Measured: an unknown interface ends the process ("permanent error CONFIG").
                out.push(note(Why::new("an interface of the configuration does not exist: keepalived ends")));
                return out.push(Action::Exit);
            }
        }
        self.groups = groups::of(&config, &mut self.routers, None);
        self.pacing = Pacing::start((&config, self.profile()), &self.interfaces, &mut self.routers);
        self.say_if_nothing_runs(out);
    }

    fn say_if_nothing_runs(&self, out: &mut Actions) {
        if self.routers.is_empty() && self.config.bfd.is_empty() {
            warn!("keepalived has no configuration to run");
            out.push(note(Why::new("no vrrp_instance in the configuration: nothing runs")));
        }
    }

    /// Adds an instance and starts it. False if its interface does not exist, and it is not to wait for it.
    fn add(&mut self, now: Now, instance: &Arc<Instance>, out: &mut Actions) -> bool {
        let found = locate(&self.interfaces, instance, self.profile());
        let waits = || self.config.dynamic_interfaces.then(|| nowhere(instance));
        let Some(located) = found.or_else(waits) else { return false };
        let subject = Subject(self.subjects);
        self.subjects = self.subjects.saturating_add(1);
        out.push(Action::Subject { id: subject, group: group_of(instance), name: &instance.name });
        if !located.faults.contains(&Fault::NoInterface) {
            self.listen(instance, &located, out);
            self.remove_left_over(instance, &located, out);
        }
        let (config, faults) = (Arc::clone(instance), located.faults.clone());
        let mut router = VirtualRouter::new(config, self.profile(), subject, located.place, located.held);
        for fault in faults {
            router.set_fault(now, fault, true, out);
        }
        self.routers.push(router);
        self.assess_one(self.routers.len() - 1, now, out);
        true
    }

    fn listen(&self, instance: &Instance, located: &Located, out: &mut Actions) {
        let place = located.place;
        if instance.promotes_secondaries {
            out.push(Action::PromoteSecondaries { interface: place.interface });
        }
        let group = (!instance.is_unicast()).then_some(instance.group);
        out.push(Action::Listen { interface: place.interface, protocol: ipv4::Protocol::VRRP.0, group });
        if self.profile().has(Switch::VerifiesClaims) || self.profile().has(Switch::DefendsAddresses) {
            out.push(Action::WatchNeighbours { interface: place.interface });
            let others = located.held.iter().map(|held| held.interface);
            for interface in others.filter(|interface| *interface != place.interface) {
                out.push(Action::WatchNeighbours { interface });
            }
        }
    }

    /// A killed agent leaves its routes and addresses behind; the next one begins by taking them off.
    fn remove_left_over(&self, instance: &Instance, located: &Located, out: &mut Actions) {
        info!("removing VIPs.");
        for VirtualRoute { route, .. } in &instance.routes {
            out.push(Action::RemoveRoute { route });
        }
        for held in &located.held {
            let interface = self.interfaces.iter().find(|i| i.id == held.interface);
            let left = interface.into_iter().flat_map(|i| &i.addresses);
            let ours = |net: &&IpNet| net.addr() == held.address.addr() && net.addr() != located.place.source;
            for &address in left.filter(ours) {
                out.push(Action::RemoveAddress { interface: held.interface, address });
            }
        }
    }

    // What happens.

    /// A packet of protocol 112: for the instance of its virtual router, in its mode. Others are none of ours,
    /// and keepalived says nothing of them unless `log_unknown_vrids` asks for it.
    fn packet(&mut self, now: Now, interface: InterfaceId, packet: &[u8], out: &mut Actions) {
        let Some(datagram) = Datagram::new(packet) else {
            if self.sessions.receive(&self.config, now, packet, out) {
                self.assess(now, out);
            }
            return;
        };
        if datagram.dst.is_multicast() {
            self.hears_multicast(interface, datagram.src);
        }
        if let Some(at) = self.receiver_of(interface, &datagram) {
            self.routers[at].receive(now, &datagram, out);
        } else if self.config.log_unknown_vrids {
            self.hears_of_unknown(&datagram, out);
        }
    }

    fn receiver_of(&self, interface: InterfaceId, datagram: &Datagram<'_>) -> Option<usize> {
        let (vrid, dst) = (datagram.vrid()?, datagram.dst);
        self.routers.iter().position(|r| {
            let (config, place) = (r.config(), r.place());
            config.vrid == vrid
                && place.interface == interface
                && Family::of(place.source) == Family::of(dst)
                && dst == if config.is_unicast() { place.source } else { config.group }
        })
    }

    /// An advertisement for a virtual router that is none of this machine's, or not on that interface and in that mode.
    /// The same one again is no news.
    fn hears_of_unknown(&mut self, datagram: &Datagram<'_>, out: &mut Actions) {
        let Some(vrid) = datagram.vrid() else { return };
        if self.unknown.replace((vrid, datagram.src)) != Some((vrid, datagram.src)) {
            let values = [Value::Number(vrid.into()), Value::Address(datagram.src)];
            out.push(note(Why::with("unknown virtual router {} advertised by {}", values)));
        }
    }

    fn timer(&mut self, now: Now, out: &mut Actions) {
        for at in 0..self.routers.len() {
            if self.routers[at].deadline() <= now.mono {
                self.routers[at].timer(now, out);
                self.pacing.share(at, &mut self.routers);
            }
        }
        while let Some((interface, up)) = self.links.due(now) {
            self.link_counts(now, interface, up, out);
        }
        if self.ends.is_none() {
            let counts = self.tracking.deadline() <= now.mono && self.tracking.timer(&self.config, now, out);
            if self.sessions.timer(&self.config, now, out) || counts {
                self.assess(now, out);
            }
        }
        if self.ends.is_some_and(|t| t <= now.mono) {
            self.ends = None;
            out.push(Action::Exit);
        }
    }

    fn link(&mut self, now: Now, interface: InterfaceId, up: bool, out: &mut Actions) {
        let Some(known) = self.interfaces.iter().find(|i| i.id == interface) else { return };
        if self.links.changed(&self.config, known, up, now) {
            self.link_counts(now, interface, up, out);
        }
    }

    /// An interface is there that was not. Who has waited for it takes part from now on.
    fn appeared(&mut self, now: Now, interface: &Interface, out: &mut Actions) {
        self.interfaces.retain(|i| i.id != interface.id);
        self.interfaces.push(interface.clone());
        for at in 0..self.routers.len() {
            let instance = Arc::clone(self.routers[at].config());
            if !self.routers[at].faults().has(Fault::NoInterface) {
                continue;
            }
            let Some(located) = locate(&self.interfaces, &instance, self.profile()) else { continue };
            self.listen(&instance, &located, out);
            self.remove_left_over(&instance, &located, out);
            let router = &mut self.routers[at];
            router.move_to(located.place, located.held);
            for fault in located.faults {
                router.set_fault(now, fault, true, out);
            }
            router.set_fault(now, Fault::NoInterface, false, out);
        }
        self.pacing = Pacing::start((&self.config, self.profile()), &self.interfaces, &mut self.routers);
        self.assess(now, out);
    }

    fn link_counts(&mut self, now: Now, interface: InterfaceId, up: bool, out: &mut Actions) {
        if let Some(known) = self.interfaces.iter_mut().find(|i| i.id == interface) {
            known.up = up;
        }
        self.assess(now, out);
    }

    fn address(
        &mut self,
        now: Now,
        interface: InterfaceId,
        (address, change): (IpAddr, AddressChange),
        out: &mut Actions,
    ) {
        use AddressChange::{AppearedByOther, VanishedByOther};
        if let Some(known) = self.interfaces.iter_mut().find(|i| i.id == interface) {
            match change {
                AppearedByOther if !has(known, address) => known.addresses.push(IpNet::from(address)),
                VanishedByOther => known.addresses.retain(|net| net.addr() != address),
                _ => {}
            }
        }
        for router in &mut self.routers {
            router.address(now, address, change, out);
        }
        if matches!(change, AppearedByOther | VanishedByOther) {
            self.assess(now, out);
        }
    }

    /// SIGHUP: an instance of the same name, virtual router and interface goes on; others end, new ones start.
    fn reload(&mut self, now: Now, files: &Files, out: &mut Actions) {
        info!("Reloading ...");
        let config = Arc::new(config::load(files, &self.options).config);
        let before = std::mem::replace(&mut self.config, Arc::clone(&config));
        notify::readers(&config, Some(&before), out);
        let mut old = std::mem::take(&mut self.routers);
        self.tracking = Tracking::start(&config, Some((&self.tracking, &before)), now, out);
        self.sessions = Sessions::start(&config, &self.sessions, &self.interfaces, now, out);
        for instance in &config.instances {
            let same = |r: &VirtualRouter| {
                let c = r.config();
                (&c.name, c.vrid, &c.interface) == (&instance.name, instance.vrid, &instance.interface)
            };
            match (old.iter().position(same), locate(&self.interfaces, instance, self.profile())) {
                (Some(i), Some(located)) => {
                    let mut router = old.remove(i);
                    self.listen(instance, &located, out);
                    let place = (located.place, located.held, &located.faults[..]);
                    router.reload(now, Arc::clone(instance), place, out);
                    notify::after_reload(&config, &router, out);
                    self.routers.push(router);
                }
                _ => {
                    self.add(now, instance, out);
                }
            }
        }
        for mut gone in old {
            gone.remove(now, Why::new("reload: no longer in the configuration"), out);
            notify::instance(&before, &gone, Notice::Removed, out);
        }
        self.groups = groups::of(&config, &mut self.routers, Some((&before, &self.groups)));
        groups::release(&self.groups, &mut self.routers, now, out);
        self.pacing = Pacing::start((&config, self.profile()), &self.interfaces, &mut self.routers);
        self.assess(now, out);
        self.say_if_nothing_runs(out);
    }

    fn stop(&mut self, now: Now, out: &mut Actions) {
        info!("Stopping");
        for router in self.routers.iter_mut().filter(|r| r.role() != Role::Init) {
            router.stop(now, Why::new("stop"), out);
        }
        // Its sessions end without a word: the neighbours find out.
        self.sessions = Sessions::default();
        self.ends = Some(now.mono + LINGER);
    }

    // What every step ends with.

    /// Carries what instances have become to their groups, and tells those who want to know: a group at its start
    /// before its members, then those that the others follow, the others, and the group last (measured: d06b).
    fn settle(&mut self, now: Now, out: &mut Actions) {
        self.tell_of_groups(true, out);
        self.tell_of_instances(out);
        for group in &mut self.groups {
            group.settle(&mut self.routers, now, out);
        }
        self.tell_of_instances(out);
        self.tell_of_groups(false, out);
        self.pacing.share_all(&mut self.routers);
        let routers = self.routers.iter().map(VirtualRouter::deadline).min().unwrap_or(Time::MAX);
        let others = self.tracking.deadline().min(self.links.deadline()).min(self.sessions.deadline());
        let ends = self.ends.unwrap_or(Time::MAX);
        self.earliest = routers.min(if self.ends.is_some() { ends } else { others });
    }

    fn tell_of_instances(&mut self, out: &mut Actions) {
        for router in self.routers.iter_mut().filter(|r| r.has_notices()) {
            for notice in router.take_notices() {
                notify::instance(&self.config, router, notice, out);
            }
        }
    }

    fn tell_of_groups(&mut self, starting: bool, out: &mut Actions) {
        for group in &mut self.groups {
            let role = group.role(&self.routers);
            let starts = group.told == Role::Init;
            // A new master's line waits for its addresses, and the group's for its members' lines.
            let ready = starts || group.members.iter().all(|&m| self.routers[m].is_told());
            if role != group.told && starts == starting && ready {
                group.told = role;
                notify::group(&self.config, group.index, role, out);
            }
        }
    }
}

impl Program for Agent {
    fn step(&mut self, now: Now, event: Event<'_>, out: &mut Actions) {
        match event {
            Event::Start { interfaces, booted } => {
                self.booted = booted;
                self.start(now, interfaces, out);
            }
            Event::Packet { interface, packet } => self.packet(now, interface, packet, out),
            Event::Neighbour { interface, frame } => self.neighbour(now, interface, frame, out),
            Event::Timer => self.timer(now, out),
            Event::Link { interface, up } => self.link(now, interface, up, out),
            Event::Appeared { interface } => self.appeared(now, interface, out),
            Event::Address { interface, address, change } => {
                self.address(now, interface, (address, change), out);
            }
            Event::RouteVanished { route } => {
                for router in &mut self.routers {
                    router.route_vanished(now, route, out);
                }
            }
            Event::Script { script, result } => {
                if self.tracking.ended(&self.config, script, result) {
                    self.assess(now, out);
                }
            }
            Event::File { file, text } => {
                if self.tracking.read(&self.config, file, text) {
                    self.assess(now, out);
                }
            }
            Event::Process { watch, running } => {
                if self.tracking.counted(&self.config, watch, running, now) {
                    self.assess(now, out);
                }
            }
            // Who is ending reads nothing anew.
            Event::Reload { files } if self.ends.is_none() => self.reload(now, files, out),
            Event::Reload { .. } => {}
            Event::Stop => self.stop(now, out),
        }
        self.settle(now, out);
    }

    fn deadline(&self) -> Option<Time> {
        (self.earliest != Time::MAX).then_some(self.earliest)
    }
    fn beat(&self) -> Option<Beat> {
        self.steady_beat()
    }
    fn push_beat(&self, out: &mut Actions) {
        self.push_steady_beat(out);
    }
    fn shrugs_at(&self, now: Now, interface: InterfaceId, packet: &[u8]) -> Option<Duration> {
        self.shrugs(now, interface, packet)
    }
    fn keep_on(&mut self, times: u32, last: Now) {
        self.kept_on(times, last);
    }
}

/// What makes instances of different machines one virtual router.
fn group_of(instance: &Instance) -> u32 {
    instance.vrid.into()
}

fn note(why: Why) -> Action<'static> {
    Action::Record(Record::Note { subject: None, why })
}
