//! Any bytes: no view, parser or printer panics on them, and what can be said of them can be said again.
//!
//! `cargo test` tries a bounded number of inputs; the same target runs for hours under a coverage-guided
//! fuzzer.

use std::net::Ipv4Addr;

use havip::time::Duration;
use havip::wire::ethernet::{self, EtherType, Frame, Mac};
use havip::wire::ipv4::{self, Protocol};
use havip::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use havip::wire::{arp, icmp, pretty};
use proptest::prelude::*;

const SRC: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const DST: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

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
    read_vrrp(bytes, SRC, DST);
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
        read_vrrp(packet.payload(), packet.src(), packet.dst());
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

fn read_vrrp(bytes: &[u8], src: Ipv4Addr, dst: Ipv4Addr) {
    let Ok(packet) = vrrp::Packet::new(bytes) else { return };
    let _ = (packet.to_string(), format!("{packet:?}"), packet.authentication_data(), packet.trailer());
    assert!(packet.addresses().len() <= packet.address_count().into());
    let rule = packet.which_rule(src, dst);
    assert!(rule.is_none() || packet.expected_len() <= packet.found_len());
    if let Ok(repr) = vrrp::Repr::parse(&packet) {
        assert_eq!(packet.found_len(), repr.len(), "{repr}");
        let mut again = vec![0xa5; repr.len()];
        repr.emit(&mut again, rule.unwrap_or(ChecksumRule::Plain), src, dst);
        assert_eq!(vrrp::Repr::parse(&vrrp::Packet::new(&again).unwrap()), Ok(repr), "{packet}");
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
    prop_oneof![
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

    /// IPv4's checksum and length hide what is behind them from damage: here they do not.
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
