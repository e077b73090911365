//! The command line.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use havip::time::Duration;
use havip_sim::cloud::model::{Limits, Model};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::keys::{self, Keys};
use crate::sign::Mode;
use crate::state::{App, Settings};
use crate::store::{OpenError, Store};
use crate::{api, lab, server};

/// The cloud: HAVIPs, elastic IPs and bindings over the Tencent Cloud API 3.0, and a page for people.
#[derive(Debug, Parser)]
#[command(name = "havip-console", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API and the page.
    Serve(Serve),
    /// Prints which actions are implemented, and which of their fields.
    Api,
}

/// What to serve, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Serve {
    /// Where to listen; port 0 is any that is free.
    #[arg(long, default_value = "127.0.0.1:8120")]
    listen: SocketAddr,
    /// The folder where everything is stored.
    #[arg(long, default_value = "./havip-data", conflicts_with = "memory")]
    data: PathBuf,
    /// Stores nothing: everything is forgotten at the end.
    #[arg(long)]
    memory: bool,
    /// What ids are made of, in a new store.
    #[arg(long)]
    seed: Option<u64>,
    /// How signatures are looked at.
    #[arg(long, value_enum, default_value = "lenient")]
    signature: Mode,
    /// Takes more than 20 requests a second of an action.
    #[arg(long)]
    no_rate_limit: bool,
    /// A quota: vpc-max-havips=100. May be given more than once.
    #[arg(long, value_name = "NAME=N", value_parser = quota)]
    quota: Vec<(String, u64)>,
    /// Runs the machines of a scenario behind it: their agents claim its HAVIPs.
    #[arg(long, value_name = "FILE.scn")]
    lab: Option<PathBuf>,
    /// The cloud's time, and the lab's, runs so many times as fast.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    speed: u64,
    /// How long asynchronous work takes, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    task_delay: u64,
    /// How long a binding takes to follow a claim made by /_havip/claim, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    bind_delay: u64,
}

fn quota(text: &str) -> Result<(String, u64), String> {
    let names = || Limits::ALL.iter().map(|limit| limit.name).collect::<Vec<_>>().join(", ");
    let (name, value) = text.split_once('=').ok_or("write NAME=N")?;
    let value = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    if Limits::default().set(name, value) {
        Ok((name.to_owned(), value))
    } else {
        Err(format!("there is no quota `{name}`; there are {}", names()))
    }
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("--signature off lets anybody do anything: it listens on loopback only, not on {0}")]
    PublicWithoutSignatures(SocketAddr),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    #[error("the lab cannot start: {0}")]
    Lab(#[from] lab::Wrong),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => run(&options),
        Command::Api => io::stdout().write_all(api::coverage().as_bytes()).map_err(Failure::from),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Serve) -> Result<(), Failure> {
    if options.signature == Mode::Off && !options.listen.ip().is_loopback() {
        return Err(Failure::PublicWithoutSignatures(options.listen));
    }
    let app = Arc::new(open(options)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(options.listen).await;
        let listener = listener.map_err(|error| Failure::Listen(options.listen, error))?;
        if let Some(file) = &options.lab {
            lab::start(&app, file).await?;
        }
        greet(&app, listener.local_addr()?).await?;
        let mut end = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            () = app.keep_time() => {}
            () = server::serve(listener, Arc::clone(&app)) => {}
            _ = end.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(())
    })
}

/// The server's state: stored, or new.
fn open(options: &Serve) -> Result<App, Failure> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => keys::seed()?,
    };
    let (store, mut model, keys, starts) = if options.memory {
        (Store::nowhere(), Model::new(seed), Keys::new(), 1)
    } else {
        let (store, loaded) = Store::open(&options.data, seed)?;
        (store, loaded.model, loaded.keys, loaded.starts)
    };
    model.set_task_delay(Duration::from_millis(options.task_delay));
    let settings = Settings {
        mode: options.signature,
        rate_limit: !options.no_rate_limit,
        bind_delay: Duration::from_millis(options.bind_delay),
        quota: options.quota.clone(),
    };
    Ok(App::new(settings, Clock::new(options.speed), keys::token()?, (model, keys, starts), store))
}

/// Says where it listens; and, the first time, the keys.
async fn greet(app: &App, address: SocketAddr) -> io::Result<()> {
    let made = if app.with(|inner, _| inner.keys.is_empty()).await { Some(keys::make()?) } else { None };
    if let Some((id, secret)) = &made {
        app.with(|inner, _| inner.add_key(id.clone(), secret.clone())).await;
    }
    let mut out = io::stdout().lock();
    if let Some((id, secret)) = made {
        writeln!(out, "Keys, shown this once:")?;
        writeln!(out, "export TENCENTCLOUD_SECRET_ID={id}")?;
        writeln!(out, "export TENCENTCLOUD_SECRET_KEY={}", secret.reveal())?;
    }
    writeln!(out, "listening on http://{address}")?;
    out.flush()
}
