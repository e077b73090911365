//! The program; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    havip_console::cli::main()
}
