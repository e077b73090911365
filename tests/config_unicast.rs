//! Peers, sources, groups, families and addresses: what is read, and what is said of it.

use std::net::IpAddr;

use havip::config::{self, Loaded, Options, Peer, VRRP_GROUP, VRRP_GROUP6, Version};
use havip::files::Files;
use havip::profile::Profile;

fn load(text: &str) -> Loaded {
    config::load(&Files::single("x.conf", text), &Options::default())
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

/// An instance with these lines and these addresses.
fn instance(lines: &str, addresses: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n{lines}\n virtual_ipaddress {{\n{addresses}\n }}\n}}\n"
    )
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

const UNICAST: &str = " unicast_src_ip 172.16.16.5\n unicast_peer {\n  172.16.16.6\n }\n";

#[test]
fn a_peer_may_have_a_least_and_a_greatest_ttl_and_then_its_source_counts() {
    let peers = |line: &str| load(&instance(&format!(" unicast_peer {{\n  {line}\n }}"), "172.16.16.12"));
    for (line, ttl, said) in [
        ("172.16.16.6 min_ttl 254 max_ttl 255", Some((254, 255)), ""),
        ("172.16.16.6 max_ttl 254", Some((0, 254)), ""),
        ("172.16.16.6 min_ttl 255", Some((255, 255)), ""),
        ("172.16.16.6", None, ""),
        ("172.16.16.6 min_ttl 256", None, "bad-number"),
        ("172.16.16.6 max_ttl", None, "bad-number"),
        ("172.16.16.6 min_ttl 9 max_ttl 8", Some((9, 8)), "no-ttl-fits"),
    ] {
        let loaded = peers(line);
        let vi = &loaded.config.instances[0];
        assert_eq!(vi.peers, [Peer { address: ip("172.16.16.6"), ttl }], "{line}");
        assert_eq!(vi.check_unicast_source, ttl.is_some(), "{line}");
        assert_eq!(codes(&loaded).join(" "), said, "{line}");
    }
}

#[test]
fn the_source_is_checked_where_the_instance_or_the_machine_says_so() {
    assert!(!load(&instance(UNICAST, "172.16.16.12")).config.instances[0].check_unicast_source);
    let own = load(&instance(&format!("{UNICAST} check_unicast_src"), "172.16.16.12"));
    let all =
        load(&format!("global_defs {{\n vrrp_check_unicast_src\n}}\n{}", instance(UNICAST, "172.16.16.12")));
    for loaded in [own, all] {
        assert_eq!(codes(&loaded), [""; 0]);
        assert!(loaded.config.instances[0].check_unicast_source);
    }
}

#[test]
fn unicast_without_peers_is_multicast_or_a_fault() {
    for (line, fault) in
        [("unicast_src_ip 172.16.16.5", false), ("check_unicast_src", false), ("unicast_fault_no_peer", true)]
    {
        let loaded = load(&instance(&format!(" {line}"), "172.16.16.12"));
        assert_eq!(codes(&loaded), ["unicast-without-peers"], "{line}");
        let vi = &loaded.config.instances[0];
        assert_eq!((vi.lost_its_peers, vi.fault_without_peers, vi.is_unicast()), (true, fault, false));
    }
    assert_eq!(codes(&load(&instance(" unicast_ttl 64", "172.16.16.12"))), ["ttl-without-peers"]);
    let ttl = load(&instance(&format!("{UNICAST} unicast_ttl 64"), "172.16.16.12"));
    assert_eq!((ttl.config.instances[0].unicast_ttl, codes(&ttl).len()), (Some(64), 0));
}

#[test]
fn strict_mode_and_unicast_are_told_apart_from_what_a_newer_keepalived_does() {
    let loaded = load(&format!("global_defs {{\n vrrp_strict\n}}\n{}", instance(UNICAST, "172.16.16.12")));
    assert_eq!(codes(&loaded), ["strict-drops", "strict-unicast"]);
    assert!(loaded.config.refused.is_none(), "2.2.7 runs it");
}

#[test]
fn the_group_is_the_familys_unless_one_is_written() {
    let group = |text: &str| load(text).config.instances[0].group;
    let four = |lines: &str| instance(lines, "172.16.16.12");
    assert_eq!(group(&four("")), IpAddr::from(VRRP_GROUP));
    assert_eq!(group(&instance("", "fe80::12")), IpAddr::from(VRRP_GROUP6));
    assert_eq!(group(&four(" mcast_dst_ip 224.0.0.99")), ip("224.0.0.99"));
    let global = "global_defs {\n vrrp_mcast_group4 224.0.0.98\n vrrp_mcast_group6 ff02::98\n}\n";
    assert_eq!(group(&(global.to_owned() + &four(""))), ip("224.0.0.98"));
    assert_eq!(group(&(global.to_owned() + &instance("", "fe80::12"))), ip("ff02::98"));
    assert_eq!(codes(&load(&four(" mcast_dst_ip 172.16.16.1"))), ["bad-address"]);
    let routed = load(&instance(" mcast_dst_ip ff05::12", "fe80::12"));
    assert_eq!(codes(&routed), ["bad-address"], "its scope must be the link");
}

#[test]
fn ipv6_addresses_make_it_an_ipv6_instance_of_version_3() {
    let loaded = load(&instance("", "fe80::16:12\nfd00:16::12/64 dev eth1"));
    assert_eq!(codes(&loaded), [""; 0]);
    let vi = &loaded.config.instances[0];
    assert!(vi.is_ipv6() && vi.version == Version::V3);
    let addresses: Vec<_> = vi.addresses.iter().map(|a| (a.address.to_string(), a.device.clone())).collect();
    assert_eq!(
        addresses,
        [("fe80::16:12/128".to_owned(), None), ("fd00:16::12/64".to_owned(), Some("eth1".to_owned()))]
    );
    let global = "global_defs {\n vrrp_version 2\n}\n".to_owned();
    assert_eq!(load(&(global + &instance("", "fe80::1"))).config.instances[0].version, Version::V3);
    let loaded = load(&instance(" version 2", "fd00::12"));
    assert_eq!(codes(&loaded), ["ipv6-version", "not-link-local"]);
    assert_eq!(loaded.config.instances[0].version, Version::V3);
}

#[test]
fn havip_puts_a_link_local_address_first_wherever_it_is_written() {
    let codes_as = |profile, addresses: &str| {
        let files = Files::single("x.conf", instance("", addresses));
        codes(&config::load(&files, &Options { profile, ..Options::default() }))
    };
    let (keepalived, havip) = (Profile::KEEPALIVED, Profile::HAVIP);
    assert_eq!(codes_as(keepalived, "fd00:16::12\nfe80::12"), ["not-link-local"]);
    assert_eq!(codes_as(havip, "fd00:16::12\nfe80::12"), [""; 0]);
    assert_eq!(codes_as(havip, "fd00:16::12"), ["not-link-local"], "there is none to put first");
}

#[test]
fn ipv6_unicast_needs_no_link_local_address() {
    let lines = " unicast_src_ip fd00::5\n unicast_peer {\n  fd00::6\n }";
    let loaded = load(&instance(lines, "fd00::12"));
    assert_eq!(codes(&loaded), [""; 0]);
    let vi = &loaded.config.instances[0];
    assert_eq!((vi.source, vi.peers[0].address, vi.unicast_ttl), (Some(ip("fd00::5")), ip("fd00::6"), None));
}

#[test]
fn families_do_not_mix_but_in_what_is_excluded() {
    let loaded = load(&instance(
        " virtual_ipaddress_excluded {\n  fd00::13\n  172.16.16.14 no_track\n }",
        "172.16.16.12\nfd00::12",
    ));
    assert_eq!(codes(&loaded), ["family-mismatch"]);
    let vi = &loaded.config.instances[0];
    assert_eq!((vi.is_ipv6(), vi.addresses.len()), (false, 1));
    let excluded: Vec<_> = vi.excluded.iter().map(|a| (a.address.to_string(), a.no_track)).collect();
    assert_eq!(excluded, [("fd00::13/128".to_owned(), false), ("172.16.16.14/32".to_owned(), true)]);
    // What stands first decides, be it a peer.
    let peer = load(&instance(" unicast_peer {\n  fd00::6\n }", "172.16.16.12"));
    assert_eq!(codes(&peer), ["no-address", "family-mismatch"]);
    assert!(peer.config.refused.is_some(), "version 3 without an address");
}

#[test]
fn no_address_at_all_may_be_meant() {
    let text = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n version 3\n no_virtual_ipaddress\n}\n";
    let loaded = load(text);
    assert_eq!(codes(&loaded), ["newer-keepalived"]);
    assert_eq!(loaded.config.instances.len(), 1);
}

#[test]
fn what_does_not_fit_into_a_packet_is_held_and_not_advertised() {
    let many = |n: u32| {
        let list: Vec<String> = (0..n).map(|i| format!("10.0.{}.{}", i / 250, i % 250 + 1)).collect();
        load(&instance("", &list.join("\n")))
    };
    let fits = &many(255).config.instances[0];
    assert_eq!((fits.addresses.len(), fits.excluded.len()), (255, 0));
    let loaded = many(256);
    let vi = &loaded.config.instances[0];
    // keepalived moves one more than it must.
    assert_eq!((vi.addresses.len(), vi.excluded.len()), (254, 2));
    assert_eq!(codes(&loaded), ["too-many-addresses"]);
}

#[test]
fn the_same_virtual_router_may_be_on_an_interface_once_a_family() {
    let two = |a: &str, b: &str| load(&(instance("", a) + &instance("", b).replace("VI_1", "VI_2"))).config;
    assert!(two("172.16.16.12", "fe80::12").refused.is_none());
    assert!(two("172.16.16.12", "172.16.16.13").refused.is_some());
}

#[test]
fn switches_are_read_as_keepalived_reads_them() {
    let vi = |lines: &str| {
        let loaded = load(&instance(lines, "172.16.16.12"));
        (loaded.config.instances[0].clone(), codes(&loaded).join(" "))
    };
    let (on, said) = vi(" skip_check_adv_addr off");
    assert!(on.skip_check_addresses, "up to 2.4.3 any truth word switches it on");
    assert_eq!(said, "off-means-on");
    assert!(!vi("").0.skip_check_addresses);
    let (as_v2, said) = vi(" version 3\n v3_checksum_as_v2");
    assert_eq!((as_v2.v3_checksum_as_v2, said.as_str()), (true, "newer-keepalived"));
    let (tracked, said) = vi(&format!("{UNICAST} track_src_ip"));
    assert_eq!((tracked.track_source, said.as_str()), (true, ""));
    assert!(!vi(" track_src_ip").0.track_source, "there is no source to track");
    let (late, said) = vi(" nopreempt\n timer_expired_backup");
    assert_eq!((late.timer_expired_backup, said.as_str()), (Some(254), "newer-keepalived"));
    assert_eq!(vi(" nopreempt\n thread_timer_expired 100").0.timer_expired_backup, Some(100));
    let (preempts, said) = vi(" timer_expired_backup 100");
    assert_eq!(
        (preempts.timer_expired_backup, said.as_str()),
        (None, "timer-expired-preempts newer-keepalived")
    );
}
