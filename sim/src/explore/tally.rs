//! What many seeds have come to: integers, sets and unions, which can be put together in any order.

use std::collections::BTreeMap;

use havip::time::Duration;

use super::inject::{INJECTIONS, Injection};
use super::outcome::Outcome;
use super::plan::Plan;
use crate::observe::Hash64;
use crate::rules::{MARKS, Mark, RULES, Rule};

/// How many runs of each kind a tally remembers by their seeds.
const REMEMBERED: usize = 5;

/// How often lengths of time were seen, in buckets of at most 1 % of their length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<u32, u64>);

impl Histogram {
    /// One more.
    pub fn add(&mut self, length: Duration) {
        *self.0.entry(bucket(length)).or_default() += 1;
    }
    /// The bucket of each length, in milliseconds, and how often.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.0.iter().map(|(&ms, &count)| (Duration::from_millis(ms.into()), count))
    }
    /// From what [`Histogram::buckets`] gave.
    pub fn of(buckets: impl IntoIterator<Item = (Duration, u64)>) -> Histogram {
        let mut histogram = Histogram::default();
        for (length, count) in buckets {
            *histogram.0.entry(bucket(length)).or_default() += count;
        }
        histogram
    }
    /// How many were seen.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }
    /// The length that so many of a million are not longer than; none of nothing.
    pub fn quantile(&self, ppm: u64) -> Option<Duration> {
        let rank = (u128::from(self.count()) * u128::from(ppm)).div_ceil(1_000_000).max(1) as u64;
        let mut seen = 0;
        self.buckets()
            .find(|(_, count)| {
                seen += count;
                seen >= rank
            })
            .map(|(length, _)| length)
    }
    /// The longest.
    pub fn longest(&self) -> Option<Duration> {
        self.0.keys().next_back().map(|&ms| Duration::from_millis(ms.into()))
    }
    fn take(&mut self, other: &Histogram) {
        for (&ms, &count) in &other.0 {
            *self.0.entry(ms).or_default() += count;
        }
    }
}

/// Milliseconds, to three digits, rounded up: no outage looks shorter than it was.
fn bucket(length: Duration) -> u32 {
    let ms = length.as_nanos().div_ceil(1_000_000);
    let mut unit = 1;
    while ms / unit >= 1_000 {
        unit *= 10;
    }
    u32::try_from(ms.div_ceil(unit) * unit).unwrap_or(u32::MAX)
}

/// How a rule has fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTally {
    /// Runs in which it did not hold, and was not expected not to.
    pub found: u64,
    /// Runs in which it did not hold, as the plan says.
    pub expected: u64,
    /// The first seeds of those found, each with what was the case.
    pub first: Vec<(u64, String)>,
}

/// How an injection has fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InjectionTally {
    /// Runs that had it.
    pub runs: u64,
    /// Those of them in which a rule did not hold, unexpectedly.
    pub found: u64,
    /// The worst outage of each run.
    pub worst: Histogram,
}

/// What some seeds have come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub seeds: u64,
    /// How much time passed in them.
    pub simulated: Duration,
    /// Of everything that happened in them.
    pub digest: u64,
    /// Every outage of every client.
    pub outages: Histogram,
    /// The worst outage of each run; 0 where there was none.
    pub worst: Histogram,
    /// By rule.
    pub rules: BTreeMap<Rule, RuleTally>,
    /// By injection.
    pub injections: BTreeMap<Injection, InjectionTally>,
    /// In how many runs each mark was hit.
    pub marks: BTreeMap<Mark, u64>,
    /// The runs with the longest outages, the longest first.
    pub longest: Vec<(Duration, u64)>,
}

impl Tally {
    /// Takes one seed's outcome.
    pub fn add(&mut self, plan: &Plan, outcome: &Outcome) {
        let (seed, worst) = (outcome.drawn.seed, outcome.worst());
        self.seeds += 1;
        self.simulated += outcome.drawn.run;
        let mut hash = Hash64::default();
        hash.word(seed);
        hash.word(outcome.digest);
        // A sum: in whatever order, and of whatever parts.
        self.digest = self.digest.wrapping_add(hash.value());
        outcome.outages.iter().for_each(|outage| self.outages.add(outage.length()));
        self.worst.add(worst);
        let mut found = false;
        for one in &outcome.violations {
            let rule = self.rules.entry(one.rule).or_default();
            if plan.expects(one.rule, &outcome.drawn.injected).is_some() {
                rule.expected += 1;
                continue;
            }
            (rule.found, found) = (rule.found + 1, true);
            rule.first.push((seed, one.what.clone()));
            rule.first.sort_unstable();
            rule.first.truncate(REMEMBERED);
        }
        let mut injected = outcome.drawn.injected.clone();
        injected.sort_unstable();
        injected.dedup();
        for injection in injected {
            let tally = self.injections.entry(injection).or_default();
            tally.runs += 1;
            tally.found += u64::from(found);
            tally.worst.add(worst);
        }
        for mark in MARKS.into_iter().filter(|mark| outcome.marks.has(*mark)) {
            *self.marks.entry(mark).or_default() += 1;
        }
        self.longest.push((worst, seed));
        self.keep_longest();
    }

    /// Puts another's seeds to these: they have none in common.
    pub fn take(&mut self, other: &Tally) {
        self.seeds += other.seeds;
        self.simulated += other.simulated;
        self.digest = self.digest.wrapping_add(other.digest);
        self.outages.take(&other.outages);
        self.worst.take(&other.worst);
        for (rule, theirs) in &other.rules {
            let ours = self.rules.entry(*rule).or_default();
            ours.found += theirs.found;
            ours.expected += theirs.expected;
            ours.first.extend(theirs.first.iter().cloned());
            ours.first.sort_unstable();
            ours.first.truncate(REMEMBERED);
        }
        for (injection, theirs) in &other.injections {
            let ours = self.injections.entry(*injection).or_default();
            ours.runs += theirs.runs;
            ours.found += theirs.found;
            ours.worst.take(&theirs.worst);
        }
        for (mark, count) in &other.marks {
            *self.marks.entry(*mark).or_default() += count;
        }
        self.longest.extend(other.longest.iter().copied());
        self.keep_longest();
    }

    /// Whether a rule did not hold that should have.
    pub fn found(&self) -> u64 {
        self.rules.values().map(|rule| rule.found).sum()
    }

    /// The marks that were never hit.
    pub fn missed(&self) -> Vec<Mark> {
        MARKS.into_iter().filter(|mark| !self.marks.contains_key(mark)).collect()
    }

    fn keep_longest(&mut self) {
        self.longest.retain(|(length, _)| !length.is_zero());
        self.longest.sort_unstable_by_key(|&(length, seed)| (std::cmp::Reverse(length), seed));
        self.longest.truncate(REMEMBERED);
    }
}

/// Every rule and injection has a place in the tables, hit or not.
impl Tally {
    /// The rules in their order, each with how it fared.
    pub fn by_rule(&self) -> impl Iterator<Item = (Rule, RuleTally)> + '_ {
        RULES.into_iter().map(|rule| (rule, self.rules.get(&rule).cloned().unwrap_or_default()))
    }
    /// The injections in their order, each with how it fared.
    pub fn by_injection(&self) -> impl Iterator<Item = (Injection, InjectionTally)> + '_ {
        INJECTIONS.into_iter().map(|one| (one, self.injections.get(&one).cloned().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_are_at_most_one_percent_wide_and_never_shorter() {
        for (ms, expected) in [(0, 0), (1, 1), (999, 999), (1000, 1000), (1001, 1010), (12_345, 12_400)] {
            assert_eq!(bucket(Duration::from_millis(ms)), expected, "{ms} ms");
        }
        assert_eq!(bucket(Duration::from_nanos(1)), 1);
    }

    #[test]
    fn quantiles_are_those_of_a_sorted_list() {
        let mut histogram = Histogram::default();
        (1..=100).for_each(|ms| histogram.add(Duration::from_millis(ms)));
        let ms = |ppm| histogram.quantile(ppm).map(|t| t.as_micros() / 1000);
        assert_eq!((ms(500_000), ms(990_000), ms(1_000_000)), (Some(50), Some(99), Some(100)));
        assert_eq!(Histogram::default().quantile(500_000), None);
    }

    fn tally() -> impl Strategy<Value = Tally> {
        (any::<u64>(), proptest::collection::vec((0..60_000u64, 0..15usize), 0..12)).prop_map(
            |(seed, runs)| {
                let mut tally = Tally { digest: seed, ..Tally::default() };
                for (i, (ms, rule)) in runs.into_iter().enumerate() {
                    tally.seeds += 1;
                    tally.worst.add(Duration::from_millis(ms));
                    tally.longest.push((Duration::from_millis(ms), seed.wrapping_add(i as u64)));
                    let one = tally.rules.entry(RULES[rule]).or_default();
                    one.found += 1;
                    one.first.push((seed.wrapping_add(i as u64), "so".to_owned()));
                    one.first.sort_unstable();
                    one.first.truncate(REMEMBERED);
                }
                tally.keep_longest();
                tally
            },
        )
    }

    proptest! {
        #[test]
        fn parts_come_to_the_same_in_any_order(a in tally(), b in tally(), c in tally()) {
            let sum = |parts: &[&Tally]| {
                let mut all = Tally::default();
                parts.iter().for_each(|part| all.take(part));
                all
            };
            prop_assert_eq!(sum(&[&a, &b, &c]), sum(&[&c, &a, &b]));
            prop_assert_eq!(sum(&[&sum(&[&a, &b]), &c]), sum(&[&a, &sum(&[&b, &c])]));
        }
    }
}
