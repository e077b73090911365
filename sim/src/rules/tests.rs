//! Each rule of what a machine says and has is broken, by a run that is told otherwise than it was: what did not happen
//! is left out, and what happened is there when it should not have been.

use std::sync::Arc;

use super::*;
use crate::engine::Engine;
use crate::scenario::{Script, load_keepalived};

/// Tells a run to the rules with some of its reports left out.
struct Told<'a> {
    watch: Watch,
    leaves_out: &'a dyn Fn(&Setup, &dyn Look, &Report) -> bool,
}

impl Observer for Told<'_> {
    fn wants(&self) -> Wants {
        self.watch.wants()
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let stays = |report: &&Report| !(self.leaves_out)(setup, look, report);
        let told: Vec<Report> = reports.iter().filter(stays).copied().collect();
        self.watch.instant(setup, look, &told);
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        self.watch.finish(setup, end);
    }
}

type LeavesOut<'a> = &'a dyn Fn(&Setup, &dyn Look, &Report) -> bool;

/// The rules that do not hold in a run of a script on the pair.
fn broken(conf: &str, acts: &str, leaves_out: LeavesOut) -> Vec<&'static str> {
    let setup = setup_of("havip", conf, acts);
    broken_in(&setup, &setup, leaves_out)
}

/// The pair, and what is done to it.
fn setup_of(program: &str, conf: &str, acts: &str) -> Setup {
    let text = format!(
        "scenario pair\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
         cvm a 172.16.16.5 {program} pair.conf\ncvm b 172.16.16.6 {program} pair.conf\n\
         client web 172.16.16.100 probe 172.16.16.12 every 100ms\n{acts}"
    );
    written(&text, conf)
}

/// A cluster of one file.
fn written(text: &str, conf: &str) -> Setup {
    let script = Script::parse("pair.scn", text).expect("a script");
    script.prepare(&|_| Ok(conf.to_owned()), &load_keepalived).expect("a setup").setup
}

/// The rules that do not hold in a run, where machines promise what another setup says.
fn broken_in(runs: &Setup, promises: &Setup, leaves_out: LeavesOut) -> Vec<&'static str> {
    violations_in(runs, promises, leaves_out).iter().map(|one| one.rule.name()).collect()
}

fn violations_in(runs: &Setup, promises: &Setup, leaves_out: LeavesOut) -> Vec<Violation> {
    let runs = Arc::new(runs.clone());
    let healed = runs.acts.last().map_or(Time::ZERO, |act| act.at);
    let watch = Watch::new(promises, Rules::all(), None, healed);
    let (mut told, end) = (Told { watch, leaves_out }, Time::ZERO + runs.run);
    Engine::EventLoop.run(&runs, Duration::ZERO, end, &mut told);
    told.finish(&runs, end);
    told.watch.violations().to_vec()
}

fn nothing(_: &Setup, _: &dyn Look, _: &Report) -> bool {
    false
}

/// An advertisement that a machine sends.
fn advert(look: &dyn Look, report: &Report) -> Option<crate::observe::peek::Advert> {
    match report.what {
        What::Sent { frame, kind: Kind::Vrrp } => crate::observe::peek::advert(look.frame(frame)),
        _ => None,
    }
}

const A: NodeId = NodeId(0);

#[test]
fn a_master_without_its_address_is_found() {
    let never = |_: &Setup, _: &dyn Look, report: &Report| {
        matches!(report.what, What::Held { node: A, held: true, .. })
    };
    assert_eq!(broken(testing::CONF, "", &nothing), [""; 0]);
    assert_eq!(broken(testing::CONF, "", &never), ["has-address-as-master"]);
}

#[test]
fn a_silent_leaver_is_found() {
    let goodbyes = |_: &Setup, look: &dyn Look, report: &Report| {
        advert(look, report).is_some_and(|one| one.priority == 0)
    };
    let acts = "at 20s stop a\nat 30s start a\n";
    assert_eq!(broken(testing::CONF, acts, &nothing), [""; 0]);
    assert_eq!(broken(testing::CONF, acts, &goodbyes), ["says-goodbye"]);
    // Who is master of nothing owes none, nor does one whose peer is gone.
    assert_eq!(broken(testing::CONF, "at 20s stop b\nat 30s start b\n", &goodbyes), [""; 0]);
    assert_eq!(broken(testing::CONF, "at 20s power-off b\nat 30s stop a\n", &goodbyes), [""; 0]);
    assert_eq!(
        broken(testing::CONF, "at 20s stop a\nat 20s power-off a\nat 30s power-on a\n", &nothing),
        [""; 0]
    );
    assert_eq!(broken(testing::CONF, "at 20s stop a\nat 20s unplug a\nat 30s plug a\n", &nothing), [""; 0]);
}

#[test]
fn a_master_that_advertises_too_seldom_is_found() {
    let some = |_: &Setup, look: &dyn Look, report: &Report| {
        advert(look, report).is_some() && report.at.as_nanos() / 1_000_000_000 == 20
    };
    assert_eq!(broken(testing::CONF, "", &some), ["advertises-in-time"]);
    // Whom nobody hears need not be heard.
    assert_eq!(broken(testing::CONF, "at 10s power-off b\n", &some), [""; 0]);
    // Nor whose way to the cloud is cut, which knows where peers are.
    assert_eq!(broken(testing::CONF, "at 12s cut a <-> cloud\nat 30s heal\n", &nothing), [""; 0]);
}

#[test]
fn who_advertises_and_is_no_master_is_found() {
    let takeover = |_: &Setup, _: &dyn Look, report: &Report| {
        matches!(report.what, What::Record(CvmId(0), Said::Transition { to: Role::Master, .. }))
    };
    let found = broken(testing::CONF, "", &takeover);
    assert!(found.contains(&"advertises-as-master-only"), "{found:?}");
}

#[test]
fn a_late_speaker_is_found() {
    // keepalived's agents, and the rules are told that they promised to step down first.
    let acts = "at 20s freeze a\nat 30s thaw a\n";
    let [promises, does_not] = ["havip", "keepalived"].map(|program| setup_of(program, testing::CONF, acts));
    assert_eq!(broken_in(&promises, &promises, &nothing), [""; 0]);
    assert!(!broken_in(&does_not, &does_not, &nothing).contains(&"no-late-speech"));
    let found = broken_in(&does_not, &promises, &nothing);
    assert!(found.contains(&"no-late-speech"), "{found:?}");
}

#[test]
fn who_gives_way_to_nobody_is_found() {
    let conf = testing::CONF;
    let acts = "at 20s cut a <-> b\nat 30s heal\n";
    assert_eq!(broken(conf, acts, &nothing), [""; 0]);
    let of_a = |_: &Setup, look: &dyn Look, report: &Report| match report.what {
        What::Received { frame, kind: Kind::Vrrp, .. } => {
            report.who == crate::world::Who::Node(NodeId(1))
                && report.at >= Time::ZERO + Duration::from_secs(30)
                && crate::observe::peek::advert(look.frame(frame)).is_some_and(|one| one.priority == 100)
        }
        _ => false,
    };
    let found = broken(conf, acts, &of_a);
    assert!(found.contains(&"gives-way-to-better-only"), "{found:?}");
}

/// What came by a further interface came before what the program made of it, though it is reported behind that.
#[test]
fn a_machine_is_judged_by_what_it_hears_on_every_interface() {
    let lans = "scenario pair\nrun 60s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\n\
                cvm a 172.16.16.5 havip pair.conf\neni a.eth1 10.20.0.5\n\
                cvm b 172.16.16.6 havip pair.conf\neni b.eth1 10.20.0.6\nat 20s cut a <-> b\nat 30s heal\n";
    let conf = "vrrp_instance VI_1 {\n interface eth1\n virtual_router_id 51\n@a priority 100\n@b priority 90\n \
                virtual_ipaddress {\n  172.16.16.12 dev eth0\n }\n}\n";
    let setup = written(lans, conf);
    assert_eq!(broken_in(&setup, &setup, &nothing), [""; 0]);
}

#[test]
fn who_believes_what_it_must_refuse_is_found() {
    // The machines ask for no password, and the rules are told that they do.
    let acts = "at 20s spoof vrrp on web from 172.16.16.6 to 172.16.16.5 vrid 51 priority 150 auth none\n";
    let password = "authentication {\n auth_type PASS\n auth_pass 1111\n }\n unicast_peer";
    let asking = testing::CONF.replace("unicast_peer", password);
    let [open, asking] = [testing::CONF, &asking].map(|conf| setup_of("havip", conf, acts));
    let finds = |runs, promises| broken_in(runs, promises, &nothing).contains(&"gives-way-to-better-only");
    assert!(!finds(&open, &open) && !finds(&asking, &asking));
    assert!(finds(&open, &asking));
}

#[test]
fn members_of_a_group_that_part_are_found() {
    let other =
        testing::CONF.replace("VI_1", "VI_2").replace("51", "52").replace("172.16.16.12", "172.16.16.13");
    let conf = format!("vrrp_sync_group G {{\n group {{\n VI_1\n VI_2\n }}\n}}\n{}{other}", testing::CONF);
    assert_eq!(broken(&conf, "", &nothing), [""; 0]);
    let one = |_: &Setup, _: &dyn Look, report: &Report| match report.what {
        What::Record(CvmId(0), Said::Transition { subject, to: Role::Master, .. }) => subject.0 == 1,
        _ => false,
    };
    let found = broken(&conf, "", &one);
    assert!(found.contains(&"group-agrees"), "{found:?}");
}

/// Two machines of a lan whose agents speak by multicast, and two of another that have nothing to do with them.
#[test]
fn a_number_is_one_virtual_router_where_machines_hear_each_other() {
    let text = "scenario lans\nrun 60s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\n\
                cvm a 172.16.16.5 havip pair.conf\ncvm b 172.16.16.6 havip pair.conf\n\
                cvm c 10.20.0.5 havip pair.conf\ncvm d 10.20.0.6 havip pair.conf\n";
    let conf = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {\n\
                @a  172.16.16.12\n@b  172.16.16.12\n@c  10.20.0.12\n@d  10.20.0.12\n }\n}\n";
    let setup = written(text, conf);
    assert_eq!(broken_in(&setup, &setup, &nothing), [""; 0]);
}

/// One machine has the same number on two interfaces: what comes by one says nothing of the other.
#[test]
fn a_machine_may_have_a_number_once_an_interface() {
    let text = "scenario lans\nrun 60s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\n\
                cvm a 172.16.16.5 havip pair.conf\neni a.eth1 10.20.0.5\n\
                cvm b 172.16.16.6 havip pair.conf\neni b.eth1 10.20.0.6\n\
                at 20s cut a.eth1 <-> b.eth1\nat 30s heal\n";
    let one = |name: &str, eni: &str, [a, b]: [u8; 2], address: &str| {
        format!(
            "vrrp_instance {name} {{\n interface {eni}\n virtual_router_id 51\n@a priority {a}\n@b priority {b}\n \
             virtual_ipaddress {{\n  {address}\n }}\n}}\n"
        )
    };
    let conf = one("VI_1", "eth0", [100, 90], "172.16.16.12") + &one("VI_2", "eth1", [90, 100], "10.20.0.12");
    let setup = written(text, &conf);
    assert_eq!(broken_in(&setup, &setup, &nothing), [""; 0]);
}

#[test]
fn a_cluster_in_which_nobody_can_serve_has_not_converged() {
    let checked = "vrrp_script check {\n script \"/bin/check\"\n interval 1\n}\n";
    let conf = format!(
        "{checked}{}",
        testing::CONF.replace("    unicast_peer", " track_script {\n check\n }\n unicast_peer")
    );
    assert_eq!(broken(&conf, "", &nothing), [""; 0]);
    assert_eq!(broken(&conf, "at 10s script check down on a\n", &nothing), [""; 0]);
    let both = "at 10s script check down on a\nat 10s script check down on b\n";
    assert_eq!(broken(&conf, both, &nothing), ["converges"]);
    // Whom the script has stopped is to be gone, but where it lets nobody begin.
    assert_eq!(broken(&conf, "at 10s power-off a\nat 10s power-off b\n", &nothing), [""; 0]);
    let mut off = setup_of("havip", &conf, "");
    off.cvms.iter_mut().for_each(|cvm| cvm.off = true);
    assert_eq!(broken_in(&off, &off, &nothing), ["converges"]);
}

/// keepalived 1.3 takes an advertisement that it refuses for a sign of life.
#[test]
fn a_backup_that_is_kept_quiet_by_what_it_must_refuse_is_found() {
    let forged = "spoof vrrp on web from 172.16.16.5 to 172.16.16.6 vrid 51 priority 150 bad checksum";
    let acts = format!("at 9s {forged} every 500ms for 40s\nat 10s power-off a\n");
    let finds = |program| {
        let setup = setup_of(program, testing::CONF, &acts);
        broken_in(&setup, &setup, &nothing).contains(&"silence-makes-master")
    };
    assert!(!finds("havip") && finds("keepalived-1.3"));
}

/// No checksum of IPv6 covers what a router may change on the way.
#[test]
fn a_flipped_bit_may_leave_an_advertisement_what_it_is() {
    let text = "scenario pair\nrun 200s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24 ipv6 fd00:16::/64\nhavip fd00:16::12\n\
                cvm a 172.16.16.5 ipv6 fd00:16::5 havip pair.conf\ncvm b 172.16.16.6 ipv6 fd00:16::6 havip pair.conf\n\
                at 20s corrupt 100% a <-> b\nat 180s heal\n";
    let conf = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n@a priority 100\n@b priority 90\n\
                @a unicast_src_ip fd00:16::5\n@b unicast_src_ip fd00:16::6\n unicast_peer {\n@a fd00:16::6\n@b fd00:16::5\n }\n \
                virtual_ipaddress {\n  fd00:16::12\n }\n}\n";
    let setup = written(text, conf);
    let transitions = std::cell::Cell::new(0);
    let counts = |_: &Setup, _: &dyn Look, report: &Report| {
        let gives_way =
            matches!(report.what, What::Record(CvmId(1), Said::Transition { from: Role::Master, .. }));
        transitions.set(transitions.get() + u32::from(gives_way));
        false
    };
    assert_eq!(broken_in(&setup, &setup, &counts), [""; 0]);
    assert!(transitions.get() > 1, "b has given way to an advertisement with a bit flipped");
}

#[test]
fn who_takes_any_checksum_for_right_may_believe_a_wrong_one() {
    let acts = "at 20s spoof vrrp on web from 172.16.16.6 to 172.16.16.5 vrid 51 priority 150 bad checksum\n";
    let [asks, does_not] = ["version 3", "version 3\n v3_checksum_as_v2"].map(|how| {
        setup_of("havip", &testing::CONF.replace("    unicast_peer", &format!(" {how}\n unicast_peer")), acts)
    });
    let finds = |runs, promises| broken_in(runs, promises, &nothing).contains(&"gives-way-to-better-only");
    assert!(!finds(&asks, &asks) && !finds(&does_not, &does_not));
    assert!(finds(&does_not, &asks));
}

#[test]
fn who_waits_after_its_boot_is_not_late() {
    let conf = format!("global_defs {{\n@a vrrp_delay_after_boot 10\n}}\n{}", testing::CONF);
    let acts = "at 20s power-off a\nat 25s power-on a\nat 27s power-off b\nat 50s power-on b\n";
    assert_eq!(broken(&conf, acts, &nothing), [""; 0]);
}

/// A master that is told to stop and held before it has said goodbye says it when it goes on.
#[test]
fn who_is_held_while_it_ends_says_goodbye_later() {
    let acts = "at 20s stop a\nat 20s pause a\nat 30s resume a\nat 40s start a\n";
    assert_eq!(broken(testing::CONF, acts, &nothing), [""; 0]);
}

/// A thief who comes long after a split was healed is taken back from like any other.
#[test]
fn what_a_stranger_takes_is_no_matter_of_an_earlier_split() {
    let acts =
        "at 15s cut a <-> b\nat 25s heal\nat 35s spoof arp on web 172.16.16.12 is-at 02:00:ac:10:10:64\n";
    assert_eq!(broken(testing::CONF, acts, &nothing), [""; 0]);
}

/// It held the address already when the other was master alone, and did not hear the other go.
#[test]
fn who_stood_still_while_another_took_the_address_has_been_told_of_nothing() {
    let conf = testing::CONF.replace("priority 90", "priority 100");
    let acts = "at 20s cut a <-> b\nat 28s pause b\nat 30s power-off a\nat 30s resume b\nat 30s heal\n";
    assert_eq!(broken(&conf, acts, &nothing), [""; 0]);
}

/// Whoever asks who has the address may be answered by a machine that has it from somebody's hand.
#[test]
fn a_client_of_a_lan_that_has_asked_another_holder_finds_out_by_itself() {
    let text = "scenario lan\nrun 60s\nlan 172.16.16.0/24\n\
                cvm a 172.16.16.5 havip pair.conf\ncvm b 172.16.16.6 havip pair.conf\n\
                client web 172.16.16.100 probe 172.16.16.12 every 10ms\nclient eve 172.16.16.200 probe 172.16.16.5 every 1s\n\
                at 10s tamper b add 172.16.16.12\nat 20s spoof arp on eve 172.16.16.12 is-at 02:00:00:00:00:66 to web\n";
    let setup = Setup { seed: 822, ..written(text, testing::CONF) };
    let reaches_b = std::cell::Cell::new(false);
    let sees = |_: &Setup, _: &dyn Look, report: &Report| {
        let to_b = matches!(report.what, What::Reached { node: NodeId(1), .. });
        reaches_b.set(reaches_b.get() || to_b);
        false
    };
    assert_eq!(broken_in(&setup, &setup, &sees), [""; 0]);
    assert!(reaches_b.get(), "the client has asked, and b has answered");
}

#[test]
fn whose_interface_is_taken_away_owes_no_goodbye() {
    let text = "scenario pair\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nsubnet 172.16.17.0/24\n\
                havip 172.16.17.12\ncvm a 172.16.16.5 havip pair.conf\neni a.eth1 172.16.17.5\n\
                cvm b 172.16.16.6 havip pair.conf\neni b.eth1 172.16.17.6\n\
                at 20s stop a\nat 20s detach a.eth1\n";
    let conf = testing::CONF.replace("172.16.16", "172.16.17").replace("eth0", "eth1");
    let setup = written(text, &conf);
    assert_eq!(broken_in(&setup, &setup, &nothing), [""; 0]);
}

#[test]
fn a_message_has_its_arithmetic() {
    let goodbyes = |_: &Setup, look: &dyn Look, report: &Report| {
        advert(look, report).is_some_and(|one| one.priority == 0)
    };
    let takeover = |_: &Setup, _: &dyn Look, report: &Report| {
        matches!(report.what, What::Record(CvmId(0), Said::Transition { to: Role::Master, .. }))
    };
    let stop = "at 20s stop a\nat 30s start a\n";
    let [pair, stops] = ["", stop].map(|acts| setup_of("havip", testing::CONF, acts));
    let acts = "at 20s freeze a\nat 30s thaw a\n";
    let [promises, late] = ["havip", "keepalived"].map(|program| setup_of(program, testing::CONF, acts));
    let mut all = Vec::new();
    for (runs, promises, leaves_out) in
        [(&pair, &pair, &takeover as LeavesOut), (&stops, &stops, &goodbyes), (&late, &promises, &nothing)]
    {
        all.extend(
            violations_in(runs, promises, leaves_out)
                .into_iter()
                .map(|one| format!("{}: {}", one.rule.name(), one.what)),
        );
    }
    insta::assert_snapshot!(all.join("\n"), @r"
    claims-as-master-only: a announces 172.16.16.12 at 3.6566s and is not master: it has never been
    advertises-as-master-only: a advertises priority 100 at 3.6567s and is BACKUP, not master: it has never been
    silence-makes-master: a is backup at 4.2261s and nobody's advertisement keeps it so: it has received no advertisement, and 4.2261s - 46ms = 4.1801s > 4.18s
    holds-as-master-only: a, whose agent is not master, has 172.16.16.12 at 4.6567s: 4.6567s - 3.6566s = 1.0001s > 1s
    converges: nobody is master of virtual router 51 at 60s, and all has been well since 0s: 60s - 0s = 60s later there are 0 masters and not 1
    says-goodbye: a was master of virtual router 51 when it was told to stop at 20s, and has not said goodbye at 20.2001s: 20.2001s - 20s = 200.1ms > 200ms
    no-late-speech: a advertises priority 100 at 30s and is still the master that stood still from 20s until 30s, for longer than its master down interval: 30s - 20s = 10s > 4.18s
    ");
}
