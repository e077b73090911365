//! The lines of a record: kept as small values while a run goes by, put into words when it is over.

use std::net::{IpAddr, SocketAddr};

use havip::program::{Role, Subject, Why};
use havip::time::Time;
use havip::wire::ethernet::Mac;

use super::fold::{Fold, Key};
use super::outage::{Cause, Outage, Unreached};
use super::record::RecordLine;
use super::words;
use crate::scenario::ActText;
use crate::world::{ClientId, CvmId, Declined, HavipId, Kind, Life, Loss, NodeId, Setup, Who};

/// One line to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) at: Time,
    pub(crate) who: Who,
    /// Orders what happened to one at one instant.
    pub(crate) seq: u32,
    pub(crate) entry: Entry,
}

/// What a line is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    Act(u32),
    Life(Life, Reason),
    Transition {
        subject: Subject,
        from: Role,
        to: Role,
        why: Why,
    },
    Note {
        subject: Option<Subject>,
        why: Why,
    },
    Held {
        address: IpAddr,
        held: bool,
        reason: Reason,
    },
    Carrier(bool, Reason),
    Bound {
        havip: HavipId,
        from: Option<NodeId>,
        to: Option<NodeId>,
        claimed_by: Option<Mac>,
        reason: Reason,
    },
    Neighbour {
        address: IpAddr,
        mac: Option<Mac>,
        heard: Option<(Kind, Who)>,
    },
    /// The cloud did not do what an act wanted.
    Declined {
        act: u32,
        why: Declined,
    },
    /// A client of the internet got no further.
    NoWay {
        client: ClientId,
        why: Loss,
    },
    Reached(Unreached, Option<NodeId>),
    OutageBegins(u32),
    OutageEnds(u32),
    Fold(Fold),
}

/// Why something happened to a machine, as far as its own history tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Reason {
    /// The run began.
    #[default]
    Boot,
    /// An act: an index into `Setup::acts`.
    Act(u32),
    /// Its program started.
    Started,
    /// Its program ended.
    Ended,
    /// Its program became this.
    Role(Role),
    /// The lifetime of its address ran out.
    RanOut,
}

/// Puts lines into words.
pub(crate) struct Teller<'a> {
    pub(crate) setup: &'a Setup,
    /// By machine and subject.
    pub(crate) subjects: &'a [Vec<String>],
    pub(crate) outages: &'a [Outage],
    /// What programs told others.
    pub(crate) told: &'a [String],
}

impl Teller<'_> {
    /// All lines in words, in their order; what went to several receivers alike is one line.
    pub(crate) fn tell(&self, mut lines: Vec<Line>) -> Vec<RecordLine> {
        lines.sort_by_key(|line| (line.at, line.who, line.seq));
        let mut told = Vec::with_capacity(lines.len());
        let mut merged = vec![false; lines.len()];
        for (i, line) in lines.iter().enumerate() {
            if merged[i] {
                continue;
            }
            if let Some(quarrel) = self.quarrel(&lines[i..], &mut merged[i..]) {
                told.push(quarrel);
                continue;
            }
            let mut same = Vec::new();
            if let Entry::Fold(fold) = &line.entry {
                for (j, other) in lines.iter().enumerate().skip(i + 1) {
                    if other.at > line.at + ROUND {
                        break;
                    }
                    if let Entry::Fold(twin) = &other.entry
                        && other.who == line.who
                        && !merged[j]
                        && alike(fold, twin)
                    {
                        merged[j] = true;
                        same.push(twin);
                    }
                }
            }
            told.push(self.line(line, &same));
        }
        told
    }

    /// Two machines that announce one address by turns move it to and fro: one line, of the first and the last.
    fn quarrel(&self, lines: &[Line], merged: &mut [bool]) -> Option<RecordLine> {
        let first = lines.first()?;
        let address = self.moved(first)?;
        let (mut last, mut turns) = (first, vec![0]);
        for (i, line) in lines.iter().enumerate().skip(1) {
            if line.at > last.at + ROUND {
                break;
            }
            if line.who == first.who && !merged[i] && self.moved(line) == Some(address) {
                last = line;
                turns.push(i);
            }
        }
        if turns.len() < 3 {
            return None;
        }
        turns.iter().for_each(|&i| merged[i] = true);
        let of_all = turns.iter().map(|&i| &lines[i]);
        let mut by: Vec<String> = Vec::new();
        for name in of_all.filter_map(|line| self.announcer(line)) {
            if !by.contains(&name) {
                by.push(name);
            }
        }
        by.sort();
        let told = self.line(last, &[]);
        let what = match (&first.entry, &last.entry) {
            (Entry::Bound { from, .. }, Entry::Bound { to, .. }) => {
                format!("{address}  {} -> {}, in {} moves", self.bound(*from), self.bound(*to), turns.len())
            }
            _ => format!("{}, after {} moves", told.what, turns.len()),
        };
        let why = format!("{}s from {} by turns", words::announcement(address), by.join(" and "));
        Some(RecordLine { at: first.at, until: Some(last.at), what, why, ..told })
    }

    /// The address that a line says has moved.
    fn moved(&self, line: &Line) -> Option<IpAddr> {
        match line.entry {
            Entry::Bound { havip, .. } => Some(self.setup.havips[usize::from(havip.0)].address),
            Entry::Neighbour { address, .. } => Some(address),
            _ => None,
        }
    }

    /// Whose announcement moved an address.
    fn announcer(&self, line: &Line) -> Option<String> {
        match line.entry {
            Entry::Bound { claimed_by: Some(mac), .. } => Some(words::hardware(self.setup, mac)),
            Entry::Neighbour { heard: Some((_, from)), .. } => Some(self.who(from)),
            _ => None,
        }
    }

    fn line(&self, line: &Line, same: &[&Fold]) -> RecordLine {
        let mut until = None;
        let (kind, what, why) = match &line.entry {
            Entry::Act(act) => {
                let act = &self.setup.acts[*act as usize];
                ("act", ActText::new(&act.act, self.setup).in_record(), format!("line {}", act.line))
            }
            Entry::Life(life, reason) => ("program", life_text(*life).into(), self.reason(*reason)),
            Entry::Transition { subject, from, to, why } => {
                let name = self.subject(line.who, *subject);
                ("transition", format!("{name}{from} -> {to}"), why.to_string())
            }
            Entry::Note { subject, why } => {
                let name = subject.map_or_else(String::new, |subject| self.subject(line.who, subject));
                ("note", format!("{name}{why}"), String::new())
            }
            Entry::Held { address, held, reason } => {
                let does = if *held { "holds" } else { "gives up" };
                ("held", format!("{does} {address}"), self.reason(*reason))
            }
            Entry::Carrier(up, reason) => {
                let what = if *up { "has carrier" } else { "loses carrier" };
                ("carrier", what.into(), self.reason(*reason))
            }
            Entry::Bound { havip, from, to, claimed_by, reason } => {
                let address = self.setup.havips[usize::from(havip.0)].address;
                let what = format!("{address}  {} -> {}", self.bound(*from), self.bound(*to));
                let why = claimed_by.map_or_else(
                    || self.reason(*reason),
                    |mac| format!("{} from {mac}", words::announcement(address)),
                );
                ("binding", what, why)
            }
            Entry::Neighbour { address, mac, heard } => {
                let what = match mac {
                    Some(mac) => format!("{address} is at {}", words::hardware(self.setup, *mac)),
                    None => format!("{address} is nowhere"),
                };
                let why = heard.map_or_else(
                    || "its entry timed out".into(),
                    |(kind, from)| format!("{} from {}", words::frame(kind, *address), self.who(from)),
                );
                ("neighbour", what, why)
            }
            Entry::Declined { act, why } => {
                let act = self.setup.acts.get(*act as usize);
                let act = act.map_or_else(String::new, |act| ActText::new(&act.act, self.setup).to_string());
                ("declined", format!("does not {act}"), why.text().into())
            }
            Entry::NoWay { client, why } => {
                let line = words::loss_act(*why).and_then(|act| self.setup.acts.get(act as usize));
                let line = line.map_or_else(String::new, |act| format!(" (line {})", act.line));
                let what = format!("no way to {}", self.target(*client));
                ("noway", what, format!("{}{line}", words::loss(*why)))
            }
            Entry::Reached(unreached, by) => {
                let target = self.target(unreached.client);
                ("reached", format!("{target} answers for the first time"), self.answered(*by))
            }
            Entry::OutageBegins(i) => {
                let outage = &self.outages[*i as usize];
                let what = format!("{} does not answer", self.target(outage.client));
                ("outage", what, self.cause(outage.cause))
            }
            Entry::OutageEnds(i) => {
                let outage = &self.outages[*i as usize];
                let length = outage.length().display(self.setup.digits());
                let what = format!("{} answers again after {length} s", self.target(outage.client));
                ("outage", what, self.answered(outage.owner))
            }
            Entry::Fold(fold) => {
                until = same.iter().map(|twin| twin.last).chain([fold.last]).max();
                until = until.filter(|until| *until > fold.first && spans(fold));
                self.fold(line.who, fold, same)
            }
        };
        let who = match &line.entry {
            Entry::Act(act) => words::act_who(self.setup, &self.setup.acts[*act as usize].act).into(),
            _ => self.who(line.who),
        };
        RecordLine { at: line.at, until, who, kind, what, why }
    }

    fn fold(&self, who: Who, fold: &Fold, same: &[&Fold]) -> (&'static str, String, String) {
        let count = if fold.count > 1 { format!(" x{}", fold.count) } else { String::new() };
        match fold.key {
            Key::Advert { vrid, priority, .. } => {
                let router = self.router(who, vrid);
                let to = self.receivers(fold, same);
                if priority == 0 {
                    return ("advert", format!("{router}advert priority 0 -> {to}  (stop)"), "leaves".into());
                }
                let every = match (fold.every(), fold.gaps) {
                    (Some(every), _) => format!(" every {}", every.display(3)),
                    (None, _) if fold.count == 1 => String::new(),
                    (None, (_, most)) if most <= AT_ONCE => " at once".into(),
                    (None, (least, most)) => format!(" every {}..{}", least.display(3), most.display(3)),
                };
                let cause = if fold.every().is_some() { "timer, " } else { "" };
                (
                    "advert",
                    format!("{router}advert{count}{every} -> {to}"),
                    format!("{cause}priority {priority}"),
                )
            }
            Key::Claims { address, why } => {
                let own = who.node().is_some_and(|node| self.setup.owns(node, address));
                if own {
                    let what =
                        format!("announces {address}  {} x{}", words::announcement(address), fold.count);
                    return ("announces", what, "its own address".into());
                }
                let bursts =
                    if fold.bursts > 1 { format!(" in {} bursts", fold.bursts) } else { String::new() };
                let why = if why.is_none() { "takeover".into() } else { why.to_string() };
                let word = words::announcement(address);
                ("claims", format!("claims {address}  {word} x{}{bursts}", fold.count), why)
            }
            Key::Lost { kind, address, cause, .. } => {
                let frame = words::frame(kind, address);
                let about = match kind {
                    Kind::Arp | Kind::Garp => format!(" for {address}"),
                    _ => String::new(),
                };
                let line = words::loss_act(cause).and_then(|act| self.setup.acts.get(act as usize));
                let line = line.map_or_else(String::new, |act| format!(" (line {})", act.line));
                let to = self.receivers(fold, same);
                let what = format!("{frame}{count}{about} -> {to} lost");
                ("lost", what, format!("{}{line}", words::loss(cause)))
            }
            Key::Rejected { subject, why } => {
                ("rejected", format!("{}rejects{}", self.subject(who, subject), times(fold)), why.to_string())
            }
            Key::Notified { text, pipe } => {
                let (kind, word) = if pipe { ("fifo", "fifo") } else { ("runs", "runs") };
                let text = self.told.get(text as usize).map_or("", String::as_str);
                (kind, format!("{word}  {text}{}", times(fold)), String::new())
            }
            Key::Routed { text, added } => {
                let (kind, word) = if added { ("routed", "adds") } else { ("unrouted", "removes") };
                let text = self.told.get(text as usize).map_or("", String::as_str);
                (kind, format!("{word} route {text}{}", times(fold)), String::new())
            }
            Key::Spoofed { act } => {
                let line = self.setup.acts.get(act as usize).map_or(0, |act| act.line);
                ("spoofed", format!("forged frames{}", times(fold)), format!("line {line}"))
            }
            Key::Refused { address, by, refusal } => {
                let by = self.setup.name_of(by);
                let what = format!("refuses {address} to {by}{}", times(fold));
                ("refused", what, words::refusal(refusal).into())
            }
        }
    }

    /// The receivers of a fold and of those alike, by name.
    fn receivers(&self, fold: &Fold, same: &[&Fold]) -> String {
        let mut names: Vec<String> = Vec::with_capacity(1 + same.len());
        for one in std::iter::once(&fold).chain(same) {
            let name = match one.key {
                Key::Advert { to, .. } => words::address(self.setup, to),
                Key::Lost { to: Some(to), .. } => self.who(to),
                Key::Lost { address, .. } => words::address(self.setup, address),
                Key::Claims { .. }
                | Key::Rejected { .. }
                | Key::Notified { .. }
                | Key::Routed { .. }
                | Key::Spoofed { .. }
                | Key::Refused { .. } => {
                    continue;
                }
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    }

    /// Which of a machine's routers an advert is about, where it has several.
    fn router(&self, who: Who, vrid: u8) -> String {
        if self.subjects_of(who).len() > 1 { format!("vrid {vrid}  ") } else { String::new() }
    }

    /// The name of a machine's subject, where it has several.
    fn subject(&self, who: Who, subject: Subject) -> String {
        match self.subjects_of(who) {
            names if names.len() > 1 => {
                names.get(usize::from(subject.0)).map_or_else(String::new, |name| format!("{name}  "))
            }
            _ => String::new(),
        }
    }

    fn subjects_of(&self, who: Who) -> &[String] {
        match who {
            Who::Node(node) | Who::Eni(node, _) => {
                self.subjects.get(usize::from(node.0)).map_or(&[], Vec::as_slice)
            }
            Who::Script | Who::Cloud => &[],
        }
    }

    fn bound(&self, to: Option<NodeId>) -> String {
        to.map_or_else(
            || "Not bound with CVM yet".into(),
            |node| format!("Bound with CVM {}", self.setup.name_of(node)),
        )
    }

    /// What a client probes.
    fn target(&self, client: ClientId) -> String {
        let client = &self.setup.clients[usize::from(client.0)];
        let address = client.target;
        client.port.map_or_else(|| address.to_string(), |port| SocketAddr::new(address, port).to_string())
    }

    fn answered(&self, by: Option<NodeId>) -> String {
        by.map_or_else(String::new, |node| format!("answered by {}", self.setup.name_of(node)))
    }

    fn who(&self, who: Who) -> String {
        match who {
            Who::Script => "script".into(),
            Who::Cloud => "cloud".into(),
            Who::Node(node) => self.setup.name_of(node).into(),
            Who::Eni(node, eni) => self.setup.eni_name(node, eni),
        }
    }

    fn reason(&self, reason: Reason) -> String {
        match reason {
            Reason::Boot => "start of the run".into(),
            Reason::Act(act) => self.cause(Cause::Act(act)),
            Reason::Started => "program started".into(),
            Reason::Ended => "program ended".into(),
            Reason::Role(role) => format!("now {role}"),
            Reason::RanOut => "lease ran out".into(),
        }
    }

    /// A cause in words: `a powered off (line 12)`.
    pub(crate) fn cause(&self, cause: Cause) -> String {
        match cause {
            Cause::None => "-".into(),
            Cause::Act(act) => match self.setup.acts.get(act as usize) {
                Some(act) => format!("{} (line {})", words::cause(self.setup, &act.act), act.line),
                None => "-".into(),
            },
            Cause::Transition(CvmId(cvm), _, role) => {
                format!("{} became {role}", self.setup.cvms[usize::from(cvm)].name)
            }
        }
    }
}

/// What a program says in one go, it says within this.
const AT_ONCE: havip::time::Duration = havip::time::Duration::from_millis(1);

/// What a machine sends to several receivers in turn, it sends within this.
const ROUND: havip::time::Duration = havip::time::Duration::from_millis(20);

/// The same thing to another receiver.
fn alike(a: &Fold, b: &Fold) -> bool {
    let same = match (a.key, b.key) {
        (Key::Advert { to, vrid, priority }, Key::Advert { to: to2, vrid: v2, priority: p2 }) => {
            to != to2 && (vrid, priority) == (v2, p2)
        }
        (Key::Lost { kind, to, cause, address }, Key::Lost { kind: k2, to: to2, cause: c2, address: a2 }) => {
            let one_for_all = kind == Kind::Vrrp || address == a2;
            (kind, cause) == (k2, c2) && (to, address) != (to2, a2) && one_for_all
        }
        _ => false,
    };
    same && a.count == b.count && a.last.max(b.last) <= a.last.min(b.last) + ROUND
}

/// Whether a fold's end is worth printing: a burst is a point to a reader.
fn spans(fold: &Fold) -> bool {
    !matches!(fold.key, Key::Claims { .. }) || fold.bursts > 1
}

fn times(fold: &Fold) -> String {
    if fold.count > 1 { format!(" x{}", fold.count) } else { String::new() }
}

fn life_text(life: Life) -> &'static str {
    match life {
        Life::Started => "program starts",
        Life::Exited => "program exits",
        Life::Killed => "program is killed",
        Life::Frozen => "program stands still",
        Life::Thawed => "program goes on",
    }
}
