//! The checks an advertisement must pass, in the order in which keepalived makes them: the first that fails names
//! the reason, and the reason is what a user searches for.

use std::net::IpAddr;

use super::authenticate::Authenticator;
use super::refused::Refused;
use crate::config::{Instance, Version};
use crate::profile::{Profile, Switch};
use crate::program::Now;
use crate::time::Duration;
use crate::wire::vrrp::{self, AuthType, ChecksumRule};
use crate::wire::{Family, hmac_trailer, ipv4, ipv6};

/// A packet of either family, read as far as its receiver needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub src: IpAddr,
    /// To whom.
    pub dst: IpAddr,
    /// Its time to live, or hop limit.
    pub ttl: u8,
    /// The length of its header in bytes.
    pub header_len: usize,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a packet of VRRP's protocol number; `None` if it is none.
    pub fn new(packet: &'a [u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => {
                let ip = ipv4::Packet::new(packet).ok()?;
                let (src, dst) = (ip.src().into(), ip.dst().into());
                let (ttl, header_len) = (ip.ttl(), ip.header_len());
                let ours = ip.protocol() == ipv4::Protocol::VRRP;
                ours.then_some(Datagram { src, dst, ttl, header_len, payload: ip.payload() })
            }
            6 => {
                let ip = ipv6::Packet::new(packet).ok()?;
                let (src, dst) = (ip.src().into(), ip.dst().into());
                let (ttl, header_len) = (ip.hop_limit(), ipv6::HEADER_LEN);
                let ours = ip.next_header() == ipv4::Protocol::VRRP;
                ours.then_some(Datagram { src, dst, ttl, header_len, payload: ip.payload() })
            }
            _ => None,
        }
    }
    /// Which virtual router it is for.
    pub fn vrid(&self) -> Option<u8> {
        self.payload.get(1).copied()
    }
}

/// An advertisement that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    pub(crate) from: IpAddr,
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    /// Its addresses differ from ours, and that is no reason to refuse it.
    pub(crate) unlike: Option<Refused>,
}

/// Whom a packet has come to.
#[derive(Clone, Copy)]
pub(crate) struct Receiver<'a> {
    pub(crate) config: &'a Instance,
    pub(crate) profile: Profile,
    /// Its own addresses, as advertised.
    pub(crate) addresses: &'a [IpAddr],
    /// The addresses of this sender have been found right before, and that is enough.
    pub(crate) known: bool,
}

impl Receiver<'_> {
    /// Checks a packet that came for this instance's virtual router and in its mode.
    pub(crate) fn check(
        &self,
        now: Now,
        authenticator: Option<&mut Authenticator>,
        datagram: &Datagram<'_>,
    ) -> Result<Advert, Refused> {
        let Receiver { config, profile, addresses, known } = *self;
        let family = Family::of(datagram.src);
        let Ok(message) = vrrp::Packet::over(family, datagram.payload) else {
            let expected = datagram.header_len + vrrp::HEADER_LEN;
            return Err(Refused::TooShort { is: datagram.header_len + datagram.payload.len(), expected });
        };
        check_length(config, family, datagram, &message)?;
        // RFC 9568 section 7.1: "It MUST verify that the IPv4 TTL is 255." and "It MUST verify that the IPv6
        // Hop Limit is 255."; RFC 9568 section 5.1.1.3: "A VRRP Router receiving a packet with the TTL not
        // equal to 255 MUST discard the packet", and RFC 9568 section 5.1.2.3: "A VRRP Router receiving a
        // packet with the Hop Limit not equal to 255 MUST discard the packet". They know multicast only, and
        // so does keepalived: peers may be some hops away.
        if !config.is_unicast() && datagram.ttl != vrrp::TTL {
            return Err(Refused::Ttl(datagram.ttl));
        }
        // RFC 9568 section 7.1: "It MUST verify that the VRRP version is 3." Or 2, in RFC 3768.
        let expected = number_of(config.version);
        if message.version() != expected {
            return Err(Refused::Version { is: message.version(), expected });
        }
        if let Some(authenticator) = authenticator {
            authenticator.check(now, datagram.src, &message)?;
        }
        if config.version == Version::V2 {
            check_v2(config, &message)?;
        }
        // RFC 9568 section 7.1: "It MUST verify that the VRRP packet type is 1 (ADVERTISEMENT)." RFC 9568
        // section 5.2.2: "A packet with unknown type MUST be discarded."
        if message.message_type() != vrrp::ADVERTISEMENT {
            return Err(Refused::Type(message.message_type()));
        }
        // RFC 9568 section 7.1: "It MUST verify the VRRP checksum."
        if !checksum_is_right(config, profile, datagram, &message) {
            return Err(Refused::Checksum);
        }
        if config.owner_ignores_adverts {
            return Err(Refused::Owner);
        }
        // RFC 9568 section 5.2.5: "If the received count is 0, the VRRP advertisement MUST be ignored." Even
        // where other addresses are obeyed: one that names none is nobody's, but of a router that has none either.
        let nobodys = message.address_count() == 0;
        let unlike = match if known { Ok(()) } else { check_addresses(addresses, &message) } {
            Err(refused) if nobodys || !profile.has(Switch::ObeysOtherAddresses) => return Err(refused),
            other => other.err(),
        };
        check_sender(config, profile, datagram)?;
        let interval = message.advert_interval();
        // An interval of zero would make every backup take over at once, again and again. No RFC says what to do with
        // it; nobody can mean it.
        if interval.is_zero() {
            return Err(Refused::Interval { is: interval, own: config.advert_interval });
        }
        Ok(Advert { from: datagram.src, priority: message.priority(), interval, unlike })
    }
}

/// RFC 9568 section 7.1: "It MUST verify that the received packet contains the complete VRRP packet
/// (including fixed fields and the IPvX address)."
fn check_length(
    config: &Instance,
    family: Family,
    datagram: &Datagram<'_>,
    message: &vrrp::Packet<&[u8]>,
) -> Result<(), Refused> {
    let message_len = config.version.message_len_over(family, message.address_count());
    let (is, expected) = (datagram.header_len + datagram.payload.len(), datagram.header_len + message_len);
    let signed = config.hmac.is_some() && is == expected + hmac_trailer::LEN;
    match is {
        _ if signed => Ok(()),
        _ if is < expected => Err(Refused::TooShort { is, expected }),
        _ if is > expected => Err(Refused::TooLong { is, expected }),
        _ => Ok(()),
    }
}

/// RFC 3768 section 7.1: "MUST verify that the auth type matches the locally configured authentication method",
/// and "MUST verify that the Adver Interval in the packet is the same as the locally configured for this virtual
/// router".
fn check_v2(config: &Instance, message: &vrrp::Packet<&[u8]>) -> Result<(), Refused> {
    let expected = if config.password.is_some() { AuthType::SIMPLE_TEXT } else { AuthType::NONE };
    if message.auth_type() != expected {
        return Err(Refused::AuthType { is: message.auth_type().0, expected: expected.0 });
    }
    if let (Some(password), Some(data)) = (&config.password, message.authentication_data())
        && !same_bytes(&password.0, data.expose())
    {
        return Err(Refused::Password);
    }
    let is = message.advert_interval();
    if is != config.advert_interval {
        return Err(Refused::Interval { is, own: config.advert_interval });
    }
    Ok(())
}

/// In a time that does not tell where the first difference is.
fn same_bytes(a: &[u8; 8], b: &[u8; 8]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
}

/// 2.2.7 accepts the pseudo header, which is RFC 5798's over IPv4 and no longer RFC 9568's, and finds out by
/// itself that a unicast peer uses the group's.
fn checksum_is_right(
    config: &Instance,
    profile: Profile,
    datagram: &Datagram<'_>,
    message: &vrrp::Packet<&[u8]>,
) -> bool {
    if config.v3_checksum_as_v2 && config.version == Version::V3 {
        return true;
    }
    match message.which_rule(datagram.src, datagram.dst) {
        Some(ChecksumRule::Plain) => config.version == Version::V2 || profile.has(Switch::EitherChecksum),
        Some(ChecksumRule::PseudoHeader) => true,
        Some(ChecksumRule::GroupPseudoHeader) => config.is_unicast(),
        None => false,
    }
}

/// 2.2.7 demands the same addresses, in any order.
fn check_addresses(addresses: &[IpAddr], message: &vrrp::Packet<&[u8]>) -> Result<(), Refused> {
    let (is, expected) = (message.address_count(), addresses.len() as u8);
    if is != expected {
        return Err(Refused::AddressCount { is, expected });
    }
    let theirs = message.addresses();
    match addresses.iter().find(|own| !theirs.iter().any(|a| a == **own)) {
        Some(&missing) => Err(Refused::AddressMissing(missing)),
        None => Ok(()),
    }
}

/// The source of a unicast advertisement, and the TTL asked of that peer.
fn check_sender(config: &Instance, profile: Profile, datagram: &Datagram<'_>) -> Result<(), Refused> {
    let checks = config.check_unicast_source || profile.has(Switch::ChecksUnicastSource);
    if !config.is_unicast() || !checks {
        return Ok(());
    }
    let Some(peer) = config.peers.iter().find(|p| p.address == datagram.src) else {
        return Err(Refused::Stranger(datagram.src));
    };
    match peer.ttl {
        Some((least, most)) if !(least..=most).contains(&datagram.ttl) => {
            Err(Refused::TtlRange { is: datagram.ttl, least, most })
        }
        _ => Ok(()),
    }
}

fn number_of(version: Version) -> u8 {
    match version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Options};
    use crate::files::Files;
    use crate::time::Time;
    use std::net::Ipv4Addr;

    const VIRTUAL: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 12));
    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 6));

    /// The advertisement of case c21 that was accepted: 172.16.16.6 to .5, virtual router 51, priority 200.
    const GOOD: &str = "45c00028000100 00ff704279ac101006ac101005 2133c8010101f74a ac10100c 3131313100000000";

    fn config() -> Instance {
        let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nadvert_int 1\nauthentication {\n\
                    auth_type PASS\nauth_pass 1111\n}\nunicast_src_ip 172.16.16.5\nunicast_peer {\n172.16.16.6\n}\n\
                    virtual_ipaddress {\n172.16.16.12\n}\n}\n";
        let loaded = config::load(&Files::single("k", text), &Options::default());
        Instance::clone(loaded.config.instances.first().expect("an instance"))
    }

    fn good() -> Vec<u8> {
        let digits: Vec<u8> = GOOD.bytes().filter(|b| *b != b' ').collect();
        let hex =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("ascii"), 16).expect("hex");
        let mut bytes: Vec<u8> = digits.chunks(2).map(hex).collect();
        mend(&mut bytes);
        bytes
    }

    /// Makes total length and both checksums right again after a change.
    fn mend(bytes: &mut [u8]) {
        let len = bytes.len() as u16;
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        for (range, at) in [(0..20, 10), (20..bytes.len(), 26)] {
            bytes[at..at + 2].fill(0);
            let sum = crate::wire::checksum::Checksum::new().with(&bytes[range]).finish();
            bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
    }

    fn judged(config: &Instance, datagram: &Datagram<'_>) -> Result<Advert, Refused> {
        let (profile, addresses) = (Profile::KEEPALIVED, &[VIRTUAL][..]);
        let now = Now { mono: Time::ZERO, utc: Time::ZERO };
        Receiver { config, profile, addresses, known: false }.check(now, None, datagram)
    }

    fn verdict(change: impl FnOnce(&mut Vec<u8>)) -> Result<Advert, Refused> {
        let mut bytes = good();
        change(&mut bytes);
        let datagram = Datagram::new(&bytes).expect("a packet");
        judged(&config(), &datagram)
    }

    /// Case c21: what keepalived 2.2.7 made of each crafted advertisement, in unicast.
    #[test]
    fn each_crafted_advert_is_taken_or_refused_as_measured() {
        let change = |f: fn(&mut Vec<u8>)| {
            verdict(move |b| {
                f(b);
                mend(b);
            })
        };
        let second = Duration::from_secs(1);
        let accepted = |priority| Ok(Advert { from: PEER, priority, interval: second, unlike: None });
        assert_eq!(verdict(|_| ()), accepted(200));
        assert_eq!(change(|b| b[8] = 254), accepted(200), "ttl 254");
        assert_eq!(change(|b| b[8] = 1), accepted(200), "ttl 1");
        assert_eq!(change(|b| b[22] = 255), accepted(255), "priority 255");
        assert!(change(|b| b[15] = 8).is_ok(), "from a stranger");

        assert_eq!(verdict(|b| b[26] ^= 1), Err(Refused::Checksum));
        assert_eq!(change(|b| b[32] = b'2'), Err(Refused::Password));
        assert_eq!(change(|b| b[24] = 0), Err(Refused::AuthType { is: 0, expected: 1 }));
        assert_eq!(change(|b| b.truncate(32)), Err(Refused::TooShort { is: 32, expected: 40 }));
        let two = Refused::Interval { is: Duration::from_secs(2), own: second };
        assert_eq!(change(|b| b[25] = 2), Err(two));
        assert_eq!(change(|b| b[23] = 2), Err(Refused::TooShort { is: 40, expected: 44 }));
        let none = |b: &mut Vec<u8>| {
            b[23] = 0;
            b.drain(28..32);
        };
        assert_eq!(change(none), Err(Refused::AddressCount { is: 0, expected: 1 }));
        assert_eq!(change(|b| b[31] = 13), Err(Refused::AddressMissing(VIRTUAL)), "another address");
        let both = |b: &mut Vec<u8>| {
            b[23] = 2;
            b.splice(32..32, [172, 16, 16, 13]);
        };
        assert_eq!(change(both), Err(Refused::AddressCount { is: 2, expected: 1 }));
        assert_eq!(change(|b| b[20] = 0x22), Err(Refused::Type(2)));
        assert_eq!(change(|b| b[20] = 0x31), Err(Refused::Version { is: 3, expected: 2 }));
        assert_eq!(change(|b| b.extend([0; 6])), Err(Refused::TooLong { is: 46, expected: 40 }));
    }

    #[test]
    fn in_multicast_the_ttl_must_be_255() {
        let mut bytes = good();
        bytes[8] = 254;
        mend(&mut bytes);
        let datagram = Datagram::new(&bytes).expect("a packet");
        let config = Instance { peers: Vec::new(), ..config() };
        assert_eq!(judged(&config, &datagram), Err(Refused::Ttl(254)));
    }

    #[test]
    fn an_advert_of_no_addresses_is_ignored_even_where_other_addresses_are_obeyed() {
        let config = Instance { version: Version::V3, password: None, ..config() };
        let own = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 5));
        let verdict = |addresses: &[IpAddr]| {
            let message = vrrp::Repr {
                dialect: vrrp::Dialect::V3,
                vrid: 51,
                priority: 200,
                advert_interval: Duration::from_secs(1),
                addresses: vrrp::Addresses::of(Family::Ipv4, addresses),
            };
            let mut payload = vec![0; message.len()];
            message.emit(&mut payload, ChecksumRule::PseudoHeader, PEER, own);
            let datagram = Datagram { src: PEER, dst: own, ttl: 255, header_len: 20, payload: &payload };
            let (profile, addresses) = (Profile::HAVIP, &[VIRTUAL][..]);
            let now = Now { mono: Time::ZERO, utc: Time::ZERO };
            Receiver { config: &config, profile, addresses, known: false }.check(now, None, &datagram)
        };
        assert!(verdict(&[own]).is_ok_and(|advert| advert.unlike.is_some()), "another address");
        assert_eq!(verdict(&[]), Err(Refused::AddressCount { is: 0, expected: 1 }));
    }
}
