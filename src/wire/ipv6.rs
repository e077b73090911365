//! IPv6 (RFC 8200).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |version| traffic class |              flow label               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        payload length         |  next header  |   hop limit   |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  source address (16 bytes)                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                destination address (16 bytes)                 |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Extension headers are not followed: [`Repr::parse`] refuses a packet that has one, by the header's name.
//! Nothing this project is about has one. There is no checksum; what the packet carries covers the addresses
//! with its own, by [`Checksum::pseudo_header_v6`](super::checksum::Checksum::pseudo_header_v6). What lies
//! behind the payload length is padding of the link and belongs to nobody.

use std::fmt;
use std::net::Ipv6Addr;

pub use super::ipv4::Protocol;
use super::{Error, Layer, array, at_least, u16_at};

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 40;
/// The shortest packet that every link takes whole, in bytes (RFC 8200 section 5).
pub const MIN_MTU: usize = 1280;
/// The traffic class of VRRP as keepalived sends it: class selector 6, internetwork control (RFC 2474 section
/// 4.2.2.2).
pub const TRAFFIC_CLASS_INTERNETWORK_CONTROL: u8 = 0xc0;
/// The group of every machine of the link (RFC 4291 section 2.7.1).
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// Of the 32 bits that [`Repr::flow_label`] has, those that are one.
pub const FLOW_LABEL_MAX: u32 = 0x000f_ffff;

/// The group that the machine with `address` listens to, and few others do: ff02::1:ff00:12 for fd00:16::12.
pub const fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    // RFC 4291 section 2.7.1: "taking the low-order 24 bits of an address (unicast or anycast) and appending
    // those bits to the prefix FF02:0:0:0:0:1:FF00::/104".
    let [.., a, b, c] = address.octets();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | a as u16, (b as u16) << 8 | c as u16)
}

/// A packet in a buffer that holds at least as many bytes as the header states.
#[derive(Clone, Copy)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses what is not version 6, and a payload that is longer than the buffer.
    pub fn new(buffer: T) -> Result<Self, Error> {
        let layer = Layer::Ipv6;
        let bytes = buffer.as_ref();
        at_least(layer, HEADER_LEN, bytes)?;
        let version = u16::from(bytes[0] >> 4);
        if version != 6 {
            return Err(Error::Unsupported { layer, field: "version", value: version });
        }
        let stated = HEADER_LEN + usize::from(u16_at(bytes, 4));
        if stated > bytes.len() {
            return Err(Error::BadLength { layer, stated, found: bytes.len() });
        }
        Ok(Packet { buffer })
    }
    /// The traffic class: DSCP and ECN (RFC 2474, RFC 3168).
    pub fn traffic_class(&self) -> u8 {
        (u16_at(self.buffer.as_ref(), 0) >> 4) as u8
    }
    /// Tells the flows between two machines apart, 0..=[`FLOW_LABEL_MAX`] (RFC 6437).
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes(array(self.buffer.as_ref(), 0)) & FLOW_LABEL_MAX
    }
    /// The length of what follows the header in bytes, extension headers included.
    pub fn payload_len(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 4)
    }
    /// The length of header and payload in bytes.
    pub fn total_len(&self) -> usize {
        HEADER_LEN + usize::from(self.payload_len())
    }
    /// What follows the header: an extension header, or what the packet carries.
    pub fn next_header(&self) -> Protocol {
        // RFC 8200 section 3: "Uses the same values as the IPv4 Protocol field".
        Protocol(self.buffer.as_ref()[6])
    }
    /// How many routers it may still pass. VRRP over multicast and neighbour discovery demand 255: it has
    /// passed none.
    pub fn hop_limit(&self) -> u8 {
        self.buffer.as_ref()[7]
    }
    /// Whom it comes from.
    pub fn src(&self) -> Ipv6Addr {
        array::<16>(self.buffer.as_ref(), 8).into()
    }
    /// To whom it goes.
    pub fn dst(&self) -> Ipv6Addr {
        array::<16>(self.buffer.as_ref(), 24).into()
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// What follows the header, to the payload length: padding behind it is cut off.
    pub fn payload(&self) -> &'a [u8] {
        &self.buffer.as_ref()[HEADER_LEN..self.total_len()]
    }
    /// The whole packet, header included, without padding.
    pub fn as_bytes(&self) -> &'a [u8] {
        &self.buffer.as_ref()[..self.total_len()]
    }
}

/// The header of a packet without extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Whom it comes from.
    pub src: Ipv6Addr,
    /// To whom it goes.
    pub dst: Ipv6Addr,
    /// What it carries.
    pub next_header: Protocol,
    /// How many routers it may pass.
    pub hop_limit: u8,
    /// The traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Tells the flows between two machines apart; of more than [`FLOW_LABEL_MAX`], the low bits go out. Linux
    /// makes one up for each socket, so no two captures agree on it.
    pub flow_label: u32,
    /// The length of what the packet carries in bytes.
    pub payload_len: u16,
}

impl Repr {
    /// The header of `packet`. Refuses a packet whose payload begins with an extension header; a jumbogram
    /// (RFC 2675) is one of these.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Result<Repr, Error> {
        let next_header = packet.next_header();
        if next_header.is_extension_header() {
            return Err(Error::ExtensionHeader(next_header));
        }
        Ok(Repr {
            src: packet.src(),
            dst: packet.dst(),
            next_header,
            hop_limit: packet.hop_limit(),
            traffic_class: packet.traffic_class(),
            flow_label: packet.flow_label(),
            payload_len: packet.payload_len(),
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

    /// Writes the header and gives back the room for the payload: just as long as it is to be.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::total_len`].
    pub fn emit<'b>(&self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        let (header, payload) = buffer[..self.total_len()].split_at_mut(HEADER_LEN);
        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label & FLOW_LABEL_MAX;
        header[0..4].copy_from_slice(&word.to_be_bytes());
        header[4..6].copy_from_slice(&self.payload_len.to_be_bytes());
        header[6] = self.next_header.0;
        header[7] = self.hop_limit;
        header[8..24].copy_from_slice(&self.src.octets());
        header[24..40].copy_from_slice(&self.dst.octets());
        payload
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {} hop limit {}", self.src, self.dst, self.next_header, self.hop_limit)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {} hop limit {}", self.src(), self.dst(), self.next_header(), self.hop_limit())?;
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

    /// The header of keepalived's advertisement to the group, its length changed, and what follows it.
    const BYTES: [u8; 44] = [
        0x6c, 0x07, 0xb4, 0xcf, 0x00, 0x04, 0x70, 0xff, 0xfe, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x9c,
        0x76, 0xd6, 0xff, 0xfe, 0x91, 0xc0, 0x81, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x12, 0x01, 0x02, 0x03, 0x04,
    ];
    const REPR: Repr = Repr {
        src: Ipv6Addr::new(0xfe80, 0, 0, 0, 0x9c76, 0xd6ff, 0xfe91, 0xc081),
        dst: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
        next_header: Protocol::VRRP,
        hop_limit: 255,
        traffic_class: TRAFFIC_CLASS_INTERNETWORK_CONTROL,
        flow_label: 0x7_b4cf,
        payload_len: 4,
    };

    fn with(at: usize, byte: u8) -> [u8; 44] {
        let mut bytes = BYTES;
        bytes[at] = byte;
        bytes
    }

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert_eq!(packet.traffic_class(), 0xc0);
        assert_eq!(packet.flow_label(), 0x7_b4cf);
        assert_eq!((packet.payload_len(), packet.total_len()), (4, 44));
        assert_eq!(packet.next_header(), Protocol::VRRP);
        assert_eq!(packet.hop_limit(), 255);
        assert_eq!((packet.src(), packet.dst()), (REPR.src, REPR.dst));
        assert_eq!(packet.payload(), &[1, 2, 3, 4]);
    }

    #[test]
    fn construct() {
        let mut bytes = [0xa5; 44];
        REPR.emit(&mut bytes).copy_from_slice(&[1, 2, 3, 4]);
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap()), Ok(REPR));
    }

    #[test]
    fn padding_is_cut_off() {
        let mut padded = [0xa5; 46];
        padded[..44].copy_from_slice(&BYTES);
        let packet = Packet::new(&padded).unwrap();
        assert_eq!(packet.payload(), &[1, 2, 3, 4]);
        assert_eq!(packet.as_bytes(), BYTES);
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let refused = |bytes: &[u8]| Packet::new(bytes).unwrap_err();
        let layer = Layer::Ipv6;
        assert_eq!(refused(&BYTES[..39]), Error::Truncated { layer, needed: 40, found: 39 });
        assert_eq!(refused(&BYTES[..43]), Error::BadLength { layer, stated: 44, found: 43 });
        assert_eq!(refused(&with(4, 0xff)), Error::BadLength { layer, stated: 40 + 0xff04, found: 44 });
        assert_eq!(refused(&with(0, 0x45)), Error::Unsupported { layer, field: "version", value: 4 });
    }

    #[test]
    fn an_extension_header_is_refused_by_its_name() {
        for (number, name) in [
            (0, "hop-by-hop options"),
            (43, "routing header"),
            (44, "fragment header"),
            (51, "ah"),
            (60, "destination options"),
            (135, "mobility header"),
        ] {
            let bytes = with(6, number);
            let error = Repr::parse(&Packet::new(&bytes).unwrap()).unwrap_err();
            assert_eq!(error, Error::ExtensionHeader(Protocol(number)));
            assert!(error.to_string().contains(&format!("({name})")), "{error}");
        }
        let nothing = with(6, Protocol::NO_NEXT_HEADER.0);
        assert!(Repr::parse(&Packet::new(&nothing).unwrap()).is_ok(), "behind it, nothing goes on");
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; 46];
        assert_eq!(REPR.emit(&mut bytes), [0xa5; 4], "the payload is the caller's");
        assert_eq!(bytes[..HEADER_LEN], BYTES[..HEADER_LEN]);
        assert_eq!(bytes[REPR.total_len()..], [0xa5; 2], "what follows the packet is not touched");

        Repr { flow_label: u32::MAX, ..REPR }.emit(&mut bytes);
        assert_eq!(bytes[..4], [0x6c, 0x0f, 0xff, 0xff], "a label has no more than its 20 bits");
    }

    #[test]
    fn a_solicited_node_group_has_the_low_24_bits() {
        let group = |text: &str| solicited_node(text.parse().unwrap()).to_string();
        assert_eq!(group("fd00:16::12"), "ff02::1:ff00:12");
        assert_eq!(group("fe80::9c76:d6ff:fe91:c081"), "ff02::1:ff91:c081");
        assert!(ALL_NODES.is_multicast());
    }

    #[test]
    fn display() {
        assert_eq!(REPR.to_string(), "fe80::9c76:d6ff:fe91:c081 -> ff02::12 vrrp hop limit 255");
        assert_eq!(
            Packet::new(&with(6, 0)).unwrap().to_string(),
            "fe80::9c76:d6ff:fe91:c081 -> ff02::12 hop-by-hop options hop limit 255 (failed to read an IPv6 \
             packet: an extension header (hop-by-hop options) is not followed here)"
        );
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            addresses: ([u8; 16], [u8; 16]),
            next_header in any::<u8>().prop_filter("not followed", |n| !Protocol(*n).is_extension_header()),
            bytes: (u8, u8),
            flow_label in 0..=FLOW_LABEL_MAX,
            payload_len in 0u16..200,
        ) {
            let repr = Repr {
                src: addresses.0.into(),
                dst: addresses.1.into(),
                next_header: Protocol(next_header),
                hop_limit: bytes.0,
                traffic_class: bytes.1,
                flow_label,
                payload_len,
            };
            let mut bytes = [0xa5; 240];
            prop_assert_eq!(repr.emit(&mut bytes).len(), usize::from(payload_len));
            prop_assert_eq!(Repr::parse(&Packet::new(&bytes).unwrap()), Ok(repr));
        }
    }
}
