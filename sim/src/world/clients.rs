//! Clients: each probes an address on its period, by a ping that passes resolver, link, switch and kernel.

use havip::time::Time;
use havip::wire::icmp;

use super::act::Kind;
use super::frames::PortId;
use super::kernel::icmp_header;
use super::queue::Due;
use super::report::{What, Who};
use super::setup::{ClientId, NodeId};
use super::state::World;

/// A client's own state.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    /// How many probes it has sent.
    pub(super) sequence: u16,
    /// When it sent the last one.
    pub(super) probed: Option<Time>,
    /// When it sent the last one that was answered.
    pub(super) answered: Option<Time>,
    /// Which machine its probes go to.
    pub(super) reached: Option<NodeId>,
}

impl World {
    /// A client's first probe is due one period after the beginning.
    pub(super) fn start_client(&mut self, client: ClientId) {
        let first = self.instant(self.now + self.setup.clients[usize::from(client.0)].every);
        self.wake(first, Due::Client(client));
    }

    /// Probes, and waits for the next probe: either one frame is sent, or all probes whose fate is certain are asked.
    pub(super) fn run_client(&mut self, client: ClientId) {
        let next = match self.ask_probes(client) {
            Some(next) => next,
            None => {
                self.send_probe(client);
                self.now + self.setup.clients[usize::from(client.0)].every
            }
        };
        self.wake(next, Due::Client(client));
    }

    fn send_probe(&mut self, client: ClientId) {
        let index = usize::from(client.0);
        let node = self.setup.node_of_client(client);
        let target = self.setup.clients[index].target;
        let sequence = self.clients[index].sequence;
        self.clients[index].sequence = sequence.wrapping_add(1);
        self.clients[index].probed = Some(self.now);
        self.report(Who::Node(node), What::Probed { client });

        let data = self.now.as_nanos().to_be_bytes();
        let request = icmp::Repr::EchoRequest { identifier: client.0, sequence, data: &data };
        let mut message = [0; icmp::HEADER_LEN + 8];
        request.emit(&mut message);
        let source = self.kernels[usize::from(node.0)].own.addr();
        self.send_from_kernel(node, &icmp_header(source, target, message.len()), &message, Kind::Probe);
    }

    /// A probe, or its answer, reached a node's network card.
    pub(super) fn note_reached(&mut self, from: PortId, node: NodeId) {
        let machines = self.setup.cvms.len();
        let Some(client) = from.node().and_then(|n| usize::from(n.0).checked_sub(machines)) else { return };
        if usize::from(node.0) < machines && self.clients[client].reached != Some(node) {
            self.clients[client].reached = Some(node);
            let client = ClientId(client as u16);
            self.report(Who::Node(node), What::Reached { client, node });
        }
    }

    /// An echo reply reached a node; machines do not ask for any.
    pub(super) fn client_answered(&mut self, node: NodeId, sent: Option<Time>) {
        let Some(index) = usize::from(node.0).checked_sub(self.setup.cvms.len()) else { return };
        if let Some(sent) = sent {
            self.clients[index].answered = self.clients[index].answered.max(Some(sent));
            self.report(Who::Node(node), What::Answered { client: ClientId(index as u16), sent });
        }
    }
}
