//! Text to words and braces, line by line (spec: vrrp.md section 3.1), across every included file.
//!
//! What definitions and sequences make of a line is `expand`'s.

use std::collections::BTreeSet;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::expand::{Body, Macros, NESTED_MAX, TooLarge, comment_start, definition, is_sequence, sequence};
use super::place::Line;
use super::{Options, Sources, Span, paths};
use crate::files::Files;
use crate::profile::Switch;

/// A word, and where it stands, quotes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) span: Span,
}

/// What a line consists of: the words between two braces, or a brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// At least one word.
    Words { words: Vec<Word>, comment: Option<Span> },
    /// `{`
    Open(Span),
    /// `}`
    Close(Span),
}

/// keepalived's own limit of a line, its end included.
const LINE_MAX: usize = 4095;
/// A file longer than this is cut: the limit is there for hostile texts.
const TEXT_MAX: usize = 1 << 24;
const INCLUDE_DEPTH_MAX: usize = 16;
const FILES_OPENED_MAX: usize = 1024;
const ITEMS_MAX: usize = 500_000;
/// A file may be included many times: all of them together have no more text than this.
const TOTAL_MAX: usize = 1 << 26;

/// Reads the main file and what it includes. `None` where there is no main file.
pub(super) fn lex(
    files: &Files,
    options: &Options,
    sources: &mut Sources,
    out: &mut Diagnoses,
) -> Option<Vec<Item>> {
    let text = files.texts.get(&files.main)?;
    let mut lexer = Lexer {
        files,
        id: options.id.as_deref(),
        brace_is_a_word: options.profile.has(Switch::BraceIsAWord),
        sources,
        out,
        items: Vec::new(),
        opened: 0,
        scanned: 0,
        macros: Macros::default(),
        said: BTreeSet::new(),
        marks: BTreeSet::new(),
        first_mark: None,
    };
    lexer.file(&files.main, text, 0);
    lexer.report_marks();
    Some(lexer.items)
}

struct Lexer<'a> {
    files: &'a Files,
    id: Option<&'a str>,
    /// `{` and `}` must be words of their own.
    brace_is_a_word: bool,
    sources: &'a mut Sources,
    out: &'a mut Diagnoses,
    items: Vec<Item>,
    opened: usize,
    /// Bytes seen so far, in all files.
    scanned: usize,
    macros: Macros,
    /// What was said once and is not said again.
    said: BTreeSet<&'static str>,
    /// The ids of `@id` lines, and where the first one stands.
    marks: BTreeSet<String>,
    first_mark: Option<Span>,
}

/// A definition that goes on in the next line.
struct Unfinished {
    name: String,
    bodies: Vec<Body>,
}

impl Lexer<'_> {
    fn file(&mut self, path: &str, text: &str, depth: usize) {
        self.opened += 1;
        let text = cut(text, TEXT_MAX);
        let Some(file) = self.sources.add(path, text) else { return };
        let mut at = 0;
        let mut unfinished: Option<Unfinished> = None;
        for line in text.split_inclusive('\n') {
            self.scanned += line.len();
            if self.items.len() >= ITEMS_MAX || self.scanned > TOTAL_MAX {
                return;
            }
            let start = at;
            at += line.len();
            let body = line.trim_end_matches(['\n', '\r']);
            let place = Line { file, start: start as u32, path, depth, map: None, skipped: 0 };
            unfinished = match unfinished {
                Some(definition) => self.go_on(place, body, definition),
                None => self.line(place, body),
            };
        }
        if let Some(Unfinished { name, bodies }) = unfinished {
            self.macros.define(&name, bodies);
        }
    }

    /// One physical line. A definition that goes on in the next one is given back.
    fn line(&mut self, mut at: Line<'_>, body: &str) -> Option<Unfinished> {
        let mut text = body;
        if text.len() > LINE_MAX {
            text = cut(text, LINE_MAX);
            let span = at.span(text.len(), body.len());
            self.out.push(Diagnosis::error(
                "line-too-long",
                span,
                "a line has at most 4095 bytes: the rest is lost",
            ));
        }
        let text = self.begin(&mut at, text)?;
        let Some(name) = definition(text) else {
            self.logical(at, text, 0);
            return None;
        };
        let definition = Unfinished { name: name.to_owned(), bodies: Vec::new() };
        let value = at.skip(text, 1 + name.len() + 1);
        self.go_on(at, value, definition)
    }

    /// Adds a line to a definition; gives it back if it goes on.
    fn go_on(&mut self, at: Line<'_>, text: &str, mut definition: Unfinished) -> Option<Unfinished> {
        let text = &text[..comment_start(text)];
        let trimmed = text.trim_end();
        let (text, goes_on) = match trimmed.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (trimmed, false),
        };
        let several = goes_on || !definition.bodies.is_empty();
        // What was put together itself is told by the place that uses it.
        let from = (several && at.map.is_none()).then(|| at.span(0, text.len()));
        definition.bodies.push(Body { text: text.to_owned(), from });
        if goes_on {
            return Some(definition);
        }
        self.macros.define(&definition.name, definition.bodies);
        None
    }

    /// Skips what a line begins with. `None` if it is for another machine.
    fn begin<'t>(&mut self, at: &mut Line<'_>, text: &'t str) -> Option<&'t str> {
        let text = at.skip(text, text.len() - text.trim_start_matches(is_blank).len());
        if text.starts_with('@') { self.condition(at, text) } else { Some(text) }
    }

    /// A line whose definitions and sequences are still in it.
    fn logical(&mut self, at: Line<'_>, text: &str, nested: usize) {
        if nested > NESTED_MAX || self.items.len() >= ITEMS_MAX {
            self.too_large(at.span(0, text.len()));
            return;
        }
        let wrong = match is_sequence(text).then(|| sequence(text)) {
            Some(Ok(found)) => {
                let mut rest = at;
                let text = rest.skip(text, found.length);
                let text = rest.skip(text, text.len() - text.trim_start_matches(is_blank).len());
                for round in found.rounds {
                    if self.macros.spend(text.len()) == Err(TooLarge) {
                        self.too_large(at.span(0, found.length));
                        return;
                    }
                    let pairs = found.names.iter().zip(round);
                    let before: Vec<_> = pairs.map(|(name, value)| self.macros.set(name, value)).collect();
                    self.logical(rest, text, nested + 1);
                    // In turn, should a name stand there twice.
                    for (name, before) in found.names.iter().zip(before).rev() {
                        self.macros.restore(name, before);
                    }
                }
                return;
            }
            Some(Err(wrong)) => Some(wrong),
            None => None,
        };
        if self.expanded(at, text, nested) {
            return;
        }
        if let Some(wrong) = wrong {
            let end = text.find(')').map_or(text.len(), |i| i + 1);
            let message = format!("this sequence is not understood: {wrong}");
            self.out.push(
                Diagnosis::error("bad-sequence", at.span(0, end), message).label("left out").by_keepalived(),
            );
            return;
        }
        let scanned = self.scan(&at, text);
        match include_kind(&scanned) {
            Some((kind, pattern)) => self.include(&at, kind, &pattern),
            None => self.items.extend(scanned),
        }
    }

    /// Puts definitions in and reads what comes of it; false where there are none.
    fn expanded(&mut self, at: Line<'_>, text: &str, nested: usize) -> bool {
        if !text.contains('$') {
            return false;
        }
        let (out, said) = (&mut *self.out, &mut self.said);
        let mut unknown = |name: &str, span: Span| {
            if said.insert("builtin") {
                let message = format!(
                    "{} is known where keepalived runs, not here: it stays as it stands",
                    quote(name)
                );
                out.push(Diagnosis::warning("definition-not-modelled", span, message));
            }
        };
        let made = match self.macros.expand(&at, text, self.id, &mut unknown) {
            Ok(Some(made)) => made,
            Ok(None) => return false,
            Err(TooLarge) => {
                self.too_large(at.span(0, text.len()));
                return true;
            }
        };
        let mut unfinished: Option<Unfinished> = None;
        for line in made {
            let mut at = at.of(&line.parts);
            unfinished = match unfinished {
                Some(definition) => self.go_on(at, &line.text, definition),
                None => match self.begin(&mut at, &line.text) {
                    None => None,
                    Some(text) => match definition(text) {
                        Some(name) => {
                            let definition = Unfinished { name: name.to_owned(), bodies: Vec::new() };
                            let value = at.skip(text, 1 + name.len() + 1);
                            self.go_on(at, value, definition)
                        }
                        None => {
                            self.logical(at, text, nested + 1);
                            None
                        }
                    },
                },
            };
        }
        if let Some(Unfinished { name, bodies }) = unfinished {
            self.macros.define(&name, bodies);
        }
        true
    }

    fn too_large(&mut self, span: Span) {
        if self.said.insert("too-large") {
            let message = "definitions and sequences come to more than any configuration: this is left out";
            self.out.push(Diagnosis::error("expansion-too-large", span, message));
        }
    }

    /// A line that starts with `@id` or `@^id`: what is behind it, if the line is to be read.
    fn condition<'t>(&mut self, at: &mut Line<'_>, text: &'t str) -> Option<&'t str> {
        let end = text.find(is_blank).unwrap_or(text.len());
        let (negated, name) = match text[1..end].strip_prefix('^') {
            Some(name) => (true, name),
            None => (false, &text[1..end]),
        };
        self.marks.insert(name.to_owned());
        self.first_mark.get_or_insert(at.span(0, end));
        let kept = (self.id == Some(name)) != negated;
        let rest = &text[end..];
        let blanks = rest.len() - rest.trim_start_matches(is_blank).len();
        kept.then(|| at.skip(text, end + blanks))
    }

    /// A line's words and braces.
    fn scan(&mut self, at: &Line<'_>, text: &str) -> Vec<Item> {
        let mut scan = Scan { at, items: Vec::new(), words: Vec::new(), word: None };
        let mut chars = text.char_indices().peekable();
        let mut comment = None;
        while let Some((i, c)) = chars.next() {
            match c {
                c if is_blank(c) => scan.end_word(i),
                '#' | '!' => {
                    scan.end_word(i);
                    comment = Some(at.span(i, text.len()));
                    break;
                }
                '\\' if matches!(chars.peek(), Some((_, '#' | '!'))) => {
                    if let Some((_, escaped)) = chars.next() {
                        scan.push(i, escaped);
                    }
                }
                '$' if matches!(chars.peek(), Some((_, '{'))) => {
                    // `${NAME}`: these braces open no block.
                    scan.push(i, c);
                    for (j, c) in chars.by_ref() {
                        scan.push(j, c);
                        if c == '}' {
                            break;
                        }
                    }
                }
                '"' => {
                    scan.end_word(i);
                    let Some(length) = text[i + 1..].find('"') else {
                        let span = at.span(i, text.trim_end().len());
                        let said = "this quote is not closed: keepalived drops the whole line";
                        self.out.push(Diagnosis::error("unterminated-quote", span, said).by_keepalived());
                        return Vec::new();
                    };
                    let end = i + 1 + length + 1;
                    scan.words.push(Word { text: text[i + 1..end - 1].to_owned(), span: at.span(i, end) });
                    while chars.next_if(|&(j, _)| j < end).is_some() {}
                }
                '{' | '}' if self.brace_is_a_word && !stands_alone(&scan, chars.peek()) => scan.push(i, c),
                '{' | '}' => {
                    let glued = scan.word.is_some();
                    scan.end_word(i);
                    scan.end_words();
                    let span = at.span(i, i + 1);
                    scan.items.push(if c == '{' { Item::Open(span) } else { Item::Close(span) });
                    if c == '{' && glued {
                        self.report_glued_brace(&scan.items, span);
                    }
                }
                c => scan.push(i, c),
            }
        }
        scan.end_word(text.len());
        scan.end_words();
        let mut items = scan.items;
        for item in &mut items {
            if let Item::Words { comment: c, .. } = item {
                *c = comment;
            }
        }
        items
    }

    fn report_glued_brace(&mut self, items: &[Item], brace: Span) {
        let [.., Item::Words { words, .. }, Item::Open(_)] = items else { return };
        let Some(word) = words.last() else { return };
        let message = format!("no blank between {} and `{{`", quote(&word.text));
        let span = word.span.until(brace);
        let before = Span { end: brace.start, ..brace };
        self.out.push(
            Diagnosis::warning("glued-brace", span, message)
                .label("one word to keepalived before 1.4.2")
                .help("before 1.4.2 (CentOS 7 has 1.3.5) this is an unknown keyword, its block's `}` closes the block around it, and the rest of that is lost")
                .fix("write a blank", before, " "),
        );
    }

    fn include(&mut self, at: &Line<'_>, kind: &Word, pattern: &Word) {
        if at.depth >= INCLUDE_DEPTH_MAX || self.opened >= FILES_OPENED_MAX {
            let said = "files are included too deep, or too many: this one is left out";
            self.out.push(Diagnosis::error("include-too-deep", pattern.span, said));
            return;
        }
        let wanted = paths::resolve(at.path, &pattern.text);
        let files = self.files;
        let hits = files.texts.iter().filter(|(path, _)| paths::matches(&wanted, &paths::normalise(path)));
        let mut found = false;
        for (path, text) in hits {
            found = true;
            if self.opened < FILES_OPENED_MAX {
                self.file(path, text, at.depth + 1);
            }
        }
        if !found {
            let message = format!("no file matches {}", quote(&pattern.text));
            let missing = if kind.text == "include" {
                Diagnosis::warning("include-missing", pattern.span, message)
                    .help("keepalived logs it and goes on")
            } else {
                Diagnosis::error("include-missing", pattern.span, message).by_keepalived()
            };
            self.out.push(missing);
        }
    }

    /// Lines marked for one machine are easily lost: says so where none or another id was given.
    fn report_marks(&mut self) {
        let Some(span) = self.first_mark else { return };
        let names: Vec<String> = self.marks.iter().take(8).map(|n| format!("`@{n}`")).collect();
        let names = names.join(", ");
        let said = match self.id {
            None => format!("no id is given: lines marked {names} are left out"),
            Some(id) if !self.marks.contains(id) => format!("no line is marked `@{id}`; there are {names}"),
            Some(_) => return,
        };
        self.out
            .push(Diagnosis::note("conditional-lines", span, said).help("the id is keepalived's option -i"));
    }
}

/// A line as far as it was scanned.
struct Scan<'a> {
    at: &'a Line<'a>,
    items: Vec<Item>,
    words: Vec<Word>,
    /// The word under way, and where it began.
    word: Option<(usize, String)>,
}

impl Scan<'_> {
    fn push(&mut self, i: usize, c: char) {
        self.word.get_or_insert_with(|| (i, String::new())).1.push(c);
    }
    fn end_word(&mut self, end: usize) {
        if let Some((start, text)) = self.word.take() {
            self.words.push(Word { text, span: self.at.span(start, end) });
        }
    }
    fn end_words(&mut self) {
        if !self.words.is_empty() {
            self.items.push(Item::Words { words: std::mem::take(&mut self.words), comment: None });
        }
    }
}

/// C's `isspace` for ASCII; a no-break space or a byte order mark is not among them.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\x0b' | '\x0c')
}

/// Whether a brace has blanks on both sides.
fn stands_alone(scan: &Scan<'_>, next: Option<&(usize, char)>) -> bool {
    scan.word.is_none() && next.is_none_or(|&(_, c)| is_blank(c) || c == '#' || c == '!')
}

fn include_kind(items: &[Item]) -> Option<(&Word, Word)> {
    let Some(Item::Words { words, .. }) = items.first() else { return None };
    let [kind, pattern, ..] = words.as_slice() else { return None };
    let kinds = ["include", "includer", "includem", "includew", "includeb", "includea"];
    kinds.contains(&kind.text.as_str()).then(|| (kind, pattern.clone()))
}

/// The text's beginning, at most `max` bytes, cut between two characters.
pub(super) fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|&i| text.is_char_boundary(i));
    &text[..end.unwrap_or(0)]
}
