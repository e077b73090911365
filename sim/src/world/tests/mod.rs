//! Kernels and interfaces as a program meets them: worlds that are stepped by hand, every program's part played by
//! the test.

mod interfaces;
mod ipv6;
mod leases;
mod resolvers;

use std::net::IpAddr;
use std::sync::Arc;

use havip::program::{Action, Event, InterfaceId};
use havip::time::{Duration, Time};
use havip::wire::ipv4::{self, Protocol};
use havip::wire::pretty;

use super::*;
use crate::scenario::{Loaded, Script};

pub(super) const A: CvmId = CvmId(0);
pub(super) const B: CvmId = CvmId(1);
pub(super) const ETH0: InterfaceId = InterfaceId(2);
pub(super) const ETH1: InterfaceId = InterfaceId(3);

/// A world, and what was said in it.
pub(super) struct Hand {
    pub(super) world: World,
    /// What programs were told: `2.0000 a Link eth1 false`.
    pub(super) told: Vec<String>,
    /// Frames that arrived: `2.0000 b.eth1 <frame>`.
    pub(super) frames: Vec<String>,
    /// What happened to addresses, carriers, clients, bindings.
    pub(super) facts: Vec<What>,
}

impl Hand {
    /// A run of these statements, the machines' programs started.
    pub(super) fn new(statements: &str) -> Hand {
        let text = format!("scenario by-hand\nrun 600s seed 7\nhost exact\n{statements}\n");
        let script = Script::parse("by-hand.scn", &text).unwrap_or_else(|errors| {
            panic!("{}", errors.iter().map(crate::scenario::ScriptError::one_line).collect::<String>())
        });
        let load = |_: &_, _: &_| Loaded::default();
        let scenario = script.prepare(&|_| Ok(String::new()), &load).expect("no file is read");
        let mut world = World::new(Arc::new(scenario.setup), Duration::ZERO);
        let all = Wants { facts: true, frames: true, beats: true, probes: true };
        world.watch(all, Time::MAX);
        let mut hand = Hand { world, told: Vec::new(), frames: Vec::new(), facts: Vec::new() };
        hand.run(1);
        hand
    }

    /// Runs on up to this many milliseconds from the beginning.
    pub(super) fn run(&mut self, ms: u64) {
        let end = Time::ZERO + Duration::from_millis(ms);
        while let Some(now) = self.world.next_instant().filter(|&at| at <= end) {
            self.world.begin(now);
            for cvm in self.world.ready().to_vec() {
                while let Some((_, event)) = self.world.poll(cvm) {
                    self.told.push(format!(
                        "{} {} {}",
                        now.display(4),
                        ["a", "b"][usize::from(cvm.0)],
                        text(event)
                    ));
                }
                self.world.set_deadline(cvm, None);
            }
            for report in self.world.reports() {
                match report.what {
                    What::Received { frame, .. } => {
                        let node = report.who.node().map_or("cloud".into(), |node| {
                            self.world.setup().eni_name(node, report.who.index())
                        });
                        let bytes = pretty(self.world.frame(frame)).to_string();
                        self.frames.push(format!("{} {node} {bytes}", now.display(4)));
                    }
                    What::Sent { .. } | What::Lost { .. } => {}
                    what => self.facts.push(what),
                }
            }
            self.world.end();
        }
    }

    pub(super) fn asks(&mut self, cvm: CvmId, action: Action<'_>) {
        self.world.apply(cvm, action);
    }
    /// Listens to VRRP.
    pub(super) fn listens(&mut self, cvm: CvmId, interface: InterfaceId, group: &str) {
        let group = Some(group.parse().expect("an address"));
        self.asks(cvm, Action::Listen { interface, protocol: Protocol::VRRP.0, group });
    }
    pub(super) fn adds(
        &mut self,
        cvm: CvmId,
        interface: InterfaceId,
        address: &str,
        lifetime: Option<Duration>,
    ) {
        let address = address.parse().expect("an address and its prefix length");
        self.asks(cvm, Action::AddAddress { interface, address, lifetime, accept: true });
    }
    /// Sends a packet of protocol 112 with nothing in it, over IPv4.
    pub(super) fn sends(&mut self, cvm: CvmId, interface: InterfaceId, src: &str, dst: &str) {
        let header = ipv4::Repr {
            src: src.parse().expect("an address"),
            dst: dst.parse().expect("an address"),
            protocol: Protocol::VRRP,
            ttl: 255,
            tos: 0,
            identification: 0,
            dont_fragment: false,
            payload_len: 0,
        };
        let mut packet = [0; ipv4::HEADER_LEN];
        header.emit(&mut packet);
        self.asks(cvm, Action::SendPacket { interface, packet: &packet });
    }
    /// What a program was told since the last time this was asked.
    pub(super) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
    /// Where the client's probes were answered, in turn.
    pub(super) fn answered(&self) -> u64 {
        let answers = self.facts.iter().filter(|what| matches!(what, What::Answered { .. }));
        answers.count() as u64
    }
    pub(super) fn reached(&self) -> Vec<NodeId> {
        let reached = self.facts.iter().filter_map(|what| match what {
            What::Reached { node, .. } => Some(*node),
            _ => None,
        });
        reached.collect()
    }
    /// The frames in whose line all of these words are.
    pub(super) fn seen(&self, words: &[&str]) -> usize {
        self.frames.iter().filter(|line| words.iter().all(|word| line.contains(word))).count()
    }
}

pub(super) fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn name(interface: InterfaceId) -> String {
    format!("eth{}", interface.0 - 2)
}

fn text(event: Event<'_>) -> String {
    match event {
        Event::Start { interfaces, .. } => {
            let one = |i: &havip::program::Interface| {
                let addresses: Vec<String> = i.addresses.iter().map(ToString::to_string).collect();
                format!("{} {} [{}]", i.name, i.mac, addresses.join(" "))
            };
            format!("start {}", interfaces.iter().map(one).collect::<Vec<_>>().join("; "))
        }
        Event::Packet { interface, packet } => {
            format!("{} packet of {} bytes", name(interface), packet.len())
        }
        Event::Neighbour { interface, frame } => format!("{} sees {}", name(interface), pretty(frame)),
        Event::Link { interface, up } => format!("{} {}", name(interface), if up { "up" } else { "down" }),
        Event::Address { interface, address, change } => format!("{} {address} {change:?}", name(interface)),
        other => format!("{other:?}"),
    }
}
