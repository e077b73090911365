//! Who watches a run: the record, the expectations, the digests, the capture, the picture.
//!
//! The world holds no trace. An engine hands the [`Report`]s of each instant, together and in canonical order
//! (by [`Who`](crate::world::Who), then as they happened), to an [`Observer`] and forgets them. Several watch
//! one run as a tuple or as a `Vec<&mut dyn Observer>`.
//!
//! What an observer does for each frame is bounded: it looks at a few bytes and counts. Text is made once, at
//! the end, from what was folded on the way.

mod assumptions;
mod digest;
mod expectations;
mod facts;
mod fold;
mod json;
mod lines;
mod outage;
mod pcapng;
pub(crate) mod peek;
pub mod picture;
mod print;
mod record;
mod table;
mod trace;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod testing;

use havip::time::Time;

use crate::world::{Look, Report, Setup, Wants};

pub use digest::{FrameDigest, Hash64, fold_hash};
pub use expectations::{Expectations, Figure, Seen, Verdict};
pub use facts::{Changes, Facts};
pub use outage::{Cause, Outage, Outages, Unreached};
pub use pcapng::Pcapng;
pub(crate) use picture::{Anchor, Canvas, Escaped, PAGE_STYLE, STYLE, fit, looks, width_of};
pub use picture::{Lanes, Picture};
pub use print::Palette;
pub use record::{OutageRow, Record, RecordLine, Recorder};
pub use table::{Phases, Spread, Summary};
pub use trace::Trace;

/// Somebody who is told what happens in a run.
pub trait Observer {
    /// The classes of reports it needs; the others are not made for it, but may come all the same.
    fn wants(&self) -> Wants;
    /// Everything that happened at one instant. Instants come in time order, each once.
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]);
    /// Several instants in a row, in which nothing has happened but that frames were sent and received that say once more
    /// what has been said. Who has nothing to save by that is told of each instant.
    fn row(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        for instant in reports.chunk_by(|one, next| one.at == next.at) {
            self.instant(setup, look, instant);
        }
    }
    /// The run is over; `end` is its last instant.
    fn finish(&mut self, setup: &Setup, end: Time) {
        let _ = (setup, end);
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn wants(&self) -> Wants {
        (**self).wants()
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        (**self).instant(setup, look, reports);
    }
    fn row(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        (**self).row(setup, look, reports);
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        (**self).finish(setup, end);
    }
}

/// Perhaps somebody watches.
impl<O: Observer> Observer for Option<O> {
    fn wants(&self) -> Wants {
        self.as_ref().map_or_else(Wants::default, Observer::wants)
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        if let Some(one) = self {
            one.instant(setup, look, reports);
        }
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        if let Some(one) = self {
            one.finish(setup, end);
        }
    }
}

impl<O: Observer> Observer for Vec<O> {
    fn wants(&self) -> Wants {
        self.iter().fold(Wants::default(), |all, one| either(all, one.wants()))
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        for one in self {
            one.instant(setup, look, reports);
        }
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        for one in self {
            one.finish(setup, end);
        }
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn wants(&self) -> Wants {
        either(self.0.wants(), self.1.wants())
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.0.instant(setup, look, reports);
        self.1.instant(setup, look, reports);
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        self.0.finish(setup, end);
        self.1.finish(setup, end);
    }
}

impl<A: Observer, B: Observer, C: Observer> Observer for (A, B, C) {
    fn wants(&self) -> Wants {
        either(self.0.wants(), either(self.1.wants(), self.2.wants()))
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.0.instant(setup, look, reports);
        self.1.instant(setup, look, reports);
        self.2.instant(setup, look, reports);
    }
    fn finish(&mut self, setup: &Setup, end: Time) {
        self.0.finish(setup, end);
        self.1.finish(setup, end);
        self.2.finish(setup, end);
    }
}

/// Nobody watches: for running as fast as it goes.
impl Observer for () {
    fn wants(&self) -> Wants {
        Wants::default()
    }
    fn instant(&mut self, _: &Setup, _: &dyn Look, _: &[Report]) {}
}

fn either(a: Wants, b: Wants) -> Wants {
    Wants {
        facts: a.facts || b.facts,
        frames: a.frames || b.frames,
        beats: a.beats || b.beats,
        probes: a.probes || b.probes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;
    use crate::scenario::{Expect, Expectation, Fact};

    #[test]
    fn several_watch_one_run() {
        let mut run = Run::pair();
        run.at("1").started(A).master(A).advert(A, B, 100);
        let expect = Expect::Eventually(Fact::TwoMasters);
        let mut expectations = Expectations::new(&run.setup, &[Expectation { expect, only: None, line: 1 }]);
        assert!(!expectations.wants().frames);
        let mut digest = FrameDigest::new();
        let mut all: Vec<&mut dyn Observer> = vec![&mut expectations, &mut digest];
        assert_eq!(all.wants(), Wants { facts: true, frames: true, beats: true, probes: false });
        run.play(&mut all, "60");
        assert_eq!((digest.frames(), expectations.hold()), (1, false));
    }
}
