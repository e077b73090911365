//! One line's value: a number, a truth word, an address; what is wrong with it is said here.

use std::net::IpAddr;

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::numbers::{self, NumberError};
use super::parser::Node;
use crate::time::Duration;

/// A value, and the line that decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set<T> {
    pub(super) value: T,
    pub(super) line: Span,
}

impl<T> Set<T> {
    pub(super) fn new(value: T, node: &Node) -> Option<Set<T>> {
        Some(Set { value, line: node.span() })
    }
}

/// A whole number in a range.
pub(super) fn integer(
    node: &Node,
    min: u64,
    max: u64,
    kept: &str,
    out: &mut Diagnoses,
) -> Result<u64, NumberError> {
    let word = node.value().map_or("", |w| w.text.as_str());
    let read = numbers::integer(word, min, max);
    if let Err(error) = read {
        report(node, error, &format!("a whole number, {min}..{max}"), kept, out);
    }
    read
}

/// A decimal number of seconds, limits in microseconds.
pub(super) fn seconds(node: &Node, min: u64, max: u64, kept: &str, out: &mut Diagnoses) -> Option<Duration> {
    let word = node.value().map_or("", |w| w.text.as_str());
    match numbers::decimal(word, min, max) {
        Ok(micros) => Some(Duration::from_micros(micros)),
        Err(error) => {
            let show = |micros: u64| {
                let text = Duration::from_micros(micros).display(6).to_string();
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            };
            report(node, error, &format!("seconds, {}..{}", show(min), show(max)), kept, out);
            None
        }
    }
}

/// Whole seconds of a script, at least 1: as keepalived reads them before 2.3.2.
pub(super) fn seconds_whole(node: &Node, out: &mut Diagnoses) -> Option<Duration> {
    // The microseconds fit into 32 bits.
    let read = integer(node, 0, 4294, "ignored", out);
    if let (Err(NumberError::Invalid(_)), Some(word)) = (read, node.value())
        && numbers::decimal(&word.text, 0, u64::MAX).is_ok()
    {
        let message = format!("{} takes parts of a second since keepalived 2.3.2 only", node.name());
        out.push(Diagnosis::note("newer-keepalived", word.span, message));
    }
    if read == Ok(0) {
        let message = format!("{} must be at least 1", node.name());
        let span = node.value().map_or(node.span(), |w| w.span);
        out.push(Diagnosis::warning("bad-number", span, message).label("1 is used").by_keepalived());
    }
    read.ok().map(|n| Duration::from_secs(n.max(1)))
}

fn report(node: &Node, error: NumberError, takes: &str, kept: &str, out: &mut Diagnoses) {
    let Some(word) = node.value() else { return };
    let (name, shown) = (node.name(), quote(&word.text));
    let message = match error {
        NumberError::Negative => format!("{shown} is negative: {name} takes {takes}"),
        NumberError::Invalid(_) => format!("{shown} is no number: {name} takes {takes}"),
        NumberError::OutOfRange => format!("{shown} is out of range: {name} takes {takes}"),
    };
    let mut diagnosis = Diagnosis::error("bad-number", word.span, message).label(kept).by_keepalived();
    let digits = word.text.len() - word.text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if word.text == "=" || word.text.starts_with('=') {
        diagnosis = diagnosis.help("no `=` stands between a keyword and its value");
    } else if word.text.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        diagnosis = diagnosis.help("these are typographic quotes, as text programs make them: to keepalived they are part of the word");
    } else if word.text.ends_with(';') {
        diagnosis = diagnosis.help("no `;` ends a line");
    } else if error == NumberError::Invalid(0)
        && digits > 0
        && word.text[digits..].starts_with(|c: char| c.is_ascii_alphabetic())
    {
        diagnosis = diagnosis.help("a number has no unit: times are seconds");
    }
    out.push(diagnosis);
}

/// A truth word; the bare keyword means true.
pub(super) fn switch(node: &Node, out: &mut Diagnoses) -> Option<bool> {
    let Some(word) = node.value() else { return Some(true) };
    let truth = truth(&word.text);
    if truth.is_none() {
        let message = format!(
            "{} is no truth word: {} takes on, true, yes, off, false, no",
            quote(&word.text),
            node.name()
        );
        out.push(Diagnosis::error("bad-switch", word.span, message).label("ignored").by_keepalived());
    }
    truth
}

/// What a truth word says.
pub(super) fn truth(word: &str) -> Option<bool> {
    match word {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// An address of one of an instance's lists; its family must be that of those before it.
pub(super) fn address(
    word: &Word,
    text: &str,
    family: &mut Option<bool>,
    what: &str,
    out: &mut Diagnoses,
) -> Option<IpAddr> {
    let Ok(address) = text.parse::<IpAddr>() else {
        let message = format!("{} is no IP address: {what} takes one", quote(text));
        let mut diagnosis =
            Diagnosis::error("bad-address", word.span, message).label("left out").by_keepalived();
        if text.contains([',', ';']) {
            diagnosis = diagnosis.help("one address a line, nothing behind it");
        }
        out.push(diagnosis);
        return None;
    };
    let ipv6 = address.is_ipv6();
    if *family.get_or_insert(ipv6) == ipv6 {
        return Some(address);
    }
    let message = format!("{} is not of the instance's address family", quote(text));
    let help = if what.starts_with("virtual") {
        "IPv4 and IPv6 need an instance each; `virtual_ipaddress_excluded` takes both"
    } else {
        "IPv4 and IPv6 need an instance each"
    };
    let diagnosis = Diagnosis::error("family-mismatch", word.span, message).label("left out");
    out.push(diagnosis.help(help).by_keepalived());
    None
}

/// Units people write into a comment behind a number of seconds, in the languages copies of one popular page have.
const MINUTES: [&str; 4] = ["minut", "\u{5206}\u{949f}", "\u{5206}\u{9418}", "\u{5206}\u{9593}"];

/// Says so where the comment of a line takes its seconds for minutes.
pub(super) fn check_minutes(node: &Node, comment: &str, out: &mut Diagnoses) {
    let comment = comment.to_lowercase();
    let Some(word) = node.value() else { return };
    if !MINUTES.iter().any(|m| comment.contains(m)) {
        return;
    }
    let Ok(micros) = numbers::decimal(&word.text, 1, 16_000_000_000) else { return };
    let seconds = |micros: u64| {
        let text = Duration::from_micros(micros).display(6).to_string();
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let (n, sixty) = (seconds(micros), seconds(micros * 60));
    let message = format!("{} counts seconds, its comment says minutes", node.name());
    let mut diagnosis =
        Diagnosis::warning("seconds-not-minutes", word.span, message).label(format!("{n} seconds"));
    if let Some(comment) = node.comment {
        diagnosis = diagnosis.related(comment, "minutes");
    }
    out.push(diagnosis.fix(format!("{n} minutes are {sixty}"), word.span, sixty));
}
