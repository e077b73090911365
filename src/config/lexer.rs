//! Text to words and braces, line by line (spec: vrrp.md section 3.1), across every included file.
//!
//! Definitions (`$NAME=...`) and sequences (`~SEQ(...)`) are recognised, not carried out: each is diagnosed
//! once, so that nobody takes the result for what keepalived would read.

use std::collections::BTreeSet;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::{Sources, Span, paths};
use crate::files::Files;

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
    id: Option<&str>,
    sources: &mut Sources,
    out: &mut Diagnoses,
) -> Option<Vec<Item>> {
    let text = files.texts.get(&files.main)?;
    let mut lexer = Lexer {
        files,
        id,
        sources,
        out,
        items: Vec::new(),
        opened: 0,
        scanned: 0,
        defined: BTreeSet::new(),
        said_definitions: false,
        said_sequences: false,
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
    sources: &'a mut Sources,
    out: &'a mut Diagnoses,
    items: Vec<Item>,
    opened: usize,
    /// Bytes seen so far, in all files.
    scanned: usize,
    /// The names of `$NAME=` lines so far.
    defined: BTreeSet<String>,
    said_definitions: bool,
    said_sequences: bool,
    /// The ids of `@id` lines, and where the first one stands.
    marks: BTreeSet<String>,
    first_mark: Option<Span>,
}

impl Lexer<'_> {
    fn file(&mut self, path: &str, text: &str, depth: usize) {
        self.opened += 1;
        let text = cut(text, TEXT_MAX);
        let Some(file) = self.sources.add(path, text) else { return };
        let mut at = 0;
        let mut in_definition = false;
        for line in text.split_inclusive('\n') {
            self.scanned += line.len();
            if self.items.len() >= ITEMS_MAX || self.scanned > TOTAL_MAX {
                return;
            }
            let start = at;
            at += line.len();
            let body = line.trim_end_matches(['\n', '\r']);
            if in_definition {
                in_definition = body.trim_end().ends_with('\\');
                continue;
            }
            in_definition = self.line(Line { file, start: start as u32, path, depth }, body);
        }
    }

    /// One physical line. True when a definition goes on in the next one.
    fn line(&mut self, mut at: Line<'_>, body: &str) -> bool {
        let mut text = body;
        if text.len() > LINE_MAX {
            text = cut(text, LINE_MAX);
            let span = at.span(LINE_MAX, body.len());
            self.out.push(Diagnosis::error(
                "line-too-long",
                span,
                "a line has at most 4095 bytes: the rest is lost",
            ));
        }
        text = at.skip(text, text.len() - text.trim_start_matches(is_blank).len());
        if text.starts_with('@') {
            match self.condition(&mut at, text) {
                Some(rest) => text = rest,
                None => return false,
            }
        }
        if let Some(name) = definition(text) {
            self.defined.insert(name.to_owned());
            self.report_definition(at.span(0, 1 + name.len()));
            return text.trim_end().ends_with('\\');
        }
        if text.starts_with("~SEQ") || text.starts_with("~LST") {
            if !self.said_sequences {
                self.said_sequences = true;
                let end = text.find(')').map_or(text.len(), |i| i + 1);
                let message = "`~SEQ` and `~LST` are not modelled yet: such lines are left out";
                self.out.push(Diagnosis::error("sequence-not-modelled", at.span(0, end), message));
            }
            return false;
        }
        let scanned = self.scan(&at, text);
        self.check_uses(&scanned);
        match include_kind(&scanned) {
            Some((kind, pattern)) => self.include(&at, kind, &pattern),
            None => self.items.extend(scanned),
        }
        false
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
        let span = Span { end: brace.end, ..word.span };
        let before = Span { end: brace.start, ..brace };
        self.out.push(
            Diagnosis::warning("glued-brace", span, message)
                .label("one word to keepalived before 1.4.2")
                .help("before 1.4.2 (CentOS 7 has 1.3.5) this is an unknown keyword, its block's `}` closes the block around it, and the rest of that is lost")
                .fix("write a blank", before, " "),
        );
    }

    /// Warns once when a word uses a definition.
    fn check_uses(&mut self, items: &[Item]) {
        if self.said_definitions {
            return;
        }
        let words = items.iter().flat_map(|item| match item {
            Item::Words { words, .. } => words.as_slice(),
            Item::Open(_) | Item::Close(_) => &[],
        });
        let used = |w: &&Word| {
            w.text.split('$').skip(1).any(|rest| {
                let rest = rest.strip_prefix('{').unwrap_or(rest);
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                rest.starts_with('_') || self.defined.contains(&rest[..end])
            })
        };
        if let Some(span) = words.filter(|w| w.text.contains('$')).find(used).map(|w| w.span) {
            self.report_definition(span);
        }
    }

    fn report_definition(&mut self, span: Span) {
        if !std::mem::replace(&mut self.said_definitions, true) {
            let message =
                "definitions (`$NAME=...`) are not modelled yet: words that use them are read as they stand";
            let help = "what follows is not what keepalived would run; write the values out";
            self.out.push(Diagnosis::error("definition-not-modelled", span, message).help(help));
        }
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

/// Where a line stands.
struct Line<'a> {
    file: u16,
    start: u32,
    path: &'a str,
    depth: usize,
}

impl Line<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: self.start + start as u32, end: self.start + end as u32 }
    }
    /// Moves on by some bytes.
    fn skip<'t>(&mut self, text: &'t str, bytes: usize) -> &'t str {
        self.start += bytes as u32;
        &text[bytes..]
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

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name a `$NAME=...` line defines.
fn definition(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('$')?;
    let end = rest.find(|c| !is_name(c))?;
    (end > 0 && rest[end..].starts_with('=')).then(|| &rest[..end])
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
