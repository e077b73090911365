//! The setting for a target: of those that keep to it the one with the least traffic, then with the shortest p99.

use havip::time::Duration;

use super::Row;
use super::grid::Point;
use super::measure::{Figures, Lasted};
use super::number::Number;
use super::plan::Plan;
use super::target::{Limit, Target};

/// Whether a point keeps to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no target, or it is about another loss.
    NotAsked,
    /// It does.
    Meets,
    /// It does not: the limit that it passes furthest.
    Misses(Miss),
}

/// A limit that is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Miss {
    /// Which.
    pub limit: Limit,
    /// What was measured.
    pub found: Found,
}

/// What is held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// An outage.
    Outage(Lasted),
    /// False takeovers a year.
    Takeovers(Number),
}

/// The setting that a sweep names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first of the rows of the setting to choose.
    Chosen(usize),
    /// None keeps to the target: the row of the setting that misses it least, and what it misses.
    Nearest(usize, Miss),
}

impl Miss {
    /// How many times the limit was found. `None`: no number says it, an outage that did not end or a limit of 0.
    fn times(&self) -> Option<Number> {
        let nanos = |time: Duration| Number::ratio(time.as_nanos().into(), 1);
        match (self.limit, self.found) {
            (Limit::Outage { most, .. }, Found::Outage(Lasted { open: false, time })) => {
                nanos(time).over(nanos(most))
            }
            (Limit::FalseTakeovers { most }, Found::Takeovers(found)) => found.over(most),
            _ => None,
        }
    }

    /// For ordering: what no number says is furthest.
    fn distance(&self) -> (bool, Number) {
        (self.times().is_none(), self.times().unwrap_or_default())
    }
}

/// What a point's figures are by a limit, the outage limits in their order.
fn found(target: &Target, figures: &Figures) -> Vec<Miss> {
    let mut outages = 0;
    let of = |limit: &Limit| match limit {
        Limit::Outage { .. } => {
            // The story in which it is worst: a target holds for each failure.
            let worst = figures.stories.iter().map(|story| story.asked[outages]).max().unwrap_or_default();
            outages += 1;
            Miss { limit: *limit, found: Found::Outage(worst) }
        }
        Limit::FalseTakeovers { .. } => Miss { limit: *limit, found: Found::Takeovers(figures.judged()) },
    };
    target.limits.iter().map(of).collect()
}

fn is_kept(one: &Miss) -> bool {
    match (one.limit, one.found) {
        (Limit::Outage { most, .. }, Found::Outage(found)) => !found.open && found.time <= most,
        (Limit::FalseTakeovers { most }, Found::Takeovers(found)) => found <= most,
        _ => false,
    }
}

/// Holds a point against the target.
pub(super) fn judge(plan: &Plan, point: &Point, figures: &Figures) -> Verdict {
    let Some(target) = &plan.target else { return Verdict::NotAsked };
    let loss = plan.grid.loss(point);
    if target.loss.is_some_and(|asked| loss != Some(asked)) {
        return Verdict::NotAsked;
    }
    let missed = found(target, figures).into_iter().filter(|one| !is_kept(one));
    // Of two as far off the later is the last maximum: the first limit of the target is told.
    match missed.rev().max_by_key(Miss::distance) {
        Some(miss) => Verdict::Misses(miss),
        None => Verdict::Meets,
    }
}

/// Chooses. A setting keeps to the target when it does in all weathers that the target is about. `None` where nothing
/// was asked.
pub(super) fn choose(plan: &Plan, rows: &[Row]) -> Option<Choice> {
    let mut settings: Vec<(Vec<usize>, Vec<usize>)> = Vec::new();
    for (i, row) in rows.iter().enumerate().filter(|(_, row)| row.verdict != Verdict::NotAsked) {
        let setting = plan.grid.setting(&row.point);
        match settings.iter_mut().find(|(known, _)| *known == setting) {
            Some((_, of)) => of.push(i),
            None => settings.push((setting, vec![i])),
        }
    }
    let traffic = |of: &[usize]| of.iter().map(|&i| rows[i].figures.traffic()).max().unwrap_or_default();
    let p99 = |of: &[usize]| of.iter().map(|&i| rows[i].figures.worst().p99).max().unwrap_or_default();
    let worst = |of: &[usize]| {
        let missed = of.iter().filter_map(|&i| match rows[i].verdict {
            Verdict::Misses(miss) => Some((i, miss)),
            Verdict::Meets | Verdict::NotAsked => None,
        });
        missed.rev().max_by_key(|(_, miss)| miss.distance())
    };
    let meets = settings.iter().filter(|(_, of)| worst(of).is_none());
    if let Some((_, of)) = meets.min_by_key(|(_, of)| (traffic(of), p99(of), of[0])) {
        return Some(Choice::Chosen(of[0]));
    }
    let misses = settings.iter().filter_map(|(_, of)| worst(of).map(|(i, miss)| (of, i, miss)));
    let nearest = misses.min_by_key(|(of, i, miss)| (miss.distance(), traffic(of), *i));
    nearest.map(|(_, i, miss)| Choice::Nearest(i, miss))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::measure::StoryFigures;
    use crate::trial::Story;
    use std::path::Path;

    fn plan(target: &str) -> Plan {
        let text = format!(
            "scenario = \"x.scn\"\ntarget = \"{target}\"\n[grid]\nadvert_int = [1, 2]\nloss = [\"0%\", \"1%\"]\n"
        );
        Plan::parse(Path::new("p.toml"), &text).unwrap()
    }

    /// A point's p99 in milliseconds, false takeovers a year, adverts in a hundred seconds.
    fn row(plan: &Plan, point: [usize; 2], ms: u64, takeovers: u128, adverts: u128) -> Row {
        let lasted = Lasted { open: ms == 0, time: Duration::from_millis(ms) };
        let story = StoryFigures {
            story: Story::PowerOff,
            p50: lasted,
            p99: lasted,
            max: lasted,
            asked: vec![lasted],
            open: 0,
            unserved: 0,
        };
        let figures = Figures {
            stories: vec![story],
            quiet: Duration::ZERO,
            takeovers: 0,
            formula: Number::ratio(takeovers, 1),
            adverts: Number::ratio(adverts, 100),
            claims: Number::ZERO,
        };
        let point = Point(point.to_vec());
        Row { verdict: judge(plan, &point, &figures), point, figures }
    }

    fn chosen(target: &str, rows: [(u64, u128, u128); 4]) -> Choice {
        let plan = plan(target);
        let points = [[0, 0], [0, 1], [1, 0], [1, 1]];
        let rows: Vec<Row> =
            points.into_iter().zip(rows).map(|(point, (a, b, c))| row(&plan, point, a, b, c)).collect();
        choose(&plan, &rows).expect("a target")
    }

    #[test]
    fn the_least_traffic_then_the_shortest_outage_is_chosen() {
        let target = "p99 outage <= 2s";
        let chosen = |rows| chosen(target, rows);
        assert_eq!(chosen([(900, 0, 100), (900, 0, 100), (1900, 0, 50), (1900, 0, 50)]), Choice::Chosen(2));
        assert_eq!(chosen([(900, 0, 50), (900, 0, 50), (800, 0, 50), (800, 0, 50)]), Choice::Chosen(2));
        assert_eq!(chosen([(900, 0, 50), (900, 0, 50), (900, 0, 50), (900, 0, 50)]), Choice::Chosen(0));
        // In one weather it is too slow: that is enough.
        assert_eq!(chosen([(900, 0, 100), (900, 0, 100), (900, 0, 50), (2100, 0, 50)]), Choice::Chosen(0));
    }

    #[test]
    fn only_the_loss_that_is_asked_about_counts() {
        let rows = [(900, 0, 50), (900, 9, 50), (900, 9, 100), (900, 1, 100)];
        assert_eq!(
            chosen("p99 outage <= 1s, false takeovers <= 1 a year at 1% loss", rows),
            Choice::Chosen(3)
        );
        let without = chosen("p99 outage <= 1s, false takeovers <= 1 a year", rows);
        assert!(matches!(without, Choice::Nearest(1, _)), "{without:?}");
    }

    #[test]
    fn the_nearest_is_told_with_the_limit_it_misses_most() {
        let target = "p99 outage <= 1s, false takeovers <= 2 a year";
        // Twice the outage is nearer than three times the takeovers; what does not end is furthest.
        let nearest = chosen(target, [(2000, 3, 1), (2000, 3, 1), (900, 6, 1), (900, 6, 1)]);
        let Choice::Nearest(0, Miss { limit: Limit::Outage { .. }, found }) = nearest else {
            panic!("{nearest:?}")
        };
        assert_eq!(found, Found::Outage(Lasted { open: false, time: Duration::from_secs(2) }));
        let nearest = chosen(target, [(0, 0, 1), (0, 0, 1), (900, 6000, 1), (900, 5, 1)]);
        let Choice::Nearest(2, Miss { limit: Limit::FalseTakeovers { .. }, found }) = nearest else {
            panic!("{nearest:?}")
        };
        assert_eq!(found, Found::Takeovers(Number::ratio(6000, 1)));
    }
}
