//! The figures of one run: an observer that keeps no line of text.

use std::net::IpAddr;

use havip::program::{Record as Said, Role};
use havip::time::{Duration, Time};

use super::battery::Plan;
use crate::observe::{Changes, Facts, Observer, Outages};
use crate::world::{Act, ClientId, CvmId, Kind, Look, NodeId, Report, Segment, Setup, Wants, What, Who};

/// What the vendor's "may take 10 seconds" is counted as.
pub const VENDOR_DELAY: Duration = Duration::from_secs(10);

/// How long the client was without the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Without {
    /// The longest stretch. In a subnet whose binding delay is not known, up to the claim that ended it.
    pub time: Duration,
    /// The same as the script language's `outage` counts it, between answered probes.
    pub probed: Duration,
    /// What the cloud's binding delay adds, if it takes as long as the vendor says: less than that where the old
    /// holder went on answering for a while; zero where it adds nothing, or is part of `time`.
    pub cloud: Duration,
    /// It lasted to the end of the run.
    pub open: bool,
}

/// The figures of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The run's seed.
    pub seed: u64,
    /// How much later the story came than in the first phase.
    pub shift: Duration,
    /// How much later still a split healed.
    pub extra: Duration,
    /// Who serves the address when it is over: answers the client.
    pub after: Option<CvmId>,
    /// From the story's act to the first machine that became master by it.
    pub takeover: Option<Duration>,
    /// How long the client was without the address.
    pub without: Without,
    /// The longest stretch with two masters.
    pub two_masters: Duration,
    /// The longest such stretch in which advertisements could pass.
    pub two_masters_heard: Duration,
    /// For how long two had been master when the story's act came.
    pub two_before: Duration,
    /// The longest stretch in which the client's traffic went to a machine that was not master while another was.
    pub stale: Duration,
    /// It went on to the end of the run.
    pub stale_open: bool,
    /// Whose advertisement came through first once they passed again.
    pub first_advert: Option<CvmId>,
    /// The address changed hands.
    pub moved: bool,
}

/// The longest of several stretches of time.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    since: Option<Time>,
    longest: Duration,
}

impl Stretch {
    fn is(&mut self, on: bool, now: Time) {
        match (on, self.since) {
            (true, None) => self.since = Some(now),
            (false, Some(since)) => {
                self.longest = self.longest.max(now.saturating_since(since));
                self.since = None;
            }
            _ => {}
        }
    }
}

/// Watches one run.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    facts: Facts,
    outages: Outages,
    address: IpAddr,
    first: Option<CvmId>,
    mark_act: u32,
    blocked_acts: Option<(u32, u32)>,
    lan: bool,
    /// The client asks for a service: a claim does not end its outage, an answer does.
    service: bool,
    delay_known: bool,
    mark: Option<Time>,
    masters_at_mark: Vec<bool>,
    moves_at_mark: u32,
    takeover: Option<Duration>,
    blocked: bool,
    first_advert: Option<CvmId>,
    /// Since when two have been master, and for how long when the story's act came.
    two_since: Option<Time>,
    two_before: Duration,
    two: Stretch,
    two_heard: Stretch,
    stale: Stretch,
    holds: Vec<bool>,
    asleep: Vec<bool>,
    /// The last move of the binding away from a machine that still answered.
    left: Option<(Time, NodeId)>,
    cloud: Duration,
    /// When it first had an answer, and when the address first had a holder, from the mark on.
    first_answer: Option<Time>,
    first_holder: Option<Time>,
}

impl Measure {
    pub(super) fn new(setup: &Setup, plan: &Plan) -> Measure {
        Measure {
            facts: Facts::new(setup),
            outages: Outages::new(setup),
            address: setup.clients[0].target,
            first: plan.first,
            mark_act: plan.mark,
            blocked_acts: plan.blocked,
            lan: matches!(setup.segment, Segment::Lan(_)),
            service: setup.clients[0].port.is_some(),
            delay_known: setup.bind_delay.1 > Duration::ZERO,
            mark: None,
            masters_at_mark: vec![false; setup.cvms.len()],
            moves_at_mark: 0,
            takeover: None,
            blocked: false,
            first_advert: None,
            two_since: None,
            two_before: Duration::ZERO,
            two: Stretch::default(),
            two_heard: Stretch::default(),
            stale: Stretch::default(),
            holds: vec![false; setup.nodes()],
            asleep: vec![false; setup.nodes()],
            left: None,
            cloud: Duration::ZERO,
            first_answer: None,
            first_holder: None,
        }
    }

    /// Whether the machine that is to be master first is.
    pub(super) fn settled(&self) -> bool {
        self.first.is_none_or(|first| self.facts.is_master(first))
    }

    /// Where the client's traffic goes: where the address is bound; on a lan, whom its last probe reached.
    fn goes_to(&self, setup: &Setup) -> Option<NodeId> {
        if self.lan { self.facts.reached(ClientId(0)) } else { self.facts.holder(setup, self.address) }
    }

    fn act(&mut self, setup: &Setup, at: Time, index: u32) {
        if index == self.mark_act {
            self.mark = Some(at);
            // Who never agreed did not come to that by the act, and clients suffer from it all the same.
            self.two_before = self.two_since.map_or(Duration::ZERO, |since| at.saturating_since(since));
            (self.two.longest, self.two_heard.longest) = (self.two_before, self.two_before);
            self.moves_at_mark = self.facts.moves();
            for (i, was) in self.masters_at_mark.iter_mut().enumerate() {
                *was = self.facts.is_master(CvmId(i as u16));
            }
        }
        if let Some((from, to)) = self.blocked_acts {
            if index == from {
                self.blocked = true;
            } else if index == to {
                self.blocked = false;
            }
        }
        match setup.acts[index as usize].act {
            Act::Pause(cvm) => self.asleep[usize::from(cvm.0)] = true,
            Act::Resume(cvm) => self.asleep[usize::from(cvm.0)] = false,
            _ => {}
        }
    }

    fn bound(&mut self, at: Time, from: Option<NodeId>, to: Option<NodeId>) {
        self.first_holder.get_or_insert(at);
        if self.mark.is_none() || from == to {
            return;
        }
        self.left = None;
        match from {
            Some(node) if self.holds[usize::from(node.0)] && !self.asleep[usize::from(node.0)] => {
                self.left = Some((at, node));
            }
            _ => self.cloud = VENDOR_DELAY,
        }
    }

    /// Whoever the binding left gives the address up: from here on the client waits for the cloud.
    fn gave_up(&mut self, at: Time, node: NodeId) {
        if let Some((since, left)) = self.left
            && left == node
        {
            self.cloud = self.cloud.max(VENDOR_DELAY.saturating_sub(at.saturating_since(since)));
            self.left = None;
        }
    }

    fn take(&mut self, setup: &Setup, report: &Report) {
        match report.what {
            What::Act(index) => self.act(setup, report.at, index),
            What::Held { node, address, held, .. } if address == self.address => {
                self.holds[usize::from(node.0)] = held;
                if !held {
                    self.gave_up(report.at, node);
                }
            }
            What::Bound { from, to, .. } => self.bound(report.at, from, to),
            What::Record(cvm, Said::Transition { to: Role::Master, .. }) => {
                if let Some(mark) = self.mark
                    && !self.masters_at_mark[usize::from(cvm.0)]
                {
                    self.takeover.get_or_insert(report.at.saturating_since(mark));
                }
            }
            What::Received { kind: Kind::Vrrp, from: Who::Node(from), .. } => {
                let healed = self.blocked_acts.is_some() && self.mark.is_some() && !self.blocked;
                // Of those that cross the cut: other machines heard each other all the time.
                let first = self.first.map(|cvm| Who::Node(setup.node_of_cvm(cvm)));
                let crosses = first == Some(Who::Node(from)) || first == Some(report.who);
                if healed && crosses && self.first_advert.is_none() {
                    self.first_advert = setup.cvm_of(from);
                }
            }
            What::Answered { .. } | What::AllAnswered { .. } => {
                self.first_answer.get_or_insert(report.at);
            }
            _ => {}
        }
    }

    fn judge(&mut self, setup: &Setup, now: Time) {
        // Of the address, whatever virtual router each takes it for: every file has one instance.
        let masters = (0..setup.cvms.len() as u16).filter(|i| self.facts.is_master(CvmId(*i)));
        let two = masters.take(2).count() == 2;
        self.two_since = two.then(|| self.two_since.unwrap_or(now));
        let counted = self.mark.is_some();
        self.two.is(two && counted, now);
        self.two_heard.is(two && counted && !self.blocked, now);
        let lives = (0..setup.cvms.len() as u16).any(|i| self.facts.is_master(CvmId(i)));
        let goes = self.goes_to(setup).and_then(|node| setup.cvm_of(node));
        let wrong = goes.is_some_and(|cvm| !self.facts.is_master(cvm));
        self.stale.is(counted && lives && wrong, now);
    }

    /// The run's figures, its last instant being `end`.
    pub(super) fn figures(
        mut self,
        setup: &Setup,
        seed: u64,
        (shift, extra): (Duration, Duration),
        end: Time,
    ) -> Figures {
        self.outages.finish(setup, &self.facts, end);
        let stale_open = self.stale.since.is_some();
        for stretch in [&mut self.two, &mut self.two_heard, &mut self.stale] {
            stretch.is(false, end);
        }
        let silent = self.first_answer.is_none() || self.outages.all().iter().any(|outage| outage.still_out);
        let after = if silent { None } else { self.goes_to(setup) };
        Figures {
            seed,
            shift,
            extra,
            after: after.and_then(|node| setup.cvm_of(node)),
            takeover: self.takeover,
            without: self.without(end),
            two_masters: self.two.longest,
            two_masters_heard: self.two_heard.longest,
            two_before: self.two_before,
            stale: self.stale.longest,
            stale_open,
            first_advert: self.first_advert,
            moved: self.facts.moves() > self.moves_at_mark,
        }
    }

    fn without(&self, end: Time) -> Without {
        let mark = self.mark.unwrap_or(Time::ZERO);
        let by_claim = !self.lan && !self.delay_known;
        let mut worst = Without::default();
        for outage in self.outages.all().iter().filter(|outage| outage.to > mark) {
            let time = match outage.detection {
                Some(detection) if by_claim && !outage.still_out && !self.service => detection,
                _ => outage.length(),
            };
            let this =
                Without { time, probed: outage.length(), cloud: Duration::ZERO, open: outage.still_out };
            if (this.open, this.time) > (worst.open, worst.time) {
                worst = this;
            }
        }
        // Before the first answer: probes that waited for the address to be resolved are answered late, so what
        // counts is when, not which.
        let first = if by_claim { self.first_holder } else { self.first_answer };
        if first.is_none_or(|at| at > mark) {
            let time = first.unwrap_or(end).saturating_since(mark);
            worst = Without { time, probed: time, cloud: Duration::ZERO, open: first.is_none() };
        }
        worst.cloud = if by_claim { self.cloud } else { Duration::ZERO };
        worst
    }
}

impl Observer for Measure {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let Some(now) = reports.first().map(|report| report.at) else { return };
        self.facts.begin();
        let mut changes = Changes::NONE;
        let mut acted = false;
        for report in reports {
            // Before the facts: who was master when an act came.
            self.take(setup, report);
            changes = changes | self.facts.apply(setup, look, report);
            self.outages.apply(setup, look, &self.facts, report);
            acted |= matches!(report.what, What::Act(_));
        }
        let told = Changes::MASTERS | Changes::BINDING | Changes::TRAFFIC | Changes::HOLDER;
        if acted || changes.meets(told) {
            self.judge(setup, now);
        }
    }
}
