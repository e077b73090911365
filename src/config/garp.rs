//! The `garp_*` keywords: how an instance announces its addresses.

use std::collections::BTreeMap;

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::globals::{Globals, pause};
use super::model::{Garp, GarpGroup};
use super::numbers::NumberError;
use super::parser::Node;
use super::values::{Set, integer};
use crate::time::Duration;

/// The `garp_*` keywords of an instance, or the `vrrp_garp_*` ones of `global_defs`. Seconds and counts.
#[derive(Debug, Default)]
pub(super) struct GarpKeys {
    pub(super) master_delay: Option<Set<u32>>,
    pub(super) master_repeat: Option<Set<u32>>,
    pub(super) master_refresh: Option<Set<u32>>,
    pub(super) master_refresh_repeat: Option<Set<u32>>,
    pub(super) lower_prio_delay: Option<Set<u32>>,
    pub(super) lower_prio_repeat: Option<Set<u32>>,
}

/// keepalived keeps these times in microseconds in 32 bits.
const GARP_SECONDS_MAX: u64 = 4294;

impl GarpKeys {
    /// The line of one `garp_*` keyword; false when it is none.
    pub(super) fn line(&mut self, key: &str, node: &Node, out: &mut Diagnoses) -> bool {
        let (field, is_time, least) = match key {
            "garp_master_delay" => (&mut self.master_delay, true, 0),
            "garp_master_refresh" => (&mut self.master_refresh, true, 0),
            "garp_lower_prio_delay" => (&mut self.lower_prio_delay, true, 0),
            "garp_master_repeat" => (&mut self.master_repeat, false, 1),
            "garp_master_refresh_repeat" => (&mut self.master_refresh_repeat, false, 1),
            "garp_lower_prio_repeat" => (&mut self.lower_prio_repeat, false, 0),
            _ => return false,
        };
        let max = if is_time { GARP_SECONDS_MAX } else { u64::from(u32::MAX) };
        // Read with its error, `garp_master_delay 1.5` still sets 1: a measured quirk.
        let kept =
            if key == "garp_master_delay" { "only the digits it begins with count" } else { "ignored" };
        let value = match integer(node, 0, max, kept, out) {
            Ok(0) if least == 1 => {
                let message = format!("{} must be at least 1", node.name());
                let span = node.value().map_or(node.span(), |w| w.span);
                out.push(Diagnosis::warning("repeat-zero", span, message).label("1 is used").by_keepalived());
                1
            }
            Ok(value) => value,
            Err(NumberError::Invalid(digits)) if key == "garp_master_delay" => digits.min(max),
            Err(_) => return true,
        };
        *field = Set::new(u32::try_from(value).unwrap_or(u32::MAX), node);
        true
    }

    /// What is in force for an instance with these lines, and which line decided it.
    pub(super) fn complete(
        self,
        globals: &Globals,
        strict: bool,
        decided: &mut BTreeMap<&'static str, Span>,
    ) -> Garp {
        let global = &globals.garp;
        let minimal = globals.min_garp.as_ref().is_some_and(|s| s.value);
        // What an instance inherits for lower_prio is the global value, never its own master_* (measured).
        let global_delay = global.master_delay.as_ref().map_or(if minimal { 0 } else { 5 }, |s| s.value);
        let global_repeat = global.master_repeat.as_ref().map_or(if minimal { 1 } else { 5 }, |s| s.value);
        let lower_delay =
            if strict { 0 } else { global.lower_prio_delay.as_ref().map_or(global_delay, |s| s.value) };
        let lower_repeat =
            if strict { 0 } else { global.lower_prio_repeat.as_ref().map_or(global_repeat, |s| s.value) };
        let mut pick = |keyword, own: Option<Set<u32>>, global: &Option<Set<u32>>, default| match own
            .or_else(|| global.clone())
        {
            Some(set) => {
                decided.insert(keyword, set.line);
                set.value
            }
            None => default,
        };
        let seconds = |n: u32| Duration::from_secs(u64::from(n));
        Garp {
            master_delay: seconds(pick(
                "garp_master_delay",
                self.master_delay,
                &global.master_delay,
                global_delay,
            )),
            master_repeat: pick(
                "garp_master_repeat",
                self.master_repeat,
                &global.master_repeat,
                global_repeat,
            ),
            master_refresh: seconds(pick(
                "garp_master_refresh",
                self.master_refresh,
                &global.master_refresh,
                0,
            )),
            master_refresh_repeat: pick(
                "garp_master_refresh_repeat",
                self.master_refresh_repeat,
                &global.master_refresh_repeat,
                1,
            ),
            lower_prio_delay: seconds(pick(
                "garp_lower_prio_delay",
                self.lower_prio_delay,
                &None,
                lower_delay,
            )),
            lower_prio_repeat: pick("garp_lower_prio_repeat", self.lower_prio_repeat, &None, lower_repeat),
            interval: globals.garp_interval.as_ref().map_or(Duration::ZERO, |s| s.value),
            gna_interval: globals.gna_interval.as_ref().map_or(Duration::ZERO, |s| s.value),
        }
    }
}

/// Reads every `garp_group`. An interface is in the first that names it.
pub(super) fn groups(top: &[Node], out: &mut Diagnoses) -> Vec<GarpGroup> {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut groups = Vec::new();
    for node in top.iter().filter(|n| n.name() == "garp_group") {
        let (mut interval, mut gna_interval, mut interfaces) = (None, None, Vec::new());
        for line in &node.children {
            let names = match line.name() {
                "garp_interval" => {
                    interval = pause(line, out).or(interval);
                    continue;
                }
                "gna_interval" => {
                    gna_interval = pause(line, out).or(gna_interval);
                    continue;
                }
                "interface" => line.words.get(1..2).unwrap_or_default().iter().collect::<Vec<_>>(),
                "interfaces" => line.children.iter().flat_map(|entry| &entry.words).collect(),
                _ => continue,
            };
            for name in names {
                if let Some(&before) = seen.get(&name.text) {
                    let message =
                        format!("{} is in a garp_group already: that one counts", quote(&name.text));
                    let twice = Diagnosis::warning("interface-twice", name.span, message);
                    out.push(twice.label("no effect").related(before, "the first").by_keepalived());
                    continue;
                }
                seen.insert(name.text.clone(), name.span);
                interfaces.push(name.text.clone());
            }
        }
        let lacks = match (interfaces.is_empty(), &interval, &gna_interval) {
            (true, ..) => "it names no interface",
            (_, None, None) => "it has no interval",
            _ => "",
        };
        if !lacks.is_empty() {
            let message = format!("a garp_group without effect: {lacks}");
            out.push(Diagnosis::error("empty-garp-group", node.span(), message).by_keepalived());
            continue;
        }
        let of = |set: Option<Set<Duration>>| set.map_or(Duration::ZERO, |s| s.value);
        groups.push(GarpGroup { interfaces, interval: of(interval), gna_interval: of(gna_interval) });
    }
    groups
}
