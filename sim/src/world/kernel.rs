//! A node's kernel: its addresses, its neighbour table, what it answers by itself.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use havip::program::AddressChange;
use havip::time::Time;
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::{arp, icmp, ipv4};
use ipnet::Ipv4Net;

use super::act::Kind;
use super::cloud_port::gateway_of;
use super::frames::PortId;
use super::host::{self, Host};
use super::machine::{Signal, kind_of_frame};
use super::neighbours::{Heard, Neighbours, Resolved, Want};
use super::queue::Due;
use super::report::{FrameId, Loss, What, Who};
use super::setup::{NodeId, Setup};
use super::state::{World, who};

/// Frames a paused machine's network card keeps (a virtio ring; assumed).
const RING_MAX: usize = 256;

/// The longest ICMP message a kernel here sends (RFC 1812 section 4.3.2.3: errors stay under 576 bytes).
const ICMP_MAX: usize = 576;

/// What the kernel of one node knows. Its one interface is `eth0`.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// The interface's own address.
    pub(super) own: Ipv4Net,
    pub(super) mac: Mac,
    pub(super) subnet: u16,
    pub(super) powered: bool,
    /// The hypervisor holds the whole machine.
    pub(super) paused: bool,
    pub(super) carrier: bool,
    /// Every address on the interface, its own first.
    pub(super) addresses: Vec<Ipv4Net>,
    pub(super) neighbours: Neighbours,
    /// Address changes under way, oldest first.
    pub(super) installs: VecDeque<Install>,
    /// Frames that came while it was paused.
    pub(super) ring: VecDeque<FrameId>,
}

/// An address change under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Install {
    pub(super) done: Time,
    pub(super) address: Ipv4Net,
    pub(super) add: bool,
}

impl Kernel {
    pub(super) fn new(setup: &Setup, node: NodeId, host: Host) -> Self {
        let eni = setup.eni_of(node);
        let is_client = setup.cvm_of(node).is_none();
        Kernel {
            own: eni.address,
            mac: eni.mac,
            subnet: eni.subnet,
            powered: is_client,
            paused: false,
            carrier: true,
            addresses: vec![eni.address],
            neighbours: Neighbours::new(node.0.into(), host),
            installs: VecDeque::new(),
            ring: VecDeque::new(),
        }
    }
    /// Whether an address is on the interface.
    pub(super) fn holds(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|net| net.addr() == address)
    }
}

impl World {
    fn kernel(&mut self, node: NodeId) -> &mut Kernel {
        &mut self.kernels[usize::from(node.0)]
    }

    /// Makes a node's neighbour entry say what is not true: for tests, and for whoever plays an attacker.
    pub fn poison(&mut self, node: NodeId, address: Ipv4Addr, mac: Mac) {
        let now = self.now;
        self.kernel(node).neighbours.forge(now, address, mac);
        self.report(Who::Node(node), What::Neighbour { node, address, mac: Some(mac) });
        self.arm_kernel(node);
    }

    /// Puts a frame of any bytes on the wire at a node's port, whatever the node itself would send: for tests, and
    /// for whoever plays an attacker.
    pub fn inject(&mut self, node: NodeId, bytes: &[u8]) {
        let frame = self.frames.store(&[bytes], PortId::of(node), kind_of_frame(bytes));
        self.transmit(node, frame);
    }

    /// A frame reaches a node's port. Whether it was lost on the way was decided when it was sent; asked again is
    /// only "cable in, machine on".
    pub(super) fn arrive(&mut self, to: PortId, frame: FrameId) {
        let Some(node) = to.node() else { return };
        let kernel = self.kernel(node);
        let dead = match (kernel.powered, kernel.carrier) {
            (false, _) => Some(Loss::ReceiverOff),
            (_, false) => Some(Loss::ReceiverNoCarrier),
            _ => None,
        };
        if let Some(cause) = dead {
            return self.lose(self.frames.from(frame), frame, Some(to), cause);
        }
        if !kernel.paused {
            return self.receive(node, frame);
        }
        kernel.ring.push_back(frame);
        if kernel.ring.len() > RING_MAX
            && let Some(oldest) = kernel.ring.pop_front()
        {
            self.lose(self.frames.from(oldest), oldest, Some(to), Loss::DiedInQueue);
        }
    }

    /// The kernel looks at a frame.
    pub(super) fn receive(&mut self, node: NodeId, frame: FrameId) {
        let port = PortId::of(node);
        let (from, kind) = (self.frames.from(frame), self.frames.kind(frame));
        let ethertype = match ethernet::Frame::new(self.frames.bytes(frame)) {
            Err(_) => return self.lose(from, frame, Some(port), Loss::Malformed),
            Ok(eth) => {
                let dst = eth.dst();
                if dst != self.kernels[usize::from(node.0)].mac && !dst.is_multicast() {
                    return self.frames.let_go(frame); // flooded: for somebody else
                }
                eth.ethertype()
            }
        };
        self.report_frame(port, kind, What::Received { frame, kind, from: who(from) });
        if kind == Kind::Probe {
            self.note_reached(from, node);
        }
        match ethertype {
            EtherType::ARP => self.receive_arp(node, frame),
            EtherType::IPV4 => self.receive_ip(node, frame),
            _ => self.frames.let_go(frame),
        }
    }

    /// `arp_process` of Linux.
    fn receive_arp(&mut self, node: NodeId, frame: FrameId) {
        let Some(arp) = self.read_arp(frame) else {
            return self.lose(self.frames.from(frame), frame, Some(PortId::of(node)), Loss::Malformed);
        };
        let now = self.now;
        let to_us_alone =
            !ethernet::Frame::new(self.frames.bytes(frame)).is_ok_and(|f| f.dst().is_multicast());
        self.frames.let_go(frame);
        let kernel = self.kernel(node);
        let asks_us = arp.operation == arp::Operation::REQUEST && kernel.holds(arp.target_address);
        let mac = kernel.mac;
        if !arp.sender_address.is_unspecified() && !kernel.holds(arp.sender_address) {
            let heard = Heard {
                address: arp.sender_address,
                mac: arp.sender_mac,
                confirms: arp.operation == arp::Operation::REPLY && to_us_alone,
                asks_us,
                gratuitous: arp.is_gratuitous(),
            };
            let learned = kernel.neighbours.hear(now, heard);
            if learned.changed {
                let (address, mac) = (arp.sender_address, Some(arp.sender_mac));
                self.report(Who::Node(node), What::Neighbour { node, address, mac });
            }
            for waiting in learned.released {
                self.address_and_send(node, waiting, arp.sender_mac);
            }
            self.arm_kernel(node);
        }
        if asks_us {
            let reply = arp.reply(mac).frame_to(arp.sender_mac);
            let frame = self.frames.store(&[&reply], PortId::of(node), Kind::Arp);
            self.transmit(node, frame);
        }
    }

    fn receive_ip(&mut self, node: NodeId, frame: FrameId) {
        let (port, from) = (PortId::of(node), self.frames.from(frame));
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        };
        let (dst, protocol) = (packet.dst(), packet.protocol());
        if !packet.verify_checksum() {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        }
        let cvm = self.setup.cvm_of(node);
        let listens = cvm.is_some_and(|cvm| self.machines[usize::from(cvm.0)].listens(protocol.0, dst));
        if dst.is_multicast() || dst.is_broadcast() {
            return match cvm {
                Some(cvm) if listens => self.queue_for_program(cvm, frame),
                _ => self.frames.let_go(frame),
            };
        }
        if !self.kernels[usize::from(node.0)].holds(dst) {
            return self.lose(from, frame, Some(port), Loss::NotHeld);
        }
        match cvm {
            _ if protocol == ipv4::Protocol::ICMP => self.receive_icmp(node, frame),
            Some(cvm) if listens => self.queue_for_program(cvm, frame),
            _ => {
                self.send_unreachable(node, frame);
                self.lose(from, frame, Some(port), Loss::NoListener);
            }
        }
    }

    fn receive_icmp(&mut self, node: NodeId, frame: FrameId) {
        let bytes = self.frames.bytes(frame);
        let mut message = [0; ICMP_MAX];
        let Some((header, len)) = answer_to(&bytes[ethernet::HEADER_LEN..], &mut message) else {
            let sent = echo_time(&bytes[ethernet::HEADER_LEN..]);
            self.frames.let_go(frame);
            return self.client_answered(node, sent);
        };
        self.frames.let_go(frame);
        self.send_from_kernel(node, &header, &message[..len], Kind::Probe);
    }

    /// Measured (c22): an advertisement to a live host without a VRRP process draws this, each time.
    fn send_unreachable(&mut self, node: NodeId, frame: FrameId) {
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else { return };
        let error = icmp::Repr::unreachable(icmp::Unreachable::PROTOCOL, packet.as_bytes());
        let mut message = [0; ICMP_MAX];
        let len = error.len();
        error.emit(&mut message[..len]);
        let header = icmp_header(packet.dst(), packet.src(), len);
        self.send_from_kernel(node, &header, &message[..len], Kind::Other);
    }

    /// Sends a packet of the kernel's own.
    pub(super) fn send_from_kernel(&mut self, node: NodeId, header: &ipv4::Repr, payload: &[u8], kind: Kind) {
        let eth = self.unaddressed(node);
        let len = ethernet::HEADER_LEN + header.total_len();
        let frame = self.frames.write(len, PortId::of(node), kind, |bytes| {
            header.emit(eth.emit(bytes)).copy_from_slice(payload);
        });
        self.send_packet(node, frame);
    }

    /// Puts an Ethernet header without a destination before a packet.
    pub(super) fn frame_packet(&mut self, node: NodeId, packet: &[u8], kind: Kind) -> FrameId {
        let eth = self.unaddressed(node);
        self.frames.write(ethernet::HEADER_LEN + packet.len(), PortId::of(node), kind, |bytes| {
            eth.emit(bytes).copy_from_slice(packet);
        })
    }

    /// The Ethernet header of a packet that is not resolved yet.
    fn unaddressed(&self, node: NodeId) -> ethernet::Repr {
        let src = self.kernels[usize::from(node.0)].mac;
        ethernet::Repr { dst: Mac::UNSPECIFIED, src, ethertype: EtherType::IPV4 }
    }

    /// Routes and resolves a framed packet, and sends it or lets it wait.
    pub(super) fn send_packet(&mut self, node: NodeId, frame: FrameId) {
        let port = PortId::of(node);
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(port, frame, None, Loss::Malformed);
        };
        let dst = packet.dst();
        if dst.is_multicast() {
            return self.address_and_send(node, frame, Mac::for_multicast(dst));
        }
        let own = self.kernel(node).own;
        let next_hop = match own.contains(&dst) {
            true => dst,
            false if self.in_vpc() => gateway_of(own),
            false => return self.lose(port, frame, None, Loss::NoRoute),
        };
        let (now, timer) = (self.now, self.kernel(node).neighbours.deadline());
        match self.kernel(node).neighbours.resolve(now, next_hop, frame) {
            Resolved::To(mac) => self.address_and_send(node, frame, mac),
            Resolved::Waits { ask, pushed_out } => {
                if let Some(oldest) = pushed_out {
                    self.lose(port, oldest, None, Loss::NeighbourQueueFull);
                }
                if ask {
                    self.ask(node, next_hop, None, Some(frame));
                }
            }
        }
        if self.kernel(node).neighbours.deadline() != timer {
            self.arm_kernel(node);
        }
    }

    fn address_and_send(&mut self, node: NodeId, frame: FrameId, Mac(dst): Mac) {
        self.frames.bytes_mut(frame)[..6].copy_from_slice(&dst);
        self.transmit(node, frame);
    }

    /// Asks for a neighbour, in the name of the packet that waits for it (`arp_announce` 0).
    fn ask(&mut self, node: NodeId, target: Ipv4Addr, to: Option<Mac>, waiting: Option<FrameId>) {
        let packet =
            waiting.map(|frame| ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]));
        let source = packet.and_then(Result::ok).map(|p| p.src());
        let kernel = &self.kernels[usize::from(node.0)];
        let source = source.filter(|&s| kernel.holds(s)).unwrap_or(kernel.own.addr());
        let request = arp::Repr::request(kernel.mac, source, target).frame_to(to.unwrap_or(Mac::BROADCAST));
        let frame = self.frames.store(&[&request], PortId::of(node), Kind::Arp);
        self.transmit(node, frame);
    }

    /// Does what is due in a kernel.
    pub(super) fn run_kernel(&mut self, node: NodeId) {
        let now = self.now;
        let kernel = self.kernel(node);
        if !kernel.powered || kernel.paused {
            return;
        }
        if kernel.neighbours.deadline() <= now {
            self.run_neighbour_timers(node);
        }
        while let Some(install) = self.kernel(node).installs.pop_front_if(|i| i.done <= now) {
            self.finish_install(node, install);
        }
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.send_outbox(cvm);
        }
        self.arm_kernel(node);
    }

    fn run_neighbour_timers(&mut self, node: NodeId) {
        let mut wants = std::mem::take(&mut self.neighbour_wants);
        let now = self.now;
        self.kernel(node).neighbours.run_timers(now, &mut wants);
        for want in wants.drain(..) {
            match want {
                Want::Ask { address, to, waiting } => self.ask(node, address, to, waiting),
                Want::GiveUp { address, waiting } => {
                    self.report(Who::Node(node), What::Neighbour { node, address, mac: None });
                    for frame in waiting {
                        self.lose(PortId::of(node), frame, None, Loss::Unresolved);
                    }
                }
            }
        }
        self.neighbour_wants = wants;
    }

    /// Begins to put an address on an interface or to take it off, as a program asked.
    pub(super) fn install(&mut self, node: NodeId, asked: Time, address: Ipv4Net, add: bool) {
        let takes = self.host.takes(&host::ADDRESS_INSTALL, node.0.into(), asked, u32::from(address.addr()));
        let done = self.instant(asked + takes);
        let kernel = self.kernel(node);
        // The kernel takes requests in turn.
        let done = kernel.installs.back().map_or(done, |last| done.max(last.done));
        kernel.installs.push_back(Install { done, address, add });
        self.arm_kernel(node);
    }

    fn finish_install(&mut self, node: NodeId, install: Install) {
        let Install { address, add, .. } = install;
        let kernel = self.kernel(node);
        let held = kernel.holds(address.addr());
        let change = match (add, held) {
            (true, _) => AddressChange::Added,
            (false, true) => AddressChange::Removed,
            (false, false) => AddressChange::Failed,
        };
        match (add, held) {
            (true, false) => kernel.addresses.push(address),
            (false, true) => kernel.addresses.retain(|a| a.addr() != address.addr()),
            _ => {}
        }
        if add != held {
            self.report(Who::Node(node), What::Held { node, address: address.addr(), held: add });
        }
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.signal(cvm, self.now, Signal::Address(address.addr(), change));
        }
    }

    /// The carrier comes or goes.
    pub(super) fn set_carrier(&mut self, node: NodeId, up: bool) {
        let kernel = self.kernel(node);
        if kernel.carrier == up {
            return;
        }
        kernel.carrier = up;
        self.report(Who::Node(node), What::Carrier(node, up));
        if !up {
            self.flush_neighbours(node, Loss::NoCarrier);
            self.switch.forget(PortId::of(node));
        }
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.signal_link(cvm, up);
        }
    }

    fn flush_neighbours(&mut self, node: NodeId, cause: Loss) {
        for frame in self.kernel(node).neighbours.flush() {
            self.lose(PortId::of(node), frame, None, cause);
        }
    }

    /// Power is gone: nothing the kernel knew is left.
    pub(super) fn forget_everything(&mut self, node: NodeId) {
        let kernel = self.kernel(node);
        kernel.powered = false;
        kernel.paused = false;
        kernel.installs.clear();
        let ring = std::mem::take(&mut kernel.ring);
        let own = kernel.own;
        let had = std::mem::replace(&mut kernel.addresses, vec![own]);
        for address in had.into_iter().filter(|&a| a != own) {
            self.report(Who::Node(node), What::Held { node, address: address.addr(), held: false });
        }
        for frame in ring {
            self.lose(self.frames.from(frame), frame, Some(PortId::of(node)), Loss::DiedInQueue);
        }
        self.flush_neighbours(node, Loss::DiedInQueue);
        self.switch.forget(PortId::of(node));
    }

    /// Has a kernel woken when it next has something to do.
    pub(super) fn arm_kernel(&mut self, node: NodeId) {
        let outbox = self.setup.cvm_of(node).and_then(|cvm| self.outbox_due(cvm)).unwrap_or(Time::MAX);
        let kernel = &self.kernels[usize::from(node.0)];
        if kernel.paused || !kernel.powered {
            return;
        }
        let install = kernel.installs.front().map_or(Time::MAX, |i| i.done);
        let next = kernel.neighbours.deadline().min(install).min(outbox);
        self.wake(self.instant(next), Due::Kernel(node));
    }
}

/// The header of an ICMP message, as Linux fills it.
pub(super) fn icmp_header(src: Ipv4Addr, dst: Ipv4Addr, len: usize) -> ipv4::Repr {
    ipv4::Repr {
        src,
        dst,
        protocol: ipv4::Protocol::ICMP,
        ttl: 64,
        tos: 0,
        identification: 0,
        dont_fragment: true,
        payload_len: len as u16,
    }
}

/// Writes the answer to an echo request into `message`; `None` if the packet is none.
fn answer_to(packet: &[u8], message: &mut [u8]) -> Option<(ipv4::Repr, usize)> {
    let packet = ipv4::Packet::new(packet).ok()?;
    let request = icmp::Packet::new(packet.payload()).ok()?;
    let reply = icmp::Repr::parse(&request).ok()?.reply()?;
    let len = reply.len();
    reply.emit(message.get_mut(..len)?);
    Some((icmp_header(packet.dst(), packet.src(), len), len))
}

/// When the echo request that this packet answers was sent: the request carries its time, as ping's does.
fn echo_time(packet: &[u8]) -> Option<Time> {
    let packet = ipv4::Packet::new(packet).ok()?;
    let reply = icmp::Packet::new(packet.payload()).ok()?;
    match icmp::Repr::parse(&reply).ok()? {
        icmp::Repr::EchoReply { data, .. } => {
            Some(Time::from_nanos(u64::from_be_bytes(data.get(..8)?.try_into().ok()?)))
        }
        _ => None,
    }
}
