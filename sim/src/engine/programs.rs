//! The programs a machine can run, as one type that can be cloned with a world.

use std::sync::Arc;

use havip::agent::Agent;
use havip::config::Options;
use havip::program::{Actions, Beat, Event, InterfaceId, Now, Program};
use havip::time::{Duration, Time};

use crate::world::{CvmId, FileId, ProgramSetup, Setup};

/// A program of the testbed.
#[derive(Clone, Debug)]
pub enum AnyProgram {
    /// The agent, under one of its profiles.
    Agent(Agent),
}

impl AnyProgram {
    /// The program of a machine, about to start; on another file if a `reload` named one.
    pub fn of(setup: &Setup, cvm: CvmId, file: Option<FileId>) -> AnyProgram {
        let machine = &setup.cvms[usize::from(cvm.0)];
        let ProgramSetup::Agent { with, profile, .. } = &machine.program;
        let options = Options { id: Some(machine.name.clone()), with: with.clone(), profile: *profile };
        let config = setup.config_of(cvm, file).map(Arc::clone).unwrap_or_default();
        AnyProgram::Agent(Agent::new(config, options))
    }
}

impl Program for AnyProgram {
    fn step(&mut self, now: Now, event: Event<'_>, out: &mut Actions) {
        match self {
            AnyProgram::Agent(agent) => agent.step(now, event, out),
        }
    }
    fn deadline(&self) -> Option<Time> {
        match self {
            AnyProgram::Agent(agent) => agent.deadline(),
        }
    }
    fn beat(&self) -> Option<Beat> {
        match self {
            AnyProgram::Agent(agent) => agent.beat(),
        }
    }
    fn push_beat(&self, out: &mut Actions) {
        match self {
            AnyProgram::Agent(agent) => agent.push_beat(out),
        }
    }
    fn shrugs_at(&self, now: Now, interface: InterfaceId, packet: &[u8]) -> Option<Duration> {
        match self {
            AnyProgram::Agent(agent) => agent.shrugs_at(now, interface, packet),
        }
    }
    fn keep_on(&mut self, times: u32, last: Now) {
        match self {
            AnyProgram::Agent(agent) => agent.keep_on(times, last),
        }
    }
}
