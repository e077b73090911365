//! From a seed to a story: one pure function.

use havip::time::{Duration, Time};

use super::base::Base;
use super::draw::Draws;
use super::inject::{Injection, Scene};
use super::plan::Plan;
use crate::scenario::{Script, name_of};
use crate::world::{Act, Setup, TimedAct};

/// What a seed drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Which.
    pub seed: u64,
    /// How the cluster comes up: under this seed, as others do. From the first act that was drawn on chance is its own.
    pub beginning: u64,
    /// The swarm: what is switched on, and how likely it is beside the others.
    pub swarm: Vec<(Injection, u32)>,
    /// What was injected, in the order in which it was drawn.
    pub injected: Vec<Injection>,
    /// The story: the base's own acts and the injections', in time order.
    pub acts: Vec<TimedAct>,
    /// When nothing is wrong any more.
    pub healed: Time,
    /// How long the run is.
    pub run: Duration,
}

/// So many seeds in a row have one beginning.
pub(super) const ALIKE: u64 = 32;

/// How likely an injection that is switched on is beside the others: very different.
const WEIGHTS: [u32; 4] = [1, 4, 16, 64];

impl Drawn {
    /// What a seed of a plan draws. A function of its arguments and of nothing else.
    pub fn new(base: &Base, plan: &Plan, seed: u64) -> Drawn {
        let mut draws = Draws::new(seed);
        let swarm: Vec<(Injection, u32)> = plan
            .injections
            .iter()
            .filter(|injection| injection.is_for(base))
            .filter_map(|&injection| {
                // Both are drawn for each, so that one injection more in a plan changes little else.
                let (on, weight) = (draws.happens(50), draws.pick(&WEIGHTS));
                on.then_some((injection, weight))
            })
            .collect();
        let weights: Vec<u32> = swarm.iter().map(|(_, weight)| *weight).collect();
        let count = draws.between(1, u64::from(plan.most.max(1)));
        let begin = Time::ZERO + plan.settle;
        let mut scene = Scene::new(base, draws, (begin, begin + plan.safety));
        let mut injected = Vec::new();
        for _ in 0..count {
            let Some(which) = scene.draws.weighted(&weights) else { break };
            let before = scene.acts.len();
            scene.inject(swarm[which].0);
            if scene.acts.len() > before {
                injected.push(swarm[which].0);
            }
        }
        let mut acts = scene.finish();
        if let Some(at) = acts.first().map(|first| first.at) {
            acts.insert(0, TimedAct { at, act: Act::Seed(seed), line: 0 });
        }
        if !base.script.acts.is_empty() {
            acts.extend(base.own_acts());
            acts.sort_by_key(|act| act.at);
        }
        let (healed, run) = plan.phases(base);
        Drawn { seed, beginning: 1 + seed / ALIKE, swarm, injected, acts, healed, run }
    }

    /// When what was drawn begins; never, if nothing was.
    pub(super) fn begins(&self) -> Time {
        self.acts.iter().find(|act| act.act == Act::Seed(self.seed)).map_or(Time::MAX, |act| act.at)
    }

    /// The cluster with its story.
    pub(super) fn setup(&self, base: &Base, plan: &Plan) -> Setup {
        let (acts, run, seed) = (self.acts.clone(), self.run, self.beginning);
        Setup { acts, run, seed, canary: plan.canary, ..base.setup.clone() }
    }

    /// The run as a script, which replays it.
    pub fn script(&self, base: &Base) -> Script {
        let mut script = base.script_with(&self.acts, self.beginning, self.run);
        script.name = name_of("", &base.script.name, &format!("-seed-{}", self.seed));
        script
    }

    /// What was drawn, in words: a line for the swarm, a line for the injections.
    pub fn in_words(&self) -> String {
        let swarm: Vec<String> =
            self.swarm.iter().map(|(one, weight)| format!("{} {weight}", one.name())).collect();
        let injected: Vec<&str> = self.injected.iter().map(|one| one.name()).collect();
        let or_none =
            |list: Vec<String>| if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
        format!(
            "swarm    {}\ninjected {}\n",
            or_none(swarm),
            or_none(injected.into_iter().map(str::to_owned).collect())
        )
    }
}
