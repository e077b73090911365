//! One line for people about any frame.

use std::fmt;
use std::net::IpAddr;

use super::ethernet::{EtherType, Frame};
use super::ipv4::Protocol;
use super::vrrp::ChecksumRule;
use super::{Error, arp, icmp, icmpv6, ipv4, ipv6, ndp, vrrp};

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
                EtherType::IPV6 => match ipv6::Packet::new(frame.payload()) {
                    Ok(packet) => in_ipv6(f, &packet),
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
                checksum_note(f, &advert, src.into(), dst.into())
            }
            Err(error) => write!(f, "{packet} (failed to {error})"),
        },
        _ => write!(f, "{packet} {} bytes", packet.payload().len()),
    }
}

/// What the packet says, after its two addresses.
fn in_ipv6(f: &mut fmt::Formatter<'_>, packet: &ipv6::Packet<&[u8]>) -> fmt::Result {
    let (src, dst) = (packet.src(), packet.dst());
    // What is behind an extension header is not looked into.
    let Ok(ip) = ipv6::Repr::parse(packet) else { return fmt::Display::fmt(packet, f) };
    match ip.next_header {
        Protocol::ICMPV6 => match icmpv6::Packet::new(packet.payload()) {
            Ok(message) => {
                write!(f, "{src} -> {dst} ")?;
                in_icmpv6(f, &message, packet.payload(), &ip)
            }
            Err(error) => write!(f, "{packet} (failed to {error})"),
        },
        Protocol::VRRP => match vrrp::Packet::from_ipv6(packet) {
            Ok(advert) => {
                write!(f, "{src} -> {dst} {advert}")?;
                checksum_note(f, &advert, src.into(), dst.into())
            }
            Err(error) => write!(f, "{packet} (failed to {error})"),
        },
        _ => write!(f, "{packet} {} bytes", packet.payload().len()),
    }
}

/// What the message says, be it neighbour discovery or not. Its checksum covers the addresses: it cannot say so
/// by itself.
fn in_icmpv6(
    f: &mut fmt::Formatter<'_>,
    message: &icmpv6::Packet<&[u8]>,
    bytes: &[u8],
    ip: &ipv6::Repr,
) -> fmt::Result {
    let refused = |f: &mut fmt::Formatter<'_>, error: Error| {
        write!(f, "icmpv6 type {} code {} (failed to {error})", message.message_type(), message.code())
    };
    match message.message_type() {
        ndp::SOLICITATION | ndp::ADVERTISEMENT => {
            match ndp::Packet::new(bytes).and_then(|message| ndp::Repr::parse(&message, ip)) {
                Ok(repr) => fmt::Display::fmt(&repr, f),
                Err(error) => refused(f, error),
            }
        }
        _ => match icmpv6::Repr::parse(message, ip.src, ip.dst) {
            Ok(repr) => fmt::Display::fmt(&repr, f),
            Err(error) => refused(f, error),
        },
    }
}

/// Names a checksum that a keepalived of today would not have written.
fn checksum_note(
    f: &mut fmt::Formatter<'_>,
    advert: &vrrp::Packet<&[u8]>,
    src: IpAddr,
    dst: IpAddr,
) -> fmt::Result {
    match advert.which_rule(src, dst) {
        Some(ChecksumRule::PseudoHeader) => Ok(()),
        Some(ChecksumRule::Plain) if advert.version() == 2 => Ok(()),
        Some(rule) => write!(f, " (checksum {rule})"),
        None => write!(f, " (checksum wrong)"),
    }
}

#[cfg(test)]
mod tests;
