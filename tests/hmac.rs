//! `auth_hmac` between two agents: signed advertisements are obeyed once, and nothing else is.

use std::sync::Arc;

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::program::{Action, Actions, Event, Interface, InterfaceId, Now, Program, Role};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

const ETH0: InterfaceId = InterfaceId(2);
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// When the run begins, on the wall.
const WALL: Duration = Duration::from_secs(1_767_225_600);

fn agent(own: u8, other: u8, priority: u8, hmac: &str) -> Agent {
    let text = format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority {priority}\n{hmac}\n \
         unicast_src_ip 172.16.16.{own}\n unicast_peer {{\n  172.16.16.{other}\n }}\n \
         virtual_ipaddress {{\n  172.16.16.12\n }}\n}}\n"
    );
    let options = Options::default();
    let config = config::load(&Files::single("k.conf", text), &options).config;
    let mut agent = Agent::new(Arc::new(config), options);
    let addresses = vec![format!("172.16.16.{own}/24").parse().expect("an address")];
    let mac = Mac([2, 0, 172, 16, 16, own]);
    let eth0 = Interface { id: ETH0, name: "eth0".into(), mac, addresses, up: true };
    agent.step(at(Time::ZERO), Event::Start { interfaces: &[eth0], booted: Time::ZERO }, &mut Actions::new());
    agent
}

fn key(key: &str, more: &str) -> String {
    format!(" auth_hmac {{\n  key 1 hex:{key}\n  active_key 1\n  {more}\n }}")
}

fn at(mono: Time) -> Now {
    Now { mono, utc: mono + WALL }
}

/// What a sends when it becomes master, and when.
fn first_advert(hmac: &str) -> (Time, Vec<u8>) {
    let mut a = agent(5, 6, 100, hmac);
    let due = a.deadline().expect("it waits for a master");
    let mut out = Actions::new();
    a.step(at(due), Event::Timer, &mut out);
    let sent = out.iter().find_map(|action| match action {
        Action::SendPacket { packet, .. } => Some(packet.to_vec()),
        _ => None,
    });
    (due, sent.expect("an advertisement"))
}

/// The kinds that b has refused after these packets, each at its time.
fn refused(hmac: &str, packets: &[(Time, &[u8])]) -> Vec<(&'static str, u64)> {
    let mut b = agent(6, 5, 90, hmac);
    for (now, packet) in packets {
        b.step(at(*now), Event::Packet { interface: ETH0, packet }, &mut Actions::new());
    }
    assert_eq!(b.routers()[0].role(), Role::Backup);
    b.routers()[0].refusals().collect()
}

#[test]
fn a_signed_advert_is_obeyed_once() {
    let (due, advert) = first_advert(&key(KEY, ""));
    let soon = due + Duration::from_millis(1);
    assert_eq!(refused(&key(KEY, ""), &[(soon, &advert)]), []);
    let again = soon + Duration::from_secs(1);
    assert_eq!(refused(&key(KEY, ""), &[(soon, &advert), (again, &advert)]), [("replayed", 1)]);
}

#[test]
fn another_key_a_flipped_bit_an_old_time_and_no_trailer_are_refused() {
    let (due, advert) = first_advert(&key(KEY, ""));
    assert_eq!(refused(&key(OTHER, ""), &[(due, &advert)]), [("wrong auth_hmac code", 1)]);
    let mut damaged = advert.clone();
    *damaged.last_mut().expect("a byte") ^= 1;
    assert_eq!(refused(&key(KEY, ""), &[(due, &damaged)]), [("wrong auth_hmac code", 1)]);
    let late = due + Duration::from_secs(7);
    let only_b = key(KEY, "");
    let mut b = agent(6, 5, 90, &only_b);
    b.step(at(late), Event::Packet { interface: ETH0, packet: &advert }, &mut Actions::new());
    let counts: Vec<_> = b.routers()[0].refusals().collect();
    assert_eq!(counts, [("auth_hmac time outside the window", 1)], "7 s against a window of 5");
    let (due, plain) = first_advert("");
    assert_eq!(refused(&key(KEY, ""), &[(due, &plain)]), [("no auth_hmac trailer", 1)]);
    assert_eq!(refused("", &[(due, &first_advert(&key(KEY, "")).1)]), [("too long", 1)]);
}

#[test]
fn permissive_takes_what_is_not_signed_and_receive_only_signs_nothing() {
    let (due, plain) = first_advert("");
    assert_eq!(refused(&key(KEY, "mode permissive"), &[(due, &plain)]), []);
    let (due, unsigned) = first_advert(&key(KEY, "mode receive-only"));
    assert_eq!(unsigned, plain, "the same bytes as without auth_hmac");
    // keepalived.conf(5): "the two migration modes also accept adverts with no trailer", or nobody could begin.
    assert_eq!(refused(&key(KEY, "mode receive-only"), &[(due, &unsigned)]), []);
    let (due, signed) = first_advert(&key(OTHER, ""));
    for mode in ["mode permissive", "mode receive-only"] {
        assert_eq!(refused(&key(KEY, mode), &[(due, &signed)]), [("wrong auth_hmac code", 1)], "{mode}");
    }
}

#[test]
fn a_time_that_only_grows_needs_no_clock_that_is_right() {
    let (due, advert) = first_advert(&key(KEY, ""));
    let late = due + Duration::from_secs(3_600);
    let obeyed = |more: &str| {
        let mut b = agent(6, 5, 90, &key(KEY, more));
        for _ in 0..2 {
            b.step(at(late), Event::Packet { interface: ETH0, packet: &advert }, &mut Actions::new());
        }
        b.routers()[0].refusals().collect::<Vec<_>>()
    };
    assert_eq!(obeyed(""), [("auth_hmac time outside the window", 2)]);
    assert_eq!(obeyed("anti_replay monotonic"), [("replayed", 1)], "taken once");
    assert_eq!(obeyed("time_window 300"), [("auth_hmac time outside the window", 2)]);
}
