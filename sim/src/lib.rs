//! A deterministic testbed for floating cloud addresses: the full agent against a simulated L2 segment.

pub mod observe;
pub mod scenario;
pub mod world;
