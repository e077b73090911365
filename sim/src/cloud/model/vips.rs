//! HAVIPs: applying, renaming, releasing, drift ranges, elastic IPs.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use havip::time::Time;

use super::ids::is_id;
use super::objects::{Association, Cause, EipHolder, EipStatus, Havip, Member, Moved, Subnet, Tag, Work};
use super::{Code, Happening, Model, Refused, Region, tags};
use crate::cloud::{Binding, Declined, may_bind_eip, may_release};

/// What a HAVIP is made of.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct CreateHavip {
    pub vpc: String,
    pub name: String,
    pub subnet: Option<String>,
    pub vip: Option<String>,
    /// Bound to this interface from the start.
    pub eni: Option<String>,
    pub check_associate: bool,
    pub range: Vec<Association>,
    pub tags: Vec<Tag>,
}

impl Model {
    /// `CreateHaVip`. It is bound to nobody, unless the request names an interface.
    pub fn create_havip(&mut self, now: Time, region: &str, ask: CreateHavip) -> Result<String, Refused> {
        tags::id("VpcId", "vpc", &ask.vpc)?;
        let name = tags::name("HaVipName", &ask.name)?;
        let tags = tags::tags(ask.tags.clone())?;
        let limits = self.limits;
        let here = self.region_mut(region)?;
        let subnet = here.subnet_for(&ask)?;
        here.fits_range(&ask.vpc, &[], &ask.range, limits.range)?;
        let vip = ask.vip.as_ref().map(|text| here.wanted(&subnet, "Vip", text)).transpose()?;
        if here.havips_of.get(&ask.vpc).copied().unwrap_or(0) >= limits.havips {
            return Err(Refused::new(Code::LIMIT, format!("At most {} HAVIPs in a VPC.", limits.havips)));
        }
        let vip = match vip {
            Some(vip) => vip,
            None => here.lowest_free(&subnet, &[])?,
        };
        let number = self.ids.number();
        let id = self.ids.id("havip", number);
        let here = self.region_mut(region)?;
        here.take(&subnet.id, vip, "HAVIP", &id);
        *here.havips_of.entry(ask.vpc.clone()).or_default() += 1;
        let bound = ask.eni.as_ref().and_then(|eni| here.enis.get(eni)).map(|eni| eni.number);
        here.bindings.insert(id.clone(), Binding::new(bound));
        here.havips.insert(Havip {
            id: id.clone(),
            number,
            name,
            vip,
            vpc: ask.vpc,
            subnet: subnet.id,
            eni: None,
            eip: None,
            check_associate: ask.check_associate,
            range: ask.range,
            tags,
            created: now,
            flushed: None,
            timeline: VecDeque::new(),
        });
        self.object(now, region, "havip", &id, "created");
        if let Some(eni) = &ask.eni {
            self.moved(now, region, &id, Some(eni), Cause::Created);
        }
        Ok(id)
    }

    /// `ModifyHaVipAttribute`.
    pub fn rename_havip(
        &mut self,
        now: Time,
        region: &str,
        id: &str,
        name: Option<&str>,
    ) -> Result<(), Refused> {
        self.region(region).havip(id)?;
        let name = name.map(|name| tags::name("HaVipName", name)).transpose()?;
        self.free_to_work(&[id])?;
        if let (Some(name), Some(havip)) = (name, self.region_mut(region)?.havips.get_mut(id)) {
            havip.name = name;
            self.object(now, region, "havip", id, "changed");
        }
        Ok(())
    }

    /// `DeleteHaVip`: only one without an elastic IP.
    pub fn delete_havip(&mut self, now: Time, region: &str, id: &str, request: &str) -> Result<u64, Refused> {
        let havip = self.region(region).havip(id)?;
        self.free_to_work(&[id])?;
        may_release(havip.eip.is_some()).map_err(|_| {
            let message = format!("The HAVIP `{id}` has an EIP bound to it. Unbind it first.");
            Refused::new(Code::UNSUPPORTED, message)
        })?;
        Ok(self.start_task(now, region, request, Work::DeleteHavip { havip: id.to_owned() }))
    }

    pub(super) fn havip_deleted(&mut self, now: Time, region: &str, id: &str) {
        let Ok(here) = self.region_mut(region) else { return };
        let Some(havip) = here.havips.remove(id) else { return };
        here.give_back(&havip.subnet, havip.vip);
        here.bindings.remove(id);
        if let Some(count) = here.havips_of.get_mut(&havip.vpc) {
            *count = count.saturating_sub(1);
        }
        self.object(now, region, "havip", id, "deleted");
    }

    /// `HaVipAssociateAddressIp`: an elastic IP that nothing has, to a HAVIP that has none.
    pub fn bind_eip(
        &mut self,
        now: Time,
        region: &str,
        id: &str,
        address: &str,
        request: &str,
    ) -> Result<u64, Refused> {
        let here = self.region(region);
        let havip = here.havip(id)?;
        let address: Ipv4Addr = address.parse().map_err(|_| {
            let message = format!("The parameter `AddressIp` is not an IPv4 address: `{address}`.");
            Refused::new(Code::MALFORMED, message)
        })?;
        let eip = here.eip_of(address).ok_or_else(|| Refused::missing("EIP", &address.to_string()))?;
        self.free_to_work(&[id, &eip.id])?;
        may_bind_eip(havip.eip.is_some(), eip.status != EipStatus::Unbind).map_err(|why| {
            let message = match why {
                Declined::HasEip => format!("The HAVIP `{id}` has an EIP bound to it already."),
                _ => format!("The EIP `{}` is not unbound.", eip.id),
            };
            Refused::new(Code::BIND_EIP, message)
        })?;
        let work = Work::BindEip { havip: id.to_owned(), eip: eip.id.clone() };
        let eip = eip.id.clone();
        self.set_eip(now, region, &eip, EipStatus::Binding, None);
        Ok(self.start_task(now, region, request, work))
    }

    pub(super) fn eip_bound(&mut self, now: Time, region: &str, id: &str, eip: &str) {
        let Ok(here) = self.region_mut(region) else { return };
        let Some(havip) = here.havips.get_mut(id) else { return };
        havip.eip = Some(eip.to_owned());
        let holder = EipHolder { havip: id.to_owned(), private: havip.vip };
        self.set_eip(now, region, eip, EipStatus::Bind, Some(holder));
        self.object(now, region, "havip", id, "changed");
    }

    /// `HaVipDisassociateAddressIp`.
    pub fn unbind_eip(&mut self, now: Time, region: &str, id: &str, request: &str) -> Result<u64, Refused> {
        let havip = self.region(region).havip(id)?;
        self.free_to_work(&[id])?;
        let Some(eip) = havip.eip.clone() else {
            let message = format!("The HAVIP `{id}` has no EIP bound to it.");
            return Err(Refused::new(Code::UNBIND_EIP, message));
        };
        let holder = EipHolder { havip: id.to_owned(), private: havip.vip };
        self.set_eip(now, region, &eip, EipStatus::Unbinding, Some(holder));
        Ok(self.start_task(now, region, request, Work::UnbindEip { havip: id.to_owned(), eip }))
    }

    pub(super) fn eip_unbound(&mut self, now: Time, region: &str, id: &str, eip: &str) {
        if let Some(havip) = self.region_mut(region).ok().and_then(|here| here.havips.get_mut(id)) {
            havip.eip = None;
        }
        self.set_eip(now, region, eip, EipStatus::Unbind, None);
        self.object(now, region, "havip", id, "changed");
    }

    /// `AssociateHaVipInstance`: pairs of a HAVIP and a member to add to its drift range.
    pub fn extend_range(
        &mut self,
        now: Time,
        region: &str,
        pairs: &[(String, Association)],
    ) -> Result<(), Refused> {
        let most = self.limits.range;
        let here = self.region(region);
        for (i, (id, one)) in pairs.iter().enumerate() {
            if pairs[..i].contains(&(id.clone(), one.clone())) {
                let message = format!("`{}` comes twice for `{id}`.", one.instance);
                return Err(Refused::new(Code::DUPLICATE, message));
            }
            let havip = here.havip(id)?;
            let new: Vec<Association> =
                pairs[..=i].iter().filter(|(other, _)| other == id).map(|(_, one)| one.clone()).collect();
            here.fits_range(&havip.vpc, &havip.range, &new, most)?;
            self.free_to_work(&[id])?;
        }
        for (id, one) in pairs {
            if let Some(havip) = self.region_mut(region)?.havips.get_mut(id) {
                havip.range.push(one.clone());
            }
            self.object(now, region, "havip", id, "changed");
        }
        Ok(())
    }

    /// The segment's drift range of a HAVIP is this one, and none where there is none.
    pub fn limit(&mut self, now: Time, region: &str, id: &str, range: Option<Vec<Association>>) {
        if let Some(havip) = self.region_mut(region).ok().and_then(|here| here.havips.get_mut(id)) {
            havip.check_associate = range.is_some();
            havip.range = range.unwrap_or_default();
            self.object(now, region, "havip", id, "changed");
        }
    }

    /// `DisassociateHaVipInstance`. Who does not say of what kind a member is means the one of that id.
    pub fn shrink_range(
        &mut self,
        now: Time,
        region: &str,
        pairs: &[(String, String, Option<Member>)],
    ) -> Result<(), Refused> {
        for (id, instance, member) in pairs {
            let havip = self.region(region).havip(id)?;
            if member.is_some_and(|member| !fits(instance, member)) {
                return Err(mismatch(instance));
            }
            if !havip.range.iter().any(|one| one.instance == *instance) {
                let message = format!("`{instance}` is not in the drift range of `{id}`.");
                return Err(Refused::new(Code::NOT_FOUND, message));
            }
            self.free_to_work(&[id])?;
        }
        for (id, instance, _) in pairs {
            if let Some(havip) = self.region_mut(region)?.havips.get_mut(id) {
                havip.range.retain(|one| one.instance != *instance);
            }
            self.object(now, region, "havip", id, "changed");
        }
        Ok(())
    }

    /// A binding has moved.
    pub(super) fn moved(&mut self, now: Time, region: &str, id: &str, to: Option<&str>, cause: Cause) {
        let Ok(here) = self.region_mut(region) else { return };
        let Some(havip) = here.havips.get_mut(id) else { return };
        let from = std::mem::replace(&mut havip.eni, to.map(str::to_owned));
        if !matches!(cause, Cause::Created) {
            havip.flushed = Some(now);
        }
        if let Some(eni) = to {
            here.heard.entry(eni.to_owned()).or_insert(now);
        }
        let moved = Moved { at: now, from, to: havip.eni.clone(), cause };
        if havip.timeline.len() >= Havip::REMEMBERED {
            havip.timeline.pop_front();
        }
        havip.timeline.push_back(moved.clone());
        self.happened(now, region, Happening::Moved { havip: id.to_owned(), moved });
    }
}

impl Region {
    /// A HAVIP by its id.
    pub fn havip(&self, id: &str) -> Result<&Havip, Refused> {
        tags::id("HaVipId", "havip", id)?;
        self.havips.get(id).ok_or_else(|| Refused::missing("HAVIP", id))
    }

    /// The subnet of a new HAVIP: the one it names, or that of its interface, or that of its address.
    fn subnet_for(&self, ask: &CreateHavip) -> Result<Subnet, Refused> {
        self.vpcs.get(&ask.vpc).ok_or_else(|| Refused::missing("VPC", &ask.vpc))?;
        let eni = match &ask.eni {
            None => None,
            Some(id) => {
                self.decides(&ask.vpc)?;
                Some(self.eni(tags::id("NetworkInterfaceId", "eni", id)?)?)
            }
        };
        let subnet = match (&ask.subnet, eni, &ask.vip) {
            (Some(id), ..) => self.subnet_of(&ask.vpc, tags::id("SubnetId", "subnet", id)?)?,
            (None, Some(eni), _) => self.subnet_of(&ask.vpc, &eni.subnet)?,
            (None, None, Some(vip)) => {
                let vip: Ipv4Addr = vip.parse().map_err(|_| {
                    let message = format!("The parameter `Vip` is not an IPv4 address: `{vip}`.");
                    Refused::new(Code::MALFORMED, message)
                })?;
                let holds = |subnet: &&Subnet| subnet.vpc == ask.vpc && subnet.cidr.contains(&vip);
                self.subnets.iter().find(holds).cloned().ok_or_else(|| {
                    let message = format!("The address `{vip}` is not within any subnet of `{}`.", ask.vpc);
                    Refused::new(Code::RANGE, message)
                })?
            }
            (None, None, None) => {
                let message = "The request is missing a required parameter `SubnetId`.";
                return Err(Refused::new(Code::MISSING_PARAMETER, message));
            }
        };
        match eni {
            Some(eni) if eni.subnet != subnet.id => {
                let message = format!("`{}` is not in the subnet `{}`.", eni.id, subnet.id);
                Err(Refused::new(Code::MISMATCH, message))
            }
            _ => Ok(subnet),
        }
    }

    /// Complains of what cannot be added to a drift range.
    fn fits_range(
        &self,
        vpc: &str,
        there: &[Association],
        new: &[Association],
        most: u64,
    ) -> Result<(), Refused> {
        for (i, one) in new.iter().enumerate() {
            if !fits(&one.instance, one.member) {
                return Err(mismatch(&one.instance));
            }
            if new[..i].contains(one) {
                return Err(Refused::new(Code::DUPLICATE, format!("`{}` comes twice.", one.instance)));
            }
            if there.contains(one) {
                let message = format!("`{}` is in the drift range already.", one.instance);
                return Err(Refused::new(Code::DUPLICATED_ASSOCIATIONS, message));
            }
            let its_vpc = match one.member {
                Member::Cvm => self.cvms.get(&one.instance).map(|cvm| &cvm.vpc),
                Member::Eni => self.enis.get(&one.instance).map(|eni| &eni.vpc),
            };
            let its_vpc = its_vpc.ok_or_else(|| Refused::missing("instance", &one.instance))?;
            if its_vpc != vpc {
                let message = format!("`{}` is not in the VPC `{vpc}`.", one.instance);
                return Err(Refused::new(Code::VPC_MISMATCH, message));
            }
        }
        if (there.len() + new.len()) as u64 > most {
            return Err(Refused::new(Code::LIMIT, format!("At most {most} members of a drift range.")));
        }
        Ok(())
    }
}

fn fits(instance: &str, member: Member) -> bool {
    is_id(instance, if member == Member::Cvm { "ins" } else { "eni" })
}

fn mismatch(instance: &str) -> Refused {
    Refused::new(Code::MISMATCH, format!("`InstanceType` does not fit the id `{instance}`."))
}
