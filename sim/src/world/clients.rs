//! Clients: each probes an address on its period, by a ping that passes resolver, link, switch and kernel, or a port of
//! it, by half of TCP's handshake that passes the service as well.
//!
//! A client that probes a port sends a SYN and wants a SYN and ACK; a reset is a refusal, no answer. Nobody goes on with
//! the connection.

use std::net::IpAddr;

use havip::time::Time;
use havip::wire::ethernet::{self, EtherType};
use havip::wire::{icmp, icmpv6, ipv4, ipv6, tcp};

use super::act::{Health, Kind};
use super::frames::PortId;
use super::kernel::icmp_header;
use super::queue::Due;
use super::report::{FrameId, Loss, What, Who};
use super::setup::{ClientId, NodeId};
use super::state::World;

/// The first port that a connection of Linux leaves from, and how many there are (`ip_local_port_range`).
const FIRST_PORT: u16 = 32_768;
const PORTS: u16 = 28_232;

/// A client's own state.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    /// How many probes it has sent.
    pub(super) sequence: u32,
    /// When it sent the last one.
    pub(super) probed: Option<Time>,
    /// When it sent the last one that was answered.
    pub(super) answered: Option<Time>,
    /// A probe is under way as a frame, or was lost as one: what becomes of it is not known yet.
    pub(super) is_unsure: bool,
    /// When the answer to the last one comes, which was asked.
    pub(super) answer_due: Option<Time>,
    /// Which machine its probes go to.
    pub(super) reached: Option<NodeId>,
    /// Since when.
    reached_at: Time,
    /// Why it got no further, if it is one of the internet, since it was answered last.
    pub(super) no_way: Option<Loss>,
}

impl World {
    /// A client's first probe is due one period after the beginning.
    pub(super) fn start_client(&mut self, client: ClientId) {
        let first = self.instant(self.now + self.setup.clients[usize::from(client.0)].every);
        self.wake(first, Due::Client(client));
    }

    /// Probes, and waits for the next probe: either one frame is sent, or all probes whose fate is certain are asked. Or
    /// the answer comes to one that was asked.
    pub(super) fn run_client(&mut self, client: ClientId) {
        let next = self.take_asked_answer(client).or_else(|| self.ask_probes(client));
        let next = next.unwrap_or_else(|| {
            self.send_probe(client);
            self.now + self.setup.clients[usize::from(client.0)].every
        });
        self.wake(next, Due::Client(client));
    }

    fn send_probe(&mut self, client: ClientId) {
        let index = usize::from(client.0);
        let node = self.setup.node_of_client(client);
        let target = self.setup.clients[index].target;
        let sequence = self.clients[index].sequence;
        self.clients[index].sequence = sequence.wrapping_add(1);
        self.clients[index].probed = Some(self.now);
        self.clients[index].is_unsure = true;
        self.report(Who::Node(node), What::Probed { client });

        let port = PortId::of(node);
        if let (Some(to), Some(source)) = (self.setup.clients[index].port, self.nic(port).source_for(target))
        {
            let from = FIRST_PORT + (sequence % u32::from(PORTS)) as u16;
            return self.send_segment(port, source, target, &tcp::Repr::syn(from, to, sequence));
        }
        let data = self.now.as_nanos().to_be_bytes();
        let (identifier, sequence) = (client.0, sequence as u16);
        let mut message = [0; icmp::HEADER_LEN + 8];
        match (self.nic(port).source_for(target), target) {
            (Some(IpAddr::V4(source)), IpAddr::V4(target)) => {
                icmp::Repr::EchoRequest { identifier, sequence, data: &data }.emit(&mut message);
                self.send_from_kernel(
                    port,
                    &icmp_header(source, target, message.len()),
                    &message,
                    Kind::Probe,
                );
            }
            (Some(IpAddr::V6(source)), IpAddr::V6(target)) => {
                let request = icmpv6::Repr::EchoRequest { identifier, sequence, data: &data };
                self.send_icmpv6(port, &request, source, target, Kind::Probe);
            }
            _ => {} // validated before a run: a client of an IPv6 address has one
        }
    }

    /// Sends a segment of a probe, or of its answer.
    fn send_segment(&mut self, port: PortId, src: IpAddr, dst: IpAddr, segment: &tcp::Repr) {
        let mut bytes = [0; tcp::HEADER_LEN];
        segment.emit(&mut bytes, src, dst);
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                self.send_from_kernel(port, &segment.header(src, dst), &bytes, Kind::Probe);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let header = segment.header_v6(src, dst);
                let mut packet = [0; ipv6::HEADER_LEN + tcp::HEADER_LEN];
                header.emit(&mut packet).copy_from_slice(&bytes);
                let port = self.port_towards(port, dst.into());
                let frame = self.frame_packet(port, &packet, Kind::Probe);
                self.send_packet(port, frame, false);
            }
            _ => {} // a source is of the family of what it is for
        }
    }

    /// A TCP segment reached a node that has the address: a machine answers for its services, a client is answered.
    pub(super) fn receive_tcp(&mut self, port: PortId, frame: FrameId) {
        let (node, from) = (self.nic(port).node, self.frames.from(frame));
        let Some((src, dst, segment)) = read_segment(self.frames.bytes(frame)) else {
            return self.lose(from, frame, Some(port), Loss::Malformed);
        };
        let Some(cvm) = self.setup.cvm_of(node) else {
            self.frames.let_go(frame);
            let client = usize::from(node.0) - self.setup.cvms.len();
            let asked = &self.setup.clients[client];
            if segment.flags == tcp::Flags::SYN_ACK && asked.port == Some(segment.src_port) {
                // Probes are numbered from the first on, which is sent one period after the beginning.
                let sent = Time::ZERO + asked.every * u64::from(segment.acknowledgment);
                self.client_answered(node, Some(sent));
            }
            return;
        };
        let health = self.health_of(cvm, segment.dst_port);
        match segment.answer(health == Health::Alive) {
            Some(_) if health == Health::Hung => {
                self.lose(from, frame, Some(port), Loss::ServiceHangs);
            }
            Some(answer) => {
                self.frames.let_go(frame);
                self.send_segment(port, dst, src, &answer);
            }
            None => self.frames.let_go(frame),
        }
    }

    /// A probe, or its answer, reached a node's network card.
    pub(super) fn note_reached(&mut self, from: PortId, node: NodeId) {
        let machines = self.setup.cvms.len();
        let Some(client) = self.node_of(from).and_then(|n| usize::from(n.0).checked_sub(machines)) else {
            return;
        };
        let state = &mut self.clients[client];
        // Of two machines that probes reach at one instant the last in the order of reports counts.
        let overtaken = state.reached_at == self.now && state.reached > Some(node);
        if usize::from(node.0) < machines && state.reached != Some(node) && !overtaken {
            (state.reached, state.reached_at) = (Some(node), self.now);
            let client = ClientId(client as u16);
            self.report(Who::Node(node), What::Reached { client, node });
        }
    }

    /// An echo reply reached a node; machines do not ask for any.
    pub(super) fn client_answered(&mut self, node: NodeId, sent: Option<Time>) {
        let Some(index) = usize::from(node.0).checked_sub(self.setup.cvms.len()) else { return };
        if let Some(sent) = sent {
            let state = &mut self.clients[index];
            state.answered = state.answered.max(Some(sent));
            state.is_unsure = state.probed != state.answered;
            state.no_way = None;
            self.report(Who::Node(node), What::Answered { client: ClientId(index as u16), sent });
        }
    }
}

/// A segment in a frame of either family: where it comes from, where it goes, what it says.
fn read_segment(frame: &[u8]) -> Option<(IpAddr, IpAddr, tcp::Repr)> {
    let eth = ethernet::Frame::new(frame).ok()?;
    let (src, dst, payload): (IpAddr, IpAddr, _) = match eth.ethertype() {
        EtherType::IPV6 => {
            let packet = ipv6::Packet::new(eth.payload()).ok()?;
            (packet.src().into(), packet.dst().into(), packet.payload())
        }
        _ => {
            let packet = ipv4::Packet::new(eth.payload()).ok()?;
            (packet.src().into(), packet.dst().into(), packet.payload())
        }
    };
    let segment = tcp::Packet::new(payload).ok()?;
    Some((src, dst, tcp::Repr::parse(&segment, src, dst).ok()?))
}
