//! Any text is survived; any script prints as text that reads as the same script.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::profile::Profile;
use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use ipnet::Ipv4Net;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::super::{
    CheckDecl, ClientDecl, CvmDecl, EipDecl, EniDecl, Expect, Expectation, Fact, FileDecl, HavipDecl, Place,
    ProgramDecl, RULES, Rule, Script, ServiceDecl, Source, TextDecl, WithDecl,
};
use super::{PAIR, POWER_OFF};
use crate::world::{
    Act, ClientId, CloudAct, ConsoleAct, CvmId, Direction, Drift, EipId, End, EniIndex, FileId, Forged,
    ForgedAdvert, GroupRule, HavipId, Health, Kind, Kinds, Members, NodeId, Path, Ppm, ScriptAct, Segment,
    ServiceId, Spoof, Subnet, Tamper, TextId, TimedAct, Traffic,
};

/// Ticks in the generated runs.
const RUN: u64 = 50_000;
const CVMS: u16 = 3;
const CLIENTS: u16 = 2;
const FILES: u16 = 2;
const HAVIPS: u16 = 2;
const EIPS: u16 = 2;
/// Each text is a script's name, a file's, what stands in one, and what a program tells.
const TEXTS: [&str; 6] = ["chk", "VI_1 MASTER", "-5x", "on", "#1", "45C00014"];

fn ticks(tick: Duration, from: u64) -> impl Strategy<Value = Duration> + Clone {
    (from..=RUN).prop_map(move |n| tick * n)
}
fn instant(tick: Duration) -> impl Strategy<Value = Time> + Clone {
    ticks(tick, 0).prop_map(|span| Time::ZERO + span)
}
fn ordered<T: Ord + std::fmt::Debug + Clone>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = (T, T)> + Clone {
    (one.clone(), one).prop_map(|(a, b)| if a <= b { (a, b) } else { (b, a) })
}
fn cvm() -> impl Strategy<Value = CvmId> + Clone {
    (0..CVMS).prop_map(CvmId)
}
fn client() -> impl Strategy<Value = ClientId> + Clone {
    (0..CLIENTS).prop_map(ClientId)
}
fn path() -> impl Strategy<Value = Path> + Clone {
    let end = || {
        let node = (0..CVMS + CLIENTS).prop_map(|n| End::Node(NodeId(n)));
        let second = Just(End::Eni(NodeId(0), EniIndex(1)));
        prop_oneof![Just(End::Any), Just(End::Cloud), node, second]
    };
    (end(), end(), any::<bool>()).prop_map(|(from, to, both)| {
        let to = if from == to { End::Any } else { to };
        Path { from, to, both }
    })
}
fn kinds() -> impl Strategy<Value = Kinds> + Clone {
    (1u8..32).prop_map(|bits| {
        let chosen = Kind::ALL.into_iter().filter(|kind| bits & 1 << *kind as u8 != 0);
        chosen.fold(Kinds::NONE, Kinds::with)
    })
}

fn text() -> impl Strategy<Value = TextId> + Clone {
    (0..TEXTS.len() as u16).prop_map(TextId)
}

/// Every node has eth0, the first machine one more.
fn wire() -> impl Strategy<Value = (NodeId, Option<EniIndex>)> + Clone {
    let whole = (0..CVMS + CLIENTS).prop_map(|n| (NodeId(n), None));
    let first = (0..CVMS + CLIENTS).prop_map(|n| (NodeId(n), Some(EniIndex::ETH0)));
    prop_oneof![whole, first, Just((NodeId(0), Some(EniIndex(1))))]
}

/// Any address of that family.
fn of_family(ipv6: bool, n: u32) -> IpAddr {
    if ipv6 { Ipv6Addr::from(0xfd00_u128 << 112 | u128::from(n)).into() } else { Ipv4Addr::from(n).into() }
}

fn spoof(tick: Duration) -> impl Strategy<Value = Spoof> {
    let some = || option::of(any::<u8>());
    let advert = (
        (
            any::<u32>(),
            option::of(any::<u32>()),
            any::<u8>(),
            any::<u8>(),
            option::of(option::of("[!-~ ]{0,8}")),
        ),
        (vec(any::<u32>(), 0..=4), option::of(any::<u16>()), any::<bool>(), any::<bool>()),
        (some(), some(), some(), some(), some(), some()),
    );
    let advert = advert.prop_map(|(head, (addresses, interval, bad_checksum, ipv6), numbers)| {
        let (from, to, vrid, priority, auth) = head;
        let (version, message_type, count, ttl, truncated, padded) = numbers;
        let mut all = [None; 4];
        addresses
            .into_iter()
            .zip(&mut all)
            .for_each(|(address, slot)| *slot = Some(of_family(ipv6, address)));
        let bytes = |text: String| {
            let mut bytes = [0; 8];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            bytes
        };
        // `none` says that there is no password, and a quote cannot be written.
        let plain = |text: &String| text != "none" && !text.contains('"');
        Forged::Advert(ForgedAdvert {
            to: to.map(|to| of_family(ipv6, to)),
            auth: auth.filter(|_| !ipv6).map(|text| text.filter(plain).map(bytes)),
            addresses: all,
            interval,
            bad_checksum,
            no_address: bad_checksum,
            version,
            message_type,
            count,
            ttl,
            truncated,
            padded,
            ..ForgedAdvert::new(of_family(ipv6, from), vrid, priority)
        })
    });
    let announcement = (any::<bool>(), any::<u32>(), any::<[u8; 6]>(), option::of(wire()));
    let forged = prop_oneof![
        advert,
        announcement.prop_map(|(ipv6, address, mac, to)| Forged::Announcement(
            of_family(ipv6, address),
            Mac(mac),
            to
        )),
        Just(Forged::Packet(TextId(TEXTS.len() as u16 - 1))),
    ];
    (forged, option::of((ticks(tick, 1), ticks(tick, 0)))).prop_map(|(forged, again)| Spoof { forged, again })
}

/// What stands from the start, or is done later.
fn setting() -> impl Strategy<Value = ConsoleAct> {
    let machine = || {
        prop_oneof![
            (0..CVMS).prop_map(|n| (NodeId(n), None)),
            (0..CVMS).prop_map(|n| (NodeId(n), Some(EniIndex::ETH0))),
            Just((NodeId(0), Some(EniIndex(1)))),
        ]
    };
    let traffic = prop_oneof![
        Just(Traffic::All),
        any::<u8>().prop_map(Traffic::Protocol),
        (any::<bool>(), 1u16..).prop_map(|(tcp, port)| Traffic::Port(if tcp { 6 } else { 17 }, port)),
    ];
    let direction = select(vec![Direction::In, Direction::Out]);
    let members = vec(machine(), 1..=Members::MOST).prop_map(|all| {
        let mut members = Members::default();
        for one in all {
            if !members.iter().any(|other| other == one) {
                members = members.with(one).unwrap();
            }
        }
        members
    });
    prop_oneof![
        (0..HAVIPS, members).prop_map(|(n, members)| ConsoleAct::Range(HavipId(n), Some(members))),
        (machine(), any::<bool>(), traffic, direction).prop_map(
            |((node, eni), allow, traffic, direction)| {
                ConsoleAct::Security(node, eni, GroupRule { allow, traffic, direction })
            }
        ),
    ]
}

fn console() -> impl Strategy<Value = ConsoleAct> {
    let havip = || (0..HAVIPS).prop_map(HavipId);
    prop_oneof![
        setting(),
        havip().prop_map(|havip| ConsoleAct::Range(havip, None)),
        havip().prop_map(ConsoleAct::Apply),
        havip().prop_map(ConsoleAct::Release),
        (0..EIPS, havip()).prop_map(|(n, havip)| ConsoleAct::BindEip(EipId(n), havip)),
        (0..EIPS).prop_map(|n| ConsoleAct::UnbindEip(EipId(n))),
    ]
}

fn act(tick: Duration) -> impl Strategy<Value = Act> {
    let share = || (0..=1_000_000u32).prop_map(Ppm);
    let on_cvm: [fn(CvmId) -> Act; 9] = [
        Act::Start,
        Act::Stop,
        Act::Kill,
        Act::PowerOff,
        Act::PowerOn,
        Act::Freeze,
        Act::Thaw,
        Act::Pause,
        Act::Resume,
    ];
    let cloud = prop_oneof![
        ordered(ticks(tick, 0)).prop_map(|(a, b)| CloudAct::BindDelay(a, b)),
        Just(CloudAct::DropClaims),
        Just(CloudAct::HearClaims),
    ];
    let script_act = prop_oneof![
        select(vec![ScriptAct::Up, ScriptAct::Down, ScriptAct::Hang]),
        ticks(tick, 0).prop_map(ScriptAct::Takes),
    ];
    prop_oneof![
        (select(on_cvm.to_vec()), cvm()).prop_map(|(of, cvm)| of(cvm)),
        wire().prop_map(|(node, eni)| Act::Unplug(node, eni)),
        wire().prop_map(|(node, eni)| Act::Plug(node, eni)),
        (cvm(), 0..FILES, ticks(tick, 0)).prop_map(|(cvm, file, takes)| Act::Reload(
            cvm,
            FileId(file),
            takes
        )),
        (kinds(), path()).prop_map(|(kinds, path)| Act::Drop(kinds, path)),
        (share(), kinds(), path()).prop_map(|(share, kinds, path)| Act::Loss(share, kinds, path)),
        (ordered(ticks(tick, 1)), path()).prop_map(|((a, b), path)| Act::Delay(a, b, path)),
        (share(), path()).prop_map(|(share, path)| Act::Duplicate(share, path)),
        option::of(path()).prop_map(Act::Heal),
        cloud.prop_map(Act::Cloud),
        any::<u64>().prop_map(Act::Seed),
        console().prop_map(Act::Console),
        Just(Act::Detach(NodeId(0), EniIndex(1))),
        (cvm(), text(), script_act).prop_map(|(cvm, name, act)| Act::Script(cvm, name, act)),
        (cvm(), select(vec![Health::Alive, Health::Dead, Health::Hung]))
            .prop_map(|(cvm, health)| Act::Service(ServiceId(0), cvm, health)),
        (cvm(), any::<i64>()).prop_map(|(cvm, by)| Act::ClockStep(cvm, by.max(-i64::MAX))),
        (cvm(), -Drift::MOST..=Drift::MOST).prop_map(|(cvm, ppm)| Act::ClockDrift(cvm, Drift(ppm))),
        (cvm(), any::<bool>(), any::<u32>(), 0u8..=32).prop_map(|(cvm, add, address, len)| {
            let what = if add { Tamper::Add } else { Tamper::Del };
            Act::Tamper(cvm, what, Ipv4Net::new(address.into(), len).unwrap().into())
        }),
        (cvm(), text()).prop_map(|(cvm, route)| Act::DelRoute(cvm, route)),
        (wire(), spoof(tick)).prop_map(|((node, eni), spoof)| Act::Spoof(node, eni, spoof)),
        (share(), path()).prop_map(|(share, path)| Act::Corrupt(share, path)),
        (share(), path()).prop_map(|(share, path)| Act::Reorder(share, path)),
        (cvm(), text(), option::of(text())).prop_map(|(cvm, name, text)| Act::File(cvm, name, text)),
    ]
}

fn expect(tick: Duration) -> impl Strategy<Value = Expect> {
    let havip = || (0..HAVIPS).prop_map(|n| Some(HavipId(n)));
    let role = select(vec![Role::Init, Role::Backup, Role::Master, Role::Fault]);
    let lasting = || {
        prop_oneof![
            cvm().prop_map(Fact::Master),
            (cvm(), havip()).prop_map(|(cvm, havip)| Fact::Bound(cvm, havip)),
            havip().prop_map(Fact::Unbound),
            Just(Fact::BoundIsMaster),
            Just(Fact::TwoMasters),
            client().prop_map(Fact::Stale),
            client().prop_map(Fact::Served),
            client().prop_map(Fact::Unserved),
            (cvm(), text()).prop_map(|(cvm, text)| Fact::Routed(cvm, text)),
        ]
    };
    let fact = move || {
        prop_oneof![
            lasting(),
            any::<u32>().prop_map(|ip| Fact::Refused(Ipv4Addr::from(ip).into())),
            any::<u16>().prop_map(|n| Fact::Refused(address_v6(n).into())),
            (cvm(), role.clone()).prop_map(|(cvm, role)| Fact::Transition(cvm, role)),
            cvm().prop_map(Fact::Claimed),
            (cvm(), any::<u32>()).prop_map(|(cvm, ip)| Fact::Advertised(cvm, Ipv4Addr::from(ip).into())),
            (cvm(), any::<u16>()).prop_map(|(cvm, n)| Fact::Advertised(cvm, address_v6(n).into())),
            (cvm(), text()).prop_map(|(cvm, text)| Fact::Notified(cvm, text)),
        ]
    };
    let span = move || ordered(instant(tick));
    prop_oneof![
        (instant(tick), fact()).prop_map(|(by, fact)| Expect::By(by, fact)),
        (span(), lasting()).prop_map(|((a, b), fact)| Expect::During(a, b, fact)),
        (span(), client(), ticks(tick, 0))
            .prop_map(|((a, b), client, most)| Expect::Outage(a, b, client, most)),
        (span(), any::<u32>()).prop_map(|((a, b), most)| Expect::Moves(a, b, most)),
        (span(), cvm(), any::<u32>()).prop_map(|((a, b), cvm, most)| Expect::Claims(a, b, cvm, most)),
        (span(), cvm(), any::<u32>()).prop_map(|((a, b), cvm, most)| Expect::Notifies(a, b, cvm, most)),
        fact().prop_map(|fact| Expect::Never(fact, None)),
        (lasting(), ticks(tick, 0)).prop_map(|(fact, most)| Expect::Never(fact, Some(most))),
        lasting().prop_map(Expect::Eventually),
        select(RULES.into_iter().filter(|one| *one != Rule::OutageLimit).collect::<Vec<_>>())
            .prop_map(Expect::Rule),
    ]
}

fn profiles() -> impl Strategy<Value = Vec<Profile>> {
    proptest::sample::subsequence(Profile::ALL.to_vec(), 0..=2)
}

fn with_decls() -> impl Strategy<Value = Vec<WithDecl>> {
    let keys = proptest::sample::subsequence(vec!["priority", "VI_1.advert_int", "état"], 0..=3);
    (keys, "[ !#-~]{1,8}").prop_map(|(keys, value)| {
        let with = |key: &str| WithDecl { key: key.to_owned(), value: value.clone(), place: Place::NOWHERE };
        keys.into_iter().map(with).collect()
    })
}

/// Hardware addresses are made of `salt` and a number, so that no two are the same.
fn address(n: u16) -> Ipv4Addr {
    Ipv4Addr::from(0x0a01_0002 + u32::from(n))
}
fn address_v6(n: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 1, n)
}
fn second(custom: bool) -> EniDecl {
    let address = Ipv4Addr::new(10, 1, 4, 9);
    let mac = if custom { Mac([0x0e, 0, 0, 0, 1, 1]) } else { Script::default_mac(address) };
    EniDecl { name: "eth1".to_owned(), address, ipv6: None, mac, off: custom }
}
fn mac(custom: bool, salt: u8, n: u16) -> Mac {
    if custom { Mac([0x0e, salt, 0, 0, 0, n as u8]) } else { Script::default_mac(address(n)) }
}

fn script() -> impl Strategy<Value = Script> {
    let tick = select(vec![
        Duration::from_nanos(7),
        Duration::from_micros(1),
        Script::TICK,
        Duration::from_millis(10),
    ]);
    tick.prop_flat_map(|tick| {
        let head =
            ("[a-z][a-z0-9_-]{0,20}", any::<u64>(), any::<bool>(), option::of(1..=100_000u32), profiles());
        let times = (ordered(ticks(tick, 1)), any::<bool>(), ordered(ticks(tick, 0)), ticks(tick, 1));
        let nodes = vec((any::<bool>(), any::<u8>(), any::<bool>(), with_decls(), any::<Index>()), 5);
        let acts = vec((instant(tick), act(tick)), 0..12);
        (
            Just(tick),
            head,
            times,
            nodes,
            acts,
            vec((expect(tick), option::of(select(Profile::ALL.to_vec()))), 0..8),
            vec(setting(), 0..4),
        )
            .prop_map(|(tick, head, times, nodes, acts, expects, console)| Script {
                console,
                ..made(tick, head, times, &nodes, acts, expects)
            })
    })
}

type Head = (String, u64, bool, Option<u32>, Vec<Profile>);
type Times = ((Duration, Duration), bool, (Duration, Duration), Duration);
type Node = (bool, u8, bool, Vec<WithDecl>, Index);

fn made(
    tick: Duration,
    (name, seed, host_exact, phases, also): Head,
    (latency, default_latency, bind_delay, every): Times,
    nodes: &[Node],
    acts: Vec<(Time, Act)>,
    expects: Vec<(Expect, Option<Profile>)>,
) -> Script {
    let file = |path: &str| FileDecl { path: path.to_owned(), place: Place::NOWHERE };
    let havips = vec![IpAddr::V4(address(100)), IpAddr::V6(address_v6(101))];
    let eips = vec![
        EipDecl { address: Ipv4Addr::new(203, 0, 113, 10), havip: host_exact.then_some(HavipId(0)) },
        EipDecl { address: Ipv4Addr::new(203, 0, 113, 11), havip: None },
    ];
    let cvm = |n: u16| {
        let (custom, salt, off, with, _) = &nodes[usize::from(n)];
        CvmDecl {
            name: format!("m{n}"),
            address: address(n),
            ipv6: off.then(|| address_v6(n)),
            mac: mac(*custom, *salt, n),
            more: if n == 0 { vec![second(*custom)] } else { Vec::new() },
            program: ProgramDecl::Agent(if *off { Profile::HAVIP } else { Profile::KEEPALIVED }),
            file: file(if *custom { "my conf/pair #1.conf" } else { "conf/pair.conf" }),
            with: with.clone(),
            off: *off,
        }
    };
    let client = |n: u16| {
        let (custom, salt, _, _, target) = &nodes[usize::from(n)];
        let (address, mac) = (address(n), mac(*custom, *salt, n));
        let target = *target.get(&havips);
        if *custom && n == CVMS + CLIENTS - 1 {
            return ClientDecl {
                name: format!("c-{n}"),
                address: Ipv4Addr::new(198, 51, 100, salt | 1),
                ipv6: None,
                mac,
                target: eips[0].address.into(),
                port: None,
                every,
                internet: Some(if *salt < 128 { Script::default_internet(tick) } else { latency }),
            };
        }
        ClientDecl {
            name: format!("c-{n}"),
            address,
            ipv6: Some(address_v6(n)),
            mac,
            target,
            port: (*custom && target.is_ipv4()).then_some(443),
            every,
            internet: None,
        }
    };
    let latency = if default_latency { Script::default_latency(tick) } else { latency };
    let net = |text: &str| text.parse().unwrap();
    let subnets = vec![
        Subnet { net: net("10.1.0.0/24"), ipv6: Some("fd00:1::/64".parse().unwrap()), latency },
        Subnet { net: net("10.1.4.0/22"), ipv6: None, latency: Script::default_latency(tick) },
    ];
    let mut script = Script {
        source: Source::default(),
        name,
        run: tick * RUN,
        seed,
        tick,
        host_exact,
        phases,
        also,
        segment: Segment::Vpc { net: net("10.1.0.0/16"), subnets },
        bind_delay,
        cvms: (0..CVMS).map(cvm).collect(),
        clients: (CVMS..CVMS + CLIENTS).map(client).collect(),
        havips: vec![
            HavipDecl { address: havips[0], off: false },
            HavipDecl { address: havips[1], off: host_exact },
        ],
        eips,
        console: Vec::new(),
        files: (0..FILES).map(|n| file(&format!("files/{n}.conf"))).collect(),
        services: vec![
            ServiceDecl { name: "haproxy".into(), port: 443, on: (0..CVMS).map(CvmId).collect() },
            ServiceDecl { name: "db".into(), port: 65_535, on: vec![CvmId(1)] },
        ],
        checks: vec![CheckDecl { script: "my chk".into(), place: Place::NOWHERE, service: ServiceId(1) }],
        texts: TEXTS
            .iter()
            .map(|text| TextDecl { text: (*text).to_owned(), place: Place::NOWHERE })
            .collect(),
        acts: acts.into_iter().map(|(at, act)| TimedAct { at, act, line: 0 }).collect(),
        expectations: expects
            .into_iter()
            .map(|(expect, only)| Expectation { expect, only, line: 0 })
            .collect(),
    };
    script.tidy();
    script
}

/// A default latency of a tick that does not divide it is itself on the tick, and the text leaves it out.
#[test]
fn the_example_prints_in_canonical_form() {
    let script = Script::parse("t.scn", POWER_OFF).unwrap();
    insta::assert_snapshot!("power_off", script.to_string());
    assert_eq!(Script::parse("t.scn", &script.to_string()).unwrap(), script);
}

proptest! {
    #[test]
    fn a_generated_script_prints_and_reads_as_itself(script in script()) {
        let text = script.to_string();
        let again = Script::parse("again.scn", &text).map_err(|errors| {
            TestCaseError::fail(format!("{text}\n{}", errors.iter().map(|e| e.render(false)).collect::<String>()))
        })?;
        prop_assert_eq!(&again, &script, "{}", text);
        prop_assert_eq!(again.to_string(), text);
    }

    #[test]
    fn any_text_is_survived(text in "\\PC*|[ -~\\n]{0,200}|(\\s|\\PC)*") {
        survive(&text);
    }

    #[test]
    fn any_words_of_the_language_are_survived(words in vec(select(words()), 0..60)) {
        survive(&words.join(" "));
        survive(&(PAIR.to_owned() + "at 3s " + &words.join(" ")));
    }

    #[test]
    fn a_file_with_one_change_is_survived(place in any::<Index>(), length in 0usize..8, new in "\\PC{0,4}") {
        let start = place.index(POWER_OFF.len());
        let end = (start + length).min(POWER_OFF.len());
        survive(&format!("{}{new}{}", &POWER_OFF[..start], &POWER_OFF[end..]));
    }
}

/// Words to make nonsense of.
fn words() -> Vec<&'static str> {
    let mut words: Vec<_> = POWER_OFF.split_whitespace().collect();
    words.extend([
        "\n",
        "\n",
        "\nat 3s",
        "\nexpect",
        "\ncvm",
        "\r\n",
        "#",
        "\u{0}",
        "ä",
        "0s",
        "99999999999h",
        "->",
        "<->",
    ]);
    words.extend([
        "*",
        "cloud",
        "cut",
        "loss",
        "20%",
        "heal",
        "delay",
        "lan",
        "10.0.0.0/8",
        "0.0.0.0/0",
        "..",
        "1s..2s",
    ]);
    words
}

/// It is a script that prints as itself, or a list of errors that can be shown.
fn survive(text: &str) {
    match Script::parse("t.scn", text) {
        Ok(script) => assert_eq!(script.checked().unwrap(), script, "{script}"),
        Err(errors) => {
            assert!((1..=20).contains(&errors.len()));
            for error in errors {
                let shown = error.render(false);
                assert!(shown.contains(&error.message), "{shown}");
                assert!(!error.one_line().chars().any(char::is_control), "{:?}", error.one_line());
            }
        }
    }
}
