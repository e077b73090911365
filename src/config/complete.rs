//! From what an instance's lines say to what is in force: defaults, rounding, clearing (spec: vrrp.md 2.3,
//! 2.5, 3.2; every rule here is held against keepalived 2.2.7 by `tests/probes.rs`).

mod required;

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::auth::AuthKind;
use super::diagnosis::{Diagnoses, Diagnosis, Severity, quote};
use super::globals::Globals;
use super::instance::Draft;
use super::model::{Instance, Password, VRRP_GROUP, VRRP_GROUP6, Version, VirtualAddress};
use super::values::Set;
use super::{Options, Span};
use crate::profile::Switch;
use crate::time::Duration;
use crate::wire::vrrp::PRIORITY_OWNER;

/// The instance in force, its trackers left out, or why keepalived refuses to run with it.
pub(super) fn complete(
    draft: Draft,
    globals: &Globals,
    options: &Options,
    out: &mut Diagnoses,
) -> Result<Instance, String> {
    let mut decided = BTreeMap::new();
    let mut job = Job { draft, globals, options, decided: &mut decided, out };
    let instance = job.run();
    instance.map(|i| Instance { decided, ..i })
}

struct Job<'a> {
    draft: Draft,
    globals: &'a Globals,
    options: &'a Options,
    decided: &'a mut BTreeMap<&'static str, Span>,
    out: &'a mut Diagnoses,
}

impl Job<'_> {
    fn run(&mut self) -> Result<Instance, String> {
        let strict =
            self.draft.strict.clone().or(self.globals.strict.clone()).filter(|s| s.value).map(|s| s.line);
        let version = self.version();
        let (priority, starts_master) = self.priority_and_state(strict);
        let password = self.password(version, strict);
        let nopreempt = self.nopreempt(priority, starts_master);
        let preempt_delay = self.preempt_delay(nopreempt, starts_master, strict);
        let advert_interval = self.advert_interval(version);
        let hmac = self.draft.hmac.take();
        if let Some(hmac) = &hmac {
            self.decided.insert("auth_hmac", hmac.line);
        }
        let hmac = hmac.and_then(|h| h.complete(&self.draft.name.text, advert_interval, strict, self.out));
        let garp = std::mem::take(&mut self.draft.garp);
        let garp = garp.complete(self.globals, strict.is_some(), self.decided);
        self.check_unicast(strict);
        let draft = &mut self.draft;
        let notify = std::mem::take(&mut draft.notifies).notify;
        let source_keyword = if draft.unicast_source { "unicast_src_ip" } else { "mcast_src_ip" };
        let (source, ttl, interface) =
            (draft.source.take(), draft.unicast_ttl.take(), draft.interface.clone());
        let peers: Vec<_> = draft.peers.iter().map(|(peer, _)| *peer).collect();
        let lost_its_peers = draft.unicast.is_some() && peers.is_empty();
        let checks = draft.check_unicast_source.take().or(self.globals.check_unicast_source.clone());
        let old_checksum = draft.old_unicast_checksum.take();
        let as_v2 = draft.v3_checksum_as_v2.take().or(self.globals.v3_checksum_as_v2.clone());
        let skip = draft.skip_check_addresses.take().or(self.globals.skip_check_addresses.clone());
        let no_peer = draft.fault_without_peers.take();
        let track_source = draft.track_source.take().filter(|_| source.is_some());
        let untracked = draft.dont_track_primary.take();
        let lower = draft.lower_prio_no_advert.take().or(self.globals.lower_prio_no_advert.clone());
        let higher = draft.higher_prio_send_advert.take().or(self.globals.higher_prio_send_advert.clone());
        let promotes = draft.promotes_secondaries.take();
        let ignores = draft.owner_ignores_adverts.take().or(self.globals.owner_ignores_adverts.clone());
        let down = draft.down_timer_adverts.take().or(self.globals.down_timer_adverts.clone());
        let (addresses, excluded) = self.addresses();
        let check_unicast_source = self.decide("check_unicast_src", checks).unwrap_or(false)
            || peers.iter().any(|p| p.ttl.is_some());
        let instance = Instance {
            name: self.draft.name.text.clone(),
            interface: self.decide("interface", interface),
            vrid: self.vrid()?,
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
            source: self.decide(source_keyword, source),
            peers,
            lost_its_peers,
            fault_without_peers: self.decide("unicast_fault_no_peer", no_peer).unwrap_or(false),
            unicast_ttl: self.decide("unicast_ttl", ttl),
            check_unicast_source,
            group: self.group(),
            addresses,
            excluded,
            routes: std::mem::take(&mut self.draft.routes),
            garp,
            lower_prio_no_advert: self.decide("lower_prio_no_advert", lower).unwrap_or(false)
                || strict.is_some(),
            higher_prio_send_advert: self.decide("higher_prio_send_advert", higher).unwrap_or(false),
            old_unicast_checksum: self.decide("old_unicast_checksum", old_checksum).unwrap_or(false),
            v3_checksum_as_v2: self.decide("v3_checksum_as_v2", as_v2).unwrap_or(false),
            skip_check_addresses: self.decide("skip_check_adv_addr", skip).unwrap_or(false),
            hmac,
            accepts: self.accepts(version, priority, strict),
            owner_ignores_adverts: self.decide("owner_ignore_adverts", ignores).unwrap_or(false)
                && priority == PRIORITY_OWNER,
            promotes_secondaries: self.decide("promote_secondaries", promotes).unwrap_or(false),
            tracked: Vec::new(),
            track_own_interface: !self.decide("dont_track_primary", untracked).unwrap_or(false),
            track_source: self.decide("track_src_ip", track_source).unwrap_or(false),
            timer_expired_backup: self.timer_expired(nopreempt),
            notify,
            decided: BTreeMap::new(),
        };
        self.check_required(&instance, strict)?;
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
        } else if written_master && priority < 255 && !self.options.profile.has(Switch::StartsMaster) {
            let message =
                format!("{}: `state MASTER` does not make it start as master", self.draft.name.text);
            let help = "since keepalived 2.0 only priority 255 does: it starts as backup and waits a whole master down interval";
            self.out.push(Diagnosis::note("state-master-waits", state.line, message).help(help));
        }
        (priority, written_master)
    }

    fn password(&mut self, version: Version, strict: Option<Span>) -> Option<Password> {
        let block = self.draft.authentication.take()?;
        if let Some(hmac) = &self.draft.hmac {
            let diagnosis =
                self.warn("hmac-and-password", block.line, "`auth_hmac` takes the password's place");
            self.out.push(diagnosis.label("no effect").related(hmac.line, "this one counts").by_keepalived());
            return None;
        }
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
        } else if starts_master && self.options.profile.has(Switch::KeepsNopreempt) {
            let diagnosis =
                self.warn("master-and-nopreempt", line, "`state MASTER` begins as master all the same");
            let by = self.decided.get("state").copied();
            let help = "before 2.0 `nopreempt` counts only once this machine is backup";
            self.out.push(related(diagnosis, by, "it begins with this").help(help).by_keepalived());
            return true;
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
        } else if starts_master && !self.options.profile.has(Switch::KeepsNopreempt) {
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

    /// IPv6 is spoken in version 3, whatever is written.
    fn version(&mut self) -> Version {
        let own = self.draft.version.take();
        if self.draft.family != Some(true) {
            let version = own.or(self.globals.version.clone());
            return self.decide("version", version).unwrap_or(Version::V2);
        }
        if let Some(line) = own.as_ref().filter(|s| s.value == Version::V2).map(|s| s.line) {
            let diagnosis = self.warn("ipv6-version", line, "VRRPv2 has no IPv6: version 3 is used");
            let help =
                "a keepalived that is not strict would speak a version 2 over IPv6 that nobody else knows";
            self.out.push(diagnosis.label("no effect").help(help).by_keepalived());
        }
        self.decide("version", own);
        Version::V3
    }

    /// The multicast group: its own, or that of every instance of its family.
    fn group(&mut self) -> IpAddr {
        let ipv6 = self.draft.family == Some(true);
        let global = self.globals.groups[usize::from(ipv6)].clone();
        let own = self.draft.group.take().or(global);
        let default = if ipv6 { IpAddr::from(VRRP_GROUP6) } else { VRRP_GROUP.into() };
        self.decide("mcast_dst_ip", own).unwrap_or(default)
    }

    /// `timer_expired_backup` is about the master that nobody preempts.
    fn timer_expired(&mut self, nopreempt: bool) -> Option<u8> {
        let set = self.draft.timer_expired.take()?;
        if !nopreempt {
            let message = "without `nopreempt` the highest priority takes over again: this has no effect";
            let diagnosis = self.warn("timer-expired-preempts", set.line, message);
            self.out.push(diagnosis.label("ignored"));
            return None;
        }
        self.decide("timer_expired_backup", Some(set))
    }

    /// `accept` and `no_accept`: whoever owns the address accepts, and in strict mode nobody else who does not say so
    /// (probe global_strict_unicast).
    fn accepts(&mut self, version: Version, priority: u8, strict: Option<Span>) -> bool {
        let written = self.draft.accepts.take();
        if priority == PRIORITY_OWNER {
            return true;
        }
        let Some(strict) = strict else { return self.decide("accept", written).unwrap_or(true) };
        if let Some(Set { value: true, line }) = written {
            if version == Version::V3 {
                self.decided.insert("accept", line);
                return true;
            }
            let diagnosis = self.warn("strict-accept", line, "strict mode has no `accept` in version 2");
            self.out.push(diagnosis.label("no effect").related(strict, "strict").by_keepalived());
            return false;
        }
        let line = written.map_or(strict, |s| s.line);
        self.decided.insert("accept", line);
        let message = "whoever holds an address drops what is sent to it: no ping, no connection";
        let help = "`vrrp_strict` implies `no_accept`, which is for routers: leave it out";
        self.out.push(self.warn("strict-drops", line, message).help(help));
        false
    }

    /// The addresses, advertised and not. What does not fit into a packet is not advertised.
    fn addresses(&mut self) -> (Vec<VirtualAddress>, Vec<VirtualAddress>) {
        let interface = self.draft.interface.as_ref().map(|s| s.value.clone());
        let take = |list: &mut Vec<(VirtualAddress, Span)>| {
            let addresses = std::mem::take(list).into_iter().map(|(mut address, _)| {
                address.device = address.device.filter(|d| Some(d) != interface.as_ref());
                address
            });
            addresses.collect::<Vec<_>>()
        };
        let surplus = self.draft.addresses.get(self.most()).map(|(_, span)| *span);
        let (mut addresses, mut excluded) = (take(&mut self.draft.addresses), take(&mut self.draft.excluded));
        if let Some(span) = surplus {
            let message =
                format!("a packet has room for {} addresses, {} are listed", self.most(), addresses.len());
            let diagnosis = self.warn("too-many-addresses", span, message);
            let help = "from here on they are held, and not advertised";
            self.out.push(diagnosis.help(help).by_keepalived());
            // keepalived keeps one less than it has room for.
            excluded.extend(addresses.drain(self.most() - 1..));
        }
        (addresses, excluded)
    }

    /// How many addresses an advertisement has room for: their number has 8 bits, and over IPv6 an Ethernet
    /// packet of 1500 bytes ends before that, headers of 14, 40 and 8 bytes counted.
    fn most(&self) -> usize {
        if self.draft.family == Some(true) { (1500 - 14 - 40 - 8) / 16 } else { 255 }
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
}

fn related(diagnosis: Diagnosis, place: Option<Span>, text: &str) -> Diagnosis {
    match place {
        Some(span) => diagnosis.related(span, text),
        None => diagnosis,
    }
}
