//! A script without one of its machines or clients: everybody behind it moves up.

use crate::scenario::Script;
use crate::world::{Act, ConsoleAct, CvmId, End, Forged, Members, NodeId, Path, TimedAct};

/// The script without a node, and without every act about it. `None` where it is the only machine or client, or where
/// something else names it.
pub(super) fn without_node(script: &Script, gone: NodeId) -> Option<Script> {
    let (machines, index) = (script.cvms.len(), usize::from(gone.0));
    let mut smaller = script.clone();
    if index < machines {
        if machines == 1 {
            return None;
        }
        smaller.cvms.remove(index);
        for service in &mut smaller.services {
            service.on.retain(|cvm| usize::from(cvm.0) != index);
            service.on.iter_mut().for_each(|cvm| cvm.0 -= u16::from(cvm.0 > gone.0));
        }
        if smaller.services.iter().any(|service| service.on.is_empty()) {
            return None;
        }
    } else {
        if script.clients.len() == 1 {
            return None;
        }
        smaller.clients.remove(index - machines);
    }
    smaller.console.retain_mut(|act| in_console(act, gone));
    smaller.acts = script.acts.iter().filter_map(|act| without(*act, gone)).collect();
    Some(smaller)
}

/// An act of the smaller script; none of one that is about the node.
fn without(timed: TimedAct, gone: NodeId) -> Option<TimedAct> {
    let node = |node: &mut NodeId| {
        let stays = *node != gone;
        node.0 -= u16::from(node.0 > gone.0);
        stays
    };
    let mut timed = timed;
    let stays = match &mut timed.act {
        Act::Start(cvm)
        | Act::Stop(cvm)
        | Act::Kill(cvm)
        | Act::PowerOff(cvm)
        | Act::PowerOn(cvm)
        | Act::Freeze(cvm)
        | Act::Thaw(cvm)
        | Act::Pause(cvm)
        | Act::Resume(cvm)
        | Act::Reload(cvm, ..)
        | Act::Script(cvm, ..)
        | Act::File(cvm, ..)
        | Act::Service(_, cvm, _)
        | Act::ClockStep(cvm, _)
        | Act::ClockDrift(cvm, _)
        | Act::DelRoute(cvm, _)
        | Act::Tamper(cvm, ..) => machine(cvm, gone),
        Act::Unplug(at, _) | Act::Plug(at, _) | Act::Attach(at, _) | Act::Detach(at, _) => node(at),
        Act::Console(act) => in_console(act, gone),
        Act::Spoof(at, _, spoof) => {
            let mut stays = node(at);
            if let Forged::Announcement(_, _, Some((to, _))) = &mut spoof.forged {
                stays &= node(to);
            }
            stays
        }
        Act::Drop(_, path)
        | Act::Loss(_, _, path)
        | Act::Delay(_, _, path)
        | Act::Duplicate(_, path)
        | Act::Corrupt(_, path)
        | Act::Reorder(_, path)
        | Act::Heal(Some(path)) => ends(path, gone),
        Act::Heal(None) | Act::Cloud(_) | Act::Seed(_) => true,
    };
    stays.then_some(timed)
}

/// A drift range goes with its last member.
fn in_console(act: &mut ConsoleAct, gone: NodeId) -> bool {
    let moved_up = |node: NodeId| NodeId(node.0 - u16::from(node.0 > gone.0));
    match act {
        ConsoleAct::Security(node, ..) => {
            let stays = *node != gone;
            *node = moved_up(*node);
            stays
        }
        ConsoleAct::Range(_, Some(members)) => {
            let was = *members;
            let mut stay = was.iter().filter(|(node, _)| *node != gone);
            let left = stay.try_fold(Members::default(), |all, (node, eni)| all.with((moved_up(node), eni)));
            *members = left.unwrap_or_default();
            was == *members || *members != Members::default()
        }
        ConsoleAct::Range(_, None)
        | ConsoleAct::Apply(_)
        | ConsoleAct::Release(_)
        | ConsoleAct::BindEip(..)
        | ConsoleAct::UnbindEip(_) => true,
    }
}

fn machine(cvm: &mut CvmId, gone: NodeId) -> bool {
    let stays = cvm.0 != gone.0;
    cvm.0 -= u16::from(cvm.0 > gone.0);
    stays
}

fn ends(path: &mut Path, gone: NodeId) -> bool {
    [&mut path.from, &mut path.to].into_iter().all(|end| match end {
        End::Node(node) | End::Eni(node, _) => {
            let stays = *node != gone;
            node.0 -= u16::from(node.0 > gone.0);
            stays
        }
        End::Any | End::Cloud => true,
    })
}
