//! The testbed's program; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    havip_sim::cli::main()
}
