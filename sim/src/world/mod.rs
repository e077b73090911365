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
mod addresses;
mod asked;
mod chance;
mod clients;
mod clock;
mod cloud_port;
mod console;
mod frames;
pub mod host;
mod ipv6;
mod kernel;
mod kinds;
mod links;
mod machine;
mod nat;
mod neighbours;
mod nic;
mod queue;
mod report;
mod routes;
mod script;
mod security;
mod segment;
mod setup;
mod spoof;
mod state;
mod switch;
#[cfg(test)]
mod tests;
mod userland;
mod wakes;

pub use act::{
    Act, CloudAct, ConsoleAct, Direction, Drift, End, Forged, ForgedAdvert, GroupRule, Health, Kind, Kinds,
    Members, Path, Ppm, ScriptAct, Spoof, Tamper, Traffic, Wire,
};
pub use machine::EPOCH;
pub(crate) use machine::Row;
pub use report::{
    Declined, FrameId, Life, Look, Loss, Mark, Refusal, Report, Told, Verdict, Wants, What, Who,
};
pub use setup::{
    CheckSetup, ClientId, ClientSetup, CvmId, CvmSetup, EipId, EipSetup, EniIndex, EniSetup, FileId, HavipId,
    HavipSetup, NodeId, PortId, ProgramSetup, Reload, Segment, ServiceId, ServiceSetup, Setup, Subnet,
    TextId, TimedAct, link_local,
};
pub(crate) use spoof::bytes_of_hex;
pub use state::World;
