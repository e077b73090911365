//! Network interfaces and machines.

use std::net::Ipv4Addr;

use havip::time::Time;
use havip::wire::ethernet::Mac;

use super::objects::{Attachment, Cause, Cvm, Eni, EniState, Member, PrivateIp, Subnet, Tag, Work};
use super::{Code, Model, Refused, Region, tags};
use crate::cloud::may_detach;

/// An address that is asked for by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedAddress {
    /// The address; the lowest free one where nobody says which.
    pub address: Option<String>,
    /// It is to be the primary one.
    pub primary: bool,
    /// What for.
    pub description: String,
}

/// What a network interface is made of.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct CreateEni {
    pub vpc: String,
    pub subnet: String,
    pub name: String,
    pub description: String,
    pub groups: Vec<String>,
    pub addresses: Vec<WantedAddress>,
    pub secondary: u64,
    pub tags: Vec<Tag>,
}

impl Model {
    /// `CreateNetworkInterface`.
    pub fn create_eni(&mut self, now: Time, region: &str, ask: CreateEni) -> Result<String, Refused> {
        let id = self.add_eni(now, region, ask, None)?;
        self.object(now, region, "eni", &id, "created");
        Ok(id)
    }

    fn add_eni(
        &mut self,
        now: Time,
        region: &str,
        ask: CreateEni,
        mac: Option<Mac>,
    ) -> Result<String, Refused> {
        tags::id("VpcId", "vpc", &ask.vpc)?;
        tags::id("SubnetId", "subnet", &ask.subnet)?;
        let name = tags::name("NetworkInterfaceName", &ask.name)?;
        if ask.description.chars().count() > 60 {
            let message = "The parameter `NetworkInterfaceDescription` is longer than 60 characters.";
            return Err(Refused::new(Code::TOO_LONG, message));
        }
        let tags = tags::tags(ask.tags.clone())?;
        let (enis, each) = (self.limits.enis, self.limits.eni_addresses);
        let here = self.region_mut(region)?;
        let subnet = here.subnet_of(&ask.vpc, &ask.subnet)?;
        if here.enis.len() as u64 >= enis {
            return Err(Refused::new(Code::LIMIT, format!("At most {enis} network interfaces.")));
        }
        let addresses = here.addresses_for(&subnet, &ask, each)?;
        let number = self.ids.number();
        let id = self.ids.id("eni", number);
        let here = self.region_mut(region)?;
        for one in &addresses {
            here.take(&subnet.id, one.address, "ENI", &id);
        }
        let own = addresses.iter().find(|one| one.primary).map_or([0; 4], |one| one.address.octets());
        let mac = mac.unwrap_or(Mac([2, 0, own[0], own[1], own[2], own[3]]));
        here.enis.insert(Eni {
            id: id.clone(),
            number,
            vpc: ask.vpc,
            subnet: ask.subnet,
            name,
            description: ask.description,
            groups: ask.groups,
            primary: false,
            mac,
            addresses,
            state: EniState::Available,
            attachment: None,
            tags,
            created: now,
        });
        Ok(id)
    }

    /// A machine with its primary interface. No action of the API does this: machines are another service's.
    pub fn create_cvm(
        &mut self,
        now: Time,
        region: &str,
        name: &str,
        eni: CreateEni,
        mac: Option<Mac>,
    ) -> Result<(String, String), Refused> {
        let name = tags::name("InstanceName", name)?;
        let vpc = eni.vpc.clone();
        self.region(region).decides(&vpc)?;
        let zone = self.region(region).subnet_of(&eni.vpc, &eni.subnet)?.zone;
        let eni = self.add_eni(now, region, eni, mac)?;
        let number = self.ids.number();
        let id = self.ids.id("ins", number);
        let here = self.region_mut(region)?;
        here.cvms.insert(Cvm { id: id.clone(), number, name, vpc, zone, created: now });
        if let Some(eni) = here.enis.get_mut(&eni) {
            eni.primary = true;
            eni.state = EniState::InUse;
            eni.attachment = Some(Attachment { cvm: id.clone(), index: 0, at: now });
        }
        self.object(now, region, "cvm", &id, "created");
        self.object(now, region, "eni", &eni, "created");
        Ok((id, eni))
    }

    /// `AttachNetworkInterface`, to a machine of the same VPC and zone.
    pub fn attach(
        &mut self,
        now: Time,
        region: &str,
        eni_id: &str,
        cvm_id: &str,
        request: &str,
    ) -> Result<u64, Refused> {
        tags::id("NetworkInterfaceId", "eni", eni_id)?;
        tags::id("InstanceId", "ins", cvm_id)?;
        let limit = self.limits.cvm_enis;
        let here = self.region(region);
        let eni = here.eni(eni_id)?;
        let cvm = here.cvms.get(cvm_id).ok_or_else(|| Refused::missing("instance", cvm_id))?;
        self.free_to_work(&[eni_id])?;
        if eni.attachment.is_some() {
            let message = format!("The network interface `{eni_id}` is attached already.");
            return Err(Refused::new(Code::ATTACHED, message));
        }
        if eni.vpc != cvm.vpc {
            let message = format!("`{eni_id}` and `{cvm_id}` are in different VPCs.");
            return Err(Refused::new(Code::VPC_MISMATCH, message));
        }
        if here.subnets.get(&eni.subnet).is_some_and(|subnet| subnet.zone != cvm.zone) {
            let message = format!("`{eni_id}` and `{cvm_id}` are in different zones.");
            return Err(Refused::new(Code::ZONE_MISMATCH, message));
        }
        if here.enis_of(cvm_id).count() as u64 >= limit {
            let message = format!("At most {limit} network interfaces of an instance.");
            return Err(Refused::new(Code::LIMIT, message));
        }
        let (eni, cvm) = (eni_id.to_owned(), cvm_id.to_owned());
        if let Some(eni) = self.region_mut(region)?.enis.get_mut(eni_id) {
            eni.state = EniState::Attaching;
        }
        Ok(self.start_task(now, region, request, Work::Attach { eni, cvm }))
    }

    pub(super) fn attached(&mut self, now: Time, region: &str, eni: &str, cvm: &str) {
        let Ok(here) = self.region_mut(region) else { return };
        let index = (0..).find(|&i| here.enis_of(cvm).all(|one| one.index() != Some(i)));
        if let Some(eni) = here.enis.get_mut(eni) {
            eni.state = EniState::InUse;
            eni.attachment = Some(Attachment { cvm: cvm.to_owned(), index: index.unwrap_or(0), at: now });
        }
        self.object(now, region, "eni", eni, "changed");
    }

    /// `DetachNetworkInterface`. HAVIPs bound to it are bound to nobody from then on.
    pub fn detach(
        &mut self,
        now: Time,
        region: &str,
        id: &str,
        cvm: &str,
        request: &str,
    ) -> Result<u64, Refused> {
        tags::id("NetworkInterfaceId", "eni", id)?;
        tags::id("InstanceId", "ins", cvm)?;
        let here = self.region(region);
        let eni = here.eni(id)?;
        self.free_to_work(&[id])?;
        match &eni.attachment {
            Some(at) if at.cvm == cvm => {}
            _ => {
                let message = format!("The network interface `{id}` is not attached to `{cvm}`.");
                return Err(Refused::new(Code::NOT_ATTACHED, message));
            }
        }
        if eni.primary {
            let message = format!("`{id}` is the primary network interface of `{cvm}`.");
            return Err(Refused::new(Code::INVALID_STATE, message));
        }
        here.not_in_a_range(id)?;
        if let Some(eni) = self.region_mut(region)?.enis.get_mut(id) {
            eni.state = EniState::Detaching;
        }
        Ok(self.start_task(now, region, request, Work::Detach { eni: id.to_owned() }))
    }

    pub(super) fn detached(&mut self, now: Time, region: &str, id: &str) {
        self.unbind_from(now, region, id);
        if let Some(eni) = self.region_mut(region).ok().and_then(|here| here.enis.get_mut(id)) {
            (eni.state, eni.attachment) = (EniState::Available, None);
        }
        self.object(now, region, "eni", id, "changed");
    }

    /// Whatever is bound to an interface is bound to nobody, and what it claimed before does not follow any more.
    fn unbind_from(&mut self, now: Time, region: &str, eni: &str) {
        let Ok(here) = self.region_mut(region) else { return };
        if let Some(number) = here.enis.get(eni).map(|eni| eni.number) {
            here.bindings.values_mut().for_each(|binding| binding.leave(now, number));
        }
        let bound = |havip: &&super::Havip| havip.eni.as_deref() == Some(eni);
        let havips = self.region(region).havips.iter().filter(bound);
        let ids: Vec<String> = havips.map(|havip| havip.id.clone()).collect();
        for id in ids {
            self.moved(now, region, &id, None, Cause::Detached);
        }
    }

    /// `DeleteNetworkInterface`: only one that is attached to nothing.
    pub fn delete_eni(&mut self, now: Time, region: &str, id: &str) -> Result<(), Refused> {
        tags::id("NetworkInterfaceId", "eni", id)?;
        let here = self.region(region);
        let eni = here.eni(id)?.clone();
        self.free_to_work(&[id])?;
        if eni.attachment.is_some() {
            let message = format!("The network interface `{id}` is attached.");
            return Err(Refused::new(Code::INVALID_STATE, message));
        }
        here.not_in_a_range(id)?;
        self.unbind_from(now, region, id);
        let here = self.region_mut(region)?;
        for one in &eni.addresses {
            here.give_back(&eni.subnet, one.address);
        }
        here.enis.remove(id);
        here.heard.remove(id);
        self.object(now, region, "eni", id, "deleted");
        Ok(())
    }

    /// Removes a machine with its primary interface; the others are detached.
    pub fn delete_cvm(&mut self, now: Time, region: &str, id: &str) -> Result<(), Refused> {
        tags::id("InstanceId", "ins", id)?;
        let here = self.region(region);
        let cvm = here.cvms.get(id).ok_or_else(|| Refused::missing("instance", id))?;
        here.decides(&cvm.vpc)?;
        let in_range = |range: &[super::Association]| range.iter().any(|one| one.instance == id);
        if let Some(havip) = here.havips.iter().find(|havip| in_range(&havip.range)) {
            let message = format!("`{id}` is in the drift range of `{}`.", havip.id);
            return Err(Refused::new(Code::IN_RANGE, message));
        }
        let enis: Vec<(String, bool)> = here.enis_of(id).map(|eni| (eni.id.clone(), eni.primary)).collect();
        for (eni, _) in &enis {
            here.not_in_a_range(eni)?;
            self.free_to_work(&[eni])?;
        }
        for (eni, primary) in enis {
            self.detached(now, region, &eni);
            if primary {
                self.delete_eni(now, region, &eni)?;
            }
        }
        self.region_mut(region)?.cvms.remove(id);
        self.object(now, region, "cvm", id, "deleted");
        Ok(())
    }
}

impl Eni {
    /// Its first address.
    pub fn primary_ip(&self) -> Option<Ipv4Addr> {
        Some(self.addresses.iter().find(|one| one.primary)?.address)
    }
    /// Its place on its machine.
    pub fn index(&self) -> Option<u32> {
        Some(self.attachment.as_ref()?.index)
    }
}

impl Region {
    /// The interfaces of a machine.
    pub fn enis_of<'a>(&'a self, cvm: &'a str) -> impl Iterator<Item = &'a Eni> {
        self.enis.iter().filter(move |eni| eni.attachment.as_ref().is_some_and(|at| at.cvm == cvm))
    }
    /// A network interface by its id.
    pub fn eni(&self, id: &str) -> Result<&Eni, Refused> {
        self.enis.get(id).ok_or_else(|| Refused::missing("network interface", id))
    }
    /// A subnet of a VPC.
    pub(super) fn subnet_of(&self, vpc: &str, subnet: &str) -> Result<Subnet, Refused> {
        self.vpcs.get(vpc).ok_or_else(|| Refused::missing("VPC", vpc))?;
        let found = self.subnets.get(subnet).filter(|found| found.vpc == vpc);
        found.cloned().ok_or_else(|| Refused::missing("subnet", subnet))
    }
    /// Complains of an interface that a drift range names.
    fn not_in_a_range(&self, eni: &str) -> Result<(), Refused> {
        let named = |one: &super::Association| one.member == Member::Eni && one.instance == eni;
        let havip = self.havips.iter().find(|havip| havip.range.iter().any(named));
        may_detach(havip.is_some()).map_err(|_| {
            let of = havip.map_or("", |havip| &havip.id);
            Refused::new(Code::IN_RANGE, format!("`{eni}` is in the drift range of `{of}`."))
        })
    }

    /// The addresses of a new interface: those asked for, then the lowest free.
    fn addresses_for(
        &mut self,
        subnet: &Subnet,
        ask: &CreateEni,
        most: u64,
    ) -> Result<Vec<PrivateIp>, Refused> {
        if (ask.addresses.len() as u64).max(1).saturating_add(ask.secondary) > most {
            return Err(Refused::new(
                Code::LIMIT,
                format!("At most {most} addresses of a network interface."),
            ));
        }
        if ask.addresses.iter().filter(|one| one.primary).count() > 1 {
            return Err(Refused::new(Code::DUPLICATE, "More than one primary address."));
        }
        let mut taken: Vec<Ipv4Addr> = Vec::new();
        for text in ask.addresses.iter().filter_map(|one| one.address.as_ref()) {
            let address = self.wanted(subnet, "PrivateIpAddress", text)?;
            if taken.contains(&address) {
                return Err(Refused::new(Code::DUPLICATE, format!("The address `{address}` comes twice.")));
            }
            taken.push(address);
        }
        let mut named = taken.clone().into_iter();
        let mut addresses = Vec::new();
        let mut wanted = ask.addresses.clone();
        if !wanted.iter().any(|one| one.primary) {
            match wanted.first_mut() {
                Some(first) => first.primary = true,
                None => {
                    let description = String::new();
                    wanted.push(WantedAddress { address: None, primary: true, description });
                }
            }
        }
        let more = WantedAddress { address: None, primary: false, description: String::new() };
        wanted.extend(std::iter::repeat_n(more, ask.secondary as usize));
        for one in wanted {
            let address = match one.address {
                Some(_) => named.next(),
                None => None,
            };
            let address = match address {
                Some(address) => address,
                None => {
                    let free = self.lowest_free(subnet, &taken)?;
                    taken.push(free);
                    free
                }
            };
            addresses.push(PrivateIp { address, primary: one.primary, description: one.description });
        }
        Ok(addresses)
    }
}
