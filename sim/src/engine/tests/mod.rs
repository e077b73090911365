//! Both engines on random scenarios: one trace. And what they must not agree on, so that they say something.

mod case;
mod controls;

use std::sync::Arc;

use havip::time::{Duration, Time};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use self::case::{Case, cases};
use super::{EventLoop, Turmoil};
use crate::observe::{Observer, Trace};
use crate::world::Setup;

/// Cases of each of the four tests below, which run side by side.
const CASES: u32 = 100;

/// Draws the same cases every time; `PROPTEST_CASES` for more.
fn runner(number: u8) -> TestRunner {
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    let config = Config { failure_persistence: None, cases, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[number; 32]))
}

fn end(setup: &Setup) -> Time {
    Time::ZERO + setup.run
}

/// Half of the cases send their probes as frames, the others ask what would become of them.
fn trace_of(setup: &Setup) -> Trace {
    if setup.seed.is_multiple_of(2) { Trace::new() } else { Trace::with_probes() }
}

fn by_event_loop(setup: &Arc<Setup>) -> Trace {
    let mut trace = trace_of(setup);
    EventLoop::new(Arc::clone(setup)).run(end(setup), &mut trace);
    trace.finish(setup, end(setup));
    trace
}

fn by_turmoil(setup: &Arc<Setup>, order: u64) -> Trace {
    let mut trace = trace_of(setup);
    Turmoil::with_order(Arc::clone(setup), order).run(end(setup), &mut trace);
    trace.finish(setup, end(setup));
    trace
}

/// Both engines on a case; turmoil's hosts in an order that the case chooses.
fn agree(case: &Case) -> Result<(), TestCaseError> {
    let setup = case.setup();
    let (ours, theirs) = (by_event_loop(&setup), by_turmoil(&setup, setup.seed));
    prop_assert!(ours.first_difference(&theirs).is_none(), "{case}{:#?}", ours.first_difference(&theirs));
    Ok(())
}

fn agree_on_cases(number: u8) {
    if let Err(error) = runner(number).run(&cases(), |case| agree(&case)) {
        panic!("{error}");
    }
}

#[test]
fn both_engines_give_one_trace_of_random_scenarios_1() {
    agree_on_cases(1);
}
#[test]
fn both_engines_give_one_trace_of_random_scenarios_2() {
    agree_on_cases(2);
}
#[test]
fn both_engines_give_one_trace_of_random_scenarios_3() {
    agree_on_cases(3);
}
#[test]
fn both_engines_give_one_trace_of_random_scenarios_4() {
    agree_on_cases(4);
}

/// The cases are worth something: programs come and go, addresses move, frames meet.
#[test]
fn random_scenarios_are_eventful() {
    let traces = controls::sample(5, 120).into_iter().map(|case| by_event_loop(&case.setup()));
    let words = ["Killed", "Exited", "Frozen", "Carrier", "Master", "Bound", "Deaf", "Chance", "Neighbour"];
    let mut counts = [0u32; 9];
    for trace in traces {
        for (count, word) in counts.iter_mut().zip(words) {
            *count += u32::from(trace.text().contains(word));
        }
    }
    for (count, word) in counts.into_iter().zip(words) {
        eprintln!("{word}: in {count} of 120");
        assert!(count >= 3, "{word} is in {count} of 120 traces only");
    }
}

/// Found by the above: a cable that comes and goes while a program is about to start was its first event.
#[test]
fn a_program_that_is_about_to_start_is_told_nothing_before() {
    let case = Case::starts_unplugged();
    let trace = by_event_loop(&case.setup());
    let started = trace.text().lines().find(|line| line.contains("Started")).unwrap_or_default();
    // The program takes 18 ms at least to start, whatever happens to its cable meanwhile.
    assert!(started.trim_start() >= "0.018 a", "{started}");
    if let Err(error) = agree(&case) {
        panic!("{error}");
    }
}

/// The engine goes on where it stopped, and a shift moves the acts.
#[test]
fn a_run_in_two_parts_is_the_run() {
    let case = &controls::sample(6, 1)[0];
    let setup = case.setup();
    let shift = Duration::from_millis(20);
    let in_parts = |stops: &[u64]| {
        let mut trace = Trace::new();
        let mut run = Turmoil::new(Arc::clone(&setup));
        run.shift_acts(shift);
        for &ms in stops {
            run.run(Time::ZERO + Duration::from_millis(ms), &mut trace);
        }
        run.run(end(&setup), &mut trace);
        trace
    };
    let mut whole = Trace::new();
    super::Engine::EventLoop.run(&setup, shift, end(&setup), &mut whole);
    assert_eq!(in_parts(&[]).first_difference(&whole), None);
    assert_eq!(in_parts(&[1_005, 2_500]).first_difference(&whole), None);
}
