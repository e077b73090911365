//! A report as text.

use std::fmt::Write as _;

use anstyle::Style;
use havip::time::Duration;

use super::Report;
use super::battery::Story;
use super::measure::VENDOR_DELAY;
use super::rows::{Row, Verdict};
use crate::observe::{Palette, Spread};
use crate::scenario::TimeText;

/// What the columns are called.
const HEADS: [&str; 8] =
    ["what happens", "first", "after", "takeover", "without the address", "two masters", "share", "verdict"];

/// A time as the table has it, in three digits or a few more: `0.4ms`, `3.61s`, `57.4s`, `367s`.
pub(super) fn time(time: Duration) -> String {
    let nanos = time.as_nanos();
    if nanos == 0 {
        return "0".to_owned();
    }
    if nanos < 10_000_000 {
        let tenths = (nanos + 50_000) / 100_000;
        return format!("{}.{}ms", tenths / 10, tenths % 10);
    }
    let centis = (nanos + 5_000_000) / 10_000_000;
    let deciseconds = (nanos + 50_000_000) / 100_000_000;
    match deciseconds {
        ..100 => format!("{}.{:02}s", centis / 100, centis % 100),
        100..1000 => format!("{}.{}s", deciseconds / 10, deciseconds % 10),
        _ => format!("{}s", (nanos + 500_000_000) / 1_000_000_000),
    }
}

/// `2.61..3.61s`, or one of them where they are the same.
fn spread(spread: Spread<Duration>) -> String {
    let (low, high) = (time(spread.min), time(spread.max));
    if low == high {
        return high;
    }
    let unit = if high.ends_with("ms") { "ms" } else { "s" };
    let same_unit = low.ends_with("ms") == (unit == "ms");
    let low = if same_unit { low.trim_end_matches(unit) } else { low.as_str() };
    format!("{low}..{high}")
}

/// How long the client was without the address: `2.61..3.61s + D`, `up to D - 6.41s`, `0..5.02s`,
/// `until the next claim (never)`.
pub(super) fn without(row: &Row, refresh: Duration) -> String {
    let of =
        |open: bool| row.figures.iter().filter(move |one| one.without.open == open).map(|one| one.without);
    let closed: Vec<Duration> = of(false).map(|without| without.time).collect();
    let mut text = match Spread::of(closed) {
        Some(times) => spread(times),
        None => String::new(),
    };
    let cloud = of(false).map(|without| without.cloud).max().unwrap_or_default();
    if !cloud.is_zero() {
        let plain = if text == "0" { String::new() } else { format!("{text} + ") };
        // The old holder went on answering for a while after the claim.
        let less = VENDOR_DELAY.saturating_sub(cloud);
        text = if less < Duration::from_millis(10) {
            format!("{text} + D")
        } else {
            // The most that it can be: in the other runs it answered for longer, and a quick cloud costs nothing.
            format!("{plain}up to D - {}", time(less))
        };
    }
    if of(true).next().is_some() {
        let stale = row.figures.iter().all(|one| !one.without.open || one.stale_open);
        let until = match (stale, refresh.is_zero()) {
            (true, true) => "until the next claim (never)".to_owned(),
            (true, false) => format!("until the next claim ({})", TimeText(refresh)),
            (false, _) => {
                let least = of(true).map(|without| without.time).min().unwrap_or_default();
                format!("over {}, to the end", time(least))
            }
        };
        if text.is_empty() {
            return until;
        }
        let short = if stale && refresh.is_zero() { "never" } else { until.as_str() };
        text = format!("{text}, or {short}");
    }
    text
}

/// Who serves after: `b`, or the two that do most often: `a 61% b 39%`, `-` being nobody.
pub(super) fn after(row: &Row) -> String {
    match row.after.as_slice() {
        [(who, _)] => who.clone().unwrap_or_else(|| "nobody".to_owned()),
        several => {
            let all: u32 = several.iter().map(|(_, n)| n).sum();
            let share = |n: u32| (n * 100 + all / 2).checked_div(all).unwrap_or(0);
            let word = |(who, n): &(Option<String>, u32)| {
                format!("{} {}%", who.as_deref().unwrap_or("-"), share(*n))
            };
            several.iter().take(2).map(word).collect::<Vec<_>>().join(" ")
        }
    }
}

/// A verdict in words.
pub(super) fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::NobodyServes => "nobody serves".to_owned(),
        Verdict::LeftBehind => "left behind".to_owned(),
        Verdict::TwoMasters => "two masters".to_owned(),
        Verdict::SecondSwitch => "second switch".to_owned(),
        Verdict::OutageLimit(limit) => format!("outage > {}", TimeText(limit)),
        Verdict::TwoMastersLimit(limit) => format!("two-masters > {}", TimeText(limit)),
        Verdict::StaleLimit(limit) => format!("stale > {}", TimeText(limit)),
    }
}

/// A row's place in the table, in words: `power-off, b master first`.
pub(super) fn row_in_words(row: &Row) -> String {
    match (&row.first, row.story) {
        (Some(first), Story::Split) => {
            format!("{}, {first} master before the split ({} of phases)", row.title, share(row))
        }
        (Some(first), _) => format!("{}, {first} master first", row.title),
        (None, _) => row.title.clone(),
    }
}

fn share(row: &Row) -> String {
    format!("{}%", (row.per_mille() + 5) / 10)
}

/// The row's verdicts: the worst, in how many of its runs where not in all, and how many more.
pub(super) fn verdict_of(row: &Row) -> String {
    let Some((worst, runs)) = row.verdicts.first() else { return "ok".to_owned() };
    let mut text = verdict(*worst);
    if *runs < row.figures.len() as u32 {
        let all = row.figures.len() as u32;
        let _ = write!(text, " in {}%", ((runs * 100 + all / 2) / all).max(1));
    }
    for (other, _) in row.verdicts.iter().skip(1).filter(|(v, _)| v.is_limit()) {
        let _ = write!(text, "; {}", verdict(*other));
    }
    text
}

impl Report {
    /// The report without colour.
    pub fn text(&self) -> String {
        self.render(&Palette::plain())
    }

    /// The report in the colours of a palette.
    pub fn render(&self, palette: &Palette) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "{}", self.title);
        out.push('\n');
        self.table(palette, &mut out);
        for name in &self.never_first {
            let _ = writeln!(
                out,
                "no row begins with {name} as master: another machine takes the address from it"
            );
        }
        for remedy in &self.remedies {
            out.push('\n');
            let _ = writeln!(out, "{}{}{:#}", palette.bad, remedy.verdict, palette.bad);
            let mut lines = |head: &str, texts: &[String]| {
                for (i, text) in texts.iter().filter(|text| !text.is_empty()).enumerate() {
                    let head = if i == 0 { head } else { "" };
                    folded(&mut out, head, text);
                }
            };
            lines("in", &remedy.rows);
            lines("decided", &remedy.decided);
            lines("why", std::slice::from_ref(&remedy.why));
            lines("write", &remedy.write);
            lines("then", &remedy.then);
        }
        out.push('\n');
        for remark in &self.remarks {
            let _ = writeln!(out, "{remark}");
        }
        for (i, basis) in self.bases.iter().enumerate() {
            let head = if i == 0 { "rests on" } else { "" };
            let (tag, what, taken) = (basis.tag.word(), &basis.what, &basis.taken);
            let _ = writeln!(out, "{head:<9} {tag:<9} {what:<14} {taken}");
        }
        out
    }

    fn table(&self, palette: &Palette, out: &mut String) {
        let rows: Vec<[String; 8]> = self.rows.iter().map(|row| self.cells(row)).collect();
        let width = |i: usize| {
            let cells = rows.iter().map(|cells| cells[i].chars().count());
            cells.chain([HEADS[i].len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
        let line = |out: &mut String, cells: &[String; 8], style: Style| {
            let mut text = String::new();
            for (i, cell) in cells[..7].iter().enumerate() {
                let _ = write!(text, "{cell:<width$}  ", width = widths[i]);
            }
            let _ = writeln!(out, "{text}{style}{}{style:#}", cells[7]);
        };
        line(out, &HEADS.map(str::to_owned), Style::new());
        for (row, cells) in self.rows.iter().zip(&rows) {
            let style = if row.verdicts.is_empty() { palette.good } else { palette.bad };
            line(out, cells, style);
        }
    }

    fn cells(&self, row: &Row) -> [String; 8] {
        let takeover = match row.takeover {
            Some(times) => spread(times),
            None => "none".to_owned(),
        };
        [
            row.title.clone(),
            row.first.clone().unwrap_or_else(|| "-".to_owned()),
            after(row),
            takeover,
            without(row, self.refresh),
            spread(row.spread(|one| one.two_masters)),
            share(row),
            verdict_of(row),
        ]
    }
}

/// One line of advice, folded at 120 columns.
fn folded(out: &mut String, head: &str, text: &str) {
    let mut line = format!("  {head:<8}");
    for word in text.split(' ') {
        if line.chars().count() + word.chars().count() >= 119 {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(10);
        }
        line.push_str(word);
        line.push(' ');
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_rounded_half_up() {
        for (nanos, text) in [
            (0, "0"),
            (400_000, "0.4ms"),
            (9_949_999, "9.9ms"),
            (10_000_000, "0.01s"),
            (3_609_375_000, "3.61s"),
            (9_949_999_999, "9.95s"),
            (9_996_000_000, "10.0s"),
            (57_395_000_000, "57.4s"),
            (367_500_000_000, "368s"),
        ] {
            assert_eq!(time(Duration::from_nanos(nanos)), text);
        }
    }
}
