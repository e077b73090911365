//! Is a seed the same run every time, and in either engine?

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use havip::time::{Duration, Time};

use super::alike::Alike;
use super::campaign::{Campaign, Progress, lock, on_threads};
use super::outcome::Outcome;
use super::plan::Seeds;
use super::seed::Drawn;
use crate::engine::Engine;
use crate::observe::{FrameDigest, Observer, Outage, Trace};
use crate::rules::{Marks, Violation, Watch};
use crate::world::Setup;

/// One seed in so many is run in the turmoil engine as well: it takes some hundred times as long.
const TURMOIL: u64 = 50;

/// Where two runs of a seed part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Which.
    pub seed: u64,
    /// In whose second run.
    pub engine: Engine,
    /// The first line of the trace that is not the same, as the first run has it and as the second; what is not in the
    /// trace is told in words.
    pub lines: (String, String),
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, second) = match self.engine {
            Engine::EventLoop => ("two runs of", "second run"),
            Engine::Turmoil => ("the engines on", "turmoil"),
        };
        let (first, then) = &self.lines;
        write!(f, "{what} seed {} part:\n  event-loop  {first}\n  {second:<11} {then}", self.seed)
    }
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Seeds run twice.
    pub twice: u64,
    /// Those of them run in both engines.
    pub engines: u64,
}

/// Runs each seed of a campaign twice, and once more as a campaign does; the first and one in 50 in the turmoil engine too, and stops at the first that is
/// not the same. Of several that part at once it tells the lowest.
pub fn check(
    campaign: &Campaign<'_>,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Compared, Box<Parting>> {
    let mut seeds = (campaign.seeds.first..=campaign.seeds.last)
        .filter(|seed| campaign.shard.has(seed / super::results::BLOCK));
    let seeds = Mutex::new(&mut seeds as &mut (dyn Iterator<Item = u64> + Send));
    let parting: Mutex<Option<Parting>> = Mutex::new(None);
    let (twice, engines) = (AtomicU64::new(0), AtomicU64::new(0));
    on_threads(jobs, &|| {
        while lock(&parting).is_none() && !progress.stops() {
            let Some(seed) = lock(&seeds).next() else { return };
            let in_turmoil = seed % TURMOIL == 0 || seed == campaign.seeds.first;
            let found = one(campaign, seed, in_turmoil);
            twice.fetch_add(1, Ordering::Relaxed);
            engines.fetch_add(in_turmoil.into(), Ordering::Relaxed);
            progress.seed(found.is_some());
            if let Some(found) = found {
                let mut parting = lock(&parting);
                if parting.as_ref().is_none_or(|known| found.seed < known.seed) {
                    *parting = Some(found);
                }
                return;
            }
        }
    });
    match lock(&parting).take() {
        Some(parting) => Err(Box::new(parting)),
        None => Ok(Compared { twice: twice.into_inner(), engines: engines.into_inner() }),
    }
}

fn one(campaign: &Campaign<'_>, seed: u64, in_turmoil: bool) -> Option<Parting> {
    let run = Run::of(campaign, seed);
    parting(&run, &run, Engine::EventLoop)
        .or_else(|| parting_from_copy(campaign, seed))
        .or_else(|| in_turmoil.then(|| parting(&run, &run, Engine::Turmoil)).flatten())
}

/// Where a first run in the event loop and a second one in some engine part.
fn parting(first: &Run<'_>, second: &Run<'_>, engine: Engine) -> Option<Parting> {
    let seen = (first.seen(Engine::EventLoop), second.seen(engine));
    // Of the engines every line is compared, of two runs in one what was sent and what the rules make of it.
    if seen.0 == seen.1 && engine == Engine::EventLoop {
        return None;
    }
    let traces = (first.trace(Engine::EventLoop), second.trace(engine));
    let line = |line: Option<&str>| line.unwrap_or("(ended)").trim().to_owned();
    let lines = match traces.0.first_difference(&traces.1) {
        Some((first, second)) => (line(first), line(second)),
        None if seen.0 == seen.1 => return None,
        None => (format!("{:?}", seen.0), format!("{:?}", seen.1)),
    };
    Some(Parting { seed: first.drawn.seed, engine, lines })
}

/// Where a seed's run parts from what a copy of its beginning comes to, which is what a campaign runs.
fn parting_from_copy(campaign: &Campaign<'_>, seed: u64) -> Option<Parting> {
    let Campaign { base, plan, .. } = campaign;
    let whole = Outcome::of(base, plan, seed);
    let copied = Alike::new(base, plan, Seeds { first: seed, last: seed }).next()?;
    let told = |outcome: &Outcome| format!("{outcome:?}");
    let lines = (told(&whole), told(&copied));
    (whole != copied).then_some(Parting { seed, engine: Engine::EventLoop, lines })
}

/// A seed's run.
struct Run<'a> {
    campaign: &'a Campaign<'a>,
    setup: Arc<Setup>,
    drawn: Drawn,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    digest: u64,
    frames: u64,
    violations: Vec<Violation>,
    marks: Marks,
    outages: Vec<Outage>,
}

impl<'a> Run<'a> {
    fn of(campaign: &'a Campaign<'a>, seed: u64) -> Run<'a> {
        let Campaign { base, plan, .. } = campaign;
        let drawn = Drawn::new(base, plan, seed);
        Run { campaign, setup: Arc::new(drawn.setup(base, plan)), drawn }
    }

    fn watched<O: Observer>(&self, engine: Engine, also: O) -> (Watch, O) {
        let plan = self.campaign.plan;
        let end = Time::ZERO + self.setup.run;
        let mut both = (Watch::new(&self.setup, plan.rules, plan.limit, self.drawn.healed), also);
        engine.run(&self.setup, Duration::ZERO, end, &mut both);
        both.finish(&self.setup, end);
        both
    }

    fn seen(&self, engine: Engine) -> Seen {
        let (watch, frames) = self.watched(engine, FrameDigest::new());
        Seen {
            digest: watch.digest(),
            frames: frames.value(),
            violations: watch.violations().to_vec(),
            marks: watch.marks(),
            outages: watch.outages().to_vec(),
        }
    }

    fn trace(&self, engine: Engine) -> Trace {
        self.watched(engine, Trace::new()).1
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Plan, Seeds};
    use super::super::shard::Shard;
    use super::*;

    #[test]
    fn a_seed_is_the_same_run_in_both_engines_and_another_is_not() {
        let base = super::super::testing::pair();
        // A short run: turmoil steps through every tick of it.
        let (settle, safety, liveness) =
            (Duration::from_secs(4), Duration::from_secs(1), Duration::from_secs(1));
        let plan = Plan { settle, safety, liveness, most: 2, ..Plan::new(&base) };
        let seeds = Seeds { first: 1, last: 50 };
        let campaign = Campaign { base: &base, plan: &plan, seeds, shard: Shard::WHOLE };
        assert_eq!(check(&campaign, 2, &()), Ok(Compared { twice: 50, engines: 2 }));
        for engine in [Engine::EventLoop, Engine::Turmoil] {
            let other = parting(&Run::of(&campaign, 1), &Run::of(&campaign, 2), engine).expect("another run");
            assert_eq!((other.seed, other.engine), (1, engine));
            assert_ne!(other.lines.0, other.lines.1);
            assert!(other.to_string().contains(" seed 1 part:\n  event-loop  "), "{other}");
        }
    }
}
