//! Definitions (`$NAME=...`) and sequences (`~SEQ`, `~LST`): what they make of a line (spec: vrrp.md section 3.1).
//!
//! A definition is put in one level at a time, when it is met: what its text uses may be defined after it. All of it
//! is bounded, since a few lines can mean any number of others.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Span;
use super::place::{Line, Part};

/// A line that was put together has at most so many bytes.
const LINE_MAX: usize = 1 << 16;
/// So many lines, and so many bytes of them, may come of definitions and sequences in a configuration.
const LINES_MAX: usize = 20_000;
const BYTES_MAX: usize = 1 << 22;
/// A definition may use others this deep, and sequences may be nested so.
pub(super) const NESTED_MAX: usize = 16;

/// What is defined so far.
#[derive(Debug, Default)]
pub(super) struct Macros {
    defined: BTreeMap<String, Rc<[Body]>>,
    lines: usize,
    bytes: usize,
}

/// A line of a definition's text.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) text: String,
    /// Where it stands, if it is one of several: a single one is told by the place that uses it.
    pub(super) from: Option<Span>,
}

/// A line that was put together.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) parts: Vec<Part>,
}

/// It would be more than a configuration may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// What stands behind a `$`.
enum Use<'t> {
    /// A name, and how many bytes the use has.
    Name(&'t str, usize),
    /// No use at all.
    Plain,
}

impl Macros {
    pub(super) fn define(&mut self, name: &str, body: Vec<Body>) {
        self.defined.insert(name.to_owned(), body.into());
    }

    /// Gives a name a value for a while; what it was comes back, for [`Macros::restore`].
    pub(super) fn set(&mut self, name: &str, value: String) -> Option<Rc<[Body]>> {
        self.defined.insert(name.to_owned(), Rc::new([Body { text: value, from: None }]))
    }

    pub(super) fn restore(&mut self, name: &str, before: Option<Rc<[Body]>>) {
        match before {
            Some(before) => self.defined.insert(name.to_owned(), before),
            None => self.defined.remove(name),
        };
    }

    /// Counts what is about to be made.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), TooLarge> {
        self.lines += 1;
        self.bytes += bytes;
        if self.lines > LINES_MAX || self.bytes > BYTES_MAX { Err(TooLarge) } else { Ok(()) }
    }

    /// The line with its definitions put in, one level deep: several lines, where a definition has several.
    /// `None` where it uses none.
    pub(super) fn expand(
        &mut self,
        at: &Line<'_>,
        text: &str,
        id: Option<&str>,
        unknown: &mut dyn FnMut(&str, Span),
    ) -> Result<Option<Vec<Made>>, TooLarge> {
        let end = comment_start(text);
        let (mut made, mut done, mut quoted, mut used) = (vec![Made::default()], 0, false, false);
        let mut i = 0;
        while let Some(found) = text[i..end].find(['$', '"']) {
            i += found;
            if text[i..].starts_with('"') {
                quoted = !quoted;
                i += 1;
                continue;
            }
            let Use::Name(name, length) = used_at(&text[i..end]) else {
                i += 1;
                continue;
            };
            let place = at.span(i, i + length);
            let builtin = if name.starts_with('_') { builtin(name, at, id, quoted) } else { None };
            let bodies = match (builtin, self.defined.get(name)) {
                (Some(text), _) => Rc::new([Body { text, from: None }]) as Rc<[Body]>,
                (None, Some(bodies)) => Rc::clone(bodies),
                (None, None) => {
                    if name.starts_with('_') {
                        unknown(name, place);
                    }
                    i += length;
                    continue;
                }
            };
            used = true;
            copy(at, text, done..i, &mut made);
            for (n, body) in bodies.iter().enumerate() {
                if n > 0 {
                    made.push(Made::default());
                }
                self.spend(body.text.len())?;
                let Some(line) = made.last_mut() else { break };
                let (from, exact) = body.from.map_or((place, false), |from| (from, true));
                line.parts.push(Part { at: line.text.len(), from, exact });
                line.text.push_str(&body.text);
                if line.text.len() > LINE_MAX {
                    return Err(TooLarge);
                }
            }
            i += length;
            done = i;
        }
        copy(at, text, done..text.len(), &mut made);
        Ok(used.then_some(made))
    }
}

/// Copies a part of the line as it is.
fn copy(at: &Line<'_>, text: &str, range: std::ops::Range<usize>, made: &mut [Made]) {
    let Some(line) = made.last_mut() else { return };
    if !range.is_empty() {
        at.parts(range.start, range.end, line.text.len(), &mut line.parts);
        line.text.push_str(&text[range]);
    }
}

/// What stands at a `$`: `${NAME}`, or `$NAME` before a blank, a comma, a `)` or the end.
fn used_at(text: &str) -> Use<'_> {
    if let Some(rest) = text.strip_prefix("${") {
        let Some(end) = rest.find('}') else { return Use::Plain };
        let name = rest[..end].trim();
        let head = name.split_whitespace().next().unwrap_or("");
        // `${_RANDOM 1 9}` has words behind its name.
        return if is_name(head) && (head == name || head.starts_with('_')) {
            Use::Name(head, "${}".len() + end)
        } else {
            Use::Plain
        };
    }
    let rest = &text[1..];
    let end = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
    let ends = rest[end..].chars().next().is_none_or(|c| c.is_ascii_whitespace() || c == ',' || c == ')');
    if ends && is_name(&rest[..end]) { Use::Name(&rest[..end], 1 + end) } else { Use::Plain }
}

/// What keepalived itself defines, as far as it can be known here.
fn builtin(name: &str, at: &Line<'_>, id: Option<&str>, quoted: bool) -> Option<String> {
    let sign = |c: char| Some(if quoted { c.to_string() } else { format!("\\{c}") });
    match name {
        "_PWD" => Some(at.path.rfind('/').map_or(".", |i| &at.path[..i]).to_owned()),
        "_INSTANCE" => id.map(str::to_owned),
        "_HASH" => sign('#'),
        "_BANG" => sign('!'),
        _ => None,
    }
}

/// The name a `$NAME=...` line defines.
pub(super) fn definition(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let end = rest.find(|c| !is_name_char(c))?;
    (is_name(&rest[..end]) && rest[end..].starts_with('=')).then(|| &rest[..end])
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Where the comment of a line begins; its end where it has none.
pub(super) fn comment_start(text: &str) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted && !escaped => return i,
            _ => {}
        }
        escaped = c == '\\';
    }
    text.len()
}

/// What a `~SEQ(...)` or `~LST(...)` at the beginning of a line means.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    /// The names.
    pub(super) names: Vec<String>,
    /// Their values, round by round. Ever too many of them are cut.
    pub(super) rounds: Vec<Vec<String>>,
    /// How many bytes it has.
    pub(super) length: usize,
}

/// Whether a line begins with one.
pub(super) fn is_sequence(text: &str) -> bool {
    text.starts_with("~SEQ") || text.starts_with("~LST")
}

/// Reads one; what is wrong with it otherwise.
pub(super) fn sequence(text: &str) -> Result<Sequence, &'static str> {
    let open = text.find('(').ok_or("a `(` is missing")?;
    let close = text.find(')').filter(|&c| c > open).ok_or("a `)` is missing")?;
    let inside = &text[open + 1..close];
    let (names, rounds) = match &text[..open] {
        "~SEQ" => numbers(inside, false)?,
        "~SEQx" => numbers(inside, true)?,
        "~LST" => list(inside)?,
        _ => return Err("`~SEQ`, `~SEQx` and `~LST` are known"),
    };
    if names.iter().any(|n| !is_name(n)) {
        return Err("a variable's name consists of letters, digits and `_`");
    }
    Ok(Sequence { names, rounds, length: close + 1 })
}

type Values = (Vec<String>, Vec<Vec<String>>);

/// `var, end`, `var, start, end` or `var, start, step, end`.
fn numbers(inside: &str, hex: bool) -> Result<Values, &'static str> {
    let words: Vec<&str> = inside.split(',').map(str::trim).collect();
    let value = |word: &str| number(word).ok_or("it takes whole numbers behind its variable");
    let (start, step, end) = match words[..] {
        [_, end] => (None, None, value(end)?),
        [_, start, end] => (Some(value(start)?), None, value(end)?),
        [_, start, step, end] => (Some(value(start)?), Some(value(step)?), value(end)?),
        _ => return Err("it takes a variable and one to three numbers"),
    };
    let start = start.unwrap_or(if end < 0 { -1 } else { 1 });
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    if step == 0 {
        return Err("it never ends: its step is 0");
    }
    let mut rounds = Vec::new();
    let mut at = start;
    while (if step > 0 { at <= end } else { at >= end }) && rounds.len() <= LINES_MAX {
        let sign = if at < 0 { "-" } else { "" };
        let text = if hex { format!("{sign}{:x}", at.unsigned_abs()) } else { at.to_string() };
        rounds.push(vec![text]);
        at = at.saturating_add(step);
    }
    Ok((vec![words[0].to_owned()], rounds))
}

/// A number as C reads it, hexadecimal behind `0x`. A few digits are enough for any sequence.
fn number(word: &str) -> Option<i64> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let size = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hex) if !hex.starts_with('+') => i64::from_str_radix(hex, 16).ok()?,
        Some(_) => return None,
        None if digits.starts_with(['+', '-']) => return None,
        None => digits.parse().ok()?,
    };
    (size <= i64::from(i32::MAX)).then_some(if negative { -size } else { size })
}

/// `var, a, b`, or `{var, var}, {a, b}, {c, d}`.
fn list(inside: &str) -> Result<Values, &'static str> {
    let tuple = |text: &str| text.split(',').map(|w| w.trim().to_owned()).collect::<Vec<_>>();
    if !inside.trim_start().starts_with('{') {
        let mut words = tuple(inside).into_iter();
        let name = words.next().unwrap_or_default();
        let rounds: Vec<_> = words.map(|w| vec![w]).collect();
        return if rounds.is_empty() {
            Err("it takes values behind its variable")
        } else {
            Ok((vec![name], rounds))
        };
    }
    let mut tuples = Vec::new();
    let mut rest = inside;
    while let Some(open) = rest.find('{') {
        let close = rest.find('}').filter(|&c| c > open).ok_or("a `}` is missing")?;
        tuples.push(tuple(&rest[open + 1..close]));
        rest = &rest[close + 1..];
    }
    let mut tuples = tuples.into_iter();
    let names = tuples.next().unwrap_or_default();
    let rounds: Vec<_> = tuples.collect();
    if rounds.is_empty() || rounds.iter().any(|r| r.len() != names.len()) {
        return Err("each `{...}` takes as many values as there are variables");
    }
    Ok((names, rounds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(text: &str) -> Vec<String> {
        sequence(text).expect(text).rounds.into_iter().map(|r| r.join("+")).collect()
    }

    #[test]
    fn a_sequence_counts_from_its_start_by_its_step_to_its_end() {
        assert_eq!(rounds("~SEQ(N, 3) x"), ["1", "2", "3"]);
        assert_eq!(rounds("~SEQ(N, -2) x"), ["-1", "-2"]);
        assert_eq!(rounds("~SEQ(N,3,1) x"), ["3", "2", "1"]);
        assert_eq!(rounds("~SEQ(N,168,2,172) x"), ["168", "170", "172"]);
        assert_eq!(rounds("~SEQx(N,0x90,16,0xb0) x"), ["90", "a0", "b0"]);
        assert!(rounds("~SEQ(N,5,1,4) x").is_empty());
        assert_eq!(rounds("~SEQ(N,1,1000000000) x").len(), LINES_MAX + 1);
    }

    #[test]
    fn a_list_gives_one_or_several_variables_their_values() {
        assert_eq!(rounds("~LST(N,12, 14,19) x"), ["12", "14", "19"]);
        assert_eq!(rounds("~LST({A, B}, {10,1},{20,4}) x"), ["10+1", "20+4"]);
    }

    #[test]
    fn what_is_no_sequence_is_said_to_be_none() {
        for text in [
            "~SEQ",
            "~SEQ(",
            "~SEQ(N)",
            "~SEQ(N,a)",
            "~SEQ(N,1,0,2)",
            "~SEQ(,1)",
            "~SEQ(N,1,2,3,4)",
            "~LST(N)",
            "~LST({A,B},{1})",
            "~LST({A",
            "~LST({},{})",
            "~SEQy(N,1)",
            "~SEQ(N,99999999999999999999)",
        ] {
            assert!(sequence(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_comment_begins_outside_quotes() {
        assert_eq!(comment_start("a \"#\" \\# !x"), 9);
        assert_eq!(comment_start("a"), 1);
    }
}
