//! How fast the instances of a machine announce, together: those of one interface, and those of a `garp_group`
//! (keepalived's manual: an interval is between two announcements of an interface, or of all interfaces of a group).

use crate::config::Config;
use crate::program::{Interface, InterfaceId};
use crate::time::{Duration, Time};
use crate::vrrp::VirtualRouter;

/// Who shares a pace: a place in [`Config::garp_groups`], or an interface that is in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    Group(usize),
    Interface(InterfaceId),
}

/// By router: with whom it shares its pace, and whether its announcements are IPv6's, which have a pace of their own.
/// Empty where nobody keeps one.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacing(Vec<(Shared, bool)>);

impl Pacing {
    /// Gives each router the pace of its interface's group, and finds those that share one.
    pub(super) fn start(config: &Config, interfaces: &[Interface], routers: &mut [VirtualRouter]) -> Pacing {
        let name = |id| interfaces.iter().find(|i| i.id == id).map_or("", |i| i.name.as_str());
        let group_of =
            |id| config.garp_groups.iter().position(|g| g.interfaces.iter().any(|n| n == name(id)));
        let mut shared = Vec::with_capacity(routers.len());
        for router in routers.iter_mut() {
            let interface = router.place().interface;
            let group = group_of(interface);
            if let Some(group) = group.map(|at| &config.garp_groups[at]) {
                router.set_pace(group.interval, group.gna_interval);
            }
            let with = group.map_or(Shared::Interface(interface), Shared::Group);
            shared.push((with, router.config().is_ipv6()));
        }
        let pace = |r: &VirtualRouter| r.config().garp.interval.max(r.config().garp.gna_interval);
        let none = routers.iter().all(|r| pace(r) == Duration::ZERO);
        Pacing(if none { Vec::new() } else { shared })
    }

    /// A router has had its turn: those that share its pace wait for what it has announced.
    pub(super) fn share(&self, at: usize, routers: &mut [VirtualRouter]) {
        let Some(mine) = self.0.get(at) else { return };
        let closes: Option<Time> = routers[at].take_closes();
        let Some(until) = closes else { return };
        for (i, other) in self.0.iter().enumerate() {
            if i != at && other == mine {
                routers[i].wait_to_announce(until);
            }
        }
    }

    /// Everybody may have had its turn.
    pub(super) fn share_all(&self, routers: &mut [VirtualRouter]) {
        (0..self.0.len()).for_each(|at| self.share(at, routers));
    }
}
