//! Paths and patterns of `include`, without a disk: a path is a key of [`Files::texts`](crate::files::Files).

/// The path a file means by `pattern`: relative to its own directory, `.` and `..` resolved by name.
pub(super) fn resolve(including: &str, pattern: &str) -> String {
    if pattern.starts_with('/') {
        return normalise(pattern);
    }
    match including.rfind('/') {
        Some(i) => normalise(&format!("{}/{pattern}", &including[..i])),
        None => normalise(pattern),
    }
}

/// The path with `.`, `..` and doubled slashes resolved by name.
pub(super) fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let absolute = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&last) if last != ".." => {
                    parts.pop();
                }
                _ if absolute => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

/// Whether a path is one of those a glob pattern means: `*`, `?` and `[a-z]`, none of which crosses a slash.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(p), Some(s)) if part_matches(p, s) => {}
            _ => return false,
        }
    }
}

/// One component. A star remembers where it stood; a mismatch lets the last star take one character more, so
/// the work is at most the product of the two lengths.
fn part_matches(pattern: &str, text: &str) -> bool {
    let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    if t.first() == Some(&'.') && p.first() != Some(&'.') {
        return false; // a hidden file is not meant by a star
    }
    let (mut i, mut j) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while j < t.len() {
        let step = match p.get(i) {
            Some('*') => {
                star = Some((i + 1, j));
                i += 1;
                continue;
            }
            Some(_) => one_matches(&p[i..], t[j]),
            None => None,
        };
        match (step, star) {
            (Some(used), _) => {
                i += used;
                j += 1;
            }
            (None, Some((after, from))) => {
                star = Some((after, from + 1));
                (i, j) = (after, from + 1);
            }
            (None, None) => return false,
        }
    }
    p[i..].iter().all(|&c| c == '*')
}

/// Whether the pattern's first element matches this character; how many characters the element has.
fn one_matches(pattern: &[char], c: char) -> Option<usize> {
    match pattern[0] {
        '?' => Some(1),
        '[' => match class(pattern) {
            Some((used, negated, set)) => {
                let hit = set.iter().any(|&(from, to)| (from..=to).contains(&c));
                (hit != negated).then_some(used)
            }
            None => (c == '[').then_some(1),
        },
        '\\' if pattern.len() > 1 => (pattern[1] == c).then_some(2),
        literal => (literal == c).then_some(1),
    }
}

/// Characters, from the first to the second of each pair.
type Ranges = Vec<(char, char)>;

/// A character class such as `[a-z]` or `[!0]`: its length, whether it is negated, its ranges.
fn class(pattern: &[char]) -> Option<(usize, bool, Ranges)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let mut i = if negated { 2 } else { 1 };
    let first = i;
    let mut set = Vec::new();
    while let Some(&from) = pattern.get(i) {
        if from == ']' && i > first {
            return Some((i + 1, negated, set));
        }
        match (pattern.get(i + 1), pattern.get(i + 2)) {
            (Some('-'), Some(&to)) if to != ']' => {
                set.push((from, to));
                i += 3;
            }
            _ => {
                set.push((from, from));
                i += 1;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_include_is_relative_to_the_file_it_stands_in() {
        assert_eq!(resolve("conf/pair.conf", "common.conf"), "conf/common.conf");
        assert_eq!(resolve("conf/pair.conf", "../x/./*.conf"), "x/*.conf");
        assert_eq!(resolve("conf/pair.conf", "/etc//k/a.conf"), "/etc/k/a.conf");
        assert_eq!(resolve("pair.conf", "../../a"), "../../a");
        assert_eq!(resolve("/etc/a.conf", "../../../b"), "/b");
    }

    #[test]
    fn a_glob_stays_in_its_directory() {
        for (pattern, path, hit) in [
            ("conf/*.conf", "conf/a.conf", true),
            ("conf/*.conf", "conf/d/a.conf", false),
            ("conf/*.conf", "conf/.a.conf", false),
            ("c?nf/[a-c]*", "conf/b", true),
            ("conf/[!a]b", "conf/ab", false),
            ("conf/[", "conf/[", true),
            ("*a*b*c", "xaxbxc", true),
            ("*a*b*c", "xaxbxcx", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, path), hit, "{pattern} {path}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_more_than_the_product_of_the_lengths() {
        let (pattern, path) = ("a*".repeat(1000), "a".repeat(2000));
        assert!(!matches(&(pattern + "b"), &path));
    }
}
