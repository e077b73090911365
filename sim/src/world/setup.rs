//! What a run is made of and never changes: names, topology, configurations.
//!
//! Immutable and shared: a fork of a run copies its state and shares this.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use havip::config::Config;
use havip::files::Files;
use havip::profile::Profile;
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::act::Act;
use super::console::ConsoleAct;

/// A machine or a client: whatever has a kernel. Machines come first, in file order, then clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// Which of a node's network interfaces, from 0: `eth0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EniIndex(pub u8);

impl EniIndex {
    /// The one that every node has: `eth0`.
    pub const ETH0: EniIndex = EniIndex(0);
}

/// A network interface among all of them, or the cloud's own port.
///
/// The first interface of a node has the node's number. Further ones follow behind the last node, by machine, so
/// that one interface more changes the number of no other, nor the chances that are drawn by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortId(pub u16);

impl PortId {
    /// The cloud's own port.
    pub const CLOUD: PortId = PortId(u16::MAX);
    /// The port of a node's first interface.
    pub const fn of(node: NodeId) -> PortId {
        PortId(node.0)
    }
}

/// A machine (a CVM): a node that runs a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CvmId(pub u16);

/// A client: a node that probes an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u16);

/// A configuration file named in a `reload`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u16);

/// A text that acts or expectations name, by its place in [`Setup::texts`]: a script's name, a file's, what stands in
/// a file, what a program tells others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TextId(pub u16);

/// A service, by its place in [`Setup::services`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceId(pub u16);

/// A HAVIP of the cloud, by its place in [`Setup::havips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HavipId(pub u16);

/// An elastic IP of the cloud, by its place in [`Setup::eips`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EipId(pub u16);

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
    /// Its elastic IPs.
    pub eips: Vec<EipSetup>,
    /// What stands in the cloud's console from the start: drift ranges and security groups.
    pub console: Vec<ConsoleAct>,
    /// How long a binding takes to follow its claim: shortest and longest.
    pub bind_delay: (Duration, Duration),
    /// Machines.
    pub cvms: Vec<CvmSetup>,
    /// Clients.
    pub clients: Vec<ClientSetup>,
    /// What machines offer to clients.
    pub services: Vec<ServiceSetup>,
    /// Scripts that look at a service of their own machine.
    pub checks: Vec<CheckSetup>,
    /// Files that `reload` names: the text and what it was called.
    pub files: Vec<Arc<Files>>,
    /// What each of them means for the machines that are told to read it.
    pub reloads: Vec<Reload>,
    /// What acts and expectations name.
    pub texts: Arc<[String]>,
    /// The script, in time order; acts of one instant in file order.
    pub acts: Vec<TimedAct>,
    /// A flaw is planted, for whoever wants to know whether his checks find one: a machine whose program has just gone
    /// on after standing still forgets to take addresses off, under one seed of three.
    pub canary: bool,
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
    /// Learning switches that have nothing to do with each other, one for each range: any address may be claimed.
    Lan(Vec<Subnet>),
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
    /// `fd00:16::/64`, where IPv6 is spoken beyond the link.
    pub ipv6: Option<Ipv6Net>,
    /// Latency end to end: shortest and longest.
    pub latency: (Duration, Duration),
}

/// A HAVIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HavipSetup {
    /// Its address.
    pub address: IpAddr,
    /// Which subnet it belongs to: an index into the VPC's.
    pub subnet: u16,
    /// It is not there at the start, until somebody applies for it.
    pub off: bool,
}

/// An elastic IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EipSetup {
    /// Its public address.
    pub address: Ipv4Addr,
    /// The HAVIP that it is bound to at the start.
    pub havip: Option<HavipId>,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct CvmSetup {
    /// Its name in the script; keepalived's `-i` id as well.
    pub name: String,
    /// Its first network interface.
    pub eni: EniSetup,
    /// Its further ones.
    pub more: Vec<EniSetup>,
    /// Off at the start.
    pub off: bool,
    /// What runs on it.
    pub program: ProgramSetup,
}

/// A network interface of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EniSetup {
    /// What the machine calls it: `eth0`.
    pub name: String,
    /// Its own address, with the prefix length of its subnet.
    pub address: Ipv4Net,
    /// Its own IPv6 address besides the link-local one, with the prefix length of its subnet.
    pub ipv6: Option<Ipv6Net>,
    /// Its hardware address.
    pub mac: Mac,
    /// Which subnet it is in: an index into the VPC's, or into the lans; [`Setup::INTERNET`] where it is in none.
    pub subnet: u16,
    /// Not there at the start.
    pub off: bool,
}

/// Which program a machine runs, and on what files.
#[derive(Clone, Debug)]
pub enum ProgramSetup {
    /// The agent.
    Agent {
        /// Whose behaviour it has.
        profile: Profile,
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

/// What a file means for a machine that is told to read it.
#[derive(Clone, Debug)]
pub struct Reload {
    /// Which machine.
    pub cvm: CvmId,
    /// Which file.
    pub file: FileId,
    /// What it means.
    pub config: Arc<Config>,
}

/// A service: something that accepts connections on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceSetup {
    /// Its name in the script.
    pub name: String,
    /// Its TCP port.
    pub port: u16,
    /// The machines it runs on.
    pub on: Vec<CvmId>,
}

/// A `vrrp_script` that looks at a service: it exits with 0 while that is alive, with 1 when it is dead, and does not
/// end while it hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckSetup {
    /// The script's name in the configurations.
    pub script: String,
    /// The service.
    pub service: ServiceId,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSetup {
    /// Its name in the script.
    pub name: String,
    /// Its network interface.
    pub eni: EniSetup,
    /// The address it probes.
    pub target: IpAddr,
    /// The TCP port it asks for a connection; without one, it pings.
    pub port: Option<u16>,
    /// How often.
    pub every: Duration,
    /// One of the internet, and how long a packet takes from there or to there; it probes an elastic IP.
    pub internet: Option<(Duration, Duration)>,
}

impl Setup {
    /// The subnet of interfaces that are in none: those of the internet.
    pub const INTERNET: u16 = u16::MAX;

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
    /// A node's first network interface.
    pub fn eni_of(&self, node: NodeId) -> &EniSetup {
        let (i, n) = (usize::from(node.0), self.cvms.len());
        if i < n { &self.cvms[i].eni } else { &self.clients[i - n].eni }
    }
    /// All network interfaces of a node.
    pub fn enis_of(&self, node: NodeId) -> impl Iterator<Item = &EniSetup> {
        let more = self.cvms.get(usize::from(node.0)).map_or(&[][..], |cvm| &cvm.more);
        std::iter::once(self.eni_of(node)).chain(more)
    }
    /// All network interfaces, in the order of their ports.
    pub fn ports(&self) -> impl Iterator<Item = (NodeId, EniIndex, &EniSetup)> {
        let first = (0..self.nodes() as u16).map(|n| (NodeId(n), EniIndex::ETH0, self.eni_of(NodeId(n))));
        let more = self.cvms.iter().zip(0..).flat_map(|(cvm, n)| {
            cvm.more.iter().zip(1..).map(move |(eni, index)| (NodeId(n), EniIndex(index), eni))
        });
        first.chain(more)
    }
    /// The port of a node's interface.
    pub fn port_of(&self, node: NodeId, eni: EniIndex) -> PortId {
        match eni {
            EniIndex::ETH0 => PortId::of(node),
            EniIndex(index) => {
                let before =
                    self.cvms.iter().take(usize::from(node.0)).map(|cvm| cvm.more.len()).sum::<usize>();
                PortId((self.nodes() + before) as u16 + u16::from(index) - 1)
            }
        }
    }
    /// What a node's interface is called in the script: `a.eth1`; the first one by its node's name alone.
    pub fn eni_name(&self, node: NodeId, eni: EniIndex) -> String {
        match (eni, self.enis_of(node).nth(usize::from(eni.0))) {
            (EniIndex(1..), Some(setup)) => format!("{}.{}", self.name_of(node), setup.name),
            _ => self.name_of(node).to_owned(),
        }
    }
    /// Whose own address it is, if it is somebody's.
    pub fn owner_of(&self, address: IpAddr) -> Option<(NodeId, EniIndex)> {
        self.ports().find(|(_, _, eni)| eni.has(address)).map(|(node, index, _)| (node, index))
    }
    /// Which HAVIP an address is.
    pub fn havip_of(&self, address: IpAddr) -> Option<HavipId> {
        self.havips.iter().position(|havip| havip.address == address).map(|i| HavipId(i as u16))
    }
    /// Which elastic IP an address is.
    pub fn eip_of(&self, address: IpAddr) -> Option<EipId> {
        self.eips.iter().position(|eip| eip.address == address).map(|i| EipId(i as u16))
    }
    /// Whether an address is one of a node's own.
    pub fn owns(&self, node: NodeId, address: IpAddr) -> bool {
        self.enis_of(node).any(|eni| eni.has(address))
    }
    /// A text by its number; nothing where there is none.
    pub fn text(&self, text: TextId) -> &str {
        self.texts.get(usize::from(text.0)).map_or("", String::as_str)
    }
    /// What a machine's program runs with: its own file, or that of a `reload`.
    pub fn config_of(&self, cvm: CvmId, file: Option<FileId>) -> Option<&Arc<Config>> {
        match file {
            None => {
                let ProgramSetup::Agent { config, .. } = &self.cvms.get(usize::from(cvm.0))?.program;
                Some(config)
            }
            Some(file) => {
                self.reloads.iter().find(|r| (r.cvm, r.file) == (cvm, file)).map(|reload| &reload.config)
            }
        }
    }
    /// The profile that every machine's program has, if it is one.
    pub fn profile(&self) -> Option<Profile> {
        let mut all = self.cvms.iter().map(|cvm| {
            let ProgramSetup::Agent { profile, .. } = cvm.program;
            profile
        });
        let first = all.next()?;
        all.all(|profile| profile == first).then_some(first)
    }
    /// The longest that a frame takes anywhere, end to end.
    pub fn longest_latency(&self) -> Duration {
        let (Segment::Lan(subnets) | Segment::Vpc { subnets, .. }) = &self.segment;
        let far = self.clients.iter().filter_map(|client| client.internet);
        subnets.iter().map(|s| s.latency.1).chain(far.map(|latency| latency.1)).max().unwrap_or_default()
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

impl EniSetup {
    /// Its own addresses: IPv4, IPv6 where its subnet has it, and the link-local one.
    pub fn addresses(&self) -> impl Iterator<Item = IpNet> {
        let link_local = Ipv6Net::new(link_local(self.mac), 64).map(IpNet::V6);
        [Some(IpNet::V4(self.address)), self.ipv6.map(IpNet::V6), link_local.ok()].into_iter().flatten()
    }
    /// Whether an address is its own.
    pub fn has(&self, address: IpAddr) -> bool {
        self.addresses().any(|own| own.addr() == address)
    }
}

/// The address that every interface has on its own link (RFC 4291, appendix A): the hardware address with `ff:fe`
/// in its middle and the universal bit turned. Linux makes it so unless told otherwise (`addr_gen_mode` 0).
pub fn link_local(mac: Mac) -> Ipv6Addr {
    let Mac([a, b, c, d, e, f]) = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_local_address_is_that_of_the_captured_frames() {
        // Case d01: 02:00:00:00:00:05 advertises from fe80::ff:fe00:5.
        let expected: Ipv6Addr = "fe80::ff:fe00:5".parse().unwrap();
        assert_eq!(link_local(Mac([2, 0, 0, 0, 0, 5])), expected);
    }
}
