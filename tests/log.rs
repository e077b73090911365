//! What a person finds in the log: of each kind of refused advertisement one line, and one more after a change.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::program::{Action, Actions, Event, Interface, InterfaceId, Now, Program};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip::wire::ipv4;
use havip::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event as Line, Metadata, Subscriber};

const ETH0: InterfaceId = InterfaceId(2);

/// Keeps the messages of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, line: &Line<'_>) {
        let mut message = Message(String::new());
        line.record(&mut message);
        self.0.lock().expect("one thread").push(message.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An advertisement of .6 with this password.
fn advert(password: &[u8; 8], priority: u8) -> Vec<u8> {
    advert_of(password, priority, &[[172, 16, 16, 12].into()])
}

/// The same for other addresses.
fn advert_of(password: &[u8; 8], priority: u8, addresses: &[Ipv4Addr]) -> Vec<u8> {
    let message = vrrp::Repr {
        dialect: Dialect::V2 { authentication: Authentication::SimpleText(AuthData::new(*password)) },
        vrid: 51,
        priority,
        advert_interval: Duration::from_secs(1),
        addresses: Addresses::new(addresses),
    };
    let (src, dst) = ([172, 16, 16, 6].into(), [172, 16, 16, 5].into());
    let header = ipv4::Repr {
        src,
        dst,
        protocol: ipv4::Protocol::VRRP,
        ttl: 255,
        tos: 0,
        identification: 1,
        dont_fragment: false,
        payload_len: message.len() as u16,
    };
    let mut packet = vec![0; header.total_len()];
    message.emit(header.emit(&mut packet), ChecksumRule::Plain, src, dst);
    packet
}

/// When a run begins, on the wall.
const WALL: Duration = Duration::from_secs(1_767_225_600);

/// What an instance tells right advertisements by.
const PASSWORD: &str = "authentication {\n auth_type PASS\n auth_pass 1111\n }";
const HMAC: &str =
    "auth_hmac {\n key 1 ascii:0123456789abcdef0123456789abcdef\n active_key 1\n anti_replay monotonic\n }";
const HMAC_BY_TIME: &str = "auth_hmac {\n key 1 ascii:0123456789abcdef0123456789abcdef\n active_key 1\n }";

/// An agent of .5 whose peer is .6, or the other way round.
fn agent(own: u8, peer: u8, more: &str) -> (Agent, Option<Time>) {
    let text = format!(
        "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n {more}\n unicast_src_ip 172.16.16.{own}\n \
         unicast_peer {{\n 172.16.16.{peer} min_ttl 255\n }}\n virtual_ipaddress {{\n 172.16.16.12\n }}\n}}\n"
    );
    let options = Options::default();
    let config = config::load(&Files::single("k.conf", text), &options).config;
    let addresses = vec![format!("172.16.16.{own}/24").parse().expect("an address")];
    let eth0 =
        Interface { id: ETH0, name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, own]), addresses, up: true };
    let mut agent = Agent::new(Arc::new(config), options);
    let due = step(&mut agent, Time::ZERO, Event::Start { interfaces: &[eth0], booted: Time::ZERO }).0;
    (agent, due)
}

/// One step: when it is to be woken, and the first packet that it sent.
fn step(agent: &mut Agent, now: Time, event: Event<'_>) -> (Option<Time>, Option<Vec<u8>>) {
    let mut out = Actions::new();
    agent.step(Now { mono: now, utc: now + WALL }, event, &mut out);
    let sent = out.iter().find_map(|action| match action {
        Action::SendPacket { packet, .. } => Some(packet.to_vec()),
        _ => None,
    });
    (agent.deadline(), sent)
}

/// The first advertisement of .6 that is signed.
fn signed() -> Vec<u8> {
    let (mut other, due) = agent(6, 5, HMAC);
    step(&mut other, due.expect("it waits for a master"), Event::Timer).1.expect("an advertisement")
}

/// Three times to a backup, its timer makes it master, three times to it again: what the log says of it, and what was
/// counted. `first` is heard before.
fn refused(
    more: &str,
    first: Option<&[u8]>,
    packet: &[u8],
    at: Time,
) -> (Vec<String>, Vec<(&'static str, u64)>) {
    let (mut agent, mut due) = agent(5, 6, more);
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let mut now = at;
        if let Some(first) = first {
            due = step(&mut agent, now, Event::Packet { interface: ETH0, packet: first }).0;
        }
        for _ in 0..2 {
            for _ in 0..3 {
                now += Duration::from_millis(1);
                due = step(&mut agent, now, Event::Packet { interface: ETH0, packet }).0;
            }
            now = now.max(due.expect("a timer"));
            step(&mut agent, now, Event::Timer);
        }
    });
    let lines = log.0.lock().expect("one thread").clone();
    let told = lines.into_iter().filter(|line| line.contains("is refused")).collect();
    (told, agent.routers()[0].refusals().collect())
}

/// The packet with this byte of it changed.
fn with(mut packet: Vec<u8>, place: usize, byte: u8) -> Vec<u8> {
    packet[place] = byte;
    packet
}

/// The packet with as many bytes more, or fewer, its header telling the truth of that.
fn resized(mut packet: Vec<u8>, by: isize) -> Vec<u8> {
    let len = packet.len().saturating_add_signed(by);
    packet.resize(len, 0);
    packet[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    packet
}

#[test]
fn every_kind_of_refusal_is_counted_each_time_and_logged_once_until_the_state_changes() {
    let right = || advert(b"1111\0\0\0\0", 90);
    let with_hmac = |place: usize, byte: u8| with(signed(), place, byte);
    let plain = with(right(), 24, 0);
    let (end, trailer) = (signed().len(), signed().len() - 28);
    let two = [[172, 16, 16, 12].into(), [172, 16, 16, 13].into()];
    let start = Time::ZERO + Duration::from_secs(1);
    let late = Time::ZERO + Duration::from_secs(20);
    let owner = format!("{PASSWORD}\n state BACKUP\n priority 255\n owner_ignore_adverts");
    let cases: [(&str, &str, Vec<u8>); 19] = [
        ("too short", PASSWORD, resized(right(), -4)),
        ("too long", PASSWORD, resized(right(), 4)),
        ("wrong TTL", PASSWORD, with(right(), 8, 254)),
        ("wrong version", PASSWORD, with(right(), 20, 0x31)),
        ("wrong authentication type", PASSWORD, with(right(), 24, 0)),
        ("wrong password", PASSWORD, advert(b"2222\0\0\0\0", 90)),
        ("other interval", PASSWORD, with(right(), 25, 2)),
        ("wrong type", PASSWORD, with(right(), 20, 0x22)),
        ("invalid checksum", PASSWORD, with(right(), 26, !right()[26])),
        ("other number of addresses", PASSWORD, advert_of(b"1111\0\0\0\0", 90, &two)),
        ("other addresses", PASSWORD, advert_of(b"1111\0\0\0\0", 90, &two[1..])),
        ("not a peer", PASSWORD, with(right(), 15, 7)),
        ("no auth_hmac trailer", HMAC, plain),
        ("invalid auth_hmac trailer", HMAC, with_hmac(trailer, 9)),
        ("auth_hmac time outside the window", HMAC_BY_TIME, signed()),
        ("unknown auth_hmac key", HMAC, with_hmac(trailer + 1, 7)),
        ("wrong auth_hmac code", HMAC, with_hmac(end - 1, !signed()[end - 1])),
        ("replayed", HMAC, signed()),
        ("for the owner", &owner, right()),
    ];
    let mut seen = Vec::new();
    for (kind, more, packet) in &cases {
        let first = (*kind == "replayed").then_some(packet.as_slice());
        let at = if kind.contains("window") { late } else { start };
        let (lines, counts) = refused(more, first, packet, at);
        assert_eq!(counts, [(*kind, 6)], "{lines:?}");
        assert_eq!(lines.len(), 2, "{kind}: once as backup and once as master: {lines:?}");
        assert_eq!(lines[0], lines[1]);
        assert!(lines[0].starts_with("(VI_1) received an advert from 172.16.16."), "{lines:?}");
        seen.extend(lines.into_iter().take(1));
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), cases.len(), "each is told in words of its own: {seen:#?}");
}

#[test]
fn a_kind_of_refusal_is_logged_once_until_the_state_changes() {
    let text = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n authentication {\n auth_type PASS\n \
                auth_pass 1111\n }\n unicast_src_ip 172.16.16.5\n unicast_peer {\n 172.16.16.6\n }\n \
                virtual_ipaddress {\n 172.16.16.12\n }\n}\n";
    let options = Options::default();
    let config = config::load(&Files::single("k.conf", text), &options).config;
    let addresses = vec!["172.16.16.5/24".parse().expect("an address")];
    let eth0 = Interface { id: ETH0, name: "eth0".into(), mac: Mac([2, 0, 0, 0, 0, 5]), addresses, up: true };
    let mut agent = Agent::new(Arc::new(config), options);
    let mut now = Time::ZERO;
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let mut step = |now: Time, event: Event<'_>| {
            agent.step(Now { mono: now, utc: now }, event, &mut Actions::new());
            agent.deadline()
        };
        let mut due = step(now, Event::Start { interfaces: &[eth0], booted: Time::ZERO });
        let (mut damaged, other) = (advert(b"1111\0\0\0\0", 200), advert(b"2222\0\0\0\0", 200));
        damaged[26] ^= 1;
        // Three of each as backup; its timer makes it master; three of each again.
        for _ in 0..2 {
            for packet in [&other, &other, &damaged, &damaged, &other, &damaged] {
                now += Duration::from_millis(1);
                due = step(now, Event::Packet { interface: ETH0, packet });
            }
            now = due.expect("a timer");
            step(now, Event::Timer);
        }
        assert_eq!(agent.routers()[0].refusals().map(|(_, count)| count).collect::<Vec<_>>(), [6, 6]);
    });
    let lines = log.0.lock().expect("one thread").clone();
    let lines: Vec<&str> = lines.iter().map(String::as_str).filter(|l| l.contains("advert from")).collect();
    let said = |why: &str| format!("(VI_1) received an advert from 172.16.16.6 that is refused: {why}");
    let (password, checksum) = (said("wrong password"), said("invalid checksum"));
    assert_eq!(lines, [&password, &checksum, &password, &checksum]);
}
