//! Objects as the API shows them. What is not set is an empty text, never null: clients rely on it.

use havip_sim::cloud::model::{
    Association, Eip, EipStatus, Eni, EniState, Havip, Member, Region, Subnet, Tag, Vpc, default_route_table,
};
use serde_json::{Value, json};

use crate::civil::{date_time, iso};

/// What `FlushedTime` is until a HAVIP has drifted.
const NEVER: &str = "0000-00-00 00:00:00";

pub(super) fn tags(tags: &[Tag]) -> Value {
    tags.iter().map(|tag| json!({ "Key": tag.key, "Value": tag.value })).collect()
}

/// `AVAILABLE` of a HAVIP that is bound, `UNBIND` of one that is not.
pub fn state(havip: &Havip) -> &'static str {
    if havip.eni.is_some() { "AVAILABLE" } else { "UNBIND" }
}

pub(super) fn association(havip: &str, one: &Association) -> Value {
    let kind = if one.member == Member::Cvm { "CVM" } else { "ENI" };
    json!({ "InstanceId": one.instance, "HaVipId": havip, "InstanceType": kind })
}

/// A HAVIP.
pub fn havip(here: &Region, havip: &Havip) -> Value {
    let range: Vec<Value> = havip.range.iter().map(|one| association(&havip.id, one)).collect();
    json!({
        "HaVipId": havip.id,
        "HaVipName": havip.name,
        "Vip": havip.vip.to_string(),
        "VpcId": havip.vpc,
        "SubnetId": havip.subnet,
        "NetworkInterfaceId": havip.eni.as_deref().unwrap_or(""),
        "InstanceId": here.server_of(havip).unwrap_or(""),
        "AddressIp": here.public_of(havip).map(|ip| ip.to_string()).unwrap_or_default(),
        "State": state(havip),
        "CreatedTime": date_time(havip.created),
        "Business": "",
        "CdcId": "",
        "FlushedTime": havip.flushed.map_or(NEVER.to_owned(), date_time),
        "HaVipAssociationSet": range,
        "CheckAssociate": havip.check_associate,
        "TagSet": tags(&havip.tags),
    })
}

pub(super) fn vpc(vpc: &Vpc) -> Value {
    json!({
        "VpcName": vpc.name,
        "VpcId": vpc.id,
        "CidrBlock": vpc.cidr.to_string(),
        "IsDefault": false,
        "EnableMulticast": vpc.multicast,
        "CreatedTime": date_time(vpc.created),
        "DnsServerSet": vpc.dns,
        "DomainName": vpc.domain,
        "DhcpOptionsId": "",
        "EnableDhcp": true,
        "Ipv6CidrBlock": "",
        "TagSet": tags(&vpc.tags),
        "AssistantCidrSet": [],
        "EnableRouteVpcPublish": false,
    })
}

pub(super) fn subnet(here: &Region, subnet: &Subnet) -> Value {
    let table = here.vpcs().get(&subnet.vpc).map(default_route_table).unwrap_or_default();
    json!({
        "VpcId": subnet.vpc,
        "SubnetId": subnet.id,
        "SubnetName": subnet.name,
        "CidrBlock": subnet.cidr.to_string(),
        "IsDefault": false,
        "EnableBroadcast": subnet.broadcast,
        "Zone": subnet.zone,
        "RouteTableId": table,
        "CreatedTime": date_time(subnet.created),
        "AvailableIpAddressCount": here.free(subnet),
        "TotalIpAddressCount": subnet.usable(),
        "Ipv6CidrBlock": "",
        "NetworkAclId": "",
        "IsRemoteVpcSnat": false,
        "TagSet": tags(&subnet.tags),
        "CdcId": "",
        "IsCdcSubnet": 0,
    })
}

pub(super) fn eni(here: &Region, eni: &Eni) -> Value {
    let (state, plain) = match eni.state {
        EniState::Available => ("AVAILABLE", "AVAILABLE"),
        EniState::Attaching => ("ATTACHING", "ATTACHING"),
        EniState::InUse => ("INUSE", "AVAILABLE"),
        EniState::Detaching => ("DETACHING", "DETACHING"),
    };
    let addresses: Vec<Value> = eni
        .addresses
        .iter()
        .map(|one| {
            json!({
                "PrivateIpAddress": one.address.to_string(),
                "Primary": one.primary,
                "PublicIpAddress": "",
                "AddressId": "",
                "Description": one.description,
                "IsWanIpBlocked": false,
                "State": "AVAILABLE",
            })
        })
        .collect();
    let attachment = eni.attachment.as_ref().map(|at| {
        json!({
            "InstanceId": at.cvm,
            "DeviceIndex": at.index,
            "InstanceAccountId": "",
            "AttachTime": date_time(at.at),
        })
    });
    json!({
        "NetworkInterfaceId": eni.id,
        "NetworkInterfaceName": eni.name,
        "NetworkInterfaceDescription": eni.description,
        "SubnetId": eni.subnet,
        "VpcId": eni.vpc,
        "GroupSet": eni.groups,
        "Primary": eni.primary,
        "MacAddress": eni.mac.to_string(),
        "State": plain,
        "NetworkInterfaceState": state,
        "PrivateIpAddressSet": addresses,
        "Attachment": attachment,
        "Zone": here.subnets().get(&eni.subnet).map_or("", |subnet| &subnet.zone),
        "CreatedTime": date_time(eni.created),
        "EniType": u8::from(eni.primary),
        "Business": if eni.primary { "CVM" } else { "" },
        "TagSet": tags(&eni.tags),
    })
}

pub(super) fn eip(here: &Region, eip: &Eip) -> Value {
    let status = match eip.status {
        EipStatus::Unbind => "UNBIND",
        EipStatus::Binding => "BINDING",
        EipStatus::Bind => "BIND",
        EipStatus::Unbinding => "UNBINDING",
        EipStatus::Offlining => "OFFLINING",
    };
    let holder = eip.holder.as_ref();
    let eni =
        holder.and_then(|holder| here.havips().get(&holder.havip)).and_then(|havip| havip.eni.as_deref());
    json!({
        "AddressId": eip.id,
        "AddressName": eip.name,
        "AddressStatus": status,
        "AddressIp": eip.address.to_string(),
        "InstanceId": holder.map_or("", |holder| &holder.havip),
        "InstanceType": holder.map(|_| "HAVIP"),
        "PrivateAddressIp": holder.map(|holder| holder.private.to_string()).unwrap_or_default(),
        "NetworkInterfaceId": eni.unwrap_or(""),
        "CreatedTime": iso(eip.created),
        "IsArrears": false,
        "IsBlocked": false,
        "AddressType": "EIP",
        "Bandwidth": eip.bandwidth,
        "InternetChargeType": eip.charge,
        "TagSet": tags(&eip.tags),
    })
}
