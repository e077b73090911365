//! From what an instance's lines say to what is in force: defaults, rounding, clearing (spec: vrrp.md 2.3,
//! 2.5, 3.2; every rule here is held against keepalived 2.2.7 by `tests/probes.rs`).

use std::collections::BTreeMap;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::globals::Globals;
use super::instance::{AuthKind, Draft};
use super::model::{Garp, Instance, Notify, Password, Peer, VRRP_GROUP, Version};
use super::values::Set;
use super::{Span, diagnosis::Severity};
use crate::time::Duration;

/// The instance in force, or why keepalived refuses to run with it.
pub(super) fn complete(draft: Draft, globals: &Globals, out: &mut Diagnoses) -> Result<Instance, String> {
    let mut decided = BTreeMap::new();
    let mut job = Job { draft, globals, decided: &mut decided, out };
    let instance = job.run();
    instance.map(|i| Instance { decided, ..i })
}

struct Job<'a> {
    draft: Draft,
    globals: &'a Globals,
    decided: &'a mut BTreeMap<&'static str, Span>,
    out: &'a mut Diagnoses,
}

impl Job<'_> {
    fn run(&mut self) -> Result<Instance, String> {
        let strict =
            self.draft.strict.clone().or(self.globals.strict.clone()).filter(|s| s.value).map(|s| s.line);
        let version = self.draft.version.clone().or(self.globals.version.clone());
        let version = self.decide("version", version).unwrap_or(Version::V2);
        let (priority, starts_master) = self.priority_and_state(strict);
        let password = self.password(version, strict);
        let nopreempt = self.nopreempt(priority, starts_master);
        let preempt_delay = self.preempt_delay(nopreempt, starts_master, strict);
        let advert_interval = self.advert_interval(version);
        let lower_prio_no_advert =
            self.draft.lower_prio_no_advert.clone().or(self.globals.lower_prio_no_advert.clone());
        let higher_prio =
            self.draft.higher_prio_send_advert.clone().or(self.globals.higher_prio_send_advert.clone());
        let down = self.draft.down_timer_adverts.clone().or(self.globals.down_timer_adverts.clone());
        let garp = self.garp(strict.is_some());
        let (ttl, source) = (self.draft.unicast_ttl.clone(), self.draft.source.clone());
        let old_checksum = self.draft.old_unicast_checksum.clone();
        let interface = self.draft.interface.clone();
        self.check_unicast();
        self.check_tracked();
        let vrid = self.vrid()?;
        let instance = Instance {
            name: self.draft.name.text.clone(),
            interface: self.decide("interface", interface),
            vrid,
            version,
            priority,
            starts_master,
            advert_interval,
            down_timer_adverts: match strict {
                Some(_) => 3,
                None => self.decide("down_timer_adverts", down).unwrap_or(3),
            },
            nopreempt,
            preempt_delay,
            password,
            source: self
                .decide(if self.draft.unicast_source { "unicast_src_ip" } else { "mcast_src_ip" }, source),
            peers: self.draft.peers.iter().map(|(a, _)| Peer { address: *a, ttl: None }).collect(),
            lost_its_peers: self.draft.unicast.is_some() && self.draft.peers.is_empty(),
            fault_without_peers: false,
            unicast_ttl: self.decide("unicast_ttl", ttl),
            check_unicast_source: false,
            group: VRRP_GROUP.into(),
            addresses: self.addresses(),
            excluded: Vec::new(),
            garp,
            lower_prio_no_advert: self.decide("lower_prio_no_advert", lower_prio_no_advert).unwrap_or(false)
                || strict.is_some(),
            higher_prio_send_advert: self.decide("higher_prio_send_advert", higher_prio).unwrap_or(false),
            old_unicast_checksum: self.decide("old_unicast_checksum", old_checksum).unwrap_or(false),
            v3_checksum_as_v2: false,
            skip_check_addresses: false,
            hmac: None,
            tracked: Vec::new(),
            track_own_interface: true,
            track_source: false,
            timer_expired_backup: None,
            notify: Notify::default(),
            decided: BTreeMap::new(),
        };
        self.check_required(&instance)?;
        Ok(instance)
    }

    /// Takes a value and remembers its line.
    fn decide<T>(&mut self, keyword: &'static str, set: Option<Set<T>>) -> Option<T> {
        let set = set?;
        self.decided.insert(keyword, set.line);
        Some(set.value)
    }

    fn warn(&self, code: &'static str, span: Span, message: impl std::fmt::Display) -> Diagnosis {
        let message = format!("{}: {message}", self.draft.name.text);
        Diagnosis::new(Severity::Warning, code, Some(span), message)
    }

    fn priority_and_state(&mut self, strict: Option<Span>) -> (u8, bool) {
        let state = self.draft.master.clone();
        let written_master = state.as_ref().is_some_and(|s| s.value);
        let written_priority = self.draft.priority.clone();
        let explicit = written_priority.is_some();
        let priority =
            self.decide("priority", written_priority).unwrap_or(if written_master { 255 } else { 100 });
        let Some(state) = state else { return (priority, priority == 255) };
        self.decided.insert("state", state.line);
        if !explicit && written_master {
            self.decided.insert("priority", state.line);
            let message = "`state MASTER` without a priority makes it 255, the owner of the address";
            let diagnosis = self.warn("owner-by-state", state.line, message);
            self.out.push(
                diagnosis.help("an owner takes the address at once, whoever holds it; write the priority"),
            );
        } else if let (Some(strict), true) = (strict, written_master != (priority == 255)) {
            let diagnosis =
                self.warn("strict-state", state.line, "strict mode ties `state MASTER` to priority 255");
            self.out.push(diagnosis.related(strict, "strict").by_keepalived());
            return (priority, priority == 255);
        } else if written_master && priority < 255 {
            let message =
                format!("{}: `state MASTER` does not make it start as master", self.draft.name.text);
            let help = "since keepalived 2.0 only priority 255 does: it starts as backup and waits a whole master down interval";
            self.out.push(Diagnosis::note("state-master-waits", state.line, message).help(help));
        }
        (priority, written_master)
    }

    fn password(&mut self, version: Version, strict: Option<Span>) -> Option<Password> {
        let block = self.draft.authentication.take()?;
        if let Some(strict) = strict {
            let diagnosis = self.warn(
                "strict-authentication",
                block.line,
                "strict mode has no authentication: no password is used",
            );
            let help = "vrrp_strict does not go with a cloud's unicast either: leave it out";
            self.out.push(diagnosis.related(strict, "strict").help(help).by_keepalived());
            return None;
        }
        if version == Version::V3 {
            let mut diagnosis = self.warn(
                "v3-authentication",
                block.line,
                "VRRPv3 has no authentication: no password is used",
            );
            if let Some(&line) = self.decided.get("version") {
                diagnosis = diagnosis.related(line, "version 3");
            }
            self.out.push(diagnosis.by_keepalived());
            return None;
        }
        match (block.kind, block.password) {
            (Some(Set { value: AuthKind::Ah, line }), _) => {
                let diagnosis =
                    self.warn("not-modelled", line, "`auth_type AH` is not modelled yet: it runs without");
                self.out.push(diagnosis);
                None
            }
            (Some(kind), Some(password)) => {
                self.decided.insert("auth_type", kind.line);
                self.decide("auth_pass", Some(password))
            }
            (Some(kind), None) => {
                let diagnosis = self.warn(
                    "no-password",
                    kind.line,
                    "there is no `auth_pass`: it runs without authentication",
                );
                self.out.push(
                    diagnosis
                        .help("one keyword a line: `auth_type PASS auth_pass x` loses the password")
                        .by_keepalived(),
                );
                None
            }
            (None, Some(password)) if !block.kind_written => {
                let diagnosis = self.warn(
                    "no-auth-type",
                    password.line,
                    "there is no `auth_type PASS`: the password is not used",
                );
                self.out.push(diagnosis);
                None
            }
            (None, _) => None,
        }
    }

    /// `nopreempt`, cleared by priority 255 and by `state MASTER`.
    fn nopreempt(&mut self, priority: u8, starts_master: bool) -> bool {
        let Some(Set { value, line }) = self.draft.nopreempt.take() else { return false };
        self.decided.insert("nopreempt", line);
        if !value {
            return false;
        }
        if priority == 255 {
            let diagnosis = self.warn("owner-preempts", line, "priority 255 clears `nopreempt`");
            let by = self.decided.get("priority").copied();
            self.out.push(related(diagnosis, by, "the owner always takes over").by_keepalived());
        } else if starts_master {
            let diagnosis = self.warn("master-clears-nopreempt", line, "`state MASTER` clears `nopreempt`");
            let by = self.decided.get("state").copied();
            let help = "coming back, this machine takes the address from the one that holds it; `nopreempt` needs `state BACKUP`";
            self.out.push(
                related(diagnosis.label("no effect"), by, "cleared by this").help(help).by_keepalived(),
            );
        } else {
            return true;
        }
        let by = self.decided.get(if priority == 255 { "priority" } else { "state" }).copied();
        self.decided.insert("nopreempt", by.unwrap_or(line));
        false
    }

    /// `preempt_delay`, cleared by strict mode, by `nopreempt` and by `state MASTER`.
    fn preempt_delay(&mut self, nopreempt: bool, starts_master: bool, strict: Option<Span>) -> Duration {
        let Some(Set { value, line }) = self.draft.preempt_delay.take() else { return Duration::ZERO };
        self.decided.insert("preempt_delay", line);
        if value.is_zero() {
            return value;
        }
        let (code, message, by, help) = if let Some(strict) = strict {
            ("strict-clears-delay", "strict mode clears `preempt_delay`", Some(strict), "")
        } else if nopreempt {
            let by = self.decided.get("nopreempt").copied();
            let help = "it never preempts, so there is nothing to delay: leave one of the two out";
            ("nopreempt-clears-delay", "`nopreempt` clears `preempt_delay`", by, help)
        } else if starts_master {
            let by = self.decided.get("state").or(self.decided.get("priority")).copied();
            let help = "a delayed preemption needs `state BACKUP`";
            ("master-clears-delay", "`state MASTER` clears `preempt_delay`", by, help)
        } else {
            return value;
        };
        let mut diagnosis = self.warn(code, line, message).label("no effect");
        if !help.is_empty() {
            diagnosis = diagnosis.help(help);
        }
        self.out.push(related(diagnosis, by, "cleared by this").by_keepalived());
        self.decided.insert("preempt_delay", by.unwrap_or(line));
        Duration::ZERO
    }

    /// `advert_int`, in the grain of the version: whole seconds, or hundredths up to 40.95 s.
    fn advert_interval(&mut self, version: Version) -> Duration {
        let Some(Set { value, line }) = self.draft.advert_interval.take() else {
            return Duration::from_secs(1);
        };
        self.decided.insert("advert_int", line);
        let micros = value.as_micros();
        let rounded = match version {
            Version::V2 => Duration::from_secs(((micros + 500_000) / 1_000_000).max(1)),
            Version::V3 => Duration::from_centis(((micros + 5_000) / 10_000).clamp(1, 4095)),
        };
        if rounded != value {
            let (what, help) = match version {
                Version::V2 => ("VRRPv2 counts whole seconds", "`version 3` counts hundredths of a second"),
                Version::V3 if micros > 40_950_000 => ("VRRPv3 has at most 40.95 s", ""),
                Version::V3 => ("VRRPv3 counts hundredths of a second", ""),
            };
            let diagnosis = self
                .warn("interval-rounded", line, format!("{what}: advert_int becomes {rounded}"))
                .by_keepalived();
            self.out.push(if help.is_empty() { diagnosis } else { diagnosis.help(help) });
        }
        rounded
    }

    fn garp(&mut self, strict: bool) -> Garp {
        let (own, global) = (std::mem::take(&mut self.draft.garp), &self.globals.garp);
        let minimal = self.globals.min_garp.as_ref().is_some_and(|s| s.value);
        // What an instance inherits for lower_prio is the global value, never its own master_* (measured).
        let global_delay = global.master_delay.as_ref().map_or(if minimal { 0 } else { 5 }, |s| s.value);
        let global_repeat = global.master_repeat.as_ref().map_or(if minimal { 1 } else { 5 }, |s| s.value);
        let lower_delay =
            if strict { 0 } else { global.lower_prio_delay.as_ref().map_or(global_delay, |s| s.value) };
        let lower_repeat =
            if strict { 0 } else { global.lower_prio_repeat.as_ref().map_or(global_repeat, |s| s.value) };
        let mut pick = |keyword, own: Option<Set<u32>>, global: &Option<Set<u32>>, default| {
            self.decide(keyword, own.or_else(|| global.clone())).unwrap_or(default)
        };
        let seconds = |n: u32| Duration::from_secs(u64::from(n));
        Garp {
            master_delay: seconds(pick(
                "garp_master_delay",
                own.master_delay,
                &global.master_delay,
                global_delay,
            )),
            master_repeat: pick(
                "garp_master_repeat",
                own.master_repeat,
                &global.master_repeat,
                global_repeat,
            ),
            master_refresh: seconds(pick(
                "garp_master_refresh",
                own.master_refresh,
                &global.master_refresh,
                0,
            )),
            master_refresh_repeat: pick(
                "garp_master_refresh_repeat",
                own.master_refresh_repeat,
                &global.master_refresh_repeat,
                1,
            ),
            lower_prio_delay: seconds(pick(
                "garp_lower_prio_delay",
                own.lower_prio_delay,
                &None,
                lower_delay,
            )),
            lower_prio_repeat: pick("garp_lower_prio_repeat", own.lower_prio_repeat, &None, lower_repeat),
            interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
        }
    }

    fn addresses(&mut self) -> Vec<super::VirtualAddress> {
        let interface = self.draft.interface.as_ref().map(|s| s.value.clone());
        let mut addresses: Vec<_> = self.draft.addresses.iter().map(|(a, _)| a.clone()).collect();
        for address in &mut addresses {
            if address.device == interface {
                address.device = None;
            }
        }
        addresses
    }

    fn vrid(&mut self) -> Result<u8, String> {
        let vrid = self.draft.vrid.clone();
        self.decide("virtual_router_id", vrid).ok_or_else(|| {
            let name = &self.draft.name;
            let message = format!("{}: there is no `virtual_router_id`", name.text);
            let help = "keepalived refuses to start (exit 2)";
            self.out.push(Diagnosis::error("no-vrid", name.span, message).help(help).by_keepalived());
            format!("{} has no virtual_router_id", quote(&name.text))
        })
    }

    fn check_unicast(&mut self) {
        let draft = &self.draft;
        if let (Some(line), true, false) = (draft.unicast, draft.peers.is_empty(), draft.ipv6) {
            let diagnosis =
                self.warn("unicast-without-peers", line, "no peer is left: it advertises by multicast");
            let help = "a cloud's network carries no multicast: every machine would become master; list the others in `unicast_peer`";
            self.out.push(diagnosis.help(help).by_keepalived());
            return;
        }
        let Some(source) = draft.source.as_ref() else { return };
        let own_peer = draft.peers.iter().find(|(a, _)| *a == source.value);
        let own_address = draft.addresses.iter().find(|(a, _)| a.address.addr() == source.value);
        let (own_peer, own_address, line) = (own_peer.map(|p| p.1), own_address.map(|a| a.1), source.line);
        if let Some(span) = own_peer {
            let diagnosis = self.warn("own-peer", span, "this machine is in its own list of peers");
            self.out.push(diagnosis.related(line, "its address"));
        }
        if let Some(span) = own_address {
            let diagnosis = self.warn(
                "source-is-virtual",
                span,
                "the source of advertisements is a virtual address: it stays in FAULT",
            );
            self.out.push(diagnosis.related(line, "the source"));
        }
    }

    fn check_tracked(&mut self) {
        let own = self.draft.interface.as_ref().map(|s| s.value.clone());
        let tracked =
            self.draft.tracked_interfaces.iter().find(|w| Some(&w.text) == own.as_ref()).map(|w| w.span);
        if let Some(span) = tracked {
            let diagnosis = self.warn(
                "own-interface-tracked",
                span,
                "the own interface is always tracked: this line has no effect",
            );
            self.out.push(diagnosis.by_keepalived());
        }
    }

    /// What an instance cannot do without.
    fn check_required(&mut self, instance: &Instance) -> Result<(), String> {
        let name = self.draft.name.clone();
        if instance.interface.is_none() && !self.draft.unicast_source {
            let message = format!("{}: there is no `interface`", name.text);
            let help = "keepalived refuses to start (exit 2); only `unicast_src_ip` can stand in for it";
            self.out.push(Diagnosis::error("no-interface", name.span, message).help(help).by_keepalived());
            return Err(format!("{} has no interface", quote(&name.text)));
        }
        if !instance.addresses.is_empty() || self.draft.ipv6 {
            return Ok(());
        }
        let message = format!("{}: there is no virtual address", name.text);
        let diagnosis = Diagnosis::error("no-address", name.span, message).by_keepalived();
        if instance.version == Version::V3 {
            self.out.push(diagnosis.help("keepalived refuses to start (exit 2) in version 3"));
            return Err(format!("{} has no virtual address", quote(&name.text)));
        }
        self.out.push(diagnosis.help("it elects a master that holds nothing"));
        Ok(())
    }
}

fn related(diagnosis: Diagnosis, place: Option<Span>, text: &str) -> Diagnosis {
    match place {
        Some(span) => diagnosis.related(span, text),
        None => diagnosis,
    }
}
