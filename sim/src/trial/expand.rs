//! One text out of a file and what it includes, for scripts: they name one file a machine.

use havip::config::includes;
use havip::files::Files;
use sha2::{Digest, Sha256};

/// Deeper than this, an include includes itself.
const DEPTH_MAX: usize = 16;

/// The main file, with each `include` line replaced by what it includes. An `@id` in front of the line goes in
/// front of every line that comes in its place. Where a line says that a key is in a file, another key stands there.
pub(super) fn expand(files: &Files) -> String {
    let text = files.texts.get(&files.main).map_or("", String::as_str);
    if !text.lines().any(|line| target(line).is_some() || includes::key_word(line).is_some()) {
        return text.to_owned();
    }
    let mut out = String::new();
    insert(files, &files.main, "", 0, &mut out);
    out
}

fn insert(files: &Files, path: &str, marks: &str, depth: usize, out: &mut String) {
    let Some(text) = files.texts.get(path) else { return };
    for line in text.lines() {
        match target(line) {
            Some((inner, pattern)) if depth < DEPTH_MAX => {
                let folder = path.rfind('/').map_or("", |i| &path[..=i]);
                let wanted =
                    if pattern.starts_with('/') { pattern.to_owned() } else { format!("{folder}{pattern}") };
                let marks = format!("{marks}{inner}");
                for found in files.texts.keys().filter(|key| key.as_str() != path && fits(&wanted, key)) {
                    insert(files, found, &marks, depth + 1, out);
                }
            }
            _ => {
                out.push_str(marks);
                match stand_in(files, path, line) {
                    Some(line) => out.push_str(&line),
                    None => out.push_str(line),
                }
                out.push('\n');
            }
        }
    }
}

/// A line whose key is in a file of its own, with a key made from that one in its place: equal where the files are, and
/// no secret that somebody keeps apart from his configuration gets into what `--save` writes.
fn stand_in(files: &Files, path: &str, line: &str) -> Option<String> {
    let key = files.texts.get(&includes::key_path(path, line)?)?;
    let digest =
        Sha256::new().chain_update("havip-sim stands in for ").chain_update(key.trim_end()).finalize();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(line.replacen(includes::key_word(line)?, &format!("hex:{hex}"), 1))
}

/// The `@id` words of an `include` line, and what it names.
fn target(line: &str) -> Option<(String, &str)> {
    let mut marks = String::new();
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    while word.starts_with('@') {
        marks.push_str(word);
        marks.push(' ');
        word = words.next()?;
    }
    let variant = word.strip_prefix("include")?;
    let path = words.next()?.trim_matches(['"', '\'']);
    (variant.is_empty() || matches!(variant, "r" | "m" | "w" | "b" | "a")).then_some((marks, path))
}

/// Whether a path is what a pattern with `*` and `?` means; `.` and `..` are resolved by whoever read the files.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (plain(pattern), plain(path));
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), path.chars().collect());
    matches(&p, &t)
}

fn matches(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            matches(rest, text) || text.split_first().is_some_and(|(c, t)| *c != '/' && matches(pattern, t))
        }
        (Some(('?', p)), Some((c, t))) => *c != '/' && matches(p, t),
        (Some((x, p)), Some((y, t))) => x == y && matches(p, t),
        _ => false,
    }
}

/// `.` and `..` resolved by name.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_included_stands_in_the_place_of_the_line_with_its_marks() {
        let mut files = Files::single("etc/k.conf", "x {\n@a include conf.d/*.conf\n}\n");
        files.texts.insert("etc/conf.d/1.conf".into(), "priority 100\n".into());
        files.texts.insert("etc/conf.d/2.conf".into(), "include ../k2\n".into());
        files.texts.insert("etc/k2".into(), "advert_int 1\n".into());
        assert_eq!(expand(&files), "x {\n@a priority 100\n@a advert_int 1\n}\n");
    }

    #[test]
    fn a_key_in_a_file_of_its_own_is_replaced_by_another_and_by_the_same_where_it_is_the_same() {
        let text = "auth_hmac {\n  key 1 file:one # old\n@b key 2 \"file:two\"\n  key 3 file:three\n  key 4 file:no\n}\n";
        let mut files = Files::single("etc/k.conf", text);
        for (name, key) in [("one", "aaa"), ("two", "aaa\n"), ("three", "bbb")] {
            files.texts.insert(format!("etc/{name}"), key.into());
        }
        let text = expand(&files);
        let keys: Vec<&str> = text.split("hex:").skip(1).map(|rest| &rest[..64]).collect();
        assert!(keys.len() == 3 && keys[0] == keys[1] && keys[0] != keys[2], "{text}");
        assert!(keys.iter().all(|key| key.bytes().all(|b| b.is_ascii_hexdigit())), "{text}");
        assert!(text.contains("\n  key 1 hex:") && text.contains(" # old\n@b key 2 hex:"), "{text}");
        assert!(text.ends_with("  key 4 file:no\n}\n") && !text.contains("aaa"), "{text}");
    }

    #[test]
    fn a_file_that_includes_itself_comes_to_an_end() {
        let files = Files::single("k", "include k\ny\n");
        assert_eq!(expand(&files), "y\n");
    }
}
