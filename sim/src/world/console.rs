//! What people do in the cloud's console: HAVIPs that come and go, drift ranges, elastic IPs, security groups.
//!
//! The cloud ([`crate::cloud`]) decides; what it declines changes nothing, and is reported with the reason.

use super::frames::PortId;
use super::report::{Loss, What, Who};
use super::setup::{EipId, EniIndex, HavipId, NodeId};
use super::state::World;
use crate::cloud::{Declined, EniId, may_detach};

/// One thing done in the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleAct {
    /// Somebody applies for a HAVIP that is not there.
    Apply(HavipId),
    /// A HAVIP is released.
    Release(HavipId),
    /// Claims of a HAVIP are believed from these alone; from everybody in its subnet where nobody is named.
    Range(HavipId, Option<Members>),
    /// An elastic IP is bound to a HAVIP.
    BindEip(EipId, HavipId),
    /// An elastic IP is bound to nothing any more.
    UnbindEip(EipId),
    /// A rule is put before all other rules of a machine's security group, or of one interface's.
    Security(NodeId, Option<EniIndex>, GroupRule),
}

/// Who is in a drift range: machines, with all their interfaces, or single interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Members {
    all: [Option<(NodeId, Option<EniIndex>)>; Members::MOST],
}

impl Members {
    /// As many may be in a range.
    pub const MOST: usize = 10;

    /// These with one more; `None` where there is no room.
    #[must_use]
    pub fn with(mut self, one: (NodeId, Option<EniIndex>)) -> Option<Members> {
        *self.all.iter_mut().find(|slot| slot.is_none())? = Some(one);
        Some(self)
    }
    /// All of them, in the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, Option<EniIndex>)> + '_ {
        self.all.iter().flatten().copied()
    }
}

/// A rule of a security group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// What it is about passes; is dropped, where it does not.
    pub allow: bool,
    /// What it is about.
    pub traffic: Traffic,
    /// Which way it goes.
    pub direction: Direction,
}

/// Packets, as a security group tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// All of them.
    All,
    /// Those of an IP protocol.
    Protocol(u8),
    /// Those of TCP (6) or UDP (17) for a port.
    Port(u8, u16),
}

/// Which way a packet goes, as the machine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the machine.
    In,
    /// From it.
    Out,
}

impl World {
    /// What stands in the console from the start.
    pub(super) fn open_console(&mut self) {
        let setup = std::sync::Arc::clone(&self.setup);
        for eip in &setup.eips {
            self.cloud_mut().add_eip(eip.address, eip.havip.map(|havip| havip.0.into()));
        }
        for (i, havip) in setup.havips.iter().enumerate() {
            if havip.off {
                // Nothing has an elastic IP that is not there: this was validated.
                let _ = self.cloud_mut().release(i);
            }
        }
        for act in &setup.console {
            // Nothing of this can be declined.
            let _ = self.order(*act, None);
        }
    }

    /// Carries out what somebody does in the console, or reports why the cloud does not.
    pub(super) fn administer(&mut self, act: ConsoleAct, index: u32) {
        if let Err(why) = self.order(act, Some(index)) {
            self.report(Who::Cloud, What::Declined(index, why));
        }
    }

    fn order(&mut self, act: ConsoleAct, index: Option<u32>) -> Result<(), Declined> {
        match act {
            ConsoleAct::Apply(havip) => {
                let address = self.setup.havips[usize::from(havip.0)].address;
                if !self.cloud_mut().has(havip.0.into()) {
                    self.cloud_mut().revive(havip.0.into(), address);
                    self.cloud.ranges.retain(|one| one.0 != havip);
                }
            }
            ConsoleAct::Release(havip) => {
                let was = self.cloud_mut().release(havip.0.into())?;
                self.report_unbound(havip, was);
            }
            ConsoleAct::Range(havip, members) => {
                let enis = members.map(|members| {
                    let ports = members.iter().flat_map(|one| self.ports_named(one));
                    ports.map(|port| EniId(port.0)).collect()
                });
                self.cloud_mut().limit(havip.0.into(), enis);
                self.cloud.ranges.retain(|one| one.0 != havip);
                self.cloud.ranges.extend(members.map(|members| (havip, members)));
            }
            ConsoleAct::BindEip(eip, havip) => {
                self.cloud_mut().bind_eip(eip.0.into(), havip.0.into())?;
                self.report(Who::Cloud, What::Eip { eip, to: Some(havip) });
            }
            ConsoleAct::UnbindEip(eip) => {
                self.cloud_mut().unbind_eip(eip.0.into())?;
                self.report(Who::Cloud, What::Eip { eip, to: None });
            }
            ConsoleAct::Security(node, eni, rule) => self.groups.put(node, eni, rule, index),
        }
        Ok(())
    }

    /// Takes a further interface out of a machine: it has no link, no address, and what was bound to it is bound to
    /// nobody.
    pub(super) fn detach(&mut self, node: NodeId, eni: EniIndex, index: u32) {
        let port = self.setup.port_of(node, eni);
        if !self.nic(port).attached {
            return;
        }
        let named = self.cloud.ranges.iter().any(|(_, all)| all.iter().any(|one| one == (node, Some(eni))));
        if let Err(why) = may_detach(named) {
            return self.report(Who::Cloud, What::Declined(index, why));
        }
        self.unplug_for_good(port);
        let now = self.now;
        for havip in self.cloud_mut().detach(now, EniId(port.0)) {
            self.report_unbound(HavipId(havip as u16), Some(EniId(port.0)));
        }
    }

    fn report_unbound(&mut self, havip: HavipId, was: Option<EniId>) {
        let Some(EniId(port)) = was else { return };
        let from = Some(self.nic(PortId(port)).node);
        self.report(Who::Cloud, What::Bound { havip, from, to: None, claimed_by: None });
    }

    /// The ports of a node, or of one interface of it.
    fn ports_named(&self, (node, eni): (NodeId, Option<EniIndex>)) -> Vec<PortId> {
        match eni {
            Some(eni) => vec![self.setup.port_of(node, eni)],
            None => self.ports_of(node).collect(),
        }
    }

    /// Tells, once, why a client of the internet gets no further.
    pub(super) fn no_way(&mut self, from: PortId, to: Option<PortId>, why: Loss) {
        for port in [Some(from), to].into_iter().flatten() {
            let Some(client) = self.internet_client(port) else { continue };
            let state = &mut self.clients[usize::from(client.0)];
            if state.no_way != Some(why) {
                state.no_way = Some(why);
                let who = Who::Node(self.setup.node_of_client(client));
                self.report(who, What::NoWay { client, why });
            }
        }
    }
}
