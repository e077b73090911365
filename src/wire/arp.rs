//! ARP (RFC 826) for IPv4 over Ethernet.
//!
//! ```text
//!  0      1      2      3      4      5      6      7
//! +------+------+------+------+------+------+------+------+
//! |hardware type|protocol type| hlen | plen |  operation  |
//! +------+------+------+------+------+------+------+------+
//! |       sender hardware address           | sender protocol
//! +------+------+------+------+------+------+------+------+
//!    address    |       target hardware address           |
//! +------+------+------+------+------+------+------+------+
//! |  target protocol address  |
//! +------+------+------+------+
//! ```
//!
//! An announcement of an address, which this project lives by, is an ARP packet whose two protocol addresses
//! are the same (RFC 5944 section 4.6 calls it gratuitous ARP, RFC 5227 section 2.3 an announcement).

use std::fmt;
use std::net::Ipv4Addr;

use super::ethernet::{self, EtherType, Mac};
use super::{Error, Layer, array, at_least, u16_at};

/// The length of a packet in bytes.
pub const LEN: usize = 28;
/// The length of a frame with a packet in it, without padding.
pub const FRAME_LEN: usize = ethernet::HEADER_LEN + LEN;

const HARDWARE_ETHERNET: u16 = 1;
const HARDWARE_LEN: u8 = 6;
const PROTOCOL_LEN: u8 = 4;

/// What a packet asks or says (the ARP operation codes of IANA).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has the target's address?
    pub const REQUEST: Operation = Operation(1);
    /// The sender has the sender's address.
    pub const REPLY: Operation = Operation(2);
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Operation::REQUEST => f.write_str("request"),
            Operation::REPLY => f.write_str("reply"),
            Operation(other) => write!(f, "operation {other}"),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A packet in a buffer that is at least [`LEN`] bytes long.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses a buffer that has not all the fields. Padding behind them is not looked at.
    pub fn new(buffer: T) -> Result<Self, Error> {
        at_least(Layer::Arp, LEN, buffer.as_ref())?;
        Ok(Packet { buffer })
    }
    /// 1 is Ethernet.
    pub fn hardware_type(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 0)
    }
    /// Of which protocol the addresses are.
    pub fn protocol_type(&self) -> EtherType {
        EtherType(u16_at(self.buffer.as_ref(), 2))
    }
    /// The length of a hardware address in bytes, as stated.
    pub fn hardware_len(&self) -> u8 {
        self.buffer.as_ref()[4]
    }
    /// The length of a protocol address in bytes, as stated.
    pub fn protocol_len(&self) -> u8 {
        self.buffer.as_ref()[5]
    }
    /// What it asks or says.
    pub fn operation(&self) -> Operation {
        Operation(u16_at(self.buffer.as_ref(), 6))
    }
    /// The sender's hardware address.
    pub fn sender_mac(&self) -> Mac {
        Mac(array(self.buffer.as_ref(), 8))
    }
    /// The sender's address.
    pub fn sender_address(&self) -> Ipv4Addr {
        array::<4>(self.buffer.as_ref(), 14).into()
    }
    /// The target's hardware address.
    pub fn target_mac(&self) -> Mac {
        Mac(array(self.buffer.as_ref(), 18))
    }
    /// The target's address.
    pub fn target_address(&self) -> Ipv4Addr {
        array::<4>(self.buffer.as_ref(), 24).into()
    }
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// What it asks or says.
    pub operation: Operation,
    /// The sender's hardware address.
    pub sender_mac: Mac,
    /// The sender's address; 0.0.0.0 in a probe (RFC 5227 section 2.1.1).
    pub sender_address: Ipv4Addr,
    /// The target's hardware address, which a request does not know.
    pub target_mac: Mac,
    /// The target's address.
    pub target_address: Ipv4Addr,
}

impl Repr {
    /// The announcement "`address` is at `mac`" in keepalived's form: a request whose target hardware address
    /// is ff:ff:ff:ff:ff:ff.
    pub const fn announcement(mac: Mac, address: Ipv4Addr) -> Repr {
        Repr {
            operation: Operation::REQUEST,
            sender_mac: mac,
            sender_address: address,
            // RFC 9568 section 6.4.2 wants the hardware address of the virtual router here; this is what
            // keepalived writes.
            target_mac: Mac::BROADCAST,
            target_address: address,
        }
    }

    /// The question "who has `target`?".
    pub const fn request(mac: Mac, address: Ipv4Addr, target: Ipv4Addr) -> Repr {
        Repr {
            operation: Operation::REQUEST,
            sender_mac: mac,
            sender_address: address,
            target_mac: Mac::UNSPECIFIED,
            target_address: target,
        }
    }

    /// The answer to this packet by `mac`, which has the target's address.
    pub const fn reply(&self, mac: Mac) -> Repr {
        // RFC 826: "Swap hardware and protocol fields, putting the local hardware and protocol addresses in
        // the sender fields. Set the ar$op field to ares_op$REPLY".
        Repr {
            operation: Operation::REPLY,
            sender_mac: mac,
            sender_address: self.target_address,
            target_mac: self.sender_mac,
            target_address: self.sender_address,
        }
    }

    /// Whether it announces its sender's address instead of asking for another's: the two are the same, and
    /// are an address.
    pub fn is_gratuitous(&self) -> bool {
        self.sender_address == self.target_address && !self.sender_address.is_unspecified()
    }

    /// Refuses other networks and other protocols than IPv4 over Ethernet.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Result<Repr, Error> {
        let spoken = [
            ("hardware type", packet.hardware_type(), HARDWARE_ETHERNET),
            ("protocol type", packet.protocol_type().0, EtherType::IPV4.0),
            ("hardware address length", packet.hardware_len().into(), HARDWARE_LEN.into()),
            ("protocol address length", packet.protocol_len().into(), PROTOCOL_LEN.into()),
        ];
        for (field, value, expected) in spoken {
            if value != expected {
                return Err(Error::Unsupported { layer: Layer::Arp, field, value });
            }
        }
        Ok(Repr {
            operation: packet.operation(),
            sender_mac: packet.sender_mac(),
            sender_address: packet.sender_address(),
            target_mac: packet.target_mac(),
            target_address: packet.target_address(),
        })
    }

    /// The length of the packet in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a packet is never empty")]
    pub const fn len(&self) -> usize {
        LEN
    }

    /// Writes the packet to the front of `buffer`.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let packet = &mut buffer[..LEN];
        packet[0..2].copy_from_slice(&HARDWARE_ETHERNET.to_be_bytes());
        packet[2..4].copy_from_slice(&EtherType::IPV4.0.to_be_bytes());
        packet[4] = HARDWARE_LEN;
        packet[5] = PROTOCOL_LEN;
        packet[6..8].copy_from_slice(&self.operation.0.to_be_bytes());
        packet[8..14].copy_from_slice(&self.sender_mac.0);
        packet[14..18].copy_from_slice(&self.sender_address.octets());
        packet[18..24].copy_from_slice(&self.target_mac.0);
        packet[24..28].copy_from_slice(&self.target_address.octets());
    }

    /// The packet in a frame from its sender to `dst`: 42 bytes, as keepalived sends it, without padding.
    pub fn frame_to(&self, dst: Mac) -> [u8; FRAME_LEN] {
        let mut frame = [0; FRAME_LEN];
        let header = ethernet::Repr { dst, src: self.sender_mac, ethertype: EtherType::ARP };
        self.emit(header.emit(&mut frame));
        frame
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr { operation, sender_mac, sender_address, target_mac, target_address } = *self;
        match operation {
            _ if self.is_gratuitous() => write!(f, "garp {operation} {sender_address} is at {sender_mac}"),
            Operation::REQUEST => write!(f, "arp request who has {target_address}, tell {sender_address}"),
            Operation::REPLY => write!(f, "arp reply {sender_address} is at {sender_mac}"),
            other => {
                write!(f, "arp {other} {sender_address} at {sender_mac}, {target_address} at {target_mac}")
            }
        }
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Repr::parse(self) {
            Ok(repr) => fmt::Display::fmt(&repr, f),
            Err(error) => write!(f, "arp (failed to {error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const VIP: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 12);
    const A: Mac = Mac([0x02, 0x00, 0xac, 0x10, 0x10, 0x05]);

    /// As keepalived 2.2.7 announces 172.16.16.12.
    const BYTES: [u8; LEN] = [
        0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01, 0x02, 0x00, 0xac, 0x10, 0x10, 0x05, 0xac, 0x10, 0x10,
        0x0c, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xac, 0x10, 0x10, 0x0c,
    ];

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert_eq!(packet.hardware_type(), 1);
        assert_eq!(packet.protocol_type(), EtherType::IPV4);
        assert_eq!(packet.hardware_len(), 6);
        assert_eq!(packet.protocol_len(), 4);
        assert_eq!(packet.operation(), Operation::REQUEST);
        assert_eq!(packet.sender_mac(), A);
        assert_eq!(packet.sender_address(), VIP);
        assert_eq!(packet.target_mac(), Mac::BROADCAST);
        assert_eq!(packet.target_address(), VIP);
    }

    #[test]
    fn construct() {
        let frame = Repr::announcement(A, VIP).frame_to(Mac::BROADCAST);
        assert_eq!(frame[..6], [0xff; 6]);
        assert_eq!(frame[6..12], A.0);
        assert_eq!(frame[12..14], [0x08, 0x06]);
        assert_eq!(frame[14..], BYTES);
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap()), Ok(Repr::announcement(A, VIP)));
        assert_eq!(
            Packet::new(&BYTES[..27]).unwrap_err(),
            Error::Truncated { layer: Layer::Arp, needed: 28, found: 27 }
        );
        for (at, byte, field, value) in [
            (1, 6, "hardware type", 6),
            (2, 6, "protocol type", 0x0600),
            (4, 8, "hardware address length", 8),
            (5, 16, "protocol address length", 16),
        ] {
            let mut bytes = BYTES;
            bytes[at] = byte;
            assert_eq!(
                Repr::parse(&Packet::new(&bytes).unwrap()),
                Err(Error::Unsupported { layer: Layer::Arp, field, value })
            );
        }
    }

    #[test]
    fn padding_is_not_looked_at() {
        let mut padded = [0xa5; 46];
        padded[..LEN].copy_from_slice(&BYTES);
        assert_eq!(Repr::parse(&Packet::new(&padded).unwrap()), Ok(Repr::announcement(A, VIP)));
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; LEN + 1];
        Repr::announcement(A, VIP).emit(&mut bytes);
        assert_eq!(bytes[..LEN], BYTES);
        assert_eq!(bytes[LEN], 0xa5, "what follows the packet is not touched");
    }

    #[test]
    fn an_announcement_says_one_address_twice() {
        let own = Ipv4Addr::new(172, 16, 16, 5);
        assert!(Repr::announcement(A, VIP).is_gratuitous());
        let other_form = Repr { operation: Operation::REPLY, target_mac: A, ..Repr::announcement(A, VIP) };
        assert!(other_form.is_gratuitous());
        assert!(!Repr::request(A, own, VIP).is_gratuitous());
        // A probe asks before it has an address, and 0.0.0.0 is none to announce.
        assert!(!Repr::request(A, Ipv4Addr::UNSPECIFIED, VIP).is_gratuitous());
        assert!(!Repr::announcement(A, Ipv4Addr::UNSPECIFIED).is_gratuitous());
    }

    #[test]
    fn a_reply_swaps_the_two_sides() {
        let own = Ipv4Addr::new(172, 16, 16, 100);
        let client = Mac([0x02, 0x00, 0xac, 0x10, 0x10, 0x64]);
        let reply = Repr::request(client, own, VIP).reply(A);
        assert_eq!(reply.operation, Operation::REPLY);
        assert_eq!((reply.sender_mac, reply.sender_address), (A, VIP));
        assert_eq!((reply.target_mac, reply.target_address), (client, own));
    }

    #[test]
    fn display() {
        let own = Ipv4Addr::new(172, 16, 16, 5);
        let said = |repr: Repr| repr.to_string();
        assert_eq!(said(Repr::announcement(A, VIP)), "garp request 172.16.16.12 is at 02:00:ac:10:10:05");
        assert_eq!(said(Repr::request(A, own, VIP)), "arp request who has 172.16.16.12, tell 172.16.16.5");
        assert_eq!(
            said(Repr::request(A, own, VIP).reply(A)),
            "arp reply 172.16.16.12 is at 02:00:ac:10:10:05"
        );
        assert_eq!(
            said(Repr { operation: Operation(3), ..Repr::request(A, own, VIP) }),
            "arp operation 3 172.16.16.5 at 02:00:ac:10:10:05, 172.16.16.12 at 00:00:00:00:00:00"
        );
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            operation: u16, mac: [u8; 6], address: [u8; 4], other: [u8; 6], target: [u8; 4],
        ) {
            let repr = Repr {
                operation: Operation(operation),
                sender_mac: Mac(mac),
                sender_address: address.into(),
                target_mac: Mac(other),
                target_address: target.into(),
            };
            let mut bytes = [0xa5; LEN];
            repr.emit(&mut bytes);
            prop_assert_eq!(Repr::parse(&Packet::new(&bytes).unwrap()), Ok(repr));
        }
    }
}
