//! IPv4 (RFC 791).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |version|  IHL  |type of service|         total length          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        identification         |flags|     fragment offset     |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | time to live  |   protocol    |        header checksum        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        source address                         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                      destination address                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  options, to a multiple of 4 bytes            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Options are stepped over when they are there and never written. What lies behind the total length is
//! padding of the link and belongs to nobody.

use std::fmt;
use std::net::Ipv4Addr;

use super::checksum::Checksum;
use super::{Error, Layer, array, at_least, u16_at};

/// The length in bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// The longest payload in bytes behind such a header.
pub const MAX_PAYLOAD_LEN: u16 = u16::MAX - HEADER_LEN as u16;
/// The type of service of routing protocols, VRRP as keepalived sends it among them: precedence 6,
/// internetwork control (RFC 791 section 3.1).
pub const TOS_INTERNETWORK_CONTROL: u8 = 0xc0;

/// What a packet carries (the protocol numbers of IANA). IPv6 counts with the same numbers and has extension
/// headers among them: see [`Protocol::is_extension_header`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// The hop-by-hop options header of IPv6 (RFC 8200 section 4.3).
    pub const HOP_BY_HOP: Protocol = Protocol(0);
    /// [`icmp`](super::icmp).
    pub const ICMP: Protocol = Protocol(1);
    /// Group membership (RFC 3376).
    pub const IGMP: Protocol = Protocol(2);
    /// RFC 9293.
    pub const TCP: Protocol = Protocol(6);
    /// RFC 768.
    pub const UDP: Protocol = Protocol(17);
    /// The routing header of IPv6 (RFC 8200 section 4.4).
    pub const ROUTING: Protocol = Protocol(43);
    /// The fragment header of IPv6 (RFC 8200 section 4.5).
    pub const FRAGMENT: Protocol = Protocol(44);
    /// The encapsulating security payload (RFC 4303).
    pub const ESP: Protocol = Protocol(50);
    /// The authentication header (RFC 4302), VRRPv2's `auth_type AH`: known by name and refused.
    pub const AH: Protocol = Protocol(51);
    /// [`icmpv6`](super::icmpv6) and [`ndp`](super::ndp).
    pub const ICMPV6: Protocol = Protocol(58);
    /// Nothing (RFC 8200 section 4.7).
    pub const NO_NEXT_HEADER: Protocol = Protocol(59);
    /// The destination options header of IPv6 (RFC 8200 section 4.6).
    pub const DESTINATION_OPTIONS: Protocol = Protocol(60);
    /// [`vrrp`](super::vrrp).
    pub const VRRP: Protocol = Protocol(112);
    /// The mobility header of IPv6 (RFC 6275).
    pub const MOBILITY: Protocol = Protocol(135);

    /// Whether it is one of IPv6's extension headers, behind which the packet goes on.
    pub const fn is_extension_header(self) -> bool {
        // IANA's list of them (RFC 7045 section 4); shim6, HIP and the experimental ones are not spoken by name.
        matches!(
            self,
            Protocol::HOP_BY_HOP
                | Protocol::ROUTING
                | Protocol::FRAGMENT
                | Protocol::ESP
                | Protocol::AH
                | Protocol::DESTINATION_OPTIONS
                | Protocol::MOBILITY
                | Protocol(139 | 140 | 253 | 254)
        )
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Protocol::HOP_BY_HOP => f.write_str("hop-by-hop options"),
            Protocol::ICMP => f.write_str("icmp"),
            Protocol::IGMP => f.write_str("igmp"),
            Protocol::TCP => f.write_str("tcp"),
            Protocol::UDP => f.write_str("udp"),
            Protocol::ROUTING => f.write_str("routing header"),
            Protocol::FRAGMENT => f.write_str("fragment header"),
            Protocol::ESP => f.write_str("esp"),
            Protocol::AH => f.write_str("ah"),
            Protocol::ICMPV6 => f.write_str("icmpv6"),
            Protocol::NO_NEXT_HEADER => f.write_str("no next header"),
            Protocol::DESTINATION_OPTIONS => f.write_str("destination options"),
            Protocol::VRRP => f.write_str("vrrp"),
            Protocol::MOBILITY => f.write_str("mobility header"),
            Protocol(other) => write!(f, "protocol {other}"),
        }
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A packet in a buffer that holds at least as many bytes as the header states.
#[derive(Clone, Copy)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses what is not version 4, and lengths that contradict each other: header length at least 20, at
    /// most the total length, and that at most the buffer's.
    pub fn new(buffer: T) -> Result<Self, Error> {
        let layer = Layer::Ipv4;
        let bytes = buffer.as_ref();
        at_least(layer, HEADER_LEN, bytes)?;
        let version = u16::from(bytes[0] >> 4);
        if version != 4 {
            return Err(Error::Unsupported { layer, field: "version", value: version });
        }
        let header_len = usize::from(bytes[0] & 0xf) * 4;
        if header_len < HEADER_LEN {
            return Err(Error::BadLength { layer, stated: header_len, found: bytes.len() });
        }
        let total_len = usize::from(u16_at(bytes, 2));
        if total_len < header_len || total_len > bytes.len() {
            return Err(Error::BadLength { layer, stated: total_len, found: bytes.len() });
        }
        Ok(Packet { buffer })
    }
    /// The length of the header in bytes, options included: 20..=60.
    pub fn header_len(&self) -> usize {
        usize::from(self.buffer.as_ref()[0] & 0xf) * 4
    }
    /// The type of service: DSCP and ECN (RFC 2474, RFC 3168).
    pub fn tos(&self) -> u8 {
        self.buffer.as_ref()[1]
    }
    /// The length of header and payload in bytes.
    pub fn total_len(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 2)
    }
    /// Tells the fragments of one packet from those of another (RFC 6864).
    pub fn identification(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 4)
    }
    /// Whether nobody may fragment it.
    pub fn dont_fragment(&self) -> bool {
        self.buffer.as_ref()[6] & 0x40 != 0
    }
    /// Whether it is a piece of a packet: more fragments follow, or this is not the first.
    pub fn is_fragment(&self) -> bool {
        u16_at(self.buffer.as_ref(), 6) & 0x3fff != 0
    }
    /// How many routers it may still pass. VRRP over multicast demands 255: it has passed none.
    pub fn ttl(&self) -> u8 {
        self.buffer.as_ref()[8]
    }
    /// What it carries.
    pub fn protocol(&self) -> Protocol {
        Protocol(self.buffer.as_ref()[9])
    }
    /// The header checksum as received.
    pub fn checksum(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 10)
    }
    /// Whether the header is as it was sent.
    pub fn verify_checksum(&self) -> bool {
        Checksum::new().with(&self.buffer.as_ref()[..self.header_len()]).is_valid()
    }
    /// Whom it comes from.
    pub fn src(&self) -> Ipv4Addr {
        array::<4>(self.buffer.as_ref(), 12).into()
    }
    /// To whom it goes.
    pub fn dst(&self) -> Ipv4Addr {
        array::<4>(self.buffer.as_ref(), 16).into()
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// What the packet carries, to its total length: padding behind it is cut off.
    pub fn payload(&self) -> &'a [u8] {
        &self.buffer.as_ref()[self.header_len()..usize::from(self.total_len())]
    }
    /// The whole packet, header included, without padding.
    pub fn as_bytes(&self) -> &'a [u8] {
        &self.buffer.as_ref()[..usize::from(self.total_len())]
    }
}

/// The header of a packet that is no fragment and has no options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Whom it comes from.
    pub src: Ipv4Addr,
    /// To whom it goes.
    pub dst: Ipv4Addr,
    /// What it carries.
    pub protocol: Protocol,
    /// How many routers it may pass.
    pub ttl: u8,
    /// The type of service: DSCP and ECN.
    pub tos: u8,
    /// Tells the fragments of one packet from those of another. keepalived counts its advertisements with it.
    pub identification: u16,
    /// Whether nobody may fragment it. keepalived leaves it clear.
    pub dont_fragment: bool,
    /// The length of what the packet carries in bytes, at most [`MAX_PAYLOAD_LEN`].
    pub payload_len: u16,
}

impl Repr {
    /// The header of `packet`, without its options. Refuses a fragment, and a header that was damaged.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Result<Repr, Error> {
        // RFC 1122 section 3.2.1.2: "A host MUST verify the IP header checksum on every received datagram
        // and silently discard every datagram that has a bad checksum."
        if !packet.verify_checksum() {
            return Err(Error::BadChecksum { layer: Layer::Ipv4 });
        }
        if packet.is_fragment() {
            return Err(Error::Fragment);
        }
        Ok(Repr {
            src: packet.src(),
            dst: packet.dst(),
            protocol: packet.protocol(),
            ttl: packet.ttl(),
            tos: packet.tos(),
            identification: packet.identification(),
            dont_fragment: packet.dont_fragment(),
            // `new` has checked that the total length is no less; a header is at most 60 bytes.
            payload_len: packet.total_len() - packet.header_len() as u16,
        })
    }

    /// The length of the header in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        HEADER_LEN
    }

    /// The length of header and payload in bytes.
    pub const fn total_len(&self) -> usize {
        HEADER_LEN + self.payload_len as usize
    }

    /// Writes the header, its checksum included, and gives back the room for the payload: just as long as it
    /// is to be.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::total_len`], or the payload longer than [`MAX_PAYLOAD_LEN`].
    pub fn emit<'b>(&self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        assert!(self.payload_len <= MAX_PAYLOAD_LEN, "{} bytes are no IPv4 payload", self.payload_len);
        let (header, payload) = buffer[..self.total_len()].split_at_mut(HEADER_LEN);
        let total_len = HEADER_LEN as u16 + self.payload_len;
        let flags: u16 = if self.dont_fragment { 0x4000 } else { 0 };
        header[0] = 0x45;
        header[1] = self.tos;
        header[2..4].copy_from_slice(&total_len.to_be_bytes());
        header[4..6].copy_from_slice(&self.identification.to_be_bytes());
        header[6..8].copy_from_slice(&flags.to_be_bytes());
        header[8] = self.ttl;
        header[9] = self.protocol.0;
        header[10..12].fill(0);
        header[12..16].copy_from_slice(&self.src.octets());
        header[16..20].copy_from_slice(&self.dst.octets());
        let checksum = Checksum::new().with(header).finish();
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        payload
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {} ttl {}", self.src, self.dst, self.protocol, self.ttl)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {} ttl {}", self.src(), self.dst(), self.protocol(), self.ttl())?;
        match Repr::parse(self) {
            Ok(_) => Ok(()),
            Err(error) => write!(f, " (failed to {error})"),
        }
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Packet<T> {
    /// What `Display` says: a password may be among the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The header of keepalived's first advertisement to a peer, its length
    /// changed, and what follows it.
    const BYTES: [u8; 24] = [
        0x45, 0xc0, 0x00, 0x18, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0x42, 0x89, 0xac, 0x10, 0x10, 0x05, 0xac,
        0x10, 0x10, 0x06, 0x01, 0x02, 0x03, 0x04,
    ];
    const REPR: Repr = Repr {
        src: Ipv4Addr::new(172, 16, 16, 5),
        dst: Ipv4Addr::new(172, 16, 16, 6),
        protocol: Protocol::VRRP,
        ttl: 255,
        tos: TOS_INTERNETWORK_CONTROL,
        identification: 1,
        dont_fragment: false,
        payload_len: 4,
    };

    /// `BYTES` with some of them changed and the checksum made right again.
    fn changed(changes: &[(usize, u8)]) -> [u8; 24] {
        let mut bytes = BYTES;
        for &(at, byte) in changes {
            bytes[at] = byte;
        }
        let header_len = usize::from(bytes[0] & 0xf) * 4;
        bytes[10..12].fill(0);
        let checksum = Checksum::new().with(&bytes[..header_len]).finish();
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes
    }

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert_eq!(packet.header_len(), 20);
        assert_eq!(packet.tos(), 0xc0);
        assert_eq!(packet.total_len(), 24);
        assert_eq!(packet.identification(), 1);
        assert!(!packet.dont_fragment());
        assert!(!packet.is_fragment());
        assert_eq!(packet.ttl(), 255);
        assert_eq!(packet.protocol(), Protocol::VRRP);
        // 0x4279 in the capture, whose total length is 40: 16 bytes less is 16 more.
        assert_eq!(packet.checksum(), 0x4289);
        assert!(packet.verify_checksum());
        assert_eq!(packet.src(), REPR.src);
        assert_eq!(packet.dst(), REPR.dst);
        assert_eq!(packet.payload(), &[1, 2, 3, 4]);
    }

    #[test]
    fn construct() {
        let mut bytes = [0xa5; 24];
        REPR.emit(&mut bytes).copy_from_slice(&[1, 2, 3, 4]);
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap()), Ok(REPR));
        let dont_fragment = changed(&[(6, 0x40)]);
        assert_eq!(
            Repr::parse(&Packet::new(&dont_fragment).unwrap()),
            Ok(Repr { dont_fragment: true, ..REPR })
        );
    }

    #[test]
    fn padding_is_cut_off() {
        let mut padded = [0xa5; 46];
        padded[..24].copy_from_slice(&BYTES);
        let packet = Packet::new(&padded).unwrap();
        assert_eq!(packet.payload(), &[1, 2, 3, 4]);
        assert_eq!(packet.as_bytes(), BYTES);
        assert_eq!(Repr::parse(&packet), Ok(REPR));
    }

    #[test]
    fn options_are_stepped_over() {
        // The router alert option takes the four bytes that were the payload (RFC 2113).
        let bytes = changed(&[(0, 0x46), (20, 0x94), (21, 0x04), (22, 0), (23, 0)]);
        let packet = Packet::new(&bytes).unwrap();
        assert_eq!(packet.header_len(), 24);
        assert_eq!(packet.payload(), &[]);
        assert_eq!(Repr::parse(&packet), Ok(Repr { payload_len: 0, ..REPR }));
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let refused = |bytes: &[u8]| Packet::new(bytes).unwrap_err();
        let layer = Layer::Ipv4;
        assert_eq!(refused(&BYTES[..19]), Error::Truncated { layer, needed: 20, found: 19 });
        assert_eq!(refused(&BYTES[..23]), Error::BadLength { layer, stated: 24, found: 23 });
        assert_eq!(refused(&changed(&[(0, 0x44)])), Error::BadLength { layer, stated: 16, found: 24 });
        assert_eq!(refused(&changed(&[(3, 19)])), Error::BadLength { layer, stated: 19, found: 24 });
        let mut other_version = BYTES;
        other_version[0] = 0x65;
        assert_eq!(refused(&other_version), Error::Unsupported { layer, field: "version", value: 6 });
    }

    #[test]
    fn a_damaged_header_and_a_fragment_are_refused() {
        let mut damaged = BYTES;
        damaged[8] -= 1;
        let parsed = |bytes: &[u8]| Repr::parse(&Packet::new(bytes).unwrap());
        assert_eq!(parsed(&damaged), Err(Error::BadChecksum { layer: Layer::Ipv4 }));
        assert_eq!(parsed(&changed(&[(6, 0x20)])), Err(Error::Fragment), "the first");
        assert_eq!(parsed(&changed(&[(7, 0x01)])), Err(Error::Fragment), "the last");
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; 26];
        assert_eq!(REPR.emit(&mut bytes), [0xa5; 4], "the payload is the caller's");
        assert_eq!(bytes[..HEADER_LEN], BYTES[..HEADER_LEN]);
        assert_eq!(bytes[REPR.total_len()..], [0xa5; 2], "what follows the packet is not touched");
    }

    #[test]
    fn display() {
        assert_eq!(REPR.to_string(), "172.16.16.5 -> 172.16.16.6 vrrp ttl 255");
        let mut damaged = BYTES;
        damaged[8] = 7;
        assert_eq!(
            Packet::new(&damaged).unwrap().to_string(),
            "172.16.16.5 -> 172.16.16.6 vrrp ttl 7 (failed to verify the checksum of an IPv4 packet)"
        );
        assert_eq!(Protocol(89).to_string(), "protocol 89");
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            addresses: ([u8; 4], [u8; 4]),
            bytes: (u8, u8, u8),
            identification: u16,
            dont_fragment: bool,
            payload_len in 0u16..200,
        ) {
            let repr = Repr {
                src: addresses.0.into(),
                dst: addresses.1.into(),
                protocol: Protocol(bytes.0),
                ttl: bytes.1,
                tos: bytes.2,
                identification,
                dont_fragment,
                payload_len,
            };
            let mut bytes = [0xa5; 220];
            prop_assert_eq!(repr.emit(&mut bytes).len(), usize::from(payload_len));
            prop_assert_eq!(Repr::parse(&Packet::new(&bytes).unwrap()), Ok(repr));
        }
    }
}
