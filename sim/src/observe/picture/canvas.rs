//! SVG elements, written one after the other: integer coordinates, every text escaped.

use std::fmt::{Display, Write as _};

/// An SVG in the making.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    pub(crate) out: String,
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    const fn word(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}

impl Canvas {
    pub(crate) fn raw(&mut self, text: impl Display) {
        let _ = writeln!(self.out, "{text}");
    }

    /// A rectangle; `title` is what a reader sees who points at it, and hears who cannot see it.
    pub(crate) fn rect(&mut self, class: &str, (x, y): (i64, i64), (w, h): (i64, i64), title: &str) {
        let _ = write!(self.out, r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}""#);
        self.titled("rect", title);
    }

    pub(crate) fn line(&mut self, class: &str, from: (i64, i64), to: (i64, i64)) {
        let _ = writeln!(
            self.out,
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    pub(crate) fn path(&mut self, class: &str, d: impl Display, title: &str) {
        let _ = write!(self.out, r#"<path class="{class}" d="{d}""#);
        self.titled("path", title);
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (i64, i64), anchor: Anchor, text: &str) {
        let (anchor, text) = (anchor.word(), Escaped(text));
        let anchor = if anchor == "start" { String::new() } else { format!(r#" text-anchor="{anchor}""#) };
        let _ = writeln!(self.out, r#"<text class="{class}" x="{x}" y="{y}"{anchor}>{text}</text>"#);
    }

    fn titled(&mut self, element: &str, title: &str) {
        let _ = match title {
            "" => writeln!(self.out, "/>"),
            _ => writeln!(self.out, "><title>{}</title></{element}>", Escaped(title)),
        };
    }
}

/// How wide a text is at 12 points, on the wide side: there is no font to ask.
pub(super) fn width_of(text: &str) -> i64 {
    let of = |c: char| match c {
        'i' | 'l' | 'j' | '.' | ',' | ' ' | ':' | '|' | '\'' => 4,
        'm' | 'w' | 'M' | 'W' => 11,
        'A'..='Z' | '=' | '+' => 9,
        c if c.is_ascii() => 7,
        _ => 13,
    };
    text.chars().map(of).sum()
}

/// A text as far as it fits into so many points, with an ellipsis where it does not.
pub(super) fn fit(text: &str, width: i64) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if width_of(&cut) + width_of("…") + 11 > width {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// A text inside XML or HTML, in an attribute too. What XML has no way to say is shown as a replacement sign.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' | '\t' | '\r' => f.write_char(c)?,
                '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}')?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_a_text() {
        let text = Escaped("</text><script>alert('\"&')</script>\u{1b}[31m").to_string();
        assert!(!text.contains(['<', '>', '"', '\'', '\u{1b}']), "{text}");
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(fit("web", 60), "web");
        let cut = fit("a-very-long-name-of-a-machine", 60);
        assert!(cut.ends_with('…') && width_of(&cut) <= 60, "{cut}");
    }
}
