//! What a program sends: its machine puts the frames of a burst on the wire one after another.

use havip::time::Time;

use crate::world::host;
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
        let at = machine.free_at.max(now);
        machine.free_at = at + host.takes(&host::BURST_SPACING, cvm.0.into(), at, 0);
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
