//! A folder of scenario files as a test: one file, one test, one snapshot.
//!
//! In `tests/failover.rs` of any crate, with `harness = false` for that test in its `Cargo.toml`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     havip_sim::harness("scenarios", "snapshots")
//! }
//! ```
//!
//! `cargo test preempt-delay` runs one of them; nextest lists them; `cargo insta review`, or `INSTA_UPDATE=always`,
//! accepts a changed record. A scenario fails when an expectation fails, when it cannot be read, or when its record
//! is not the stored one; a snapshot without a scenario fails as well. A file that says `also as havip` is two tests,
//! `NAME` and `NAME@havip`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use havip::profile::Profile;
use libtest_mimic::{Arguments, Failed, Trial};

use crate::run;
use crate::snapshot;

/// Runs every `*.scn` of a folder as a test, its record held against the snapshot of its name. Folders are as the
/// test finds them: relative to the folder of the crate's `Cargo.toml`.
pub fn harness(scenarios: impl AsRef<Path>, snapshots: impl AsRef<Path>) -> ExitCode {
    let arguments = Arguments::from_args();
    match trials(scenarios.as_ref(), snapshots.as_ref()) {
        Ok(trials) => libtest_mimic::run(&arguments, trials).exit_code(),
        Err(error) => {
            eprintln!("error: cannot read {}: {error}", scenarios.as_ref().display());
            ExitCode::from(2)
        }
    }
}

fn trials(scenarios: &Path, snapshots: &Path) -> std::io::Result<Vec<Trial>> {
    let files = snapshot::files_in(scenarios, "scn")?;
    if files.is_empty() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "there is no scenario file (*.scn) in it",
        ));
    }
    std::fs::create_dir_all(snapshots)?;
    let folder = std::fs::canonicalize(snapshots)?;
    let orphans = snapshot::orphans(snapshots, &files)?;
    let orphans = orphans.into_iter().map(|path| {
        let name = format!("{} (snapshot without a scenario)", stem(&path));
        let message = format!("{} has no scenario file: remove it, or bring the file back", path.display());
        Trial::test(name, move || Err(Failed::from(message)))
    });
    let runs = files.into_iter().flat_map(|path| {
        let also = run::also(&path).into_iter().map(Some);
        [None].into_iter().chain(also).map(move |under| (path.clone(), under)).collect::<Vec<_>>()
    });
    let scenarios = runs.map(|(path, under)| {
        let folder = folder.clone();
        Trial::test(snapshot::name_of(&path, under), move || check(&path, under, folder))
    });
    Ok(scenarios.chain(orphans).collect())
}

fn check(path: &Path, under: Option<Profile>, folder: PathBuf) -> Result<(), Failed> {
    let scenario = run::open_as(path, None, under).map_err(|error| Failed::from(error.to_string()))?;
    let record = run::run(&scenario);
    let text = record.text();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(snapshot::name_of(path, under), text));
    match record.failing() {
        0 => Ok(()),
        n => Err(Failed::from(format!("{text}\n{n} of {} expectations fail", record.verdicts.len()))),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
