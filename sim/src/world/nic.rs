//! A network interface as its machine's kernel knows it, and which of a machine's interfaces a packet is for.

use std::net::IpAddr;

use havip::program::InterfaceId;
use havip::wire::ethernet::Mac;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::cloud_port::gateway_of;
use super::frames::PortId;
use super::neighbours::Neighbours;
use super::report::Who;
use super::setup::{EniIndex, EniSetup, NodeId, link_local};
use super::state::World;
use crate::cloud::key_of;

/// The kernel's index of the loopback.
pub(super) const LO: InterfaceId = InterfaceId(1);
/// The kernel's index of `eth0`.
pub(super) const ETH0: InterfaceId = InterfaceId(2);

/// One interface.
#[derive(Clone, Debug)]
pub(super) struct Nic {
    pub(super) node: NodeId,
    pub(super) index: EniIndex,
    pub(super) mac: Mac,
    /// Which subnet, or which lan.
    pub(super) subnet: u16,
    /// The interface's own address.
    pub(super) own: Ipv4Net,
    /// Its own IPv6 address besides the link-local one.
    own_v6: Option<Ipv6Net>,
    /// It is in the machine. One that is not has no carrier and no address.
    pub(super) attached: bool,
    pub(super) carrier: bool,
    /// Every address on it, its own first.
    addresses: Vec<IpNet>,
    /// `promote_secondaries`, off as the kernel has it (assumed; distributions with systemd switch it on).
    pub(super) promotes: bool,
    /// The same as numbers.
    keys: Vec<u128>,
    /// Whether its own address is on it: somebody may have deleted it.
    has_own: bool,
    pub(super) neighbours: Neighbours,
}

impl Nic {
    pub(super) fn new((node, index, eni): (NodeId, EniIndex, &EniSetup), neighbours: Neighbours) -> Self {
        let mut nic = Nic {
            node,
            index,
            mac: eni.mac,
            subnet: eni.subnet,
            own: eni.address,
            own_v6: eni.ipv6,
            attached: !eni.off,
            carrier: !eni.off,
            addresses: Vec::new(),
            promotes: false,
            keys: Vec::new(),
            has_own: false,
            neighbours,
        };
        if nic.attached {
            eni.addresses().for_each(|own| nic.add(own));
        }
        nic
    }
    /// Every address on it, its own first.
    pub(super) fn addresses(&self) -> &[IpNet] {
        &self.addresses
    }
    /// Puts an address on it that it does not have.
    pub(super) fn add(&mut self, net: IpNet) {
        self.addresses.push(net);
        self.renumber();
    }
    /// Takes an address off it, and says which go with it: the first one of an IPv4 subnet takes the subnet's others
    /// along, unless they are promoted (`__inet_del_ifa`).
    pub(super) fn remove(&mut self, address: IpAddr) -> Vec<IpAddr> {
        let found = self.addresses.iter().find(|net| net.addr() == address).map(IpNet::trunc);
        let in_subnet = |net: &IpNet| address.is_ipv4() && found == Some(net.trunc());
        let first = self.addresses.iter().find(|net| in_subnet(net)).map(IpNet::addr);
        let takes_along = !self.promotes && first == Some(address);
        let goes = |net: &IpNet| takes_along && in_subnet(net) && net.addr() != address;
        let along = self.addresses.iter().filter(|net| goes(net)).map(IpNet::addr).collect();
        self.addresses.retain(|net| net.addr() != address && !goes(net));
        self.renumber();
        along
    }
    /// Leaves only these; says which it had.
    pub(super) fn reset(&mut self, own: Vec<IpNet>) -> Vec<IpNet> {
        let had = std::mem::replace(&mut self.addresses, own);
        self.promotes = false;
        self.renumber();
        had
    }
    fn renumber(&mut self) {
        self.keys.clear();
        self.keys.extend(self.addresses.iter().map(|net| key_of(net.addr())));
        self.has_own = self.holds(self.own.addr().into());
    }
    /// Whether an address is on the interface.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let key = key_of(address);
        self.keys.contains(&key)
    }
    /// Whether its card takes in frames for a group. Groups of IPv6 that only some interfaces are in (solicited-node,
    /// 33:33:ff and three bytes of an address) are filtered; for the others the kernel looks at the packet.
    pub(super) fn hears(&self, group: Mac) -> bool {
        let Mac([0x33, 0x33, 0xff, low @ ..]) = group else { return true };
        let ends_so = |net: &IpNet| matches!(net.addr(), IpAddr::V6(own) if own.octets()[13..] == low);
        self.addresses.iter().any(ends_so)
    }
    /// Whether it is connected to an address: reaches it without a router.
    pub(super) fn reaches(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let [own, address, mask] = [self.own.addr(), address, self.own.netmask()].map(u32::from);
                (own ^ address) & mask == 0
            }
            IpAddr::V6(address) => {
                address.is_unicast_link_local() || self.own_v6.is_some_and(|own| own.contains(&address))
            }
        }
    }
    /// In whose name the interface asks and answers an address: its own of that family.
    pub(super) fn source_for(&self, address: IpAddr) -> Option<IpAddr> {
        match address {
            IpAddr::V4(_) => Some(self.own.addr().into()),
            IpAddr::V6(to) if to.is_unicast_link_local() => Some(link_local(self.mac).into()),
            IpAddr::V6(_) => self.own_v6.map(|own| own.addr().into()),
        }
    }
    /// Whom it gives a packet for an address to: the receiver itself, or in a VPC the subnet's gateway. With its own
    /// address the route to the subnet is gone, and the one to the gateway with it; who is bound to the interface takes
    /// everybody to be on the link then.
    pub(super) fn next_hop(&self, dst: IpAddr, in_vpc: bool, bound: bool) -> Option<IpAddr> {
        if !self.has_own && dst.is_ipv4() {
            return bound.then_some(dst);
        }
        if self.reaches(dst) {
            return Some(dst);
        }
        match dst {
            IpAddr::V4(_) => in_vpc.then(|| gateway_of(self.own.into())),
            IpAddr::V6(_) => self.own_v6.filter(|_| in_vpc).map(|own| gateway_of(own.into())),
        }
    }
    /// What the machine's programs call it.
    pub(super) const fn interface(&self) -> InterfaceId {
        InterfaceId(ETH0.0 + self.index.0 as u16)
    }
}

impl World {
    pub(super) fn nic(&self, port: PortId) -> &Nic {
        &self.nics[usize::from(port.0)]
    }
    pub(super) fn nic_mut(&mut self, port: PortId) -> &mut Nic {
        &mut self.nics[usize::from(port.0)]
    }
    /// The node of a port, unless it is the cloud's.
    pub(super) fn node_of(&self, port: PortId) -> Option<NodeId> {
        self.nics.get(usize::from(port.0)).map(|nic| nic.node)
    }
    /// Whose port it is.
    pub(super) fn who(&self, port: PortId) -> Who {
        self.nics.get(usize::from(port.0)).map_or(Who::Cloud, |nic| Who::eni(nic.node, nic.index))
    }
    /// All ports of a node, its first one first.
    pub(super) fn ports_of(&self, node: NodeId) -> impl Iterator<Item = PortId> + use<> {
        let (first, count) = self.kernels[usize::from(node.0)].more;
        std::iter::once(PortId::of(node)).chain((first..first + count).map(PortId))
    }
    /// The port of a machine's interface, by the kernel's index; `None` if there is no such interface.
    pub(super) fn port_of_interface(&self, node: NodeId, interface: InterfaceId) -> Option<PortId> {
        let index = interface.0.checked_sub(ETH0.0)?;
        let (first, count) = self.kernels[usize::from(node.0)].more;
        match index {
            0 => Some(PortId::of(node)),
            _ => (index <= count).then(|| PortId(first + index - 1)),
        }
    }
    /// The port whose interface keeps what a program puts on an interface of its own. An address on the loopback is kept
    /// with the first one's: a kernel answers on each of its interfaces for whatever address it has (`arp_ignore` 0).
    pub(super) fn keeper_of(&self, node: NodeId, interface: InterfaceId) -> Option<PortId> {
        if interface == LO { Some(PortId::of(node)) } else { self.port_of_interface(node, interface) }
    }
    /// Whether an address is on any interface of a machine: packets for it are delivered whichever they came in by,
    /// and ARP for it is answered on each (`arp_ignore` 0).
    pub(super) fn node_holds(&self, node: NodeId, address: IpAddr) -> bool {
        self.nics[usize::from(node.0)].holds(address)
            || self.kernels[usize::from(node.0)].more.1 > 0
                && self.ports_of(node).skip(1).any(|port| self.nic(port).holds(address))
    }
    /// Through which interface a packet of the kernel's own leaves: the one that reaches the destination, or the
    /// first, which has the default route (assumed, as a cloud's images set it up). What is only of a link leaves by
    /// the link it is asked from.
    pub(super) fn port_towards(&self, came_in: PortId, dst: IpAddr) -> PortId {
        let node = self.nic(came_in).node;
        if self.kernels[usize::from(node.0)].more.1 == 0 {
            return PortId::of(node);
        }
        match dst {
            IpAddr::V6(dst) if dst.is_unicast_link_local() || dst.is_multicast() => came_in,
            _ => self
                .ports_of(node)
                .find(|&port| self.nic(port).attached && self.nic(port).reaches(dst))
                .unwrap_or(PortId::of(node)),
        }
    }
}
