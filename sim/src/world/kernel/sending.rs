//! How a kernel sends a packet: framed, routed, resolved, or waiting for that.

use std::net::IpAddr;

use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::{arp, ipv4};

use crate::world::act::Kind;
use crate::world::frames::PortId;
use crate::world::neighbours::Resolved;
use crate::world::report::{FrameId, Loss};
use crate::world::state::World;

impl World {
    /// Sends a packet of the kernel's own, an answer to what came in by this port.
    pub(in crate::world) fn send_from_kernel(
        &mut self,
        port: PortId,
        header: &ipv4::Repr,
        payload: &[u8],
        kind: Kind,
    ) {
        let port = self.port_towards(port, header.dst.into());
        let eth = self.unaddressed(port, EtherType::IPV4);
        let len = ethernet::HEADER_LEN + header.total_len();
        let frame = self.frames.write(len, port, kind, |bytes| {
            header.emit(eth.emit(bytes)).copy_from_slice(payload);
        });
        self.send_packet(port, frame, false);
    }

    /// Puts an Ethernet header without a destination before a packet.
    pub(in crate::world) fn frame_packet(&mut self, port: PortId, packet: &[u8], kind: Kind) -> FrameId {
        let eth = self.unaddressed(port, if is_ipv6(packet) { EtherType::IPV6 } else { EtherType::IPV4 });
        self.frames.write(ethernet::HEADER_LEN + packet.len(), port, kind, |bytes| {
            eth.emit(bytes).copy_from_slice(packet);
        })
    }

    /// The Ethernet header of a packet that is not resolved yet.
    fn unaddressed(&self, port: PortId, ethertype: EtherType) -> ethernet::Repr {
        ethernet::Repr { dst: Mac::UNSPECIFIED, src: self.nic(port).mac, ethertype }
    }

    /// Routes and resolves a framed packet, and sends it or lets it wait.
    ///
    /// Without the interface's own address there is no route to its subnet. A socket that is bound to the interface, as
    /// keepalived's are, sends all the same: "assume, that the destination is on link" (`ip_route_output`).
    pub(in crate::world) fn send_packet(&mut self, port: PortId, frame: FrameId, bound: bool) {
        if is_ipv6(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) {
            return self.send_ipv6(port, frame);
        }
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(port, frame, None, Loss::Malformed);
        };
        let dst = packet.dst();
        if dst.is_multicast() {
            return self.address_and_send(port, frame, Mac::for_multicast(dst));
        }
        self.resolve_and_send(port, frame, dst.into(), bound);
    }

    pub(in crate::world) fn resolve_and_send(
        &mut self,
        port: PortId,
        frame: FrameId,
        dst: IpAddr,
        bound: bool,
    ) {
        let (now, in_vpc) = (self.now, self.in_vpc());
        let nic = self.nic_mut(port);
        let node = nic.node;
        let Some(next_hop) = nic.next_hop(dst, in_vpc, bound) else {
            return self.lose(port, frame, None, Loss::NoRoute);
        };
        let timer = nic.neighbours.deadline();
        match nic.neighbours.resolve(now, next_hop, frame) {
            Resolved::To(mac) => self.address_and_send(port, frame, mac),
            Resolved::Waits { ask, pushed_out } => {
                if let Some(oldest) = pushed_out {
                    self.lose(port, oldest, None, Loss::NeighbourQueueFull);
                }
                if ask {
                    self.ask(port, next_hop, None, Some(frame));
                }
            }
        }
        if self.nic(port).neighbours.deadline() != timer {
            self.arm_kernel(node);
        }
    }

    pub(in crate::world) fn address_and_send(&mut self, port: PortId, frame: FrameId, Mac(dst): Mac) {
        self.frames.bytes_mut(frame)[..6].copy_from_slice(&dst);
        self.transmit(port, frame);
    }

    /// Asks for a neighbour, in the name of the packet that waits for it (`arp_announce` 0).
    pub(super) fn ask(&mut self, port: PortId, target: IpAddr, to: Option<Mac>, waiting: Option<FrameId>) {
        let target = match target {
            IpAddr::V4(target) => target,
            IpAddr::V6(target) => return self.solicit(port, target, to, waiting),
        };
        let packet =
            waiting.map(|frame| ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]));
        let source = packet.and_then(Result::ok).map(|p| p.src());
        let nic = self.nic(port);
        let source = source.filter(|&s| self.node_holds(nic.node, s.into())).unwrap_or(nic.own.addr());
        let request = arp::Repr::request(nic.mac, source, target).frame_to(to.unwrap_or(Mac::BROADCAST));
        let frame = self.frames.store(&[&request], port, Kind::Arp);
        self.transmit(port, frame);
    }
}

/// By the version that a packet begins with.
fn is_ipv6(packet: &[u8]) -> bool {
    packet.first().is_some_and(|byte| byte >> 4 == 6)
}
