//! Rules of who has the address: the machine, the cloud's binding, the clients' way.

use std::net::IpAddr;

use havip::program::Role;
use havip::time::{Duration, Time};

use super::takeover::is_shared;
use super::{Expect, Fact, Mark, Matter, Rule, Seat, Watch, since_master, when};
use crate::observe::peek;
use crate::scenario::TimeText;
use crate::world::{ClientId, NodeId, Report, Segment, Setup, Verdict};

/// How long a burst of claims may outlast its mastership.
const BURST: Duration = Duration::from_millis(200);
/// How long an agent takes to remove an address that it should not hold.
const REMOVAL: Duration = Duration::from_secs(1);
/// How long Linux believes a neighbour that is silent: 45 s, 5 s of delay and three questions.
const NEIGHBOUR: Duration = Duration::from_secs(55);
/// From when somebody hears of nobody being master, or a client of being left behind.
const NOTICED: Duration = Duration::from_secs(1);

/// An address that machines share, and what becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Owned {
    address: IpAddr,
    in_cloud: bool,
    /// The one live master, since when, and whether that began when another gave way to it.
    sole: Option<Sole>,
    /// The last one there was.
    last: Option<Sole>,
    /// There are two.
    two: bool,
    /// When a split that this address had was last ended by somebody's giving way.
    split_ended: Option<Time>,
    /// Since when the cloud hears that master.
    heard: Time,
    bound: Option<NodeId>,
    bound_at: Time,
    /// Clients that ask for it.
    clients: Vec<Way>,
}

#[derive(Clone, Copy, Debug)]
struct Sole {
    cvm: usize,
    since: Time,
    /// It began when another gave way.
    by_heal: bool,
    /// And nothing was in the way of anybody then.
    in_the_clear: bool,
    /// Two had been master, and one of them is gone without a word.
    contested: bool,
}

/// A client's way to an address.
#[derive(Clone, Debug)]
struct Way {
    client: ClientId,
    node: NodeId,
    every: Duration,
    /// Where its probes go, since when.
    reached: Option<(NodeId, Time)>,
    /// Since when nothing disturbs the way to the one master.
    well: Time,
}

/// Every shared address of a setup.
pub(super) fn all(setup: &Setup, seats: &[Vec<Seat>]) -> Vec<Owned> {
    let mut addresses: Vec<IpAddr> =
        seats.iter().flatten().flat_map(|seat| seat.addresses.iter().copied()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let own = |address: IpAddr| Owned {
        address,
        in_cloud: matches!(setup.segment, Segment::Vpc { .. })
            && setup.havips.iter().any(|havip| havip.address == address),
        sole: None,
        last: None,
        two: false,
        split_ended: None,
        heard: Time::ZERO,
        bound: None,
        bound_at: Time::ZERO,
        clients: (0..)
            .zip(&setup.clients)
            .filter(|(_, client)| client.target == address)
            .map(|(i, client)| Way {
                client: ClientId(i),
                node: setup.node_of_client(ClientId(i)),
                every: client.every,
                reached: None,
                well: Time::ZERO,
            })
            .collect(),
    };
    addresses.into_iter().map(own).collect()
}

impl Watch {
    /// A machine announces an address.
    pub(super) fn claims(&mut self, setup: &Setup, report: &Report, frame: &[u8]) {
        let (Some(node), Some(address)) = (report.who.node(), peek::announced(frame)) else { return };
        let Some(cvm) = setup.cvm_of(node).map(|cvm| usize::from(cvm.0)) else { return };
        if !is_shared(&self.seats[cvm], address) {
            return;
        }
        let at = report.at;
        let mut of_it = self.seats[cvm].iter().zip(&self.machines[cvm].chairs);
        let may = of_it.any(|(seat, chair)| {
            let is = chair.role == Role::Master || chair.was_master.is_some_and(|until| at <= until + BURST);
            is && seat.addresses.contains(&address)
        });
        if !may {
            let name = &setup.cvms[cvm].name;
            let of_it = self.seats[cvm].iter().zip(&self.machines[cvm].chairs);
            let until = of_it
                .filter(|(seat, _)| seat.addresses.contains(&address))
                .filter_map(|(_, chair)| chair.was_master)
                .max();
            self.violated(Rule::ClaimsAsMasterOnly, at, || {
                let since = since_master(at, until, BURST);
                format!("{name} announces {address} at {} and is not master: {since}", when(at))
            });
        }
    }

    /// The cloud has heard a claim.
    pub(super) fn cloud_hears(
        &mut self,
        setup: &Setup,
        at: Time,
        address: IpAddr,
        by: NodeId,
        verdict: Verdict,
    ) {
        match verdict {
            Verdict::Refused(_) => self.marks.hit(Mark::ClaimRefused),
            Verdict::Believed => {
                if self.paths.pending > at {
                    self.marks.hit(Mark::ClaimsPending);
                }
                // A later claim never overtakes an earlier one.
                self.paths.pending = self.paths.pending.max(at + self.paths.bind_delay);
                self.changed = true;
                if !setup.havips.iter().any(|havip| havip.address == address) {
                    let name = setup.name_of(by);
                    self.violated(Rule::OnlyHavips, at, || {
                        format!(
                            "the cloud believes {name}'s claim for {address}, which is no HAVIP, at {}",
                            when(at)
                        )
                    });
                }
            }
            _ => {}
        }
    }

    pub(super) fn is_bound(&mut self, at: Time, address: IpAddr, to: Option<NodeId>) {
        if let Some(owned) = self.owned.iter_mut().find(|owned| owned.address == address) {
            (owned.bound, owned.bound_at) = (to, at);
            self.changed = true;
        }
    }

    pub(super) fn reaches(&mut self, setup: &Setup, at: Time, client: ClientId, node: NodeId) {
        let target = setup.clients[usize::from(client.0)].target;
        let Some(owned) = self.owned.iter_mut().find(|owned| owned.address == target) else { return };
        if let Some(way) = owned.clients.iter_mut().find(|way| way.client == client) {
            way.reached = Some((node, at));
            self.changed = true;
        }
    }

    /// A master gave way to a better one.
    pub(super) fn split_ends(&mut self, at: Time, (cvm, index): (usize, usize)) {
        for address in &self.seats[cvm][index].addresses {
            if let Some(owned) = self.owned.iter_mut().find(|owned| owned.address == *address) {
                owned.split_ended = Some(at);
            }
        }
    }

    /// Who is master alone may have changed, or which ways are disturbed.
    pub(super) fn owners_change(&mut self, now: Time) {
        for i in 0..self.owned.len() {
            let address = self.owned[i].address;
            let mut masters = (0..self.machines.len()).filter(|&cvm| self.is_master(cvm, address));
            let (first, several) = (masters.next(), masters.next().is_some());
            let since = first.map_or(Time::MAX, |cvm| self.master_since(cvm, address));
            let owned = &mut self.owned[i];
            match first {
                Some(cvm) if !several => {
                    if owned.sole.is_none_or(|sole| sole.cvm != cvm) {
                        let by_heal = owned.split_ended == Some(now);
                        let in_the_clear = by_heal && self.paths.is_in_the_clear(now);
                        // It was master already when the last one was, and stood still then.
                        let were_two = owned.last.is_some_and(|last| last.cvm != cvm && since <= last.since);
                        let contested = (owned.two || were_two) && !in_the_clear;
                        let new = Sole { cvm, since: now, by_heal, in_the_clear, contested };
                        // One that stood still for a while is the master it was.
                        let same =
                            owned.last.filter(|last| last.cvm == cvm && since <= last.since && !owned.two);
                        let again = same.map(|last| Sole { since: now, in_the_clear: false, ..last });
                        owned.sole = Some(again.unwrap_or(new));
                        owned.last = owned.sole;
                        (owned.heard, self.nobody) = (now, None);
                        owned.clients.iter_mut().for_each(|way| way.well = now);
                    }
                    owned.two = false;
                    let node = NodeId(cvm as u16);
                    if !self.paths.cloud_hears(node) {
                        owned.heard = Time::MAX;
                    } else if owned.heard == Time::MAX {
                        owned.heard = now;
                    }
                    for way in &mut owned.clients {
                        if !self.paths.is_well(node, Some(way.node)) {
                            way.well = Time::MAX;
                        } else if way.well == Time::MAX {
                            way.well = now;
                        }
                    }
                }
                None => {
                    if owned.sole.take().is_some() {
                        self.nobody.get_or_insert(now);
                    }
                }
                Some(_) => {
                    (owned.sole, owned.two) = (None, true);
                    self.marks.hit(Mark::TwoMasters);
                }
            }
            if self.nobody.is_some_and(|since| now > since + NOTICED) {
                self.marks.hit(Mark::NoMaster);
            }
        }
    }

    fn is_master(&self, cvm: usize, address: IpAddr) -> bool {
        let machine = &self.machines[cvm];
        let mut of_it = self.seats[cvm].iter().zip(&machine.chairs);
        machine.runs()
            && of_it.any(|(seat, chair)| chair.role == Role::Master && seat.addresses.contains(&address))
    }

    /// Whether a node is one of the machines that share an address.
    fn may_have(&self, setup: &Setup, node: NodeId, address: IpAddr) -> bool {
        setup.cvm_of(node).is_some_and(|cvm| is_shared(&self.seats[usize::from(cvm.0)], address))
    }

    /// Whether somebody has added an address to a machine by hand.
    fn was_added(&self, address: IpAddr) -> bool {
        self.machines.iter().any(|machine| machine.by_hand.contains(&address))
    }

    /// Since when a machine has been master of an address, standing still or not.
    fn master_since(&self, cvm: usize, address: IpAddr) -> Time {
        let of_it = self.seats[cvm].iter().zip(&self.machines[cvm].chairs);
        let masters =
            of_it.filter(|(seat, chair)| chair.role == Role::Master && seat.addresses.contains(&address));
        masters.map(|(_, chair)| chair.since).max().unwrap_or_default()
    }

    /// Addresses that machines hold and should not.
    pub(super) fn check_addresses(&mut self, setup: &Setup, now: Time) {
        for cvm in 0..self.machines.len() {
            let machine = &self.machines[cvm];
            if machine.held {
                continue;
            }
            let (alive, since) = (machine.alive, machine.since);
            for i in 0..machine.addresses.len() {
                let held = self.machines[cvm].addresses[i];
                let of_it = self.seats[cvm].iter().zip(&self.machines[cvm].chairs);
                let (mut from, mut lease, mut master) = (held.since.max(since), Duration::ZERO, false);
                for (seat, chair) in of_it.filter(|(seat, _)| seat.addresses.contains(&held.address)) {
                    from = from.max(chair.since);
                    lease = lease.max(seat.lease);
                    master |= chair.role == Role::Master;
                }
                if master || lease.is_zero() || self.machines[cvm].by_hand.contains(&held.address) {
                    continue;
                }
                let (rule, bound) =
                    if alive { (Rule::HoldsAsMasterOnly, REMOVAL) } else { (Rule::LeaseRunsOut, lease) };
                if now <= from + bound {
                    self.wait_until(Matter::Addresses, from + bound);
                    continue;
                }
                let (name, address) = (&setup.cvms[cvm].name, held.address);
                let is = if alive { "whose agent is not master" } else { "whose agent does not run" };
                self.violated(rule, now, || {
                    format!(
                        "{name}, {is}, has {address} at {}: {} - {} = {} > {}",
                        when(now),
                        when(now),
                        when(from),
                        TimeText(now.saturating_since(from)),
                        TimeText(bound)
                    )
                });
            }
        }
    }

    /// Bindings and clients that are not with the one master.
    pub(super) fn check_owners(&mut self, setup: &Setup, now: Time) {
        let all = std::mem::take(&mut self.owned);
        for owned in &all {
            let Some(sole) = owned.sole else { continue };
            let of_it = self.seats[sole.cvm].iter().filter(|seat| seat.addresses.contains(&owned.address));
            // Who gave way says so, to agents that listen to it: then the other claims at once.
            let told = self.machines[sole.cvm].chairs.iter().filter_map(|chair| chair.goodbye);
            let told = told.filter(|one| one.read).map(|one| one.at).max().filter(|at| *at >= sole.since);
            // What somebody else has taken since is no matter of theirs.
            let theirs = owned.bound.is_none_or(|node| self.may_have(setup, node, owned.address));
            let in_the_clear = sole.in_the_clear && theirs;
            let told_at_once = told.filter(|_| in_the_clear && owned.heard <= sole.since);
            let claims = of_it.map(|seat| if told_at_once.is_some() { seat.heals } else { seat.claims });
            let claims = claims.max().unwrap_or_default();
            let claimed = self.master_since(sole.cvm, owned.address);
            let node = NodeId(sole.cvm as u16);
            let bound = claims + self.paths.bind_delay;
            // A goodbye comes later than it is due, where a kernel has to ask first where its receiver is.
            let from = told_at_once.unwrap_or_default().max(sole.since);
            for way in &owned.clients {
                let Some((_, at)) = way.reached.filter(|(reached, _)| *reached != node) else { continue };
                match at.max(sole.since) + NOTICED {
                    noticed if now > noticed => self.marks.hit(Mark::LeftBehind),
                    noticed => self.wait_until(Matter::Owners, noticed),
                }
            }
            // Whose address another has taken cannot know that it gave way, unless it says so.
            let verifies = self.seats[sole.cvm].iter().any(|seat| seat.verifies);
            // It has taken back what the split took, and does so ever more seldom.
            let untold = sole.contested || sole.by_heal && (told.is_none() || !theirs);
            if owned.in_cloud && verifies && untold && owned.bound != Some(node) {
                continue;
            }
            if owned.in_cloud && owned.bound != Some(node) {
                self.check_binding(setup, now, owned, (sole, from), bound);
                continue;
            }
            for way in &owned.clients {
                let from = if owned.in_cloud { owned.bound_at.max(from) } else { from };
                // On a lan, who has missed the claims finds out by itself, as does who has asked another that had the
                // address from somebody's hand.
                let missed = sole.contested || way.well > claimed || self.was_added(owned.address);
                let missed = missed && !owned.in_cloud;
                let more = way.every * 2 + if missed { NEIGHBOUR } else { Duration::ZERO };
                self.check_client(setup, now, way, (sole, from), bound + more);
            }
        }
        self.owned = all;
    }

    fn check_binding(
        &mut self,
        setup: &Setup,
        now: Time,
        owned: &Owned,
        (sole, from): (Sole, Time),
        bound: Duration,
    ) {
        if owned.heard == Time::MAX {
            return;
        }
        let from = owned.heard.max(from).max(self.paths.pending);
        if now <= from + bound {
            return self.wait_until(Matter::Owners, from + bound);
        }
        let master = &setup.cvms[sole.cvm].name;
        let to = owned.bound.map_or("nobody".to_owned(), |node| setup.name_of(node).to_owned());
        let rule = if sole.by_heal { Rule::HealAgrees } else { Rule::BindingIsMasters };
        let expect = Expect::By(now, Fact::BoundIsMaster);
        self.breaks(rule, now, Some(expect), || {
            format!(
                "{} is bound to {to} at {}, and {master} alone is master since {}{}; nothing is in the way since {}: \
                 {} - {} = {} > {}",
                owned.address,
                when(now),
                when(sole.since),
                how(sole),
                when(from),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(bound)
            )
        });
    }

    fn check_client(
        &mut self,
        setup: &Setup,
        now: Time,
        way: &Way,
        (sole, from): (Sole, Time),
        bound: Duration,
    ) {
        let Some((reached, at)) = way.reached.filter(|(reached, _)| *reached != NodeId(sole.cvm as u16))
        else {
            return;
        };
        if way.well == Time::MAX {
            return;
        }
        let from = from.max(way.well).max(at);
        if now <= from + bound {
            return self.wait_until(Matter::Owners, from + bound);
        }
        let (name, master) = (&setup.clients[usize::from(way.client.0)].name, &setup.cvms[sole.cvm].name);
        let rule = if sole.by_heal { Rule::HealAgrees } else { Rule::ClientsReachMaster };
        let expect = Expect::Never(Fact::Stale(way.client), Some(bound));
        self.breaks(rule, now, Some(expect), || {
            format!(
                "{name}'s probes go to {} at {}, and {master} alone is master since {}{}; nothing is in the way since \
                 {}: {} - {} = {} > {}",
                setup.name_of(reached),
                when(now),
                when(sole.since),
                how(sole),
                when(from),
                when(now),
                when(from),
                TimeText(now.saturating_since(from)),
                TimeText(bound)
            )
        });
    }
}

fn how(sole: Sole) -> &'static str {
    if sole.by_heal { ", when the other gave way" } else { "" }
}
