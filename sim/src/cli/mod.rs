//! The command line of `havip-sim`.

mod run;
mod sweep;
mod try_files;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Everything that was to hold, holds.
const HOLDS: u8 = 0;
/// An expectation fails, or a snapshot differs.
const FAILS: u8 = 1;
/// The input cannot be used.
const BAD_INPUT: u8 = 2;

/// Says what happens to your clients when a machine of a cluster dies.
#[derive(Debug, Parser)]
#[command(name = "havip-sim", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit status: 0 everything holds; 1 an expectation fails or a snapshot differs; 2 the input cannot be used.
Colours appear on a terminal only; NO_COLOR switches them off, CLICOLOR_FORCE=1 on.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files and print the record of each
    Run(run::Run),
    /// Try configuration files, no scenario: a table of what clients suffer in every failure
    Try(try_files::Try),
    /// Try a grid of settings against failures and loss, and name the one to choose for a target
    Sweep(sweep::Sweep),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines: one JSON document a line, one line a file
    Json,
}

/// Reads the arguments, does what they ask, and says how it went.
pub fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    ExitCode::from(match command {
        Command::Run(command) => command.execute(),
        Command::Try(command) => command.execute(),
        Command::Sweep(command) => command.execute(),
    })
}
