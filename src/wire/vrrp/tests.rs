use super::*;
use proptest::prelude::*;

const A: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const B: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);
const VIPS: [Ipv4Addr; 2] = [Ipv4Addr::new(172, 16, 16, 12), Ipv4Addr::new(172, 16, 16, 13)];

/// As keepalived 2.2.7 sends two addresses with the password 1111.
const V2: [u8; 24] = [
    0x21, 0x33, 0x5a, 0x02, 0x01, 0x01, 0xa9, 0x2c, 0xac, 0x10, 0x10, 0x0c, 0xac, 0x10, 0x10, 0x0d, 0x31,
    0x31, 0x31, 0x31, 0x00, 0x00, 0x00, 0x00,
];
/// As keepalived 2.2.7 sends one address to 172.16.16.6 every half second.
const V3: [u8; 12] = [0x31, 0x33, 0xfe, 0x01, 0x00, 0x32, 0x9b, 0xd3, 0xac, 0x10, 0x10, 0x0c];

fn v2() -> Repr<'static> {
    Repr {
        dialect: Dialect::V2 { authentication: Authentication::SimpleText(AuthData::from_text(b"1111")) },
        vrid: 51,
        priority: 90,
        advert_interval: Duration::from_secs(1),
        addresses: Addresses::new(&VIPS),
    }
}

fn v3() -> Repr<'static> {
    Repr {
        dialect: Dialect::V3,
        vrid: 51,
        priority: 254,
        advert_interval: Duration::from_millis(500),
        addresses: Addresses::new(&VIPS[..1]),
    }
}

fn emitted(repr: &Repr<'_>, rule: ChecksumRule) -> Vec<u8> {
    let mut bytes = vec![0xa5; repr.len()];
    repr.emit(&mut bytes, rule, A, B);
    bytes
}

/// `bytes` with one of them changed.
fn with(bytes: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = byte;
    bytes
}

#[test]
fn deconstruct_version_2() {
    let packet = Packet::new(&V2).unwrap();
    assert_eq!((packet.version(), packet.message_type()), (2, ADVERTISEMENT));
    assert_eq!((packet.vrid(), packet.priority(), packet.address_count()), (51, 90, 2));
    assert_eq!(packet.auth_type(), AuthType::SIMPLE_TEXT);
    assert_eq!(packet.v2_interval(), Duration::from_secs(1));
    assert_eq!(packet.advert_interval(), Duration::from_secs(1));
    assert_eq!(packet.checksum(), 0xa92c);
    assert_eq!(packet.addresses(), Addresses::new(&VIPS));
    assert_eq!(packet.authentication_data(), Some(AuthData::new(*b"1111\0\0\0\0")));
    assert_eq!((packet.expected_len(), packet.found_len()), (8 + 2 * 4 + 8, 24));
    assert_eq!(packet.trailer(), &[]);
    assert_eq!(packet.which_rule(A, B), Some(ChecksumRule::Plain));
}

#[test]
fn deconstruct_version_3() {
    let packet = Packet::new(&V3).unwrap();
    assert_eq!((packet.version(), packet.message_type()), (3, ADVERTISEMENT));
    assert_eq!((packet.vrid(), packet.priority(), packet.address_count()), (51, 254, 1));
    assert_eq!(packet.v3_max_interval(), Duration::from_centis(50));
    assert_eq!(packet.advert_interval(), Duration::from_millis(500));
    assert_eq!(packet.checksum(), 0x9bd3);
    assert_eq!(packet.addresses(), Addresses::new(&VIPS[..1]));
    assert_eq!(packet.authentication_data(), None);
    assert_eq!((packet.expected_len(), packet.found_len()), (8 + 4, 12));
    assert_eq!(packet.which_rule(A, B), Some(ChecksumRule::PseudoHeader));
}

#[test]
fn construct() {
    assert_eq!(emitted(&v2(), ChecksumRule::Plain), V2);
    assert_eq!(emitted(&v3(), ChecksumRule::PseudoHeader), V3);
}

#[test]
fn parse() {
    assert_eq!(Repr::parse(&Packet::new(&V2).unwrap()), Ok(v2()));
    assert_eq!(Repr::parse(&Packet::new(&V3).unwrap()), Ok(v3()));
}

#[test]
fn emit() {
    for (repr, bytes) in [(v2(), &V2[..]), (v3(), &V3)] {
        let mut buffer = [0xa5; MAX_LEN];
        repr.emit(&mut buffer, ChecksumRule::PseudoHeader, A, B);
        assert_eq!(&buffer[..repr.len()], bytes);
        assert!(buffer[repr.len()..].iter().all(|byte| *byte == 0xa5), "what follows is not touched");
    }
}

#[test]
fn every_reading_of_the_checksum_is_told_from_the_others() {
    let rules = [ChecksumRule::Plain, ChecksumRule::PseudoHeader, ChecksumRule::GroupPseudoHeader];
    for sent in rules {
        let bytes = emitted(&v3(), sent);
        let packet = Packet::new(&bytes).unwrap();
        assert_eq!(packet.which_rule(A, B), Some(sent));
        for rule in rules {
            assert_eq!(packet.verify(rule, A, B), rule == sent, "{rule} of one sent {sent}");
        }
    }
    // To the group, both pseudo headers are the same one.
    let mut bytes = [0xa5; 12];
    v3().emit(&mut bytes, ChecksumRule::GroupPseudoHeader, A, GROUP);
    assert_eq!(Packet::new(&bytes).unwrap().which_rule(A, GROUP), Some(ChecksumRule::PseudoHeader));
}

#[test]
fn version_2_has_one_reading_of_the_checksum_whatever_is_asked() {
    assert_eq!(emitted(&v2(), ChecksumRule::PseudoHeader), V2);
    let packet = Packet::new(&V2).unwrap();
    assert!(packet.verify(ChecksumRule::GroupPseudoHeader, A, B));
}

#[test]
fn a_damaged_message_obeys_no_rule() {
    for (at, byte) in V2.iter().enumerate() {
        let bytes = with(&V2, at, byte ^ 0x10);
        assert_eq!(Packet::new(&bytes).unwrap().which_rule(A, B), None, "byte {at}, the password's too");
    }
    for (at, byte) in V3.iter().enumerate() {
        let bytes = with(&V3, at, byte ^ 0x10);
        assert_eq!(Packet::new(&bytes).unwrap().which_rule(A, B), None, "byte {at}");
    }
    assert_eq!(Packet::new(&V3).unwrap().which_rule(A, A), None, "sent to somebody else");
}

#[test]
fn the_checksum_does_not_count_what_follows_the_message() {
    let mut padded = V3.to_vec();
    padded.resize(26, 0xa5);
    let packet = Packet::new(&padded).unwrap();
    assert!(packet.verify(ChecksumRule::PseudoHeader, A, B));
    assert_eq!(packet.trailer(), &[0xa5; 14]);
    let refused = Error::BadLength { layer: Layer::Vrrp, stated: 12, found: 26 };
    assert_eq!(
        Repr::parse(&packet),
        Err(refused),
        "an IP packet knows its length; its receiver may not care"
    );
}

#[test]
fn a_message_cut_short_gives_what_is_there() {
    for len in 0..V2.len() {
        match Packet::new(&V2[..len]) {
            Err(error) => {
                assert!(len < HEADER_LEN);
                assert_eq!(error, Error::Truncated { layer: Layer::Vrrp, needed: 8, found: len });
            }
            Ok(packet) => {
                assert_eq!(packet.addresses().len(), ((len - 8) / 4).min(2));
                assert_eq!(packet.authentication_data(), None);
                assert!(!packet.verify(ChecksumRule::Plain, A, B));
                assert_eq!(packet.trailer(), &[]);
                let refused = Error::BadLength { layer: Layer::Vrrp, stated: 24, found: len };
                assert_eq!(Repr::parse(&packet), Err(refused));
            }
        }
    }
}

#[test]
fn what_is_not_spoken_is_refused_by_name() {
    let refused = |bytes: &[u8]| Repr::parse(&Packet::new(bytes).unwrap()).unwrap_err();
    let unsupported = |field, value| Error::Unsupported { layer: Layer::Vrrp, field, value };
    assert_eq!(refused(&with(&V2, 0, 0x11)), unsupported("version", 1));
    assert_eq!(refused(&with(&V3, 0, 0x41)), unsupported("version", 4));
    assert_eq!(refused(&with(&V2, 0, 0x22)), unsupported("type", 2));
    assert_eq!(refused(&with(&V2, 4, 3)), unsupported("authentication type", 3));
    assert_eq!(refused(&with(&V2, 4, 2)), Error::AuthenticationHeader);
}

#[test]
fn without_authentication_the_data_is_ignored() {
    let bytes = with(&V2, 4, 0);
    let parsed = Repr::parse(&Packet::new(&bytes).unwrap()).unwrap();
    assert_eq!(parsed.dialect, Dialect::V2 { authentication: Authentication::None });
    assert_eq!(emitted(&parsed, ChecksumRule::Plain)[16..], [0; 8], "and sent as zeros");
}

#[test]
fn the_reserved_bits_of_version_3_are_ignored() {
    let packet = with(&V3, 4, 0xf0);
    assert_eq!(Packet::new(&packet).unwrap().v3_max_interval(), Duration::from_centis(50));
    assert_eq!(Repr::parse(&Packet::new(&packet).unwrap()), Ok(v3()));
}

#[test]
fn an_interval_never_becomes_zero_and_never_wraps() {
    let v2_byte = |interval| emitted(&Repr { advert_interval: interval, ..v2() }, ChecksumRule::Plain)[5];
    assert_eq!(v2_byte(Duration::from_millis(400)), 1, "0 would be a flood of advertisements");
    assert_eq!(v2_byte(Duration::from_millis(1900)), 1);
    assert_eq!(v2_byte(Duration::from_secs(255)), 255);
    assert_eq!(v2_byte(Duration::from_secs(256)), 255);
    assert_eq!(v2_byte(Duration::MAX), 255);
    assert_eq!(v2_byte(Duration::ZERO), 0, "who asks for it gets it");

    let v3_word = |interval| {
        let bytes = emitted(&Repr { advert_interval: interval, ..v3() }, ChecksumRule::Plain);
        u16::from_be_bytes([bytes[4], bytes[5]])
    };
    assert_eq!(v3_word(Duration::from_millis(1)), 1);
    assert_eq!(v3_word(Duration::from_millis(40_950)), 4095);
    assert_eq!(v3_word(Duration::from_secs(41)), 4095, "the four bits before it stay zero");
    assert_eq!(v3_word(Duration::ZERO), 0);
}

#[test]
fn as_many_addresses_as_the_count_can_say() {
    let list = vec![A; 300];
    let repr = Repr { addresses: Addresses::new(&list), ..v2() };
    assert_eq!(repr.addresses.len(), 255);
    assert_eq!(repr.len(), MAX_LEN);
    let bytes = emitted(&repr, ChecksumRule::Plain);
    assert_eq!(Repr::parse(&Packet::new(&bytes[..]).unwrap()), Ok(repr));
    let none = Repr { addresses: Addresses::new(&[]), ..v3() };
    assert_eq!(none.len(), HEADER_LEN);
    assert!(none.addresses.is_empty());
}

#[test]
fn a_password_is_cut_at_eight_bytes_and_filled_with_zeros() {
    assert_eq!(AuthData::from_text(b"abcdefghij").expose(), b"abcdefgh");
    assert_eq!(AuthData::from_text(b"1111").expose(), b"1111\0\0\0\0");
    assert_eq!(AuthData::from_text(b"").expose(), &[0; 8]);
    assert_ne!(AuthData::from_text(b"1111"), AuthData::from_text(b"11111"));
    assert_ne!(AuthData::from_text(b"0111"), AuthData::from_text(b"1111"));
}

#[test]
fn display() {
    assert_eq!(
        v2().to_string(),
        "vrrp v2 vrid 51 priority 90 every 1s auth pass [172.16.16.12, 172.16.16.13]"
    );
    assert_eq!(v3().to_string(), "vrrp v3 vrid 51 priority 254 every 0.5s [172.16.16.12]");
    let hundredths = Repr { advert_interval: Duration::from_millis(10), ..v3() };
    assert!(hundredths.to_string().contains(" every 0.01s "), "{hundredths}");
    assert_eq!(Packet::new(&V2).unwrap().to_string(), v2().to_string());
    assert_eq!(Packet::new(&V3).unwrap().to_string(), v3().to_string());
    assert_eq!(
        Packet::new(&V3[..10]).unwrap().to_string(),
        "vrrp v3 vrid 51 priority 254 every 0.5s [] (10 bytes instead of 12)"
    );
    let many = [A; 6];
    assert!(Addresses::new(&many).to_string().ends_with(", and 2 more]"));
}

#[test]
fn the_password_is_printed_nowhere() {
    let secret = Repr {
        dialect: Dialect::V2 { authentication: Authentication::SimpleText(AuthData::from_text(b"hunter22")) },
        ..v2()
    };
    let bytes = emitted(&secret, ChecksumRule::Plain);
    let packet = Packet::new(&bytes).unwrap();
    for said in [format!("{secret}"), format!("{secret:?}"), format!("{packet}"), format!("{packet:?}")] {
        assert!(!said.contains("hunter22") && !said.contains("104, 117"), "{said}");
    }
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(
        version in prop_oneof![Just(Version::V2), Just(Version::V3)],
        password in proptest::option::of(any::<[u8; 8]>()),
        vrid: u8,
        priority: u8,
        units in 0u64..=4095,
        list in proptest::collection::vec(any::<[u8; 4]>().prop_map(Ipv4Addr::from), 0..=255),
        rule in prop_oneof![
            Just(ChecksumRule::Plain), Just(ChecksumRule::PseudoHeader), Just(ChecksumRule::GroupPseudoHeader)
        ],
        src: [u8; 4],
        dst: [u8; 4],
    ) {
        let (src, dst) = (Ipv4Addr::from(src), Ipv4Addr::from(dst));
        let (dialect, advert_interval) = match version {
            Version::V2 => {
                let authentication = password
                    .map_or(Authentication::None, |bytes| Authentication::SimpleText(AuthData::new(bytes)));
                (Dialect::V2 { authentication }, Duration::from_secs(units % 256))
            }
            Version::V3 => (Dialect::V3, Duration::from_centis(units)),
        };
        let repr = Repr { dialect, vrid, priority, advert_interval, addresses: Addresses::new(&list) };
        let mut bytes = vec![0xa5; repr.len()];
        repr.emit(&mut bytes, rule, src, dst);
        let packet = Packet::new(&bytes[..]).unwrap();
        prop_assert!(packet.verify(rule, src, dst));
        prop_assert!(packet.which_rule(src, dst).is_some());
        prop_assert_eq!(Repr::parse(&packet), Ok(repr));

        // And over other bytes the same: every byte of the message is written.
        let mut again = vec![0x5a; repr.len()];
        repr.emit(&mut again, rule, src, dst);
        prop_assert_eq!(bytes, again);
    }
}
