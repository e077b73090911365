//! Any bytes: no view, parser or printer panics on them, and what can be said of them can be said again.
//!
//! `cargo test` tries a bounded number of inputs; the same target runs for hours under a coverage-guided
//! fuzzer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::time::Duration;
use havip::wire::ethernet::{self, EtherType, Frame, Mac};
use havip::wire::ipv4::{self, Protocol};
use havip::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use havip::wire::{Family, arp, bfd, hmac_trailer, icmp, icmpv6, ipv6, ndp, pretty, udp};
use proptest::prelude::*;

const SRC: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const DST: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const SRC_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 5);
const DST_V6: Ipv6Addr = vrrp::GROUP_V6;

/// Reads `bytes` as everything there is, wherever it might stand.
fn read(bytes: &[u8]) {
    // Something is said, and in one line.
    let line = pretty(bytes).to_string();
    assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
    if let Ok(frame) = Frame::new(bytes) {
        let repr = ethernet::Repr::parse(&frame);
        let mut again = [0xa5; ethernet::HEADER_LEN];
        repr.emit(&mut again);
        assert_eq!(again, bytes[..ethernet::HEADER_LEN], "{frame:?}");
        read_packet(frame.payload());
    }
    read_packet(bytes);
}

/// Reads `bytes` as a packet of each protocol.
fn read_packet(bytes: &[u8]) {
    read_arp(bytes);
    read_icmp(bytes);
    read_icmpv6(bytes, &header_v6(bytes.len()));
    read_vrrp(Family::Ipv4, bytes, SRC.into(), DST.into());
    read_vrrp(Family::Ipv6, bytes, SRC_V6.into(), DST_V6.into());
    read_trailer(bytes);
    read_bfd(bytes);
    read_udp(bytes, SRC.into(), DST.into());
    read_udp(bytes, SRC_V6.into(), DST_V6.into());
    read_ipv6(bytes);
    if let Ok(packet) = ipv4::Packet::new(bytes) {
        let _ = (packet.to_string(), format!("{packet:?}"), packet.checksum(), packet.as_bytes());
        if let Ok(repr) = ipv4::Repr::parse(&packet) {
            // Options are lost: the header is the same without them.
            let mut again = vec![0xa5; repr.total_len()];
            repr.emit(&mut again).copy_from_slice(packet.payload());
            assert_eq!(ipv4::Repr::parse(&ipv4::Packet::new(&again).unwrap()), Ok(repr));
        }
        if let Ok(advert) = vrrp::Packet::from_ipv4(&packet) {
            assert_eq!(advert.found_len(), packet.payload().len());
        }
        read_arp(packet.payload());
        read_icmp(packet.payload());
        read_vrrp(Family::Ipv4, packet.payload(), packet.src().into(), packet.dst().into());
    }
}

/// The header of a packet with so much in it.
fn header_v6(payload_len: usize) -> ipv6::Repr {
    ipv6::Repr {
        src: SRC_V6,
        dst: DST_V6,
        next_header: Protocol::VRRP,
        hop_limit: 255,
        traffic_class: 0,
        flow_label: 0,
        payload_len: u16::try_from(payload_len).unwrap_or(u16::MAX),
    }
}

fn read_ipv6(bytes: &[u8]) {
    let Ok(packet) = ipv6::Packet::new(bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"), ipv6::solicited_node(packet.dst()));
    assert_eq!(packet.as_bytes().len(), packet.total_len());
    if let Ok(advert) = vrrp::Packet::from_ipv6(&packet) {
        assert_eq!(advert.found_len(), packet.payload().len());
    }
    read_vrrp(Family::Ipv6, packet.payload(), packet.src().into(), packet.dst().into());
    if let Ok(repr) = ipv6::Repr::parse(&packet) {
        let mut again = vec![0xa5; repr.total_len()];
        repr.emit(&mut again).copy_from_slice(packet.payload());
        assert_eq!(again, packet.as_bytes(), "{repr}");
        read_icmpv6(packet.payload(), &repr);
    }
}

fn read_icmpv6(bytes: &[u8], ip: &ipv6::Repr) {
    if let Ok(packet) = icmpv6::Packet::new(bytes) {
        let _ = format!("{packet:?}");
        if let Ok(repr) = icmpv6::Repr::parse(&packet, ip.src, ip.dst) {
            let _ = (repr.to_string(), repr.reply());
            let mut again = vec![0xa5; repr.len()];
            repr.emit(&mut again, ip.src, ip.dst);
            assert_eq!(icmpv6::Repr::parse(&icmpv6::Packet::new(&again).unwrap(), ip.src, ip.dst), Ok(repr));
        }
    }
    if let Ok(packet) = ndp::Packet::new(bytes) {
        let _ = format!("{packet:?}");
        assert!(packet.options().count() <= bytes.len() / 8, "{packet:?}");
        if let Ok(repr) = ndp::Repr::parse(&packet, ip) {
            let _ = (repr.to_string(), repr.is_unsolicited(), repr.reply(ip.src, Mac::BROADCAST, false));
            // Options that are not known are lost.
            let mut again = vec![0xa5; repr.len()];
            repr.emit(&mut again, ip.src, ip.dst);
            assert_eq!(ndp::Repr::parse(&ndp::Packet::new(&again).unwrap(), ip), Ok(repr));
        }
    }
}

fn read_udp(bytes: &[u8], src: IpAddr, dst: IpAddr) {
    let Ok(packet) = udp::Packet::new(bytes) else { return };
    read_bfd(packet.payload());
    if let Ok(repr) = udp::Repr::parse(&packet, src, dst) {
        let mut again = [&[0xa5; udp::HEADER_LEN], packet.payload()].concat();
        repr.emit(&mut again, src, dst);
        assert_eq!(udp::Repr::parse(&udp::Packet::new(&again[..]).unwrap(), src, dst), Ok(repr));
    }
}

fn read_bfd(bytes: &[u8]) {
    if let Ok(repr) = bfd::Repr::parse(bytes) {
        let mut again = [0xa5; bfd::LEN];
        repr.emit(&mut again);
        assert_eq!(bfd::Repr::parse(&again), Ok(repr));
    }
}

fn read_trailer(bytes: &[u8]) {
    let Ok(packet) = hmac_trailer::Packet::new(bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"));
    if let Ok(repr) = hmac_trailer::Repr::parse(&packet) {
        let mut again = [0xa5; hmac_trailer::LEN];
        repr.emit(&mut again);
        assert_eq!(again, bytes[..hmac_trailer::LEN], "{repr}");
    }
}

fn read_arp(bytes: &[u8]) {
    let Ok(packet) = arp::Packet::new(bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"));
    if let Ok(repr) = arp::Repr::parse(&packet) {
        let _ = (repr.is_gratuitous(), repr.reply(Mac::BROADCAST));
        let mut again = [0xa5; arp::LEN];
        repr.emit(&mut again);
        assert_eq!(again, bytes[..arp::LEN], "{repr}");
    }
}

fn read_icmp(bytes: &[u8]) {
    let Ok(packet) = icmp::Packet::new(bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"));
    if let Ok(repr) = icmp::Repr::parse(&packet) {
        let _ = (repr.to_string(), repr.reply());
        let mut again = vec![0xa5; repr.len()];
        repr.emit(&mut again);
        assert_eq!(icmp::Repr::parse(&icmp::Packet::new(&again).unwrap()), Ok(repr));
    }
}

fn read_vrrp(family: Family, bytes: &[u8], src: IpAddr, dst: IpAddr) {
    let Ok(packet) = vrrp::Packet::over(family, bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"), packet.authentication_data());
    read_trailer(packet.trailer());
    if let Some(Ok(trailer)) = hmac_trailer::Repr::behind(&packet) {
        let key = hmac_trailer::Key::new(&[7; 32]).unwrap();
        let signing = hmac_trailer::Signing { key_id: trailer.key_id, key: &key, stamp: trailer.stamp };
        let signed = hmac_trailer::Repr::sign(&signing, src, &packet).unwrap();
        assert!(signed.verify(&key, src, &packet));
        assert_eq!(trailer.verify(&key, src, &packet), trailer == signed);
    }
    assert!(packet.addresses().len() <= packet.address_count().into());
    assert_eq!(packet.addresses().iter().count(), packet.addresses().len());
    let rule = packet.which_rule(src, dst);
    assert!(rule.is_none() || packet.expected_len() <= packet.found_len());
    if let Ok(repr) = vrrp::Repr::parse(&packet) {
        assert_eq!(packet.found_len(), repr.len(), "{repr}");
        let mut again = vec![0xa5; repr.len()];
        repr.emit(&mut again, rule.unwrap_or(ChecksumRule::Plain), src, dst);
        assert_eq!(vrrp::Repr::parse(&vrrp::Packet::over(family, &again).unwrap()), Ok(repr), "{packet}");
    }
}

/// A frame that is right in every field: what is fuzzed from here gets further in than noise does.
fn advertisement(dialect: Dialect, vips: &[Ipv4Addr], padding: usize) -> Vec<u8> {
    let advert = vrrp::Repr {
        dialect,
        vrid: 51,
        priority: 100,
        advert_interval: Duration::from_secs(1),
        addresses: Addresses::new(vips),
    };
    let ip = ipv4::Repr {
        src: SRC,
        dst: DST,
        protocol: Protocol::VRRP,
        ttl: vrrp::TTL,
        tos: ipv4::TOS_INTERNETWORK_CONTROL,
        identification: 1,
        dont_fragment: false,
        payload_len: advert.len() as u16,
    };
    let header =
        ethernet::Repr { dst: Mac::for_multicast(DST), src: Mac([2; 6]), ethertype: EtherType::IPV4 };
    let mut frame = vec![0; ethernet::HEADER_LEN + ip.total_len() + padding];
    advert.emit(ip.emit(header.emit(&mut frame)), ChecksumRule::PseudoHeader, SRC, DST);
    frame
}

/// The same over IPv6, with a trailer behind it if there is a key.
fn advertisement_v6(vips: &[Ipv6Addr], key: Option<&hmac_trailer::Key>) -> Vec<u8> {
    let advert = vrrp::Repr {
        dialect: Dialect::V3,
        vrid: 51,
        priority: 100,
        advert_interval: Duration::from_secs(1),
        addresses: Addresses::v6(vips),
    };
    let ip = header_v6(advert.len() + key.map_or(0, |_| hmac_trailer::LEN));
    let header =
        ethernet::Repr { dst: Mac::for_multicast_v6(DST_V6), src: Mac([2; 6]), ethertype: EtherType::IPV6 };
    let mut frame = vec![0; ethernet::HEADER_LEN + ip.total_len()];
    let message = ip.emit(header.emit(&mut frame));
    let rule = ChecksumRule::PseudoHeader;
    match key {
        Some(key) => {
            let signing = hmac_trailer::Signing { key_id: 1, key, stamp: hmac_trailer::Stamp(1 << 60) };
            hmac_trailer::emit(&advert, &signing, message, rule, SRC_V6, DST_V6);
        }
        None => advert.emit(message, rule, SRC_V6, DST_V6),
    }
    frame
}

/// One of the frames that are right.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let dialect = prop_oneof![
        Just(Dialect::V3),
        Just(Dialect::V2 { authentication: Authentication::None }),
        any::<[u8; 8]>().prop_map(|password| Dialect::V2 {
            authentication: Authentication::SimpleText(AuthData::new(password)),
        }),
    ];
    let vips = proptest::collection::vec(any::<[u8; 4]>().prop_map(Ipv4Addr::from), 0..12);
    let vips_v6 = proptest::collection::vec(any::<[u8; 16]>().prop_map(Ipv6Addr::from), 0..12);
    let key = proptest::option::of(any::<[u8; 32]>());
    prop_oneof![
        (vips_v6, key).prop_map(|(vips, key)| {
            let key = key.map(|key| hmac_trailer::Key::new(&key).unwrap());
            advertisement_v6(&vips, key.as_ref())
        }),
        any::<([u8; 6], [u8; 16], bool)>().prop_map(|(mac, vip, router)| ndp::announcement_frame(
            Mac(mac),
            vip.into(),
            router
        )
        .into()),
        any::<([u8; 6], [u8; 16], [u8; 16])>().prop_map(|(mac, src, target)| {
            ndp::solicitation_frame(Mac(mac), src.into(), target.into()).into()
        }),
        (dialect, vips, 0..20usize)
            .prop_map(|(dialect, vips, padding)| advertisement(dialect, &vips, padding)),
        any::<([u8; 6], [u8; 4])>().prop_map(|(mac, vip)| arp::Repr::announcement(Mac(mac), vip.into())
            .frame_to(Mac::BROADCAST)
            .into()),
    ]
}

#[test]
fn any_bytes_are_read_without_panic() {
    bolero::check!().with_iterations(20_000).for_each(|bytes: &[u8]| read(bytes));
}

#[test]
fn no_bytes_at_all_are_read_without_panic() {
    for len in 0..100 {
        read(&vec![0x00; len]);
        read(&vec![0x45; len]);
        read(&vec![0x60; len]);
        read(&vec![0xff; len]);
    }
}

proptest! {
    #[test]
    fn a_damaged_frame_is_read_without_panic(
        mut frame in frame(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len() + 1));
        }
        read(&frame);
    }

    /// IP's checksum and length hide what is behind them from damage: here they do not.
    #[test]
    fn any_message_is_read_without_panic(
        head in proptest::collection::vec(any::<u8>(), 0..8),
        version in prop_oneof![Just(0x21u8), Just(0x31), any::<u8>()],
        count in 0u8..8,
        tail in proptest::collection::vec(any::<u8>(), 0..48),
    ) {
        let mut message = head;
        message.splice(0..0, [version, 51, 100, count]);
        message.extend(tail);
        read_packet(&message);
    }
}
