//! Several runs of one scenario, each with its acts at another phase of the adverts: the worst run's record,
//! with the smallest, the middle and the largest of each number.

use havip::time::Duration;

use super::expectations::Figure;
use super::record::{OutageRow, Record};

/// The smallest, the middle and the largest of several values. The middle is one that occurred: of an even
/// number, the lower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread<T> {
    /// The smallest.
    pub min: T,
    /// The middle.
    pub median: T,
    /// The largest.
    pub max: T,
}

impl<T: Ord + Copy> Spread<T> {
    /// Of these values, if there are any.
    pub fn of(mut values: Vec<T>) -> Option<Spread<T>> {
        values.sort_unstable();
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Spread { min, median: values[(values.len() - 1) / 2], max })
    }
    /// The three in order.
    pub fn each(&self) -> [T; 3] {
        [self.min, self.median, self.max]
    }
}

/// What several runs gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many runs.
    pub runs: u32,
    /// By client and by which of its outages it was.
    pub outages: Vec<OutageSummary>,
    /// By expectation, in the script's order.
    pub verdicts: Vec<VerdictSummary>,
}

/// A client's first, second, ... outage over several runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageSummary {
    /// Whose.
    pub client: String,
    /// Which of its outages, from 0.
    pub nth: usize,
    /// How many runs had it.
    pub runs: u32,
    /// Its length.
    pub length: Spread<Duration>,
    /// From the act to the claim: how many runs had one, and how long it took.
    pub detection: Option<(u32, Spread<Duration>)>,
    /// From the claim to the binding: how many runs had one, and how long it took.
    pub cloud: Option<(u32, Spread<Duration>)>,
    /// The rest.
    pub probe: Spread<Duration>,
}

/// An expectation over several runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictSummary {
    /// In how many runs it holds.
    pub hold: u32,
    /// What was measured.
    pub figure: Spread<Figure>,
}

/// Takes the records of several runs and keeps the worst one and everybody's numbers.
#[derive(Clone, Debug, Default)]
pub struct Phases {
    runs: u32,
    worst: Option<(u32, Record)>,
    outages: Vec<(String, usize, Vec<OutageRow>)>,
    verdicts: Vec<(u32, Vec<Figure>)>,
}

impl Phases {
    /// No run yet.
    pub fn new() -> Phases {
        Phases::default()
    }

    /// Takes the record of one more run.
    pub fn add(&mut self, record: Record) {
        self.runs += 1;
        for (i, outage) in record.outages.iter().enumerate() {
            let nth = record.outages[..i].iter().filter(|other| other.client == outage.client).count();
            match self.outages.iter_mut().find(|(client, n, _)| (client, *n) == (&outage.client, nth)) {
                Some((.., rows)) => rows.push(outage.clone()),
                None => self.outages.push((outage.client.clone(), nth, vec![outage.clone()])),
            }
        }
        self.verdicts.resize(record.verdicts.len(), (0, Vec::new()));
        for ((hold, figures), row) in self.verdicts.iter_mut().zip(&record.verdicts) {
            *hold += u32::from(row.verdict.holds);
            figures.push(row.verdict.figure);
        }
        if self.worst.as_ref().is_none_or(|(_, worst)| badness(&record) > badness(worst)) {
            self.worst = Some((self.runs - 1, record));
        }
    }

    /// Which run was the worst so far, from 0.
    pub fn worst(&self) -> Option<u32> {
        self.worst.as_ref().map(|(k, _)| *k)
    }

    /// The worst run's record with the summary of all runs, if there was a run.
    pub fn finish(self) -> Option<Record> {
        let outages = self.outages.into_iter().filter_map(|(client, nth, rows)| {
            let part = |part: fn(&OutageRow) -> Option<Duration>| {
                let values: Vec<Duration> = rows.iter().filter_map(part).collect();
                let count = values.len() as u32;
                Spread::of(values).map(|spread| (count, spread))
            };
            let (runs, length) = part(|row| Some(row.length()))?;
            let (_, probe) = part(|row| Some(row.probe))?;
            let (detection, cloud) = (part(|row| row.detection), part(|row| row.cloud));
            Some(OutageSummary { client, nth, runs, length, detection, cloud, probe })
        });
        let verdicts = self
            .verdicts
            .into_iter()
            .filter_map(|(hold, figures)| Some(VerdictSummary { hold, figure: Spread::of(figures)? }));
        let (outages, verdicts) = (outages.collect(), verdicts.collect());
        let (_, mut worst) = self.worst?;
        worst.summary = Some(Summary { runs: self.runs, outages, verdicts });
        Some(worst)
    }
}

/// A run is worse when more of what was expected fails; then when a client was out for longer.
fn badness(record: &Record) -> (usize, Duration) {
    let failing = record.verdicts.iter().filter(|row| !row.verdict.holds).count();
    let longest = record.outages.iter().map(OutageRow::length).max();
    (failing, longest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_a_value_that_occurred() {
        assert_eq!(Spread::of(vec![3, 1, 2]).unwrap().each(), [1, 2, 3]);
        assert_eq!(Spread::of(vec![4, 1, 2, 3]).unwrap().each(), [1, 2, 4]);
        assert_eq!(Spread::of(vec![7]).unwrap().each(), [7, 7, 7]);
        assert_eq!(Spread::<u32>::of(vec![]), None);
    }
}
