//! The learning switch of a lan: which port a hardware address was last seen on.

use havip::time::Time;
use havip::wire::ethernet::Mac;

use super::frames::PortId;
use crate::latch::Latched;

/// How many addresses a switch remembers; more are flooded, as a real one does.
const TABLE_MAX: usize = 8192;

/// The forwarding table, sorted by address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Switch {
    table: Vec<(Mac, Latched<Option<PortId>>)>,
}

impl Switch {
    /// Learns where a frame came from.
    pub(crate) fn learn(&mut self, now: Time, mac: Mac, port: PortId) {
        if mac.is_multicast() {
            return;
        }
        match self.table.binary_search_by_key(&mac, |&(m, _)| m) {
            // Of two ports that use one address at one instant, the lower holds: whoever ran first.
            Ok(i) if self.table[i].1.latest() != Some(port) => self.table[i].1.set(now, Some(port)),
            Err(i) if self.table.len() < TABLE_MAX => {
                let mut entry = Latched::new(None);
                entry.set(now, Some(port));
                self.table.insert(i, (mac, entry));
            }
            Ok(_) | Err(_) => {}
        }
    }
    /// The port of an address, if it was learned at an earlier instant.
    pub(crate) fn port_of(&self, now: Time, mac: Mac) -> Option<PortId> {
        let i = self.table.binary_search_by_key(&mac, |&(m, _)| m).ok()?;
        self.table[i].1.seen_at(now)
    }
    /// Forgets a port: its cable is out.
    pub(crate) fn forget(&mut self, port: PortId) {
        self.table.retain(|(_, entry)| entry.latest() != Some(port));
    }
}
