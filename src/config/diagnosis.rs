//! What there is to say about a configuration, and how it is shown.

use std::collections::BTreeSet;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet, normalize_untrusted_str};

use super::{Sources, Span};

/// One remark on a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of this kind of remark: `unknown-keyword`.
    pub code: &'static str,
    /// What is the matter, in a line.
    pub message: String,
    /// Where; `None` when it is about no place.
    pub span: Option<Span>,
    /// What to write under the place.
    pub label: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<(Span, String)>,
    /// What it means and what to do.
    pub help: Vec<String>,
    /// A change that mends it.
    pub fix: Option<Fix>,
    /// Who complains.
    pub origin: Origin,
    /// It does not hold for the text as it stands, but would once the block names are mended.
    pub once_mended: bool,
}

/// How bad a diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Part of the text has no effect, or nothing runs.
    Error,
    /// It runs, otherwise than it reads.
    Warning,
    /// Worth knowing.
    Note,
}

/// Who complains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// keepalived 2.2.7 itself does: its configuration test does not end with 0.
    Keepalived,
    /// havip alone does.
    Havip,
}

/// A change of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to say of it: `write a blank between them`.
    pub title: String,
    /// What to replace; empty for an insertion.
    pub span: Span,
    /// By what.
    pub replacement: String,
}

impl Severity {
    /// In a word, as it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

impl Diagnosis {
    /// Takes a word out of everything that is said; not out of what a fix writes.
    pub(super) fn hide(&mut self, word: &str) {
        let said = [&mut self.message].into_iter().chain(&mut self.label).chain(&mut self.help);
        for text in said.chain(self.fix.as_mut().map(|fix| &mut fix.title)) {
            if text.contains(word) {
                *text = text.replace(word, "***");
            }
        }
    }
    /// The diagnosis with its place in the text, for a terminal; lines end with `\n`, the last one too.
    pub fn render(&self, sources: &Sources, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level.primary_title(normalize_untrusted_str(&self.title())).id(self.code);
        let mut main = Group::with_title(title).elements(self.snippets(sources));
        for help in &self.help {
            main = main.element(Level::HELP.message(normalize_untrusted_str(help)));
        }
        let mut report = vec![main];
        report.extend(self.fix.as_ref().and_then(|fix| patch(fix, sources)));
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.decor_style(DecorStyle::Ascii).term_width(120).render(&report);
        text.push('\n');
        text
    }

    /// The diagnosis in a line: `pair.conf:7:3: error[unknown-keyword]: ...`.
    pub fn one_line(&self, sources: &Sources) -> String {
        let place = match self.span.and_then(|s| sources.get(s).map(|file| (s, file))) {
            Some((span, file)) => {
                let (line, column) = sources.position(span);
                format!("{}:{line}:{column}: ", normalize_untrusted_str(&file.path))
            }
            None => String::new(),
        };
        let title = normalize_untrusted_str(&self.title());
        format!("{place}{}[{}]: {title}", self.severity.name(), self.code)
    }

    /// The message, with a word on when it holds.
    pub fn title(&self) -> String {
        if self.once_mended { format!("once mended, {}", self.message) } else { self.message.clone() }
    }

    /// One snippet a file: the place itself, and the related places.
    fn snippets<'a>(&'a self, sources: &'a Sources) -> Vec<Snippet<'a, annotate_snippets::Annotation<'a>>> {
        let Some(main) = self.span else { return Vec::new() };
        let files: BTreeSet<u16> =
            self.related.iter().map(|(s, _)| s.file).filter(|&f| f != main.file).collect();
        let files = std::iter::once(main.file).chain(files);
        let snippet = |file: u16| {
            let source = sources.files().get(usize::from(file))?;
            let range = |s: Span| s.start as usize..s.end as usize;
            let primary = (file == main.file).then(|| {
                AnnotationKind::Primary
                    .span(range(main))
                    .label(self.label.as_deref().map(normalize_untrusted_str))
            });
            let related = self.related.iter().filter(|(s, _)| s.file == file);
            let related = related.map(|(s, text)| {
                AnnotationKind::Context.span(range(*s)).label(normalize_untrusted_str(text))
            });
            let snippet = Snippet::source(source.shown()).path(source.path.as_str());
            Some(snippet.annotations(primary).annotations(related))
        };
        files.filter_map(snippet).collect()
    }

    pub(super) fn new(
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: String,
    ) -> Diagnosis {
        Diagnosis {
            severity,
            code,
            message,
            span,
            label: None,
            related: Vec::new(),
            help: Vec::new(),
            fix: None,
            origin: Origin::Havip,
            once_mended: false,
        }
    }
    pub(super) fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnosis {
        Diagnosis::new(Severity::Error, code, Some(span), message.into())
    }
    pub(super) fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnosis {
        Diagnosis::new(Severity::Warning, code, Some(span), message.into())
    }
    pub(super) fn note(code: &'static str, span: Span, message: impl Into<String>) -> Diagnosis {
        Diagnosis::new(Severity::Note, code, Some(span), message.into())
    }
    pub(super) fn by_keepalived(mut self) -> Diagnosis {
        self.origin = Origin::Keepalived;
        self
    }
    pub(super) fn label(mut self, text: impl Into<String>) -> Diagnosis {
        self.label = Some(text.into());
        self
    }
    pub(super) fn related(mut self, span: Span, text: impl Into<String>) -> Diagnosis {
        self.related.push((span, text.into()));
        self
    }
    pub(super) fn help(mut self, text: impl Into<String>) -> Diagnosis {
        self.help.push(text.into());
        self
    }
    pub(super) fn fix(
        mut self,
        title: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Diagnosis {
        self.fix = Some(Fix { title: title.into(), span, replacement: replacement.into() });
        self
    }
}

/// The changed line, as a second part of the report.
fn patch<'a>(fix: &'a Fix, sources: &'a Sources) -> Option<Group<'a>> {
    let source = sources.get(fix.span)?;
    let range = fix.span.start as usize..fix.span.end as usize;
    let snippet = Snippet::source(source.shown()).path(source.path.as_str());
    let title = Level::HELP.secondary_title(normalize_untrusted_str(&fix.title));
    Some(title.element(snippet.patch(Patch::new(range, fix.replacement.as_str()))))
}

/// How many diagnoses are kept: a hostile text does not fill the memory with them.
pub(super) const DIAGNOSES_MAX: usize = 1000;

/// Collects diagnoses, up to a limit.
#[derive(Debug, Default)]
pub(super) struct Diagnoses {
    list: Vec<Diagnosis>,
    dropped: usize,
}

impl Diagnoses {
    pub(super) fn push(&mut self, diagnosis: Diagnosis) {
        if self.list.len() < DIAGNOSES_MAX {
            self.list.push(diagnosis);
        } else {
            self.dropped += 1;
        }
    }

    /// The diagnoses in the order they came, and how many did not fit.
    pub(super) fn into_parts(self) -> (Vec<Diagnosis>, usize) {
        (self.list, self.dropped)
    }
}

/// A word of the text, fit for a message: short, and in back quotes.
pub(super) fn quote(word: &str) -> String {
    const MAX: usize = 48;
    match word.char_indices().nth(MAX) {
        Some((cut, _)) => format!("`{}...`", &word[..cut]),
        None => format!("`{word}`"),
    }
}
