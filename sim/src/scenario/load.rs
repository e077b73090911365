//! The loader of keepalived's files, as a scenario wants it.

use havip::config::{self, Options};
use havip::files::Files;

use super::prepare::Loaded;

/// What keepalived makes of a machine's files: the [`Load`](super::Load) of every run that is no test of this
/// module's own.
pub fn load_keepalived(files: &Files, options: &Options) -> Loaded {
    let config::Loaded { config, mut diagnoses, sources, unmatched_with } = config::load(files, options);
    // Stable: within a severity they stay in the order of the text.
    diagnoses.sort_by_key(|diagnosis| diagnosis.severity);
    let diagnoses = diagnoses.iter().map(|diagnosis| diagnosis.one_line(&sources)).collect();
    Loaded { config, diagnoses, unmatched_with }
}
