//! What a `keepalived.conf` means: the values in force after defaults, rounding and clearing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use crate::time::Duration;
pub use crate::wire::vrrp::Version;

/// A configuration in force. It always exists: keepalived runs with what it could read, be it nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The `vrrp_instance` blocks that take part, in file order.
    pub instances: Vec<Instance>,
    /// keepalived refuses to run with this file at all (it exits 2), for this reason.
    pub refused: Option<String>,
}

/// One `vrrp_instance` in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name: `VI_1`.
    pub name: String,
    /// The `interface` keyword; absent where `unicast_src_ip` finds the interface.
    pub interface: Option<String>,
    /// `virtual_router_id`, 1..=255.
    pub vrid: u8,
    /// `version`.
    pub version: Version,
    /// `priority`, 1..=255; 255 is the address owner.
    pub priority: u8,
    /// `state MASTER` is in force: it was written, or priority 255 stands there without a `state`. Since 2.0 it
    /// has an effect at priority 255 only.
    pub starts_master: bool,
    /// `advert_int`, rounded as the version demands (whole seconds in v2, hundredths in v3).
    pub advert_interval: Duration,
    /// `down_timer_adverts`, 1..=100.
    pub down_timer_adverts: u8,
    /// `nopreempt`, unless it was cleared.
    pub nopreempt: bool,
    /// `preempt_delay`, zero when absent or cleared.
    pub preempt_delay: Duration,
    /// `authentication`: VRRPv2 only.
    pub password: Option<Password>,
    /// `unicast_src_ip` or `mcast_src_ip`.
    pub source: Option<IpAddr>,
    /// `unicast_peer`: present and not empty means unicast.
    pub peers: Vec<IpAddr>,
    /// `unicast_ttl`.
    pub unicast_ttl: u8,
    /// `virtual_ipaddress`, in file order.
    pub addresses: Vec<VirtualAddress>,
    /// The `garp_*` keywords.
    pub garp: Garp,
    /// `lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// `old_unicast_checksum`: the v3 pseudo-header names 224.0.0.18 even in unicast.
    pub old_unicast_checksum: bool,
    /// Which line decided a value: keyword -> where it stands. A default has no entry.
    pub decided: BTreeMap<&'static str, super::Span>,
}

/// A VRRPv2 simple text password: eight bytes, padded with zeros. `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password(pub [u8; 8]);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

/// One line of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address, with /32 where no prefix was written.
    pub address: IpNet,
    /// `dev`, where it differs from the instance's interface.
    pub device: Option<String>,
}

/// When an instance announces its addresses by gratuitous ARP (spec: keepalived 2.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garp {
    /// `garp_master_delay`: the second burst comes this long after the takeover; zero for none.
    pub master_delay: Duration,
    /// `garp_master_repeat`: frames in a burst, for each address.
    pub master_repeat: u32,
    /// `garp_master_refresh`: a master announces again each time this has passed; zero for never.
    pub master_refresh: Duration,
    /// `garp_master_refresh_repeat`: frames in a refresh, for each address.
    pub master_refresh_repeat: u32,
    /// `garp_lower_prio_delay`: as `master_delay`, after a lower-priority advertisement was heard.
    pub lower_prio_delay: Duration,
    /// `garp_lower_prio_repeat`: frames in that burst, for each address; 0 for none.
    pub lower_prio_repeat: u32,
}

impl Default for Garp {
    fn default() -> Self {
        let five = Duration::from_secs(5);
        Garp {
            master_delay: five,
            master_repeat: 5,
            master_refresh: Duration::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: five,
            lower_prio_repeat: 5,
        }
    }
}

impl Instance {
    /// Whether advertisements go to the peers one by one.
    pub fn is_unicast(&self) -> bool {
        !self.peers.is_empty()
    }
}

/// The multicast group of VRRP over IPv4 (RFC 9568 section 5.1.1.2).
pub const VRRP_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
