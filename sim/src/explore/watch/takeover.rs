//! Rules of the election: who may become master, who must, and who must not stay it.

use std::net::IpAddr;

use havip::program::Role;
use havip::time::{Duration, Time};
use havip::wire::Family;

use super::bounds::LATE;
use super::{Ear, Heard, Mark, Matter, Rule, Watch, when};
use crate::observe::peek;
use crate::scenario::TimeText;
use crate::world::{Act, CvmId, Forged, Report, Setup, Spoof};

impl Watch {
    /// An advertisement has reached a machine.
    pub(super) fn hears(&mut self, setup: &Setup, report: &Report, (frame, damaged): (&[u8], bool)) {
        let (Some(node), Some(advert)) = (report.who.node(), peek::advert(frame)) else { return };
        let Some(cvm) = setup.cvm_of(node).map(|cvm| usize::from(cvm.0)) else { return };
        let family = Family::of(advert.to);
        let is_its = |seat: &super::Seat| (seat.vrid, seat.family) == (advert.vrid, family);
        let Some(index) = self.seats[cvm].iter().position(is_its) else { return };
        let (seat, machine) = (&self.seats[cvm][index], &mut self.machines[cvm]);
        let runs = machine.runs();
        let chair = &mut machine.chairs[index];
        let heard =
            Heard { at: report.at, from: advert.from, priority: advert.priority, interval: advert.interval };
        chair.ear.heard = Some(heard);
        let is_better = (advert.priority, advert.from) > (chair.priority, seat.source);
        if is_better && !damaged {
            chair.bettered = Some(report.at);
        }
        if !runs || chair.deaf == report.at || damaged {
            // It reads that later, or never, or as something else.
            if advert.priority == 0 {
                chair.takes_leave(report.at, advert.from);
                self.changed = true;
            } else if !damaged && advert.priority < chair.priority {
                chair.unread.get_or_insert(report.at);
            }
            return;
        }
        if chair.before.0 != report.at {
            chair.before = (report.at, chair.ear);
        }
        let ear = &mut chair.ear;
        if advert.priority == 0 {
            ear.better = None;
            chair.takes_leave(report.at, advert.from);
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

    /// Whether no receiver may take an attacker's advertisement for one: it is malformed, or has not the password.
    pub(super) fn must_be_refused(&self, setup: &Setup, report: &Report, act: u32) -> bool {
        let Some(Act::Spoof(_, _, Spoof { forged: Forged::Advert(advert), .. })) =
            setup.acts.get(act as usize).map(|timed| timed.act)
        else {
            return false;
        };
        let asks = |cvm: CvmId| {
            let mut seats = self.seats[usize::from(cvm.0)].iter().filter(|seat| seat.vrid == advert.vrid);
            seats.any(|seat| seat.has_password)
        };
        let is_malformed = advert.bad_checksum
            || advert.truncated.is_some_and(|bytes| bytes < 8)
            || advert.version.is_some_and(|version| !matches!(version, 2 | 3))
            || advert.message_type.is_some_and(|kind| kind != havip::wire::vrrp::ADVERTISEMENT);
        let receiver = report.who.node().and_then(|node| setup.cvm_of(node));
        is_malformed || advert.auth.is_some() && receiver.is_some_and(asks)
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
        let from = last.max(chair.since).max(machine.since + seat.begins);
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
