//! How fast the instances of a machine announce, together: those of one interface, and those of a `garp_group`
//! (keepalived's manual: an interval is between two announcements of an interface, or of all interfaces of a group).
//! keepalived's go by chance; `havip`'s take turns, so that each address is announced once before any is repeated.

use crate::config::Config;
use crate::profile::{Profile, Switch};
use crate::program::{Interface, InterfaceId};
use crate::time::{Duration, Time};
use crate::vrrp::VirtualRouter;

/// Who shares a pace: a place in [`Config::garp_groups`], or an interface that is in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    Group(usize),
    Interface(InterfaceId),
}

/// Who keeps whose pace.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacing {
    /// By router: with whom it shares its pace, and whether its announcements are IPv6's, which have a pace of their own
    /// in keepalived. Empty where nobody keeps one.
    shared: Vec<(Shared, bool)>,
    take_turns: bool,
}

impl Pacing {
    /// Gives each router the pace of its interface's group, and finds those that share one.
    pub(super) fn start(
        (config, profile): (&Config, Profile),
        interfaces: &[Interface],
        routers: &mut [VirtualRouter],
    ) -> Pacing {
        let take_turns = profile.has(Switch::ClaimsBothWays);
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
            shared.push((with, router.config().is_ipv6() && !take_turns));
        }
        let pace = |r: &VirtualRouter| r.config().garp.interval.max(r.config().garp.gna_interval);
        let none = !take_turns && routers.iter().all(|r| pace(r) == Duration::ZERO);
        Pacing { shared: if none { Vec::new() } else { shared }, take_turns }
    }

    /// A router has had its turn: those that share its pace wait for what it has announced.
    pub(super) fn share(&self, at: usize, routers: &mut [VirtualRouter]) {
        let Some(mine) = self.shared.get(at) else { return };
        if self.take_turns {
            return self.line_up(at, routers);
        }
        let closes: Option<Time> = routers[at].take_closes();
        let Some(until) = closes else { return };
        for i in self.sharing(mine).filter(|&i| i != at) {
            routers[i].wait_to_announce(until);
        }
    }

    /// Everybody may have had its turn.
    pub(super) fn share_all(&self, routers: &mut [VirtualRouter]) {
        (0..self.shared.len()).for_each(|at| self.share(at, routers));
    }

    /// Who has repeated its addresses least is next.
    fn line_up(&self, at: usize, routers: &mut [VirtualRouter]) {
        let (closes, queued) = (routers[at].take_closes(), routers[at].take_queued());
        let is_alone = || self.sharing(&self.shared[at]).nth(1).is_none();
        if closes.is_none() && !queued || is_alone() {
            return;
        }
        let all: Vec<usize> = self.sharing(&self.shared[at]).collect();
        let gates = all.iter().map(|&i| routers[i].closed_until()).max();
        let opens = gates.max(closes).unwrap_or(Time::ZERO);
        all.iter().for_each(|&i| routers[i].wait_to_announce(opens));
        let waiting = |&i: &usize| routers[i].waits_to_announce().map(|(made, every)| (made, i, every));
        let mut line: Vec<(u32, usize, Duration)> = all.iter().filter_map(waiting).collect();
        line.sort_unstable();
        let mut turn = opens;
        for (_, i, every) in line {
            routers[i].announce_at(turn);
            turn += every;
        }
    }

    fn sharing(&self, with: &(Shared, bool)) -> impl Iterator<Item = usize> {
        self.shared.iter().enumerate().filter(move |(_, other)| *other == with).map(|(i, _)| i)
    }
}
