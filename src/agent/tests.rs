//! What the agent does, action by action, on a machine that is played by hand.

use std::net::IpAddr;
use std::sync::Arc;

use super::Agent;
use crate::config::{self, Options};
use crate::files::Files;
use crate::profile::Profile;
use crate::program::{
    Action, Actions, AddressChange, Event, Interface, InterfaceId, Now, Program, Record, Role, WatchId,
};
use crate::time::{Duration, Time};
use crate::wire::ethernet::Mac;

mod adverts;
mod keywords;
mod reload;
mod segment;

const ETH0: InterfaceId = InterfaceId(2);
const ETH1: InterfaceId = InterfaceId(3);

/// `VI_1` of virtual router 51 on eth0, with these lines, below these blocks.
fn text(blocks: &str, lines: &str) -> String {
    let addresses = " virtual_ipaddress {\n  172.16.16.12\n }\n";
    format!("{blocks}vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n{lines}\n{addresses}}}\n")
}

/// A machine by hand: what its agent asks for is kept in words, and its addresses are there at once.
struct Hand {
    agent: Agent,
    now: Time,
    /// Since the machine began.
    asked: Vec<(Time, String)>,
    /// The packets it has sent.
    sent: Vec<Vec<u8>>,
    /// For how long the last address was added.
    lease: Option<Duration>,
}

impl Hand {
    /// The agent has not begun.
    fn new(text: &str) -> Hand {
        Hand::of(text, Profile::KEEPALIVED)
    }

    fn of(text: &str, profile: Profile) -> Hand {
        let options = Options { profile, ..Options::default() };
        let config = config::load(&Files::single("k.conf", text), &options).config;
        Hand {
            agent: Agent::new(Arc::new(config), options),
            now: Time::ZERO,
            asked: Vec::new(),
            sent: Vec::new(),
            lease: None,
        }
    }

    /// It begins on a machine with eth0 that booted so long ago, in seconds.
    fn start(&mut self, up_for: u64) {
        self.now = Time::ZERO + Duration::from_secs(1_000);
        let booted = Time::ZERO + Duration::from_secs(1_000 - up_for);
        self.step(Event::Start {
            interfaces: &[interface(ETH0, "eth0", 5), interface(ETH1, "eth1", 6)],
            booted,
        });
    }

    fn step(&mut self, event: Event<'_>) {
        let mut out = Actions::new();
        self.agent.step(Now { mono: self.now, utc: self.now }, event, &mut out);
        let mut installed: Vec<(InterfaceId, IpAddr)> = Vec::new();
        for action in out.iter() {
            match action {
                Action::AddAddress { interface, address, lifetime, .. } => {
                    installed.push((interface, address.addr()));
                    self.lease = lifetime;
                }
                Action::SendPacket { packet, .. } => self.sent.push(packet.to_vec()),
                _ => {}
            }
            self.asked.push((self.now, words(action)));
        }
        for (interface, address) in installed {
            self.step(Event::Address { interface, address, change: AddressChange::Added });
        }
    }

    /// Lets its timers fire up to so many milliseconds after its start.
    fn until(&mut self, millis: u64) {
        let end = Time::ZERO + Duration::from_secs(1_000) + Duration::from_millis(millis);
        while let Some(due) = self.agent.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.step(Event::Timer);
        }
        self.now = end;
    }

    fn role(&self) -> Role {
        self.agent.routers()[0].role()
    }

    /// When it first asked for something with these words, in milliseconds since its start.
    fn first(&self, words: &str) -> Option<u64> {
        let (at, _) = self.asked.iter().find(|(_, asked)| asked.contains(words))?;
        Some(at.as_nanos() / 1_000_000 - 1_000_000)
    }
}

fn interface(id: InterfaceId, name: &str, last: u8) -> Interface {
    let addresses = vec![format!("172.16.16.{last}/24").parse().expect("an address")];
    Interface { id, name: name.into(), mac: Mac([2, 0, 172, 16, 16, last]), addresses, up: true }
}

fn words(action: Action<'_>) -> String {
    match action {
        Action::Record(Record::Transition { to, why, .. }) => format!("{to} {why}"),
        Action::Record(Record::Note { why, .. } | Record::Claims { why, .. }) => why.to_string(),
        Action::Notify { command } => format!("run {command}"),
        Action::WriteFifo { path, line } => format!("write {path} {line}"),
        Action::AddAddress { address, .. } => format!("add {address}"),
        Action::RemoveAddress { address, .. } => format!("remove {address}"),
        Action::SendFrame { interface, frame } => format!("frame {} {}", interface.0, frame.len()),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_delay_after_boot_counts_from_the_boot_and_a_startup_delay_from_the_start() {
    let master_after = |globals: &str, up_for: u64| {
        let mut hand = Hand::new(&text(&format!("global_defs {{\n{globals}\n}}\n"), ""));
        hand.start(up_for);
        hand.until(60_000);
        hand.first("MASTER")
    };
    assert_eq!(master_after("", 0), Some(3_609));
    assert_eq!(master_after("vrrp_delay_after_boot 10", 0), Some(13_609));
    assert_eq!(master_after("vrrp_delay_after_boot 10", 8), Some(5_609));
    assert_eq!(master_after("vrrp_delay_after_boot 10", 600), Some(3_609), "a restart");
    // Neither is over before its own time is.
    assert_eq!(master_after("vrrp_delay_after_boot 10\nvrrp_startup_delay 3", 9), Some(6_609));
    assert_eq!(master_after("vrrp_delay_after_boot 10\nvrrp_startup_delay 3", 2), Some(11_609));
}

#[test]
fn a_process_of_weight_0_is_a_fault_while_it_does_not_run_and_a_weighted_one_lowers_the_priority() {
    let process = |weight: &str| {
        let blocks = format!("vrrp_track_process p {{\nprocess haproxy\n{weight}\n}}\n");
        let mut hand = Hand::new(&text(&blocks, " track_process {\n  p\n }"));
        hand.start(0);
        hand.until(10_000);
        assert_eq!(hand.role(), Role::Init, "it waits to hear how many run");
        hand.step(runs(1));
        hand.until(20_000);
        assert_eq!(hand.role(), Role::Master);
        hand.step(runs(0));
        hand
    };
    let mut hand = process("");
    assert_eq!(hand.role(), Role::Fault);
    assert_eq!(hand.first("FAULT a tracked process does not run as it should"), Some(20_000));
    hand.step(runs(1));
    assert_eq!(hand.role(), Role::Backup);
    let hand = process("weight -20");
    assert_eq!((hand.role(), hand.agent.routers()[0].priority()), (Role::Master, 80));
}

fn runs(running: u32) -> Event<'static> {
    Event::Process { watch: WatchId(0), running }
}

#[test]
fn routes_come_behind_the_addresses_and_go_before_them() {
    let routes = " virtual_routes {\n  10.9.0.0/16 via 172.16.16.1\n  blackhole 10.8.0.0/16\n }";
    let mut hand = Hand::new(&text("", routes));
    hand.start(0);
    hand.until(4_000);
    hand.step(Event::Stop);
    let of_interest = ["add 172", "remove 172", "Route"];
    let asked = hand.asked.iter().map(|(_, asked)| asked.as_str());
    let asked: Vec<&str> = asked.filter(|asked| of_interest.iter().any(|w| asked.contains(w))).collect();
    let (via, hole) = ("10.9.0.0/16 via 172.16.16.1", "blackhole 10.8.0.0/16");
    let left_over = [via, hole].map(|route| format!("RemoveRoute {{ route: {route:?} }}"));
    assert_eq!(asked[..2], left_over, "a killed one may have left them");
    let added = [via, hole].map(|route| format!("AddRoute {{ route: {route:?} }}"));
    let tail: Vec<&str> = asked.iter().rev().take(6).rev().copied().collect();
    let expected =
        ["add 172.16.16.12/32", &added[0], &added[1], &left_over[1], &left_over[0], "remove 172.16.16.12/32"];
    assert_eq!(tail, expected);
}

#[test]
fn a_reload_changes_the_routes_of_a_master() {
    let with = |route: &str| text("", &format!(" virtual_routes {{\n  10.7.0.0/16 dev eth0\n  {route}\n }}"));
    let mut hand = Hand::new(&with("10.9.0.0/16 dev eth0"));
    hand.start(0);
    hand.until(4_000);
    hand.asked.clear();
    hand.step(Event::Reload { files: &Files::single("k.conf", with("10.6.0.0/16 dev eth0")) });
    let routes: Vec<&str> =
        hand.asked.iter().map(|(_, asked)| asked.as_str()).filter(|a| a.contains("Route")).collect();
    assert_eq!(
        routes,
        ["RemoveRoute { route: \"10.9.0.0/16 dev eth0\" }", "AddRoute { route: \"10.6.0.0/16 dev eth0\" }"]
    );
}

#[test]
fn the_program_that_reads_a_pipe_runs_before_anything_is_written_into_it() {
    let globals = |more: &str| {
        format!(
            "global_defs {{\nvrrp_notify_fifo /run/f\nvrrp_notify_fifo_script \"/bin/read -v\"\n{more}}}\n"
        )
    };
    let mut hand = Hand::new(&text(&globals(""), ""));
    hand.start(0);
    assert_eq!(hand.asked[0].1, "run /bin/read -v /run/f");
    assert!(hand.asked.iter().skip(1).any(|(_, asked)| asked == "write /run/f INSTANCE \"VI_1\" BACKUP 100"));
    hand.asked.clear();
    hand.step(Event::Reload { files: &Files::single("k.conf", text(&globals(""), "")) });
    assert_eq!(hand.first("run "), None, "it runs already");
    let more = "notify_fifo /run/g\nnotify_fifo_script /bin/all\n";
    hand.step(Event::Reload { files: &Files::single("k.conf", text(&globals(more), "")) });
    assert!(hand.first("run /bin/all /run/g").is_some() && hand.first("run /bin/read").is_none());
}

#[test]
fn priorities_are_told_of_the_instances_that_say_so() {
    let told = |globals: &str, line: &str| {
        let track = "vrrp_track_process p {\nprocess haproxy\nweight -20\n}\n";
        let blocks = format!("global_defs {{\nvrrp_notify_fifo /run/f\n{globals}\n}}\n{track}");
        let mut hand = Hand::new(&text(&blocks, &format!("{line}\n track_process {{\n  p\n }}")));
        hand.start(0);
        hand.step(runs(1));
        hand.step(runs(0));
        hand.first("write /run/f INSTANCE \"VI_1\" BACKUP_PRIORITY 80").is_some()
    };
    assert!(!told("", ""));
    assert!(told("", " notify_priority_changes on"));
    assert!(told("vrrp_notify_priority_changes on", ""));
    assert!(!told("vrrp_notify_priority_changes on", " notify_priority_changes off"));
}

/// Two instances on eth0 and one on eth1, each with an address; when each frame leaves, in milliseconds, and where.
fn announcements(blocks: &str, profile: Profile) -> Vec<(u64, char)> {
    let one = |name: &str, on: &str, vrid: u8| {
        let lines = format!(" interface {on}\n virtual_router_id {vrid}\n garp_master_delay 0");
        format!("vrrp_instance {name} {{\n{lines}\n virtual_ipaddress {{\n  172.16.17.{vrid}\n }}\n}}\n")
    };
    let text = format!("{blocks}{}{}{}", one("A", "eth0", 1), one("B", "eth0", 2), one("C", "eth1", 3));
    let mut hand = Hand::of(&text, profile);
    hand.start(0);
    hand.until(60_000);
    let frames = hand.asked.iter().filter(|(_, asked)| asked.starts_with("frame"));
    let place = |asked: &str| if asked.starts_with("frame 2") { '0' } else { '1' };
    frames.map(|(at, asked)| (at.as_nanos() / 1_000_000 - 1_003_609, place(asked))).collect()
}

#[test]
fn interfaces_of_a_garp_group_announce_one_after_another() {
    let group = |lines: &str| format!("garp_group {{\n{lines}\n}}\n");
    let both = group("garp_interval 0.2\ninterfaces {\neth0\neth1\n}");
    // As measured for an interval: the first address twice, others once.
    let paced = [(0, '0'), (200, '0'), (400, '0'), (600, '0'), (800, '1'), (1000, '1')];
    assert_eq!(announcements(&both, Profile::KEEPALIVED), paced);
    // One interface has a pace, and the other none: five at once.
    let one = announcements(&group("garp_interval 0.2\ninterface eth0"), Profile::KEEPALIVED);
    assert_eq!(one.iter().filter(|a| a.1 == '1').map(|a| a.0).collect::<Vec<_>>(), [0; 5]);
    assert_eq!(one.iter().filter(|a| a.1 == '0').map(|a| a.0).collect::<Vec<_>>(), [0, 200, 400, 600]);
    // The interval of all interfaces is each one's own.
    let all = announcements("global_defs {\nvrrp_garp_interval 0.2\n}\n", Profile::KEEPALIVED);
    let all: Vec<_> = all.into_iter().collect();
    assert_eq!(all, [(0, '0'), (0, '1'), (200, '0'), (200, '1'), (400, '0'), (600, '0')]);
    let none = announcements("", Profile::KEEPALIVED);
    assert_eq!((none.len(), none.iter().all(|a| a.0 == 0)), (15, true));
    // havip's rounds keep the same distance.
    let havip = announcements(&both, Profile::HAVIP);
    assert!(havip.windows(2).take(4).all(|two| two[0].0 + 200 == two[1].0), "{havip:?}");
}

#[test]
fn havip_makes_one_claim_at_a_time_on_an_interface() {
    let frames = announcements("", Profile::HAVIP);
    let on = |place: char| -> Vec<u64> {
        frames.iter().filter(|(at, on)| *on == place && *at < 500).map(|(at, _)| *at).collect()
    };
    // Five for each of two instances, and five.
    assert_eq!(on('0'), (0..10).map(|n| n * 20).collect::<Vec<_>>());
    assert_eq!(on('1'), (0..5).map(|n| n * 20).collect::<Vec<_>>());
}

#[test]
fn an_instance_waits_for_its_interface_if_it_may() {
    let with = |globals: &str| {
        let text = text(&format!("global_defs {{\n{globals}\n}}\n"), "").replace("eth0", "eth7");
        let mut hand = Hand::new(&text);
        hand.start(0);
        hand.until(9_000);
        hand
    };
    let hand = with("");
    assert!(hand.asked.last().is_some_and(|(_, asked)| asked == "Exit"), "keepalived ends");
    let mut hand = with("dynamic_interfaces");
    assert_eq!(hand.role(), Role::Fault);
    assert_eq!(hand.first("FAULT its interface does not exist"), Some(0));
    assert_eq!(hand.first("Listen"), None);
    let (eth7, eth8) = (interface(InterfaceId(9), "eth7", 7), interface(InterfaceId(8), "eth8", 8));
    hand.step(Event::Appeared { interface: &eth8 });
    assert_eq!(hand.role(), Role::Fault, "another one");
    hand.step(Event::Appeared { interface: &Interface { up: false, ..eth7.clone() } });
    assert_eq!((hand.role(), hand.first("Listen")), (Role::Fault, Some(9_000)), "there, and without a link");
    hand.step(Event::Link { interface: eth7.id, up: true });
    assert_eq!(hand.role(), Role::Backup);
    hand.until(20_000);
    assert_eq!(
        (hand.role(), hand.first("MASTER"), hand.first("frame 9")),
        (Role::Master, Some(12_609), Some(12_609))
    );
    // The same at once where the link is up.
    let mut hand = with("dynamic_interfaces allow_if_changes");
    hand.step(Event::Appeared { interface: &eth7 });
    assert_eq!(hand.role(), Role::Backup);
}
