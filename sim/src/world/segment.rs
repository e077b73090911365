//! The segment: which ports a frame goes to, and what becomes of it on the way.
//!
//! A lan is a learning switch. A VPC's virtual switch has no broadcast and no multicast: ARP and neighbour
//! discovery go to the cloud, which answers them, and IP is forwarded by destination address, whatever hardware address the sender believed in.

use std::net::{IpAddr, Ipv4Addr};

use havip::time::{Duration, Time};
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::{ipv4, ipv6};

use super::chance::Nth;
use super::frames::PortId;
use super::ipv6::is_discovery;
use super::links::Fate;
use super::nat::Passage;
use super::report::{FrameId, Loss, Mark, What};
use super::setup::Segment;
use super::state::World;

/// From where to where, and the how many-th frame of its sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    from: PortId,
    to: PortId,
    sequence: u64,
}

/// A frame that waits until the next one on its path has passed it.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldBack {
    frame: FrameId,
    way: Way,
    act: u32,
}

impl World {
    /// A node puts a frame on a port of its. The frame's hold passes to the segment.
    pub(super) fn transmit(&mut self, port: PortId, frame: FrameId) {
        let kind = self.frames.kind(frame);
        if !self.nic(port).carrier {
            return self.lose(port, frame, None, Loss::NoCarrier);
        }
        self.report_frame(port, kind, What::Sent { frame, kind });
        let (nth, sequence) = self.count_sent(port, kind);
        match self.in_vpc() {
            false => self.forward_on_lan(port, frame, nth, sequence),
            true => self.forward_in_vpc(port, frame, nth, sequence),
        }
    }

    /// Ends a frame's way, and lets go of it.
    pub(super) fn lose(&mut self, from: PortId, frame: FrameId, to: Option<PortId>, cause: Loss) {
        let kind = self.frames.kind(frame);
        if self.is_told(kind) {
            let to = to.map(|to| self.who(to));
            self.report_frame(from, kind, What::Lost { frame, kind, to, cause });
        }
        self.frames.let_go(frame);
    }

    fn forward_on_lan(&mut self, from: PortId, frame: FrameId, nth: Nth, sequence: u64) {
        let (dst, src) = {
            let Ok(eth) = ethernet::Frame::new(self.frames.bytes(frame)) else {
                return self.lose(from, frame, None, Loss::Malformed);
            };
            (eth.dst(), eth.src())
        };
        let subnet = self.nic(from).subnet;
        let switch = &mut self.switches[usize::from(subnet)];
        let to = if dst.is_multicast() { None } else { switch.port_of(self.now, dst) };
        switch.learn(self.now, src, from);
        match to {
            Some(to) if to == from => self.frames.let_go(frame),
            Some(to) => self.carry(frame, from, to, nth, sequence),
            None => {
                for i in 0..self.nics.len() as u16 {
                    let to = PortId(i);
                    if to != from && self.nic(to).subnet == subnet {
                        self.frames.hold(frame);
                        self.carry(frame, from, to, nth, sequence);
                    }
                }
                self.frames.let_go(frame);
            }
        }
    }

    fn forward_in_vpc(&mut self, from: PortId, frame: FrameId, nth: Nth, sequence: u64) {
        let addresses: Option<(IpAddr, IpAddr)> = {
            let bytes = self.frames.bytes(frame);
            match ethernet::Frame::new(bytes).map(|eth| (eth.ethertype(), eth.payload())) {
                Ok((EtherType::ARP, _)) => return self.carry(frame, from, PortId::CLOUD, nth, sequence),
                Ok((EtherType::IPV4, packet)) => {
                    ipv4::Packet::new(packet).map(|p| (p.src().into(), p.dst().into())).ok()
                }
                Ok((EtherType::IPV6, packet)) => match ipv6::Packet::new(packet) {
                    Ok(p) if is_discovery(&p) => {
                        return self.carry(frame, from, PortId::CLOUD, nth, sequence);
                    }
                    packet => packet.map(|p| (p.src().into(), p.dst().into())).ok(),
                },
                _ => None,
            }
        };
        let Passage { to, change } = match addresses {
            None => return self.lose(from, frame, None, Loss::Malformed),
            Some((_, dst)) if is_group(dst) => return self.lose(from, frame, None, Loss::NoMulticast),
            Some(both) => match self.passage(from, both) {
                Ok(passage) => passage,
                Err(cause) => {
                    // On the way back it is the client of the internet who is not answered.
                    let to = self.setup.owner_of(both.1).map(|(node, eni)| self.setup.port_of(node, eni));
                    self.no_way(from, to, cause);
                    return self.lose(from, frame, None, cause);
                }
            },
        };
        if let Some(cause) = self.denied(frame, from, to) {
            self.no_way(from, Some(to), cause);
            return self.lose(from, frame, Some(to), cause);
        }
        // The virtual switch addresses the frame to whom it goes, whomever the sender's ARP entry named.
        let Mac(mac) = self.nic(to).mac;
        let frame = if self.frames.bytes(frame)[..6] == mac && change.is_none() {
            frame
        } else {
            let copy = self.frames.readdressed(frame, mac);
            self.frames.let_go(frame);
            copy
        };
        if let Some((side, address)) = change {
            self.translate(frame, side, address);
        }
        self.carry(frame, from, to, nth, sequence);
    }

    /// The cloud puts a frame on the wire for one interface.
    pub(super) fn transmit_from_cloud(&mut self, frame: FrameId, to: PortId) {
        let kind = self.frames.kind(frame);
        self.report_frame(PortId::CLOUD, kind, What::Sent { frame, kind });
        let (nth, sequence) = self.count_sent(PortId::CLOUD, kind);
        self.carry(frame, PortId::CLOUD, to, nth, sequence);
    }

    /// Takes a frame from port to port. Its fate is decided here, at the instant it is sent.
    fn carry(&mut self, frame: FrameId, from: PortId, to: PortId, nth: Nth, sequence: u64) {
        let latency = self.latency_between(from, to);
        match self.links.fate(from, to, nth, latency, self.setup.tick) {
            Fate::Lost(cause) => self.lose(from, frame, Some(to), cause),
            Fate::Arrives(first, second) => {
                let way = Way { from, to, sequence };
                if self.links.are_untouched() {
                    return self.deliver(frame, way, first, second);
                }
                let frame = self.damage(frame, way, nth);
                if let Some(act) = self.links.holds_back(from, to, nth) {
                    return self.held_back.push(HeldBack { frame, way, act });
                }
                self.deliver(frame, way, first, second);
                self.let_on_behind(way, first);
            }
        }
    }

    fn deliver(&mut self, frame: FrameId, way: Way, first: Time, second: Option<Time>) {
        let Way { from, to, sequence } = way;
        self.queue.push_frame(first, from, sequence, false, to, frame);
        if let Some(second) = second {
            self.frames.hold(frame);
            self.queue.push_frame(second, from, sequence, true, to, frame);
        }
    }

    /// The frame as it arrives: itself, or a copy with a bit flipped.
    fn damage(&mut self, frame: FrameId, way: Way, nth: Nth) -> FrameId {
        let len = self.frames.bytes(frame).len();
        let Some((bit, act)) = self.links.corrupts(way.from, way.to, nth, len) else { return frame };
        let copy = self.frames.damaged(frame, bit, Mark::Corrupted(act));
        self.frames.let_go(frame);
        copy
    }

    /// What was held back on a path arrives behind the frame that has just passed it.
    fn let_on_behind(&mut self, way: Way, passed: Time) {
        let mut i = 0;
        while let Some(held) = self.held_back.get(i).copied() {
            if (held.way.from, held.way.to) == (way.from, way.to) {
                self.held_back.remove(i);
                self.deliver(held.frame, held.way, passed + self.setup.tick, None);
            } else {
                i += 1;
            }
        }
    }

    /// What was held back by an act that has ended arrives.
    pub(super) fn let_on(&mut self) {
        let (all, at) = (std::mem::take(&mut self.held_back), self.next_tick());
        for held in all {
            match self.links.stands(held.act) {
                true => self.held_back.push(held),
                false => self.deliver(held.frame, held.way, at, None),
            }
        }
    }

    /// Latency end to end, from the internet or to it as well.
    fn latency_between(&self, from: PortId, to: PortId) -> (Duration, Duration) {
        let far = self.internet_client(from).or_else(|| self.internet_client(to));
        let far = far.and_then(|client| self.setup.clients[usize::from(client.0)].internet);
        far.unwrap_or_else(|| self.latency(to))
    }

    /// Latency end to end: that of the receiver's subnet. The cloud is as far away as the first one.
    pub(super) fn latency(&self, to: PortId) -> (Duration, Duration) {
        match &self.setup.segment {
            Segment::Lan(subnets) | Segment::Vpc { subnets, .. } => {
                let subnet = self.nics.get(usize::from(to.0)).map_or(0, |nic| nic.subnet);
                subnets[usize::from(subnet)].latency
            }
        }
    }
}

/// Multicast or broadcast.
fn is_group(address: IpAddr) -> bool {
    address.is_multicast() || address == IpAddr::V4(Ipv4Addr::BROADCAST)
}
