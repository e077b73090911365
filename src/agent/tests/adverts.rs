//! What an instance makes of single advertisements.

use std::net::Ipv4Addr;

use super::*;
use crate::wire::ipv4;
use crate::wire::vrrp::{self, Addresses, ChecksumRule, Dialect};

pub(super) const UNICAST: &str = " unicast_src_ip 172.16.16.5\n unicast_peer {\n  172.16.16.6\n }\n";
pub(super) const OWN: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 5);
const PEER: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 6);
const THIRD: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 8);

/// An advertisement without a password.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub(super) from: Ipv4Addr,
    pub(super) priority: u8,
    pub(super) version3: bool,
    pub(super) interval: Duration,
    pub(super) addresses: &'static [Ipv4Addr],
    pub(super) ttl: u8,
}

/// That of a master which everybody obeys.
pub(super) const ADVERT: Said = Said {
    from: PEER,
    priority: 200,
    version3: false,
    interval: Duration::from_secs(1),
    addresses: &[Ipv4Addr::new(172, 16, 16, 12)],
    ttl: 255,
};

impl Hand {
    pub(super) fn hears(&mut self, said: &Said) {
        self.hears_to(said, OWN);
    }

    pub(super) fn hears_to(&mut self, said: &Said, dst: Ipv4Addr) {
        let message = vrrp::Repr {
            dialect: match said.version3 {
                true => Dialect::V3,
                false => Dialect::V2 { authentication: vrrp::Authentication::None },
            },
            vrid: 51,
            priority: said.priority,
            advert_interval: said.interval,
            addresses: Addresses::new(said.addresses),
        };
        let header = ipv4::Repr {
            src: said.from,
            dst,
            protocol: ipv4::Protocol::VRRP,
            ttl: said.ttl,
            tos: 0,
            identification: 1,
            dont_fragment: false,
            payload_len: message.len() as u16,
        };
        let rule = if said.version3 { ChecksumRule::PseudoHeader } else { ChecksumRule::Plain };
        let mut packet = vec![0; header.total_len()];
        message.emit(header.emit(&mut packet), rule, said.from, dst);
        self.step(Event::Packet { interface: ETH0, packet: &packet });
    }

    fn refusals(&self) -> Vec<(&'static str, u64)> {
        self.agent.routers()[0].refusals().collect()
    }
}

fn begun(profile: Profile, lines: &str, millis: u64) -> Hand {
    let mut hand = Hand::of(&text("", &format!("{UNICAST}{lines}")), profile);
    hand.start(0);
    hand.until(millis);
    hand
}

#[test]
fn an_interval_of_zero_is_no_interval() {
    let mut hand = begun(Profile::KEEPALIVED, " version 3", 1_000);
    let said = Said { version3: true, interval: Duration::ZERO, ..ADVERT };
    hand.hears(&said);
    assert_eq!(hand.refusals(), [("other interval", 1)]);
    hand.hears(&Said { interval: Duration::from_centis(1), ..said });
    assert_eq!(hand.refusals(), [("other interval", 1)]);
}

#[test]
fn a_peers_time_to_live_is_within_what_its_line_says() {
    let refused = |peer: &str, ttl: u8| {
        let lines = format!(" unicast_src_ip 172.16.16.5\n unicast_peer {{\n  172.16.16.6 {peer}\n }}\n");
        let mut hand = Hand::new(&text("", &lines));
        hand.start(0);
        hand.hears(&Said { ttl, ..ADVERT });
        hand.refusals() == [("wrong TTL", 1)]
    };
    assert!(!refused("", 1) && !refused("min_ttl 64", 64) && !refused("max_ttl 254", 254));
    assert!(refused("min_ttl 64", 63) && refused("max_ttl 254", 255));
}

#[test]
fn its_own_advertisement_is_no_other_masters() {
    for priority in [100, 255] {
        let lines =
            format!(" state {}\n priority {priority}", if priority == 255 { "MASTER" } else { "BACKUP" });
        let mut hand = begun(Profile::KEEPALIVED, &lines, 4_000);
        assert_eq!(hand.role(), Role::Master);
        hand.hears(&Said { from: OWN, priority, ..ADVERT });
        assert_eq!((hand.role(), hand.agent.routers()[0].priority()), (Role::Master, priority));
    }
}

#[test]
fn a_backup_takes_no_goodbye_for_its_masters_but_its_own() {
    let after_goodbye = |profile, from| {
        let mut hand = begun(profile, " unicast_peer {\n  172.16.16.8\n }", 1_000);
        hand.hears(&ADVERT);
        hand.hears(&Said { from, priority: 0, ..ADVERT });
        hand.until(2_000);
        hand.role()
    };
    assert_eq!(after_goodbye(Profile::HAVIP, PEER), Role::Master, "a skew time of 0.609 s later");
    assert_eq!(after_goodbye(Profile::HAVIP, THIRD), Role::Backup);
    assert_eq!(after_goodbye(Profile::KEEPALIVED, THIRD), Role::Master, "as 2.2.7");
}

#[test]
fn a_higher_priority_ends_preempt_delay_and_the_next_lower_one_begins_it_anew() {
    let mut hand = begun(Profile::KEEPALIVED, " preempt_delay 3", 0);
    let (lower, higher) = (Said { priority: 90, ..ADVERT }, ADVERT);
    let second = |hand: &mut Hand, n: u64, said: &Said| {
        hand.until(n * 1_000);
        hand.hears(said);
    };
    for n in 1..=2 {
        second(&mut hand, n, &lower);
    }
    second(&mut hand, 3, &higher);
    for n in 4..=6 {
        second(&mut hand, n, &lower);
    }
    // Begun at 4 s: until 7 s a lower advertisement is obeyed, and puts the takeover off by 3.609 s.
    hand.until(9_600);
    assert_eq!(hand.role(), Role::Backup, "begun at 1 s, it would be over at 4 s");
    hand.until(9_610);
    assert_eq!(hand.role(), Role::Master);
}

#[test]
fn a_lower_priority_is_answered_unless_the_file_says_not_to() {
    let answers = |line: &str| {
        let mut hand = begun(Profile::KEEPALIVED, line, 4_000);
        hand.sent.clear();
        hand.hears(&Said { priority: 90, ..ADVERT });
        hand.sent.len()
    };
    assert_eq!((answers(""), answers(" lower_prio_no_advert")), (1, 0));
}

#[test]
fn a_higher_priority_is_answered_before_it_steps_down_if_the_file_says_so() {
    let answers = |line: &str| {
        let mut hand = begun(Profile::KEEPALIVED, line, 4_000);
        hand.sent.clear();
        hand.hears(&ADVERT);
        assert_eq!(hand.role(), Role::Backup);
        hand.sent.len()
    };
    assert_eq!((answers(""), answers(" higher_prio_send_advert")), (0, 1));
}

#[test]
fn of_two_masters_that_it_hears_it_obeys_the_better_one() {
    let after_goodbye_of = |from| {
        let mut hand = begun(Profile::HAVIP, " unicast_peer {\n  172.16.16.8\n }", 1_000);
        hand.hears(&ADVERT);
        hand.hears(&Said { from: THIRD, priority: 150, ..ADVERT });
        hand.hears(&Said { from, priority: 0, ..ADVERT });
        hand.until(2_000);
        hand.role()
    };
    assert_eq!((after_goodbye_of(THIRD), after_goodbye_of(PEER)), (Role::Backup, Role::Master));
}

#[test]
fn advertisements_are_numbered_from_1_and_copies_have_one_number() {
    let hand = begun(Profile::KEEPALIVED, " unicast_peer {\n  172.16.16.8\n }", 5_000);
    let number = |packet: &Vec<u8>| ipv4::Packet::new(&packet[..]).expect("IPv4").identification();
    assert_eq!(hand.sent.iter().map(number).collect::<Vec<_>>(), [1, 1, 2, 2]);
}

#[test]
fn what_it_has_learned_of_a_master_is_forgotten_with_a_fault() {
    let mut hand = begun(Profile::KEEPALIVED, " version 3", 1_000);
    hand.hears(&Said { version3: true, interval: Duration::from_millis(100), ..ADVERT });
    hand.until(1_100);
    hand.step(Event::Link { interface: ETH0, up: false });
    hand.until(1_200);
    hand.step(Event::Link { interface: ETH0, up: true });
    hand.until(60_000);
    assert_eq!(hand.first("MASTER"), Some(1_200 + 3_609), "of its own interval, not of 0.1 s");
}

#[test]
fn preempt_delay_begins_anew_after_a_fault() {
    let mut hand = begun(Profile::KEEPALIVED, " preempt_delay 3", 1_000);
    let lower = Said { priority: 90, ..ADVERT };
    hand.hears(&lower);
    hand.until(2_000);
    hand.step(Event::Link { interface: ETH0, up: false });
    hand.step(Event::Link { interface: ETH0, up: true });
    for second in 3..=20 {
        hand.until(second * 1_000);
        hand.hears(&lower);
    }
    // Obeyed at 3, 4 and 5 s; until 4 s only, if the first delay had gone on.
    assert_eq!(hand.first("MASTER"), Some(5_000 + 3_609));
}

#[test]
fn a_master_whose_link_was_down_for_too_long_waits_as_anybody_does() {
    let back = |after: u64| {
        // Its last advertisement leaves at 5.609 s.
        let mut hand = begun(Profile::HAVIP, "", 5_700);
        hand.step(Event::Link { interface: ETH0, up: false });
        hand.until(5_609 + after);
        hand.step(Event::Link { interface: ETH0, up: true });
        hand.asked.clear();
        hand.until(60_000);
        hand.first("MASTER").map(|at| at - 5_609 - after)
    };
    assert_eq!(back(1_900), Some(609), "who has missed that one too waits for 3.008 s");
    assert_eq!(back(2_100), Some(3_609), "2.1 and an interval of 1 s are more");
}

#[test]
fn goodbyes_in_a_row_are_answered_with_claims_once_a_second() {
    let mut hand = begun(Profile::HAVIP, "", 9_000);
    hand.asked.clear();
    for tenth in 0..20 {
        hand.until(9_000 + tenth * 100);
        hand.hears(&Said { priority: 0, ..ADVERT });
    }
    let claims = hand.asked.iter().filter(|(_, asked)| asked.contains("the other master has left"));
    assert_eq!(claims.count(), 2);
}

#[test]
fn a_copy_to_a_peer_leaves_with_the_time_to_live_that_is_written() {
    let ttl = |line: &str| {
        let hand = begun(Profile::KEEPALIVED, line, 4_000);
        ipv4::Packet::new(&hand.sent[0][..]).expect("IPv4").ttl()
    };
    assert_eq!((ttl(""), ttl(" unicast_ttl 64")), (255, 64));
    let six = |line: &str| {
        let lines = " interface eth0\n virtual_router_id 51\n unicast_src_ip fd00::5\n";
        let peers = " unicast_peer {\n  fd00::6\n }\n virtual_ipaddress {\n  fd00::12\n }\n";
        let mut hand = Hand::new(&format!("vrrp_instance V {{\n{lines}{line}\n{peers}}}\n"));
        let mut eth0 = interface(ETH0, "eth0", 5);
        eth0.addresses.push("fd00::5/64".parse().expect("an address"));
        hand.now = Time::ZERO + Duration::from_secs(1_000);
        hand.step(Event::Start { interfaces: &[eth0], booted: Time::ZERO });
        hand.until(4_000);
        crate::wire::ipv6::Packet::new(&hand.sent[0][..]).expect("IPv6").hop_limit()
    };
    assert_eq!((six(""), six(" unicast_ttl 255")), (64, 255), "measured (d02): the kernel's own");
}

#[test]
fn a_priority_stays_within_1_and_254_whatever_is_tracked() {
    let priority = |own: u8, weight: i16| {
        let process = format!("vrrp_track_process p {{\n process x\n weight {weight}\n}}\n");
        let mut hand = Hand::new(&text(&process, &format!(" priority {own}\n track_process {{\n  p\n }}")));
        hand.start(0);
        hand.step(Event::Process { watch: WatchId(0), running: u32::from(weight > 0) });
        hand.agent.routers()[0].priority()
    };
    assert_eq!((priority(100, 200), priority(100, -200), priority(100, 20)), (254, 1, 120));
}

#[test]
fn it_hears_nobody_while_it_is_in_fault() {
    let mut hand = begun(Profile::KEEPALIVED, "", 1_000);
    hand.step(Event::Link { interface: ETH0, up: false });
    hand.hears(&Said { ttl: 1, addresses: &[], ..ADVERT });
    assert_eq!((hand.role(), hand.refusals().len()), (Role::Fault, 0));
    hand.step(Event::Link { interface: ETH0, up: true });
    hand.hears(&Said { ttl: 1, addresses: &[], ..ADVERT });
    assert_eq!(hand.refusals(), [("other number of addresses", 1)]);
}

#[test]
fn a_lowered_priority_is_said_thrice_before_anybody_below_can_take_the_goodbye_for_the_last_word() {
    let track = "vrrp_track_process p {\nprocess haproxy\nweight -20\n}\n";
    for (version, interval) in [("", 1_000), (" version 3\n advert_int 0.1\n", 100)] {
        let file = text(track, &format!("{UNICAST}{version} track_process {{\n  p\n }}"));
        let mut hand = Hand::of(&file, Profile::HAVIP);
        hand.start(0);
        hand.step(runs(1));
        hand.until(10_000);
        assert_eq!(hand.role(), Role::Master);
        hand.asked.clear();
        hand.sent.clear();
        hand.step(runs(0));
        hand.until(10_000 + 2 * interval + 900);
        let priorities: Vec<u8> = hand.sent.iter().take(5).map(|packet| packet[22]).collect();
        assert_eq!(priorities, [0, 80, 80, 80, 80]);
        let at: Vec<u64> = hand
            .asked
            .iter()
            .filter(|(_, asked)| asked.contains("SendPacket"))
            .map(|(at, _)| at.as_nanos() / 1_000 - 1_010_000_000)
            .collect();
        // Thirds of (256 - 80)/256 of a second, or of the interval; then an interval.
        let third = 176 * interval * 1_000 / 256 / 3;
        assert_eq!(at[..5], [0, 0, third, 2 * third, 2 * third + interval * 1_000]);
    }
}
