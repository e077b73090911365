//! Asking a probe's fate and sending it as a frame give the same record, for every scenario file.

use std::path::Path;
use std::sync::Arc;

use havip::time::{Duration, Time};
use havip_sim::engine::EventLoop;
use havip_sim::observe::{Expectations, FrameDigest, Observer, Recorder};
use havip_sim::scenario::{Scenario, Script, load_keepalived};
use havip_sim::world::{Look, NodeId, Report, Setup, Wants, What};
use havip_sim::{run, snapshot};

/// Wants every probe as a frame, or not, and counts the answers either way.
struct Probes {
    as_frames: bool,
    sent: u64,
    asked: u64,
}

impl Observer for Probes {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: false, beats: false, probes: self.as_frames }
    }
    fn instant(&mut self, _: &Setup, _: &dyn Look, reports: &[Report]) {
        for report in reports {
            match report.what {
                What::Probed { .. } => self.sent += 1,
                What::AllAnswered { .. } => self.asked += 1,
                _ => {}
            }
        }
    }
}

fn record(scenario: &Scenario, as_frames: bool) -> (String, u64, Probes) {
    let setup = Arc::new(scenario.setup.clone());
    let end = Time::ZERO + setup.run;
    let expectations = Expectations::new(&setup, &scenario.expectations);
    let probes = Probes { as_frames, sent: 0, asked: 0 };
    let mut watch = (probes, (Recorder::new(&setup), expectations, FrameDigest::new()));
    EventLoop::new(Arc::clone(&setup)).run(end, &mut watch);
    watch.finish(&setup, end);
    let (probes, (recorder, expectations, frames)) = watch;
    let record = recorder.record(&setup, expectations.verdicts(), Some(frames.value()));
    (record.text(), frames.value(), probes)
}

#[test]
fn a_probe_asked_and_a_probe_sent_make_the_same_record() {
    let files = snapshot::files_in(Path::new("../scenarios"), "scn").expect("scenarios");
    assert!(!files.is_empty());
    let mut saved = 0;
    for file in files {
        for under in run::also(&file).into_iter().map(Some).chain([None]) {
            let scenario = run::open_as(&file, None, under).expect("a scenario");
            let name = snapshot::name_of(&file, under);
            let (asked, asked_frames, few) = record(&scenario, false);
            let (sent, sent_frames, all) = record(&scenario, true);
            assert_eq!(asked, sent, "{name}");
            assert_eq!(asked_frames, sent_frames, "{name}");
            assert_eq!(all.asked, 0, "who wants frames gets frames");
            saved += all.sent.saturating_sub(few.sent);
        }
    }
    assert!(saved > 1_000, "only {saved} probes were asked: the short cut is not taken");
}

/// Nothing happens for minutes but what resolvers do: the agents are dead, and a kernel goes on to answer, or
/// nobody does. Entries turn to be
/// asked for again, at their time, however often they are used, and stale where they are used seldom.
#[test]
fn resolvers_ask_when_they_would_have_whether_probes_are_asked_or_sent() {
    let read = |name: &str| std::fs::read_to_string(Path::new("../scenarios").join(name));
    let mut saved = 0;
    for (every, loss) in
        [("100ms", ""), ("4s", ""), ("6s", ""), ("100ms", "90%"), ("1s", "90%"), ("3s", "60%"), ("6s", "60%")]
    {
        let ends = ["kill", "power-off"];
        let segments = ["lan 172.16.16.0/24", VPC].into_iter().flat_map(|one| ends.map(|end| (one, end)));
        for (seed, (segment, end)) in segments.flat_map(|one| (1..=4).map(move |seed| (seed, one))) {
            let loss =
                if loss.is_empty() { String::new() } else { format!("at 12s loss {loss} probe web <-> a\n") };
            let text = format!(
                "scenario quiet\nrun 300s seed {seed}\n{segment}\n\
                 cvm a 172.16.16.5 keepalived conf/vendor-spelled.conf\n\
                 cvm b 172.16.16.6 keepalived conf/vendor-spelled.conf\n\
                 client web 172.16.16.100 probe 172.16.16.12 every {every}\nat 11s {end} b\nat 11s {end} a\n{loss}"
            );
            let script = Script::parse("quiet.scn", &text).expect("a script");
            let scenario = script.prepare(&read, &load_keepalived).expect("a scenario");
            let (asked, asked_frames, few) = record(&scenario, false);
            let (sent, sent_frames, all) = record(&scenario, true);
            assert_eq!(asked, sent, "{text}");
            assert_eq!(asked_frames, sent_frames, "{text}");
            saved += all.sent.saturating_sub(few.sent);
        }
    }
    assert!(saved > 1_000, "only {saved} probes were asked: the short cut is not taken");
}

const VPC: &str = "vpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12";

/// Whom a client's probes reach, and since when.
struct Reached {
    as_frames: bool,
    all: Vec<(Time, NodeId)>,
}

impl Observer for Reached {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: false, beats: false, probes: self.as_frames }
    }
    fn instant(&mut self, _: &Setup, _: &dyn Look, reports: &[Report]) {
        self.all.extend(reports.iter().filter_map(|report| match report.what {
            What::Reached { node, .. } => Some((report.at, node)),
            _ => None,
        }));
    }
}

/// A paused machine's network card keeps probes of before the takeover. They reach it when it goes on, and with the
/// next probe it is the new master's turn again: certain to be answered, and still to be told. (Between two probes:
/// one that is due as the machine goes on is sent in any case.)
#[test]
fn a_probe_that_reaches_another_machine_than_the_last_is_sent() {
    let text = "scenario p\nrun 60s\nlan 172.16.16.0/24\n\
                cvm a 172.16.16.5 keepalived conf/vendor-spelled.conf\n\
                cvm b 172.16.16.6 keepalived conf/vendor-spelled.conf off\n\
                client web 172.16.16.100 probe 172.16.16.12 every 50ms\n\
                at 6s power-on b\nat 20.675s pause a\nat 30.675s resume a\n";
    let read = |name: &str| std::fs::read_to_string(Path::new("../scenarios").join(name));
    let mut returns = 0;
    for seed in 1..=8 {
        let mut script = Script::parse("p.scn", text).expect("a script");
        script.seed = seed;
        let setup = Arc::new(script.prepare(&read, &load_keepalived).expect("a setup").setup);
        let [asked, sent] = [false, true].map(|as_frames| {
            let mut reached = Reached { as_frames, all: Vec::new() };
            EventLoop::new(Arc::clone(&setup)).run(Time::ZERO + setup.run, &mut reached);
            reached.all
        });
        assert_eq!(asked, sent, "seed {seed}");
        returns += sent.len().saturating_sub(2);
    }
    assert!(returns > 0, "no probe came out of the network card: the case is not met");
}

/// What changes between two probes changes their fate: with the first cut the short cut must end.
#[test]
fn a_probe_is_not_asked_across_a_change() {
    let scenario = run::open(Path::new("../scenarios/power-off.scn"), None).expect("a scenario");
    let setup = Arc::new(scenario.setup);
    let mut engine = EventLoop::new(Arc::clone(&setup));
    engine.run(Time::ZERO + Duration::from_millis(19_999), &mut ());
    assert!(engine.world().fate(havip_sim::world::ClientId(0)).is_some(), "a answers");
    engine.run(Time::ZERO + Duration::from_millis(20_005), &mut ());
    assert!(engine.world().fate(havip_sim::world::ClientId(0)).is_none(), "a is off");
}
