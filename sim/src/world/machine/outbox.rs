//! What a program sends: its machine puts the frames of a burst on the wire one after another.

use havip::time::Time;

use crate::world::host::{self, Host};
use crate::world::report::FrameId;
use crate::world::setup::CvmId;
use crate::world::state::World;

/// A frame that has been sent and is not on the wire yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    leaves: Time,
    pub(super) frame: FrameId,
    /// An IP packet that the kernel has yet to resolve.
    is_packet: bool,
}

/// What a program sends in one go, one frame after another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Burst {
    /// When the next frame may leave.
    pub(super) free_at: Time,
    /// How many have left.
    frames: u32,
}

impl Burst {
    /// Nothing was sent yet.
    pub(super) const NONE: Burst = Burst { free_at: Time::ZERO, frames: 0 };

    /// When a frame leaves that is sent now.
    pub(super) fn leaves(&mut self, host: Host, cvm: CvmId, now: Time) -> Time {
        if self.free_at <= now {
            *self = Burst { free_at: now, frames: 0 };
        }
        let at = self.free_at;
        let long = self.frames >= host::SHORT_BURST;
        let spacing = if long { &host::LONG_BURST_SPACING } else { &host::BURST_SPACING };
        *self = Burst { free_at: at + host.takes(spacing, cvm.0.into(), at, 0), frames: self.frames + 1 };
        at
    }
}

impl World {
    /// Puts on the wire what of a burst is due.
    pub(in crate::world) fn send_outbox(&mut self, cvm: CvmId) {
        let now = self.now;
        if self.machine(cvm).frozen {
            return;
        }
        while let Some(out) = self.machine(cvm).outbox.pop_front_if(|out| out.leaves <= now) {
            self.put_on_wire(out);
        }
    }

    /// When the next frame of a burst is due.
    pub(in crate::world) fn outbox_due(&self, cvm: CvmId) -> Option<Time> {
        let machine = &self.machines[usize::from(cvm.0)];
        machine.outbox.front().filter(|_| !machine.frozen).map(|out| out.leaves)
    }

    /// Sends a frame of a program's step: the first at once, each further one a little after the one before it.
    pub(super) fn depart(&mut self, cvm: CvmId, frame: FrameId, is_packet: bool) {
        let (now, host, tick) = (self.now, self.host, self.setup.tick);
        let machine = self.machine(cvm);
        let at = machine.burst.leaves(host, cvm, now);
        let out = Outgoing { leaves: at.round_up(tick), frame, is_packet };
        if out.leaves <= now && machine.outbox.is_empty() {
            return self.put_on_wire(out);
        }
        machine.outbox.push_back(out);
        self.arm_kernel(self.setup.node_of_cvm(cvm));
    }

    fn put_on_wire(&mut self, out: Outgoing) {
        let port = self.frames.from(out.frame);
        if out.is_packet {
            self.send_packet(port, out.frame, true);
        } else {
            self.transmit(port, out.frame);
        }
    }
}
