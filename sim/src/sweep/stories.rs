//! What happens to the master: the failures a sweep knows, as acts.

use havip::time::{Duration, Time};

use crate::trial::Story;
use crate::world::{Act, CvmId, End, Kind, Kinds, NodeId, Path, TimedAct};

/// The failures that a plan may name: those of `try` that begin at the master.
pub const STORIES: [Story; 8] = [
    Story::PowerOff,
    Story::Kill,
    Story::Stop,
    Story::Return,
    Story::Freeze,
    Story::Pause,
    Story::Split,
    Story::Unplug,
];

/// How long what is wrong lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lasts {
    /// The longest master down interval of the cluster.
    pub(super) down: Duration,
    /// So much longer a split or an unplugged cable lasts, that it ends at any moment of what others do in turns.
    pub(super) longer: Duration,
}

/// The acts of a story, for a master at an instant.
pub(super) fn acts(story: Story, master: CvmId, at: Time, lasts: Lasts) -> Vec<TimedAct> {
    let s = Duration::from_secs;
    let act = |at, act| TimedAct { at, act, line: 0 };
    let then = |first, after: Duration, second| vec![act(at, first), act(at + after, second)];
    let node = NodeId(master.0);
    let elected = lasts.down * 2 + s(6);
    match story {
        Story::Kill => vec![act(at, Act::Kill(master))],
        Story::Stop => vec![act(at, Act::Stop(master))],
        Story::Return => then(Act::PowerOff(master), elected.max(s(20)), Act::PowerOn(master)),
        Story::Freeze => then(Act::Freeze(master), s(10), Act::Thaw(master)),
        Story::Pause => then(Act::Pause(master), s(10), Act::Resume(master)),
        Story::Split => {
            let path = Path { from: End::Node(node), to: End::Any, both: true };
            let vrrp = Kinds::NONE.with(Kind::Vrrp);
            // Not every link is healed: the loss of the point goes on.
            then(Act::Drop(vrrp, path), elected.max(s(60)) + lasts.longer, Act::Heal(Some(path)))
        }
        Story::Unplug => {
            then(Act::Unplug(node, None), elected.max(s(20)) + lasts.longer, Act::Plug(node, None))
        }
        // A plan names none of the others.
        _ => vec![act(at, Act::PowerOff(master))],
    }
}
