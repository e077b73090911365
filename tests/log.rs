//! What a person finds in the log: of each kind of refused advertisement one line, and one more after a change.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::program::{Actions, Event, Interface, InterfaceId, Now, Program};
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
    let addresses = [[172, 16, 16, 12].into()];
    let message = vrrp::Repr {
        dialect: Dialect::V2 { authentication: Authentication::SimpleText(AuthData::new(*password)) },
        vrid: 51,
        priority,
        advert_interval: Duration::from_secs(1),
        addresses: Addresses::new(&addresses),
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
