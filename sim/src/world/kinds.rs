//! What kind of frame it is, as links and readers tell frames apart.

use havip::wire::ethernet::{self, EtherType};
use havip::wire::ipv6::{self, Protocol};
use havip::wire::{arp, icmp, ipv4, ndp};

use super::act::Kind;

pub(super) fn kind_of_packet(packet: &[u8]) -> Kind {
    if packet.first().is_some_and(|byte| byte >> 4 == 6) {
        return kind_of_ipv6(packet);
    }
    match ipv4::Packet::new(packet) {
        Ok(p) if p.protocol() == ipv4::Protocol::VRRP => Kind::Vrrp,
        Ok(p) if p.protocol() == ipv4::Protocol::ICMP => match icmp::Packet::new(p.payload()) {
            Ok(message) if matches!(message.message_type(), 0 | 8) => Kind::Probe,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

/// An advertisement of a neighbour that goes to a group is an announcement, as gratuitous ARP is.
fn kind_of_ipv6(packet: &[u8]) -> Kind {
    let Ok(p) = ipv6::Packet::new(packet) else { return Kind::Other };
    match (p.next_header(), p.payload().first()) {
        (Protocol::VRRP, _) => Kind::Vrrp,
        (Protocol::ICMPV6, Some(128 | 129)) => Kind::Probe,
        (Protocol::ICMPV6, Some(&ndp::SOLICITATION)) => Kind::Arp,
        (Protocol::ICMPV6, Some(&ndp::ADVERTISEMENT)) => match ndp::Packet::new(p.payload()) {
            Ok(message) if !message.flags().solicited && p.dst().is_multicast() => Kind::Garp,
            _ => Kind::Arp,
        },
        _ => Kind::Other,
    }
}

pub(super) fn kind_of_frame(bytes: &[u8]) -> Kind {
    let Ok(frame) = ethernet::Frame::new(bytes) else { return Kind::Other };
    match frame.ethertype() {
        EtherType::IPV4 | EtherType::IPV6 => kind_of_packet(frame.payload()),
        EtherType::ARP => match arp::Packet::new(frame.payload()).map(|p| arp::Repr::parse(&p)) {
            Ok(Ok(arp)) if arp.is_gratuitous() => Kind::Garp,
            _ => Kind::Arp,
        },
        _ => Kind::Other,
    }
}
