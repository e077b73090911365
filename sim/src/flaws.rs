//! Planted flaws, in unit tests only: what the comparison of the engines must find, or it compares nothing.

use std::cell::Cell;

/// A rule of the world that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A program's timer comes before its packets.
    TimerFirst,
    /// Frames that arrive together come in the order in which they were sent, whoever was let to run first.
    ArrivalOrder,
    /// What is set at an instant is seen at that instant.
    SharedInstant,
}

thread_local! {
    static PLANTED: Cell<Option<Flaw>> = const { Cell::new(None) };
    static FRAMES: Cell<u64> = const { Cell::new(0) };
}

/// Whether this thread's worlds have that flaw.
pub(crate) fn has(flaw: Flaw) -> bool {
    PLANTED.get() == Some(flaw)
}

/// Runs something in a world with a flaw, or without.
pub(crate) fn with<R>(flaw: Option<Flaw>, run: impl FnOnce() -> R) -> R {
    let before = PLANTED.replace(flaw);
    let result = run();
    PLANTED.set(before);
    result
}

/// A number for each frame, in the order in which they are sent.
pub(crate) fn next_frame() -> u64 {
    FRAMES.replace(FRAMES.get() + 1)
}
