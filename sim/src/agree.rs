//! Both engines on one scenario: do they give one trace, byte for byte?

use std::fmt;
use std::sync::Arc;

use havip::time::Duration;

use crate::engine::Engine;
use crate::observe::Trace;
use crate::run::{self, Run};
use crate::scenario::Scenario;

/// Where the engines part: the first line of the trace that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How much later than written the acts were.
    pub shift: Duration,
    /// What the event loop has there, unless it has ended.
    pub event_loop: Option<String>,
    /// What turmoil has there, unless it has ended.
    pub turmoil: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ended = "(ended)".to_owned();
        write!(f, "the engines differ")?;
        if !self.shift.is_zero() {
            write!(f, ", acts shifted by {}", self.shift)?;
        }
        write!(f, "\n  event-loop  {}", self.event_loop.as_ref().unwrap_or(&ended))?;
        write!(f, "\n  turmoil     {}", self.turmoil.as_ref().unwrap_or(&ended))
    }
}

/// Runs a scenario in both engines: once, or, where it has phases, the unshifted and the worst of its runs.
pub fn both(scenario: &Scenario) -> Result<(), Difference> {
    let setup = Arc::new(scenario.setup.clone());
    let mut shifts = vec![Duration::ZERO];
    let worst = run::worst_phase(scenario, &setup).map(|(shift, _)| shift);
    shifts.extend(worst.filter(|shift| !shift.is_zero()));
    for shift in shifts {
        let of = |engine| {
            let mut trace = Trace::new();
            let record = run::run_shifted(Run { scenario, setup: &setup, shift, engine }, &mut trace);
            (trace, record)
        };
        let (event_loop, turmoil) = (of(Engine::EventLoop), of(Engine::Turmoil));
        let lines = event_loop.0.first_difference(&turmoil.0);
        // Records are made of what the trace holds, so this comes to the same; it is what people read.
        let (a, b) = (event_loop.1.text(), turmoil.1.text());
        let lines = lines.or_else(|| a.lines().map(Some).zip(b.lines().map(Some)).find(|(a, b)| a != b));
        if let Some((event_loop, turmoil)) = lines {
            let (event_loop, turmoil) = (event_loop.map(str::to_owned), turmoil.map(str::to_owned));
            return Err(Difference { shift, event_loop, turmoil });
        }
    }
    Ok(())
}
