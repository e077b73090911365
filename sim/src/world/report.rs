//! What the world tells whoever watches it.
//!
//! The world holds no trace. In each instant it fills a buffer of [`Report`]s, of the classes asked for in
//! [`Wants`]; the engine hands them over in canonical order (by node, then as they happened) and forgets them.

use std::cmp::Ordering;
use std::net::IpAddr;

use havip::program::{Record, Subject};
use havip::time::Time;
use havip::wire::ethernet::Mac;

use super::act::Kind;
use super::setup::{ClientId, CvmId, EipId, EniIndex, HavipId, NodeId};
pub use crate::cloud::{Declined, Refusal, Verdict};

/// A frame in the world's slab; its bytes can be asked for until the instant ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrameId(pub u32);

/// Who a report is about, and its place in the canonical order of an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// The script.
    Script,
    /// A machine or a client, or its first network interface.
    Node(NodeId),
    /// A machine's further network interface.
    Eni(NodeId, EniIndex),
    /// The cloud.
    Cloud,
}

impl Who {
    /// A network interface.
    pub const fn eni(node: NodeId, eni: EniIndex) -> Who {
        match eni {
            EniIndex::ETH0 => Who::Node(node),
            eni => Who::Eni(node, eni),
        }
    }
    /// The machine or client, if it is one or an interface of one.
    pub const fn node(self) -> Option<NodeId> {
        match self {
            Who::Node(node) | Who::Eni(node, _) => Some(node),
            Who::Script | Who::Cloud => None,
        }
    }
    /// Which interface, where it is one.
    pub const fn index(self) -> EniIndex {
        match self {
            Who::Eni(_, eni) => eni,
            Who::Script | Who::Node(_) | Who::Cloud => EniIndex::ETH0,
        }
    }
    const fn rank(self) -> u32 {
        match self {
            Who::Script => 0,
            Who::Node(node) => 1 << 24 | (node.0 as u32) << 8,
            Who::Eni(node, eni) => 1 << 24 | (node.0 as u32) << 8 | eni.0 as u32,
            Who::Cloud => 2 << 24,
        }
    }
}

impl Ord for Who {
    /// The script, then each node with its interfaces, then the cloud.
    fn cmp(&self, other: &Who) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Who {
    fn partial_cmp(&self, other: &Who) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// One fact at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The instant.
    pub at: Time,
    /// Whom it is about.
    pub who: Who,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    /// An act was carried out: an index into `Setup::acts`.
    Act(u32),
    /// A machine's program changed between running and not.
    Program(CvmId, Life),
    /// A machine's program named something it will report about; its name and group can be asked of the world.
    Subject(CvmId, Subject),
    /// A program's own record.
    Record(CvmId, Record),
    /// A program told somebody something: a line into a pipe, or a command that is run and not waited for.
    Notified {
        /// Whose program.
        cvm: CvmId,
        /// What; it can be asked of the world.
        told: Told,
        /// By a pipe.
        pipe: bool,
    },
    /// A route came to or went from a machine's table.
    Routed {
        /// Whose.
        cvm: CvmId,
        /// Which; it can be asked of the world.
        route: Told,
        /// It is there now.
        added: bool,
    },
    /// An address came to or went from a node's interface.
    Held {
        /// Where.
        node: NodeId,
        /// Which.
        address: IpAddr,
        /// It is there now.
        held: bool,
        /// It is gone because its lifetime ran out.
        ran_out: bool,
    },
    /// The carrier of a node's interface came or went.
    Carrier(NodeId, bool),
    /// A node put a frame on its port.
    Sent {
        /// The frame.
        frame: FrameId,
        /// What it is.
        kind: Kind,
    },
    /// A node received a frame (its kernel looked at it).
    Received {
        /// The frame.
        frame: FrameId,
        /// What it is.
        kind: Kind,
        /// Who sent it.
        from: Who,
    },
    /// A frame, or a packet that never became one, did not arrive.
    Lost {
        /// The frame.
        frame: FrameId,
        /// What it was.
        kind: Kind,
        /// Who was to receive it; nobody when the segment knew no receiver.
        to: Option<Who>,
        /// Why.
        cause: Loss,
    },
    /// The cloud heard an announcement.
    Claim {
        /// The announced address.
        address: IpAddr,
        /// Who announced it.
        by: NodeId,
        /// By which of its interfaces.
        eni: EniIndex,
        /// At which hardware address it said the address is: its own, if it is honest.
        mac: Mac,
        /// What the cloud made of it.
        verdict: Verdict,
    },
    /// A HAVIP's binding changed.
    Bound {
        /// Which.
        havip: HavipId,
        /// Bound to whom before.
        from: Option<NodeId>,
        /// Bound to whom now.
        to: Option<NodeId>,
        /// Why: the hardware address whose announcement caused it; none where somebody took it away.
        claimed_by: Option<Mac>,
    },
    /// An elastic IP was bound or unbound.
    Eip {
        /// Which.
        eip: EipId,
        /// To which HAVIP.
        to: Option<HavipId>,
    },
    /// The cloud does not do what an act wants: an index into `Setup::acts`, and why.
    Declined(u32, Declined),
    /// A client of the internet gets no further, from now on.
    NoWay {
        /// Who.
        client: ClientId,
        /// Why.
        why: Loss,
    },
    /// A client sent a probe.
    Probed {
        /// Who.
        client: ClientId,
    },
    /// A client's probe was answered.
    Answered {
        /// Who.
        client: ClientId,
        /// When that probe was sent.
        sent: Time,
    },
    /// Every probe a client has sent since its last answer, up to and including the one sent then, was or will be
    /// answered like that one: they were asked, not sent.
    AllAnswered {
        /// Who.
        client: ClientId,
        /// When the last of them is sent.
        last: Time,
    },
    /// Every probe a client sends from now on, up to and including the one sent then, is lost: they were asked, not sent.
    AllLost {
        /// Who.
        client: ClientId,
        /// When the last of them is sent.
        last: Time,
    },
    /// A client's probes go to another machine than before.
    Reached {
        /// Who.
        client: ClientId,
        /// Which node's network card takes them.
        node: NodeId,
    },
    /// A client's (or machine's) neighbour entry for an address changed.
    Neighbour {
        /// Whose table.
        node: NodeId,
        /// The entry.
        address: IpAddr,
        /// Its hardware address now, if it has one.
        mac: Option<Mac>,
    },
}

/// A text that a program told somebody at the instant that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its first byte among all of the instant.
    pub(super) start: u32,
    /// The first byte behind it.
    pub(super) end: u32,
}

/// What an act did to a frame that nobody else would have: an index into `Setup::acts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It was put on the wire by `spoof`.
    Spoofed(u32),
    /// A bit of it was flipped on its way by `corrupt`.
    Corrupted(u32),
}

/// How a machine's program came or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It runs.
    Started,
    /// It ended by itself.
    Exited,
    /// It was killed, or its machine lost power.
    Killed,
    /// It stands still (SIGSTOP, or its machine is paused).
    Frozen,
    /// It goes on.
    Thawed,
}

/// Why a frame did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// An act's `cut` or `drop`: an index into `Setup::acts`.
    Cut(u32),
    /// An act's `loss`: an index into `Setup::acts`.
    Chance(u32),
    /// The sender's cable is out.
    NoCarrier,
    /// The receiver's cable is out.
    ReceiverNoCarrier,
    /// The receiver is off.
    ReceiverOff,
    /// A VPC carries no multicast.
    NoMulticast,
    /// Nothing in the VPC has the destination address.
    NoSuchAddress,
    /// The destination is a HAVIP that is bound to nobody.
    Unbound,
    /// A security group's rule: the act that put it in, an index into `Setup::acts`, where one did.
    Denied(Option<u32>),
    /// The elastic IP is bound to nothing.
    EipUnbound,
    /// There is no elastic IP to reach the internet from.
    NoEip,
    /// The neighbour did not answer ARP, and the packet waited in vain.
    Unresolved,
    /// The sender's neighbour queue was full.
    NeighbourQueueFull,
    /// The cloud hears no claims: the act that made it deaf, an index into `Setup::acts`.
    Deaf(u32),
    /// The sender has no route to the destination.
    NoRoute,
    /// The receiving program's socket queue was full.
    SocketQueueFull,
    /// The receiver's kernel does not hold the destination address.
    NotHeld,
    /// The receiver's packet filter drops what is for the address.
    Filtered,
    /// Nobody on the receiver listens to the protocol.
    NoListener,
    /// The service it is for hangs, and its queue of connections is full.
    ServiceHangs,
    /// The receiver's kernel could not read it.
    Malformed,
    /// The receiving machine stopped before its kernel or program looked at it.
    DiedInQueue,
}

/// Which classes of reports somebody wants; the others are not made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// Everything but frames.
    pub facts: bool,
    /// `Sent`, `Received` and `Lost`, but for probes.
    pub frames: bool,
    /// The same for what programs say over and over: each is a frame then. Without it, of that `Sent` and `Received` are
    /// reported, and all of a row have the bytes of its first.
    pub beats: bool,
    /// The same for probes: each is a frame then, and none is asked.
    pub probes: bool,
}

/// What can be asked of the world while an instant's reports are read.
pub trait Look {
    /// A frame's bytes, Ethernet header first. A packet that never became a frame has no resolved destination:
    /// its destination hardware address is zero.
    fn frame(&self, id: FrameId) -> &[u8];
    /// What an act did to a frame, if one did.
    fn mark(&self, id: FrameId) -> Option<Mark>;
    /// What a machine's program said of one of its subjects: its name, and the group that makes subjects of
    /// different machines the same thing.
    fn subject(&self, cvm: CvmId, subject: Subject) -> (&str, u32);
    /// What a program told somebody.
    fn told(&self, told: Told) -> &str;
}
