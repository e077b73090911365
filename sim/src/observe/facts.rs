//! What is true of a run right now, drawn from its reports: every [`Fact`] of the script language has its
//! answer here, and each report says which of them it may have changed.

use std::net::IpAddr;
use std::ops::BitOr;
use std::sync::Arc;

use havip::program::{Record as Said, Role};

use super::peek;
use crate::scenario::Fact;
use crate::world::{ClientId, CvmId, Kind, Life, Look, NodeId, Report, Segment, Setup, Verdict, What};

/// Which families of facts may have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes(u16);

impl Changes {
    /// None.
    pub const NONE: Changes = Changes(0);
    /// Who is a live master.
    pub const MASTERS: Changes = Changes(1);
    /// Who a HAVIP is bound to.
    pub const BINDING: Changes = Changes(2);
    /// Which machine a client's probes reach.
    pub const TRAFFIC: Changes = Changes(4);
    /// A claim was refused at this instant.
    pub const REFUSED: Changes = Changes(8);
    /// A program changed its role at this instant.
    pub const TRANSITION: Changes = Changes(16);
    /// An address changed its holder.
    pub const HOLDER: Changes = Changes(32);
    /// An address that is not the sender's own was announced at this instant.
    pub const CLAIMED: Changes = Changes(64);
    /// A program told somebody something at this instant.
    pub const NOTIFIED: Changes = Changes(128);
    /// A route came to or went from a machine.
    pub const ROUTED: Changes = Changes(256);

    /// An advertisement was sent at this instant.
    pub const ADVERTISED: Changes = Changes(512);

    /// Whether the two have a family in common.
    pub const fn meets(self, other: Changes) -> bool {
        self.0 & other.0 != 0
    }
    /// What a fact depends on.
    pub const fn of(fact: &Fact) -> Changes {
        match fact {
            Fact::Master(_) | Fact::TwoMasters => Changes::MASTERS,
            Fact::Bound(..) | Fact::Unbound(_) => Changes::BINDING,
            Fact::BoundIsMaster => Changes(Changes::MASTERS.0 | Changes::BINDING.0),
            Fact::Stale(_) => Changes(Changes::MASTERS.0 | Changes::TRAFFIC.0),
            Fact::Refused(_) => Changes::REFUSED,
            Fact::Transition(..) => Changes::TRANSITION,
            // Known when the run is over: an outage begins before anybody can tell that it is one.
            Fact::Served(_) | Fact::Unserved(_) => Changes::NONE,
            Fact::Claimed(_) => Changes::CLAIMED,
            Fact::Advertised(..) => Changes::ADVERTISED,
            Fact::Notified(..) => Changes::NOTIFIED,
            Fact::Routed(..) => Changes::ROUTED,
        }
    }
}

impl BitOr for Changes {
    type Output = Changes;
    fn bitor(self, other: Changes) -> Changes {
        Changes(self.0 | other.0)
    }
}

/// What is true of a run after the reports taken so far.
#[derive(Clone, Debug)]
pub struct Facts {
    cvms: Vec<Machine>,
    two_masters: bool,
    bound: Vec<Option<NodeId>>,
    /// Of each HAVIP, who held it last: an unbind in between is no move.
    last_bound: Vec<Option<NodeId>>,
    reached: Vec<Option<NodeId>>,
    lan: Vec<Claimed>,
    /// Orders announcements; those of one instant too.
    announcements: u64,
    moves: u32,
    refused: Vec<IpAddr>,
    transitions: Vec<(CvmId, Role)>,
    /// Whose announcements this instant has, a frame each.
    claims: Vec<NodeId>,
    /// Whose advertisements this instant has, and the address that each names first; looked at where a fact asks.
    adverts: Option<Vec<(NodeId, IpAddr)>>,
    /// What programs told others at this instant, without quotes.
    notified: Vec<(CvmId, String)>,
    routes: Vec<(CvmId, String)>,
    texts: Arc<[String]>,
}

#[derive(Clone, Debug, Default)]
struct Machine {
    alive: bool,
    frozen: bool,
    /// By subject: what it is, and for which virtual router.
    roles: Vec<(Role, u32)>,
}

impl Machine {
    fn runs(&self) -> bool {
        self.alive && !self.frozen
    }
    fn masters(&self) -> impl Iterator<Item = u32> {
        let runs = self.runs();
        self.roles.iter().filter(move |(role, _)| runs && *role == Role::Master).map(|(_, group)| *group)
    }
    fn role(&mut self, subject: u16) -> &mut (Role, u32) {
        let i = usize::from(subject);
        if self.roles.len() <= i {
            self.roles.resize(i + 1, (Role::Init, 0));
        }
        &mut self.roles[i]
    }
}

/// An address of a lan, and who announced and holds it.
#[derive(Clone, Debug)]
struct Claimed {
    address: IpAddr,
    /// By node: the number of its last announcement (0: none), and whether it holds the address.
    nodes: Vec<(u64, bool)>,
    holder: Option<NodeId>,
    last: Option<NodeId>,
}

impl Facts {
    /// Before the first instant: nothing runs, nothing is bound.
    pub fn new(setup: &Setup) -> Facts {
        Facts {
            cvms: vec![Machine::default(); setup.cvms.len()],
            two_masters: false,
            bound: vec![None; setup.havips.len()],
            last_bound: vec![None; setup.havips.len()],
            reached: vec![None; setup.clients.len()],
            lan: Vec::new(),
            announcements: 0,
            moves: 0,
            refused: Vec::new(),
            transitions: Vec::new(),
            claims: Vec::new(),
            adverts: None,
            notified: Vec::new(),
            routes: Vec::new(),
            texts: Arc::clone(&setup.texts),
        }
    }

    /// Looks at what advertisements say, too, for [`Fact::Advertised`].
    pub fn with_adverts(self) -> Facts {
        Facts { adverts: Some(Vec::new()), ..self }
    }

    /// A new instant: what is true at one instant only is true no more.
    pub fn begin(&mut self) -> Changes {
        let mut changes = Changes::NONE;
        if !self.refused.is_empty() {
            self.refused.clear();
            changes = changes | Changes::REFUSED;
        }
        if !self.transitions.is_empty() {
            self.transitions.clear();
            changes = changes | Changes::TRANSITION;
        }
        if !self.claims.is_empty() {
            self.claims.clear();
            changes = changes | Changes::CLAIMED;
        }
        if let Some(adverts) = self.adverts.as_mut().filter(|adverts| !adverts.is_empty()) {
            adverts.clear();
            changes = changes | Changes::ADVERTISED;
        }
        if !self.notified.is_empty() {
            self.notified.clear();
            changes = changes | Changes::NOTIFIED;
        }
        changes
    }

    /// Takes one report and says what it may have changed.
    pub fn apply(&mut self, setup: &Setup, look: &dyn Look, report: &Report) -> Changes {
        match report.what {
            What::Reached { client, node } => {
                self.reached[usize::from(client.0)] = Some(node);
                Changes::TRAFFIC
            }
            What::Sent { frame, kind: Kind::Garp } if look.mark(frame).is_none() => {
                let (Some(node), Some(address)) = (report.who.node(), peek::announced(look.frame(frame)))
                else {
                    return Changes::NONE;
                };
                self.announced(setup, node, address)
            }
            What::Sent { frame, kind: Kind::Vrrp } if look.mark(frame).is_none() => {
                let Some(adverts) = &mut self.adverts else { return Changes::NONE };
                let first = peek::advert(look.frame(frame)).and_then(|advert| advert.first);
                let (Some(node), Some(first)) = (report.who.node(), first) else { return Changes::NONE };
                adverts.push((node, first));
                Changes::ADVERTISED
            }
            What::Notified { cvm, told, .. } => {
                self.notified.push((cvm, look.told(told).replace('"', "")));
                Changes::NOTIFIED
            }
            What::Routed { cvm, route, added } => {
                let route = look.told(route);
                self.routes.retain(|(who, one)| (*who, one.as_str()) != (cvm, route));
                if added {
                    self.routes.push((cvm, route.to_owned()));
                }
                Changes::ROUTED
            }
            What::Held { node, address, held, .. } if matches!(setup.segment, Segment::Lan(_)) => {
                self.claimed(setup, node, address, |entry| entry.1 = held)
            }
            What::Program(cvm, life) => self.program(cvm, life),
            What::Subject(cvm, subject) => {
                let (_, group) = look.subject(cvm, subject);
                self.cvms[usize::from(cvm.0)].role(subject.0).1 = group;
                self.masters_changed()
            }
            What::Record(cvm, Said::Transition { subject, to, .. }) => {
                self.cvms[usize::from(cvm.0)].role(subject.0).0 = to;
                self.transitions.push((cvm, to));
                self.masters_changed() | Changes::TRANSITION
            }
            What::Bound { havip, to, .. } => {
                let i = usize::from(havip.0);
                self.bound[i] = to;
                let mut changes = Changes::BINDING;
                if to.is_some() && to != self.last_bound[i] {
                    self.moves += u32::from(self.last_bound[i].is_some());
                    self.last_bound[i] = to;
                    changes = changes | Changes::HOLDER;
                }
                changes
            }
            What::Claim { address, verdict: Verdict::Refused(_), .. } => {
                self.refused.push(address);
                Changes::REFUSED
            }
            _ => Changes::NONE,
        }
    }

    /// Whether it is true now, after the instant's reports.
    pub fn holds(&self, fact: &Fact) -> bool {
        match *fact {
            Fact::Master(cvm) => self.is_master(cvm),
            Fact::Bound(cvm, havip) => self.all_bound(havip.map(|h| h.0), |to| to == Some(NodeId(cvm.0))),
            Fact::Unbound(havip) => self.all_bound(havip.map(|h| h.0), |to| to.is_none()),
            Fact::BoundIsMaster => {
                self.all_bound(None, |to| to.is_some_and(|node| self.is_master(CvmId(node.0))))
            }
            Fact::TwoMasters => self.two_masters,
            Fact::Stale(client) => self.reached(client).is_some_and(|node| !self.is_master(CvmId(node.0))),
            Fact::Refused(address) => self.refused.contains(&address),
            Fact::Transition(cvm, role) => self.transitions.contains(&(cvm, role)),
            Fact::Served(_) => false,
            Fact::Unserved(_) => true,
            Fact::Claimed(cvm) => self.claims_of(cvm) > 0,
            Fact::Advertised(cvm, address) => {
                self.adverts.iter().flatten().any(|one| *one == (NodeId(cvm.0), address))
            }
            Fact::Routed(cvm, text) => {
                let text = self.texts.get(usize::from(text.0)).map_or("", String::as_str);
                self.routes.iter().any(|(who, route)| *who == cvm && route.contains(text))
            }
            Fact::Notified(cvm, text) => {
                let text = self.texts.get(usize::from(text.0)).map_or("", String::as_str);
                self.notified.iter().any(|(who, told)| *who == cvm && told.contains(text))
            }
        }
    }

    /// How many frames of this instant announce an address that is not the machine's own.
    pub fn claims_of(&self, cvm: CvmId) -> u32 {
        self.claims.iter().filter(|node| node.0 == cvm.0).count() as u32
    }
    /// How many things a machine's program told others at this instant.
    pub fn notified_by(&self, cvm: CvmId) -> u32 {
        self.notified.iter().filter(|(who, _)| *who == cvm).count() as u32
    }

    /// Whether a machine's program is alive.
    pub fn runs(&self, cvm: CvmId) -> bool {
        self.cvms.get(usize::from(cvm.0)).is_some_and(|machine| machine.alive)
    }
    /// Whether a machine's program is alive, not frozen, and master of something.
    pub fn is_master(&self, cvm: CvmId) -> bool {
        self.cvms.get(usize::from(cvm.0)).is_some_and(|machine| machine.masters().next().is_some())
    }
    /// The machine that last received a probe of this client.
    pub fn reached(&self, client: ClientId) -> Option<NodeId> {
        self.reached[usize::from(client.0)]
    }
    /// Who holds an address: whom the HAVIP is bound to; on a lan, who announced it last and still holds it.
    pub fn holder(&self, setup: &Setup, address: IpAddr) -> Option<NodeId> {
        match setup.havips.iter().position(|havip| havip.address == address) {
            Some(i) => self.bound[i],
            None => self.lan.iter().find(|one| one.address == address).and_then(|one| one.holder),
        }
    }
    /// How often addresses changed their holder so far. Getting a first holder is no move.
    pub fn moves(&self) -> u32 {
        self.moves
    }

    fn announced(&mut self, setup: &Setup, node: NodeId, address: IpAddr) -> Changes {
        // A machine's own address is nobody's to hold.
        if setup.owns(node, address) {
            return Changes::NONE;
        }
        self.claims.push(node);
        if let Segment::Vpc { .. } = setup.segment {
            return Changes::CLAIMED;
        }
        self.announcements += 1;
        let number = self.announcements;
        Changes::CLAIMED | self.claimed(setup, node, address, |entry| entry.0 = number)
    }

    fn all_bound(&self, havip: Option<u16>, is: impl Fn(Option<NodeId>) -> bool) -> bool {
        match havip {
            Some(i) => self.bound.get(usize::from(i)).is_some_and(|to| is(*to)),
            None => !self.bound.is_empty() && self.bound.iter().all(|to| is(*to)),
        }
    }

    fn program(&mut self, cvm: CvmId, life: Life) -> Changes {
        let machine = &mut self.cvms[usize::from(cvm.0)];
        match life {
            Life::Started | Life::Exited | Life::Killed => {
                machine.alive = life == Life::Started;
                machine.frozen = false;
                machine.roles.iter_mut().for_each(|(role, _)| *role = Role::Init);
            }
            Life::Frozen => machine.frozen = true,
            Life::Thawed => machine.frozen = false,
        }
        self.masters_changed()
    }

    fn masters_changed(&mut self) -> Changes {
        self.two_masters = self.cvms.iter().enumerate().any(|(i, one)| {
            one.masters().any(|group| self.cvms[..i].iter().any(|other| other.masters().any(|g| g == group)))
        });
        Changes::MASTERS
    }

    fn claimed(
        &mut self,
        setup: &Setup,
        node: NodeId,
        address: IpAddr,
        change: impl FnOnce(&mut (u64, bool)),
    ) -> Changes {
        // A machine's own address is nobody's to hold.
        if setup.owns(node, address) {
            return Changes::NONE;
        }
        let i = self.lan.iter().position(|one| one.address == address).unwrap_or_else(|| {
            let nodes = vec![(0, false); setup.nodes()];
            self.lan.push(Claimed { address, nodes, holder: None, last: None });
            self.lan.len() - 1
        });
        let claimed = &mut self.lan[i];
        change(&mut claimed.nodes[usize::from(node.0)]);
        let newest = claimed.nodes.iter().enumerate().filter(|(_, (number, held))| *held && *number > 0);
        let holder = newest.max_by_key(|(_, (number, _))| *number).map(|(n, _)| NodeId(n as u16));
        if holder == claimed.holder {
            return Changes::NONE;
        }
        claimed.holder = holder;
        if holder.is_some() && holder != claimed.last {
            self.moves += u32::from(claimed.last.is_some());
            claimed.last = holder;
        }
        Changes::HOLDER
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;
    use crate::world::Wants;

    fn after(run: &Run, end: &str) -> Facts {
        let mut watcher = Watching { facts: Facts::new(&run.setup) };
        run.play(&mut watcher, end);
        watcher.facts
    }

    #[test]
    fn a_frozen_program_is_no_master_and_a_thawed_one_is_again() {
        let mut run = Run::pair();
        run.at("0").life(A, Life::Started).subject(A).at("3").master(A);
        assert!(after(&run, "4").holds(&Fact::Master(CvmId(A))));
        run.at("5").life(A, Life::Frozen);
        assert!(!after(&run, "6").holds(&Fact::Master(CvmId(A))));
        run.at("7").life(A, Life::Thawed);
        assert!(after(&run, "8").holds(&Fact::Master(CvmId(A))));
        run.at("9").life(A, Life::Killed).at("10").life(A, Life::Started);
        assert!(!after(&run, "11").holds(&Fact::Master(CvmId(A))), "a new program starts in INIT");
    }

    #[test]
    fn two_masters_are_two_machines_of_one_virtual_router() {
        let mut run = Run::pair();
        run.at("0").started(A).started(B).at("3").master(A).master(B);
        assert!(after(&run, "4").holds(&Fact::TwoMasters));
        run.group_of_b = 52;
        assert!(!after(&run, "4").holds(&Fact::TwoMasters), "masters of different routers");
    }

    #[test]
    fn traffic_is_stale_when_it_reaches_no_live_master() {
        let mut run = Run::pair();
        let stale = Fact::Stale(ClientId(0));
        run.at("0").started(A).started(B);
        assert!(!after(&run, "1").holds(&stale), "nothing was reached yet");
        run.at("3").master(A).at("4").probe_reaches(A);
        assert!(!after(&run, "5").holds(&stale));
        run.at("6").life(A, Life::Killed);
        assert!(after(&run, "7").holds(&stale));
        run.at("9").master(B).at("10").probe_reaches(B);
        assert!(!after(&run, "11").holds(&stale));
    }

    #[test]
    fn a_binding_is_with_the_master_or_not() {
        let mut run = Run::pair();
        run.at("0").started(A).started(B);
        assert!(after(&run, "1").holds(&Fact::Unbound(None)));
        assert!(!after(&run, "1").holds(&Fact::BoundIsMaster), "unbound is not bound to the master");
        run.at("3").master(A).bound(None, Some(A));
        assert!(after(&run, "4").holds(&Fact::BoundIsMaster));
        assert!(after(&run, "4").holds(&Fact::Bound(CvmId(A), None)));
        run.at("5").bound(Some(A), None).at("6").bound(None, Some(A));
        assert_eq!(after(&run, "7").moves(), 0, "back to the same machine is no move");
        run.at("8").bound(Some(A), Some(B));
        assert!(!after(&run, "9").holds(&Fact::BoundIsMaster));
        assert_eq!(after(&run, "9").moves(), 1);
    }

    #[test]
    fn on_a_lan_the_last_to_announce_who_still_holds_it_has_it() {
        let mut run = Run::lan();
        let holder = |run: &Run| after(run, "60").holder(&run.setup, HAVIP);
        run.at("3").held(A, true);
        assert_eq!(holder(&run), None, "not announced");
        run.at("4").garp(A);
        assert_eq!(holder(&run), Some(NodeId(A)));
        run.at("5").garp(B);
        assert_eq!(holder(&run), Some(NodeId(A)), "announced, but not held");
        run.at("6").held(B, true);
        assert_eq!(holder(&run), Some(NodeId(B)));
        run.at("7").held(B, false);
        assert_eq!(holder(&run), Some(NodeId(A)));
        assert_eq!(after(&run, "60").moves(), 2);
    }

    #[test]
    fn what_is_true_at_an_instant_is_over_at_the_next() {
        let mut run = Run::pair();
        run.at("3").started(A).master(A).refused(A, [172, 16, 16, 9].into());
        let facts = after(&run, "3");
        assert!(facts.holds(&Fact::Transition(CvmId(A), Role::Master)));
        assert!(facts.holds(&Fact::Refused([172, 16, 16, 9].into())));
        run.at("4").probed();
        let facts = after(&run, "4");
        assert!(!facts.holds(&Fact::Transition(CvmId(A), Role::Master)));
        assert!(!facts.holds(&Fact::Refused([172, 16, 16, 9].into())));
    }

    struct Watching {
        facts: Facts,
    }
    impl crate::observe::Observer for Watching {
        fn wants(&self) -> Wants {
            Wants { facts: true, frames: true, beats: true, probes: false }
        }
        fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
            self.facts.begin();
            for report in reports {
                self.facts.apply(setup, look, report);
            }
        }
    }
}
