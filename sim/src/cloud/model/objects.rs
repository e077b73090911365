//! What the cloud keeps. Every object carries its id and its number: its place in the order of all that was made.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use havip::time::Time;
use havip::wire::ethernet::Mac;
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use super::table::Object;
use crate::cloud::Refusal;

/// A label that users put on things.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A virtual private cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Vpc {
    pub id: String,
    pub number: u64,
    pub name: String,
    pub cidr: Ipv4Net,
    pub multicast: bool,
    pub dns: Vec<String>,
    pub domain: String,
    pub tags: Vec<Tag>,
    #[serde(with = "nanos")]
    pub created: Time,
}

/// A subnet of a VPC, in one zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Subnet {
    pub id: String,
    pub number: u64,
    pub vpc: String,
    pub name: String,
    pub zone: String,
    pub cidr: Ipv4Net,
    pub broadcast: bool,
    pub tags: Vec<Tag>,
    #[serde(with = "nanos")]
    pub created: Time,
}

/// Where a network interface stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum EniState {
    Available,
    Attaching,
    InUse,
    Detaching,
}

/// An address of a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct PrivateIp {
    pub address: Ipv4Addr,
    pub primary: bool,
    pub description: String,
}

/// A network interface on a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Attachment {
    pub cvm: String,
    pub index: u32,
    #[serde(with = "nanos")]
    pub at: Time,
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Eni {
    pub id: String,
    pub number: u64,
    pub vpc: String,
    pub subnet: String,
    pub name: String,
    pub description: String,
    pub groups: Vec<String>,
    /// It came with its machine and goes with it.
    pub primary: bool,
    #[serde(with = "mac")]
    pub mac: Mac,
    pub addresses: Vec<PrivateIp>,
    pub state: EniState,
    pub attachment: Option<Attachment>,
    pub tags: Vec<Tag>,
    #[serde(with = "nanos")]
    pub created: Time,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Cvm {
    pub id: String,
    pub number: u64,
    pub name: String,
    pub vpc: String,
    pub zone: String,
    #[serde(with = "nanos")]
    pub created: Time,
}

/// What a drift range names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Member {
    /// A machine, with all its interfaces of the subnet.
    Cvm,
    /// One interface.
    Eni,
}

/// One member of a HAVIP's drift range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Association {
    /// `ins-…` or `eni-…`.
    pub instance: String,
    /// Which of both.
    pub member: Member,
}

/// Why a binding moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// A believed announcement.
    Claim {
        /// The announced hardware address.
        #[serde(with = "mac")]
        mac: Mac,
        /// When it was heard.
        #[serde(with = "nanos")]
        heard: Time,
    },
    /// It was made so by `CreateHaVip`.
    Created,
    /// The interface it was bound to was detached or deleted.
    Detached,
}

/// A move of a binding: a row of the ownership timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// When.
    #[serde(with = "nanos")]
    pub at: Time,
    /// Bound to which interface before.
    pub from: Option<String>,
    /// Bound to which interface now.
    pub to: Option<String>,
    /// Why.
    pub cause: Cause,
}

/// A HAVIP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Havip {
    pub id: String,
    pub number: u64,
    pub name: String,
    pub vip: Ipv4Addr,
    pub vpc: String,
    pub subnet: String,
    /// The interface it is bound to.
    pub eni: Option<String>,
    /// The elastic IP that is bound to it, by its id.
    pub eip: Option<String>,
    pub check_associate: bool,
    pub range: Vec<Association>,
    pub tags: Vec<Tag>,
    #[serde(with = "nanos")]
    pub created: Time,
    /// When its binding last drifted or was taken away.
    #[serde(with = "maybe_nanos")]
    pub flushed: Option<Time>,
    /// Its last moves, oldest first.
    pub timeline: VecDeque<Moved>,
}

impl Havip {
    /// How many moves are remembered.
    pub const REMEMBERED: usize = 64;
}

/// Where an elastic IP stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum EipStatus {
    Unbind,
    Binding,
    Bind,
    Unbinding,
    Offlining,
}

/// What an elastic IP is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct EipHolder {
    pub havip: String,
    pub private: Ipv4Addr,
}

/// An elastic IP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Eip {
    pub id: String,
    pub number: u64,
    pub name: String,
    pub address: Ipv4Addr,
    pub status: EipStatus,
    pub holder: Option<EipHolder>,
    pub bandwidth: u64,
    pub charge: String,
    pub tags: Vec<Tag>,
    #[serde(with = "nanos")]
    pub created: Time,
}

/// Asynchronous work. `Again` is none of its own: its request was sent before, and it ends when the work of that does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each names what it works on")]
pub enum Work {
    DeleteHavip { havip: String },
    BindEip { havip: String, eip: String },
    UnbindEip { havip: String, eip: String },
    Attach { eni: String, cvm: String },
    Detach { eni: String },
    Allocate { eips: Vec<String> },
    Release { eips: Vec<String> },
    Again,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the API's own words")]
pub enum TaskState {
    Running,
    Success,
}

/// Asynchronous work under way or done. Its id is that of the request that asked for it; elastic IPs use its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields say it")]
pub struct Task {
    pub id: String,
    pub number: u64,
    pub region: String,
    #[serde(with = "nanos")]
    pub due: Time,
    pub state: TaskState,
    pub work: Work,
}

/// A request that said it may be sent again, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Region, action and the client's token.
    pub id: String,
    /// Its place in the order of all that was made.
    pub number: u64,
    /// What it was asked with.
    pub asked: String,
    /// What it made.
    pub made: Vec<String>,
    /// The number of its task, if it has one.
    pub task: Option<u64>,
}

/// An announcement that was not believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedClaim {
    /// Its number, as text.
    pub id: String,
    /// Its place in the order of all that was made.
    pub number: u64,
    /// When it was heard.
    #[serde(with = "nanos")]
    pub at: Time,
    /// Whose it was.
    pub eni: String,
    /// What it claimed.
    pub address: Ipv4Addr,
    /// The announced hardware address.
    #[serde(with = "mac")]
    pub mac: Mac,
    /// Why not.
    pub why: Refusal,
}

impl RefusedClaim {
    /// One that has no number yet.
    pub fn new(at: Time, eni: &str, address: Ipv4Addr, mac: Mac, why: Refusal) -> RefusedClaim {
        RefusedClaim { id: String::new(), number: 0, at, eni: eni.to_owned(), address, mac, why }
    }
}

macro_rules! objects {
    ($($kind:ident)*) => {
        $(impl Object for $kind {
            fn id(&self) -> &str {
                &self.id
            }
            fn number(&self) -> u64 {
                self.number
            }
        })*
    };
}
objects!(Vpc Subnet Eni Cvm Havip Eip Task Token RefusedClaim);

/// An instant as a number.
mod nanos {
    use havip::time::Time;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_nanos())
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        u64::deserialize(from).map(Time::from_nanos)
    }
}

mod maybe_nanos {
    use havip::time::Time;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
        time.map(Time::as_nanos).serialize(to)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Time>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Time::from_nanos))
    }
}

mod mac {
    use havip::wire::ethernet::Mac;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(mac: &Mac, to: S) -> Result<S::Ok, S::Error> {
        mac.0.serialize(to)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Mac, D::Error> {
        <[u8; 6]>::deserialize(from).map(Mac)
    }
}
