//! Elastic IPs.

use havip_sim::cloud::model::{Allocate, Eip, EipStatus, Model, Object, Table};

use super::list::{By, Page, tag_keys, tag_pairs};
use super::{Call, Reply, fields, view};
use crate::gate::Fault;

pub(super) fn allocate(model: &mut Model, call: &Call<'_>) -> Reply {
    let p = call.params;
    let ask = Allocate {
        count: p.int("AddressCount").unwrap_or(1),
        name: p.text_or_empty("AddressName"),
        charge: p.text("InternetChargeType").unwrap_or("TRAFFIC_POSTPAID_BY_HOUR").to_owned(),
        bandwidth: p.int("InternetMaxBandwidthOut").unwrap_or(1),
        tags: call.tags(),
    };
    let (ids, task) = call.once(model, |model| {
        let (ids, task) = model.allocate(call.now, call.region, ask, call.request)?;
        Ok((ids, Some(task)))
    })?;
    Ok(fields([("AddressSet", ids.into()), ("TaskId", task.unwrap_or(0).to_string().into())]))
}

fn status(eip: &Eip) -> &'static str {
    match eip.status {
        EipStatus::Unbind => "UNBIND",
        EipStatus::Binding => "BINDING",
        EipStatus::Bind => "BIND",
        EipStatus::Unbinding => "UNBINDING",
        EipStatus::Offlining => "OFFLINING",
    }
}

static BY: [By<Eip>; 16] = [
    By { name: "address-id", of: |e, _| vec![e.id.clone()] },
    By { name: "address-name", of: |e, _| vec![e.name.clone()] },
    By { name: "address-ip", of: |e, _| vec![e.address.to_string()] },
    By { name: "address-status", of: |e, _| vec![status(e).to_owned()] },
    By { name: "instance-id", of: |e, _| e.holder.iter().map(|holder| holder.havip.clone()).collect() },
    By { name: "private-ip-address", of: |e, _| e.holder.iter().map(|h| h.private.to_string()).collect() },
    By {
        name: "network-interface-id",
        of: |e, here| {
            let havip = e.holder.as_ref().and_then(|holder| here.havips().get(&holder.havip));
            havip.and_then(|havip| havip.eni.clone()).into_iter().collect()
        },
    },
    By { name: "is-arrears", of: |_, _| vec!["FALSE".to_owned()] },
    By { name: "address-type", of: |_, _| vec!["EIP".to_owned()] },
    By { name: "instance-type", of: |e, _| e.holder.iter().map(|_| "HAVIP".to_owned()).collect() },
    By { name: "dedicated-cluster-id", of: |_, _| vec![] },
    By { name: "tag-key", of: |e, _| tag_keys(&e.tags) },
    By { name: "tag-value", of: |e, _| e.tags.iter().map(|tag| tag.value.clone()).collect() },
    By { name: "tag:", of: |e, _| tag_pairs(&e.tags) },
    // In no document; Terraform asks for `CDC` by it before it destroys.
    By { name: "business-type", of: |_, _| vec![] },
    By { name: "address-isp", of: |_, _| vec!["BGP".to_owned()] },
];

pub(super) fn describe(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let page = Page::new(call.params, "AddressIds", &BY).values(100);
    let (count, set) = page.of(here, here.eips(), |one| view::eip(here, one))?;
    Ok(fields([("TotalCount", count.into()), ("AddressSet", set.into())]))
}

pub(super) fn release(model: &mut Model, call: &Call<'_>) -> Reply {
    let ids = call.params.texts("AddressIds");
    if ids.len() > 100 {
        let message = "The parameter `AddressIds` has more than 100 values.";
        return Err(Fault::new("InvalidParameterValue.LimitExceeded", message));
    }
    let task = model.release(call.now, call.region, &ids, call.request)?;
    Ok(fields([("TaskId", task.to_string().into())]))
}

/// A bandwidth package. There is none, and no action makes one; Terraform asks.
#[derive(Clone, Copy, Debug)]
enum Package {}

impl Object for Package {
    fn id(&self) -> &str {
        match *self {}
    }
    fn number(&self) -> u64 {
        match *self {}
    }
}

static PACKAGE_BY: [By<Package>; 10] = [
    By { name: "bandwidth-package-id", of: |none, _| match *none {} },
    By { name: "bandwidth-package-name", of: |none, _| match *none {} },
    By { name: "network-type", of: |none, _| match *none {} },
    By { name: "charge-type", of: |none, _| match *none {} },
    By { name: "resource.resource-type", of: |none, _| match *none {} },
    By { name: "resource.resource-id", of: |none, _| match *none {} },
    By { name: "resource.address-ip", of: |none, _| match *none {} },
    By { name: "tag-key", of: |none, _| match *none {} },
    By { name: "tag-value", of: |none, _| match *none {} },
    By { name: "tag:", of: |none, _| match *none {} },
];

pub(super) fn describe_packages(model: &mut Model, call: &Call<'_>) -> Reply {
    let page = Page::new(call.params, "BandwidthPackageIds", &PACKAGE_BY);
    let (count, set) = page.of(model.region(call.region), &Table::new(), |none| match *none {})?;
    Ok(fields([("TotalCount", count.into()), ("BandwidthPackageSet", set.into())]))
}
