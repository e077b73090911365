//! One region: its objects, and the indices that make them quick to find.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use havip::time::Time;

use super::addresses::Addresses;
use super::objects::{Cvm, Eip, Eni, Havip, RefusedClaim, Subnet, Vpc};
use super::table::Table;
use super::{ClaimOutcome, Warning};
use crate::cloud::Binding;

/// The regions there are.
pub const REGIONS: [&str; 16] = [
    "ap-bangkok",
    "ap-beijing",
    "ap-chengdu",
    "ap-chongqing",
    "ap-guangzhou",
    "ap-hongkong",
    "ap-jakarta",
    "ap-nanjing",
    "ap-seoul",
    "ap-shanghai",
    "ap-singapore",
    "ap-tokyo",
    "eu-frankfurt",
    "na-ashburn",
    "na-siliconvalley",
    "sa-saopaulo",
];

/// Whether there is such a region.
pub fn is_region(name: &str) -> bool {
    REGIONS.contains(&name)
}

/// What uses an address of a subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// `HAVIP` or `ENI`.
    pub by: &'static str,
    /// Its id.
    pub id: String,
}

/// Everything of one region.
#[derive(Clone, Debug, Default)]
pub struct Region {
    pub(super) vpcs: Table<Vpc>,
    pub(super) subnets: Table<Subnet>,
    pub(super) enis: Table<Eni>,
    pub(super) cvms: Table<Cvm>,
    pub(super) havips: Table<Havip>,
    pub(super) eips: Table<Eip>,
    /// By subnet.
    pub(super) addresses: BTreeMap<String, Addresses>,
    /// How many HAVIPs a VPC has.
    pub(super) havips_of: BTreeMap<String, u64>,
    /// By HAVIP, its interfaces by their numbers.
    pub(super) bindings: BTreeMap<String, Binding<u64>>,
    /// When anything was last heard from an interface.
    pub(super) heard: BTreeMap<String, Time>,
    /// Claims that were refused, oldest first; the last of them are remembered.
    pub(super) refused: Table<RefusedClaim>,
    /// What has been warned of, by HAVIP.
    pub(super) warned: BTreeMap<String, Vec<Warning>>,
    /// The VPC whose bindings a segment decides.
    pub(super) segment: Option<String>,
}

impl Region {
    pub(super) const fn new() -> Region {
        Region {
            vpcs: Table::new(),
            subnets: Table::new(),
            enis: Table::new(),
            cvms: Table::new(),
            havips: Table::new(),
            eips: Table::new(),
            addresses: BTreeMap::new(),
            havips_of: BTreeMap::new(),
            bindings: BTreeMap::new(),
            heard: BTreeMap::new(),
            refused: Table::new(),
            warned: BTreeMap::new(),
            segment: None,
        }
    }
    /// Its VPCs.
    pub fn vpcs(&self) -> &Table<Vpc> {
        &self.vpcs
    }
    /// Its subnets.
    pub fn subnets(&self) -> &Table<Subnet> {
        &self.subnets
    }
    /// Its network interfaces.
    pub fn enis(&self) -> &Table<Eni> {
        &self.enis
    }
    /// Its machines.
    pub fn cvms(&self) -> &Table<Cvm> {
        &self.cvms
    }
    /// Its HAVIPs.
    pub fn havips(&self) -> &Table<Havip> {
        &self.havips
    }
    /// Its elastic IPs.
    pub fn eips(&self) -> &Table<Eip> {
        &self.eips
    }
    /// The claims refused last, oldest first.
    pub fn refused(&self) -> impl DoubleEndedIterator<Item = &RefusedClaim> {
        self.refused.iter()
    }

    /// An elastic IP by its address.
    pub fn eip_of(&self, address: Ipv4Addr) -> Option<&Eip> {
        self.eips.iter().find(|eip| eip.address == address)
    }
    /// The address of a HAVIP's elastic IP.
    pub fn public_of(&self, havip: &Havip) -> Option<Ipv4Addr> {
        Some(self.eips.get(havip.eip.as_ref()?)?.address)
    }
    /// The machine that a HAVIP is bound to.
    pub fn server_of(&self, havip: &Havip) -> Option<&str> {
        let eni = self.enis.get(havip.eni.as_ref()?)?;
        Some(&eni.attachment.as_ref()?.cvm)
    }
    /// Who uses an address of a subnet.
    pub fn user_of(&self, subnet: &str, address: Ipv4Addr) -> Option<&Used> {
        self.addresses.get(subnet)?.user_of(address)
    }
    /// The addresses of a subnet that are in use, in order.
    pub fn used(&self, subnet: &str) -> impl Iterator<Item = (Ipv4Addr, &Used)> {
        self.addresses.get(subnet).into_iter().flat_map(Addresses::iter)
    }
    /// How many addresses of a subnet are still free.
    pub fn free(&self, subnet: &Subnet) -> u64 {
        let used = self.addresses.get(&subnet.id).map_or(0, Addresses::len) as u64;
        subnet.usable().saturating_sub(used)
    }
    /// When the next binding moves.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.bindings.values().filter_map(Binding::deadline).min()
    }
    /// Remembers a refused claim, and forgets the oldest of too many.
    pub(super) fn remember(&mut self, refused: RefusedClaim) {
        while self.refused.len() >= ClaimOutcome::REMEMBERED
            && let Some(oldest) = self.refused.oldest().map(|one| one.id.clone())
        {
            self.refused.remove(&oldest);
        }
        self.refused.insert(refused);
    }
}
