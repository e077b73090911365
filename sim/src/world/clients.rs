//! Clients: each probes an address on its period, by a ping that passes resolver, link, switch and kernel.

use havip::time::Time;
use havip::wire::icmp;

use super::act::Kind;
use super::kernel::icmp_header;
use super::queue::Due;
use super::report::{What, Who};
use super::setup::{ClientId, NodeId};
use super::state::World;

/// A client's own state: how many probes it has sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    sequence: u16,
}

impl World {
    /// A client's first probe is due one period after the beginning.
    pub(super) fn start_client(&mut self, client: ClientId) {
        let first = self.instant(self.now + self.setup.clients[usize::from(client.0)].every);
        self.wake(first, Due::Client(client));
    }

    /// Sends a probe and waits for the next.
    pub(super) fn run_client(&mut self, client: ClientId) {
        let index = usize::from(client.0);
        let node = self.setup.node_of_client(client);
        let (target, every) = (self.setup.clients[index].target, self.setup.clients[index].every);
        let sequence = self.clients[index].sequence;
        self.clients[index].sequence = sequence.wrapping_add(1);
        self.report(Who::Node(node), What::Probed { client });

        let data = self.now.as_nanos().to_be_bytes();
        let request = icmp::Repr::EchoRequest { identifier: client.0, sequence, data: &data };
        let mut message = [0; icmp::HEADER_LEN + 8];
        request.emit(&mut message);
        let source = self.kernels[usize::from(node.0)].own.addr();
        self.send_from_kernel(node, &icmp_header(source, target, message.len()), &message, Kind::Probe);
        self.wake(self.now + every, Due::Client(client));
    }

    /// An echo reply reached a node; machines do not ask for any.
    pub(super) fn client_answered(&mut self, node: NodeId, sent: Option<Time>) {
        let Some(index) = usize::from(node.0).checked_sub(self.setup.cvms.len()) else { return };
        if let Some(sent) = sent {
            self.report(Who::Node(node), What::Answered { client: ClientId(index as u16), sent });
        }
    }
}
