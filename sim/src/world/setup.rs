//! What a run is made of and never changes: names, topology, configurations.
//!
//! Immutable and shared: a fork of a run copies its state and shares this.

use std::net::Ipv4Addr;
use std::sync::Arc;

use havip::config::Config;
use havip::files::Files;
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use ipnet::Ipv4Net;

use super::act::Act;

/// A machine or a client: whatever has a kernel. Machines come first, in file order, then clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// A machine (a CVM): a node that runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CvmId(pub u16);

/// A client: a node that probes an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u16);

/// A configuration file named in a `reload`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u16);

/// A HAVIP of the cloud, by its place in [`Setup::havips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HavipId(pub u16);

/// Everything about a run that is known before it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The scenario's name.
    pub name: String,
    /// How long it runs.
    pub run: Duration,
    /// What all chance is a hash of.
    pub seed: u64,
    /// The quantum of time: every event is at a multiple of it.
    pub tick: Duration,
    /// Whether the host table is on (`host exact` switches it off).
    pub host_exact: bool,
    /// What connects the nodes.
    pub segment: Segment,
    /// HAVIPs of the cloud; none on a lan.
    pub havips: Vec<HavipSetup>,
    /// How long a binding takes to follow its claim: shortest and longest.
    pub bind_delay: (Duration, Duration),
    /// Machines.
    pub cvms: Vec<CvmSetup>,
    /// Clients.
    pub clients: Vec<ClientSetup>,
    /// Files that `reload` names: the text and what it was called.
    pub files: Vec<Arc<Files>>,
    /// The script, in time order; acts of one instant in file order.
    pub acts: Vec<TimedAct>,
}

/// An act, when, and where it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedAct {
    /// The instant.
    pub at: Time,
    /// What is done.
    pub act: Act,
    /// The script's line, from 1.
    pub line: u32,
}

/// What connects the nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A learning switch: any address may be claimed.
    Lan(Subnet),
    /// A VPC: no broadcast, no multicast; forwarding by destination address; only HAVIPs may be claimed.
    Vpc {
        /// The VPC's own range.
        net: Ipv4Net,
        /// Its subnets.
        subnets: Vec<Subnet>,
    },
}

/// An address range and how long a frame takes in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// `172.16.16.0/24`.
    pub net: Ipv4Net,
    /// Latency end to end: shortest and longest.
    pub latency: (Duration, Duration),
}

/// A HAVIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HavipSetup {
    /// Its address.
    pub address: Ipv4Addr,
    /// Which subnet it belongs to: an index into the VPC's.
    pub subnet: u16,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct CvmSetup {
    /// Its name in the script; keepalived's `-i` id as well.
    pub name: String,
    /// Its network interface.
    pub eni: EniSetup,
    /// Off at the start.
    pub off: bool,
    /// What runs on it.
    pub program: ProgramSetup,
}

/// A network interface: `eth0` of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EniSetup {
    /// Its own address, with the prefix length of its subnet.
    pub address: Ipv4Net,
    /// Its hardware address.
    pub mac: Mac,
    /// Which subnet it is in: an index into the VPC's; 0 on a lan.
    pub subnet: u16,
}

/// Which program a machine runs, and on what files.
#[derive(Clone, Debug)]
pub enum ProgramSetup {
    /// The agent, as keepalived 2.2.7 was measured to behave.
    Keepalived {
        /// As the script names it.
        file: String,
        /// The files it reads.
        files: Arc<Files>,
        /// `with key=value`: overrides of scalars of the file.
        with: Vec<(String, String)>,
        /// What the file means for this machine, for whoever wants to look: parsed once, the same the
        /// program will find.
        config: Arc<Config>,
        /// What is wrong with the file, a line each, errors first; shown in the record.
        diagnoses: Vec<String>,
    },
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSetup {
    /// Its name in the script.
    pub name: String,
    /// Its network interface.
    pub eni: EniSetup,
    /// The address it probes.
    pub target: Ipv4Addr,
    /// How often.
    pub every: Duration,
}

impl Setup {
    /// The node of a machine.
    pub fn node_of_cvm(&self, cvm: CvmId) -> NodeId {
        NodeId(cvm.0)
    }
    /// The node of a client.
    pub fn node_of_client(&self, client: ClientId) -> NodeId {
        NodeId(self.cvms.len() as u16 + client.0)
    }
    /// The machine of a node, if it is one.
    pub fn cvm_of(&self, node: NodeId) -> Option<CvmId> {
        (usize::from(node.0) < self.cvms.len()).then_some(CvmId(node.0))
    }
    /// How many nodes there are.
    pub fn nodes(&self) -> usize {
        self.cvms.len() + self.clients.len()
    }
    /// A node's name in the script.
    pub fn name_of(&self, node: NodeId) -> &str {
        let (i, n) = (usize::from(node.0), self.cvms.len());
        if i < n { &self.cvms[i].name } else { &self.clients[i - n].name }
    }
    /// A node's network interface.
    pub fn eni_of(&self, node: NodeId) -> &EniSetup {
        let (i, n) = (usize::from(node.0), self.cvms.len());
        if i < n { &self.cvms[i].eni } else { &self.clients[i - n].eni }
    }
    /// The longest that a frame takes anywhere, end to end.
    pub fn longest_latency(&self) -> Duration {
        match &self.segment {
            Segment::Lan(lan) => lan.latency.1,
            Segment::Vpc { subnets, .. } => subnets.iter().map(|s| s.latency.1).max().unwrap_or_default(),
        }
    }
    /// How many decimals a time of this run has: those of the tick, never more.
    pub fn digits(&self) -> u8 {
        let mut nanos = self.tick.as_nanos();
        let mut digits = 9;
        while digits > 0 && nanos > 0 && nanos.is_multiple_of(10) {
            nanos /= 10;
            digits -= 1;
        }
        digits
    }
}
