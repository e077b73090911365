//! What a changed file makes of an instance that runs.

use super::*;

/// An instance that speaks from this address to these peers, with this address to hold.
fn file(source: &str, peers: &str, held: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n unicast_fault_no_peer\n \
         unicast_src_ip {source}\n unicast_peer {{\n  {peers}\n }}\n virtual_ipaddress {{\n  {held}\n }}\n}}\n"
    )
}

fn good() -> String {
    file("172.16.16.5", "172.16.16.6", "172.16.16.12")
}

/// Files that keep it from taking part, and why.
fn bad() -> [(String, &'static str); 3] {
    [
        (file("172.16.16.5", "", "172.16.16.12"), "FAULT unicast without a peer"),
        (
            file("172.16.16.77", "172.16.16.6", "172.16.16.12"),
            "FAULT address 172.16.16.77 is not on the interface",
        ),
        (
            file("172.16.16.5", "172.16.16.6", "172.16.16.5"),
            "FAULT virtual address 172.16.16.5 is the interface's own",
        ),
    ]
}

fn reload(hand: &mut Hand, text: &str) {
    hand.asked.clear();
    hand.sent.clear();
    hand.step(Event::Reload { files: &Files::single("k.conf", text) });
}

#[test]
fn a_file_that_cannot_work_is_a_fault_at_a_reload_and_a_master_says_goodbye_to_whom_it_knew() {
    for (profile, goodbyes) in [(Profile::KEEPALIVED, 2), (Profile::HAVIP, 1)] {
        for (bad, why) in bad() {
            let mut hand = Hand::of(&good(), profile);
            hand.start(0);
            hand.until(5_000);
            assert_eq!(hand.role(), Role::Master);
            reload(&mut hand, &bad);
            assert_eq!(hand.role(), Role::Fault, "{bad}");
            assert!(hand.first(why).is_some() && hand.first("remove 172.16.16.12").is_some(), "{bad}");
            // From 172.16.16.5 to 172.16.16.6: what it was, and that it leaves.
            let said: Vec<(u8, u8, u8)> = hand.sent.iter().map(|p| (p[15], p[19], p[22])).collect();
            let mut expected = vec![(5, 6, 100)];
            expected.resize(1 + goodbyes, (5, 6, 0));
            assert_eq!(said, expected, "{bad}");
        }
    }
}

#[test]
fn a_file_that_works_again_ends_the_fault_at_a_reload() {
    for profile in [Profile::KEEPALIVED, Profile::HAVIP] {
        for (bad, _) in bad() {
            let mut hand = Hand::of(&bad, profile);
            hand.start(0);
            hand.until(5_000);
            assert_eq!(hand.role(), Role::Fault, "{bad}");
            reload(&mut hand, &bad);
            assert_eq!((hand.role(), hand.first("BACKUP")), (Role::Fault, None), "{bad}");
            reload(&mut hand, &good());
            assert_eq!(hand.role(), Role::Backup, "{bad}");
            hand.until(9_000);
            assert_eq!(hand.role(), Role::Master, "{bad}");
        }
    }
}

#[test]
fn a_fault_of_something_tracked_outlasts_a_reload() {
    let tracks = " track_process {\n  p\n }\n unicast_f";
    let with = |text: &str| {
        format!("vrrp_track_process p {{\n process haproxy\n}}\n{}", text.replace(" unicast_f", tracks))
    };
    let mut hand = Hand::of(&with(&good()), Profile::KEEPALIVED);
    hand.start(0);
    hand.step(runs(0));
    assert_eq!(hand.role(), Role::Fault);
    reload(&mut hand, &with(&bad()[0].0));
    reload(&mut hand, &with(&good()));
    assert_eq!((hand.role(), hand.first("BACKUP")), (Role::Fault, None), "the process does not run");
    hand.step(runs(1));
    assert_eq!(hand.role(), Role::Backup);
}

/// Two instances of a group that tells of itself.
fn group(name: &str, priority: u8) -> String {
    let one = |name: &str, vrid: u8| {
        format!(
            "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n priority {priority}\n \
             virtual_ipaddress {{\n  172.16.17.{vrid}\n }}\n}}\n"
        )
    };
    let told = "notify_master /bin/m\n notify_backup /bin/b\n notify /bin/n";
    let group = format!("vrrp_sync_group {name} {{\n group {{\n  A\n  B\n }}\n {told}\n}}\n");
    format!("global_defs {{\n vrrp_notify_fifo /run/f\n}}\n{group}{}{}", one("A", 1), one("B", 2))
}

#[test]
fn a_group_that_goes_on_has_been_told_what_it_is() {
    for seconds in [1, 9] {
        let mut hand = Hand::new(&group("G", 100));
        hand.start(0);
        hand.until(seconds * 1_000);
        let told = |hand: &Hand| hand.first("run ").is_some() || hand.first("write /run/f GROUP").is_some();
        assert!(told(&hand));
        reload(&mut hand, &group("G", 100));
        assert!(!told(&hand), "nothing has changed");
        reload(&mut hand, &group("G", 120));
        assert!(!told(&hand), "it is what it was");
        reload(&mut hand, &group("H", 120));
        assert!(told(&hand), "a new one");
    }
}

#[test]
fn who_is_in_a_group_no_more_decides_alone() {
    let tracks = |text: String| {
        let tracks = "vrrp_instance A {\n track_process {\n  p\n }\n";
        format!(
            "vrrp_track_process p {{\n process haproxy\n}}\n{}",
            text.replace("vrrp_instance A {\n", tracks)
        )
    };
    let alone = |text: String| text.replace("  B\n", "");
    let mut hand = Hand::new(&tracks(group("G", 100)));
    hand.start(0);
    hand.step(runs(0));
    assert!(hand.agent.routers().iter().all(|r| r.role() == Role::Fault));
    reload(&mut hand, &tracks(alone(group("G", 100))));
    let roles = |hand: &Hand| [0, 1].map(|at| hand.agent.routers()[at].role());
    assert_eq!(roles(&hand), [Role::Fault, Role::Backup], "the other's fault is none of its own");
    hand.until(9_000);
    assert_eq!(roles(&hand), [Role::Fault, Role::Master], "and it waits for nobody");
    hand.step(runs(1));
    hand.until(19_000);
    assert_eq!(roles(&hand), [Role::Master, Role::Master]);
}
