//! Which ways of a run are disturbed, as its acts are carried out.

use havip::time::{Duration, Time};

use crate::world::{
    Act, CloudAct, ConsoleAct, Direction, EipId, End, EniIndex, GroupRule, NodeId, Path, Setup, Traffic,
};

/// No delay that is injected is longer.
const LONGEST: Duration = Duration::from_secs(1);

/// Everything that keeps frames from arriving as they should.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    /// Each with whether it makes frames late.
    standing: Vec<(Path, bool)>,
    /// By node: a bit for each interface whose cable is out.
    unplugged: Vec<u64>,
    /// By node: a bit for each interface that is not there.
    absent: Vec<u64>,
    deaf: bool,
    /// Machines, or interfaces of theirs, that a security group keeps something from, and what.
    closed: Vec<(NodeId, Option<EniIndex>, Traffic, Direction)>,
    /// Elastic IPs that were unbound.
    unbound: Vec<EipId>,
    /// Until when frames may arrive that were delayed or held back.
    late: Time,
    /// When a claim that the cloud has believed will have been followed at the latest.
    pub(super) pending: Time,
    /// How long the cloud takes at most, now.
    pub(super) bind_delay: Duration,
}

impl Paths {
    pub(super) fn new(setup: &Setup) -> Paths {
        let mut absent = vec![0; setup.nodes()];
        for (node, index, _) in setup.ports().filter(|(.., eni)| eni.off) {
            absent[usize::from(node.0)] |= bit(index);
        }
        Paths {
            standing: Vec::new(),
            unplugged: vec![0; setup.nodes()],
            absent,
            deaf: false,
            closed: Vec::new(),
            unbound: Vec::new(),
            late: Time::ZERO,
            pending: Time::ZERO,
            bind_delay: setup.bind_delay.1,
        }
    }

    /// Takes an act; says whether a way may have changed by it.
    pub(super) fn act(&mut self, at: Time, act: &Act) -> bool {
        let before = self.delays();
        let is_of_paths = self.take(act);
        if before && !self.delays() {
            self.late = at + LONGEST;
        }
        is_of_paths
    }

    /// Whether frames are being delayed or held back.
    fn delays(&self) -> bool {
        self.standing.iter().any(|(_, late)| *late)
    }

    fn take(&mut self, act: &Act) -> bool {
        match *act {
            Act::Drop(_, path) | Act::Loss(_, _, path) | Act::Duplicate(_, path) | Act::Corrupt(_, path) => {
                self.standing.push((path, false));
            }
            Act::Delay(_, _, path) | Act::Reorder(_, path) => self.standing.push((path, true)),
            Act::Heal(None) => self.standing.clear(),
            Act::Heal(Some(pair)) => self.standing.retain(|(path, _)| !path.is_healed_by(pair)),
            Act::Unplug(node, eni) => self.set_plugged(node, eni, false),
            Act::Plug(node, eni) => self.set_plugged(node, eni, true),
            Act::Cloud(CloudAct::DropClaims) => self.deaf = true,
            Act::Cloud(CloudAct::HearClaims) => self.deaf = false,
            Act::Cloud(CloudAct::BindDelay(_, longest)) => self.bind_delay = longest,
            Act::Console(ConsoleAct::Security(node, eni, GroupRule { allow, traffic, direction })) => {
                let rule = (node, eni, traffic, direction);
                self.closed.retain(|one| *one != rule);
                self.closed.extend((!allow).then_some(rule));
            }
            Act::Console(ConsoleAct::UnbindEip(eip)) => self.unbound.push(eip),
            Act::Console(ConsoleAct::BindEip(eip, _)) => self.unbound.retain(|one| *one != eip),
            Act::Attach(node, eni) => self.set_there(node, eni, true),
            Act::Detach(node, eni) => self.set_there(node, eni, false),
            _ => return false,
        }
        true
    }

    fn set_there(&mut self, node: NodeId, eni: EniIndex, there: bool) {
        if let Some(absent) = self.absent.get_mut(usize::from(node.0)) {
            if there { *absent &= !bit(eni) } else { *absent |= bit(eni) }
        }
    }

    /// Whether a node has every one of some interfaces now, of each a bit; none of what does not exist.
    pub(super) fn has(&self, node: NodeId, interfaces: Option<u64>) -> bool {
        let absent = self.absent.get(usize::from(node.0)).copied().unwrap_or_default();
        interfaces.is_some_and(|wanted| wanted & absent == 0)
    }

    fn set_plugged(&mut self, node: NodeId, eni: Option<EniIndex>, plugged: bool) {
        let which = eni.map_or(u64::MAX, bit);
        if let Some(out) = self.unplugged.get_mut(usize::from(node.0)) {
            if plugged { *out &= !which } else { *out |= which }
        }
    }

    /// Whether nothing at all stands in the way of anybody.
    pub(super) fn all_is_well(&self) -> bool {
        let console = self.closed.is_empty() && self.unbound.is_empty();
        !self.deaf && console && self.standing.is_empty() && self.unplugged.iter().all(|out| *out == 0)
    }

    /// Whether that is so, and nothing is on its way any more that was delayed or held back.
    pub(super) fn is_in_the_clear(&self, now: Time) -> bool {
        self.all_is_well() && now > self.late
    }

    /// Whether claims of a machine get to the cloud as they should.
    pub(super) fn cloud_hears(&self, node: NodeId) -> bool {
        !self.deaf && self.is_well(node, None)
    }

    /// Whether frames between two nodes, or a machine and the cloud, arrive as they should, both ways.
    pub(super) fn is_well(&self, a: NodeId, b: Option<NodeId>) -> bool {
        let plugged = |node: NodeId| {
            let is_in = self.unplugged.get(usize::from(node.0)).is_none_or(|out| *out == 0);
            is_in && self.closed.iter().all(|(closed, ..)| *closed != node)
        };
        let disturbs = |(path, _): &(Path, bool)| {
            let meets = |one: End, other: End| touches(one, Some(a)) && touches(other, b);
            meets(path.from, path.to) || meets(path.to, path.from)
        };
        plugged(a) && b.is_none_or(plugged) && !self.standing.iter().any(disturbs)
    }
}

/// An interface's in a set of a node's.
pub(super) const fn bit(EniIndex(index): EniIndex) -> u64 {
    1 << (index % 64)
}

/// Whether an end of a path is at a node, or at the cloud.
fn touches(end: End, node: Option<NodeId>) -> bool {
    match end {
        End::Any => true,
        End::Node(at) | End::Eni(at, EniIndex(_)) => Some(at) == node,
        End::Cloud => node.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Kinds;

    fn undisturbed(nodes: usize) -> Paths {
        Paths {
            standing: Vec::new(),
            unplugged: vec![0; nodes],
            absent: Vec::new(),
            deaf: false,
            closed: Vec::new(),
            unbound: Vec::new(),
            late: Time::ZERO,
            pending: Time::ZERO,
            bind_delay: Duration::ZERO,
        }
    }

    fn path(from: End, to: End) -> Path {
        Path { from, to, both: false }
    }

    #[test]
    fn a_way_is_well_when_nothing_stands_on_it_either_way() {
        let mut paths = undisturbed(3);
        let [a, b, web] = [0, 1, 2].map(NodeId);
        assert!(paths.is_well(a, Some(b)) && paths.cloud_hears(a));
        paths.act(Time::ZERO, &Act::Drop(Kinds::ALL, path(End::Node(b), End::Node(a))));
        assert!(!paths.is_well(a, Some(b)) && paths.is_well(a, Some(web)) && paths.cloud_hears(a));
        paths.act(Time::ZERO, &Act::Heal(Some(path(End::Node(b), End::Node(a)))));
        assert!(paths.is_well(a, Some(b)));
        paths.act(Time::ZERO, &Act::Drop(Kinds::ALL, path(End::Node(a), End::Any)));
        assert!(!paths.is_well(a, Some(web)) && !paths.cloud_hears(a) && paths.cloud_hears(b));
        paths.act(Time::ZERO, &Act::Heal(None));
        paths.act(Time::ZERO, &Act::Unplug(a, None));
        assert!(!paths.is_well(a, Some(b)) && !paths.is_well(b, Some(a)) && paths.cloud_hears(b));
        // Of several cables that are out, one that is put back leaves the others.
        paths.act(Time::ZERO, &Act::Plug(a, Some(EniIndex(1))));
        assert!(!paths.is_well(a, Some(b)));
        paths.act(Time::ZERO, &Act::Plug(a, None));
        paths.act(Time::ZERO, &Act::Cloud(CloudAct::DropClaims));
        assert!(paths.is_well(a, None) && !paths.cloud_hears(a));
    }

    /// What a security group lets through again is one thing, what it still drops another.
    #[test]
    fn a_machine_is_closed_until_each_of_its_rules_is_taken_back() {
        let mut paths = undisturbed(2);
        let (a, b) = (NodeId(0), NodeId(1));
        let mut say = |allow, traffic, direction| {
            let rule = GroupRule { allow, traffic, direction };
            paths.act(Time::ZERO, &Act::Console(ConsoleAct::Security(a, None, rule)));
            paths.is_well(b, Some(a))
        };
        assert!(!say(false, Traffic::All, Direction::In));
        assert!(!say(true, Traffic::All, Direction::Out), "that was never dropped");
        assert!(!say(false, Traffic::Protocol(112), Direction::In));
        assert!(!say(true, Traffic::Protocol(112), Direction::In));
        assert!(say(true, Traffic::All, Direction::In));
    }
}
