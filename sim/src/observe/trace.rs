//! Everything that happened, one line a report: for comparing two engines, not for reading.
//!
//! A record folds and leaves out; a digest says that something differs, not what. A trace holds every report in
//! canonical order, frames by a hash of their bytes, since the numbers of frames mean nothing outside a run.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Hash64, Observer};
use crate::world::{FrameId, Look, Report, Setup, Wants, What, Who};

/// The trace of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    text: String,
    probes: bool,
}

impl Trace {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Nothing seen yet, and it will see every probe as a frame.
    pub fn with_probes() -> Self {
        Trace { probes: true, ..Trace::default() }
    }
    /// Its lines.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The first line in which two traces differ, as both have it.
    pub fn first_difference<'t>(&'t self, other: &'t Trace) -> Option<(Option<&'t str>, Option<&'t str>)> {
        if self.text == other.text {
            return None;
        }
        let (mut ours, mut theirs) = (self.text.lines(), other.text.lines());
        loop {
            match (ours.next(), theirs.next()) {
                (Some(a), Some(b)) if a == b => {}
                differing => return Some(differing),
            }
        }
    }
}

impl Observer for Trace {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: self.probes }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let hash = |frame: FrameId| {
            let mut hash = Hash64::default();
            hash.bytes(look.frame(frame));
            hash.value()
        };
        let name = |who: Who| match who {
            Who::Script => Cow::Borrowed("script"),
            Who::Node(node) => setup.name_of(node).into(),
            Who::Eni(node, eni) => setup.eni_name(node, eni).into(),
            Who::Cloud => "cloud".into(),
        };
        for report in reports {
            let (at, who) = (report.at.display(setup.digits()), name(report.who));
            // Writing to a String cannot fail.
            let _ = write!(self.text, "{at:>12} {who:<8} ");
            let _ = match report.what {
                What::Sent { frame, kind } => {
                    writeln!(self.text, "sent {} {:016x}", kind.word(), hash(frame))
                }
                What::Received { frame, kind, from } => {
                    writeln!(self.text, "received {} {:016x} from {}", kind.word(), hash(frame), name(from))
                }
                What::Lost { frame, kind, to, cause } => {
                    let to = to.map_or("nobody".into(), name);
                    writeln!(self.text, "lost {} {:016x} to {to}: {cause:?}", kind.word(), hash(frame))
                }
                What::Subject(cvm, subject) => {
                    writeln!(self.text, "{:?}: {:?}", report.what, look.subject(cvm, subject))
                }
                What::Routed { cvm, route, added } => {
                    writeln!(self.text, "routed {cvm:?} {added}: {}", look.told(route))
                }
                What::Notified { cvm, told, pipe } => {
                    writeln!(self.text, "notified {cvm:?} pipe {pipe}: {}", look.told(told))
                }
                other => writeln!(self.text, "{other:?}"),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;

    #[test]
    fn traces_differ_from_the_first_line_that_does() {
        let trace = |priority: u8| {
            let mut run = Run::pair();
            run.at("4.0000").advert(A, B, 100);
            run.at("5.0000").advert(A, B, priority);
            let mut trace = Trace::new();
            run.play(&mut trace, "10");
            trace
        };
        let (one, other) = (trace(100), trace(99));
        assert_eq!(one.first_difference(&trace(100)), None);
        let (Some(Some(a)), Some(Some(b))) =
            (one.first_difference(&other).map(|d| d.0), one.first_difference(&other).map(|d| d.1))
        else {
            panic!("no difference")
        };
        assert!(a != b && a.trim_start().starts_with("5.0000 a        sent vrrp "), "{a}");
        assert_eq!(one.first_difference(&Trace::new()).map(|d| d.1), Some(None));
    }
}
