//! Rules of what a machine says: who advertises, how often, and the goodbye.

use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::Family;

use super::bounds::LATE;
use super::machine::{Farewell, Late};
use super::{Matter, Rule, Watch, since_master, when};
use crate::observe::peek;
use crate::scenario::TimeText;
use crate::world::{CvmId, NodeId, Report, Setup};

/// For how long a kernel keeps packets while it asks where their receiver is: three questions, a second apart.
const ASKS: Duration = Duration::from_secs(4);
/// How long an agent takes to end.
const ENDS: Duration = Duration::from_millis(200);

impl Watch {
    /// An advertisement of a machine's own leaves it.
    pub(super) fn speaks(&mut self, setup: &Setup, report: &Report, frame: &[u8]) {
        let (Some(node), Some(advert)) = (report.who.node(), peek::advert(frame)) else { return };
        let Some(cvm) = setup.cvm_of(node).map(|cvm| usize::from(cvm.0)) else { return };
        let family = Family::of(advert.to);
        let its = (advert.vrid, family, advert.from);
        let is_its = |seat: &super::Seat| (seat.vrid, seat.family, seat.source) == its;
        let Some(index) = self.seats[cvm].iter().position(is_its) else { return };
        let at = report.at;
        let machine = &mut self.machines[cvm];
        let chair = &mut machine.chairs[index];
        chair.spoke = at;
        if advert.priority == 0 {
            if let Some(Farewell { owed, .. }) = &mut machine.farewell {
                owed.retain(|seat| *seat != index);
            }
            return;
        }
        let (role, late, was_master) = (chair.role, chair.late, chair.was_master);
        let name = &setup.cvms[cvm].name;
        if let Some(late) = late.filter(|_| machine.runs()) {
            self.violated(Rule::NoLateSpeech, at, || {
                let Late { from, until, bound } = late;
                format!(
                    "{name} advertises priority {} at {} and is still the master that stood still from {} until {}, for \
                     longer than its master down interval: {} - {} = {} > {}",
                    advert.priority,
                    when(at),
                    when(from),
                    when(until),
                    when(until),
                    when(from),
                    TimeText(until.saturating_since(from)),
                    TimeText(bound)
                )
            });
        }
        let may = role == Role::Master || was_master.is_some_and(|until| at <= until + ASKS);
        if !may {
            self.violated(Rule::AdvertisesAsMasterOnly, at, || {
                let since = since_master(at, was_master, ASKS);
                format!(
                    "{name} advertises priority {} at {} and is {role}, not master: {since}",
                    advert.priority,
                    when(at)
                )
            });
        }
    }

    /// A machine is told to stop: whoever is master now owes a goodbye.
    pub(super) fn is_told_to_stop(&mut self, at: Time, cvm: CvmId) {
        let machine = &mut self.machines[usize::from(cvm.0)];
        if !machine.runs() {
            return;
        }
        let heard = |company: Time| company.max(machine.since) + ASKS <= at;
        let owes = machine.chairs.iter().enumerate().filter(|(_, chair)| {
            chair.role == Role::Master && chair.company.is_some_and(heard) && chair.since + LATE <= at
        });
        let owed: Vec<usize> = owes.map(|(index, _)| index).collect();
        machine.farewell = (!owed.is_empty()).then_some(Farewell { told: at, from: at, owed });
        self.wait_until(Matter::Speech, at + ENDS);
    }

    /// An agent goes on after standing still since a time.
    pub(super) fn is_late(&mut self, at: Time, cvm: usize, since: Time) {
        let chairs = self.seats[cvm].iter().zip(&mut self.machines[cvm].chairs);
        for (seat, chair) in chairs {
            // It may not have spoken for an interval when it was stopped.
            let long = seat.down(seat.interval).1;
            let is_late = seat.steps_down && chair.role == Role::Master && at > since + long;
            chair.late = is_late.then_some(Late { from: since, until: at, bound: long });
        }
    }

    /// Whether a live machine hears an instance's advertisements. In a subnet it is the cloud that says where that is.
    fn is_heard(&self, cvm: usize, index: usize) -> bool {
        let node = NodeId(cvm as u16);
        let hears = |other: &usize| {
            self.machines[*other].runs() && self.paths.is_well(node, Some(NodeId(*other as u16)))
        };
        let seat = &self.seats[cvm][index];
        self.paths.has(node, seat.needs) && self.paths.is_well(node, None) && seat.hearers.iter().any(hears)
    }

    /// Who hears which master may have changed.
    pub(super) fn company_changes(&mut self, now: Time) {
        for cvm in 0..self.machines.len() {
            // Whom nobody hears any more owes nobody a goodbye.
            if let Some(mut farewell) = self.machines[cvm].farewell.take() {
                farewell.owed.retain(|index| self.is_heard(cvm, *index));
                self.machines[cvm].farewell = Some(farewell).filter(|one| !one.owed.is_empty());
            }
            for index in 0..self.machines[cvm].chairs.len() {
                let is_master = self.machines[cvm].chairs[index].role == Role::Master;
                let has = is_master && self.is_heard(cvm, index);
                let company = &mut self.machines[cvm].chairs[index].company;
                *company = has.then(|| company.unwrap_or(now));
            }
        }
    }

    /// Masters that should have advertised, or said goodbye.
    pub(super) fn check_speech(&mut self, setup: &Setup, now: Time) {
        for cvm in 0..self.machines.len() {
            self.check_goodbye(setup, now, cvm);
            if !self.machines[cvm].runs() {
                continue;
            }
            for index in 0..self.machines[cvm].chairs.len() {
                self.check_advert(setup, now, (cvm, index));
            }
        }
    }

    fn check_goodbye(&mut self, setup: &Setup, now: Time, cvm: usize) {
        // Who stands still says it when it goes on.
        let machine = &self.machines[cvm];
        let Some(Farewell { told, from, owed }) = machine.farewell.as_ref().filter(|_| !machine.held) else {
            return;
        };
        let (told, from, owed) = (*told, *from, owed.first().copied());
        if now <= from + ENDS && owed.is_some() {
            return self.wait_until(Matter::Speech, from + ENDS);
        }
        self.machines[cvm].farewell = None;
        let Some(index) = owed else { return };
        let (name, vrid) = (&setup.cvms[cvm].name, self.seats[cvm][index].vrid);
        self.violated(Rule::SaysGoodbye, now, || {
            format!(
                "{name} was master of virtual router {vrid} when it was told to stop at {}, and has not said goodbye at \
                 {}: {} - {} = {} > {}",
                when(told),
                when(now),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(ENDS)
            )
        });
    }

    fn check_advert(&mut self, setup: &Setup, now: Time, (cvm, index): (usize, usize)) {
        let (seat, machine) = (&self.seats[cvm][index], &self.machines[cvm]);
        let chair = machine.chairs[index];
        let (Role::Master, Some(company)) = (chair.role, chair.company) else { return };
        let known = company + ASKS;
        let from = chair.spoke.max(chair.since).max(machine.since).max(known);
        let bound = seat.interval + Duration::from_nanos(seat.interval.as_nanos() / 50) + LATE * 2;
        if now <= from + bound {
            return self.wait_until(Matter::Speech, from + bound);
        }
        let name = &setup.cvms[cvm].name;
        self.violated(Rule::AdvertisesInTime, now, || {
            format!(
                "{name} is master at {} and has advertised last at {}: {} - {} = {} > {}",
                when(now),
                when(chair.spoke),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(bound)
            )
        });
    }
}
