//! What is broken on purpose, and found: a comparison that cannot fail says nothing.

use std::sync::Arc;

use havip::program::{Action, Actions, Event, Program};
use havip::shell::Env;
use proptest::strategy::{Strategy, ValueTree};

use super::*;
use crate::engine::env::SimEnv;
use crate::engine::programs::AnyProgram;
use crate::engine::turmoil::Shell;
use crate::flaws::{self, Flaw};

/// How many cases each control is tried on.
const SAMPLE: u32 = 60;

/// So many cases, the same every time.
pub(super) fn sample(number: u8, count: u32) -> Vec<Case> {
    let mut runner = runner(number);
    let case =
        |_| cases().new_tree(&mut runner).map(|tree| tree.current()).unwrap_or_else(|why| panic!("{why}"));
    (0..count).map(case).collect()
}

/// In how many cases the engines differ, and that they do not without the flaw.
fn found(what: &str, engines: impl Fn(&Arc<Setup>) -> (Trace, Trace)) -> u32 {
    let mut found = 0;
    for case in sample(9, SAMPLE) {
        let setup = case.setup();
        let (ours, theirs) = engines(&setup);
        found += u32::from(ours.first_difference(&theirs).is_some());
    }
    eprintln!("{what}: found in {found} of {SAMPLE}");
    found
}

#[test]
fn without_a_flaw_nothing_is_found() {
    assert_eq!(found("no flaw", |setup| (by_event_loop(setup), by_turmoil(setup, 3))), 0);
}

#[test]
fn timers_before_packets_are_found() {
    let found = found("timers before packets", |setup| {
        (by_event_loop(setup), flaws::with(Some(Flaw::TimerFirst), || by_turmoil(setup, 3)))
    });
    assert!(found > 0);
}

/// Both engines have it: the random order of the hosts alone shows it.
#[test]
fn inboxes_in_the_order_of_sending_are_found() {
    let found = found("inboxes in order of sending", |setup| {
        flaws::with(Some(Flaw::ArrivalOrder), || (by_event_loop(setup), by_turmoil(setup, 3)))
    });
    assert!(found > 0);
}

#[test]
fn sharing_within_an_instant_is_found() {
    let found = found("sharing within an instant", |setup| {
        (by_event_loop(setup), flaws::with(Some(Flaw::SharedInstant), || by_turmoil(setup, 3)))
    });
    assert!(found > 0);
}

/// Both engines share: then all depends on who of two machines, `b` that sends to `a` and `a` that has just come back
/// to a port which the switch has forgotten, is let to run first.
#[test]
fn sharing_within_an_instant_is_found_by_the_order_of_the_hosts_alone() {
    let both_share = |flaw| {
        let differs = |ticks: &u32| {
            let setup = Case::comes_back_at(10_000 + ticks * 10).setup();
            flaws::with(flaw, || (0..3).any(|order| by_event_loop(&setup) != by_turmoil(&setup, order)))
        };
        (0..20).filter(differs).count()
    };
    let found = both_share(Some(Flaw::SharedInstant));
    eprintln!("sharing in both: found in {found} of 20");
    assert!(found > 0);
    assert_eq!(both_share(None), 0);
}

fn by_broken_shell(setup: &Arc<Setup>, shell: Shell) -> Trace {
    let mut trace = trace_of(setup);
    Turmoil::with_shell(Arc::clone(setup), 3, shell).run(end(setup), &mut trace);
    trace
}

/// The event loop has no shell, so what breaks the shell fails in turmoil only.
#[test]
fn a_shell_that_forgets_the_last_action_is_found() {
    let found = found("the last action forgotten", |setup| {
        (by_event_loop(setup), by_broken_shell(setup, |program, env| Box::pin(forgetful(program, env))))
    });
    assert!(found > 0);
}

#[test]
fn a_shell_that_looks_at_the_clock_first_is_found() {
    let found = found("the clock first", |setup| {
        (by_event_loop(setup), by_broken_shell(setup, |program, env| Box::pin(hasty(program, env))))
    });
    assert!(found > 0);
}

/// [`shell::run`], but for the last of several actions.
async fn forgetful(mut program: AnyProgram, mut env: SimEnv) {
    let mut actions = Actions::new();
    loop {
        let (now, event) = env.next(program.deadline()).await;
        program.step(now, event, &mut actions);
        let count = actions.iter().count();
        let done = if count > 1 { count - 1 } else { count };
        for action in actions.iter().take(done) {
            env.apply(now, action);
            if let Action::Exit = action {
                return;
            }
        }
        actions.clear();
    }
}

/// [`shell::run`], but a deadline that has passed is dealt with before the event at hand.
async fn hasty(mut program: AnyProgram, mut env: SimEnv) {
    let mut actions = Actions::new();
    loop {
        let deadline = program.deadline();
        let mut due = Actions::new();
        let (now, event) = env.next(deadline).await;
        if deadline.is_some_and(|at| at <= now.mono) && !matches!(event, Event::Timer) {
            program.step(now, Event::Timer, &mut due);
        }
        program.step(now, event, &mut actions);
        for action in due.iter().chain(actions.iter()) {
            env.apply(now, action);
            if let Action::Exit = action {
                return;
            }
        }
        actions.clear();
    }
}
