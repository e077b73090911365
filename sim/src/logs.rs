//! keepalived-style log lines, stamped with simulated time and machine.
//!
//! They are for people who compare a run with their syslog (`-v`, `RUST_LOG`), and never part of a record: nothing
//! reads them back.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use crate::engine::running;

/// Prints log lines on standard error, turmoil's own excepted: those `RUST_LOG` asks for, or the agent's own with `verbose`; none otherwise.
pub fn install(verbose: bool, machines: Vec<String>) {
    let wanted = match (std::env::var("RUST_LOG"), verbose) {
        (Ok(filter), _) if !filter.is_empty() => filter,
        (_, true) => "havip=info".to_owned(),
        (_, false) => return,
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{wanted},turmoil=off")))
        .with_writer(std::io::stderr)
        .event_format(Stamped { machines })
        .finish();
    // Only the first of a process is installed; a second call changes nothing.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// `   3.6438 a: (VI_1) Entering MASTER STATE`.
struct Stamped {
    machines: Vec<String>,
}

impl<S, N> FormatEvent<S, N> for Stamped
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if let Some((at, cvm)) = running() {
            let name = self.machines.get(usize::from(cvm.0)).map_or("?", String::as_str);
            write!(out, "{:>11} {name}: ", at.display(6))?;
        }
        ctx.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
