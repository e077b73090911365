//! ICMP for IPv4 (RFC 792): what a ping says, and what a host says that does not speak a protocol.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     type      |     code      |           checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          identifier           |           sequence            |  zero where unreachable
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          data, or the packet that could not be delivered      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::fmt;

use super::checksum::Checksum;
use super::ipv4;
use super::{Error, Layer, at_least, u16_at};

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 8;
/// How much of a packet an error message quotes at most, in bytes: with its own headers it fills the 576
/// bytes that every host takes (RFC 1812 section 4.3.2.3).
pub const QUOTE_LEN_MAX: usize = 576 - ipv4::HEADER_LEN - HEADER_LEN;

const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const ECHO_REQUEST: u8 = 8;

/// What could not be reached (RFC 792, RFC 1122 section 3.2.2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unreachable(pub u8);

impl Unreachable {
    /// No route.
    pub const NETWORK: Unreachable = Unreachable(0);
    /// Nobody answered ARP.
    pub const HOST: Unreachable = Unreachable(1);
    /// The host is there and does not speak the packet's protocol: what a host without a VRRP agent answers.
    pub const PROTOCOL: Unreachable = Unreachable(2);
    /// The host is there and nobody listens on the port.
    pub const PORT: Unreachable = Unreachable(3);
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Unreachable::NETWORK => f.write_str("network unreachable"),
            Unreachable::HOST => f.write_str("host unreachable"),
            Unreachable::PROTOCOL => f.write_str("protocol unreachable"),
            Unreachable::PORT => f.write_str("port unreachable"),
            Unreachable(other) => write!(f, "unreachable (code {other})"),
        }
    }
}

impl fmt::Debug for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A message in a buffer that is at least [`HEADER_LEN`] bytes long and ends where the IP packet does.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// Refuses a buffer without room for the header.
    pub fn new(buffer: T) -> Result<Self, Error> {
        at_least(Layer::Icmp, HEADER_LEN, buffer.as_ref())?;
        Ok(Packet { buffer })
    }
    /// The kind of message.
    pub fn message_type(&self) -> u8 {
        self.buffer.as_ref()[0]
    }
    /// The kind of that kind.
    pub fn code(&self) -> u8 {
        self.buffer.as_ref()[1]
    }
    /// The checksum as received.
    pub fn checksum(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 2)
    }
    /// Whether the message is as it was sent.
    pub fn verify_checksum(&self) -> bool {
        Checksum::new().with(self.buffer.as_ref()).is_valid()
    }
    /// Of an echo: which program's.
    pub fn identifier(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 4)
    }
    /// Of an echo: the number of the request.
    pub fn sequence(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 6)
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// What follows the header.
    pub fn payload(&self) -> &'a [u8] {
        &self.buffer.as_ref()[HEADER_LEN..]
    }
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr<'a> {
    /// A ping.
    EchoRequest {
        /// Which program's.
        identifier: u16,
        /// The number of the request.
        sequence: u16,
        /// What is to come back.
        data: &'a [u8],
    },
    /// Its answer.
    EchoReply {
        /// As in the request.
        identifier: u16,
        /// As in the request.
        sequence: u16,
        /// As in the request.
        data: &'a [u8],
    },
    /// A packet could not be delivered.
    Unreachable {
        /// What could not be reached.
        code: Unreachable,
        /// The front of that packet, its IP header first.
        quote: &'a [u8],
    },
}

impl<'a> Repr<'a> {
    /// "`code` could not be reached" about `packet`, of which it quotes as much as fits.
    pub fn unreachable(code: Unreachable, packet: &'a [u8]) -> Repr<'a> {
        // RFC 1122 section 3.2.2: "Every ICMP error message includes the Internet header and at least the
        // first 8 data octets of the datagram that triggered the error; more than 8 octets MAY be sent".
        Repr::Unreachable { code, quote: &packet[..packet.len().min(QUOTE_LEN_MAX)] }
    }

    /// The answer to an echo request; nothing else has one.
    pub fn reply(&self) -> Option<Repr<'a>> {
        match *self {
            Repr::EchoRequest { identifier, sequence, data } => {
                Some(Repr::EchoReply { identifier, sequence, data })
            }
            Repr::EchoReply { .. } | Repr::Unreachable { .. } => None,
        }
    }

    /// Refuses a message that was damaged, and kinds that are not listed above.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Result<Repr<'a>, Error> {
        let layer = Layer::Icmp;
        if !packet.verify_checksum() {
            return Err(Error::BadChecksum { layer });
        }
        let (identifier, sequence, data) = (packet.identifier(), packet.sequence(), packet.payload());
        match (packet.message_type(), packet.code()) {
            (ECHO_REQUEST, 0) => Ok(Repr::EchoRequest { identifier, sequence, data }),
            (ECHO_REPLY, 0) => Ok(Repr::EchoReply { identifier, sequence, data }),
            (UNREACHABLE, code) => Ok(Repr::Unreachable { code: Unreachable(code), quote: data }),
            (ECHO_REQUEST | ECHO_REPLY, code) => {
                Err(Error::Unsupported { layer, field: "code", value: code.into() })
            }
            (other, _) => Err(Error::Unsupported { layer, field: "type", value: other.into() }),
        }
    }

    /// The length of the message in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub const fn len(&self) -> usize {
        let (Repr::EchoRequest { data, .. }
        | Repr::EchoReply { data, .. }
        | Repr::Unreachable { quote: data, .. }) = self;
        HEADER_LEN + data.len()
    }

    /// Writes the message, its checksum included, to the front of `buffer`.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let message = &mut buffer[..self.len()];
        let (message_type, code, word, data) = match *self {
            Repr::EchoRequest { identifier, sequence, data } => {
                (ECHO_REQUEST, 0, [identifier, sequence], data)
            }
            Repr::EchoReply { identifier, sequence, data } => (ECHO_REPLY, 0, [identifier, sequence], data),
            Repr::Unreachable { code, quote } => (UNREACHABLE, code.0, [0, 0], quote),
        };
        message[0] = message_type;
        message[1] = code;
        message[2..4].fill(0);
        message[4..6].copy_from_slice(&word[0].to_be_bytes());
        message[6..8].copy_from_slice(&word[1].to_be_bytes());
        message[HEADER_LEN..].copy_from_slice(data);
        let checksum = Checksum::new().with(message).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Repr::EchoRequest { identifier, sequence, .. } => {
                write!(f, "icmp echo request {identifier}/{sequence}")
            }
            Repr::EchoReply { identifier, sequence, .. } => {
                write!(f, "icmp echo reply {identifier}/{sequence}")
            }
            Repr::Unreachable { code, quote } => {
                write!(f, "icmp {code}")?;
                // The quoted packet is cut: its total length is more than what is there.
                if at_least(Layer::Ipv4, ipv4::HEADER_LEN, quote).is_ok() {
                    let protocol = ipv4::Protocol(quote[9]);
                    let [a, b, c, d] = [quote[16], quote[17], quote[18], quote[19]];
                    write!(f, " ({protocol} to {a}.{b}.{c}.{d})")?;
                }
                Ok(())
            }
        }
    }
}

impl<T: AsRef<[u8]> + ?Sized> fmt::Display for Packet<&T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Repr::parse(self) {
            Ok(repr) => fmt::Display::fmt(&repr, f),
            Err(error) => {
                write!(f, "icmp type {} code {} (failed to {error})", self.message_type(), self.code())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Echo request 0x1234/1 of "ping": 0800 + 1234 + 0001 + 7069 + 6e67 = f905, and its complement.
    const BYTES: [u8; 12] = [0x08, 0x00, 0x06, 0xfa, 0x12, 0x34, 0x00, 0x01, b'p', b'i', b'n', b'g'];
    const REPR: Repr<'_> = Repr::EchoRequest { identifier: 0x1234, sequence: 1, data: b"ping" };

    /// The front of keepalived's first advertisement to a peer.
    const ADVERT: [u8; 28] = [
        0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0x42, 0x79, 0xac, 0x10, 0x10, 0x05, 0xac,
        0x10, 0x10, 0x06, 0x21, 0x33, 0x64, 0x01, 0x01, 0x01, 0x5b, 0x4b,
    ];

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert_eq!((packet.message_type(), packet.code()), (8, 0));
        assert_eq!(packet.checksum(), 0x06fa);
        assert!(packet.verify_checksum());
        assert_eq!((packet.identifier(), packet.sequence()), (0x1234, 1));
        assert_eq!(packet.payload(), b"ping");
    }

    #[test]
    fn construct() {
        let mut bytes = [0xa5; 36];
        Repr::unreachable(Unreachable::PROTOCOL, &ADVERT).emit(&mut bytes);
        assert_eq!(bytes[..2], [3, 2]);
        assert_eq!(bytes[4..8], [0; 4], "RFC 792: \"unused\"");
        assert_eq!(bytes[8..], ADVERT);
        assert!(Packet::new(&bytes).unwrap().verify_checksum());
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap()), Ok(REPR));
        assert_eq!(
            Packet::new(&BYTES[..7]).unwrap_err(),
            Error::Truncated { layer: Layer::Icmp, needed: 8, found: 7 }
        );
        let mut damaged = BYTES;
        damaged[11] ^= 1;
        assert_eq!(
            Repr::parse(&Packet::new(&damaged).unwrap()),
            Err(Error::BadChecksum { layer: Layer::Icmp })
        );
        // A timestamp request: type 13, and 5 more in the first word is 5 * 256 less in the checksum.
        let mut other = BYTES;
        other[0] = 13;
        other[2] = 0x01;
        assert_eq!(
            Repr::parse(&Packet::new(&other).unwrap()),
            Err(Error::Unsupported { layer: Layer::Icmp, field: "type", value: 13 })
        );
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; 13];
        REPR.emit(&mut bytes);
        assert_eq!(bytes[..REPR.len()], BYTES);
        assert_eq!(bytes[12], 0xa5, "what follows the message is not touched");
    }

    #[test]
    fn a_reply_is_the_request_again() {
        assert_eq!(REPR.reply(), Some(Repr::EchoReply { identifier: 0x1234, sequence: 1, data: b"ping" }));
        assert_eq!(REPR.reply().and_then(|reply| reply.reply()), None);
    }

    #[test]
    fn a_long_packet_is_quoted_in_part() {
        let packet = [0x45; 1500];
        assert_eq!(Repr::unreachable(Unreachable::PROTOCOL, &packet).len(), HEADER_LEN + 548);
    }

    #[test]
    fn display() {
        assert_eq!(REPR.to_string(), "icmp echo request 4660/1");
        assert_eq!(
            Repr::unreachable(Unreachable::PROTOCOL, &ADVERT).to_string(),
            "icmp protocol unreachable (vrrp to 172.16.16.6)"
        );
        assert_eq!(Repr::unreachable(Unreachable(13), &[]).to_string(), "icmp unreachable (code 13)");
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            kind in 0..3,
            identifier: u16,
            sequence: u16,
            code: u8,
            data in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let data = &data[..];
            let repr = match kind {
                0 => Repr::EchoRequest { identifier, sequence, data },
                1 => Repr::EchoReply { identifier, sequence, data },
                _ => Repr::unreachable(Unreachable(code), data),
            };
            let mut bytes = [0xa5; 72];
            repr.emit(&mut bytes);
            let bytes = &bytes[..repr.len()];
            prop_assert_eq!(Repr::parse(&Packet::new(bytes).unwrap()), Ok(repr));
        }
    }
}
