//! VPCs, subnets, route tables, quotas, used addresses.

use std::net::Ipv4Addr;

use havip_sim::cloud::model::{
    CreateSubnet, CreateVpc, Limits, Model, Object, Subnet, Used, Vpc, default_route_table,
};
use serde_json::{Value, json};

use super::list::{By, Page, tag_keys, tag_pairs, window};
use super::{Call, Reply, fields, nothing, view};
use crate::civil::date_time;
use crate::gate::Fault;

pub(super) fn create(model: &mut Model, call: &Call<'_>) -> Reply {
    let p = call.params;
    let ask = CreateVpc {
        name: p.text_or_empty("VpcName"),
        cidr: p.text_or_empty("CidrBlock"),
        multicast: p.bool("EnableMulticast").unwrap_or(false),
        dns: p.texts("DnsServers"),
        domain: p.text_or_empty("DomainName"),
        tags: call.tags(),
    };
    let id = model.create_vpc(call.now, call.region, ask)?;
    let found = model.region(call.region).vpcs().get(&id).map(view::vpc);
    Ok(fields([("Vpc", found.into())]))
}

static VPC_BY: [By<Vpc>; 9] = [
    By { name: "vpc-name", of: |v, _| vec![v.name.clone()] },
    By { name: "vpc-id", of: |v, _| vec![v.id.clone()] },
    By { name: "cidr-block", of: |v, _| vec![v.cidr.to_string()] },
    By { name: "is-default", of: |_, _| vec!["false".to_owned()] },
    By { name: "tag-key", of: |v, _| tag_keys(&v.tags) },
    By { name: "tag:", of: |v, _| tag_pairs(&v.tags) },
    By { name: "ipv6-cidr-block", of: |_, _| vec![] },
    By { name: "isp-type", of: |_, _| vec![] },
    By { name: "address-type", of: |_, _| vec![] },
];

pub(super) fn describe(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let (count, set) = Page::new(call.params, "VpcIds", &VPC_BY).of(here, here.vpcs(), view::vpc)?;
    Ok(fields([("TotalCount", count.into()), ("VpcSet", set.into())]))
}

pub(super) fn delete(model: &mut Model, call: &Call<'_>) -> Reply {
    model.delete_vpc(call.now, call.region, call.id("VpcId"))?;
    Ok(nothing())
}

pub(super) fn create_subnet(model: &mut Model, call: &Call<'_>) -> Reply {
    let p = call.params;
    let ask = CreateSubnet {
        vpc: p.text_or_empty("VpcId"),
        name: p.text_or_empty("SubnetName"),
        zone: p.text_or_empty("Zone"),
        cidr: p.text_or_empty("CidrBlock"),
        tags: call.tags(),
    };
    let id = model.create_subnet(call.now, call.region, ask)?;
    let here = model.region(call.region);
    let found = here.subnets().get(&id).map(|one| view::subnet(here, one));
    Ok(fields([("Subnet", found.into())]))
}

static SUBNET_BY: [By<Subnet>; 14] = [
    By { name: "subnet-id", of: |s, _| vec![s.id.clone()] },
    By { name: "vpc-id", of: |s, _| vec![s.vpc.clone()] },
    By { name: "cidr-block", of: |s, _| vec![s.cidr.to_string()] },
    By { name: "is-default", of: |_, _| vec!["false".to_owned()] },
    By { name: "subnet-name", of: |s, _| vec![s.name.clone()] },
    By { name: "zone", of: |s, _| vec![s.zone.clone()] },
    By { name: "tag-key", of: |s, _| tag_keys(&s.tags) },
    By { name: "tag:", of: |s, _| tag_pairs(&s.tags) },
    By { name: "is-remote-vpc-snat", of: |_, _| vec!["false".to_owned()] },
    By { name: "is-cdc-subnet", of: |_, _| vec!["0".to_owned()] },
    By { name: "ipv6-cidr-block", of: |_, _| vec![] },
    By { name: "isp-type", of: |_, _| vec![] },
    By { name: "address-type", of: |_, _| vec![] },
    By { name: "cdc-id", of: |_, _| vec![] },
];

pub(super) fn describe_subnets(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let page = Page::new(call.params, "SubnetIds", &SUBNET_BY);
    let (count, set, next) = page.in_turn(here, here.subnets(), |one| view::subnet(here, one))?;
    Ok(fields([("TotalCount", count.into()), ("SubnetSet", set.into()), ("NextToken", next.into())]))
}

pub(super) fn modify_subnet(model: &mut Model, call: &Call<'_>) -> Reply {
    let name = call.params.has("SubnetName").then(|| call.params.text_or_empty("SubnetName"));
    let broadcast = call.params.bool("EnableBroadcast");
    model.modify_subnet(call.now, call.region, call.id("SubnetId"), name.as_deref(), broadcast)?;
    Ok(nothing())
}

pub(super) fn delete_subnet(model: &mut Model, call: &Call<'_>) -> Reply {
    model.delete_subnet(call.now, call.region, call.id("SubnetId"))?;
    Ok(nothing())
}

/// A route table: the one that every VPC has. It is kept as its VPC.
static TABLE_BY: [By<Vpc>; 9] = [
    By { name: "route-table-id", of: |v, _| vec![default_route_table(v)] },
    By { name: "route-table-name", of: |_, _| vec!["default".to_owned()] },
    By { name: "vpc-id", of: |v, _| vec![v.id.clone()] },
    By { name: "association.main", of: |_, _| vec!["true".to_owned()] },
    By { name: "tag-key", of: |_, _| vec![] },
    By { name: "tag:", of: |_, _| vec![] },
    By { name: "visible", of: |_, _| vec!["true".to_owned()] },
    By { name: "next-hop-type", of: |_, _| vec![] },
    By { name: "is-need-router-info", of: |_, _| vec!["true".to_owned(), "false".to_owned()] },
];

pub(super) fn describe_route_tables(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let show = |vpc: &Vpc| {
        let table = default_route_table(vpc);
        let subnets = here.subnets().iter().filter(|subnet| subnet.vpc == vpc.id);
        let set: Vec<Value> =
            subnets.map(|subnet| json!({ "SubnetId": subnet.id, "RouteTableId": table })).collect();
        json!({
            "VpcId": vpc.id,
            "RouteTableId": table,
            "RouteTableName": "default",
            "AssociationSet": set,
            "RouteSet": [],
            "Main": true,
            "CreatedTime": date_time(vpc.created),
            "TagSet": [],
        })
    };
    let page = Page::new(call.params, "RouteTableIds", &TABLE_BY).named(default_route_table);
    let (count, set) = page.of(here, here.vpcs(), show)?;
    Ok(fields([("TotalCount", count.into()), ("RouteTableSet", set.into())]))
}

pub(super) fn describe_limits(model: &mut Model, call: &Call<'_>) -> Reply {
    let wanted = call.params.texts("LimitTypes");
    if wanted.len() > 100 {
        let message = "The parameter `LimitTypes` has more than 100 values.";
        return Err(Fault::new("InvalidParameterValue.LimitExceeded", message));
    }
    let all =
        Limits::ALL.iter().filter(|limit| wanted.is_empty() || wanted.iter().any(|name| name == limit.name));
    let set: Vec<Value> = all
        .map(|limit| json!({ "LimitType": limit.name, "LimitValue": model.limits().get(limit.name) }))
        .collect();
    Ok(fields([("VpcLimitSet", set.into())]))
}

pub(super) fn describe_used(model: &mut Model, call: &Call<'_>) -> Reply {
    let here = model.region(call.region);
    let p = call.params;
    let (offset, limit) = window(p)?;
    let (mut addresses, mut resources) = (p.texts("IpAddresses"), Vec::new());
    for filter in p.objects("Filters") {
        match filter.text("Name") {
            Some("ip-addresses") => addresses.extend(filter.texts("Values")),
            Some("resource-id") => resources.extend(filter.texts("Values")),
            _ => return Err(Fault::new("InvalidParameter.FilterInvalidKey", "The filter does not exist.")),
        }
    }
    let wanted: Vec<Ipv4Addr> = addresses.iter().filter_map(|one| one.parse().ok()).collect();
    if wanted.len() != addresses.len() {
        return Err(Fault::new(
            "InvalidParameterValue.Malformed",
            "The parameter `IpAddresses` is malformed.",
        ));
    }
    let is_wanted = |subnet: &&Subnet| {
        p.text("VpcId").is_none_or(|id| id == subnet.vpc)
            && p.text("SubnetId").is_none_or(|id| id == subnet.id())
    };
    let subnets: Vec<&Subnet> = here.subnets().iter().filter(is_wanted).collect();
    let used = subnets.iter().flat_map(|subnet| here.used(&subnet.id).map(move |one| (subnet, one)));
    let fits = |address: Ipv4Addr, used: &Used| {
        (wanted.is_empty() || wanted.contains(&address))
            && (resources.is_empty() || resources.contains(&used.id))
    };
    let (mut count, mut set) = (0, Vec::new());
    for (subnet, (address, used)) in used.filter(|(_, (address, used))| fits(*address, used)) {
        if count >= offset && set.len() < limit {
            set.push(json!({
                "VpcId": subnet.vpc,
                "SubnetId": subnet.id,
                "IpAddress": address.to_string(),
                "ResourceType": used.by,
                "ResourceId": used.id,
            }));
        }
        count += 1;
    }
    Ok(fields([("IpAddressStates", set.into()), ("TotalCount", count.into())]))
}
