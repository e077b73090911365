//! A line, cut into words; and a reader that takes them one by one.

use winnow::combinator::{alt, delimited, opt, preceded, repeat, terminated};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{rest, take_while};

use super::error::{Complaint, shown};
use super::place::Place;

/// Text between blanks, or between two `"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
}

/// A line that says something.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: u32,
    /// At least one.
    pub(super) words: Vec<Word<'a>>,
}

impl Word<'_> {
    /// `expected …, found `this``.
    pub(super) fn unexpected(&self, expected: &str) -> Complaint {
        Complaint::new(self.place, format!("expected {expected}, found {}", shown(self.text)))
    }
    /// Some bytes of the word as a word of its own.
    pub(super) fn part(&self, from: usize, to: usize) -> Word<'_> {
        let start = self.place.start;
        let place = Place { start: start + from as u32, end: start + to as u32 };
        Word { text: &self.text[from..to], place }
    }
}

/// The lines of a text that say something. `text` is at most 4 GiB.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    text.split('\n').enumerate().filter_map(move |(i, line)| {
        let start = offset;
        offset += line.len() + 1;
        let words = words(line, start);
        (!words.is_empty()).then_some(Line { number: i as u32 + 1, words })
    })
}

/// Words are what is left between blanks, or what stands between two `"`; from `#` on it is a comment.
fn words(line: &str, offset: usize) -> Vec<Word<'_>> {
    // A byte order mark is what some editors begin a file with; it says nothing.
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    let bare = take_while(1.., move |c| !blank(c) && c != '#').with_span();
    let quoted = delimited('"', take_while(0.., |c| c != '"').with_span(), '"');
    let word = alt((quoted, bare)).map(|(text, span): (_, std::ops::Range<usize>)| {
        let place = Place { start: (offset + span.start) as u32, end: (offset + span.end) as u32 };
        Word { text, place }
    });
    let blanks = || take_while(0.., blank).void();
    let all = preceded(blanks(), repeat(0.., terminated(word, blanks())));
    let mut line_of = terminated(all, opt(preceded('#', rest)));
    let parsed: winnow::Result<Vec<Word<'_>>> = line_of.parse_next(&mut LocatingSlice::new(line));
    parsed.unwrap_or_default()
}

/// A text as one word: between `"` where it would be several words otherwise, or a comment.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let odd = |c: char| c.is_whitespace() || matches!(c, '#' | '\u{feff}');
        if self.0.is_empty() || self.0.contains(odd) {
            write!(f, "\"{}\"", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

/// Takes the words of a line in order.
#[derive(Clone, Debug)]
pub(super) struct Reader<'l, 'a> {
    line: &'l Line<'a>,
    next: usize,
}

impl<'l, 'a> Reader<'l, 'a> {
    pub(super) fn new(line: &'l Line<'a>) -> Self {
        Reader { line, next: 0 }
    }
    pub(super) fn number(&self) -> u32 {
        self.line.number
    }
    /// The word `n` places ahead.
    pub(super) fn peek(&self, n: usize) -> Option<Word<'a>> {
        self.line.words.get(self.next + n).copied()
    }
    /// The next word; without one, a complaint behind the line's last.
    pub(super) fn word(&mut self, expected: &str) -> Result<Word<'a>, Complaint> {
        match self.peek(0) {
            Some(word) => {
                self.next += 1;
                Ok(word)
            }
            None => {
                let end = self.line.words.last().map_or(0, |w| w.place.end);
                let place = Place { start: end, end };
                Err(Complaint::new(place, format!("expected {expected}, found the end of the line")))
            }
        }
    }
    /// The next word, which can only be this one.
    pub(super) fn literal(&mut self, text: &str) -> Result<Word<'a>, Complaint> {
        let expected = format!("`{text}`");
        let word = self.word(&expected)?;
        if word.text == text { Ok(word) } else { Err(word.unexpected(&expected)) }
    }
    /// Takes the next word if it is this one.
    pub(super) fn take(&mut self, text: &str) -> Option<Word<'a>> {
        let word = self.peek(0).filter(|w| w.text == text)?;
        self.next += 1;
        Some(word)
    }
    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Complaint> {
        match self.peek(0) {
            Some(word) => Err(word.unexpected("the end of the line")),
            None => Ok(()),
        }
    }
}
