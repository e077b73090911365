//! Which machine's program runs just now, and at what simulated time: for log lines, and for nothing else.

use std::cell::Cell;

use havip::time::Time;

use crate::world::CvmId;

thread_local! {
    static RUNNING: Cell<Option<(Time, CvmId)>> = const { Cell::new(None) };
}

/// The simulated time, and the machine whose program runs on this thread.
pub fn running() -> Option<(Time, CvmId)> {
    RUNNING.get()
}

/// Notes who runs.
pub(super) fn set_running(running: Option<(Time, CvmId)>) {
    RUNNING.set(running);
}
