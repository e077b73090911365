//! One act or one expectation in words, for scripts and for records.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use havip::time::Duration;

use super::console::{self, ConsoleText, RuleText};
use super::expect::{Expect, Expectation, Fact};
use super::lex::Quoted;
use super::print::{Range, TimeText, instant};
use super::script::Script;
use super::spoof::SpoofText;
use crate::world::{
    Act, ClientId, CloudAct, ConsoleAct, CvmId, EipId, End, EniIndex, FileId, HavipId, Health, Kind, Kinds,
    NodeId, Path, Ppm, ScriptAct, ServiceId, Setup, Tamper, TextId,
};

/// What ids are called. An id of nothing is called `?`.
pub trait Names {
    /// A machine or a client.
    fn node(&self, node: NodeId) -> &str;
    /// An interface of a node: `eth1`.
    fn eni(&self, node: NodeId, eni: EniIndex) -> &str;
    /// The node of a client.
    fn node_of(&self, client: ClientId) -> NodeId;
    /// A file that `reload` names.
    fn file(&self, file: FileId) -> &str;
    /// A service.
    fn service(&self, service: ServiceId) -> &str;
    /// What acts and expectations name.
    fn text(&self, text: TextId) -> &str;
    /// A HAVIP's address.
    fn havip(&self, havip: HavipId) -> IpAddr;
    /// An elastic IP's address.
    fn eip(&self, eip: EipId) -> Ipv4Addr;
}

/// An act with its names, as a script writes it: `power-off a`.
#[derive(Clone, Copy)]
pub struct ActText<'a> {
    pub(super) act: &'a Act,
    pub(super) names: &'a dyn Names,
}

/// An expectation with its names, as a script writes it behind `expect`.
#[derive(Clone, Copy)]
pub struct ExpectText<'a> {
    pub(super) expect: &'a Expect,
    pub(super) names: &'a dyn Names,
}

impl Script {
    /// One act in words.
    pub fn act_text<'a>(&'a self, act: &'a Act) -> ActText<'a> {
        ActText { act, names: self }
    }
    /// One expectation in words.
    pub fn expect_text<'a>(&'a self, expectation: &'a Expectation) -> ExpectText<'a> {
        ExpectText { expect: &expectation.expect, names: self }
    }
}

impl<'a> ActText<'a> {
    /// An act in the words of any script or setup.
    pub fn new(act: &'a Act, names: &'a dyn Names) -> Self {
        ActText { act, names }
    }

    /// Whom the act is about, if it is about one node.
    pub fn about(&self) -> Option<NodeId> {
        match *self.act {
            Act::Start(cvm)
            | Act::Stop(cvm)
            | Act::Kill(cvm)
            | Act::PowerOff(cvm)
            | Act::PowerOn(cvm)
            | Act::Freeze(cvm)
            | Act::Thaw(cvm)
            | Act::Pause(cvm)
            | Act::Resume(cvm)
            | Act::Script(cvm, ..)
            | Act::File(cvm, ..)
            | Act::Service(_, cvm, _)
            | Act::ClockStep(cvm, _)
            | Act::ClockDrift(cvm, _)
            | Act::Tamper(cvm, ..)
            | Act::DelRoute(cvm, _)
            | Act::Reload(cvm, ..) => Some(NodeId(cvm.0)),
            Act::Unplug(node, _)
            | Act::Plug(node, _)
            | Act::Attach(node, _)
            | Act::Detach(node, _)
            | Act::Console(ConsoleAct::Security(node, ..))
            | Act::Spoof(node, ..) => Some(node),
            Act::Drop(..)
            | Act::Loss(..)
            | Act::Delay(..)
            | Act::Duplicate(..)
            | Act::Corrupt(..)
            | Act::Reorder(..)
            | Act::Heal(_)
            | Act::Console(_)
            | Act::Cloud(_)
            | Act::Seed(_) => None,
        }
    }

    /// As a record says it in the line of the node it is [about](ActText::about), or of the cloud:
    /// `power off`, `reload with other.conf`, `drop claims`. An act on paths is said as in the script.
    pub fn in_record(&self) -> String {
        match self.act {
            Act::Reload(_, file, _) => format!("reload with {}", self.names.file(*file)),
            Act::Cloud(act) => CloudText(*act).to_string().replacen('-', " ", 1),
            act @ (Act::Unplug(node, Some(eni))
            | Act::Plug(node, Some(eni))
            | Act::Attach(node, eni)
            | Act::Detach(node, eni)) => {
                format!("{} {}", verb(act), self.names.eni(*node, *eni))
            }
            Act::Console(ConsoleAct::Security(node, eni, rule)) => {
                let of = eni.map_or_else(String::new, |eni| format!("{} ", self.names.eni(*node, eni)));
                format!("security group {of}{}", RuleText(*rule))
            }
            Act::Console(_) => self.to_string().replacen('-', " ", 1),
            Act::Script(..) | Act::File(..) | Act::Service(..) => {
                let text = self.to_string();
                text.rsplit_once(" on ").map_or_else(String::new, |(what, _)| what.to_owned())
            }
            Act::ClockStep(cvm, _)
            | Act::ClockDrift(cvm, _)
            | Act::Tamper(cvm, ..)
            | Act::DelRoute(cvm, _) => {
                self.to_string().replacen(&format!(" {} ", self.names.node(NodeId(cvm.0))), " ", 1)
            }
            Act::Spoof(..) => self.to_string(),
            act if self.about().is_some() => verb(act).replace('-', " "),
            _ => self.to_string(),
        }
    }
}

impl<'a> ExpectText<'a> {
    /// An expectation in the words of any script or setup.
    pub fn new(expect: &'a Expect, names: &'a dyn Names) -> Self {
        ExpectText { expect, names }
    }
}

/// The word of an act.
fn verb(act: &Act) -> &'static str {
    match act {
        Act::Start(_) => "start",
        Act::Stop(_) => "stop",
        Act::Kill(_) => "kill",
        Act::PowerOff(_) => "power-off",
        Act::PowerOn(_) => "power-on",
        Act::Freeze(_) => "freeze",
        Act::Thaw(_) => "thaw",
        Act::Pause(_) => "pause",
        Act::Resume(_) => "resume",
        Act::Unplug(..) => "unplug",
        Act::Plug(..) => "plug",
        Act::Attach(..) => "attach",
        Act::Detach(..) => "detach",
        Act::Console(act) => console::verb(act),
        Act::Reload(..) => "reload",
        Act::Script(..) => "script",
        Act::File(..) => "file",
        Act::Service(.., Health::Dead) => "fail",
        Act::Service(.., Health::Hung) => "hang",
        Act::Service(.., Health::Alive) => "mend",
        Act::ClockStep(..) | Act::ClockDrift(..) => "clock",
        Act::Tamper(..) | Act::DelRoute(..) => "tamper",
        Act::Spoof(..) => "spoof",
        Act::Corrupt(..) => "corrupt",
        Act::Reorder(..) => "reorder",
        Act::Drop(Kinds::ALL, _) => "cut",
        Act::Drop(..) => "drop",
        Act::Loss(..) => "loss",
        Act::Delay(..) => "delay",
        Act::Duplicate(..) => "duplicate",
        Act::Heal(_) => "heal",
        Act::Cloud(_) => "cloud",
        Act::Seed(_) => "seed",
    }
}

impl fmt::Display for ActText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |path| PathText { path, names: self.names };
        f.write_str(verb(self.act))?;
        match *self.act {
            Act::Drop(kinds, _) if kinds != Kinds::ALL => write!(f, " {}", KindsText(kinds))?,
            Act::Loss(share, kinds, _) => {
                write!(f, " {}", Share(share))?;
                if kinds != Kinds::ALL {
                    write!(f, " {}", KindsText(kinds))?;
                }
            }
            Act::Delay(shortest, longest, _) => write!(f, " {}", Range((shortest, longest)))?,
            Act::Spoof(node, eni, spoof) => {
                return write!(f, " {}", SpoofText { node, eni, spoof, names: self.names });
            }
            Act::Duplicate(share, _) | Act::Corrupt(share, _) | Act::Reorder(share, _) => {
                write!(f, " {}", Share(share))?;
            }
            Act::Cloud(act) => write!(f, " {}", CloudText(act))?,
            Act::Seed(seed) => write!(f, " {seed}")?,
            Act::Console(act) => return write!(f, " {}", ConsoleText { act, names: self.names }),
            Act::Script(_, name, act) => {
                write!(f, " {} ", Quoted(self.names.text(name)))?;
                match act {
                    ScriptAct::Up => f.write_str("up on")?,
                    ScriptAct::Down => f.write_str("down on")?,
                    ScriptAct::Hang => f.write_str("hang on")?,
                    ScriptAct::Takes(time) => write!(f, "takes {} on", TimeText(time))?,
                }
            }
            Act::Service(service, ..) => write!(f, " {} on", self.names.service(service))?,
            Act::File(_, name, text) => {
                let text = text.map_or("gone", |text| self.names.text(text));
                write!(f, " {} {} on", Quoted(self.names.text(name)), Quoted(text))?;
            }
            _ => {}
        }
        match *self.act {
            Act::Drop(_, p)
            | Act::Loss(_, _, p)
            | Act::Delay(_, _, p)
            | Act::Duplicate(_, p)
            | Act::Corrupt(_, p)
            | Act::Reorder(_, p)
            | Act::Heal(Some(p)) => {
                write!(f, " {}", path(p))?;
            }
            _ => {}
        }
        if let Some(node) = self.about() {
            write!(f, " {}", self.names.node(node))?;
        }
        match *self.act {
            Act::Unplug(node, Some(eni))
            | Act::Plug(node, Some(eni))
            | Act::Attach(node, eni)
            | Act::Detach(node, eni) => {
                write!(f, ".{}", self.names.eni(node, eni))
            }
            Act::Reload(_, file, takes) => {
                write!(f, " with {}", Quoted(self.names.file(file)))?;
                if takes.is_zero() { Ok(()) } else { write!(f, " taking {}", TimeText(takes)) }
            }
            Act::ClockStep(_, by) => {
                let sign = if by < 0 { '-' } else { '+' };
                write!(f, " step {sign}{}", TimeText(Duration::from_nanos(by.unsigned_abs())))
            }
            Act::ClockDrift(_, drift) => write!(f, " drift {}ppm", drift.0),
            Act::DelRoute(_, route) => write!(f, " del-route {}", Quoted(self.names.text(route))),
            Act::Tamper(_, what, address) => {
                let what = if what == Tamper::Add { "add" } else { "del" };
                match address.prefix_len() == address.max_prefix_len() {
                    true => write!(f, " {what} {}", address.addr()),
                    false => write!(f, " {what} {address}"),
                }
            }
            _ => Ok(()),
        }
    }
}

/// A node, or one interface of it: `a.eth1`.
pub(super) struct NodeText<'a> {
    pub(super) node: NodeId,
    pub(super) eni: Option<EniIndex>,
    pub(super) names: &'a dyn Names,
}

impl fmt::Display for NodeText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names.node(self.node))?;
        match self.eni {
            Some(eni) => write!(f, ".{}", self.names.eni(self.node, eni)),
            None => Ok(()),
        }
    }
}

struct PathText<'a> {
    path: Path,
    names: &'a dyn Names,
}

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Path { from, to, both } = self.path;
        self.end(f, from)?;
        f.write_str(if both { " <-> " } else { " -> " })?;
        self.end(f, to)
    }
}

impl PathText<'_> {
    fn end(&self, f: &mut fmt::Formatter<'_>, end: End) -> fmt::Result {
        match end {
            End::Any => f.write_str("*"),
            End::Cloud => f.write_str("cloud"),
            End::Node(node) => f.write_str(self.names.node(node)),
            End::Eni(node, eni) => write!(f, "{}.{}", self.names.node(node), self.names.eni(node, eni)),
        }
    }
}

struct CloudText(CloudAct);

impl fmt::Display for CloudText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CloudAct::BindDelay(shortest, longest) => write!(f, "bind-delay {}", Range((shortest, longest))),
            CloudAct::DropClaims => f.write_str("drop-claims"),
            CloudAct::HearClaims => f.write_str("hear-claims"),
        }
    }
}

struct KindsText(Kinds);

impl fmt::Display for KindsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Kinds::ALL {
            return f.write_str("all");
        }
        let words: Vec<_> = Kind::ALL.iter().filter(|k| self.0.contains(**k)).map(|k| k.word()).collect();
        f.write_str(&words.join(","))
    }
}

struct Share(Ppm);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.0 / 10_000, self.0.0 % 10_000);
        if part == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{part:04}").trim_end_matches('0'))
    }
}

impl fmt::Display for ExpectText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fact = |fact| FactText { fact, names: self.names };
        match *self.expect {
            Expect::By(by, x) => write!(f, "by {} {}", instant(by), fact(x)),
            Expect::During(from, to, x) => write!(f, "during {}..{} {}", instant(from), instant(to), fact(x)),
            Expect::Outage(from, to, client, most) => {
                let name = self.names.node(self.names.node_of(client));
                write!(f, "in {}..{} outage {name} <= {}", instant(from), instant(to), TimeText(most))
            }
            Expect::Moves(from, to, most) => {
                write!(f, "in {}..{} moves <= {most}", instant(from), instant(to))
            }
            Expect::Claims(from, to, cvm, most) => {
                let name = self.names.node(NodeId(cvm.0));
                write!(f, "in {}..{} claims {name} <= {most}", instant(from), instant(to))
            }
            Expect::Notifies(from, to, cvm, most) => {
                let name = self.names.node(NodeId(cvm.0));
                write!(f, "in {}..{} notifies {name} <= {most}", instant(from), instant(to))
            }
            Expect::Never(x, None) => write!(f, "never {}", fact(x)),
            Expect::Never(x, Some(most)) => write!(f, "never {} > {}", fact(x), TimeText(most)),
            Expect::Eventually(x) => write!(f, "eventually {}", fact(x)),
            Expect::Rule(rule) => write!(f, "rule {}", rule.name()),
        }
    }
}

struct FactText<'a> {
    fact: Fact,
    names: &'a dyn Names,
}

impl fmt::Display for FactText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cvm = |cvm: CvmId| self.names.node(NodeId(cvm.0));
        match self.fact {
            Fact::Master(c) => write!(f, "master {}", cvm(c)),
            Fact::Bound(c, None) => write!(f, "bound {}", cvm(c)),
            Fact::Bound(c, Some(havip)) => write!(f, "bound {} {}", cvm(c), self.names.havip(havip)),
            Fact::Unbound(None) => f.write_str("unbound"),
            Fact::Unbound(Some(havip)) => write!(f, "unbound {}", self.names.havip(havip)),
            Fact::BoundIsMaster => f.write_str("bound = master"),
            Fact::TwoMasters => f.write_str("two-masters"),
            Fact::Stale(client) => write!(f, "stale {}", self.names.node(self.names.node_of(client))),
            Fact::Refused(address) => write!(f, "refused {address}"),
            Fact::Transition(c, role) => write!(f, "transition {} {role}", cvm(c)),
            Fact::Served(client) => write!(f, "served {}", self.names.node(self.names.node_of(client))),
            Fact::Unserved(client) => {
                write!(f, "unserved {}", self.names.node(self.names.node_of(client)))
            }
            Fact::Claimed(c) => write!(f, "claimed {}", cvm(c)),
            Fact::Advertised(c, address) => write!(f, "advertised {} {address}", cvm(c)),
            Fact::Routed(c, text) => write!(f, "routed {} {}", cvm(c), Quoted(self.names.text(text))),
            Fact::Notified(c, text) => write!(f, "notified {} {}", cvm(c), Quoted(self.names.text(text))),
        }
    }
}

impl Names for Script {
    fn node(&self, node: NodeId) -> &str {
        let (i, n) = (usize::from(node.0), self.cvms.len());
        let client = || self.clients.get(i - n).map(|client| client.name.as_str());
        self.cvms.get(i).map(|cvm| cvm.name.as_str()).or_else(client).unwrap_or("?")
    }
    fn eni(&self, node: NodeId, EniIndex(eni): EniIndex) -> &str {
        match eni.checked_sub(1) {
            None => Script::ETH0,
            Some(i) => self
                .cvms
                .get(usize::from(node.0))
                .and_then(|cvm| cvm.more.get(usize::from(i)))
                .map_or("?", |eni| eni.name.as_str()),
        }
    }
    fn node_of(&self, client: ClientId) -> NodeId {
        NodeId((self.cvms.len() as u16).saturating_add(client.0))
    }
    fn file(&self, file: FileId) -> &str {
        self.files.get(usize::from(file.0)).map_or("?", |file| &file.path)
    }
    fn service(&self, service: ServiceId) -> &str {
        self.services.get(usize::from(service.0)).map_or("?", |one| &one.name)
    }
    fn text(&self, text: TextId) -> &str {
        self.texts.get(usize::from(text.0)).map_or("?", |text| &text.text)
    }
    fn havip(&self, havip: HavipId) -> IpAddr {
        self.havips.get(usize::from(havip.0)).map_or(Ipv4Addr::UNSPECIFIED.into(), |havip| havip.address)
    }
    fn eip(&self, eip: EipId) -> Ipv4Addr {
        self.eips.get(usize::from(eip.0)).map_or(Ipv4Addr::UNSPECIFIED, |eip| eip.address)
    }
}

impl Names for Setup {
    fn node(&self, node: NodeId) -> &str {
        if usize::from(node.0) < self.nodes() { self.name_of(node) } else { "?" }
    }
    fn eni(&self, node: NodeId, eni: EniIndex) -> &str {
        let known = usize::from(node.0) < self.nodes();
        let eni = known.then(|| self.enis_of(node).nth(usize::from(eni.0))).flatten();
        eni.map_or("?", |eni| eni.name.as_str())
    }
    fn node_of(&self, client: ClientId) -> NodeId {
        self.node_of_client(client)
    }
    fn file(&self, file: FileId) -> &str {
        self.files.get(usize::from(file.0)).map_or("?", |files| &files.main)
    }
    fn service(&self, service: ServiceId) -> &str {
        self.services.get(usize::from(service.0)).map_or("?", |one| &one.name)
    }
    fn text(&self, text: TextId) -> &str {
        self.text(text)
    }
    fn havip(&self, havip: HavipId) -> IpAddr {
        self.havips.get(usize::from(havip.0)).map_or(Ipv4Addr::UNSPECIFIED.into(), |havip| havip.address)
    }
    fn eip(&self, eip: EipId) -> Ipv4Addr {
        self.eips.get(usize::from(eip.0)).map_or(Ipv4Addr::UNSPECIFIED, |eip| eip.address)
    }
}
