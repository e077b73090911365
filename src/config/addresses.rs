//! The lists of an instance: virtual addresses, excluded ones, peers; and its multicast group.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::instance::Draft;
use super::keywords::{Context, lookup};
use super::lexer::Word;
use super::model::{Peer, VirtualAddress};
use super::numbers;
use super::parser::{Node, line_span};
use super::values::{Set, address};

impl Draft {
    /// `unicast_src_ip`, or `mcast_src_ip`: they are one.
    pub(super) fn read_source(&mut self, node: &Node, out: &mut Diagnoses) {
        let Some(word) = node.value() else { return };
        if let Some(found) = address(word, &word.text, &mut self.family, node.name(), out) {
            self.source = Set::new(found, node);
        }
    }

    /// `mcast_dst_ip`.
    pub(super) fn read_group(&mut self, node: &Node, out: &mut Diagnoses) {
        if let Some(found) = multicast(node, &mut self.family, out) {
            self.group = Set::new(found, node);
        }
    }

    pub(super) fn unicast_peer(&mut self, node: &Node, out: &mut Diagnoses) {
        self.unicast.get_or_insert(node.span());
        for entry in &node.children {
            let Some(word) = entry.words.first() else { continue };
            let found = address(word, &word.text, &mut self.family, "unicast_peer", out);
            let ttl = peer_options(&entry.words[1..], out);
            self.peers.extend(found.map(|address| (Peer { address, ttl }, word.span)));
        }
    }

    /// One line of `virtual_ipaddress`, or of `virtual_ipaddress_excluded`: those may be of the other family.
    pub(super) fn virtual_address(&mut self, words: &[Word], excluded: bool, out: &mut Diagnoses) {
        let Some(first) = words.first() else { return };
        let (text, prefix) = match first.text.split_once('/') {
            Some((text, prefix)) => (text, Some(prefix)),
            None => (first.text.as_str(), None),
        };
        let longest = if text.contains(':') { 128 } else { 32 };
        let prefix = prefix.map_or(Some(longest), |p| p.parse::<u8>().ok().filter(|&p| p <= longest));
        let Some(prefix) = prefix else {
            let message = format!("{} has no prefix length an address can have", quote(&first.text));
            out.push(Diagnosis::error("bad-address", first.span, message).label("left out").by_keepalived());
            return;
        };
        let found = if excluded {
            address(first, text, &mut None, "virtual_ipaddress_excluded", out)
        } else {
            address(first, text, &mut self.family, "virtual_ipaddress", out)
        };
        let Some(found) = found else { return };
        let Ok(net) = IpNet::new(found, prefix) else { return };
        let (device, no_track) = options(&words[1..], out);
        if let Some(&before) = self.held.get(&found) {
            let message = format!("{} stands here twice", quote(text));
            out.push(Diagnosis::warning("address-twice", first.span, message).related(before, "first here"));
        }
        self.held.entry(found).or_insert(line_span(words));
        let list = if excluded { &mut self.excluded } else { &mut self.addresses };
        list.push((VirtualAddress { address: net, device, no_track }, line_span(words)));
    }
}

/// A multicast address that may be a group of VRRP.
pub(super) fn multicast(node: &Node, family: &mut Option<bool>, out: &mut Diagnoses) -> Option<IpAddr> {
    let word = node.value()?;
    let found = address(word, &word.text, family, node.name(), out)?;
    let fits = match found {
        IpAddr::V4(a) => a.is_multicast(),
        // Link-local scope: RFC 4291 section 2.7.
        IpAddr::V6(a) => a.segments()[0] & 0xff0f == 0xff02,
    };
    if !fits {
        let scope = if found.is_ipv6() { "link-local " } else { "" };
        let message = format!("{} is no {scope}multicast address", quote(&word.text));
        out.push(Diagnosis::error("bad-address", word.span, message).label("ignored").by_keepalived());
    }
    fits.then_some(found)
}

/// What stands behind a peer: the least and the greatest TTL, if one of them does.
fn peer_options(words: &[Word], out: &mut Diagnoses) -> Option<(u8, u8)> {
    let (mut min, mut max) = (None, None);
    let mut rest = words.iter();
    while let Some(option) = rest.next() {
        let bound = match option.text.as_str() {
            "min_ttl" => &mut min,
            "max_ttl" => &mut max,
            _ => {
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
        };
        let value = rest.next();
        match value.map(|w| numbers::integer(&w.text, 0, 255)) {
            Some(Ok(n)) => *bound = u8::try_from(n).ok(),
            _ => {
                let span = value.map_or(option.span, |w| w.span);
                let message = format!("`{}` takes a number, 0..255", option.text);
                out.push(Diagnosis::error("bad-number", span, message).label("ignored").by_keepalived());
            }
        }
    }
    let ttl = (min.or(max)?, max.unwrap_or(255));
    let ttl = (min.unwrap_or(0), ttl.1);
    if ttl.0 > ttl.1 {
        let message = format!("no TTL is within {}..{}: this peer is never heard", ttl.0, ttl.1);
        out.push(Diagnosis::warning("no-ttl-fits", line_span(words), message));
    }
    Some(ttl)
}

/// Reads the options of an address: what `dev` says, and whether `no_track` stands there.
fn options(words: &[Word], out: &mut Diagnoses) -> (Option<String>, bool) {
    let (mut device, mut no_track) = (None, false);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match lookup(Context::Address, &word.text) {
            Some(option) if option.form.needs_word() => {
                let value = rest.next();
                if option.name == "dev" {
                    device = value.map(|w| w.text.clone());
                }
                if value.is_none() {
                    let message = format!("`{}` needs a word behind it", option.name);
                    out.push(Diagnosis::error("missing-parameter", word.span, message).by_keepalived());
                }
            }
            Some(option) => no_track |= option.name == "no_track",
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
    (device, no_track)
}
