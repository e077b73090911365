//! Links that must be up or down for a while to count (`interface_up_down_delays`).

use crate::config::Config;
use crate::program::{Interface, InterfaceId, Now};
use crate::time::{Duration, Time};

/// Changes that do not count yet, one a link at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Links {
    pending: Vec<(Time, InterfaceId, bool)>,
}

impl Links {
    /// A link changed. Whether that counts at once.
    pub(super) fn changed(&mut self, config: &Config, interface: &Interface, up: bool, now: Now) -> bool {
        self.pending.retain(|(_, id, _)| *id != interface.id);
        if interface.up == up {
            return false;
        }
        let delays = config.link_delays.iter().find(|d| d.interface == interface.name);
        let delay = delays.map_or(Duration::ZERO, |d| if up { d.up } else { d.down });
        if delay.is_zero() {
            return true;
        }
        self.pending.push((now.mono + delay, interface.id, up));
        false
    }

    /// A change that counts from now on.
    pub(super) fn due(&mut self, now: Now) -> Option<(InterfaceId, bool)> {
        let at = self.pending.iter().position(|(due, ..)| *due <= now.mono)?;
        let (_, interface, up) = self.pending.swap_remove(at);
        Some((interface, up))
    }

    /// When the first one will.
    pub(super) fn deadline(&self) -> Time {
        self.pending.iter().map(|(due, ..)| *due).min().unwrap_or(Time::MAX)
    }
}
