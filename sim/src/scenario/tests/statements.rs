//! What each statement reads as.

use std::net::IpAddr;

use havip::profile::Profile;
use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::super::{Expect, Fact, ProgramDecl, Rule, Script};
use super::{PAIR, POWER_OFF};
use crate::world::{
    Act, ClientId, CloudAct, ConsoleAct, CvmId, Direction, Drift, EipId, End, EniIndex, FileId, Forged,
    ForgedAdvert, GroupRule, HavipId, Health, Kind, Kinds, Members, NodeId, Path, Ppm, ScriptAct, Segment,
    ServiceId, Spoof, Tamper, TextId, Traffic,
};

const A: CvmId = CvmId(0);
const B: CvmId = CvmId(1);
const WEB: ClientId = ClientId(0);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
fn at(n: u64) -> Time {
    Time::ZERO + Duration::from_secs(n)
}
fn parse(text: &str) -> Script {
    Script::parse("t.scn", text).unwrap_or_else(|errors| {
        panic!("{}", errors.iter().map(|e| e.render(false)).collect::<Vec<_>>().join("\n"))
    })
}
/// The one act of a pair.
fn act(text: &str) -> Act {
    let script = parse(&format!("{PAIR}at 20s {text}\n"));
    assert_eq!(script.act_text(&script.acts[0].act).to_string(), text, "prints as it was written");
    script.acts[0].act
}
/// The one expectation of a pair.
fn expect(text: &str) -> Expect {
    let script = parse(&format!("{PAIR}expect {text}\n"));
    assert_eq!(script.expect_text(&script.expectations[0]).to_string(), text, "prints as it was written");
    script.expectations[0].expect
}

#[test]
fn the_example_of_the_design_reads_as_it_says() {
    let script = parse(POWER_OFF);
    assert_eq!((script.name.as_str(), script.run, script.seed), ("power-off", Duration::from_secs(60), 7));
    assert_eq!((script.tick, script.host_exact, script.phases), (Duration::from_micros(100), false, None));
    let Segment::Vpc { net, subnets } = &script.segment else { panic!("{:?}", script.segment) };
    assert_eq!((net.to_string(), subnets.len()), ("172.16.0.0/16".into(), 1));
    assert_eq!(subnets[0].latency, (Duration::from_micros(200), Duration::from_micros(400)));
    assert_eq!(script.havips[0].address, "172.16.16.12".parse::<IpAddr>().unwrap());
    let a = &script.cvms[0];
    assert_eq!((a.name.as_str(), a.file.path.as_str(), a.off), ("a", "conf/pair.conf", false));
    assert_eq!(a.mac, Mac([2, 0, 172, 16, 16, 5]), "02:00 and the four bytes of the address");
    assert_eq!((script.clients[0].name.as_str(), script.clients[0].every), ("web", ms(10)));
    let acts: Vec<_> = script.acts.iter().map(|act| (act.at, act.act, act.line)).collect();
    assert_eq!(acts, [(at(20), Act::PowerOff(A), 12), (at(40), Act::PowerOn(A), 13)]);
    let expects: Vec<_> = script.expectations.iter().map(|e| (e.expect, e.line)).collect();
    let master_b = Fact::Master(B);
    assert_eq!(
        expects,
        [
            (Expect::By(at(24), master_b), 15),
            (Expect::During(at(24), at(60), master_b), 16),
            (Expect::Outage(at(20), at(40), WEB, ms(3700)), 17),
            (Expect::Never(Fact::TwoMasters, Some(ms(5))), 18),
        ]
    );
}

#[test]
fn what_is_not_said_has_a_default() {
    let script = parse(PAIR);
    assert_eq!((script.seed, script.tick), (1, Duration::from_micros(100)));
    assert_eq!(script.bind_delay, (Duration::ZERO, Duration::ZERO));
    let Segment::Vpc { subnets, .. } = &script.segment else { panic!() };
    assert_eq!(subnets[0].latency, (Duration::from_micros(200), Duration::from_micros(400)));
}

#[test]
fn a_default_latency_is_rounded_up_to_the_tick() {
    let script = parse("scenario x\nrun 1s\nlan 10.0.0.0/24\ntick 1ms\n");
    let Segment::Lan(lans) = &script.segment else { panic!() };
    assert_eq!(lans[0].latency, (ms(1), ms(1)));
    let script = parse("scenario x\nrun 900us\nlan 10.0.0.0/24\ntick 300us\n");
    let Segment::Lan(lans) = &script.segment else { panic!() };
    assert_eq!(lans[0].latency, (Duration::from_micros(300), Duration::from_micros(600)));
}

#[test]
fn declarations_take_their_options() {
    let script = parse(
        "scenario x\nrun 2m seed 18446744073709551615\ntick 1ms\nhost exact\nphases 200\n\
         lan 10.0.0.0/24 latency 2ms\n\
         cvm c 10.0.0.1 keepalived c.conf mac 02:00:00:00:00:0A with priority=90 with VI_1.advert_int=2 off\n\
         client d 10.0.0.3 probe 10.0.0.9 every 1s mac 02:00:00:00:00:0b\n",
    );
    assert_eq!((script.seed, script.phases, script.host_exact), (u64::MAX, Some(200), true));
    let Segment::Lan(lans) = &script.segment else { panic!() };
    assert_eq!(lans[0].latency, (ms(2), ms(2)));
    let c = &script.cvms[0];
    assert_eq!((c.mac, c.off), (Mac([2, 0, 0, 0, 0, 10]), true));
    let with: Vec<_> = c.with.iter().map(|w| (w.key.as_str(), w.value.as_str())).collect();
    assert_eq!(with, [("priority", "90"), ("VI_1.advert_int", "2")]);
    assert_eq!(script.clients[0].mac, Mac([2, 0, 0, 0, 0, 11]));
}

#[test]
fn an_interface_may_be_attached_later() {
    let text = "scenario x\nrun 20s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\nlan 10.30.0.0/24\n\
                cvm a 172.16.16.5 keepalived x\nclient web 172.16.16.100 probe 172.16.16.12 every 100ms\n\
                eni a.eth1 10.20.0.5 off\neni a.eth2 10.30.0.5\nat 1s attach a.eth1\n";
    let script = parse(text);
    let off: Vec<_> = script.cvms[0].more.iter().map(|eni| eni.off).collect();
    assert_eq!(off, [true, false]);
    assert_eq!(script.acts[0].act, Act::Attach(NodeId(0), EniIndex(1)));
    assert_eq!(script.act_text(&script.acts[0].act).to_string(), "attach a.eth1");
    for wrong in ["attach a", "attach a.eth2", "attach a.eth0", "attach web"] {
        let text = text.replace("attach a.eth1", wrong);
        assert!(Script::parse("x.scn", &text).is_err(), "{wrong}");
    }
}

#[test]
fn a_cloud_declares_its_binding_delay() {
    let script = parse(&format!("{PAIR}cloud bind-delay 3s..8s\n"));
    assert_eq!(script.bind_delay, (ms(3000), ms(8000)));
    assert!(script.acts.is_empty());
}

#[test]
fn acts_on_machines() {
    for (text, expected) in [
        ("start a", Act::Start(A)),
        ("stop a", Act::Stop(A)),
        ("kill b", Act::Kill(B)),
        ("power-off a", Act::PowerOff(A)),
        ("power-on a", Act::PowerOn(A)),
        ("freeze a", Act::Freeze(A)),
        ("thaw a", Act::Thaw(A)),
        ("pause a", Act::Pause(A)),
        ("resume a", Act::Resume(A)),
        ("unplug b", Act::Unplug(NodeId(1), None)),
        ("plug web", Act::Plug(NodeId(2), None)),
        ("reload a with other.conf", Act::Reload(A, FileId(0), Duration::ZERO)),
        ("reload a with other.conf taking 50ms", Act::Reload(A, FileId(0), Duration::from_millis(50))),
    ] {
        assert_eq!(act(text), expected, "{text}");
    }
}

#[test]
fn acts_on_paths() {
    let path = |from, to, both| Path { from, to, both };
    let (a, b, web) = (End::Node(NodeId(0)), End::Node(NodeId(1)), End::Node(NodeId(2)));
    let garp = Kinds::NONE.with(Kind::Garp);
    for (text, expected) in [
        ("cut a <-> b", Act::Drop(Kinds::ALL, path(a, b, true))),
        ("cut a -> *", Act::Drop(Kinds::ALL, path(a, End::Any, false))),
        ("cut * -> web", Act::Drop(Kinds::ALL, path(End::Any, web, false))),
        ("cut a -> cloud", Act::Drop(Kinds::ALL, path(a, End::Cloud, false))),
        ("drop garp * -> cloud", Act::Drop(garp, path(End::Any, End::Cloud, false))),
        ("drop vrrp,garp a -> b", Act::Drop(garp.with(Kind::Vrrp), path(a, b, false))),
        ("heal", Act::Heal(None)),
        ("heal a <-> b", Act::Heal(Some(path(a, b, true)))),
        ("loss 20% a -> b", Act::Loss(Ppm(200_000), Kinds::ALL, path(a, b, false))),
        ("loss 0.5% garp a -> b", Act::Loss(Ppm(5_000), garp, path(a, b, false))),
        ("delay 5ms..9ms * -> a", Act::Delay(ms(5), ms(9), path(End::Any, a, false))),
        ("delay 1.5s a -> b", Act::Delay(ms(1500), ms(1500), path(a, b, false))),
        ("corrupt 1% a -> b", Act::Corrupt(Ppm(10_000), path(a, b, false))),
        ("reorder 5% a <-> b", Act::Reorder(Ppm(50_000), path(a, b, true))),
        ("duplicate 5% a -> b", Act::Duplicate(Ppm(50_000), path(a, b, false))),
    ] {
        assert_eq!(act(text), expected, "{text}");
    }
}

#[test]
fn all_kinds_dropped_is_a_cut() {
    let script =
        parse(&format!("{PAIR}at 1s drop all a -> b\nat 1s drop other,vrrp,arp,garp,probe a -> b\n"));
    for act in &script.acts {
        assert_eq!(script.act_text(&act.act).to_string(), "cut a -> b");
    }
}

#[test]
fn acts_on_scripts_files_clocks_and_addresses() {
    let text = TextId(0);
    for (text, expected) in [
        ("script chk_haproxy down on a", Act::Script(A, text, ScriptAct::Down)),
        ("script chk up on b", Act::Script(B, text, ScriptAct::Up)),
        ("script \"my chk\" hang on a", Act::Script(A, text, ScriptAct::Hang)),
        ("script chk takes 2s on a", Act::Script(A, text, ScriptAct::Takes(ms(2000)))),
        ("file load -5x on a", Act::File(A, text, Some(TextId(1)))),
        ("file load \"\" on a", Act::File(A, text, Some(TextId(1)))),
        ("file load gone on a", Act::File(A, text, None)),
        ("clock a step +5s", Act::ClockStep(A, 5_000_000_000)),
        ("clock a step -1.5ms", Act::ClockStep(A, -1_500_000)),
        ("clock b drift 50ppm", Act::ClockDrift(B, Drift(50))),
        ("clock b drift -50ppm", Act::ClockDrift(B, Drift(-50))),
        ("tamper a del 172.16.16.12", Act::Tamper(A, Tamper::Del, "172.16.16.12/32".parse().unwrap())),
        ("tamper a del-route \"10.9.0.0/16 dev eth0\"", Act::DelRoute(A, TextId(0))),
        ("tamper b add 172.16.16.12/24", Act::Tamper(B, Tamper::Add, "172.16.16.12/24".parse().unwrap())),
    ] {
        assert_eq!(act(text), expected, "{text}");
    }
}

#[test]
fn an_act_of_chance() {
    assert_eq!(act("seed 0"), Act::Seed(0));
    assert_eq!(act("seed 18446744073709551615"), Act::Seed(u64::MAX));
}

#[test]
fn acts_of_an_attacker() {
    let web = NodeId(2);
    let good = ForgedAdvert::new(IpAddr::from([172, 16, 16, 8]), 51, 255);
    let spoof = |forged| Act::Spoof(web, None, Spoof { forged, again: None });
    let advert = |advert| spoof(Forged::Advert(advert));
    let with = |text: &str| format!("spoof vrrp on web from 172.16.16.8 {text}");
    assert_eq!(act(&with("vrid 51 priority 255")), advert(good));
    let to = ForgedAdvert { to: Some(IpAddr::from([172, 16, 16, 5])), ..good };
    assert_eq!(act(&with("to 172.16.16.5 vrid 51 priority 255")), advert(to));
    let auth = ForgedAdvert { auth: Some(Some(*b"1111\0\0\0\0")), ..good };
    assert_eq!(act(&with("vrid 51 priority 255 auth 1111")), advert(auth));
    let all = ForgedAdvert {
        auth: Some(None),
        addresses: [Some([172, 16, 16, 99]), Some([172, 16, 16, 98]), None, None]
            .map(|one| one.map(IpAddr::from)),
        interval: Some(2),
        version: Some(3),
        message_type: Some(2),
        count: Some(0),
        ttl: Some(1),
        truncated: Some(12),
        padded: Some(6),
        bad_checksum: true,
        ..good
    };
    let text = "vrid 51 priority 255 auth none address 172.16.16.99 address 172.16.16.98 interval 2 version 3 type 2 \
                count 0 ttl 1 truncated 12 padded 6 bad checksum every 600ms for 10s";
    let again = Some((ms(600), ms(10_000)));
    assert_eq!(act(&with(text)), Act::Spoof(web, None, Spoof { forged: Forged::Advert(all), again }));
    let mac = Mac([2, 0, 0, 0, 0, 0x66]);
    let arp = |to| spoof(Forged::Announcement(IpAddr::from([172, 16, 16, 12]), mac, to));
    assert_eq!(act("spoof arp on web 172.16.16.12 is-at 02:00:00:00:00:66"), arp(None));
    assert_eq!(
        act("spoof arp on web 172.16.16.12 is-at 02:00:00:00:00:66 to a"),
        arp(Some((NodeId(0), None)))
    );
    assert_eq!(act("spoof hex on web 45C00014"), spoof(Forged::Packet(TextId(0))));
}

#[test]
fn an_attacker_names_an_interface_and_has_ipv6() {
    let text = PAIR.replace("172.16.16.0/24", "172.16.16.0/24 ipv6 fd00:16::/64")
        + "subnet 172.16.20.0/24\neni a.eth1 172.16.20.5\n\
           at 3s spoof arp on a.eth1 172.16.20.12 is-at 02:00:00:00:00:66 to a.eth0\n\
           at 3s spoof vrrp on web from fd00:16::8 vrid 51 priority 255 address fd00:16::99 ttl 64\n\
           at 3s spoof vrrp on web from fe80::8 to ff02::12 vrid 51 priority 0\n\
           at 3s spoof na on web fd00:16::12 is-at 02:00:00:00:00:66 every 1s for 5s\n\
           at 3s spoof na on web.eth0 fd00:16::12 is-at 02:00:00:00:00:66 to a.eth1\n";
    let script = parse(&text);
    let (web, mac) = (NodeId(2), Mac([2, 0, 0, 0, 0, 0x66]));
    let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
    let once = |forged| Spoof { forged, again: None };
    let said = |address, to| Forged::Announcement(address, mac, to);
    let (a0, a1) = ((NodeId(0), Some(EniIndex::ETH0)), (NodeId(0), Some(EniIndex(1))));
    let advert = ForgedAdvert {
        addresses: [Some(v6("fd00:16::99")), None, None, None],
        ttl: Some(64),
        ..ForgedAdvert::new(v6("fd00:16::8"), 51, 255)
    };
    let leaving = ForgedAdvert { to: Some(v6("ff02::12")), ..ForgedAdvert::new(v6("fe80::8"), 51, 0) };
    let again = Some((ms(1000), ms(5000)));
    let expected = [
        Act::Spoof(a1.0, a1.1, once(said(IpAddr::from([172, 16, 20, 12]), Some(a0)))),
        Act::Spoof(web, None, once(Forged::Advert(advert))),
        Act::Spoof(web, None, once(Forged::Advert(leaving))),
        Act::Spoof(web, None, Spoof { forged: said(v6("fd00:16::12"), None), again }),
        Act::Spoof(web, Some(EniIndex::ETH0), once(said(v6("fd00:16::12"), Some(a1)))),
    ];
    assert_eq!(script.acts.iter().map(|timed| timed.act).collect::<Vec<_>>(), expected);
    assert_eq!(parse(&script.to_string()), script, "{script}");
}

#[test]
fn services_are_declared_probed_and_failed() {
    let text = PAIR.replace("probe 172.16.16.12", "probe 172.16.16.12:443")
        + "service haproxy tcp 443 on a b\ncheck chk_haproxy = haproxy\nat 3s fail haproxy on a\n\
           at 4s hang haproxy on b\nat 5s mend haproxy on a\nexpect eventually served web\n";
    let script = parse(&text);
    assert_eq!((script.clients[0].port, script.services[0].port), (Some(443), 443));
    assert_eq!(
        (script.services[0].on.as_slice(), script.checks[0].script.as_str()),
        (&[A, B][..], "chk_haproxy")
    );
    let acts: Vec<_> = script.acts.iter().map(|act| act.act).collect();
    let haproxy = ServiceId(0);
    assert_eq!(
        acts,
        [
            Act::Service(haproxy, A, Health::Dead),
            Act::Service(haproxy, B, Health::Hung),
            Act::Service(haproxy, A, Health::Alive),
        ]
    );
    assert_eq!(script.expectations[0].expect, Expect::Eventually(Fact::Served(WEB)));
    assert_eq!(parse(&script.to_string()), script, "{script}");

    let text = text
        .replace("172.16.16.0/24", "172.16.16.0/24 ipv6 fd00:16::/64")
        .replace("172.16.16.100", "172.16.16.100 ipv6 fd00:16::100")
        .replace("172.16.16.12:443", "[fd00:16::12]:443");
    let script = parse(&text);
    let web = &script.clients[0];
    assert_eq!((web.target, web.port), ("fd00:16::12".parse().unwrap(), Some(443)));
    assert_eq!(parse(&script.to_string()), script, "{script}");
}

#[test]
fn a_scenario_can_be_run_under_other_profiles_too() {
    let text = PAIR.replace("b 172.16.16.6 keepalived", "b 172.16.16.6 keepalived-1.3")
        + "also as havip\nexpect as havip never two-masters\nexpect as keepalived by 3s master a\n";
    let script = parse(&text);
    assert_eq!(script.also, [Profile::HAVIP]);
    assert_eq!(script.cvms[1].program, ProgramDecl::Agent(Profile::KEEPALIVED_1_3));
    let only: Vec<_> = script.expectations.iter().map(|one| one.only).collect();
    assert_eq!(only, [Some(Profile::HAVIP), Some(Profile::KEEPALIVED)]);
    assert_eq!(parse(&script.to_string()), script, "{script}");
    let under = script.under(Profile::HAVIP);
    assert!(under.cvms.iter().all(|cvm| cvm.program == ProgramDecl::Agent(Profile::HAVIP)));
}

#[test]
fn acts_of_the_cloud() {
    assert_eq!(act("cloud bind-delay 3s..8s"), Act::Cloud(CloudAct::BindDelay(ms(3000), ms(8000))));
    assert_eq!(act("cloud bind-delay 0s"), Act::Cloud(CloudAct::BindDelay(ms(0), ms(0))));
    assert_eq!(act("cloud drop-claims"), Act::Cloud(CloudAct::DropClaims));
    assert_eq!(act("cloud hear-claims"), Act::Cloud(CloudAct::HearClaims));
}

#[test]
fn acts_of_the_console() {
    let with = format!(
        "{PAIR}havip 172.16.16.13 off\neip 203.0.113.10 to 172.16.16.12\neip 203.0.113.11\n\
         internet far 198.51.100.7 probe 203.0.113.10:443 every 1s latency 5ms..9ms\nservice s tcp 443 on a\n\
         range 172.16.16.12 a b\nsecgroup a deny vrrp in\n"
    );
    let script = parse(&with);
    assert!(script.havips[1].off);
    assert_eq!(script.eips.iter().map(|eip| eip.havip).collect::<Vec<_>>(), [Some(HavipId(0)), None]);
    assert_eq!(script.clients[1].internet, Some((ms(5), ms(9))));
    let deny = GroupRule { allow: false, traffic: Traffic::Protocol(112), direction: Direction::In };
    assert_eq!(script.console[1], ConsoleAct::Security(NodeId(0), None, deny));
    let read = |text: &str| match parse(&format!("{with}at 3s {text}\n")).acts[0].act {
        Act::Console(act) => act,
        other => panic!("{other:?}"),
    };
    let members = Members::default().with((NodeId(1), None)).unwrap();
    for (text, expected) in [
        ("apply 172.16.16.13", ConsoleAct::Apply(HavipId(1))),
        ("release 172.16.16.12", ConsoleAct::Release(HavipId(0))),
        ("range 172.16.16.12 all", ConsoleAct::Range(HavipId(0), None)),
        ("range 172.16.16.12 none", ConsoleAct::Range(HavipId(0), Some(Members::default()))),
        ("range 172.16.16.12 b", ConsoleAct::Range(HavipId(0), Some(members))),
        ("bind-eip 203.0.113.11 to 172.16.16.13", ConsoleAct::BindEip(EipId(1), HavipId(1))),
        ("unbind-eip 203.0.113.10", ConsoleAct::UnbindEip(EipId(0))),
        ("secgroup a deny 112 in", ConsoleAct::Security(NodeId(0), None, deny)),
    ] {
        assert_eq!(read(text), expected, "{text}");
        let script = parse(&with);
        assert_eq!(script.act_text(&Act::Console(expected)).to_string(), text);
    }
    let port = GroupRule { allow: true, traffic: Traffic::Port(17, 53), direction: Direction::Out };
    assert_eq!(
        read("secgroup b.eth0 allow udp:53 out"),
        ConsoleAct::Security(NodeId(1), Some(EniIndex::ETH0), port)
    );
}

#[test]
fn what_was_detached_may_be_attached() {
    let text = "scenario x\nrun 20s\nvpc 10.0.0.0/8\nsubnet 10.1.0.0/24\nsubnet 10.2.0.0/24\n\
                cvm a 10.1.0.5 keepalived x\neni a.eth1 10.2.0.5\nat 1s detach a.eth1\nat 2s attach a.eth1\n";
    let script = parse(text);
    assert_eq!(script.acts[0].act, Act::Detach(NodeId(0), EniIndex(1)));
    assert!(Script::parse("x.scn", &text.replace("at 1s detach a.eth1\n", "")).is_err());
}

#[test]
fn every_form_of_an_expectation() {
    for (text, expected) in [
        ("by 24s master b", Expect::By(at(24), Fact::Master(B))),
        ("during 24s..60s bound b", Expect::During(at(24), at(60), Fact::Bound(B, None))),
        ("in 20s..40s outage web <= 3.7s", Expect::Outage(at(20), at(40), WEB, ms(3700))),
        ("in 0s..60s claims a <= 20", Expect::Claims(at(0), at(60), A, 20)),
        ("in 0s..60s notifies b <= 3", Expect::Notifies(at(0), at(60), B, 3)),
        ("in 0s..60s moves <= 1", Expect::Moves(at(0), at(60), 1)),
        ("never two-masters", Expect::Never(Fact::TwoMasters, None)),
        ("never stale web > 5ms", Expect::Never(Fact::Stale(WEB), Some(ms(5)))),
        ("never unbound > 5ms", Expect::Never(Fact::Unbound(None), Some(ms(5)))),
        ("eventually bound = master", Expect::Eventually(Fact::BoundIsMaster)),
        ("rule heal-agrees", Expect::Rule(Rule::HealAgrees)),
    ] {
        assert_eq!(expect(text), expected, "{text}");
    }
}

#[test]
fn every_fact() {
    let refused = "172.16.16.9".parse().unwrap();
    for (text, expected) in [
        ("master a", Fact::Master(A)),
        ("bound a", Fact::Bound(A, None)),
        ("bound a 172.16.16.12", Fact::Bound(A, Some(HavipId(0)))),
        ("unbound", Fact::Unbound(None)),
        ("unbound 172.16.16.12", Fact::Unbound(Some(HavipId(0)))),
        ("bound = master", Fact::BoundIsMaster),
        ("two-masters", Fact::TwoMasters),
        ("stale web", Fact::Stale(WEB)),
        ("refused 172.16.16.9", Fact::Refused(refused)),
        ("transition b MASTER", Fact::Transition(B, Role::Master)),
        ("transition b FAULT", Fact::Transition(B, Role::Fault)),
        ("served web", Fact::Served(WEB)),
        ("unserved web", Fact::Unserved(WEB)),
        ("claimed a", Fact::Claimed(A)),
        ("advertised a 172.16.16.12", Fact::Advertised(A, "172.16.16.12".parse().unwrap())),
        ("advertised b fe80::12", Fact::Advertised(B, "fe80::12".parse().unwrap())),
        ("notified a \"VI_1 MASTER\"", Fact::Notified(A, TextId(0))),
        ("routed a 10.9.0.0/16", Fact::Routed(A, TextId(0))),
    ] {
        assert_eq!(expect(&format!("by 24s {text}")), Expect::By(at(24), expected), "{text}");
    }
}

#[test]
fn acts_are_put_in_time_order_and_files_are_numbered_in_it() {
    let script = parse(&format!(
        "{PAIR}at 30s reload a with late.conf\nat 20s kill a\nat 10s reload b with early.conf\nat 20s start a\n"
    ));
    let acts: Vec<_> = script.acts.iter().map(|a| (a.at, script.act_text(&a.act).to_string())).collect();
    assert_eq!(
        acts,
        [
            (at(10), "reload b with early.conf".to_owned()),
            (at(20), "kill a".to_owned()),
            (at(20), "start a".to_owned()),
            (at(30), "reload a with late.conf".to_owned()),
        ]
    );
    assert_eq!(script.files[0].path, "early.conf");
}

#[test]
fn a_record_says_an_act_without_the_name_of_its_node() {
    for (text, said, about) in [
        ("power-off a", "power off", Some(NodeId(0))),
        ("kill b", "kill", Some(NodeId(1))),
        ("unplug web", "unplug", Some(NodeId(2))),
        ("reload a with other.conf", "reload with other.conf", Some(NodeId(0))),
        ("cut a <-> b", "cut a <-> b", None),
        ("heal", "heal", None),
        ("script chk down on a", "script chk down", Some(NodeId(0))),
        ("clock b step -5s", "clock step -5s", Some(NodeId(1))),
        ("tamper a del 172.16.16.12", "tamper del 172.16.16.12", Some(NodeId(0))),
        ("cloud drop-claims", "drop claims", None),
        ("cloud bind-delay 3s..8s", "bind delay 3s..8s", None),
    ] {
        let script = parse(&format!("{PAIR}at 20s {text}\n"));
        let act = script.act_text(&script.acts[0].act);
        assert_eq!((act.in_record().as_str(), act.about()), (said, about), "{text}");
    }
}

#[test]
fn blanks_line_ends_and_comments_say_nothing() {
    let plain = parse(POWER_OFF);
    let dressed = POWER_OFF.replace('\n', "  # so\r\n\t\r\n").replace("cvm ", "\tcvm\t");
    assert_eq!(parse(&format!("\u{feff}{dressed}")), plain);
}

#[test]
fn a_program_that_changes_the_acts_tidies_up() {
    let mut script =
        parse(&format!("{PAIR}at 1s reload a with x.conf\nat 2s reload a with y.conf\nat 3s heal\n"));
    script.acts.remove(0);
    script.acts.rotate_left(1);
    script.tidy();
    assert_eq!(script.files.len(), 1);
    assert_eq!(script.act_text(&script.acts[0].act).to_string(), "reload a with y.conf");
    assert_eq!(script.checked().unwrap(), script);
}
