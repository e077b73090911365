//! The fast engine: jumps from event to event and calls each program's `step` itself.
//!
//! A clone is a fork of the run, programs and frames in flight included.

use std::sync::Arc;

use havip::program::{Action, Actions, Program};
use havip::time::{Duration, Time};

use tracing::level_filters::LevelFilter;

use super::context::set_running;
use super::programs::AnyProgram;
use crate::observe::Observer;
use crate::world::{CvmId, Setup, Wants, World};

/// A run under way.
#[derive(Clone, Debug)]
pub struct EventLoop {
    world: World,
    programs: Vec<Option<AnyProgram>>,
    actions: Actions,
}

impl EventLoop {
    /// A run at its beginning.
    pub fn new(setup: Arc<Setup>) -> Self {
        let programs = setup.cvms.iter().map(|_| None).collect();
        let world = World::new(setup, Duration::ZERO);
        EventLoop { world, programs, actions: Actions::new() }
    }

    /// The world as it stands.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, for whoever interferes between two instants.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// Moves the acts that have not happened yet to later.
    pub fn shift_acts(&mut self, shift: Duration) {
        self.world.shift_acts(shift);
    }

    /// Runs every instant up to and including `end`, and shows each to the observer.
    pub fn run(&mut self, end: Time, observer: &mut dyn Observer) {
        self.world.watch(observer.wants(), end);
        let setup = Arc::clone(self.world.setup());
        let silent = observer.wants() == Wants::default();
        while let Some(now) = self.world.next_instant().filter(|&t| t <= end) {
            self.world.begin(now);
            for i in 0..self.world.ready().len() {
                self.run_program(&setup, self.world.ready()[i]);
            }
            if !silent {
                self.world.sort_reports();
                observer.instant(&setup, &self.world, self.world.reports());
            }
            self.world.end();
        }
    }

    fn run_program(&mut self, setup: &Setup, cvm: CvmId) {
        let EventLoop { world, programs, actions } = self;
        let slot = &mut programs[usize::from(cvm.0)];
        if world.is_starting(cvm) {
            *slot = Some(AnyProgram::of(setup, cvm, world.file_of(cvm)));
        }
        let Some(program) = slot else { return };
        if LevelFilter::current() != LevelFilter::OFF {
            set_running(Some((world.now(), cvm)));
        }
        while let Some((now, event)) = world.poll(cvm) {
            program.step(now, event, actions);
            for action in actions.iter() {
                world.apply(cvm, action);
                if let Action::Exit = action {
                    break;
                }
            }
            actions.clear();
            world.set_deadline(cvm, program.deadline());
        }
    }
}
