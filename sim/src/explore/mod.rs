//! The explorer: thousands of seeds, the rules they break, and the smallest file that shows it.
//!
//! A *campaign* does things to a cluster: each seed draws a story ([`Drawn`], one pure function) of injections in the
//! script language, runs it, and holds it against the rules ([`RULES`](crate::rules::RULES)) as it goes. A run has three
//! phases: it settles, then anything may be wrong (safety), then nothing is any more and the cluster has to find together
//! (liveness).
//!
//! The map: `base` is the cluster, `plan` what is to be done; `draw`, `inject`, `attack` and `seed` make the stories, and
//! [`rules`](crate::rules) judge them; `outcome` is one seed, `alike` those of one beginning, `tally` many; `shrink` (with
//! `rename`) makes a small file of a failing one, which `found` writes. `campaign` runs many on many threads, `results`
//! and `store` keep and merge what they come to, `shard` is one machine's part of it, `report` tells, `page` shows it in a
//! browser, `twice` holds runs of a seed against each other.

mod alike;
mod attack;
mod base;
mod campaign;
mod draw;
mod found;
mod inject;
mod outcome;
mod page;
mod plan;
mod rename;
pub mod replay;
mod report;
mod results;
mod seed;
mod shard;
mod shrink;
mod store;
mod tally;
#[cfg(test)]
mod testing;
mod twice;

pub use base::Base;
pub use campaign::{Campaign, Counts, End, Progress};
pub use draw::seed_of;
pub use found::Found;
pub use inject::{INJECTIONS, Injection};
pub use outcome::Outcome;
pub use page::page;
pub use plan::{Expected, Plan, PlanFile, Seeds};
pub use report::{Report, grouped};
pub use results::{BLOCK, CODE, Head};
pub use seed::Drawn;
pub use shard::{Environment, Shard};
pub use shrink::shrink;
pub use store::{Begin, Merged, Results, merge};
pub use tally::{Histogram, InjectionTally, RuleTally, Tally};
pub use twice::{Compared, Parting, check};
