//! Ethernet II (IEEE 802.3 section 3.1.1), without the preamble and the check sequence.
//!
//! ```text
//!  0     1     2     3     4     5     6     7     8     9    10    11    12    13    14
//! +-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+- - -
//! |            destination            |              source               | EtherType | payload
//! +-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+-----+- - -
//! ```
//!
//! A network interface may pad the payload to 46 bytes; what it carries knows its own length. A VLAN tag is
//! not looked into: it is an [`EtherType`] like any other.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::{Error, Layer, array, at_least, u16_at};

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 14;

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Every machine of the segment.
    pub const BROADCAST: Mac = Mac([0xff; 6]);
    /// No machine: what an ARP request knows of its target.
    pub const UNSPECIFIED: Mac = Mac([0; 6]);

    /// Whether a frame to it is for a group (broadcast is one).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Where a packet to an IPv4 multicast group goes: 224.0.0.18 to 01:00:5e:00:00:12.
    pub const fn for_multicast(group: Ipv4Addr) -> Mac {
        // RFC 1112 section 6.4: "An IP host group address is mapped to an Ethernet multicast address by
        // placing the low-order 23-bits of the IP address into the low-order 23 bits of the Ethernet
        // multicast address 01-00-5E-00-00-00 (hex)."
        let [_, b, c, d] = group.octets();
        Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
    }

    /// Where a packet to an IPv6 multicast group goes: ff02::12 to 33:33:00:00:00:12.
    pub const fn for_multicast_v6(group: Ipv6Addr) -> Mac {
        // RFC 2464 section 7: "transmitted to the Ethernet multicast address whose first two octets are the
        // value 3333 hexadecimal and whose last four octets are the last four octets of DST."
        let [.., a, b, c, d] = group.octets();
        Mac([0x33, 0x33, a, b, c, d])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no hardware address. It goes on from "failed to".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a hardware address: six pairs of hexadecimal digits with colons between them are expected")]
pub struct ParseMacError;

impl FromStr for Mac {
    type Err = ParseMacError;

    /// Reads `02:00:ac:10:10:05`, in either case; nothing shorter, nothing else.
    fn from_str(text: &str) -> Result<Mac, ParseMacError> {
        let mut mac = [0; 6];
        let mut pairs = text.split(':');
        for byte in &mut mac {
            let pair = pairs.next().ok_or(ParseMacError)?;
            // `from_str_radix` alone would take `+5` for a pair.
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(ParseMacError);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseMacError)?;
        }
        if pairs.next().is_some() { Err(ParseMacError) } else { Ok(Mac(mac)) }
    }
}

/// What a frame carries (the EtherType registry of IEEE).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// [`ipv4`](super::ipv4).
    pub const IPV4: EtherType = EtherType(0x0800);
    /// [`arp`](super::arp).
    pub const ARP: EtherType = EtherType(0x0806);
    /// [`ipv6`](super::ipv6).
    pub const IPV6: EtherType = EtherType(0x86dd);
}

impl fmt::Display for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            EtherType::IPV4 => f.write_str("ipv4"),
            EtherType::ARP => f.write_str("arp"),
            EtherType::IPV6 => f.write_str("ipv6"),
            EtherType(other) => write!(f, "0x{other:04x}"),
        }
    }
}

impl fmt::Debug for EtherType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A frame in a buffer that is at least [`HEADER_LEN`] bytes long.
#[derive(Clone, Copy)]
pub struct Frame<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Frame<T> {
    /// Refuses a buffer without room for the header.
    pub fn new(buffer: T) -> Result<Self, Error> {
        at_least(Layer::Ethernet, HEADER_LEN, buffer.as_ref())?;
        Ok(Frame { buffer })
    }
    /// To whom it goes.
    pub fn dst(&self) -> Mac {
        Mac(array(self.buffer.as_ref(), 0))
    }
    /// Whom it comes from.
    pub fn src(&self) -> Mac {
        Mac(array(self.buffer.as_ref(), 6))
    }
    /// What it carries.
    pub fn ethertype(&self) -> EtherType {
        EtherType(u16_at(self.buffer.as_ref(), 12))
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Frame<&'a T> {
    /// What follows the header: the padding of a short frame included.
    pub fn payload(&self) -> &'a [u8] {
        &self.buffer.as_ref()[HEADER_LEN..]
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// To whom it goes.
    pub dst: Mac,
    /// Whom it comes from.
    pub src: Mac,
    /// What it carries.
    pub ethertype: EtherType,
}

impl Repr {
    /// The header of `frame`: any is one.
    pub fn parse<T: AsRef<[u8]>>(frame: &Frame<T>) -> Repr {
        Repr { dst: frame.dst(), src: frame.src(), ethertype: frame.ethertype() }
    }
    /// The length of the header in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        HEADER_LEN
    }
    /// Writes the header and gives back the room behind it.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit<'b>(&self, buffer: &'b mut [u8]) -> &'b mut [u8] {
        let (header, payload) = buffer.split_at_mut(HEADER_LEN);
        header[0..6].copy_from_slice(&self.dst.0);
        header[6..12].copy_from_slice(&self.src.0);
        header[12..14].copy_from_slice(&self.ethertype.0.to_be_bytes());
        payload
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {} {}", self.src, self.dst, self.ethertype)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Frame<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Repr::parse(self), f)
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Frame<T> {
    /// What `Display` says: a password may be among the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BYTES: [u8; 18] = [
        0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0x02, 0x00, 0xac, 0x10, 0x10, 0x05, 0x08, 0x00, 0xde, 0xad, 0xbe,
        0xef,
    ];
    const REPR: Repr = Repr {
        dst: Mac([0x01, 0x00, 0x5e, 0x00, 0x00, 0x12]),
        src: Mac([0x02, 0x00, 0xac, 0x10, 0x10, 0x05]),
        ethertype: EtherType::IPV4,
    };

    #[test]
    fn deconstruct() {
        let frame = Frame::new(&BYTES).unwrap();
        assert_eq!(frame.dst(), REPR.dst);
        assert_eq!(frame.src(), REPR.src);
        assert_eq!(frame.ethertype(), EtherType::IPV4);
        assert_eq!(frame.payload(), &[0xde, 0xad, 0xbe, 0xef]);
    }

    #[test]
    fn construct() {
        let mut bytes = [0xa5; 18];
        REPR.emit(&mut bytes).copy_from_slice(&[0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(bytes, BYTES);
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Frame::new(&BYTES).unwrap()), REPR);
        assert_eq!(
            Frame::new(&BYTES[..13]).unwrap_err(),
            Error::Truncated { layer: Layer::Ethernet, needed: 14, found: 13 }
        );
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; 16];
        assert_eq!(REPR.emit(&mut bytes), [0xa5, 0xa5], "what follows the header is not touched");
        assert_eq!(bytes[..REPR.len()], BYTES[..HEADER_LEN]);
    }

    #[test]
    fn display() {
        assert_eq!(REPR.to_string(), "02:00:ac:10:10:05 -> 01:00:5e:00:00:12 ipv4");
        assert_eq!(EtherType(0x8100).to_string(), "0x8100");
    }

    #[test]
    fn a_group_maps_to_its_low_23_bits() {
        let vrrp = Mac::for_multicast(Ipv4Addr::new(224, 0, 0, 18));
        assert_eq!(vrrp, Mac([0x01, 0x00, 0x5e, 0x00, 0x00, 0x12]));
        assert!(vrrp.is_multicast());
        // 32 groups share an address: 224.128.0.18 and 239.0.0.18 are two of them.
        assert_eq!(Mac::for_multicast(Ipv4Addr::new(224, 128, 0, 18)), vrrp);
        assert_eq!(Mac::for_multicast(Ipv4Addr::new(239, 0, 0, 18)), vrrp);
    }

    #[test]
    fn an_ipv6_group_maps_to_its_low_32_bits() {
        let vrrp = Mac::for_multicast_v6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));
        assert_eq!(vrrp, Mac([0x33, 0x33, 0x00, 0x00, 0x00, 0x12]));
        assert!(vrrp.is_multicast());
        let solicited_node = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0x0006);
        assert_eq!(Mac::for_multicast_v6(solicited_node), Mac([0x33, 0x33, 0xff, 0x00, 0x00, 0x06]));
    }

    #[test]
    fn an_address_is_read_as_it_is_printed_and_no_other_way() {
        assert_eq!("02:00:ac:10:10:05".parse(), Ok(REPR.src));
        assert_eq!("02:00:AC:10:10:05".parse(), Ok(REPR.src));
        for text in [
            "",
            "02:00:ac:10:10",
            "02:00:ac:10:10:05:06",
            "02:00:ac:10:10:5",
            "02:00:ac:10:10:+5",
            "02:00:ac:10:10:0g",
            "02-00-ac-10-10-05",
            "0200.ac10.1005",
            " 02:00:ac:10:10:05",
            "02:00:ac:10:10:é",
        ] {
            assert_eq!(text.parse::<Mac>(), Err(ParseMacError), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_address_that_is_printed_is_read_back(mac: [u8; 6]) {
            prop_assert_eq!(Mac(mac).to_string().parse(), Ok(Mac(mac)));
        }

        #[test]
        fn what_is_emitted_is_parsed(dst: [u8; 6], src: [u8; 6], ethertype: u16) {
            let repr = Repr { dst: Mac(dst), src: Mac(src), ethertype: EtherType(ethertype) };
            let mut bytes = [0xa5; HEADER_LEN];
            repr.emit(&mut bytes);
            prop_assert_eq!(Repr::parse(&Frame::new(&bytes).unwrap()), repr);
        }
    }
}
