//! Probes are asked, not queued: while nothing changes that a probe would meet, its fate is known without sending it.
//!
//! A probe that was answered, and after which nothing has changed, would be answered again. So between two things
//! that happen, a client's probes cost nothing but a look at what they would meet: resolver, link, switch, kernel,
//! and the way back. Where acts make links lose frames, or delay them, each probe's chance is a hash of its instant, and
//! asked. Whatever is not certain is sent as a frame. Who wants to see probes as frames
//! ([`Wants::probes`](super::Wants)) gets every one as a frame, and the same record.

use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::act::{Health, Kind};
use super::chance::Nth;
use super::frames::PortId;
use super::links::Fate;
use super::neighbours::Uses;
use super::report::{What, Who};
use super::setup::{ClientId, NodeId};
use super::state::World;
use crate::cloud::Route;

/// The way of a client's probes and of the answers, while nothing changes.
#[derive(Clone, Copy, Debug)]
struct Probing {
    holder: NodeId,
    source: IpAddr,
    /// The client's port, the holder's, and the one it answers from.
    ports: (PortId, PortId, PortId),
    /// Probes or answers may be lost.
    loses: bool,
    /// Until when resolvers know their way.
    until: Time,
}

/// What becomes of one probe: when it reaches the holder, and when the answer is back.
#[derive(Clone, Copy, Debug)]
struct Asked {
    reaches: Option<Time>,
    back: Option<Time>,
}

impl World {
    /// Which machine a probe meets that this client sends now, as long as nothing changes, if it is certain what becomes
    /// of it. `None` where it is not: the frame has to be sent to know.
    pub fn fate(&self, client: ClientId) -> Option<NodeId> {
        self.probing(client).map(|probing| probing.holder)
    }

    /// Until when it is certain what becomes of a probe that this client sends, if it is now, and nothing changes.
    pub(super) fn certain_until(&self, client: ClientId) -> Option<Time> {
        self.probing(client).map(|probing| probing.until).or_else(|| self.lost_until(client))
    }

    /// Whether a probe of a client's is under way as a frame. One that nobody holds any more was lost.
    fn is_unsure(&self, client: ClientId) -> bool {
        self.clients[usize::from(client.0)].is_unsure && self.frames.held() > 0
    }

    /// Until when nobody can answer a probe that this client sends, if nobody can now, and nothing changes: it goes nowhere,
    /// or to a machine that is off or does not have the address. Then neither its loss nor its delay on the way is of any
    /// interest.
    fn lost_until(&self, client: ClientId) -> Option<Time> {
        let setup = &self.setup.clients[usize::from(client.0)];
        let (target, asks) = (setup.target, PortId::of(self.setup.node_of_client(client)));
        if !self.groups.are_empty()
            || setup.internet.is_some()
            || self.is_unsure(client)
            || !self.is_open(asks)
        {
            return None;
        }
        let next_hop = self.nic(asks).next_hop(target, self.in_vpc(), false)?;
        let (mac, until) = self.nic(asks).neighbours.steady(next_hop, self.uses(client))?;
        let Some(to) = self.certain_port(asks, target, mac)? else { return Some(until) };
        let (nic, node) = (self.nic(to), self.nic(to).node);
        let kernel = &self.kernels[usize::from(node.0)];
        self.links.manner(asks, to, Kind::Probe, self.latency(to))?;
        let is_lost = !kernel.powered
            || !nic.carrier
            // One that goes to another machine than those before it is sent: somebody wants to know when it gets there.
            || !kernel.paused
                && self.clients[usize::from(client.0)].reached == Some(node)
                && (!self.node_holds(node, target) || self.filters(node, target));
        is_lost.then_some(until)
    }

    /// The packets of a client's probes, and of their answers.
    fn uses(&self, client: ClientId) -> Uses {
        let every = self.setup.clients[usize::from(client.0)].every;
        Uses { first: self.now + every + self.longest_way(), apart: every }
    }

    fn probing(&self, client: ClientId) -> Option<Probing> {
        let index = usize::from(client.0);
        let (asker, target) = (self.setup.node_of_client(client), self.setup.clients[index].target);
        let is_plain = self.groups.are_empty() && self.setup.clients[index].internet.is_none();
        if !is_plain || self.is_unsure(client) {
            return None;
        }
        let (asks, uses) = (PortId::of(asker), self.uses(client));
        let (reached, there) = self.certain_way(asks, target, uses)?;
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
        let answers = self.port_towards(reached, source);
        let loses = self.loses_probes(client, (asks, reached, answers))?;
        // Of probes that are lost there are no answers.
        let apart = if loses { Duration::MAX } else { uses.apart };
        let (back, until) = self.certain_way(answers, source, Uses { apart, ..uses })?;
        if back != asks {
            return None;
        }
        Some(Probing { holder, source, ports: (asks, reached, answers), loses, until: until.min(there) })
    }

    /// Whether a client's probes or their answers may be lost; `None` if that alone does not say what becomes of them.
    fn loses_probes(
        &self,
        client: ClientId,
        (asks, reached, answers): (PortId, PortId, PortId),
    ) -> Option<bool> {
        if self.links.are_untouched() {
            return Some(false);
        }
        let there = self.links.manner(asks, reached, Kind::Probe, self.latency(reached))?;
        let back = self.links.manner(answers, asks, Kind::Probe, self.latency(asks))?;
        if !there.disturbed && !back.disturbed {
            return Some(false);
        }
        // Each is back before the next one leaves; and no other client's take part in the draws.
        let every = self.setup.clients[usize::from(client.0)].every;
        let certain = there.longest + back.longest + self.setup.tick * 2 < every && self.clients.len() == 1;
        certain.then_some(there.loses || back.loses)
    }

    /// Where packets that leave by a port for an address arrive for certain, without anybody learning anything new; and
    /// until when.
    fn certain_way(&self, from: PortId, to: IpAddr, uses: Uses) -> Option<(PortId, Time)> {
        if !self.is_open(from) {
            return None;
        }
        let nic = self.nic(from);
        let next_hop = nic.next_hop(to, self.in_vpc(), false)?;
        let (mac, until) = nic.neighbours.steady(next_hop, uses)?;
        let port = self.certain_port(from, to, mac)??;
        self.is_open(port).then_some((port, until))
    }

    /// The port a packet for one machine comes out of; of none, if nothing has its address. `None` if that is not certain.
    pub(super) fn certain_port(&self, from: PortId, dst: IpAddr, mac: Mac) -> Option<Option<PortId>> {
        if self.in_vpc() {
            return match self.cloud.route(self.now, dst) {
                Route::To(eni) => Some(Some(PortId(eni.0))),
                Route::Unbound | Route::Nobody => Some(None),
            };
        }
        let switch = &self.switches[usize::from(self.nic(from).subnet)];
        let known = switch.port_of(self.now, self.nic(from).mac) == Some(from);
        let to = switch.port_of(self.now, mac).filter(|to| known && *to != from)?;
        (self.nic(to).mac == mac).then_some(Some(to))
    }

    /// Whether frames come and go there, and are looked at.
    fn is_open(&self, port: PortId) -> bool {
        let nic = self.nic(port);
        let kernel = &self.kernels[usize::from(nic.node.0)];
        nic.carrier && kernel.powered && !kernel.paused
    }

    /// Asks for as many of a client's probes as are certain to be answered, from now on, or for one, and says when it is
    /// to be woken. `None` if not even the first one's fate is certain.
    pub(super) fn ask_probes(&mut self, client: ClientId) -> Option<Time> {
        if self.wants().probes || !self.ready.is_empty() {
            return None; // a program that runs in this instant may change anything
        }
        let every = self.setup.clients[usize::from(client.0)].every;
        // The last one asked must be back before anything else happens.
        let (quiet, back) = (self.quiet_until(), self.now + self.longest_way() * 2 + self.setup.tick * 4);
        let more = |until: Time| {
            let room = until.min(quiet).saturating_since(back);
            Some(room.as_nanos().checked_sub(1)? / every.as_nanos())
        };
        more(Time::MAX)?;
        let Some(probing) = self.probing(client) else {
            let more = more(self.lost_until(client)?)?;
            return Some(self.lose_all(client, self.now + every * more));
        };
        let more = more(probing.until)?;
        let state = &mut self.clients[usize::from(client.0)];
        state.is_unsure = false;
        let is_first = state.answered != state.probed;
        let mut last = self.now + every * more;
        if probing.loses || is_first {
            let at = |n: u64| (self.now + every * n, self.what_becomes(&probing, self.now + every * n));
            let first = at(0).1;
            if first.back.is_none() {
                let lost: Vec<_> = (0..=more).map(at).take_while(|(_, asked)| asked.back.is_none()).collect();
                for (sent, asked) in &lost {
                    self.note_used(client, &probing, (*sent, asked.reaches));
                }
                return Some(self.lose_all(client, lost.last().map_or(self.now, |(sent, _)| *sent)));
            }
            if is_first {
                return Some(self.ask_first(client, &probing, first));
            }
            let answered = (1..=more).map(at).take_while(|(_, asked)| asked.back.is_some());
            last = answered.last().map_or(self.now, |(sent, _)| sent);
        }
        self.note_used(client, &probing, (last, self.what_becomes(&probing, last).reaches));
        self.count_probes(client, last);
        self.clients[usize::from(client.0)].answered = Some(last);
        self.report(Who::Node(self.setup.node_of_client(client)), What::AllAnswered { client, last });
        Some(last + every)
    }

    /// The probes from now on up to one are sent.
    fn count_probes(&mut self, client: ClientId, last: Time) {
        let every = self.setup.clients[usize::from(client.0)].every;
        let more = (last - self.now).as_nanos() / every.as_nanos();
        let state = &mut self.clients[usize::from(client.0)];
        state.sequence = state.sequence.wrapping_add((more + 1) as u32);
        (state.probed, state.is_unsure) = (Some(last), false);
    }

    /// The probes from now on up to one are lost. Says when the next one is due.
    fn lose_all(&mut self, client: ClientId, last: Time) -> Time {
        self.note_asked(client, last);
        self.count_probes(client, last);
        self.report(Who::Node(self.setup.node_of_client(client)), What::AllLost { client, last });
        last + self.setup.clients[usize::from(client.0)].every
    }

    /// The first probe that is answered again: somebody wants to know when the answer comes.
    fn ask_first(&mut self, client: ClientId, probing: &Probing, asked: Asked) -> Time {
        self.note_used(client, probing, (self.now, asked.reaches));
        self.count_probes(client, self.now);
        let every = self.setup.clients[usize::from(client.0)].every;
        self.clients[usize::from(client.0)].answer_due = asked.back;
        self.report(Who::Node(self.setup.node_of_client(client)), What::Probed { client });
        asked.back.unwrap_or(self.now + every)
    }

    /// If this is the instant in which the answer comes to a probe that was asked: takes it, and says when the next probe is
    /// due.
    pub(super) fn take_asked_answer(&mut self, client: ClientId) -> Option<Time> {
        let state = &mut self.clients[usize::from(client.0)];
        state.answer_due.take()?;
        let sent = state.probed?;
        state.answered = Some(sent);
        self.report(Who::Node(self.setup.node_of_client(client)), What::Answered { client, sent });
        Some(sent + self.setup.clients[usize::from(client.0)].every)
    }

    /// What becomes of a probe that is sent at an instant.
    fn what_becomes(&self, probing: &Probing, at: Time) -> Asked {
        let (asks, reached, answers) = probing.ports;
        let arrives = |from, to, at| {
            let nth = Nth { kind: Kind::Probe, at, n: 0 };
            match self.links.fate(from, to, nth, self.latency(to), self.setup.tick) {
                Fate::Arrives(at, _) => Some(at),
                Fate::Lost(_) => None,
            }
        };
        let reaches = arrives(asks, reached, at);
        Asked { reaches, back: reaches.and_then(|at| arrives(answers, asks, at)) }
    }

    /// The client's resolver remembers when it was last used.
    fn note_asked(&mut self, client: ClientId, sent: Time) {
        let target = self.setup.clients[usize::from(client.0)].target;
        self.note_peer(PortId::of(self.setup.node_of_client(client)), target, sent);
    }

    /// Both resolvers do: the client's by the last probe, the holder's by its answer.
    fn note_used(&mut self, client: ClientId, probing: &Probing, (sent, reaches): (Time, Option<Time>)) {
        self.note_asked(client, sent);
        if let Some(reaches) = reaches {
            self.note_peer(probing.ports.2, probing.source, reaches);
        }
    }

    fn note_peer(&mut self, port: PortId, peer: IpAddr, used: Time) {
        let vpc = self.in_vpc();
        let nic = self.nic_mut(port);
        let node = nic.node;
        if let Some(next_hop) = nic.next_hop(peer, vpc, false) {
            let due = nic.neighbours.deadline();
            nic.neighbours.note_used(next_hop, used);
            if nic.neighbours.deadline() != due {
                self.arm_kernel(node);
            }
        }
    }
}
