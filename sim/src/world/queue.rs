//! What is still to come: frames under way and wake-ups, in the canonical order of an instant (axiom 3).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use havip::time::Time;

use super::frames::PortId;
use super::report::FrameId;
use super::setup::{ClientId, CvmId, NodeId, Setup};
use super::wakes::Wakes;

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A frame reaches a port.
    Frame { to: PortId, frame: FrameId },
    /// A kernel has something to do: neighbour timers, addresses, a burst going out.
    Kernel(NodeId),
    /// Attackers send once more.
    Spoof,
    /// A client probes.
    Client(ClientId),
    /// The cloud moves a binding.
    Cloud,
    /// A program may have something to do.
    Program(CvmId),
}

/// A frame under way: 24 bytes, ordered by time, then by source port, the port's own sequence and copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrival {
    at: Time,
    rank: u64,
    to: PortId,
    frame: FrameId,
}

/// The queue: frames under way, and one wake-up for everything that can be woken.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    frames: BinaryHeap<Reverse<Arrival>>,
    /// The places are in the order of an instant: kernels, clients, the cloud, attackers, programs.
    wakes: Wakes,
    nodes: usize,
    clients: usize,
}

impl Queue {
    /// Nothing is due.
    pub(crate) fn new(setup: &Setup) -> Self {
        let (nodes, clients) = (setup.nodes(), setup.clients.len());
        let wakes = Wakes::new(nodes + clients + 2 + setup.cvms.len());
        Queue { frames: BinaryHeap::new(), wakes, nodes, clients }
    }
    /// A frame on its way: the `sequence`-th its sender ever put on the wire, the original or its copy.
    pub(crate) fn push_frame(
        &mut self,
        at: Time,
        from: PortId,
        sequence: u64,
        copy: bool,
        to: PortId,
        frame: FrameId,
    ) {
        #[cfg(test)]
        let (from, sequence) = match crate::flaws::has(crate::flaws::Flaw::ArrivalOrder) {
            true => (PortId(0), crate::flaws::next_frame()),
            false => (from, sequence),
        };
        let rank = u64::from(from.0) << 45 | (sequence & 0xfff_ffff_ffff) << 1 | u64::from(copy);
        self.frames.push(Reverse(Arrival { at, rank, to, frame }));
    }
    /// Moves a wake-up to an instant after `now`; `Time::MAX` takes it away. One that is due now stays: whoever is
    /// woken by it has yet to do what is due, and then moves it.
    pub(crate) fn wake(&mut self, now: Time, at: Time, due: Due) {
        let place = match due {
            Due::Frame { .. } => unreachable!("frames are pushed with their rank"),
            Due::Kernel(node) => usize::from(node.0),
            Due::Client(client) => self.nodes + usize::from(client.0),
            Due::Cloud => self.nodes + self.clients,
            Due::Spoof => self.nodes + self.clients + 1,
            Due::Program(cvm) => self.nodes + self.clients + 2 + usize::from(cvm.0),
        };
        if self.wakes.at(place) != now {
            self.wakes.set(place, at);
        }
    }
    /// When the next thing is due; `Time::MAX` if nothing is.
    pub(crate) fn next(&self) -> Time {
        self.next_frame().min(self.wakes.next())
    }
    /// When the next frame arrives.
    pub(crate) fn next_frame(&self) -> Time {
        self.frames.peek().map_or(Time::MAX, |Reverse(frame)| frame.at)
    }
    /// Takes the next thing that is due at exactly this instant.
    pub(crate) fn pop_at(&mut self, now: Time) -> Option<Due> {
        if let Some(&Reverse(Arrival { at, to, frame, .. })) = self.frames.peek() {
            debug_assert!(at >= now, "something was due before now");
            if at == now {
                self.frames.pop();
                return Some(Due::Frame { to, frame });
            }
        }
        let place = self.wakes.take(now)?;
        Some(self.due_at(place))
    }
    /// Whose wake-up a place is.
    fn due_at(&self, place: usize) -> Due {
        let after_nodes = place.checked_sub(self.nodes);
        let after_clients = after_nodes.and_then(|i| i.checked_sub(self.clients));
        match (after_nodes, after_clients) {
            (None, _) => Due::Kernel(NodeId(place as u16)),
            (Some(client), None) => Due::Client(ClientId(client as u16)),
            (_, Some(0)) => Due::Cloud,
            (_, Some(1)) => Due::Spoof,
            (_, Some(program)) => Due::Program(CvmId(program as u16 - 2)),
        }
    }
    /// Whether any frame is under way.
    pub(crate) fn has_frames(&self) -> bool {
        !self.frames.is_empty()
    }
    /// When the first wake-up is due, each as late as it `counts`; `before`, if none is due earlier.
    pub(crate) fn next_that_counts(&self, before: Time, counts: impl Fn(Due, Time) -> Time) -> Time {
        self.wakes.next_that_counts(before, |place, at| counts(self.due_at(place), at))
    }
    /// How many frames and wake-ups wait: what a test of memory looks at.
    pub(crate) fn len(&self) -> usize {
        self.frames.len() + self.wakes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_runs_frames_by_source_then_wake_ups_then_programs() {
        let t = Time::from_nanos(100);
        let mut queue =
            Queue { frames: BinaryHeap::new(), wakes: Wakes::new(2 + 1 + 1 + 1 + 1), nodes: 2, clients: 1 };
        let (a, b) = (PortId(0), PortId(1));
        queue.wake(Time::ZERO, t, Due::Program(CvmId(0)));
        queue.wake(Time::ZERO, t, Due::Client(ClientId(0)));
        queue.wake(Time::ZERO, t, Due::Kernel(NodeId(1)));
        queue.push_frame(t, b, 1, false, a, FrameId(3));
        queue.push_frame(t, a, 9, true, b, FrameId(2));
        queue.push_frame(t, a, 9, false, b, FrameId(1));
        queue.wake(Time::ZERO, t, Due::Cloud);
        assert_eq!((queue.next(), queue.len()), (t, 7));
        let order: Vec<Due> = std::iter::from_fn(|| queue.pop_at(t)).collect();
        assert_eq!(
            order,
            [
                Due::Frame { to: b, frame: FrameId(1) },
                Due::Frame { to: b, frame: FrameId(2) },
                Due::Frame { to: a, frame: FrameId(3) },
                Due::Kernel(NodeId(1)),
                Due::Client(ClientId(0)),
                Due::Cloud,
                Due::Program(CvmId(0)),
            ]
        );
        assert_eq!(queue.next(), Time::MAX);
        assert_eq!(std::mem::size_of::<Arrival>(), 24);
    }

    #[test]
    fn a_wake_up_that_is_moved_is_not_due_at_its_old_time() {
        let [t1, t2] = [1, 2].map(Time::from_nanos);
        let mut queue = Queue { frames: BinaryHeap::new(), wakes: Wakes::new(5), nodes: 1, clients: 1 };
        queue.wake(Time::ZERO, t1, Due::Program(CvmId(0)));
        queue.wake(Time::ZERO, t2, Due::Program(CvmId(0)));
        assert_eq!(
            (queue.next(), queue.pop_at(t1), queue.pop_at(t2)),
            (t2, None, Some(Due::Program(CvmId(0))))
        );
    }
}
