//! The same lanes in 80 columns of text, for logs and terminals. ASCII only.

use std::fmt::Write as _;
use std::net::IpAddr;

use anstyle::Style;
use havip::time::Time;

use super::scale::{Scale, details};
use super::{Heard, Lanes, Machine, Reach, Span, State, label};
use crate::observe::{Palette, Record};

/// Where the lanes begin, and how many columns they have.
const NAMES: usize = 15;
const COLUMNS: usize = 80 - NAMES;

/// What is one beside the other in a row.
type Row = Vec<(char, Style)>;

impl Lanes {
    /// The picture in 80 columns.
    pub fn text(&self, record: &Record, palette: &Palette) -> String {
        let mut page = Page { out: String::new(), lanes: self, palette, letters: self.letters() };
        let Record { name, .. } = record;
        page.words(palette.head, &format!("{name}: {}", label::headline(self)));
        page.words(palette.dim, &label::subtitle(self, record));
        for text in label::failing(record) {
            page.words(palette.bad, &text);
        }
        page.panel(Time::ZERO, self.end);
        page.acts();
        page.outages();
        let (closer, left_out) = details(self);
        for (from, to) in closer {
            let (a, b) = (from.display(self.digits), to.display(self.digits));
            page.out.push('\n');
            page.words(palette.head, &format!("closer: {a} s to {b} s"));
            page.panel(from, to);
        }
        if left_out > 0 {
            page.words(palette.dim, &format!("{left_out} shorter outages have no closer look"));
        }
        page.legend();
        page.out
    }

    /// One letter a machine: the first of its name where no two are the same, a count otherwise.
    fn letters(&self) -> Vec<char> {
        let first = |machine: &Machine| machine.name.chars().next().filter(char::is_ascii_lowercase);
        let all: Vec<Option<char>> = self.machines.iter().map(first).collect();
        let usual = all.iter().enumerate().all(|(i, one)| one.is_some() && !all[..i].contains(one));
        let count = |i: usize| char::from(b"123456789"[i % 9]);
        all.iter().enumerate().map(|(i, one)| one.filter(|_| usual).unwrap_or(count(i))).collect()
    }
}

struct Page<'a> {
    out: String,
    lanes: &'a Lanes,
    palette: &'a Palette,
    letters: Vec<char>,
}

impl Page<'_> {
    /// A text, broken at blanks.
    fn words(&mut self, style: Style, text: &str) {
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > 80 {
                let _ = writeln!(self.out, "{style}{line}{style:#}");
                line = "   ".to_owned();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        let _ = writeln!(self.out, "{style}{line}{style:#}");
    }

    fn row(&mut self, name: &str, row: &[(char, Style)]) {
        let name: String = name.chars().take(NAMES - 1).collect();
        let _ = write!(
            self.out,
            "{}{name:<NAMES$}{}",
            self.palette.dim.render(),
            self.palette.dim.render_reset()
        );
        let end = row.iter().rposition(|(sign, _)| *sign != ' ').map_or(0, |last| last + 1);
        for part in row[..end].chunk_by(|a, b| a.1 == b.1) {
            let (style, text) = (part[0].1, part.iter().map(|(sign, _)| *sign).collect::<String>());
            let _ = write!(self.out, "{style}{text}{style:#}");
        }
        let line = self.out.rfind('\n').map_or(0, |at| at + 1);
        let trimmed = line + self.out[line..].trim_end_matches(' ').len();
        self.out.truncate(trimmed);
        self.out.push('\n');
    }

    fn panel(&mut self, from: Time, to: Time) {
        let (lanes, palette) = (self.lanes, self.palette);
        let scale = Scale::new(from, to, 0, COLUMNS as i64);
        self.axis(&scale);
        for client in &lanes.clients {
            let mut row = empty();
            spans(&scale, &client.reach, &mut row, |reach| match reach {
                Reach::Waiting => ('.', palette.dim),
                Reach::Answered => ('=', palette.good),
                Reach::Out(_) => ('X', palette.bad),
            });
            // However short, an outage is seen.
            let out: Vec<Span<Reach>> =
                client.reach.iter().filter(|one| matches!(one.what, Reach::Out(_))).copied().collect();
            spans(&scale, &out, &mut row, |_| ('X', palette.bad));
            self.row(&format!("{} reaches", client.name), &row);
        }
        let mut flags = empty();
        for (i, act) in lanes.acts.iter().enumerate().filter(|(_, act)| scale.has(act.at)) {
            let place = column(&scale, act.at);
            let sign = if flags[place].0 == ' ' { act_sign(i) } else { '*' };
            flags[place] = (sign, palette.act);
        }
        if flags.iter().any(|(sign, _)| *sign != ' ') {
            self.row("script", &flags);
        }
        for holder in &lanes.holders {
            let mut row = vec![('-', palette.dim); COLUMNS];
            let letters = &self.letters;
            let letter =
                |node: &crate::world::NodeId| letters.get(usize::from(node.0)).copied().unwrap_or('?');
            spans(&scale, &holder.with, &mut row, |node| (letter(node), palette.change));
            spans(&scale, &holder.pending, &mut row, |_| ('~', palette.act));
            self.row(&holder.label, &row);
        }
        for (i, machine) in lanes.machines.iter().enumerate() {
            self.machine(&scale, machine, i);
        }
    }

    fn machine(&mut self, scale: &Scale, machine: &Machine, i: usize) {
        let palette = self.palette;
        for (router, states) in &machine.routers {
            let mut row = empty();
            spans(scale, states, &mut row, |state| match state {
                State::Off | State::NoProgram => (' ', palette.dim),
                State::Init => ('i', palette.dim),
                State::Fault => ('F', palette.bad),
                State::Backup => ('B', palette.dim),
                State::Master => ('M', palette.change),
            });
            spans(scale, &machine.still, &mut row, |()| ('z', palette.bad));
            let name = if machine.routers.len() > 1 { router.as_str() } else { "is" };
            self.row(&format!("{} {}", self.name(machine, i), name), &row);
        }
        for (address, held) in machine.held.iter().take(4) {
            let mut row = empty();
            spans(scale, held, &mut row, |()| ('H', palette.change));
            let last = match address {
                IpAddr::V4(address) => format!(".{}", address.octets()[3]),
                IpAddr::V6(address) => format!("::{:x}", address.segments()[7]),
            };
            self.row(&format!("  holds {last}"), &row);
        }
        let mut row = empty();
        for advert in machine.adverts.iter().filter(|one| scale.has(one.at)) {
            let place = &mut row[column(scale, advert.at)];
            if place.0 == ' ' || advert.lost {
                *place = if advert.lost { ('o', palette.bad) } else { ('|', palette.dim) };
            }
        }
        for claim in machine.claims.iter().filter(|one| scale.has(one.at)) {
            let cross = matches!(claim.heard, Heard::Lost | Heard::Refused(_));
            let place = &mut row[column(scale, claim.at)];
            if cross || place.0 != 'x' {
                *place = if cross { ('x', palette.bad) } else { ('^', palette.act) };
            }
        }
        self.row("  sends", &row);
    }

    /// A machine's name, behind the letter that stands for it where that is another.
    fn name(&self, machine: &Machine, i: usize) -> String {
        let letter = self.letters[i];
        if machine.name.starts_with(letter) {
            machine.name.clone()
        } else {
            format!("{letter} {}", machine.name)
        }
    }

    fn axis(&mut self, scale: &Scale) {
        let mut names = vec![' '; COLUMNS];
        let mut line = empty();
        let mut free = 0;
        for (at, name) in scale.ticks(10) {
            let place = column(scale, at);
            let name: Vec<char> = name.trim_end_matches(" s").chars().collect();
            let start = place.min(COLUMNS.saturating_sub(name.len()));
            line[place] = ('+', self.palette.dim);
            if start >= free && start + name.len() <= COLUMNS {
                names[start..start + name.len()].copy_from_slice(&name);
                free = start + name.len() + 1;
            }
        }
        let dim = self.palette.dim;
        self.row("seconds", &names.into_iter().map(|sign| (sign, dim)).collect::<Row>());
        self.row("", &line);
    }

    fn acts(&mut self) {
        for (i, act) in self.lanes.acts.iter().enumerate().take(ACTS_MAX) {
            let at = act.at.display(self.lanes.digits);
            self.words(self.palette.act, &format!("{}  {at}  {} (line {})", act_sign(i), act.text, act.line));
        }
        let more = self.lanes.acts.len().saturating_sub(ACTS_MAX);
        if more > 0 {
            self.words(self.palette.dim, &format!("and {more} more acts"));
        }
    }

    fn outages(&mut self) {
        let lanes = self.lanes;
        let mut order: Vec<usize> = (0..lanes.outages.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(lanes.outages[*i].length()));
        let more = order.len().saturating_sub(ACTS_MAX);
        order.truncate(ACTS_MAX);
        order.sort_unstable();
        for i in order {
            let outage = &lanes.outages[i];
            let (from, what) = (outage.from.display(lanes.digits), label::parts(outage, lanes.digits));
            let client = &lanes.client_of(outage).name;
            self.words(self.palette.bad, &format!("X  {from}  {client} out for {what}"));
        }
        if more > 0 {
            self.words(self.palette.dim, &format!("and {more} shorter outages"));
        }
    }

    fn legend(&mut self) {
        let mut line = String::new();
        for item in LEGEND {
            if line.len() + 2 + item.len() > 80 {
                self.words(self.palette.dim, &line);
                line.clear();
            }
            if !line.is_empty() {
                line.push_str("  ");
            }
            line.push_str(item);
        }
        self.words(self.palette.dim, &line);
    }
}

const LEGEND: [&str; 14] = [
    "= reachable",
    "X out of reach",
    ". not reached yet",
    "- with nobody",
    "~ claim pending",
    "M master",
    "B backup",
    "F fault",
    "i init",
    "z frozen",
    "H holds the address",
    "| advert",
    "o advert somebody missed",
    "^ claim  x claim refused or lost",
];

/// More acts or outages than this are counted, not listed.
const ACTS_MAX: usize = 20;

fn empty() -> Row {
    vec![(' ', Style::new()); COLUMNS]
}

fn column(scale: &Scale, at: Time) -> usize {
    (scale.x(at) as usize).min(COLUMNS - 1)
}

/// Fills the columns a span touches; a later span begins in the column where the one before it ends.
fn spans<T>(scale: &Scale, all: &[Span<T>], row: &mut Row, sign: impl Fn(&T) -> (char, Style)) {
    for span in all {
        let Some((from, to)) = scale.range(span.from, span.to) else { continue };
        let from = (from as usize).min(COLUMNS - 1);
        row[from..(to as usize).clamp(from + 1, COLUMNS)].fill(sign(&span.what));
    }
}

/// `1` to `9`, then letters.
fn act_sign(i: usize) -> char {
    b"123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".get(i).map_or('*', |byte| char::from(*byte))
}
