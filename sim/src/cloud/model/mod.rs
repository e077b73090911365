//! The cloud as its API shows it: regions, VPCs, subnets, network interfaces, machines, HAVIPs and elastic IPs.
//!
//! A pure state machine: an operation goes in with the time, and changes or a refusal come out. It has no clock, no
//! disk and no randomness; ids come from a seed. An operation that is refused has changed nothing. What an operation
//! has changed is asked for with [`Model::take_changes`], row by row, for whoever stores it; a model is made of such
//! rows again by [`Model::load`].
//!
//! What may be claimed and how a binding moves is not decided here but in [`judge`](super::Heard) and
//! [`Binding`](super::Binding), which the simulated segment uses too.

mod addresses;
mod claims;
mod eip;
mod eni;
mod error;
mod idempotency;
mod ids;
mod limits;
mod objects;
mod region;
mod stored;
mod table;
mod tags;
mod tasks;
#[cfg(test)]
mod tests;
mod vips;
mod vpc;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use havip::time::{Duration, Time};

pub use claims::{ClaimOutcome, Warning};
pub use eip::Allocate;
pub use eni::{CreateEni, WantedAddress};
pub use error::{Code, Refused};
pub use limits::{Limit, Limits};
pub use objects::{
    Association, Attachment, Cause, Cvm, Eip, EipHolder, EipStatus, Eni, EniState, Havip, Member, Moved,
    PrivateIp, RefusedClaim, Subnet, Tag, Task, TaskState, Token, Vpc, Work,
};
pub use region::{REGIONS, Region, Used, is_region};
pub use stored::{Change, Corrupt, Row};
pub use table::{Object, Table};
pub use vips::CreateHavip;
pub use vpc::{CreateSubnet, CreateVpc, default_route_table};

use ids::Ids;

/// Something that happened, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// An object came, changed or went: what kind of object, and its id.
    Object {
        /// `havip`, `eip`, `eni`, …
        kind: &'static str,
        /// Its id.
        id: String,
        /// `created`, `changed` or `deleted`.
        what: &'static str,
    },
    /// A HAVIP's binding moved.
    Moved {
        /// The HAVIP's id.
        havip: String,
        /// How.
        moved: Moved,
    },
    /// A claim was refused.
    Refused(RefusedClaim),
    /// There is something else to look at of a HAVIP, or nothing any more.
    Warned {
        /// The HAVIP's id.
        havip: String,
        /// What.
        warnings: Vec<Warning>,
    },
    /// Everything is another cloud's now: it was put back, or begun anew.
    Replaced,
}

/// Everything the cloud knows.
#[derive(Clone, Debug)]
pub struct Model {
    ids: Ids,
    limits: Limits,
    /// Limits that were changed since they were stored.
    changed_limits: BTreeSet<&'static str>,
    /// How long asynchronous work takes.
    task_delay: Duration,
    regions: BTreeMap<String, Region>,
    /// Elastic addresses, of all regions.
    public: BTreeSet<Ipv4Addr>,
    tasks: Table<Task>,
    /// Tasks that run, by when they end.
    running: BTreeSet<(Time, u64)>,
    tokens: Table<Token>,
    happenings: Vec<(Time, String, Happening)>,
    /// When the next binding moves.
    next_binding: Option<Time>,
    /// When it is looked next whether there is something to warn of.
    next_look: Time,
    /// When claims that are believed and still pending were heard: by region, interface and address.
    heard_at: BTreeMap<(String, String, Ipv4Addr), Time>,
}

impl Model {
    /// A cloud without anything; ids are a function of the seed.
    pub fn new(seed: u64) -> Model {
        Model {
            ids: Ids::new(seed, 0),
            limits: Limits::default(),
            changed_limits: BTreeSet::new(),
            task_delay: Duration::ZERO,
            regions: REGIONS.iter().map(|&name| (name.to_owned(), Region::default())).collect(),
            public: BTreeSet::new(),
            tasks: Table::default(),
            running: BTreeSet::new(),
            tokens: Table::default(),
            happenings: Vec::new(),
            next_binding: None,
            next_look: Time::ZERO,
            heard_at: BTreeMap::new(),
        }
    }

    /// What its ids are made of.
    pub fn seed(&self) -> u64 {
        self.ids.seed
    }

    /// A region; one without anything where there is no such region.
    pub fn region(&self, name: &str) -> &Region {
        static NOTHING: Region = Region::new();
        self.regions.get(name).unwrap_or(&NOTHING)
    }

    pub(super) fn region_mut(&mut self, name: &str) -> Result<&mut Region, Refused> {
        self.regions
            .get_mut(name)
            .ok_or_else(|| Refused::new(Code::UNSUPPORTED_REGION, format!("there is no region {name}")))
    }

    /// What may be had of each thing.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }
    /// Changes what may be had. What is there already stays.
    pub fn set_limits(&mut self, limits: Limits) {
        let differs = |limit: &&Limit| self.limits.get(limit.name) != limits.get(limit.name);
        self.changed_limits.extend(Limits::ALL.iter().filter(differs).map(|limit| limit.name));
        self.limits = limits;
    }
    /// How long asynchronous work takes.
    pub fn task_delay(&self) -> Duration {
        self.task_delay
    }
    /// This model takes the place of another: how that was set up stays, and who watches is told.
    pub fn take_place(&mut self, now: Time, of: &Model) {
        self.task_delay = of.task_delay;
        self.listen(now);
        self.happened(now, "", Happening::Replaced);
    }
    /// How long asynchronous work takes from here on.
    pub fn set_task_delay(&mut self, delay: Duration) {
        self.task_delay = delay;
    }

    /// Does something whose work ends at once, whatever the task delay is, and whose results nothing limits: the segment
    /// has done it already.
    pub fn at_once<T>(&mut self, act: impl FnOnce(&mut Model) -> T) -> T {
        let (delay, limits) = (std::mem::take(&mut self.task_delay), self.limits);
        let most = u64::MAX;
        self.limits = Limits { vpcs: most, havips: most, enis: most, eips: most, range: most, ..limits };
        let done = act(self);
        (self.task_delay, self.limits) = (delay, limits);
        done
    }

    /// What happened since this was asked last: when, in which region, and what.
    pub fn take_happenings(&mut self) -> Vec<(Time, String, Happening)> {
        std::mem::take(&mut self.happenings)
    }

    fn happened(&mut self, now: Time, region: &str, happening: Happening) {
        self.happenings.push((now, region.to_owned(), happening));
    }
    fn object(&mut self, now: Time, region: &str, kind: &'static str, id: &str, what: &'static str) {
        self.happened(now, region, Happening::Object { kind, id: id.to_owned(), what });
    }
}
