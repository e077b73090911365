//! The world: its state, and the life of an instant.
//!
//! An engine asks [`World::next_instant`], and for each instant calls [`World::begin`] (acts, then kernels,
//! clients and the cloud), hands every [ready](World::ready) program its events, and calls [`World::end`]. In
//! which order it lets the programs of one instant run makes no difference.

use std::sync::Arc;

use havip::program::Subject;
use havip::time::{Duration, Time};

use super::act::Kind;
use super::chance::{Chance, Nth};
use super::clients::Client;
use super::cloud_port::CloudPort;
use super::frames::{Frames, PortId};
use super::host::Host;
use super::kernel::Kernel;
use super::links::Links;
use super::machine::Machine;
use super::neighbours::{Neighbours, Want};
use super::nic::Nic;
use super::queue::{Due, Queue};
use super::report::{FrameId, Look, Mark, Report, Told, Wants, What, Who};
use super::security::Groups;
use super::segment::HeldBack;
use super::setup::{CvmId, NodeId, Segment, Setup};
use super::spoof::Repeated;
use super::switch::Switch;
use super::userland::Userland;

/// Setup and state of a run, without its programs.
///
/// A clone is a fork: everything that happens in it from here on is its own.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) setup: Arc<Setup>,
    pub(super) now: Time,
    pub(super) queue: Queue,
    pub(super) frames: Frames,
    pub(super) ports: Vec<Port>,
    pub(super) links: Links,
    /// In the order in which they were sent.
    pub(super) held_back: Vec<HeldBack>,
    /// By lan; none in a VPC.
    pub(super) switches: Vec<Switch>,
    /// By port.
    pub(super) nics: Vec<Nic>,
    pub(super) kernels: Vec<Kernel>,
    pub(super) machines: Vec<Machine>,
    pub(super) userlands: Vec<Userland>,
    pub(super) clients: Vec<Client>,
    pub(super) cloud: CloudPort,
    pub(super) groups: Groups,
    pub(super) host: Host,
    /// Whose chance it is: the setup's, until an act says another.
    pub(super) seed: u64,
    pub(super) chance: Chance,
    /// Programs that may have something to do in this instant.
    pub(super) ready: Vec<CvmId>,
    /// Spoofs that are repeated.
    pub(super) spoofs: Vec<Repeated>,
    next_act: usize,
    shift: Duration,
    wants: Wants,
    until: Time,
    pub(super) reports: Vec<Report>,
    /// What programs told somebody in this instant.
    told: String,
    /// No frame takes longer, as long as no act has made it.
    longest_way: Duration,
    /// Reused by neighbour timers.
    pub(super) neighbour_wants: Vec<Want>,
}

/// What a port has sent.
#[derive(Clone, Debug)]
pub(super) struct Port {
    /// Frames ever sent: ranks frames that arrive together.
    pub(super) sequence: u64,
    /// The instant of the last frame, and how many of each kind were sent in it.
    at: Time,
    sent: [u16; Kind::ALL.len()],
}

impl World {
    /// A world at its beginning. All acts are `shift` later than the script says.
    pub fn new(setup: Arc<Setup>, shift: Duration) -> World {
        let chance = Chance::new(setup.seed);
        let host = Host::new(chance, setup.host_exact);
        let ports = (0..).map(PortId).zip(setup.ports());
        let nics: Vec<Nic> = ports
            .map(|(port, eni)| Nic::new(eni, Neighbours::new(port.0.into(), host, setup.tick)))
            .collect();
        let lans = if let Segment::Lan(lans) = &setup.segment { lans.len() } else { 0 };
        let port = Port { sequence: 0, at: Time::MAX, sent: [0; Kind::ALL.len()] };
        let mut world = World {
            now: Time::ZERO,
            queue: Queue::new(&setup),
            frames: Frames::default(),
            ports: vec![port; nics.len() + 1],
            links: Links::new(setup.ports().map(|(node, eni, _)| (node, eni)).collect(), chance),
            held_back: Vec::new(),
            switches: vec![Switch::default(); lans],
            nics,
            kernels: (0..setup.nodes() as u16).map(|n| Kernel::new(&setup, NodeId(n))).collect(),
            machines: setup.cvms.iter().map(|_| Machine::new()).collect(),
            userlands: setup.cvms.iter().map(|_| Userland::default()).collect(),
            clients: setup.clients.iter().map(|_| Client::default()).collect(),
            cloud: CloudPort::new(&setup),
            groups: Groups::default(),
            host,
            seed: setup.seed,
            chance,
            ready: Vec::new(),
            spoofs: Vec::new(),
            next_act: 0,
            shift,
            wants: Wants::default(),
            until: Time::ZERO,
            reports: Vec::new(),
            told: String::new(),
            longest_way: setup.longest_latency(),
            neighbour_wants: Vec::new(),
            setup,
        };
        world.open_console();
        world.start();
        world
    }

    /// Machines and clients start at 0.
    fn start(&mut self) {
        for i in 0..self.setup.cvms.len() as u16 {
            if !self.setup.cvms[usize::from(i)].off {
                self.boot(CvmId(i));
            }
        }
        for i in 0..self.setup.clients.len() as u16 {
            self.start_client(super::ClientId(i));
        }
    }

    /// What never changes.
    pub fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }
    /// The instant that is running or has run last.
    pub fn now(&self) -> Time {
        self.now
    }
    /// When the next act, frame, timer or program event is due.
    pub fn next_instant(&self) -> Option<Time> {
        Some(self.next_act_at().min(self.queue.next())).filter(|&next| next != Time::MAX)
    }
    /// When the next act falls; `Time::MAX` if none does.
    pub(super) fn next_act_at(&self) -> Time {
        self.setup.acts.get(self.next_act).map_or(Time::MAX, |a| a.at + self.shift)
    }
    /// When the first act falls, if the script has any.
    pub fn first_act(&self) -> Option<Time> {
        self.setup.acts.first().map(|a| a.at + self.shift)
    }
    /// Moves the acts that are still to come: a fork taken before an act is another phase of what follows.
    pub fn shift_acts(&mut self, shift: Duration) {
        self.shift = shift;
    }
    /// Goes on with a longer story: further acts, none of them in the past, and further HAVIPs and elastic IPs behind
    /// those there were; HAVIPs are to be applied for. A story that changes what has been, or who there is, is not taken, and given back.
    pub fn go_on_with(&mut self, setup: Arc<Setup>) -> Result<(), Arc<Setup>> {
        let told =
            |setup: &Setup| setup.acts.iter().take(self.next_act).map(|a| (a.at, a.act)).collect::<Vec<_>>();
        let (havips, eips) = (self.setup.havips.len(), self.setup.eips.len());
        let is_longer = told(&self.setup) == told(&setup)
            && setup.acts.get(self.next_act).is_none_or(|next| next.at + self.shift > self.now)
            && setup.havips.get(..havips) == Some(&self.setup.havips[..])
            && setup.havips[havips..].iter().all(|havip| havip.off)
            && setup.eips.get(..eips) == Some(&self.setup.eips[..])
            && setup.eips[eips..].iter().all(|eip| eip.havip.is_none())
            && setup.ports().map(|(_, _, eni)| eni).eq(self.setup.ports().map(|(_, _, eni)| eni));
        if !is_longer {
            return Err(setup);
        }
        for havip in &setup.havips[havips..] {
            let added = self.cloud_mut().add_havip(havip.address, havip.subnet);
            let _ = self.cloud_mut().release(added);
        }
        for eip in &setup.eips[eips..] {
            self.cloud_mut().add_eip(eip.address, None);
        }
        self.setup = setup;
        Ok(())
    }

    /// Chance is that of another seed from here on.
    pub(super) fn reseed(&mut self, seed: u64) {
        (self.seed, self.chance) = (seed, Chance::new(seed));
        self.host = Host::new(self.chance, self.setup.host_exact);
        self.links.reseed(self.now, self.chance);
        self.nics.iter_mut().for_each(|nic| nic.neighbours.reseed(self.now, self.host));
        (0..self.setup.nodes() as u16).for_each(|node| self.arm_kernel(NodeId(node)));
    }

    /// Chooses what is reported from here on, and how far the run goes: no probe is asked beyond it.
    pub fn watch(&mut self, wants: Wants, until: Time) {
        self.wants = wants;
        self.until = until;
    }
    /// The longest that a client's frame takes, or one for it, as links are now.
    pub(super) fn longest_way(&self) -> Duration {
        let machines = self.setup.cvms.len();
        let is_client = |node: NodeId| usize::from(node.0) >= machines;
        self.longest_way.max(self.links.longest_delay(is_client))
    }
    /// What is reported.
    pub(super) fn wants(&self) -> Wants {
        self.wants
    }
    /// Until when nothing happens but what is being done just now, and probes of other clients whose fate is certain.
    pub(super) fn quiet_until(&self) -> Time {
        let counts = |due, at| match due {
            Due::Client(client) => self.certain_until(client).unwrap_or(at),
            _ => at,
        };
        let woken = match self.setup.clients.len() {
            0 | 1 => self.queue.next(),
            _ => self.queue.next_that_counts(self.queue.next_frame(), counts),
        };
        self.next_act_at().min(woken).min(self.until)
    }

    /// Runs everything of an instant but the programs: acts in file order; frames by source port, sequence and
    /// copy; timers of kernels, clients and the cloud (axiom 3).
    pub fn begin(&mut self, now: Time) {
        debug_assert!(now >= self.now, "time runs forward");
        debug_assert_eq!(
            now,
            now.round_up(self.setup.tick),
            "an instant is a multiple of the tick (axiom 1)"
        );
        self.now = now;
        while let Some(timed) = self.setup.acts.get(self.next_act).copied() {
            if timed.at + self.shift > now {
                break;
            }
            let index = self.next_act as u32;
            self.next_act += 1;
            self.report(Who::Script, What::Act(index));
            self.carry_out(&timed.act, index);
        }
        while let Some(due) = self.queue.pop_at(now) {
            match due {
                Due::Frame { to: PortId::CLOUD, frame } => self.cloud_receives(frame),
                Due::Frame { to, frame } => self.arrive(to, frame),
                Due::Kernel(node) => self.run_kernel(node),
                Due::Client(client) => self.run_client(client),
                Due::Spoof => self.spoof_again(),
                Due::Cloud => self.settle_bindings(),
                Due::Program(cvm) => self.arm_program(cvm),
            }
        }
        self.ready.sort_unstable();
        self.ready.dedup();
    }

    /// The programs that may have something to do in this instant, in the order of their ids.
    pub fn ready(&self) -> &[CvmId] {
        &self.ready
    }

    /// Brings the instant's reports into canonical order: by whom they are about, then as they happened.
    pub fn sort_reports(&mut self) {
        self.reports.sort_by_key(|r| r.who);
    }

    /// What happened in this instant.
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Ends the instant: its reports are forgotten, its dropped frames reused.
    pub fn end(&mut self) {
        self.reports.clear();
        self.told.clear();
        self.ready.clear();
        self.frames.sweep();
    }

    /// Moves a wake-up: never into the past, and never into an instant that is running (axiom 2). `Time::MAX` takes
    /// it away.
    pub(super) fn wake(&mut self, at: Time, due: Due) {
        debug_assert!(at > self.now);
        self.queue.wake(self.now, at, due);
    }

    /// The next instant: the soonest that anything can have an effect elsewhere.
    pub(super) fn next_tick(&self) -> Time {
        self.now + self.setup.tick
    }

    /// An instant no earlier than `at`, and none that is running already.
    pub(super) fn instant(&self, at: Time) -> Time {
        at.round_up(self.setup.tick).max(self.next_tick())
    }

    /// Counts a frame its port sends: what names its chances, and its rank among frames that arrive together.
    pub(super) fn count_sent(&mut self, from: PortId, kind: Kind) -> (Nth, u64) {
        self.count_sent_at(self.now, from, kind)
    }

    /// The same for a frame that is sent at an instant to come, before which its port sends nothing else.
    pub(super) fn count_sent_at(&mut self, at: Time, from: PortId, kind: Kind) -> (Nth, u64) {
        let index = if from == PortId::CLOUD { self.ports.len() - 1 } else { usize::from(from.0) };
        let port = &mut self.ports[index];
        if port.at != at {
            (port.at, port.sent) = (at, [0; Kind::ALL.len()]);
        }
        let n = port.sent[kind as usize];
        port.sent[kind as usize] = n.saturating_add(1);
        port.sequence += 1;
        (Nth { kind, at, n }, port.sequence)
    }

    /// Reports a fact, if anybody wants facts.
    pub(super) fn report(&mut self, who: Who, what: What) {
        if self.wants.facts {
            self.reports.push(Report { at: self.now, who, what });
        }
    }
    /// Reports what a program told somebody: some words of one text.
    pub(super) fn report_told(&mut self, cvm: CvmId, text: &str, pipe: bool) {
        if self.wants.facts {
            let told = self.keep_told(text);
            self.report(Who::Node(self.setup.node_of_cvm(cvm)), What::Notified { cvm, told, pipe });
        }
    }
    /// Reports a route that came, or went.
    pub(super) fn report_route(&mut self, cvm: CvmId, route: &str, added: bool) {
        if self.wants.facts {
            let route = self.keep_told(route);
            self.report(Who::Node(self.setup.node_of_cvm(cvm)), What::Routed { cvm, route, added });
        }
    }
    /// Keeps a text until the instant is over.
    fn keep_told(&mut self, text: &str) -> Told {
        let start = self.told.len() as u32;
        self.told.push_str(text);
        Told { start, end: self.told.len() as u32 }
    }
    /// Whether anybody wants frames of a kind.
    pub(super) fn is_told(&self, kind: Kind) -> bool {
        if kind == Kind::Probe { self.wants.probes } else { self.wants.frames }
    }
    /// Reports about a frame, if anybody wants frames of its kind.
    pub(super) fn report_frame(&mut self, port: PortId, kind: Kind, what: What) {
        if self.is_told(kind) {
            self.reports.push(Report { at: self.now, who: self.who(port), what });
        }
    }

    /// Whether the segment is a VPC's.
    pub(super) fn in_vpc(&self) -> bool {
        matches!(self.setup.segment, Segment::Vpc { .. })
    }

    /// How many frames and queue entries there are: what a test of memory looks at.
    pub fn held(&self) -> (usize, usize) {
        (self.frames.held(), self.queue.len())
    }
}

impl Look for World {
    fn mark(&self, id: FrameId) -> Option<Mark> {
        self.frames.mark(id)
    }
    fn frame(&self, id: FrameId) -> &[u8] {
        self.frames.bytes(id)
    }
    fn subject(&self, cvm: CvmId, subject: Subject) -> (&str, u32) {
        self.machines[usize::from(cvm.0)].subject(subject)
    }
    fn told(&self, told: Told) -> &str {
        self.told.get(told.start as usize..told.end as usize).unwrap_or_default()
    }
}
