//! The axes of a sweep and what lies between them: which points there are, and which are drawn.

use std::collections::BTreeSet;

use havip::time::Duration;

use crate::observe::Hash64;
use crate::scenario::Script;
use crate::world::{Ppm, Segment};

/// More points than this nobody waits for, nor reads.
pub const MOST_POINTS: u64 = 10_000;

/// The axes, in the order in which the plan has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    /// None is empty.
    pub axes: Vec<Axis>,
}

/// One axis: what is changed, and to which values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// As the plan has it: `advert_int`, `priority.b`, `loss`.
    pub name: String,
    /// The plan's line.
    pub line: usize,
    /// What is changed.
    pub what: What,
    /// As the plan has them: `1`, `0.1%`.
    pub values: Vec<String>,
}

/// What an axis changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A scalar of every `vrrp_instance`, on one machine or on all.
    Keyword {
        /// `priority`.
        key: String,
        /// `b`.
        machine: Option<String>,
    },
    /// The share of frames that is lost, by the number of the value.
    Loss(Vec<Ppm>),
    /// How long a binding takes to follow its claim, by the number of the value.
    BindDelay(Vec<(Duration, Duration)>),
}

impl Axis {
    /// Whether it is what the cluster meets with, and not what its owner sets.
    pub fn is_weather(&self) -> bool {
        !matches!(self.what, What::Keyword { .. })
    }
}

/// A point: the number of the value on each axis.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point(pub Vec<usize>);

impl Grid {
    /// The loss at a point, if an axis says it.
    pub fn loss(&self, point: &Point) -> Option<Ppm> {
        self.on(point, |what, value| match what {
            What::Loss(shares) => shares.get(value).copied(),
            _ => None,
        })
    }

    /// The script of a point: the base with this point's values.
    pub fn script(&self, base: &Script, point: &Point) -> Script {
        let mut script = base.clone();
        // A machine's own value after everybody's, wherever the plan has them.
        for own in [false, true] {
            for (axis, &value) in self.axes.iter().zip(&point.0) {
                match &axis.what {
                    What::Keyword { key, machine } if machine.is_some() == own => {
                        let on = |name: &str| machine.as_ref().is_none_or(|machine| machine == name);
                        for cvm in script.cvms.iter_mut().filter(|cvm| on(&cvm.name)) {
                            cvm.with.retain(|with| with.key != *key);
                            cvm.with.push(crate::scenario::WithDecl {
                                key: key.clone(),
                                value: axis.values[value].clone(),
                                place: crate::scenario::Place::NOWHERE,
                            });
                        }
                    }
                    What::BindDelay(delays) => script.bind_delay = delays[value],
                    What::Keyword { .. } | What::Loss(_) => {}
                }
            }
        }
        script
    }

    fn on<T>(&self, point: &Point, of: impl Fn(&What, usize) -> Option<T>) -> Option<T> {
        self.axes.iter().zip(&point.0).find_map(|(axis, &value)| of(&axis.what, value))
    }

    /// The points: all, or those of so many settings, which are drawn from the seed and nothing else. A setting that is
    /// drawn is tried in all weathers, or settings could not be held against each other.
    pub fn points(&self, sample: Option<u64>, seed: u64) -> Result<Vec<Point>, String> {
        let count = |weather: bool| {
            let of = self.axes.iter().filter(|axis| axis.is_weather() == weather);
            of.fold(1u64, |all, axis| all.saturating_mul(axis.values.len() as u64))
        };
        let (settings, weathers) = (count(false), count(true));
        let drawn = sample.unwrap_or(settings).min(settings);
        let points = drawn.saturating_mul(weathers);
        if points > MOST_POINTS {
            let fits = (MOST_POINTS / weathers.max(1)).max(1);
            return Err(format!(
                "{points} points are too many, {MOST_POINTS} is the most: give fewer values, or draw some settings \
                 with `sample = {}`",
                fits.min(100)
            ));
        }
        let chosen: Vec<u64> = match sample {
            Some(n) if n < settings => draw(n, settings, seed).into_iter().collect(),
            _ => (0..settings).collect(),
        };
        let point = |setting: u64, weather: u64| {
            let mut left = [setting, weather];
            let mut values = vec![0; self.axes.len()];
            for (value, axis) in values.iter_mut().zip(&self.axes).rev() {
                let (left, n) = (&mut left[usize::from(axis.is_weather())], axis.values.len() as u64);
                (*value, *left) = ((*left % n) as usize, *left / n);
            }
            Point(values)
        };
        let mut points: Vec<Point> = chosen
            .into_iter()
            .flat_map(|one| (0..weathers).map(move |weather| point(one, weather)))
            .collect();
        points.sort_unstable();
        Ok(points)
    }

    /// `advert_int 1, loss 0.1%`: a point in words; without the weather, the setting.
    pub fn in_words(&self, point: &Point, weather: bool) -> String {
        let axes = self.axes.iter().zip(&point.0).filter(|(axis, _)| weather || !axis.is_weather());
        let words: Vec<String> =
            axes.map(|(axis, &value)| format!("{} {}", axis.name, axis.values[value])).collect();
        if words.is_empty() { "as the files are".to_owned() } else { words.join(", ") }
    }

    /// What is the same for all weathers of a setting.
    pub fn setting(&self, point: &Point) -> Vec<usize> {
        let axes = self.axes.iter().zip(&point.0);
        axes.filter(|(axis, _)| !axis.is_weather()).map(|(_, &value)| value).collect()
    }

    /// What is wrong with it for this cluster: a machine that is not there, a cloud's delay without a cloud.
    pub fn check(&self, base: &Script) -> Result<(), (usize, String)> {
        for axis in &self.axes {
            let wrong = |message: String| Err((axis.line, format!("{}: {message}", axis.name)));
            match &axis.what {
                What::Keyword { machine: Some(machine), .. } => {
                    let names: Vec<&str> = base.cvms.iter().map(|cvm| cvm.name.as_str()).collect();
                    if !names.contains(&machine.as_str()) {
                        return wrong(format!(
                            "there is no machine {machine}: there are {}",
                            names.join(", ")
                        ));
                    }
                }
                What::BindDelay(delays) => {
                    if matches!(base.segment, Segment::Lan(_)) {
                        return wrong("a lan has no cloud to wait for".to_owned());
                    }
                    let tick = base.tick.as_nanos().max(1);
                    let fits = |time: Duration| time.as_nanos().is_multiple_of(tick);
                    if delays.iter().any(|(low, high)| !fits(*low) || !fits(*high)) {
                        return wrong(format!("finer than the tick of {}", base.tick));
                    }
                }
                What::Keyword { machine: None, .. } | What::Loss(_) => {}
            }
        }
        Ok(())
    }
}

/// So many different numbers below `of`, each set of them as likely as the others (Floyd, 1987).
fn draw(n: u64, of: u64, seed: u64) -> BTreeSet<u64> {
    let mut chosen = BTreeSet::new();
    for below in of - n..of {
        let one = ((u128::from(hash(seed, &[0, below])) * u128::from(below + 1)) >> 64) as u64;
        if !chosen.insert(one) {
            chosen.insert(below);
        }
    }
    chosen
}

/// 64 even bits for a purpose: a function of its arguments and of nothing else.
pub(super) fn hash(seed: u64, of: &[u64]) -> u64 {
    let mut hash = Hash64::default();
    hash.word(0x0073_7765_6570_0001);
    hash.word(seed);
    of.iter().for_each(|word| hash.word(*word));
    // The last word's low bits have to reach the highest ones.
    hash.word(seed.rotate_left(32));
    hash.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(name: &str, values: usize) -> Axis {
        let values: Vec<String> = (1..=values).map(|n| n.to_string()).collect();
        let what = match name {
            "loss" => What::Loss(vec![Ppm(0); values.len()]),
            key => What::Keyword { key: key.to_owned(), machine: None },
        };
        Axis { name: name.to_owned(), line: 1, what, values }
    }

    #[test]
    fn points_are_in_the_order_of_the_plan() {
        let grid = Grid { axes: vec![axis("advert_int", 2), axis("loss", 2), axis("priority", 3)] };
        let points = grid.points(None, 1).unwrap();
        assert_eq!(points.len(), 12);
        assert_eq!(grid.in_words(&points[0], true), "advert_int 1, loss 1, priority 1");
        assert_eq!(grid.in_words(&points[11], false), "advert_int 2, priority 3");
        assert!(points.is_sorted());
    }

    #[test]
    fn a_sample_is_a_function_of_the_seed_and_has_all_weathers() {
        let grid = Grid { axes: vec![axis("advert_int", 100), axis("loss", 2), axis("priority", 100)] };
        let points = |seed| grid.points(Some(20), seed).unwrap();
        assert_eq!(points(1), points(1));
        assert_ne!(points(1), points(2));
        assert_eq!(points(1).len(), 40);
        let settings: BTreeSet<Vec<usize>> = points(1).iter().map(|point| grid.setting(point)).collect();
        assert_eq!(settings.len(), 20);
        assert_eq!(grid.points(Some(1), 1).unwrap().len(), 2);
        let small = Grid { axes: vec![axis("advert_int", 3)] };
        assert_eq!(small.points(Some(50), 1), small.points(None, 1), "more than there are");
    }

    #[test]
    fn a_sample_is_even() {
        let mut counts = [0u32; 10];
        (0..10_000).for_each(|seed| draw(3, 10, seed).into_iter().for_each(|n| counts[n as usize] += 1));
        // Each number is in three of ten sets: 3,000 with a standard deviation of 46; five of them either way.
        assert!(counts.iter().all(|c| (2_770..=3_230).contains(c)), "{counts:?}");
    }

    #[test]
    fn too_many_points_are_refused() {
        let grid = Grid { axes: vec![axis("advert_int", 101), axis("priority", 100)] };
        let error = grid.points(None, 1).unwrap_err();
        assert!(error.contains("10100 points are too many, 10000 is the most"), "{error}");
        assert!(error.contains("sample = 100"), "{error}");
        assert_eq!(grid.points(Some(7), 1).map(|points| points.len()), Ok(7));
        assert!(grid.points(Some(10_001), 1).is_err());
    }
}
