//! From the names in a configuration to what is on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::config::{Instance, VirtualAddress};
use crate::profile::{Profile, Switch};
use crate::program::{Interface, InterfaceId};
use crate::vrrp::{Fault, Held, Place};
use crate::wire::ethernet::Mac;

/// Where an instance lives, what it will hold there, and what keeps it from taking part.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) place: Place,
    pub(super) held: Vec<Held>,
    pub(super) faults: Vec<Fault>,
}

/// Finds an instance's interface. `None` if it does not exist.
pub(super) fn locate(interfaces: &[Interface], instance: &Instance, profile: Profile) -> Option<Located> {
    let interface = find_interface(interfaces, instance)?;
    let place = Place {
        interface: interface.id,
        mac: interface.mac,
        source: instance.source.unwrap_or_else(|| primary(interface, instance)),
    };
    let mut held = Vec::new();
    let lists = [(&instance.addresses, true), (&instance.excluded, false)];
    for (address, advertised) in lists.iter().flat_map(|(list, adv)| list.iter().map(move |a| (a, *adv))) {
        held.push(hold(interfaces, interface, address, advertised)?);
    }
    let own = |fault: &Fault| match fault {
        Fault::SourceMissing => !has(interface, place.source),
        Fault::SourceIsVirtual => held.iter().any(|h| h.address.addr() == place.source),
        Fault::NoPeers => {
            instance.lost_its_peers
                && (instance.fault_without_peers || profile.has(Switch::NoMulticastFallback))
        }
        _ => false,
    };
    let faults = Fault::OF_ITS_PLACE.into_iter().filter(own).collect();
    Some(Located { place, held, faults })
}

/// Where an instance lives whose interface does not exist yet: nowhere.
pub(super) fn nowhere(instance: &Instance) -> Located {
    let none =
        || if instance.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let source = instance.source.unwrap_or_else(none);
    let place = Place { interface: InterfaceId(u16::MAX), mac: Mac::UNSPECIFIED, source };
    Located { place, held: Vec::new(), faults: vec![Fault::NoInterface] }
}

/// Whether an address is on an interface.
pub(super) fn has(interface: &Interface, address: IpAddr) -> bool {
    interface.addresses.iter().any(|net| net.addr() == address)
}

fn find_interface<'i>(interfaces: &'i [Interface], instance: &Instance) -> Option<&'i Interface> {
    match (&instance.interface, instance.source) {
        (Some(name), _) => interfaces.iter().find(|i| i.name == *name),
        (None, Some(source)) => interfaces.iter().find(|i| has(i, source)).or(interfaces.first()),
        (None, None) => None,
    }
}

/// The address an instance speaks from when none is written. RFC 9568 section 7.2: "Set the source IPv4
/// address to the interface's primary IPv4 address", which is its first; "Set the source IPv6 address to the
/// interface's link-local IPv6 address".
fn primary(interface: &Interface, instance: &Instance) -> IpAddr {
    let addresses = || interface.addresses.iter().map(IpNet::addr);
    if !instance.is_ipv6() {
        return addresses().find(IpAddr::is_ipv4).unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    }
    let is_local = |a: &IpAddr| matches!(a, IpAddr::V6(a) if a.is_unicast_link_local());
    let local = addresses().find(is_local);
    local.or_else(|| addresses().find(IpAddr::is_ipv6)).unwrap_or(Ipv6Addr::UNSPECIFIED.into())
}

fn hold(
    interfaces: &[Interface],
    own: &Interface,
    address: &VirtualAddress,
    advertised: bool,
) -> Option<Held> {
    let interface = match &address.device {
        Some(name) => interfaces.iter().find(|i| i.name == *name)?,
        None => own,
    };
    Some(Held {
        address: address.address,
        interface: interface.id,
        mac: interface.mac,
        tracked: !address.no_track,
        advertised,
    })
}
