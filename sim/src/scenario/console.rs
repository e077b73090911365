//! What is done in the cloud's console, as acts and, without a time, as what stands from the start: read and printed.

use std::fmt;

use super::act::{Scope, enis};
use super::error::{Complaint, Stop};
use super::lex::{Reader, Word};
use super::text::{Names, NodeText};
use super::value;
use super::words;
use crate::world::{ConsoleAct, Direction, EniIndex, GroupRule, Members, NodeId, Traffic};

/// Reads an act of the console, its first word taken already.
pub(super) fn console(
    head: Word<'_>,
    r: &mut Reader<'_, '_>,
    scope: &Scope<'_, '_>,
) -> Result<ConsoleAct, Stop> {
    scope.needs_cloud(head)?;
    let havip = "a HAVIP's address such as `172.16.16.12`";
    Ok(match head.text {
        "apply" => ConsoleAct::Apply(scope.havip(r.word(havip)?)?),
        "release" => ConsoleAct::Release(scope.havip(r.word(havip)?)?),
        "bind-eip" => {
            let eip = scope.eip(r.word("an elastic IP such as `203.0.113.10`")?)?;
            r.literal("to")?;
            ConsoleAct::BindEip(eip, scope.havip(r.word(havip)?)?)
        }
        "unbind-eip" => ConsoleAct::UnbindEip(scope.eip(r.word("an elastic IP such as `203.0.113.10`")?)?),
        "range" => {
            let havip = scope.havip(r.word(havip)?)?;
            let members = match r.peek(0).map(|word| word.text) {
                Some("all") => None,
                Some("none") => Some(Members::default()),
                _ => Some(members(r, scope)?),
            };
            if members.is_none_or(|members| members.iter().next().is_none()) {
                r.word("`all` or `none`")?;
            }
            ConsoleAct::Range(havip, members)
        }
        _ => {
            let (node, eni) = machine(r, scope, "a security group")?;
            ConsoleAct::Security(node, eni, rule(r)?)
        }
    })
}

/// `a b.eth1`: at least one.
fn members(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<Members, Stop> {
    let mut all = Members::default();
    loop {
        let Some(word) = r.peek(0) else {
            return Err(r
                .word("a machine's name, `all` or `none`")
                .map_or_else(Stop::from, |_| Stop::Silent));
        };
        let one = machine(r, scope, "a drift range")?;
        if all.iter().any(|other| other == one) {
            return Err(Complaint::new(word.place, format!("`{}` a second time", word.text)).into());
        }
        all = all.with(one).ok_or_else(|| {
            let message = format!("more than {} members of a drift range", Members::MOST);
            Complaint::new(word.place, message).help("the cloud takes no more")
        })?;
        if r.peek(0).is_none() {
            return Ok(all);
        }
    }
}

/// A machine, or one interface of it.
fn machine(
    r: &mut Reader<'_, '_>,
    scope: &Scope<'_, '_>,
    what: &str,
) -> Result<(NodeId, Option<EniIndex>), Stop> {
    let word = r.peek(0);
    let found = enis(r, scope)?;
    match word {
        Some(word) if usize::from(found.0.0) >= scope.draft.cvms.len() => {
            let message = format!("`{}` is a client: {what} is for machines", word.text);
            Err(Complaint::new(word.place, message).into())
        }
        _ => Ok(found),
    }
}

/// `deny 112 in`.
fn rule(r: &mut Reader<'_, '_>) -> Result<GroupRule, Complaint> {
    let allow = one_of(r, "`deny` or `allow`", [("allow", true), ("deny", false)])?;
    let traffic = traffic(r.word("what it is about: `112`, `icmp`, `tcp:443`, `all`")?)?;
    let direction = one_of(r, "`in` or `out`", [("in", Direction::In), ("out", Direction::Out)])?;
    Ok(GroupRule { allow, traffic, direction })
}

fn one_of<T: Copy>(
    r: &mut Reader<'_, '_>,
    expected: &str,
    choices: [(&'static str, T); 2],
) -> Result<T, Complaint> {
    let word = r.word(expected)?;
    match choices.iter().find(|(name, _)| *name == word.text) {
        Some((_, choice)) => Ok(*choice),
        None => {
            let nearest = words::nearest(word.text, choices.map(|(name, _)| name));
            Err(word.unexpected(expected).suggest(nearest, "for example `secgroup a deny 112 in`"))
        }
    }
}

/// Protocols that have a word.
const PROTOCOLS: [(&str, u8); 4] = [("icmp", 1), ("tcp", 6), ("udp", 17), ("vrrp", 112)];

fn traffic(word: Word<'_>) -> Result<Traffic, Complaint> {
    let number = |name: &str| PROTOCOLS.iter().find(|(word, _)| *word == name).map(|(_, number)| *number);
    if word.text == "all" {
        return Ok(Traffic::All);
    }
    if let Some((name, port)) = word.text.split_once(':') {
        let protocol = number(name).filter(|protocol| [6, 17].contains(protocol));
        let protocol = protocol.ok_or_else(|| {
            word.part(0, name.len()).unexpected("`tcp` or `udp` before a port").help("for example `tcp:443`")
        })?;
        let at = word.text.len() - port.len();
        return Ok(Traffic::Port(protocol, value::port(word.part(at, word.text.len()))?));
    }
    if let Some(protocol) = number(word.text) {
        return Ok(Traffic::Protocol(protocol));
    }
    word.text.parse().map(Traffic::Protocol).map_err(|_| {
        word.unexpected("a protocol such as `112`")
            .help("a number from 0 to 255, `icmp`, `tcp`, `udp`, `vrrp`, `tcp:443`, `udp:53` or `all`")
    })
}

/// The word of an act of the console.
pub(super) fn verb(act: &ConsoleAct) -> &'static str {
    match act {
        ConsoleAct::Apply(_) => "apply",
        ConsoleAct::Release(_) => "release",
        ConsoleAct::Range(..) => "range",
        ConsoleAct::BindEip(..) => "bind-eip",
        ConsoleAct::UnbindEip(_) => "unbind-eip",
        ConsoleAct::Security(..) => "secgroup",
    }
}

/// What follows the word.
pub(super) struct ConsoleText<'a> {
    pub(super) act: ConsoleAct,
    pub(super) names: &'a dyn Names,
}

impl fmt::Display for ConsoleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names;
        match self.act {
            ConsoleAct::Apply(havip) | ConsoleAct::Release(havip) => write!(f, "{}", names.havip(havip)),
            ConsoleAct::BindEip(eip, havip) => write!(f, "{} to {}", names.eip(eip), names.havip(havip)),
            ConsoleAct::UnbindEip(eip) => write!(f, "{}", names.eip(eip)),
            ConsoleAct::Range(havip, None) => write!(f, "{} all", names.havip(havip)),
            ConsoleAct::Range(havip, Some(members)) => {
                write!(f, "{}", names.havip(havip))?;
                if members.iter().next().is_none() {
                    f.write_str(" none")?;
                }
                members.iter().try_for_each(|(node, eni)| write!(f, " {}", NodeText { node, eni, names }))
            }
            ConsoleAct::Security(node, eni, rule) => {
                write!(f, "{} {}", NodeText { node, eni, names }, RuleText(rule))
            }
        }
    }
}

/// A rule without whose it is.
pub(super) struct RuleText(pub(super) GroupRule);

impl fmt::Display for RuleText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let GroupRule { allow, traffic, direction } = self.0;
        f.write_str(if allow { "allow " } else { "deny " })?;
        // What people write of VRRP in a console is its number.
        let name = |number| {
            PROTOCOLS.iter().find(|(_, other)| *other == number && number != 112).map(|(name, _)| *name)
        };
        match traffic {
            Traffic::All => f.write_str("all")?,
            Traffic::Protocol(number) => match name(number) {
                Some(name) => f.write_str(name)?,
                None => write!(f, "{number}")?,
            },
            Traffic::Port(number, port) => write!(f, "{}:{port}", name(number).unwrap_or("tcp"))?,
        }
        f.write_str(if direction == Direction::In { " in" } else { " out" })
    }
}
