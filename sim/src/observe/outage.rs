//! How long each client was without its address, and where that time went.
//!
//! An outage lasts from the last answered probe to the next answered one (both by the instant they were
//! *sent*), when that is longer than two periods. Before its first answer a client is *unreached*, which is no
//! outage. Of an outage's length, *detection* is from the act that caused it to the new owner's first claim,
//! *cloud* from that claim to the binding, *probe* the rest: the three sum to the length exactly.

use std::net::IpAddr;

use havip::program::{Record as Said, Role, Subject};
use havip::time::{Duration, Time};

use super::facts::Facts;
use super::peek;
use crate::world::{ClientId, CvmId, HavipId, Kind, Look, NodeId, Report, Setup, What};

/// What an outage is put down to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Nothing known.
    #[default]
    None,
    /// An act of the script: an index into `Setup::acts`.
    Act(u32),
    /// A program's transition.
    Transition(CvmId, Subject, Role),
}

/// A client's outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// Whose.
    pub client: ClientId,
    /// When the last answered probe was sent.
    pub from: Time,
    /// When the first unanswered probe was sent.
    pub unanswered: Time,
    /// When the next answered probe was sent, or the end of the run.
    pub to: Time,
    /// Nothing was answered up to the end of the run.
    pub still_out: bool,
    /// Why.
    pub cause: Cause,
    /// Who answered in the end.
    pub owner: Option<NodeId>,
    /// From the act to the new owner's first claim, if there was a claim within the outage.
    pub detection: Option<Duration>,
    /// From that claim to the binding, if a binding followed it within the outage.
    pub cloud: Option<Duration>,
    /// The rest.
    pub probe: Duration,
}

impl Outage {
    /// From the last answered probe to the next, or to the end of the run.
    pub fn length(&self) -> Duration {
        self.to.saturating_since(self.from)
    }
}

/// The time before a client's first answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// Who.
    pub client: ClientId,
    /// When it sent its first probe.
    pub from: Time,
    /// When it sent the first probe that was answered, if ever.
    pub to: Option<Time>,
}

/// What a report meant for a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It was answered for the first time.
    Reached(Unreached),
    /// An outage is over; its place in [`Outages::all`].
    Over(u32),
}

/// All outages of a run, as its reports come in.
#[derive(Clone, Debug)]
pub struct Outages {
    clients: Vec<Track>,
    all: Vec<Outage>,
    /// Acts as they were carried out: a run of `phases` shifts them against the setup.
    acts: Vec<(Time, u32)>,
    last_transition: Option<(Time, Cause)>,
    /// A probe sent so shortly before an act may be the act's victim: there and back again.
    flight: Duration,
    /// By elastic IP: the HAVIP that it is bound to.
    behind: Vec<Option<HavipId>>,
}

#[derive(Clone, Debug)]
struct Track {
    first_probe: Option<Time>,
    last_probe: Time,
    first_answered: Option<Time>,
    last_answered: Time,
    /// The first probe behind the last answered one.
    unanswered: Option<Time>,
    began: Cause,
    /// By machine: its first claim of the target, and the first binding to it, since the last answer.
    claims: Vec<(Option<Time>, Option<Time>)>,
    clean: bool,
}

impl Track {
    /// Claims and bindings up to an answered probe are no part of an outage after it.
    fn forget_claims(&mut self, answered: Time) {
        if self.clean {
            return;
        }
        self.clean = true;
        for (claim, bound) in &mut self.claims {
            *claim = claim.filter(|at| *at > answered);
            *bound = bound.filter(|at| *at > answered);
            self.clean &= claim.is_none() && bound.is_none();
        }
    }
}

impl Outages {
    /// No probe sent yet.
    pub fn new(setup: &Setup) -> Outages {
        let track = Track {
            first_probe: None,
            last_probe: Time::ZERO,
            first_answered: None,
            last_answered: Time::ZERO,
            unanswered: None,
            began: Cause::None,
            claims: vec![(None, None); setup.cvms.len()],
            clean: true,
        };
        Outages {
            clients: vec![track; setup.clients.len()],
            all: Vec::new(),
            acts: Vec::new(),
            last_transition: None,
            flight: (setup.longest_latency() + setup.tick) * 2,
            behind: setup.eips.iter().map(|eip| eip.havip).collect(),
        }
    }

    /// Every outage so far, in the order they ended; after the end of the run, the open ones too.
    pub fn all(&self) -> &[Outage] {
        &self.all
    }

    /// Every client's time before its first answer, by client; a client that never probed is not listed.
    pub fn unreached(&self) -> impl Iterator<Item = Unreached> {
        self.clients.iter().enumerate().filter_map(|(i, track)| {
            Some(Unreached { client: ClientId(i as u16), from: track.first_probe?, to: track.first_answered })
        })
    }

    /// When a client began to be served and when it no longer was, in turn; to be asked when the run is over.
    pub(crate) fn served(&self, client: ClientId) -> impl Iterator<Item = (Time, bool)> {
        let first = self.clients[usize::from(client.0)].first_answered.map(|at| (at, true));
        let outages = self.all.iter().filter(move |one| one.client == client);
        let turns = outages
            .flat_map(|one| [Some((one.unanswered, false)), (!one.still_out).then_some((one.to, true))]);
        first.into_iter().chain(turns.flatten())
    }

    /// Takes one report; `facts` have taken it already.
    pub(crate) fn apply(
        &mut self,
        setup: &Setup,
        look: &dyn Look,
        facts: &Facts,
        report: &Report,
    ) -> Option<News> {
        match report.what {
            What::Probed { client } => self.probed(client, report.at),
            What::Answered { client, sent } => return self.answered(setup, facts, client, sent),
            What::AllAnswered { client, last } => self.all_answered(client, last),
            What::AllLost { client, last } => {
                self.probed(client, report.at);
                self.clients[usize::from(client.0)].last_probe = last;
            }
            What::Sent { frame, kind: Kind::Garp } if look.mark(frame).is_none() => {
                if let (Some(node), Some(address)) = (report.who.node(), peek::announced(look.frame(frame))) {
                    self.claims(setup, address, node, |entry| entry.0.get_or_insert(report.at));
                }
            }
            What::Bound { havip, to: Some(node), .. } => {
                let address = setup.havips[usize::from(havip.0)].address;
                self.claims(setup, address, node, |entry| entry.1.get_or_insert(report.at));
            }
            What::Eip { eip, to } => self.behind[usize::from(eip.0)] = to,
            What::Act(index) if setup.acts[index as usize].act.happens() => self.acted(report.at, index),
            What::Record(cvm, Said::Transition { subject, to, .. }) => {
                let cause = Cause::Transition(cvm, subject, to);
                self.last_transition = Some((report.at, cause));
                for track in &mut self.clients {
                    if track.unanswered.is_some_and(|first| report.at <= first + self.flight) {
                        track.began = cause;
                    }
                }
            }
            _ => {}
        }
        None
    }

    /// The run is over: outages that are still open are listed as such.
    pub(crate) fn finish(&mut self, setup: &Setup, facts: &Facts, end: Time) {
        for i in 0..self.clients.len() {
            let (track, client) = (&self.clients[i], ClientId(i as u16));
            // What is still on its way from far away is no outage yet.
            let far = setup.clients[i].internet.map_or(Duration::ZERO, |(_, longest)| longest * 2);
            let last = Time::ZERO + end.saturating_since(Time::ZERO + far);
            if track.first_answered.is_some()
                && track.unanswered.is_some()
                && self.is_outage(setup, client, last)
            {
                let mut outage = self.outage(setup, facts, client, end);
                outage.still_out = true;
                self.all.push(outage);
            }
        }
    }

    fn probed(&mut self, client: ClientId, at: Time) {
        let track = &mut self.clients[usize::from(client.0)];
        track.first_probe.get_or_insert(at);
        track.last_probe = at;
        if track.unanswered.is_none() {
            track.unanswered = Some(at);
            // A transition began it if it came after what was answered last.
            let (last, flight) = (track.last_answered, self.flight);
            let recent = self.last_transition.filter(|(when, _)| *when + flight >= last);
            track.began = recent.map_or(Cause::None, |(_, cause)| cause);
        }
    }

    fn answered(&mut self, setup: &Setup, facts: &Facts, client: ClientId, sent: Time) -> Option<News> {
        let i = usize::from(client.0);
        let track = &self.clients[i];
        let news = match track.first_answered {
            None => {
                let from = track.first_probe.unwrap_or(sent);
                Some(News::Reached(Unreached { client, from, to: Some(sent) }))
            }
            // An answer overtaken by a later probe's.
            Some(_) if sent <= track.last_answered => return None,
            Some(_) if self.is_outage(setup, client, sent) => {
                let outage = self.outage(setup, facts, client, sent);
                self.all.push(outage);
                Some(News::Over(self.all.len() as u32 - 1))
            }
            Some(_) => None,
        };
        let every = setup.clients[i].every;
        let track = &mut self.clients[i];
        track.first_answered.get_or_insert(sent);
        track.last_answered = sent;
        track.unanswered = (track.last_probe > sent).then(|| sent + every);
        track.forget_claims(sent);
        news
    }

    /// Nothing was missed, and nothing is under way.
    fn all_answered(&mut self, client: ClientId, last: Time) {
        let track = &mut self.clients[usize::from(client.0)];
        (track.last_probe, track.last_answered, track.unanswered) = (last, last, None);
        track.forget_claims(last);
    }

    /// Claims count from the act that causes an outage: those before it were the old owner's.
    fn acted(&mut self, at: Time, index: u32) {
        self.acts.push((at, index));
        for track in &mut self.clients {
            let begun = track.unanswered.is_some_and(|first| at > first + self.flight);
            if !begun && !track.clean {
                track.claims.fill((None, None));
                track.clean = true;
            }
        }
    }

    fn claims(
        &mut self,
        setup: &Setup,
        address: IpAddr,
        node: NodeId,
        note: impl Fn(&mut (Option<Time>, Option<Time>)) -> &mut Time,
    ) {
        for (track, client) in self.clients.iter_mut().zip(&setup.clients) {
            if probed(setup, &self.behind, client.target) == Some(address)
                && let Some(entry) = track.claims.get_mut(usize::from(node.0))
            {
                note(entry);
                track.clean = false;
            }
        }
    }

    fn is_outage(&self, setup: &Setup, client: ClientId, to: Time) -> bool {
        let i = usize::from(client.0);
        to.saturating_since(self.clients[i].last_answered) > setup.clients[i].every * 2
    }

    fn outage(&self, setup: &Setup, facts: &Facts, client: ClientId, to: Time) -> Outage {
        let i = usize::from(client.0);
        let track = &self.clients[i];
        let from = track.last_answered;
        let unanswered = track.unanswered.unwrap_or(from + setup.clients[i].every);
        let last = self.acts.iter().rev().find(|(at, _)| *at <= unanswered + self.flight);
        let (cause, begin) = match last {
            Some(&(at, act)) => (Cause::Act(act), at.max(from)),
            None => (track.began, from),
        };
        let target = probed(setup, &self.behind, setup.clients[i].target);
        let owner = facts.reached(client).or_else(|| facts.holder(setup, target?));
        let (claim, bound) = owner
            .and_then(|node| track.claims.get(usize::from(node.0)))
            .map_or((None, None), |(claim, bound)| (*claim, *bound));
        let claim = claim.filter(|at| (begin..=to).contains(at));
        let detection = claim.map(|at| at - begin);
        // A probe sent shortly before the binding can still meet it: the binding counts up to `to`.
        let cloud = claim.and_then(|at| bound.filter(|b| *b >= at).map(|b| b.min(to) - at));
        let known = detection.unwrap_or_default() + cloud.unwrap_or_default();
        let probe = to.saturating_since(from).saturating_sub(known);
        Outage { client, from, unanswered, to, still_out: false, cause, owner, detection, cloud, probe }
    }
}

/// Which address of the segment a probe is for: that of the HAVIP behind an elastic IP, or the probed one itself.
fn probed(setup: &Setup, behind: &[Option<HavipId>], target: IpAddr) -> Option<IpAddr> {
    match setup.eip_of(target) {
        None => Some(target),
        Some(eip) => {
            let havip = behind.get(usize::from(eip.0)).copied().flatten()?;
            setup.havips.get(usize::from(havip.0)).map(|havip| havip.address)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;
    use crate::world::Act;

    fn of(run: &Run, end: &str) -> Outages {
        let mut watcher = Watching { facts: Facts::new(&run.setup), outages: Outages::new(&run.setup) };
        run.play(&mut watcher, end);
        watcher.outages
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn detection_cloud_and_probe_sum_to_the_length() {
        let mut run = Run::pair();
        run.act("20", Act::PowerOff(CvmId(A)), 12);
        run.probes("5", "19.9", A).silence("20", "23.2");
        run.at("23.1845").garp(B).at("23.1849").bound(Some(A), Some(B));
        run.probes("23.3", "30", B);
        let outages = of(&run, "30");
        let [outage] = outages.all() else { panic!("{outages:?}") };
        assert_eq!((outage.from, outage.to), (t("19.9"), t("23.3")));
        assert_eq!(outage.length(), ms(3400));
        assert_eq!(outage.cause, Cause::Act(0));
        assert_eq!(outage.detection, Some(Duration::from_micros(3_184_500)), "23.1845 - 20");
        assert_eq!(outage.cloud, Some(Duration::from_micros(400)));
        assert_eq!(
            outage.probe + outage.detection.unwrap() + outage.cloud.unwrap(),
            outage.length(),
            "0.1 before the act and 0.1151 behind the binding"
        );
    }

    #[test]
    fn two_periods_are_no_outage_and_three_are() {
        let mut run = Run::pair();
        run.probes("5", "6", A).silence("6.1", "6.1").probes("6.2", "7", A);
        assert!(of(&run, "7").all().is_empty());
        run.silence("7.1", "7.2").probes("7.3", "8", A);
        assert_eq!(of(&run, "8").all().len(), 1);
    }

    #[test]
    fn a_client_never_answered_is_unreached_and_has_no_outage() {
        let mut run = Run::pair();
        run.silence("0", "9");
        let outages = of(&run, "10");
        assert!(outages.all().is_empty());
        let unreached: Vec<_> = outages.unreached().collect();
        assert_eq!(unreached, [Unreached { client: ClientId(0), from: Time::ZERO, to: None }]);
        run.probes("9.1", "10", A);
        assert_eq!(of(&run, "10").unreached().next().unwrap().to, Some(t("9.1")));
    }

    #[test]
    fn an_outage_open_at_the_end_is_still_out() {
        let mut run = Run::pair();
        run.probes("5", "6", A).silence("6.1", "10");
        let outages = of(&run, "10");
        let [outage] = outages.all() else { panic!("{outages:?}") };
        assert!(outage.still_out);
        assert_eq!((outage.from, outage.to, outage.probe), (t("6"), t("10"), ms(4000)));
        assert_eq!((outage.detection, outage.cloud), (None, None));
    }

    #[test]
    fn an_outage_without_a_new_claim_is_all_probe() {
        let mut run = Run::pair();
        run.act("6", Act::Unplug(NodeId(A), None), 9).act("8", Act::Plug(NodeId(A), None), 10);
        run.at("3").garp(A).bound(None, Some(A));
        run.probes("5", "6", A).silence("6.1", "8").probes("8.1", "9", A);
        let outages = of(&run, "9");
        let [outage] = outages.all() else { panic!("{outages:?}") };
        assert_eq!((outage.detection, outage.cloud, outage.probe), (None, None, ms(2100)));
        assert_eq!(outage.cause, Cause::Act(0), "the cable out, not in");
    }

    #[test]
    fn a_probe_in_flight_when_the_act_comes_is_its_victim() {
        let mut run = Run::pair();
        run.act("6.1001", Act::PowerOff(CvmId(A)), 9);
        run.probes("5", "6", A).silence("6.1", "8").probes("8.1", "9", B);
        assert_eq!(of(&run, "9").all()[0].cause, Cause::Act(0));
    }

    #[test]
    fn that_chance_is_another_ones_is_no_cause() {
        let mut run = Run::pair();
        run.act("6.05", Act::PowerOff(CvmId(A)), 9).act("6.06", Act::Seed(2), 10);
        run.probes("5", "6", A).silence("6.1", "8").probes("8.1", "9", B);
        run.act("9.05", Act::Seed(3), 11).silence("9.1", "10").probes("10.1", "11", B);
        let outages = of(&run, "11");
        let causes: Vec<Cause> = outages.all().iter().map(|outage| outage.cause).collect();
        assert_eq!(causes, [Cause::Act(0), Cause::Act(0)], "nothing else has happened");
    }

    #[test]
    fn without_an_act_the_transition_before_it_is_the_cause() {
        let mut run = Run::pair();
        run.at("3").started(A).master(A);
        run.probes("5", "6", A).at("6.05").backup(A).silence("6.1", "8").probes("8.1", "9", A);
        run.silence("9.1", "10").probes("10.1", "11", A);
        let outages = of(&run, "11");
        let causes: Vec<Cause> = outages.all().iter().map(|outage| outage.cause).collect();
        assert_eq!(causes, [Cause::Transition(CvmId(A), Subject(0), Role::Backup), Cause::None]);
    }

    struct Watching {
        facts: Facts,
        outages: Outages,
    }
    impl crate::observe::Observer for Watching {
        fn wants(&self) -> crate::world::Wants {
            crate::world::Wants { facts: true, frames: true, beats: true, probes: false }
        }
        fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
            for report in reports {
                self.facts.apply(setup, look, report);
                self.outages.apply(setup, look, &self.facts, report);
            }
        }
        fn finish(&mut self, setup: &Setup, end: Time) {
            self.outages.finish(setup, &self.facts, end);
        }
    }
}
