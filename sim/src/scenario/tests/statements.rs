//! What each statement reads as.

use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::super::{Expect, Fact, Script};
use super::{PAIR, POWER_OFF};
use crate::world::{
    Act, ClientId, CloudAct, CvmId, End, FileId, HavipId, Kind, Kinds, NodeId, Path, Ppm, Segment,
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
    assert_eq!(script.havips, ["172.16.16.12".parse::<std::net::Ipv4Addr>().unwrap()]);
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
        ("reload a with other.conf", Act::Reload(A, FileId(0))),
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
fn acts_of_the_cloud() {
    assert_eq!(act("cloud bind-delay 3s..8s"), Act::Cloud(CloudAct::BindDelay(ms(3000), ms(8000))));
    assert_eq!(act("cloud bind-delay 0s"), Act::Cloud(CloudAct::BindDelay(ms(0), ms(0))));
    assert_eq!(act("cloud drop-claims"), Act::Cloud(CloudAct::DropClaims));
    assert_eq!(act("cloud hear-claims"), Act::Cloud(CloudAct::HearClaims));
}

#[test]
fn every_form_of_an_expectation() {
    for (text, expected) in [
        ("by 24s master b", Expect::By(at(24), Fact::Master(B))),
        ("during 24s..60s bound b", Expect::During(at(24), at(60), Fact::Bound(B, None))),
        ("in 20s..40s outage web <= 3.7s", Expect::Outage(at(20), at(40), WEB, ms(3700))),
        ("in 0s..60s moves <= 1", Expect::Moves(at(0), at(60), 1)),
        ("never two-masters", Expect::Never(Fact::TwoMasters, None)),
        ("never stale web > 5ms", Expect::Never(Fact::Stale(WEB), Some(ms(5)))),
        ("never unbound > 5ms", Expect::Never(Fact::Unbound(None), Some(ms(5)))),
        ("eventually bound = master", Expect::Eventually(Fact::BoundIsMaster)),
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
