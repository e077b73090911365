//! UDP (RFC 768): two ports, a length and a checksum before the data.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |          source port          |       destination port        |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            length             |           checksum            |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

use std::net::IpAddr;

use super::checksum::Checksum;
use super::ipv4::Protocol;
use super::{Error, Layer, at_least, u16_at};

/// The length of the header in bytes.
pub const HEADER_LEN: usize = 8;

/// A datagram in a buffer.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    buffer: T,
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// Refuses what is shorter than its header says, or than a header.
    pub fn new(buffer: &'a T) -> Result<Self, Error> {
        let bytes = buffer.as_ref();
        at_least(Layer::Udp, HEADER_LEN, bytes)?;
        let stated = usize::from(u16_at(bytes, 4));
        if stated < HEADER_LEN || stated > bytes.len() {
            return Err(Error::BadLength { layer: Layer::Udp, stated, found: bytes.len() });
        }
        Ok(Packet { buffer })
    }
    /// The bytes of the datagram, its header first; what the buffer has behind them is none of it.
    fn bytes(&self) -> &'a [u8] {
        let all = self.buffer.as_ref();
        &all[..usize::from(u16_at(all, 4))]
    }
    /// What it carries.
    pub fn payload(&self) -> &'a [u8] {
        &self.bytes()[HEADER_LEN..]
    }
    /// Whether it is as it was sent. Over IPv4 a sender may leave the checksum out, over IPv6 it may not.
    pub fn verify_checksum(&self, src: IpAddr, dst: IpAddr) -> bool {
        let bytes = self.bytes();
        u16_at(bytes, 6) == 0 && src.is_ipv4() || pseudo_header(src, dst, bytes.len()).with(bytes).is_valid()
    }
}

/// What a checksum covers besides the datagram. Addresses of two families count as IPv6.
fn pseudo_header(src: IpAddr, dst: IpAddr, len: usize) -> Checksum {
    let v6 = |address| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Checksum::pseudo_header(src, dst, Protocol::UDP, len as u16),
        _ => Checksum::pseudo_header_v6(v6(src), v6(dst), Protocol::UDP, len as u32),
    }
}

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The port it comes from.
    pub src_port: u16,
    /// The port it goes to.
    pub dst_port: u16,
}

impl Repr {
    /// Reads the header of a datagram that came from `src` to `dst`. Refuses one that was damaged.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(
        packet: &Packet<&T>,
        src: IpAddr,
        dst: IpAddr,
    ) -> Result<Repr, Error> {
        if !packet.verify_checksum(src, dst) {
            return Err(Error::BadChecksum { layer: Layer::Udp });
        }
        let bytes = packet.bytes();
        Ok(Repr { src_port: u16_at(bytes, 0), dst_port: u16_at(bytes, 2) })
    }

    /// Writes the header before the data that is in the buffer behind it, and the checksum of both.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than a header, or longer than 65,535 bytes.
    pub fn emit(&self, buffer: &mut [u8], src: IpAddr, dst: IpAddr) {
        let len = u16::try_from(buffer.len()).expect("a datagram has 16 bits of length");
        buffer[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        buffer[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        buffer[4..6].copy_from_slice(&len.to_be_bytes());
        buffer[6..8].fill(0);
        let sum = pseudo_header(src, dst, buffer.len()).with(buffer).finish();
        // Zero would say that there is none.
        let sum = if sum == 0 { u16::MAX } else { sum };
        buffer[6..8].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const V4: (IpAddr, IpAddr) =
        (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)));
    const V6: (IpAddr, IpAddr) = (
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
        IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2)),
    );

    fn datagram((src, dst): (IpAddr, IpAddr)) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        bytes.extend(b"abc");
        Repr { src_port: 49_152, dst_port: 3784 }.emit(&mut bytes, src, dst);
        bytes
    }

    #[test]
    fn what_is_emitted_is_parsed_again_over_either_family() {
        for (src, dst) in [V4, V6] {
            let mut bytes = datagram((src, dst));
            bytes.extend([0; 4]); // padding
            let packet = Packet::new(&bytes[..]).expect("a datagram");
            let repr = Repr::parse(&packet, src, dst).expect("a header");
            assert_eq!((repr.src_port, repr.dst_port, packet.payload()), (49_152, 3784, &b"abc"[..]));
        }
        // 0a00 0001 0a00 0002 0011 000b + c000 0ec8 000b 0000 + 6162 6300, by hand.
        assert_eq!(datagram(V4)[6..8], [0x58, 0xaa]);
    }

    #[test]
    fn a_damaged_one_is_refused_and_only_ipv4_may_do_without_a_checksum() {
        for (src, dst) in [V4, V6] {
            let mut bytes = datagram((src, dst));
            bytes[9] ^= 1;
            let parsed = |bytes: &[u8]| Repr::parse(&Packet::new(bytes).expect("a datagram"), src, dst);
            assert_eq!(parsed(&bytes), Err(Error::BadChecksum { layer: Layer::Udp }));
            bytes[6..8].fill(0);
            assert_eq!(parsed(&bytes).is_ok(), src.is_ipv4());
        }
    }

    #[test]
    fn a_length_that_is_not_there_is_refused() {
        let good = datagram(V4);
        for len in 0..good.len() {
            assert!(Packet::new(&good[..len]).is_err(), "{len}");
        }
        let mut bytes = good;
        bytes[5] = 7;
        assert!(Packet::new(&bytes[..]).is_err(), "shorter than a header");
    }
}
