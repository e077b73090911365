//! `vrrp_instance`: its lines, one by one, before defaults and clearing (those are in `complete`).

use std::net::IpAddr;

use ipnet::IpNet;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::globals::{GarpKeys, down_timer_adverts, version};
use super::lexer::Word;
use super::model::{Password, Version, VirtualAddress};
use super::parser::{Node, line_span};
use super::values::{Set, address, integer, seconds, switch};
use super::{Sources, Span, values};
use crate::time::Duration;

/// An instance as far as its own lines say.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Word,
    /// `state`: true for MASTER.
    pub(super) master: Option<Set<bool>>,
    pub(super) interface: Option<Set<String>>,
    pub(super) vrid: Option<Set<u8>>,
    pub(super) priority: Option<Set<u8>>,
    pub(super) advert_interval: Option<Set<Duration>>,
    pub(super) version: Option<Set<Version>>,
    pub(super) nopreempt: Option<Set<bool>>,
    pub(super) preempt_delay: Option<Set<Duration>>,
    pub(super) authentication: Option<Authentication>,
    pub(super) source: Option<Set<IpAddr>>,
    /// The first line that asks for unicast.
    pub(super) unicast: Option<Span>,
    pub(super) unicast_source: bool,
    pub(super) peers: Vec<(IpAddr, Span)>,
    pub(super) unicast_ttl: Option<Set<u8>>,
    pub(super) addresses: Vec<(VirtualAddress, Span)>,
    pub(super) garp: GarpKeys,
    pub(super) lower_prio_no_advert: Option<Set<bool>>,
    pub(super) higher_prio_send_advert: Option<Set<bool>>,
    pub(super) down_timer_adverts: Option<Set<u8>>,
    pub(super) strict: Option<Set<bool>>,
    pub(super) old_unicast_checksum: Option<Set<bool>>,
    pub(super) tracked_interfaces: Vec<Word>,
    /// Something was left out because it is IPv6, so that what is missing is not the file's fault.
    pub(super) ipv6: bool,
    /// IPv6, once an address was seen.
    family: Option<bool>,
}

/// The `authentication` block.
#[derive(Debug)]
pub(super) struct Authentication {
    pub(super) line: Span,
    /// A kind that was understood.
    pub(super) kind: Option<Set<AuthKind>>,
    /// A kind stands there, understood or not.
    pub(super) kind_written: bool,
    pub(super) password: Option<Set<Password>>,
}

/// `auth_type`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthKind {
    Pass,
    Ah,
}

impl Draft {
    /// Reads the block.
    pub(super) fn read(name: Word, node: &Node, sources: &Sources, out: &mut Diagnoses) -> Draft {
        let mut draft = Draft {
            name,
            master: None,
            interface: None,
            vrid: None,
            priority: None,
            advert_interval: None,
            version: None,
            nopreempt: None,
            preempt_delay: None,
            authentication: None,
            source: None,
            unicast: None,
            unicast_source: false,
            peers: Vec::new(),
            unicast_ttl: None,
            addresses: Vec::new(),
            garp: GarpKeys::default(),
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            down_timer_adverts: None,
            strict: None,
            old_unicast_checksum: None,
            tracked_interfaces: Vec::new(),
            ipv6: false,
            family: None,
        };
        for line in &node.children {
            draft.line(line, out);
            let timed = line
                .keyword
                .is_some_and(|k| k.form == super::Form::Seconds || k.range.starts_with("seconds"));
            if let (true, Some(comment)) = (timed, line.comment) {
                values::check_minutes(line, sources.text(comment), out);
            }
        }
        draft.ipv6 |= draft.family == Some(true);
        draft
    }

    fn line(&mut self, node: &Node, out: &mut Diagnoses) {
        let small = |n: u64| u8::try_from(n).ok().and_then(|n| Set::new(n, node));
        match node.name() {
            "state" => self.state(node, out),
            "interface" => self.interface = node.value().and_then(|w| Set::new(w.text.clone(), node)),
            "virtual_router_id" => {
                let read = integer(node, 1, 255, "ignored: the instance has none", out);
                self.vrid = read.ok().and_then(small).or(self.vrid.take());
            }
            "priority" => {
                let read = integer(node, 1, 255, "ignored: 100 is used", out);
                self.priority = read.map_or_else(|_| Set::new(100, node), small);
            }
            "advert_int" => {
                let read = seconds(node, 10_000, 255_000_000, "ignored: 1 s", out);
                self.advert_interval = read.and_then(|d| Set::new(d, node)).or(self.advert_interval.take());
            }
            "version" => self.version = version(node, out).or(self.version.take()),
            "nopreempt" => self.nopreempt = Set::new(true, node),
            "preempt" => self.nopreempt = Set::new(false, node),
            "preempt_delay" => {
                let read = seconds(node, 0, 1_000_000_000, "ignored: no delay", out);
                self.preempt_delay = Set::new(read.unwrap_or_default(), node);
            }
            "authentication" => self.authentication = Some(authentication(node, out)),
            "unicast_src_ip" => {
                self.unicast.get_or_insert(node.span());
                self.unicast_source = true;
                self.source(node, out);
            }
            "mcast_src_ip" => self.source(node, out),
            "unicast_peer" => self.unicast_peer(node, out),
            "unicast_ttl" => {
                self.unicast_ttl =
                    integer(node, 0, 255, "ignored", out).ok().and_then(small).or(self.unicast_ttl.take());
            }
            "virtual_ipaddress" => {
                node.children.iter().for_each(|entry| self.virtual_address(&entry.words, out));
            }
            "lower_prio_no_advert" => {
                self.lower_prio_no_advert = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "higher_prio_send_advert" => {
                self.higher_prio_send_advert = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "down_timer_adverts" => {
                self.down_timer_adverts = down_timer_adverts(node, out).or(self.down_timer_adverts.take());
            }
            "strict_mode" => self.strict = switch(node, out).and_then(|v| Set::new(v, node)),
            "old_unicast_checksum" => {
                self.old_unicast_checksum = Set::new(node.value().is_none_or(|w| w.text != "never"), node);
            }
            "track_interface" => {
                self.tracked_interfaces.extend(node.children.iter().filter_map(|n| n.words.first().cloned()));
            }
            name => {
                self.garp.line(name, node, out);
            }
        }
    }

    /// MASTER wins over BACKUP, wherever it stands.
    fn state(&mut self, node: &Node, out: &mut Diagnoses) {
        let Some(word) = node.value() else { return };
        match word.text.as_str() {
            "MASTER" => self.master = Set::new(true, node),
            "BACKUP" => match self.master.as_ref().filter(|s| s.value) {
                Some(master) => out.push(
                    Diagnosis::warning(
                        "state-twice",
                        node.span(),
                        "this `state` has no effect: MASTER was written before",
                    )
                    .related(master.line, "this one counts")
                    .by_keepalived(),
                ),
                None => self.master = Set::new(false, node),
            },
            other => {
                let message = format!("{} is no state to start in: BACKUP is used", quote(other));
                let mut diagnosis = Diagnosis::error("bad-state", word.span, message).by_keepalived();
                let upper = other.to_ascii_uppercase();
                if upper == "MASTER" || upper == "BACKUP" {
                    diagnosis = diagnosis.fix("upper and lower case differ", word.span, upper);
                }
                out.push(diagnosis);
                if self.master.as_ref().is_none_or(|s| !s.value) {
                    self.master = Set::new(false, node);
                }
            }
        }
    }

    fn source(&mut self, node: &Node, out: &mut Diagnoses) {
        let Some(word) = node.value() else { return };
        if let Some(found) = address(word, &word.text, &mut self.family, node.name(), out) {
            self.source = Set::new(found, node);
        }
    }

    fn unicast_peer(&mut self, node: &Node, out: &mut Diagnoses) {
        self.unicast.get_or_insert(node.span());
        for entry in &node.children {
            let Some(word) = entry.words.first() else { continue };
            let found = address(word, &word.text, &mut self.family, "unicast_peer", out);
            self.peers.extend(found.map(|a| (a, word.span)));
            let mut rest = entry.words[1..].iter();
            while let Some(option) = rest.next() {
                let value = rest.next();
                if matches!(option.text.as_str(), "min_ttl" | "max_ttl") && value.is_some() {
                    let message = format!("`{}` is not modelled yet: any TTL is accepted", option.text);
                    out.push(Diagnosis::warning("not-modelled", option.span, message));
                    continue;
                }
                let message = format!("{} has no effect here: one peer a line", quote(&option.text));
                let mut diagnosis = Diagnosis::error("extra-words", option.span, message).by_keepalived();
                if option.text.parse::<IpAddr>().is_ok() {
                    diagnosis = diagnosis.label("this machine gets no advertisement").fix(
                        "begin a new line",
                        Span { end: option.span.start, ..option.span },
                        "\n        ",
                    );
                }
                out.push(diagnosis);
                break;
            }
        }
    }

    /// One line of `virtual_ipaddress`.
    fn virtual_address(&mut self, words: &[Word], out: &mut Diagnoses) {
        let Some(first) = words.first() else { return };
        let (text, prefix) = match first.text.split_once('/') {
            Some((text, prefix)) => (text, Some(prefix)),
            None => (first.text.as_str(), None),
        };
        let prefix = prefix.map_or(Some(32), |p| {
            p.parse::<u8>().ok().filter(|&p| p <= if text.contains(':') { 128 } else { 32 })
        });
        let Some(prefix) = prefix else {
            let message = format!("{} has no prefix length an address can have", quote(&first.text));
            out.push(Diagnosis::error("bad-address", first.span, message).label("left out").by_keepalived());
            return;
        };
        let Some(found) = address(first, text, &mut self.family, "virtual_ipaddress", out) else { return };
        let Ok(net) = IpNet::new(found, prefix) else { return };
        let device = options(&words[1..], out);
        if let Some((_, before)) = self.addresses.iter().find(|(a, _)| a.address.addr() == found) {
            let message = format!("{} stands here twice", quote(text));
            out.push(Diagnosis::warning("address-twice", first.span, message).related(*before, "first here"));
        }
        self.addresses.push((VirtualAddress { address: net, device, no_track: false }, line_span(words)));
    }
}

/// What may stand behind an address, and whether a word belongs to it.
const ADDRESS_OPTIONS: [(&str, bool); 16] = [
    ("dev", true),
    ("brd", true),
    ("broadcast", true),
    ("scope", true),
    ("label", true),
    ("peer", true),
    ("preferred_lft", true),
    ("track_group", true),
    ("use_vmac", true),
    ("home", false),
    ("nodad", false),
    ("-nodad", false),
    ("mngtmpaddr", false),
    ("noprefixroute", false),
    ("autojoin", false),
    ("no_track", false),
];

/// Reads the options of an address; what `dev` says.
fn options(words: &[Word], out: &mut Diagnoses) -> Option<String> {
    let mut device = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match ADDRESS_OPTIONS.iter().find(|(name, _)| *name == word.text) {
            Some((name, true)) => {
                let value = rest.next();
                if *name == "dev" {
                    device = value.map(|w| w.text.clone());
                }
                if value.is_none() {
                    let message = format!("`{name}` needs a word behind it");
                    out.push(Diagnosis::error("missing-parameter", word.span, message).by_keepalived());
                }
            }
            Some((_, false)) => {}
            None => {
                let message = format!("{} has no effect here: one address a line", quote(&word.text));
                let mut diagnosis = Diagnosis::error("extra-words", word.span, message).by_keepalived();
                if word.text.parse::<IpAddr>().is_ok() {
                    let before = Span { end: word.span.start, ..word.span };
                    diagnosis = diagnosis.label("nobody holds this address").fix(
                        "begin a new line",
                        before,
                        "\n        ",
                    );
                }
                out.push(diagnosis);
            }
        }
    }
    device
}

fn authentication(node: &Node, out: &mut Diagnoses) -> Authentication {
    let mut block = Authentication { line: node.span(), kind: None, kind_written: false, password: None };
    for line in &node.children {
        let Some(word) = line.value() else { continue };
        if line.name() == "auth_type" {
            block.kind_written = true;
            match word.text.as_str() {
                "PASS" => block.kind = Set::new(AuthKind::Pass, line),
                "AH" => block.kind = Set::new(AuthKind::Ah, line),
                other => {
                    let message = format!("{} is no authentication: PASS is", quote(other));
                    let help = "the instance runs without a password, and a peer with one takes no advertisement of it: both become master";
                    out.push(
                        Diagnosis::error("bad-auth-type", word.span, message).help(help).by_keepalived(),
                    );
                }
            }
        } else if line.name() == "auth_pass" {
            let mut bytes = [0; 8];
            let text = word.text.as_bytes();
            for (to, from) in bytes.iter_mut().zip(text) {
                *to = *from;
            }
            if text.len() > bytes.len() {
                let said = "a password has at most 8 characters: the rest is cut off";
                out.push(Diagnosis::warning("password-cut", word.span, said).by_keepalived());
            }
            block.password = Set::new(Password(bytes), line);
        }
    }
    block
}
