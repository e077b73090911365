//! Where something is written.

use std::sync::Arc;

/// A scenario's text and what it is called.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The file's path, as the user gave it.
    pub file: String,
    /// What it says.
    pub text: Arc<str>,
}

/// Bytes of a scenario's text.
///
/// Any two are equal: where a thing is written is no part of what it says, and a script that was printed and
/// read again is the same script.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}
impl Eq for Place {}

impl Place {
    /// Of something that no text says: a script that a program made.
    pub const NOWHERE: Place = Place { start: 0, end: 0 };
}

/// A line of a source and a stretch of it, for showing.
pub(super) struct Excerpt<'a> {
    /// From 1.
    pub(super) line: u32,
    /// From 1, in characters.
    pub(super) column: u32,
    /// The line, without its end.
    pub(super) text: &'a str,
    /// The bytes of it.
    pub(super) span: std::ops::Range<usize>,
}

impl Source {
    /// The line a place is on. Any place is good, be it of another text.
    pub(super) fn excerpt(&self, place: Place) -> Excerpt<'_> {
        let boundary = |mut at: usize| {
            at = at.min(self.text.len());
            while !self.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let (start, end) = (boundary(place.start as usize), boundary(place.end as usize));
        let before = &self.text[..start];
        let from = before.rfind('\n').map_or(0, |n| n + 1);
        let to = self.text[from..].find('\n').map_or(self.text.len(), |n| from + n);
        let text = self.text[from..to].trim_end_matches('\r');
        let last = text.len();
        Excerpt {
            line: before.bytes().filter(|b| *b == b'\n').count() as u32 + 1,
            column: self.text[from..start].chars().count() as u32 + 1,
            text,
            span: (start - from).min(last)..end.saturating_sub(from).clamp((start - from).min(last), last),
        }
    }
}
