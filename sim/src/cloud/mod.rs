//! The cloud as a pure model: subnets and what is reserved in them, HAVIPs, claims and bindings.
//!
//! It knows no frame and no machine, only interfaces that announce addresses; it is told what was announced, and says
//! what it believes. There are two of it, for two callers:
//!
//! - [`Cloud`], for the segment: one VPC, interfaces by number ([`EniId`]), nothing that a packet does not meet. It is
//!   asked for every packet of millions of runs and cloned with each fork of a world.
//! - [`model::Model`], for the API: regions, VPCs, subnets, interfaces, elastic IPs with ids, names, tags, quotas and
//!   tasks, stored row by row. It is asked for every request.
//!
//! What both decide is decided once, here: what may be claimed, bound and taken away (`judge`: [`Heard`],
//! [`may_bind_eip`], [`may_release`], [`may_detach`]), how a binding follows claims ([`Binding`]), and which addresses
//! are nobody's ([`reserved`]). Neither has a rule of its own about them.

mod binding;
mod eips;
mod judge;
pub mod model;
mod subnet;

pub use binding::{Binding, Claim, Cloud, EniId, Followed, Move, Route, key_of};
pub use judge::{Declined, Heard, Refusal, Verdict, may_bind_eip, may_detach, may_release};
pub use subnet::{Reserved, reserved};
