//! The program's side of a machine: what it is told, and what it may ask for. How it begins and ends is `life`'s, what
//! becomes of what it sends `outbox`'s, what it does over and over `steady`'s.

mod life;
mod outbox;
mod steady;

use std::collections::VecDeque;
use std::net::IpAddr;

use havip::program::{
    Action, AddressChange, Event, Interface, InterfaceId, Now, ScriptId, ScriptResult, Subject, WatchId,
};
use havip::time::{Duration, Time};
use havip::wire::ethernet::{self, EtherType};
use havip::wire::{Family, ipv4, ipv6};
use ipnet::IpNet;

use super::addresses::Change;
use super::frames::PortId;
use super::host;
use super::kinds::{kind_of_frame, kind_of_packet};
use super::queue::Due;
use super::report::{FrameId, Life, Loss, What, Who};
use super::setup::{CvmId, FileId, NodeId, TextId};
use super::state::World;
use super::userland::Children;
use outbox::{Burst, Outgoing};
pub(crate) use steady::Row;

/// Packets a program's socket keeps for it: 212,992 bytes (`net.core.rmem_default`) of 768 bytes each, which is
/// what the kernel charges for a small packet.
const SOCKET_MAX: usize = 277;
/// How many subjects a program may name; a configuration has at most 255 virtual routers an interface.
const SUBJECTS_MAX: usize = 4096;
/// What machines' wall clocks show at the beginning of a run: 2026-01-01 00:00:00 UTC.
pub const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// Something that reaches a program besides packets and its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Start,
    Stop,
    Reload(FileId, Duration),
    Link(InterfaceId, bool),
    Attached(PortId),
    Address(InterfaceId, IpAddr, AddressChange),
    RouteVanished(TextId),
    Script(ScriptId, ScriptResult),
    File(WatchId, Option<TextId>),
    Process(WatchId, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    No,
    Starting,
    Yes,
}

/// What becomes of a program that is told to end, once it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    StaysAway,
    StartsAgain,
}

/// A program, as its machine sees it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    running: Running,
    frozen: bool,
    /// It is busy with its configuration until then.
    reads_until: Time,
    /// It is told to end.
    ending: Option<Then>,
    /// When it last went on after standing still.
    pub(super) thawed: Option<Time>,
    /// In order of their instants.
    signals: VecDeque<(Time, Signal)>,
    listens: Vec<Listens>,
    /// On which ports it sees the frames of neighbours.
    watches: Vec<PortId>,
    /// What came for it, in that order, whichever of its sockets it came to.
    inbox: VecDeque<Came>,
    deadline: Option<Time>,
    /// When the deadline's timer fires: late, on the grid.
    fires: Time,
    /// The timer was moved by another clock rate: whoever sleeps until it fires has to be called.
    moved: bool,
    /// The instant of the last timer event: there is one at most in an instant.
    fired: Time,
    /// What the program has sent and the machine not yet put on the wire: a burst takes its time.
    outbox: VecDeque<Outgoing>,
    /// The burst that it sends, or sent last.
    burst: Burst,
    subjects: Vec<(String, u32)>,
    /// The scripts it runs and the files it watches.
    pub(super) children: Children,
    /// The file of the last `reload`, if there was one.
    file: Option<FileId>,
    interfaces: Vec<Interface>,
}

/// What a program's socket is open for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listens {
    port: PortId,
    protocol: u8,
    group: Option<IpAddr>,
}

/// Something in a socket of a program.
#[derive(Clone, Copy, Debug)]
struct Came {
    port: PortId,
    to: Socket,
    frame: FrameId,
}

/// The sockets that a program has on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    /// For packets of a protocol, by family.
    Packets(Family),
    /// For the frames of ARP and neighbour discovery.
    Neighbours,
}

impl Machine {
    pub(super) fn new() -> Self {
        Machine {
            running: Running::No,
            frozen: false,
            reads_until: Time::ZERO,
            ending: None,
            thawed: None,
            signals: VecDeque::new(),
            listens: Vec::new(),
            watches: Vec::new(),
            inbox: VecDeque::new(),
            deadline: None,
            fires: Time::MAX,
            moved: false,
            fired: Time::MAX,
            outbox: VecDeque::new(),
            burst: Burst::NONE,
            subjects: Vec::new(),
            children: Children::default(),
            file: None,
            interfaces: Vec::new(),
        }
    }
    pub(super) fn subject(&self, subject: Subject) -> (&str, u32) {
        self.subjects.get(usize::from(subject.0)).map_or(("", u32::MAX), |(name, group)| (name, *group))
    }
    pub(super) fn listens(&self, port: PortId, protocol: u8, dst: IpAddr) -> bool {
        let is_open = |one: &Listens| one.port == port && one.protocol == protocol;
        self.listens.iter().any(|one| is_open(one) && (!dst.is_multicast() || one.group == Some(dst)))
    }
    /// When it is told the last of something that waits.
    pub(super) fn said_last(&self, what: impl Fn(&Signal) -> bool) -> Option<Time> {
        self.signals.iter().rev().find(|(_, signal)| what(signal)).map(|&(at, _)| at)
    }
    /// Takes back what it was to be told.
    pub(super) fn unsay(&mut self, what: impl Fn(&Signal) -> bool) {
        self.signals.retain(|(_, signal)| !what(signal));
    }
    fn is_starting(&self, now: Time) -> bool {
        self.running == Running::Starting && self.signals.front().is_some_and(|&(at, _)| at <= now)
    }
    /// Whether the timer fires now; it is off then.
    fn take_timer(&mut self, now: Time) -> bool {
        let fires = self.fires <= now && self.fired != now;
        if fires {
            (self.fired, self.fires, self.deadline) = (now, Time::MAX, None);
        }
        fires
    }
    fn has_due(&self, now: Time) -> bool {
        !self.frozen
            && self.reads_until <= now
            && (self.signals.front().is_some_and(|&(at, _)| at <= now)
                || self.running == Running::Yes
                    && (!self.inbox.is_empty() || self.fires <= now && self.fired != now))
    }
}

impl World {
    pub(super) fn machine(&mut self, cvm: CvmId) -> &mut Machine {
        &mut self.machines[usize::from(cvm.0)]
    }

    // What an engine calls.

    /// Whether the program's first event is about to be polled: a new program must be there to take it.
    pub fn is_starting(&self, cvm: CvmId) -> bool {
        let machine = &self.machines[usize::from(cvm.0)];
        machine.is_starting(self.now) && !machine.frozen && !self.is_held(cvm)
    }

    /// Which file the program reads: that of the last `reload`, or its own.
    pub fn file_of(&self, cvm: CvmId) -> Option<FileId> {
        self.machines[usize::from(cvm.0)].file
    }

    /// Whether the program has begun and not ended.
    pub fn is_running(&self, cvm: CvmId) -> bool {
        self.machines[usize::from(cvm.0)].running == Running::Yes
    }

    /// When the program's timer fires, for an engine whose clocks are its own.
    pub fn timer(&self, cvm: CvmId) -> Option<Time> {
        let machine = &self.machines[usize::from(cvm.0)];
        (machine.running == Running::Yes && machine.fires != Time::MAX).then_some(machine.fires)
    }

    /// Whether something waits for a program that its own timer, firing now, does not wake it for: a packet, a
    /// message, or a timer that fired while it stood still.
    pub fn is_called(&self, cvm: CvmId) -> bool {
        let (now, machine) = (self.now, &self.machines[usize::from(cvm.0)]);
        !self.is_held(cvm)
            && machine.has_due(now)
            && (machine.fires < now
                || machine.fires == now && machine.moved
                || !machine.inbox.is_empty()
                || machine.signals.front().is_some_and(|&(at, _)| at <= now))
    }

    /// The program's next event of this instant: packets first, in the order in which they came; then what else
    /// happened; then its timer.
    pub fn poll(&mut self, cvm: CvmId) -> Option<(Now, Event<'_>)> {
        let (now, clocks) = (self.now, self.userlands[usize::from(cvm.0)].clock.now(self.now));
        if !self.machine(cvm).has_due(now) || self.is_held(cvm) {
            return None;
        }
        if self.machine(cvm).is_starting(now) {
            self.begin_program(cvm);
            let booted = self.userlands[usize::from(cvm.0)].booted;
            let interfaces = &self.machine(cvm).interfaces;
            return Some((clocks, Event::Start { interfaces, booted }));
        }
        let machine = self.machine(cvm);
        if machine.running != Running::Yes {
            return None;
        }
        #[cfg(test)]
        if crate::flaws::has(crate::flaws::Flaw::TimerFirst) && machine.take_timer(now) {
            return Some((clocks, Event::Timer));
        }
        if let Some(Came { port, to, frame }) = machine.inbox.pop_front() {
            let interface = self.nics[usize::from(port.0)].interface();
            self.frames.let_go(frame); // its bytes stay until the instant ends
            let bytes = self.frames.bytes(frame);
            if to == Socket::Neighbours {
                return Some((clocks, Event::Neighbour { interface, frame: bytes }));
            }
            let packet = packet_in(bytes)?;
            return Some((clocks, Event::Packet { interface, packet }));
        }
        if let Some((_, signal)) = machine.signals.pop_front_if(|s| s.0 <= now) {
            let event = match signal {
                Signal::Start => return None,
                Signal::Stop => Event::Stop,
                Signal::Attached(port) => {
                    self.find_interfaces(cvm);
                    let id = self.nic(port).interface();
                    let interface = self.machine(cvm).interfaces.iter().find(|one| one.id == id)?;
                    return Some((clocks, Event::Appeared { interface }));
                }
                Signal::Link(interface, up) => Event::Link { interface, up },
                Signal::Address(interface, address, change) => Event::Address { interface, address, change },
                Signal::RouteVanished(route) => Event::RouteVanished { route: self.setup.text(route) },
                Signal::Reload(file, takes) => {
                    machine.reads_until = now + takes;
                    Event::Reload { files: &self.setup.files[usize::from(file.0)] }
                }
                Signal::Script(script, result) => {
                    machine.children.ended(script);
                    Event::Script { script, result }
                }
                Signal::Process(watch, running) => Event::Process { watch, running },
                Signal::File(file, text) => {
                    Event::File { file, text: text.map(|text| self.setup.text(text)) }
                }
            };
            return Some((clocks, event));
        }
        machine.take_timer(now).then_some((clocks, Event::Timer))
    }

    /// Carries out one action of a program's step.
    pub fn apply(&mut self, cvm: CvmId, action: Action<'_>) {
        let node = self.setup.node_of_cvm(cvm);
        match action {
            Action::Listen { interface, protocol, group } => {
                let Some(port) = self.port_of_interface(node, interface) else { return };
                let (one, listens) = (Listens { port, protocol, group }, &mut self.machine(cvm).listens);
                if !listens.contains(&one) {
                    listens.push(one);
                }
            }
            Action::SendPacket { interface, packet } => {
                let Some(port) = self.port_of_interface(node, interface) else { return };
                let frame = self.frame_packet(port, packet, kind_of_packet(packet));
                self.depart(cvm, frame, true);
            }
            Action::SendFrame { interface, frame } => {
                let Some(port) = self.port_of_interface(node, interface) else { return };
                let frame = self.frames.store(&[frame], port, kind_of_frame(frame));
                self.depart(cvm, frame, false);
            }
            Action::AddAddress { interface, address, lifetime, accept } => {
                self.change_address(cvm, interface, address, Change::Add { lifetime, accept });
            }
            Action::PromoteSecondaries { interface } => {
                let Some(port) = self.port_of_interface(node, interface) else { return };
                self.nic_mut(port).promotes = true;
            }
            Action::RemoveAddress { interface, address } => {
                self.change_address(cvm, interface, address, Change::Remove);
            }
            Action::AddRoute { route } => self.change_route(cvm, route, true),
            Action::RemoveRoute { route } => self.change_route(cvm, route, false),
            Action::Subject { id, group, name } => {
                let subjects = &mut self.machine(cvm).subjects;
                let index = usize::from(id.0);
                if index < SUBJECTS_MAX {
                    if subjects.len() <= index {
                        subjects.resize(index + 1, (String::new(), u32::MAX));
                    }
                    subjects[index] = (name.to_owned(), group);
                    self.report(Who::Node(node), What::Subject(cvm, id));
                }
            }
            Action::RunScript { script, command } => self.run_script(cvm, script, command),
            Action::KillScript { script } => self.kill_script(cvm, script),
            Action::Notify { command } => self.report_told(cvm, command, false),
            Action::WriteFifo { line, .. } => self.report_told(cvm, line, true),
            Action::WatchFile { file, path } => self.watch_file(cvm, file, path),
            Action::WatchProcess { watch, name } => self.watch_process(cvm, watch, name),
            Action::WatchNeighbours { interface } => {
                let Some(port) = self.port_of_interface(node, interface) else { return };
                let watches = &mut self.machine(cvm).watches;
                if !watches.contains(&port) {
                    watches.push(port);
                }
            }
            Action::Record(record) => self.report(Who::Node(node), What::Record(cvm, record)),
            Action::Exit => self.let_end(cvm, Life::Exited),
        }
    }

    /// Takes the program's deadline after a step. Its timer fires late, as timers do, and never twice in an instant.
    pub fn set_deadline(&mut self, cvm: CvmId, deadline: Option<Time>) {
        let (now, next_tick) = (self.now, self.next_tick());
        let machine = self.machine(cvm);
        if machine.running != Running::Yes {
            return;
        }
        if machine.deadline != deadline {
            let fires = deadline.map_or(Time::MAX, |at| self.fires_for(cvm, at));
            let machine = self.machine(cvm);
            (machine.deadline, machine.fires, machine.moved) = (deadline, fires, false);
        }
        let machine = self.machine(cvm);
        if machine.fires <= now && machine.fired == now {
            machine.fires = next_tick;
        }
        self.arm_program(cvm);
    }

    /// When a timer fires that is set to a time of the machine's own clock.
    fn fires_for(&self, cvm: CvmId, deadline: Time) -> Time {
        let late = self.host.takes(&host::TIMER_LATENESS, cvm.0.into(), deadline, 0);
        let due = self.userlands[usize::from(cvm.0)].clock.when(deadline);
        (due + late).round_up(self.setup.tick)
    }

    // What acts and kernels call.

    /// A packet or a frame for the program. A full socket drops the newcomer, as Linux does.
    pub(super) fn queue_for_program(&mut self, cvm: CvmId, port: PortId, to: Socket, frame: FrameId) {
        let machine = self.machine(cvm);
        let same = |came: &&Came| (came.port, came.to) == (port, to);
        if machine.inbox.len() >= SOCKET_MAX && machine.inbox.iter().filter(same).count() >= SOCKET_MAX {
            return self.lose(self.frames.from(frame), frame, Some(port), Loss::SocketQueueFull);
        }
        machine.inbox.push_back(Came { port, to, frame });
        let (frozen, reads_until) = (machine.frozen, machine.reads_until);
        if reads_until > self.now {
            self.arm_program(cvm);
        } else if !frozen {
            self.ready.push(cvm);
        }
    }

    /// A frame of a neighbour, for a program that watches them beside its kernel.
    pub(super) fn show_neighbour(&mut self, node: NodeId, port: PortId, frame: FrameId) {
        let Some(cvm) = self.setup.cvm_of(node) else { return };
        if self.machine(cvm).watches.contains(&port) {
            self.frames.hold(frame);
            self.queue_for_program(cvm, port, Socket::Neighbours, frame);
        }
    }

    fn change_address(&mut self, cvm: CvmId, interface: InterfaceId, address: IpNet, change: Change) {
        let asked = self.machine(cvm).burst.free_at.max(self.now);
        match self.keeper_of(self.setup.node_of_cvm(cvm), interface) {
            Some(port) => self.install(port, asked, address, change),
            None => {
                let failed = Signal::Address(interface, address.addr(), AddressChange::Failed);
                self.signal(cvm, self.instant(asked), failed);
            }
        }
    }

    /// Has a program polled in this instant if something is due, or woken when something will be.
    pub(super) fn arm_program(&mut self, cvm: CvmId) {
        let now = self.now;
        if self.is_held(cvm) || self.machine(cvm).frozen {
            return;
        }
        let machine = self.machine(cvm);
        if machine.has_due(now) {
            self.ready.push(cvm);
            return;
        }
        let signal = machine.signals.front().map_or(Time::MAX, |&(at, _)| at);
        let next = if machine.inbox.is_empty() { signal.min(machine.fires) } else { now };
        let next = next.max(machine.reads_until);
        self.wake(next, Due::Program(cvm));
    }

    /// Off, or stopped by the hypervisor.
    fn is_held(&self, cvm: CvmId) -> bool {
        let kernel = &self.kernels[usize::from(cvm.0)];
        !kernel.powered || kernel.paused
    }
}

/// The packet in a frame that a kernel has found good.
fn packet_in(frame: &[u8]) -> Option<&[u8]> {
    let eth = ethernet::Frame::new(frame).ok()?;
    match eth.ethertype() {
        EtherType::IPV6 => ipv6::Packet::new(eth.payload()).ok().map(|packet| packet.as_bytes()),
        _ => ipv4::Packet::new(eth.payload()).ok().map(|packet| packet.as_bytes()),
    }
}
