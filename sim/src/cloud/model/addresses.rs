//! The addresses of a subnet: which are reserved, which are used, which is the lowest that is free.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::objects::Subnet;
use super::region::Used;
use super::{Code, Refused, Region};
use crate::cloud::reserved;

/// The used addresses of one subnet.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses {
    used: BTreeMap<u32, Used>,
    /// No address below it is free.
    low: u32,
}

impl Addresses {
    pub(super) fn user_of(&self, address: Ipv4Addr) -> Option<&Used> {
        self.used.get(&address.into())
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = (Ipv4Addr, &Used)> {
        self.used.iter().map(|(&address, used)| (address.into(), used))
    }
    pub(super) fn len(&self) -> usize {
        self.used.len()
    }
    pub(super) fn take(&mut self, address: Ipv4Addr, used: Used) {
        self.used.insert(address.into(), used);
    }
    pub(super) fn give_back(&mut self, address: Ipv4Addr) {
        self.used.remove(&address.into());
        self.low = self.low.min(address.into());
    }
    /// The lowest address that is neither used nor reserved nor among `besides`.
    pub(super) fn lowest_free(&mut self, net: Ipv4Net, besides: &[Ipv4Addr]) -> Option<Ipv4Addr> {
        let first = u32::from(net.network()).max(self.low);
        let is_used = |n: u32| self.used.contains_key(&n) || reserved(net, n.into()).is_some();
        let free = (first..=u32::from(net.broadcast())).find(|&n| !is_used(n));
        self.low = free.unwrap_or_else(|| net.broadcast().into());
        (self.low..=u32::from(net.broadcast()))
            .find(|&n| !is_used(n) && !besides.contains(&n.into()))
            .map(Ipv4Addr::from)
    }
}

impl Subnet {
    /// How many addresses it has to give: all but the first two and the last one.
    pub fn usable(&self) -> u64 {
        (1u64 << (32 - self.cidr.prefix_len())).saturating_sub(3)
    }
}

impl Region {
    /// An address as a user writes it, if it may be given in a subnet.
    pub(super) fn wanted(&self, subnet: &Subnet, name: &str, text: &str) -> Result<Ipv4Addr, Refused> {
        let address: Ipv4Addr = text.parse().map_err(|_| {
            Refused::new(Code::MALFORMED, format!("The parameter `{name}` is not an IPv4 address: `{text}`."))
        })?;
        let range = subnet.cidr;
        if !range.contains(&address) {
            let message = format!("The address `{address}` is not within the subnet `{range}`.");
            return Err(Refused::new(Code::RANGE, message));
        }
        if let Some(what) = reserved(range, address) {
            let message = format!("The address `{address}` is reserved by the system: it is {what}.");
            return Err(Refused::new(Code::RESERVED, message));
        }
        if let Some(used) = self.user_of(&subnet.id, address) {
            let message = format!("The address `{address}` is already used by `{}`.", used.id);
            return Err(Refused::new(Code::IN_USE, message));
        }
        Ok(address)
    }

    /// The lowest free address of a subnet.
    pub(super) fn lowest_free(&mut self, subnet: &Subnet, besides: &[Ipv4Addr]) -> Result<Ipv4Addr, Refused> {
        let free = self.addresses.entry(subnet.id.clone()).or_default().lowest_free(subnet.cidr, besides);
        free.ok_or_else(|| {
            let message = format!("The subnet `{}` has no free address left.", subnet.id);
            Refused::new(Code::INSUFFICIENT, message)
        })
    }

    pub(super) fn take(&mut self, subnet: &str, address: Ipv4Addr, by: &'static str, id: &str) {
        let used = Used { by, id: id.to_owned() };
        self.addresses.entry(subnet.to_owned()).or_default().take(address, used);
    }
    pub(super) fn give_back(&mut self, subnet: &str, address: Ipv4Addr) {
        if let Some(addresses) = self.addresses.get_mut(subnet) {
            addresses.give_back(address);
        }
    }
}
