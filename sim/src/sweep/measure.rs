//! What a point costs: outages of its failures, false takeovers of its quiet time, frames of every second.

use std::sync::Arc;

use havip::config::Instance;
use havip::program::{Record as Said, Role};
use havip::time::{Duration, Time};
use rayon::prelude::*;

use super::cluster::{Cluster, why};
use super::grid::{Point, hash};
use super::number::Number;
use super::plan::Plan;
use super::stories::{Lasts, acts};
use super::target::Limit;
use crate::engine::EventLoop;
use crate::observe::{Facts, Observer, Outages};
use crate::trial::Story;
use crate::world::{
    Act, ClientId, CvmId, End, Kind, Kinds, Look, NodeId, Path, Ppm, ProgramSetup, Report, Setup, TimedAct,
    Wants, What,
};

/// What a point's runs came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// By story, in the plan's order.
    pub stories: Vec<StoryFigures>,
    /// How long it was watched while nothing happened.
    pub quiet: Duration,
    /// How often a machine became master in that time: no act caused it.
    pub takeovers: u64,
    /// How many false takeovers a year has if every frame is lost by its own chance alone: a backup takes over
    /// when it heard an advert and none of the next N, so (1-p) p^N for each interval and each backup.
    pub formula: Number,
    /// Advertisements that all machines together send in a second, one to each peer.
    pub adverts: Number,
    /// Announcements of addresses that they send in a second.
    pub claims: Number,
}

/// What a story's runs at a point came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryFigures {
    /// Which.
    pub story: Story,
    /// The outage that half of the runs do not pass.
    pub p50: Lasted,
    /// That 99 of 100 do not pass.
    pub p99: Lasted,
    /// The longest.
    pub max: Lasted,
    /// By limit of the target on an outage.
    pub asked: Vec<Lasted>,
    /// Runs in which a client was still out at their end.
    pub open: u32,
    /// Runs in which nobody was master before the failure, or no client was served.
    pub unserved: u32,
}

/// How long an outage lasted; one that had not ended is longer than any that had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lasted {
    /// It had not ended when the run did.
    pub open: bool,
    /// As far as it was seen.
    pub time: Duration,
}

/// A year of 365 days.
pub(super) const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// The quiet time is watched in stretches, each a run of its own.
const STRETCH: Duration = Duration::from_secs(6 * 3600);
/// Frames are counted for so long, and for as long at least.
const COUNTED: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3600));

impl Figures {
    /// The story with the longest p99; of equal ones the first.
    pub fn worst(&self) -> &StoryFigures {
        let order = |(i, one): &(usize, &StoryFigures)| (one.p99, one.max, std::cmp::Reverse(*i));
        let worst = self.stories.iter().enumerate().max_by_key(order);
        worst.map_or(&self.stories[0], |(_, one)| one)
    }
    /// False takeovers as they were seen, a year.
    pub fn seen(&self) -> Number {
        a_year(self.takeovers, self.quiet)
    }
    /// Less than this a year, with 95 % confidence, where none was seen: three in the time watched (rule of three).
    /// `None` where some were seen, or nobody watched.
    pub fn bound(&self) -> Option<Number> {
        (self.takeovers == 0 && !self.quiet.is_zero()).then(|| a_year(3, self.quiet))
    }
    /// What is held against a limit: as many as were seen or as the formula has, whichever is more.
    pub fn judged(&self) -> Number {
        self.seen().max(self.formula)
    }
    /// What the machines send in a second, all frames.
    pub fn traffic(&self) -> Number {
        self.adverts.plus(self.claims)
    }
}

fn a_year(count: u64, of: Duration) -> Number {
    Number::ratio(u128::from(count) * u128::from(YEAR.as_nanos()), of.as_nanos().into())
}

/// A point's script, ready to run.
pub(super) fn prepare(cluster: &Cluster, plan: &Plan, point: &Point) -> Result<Setup, String> {
    let script = plan.grid.script(&cluster.script, point);
    let words = |error| format!("{}: {error}", plan.grid.in_words(point, true));
    cluster.prepare(&script).map_err(|errors| words(why(&errors)))
}

/// Runs a point.
pub(super) fn measure(setup: &Setup, plan: &Plan, point: &Point) -> Figures {
    let lab = Lab::new(setup, plan, plan.grid.loss(point).unwrap_or(Ppm(0)));
    let limits = plan.target.iter().flat_map(|target| &target.limits);
    let asked: Vec<u32> = limits
        .filter_map(|limit| match limit {
            Limit::Outage { ppm, .. } => Some(*ppm),
            Limit::FalseTakeovers { .. } => None,
        })
        .collect();
    let stories = plan.stories.iter().map(|&story| lab.story(story, &asked)).collect();
    let (takeovers, adverts, claims) = lab.quiet();
    Figures { stories, quiet: plan.quiet, takeovers, formula: formula(setup, lab.loss), adverts, claims }
}

/// A point, and when things happen in its runs.
struct Lab<'a> {
    plan: &'a Plan,
    /// Nothing happens in it.
    setup: &'a Setup,
    loss: Ppm,
    /// By then an election is over, and what follows it; frames are lost from here on.
    settled: Time,
    lasts: Lasts,
    /// The failure comes this much later at most: every part of an interval, and of the time between two refreshes.
    phases: Duration,
    /// How long a run goes on after its last act.
    observed: Duration,
}

impl Lab<'_> {
    fn new<'a>(setup: &'a Setup, plan: &'a Plan, loss: Ppm) -> Lab<'a> {
        let longest = |of: fn(&Instance) -> Duration| instances(setup).map(of).max().unwrap_or_default();
        let s = Duration::from_secs;
        let interval = longest(|i| i.advert_interval).max(setup.tick);
        // A skew time is shorter than an interval, or than a second.
        let down = longest(|i| i.advert_interval * (u64::from(i.down_timer_adverts) + 1)).max(s(1));
        // Who refreshes more seldom leaves a client out for longer than a run is worth: it counts as still out.
        let refresh = longest(|i| i.garp.master_refresh).min(s(3600));
        let startup =
            (0..setup.cvms.len()).map(|cvm| config(setup, cvm).startup_delay).max().unwrap_or_default();
        let preempt = longest(|i| i.preempt_delay);
        let bursts = longest(|i| i.garp.master_delay);
        let elected = startup + down * 2 + preempt + bursts + setup.bind_delay.1;
        let turns = (refresh.as_nanos().div_ceil(interval.as_nanos()) + 1).min(50);
        Lab {
            plan,
            setup,
            loss,
            settled: Time::ZERO + whole(elected + s(3)),
            lasts: Lasts { down: whole(down), longer: Duration::ZERO },
            phases: if refresh.is_zero() { interval } else { interval * turns },
            observed: whole(elected + refresh + s(15)),
        }
    }

    /// Every run of a story.
    fn story(&self, story: Story, asked: &[u32]) -> StoryFigures {
        let runs = (0..self.plan.runs).into_par_iter();
        let all: Vec<Option<Lasted>> = runs.map(|k| self.run(story, k)).collect();
        let unserved = all.iter().filter(|one| one.is_none()).count() as u32;
        // Who was not served before a failure was out all the time.
        let never = Lasted { open: true, time: self.observed };
        let mut all: Vec<Lasted> = all.into_iter().map(|one| one.unwrap_or(never)).collect();
        all.sort_unstable();
        let quantile = |ppm: u32| {
            let rank = (all.len() as u64 * u64::from(ppm)).div_ceil(1_000_000).max(1);
            all[rank as usize - 1]
        };
        StoryFigures {
            story,
            p50: quantile(500_000),
            p99: quantile(990_000),
            max: quantile(1_000_000),
            asked: asked.iter().map(|ppm| quantile(*ppm)).collect(),
            open: all.iter().filter(|one| one.open).count() as u32 - unserved,
            unserved,
        }
    }

    /// One run: the longest outage from the failure on. `None` where there was nobody to fail.
    ///
    /// The same run of every point has the same seed. Its phase is drawn from its own share of all phases, the first
    /// run's from the first: so few runs meet them all.
    fn run(&self, story: Story, k: u32) -> Option<Lasted> {
        let named = |purpose: u64| hash(self.plan.seed, &[purpose, story as u64, k.into()]);
        let tick = self.setup.tick;
        let steps = u128::from(self.phases.as_nanos() / tick.as_nanos().max(1));
        let share = (u128::from(k) << 64) + u128::from(named(2));
        let shift = tick * ((share * steps / u128::from(self.plan.runs)) >> 64) as u64;
        let longer = tick * ((u128::from(named(3)) * steps) >> 64) as u64;
        let at = self.settled + self.lasts.down + shift;
        let mut master = CvmId(0);
        for _ in 0..=self.setup.cvms.len() {
            let mut story = acts(story, master, at, Lasts { longer, ..self.lasts });
            let last = story.last().map_or(at, |act| act.at);
            let end = last + self.observed;
            let mut list = self.losses();
            list.append(&mut story);
            let (run, seed) = (end - Time::ZERO, named(1));
            let setup = Arc::new(Setup { acts: list, run, seed, ..self.setup.clone() });
            let mut engine = EventLoop::new(Arc::clone(&setup));
            let mut watch = Suffered { facts: Facts::new(&setup), outages: Outages::new(&setup) };
            engine.run(at.saturating_sub(Duration::from_nanos(1)), &mut watch);
            let found = watch.master(&setup)?;
            // What comes later changes nothing of what was before: the same beginning has the same master.
            if found == master {
                engine.run(end, &mut watch);
                return watch.suffered(&setup, at, end);
            }
            master = found;
        }
        None
    }

    fn losses(&self) -> Vec<TimedAct> {
        // A probe that is lost is no outage of the address.
        let kinds =
            [Kind::Vrrp, Kind::Arp, Kind::Garp, Kind::Other].into_iter().fold(Kinds::NONE, Kinds::with);
        let all = Path { from: End::Any, to: End::Any, both: false };
        let act = Act::Loss(self.loss, kinds, all);
        let lost = (self.loss.0 > 0).then_some(TimedAct { at: self.settled, act, line: 0 });
        lost.into_iter().collect()
    }

    /// How often somebody became master while nothing happened; adverts and claims a second.
    fn quiet(&self) -> (u64, Number, Number) {
        let quiet = self.plan.quiet;
        let counted = quiet.max(COUNTED.0).min(COUNTED.1);
        let stretches = quiet.as_nanos().div_ceil(STRETCH.as_nanos()).max(1);
        let all: Vec<Counts> = (0..stretches)
            .into_par_iter()
            .map(|k| {
                let seed = hash(self.plan.seed, &[4, k]);
                let (acts, clients) = (self.losses(), Vec::new());
                let left = quiet.saturating_sub(STRETCH * k);
                let mut counts = Counts { from: self.settled, ..Counts::default() };
                let end = self.settled + left.min(STRETCH);
                let last = if k == 0 { end.max(self.settled + counted) } else { end };
                let run = last - Time::ZERO;
                let setup = Arc::new(Setup { acts, clients, run, seed, ..self.setup.clone() });
                let mut engine = EventLoop::new(setup);
                engine.run(self.settled, &mut counts);
                if k == 0 {
                    (counts.frames, counts.until) = (true, end);
                    engine.run(self.settled + counted, &mut counts);
                    counts.frames = false;
                }
                counts.until = end;
                engine.run(end, &mut counts);
                counts
            })
            .collect();
        let sum = |of: fn(&Counts) -> u64| all.iter().map(of).sum::<u64>();
        let a_second =
            |count: u64| Number::ratio(u128::from(count) * 1_000_000_000, counted.as_nanos().into());
        (sum(|c| c.takeovers), a_second(sum(|c| c.adverts)), a_second(sum(|c| c.claims)))
    }
}

/// Up to a whole second.
fn whole(time: Duration) -> Duration {
    Duration::from_secs(time.as_nanos().div_ceil(1_000_000_000))
}

fn config(setup: &Setup, cvm: usize) -> &havip::config::Config {
    let ProgramSetup::Agent { config, .. } = &setup.cvms[cvm].program;
    config
}

fn instances(setup: &Setup) -> impl Iterator<Item = &Instance> {
    (0..setup.cvms.len()).flat_map(|cvm| config(setup, cvm).instances.iter().map(|instance| &**instance))
}

/// False takeovers a year if losses are independent. A virtual router's master is whoever has the highest priority.
fn formula(setup: &Setup, loss: Ppm) -> Number {
    let p = Number::ratio(loss.0.into(), 1_000_000);
    let heard = Number::ratio(u128::from(1_000_000 - loss.0.min(1_000_000)), 1_000_000);
    let on = (0..setup.cvms.len()).filter(|&cvm| !setup.cvms[cvm].off);
    let mut all: Vec<&Instance> =
        on.flat_map(|cvm| config(setup, cvm).instances.iter().map(|instance| &**instance)).collect();
    // Stable: of equal priorities the first machine's.
    all.sort_by_key(|one| (one.vrid, std::cmp::Reverse(one.priority)));
    let mut sum = Number::ZERO;
    for router in all.chunk_by(|a, b| a.vrid == b.vrid) {
        let every = router[0].advert_interval.as_nanos();
        let intervals = Number::ratio(YEAR.as_nanos().into(), every.into());
        for backup in &router[1..] {
            let lost = p.to_the(backup.down_timer_adverts.into());
            sum = sum.plus(intervals.times(heard).times(lost));
        }
    }
    sum
}

/// Watches what clients suffer.
struct Suffered {
    facts: Facts,
    outages: Outages,
}

impl Suffered {
    /// Who is master; of several whoever the first client reaches.
    fn master(&self, setup: &Setup) -> Option<CvmId> {
        let masters = (0..setup.cvms.len() as u16).map(CvmId).filter(|cvm| self.facts.is_master(*cvm));
        let masters: Vec<CvmId> = masters.collect();
        let reached = masters.iter().find(|cvm| self.facts.reached(ClientId(0)) == Some(NodeId(cvm.0)));
        reached.or(masters.first()).copied()
    }

    /// The longest outage after an instant; `None` where no client had been served before.
    fn suffered(&mut self, setup: &Setup, at: Time, end: Time) -> Option<Lasted> {
        self.outages.finish(setup, &self.facts, end);
        let served = self.outages.unreached().any(|one| one.to.is_some_and(|first| first < at));
        let after = self.outages.all().iter().filter(|one| one.still_out || one.to > at);
        let longest = after.map(|one| Lasted { open: one.still_out, time: one.length() }).max();
        served.then(|| longest.unwrap_or_default())
    }
}

impl Observer for Suffered {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: false, beats: false, probes: false }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.facts.begin();
        for report in reports {
            self.facts.apply(setup, look, report);
            self.outages.apply(setup, look, &self.facts, report);
        }
    }
}

/// Counts while nothing happens.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    from: Time,
    until: Time,
    frames: bool,
    takeovers: u64,
    adverts: u64,
    claims: u64,
}

impl Observer for Counts {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: self.frames, beats: self.frames, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports.iter().filter(|report| report.at > self.from) {
            match report.what {
                What::Record(_, Said::Transition { to: Role::Master, .. }) if report.at <= self.until => {
                    self.takeovers += 1;
                }
                What::Sent { kind: Kind::Vrrp, .. } => self.adverts += 1,
                What::Sent { frame, kind: Kind::Garp } if look.mark(frame).is_none() => self.claims += 1,
                _ => {}
            }
        }
    }
}
