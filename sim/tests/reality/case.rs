//! A measured case as the simulator replays it: which acts, at which instants, and what is held against what.

use std::sync::Arc;

use crate::capture::Capture;
use crate::figures::{self, Figures, MS, Nanos, SECOND};

/// Why a measured figure lies milliseconds behind its rule, and behind the other runs.
pub const LATE: &str = "the program's timer was served late. Of the 1978 measured intervals of 1 s between two \
                        advertisements of one sender and priority, in the captures of all cases, one in ten is more \
                        than 1.7 ms late and one in a hundred more than 15 ms; the host table's lateness, 80 to 500 \
                        us, has no such tail";

/// A length of time of a run, as measured.
pub type Measured = fn(&Figures) -> Option<Nanos>;

/// How a figure is read from a run's figures, or from a capture.
pub type Reads<From, To> = Arc<dyn Fn(&From) -> To + Send + Sync>;

/// Something done in the course of a run.
#[derive(Clone)]
pub struct Step {
    /// In the words of the script language; `craft N` sends the n-th crafted frame.
    pub act: String,
    /// About when: the time of the first run's script.
    pub near: Nanos,
    /// When exactly.
    pub place: Place,
    /// About how long after the act before it, in runs that differ from the first by more than half an interval.
    pub about: Option<Measured>,
}

/// When an act comes.
#[derive(Clone, Copy)]
pub enum Place {
    /// So long after the same node's advertisement as in the first run.
    LikeFirst,
    /// So long after an advertisement of that node, by the run's own figures; without the figure, as in the first run.
    After(char, Measured),
    /// So long after the act before it as in the first run: the harness slept.
    Then,
}

/// How a figure of a run is held against the simulated one.
#[derive(Clone)]
pub enum Rule {
    /// Figure i against run i: within 2 ms, or 1 ms for each advertisement interval spanned.
    Timer(Reads<Figures, Option<Nanos>>, Reads<Capture, Option<Nanos>>),
    /// Figure i against run i: the same.
    Equal(Reads<Figures, Option<String>>, Reads<Capture, Option<String>>),
    /// A quantity of the host: what a thousand seeds give, from the first to the ninety-ninth percentile, has an
    /// instant in common with what was measured.
    Host(Reads<Figures, Vec<Nanos>>, Reads<Capture, Vec<Nanos>>),
}

/// One row of the scorecard.
#[derive(Clone)]
pub struct Quantity {
    /// What it is.
    pub what: String,
    /// How it is held.
    pub rule: Rule,
    /// Runs, from 1, that are not within, and why; none of a host's.
    pub outside: Vec<(Vec<usize>, &'static str)>,
}

/// A case.
#[derive(Clone)]
pub struct Case {
    /// Its folder.
    pub name: &'static str,
    /// What it waits for, if it cannot be run yet.
    pub pending: Option<&'static str>,
    /// What is done.
    pub steps: Vec<Step>,
    /// How long the run lasts.
    pub end: Nanos,
    /// The advertisement interval.
    pub interval: Nanos,
    /// What the client pings.
    pub target: &'static str,
    /// Which seed a run has; without, its own number.
    pub fits: Option<fn(&Figures, &Capture) -> bool>,
    /// What is held.
    pub quantities: Vec<Quantity>,
    /// What it says apart from its rows.
    pub note: Option<&'static str>,
}

impl Case {
    /// A case that runs so many seconds.
    pub fn new(name: &'static str, seconds: Nanos) -> Case {
        Case {
            name,
            pending: None,
            steps: Vec::new(),
            end: seconds * SECOND,
            interval: SECOND,
            target: "172.16.16.12",
            fits: None,
            quantities: Vec::new(),
            note: None,
        }
    }
    /// A case with nothing in it that a row could hold.
    pub fn noted(name: &'static str, note: &'static str) -> Case {
        Case { note: Some(note), ..Case::new(name, 0) }
    }
    /// Another advertisement interval than 1 s.
    pub fn every(mut self, ms: Nanos) -> Case {
        self.interval = ms * MS;
        self
    }
    /// An act about that many milliseconds into the script, as long after the preceding advertisement as in the
    /// first run.
    pub fn act(mut self, near_ms: Nanos, act: &'static str) -> Case {
        self.steps.push(Step {
            act: act.to_owned(),
            near: near_ms * MS,
            place: Place::LikeFirst,
            about: None,
        });
        self
    }
    /// Every crafted frame of the case, as long after an advertisement as in the first run.
    pub fn crafted(mut self) -> Case {
        let all = figures::crafted(self.name).into_iter().map(|one| one.act);
        self.steps.extend(all.map(|act| Step {
            act: act.what,
            near: act.at,
            place: Place::LikeFirst,
            about: None,
        }));
        self
    }
    /// The latest act came, in each run, so long after an advertisement of that node.
    pub fn after(mut self, node: char, offset: Measured) -> Case {
        self.steps.last_mut().expect("an act").place = Place::After(node, offset);
        self
    }
    /// The latest act came so long after the one before it.
    pub fn then(mut self) -> Case {
        self.steps.last_mut().expect("an act").place = Place::Then;
        self
    }
    /// The latest act came about so long after the one before it, or after the beginning, by the run's own figures.
    pub fn about(mut self, about: Measured) -> Case {
        self.steps.last_mut().expect("an act").about = Some(about);
        self
    }
    /// A run is played with the first seed of which this holds, the first run's search beginning at 1, the second's at
    /// 1001: what chance gave a kernel in that run, and what decides its figures.
    pub fn seeded(mut self, fits: fn(&Figures, &Capture) -> bool) -> Case {
        self.fits = Some(fits);
        self
    }
    fn row(mut self, what: impl Into<String>, rule: Rule) -> Case {
        self.quantities.push(Quantity { what: what.into(), rule, outside: Vec::new() });
        self
    }
    /// A length that timers of the program make.
    pub fn timer(
        self,
        what: impl Into<String>,
        real: impl Fn(&Figures) -> Option<Nanos> + Send + Sync + 'static,
        sim: impl Fn(&Capture) -> Option<Nanos> + Send + Sync + 'static,
    ) -> Case {
        self.row(what, Rule::Timer(Arc::new(real), Arc::new(sim)))
    }
    /// A count, an order, a holder.
    pub fn equal(
        self,
        what: impl Into<String>,
        real: impl Fn(&Figures) -> Option<String> + Send + Sync + 'static,
        sim: impl Fn(&Capture) -> Option<String> + Send + Sync + 'static,
    ) -> Case {
        self.row(what, Rule::Equal(Arc::new(real), Arc::new(sim)))
    }
    /// A length that the host makes.
    pub fn host(
        self,
        what: impl Into<String>,
        real: impl Fn(&Figures) -> Vec<Nanos> + Send + Sync + 'static,
        sim: impl Fn(&Capture) -> Vec<Nanos> + Send + Sync + 'static,
    ) -> Case {
        self.row(what, Rule::Host(Arc::new(real), Arc::new(sim)))
    }
    /// Whether it has a row whose name ends so.
    pub fn has(&self, what: &str) -> bool {
        self.quantities.iter().any(|quantity| quantity.what.ends_with(what))
    }
    /// Runs of a row, by its name, that are not within, and why.
    pub fn outside_of(mut self, what: &str, runs: &[usize], why: &'static str) -> Case {
        let row = self.quantities.iter_mut().find(|quantity| quantity.what == what);
        row.unwrap_or_else(|| panic!("{}: no row {what}", self.name)).outside.push((runs.to_vec(), why));
        self
    }
    /// Runs of the latest row that are not within, and why. They must not be within: a reason that is needed no
    /// more is to be taken out.
    pub fn outside(mut self, runs: &[usize], why: &'static str) -> Case {
        if !runs.is_empty() {
            self.quantities.last_mut().expect("a row").outside.push((runs.to_vec(), why));
        }
        self
    }
}
