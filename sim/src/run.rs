//! From a scenario file to its record: what the command line, the harness and the tests all call.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use havip::profile::Profile;
use havip::time::{Duration, Time};

use crate::engine::{Engine, EventLoop};
use crate::observe::{Expectations, Facts, FrameDigest, Observer, Phases, Record, Recorder};
use crate::rules::{Rules, Watch};
use crate::scenario::{Expect, Expectation, Scenario, Script, ScriptError, load_keepalived};
use crate::world::{CvmId, Look, ProgramSetup, Report, Setup, Wants};

/// Why a scenario file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Something in it, or in what it names, is wrong.
    #[error("{}", .0.iter().map(ScriptError::one_line).collect::<Vec<_>>().join("\n"))]
    Wrong(Vec<ScriptError>),
}

/// Reads a scenario file and the configuration files it names. A seed given replaces the file's.
pub fn open(path: &Path, seed: Option<u64>) -> Result<Scenario, OpenError> {
    open_as(path, seed, None)
}

/// The same with every machine under a profile, if one is given.
pub fn open_as(path: &Path, seed: Option<u64>, profile: Option<Profile>) -> Result<Scenario, OpenError> {
    let unreadable = |error| OpenError::Unreadable { path: path.to_owned(), error };
    let text = std::fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&text);
    let mut script = Script::parse(&path.display().to_string(), &text).map_err(OpenError::Wrong)?;
    script.seed = seed.unwrap_or(script.seed);
    if let Some(profile) = profile {
        script = script.under(profile);
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let scenario = script.prepare(&read, &load_keepalived).map_err(OpenError::Wrong)?;
    Ok(Scenario { under: profile, ..scenario })
}

/// Runs a scenario in the event loop: once, or through all its phases. The record of phases is the worst run's, with
/// everybody's numbers beside it.
pub fn run(scenario: &Scenario) -> Record {
    run_with(scenario, Engine::EventLoop, None)
}

/// The same in an engine of choice, and somebody else may watch too. Phases are run in the event loop all the same;
/// turmoil, and whoever watches, get the worst of them, which is run once more for that.
pub fn run_with(scenario: &Scenario, engine: Engine, also: Option<&mut dyn Observer>) -> Record {
    let setup = &Arc::new(scenario.setup.clone());
    let (shift, summary) = match worst_phase(scenario, setup) {
        None => (Duration::ZERO, None),
        Some((_, record)) if engine == Engine::EventLoop && also.is_none() => return record,
        Some((shift, record)) => (shift, record.summary),
    };
    let run = Run { scenario, setup, shift, engine };
    let record = match also {
        Some(also) => run_shifted(run, also),
        None => run_shifted(run, &mut ()),
    };
    Record { summary, ..record }
}

/// The profiles that a scenario file asks to be run under besides its own; none where it cannot be read.
pub fn also(path: &Path) -> Vec<Profile> {
    let text = std::fs::read(path).unwrap_or_default();
    let script = Script::parse("", &String::from_utf8_lossy(&text));
    script.map_or_else(|_| Vec::new(), |script| script.also)
}

/// By how much the acts of the worst of the phases were shifted, and its record; `None` of a scenario that is one run.
pub(crate) fn worst_phase(scenario: &Scenario, setup: &Arc<Setup>) -> Option<(Duration, Record)> {
    let (count, first) = (scenario.phases?, setup.acts.first()?.at);
    let interval = advert_interval(setup, first);
    let shift = |k| phase(interval, k, count, setup.tick);
    let mut phases = Phases::new();
    for k in 0..count {
        phases.add(run_shifted(Run { scenario, setup, shift: shift(k), engine: Engine::EventLoop }, &mut ()));
    }
    Some((phases.worst().map(shift)?, phases.finish()?))
}

/// The `k`-th of `count` shifts through an interval, on the grid.
fn phase(interval: Duration, k: u32, count: u32, tick: Duration) -> Duration {
    let share = u128::from(interval.as_nanos()) * u128::from(k) / u128::from(count);
    let tick = tick.as_nanos().max(1);
    Duration::from_nanos(share as u64 / tick * tick)
}

/// One run: its acts, and what is expected from the first of them on, so much later.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) scenario: &'a Scenario,
    /// The scenario's setup, shared.
    pub(crate) setup: &'a Arc<Setup>,
    pub(crate) shift: Duration,
    pub(crate) engine: Engine,
}

/// Makes one run. Somebody else may watch as well.
pub(crate) fn run_shifted(run: Run<'_>, watcher: &mut dyn Observer) -> Record {
    let Run { scenario, setup, shift, engine } = run;
    let first = setup.acts.first().map_or(Time::MAX, |act| act.at);
    let profile = setup.profile().map(|profile| profile.name());
    let mut expected = scenario.expectations.clone();
    expected.retain(|one| one.only.is_none_or(|only| Some(only.name()) == profile));
    for expectation in &mut expected {
        expectation.expect = expectation.expect.shifted(first, shift);
    }
    let end = Time::ZERO + setup.run + shift;
    let own = (Recorder::new(setup), Expectations::new(setup, &expected), FrameDigest::new());
    let mut observers = (own, watch_rules(setup, &expected, shift), watcher);
    engine.run(setup, shift, end, &mut observers);
    observers.finish(setup, end);
    let ((recorder, expectations, frames), rules, _) = observers;
    let mut record = recorder.record(setup, expectations.verdicts(), Some(frames.value()));
    for row in &mut record.verdicts {
        let Expect::Rule(rule) = row.verdict.expect else { continue };
        let mut broken = rules.iter().flat_map(Watch::violations);
        if let Some(one) = broken.find(|one| one.rule == rule) {
            row.break_rule(one.at, one.what.clone());
        }
    }
    Record { under: scenario.under, ..record }
}

/// Watches for the rules that a script expects, if it does. Behind the last act nothing is wrong any more.
fn watch_rules(setup: &Setup, expected: &[Expectation], shift: Duration) -> Option<Watch> {
    let rules = expected.iter().fold(Rules::NONE, |rules, one| match one.expect {
        Expect::Rule(rule) => rules.with(rule),
        _ => rules,
    });
    let healed = setup.acts.last().map_or(Time::ZERO, |act| act.at + shift);
    (rules != Rules::NONE).then(|| Watch::new(setup, rules, None, healed))
}

/// The advertisement interval of whoever is master just before an instant; where nobody is, the longest there is.
pub fn advert_interval(setup: &Arc<Setup>, at: Time) -> Duration {
    let mut watch = Masters(Facts::new(setup));
    let before = at.saturating_sub(Duration::from_nanos(1));
    EventLoop::new(Arc::clone(setup)).run(before, &mut watch);
    let interval_of = |i: usize| {
        let ProgramSetup::Agent { config, .. } = &setup.cvms[i].program;
        config.instances.iter().map(|instance| instance.advert_interval).max()
    };
    let machines = 0..setup.cvms.len();
    let of_master =
        machines.clone().filter(|&i| watch.0.is_master(CvmId(i as u16))).filter_map(interval_of).max();
    of_master.or_else(|| machines.filter_map(interval_of).max()).unwrap_or(Duration::from_secs(1))
}

/// Follows the facts and nothing else.
struct Masters(Facts);

impl Observer for Masters {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: false, beats: false, probes: false }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.0.begin();
        for report in reports {
            self.0.apply(setup, look, report);
        }
    }
}
