//! What can be tracked (`vrrp_script`, `track_file`, `vrrp_track_process`), and the lines that track it.
//!
//! keepalived looks a tracked name up as it reads the line (measured: the complaint names the line): what stands below
//! does not exist yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::model::{BfdSession, Config, SyncGroup, TrackFile, TrackProcess, TrackScript, Tracked, Tracker};
use super::parser::{Node, line_span};
use super::values::seconds_whole;
use super::{Span, bfd, numbers, processes};
use crate::time::Duration;

/// The least and the greatest weight; keepalived takes 254 for 253, and says so.
const WEIGHT_MAX: i16 = 253;

/// What kind of thing a line tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Interface,
    Script,
    File,
    Process,
    Bfd,
}

impl Kind {
    fn of(keyword: &str) -> Option<Kind> {
        match keyword {
            "track_interface" => Some(Kind::Interface),
            "track_script" => Some(Kind::Script),
            "track_file" => Some(Kind::File),
            "track_process" => Some(Kind::Process),
            "track_bfd" => Some(Kind::Bfd),
            _ => None,
        }
    }
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Interface => "interface",
            Kind::Script => "script",
            Kind::File => "file",
            Kind::Process => "process",
            Kind::Bfd => "BFD session",
        }
    }
}

/// The lines of an instance's or a group's `track_*` blocks.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Vec<(Kind, Vec<Word>)>);

impl Lines {
    /// The block of one `track_*` keyword; false when it is none.
    pub(super) fn block(&mut self, node: &Node) -> bool {
        let Some(kind) = Kind::of(node.name()) else { return false };
        self.0.extend(node.children.iter().filter(|n| !n.words.is_empty()).map(|n| (kind, n.words.clone())));
        true
    }
}

/// A tracker, and the line it comes from.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) tracker: Tracker,
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) line: Span,
}

/// Everything that may be tracked.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    scripts: Vec<Definition<TrackScript>>,
    files: Vec<Definition<TrackFile>>,
    processes: Vec<Definition<TrackProcess>>,
    bfd: Vec<Definition<BfdSession>>,
    interfaces: Vec<String>,
    names: BTreeMap<(Kind, String), u16>,
}

/// A block that defines something, and where among the file's blocks it stands.
#[derive(Debug)]
pub(super) struct Definition<T> {
    pub(super) value: T,
    pub(super) weight: i16,
    pub(super) reverse: bool,
    pub(super) place: usize,
    pub(super) name: Span,
}

impl Definitions {
    /// Reads every block outside any other.
    pub(super) fn read(top: &[Node], out: &mut Diagnoses) -> Definitions {
        let mut all = Definitions::default();
        for (place, node) in top.iter().enumerate() {
            // A block without a name, or with two, was diagnosed by the parser and is skipped.
            let [_, name] = node.words.as_slice() else { continue };
            match node.name() {
                "vrrp_script" => {
                    if let Some(script) = script(name, node, place, out)
                        && all.is_new(Kind::Script, name, all.scripts.len(), out)
                    {
                        all.scripts.push(script);
                    }
                }
                "track_file" | "vrrp_track_file" => {
                    if let Some(file) = file(name, node, place, out)
                        && all.is_new(Kind::File, name, all.files.len(), out)
                    {
                        all.files.push(file);
                    }
                }
                "bfd_instance" => {
                    if let Some(read) = bfd::read(name, node, place, out) {
                        all.add_bfd(name, read, out);
                    }
                }
                "vrrp_track_process" | "track_process" => {
                    if let Some(process) = processes::read(name, node, place, out)
                        && all.is_new(Kind::Process, name, all.processes.len(), out)
                    {
                        all.processes.push(process);
                    }
                }
                _ => {}
            }
        }
        all
    }

    /// Where the block of something stands among the file's, and its name.
    fn stands(&self, kind: Kind, index: u16) -> (usize, Span) {
        let index = usize::from(index);
        match kind {
            Kind::File => (self.files[index].place, self.files[index].name),
            Kind::Process => (self.processes[index].place, self.processes[index].name),
            Kind::Bfd => (self.bfd[index].place, self.bfd[index].name),
            _ => (self.scripts[index].place, self.scripts[index].name),
        }
    }

    /// One session with a neighbour is enough, and the first of two counts.
    fn add_bfd(&mut self, name: &Word, read: bfd::Read, out: &mut Diagnoses) {
        let neighbour = read.definition.value.neighbour;
        if let Some(before) = self.bfd.iter().find(|one| one.value.neighbour == neighbour) {
            let message = format!("there is a BFD session with {neighbour} already: that one counts");
            let twice = Diagnosis::error("defined-twice", name.span, message).by_keepalived();
            return out.push(twice.related(before.name, "the first"));
        }
        if !read.for_vrrp || self.is_new(Kind::Bfd, name, self.bfd.len(), out) {
            self.bfd.push(read.definition);
        }
    }

    /// The first script that would be run.
    pub(super) fn first_script(&self) -> Option<Span> {
        self.scripts.first().map(|s| s.name)
    }

    /// Enters a name. The first of two counts.
    fn is_new(&mut self, kind: Kind, name: &Word, index: usize, out: &mut Diagnoses) -> bool {
        let Ok(index) = u16::try_from(index) else { return false };
        if let Some(&before) = self.names.get(&(kind, name.text.clone())) {
            let message =
                format!("there is a {} {} already: that one counts", kind.name(), quote(&name.text));
            let (_, first) = self.stands(kind, before);
            let twice = Diagnosis::warning("defined-twice", name.span, message).related(first, "the first");
            out.push(twice);
            return false;
        }
        self.names.insert((kind, name.text.clone()), index);
        true
    }

    /// What the lines of one instance or group track. `place` is where its block stands among the file's.
    pub(super) fn resolve(
        &mut self,
        who: &str,
        place: usize,
        lines: &Lines,
        out: &mut Diagnoses,
    ) -> Vec<Found> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (kind, words) in &lines.0 {
            let Some(one) = self.line(who, place, *kind, words, out) else { continue };
            if seen.insert(one.tracker.what) {
                found.push(one);
                continue;
            }
            let message = format!("{who}: the {} {} is tracked already", kind.name(), quote(&one.name));
            let twice = Diagnosis::error("tracked-twice", one.line, message);
            out.push(twice.label("no effect").by_keepalived());
        }
        found
    }

    fn line(
        &mut self,
        who: &str,
        place: usize,
        kind: Kind,
        words: &[Word],
        out: &mut Diagnoses,
    ) -> Option<Found> {
        let (name, options) = words.split_first()?;
        let (what, weight, reverse) = match kind {
            Kind::Interface => (Tracked::Interface(self.interface(&name.text)?), 0, false),
            Kind::Script => {
                let index = self.look_up(who, place, kind, name, out)?;
                let script = &self.scripts[usize::from(index)];
                (Tracked::Script(index), script.weight, script.reverse)
            }
            Kind::File => {
                let index = self.look_up(who, place, kind, name, out)?;
                (Tracked::File(index), self.files[usize::from(index)].weight, false)
            }
            Kind::Process => {
                let index = self.look_up(who, place, kind, name, out)?;
                let process = &self.processes[usize::from(index)];
                (Tracked::Process(index), process.weight, process.reverse)
            }
            Kind::Bfd => {
                let index = self.look_up(who, place, kind, name, out)?;
                let session = &self.bfd[usize::from(index)];
                (Tracked::Bfd(index), session.weight, session.reverse)
            }
        };
        let mut tracker = Tracker { what, weight, reverse };
        options_of(kind, &mut tracker, options, out)?;
        Some(Found { tracker, kind, name: name.text.clone(), line: line_span(words) })
    }

    fn interface(&mut self, name: &str) -> Option<u16> {
        let next = u16::try_from(self.interfaces.len()).ok()?;
        let interfaces = &mut self.interfaces;
        Some(*self.names.entry((Kind::Interface, name.to_owned())).or_insert_with(|| {
            interfaces.push(name.to_owned());
            next
        }))
    }

    fn look_up(&self, who: &str, place: usize, kind: Kind, name: &Word, out: &mut Diagnoses) -> Option<u16> {
        let index = self.names.get(&(kind, name.text.clone())).copied();
        let defined = index.map(|i| self.stands(kind, i));
        let message = format!("{who}: there is no {} {} to track", kind.name(), quote(&name.text));
        let missing = Diagnosis::error("not-to-track", name.span, message).label("no effect").by_keepalived();
        match defined {
            Some((at, _)) if at < place => return index,
            Some((_, below)) => out.push(
                missing
                    .related(below, "it stands below")
                    .help("keepalived reads from top to bottom: move that block above this one"),
            ),
            None => out.push(missing),
        }
        None
    }

    /// Puts what is tracked into the configuration and numbers it anew; what nobody tracks is left out.
    pub(super) fn settle(self, config: &mut Config, out: &mut Diagnoses) {
        let mut used = BTreeSet::new();
        let instances = config.instances.iter().flat_map(|i| &i.tracked);
        let groups = config.groups.iter().flat_map(|g: &SyncGroup| &g.tracked);
        used.extend(instances.chain(groups).map(|t| t.what));
        let mut renumbered = BTreeMap::new();
        for (i, script) in (0u16..).zip(self.scripts) {
            if used.contains(&Tracked::Script(i)) {
                renumbered.insert(Tracked::Script(i), Tracked::Script(config.scripts.len() as u16));
                config.scripts.push(script.value);
            } else {
                let message =
                    format!("nobody tracks the script {}: it is not run", quote(&script.value.name));
                out.push(Diagnosis::note("unused-script", script.name, message));
            }
        }
        for (i, file) in (0u16..).zip(self.files) {
            if used.contains(&Tracked::File(i)) {
                renumbered.insert(Tracked::File(i), Tracked::File(config.files.len() as u16));
                config.files.push(file.value);
            }
        }
        for (i, process) in (0u16..).zip(self.processes) {
            if used.contains(&Tracked::Process(i)) {
                renumbered.insert(Tracked::Process(i), Tracked::Process(config.processes.len() as u16));
                config.processes.push(process.value);
            }
        }
        // A session runs whether or not somebody tracks it: the neighbour may.
        for (i, session) in (0u16..).zip(self.bfd) {
            renumbered.insert(Tracked::Bfd(i), Tracked::Bfd(i));
            config.bfd.push(session.value);
        }
        for (i, name) in (0u16..).zip(self.interfaces) {
            if used.contains(&Tracked::Interface(i)) {
                renumbered.insert(Tracked::Interface(i), Tracked::Interface(config.interfaces.len() as u16));
                config.interfaces.push(name);
            }
        }
        let instances = config.instances.iter_mut().flat_map(|i| &mut Arc::make_mut(i).tracked);
        for tracker in instances.chain(config.groups.iter_mut().flat_map(|g| &mut g.tracked)) {
            tracker.what = renumbered[&tracker.what];
        }
    }
}

/// What stands behind a tracked name. `None` where keepalived leaves the whole line out.
fn options_of(kind: Kind, tracker: &mut Tracker, options: &[Word], out: &mut Diagnoses) -> Option<()> {
    let Some(first) = options.first() else { return Some(()) };
    if first.text != "weight" {
        let message = format!("{} is no option here: this line is left out", quote(&first.text));
        let mut diagnosis = Diagnosis::error("bad-option", first.span, message).by_keepalived();
        if numbers::signed(&first.text, i16::MIN, i16::MAX).is_ok() {
            diagnosis = diagnosis.fix(
                "write `weight` before it",
                Span { end: first.span.start, ..first.span },
                "weight ",
            );
        }
        out.push(diagnosis);
        return None;
    }
    let Some(value) = options.get(1) else {
        let message = "`weight` needs a number: this line is left out";
        out.push(Diagnosis::error("missing-parameter", first.span, message).by_keepalived());
        return None;
    };
    let kept = if kind == Kind::Interface { 0 } else { tracker.weight };
    tracker.weight = weight(value, kept, out);
    match options.get(2) {
        Some(word) if word.text == "reverse" && kind != Kind::File => tracker.reverse = true,
        Some(word)
            if word.text == "noreverse" && matches!(kind, Kind::Script | Kind::Process | Kind::Bfd) =>
        {
            tracker.reverse = false;
        }
        Some(word) => {
            let message = format!("{} is no option of a weight", quote(&word.text));
            out.push(Diagnosis::error("bad-option", word.span, message).label("ignored").by_keepalived());
        }
        None => {}
    }
    Some(())
}

/// A weight. Where it is none, what it was before.
fn weight(word: &Word, kept: i16, out: &mut Diagnoses) -> i16 {
    match numbers::signed(&word.text, -WEIGHT_MAX - 1, WEIGHT_MAX + 1) {
        Ok(value) if value.abs() > WEIGHT_MAX => {
            let message = format!("a weight is at most {WEIGHT_MAX}");
            let cut = value.clamp(-WEIGHT_MAX, WEIGHT_MAX);
            let diagnosis = Diagnosis::warning("weight-cut", word.span, message);
            out.push(diagnosis.label(format!("{cut} is used")).by_keepalived());
            cut
        }
        Ok(value) => value,
        Err(_) => {
            let message = format!("{} is no weight: -{WEIGHT_MAX}..{WEIGHT_MAX} is", quote(&word.text));
            let diagnosis = Diagnosis::error("bad-number", word.span, message);
            out.push(diagnosis.label(format!("ignored: {kept}")).by_keepalived());
            kept
        }
    }
}

/// A `vrrp_script`; `None` where keepalived removes it.
fn script(name: &Word, node: &Node, place: usize, out: &mut Diagnoses) -> Option<Definition<TrackScript>> {
    let second = Duration::from_secs(1);
    let (mut command, mut interval, mut timeout) = (None, second, None);
    let (mut rise, mut fall, mut init_fail) = (1, 1, false);
    let (mut loss, mut reverse) = (0, false);
    for line in &node.children {
        match line.name() {
            "script" => {
                command = super::notify::command(line);
                if let Some(extra) =
                    line.words.get(2).filter(|w| !is_single_quoted(line) && !w.text.is_empty())
                {
                    let message = "only the first word is the command: quote it with its arguments";
                    out.push(Diagnosis::warning("script-not-quoted", extra.span, message).label("no effect"));
                }
            }
            "interval" => interval = seconds_whole(line, out).unwrap_or(interval),
            "timeout" => timeout = seconds_whole(line, out).or(timeout),
            "rise" => rise = count(line, out),
            "fall" => fall = count(line, out),
            "init_fail" => init_fail = true,
            "weight" => (loss, reverse) = own_weight(line, 0, out),
            _ => {}
        }
    }
    let Some(command) = command.filter(|c| !c.is_empty()) else {
        let message = format!("the script {} has no `script` line: it is left out", quote(&name.text));
        out.push(Diagnosis::error("no-script", name.span, message).by_keepalived());
        return None;
    };
    let timeout = timeout.unwrap_or(interval);
    let value = TrackScript { name: name.text.clone(), command, interval, timeout, rise, fall, init_fail };
    Some(Definition { value, weight: loss, reverse, place, name: name.span })
}

/// Whether the command is in single quotes, so that its words belong together.
fn is_single_quoted(line: &Node) -> bool {
    line.value().is_some_and(|w| w.text.starts_with('\''))
}

/// A `track_file`; `None` where keepalived removes it.
fn file(name: &Word, node: &Node, place: usize, out: &mut Diagnoses) -> Option<Definition<TrackFile>> {
    let (mut path, mut weight) = (None, 1);
    let (mut init, mut overwrite) = (None, false);
    for line in &node.children {
        match line.name() {
            "file" => path = path.or_else(|| line.value().map(|w| w.text.clone())),
            "weight" => weight = own_weight(line, 1, out).0,
            "init_file" => {
                let mut words = line.words.iter().skip(1).peekable();
                let number = words.peek().and_then(|w| numbers::signed(&w.text, i16::MIN, i16::MAX).ok());
                init = Some(number.map_or(0, i64::from));
                words.next_if(|_| number.is_some());
                overwrite = words.next_if(|w| w.text == "overwrite").is_some();
                if let Some(word) = words.next() {
                    let message = format!("{} is no option of init_file", quote(&word.text));
                    let bad = Diagnosis::error("bad-option", word.span, message);
                    out.push(bad.label("ignored").by_keepalived());
                }
            }
            _ => {}
        }
    }
    let Some(path) = path else {
        let message = format!("the track_file {} has no `file` line: it is left out", quote(&name.text));
        out.push(Diagnosis::error("no-file-line", name.span, message).by_keepalived());
        return None;
    };
    let value = TrackFile { name: name.text.clone(), path, init, overwrite };
    Some(Definition { value, weight, reverse: false, place, name: name.span })
}

/// The `weight` line of a block that defines something.
pub(super) fn own_weight(line: &Node, kept: i16, out: &mut Diagnoses) -> (i16, bool) {
    let value = line.value().map_or(kept, |w| weight(w, kept, out));
    let reverse = line.words.get(2).is_some_and(|w| w.text == "reverse");
    if let Some(word) = line.words.get(2).filter(|_| !reverse) {
        let message = format!("{} is no option of a weight", quote(&word.text));
        out.push(Diagnosis::error("bad-option", word.span, message).label("ignored").by_keepalived());
    }
    (value, reverse)
}

/// `rise`, or `fall`.
fn count(line: &Node, out: &mut Diagnoses) -> u32 {
    let read = super::values::integer(line, 1, i32::MAX as u64, "1 is used", out);
    read.ok().and_then(|n| u32::try_from(n).ok()).unwrap_or(1)
}
