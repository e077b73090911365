//! The cloud as a pure model: subnets and what is reserved in them, HAVIPs, claims and bindings.
//!
//! It knows no frame and no machine, only interfaces ([`EniId`]) that announce addresses. The simulated segment
//! tells it what was announced; it says what it believes.

mod binding;
mod subnet;

pub use binding::{Claim, Cloud, EniId, Move, Refusal, Route, Verdict, key_of};
pub use subnet::{Reserved, reserved};
