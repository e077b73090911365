//! Sync groups: instances that are master together or not at all (measured: d03).
//!
//! FAULT of one member is FAULT of all. None becomes master before every member has lost its master, so that a goodbye on
//! one segment is worth nothing while the other still hears. One that gives way takes the others with it.

use crate::config::{Config, Tracker};
use crate::program::{Actions, Now, Role};
use crate::time::Time;
use crate::vrrp::{Fault, VirtualRouter};

/// One group at work.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// Its place in the configuration.
    pub(super) index: usize,
    /// Its members, by their place among the routers.
    pub(super) members: Vec<usize>,
    /// The member that entered BACKUP last, where several did in one instant: its timer is the last.
    latest: usize,
    /// What was last told of it.
    pub(super) told: Role,
}

/// The groups of a configuration over these routers. `before`: those until a reload; one of the same name has been told
/// what it is (measured: d06, a SIGHUP that changes nothing runs no script).
pub(super) fn of(
    config: &Config,
    routers: &mut [VirtualRouter],
    before: Option<(&Config, &[Group])>,
) -> Vec<Group> {
    let told = |name: &str| {
        let (config, groups) = before?;
        let of_the_name = |group: &&Group| config.groups.get(group.index).is_some_and(|g| g.name == name);
        groups.iter().find(of_the_name).map(|group| group.told)
    };
    let mut groups = Vec::new();
    for (index, group) in config.groups.iter().enumerate() {
        let names = group.members.iter().filter_map(|&m| config.instances.get(m)).map(|i| &i.name);
        let members: Vec<usize> =
            names.filter_map(|name| routers.iter().position(|r| r.config().name == *name)).collect();
        // A group of one decides like an instance of none.
        if members.len() > 1 {
            members.iter().for_each(|&m| routers[m].join_group());
        }
        let latest = members.last().copied().unwrap_or(0);
        groups.push(Group { index, members, latest, told: told(&group.name).unwrap_or(Role::Init) });
    }
    groups
}

/// After a reload: who is in no group any more has no fault of others.
pub(super) fn release(groups: &[Group], routers: &mut [VirtualRouter], now: Now, out: &mut Actions) {
    let of_none = |at: &usize| groups.iter().all(|group| !group.members.contains(at));
    for at in (0..routers.len()).filter(of_none) {
        routers[at].set_fault(now, Fault::Group, false, out);
    }
}

impl Group {
    /// What its members have become is carried to the others.
    pub(super) fn settle(&mut self, routers: &mut [VirtualRouter], now: Now, out: &mut Actions) {
        let faulty = self.members.iter().filter(|&&m| routers[m].faults().own()).count();
        for &m in &self.members {
            let others = faulty - usize::from(routers[m].faults().own());
            let before = routers[m].role();
            routers[m].set_fault(now, Fault::Group, others > 0, out);
            // Measured (d03, d06b): after FAULT, the one whose own fault it was is back first, and its timer runs out
            // first; the other's decides, and that one becomes master first.
            if before == Role::Fault && routers[m].role() == Role::Backup {
                self.latest = m;
            }
        }
        if let Some(last) = self.ready(routers) {
            routers[last].take_over_with_group(now, false, out);
            for &m in self.members.iter().filter(|&&m| m != last) {
                if routers[m].role() == Role::Backup {
                    routers[m].take_over_with_group(now, true, out);
                }
            }
        }
        let gave_way = self.members.iter().filter(|&&m| routers[m].take_gave_way()).count() > 0;
        for &m in self.members.iter().filter(|_| gave_way) {
            if routers[m].role() == Role::Master {
                routers[m].give_way_with_group(now, out);
            }
        }
    }

    /// The member that lost its master last, once all have.
    fn ready(&self, routers: &[VirtualRouter]) -> Option<usize> {
        let wants = |m: usize| match routers[m].role() {
            Role::Master => Some(Time::ZERO),
            _ => routers[m].wants_master(),
        };
        let mut last = None;
        for &m in &self.members {
            let since = wants(m)?;
            if routers[m].role() == Role::Backup {
                last = last.max(Some((since, m == self.latest, m)));
            }
        }
        last.map(|(.., m)| m)
    }

    /// What its members are together.
    pub(super) fn role(&self, routers: &[VirtualRouter]) -> Role {
        let mut roles = self.members.iter().map(|&m| routers[m].role());
        let all = |role| self.members.iter().all(|&m| routers[m].role() == role);
        match () {
            () if self.members.is_empty() || all(Role::Init) => Role::Init,
            () if roles.any(|r| r == Role::Fault) => Role::Fault,
            () if all(Role::Master) => Role::Master,
            () => Role::Backup,
        }
    }
}

/// What counts for an instance: its own trackers, and those of its group. In a group, weights count only with
/// `sync_group_tracking_weight`.
pub(super) fn trackers_of(config: &Config, instance: usize) -> impl Iterator<Item = Tracker> + '_ {
    let group = config.groups.iter().find(|g| g.members.contains(&instance));
    let own = config.instances.get(instance).map_or(&[][..], |i| &i.tracked);
    let shared = group.map_or(&[][..], |g| &g.tracked);
    let weighs = group.is_none_or(|g| g.tracking_weight);
    own.iter().chain(shared).copied().filter(move |t| weighs || t.weight == 0)
}
