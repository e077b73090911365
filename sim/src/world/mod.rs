//! What is simulated: machines, kernels, clients, links, the cloud's port. No engine, no clock, no task.

mod act;
mod report;
mod setup;

pub use act::{Act, Address, CloudAct, End, Kind, Kinds, Path, Ppm};
pub use report::{FrameId, Life, Look, Loss, Refusal, Report, Verdict, Wants, What, Who};
pub use setup::{
    ClientId, ClientSetup, CvmId, CvmSetup, EniSetup, FileId, HavipId, HavipSetup, NodeId, ProgramSetup,
    Segment, Setup, Subnet, TimedAct,
};
