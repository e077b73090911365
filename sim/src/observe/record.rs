//! The record of a run: what a reviewer reads, what a snapshot stores.
//!
//! A [`Recorder`] watches a run and keeps small values, folded; a [`Record`] is what became of them, in words.
//! How it looks as text is in `print`, as JSON in `json`.

use std::collections::BTreeMap;

use havip::profile::Profile;
use havip::program::{Record as Said, Role, Why};
use havip::time::{Duration, Time};

use super::assumptions::assumptions;
use super::expectations::{Seen, Verdict};
use super::facts::Facts;
use super::fold::{Fold, Folds, Key};
use super::lines::{Entry, Line, Reason, Teller};
use super::outage::{News, Outages};
use super::words;
use super::{Observer, Summary, peek};
use crate::scenario::{ActText, ExpectText};
use crate::world::{
    Act, CvmId, EniIndex, FrameId, Kind, Life, Look, Loss, Mark, NodeId, ProgramSetup, Report, Segment,
    Setup, Verdict as Heard, Wants, What, Who,
};

/// The record of one run.
#[derive(Clone, Debug)]
pub struct Record {
    /// The scenario's name.
    pub name: String,
    /// The profile that every machine was under, if that is not what the scenario says.
    pub under: Option<Profile>,
    /// What all chance was a hash of.
    pub seed: u64,
    /// The quantum of time.
    pub tick: Duration,
    /// How many decimals its times have.
    pub digits: u8,
    /// What is wrong with the configurations: the machines, and a diagnosis.
    pub config: Vec<(String, String)>,
    /// What happened.
    pub lines: Vec<RecordLine>,
    /// What the clients suffered.
    pub outages: Vec<OutageRow>,
    /// How long clients waited for their first answer.
    pub unreached: Vec<UnreachedRow>,
    /// What was expected.
    pub verdicts: Vec<VerdictRow>,
    /// What the numbers rest on: its name, its value, and how it is known.
    pub assumptions: Vec<(&'static str, String, &'static str)>,
    /// The digest of all frames, where it was taken.
    pub frames: Option<u64>,
    /// What other runs of the same scenario gave.
    pub summary: Option<Summary>,
}

impl Record {
    /// How many of the expectations fail.
    pub fn failing(&self) -> usize {
        self.verdicts.iter().filter(|row| !row.verdict.holds).count()
    }
}

/// One line of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLine {
    /// When, or from when.
    pub at: Time,
    /// Until when, for many folded into one.
    pub until: Option<Time>,
    /// To whom: a name of the script, `cloud`, or `link`.
    pub who: String,
    /// What kind of line: `transition`, `advert`, `claims` and so on.
    pub kind: &'static str,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A client's outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutageRow {
    /// Whose.
    pub client: String,
    /// When the last answered probe was sent.
    pub from: Time,
    /// When the next answered probe was sent, or the end of the run.
    pub to: Time,
    /// Nothing was answered any more.
    pub still_out: bool,
    /// From the act to the new owner's first claim.
    pub detection: Option<Duration>,
    /// From that claim to the binding.
    pub cloud: Option<Duration>,
    /// The rest.
    pub probe: Duration,
    /// Why.
    pub cause: String,
}

impl OutageRow {
    /// The whole of it.
    pub fn length(&self) -> Duration {
        self.to.saturating_since(self.from)
    }
}

/// A client's time before its first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreachedRow {
    /// Who.
    pub client: String,
    /// When it sent its first probe.
    pub from: Time,
    /// When it sent the first that was answered, if ever.
    pub to: Option<Time>,
}

/// A verdict and what was expected, in the script's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// `by 24s master b`.
    pub text: String,
    /// What was found.
    pub verdict: Verdict,
    /// What breaks the rule, in words.
    pub why: Option<String>,
}

impl VerdictRow {
    /// Its rule does not hold: since when, and what is the case.
    pub fn break_rule(&mut self, at: Time, why: String) {
        let (holds, seen) = (false, Seen::Happened(at));
        self.verdict = Verdict { holds, seen, ..self.verdict };
        self.why = Some(why);
    }
}

/// Watches a run for its record.
#[derive(Clone, Debug)]
pub struct Recorder {
    facts: Facts,
    outages: Outages,
    folds: Folds,
    lines: Vec<Line>,
    seq: u32,
    nodes: Vec<Notes>,
    /// By machine: where the folds of its further interfaces stand, one before the first.
    more: Vec<usize>,
    /// By machine and subject.
    subjects: Vec<Vec<String>>,
    /// The last act on the cloud.
    cloud: Reason,
    /// What programs told others, each text once, and where to find it.
    told: Vec<String>,
    told_before: BTreeMap<String, u32>,
}

/// What is remembered of a node for the causes of its lines.
#[derive(Clone, Copy, Debug)]
struct Notes {
    reason: Reason,
    /// The last act on it, and when.
    act: Option<(Time, u32)>,
    /// The act that starts its program once it has ended.
    restart: Option<u32>,
    /// What its program announces, and how often it said so.
    claims: Why,
    announcement: u32,
    /// The last ARP frame it read.
    heard: Option<(Time, Kind, Who)>,
}

impl Recorder {
    /// Nothing seen yet.
    pub fn new(setup: &Setup) -> Recorder {
        let notes = Notes {
            reason: Reason::Boot,
            act: None,
            restart: None,
            claims: Why::NONE,
            announcement: 0,
            heard: None,
        };
        let mut next = setup.nodes();
        let more = setup.cvms.iter().map(|cvm| {
            next += cvm.more.len();
            next - cvm.more.len()
        });
        let more = more.collect();
        Recorder {
            facts: Facts::new(setup),
            outages: Outages::new(setup),
            folds: Folds::new(setup.ports().count() + 1),
            lines: Vec::new(),
            seq: 0,
            nodes: vec![notes; setup.nodes()],
            more,
            subjects: vec![Vec::new(); setup.cvms.len()],
            cloud: Reason::Boot,
            told: Vec::new(),
            told_before: BTreeMap::new(),
        }
    }

    /// How many lines are kept so far, folds that are still open aside.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The record, once the run is over. Verdicts and the digest of the frames are other observers' work.
    pub fn record(self, setup: &Setup, verdicts: &[Verdict], frames: Option<u64>) -> Record {
        let all = self.outages.all();
        let teller = Teller { setup, subjects: &self.subjects, outages: all, told: &self.told };
        let client = |id| setup.name_of(setup.node_of_client(id)).to_owned();
        let outages = all.iter().map(|one| OutageRow {
            client: client(one.client),
            from: one.from,
            to: one.to,
            still_out: one.still_out,
            detection: one.detection,
            cloud: one.cloud,
            probe: one.probe,
            cause: teller.cause(one.cause),
        });
        let mut outages: Vec<OutageRow> = outages.collect();
        outages.sort_by_key(|one| one.from);
        let unreached = self.outages.unreached();
        let unreached =
            unreached.map(|one| UnreachedRow { client: client(one.client), from: one.from, to: one.to });
        let unreached: Vec<UnreachedRow> = unreached.filter(|one| one.to != Some(one.from)).collect();
        let verdicts = verdicts
            .iter()
            .map(|one| (ExpectText::new(&one.expect, setup).to_string(), *one))
            .map(|(text, verdict)| VerdictRow { text, verdict, why: None });
        let assumptions =
            if outages.is_empty() && unreached.is_empty() { vec![] } else { assumptions(setup) };
        Record {
            name: setup.name.clone(),
            under: None,
            seed: setup.seed,
            tick: setup.tick,
            digits: setup.digits(),
            config: diagnoses(setup),
            outages,
            unreached,
            verdicts: verdicts.collect(),
            assumptions,
            frames,
            summary: None,
            lines: teller.tell(self.lines),
        }
    }

    fn push(&mut self, at: Time, who: Who, entry: Entry) {
        self.seq += 1;
        self.lines.push(Line { at, who, seq: self.seq, entry });
    }

    fn close(&mut self, who: Who, slot: usize) {
        let lines = &mut self.lines;
        self.folds.close(slot, &mut |fold| lines.push(line_of(who, fold)));
    }

    /// All patterns of a machine are over.
    fn close_all(&mut self, setup: &Setup, node: NodeId) {
        for who in whole(setup, node) {
            self.close(who, self.slot(who));
        }
    }

    fn tally(&mut self, at: Time, who: Who, key: Key) {
        self.seq += 1;
        let (slot, lines) = (self.slot(who), &mut self.lines);
        self.folds.tally(slot, at, key, self.seq, &mut |fold| lines.push(line_of(who, fold)));
    }

    /// The folds of the cloud stand behind those of the nodes, those of machines' further interfaces behind it, by
    /// machine.
    fn slot(&self, who: Who) -> usize {
        match who {
            Who::Node(node) => usize::from(node.0),
            Who::Script | Who::Cloud => self.nodes.len(),
            Who::Eni(node, eni) => self.more[usize::from(node.0)] + usize::from(eni.0),
        }
    }

    fn sent(&mut self, setup: &Setup, look: &dyn Look, report: &Report, frame: FrameId, kind: Kind) {
        let Report { at, who, .. } = *report;
        let slot = self.slot(who);
        if let Some(Mark::Spoofed(act)) = look.mark(frame) {
            // What is sent once, the act's own line tells.
            return match setup.acts.get(act as usize).map(|timed| timed.act) {
                Some(Act::Spoof(.., spoof)) if spoof.again.is_some() => {
                    self.tally(at, who, Key::Spoofed { act });
                }
                _ => {}
            };
        }
        match kind {
            Kind::Vrrp => {
                if let Some(advert) = peek::advert(look.frame(frame)) {
                    self.seq += 1;
                    let lines = &mut self.lines;
                    let mut closed = |fold| lines.push(line_of(who, fold));
                    self.folds.advert(slot, at, advert, self.seq, &mut closed);
                }
            }
            Kind::Garp => {
                if let (Some(address), Some(notes)) = (
                    peek::announced(look.frame(frame)),
                    who.node().and_then(|node| self.nodes.get(usize::from(node.0))),
                ) {
                    self.seq += 1;
                    let (claim, lines) = ((address, notes.claims), &mut self.lines);
                    let mut closed = |fold| lines.push(line_of(who, fold));
                    self.folds.claim(slot, at, claim, notes.announcement, self.seq, &mut closed);
                }
            }
            Kind::Arp | Kind::Probe | Kind::Other => {}
        }
    }

    fn lost(&mut self, setup: &Setup, look: &dyn Look, report: &Report) {
        let What::Lost { frame, kind, to, cause } = report.what else { return };
        // Clients send probes and what they need to send them: their outages tell.
        let client = report.who.node().is_some_and(|node| setup.cvm_of(node).is_none());
        if kind == Kind::Probe || client {
            return;
        }
        let bytes = look.frame(frame);
        // Nobody misses what was said to everybody at a machine that is off.
        let absent = matches!(cause, Loss::ReceiverOff | Loss::ReceiverNoCarrier);
        if absent && matches!(kind, Kind::Arp | Kind::Garp) && peek::to_everybody(bytes) {
            return;
        }
        let address = peek::destination(bytes);
        // A question to everybody is for one; that the others did not hear it is no loss.
        let asked = |to: Who| to.node().is_some_and(|node| setup.owns(node, address));
        if kind == Kind::Arp
            && peek::to_everybody(bytes)
            && to.is_some_and(|to| to != Who::Cloud && !asked(to))
        {
            return;
        }
        self.tally(report.at, report.who, Key::Lost { kind, to, address, cause });
    }

    fn act(&mut self, setup: &Setup, at: Time, index: u32) {
        let act = &setup.acts[index as usize].act;
        match ActText::new(act, setup).about() {
            Some(node) => {
                let notes = &mut self.nodes[usize::from(node.0)];
                notes.act = Some((at, index));
                let is_stop = |index: u32| matches!(setup.acts[index as usize].act, Act::Stop(_));
                match (act, notes.reason) {
                    (Act::Start(cvm), Reason::Act(last)) if is_stop(last) && self.facts.runs(*cvm) => {
                        notes.restart = Some(index);
                    }
                    _ => notes.reason = Reason::Act(index),
                }
            }
            None if act.happens() => self.cloud = Reason::Act(index),
            None => {}
        }
        if let Act::Detach(..) = act {
            self.cloud = Reason::Act(index);
        }
        self.push(at, Who::Script, Entry::Act(index));
    }

    fn life(&mut self, setup: &Setup, at: Time, who: Who, cvm: CvmId, life: Life) {
        let notes = &mut self.nodes[usize::from(cvm.0)];
        let told = notes
            .act
            .is_some_and(|(when, act)| when == at && words::act_implies(&setup.acts[act as usize].act, life));
        let reason = notes.reason;
        // An act that ended the program stays the cause of what follows from it.
        match life {
            Life::Started => notes.reason = Reason::Started,
            Life::Exited if !matches!(reason, Reason::Act(_)) => notes.reason = Reason::Ended,
            _ => {}
        }
        if let (Life::Exited | Life::Killed, Some(act)) = (life, notes.restart.take()) {
            notes.reason = Reason::Act(act);
        }
        if !told {
            self.push(at, who, Entry::Life(life, reason));
        }
        if life != Life::Frozen {
            self.close_all(setup, setup.node_of_cvm(cvm));
        }
    }

    fn said(&mut self, setup: &Setup, at: Time, who: Who, cvm: CvmId, said: Said) {
        let slot = usize::from(cvm.0);
        match said {
            Said::Transition { subject, from, to, why } => {
                for of in whole(setup, setup.node_of_cvm(cvm)) {
                    let (slot, lines) = (self.slot(of), &mut self.lines);
                    self.folds.seal(slot, &mut |fold| lines.push(line_of(of, fold)));
                }
                // What ended it stays the cause of what follows from its end.
                let ended = to == Role::Init && matches!(self.nodes[slot].reason, Reason::Act(_));
                let acted = self.nodes[slot].act.filter(|(when, _)| to == Role::Init && *when == at);
                self.nodes[slot].reason = match acted {
                    Some((_, act)) => Reason::Act(act),
                    None if ended => self.nodes[slot].reason,
                    None => Reason::Role(to),
                };
                self.push(at, who, Entry::Transition { subject, from, to, why });
            }
            Said::Rejected { subject, why } => self.tally(at, who, Key::Rejected { subject, why }),
            Said::Claims { why, .. } => {
                self.nodes[slot].claims = why;
                self.nodes[slot].announcement += 1;
            }
            Said::Note { subject, why } => self.push(at, who, Entry::Note { subject, why }),
        }
    }

    /// The number of a text.
    fn told(&mut self, told: &str) -> u32 {
        match self.told_before.get(told) {
            Some(text) => *text,
            None => {
                let text = self.told.len() as u32;
                self.told.push(told.to_owned());
                self.told_before.insert(told.to_owned(), text);
                text
            }
        }
    }

    fn neighbour(&mut self, setup: &Setup, report: &Report) {
        let What::Neighbour { node, address, mac } = report.what else { return };
        let lan = matches!(setup.segment, Segment::Lan(_));
        let client = usize::from(node.0).checked_sub(setup.cvms.len());
        if lan && client.is_some_and(|client| setup.clients[client].target == address) {
            let heard = self.nodes[usize::from(node.0)].heard;
            let heard = heard.filter(|(when, ..)| *when == report.at).map(|(_, kind, from)| (kind, from));
            self.push(report.at, report.who, Entry::Neighbour { address, mac, heard });
        }
    }

    /// An answer's line stands where the answer came; the tables count from probe to probe.
    fn news(&mut self, setup: &Setup, at: Time, news: News) {
        match news {
            News::Reached(one) => {
                let who = Who::Node(setup.node_of_client(one.client));
                let by = self.facts.reached(one.client);
                self.push(at, who, Entry::Reached(one, by));
            }
            News::Over(index) => {
                let one = self.outages.all()[index as usize];
                let who = Who::Node(setup.node_of_client(one.client));
                self.push(one.unanswered, who, Entry::OutageBegins(index));
                self.push(at, who, Entry::OutageEnds(index));
            }
        }
    }
}

impl Observer for Recorder {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.facts.begin();
        for report in reports {
            let Report { at, who, what } = *report;
            self.facts.apply(setup, look, report);
            if let Some(news) = self.outages.apply(setup, look, &self.facts, report) {
                self.news(setup, at, news);
            }
            match what {
                What::Sent { frame, kind } => self.sent(setup, look, report, frame, kind),
                What::Received { kind: kind @ (Kind::Arp | Kind::Garp), from, .. } => {
                    if let Some(node) = who.node() {
                        self.nodes[usize::from(node.0)].heard = Some((at, kind, from));
                    }
                }
                What::Received { .. }
                | What::Probed { .. }
                | What::AllAnswered { .. }
                | What::AllLost { .. }
                | What::Reached { .. }
                | What::Answered { .. }
                | What::Claim { verdict: Heard::Believed | Heard::Already | Heard::OwnAddress, .. }
                // Its act tells.
                | What::Eip { .. } => {}
                What::Lost { .. } => self.lost(setup, look, report),
                What::Act(index) => self.act(setup, at, index),
                What::Program(cvm, life) => self.life(setup, at, who, cvm, life),
                What::Subject(cvm, subject) => {
                    let (name, _) = look.subject(cvm, subject);
                    let names = &mut self.subjects[usize::from(cvm.0)];
                    names.resize(names.len().max(usize::from(subject.0) + 1), String::new());
                    names[usize::from(subject.0)] = name.to_owned();
                }
                What::Record(cvm, said) => self.said(setup, at, who, cvm, said),
                What::Notified { told, pipe, .. } => {
                    let text = self.told(look.told(told));
                    self.tally(at, who, Key::Notified { text, pipe });
                }
                What::Routed { route, added, .. } => {
                    let text = self.told(look.told(route));
                    self.tally(at, who, Key::Routed { text, added });
                }
                What::Held { node, address, held, ran_out } => {
                    let reason =
                        if ran_out { Reason::RanOut } else { self.nodes[usize::from(node.0)].reason };
                    self.push(at, who, Entry::Held { address, held, reason });
                }
                What::Carrier(node, up) => {
                    let Notes { act, reason, .. } = self.nodes[usize::from(node.0)];
                    // An act of the same instant says it already.
                    if act.is_none_or(|(when, _)| when != at) {
                        self.push(at, who, Entry::Carrier(up, reason));
                    }
                }
                What::Claim { address, by, verdict: Heard::Refused(refusal), .. } => {
                    self.tally(at, Who::Cloud, Key::Refused { address, by, refusal });
                }
                What::Bound { havip, from, to, claimed_by } => {
                    let reason = self.cloud;
                    self.push(at, Who::Cloud, Entry::Bound { havip, from, to, claimed_by, reason });
                }
                What::Neighbour { .. } => self.neighbour(setup, report),
                What::Declined(act, why) => self.push(at, who, Entry::Declined { act, why }),
                What::NoWay { client, why } => self.push(at, who, Entry::NoWay { client, why }),
            }
        }
    }

    fn finish(&mut self, setup: &Setup, end: Time) {
        let before = self.outages.all().len();
        self.outages.finish(setup, &self.facts, end);
        for index in before..self.outages.all().len() {
            let one = self.outages.all()[index];
            let who = Who::Node(setup.node_of_client(one.client));
            self.push(one.unanswered, who, Entry::OutageBegins(index as u32));
        }
        for node in 0..self.nodes.len() as u16 {
            self.close_all(setup, NodeId(node));
        }
        let cloud = self.slot(Who::Cloud);
        self.close(Who::Cloud, cloud);
    }
}

/// A machine and its further interfaces.
fn whole(setup: &Setup, node: NodeId) -> impl Iterator<Item = Who> {
    let more = setup.cvm_of(node).map_or(0, |cvm| setup.cvms[usize::from(cvm.0)].more.len() as u8);
    (0..=more).map(move |eni| Who::eni(node, EniIndex(eni)))
}

fn line_of(who: Who, fold: Fold) -> Line {
    Line { at: fold.first, who, seq: fold.seq, entry: Entry::Fold(fold) }
}

/// Every diagnosis once, with the machines whose configuration has it.
fn diagnoses(setup: &Setup) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for cvm in &setup.cvms {
        let ProgramSetup::Agent { diagnoses, .. } = &cvm.program;
        for text in diagnoses {
            match all.iter_mut().find(|(_, known)| known == text) {
                Some((names, _)) => {
                    if names.rsplit(", ").next() != Some(&cvm.name) {
                        names.push_str(", ");
                        names.push_str(&cvm.name);
                    }
                }
                None => all.push((cvm.name.clone(), text.clone())),
            }
        }
    }
    all
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
