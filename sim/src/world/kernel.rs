//! A node's kernel: its addresses, its neighbour table, what it answers by itself. How it sends is `sending`'s.

mod sending;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use havip::time::Time;
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::{Family, arp, icmp, ipv4};
use ipnet::IpNet;

use super::act::Kind;
use super::addresses::{Install, Lease};
use super::frames::PortId;
use super::kinds::kind_of_frame;
use super::machine::Socket;
use super::neighbours::{Heard, Want};
use super::queue::Due;
use super::report::{FrameId, Loss, What};
use super::setup::{EniIndex, EniSetup, NodeId, Setup, TextId};
use super::state::World;

/// Frames a paused machine's network card keeps (a virtio ring; assumed).
const RING_MAX: usize = 256;

/// The longest ICMP message a kernel here sends (RFC 1812 section 4.3.2.3: errors stay under 576 bytes).
const ICMP_MAX: usize = 576;

/// What the kernel of one node knows, its interfaces aside: each is a `Nic`.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// The ports of its interfaces behind the first: from which on, and how many.
    pub(super) more: (u16, u16),
    pub(super) powered: bool,
    /// The hypervisor holds the whole machine.
    pub(super) paused: bool,
    /// Address changes under way, oldest first.
    pub(super) installs: VecDeque<Install>,
    /// Address changes that somebody makes by hand, the next one first.
    pub(super) tampers: VecDeque<Install>,
    /// Routes that somebody deletes by hand, and when that is done.
    pub(super) route_tampers: VecDeque<(Time, TextId)>,
    /// Addresses whose packets a filter drops.
    pub(super) filtered: Vec<IpAddr>,
    /// Addresses that go by themselves.
    pub(super) leases: Vec<Lease>,
    /// Routes besides those of its own subnets and to their gateways.
    pub(super) routes: Vec<String>,
    /// Frames that came while it was paused, and by which port.
    pub(super) ring: VecDeque<(PortId, FrameId)>,
}

impl Kernel {
    pub(super) fn new(setup: &Setup, node: NodeId) -> Self {
        let is_client = setup.cvm_of(node).is_none();
        let more = setup.cvm_of(node).map_or(0, |cvm| setup.cvms[usize::from(cvm.0)].more.len());
        Kernel {
            more: (setup.port_of(node, EniIndex(1)).0, more as u16),
            powered: is_client,
            paused: false,
            installs: VecDeque::new(),
            tampers: VecDeque::new(),
            route_tampers: VecDeque::new(),
            filtered: Vec::new(),
            leases: Vec::new(),
            routes: Vec::new(),
            ring: VecDeque::new(),
        }
    }
}

impl World {
    pub(super) fn kernel(&mut self, node: NodeId) -> &mut Kernel {
        &mut self.kernels[usize::from(node.0)]
    }

    /// Makes a node's neighbour entry say what is not true: for tests, and for whoever plays an attacker.
    pub fn poison(&mut self, node: NodeId, address: IpAddr, mac: Mac) {
        let (now, port) = (self.now, self.port_towards(PortId::of(node), address));
        self.nic_mut(port).neighbours.forge(now, address, mac);
        self.report(self.who(port), What::Neighbour { node, address, mac: Some(mac) });
        self.arm_kernel(node);
    }

    /// Puts a frame of any bytes on the wire at a node's first port, whatever the node itself would send: for tests,
    /// and for whoever plays an attacker.
    pub fn inject(&mut self, node: NodeId, bytes: &[u8]) {
        self.inject_at(PortId::of(node), bytes);
    }

    /// The same at any port.
    pub fn inject_at(&mut self, port: PortId, bytes: &[u8]) {
        let frame = self.frames.store(&[bytes], port, kind_of_frame(bytes));
        self.transmit(port, frame);
    }

    /// A frame reaches a node's port. Whether it was lost on the way was decided when it was sent; asked again is
    /// only "cable in, machine on".
    pub(super) fn arrive(&mut self, to: PortId, frame: FrameId) {
        let Some(nic) = self.nics.get(usize::from(to.0)) else { return };
        let (node, carrier) = (nic.node, nic.carrier);
        let kernel = self.kernel(node);
        let dead = match (kernel.powered, carrier) {
            (false, _) => Some(Loss::ReceiverOff),
            (_, false) => Some(Loss::ReceiverNoCarrier),
            _ => None,
        };
        if let Some(cause) = dead {
            return self.lose(self.frames.from(frame), frame, Some(to), cause);
        }
        if !kernel.paused {
            return self.receive(to, frame);
        }
        kernel.ring.push_back((to, frame));
        if kernel.ring.len() > RING_MAX
            && let Some((to, oldest)) = kernel.ring.pop_front()
        {
            self.lose(self.frames.from(oldest), oldest, Some(to), Loss::DiedInQueue);
        }
    }

    /// The kernel looks at a frame.
    pub(super) fn receive(&mut self, port: PortId, frame: FrameId) {
        let (from, kind) = (self.frames.from(frame), self.frames.kind(frame));
        let ethertype = match ethernet::Frame::new(self.frames.bytes(frame)) {
            Err(_) => return self.lose(from, frame, Some(port), Loss::Malformed),
            Ok(eth) => {
                let dst = eth.dst();
                let nic = self.nic(port);
                if dst != nic.mac && !(dst.is_multicast() && nic.hears(dst)) {
                    return self.frames.let_go(frame); // flooded: for somebody else
                }
                eth.ethertype()
            }
        };
        if self.is_told(kind) {
            self.report_frame(port, kind, What::Received { frame, kind, from: self.who(from) });
        }
        if kind == Kind::Probe {
            self.note_reached(from, self.nic(port).node);
        }
        match ethertype {
            EtherType::ARP => self.receive_arp(port, frame),
            EtherType::IPV4 => self.receive_ip(port, frame),
            EtherType::IPV6 => self.receive_ipv6(port, frame),
            _ => self.frames.let_go(frame),
        }
    }

    /// `arp_process` of Linux.
    fn receive_arp(&mut self, port: PortId, frame: FrameId) {
        let (node, mac) = (self.nic(port).node, self.nic(port).mac);
        self.show_neighbour(node, port, frame);
        let Some(arp) = self.read_arp(frame) else {
            return self.lose(self.frames.from(frame), frame, Some(port), Loss::Malformed);
        };
        let now = self.now;
        let to_us_alone =
            !ethernet::Frame::new(self.frames.bytes(frame)).is_ok_and(|f| f.dst().is_multicast());
        self.frames.let_go(frame);
        let asks_us =
            arp.operation == arp::Operation::REQUEST && self.node_holds(node, arp.target_address.into());
        if !arp.sender_address.is_unspecified() && !self.node_holds(node, arp.sender_address.into()) {
            let heard = Heard {
                address: arp.sender_address.into(),
                mac: arp.sender_mac,
                confirms: arp.operation == arp::Operation::REPLY && to_us_alone,
                asks_us,
                gratuitous: arp.is_gratuitous(),
                weak: false,
            };
            self.hear_neighbour(port, now, heard);
        }
        if asks_us {
            let reply = arp.reply(mac).frame_to(arp.sender_mac);
            let frame = self.frames.store(&[&reply], port, Kind::Arp);
            self.transmit(port, frame);
        }
    }

    /// Takes in what was said of a neighbour, and lets go what waited for it.
    pub(super) fn hear_neighbour(&mut self, port: PortId, now: Time, heard: Heard) {
        let node = self.nic(port).node;
        let learned = self.nic_mut(port).neighbours.hear(now, heard);
        if learned.changed {
            let (address, mac) = (heard.address, Some(heard.mac));
            self.report(self.who(port), What::Neighbour { node, address, mac });
        }
        for waiting in learned.released {
            self.address_and_send(port, waiting, heard.mac);
        }
        self.arm_kernel(node);
    }

    fn receive_ip(&mut self, port: PortId, frame: FrameId) {
        let (node, from) = (self.nic(port).node, self.frames.from(frame));
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        };
        let (dst, protocol) = (packet.dst(), packet.protocol());
        if !packet.verify_checksum() {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        }
        let cvm = self.setup.cvm_of(node);
        let listens =
            cvm.is_some_and(|cvm| self.machines[usize::from(cvm.0)].listens(port, protocol.0, dst.into()));
        if dst.is_multicast() || dst.is_broadcast() {
            return match cvm {
                Some(cvm) if listens => {
                    self.queue_for_program(cvm, port, Socket::Packets(Family::Ipv4), frame);
                }
                _ => self.frames.let_go(frame),
            };
        }
        if !self.node_holds(node, dst.into()) {
            return self.lose(from, frame, Some(port), Loss::NotHeld);
        }
        if self.filters(node, dst.into()) {
            return self.lose(from, frame, Some(port), Loss::Filtered);
        }
        match cvm {
            _ if protocol == ipv4::Protocol::ICMP => self.receive_icmp(port, frame),
            _ if protocol == ipv4::Protocol::TCP => self.receive_tcp(port, frame),
            Some(cvm) if listens => self.queue_for_program(cvm, port, Socket::Packets(Family::Ipv4), frame),
            _ => {
                self.send_unreachable(port, frame);
                self.lose(from, frame, Some(port), Loss::NoListener);
            }
        }
    }

    /// Whether a packet filter drops what is sent to an address.
    pub(super) fn filters(&self, node: NodeId, address: IpAddr) -> bool {
        self.kernels[usize::from(node.0)].filtered.contains(&address)
    }

    fn receive_icmp(&mut self, port: PortId, frame: FrameId) {
        let bytes = self.frames.bytes(frame);
        let mut message = [0; ICMP_MAX];
        let Some((header, len)) = answer_to(&bytes[ethernet::HEADER_LEN..], &mut message) else {
            let sent = echo_time(&bytes[ethernet::HEADER_LEN..]);
            self.frames.let_go(frame);
            return self.client_answered(self.nic(port).node, sent);
        };
        self.frames.let_go(frame);
        self.send_from_kernel(port, &header, &message[..len], Kind::Probe);
    }

    /// Measured (c22): an advertisement to a live host without a VRRP process draws this, each time. A datagram draws that
    /// nobody has its port (RFC 1122 section 4.1.3.1).
    fn send_unreachable(&mut self, port: PortId, frame: FrameId) {
        let Ok(packet) = ipv4::Packet::new(&self.frames.bytes(frame)[ethernet::HEADER_LEN..]) else { return };
        let what = match packet.protocol() {
            ipv4::Protocol::UDP => icmp::Unreachable::PORT,
            _ => icmp::Unreachable::PROTOCOL,
        };
        let error = icmp::Repr::unreachable(what, packet.as_bytes());
        let mut message = [0; ICMP_MAX];
        let len = error.len();
        error.emit(&mut message[..len]);
        let header = icmp_header(packet.dst(), packet.src(), len);
        self.send_from_kernel(port, &header, &message[..len], Kind::Other);
    }

    /// Does what is due in a kernel.
    pub(super) fn run_kernel(&mut self, node: NodeId) {
        let now = self.now;
        let kernel = self.kernel(node);
        if !kernel.powered || kernel.paused {
            return;
        }
        for port in self.ports_of(node) {
            if self.nic(port).neighbours.deadline() <= now {
                self.run_neighbour_timers(port);
            }
        }
        while let Some(install) = self.kernel(node).installs.pop_front_if(|i| i.done <= now) {
            self.finish_install(node, install, false);
        }
        while let Some(install) = self.kernel(node).tampers.pop_front_if(|i| i.done <= now) {
            self.finish_install(node, install, true);
        }
        while let Some((_, route)) = self.kernel(node).route_tampers.pop_front_if(|(done, _)| *done <= now) {
            self.lose_route(node, route);
        }
        self.end_leases(node);
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.send_outbox(cvm);
        }
        self.arm_kernel(node);
    }

    fn run_neighbour_timers(&mut self, port: PortId) {
        let mut wants = std::mem::take(&mut self.neighbour_wants);
        let now = self.now;
        let nic = self.nic_mut(port);
        let node = nic.node;
        nic.neighbours.run_timers(now, &mut wants);
        for want in wants.drain(..) {
            match want {
                Want::Ask { address, to, waiting } => self.ask(port, address, to, waiting),
                Want::GiveUp { address, waiting } => {
                    self.report(self.who(port), What::Neighbour { node, address, mac: None });
                    for frame in waiting {
                        self.lose(port, frame, None, Loss::Unresolved);
                    }
                }
            }
        }
        self.neighbour_wants = wants;
    }

    /// The carrier comes or goes.
    pub(super) fn set_carrier(&mut self, port: PortId, up: bool) {
        let nic = self.nic_mut(port);
        if nic.carrier == up || !nic.attached {
            return;
        }
        nic.carrier = up;
        let (node, interface) = (nic.node, nic.interface());
        self.report(self.who(port), What::Carrier(node, up));
        if !up {
            self.flush_neighbours(port, Loss::NoCarrier);
        }
        if let Some(cvm) = self.setup.cvm_of(node) {
            self.signal_link(cvm, interface, up);
        }
    }

    /// An interface is plugged into a machine, which then has it, with its own addresses and a link.
    pub(super) fn attach(&mut self, node: NodeId, eni: EniIndex) {
        let port = self.setup.port_of(node, eni);
        let setup = Arc::clone(&self.setup);
        let (Some(eni), nic) = (setup.enis_of(node).nth(usize::from(eni.0)), self.nic_mut(port)) else {
            return;
        };
        if nic.attached {
            return;
        }
        (nic.attached, nic.carrier) = (true, true);
        eni.addresses().for_each(|own| nic.add(own));
        if let Some(cvm) = setup.cvm_of(node) {
            self.signal_attached(cvm, port);
        }
    }

    /// An interface is taken out of its machine: no link, and no address is on it any more.
    pub(super) fn unplug_for_good(&mut self, port: PortId) {
        let node = self.nic(port).node;
        self.set_carrier(port, false);
        self.clear_addresses(port);
        let kernel = self.kernel(node);
        kernel.installs.retain(|one| one.port != port);
        kernel.tampers.retain(|one| one.port != port);
        self.nic_mut(port).attached = false;
        self.arm_kernel(node);
    }

    /// The interface's table and what the switch knows of its port are gone.
    fn flush_neighbours(&mut self, port: PortId, cause: Loss) {
        for frame in self.nic_mut(port).neighbours.flush() {
            self.lose(port, frame, None, cause);
        }
        let lan = usize::from(self.nic(port).subnet);
        if let Some(switch) = self.switches.get_mut(lan) {
            switch.forget(port);
        }
    }

    /// Power is gone: nothing the kernel knew is left.
    pub(super) fn forget_everything(&mut self, node: NodeId) {
        let kernel = self.kernel(node);
        kernel.powered = false;
        kernel.paused = false;
        kernel.installs.clear();
        kernel.leases.clear();
        kernel.filtered.clear();
        kernel.tampers.clear();
        kernel.route_tampers.clear();
        let (ring, routes) = (std::mem::take(&mut kernel.ring), std::mem::take(&mut kernel.routes));
        if let Some(cvm) = self.setup.cvm_of(node) {
            routes.iter().for_each(|route| self.report_route(cvm, route, false));
        }
        for port in self.ports_of(node) {
            let index = self.nic(port).index;
            let own: Vec<IpNet> = self
                .setup
                .enis_of(node)
                .nth(usize::from(index.0))
                .filter(|_| self.nic(port).attached)
                .into_iter()
                .flat_map(EniSetup::addresses)
                .collect();
            let had = self.nic_mut(port).reset(own.clone());
            for address in had.into_iter().filter(|a| !own.contains(a)) {
                self.report(
                    self.who(port),
                    What::Held { node, address: address.addr(), held: false, ran_out: false },
                );
            }
        }
        for (port, frame) in ring {
            self.lose(self.frames.from(frame), frame, Some(port), Loss::DiedInQueue);
        }
        for port in self.ports_of(node) {
            self.flush_neighbours(port, Loss::DiedInQueue);
        }
    }

    /// Has a kernel woken when it next has something to do.
    pub(super) fn arm_kernel(&mut self, node: NodeId) {
        let kernel = &self.kernels[usize::from(node.0)];
        if kernel.paused || !kernel.powered {
            return;
        }
        let next = self.kernel_due(node, |_| true);
        self.wake(self.instant(next), Due::Kernel(node));
    }

    /// When a kernel next has something to do, of leases to end those that count.
    pub(super) fn kernel_due(&self, node: NodeId, counts: impl Fn(&Lease) -> bool) -> Time {
        let outbox = self.setup.cvm_of(node).and_then(|cvm| self.outbox_due(cvm)).unwrap_or(Time::MAX);
        let kernel = &self.kernels[usize::from(node.0)];
        let due = |all: &VecDeque<Install>| all.front().map_or(Time::MAX, |i| i.done);
        let route = kernel.route_tampers.front().map_or(Time::MAX, |(done, _)| *done);
        let install = due(&kernel.installs).min(due(&kernel.tampers)).min(route);
        let lease = kernel.leases.iter().filter(|lease| counts(lease)).map(|lease| lease.ends).min();
        let neighbours = self.nics[usize::from(node.0)].neighbours.deadline();
        let next = neighbours.min(install).min(outbox).min(lease.unwrap_or(Time::MAX));
        if kernel.more.1 == 0 {
            return next;
        }
        let more = self.ports_of(node).skip(1).map(|port| self.nic(port).neighbours.deadline());
        next.min(more.min().unwrap_or(Time::MAX))
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
        icmp::Repr::EchoReply { data, .. } => time_in(data),
        _ => None,
    }
}

/// The time that an echo carries.
pub(super) fn time_in(data: &[u8]) -> Option<Time> {
    Some(Time::from_nanos(u64::from_be_bytes(data.get(..8)?.try_into().ok()?)))
}
