//! HAVIPs.

use havip_sim::cloud::model::{Association, CreateHavip, Havip, Member, Model};

use super::list::{By, Page};
use super::schema::Params;
use super::{Call, Reply, fields, nothing, view};
use crate::gate::Fault;

/// An association of a request: its HAVIP, its instance, and of what kind that is.
fn association(one: &Params) -> Result<(String, String, Option<Member>), Fault> {
    let member = match one.text("InstanceType") {
        None => None,
        Some("CVM") => Some(Member::Cvm),
        Some("ENI") => Some(Member::Eni),
        Some(other) => {
            let other: String = other.chars().take(32).collect();
            let message = format!("`InstanceType` is `CVM` or `ENI`, not `{other}`.");
            return Err(Fault::new("InvalidParameterValue.ParameterMismatch", message));
        }
    };
    Ok((one.text_or_empty("HaVipId"), one.text_or_empty("InstanceId"), member))
}

/// Who does not say of what kind a member is means the kind of its id.
fn kind_of(instance: &str, member: Option<Member>) -> Member {
    member.unwrap_or(if instance.starts_with("eni-") { Member::Eni } else { Member::Cvm })
}

fn associations(call: &Call<'_>) -> Result<Vec<(String, String, Option<Member>)>, Fault> {
    let all = call.params.objects("HaVipAssociationSet");
    if all.len() > 10 {
        let message = "The parameter `HaVipAssociationSet` has more than 10 values.";
        return Err(Fault::new("InvalidParameterValue.LimitExceeded", message));
    }
    all.iter().map(association).collect()
}

fn range(call: &Call<'_>) -> Result<Vec<Association>, Fault> {
    let one = |(_, instance, member): (String, String, Option<Member>)| {
        let member = kind_of(&instance, member);
        Association { instance, member }
    };
    Ok(associations(call)?.into_iter().map(one).collect())
}

pub(super) fn create(model: &mut Model, call: &Call<'_>) -> Reply {
    let p = call.params;
    let ask = CreateHavip {
        vpc: p.text_or_empty("VpcId"),
        name: p.text_or_empty("HaVipName"),
        subnet: p.text("SubnetId").map(Into::into),
        vip: p.text("Vip").map(Into::into),
        eni: p.text("NetworkInterfaceId").map(Into::into),
        check_associate: p.bool("CheckAssociate").unwrap_or(false),
        range: range(call)?,
        tags: call.tags(),
    };
    let made = call.once(model, |model| {
        let id = model.create_havip(call.now, call.region, ask)?;
        Ok((vec![id], None))
    })?;
    let here = model.region(call.region);
    // One that a token names may have been released since.
    let id = made.0.first().map_or("", String::as_str);
    Ok(fields([("HaVip", view::havip(here, here.havip(id)?))]))
}

static BY: [By<Havip>; 13] = [
    By { name: "havip-id", of: |h, _| vec![h.id.clone()] },
    By { name: "havip-name", of: |h, _| vec![h.name.clone()] },
    By { name: "vpc-id", of: |h, _| vec![h.vpc.clone()] },
    By { name: "subnet-id", of: |h, _| vec![h.subnet.clone()] },
    By { name: "vip", of: |h, _| vec![h.vip.to_string()] },
    By { name: "address-ip", of: |h, here| here.public_of(h).iter().map(ToString::to_string).collect() },
    By {
        name: "havip-association.instance-id",
        of: |h, _| h.range.iter().map(|one| one.instance.clone()).collect(),
    },
    By {
        name: "havip-association.instance-type",
        of: |h, _| {
            let kind = |one: &Association| if one.member == Member::Cvm { "CVM" } else { "ENI" };
            h.range.iter().map(|one| kind(one).to_owned()).collect()
        },
    },
    By { name: "check-associate", of: |h, _| vec![h.check_associate.to_string()] },
    By { name: "cdc-id", of: |_, _| vec![] },
    By { name: "type", of: |_, _| vec!["NORMAL".to_owned()] },
    By { name: "termination-protection", of: |_, _| vec!["false".to_owned()] },
    By { name: "traffic-protection", of: |_, _| vec!["false".to_owned()] },
];

pub(super) fn describe(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let page = Page::new(call.params, "HaVipIds", &BY);
    let (count, set) = page.of(here, here.havips(), |one| view::havip(here, one))?;
    Ok(fields([("TotalCount", count.into()), ("HaVipSet", set.into())]))
}

pub(super) fn modify(model: &mut Model, call: &Call<'_>) -> Reply {
    let name = call.params.has("HaVipName").then(|| call.params.text_or_empty("HaVipName"));
    model.rename_havip(call.now, call.region, call.id("HaVipId"), name.as_deref())?;
    Ok(nothing())
}

pub(super) fn delete(model: &mut Model, call: &Call<'_>) -> Reply {
    model.delete_havip(call.now, call.region, call.id("HaVipId"), call.request)?;
    Ok(nothing())
}

pub(super) fn bind_eip(model: &mut Model, call: &Call<'_>) -> Reply {
    let (id, address) = (call.id("HaVipId"), call.id("AddressIp"));
    model.bind_eip(call.now, call.region, id, address, call.request)?;
    Ok(nothing())
}

pub(super) fn unbind_eip(model: &mut Model, call: &Call<'_>) -> Reply {
    model.unbind_eip(call.now, call.region, call.id("HaVipId"), call.request)?;
    Ok(nothing())
}

pub(super) fn associate(model: &mut Model, call: &Call<'_>) -> Reply {
    let pair = |(havip, instance, member): (String, String, Option<Member>)| {
        let member = kind_of(&instance, member);
        (havip, Association { instance, member })
    };
    let pairs: Vec<_> = associations(call)?.into_iter().map(pair).collect();
    model.extend_range(call.now, call.region, &pairs)?;
    Ok(nothing())
}

pub(super) fn disassociate(model: &mut Model, call: &Call<'_>) -> Reply {
    model.shrink_range(call.now, call.region, &associations(call)?)?;
    Ok(nothing())
}
