//! One seed, run and held against the rules.

use std::sync::Arc;

use havip::time::{Duration, Time};

use super::base::Base;
use super::plan::Plan;
use super::seed::Drawn;
use crate::engine::Engine;
use crate::observe::{Observer, Outage};
use crate::rules::{Marks, Violation, Watch};
use crate::world::Setup;

/// What became of a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it drew.
    pub drawn: Drawn,
    /// The rules that did not hold.
    pub violations: Vec<Violation>,
    /// Where it has been.
    pub marks: Marks,
    /// What clients suffered.
    pub outages: Vec<Outage>,
    /// Of everything that happened.
    pub digest: u64,
}

impl Outcome {
    /// Runs a seed.
    pub fn of(base: &Base, plan: &Plan, seed: u64) -> Outcome {
        Outcome::in_engine(base, plan, seed, Engine::EventLoop)
    }

    /// The same in an engine of choice.
    pub fn in_engine(base: &Base, plan: &Plan, seed: u64, engine: Engine) -> Outcome {
        let drawn = Drawn::new(base, plan, seed);
        let setup = Arc::new(drawn.setup(base, plan));
        let promises = base.promises.clone();
        let watch = run(&setup, Watch::of(&setup, promises, (plan.rules, plan.limit), drawn.healed), engine);
        Outcome::seen(drawn, &watch)
    }

    /// What a run has come to.
    pub(super) fn seen(drawn: Drawn, watch: &Watch) -> Outcome {
        Outcome {
            violations: watch.violations().to_vec(),
            marks: watch.marks(),
            outages: watch.outages().to_vec(),
            digest: watch.digest(),
            drawn,
        }
    }

    /// The violations that the plan does not expect.
    pub fn found<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = &'a Violation> {
        self.violations.iter().filter(|one| plan.expects(one.rule, &self.drawn.injected).is_none())
    }

    /// The longest outage of any client.
    pub fn worst(&self) -> Duration {
        self.outages.iter().map(Outage::length).max().unwrap_or_default()
    }
}

/// Runs a setup from its beginning to its end, held against the rules.
pub(super) fn watched(setup: &Arc<Setup>, plan: &Plan, healed: Time, engine: Engine) -> Watch {
    run(setup, Watch::new(setup, plan.rules, plan.limit, healed), engine)
}

fn run(setup: &Arc<Setup>, mut watch: Watch, engine: Engine) -> Watch {
    let end = Time::ZERO + setup.run;
    engine.run(setup, Duration::ZERO, end, &mut watch);
    watch.finish(setup, end);
    watch
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::observe::Observer;
    use crate::world::{Look, Report, Wants};

    /// Wants every beat and every probe as a frame.
    struct Everything;

    impl Observer for Everything {
        fn wants(&self) -> Wants {
            Wants { facts: true, frames: true, beats: true, probes: true }
        }
        fn instant(&mut self, _: &Setup, _: &dyn Look, _: &[Report]) {}
    }

    #[test]
    fn a_seed_comes_to_the_same_whether_beats_and_probes_are_asked_or_sent() {
        let base = testing::pair();
        let plan = Plan::new(&base);
        for seed in 1..=300 {
            let drawn = Drawn::new(&base, &plan, seed);
            let setup = Arc::new(drawn.setup(&base, &plan));
            let asked = watched(&setup, &plan, drawn.healed, Engine::EventLoop);
            let mut sent = (Watch::new(&setup, plan.rules, plan.limit, drawn.healed), Everything);
            let end = Time::ZERO + setup.run;
            Engine::EventLoop.run(&setup, Duration::ZERO, end, &mut sent);
            sent.finish(&setup, end);
            let told = |watch: &Watch| (watch.violations().to_vec(), watch.marks(), watch.outages().to_vec());
            assert_eq!(told(&asked), told(&sent.0), "seed {seed}: {:?}", drawn.acts);
            assert_eq!(asked.digest(), sent.0.digest(), "seed {seed}");
        }
    }

    #[test]
    fn the_planted_flaw_shows_in_about_one_seed_of_a_hundred() {
        let base = testing::pair();
        let plan = Plan { canary: true, ..Plan::new(&base) };
        let shows = |seed: &u64| Outcome::of(&base, &plan, *seed).found(&plan).next().is_some();
        let found = (0..3_000).filter(shows).count();
        // One in 120 to one in 40.
        assert!((25..=75).contains(&found), "{found} of 3,000");
    }
}
