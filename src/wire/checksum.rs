//! The Internet checksum (RFC 1071): the ones-complement of the ones-complement sum of 16-bit words.
//!
//! A [`Checksum`] adds slices one after the other as if they were one: what a protocol covers (a pseudo
//! header, a message without its checksum field) need never stand in one buffer.

use std::net::Ipv4Addr;

use super::ipv4::Protocol;

/// A running sum over the slices added so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    /// Never wraps: 2^32 pairs of words fit.
    sum: u64,
    /// An odd number of bytes was added: the next byte is the low half of a word begun before.
    odd: bool,
}

impl Checksum {
    /// The sum of nothing.
    pub const fn new() -> Self {
        Checksum { sum: 0, odd: false }
    }

    /// The pseudo header of a protocol over IPv4: `source, destination, zero, protocol, length` (RFC 793
    /// section 3.1; VRRPv3 as keepalived reads RFC 5798). `length` is the message's, in bytes.
    pub fn pseudo_header(src: Ipv4Addr, dst: Ipv4Addr, protocol: Protocol, length: u16) -> Self {
        Checksum::new()
            .with(&src.octets())
            .with(&dst.octets())
            .with(&[0, protocol.0])
            .with(&length.to_be_bytes())
    }

    /// This sum and that of `bytes`, which follow what was added before.
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let mut bytes = bytes;
        if let (true, [first, rest @ ..]) = (self.odd, bytes) {
            self.sum += u64::from(*first);
            self.odd = false;
            bytes = rest;
        }
        // Two words at a time: adding in the carries folds the upper word onto the lower, so the sum is the same.
        let (pairs, rest) = bytes.as_chunks();
        for pair in pairs {
            self.sum += u64::from(u32::from_be_bytes(*pair));
        }
        let (words, rest) = rest.as_chunks();
        for word in words {
            self.sum += u64::from(u16::from_be_bytes(*word));
        }
        if let [last] = rest {
            // RFC 792, of ICMP's: "If the total length is odd, the received data is padded with one octet
            // of zeros for computing the checksum."
            self.sum += u64::from(*last) << 8;
            self.odd = true;
        }
        self
    }

    /// What the checksum field is to say, if what was added holds zero in its place (or leaves it out).
    pub const fn finish(self) -> u16 {
        !self.fold()
    }

    /// Whether what was added, the checksum field included, is as it was sent.
    pub const fn is_valid(self) -> bool {
        // RFC 1071 section 1: "If the result is all 1 bits (-0 in 1's complement arithmetic), the check
        // succeeds."
        self.fold() == 0xffff
    }

    /// The sum with its carries added in.
    const fn fold(self) -> u16 {
        let mut sum = self.sum;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 section 3 sums these bytes to ddf2.
    const RFC_1071: [u8; 8] = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];

    #[test]
    fn the_example_of_rfc_1071_sums_to_ddf2() {
        assert_eq!(Checksum::new().with(&RFC_1071).fold(), 0xddf2);
        assert_eq!(Checksum::new().with(&RFC_1071).finish(), !0xddf2);
    }

    #[test]
    fn nothing_sums_to_zero_and_is_not_valid() {
        assert_eq!(Checksum::new().finish(), 0xffff);
        assert!(!Checksum::new().is_valid());
        assert!(!Checksum::new().with(&[0; 40]).is_valid());
    }

    #[test]
    fn the_pseudo_header_is_twelve_bytes() {
        let src = Ipv4Addr::new(172, 16, 16, 5);
        let dst = Ipv4Addr::new(172, 16, 16, 6);
        let spelled = [172, 16, 16, 5, 172, 16, 16, 6, 0, 112, 0, 12];
        assert_eq!(
            Checksum::pseudo_header(src, dst, Protocol::VRRP, 12).finish(),
            Checksum::new().with(&spelled).finish()
        );
    }

    proptest! {
        #[test]
        fn where_the_slices_are_cut_does_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            cuts in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        ) {
            let (a, b) = (cuts.0.index(bytes.len() + 1), cuts.1.index(bytes.len() + 1));
            let (a, b) = (a.min(b), a.max(b));
            let pieces = Checksum::new().with(&bytes[..a]).with(&bytes[a..b]).with(&bytes[b..]);
            prop_assert_eq!(pieces.finish(), Checksum::new().with(&bytes).finish());
        }

        #[test]
        fn what_is_finished_is_valid(mut bytes in proptest::collection::vec(any::<u8>(), 2..80)) {
            bytes[..2].fill(0);
            let field = Checksum::new().with(&bytes).finish();
            bytes[..2].copy_from_slice(&field.to_be_bytes());
            prop_assert!(Checksum::new().with(&bytes).is_valid());
        }
    }
}
