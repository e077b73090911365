//! Addresses that go by themselves, and frames of neighbours that a program watches.

use havip::wire::arp;
use havip::wire::ethernet::Mac;

use super::*;

const LAN: &str = "\
lan 172.16.16.0/24
cvm a 172.16.16.5 keepalived x
cvm b 172.16.16.6 keepalived x
client web 172.16.16.100 probe 172.16.16.12 every 100ms";

const fn s(n: u64) -> Option<Duration> {
    Some(Duration::from_secs(n))
}

fn gone(what: &What) -> bool {
    matches!(what, What::Held { held: false, ran_out: true, .. })
}

#[test]
fn an_address_goes_when_its_lifetime_runs_out() {
    let mut hand = Hand::new(LAN);
    hand.told();
    hand.adds(A, ETH0, "172.16.16.12/32", s(3));
    hand.run(2_000);
    assert_eq!(hand.told(), ["0.0002 a eth0 172.16.16.12 Added"]);
    hand.run(4_000);
    assert_eq!(hand.told(), ["3.0002 a eth0 172.16.16.12 VanishedByOther"]);
    assert!(hand.facts.iter().any(gone));
}

#[test]
fn one_that_is_added_again_stays_and_its_kernel_counts_whole_seconds() {
    let mut hand = Hand::new(LAN);
    for at in [0, 1_000, 2_000] {
        hand.run(at);
        hand.adds(A, ETH0, "172.16.16.12/32", Some(Duration::from_millis(1_200)));
    }
    hand.told();
    hand.run(3_900);
    assert_eq!(hand.told(), ["2.0001 a eth0 172.16.16.12 Added"]);
    hand.run(4_100);
    // 1.2 s count as 2.
    assert_eq!(hand.told(), ["4.0001 a eth0 172.16.16.12 VanishedByOther"]);
}

#[test]
fn what_is_said_last_of_a_lifetime_holds() {
    let mut hand = Hand::new(LAN);
    hand.adds(A, ETH0, "172.16.16.12/32", s(1));
    hand.adds(A, ETH0, "172.16.16.12/32", None);
    hand.adds(A, ETH0, "172.16.16.13/32", s(1));
    let address = "172.16.16.13/32".parse().unwrap();
    hand.asks(A, Action::RemoveAddress { interface: ETH0, address });
    hand.run(10_000);
    assert!(!hand.facts.iter().any(gone));
}

#[test]
fn an_address_outlives_its_program_and_not_its_lifetime() {
    let mut hand = Hand::new(&format!("{LAN}\nat 1s kill a\nat 1s freeze b"));
    hand.adds(A, ETH0, "172.16.16.12/32", s(3));
    hand.adds(B, ETH0, "172.16.16.13/32", s(3));
    hand.run(5_000);
    assert_eq!(hand.facts.iter().filter(|what| gone(what)).count(), 2);
}

#[test]
fn the_kernel_is_late_by_a_second_at_most_and_never_early() {
    let host = host::Host::new(chance::Chance::new(3), false);
    for n in 0..1000 {
        let now = Time::from_nanos(n * 1_000_003);
        let late = host.lifetime_ends(1, now, Duration::from_secs(5), 7) - (now + Duration::from_secs(5));
        assert!(late <= Duration::from_secs(1), "{late}");
    }
}

#[test]
fn a_program_that_watches_sees_the_frames_of_its_interface_in_the_order_they_came() {
    let mut hand = Hand::new(LAN);
    hand.told();
    hand.listens(B, ETH0, "224.0.0.18");
    hand.asks(B, Action::WatchNeighbours { interface: ETH0 });
    let mac = Mac([2, 0, 172, 16, 16, 5]);
    let frame = arp::Repr::announcement(mac, [172, 16, 16, 12].into()).frame_to(Mac::BROADCAST);
    hand.asks(A, Action::SendFrame { interface: ETH0, frame: &frame });
    hand.sends(A, ETH0, "172.16.16.5", "224.0.0.18");
    hand.asks(A, Action::SendFrame { interface: ETH0, frame: &frame });
    hand.run(50);
    let told: Vec<String> = hand.told().iter().map(|line| line[7..21].to_owned()).collect();
    assert_eq!(told, ["b eth0 sees ga", "b eth0 packet ", "b eth0 sees ga"]);
}

#[test]
fn a_watcher_that_stands_still_keeps_a_socket_full_of_frames() {
    let mut hand = Hand::new(&format!("{LAN}\nat 10ms freeze b\nat 3s thaw b"));
    hand.told();
    hand.asks(B, Action::WatchNeighbours { interface: ETH0 });
    let mac = Mac([2, 0, 172, 16, 16, 5]);
    let frame = arp::Repr::announcement(mac, [172, 16, 16, 12].into()).frame_to(Mac::BROADCAST);
    hand.run(20);
    for n in 0..300 {
        hand.run(20 + n);
        hand.world.inject(NodeId(0), &frame);
    }
    hand.run(4_000);
    // The client's question for the address it probes is among them, once a second.
    assert_eq!(hand.told().len(), 277);
}
