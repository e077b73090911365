//! The bytes: one file a protocol, each in the same order (header picture, view, `Repr`, display, tests).

pub mod ethernet;
