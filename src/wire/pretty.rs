//! One line for people about any frame.

use std::fmt;
use std::net::Ipv4Addr;

use super::ethernet::{EtherType, Frame};
use super::ipv4::Protocol;
use super::vrrp::ChecksumRule;
use super::{arp, icmp, ipv4, vrrp};

/// One line about an Ethernet frame, whatever its bytes are. Passwords are not printed.
///
/// ```
/// use havip::wire::{arp, ethernet::Mac, pretty};
///
/// let mac = Mac([0x02, 0, 172, 16, 16, 5]);
/// let frame = arp::Repr::announcement(mac, "172.16.16.12".parse().unwrap()).frame_to(Mac::BROADCAST);
/// assert_eq!(pretty(&frame).to_string(), "garp request 172.16.16.12 is at 02:00:ac:10:10:05");
/// ```
pub const fn pretty(frame: &[u8]) -> Pretty<'_> {
    Pretty { frame }
}

/// What [`pretty`] gives: printed when somebody reads it.
#[derive(Clone, Copy)]
pub struct Pretty<'a> {
    frame: &'a [u8],
}

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Frame::new(self.frame) {
            Err(error) => write!(f, "failed to {error}"),
            Ok(frame) => match frame.ethertype() {
                EtherType::ARP => match arp::Packet::new(frame.payload()) {
                    Ok(packet) => fmt::Display::fmt(&packet, f),
                    Err(error) => write!(f, "{frame} (failed to {error})"),
                },
                EtherType::IPV4 => match ipv4::Packet::new(frame.payload()) {
                    Ok(packet) => in_ipv4(f, &packet),
                    Err(error) => write!(f, "{frame} (failed to {error})"),
                },
                _ => write!(f, "{frame} {} bytes", frame.payload().len()),
            },
        }
    }
}

impl fmt::Debug for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What the packet says, after its two addresses.
fn in_ipv4(f: &mut fmt::Formatter<'_>, packet: &ipv4::Packet<&[u8]>) -> fmt::Result {
    let (src, dst) = (packet.src(), packet.dst());
    // A fragment and a damaged header are not looked into.
    if ipv4::Repr::parse(packet).is_err() {
        return fmt::Display::fmt(packet, f);
    }
    match packet.protocol() {
        Protocol::ICMP => match icmp::Packet::new(packet.payload()) {
            Ok(message) => write!(f, "{src} -> {dst} {message}"),
            Err(error) => write!(f, "{packet} (failed to {error})"),
        },
        Protocol::VRRP | Protocol::AH => match vrrp::Packet::from_ipv4(packet) {
            Ok(advert) => {
                write!(f, "{src} -> {dst} {advert}")?;
                checksum_note(f, &advert, src, dst)
            }
            Err(error) => write!(f, "{packet} (failed to {error})"),
        },
        _ => write!(f, "{packet} {} bytes", packet.payload().len()),
    }
}

/// Names a checksum that a keepalived of today would not have written.
fn checksum_note(
    f: &mut fmt::Formatter<'_>,
    advert: &vrrp::Packet<&[u8]>,
    src: Ipv4Addr,
    dst: Ipv4Addr,
) -> fmt::Result {
    match advert.which_rule(src, dst) {
        Some(ChecksumRule::PseudoHeader) => Ok(()),
        Some(ChecksumRule::Plain) if advert.version() == 2 => Ok(()),
        Some(rule) => write!(f, " (checksum {rule})"),
        None => write!(f, " (checksum wrong)"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ethernet::{self, Mac};
    use super::super::icmp::Unreachable;
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
    const B: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);

    /// What is printed of a frame from `A` to `B` with this in it.
    fn said(protocol: Protocol, payload: &[u8]) -> String {
        let ip = ipv4::Repr {
            src: A,
            dst: B,
            protocol,
            ttl: 64,
            tos: 0,
            identification: 0,
            dont_fragment: true,
            payload_len: payload.len() as u16,
        };
        let mut frame = vec![0xa5; 60.max(ethernet::HEADER_LEN + ip.total_len())];
        let header =
            ethernet::Repr { dst: Mac::BROADCAST, src: Mac::UNSPECIFIED, ethertype: EtherType::IPV4 };
        ip.emit(header.emit(&mut frame)).copy_from_slice(payload);
        pretty(&frame).to_string()
    }

    #[test]
    fn an_advertisement_says_everything_but_the_password() {
        let vips = [Ipv4Addr::new(172, 16, 16, 12)];
        let advert = vrrp::Repr {
            dialect: vrrp::Dialect::V2 {
                authentication: vrrp::Authentication::SimpleText(vrrp::AuthData::from_text(b"hush")),
            },
            vrid: 51,
            priority: 254,
            advert_interval: crate::time::Duration::from_secs(1),
            addresses: vrrp::Addresses::new(&vips),
        };
        let mut bytes = vec![0; advert.len()];
        advert.emit(&mut bytes, ChecksumRule::Plain, A, B);
        assert_eq!(
            said(Protocol::VRRP, &bytes),
            "172.16.16.5 -> 172.16.16.6 vrrp v2 vrid 51 priority 254 every 1s auth pass [172.16.16.12]"
        );
        bytes[2] = 253;
        assert!(said(Protocol::VRRP, &bytes).ends_with("[172.16.16.12] (checksum wrong)"));

        let third = vrrp::Repr { dialect: vrrp::Dialect::V3, ..advert };
        let mut bytes = vec![0; third.len()];
        third.emit(&mut bytes, ChecksumRule::GroupPseudoHeader, A, B);
        assert_eq!(
            said(Protocol::VRRP, &bytes),
            "172.16.16.5 -> 172.16.16.6 vrrp v3 vrid 51 priority 254 every 1s [172.16.16.12] \
             (checksum with the group's pseudo header)"
        );
    }

    #[test]
    fn other_packets_say_what_they_are() {
        let mut ping = [0; 12];
        icmp::Repr::EchoRequest { identifier: 1, sequence: 7, data: b"ping" }.emit(&mut ping);
        assert_eq!(said(Protocol::ICMP, &ping), "172.16.16.5 -> 172.16.16.6 icmp echo request 1/7");
        let mut unreachable = [0; 8];
        icmp::Repr::unreachable(Unreachable::PROTOCOL, &[]).emit(&mut unreachable);
        assert_eq!(
            said(Protocol::ICMP, &unreachable),
            "172.16.16.5 -> 172.16.16.6 icmp protocol unreachable"
        );
        assert_eq!(said(Protocol::TCP, &[0; 20]), "172.16.16.5 -> 172.16.16.6 tcp ttl 64 20 bytes");
        assert_eq!(
            said(Protocol::AH, &[0; 24]),
            "172.16.16.5 -> 172.16.16.6 ah ttl 64 (failed to read a VRRP advertisement: the IP authentication \
             header (auth_type AH) is not spoken here)"
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        assert_eq!(
            pretty(&[0; 3]).to_string(),
            "failed to read an Ethernet frame: 3 bytes are there, at least 14 are needed"
        );
        let mut arp = [0; 20];
        ethernet::Repr { dst: Mac::BROADCAST, src: Mac::UNSPECIFIED, ethertype: EtherType::ARP }
            .emit(&mut arp);
        assert_eq!(
            pretty(&arp).to_string(),
            "00:00:00:00:00:00 -> ff:ff:ff:ff:ff:ff arp (failed to read an ARP packet: 6 bytes are there, at \
             least 28 are needed)"
        );
        assert_eq!(
            said(Protocol::ICMP, &[8]),
            "172.16.16.5 -> 172.16.16.6 icmp ttl 64 (failed to read an ICMP message: 1 bytes are there, at \
             least 8 are needed)"
        );
    }
}
