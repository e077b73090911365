//! A report as text: a line a point, what the columns mean, the setting to choose.

use std::fmt::Write as _;

use anstyle::Style;
use havip::time::Duration;

use super::choose::{Choice, Found, Miss, Verdict};
use super::measure::{Figures, Lasted};
use super::number::Number;
use super::plan::{Named, Plan};
use super::target::Limit;
use super::{Report, Row};
use crate::observe::Palette;
use crate::scenario::TimeText;
use crate::trial::Story;

/// So many remarks are told in full.
const REMARKS: usize = 5;

/// An outage in seconds with milliseconds: `3.648`; `>75.000` if it had not ended.
fn seconds(lasted: Lasted) -> String {
    format!("{}{}", if lasted.open { ">" } else { "" }, lasted.time.display(3))
}

/// `1d`, `36h`, `90s`.
pub(super) fn long(time: Duration) -> String {
    let seconds = time.as_secs();
    for (unit, name) in [(365 * 86_400, "y"), (86_400, "d"), (3600, "h")] {
        if seconds >= unit && seconds.is_multiple_of(unit) && time == Duration::from_secs(seconds) {
            return format!("{}{name}", seconds / unit);
        }
    }
    TimeText(time).to_string()
}

/// `12 (4380)`, `0 (<1095)`: how often it was seen, and what that is a year.
fn takeovers(figures: &Figures) -> String {
    match figures.bound() {
        Some(bound) => format!("0 (<{bound})"),
        None if figures.quiet.is_zero() => "-".to_owned(),
        None => format!("{} ({})", figures.takeovers, figures.seen()),
    }
}

/// `p99 outage 3.648 s`.
fn said(miss: &Miss) -> String {
    match miss.found {
        Found::Outage(lasted) => format!("{} {} s", miss.limit.what(), seconds(lasted)),
        Found::Takeovers(number) => format!("{} {number} a year", miss.limit.what()),
    }
}

/// By how much a limit is passed.
fn by(miss: &Miss) -> String {
    match (miss.limit, miss.found) {
        (Limit::Outage { most, .. }, Found::Outage(found)) if !found.open => {
            format!("by {} s", found.time.saturating_sub(most).display(3))
        }
        (Limit::FalseTakeovers { most }, Found::Takeovers(found)) => {
            format!("by {} a year", found.minus(most))
        }
        _ => "by more than a run shows: a client was still out when it ended".to_owned(),
    }
}

impl Report {
    /// The report without colour.
    pub fn text(&self) -> String {
        self.render(&Palette::plain())
    }

    /// The report in the colours of a palette.
    pub fn render(&self, palette: &Palette) -> String {
        let mut page = Page { out: String::new() };
        page.styled(palette.head, &self.title());
        self.table(&mut page, palette);
        for line in self.legend() {
            page.styled(palette.dim, &line);
        }
        for line in self.remarks() {
            page.styled(palette.bad, &line);
        }
        match &self.choice {
            Some(Choice::Chosen(_)) => page.styled(palette.good, &self.conclusion()),
            Some(_) => page.styled(palette.bad, &self.conclusion()),
            None => {}
        }
        page.out
    }

    fn title(&self) -> String {
        let plan = &self.plan;
        let cluster = match &plan.cluster {
            Named::Scenario(path) => path.display().to_string(),
            Named::Files { files, .. } => {
                let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
                names.join(" ")
            }
        };
        let profile = plan.profile.map_or(String::new(), |profile| format!("   as {profile}"));
        format!("sweep of {cluster}{profile}   seed {}   {} points", plan.seed, self.rows.len())
    }

    fn table(&self, page: &mut Page, palette: &Palette) {
        let plan = &self.plan;
        let mut heads: Vec<String> = plan.grid.axes.iter().map(|axis| axis.name.clone()).collect();
        let several = plan.stories.len() > 1;
        let claims = self.rows.iter().any(|row| !row.figures.claims.is_zero());
        heads.extend(several.then(|| "worst story".to_owned()));
        heads.extend(["p50 s", "p99 s", "max s", "adverts/s"].map(str::to_owned));
        heads.extend(claims.then(|| "garp/s".to_owned()));
        heads.extend(["false takeovers", "by formula"].map(str::to_owned));
        heads.extend(plan.target.as_ref().map(|_| "target".to_owned()));
        let mut lines = vec![heads];
        for row in &self.rows {
            lines.push(self.cells(row, several, claims));
        }
        let columns = lines[0].len();
        let wide = |c: usize| lines.iter().map(|line| line[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(wide).collect();
        // Words to the left, numbers to the right.
        let words =
            |c: usize| c == columns - 1 && plan.target.is_some() || several && c == plan.grid.axes.len();
        for (i, line) in lines.iter().enumerate() {
            let mut text = String::new();
            for (c, cell) in line.iter().enumerate() {
                let (gap, width) = (if c == 0 { "" } else { "  " }, widths[c]);
                let _ = match words(c) {
                    true => write!(text, "{gap}{cell:<width$}"),
                    false => write!(text, "{gap}{cell:>width$}"),
                };
            }
            let style = match i.checked_sub(1) {
                None => palette.head,
                Some(row) if self.is_chosen(row) => palette.good,
                Some(row) if matches!(self.rows[row].verdict, Verdict::Misses(_)) => Style::new(),
                Some(_) => palette.change,
            };
            page.styled(style, text.trim_end());
        }
    }

    fn cells(&self, row: &Row, several: bool, claims: bool) -> Vec<String> {
        let (plan, figures) = (&self.plan, &row.figures);
        let worst = figures.worst();
        let mut cells: Vec<String> = (plan.grid.axes.iter().zip(&row.point.0))
            .map(|(axis, &value)| axis.values[value].clone())
            .collect();
        cells.extend(several.then(|| worst.story.word().to_owned()));
        cells.extend([worst.p50, worst.p99, worst.max].map(seconds));
        cells.push(figures.adverts.to_string());
        cells.extend(claims.then(|| figures.claims.to_string()));
        cells.extend([takeovers(figures), figures.formula.to_string()]);
        cells.extend(plan.target.as_ref().map(|_| match &row.verdict {
            Verdict::NotAsked => "not asked".to_owned(),
            Verdict::Meets => "meets".to_owned(),
            Verdict::Misses(miss) => format!("misses: {}", said(miss)),
        }));
        cells
    }

    fn is_chosen(&self, row: usize) -> bool {
        let Some(Choice::Chosen(chosen)) = self.choice else { return false };
        let setting = |i: usize| self.plan.grid.setting(&self.rows[i].point);
        self.rows[row].verdict == Verdict::Meets && setting(row) == setting(chosen)
    }

    fn legend(&self) -> Vec<String> {
        let plan = &self.plan;
        let stories: Vec<&str> = plan.stories.iter().copied().map(Story::word).collect();
        let mut lines = vec![format!(
            "outages: {} runs a point of {} of the master; the longest outage of each run",
            plan.runs,
            match stories.as_slice() {
                [one] => (*one).to_owned(),
                several => format!("each of {}", several.join(", ")),
            }
        )];
        match plan.quiet.is_zero() {
            true => lines.push("false takeovers: not watched (quiet = 0)".to_owned()),
            false => lines.push(format!(
                "false takeovers: seen in {} without a failure (a year; none seen: fewer than that, with 95 % confidence)",
                long(plan.quiet)
            )),
        }
        lines.push(
            "by formula: a year, losses being independent: (1-p) p^N for each interval and each backup"
                .to_owned(),
        );
        let limits = plan.target.iter().flat_map(|target| &target.limits);
        let mut asked = limits.filter(|limit| matches!(limit, Limit::FalseTakeovers { .. }));
        if let Some(Limit::FalseTakeovers { most }) = asked.next() {
            let bound = Number::ratio(3, 1)
                .times(Number::ratio(super::measure::YEAR.as_nanos().into(), plan.quiet.as_nanos().into()));
            lines.push("target: held against what was seen or the formula, whichever is more".to_owned());
            if plan.quiet.is_zero() || bound > *most {
                let words = match most.is_zero() {
                    true => "no time watched is long enough to show that there are none".to_owned(),
                    false => format!(
                        "{} watched cannot show so few by themselves: that takes {} years without any",
                        long(plan.quiet),
                        Number::ratio(3, 1).over(*most).unwrap_or_default()
                    ),
                };
                lines.push(format!("        {words}"));
            }
        }
        lines
    }

    fn remarks(&self) -> Vec<String> {
        let mut lines: Vec<String> = (self.remarks.iter().take(REMARKS))
            .map(|(said, points)| format!("remark: {said} (at {points} of {} points)", self.rows.len()))
            .collect();
        if let Some(more) = self.remarks.len().checked_sub(REMARKS).filter(|more| *more > 0) {
            lines.push(format!("remark: and {more} more: `havipd check` with these values tells them"));
        }
        let runs = |of: fn(&super::StoryFigures) -> u32| {
            self.rows.iter().flat_map(|row| &row.figures.stories).map(of).map(u64::from).sum::<u64>()
        };
        let (open, unserved) = (runs(|one| one.open), runs(|one| one.unserved));
        if open > 0 {
            lines.push(format!("remark: in {open} runs a client was still out when the run ended"));
        }
        if unserved > 0 {
            lines.push(format!(
                "remark: in {unserved} runs nobody was master before the failure, or no client was served: \
                 they count as out for all time"
            ));
        }
        lines
    }

    /// What the sweep comes to, in a sentence or two.
    pub(super) fn conclusion(&self) -> String {
        let (Some(choice), Some(target)) = (&self.choice, &self.plan.target) else { return String::new() };
        let words = |i: usize, weather| self.plan.grid.in_words(&self.rows[i].point, weather);
        match choice {
            Choice::Chosen(i) => {
                let of: Vec<&Row> = (0..self.rows.len())
                    .filter(|row| self.is_chosen(*row))
                    .map(|row| &self.rows[row])
                    .collect();
                let p99 = of.iter().map(|row| row.figures.worst().p99).max().unwrap_or_default();
                let traffic = of.iter().map(|row| row.figures.traffic()).max().unwrap_or_default();
                let judged = of.iter().map(|row| row.figures.judged()).max().unwrap_or_default();
                format!(
                    "choose: {}\n        p99 outage {} s, {judged} false takeovers a year, {traffic} frames a second\n        \
                     the least traffic of the {} of {} settings that meet {target}",
                    words(*i, false),
                    seconds(p99),
                    self.settings(|row| row.verdict == Verdict::Meets, true),
                    self.settings(|row| row.verdict != Verdict::NotAsked, false),
                )
            }
            Choice::Nearest(i, miss) => format!(
                "no setting meets {target}\nnearest: {}\n         misses {} {}: {}",
                words(*i, true),
                miss.limit,
                by(miss),
                said(miss)
            ),
        }
    }

    /// How many settings have a row like this; or, `all`, have no other row that was asked about.
    fn settings(&self, is: impl Fn(&Row) -> bool, all: bool) -> usize {
        let mut settings: std::collections::BTreeMap<Vec<usize>, bool> = std::collections::BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.verdict != Verdict::NotAsked) {
            let entry = settings.entry(self.plan.grid.setting(&row.point)).or_insert(all);
            *entry = if all { *entry && is(row) } else { *entry || is(row) };
        }
        settings.values().filter(|is| **is).count()
    }
}

impl Plan {
    /// What the target is about, in the order of the limits: for who prints it beside a picture.
    pub(super) fn target_in_words(&self) -> String {
        self.target.as_ref().map_or(String::new(), ToString::to_string)
    }
}

struct Page {
    out: String,
}

impl Page {
    fn styled(&mut self, style: Style, text: &str) {
        for line in text.lines() {
            // A line that has no style of its own carries no codes.
            let _ = match style == Style::new() {
                true => writeln!(self.out, "{line}"),
                false => writeln!(self.out, "{style}{line}{style:#}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_times_are_in_their_largest_whole_unit() {
        for (seconds, text) in
            [(86_400, "1d"), (129_600, "36h"), (90, "90s"), (63_072_000, "2y"), (5400, "5400s")]
        {
            assert_eq!(long(Duration::from_secs(seconds)), text);
        }
    }
}
