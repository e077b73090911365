//! `havipd`: the agent's program. What it does so far is to read a `keepalived.conf` and say what it means.

mod check;
mod keywords;
mod profiles;
mod summary;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A keepalived-compatible VRRP agent for floating cloud addresses.
#[derive(Parser)]
#[command(name = "havipd", version, about, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what is wrong with a keepalived.conf, and what keepalived would run with
    Check(check::Arguments),
    /// Print every keyword that is recognised
    Keywords(keywords::Arguments),
    /// Print how agents differ: which profile does what, why, and where it was seen
    Profiles(profiles::Arguments),
    /// Run as the agent of this machine (not available yet)
    Run {
        /// The configuration
        file: Option<String>,
    },
}

/// A command that could not do its work.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Keywords(arguments) => keywords::run(&arguments),
        Command::Profiles(arguments) => profiles::run(&arguments),
        Command::Run { file } => {
            let file = file.as_deref().unwrap_or("/etc/keepalived/keepalived.conf");
            anstream::eprintln!(
                "havipd: there is no `run` yet: this version claims no address on a real machine"
            );
            anstream::eprintln!("  run the file with keepalived:  keepalived -f {file}");
            anstream::eprintln!("  see what it means:             havipd check {file}");
            anstream::eprintln!("  try it against failures:       havip-sim");
            ExitCode::from(FAILED)
        }
    }
}
