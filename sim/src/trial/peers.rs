//! Whether the machines of a cluster know each other.

use std::net::IpAddr;

use super::Refusal;
use super::cluster::Machine;

/// Every machine must advertise where every other one listens.
pub(super) fn check(machines: &[Machine]) -> Result<(), Refusal> {
    for this in machines {
        for other in machines.iter().filter(|other| other.name != this.name) {
            let (mine, theirs) = (this.instance(), other.instance());
            if mine.is_unicast() && !theirs.is_unicast() {
                let message = format!(
                    "{} ({}) advertises to its peers one by one, {} ({}) by multicast: neither hears the other",
                    this.name, this.path, other.name, other.path
                );
                return Err(Refusal::new(message).advise(format!(
                    "write `unicast_src_ip {}` and `unicast_peer {{ {} }}` into {}",
                    other.address, this.address, other.path
                )));
            }
            if mine.is_unicast() && !mine.peers.iter().any(|p| p.address == IpAddr::V4(other.address)) {
                let listed: Vec<String> = mine.peers.iter().map(|p| p.address.to_string()).collect();
                let message = format!(
                    "{} ({}) does not know {}: its unicast_peer lists {}, and {} has {} ({})",
                    this.name,
                    this.path,
                    other.name,
                    listed.join(", "),
                    other.name,
                    other.address,
                    other.path
                );
                return Err(Refusal::new(message).advise(format!(
                    "write {} into the unicast_peer of {}, or mend the unicast_src_ip of {}",
                    other.address, this.path, other.path
                )));
            }
        }
    }
    Ok(())
}
