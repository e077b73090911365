//! Snapshots on disk, in insta's own format: for repositories without cargo, and for those with it.

use std::io;
use std::path::{Path, PathBuf};

use havip::profile::Profile;

use crate::run;

/// How a record compares with its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The same.
    Same,
    /// There is no snapshot yet.
    Missing,
    /// Another text is stored.
    Differs {
        /// What is stored.
        stored: String,
    },
}

/// Where a scenario's snapshot lies: `NAME.snap` in a folder, and `NAME@PROFILE.snap` of its run under a profile.
pub fn path_of(folder: &Path, scenario: &Path, under: Option<Profile>) -> PathBuf {
    folder.join(format!("{}.snap", name_of(scenario, under)))
}

/// A scenario's name, `NAME` or `NAME@PROFILE`.
pub fn name_of(scenario: &Path, under: Option<Profile>) -> String {
    let stem = scenario.file_stem().unwrap_or_default().to_string_lossy();
    match under {
        Some(profile) => format!("{stem}@{profile}"),
        None => stem.into_owned(),
    }
}

/// Holds a record against its snapshot.
pub fn compare(path: &Path, record: &str) -> io::Result<Compared> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Compared::Missing),
        other => other?,
    };
    let stored = contents(&text);
    Ok(if stored == record.trim_end() {
        Compared::Same
    } else {
        Compared::Differs { stored: stored.to_owned() }
    })
}

/// Writes a record as its snapshot.
pub fn bless(path: &Path, record: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, format!("---\nsource: havip-sim\n---\n{}\n", record.trim_end()))
}

/// The snapshots in a folder that no scenario of `scenarios` has.
pub fn orphans(folder: &Path, scenarios: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let runs = |scenario: &PathBuf| {
        let profiles: Vec<_> = run::also(scenario).into_iter().map(Some).chain([None]).collect();
        profiles.into_iter().map(|under| path_of(folder, scenario, under)).collect::<Vec<_>>()
    };
    let wanted: Vec<PathBuf> = scenarios.iter().flat_map(runs).collect();
    let found = files_in(folder, "snap")?;
    Ok(found.into_iter().filter(|path| !wanted.contains(path)).collect())
}

/// The files of a folder with an extension, in the order of their names. A folder that is not there has none.
pub fn files_in(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == extension) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What stands behind the head of a snapshot file.
fn contents(text: &str) -> &str {
    let behind = text.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n"));
    behind.map_or(text, |(_, contents)| contents).trim_end()
}

/// The lines that differ, as a reader wants them: `-` stored, `+` now, with a little around them.
pub fn difference(stored: &str, now: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (stored.lines().collect(), now.trim_end().lines().collect());
    let same_front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same_front..], &new[same_front..]);
    let same_back = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let around = old[same_front.saturating_sub(2)..same_front].iter().map(|line| format!("  {line}\n"));
    let gone = old_rest[..old_rest.len() - same_back].iter().map(|line| format!("- {line}\n"));
    let come = new_rest[..new_rest.len() - same_back].iter().map(|line| format!("+ {line}\n"));
    around.chain(gone).chain(come).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_insta_wrote_is_read() {
        let insta = "---\nsource: sim/src/harness.rs\nexpression: record\n---\nscenario x\n   1.0  a\n";
        assert_eq!(contents(insta), "scenario x\n   1.0  a");
    }

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(difference("a\nb\nc\nd\ne", "a\nb\nc\nX\ne"), "  b\n  c\n- d\n+ X\n");
    }
}
