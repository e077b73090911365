//! `vrrp_instance`: its lines, one by one, before defaults and clearing (those are in `complete`).

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::auth::{self, Authentication};
use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::garp::GarpKeys;
use super::globals::{down_timer_adverts, version};
use super::hmac::{self, HmacDraft, Vault};
use super::lexer::Word;
use super::model::VirtualRoute;
use super::model::{Peer, Version, VirtualAddress};
use super::notify::Notifies;
use super::parser::Node;
use super::tracking::Lines;
use super::values::{Set, integer, seconds, switch};
use super::{Span, routes, values};
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
    pub(super) peers: Vec<(Peer, Span)>,
    /// `mcast_dst_ip`
    pub(super) group: Option<Set<IpAddr>>,
    pub(super) check_unicast_source: Option<Set<bool>>,
    pub(super) fault_without_peers: Option<Set<bool>>,
    pub(super) unicast_ttl: Option<Set<u8>>,
    pub(super) addresses: Vec<(VirtualAddress, Span)>,
    pub(super) excluded: Vec<(VirtualAddress, Span)>,
    /// Every address of the two lists, and where it stands first.
    pub(super) held: BTreeMap<IpAddr, Span>,
    /// `no_virtual_ipaddress`
    pub(super) no_address_is_meant: bool,
    pub(super) routes: Vec<VirtualRoute>,
    pub(super) garp: GarpKeys,
    pub(super) lower_prio_no_advert: Option<Set<bool>>,
    pub(super) higher_prio_send_advert: Option<Set<bool>>,
    pub(super) down_timer_adverts: Option<Set<u8>>,
    pub(super) strict: Option<Set<bool>>,
    pub(super) old_unicast_checksum: Option<Set<bool>>,
    pub(super) v3_checksum_as_v2: Option<Set<bool>>,
    pub(super) skip_check_addresses: Option<Set<bool>>,
    pub(super) hmac: Option<HmacDraft>,
    /// `accept` or `no_accept`
    pub(super) accepts: Option<Set<bool>>,
    pub(super) owner_ignores_adverts: Option<Set<bool>>,
    pub(super) promotes_secondaries: Option<Set<bool>>,
    pub(super) tracked: Lines,
    pub(super) dont_track_primary: Option<Set<bool>>,
    pub(super) track_source: Option<Set<bool>>,
    pub(super) timer_expired: Option<Set<u8>>,
    pub(super) notifies: Notifies,
    /// IPv6, once an address was seen.
    pub(super) family: Option<bool>,
}

impl Draft {
    /// Reads the block.
    pub(super) fn read(name: Word, node: &Node, vault: Vault<'_>, out: &mut Diagnoses) -> Draft {
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
            group: None,
            check_unicast_source: None,
            fault_without_peers: None,
            unicast_ttl: None,
            addresses: Vec::new(),
            excluded: Vec::new(),
            held: BTreeMap::new(),
            no_address_is_meant: false,
            routes: Vec::new(),
            garp: GarpKeys::default(),
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            down_timer_adverts: None,
            strict: None,
            old_unicast_checksum: None,
            v3_checksum_as_v2: None,
            skip_check_addresses: None,
            hmac: None,
            accepts: None,
            owner_ignores_adverts: None,
            promotes_secondaries: None,
            tracked: Lines::default(),
            dont_track_primary: None,
            track_source: None,
            timer_expired: None,
            notifies: Notifies::default(),
            family: None,
        };
        for line in &node.children {
            draft.line(line, vault, out);
            let timed = line
                .keyword
                .is_some_and(|k| k.form == super::Form::Seconds || k.range.starts_with("seconds"));
            if let (true, Some(comment)) = (timed, line.comment) {
                values::check_minutes(line, vault.sources.text(comment), out);
            }
        }
        draft
    }

    fn line(&mut self, node: &Node, vault: Vault<'_>, out: &mut Diagnoses) {
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
            "authentication" => self.authentication = Some(auth::read(node, out)),
            "unicast_src_ip" => {
                self.unicast.get_or_insert(node.span());
                self.unicast_source = true;
                self.read_source(node, out);
            }
            "mcast_src_ip" => self.read_source(node, out),
            "unicast_peer" => self.unicast_peer(node, out),
            "unicast_ttl" => {
                self.unicast_ttl =
                    integer(node, 0, 255, "ignored", out).ok().and_then(small).or(self.unicast_ttl.take());
            }
            "virtual_ipaddress" => {
                node.children.iter().for_each(|entry| self.virtual_address(&entry.words, false, out));
            }
            "virtual_ipaddress_excluded" => {
                node.children.iter().for_each(|entry| self.virtual_address(&entry.words, true, out));
            }
            "virtual_routes" => {
                self.routes.extend(node.children.iter().filter_map(|entry| routes::read(&entry.words, out)));
            }
            "no_virtual_ipaddress" => self.no_address_is_meant = true,
            "check_unicast_src" => {
                self.unicast.get_or_insert(node.span());
                self.check_unicast_source = Set::new(true, node);
            }
            "unicast_fault_no_peer" => {
                self.unicast.get_or_insert(node.span());
                self.fault_without_peers = Set::new(true, node);
            }
            "mcast_dst_ip" => self.read_group(node, out),
            "native_ipv6" => self.native_ipv6(node, out),
            "v3_checksum_as_v2" => self.v3_checksum_as_v2 = switch(node, out).and_then(|v| Set::new(v, node)),
            "skip_check_adv_addr" => self.skip_check(node, out),
            "accept" => self.accepts = Set::new(true, node),
            "no_accept" => self.accepts = Set::new(false, node),
            "owner_ignore_adverts" => {
                self.owner_ignores_adverts = switch(node, out).and_then(|v| Set::new(v, node));
            }
            "promote_secondaries" => self.promotes_secondaries = Set::new(true, node),
            "auth_hmac" => self.hmac = Some(hmac::read(node, vault, out)),
            "dont_track_primary" => self.dont_track_primary = Set::new(true, node),
            "track_src_ip" => self.track_source = Set::new(true, node),
            "timer_expired_backup" | "thread_timer_expired" => self.timer_expired(node, out),
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
            name => {
                let _ = self.tracked.block(node)
                    || self.notifies.line(node, out)
                    || self.garp.line(name, node, out);
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

    /// `off` switches it on as well, from 2.2.7 to 2.4.3.
    fn skip_check(&mut self, node: &Node, out: &mut Diagnoses) {
        let Some(written) = switch(node, out) else { return };
        if !written {
            let span = node.value().map_or(node.span(), |w| w.span);
            let message = "up to keepalived 2.4.3 this switches it on, whatever stands here";
            let diagnosis = Diagnosis::warning("off-means-on", span, message).label("it is on");
            out.push(diagnosis.help("to switch it off, leave the line out"));
        }
        self.skip_check_addresses = Set::new(true, node);
    }

    fn timer_expired(&mut self, node: &Node, out: &mut Diagnoses) {
        if node.name() == "thread_timer_expired" {
            let message = "`timer_expired_backup` is the name of this keyword";
            out.push(Diagnosis::note("deprecated", node.span(), message));
        }
        // The highest priority there can be: another machine takes over soonest.
        let priority = if node.value().is_some() {
            let read = integer(node, 1, 254, "ignored", out).ok();
            let Some(priority) = read.and_then(|n| u8::try_from(n).ok()) else { return };
            priority
        } else {
            254
        };
        self.timer_expired = Set::new(priority, node);
    }

    fn native_ipv6(&mut self, node: &Node, out: &mut Diagnoses) {
        if self.family == Some(false) {
            let message = "it has IPv4 addresses already";
            out.push(
                Diagnosis::error("family-mismatch", node.span(), message).label("ignored").by_keepalived(),
            );
            return;
        }
        self.family = Some(true);
    }
}
