use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::Family;
use super::super::vrrp::{Addresses, Authentication, Dialect};
use super::*;
use proptest::prelude::*;

const A: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const B: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);
const A6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5);
const B6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6);
const VIP: [Ipv4Addr; 1] = [Ipv4Addr::new(172, 16, 16, 12)];
const VIP6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12)];
const STAMP: Stamp = Stamp::new(1_700_000_000, 0x4000, 3);

/// Messages and their trailers, key ID 7 and stamp `STAMP`, computed by hand: the code is the front of
/// HMAC-SHA256(key, pseudo header + message with a checksum of zero + the trailer's first 12 bytes + 16 zeros),
/// as another implementation of HMAC and SHA-256 has it. Keys: 00, 01, ... 1f; over IPv6 64, 65, ... a3.
const V3: &str = "3133fe0100329bd3ac10100c 010700006553f10040000003 be4110e1fbd400f5cc490a8d9b4f991f";
const V2: &str = "213364010001beadac10100c0000000000000000 010700006553f10040000003 \
                  3eacc72c72d5433d89047b6c8c1ddb15";
const OVER_V6: &str = "3133fe010032a91afd000016000000000000000000000012 010700006553f10040000003 \
                       ebfd5bdd0e8e065bc6d85237e3763ece";

fn short_key() -> Key {
    Key::new(&core::array::from_fn::<u8, 32, _>(|n| n as u8)).unwrap()
}

fn long_key() -> Key {
    Key::new(&core::array::from_fn::<u8, 64, _>(|n| n as u8 + 100)).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn v3() -> vrrp::Repr<'static> {
    vrrp::Repr {
        dialect: Dialect::V3,
        vrid: 51,
        priority: 254,
        advert_interval: Duration::from_millis(500),
        addresses: Addresses::new(&VIP),
    }
}

fn signed(message: &vrrp::Repr<'_>, key: &Key, src: impl Into<IpAddr>, dst: impl Into<IpAddr>) -> Vec<u8> {
    let mut bytes = vec![0xa5; message.len() + LEN];
    let signing = Signing { key_id: 7, key, stamp: STAMP };
    emit(message, &signing, &mut bytes, ChecksumRule::PseudoHeader, src, dst);
    bytes
}

/// The message and its trailer.
fn read(family: Family, bytes: &[u8]) -> (vrrp::Packet<&[u8]>, Repr) {
    let message = vrrp::Packet::over(family, bytes).unwrap();
    (message, Repr::behind(&message).unwrap().unwrap())
}

#[test]
fn deconstruct() {
    let bytes = hex(V3);
    let packet = Packet::new(&bytes[12..]).unwrap();
    assert_eq!((packet.scheme(), packet.key_id(), packet.reserved()), (SCHEME, 7, 0));
    let stamp = packet.stamp();
    assert_eq!((stamp.seconds(), stamp.fraction(), stamp.counter()), (1_700_000_000, 0x4000, 3));
    assert_eq!(packet.code()[..4], [0xbe, 0x41, 0x10, 0xe1]);
}

#[test]
fn the_codes_computed_by_hand() {
    assert_eq!(signed(&v3(), &short_key(), A, B), hex(V3));
    let second = vrrp::Repr {
        dialect: Dialect::V2 { authentication: Authentication::None },
        priority: 100,
        advert_interval: Duration::from_secs(1),
        ..v3()
    };
    assert_eq!(signed(&second, &short_key(), A, B), hex(V2));
    let over_v6 = vrrp::Repr { addresses: Addresses::v6(&VIP6), ..v3() };
    assert_eq!(signed(&over_v6, &long_key(), A6, B6), hex(OVER_V6));
}

#[test]
fn parse() {
    let bytes = hex(V3);
    let (message, trailer) = read(Family::Ipv4, &bytes);
    assert_eq!((trailer.key_id, trailer.stamp), (7, STAMP));
    assert!(trailer.verify(&short_key(), A, &message));
    assert_eq!(message.which_rule(A, B), Some(ChecksumRule::PseudoHeader), "as without a trailer");
    assert_eq!(vrrp::Repr::parse(&message.without_trailer().unwrap()), Ok(v3()));

    let layer = Layer::HmacTrailer;
    let refused = |at: usize, byte: u8| {
        let mut bytes = hex(V3)[12..].to_vec();
        bytes[at] = byte;
        Repr::parse(&Packet::new(&bytes[..]).unwrap()).unwrap_err()
    };
    assert_eq!(refused(0, 2), Error::Unsupported { layer, field: "scheme", value: 2 });
    assert_eq!(refused(3, 1), Error::Unsupported { layer, field: "reserved field", value: 1 });
    assert_eq!(Packet::new(&bytes[13..]).unwrap_err(), Error::Truncated { layer, needed: LEN, found: 27 });
    let alone = vrrp::Packet::new(&bytes[..12]).unwrap();
    assert_eq!(Repr::behind(&alone), None);
}

#[test]
fn emit_writes_every_byte_and_no_other() {
    let sent = hex(V3);
    let (_, trailer) = read(Family::Ipv4, &sent);
    let mut bytes = [0xa5; LEN + 1];
    trailer.emit(&mut bytes);
    assert_eq!(bytes[..trailer.len()], hex(V3)[12..]);
    assert_eq!(bytes[LEN], 0xa5, "what follows the trailer is not touched");
}

#[test]
fn whatever_is_changed_the_code_is_wrong() {
    for (family, text, key, source) in [
        (Family::Ipv4, V3, short_key(), IpAddr::V4(A)),
        (Family::Ipv4, V2, short_key(), IpAddr::V4(A)),
        (Family::Ipv6, OVER_V6, long_key(), IpAddr::V6(A6)),
    ] {
        let bytes = hex(text);
        let (message, trailer) = read(family, &bytes);
        assert!(trailer.verify(&key, source, &message));
        assert!(!trailer.verify(&Key::new(&[7; 32]).unwrap(), source, &message), "another key");
        let other = if source.is_ipv4() { IpAddr::V4(B) } else { IpAddr::V6(B6) };
        assert!(!trailer.verify(&key, other, &message), "another's address");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let message = vrrp::Packet::over(family, &damaged[..]).unwrap();
            let verified = Repr::behind(&message)
                .and_then(Result::ok)
                .is_some_and(|trailer| trailer.verify(&key, source, &message));
            assert_eq!(verified, (6..8).contains(&at), "byte {at}: only the checksum is not covered");
        }
    }
}

/// The kernel writes and verifies it, over all that the packet carries.
#[test]
fn over_ipv6_the_checksum_covers_the_trailer() {
    let bytes = hex(OVER_V6);
    let message = vrrp::Packet::over(Family::Ipv6, &bytes[..]).unwrap();
    assert_eq!(message.which_rule(A6, B6), Some(ChecksumRule::PseudoHeader));
    assert_eq!(message.without_trailer().unwrap().which_rule(A6, B6), None);
}

#[test]
fn a_message_that_is_cut_short_has_no_code() {
    let bytes = hex(V3);
    let message = vrrp::Packet::new(&bytes[..11]).unwrap();
    let key = short_key();
    assert_eq!(Repr::sign(&Signing { key_id: 7, key: &key, stamp: STAMP }, A, &message), None);
    assert!(!read(Family::Ipv4, &bytes).1.verify(&key, A, &message));
}

#[test]
fn a_key_has_32_to_64_bytes_and_is_printed_nowhere() {
    for len in [0, 31, 65, 200] {
        let error = Key::new(&vec![b'k'; len]).unwrap_err();
        assert_eq!(error, KeyLengthError { found: len });
    }
    assert_eq!(KeyLengthError { found: 8 }.to_string(), "take a key of 8 bytes: 32 to 64 are expected");
    for len in [32, 64] {
        let key = Key::new(&vec![b'k'; len]).unwrap();
        assert_eq!(format!("{key:?}"), "Key(***)");
        let signing = Signing { key_id: 1, key: &key, stamp: STAMP };
        assert!(!format!("{signing:?}").contains("107"), "{signing:?}");
    }
    assert_eq!(short_key(), short_key());
    assert_ne!(short_key(), long_key());
}

#[test]
fn a_stamp_is_after_another_as_serial_numbers_are() {
    let earlier = Stamp::new(1_700_000_000, 0x4000, 2);
    assert!(STAMP.is_after(earlier) && !earlier.is_after(STAMP) && !STAMP.is_after(STAMP));
    assert!(Stamp::new(1_700_000_000, 0x4001, 0).is_after(STAMP));
    assert!(Stamp::new(1_700_000_001, 0, 0).is_after(STAMP));
    // The seconds begin again on 7 February 2106.
    assert!(Stamp::new(0, 0, 0).is_after(Stamp::new(u32::MAX, u16::MAX, u16::MAX)));
    let half = Stamp(STAMP.0.wrapping_add(1 << 63));
    assert!(!half.is_after(STAMP) && !STAMP.is_after(half), "RFC 1982 leaves it open");
}

/// Of the last second before the seconds begin again.
const LAST_SECOND: Stamp = Stamp::new(u32::MAX, u16::MAX, 0);

#[test]
fn a_stamp_follows_the_clock_unless_the_clock_stands_still() {
    let utc = Time::from_nanos(1_700_000_000_250_000_000);
    let first = Stamp::following(None, utc);
    assert_eq!(first, Stamp::new(1_700_000_000, 0x4000, 0), "0.25 s is 0x4000 parts of 2^16");
    let second = Stamp::following(Some(first), utc);
    assert_eq!(second, Stamp::new(1_700_000_000, 0x4000, 1));
    let stepped_back = Stamp::following(Some(second), Time::from_nanos(1_600_000_000_000_000_000));
    assert_eq!(stepped_back, Stamp::new(1_700_000_000, 0x4000, 2));
    let full = Stamp::new(1_700_000_000, 0x4000, u16::MAX);
    assert_eq!(Stamp::following(Some(full), utc), Stamp::new(1_700_000_000, 0x4001, 0), "it carries");
    let later = Time::from_nanos(1_700_000_001_000_000_000);
    assert_eq!(Stamp::following(Some(full), later), Stamp::new(1_700_000_001, 0, 0));
    let begins_again = Time::from_nanos((1 << 32) * 1_000_000_000);
    assert_eq!(Stamp::following(Some(LAST_SECOND), begins_again), Stamp::new(0, 0, 0));
}

#[test]
fn a_stamp_is_fresh_within_the_window_on_either_side() {
    let at = |seconds: u64| Time::from_nanos(seconds * 1_000_000_000);
    let window = Duration::from_secs(5);
    for (seconds, fresh) in [(-6i64, false), (-5, true), (0, true), (5, true), (6, false)] {
        let utc = at(1_700_000_000u64.wrapping_add_signed(seconds));
        assert_eq!(STAMP.is_fresh(utc, window), fresh, "{seconds} s later");
    }
    assert!(Stamp::new(u32::MAX, 0, 0).is_fresh(at(1 << 32), window), "a second, around the corner");
    assert!(!Stamp::new(1 << 31, 0, 0).is_fresh(at(0), window));
}

#[test]
fn display() {
    let bytes = hex(V3);
    let (message, trailer) = read(Family::Ipv4, &bytes);
    assert_eq!(trailer.to_string(), "auth_hmac key 7 at 1700000000.250000+3");
    assert_eq!(
        message.to_string(),
        "vrrp v3 vrid 51 priority 254 every 0.5s [172.16.16.12] auth_hmac key 7 at 1700000000.250000+3"
    );
    let mut other = bytes.clone();
    other[12] = 9;
    assert_eq!(
        vrrp::Packet::new(&other[..]).unwrap().to_string(),
        "vrrp v3 vrid 51 priority 254 every 0.5s [172.16.16.12] (40 bytes instead of 12)"
    );
    assert!(Packet::new(&other[12..]).unwrap().to_string().ends_with("scheme 9 is not spoken here)"));
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(key_id: u8, stamp: u64, code: [u8; CODE_LEN]) {
        let repr = Repr { key_id, stamp: Stamp(stamp), code };
        let mut bytes = [0xa5; LEN];
        repr.emit(&mut bytes);
        prop_assert_eq!(Repr::parse(&Packet::new(&bytes).unwrap()), Ok(repr));
    }

    #[test]
    fn what_is_signed_is_verified(
        key in proptest::collection::vec(any::<u8>(), KEY_LEN_MIN..=KEY_LEN_MAX),
        key_id: u8,
        stamp: u64,
        vrid: u8,
        priority: u8,
        list in proptest::collection::vec(any::<[u8; 16]>().prop_map(Ipv6Addr::from), 0..20),
        ends: ([u8; 16], [u8; 16]),
    ) {
        let (src, dst) = (Ipv6Addr::from(ends.0), Ipv6Addr::from(ends.1));
        let key = Key::new(&key).unwrap();
        let message = vrrp::Repr { vrid, priority, addresses: Addresses::v6(&list), ..v3() };
        let signing = Signing { key_id, key: &key, stamp: Stamp(stamp) };
        let mut bytes = vec![0xa5; message.len() + LEN];
        emit(&message, &signing, &mut bytes, ChecksumRule::PseudoHeader, src, dst);
        let (received, trailer) = read(Family::Ipv6, &bytes);
        prop_assert!(trailer.verify(&key, src, &received));
        prop_assert_eq!((trailer.key_id, trailer.stamp), (key_id, Stamp(stamp)));
        prop_assert!(received.which_rule(src, dst).is_some());

        let mut again = vec![0x5a; message.len() + LEN];
        emit(&message, &signing, &mut again, ChecksumRule::PseudoHeader, src, dst);
        prop_assert_eq!(bytes, again);
    }

    #[test]
    fn of_two_stamps_at_most_one_is_after_the_other(a: u64, b: u64) {
        let (a, b) = (Stamp(a), Stamp(b));
        prop_assert!(!(a.is_after(b) && b.is_after(a)));
        prop_assert!(Stamp(a.0.wrapping_add(1)).is_after(a));
    }
}
