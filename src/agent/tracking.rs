//! What is tracked: scripts run on a period, files whose number counts, processes that run or do not.
//!
//! A script's verdict follows keepalived's counter: it is good at the top of `0..rise + fall`, bad at the bottom, each
//! success a step up and each failure a step down, and on reaching `rise` from below, or falling under it from above, it
//! jumps to that end. The first run decides alone.
//!
//! A process is good while its quorum runs. What changes counts once its delay is over, unless it has changed back by
//! then: a service that begins again, or forks and execs, is no failure. What runs at the start counts at once.

use tracing::info;

use crate::config::{Config, TrackProcess, TrackScript};
use crate::program::{Action, Actions, Now, ScriptId, ScriptResult, WatchId};
use crate::time::Time;

/// Every script, file and process of a machine, by their place in the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracking {
    scripts: Vec<Script>,
    files: Vec<Option<i64>>,
    processes: Vec<Process>,
}

#[derive(Clone, Copy, Debug)]
struct Script {
    counter: u32,
    /// Its verdict, once it has one.
    good: Option<bool>,
    /// No run has ended yet.
    first: bool,
    running: bool,
    /// When it is to run next.
    due: Time,
    /// When the run that is under way has failed.
    fails: Time,
}

#[derive(Clone, Copy, Debug)]
struct Process {
    /// Whether its quorum runs, once that is known.
    good: Option<bool>,
    /// When that becomes the other one.
    turns: Time,
}

impl Tracking {
    /// Begins to track. What an earlier configuration knew of a script or a process of the same name is kept.
    pub(super) fn start(
        config: &Config,
        old: Option<(&Tracking, &Config)>,
        now: Now,
        out: &mut Actions,
    ) -> Self {
        let known = |script: &TrackScript| {
            let (tracking, config) = old?;
            let at = config.scripts.iter().position(|s| s.name == script.name)?;
            tracking.scripts.get(at).filter(|s| !s.first).map(|s| (s.counter, s.good))
        };
        let was_good = |process: &TrackProcess| {
            let (tracking, config) = old?;
            let at = config.processes.iter().position(|p| p.name == process.name)?;
            tracking.processes.get(at)?.good
        };
        let begin = |script: &TrackScript| {
            let (counter, good) = known(script).unwrap_or((0, script.init_fail.then_some(false)));
            let first = known(script).is_none();
            Script { counter, good, first, running: false, due: now.mono, fails: Time::MAX }
        };
        let mut tracking = Tracking {
            scripts: config.scripts.iter().map(begin).collect(),
            files: vec![None; config.files.len()],
            processes: config
                .processes
                .iter()
                .map(|one| Process { good: was_good(one), turns: Time::MAX })
                .collect(),
        };
        for (i, one) in config.processes.iter().enumerate() {
            out.push(Action::WatchProcess { watch: WatchId(i as u16), name: &one.process });
        }
        for (i, file) in config.files.iter().enumerate() {
            out.push(Action::WatchFile { file: WatchId(i as u16), path: &file.path });
        }
        tracking.timer(config, now, out);
        tracking
    }

    /// A script's verdict; nothing before its first run has ended.
    pub(super) fn script(&self, index: u16) -> Option<bool> {
        self.scripts.get(usize::from(index))?.good
    }

    /// A file's number; nothing before it was read.
    pub(super) fn file(&self, index: u16) -> Option<i64> {
        *self.files.get(usize::from(index))?
    }

    /// Whether the quorum of a process runs; nothing before its first count.
    pub(super) fn process(&self, index: u16) -> Option<bool> {
        self.processes.get(usize::from(index))?.good
    }

    /// Runs what is due, ends what takes too long. Whether a verdict changed.
    pub(super) fn timer(&mut self, config: &Config, now: Now, out: &mut Actions) -> bool {
        let mut changed = false;
        for (i, (script, setup)) in self.scripts.iter_mut().zip(&config.scripts).enumerate() {
            let id = ScriptId(i as u16);
            if script.due <= now.mono {
                script.due += setup.interval;
                if script.running {
                    info!("Track script {} is already running, expect idle - skipping run", setup.name);
                } else {
                    (script.running, script.fails) = (true, now.mono + setup.timeout);
                    out.push(Action::RunScript { script: id, command: &setup.command });
                }
            }
            if script.fails <= now.mono {
                script.fails = Time::MAX;
                info!("Script `{}` now returning timed_out", setup.name);
                out.push(Action::KillScript { script: id });
                changed |= script.count(false, setup);
            }
        }
        for process in self.processes.iter_mut().filter(|p| p.turns <= now.mono) {
            (process.good, process.turns) = (process.good.map(|good| !good), Time::MAX);
            changed = true;
        }
        changed
    }

    /// A script has ended. Whether its verdict changed.
    pub(super) fn ended(&mut self, config: &Config, script: ScriptId, result: ScriptResult) -> bool {
        let index = usize::from(script.0);
        let (Some(script), Some(setup)) = (self.scripts.get_mut(index), config.scripts.get(index)) else {
            return false;
        };
        script.running = false;
        // One that took too long has been counted when it did.
        let in_time = std::mem::replace(&mut script.fails, Time::MAX) != Time::MAX;
        in_time && script.count(result == ScriptResult::Exited(0), setup)
    }

    /// A file was read. Whether its number changed.
    pub(super) fn read(&mut self, config: &Config, file: WatchId, text: Option<&str>) -> bool {
        let index = usize::from(file.0);
        let (Some(known), Some(setup)) = (self.files.get_mut(index), config.files.get(index)) else {
            return false;
        };
        // `init_file` makes the file before it is first read.
        let made = setup.init.filter(|_| known.is_none() && (setup.overwrite || text.is_none()));
        // Measured (d14): a file that is gone, or holds no number, counts as 0, and nobody is warned.
        let number = made.or(Some(text.map_or(0, leading_number)));
        std::mem::replace(known, number) != number
    }

    /// So many of a process run. Whether that changed what counts.
    pub(super) fn counted(&mut self, config: &Config, watch: WatchId, running: u32, now: Now) -> bool {
        let index = usize::from(watch.0);
        let (Some(process), Some(setup)) = (self.processes.get_mut(index), config.processes.get(index))
        else {
            return false;
        };
        let (least, most) = setup.quorum;
        process.count((least..=most).contains(&running), setup, now.mono)
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Time {
        let scripts = self.scripts.iter().map(|s| s.due.min(s.fails));
        scripts.chain(self.processes.iter().map(|p| p.turns)).min().unwrap_or(Time::MAX)
    }
}

impl Script {
    /// Counts a run. Whether the verdict changed.
    fn count(&mut self, success: bool, setup: &TrackScript) -> bool {
        let top = setup.rise + setup.fall - 1;
        let first = std::mem::take(&mut self.first);
        self.counter = match success {
            true if first => top,
            true if self.counter + 1 == setup.rise => top,
            true => (self.counter + 1).min(top),
            false if first => 0,
            false if self.counter == setup.rise => 0,
            false => self.counter.saturating_sub(1),
        };
        let good = Some(self.counter >= setup.rise);
        if self.good != good {
            info!("VRRP_Script({}) {}", setup.name, if success { "succeeded" } else { "failed" });
        }
        std::mem::replace(&mut self.good, good) != good
    }
}

impl Process {
    /// Its quorum runs, or does not. Whether that counts at once and is something new.
    fn count(&mut self, runs: bool, setup: &TrackProcess, now: Time) -> bool {
        let delay = if runs { setup.fork_delay } else { setup.terminate_delay };
        if self.good == Some(runs) {
            self.turns = Time::MAX;
        } else if self.good.is_some() && !delay.is_zero() {
            // One process more or less on the same side of the quorum does not put it off.
            self.turns = self.turns.min(now + delay);
        } else {
            info!("Process {} is {} quorum", setup.name, if runs { "up to" } else { "below" });
            *self = Process { good: Some(runs), turns: Time::MAX };
            return true;
        }
        false
    }
}

/// The number a text begins with, as C's `strtol` finds it; 0 if none.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    let number = digits.fold(0i64, |n, d| n.saturating_mul(10).saturating_add(i64::from(d - b'0')));
    if negative { -number } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Duration;

    fn setup(rise: u32, fall: u32, init_fail: bool) -> TrackScript {
        let second = Duration::from_secs(1);
        let name = "chk".to_owned();
        TrackScript { command: name.clone(), name, interval: second, timeout: second, rise, fall, init_fail }
    }

    fn verdicts(setup: &TrackScript, runs: &str) -> String {
        let good = setup.init_fail.then_some(false);
        let mut script =
            Script { counter: 0, good, first: true, running: false, due: Time::ZERO, fails: Time::MAX };
        let verdict = |run: char| {
            script.count(run == '+', setup);
            if script.good == Some(true) { 'g' } else { 'b' }
        };
        runs.chars().map(verdict).collect()
    }

    #[test]
    fn the_first_run_decides_alone_and_then_rise_and_fall_do() {
        assert_eq!(verdicts(&setup(3, 3, false), "+--++---+++"), "gggggggbbbg");
        assert_eq!(verdicts(&setup(1, 2, false), "+-+--"), "ggggb");
        assert_eq!(verdicts(&setup(2, 1, false), "-+-++"), "bbbbg");
        assert_eq!(verdicts(&setup(3, 1, true), "+"), "g", "measured (d15c): one good run is enough");
    }

    #[test]
    fn a_process_counts_once_its_delay_is_over_unless_it_is_back_before() {
        let ms = |n: u64| Time::from_nanos(n * 1_000_000);
        let name = "haproxy".to_owned();
        let setup = TrackProcess {
            process: name.clone(),
            name,
            quorum: (2, 3),
            fork_delay: Duration::from_millis(50),
            terminate_delay: Duration::from_millis(400),
        };
        let config = Config { processes: vec![setup], ..Config::default() };
        let now = |n: u64| Now { mono: ms(n), utc: ms(n) };
        let mut tracking = Tracking::start(&config, None, now(0), &mut Actions::new());
        let (watch, mut out) = (WatchId(0), Actions::new());
        assert_eq!((tracking.process(0), tracking.deadline()), (None, Time::MAX));
        assert!(tracking.counted(&config, watch, 2, now(1)), "at the start it counts at once");
        assert!(!tracking.counted(&config, watch, 1, now(100)));
        assert!(!tracking.counted(&config, watch, 0, now(200)), "fewer still: not put off");
        assert_eq!((tracking.process(0), tracking.deadline()), (Some(true), ms(500)));
        assert!(!tracking.counted(&config, watch, 2, now(300)));
        assert_eq!(tracking.deadline(), Time::MAX, "back before the delay was over");
        assert!(!tracking.counted(&config, watch, 4, now(400)), "too many is bad as well");
        assert!(tracking.timer(&config, now(800), &mut out));
        assert_eq!((tracking.process(0), tracking.deadline()), (Some(false), Time::MAX));
        assert!(!tracking.counted(&config, watch, 3, now(900)));
        assert!(!tracking.timer(&config, now(949), &mut out) && tracking.timer(&config, now(950), &mut out));
        assert_eq!(tracking.process(0), Some(true));
        assert!(!tracking.counted(&config, WatchId(7), 0, now(960)), "a number that it did not give");
        // A reload keeps what was known until it is told anew.
        let again = Tracking::start(&config, Some((&tracking, &config)), now(999), &mut Actions::new());
        assert_eq!(again.process(0), Some(true));
    }

    #[test]
    fn a_file_counts_with_the_number_it_begins_with() {
        let numbers =
            ["5", " -20\n", "junk", "-5x", "", "+7", "99999999999999999999", "-"].map(leading_number);
        assert_eq!(numbers, [5, -20, 0, -5, 0, 7, i64::MAX, 0]);
    }
}
