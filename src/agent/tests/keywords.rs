//! What single keywords do, where no scenario shows it.

use std::net::Ipv4Addr;

use super::adverts::{ADVERT, OWN, Said, UNICAST};
use super::*;
use crate::wire::bfd;
use crate::wire::vrrp::{self, ChecksumRule};
use crate::wire::{ipv4, ipv6};

/// It has begun, and so many milliseconds have passed.
fn after(millis: u64, text: &str) -> Hand {
    let mut hand = Hand::new(text);
    hand.start(0);
    hand.until(millis);
    hand
}

impl Hand {
    /// The last packet it sent.
    fn last(&self) -> ipv4::Packet<&[u8]> {
        ipv4::Packet::new(&self.sent.last().expect("a packet")[..]).expect("IPv4")
    }

    fn link(&mut self, interface: InterfaceId, up: bool) {
        self.step(Event::Link { interface, up });
    }
}

#[test]
fn unicast_that_has_lost_its_peers_falls_back_to_multicast_or_is_a_fault() {
    let multicast = after(4_000, &text("", " unicast_src_ip 172.16.16.5"));
    assert_eq!((multicast.role(), multicast.last().dst()), (Role::Master, vrrp::GROUP));
    let fault = after(4_000, &text("", " unicast_src_ip 172.16.16.5\n unicast_fault_no_peer"));
    assert_eq!((fault.role(), fault.sent.len()), (Role::Fault, 0));
    assert_eq!(fault.first("FAULT unicast without a peer"), Some(0));
}

#[test]
fn the_source_and_the_group_of_multicast_are_as_written() {
    let mut hand = Hand::new(&text("", " mcast_src_ip 172.16.16.7\n mcast_dst_ip 224.0.0.99"));
    let mut eth0 = interface(ETH0, "eth0", 5);
    eth0.addresses.push("172.16.16.7/24".parse().expect("an address"));
    hand.now = Time::ZERO + Duration::from_secs(1_000);
    hand.step(Event::Start { interfaces: &[eth0], booted: Time::ZERO });
    hand.until(4_000);
    let packet = hand.last();
    assert_eq!((packet.src(), packet.dst()), ([172, 16, 16, 7].into(), [224, 0, 0, 99].into()));
    assert!(hand.first("group: Some(224.0.0.99)").is_some(), "it joins the group that it speaks to");
    let global = after(4_000, &text("global_defs {\n vrrp_mcast_group4 224.0.0.98\n}\n", ""));
    assert_eq!(global.last().dst(), Ipv4Addr::new(224, 0, 0, 98));
}

#[test]
fn an_old_unicast_checksum_names_the_group() {
    let rule = |line: &str| {
        let hand = after(4_000, &text("", &format!(" version 3\n{UNICAST}{line}")));
        let packet = hand.last();
        let advert = vrrp::Packet::from_ipv4(&packet).expect("an advertisement");
        advert.which_rule(packet.src(), packet.dst())
    };
    assert_eq!(rule(""), Some(ChecksumRule::PseudoHeader));
    assert_eq!(rule(" old_unicast_checksum"), Some(ChecksumRule::GroupPseudoHeader));
    assert_eq!(rule(" old_unicast_checksum never"), Some(ChecksumRule::PseudoHeader));
    assert_eq!(rule(" v3_checksum_as_v2"), Some(ChecksumRule::Plain));
}

#[test]
fn a_tracked_interface_is_a_fault_or_a_weight() {
    let down = |line: &str| {
        let mut hand = after(4_000, &text("", &format!(" track_interface {{\n  eth1 {line}\n }}")));
        hand.link(ETH1, false);
        (hand.role(), hand.agent.routers()[0].priority())
    };
    assert_eq!(down(""), (Role::Fault, 100));
    assert_eq!(down("weight -20"), (Role::Master, 80));
    assert_eq!(down("weight 20"), (Role::Master, 100), "120 before");
    assert_eq!(down("weight 20 reverse"), (Role::Master, 120));
}

#[test]
fn the_own_link_counts_unless_it_is_not_tracked() {
    let down = |line: &str| {
        let mut hand = after(4_000, &text("", line));
        hand.link(ETH0, false);
        hand.role()
    };
    assert_eq!(down(""), Role::Fault);
    assert_eq!(down(" dont_track_primary"), Role::Master);
}

#[test]
fn a_lost_source_is_a_fault_where_it_is_tracked() {
    let lost = |line: &str| {
        let mut hand = after(4_000, &text("", &format!("{UNICAST}{line}")));
        let (address, change) = (IpAddr::V4(OWN), AddressChange::VanishedByOther);
        hand.step(Event::Address { interface: ETH0, address, change });
        hand.role()
    };
    assert_eq!(lost(""), Role::Master);
    assert_eq!(lost(" track_src_ip"), Role::Fault);
}

#[test]
fn the_addresses_of_a_known_master_are_not_compared_again_where_the_file_says_so() {
    const ANOTHER: &[Ipv4Addr] = &[Ipv4Addr::new(172, 16, 16, 13)];
    let other = Said { addresses: ANOTHER, ..ADVERT };
    let refused = |blocks: &str, line: &str| {
        let mut hand = after(1_000, &text(blocks, &format!("{UNICAST}{line}")));
        hand.hears(&ADVERT);
        hand.hears(&other);
        hand.agent.routers()[0].refusals().count()
    };
    assert_eq!(refused("", ""), 1);
    assert_eq!(refused("", " skip_check_adv_addr"), 0);
    assert_eq!(refused("global_defs {\n vrrp_skip_check_adv_addr\n}\n", ""), 0);
    let mut unknown = after(1_000, &text("", &format!("{UNICAST} skip_check_adv_addr")));
    unknown.hears(&other);
    assert_eq!(unknown.agent.routers()[0].refusals().count(), 1, "whoever was not found right is compared");
}

#[test]
fn an_instance_without_addresses_runs_where_none_is_meant() {
    let none = |lines: &str| {
        let text = format!("vrrp_instance V {{\n interface eth0\n virtual_router_id 51\n{lines}\n}}\n");
        after(4_000, &text)
    };
    assert!(none(" version 3").agent.routers().is_empty(), "keepalived refuses it");
    let hand = none(" version 3\n no_virtual_ipaddress");
    assert_eq!(hand.role(), Role::Master);
    let packet = hand.last();
    assert_eq!(vrrp::Packet::from_ipv4(&packet).expect("an advertisement").address_count(), 0);
}

#[test]
fn native_ipv6_speaks_ipv6_whatever_the_addresses_are() {
    let text =
        "vrrp_instance V {\n interface eth0\n virtual_router_id 51\n native_ipv6\n no_virtual_ipaddress\n}\n";
    let mut hand = Hand::new(text);
    let mut eth0 = interface(ETH0, "eth0", 5);
    eth0.addresses.push("fe80::5/64".parse().expect("an address"));
    hand.now = Time::ZERO + Duration::from_secs(1_000);
    hand.step(Event::Start { interfaces: &[eth0], booted: Time::ZERO });
    hand.until(4_000);
    assert_eq!(hand.role(), Role::Master);
    let packet = ipv6::Packet::new(&hand.sent.last().expect("a packet")[..]).expect("IPv6");
    assert_eq!((packet.src().to_string(), packet.dst()), ("fe80::5".to_owned(), vrrp::GROUP_V6));
    assert_eq!(packet.payload()[0], 0x31);
}

#[test]
fn weights_of_a_groups_members_count_where_the_group_says_so() {
    let priority = |line: &str| {
        let blocks = format!(
            "vrrp_sync_group G {{\n group {{\n  VI_1\n }}\n{line}\n}}\nvrrp_track_process p {{\n process x\n weight -20\n}}\n"
        );
        let mut hand = after(0, &text(&blocks, " track_process {\n  p\n }"));
        hand.step(runs(0));
        hand.agent.routers()[0].priority()
    };
    assert_eq!((priority(""), priority(" sync_group_tracking_weight")), (100, 80));
}

#[test]
fn a_tracked_file_is_made_at_the_start_and_not_again() {
    let number = |init: &str, found: Option<&str>| {
        let blocks = format!("track_file f {{\n file /run/f\n{init}\n}}\n");
        let mut hand = after(0, &text(&blocks, " track_file {\n  f\n }"));
        let mut read = |text| {
            hand.step(Event::File { file: WatchId(0), text });
            i32::from(hand.agent.routers()[0].priority()) - 100
        };
        (read(found), read(None))
    };
    assert_eq!(number("", None), (0, 0));
    assert_eq!(number(" init_file", None), (0, 0));
    assert_eq!(number(" init_file 7", None), (7, 0), "it is there once");
    assert_eq!(number(" init_file 7", Some("3")), (3, 0), "one that is there stays");
    assert_eq!(number(" init_file 7 overwrite", Some("3")), (7, 0));
    assert_eq!(number(" init_file overwrite", Some("3")), (0, 0));
}

#[test]
fn what_global_defs_say_holds_where_an_instance_says_nothing() {
    let globals = "vrrp_version 3\nvrrp_garp_master_delay 7\nvrrp_garp_master_repeat 2\nvrrp_garp_master_refresh 9\n\
                   vrrp_garp_master_refresh_repeat 3\nvrrp_garp_lower_prio_delay 4\nvrrp_garp_lower_prio_repeat 6\n\
                   vrrp_lower_prio_no_advert\nvrrp_higher_prio_send_advert\nvrrp_down_timer_adverts 5\n\
                   vrrp_check_unicast_src\nvrrp_owner_ignore_adverts\nscript_security";
    let own = " version 2\n garp_master_delay 1\n garp_master_repeat 1\n garp_master_refresh 1\n \
               garp_master_refresh_repeat 1\n garp_lower_prio_delay 1\n garp_lower_prio_repeat 1\n \
               lower_prio_no_advert off\n higher_prio_send_advert off\n down_timer_adverts 1\n";
    let values = |lines: &str| {
        let text = text(&format!("global_defs {{\n{globals}\n}}\n"), lines);
        let loaded = config::load(&Files::single("k.conf", text), &Options::default());
        let i = loaded.config.instances[0].as_ref().clone();
        let g = i.garp;
        let delays = [g.master_delay, g.master_refresh, g.lower_prio_delay].map(Duration::as_secs);
        let repeats = [g.master_repeat, g.master_refresh_repeat, g.lower_prio_repeat];
        let switches = [i.lower_prio_no_advert, i.higher_prio_send_advert, i.check_unicast_source];
        (i.version == config::Version::V3, delays, repeats, switches, i.down_timer_adverts)
    };
    assert_eq!(values(""), (true, [7, 9, 4], [2, 3, 6], [true; 3], 5));
    assert_eq!(values(own), (false, [1; 3], [1; 3], [false, false, true], 1));
}

#[test]
fn one_gratuitous_arp_a_takeover_is_enough_for_vrrp_min_garp() {
    let frames = |globals: &str| {
        let hand = after(20_000, &text(&format!("global_defs {{\n{globals}\n}}\n"), ""));
        hand.asked.iter().filter(|(_, asked)| asked.starts_with("frame")).count()
    };
    assert_eq!((frames(""), frames("vrrp_min_garp")), (10, 1));
}

/// A control packet of 172.16.16.9, or of a neighbour's neighbour, with this time to live.
fn control(src: Ipv4Addr, ttl: u8) -> Vec<u8> {
    let header = ipv4::Repr {
        src,
        dst: OWN,
        protocol: ipv4::Protocol::UDP,
        ttl,
        tos: 0,
        identification: 0,
        dont_fragment: true,
        payload_len: (crate::wire::udp::HEADER_LEN + bfd::LEN) as u16,
    };
    let message = bfd::Repr {
        state: bfd::State::Init,
        diagnostic: bfd::Diagnostic::NONE,
        poll: false,
        is_final: false,
        multiplier: 3,
        mine: 9,
        yours: 0x1005_0001,
        min_tx_us: 10_000,
        min_rx_us: 10_000,
    };
    let mut packet = vec![0; header.total_len()];
    let datagram = header.emit(&mut packet);
    message.emit(&mut datagram[crate::wire::udp::HEADER_LEN..]);
    crate::wire::udp::Repr { src_port: 49_152, dst_port: bfd::PORT }.emit(datagram, src.into(), OWN.into());
    packet
}

#[test]
fn a_session_is_its_neighbours_alone_and_of_so_many_hops_as_are_written() {
    let neighbour = Ipv4Addr::new(172, 16, 16, 9);
    let up = |lines: &str, src: Ipv4Addr, ttl: u8| {
        let block = format!("bfd_instance r {{\n neighbor_ip {neighbour}\n{lines}\n}}\n");
        let mut hand = after(100, &text(&block, " track_bfd {\n  r\n }"));
        assert_eq!(hand.role(), Role::Fault, "until the session is up");
        hand.step(Event::Packet { interface: ETH0, packet: &control(src, ttl) });
        let up = hand.first("BFD session with 172.16.16.9 is up").is_some();
        assert_eq!(hand.role() == Role::Backup, up);
        up
    };
    assert!(up("", neighbour, 255));
    assert!(!up("", neighbour, 254), "it went through a router");
    assert!(up(" max_hops 1", neighbour, 254) && !up(" max_hops 1", neighbour, 253));
    assert!(up(" ttl 64", neighbour, 64) && !up(" hoplimit 64", neighbour, 63));
    assert!(up(" max_hops 255", neighbour, 1));
    assert!(!up("", Ipv4Addr::new(172, 16, 16, 8), 255), "somebody else");
}

#[test]
fn a_session_speaks_as_it_is_told_to_and_ends_when_nothing_comes() {
    let block = "bfd_instance r {\n neighbor_ip 172.16.16.9\n source_ip 172.16.16.6\n ttl 9\n}\n";
    let hand = after(1_000, &text(block, " track_bfd {\n  r weight 20\n }"));
    let packet = hand.last();
    let (source, to) = (Ipv4Addr::new(172, 16, 16, 6), Ipv4Addr::new(172, 16, 16, 9));
    assert_eq!((packet.src(), packet.dst(), packet.ttl()), (source, to, 9));
    assert!(hand.first("SendPacket { interface: InterfaceId(3)").is_some(), "by the interface that has it");

    let block = "bfd_instance r {\n neighbor_ip 172.16.16.9\n}\n";
    let mut hand = after(100, &text(block, " track_bfd {\n  r weight 20\n }"));
    assert_eq!((hand.role(), hand.agent.routers()[0].priority()), (Role::Backup, 100));
    hand.step(Event::Packet { interface: ETH0, packet: &control([172, 16, 16, 9].into(), 255) });
    assert_eq!(hand.agent.routers()[0].priority(), 120);
    hand.until(129);
    assert_eq!(hand.agent.routers()[0].priority(), 120);
    hand.until(131);
    assert_eq!(hand.agent.routers()[0].priority(), 100, "3 x 10 ms");
    hand.until(600);
    hand.step(Event::Stop);
    hand.sent.clear();
    hand.until(5_000);
    assert!(hand.sent.is_empty(), "a session ends without a word");
}

#[test]
fn an_address_that_is_not_tracked_may_be_taken_away() {
    let taken = |option: &str| {
        let file = text("", "").replace("172.16.16.12\n", &format!("172.16.16.12 {option}\n"));
        let mut hand = after(4_000, &file);
        let (address, change) = ([172, 16, 16, 12].into(), AddressChange::VanishedByOther);
        hand.step(Event::Address { interface: ETH0, address, change });
        hand.role()
    };
    assert_eq!((taken(""), taken("no_track")), (Role::Backup, Role::Master));
}

#[test]
fn a_lease_is_shorter_on_a_lan_and_a_reload_does_not_forget_that_it_is_one() {
    let file = text("", UNICAST);
    let mut hand = Hand::of(&file, Profile::HAVIP);
    hand.start(0);
    hand.until(4_000);
    let seconds = |hand: &Hand| hand.lease.map(Duration::as_secs);
    assert_eq!(seconds(&hand), Some(2 + 3 + 10), "a cloud's binding follows within 10 s");
    let other = crate::wire::arp::Repr::announcement(Mac([2, 0, 0, 0, 0, 9]), [172, 16, 16, 9].into());
    hand.step(Event::Neighbour { interface: ETH0, frame: &other.frame_to(Mac::BROADCAST) });
    hand.until(6_000);
    assert_eq!(seconds(&hand), Some(2 + 3));
    hand.step(Event::Reload { files: &Files::single("k.conf", file.as_str()) });
    hand.until(8_000);
    assert_eq!(seconds(&hand), Some(2 + 3));
}
