//! What is tracked: scripts run on a period, files whose number counts.
//!
//! A script's verdict follows keepalived's counter: it is good at the top of `0..rise + fall`, bad at the bottom, each
//! success a step up and each failure a step down, and on reaching `rise` from below, or falling under it from above, it
//! jumps to that end. The first run decides alone.

use tracing::info;

use crate::config::{Config, TrackScript};
use crate::program::{Action, Actions, Now, ScriptId, ScriptResult, WatchId};
use crate::time::Time;

/// Every script and file of a machine, by their place in the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracking {
    scripts: Vec<Script>,
    files: Vec<Option<i64>>,
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

impl Tracking {
    /// Begins to track. What an earlier configuration knew of a script of the same name is kept.
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
        let begin = |script: &TrackScript| {
            let (counter, good) = known(script).unwrap_or((0, script.init_fail.then_some(false)));
            let first = known(script).is_none();
            Script { counter, good, first, running: false, due: now.mono, fails: Time::MAX }
        };
        let mut tracking = Tracking {
            scripts: config.scripts.iter().map(begin).collect(),
            files: vec![None; config.files.len()],
        };
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
    pub(super) fn read(&mut self, file: WatchId, text: Option<&str>) -> bool {
        let Some(known) = self.files.get_mut(usize::from(file.0)) else { return false };
        // Measured (d14): a file that is gone, or holds no number, counts as 0, and nobody is warned.
        let number = Some(text.map_or(0, leading_number));
        std::mem::replace(known, number) != number
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Time {
        self.scripts.iter().map(|s| s.due.min(s.fails)).min().unwrap_or(Time::MAX)
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
    fn a_file_counts_with_the_number_it_begins_with() {
        let numbers =
            ["5", " -20\n", "junk", "-5x", "", "+7", "99999999999999999999", "-"].map(leading_number);
        assert_eq!(numbers, [5, -20, 0, -5, 0, 7, i64::MAX, 0]);
    }
}
