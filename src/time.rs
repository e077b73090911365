//! Time without a clock: integer nanoseconds.
//!
//! Nothing here reads a clock. A [`Time`] is a point on some machine's time line (which one, the owner
//! knows), a [`Duration`] a length. Both are exact, saturate instead of wrapping and print in seconds.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

/// A point in time: nanoseconds since the origin of the time line it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any run.
    pub const MAX: Duration = Duration(u64::MAX);

    /// This length, or the next that is a multiple of `quantum`.
    pub const fn round_up(self, quantum: Duration) -> Duration {
        Duration(Time(self.0).round_up(quantum).0)
    }
    /// `n` nanoseconds.
    pub const fn from_nanos(n: u64) -> Self {
        Duration(n)
    }
    /// `n` microseconds, the grain of keepalived's own timers.
    pub const fn from_micros(n: u64) -> Self {
        Duration(n.saturating_mul(1_000))
    }
    /// `n` milliseconds.
    pub const fn from_millis(n: u64) -> Self {
        Duration(n.saturating_mul(1_000_000))
    }
    /// `n` hundredths of a second, the grain of VRRPv3's advertisement interval.
    pub const fn from_centis(n: u64) -> Self {
        Duration(n.saturating_mul(10_000_000))
    }
    /// `n` seconds.
    pub const fn from_secs(n: u64) -> Self {
        Duration(n.saturating_mul(1_000_000_000))
    }
    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// The length in whole microseconds, rounded down.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }
    /// The length in whole hundredths of a second, rounded down.
    pub const fn as_centis(self) -> u64 {
        self.0 / 10_000_000
    }
    /// The length in whole seconds, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000_000
    }
    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// `self - other`, or zero when `other` is longer.
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
    /// In seconds with `digits` decimals (at most nine), cut, not rounded: `3.6484`.
    pub fn display(self, digits: u8) -> Decimal {
        Decimal { nanos: self.0, digits }
    }
}

impl Time {
    /// The origin.
    pub const ZERO: Time = Time(0);
    /// Later than any event.
    pub const MAX: Time = Time(u64::MAX);

    /// The point `n` nanoseconds after the origin.
    pub const fn from_nanos(n: u64) -> Self {
        Time(n)
    }
    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
    /// The time since `earlier`, or zero when that lies ahead.
    pub const fn saturating_since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
    /// `self - span`, or the origin when that would lie before it.
    pub const fn saturating_sub(self, span: Duration) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
    /// This instant, or the next that is a multiple of `quantum` after the origin.
    pub const fn round_up(self, quantum: Duration) -> Time {
        match quantum.0 {
            0 | 1 => self,
            q => match self.0.checked_next_multiple_of(q) {
                Some(n) => Time(n),
                None => Time::MAX,
            },
        }
    }
    /// In seconds with `digits` decimals (at most nine), cut, not rounded: `20.0000`.
    pub fn display(self, digits: u8) -> Decimal {
        Decimal { nanos: self.0, digits }
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, span: Duration) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}
impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}
impl Sub for Time {
    type Output = Duration;
    /// The time since `earlier`; a caller that cannot know the order uses [`Time::saturating_since`].
    fn sub(self, earlier: Time) -> Duration {
        debug_assert!(earlier <= self, "{self:?} is before {earlier:?}");
        self.saturating_since(earlier)
    }
}
impl Add for Duration {
    type Output = Duration;
    fn add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Duration {
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}
impl Mul<u64> for Duration {
    type Output = Duration;
    fn mul(self, n: u64) -> Duration {
        Duration(self.0.saturating_mul(n))
    }
}

/// Seconds as a decimal number; see [`Duration::display`].
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    nanos: u64,
    digits: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = u32::from(self.digits.min(9));
        let whole = self.nanos / 1_000_000_000;
        let text = if digits == 0 {
            whole.to_string()
        } else {
            let part = self.nanos % 1_000_000_000 / 10u64.pow(9 - digits);
            format!("{whole}.{part:0width$}", width = digits as usize)
        };
        f.pad(&text)
    }
}

/// In the largest unit that states it exactly: `5s`, `400us`, `1500ms`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, unit) = match self.0 {
            n if n % 1_000_000_000 == 0 => (n / 1_000_000_000, "s"),
            n if n % 1_000_000 == 0 => (n / 1_000_000, "ms"),
            n if n % 1_000 == 0 => (n / 1_000, "us"),
            n => (n, "ns"),
        };
        f.pad(&format!("{n}{unit}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_with_the_digits_asked_for_and_never_rounds_up() {
        let t = Time::from_nanos(3_648_999_999);
        assert_eq!(t.display(4).to_string(), "3.6489");
        assert_eq!(t.display(0).to_string(), "3");
        assert_eq!(Duration::from_micros(70).display(4).to_string(), "0.0000");
    }

    #[test]
    fn a_duration_prints_in_the_largest_exact_unit() {
        for (d, text) in [
            (Duration::from_secs(5), "5s"),
            (Duration::from_millis(1500), "1500ms"),
            (Duration::from_micros(400), "400us"),
            (Duration::from_nanos(1), "1ns"),
            (Duration::ZERO, "0s"),
        ] {
            assert_eq!(d.to_string(), text);
        }
    }

    #[test]
    fn rounding_up_reaches_the_next_multiple_and_keeps_one() {
        let q = Duration::from_micros(100);
        assert_eq!(Time::from_nanos(100_001).round_up(q), Time::from_nanos(200_000));
        assert_eq!(Time::from_nanos(200_000).round_up(q), Time::from_nanos(200_000));
        assert_eq!(Time::MAX.round_up(q), Time::MAX);
    }
}
