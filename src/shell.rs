//! The loop that drives a [`Program`] over an [`Env`]: the daemon's only asynchronous code.
//!
//! One await point, no `select!`, no task of its own: what can race lies behind [`Env::next`], and the rules of
//! [`program`](crate::program) hold by the shape of the loop. Nothing here knows an executor.

use std::future::Future;

use crate::program::{Action, Actions, Event, Now, Program};
use crate::time::Time;

/// The machine, as a shell sees it: what happens comes out, what the program asks for goes in.
///
/// Nothing fails here: what a machine cannot do, it says with a later event.
pub trait Env {
    /// Waits for what happens next, for [`Event::Timer`] when `deadline` has passed at the latest.
    fn next(&mut self, deadline: Option<Time>) -> impl Future<Output = (Now, Event<'_>)>;
    /// Carries out one action of the step that `now` was given to.
    fn apply(&mut self, now: Now, action: Action<'_>);
}

/// Runs a program until it [exits](Action::Exit).
pub async fn run<P: Program, E: Env>(mut program: P, mut env: E) {
    let mut actions = Actions::new();
    loop {
        let (now, event) = env.next(program.deadline()).await;
        program.step(now, event, &mut actions);
        for action in actions.iter() {
            env.apply(now, action);
            if let Action::Exit = action {
                return;
            }
        }
        actions.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::program::{Record, Why};

    /// What program and machine did, in order.
    type Log = RefCell<Vec<String>>;

    /// Says what it is told, asks for two things each time, and exits at `Stop`.
    struct Echo<'l> {
        log: &'l Log,
        deadline: Option<Time>,
    }

    impl Program for Echo<'_> {
        fn step(&mut self, now: Now, event: Event<'_>, out: &mut Actions) {
            assert!(out.is_empty(), "rule 2: the actions of the last step are done with");
            self.log.borrow_mut().push(format!("step {event:?}"));
            self.deadline = Some(now.mono + crate::time::Duration::from_nanos(5));
            out.push(note("one"));
            if let Event::Stop = event {
                out.push(Action::Exit);
            }
            out.push(note("two"));
        }
        fn deadline(&self) -> Option<Time> {
            self.deadline
        }
    }

    fn note(text: &'static str) -> Action<'static> {
        Action::Record(Record::Note { subject: None, why: Why::new(text) })
    }

    /// A machine on which events happen at these times; each is waited for once.
    struct Scripted<'l> {
        log: &'l Log,
        events: VecDeque<(u64, Event<'static>)>,
    }

    impl Env for Scripted<'_> {
        async fn next(&mut self, deadline: Option<Time>) -> (Now, Event<'_>) {
            let deadline = deadline.map(Time::as_nanos);
            self.log.borrow_mut().push(format!("wait {deadline:?}"));
            let mut waited = false;
            poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending })
                .await;
            let Some((at, event)) = self.events.pop_front() else { panic!("waited after the exit") };
            let mono = Time::from_nanos(at);
            (Now { mono, utc: mono }, event)
        }
        fn apply(&mut self, now: Now, action: Action<'_>) {
            let what = match action {
                Action::Record(Record::Note { why, .. }) => why.text,
                Action::Exit => "exit",
                other => panic!("{other:?}"),
            };
            self.log.borrow_mut().push(format!("apply {what} at {}", now.mono.as_nanos()));
        }
    }

    /// Polls until ready; says how often it was not.
    fn block_on(future: impl Future<Output = ()>) -> usize {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        let mut pending = 0;
        while future.as_mut().poll(&mut context).is_pending() {
            pending += 1;
        }
        pending
    }

    #[test]
    fn every_action_is_done_before_the_next_event_and_nothing_after_the_exit() {
        let log = Log::default();
        let program = Echo { log: &log, deadline: None };
        let events = VecDeque::from([(10, Event::Timer), (20, Event::Stop), (30, Event::Timer)]);
        let pending = block_on(run(program, Scripted { log: &log, events }));
        assert_eq!(pending, 2, "it waits in one place: once for each event");
        assert_eq!(
            log.into_inner(),
            [
                "wait None",
                "step Timer",
                "apply one at 10",
                "apply two at 10",
                "wait Some(15)",
                "step Stop",
                "apply one at 20",
                "apply exit at 20",
            ]
        );
    }
}
