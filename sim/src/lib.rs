//! A deterministic testbed for floating cloud addresses: the full agent against a simulated L2 segment.
//!
//! A scenario file names machines, their `keepalived.conf` files, what happens to them and what is expected. A run
//! of it is a function of the file and its seed: the same bytes on any machine. [`run`] does the whole of it;
//! [`harness()`] makes a folder of scenario files a test of any crate.
//!
//! Arrows run one way: `engine` drives `world`, which knows `cloud`; `scenario` and `observe` know the world, not
//! the engine; the world knows neither.

pub mod cli;
pub mod cloud;
pub mod engine;
mod harness;
mod latch;
pub mod logs;
pub mod observe;
pub mod run;
pub mod scenario;
pub mod snapshot;
pub mod world;

pub use harness::harness;
