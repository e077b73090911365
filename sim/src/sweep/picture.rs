//! A report as a picture: the p99 outage of each point against its false takeovers, or, where there are none anywhere,
//! against the first axis of the grid. One SVG that needs nothing else.

use havip::time::Duration;

use super::choose::{Choice, Verdict};
use super::number::Number;
use super::target::Limit;
use super::{Report, Row};
use crate::observe::{Anchor, Canvas, Escaped, STYLE, fit, width_of};

const LEFT: i64 = 70;
const TOP: i64 = 84;
const WIDTH: i64 = 660;
const HEIGHT: i64 = 330;
const RIGHT: i64 = LEFT + WIDTH;
const BOTTOM: i64 = TOP + HEIGHT;
const PAGE: i64 = RIGHT + 40;
/// More words than this nobody tells apart.
const NAMED: usize = 24;

/// What lies on the horizontal axis.
enum Across {
    /// Powers of ten of false takeovers a year; those of nothing at all in a column of their own.
    Decades { low: i64, high: i64, none: bool },
    /// The values of the first axis, side by side.
    Values(Vec<String>),
}

/// Room for a column of points with no false takeovers.
const NONE_COLUMN: i64 = 60;

impl Across {
    fn of(report: &Report) -> Across {
        let judged = || report.rows.iter().map(|row| row.figures.judged());
        let logs: Vec<i64> = judged().filter_map(Number::log_milli).collect();
        match (logs.iter().min(), logs.iter().max()) {
            (Some(low), Some(high)) => {
                let (low, high) = (low.div_euclid(1000), high.div_euclid(1000) + 1);
                Across::Decades { low, high, none: judged().any(Number::is_zero) }
            }
            _ => Across::Values(report.plan.grid.axes.first().map_or(Vec::new(), |axis| axis.values.clone())),
        }
    }

    fn x(&self, row: &Row) -> i64 {
        match self {
            Across::Decades { .. } => self.x_of(row.figures.judged()),
            Across::Values(values) => self.column(row.point.0.first().copied().unwrap_or(0), values.len()),
        }
    }

    fn x_of(&self, number: Number) -> i64 {
        let Across::Decades { low, high, none } = self else { return LEFT };
        let left = if *none { LEFT + NONE_COLUMN } else { LEFT };
        match number.log_milli() {
            None => LEFT + NONE_COLUMN / 2,
            Some(log) => left + ((log - low * 1000) * (RIGHT - left)).div_euclid((high - low) * 1000),
        }
    }

    fn column(&self, value: usize, of: usize) -> i64 {
        LEFT + WIDTH * (2 * value as i64 + 1) / (2 * of.max(1) as i64)
    }
}

/// The vertical axis: from 0 to a round number of milliseconds.
struct Up {
    step: u64,
    most: u64,
}

impl Up {
    fn of(longest: Duration) -> Up {
        let ms = longest.as_nanos().div_ceil(1_000_000).max(1);
        let steps = [1, 2, 5].into_iter().flat_map(|n| (0..10).map(move |e| n * 10u64.pow(e)));
        let step = steps.filter(|step| ms.div_ceil(*step) <= 8).min().unwrap_or(ms);
        Up { step, most: ms.div_ceil(step) * step }
    }
    fn y(&self, time: Duration) -> i64 {
        let ms = u128::from(time.as_nanos() / 1_000);
        BOTTOM - (ms * HEIGHT as u128 / (u128::from(self.most) * 1_000)).min(HEIGHT as u128) as i64
    }
}

impl Report {
    /// The report as an SVG document. It adapts to a dark page.
    pub fn svg(&self) -> String {
        let across = Across::of(self);
        let limits = || self.plan.target.iter().flat_map(|target| &target.limits);
        let p99 = |row: &Row| row.figures.worst().p99;
        let longest = self.rows.iter().map(|row| p99(row).time).max().unwrap_or_default();
        let limit = limits().filter_map(|limit| match limit {
            Limit::Outage { most, .. } => Some(*most),
            Limit::FalseTakeovers { .. } => None,
        });
        // A limit far above everything would press the points to the ground.
        let up = Up::of(longest.max(limit.filter(|most| *most <= longest * 2).max().unwrap_or_default()));
        let mut body = Canvas::default();
        let title = match &self.choice {
            Some(Choice::Chosen(i)) => {
                format!("choose {}", self.plan.grid.in_words(&self.rows[*i].point, false))
            }
            Some(Choice::Nearest(..)) => "no setting meets the target".to_owned(),
            None => format!("{} points", self.rows.len()),
        };
        body.text("title", (LEFT, 34), Anchor::Start, &fit(&title, WIDTH * 2 / 3));
        let about = match self.plan.target_in_words() {
            text if text.is_empty() => "p99 outage of each point".to_owned(),
            text => format!("target: {text}"),
        };
        body.text("dim", (LEFT, 56), Anchor::Start, &fit(&about, WIDTH));
        let varied = self.plan.grid.axes.iter().filter(|axis| axis.values.len() > 1);
        let varied: Vec<&str> = varied.map(|axis| axis.name.as_str()).collect();
        if self.rows.len() <= NAMED && !varied.is_empty() {
            let text = format!("points: {}", varied.join(" / "));
            body.text("dim small", (RIGHT, BOTTOM + 68), Anchor::End, &fit(&text, WIDTH / 3));
        }
        frame(&mut body, &across, &up, self.plan.grid.axes.first().map_or("", |axis| &axis.name));
        for limit in limits() {
            target(&mut body, &across, &up, limit);
        }
        self.points(&mut body, &across, &up);
        let height = legend(&mut body);
        let mut page = Canvas::default();
        page.raw(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="havip-picture" width="{PAGE}" height="{height}" viewBox="0 0 {PAGE} {height}" role="img" aria-labelledby="havip-title havip-desc">"#
        ));
        page.raw(format_args!(r#"<title id="havip-title">{}</title>"#, Escaped(&title)));
        let words = if self.choice.is_some() { self.conclusion() } else { title };
        page.raw(format_args!(r#"<desc id="havip-desc">{}</desc>"#, Escaped(&words)));
        page.raw(format_args!("<style>{STYLE}</style>"));
        page.rect("page", (0, 0), (PAGE, height), "");
        page.out.push_str(&body.out);
        page.raw("</svg>");
        page.out
    }

    fn points(&self, body: &mut Canvas, across: &Across, up: &Up) {
        let chosen = |row: &Row| match self.choice {
            Some(Choice::Chosen(i)) => {
                let setting = |row: &Row| self.plan.grid.setting(&row.point);
                row.verdict == Verdict::Meets && setting(row) == setting(&self.rows[i])
            }
            _ => false,
        };
        let place = |row: &Row| {
            let lasted = row.figures.worst().p99;
            (across.x(row), if lasted.open { TOP } else { up.y(lasted.time) })
        };
        // A name covers no point.
        let mut taken: Vec<(i64, i64, i64)> =
            self.rows.iter().map(place).map(|(x, y)| (y, x - 6, x + 6)).collect();
        for row in &self.rows {
            let lasted = row.figures.worst().p99;
            let (x, y) = place(row);
            let class = match row.verdict {
                Verdict::Meets => "ok",
                Verdict::Misses(_) => "out",
                Verdict::NotAsked => "m0",
            };
            let words = self.plan.grid.in_words(&row.point, true);
            let more = if lasted.open { " and still out" } else { "" };
            let title = format!(
                "{words}: p99 outage {} s{more}, {} false takeovers a year, {} adverts a second",
                lasted.time.display(3),
                row.figures.judged(),
                row.figures.adverts
            );
            // A shape beside a colour: round meets, square does not, on its corner was not asked.
            let shape = match row.verdict {
                Verdict::Meets => format!("M{} {y} a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 Z", x - 5),
                Verdict::Misses(_) => format!("M{} {} h9 v9 h-9 Z", x - 4, y - 4),
                Verdict::NotAsked => format!("M{x} {} l5 5 l-5 5 l-5 -5 Z", y - 5),
            };
            body.path(class, shape, &title);
            if chosen(row) {
                let ring = format!("M{} {y} a9 9 0 1 0 18 0 a9 9 0 1 0 -18 0 Z", x - 9);
                body.path("pole", ring, "");
            }
            if self.rows.len() <= NAMED {
                let values = self.plan.grid.axes.iter().zip(&row.point.0);
                let varied = values.filter(|(axis, _)| axis.values.len() > 1);
                let name: Vec<&str> = varied.map(|(axis, &value)| axis.values[value].as_str()).collect();
                name_point(body, &mut taken, (x, y), &name.join(" / "));
            }
        }
    }
}

/// A point's name beside it, where there is room: on its right, else on its left, else nowhere.
fn name_point(body: &mut Canvas, taken: &mut Vec<(i64, i64, i64)>, (x, y): (i64, i64), name: &str) {
    let wide = width_of(name);
    let places = [(x + 10, Anchor::Start, x + 10), (x - 10, Anchor::End, x - 10 - wide)];
    let free = |from: i64, taken: &[(i64, i64, i64)]| {
        let within = from >= LEFT && from + wide <= PAGE;
        within && !taken.iter().any(|(y2, a, b)| (y - y2).abs() < 12 && from < *b && from + wide > *a)
    };
    if let Some((at, anchor, from)) = places.into_iter().find(|(_, _, from)| free(*from, taken)) {
        taken.push((y, from, from + wide));
        body.text("ink small halo", (at, y + 4), anchor, name);
    }
}

/// The axes with their ticks.
fn frame(body: &mut Canvas, across: &Across, up: &Up, first: &str) {
    for ms in (0..=up.most).step_by(up.step as usize) {
        let time = Duration::from_millis(ms);
        let y = up.y(time);
        body.line("grid", (LEFT, y), (RIGHT, y));
        let digits = if up.step.is_multiple_of(1000) { 0 } else { 3 };
        body.text("dim small", (LEFT - 8, y + 4), Anchor::End, &time.display(digits).to_string());
    }
    body.text("dim small", (LEFT - 8, TOP - 12), Anchor::End, "p99, s");
    let name = match across {
        Across::Decades { low, high, none } => {
            if *none {
                body.text("dim small", (LEFT + NONE_COLUMN / 2, BOTTOM + 18), Anchor::Middle, "none");
            }
            // Not more words than fit.
            let every = ((high - low) / 10 + 1) as usize;
            for power in (*low..=*high).step_by(every) {
                let left = if *none { LEFT + NONE_COLUMN } else { LEFT };
                let x = left + (power - low) * (RIGHT - left) / (high - low);
                body.line("grid", (x, TOP), (x, BOTTOM));
                let text = match power {
                    0..6 => 10i64.pow(power as u32).to_string(),
                    -3..0 => format!("0.{}1", "0".repeat(-power as usize - 1)),
                    _ => format!("1e{power}"),
                };
                body.text("dim small", (x, BOTTOM + 18), Anchor::Middle, &text);
            }
            "false takeovers a year: seen, or by formula if that is more"
        }
        Across::Values(values) => {
            let every = values.len().div_ceil(20).max(1);
            for (i, value) in values.iter().enumerate().step_by(every) {
                let x = across.column(i, values.len());
                body.line("grid", (x, TOP), (x, BOTTOM));
                body.text("dim small", (x, BOTTOM + 18), Anchor::Middle, &fit(value, 90));
            }
            first
        }
    };
    body.text("dim", (LEFT + WIDTH / 2, BOTTOM + 38), Anchor::Middle, name);
}

/// A limit of the target as a line.
fn target(body: &mut Canvas, across: &Across, up: &Up, limit: &Limit) {
    let text = limit.to_string();
    match limit {
        Limit::Outage { most, .. } if most.as_nanos() / 1_000_000 <= up.most => {
            let y = up.y(*most);
            body.line("pole", (LEFT, y), (RIGHT, y));
            body.text("dim small halo", (RIGHT, y - 5), Anchor::End, &text);
        }
        Limit::FalseTakeovers { most } if matches!(across, Across::Decades { .. }) && !most.is_zero() => {
            let x = across.x_of(*most);
            if (LEFT..=RIGHT).contains(&x) {
                body.line("pole", (x, TOP), (x, BOTTOM));
                body.text("dim small halo", (x + 5, TOP - 4), Anchor::Start, &text);
            }
        }
        Limit::Outage { .. } | Limit::FalseTakeovers { .. } => {}
    }
}

/// What the shapes mean; the height of the page.
fn legend(body: &mut Canvas) -> i64 {
    let y = BOTTOM + 68;
    let items = [
        ("ok", "M0 -4 a5 5 0 1 0 10 0 a5 5 0 1 0 -10 0 Z", "meets the target"),
        ("out", "M0 -9 h9 v9 h-9 Z", "misses it"),
        ("m0", "M5 -9 l5 5 l-5 5 l-5 -5 Z", "not asked"),
        ("pole", "M-4 -4 a9 9 0 1 0 18 0 a9 9 0 1 0 -18 0 Z", "to choose"),
    ];
    let mut x = LEFT + 4;
    for (class, shape, text) in items {
        body.raw(format_args!(
            r#"<g transform="translate({x} {y})"><path class="{class}" d="{shape}"/></g>"#
        ));
        body.text("dim small", (x + 22, y), Anchor::Start, text);
        x += 22 + width_of(text) + 24;
    }
    y + 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vertical_axis_ends_at_a_round_number() {
        for (ms, step, most) in [(3648, 500, 4000), (730, 100, 800), (1, 1, 1), (75_000, 10_000, 80_000)] {
            let up = Up::of(Duration::from_millis(ms));
            assert_eq!((up.step, up.most), (step, most), "{ms} ms");
            assert_eq!((up.y(Duration::ZERO), up.y(Duration::from_millis(most))), (BOTTOM, TOP));
        }
    }
}
