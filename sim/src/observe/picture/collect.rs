//! Watches a run for its picture.

use std::net::IpAddr;

use havip::program::{Record as Said, Role};
use havip::time::{Duration, Time};

use super::{Advert, Claim, Client, Heard, Holder, Lanes, Machine, Mark, Reach, Span, State};
use crate::observe::facts::Facts;
use crate::observe::lines::Teller;
use crate::observe::{Observer, Outages, peek};
use crate::scenario::ActText;
use crate::world::{Act, CvmId, Kind, Life, Look, NodeId, Report, Segment, Setup, Verdict, Wants, What, Who};

/// Announcements this close to each other are one claim.
const BURST: Duration = Duration::from_millis(50);
/// How many spans or marks are kept of one thing. A picture is a thousand points wide; a megabyte is enough.
const KEPT_MAX: usize = 65_536;

/// Watches a run for its picture.
#[derive(Clone, Debug)]
pub struct Picture {
    facts: Facts,
    outages: Outages,
    acts: Vec<Mark>,
    machines: Vec<Watched>,
    holders: Vec<Row>,
    subjects: Vec<Vec<String>>,
    lan: bool,
    end: Time,
    left_out: u64,
}

/// What is remembered of an address.
#[derive(Clone, Debug)]
struct Row {
    holder: Holder,
    with: Option<NodeId>,
    since: Time,
    /// Claims that wait, and whose.
    pending: Vec<(Time, NodeId)>,
}

/// What is remembered of a machine.
#[derive(Clone, Debug)]
struct Watched {
    machine: Machine,
    powered: bool,
    alive: bool,
    roles: Vec<Role>,
    /// Since when each router is what it is.
    since: Vec<(Time, State)>,
    still: Option<Time>,
    unplugged: Option<Time>,
    held: Vec<Option<Time>>,
}

impl Picture {
    /// Nothing seen yet.
    pub fn new(setup: &Setup) -> Picture {
        let machine = |cvm: &crate::world::CvmSetup| Watched {
            machine: Machine {
                name: cvm.name.clone(),
                routers: vec![(String::new(), Vec::new())],
                still: Vec::new(),
                unplugged: Vec::new(),
                held: Vec::new(),
                adverts: Vec::new(),
                claims: Vec::new(),
            },
            powered: !cvm.off,
            alive: false,
            roles: vec![Role::Init],
            since: vec![(Time::ZERO, if cvm.off { State::Off } else { State::NoProgram })],
            still: None,
            unplugged: None,
            held: Vec::new(),
        };
        let row = |label: String, address| {
            let holder = Holder { label, address, with: Vec::new(), pending: Vec::new() };
            Row { holder, with: None, since: Time::ZERO, pending: Vec::new() }
        };
        let holders = match &setup.segment {
            Segment::Lan(_) => {
                setup.clients.iter().map(|one| row(format!("{}'s ARP entry", one.name), one.target)).collect()
            }
            Segment::Vpc { .. } => {
                let several = setup.havips.len() > 1;
                let label = |address: IpAddr| {
                    if several { format!("{address} bound") } else { "HAVIP bound to".into() }
                };
                setup.havips.iter().map(|one| row(label(one.address), one.address)).collect()
            }
        };
        Picture {
            facts: Facts::new(setup),
            outages: Outages::new(setup),
            acts: Vec::new(),
            machines: setup.cvms.iter().map(machine).collect(),
            holders,
            subjects: vec![Vec::new(); setup.cvms.len()],
            lan: matches!(setup.segment, Segment::Lan(_)),
            end: Time::ZERO,
            left_out: 0,
        }
    }

    /// The lanes, once the run is over.
    pub fn lanes(mut self, setup: &Setup) -> Lanes {
        let (end, mut left_out) = (self.end, self.left_out);
        for watched in &mut self.machines {
            watched.close(end, &mut left_out);
        }
        for row in &mut self.holders {
            if let Some(what) = row.with {
                keep(&mut row.holder.with, Span { from: row.since, to: end, what }, &mut left_out);
            }
            for (from, what) in row.pending.drain(..) {
                keep(&mut row.holder.pending, Span { from, to: end, what }, &mut left_out);
            }
        }
        let outages = self.outages.all().to_vec();
        let teller = Teller { setup, subjects: &self.subjects, outages: &outages, told: &[] };
        let causes = outages.iter().map(|one| teller.cause(one.cause)).collect();
        let clients = setup.clients.iter().enumerate().map(|(i, one)| Client {
            name: one.name.clone(),
            target: one.target,
            reach: self.reach(i),
        });
        Lanes {
            end,
            digits: setup.digits(),
            clients: clients.collect(),
            machines: self.machines.into_iter().map(|one| one.machine).collect(),
            causes,
            outages,
            holders: self.holders.into_iter().map(|row| row.holder).collect(),
            acts: self.acts,
            left_out,
        }
    }

    /// A client's band: waiting, then answered but for its outages.
    fn reach(&self, client: usize) -> Vec<Span<Reach>> {
        let unreached = self.outages.unreached().find(|one| usize::from(one.client.0) == client);
        let first = unreached.and_then(|one| one.to).unwrap_or(self.end);
        let mut spans = Vec::new();
        let mut push = |from: Time, to: Time, what| {
            if from < to {
                spans.push(Span { from, to, what });
            }
        };
        push(Time::ZERO, first, Reach::Waiting);
        let mut at = first;
        for (i, one) in self.outages.all().iter().enumerate() {
            if usize::from(one.client.0) == client {
                push(at, one.from, Reach::Answered);
                push(one.from, one.to, Reach::Out(i));
                at = one.to;
            }
        }
        push(at, self.end, Reach::Answered);
        spans
    }

    fn act(&mut self, setup: &Setup, at: Time, index: u32) {
        let act = &setup.acts[index as usize];
        let mark = Mark { at, text: ActText::new(&act.act, setup).to_string(), line: act.line };
        keep(&mut self.acts, mark, &mut self.left_out);
        if let Act::PowerOff(CvmId(cvm)) | Act::PowerOn(CvmId(cvm)) = act.act {
            self.machines[usize::from(cvm)].powered = matches!(act.act, Act::PowerOn(_));
            self.restate(at, CvmId(cvm));
        }
    }

    /// What a machine's routers are now.
    fn restate(&mut self, at: Time, CvmId(cvm): CvmId) {
        let left_out = &mut self.left_out;
        let watched = &mut self.machines[usize::from(cvm)];
        for i in 0..watched.roles.len() {
            let now = match (watched.powered, watched.alive, watched.roles[i]) {
                (false, ..) => State::Off,
                (_, false, _) => State::NoProgram,
                (.., Role::Init) => State::Init,
                (.., Role::Fault) => State::Fault,
                (.., Role::Backup) => State::Backup,
                (.., Role::Master) => State::Master,
            };
            let (from, what) = watched.since[i];
            if what != now {
                keep(&mut watched.machine.routers[i].1, Span { from, to: at, what }, left_out);
                watched.since[i] = (at, now);
            }
        }
    }

    fn program(&mut self, at: Time, cvm: CvmId, life: Life) {
        let left_out = &mut self.left_out;
        let watched = &mut self.machines[usize::from(cvm.0)];
        match life {
            Life::Frozen => watched.still = watched.still.or(Some(at)),
            Life::Started | Life::Exited | Life::Killed | Life::Thawed => {
                if let Some(from) = watched.still.take() {
                    keep(&mut watched.machine.still, Span { from, to: at, what: () }, left_out);
                }
            }
        }
        if matches!(life, Life::Started | Life::Exited | Life::Killed) {
            watched.alive = life == Life::Started;
            watched.roles.fill(Role::Init);
            self.restate(at, cvm);
        }
    }

    fn subject(&mut self, at: Time, CvmId(cvm): CvmId, subject: u16, name: &str) {
        let i = usize::from(subject);
        let watched = &mut self.machines[usize::from(cvm)];
        while watched.roles.len() <= i {
            watched.roles.push(Role::Init);
            watched.since.push((at, State::Init));
            watched.machine.routers.push((String::new(), Vec::new()));
        }
        watched.machine.routers[i].0 = name.to_owned();
        let names = &mut self.subjects[usize::from(cvm)];
        names.resize(names.len().max(i + 1), String::new());
        names[i] = name.to_owned();
    }

    fn held(&mut self, at: Time, node: NodeId, address: IpAddr, held: bool) {
        let Some(watched) = self.machines.get_mut(usize::from(node.0)) else { return };
        let rows = &mut watched.machine.held;
        let i = rows.iter().position(|(known, _)| *known == address).unwrap_or_else(|| {
            rows.push((address, Vec::new()));
            watched.held.push(None);
            rows.len() - 1
        });
        match (held, watched.held[i]) {
            (true, None) => watched.held[i] = Some(at),
            (false, Some(from)) => {
                watched.held[i] = None;
                keep(&mut rows[i].1, Span { from, to: at, what: () }, &mut self.left_out);
            }
            _ => {}
        }
    }

    fn with(&mut self, at: Time, row: usize, node: Option<NodeId>) {
        let left_out = &mut self.left_out;
        let Some(Row { holder, with, since, pending }) = self.holders.get_mut(row) else { return };
        if let Some(what) = *with
            && *with != node
        {
            keep(&mut holder.with, Span { from: *since, to: at, what }, left_out);
        }
        if *with != node {
            (*with, *since) = (node, at);
        }
        if let Some(i) = pending.iter().position(|(_, who)| Some(*who) == node) {
            // Whatever was claimed before is overtaken with it.
            for (from, what) in pending.drain(..=i).filter(|(from, _)| *from < at) {
                keep(&mut holder.pending, Span { from, to: at, what }, left_out);
            }
        }
    }

    fn sent(&mut self, setup: &Setup, look: &dyn Look, report: &Report) {
        let (What::Sent { frame, kind }, Some(node)) = (report.what, report.who.node()) else { return };
        if look.mark(frame).is_some() {
            return; // an attacker's: no word of this machine
        }
        let Some(watched) = self.machines.get_mut(usize::from(node.0)) else { return };
        let at = report.at;
        match kind {
            Kind::Vrrp => keep(&mut watched.machine.adverts, Advert { at, lost: false }, &mut self.left_out),
            Kind::Garp => {
                let Some(address) = peek::announced(look.frame(frame)) else { return };
                if setup.owns(node, address) {
                    return;
                }
                let claims = &mut watched.machine.claims;
                let burst = claims
                    .iter_mut()
                    .rev()
                    .take(8)
                    .find(|one| one.address == address && at <= one.last + BURST);
                match burst {
                    Some(one) => (one.last, one.count) = (at, one.count + 1),
                    None => {
                        let claim = Claim { at, last: at, address, count: 1, heard: Heard::Sent };
                        keep(claims, claim, &mut self.left_out);
                    }
                }
            }
            Kind::Arp | Kind::Probe | Kind::Other => {}
        }
    }

    fn lost(&mut self, setup: &Setup, look: &dyn Look, report: &Report) {
        let (What::Lost { frame, kind, to, .. }, Some(node)) = (report.what, report.who.node()) else {
            return;
        };
        let Some(watched) = self.machines.get_mut(usize::from(node.0)) else { return };
        match kind {
            Kind::Vrrp => {
                // A receiver that is gone is told of when the frame would have come.
                let near = report.at.saturating_sub(BURST);
                let mine = watched.machine.adverts.iter_mut().rev().take_while(|one| one.at >= near);
                if let Some(one) = mine.filter(|one| !one.lost).last() {
                    one.lost = true;
                }
            }
            Kind::Garp => {
                let Some(address) = peek::announced(look.frame(frame)) else { return };
                // On a lan, a client that wants the address is the ear that matters.
                let ear = match to {
                    Some(Who::Node(to) | Who::Eni(to, _)) => {
                        let client = usize::from(to.0).checked_sub(setup.cvms.len());
                        client.is_some_and(|client| setup.clients[client].target == address)
                    }
                    Some(Who::Cloud | Who::Script) | None => true,
                };
                if ear {
                    self.heard(node, address, Heard::Lost);
                }
            }
            Kind::Arp | Kind::Probe | Kind::Other => {}
        }
    }

    fn heard(&mut self, by: NodeId, address: IpAddr, heard: Heard) {
        let Some(watched) = self.machines.get_mut(usize::from(by.0)) else { return };
        let claims = &mut watched.machine.claims;
        if let Some(one) = claims.iter_mut().rev().find(|one| one.address == address) {
            one.heard = one.heard.max(heard);
        }
    }

    fn claim(&mut self, at: Time, address: IpAddr, by: NodeId, verdict: Verdict) {
        let heard = match verdict {
            Verdict::Believed => Heard::Moves,
            Verdict::Already => Heard::Already,
            Verdict::Refused(refusal) => Heard::Refused(refusal),
            Verdict::OwnAddress => return,
        };
        self.heard(by, address, heard);
        let row = self.holders.iter_mut().find(|row| row.holder.address == address);
        if let (Verdict::Believed, Some(row)) = (verdict, row) {
            row.pending.push((at, by));
        }
    }

    fn neighbour(&mut self, setup: &Setup, report: &Report) {
        let What::Neighbour { node, address, mac } = report.what else { return };
        let Some(client) = usize::from(node.0).checked_sub(setup.cvms.len()) else { return };
        if self.lan && setup.clients[client].target == address {
            let cvms = (0..setup.cvms.len() as u16).map(NodeId);
            let with = cvms.into_iter().find(|cvm| setup.enis_of(*cvm).any(|eni| Some(eni.mac) == mac));
            self.with(report.at, client, with);
        }
    }
}

impl Watched {
    fn close(&mut self, end: Time, left_out: &mut u64) {
        for (i, (from, what)) in self.since.iter().enumerate() {
            keep(&mut self.machine.routers[i].1, Span { from: *from, to: end, what: *what }, left_out);
        }
        for (open, spans) in
            [(self.still, &mut self.machine.still), (self.unplugged, &mut self.machine.unplugged)]
        {
            if let Some(from) = open {
                keep(spans, Span { from, to: end, what: () }, left_out);
            }
        }
        for (open, (_, spans)) in self.held.iter().zip(&mut self.machine.held) {
            if let Some(from) = *open {
                keep(spans, Span { from, to: end, what: () }, left_out);
            }
        }
    }
}

impl Observer for Picture {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.facts.begin();
        for report in reports {
            let at = report.at;
            self.facts.apply(setup, look, report);
            let _ = self.outages.apply(setup, look, &self.facts, report);
            match report.what {
                What::Act(index) => self.act(setup, at, index),
                What::Program(cvm, life) => self.program(at, cvm, life),
                What::Subject(cvm, subject) => {
                    let (name, _) = look.subject(cvm, subject);
                    self.subject(at, cvm, subject.0, name);
                }
                What::Record(cvm, Said::Transition { subject, to, .. }) => {
                    if let Some(role) =
                        self.machines[usize::from(cvm.0)].roles.get_mut(usize::from(subject.0))
                    {
                        *role = to;
                    }
                    self.restate(at, cvm);
                }
                What::Held { node, address, held, .. } => self.held(at, node, address, held),
                What::Carrier(node, up) => {
                    if let Some(watched) = self.machines.get_mut(usize::from(node.0)) {
                        match (up, watched.unplugged) {
                            (false, None) => watched.unplugged = Some(at),
                            (true, Some(from)) => {
                                watched.unplugged = None;
                                let span = Span { from, to: at, what: () };
                                keep(&mut watched.machine.unplugged, span, &mut self.left_out);
                            }
                            _ => {}
                        }
                    }
                }
                What::Claim { address, by, verdict, .. } => self.claim(at, address, by, verdict),
                What::Bound { havip, to, .. } => self.with(at, usize::from(havip.0), to),
                What::Neighbour { .. } => self.neighbour(setup, report),
                What::Sent { .. } => self.sent(setup, look, report),
                What::Lost { .. } => self.lost(setup, look, report),
                What::Record(..)
                | What::Received { .. }
                | What::Notified { .. }
                | What::Routed { .. }
                | What::Probed { .. }
                | What::Answered { .. }
                | What::AllAnswered { .. }
                | What::AllLost { .. }
                | What::Eip { .. }
                | What::Declined(..)
                | What::NoWay { .. }
                | What::Reached { .. } => {}
            }
        }
    }

    fn finish(&mut self, setup: &Setup, end: Time) {
        self.outages.finish(setup, &self.facts, end);
        self.end = end;
    }
}

fn keep<T>(all: &mut Vec<T>, one: T, left_out: &mut u64) {
    if all.len() < KEPT_MAX {
        all.push(one);
    } else {
        *left_out += 1;
    }
}
