//! Words and braces to a tree of blocks, with keepalived's own idea of which brace closes what.
//!
//! An unknown block is not skipped: its lines are read as keywords of the block around it, and its `}` closes
//! that one. So one slip loses half a file and draws dozens of messages. To tell the slip from what follows
//! from it, the text is read again with the slip mended ([`Mend`]), and the two readings are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::keywords::{Context, Effect, Form, Keyword, lookup};
use super::lexer::{Item, Word, cut};
use super::suggest::{Guess, guess};

/// A keyword's line and its block, or an entry of a block of entries.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// `None` for an entry.
    pub(super) keyword: Option<&'static Keyword>,
    /// The words of the line, the keyword itself first.
    pub(super) words: Vec<Word>,
    /// The comment on its line.
    pub(super) comment: Option<Span>,
    /// The lines of its block.
    pub(super) children: Vec<Node>,
}

impl Node {
    /// From the first word to the last.
    pub(super) fn span(&self) -> Span {
        line_span(&self.words)
    }
    /// The word behind the keyword.
    pub(super) fn value(&self) -> Option<&Word> {
        self.words.get(1)
    }
    /// The keyword's name; empty for an entry.
    pub(super) fn name(&self) -> &'static str {
        self.keyword.map_or("", |k| k.name)
    }
}

/// How to read a line that is wrong as it stands: by the place of its first word.
pub(super) type Mends = BTreeMap<(u16, u32), Mend>;

/// One change to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mend {
    /// The word is a keyword of so many bytes and what is glued to it.
    Split(usize),
    /// The word is this keyword, misspelt.
    As(&'static str),
    /// The word opens a block that is to be skipped whole.
    Skip,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The lines outside any block.
    pub(super) top: Vec<Node>,
    /// Why keepalived refuses to run, if it does.
    pub(super) refused: Option<String>,
    /// What would mend the unknown blocks.
    pub(super) mends: Mends,
    /// The places that were mended in this reading.
    pub(super) used: BTreeSet<(u16, u32)>,
}

/// Reads a tree; never fails.
pub(super) fn parse(items: &[Item], mends: &Mends, out: &mut Diagnoses) -> Tree {
    let root = Frame::new(Node { keyword: None, words: Vec::new(), comment: None, children: Vec::new() });
    let frames = vec![Frame { body: Body::Keywords(Context::Top), ..root }];
    let mut parser = Parser {
        mends,
        out,
        frames,
        pending: None,
        unknown: None,
        depth: 0,
        stray_depth: None,
        tree: Tree::default(),
    };
    for item in items {
        match item {
            Item::Words { words, comment } => parser.words(words, *comment),
            Item::Open(span) => parser.open(*span),
            Item::Close(span) => parser.close(*span),
        }
    }
    parser.end()
}

/// An open block.
struct Frame {
    node: Node,
    body: Body,
    /// Unknown blocks opened in it, whose `}` will close this one.
    strays: Vec<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Keywords(Context),
    Entries,
    /// Nobody looks into it; so many braces are open in it.
    Opaque(usize),
}

impl Frame {
    fn new(node: Node) -> Frame {
        Frame { node, body: Body::Opaque(0), strays: Vec::new() }
    }
}

/// A line that was just found unknown: a brace that follows belongs to it.
struct Unknown {
    word: Word,
    diagnosis: Diagnosis,
    mend: Mend,
}

struct Parser<'a> {
    mends: &'a Mends,
    out: &'a mut Diagnoses,
    frames: Vec<Frame>,
    /// A keyword whose `{` has not come yet.
    pending: Option<Frame>,
    unknown: Option<Unknown>,
    /// Open braces, wanted or not.
    depth: usize,
    /// How many were open with the outermost unknown block: what is unknown inside it may be known once that
    /// is mended, and is left for the next reading.
    stray_depth: Option<usize>,
    tree: Tree,
}

impl Parser<'_> {
    fn words(&mut self, words: &[Word], comment: Option<Span>) {
        self.flush_unknown();
        if let Some(frame) = self.pending.take() {
            let message = format!("{} needs a block: a `{{` is missing", quote(&frame.node.words[0].text));
            self.out.push(Diagnosis::error("missing-open-brace", frame.node.span(), message).by_keepalived());
            self.frames.push(frame);
        }
        let Some(frame) = self.frames.last_mut() else { return };
        match frame.body {
            Body::Opaque(_) => {}
            Body::Entries => {
                frame.node.children.push(Node {
                    keyword: None,
                    words: words.to_vec(),
                    comment,
                    children: Vec::new(),
                });
            }
            Body::Keywords(context) => self.line(context, words.to_vec(), comment),
        }
    }

    /// A line in a block of keywords.
    fn line(&mut self, context: Context, mut words: Vec<Word>, comment: Option<Span>) {
        let Some(first) = words.first().cloned() else { return };
        let place = (first.span.file, first.span.start);
        let mut keyword = lookup(context, &first.text);
        // What is known where it stands needs no mending: the slip was around it.
        let mend = self.mends.get(&place).filter(|_| keyword.is_none());
        if mend.is_some() {
            self.tree.used.insert(place);
        }
        match mend {
            Some(&Mend::Split(length)) => {
                keyword = split(&mut words, length).then(|| lookup(context, &words[0].text)).flatten();
            }
            Some(Mend::As(name)) => keyword = lookup(context, name),
            Some(Mend::Skip) => {
                self.pending = Some(Frame::new(Node { keyword: None, words, comment, children: Vec::new() }));
                return;
            }
            None => {}
        }
        match keyword {
            Some(keyword) => {
                self.known(keyword, Node { keyword: Some(keyword), words, comment, children: Vec::new() });
            }
            None => self.unknown_line(context, &words, &first),
        }
    }

    fn known(&mut self, keyword: &'static Keyword, node: Node) {
        if keyword.form.needs_word() && node.words.len() < 2 {
            let message = format!("{} needs a value", quote(keyword.name));
            let help = format!(
                "keepalived refuses to start (exit 2); write it on the same line: `{} {}`",
                keyword.name,
                keyword.form.describe()
            );
            self.out
                .push(Diagnosis::error("missing-parameter", node.span(), message).help(help).by_keepalived());
            self.tree.refused.get_or_insert_with(|| format!("{} needs a value", keyword.name));
            return;
        }
        self.check_rest(keyword, &node);
        if !keyword.form.has_block() {
            self.attach(node);
            return;
        }
        let body = match keyword.form {
            Form::Block(context) | Form::Named(context) => Body::Keywords(context),
            Form::Entries => Body::Entries,
            _ => Body::Opaque(0),
        };
        let mut frame = Frame { body, ..Frame::new(node) };
        if let Form::Named(_) = keyword.form
            && frame.node.words.len() != 2
        {
            let message = format!("{} must have a name, of one word", quote(keyword.name));
            let help = format!("keepalived skips the block; write `{} NAME {{`", keyword.name);
            self.out
                .push(Diagnosis::error("bad-name", frame.node.span(), message).help(help).by_keepalived());
            frame.body = Body::Opaque(0);
        }
        self.pending = Some(frame);
    }

    /// Words that nobody reads, behind what a keyword takes.
    fn check_rest(&mut self, keyword: &Keyword, node: &Node) {
        let Some(max) = keyword.form.words_max() else { return };
        if matches!(keyword.form, Form::Named(_)) || keyword.effect == Effect::Skipped {
            return; // a name of two words is an error of its own
        }
        let rest = &node.words[(max + 1).min(node.words.len())..];
        let Some(first) = rest.first() else { return };
        let context = self.context();
        let diagnosis = if first.text.starts_with("//") {
            Diagnosis::warning(
                "not-a-comment",
                line_span(rest),
                "`//` does not begin a comment: `#` and `!` do",
            )
            .help("keepalived ignores these words because the keyword takes no more")
        } else if context.is_some_and(|c| lookup(c, &first.text).is_some()) {
            let message = format!("{} has no effect here: one keyword a line", quote(&first.text));
            Diagnosis::warning("two-keywords", line_span(rest), message).fix(
                "begin a new line",
                Span { end: first.span.start, ..first.span },
                "\n    ",
            )
        } else {
            let message = format!(
                "{} takes {max} {}: the rest has no effect",
                quote(keyword.name),
                if max == 1 { "word" } else { "words" }
            );
            Diagnosis::warning("extra-words", line_span(rest), message)
        };
        self.out.push(diagnosis);
    }

    fn unknown_line(&mut self, context: Context, words: &[Word], first: &Word) {
        let found =
            (first.text.len() <= 128).then(|| guess(context, &first.text, words.len() == 1)).flatten();
        let mut diagnosis = Diagnosis::error(
            "unknown-keyword",
            first.span,
            format!("unknown keyword {}", quote(&first.text)),
        )
        .by_keepalived();
        let mut mend = Mend::Skip;
        if let Some(k) = before_brace(context, &first.text) {
            diagnosis.code = "glued-brace";
            diagnosis.message = format!("no blank between `{}` and `{{`", k.name);
            diagnosis = diagnosis
                .label("one word to keepalived before 1.4.2")
                .help("the `}` of this block closes the block around it, and the rest of that is lost")
                .fix("write a blank", at(first.span, k.name.len()), " ");
            self.unknown = Some(Unknown { word: first.clone(), diagnosis, mend });
            return;
        }
        match found {
            Some(Guess::Glued(k)) => {
                let rest = &first.text[k.name.len()..];
                let block = if k.form.has_block() { " {" } else { "" };
                diagnosis.code = "glued-keyword";
                diagnosis.message = format!("no blank between `{}` and {}", k.name, quote(rest));
                diagnosis = diagnosis.label("unknown keyword").fix(
                    format!("did you mean `{} {}{block}`?", k.name, cut(rest, 32)),
                    at(first.span, k.name.len()),
                    " ",
                );
                mend = Mend::Split(k.name.len());
            }
            Some(Guess::Typo(k)) => {
                diagnosis = diagnosis.fix(format!("did you mean `{}`?", k.name), first.span, k.name);
                mend = Mend::As(k.name);
            }
            Some(Guess::Invisible(k)) => {
                let said = format!(
                    "characters that are not seen stand beside `{}`: to keepalived they are part of the word",
                    k.name
                );
                diagnosis = diagnosis.help(said).fix("remove them", first.span, k.name);
                mend = Mend::As(k.name);
            }
            Some(Guess::Elsewhere(k)) => {
                let places: Vec<_> = k.contexts.iter().map(|c| c.name()).collect();
                diagnosis = diagnosis.help(format!("`{}` belongs into: {}", k.name, places.join(", ")));
            }
            None if first.text.starts_with("//") => {
                diagnosis = diagnosis.help("`//` does not begin a comment: `#` and `!` do");
            }
            None => {}
        }
        self.unknown = Some(Unknown { word: first.clone(), diagnosis, mend });
    }

    /// The unknown line had no block: it is lost, and nothing else is.
    fn flush_unknown(&mut self) {
        if let Some(unknown) = self.unknown.take() {
            self.out.push(unknown.diagnosis);
        }
    }

    fn open(&mut self, span: Span) {
        self.depth += 1;
        if let Some(frame) = self.pending.take() {
            self.frames.push(frame);
            return;
        }
        let unknown = self.unknown.take();
        let Some(frame) = self.frames.last_mut() else { return };
        match &mut frame.body {
            Body::Opaque(nested) => *nested += 1,
            Body::Keywords(_) | Body::Entries => {
                let at = unknown.as_ref().map_or(span, |u| u.word.span);
                frame.strays.push(at);
                match unknown {
                    Some(unknown) => self.unknown_block(unknown),
                    None => {
                        let message = "no block belongs here: keepalived ignores this `{`, and its `}` closes the block around it";
                        self.out.push(Diagnosis::error("unexpected-brace", span, message).by_keepalived());
                    }
                }
            }
        }
    }

    fn unknown_block(&mut self, unknown: Unknown) {
        let Unknown { word, diagnosis, mut mend } = unknown;
        if let Mend::As(name) = mend
            && !self.context().and_then(|c| lookup(c, name)).is_some_and(|k| k.form.has_block())
        {
            mend = Mend::Skip;
        }
        let around =
            self.frames.last().filter(|f| f.node.keyword.is_some()).map(|f| f.node.words[0].text.clone());
        let said = match around {
            Some(around) => format!("the block is not skipped: its lines are read as lines of {}, and its `}}` closes that", quote(&around)),
            None => "nothing of the block runs: its lines are unknown outside it, and keepalived starts without them".to_owned(),
        };
        if self.stray_depth.is_none() {
            self.stray_depth = Some(self.depth);
            self.tree.mends.insert((word.span.file, word.span.start), mend);
        }
        self.out.push(diagnosis.help(said));
    }

    fn close(&mut self, span: Span) {
        self.flush_unknown();
        if let Some(frame) = self.pending.take() {
            let message = format!("{} needs a block: a `{{` is missing", quote(&frame.node.words[0].text));
            self.out.push(Diagnosis::error("missing-open-brace", frame.node.span(), message).by_keepalived());
            self.attach(frame.node);
        }
        let at_top = self.frames.len() == 1;
        if let Some(Frame { body: Body::Opaque(nested @ 1..), .. }) = self.frames.last_mut() {
            *nested -= 1;
        } else if !at_top {
            if let Some(frame) = self.frames.pop() {
                self.attach(frame.node);
            }
        } else if self.depth > 0 {
            self.out.push(
                Diagnosis::error("unknown-brace", span, "this `}` closes nothing keepalived knows")
                    .by_keepalived(),
            );
        } else {
            self.out.push(
                Diagnosis::error("extra-brace", span, "there is one `}` too many: this one closes nothing")
                    .by_keepalived(),
            );
        }
        self.depth = self.depth.saturating_sub(1);
        self.stray_depth = self.stray_depth.filter(|&d| self.depth >= d);
    }

    fn end(mut self) -> Tree {
        self.flush_unknown();
        if let Some(frame) = self.pending.take() {
            let message = format!("{} needs a block: a `{{` is missing", quote(&frame.node.words[0].text));
            self.out.push(Diagnosis::error("missing-open-brace", frame.node.span(), message).by_keepalived());
            self.attach(frame.node);
        }
        if self.depth > 0
            && let Some(frame) = self.frames.last()
        {
            let count = self.depth;
            let place = frame.node.words.first().map(|w| w.span).or(frame.strays.first().copied());
            let message = format!("{count} `}}` missing at the end, or `{{` too many");
            let mut diagnosis = Diagnosis::error("missing-brace", Span::default(), message).by_keepalived();
            diagnosis.span = place;
            self.out.push(
                diagnosis.label("not closed").help("keepalived takes the end of the file for it and goes on"),
            );
        }
        while self.frames.len() > 1 {
            if let Some(frame) = self.frames.pop() {
                self.attach(frame.node);
            }
        }
        self.tree.top = self.frames.pop().map(|f| f.node.children).unwrap_or_default();
        self.tree
    }

    /// The block a line belongs to.
    fn context(&self) -> Option<Context> {
        match self.frames.last()?.body {
            Body::Keywords(context) => Some(context),
            Body::Entries | Body::Opaque(_) => None,
        }
    }

    /// Puts a line, or a block that has ended, into the block around it.
    fn attach(&mut self, node: Node) {
        if let Some(frame) = self.frames.last_mut() {
            frame.node.children.push(node);
        }
    }
}

/// The block keyword that a word consists of, a brace glued to it: where a brace must be a word of its own.
fn before_brace(context: Context, word: &str) -> Option<&'static Keyword> {
    lookup(context, word.strip_suffix('{')?).filter(|k| k.form.has_block())
}

/// Parts the first word behind so many bytes.
fn split(words: &mut Vec<Word>, length: usize) -> bool {
    let first = words[0].clone();
    let (Some(head), Some(tail)) = (first.text.get(..length), first.text.get(length..)) else { return false };
    let cut = first.span.start + length as u32;
    words[0] = Word { text: head.to_owned(), span: Span { end: cut, ..first.span } };
    words.insert(1, Word { text: tail.to_owned(), span: Span { start: cut, ..first.span } });
    true
}

/// From the first word to the last.
pub(super) fn line_span(words: &[Word]) -> Span {
    match (words.first(), words.last()) {
        (Some(first), Some(last)) => first.span.until(last.span),
        _ => Span::default(),
    }
}

/// The place some bytes into a span.
fn at(span: Span, bytes: usize) -> Span {
    let start = (span.start + bytes as u32).min(span.end);
    Span { start, end: start, ..span }
}
