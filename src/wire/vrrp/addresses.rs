//! The addresses of a virtual router, in the order of its message.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::{Family, array};
use super::MAX_ADDRESSES;

/// So many are printed.
const SHOWN: usize = 4;

/// The addresses of a virtual router, all of one family: a list of one's own, or the bytes of a received
/// message. Two are equal when they list the same.
#[derive(Clone, Copy)]
pub struct Addresses<'a> {
    list: List<'a>,
    family: Family,
    /// At most [`MAX_ADDRESSES`].
    len: usize,
}

#[derive(Clone, Copy)]
enum List<'a> {
    V4(&'a [Ipv4Addr]),
    V6(&'a [Ipv6Addr]),
    /// Those of the family count, the others do not.
    Either(&'a [IpAddr]),
    /// As many addresses of the family, one behind the other.
    Received(&'a [u8]),
}

impl<'a> Addresses<'a> {
    /// The IPv4 addresses of `list`; of more than [`MAX_ADDRESSES`], the first so many.
    pub fn new(list: &'a [Ipv4Addr]) -> Self {
        Addresses { list: List::V4(list), family: Family::Ipv4, len: list.len().min(MAX_ADDRESSES) }
    }
    /// The IPv6 addresses of `list`; of more than [`MAX_ADDRESSES`], the first so many.
    pub fn v6(list: &'a [Ipv6Addr]) -> Self {
        // RFC 9568 section 5.2.9 wants the link-local one first: the order is the caller's.
        Addresses { list: List::V6(list), family: Family::Ipv6, len: list.len().min(MAX_ADDRESSES) }
    }
    /// Those of `list` that are of `family`; of more than [`MAX_ADDRESSES`], the first so many.
    pub fn of(family: Family, list: &'a [IpAddr]) -> Self {
        // RFC 9568 section 5.2.9: "The address family of the addresses, IPv4 or IPv6 but not both, MUST be
        // the same as the VRRP packet's IPvX header address family." RFC 9568 section 1: the virtual routers
        // of the two families are "always treated as separate Virtual Router instances".
        let ours = list.iter().filter(|address| Family::of(**address) == family);
        Addresses { list: List::Either(list), family, len: ours.count().min(MAX_ADDRESSES) }
    }
    /// Those whose bytes are one behind the other in `bytes`.
    pub(super) fn received(family: Family, bytes: &'a [u8]) -> Self {
        let len = (bytes.len() / family.address_len()).min(MAX_ADDRESSES);
        Addresses { list: List::Received(bytes), family, len }
    }
    /// Of which family they are, though there may be none.
    pub const fn family(&self) -> Family {
        self.family
    }
    /// How many, at most [`MAX_ADDRESSES`].
    pub const fn len(&self) -> usize {
        self.len
    }
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// One after the other.
    pub const fn iter(&self) -> Iter<'a> {
        Iter { rest: *self }
    }
}

/// What [`Addresses::iter`] gives.
#[derive(Clone, Copy, Debug)]
pub struct Iter<'a> {
    rest: Addresses<'a>,
}

impl Iterator for Iter<'_> {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        let Addresses { list, family, len } = &mut self.rest;
        *len = len.checked_sub(1)?;
        match list {
            List::V4(list) => list.split_off_first().map(|address| (*address).into()),
            List::V6(list) => list.split_off_first().map(|address| (*address).into()),
            List::Either(list) => {
                let at = list.iter().position(|address| Family::of(*address) == *family)?;
                let (address, rest) = list.get(at..)?.split_first()?;
                *list = rest;
                Some(*address)
            }
            List::Received(bytes) => {
                let address = bytes.split_off(..family.address_len())?;
                Some(match family {
                    Family::Ipv4 => array::<4>(address, 0).into(),
                    Family::Ipv6 => array::<16>(address, 0).into(),
                })
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len, Some(self.rest.len))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &Addresses<'a> {
    type Item = IpAddr;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for Addresses<'_> {
    fn eq(&self, other: &Addresses<'_>) -> bool {
        self.family == other.family && self.iter().eq(other.iter())
    }
}

impl Eq for Addresses<'_> {}

impl fmt::Debug for Addresses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Addresses<'_> {
    /// `[172.16.16.12, 172.16.16.13]`; the fifth and later ones as a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (nth, address) in self.iter().take(SHOWN).enumerate() {
            let separator = if nth == 0 { "" } else { ", " };
            write!(f, "{separator}{address}")?;
        }
        if self.len > SHOWN {
            write!(f, ", and {} more", self.len - SHOWN)?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [Ipv4Addr; 2] = [Ipv4Addr::new(172, 16, 16, 12), Ipv4Addr::new(172, 16, 16, 13)];
    const V6: [Ipv6Addr; 2] =
        [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x12), Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12)];

    #[test]
    fn however_they_are_listed_the_same_are_equal() {
        let either: Vec<IpAddr> = vec![V4[0].into(), V6[0].into(), V6[1].into(), V4[1].into()];
        let bytes: Vec<u8> = V6.iter().flat_map(Ipv6Addr::octets).collect();
        assert_eq!(Addresses::of(Family::Ipv4, &either), Addresses::new(&V4));
        assert_eq!(Addresses::of(Family::Ipv6, &either), Addresses::v6(&V6));
        assert_eq!(Addresses::received(Family::Ipv6, &bytes), Addresses::v6(&V6));
        assert_ne!(Addresses::new(&V4), Addresses::new(&V4[..1]));
        assert_ne!(
            Addresses::new(&[]),
            Addresses::v6(&[]),
            "of none, the message is as long, the checksum not"
        );
    }

    #[test]
    fn they_are_counted_before_they_are_read() {
        let either: Vec<IpAddr> =
            (0..600u16).map(|n| if n % 2 == 0 { V4[0].into() } else { V6[0].into() }).collect();
        for family in [Family::Ipv4, Family::Ipv6] {
            let addresses = Addresses::of(family, &either);
            assert_eq!((addresses.len(), addresses.iter().count()), (255, 255));
            assert_eq!(addresses.iter().len(), 255);
            assert!(addresses.iter().all(|address| Family::of(address) == family));
        }
        let few = Addresses::of(Family::Ipv6, &either[..3]);
        assert_eq!((few.len(), few.iter().collect::<Vec<_>>()), (1, vec![V6[0].into()]));
        assert!(Addresses::of(Family::Ipv6, &[]).is_empty());
    }

    #[test]
    fn display() {
        assert_eq!(Addresses::v6(&V6).to_string(), "[fe80::12, fd00:16::12]");
        let many = [V4[0]; 6];
        assert!(Addresses::new(&many).to_string().ends_with(", and 2 more]"));
    }
}
