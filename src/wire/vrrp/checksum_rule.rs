//! What a checksum covers besides the message: the readings there are.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::super::Family;
use super::super::checksum::Checksum;
use super::super::ipv4::Protocol;
use super::GROUP;

/// What a checksum covers besides the message. Over IPv4 VRRPv2 has one answer and VRRPv3 has three; over IPv6
/// there is one, [`ChecksumRule::PseudoHeader`], whichever is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChecksumRule {
    /// Nothing: VRRPv2, and VRRPv3 as RFC 9568 section 5.2.8 has it for IPv4 and as some vendors always read
    /// RFC 5798.
    Plain,
    /// The pseudo header with the packet's two addresses: keepalived's and FRR's VRRPv3, after RFC 5798
    /// section 5.2.8.
    PseudoHeader,
    /// The pseudo header with the group 224.0.0.18 for a destination, though the packet goes to a peer:
    /// keepalived to 1.3.6, and its `old_unicast_checksum` since.
    GroupPseudoHeader,
}

impl ChecksumRule {
    /// The rules that a message of `version` over `family` may obey, keepalived's own first.
    pub(super) const fn known(version: u8, family: Family) -> &'static [ChecksumRule] {
        match (family, version) {
            (Family::Ipv6, _) => &[ChecksumRule::PseudoHeader],
            (Family::Ipv4, 2) => &[ChecksumRule::Plain],
            (Family::Ipv4, _) => {
                &[ChecksumRule::PseudoHeader, ChecksumRule::GroupPseudoHeader, ChecksumRule::Plain]
            }
        }
    }

    /// The sum of what the rule adds to a message of `len` bytes.
    pub(super) fn begin(self, version: u8, src: IpAddr, dst: IpAddr, len: usize) -> Checksum {
        // An IP payload has at most 65,535 bytes: the length always fits.
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        let (src, dst) = match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => (src, dst),
            // RFC 9568 section 5.2.8: "For the IPv6 address family, the checksum calculation also includes a
            // prepended 'pseudo-header', as defined in Section 8.1 of [RFC8200]." There is no other reading:
            // kernels write and verify this checksum.
            _ => return Checksum::pseudo_header_v6(in_ipv6(src), in_ipv6(dst), Protocol::VRRP, len.into()),
        };
        match self {
            // RFC 3768 section 5.3.8: "the 16-bit one's complement of the one's complement sum of the entire
            // VRRP message starting with the version field", and no more.
            _ if version == 2 => Checksum::new(),
            ChecksumRule::Plain => Checksum::new(),
            // RFC 5798 section 5.2.8 goes on: "and a "pseudo-header" as defined in Section 8.1 of [RFC2460].
            // The next header field in the "pseudo-header" should be set to 112 (decimal) for VRRP."
            ChecksumRule::PseudoHeader => Checksum::pseudo_header(src, dst, Protocol::VRRP, len),
            ChecksumRule::GroupPseudoHeader => Checksum::pseudo_header(src, GROUP, Protocol::VRRP, len),
        }
    }
}

/// `address`, or what stands for it among IPv6 addresses (RFC 4291 section 2.5.5.2). No packet has addresses of
/// two families; a caller's mistake is no reason to panic.
const fn in_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl fmt::Display for ChecksumRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChecksumRule::Plain => "without pseudo header",
            ChecksumRule::PseudoHeader => "with pseudo header",
            ChecksumRule::GroupPseudoHeader => "with the group's pseudo header",
        })
    }
}
