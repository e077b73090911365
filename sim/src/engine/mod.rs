//! What makes time pass.

mod context;
mod event_loop;
mod programs;

pub use context::running;
pub use event_loop::EventLoop;
pub use programs::AnyProgram;
