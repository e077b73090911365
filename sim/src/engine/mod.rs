//! What makes time pass.

mod event_loop;
mod programs;

pub use event_loop::EventLoop;
pub use programs::AnyProgram;
