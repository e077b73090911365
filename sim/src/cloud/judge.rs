//! What the cloud makes of an announcement, and of an order given at its console: the one place where it is decided what
//! may be claimed, bound and taken away.

use serde::{Deserialize, Serialize};

/// What the cloud makes of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The binding moves, now or after the binding delay.
    Believed,
    /// It is bound, or about to be bound, there already.
    Already,
    /// The sender's own address: no claim.
    OwnAddress,
    /// Refused.
    Refused(Refusal),
}

/// Why an announcement was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// The address is no HAVIP.
    NotHavip,
    /// A HAVIP, of another subnet.
    OtherSubnet,
    /// The announced hardware address is not the sender's.
    ForeignMac,
    /// A HAVIP whose drift is limited to other interfaces.
    OutsideRange,
}

/// Why the cloud does not do what somebody wants of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Declined {
    /// The HAVIP has an elastic IP already.
    HasEip,
    /// The elastic IP is bound already.
    EipBound,
    /// The elastic IP is bound to nothing.
    EipUnbound,
    /// A HAVIP is not released as long as an elastic IP is bound to it.
    ReleaseWithEip,
    /// The HAVIP has been released.
    Released,
    /// An interface is not detached as long as a HAVIP's drift range names it.
    InRange,
}

impl Declined {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Declined::HasEip => "the HAVIP has an elastic IP already",
            Declined::EipBound => "the elastic IP is bound already",
            Declined::EipUnbound => "the elastic IP is bound to nothing",
            Declined::ReleaseWithEip => "an elastic IP is bound to it",
            Declined::Released => "the HAVIP is released",
            Declined::InRange => "a drift range names the interface",
        }
    }
}

/// Whether an elastic IP may be bound to a HAVIP: one that nothing has, to one that has none.
pub const fn may_bind_eip(has_eip: bool, eip_is_bound: bool) -> Result<(), Declined> {
    match (has_eip, eip_is_bound) {
        (true, _) => Err(Declined::HasEip),
        (_, true) => Err(Declined::EipBound),
        _ => Ok(()),
    }
}

/// Whether a HAVIP may be released.
pub const fn may_release(has_eip: bool) -> Result<(), Declined> {
    if has_eip { Err(Declined::ReleaseWithEip) } else { Ok(()) }
}

/// Whether an interface may be detached.
pub const fn may_detach(named_by_a_range: bool) -> Result<(), Declined> {
    if named_by_a_range { Err(Declined::InRange) } else { Ok(()) }
}

/// What is known of an announcement when it is heard.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// The address is the sender's own.
    pub own: bool,
    /// The address is a HAVIP.
    pub havip: bool,
    /// The announced hardware address is the sender's.
    pub own_mac: bool,
    /// The sender is in the HAVIP's subnet.
    pub same_subnet: bool,
    /// The sender is one that the HAVIP may drift to.
    pub in_range: bool,
}

impl Heard {
    /// Why nothing follows from it; `None` of a claim to be believed.
    pub const fn dismissed(self) -> Option<Verdict> {
        Some(match self {
            Heard { own: true, .. } => Verdict::OwnAddress,
            Heard { havip: false, .. } => Verdict::Refused(Refusal::NotHavip),
            Heard { own_mac: false, .. } => Verdict::Refused(Refusal::ForeignMac),
            Heard { same_subnet: false, .. } => Verdict::Refused(Refusal::OtherSubnet),
            Heard { in_range: false, .. } => Verdict::Refused(Refusal::OutsideRange),
            Heard { .. } => return None,
        })
    }
}
