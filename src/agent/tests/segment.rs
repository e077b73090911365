//! What an instance learns of its segment: a lan, or a cloud's subnet.

use std::net::Ipv4Addr;

use super::adverts::{ADVERT, OWN, Said, UNICAST};
use super::*;
use crate::wire::arp;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

fn lease(hand: &Hand) -> Option<u64> {
    hand.lease.map(Duration::as_secs)
}

/// When it claimed again because nobody answered, in milliseconds after its takeover.
fn unanswered(hand: &Hand) -> Vec<u64> {
    let claims = hand.asked.iter().filter(|(_, asked)| asked == "claim not verified: nobody answers");
    claims.map(|(at, _)| at.as_nanos() / 1_000_000 - 1_003_609).collect()
}

fn unicast() -> Hand {
    let mut hand = Hand::of(&text("", UNICAST), Profile::HAVIP);
    hand.start(0);
    hand
}

#[test]
fn an_advertisement_that_came_by_multicast_shows_a_lan_whatever_it_says() {
    let after = |from: Ipv4Addr, to: Ipv4Addr| {
        let mut hand = Hand::of(&text("", ""), Profile::HAVIP);
        hand.start(0);
        hand.hears_to(&Said { from, priority: 1, ..ADVERT }, to);
        hand.until(4_000);
        assert_eq!(hand.role(), Role::Master);
        lease(&hand)
    };
    let other = ADVERT.from;
    assert_eq!(after(other, GROUP), Some(2 + 3));
    assert_eq!(after(other, OWN), Some(2 + 3 + 10), "to it alone");
    assert_eq!(after(OWN, GROUP), Some(2 + 3 + 10), "its own");
}

#[test]
fn where_nobody_answers_a_claim_is_made_every_ten_seconds_and_the_lease_waits_for_no_cloud() {
    let mut hand = unicast();
    hand.until(11_000);
    assert_eq!((unanswered(&hand).len(), lease(&hand)), (2, Some(2 + 3 + 10)));
    hand.until(14_000);
    assert_eq!((unanswered(&hand).len(), lease(&hand)), (3, Some(2 + 3)));
    hand.step(Event::Reload { files: &Files::single("k.conf", text("", UNICAST)) });
    hand.until(16_000);
    assert_eq!(lease(&hand), Some(2 + 3), "a reload does not forget");

    let mut hand = unicast();
    hand.until(60_000);
    // A second, and half a second for the answer; then twice as long each time, up to ten.
    assert_eq!(unanswered(&hand), [1_500, 4_000, 8_500, 17_000, 27_500, 38_000, 48_500]);
}

#[test]
fn nobody_is_asked_for_what_is_on_the_loopback() {
    let lines = format!("{UNICAST} virtual_ipaddress_excluded {{\n  172.16.16.13 dev lo\n }}\n");
    let mut hand = Hand::of(&text("", &lines), Profile::HAVIP);
    hand.now = Time::ZERO + Duration::from_secs(1_000);
    let lo = Interface {
        id: InterfaceId(1),
        name: "lo".into(),
        mac: Mac::UNSPECIFIED,
        addresses: Vec::new(),
        up: true,
    };
    hand.step(Event::Start { interfaces: &[interface(ETH0, "eth0", 5), lo], booted: Time::ZERO });
    hand.until(4_620);
    let own = Mac([2, 0, 172, 16, 16, 5]);
    let answer = arp::Repr::announcement(own, [172, 16, 16, 12].into());
    hand.step(Event::Neighbour { interface: ETH0, frame: &answer.frame_to(own) });
    hand.until(6_000);
    assert_eq!(unanswered(&hand), [0; 0], "the one that could be asked for is answered");
}

#[test]
fn a_cloud_that_has_answered_once_is_asked_on_every_ten_seconds() {
    let mut hand = unicast();
    hand.until(4_620);
    let own = Mac([2, 0, 172, 16, 16, 5]);
    let answer = arp::Repr::announcement(own, [172, 16, 16, 12].into());
    hand.step(Event::Neighbour { interface: ETH0, frame: &answer.frame_to(own) });
    hand.until(70_000);
    let at = unanswered(&hand);
    assert_eq!(at.windows(2).map(|two| two[1] - two[0]).max(), Some(10_500));
    assert_eq!(lease(&hand), Some(2 + 3 + 10));
}
