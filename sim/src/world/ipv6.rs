//! The IPv6 side of a kernel: neighbour discovery, ICMPv6, and which packets it takes.
//!
//! It answers solicitations for the addresses of the interface that is asked, and no other (`ndisc_recv_ns`): unlike
//! ARP. Addresses are used at once: keepalived adds its own with `nodad`, and those of machines are older than the run.

use std::net::{IpAddr, Ipv6Addr};

use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::ipv6::{self, Protocol};
use havip::wire::{Error, Family, icmpv6, ndp};

use super::act::Kind;
use super::frames::PortId;
use super::kernel::time_in;
use super::machine::Socket;
use super::neighbours::{Heard, State};
use super::report::{FrameId, Loss};
use super::state::World;

/// A message of neighbour discovery with the header of its packet, or what is wrong with it.
pub(super) type Discovery = Result<(ipv6::Repr, ndp::Repr), Error>;

impl World {
    pub(super) fn receive_ipv6(&mut self, port: PortId, frame: FrameId) {
        let (node, from) = (self.nic(port).node, self.frames.from(frame));
        let Ok(packet) = ipv6::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        };
        let (dst, protocol, is_discovery) = (packet.dst(), packet.next_header(), is_discovery(&packet));
        // Before any filter. RFC 9568 section 6.1: "IPv6 Neighbor Solicitations and Neighbor Advertisements MUST NOT be
        // dropped when Accept_Mode is False."
        if is_discovery {
            return self.receive_discovery(port, frame);
        }
        let cvm = self.setup.cvm_of(node);
        let listens =
            cvm.filter(|cvm| self.machines[usize::from(cvm.0)].listens(port, protocol.0, dst.into()));
        if let Some(cvm) = listens
            && (dst.is_multicast() || self.is_local(port, dst))
        {
            return self.queue_for_program(cvm, port, Socket::Packets(Family::Ipv6), frame);
        }
        if dst.is_multicast() {
            return self.frames.let_go(frame);
        }
        if !self.is_local(port, dst) {
            return self.lose(from, frame, Some(port), Loss::NotHeld);
        }
        if self.filters(node, dst.into()) {
            return self.lose(from, frame, Some(port), Loss::Filtered);
        }
        if protocol == Protocol::ICMPV6 {
            return self.receive_icmpv6(port, frame);
        }
        if protocol == Protocol::TCP {
            return self.receive_tcp(port, frame);
        }
        self.send_problem(port, frame);
        self.lose(from, frame, Some(port), Loss::NoListener);
    }

    /// A link-local address is one of its own link only.
    fn is_local(&self, port: PortId, dst: Ipv6Addr) -> bool {
        match dst.is_unicast_link_local() {
            true => self.nic(port).holds(dst.into()),
            false => self.node_holds(self.nic(port).node, dst.into()),
        }
    }

    /// `ndisc_rcv` of Linux.
    fn receive_discovery(&mut self, port: PortId, frame: FrameId) {
        self.show_neighbour(self.nic(port).node, port, frame);
        match read_discovery(self.frames.bytes(frame)) {
            Some(Ok((ip, message))) => {
                self.frames.let_go(frame);
                match message {
                    ndp::Repr::Solicitation { target, source_mac } => {
                        self.receive_solicitation(port, &ip, &message, target, source_mac);
                    }
                    ndp::Repr::Advertisement { flags, target, target_mac } => {
                        self.receive_advertisement(port, ip.dst, flags, target, target_mac);
                    }
                }
            }
            _ => self.lose(self.frames.from(frame), frame, Some(port), Loss::Malformed),
        }
    }

    fn receive_solicitation(
        &mut self,
        port: PortId,
        ip: &ipv6::Repr,
        message: &ndp::Repr,
        target: Ipv6Addr,
        source_mac: Option<Mac>,
    ) {
        if !self.nic(port).holds(target.into()) || self.nic(port).holds(ip.src.into()) {
            return;
        }
        if let Some(mac) = source_mac {
            let address = ip.src.into();
            let heard =
                Heard { address, mac, confirms: false, asks_us: true, gratuitous: false, weak: false };
            self.hear_neighbour(port, self.now, heard);
        }
        let mac = self.nic(port).mac;
        let Some((reply, asker)) = message.reply(ip.src, mac, false) else { return };
        let mut packet = [0; ipv6::HEADER_LEN + ndp::LEN_WITH_MAC];
        let header = reply.header(target, asker);
        reply.emit(header.emit(&mut packet), target, asker);
        let frame = self.frame_packet(port, &packet[..header.total_len()], Kind::Arp);
        self.send_packet(port, frame, false);
    }

    /// `ndisc_recv_na`: it updates an entry there is (`accept_untracked_na` 0) that has not failed.
    fn receive_advertisement(
        &mut self,
        port: PortId,
        dst: Ipv6Addr,
        flags: ndp::Flags,
        target: Ipv6Addr,
        target_mac: Option<Mac>,
    ) {
        let address = IpAddr::V6(target);
        let nic = self.nic(port);
        let unknown = nic.neighbours.state_of(address).is_none_or(|state| state == State::Failed);
        if unknown || nic.holds(address) || flags.solicited && dst.is_multicast() {
            return;
        }
        let Some(mac) = target_mac.or_else(|| nic.neighbours.mac_of(address)) else { return };
        let heard = Heard {
            address,
            mac,
            confirms: flags.solicited,
            asks_us: false,
            gratuitous: true, // no lock time: the O flag alone decides
            weak: !flags.overrides,
        };
        self.hear_neighbour(port, self.now, heard);
    }

    fn receive_icmpv6(&mut self, port: PortId, frame: FrameId) {
        let bytes = self.frames.bytes(frame).to_vec();
        self.frames.let_go(frame);
        let Ok(packet) = ipv6::Packet::new(&bytes[ethernet::HEADER_LEN..]) else { return };
        let (src, dst) = (packet.src(), packet.dst());
        let message = icmpv6::Packet::new(packet.payload()).and_then(|m| icmpv6::Repr::parse(&m, src, dst));
        match message {
            Ok(request @ icmpv6::Repr::EchoRequest { .. }) => {
                if let Some(reply) = request.reply().filter(|reply| reply.len() <= MESSAGE_MAX) {
                    self.send_icmpv6(port, &reply, dst, src, Kind::Probe);
                }
            }
            Ok(icmpv6::Repr::EchoReply { data, .. }) => {
                self.client_answered(self.nic(port).node, time_in(data));
            }
            _ => {}
        }
    }

    /// Measured (d02): an advertisement to a live host without a VRRP process draws this, each time.
    fn send_problem(&mut self, port: PortId, frame: FrameId) {
        let bytes = self.frames.bytes(frame).to_vec();
        let Ok(packet) = ipv6::Packet::new(&bytes[ethernet::HEADER_LEN..]) else { return };
        let error = match packet.next_header() {
            Protocol::UDP => icmpv6::Repr::unreachable(icmpv6::Unreachable::PORT, packet.as_bytes()),
            _ => icmpv6::Repr::unrecognized_next_header(packet.as_bytes()),
        };
        self.send_icmpv6(port, &error, packet.dst(), packet.src(), Kind::Other);
    }

    /// Sends a message of the kernel's own, an answer to what came in by this port.
    pub(super) fn send_icmpv6(
        &mut self,
        port: PortId,
        message: &icmpv6::Repr<'_>,
        src: Ipv6Addr,
        dst: Ipv6Addr,
        kind: Kind,
    ) {
        let header = ipv6::Repr {
            src,
            dst,
            next_header: Protocol::ICMPV6,
            hop_limit: icmpv6::HOP_LIMIT,
            traffic_class: 0,
            flow_label: 0,
            payload_len: message.len() as u16,
        };
        let mut packet = [0; ipv6::MIN_MTU];
        message.emit(header.emit(&mut packet), src, dst);
        let port = self.port_towards(port, dst.into());
        let frame = self.frame_packet(port, &packet[..header.total_len()], kind);
        self.send_packet(port, frame, false);
    }

    /// Routes and resolves a framed packet.
    pub(super) fn send_ipv6(&mut self, port: PortId, frame: FrameId) {
        let Ok(packet) = ipv6::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(port, frame, None, Loss::Malformed);
        };
        let dst = packet.dst();
        match dst.is_multicast() {
            true => self.address_and_send(port, frame, Mac::for_multicast_v6(dst)),
            false => self.resolve_and_send(port, frame, dst.into(), false),
        }
    }

    /// Asks for a neighbour (`ndisc_solicit`): in the name of the packet that waits for it, if its source is on this
    /// interface, else in that of the link-local address.
    pub(super) fn solicit(
        &mut self,
        port: PortId,
        target: Ipv6Addr,
        to: Option<Mac>,
        waiting: Option<FrameId>,
    ) {
        let packet =
            waiting.map(|frame| ipv6::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]));
        let source = packet.and_then(Result::ok).map(|packet| packet.src());
        let nic = self.nic(port);
        let source = source.filter(|&s| nic.holds(s.into())).unwrap_or(super::link_local(nic.mac));
        let group = ipv6::solicited_node(target);
        let (dst, dst_mac) = to.map_or((group, Mac::for_multicast_v6(group)), |mac| (target, mac));
        let question = ndp::Repr::solicitation(nic.mac, target);
        let (bytes, len) = discovery_frame(&question, nic.mac, dst_mac, source, dst);
        let frame = self.frames.store(&[&bytes[..len]], port, Kind::Arp);
        self.transmit(port, frame);
    }
}

/// The longest message a kernel here sends.
const MESSAGE_MAX: usize = ipv6::MIN_MTU - ipv6::HEADER_LEN;

/// Whether a packet is a solicitation or an advertisement of a neighbour.
pub(super) fn is_discovery(packet: &ipv6::Packet<&[u8]>) -> bool {
    packet.next_header() == Protocol::ICMPV6
        && matches!(packet.payload().first(), Some(&(ndp::SOLICITATION | ndp::ADVERTISEMENT)))
}

/// Reads a frame of neighbour discovery; `None` if it is none.
pub(super) fn read_discovery(frame: &[u8]) -> Option<Discovery> {
    let eth = ethernet::Frame::new(frame).ok().filter(|eth| eth.ethertype() == EtherType::IPV6)?;
    let packet = ipv6::Packet::new(eth.payload()).ok().filter(is_discovery)?;
    Some(ipv6::Repr::parse(&packet).and_then(|ip| {
        let message = ndp::Packet::new(packet.payload())?;
        Ok((ip, ndp::Repr::parse(&message, &ip)?))
    }))
}

/// A frame with a message in it, and its length.
pub(super) fn discovery_frame(
    message: &ndp::Repr,
    src_mac: Mac,
    dst_mac: Mac,
    src: Ipv6Addr,
    dst: Ipv6Addr,
) -> ([u8; ndp::FRAME_LEN], usize) {
    let mut frame = [0; ndp::FRAME_LEN];
    let eth = ethernet::Repr { dst: dst_mac, src: src_mac, ethertype: EtherType::IPV6 };
    let header = message.header(src, dst);
    message.emit(header.emit(eth.emit(&mut frame)), src, dst);
    (frame, ethernet::HEADER_LEN + header.total_len())
}
