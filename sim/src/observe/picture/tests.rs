//! Pictures of runs told by hand.

use havip::time::{Duration, Time};
use insta::assert_snapshot;

use super::*;
use crate::observe::testing::*;
use crate::observe::{Expectations, Observer, Palette, Record, Recorder};
use crate::scenario::{Expect, Expectation, Fact};
use crate::world::{Act, CvmId, Kinds, Loss, NodeId};

fn draw(run: &Run, end: &str, expected: &[Expectation]) -> (Lanes, Record) {
    let setup = &run.setup;
    let mut picture = Picture::new(setup);
    let mut recorder = Recorder::new(setup);
    let mut expectations = Expectations::new(setup, expected);
    let mut all: Vec<&mut dyn Observer> = vec![&mut picture, &mut recorder, &mut expectations];
    run.play(&mut all, end);
    (picture.lanes(setup), recorder.record(setup, expectations.verdicts(), None))
}

/// a dies at 4 s; b claims at 6.65 s, and the cloud takes 0.56 s over it. A claim of a stranger is refused.
fn slow_cloud() -> Run {
    let mut run = Run::pair();
    run.act("4", Act::PowerOff(CvmId(A)), 12).life(A, crate::world::Life::Killed).held(A, false);
    run.at("0.03").started(A).started(B).transition(B, havip::program::Role::Init, BACKUP, NO_REASON);
    run.at("0.5").master(A).held(A, true).burst(A).at("0.6").believed(A).at("0.6001").bound(None, Some(A));
    run.adverts("0.5", 4, A, B, 100).probes("0.6", "3.9", A).silence("4", "7.2");
    run.at("2").garp_for(A, [172, 16, 16, 9].into()).at("2.0003").refused(A, [172, 16, 16, 9].into());
    run.at("6.65").master(B).held(B, true).burst(B).advert(B, A, 90).lost(B, A, Loss::ReceiverOff);
    run.at("6.6503").believed(B).at("7.21").bound(Some(A), Some(B)).probes("7.3", "9.9", B);
    run
}

const BACKUP: havip::program::Role = havip::program::Role::Backup;
const NO_REASON: havip::program::Why = havip::program::Why::NONE;

#[test]
fn lanes_read_from_top_to_bottom() {
    let never = Expectation { expect: Expect::By(t("5"), Fact::Master(CvmId(B))), only: None, line: 15 };
    let (lanes, record) = draw(&slow_cloud(), "10", &[never]);
    let text = lanes.text(&record, &Palette::plain());
    assert!(text.lines().all(|line| line.chars().count() <= 80), "80 columns");
    assert!(text.is_ascii());
    assert_snapshot!(text);
}

#[test]
fn a_picture_is_the_same_bytes_for_the_same_run() {
    let (lanes, record) = draw(&slow_cloud(), "10", &[]);
    let svg = lanes.svg(&record);
    well_formed(&svg);
    assert_snapshot!(svg);
}

#[test]
fn what_a_claim_came_to_is_kept() {
    let (lanes, _) = draw(&slow_cloud(), "10", &[]);
    let heard =
        |i: usize| lanes.machines[i].claims.iter().map(|one| (one.count, one.heard)).collect::<Vec<_>>();
    let refused = Heard::Refused(crate::world::Refusal::NotHavip);
    assert_eq!(heard(0), [(5, Heard::Moves), (1, refused)]);
    assert_eq!(heard(1), [(5, Heard::Moves)]);
    let pending = &lanes.holders[0].pending;
    assert_eq!(pending[1], Span { from: t("6.6503"), to: t("7.21"), what: NodeId(B) });
    assert!(lanes.machines[1].adverts[0].lost, "the machine that was to hear it is off");
}

#[test]
fn on_a_lan_the_clients_arp_entry_takes_the_bindings_place() {
    let mut run = Run::lan();
    run.at("1")
        .neighbour(2, Some(mac_of(A)))
        .at("5")
        .neighbour(2, Some(mac_of(B)))
        .at("8")
        .neighbour(2, None);
    let (lanes, _) = draw(&run, "10", &[]);
    assert_eq!(lanes.holders[0].label, "web's ARP entry");
    let span = |from, to, node| Span { from: t(from), to: t(to), what: NodeId(node) };
    assert_eq!(lanes.holders[0].with, [span("1", "5", A), span("5", "8", B)]);
}

#[test]
fn nothing_in_a_name_gets_out_of_its_text() {
    let mut run = slow_cloud();
    let hostile = "</text><script>alert(\"x\")</script>&]]>'";
    run.setup.name = hostile.into();
    run.setup.cvms[0].name = hostile.into();
    run.setup.clients[0].name = hostile.into();
    let (lanes, record) = draw(&run, "10", &[]);
    let svg = lanes.svg(&record);
    well_formed(&svg);
    assert!(!svg.contains("<script"));
    assert_eq!(lanes.html(&record).matches("<script").count(), 1, "the page's own");
    lanes.text(&record, &Palette::plain());
}

#[test]
fn a_long_run_makes_no_larger_picture() {
    let mut run = Run::pair();
    run.act("1", Act::Drop(Kinds::ALL, ANY), 3);
    run.started(A).started(B);
    for i in 0..3_000u64 {
        let at =
            |ms: u64| (Time::ZERO + Duration::from_millis(2_000 + i * 1_000 + ms)).display(3).to_string();
        run.probes(&at(0), &at(0), A).silence(&at(100), &at(500)).probes(&at(600), &at(900), A);
        run.at(&at(0)).advert(A, B, 100).garp(A);
        if i % 3 == 0 {
            run.lost(A, B, Loss::Cut(0));
        }
        run.at(&at(100)).master(B).at(&at(200)).backup(B);
        run.at(&at(300)).bound(Some(A), Some(B)).at(&at(400)).bound(Some(B), Some(A));
    }
    let (lanes, record) = draw(&run, "3100", &[]);
    assert_eq!(lanes.outages.len(), 3_000);
    let svg = lanes.svg(&record);
    well_formed(&svg);
    assert!(svg.len() < 1_000_000, "{} bytes", svg.len());
    assert!(lanes.text(&record, &Palette::plain()).lines().count() < 120);
}

#[test]
fn a_run_without_anything_is_drawn_too() {
    let mut run = Run::pair();
    run.setup.clients.clear();
    run.setup.cvms.clear();
    let (lanes, record) = draw(&run, "0", &[]);
    well_formed(&lanes.svg(&record));
    assert!(lanes.text(&record, &Palette::plain()).contains("no client asks"));
}

const ANY: crate::world::Path =
    crate::world::Path { from: crate::world::End::Any, to: crate::world::End::Any, both: false };
