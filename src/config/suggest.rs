//! What somebody meant by a word that is no keyword.

use std::ops::Range;

use super::keywords::{Context, Keyword, TABLE, lookup, of};

/// A guess at an unknown keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// A keyword with its name or value glued to it: `vrrp_instanceVI_1`.
    Glued(&'static Keyword),
    /// Nearly this keyword: a letter too many, too few, another, or upper case.
    Typo(&'static Keyword),
    /// This keyword behind characters nobody sees: a byte order mark, a no-break space.
    Invisible(&'static Keyword),
    /// A keyword of another block.
    Elsewhere(&'static Keyword),
}

/// What was meant by `word`, the first of a line in `context`; `alone` when nothing follows it on its line.
pub(super) fn guess(context: Context, word: &str, alone: bool) -> Option<Guess> {
    let seen = word.trim_matches(|c: char| !c.is_ascii() && (c.is_whitespace() || is_invisible(c)));
    if seen.len() < word.len()
        && let Some(k) = lookup(context, seen)
    {
        return Some(Guess::Invisible(k));
    }
    let typo = || of(context).find(|k| nearly(word, k.name)).map(Guess::Typo);
    let glued = || (alone).then(|| glued(context, word)).flatten().map(Guess::Glued);
    let elsewhere = || TABLE.iter().find(|k| k.name == word).map(Guess::Elsewhere);
    elsewhere().or_else(glued).or_else(typo)
}

/// The keyword a word begins with, when the rest can be what should stand behind it: the longest one, of this
/// context if there is any.
fn glued(context: Context, word: &str) -> Option<&'static Keyword> {
    let begins = |k: &&Keyword| {
        k.form.takes_word()
            && word.strip_prefix(k.name).is_some_and(|rest| {
                // `_` would go on as a keyword does: `garp_master_delays`, not `garp_master` and `_delays`.
                let first = rest.chars().next();
                first.is_some_and(|c| c != '_' && c != '-') && !(rest.len() == 1 && rest.starts_with('s'))
            })
    };
    let longest = |rows: &mut dyn Iterator<Item = &'static Keyword>| {
        rows.filter(|k| begins(k)).max_by_key(|k| k.name.len())
    };
    longest(&mut of(context)).or_else(|| longest(&mut TABLE.iter().filter(|k| k.form.has_block())))
}

/// What of a line may be a password or a key, whatever is wrong with the line.
pub(super) fn secret_in(line: &str) -> Option<Range<usize>> {
    let place = |word: &str| word.as_ptr() as usize - line.as_ptr() as usize;
    let words =
        || line.split(|c: char| c.is_whitespace() || "{}".contains(c)).filter(|word| !word.is_empty());
    let is_like = |word: &str, keyword: &str| word == keyword || distance(word, keyword) <= 1;
    let mut rest = words().skip_while(|word| word.starts_with('@'));
    let first = rest.next()?;
    let after = |word: &str| rest_of(line, place(word) + word.len());
    // A password may stand behind other words of its block, a key at the beginning of its line alone.
    if let Some(pass) = words().find(|word| word.len() <= 16 && is_like(word, "auth_pass")) {
        return after(pass);
    }
    if first.len() <= 4 && is_like(first, "key") {
        let number = rest.next().filter(|word| word.parse::<u8>().is_ok());
        return after(number.unwrap_or(first));
    }
    if is_like(first, "auth_hmac") || ["active_key", "auth_type"].contains(&first) {
        let word = rest.next()?;
        let known = word.parse::<u8>().is_ok() || ["PASS", "AH"].contains(&word);
        return (!known).then(|| place(word)..place(word) + word.len());
    }
    None
}

/// The words of a line from here on; none where there are none.
fn rest_of(line: &str, from: usize) -> Option<Range<usize>> {
    let rest = &line[from..];
    let (begin, end) = (from + (rest.len() - rest.trim_start().len()), from + rest.trim_end().len());
    (begin < end).then_some(begin..end)
}

/// A character that leaves no trace on a screen.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
}

/// Whether two words differ by case only, or by one or two letters in a long word.
fn nearly(word: &str, keyword: &str) -> bool {
    if word.eq_ignore_ascii_case(keyword) || word.replace('-', "_") == keyword {
        return true;
    }
    let allowed = if keyword.len() >= 8 { 2 } else { 1 };
    keyword.len() >= 4 && word.len().abs_diff(keyword.len()) <= allowed && distance(word, keyword) <= allowed
}

/// Levenshtein's distance, a swap of neighbours counted once. Both words are short: the caller saw to it.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keywords::Form;

    #[test]
    fn a_name_glued_to_any_keyword_is_told_from_an_unknown_word() {
        for k in TABLE {
            for &context in k.contexts {
                for tail in ["VI_1", "10", "\"x\""] {
                    let word = format!("{}{tail}", k.name);
                    let found = guess(context, &word, true);
                    if k.form.takes_word() {
                        assert_eq!(found, Some(Guess::Glued(k)), "{word} in {context:?}");
                    } else {
                        assert_ne!(found, Some(Guess::Glued(k)), "{word} in {context:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let meant = |context, word| match guess(context, word, false) {
            Some(Guess::Typo(k)) => k.name,
            other => panic!("{word}: {other:?}"),
        };
        assert_eq!(meant(Context::Instance, "virtual_ipadress"), "virtual_ipaddress");
        assert_eq!(meant(Context::Instance, "PRIORITY"), "priority");
        assert_eq!(meant(Context::Instance, "prioirty"), "priority");
        assert_eq!(meant(Context::Instance, "virtual-router-id"), "virtual_router_id");
        assert_eq!(meant(Context::Top, "vrrp_instances"), "vrrp_instance");
        assert_eq!(guess(Context::Instance, "frobnicate", false), None);
    }

    #[test]
    fn a_keyword_in_the_wrong_block_or_behind_a_byte_order_mark_is_found() {
        assert!(
            matches!(guess(Context::Top, "priority", false), Some(Guess::Elsewhere(k)) if k.name == "priority")
        );
        let found = guess(Context::Top, "\u{feff}vrrp_instance", false);
        assert!(matches!(found, Some(Guess::Invisible(k)) if k.form == Form::Named(Context::Instance)));
    }
}
