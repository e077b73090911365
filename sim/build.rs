//! Gives the program a digest of its own sources: results of different code are never put together, git or no git.

use std::io;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> io::Result<()> {
    let own = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = own.join("..");
    let mut files = Vec::new();
    for folder in ["src", "sim/src"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        sources(&root.join(folder), folder, &mut files)?;
    }
    // By their names in the workspace, which are the same on every disk.
    files.sort();
    let mut hash = Fnv::default();
    for (name, path) in files {
        hash.part(name.as_bytes());
        hash.part(&fs::read(path)?);
    }
    println!("cargo::rustc-env=HAVIP_SIM_CODE={:016x}", hash.0);
    Ok(())
}

fn sources(folder: &Path, name: &str, found: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        let name = format!("{name}/{file}");
        if path.is_dir() {
            sources(&path, &name, found)?;
        } else if name.ends_with(".rs") {
            found.push((name, path));
        }
    }
    Ok(())
}

/// FNV-1a: tells versions of a program apart, and is no defence against anybody.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Takes a part and its length, so that no two lists of parts look alike.
    fn part(&mut self, bytes: &[u8]) {
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
