//! What the cloud makes of an announcement: the one place where it is decided what may be claimed.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
