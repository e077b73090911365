//! `at TIME ACT`.

use std::collections::BTreeMap;

use havip::time::{Duration, Time};

use super::console::console;
use super::draft::{Draft, Named};
use super::error::{Complaint, Stop, shown};
use super::lex::{Reader, Word};
use super::place::Place;
use super::script::{FileDecl, Script, TextDecl};
use super::validate::on_tick;
use super::{value, words};
use crate::world::{
    Act, ClientId, CloudAct, CvmId, EipId, End, EniIndex, FileId, HavipId, Health, Kinds, NodeId, Path,
    ScriptAct, Tamper, TextId,
};

/// How many different files `reload` may name, and how many different texts acts and expectations.
const MOST_FILES: usize = 10_000;

/// What acts and expectations are read against: the declarations, complete.
pub(super) struct Scope<'d, 'a> {
    pub(super) draft: &'d Draft<'a>,
    /// The files that `reload` named so far.
    pub(super) files: Vec<FileDecl>,
    by_path: BTreeMap<String, FileId>,
    /// The texts that were named so far.
    pub(super) texts: Vec<TextDecl>,
    by_text: BTreeMap<String, TextId>,
    /// Interfaces that an act above has detached.
    detached: Vec<(NodeId, EniIndex)>,
}

impl<'d, 'a> Scope<'d, 'a> {
    pub(super) fn new(draft: &'d Draft<'a>) -> Self {
        Scope {
            draft,
            files: Vec::new(),
            by_path: BTreeMap::new(),
            texts: Vec::new(),
            by_text: BTreeMap::new(),
            detached: Vec::new(),
        }
    }
    /// A text by its number; the same text has the same.
    pub(super) fn text(&mut self, word: Word<'_>, what: &str) -> Result<TextId, Complaint> {
        if !value::is_printable(word.text) {
            return Err(word.unexpected(what));
        }
        if let Some(id) = self.by_text.get(word.text) {
            return Ok(*id);
        }
        if self.texts.len() >= MOST_FILES {
            return Err(Complaint::new(word.place, format!("more than {MOST_FILES} different texts")));
        }
        let id = TextId(self.texts.len() as u16);
        self.by_text.insert(word.text.to_owned(), id);
        self.texts.push(TextDecl { text: word.text.to_owned(), place: word.place });
        Ok(id)
    }
    /// A name that a configuration gives to something.
    fn name(&mut self, r: &mut Reader<'_, '_>, what: &str) -> Result<TextId, Complaint> {
        let word = r.word(what)?;
        if word.text.is_empty() {
            return Err(word.unexpected(what));
        }
        self.text(word, what)
    }
    fn file(&mut self, word: Word<'_>) -> Result<FileId, Complaint> {
        let path = value::path(word)?;
        if let Some(id) = self.by_path.get(&path) {
            return Ok(*id);
        }
        if self.files.len() >= MOST_FILES {
            return Err(Complaint::new(word.place, format!("more than {MOST_FILES} files to reload")));
        }
        let id = FileId(self.files.len() as u16);
        self.by_path.insert(path.clone(), id);
        self.files.push(FileDecl { path, place: word.place });
        Ok(id)
    }
    /// A length of time, held against the tick.
    pub(super) fn length(&self, time: Duration, place: Place) -> Result<Duration, Complaint> {
        if let Some(tick) = self.draft.tick() {
            on_tick(time, tick, place)?;
        }
        Ok(time)
    }
    /// A length of time that must not be nothing.
    fn lasting(&self, times: (Duration, Duration), place: Place) -> Result<(), Complaint> {
        self.length(times.0, place)?;
        self.length(times.1, place)?;
        if times.0.is_zero() {
            return Err(Complaint::new(place, "a delay shorter than the tick")
                .help("what one machine does to another takes a tick at least"));
        }
        Ok(())
    }
    /// Whether any range has IPv6. One that was given up may have had it.
    pub(super) fn has_ipv6(&self) -> bool {
        let failed = ["lan", "vpc", "subnet"].iter().any(|head| self.draft.failed.contains(head));
        failed || self.draft.lans.iter().chain(&self.draft.subnets).any(|range| range.value.ipv6.is_some())
    }
    /// A point of the run.
    pub(super) fn instant(&self, time: Duration, place: Place) -> Result<Time, Complaint> {
        self.length(time, place)?;
        match &self.draft.run {
            Some(run) if time > run.value => {
                let message = format!(
                    "`{}` is past the end of the run ({}, line {})",
                    super::print::TimeText(time),
                    super::print::TimeText(run.value),
                    run.line
                );
                Err(Complaint::new(place, message))
            }
            _ => Ok(Time::from_nanos(time.as_nanos())),
        }
    }
    fn node_of(&self, named: Named) -> NodeId {
        match named {
            Named::Cvm(CvmId(n)) => NodeId(n),
            Named::Client(ClientId(n)) => NodeId(self.draft.cvms.len() as u16 + n),
            Named::Service(_) => NodeId(u16::MAX), // is no node, and is asked for by nobody
        }
    }
    /// A machine or a client, by name.
    fn node(&self, word: Word<'_>, line: u32, expected: &str) -> Result<NodeId, Stop> {
        match self.draft.names.find(word, line, expected, Named::is_node)? {
            Named::Service(_) => {
                let message = format!("`{}` is a service: no frame comes from it or goes there", word.text);
                Err(Complaint::new(word.place, message).help("name the machine it runs on").into())
            }
            named => Ok(self.node_of(named)),
        }
    }
    /// A node, or one interface of it.
    fn enis(&self, word: Word<'_>, line: u32, expected: &str) -> Result<(NodeId, Option<EniIndex>), Stop> {
        let Some((of, eni)) = word.text.split_once('.') else {
            return Ok((self.node(word, line, expected)?, None));
        };
        let node = self.node(word.part(0, of.len()), line, expected)?;
        let more = self.draft.cvms.get(usize::from(node.0)).map_or(&[][..], |cvm| &cvm.decl.more);
        if eni == Script::ETH0 {
            return Ok((node, Some(EniIndex::ETH0)));
        }
        match more.iter().position(|one| one.name == eni) {
            Some(i) => Ok((node, Some(EniIndex(i as u8 + 1)))),
            None => {
                let all: Vec<&str> =
                    std::iter::once(Script::ETH0).chain(more.iter().map(|one| one.name.as_str())).collect();
                let message = format!("`{of}` has no interface {}", shown(eni));
                let help = match self.draft.cvms.len() > usize::from(node.0) {
                    true => format!("it has {}; `eni {of}.NAME ADDR` gives it another", all.join(", ")),
                    false => format!("a client has {} alone", Script::ETH0),
                };
                Err(Complaint::new(word.part(of.len() + 1, word.text.len()).place, message).help(help).into())
            }
        }
    }
    /// A machine, for something only machines do.
    pub(super) fn cvm(&self, r: &mut Reader<'_, '_>, what: &str) -> Result<CvmId, Stop> {
        let word = r.word("a machine's name")?;
        match self.draft.names.find(word, r.number(), "a machine's name", |n| matches!(n, Named::Cvm(_)))? {
            Named::Cvm(cvm) => Ok(cvm),
            Named::Client(_) => {
                let message = format!("`{}` is a client: `{what}` is for machines", word.text);
                Err(Complaint::new(word.place, message).into())
            }
            Named::Service(_) => {
                let message = format!("`{}` is a service: `{what}` is for machines", word.text);
                Err(Complaint::new(word.place, message).into())
            }
        }
    }
    /// A client, for something only clients have.
    pub(super) fn client(&self, r: &mut Reader<'_, '_>, what: &str) -> Result<ClientId, Stop> {
        let word = r.word("a client's name")?;
        match self.draft.names.find(word, r.number(), "a client's name", |n| matches!(n, Named::Client(_)))? {
            Named::Client(client) => Ok(client),
            Named::Service(_) => {
                let message = format!("`{}` is a service: `{what}` is for clients", word.text);
                Err(Complaint::new(word.place, message).into())
            }
            Named::Cvm(_) => {
                let message = format!("`{}` is a machine: `{what}` is for clients", word.text);
                Err(Complaint::new(word.place, message).into())
            }
        }
    }
    /// A HAVIP by its address.
    pub(super) fn havip(&self, word: Word<'_>) -> Result<HavipId, Stop> {
        let address = value::any_address(word)?;
        match self.draft.havips.iter().position(|h| h.value == address) {
            Some(i) => Ok(HavipId(i as u16)),
            None if self.draft.failed.contains("havip") => Err(Stop::Silent),
            None => {
                let list: Vec<_> = self.draft.havips.iter().take(4).map(|h| h.value.to_string()).collect();
                let help = if list.is_empty() {
                    "none is declared".into()
                } else {
                    format!("there is {}", list.join(", "))
                };
                Err(Complaint::new(word.place, format!("{address} is no HAVIP")).help(help).into())
            }
        }
    }
    /// An elastic IP by its address.
    pub(super) fn eip(&self, word: Word<'_>) -> Result<EipId, Stop> {
        let address = value::any_address(word)?;
        match self.draft.eips.iter().position(|eip| eip.address.value == address) {
            Some(i) => Ok(EipId(i as u16)),
            None if self.draft.failed.contains("eip") => Err(Stop::Silent),
            None => {
                let list: Vec<_> =
                    self.draft.eips.iter().take(4).map(|eip| eip.address.value.to_string()).collect();
                let help = match list.is_empty() {
                    true => format!("declare it: `eip {address}`"),
                    false => format!("there is {}", list.join(", ")),
                };
                Err(Complaint::new(word.place, format!("{address} is no elastic IP")).help(help).into())
            }
        }
    }
    /// Something that only a cloud has.
    pub(super) fn needs_cloud(&self, word: Word<'_>) -> Result<(), Complaint> {
        if self.draft.lans.is_empty() || self.draft.vpc.is_some() {
            return Ok(());
        }
        Err(Complaint::new(word.place, format!("{} on a lan, which has no cloud", shown(word.text)))
            .help("a `vpc` has one"))
    }
}

/// Reads what follows `at`.
pub(super) fn timed(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<(Time, Act), Stop> {
    let word = r.word("a time such as `20s`")?;
    let time = value::time(word)?;
    let at = scope.instant(time, word.place)?;
    let act = act(r, scope)?;
    r.end()?;
    Ok((at, act))
}

fn act(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Act, Stop> {
    let word = r.word("an act")?;
    let cvm = |r: &mut Reader<'_, '_>| scope.cvm(r, word.text);
    Ok(match word.text {
        "start" => Act::Start(cvm(r)?),
        "stop" => Act::Stop(cvm(r)?),
        "kill" => Act::Kill(cvm(r)?),
        "power-off" => Act::PowerOff(cvm(r)?),
        "power-on" => Act::PowerOn(cvm(r)?),
        "freeze" => Act::Freeze(cvm(r)?),
        "thaw" => Act::Thaw(cvm(r)?),
        "pause" => Act::Pause(cvm(r)?),
        "resume" => Act::Resume(cvm(r)?),
        "unplug" => {
            let (node, eni) = enis(r, scope)?;
            Act::Unplug(node, eni)
        }
        "plug" => {
            let (node, eni) = enis(r, scope)?;
            Act::Plug(node, eni)
        }
        "attach" => {
            let place = r.peek(0).map_or(word.place, |one| one.place);
            let (node, Some(eni @ EniIndex(1..))) = enis(r, scope)? else {
                return Err(Complaint::new(place, "a machine has its first interface from the start")
                    .help("`eni a.eth1 ADDR off` declares one to attach, for example by `attach a.eth1`")
                    .into());
            };
            let decl = &scope.draft.cvms[usize::from(node.0)].decl;
            if !decl.more[usize::from(eni.0) - 1].off && !scope.detached.contains(&(node, eni)) {
                return Err(Complaint::new(place, "it is attached from the start")
                    .help("`off` behind its `eni` line leaves that to an act; or `detach` it first")
                    .into());
            }
            Act::Attach(node, eni)
        }
        "detach" => {
            let place = r.peek(0).map_or(word.place, |one| one.place);
            let (node, Some(eni @ EniIndex(1..))) = enis(r, scope)? else {
                return Err(Complaint::new(place, "a machine keeps its first interface")
                    .help("`eni a.eth1 ADDR` declares a further one, for example for `detach a.eth1`")
                    .into());
            };
            scope.detached.push((node, eni));
            Act::Detach(node, eni)
        }
        "apply" | "release" | "range" | "bind-eip" | "unbind-eip" | "secgroup" => {
            Act::Console(console(word, r, scope)?)
        }
        "reload" => {
            let machine = cvm(r)?;
            r.literal("with")?;
            let file = scope.file(r.word("a configuration file")?)?;
            Act::Reload(machine, file, taking(r, scope)?)
        }
        "fail" => service(r, scope, Health::Dead)?,
        "hang" => service(r, scope, Health::Hung)?,
        "mend" => service(r, scope, Health::Alive)?,
        "clock" => clock(r, scope)?,
        "tamper" => tamper(r, scope)?,
        "spoof" => {
            let (node, eni, spoof) = super::spoof::spoof(r, scope)?;
            Act::Spoof(node, eni, spoof)
        }
        "corrupt" => Act::Corrupt(value::share(r.word("a share such as `1%`")?)?, path(r, scope)?),
        "reorder" => Act::Reorder(value::share(r.word("a share such as `5%`")?)?, path(r, scope)?),
        "script" => script(r, scope)?,
        "file" => file(r, scope)?,
        "cut" => Act::Drop(Kinds::ALL, path(r, scope)?),
        "drop" => Act::Drop(value::kinds(r.word("kinds of frames such as `vrrp,garp`")?)?, path(r, scope)?),
        "loss" => {
            let share = value::share(r.word("a share such as `20%`")?)?;
            // A kind list stands before the path or not at all: what an arrow follows is an end.
            let is_end = matches!(r.peek(1).map(|w| w.text), Some("->" | "<->") | None);
            let kinds = if is_end { Kinds::ALL } else { value::kinds(r.word("a kind of frame")?)? };
            Act::Loss(share, kinds, path(r, scope)?)
        }
        "delay" => {
            let word = r.word("a delay such as `5ms..9ms`")?;
            let times = value::range(word)?;
            scope.lasting(times, word.place)?;
            Act::Delay(times.0, times.1, path(r, scope)?)
        }
        "duplicate" => Act::Duplicate(value::share(r.word("a share such as `5%`")?)?, path(r, scope)?),
        "heal" if r.peek(0).is_none() => Act::Heal(None),
        "heal" => Act::Heal(Some(path(r, scope)?)),
        "seed" => Act::Seed(value::count(r.word("a seed")?, "a seed")?),
        "cloud" => {
            scope.needs_cloud(word)?;
            Act::Cloud(cloud(r, scope)?)
        }
        other => {
            let nearest = words::nearest(other, words::ACTS);
            let list = format!("the acts are: {}", words::ACTS.join(" "));
            return Err(word.unexpected("an act").suggest(nearest, list).into());
        }
    })
}

/// `[taking 50ms]`.
fn taking(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<Duration, Stop> {
    if r.take("taking").is_none() {
        return Ok(Duration::ZERO);
    }
    let word = r.word("a time such as `50ms`")?;
    Ok(scope.length(value::time(word)?, word.place)?)
}

/// `NAME on a`.
fn service(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>, health: Health) -> Result<Act, Stop> {
    let word = r.word("a service's name")?;
    let is_service = |named| matches!(named, Named::Service(_));
    let named = scope.draft.names.find(word, r.number(), "a service's name", is_service)?;
    let Named::Service(service) = named else {
        let message = format!("`{}` is no service", word.text);
        return Err(Complaint::new(word.place, message)
            .help("`service NAME tcp PORT on a` declares one")
            .into());
    };
    r.literal("on")?;
    let place = r.peek(0).map_or(word.place, |word| word.place);
    let cvm = scope.cvm(r, "a service")?;
    let decl = &scope.draft.services[usize::from(service.0)];
    if !decl.value.on.contains(&cvm) {
        let message = format!("`{}` does not run there", word.text);
        return Err(Complaint::new(place, message).help(format!("see line {}", decl.line)).into());
    }
    Ok(Act::Service(service, cvm, health))
}

/// `a step +5s`, `a drift 50ppm`.
fn clock(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<Act, Stop> {
    let cvm = scope.cvm(r, "clock")?;
    let expected = "`step` or `drift`";
    let word = r.word(expected)?;
    match word.text {
        "step" => Ok(Act::ClockStep(cvm, value::signed_time(r.word("a step such as `+5s` or `-5s`")?)?)),
        "drift" => Ok(Act::ClockDrift(cvm, value::drift(r.word("a drift such as `50ppm`")?)?)),
        other => {
            let nearest = words::nearest(other, ["step", "drift"]);
            let example = "for example `clock a step +5s`";
            Err(word.unexpected(expected).suggest(nearest, example).into())
        }
    }
}

/// `a del ADDR`, `a add ADDR[/LEN]`, `a del-route "ROUTE"`.
fn tamper(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Act, Stop> {
    let cvm = scope.cvm(r, "tamper")?;
    let expected = "`add`, `del` or `del-route`";
    let word = r.word(expected)?;
    let what = match word.text {
        "add" => Tamper::Add,
        "del" => Tamper::Del,
        "del-route" => {
            let what = "a route as its program adds it, such as `\"10.20.0.0/16 via 172.16.16.1\"`";
            return Ok(Act::DelRoute(cvm, scope.text(r.word(what)?, what)?));
        }
        _ => {
            return Err(word.unexpected(expected).help("for example `tamper a del 172.16.16.12`").into());
        }
    };
    Ok(Act::Tamper(cvm, what, value::host(r.word("an address such as `172.16.16.12`")?)?))
}

/// `NAME up|down|hang|takes T on a`.
fn script(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Act, Stop> {
    let name = scope.name(r, "the name of a `vrrp_script`")?;
    let expected = "`up`, `down`, `hang` or `takes`";
    let word = r.word(expected)?;
    let act = match word.text {
        "up" => ScriptAct::Up,
        "down" => ScriptAct::Down,
        "hang" => ScriptAct::Hang,
        "takes" => {
            let word = r.word("a time such as `2s`")?;
            ScriptAct::Takes(scope.length(value::time(word)?, word.place)?)
        }
        other => {
            let nearest = words::nearest(other, ["up", "down", "hang", "takes"]);
            let example = "for example `script chk_haproxy down on a`";
            return Err(word.unexpected(expected).suggest(nearest, example).into());
        }
    };
    r.literal("on")?;
    Ok(Act::Script(scope.cvm(r, "script")?, name, act))
}

/// `NAME VALUE|gone on a`.
fn file(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Act, Stop> {
    let name = scope.name(r, "the name of a `track_file`")?;
    let what = "what stands in the file, or `gone`";
    let word = r.word(what)?;
    let text = if word.text == "gone" { None } else { Some(scope.text(word, what)?) };
    r.literal("on")?;
    Ok(Act::File(scope.cvm(r, "file")?, name, text))
}

/// `a`, all interfaces of a node, or `a.eth1`, one of them.
pub(super) fn enis(
    r: &mut Reader<'_, '_>,
    scope: &Scope<'_, '_>,
) -> Result<(NodeId, Option<EniIndex>), Stop> {
    let expected = "the name of a machine or a client";
    scope.enis(r.word(expected)?, r.number(), expected)
}

/// `a -> b`, `a <-> b`, `a -> *`, `a -> cloud`.
fn path(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<Path, Stop> {
    let from = end(r, scope)?;
    let arrow = r.word("`->` or `<->`")?;
    let both = match arrow.text {
        "->" => false,
        "<->" => true,
        _ => return Err(arrow.unexpected("`->` or `<->`").into()),
    };
    let place = r.peek(0).map_or(arrow.place, |w| w.place);
    let to = end(r, scope)?;
    if from == to && from != End::Any {
        return Err(Complaint::new(place, "a path from one end to the same end").into());
    }
    Ok(Path { from, to, both })
}

fn end(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<End, Stop> {
    let expected = "an end of a path: a name, `*` or `cloud`";
    let word = r.word(expected)?;
    match word.text {
        "*" => Ok(End::Any),
        "cloud" => {
            scope.needs_cloud(word)?;
            Ok(End::Cloud)
        }
        text if text.contains("->") && text.len() > 2 => {
            Err(word.unexpected(expected).help("write blanks around the arrow: `a -> b`").into())
        }
        _ => Ok(match scope.enis(word, r.number(), expected)? {
            (node, None) => End::Node(node),
            (node, Some(eni)) => End::Eni(node, eni),
        }),
    }
}

fn cloud(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<CloudAct, Complaint> {
    let word = r.word("what the cloud does")?;
    Ok(match word.text {
        "bind-delay" => {
            let times = r.word("a delay such as `3s..8s`")?;
            let (shortest, longest) = value::range(times)?;
            scope.length(shortest, times.place)?;
            scope.length(longest, times.place)?;
            CloudAct::BindDelay(shortest, longest)
        }
        "drop-claims" => CloudAct::DropClaims,
        "hear-claims" => CloudAct::HearClaims,
        other => {
            let nearest = words::nearest(other, words::CLOUD_ACTS);
            let list = format!("it can: {}", words::CLOUD_ACTS.join(" "));
            return Err(word.unexpected("what the cloud does").suggest(nearest, list));
        }
    })
}
