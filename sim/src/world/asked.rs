//! Probes are asked, not queued: while nothing changes that a probe would meet, its fate is known without sending it.
//!
//! A probe that was answered, and after which nothing has changed, would be answered again. So between two things
//! that happen, a client's probes cost nothing but a look at what they would meet: resolver, link, switch, kernel,
//! and the way back. Whatever is not certain is sent as a frame. Who wants to see probes as frames
//! ([`Wants::probes`](super::Wants)) gets every one as a frame, and the same record.

use std::net::IpAddr;

use havip::time::Time;

use super::act::{Health, Kind};
use super::chance::Nth;
use super::frames::PortId;
use super::links::Fate;
use super::report::{What, Who};
use super::setup::{ClientId, NodeId};
use super::state::World;
use crate::cloud::Route;

impl World {
    /// Which machine is certain to answer a probe that this client sends now, as long as nothing changes. `None`
    /// where it is not certain: the frame has to be sent to know.
    pub fn fate(&self, client: ClientId) -> Option<NodeId> {
        let index = usize::from(client.0);
        let (asker, target) = (self.setup.node_of_client(client), self.setup.clients[index].target);
        let is_plain = self.links.are_untouched()
            && self.groups.are_empty()
            && self.setup.clients[index].internet.is_none();
        if !is_plain || self.clients[index].probed != self.clients[index].answered {
            return None;
        }
        let (asks, reached) = (PortId::of(asker), self.certain_way(PortId::of(asker), target)?);
        let holder = self.nic(reached).node;
        if !self.node_holds(holder, target) || self.filters(holder, target) {
            return None;
        }
        if let Some(port) = self.setup.clients[index].port {
            let serves = |cvm| self.health_of(cvm, port) == Health::Alive;
            self.setup.cvm_of(holder).filter(|cvm| serves(*cvm))?;
        }
        // One that goes to another machine than those before it is sent: somebody wants to know when it gets there.
        if self.clients[index].reached != Some(holder) {
            return None;
        }
        let source = self.nic(asks).source_for(target)?;
        (self.certain_way(self.port_towards(reached, source), source)? == asks).then_some(holder)
    }

    /// Where a packet that leaves by a port for an address arrives for certain, without anybody learning anything new.
    fn certain_way(&self, from: PortId, to: IpAddr) -> Option<PortId> {
        if !self.is_open(from) {
            return None;
        }
        let nic = self.nic(from);
        let next_hop = nic.next_hop(to, self.in_vpc(), false)?;
        let mac = nic.neighbours.steady_mac_of(next_hop)?;
        let port = if self.in_vpc() {
            match self.cloud.route(self.now, to) {
                Route::To(eni) => PortId(eni.0),
                Route::Unbound | Route::Nobody => return None,
            }
        } else {
            let switch = &self.switches[usize::from(nic.subnet)];
            let known = switch.port_of(self.now, nic.mac) == Some(from);
            let port = switch.port_of(self.now, mac).filter(|port| known && *port != from)?;
            if self.nic(port).mac != mac {
                return None;
            }
            port
        };
        self.is_open(port).then_some(port)
    }

    /// Whether frames come and go there, and are looked at.
    fn is_open(&self, port: PortId) -> bool {
        let nic = self.nic(port);
        let kernel = &self.kernels[usize::from(nic.node.0)];
        nic.carrier && kernel.powered && !kernel.paused
    }

    /// Asks for as many of a client's probes as are certain, from now on, and says when the next one is due. `None`
    /// if not even the first is certain.
    pub(super) fn ask_probes(&mut self, client: ClientId) -> Option<Time> {
        if self.wants().probes || !self.ready.is_empty() {
            return None; // a program that runs in this instant may change anything
        }
        let every = self.setup.clients[usize::from(client.0)].every;
        let asker = self.setup.node_of_client(client);
        // The last one asked must be back before anything else happens.
        let room = self.quiet_until().saturating_since(self.now + self.longest_way * 2 + self.setup.tick * 4);
        if room.is_zero() {
            return None;
        }
        self.fate(client)?;
        let more = (room.as_nanos() - 1) / every.as_nanos();
        let last = self.now + every * more;
        self.note_used(client, asker, last);
        let state = &mut self.clients[usize::from(client.0)];
        state.sequence = state.sequence.wrapping_add((more + 1) as u32);
        (state.probed, state.answered) = (Some(last), Some(last));
        self.report(Who::Node(asker), What::AllAnswered { client, last });
        Some(last + every)
    }

    /// Both resolvers remember when they were last used.
    fn note_used(&mut self, client: ClientId, asker: NodeId, last: Time) {
        let target = self.setup.clients[usize::from(client.0)].target;
        let from = PortId::of(asker);
        let Some(to) = self.certain_way(from, target) else { return };
        let nth = Nth { kind: Kind::Probe, at: last, n: 0 };
        let Fate::Arrives(arrives, _) = self.links.fate(from, to, nth, self.latency(to), self.setup.tick)
        else {
            return;
        };
        let Some(source) = self.nic(from).source_for(target) else { return };
        let back = self.port_towards(to, source);
        for (port, peer, used) in [(from, target, last), (back, source, arrives)] {
            let vpc = self.in_vpc();
            let nic = self.nic_mut(port);
            if let Some(next_hop) = nic.next_hop(peer, vpc, false) {
                nic.neighbours.note_used(next_hop, used);
            }
        }
    }
}
