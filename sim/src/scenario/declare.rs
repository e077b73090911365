//! Declarations: every statement but `at` and `expect`.

use std::net::{Ipv4Addr, Ipv6Addr};

use havip::profile::Profile;
use havip::time::Duration;
use havip::wire::ethernet::Mac;

use super::draft::{At, Draft, EipDraft, EniDraft, Given, Named, NodeDraft, SubnetDraft, name};
use super::error::{Complaint, Stop, shown};
use super::lex::{Reader, Word};
use super::place::Place;
use super::script::{
    CheckDecl, ClientDecl, CvmDecl, EniDecl, FileDecl, ProgramDecl, Script, ServiceDecl, WithDecl,
};
use super::{value, words};
use crate::world::{ClientId, CvmId, ServiceId};

/// How many machines, clients, subnets and HAVIPs a file may have, each.
const MOST: usize = 10_000;
const MOST_OVERRIDES: usize = 100;
/// How many further interfaces a machine may have.
const MOST_ENIS: usize = 30;
const LONGEST_TICK: Duration = Duration::from_millis(10);
const MOST_PHASES: u32 = 100_000;

/// Reads one declaration, the first word taken already.
pub(super) fn declaration<'a>(
    head: Word<'a>,
    r: &mut Reader<'_, 'a>,
    draft: &mut Draft<'a>,
) -> Result<(), Stop> {
    match head.text {
        "service" => service(head, r, draft),
        "check" => check(head, r, draft),
        _ => Ok(plain(head, r, draft)?),
    }
}

/// A declaration that refers to no other.
fn plain<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Complaint> {
    let line = r.number();
    let at = |place| At { value: (), place, line };
    match head.text {
        "scenario" => {
            let word = r.word("the scenario's name")?;
            let name = name(word)?.to_owned();
            r.end()?;
            once(&mut draft.name, at(head.place).of(name), "scenario")
        }
        "run" => {
            let word = r.word("how long to run, such as `60s`")?;
            let run = value::time(word)?;
            if r.take("seed").is_some() {
                draft.seed = Some(value::count(r.word("a seed")?, "a seed")?);
            } else if let Some(word) = r.peek(0) {
                return Err(word.unexpected("`seed` or the end of the line"));
            }
            r.end()?;
            draft.times.push(Given { time: run, place: word.place, lasting: Some("a run") });
            once(&mut draft.run, at(head.place).of(run), "run")
        }
        "tick" => {
            let word = r.word("a tick, such as `100us`")?;
            let tick = value::time(word)?;
            if tick.is_zero() || tick > LONGEST_TICK {
                let message = format!("a tick of {} cannot be", shown(word.text));
                return Err(Complaint::new(word.place, message).help("more than 0s, and 10ms at most"));
            }
            r.end()?;
            once(&mut draft.tick, at(head.place).of(tick), "tick")
        }
        "host" => {
            let word = r.word("`exact`")?;
            if word.text != "exact" {
                let message =
                    format!("`host {}` is known, but not modelled yet", shown(word.text).trim_matches('`'));
                return Err(Complaint::new(word.place, message).help("`host exact`, or no such line"));
            }
            r.end()?;
            once(&mut draft.host_exact, at(head.place), "host")
        }
        "phases" => {
            let word = r.word("how many phases")?;
            let phases: u32 = value::count(word, "how many phases")?;
            if phases == 0 || phases > MOST_PHASES {
                let message = format!("{} phases cannot be", shown(word.text));
                return Err(Complaint::new(word.place, message).help("from 1 to 100000"));
            }
            r.end()?;
            once(&mut draft.phases, at(head.place).of(phases), "phases")
        }
        "also" => {
            r.literal("as")?;
            let word = r.word("a profile such as `havip`")?;
            let profile = value::profile(word)?;
            r.end()?;
            if let Some(first) = draft.also.iter().find(|also| also.value == profile) {
                let message = format!("a second `also as {profile}`: the first is on line {}", first.line);
                return Err(Complaint::new(word.place, message));
            }
            draft.also.push(at(word.place).of(profile));
            Ok(())
        }
        "vpc" => {
            let word = r.word("a range of addresses such as `172.16.0.0/16`")?;
            let net = value::cidr(word)?;
            r.end()?;
            once(&mut draft.vpc, at(word.place).of(net), "vpc")
        }
        "lan" => {
            let lan = subnet(r, draft)?;
            room(draft.lans.len(), head)?;
            draft.lans.push(lan);
            Ok(())
        }
        "subnet" => {
            let subnet = subnet(r, draft)?;
            room(draft.subnets.len(), head)?;
            draft.subnets.push(subnet);
            Ok(())
        }
        "havip" => {
            let word = r.word("an address such as `172.16.16.12`")?;
            let address = value::any_address(word)?;
            if r.take("off").is_some() {
                draft.off_havips.push(address);
            }
            r.end()?;
            room(draft.havips.len(), head)?;
            draft.havips.push(at(word.place).of(address));
            Ok(())
        }
        "eip" => eip(head, r, draft),
        "cloud" => cloud(r, draft, line),
        "cvm" => cvm(head, r, draft),
        "eni" => eni(head, r, draft),
        "client" | "internet" => client(head, r, draft),
        _ => Err(no_statement(head)),
    }
}

impl At<()> {
    fn of<T>(self, value: T) -> At<T> {
        At { value, place: self.place, line: self.line }
    }
}

fn once<T>(slot: &mut Option<At<T>>, given: At<T>, what: &str) -> Result<(), Complaint> {
    match slot {
        Some(first) => {
            let message = format!("a second `{what}`: the first is on line {}", first.line);
            Err(Complaint::new(given.place, message))
        }
        None => {
            *slot = Some(given);
            Ok(())
        }
    }
}

fn room(so_many: usize, head: Word<'_>) -> Result<(), Complaint> {
    if so_many < MOST {
        return Ok(());
    }
    Err(Complaint::new(head.place, format!("more than {MOST} lines that begin with `{}`", head.text)))
}

/// `CIDR [ipv6 CIDR] [latency A..B]`.
fn subnet(r: &mut Reader<'_, '_>, draft: &mut Draft<'_>) -> Result<At<SubnetDraft>, Complaint> {
    let word = r.word("a range of addresses such as `172.16.16.0/24`")?;
    let net = value::cidr(word)?;
    let mut latency = None;
    let ipv6 = match r.take("ipv6") {
        Some(_) => Some(value::cidr_v6(r.word("a range of addresses such as `fd00:16::/64`")?)?),
        None => None,
    };
    if r.take("latency").is_some() {
        let times = r.word("a latency such as `200us..400us`")?;
        let (shortest, longest) = value::range(times)?;
        for time in [shortest, longest] {
            draft.times.push(Given { time, place: times.place, lasting: Some("a latency") });
        }
        latency = Some((shortest, longest));
    } else if let Some(word) = r.peek(0) {
        return Err(word.unexpected(if ipv6.is_none() {
            "`latency`, `ipv6` or the end of the line"
        } else {
            "`latency` or the end of the line"
        }));
    }
    r.end()?;
    Ok(At { value: SubnetDraft { net, ipv6, latency }, place: word.place, line: r.number() })
}

/// `bind-delay A..B`.
fn cloud(r: &mut Reader<'_, '_>, draft: &mut Draft<'_>, line: u32) -> Result<(), Complaint> {
    let word = r.word("`bind-delay`")?;
    if word.text != "bind-delay" {
        let complaint = word.unexpected("`bind-delay`");
        return Err(if words::CLOUD_ACTS.contains(&word.text) {
            complaint.help(format!("this is an act: `at 0s cloud {}`", word.text))
        } else {
            complaint.suggest(words::nearest(word.text, ["bind-delay"]), "`cloud bind-delay 3s..8s`")
        });
    }
    let times = r.word("a delay such as `3s..8s`")?;
    let delay = value::range(times)?;
    r.end()?;
    for time in [delay.0, delay.1] {
        draft.times.push(Given { time, place: times.place, lasting: None });
    }
    once(&mut draft.bind_delay, At { value: delay, place: times.place, line }, "cloud bind-delay")
}

/// `NAME ADDR [ipv6 ADDR] PROFILE FILE [mac MAC] [with key=value]... [off]`.
fn cvm<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Complaint> {
    let name = draft.names.declare(r.word("a name")?, r.number())?;
    let (address, ipv6) = (node_address(r)?, node_ipv6(r)?);
    let program = program(r.word("a program: `keepalived`, `havip` or `keepalived-1.3`")?)?;
    let word = r.word("a configuration file")?;
    let file = FileDecl { path: value::path(word)?, place: word.place };
    let (mut given_mac, mut with, mut off) = (None, Vec::new(), false);
    while let Some(word) = r.peek(0) {
        r.word("an option")?;
        match word.text {
            "mac" if given_mac.is_none() => given_mac = Some(mac(r)?),
            "with" => with.push(override_of(r.word("an override such as `priority=90`")?, &with)?),
            "off" if !off => off = true,
            "mac" | "off" => {
                return Err(Complaint::new(word.place, format!("a second `{}`", word.text)));
            }
            text => {
                let complaint = word.unexpected("`mac`, `with`, `off` or the end of the line");
                return Err(if text.contains('=') {
                    complaint
                        .help(format!("write `with` before it: `with {}`", shown(text).trim_matches('`')))
                } else {
                    let nearest = words::nearest(text, ["mac", "with", "off"]);
                    complaint
                        .suggest(nearest, "for example `mac 02:00:00:00:00:01`, `with priority=90`, `off`")
                });
            }
        }
    }
    room(draft.cvms.len(), head)?;
    let eni = EniDraft::new(address, ipv6, given_mac);
    draft.names.is(name, Named::Cvm(CvmId(draft.cvms.len() as u16)));
    draft.cvms.push(NodeDraft {
        decl: CvmDecl {
            name: name.to_owned(),
            address: address.value,
            ipv6: ipv6.map(|at| at.value),
            mac: eni.mac,
            more: Vec::new(),
            program: ProgramDecl::Agent(program),
            file,
            with,
            off,
        },
        eni,
        more: Vec::new(),
        target: Place::NOWHERE,
    });
    Ok(())
}

/// `CVM.NAME ADDR [ipv6 ADDR] [mac MAC] [off]`: a further interface of a machine that is declared above.
fn eni<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Complaint> {
    let expected = "a machine and its interface such as `a.eth1`";
    let word = r.word(expected)?;
    let Some((of, name)) = word.text.split_once('.') else { return Err(word.unexpected(expected)) };
    let (of, name) = (word.part(0, of.len()), word.part(of.len() + 1, of.len() + 1 + name.len()));
    let name = super::draft::name(name)?;
    let is_machine = |named| matches!(named, Named::Cvm(_));
    let index = match draft.names.find(of, r.number(), "a machine's name", is_machine) {
        Ok(Named::Cvm(CvmId(index))) => usize::from(index),
        Ok(Named::Client(_) | Named::Service(_)) => {
            let message = format!("`{}` is no machine: only machines have several interfaces", of.text);
            return Err(Complaint::new(of.place, message));
        }
        Err(Stop::Said(complaint)) => return Err(*complaint),
        // Its machine's line is complained of already.
        Err(Stop::Silent) => return Ok(()),
    };
    let machine = &draft.cvms[index].decl;
    if name == Script::ETH0 || machine.more.iter().any(|one| one.name == name) {
        let message = format!("a second interface {name} of {}", machine.name);
        let help =
            if name == Script::ETH0 { "eth0 is on the machine's own line" } else { "choose another name" };
        return Err(Complaint::new(word.place, message).help(help));
    }
    let (address, ipv6) = (node_address(r)?, node_ipv6(r)?);
    let given_mac = if r.take("mac").is_some() { Some(mac(r)?) } else { None };
    let off = r.take("off").is_some();
    r.end()?;
    room(draft.cvms[index].more.len(), head)?;
    if draft.cvms[index].more.len() >= MOST_ENIS {
        let message = format!("more than {MOST_ENIS} interfaces of {}", machine.name);
        return Err(Complaint::new(word.place, message));
    }
    let eni = EniDraft::new(address, ipv6, given_mac);
    let (address, ipv6, mac) = (address.value, ipv6.map(|at| at.value), eni.mac);
    let machine = &mut draft.cvms[index];
    machine.decl.more.push(EniDecl { name: name.to_owned(), address, ipv6, mac, off });
    machine.more.push(eni);
    Ok(())
}

/// `NAME tcp PORT on NAME...`.
fn service<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
    let (line, word) = (r.number(), r.word("a name")?);
    let name = draft.names.declare(word, line)?;
    r.literal("tcp")?;
    let port = value::port(r.word("a port such as `443`")?)?;
    r.literal("on")?;
    let mut on: Vec<CvmId> = Vec::new();
    loop {
        let word = r.word("a machine's name")?;
        match draft.names.find(word, line, "a machine's name", |n| matches!(n, Named::Cvm(_)))? {
            Named::Cvm(cvm) if on.contains(&cvm) => {
                return Err(Complaint::new(word.place, format!("`{}` a second time", word.text)).into());
            }
            Named::Cvm(cvm) => on.push(cvm),
            Named::Client(_) | Named::Service(_) => {
                let message = format!("`{}` is no machine: a service runs on machines", word.text);
                return Err(Complaint::new(word.place, message).into());
            }
        }
        if r.peek(0).is_none() {
            break;
        }
    }
    let same = |other: &&At<ServiceDecl>| {
        other.value.port == port && other.value.on.iter().any(|cvm| on.contains(cvm))
    };
    if let Some(other) = draft.services.iter().find(same) {
        let message = format!("port {port} is taken by `{}` (line {})", other.value.name, other.line);
        return Err(Complaint::new(word.place, message).into());
    }
    room(draft.services.len(), head)?;
    draft.names.is(name, Named::Service(ServiceId(draft.services.len() as u16)));
    let value = ServiceDecl { name: name.to_owned(), port, on };
    draft.services.push(At { value, place: word.place, line });
    Ok(())
}

/// `SCRIPT = SERVICE`.
fn check<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Stop> {
    let script = r.word("the name of a `vrrp_script`")?;
    if script.text.is_empty() || !value::is_printable(script.text) {
        return Err(script.unexpected("the name of a `vrrp_script`").into());
    }
    r.literal("=")?;
    let word = r.word("a service's name")?;
    let is_service = |named| matches!(named, Named::Service(_));
    let Named::Service(service) = draft.names.find(word, r.number(), "a service's name", is_service)? else {
        let message = format!("`{}` is no service", word.text);
        return Err(Complaint::new(word.place, message)
            .help("`service NAME tcp PORT on a` declares one")
            .into());
    };
    r.end()?;
    if draft.checks.iter().any(|check| check.script == script.text) {
        return Err(Complaint::new(script.place, format!("a second check {}", shown(script.text))).into());
    }
    room(draft.checks.len(), head)?;
    draft.checks.push(CheckDecl { script: script.text.to_owned(), place: script.place, service });
    Ok(())
}

/// `ADDR [to HAVIP]`.
fn eip(head: Word<'_>, r: &mut Reader<'_, '_>, draft: &mut Draft<'_>) -> Result<(), Complaint> {
    let (word, line) = (r.word("a public address such as `203.0.113.10`")?, r.number());
    let address = At { value: value::address(word)?, place: word.place, line };
    let havip = match r.take("to") {
        Some(_) => {
            let word = r.word("a HAVIP's address such as `172.16.16.12`")?;
            Some(At { value: value::any_address(word)?, place: word.place, line })
        }
        None => None,
    };
    r.end()?;
    room(draft.eips.len(), head)?;
    draft.eips.push(EipDraft { address, havip });
    Ok(())
}

/// `NAME ADDR [ipv6 ADDR] probe ADDR[:PORT]|[ADDR]:PORT every DUR [mac MAC]`; of the internet
/// `NAME ADDR probe EIP[:PORT] every DUR [mac MAC] [latency A..B]`.
fn client<'a>(head: Word<'a>, r: &mut Reader<'_, 'a>, draft: &mut Draft<'a>) -> Result<(), Complaint> {
    let name = draft.names.declare(r.word("a name")?, r.number())?;
    let is_far = head.text == "internet";
    let (address, ipv6) = (node_address(r)?, if is_far { None } else { node_ipv6(r)? });
    r.literal("probe")?;
    let target = r.word("the address to probe")?;
    let (target_address, port) = value::target(target)?;
    r.literal("every")?;
    let period = r.word("a period such as `10ms`")?;
    let every = value::time(period)?;
    let given_mac = if r.take("mac").is_some() { Some(mac(r)?) } else { None };
    let internet = if is_far { Some(far(r, draft)?) } else { None };
    if let Some(word) = r.peek(0) {
        return Err(word.unexpected(if given_mac.is_none() {
            if is_far { "`mac`, `latency` or the end of the line" } else { "`mac` or the end of the line" }
        } else {
            "the end of the line"
        }));
    }
    room(draft.clients.len(), head)?;
    draft.times.push(Given { time: every, place: period.place, lasting: Some("a probe's period") });
    let eni = EniDraft::new(address, ipv6, given_mac);
    draft.names.is(name, Named::Client(ClientId(draft.clients.len() as u16)));
    draft.clients.push(NodeDraft {
        decl: ClientDecl {
            name: name.to_owned(),
            address: address.value,
            ipv6: ipv6.map(|at| at.value),
            mac: eni.mac,
            target: target_address,
            port,
            every,
            internet,
        },
        eni,
        more: Vec::new(),
        target: target.place,
    });
    Ok(())
}

/// `[latency A..B]`: how far away the internet is; without it, what the tick decides on later.
fn far(r: &mut Reader<'_, '_>, draft: &mut Draft<'_>) -> Result<(Duration, Duration), Complaint> {
    if r.take("latency").is_none() {
        return Ok((Duration::ZERO, Duration::ZERO));
    }
    let times = r.word("a latency such as `5ms..20ms`")?;
    let latency = value::range(times)?;
    for time in [latency.0, latency.1] {
        draft.times.push(Given { time, place: times.place, lasting: Some("a latency") });
    }
    Ok(latency)
}

fn node_address(r: &mut Reader<'_, '_>) -> Result<At<Ipv4Addr>, Complaint> {
    let word = r.word("an address such as `172.16.16.5`")?;
    Ok(At { value: value::address(word)?, place: word.place, line: r.number() })
}

/// `[ipv6 ADDR]`.
fn node_ipv6(r: &mut Reader<'_, '_>) -> Result<Option<At<Ipv6Addr>>, Complaint> {
    if r.take("ipv6").is_none() {
        return Ok(None);
    }
    let word = r.word("an IPv6 address such as `fd00:16::5`")?;
    Ok(Some(At { value: value::ipv6_address(word)?, place: word.place, line: r.number() }))
}

impl EniDraft {
    fn new(address: At<Ipv4Addr>, ipv6: Option<At<Ipv6Addr>>, given: Option<(Mac, Place)>) -> EniDraft {
        let (mac, mac_place) = given.unwrap_or((Script::default_mac(address.value), address.place));
        EniDraft { address, ipv6, mac, mac_place }
    }
}

fn mac(r: &mut Reader<'_, '_>) -> Result<(Mac, Place), Complaint> {
    let word = r.word("a hardware address such as `02:00:ac:10:10:05`")?;
    Ok((value::mac(word)?, word.place))
}

/// The agent, under one of its profiles.
fn program(word: Word<'_>) -> Result<Profile, Complaint> {
    if words::LATER_PROGRAMS.contains(&word.text) {
        let message = format!("the program `{}` is known, but not modelled yet", word.text);
        return Err(Complaint::new(word.place, message).help("write `keepalived`"));
    }
    word.text.parse().map_err(|_| {
        word.unexpected("a program: `keepalived`, `havip` or `keepalived-1.3`").suggest(
            words::nearest(word.text, Profile::ALL.iter().map(Profile::name)),
            "a machine's line: `cvm NAME ADDR keepalived FILE`",
        )
    })
}

/// `key=value`.
fn override_of(word: Word<'_>, before: &[WithDecl]) -> Result<WithDecl, Complaint> {
    let expected = "an override such as `priority=90`";
    let Some((key, value)) = word.text.split_once('=') else {
        return Err(word
            .unexpected(expected)
            .help("key=value without blanks, or all of it between two `\"`"));
    };
    if key.is_empty() || value.is_empty() || !value::is_printable(word.text) {
        return Err(word.unexpected(expected));
    }
    if before.len() >= MOST_OVERRIDES {
        let message = format!("more than {MOST_OVERRIDES} overrides for one machine");
        return Err(Complaint::new(word.place, message));
    }
    if before.iter().any(|with| with.key == key) {
        return Err(Complaint::new(word.place, format!("a second override of {}", shown(key))));
    }
    Ok(WithDecl { key: key.to_owned(), value: value.to_owned(), place: word.place })
}

/// What to say of a line that begins with nothing known.
fn no_statement(head: Word<'_>) -> Complaint {
    let text = head.text;
    let complaint = head.unexpected("a statement");
    if words::ACTS.contains(&text) {
        complaint.help(format!("an act begins with its time: `at 20s {text} …`"))
    } else if words::FORMS.contains(&text) {
        complaint.help(format!("did you mean `expect {text} …`?"))
    } else {
        let list = format!("a line begins with one of: {}", words::STATEMENTS.join(" "));
        complaint.suggest(words::nearest(text, words::STATEMENTS), list)
    }
}
