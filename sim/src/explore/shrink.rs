//! From a failing run to the file a person would have written: fewer acts, fewer machines, round times, a short run.
//!
//! Every step is a change that may be taken back: it stays if the same rule still does not hold, of whatever machine
//! and at whatever time. Steps are tried in rounds until a round changes nothing.

use std::cell::Cell;
use std::sync::Arc;

use havip::time::{Duration, Time};

use super::base::Base;
use super::found::Found;
use super::outcome::watched;
use super::plan::Plan;
use super::rename::without_node;
use super::seed::Drawn;
use crate::engine::Engine;
use crate::rules::{Rule, Rules, Violation, whole_seconds};
use crate::scenario::{Script, name_of};
use crate::world::{Act, CloudAct, NodeId, Setup, Spoof, TimedAct};

/// Rounds of all steps; each but the last makes the file smaller.
const ROUNDS: usize = 8;

/// Chance is a hash of what there is: with one act or machine less it is another, and the story may need another seed.
const OTHER_SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

/// A run that breaks a rule.
struct Case {
    /// Its acts are the whole story.
    base: Base,
    violation: Violation,
}

/// Breaks the same rule, or does not.
struct Judge<'a> {
    plan: Plan,
    rule: Rule,
    runs: Cell<usize>,
    goes_on: &'a dyn Fn(usize) -> bool,
}

/// The smallest run found that breaks the rule which this seed breaks. `goes_on` is told before each run how many there
/// will have been; where it says no, the smallest so far is it. `None`, if the seed does not break the rule.
pub fn shrink(
    base: &Base,
    plan: &Plan,
    seed: u64,
    rule: Rule,
    goes_on: &dyn Fn(usize) -> bool,
) -> Option<Found> {
    let drawn = Drawn::new(base, plan, seed);
    let plan = Plan { rules: Rules::NONE.with(rule), ..plan.clone() };
    let judge = Judge { plan, rule, runs: Cell::new(0), goes_on };
    let whole = base.script_with(&drawn.acts, drawn.beginning, drawn.run);
    let mut case = judge.case(base, whole)?;
    judge.cut_run(&mut case);
    for _ in 0..ROUNDS {
        let before = case.base.script.to_string();
        judge.fewer_acts(&mut case);
        judge.fewer_nodes(&mut case);
        judge.simpler_acts(&mut case);
        judge.rounder_times(&mut case);
        judge.defaults(&mut case);
        judge.cut_run(&mut case);
        if case.base.script.to_string() == before {
            break;
        }
    }
    let name = name_of(&format!("{}-", rule.name()), &base.script.name, "");
    let script = Script { name, ..case.base.script.clone() };
    let Plan { canary, .. } = judge.plan;
    Some(Found { script, violation: case.violation, rule, seed, from: base.script.name.clone(), canary })
}

impl Judge<'_> {
    /// A script that breaks the rule.
    fn case(&self, of: &Base, script: Script) -> Option<Case> {
        let read = |name: &str| match of.files.iter().find(|(file, _)| file == name) {
            Some((_, text)) => Ok(text.clone()),
            None => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        let script = Script { source: crate::scenario::Source::default(), ..script };
        let base = Base::new(script, None, &read).ok()?;
        let violation = self.breaks(&base, &base.script.acts, base.script.seed)?;
        Some(Case { base, violation })
    }

    /// Whether the rule does not hold with these acts.
    fn breaks(&self, base: &Base, acts: &[TimedAct], seed: u64) -> Option<Violation> {
        self.runs.set(self.runs.get() + 1);
        if !(self.goes_on)(self.runs.get()) {
            return None;
        }
        let last = acts.last().map_or(Time::ZERO, |act| act.at);
        let run = match self.rule {
            // It is about the end of the liveness phase.
            Rule::Converges => last.saturating_since(Time::ZERO) + self.plan.liveness,
            _ => base.script.run,
        };
        let setup = Setup { acts: acts.to_vec(), run, seed, canary: self.plan.canary, ..base.setup.clone() };
        let watch = watched(&Arc::new(setup), &self.plan, last, Engine::EventLoop);
        watch.violations().iter().find(|one| one.rule == self.rule).cloned()
    }

    /// Takes a changed story, if it still breaks the rule.
    fn try_acts(&self, case: &mut Case, acts: Vec<TimedAct>) -> bool {
        let seed = case.base.script.seed;
        self.try_story(case, acts, [seed])
    }

    /// The same, with the first of some seeds that will do.
    fn try_story(
        &self,
        case: &mut Case,
        mut acts: Vec<TimedAct>,
        seeds: impl IntoIterator<Item = u64>,
    ) -> bool {
        acts.sort_by_key(|act| act.at);
        for seed in seeds {
            if let Some(violation) = self.breaks(&case.base, &acts, seed) {
                (case.base.script.acts, case.base.script.seed, case.violation) = (acts, seed, violation);
                return true;
            }
        }
        false
    }

    /// Takes a changed script, if it can be run and still breaks the rule.
    fn try_script(&self, case: &mut Case, mut script: Script) -> bool {
        script.tidy();
        let changed = self.case(&case.base, script);
        let found = changed.is_some();
        if let Some(changed) = changed {
            *case = changed;
        }
        found
    }

    /// Delta debugging: ever smaller parts are left out.
    fn fewer_acts(&self, case: &mut Case) {
        let mut size = case.base.script.acts.len().div_ceil(2).max(1);
        loop {
            let mut from = 0;
            while from < case.base.script.acts.len() {
                let mut acts = case.base.script.acts.clone();
                acts.drain(from..(from + size).min(acts.len()));
                if !self.try_acts(case, acts) {
                    from += size;
                }
            }
            if size == 1 {
                break;
            }
            size = size.div_ceil(2);
        }
        let mut i = 0;
        while i < case.base.script.acts.len() {
            let mut acts = case.base.script.acts.clone();
            // Where chance was to be another one's, that may do from the beginning on.
            let its = match acts.remove(i).act {
                Act::Seed(seed) => Some(seed),
                _ => None,
            };
            i += usize::from(!self.try_story(case, acts, its.into_iter().chain(OTHER_SEEDS)));
        }
    }

    fn fewer_nodes(&self, case: &mut Case) {
        for node in (0..case.base.setup.nodes() as u16).rev() {
            let seeds = [case.base.script.seed].into_iter().chain(OTHER_SEEDS);
            let Some(script) = without_node(&case.base.script, NodeId(node)) else { continue };
            seeds.into_iter().any(|seed| self.try_script(case, Script { seed, ..script.clone() }));
        }
    }

    /// Each act as something plainer.
    fn simpler_acts(&self, case: &mut Case) {
        for i in 0..case.base.script.acts.len() {
            for act in plainer(case.base.script.acts[i].act) {
                let mut acts = case.base.script.acts.clone();
                acts[i].act = act;
                if self.try_acts(case, acts) {
                    break;
                }
            }
        }
    }

    /// Each time as round as can be.
    fn rounder_times(&self, case: &mut Case) {
        const GRIDS_MS: [u64; 6] = [10_000, 5_000, 1_000, 500, 100, 50];
        for i in 0..case.base.script.acts.len() {
            let at = case.base.script.acts[i].at;
            let is_round = |ms: u64| at.as_nanos().is_multiple_of(ms * 1_000_000);
            let rounder = GRIDS_MS.into_iter().take_while(|&ms| !is_round(ms));
            let down = |ms: u64| Time::from_nanos(at.as_nanos() / (ms * 1_000_000) * ms * 1_000_000);
            let candidates = rounder.flat_map(|ms| [down(ms), down(ms) + Duration::from_millis(ms)]);
            for time in candidates.collect::<Vec<_>>() {
                let mut acts = case.base.script.acts.clone();
                acts[i].at = time;
                if self.try_acts(case, acts) {
                    break;
                }
            }
        }
    }

    /// What a file need not say.
    fn defaults(&self, case: &mut Case) {
        let simpler: [fn(&mut Script); 5] = [
            |script| script.seed = Script::SEED,
            |script| script.bind_delay = (Duration::ZERO, Duration::ZERO),
            |script| (script.services, script.checks) = (Vec::new(), Vec::new()),
            |script| script.havips.truncate(1),
            |script| script.console.clear(),
        ];
        for simplify in simpler {
            let mut script = case.base.script.clone();
            simplify(&mut script);
            if script != case.base.script {
                self.try_script(case, script);
            }
        }
    }

    /// The run ends when the rule is seen not to hold, on a whole second.
    fn cut_run(&self, case: &mut Case) {
        if self.rule == Rule::Converges {
            let last = case.base.script.acts.last().map_or(Time::ZERO, |act| act.at);
            case.base.script.run = last.saturating_since(Time::ZERO) + self.plan.liveness;
            return;
        }
        let needed = case.violation.at.saturating_since(Time::ZERO) + Duration::from_millis(200);
        let last = case.base.script.acts.last().map_or(Time::ZERO, |act| act.at).saturating_since(Time::ZERO);
        let whole = whole_seconds(needed.max(last));
        if whole < case.base.script.run {
            let before = case.base.script.run;
            case.base.script.run = whole;
            match self.breaks(&case.base, &case.base.script.acts, case.base.script.seed) {
                Some(violation) => case.violation = violation,
                None => case.base.script.run = before,
            }
        }
    }
}

/// How often a frame could be sent again, and for how long, in whole seconds.
fn rounder_again(every: Duration, long: Duration) -> Vec<(Duration, Duration)> {
    let all = [(whole_seconds(every), whole_seconds(long)), (every, whole_seconds(long))];
    all.into_iter().filter(|one| *one != (every, long)).collect()
}

/// What could stand in an act's place, the plainest first.
fn plainer(act: Act) -> Vec<Act> {
    use crate::world::{Kinds, Path, Ppm};
    const ALL: Ppm = Ppm(1_000_000);
    let both = |path: Path| Path { both: true, ..path };
    match act {
        Act::Drop(kinds, path) if kinds != Kinds::ALL => {
            vec![Act::Drop(Kinds::ALL, both(path)), Act::Drop(Kinds::ALL, path)]
        }
        Act::Loss(_, kinds, path) => vec![Act::Drop(Kinds::ALL, both(path)), Act::Drop(kinds, path)],
        Act::Corrupt(_, path) => vec![Act::Drop(Kinds::ALL, path)],
        Act::Reorder(share, path) if share != ALL => vec![Act::Reorder(ALL, path)],
        Act::Duplicate(share, path) if share != ALL => vec![Act::Duplicate(ALL, path)],
        Act::Delay(low, high, path) if low != high => vec![Act::Delay(high, high, path)],
        Act::Cloud(CloudAct::BindDelay(low, high)) if low != high => {
            vec![Act::Cloud(CloudAct::BindDelay(high, high))]
        }
        Act::Kill(cvm) | Act::Stop(cvm) | Act::Pause(cvm) => match act {
            Act::Kill(_) | Act::Stop(_) => vec![Act::PowerOff(cvm)],
            _ => vec![Act::Freeze(cvm)],
        },
        Act::Seed(seed) if !OTHER_SEEDS.contains(&seed) => OTHER_SEEDS.map(Act::Seed).collect(),
        Act::Spoof(node, eni, spoof) => {
            let often = spoof.again.into_iter().flat_map(|(every, long)| rounder_again(every, long));
            let agains = spoof.again.map(|_| None).into_iter().chain(often.map(Some));
            agains.map(|again| Act::Spoof(node, eni, Spoof { again, ..spoof })).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Outcome, testing};
    use super::*;

    #[test]
    fn whoever_stops_has_the_smallest_so_far() {
        let base = testing::pair();
        let plan = Plan { canary: true, ..Plan::new(&base) };
        let failing = (1..1_000).find_map(|seed| {
            let outcome = Outcome::of(&base, &plan, seed);
            let rule = outcome.found(&plan).next()?.rule;
            (outcome.drawn.acts.len() > 6).then_some((seed, rule, outcome.drawn.acts.len()))
        });
        let (seed, rule, acts) = failing.expect("the planted flaw shows");
        let of = |most: usize| shrink(&base, &plan, seed, rule, &|runs| runs <= most);
        let acts_of = |found: Option<Found>| found.map(|found| found.script.acts.len());
        assert_eq!(acts_of(of(0)), None, "not even whether it fails is known");
        assert_eq!(acts_of(of(1)), Some(acts));
        let whole = acts_of(of(usize::MAX)).expect("it fails");
        assert!(whole < acts && acts_of(of(12)).is_some_and(|some| (whole..=acts).contains(&some)));
    }
}
