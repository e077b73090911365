//! A lab's objects in the cloud's model: its VPC, subnets, machines and HAVIPs under their API ids; and what is seen on
//! the segment as what the model is told.

use std::net::{IpAddr, Ipv4Addr};

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip_sim::cloud::Verdict;
use havip_sim::cloud::model::{
    CreateEni, CreateHavip, CreateSubnet, CreateVpc, Model, Refused, RefusedClaim, WantedAddress,
};
use havip_sim::world::{ConsoleAct, EniIndex, EniSetup, HavipId, Members, NodeId, Segment, Setup};

use super::{Nic, Seen};

/// The region that a lab is in.
pub const REGION: &str = "ap-guangzhou";

/// An interface of the lab.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) node: NodeId,
    pub(super) index: EniIndex,
    subnet: u16,
    mac: Mac,
    pub(super) eni: String,
    /// Its machine; none of a client's.
    pub(super) cvm: String,
    pub(super) attached: bool,
}

/// Which object of the model is which of the lab.
#[derive(Debug, Default)]
pub struct Mirror {
    /// The lab's VPC.
    pub vpc: String,
    subnets: Vec<String>,
    pub(super) ports: Vec<Port>,
    /// By their places in the lab; none of one that is not there.
    pub(super) havips: Vec<Option<String>>,
    /// Their drift ranges.
    pub(super) ranges: Vec<Option<Members>>,
    /// Elastic IPs by their places in the lab, and which HAVIP each is bound to.
    pub(super) eips: Vec<(Ipv4Addr, Option<usize>)>,
    /// Claims that are believed, and when they were heard.
    believed: Vec<(IpAddr, Nic, Time)>,
}

impl Mirror {
    /// Finds the lab's objects in the model, or makes them there.
    pub fn new(model: &mut Model, now: Time, setup: &Setup) -> Result<Mirror, Refused> {
        let Segment::Vpc { net, subnets } = &setup.segment else { return Ok(Mirror::default()) };
        // What the scenario declares is there, whatever may be had besides.
        model.at_once(|model| Mirror::make(model, now, setup, &format!("lab {}", setup.name), *net, subnets))
    }

    fn make(
        model: &mut Model,
        now: Time,
        setup: &Setup,
        name: &str,
        net: ipnet::Ipv4Net,
        subnets: &[havip_sim::world::Subnet],
    ) -> Result<Mirror, Refused> {
        let there = model.region(REGION).vpcs().iter().find(|vpc| vpc.name == name && vpc.cidr == net);
        let vpc = match there.map(|vpc| vpc.id.clone()) {
            Some(vpc) => vpc,
            None => {
                let ask = CreateVpc { name: name.to_owned(), cidr: net.to_string(), ..CreateVpc::default() };
                model.create_vpc(now, REGION, ask)?
            }
        };
        let mut mirror = Mirror { vpc, ..Mirror::default() };
        for (i, subnet) in subnets.iter().enumerate() {
            mirror.subnet(model, now, i, subnet.net)?;
        }
        for port in setup.ports() {
            mirror.port(model, now, setup, port)?;
        }
        mirror.ranges = vec![None; setup.havips.len()];
        for act in &setup.console {
            if let ConsoleAct::Range(HavipId(i), range) = *act {
                mirror.ranges[usize::from(i)] = range;
            }
        }
        for (i, havip) in setup.havips.iter().enumerate() {
            let made = match havip.off {
                true => None,
                false => mirror.havip(model, now, havip.address, havip.subnet)?,
            };
            if let (Some((id, true)), Some(range)) = (&made, mirror.ranges[i]) {
                model.limit(now, REGION, id, Some(mirror.associations(range)));
            }
            mirror.havips.push(made.map(|(id, _)| id));
        }
        for (i, eip) in setup.eips.iter().enumerate() {
            let place = eip.havip.map(|havip| usize::from(havip.0));
            if model.region(REGION).eip_of(eip.address).is_none() {
                model.adopt_eip(now, REGION, eip.address)?;
                if let Some(Some(id)) = place.and_then(|place| mirror.havips.get(place)) {
                    let request = format!("lab-{}-eip-{i}", now.as_nanos());
                    model.bind_eip(now, REGION, id, &eip.address.to_string(), &request)?;
                }
            }
            mirror.eips.push((eip.address, place));
        }
        Ok(mirror)
    }

    fn subnet(&mut self, model: &mut Model, now: Time, i: usize, net: ipnet::Ipv4Net) -> Result<(), Refused> {
        let there = model.region(REGION).subnets().iter().find(|one| one.vpc == self.vpc && one.cidr == net);
        let id = match there.map(|subnet| subnet.id.clone()) {
            Some(id) => id,
            None => {
                let (vpc, zone) = (self.vpc.clone(), format!("{REGION}-1"));
                let name = format!("subnet {i}");
                let ask = CreateSubnet { vpc, name, zone, cidr: net.to_string(), tags: Vec::new() };
                model.create_subnet(now, REGION, ask)?
            }
        };
        self.subnets.push(id);
        Ok(())
    }

    /// One interface: of a new machine, a further one of a machine, or a client's, which is on no machine.
    fn port(
        &mut self,
        model: &mut Model,
        now: Time,
        setup: &Setup,
        (node, index, eni): (NodeId, EniIndex, &EniSetup),
    ) -> Result<(), Refused> {
        // The internet is no subnet.
        let Some(subnet) = self.subnets.get(usize::from(eni.subnet)).cloned() else { return Ok(()) };
        let there = model.region(REGION).user_of(&subnet, eni.address.addr()).map(|used| used.id.clone());
        let id = match there {
            Some(id) => id,
            None => {
                let address = Some(eni.address.addr().to_string());
                let ask = CreateEni {
                    vpc: self.vpc.clone(),
                    subnet,
                    name: setup.eni_name(node, index),
                    addresses: vec![WantedAddress { address, primary: true, description: String::new() }],
                    ..CreateEni::default()
                };
                match (setup.cvm_of(node), index) {
                    (Some(_), EniIndex::ETH0) => {
                        model.create_cvm(now, REGION, setup.name_of(node), ask, Some(eni.mac))?.1
                    }
                    (owner, _) => {
                        let id = model.create_eni(now, REGION, ask)?;
                        let first = owner.and_then(|_| self.ports.iter().find(|port| port.node == node));
                        if let Some(first) = first.filter(|_| !eni.off) {
                            model.attach(now, REGION, &id, &first.cvm, &format!("lab-{id}"))?;
                        }
                        id
                    }
                }
            }
        };
        let first = self.ports.iter().find(|port| port.node == node);
        let at = model.region(REGION).enis().get(&id).and_then(|one| one.attachment.as_ref());
        let cvm =
            first.map_or_else(|| at.map(|at| at.cvm.clone()).unwrap_or_default(), |port| port.cvm.clone());
        let (subnet, mac, attached) = (eni.subnet, eni.mac, !eni.off);
        self.ports.push(Port { node, index, subnet, mac, eni: id, cvm, attached });
        Ok(())
    }

    /// Finds a HAVIP in the model, or makes it there: its id, and whether it is new. The API has none of IPv6.
    pub(super) fn havip(
        &self,
        model: &mut Model,
        now: Time,
        address: IpAddr,
        subnet: u16,
    ) -> Result<Option<(String, bool)>, Refused> {
        let IpAddr::V4(address) = address else { return Ok(None) };
        let subnet = self.subnets.get(usize::from(subnet)).cloned().unwrap_or_default();
        let there = model.region(REGION).user_of(&subnet, address).map(|used| used.id.clone());
        match there {
            Some(id) => {
                // The segment starts with every address unbound.
                model.unbind(now, REGION, &id);
                Ok(Some((id, false)))
            }
            None => {
                let ask = CreateHavip {
                    vpc: self.vpc.clone(),
                    name: format!("havip {address}"),
                    subnet: Some(subnet),
                    vip: Some(address.to_string()),
                    ..CreateHavip::default()
                };
                Ok(Some((model.create_havip(now, REGION, ask)?, true)))
            }
        }
    }

    fn port_of(&self, (node, index): Nic) -> Option<&Port> {
        self.ports.iter().find(|port| (port.node, port.index) == (node, index))
    }
    /// The interface of a machine that a HAVIP of a subnet is bound to. A claim is believed only of an interface of that
    /// subnet which announces its own hardware address.
    fn claimant(&self, node: NodeId, subnet: u16, mac: Option<Mac>) -> Option<&Port> {
        self.ports.iter().find(|one| (one.node, one.subnet, Some(one.mac)) == (node, subnet, mac))
    }

    /// Tells the model what was seen. Lab time counts from `base`.
    pub fn tell(&mut self, model: &mut Model, base: Time, setup: &Setup, seen: &Seen) {
        let when = |at: Time| base + at.saturating_since(Time::ZERO);
        match *seen {
            Seen::Heard { at, by } => {
                if let Some(port) = self.port_of(by) {
                    model.heard(when(at), REGION, &port.eni);
                }
            }
            Seen::Claim { at, by, address, mac, verdict: Verdict::Refused(why) } => {
                if let (Some(port), IpAddr::V4(address)) = (self.port_of(by), address) {
                    model.refuse(REGION, RefusedClaim::new(when(at), &port.eni, address, mac, why));
                }
            }
            Seen::Claim { at, by, address, verdict: Verdict::Believed, .. } => {
                self.believed.retain(|one| (one.0, one.1) != (address, by));
                self.believed.push((address, by, when(at)));
            }
            Seen::Bound { at, havip, to, mac } => {
                let Some(setup) = setup.havips.get(havip) else { return };
                let Some(Some(id)) = self.havips.get(havip) else { return };
                if to.is_none() {
                    return model.unbind(when(at), REGION, id);
                }
                let port = to.and_then(|node| self.claimant(node, setup.subnet, mac));
                let by = port.map(|port| (port.node, port.index));
                let heard = self.believed.iter().find(|one| (one.0, Some(one.1)) == (setup.address, by));
                let heard = heard.map_or(when(at), |one| one.2);
                let eni = port.map(|port| &*port.eni);
                model.bound(when(at), REGION, id, eni, mac.unwrap_or(Mac::UNSPECIFIED), heard);
            }
            Seen::Done { at, index } => self.done(model, when(at), setup, index),
            Seen::Claim { .. } | Seen::Program { .. } | Seen::Declined { .. } => {}
        }
    }
}

/// How long a lab has run, as a person reads it.
pub fn shown(at: Time) -> String {
    let passed: Duration = at.saturating_since(Time::ZERO);
    format!("{}.{:03} s", passed.as_secs(), passed.as_micros() / 1000 % 1000)
}
