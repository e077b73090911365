//! What an instance cannot do without, and what does not go together: said, or a reason to refuse the file.

use std::net::IpAddr;

use super::Job;
use crate::config::Span;
use crate::config::diagnosis::{Diagnosis, quote};
use crate::config::model::{Instance, Version, VirtualAddress};
use crate::profile::Switch;

impl Job<'_> {
    pub(super) fn check_unicast(&mut self, strict: Option<Span>) {
        let draft = &self.draft;
        if let (Some(ttl), true) = (&draft.unicast_ttl, draft.peers.is_empty()) {
            let diagnosis =
                self.warn("ttl-without-peers", ttl.line, "`unicast_ttl` is about peers, and there are none");
            self.out.push(diagnosis.label("no effect").by_keepalived());
            self.draft.unicast_ttl = None;
        }
        let draft = &self.draft;
        if let (Some(line), true) = (draft.unicast, draft.peers.is_empty()) {
            let (code, message) = match draft.fault_without_peers {
                Some(_) => ("unicast-without-peers", "no peer is left: it stays in FAULT"),
                None => ("unicast-without-peers", "no peer is left: it advertises by multicast"),
            };
            let mut diagnosis = self.warn(code, line, message);
            if draft.fault_without_peers.is_none() {
                diagnosis = diagnosis.help("a cloud's network carries no multicast: every machine would become master; list the others in `unicast_peer`");
            }
            self.out.push(diagnosis.by_keepalived());
            return;
        }
        if let (Some(strict), Some(line), false) = (strict, draft.unicast, draft.peers.is_empty()) {
            let diagnosis = self.warn("strict-unicast", line, "strict mode and unicast do not go together");
            let help = "keepalived 2.2.7 runs with both, later ones refuse to start; leave `vrrp_strict` out";
            self.out.push(diagnosis.related(strict, "strict").help(help));
        }
        let draft = &self.draft;
        let Some(source) = draft.source.as_ref() else { return };
        let own_peer = draft.peers.iter().find(|(p, _)| p.address == source.value);
        let own_address = draft.held.get(&source.value).copied();
        let (own_peer, line) = (own_peer.map(|p| p.1), source.line);
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

    /// What an instance cannot do without.
    pub(super) fn check_required(&mut self, instance: &Instance, strict: Option<Span>) -> Result<(), String> {
        let name = self.draft.name.clone();
        if instance.interface.is_none() && !self.draft.unicast_source {
            let message = format!("{}: there is no `interface`", name.text);
            let help = "keepalived refuses to start (exit 2); only `unicast_src_ip` can stand in for it";
            self.out.push(Diagnosis::error("no-interface", name.span, message).help(help).by_keepalived());
            return Err(format!("{} has no interface", quote(&name.text)));
        }
        if let Some(first) = instance.addresses.first() {
            self.check_link_local(instance, first, strict);
            return Ok(());
        }
        if self.draft.no_address_is_meant {
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

    /// Whether the agent names a link-local address first, wherever it is written.
    fn is_put_first(&self, instance: &Instance) -> bool {
        let link_local =
            |a: &VirtualAddress| matches!(a.address.addr(), IpAddr::V6(v6) if v6.is_unicast_link_local());
        self.options.profile.has(Switch::LinkLocalFirst) && instance.addresses.iter().any(link_local)
    }

    /// RFC 9568 section 6.1: "The first address MUST be the Link-Local address associated with the Virtual
    /// Router." keepalived only logs it.
    fn check_link_local(&mut self, instance: &Instance, first: &VirtualAddress, strict: Option<Span>) {
        let IpAddr::V6(address) = first.address.addr() else { return };
        if instance.is_unicast() || address.is_unicast_link_local() || self.is_put_first(instance) {
            return;
        }
        let span = self.draft.held.get(&address.into()).copied().unwrap_or(self.draft.name.span);
        let message = format!("{}: the first virtual address should be link-local", instance.name);
        let mut note = Diagnosis::note("not-link-local", span, message);
        if let Some(strict) = strict {
            note = note.related(strict, "strict").by_keepalived();
        }
        self.out.push(note);
    }
}
