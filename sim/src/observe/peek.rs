//! The few bytes of a frame that observers look at, at fixed places.
//!
//! No codec: a frame that is not what it is said to be yields nothing, and nobody here decides anything by it.

use std::net::Ipv4Addr;

use havip::time::Duration;

const ETHERNET: usize = 14;

/// What a reader wants to know of an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advert {
    pub(crate) to: Ipv4Addr,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    /// The interval it promises.
    pub(crate) interval: Duration,
}

/// An advertisement in an IPv4 frame.
pub(crate) fn advert(frame: &[u8]) -> Option<Advert> {
    let ip = frame.get(ETHERNET..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let vrrp = ip.get(header..)?;
    let &[first, vrid, priority, _count, fifth, sixth, ..] = vrrp else { return None };
    let interval = match first >> 4 {
        // The second byte of version 2's pair is `Adver Int` in seconds, the first the authentication type.
        2 => Duration::from_secs(u64::from(sixth)),
        // Version 3: 4 reserved bits, then 12 bits of hundredths.
        3 => Duration::from_centis(u64::from(fifth & 0x0f) << 8 | u64::from(sixth)),
        _ => return None,
    };
    Some(Advert { to: address(ip, 16)?, vrid, priority, interval })
}

/// Whether a frame is for a group: a broadcast is one.
pub(crate) fn to_everybody(frame: &[u8]) -> bool {
    frame.first().is_some_and(|byte| byte & 1 == 1)
}

/// The address that an ARP announcement to everybody announces. A kernel's unicast reply with the same
/// sender and target is no claim (it answers an announcement of the address it still holds).
pub(crate) fn announced(frame: &[u8]) -> Option<Ipv4Addr> {
    let arp = frame.get(ETHERNET..)?;
    let sender = address(arp, 14)?;
    (to_everybody(frame) && address(arp, 24)? == sender).then_some(sender)
}

/// The address a frame or packet is for: the IPv4 destination, or the target of an ARP frame.
pub(crate) fn destination(frame: &[u8]) -> Ipv4Addr {
    let arp = frame.get(12..14) == Some(&[0x08, 0x06]);
    let at = if arp { 24 } else { 16 };
    frame.get(ETHERNET..).and_then(|body| address(body, at)).unwrap_or(Ipv4Addr::UNSPECIFIED)
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(Ipv4Addr::from(four))
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
        assert_eq!(seen.to, Ipv4Addr::new(172, 16, 16, 6));
        assert_eq!((seen.vrid, seen.priority, seen.interval), (51, 100, Duration::from_secs(1)));
        assert_eq!(destination(&CAPTURED), seen.to);
    }

    #[test]
    fn a_cut_frame_yields_nothing() {
        for end in 0..39 {
            assert_eq!(advert(&CAPTURED[..end]), None, "{end} bytes");
            assert_eq!(announced(&CAPTURED[..end]), None, "{end} bytes");
        }
    }
}
