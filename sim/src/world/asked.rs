//! Probes are asked, not queued: while nothing changes that a probe would meet, its fate is known without sending it.
//!
//! A probe that was answered, and after which nothing has changed, would be answered again. So between two things
//! that happen, a client's probes cost nothing but a look at what they would meet: resolver, link, switch, kernel,
//! and the way back. Whatever is not certain is sent as a frame. Who wants to see probes as frames
//! ([`Wants::probes`](super::Wants)) gets every one as a frame, and the same record.

use havip::time::Time;

use super::act::Kind;
use super::chance::Nth;
use super::cloud_port::gateway_of;
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
        if !self.links.are_untouched() || self.clients[index].probed != self.clients[index].answered {
            return None;
        }
        let holder = self.certain_way(asker, target)?;
        if !self.kernels[usize::from(holder.0)].holds(target) {
            return None;
        }
        // One that goes to another machine than those before it is sent: somebody wants to know when it gets there.
        if self.clients[index].reached != Some(holder) {
            return None;
        }
        let source = self.kernels[usize::from(asker.0)].own.addr();
        (self.certain_way(holder, source)? == asker).then_some(holder)
    }

    /// Where a packet from a node to an address arrives for certain, without anybody learning anything new.
    fn certain_way(&self, from: NodeId, to: std::net::Ipv4Addr) -> Option<NodeId> {
        let kernel = &self.kernels[usize::from(from.0)];
        if !kernel.carrier || !kernel.powered || kernel.paused {
            return None;
        }
        let next_hop = match kernel.own.contains(&to) {
            true => to,
            false if self.in_vpc() => gateway_of(kernel.own),
            false => return None,
        };
        let mac = kernel.neighbours.steady_mac_of(next_hop)?;
        let node = if self.in_vpc() {
            match self.cloud.route(self.now, to) {
                Route::To(eni) => NodeId(eni.0),
                Route::Unbound | Route::Nobody => return None,
            }
        } else {
            let port = self.switch.port_of(self.now, mac)?;
            let known = self.switch.port_of(self.now, kernel.mac) == Some(PortId::of(from));
            let node = port.node().filter(|node| known && *node != from)?;
            if self.kernels[usize::from(node.0)].mac != mac {
                return None;
            }
            node
        };
        let there = &self.kernels[usize::from(node.0)];
        (there.powered && there.carrier && !there.paused).then_some(node)
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
        let holder = self.fate(client)?;
        let more = (room.as_nanos() - 1) / every.as_nanos();
        let last = self.now + every * more;
        self.note_used(client, asker, holder, last);
        let state = &mut self.clients[usize::from(client.0)];
        state.sequence = state.sequence.wrapping_add((more + 1) as u16);
        (state.probed, state.answered) = (Some(last), Some(last));
        self.report(Who::Node(asker), What::AllAnswered { client, last });
        Some(last + every)
    }

    /// Both resolvers remember when they were last used.
    fn note_used(&mut self, client: ClientId, asker: NodeId, holder: NodeId, last: Time) {
        let (from, to) = (PortId::of(asker), PortId::of(holder));
        let nth = Nth { kind: Kind::Probe, at: last, n: 0 };
        let Fate::Arrives(arrives, _) = self.links.fate(from, to, nth, self.latency(to), self.setup.tick)
        else {
            return;
        };
        let target = self.setup.clients[usize::from(client.0)].target;
        let source = self.kernels[usize::from(asker.0)].own.addr();
        for (node, peer, used) in [(asker, target, last), (holder, source, arrives)] {
            let vpc = self.in_vpc();
            let kernel = &mut self.kernels[usize::from(node.0)];
            let next_hop = if vpc && !kernel.own.contains(&peer) { gateway_of(kernel.own) } else { peer };
            kernel.neighbours.note_used(next_hop, used);
        }
    }
}
