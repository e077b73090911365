//! TCP (RFC 9293), as far as a probe goes: the segment that asks for a connection, and what a kernel answers.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          source port          |       destination port        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                        sequence number                        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    acknowledgment number                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |offset | zero  |     flags     |            window             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           checksum            |         urgent pointer        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Options and data are stepped over; nothing here keeps a connection.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checksum::Checksum;
use super::ipv4::{self, Protocol};
use super::ipv6;
use super::{Error, Layer, array, at_least, u16_at};

/// The length in bytes of a header without options.
pub const HEADER_LEN: usize = 20;
/// What a kernel of Linux offers as its window at first.
const WINDOW: u16 = 64_240;

/// What a segment is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// Asks for a connection.
    pub const SYN: Flags = Flags(0x02);
    /// Accepts it.
    pub const SYN_ACK: Flags = Flags(0x12);
    /// Refuses it: nobody listens on the port.
    pub const RST_ACK: Flags = Flags(0x14);
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
        let set = (0..8).filter(|bit| self.0 & 1 << bit != 0).map(|bit| names[bit]);
        f.pad(&set.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A segment in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    buffer: T,
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// Refuses what is shorter than its header.
    pub fn new(buffer: &'a T) -> Result<Self, Error> {
        let bytes = buffer.as_ref();
        at_least(Layer::Tcp, HEADER_LEN, bytes)?;
        let stated = usize::from(bytes[12] >> 4) * 4;
        if stated < HEADER_LEN || stated > bytes.len() {
            return Err(Error::BadLength { layer: Layer::Tcp, stated, found: bytes.len() });
        }
        Ok(Packet { buffer })
    }
    fn bytes(&self) -> &'a [u8] {
        self.buffer.as_ref()
    }
    /// Whether it is as it was sent.
    pub fn verify_checksum(&self, src: impl Into<IpAddr>, dst: impl Into<IpAddr>) -> bool {
        let bytes = self.bytes();
        pseudo_header(src.into(), dst.into(), bytes.len() as u16).with(bytes).is_valid()
    }
}

/// What a checksum covers besides the segment. Addresses of two families count as IPv6.
fn pseudo_header(src: IpAddr, dst: IpAddr, len: u16) -> Checksum {
    let v6 = |address| match address {
        IpAddr::V4(address) => Ipv4Addr::to_ipv6_mapped(&address),
        IpAddr::V6(address) => address,
    };
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Checksum::pseudo_header(src, dst, Protocol::TCP, len),
        _ => Checksum::pseudo_header_v6(v6(src), v6(dst), Protocol::TCP, len.into()),
    }
}

/// What a segment without data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The port it comes from.
    pub src_port: u16,
    /// The port it goes to.
    pub dst_port: u16,
    /// The number of its first byte.
    pub sequence: u32,
    /// The number of the byte that is expected next.
    pub acknowledgment: u32,
    /// What it is for.
    pub flags: Flags,
    /// How many bytes may come.
    pub window: u16,
}

impl Repr {
    /// Asks for a connection.
    pub const fn syn(src_port: u16, dst_port: u16, sequence: u32) -> Repr {
        Repr { src_port, dst_port, sequence, acknowledgment: 0, flags: Flags::SYN, window: WINDOW }
    }

    /// What a kernel answers to this, if it asks for a connection.
    pub const fn answer(&self, accepts: bool) -> Option<Repr> {
        if self.flags.0 != Flags::SYN.0 {
            return None;
        }
        // RFC 9293 section 3.10.7.1: to a segment without ACK for a closed port a reset is sent with "sequence number
        // zero" that acknowledges "SEG.SEQ+SEG.LEN"; a SYN is one long.
        Some(Repr {
            src_port: self.dst_port,
            dst_port: self.src_port,
            sequence: 0,
            acknowledgment: self.sequence.wrapping_add(1),
            flags: if accepts { Flags::SYN_ACK } else { Flags::RST_ACK },
            window: if accepts { WINDOW } else { 0 },
        })
    }

    /// Reads a segment that came from `src` to `dst`. Refuses one that was damaged.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(
        packet: &Packet<&T>,
        src: impl Into<IpAddr>,
        dst: impl Into<IpAddr>,
    ) -> Result<Repr, Error> {
        if !packet.verify_checksum(src, dst) {
            return Err(Error::BadChecksum { layer: Layer::Tcp });
        }
        let bytes = packet.bytes();
        Ok(Repr {
            src_port: u16_at(bytes, 0),
            dst_port: u16_at(bytes, 2),
            sequence: u32::from_be_bytes(array(bytes, 4)),
            acknowledgment: u32::from_be_bytes(array(bytes, 8)),
            flags: Flags(bytes[13]),
            window: u16_at(bytes, 14),
        })
    }

    /// Its length in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        HEADER_LEN
    }

    /// Writes the segment, its checksum included.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(&self, buffer: &mut [u8], src: impl Into<IpAddr>, dst: impl Into<IpAddr>) {
        let bytes = &mut buffer[..HEADER_LEN];
        bytes[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.acknowledgment.to_be_bytes());
        bytes[12] = (HEADER_LEN as u8 / 4) << 4;
        bytes[13] = self.flags.0;
        bytes[14..16].copy_from_slice(&self.window.to_be_bytes());
        bytes[16..20].fill(0);
        let sum = pseudo_header(src.into(), dst.into(), HEADER_LEN as u16).with(bytes);
        bytes[16..18].copy_from_slice(&sum.finish().to_be_bytes());
    }

    /// The IPv4 header that Linux puts before it.
    pub const fn header(&self, src: Ipv4Addr, dst: Ipv4Addr) -> ipv4::Repr {
        ipv4::Repr {
            src,
            dst,
            protocol: Protocol::TCP,
            ttl: 64,
            tos: 0,
            identification: 0,
            dont_fragment: true,
            payload_len: HEADER_LEN as u16,
        }
    }

    /// The IPv6 header that Linux puts before it.
    pub const fn header_v6(&self, src: Ipv6Addr, dst: Ipv6Addr) -> ipv6::Repr {
        ipv6::Repr {
            src,
            dst,
            next_header: Protocol::TCP,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            payload_len: HEADER_LEN as u16,
        }
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tcp {} > {} [{}] seq {}", self.src_port, self.dst_port, self.flags, self.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SRC: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 100);
    const DST: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 12);
    const REPR: Repr = Repr::syn(40_000, 443, 0x0102_0304);
    const BYTES: [u8; HEADER_LEN] =
        [0x9c, 0x40, 0x01, 0xbb, 1, 2, 3, 4, 0, 0, 0, 0, 0x50, 0x02, 0xfa, 0xf0, 0x9a, 0x5f, 0, 0];

    #[test]
    fn deconstruct() {
        let packet = Packet::new(&BYTES).unwrap();
        assert!(packet.verify_checksum(SRC, DST));
        assert!(!packet.verify_checksum(SRC, SRC));
    }

    #[test]
    fn construct() {
        let mut buffer = [0xa5; HEADER_LEN + 1];
        REPR.emit(&mut buffer, SRC, DST);
        assert_eq!(buffer[..HEADER_LEN], BYTES);
        assert_eq!(buffer[HEADER_LEN], 0xa5);
    }

    #[test]
    fn parse() {
        assert_eq!(Repr::parse(&Packet::new(&BYTES).unwrap(), SRC, DST), Ok(REPR));
        for bit in 0..BYTES.len() * 8 {
            let mut damaged = BYTES;
            damaged[bit / 8] ^= 1 << (bit % 8);
            let parsed = Packet::new(&damaged).and_then(|packet| Repr::parse(&packet, SRC, DST));
            assert!(parsed.is_err(), "bit {bit}");
        }
        for len in 0..HEADER_LEN {
            assert!(Packet::new(&BYTES[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn over_ipv6_the_checksum_covers_its_addresses() {
        let src: Ipv6Addr = "fd00:16::100".parse().unwrap();
        let dst: Ipv6Addr = "fd00:16::12".parse().unwrap();
        let mut bytes = [0; HEADER_LEN];
        REPR.emit(&mut bytes, src, dst);
        // The words of the addresses, the length 20, the protocol 6, and the segment's own: 2 * 0xfd16 + 0x112 + 0x1a,
        // 0x9c40 + 0x1bb + 0x102 + 0x304 + 0x5002 + 0xfaf0, together 0x3e84b, folded 0xe84e.
        assert_eq!(bytes[16..18], (!0xe84e_u16).to_be_bytes());
        let packet = Packet::new(&bytes).unwrap();
        assert_eq!(Repr::parse(&packet, src, dst), Ok(REPR));
        assert!(!packet.verify_checksum(SRC, DST) && !packet.verify_checksum(src, src));
        let header = REPR.header_v6(src, dst);
        assert_eq!((header.next_header, header.hop_limit, header.payload_len), (Protocol::TCP, 64, 20));
    }

    #[test]
    fn a_connection_is_accepted_or_refused() {
        let accepted = REPR.answer(true).unwrap();
        assert_eq!((accepted.src_port, accepted.dst_port), (443, 40_000));
        assert_eq!((accepted.acknowledgment, accepted.flags), (0x0102_0305, Flags::SYN_ACK));
        let refused = REPR.answer(false).unwrap();
        assert_eq!((refused.flags, refused.window), (Flags::RST_ACK, 0));
        assert_eq!(refused.answer(true), None, "a reset is not answered");
        assert_eq!(refused.to_string(), "tcp 443 > 40000 [RST,ACK] seq 0");
    }
}
