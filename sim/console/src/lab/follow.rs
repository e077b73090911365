//! Keeps a lab's segment and the model of the API the same: what the API changes is done on the segment, as an act that
//! the record shows; what was done on the segment is told to the model.
//!
//! A [`Mirror`] knows what both agree on. Where the model differs from that, the segment is behind; where an act of the
//! segment does, the model is. So nothing is done twice.

use std::net::IpAddr;

use havip::time::Time;
use havip_sim::cloud::model::{Association, Havip, Member, Model, Refused, Region};
use havip_sim::world::{Act, ConsoleAct, EniIndex, HavipId, Members, NodeId, Setup};

use super::mirror::{Mirror, REGION};
use super::{Lab, Wrong};

impl Mirror {
    /// Does on the segment what was done by the API.
    pub fn follow(&mut self, model: &Model, lab: &mut Lab) {
        let here = model.region(REGION);
        self.unbind_eips(here, lab);
        self.release_havips(here, lab);
        self.apply_for_havips(here, lab);
        self.bind_eips(here, lab);
        self.limit_havips(here, lab);
        self.move_interfaces(here, lab);
    }

    /// Which HAVIP of the lab an elastic IP is bound to.
    fn holder(&self, here: &Region, address: std::net::Ipv4Addr) -> Option<usize> {
        let holder = here.eip_of(address)?.holder.as_ref()?;
        self.havips.iter().position(|id| id.as_ref() == Some(&holder.havip))
    }

    fn unbind_eips(&mut self, here: &Region, lab: &mut Lab) {
        for i in 0..self.eips.len() {
            let (address, was) = self.eips[i];
            if was.is_some() && was != self.holder(here, address) {
                self.eips[i].1 = None;
                warn(lab.act(&format!("unbind-eip {address}")));
            }
        }
    }

    fn release_havips(&mut self, here: &Region, lab: &mut Lab) {
        for i in 0..self.havips.len() {
            if self.havips[i].as_ref().is_some_and(|id| here.havips().get(id).is_none()) {
                (self.havips[i], self.ranges[i]) = (None, None);
                let address = lab.setup().havips[i].address;
                warn(lab.act(&format!("release {address}")));
            }
        }
    }

    fn apply_for_havips(&mut self, here: &Region, lab: &mut Lab) {
        for havip in here.havips().iter().filter(|havip| havip.vpc == self.vpc) {
            if self.havips.iter().flatten().any(|id| *id == havip.id) {
                continue;
            }
            match lab.apply(havip.vip.into()) {
                Ok(place) => {
                    let count = self.havips.len().max(place + 1);
                    self.havips.resize(count, None);
                    self.ranges.resize(count, None);
                    self.havips[place] = Some(havip.id.clone());
                }
                Err(why) => eprintln!("warning: the lab does not know {}: {why}", havip.vip),
            }
        }
    }

    fn bind_eips(&mut self, here: &Region, lab: &mut Lab) {
        for eip in here.eips().iter() {
            if !self.eips.iter().any(|(address, _)| *address == eip.address) {
                match lab.add_eip(eip.address) {
                    Ok(_) => self.eips.push((eip.address, None)),
                    Err(why) => eprintln!("warning: the lab does not know {}: {why}", eip.address),
                }
            }
        }
        for i in 0..self.eips.len() {
            let (address, was) = self.eips[i];
            if let (None, Some(place)) = (was, self.holder(here, address)) {
                self.eips[i].1 = Some(place);
                let havip = lab.setup().havips[place].address;
                warn(lab.act(&format!("bind-eip {address} to {havip}")));
            }
        }
    }

    fn limit_havips(&mut self, here: &Region, lab: &mut Lab) {
        for i in 0..self.havips.len() {
            let Some(havip) = self.havips[i].as_ref().and_then(|id| here.havips().get(id)) else { continue };
            let range = self.range_of(havip);
            if range != self.ranges[i] {
                self.ranges[i] = range;
                let act = Act::Console(ConsoleAct::Range(HavipId(i as u16), range));
                warn(lab.act(&lab.act_text(&act)));
            }
        }
    }

    /// Those of a drift range that are of the lab.
    fn range_of(&self, havip: &Havip) -> Option<Members> {
        let member = |one: &Association| match one.member {
            Member::Cvm => {
                self.ports.iter().find(|port| port.cvm == one.instance).map(|port| (port.node, None))
            }
            Member::Eni => {
                let port = self.ports.iter().find(|port| port.eni == one.instance && !port.cvm.is_empty());
                port.map(|port| (port.node, Some(port.index)))
            }
        };
        let all = havip.range.iter().filter_map(member);
        havip.check_associate.then(|| all.fold(Members::default(), |all, one| all.with(one).unwrap_or(all)))
    }

    fn move_interfaces(&mut self, here: &Region, lab: &mut Lab) {
        for port in self.ports.iter_mut().filter(|port| port.index != EniIndex::ETH0) {
            let attachment = here.enis().get(&port.eni).and_then(|eni| eni.attachment.as_ref());
            let attached = attachment.is_some_and(|at| at.cvm == port.cvm);
            if attached != port.attached {
                port.attached = attached;
                let act = match attached {
                    true => Act::Attach(port.node, port.index),
                    false => Act::Detach(port.node, port.index),
                };
                warn(lab.act(&lab.act_text(&act)));
            }
        }
    }

    /// Tells the model what was done on the segment.
    pub(super) fn done(&mut self, model: &mut Model, now: Time, setup: &Setup, index: u32) {
        let Some(act) = setup.acts.get(index as usize).map(|timed| timed.act) else { return };
        let request = format!("lab-{}-{index}", now.as_nanos());
        let told = model.at_once(|model| match act {
            Act::Console(act) => self.console_done(model, now, setup, act, &request),
            Act::Attach(node, eni) => self.interface_moved(model, now, (node, eni), true, &request),
            Act::Detach(node, eni) => self.interface_moved(model, now, (node, eni), false, &request),
            _ => Ok(()),
        });
        if let Err(refused) = told {
            eprintln!("warning: what the lab did is not done by the API: {refused}");
        }
    }

    fn console_done(
        &mut self,
        model: &mut Model,
        now: Time,
        setup: &Setup,
        act: ConsoleAct,
        request: &str,
    ) -> Result<(), Refused> {
        let eip_of = |eip: havip_sim::world::EipId| usize::from(eip.0);
        match act {
            ConsoleAct::Apply(HavipId(i)) => {
                let (i, havip) = (usize::from(i), &setup.havips[usize::from(i)]);
                if let (None, IpAddr::V4(_)) = (&self.havips[i], havip.address) {
                    self.havips[i] = self.havip(model, now, havip.address, havip.subnet)?.map(|(id, _)| id);
                }
            }
            ConsoleAct::Release(HavipId(i)) => {
                self.ranges[usize::from(i)] = None;
                if let Some(id) = self.havips[usize::from(i)].take() {
                    model.delete_havip(now, REGION, &id, request)?;
                }
            }
            ConsoleAct::Range(HavipId(i), range) => {
                let i = usize::from(i);
                if let Some(id) = self.havips[i].clone().filter(|_| self.ranges[i] != range) {
                    self.ranges[i] = range;
                    model.limit(now, REGION, &id, range.map(|members| self.associations(members)));
                }
            }
            ConsoleAct::BindEip(eip, HavipId(i)) => {
                let (place, i) = (eip_of(eip), usize::from(i));
                if let Some(id) = self.havips[i].clone().filter(|_| self.eips[place].1 != Some(i)) {
                    self.eips[place].1 = Some(i);
                    model.bind_eip(now, REGION, &id, &self.eips[place].0.to_string(), request)?;
                }
            }
            ConsoleAct::UnbindEip(eip) => {
                let was = self.eips[eip_of(eip)].1.take();
                if let Some(id) = was.and_then(|i| self.havips[i].clone()) {
                    model.unbind_eip(now, REGION, &id, request)?;
                }
            }
            // The API that is served has no security groups.
            ConsoleAct::Security(..) => {}
        }
        Ok(())
    }

    /// A drift range in the API's ids.
    pub(super) fn associations(&self, members: Members) -> Vec<Association> {
        let association = |(node, eni): (NodeId, Option<EniIndex>)| {
            let index = eni.unwrap_or(EniIndex::ETH0);
            let port = self.ports.iter().find(|port| (port.node, port.index) == (node, index))?;
            Some(match eni {
                None => Association { instance: port.cvm.clone(), member: Member::Cvm },
                Some(_) => Association { instance: port.eni.clone(), member: Member::Eni },
            })
        };
        members.iter().filter_map(association).collect()
    }

    fn interface_moved(
        &mut self,
        model: &mut Model,
        now: Time,
        (node, eni): (NodeId, EniIndex),
        attached: bool,
        request: &str,
    ) -> Result<(), Refused> {
        let port = self.ports.iter_mut().find(|port| (port.node, port.index) == (node, eni));
        let Some(port) = port.filter(|port| port.attached != attached) else { return Ok(()) };
        port.attached = attached;
        match attached {
            true => model.attach(now, REGION, &port.eni, &port.cvm, request)?,
            false => model.detach(now, REGION, &port.eni, &port.cvm, request)?,
        };
        Ok(())
    }
}

/// Both sides judge by the same rules, so that what one has done the other does: where it does not, people are told.
fn warn(done: Result<Time, Wrong>) {
    if let Err(why) = done {
        eprintln!("warning: the lab does not follow the API: {why}");
    }
}
