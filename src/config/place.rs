//! Where the parts of a line stand, before and after definitions were put into it.

use super::Span;

/// A line's place in a file, and the file's in the configuration.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) file: u16,
    pub(super) start: u32,
    pub(super) path: &'a str,
    /// How deep the file is included.
    pub(super) depth: usize,
    /// Where the line's parts come from, if it is not as it stands in the file.
    pub(super) map: Option<&'a [Part]>,
    /// How many bytes of it are behind us.
    pub(super) skipped: usize,
}

/// A part of a line that was put together: from `at` on, up to the next part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) at: usize,
    /// Where it comes from.
    pub(super) from: Span,
    /// It is the text under that span, byte by byte. Otherwise it stands for the whole of it.
    pub(super) exact: bool,
}

impl<'a> Line<'a> {
    /// The place of some bytes of the line.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let (start, end) = (start + self.skipped, end + self.skipped);
        let Some(map) = self.map else {
            return Span { file: self.file, start: self.start + start as u32, end: self.start + end as u32 };
        };
        let Some(first) = part(map, start) else { return Span::default() };
        let from = first.place(start);
        let Some(last) = part(map, end.saturating_sub(1)).filter(|_| end > start) else {
            return Span { end: from, start: from, ..first.from };
        };
        let to = if last.exact { last.place(end) } else { last.from.end };
        let together = last.from.file == first.from.file && to >= from;
        Span { file: first.from.file, start: from, end: if together { to } else { first.from.end } }
    }

    /// Moves on by some bytes.
    pub(super) fn skip<'t>(&mut self, text: &'t str, bytes: usize) -> &'t str {
        self.skipped += bytes;
        &text[bytes..]
    }

    /// The parts that some bytes of the line consist of, to be put to `at` of another one.
    pub(super) fn parts(&self, start: usize, end: usize, at: usize, out: &mut Vec<Part>) {
        let Some(map) = self.map else {
            out.push(Part { at, from: self.span(start, end), exact: true });
            return;
        };
        let (start, end) = (start + self.skipped, end + self.skipped);
        for (i, part) in map.iter().enumerate() {
            let next = map.get(i + 1).map_or(usize::MAX, |p| p.at);
            if next <= start || part.at >= end {
                continue;
            }
            let from = part.at.max(start);
            let span = if part.exact {
                Span { start: part.place(from), end: part.place(next.min(end)), ..part.from }
            } else {
                part.from
            };
            out.push(Part { at: at + (from - start), from: span, exact: part.exact });
        }
    }

    /// The line that a text put together is, in the same file.
    pub(super) fn of<'b>(&self, map: &'b [Part]) -> Line<'b>
    where
        'a: 'b,
    {
        Line { map: Some(map), skipped: 0, ..*self }
    }
}

impl Part {
    /// Where a byte of the line stands.
    fn place(&self, byte: usize) -> u32 {
        let into = if self.exact { byte.saturating_sub(self.at) as u32 } else { 0 };
        self.from.start.saturating_add(into).min(self.from.end)
    }
}

/// The part a byte is in.
fn part(map: &[Part], byte: usize) -> Option<&Part> {
    map[..map.partition_point(|p| p.at <= byte)].last().or(map.first())
}
