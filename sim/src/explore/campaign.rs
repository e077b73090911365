//! Many seeds on many cores: blocks of them, each one worker's, each kept as soon as it is done.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::alike::Alike;
use super::base::Base;
use super::outcome::watched;
use super::plan::{Plan, Seeds};
use super::results::{BLOCK, Head};
use super::shard::Shard;
use super::store::Results;
use super::tally::Tally;
use crate::engine::Engine;
use crate::rules::Violation;
use crate::world::Setup;

/// Is asked and told while a campaign runs, from any thread.
pub trait Progress: Sync {
    /// One more seed has been run; whether a rule did not hold in it that should have.
    fn seed(&self, found: bool);
    /// Whether to stop: the seed that runs is finished, its block is given up.
    fn stops(&self) -> bool;
}

/// Nobody wants to know.
impl Progress for () {
    fn seed(&self, _: bool) {}
    fn stops(&self) -> bool {
        false
    }
}

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Campaign<'a> {
    /// The cluster.
    pub base: &'a Base,
    /// What is done to it.
    pub plan: &'a Plan,
    /// With which seeds.
    pub seeds: Seeds,
    /// Which part of them.
    pub shard: Shard,
}

/// How a campaign ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Every seed has been run.
    Done,
    /// It was stopped.
    Stopped,
    /// Results could not be written: why, and what to do.
    Unwritten(String),
}

impl Campaign<'_> {
    /// What its results begin with.
    pub fn head(&self) -> Head {
        Head::new(self.base, self.plan, self.seeds)
    }

    /// How many seeds its shard has.
    pub fn count(&self) -> u64 {
        self.shard.seeds(self.seeds.first, self.seeds.last)
    }

    /// What does not hold though nothing is injected: a campaign on such a cluster would tell nothing else.
    pub fn unsound(&self) -> Vec<Violation> {
        let Campaign { base, plan, .. } = self;
        let (healed, run) = plan.phases(base);
        let plan = Plan { canary: false, ..(*plan).clone() };
        let setup = Arc::new(Setup { run, ..base.setup.clone() });
        let watch = watched(&setup, &plan, healed, Engine::EventLoop);
        watch.violations().iter().filter(|one| plan.expects(one.rule, &[]).is_none()).cloned().collect()
    }

    /// Runs the seeds that the results have not yet, on so many threads. The results come to the same whatever their
    /// number.
    pub fn run(&self, results: &mut Results, jobs: usize, progress: &dyn Progress) -> End {
        let seeds = BlockSeeds { campaign: *self, head: results.head().clone() };
        let blocks = Mutex::new(seeds.blocks());
        let results = Mutex::new(results);
        let broken = Mutex::new(None);
        let stops = AtomicBool::new(false);
        on_threads(jobs, &|| {
            while !stops.load(Ordering::Relaxed) && !progress.stops() {
                let Some(block) = lock(&blocks).find(|block| !lock(&results).has(*block)) else { return };
                let Some(tally) = seeds.tally(block, progress) else { break };
                if let Err(error) = lock(&results).add(block, &tally) {
                    // What comes now could not be kept: better to stop while little is lost.
                    lock(&broken).get_or_insert(error);
                    break;
                }
            }
            stops.store(true, Ordering::Relaxed);
        });
        let results = lock(&results);
        if let Some(error) = lock(&broken).take() {
            return End::Unwritten(error);
        }
        if results.total().seeds == self.count() { End::Done } else { End::Stopped }
    }
}

/// What blocks have in them.
struct BlockSeeds<'a> {
    campaign: Campaign<'a>,
    head: Head,
}

impl BlockSeeds<'_> {
    /// The shard's blocks.
    fn blocks(&self) -> impl Iterator<Item = u64> + Send + use<> {
        let Campaign { seeds, shard, .. } = self.campaign;
        let (low, high) = (seeds.first / BLOCK, seeds.last / BLOCK);
        // A block of the shard is at most so many further on.
        let step = (shard.index + shard.of - low % shard.of) % shard.of;
        let first = low.checked_add(step).filter(|first| *first <= high);
        std::iter::successors(first, move |block| block.checked_add(shard.of).filter(|next| *next <= high))
    }

    /// What a block comes to; nothing if it was given up.
    fn tally(&self, block: u64, progress: &dyn Progress) -> Option<Tally> {
        let seeds = self.head.seeds_of(block)?;
        let mut tally = Tally::default();
        let Campaign { base, plan, .. } = self.campaign;
        let mut outcomes = seeds.alike().flat_map(|alike| Alike::new(base, plan, alike));
        while !progress.stops() {
            let Some(outcome) = outcomes.next() else { return Some(tally) };
            let before = tally.found();
            tally.add(plan, &outcome);
            progress.seed(tally.found() > before);
        }
        None
    }
}

/// Does the same on so many threads at once.
pub(super) fn on_threads(jobs: usize, work: &(dyn Fn() + Sync)) {
    match rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1)).build() {
        Ok(pool) => {
            pool.broadcast(|_| work());
        }
        // Where no thread can be had there is this one.
        Err(_) => work(),
    }
}

/// A thread that panicked has taken the campaign with it: nobody sees what it left.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts what [`Progress::seed`] tells.
#[derive(Debug, Default)]
pub struct Counts {
    seeds: AtomicU64,
    found: AtomicU64,
}

impl Counts {
    /// One more: how many seeds there were now, and in how many a rule did not hold.
    pub fn seed(&self, found: bool) -> (u64, u64) {
        let before = self.found.fetch_add(found.into(), Ordering::Relaxed);
        (self.seeds.fetch_add(1, Ordering::Relaxed) + 1, before + u64::from(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_has_its_blocks_and_no_others() {
        let base = super::super::testing::pair();
        let plan = Plan::new(&base);
        for (first, last) in [(1, 1), (1, 1_000), (127, 128), (5_000, 9_000), (u64::MAX - 300, u64::MAX)] {
            for of in [1, 2, 7, 50] {
                for index in 0..of {
                    let shard = Shard { index, of };
                    let seeds = Seeds { first, last };
                    let campaign = Campaign { base: &base, plan: &plan, seeds, shard };
                    let seeds = BlockSeeds { campaign, head: campaign.head() };
                    let blocks: Vec<u64> = seeds.blocks().collect();
                    assert!(blocks.iter().all(|block| shard.has(*block)));
                    let count: u64 =
                        blocks.iter().map(|b| seeds.head.seeds_of(*b).map_or(0, Seeds::count)).sum();
                    assert_eq!(count, campaign.count(), "{first}..{last} {shard}");
                }
            }
        }
    }

    #[test]
    fn results_are_the_same_bytes_for_any_number_of_threads_and_shards() {
        let base = super::super::testing::pair();
        let plan = Plan::new(&base);
        let folder = std::env::temp_dir().join(format!("havip-sim-{}-campaign", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let seeds = Seeds { first: 100, last: 700 };
        let run = |name: &str, shard: Shard, jobs: usize| {
            let campaign = Campaign { base: &base, plan: &plan, seeds, shard };
            let path = folder.join(name);
            let begin = super::super::store::Begin::Anew;
            let mut results =
                Results::open(&path, &campaign.head(), campaign.count(), begin).expect("a file");
            assert_eq!(campaign.run(&mut results, jobs, &()), End::Done);
            results.finish().expect("room");
            path
        };
        let bytes = std::fs::read(run("one", Shard::WHOLE, 1)).unwrap();
        assert_eq!(std::fs::read(run("two", Shard::WHOLE, 2)).unwrap(), bytes);
        let part = |index| run(&format!("part-{index}"), Shard { index, of: 3 }, 1);
        let parts: Vec<_> = (0..3).map(part).collect();
        let merged = folder.join("merged");
        super::super::store::merge(&parts, Some(&merged)).expect("parts of one campaign");
        assert_eq!(std::fs::read(merged).unwrap(), bytes);
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn who_stops_a_campaign_keeps_the_blocks_that_are_done() {
        struct After(AtomicU64);
        impl Progress for After {
            fn seed(&self, _: bool) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
            fn stops(&self) -> bool {
                self.0.load(Ordering::Relaxed) == 0
            }
        }
        let base = super::super::testing::pair();
        let plan = Plan::new(&base);
        let path = std::env::temp_dir().join(format!("havip-sim-{}-stopped", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let seeds = Seeds { first: 0, last: 299 };
        let campaign = Campaign { base: &base, plan: &plan, seeds, shard: Shard::WHOLE };
        let open = |begin| Results::open(&path, &campaign.head(), campaign.count(), begin).expect("a file");
        let mut results = open(super::super::store::Begin::Anew);
        assert_eq!(campaign.run(&mut results, 1, &After(AtomicU64::new(200))), End::Stopped);
        assert_eq!(results.total().seeds, 128);
        drop(results);
        let mut results = open(super::super::store::Begin::Resume);
        assert_eq!(results.total().seeds, 128);
        assert_eq!(campaign.run(&mut results, 1, &()), End::Done);
        assert_eq!(results.total().seeds, 300);
        let _ = std::fs::remove_file(path);
    }
}
