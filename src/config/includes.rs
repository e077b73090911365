//! Follows `include` lines from file to file, and finds the files that keys of `auth_hmac` are in. It touches no disk: whoever calls knows how files are found and read.

use std::collections::BTreeSet;
use std::io;

use super::paths;
use crate::files::Files;

/// One configuration has at most so many files, found or not, and at most so much text: the limits are there for
/// what is no configuration at all.
const FILES_MAX: usize = 1024;
const BYTES_MAX: usize = 16 << 20;

/// What may stand around a word.
const QUOTES: &[char] = &['"', '\''];

/// A configuration file and what it includes, as far as it could be read.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// Every file by its path.
    pub files: Files,
    /// It includes more than one configuration may; the rest is not read.
    pub cut_short: bool,
}

/// Reads a file and everything its `include` lines may mean, and the files of its keys. `find` says which files a path means, which may be a
/// pattern; `read` reads one. Included files that cannot be read are left out: the parser says so where it looks
/// for them.
///
/// # Errors
/// The main file cannot be read.
pub fn gather(
    main: &str,
    find: &mut dyn FnMut(&str) -> Vec<String>,
    read: &dyn Fn(&str) -> io::Result<String>,
) -> io::Result<Gathered> {
    let mut files = Files::single(main, read(main)?);
    let mut bytes = files.texts.values().map(String::len).sum::<usize>();
    let mut seen = BTreeSet::from([main.to_owned(), paths::normalise(main)]);
    let mut waiting = vec![main.to_owned()];
    while let Some(including) = waiting.pop() {
        let lines = || files.texts[&including].lines();
        let patterns: Vec<String> = lines().filter_map(pattern).collect();
        let keys: Vec<String> = lines().filter_map(|line| key_path(&including, line)).collect();
        for found in keys {
            if seen.len() > FILES_MAX || bytes > BYTES_MAX {
                return Ok(Gathered { files, cut_short: true });
            }
            // A key is no configuration: nothing is included from it.
            if seen.insert(found.clone())
                && let Ok(text) = read(&found)
            {
                bytes += text.len();
                files.texts.insert(found, text);
            }
        }
        for found in patterns.iter().flat_map(|pattern| find(&paths::resolve(&including, pattern))) {
            if seen.contains(&found) {
                continue;
            }
            if seen.len() > FILES_MAX || bytes > BYTES_MAX {
                return Ok(Gathered { files, cut_short: true });
            }
            seen.insert(found.clone());
            if let Ok(text) = read(&found) {
                bytes += text.len();
                files.texts.insert(found.clone(), text);
                waiting.push(found);
            }
        }
    }
    Ok(Gathered { files, cut_short: false })
}

/// What an `include` line names. More lines than the parser will take are let through, never fewer.
fn pattern(line: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
    let kind = words.next()?.strip_prefix("include")?;
    matches!(kind, "" | "r" | "m" | "w" | "b" | "a")
        .then(|| words.next())?
        .map(|word| word.trim_matches(QUOTES).to_owned())
}

/// What a `key NUMBER file:PATH` line says after its number; a file is named, and never a pattern.
pub fn key_word(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('@'));
    if words.next()? != "key" {
        return None;
    }
    let word = words.nth(1)?;
    word.trim_start_matches(QUOTES).starts_with("file:").then_some(word)
}

/// The file that a key of a line is in, among [`Files::texts`], where it stands in a file of its own.
pub fn key_path(including: &str, line: &str) -> Option<String> {
    let path = key_word(line)?.trim_matches(QUOTES).strip_prefix("file:")?;
    Some(paths::resolve(including, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str) -> Vec<String> {
        vec![path.to_owned()]
    }

    #[test]
    fn includes_are_followed_by_name_and_each_is_read_once() {
        let read = |path: &str| match path {
            "conf/a.conf" => Ok("include common.conf\n@a includer \"sub/x.conf\"\n".to_owned()),
            "conf/common.conf" => Ok("include a.conf # a circle\n".to_owned()),
            "conf/sub/x.conf" => Ok("include ../../y.conf\ninclude missing.conf\n".to_owned()),
            "y.conf" => Ok("! the end\nincluded z.conf\n".to_owned()),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        let found = gather("conf/a.conf", &mut one, &read).unwrap();
        let paths: Vec<_> = found.files.texts.keys().map(String::as_str).collect();
        assert_eq!(paths, ["conf/a.conf", "conf/common.conf", "conf/sub/x.conf", "y.conf"]);
        assert!(!found.cut_short);
    }

    #[test]
    fn the_files_of_keys_are_read_by_name_and_nothing_is_included_from_them() {
        let read = |path: &str| match path {
            "conf/a.conf" => {
                Ok("include keys.conf\n key 1 hex:00\n key 2 file:/etc/k\n key file:no\n".to_owned())
            }
            "conf/keys.conf" => Ok("@a key 3 \"file:k3\"\nkey 4 file:missing\nkey 5 file:*\n".to_owned()),
            "/etc/k" => Ok("include secret.conf\n".to_owned()),
            "conf/k3" => Ok("hex:0102\n".to_owned()),
            "conf/*" | "conf/missing" => Err(io::Error::from(io::ErrorKind::NotFound)),
            _ => panic!("{path}"),
        };
        let found = gather("conf/a.conf", &mut one, &read).unwrap();
        let paths: Vec<_> = found.files.texts.keys().map(String::as_str).collect();
        assert_eq!(paths, ["/etc/k", "conf/a.conf", "conf/k3", "conf/keys.conf"]);
    }

    #[test]
    fn a_file_that_includes_ever_more_is_cut_short() {
        let found = gather("a", &mut one, &|path| Ok(format!("include {path}x\n"))).unwrap();
        assert!(found.cut_short && found.files.texts.len() == FILES_MAX + 1, "{}", found.files.texts.len());
    }
}
