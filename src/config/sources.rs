//! The texts a configuration was read from, so that a [`Span`] can be shown to people.

use super::Span;

/// The files that were read, the main one first; [`Span::file`] is an index into them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    files: Vec<Source>,
}

/// One file. `Debug` does not print its passwords and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path.
    pub path: String,
    /// What is in it, as far as it was read. To show it to people, see [`Source::shown`].
    pub text: String,
    /// The text with stars for passwords and keys, where it has any.
    starred: Option<String>,
}

impl Source {
    /// What is in it, passwords and keys as stars: a byte each, so that spans fit both.
    pub fn shown(&self) -> &str {
        self.starred.as_deref().unwrap_or(&self.text)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("path", &self.path).field("text", &self.shown()).finish()
    }
}

impl Sources {
    /// Every file, in the order of [`Span::file`].
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The file a span is in.
    pub fn get(&self, span: Span) -> Option<&Source> {
        self.files.get(usize::from(span.file))
    }

    /// The text under a span; empty where the span is none of these files'.
    pub fn text(&self, span: Span) -> &str {
        let range = span.start as usize..span.end as usize;
        self.get(span).and_then(|s| s.text.get(range)).unwrap_or("")
    }

    /// Line and column of a span's first byte, both counted from 1, the column in characters.
    pub fn position(&self, span: Span) -> (usize, usize) {
        let before = self.get(span).and_then(|s| s.text.get(..span.start as usize)).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Makes stars of what is under a span, wherever the text is shown; and of a comment that begins within the same
    /// word: a password of `a!b` is `a` to keepalived, and `b` is no less secret.
    pub(super) fn hide(&mut self, span: Span) {
        let Some(source) = self.files.get_mut(usize::from(span.file)) else { return };
        let behind = source.text.get(span.end as usize..).unwrap_or("");
        let cut_off =
            if behind.starts_with(['!', '#']) { behind.lines().next().unwrap_or("").len() } else { 0 };
        let range = span.start as usize..span.end as usize + cut_off;
        if source.text.get(range.clone()).is_some() {
            let starred = source.starred.get_or_insert_with(|| source.text.clone());
            starred.replace_range(range.clone(), &"*".repeat(range.len()));
        }
    }

    /// Adds a file, or finds it by its path. `None` when there are too many.
    pub(super) fn add(&mut self, path: &str, text: &str) -> Option<u16> {
        if let Some(i) = self.files.iter().position(|s| s.path == path) {
            return u16::try_from(i).ok();
        }
        let index = u16::try_from(self.files.len()).ok()?;
        self.files.push(Source { path: path.to_owned(), text: text.to_owned(), starred: None });
        Some(index)
    }
}
