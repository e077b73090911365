//! `global_defs`, and what else holds for the whole machine: what counts where an instance says nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::addresses::multicast;
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::garp::GarpKeys;
use super::model::{LinkDelay, Version};
use super::numbers;
use super::parser::Node;
use super::values::{Set, integer, seconds, switch};
use super::{Config, Span};
use crate::time::Duration;

/// What `global_defs` blocks say; a later line wins.
#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) version: Option<Set<Version>>,
    pub(super) strict: Option<Set<bool>>,
    pub(super) min_garp: Option<Set<bool>>,
    pub(super) garp: GarpKeys,
    pub(super) garp_interval: Option<Set<Duration>>,
    pub(super) gna_interval: Option<Set<Duration>>,
    pub(super) lower_prio_no_advert: Option<Set<bool>>,
    pub(super) higher_prio_send_advert: Option<Set<bool>>,
    pub(super) down_timer_adverts: Option<Set<u8>>,
    pub(super) check_unicast_source: Option<Set<bool>>,
    pub(super) skip_check_addresses: Option<Set<bool>>,
    pub(super) v3_checksum_as_v2: Option<Set<bool>>,
    pub(super) owner_ignores_adverts: Option<Set<bool>>,
    /// `vrrp_mcast_group4` and `vrrp_mcast_group6`.
    pub(super) groups: [Option<Set<IpAddr>>; 2],
    pub(super) script_security: bool,
    startup_delay: Duration,
    delay_after_boot: Duration,
    dynamic_interfaces: bool,
    log_unknown_vrids: bool,
    fifos: [Option<Set<String>>; 2],
    /// The programs that read them.
    readers: [Option<Set<String>>; 2],
    notify_priority_changes: bool,
    fifo_states_on_reload: bool,
}

/// keepalived counts these times in microseconds in 32 bits.
const MICROS_MAX: u64 = u32::MAX as u64;

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
            "vrrp_check_unicast_src" => self.check_unicast_source = Set::new(true, node),
            "vrrp_skip_check_adv_addr" => {
                self.skip_check_addresses = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "v3_checksum_as_v2" => {
                self.v3_checksum_as_v2 = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "vrrp_owner_ignore_adverts" => {
                self.owner_ignores_adverts = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "vrrp_mcast_group4" => {
                self.groups[0] = multicast(node, &mut Some(false), out).and_then(|a| Set::new(a, node));
            }
            "vrrp_mcast_group6" => {
                self.groups[1] = multicast(node, &mut Some(true), out).and_then(|a| Set::new(a, node));
            }
            "vrrp_startup_delay" => {
                let read = seconds(node, 0, MICROS_MAX, "ignored: no delay", out);
                self.startup_delay = read.unwrap_or(self.startup_delay);
            }
            "vrrp_delay_after_boot" => {
                let read = seconds(node, 0, MICROS_MAX, "ignored: no delay", out);
                self.delay_after_boot = read.unwrap_or(self.delay_after_boot);
            }
            // Copies of one popular sample carry a 0 here, which keepalived refuses.
            "vrrp_garp_interval" => self.garp_interval = pause(node, out).or(self.garp_interval.take()),
            "vrrp_gna_interval" => self.gna_interval = pause(node, out).or(self.gna_interval.take()),
            "enable_script_security" | "script_security" => self.script_security = true,
            "notify_fifo" => fifo(&mut self.fifos[0], node, out),
            "vrrp_notify_fifo" => fifo(&mut self.fifos[1], node, out),
            "notify_fifo_script" => reader(&mut self.readers[0], node, out),
            "vrrp_notify_fifo_script" => reader(&mut self.readers[1], node, out),
            "vrrp_notify_priority_changes" => {
                self.notify_priority_changes = switch(node, out).unwrap_or(self.notify_priority_changes);
            }
            "log_unknown_vrids" | "vrrp_log_unknown_vrids" => self.log_unknown_vrids = true,
            "dynamic_interfaces" => self.dynamic_interfaces = true,
            "fifo_write_vrrp_states_on_reload" => self.fifo_states_on_reload = true,
            _ => {
                if let Some(key) = name.strip_prefix("vrrp_") {
                    self.garp.line(key, node, out);
                }
            }
        }
    }

    /// Where the first program stands that reads a pipe.
    pub(super) fn first_reader(&self) -> Option<Span> {
        self.readers.iter().flatten().map(|s| s.line).min()
    }

    /// Puts what is no default of an instance into the configuration.
    pub(super) fn settle(self, config: &mut Config, out: &mut Diagnoses) {
        for (fifo, reader) in self.fifos.iter().zip(self.readers) {
            match (fifo, reader) {
                (Some(fifo), Some(reader)) => {
                    config.fifo_scripts.push(format!("{} {}", reader.value, fifo.value));
                }
                (None, Some(reader)) => {
                    let message = "there is no pipe for this program to read: it is not run";
                    out.push(Diagnosis::warning("reader-without-fifo", reader.line, message));
                }
                _ => {}
            }
        }
        config.startup_delay = self.startup_delay;
        config.delay_after_boot = self.delay_after_boot;
        config.log_unknown_vrids = self.log_unknown_vrids;
        config.dynamic_interfaces = self.dynamic_interfaces;
        config.fifos = self.fifos.into_iter().flatten().map(|s| s.value).collect();
        config.notify_priority_changes = self.notify_priority_changes;
        config.fifo_states_on_reload = self.fifo_states_on_reload;
    }
}

/// The time between two announcements.
pub(super) fn pause(node: &Node, out: &mut Diagnoses) -> Option<Set<Duration>> {
    Set::new(seconds(node, 1, MICROS_MAX, "ignored: no pause, as without the line", out)?, node)
}

fn fifo(field: &mut Option<Set<String>>, node: &Node, out: &mut Diagnoses) {
    let Some(path) = node.value() else { return };
    match field {
        Some(first) => {
            let message = format!("there is a {} already: that one counts", node.name());
            let twice = Diagnosis::warning("fifo-twice", node.span(), message);
            out.push(twice.related(first.line, "the first").by_keepalived());
        }
        None => *field = Set::new(path.text.clone(), node),
    }
}

fn reader(field: &mut Option<Set<String>>, node: &Node, out: &mut Diagnoses) {
    if let Some(first) = field {
        let message = format!("there is a {} already: that one counts", node.name());
        let twice = Diagnosis::warning("fifo-twice", node.span(), message);
        out.push(twice.related(first.line, "the first").by_keepalived());
        return;
    }
    *field = super::notify::command(node).and_then(|command| Set::new(command, node));
}

/// `interface_up_down_delays`: seconds down, then seconds up. A later line of an interface wins.
pub(super) fn link_delays(node: &Node, delays: &mut BTreeMap<String, LinkDelay>, out: &mut Diagnoses) {
    for entry in &node.children {
        let [name, times @ ..] = entry.words.as_slice() else { continue };
        if times.is_empty() {
            let message = format!("{} has no delay", quote(&name.text));
            out.push(
                Diagnosis::error("missing-parameter", name.span, message).label("ignored").by_keepalived(),
            );
            continue;
        }
        let mut read = [Duration::ZERO; 2];
        let mut fine = true;
        for (to, word) in read.iter_mut().zip(times) {
            match numbers::decimal(&word.text, 0, 255_000_000) {
                Ok(micros) => *to = Duration::from_micros(micros),
                Err(_) => {
                    let message = format!("{} is no delay: seconds, 0..255, are", quote(&word.text));
                    let bad = Diagnosis::error("bad-number", word.span, message);
                    out.push(bad.label("the line is ignored").by_keepalived());
                    fine = false;
                    break;
                }
            }
        }
        if let Some(extra) = times.get(2) {
            let message = "an interface has two delays: down and up";
            out.push(Diagnosis::warning("extra-words", extra.span, message));
        }
        if fine {
            let [down, up] = read;
            delays.insert(name.text.clone(), LinkDelay { interface: name.text.clone(), down, up });
        }
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
