//! What a script expects, judged while the run streams by.
//!
//! A fact is a value that changes at instants; each expectation follows its own and is told of each
//! *stretch* over which it did not change. Facts of one instant (`refused`, `transition`) are told as such.
//! Every verdict carries the number that was measured, whether the expectation holds or not.

use havip::time::{Duration, Time};

use super::facts::{Changes, Facts};
use super::outage::{Outage, Outages};
use super::{Observer, either};
use crate::scenario::{Expect, Expectation, Fact};
use crate::world::{ClientId, Look, Report, Segment, Setup, Wants, What};

/// What was found of one expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The expectation.
    pub expect: Expect,
    /// Its line in the script.
    pub line: u32,
    /// It holds.
    pub holds: bool,
    /// What was measured.
    pub figure: Figure,
    /// Why it does not hold.
    pub seen: Seen,
}

/// The number behind a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// There is none: the fact never was true, or no outage was seen.
    None,
    /// `by`, `eventually`: since when it is true.
    Since(Time),
    /// `during`, `never`: the longest stretch against the expectation; `outage`: the longest outage.
    Longest(Duration),
    /// `moves`, and facts of one instant: how often.
    Times(u32),
}

/// What was seen instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: it holds.
    Nothing,
    /// The fact never was true.
    NeverTrue,
    /// It became true only here, after the time.
    Late(Time),
    /// The fact had the wrong value from one instant to another.
    Stretch {
        /// That value.
        value: bool,
        /// From.
        from: Time,
        /// To; the end of the run where it lasted.
        to: Time,
    },
    /// It happened, here first.
    Happened(Time),
    /// The worst outage.
    Outage {
        /// From.
        from: Time,
        /// To.
        to: Time,
    },
    /// The client had no answer at all up to the end of the span.
    Unreached,
    /// More often than allowed.
    TooOften,
}

/// Judges every expectation of a script.
#[derive(Clone, Debug)]
pub struct Expectations {
    facts: Facts,
    outages: Outages,
    all: Vec<Watch>,
    /// What any of them depends on.
    depends: Changes,
    /// Who announces an address matters: on a lan `moves` is about that.
    announcers: bool,
    verdicts: Vec<Verdict>,
}

impl Expectations {
    /// Follows these expectations from the beginning of a run.
    pub fn new(setup: &Setup, expectations: &[Expectation]) -> Expectations {
        let facts = Facts::new(setup);
        let all: Vec<Watch> = expectations.iter().map(|one| Watch::new(&facts, one)).collect();
        let depends = all.iter().fold(Changes::NONE, |sum, watch| sum | watch.depends);
        let facts = if depends.meets(Changes::ADVERTISED) { facts.with_adverts() } else { facts };
        let lan = matches!(setup.segment, Segment::Lan(_));
        let announcers = lan && all.iter().any(|watch| matches!(watch.expect, Expect::Moves(..)));
        let outages = Outages::new(setup);
        Expectations { facts, outages, all, depends, announcers, verdicts: Vec::new() }
    }
    /// What was found, in the script's order; empty until the run is over.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }
    /// Whether everything holds; meaningful when the run is over.
    pub fn hold(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

impl Observer for Expectations {
    fn wants(&self) -> Wants {
        let frames = Changes::TRAFFIC | Changes::CLAIMED | Changes::ADVERTISED;
        let traffic = Wants {
            facts: true,
            frames: self.depends.meets(frames),
            beats: self.depends.meets(frames),
            probes: false,
        };
        let announcers =
            Wants { facts: true, frames: self.announcers, beats: self.announcers, probes: false };
        either(traffic, announcers)
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let Some(at) = reports.first().map(|report| report.at) else { return };
        let mut changes = self.facts.begin();
        let before = self.facts.moves();
        for report in reports {
            if matches!(report.what, What::Act(index) if setup.acts[index as usize].act.happens()) {
                self.all.iter_mut().for_each(|watch| watch.acted(at));
            }
            changes = changes | self.facts.apply(setup, look, report);
            self.outages.apply(setup, look, &self.facts, report);
        }
        let moved = self.facts.moves() - before;
        if !changes.meets(self.depends) && moved == 0 {
            return;
        }
        for watch in &mut self.all {
            let happened = match watch.expect {
                Expect::Moves(..) => moved,
                Expect::Claims(_, _, cvm, _) => self.facts.claims_of(cvm),
                Expect::Notifies(_, _, cvm, _) => self.facts.notified_by(cvm),
                _ => 0,
            };
            if happened > 0 {
                watch.times += if (watch.window.0..=watch.window.1).contains(&at) { happened } else { 0 };
            } else if changes.meets(watch.depends)
                && let Some(fact) = watch.fact
            {
                watch.now(at, self.facts.holds(&fact));
            }
        }
    }

    fn finish(&mut self, setup: &Setup, end: Time) {
        self.outages.finish(setup, &self.facts, end);
        let outages = &self.outages;
        for watch in &mut self.all {
            match watch.fact {
                Some(Fact::Served(client)) => {
                    outages.served(client).for_each(|(at, served)| watch.now(at, served));
                }
                Some(Fact::Unserved(client)) => {
                    outages.served(client).for_each(|(at, served)| watch.now(at, !served));
                }
                _ => {}
            }
        }
        self.verdicts = self.all.iter_mut().map(|watch| watch.verdict(outages, end)).collect();
    }
}

/// One expectation and what was seen of its fact.
#[derive(Clone, Debug)]
struct Watch {
    expect: Expect,
    line: u32,
    fact: Option<Fact>,
    depends: Changes,
    /// The fact is one of an instant.
    point: bool,
    /// The instants that count, both included.
    window: (Time, Time),
    /// The value, and since when.
    value: (bool, Time),
    /// The true stretch that `by` asks for began here.
    became: Option<Time>,
    /// The first true instant behind `by`'s time.
    late: Option<Time>,
    /// The first false stretch in the window, and the longest, and the longest true one in the run.
    false_first: Option<(Time, Time)>,
    false_longest: Duration,
    true_longest: Option<(Duration, Time, Time)>,
    /// Facts of an instant, in the window: how often, and when first. Moves: how often.
    times: u32,
    first: Option<Time>,
}

impl Watch {
    fn new(facts: &Facts, one: &Expectation) -> Watch {
        let fact = match one.expect {
            Expect::By(_, fact)
            | Expect::During(_, _, fact)
            | Expect::Never(fact, _)
            | Expect::Eventually(fact) => Some(fact),
            Expect::Outage(..)
            | Expect::Moves(..)
            | Expect::Claims(..)
            | Expect::Notifies(..)
            | Expect::Rule(_) => None,
        };
        let point = fact.is_some_and(|fact| fact.is_of_an_instant());
        let window = match one.expect {
            Expect::By(by, _) if point => (Time::ZERO, by),
            Expect::By(by, _) => (by, Time::MAX),
            Expect::During(from, to, _)
            | Expect::Outage(from, to, ..)
            | Expect::Moves(from, to, _)
            | Expect::Claims(from, to, ..)
            | Expect::Notifies(from, to, ..) => (from, to),
            Expect::Never(..) | Expect::Eventually(_) | Expect::Rule(_) => (Time::ZERO, Time::MAX),
        };
        Watch {
            expect: one.expect,
            line: one.line,
            fact,
            depends: match (fact.as_ref(), one.expect) {
                (Some(fact), _) => Changes::of(fact),
                (None, Expect::Claims(..)) => Changes::CLAIMED,
                (None, Expect::Notifies(..)) => Changes::NOTIFIED,
                (None, _) => Changes::NONE,
            },
            point,
            window,
            value: (fact.is_some_and(|fact| facts.holds(&fact)), Time::ZERO),
            became: None,
            late: None,
            false_first: None,
            false_longest: Duration::ZERO,
            true_longest: None,
            times: 0,
            first: None,
        }
    }

    /// An act was carried out: the first one behind `by`'s time ends what it asks for. At the act's own
    /// instant the fact may already be another.
    fn acted(&mut self, at: Time) {
        if matches!(self.expect, Expect::By(by, _) if !self.point && at > by) && self.window.1 == Time::MAX {
            self.window.1 = at.saturating_sub(Duration::from_nanos(1));
        }
    }

    /// The fact has this value from now on.
    fn now(&mut self, at: Time, value: bool) {
        if self.point {
            if value && (self.window.0..=self.window.1).contains(&at) {
                self.times += 1;
                self.first.get_or_insert(at);
            } else if value {
                self.late.get_or_insert(at);
            }
        } else if value != self.value.0 {
            if at > self.value.1 {
                self.stretch(self.value.1, at, None);
            }
            self.value = (value, at);
        }
    }

    /// The value stayed from one instant up to, not including, another; or up to the end, and including it.
    fn stretch(&mut self, from: Time, to: Time, end: Option<Time>) {
        let (start, stop) = self.window;
        let reaches = |at: Time| from <= at && (at < to || end.is_some());
        let overlaps = from <= stop && (to > start || end.is_some_and(|end| end >= start));
        if self.value.0 {
            if reaches(start) {
                self.became = Some(from);
            } else if from > start {
                self.late.get_or_insert(from);
            }
            let length = to.saturating_since(from);
            if self.true_longest.is_none_or(|(longest, ..)| length > longest) {
                self.true_longest = Some((length, from, to));
            }
        } else if overlaps {
            let cut = (from.max(start), to.min(stop));
            self.false_first.get_or_insert(cut);
            self.false_longest = self.false_longest.max(cut.1.saturating_since(cut.0));
        }
    }

    fn verdict(&mut self, outages: &Outages, end: Time) -> Verdict {
        if self.fact.is_some() && !self.point {
            self.stretch(self.value.1, end.max(self.value.1), Some(end));
        }
        let (holds, figure, seen) = match self.expect {
            Expect::Outage(.., client, most) => self.worst_outage(outages, client, most),
            Expect::Moves(.., most) | Expect::Claims(.., most) | Expect::Notifies(.., most) => {
                (self.times <= most, Figure::Times(self.times), Seen::TooOften)
            }
            Expect::Never(_, most) if self.point => {
                // What happens at an instant lasts for no time.
                let holds = self.times == 0 || most.is_some();
                (holds, Figure::Times(self.times), self.first.map_or(Seen::NeverTrue, Seen::Happened))
            }
            _ if self.point => {
                let figure = self.first.map_or(Figure::None, Figure::Since);
                (self.times > 0, figure, self.late.map_or(Seen::NeverTrue, Seen::Late))
            }
            Expect::By(..) => self.by(),
            Expect::During(..) => {
                let seen = self.false_first.map_or(Seen::Nothing, |(from, to)| wrong(false, from, to));
                (self.false_first.is_none(), Figure::Longest(self.false_longest), seen)
            }
            Expect::Never(_, most) => {
                let (longest, from, to) = self.true_longest.unwrap_or_default();
                let allowed = most.is_some_and(|most| longest <= most);
                (self.true_longest.is_none() || allowed, Figure::Longest(longest), wrong(true, from, to))
            }
            Expect::Eventually(_) => match self.value {
                (true, since) => (true, Figure::Since(since), Seen::Nothing),
                (false, _) if self.true_longest.is_none() => (false, Figure::None, Seen::NeverTrue),
                (false, since) => (false, Figure::None, wrong(false, since, end)),
            },
            // Whoever knows the rules says otherwise.
            Expect::Rule(_) => (true, Figure::None, Seen::Nothing),
        };
        let seen = if holds { Seen::Nothing } else { seen };
        Verdict { expect: self.expect, line: self.line, holds, figure, seen }
    }

    fn by(&self) -> (bool, Figure, Seen) {
        match (self.became, self.false_first) {
            (Some(since), None) => (true, Figure::Since(since), Seen::Nothing),
            (Some(since), Some((from, to))) => (false, Figure::Since(since), wrong(false, from, to)),
            (None, _) => match self.late {
                Some(late) => (false, Figure::Since(late), Seen::Late(late)),
                None if self.true_longest.is_none() => (false, Figure::None, Seen::NeverTrue),
                None => {
                    let (from, to) = self.false_first.unwrap_or(self.window);
                    (false, Figure::None, wrong(false, from, to))
                }
            },
        }
    }

    fn worst_outage(&self, outages: &Outages, client: ClientId, most: Duration) -> (bool, Figure, Seen) {
        let (start, stop) = self.window;
        let unreached = outages.unreached().find(|one| one.client == client).and_then(|one| one.to);
        if unreached.is_none_or(|reached| reached > stop) {
            return (false, Figure::None, Seen::Unreached);
        }
        let overlapping =
            outages.all().iter().filter(|one| one.client == client && one.from <= stop && one.to >= start);
        match overlapping.max_by_key(|one| (one.length(), std::cmp::Reverse(one.from))) {
            None => (true, Figure::Longest(Duration::ZERO), Seen::Nothing),
            Some(&Outage { from, to, .. }) => {
                let length = to.saturating_since(from);
                (length <= most, Figure::Longest(length), Seen::Outage { from, to })
            }
        }
    }
}

fn wrong(value: bool, from: Time, to: Time) -> Seen {
    Seen::Stretch { value, from, to }
}

#[cfg(test)]
#[path = "expectations_tests.rs"]
mod tests;
