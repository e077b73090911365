//! Takes passwords out of frames, and keeps every checksum as right, or as wrong, as it was.

use havip::wire::ethernet::HEADER_LEN as ETHERNET;
use havip::wire::ipv4::Protocol;
use havip::wire::vrrp::{AUTH_DATA_LEN, HEADER_LEN as VRRP};

/// What stands in a password's place.
const MASKED: [u8; AUTH_DATA_LEN] = *b"********";

/// Replaces the password of a VRRPv2 frame, or of one that an ICMP error quotes.
pub(super) fn mask(frame: &mut [u8]) {
    if frame.get(12..14) == Some(&[0x08, 0x00]) {
        mask_packet(&mut frame[ETHERNET..]);
    }
}

/// In an IPv4 packet; says what the 16-bit words of it have grown by, in ones-complement.
fn mask_packet(packet: &mut [u8]) -> u16 {
    let Some(&first) = packet.first() else { return 0 };
    let header = usize::from(first & 0x0f) * 4;
    let told = packet.get(2..4).map_or(0, |len| usize::from(u16::from_be_bytes([len[0], len[1]])));
    let end = told.min(packet.len());
    if first >> 4 != 4 || header < 20 || end < header {
        return 0;
    }
    let (protocol, body) = (Protocol(packet[9]), &mut packet[header..end]);
    match protocol {
        Protocol::VRRP => mask_advert(body, told - header),
        Protocol::ICMP if matches!(body.first(), Some(3 | 4 | 5 | 11 | 12)) && body.len() > 8 => {
            let (head, quoted) = body.split_at_mut(8);
            let grown = mask_packet(quoted);
            grown_and_summed(head, 2, grown)
        }
        _ => 0,
    }
}

/// In a VRRP message, whatever its header says of authentication: what stands where a password would, and is not
/// empty, is one. `told` is how long the message was before it was cut for a quotation.
fn mask_advert(message: &mut [u8], told: usize) -> u16 {
    if message.len() < VRRP {
        return 0;
    }
    let addresses = usize::from(message[3]) * 4;
    if message[0] >> 4 == 3 && told == VRRP + addresses {
        return 0; // version 3 has no authentication
    }
    let place = told.saturating_sub(AUTH_DATA_LEN).max(VRRP);
    let Some(secret) = message.get(place..).filter(|secret| secret.iter().any(|byte| *byte != 0)) else {
        return 0;
    };
    let before = sum(secret);
    let len = secret.len().min(AUTH_DATA_LEN);
    message[place..place + len].copy_from_slice(&MASKED[..len]);
    let grown = add(sum(&message[place..]), !before);
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
