//! VRRP over IPv6, where it differs.

use super::*;
use proptest::prelude::*;

const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x9c76, 0xd6ff, 0xfe91, 0xc081);
const A: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5);
const B: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6);
const VIPS: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x12), Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12)];

/// The packets of the captures v6_unicast and v6_mcast, and of another of the same keepalived: one address to
/// the group every second from fe80::ff:fe00:5, at work and when it leaves.
const UNICAST: &str = "6c02452400187040 fd000016000000000000000000000005 fd000016000000000000000000000006 \
                       3133fe010032d8ae fd000016000000000000000000000012";
const GROUPED: &str = "6c07b4cf002870ff fe800000000000009c76d6fffe91c081 ff020000000000000000000000000012 \
                       3133fe020032a423 fe800000000000000000000000000012 fd000016000000000000000000000012";
const AT_WORK: &str = "6c044465001870ff fe80000000000000000000fffe000005 ff020000000000000000000000000012 \
                       313364010064701b fd000016000000000000000000000012";
const LEAVING: &str = "6c044465001870ff fe80000000000000000000fffe000005 ff020000000000000000000000000012 \
                       313300010064d41b fd000016000000000000000000000012";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn grouped() -> Repr<'static> {
    Repr {
        dialect: Dialect::V3,
        vrid: 51,
        priority: 254,
        advert_interval: Duration::from_millis(500),
        addresses: Addresses::v6(&VIPS),
    }
}

#[test]
fn deconstruct() {
    let bytes = hex(GROUPED);
    let ip = ipv6::Packet::new(&bytes[..]).unwrap();
    let packet = Packet::from_ipv6(&ip).unwrap();
    assert_eq!(packet.family(), Family::Ipv6);
    assert_eq!((packet.version(), packet.message_type()), (3, ADVERTISEMENT));
    assert_eq!((packet.vrid(), packet.priority(), packet.address_count()), (51, 254, 2));
    assert_eq!(packet.advert_interval(), Duration::from_millis(500));
    assert_eq!(packet.checksum(), 0xa423);
    assert_eq!(packet.addresses(), Addresses::v6(&VIPS));
    assert_eq!((packet.expected_len(), packet.found_len()), (8 + 2 * 16, 40));
    assert_eq!(packet.which_rule(LINK_LOCAL, GROUP_V6), Some(ChecksumRule::PseudoHeader));
    assert_eq!((ip.dst(), ip.hop_limit()), (GROUP_V6, TTL));
}

/// Each packet is decoded, means what its configuration says, and is encoded again byte for byte.
#[test]
fn the_measured_bytes() {
    let from = |text: &str| text.parse::<Ipv6Addr>().unwrap();
    let half = Duration::from_millis(500);
    let second = Duration::from_secs(1);
    let own = from("fe80::ff:fe00:5");
    for (text, src, dst, hop_limit, priority, interval, vips) in [
        (UNICAST, A, B, 64, 254, half, &VIPS[1..]),
        (GROUPED, LINK_LOCAL, GROUP_V6, 255, 254, half, &VIPS[..]),
        (AT_WORK, own, GROUP_V6, 255, 100, second, &VIPS[1..]),
        (LEAVING, own, GROUP_V6, 255, PRIORITY_LEAVING, second, &VIPS[1..]),
    ] {
        let bytes = hex(text);
        let packet = ipv6::Packet::new(&bytes[..]).unwrap();
        let ip = ipv6::Repr::parse(&packet).unwrap();
        assert_eq!((ip.src, ip.dst, ip.hop_limit), (src, dst, hop_limit), "{text}");
        assert_eq!(ip.traffic_class, ipv6::TRAFFIC_CLASS_INTERNETWORK_CONTROL);
        let message = Packet::from_ipv6(&packet).unwrap();
        let repr = Repr::parse(&message).unwrap();
        let expected =
            Repr { priority, advert_interval: interval, addresses: Addresses::v6(vips), ..grouped() };
        assert_eq!(repr, expected);
        assert_eq!(message.which_rule(src, dst), Some(ChecksumRule::PseudoHeader));

        let mut again = vec![0xa5; ip.total_len()];
        repr.emit(ip.emit(&mut again), ChecksumRule::PseudoHeader, src, dst);
        assert_eq!(again, bytes);
    }
}

#[test]
fn emit() {
    let mut buffer = [0xa5; MAX_LEN_V6];
    grouped().emit(&mut buffer, ChecksumRule::PseudoHeader, LINK_LOCAL, GROUP_V6);
    assert_eq!(buffer[..40], hex(GROUPED)[40..]);
    assert!(buffer[40..].iter().all(|byte| *byte == 0xa5), "what follows is not touched");
}

#[test]
fn the_checksum_has_one_reading_whatever_is_asked() {
    let mut asked = [0xa5; 40];
    for rule in [ChecksumRule::Plain, ChecksumRule::PseudoHeader, ChecksumRule::GroupPseudoHeader] {
        grouped().emit(&mut asked, rule, A, B);
        let packet = Packet::over(Family::Ipv6, &asked).unwrap();
        assert!(packet.verify(rule, A, B));
        assert_eq!(packet.which_rule(A, B), Some(ChecksumRule::PseudoHeader));
        assert_eq!(packet.which_rule(A, A), None, "sent to somebody else");
    }
    for at in 0..asked.len() {
        let mut damaged = asked;
        damaged[at] ^= 0x10;
        assert_eq!(Packet::over(Family::Ipv6, &damaged).unwrap().which_rule(A, B), None, "byte {at}");
    }
}

/// Linux sums what a raw socket sends, to its end.
#[test]
fn the_checksum_counts_what_follows_the_message() {
    let mut longer = [0; 44];
    grouped().emit(&mut longer, ChecksumRule::PseudoHeader, A, B);
    assert_eq!(Packet::over(Family::Ipv6, &longer).unwrap().which_rule(A, B), None, "the length changed too");
    let sum = ChecksumRule::PseudoHeader.begin(3, A.into(), B.into(), 44);
    longer[6..8].fill(0);
    let checksum = sum.with(&longer).finish();
    longer[6..8].copy_from_slice(&checksum.to_be_bytes());
    let packet = Packet::over(Family::Ipv6, &longer).unwrap();
    assert_eq!(packet.which_rule(A, B), Some(ChecksumRule::PseudoHeader));
    assert_eq!(packet.trailer(), &[0; 4]);
    assert_eq!(Repr::parse(&packet.without_trailer().unwrap()), Ok(grouped()));
}

#[test]
fn what_is_not_spoken_is_refused_by_name() {
    let mut second = hex(UNICAST);
    second[40] = 0x21;
    let packet = Packet::over(Family::Ipv6, &second[40..]).unwrap();
    assert_eq!(
        Repr::parse(&packet),
        Err(Error::Unsupported { layer: Layer::Vrrp, field: "over IPv6, version", value: 2 })
    );
    let behind = |next_header: u8| {
        let mut bytes = hex(UNICAST);
        bytes[6] = next_header;
        Packet::from_ipv6(&ipv6::Packet::new(&bytes[..]).unwrap()).unwrap_err()
    };
    assert_eq!(behind(51), Error::AuthenticationHeader);
    assert_eq!(behind(60), Error::ExtensionHeader(Protocol::DESTINATION_OPTIONS));
    assert_eq!(behind(17), Error::Unsupported { layer: Layer::Ipv6, field: "next header", value: 17 });
}

/// A configuration can ask for it; keepalived sends it so.
#[test]
fn version_2_is_written_as_long_as_it_says() {
    let second = Repr { dialect: Dialect::V2 { authentication: Authentication::None }, ..grouped() };
    let mut bytes = [0xa5; 8 + 2 * 16 + 8];
    second.emit(&mut bytes, ChecksumRule::Plain, A, B);
    let packet = Packet::over(Family::Ipv6, &bytes).unwrap();
    assert_eq!((packet.expected_len(), packet.found_len()), (second.len(), bytes.len()));
    assert_eq!(packet.which_rule(A, B), Some(ChecksumRule::PseudoHeader));
}

#[test]
fn a_message_cut_short_gives_what_is_there() {
    let bytes = hex(GROUPED)[40..].to_vec();
    for len in HEADER_LEN..bytes.len() {
        let packet = Packet::over(Family::Ipv6, &bytes[..len]).unwrap();
        assert_eq!(packet.addresses().len(), (len - 8) / 16);
        assert_eq!(packet.addresses().iter().count(), (len - 8) / 16);
        assert_eq!(packet.which_rule(LINK_LOCAL, GROUP_V6), None);
        assert!(packet.without_trailer().is_none());
        assert_eq!(
            Repr::parse(&packet),
            Err(Error::BadLength { layer: Layer::Vrrp, stated: 40, found: len })
        );
    }
}

#[test]
fn addresses_of_two_families_do_not_panic() {
    let mut bytes = [0; 40];
    let v4 = Ipv4Addr::new(172, 16, 16, 5);
    grouped().emit(&mut bytes, ChecksumRule::PseudoHeader, v4, B);
    let packet = Packet::over(Family::Ipv6, &bytes).unwrap();
    assert_eq!(packet.which_rule(v4, B), Some(ChecksumRule::PseudoHeader));
    assert_eq!(packet.which_rule(A, B), None);
}

#[test]
fn display() {
    assert_eq!(grouped().to_string(), "vrrp v3 vrid 51 priority 254 every 0.5s [fe80::12, fd00:16::12]");
    let bytes = hex(GROUPED);
    let packet = Packet::over(Family::Ipv6, &bytes[40..]).unwrap();
    assert_eq!(packet.to_string(), grouped().to_string());
}

proptest! {
    #[test]
    fn what_is_emitted_is_parsed(
        vrid: u8,
        priority: u8,
        centis in 0u64..=4095,
        list in proptest::collection::vec(any::<[u8; 16]>().prop_map(Ipv6Addr::from), 0..=255),
        ends: ([u8; 16], [u8; 16]),
    ) {
        let (src, dst) = (Ipv6Addr::from(ends.0), Ipv6Addr::from(ends.1));
        let addresses = Addresses::v6(&list);
        let advert_interval = Duration::from_centis(centis);
        let repr = Repr { dialect: Dialect::V3, vrid, priority, advert_interval, addresses };
        let mut bytes = vec![0xa5; repr.len()];
        repr.emit(&mut bytes, ChecksumRule::PseudoHeader, src, dst);
        let packet = Packet::over(Family::Ipv6, &bytes[..]).unwrap();
        prop_assert_eq!(packet.which_rule(src, dst), Some(ChecksumRule::PseudoHeader));
        prop_assert_eq!(Repr::parse(&packet), Ok(repr));

        // A list of both families gives the same bytes, and over other bytes they are the same.
        let mixed: Vec<IpAddr> =
            list.iter().flat_map(|address| [IpAddr::V4(Ipv4Addr::LOCALHOST), (*address).into()]).collect();
        let repr = Repr { addresses: Addresses::of(Family::Ipv6, &mixed), ..repr };
        let mut again = vec![0x5a; repr.len()];
        repr.emit(&mut again, ChecksumRule::PseudoHeader, src, dst);
        prop_assert_eq!(bytes, again);
    }
}
