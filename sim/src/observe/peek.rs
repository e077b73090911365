//! The few bytes of a frame that observers look at, at fixed places.
//!
//! No codec: a frame that is not what it is said to be yields nothing, and nobody here decides anything by it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::time::Duration;

const ETHERNET: usize = 14;
const IPV6_HEADER: usize = 40;
/// Where the destination stands in an IPv6 header.
const IPV6_DST: usize = 24;
/// Where the addresses begin in an advertisement.
const ADDRESSES: usize = 8;
const ICMPV6: u8 = 58;
const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// The S flag of an advertisement.
const SOLICITED: u8 = 0x40;

/// What a reader wants to know of an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    /// The interval it promises.
    pub(crate) interval: Duration,
    /// The address it names first, if any.
    pub(crate) first: Option<IpAddr>,
}

/// An advertisement in a frame of either family.
pub(crate) fn advert(frame: &[u8]) -> Option<Advert> {
    let ip = frame.get(ETHERNET..)?;
    let (header, from, to) = match is_ipv6(frame) {
        true => (IPV6_HEADER, address_v6(ip, IPV6_DST - 16)?, address_v6(ip, IPV6_DST)?),
        false => (usize::from(ip.first()? & 0x0f) * 4, address(ip, 12)?, address(ip, 16)?),
    };
    let vrrp = ip.get(header..)?;
    let &[version, vrid, priority, count, fifth, sixth, ..] = vrrp else { return None };
    let interval = match version >> 4 {
        // The second byte of version 2's pair is `Adver Int` in seconds, the first the authentication type.
        2 => Duration::from_secs(u64::from(sixth)),
        // Version 3: 4 reserved bits, then 12 bits of hundredths.
        3 => Duration::from_centis(u64::from(fifth & 0x0f) << 8 | u64::from(sixth)),
        _ => return None,
    };
    let first = if from.is_ipv6() { address_v6(vrrp, ADDRESSES) } else { address(vrrp, ADDRESSES) };
    Some(Advert { from, to, vrid, priority, interval, first: first.filter(|_| count > 0) })
}

/// Whether a frame is for a group: a broadcast is one.
pub(crate) fn to_everybody(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 1 == 1)
}

/// The address that an announcement to everybody announces: by ARP, or by a neighbour advertisement that nobody
/// asked for. A kernel's unicast reply with the same sender and target is no claim (it answers an announcement of the
/// address it still holds).
pub(crate) fn announced(frame: &[u8]) -> Option<IpAddr> {
    if is_ipv6(frame) {
        let (message, target) = discovery(frame)?;
        let asked_for = message.get(4)? & SOLICITED != 0;
        return (message[0] == ADVERTISEMENT && to_everybody(frame) && !asked_for).then_some(target);
    }
    let arp = frame.get(ETHERNET..)?;
    let sender = address(arp, 14)?;
    (to_everybody(frame) && address(arp, 24)? == sender).then_some(sender)
}

/// The address a frame or packet is for: the IP destination, or what a frame asks for or announces.
pub(crate) fn destination(frame: &[u8]) -> IpAddr {
    if is_ipv6(frame) {
        let to = || frame.get(ETHERNET..).and_then(|ip| address_v6(ip, IPV6_DST));
        return discovery(frame)
            .map(|(_, target)| target)
            .or_else(to)
            .unwrap_or(Ipv6Addr::UNSPECIFIED.into());
    }
    let arp = frame.get(12..14) == Some(&[0x08, 0x06]);
    let at = if arp { 24 } else { 16 };
    frame.get(ETHERNET..).and_then(|body| address(body, at)).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

fn address(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(four.into())
}

fn address_v6(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let sixteen: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(sixteen.into())
}

fn is_ipv6(frame: &[u8]) -> bool {
    frame.get(12..14) == Some(&[0x86, 0xdd])
}

/// A message of neighbour discovery, and the address it asks for or announces.
fn discovery(frame: &[u8]) -> Option<(&[u8], IpAddr)> {
    let ip = frame.get(ETHERNET..)?;
    let message = ip.get(IPV6_HEADER..).filter(|_| ip.get(6) == Some(&ICMPV6))?;
    let kind = *message.first()?;
    Some((message, address_v6(message, 8)?)).filter(|_| matches!(kind, SOLICITATION | ADVERTISEMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// keepalived 2.2.7's own frame, as captured.
    const CAPTURED: [u8; 54] = [
        0x02, 0, 0, 0, 0, 6, 0x02, 0, 0, 0, 0, 5, 8, 0, 0x45, 0xc0, 0, 0x28, 0, 1, 0, 0, 0xff, 0x70, 0x42,
        0x79, 0xac, 0x10, 0x10, 5, 0xac, 0x10, 0x10, 6, 0x21, 0x33, 0x64, 1, 1, 1, 0x5b, 0x4b, 0xac, 0x10,
        0x10, 0x0c, 0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0,
    ];

    #[test]
    fn a_captured_advert_is_read() {
        let seen = advert(&CAPTURED).unwrap();
        assert_eq!(seen.to, IpAddr::from([172, 16, 16, 6]));
        assert_eq!((seen.vrid, seen.priority, seen.interval), (51, 100, Duration::from_secs(1)));
        assert_eq!(seen.first, Some(IpAddr::from([172, 16, 16, 12])));
        assert_eq!(
            advert(&{
                let mut none = CAPTURED;
                none[37] = 0;
                none
            })
            .unwrap()
            .first,
            None
        );
        assert_eq!(destination(&CAPTURED), seen.to);
    }

    #[test]
    fn a_cut_frame_yields_nothing() {
        for end in 0..39 {
            assert_eq!(advert(&CAPTURED[..end]), None, "{end} bytes");
            assert_eq!(announced(&CAPTURED[..end]), None, "{end} bytes");
        }
    }

    /// keepalived 2.2.7's own IPv6 frames of case d01: an advertisement and an announcement.
    #[test]
    fn captured_ipv6_frames_are_read() {
        let bytes = |text: &str| -> Vec<u8> {
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
            digits
                .chunks(2)
                .map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap())
                .collect()
        };
        let advertises = bytes(
            "333300000012 020000000005 86dd 6c044465 0018 70ff fe80000000000000000000fffe000005
             ff020000000000000000000000000012 31336401 0064 701b fd000016000000000000000000000012",
        );
        let seen = advert(&advertises).unwrap();
        assert_eq!(seen.to, "ff02::12".parse::<IpAddr>().unwrap());
        assert_eq!((seen.vrid, seen.priority, seen.interval), (51, 100, Duration::from_secs(1)));
        assert_eq!(seen.first, Some("fd00:16::12".parse().unwrap()));
        assert_eq!(announced(&advertises), None);
        let announces = bytes(
            "333300000001 020000000005 86dd 60000000 0020 3aff fd000016000000000000000000000012
             ff020000000000000000000000000001 8800 5a49 20000000 fd000016000000000000000000000012 0201020000000005",
        );
        let address: IpAddr = "fd00:16::12".parse().unwrap();
        assert_eq!((announced(&announces), destination(&announces)), (Some(address), address));
    }
}
