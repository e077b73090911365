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
            // Of two ports that use one address at one instant, the lower holds, whoever ran first.
            Ok(i) => {
                let entry = &mut self.table[i].1;
                if !(entry.is_set_at(now) && entry.latest() < Some(port)) {
                    entry.set(now, Some(port));
                }
            }
            Err(i) if self.table.len() < TABLE_MAX => {
                let mut entry = Latched::new(None);
                entry.set(now, Some(port));
                self.table.insert(i, (mac, entry));
            }
            Err(_) => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_ports_that_use_one_address_at_once_the_lower_holds_whoever_ran_first() {
        let [t1, t2, t3] = [1, 2, 3].map(Time::from_nanos);
        let mac = Mac([2, 0, 0, 0, 0, 5]);
        for order in [[3, 7], [7, 3]] {
            let mut switch = Switch::default();
            switch.learn(t1, mac, PortId(3));
            for port in order {
                switch.learn(t2, mac, PortId(port));
            }
            assert_eq!(
                (switch.port_of(t2, mac), switch.port_of(t3, mac)),
                (Some(PortId(3)), Some(PortId(3)))
            );
        }
    }
}
