//! What is wrong with a scenario file, said to the person who wrote it.

use std::fmt;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::place::{Place, Source};

/// One thing wrong with a scenario file. It prints as [`one_line`](ScriptError::one_line).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The scenario file, as the user gave it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line of the file, without its end; a very long one is cut around the column.
    pub source_line: String,
    /// The bytes of `source_line` that the caret points at.
    pub caret: (usize, usize),
}

/// How much of a line an error keeps, in bytes, on either side of the caret.
const KEPT: usize = 160;

impl ScriptError {
    /// `FILE:LINE:COL: message`.
    pub fn one_line(&self) -> String {
        self.to_string()
    }

    /// Several lines, as rustc prints: the message, the source line, a caret, the help.
    pub fn render(&self, styled: bool) -> String {
        let (start, end) = self.caret;
        let mut group = Level::ERROR.primary_title(self.message.as_str()).element(
            Snippet::source(self.source_line.as_str())
                .line_start(self.line as usize)
                .path(self.file.as_str())
                .annotation(AnnotationKind::Primary.span(start..end)),
        );
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if styled { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScriptError { file, line, column, message, .. } = self;
        write!(f, "{file}:{line}:{column}: {message}")
    }
}

impl std::error::Error for ScriptError {}

/// An error before anybody knows the file: a place and what to say about it.
#[derive(Debug)]
pub(super) struct Complaint {
    pub(super) place: Place,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Complaint {
    pub(super) fn new(place: Place, message: impl Into<String>) -> Complaint {
        Complaint { place, message: message.into(), help: None }
    }
    pub(super) fn help(mut self, help: impl Into<String>) -> Complaint {
        self.help = Some(help.into());
        self
    }
    /// With a suggestion if there is one, else with the given help.
    pub(super) fn suggest(self, nearest: Option<&str>, otherwise: impl Into<String>) -> Complaint {
        match nearest {
            Some(word) => self.help(format!("did you mean `{word}`?")),
            None => self.help(otherwise),
        }
    }

    pub(super) fn in_source(self, source: &Source) -> ScriptError {
        let seen = source.excerpt(self.place);
        let floor = |mut at: usize| {
            while !seen.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = floor(seen.span.start.saturating_sub(KEPT));
        let to = floor(seen.text.len().min(seen.span.start + KEPT));
        ScriptError {
            file: source.file.clone(),
            line: seen.line,
            column: seen.column,
            message: self.message,
            help: self.help,
            source_line: seen.text[from..to].to_owned(),
            caret: (seen.span.start - from, seen.span.end.min(to).max(seen.span.start) - from),
        }
    }
}

/// Why a line was given up.
#[derive(Debug)]
pub(super) enum Stop {
    /// For this reason.
    Said(Box<Complaint>),
    /// For a name whose own declaration is wrong and has been complained of already.
    Silent,
}

impl From<Complaint> for Stop {
    fn from(complaint: Complaint) -> Stop {
        Stop::Said(Box::new(complaint))
    }
}

/// A word of the file as it is shown in a message: short, and nothing in it that moves a terminal's cursor.
pub(super) fn shown(word: &str) -> String {
    const SHOWN: usize = 40;
    let mut text = String::new();
    for c in word.chars().take(SHOWN) {
        match c {
            '"' | '\'' | '\\' => text.push(c),
            c => text.extend(c.escape_debug()),
        }
    }
    if word.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}
