//! Rules of what goes with a state: a master's addresses, a group's members.

use havip::program::Role;
use havip::time::{Duration, Time};

use super::{Matter, Rule, Watch, when};
use crate::scenario::TimeText;
use crate::world::{NodeId, Setup};

/// How long addresses take to be put on, and members of a group to follow each other.
const SETTLES: Duration = Duration::from_secs(1);

impl Watch {
    /// Masters without an address of theirs.
    pub(super) fn check_holdings(&mut self, setup: &Setup, now: Time) {
        for cvm in 0..self.machines.len() {
            let machine = &self.machines[cvm];
            // An address of an interface that is not there cannot be put on.
            if !machine.runs() || setup.cvms[cvm].more.iter().any(|eni| eni.off) {
                continue;
            }
            for index in 0..machine.chairs.len() {
                self.check_holding(setup, now, (cvm, index));
            }
        }
    }

    fn check_holding(&mut self, setup: &Setup, now: Time, (cvm, index): (usize, usize)) {
        let (seat, machine) = (&self.seats[cvm][index], &self.machines[cvm]);
        let chair = machine.chairs[index];
        if chair.role != Role::Master {
            return;
        }
        let has = |address| {
            setup.owns(NodeId(cvm as u16), address)
                || machine.addresses.iter().any(|one| one.address == address)
        };
        let missing = seat.addresses.iter().copied().find(|address| !has(*address));
        let Some(missing) = missing else { return };
        let from = chair.since.max(machine.since).max(machine.deleted);
        if now <= from + SETTLES {
            return self.wait_until(Matter::Holdings, from + SETTLES);
        }
        let name = &setup.cvms[cvm].name;
        self.violated(Rule::HasAddressAsMaster, now, || {
            format!(
                "{name} is master at {} and has not {missing}: {} - {} = {} > {}",
                when(now),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(SETTLES)
            )
        });
    }

    /// Groups whose members are not in one state.
    pub(super) fn check_groups(&mut self, setup: &Setup, now: Time) {
        for cvm in 0..self.machines.len() {
            if !self.machines[cvm].runs() {
                continue;
            }
            let crate::world::ProgramSetup::Agent { config, .. } = &setup.cvms[cvm].program;
            for group in &config.groups {
                let chairs = || group.members.iter().filter_map(|i| self.machines[cvm].chairs.get(*i));
                let mut roles = chairs().map(|chair| chair.role);
                let first = roles.next();
                if roles.all(|role| Some(role) == first) {
                    continue;
                }
                let last = chairs().map(|chair| chair.since).max().unwrap_or_default();
                let from = last.max(self.machines[cvm].since);
                if now <= from + SETTLES {
                    self.wait_until(Matter::Groups, from + SETTLES);
                    continue;
                }
                let all: Vec<String> = chairs().map(|chair| chair.role.to_string()).collect();
                let name = &setup.cvms[cvm].name;
                self.violated(Rule::GroupAgrees, now, || {
                    format!(
                        "{name}'s members of {} are {} at {}, since {}",
                        group.name,
                        all.join(", "),
                        when(now),
                        when(from)
                    )
                });
                break;
            }
        }
    }
}
