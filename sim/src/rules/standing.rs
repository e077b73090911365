//! Rules of what goes with a state: its cause, a master's addresses, a group's members, and that there is one master.

use std::sync::Arc;

use havip::program::Role;
use havip::time::{Duration, Time};

use super::{Matter, Rule, Seat, Watch, when};
use crate::scenario::TimeText;
use crate::world::{NodeId, Setup};

/// How long addresses take to be put on, and members of a group to follow each other.
const SETTLES: Duration = Duration::from_secs(1);

impl Watch {
    /// A transition has no cause.
    pub(super) fn says_not_why(&mut self, setup: &Setup, at: Time, cvm: usize, (from, to): (Role, Role)) {
        let name = &setup.cvms[cvm].name;
        self.violated(Rule::EveryTransitionHasACause, at, || {
            format!("{name} goes from {from} to {to} at {} and names 0 causes and not 1", when(at))
        });
    }

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
                        "{name}'s members of {} are {} at {}, the last since {}: {} - {} = {} > {}",
                        group.name,
                        all.join(", "),
                        when(now),
                        when(from),
                        when(now),
                        when(from),
                        TimeText(now.saturating_since(from)),
                        TimeText(SETTLES)
                    )
                });
                break;
            }
        }
    }

    /// At the end of a run: has each virtual router its master?
    pub(super) fn converges(&mut self, setup: &Setup, end: Time) {
        if !self.paths.all_is_well() || self.machines.iter().any(|machine| machine.held) {
            return;
        }
        let all = Arc::clone(&self.seats);
        let seats = || all.iter().enumerate().flat_map(|(cvm, of)| of.iter().map(move |seat| (cvm, seat)));
        let routers = seats().map(|(_, seat)| seat.router + 1).max().unwrap_or_default();
        let nobody_begins = setup.cvms.iter().all(|cvm| cvm.off);
        for router in 0..routers {
            let of_it = || seats().filter(|(_, seat)| seat.router == router);
            let Some((_, first)) = of_it().next() else { continue };
            // Nobody can be master whose interface is not there. And whom the script has stopped and not started again is
            // to be gone, but where it never lets anybody begin: then there is nothing to explore.
            let is_there = |(cvm, seat): (usize, &Seat)| self.paths.has(NodeId(cvm as u16), seat.needs);
            let may = |(cvm, seat)| is_there((cvm, seat)) && (nobody_begins || !self.machines[cvm].sent_away);
            if !of_it().any(may) {
                continue;
            }
            let is_master = |cvm: usize| {
                let chairs = all[cvm].iter().zip(&self.machines[cvm].chairs);
                let mut of_it = chairs.filter(|(seat, _)| seat.router == router);
                self.machines[cvm].runs() && of_it.any(|(_, chair)| chair.role == Role::Master)
            };
            let masters: Vec<&str> = (0..self.machines.len())
                .filter(|cvm| is_master(*cvm))
                .map(|cvm| setup.cvms[cvm].name.as_str())
                .collect();
            if masters.len() == 1 {
                continue;
            }
            let (vrid, count) = (first.vrid, masters.len());
            let who = match masters[..] {
                [] => "nobody is master".to_owned(),
                _ => format!("{} are masters", masters.join(" and ")),
            };
            let (healed, long) = (self.healed, end.saturating_since(self.healed));
            self.violated(Rule::Converges, end, || {
                format!(
                    "{who} of virtual router {vrid} at {}, and all has been well since {}: {} - {} = {} later there are \
                     {count} masters and not 1",
                    when(end),
                    when(healed),
                    when(end),
                    when(healed),
                    TimeText(long)
                )
            });
        }
    }
}
