//! What is simulated: machines, kernels, clients, links, the cloud's port. No engine, no clock, no task.
//!
//! [`Setup`] is what never changes; [`World`] is the state, and a clone of it is a fork. The world holds no trace:
//! it [reports](Report).
//!
//! # Axioms
//!
//! 1. One quantum of time a run, the tick: every instant is a multiple of it. Programs never know it.
//! 2. Every effect of one port on another, and of a program on its kernel, takes at least one tick.
//! 3. Order within an instant: acts in file order; frames by source port, sequence and copy; timers of kernels,
//!    clients and the cloud; programs (packets, what else happened, timer).
//! 4. Chance is a hash of what is drawn for, never a stream.
//! 5. Within an instant nothing is shared: a look-up uses what was learned at earlier instants.

mod act;
mod asked;
mod chance;
mod clients;
mod cloud_port;
mod frames;
pub mod host;
mod kernel;
mod links;
mod machine;
mod neighbours;
mod queue;
mod report;
mod script;
mod segment;
mod setup;
mod state;
mod switch;
mod wakes;

pub use act::{Act, Address, CloudAct, End, Kind, Kinds, Path, Ppm};
pub use machine::EPOCH;
pub use report::{FrameId, Life, Look, Loss, Refusal, Report, Verdict, Wants, What, Who};
pub use setup::{
    ClientId, ClientSetup, CvmId, CvmSetup, EniSetup, FileId, HavipId, HavipSetup, NodeId, ProgramSetup,
    Segment, Setup, Subnet, TimedAct,
};
pub use state::World;
