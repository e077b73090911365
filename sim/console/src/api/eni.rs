//! Network interfaces.

use havip_sim::cloud::model::{CreateEni, Eni, Model, WantedAddress};

use super::list::{By, Page, tag_keys, tag_pairs};
use super::schema::Params;
use super::{Call, Reply, fields, nothing, view};

pub(crate) fn asked(p: &Params) -> CreateEni {
    let wanted = |one: Params| WantedAddress {
        address: one.text("PrivateIpAddress").map(Into::into),
        primary: one.bool("Primary").unwrap_or(false),
        description: one.text_or_empty("Description"),
    };
    CreateEni {
        vpc: p.text_or_empty("VpcId"),
        subnet: p.text_or_empty("SubnetId"),
        name: p.text_or_empty("NetworkInterfaceName"),
        description: p.text_or_empty("NetworkInterfaceDescription"),
        groups: p.texts("SecurityGroupIds"),
        addresses: p.objects("PrivateIpAddresses").into_iter().map(wanted).collect(),
        secondary: p.int("SecondaryPrivateIpAddressCount").unwrap_or(0),
        tags: vec![],
    }
}

pub(super) fn create(model: &mut Model, call: &Call<'_>) -> Reply {
    let ask = CreateEni { tags: call.tags(), ..asked(call.params) };
    let made = call.once(model, |model| {
        let id = model.create_eni(call.now, call.region, ask)?;
        Ok((vec![id], None))
    })?;
    let here = model.region(call.region);
    // One that a token names may have been deleted since.
    let id = made.0.first().map_or("", String::as_str);
    Ok(fields([("NetworkInterface", view::eni(here, here.eni(id)?))]))
}

static BY: [By<Eni>; 20] = [
    By { name: "vpc-id", of: |e, _| vec![e.vpc.clone()] },
    By { name: "subnet-id", of: |e, _| vec![e.subnet.clone()] },
    By { name: "network-interface-id", of: |e, _| vec![e.id.clone()] },
    By { name: "attachment.instance-id", of: |e, _| e.attachment.iter().map(|at| at.cvm.clone()).collect() },
    By { name: "groups.security-group-id", of: |e, _| e.groups.clone() },
    By { name: "network-interface-name", of: |e, _| vec![e.name.clone()] },
    By { name: "network-interface-description", of: |e, _| vec![e.description.clone()] },
    By { name: "address-ip", of: |e, _| e.addresses.iter().map(|one| one.address.to_string()).collect() },
    By { name: "is-primary", of: |e, _| vec![e.primary.to_string()] },
    By { name: "eni-type", of: |e, _| vec![u8::from(e.primary).to_string()] },
    // They are compared so in any case.
    By { name: "ip-exact-match", of: |_, _| vec!["true".to_owned(), "false".to_owned()] },
    By { name: "eni-qos", of: |_, _| vec!["DEFAULT".to_owned()] },
    By { name: "address-ipv6", of: |_, _| vec![] },
    By { name: "public-address-ip", of: |_, _| vec![] },
    By { name: "address-type", of: |_, _| vec![] },
    By { name: "termination-protection", of: |_, _| vec!["false".to_owned()] },
    By { name: "traffic-protection", of: |_, _| vec!["false".to_owned()] },
    By { name: "tag-key", of: |e, _| tag_keys(&e.tags) },
    By { name: "tag:", of: |e, _| tag_pairs(&e.tags) },
    By { name: "cdc-id", of: |_, _| vec![] },
];

pub(super) fn describe(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let page = Page::new(call.params, "NetworkInterfaceIds", &BY);
    let (count, set) = page.of(here, here.enis(), |one| view::eni(here, one))?;
    Ok(fields([("TotalCount", count.into()), ("NetworkInterfaceSet", set.into())]))
}

pub(super) fn attach(model: &mut Model, call: &Call<'_>) -> Reply {
    let (eni, cvm) = (call.id("NetworkInterfaceId"), call.id("InstanceId"));
    call.once(model, |model| {
        let task = model.attach(call.now, call.region, eni, cvm, call.request)?;
        Ok((vec![], Some(task)))
    })?;
    Ok(nothing())
}

pub(super) fn detach(model: &mut Model, call: &Call<'_>) -> Reply {
    let (eni, cvm) = (call.id("NetworkInterfaceId"), call.id("InstanceId"));
    call.once(model, |model| {
        let task = model.detach(call.now, call.region, eni, cvm, call.request)?;
        Ok((vec![], Some(task)))
    })?;
    Ok(nothing())
}

pub(super) fn delete(model: &mut Model, call: &Call<'_>) -> Reply {
    model.delete_eni(call.now, call.region, call.id("NetworkInterfaceId"))?;
    Ok(nothing())
}
