//! Time as a line: where an instant lies, where the ticks of the axis are, which stretches deserve a closer look.

use havip::time::{Duration, Time};

use super::Lanes;

/// A stretch of time on a stretch of points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) left: i64,
    pub(super) width: i64,
}

impl Scale {
    pub(super) fn new(from: Time, to: Time, left: i64, width: i64) -> Scale {
        Scale { from, to: to.max(from + Duration::from_nanos(1)), left, width }
    }
    /// The point of an instant, those outside at the nearer end.
    pub(super) fn x(&self, at: Time) -> i64 {
        let into = u128::from(at.min(self.to).saturating_since(self.from).as_nanos());
        let all = u128::from(self.span().as_nanos());
        self.left + (into * self.width as u128 / all) as i64
    }
    /// The points of a stretch, if any of it lies within.
    pub(super) fn range(&self, from: Time, to: Time) -> Option<(i64, i64)> {
        (from < self.to && to > self.from).then(|| (self.x(from), self.x(to)))
    }
    /// Whether an instant lies within.
    pub(super) fn has(&self, at: Time) -> bool {
        (self.from..=self.to).contains(&at)
    }
    pub(super) fn span(&self) -> Duration {
        self.to.saturating_since(self.from)
    }
    pub(super) fn right(&self) -> i64 {
        self.left + self.width
    }

    /// Round instants, at least `least` points apart, and what they are called.
    pub(super) fn ticks(&self, least: i64) -> Vec<(Time, String)> {
        let wanted = u128::from(self.span().as_nanos()) * least as u128 / self.width.max(1) as u128;
        let step = STEPS.iter().copied().find(|step| u128::from(*step) >= wanted).unwrap_or_else(|| {
            let day = u128::from(DAY);
            (wanted.div_ceil(day) * day) as u64
        });
        let first = self.from.as_nanos().div_ceil(step) * step;
        let count = self.to.as_nanos().saturating_sub(first) / step;
        let at = |i| Time::from_nanos(first + i * step);
        (0..=count).map(at).filter(|at| self.has(*at)).map(|at| (at, tick_name(at, step))).collect()
    }
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// From a tick of the finest world to a day.
const STEPS: [u64; 32] = [
    1_000,
    10_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    200_000_000,
    500_000_000,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
];

/// Seconds, as everywhere in a record, with the decimals that the step needs.
fn tick_name(at: Time, step: u64) -> String {
    let mut digits = 0;
    let mut unit = SECOND;
    while digits < 9 && !step.is_multiple_of(unit) {
        digits += 1;
        unit /= 10;
    }
    format!("{} s", at.display(digits))
}

/// How many stretches are looked at closer.
const DETAILS_MAX: usize = 3;

/// The stretches around outages that are too short to be seen in the whole run: the longest ones, in the order of
/// time, merged where they overlap. Says too how many outages lie in none of them.
pub(super) fn details(lanes: &Lanes) -> (Vec<(Time, Time)>, usize) {
    let whole = lanes.end.saturating_since(Time::ZERO);
    let mut order: Vec<usize> = (0..lanes.outages.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(lanes.outages[*i].length()));
    let mut chosen: Vec<(Time, Time)> = Vec::new();
    let mut left_out = 0;
    for i in order {
        let one = &lanes.outages[i];
        if one.length() * 2 > whole {
            continue;
        }
        if chosen.iter().any(|(from, to)| *from <= one.from && one.to <= *to) {
            continue;
        }
        let around = Duration::from_nanos((one.length().as_nanos() / 4).max(MARGIN_MIN));
        let (mut from, mut to) = (one.from.saturating_sub(around), (one.to + around).min(lanes.end));
        let near: Vec<usize> =
            (0..chosen.len()).filter(|k| chosen[*k].0 <= to && from <= chosen[*k].1).collect();
        if near.is_empty() && chosen.len() == DETAILS_MAX {
            left_out += 1;
            continue;
        }
        for k in near.into_iter().rev() {
            let (f, t) = chosen.remove(k);
            (from, to) = (from.min(f), to.max(t));
        }
        chosen.push((from, to));
    }
    chosen.retain(|(from, to)| to.saturating_since(*from) * 10 < whole * 9);
    chosen.sort_unstable();
    (chosen, left_out)
}

/// The least that is shown beside an outage.
const MARGIN_MIN: u64 = 20_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::t;

    fn names(from: &str, to: &str) -> Vec<String> {
        Scale::new(t(from), t(to), 0, 1000).ticks(90).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round_and_not_too_many() {
        assert_eq!(names("0", "60"), ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s"]);
        assert_eq!(names("18.7", "21.2"), ["19.0 s", "19.5 s", "20.0 s", "20.5 s", "21.0 s"]);
        assert_eq!(names("0", "600").len(), 11);
        assert!(names("0", "2592000").len() <= 11, "a month");
        assert_eq!(names("1.0001", "1.0004").first().unwrap(), "1.00010 s");
    }

    #[test]
    fn an_instant_outside_lies_at_the_nearer_end() {
        let scale = Scale::new(t("10"), t("20"), 100, 1000);
        assert_eq!((scale.x(t("5")), scale.x(t("15")), scale.x(t("25"))), (100, 600, 1100));
        assert_eq!(scale.range(t("1"), t("9")), None);
        assert_eq!(Scale::new(t("3"), t("3"), 0, 10).x(t("3")), 0, "an empty run");
    }
}
