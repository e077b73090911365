//! Takes passwords out of frames, and keeps every checksum as right, or as wrong, as it was.

use havip::wire::ethernet::HEADER_LEN as ETHERNET;
use havip::wire::hmac_trailer::{LEN as TRAILER, SCHEME};
use havip::wire::ipv4::Protocol;
use havip::wire::vrrp::{AUTH_DATA_LEN, HEADER_LEN as VRRP};

/// What stands in a password's place.
const MASKED: [u8; AUTH_DATA_LEN] = *b"********";

/// The header of an IPv6 packet.
const IPV6: usize = 40;

/// Replaces the password of a VRRPv2 frame, or of one that an ICMP error quotes.
pub(super) fn mask(frame: &mut [u8]) {
    if matches!(frame.get(12..14), Some([0x08, 0x00] | [0x86, 0xdd])) {
        mask_packet(&mut frame[ETHERNET..]);
    }
}

/// In a packet of either family; says what the 16-bit words of it have grown by, in ones-complement.
fn mask_packet(packet: &mut [u8]) -> u16 {
    let Some(&first) = packet.first() else { return 0 };
    let word =
        |at: usize| packet.get(at..at + 2).map_or(0, |w| usize::from(u16::from_be_bytes([w[0], w[1]])));
    let (header, told, place) = match first >> 4 {
        4 => (usize::from(first & 0x0f) * 4, word(2), 9),
        // VRRP and ICMPv6 follow the header at once.
        6 => (IPV6, IPV6 + word(4), 6),
        _ => return 0,
    };
    let end = told.min(packet.len());
    if header < 20 || end < header {
        return 0;
    }
    let (protocol, body) = (Protocol(packet[place]), &mut packet[header..end]);
    let quotes = match (protocol, body.first()) {
        (Protocol::VRRP, _) => return mask_advert(body, told - header, if place == 6 { 16 } else { 4 }),
        (Protocol::ICMP, Some(kind)) => matches!(kind, 3 | 4 | 5 | 11 | 12),
        (Protocol::ICMPV6, Some(kind)) => matches!(kind, 1..=4),
        _ => false,
    };
    if !quotes || body.len() <= 8 {
        return 0;
    }
    let (head, quoted) = body.split_at_mut(8);
    let grown = mask_packet(quoted);
    grown_and_summed(head, 2, grown)
}

/// In a VRRP message with addresses of so many bytes, whatever its header says of authentication: what stands where a
/// password would, and is not empty, is one. `told` is how long the message was before it was cut for a quotation.
fn mask_advert(message: &mut [u8], told: usize, address: usize) -> u16 {
    if message.len() < VRRP {
        return 0;
    }
    let (is_v3, body) = (message[0] >> 4 == 3, VRRP + usize::from(message[3]) * address);
    let known = if is_v3 { body } else { body + AUTH_DATA_LEN };
    // Behind a message of any version may be the trailer of `auth_hmac`, whose code is no secret.
    let signed = told == known + TRAILER && message.get(known).is_none_or(|scheme| *scheme == SCHEME);
    if is_v3 && (told == known || signed) {
        return 0; // version 3 has no authentication
    }
    let place = if signed { body } else { told.saturating_sub(AUTH_DATA_LEN).max(VRRP) };
    let end = (place + AUTH_DATA_LEN).min(message.len());
    let Some(secret) = message.get(place..end).filter(|secret| secret.iter().any(|byte| *byte != 0)) else {
        return 0;
    };
    let before = sum(secret);
    let len = secret.len();
    message[place..end].copy_from_slice(&MASKED[..len]);
    let grown = add(sum(&message[place..end]), !before);
    grown_and_summed(message, 6, grown)
}

/// Brings the checksum at `place` up to date with what it covers having grown by `grown`, and says what the whole
/// has then grown by: RFC 1624, "HC' = ~(~HC + ~m + m')".
fn grown_and_summed(bytes: &mut [u8], place: usize, grown: u16) -> u16 {
    let old = u16::from_be_bytes([bytes[place], bytes[place + 1]]);
    let new = !add(!old, grown);
    bytes[place..place + 2].copy_from_slice(&new.to_be_bytes());
    add(grown, add(new, !old))
}

/// The ones-complement sum of the 16-bit words.
fn sum(bytes: &[u8]) -> u16 {
    bytes.chunks(2).fold(0, |sum, pair| add(sum, u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)])))
}

/// With the carry put back in at the end.
fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use havip::wire::{icmp, ipv4, vrrp};

    use super::*;

    /// keepalived 2.2.7's own frame, as captured; its password is `1111`.
    const CAPTURED: [u8; 54] = [
        0x02, 0, 0, 0, 0, 6, 0x02, 0, 0, 0, 0, 5, 8, 0, 0x45, 0xc0, 0, 0x28, 0, 1, 0, 0, 0xff, 0x70, 0x42,
        0x79, 0xac, 0x10, 0x10, 5, 0xac, 0x10, 0x10, 6, 0x21, 0x33, 0x64, 1, 1, 1, 0x5b, 0x4b, 0xac, 0x10,
        0x10, 0x0c, 0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0,
    ];

    fn right(packet: &[u8]) -> bool {
        let packet = ipv4::Packet::new(packet).unwrap();
        let advert = vrrp::Packet::from_ipv4(&packet).unwrap();
        packet.verify_checksum() && advert.verify(vrrp::ChecksumRule::Plain, packet.src(), packet.dst())
    }

    #[test]
    fn a_password_is_gone_and_the_checksum_right() {
        let mut frame = CAPTURED;
        assert!(right(&frame[ETHERNET..]));
        mask(&mut frame);
        assert_eq!(frame[46..], MASKED);
        assert!(right(&frame[ETHERNET..]));
        assert_eq!(frame[..40], CAPTURED[..40], "everything else stays");
    }

    #[test]
    fn a_wrong_checksum_stays_wrong() {
        let mut frame = CAPTURED;
        frame[36] ^= 1;
        mask(&mut frame);
        assert_eq!(frame[46..], MASKED);
        assert!(!right(&frame[ETHERNET..]));
    }

    #[test]
    fn a_password_is_masked_where_an_error_quotes_it_even_in_part() {
        for cut in [0, 2, 5, 8] {
            let quoted = &CAPTURED[ETHERNET..CAPTURED.len() - cut];
            let error = icmp::Repr::unreachable(icmp::Unreachable::PROTOCOL, quoted);
            let mut message = vec![0; error.len()];
            error.emit(&mut message);
            let mut packet = vec![0x45, 0, 0, (20 + message.len()) as u8, 0, 0, 0, 0, 64, 1, 0, 0];
            packet.extend([172, 16, 16, 6, 172, 16, 16, 5]);
            packet.extend(&message);
            mask_packet(&mut packet);
            assert!(!packet.windows(2).any(|two| two == b"11"), "{cut}");
            let message = icmp::Packet::new(&packet[20..]).unwrap();
            assert!(message.verify_checksum(), "{cut} bytes cut");
            assert!(cut > 0 || right(message.payload()), "the quoted checksums too");
        }
    }

    #[test]
    fn version_3_and_an_empty_password_are_left_alone() {
        let mut v3 = CAPTURED;
        (v3[34], v3[17]) = (0x31, 0x20);
        let before = v3;
        mask(&mut v3);
        assert_eq!(v3, before);
        let mut none = CAPTURED;
        none[46..].fill(0);
        let before = none;
        mask(&mut none);
        assert_eq!(none, before);
    }

    /// The same message, of version 2 or 3, with a trailer of `auth_hmac` behind it.
    fn signed(version: u8, password: [u8; 8]) -> Vec<u8> {
        let mut frame = CAPTURED[..46].to_vec();
        frame[34] = version << 4 | 1;
        if version == 2 {
            frame.extend(password);
        }
        frame.extend([SCHEME, 7, 0, 0]);
        frame.extend(0x40..0x40 + 24);
        frame[17] = (frame.len() - ETHERNET) as u8;
        frame
    }

    #[test]
    fn the_code_of_a_trailer_is_no_password_and_what_stands_before_it_is() {
        for (version, password) in [(3, [0; 8]), (2, [0; 8])] {
            let mut frame = signed(version, password);
            let before = frame.clone();
            mask(&mut frame);
            assert_eq!(frame, before, "version {version}");
        }
        let (mut frame, before) = (signed(2, *b"1111\0\0\0\0"), signed(2, *b"1111\0\0\0\0"));
        mask(&mut frame);
        assert_eq!(frame[46..54], MASKED);
        assert_eq!((&frame[..40], &frame[54..]), (&before[..40], &before[54..]));
        // As long as a trailer, and none: what is not known is masked.
        let mut other = signed(3, [0; 8]);
        let end = other.len() - 8;
        other[46] = SCHEME + 1;
        mask(&mut other);
        assert_eq!(other[end..], MASKED);
    }

    #[test]
    fn over_ipv6_a_password_is_gone_and_every_checksum_right() {
        let addresses: [Ipv6Addr; 2] = ["fd00::5".parse().unwrap(), "fd00::6".parse().unwrap()];
        let packet = |next: u8, body: &[u8]| {
            let mut packet = vec![0x60, 0, 0, 0, 0, body.len() as u8, next, 255];
            addresses.iter().for_each(|a| packet.extend(a.octets()));
            packet.extend(body);
            packet
        };
        let pseudo = |next: u8, body: &[u8]| {
            let ends = addresses.iter().fold(0, |total, a| add(total, sum(&a.octets())));
            add(add(ends, body.len() as u16), u16::from(next))
        };
        let summed = |next: u8, at: usize, mut body: Vec<u8>| {
            let check = !add(pseudo(next, &body), sum(&body));
            body[at..at + 2].copy_from_slice(&check.to_be_bytes());
            body
        };
        let is_right = |next: u8, body: &[u8]| add(pseudo(next, body), sum(body)) == 0xffff;
        // keepalived that is not strict speaks a version 2 over IPv6 that nobody else knows.
        let mut advert = vec![0x21, 51, 100, 1, 1, 1, 0, 0];
        advert.extend([0xfd; 16]);
        advert.extend(*b"secret\0\0");
        let advert = packet(112, &summed(112, 6, advert));
        let mut frame = vec![0; 12];
        frame.extend([0x86, 0xdd]);
        let mut error = vec![1, 4, 0, 0, 0, 0, 0, 0];
        error.extend(&advert);
        for (next, body) in [(112, advert[IPV6..].to_vec()), (58, summed(58, 2, error))] {
            assert!(is_right(next, &body));
            let mut frame = [frame.clone(), packet(next, &body)].concat();
            mask(&mut frame);
            assert!(!frame.windows(6).any(|w| w == b"secret") && frame.ends_with(&MASKED), "{next}");
            assert!(is_right(next, &frame[ETHERNET + IPV6..]), "{next}");
        }
        let plain = [
            frame,
            packet(112, &summed(112, 6, [vec![0x31, 51, 100, 1, 0, 100, 0, 0], vec![0xfd; 16]].concat())),
        ];
        let mut masked = plain.concat();
        mask(&mut masked);
        assert_eq!(masked, plain.concat(), "version 3");
    }

    #[test]
    fn whatever_comes_is_left_standing() {
        for len in 0..CAPTURED.len() {
            mask(&mut CAPTURED[..len].to_vec());
        }
        for i in 0..CAPTURED.len() {
            let mut frame = CAPTURED;
            frame[i] = 0xff;
            mask(&mut frame);
        }
    }
}
