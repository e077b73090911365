//! The program's side of a machine: what it is told, and what it may ask for.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use havip::program::{Action, AddressChange, Event, Interface, InterfaceId, Now, Subject};
use havip::time::{Duration, Time};
use havip::wire::ethernet::{self, EtherType};
use havip::wire::{arp, icmp, ipv4};
use ipnet::IpNet;

use super::act::Kind;
use super::frames::PortId;
use super::host;
use super::queue::Due;
use super::report::{FrameId, Life, Loss, What, Who};
use super::setup::{CvmId, FileId};
use super::state::World;

/// Packets a program's socket keeps for it: 212,992 bytes (`net.core.rmem_default`) of 768 bytes each, which is
/// what the kernel charges for a small packet.
const SOCKET_MAX: usize = 277;
/// How many subjects a program may name; a configuration has at most 255 virtual routers an interface.
const SUBJECTS_MAX: usize = 4096;
/// The one interface of a machine. Index 1 is the loopback's.
const ETH0: InterfaceId = InterfaceId(2);
/// What machines' wall clocks show at the beginning of a run: 2026-01-01 00:00:00 UTC.
pub const EPOCH: Duration = Duration::from_secs(1_767_225_600);

/// Something that reaches a program besides packets and its timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Start,
    Stop,
    Reload(FileId),
    Link(bool),
    Address(Ipv4Addr, AddressChange),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Running {
    No,
    Starting,
    Yes,
}

/// A program, as its machine sees it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    running: Running,
    frozen: bool,
    /// In order of their instants.
    signals: VecDeque<(Time, Signal)>,
    listens: Vec<(u8, Option<IpAddr>)>,
    socket: VecDeque<FrameId>,
    deadline: Option<Time>,
    /// When the deadline's timer fires: late, on the grid.
    fires: Time,
    /// The instant of the last timer event: there is one at most in an instant.
    fired: Time,
    /// What the program has sent and the machine not yet put on the wire: a burst takes its time.
    outbox: VecDeque<Outgoing>,
    /// When the next frame of a burst can leave, to the nanosecond.
    free_at: Time,
    subjects: Vec<(String, u32)>,
    /// The file of the last `reload`, if there was one.
    file: Option<FileId>,
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Outgoing {
    leaves: Time,
    frame: FrameId,
    /// An IP packet that the kernel has yet to resolve.
    is_packet: bool,
}

impl Machine {
    pub(super) fn new() -> Self {
        Machine {
            running: Running::No,
            frozen: false,
            signals: VecDeque::new(),
            listens: Vec::new(),
            socket: VecDeque::new(),
            deadline: None,
            fires: Time::MAX,
            fired: Time::MAX,
            outbox: VecDeque::new(),
            free_at: Time::ZERO,
            subjects: Vec::new(),
            file: None,
            interfaces: Vec::new(),
        }
    }
    pub(super) fn subject(&self, subject: Subject) -> (&str, u32) {
        self.subjects.get(usize::from(subject.0)).map_or(("", u32::MAX), |(name, group)| (name, *group))
    }
    pub(super) fn listens(&self, protocol: u8, dst: Ipv4Addr) -> bool {
        self.listens
            .iter()
            .any(|&(p, group)| p == protocol && (!dst.is_multicast() || group == Some(IpAddr::V4(dst))))
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
            && (self.signals.front().is_some_and(|&(at, _)| at <= now)
                || self.running == Running::Yes
                    && (!self.socket.is_empty() || self.fires <= now && self.fired != now))
    }
}

impl World {
    fn machine(&mut self, cvm: CvmId) -> &mut Machine {
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
                || !machine.socket.is_empty()
                || machine.signals.front().is_some_and(|&(at, _)| at <= now))
    }

    /// The program's next event of this instant: packets first, in the order in which they came; then what else
    /// happened; then its timer.
    pub fn poll(&mut self, cvm: CvmId) -> Option<(Now, Event<'_>)> {
        let (now, clocks) = (self.now, self.clocks());
        if !self.machine(cvm).has_due(now) || self.is_held(cvm) {
            return None;
        }
        if self.machine(cvm).is_starting(now) {
            self.begin_program(cvm);
            let interfaces = &self.machine(cvm).interfaces;
            return Some((clocks, Event::Start { interfaces }));
        }
        let machine = self.machine(cvm);
        if machine.running != Running::Yes {
            return None;
        }
        #[cfg(test)]
        if crate::flaws::has(crate::flaws::Flaw::TimerFirst) && machine.take_timer(now) {
            return Some((clocks, Event::Timer));
        }
        if let Some(frame) = machine.socket.pop_front() {
            self.frames.let_go(frame); // its bytes stay until the instant ends
            let packet = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]).ok()?;
            return Some((clocks, Event::Packet { interface: ETH0, packet: packet.as_bytes() }));
        }
        if let Some((_, signal)) = machine.signals.pop_front_if(|s| s.0 <= now) {
            let interface = ETH0;
            let event = match signal {
                Signal::Start => return None,
                Signal::Stop => Event::Stop,
                Signal::Link(up) => Event::Link { interface, up },
                Signal::Address(address, change) => {
                    Event::Address { interface, address: address.into(), change }
                }
                Signal::Reload(file) => Event::Reload { files: &self.setup.files[usize::from(file.0)] },
            };
            return Some((clocks, event));
        }
        machine.take_timer(now).then_some((clocks, Event::Timer))
    }

    /// Carries out one action of a program's step.
    pub fn apply(&mut self, cvm: CvmId, action: Action<'_>) {
        let node = self.setup.node_of_cvm(cvm);
        match action {
            Action::Listen { protocol, group, .. } => {
                let listens = &mut self.machine(cvm).listens;
                if !listens.contains(&(protocol, group)) {
                    listens.push((protocol, group));
                }
            }
            Action::SendPacket { packet, .. } => {
                let frame = self.frame_packet(node, packet, kind_of_packet(packet));
                self.depart(cvm, frame, true);
            }
            Action::SendFrame { frame, .. } => {
                let frame = self.frames.store(&[frame], PortId::of(node), kind_of_frame(frame));
                self.depart(cvm, frame, false);
            }
            Action::AddAddress { address, .. } => self.change_address(cvm, address, true),
            Action::RemoveAddress { address, .. } => self.change_address(cvm, address, false),
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
            Action::Record(record) => self.report(Who::Node(node), What::Record(cvm, record)),
            Action::Exit => self.end_program(cvm, Life::Exited),
        }
    }

    /// Takes the program's deadline after a step. Its timer fires late, as timers do, and never twice in an instant.
    pub fn set_deadline(&mut self, cvm: CvmId, deadline: Option<Time>) {
        let (now, next_tick, tick, host) = (self.now, self.next_tick(), self.setup.tick, self.host);
        let machine = self.machine(cvm);
        if machine.running != Running::Yes {
            return;
        }
        if machine.deadline != deadline {
            machine.deadline = deadline;
            machine.fires = deadline.map_or(Time::MAX, |at| {
                let late = host.takes(&host::TIMER_LATENESS, cvm.0.into(), at, 0);
                (at + late).round_up(tick)
            });
        }
        if machine.fires <= now && machine.fired == now {
            machine.fires = next_tick;
        }
        self.arm_program(cvm);
    }

    // What acts and kernels call.

    /// The program starts, after the time programs take to start.
    pub(super) fn boot(&mut self, cvm: CvmId) {
        let node = self.setup.node_of_cvm(cvm);
        let takes = self.host.takes(&host::PROGRAM_START, cvm.0.into(), self.now, 0);
        self.kernels[usize::from(node.0)].powered = true;
        if self.machine(cvm).running == Running::No {
            self.machine(cvm).running = Running::Starting;
            self.signal(cvm, self.instant(self.now + takes), Signal::Start);
        }
        self.arm_kernel(node);
    }

    /// SIGTERM. A program that has not begun yet never does.
    pub(super) fn stop_program(&mut self, cvm: CvmId) {
        match self.machine(cvm).running {
            Running::No => {}
            Running::Starting => self.end_program(cvm, Life::Exited),
            Running::Yes => self.signal_in_a_while(cvm, Signal::Stop),
        }
    }

    /// SIGHUP, or just another file for a program that is not running.
    pub(super) fn reload_program(&mut self, cvm: CvmId, file: FileId) {
        self.machine(cvm).file = Some(file);
        if self.machine(cvm).running == Running::Yes {
            self.signal_in_a_while(cvm, Signal::Reload(file));
        }
    }

    /// The program is gone, and everything that was its own with it.
    pub(super) fn end_program(&mut self, cvm: CvmId, how: Life) {
        let machine = self.machine(cvm);
        if machine.running == Running::No {
            return;
        }
        let file = machine.file;
        let old = std::mem::replace(machine, Machine { file, ..Machine::new() });
        for frame in old.socket.into_iter().chain(old.outbox.into_iter().map(|out| out.frame)) {
            self.frames.let_go(frame);
        }
        self.report(Who::Node(self.setup.node_of_cvm(cvm)), What::Program(cvm, how));
    }

    /// SIGSTOP and SIGCONT.
    pub(super) fn set_frozen(&mut self, cvm: CvmId, frozen: bool) {
        let machine = self.machine(cvm);
        if machine.running == Running::No || machine.frozen == frozen {
            return;
        }
        machine.frozen = frozen;
        self.report_held(cvm, frozen);
    }

    /// The hypervisor stops a machine, or lets it go on with what its network card has kept.
    pub(super) fn set_paused(&mut self, cvm: CvmId, paused: bool) {
        let node = self.setup.node_of_cvm(cvm);
        let kernel = &mut self.kernels[usize::from(node.0)];
        if !kernel.powered || kernel.paused == paused {
            return;
        }
        kernel.paused = paused;
        let ring = std::mem::take(&mut kernel.ring);
        for frame in ring {
            self.receive(node, frame);
        }
        self.report_held(cvm, paused);
    }

    fn report_held(&mut self, cvm: CvmId, held: bool) {
        let node = self.setup.node_of_cvm(cvm);
        if self.machine(cvm).running != Running::No {
            let life = if held { Life::Frozen } else { Life::Thawed };
            self.report(Who::Node(node), What::Program(cvm, life));
        }
        if !held {
            self.arm_kernel(node);
            self.arm_program(cvm);
        }
    }

    /// Tells the program something at an instant. One that has not begun will find its machine as it then is, and
    /// is told nothing before.
    pub(super) fn signal(&mut self, cvm: CvmId, at: Time, signal: Signal) {
        let machine = self.machine(cvm);
        match machine.running {
            Running::Yes => {}
            Running::Starting if signal == Signal::Start => {}
            Running::No | Running::Starting => return,
        }
        let place = machine.signals.partition_point(|&(t, _)| t <= at);
        machine.signals.insert(place, (at, signal));
        self.arm_program(cvm);
    }

    /// Sends the program a signal, which takes a moment.
    fn signal_in_a_while(&mut self, cvm: CvmId, signal: Signal) {
        let takes = self.host.takes(&host::SIGNAL, cvm.0.into(), self.now, 0);
        self.signal(cvm, self.instant(self.now + takes), signal);
    }

    /// Tells the program of its link, after the time such an event takes; never before an earlier one.
    pub(super) fn signal_link(&mut self, cvm: CvmId, up: bool) {
        let now = self.now;
        let takes = self.host.takes(&host::LINK_EVENT, cvm.0.into(), now, 0);
        let is_link = |&&(_, signal): &&(Time, Signal)| matches!(signal, Signal::Link(_));
        let before = self.machine(cvm).signals.iter().rev().find(is_link).map_or(now, |&(at, _)| at);
        self.signal(cvm, self.instant(now + takes).max(before), Signal::Link(up));
    }

    /// A packet for the program. A full socket drops the newcomer, as Linux does.
    pub(super) fn queue_for_program(&mut self, cvm: CvmId, frame: FrameId) {
        let machine = self.machine(cvm);
        if machine.socket.len() >= SOCKET_MAX {
            let to = PortId::of(self.setup.node_of_cvm(cvm));
            return self.lose(self.frames.from(frame), frame, Some(to), Loss::SocketQueueFull);
        }
        machine.socket.push_back(frame);
        if !machine.frozen {
            self.ready.push(cvm);
        }
    }

    /// Puts on the wire what of a burst is due.
    pub(super) fn send_outbox(&mut self, cvm: CvmId) {
        let now = self.now;
        if self.machine(cvm).frozen {
            return;
        }
        while let Some(out) = self.machine(cvm).outbox.pop_front_if(|out| out.leaves <= now) {
            self.put_on_wire(cvm, out);
        }
    }

    /// When the next frame of a burst is due.
    pub(super) fn outbox_due(&self, cvm: CvmId) -> Option<Time> {
        let machine = &self.machines[usize::from(cvm.0)];
        machine.outbox.front().filter(|_| !machine.frozen).map(|out| out.leaves)
    }

    /// Sends a frame of a program's step: the first at once, each further one a little after the one before it.
    fn depart(&mut self, cvm: CvmId, frame: FrameId, is_packet: bool) {
        let (now, host, tick) = (self.now, self.host, self.setup.tick);
        let machine = self.machine(cvm);
        let at = machine.free_at.max(now);
        machine.free_at = at + host.takes(&host::BURST_SPACING, cvm.0.into(), at, 0);
        let out = Outgoing { leaves: at.round_up(tick), frame, is_packet };
        if out.leaves <= now && machine.outbox.is_empty() {
            return self.put_on_wire(cvm, out);
        }
        machine.outbox.push_back(out);
        self.arm_kernel(self.setup.node_of_cvm(cvm));
    }

    fn put_on_wire(&mut self, cvm: CvmId, out: Outgoing) {
        let node = self.setup.node_of_cvm(cvm);
        if out.is_packet {
            self.send_packet(node, out.frame);
        } else {
            self.transmit(node, out.frame);
        }
    }

    fn change_address(&mut self, cvm: CvmId, address: IpNet, add: bool) {
        let IpNet::V4(address) = address else { return }; // IPv6 is refused before a run
        let asked = self.machine(cvm).free_at.max(self.now);
        self.install(self.setup.node_of_cvm(cvm), asked, address, add);
    }

    fn begin_program(&mut self, cvm: CvmId) {
        let node = self.setup.node_of_cvm(cvm);
        let kernel = &self.kernels[usize::from(node.0)];
        let interface = Interface {
            id: ETH0,
            name: "eth0".to_owned(),
            mac: kernel.mac,
            addresses: kernel.addresses.iter().copied().map(IpNet::V4).collect(),
            up: kernel.carrier,
        };
        let machine = self.machine(cvm);
        machine.signals.pop_front();
        machine.running = Running::Yes;
        machine.interfaces = vec![interface];
        self.report(Who::Node(node), What::Program(cvm, Life::Started));
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
        let next = signal.min(machine.fires);
        self.wake(next, Due::Program(cvm));
    }

    /// Off, or stopped by the hypervisor.
    fn is_held(&self, cvm: CvmId) -> bool {
        let kernel = &self.kernels[usize::from(cvm.0)];
        !kernel.powered || kernel.paused
    }

    fn clocks(&self) -> Now {
        Now { mono: self.now, utc: self.now + EPOCH }
    }
}

fn kind_of_packet(packet: &[u8]) -> Kind {
    match ipv4::Packet::new(packet) {
        Ok(p) if p.protocol() == ipv4::Protocol::VRRP => Kind::Vrrp,
        Ok(p) if p.protocol() == ipv4::Protocol::ICMP => match icmp::Packet::new(p.payload()) {
            Ok(message) if matches!(message.message_type(), 0 | 8) => Kind::Probe,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

pub(super) fn kind_of_frame(bytes: &[u8]) -> Kind {
    let Ok(frame) = ethernet::Frame::new(bytes) else { return Kind::Other };
    match frame.ethertype() {
        EtherType::IPV4 => kind_of_packet(frame.payload()),
        EtherType::ARP => match arp::Packet::new(frame.payload()).map(|p| arp::Repr::parse(&p)) {
            Ok(Ok(arp)) if arp.is_gratuitous() => Kind::Garp,
            _ => Kind::Arp,
        },
        _ => Kind::Other,
    }
}
