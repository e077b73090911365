//! Rules of the election: who may become master, who must, and who must not stay it.

use std::net::IpAddr;

use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::Family;

use super::bounds::LATE;
use super::reads::Reads;
use super::{Ear, Heard, Mark, Matter, Rule, Watch, when};
use crate::observe::peek;
use crate::scenario::TimeText;
use crate::world::{self, Report, Setup};

impl Watch {
    /// An advertisement has reached a machine.
    pub(super) fn hears(
        &mut self,
        setup: &Setup,
        report: &Report,
        (frame, mark): (&[u8], Option<world::Mark>),
    ) {
        let Some(cvm) = report.who.node().and_then(|node| setup.cvm_of(node)) else { return };
        let cvm = usize::from(cvm.0);
        let Some(advert) = peek::advert(frame) else {
            // Whoever it is for refuses it.
            return self.machines[cvm].chairs.iter_mut().for_each(|chair| chair.remembers(report.at));
        };
        let (family, eni) = (Family::of(advert.to), Some(report.who.index()));
        let is_its = |seat: &super::Seat| {
            (seat.vrid, seat.family, seat.eni) == (advert.vrid, family, eni)
                && seat.demands.listens_to(advert.to)
        };
        let Some(index) = self.seats[cvm].iter().position(is_its) else { return };
        let (seat, machine) = (&self.seats[cvm][index], &mut self.machines[cvm]);
        let runs = machine.runs() && !seat.is_to_begin(report.at, machine.since, machine.booted);
        let chair = &mut machine.chairs[index];
        let heard =
            Heard { at: report.at, from: advert.from, priority: advert.priority, interval: advert.interval };
        let reads = seat.demands.reads(setup, mark);
        if runs {
            chair.remembers(report.at);
        }
        if reads == Reads::Refuses {
            return;
        }
        chair.ear.heard = Some(heard);
        let is_better = (advert.priority, advert.from) > (chair.priority, seat.source);
        if is_better {
            chair.bettered = Some(report.at);
        }
        if !runs || chair.deaf == report.at || reads == Reads::Perhaps {
            // It reads that later, or never, or as something else.
            if advert.priority == 0 {
                chair.takes_leave(report.at, advert.from, false);
                self.changed = true;
            } else if advert.priority < chair.priority {
                chair.unread.get_or_insert(report.at);
            }
            return;
        }
        let ear = &mut chair.ear;
        if advert.priority == 0 {
            ear.better = None;
            chair.takes_leave(report.at, advert.from, true);
            self.changed = true;
            return;
        }
        match chair.role {
            Role::Master if is_better => {
                ear.better.get_or_insert(heard);
                self.deadlines.wait(Matter::Elections, report.at + LATE);
            }
            Role::Backup => {
                let lower = advert.priority < chair.priority;
                ear.lower = lower.then(|| {
                    (ear.lower.map_or(chair.unread.unwrap_or(report.at), |(first, _)| first), heard)
                });
                let waits = ear.lower.is_some_and(|(first, _)| report.at < first + seat.preempt_delay);
                if !lower || seat.nopreempt || waits {
                    ear.obeyed = Some(heard);
                }
                let since = report.at.max(chair.since);
                self.deadlines.wait(Matter::Elections, since + seat.down(advert.interval).0);
            }
            _ => {}
        }
    }

    /// A master gives way: has it heard of a better one?
    pub(super) fn gives_way(&mut self, setup: &Setup, at: Time, (cvm, index): (usize, usize)) {
        let chair = self.machines[cvm].chairs[index];
        if self.seats[cvm][index].in_group || chair.bettered.is_some_and(|last| last + LATE >= chair.since) {
            return;
        }
        let name = &setup.cvms[cvm].name;
        self.violated(Rule::GivesWayToBetterOnly, at, || {
            let last = chair.bettered.map_or("none has ever come".to_owned(), |last| format!("the last came at {}", when(last)));
            format!(
                "{name} (priority {}), master since {}, gives way at {} to an advertisement, and no better one that is \
                 right has come since: {last}",
                chair.priority,
                when(chair.since),
                when(at)
            )
        });
    }

    /// An advertisement got to a machine and not to its agent.
    pub(super) fn hears_not(&mut self, at: Time, cvm: usize) {
        self.machines[cvm].chairs.iter_mut().for_each(|chair| chair.refused(at));
    }

    /// A backup becomes master: may it?
    pub(super) fn takes_over(&mut self, setup: &Setup, at: Time, (cvm, index): (usize, usize)) {
        let (seat, chair) = (self.seats[cvm][index].clone(), self.machines[cvm].chairs[index]);
        let Ear { obeyed, lower, .. } = chair.ear;
        let last = obeyed.map(|one| one.at).max(lower.map(|(_, last)| last.at));
        let goodbye = chair.goodbye.filter(|one| last.is_none_or(|last| one.at >= last));
        let name = &setup.cvms[cvm].name;
        let silence = |one: Heard| at.saturating_since(one.at);
        let hears_still = lower.is_some_and(|(_, last)| silence(last) < seat.down(last.interval).0);
        if lower.is_some_and(|(first, _)| at < first + seat.preempt_delay) {
            self.marks.hit(Mark::TakeoverDuringPreemptDelay);
        }
        match hears_still && goodbye.is_none() {
            true => self.marks.hit(Mark::Preemption),
            false if goodbye.is_none() => self.marks.hit(Mark::TakeoverAfterSilence),
            false => {}
        }
        let since_running = self.machines[cvm].since;
        let left = |last: Heard| {
            let since = chair.goodbye.filter(|one| one.at >= last.at);
            // What came while it stood still it reads all at once: whose the last was nobody can tell it.
            let mixed_up = |at: Time| at <= since_running + last.interval * 2;
            since.is_some_and(|one| one.several || one.from == last.from || mixed_up(one.at))
        };
        if seat.in_group || obeyed.is_some_and(left) {
            return;
        }
        if let Some(last) = obeyed
            && silence(last) < seat.down(last.interval).0
        {
            let rule = match last.priority < chair.priority {
                true if seat.nopreempt => Rule::Nopreempt,
                true => Rule::PreemptDelay,
                false => Rule::NoEarlyTakeover,
            };
            return self.violated(rule, at, || {
                format!(
                    "{name} (priority {}) becomes master at {}, {} after it received {}'s advertisement of priority \
                     {} at {}, which it had to obey: {} < {}",
                    chair.priority,
                    when(at),
                    TimeText(silence(last)),
                    last.from,
                    last.priority,
                    when(last.at),
                    TimeText(silence(last)),
                    TimeText(seat.down(last.interval).0),
                )
            });
        }
        let delay = seat
            .preempt_delay
            .saturating_sub(LATE + Duration::from_nanos(seat.preempt_delay.as_nanos() / 50));
        if let (Some((first, _)), true, None) = (lower, hears_still, goodbye)
            && at.saturating_since(first) < delay
        {
            self.violated(Rule::PreemptDelay, at, || {
                format!(
                    "{name} becomes master at {}, {} after it first heard the lower priority at {}: preempt_delay is {}",
                    when(at),
                    TimeText(at.saturating_since(first)),
                    when(first),
                    TimeText(seat.preempt_delay)
                )
            });
        }
    }

    /// Masters that should have given way, backups that should have taken over.
    pub(super) fn check_elections(&mut self, setup: &Setup, now: Time) {
        for cvm in 0..self.machines.len() {
            if !self.machines[cvm].runs() {
                continue;
            }
            for index in 0..self.machines[cvm].chairs.len() {
                match self.machines[cvm].chairs[index].role {
                    Role::Master => self.check_master(setup, now, (cvm, index)),
                    Role::Backup => self.check_backup(setup, now, (cvm, index)),
                    _ => {}
                }
            }
        }
    }

    fn check_master(&mut self, setup: &Setup, now: Time, (cvm, index): (usize, usize)) {
        let chair = self.machines[cvm].chairs[index];
        let Some(better) = chair.ear.better else { return };
        let deadline = better.at.max(self.machines[cvm].since) + LATE;
        if now <= deadline {
            return self.wait_until(Matter::Elections, deadline);
        }
        let (name, own) = (&setup.cvms[cvm].name, chair.priority);
        self.violated(Rule::OneMasterASide, now, || {
            format!(
                "{name} (priority {own}) is master at {} though it received the advertisement of {}, priority {}, at {}: \
                 {} > {}",
                when(now),
                better.from,
                better.priority,
                when(better.at),
                TimeText(now.saturating_since(better.at)),
                TimeText(LATE),
            )
        });
    }

    fn check_backup(&mut self, setup: &Setup, now: Time, (cvm, index): (usize, usize)) {
        let (seat, machine) = (&self.seats[cvm][index], &self.machines[cvm]);
        let chair = machine.chairs[index];
        if seat.in_group {
            return;
        }
        let heard = chair.ear.heard;
        let (interval, last) = heard.map_or((seat.interval, Time::ZERO), |one| (one.interval, one.at));
        let from = last.max(chair.since).max(seat.begins(machine.since, machine.booted));
        let deadline = from + seat.down(interval).1;
        if now <= deadline {
            return self.wait_until(Matter::Elections, deadline);
        }
        let name = &setup.cvms[cvm].name;
        let since = match heard {
            Some(one) => format!("the last advertisement it received is of {}", when(one.at)),
            None => "it has received no advertisement".to_owned(),
        };
        let bound = seat.down(interval).1;
        self.violated(Rule::SilenceMakesMaster, now, || {
            format!(
                "{name} is backup at {} and nobody's advertisement keeps it so: {since}, and {} - {} = {} > {}",
                when(now),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(bound)
            )
        });
    }
}

/// Whether an address is one of those a machine shares with others.
pub(super) fn is_shared(seats: &[super::Seat], address: IpAddr) -> bool {
    seats.iter().any(|seat| seat.addresses.contains(&address))
}
