//! Holds a run against the rules, as it goes: for a campaign, and for a script that expects one by name.
//!
//! Rules are conditional on what was delivered: bounds count from the last advertisement that *arrived*, and a claim is
//! demanded only of who alone is master and whose ways are undisturbed. So a lossy link is no violation, and a machine
//! that does not do what it must with what it got is one.
//!
//! - `set`: which rules, and how one did not hold; `marks`: where a run has been;
//! - `bounds`: what the configurations promise;
//! - `matters`: what is looked at, and when next; `order`: of an instant's reports, which is taken first;
//! - `machine`: what is known of a machine; `paths`: which ways are disturbed;
//! - `reads`: what receivers must make of what an act has made or damaged;
//! - `takeover`: rules of the election; `owner`: rules of who has the address;
//! - `speech`: rules of what a machine says; `standing`: of what goes with its state.

mod bounds;
mod machine;
mod marks;
mod matters;
mod order;
mod owner;
mod paths;
mod reads;
mod set;
mod speech;
mod standing;
mod takeover;

use std::net::IpAddr;
use std::sync::Arc;

use havip::program::{Record as Said, Role, Value};
use havip::time::{Duration, Time};

use self::bounds::Seat;
pub(crate) use self::bounds::whole_seconds;
use self::machine::{Address, Ear, Heard, Machine};
pub use self::marks::{MARKS, Mark, Marks};
use self::matters::{Deadlines, Matter};
use self::owner::Owned;
use self::paths::Paths;
use self::set::when;
pub use self::set::{RULES, Rule, Rules, Violation};
use crate::observe::{Facts, Hash64, Observer, Outage, Outages};
use crate::scenario::{Expect, Fact, TimeText};
use crate::world::{
    Act, CvmId, CvmSetup, ForgedAdvert, Kind, Life, Look, Loss, NodeId, Report, Setup, Tamper, Wants, What,
};

/// What each machine's configuration promises, by machine and virtual router: the same for every seed of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Promises(Arc<[Vec<Seat>]>);

/// What the machines of a setup promise.
pub(crate) fn promises_of(setup: &Setup) -> Promises {
    Promises(bounds::of(setup))
}

impl Promises {
    /// Whether an instance of a machine must refuse an attacker's advertisement.
    pub(crate) fn refuses(&self, cvm: CvmId, instance: usize, advert: &ForgedAdvert) -> bool {
        let seat = self.0.get(usize::from(cvm.0)).and_then(|of| of.get(instance));
        seat.is_some_and(|seat| seat.demands.must_refuse(advert))
    }
}

/// Watches one run.
#[derive(Clone, Debug)]
pub struct Watch {
    rules: Rules,
    limit: Option<Duration>,
    /// When nothing is wrong any more.
    healed: Time,
    seats: Arc<[Vec<Seat>]>,
    machines: Vec<Machine>,
    paths: Paths,
    owned: Vec<Owned>,
    facts: Facts,
    outages: Outages,
    violations: Vec<Violation>,
    marks: Marks,
    digest: Hash64,
    /// Who is master, or what stands in the way of frames, may have changed.
    changed: bool,
    deadlines: Deadlines,
    /// Nobody has been master since, having had one.
    nobody: Option<Time>,
}

impl Watch {
    /// Before the first instant. From `healed` on nothing is wrong, if the plan is right.
    pub fn new(setup: &Setup, rules: Rules, limit: Option<Duration>, healed: Time) -> Watch {
        Watch::of(setup, promises_of(setup), (rules, limit), healed)
    }

    /// The same where it is known what the machines promise.
    pub(crate) fn of(
        setup: &Setup,
        Promises(seats): Promises,
        (rules, limit): (Rules, Option<Duration>),
        healed: Time,
    ) -> Watch {
        let machine = |(of, cvm): (&Vec<Seat>, &CvmSetup)| Machine {
            sent_away: cvm.off,
            ..Machine::new(of.iter().map(|seat| seat.priority))
        };
        let machines = seats.iter().zip(&setup.cvms).map(machine).collect();
        Watch {
            rules: if limit.is_some() { rules } else { rules.without(Rule::OutageLimit) },
            limit,
            healed,
            machines,
            paths: Paths::new(setup),
            owned: owner::all(setup, &seats),
            facts: Facts::new(setup),
            outages: Outages::new(setup),
            violations: Vec::new(),
            marks: Marks::default(),
            digest: Hash64::default(),
            changed: false,
            deadlines: Deadlines::NONE,
            nobody: None,
            seats,
        }
    }

    /// The rules that did not hold, each once, in the order in which that was seen.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }
    /// Where the run has been.
    pub fn marks(&self) -> Marks {
        self.marks
    }
    /// What clients suffered.
    pub fn outages(&self) -> &[Outage] {
        self.outages.all()
    }
    /// A hash of everything that happened to agents, addresses, bindings and clients.
    pub fn digest(&self) -> u64 {
        self.digest.value()
    }

    fn violated(&mut self, rule: Rule, at: Time, what: impl FnOnce() -> String) {
        self.breaks(rule, at, None, what);
    }

    /// The same, and a scenario file can say what was to be the case.
    fn breaks(&mut self, rule: Rule, at: Time, expect: Option<Expect>, what: impl FnOnce() -> String) {
        if self.rules.has(rule) && !self.violations.iter().any(|one| one.rule == rule) {
            self.violations.push(Violation { rule, at, what: what(), expect });
        }
    }

    fn take(&mut self, setup: &Setup, look: &dyn Look, report: &Report) {
        let at = report.at;
        // Most that is said is said over and over, and means nothing to those two.
        if !matches!(report.what, What::Received { .. } | What::Sent { kind: Kind::Vrrp, .. }) {
            self.facts.apply(setup, look, report);
            self.outages.apply(setup, look, &self.facts, report);
        }
        match report.what {
            What::Received { frame, kind: Kind::Vrrp, .. } => {
                self.hears(setup, report, (look.frame(frame), look.mark(frame)));
            }
            What::Sent { frame, kind: Kind::Garp } if look.mark(frame).is_none() => {
                self.claims(setup, report, look.frame(frame));
            }
            What::Sent { frame, kind: Kind::Vrrp } if look.mark(frame).is_none() => {
                self.speaks(setup, report, look.frame(frame));
            }
            What::Lost { kind: Kind::Garp, cause, .. } => {
                self.marks.hit(if matches!(cause, Loss::Deaf(_)) {
                    Mark::ClaimUnheard
                } else {
                    Mark::ClaimLost
                });
            }
            What::Act(index) => self.acted(at, &setup.acts[index as usize].act),
            What::Program(cvm, life) => self.lives(at, cvm, life),
            What::Subject(cvm, subject) => self.is_named(cvm, subject.0, look.subject(cvm, subject).0),
            What::Record(cvm, said) => self.says(setup, at, cvm, said),
            What::Held { node, address, held, ran_out } => {
                self.holds(setup, at, node, address, (held, ran_out));
            }
            What::Claim { address, by, verdict, .. } => self.cloud_hears(setup, at, address, by, verdict),
            What::Bound { havip, from, to, .. } => {
                if from.is_some() && from != to {
                    self.marks.hit(Mark::BindingMoved);
                }
                self.is_bound(at, setup.havips[usize::from(havip.0)].address, to);
            }
            What::Reached { client, node } => self.reaches(setup, at, client, node),
            _ => {}
        }
    }

    /// What of a report goes into the digest: everything but frames and probes. What became of those is in the outages.
    fn digest_of(&mut self, report: &Report) {
        let (what, a, b) = match report.what {
            What::Program(cvm, life) => (1, u64::from(cvm.0), life as u64),
            What::Record(cvm, Said::Transition { subject, to, .. }) => {
                (2, u64::from(cvm.0) << 16 | u64::from(subject.0), to as u64)
            }
            What::Held { node, held, .. } => (3, node.0.into(), held.into()),
            What::Bound { havip, to, .. } => (4, havip.0.into(), to.map_or(u64::MAX, |to| to.0.into())),
            What::Reached { client, node } => (6, client.0.into(), node.0.into()),
            _ => return,
        };
        self.digest.word(report.at.as_nanos());
        self.digest.word(what << 56 | a);
        self.digest.word(b);
    }

    fn digest_outages(&mut self) {
        for outage in self.outages.all() {
            self.digest.word(5 << 56 | u64::from(outage.client.0));
            self.digest.word(outage.from.as_nanos());
            self.digest.word(outage.to.as_nanos());
        }
    }

    // What happens to machines.

    fn acted(&mut self, at: Time, act: &Act) {
        if self.paths.act(at, act) {
            self.changed = true;
        }
        if let Act::Tamper(cvm, what, net) = *act
            && let Some(machine) = self.machines.get_mut(usize::from(cvm.0))
        {
            match what {
                Tamper::Add => machine.by_hand.push(net.addr()),
                Tamper::Del => machine.deleted = at,
            }
        }
        if let Act::DelRoute(cvm, _) = *act
            && let Some(machine) = self.machines.get_mut(usize::from(cvm.0))
        {
            machine.deleted = at;
        }
        match *act {
            Act::Stop(cvm) | Act::Kill(cvm) | Act::PowerOff(cvm) => {
                self.machines[usize::from(cvm.0)].sent_away = true;
            }
            Act::Start(cvm) => self.machines[usize::from(cvm.0)].sent_away = false,
            Act::PowerOn(cvm) => {
                let machine = &mut self.machines[usize::from(cvm.0)];
                machine.sent_away = false;
                machine.booted = if machine.alive { machine.booted } else { at };
            }
            _ => {}
        }
        if let Act::Stop(cvm) = *act {
            self.is_told_to_stop(at, cvm);
        }
        // keepalived begins to wait anew when it has read its files again (reality 8).
        if let Act::Reload(cvm, ..) = *act
            && let Some(machine) = self.machines.get_mut(usize::from(cvm.0))
        {
            machine.since = at + Duration::from_millis(200);
        }
    }

    fn lives(&mut self, at: Time, cvm: CvmId, life: Life) {
        let machine = &mut self.machines[usize::from(cvm.0)];
        self.changed = true;
        let before = std::mem::replace(&mut machine.since, at);
        match life {
            Life::Started => (machine.alive, machine.held) = (true, false),
            Life::Exited | Life::Killed => {
                // Who is killed while it ends can say nothing more.
                machine.farewell = machine.farewell.take().filter(|_| life == Life::Exited);
                (machine.alive, machine.held) = (false, false);
                machine.subjects.clear();
                machine.chairs.iter_mut().for_each(|chair| chair.enter(Role::Init, at));
            }
            Life::Frozen => machine.held = true,
            Life::Thawed => {
                machine.held = false;
                if let Some(farewell) = &mut machine.farewell {
                    farewell.from = at;
                }
            }
        }
        // What came while it stood still, it has yet to read.
        for chair in &mut machine.chairs {
            chair.ear.better = None;
            chair.unread = chair.unread.filter(|_| life == Life::Thawed).map(|_| at);
        }
        if life == Life::Thawed {
            self.is_late(at, usize::from(cvm.0), before);
        }
    }

    fn is_named(&mut self, cvm: CvmId, subject: u16, name: &str) {
        let cvm = usize::from(cvm.0);
        let seat = self.seats[cvm].iter().position(|seat| seat.name == name);
        let (machine, index) = (&mut self.machines[cvm], usize::from(subject));
        if machine.subjects.len() <= index {
            machine.subjects.resize(index + 1, None);
        }
        machine.subjects[index] = seat;
        if let Some(seat) = seat {
            machine.chairs[seat].priority = self.seats[cvm][seat].priority;
        }
    }

    fn holds(
        &mut self,
        setup: &Setup,
        at: Time,
        node: NodeId,
        address: IpAddr,
        (held, ran_out): (bool, bool),
    ) {
        let Some(cvm) = setup.cvm_of(node) else { return };
        let addresses = &mut self.machines[usize::from(cvm.0)].addresses;
        if ran_out {
            self.marks.hit(Mark::LeaseRanOut);
        }
        self.changed = true;
        let known = addresses.iter().position(|one| one.address == address);
        match (held, known) {
            (true, Some(i)) => addresses[i].since = at,
            (true, None) if !setup.owns(node, address) => {
                addresses.push(Address { address, since: at });
            }
            (false, Some(i)) => {
                addresses.remove(i);
            }
            _ => {}
        }
    }

    fn says(&mut self, setup: &Setup, at: Time, cvm: CvmId, said: Said) {
        let i = usize::from(cvm.0);
        match said {
            Said::Transition { subject, from, to, why } => {
                if why.is_none() {
                    self.says_not_why(setup, at, i, (from, to));
                }
                if let Some(mark) = marks::of_cause(why.text) {
                    self.marks.hit(mark);
                }
                if to == Role::Fault {
                    self.marks.hit(Mark::Fault);
                }
                let Some((seat, _)) = self.machines[i].chair_of(subject.0) else { return };
                if (from, to) == (Role::Backup, Role::Master) {
                    self.takes_over(setup, at, (i, seat));
                }
                let gives_way = from == Role::Master
                    && matches!(
                        marks::of_cause(why.text),
                        Some(Mark::SplitEndedByPriority | Mark::SplitEndedByAddress)
                    );
                if gives_way {
                    self.gives_way(setup, at, (i, seat));
                }
                self.machines[i].chairs[seat].enter(to, at);
                self.changed = true;
                if gives_way {
                    self.split_ends(at, (i, seat));
                }
            }
            Said::Rejected { subject, .. } => {
                self.marks.hit(Mark::AdvertRefused);
                if let Some((_, chair)) = self.machines[i].chair_of(subject.0) {
                    chair.refused(at);
                }
            }
            Said::Claims { why, .. } => {
                if let Some(mark) = marks::of_cause(why.text) {
                    self.marks.hit(mark);
                }
            }
            Said::Note { subject: Some(subject), why } if why.text == "effective priority {} -> {}" => {
                if let (Some((_, chair)), Value::Number(to)) =
                    (self.machines[i].chair_of(subject.0), why.values[1])
                {
                    chair.priority = to.clamp(0, 255) as u8;
                }
            }
            Said::Note { .. } => {}
        }
    }

    /// Looks at every matter whose deadline has passed, in the instant after it, whenever that is noticed.
    fn check_until(&mut self, setup: &Setup, now: Time) {
        while let Some(at) = self.deadlines.passed(now, setup.tick) {
            for matter in Matter::ALL {
                if self.deadlines.is_over(matter, at) {
                    self.check(setup, at, matter);
                }
            }
        }
    }

    /// Who is master, or what stands in the way of frames, may have changed in this instant.
    fn instant_changed(&mut self, setup: &Setup, now: Time) {
        self.changed = false;
        self.owners_change(now);
        self.company_changes(now);
        self.check_all(setup, now);
    }

    /// What it all depends on has changed.
    fn check_all(&mut self, setup: &Setup, now: Time) {
        for matter in Matter::ALL {
            self.check(setup, now, matter);
        }
    }

    fn check(&mut self, setup: &Setup, now: Time, matter: Matter) {
        self.deadlines.clear(matter);
        match matter {
            Matter::Elections => self.check_elections(setup, now),
            Matter::Addresses => self.check_addresses(setup, now),
            Matter::Owners => self.check_owners(setup, now),
            Matter::Speech => self.check_speech(setup, now),
            Matter::Holdings => self.check_holdings(setup, now),
            Matter::Groups => self.check_groups(setup, now),
        }
    }

    /// Something is wrong if it is still so then.
    fn wait_until(&mut self, matter: Matter, deadline: Time) {
        self.deadlines.wait(matter, deadline);
    }
}

impl Observer for Watch {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: false, probes: false }
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let Some(now) = reports.first().map(|report| report.at) else { return };
        self.check_until(setup, now);
        self.facts.begin();
        // What got to a machine and not to its agent is said of the sender, perhaps behind what the receiver did.
        let mut by_further_interfaces = false;
        for report in reports {
            by_further_interfaces |= order::comes_in(report);
            if let What::Lost { kind: Kind::Vrrp, to: Some(to), .. } = report.what
                && let Some(cvm) = to.node().and_then(|node| setup.cvm_of(node))
            {
                self.hears_not(now, usize::from(cvm.0));
            }
            self.digest_of(report);
        }
        // Most machines have one interface, and every instant of every seed comes by here.
        match by_further_interfaces {
            true => order::heard_first(reports).for_each(|report| self.take(setup, look, report)),
            false => reports.iter().for_each(|report| self.take(setup, look, report)),
        }
        if self.changed {
            self.instant_changed(setup, now);
        }
    }

    /// Every seed spends half of its instants here. What is said over and over is neither a fact nor in the digest.
    fn row(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        for instant in reports.chunk_by(|one, next| one.at == next.at) {
            self.check_until(setup, instant[0].at);
            instant.iter().for_each(|report| self.take(setup, look, report));
            if self.changed {
                self.instant_changed(setup, instant[0].at);
            }
        }
    }

    fn finish(&mut self, setup: &Setup, end: Time) {
        self.check_until(setup, end);
        self.check_all(setup, end);
        self.outages.finish(setup, &self.facts, end);
        self.digest_outages();
        self.converges(setup, end);
        if let Some(limit) = self.limit {
            let worst = self.outages.all().iter().max_by_key(|outage| outage.length()).copied();
            if let Some(worst) = worst.filter(|worst| worst.length() > limit) {
                let name = &setup.clients[usize::from(worst.client.0)].name;
                let expect = Expect::Outage(Time::ZERO, end, worst.client, limit);
                self.breaks(Rule::OutageLimit, worst.to, Some(expect), || {
                    format!(
                        "{name} is without the address from {} to {}: {} > {}",
                        when(worst.from),
                        when(worst.to),
                        TimeText(worst.length()),
                        TimeText(limit)
                    )
                });
            }
        }
    }
}

/// Of who does what only masters do: how long it has not been one, and that this is longer than it may be.
fn since_master(at: Time, until: Option<Time>, bound: Duration) -> String {
    let Some(until) = until else { return "it has never been".to_owned() };
    let long = TimeText(at.saturating_since(until));
    format!("it was until {}, and {} - {} = {long} > {}", when(until), when(at), when(until), TimeText(bound))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
