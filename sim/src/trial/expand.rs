//! One text out of a file and what it includes, for scripts: they name one file a machine.

use havip::files::Files;

/// Deeper than this, an include includes itself.
const DEPTH_MAX: usize = 16;

/// The main file, with each `include` line replaced by what it includes. An `@id` in front of the line goes in
/// front of every line that comes in its place.
pub(super) fn expand(files: &Files) -> String {
    let text = files.texts.get(&files.main).map_or("", String::as_str);
    if !text.lines().any(|line| target(line).is_some()) {
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
                out.push_str(line);
                out.push('\n');
            }
        }
    }
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
    fn a_file_that_includes_itself_comes_to_an_end() {
        let files = Files::single("k", "include k\ny\n");
        assert_eq!(expand(&files), "y\n");
    }
}
