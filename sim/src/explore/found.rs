//! A shrunk run as a scenario file, ready to be committed.

use std::fmt::Write as _;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::base::Base;
use crate::rules::{Rule, Violation};
use crate::scenario::{Expect, Expectation, Script, name_of};

/// The smallest run found that breaks a rule.
#[derive(Clone, Debug)]
pub struct Found {
    /// It replays the run.
    pub script: Script,
    /// What is the case in it.
    pub violation: Violation,
    /// The rule.
    pub rule: Rule,
    /// The seed it was shrunk from.
    pub seed: u64,
    /// The scenario that seed was run on.
    pub from: String,
    /// Its machines have a planted flaw.
    pub canary: bool,
}

impl Found {
    /// The file's text: what was found, in words; the story; and what is to hold in it: as a reader would say it of this
    /// story, if there are words for it, or the rule itself.
    pub fn text(&self) -> String {
        let mut script = self.script.clone();
        let expect = self.violation.expect.unwrap_or(Expect::Rule(self.rule));
        script.expectations.push(Expectation { expect, only: None, line: 0 });
        let mut head = String::new();
        let said = format!(
            "Found by `havip-sim explore` on {}, seed {}: {} does not hold.",
            self.from,
            self.seed,
            self.rule.name()
        );
        let planted = "The flaw is planted: `--canary` makes these machines have it, and without that nothing is wrong.";
        let mut paragraphs = vec![said.as_str(), self.rule.sentence(), &self.violation.what];
        paragraphs.extend(self.canary.then_some(planted));
        for paragraph in paragraphs {
            for line in wrapped(paragraph, 116) {
                let _ = writeln!(head, "# {line}");
            }
        }
        format!("{head}{script}")
    }

    /// Writes it into a folder, made if need be, and says where. A base that was read from configuration files alone
    /// gets them written beside it; one that was read from a scenario file names them where they are, relative to the
    /// folder of that file's neighbour `found`. What is there already stays: another run gets a number behind its name.
    pub fn write(&self, base: &Base, folder: &Path) -> io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let script = placed(base, &self.script, folder)?;
        let numbered = |n: usize| {
            let name = match n {
                1 => script.name.clone(),
                n => name_of("", &script.name, &format!("-{n}")),
            };
            let text =
                Found { script: Script { name: name.clone(), ..script.clone() }, ..self.clone() }.text();
            (folder.join(format!("{name}.scn")), text)
        };
        kept(numbered)
    }
}

/// Writes a text where nothing else is, and says where: `numbered` gives a place and the text for it, of the first, the
/// second and so on. One that is there with just that text is it.
fn kept(numbered: impl Fn(usize) -> (PathBuf, String)) -> io::Result<PathBuf> {
    /// More of one name are not looked at by anybody.
    const MOST: usize = 1_000;
    for (path, text) in (1..=MOST).map(numbered) {
        match std::fs::read(&path) {
            Ok(known) if known == text.as_bytes() => return Ok(path),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::write(&path, text)?;
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{MOST} files of one name")))
}

/// A script as it names its configuration files from a folder. Those of a base that was made of them alone are written
/// into the folder.
pub(super) fn placed(base: &Base, script: &Script, folder: &Path) -> io::Result<Script> {
    let mut script = script.clone();
    let home =
        Path::new(&base.script.source.file).parent().map(Path::to_owned).filter(|_| base.is_from_a_file());
    for cvm in &mut script.cvms {
        cvm.file.path = place(base, folder, home.as_deref(), &cvm.file.path)?;
    }
    for file in &mut script.files {
        file.path = place(base, folder, home.as_deref(), &file.path)?;
    }
    Ok(script)
}

/// What a configuration file is called from the folder.
fn place(base: &Base, folder: &Path, home: Option<&Path>, name: &str) -> io::Result<String> {
    if let Some(home) = home {
        return Ok(relative(&std::path::absolute(folder)?, &std::path::absolute(home.join(name))?));
    }
    if let Some(parent) = folder.join(name).parent() {
        std::fs::create_dir_all(parent)?;
    }
    let text = base.files.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text.as_str());
    let numbered = |n: usize| match (n, name.rsplit_once('.')) {
        (1, _) => name.to_owned(),
        (n, Some((stem, ending))) => format!("{stem}-{n}.{ending}"),
        (n, None) => format!("{name}-{n}"),
    };
    let path = kept(|n| (folder.join(numbered(n)), text.to_owned()))?;
    Ok(relative(&std::path::absolute(folder)?, &std::path::absolute(path)?))
}

/// How a file is named from a folder; both are absolute.
fn relative(folder: &Path, file: &Path) -> String {
    let clean = |path: &Path| {
        let mut parts: Vec<String> = Vec::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(parts.pop()),
                Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
                _ => {}
            }
        }
        parts
    };
    let (folder, file) = (clean(folder), clean(file));
    let common = folder.iter().zip(&file).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", folder.len() - common);
    up.chain(file[common..].iter().map(String::as_str)).collect::<Vec<_>>().join("/")
}

/// Words in lines of at most so many bytes.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, String::len);
        if line > 0 && line + 1 + word.len() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_stays() {
        let folder = std::env::temp_dir().join(format!("havip-sim-found-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let keep = |text: &str| {
            let path = kept(|n| (folder.join(format!("one-{n}.scn")), text.to_owned())).expect("room");
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
        };
        let places = ["first", "second", "first", "second"].map(keep);
        std::fs::remove_dir_all(&folder).expect("it was made");
        assert_eq!(places, ["one-1.scn", "one-2.scn", "one-1.scn", "one-2.scn"]);
    }

    #[test]
    fn a_file_is_named_from_another_folder() {
        let name = |folder: &str, file: &str| relative(Path::new(folder), Path::new(file));
        assert_eq!(name("/x/scenarios/found", "/x/scenarios/conf/pair.conf"), "../conf/pair.conf");
        assert_eq!(name("/x/out", "/x/scenarios/../scenarios/conf/a.conf"), "../scenarios/conf/a.conf");
        assert_eq!(name("/x", "/x/conf/a.conf"), "conf/a.conf");
    }
}
