//! The one place with a clock.

use std::sync::atomic::{AtomicU64, Ordering};

use havip::time::{Duration, Time};

/// What time it is: of the world outside, and of the cloud, which runs faster under `--speed`.
#[derive(Debug)]
pub struct Clock {
    #[allow(clippy::disallowed_types, reason = "the server's own clock, nothing simulated")]
    start: std::time::Instant,
    /// The instant at which the server started.
    base: Time,
    speed: u64,
    last: AtomicU64,
}

impl Clock {
    /// A clock that starts now; the cloud's time runs so many times as fast.
    #[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the server's own clock")]
    pub fn new(speed: u64) -> Clock {
        let base = Time::from_nanos(wall_nanos());
        Clock { start: std::time::Instant::now(), base, speed: speed.max(1), last: AtomicU64::new(0) }
    }
    /// The cloud's time, from 1970. It never goes back.
    pub fn now(&self) -> Time {
        let now = (self.base + self.since_start()).as_nanos();
        Time::from_nanos(self.last.fetch_max(now, Ordering::Relaxed).max(now))
    }
    /// How much of the cloud's time has passed since the start.
    pub fn since_start(&self) -> Duration {
        let passed = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(passed.saturating_mul(self.speed))
    }
    /// When the server started, in the cloud's time.
    pub fn base(&self) -> Time {
        self.base
    }
    /// The time outside, in seconds from 1970: what signatures are held against.
    pub fn wall_seconds(&self) -> u64 {
        wall_nanos() / 1_000_000_000
    }
}

#[allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the server's own clock")]
fn wall_nanos() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
