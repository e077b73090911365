//! Several interfaces on one machine.

use super::*;

const TWO_LANS: &str = "\
lan 172.16.16.0/24
lan 10.20.0.0/24
cvm a 172.16.16.5 keepalived x
eni a.eth1 10.20.0.5
cvm b 172.16.16.6 keepalived x
eni b.eth1 10.20.0.6 mac 02:00:00:00:00:66
client web 172.16.16.100 probe 172.16.16.12 every 100ms";

#[test]
fn a_program_starts_with_all_its_interfaces() {
    let mut hand = Hand::new(TWO_LANS);
    let told = hand.told();
    assert_eq!(
        told[1],
        "0.0001 b start eth0 02:00:ac:10:10:06 [172.16.16.6/24 fe80::acff:fe10:1006/64]; \
         eth1 02:00:00:00:00:66 [10.20.0.6/24 fe80::ff:fe00:66/64]; \
         lo 00:00:00:00:00:00 [127.0.0.1/8 ::1/128]"
    );
}

#[test]
fn a_packet_comes_in_by_the_interface_whose_segment_it_was_sent_on() {
    let mut hand = Hand::new(TWO_LANS);
    hand.told();
    hand.listens(B, ETH0, "224.0.0.18");
    hand.listens(B, ETH1, "224.0.0.18");
    hand.sends(A, ETH1, "10.20.0.5", "224.0.0.18");
    hand.run(10);
    assert_eq!(hand.told(), ["0.0004 b eth1 packet of 20 bytes"]);
    hand.sends(A, ETH0, "172.16.16.5", "172.16.16.6");
    hand.run(20);
    let told = hand.told();
    assert!(told.len() == 1 && told[0].ends_with("b eth0 packet of 20 bytes"), "{told:?}");
}

#[test]
fn one_cable_is_pulled_and_the_other_stays() {
    let mut hand = Hand::new(&format!("{TWO_LANS}\nat 1s unplug a.eth1\nat 2s plug a.eth1\nat 3s unplug a"));
    hand.told();
    hand.run(2_500);
    assert_eq!(hand.told(), ["1.0001 a eth1 down", "2.0001 a eth1 up"]);
    hand.run(3_500);
    assert_eq!(hand.told(), ["3.0001 a eth0 down", "3.0001 a eth1 down"]);
}

#[test]
fn a_cut_of_one_interface_leaves_the_other_until_it_is_healed() {
    let mut hand = Hand::new(&format!("{TWO_LANS}\nat 1s cut a.eth1 <-> b\nat 2s heal a <-> b"));
    hand.told();
    hand.listens(B, ETH0, "224.0.0.18");
    hand.listens(B, ETH1, "224.0.0.18");
    for (at, lines) in [(1_500, 1), (2_500, 2)] {
        hand.run(at);
        hand.told();
        hand.sends(A, ETH0, "172.16.16.5", "224.0.0.18");
        hand.sends(A, ETH1, "10.20.0.5", "224.0.0.18");
        hand.run(at + 10);
        assert_eq!(hand.told().len(), lines, "after {at} ms");
    }
}

#[test]
fn arp_for_an_address_of_another_interface_is_answered() {
    let mut hand = Hand::new(TWO_LANS);
    hand.adds(A, ETH1, "172.16.16.12/32", None);
    hand.run(1_000);
    assert!(hand.answered() > 5, "{:?}", hand.frames);
    assert_eq!(hand.reached(), [NodeId(0)]);
}

#[test]
fn in_a_vpc_each_interface_is_an_eni_of_its_own_subnet() {
    let mut hand = Hand::new(
        "vpc 10.0.0.0/8\nsubnet 10.1.0.0/24\nsubnet 10.2.0.0/24\nhavip 10.2.0.12\n\
         cvm a 10.1.0.5 keepalived x\neni a.eth1 10.2.0.5\ncvm b 10.1.0.6 keepalived x\n\
         client web 10.2.0.100 probe 10.2.0.12 every 100ms",
    );
    let claims = |hand: &mut Hand, interface, mac: &str| {
        let mac = mac.parse().expect("a hardware address");
        let frame = havip::wire::arp::Repr::announcement(mac, [10, 2, 0, 12].into());
        let frame = frame.frame_to(havip::wire::ethernet::Mac::BROADCAST);
        hand.asks(A, Action::SendFrame { interface, frame: &frame });
    };
    hand.adds(A, ETH1, "10.2.0.12/32", None);
    claims(&mut hand, ETH0, "02:00:0a:01:00:05");
    hand.run(500);
    let refused =
        |what: &What| matches!(what, What::Claim { verdict: Verdict::Refused(Refusal::OtherSubnet), .. });
    assert!(hand.facts.iter().any(refused), "from the interface of the other subnet");
    claims(&mut hand, ETH1, "02:00:0a:02:00:05");
    hand.run(2_000);
    assert!(hand.facts.iter().any(|what| matches!(what, What::Bound { to: Some(NodeId(0)), .. })));
    assert!(hand.answered() > 10);
}

#[test]
fn an_attacker_sends_by_the_interface_that_is_named() {
    let forged = "from 10.20.0.9 vrid 51 priority 255";
    let mut hand = Hand::new(&format!(
        "{TWO_LANS}\nat 1s spoof vrrp on a.eth1 {forged}\nat 2s spoof vrrp on a {forged}\n\
         at 3s unplug a.eth1\nat 4s spoof vrrp on a.eth1 {forged}"
    ));
    hand.told();
    hand.listens(B, ETH0, "224.0.0.18");
    hand.listens(B, ETH1, "224.0.0.18");
    hand.run(1_500);
    assert_eq!(hand.told(), ["1.0003 b eth1 packet of 36 bytes"]);
    hand.run(2_500);
    let told = hand.told();
    assert!(told.len() == 1 && told[0].ends_with("b eth0 packet of 36 bytes"), "{told:?}");
    hand.run(5_000);
    assert_eq!(hand.told(), ["3.0001 a eth1 down"], "without a cable nothing leaves");
}

#[test]
fn an_interface_that_is_attached_later_has_nothing_before_and_keeps_its_place() {
    let late = TWO_LANS.replace("eni a.eth1 10.20.0.5", "eni a.eth1 10.20.0.5 off");
    let acts =
        "at 1s unplug a.eth1\nat 2s attach a.eth1\nat 3s attach a.eth1\nat 4s power-off a\nat 5s power-on a";
    let mut hand = Hand::new(&format!("{late}\n{acts}"));
    let (only, both) =
        ("eth0 02:00:ac:10:10:05 [172.16.16.5/24 fe80::acff:fe10:1005/64]", "eth1 02:00:0a:14:00:05");
    assert_eq!(hand.told()[0], format!("0.0001 a start {only}; lo 00:00:00:00:00:00 [127.0.0.1/8 ::1/128]"));
    hand.run(1_500);
    assert_eq!(hand.told(), [""; 0], "there is no cable to pull");
    hand.run(4_500);
    let told = hand.told();
    assert!(told.len() == 1 && told[0].starts_with("2.0001 a Appeared"), "once: {told:?}");
    assert!(told[0].contains("10.20.0.5/24") && told[0].contains("up: true"), "{told:?}");
    hand.run(6_000);
    let told = hand.told();
    assert!(told[0].contains(only) && told[0].contains(both), "it stays in the machine: {told:?}");
}
