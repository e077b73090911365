//! A deterministic testbed for floating cloud addresses: the full agent against a simulated L2 segment.

pub mod cloud;
pub mod engine;
mod latch;
pub mod observe;
pub mod scenario;
pub mod world;
