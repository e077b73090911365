//! Elastic IPs.

use std::net::Ipv4Addr;

use havip::time::Time;

use super::objects::{Eip, EipHolder, EipStatus, Tag, Work};
use super::{Code, Model, Refused, tags};

/// Where elastic addresses are from: RFC 2544's range, which is routed nowhere.
const PUBLIC: [(u8, u8); 2] = [(198, 18), (198, 19)];

/// What elastic IPs are made of.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Allocate {
    pub count: u64,
    pub name: String,
    pub charge: String,
    pub bandwidth: u64,
    pub tags: Vec<Tag>,
}

impl Model {
    /// `AllocateAddresses`: their ids, and the number of the task.
    pub fn allocate(
        &mut self,
        now: Time,
        region: &str,
        ask: Allocate,
        request: &str,
    ) -> Result<(Vec<String>, u64), Refused> {
        let limit = self.limits.eips;
        let tags = tags::tags(ask.tags)?;
        let name = if ask.name.is_empty() { ask.name } else { tags::name("AddressName", &ask.name)? };
        if !(1..=20).contains(&ask.count) {
            let message = "The parameter `AddressCount` must be from 1 to 20.";
            return Err(Refused::new(Code::RANGE, message));
        }
        let there = self.region_mut(region)?.eips.len() as u64;
        if there + ask.count > limit {
            return Err(Refused::new(Code::ADDRESS_QUOTA, format!("At most {limit} EIPs in a region.")));
        }
        let all = PUBLIC.iter().flat_map(|&(a, b)| {
            (0..=255u8).flat_map(move |c| (1..=254u8).map(move |d| Ipv4Addr::new(a, b, c, d)))
        });
        let free: Vec<Ipv4Addr> =
            all.filter(|address| !self.public.contains(address)).take(ask.count as usize).collect();
        if (free.len() as u64) < ask.count {
            return Err(Refused::new(Code::INSUFFICIENT, "No public address is left."));
        }
        let mut ids = Vec::new();
        for address in free {
            let number = self.ids.number();
            let id = self.ids.id("eip", number);
            self.public.insert(address);
            self.region_mut(region)?.eips.insert(Eip {
                id: id.clone(),
                number,
                name: name.clone(),
                address,
                status: EipStatus::Unbind,
                holder: None,
                bandwidth: ask.bandwidth,
                charge: ask.charge.clone(),
                tags: tags.clone(),
                created: now,
            });
            self.object(now, region, "eip", &id, "created");
            ids.push(id);
        }
        let task = self.start_task(now, region, request, Work::Allocate { eips: ids.clone() });
        Ok((ids, task))
    }

    /// An elastic IP of the segment; its id. No action of the API gives a chosen address.
    pub fn adopt_eip(&mut self, now: Time, region: &str, address: Ipv4Addr) -> Result<String, Refused> {
        if !self.public.insert(address) {
            return Err(Refused::new(Code::IN_USE, format!("{address} is in use.")));
        }
        let number = self.ids.number();
        let id = self.ids.id("eip", number);
        self.region_mut(region)?.eips.insert(Eip {
            id: id.clone(),
            number,
            name: String::new(),
            address,
            status: EipStatus::Unbind,
            holder: None,
            bandwidth: 1,
            charge: String::new(),
            tags: Vec::new(),
            created: now,
        });
        self.object(now, region, "eip", &id, "created");
        Ok(id)
    }

    /// `ReleaseAddresses`: only ones that are bound to nothing.
    pub fn release(
        &mut self,
        now: Time,
        region: &str,
        ids: &[String],
        request: &str,
    ) -> Result<u64, Refused> {
        for (i, id) in ids.iter().enumerate() {
            tags::id("AddressIds.N", "eip", id)?;
            if ids[..i].contains(id) {
                return Err(Refused::new(Code::DUPLICATE, format!("`{id}` comes twice.")));
            }
            let eip = self.region(region).eips.get(id).ok_or_else(|| {
                Refused::new(Code::ADDRESS_NOT_FOUND, format!("The EIP `{id}` does not exist."))
            })?;
            self.free_to_work(&[id])?;
            if eip.status != EipStatus::Unbind {
                let message = format!("The EIP `{id}` is bound.");
                return Err(Refused::new(Code::ADDRESS_STATUS, message));
            }
        }
        for id in ids {
            self.set_eip(now, region, id, EipStatus::Offlining, None);
        }
        Ok(self.start_task(now, region, request, Work::Release { eips: ids.to_vec() }))
    }

    pub(super) fn released(&mut self, now: Time, region: &str, ids: &[String]) {
        for id in ids {
            let gone = self.region_mut(region).ok().and_then(|here| here.eips.remove(id));
            if let Some(eip) = gone {
                self.public.remove(&eip.address);
                self.object(now, region, "eip", id, "deleted");
            }
        }
    }

    pub(super) fn set_eip(
        &mut self,
        now: Time,
        region: &str,
        id: &str,
        status: EipStatus,
        holder: Option<EipHolder>,
    ) {
        if let Some(eip) = self.region_mut(region).ok().and_then(|here| here.eips.get_mut(id)) {
            (eip.status, eip.holder) = (status, holder);
            self.object(now, region, "eip", id, "changed");
        }
    }
}
