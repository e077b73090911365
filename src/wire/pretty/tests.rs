use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::ethernet::{self, Mac};
use super::super::hmac_trailer;
use super::super::icmp::Unreachable;
use super::*;

const A: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const B: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);

/// What is printed of a frame from `A` to `B` with this in it.
fn said(protocol: Protocol, payload: &[u8]) -> String {
    let ip = ipv4::Repr {
        src: A,
        dst: B,
        protocol,
        ttl: 64,
        tos: 0,
        identification: 0,
        dont_fragment: true,
        payload_len: payload.len() as u16,
    };
    let mut frame = vec![0xa5; 60.max(ethernet::HEADER_LEN + ip.total_len())];
    let header = ethernet::Repr { dst: Mac::BROADCAST, src: Mac::UNSPECIFIED, ethertype: EtherType::IPV4 };
    ip.emit(header.emit(&mut frame)).copy_from_slice(payload);
    pretty(&frame).to_string()
}

#[test]
fn an_advertisement_says_everything_but_the_password() {
    let vips = [Ipv4Addr::new(172, 16, 16, 12)];
    let advert = vrrp::Repr {
        dialect: vrrp::Dialect::V2 {
            authentication: vrrp::Authentication::SimpleText(vrrp::AuthData::from_text(b"hush")),
        },
        vrid: 51,
        priority: 254,
        advert_interval: crate::time::Duration::from_secs(1),
        addresses: vrrp::Addresses::new(&vips),
    };
    let mut bytes = vec![0; advert.len()];
    advert.emit(&mut bytes, ChecksumRule::Plain, A, B);
    assert_eq!(
        said(Protocol::VRRP, &bytes),
        "172.16.16.5 -> 172.16.16.6 vrrp v2 vrid 51 priority 254 every 1s auth pass [172.16.16.12]"
    );
    bytes[2] = 253;
    assert!(said(Protocol::VRRP, &bytes).ends_with("[172.16.16.12] (checksum wrong)"));

    let third = vrrp::Repr { dialect: vrrp::Dialect::V3, ..advert };
    let mut bytes = vec![0; third.len()];
    third.emit(&mut bytes, ChecksumRule::GroupPseudoHeader, A, B);
    assert_eq!(
        said(Protocol::VRRP, &bytes),
        "172.16.16.5 -> 172.16.16.6 vrrp v3 vrid 51 priority 254 every 1s [172.16.16.12] \
         (checksum with the group's pseudo header)"
    );
}

#[test]
fn other_packets_say_what_they_are() {
    let mut ping = [0; 12];
    icmp::Repr::EchoRequest { identifier: 1, sequence: 7, data: b"ping" }.emit(&mut ping);
    assert_eq!(said(Protocol::ICMP, &ping), "172.16.16.5 -> 172.16.16.6 icmp echo request 1/7");
    let mut unreachable = [0; 8];
    icmp::Repr::unreachable(Unreachable::PROTOCOL, &[]).emit(&mut unreachable);
    assert_eq!(said(Protocol::ICMP, &unreachable), "172.16.16.5 -> 172.16.16.6 icmp protocol unreachable");
    assert_eq!(said(Protocol::TCP, &[0; 20]), "172.16.16.5 -> 172.16.16.6 tcp ttl 64 20 bytes");
    assert_eq!(
        said(Protocol::AH, &[0; 24]),
        "172.16.16.5 -> 172.16.16.6 ah ttl 64 (failed to read a VRRP advertisement: the IP authentication \
         header (auth_type AH) is not spoken here)"
    );
}

#[test]
fn what_cannot_be_read_says_why() {
    assert_eq!(
        pretty(&[0; 3]).to_string(),
        "failed to read an Ethernet frame: 3 bytes are there, at least 14 are needed"
    );
    let mut arp = [0; 20];
    ethernet::Repr { dst: Mac::BROADCAST, src: Mac::UNSPECIFIED, ethertype: EtherType::ARP }.emit(&mut arp);
    assert_eq!(
        pretty(&arp).to_string(),
        "00:00:00:00:00:00 -> ff:ff:ff:ff:ff:ff arp (failed to read an ARP packet: 6 bytes are there, at \
         least 28 are needed)"
    );
    assert_eq!(
        said(Protocol::ICMP, &[8]),
        "172.16.16.5 -> 172.16.16.6 icmp ttl 64 (failed to read an ICMP message: 1 bytes are there, at \
         least 8 are needed)"
    );
}

const A6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 5);
const B6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 6);
const VIP6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12)];

/// What is printed of a frame from `A6` to `B6` with this in it.
fn said_v6(next_header: Protocol, payload: &[u8]) -> String {
    let ip = ipv6::Repr {
        src: A6,
        dst: B6,
        next_header,
        hop_limit: 64,
        traffic_class: 0,
        flow_label: 0,
        payload_len: payload.len() as u16,
    };
    let mut frame = vec![0xa5; ethernet::HEADER_LEN + ip.total_len()];
    let header = ethernet::Repr { dst: Mac::BROADCAST, src: Mac::UNSPECIFIED, ethertype: EtherType::IPV6 };
    ip.emit(header.emit(&mut frame)).copy_from_slice(payload);
    pretty(&frame).to_string()
}

#[test]
fn an_advertisement_over_ipv6_says_the_same() {
    let advert = vrrp::Repr {
        dialect: vrrp::Dialect::V3,
        vrid: 51,
        priority: 254,
        advert_interval: crate::time::Duration::from_millis(500),
        addresses: vrrp::Addresses::v6(&VIP6),
    };
    let mut bytes = vec![0; advert.len()];
    advert.emit(&mut bytes, ChecksumRule::PseudoHeader, A6, B6);
    let begin = "fd00:16::5 -> fd00:16::6 vrrp v3 vrid 51 priority";
    assert_eq!(said_v6(Protocol::VRRP, &bytes), format!("{begin} 254 every 0.5s [fd00:16::12]"));
    bytes[2] = 253;
    let wrong = format!("{begin} 253 every 0.5s [fd00:16::12] (checksum wrong)");
    assert_eq!(said_v6(Protocol::VRRP, &bytes), wrong);

    let key = hmac_trailer::Key::new(b"0123456789abcdef0123456789abcdef").unwrap();
    let stamp = hmac_trailer::Stamp::new(1_700_000_000, 0, 0);
    let signing = hmac_trailer::Signing { key_id: 1, key: &key, stamp };
    let mut bytes = vec![0; advert.len() + hmac_trailer::LEN];
    hmac_trailer::emit(&advert, &signing, &mut bytes, ChecksumRule::PseudoHeader, A6, B6);
    assert_eq!(
        said_v6(Protocol::VRRP, &bytes),
        format!("{begin} 254 every 0.5s [fd00:16::12] auth_hmac key 1 at 1700000000.000000+0")
    );
}

#[test]
fn an_announcement_over_ipv6_says_who_is_where() {
    let mac = Mac([2, 0, 0, 0, 0, 5]);
    assert_eq!(
        pretty(&ndp::announcement_frame(mac, VIP6[0], false)).to_string(),
        "fd00:16::12 -> ff02::1 unsolicited na fd00:16::12 is at 02:00:00:00:00:05 (override)"
    );
    assert_eq!(
        pretty(&ndp::solicitation_frame(mac, A6, B6)).to_string(),
        "fd00:16::5 -> ff02::1:ff00:6 ns who has fd00:16::6, tell 02:00:00:00:00:05"
    );
    let mut through_a_router = ndp::announcement_frame(mac, VIP6[0], false);
    through_a_router[21] = 254;
    assert_eq!(
        pretty(&through_a_router).to_string(),
        "fd00:16::12 -> ff02::1 icmpv6 type 136 code 0 (failed to read a neighbour discovery message: its hop \
         limit is not 255)"
    );
}

#[test]
fn other_packets_over_ipv6_say_what_they_are() {
    let ends = "fd00:16::5 -> fd00:16::6";
    let mut ping = [0; 12];
    icmpv6::Repr::EchoRequest { identifier: 1, sequence: 7, data: b"ping" }.emit(&mut ping, A6, B6);
    assert_eq!(said_v6(Protocol::ICMPV6, &ping), format!("{ends} icmpv6 echo request 1/7"));
    ping[11] ^= 1;
    assert_eq!(
        said_v6(Protocol::ICMPV6, &ping),
        format!("{ends} icmpv6 type 128 code 0 (failed to verify the checksum of an ICMPv6 message)")
    );
    let mut problem = [0; 8];
    icmpv6::Repr::unrecognized_next_header(&[]).emit(&mut problem, A6, B6);
    assert_eq!(said_v6(Protocol::ICMPV6, &problem), format!("{ends} icmpv6 unrecognized next header"));
    assert_eq!(said_v6(Protocol::TCP, &[0; 20]), format!("{ends} tcp hop limit 64 20 bytes"));
    assert_eq!(
        said_v6(Protocol::FRAGMENT, &[0; 8]),
        format!(
            "{ends} fragment header hop limit 64 (failed to read an IPv6 packet: an extension header (fragment \
             header) is not followed here)"
        )
    );
    assert!(said_v6(Protocol::VRRP, &[0; 7]).ends_with("7 bytes are there, at least 8 are needed)"));
    assert!(said_v6(Protocol::ICMPV6, &[0; 7]).ends_with("7 bytes are there, at least 8 are needed)"));
}
