//! The script language: what a `.scn` file says, read and printed.

mod expect;

pub use expect::{Expect, Expectation, Fact};
