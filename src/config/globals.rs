//! `global_defs`: what holds for every instance that says nothing else.

use super::diagnosis::{Diagnoses, Diagnosis};
use super::model::Version;
use super::numbers::NumberError;
use super::parser::Node;
use super::values::{Set, integer, seconds, switch};

/// What `global_defs` blocks say; a later line wins.
#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) version: Option<Set<Version>>,
    pub(super) strict: Option<Set<bool>>,
    pub(super) min_garp: Option<Set<bool>>,
    pub(super) garp: GarpKeys,
    pub(super) lower_prio_no_advert: Option<Set<bool>>,
    pub(super) higher_prio_send_advert: Option<Set<bool>>,
    pub(super) down_timer_adverts: Option<Set<u8>>,
}

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

impl Globals {
    /// One line of `global_defs`.
    pub(super) fn line(&mut self, node: &Node, out: &mut Diagnoses) {
        let name = node.name();
        match name {
            "vrrp_version" => self.version = version(node, out).or(self.version.take()),
            "vrrp_strict" => self.strict = switch(node, out).and_then(|v| Set::new(v, node)),
            "vrrp_min_garp" => self.min_garp = switch(node, out).and_then(|v| Set::new(v, node)),
            "vrrp_lower_prio_no_advert" => {
                self.lower_prio_no_advert = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "vrrp_higher_prio_send_advert" => {
                self.higher_prio_send_advert = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "vrrp_down_timer_adverts" => {
                self.down_timer_adverts = down_timer_adverts(node, out).or(self.down_timer_adverts.take());
            }
            // Not modelled, but copies of one popular sample carry a value that keepalived refuses.
            "vrrp_garp_interval" | "vrrp_gna_interval" => {
                seconds(node, 1, u64::from(u32::MAX), "ignored: no pause, as without the line", out);
            }
            _ => {
                if let Some(key) = name.strip_prefix("vrrp_") {
                    self.garp.line(key, node, out);
                }
            }
        }
    }
}

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
}

/// `version`, or `vrrp_version`.
pub(super) fn version(node: &Node, out: &mut Diagnoses) -> Option<Set<Version>> {
    let number = integer(node, 2, 3, "ignored", out).ok()?;
    Set::new(if number == 3 { Version::V3 } else { Version::V2 }, node)
}

/// `down_timer_adverts`, or its global form.
pub(super) fn down_timer_adverts(node: &Node, out: &mut Diagnoses) -> Option<Set<u8>> {
    let number = integer(node, 1, 100, "ignored: 3", out).ok()?;
    Set::new(u8::try_from(number).ok()?, node)
}
