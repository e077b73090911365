//! The command line of `havip-sim`.

mod explore;
mod merge;
mod meter;
mod replay;
mod run;
mod subject;
mod sweep;
mod try_files;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::observe::Palette;
use crate::run::OpenError;

/// Everything that was to hold, holds.
const HOLDS: u8 = 0;
/// An expectation fails, or a snapshot differs.
const FAILS: u8 = 1;
/// The input cannot be used, or a result cannot be written.
const BAD_INPUT: u8 = 2;
/// Somebody pressed Ctrl-C: 128 and the number of the signal, as shells have it.
const INTERRUPTED: u8 = 130;

/// The version, and the digest of the sources that results carry.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " code ", env!("HAVIP_SIM_CODE"));

/// Says what happens to your clients when a machine of a cluster dies.
#[derive(Debug, Parser)]
#[command(name = "havip-sim", version = VERSION, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit status: 0 everything holds; 1 an expectation fails, a snapshot differs or a rule does not hold; 2 the input cannot
be used; 130 somebody pressed Ctrl-C.
Colours appear on a terminal only; NO_COLOR switches them off, CLICOLOR_FORCE=1 on.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenario files and print the record of each
    Run(run::Run),
    /// Try configuration files, no scenario: a table of what clients suffer in every failure
    Try(try_files::Try),
    /// Explore: thousands of seeds, each its own failures, held against rules; the smallest file for each that breaks
    Explore(explore::Explore),
    /// Run one seed of a campaign again, with record, capture and picture
    Replay(replay::Replay),
    /// Put the results of several machines together
    Merge(merge::Merge),
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
        Command::Explore(command) => command.execute(),
        Command::Replay(command) => command.execute(),
        Command::Merge(command) => command.execute(),
        Command::Sweep(command) => command.execute(),
    })
}

fn complain(message: &str) {
    anstream::eprintln!("{}error{}: {message}", Palette::colour().bad, anstyle::Reset);
}

fn print_open_error(error: &OpenError) {
    match error {
        OpenError::Unreadable { .. } => complain(&error.to_string()),
        OpenError::Wrong(errors) => {
            for error in errors {
                anstream::eprintln!("{}", error.render(true));
            }
        }
    }
}
