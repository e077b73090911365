//! VPCs and subnets.

use havip::time::Time;
use ipnet::Ipv4Net;

use super::objects::{Subnet, Tag, Vpc};
use super::{Code, Model, Refused, tags};

/// The private ranges a VPC may lie in, and the shortest prefix in each.
const PRIVATE: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

/// What a VPC is made of.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct CreateVpc {
    pub name: String,
    pub cidr: String,
    pub multicast: bool,
    pub dns: Vec<String>,
    pub domain: String,
    pub tags: Vec<Tag>,
}

/// What a subnet is made of.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct CreateSubnet {
    pub vpc: String,
    pub name: String,
    pub zone: String,
    pub cidr: String,
    pub tags: Vec<Tag>,
}

/// The id of the route table that every VPC has from the start.
pub fn default_route_table(vpc: &Vpc) -> String {
    vpc.id.replacen("vpc-", "rtb-", 1)
}

fn range(text: &str) -> Result<Ipv4Net, Refused> {
    let malformed = || {
        let message =
            format!("The parameter `CidrBlock` is malformed: `{text}` is no range like `10.0.0.0/16`.");
        Refused::new(Code::MALFORMED, message)
    };
    let net: Ipv4Net = text.parse().map_err(|_| malformed())?;
    if net.addr() == net.network() { Ok(net) } else { Err(malformed()) }
}

impl Model {
    /// `CreateVpc`.
    pub fn create_vpc(&mut self, now: Time, region: &str, ask: CreateVpc) -> Result<String, Refused> {
        let name = tags::name("VpcName", &ask.name)?;
        let tags = tags::tags(ask.tags)?;
        let cidr = range(&ask.cidr)?;
        let private = PRIVATE.iter().any(|net| net.parse().is_ok_and(|net: Ipv4Net| net.contains(&cidr)));
        if !private || !(12..=28).contains(&cidr.prefix_len()) {
            let message = format!("The range `{cidr}` is not within a private one, or not of /12 to /28.");
            return Err(Refused::new(Code::RANGE, message));
        }
        let limit = self.limits.vpcs;
        if self.region_mut(region)?.vpcs.len() as u64 >= limit {
            return Err(Refused::new(Code::LIMIT, format!("At most {limit} VPCs.")));
        }
        let number = self.ids.number();
        let id = self.ids.id("vpc", number);
        let (multicast, dns, domain) = (ask.multicast, ask.dns, ask.domain);
        self.region_mut(region)?.vpcs.insert(Vpc {
            id: id.clone(),
            number,
            name,
            cidr,
            multicast,
            dns,
            domain,
            tags,
            created: now,
        });
        self.object(now, region, "vpc", &id, "created");
        Ok(id)
    }

    /// `DeleteVpc`: only one without subnets.
    pub fn delete_vpc(&mut self, now: Time, region: &str, id: &str) -> Result<(), Refused> {
        tags::id("VpcId", "vpc", id)?;
        let here = self.region_mut(region)?;
        here.vpcs.get(id).ok_or_else(|| Refused::missing("VPC", id))?;
        if here.subnets.iter().any(|subnet| subnet.vpc == id) {
            return Err(Refused::new(Code::IN_USE, format!("The VPC `{id}` still has subnets.")));
        }
        here.vpcs.remove(id);
        here.havips_of.remove(id);
        self.object(now, region, "vpc", id, "deleted");
        Ok(())
    }

    /// `CreateSubnet`.
    pub fn create_subnet(&mut self, now: Time, region: &str, ask: CreateSubnet) -> Result<String, Refused> {
        tags::id("VpcId", "vpc", &ask.vpc)?;
        let name = tags::name("SubnetName", &ask.name)?;
        let tags = tags::tags(ask.tags)?;
        let cidr = range(&ask.cidr)?;
        let zone = ask.zone.strip_prefix(region).and_then(|rest| rest.strip_prefix('-'));
        if !zone.is_some_and(|zone| matches!(zone.as_bytes(), [b'1'..=b'9'])) {
            let message = format!("There is no zone `{}` in `{region}`.", ask.zone);
            return Err(Refused::new(Code::ZONE, message));
        }
        let limit = self.limits.subnets;
        let here = self.region_mut(region)?;
        let vpc = here.vpcs.get(&ask.vpc).ok_or_else(|| Refused::missing("VPC", &ask.vpc))?;
        if !vpc.cidr.contains(&cidr) || cidr.prefix_len() > 29 {
            let message =
                format!("The range `{cidr}` is not within the VPC's `{}`, or smaller than /29.", vpc.cidr);
            return Err(Refused::new(Code::SUBNET_RANGE, message));
        }
        let siblings = here.subnets.iter().filter(|other| other.vpc == ask.vpc);
        let mut count = 0;
        for other in siblings {
            if other.cidr.contains(&cidr) || cidr.contains(&other.cidr) {
                let message = format!("The range `{cidr}` overlaps that of `{}`.", other.id);
                return Err(Refused::new(Code::SUBNET_CONFLICT, message));
            }
            count += 1;
        }
        if count >= limit {
            return Err(Refused::new(Code::LIMIT, format!("At most {limit} subnets in a VPC.")));
        }
        let number = self.ids.number();
        let id = self.ids.id("subnet", number);
        let (vpc, zone) = (ask.vpc, ask.zone);
        let subnet =
            Subnet { id: id.clone(), number, vpc, name, zone, cidr, broadcast: false, tags, created: now };
        self.region_mut(region)?.subnets.insert(subnet);
        self.object(now, region, "subnet", &id, "created");
        Ok(id)
    }

    /// `ModifySubnetAttribute`.
    pub fn modify_subnet(
        &mut self,
        now: Time,
        region: &str,
        id: &str,
        name: Option<&str>,
        broadcast: Option<bool>,
    ) -> Result<(), Refused> {
        tags::id("SubnetId", "subnet", id)?;
        let name = name.map(|name| tags::name("SubnetName", name)).transpose()?;
        let here = self.region_mut(region)?;
        let subnet = here.subnets.get_mut(id).ok_or_else(|| Refused::missing("subnet", id))?;
        subnet.broadcast = broadcast.unwrap_or(subnet.broadcast);
        if let Some(name) = name {
            subnet.name = name;
        }
        self.object(now, region, "subnet", id, "changed");
        Ok(())
    }

    /// `DeleteSubnet`: only one whose addresses are all free.
    pub fn delete_subnet(&mut self, now: Time, region: &str, id: &str) -> Result<(), Refused> {
        tags::id("SubnetId", "subnet", id)?;
        let here = self.region_mut(region)?;
        here.subnets.get(id).ok_or_else(|| Refused::missing("subnet", id))?;
        if let Some((address, used)) = here.used(id).next() {
            let message = format!("The subnet `{id}` is not empty: `{}` uses {address}.", used.id);
            return Err(Refused::new(Code::IN_USE, message));
        }
        here.subnets.remove(id);
        here.addresses.remove(id);
        self.object(now, region, "subnet", id, "deleted");
        Ok(())
    }
}
