//! In which order rules take the reports of an instant.
//!
//! They come by whom they are about: a machine with its first interface, then each further one. A program acts on what
//! has come to its machine at that instant, by whichever interface, and must not be judged before that is known.

use crate::world::{Report, What, Who};

/// The reports of an instant: what a machine receives on further interfaces before what its program says.
pub(super) fn heard_first(reports: &[Report]) -> impl Iterator<Item = &Report> {
    reports.chunk_by(|one, next| one.who.node() == next.who.node()).flat_map(|of_node| {
        let says = |report: &Report| matches!(report.what, What::Record(..));
        let (before, from) = of_node.split_at(of_node.iter().position(says).unwrap_or(of_node.len()));
        let [heard, rest] =
            [true, false].map(|wanted| from.iter().filter(move |one| comes_in(one) == wanted));
        before.iter().chain(heard).chain(rest)
    })
}

/// Whether something is received on a further interface.
pub(super) fn comes_in(report: &Report) -> bool {
    matches!((report.who, report.what), (Who::Eni(..), What::Received { .. }))
}
