//! Every form of an expectation, true and false.

use havip::program::Role;

use super::*;
use crate::observe::testing::*;
use crate::world::{Act, CvmId, Life};

fn judge(run: &Run, expect: Expect) -> Verdict {
    let mut watcher = Expectations::new(&run.setup, &[Expectation { expect, only: None, line: 1 }]);
    run.play(&mut watcher, "60");
    watcher.verdicts()[0]
}

fn holds(run: &Run, expect: Expect) -> Figure {
    let verdict = judge(run, expect);
    assert!(verdict.holds, "{verdict:?}");
    verdict.figure
}

fn fails(run: &Run, expect: Expect) -> (Figure, Seen) {
    let verdict = judge(run, expect);
    assert!(!verdict.holds, "{verdict:?}");
    (verdict.figure, verdict.seen)
}

fn s(text: &str) -> Duration {
    t(text).saturating_since(Time::ZERO)
}

/// a is master from 3.6 s, loses power at 20 s; b is master from 23.3 s; a is back at 40 s as a backup.
fn power_off() -> Run {
    let mut run = Run::pair();
    run.act("20", Act::PowerOff(CvmId(A)), 12).life(A, Life::Killed);
    run.act("40", Act::PowerOn(CvmId(A)), 13);
    run.at("0").started(A).started(B).at("3.6").master(A).bound(None, Some(A));
    run.at("23.3").master(B).at("23.3004").bound(Some(A), Some(B));
    run.at("40.02").started(A);
    run.probes("3", "3.5", A).probes("3.7", "19.9", A).silence("20", "23.2").probes("23.3", "60", B);
    run
}

const MASTER_A: Fact = Fact::Master(CvmId(A));
const MASTER_B: Fact = Fact::Master(CvmId(B));

#[test]
fn by_holds_from_the_time_on_until_the_next_act() {
    let run = power_off();
    assert_eq!(holds(&run, Expect::By(t("24"), MASTER_B)), Figure::Since(t("23.3")));
    assert_eq!(holds(&run, Expect::By(t("23.3"), MASTER_B)), Figure::Since(t("23.3")), "at that instant");
    assert_eq!(holds(&run, Expect::By(t("4"), MASTER_A)), Figure::Since(t("3.6")), "the act at 20 s ends it");
}

#[test]
fn by_fails_when_it_comes_late_or_never_or_ends_before_the_act() {
    let mut run = power_off();
    let late = t("23.3");
    assert_eq!(fails(&run, Expect::By(t("23"), MASTER_B)), (Figure::Since(late), Seen::Late(late)));
    let fault = Fact::Bound(CvmId(B), None);
    assert_eq!(fails(&run, Expect::By(t("3"), fault)).1, Seen::Late(t("23.3004")));
    assert_eq!(fails(&run, Expect::By(t("60"), Fact::TwoMasters)), (Figure::None, Seen::NeverTrue));
    run.at("30").backup(B).at("31").master(B);
    let gap = Seen::Stretch { value: false, from: t("30"), to: t("31") };
    assert_eq!(fails(&run, Expect::By(t("24"), MASTER_B)), (Figure::Since(t("23.3")), gap));
}

#[test]
fn by_a_transition_means_that_it_happened() {
    let run = power_off();
    let fact = Fact::Transition(CvmId(B), Role::Master);
    assert_eq!(holds(&run, Expect::By(t("24"), fact)), Figure::Since(t("23.3")));
    assert_eq!(fails(&run, Expect::By(t("23"), fact)).1, Seen::Late(t("23.3")));
    let never = Fact::Transition(CvmId(B), Role::Fault);
    assert_eq!(fails(&run, Expect::By(t("24"), never)).1, Seen::NeverTrue);
}

#[test]
fn during_holds_at_every_instant_or_not() {
    let run = power_off();
    assert_eq!(holds(&run, Expect::During(t("23.3"), t("60"), MASTER_B)), Figure::Longest(Duration::ZERO));
    let (figure, seen) = fails(&run, Expect::During(t("10"), t("60"), MASTER_A));
    assert_eq!(figure, Figure::Longest(s("40")));
    assert_eq!(seen, Seen::Stretch { value: false, from: t("20"), to: t("60") });
    fails(&run, Expect::During(t("10"), t("20"), MASTER_A));
    holds(&run, Expect::During(t("10"), t("19.9999"), MASTER_A));
    let (figure, _) = fails(&run, Expect::During(t("10"), t("40"), Fact::BoundIsMaster));
    assert_eq!(figure, Figure::Longest(s("3.3004")));
}

#[test]
fn during_an_instant_long_span_is_judged() {
    let run = power_off();
    holds(&run, Expect::During(t("60"), t("60"), MASTER_B));
    fails(&run, Expect::During(t("60"), t("60"), MASTER_A));
    fails(&run, Expect::During(t("0"), t("0"), MASTER_A));
}

#[test]
fn an_outage_is_the_worst_that_overlaps_the_span() {
    let run = power_off();
    let web = ClientId(0);
    let within = |from, to, most| Expect::Outage(t(from), t(to), web, s(most));
    assert_eq!(holds(&run, within("20", "40", "3.4")), Figure::Longest(s("3.4")));
    let (figure, seen) = fails(&run, within("21", "22", "3.3"));
    assert_eq!(figure, Figure::Longest(s("3.4")));
    assert_eq!(seen, Seen::Outage { from: t("19.9"), to: t("23.3") });
    assert_eq!(holds(&run, within("24", "40", "0")), Figure::Longest(Duration::ZERO));
    assert_eq!(fails(&run, within("0", "2", "9")).1, Seen::Unreached, "it had no answer yet");
}

#[test]
fn moves_are_counted_in_the_span() {
    let mut run = power_off();
    run.at("50").bound(Some(B), Some(A));
    assert_eq!(holds(&run, Expect::Moves(t("20"), t("40"), 1)), Figure::Times(1));
    assert_eq!(fails(&run, Expect::Moves(t("20"), t("50"), 1)), (Figure::Times(2), Seen::TooOften));
}

#[test]
fn never_holds_when_it_is_never_true_or_not_for_so_long() {
    let mut run = power_off();
    assert_eq!(holds(&run, Expect::Never(Fact::TwoMasters, None)), Figure::Longest(Duration::ZERO));
    run.at("45").master(A).at("45.004").backup(A).at("46").master(A).at("46.002").backup(A);
    let longest = Figure::Longest(s("0.004"));
    assert_eq!(holds(&run, Expect::Never(Fact::TwoMasters, Some(s("0.004")))), longest);
    let stretch = Seen::Stretch { value: true, from: t("45"), to: t("45.004") };
    assert_eq!(fails(&run, Expect::Never(Fact::TwoMasters, Some(s("0.003")))), (longest, stretch));
    assert_eq!(fails(&run, Expect::Never(Fact::TwoMasters, None)), (longest, stretch));
}

#[test]
fn never_refused_fails_at_the_instant_of_a_refusal() {
    let mut run = power_off();
    let refused = Expect::Never(Fact::Refused([172, 16, 16, 9].into()), None);
    assert_eq!(holds(&run, refused), Figure::Times(0));
    run.at("45").refused(B, [172, 16, 16, 9].into()).at("46").refused(B, [172, 16, 16, 9].into());
    assert_eq!(fails(&run, refused), (Figure::Times(2), Seen::Happened(t("45"))));
}

#[test]
fn eventually_holds_from_some_instant_to_the_end() {
    let mut run = power_off();
    assert_eq!(holds(&run, Expect::Eventually(MASTER_B)), Figure::Since(t("23.3")));
    let gone = Seen::Stretch { value: false, from: t("20"), to: t("60") };
    assert_eq!(fails(&run, Expect::Eventually(MASTER_A)), (Figure::None, gone));
    assert_eq!(fails(&run, Expect::Eventually(Fact::TwoMasters)).1, Seen::NeverTrue);
    run.at("59.9").backup(B);
    fails(&run, Expect::Eventually(MASTER_B));
}

#[test]
fn stale_traffic_is_measured() {
    let run = power_off();
    let stale = Fact::Stale(ClientId(0));
    // Before 3.6 s the probes reach a, which is no master yet; from 20 s on a is off.
    let (figure, seen) = fails(&run, Expect::Never(stale, Some(s("1"))));
    assert_eq!(figure, Figure::Longest(s("3.3")));
    assert_eq!(seen, Seen::Stretch { value: true, from: t("20"), to: t("23.3") });
}

#[test]
fn only_what_is_needed_is_asked_for() {
    let run = Run::lan();
    let wants =
        |expect| Expectations::new(&run.setup, &[Expectation { expect, only: None, line: 1 }]).wants();
    assert!(!wants(Expect::Eventually(MASTER_A)).frames);
    assert!(wants(Expect::Eventually(Fact::Stale(ClientId(0)))).frames);
    assert!(wants(Expect::Moves(t("0"), t("60"), 1)).frames);
}
