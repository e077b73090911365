//! VRRP: version 2 over IPv4 (RFC 2338, RFC 3768), version 3 over IPv4 and IPv6 (RFC 5798, RFC 9568).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |version| type  |     VRID      |   priority    | address count |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   auth type   | interval (s)  |           checksum            |  version 2
//! |  zero | max interval (0.01 s) |                               |  version 3
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             address, as many times as counted                 |  4 bytes each, or 16
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                authentication data (8 bytes),                 |  version 2 only, always there
//! |                zero without authentication                    |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! A receiver that imitates another reads a [`Packet`] field by field and refuses in that other's order; each
//! accessor stands alone. [`Repr::parse`] is for everyone else. Neither looks at the checksum, because there
//! is more than one reading of what it covers: [`Packet::which_rule`] says which one the sender has.
//!
//! No byte of a message says of which family its addresses are: they are of the family of the packet that it
//! came in, which [`Packet::from_ipv4`] and [`Packet::from_ipv6`] know.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ipv4::{self, Protocol};
use super::{Error, Family, Layer, array, at_least, hmac_trailer, ipv6, u16_at};
use crate::time::Duration;

mod addresses;
mod authentication;
mod checksum_rule;

pub use addresses::{Addresses, Iter};
pub use authentication::{AuthData, AuthType, Authentication};
pub use checksum_rule::ChecksumRule;

/// The length in bytes of what both versions and both address families begin with.
pub const HEADER_LEN: usize = 8;
/// The length of VRRPv2's authentication data in bytes.
pub const AUTH_DATA_LEN: usize = 8;
/// How many addresses the count can say.
pub const MAX_ADDRESSES: usize = u8::MAX as usize;
/// The length in bytes of the longest message over IPv4.
pub const MAX_LEN: usize = Version::V2.message_len(u8::MAX);
/// The length in bytes of the longest message over IPv6, of either version.
pub const MAX_LEN_V6: usize = Version::V2.message_len_over(Family::Ipv6, u8::MAX);
/// The type of an advertisement, the only one there is (RFC 9568 section 5.2.2).
pub const ADVERTISEMENT: u8 = 1;
/// The group of every VRRP router (RFC 9568 section 5.1.1.2).
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// The same over IPv6 (RFC 9568 section 5.1.2.2).
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
/// The time to live of an advertisement to the group, and its hop limit over IPv6 (RFC 9568 sections 5.1.1.3
/// and 5.1.2.3).
pub const TTL: u8 = 255;
/// The priority of one that stops being master (RFC 9568 section 5.2.4).
pub const PRIORITY_LEAVING: u8 = 0;
/// The priority of the address owner (RFC 9568 section 5.2.4).
pub const PRIORITY_OWNER: u8 = 255;
/// VRRPv3's longest interval in hundredths of a second: twelve bits.
pub const MAX_CENTIS: u16 = 0x0fff;

/// A version of the protocol that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// RFC 2338 and RFC 3768.
    V2,
    /// RFC 5798 and RFC 9568.
    V3,
}

impl Version {
    /// The length in bytes of a message with this many IPv4 addresses.
    pub const fn message_len(self, address_count: u8) -> usize {
        self.message_len_over(Family::Ipv4, address_count)
    }

    /// The length in bytes of a message with this many addresses of `family`.
    pub const fn message_len_over(self, family: Family, address_count: u8) -> usize {
        let trailer = match self {
            Version::V2 => AUTH_DATA_LEN,
            Version::V3 => 0,
        };
        HEADER_LEN + family.address_len() * address_count as usize + trailer
    }
}

/// A message in a buffer that is at least [`HEADER_LEN`] bytes long. Nothing else about it is sure: every
/// accessor can be asked alone.
#[derive(Clone, Copy)]
pub struct Packet<T: AsRef<[u8]>> {
    buffer: T,
    family: Family,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A message that came over IPv4. Refuses a buffer without room for the header.
    pub fn new(buffer: T) -> Result<Self, Error> {
        Packet::over(Family::Ipv4, buffer)
    }
    /// A message that came over `family`. Refuses a buffer without room for the header.
    pub fn over(family: Family, buffer: T) -> Result<Self, Error> {
        at_least(Layer::Vrrp, HEADER_LEN, buffer.as_ref())?;
        Ok(Packet { buffer, family })
    }
    /// What it came over, and so of which family its addresses are.
    pub fn family(&self) -> Family {
        self.family
    }
    /// The version, 0..=15.
    pub fn version(&self) -> u8 {
        self.buffer.as_ref()[0] >> 4
    }
    /// The type, 0..=15; see [`ADVERTISEMENT`].
    pub fn message_type(&self) -> u8 {
        self.buffer.as_ref()[0] & 0xf
    }
    /// The virtual router ID.
    pub fn vrid(&self) -> u8 {
        self.buffer.as_ref()[1]
    }
    /// The sender's priority; see [`PRIORITY_LEAVING`] and [`PRIORITY_OWNER`].
    pub fn priority(&self) -> u8 {
        self.buffer.as_ref()[2]
    }
    /// How many addresses follow by the header, which may be wrong.
    pub fn address_count(&self) -> u8 {
        self.buffer.as_ref()[3]
    }
    /// VRRPv2's authentication type. In version 3 the byte means something else.
    pub fn auth_type(&self) -> AuthType {
        AuthType(self.buffer.as_ref()[4])
    }
    /// VRRPv2's advertisement interval: whole seconds, 0..=255 (RFC 3768 section 5.3.7).
    pub fn v2_interval(&self) -> Duration {
        Duration::from_secs(self.buffer.as_ref()[5].into())
    }
    /// VRRPv3's maximum advertisement interval: hundredths of a second, 0..=4095 (RFC 9568 section 5.2.7).
    pub fn v3_max_interval(&self) -> Duration {
        // RFC 9568 section 5.2.6, of the four bits before it: "The Reserve field MUST be set to zero on
        // transmission and ignored on reception."
        Duration::from_centis((u16_at(self.buffer.as_ref(), 4) & MAX_CENTIS).into())
    }
    /// The interval in the form of the message's own version; versions above 3 are read as 3.
    pub fn advert_interval(&self) -> Duration {
        if self.version() <= 2 { self.v2_interval() } else { self.v3_max_interval() }
    }
    /// The checksum as received.
    pub fn checksum(&self) -> u16 {
        u16_at(self.buffer.as_ref(), 6)
    }
    /// How many bytes are there: by the header ([`Packet::expected_len`]), or fewer, or more.
    pub fn found_len(&self) -> usize {
        self.buffer.as_ref().len()
    }
    /// How many bytes there should be, by the message's own version and count. A receiver that goes by its
    /// own version asks [`Version::message_len_over`].
    pub fn expected_len(&self) -> usize {
        let version = if self.version() == 2 { Version::V2 } else { Version::V3 };
        version.message_len_over(self.family, self.address_count())
    }
    /// VRRPv2's eight bytes behind the addresses, if the message has them; see [`AuthData`].
    pub fn authentication_data(&self) -> Option<AuthData> {
        let at = HEADER_LEN + self.family.address_len() * usize::from(self.address_count());
        let there = self.version() == 2 && self.found_len() >= at + AUTH_DATA_LEN;
        there.then(|| AuthData::new(array(self.buffer.as_ref(), at)))
    }
    /// Whether the checksum is right by `rule` for a packet from `src` to `dst`; VRRPv2 knows
    /// [`ChecksumRule::Plain`] only and IPv6 the pseudo header, whatever `rule` says. False for a message that
    /// is cut short. Bytes behind the message do not count over IPv4. Over IPv6 they do: kernels sum all that
    /// the packet carries, and its length is exact.
    pub fn verify(&self, rule: ChecksumRule, src: impl Into<IpAddr>, dst: impl Into<IpAddr>) -> bool {
        let bytes = self.buffer.as_ref();
        let Some(message) = bytes.get(..self.expected_len()) else { return false };
        let covered = match self.family {
            Family::Ipv4 => message,
            Family::Ipv6 => bytes,
        };
        rule.begin(self.version(), src.into(), dst.into(), covered.len()).with(covered).is_valid()
    }
    /// By which rule the checksum is right, keepalived's own first; none, and the message was damaged.
    pub fn which_rule(&self, src: impl Into<IpAddr>, dst: impl Into<IpAddr>) -> Option<ChecksumRule> {
        let (src, dst) = (src.into(), dst.into());
        let mut rules = ChecksumRule::known(self.version(), self.family).iter().copied();
        rules.find(|rule| self.verify(*rule, src, dst))
    }
}

impl<'a> Packet<&'a [u8]> {
    /// The message in an IPv4 packet. Refuses by name one that an IP authentication header precedes, and
    /// other protocols.
    pub fn from_ipv4<T: AsRef<[u8]> + ?Sized>(packet: &ipv4::Packet<&'a T>) -> Result<Self, Error> {
        match packet.protocol() {
            Protocol::VRRP => Packet::new(packet.payload()),
            Protocol::AH => Err(Error::AuthenticationHeader),
            Protocol(other) => {
                Err(Error::Unsupported { layer: Layer::Ipv4, field: "protocol", value: other.into() })
            }
        }
    }
    /// The message in an IPv6 packet. Refuses by name one that an extension header precedes, and other
    /// protocols.
    pub fn from_ipv6<T: AsRef<[u8]> + ?Sized>(packet: &ipv6::Packet<&'a T>) -> Result<Self, Error> {
        match packet.next_header() {
            Protocol::VRRP => Packet::over(Family::Ipv6, packet.payload()),
            Protocol::AH => Err(Error::AuthenticationHeader),
            other if other.is_extension_header() => Err(Error::ExtensionHeader(other)),
            Protocol(other) => {
                Err(Error::Unsupported { layer: Layer::Ipv6, field: "next header", value: other.into() })
            }
        }
    }
}

impl<'a, T: AsRef<[u8]> + ?Sized> Packet<&'a T> {
    /// The addresses that are counted and there: fewer than counted when the message is cut short.
    pub fn addresses(&self) -> Addresses<'a> {
        counted(self.buffer.as_ref(), self.family, self.address_count())
    }
    /// The message without what follows it, unless it is cut short.
    pub fn without_trailer(&self) -> Option<Packet<&'a [u8]>> {
        let buffer = self.buffer.as_ref().get(..self.expected_len())?;
        Some(Packet { buffer, family: self.family })
    }
    /// What follows the message: padding, or the trailer of keepalived's `auth_hmac`.
    pub fn trailer(&self) -> &'a [u8] {
        self.buffer.as_ref().get(self.expected_len()..).unwrap_or_default()
    }
    /// All that is there.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.buffer.as_ref()
    }
}

/// Of `count` addresses behind the header, those that are there.
fn counted(bytes: &[u8], family: Family, count: u8) -> Addresses<'_> {
    let behind = bytes.get(HEADER_LEN..).unwrap_or_default();
    let len = behind.len().min(family.address_len() * usize::from(count));
    Addresses::received(family, &behind[..len])
}

/// The version of a message, and what only that version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 2338 and RFC 3768.
    V2 {
        /// None, or a password in clear.
        authentication: Authentication,
    },
    /// RFC 5798 and RFC 9568.
    V3,
}

/// An advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr<'a> {
    /// The version, and what only that version has.
    pub dialect: Dialect,
    /// The virtual router ID.
    pub vrid: u8,
    /// The sender's priority; see [`PRIORITY_LEAVING`] and [`PRIORITY_OWNER`].
    pub priority: u8,
    /// The time between two advertisements of the sender. The wire has whole seconds to 255 in version 2 and
    /// hundredths of a second to 40.95 in version 3; what is finer is cut off and what is longer is the
    /// longest, but an interval that is not zero never goes out as zero.
    pub advert_interval: Duration,
    /// The virtual router's addresses.
    pub addresses: Addresses<'a>,
}

impl<'a> Repr<'a> {
    /// Refuses what is no advertisement of version 2 or 3, version 2 over IPv6, authentication that is not spoken, and a message
    /// that is not exactly as long as it says. The checksum is not looked at: see [`Packet::which_rule`].
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Result<Repr<'a>, Error> {
        let layer = Layer::Vrrp;
        let unsupported = |field, value: u8| Err(Error::Unsupported { layer, field, value: value.into() });
        let version = match packet.version() {
            2 => Version::V2,
            3 => Version::V3,
            other => return unsupported("version", other),
        };
        // RFC 3768 is about IPv4 alone; what keepalived makes of it over IPv6 is in no RFC.
        if version == Version::V2 && packet.family() == Family::Ipv6 {
            return unsupported("over IPv6, version", 2);
        }
        if packet.message_type() != ADVERTISEMENT {
            return unsupported("type", packet.message_type());
        }
        let (stated, found) = (packet.expected_len(), packet.found_len());
        if stated != found {
            return Err(Error::BadLength { layer, stated, found });
        }
        let dialect = match (version, packet.auth_type()) {
            (Version::V3, _) => Dialect::V3,
            // RFC 3768 section 5.3.10, of the data: "It SHOULD be set to zero on transmission and ignored on
            // reception."
            (Version::V2, AuthType::NONE) => Dialect::V2 { authentication: Authentication::None },
            (Version::V2, AuthType::SIMPLE_TEXT) => {
                let data = packet.authentication_data().ok_or(Error::BadLength { layer, stated, found })?;
                Dialect::V2 { authentication: Authentication::SimpleText(data) }
            }
            (Version::V2, AuthType::AUTHENTICATION_HEADER) => return Err(Error::AuthenticationHeader),
            (Version::V2, AuthType(other)) => return unsupported("authentication type", other),
        };
        Ok(Repr {
            dialect,
            vrid: packet.vrid(),
            priority: packet.priority(),
            advert_interval: packet.advert_interval(),
            addresses: packet.addresses(),
        })
    }

    /// The version.
    pub const fn version(&self) -> Version {
        match self.dialect {
            Dialect::V2 { .. } => Version::V2,
            Dialect::V3 => Version::V3,
        }
    }

    /// The length of the message in bytes, at most [`MAX_LEN`] or [`MAX_LEN_V6`].
    #[expect(clippy::len_without_is_empty, reason = "a message is never empty")]
    pub const fn len(&self) -> usize {
        self.version().message_len_over(self.addresses.family(), self.addresses.len() as u8)
    }

    /// Writes the message to the front of `buffer`, its checksum by `rule` for a packet from `src` to `dst`,
    /// which are of the addresses' family; VRRPv2 knows [`ChecksumRule::Plain`] only and IPv6 the pseudo
    /// header, whatever `rule` says.
    ///
    /// # Panics
    ///
    /// If `buffer` is shorter than [`Repr::len`].
    pub fn emit(
        &self,
        buffer: &mut [u8],
        rule: ChecksumRule,
        src: impl Into<IpAddr>,
        dst: impl Into<IpAddr>,
    ) {
        let message = &mut buffer[..self.len()];
        self.write(message);
        self.write_checksum(message, rule, src.into(), dst.into());
    }

    /// Writes the message, its checksum zero, to `message`, which is as long.
    fn write(&self, message: &mut [u8]) {
        let address_len = self.addresses.family().address_len();
        let (header, rest) = message.split_at_mut(HEADER_LEN);
        let (list, trailer) = rest.split_at_mut(address_len * self.addresses.len());
        let (version, word) = match self.dialect {
            Dialect::V2 { authentication } => {
                let (auth_type, data) = match authentication {
                    Authentication::None => (AuthType::NONE, [0; AUTH_DATA_LEN]),
                    Authentication::SimpleText(data) => (AuthType::SIMPLE_TEXT, *data.expose()),
                };
                trailer.copy_from_slice(&data);
                let seconds =
                    on_the_wire(self.advert_interval, self.advert_interval.as_secs(), u8::MAX.into());
                (2, [auth_type.0, seconds as u8])
            }
            Dialect::V3 => {
                let centis = on_the_wire(self.advert_interval, self.advert_interval.as_centis(), MAX_CENTIS);
                (3, centis.to_be_bytes())
            }
        };
        header[0] = version << 4 | ADVERTISEMENT;
        header[1] = self.vrid;
        header[2] = self.priority;
        header[3] = self.addresses.len() as u8;
        header[4..6].copy_from_slice(&word);
        header[6..8].fill(0);
        for (slot, address) in list.chunks_exact_mut(address_len).zip(&self.addresses) {
            match address {
                IpAddr::V4(address) => slot.copy_from_slice(&address.octets()),
                IpAddr::V6(address) => slot.copy_from_slice(&address.octets()),
            }
        }
    }

    /// Writes the checksum of this message, which `bytes` begin with, and of what follows it, where it covers
    /// that. See [`Packet::verify`].
    pub(super) fn write_checksum(&self, bytes: &mut [u8], rule: ChecksumRule, src: IpAddr, dst: IpAddr) {
        // RFC 3768 section 5.3.8: "For computing the checksum, the checksum field is set to zero."
        bytes[6..8].fill(0);
        let covered = match self.addresses.family() {
            Family::Ipv4 => &bytes[..self.len()],
            Family::Ipv6 => &*bytes,
        };
        let version = covered[0] >> 4;
        let checksum = rule.begin(version, src, dst, covered.len()).with(covered).finish();
        bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// `interval` as `units` of the wire's grain: never zero unless it is zero, and never more than `max`. An
/// interval that became zero would make a master send without a pause.
fn on_the_wire(interval: Duration, units: u64, max: u16) -> u16 {
    let least = u16::from(!interval.is_zero());
    u16::try_from(units).unwrap_or(max).clamp(least, max)
}

/// One line for people: what both a [`Packet`] and a [`Repr`] say.
struct Summary<'a> {
    version: u8,
    message_type: u8,
    vrid: u8,
    priority: u8,
    interval: Duration,
    auth: AuthType,
    addresses: Addresses<'a>,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vrrp v{}", self.version)?;
        if self.message_type != ADVERTISEMENT {
            write!(f, " type {}", self.message_type)?;
        }
        write!(f, " vrid {} priority {} every ", self.vrid, self.priority)?;
        let (seconds, centis) = (self.interval.as_secs(), self.interval.as_centis() % 100);
        match (centis / 10, centis % 10) {
            (0, 0) => write!(f, "{seconds}s")?,
            (tenths, 0) => write!(f, "{seconds}.{tenths}s")?,
            (tenths, hundredths) => write!(f, "{seconds}.{tenths}{hundredths}s")?,
        }
        if self.auth != AuthType::NONE {
            write!(f, " auth {}", self.auth)?;
        }
        write!(f, " {}", self.addresses)
    }
}

impl fmt::Display for Repr<'_> {
    /// `vrrp v2 vrid 51 priority 254 every 1s auth pass [172.16.16.12]`: never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, auth) = match self.dialect {
            Dialect::V2 { authentication: Authentication::None } => (2, AuthType::NONE),
            Dialect::V2 { authentication: Authentication::SimpleText(_) } => (2, AuthType::SIMPLE_TEXT),
            Dialect::V3 => (3, AuthType::NONE),
        };
        let Repr { vrid, priority, advert_interval: interval, addresses, .. } = *self;
        Summary { version, message_type: ADVERTISEMENT, vrid, priority, interval, auth, addresses }.fmt(f)
    }
}

impl<T: AsRef<[u8]>> fmt::Display for Packet<T> {
    /// As a [`Repr`], with keepalived's trailer if there is one, and what is wrong with the length if something
    /// is: never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Summary {
            version: self.version(),
            message_type: self.message_type(),
            vrid: self.vrid(),
            priority: self.priority(),
            interval: self.advert_interval(),
            auth: if self.version() == 2 { self.auth_type() } else { AuthType::NONE },
            addresses: counted(self.buffer.as_ref(), self.family, self.address_count()),
        }
        .fmt(f)?;
        let (expected, found) = (self.expected_len(), self.found_len());
        let trailer = self.buffer.as_ref().get(expected..).unwrap_or_default();
        match hmac_trailer::Packet::new(trailer).and_then(|trailer| hmac_trailer::Repr::parse(&trailer)) {
            Ok(trailer) if found == expected + hmac_trailer::LEN => write!(f, " {trailer}"),
            _ if found == expected => Ok(()),
            _ => write!(f, " ({found} bytes instead of {expected})"),
        }
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Packet<T> {
    /// The bytes have a password among them: what `Display` says instead.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packet({self})")
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod v6_tests;
