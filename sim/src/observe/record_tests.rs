//! Whole records, as a reviewer reads them.

use havip::program::Role;
use insta::assert_snapshot;

use super::*;
use crate::observe::testing::*;
use crate::observe::{Expectations, FrameDigest, Phases};
use crate::scenario::{Expect, Expectation, Fact};
use crate::world::{Act, ClientId, CloudAct, End, Kinds, Loss, Path};

fn record(run: &Run, end: &str, expected: &[Expect]) -> Record {
    let expected: Vec<Expectation> = expected
        .iter()
        .zip(20..)
        .map(|(expect, line)| Expectation { expect: *expect, only: None, line })
        .collect();
    let mut watchers =
        (Recorder::new(&run.setup), Expectations::new(&run.setup, &expected), FrameDigest::new());
    run.play(&mut watchers, end);
    let (recorder, expectations, digest) = watchers;
    recorder.record(&run.setup, expectations.verdicts(), Some(digest.value()))
}

fn text(run: &Run, end: &str) -> String {
    record(run, end, &[]).text()
}

/// Lines of a record whose text says so.
fn lines_with(run: &Run, end: &str, word: &str) -> Vec<String> {
    let told = record(run, end, &[]).lines.into_iter().filter(|line| line.what.contains(word));
    told.map(|line| format!("{} {} | {}", line.who, line.what, line.why)).collect()
}

fn takeover(run: &mut Run, at: &str, who: u16, from: Option<u16>) {
    run.at(at).master(who).advert(who, 1 - who, 100 - 10 * who as u8).claims(who, "");
    let later = |ticks: u64| (t(at) + run.setup.tick * ticks).display(4).to_string();
    let (held, claimed, bound) = (later(2), later(3), later(7));
    run.at(&held).held(who, true).at(&claimed).burst(who).at(&bound).bound(from, Some(who));
}

/// The scenario of the design, by hand.
fn power_off() -> Run {
    let mut run = Run::pair();
    run.act("20", Act::PowerOff(CvmId(A)), 12).life(A, Life::Killed).held(A, false);
    run.act("40", Act::PowerOn(CvmId(A)), 13);
    run.at("0.0300").started(A).at("0.0412").started(B);
    run.transition(B, Role::Init, Role::Backup, Why::NONE);
    run.silence("0", "3.6");
    takeover(&mut run, "3.6391", A, None);
    run.adverts("4.6393", 16, A, B, 100);
    run.at("8.6395").claims(A, "garp_master_delay 5").burst(A);
    run.probes("3.7", "19.9", A).silence("20", "23.2");
    takeover(&mut run, "23.2883", B, Some(A));
    run.adverts("24.2885", 36, B, A, 90).probes("23.3", "60", B);
    for second in 24..44 {
        run.at(&format!("{second}.2889")).lost(B, A, Loss::ReceiverOff);
    }
    run.at("40.0251").started(A).at("40.0253").transition(A, Role::Init, Role::Backup, Why::NONE);
    run
}

const WEB: ClientId = ClientId(0);

#[test]
fn a_failover_reads_from_top_to_bottom() {
    let seconds = Duration::from_secs;
    let record = record(
        &power_off(),
        "60",
        &[
            Expect::By(t("24"), Fact::Master(CvmId(B))),
            Expect::During(t("24"), t("60"), Fact::Master(CvmId(B))),
            Expect::Outage(t("20"), t("40"), WEB, seconds(4)),
            Expect::Never(Fact::TwoMasters, Some(Duration::from_millis(5))),
        ],
    );
    assert_snapshot!(record.text());
}

#[test]
fn what_does_not_hold_says_what_was_seen() {
    let record = record(
        &power_off(),
        "60",
        &[
            Expect::By(t("23"), Fact::Master(CvmId(B))),
            Expect::During(t("24"), t("60"), Fact::Master(CvmId(A))),
            Expect::Outage(t("20"), t("40"), WEB, Duration::from_secs(3)),
            Expect::Moves(t("10"), t("60"), 0),
            Expect::Never(Fact::Stale(WEB), None),
            Expect::Eventually(Fact::Transition(CvmId(A), Role::Fault)),
            Expect::By(t("24"), Fact::Master(CvmId(B))),
        ],
    );
    let text = record.text();
    let verdicts: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("expect")).collect();
    assert_snapshot!(verdicts[..7].join("\n"));
}

#[test]
fn no_line_ends_in_blanks_and_colour_changes_no_text() {
    let record = record(&power_off(), "60", &[Expect::Never(Fact::Master(CvmId(A)), None)]);
    let plain = record.text();
    assert!(plain.lines().all(|line| line == line.trim_end()), "{plain}");
    let mut bare = String::new();
    let coloured = record.render(&crate::observe::Palette::colour());
    assert_ne!(coloured, plain);
    for (i, part) in coloured.split('\u{1b}').enumerate() {
        // What follows an escape is `[...m` and text; before the first one there is text alone.
        bare.push_str(if i == 0 { part } else { part.split_once('m').map_or("", |(_, text)| text) });
    }
    assert_eq!(bare, plain);
}

#[test]
fn the_digest_is_that_of_the_printed_lines() {
    let one = record(&power_off(), "60", &[]);
    let mut other = one.clone();
    assert_eq!(one.digest(), other.digest());
    other.seed = 8;
    assert_eq!(one.digest(), other.digest(), "the first line shows it and is not part of it");
    other.lines[3].why.push('!');
    assert_ne!(one.digest(), other.digest());
}

#[test]
fn a_lan_tells_what_the_client_believes() {
    let mut run = Run::lan();
    run.act("20", Act::Drop(Kinds::ALL, path(A, B)), 9);
    run.act("30", Act::Heal(None), 10);
    run.at("0.02").started(A).started(B);
    run.at("3.6").master(A).claims(A, "").at("3.6002").held(A, true).at("3.6003").burst(A);
    heard(&mut run, "3.6006", A);
    run.adverts("4.6", 25, A, B, 100).probes("3.7", "23.2", A);
    for second in 20..30 {
        run.at(&format!("{second}.6009")).lost(A, B, Loss::Cut(0));
    }
    run.at("23.25").master(B).claims(B, "").at("23.2502").held(B, true).at("23.2503").burst(B);
    heard(&mut run, "23.2506", B);
    run.probes("23.3", "30.1", B);
    run.at("30.2").backup(B).at("30.2002").held(B, false);
    run.silence("30.2", "40");
    run.at("39").neighbour(2, None);
    assert_snapshot!(text(&run, "40"));
}

/// The client reads an announcement and believes it.
fn heard(run: &mut Run, at: &str, from: u16) {
    let what = What::Received { frame: FrameId(0), kind: Kind::Garp, from: Who::Node(NodeId(from)) };
    run.at(at).say(Who::Node(NodeId(2)), what).neighbour(2, Some(mac_of(from)));
}

fn path(from: u16, to: u16) -> Path {
    Path { from: End::Node(NodeId(from)), to: End::Node(NodeId(to)), both: false }
}

#[test]
fn a_transition_ends_the_folds_of_its_machine() {
    let mut run = Run::pair();
    run.at("0").started(A).adverts("1", 3, A, B, 100).at("3.5").backup(A).adverts("4.0004", 2, A, B, 100);
    assert_eq!(
        lines_with(&run, "9", "advert"),
        [
            "a advert x3 every 1.000 -> b | timer, priority 100",
            "a advert x2 every 1.000 -> b | timer, priority 100"
        ]
    );
}

#[test]
fn adverts_to_several_peers_are_one_line() {
    let mut run = Run::pair();
    let mut third = run.setup.cvms[1].clone();
    third.name = "c".into();
    third.eni.address = "172.16.16.7/24".parse().unwrap();
    run.setup.cvms.push(third);
    run.adverts("1.0000", 3, A, B, 100).adverts("1.0001", 3, A, 2, 100);
    for second in 1..4 {
        run.at(&format!("{second}.0005")).lost(A, B, Loss::Unresolved).lost(A, 2, Loss::Unresolved);
    }
    assert_eq!(
        lines_with(&run, "9", "advert"),
        [
            "a advert x3 every 1.000 -> b, c | timer, priority 100",
            "a advert x3 -> b, c lost | no answer to ARP"
        ]
    );
}

#[test]
fn a_goodbye_has_its_own_line() {
    let mut run = Run::pair();
    run.adverts("1", 3, A, B, 100).at("3.5").advert(A, B, 0);
    assert_eq!(lines_with(&run, "9", "stop"), ["a advert priority 0 -> b  (stop) | leaves"]);
}

#[test]
fn refusals_are_counted() {
    let mut run = Run::pair();
    for second in 1..=12 {
        run.at(&second.to_string())
            .rejects(B, "received an invalid passwd")
            .refused(A, [172, 16, 16, 9].into());
    }
    assert_eq!(lines_with(&run, "60", "rejects"), ["b rejects x12 | received an invalid passwd"]);
    assert_eq!(
        lines_with(&run, "60", "refuses"),
        ["cloud refuses 172.16.16.9 to a x12 | the address is no HAVIP"]
    );
}

#[test]
fn an_own_address_is_announced_not_claimed() {
    let mut run = Run::pair();
    run.at("1").garp_for(A, [172, 16, 16, 5].into());
    assert_eq!(lines_with(&run, "60", "garp"), ["a announces 172.16.16.5  garp x1 | its own address"]);
}

#[test]
fn what_is_wrong_with_a_file_is_said_once() {
    let mut run = Run::pair();
    for cvm in &mut run.setup.cvms {
        let ProgramSetup::Agent { diagnoses, .. } = &mut cvm.program;
        diagnoses.push("conf/pair.conf:2: unknown keyword `vrrp_instanceVI_1`".into());
    }
    let text = text(&run, "1");
    assert_eq!(
        text.lines().nth(1),
        Some("config  a, b  conf/pair.conf:2: unknown keyword `vrrp_instanceVI_1`")
    );
}

#[test]
fn lost_probes_are_no_lines() {
    let mut run = Run::pair();
    run.silence("0", "59");
    let cause = Loss::Unbound;
    let lost = What::Lost { frame: FrameId(0), kind: Kind::Probe, to: None, cause };
    run.at("1").say(Who::Node(NodeId(2)), lost);
    assert!(record(&run, "60", &[]).lines.is_empty());
}

#[test]
fn nobody_misses_a_broadcast_at_a_machine_that_is_off() {
    let mut run = Run::lan();
    run.at("1").garp(B);
    let (to, kind) = (Some(Who::Node(NodeId(A))), Kind::Garp);
    let lost = |cause| What::Lost { frame: FrameId(0), kind, to, cause };
    run.say(Who::Node(NodeId(B)), lost(Loss::ReceiverOff));
    assert_eq!(lines_with(&run, "60", "lost"), [""; 0]);
    run.act("0.5", Act::Drop(Kinds::ALL, path(B, A)), 4);
    run.at("2").say(Who::Node(NodeId(B)), lost(Loss::Cut(0)));
    assert_eq!(lines_with(&run, "60", "lost"), ["b garp for 172.16.16.12 -> a lost | cut (line 4)"]);
}

#[test]
fn a_shifted_act_is_followed_where_it_happened() {
    let mut run = Run::pair();
    run.act("20", Act::PowerOff(CvmId(A)), 12).life(A, Life::Killed);
    // The script says 19.5 s: the run has moved its acts.
    run.setup.acts[0].at = t("19.5");
    run.at("1").started(A).master(A);
    run.probes("2", "19.9", A).silence("20", "23.2").at("23.1").garp(B).probes("23.3", "60", B);
    let record = record(&run, "60", &[Expect::By(t("19.7"), Fact::Master(CvmId(A)))]);
    assert_eq!(record.outages[0].detection, Some(Duration::from_millis(3100)), "23.1 - 20");
    assert!(record.verdicts[0].verdict.holds, "the act behind 19.7 s comes at 20 s");
}

#[test]
fn acts_on_the_cloud_stand_in_its_column() {
    let mut run = Run::pair();
    run.act("5", Act::Cloud(CloudAct::DropClaims), 8);
    assert_eq!(lines_with(&run, "60", "drop"), ["cloud drop claims | line 8"]);
}

#[test]
fn phases_show_the_worst_run_and_the_spread_of_all() {
    let mut phases = Phases::new();
    let runs = [("22.9", "22.9004", "23"), ("23.4", "23.4005", "23.5"), ("22.4", "22.4003", "22.5")];
    for (claim, bound, back) in runs {
        let mut run = Run::pair();
        run.act("20", Act::PowerOff(CvmId(A)), 12).life(A, Life::Killed);
        let silent = t(back).saturating_sub(run.setup.clients[0].every).display(1).to_string();
        run.probes("0", "19.9", A).silence("20", &silent).probes(back, "60", B);
        run.at(claim).master(B).garp(B).at(bound).bound(Some(A), Some(B));
        let expected = Expect::Outage(t("20"), t("40"), WEB, Duration::from_millis(3500));
        phases.add(record(&run, "60", &[expected]));
    }
    let worst = phases.finish().unwrap();
    assert_eq!(worst.outages[0].to, t("23.5"));
    let text = worst.text();
    let tables: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("outage")).collect();
    assert_snapshot!(tables.join("\n"));
}

#[test]
fn the_json_says_the_same_in_nanoseconds() {
    let record = record(&power_off(), "60", &[Expect::Moves(t("10"), t("60"), 1)]);
    let json = record.json();
    assert_eq!(json["outages"][0]["length_ns"], 3_400_000_000u64);
    assert_eq!(json["expect"][0]["figure"]["times"], 1);
    assert_eq!(json["digest"], format!("{:08x}", record.digest()));
    assert_eq!(json["lines"].as_array().unwrap().len(), record.lines.len());
    assert_eq!(json.to_string(), record.json().to_string());
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert!(keys.is_sorted(), "{keys:?}");
}

/// A day of three machines' worth of traffic: an advert a second to two peers, each delivered, and a probe
/// and its answer a second. What is kept does not grow with it.
#[test]
fn a_quiet_day_keeps_a_handful_of_lines() {
    let mut run = Run::pair();
    run.setup.clients[0].every = Duration::from_secs(1);
    let frame = advert_frame(A, B, 100);
    struct One(Vec<u8>, Vec<u8>);
    impl Look for One {
        fn frame(&self, id: FrameId) -> &[u8] {
            if id.0 == 0 { &self.0 } else { &self.1 }
        }
        fn subject(&self, _: CvmId, _: havip::program::Subject) -> (&str, u32) {
            ("VI_1", 51)
        }
        fn mark(&self, _: FrameId) -> Option<crate::world::Mark> {
            None
        }
        fn told(&self, _: crate::world::Told) -> &str {
            ""
        }
    }
    let look = One(frame, advert_frame(A, 2, 100));
    let mut recorder = Recorder::new(&run.setup);
    let (a, b, web) = (Who::Node(NodeId(A)), Who::Node(NodeId(B)), Who::Node(NodeId(2)));
    let kind = Kind::Vrrp;
    let mut most = 0;
    for second in 0..86_400u64 {
        let at = Time::ZERO + Duration::from_secs(second);
        let report = |ticks: u64, who, what| Report { at: at + run.setup.tick * ticks, who, what };
        let sent = |frame| What::Sent { frame, kind };
        recorder.instant(
            &run.setup,
            &look,
            &[
                report(0, a, sent(FrameId(0))),
                report(0, a, sent(FrameId(1))),
                report(0, web, What::Probed { client: WEB }),
            ],
        );
        recorder.instant(
            &run.setup,
            &look,
            &[
                report(3, a, What::Received { frame: FrameId(0), kind: Kind::Probe, from: web }),
                report(3, b, What::Received { frame: FrameId(0), kind, from: a }),
            ],
        );
        recorder.instant(&run.setup, &look, &[report(6, web, What::Answered { client: WEB, sent: at })]);
        most = most.max(recorder.lines());
    }
    recorder.finish(&run.setup, Time::ZERO + Duration::from_secs(86_400));
    assert!(most <= 1, "{most} lines kept: only the first answer");
    let record = recorder.record(&run.setup, &[], None);
    let told: Vec<&str> = record.lines.iter().map(|line| line.what.as_str()).collect();
    assert_eq!(
        told,
        ["advert x86400 every 1.000 -> b, 172.16.16.7", "172.16.16.12 answers for the first time"]
    );
}

#[test]
fn two_that_announce_by_turns_are_one_line() {
    let mut run = Run::pair();
    run.at("3").master(A).bound(None, Some(A));
    run.at("9.0001").bound(Some(A), Some(B)).at("9.0002").bound(Some(B), Some(A));
    assert_eq!(lines_with(&run, "10", "-> Bound").len(), 3, "two are told one by one");
    run.at("9.0003").bound(Some(A), Some(B)).at("9.5").bound(Some(B), Some(A));
    let lines = lines_with(&run, "10", "-> Bound");
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!(
        lines[1],
        "cloud 172.16.16.12  Bound with CVM a -> Bound with CVM b, in 3 moves | garps from a and b by turns"
    );
}

#[test]
fn a_burst_that_outlasts_its_mastership_is_one_line() {
    let mut run = Run::pair();
    run.at("3").master(B).claims(B, "").garp(B).at("3.0001").backup(B).at("3.0002").garp(B);
    run.at("3.5").master(B).claims(B, "").garp(B);
    assert_eq!(
        lines_with(&run, "10", "garp"),
        ["b claims 172.16.16.12  garp x2 | takeover", "b claims 172.16.16.12  garp x1 | takeover"]
    );
}

#[test]
fn an_address_that_expires_says_so() {
    let mut run = Run::lan();
    run.at("3").started(A).master(A).held(A, true).at("9");
    let gone = What::Held { node: NodeId(A), address: HAVIP, held: false, ran_out: true };
    run.say(Who::Node(NodeId(A)), gone);
    assert_eq!(lines_with(&run, "10", "gives up"), ["a gives up 172.16.16.12 | lease ran out"]);
}

#[test]
fn a_second_interface_has_lines_of_its_own() {
    let mut run = Run::pair();
    run.has_eth1(A);
    run.at("3").started(A).master(A).advert(A, B, 100).advert_by_eth1(A, B);
    run.act("4", Act::Unplug(NodeId(A), Some(EniIndex(1))), 9);
    run.say(Who::Eni(NodeId(A), EniIndex(1)), What::Carrier(NodeId(A), false));
    let adverts = lines_with(&run, "10", "advert");
    assert_eq!(adverts, ["a advert -> b | priority 100", "a.eth1 advert -> b | priority 100"]);
    assert_eq!(lines_with(&run, "10", "unplug"), ["a unplug eth1 | line 9"]);
}
