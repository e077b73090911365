//! Runs stories: every phase of each, forked from one beginning a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use havip::time::{Duration, Time};
use rayon::prelude::*;

use super::battery::{Plan, Story};
use super::cluster::Cluster;
use super::measure::{Figures, Measure};
use super::settings::Settings;
use super::{Progress, Refusal};
use crate::engine::EventLoop;
use crate::scenario::{Scenario, Script, ScriptError, load_keepalived};
use crate::world::{CvmId, Setup};

/// Different beginnings a row has; each is run at every fourth phase.
const SEEDS: u64 = 4;

/// A story with all its runs.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    pub(super) plan: Plan,
    /// By phase. Empty where the machine that was to be master first never is.
    pub(super) figures: Vec<Figures>,
}

/// Every story of a cluster, each with each machine as first master.
pub(super) fn battery(
    cluster: &Cluster,
    settings: &Settings,
    progress: &dyn Progress,
) -> Result<Vec<Runs>, Refusal> {
    let machines = (0..cluster.machines.len() as u16).map(CvmId);
    let mut plans = vec![Plan::new(cluster, settings, Story::Start, None)];
    for story in Story::ALL.into_iter().filter(|story| *story != Story::Start && story.is_for(cluster)) {
        plans.extend(machines.clone().map(|first| Plan::new(cluster, settings, story, Some(first))));
    }
    run(cluster, settings, plans, progress)
}

/// Some stories.
pub(super) fn run(
    cluster: &Cluster,
    settings: &Settings,
    plans: Vec<Plan>,
    progress: &dyn Progress,
) -> Result<Vec<Runs>, Refusal> {
    let mut jobs = Vec::new();
    for (i, plan) in plans.iter().enumerate() {
        let setup = prepare(cluster, &plan.script)?;
        jobs.extend(beginnings(plan, settings).into_iter().map(|(seed, phases)| Job {
            plan: i,
            setup: Arc::new(Setup { seed, ..setup.clone() }),
            phases,
        }));
    }
    let (done, all) = (AtomicUsize::new(0), jobs.len());
    let results: Vec<Vec<(u32, Figures)>> = jobs
        .par_iter()
        .map(|job| {
            let figures = job.run(&plans[job.plan], cluster, settings);
            progress.at(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            figures
        })
        .collect();
    let mut by_plan: Vec<Vec<(u32, Figures)>> = vec![Vec::new(); plans.len()];
    for (job, figures) in jobs.iter().zip(results) {
        by_plan[job.plan].extend(figures);
    }
    let runs = plans.into_iter().zip(by_plan).map(|(plan, mut figures)| {
        figures.sort_by_key(|(phase, _)| *phase);
        Runs { plan, figures: figures.into_iter().map(|(_, figures)| figures).collect() }
    });
    Ok(runs.collect())
}

/// Which seeds a story is run with, each at which phases. Where every machine boots there is no master yet whose
/// phase could count, and where frames are lost by chance a phase is not another draw: there every run has a seed
/// of its own. So it has on a lan, where it draws how long the client's ARP entry is good.
fn beginnings(plan: &Plan, settings: &Settings) -> Vec<(u64, Vec<u32>)> {
    let phases = 0..settings.phases;
    if settings.lan || matches!(plan.story, Story::Start | Story::Loss) {
        return phases.map(|phase| (u64::from(phase) + 1, vec![phase])).collect();
    }
    let of = |seed: u64| phases.clone().filter(|phase| u64::from(*phase) % SEEDS + 1 == seed).collect();
    (1..=SEEDS)
        .map(|seed| (seed, of(seed)))
        .filter(|(_, phases): &(u64, Vec<u32>)| !phases.is_empty())
        .collect()
}

struct Job {
    plan: usize,
    setup: Arc<Setup>,
    phases: Vec<u32>,
}

impl Job {
    /// The runs of one beginning. None, if the wrong machine is master when the story is to begin.
    fn run(&self, plan: &Plan, cluster: &Cluster, settings: &Settings) -> Vec<(u32, Figures)> {
        let setup = &self.setup;
        let mut base = EventLoop::new(Arc::clone(setup));
        let mut watch = Measure::new(setup, plan);
        if let Some(story) = setup.acts.get(plan.before) {
            base.run(story.at.saturating_sub(Duration::from_nanos(1)), &mut watch);
        }
        if !watch.settled() {
            return Vec::new();
        }
        let (interval, turns) = (plan.interval(cluster), plan.turns(cluster));
        let mut all = Vec::new();
        for &phase in &self.phases {
            let shift = match plan.first {
                Some(_) => {
                    shift(interval, phase, settings.phases) + interval * (u64::from(phase) / turns % turns)
                }
                None => Duration::ZERO,
            };
            let (mut engine, mut watch) = (base.clone(), watch.clone());
            engine.shift_acts(shift);
            let extra = interval * (u64::from(phase) % turns);
            if let Some(mark) = setup.acts.get(plan.mark as usize).filter(|_| !extra.is_zero()) {
                engine.run(mark.at + shift, &mut watch);
                engine.shift_acts(shift + extra);
            }
            let end = Time::ZERO + setup.run + shift + extra;
            engine.run(end, &mut watch);
            all.push((phase, watch.figures(setup, setup.seed, (shift, extra), end)));
        }
        all
    }
}

/// The `phase`-th of `count` shifts through an interval, on the grid.
fn shift(interval: Duration, phase: u32, count: u32) -> Duration {
    let share = u128::from(interval.as_nanos()) * u128::from(phase) / u128::from(count.max(1));
    let tick = Script::TICK.as_nanos();
    Duration::from_nanos(share as u64 / tick * tick)
}

/// A script of this cluster, ready to run.
fn prepare(cluster: &Cluster, script: &Script) -> Result<Setup, Refusal> {
    let read = |name: &str| match cluster.machines.iter().find(|machine| machine.file == name) {
        Some(machine) => Ok(machine.text.clone()),
        None => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let Scenario { setup, .. } = script.prepare(&read, &load_keepalived).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ScriptError::one_line).collect();
        Refusal::new(format!("these files make no cluster: {}", lines.join("; ")))
            .advise("give the range all addresses are in with --subnet; its first address is the gateway's")
    })?;
    Ok(setup)
}
