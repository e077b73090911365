//! How often clients were without their address for how long: bars on a logarithmic line of time.
//!
//! Integers only: the same figures are the same bytes everywhere.

use havip::time::Duration;

use super::{PERCENTILES, at, grouped, share, short};
use crate::explore::tally::{Histogram, Tally};
use crate::observe::{Anchor, Canvas, Escaped};
use crate::scenario::TimeText;

const LEFT: i64 = 70;
const WIDTH: i64 = 1000;
/// The name of the last line has room beside it.
const PAGE: i64 = LEFT + WIDTH + 110;
/// How high the highest bar is.
const HEIGHT: i64 = 120;
/// Names of the marked lines have a row each over the bars: they never run into each other.
const ROW: i64 = 15;

/// Where a decade is cut, in hundredths: eighths of it as the eye has them.
const CUTS: [u64; 8] = [100, 133, 178, 237, 316, 422, 562, 750];

/// The beginning of a bar, from 1 ms on.
fn edge(i: usize) -> Duration {
    Duration::from_micros(CUTS[i % CUTS.len()] * 10 * 10u64.pow((i / CUTS.len()) as u32))
}

/// The bar a length is in. Nothing that a histogram has is longer than the last one.
fn bar_of(time: Duration) -> usize {
    (1..=LAST).find(|&i| time < edge(i)).map_or(LAST, |i| i - 1)
}

/// Ten decades from 1 ms are more than a histogram can hold.
const LAST: usize = 80;

/// The line of time: these bars, side by side.
#[derive(Clone, Copy)]
struct Axis {
    first: usize,
    bars: usize,
}

impl Axis {
    /// One that has all these lengths on it.
    fn of<'a>(all: impl Iterator<Item = &'a Histogram>) -> Option<Axis> {
        let lengths = all.flat_map(Histogram::buckets).map(|(length, _)| length).filter(|one| !one.is_zero());
        let (low, high) = lengths.fold(None, |seen: Option<(Duration, Duration)>, one| {
            Some(seen.map_or((one, one), |(low, high)| (low.min(one), high.max(one))))
        })?;
        let first = bar_of(low).saturating_sub(1);
        // A single bar over the whole width would say little.
        Some(Axis { first, bars: (bar_of(high) + 2 - first).max(CUTS.len() * 2) })
    }

    /// The point where a bar begins.
    fn begin(self, bar: usize) -> i64 {
        LEFT + WIDTH * (bar - self.first) as i64 / self.bars as i64
    }

    /// The point of a length, if it is on the line.
    fn x(self, time: Duration) -> Option<i64> {
        let bar = bar_of(time);
        if time < edge(self.first) || bar >= self.first + self.bars {
            return None;
        }
        let (from, to) = (edge(bar), edge(bar + 1));
        let (begin, end) = (self.begin(bar), self.begin(bar + 1));
        let into = u128::from(time.saturating_sub(from).as_nanos()) * (end - begin) as u128;
        Some(begin + (into / u128::from(to.saturating_sub(from).as_nanos())) as i64)
    }

    /// Round lengths: 1, 2 and 5 of every decade.
    fn ticks(self) -> impl Iterator<Item = (Duration, i64)> {
        let decades = (0..=9u32).map(|power| 10u64.pow(power));
        let round = decades.flat_map(|ms| [ms, 2 * ms, 5 * ms]).map(Duration::from_millis);
        round.filter_map(move |time| Some((time, self.x(time)?)))
    }
}

/// The distributions of a tally, over one axis.
pub(super) fn draw(tally: &Tally, limit: Option<Duration>) -> String {
    let Some(axis) = Axis::of([&tally.worst, &tally.outages].into_iter()) else {
        return "<p>There was no outage.</p>\n".to_owned();
    };
    let runs = Panel { name: "The longest of each run", one: "run", of: &tally.worst };
    let all = Panel { name: "Every outage of every client", one: "outage", of: &tally.outages };
    let mut body = Canvas::default();
    let y = runs.draw(&mut body, axis, limit, 20);
    let y = all.draw(&mut body, axis, limit, y + 24);
    let mut out = Canvas::default();
    out.raw(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="havip-picture" width="{PAGE}" height="{y}" viewBox="0 0 {PAGE} {y}" role="img" aria-labelledby="chart-title chart-desc">"#
    ));
    out.raw(r#"<title id="chart-title">Distribution of outages</title>"#);
    let words = format!("{}. {}.", runs.in_words(), all.in_words());
    out.raw(format_args!(r#"<desc id="chart-desc">{}</desc>"#, Escaped(&words)));
    out.rect("page", (0, 0), (PAGE, y), "");
    out.out.push_str(&body.out);
    out.raw("</svg>");
    out.out
}

/// One distribution.
struct Panel<'a> {
    name: &'a str,
    /// What is counted.
    one: &'a str,
    of: &'a Histogram,
}

impl Panel<'_> {
    fn in_words(&self) -> String {
        let figures = PERCENTILES.map(|(name, ppm)| format!("{name} {}", at(self.of, ppm))).join(", ");
        let mut words = format!("{}: {} {}s, {figures}", self.name, grouped(self.of.count()), self.one);
        let none: u64 =
            self.of.buckets().filter(|(length, _)| length.is_zero()).map(|(_, count)| count).sum();
        if none > 0 {
            words.push_str(&format!("; {} had none and have no bar", grouped(none)));
        }
        words
    }

    fn draw(&self, out: &mut Canvas, axis: Axis, limit: Option<Duration>, y: i64) -> i64 {
        let mut bars = vec![0; axis.bars];
        for (length, count) in self.of.buckets().filter(|(length, _)| !length.is_zero()) {
            bars[bar_of(length) - axis.first] += count;
        }
        out.text("name", (LEFT, y), Anchor::Start, &self.in_words());
        let lines = self.lines(limit);
        let top = y + 12 + ROW * lines.len() as i64;
        let base = top + HEIGHT;
        let most = bars.iter().copied().max().unwrap_or(0).max(1);
        for (part, count) in [(2, most), (1, most / 2)] {
            // Half of one is nothing to draw a line at.
            if part == 2 || most.is_multiple_of(2) {
                let y = base - HEIGHT * part / 2;
                out.line("grid", (LEFT, y), (LEFT + WIDTH, y));
                out.text("dim small", (LEFT - 8, y + 4), Anchor::End, &grouped(count));
            }
        }
        self.ticks(out, axis, base);
        for (i, &count) in bars.iter().enumerate().filter(|(_, count)| **count > 0) {
            let bar = axis.first + i;
            let (from, to) = (axis.begin(bar), axis.begin(bar + 1));
            // What was seen once among thousands is seen here too.
            let high = ((u128::from(count) * HEIGHT as u128 / u128::from(most)) as i64).max(2);
            let (low, end) = (TimeText(edge(bar)), TimeText(edge(bar + 1)));
            let share = share(count, self.of.count()).replace("&lt;", "<");
            let title = format!("{low} to {end}: {} {}s, {share}", grouped(count), self.one);
            let class = if limit.is_some_and(|limit| edge(bar) >= limit) { "out" } else { "m0" };
            out.rect(class, (from, base - high), ((to - from - 1).max(1), high), &title);
        }
        for (i, (class, name, time)) in lines.iter().enumerate() {
            let Some(x) = axis.x(*time) else { continue };
            let y = top - 4 - ROW * i as i64;
            out.line(class, (x, y - 8), (x, base));
            out.text("ink halo", (x + 5, y), Anchor::Start, &format!("{name} {}", short(*time)));
        }
        base + 24
    }

    /// What is marked by a line, each with its name to the right of it. The longest is first and has the lowest name:
    /// no line crosses another's.
    fn lines(&self, limit: Option<Duration>) -> Vec<(&'static str, &'static str, Duration)> {
        let figures = PERCENTILES.iter().filter_map(|(name, ppm)| {
            let time = self.of.quantile(*ppm).filter(|time| !time.is_zero())?;
            Some(("pole", *name, time))
        });
        let limit = limit.map(|limit| ("bracket", "limit", limit));
        let mut lines: Vec<_> = figures.chain(limit).collect();
        lines.sort_by_key(|(_, _, time)| std::cmp::Reverse(*time));
        lines
    }

    fn ticks(&self, out: &mut Canvas, axis: Axis, base: i64) {
        out.line("pole", (LEFT, base), (LEFT + WIDTH, base));
        let mut free = 0;
        for (time, x) in axis.ticks() {
            out.line("grid", (x, base), (x, base + 5));
            if x >= free {
                out.text("dim small", (x, base + 17), Anchor::Middle, &TimeText(time).to_string());
                free = x + 44;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_length_is_in_the_bar_that_has_it() {
        for time in [1, 2, 3, 9, 10, 999, 1_000, 3_610, 60_000, u64::from(u32::MAX)].map(ms) {
            let bar = bar_of(time);
            assert!(edge(bar) <= time && time < edge(bar + 1), "{time} in bar {bar}");
        }
        assert_eq!(bar_of(Duration::ZERO), 0);
        assert_eq!(bar_of(Duration::MAX), LAST);
    }

    #[test]
    fn decades_are_equally_wide_and_lengths_in_order() {
        let lengths = Histogram::of([(ms(10), 1), (ms(10_000), 1)]);
        let axis = Axis::of([&lengths].into_iter()).expect("a line of time");
        let at = |time| axis.x(ms(time)).expect("on the line");
        let decades = [at(100) - at(10), at(1_000) - at(100), at(10_000) - at(1_000)];
        assert!(decades.iter().all(|one| (one - decades[0]).abs() <= 1), "{decades:?}");
        assert!((10..10_000).all(|time| at(time) <= at(time + 1)));
        assert_eq!((axis.x(ms(1)), axis.x(ms(1_000_000))), (None, None));
    }

    #[test]
    fn every_length_is_in_some_bar() {
        let mut tally = Tally::default();
        for time in [0, 0, 1, 250, 3_600, 3_610, 900_000] {
            tally.worst.add(ms(time));
        }
        let svg = draw(&tally, Some(ms(4_000)));
        let bars = svg.split("<title>").skip(1).filter_map(|bar| bar.split(": ").nth(1)?.split(' ').next());
        assert_eq!(bars.map(|count| count.parse::<u64>().expect("a count")).sum::<u64>(), 5, "{svg}");
        for text in ["limit 4s", "p50 250ms", "p99 900s", "max 900s", "2 had none"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
        assert_eq!(svg.matches(r#"class="out""#).count(), 1, "one is beyond the limit");
    }
}
