//! Seeds that begin alike are run together.
//!
//! Until its first act a seed is nothing but its [beginning](Drawn::beginning); from there on chance is its own. So one
//! run goes on from story to story, and where one begins a copy of it, programs and frames in flight included, goes on as
//! that seed. What comes of a copy is what comes of the seed from its first instant on: the test below holds them against
//! each other, and `explore --check-determinism` does so for every seed of a campaign.

use std::sync::Arc;

use havip::time::{Duration, Time};

use super::base::Base;
use super::outcome::Outcome;
use super::plan::{Plan, Seeds};
use super::seed::Drawn;
use crate::engine::EventLoop;
use crate::observe::Observer;
use crate::rules::Watch;
use crate::world::Setup;

/// What becomes of seeds of one beginning, each the same as [`Outcome::of`] says, in less time: those first whose story
/// begins first.
pub(super) struct Alike<'a> {
    base: &'a Base,
    plan: &'a Plan,
    /// The next one last.
    stories: Vec<Drawn>,
    /// The cluster with the story of the last one.
    setup: Arc<Setup>,
    /// As it has gone without any of them.
    run: EventLoop,
    watch: Watch,
}

impl<'a> Alike<'a> {
    /// Nothing has been run.
    pub(super) fn new(base: &'a Base, plan: &'a Plan, seeds: Seeds) -> Alike<'a> {
        let mut stories: Vec<Drawn> =
            (seeds.first..=seeds.last).map(|seed| Drawn::new(base, plan, seed)).collect();
        debug_assert!(stories.iter().all(|story| story.beginning == stories[0].beginning));
        stories.sort_by_key(|story| std::cmp::Reverse(story.begins()));
        let nothing = Drawn { acts: base.own_acts().collect(), ..Drawn::new(base, plan, seeds.first) };
        let setup = Arc::new(nothing.setup(base, plan));
        let watch = Watch::of(&setup, base.promises.clone(), (plan.rules, plan.limit), nothing.healed);
        Alike { base, plan, stories, run: EventLoop::new(Arc::clone(&setup)), setup, watch }
    }

    /// The cluster with a story. All else of it is what it was, and so is its memory where nobody else has a part in it.
    fn setup(&mut self, story: &Drawn) -> Arc<Setup> {
        Arc::make_mut(&mut self.setup).acts.clone_from(&story.acts);
        Arc::clone(&self.setup)
    }
}

impl Iterator for Alike<'_> {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        let story = self.stories.pop()?;
        let setup = self.setup(&story);
        let end = Time::ZERO + setup.run;
        self.run.run(story.begins().saturating_sub(Duration::from_nanos(1)).min(end), &mut self.watch);
        let (mut run, mut watch) = (self.run.clone(), self.watch.clone());
        if run.world_mut().go_on_with(Arc::clone(&setup)).is_err() {
            return Some(Outcome::of(self.base, self.plan, story.seed)); // an act of it falls before its beginning
        }
        run.run(end, &mut watch);
        watch.finish(&setup, end);
        Some(Outcome::seen(story, &watch))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn a_seed_comes_to_the_same_beside_others_and_by_itself() {
        let base = testing::pair();
        for canary in [false, true] {
            let plan = Plan { canary, ..Plan::new(&base) };
            let groups: Vec<Seeds> = Seeds { first: 5, last: 300 }.alike().collect();
            assert_eq!(groups.len(), 10);
            for seeds in groups {
                let mut all: Vec<Outcome> = Alike::new(&base, &plan, seeds).collect();
                all.sort_by_key(|outcome| outcome.drawn.seed);
                assert_eq!(all.len() as u64, seeds.count());
                for (outcome, seed) in all.into_iter().zip(seeds.first..) {
                    assert_eq!(outcome, Outcome::of(&base, &plan, seed), "seed {seed}");
                }
            }
        }
    }
}
