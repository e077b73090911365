//! ICMPv6 (RFC 4443): what a ping says, and what a host says that does not speak a protocol.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     type      |     code      |           checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          identifier           |           sequence            |  zero where unreachable,
//! |                            pointer                            |  parameter problem
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          data, or the packet that could not be delivered      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Neighbour discovery is made of messages of this protocol too: [`ndp`](super::ndp) reads them. Here they are
//! a type like any other that is not spoken.

use std::fmt;
use std::net::Ipv6Addr;

use super::checksum::Checksum;
use super::ipv6::{self, Protocol};
use super::{Error, Layer, array, at_least, u16_at};

/// The length in bytes of what every message that is spoken here begins with.
pub const HEADER_LEN: usize = 8;
/// How much of a packet an error message quotes at most, in bytes: with its own headers it is as long as every
/// link takes.
pub const QUOTE_LEN_MAX: usize = ipv6::MIN_MTU - ipv6::HEADER_LEN - HEADER_LEN;
/// The hop limit of an answer, as Linux has it unless it is told otherwise (`net.ipv6.conf.*.hop_limit`).
pub const HOP_LIMIT: u8 = 64;

const UNREACHABLE: u8 = 1;
const PARAMETER_PROBLEM: u8 = 4;
const ECHO_REQUEST: u8 = 128;
const ECHO_REPLY: u8 = 129;
/// Where the next header stands in an IPv6 header.
const NEXT_HEADER_AT: u32 = 6;

/// What could not be reached (RFC 4443 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unreachable(pub u8);

impl Unreachable {
    /// There is no route to the destination.
    pub const NO_ROUTE: Unreachable = Unreachable(0);
    /// A firewall said so.
    pub const PROHIBITED: Unreachable = Unreachable(1);
    /// Nobody answered a solicitation.
    pub const ADDRESS: Unreachable = Unreachable(3);
    /// The host is there and nobody listens on the port.
    pub const PORT: Unreachable = Unreachable(4);
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Unreachable::NO_ROUTE => f.write_str("no route"),
            Unreachable::PROHIBITED => f.write_str("administratively prohibited"),
            Unreachable::ADDRESS => f.write_str("address unreachable"),
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

/// What about a packet was not understood (RFC 4443 section 3.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Problem(pub u8);

impl Problem {
    /// A field has a value that cannot be.
    pub const HEADER_FIELD: Problem = Problem(0);
    /// The host is there and does not speak what the packet carries: what a host without a VRRP agent answers.
    pub const NEXT_HEADER: Problem = Problem(1);
    /// An option of an extension header is not known.
    pub const OPTION: Problem = Problem(2);
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Problem::HEADER_FIELD => f.write_str("erroneous header field"),
            Problem::NEXT_HEADER => f.write_str("unrecognized next header"),
            Problem::OPTION => f.write_str("unrecognized option"),
            Problem(other) => write!(f, "parameter problem (code {other})"),
        }
    }
}

impl fmt::Debug for Problem {
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
        at_least(Layer::Icmpv6, HEADER_LEN, buffer.as_ref())?;
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
    /// Whether the message is as it was sent from `src` to `dst`.
    pub fn verify_checksum(&self, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        sum(self.buffer.as_ref(), src, dst).is_valid()
    }
    /// Of an echo: which program's.
    pub fn identifier(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 4)
    }
    /// Of an echo: the number of the request.
    pub fn sequence(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 6)
    }
    /// Of a parameter problem: where in the packet it is, in bytes from the packet's first.
    pub fn pointer(&self) -> u32 {
        u32::from_be_bytes(array(self.buffer.as_ref(), 4))
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// What follows the header.
    pub fn payload(&self) -> &'a [u8] {
        &self.buffer.as_ref()[HEADER_LEN..]
    }
}

/// The sum of `message`, its checksum field included, and of its pseudo header.
pub(super) fn sum(message: &[u8], src: Ipv6Addr, dst: Ipv6Addr) -> Checksum {
    // RFC 4443 section 2.3: "the 16-bit one's complement of the one's complement sum of the entire ICMPv6
    // message, starting with the ICMPv6 message type field, and prepended with a "pseudo-header" of IPv6
    // header fields". No packet has more than 65,535 bytes.
    Checksum::pseudo_header_v6(src, dst, Protocol::ICMPV6, message.len() as u32).with(message)
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
    /// A packet arrived and was not understood.
    ParameterProblem {
        /// What was not understood.
        code: Problem,
        /// Where in the packet it stands, in bytes from the packet's first.
        pointer: u32,
        /// The front of that packet, its IP header first.
        quote: &'a [u8],
    },
}

impl<'a> Repr<'a> {
    /// "`code` could not be reached" about `packet`, of which it quotes as much as fits.
    pub fn unreachable(code: Unreachable, packet: &'a [u8]) -> Repr<'a> {
        Repr::Unreachable { code, quote: quoted(packet) }
    }

    /// "Nobody here speaks what it carries" about `packet`: what a host without a VRRP agent answers to an
    /// advertisement.
    pub fn unrecognized_next_header(packet: &'a [u8]) -> Repr<'a> {
        // RFC 8200 section 4, of a next header that is not recognized: "it should discard the packet and send
        // an ICMP Parameter Problem message to the source of the packet, with an ICMP Code value of 1
        // ("unrecognized Next Header type encountered") and the ICMP Pointer field containing the offset of
        // the unrecognized value within the original packet."
        let (code, pointer) = (Problem::NEXT_HEADER, NEXT_HEADER_AT);
        Repr::ParameterProblem { code, pointer, quote: quoted(packet) }
    }

    /// The answer to an echo request; nothing else has one.
    pub fn reply(&self) -> Option<Repr<'a>> {
        match *self {
            Repr::EchoRequest { identifier, sequence, data } => {
                // RFC 4443 section 4.2: "The data received in the ICMPv6 Echo Request message MUST be returned
                // entirely and unmodified in the ICMPv6 Echo Reply message."
                Some(Repr::EchoReply { identifier, sequence, data })
            }
            Repr::EchoReply { .. } | Repr::Unreachable { .. } | Repr::ParameterProblem { .. } => None,
        }
    }

    /// Reads a message from `src` to `dst`. Refuses one that was damaged, and kinds that are not listed above.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(
        packet: &Packet<&'a T>,
        src: Ipv6Addr,
        dst: Ipv6Addr,
    ) -> Result<Repr<'a>, Error> {
        let layer = Layer::Icmpv6;
        if !packet.verify_checksum(src, dst) {
            return Err(Error::BadChecksum { layer });
        }
        let (identifier, sequence, data) = (packet.identifier(), packet.sequence(), packet.payload());
        match (packet.message_type(), packet.code()) {
            (ECHO_REQUEST, 0) => Ok(Repr::EchoRequest { identifier, sequence, data }),
            (ECHO_REPLY, 0) => Ok(Repr::EchoReply { identifier, sequence, data }),
            (UNREACHABLE, code) => Ok(Repr::Unreachable { code: Unreachable(code), quote: data }),
            (PARAMETER_PROBLEM, code) => {
                Ok(Repr::ParameterProblem { code: Problem(code), pointer: packet.pointer(), quote: data })
            }
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
        | Repr::Unreachable { quote: data, .. }
        | Repr::ParameterProblem { quote: data, .. }) = self;
        HEADER_LEN + data.len()
    }

    /// Writes the message, its checksum from `src` to `dst` included, to the front of `buffer`.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
        let message = &mut buffer[..self.len()];
        let echo = |identifier: u16, sequence: u16| u32::from(identifier) << 16 | u32::from(sequence);
        let (message_type, code, word, data) = match *self {
            Repr::EchoRequest { identifier, sequence, data } => {
                (ECHO_REQUEST, 0, echo(identifier, sequence), data)
            }
            Repr::EchoReply { identifier, sequence, data } => {
                (ECHO_REPLY, 0, echo(identifier, sequence), data)
            }
            Repr::Unreachable { code, quote } => (UNREACHABLE, code.0, 0, quote),
            Repr::ParameterProblem { code, pointer, quote } => (PARAMETER_PROBLEM, code.0, pointer, quote),
        };
        message[0] = message_type;
        message[1] = code;
        message[2..4].fill(0);
        message[4..8].copy_from_slice(&word.to_be_bytes());
        message[HEADER_LEN..].copy_from_slice(data);
        let checksum = sum(message, src, dst).finish();
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// As much of `packet` as an error message has room for.
fn quoted(packet: &[u8]) -> &[u8] {
    // RFC 4443 section 2.4 (c): "Every ICMPv6 error message (type < 128) MUST include as much of the IPv6
    // offending (invoking) packet (the packet that caused the error) as possible without making the error
    // message packet exceed the minimum IPv6 MTU".
    &packet[..packet.len().min(QUOTE_LEN_MAX)]
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Repr::EchoRequest { identifier, sequence, .. } => {
                write!(f, "icmpv6 echo request {identifier}/{sequence}")
            }
            Repr::EchoReply { identifier, sequence, .. } => {
                write!(f, "icmpv6 echo reply {identifier}/{sequence}")
            }
            Repr::Unreachable { code, quote } => {
                write!(f, "icmpv6 {code}")?;
                write_quote(f, quote)
            }
            Repr::ParameterProblem { code, quote, .. } => {
                write!(f, "icmpv6 {code}")?;
                write_quote(f, quote)
            }
        }
    }
}

/// What the quoted packet was for. It may be cut: its payload length is more than what is there.
fn write_quote(f: &mut fmt::Formatter<'_>, quote: &[u8]) -> fmt::Result {
    if at_least(Layer::Ipv6, ipv6::HEADER_LEN, quote).is_err() {
        return Ok(());
    }
    let (protocol, dst) = (Protocol(quote[6]), Ipv6Addr::from(array::<16>(quote, 24)));
    write!(f, " ({protocol} to {dst})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5);
    const B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6);

    /// Echo request 0x1234/1 of "ping" from `A` to `B`. The pseudo header sums to 2 * (fd00 + 0016) + 5 + 6 +
    /// 12 + 58 = 1fa7d; 8000 + 1234 + 0001 + 7069 + 6e67 = 17105; together 36b82, folded 6b85, and its
    /// complement.
    const BYTES: [u8; 12] = [0x80, 0x00, 0x94, 0x7a, 0x12, 0x34, 0x00, 0x01, b'p', b'i', b'n', b'g'];
    const REPR: Repr<'_> = Repr::EchoRequest { identifier: 0x1234, sequence: 1, data: b"ping" };

    /// keepalived's advertisement from `B` to `A`, which has no VRRP agent.
    const ADVERT: [u8; 64] = [
        0x6c, 0x02, 0x45, 0x24, 0x00, 0x18, 0x70, 0x40, 0xfd, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0xfd, 0x00, 0x00, 0x16, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x31, 0x33, 0x5a, 0x01, 0x00, 0x64, 0x7c, 0x7d, 0xfd, 0x00, 0x00,
        0x16, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x12,
    ];

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert_eq!((packet.message_type(), packet.code()), (128, 0));
        assert_eq!(packet.checksum(), 0x947a);
        assert!(packet.verify_checksum(A, B));
        assert!(!packet.verify_checksum(A, A), "sent to somebody else");
        assert_eq!((packet.identifier(), packet.sequence()), (0x1234, 1));
        assert_eq!(packet.pointer(), 0x1234_0001);
        assert_eq!(packet.payload(), b"ping");
    }

    #[test]
    fn construct() {
        let mut bytes = [0xa5; 72];
        Repr::unreachable(Unreachable::PORT, &ADVERT).emit(&mut bytes, A, B);
        assert_eq!(bytes[..2], [1, 4]);
        assert_eq!(bytes[4..8], [0; 4], "RFC 4443: \"This field is unused for all code values.\"");
        assert_eq!(bytes[8..], ADVERT);
        assert!(Packet::new(&bytes).unwrap().verify_checksum(A, B));
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap(), A, B), Ok(REPR));
        assert_eq!(
            Packet::new(&BYTES[..7]).unwrap_err(),
            Error::Truncated { layer: Layer::Icmpv6, needed: 8, found: 7 }
        );
        let mut damaged = BYTES;
        damaged[11] ^= 1;
        assert_eq!(
            Repr::parse(&Packet::new(&damaged).unwrap(), A, B),
            Err(Error::BadChecksum { layer: Layer::Icmpv6 })
        );
        // A router solicitation: type 133, and 5 more in the first word is 5 * 256 less in the checksum.
        let mut other = BYTES;
        other[0] = 133;
        other[2] -= 5;
        assert_eq!(
            Repr::parse(&Packet::new(&other).unwrap(), A, B),
            Err(Error::Unsupported { layer: Layer::Icmpv6, field: "type", value: 133 })
        );
        let mut code = BYTES;
        code[1] = 1;
        code[3] -= 1;
        assert_eq!(
            Repr::parse(&Packet::new(&code).unwrap(), A, B),
            Err(Error::Unsupported { layer: Layer::Icmpv6, field: "code", value: 1 })
        );
    }

    #[test]
    fn emit() {
        let mut bytes = [0xa5; 13];
        REPR.emit(&mut bytes, A, B);
        assert_eq!(bytes[..REPR.len()], BYTES);
        assert_eq!(bytes[12], 0xa5, "what follows the message is not touched");
    }

    /// The whole packet was captured: Linux's answer, 126 bytes with its Ethernet header.
    #[test]
    fn a_host_without_an_agent_answers_an_advertisement() {
        let repr = Repr::unrecognized_next_header(&ADVERT);
        assert_eq!(14 + ipv6::HEADER_LEN + repr.len(), 126);
        let mut bytes = [0xa5; 72];
        repr.emit(&mut bytes, A, B);
        assert_eq!(bytes[..8], [0x04, 0x01, 0xe0, 0x46, 0x00, 0x00, 0x00, 0x06], "as captured");
        assert_eq!(bytes[8..], ADVERT);
        assert_eq!(Repr::parse(&Packet::new(&bytes).unwrap(), A, B), Ok(repr));
    }

    #[test]
    fn a_reply_is_the_request_again() {
        assert_eq!(REPR.reply(), Some(Repr::EchoReply { identifier: 0x1234, sequence: 1, data: b"ping" }));
        assert_eq!(REPR.reply().and_then(|reply| reply.reply()), None);
        assert_eq!(Repr::unrecognized_next_header(&ADVERT).reply(), None);
    }

    #[test]
    fn a_long_packet_is_quoted_in_part() {
        let packet = [0x60; 1500];
        assert_eq!(Repr::unreachable(Unreachable::NO_ROUTE, &packet).len(), HEADER_LEN + 1232);
        assert_eq!(Repr::unrecognized_next_header(&packet).len() + ipv6::HEADER_LEN, 1280);
    }

    #[test]
    fn display() {
        assert_eq!(REPR.to_string(), "icmpv6 echo request 4660/1");
        assert_eq!(REPR.reply().unwrap().to_string(), "icmpv6 echo reply 4660/1");
        assert_eq!(
            Repr::unrecognized_next_header(&ADVERT).to_string(),
            "icmpv6 unrecognized next header (vrrp to fd00:16::5)"
        );
        assert_eq!(Repr::unreachable(Unreachable::NO_ROUTE, &ADVERT[..39]).to_string(), "icmpv6 no route");
        assert_eq!(Repr::unreachable(Unreachable(6), &[]).to_string(), "icmpv6 unreachable (code 6)");
        assert_eq!(Problem(9).to_string(), "parameter problem (code 9)");
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_parsed(
            kind in 0..4,
            identifier: u16,
            sequence: u16,
            pointer: u32,
            code: u8,
            data in proptest::collection::vec(any::<u8>(), 0..64),
            ends: ([u8; 16], [u8; 16]),
        ) {
            let (src, dst) = (ends.0.into(), ends.1.into());
            let data = &data[..];
            let repr = match kind {
                0 => Repr::EchoRequest { identifier, sequence, data },
                1 => Repr::EchoReply { identifier, sequence, data },
                2 => Repr::unreachable(Unreachable(code), data),
                _ => Repr::ParameterProblem { code: Problem(code), pointer, quote: data },
            };
            let mut bytes = [0xa5; 72];
            repr.emit(&mut bytes, src, dst);
            let bytes = &bytes[..repr.len()];
            prop_assert_eq!(Repr::parse(&Packet::new(bytes).unwrap(), src, dst), Ok(repr));
        }
    }
}
