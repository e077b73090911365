//! The fast engine: jumps from event to event and calls each program's `step` itself.
//!
//! A clone is a fork of the run, programs and frames in flight included.
//!
//! Where nobody looks at every frame, it does not step through what programs do over and over: it asks what that would be
//! (rule 8 of [`havip::program`]).

use std::sync::Arc;

use havip::program::{Action, Actions, Program};
use havip::time::{Duration, Time};

use tracing::level_filters::LevelFilter;

use super::context::set_running;
use super::programs::AnyProgram;
use crate::observe::Observer;
use crate::world::{CvmId, Row, Setup, Wants, World};

/// A run under way.
#[derive(Clone, Debug)]
pub struct EventLoop {
    world: World,
    programs: Vec<Option<AnyProgram>>,
    actions: Actions,
    row: Row,
    /// Who speaks over and over, as far as is known.
    speaker: Option<CvmId>,
    /// A program has had an event since that was found out.
    stepped: bool,
    steps_all: bool,
    steps: u64,
}

impl EventLoop {
    /// A run at its beginning.
    pub fn new(setup: Arc<Setup>) -> Self {
        let programs = setup.cvms.iter().map(|_| None).collect();
        let world = World::new(setup, Duration::ZERO);
        EventLoop {
            world,
            programs,
            actions: Actions::new(),
            row: Row::default(),
            speaker: None,
            stepped: false,
            steps_all: false,
            steps: 0,
        }
    }

    /// The programs as they stand, by machine; one that has ended stands as it was.
    pub fn programs(&self) -> &[Option<AnyProgram>] {
        &self.programs
    }

    /// How many steps programs have taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The world as it stands.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world, for whoever interferes between two instants.
    pub fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// Has every event stepped from here on, as the other engine does: what is asked must come to the same.
    pub fn step_all(&mut self) {
        self.steps_all = true;
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
            if !self.steps_all && self.world.is_still() {
                self.keep_on(end, &setup, observer);
            }
        }
    }

    /// If one program alone speaks, over and over, and all others shrug at it, lets it do so until something else happens.
    fn keep_on(&mut self, end: Time, setup: &Setup, observer: &mut dyn Observer) {
        if std::mem::take(&mut self.stepped) {
            self.speaker = self.find_speaker();
        }
        let EventLoop { world, programs, actions, row, .. } = self;
        let Some(cvm) = self.speaker.filter(|&cvm| world.has_room_for_beats(cvm)) else { return };
        let Some(program) = &programs[usize::from(cvm.0)] else { return };
        let Some(beat) = program.beat() else { return };
        program.push_beat(actions);
        let shrugs = |cvm: CvmId, now, interface, packet: &[u8]| {
            programs[usize::from(cvm.0)].as_ref()?.shrugs_at(now, interface, packet)
        };
        let kept_on = world.keep_on((cvm, beat, actions), end, &shrugs, row);
        if kept_on.is_none() {
            self.speaker = None; // until somebody has had an event: most likely whoever does not shrug
        }
        world.show(actions, row, &mut |world, reports| observer.row(setup, world, reports));
        actions.clear();
        for (cvm, times, last) in row.of_each().filter(|_| kept_on == Some(true)) {
            if let Some(program) = &mut programs[usize::from(cvm.0)] {
                program.keep_on(times, world.clock_of(cvm, last));
                world.set_deadline(cvm, program.deadline());
            }
        }
    }

    /// The one program that has a beat. Two that have one would answer each other.
    fn find_speaker(&mut self) -> Option<CvmId> {
        let EventLoop { world, programs, .. } = self;
        let running = (0..).map(CvmId).zip(programs).filter(|(cvm, _)| world.is_running(*cvm));
        let mut speakers =
            running.filter(|(_, program)| program.as_ref().is_some_and(|program| program.beat().is_some()));
        let speaker = speakers.next().map(|(cvm, _)| cvm);
        speaker.filter(|_| speakers.next().is_none())
    }

    fn run_program(&mut self, setup: &Setup, cvm: CvmId) {
        let EventLoop { world, programs, actions, stepped, steps, .. } = self;
        let slot = &mut programs[usize::from(cvm.0)];
        if world.is_starting(cvm) {
            *slot = Some(AnyProgram::of(setup, cvm, world.file_of(cvm)));
        }
        let Some(program) = slot else { return };
        if LevelFilter::current() != LevelFilter::OFF {
            set_running(Some((world.now(), cvm)));
        }
        while let Some((now, event)) = world.poll(cvm) {
            *stepped = true;
            *steps += 1;
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
