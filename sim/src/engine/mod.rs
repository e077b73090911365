//! What makes time pass.
//!
//! Two engines stand on one [`World`](crate::world::World) and give one trace. Both ask it for its next instant, let
//! it begin, let the programs take their events and ask for their actions, read its reports and let it end.
//! [`EventLoop`] calls each program's `step` itself; [`Turmoil`] never names it: there the real shell does.

mod context;
mod env;
mod event_loop;
mod programs;
#[cfg(test)]
mod tests;
mod turmoil;

use std::sync::Arc;

use havip::time::{Duration, Time};

pub use self::turmoil::Turmoil;
use crate::observe::Observer;
use crate::world::Setup;
pub use context::running;
pub use event_loop::EventLoop;
pub use programs::AnyProgram;

/// Which engine runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Jumps from event to event.
    #[default]
    EventLoop,
    /// Steps through every tick, the real shell on every machine.
    Turmoil,
}

impl Engine {
    /// Runs a setup from its beginning to `end`, its acts so much later than written, and shows every instant to
    /// the observer. With nobody watching (`&mut ()`) this is what a benchmark times.
    pub fn run(self, setup: &Arc<Setup>, shift: Duration, end: Time, observer: &mut dyn Observer) {
        match self {
            Engine::EventLoop => {
                let mut run = EventLoop::new(Arc::clone(setup));
                run.shift_acts(shift);
                run.run(end, observer);
            }
            Engine::Turmoil => {
                let mut run = Turmoil::new(Arc::clone(setup));
                run.shift_acts(shift);
                run.run(end, observer);
            }
        }
    }
}
