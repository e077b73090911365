//! `bfd_instance`: a session with a neighbour, which instances may track.

use std::net::IpAddr;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::model::BfdSession;
use super::parser::Node;
use super::tracking::{Definition, own_weight};
use super::values::integer;
use crate::bfd::Settings;
use crate::time::Duration;

/// keepalived counts these in microseconds in 32 bits.
const MILLIS_MAX: u64 = u32::MAX as u64 / 1_000;

/// A block, and whether instances may track it: one for health checks only they may not.
pub(super) struct Read {
    pub(super) definition: Definition<BfdSession>,
    pub(super) for_vrrp: bool,
}

/// Reads a block; `None` where keepalived disables it.
pub(super) fn read(name: &Word, node: &Node, place: usize, out: &mut Diagnoses) -> Option<Read> {
    let (mut neighbour, mut source) = (None, None);
    let (mut weight, mut reverse) = (0, false);
    let (mut vrrp, mut checker) = (false, false);
    let (mut ttl, mut hops_max) = (None, 0);
    let ten = Duration::from_millis(10);
    let mut settings =
        Settings { min_tx: ten, min_rx: ten, idle_tx: Duration::from_secs(1), multiplier: 5, passive: false };
    for line in &node.children {
        let millis = |min, out: &mut Diagnoses| {
            integer(line, min, MILLIS_MAX, "ignored", out).ok().map(Duration::from_millis)
        };
        let small = |min, out: &mut Diagnoses| {
            integer(line, min, 255, "ignored", out).ok().and_then(|n| u8::try_from(n).ok())
        };
        match line.name() {
            "neighbor_ip" | "neighbour_ip" => neighbour = address(line, out).or(neighbour),
            "source_ip" => source = address(line, out).or(source),
            "min_rx" => settings.min_rx = millis(1, out).unwrap_or(settings.min_rx),
            "min_tx" => settings.min_tx = millis(1, out).unwrap_or(settings.min_tx),
            "idle_tx" => settings.idle_tx = millis(1_000, out).unwrap_or(settings.idle_tx),
            "multiplier" => settings.multiplier = small(1, out).unwrap_or(settings.multiplier),
            "passive" => settings.passive = true,
            "ttl" | "hoplimit" => ttl = small(1, out).or(ttl),
            "max_hops" => hops_max = small(0, out).unwrap_or(hops_max),
            "weight" => (weight, reverse) = own_weight(line, 0, out),
            "vrrp" => vrrp = true,
            "checker" => checker = true,
            _ => {}
        }
    }
    let disabled = |span, message: String, out: &mut Diagnoses| {
        out.push(Diagnosis::error("bfd-disabled", span, message).label("it is left out").by_keepalived());
    };
    let Some((neighbour, _)) = neighbour else {
        disabled(name.span, format!("the bfd_instance {} has no neighbor_ip", quote(&name.text)), out);
        return None;
    };
    if let Some((source, span)) = source.filter(|(source, _)| source.is_ipv4() != neighbour.is_ipv4()) {
        disabled(span, format!("{source} and {neighbour} are of different families"), out);
        return None;
    }
    // keepalived.conf(5): 255 over IPv4, 64 over IPv6.
    let ttl = ttl.unwrap_or(if neighbour.is_ipv4() { 255 } else { 64 });
    let source = source.map(|(source, _)| source);
    let value = BfdSession { name: name.text.clone(), neighbour, source, settings, ttl, hops_max };
    let definition = Definition { value, weight, reverse, place, name: name.span };
    Some(Read { definition, for_vrrp: vrrp || !checker })
}

fn address(line: &Node, out: &mut Diagnoses) -> Option<(IpAddr, super::Span)> {
    let word = line.value()?;
    match word.text.parse() {
        Ok(address) => Some((address, word.span)),
        Err(_) => {
            let message = format!("{} is no IP address", quote(&word.text));
            out.push(Diagnosis::error("bad-address", word.span, message).label("ignored").by_keepalived());
            None
        }
    }
}
