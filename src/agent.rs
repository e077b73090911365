//! The agent: every virtual router of one machine, as one [`Program`].
//!
//! It finds each instance's interface, hands packets to the instance they are for, keeps the earliest of all
//! timers, and carries instances over a reload. What keepalived does with a whole process is done here; what it
//! does with one instance, in [`vrrp`](crate::vrrp).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::IpNet;
use tracing::{info, warn};

use crate::config::{self, Config, Instance, Options};
use crate::files::Files;
use crate::program::{
    Action, Actions, Event, Interface, InterfaceId, Now, Program, Record, Role, Subject, Value, Why,
};
use crate::time::{Duration, Time};
use crate::vrrp::{Place, VirtualRouter};
use crate::wire::ipv4;
use crate::wire::vrrp::GROUP;

/// Measured (c03): after SIGTERM the process stays for about a second.
const LINGER: Duration = Duration::from_secs(1);

/// keepalived's agent on one machine.
#[derive(Clone, Debug)]
pub struct Agent {
    options: Options,
    config: Arc<Config>,
    interfaces: Vec<Interface>,
    routers: Vec<VirtualRouter>,
    /// The next instance's number: numbers are never used twice.
    subjects: u16,
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
            subjects: 0,
            ends: None,
            earliest: Time::MAX,
        }
    }

    /// Its virtual routers, in file order.
    pub fn routers(&self) -> &[VirtualRouter] {
        &self.routers
    }

    fn start(&mut self, now: Now, interfaces: &[Interface], out: &mut Actions) {
        self.interfaces = interfaces.to_vec();
        if let Some(reason) = &self.config.refused {
            warn!("{reason}");
            out.push(note(Why::new("keepalived refuses the configuration and ends")));
            return out.push(Action::Exit);
        }
        let config = Arc::clone(&self.config);
        for instance in &config.instances {
            if !self.add(now, instance, out) {
                // Measured: an unknown interface ends the process ("permanent error CONFIG").
                out.push(note(Why::new("an interface of the configuration does not exist: keepalived ends")));
                return out.push(Action::Exit);
            }
        }
        if self.routers.is_empty() {
            warn!("keepalived has no configuration to run");
            out.push(note(Why::new("no vrrp_instance in the configuration: nothing runs")));
        }
    }

    /// Adds an instance and starts it. False if its interface does not exist.
    fn add(&mut self, now: Now, instance: &Instance, out: &mut Actions) -> bool {
        let Some((place, fault)) = self.locate(instance) else { return false };
        let subject = Subject(self.subjects);
        self.subjects = self.subjects.saturating_add(1);
        out.push(Action::Subject { id: subject, group: group_of(instance), name: &instance.name });
        self.listen(instance, place, out);
        self.remove_left_over(instance, place, out);
        let mut router = VirtualRouter::new(Arc::new(instance.clone()), subject, place);
        router.start(now, fault, out);
        self.routers.push(router);
        true
    }

    /// Where an instance lives, and why it cannot take part there. `None` if its interface does not exist.
    fn locate(&self, instance: &Instance) -> Option<(Place, Option<Why>)> {
        let has = |i: &&Interface, a: IpAddr| i.addresses.iter().any(|net| net.addr() == a);
        let interface = match (&instance.interface, instance.source) {
            (Some(name), _) => self.interfaces.iter().find(|i| i.name == *name)?,
            (None, Some(source)) => {
                self.interfaces.iter().find(|i| has(i, source)).or(self.interfaces.first())?
            }
            (None, None) => return None,
        };
        let primary = interface.addresses.iter().map(IpNet::addr).find_map(ipv4_of);
        let source = instance.source.and_then(ipv4_of).or(primary);
        let place = Place {
            interface: interface.id,
            mac: interface.mac,
            source: source.unwrap_or(Ipv4Addr::UNSPECIFIED),
        };
        let own = IpAddr::V4(place.source);
        let fault = if !interface.up {
            Some(Why::new("link down"))
        } else if !has(&interface, own) {
            Some(Why::with("address {} is not on the interface", [Value::Address(own)]))
        } else if instance.addresses.iter().any(|a| a.address.addr() == own) {
            Some(Why::with("virtual address {} is the interface's own", [Value::Address(own)]))
        } else {
            None
        };
        Some((place, fault))
    }

    fn listen(&self, instance: &Instance, place: Place, out: &mut Actions) {
        let group = (!instance.is_unicast()).then_some(IpAddr::V4(GROUP));
        out.push(Action::Listen { interface: place.interface, protocol: ipv4::Protocol::VRRP.0, group });
    }

    /// A killed agent leaves its addresses behind; the next one begins by taking them off.
    fn remove_left_over(&self, instance: &Instance, place: Place, out: &mut Actions) {
        let Some(interface) = self.interfaces.iter().find(|i| i.id == place.interface) else { return };
        let ours = |net: &&IpNet| instance.addresses.iter().any(|a| a.address.addr() == net.addr());
        info!("({}) removing VIPs.", instance.name);
        for left in
            interface.addresses.iter().filter(ours).filter(|net| net.addr() != IpAddr::V4(place.source))
        {
            out.push(Action::RemoveAddress { interface: place.interface, address: *left });
        }
    }

    /// A packet of protocol 112: for the instance of its virtual router, in its mode. Others are none of ours,
    /// and keepalived says nothing of them.
    fn packet(&mut self, now: Now, interface: InterfaceId, packet: &[u8], out: &mut Actions) {
        let Ok(packet) = ipv4::Packet::new(packet) else { return };
        let [_, vrid, ..] = packet.payload() else { return };
        let (vrid, dst) = (*vrid, packet.dst());
        let mut candidates = self.routers.iter_mut().filter(|r| r.config().vrid == vrid);
        let router = candidates.find(|r| {
            let place = r.place();
            place.interface == interface
                && if r.config().is_unicast() { dst == place.source } else { dst == GROUP }
        });
        if let Some(router) = router {
            router.receive(now, &packet, out);
        }
    }

    fn link(&mut self, now: Now, interface: InterfaceId, up: bool, out: &mut Actions) {
        if let Some(i) = self.interfaces.iter_mut().find(|i| i.id == interface) {
            i.up = up;
        }
        for router in self.routers.iter_mut().filter(|r| r.place().interface == interface) {
            router.link(now, up, out);
        }
    }

    /// SIGHUP: an instance of the same name, virtual router and interface goes on; others end, new ones start.
    fn reload(&mut self, now: Now, files: &Files, out: &mut Actions) {
        info!("Reloading ...");
        let config = Arc::new(config::load(files, &self.options).config);
        let mut old = std::mem::take(&mut self.routers);
        self.config = config;
        let config = Arc::clone(&self.config);
        for instance in &config.instances {
            let same = |r: &VirtualRouter| {
                let c = r.config();
                (&c.name, c.vrid, &c.interface) == (&instance.name, instance.vrid, &instance.interface)
            };
            match (old.iter().position(same), self.locate(instance)) {
                (Some(i), Some((place, _))) => {
                    let mut router = old.remove(i);
                    self.listen(instance, place, out);
                    router.reload(now, Arc::new(instance.clone()), place, out);
                    self.routers.push(router);
                }
                _ => {
                    self.add(now, instance, out);
                }
            }
        }
        for mut gone in old {
            gone.stop(Why::new("reload: no longer in the configuration"), out);
        }
        if self.routers.is_empty() {
            warn!("keepalived has no configuration to run");
            out.push(note(Why::new("no vrrp_instance in the configuration: nothing runs")));
        }
    }

    fn stop(&mut self, now: Now, out: &mut Actions) {
        info!("Stopping");
        for router in self.routers.iter_mut().filter(|r| r.role() != Role::Init) {
            router.stop(Why::new("stop"), out);
        }
        self.ends = Some(now.mono + LINGER);
    }
}

impl Program for Agent {
    fn step(&mut self, now: Now, event: Event<'_>, out: &mut Actions) {
        match event {
            Event::Start { interfaces } => self.start(now, interfaces, out),
            Event::Packet { interface, packet } => self.packet(now, interface, packet, out),
            Event::Timer => {
                for router in self.routers.iter_mut().filter(|r| r.deadline() <= now.mono) {
                    router.timer(now, out);
                }
                if self.ends.is_some_and(|t| t <= now.mono) {
                    self.ends = None;
                    out.push(Action::Exit);
                }
            }
            Event::Link { interface, up } => self.link(now, interface, up, out),
            Event::Address { interface, address, change } => {
                for router in self.routers.iter_mut().filter(|r| r.place().interface == interface) {
                    router.address(now, address, change, out);
                }
            }
            Event::Reload { files } => self.reload(now, files, out),
            Event::Stop => self.stop(now, out),
            Event::Neighbour { .. } | Event::Script { .. } | Event::File { .. } => {}
        }
        let timers = self.routers.iter().map(VirtualRouter::deadline).min().unwrap_or(Time::MAX);
        self.earliest = timers.min(self.ends.unwrap_or(Time::MAX));
    }

    fn deadline(&self) -> Option<Time> {
        (self.earliest != Time::MAX).then_some(self.earliest)
    }
}

/// What makes instances of different machines one virtual router.
fn group_of(instance: &Instance) -> u32 {
    instance.vrid.into()
}

fn note(why: Why) -> Action<'static> {
    Action::Record(Record::Note { subject: None, why })
}

fn ipv4_of(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(a) => Some(a),
        IpAddr::V6(_) => None,
    }
}
