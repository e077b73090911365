//! The cloud as a pure model: subnets and what is reserved in them, HAVIPs, claims and bindings.
//!
//! It knows no frame and no machine, only interfaces ([`EniId`]) that announce addresses. The simulated segment
//! tells it what was announced; it says what it believes. [`model`] is the whole of it, as the cloud's API shows it:
//! regions, VPCs, interfaces, elastic IPs.

mod binding;
mod eips;
mod judge;
pub mod model;
mod subnet;

pub use binding::{Binding, Claim, Cloud, EniId, Followed, Move, Route, key_of};
pub use judge::{Declined, Heard, Refusal, Verdict, may_bind_eip, may_detach, may_release};
pub use subnet::{Reserved, reserved};
