//! Which addresses of a subnet the cloud keeps for itself.

use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// Why an address of a subnet cannot be given to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// It is the subnet itself.
    Network,
    /// The first address: the gateway.
    Gateway,
    /// The last one.
    Broadcast,
}

impl fmt::Display for Reserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reserved::Network => "the subnet's own address",
            Reserved::Gateway => "the subnet's gateway",
            Reserved::Broadcast => "the subnet's broadcast address",
        })
    }
}

/// Whether the cloud reserves an address of a subnet, and as what.
///
/// The vendor document: for 10.0.0.0/24 a private address must lie in 10.0.0.2-10.0.0.254. Generalised, any
/// subnet keeps its first two addresses and its last one.
pub fn reserved(subnet: Ipv4Net, address: Ipv4Addr) -> Option<Reserved> {
    let first = u32::from(subnet.network());
    match u32::from(address) {
        n if n == first => Some(Reserved::Network),
        n if n == u32::from(subnet.broadcast()) => Some(Reserved::Broadcast),
        n if n == first.saturating_add(1) => Some(Reserved::Gateway),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_10_0_0_0_24_only_2_to_254_can_be_given() {
        let subnet: Ipv4Net = "10.0.0.0/24".parse().unwrap();
        let free: Vec<u8> =
            (0..=255).filter(|n| reserved(subnet, Ipv4Addr::new(10, 0, 0, *n)).is_none()).collect();
        assert_eq!((free.first(), free.last(), free.len()), (Some(&2), Some(&254), 253));
    }
}
