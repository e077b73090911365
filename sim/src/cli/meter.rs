//! How far a campaign has come, and whether it is to stop: the only clock of the program.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "people's time, not the world's: nothing of it is in a result"
)]

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::explore::{Counts, Progress, grouped};

/// Somebody has pressed Ctrl-C.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C stops a campaign in good order; a second one ends the program at once.
pub(super) fn listen() {
    // It fails where somebody else listens already, who then ends the program.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(super::INTERRUPTED.into());
        }
    });
}

/// Whether somebody has pressed Ctrl-C.
pub(super) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// The bar's length.
const BAR: u64 = 24;
/// How often it is drawn.
const OFTEN: Duration = Duration::from_millis(100);

/// Counts, draws on a terminal, and stops when the time is up.
pub(super) struct Meter {
    shown: bool,
    began: Instant,
    until: Option<Instant>,
    /// What is done already, and what there is to do.
    done: u64,
    all: u64,
    counts: Counts,
    drawn: Mutex<Instant>,
}

impl Meter {
    pub(super) fn new(done: u64, all: u64, longest: Option<havip::time::Duration>) -> Meter {
        let began = Instant::now();
        let longest = longest.map(|longest| Duration::from_nanos(longest.as_nanos()));
        Meter {
            shown: std::io::stderr().is_terminal(),
            began,
            until: longest.and_then(|longest| began.checked_add(longest)),
            done,
            all,
            counts: Counts::default(),
            drawn: Mutex::new(began),
        }
    }

    /// So many runs of a rule's shrinking.
    pub(super) fn shrinks(&self, rule: &str, runs: usize) {
        if self.shown {
            eprint!("\r\x1b[Kshrinking {rule}: {runs} runs");
        }
    }

    pub(super) fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }

    fn draw(&self, now: Instant, (seeds, found): (u64, u64)) {
        let millis = now.duration_since(self.began).as_millis().max(1);
        eprint!("\r\x1b[K{}", bar((self.done + seeds, self.all), seeds, found, millis));
    }
}

impl Progress for Meter {
    fn seed(&self, found: bool) {
        let counts = self.counts.seed(found);
        if !self.shown {
            return;
        }
        // Who finds somebody else drawing has nothing to add.
        let Ok(mut drawn) = self.drawn.try_lock() else { return };
        let now = Instant::now();
        if now.duration_since(*drawn) >= OFTEN {
            *drawn = now;
            self.draw(now, counts);
        }
    }

    fn stops(&self) -> bool {
        interrupted() || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// `[#####-----]  50 %  500 of 1,000 seeds  3 found  9,800/s  2 s left`.
fn bar((done, all): (u64, u64), here: u64, found: u64, millis: u128) -> String {
    let share = |of: u64| (u128::from(done.min(all)) * u128::from(of) / u128::from(all.max(1))) as usize;
    let (full, percent) = (share(BAR), share(100));
    let rate = (u128::from(here) * 1_000 / millis.max(1)) as u64;
    let left = match all.saturating_sub(done).checked_div(rate) {
        Some(seconds @ 0..=119) => format!("{seconds} s left"),
        Some(seconds @ 120..=7_199) => format!("{} min left", seconds / 60),
        Some(seconds) => format!("{} h left", grouped(seconds / 3_600)),
        None => String::new(),
    };
    let (full, rest) = ("#".repeat(full), "-".repeat(BAR as usize - full));
    let [done, all, found, rate] = [done, all, found, rate].map(grouped);
    format!("[{full}{rest}] {percent:>3} %  {done} of {all} seeds  {found} found  {rate}/s  {left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_rate_and_time_left() {
        let half = bar((5_000, 10_000), 4_000, 3, 2_000);
        assert_eq!(
            half,
            "[############------------]  50 %  5,000 of 10,000 seeds  3 found  2,000/s  2 s left"
        );
        let none = bar((0, 0), 0, 0, 0);
        assert!(none.starts_with("[------------------------]   0 %  0 of 0 seeds"), "{none}");
        assert!(bar((1, u64::MAX), 1, 0, 1).contains(" h left"));
    }
}
