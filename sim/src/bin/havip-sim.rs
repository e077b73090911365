//! The testbed's program.
fn main() {}
