//! IPv6: neighbour discovery, what a kernel answers, and a VPC that forwards it.

use havip::wire::ethernet::Mac;
use havip::wire::{ipv6, ndp};

use super::*;

const LAN: &str = "\
lan 172.16.16.0/24 ipv6 fd00:16::/64
cvm a 172.16.16.5 ipv6 fd00:16::5 keepalived x
cvm b 172.16.16.6 ipv6 fd00:16::6 keepalived x
client web 172.16.16.100 ipv6 fd00:16::100 probe fd00:16::12 every 100ms";

const VPC: &str = "\
vpc 172.16.0.0/16
subnet 172.16.16.0/24 ipv6 fd00:16::/64
subnet 172.16.17.0/24 ipv6 fd00:17::/64
havip fd00:16::12
cvm a 172.16.16.5 ipv6 fd00:16::5 keepalived x
cvm b 172.16.16.6 ipv6 fd00:16::6 keepalived x
client web 172.16.17.100 ipv6 fd00:17::100 probe fd00:16::12 every 100ms";

fn announces(hand: &mut Hand, cvm: CvmId, address: &str) {
    let mac = Mac([2, 0, 172, 16, 16, 5 + cvm.0 as u8]);
    let frame = ndp::announcement_frame(mac, address.parse().unwrap(), false);
    hand.asks(cvm, Action::SendFrame { interface: ETH0, frame: &frame });
}

fn takes(hand: &mut Hand, cvm: CvmId) {
    hand.adds(cvm, ETH0, "fd00:16::12/128", None);
    announces(hand, cvm, "fd00:16::12");
}

fn gives_up(hand: &mut Hand, cvm: CvmId) {
    let address = "fd00:16::12/128".parse().unwrap();
    hand.asks(cvm, Action::RemoveAddress { interface: ETH0, address });
}

/// A packet of protocol 112 with nothing in it.
fn sends(hand: &mut Hand, cvm: CvmId, src: &str, dst: &str) {
    let header = ipv6::Repr {
        src: src.parse().unwrap(),
        dst: dst.parse().unwrap(),
        next_header: Protocol::VRRP,
        hop_limit: 255,
        traffic_class: 0xc0,
        flow_label: 0,
        payload_len: 0,
    };
    let mut packet = [0; ipv6::HEADER_LEN];
    header.emit(&mut packet);
    hand.asks(cvm, Action::SendPacket { interface: ETH0, packet: &packet });
}

#[test]
fn a_client_finds_the_address_by_discovery_and_follows_its_announcement() {
    let mut hand = Hand::new(LAN);
    takes(&mut hand, A);
    hand.run(2_000);
    assert!(hand.answered() >= 18, "{}", hand.answered());
    // One solicitation to the group, which only the holder's card takes in, and one answer.
    assert_eq!(hand.seen(&["ns who has fd00:16::12"]), 1, "{:#?}", hand.frames);
    gives_up(&mut hand, A);
    takes(&mut hand, B);
    hand.run(4_000);
    assert!(hand.answered() >= 38, "{}", hand.answered());
    assert_eq!(hand.reached(), [NodeId(0), NodeId(1)]);
}

/// RFC 9568 section 6.1: "IPv6 Neighbor Solicitations and Neighbor Advertisements MUST NOT be dropped when Accept_Mode is
/// False."
#[test]
fn a_filter_for_the_address_drops_what_is_sent_to_it_and_answers_whoever_looks_for_it() {
    let mut hand = Hand::new(LAN);
    let address = "fd00:16::12/128".parse().unwrap();
    hand.asks(A, Action::AddAddress { interface: ETH0, address, lifetime: None, accept: false });
    announces(&mut hand, A, "fd00:16::12");
    hand.run(90_000);
    assert_eq!(hand.answered(), 0);
    // The group is asked once; when its entry is doubted, the holder itself; it says so each time.
    let (group, itself) =
        ("-> ff02::1:ff00:12 ns who has fd00:16::12", "-> fd00:16::12 ns who has fd00:16::12");
    assert_eq!((hand.seen(&[group]), hand.seen(&[itself])), (1, 1), "{:#?}", hand.frames);
    assert_eq!(
        hand.seen(&["-> fd00:16::100 na fd00:16::12"]) + hand.seen(&["-> fe80", " na fd00:16::12"]),
        2
    );
}

#[test]
fn without_an_announcement_the_client_stays_until_its_entry_is_doubted() {
    let mut hand = Hand::new(LAN);
    takes(&mut hand, A);
    hand.run(2_000);
    gives_up(&mut hand, A);
    hand.adds(B, ETH0, "fd00:16::12/128", None);
    hand.run(90_000);
    let out = 900 - hand.answered();
    // Reachable for 15 to 45 s, 5 s of delay, three solicitations a second apart.
    assert!((230..=540).contains(&out), "{out} of 900 probes");
    assert_eq!(hand.reached(), [NodeId(0), NodeId(1)]);
}

#[test]
fn a_holder_asks_back_for_a_client_that_asked_it() {
    let mut hand = Hand::new(LAN);
    takes(&mut hand, A);
    hand.run(7_000);
    // Answering makes an entry that nobody confirmed: after 5 s of use it is asked for, by unicast.
    let asks_back = |line: &&String| line.contains(" web ") && line.contains("ns who has fd00:16::100");
    let first = hand.frames.iter().find(asks_back).expect("the holder asks");
    assert!(first.starts_with("5."), "{first}");
}

#[test]
fn a_solicitation_is_answered_only_on_the_interface_that_has_the_address() {
    let mut hand = Hand::new(
        "lan 172.16.16.0/24 ipv6 fd00:16::/64\nlan 10.20.0.0/24\n\
         cvm a 172.16.16.5 ipv6 fd00:16::5 keepalived x\neni a.eth1 10.20.0.5\n\
         cvm b 172.16.16.6 keepalived x\n\
         client web 172.16.16.100 ipv6 fd00:16::100 probe fd00:16::12 every 100ms",
    );
    hand.adds(A, ETH1, "fd00:16::12/128", None);
    hand.run(3_000);
    assert_eq!(hand.answered(), 0);
}

#[test]
fn a_multicast_packet_reaches_who_is_in_its_group() {
    let mut hand = Hand::new(LAN);
    hand.told();
    hand.listens(B, ETH0, "ff02::12");
    sends(&mut hand, A, "fe80::acff:fe10:1005", "ff02::12");
    sends(&mut hand, A, "fe80::acff:fe10:1005", "ff02::13");
    hand.run(10);
    assert_eq!(hand.told().len(), 1);
}

#[test]
fn link_local_addresses_are_reached_on_their_link() {
    let mut hand = Hand::new(LAN);
    hand.told();
    hand.listens(B, ETH0, "ff02::12");
    sends(&mut hand, A, "fe80::acff:fe10:1005", "fe80::acff:fe10:1006");
    hand.run(10);
    let told = hand.told();
    assert!(told.len() == 1 && told[0].ends_with("b eth0 packet of 40 bytes"), "{told:?}");
}

#[test]
fn a_host_without_a_listener_answers_with_a_parameter_problem() {
    let mut hand = Hand::new(LAN);
    sends(&mut hand, A, "fd00:16::5", "fd00:16::6");
    hand.run(10);
    assert_eq!(hand.seen(&[" a ", "unrecognized next header"]), 1, "{:#?}", hand.frames);
}

#[test]
fn watchers_see_neighbour_discovery_too() {
    let mut hand = Hand::new(LAN);
    hand.told();
    hand.asks(B, Action::WatchNeighbours { interface: ETH0 });
    announces(&mut hand, A, "fd00:16::12");
    hand.run(10);
    let told = hand.told();
    assert!(told.len() == 1 && told[0].contains("sees") && told[0].contains("fd00:16::12"), "{told:?}");
}

#[test]
fn a_vpc_binds_an_ipv6_havip_by_its_announcement_and_forwards_to_it() {
    let mut hand = Hand::new(VPC);
    takes(&mut hand, A);
    hand.run(2_000);
    assert!(hand.answered() >= 18, "{}", hand.answered());
    gives_up(&mut hand, A);
    takes(&mut hand, B);
    announces(&mut hand, B, "fd00:16::13");
    hand.run(4_000);
    assert!(hand.answered() >= 38, "{}", hand.answered());
    assert_eq!(hand.reached(), [NodeId(0), NodeId(1)]);
    let bound = hand.facts.iter().filter(|what| matches!(what, What::Bound { .. })).count();
    assert_eq!(bound, 2);
    let refused = |what: &&What| {
        let refusal = Verdict::Refused(Refusal::NotHavip);
        matches!(**what, What::Claim { address: a, verdict, .. } if a == address("fd00:16::13") && verdict == refusal)
    };
    assert_eq!(hand.facts.iter().filter(refused).count(), 1);
}

#[test]
fn a_vpc_carries_no_multicast_of_ipv6_either() {
    let mut hand = Hand::new(VPC);
    hand.told();
    hand.listens(B, ETH0, "ff02::12");
    sends(&mut hand, A, "fe80::acff:fe10:1005", "ff02::12");
    sends(&mut hand, A, "fd00:16::5", "fd00:16::6");
    hand.run(10);
    assert_eq!(hand.told().len(), 1, "only the unicast");
}
