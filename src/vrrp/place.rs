//! Where an instance lives on its machine: resolved once, from names to numbers.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::program::InterfaceId;
use crate::wire::ethernet::Mac;

/// The interface an instance speaks on, and as whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its interface.
    pub interface: InterfaceId,
    /// The interface's hardware address.
    pub mac: Mac,
    /// The address its advertisements come from.
    pub source: IpAddr,
}

/// An address an instance puts on an interface while it is master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// With its prefix length.
    pub address: IpNet,
    /// Where: the instance's interface, unless `dev` says otherwise.
    pub interface: InterfaceId,
    /// That interface's hardware address.
    pub mac: Mac,
    /// Whether the instance notices when somebody else removes it.
    pub tracked: bool,
    /// Whether advertisements carry it.
    pub advertised: bool,
}

impl Held {
    /// From where the address is announced and asked for: its own interface, which `dev` may say is another than the
    /// instance's.
    pub(crate) const fn place(&self, source: IpAddr) -> Place {
        Place { interface: self.interface, mac: self.mac, source }
    }
}
