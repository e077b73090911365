//! The bytes: one file a protocol, each in the same order (header picture, view, `Repr`, display, tests).
//!
//! A view (`Frame`, `Packet`) borrows bytes and reads one field at a time; its `new` checks just the lengths
//! that its accessors rely on. A `Repr` is what the bytes mean: `parse` refuses what it cannot say, `emit`
//! writes every byte of its header, and `parse` of what `emit` wrote is the `Repr` again. Nothing here
//! allocates. Nothing here panics on what comes from outside, whatever the bytes are; an `emit` panics when
//! its buffer is shorter than `len`, which is the caller's mistake.
//!
//! IPv4 and IPv6 are spoken alike, in files of their own where they differ: [`arp`] and [`ndp`], [`icmp`] and
//! [`icmpv6`]. [`vrrp`] is one protocol over both.

use std::fmt;
use std::net::IpAddr;

pub mod arp;
pub mod bfd;
pub mod checksum;
pub mod ethernet;
pub mod hmac_trailer;
pub mod icmp;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod ndp;
mod pretty;
pub mod tcp;
pub mod udp;
pub mod vrrp;

pub use pretty::{Pretty, pretty};

/// A family of addresses: what version of IP a packet is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Four bytes an address.
    Ipv4,
    /// Sixteen.
    Ipv6,
}

impl Family {
    /// That of `address`.
    pub const fn of(address: IpAddr) -> Family {
        match address {
            IpAddr::V4(_) => Family::Ipv4,
            IpAddr::V6(_) => Family::Ipv6,
        }
    }
    /// The length of an address in bytes.
    pub const fn address_len(self) -> usize {
        match self {
            Family::Ipv4 => 4,
            Family::Ipv6 => 16,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        })
    }
}

/// Which header an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// [`ethernet`].
    Ethernet,
    /// [`arp`].
    Arp,
    /// [`ipv4`].
    Ipv4,
    /// [`ipv6`].
    Ipv6,
    /// [`icmp`].
    Icmp,
    /// [`icmpv6`].
    Icmpv6,
    /// [`ndp`].
    Ndp,
    /// [`vrrp`].
    Vrrp,
    /// [`tcp`].
    Tcp,
    /// [`udp`].
    Udp,
    /// [`bfd`].
    Bfd,
    /// [`hmac_trailer`].
    HmacTrailer,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::Ethernet => "an Ethernet frame",
            Layer::Arp => "an ARP packet",
            Layer::Ipv4 => "an IPv4 packet",
            Layer::Ipv6 => "an IPv6 packet",
            Layer::Icmp => "an ICMP message",
            Layer::Icmpv6 => "an ICMPv6 message",
            Layer::Ndp => "a neighbour discovery message",
            Layer::Vrrp => "a VRRP advertisement",
            Layer::Tcp => "a TCP segment",
            Layer::Udp => "a UDP datagram",
            Layer::Bfd => "a BFD control packet",
            Layer::HmacTrailer => "an auth_hmac trailer",
        })
    }
}

/// Why bytes from outside are not what they should be. Each text goes on from "failed to".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There are fewer bytes than the header has.
    #[error("read {layer}: {found} bytes are there, at least {needed} are needed")]
    Truncated {
        /// Whose header.
        layer: Layer,
        /// Its length in bytes, at least.
        needed: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// A length that the header states, or that follows from it, contradicts the bytes that are there.
    #[error("read {layer}: by its header it has {stated} bytes, and {found} are there")]
    BadLength {
        /// Whose header.
        layer: Layer,
        /// The length in bytes by the header.
        stated: usize,
        /// How many bytes there are.
        found: usize,
    },
    /// A field has a value that this codec does not speak.
    #[error("read {layer}: {field} {value} is not spoken here")]
    Unsupported {
        /// Whose header.
        layer: Layer,
        /// The field in words: `version`.
        field: &'static str,
        /// What it says.
        value: u16,
    },
    /// The protocol says to discard such a message.
    #[error("read {layer}: {why}")]
    Invalid {
        /// Whose message.
        layer: Layer,
        /// What is wrong with it, in words.
        why: &'static str,
    },
    /// The packet is a piece of a packet; the kernel puts such together before anyone reads them.
    #[error("read an IPv4 packet: it is a fragment")]
    Fragment,
    /// Something stands between an IPv6 header and what the packet is about, which nobody here sends.
    #[error("read an IPv6 packet: an extension header ({0}) is not followed here")]
    ExtensionHeader(ipv4::Protocol),
    /// VRRP's withdrawn authentication type 2: IP protocol 51 (RFC 2338 section 5.3.6, RFC 4302).
    #[error("read a VRRP advertisement: the IP authentication header (auth_type AH) is not spoken here")]
    AuthenticationHeader,
    /// The checksum does not cover what arrived.
    #[error("verify the checksum of {layer}")]
    BadChecksum {
        /// Whose checksum.
        layer: Layer,
    },
}

/// `bytes[at..at + N]`, where a view's `new` has checked that they are there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// The 16 bits in network order at `at`, where a view's `new` has checked that they are there.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes(array(bytes, at))
}

/// Refuses fewer than `needed` bytes.
fn at_least(layer: Layer, needed: usize, bytes: &[u8]) -> Result<(), Error> {
    match bytes.len() {
        found if found < needed => Err(Error::Truncated { layer, needed, found }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_go_on_from_failed_to() {
        let said = |error: Error| format!("failed to {error}");
        assert_eq!(
            said(Error::Truncated { layer: Layer::Arp, needed: 28, found: 3 }),
            "failed to read an ARP packet: 3 bytes are there, at least 28 are needed"
        );
        assert_eq!(
            said(Error::BadLength { layer: Layer::Ipv4, stated: 40, found: 39 }),
            "failed to read an IPv4 packet: by its header it has 40 bytes, and 39 are there"
        );
        assert_eq!(
            said(Error::Unsupported { layer: Layer::Vrrp, field: "version", value: 4 }),
            "failed to read a VRRP advertisement: version 4 is not spoken here"
        );
        assert_eq!(
            said(Error::ExtensionHeader(ipv4::Protocol::FRAGMENT)),
            "failed to read an IPv6 packet: an extension header (fragment header) is not followed here"
        );
        assert_eq!(
            said(Error::BadChecksum { layer: Layer::Icmp }),
            "failed to verify the checksum of an ICMP message"
        );
    }
}
