//! What is still to come: frames under way and wake-ups, in the canonical order of an instant (axiom 3).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use havip::time::Time;

use super::frames::PortId;
use super::report::FrameId;
use super::setup::{ClientId, CvmId, NodeId};

/// Something that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A frame reaches a port.
    Frame { to: PortId, frame: FrameId },
    /// A kernel has something to do: neighbour timers, addresses, a burst going out.
    Kernel(NodeId),
    /// An attacker sends once more: an index into `Setup::acts`.
    Spoof(u32),
    /// A client probes.
    Client(ClientId),
    /// The cloud moves a binding.
    Cloud,
    /// A program may have something to do.
    Program(CvmId),
}

/// One entry: 24 bytes, ordered by time, then by class and rank within the instant.
///
/// Frames rank by source port, the port's own sequence and copy; wake-ups follow them; programs come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: u64,
    rank: u64,
    port: u16,
    frame: u32,
}

const FRAME: u64 = 0;
const KERNEL: u64 = 1;
const SPOOF: u64 = 2;
const CLIENT: u64 = 3;
const CLOUD: u64 = 4;
const PROGRAM: u64 = 5;
const CLASS_SHIFT: u32 = 61;

/// The queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<Entry>>,
}

impl Queue {
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
        let rank = FRAME << CLASS_SHIFT
            | u64::from(from.0) << 45
            | (sequence & 0xfff_ffff_ffff) << 1
            | u64::from(copy);
        self.heap.push(Reverse(Entry { at: at.as_nanos(), rank, port: to.0, frame: frame.0 }));
    }
    /// A wake-up.
    pub(crate) fn push(&mut self, at: Time, due: Due) {
        let mut act = 0;
        let (class, port) = match due {
            Due::Frame { .. } => unreachable!("frames are pushed with their rank"),
            Due::Kernel(node) => (KERNEL, node.0),
            Due::Spoof(index) => {
                act = index;
                (SPOOF, 0)
            }
            Due::Client(client) => (CLIENT, client.0),
            Due::Cloud => (CLOUD, 0),
            Due::Program(cvm) => (PROGRAM, cvm.0),
        };
        let rank = class << CLASS_SHIFT | u64::from(act) << 16 | u64::from(port);
        self.heap.push(Reverse(Entry { at: at.as_nanos(), rank, port, frame: act }));
    }
    /// When the next thing is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(e)| Time::from_nanos(e.at))
    }
    /// Takes the next thing that is due at exactly this instant.
    pub(crate) fn pop_at(&mut self, now: Time) -> Option<Due> {
        let Reverse(entry) = *self.heap.peek()?;
        debug_assert!(entry.at >= now.as_nanos(), "something was due before now");
        if entry.at != now.as_nanos() {
            return None;
        }
        self.heap.pop();
        Some(match entry.rank >> CLASS_SHIFT {
            FRAME => Due::Frame { to: PortId(entry.port), frame: FrameId(entry.frame) },
            KERNEL => Due::Kernel(NodeId(entry.port)),
            SPOOF => Due::Spoof(entry.frame),
            CLIENT => Due::Client(ClientId(entry.port)),
            CLOUD => Due::Cloud,
            _ => Due::Program(CvmId(entry.port)),
        })
    }
    /// How many entries wait: what a test of memory looks at.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_runs_frames_by_source_then_wake_ups_then_programs() {
        let t = Time::from_nanos(100);
        let mut queue = Queue::default();
        let (a, b) = (PortId(0), PortId(1));
        queue.push(t, Due::Program(CvmId(0)));
        queue.push(t, Due::Client(ClientId(0)));
        queue.push(t, Due::Kernel(NodeId(1)));
        queue.push_frame(t, b, 1, false, a, FrameId(3));
        queue.push_frame(t, a, 9, true, b, FrameId(2));
        queue.push_frame(t, a, 9, false, b, FrameId(1));
        queue.push(t, Due::Cloud);
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
        assert_eq!(std::mem::size_of::<Entry>(), 24);
    }
}
