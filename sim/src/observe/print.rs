//! A record as text: columns aligned, no trailing blanks, times with the digits of the tick.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use havip::time::{Duration, Time};

use super::digest::{Hash64, fold_hash};
use super::expectations::{Figure, Seen};
use super::record::{OutageRow, Record, RecordLine, VerdictRow};
use super::table::Spread;

/// How the parts of a record look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Palette {
    /// Headings.
    pub head: Style,
    /// Causes, and what repeats.
    pub dim: Style,
    /// What the script did.
    pub act: Style,
    /// Changes: transitions, bindings.
    pub change: Style,
    /// What holds.
    pub good: Style,
    /// Outages, refusals, what does not hold.
    pub bad: Style,
}

impl Palette {
    /// No colour: what snapshots store.
    pub fn plain() -> Palette {
        Palette::default()
    }
    /// For a terminal.
    pub fn colour() -> Palette {
        Palette {
            head: Style::new().bold(),
            dim: Style::new().dimmed(),
            act: AnsiColor::Yellow.on_default(),
            change: AnsiColor::Cyan.on_default().bold(),
            good: AnsiColor::Green.on_default(),
            bad: AnsiColor::Red.on_default().bold(),
        }
    }
    fn of(&self, line: &RecordLine) -> Style {
        match line.kind {
            "act" => self.act,
            "transition" | "binding" => self.change,
            "advert" | "lost" => self.dim,
            "outage" | "refused" | "rejected" | "declined" | "noway" => self.bad,
            _ => Style::new(),
        }
    }
}

impl Record {
    /// The record without colour.
    pub fn text(&self) -> String {
        self.render(&Palette::plain())
    }

    /// The record in the colours of a palette.
    pub fn render(&self, palette: &Palette) -> String {
        let mut page = Page { out: String::new(), digits: self.digits, palette };
        let (name, seed, tick, digest) = (&self.name, self.seed, self.tick, self.digest());
        let under = self.under.map_or_else(String::new, |profile| format!("as {profile}   "));
        let title = format!("scenario {name}   {under}seed {seed}   tick {tick}   digest {digest:08x}");
        page.line(&[(palette.head, &title)]);
        self.body(&mut page);
        page.out
    }

    /// The digest of the printed lines, the first one, which shows it, aside.
    pub fn digest(&self) -> u32 {
        let mut page = Page { out: String::new(), digits: self.digits, palette: &Palette::plain() };
        self.body(&mut page);
        let mut hash = Hash64::default();
        hash.bytes(page.out.as_bytes());
        fold_hash(hash.value())
    }

    fn body(&self, page: &mut Page<'_>) {
        let dim = page.palette.dim;
        let names = self.config.iter().map(|(names, _)| names.chars().count()).max().unwrap_or(0);
        for (who, text) in &self.config {
            page.line(&[(dim, "config  "), (dim, &format!("{who:<names$}  ")), (page.palette.bad, text)]);
        }
        page.lines(&self.lines);
        page.outages(&self.outages);
        for one in &self.unreached {
            let (from, text) = (page.time(one.from), one.to.map(|to| page.time(to)));
            let until = text.unwrap_or_else(|| "never answered".into());
            let (client, bad) = (&one.client, page.palette.bad);
            page.line(&[(page.palette.head, "unreached  "), (bad, &format!("{client}  {from}..{until}"))]);
        }
        if let Some(summary) = &self.summary {
            page.summary(summary, &self.verdicts);
        }
        page.verdicts(&self.verdicts);
        let name = self.assumptions.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
        let tag = self.assumptions.iter().map(|(.., tag)| tag.len()).max().unwrap_or(0);
        for (i, (what, value, known)) in self.assumptions.iter().enumerate() {
            let head = if i == 0 { "rests on  " } else { "          " };
            let text = format!("{known:<tag$}  {what:<name$}  {value}");
            page.line(&[(page.palette.head, head), (dim, &text)]);
        }
    }
}

/// Text in the making.
struct Page<'a> {
    out: String,
    digits: u8,
    palette: &'a Palette,
}

impl Page<'_> {
    /// One line of styled parts, without the blanks at its end.
    fn line(&mut self, parts: &[(Style, &str)]) {
        let last = parts.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        let count = last.map_or(0, |last| last + 1);
        for (i, (style, text)) in parts[..count].iter().enumerate() {
            let text = if i + 1 == count { text.trim_end() } else { text };
            let _ = write!(self.out, "{style}{text}{style:#}");
        }
        self.out.push('\n');
    }

    fn time(&self, time: Time) -> String {
        time.display(self.digits).to_string()
    }

    fn span(&self, span: Duration) -> String {
        span.display(self.digits).to_string()
    }

    fn lines(&mut self, lines: &[RecordLine]) {
        let width = |text: fn(&RecordLine) -> &str, least: usize, most: usize| {
            let longest = lines.iter().map(|line| text(line).chars().count()).filter(|n| *n <= most).max();
            longest.unwrap_or(0).max(least)
        };
        let (whos, whats) = (width(|line| &line.who, 3, 24), width(|line| &line.what, 4, 64));
        let texts: Vec<(String, String)> = lines
            .iter()
            .map(|line| {
                let until = line.until.map_or_else(String::new, |until| format!("..{}", self.time(until)));
                (self.time(line.at), until)
            })
            .collect();
        let ats = texts.iter().map(|(at, _)| at.len() + 2).max().unwrap_or(0).max(9);
        let untils = texts.iter().map(|(_, until)| until.len()).max().unwrap_or(0);
        let palette = self.palette;
        let head = format!("{:>ats$}{:untils$}  {:whos$}  {:whats$}  why", "time", "", "who", "what");
        self.line(&[(palette.head, &head)]);
        for (line, (at, until)) in lines.iter().zip(&texts) {
            let when = format!("{at:>ats$}{until:<untils$}  {:<whos$}  ", line.who);
            let what = format!("{:<whats$}  ", line.what);
            self.line(&[(Style::new(), &when), (palette.of(line), &what), (palette.dim, &line.why)]);
        }
    }

    fn outages(&mut self, outages: &[OutageRow]) {
        if outages.is_empty() {
            return;
        }
        let dash = |span: Option<Duration>| span.map_or_else(|| "-".into(), |span| self.span(span));
        let mut rows = vec![
            ["client", "from", "to", "length", "detection", "cloud", "probe", "cause"].map(String::from),
        ];
        for one in outages {
            rows.push([
                one.client.clone(),
                self.time(one.from),
                if one.still_out { "still out".into() } else { self.time(one.to) },
                self.span(one.length()),
                dash(one.detection),
                dash(one.cloud),
                self.span(one.probe),
                one.cause.clone(),
            ]);
        }
        let left = [0, 7];
        for (i, line) in columns(&rows, &left).into_iter().enumerate() {
            let (head, bad) = (self.palette.head, self.palette.bad);
            let name = if i == 0 { "outage  " } else { "        " };
            self.line(&[(head, name), (if i == 0 { head } else { bad }, &line)]);
        }
    }

    fn verdicts(&mut self, verdicts: &[VerdictRow]) {
        if verdicts.is_empty() {
            return;
        }
        let hold = verdicts.iter().filter(|row| row.verdict.holds).count();
        let all = verdicts.len();
        let style = if hold == all { self.palette.good } else { self.palette.bad };
        self.line(&[(self.palette.head, "expect  "), (style, &format!("{hold} of {all} hold"))]);
        let failing: Vec<&VerdictRow> = verdicts.iter().filter(|row| !row.verdict.holds).collect();
        let rows: Vec<[String; 3]> = failing
            .iter()
            .map(|row| [format!("line {}", row.verdict.line), row.text.clone(), self.seen(row)])
            .collect();
        for line in columns(&rows, &[0, 1, 2]) {
            self.line(&[(Style::new(), "        "), (self.palette.bad, &line)]);
        }
    }

    /// Why an expectation does not hold.
    fn seen(&self, row: &VerdictRow) -> String {
        if let Some(why) = &row.why {
            return why.clone();
        }
        match (row.verdict.seen, row.verdict.figure) {
            (Seen::Nothing, _) => String::new(),
            (Seen::NeverTrue, _) => "never true".into(),
            (Seen::Late(at), _) => format!("true only at {}", self.time(at)),
            (Seen::Happened(at), Figure::Times(n)) if n > 1 => {
                format!("first at {}, {n} times", self.time(at))
            }
            (Seen::Happened(at), _) => format!("at {}", self.time(at)),
            (Seen::Stretch { value, from, to }, _) => {
                let length = self.span(to.saturating_since(from));
                format!("{value} {}..{} ({length})", self.time(from), self.time(to))
            }
            (Seen::Outage { from, to }, _) => {
                let length = self.span(to.saturating_since(from));
                format!("{length} ({}..{})", self.time(from), self.time(to))
            }
            (Seen::Unreached, _) => "no answer up to the end of the span".into(),
            (Seen::TooOften, figure) => self.figure(figure),
        }
    }

    fn figure(&self, figure: Figure) -> String {
        match figure {
            Figure::None => "-".into(),
            Figure::Since(at) => self.time(at),
            Figure::Longest(span) => self.span(span),
            Figure::Times(n) => n.to_string(),
        }
    }

    fn summary(&mut self, summary: &super::Summary, verdicts: &[VerdictRow]) {
        let runs = summary.runs;
        let text =
            |name: String, count: String, [min, median, max]: [String; 3]| [name, count, min, median, max];
        let mut rows = vec![["", "runs", "min", "median", "max"].map(String::from)];
        let spans = |spread: &Spread<Duration>| spread.each().map(|span| self.span(span));
        for one in &summary.outages {
            let count = format!("{} of {runs}", one.runs);
            let nth = if one.nth > 0 { format!(" {}", one.nth + 1) } else { String::new() };
            rows.push(text(format!("outage{nth} {}", one.client), count, spans(&one.length)));
            for (name, part) in [("  detection", &one.detection), ("  cloud", &one.cloud)] {
                if let Some((n, spread)) = part {
                    rows.push(text(name.into(), format!("{n} of {runs}"), spans(spread)));
                }
            }
            rows.push(text("  probe".into(), format!("{} of {runs}", one.runs), spans(&one.probe)));
        }
        for (row, one) in verdicts.iter().zip(&summary.verdicts) {
            let count = format!("{} of {runs}", one.hold);
            let figures = one.figure.each().map(|figure| self.figure(figure));
            rows.push(text(format!("expect {}", row.text), count, figures));
        }
        for (i, line) in columns(&rows, &[0]).into_iter().enumerate() {
            let (head, name) = (self.palette.head, if i == 0 { "phases  " } else { "        " });
            self.line(&[(head, name), (if i == 0 { head } else { Style::new() }, &line)]);
        }
    }
}

/// Rows as lines of aligned columns, those of `left` to the left and the others to the right.
fn columns<const N: usize>(rows: &[[String; N]], left: &[usize]) -> Vec<String> {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (i, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if i > 0 { "   " } else { "" };
            let _ = match left.contains(&i) {
                true => write!(line, "{gap}{cell:<width$}"),
                false => write!(line, "{gap}{cell:>width$}"),
            };
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}
