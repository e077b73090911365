//! The words of the language: those it has, those it will have, and the nearest one to a typing error.

/// What a line can begin with.
pub(super) const STATEMENTS: [&str; 22] = [
    "scenario", "run", "tick", "host", "phases", "vpc", "subnet", "lan", "havip", "eip", "range", "secgroup",
    "cvm", "eni", "client", "internet", "service", "check", "cloud", "also", "at", "expect",
];

/// Every act.
pub(super) const ACTS: [&str; 38] = [
    "start",
    "stop",
    "kill",
    "power-off",
    "power-on",
    "freeze",
    "thaw",
    "pause",
    "resume",
    "unplug",
    "plug",
    "attach",
    "detach",
    "cut",
    "drop",
    "heal",
    "loss",
    "delay",
    "duplicate",
    "reload",
    "corrupt",
    "reorder",
    "fail",
    "hang",
    "mend",
    "script",
    "file",
    "clock",
    "tamper",
    "spoof",
    "cloud",
    "seed",
    "apply",
    "release",
    "range",
    "bind-eip",
    "unbind-eip",
    "secgroup",
];

/// What the cloud can be told.
pub(super) const CLOUD_ACTS: [&str; 3] = ["bind-delay", "drop-claims", "hear-claims"];

/// What `expect` goes on with.
pub(super) const FORMS: [&str; 6] = ["by", "during", "in", "never", "eventually", "rule"];

/// What a fact begins with.
pub(super) const FACTS: [&str; 13] = [
    "master",
    "bound",
    "unbound",
    "two-masters",
    "stale",
    "refused",
    "transition",
    "served",
    "unserved",
    "claimed",
    "advertised",
    "notified",
    "routed",
];

/// What `in T..T` measures.
pub(super) const MEASURES: [&str; 4] = ["outage", "moves", "claims", "notifies"];

/// The remaining words.
const OTHERS: [&str; 18] = [
    "exact",
    "latency",
    "ipv6",
    "keepalived",
    "mac",
    "with",
    "taking",
    "off",
    "probe",
    "every",
    "bind-delay",
    "drop-claims",
    "hear-claims",
    "vrrp",
    "arp",
    "garp",
    "other",
    "all",
];

/// Programs that will be written down for a machine one day.
pub(super) const LATER_PROGRAMS: [&str; 3] = ["pacemaker", "heartbeat", "wsfc"];

/// Whether a word means something, now or later, so that nothing can be called by it.
pub(super) fn is_keyword(word: &str) -> bool {
    [&STATEMENTS[..], &ACTS, &FORMS, &FACTS, &MEASURES, &OTHERS, &LATER_PROGRAMS]
        .iter()
        .any(|l| l.contains(&word))
}

/// `[a-z][a-z0-9_-]*`, at most 64 of them.
pub(super) fn is_name(word: &str) -> bool {
    word.len() <= NAME_MAX
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && word.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-'))
}

/// The longest that a name is.
const NAME_MAX: usize = 64;

/// What somebody calls a thing, made a name, with more of one in front and behind; cut where it is too long.
pub(crate) fn name_of(before: &str, called: &str, behind: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '_' | '-') => c,
        _ => '_',
    };
    let room = NAME_MAX.saturating_sub(before.len() + behind.len());
    let mut kept: String = called.chars().map(plain).take(room).collect();
    if called.chars().nth(room).is_some() {
        kept.truncate(kept.trim_end_matches(['-', '_']).len());
    }
    let name = format!("{before}{kept}{behind}");
    if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { name_of("c-", &name, "") }
}

/// How many words a typing error is held against.
pub(super) const CANDIDATES: usize = 1_000;

/// The candidate that a typing error most likely meant, if one is near.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Bounds the work: longer words and longer lists are no typing errors worth a guess.
    const LETTERS: usize = 24;
    let word: Vec<char> = word.chars().take(LETTERS + 1).flat_map(char::to_lowercase).collect();
    let far = match word.len() {
        0 | 1 => return None,
        2..=4 => 1,
        5..=LETTERS => 2,
        _ => return None,
    };
    candidates
        .into_iter()
        .take(CANDIDATES)
        .map(|candidate| {
            (distance(&word, &candidate.chars().take(LETTERS + 3).collect::<Vec<_>>()), candidate)
        })
        .filter(|(d, _)| *d <= far)
        .min_by_key(|(d, _)| *d)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete, replace or swap with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        for (typed, meant) in [
            ("powr-off", "power-off"),
            ("sotp", "stop"),
            ("clod", "cloud"),
            ("KILL", "kill"),
            ("thawn", "thaw"),
        ] {
            assert_eq!(nearest(typed, ACTS), Some(meant), "{typed}");
        }
        for typed in ["", "x", "explode", "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"] {
            assert_eq!(nearest(typed, ACTS), None, "{typed}");
        }
    }

    #[test]
    fn names_are_lower_case_and_mean_nothing_else() {
        for name in ["a", "web", "db-1", "x_y"] {
            assert!(is_name(name) && !is_keyword(name), "{name}");
        }
        for name in ["", "A", "1a", "-a", "a.b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
        for (name, made) in [("web", "x-web-2"), ("Web 1.conf", "x-web_1_conf-2"), ("é", "x-_-2")] {
            assert_eq!(name_of("x-", name, "-2"), made);
        }
        assert_eq!(name_of("", "10.0.0.5", ""), "c-10_0_0_5");
        for long in ["a-".repeat(40), "a".repeat(64), "9".repeat(64)] {
            let name = name_of("rule-", &name_of("", &long, ""), "-seed-18446744073709551615");
            assert!(
                is_name(&name) && name.len() <= 64 && name.ends_with("-seed-18446744073709551615"),
                "{name}"
            );
        }
        for word in ["cloud", "vrrp", "master", "served", "wsfc", "by", "probe", "havip"] {
            assert!(is_keyword(word), "{word}");
        }
    }
}
