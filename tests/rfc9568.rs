//! RFC 9568, sentence by sentence: each that obliges is quoted beside the line that obeys it, or the ledger has the
//! reason why none does; and what the sources quote of the RFC is in the RFC, in those words.
//!
//! The ledger is `tests/rfc9568/sentences.txt`. `cargo test --test rfc9568 -- --nocapture` prints it with the places.

use std::fmt::Write as _;
use std::fs;
use std::ops::Range;
use std::path::Path;

/// How many sentences of the RFC have a key word in capitals. Counted in its text: the ledger has them all.
const OBLIGING: usize = 54;
const KEY_WORDS: [&str; 3] = ["MUST", "SHALL", "REQUIRED"];
const BULLETS: [&str; 4] = ["* ", "- ", "o ", "+ "];
/// Where a quote leaves something out, and where the ledger does.
const ELLIPSIS: &str = "[...]";

/// What of the RFC is known here.
struct Ledger {
    sections: Vec<Section>,
}

struct Section {
    number: String,
    /// All its sentences, one behind the other.
    text: String,
    sentences: Vec<Sentence>,
}

struct Sentence {
    /// Where it is in its section's text.
    at: Range<usize>,
    kind: Kind,
    /// What must be quoted of it: the key word, or all of a step.
    core: Range<usize>,
    reason: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    KeyWord,
    Step,
    Context,
}

/// What a comment quotes, and what it says where that is from.
#[derive(Debug, PartialEq)]
struct Quote {
    file: String,
    line: usize,
    section: String,
    text: String,
}

impl Ledger {
    fn read(text: &str) -> Ledger {
        let mut sections: Vec<Section> = Vec::new();
        for line in text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            if let Some(number) = line.strip_prefix("== ") {
                let (number, text) = (number.to_owned(), String::new());
                sections.push(Section { number, text, sentences: Vec::new() });
                continue;
            }
            let section = sections.last_mut().expect("a section's number comes first");
            if let Some(reason) = line.strip_prefix("    ") {
                section.sentences.last_mut().expect("a reason has a sentence").reason += reason;
            } else {
                section.push(line);
            }
        }
        Ledger { sections }
    }
}

impl Section {
    fn push(&mut self, line: &str) {
        let start = self.text.len();
        let text = &mut self.text;
        write!(text, "{} ", one_kind_of_quotes(line)).expect("memory");
        if line == ELLIPSIS {
            return;
        }
        let at = start..start + line.len();
        let bullet = BULLETS.iter().any(|b| line.starts_with(b));
        let key_word =
            KEY_WORDS.iter().find_map(|word| Some(line.find(word)?..line.find(word)? + word.len()));
        let (kind, core) = match key_word {
            Some(word) => (Kind::KeyWord, start + word.start..start + word.end),
            None if bullet => (Kind::Step, at.start + 2..at.end),
            None => (Kind::Context, at.clone()),
        };
        self.sentences.push(Sentence { at, kind, core, reason: String::new() });
    }

    /// Where the pieces of a quote are, each behind the one before; `None` if the section does not say so.
    fn find(&self, quote: &str) -> Option<Vec<Range<usize>>> {
        let quote = one_kind_of_quotes(quote);
        let mut from = 0;
        let pieces = quote.split(ELLIPSIS).map(str::trim).filter(|p| !p.is_empty());
        pieces
            .map(|piece| {
                let start = from + self.text.get(from..)?.find(piece)?;
                from = start + piece.len();
                Some(start..from)
            })
            .collect()
    }
}

/// A quote within a quote has the other marks.
fn one_kind_of_quotes(text: &str) -> String {
    text.replace('"', "'")
}

/// What the comments of a file quote of RFC 9568: a comment says so by `RFC 9568 section N` before the quote, or in
/// parentheses right behind it.
fn quotes_of(file: &str, source: &str) -> Vec<Quote> {
    let mut quotes = Vec::new();
    let (mut block, mut lines) = (String::new(), Vec::new());
    for (number, line) in source.lines().chain([""]).enumerate() {
        if let Some(comment) = line.trim_start().strip_prefix("//") {
            lines.push((block.len(), number + 1));
            let comment = comment.trim_start_matches(['/', '!']).split_whitespace();
            comment.for_each(|word| write!(block, "{word} ").expect("memory"));
            continue;
        }
        let claims = claims(&block);
        let mut at = 0;
        for (nth, piece) in block.split('"').enumerate() {
            let behind = at + piece.len() + 1;
            let from = || {
                let right_behind =
                    claims.iter().find(|c| c.0 == behind + 2 && block[behind..].starts_with(" ("));
                right_behind.or(claims.iter().rev().find(|c| c.0 < at))
            };
            if nth % 2 == 1
                && let Some((_, "9568", section)) = from()
            {
                let line = lines.iter().rev().find(|l| l.0 <= at).map_or(0, |l| l.1);
                let (file, section, text) = (file.to_owned(), (*section).to_owned(), piece.to_owned());
                quotes.push(Quote { file, line, section, text });
            }
            at = behind;
        }
        block.clear();
        lines.clear();
    }
    quotes
}

/// Every `RFC N section M`: where it stands, N and M.
fn claims(text: &str) -> Vec<(usize, &str, &str)> {
    let number = |text: &'_ str| text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let claim = |at: usize| {
        let rest = text[at..].strip_prefix("RFC ")?;
        let (rfc, rest) = rest.split_at(number(rest));
        let rest = rest.strip_prefix(" section")?;
        let rest = rest.strip_prefix('s').unwrap_or(rest).strip_prefix(' ')?;
        Some((at, rfc, rest[..number(rest)].trim_end_matches('.')))
    };
    text.match_indices("RFC ").filter_map(|(at, _)| claim(at)).collect()
}

/// What is wrong between ledger and quotes, and the ledger as a table.
fn compare(ledger: &Ledger, quotes: &[Quote]) -> (Vec<String>, String) {
    let (mut wrong, mut table) = (Vec::new(), String::new());
    let mut counts = [[0; 2]; 2];
    for Quote { file, line, section, .. } in
        quotes.iter().filter(|q| ledger.sections.iter().all(|s| s.number != q.section))
    {
        wrong.push(format!("{file}:{line}: nothing of section {section} is in the ledger"));
    }
    for section in &ledger.sections {
        let number = &section.number;
        let mut found = Vec::new();
        for quote in quotes.iter().filter(|q| q.section == *number) {
            let Quote { file, line, text, .. } = quote;
            match section.find(text) {
                Some(ranges) => found.extend(ranges.into_iter().map(|r| (r, quote))),
                None => wrong.push(format!("{file}:{line}: not in section {number}: \"{text}\"")),
            }
        }
        for Sentence { at, kind, core, reason } in &section.sentences {
            let sentence = &section.text[at.clone()];
            let covers = |range: &Range<usize>| match kind {
                Kind::Context => range.start < core.end && core.start < range.end,
                Kind::KeyWord | Kind::Step => range.start <= core.start && core.end <= range.end,
            };
            let place = found.iter().find(|(range, _)| covers(range)).map(|(_, quote)| quote);
            match (place, reason.is_empty()) {
                (None, true) => wrong.push(format!("{number}: neither quoted nor excused: {sentence}")),
                (Some(quote), false) => {
                    wrong.push(format!(
                        "{number}: excused, and {}:{} quotes it: {sentence}",
                        quote.file, quote.line
                    ));
                }
                _ => {}
            }
            if *kind == Kind::Context {
                continue;
            }
            counts[usize::from(*kind == Kind::Step)][usize::from(place.is_none())] += 1;
            let place = place.map_or("-".to_owned(), |q| format!("{}:{}", q.file, q.line));
            writeln!(table, "{number:<8} {place:<34} {sentence}").expect("memory");
            if !reason.is_empty() {
                writeln!(table, "{:43} ({reason})", "").expect("memory");
            }
        }
    }
    for (what, [quoted, excused]) in ["sentences", "steps"].into_iter().zip(counts) {
        writeln!(table, "{} {what}: {quoted} quoted, {excused} with a reason", quoted + excused)
            .expect("memory");
    }
    (wrong, table)
}

fn sources(folder: &Path, all: &mut Vec<Quote>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("src").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name =
                path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("of this crate").to_string_lossy();
            all.extend(quotes_of(&name, &fs::read_to_string(&path).expect("text")));
        }
    }
}

#[test]
fn every_obligation_of_the_rfc_is_quoted_or_excused_and_every_quote_is_the_rfcs() {
    let ledger = Ledger::read(include_str!("rfc9568/sentences.txt"));
    let mut quotes = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut quotes);
    let (wrong, table) = compare(&ledger, &quotes);
    println!("{table}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let sentences = ledger.sections.iter().flat_map(|s| &s.sentences);
    assert_eq!(sentences.filter(|s| s.kind == Kind::KeyWord).count(), OBLIGING);
}

// The checker checks.

const SMALL: &str = "# A ledger.\n== 5.2\nThe minimum is \"1\".\n[...]\nIt MUST be ignored.\n== 6.4\n\
                     * If it fires, then:\n- Send one\n- Wait\n    Nobody waits.\n";

fn wrong_with(source: &str) -> Vec<String> {
    compare(&Ledger::read(SMALL), &quotes_of("a.rs", source)).0
}

const RIGHT: &str = "// RFC 9568 section 5.2: \"The minimum is '1'. [...] It\n    // MUST be ignored.\"\n\
                     fn f() {}\n/// \"If it fires, then: - Send one\" (RFC 9568 section 6.4).\n";

#[test]
fn a_ledger_that_agrees_with_the_sources_passes() {
    assert_eq!(wrong_with(RIGHT), [""; 0]);
    let of_another = format!("{RIGHT}\n// RFC 3768 section 5.2: \"It MAY be ignored\".\n");
    assert_eq!(wrong_with(&of_another), [""; 0]);
}

#[test]
fn a_quote_from_memory_is_caught() {
    let from_memory = format!("{RIGHT}\n\n// RFC 9568 section 5.2: \"It MUST be discarded\".\n");
    assert_eq!(wrong_with(&from_memory), ["a.rs:7: not in section 5.2: \"It MUST be discarded\""]);
    let of_elsewhere = format!("{RIGHT}\n// RFC 9568 section 7: \"It MUST be ignored.\"\n");
    assert_eq!(wrong_with(&of_elsewhere), ["a.rs:6: nothing of section 7 is in the ledger"]);
    let without_ellipsis = format!("{RIGHT}\n// RFC 9568 section 5.2: \"'1'. It MUST\".\n");
    assert_eq!(wrong_with(&without_ellipsis), ["a.rs:6: not in section 5.2: \"'1'. It MUST\""]);
}

#[test]
fn a_sentence_with_neither_or_both_is_caught() {
    let unquoted = RIGHT.replace("It\n    // MUST be ignored.", "");
    assert_eq!(wrong_with(&unquoted), ["5.2: neither quoted nor excused: It MUST be ignored."]);
    let both = RIGHT.replace("Send one", "Send one - Wait");
    assert_eq!(wrong_with(&both), ["6.4: excused, and a.rs:4 quotes it: - Wait"]);
}
