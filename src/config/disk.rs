//! Configuration files from a real disk: the one part of [`config`](super) that touches one.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::includes::gather;
use super::paths;
use crate::files::Files;

/// A file longer than this is refused: the limit is there for what is no configuration at all.
const FILE_MAX: u64 = 1 << 24;
/// A pattern that means more files than this means no configuration.
const FOUND_MAX: usize = 1024;

/// Reads a file and everything its `include` lines may mean, patterns resolved. Included files that are missing or
/// cannot be read are left out: the parser says so where it looks for them.
///
/// # Errors
/// The main file cannot be read, or is too long.
pub fn read(main: &str) -> io::Result<Files> {
    Ok(gather(main, &mut glob, &|path| read_text(Path::new(path)))?.files)
}

/// Bytes that are no UTF-8 become U+FFFD: they stand in comments and names, and the parser wants text.
fn read_text(path: &Path) -> io::Result<String> {
    let meta = std::fs::metadata(path)?;
    if meta.len() > FILE_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too long for a configuration"));
    }
    if !meta.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no regular file"));
    }
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

/// The files a pattern means, in the order of their names.
fn glob(pattern: &str) -> Vec<String> {
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let mut found = vec![PathBuf::from(root)];
    for part in pattern.split('/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for directory in found {
            if part.contains(['*', '?', '[', '\\']) {
                next.extend(children(&directory, part));
            } else {
                next.push(directory.join(part));
            }
        }
        next.truncate(FOUND_MAX);
        found = next;
    }
    found.into_iter().filter(|p| p.is_file()).filter_map(|p| p.to_str().map(str::to_owned)).collect()
}

fn children(directory: &Path, part: &str) -> Vec<PathBuf> {
    let here = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = std::fs::read_dir(here) else { return Vec::new() };
    let names = entries.flatten().filter_map(|e| e.file_name().into_string().ok());
    let names: BTreeSet<String> = names.filter(|n| paths::matches(part, n)).collect();
    names.into_iter().map(|n| directory.join(n)).collect()
}
