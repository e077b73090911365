//! A lab's objects in the cloud's model: its VPC, subnets, machines and HAVIPs under their API ids; and what is seen on
//! the segment as what the model is told.

use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip_sim::cloud::model::{
    CreateEni, CreateHavip, CreateSubnet, CreateVpc, Limits, Model, Refused, RefusedClaim, WantedAddress,
};
use havip_sim::cloud::{EniId, Verdict};
use havip_sim::world::{EniIndex, EniSetup, NodeId, Segment, Setup};

use super::{Lab, Seen};

/// The region that a lab is in.
pub const REGION: &str = "ap-guangzhou";

/// An interface of the lab.
#[derive(Debug)]
struct Port {
    node: NodeId,
    subnet: u16,
    mac: Mac,
    eni: String,
}

/// Which object of the model is which of the lab.
#[derive(Debug, Default)]
pub struct Mirror {
    /// The lab's VPC.
    pub vpc: String,
    subnets: Vec<String>,
    ports: Vec<Port>,
    /// By their places in the lab; none of one that was released.
    havips: Vec<Option<String>>,
    /// Claims that are believed, and when they were heard.
    believed: Vec<(IpAddr, NodeId, Time)>,
}

impl Mirror {
    /// Finds the lab's objects in the model, or makes them there.
    pub fn new(model: &mut Model, now: Time, setup: &Setup) -> Result<Mirror, Refused> {
        let Segment::Vpc { net, subnets } = &setup.segment else { return Ok(Mirror::default()) };
        // What the scenario declares is there, whatever may be had besides.
        let limits = *model.limits();
        model.set_limits(Limits { vpcs: u64::MAX, havips: u64::MAX, enis: u64::MAX, ..limits });
        let made = Mirror::make(model, now, setup, &format!("lab {}", setup.name), *net, subnets);
        model.set_limits(limits);
        made
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
        for havip in &setup.havips {
            mirror.havip(model, now, havip.address, havip.subnet)?;
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
        let subnet = self.subnets.get(usize::from(eni.subnet)).cloned().unwrap_or_default();
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
                        let at = first.and_then(|port| model.region(REGION).enis().get(&port.eni));
                        if let Some(cvm) = at.and_then(|eni| eni.attachment.as_ref()).map(|at| at.cvm.clone())
                        {
                            model.attach(now, REGION, &id, &cvm, &format!("lab-{id}"))?;
                        }
                        id
                    }
                }
            }
        };
        self.ports.push(Port { node, subnet: eni.subnet, mac: eni.mac, eni: id });
        Ok(())
    }

    fn havip(&mut self, model: &mut Model, now: Time, address: IpAddr, subnet: u16) -> Result<(), Refused> {
        let IpAddr::V4(address) = address else {
            // The API has none of these.
            self.havips.push(None);
            return Ok(());
        };
        let subnet = self.subnets.get(usize::from(subnet)).cloned().unwrap_or_default();
        let there = model.region(REGION).user_of(&subnet, address).map(|used| used.id.clone());
        let id = match there {
            Some(id) => {
                // The segment starts with every address unbound.
                model.unbind(now, REGION, &id);
                id
            }
            None => {
                let ask = CreateHavip {
                    vpc: self.vpc.clone(),
                    name: format!("havip {address}"),
                    subnet: Some(subnet),
                    vip: Some(address.to_string()),
                    ..CreateHavip::default()
                };
                model.create_havip(now, REGION, ask)?
            }
        };
        self.havips.push(Some(id));
        Ok(())
    }

    /// The interface of a machine by which it claims: the one in the HAVIP's subnet, else its first.
    fn eni_of(&self, node: NodeId, subnet: Option<u16>) -> Option<&Port> {
        let mut own = self.ports.iter().filter(|port| port.node == node);
        own.clone().find(|port| Some(port.subnet) == subnet).or_else(|| own.next())
    }

    /// Tells the model what was seen. Lab time counts from `base`.
    pub fn tell(&mut self, model: &mut Model, base: Time, setup: &Setup, seen: &Seen) {
        let when = |at: Time| base + at.saturating_since(Time::ZERO);
        match *seen {
            Seen::Heard { at, by } => {
                if let Some(port) = self.eni_of(by, None) {
                    model.heard(when(at), REGION, &port.eni);
                }
            }
            Seen::Claim { at, by, address, verdict: Verdict::Refused(why) } => {
                let port = self.eni_of(by, None);
                if let (Some(port), IpAddr::V4(address)) = (port, address) {
                    let claim =
                        RefusedClaim { at: when(at), eni: port.eni.clone(), address, mac: port.mac, why };
                    model.refuse(REGION, claim);
                }
            }
            Seen::Claim { at, by, address, verdict: Verdict::Believed } => {
                self.believed.retain(|one| (one.0, one.1) != (address, by));
                self.believed.push((address, by, when(at)));
            }
            Seen::Bound { at, havip, to, mac } => {
                let Some(setup) = setup.havips.get(havip) else { return };
                let Some(Some(id)) = self.havips.get(havip) else { return };
                let heard = self.believed.iter().find(|one| (one.0, Some(one.1)) == (setup.address, to));
                let heard = heard.map_or(when(at), |one| one.2);
                let eni = to.and_then(|node| self.eni_of(node, Some(setup.subnet))).map(|port| &*port.eni);
                model.bound(when(at), REGION, id, eni, mac.unwrap_or(Mac::UNSPECIFIED), heard);
            }
            Seen::Claim { .. } | Seen::Program { .. } => {}
        }
    }

    /// Makes the segment's cloud what the model is: HAVIPs that came or went by the API, and drift ranges.
    pub fn follow(&mut self, model: &Model, lab: &mut Lab) {
        let here = model.region(REGION);
        for (i, place) in self.havips.iter_mut().enumerate() {
            if place.as_ref().is_some_and(|id| here.havips().get(id).is_none()) {
                lab.release(i);
                *place = None;
            }
        }
        for havip in here.havips().iter().filter(|havip| havip.vpc == self.vpc) {
            if !self.havips.iter().flatten().any(|id| *id == havip.id) {
                match lab.add_havip(havip.vip.into()) {
                    Ok(place) => {
                        self.havips.resize(self.havips.len().max(place + 1), None);
                        self.havips[place] = Some(havip.id.clone());
                    }
                    Err(why) => eprintln!("warning: the lab does not know {}: {why}", havip.vip),
                }
            }
            let place = self.havips.iter().position(|id| id.as_ref() == Some(&havip.id));
            let range = havip.check_associate.then(|| {
                let may = |(_, port): &(usize, &Port)| here.may_drift(havip, &port.eni);
                self.ports.iter().enumerate().filter(may).map(|(i, _)| EniId(i as u16)).collect()
            });
            if let Some(place) = place {
                lab.limit(place, range);
            }
        }
    }
}

/// How long a lab has run, as a person reads it.
pub fn shown(at: Time) -> String {
    let passed: Duration = at.saturating_since(Time::ZERO);
    format!("{}.{:03} s", passed.as_secs(), passed.as_micros() / 1000 % 1000)
}
