//! The codecs against what keepalived 2.2.7 really sent: every capture of `tests/golden` is decoded frame by
//! frame, is encoded again byte for byte, and its checksums are right by the rule of its configuration.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

use havip::time::Duration;
use havip::wire::arp;
use havip::wire::ethernet::{self, EtherType, Frame, Mac};
use havip::wire::ipv4::{self, Protocol, TOS_INTERNETWORK_CONTROL};
use havip::wire::vrrp::{
    self, Addresses, AuthData, Authentication, ChecksumRule, Dialect, GROUP, GROUP_V6, Version,
};
use havip::wire::{Error, ipv6, ndp, pretty};

const DIRECTORY: &str = "tests/golden";
const OWN: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const PEER_6: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);
const PEER_7: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 7);
const VIPS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(172, 16, 16, 12), Ipv4Addr::new(172, 16, 16, 13), Ipv4Addr::new(10, 1, 2, 3)];

/// A capture, and what its configuration says must be in it.
struct Capture {
    name: &'static str,
    dialect: Dialect,
    priority: u8,
    interval: Duration,
    vips: &'static [Ipv4Addr],
    destinations: &'static [Ipv4Addr],
    ttl: u8,
    rule: ChecksumRule,
}

/// Capture after capture differs from this one in what its name says.
const V2: Capture = Capture {
    name: "v2_mcast_none",
    dialect: Dialect::V2 { authentication: Authentication::None },
    priority: 254,
    interval: Duration::from_secs(1),
    vips: VIPS.split_at(1).0,
    destinations: &[GROUP],
    ttl: 255,
    rule: ChecksumRule::Plain,
};
const V3: Capture = Capture {
    name: "v3_mcast",
    dialect: Dialect::V3,
    interval: Duration::from_millis(500),
    rule: ChecksumRule::PseudoHeader,
    ..V2
};
const PASS_1111: Dialect = pass(*b"1111\0\0\0\0");

impl Capture {
    fn version(&self) -> Version {
        match self.dialect {
            Dialect::V2 { .. } => Version::V2,
            Dialect::V3 => Version::V3,
        }
    }
}

const fn pass(password: [u8; 8]) -> Dialect {
    Dialect::V2 { authentication: Authentication::SimpleText(AuthData::new(password)) }
}

const SPOKEN: [Capture; 11] = [
    V2,
    Capture { name: "v2_mcast_pass", dialect: PASS_1111, ..V2 },
    Capture { name: "v2_mcast_pass8_3vips", dialect: pass(*b"abcdefgh"), vips: &VIPS, ..V2 },
    Capture { name: "v2_prio255", priority: 255, ..V2 },
    Capture { name: "v2_unicast_2peers_ttl7", destinations: &[PEER_6, PEER_7], ttl: 7, ..V2 },
    Capture { name: "v2_unicast_pass", dialect: PASS_1111, destinations: &[PEER_6], ..V2 },
    V3,
    Capture { name: "v3_adv_0_01", interval: Duration::from_millis(10), ..V3 },
    Capture { name: "v3_unicast", destinations: &[PEER_6], ..V3 },
    Capture { name: "v3_unicast_2peers", destinations: &[PEER_6, PEER_7], ..V3 },
    Capture {
        name: "v3_unicast_oldcksum",
        destinations: &[PEER_6],
        rule: ChecksumRule::GroupPseudoHeader,
        ..V3
    },
];
/// `auth_type AH`: known by name, and refused.
const REFUSED: &str = "v2_mcast_ah";

/// A capture over IPv6, all of version 3, priority 254 and half a second.
struct CaptureV6 {
    name: &'static str,
    src: Ipv6Addr,
    dst: Ipv6Addr,
    hop_limit: u8,
    vips: &'static [Ipv6Addr],
}

const VIPS_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x12), Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12)];
const SPOKEN_V6: [CaptureV6; 2] = [
    CaptureV6 {
        name: "v6_mcast",
        src: Ipv6Addr::new(0xfe80, 0, 0, 0, 0x9c76, 0xd6ff, 0xfe91, 0xc081),
        dst: GROUP_V6,
        hop_limit: 255,
        vips: &VIPS_V6,
    },
    CaptureV6 {
        name: "v6_unicast",
        src: Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5),
        dst: Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6),
        // The kernel's own, since keepalived sets none.
        hop_limit: 64,
        vips: VIPS_V6.split_at(1).1,
    },
];

/// The frames of a pcap file: little-endian, microseconds, Ethernet, nothing cut off.
fn frames(name: &str) -> Vec<Vec<u8>> {
    let file = fs::read(format!("{DIRECTORY}/{name}.pcap")).unwrap_or_else(|error| panic!("{name}: {error}"));
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 1), "{name} is no such file");
    let mut frames = Vec::new();
    let mut at = 24;
    while at < file.len() {
        let (captured, sent) = (word(at + 8), word(at + 12));
        assert_eq!(captured, sent, "{name} has a frame that was cut");
        let end = at + 16 + captured as usize;
        frames.push(file[at + 16..end].to_vec());
        at = end;
    }
    frames
}

#[test]
fn every_capture_is_accounted_for() {
    let mut found: Vec<String> = fs::read_dir(DIRECTORY)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".pcap").map(str::to_owned))
        .collect();
    found.sort();
    let mut known: Vec<&str> = SPOKEN.iter().map(|capture| capture.name).chain([REFUSED]).collect();
    known.extend(SPOKEN_V6.iter().map(|capture| capture.name));
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn every_advertisement_means_what_its_configuration_says() {
    for capture in &SPOKEN {
        let name = capture.name;
        let mut adverts = 0;
        let mut last_priority = None;
        for frame in frames(name) {
            let frame = Frame::new(&frame[..]).unwrap();
            if frame.ethertype() != EtherType::IPV4 {
                continue;
            }
            let nth_destination = adverts % capture.destinations.len();
            let dst = capture.destinations[nth_destination];
            let ip = ipv4::Packet::new(frame.payload()).unwrap();
            let expected = ipv4::Repr {
                src: OWN,
                dst,
                protocol: Protocol::VRRP,
                ttl: capture.ttl,
                tos: TOS_INTERNETWORK_CONTROL,
                // 1, 2, 3... per advertisement: the copies for several peers share one.
                identification: (adverts / capture.destinations.len()) as u16 + 1,
                dont_fragment: false,
                payload_len: capture.version().message_len(capture.vips.len() as u8) as u16,
            };
            assert_eq!(ipv4::Repr::parse(&ip), Ok(expected), "{name}");
            if dst.is_multicast() {
                assert_eq!(frame.dst(), Mac::for_multicast(dst), "{name}");
            }

            let advert = vrrp::Packet::from_ipv4(&ip).unwrap();
            let parsed = vrrp::Repr::parse(&advert).unwrap();
            let expected = vrrp::Repr {
                dialect: capture.dialect,
                vrid: 51,
                priority: parsed.priority,
                advert_interval: capture.interval,
                addresses: Addresses::new(capture.vips),
            };
            assert_eq!(parsed, expected, "{name}");
            assert!([capture.priority, vrrp::PRIORITY_LEAVING].contains(&parsed.priority), "{name}");
            assert_eq!(advert.which_rule(OWN, dst), Some(capture.rule), "{name}");
            last_priority = Some(parsed.priority);
            adverts += 1;
        }
        assert!(adverts >= 4, "{name} has {adverts}");
        assert_eq!(last_priority, Some(vrrp::PRIORITY_LEAVING), "{name} ends when keepalived was stopped");
    }
}

#[test]
fn every_frame_is_encoded_again_byte_for_byte() {
    for capture in &SPOKEN {
        for bytes in frames(capture.name) {
            let again = encoded_again(&bytes, capture.rule);
            assert_eq!(again, bytes, "{}: {:?}", capture.name, pretty(&bytes));
        }
    }
}

/// Decodes a frame to the last field, and encodes what was decoded over a buffer full of 0xa5.
fn encoded_again(bytes: &[u8], rule: ChecksumRule) -> Vec<u8> {
    let mut again = vec![0xa5; bytes.len()];
    let frame = Frame::new(bytes).unwrap();
    let rest = ethernet::Repr::parse(&frame).emit(&mut again);
    match frame.ethertype() {
        EtherType::ARP => {
            arp::Repr::parse(&arp::Packet::new(frame.payload()).unwrap()).unwrap().emit(rest);
        }
        EtherType::IPV4 => {
            let packet = ipv4::Packet::new(frame.payload()).unwrap();
            let ip = ipv4::Repr::parse(&packet).unwrap();
            let advert = vrrp::Repr::parse(&vrrp::Packet::from_ipv4(&packet).unwrap()).unwrap();
            advert.emit(ip.emit(rest), rule, ip.src, ip.dst);
        }
        other => panic!("{other} in an IPv4 capture"),
    }
    again
}

#[test]
fn every_announcement_is_one_that_we_would_send() {
    for capture in &SPOKEN {
        let mut announced = 0;
        for bytes in frames(capture.name) {
            let frame = Frame::new(&bytes[..]).unwrap();
            if frame.ethertype() != EtherType::ARP {
                continue;
            }
            let vip = capture.vips[announced % capture.vips.len()];
            assert_eq!(bytes, arp::Repr::announcement(frame.src(), vip).frame_to(Mac::BROADCAST));
            let arp = arp::Repr::parse(&arp::Packet::new(frame.payload()).unwrap()).unwrap();
            assert!(arp.is_gratuitous());
            announced += 1;
        }
        // garp_master_repeat 5; a second burst where the capture goes on past garp_master_delay.
        assert!(announced % (5 * capture.vips.len()) == 0 && announced > 0, "{}: {announced}", capture.name);
    }
}

#[test]
fn an_authentication_header_is_refused_by_name() {
    let mut refused = 0;
    for bytes in frames(REFUSED) {
        let frame = Frame::new(&bytes[..]).unwrap();
        if frame.ethertype() != EtherType::IPV4 {
            continue;
        }
        let ip = ipv4::Packet::new(frame.payload()).unwrap();
        assert_eq!(ip.protocol(), Protocol::AH);
        assert!(ip.verify_checksum());
        assert_eq!(vrrp::Packet::from_ipv4(&ip).unwrap_err(), Error::AuthenticationHeader);
        assert!(pretty(&bytes).to_string().contains("auth_type AH"), "{:?}", pretty(&bytes));

        // The advertisement behind the 24 bytes of the header says so too, to who looks there.
        let advert = vrrp::Packet::new(&ip.payload()[24..]).unwrap();
        assert_eq!(advert.auth_type(), vrrp::AuthType::AUTHENTICATION_HEADER);
        assert_eq!(vrrp::Repr::parse(&advert), Err(Error::AuthenticationHeader));
        assert_eq!(advert.which_rule(ip.src(), ip.dst()), Some(ChecksumRule::Plain));
        refused += 1;
    }
    assert_eq!(refused, 4);
}

/// Every frame over IPv6 is decoded, means what its configuration says, and is encoded again byte for byte.
#[test]
fn every_frame_over_ipv6_is_one_that_we_would_send() {
    for capture in &SPOKEN_V6 {
        let name = capture.name;
        let (mut adverts, mut announced, mut last_priority) = (0, 0, None);
        for bytes in frames(name) {
            let frame = Frame::new(&bytes[..]).unwrap();
            assert_eq!(frame.ethertype(), EtherType::IPV6);
            let packet = ipv6::Packet::new(frame.payload()).unwrap();
            let ip = ipv6::Repr::parse(&packet).unwrap();
            if ip.next_header == Protocol::ICMPV6 {
                let vip = capture.vips[announced % capture.vips.len()];
                assert_eq!(bytes, ndp::announcement_frame(frame.src(), vip, false), "{name}");
                let message = ndp::Packet::new(packet.payload()).unwrap();
                let announcement = ndp::Repr::announcement(frame.src(), vip, false);
                assert_eq!(ndp::Repr::parse(&message, &ip), Ok(announcement));
                announced += 1;
                continue;
            }
            let expected = ipv6::Repr {
                src: capture.src,
                dst: capture.dst,
                next_header: Protocol::VRRP,
                hop_limit: capture.hop_limit,
                traffic_class: ipv6::TRAFFIC_CLASS_INTERNETWORK_CONTROL,
                // The kernel's, which no configuration says.
                flow_label: ip.flow_label,
                payload_len: 8 + 16 * capture.vips.len() as u16,
            };
            assert_eq!(ip, expected, "{name}");
            if ip.dst.is_multicast() {
                assert_eq!(frame.dst(), Mac::for_multicast_v6(ip.dst), "{name}");
            }
            let message = vrrp::Packet::from_ipv6(&packet).unwrap();
            let advert = vrrp::Repr::parse(&message).unwrap();
            let expected = vrrp::Repr {
                dialect: Dialect::V3,
                vrid: 51,
                priority: advert.priority,
                advert_interval: V3.interval,
                addresses: Addresses::v6(capture.vips),
            };
            assert_eq!(advert, expected, "{name}");
            assert_eq!(message.which_rule(ip.src, ip.dst), Some(ChecksumRule::PseudoHeader), "{name}");

            let mut again = vec![0xa5; bytes.len()];
            let rest = ethernet::Repr::parse(&frame).emit(&mut again);
            advert.emit(ip.emit(rest), ChecksumRule::PseudoHeader, ip.src, ip.dst);
            assert_eq!(again, bytes, "{name}: {:?}", pretty(&bytes));
            (adverts, last_priority) = (adverts + 1, Some(advert.priority));
        }
        assert!(adverts >= 4, "{name} has {adverts}");
        assert_eq!(last_priority, Some(vrrp::PRIORITY_LEAVING), "{name} ends when keepalived was stopped");
        assert!(announced % (5 * capture.vips.len()) == 0 && announced > 0, "{name}: {announced}");
    }
}

#[test]
fn a_frame_in_a_line() {
    let lines = |name| {
        let mut lines: Vec<String> = frames(name).iter().map(|frame| pretty(frame).to_string()).collect();
        lines.dedup();
        lines
    };
    assert_eq!(
        lines("v2_mcast_pass8_3vips")[0],
        "172.16.16.5 -> 224.0.0.18 vrrp v2 vrid 51 priority 254 every 1s auth pass \
         [172.16.16.12, 172.16.16.13, 10.1.2.3]"
    );
    let old = lines("v3_unicast_oldcksum");
    let begin = "172.16.16.5 -> 172.16.16.6 vrrp v3 vrid 51 priority";
    assert_eq!(
        old[0],
        format!("{begin} 254 every 0.5s [172.16.16.12] (checksum with the group's pseudo header)")
    );
    assert_eq!(old[1], "garp request 172.16.16.12 is at 9e:76:d6:91:c0:81");
    let over_ipv6 = lines("v6_mcast");
    assert_eq!(
        over_ipv6[0],
        "fe80::9c76:d6ff:fe91:c081 -> ff02::12 vrrp v3 vrid 51 priority 254 every 0.5s [fe80::12, fd00:16::12]"
    );
    assert_eq!(
        over_ipv6[1],
        "fe80::12 -> ff02::1 unsolicited na fe80::12 is at 9e:76:d6:91:c0:81 (override)"
    );
}

/// The bytes that were measured, one row a message: what it means, and how the wire has it.
#[test]
fn the_measured_bytes() {
    let none = V2.dialect;
    let abcdefgh = pass(*b"abcdefgh");
    let (plain, pseudo, old) =
        (ChecksumRule::Plain, ChecksumRule::PseudoHeader, ChecksumRule::GroupPseudoHeader);
    let one = &VIPS[..1];
    let rows = [
        (none, 254, one, GROUP, plain, "2133fe01000124ad ac10100c 0000000000000000"),
        (none, 0, one, GROUP, plain, "21330001000122ae ac10100c 0000000000000000"),
        (none, 255, one, GROUP, plain, "2133ff01000123ad ac10100c 0000000000000000"),
        (PASS_1111, 254, one, GROUP, plain, "2133fe010101c14a ac10100c 3131313100000000"),
        (PASS_1111, 150, one, GROUP, plain, "213396010101294b ac10100c 3131313100000000"),
        (PASS_1111, 100, one, GROUP, plain, "2133640101015b4b ac10100c 3131313100000000"),
        (PASS_1111, 0, one, GROUP, plain, "213300010101bf4b ac10100c 3131313100000000"),
        (abcdefgh, 254, &VIPS, GROUP, plain, "2133fe030101c9f3 ac10100c ac10100d 0a010203 6162636465666768"),
        (V3.dialect, 254, one, GROUP, pseudo, "3133fe01003277d7 ac10100c"),
        (V3.dialect, 0, one, GROUP, pseudo, "31330001003275d8 ac10100c"),
        (V3.dialect, 254, one, PEER_6, pseudo, "3133fe0100329bd3 ac10100c"),
        (V3.dialect, 254, one, PEER_7, pseudo, "3133fe0100329bd2 ac10100c"),
        (V3.dialect, 254, one, PEER_6, old, "3133fe01003277d7 ac10100c"),
    ];
    for (dialect, priority, vips, dst, rule, expected) in rows {
        let advert_interval = if dialect == Dialect::V3 { V3.interval } else { V2.interval };
        let addresses = Addresses::new(vips);
        let repr = vrrp::Repr { dialect, vrid: 51, priority, advert_interval, addresses };
        let mut bytes = vec![0xa5; repr.len()];
        repr.emit(&mut bytes, rule, OWN, dst);
        assert_eq!(bytes, hex(expected), "{repr} to {dst}");

        let packet = vrrp::Packet::new(&bytes[..]).unwrap();
        assert_eq!(vrrp::Repr::parse(&packet), Ok(repr));
        assert_eq!(packet.which_rule(OWN, dst), Some(rule));
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}
