//! The agent under any history of events: it never panics, keeps its contract and stays small.

use std::sync::Arc;

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::program::{Action, Actions, AddressChange, Event, Interface, InterfaceId, Now, Program};
use havip::time::{Duration, Time};
use havip::wire::bfd::{self, Diagnostic, State};
use havip::wire::ethernet::Mac;
use havip::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use havip::wire::{ipv4, udp};
use proptest::prelude::*;

const ETH0: InterfaceId = InterfaceId(2);
const CONF: &str = "
global_defs {
    log_unknown_vrids
}
bfd_instance peer {
    neighbor_ip 172.16.16.6
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    priority 100
    preempt_delay 2
    garp_master_refresh 3
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    unicast_src_ip 172.16.16.5
    unicast_peer {
        172.16.16.6
    }
    virtual_ipaddress {
        172.16.16.12
        172.16.16.13
    }
}
vrrp_instance VI_3 {
    interface eth0
    version 3
    virtual_router_id 53
    advert_int 0.1
    virtual_ipaddress {
        172.16.16.14
    }
    track_bfd {
        peer weight 20
    }
}
";

#[derive(Clone, Debug)]
enum Happens {
    Bytes(Vec<u8>),
    Advert { vrid: u8, priority: u8, version3: bool, damage: Option<(usize, u8)> },
    Bfd { state: State, yours: bool, poll: bool, damage: Option<(usize, u8)> },
    Timer,
    Link(bool),
    Reload(bool),
    Address(u8, u8),
    Stop,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        2 => proptest::collection::vec(any::<u8>(), 0..80).prop_map(Happens::Bytes),
        6 => (prop_oneof![Just(51u8), Just(53), any::<u8>()], any::<u8>(), any::<bool>(),
              proptest::option::of((0usize..60, any::<u8>())))
            .prop_map(|(vrid, priority, version3, damage)| Happens::Advert { vrid, priority, version3, damage }),
        4 => (prop_oneof![Just(State::AdminDown), Just(State::Down), Just(State::Init), Just(State::Up)],
              any::<bool>(), any::<bool>(), proptest::option::of((0usize..52, any::<u8>())))
            .prop_map(|(state, yours, poll, damage)| Happens::Bfd { state, yours, poll, damage }),
        8 => Just(Happens::Timer),
        2 => any::<bool>().prop_map(Happens::Link),
        1 => any::<bool>().prop_map(Happens::Reload),
        2 => (12u8..16, 0u8..5).prop_map(|(a, c)| Happens::Address(a, c)),
        1 => Just(Happens::Stop),
    ]
}

fn advert(vrid: u8, priority: u8, version3: bool) -> Vec<u8> {
    let password = AuthData::new(*b"1111\0\0\0\0");
    let list = if vrid == 51 {
        vec![[172, 16, 16, 12].into(), [172, 16, 16, 13].into()]
    } else {
        vec![[172, 16, 16, 14].into()]
    };
    let message = vrrp::Repr {
        dialect: if version3 {
            Dialect::V3
        } else {
            Dialect::V2 { authentication: Authentication::SimpleText(password) }
        },
        vrid,
        priority,
        advert_interval: if version3 { Duration::from_millis(100) } else { Duration::from_secs(1) },
        addresses: Addresses::new(&list),
    };
    let (src, dst) =
        ([172, 16, 16, 6].into(), if vrid == 51 { [172, 16, 16, 5].into() } else { vrrp::GROUP });
    let header = ipv4::Repr {
        src,
        dst,
        protocol: ipv4::Protocol::VRRP,
        ttl: 255,
        tos: ipv4::TOS_INTERNETWORK_CONTROL,
        identification: 1,
        dont_fragment: false,
        payload_len: message.len() as u16,
    };
    let mut packet = vec![0; header.total_len()];
    message.emit(header.emit(&mut packet), ChecksumRule::PseudoHeader, src, dst);
    packet
}

fn control(state: State, yours: u32, poll: bool) -> Vec<u8> {
    let (src, dst) = ([172, 16, 16, 6].into(), [172, 16, 16, 5].into());
    let header = ipv4::Repr {
        src,
        dst,
        protocol: ipv4::Protocol::UDP,
        ttl: 255,
        tos: 0,
        identification: 0,
        dont_fragment: true,
        payload_len: (udp::HEADER_LEN + bfd::LEN) as u16,
    };
    let (min_tx_us, min_rx_us) = (10_000, 10_000);
    let diagnostic = Diagnostic::NONE;
    let message = bfd::Repr {
        state,
        diagnostic,
        poll,
        is_final: !poll,
        multiplier: 3,
        mine: 9,
        yours,
        min_tx_us,
        min_rx_us,
    };
    let mut packet = vec![0; header.total_len()];
    let datagram = header.emit(&mut packet);
    message.emit(&mut datagram[udp::HEADER_LEN..]);
    udp::Repr { src_port: 49_152, dst_port: bfd::PORT }.emit(datagram, src.into(), dst.into());
    packet
}

fn agent() -> Agent {
    let config = config::load(&Files::single("k.conf", CONF), &Options::default()).config;
    assert_eq!(config.instances.len(), 2);
    Agent::new(Arc::new(config), Options::default())
}

fn start(agent: &mut Agent, out: &mut Actions) {
    let eth0 = Interface {
        id: ETH0,
        name: "eth0".into(),
        mac: Mac([2, 0, 172, 16, 16, 5]),
        addresses: vec!["172.16.16.5/24".parse().unwrap(), "172.16.16.12/32".parse().unwrap()],
        up: true,
    };
    agent.step(clocks(Time::ZERO), Event::Start { interfaces: &[eth0], booted: Time::ZERO }, out);
}

fn clocks(mono: Time) -> Now {
    Now { mono, utc: mono }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn any_history_is_survived(history in proptest::collection::vec((0u64..3_000, happens()), 1..120)) {
        let (mut agent, mut out, mut now) = (agent(), Actions::new(), Time::ZERO);
        let same = Files::single("k.conf", CONF);
        let other = Files::single("k.conf", CONF.replace("VI_1", "VI_2").replace("priority 100", "priority 101"));
        start(&mut agent, &mut out);
        let mut ended = false;
        for (ms, what) in history {
            if ended {
                break;
            }
            out.clear();
            now += Duration::from_millis(ms);
            // Rule 3 of the contract: a timer comes no earlier than the deadline.
            let packet;
            let event = match what {
                Happens::Timer => match agent.deadline() {
                    Some(due) => { now = now.max(due); Event::Timer }
                    None => continue,
                },
                Happens::Bytes(bytes) => { packet = bytes; Event::Packet { interface: ETH0, packet: &packet } }
                Happens::Advert { vrid, priority, version3, damage } => {
                    let mut bytes = advert(vrid, priority, version3);
                    if let Some((at, with)) = damage {
                        let at = at % bytes.len();
                        bytes[at] ^= with;
                    }
                    packet = bytes;
                    Event::Packet { interface: ETH0, packet: &packet }
                }
                Happens::Bfd { state, yours, poll, damage } => {
                    // Its own number: the low half of its address, and the place of the session.
                    let mut bytes = control(state, if yours { 0x1005_0001 } else { 0 }, poll);
                    if let Some((at, with)) = damage {
                        bytes[at] ^= with;
                    }
                    packet = bytes;
                    Event::Packet { interface: ETH0, packet: &packet }
                }
                Happens::Link(up) => Event::Link { interface: ETH0, up },
                Happens::Reload(changed) => Event::Reload { files: if changed { &other } else { &same } },
                Happens::Address(last, change) => Event::Address {
                    interface: ETH0,
                    address: [172, 16, 16, last].into(),
                    change: [
                        AddressChange::Added, AddressChange::Removed, AddressChange::Failed,
                        AddressChange::AppearedByOther, AddressChange::VanishedByOther,
                    ][usize::from(change)],
                },
                Happens::Stop => Event::Stop,
            };
            let was_timer = matches!(event, Event::Timer);
            agent.step(clocks(now), event, &mut out);
            if was_timer {
                prop_assert!(agent.deadline().is_none_or(|due| due > now), "a timer that fired is due again at once");
            }
            prop_assert!(out.iter().count() < 100, "{} actions", out.iter().count());
            ended = out.iter().any(|action| matches!(action, Action::Exit));
        }
    }
}
