//! Who watches a run.
use crate::world::{Look, Report, Setup, Wants};
use havip::time::Time;
/// Watches.
pub trait Observer {
    /// The classes of reports it needs.
    fn wants(&self) -> Wants;
    /// Everything that happened at one instant.
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]);
    /// The run is over.
    fn finish(&mut self, setup: &Setup, end: Time) {
        let _ = (setup, end);
    }
}
