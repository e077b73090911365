//! What keeps an instance from taking part: any one is enough, and it is back when none is left.

use crate::program::{Value, Why};
use std::net::IpAddr;

/// A reason for FAULT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    /// An interface that it tracks is down.
    Link = 0,
    /// The source of its advertisements is not on the interface.
    SourceMissing = 1,
    /// A virtual address is the source of its advertisements.
    SourceIsVirtual = 2,
    /// It has no peer left to speak to.
    NoPeers = 3,
    /// A script of weight 0 has failed.
    Script = 4,
    /// A file of weight 0 has a number, or a weighted one sends the priority below all others.
    File = 5,
    /// Another member of its group is in FAULT.
    Group = 6,
    /// Its own interface is down: nothing that it says gets out.
    OwnLink = 7,
    /// Of a process of weight 0 too few run, or too many.
    Process = 8,
    /// Its interface does not exist.
    NoInterface = 9,
    /// A BFD session of weight 0 is not up.
    Bfd = 10,
}

/// Those that hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults(u16);

impl Faults {
    /// Sets or clears one; whether that changed anything.
    pub(crate) fn set(&mut self, fault: Fault, holds: bool) -> bool {
        let before = self.0;
        let bit = 1 << fault as u8;
        self.0 = if holds { before | bit } else { before & !bit };
        self.0 != before
    }
    /// The first that holds.
    pub(crate) fn first(self) -> Option<Fault> {
        Fault::ALL.into_iter().find(|f| self.has(*f))
    }
    /// Whether this one holds.
    pub fn has(self, fault: Fault) -> bool {
        self.0 & 1 << fault as u8 != 0
    }
    /// Whether any holds.
    pub fn any(self) -> bool {
        self.0 != 0
    }
    /// Whether any holds that is its own, and not its group's.
    pub fn own(self) -> bool {
        self.0 & !(1 << Fault::Group as u8) != 0
    }
}

impl Fault {
    const ALL: [Fault; 11] = [
        Fault::NoInterface,
        Fault::OwnLink,
        Fault::Link,
        Fault::SourceMissing,
        Fault::SourceIsVirtual,
        Fault::NoPeers,
        Fault::Script,
        Fault::File,
        Fault::Process,
        Fault::Bfd,
        Fault::Group,
    ];
    /// Those that follow from the configuration and what is on the machine; the others from what is tracked.
    pub(crate) const OF_ITS_PLACE: [Fault; 3] =
        [Fault::SourceMissing, Fault::SourceIsVirtual, Fault::NoPeers];
    /// In words, for the record.
    pub(crate) fn why(self, source: IpAddr) -> Why {
        match self {
            Fault::NoInterface => Why::new("its interface does not exist"),
            Fault::OwnLink | Fault::Link => Why::new("link down"),
            Fault::SourceMissing => Why::with("address {} is not on the interface", [Value::Address(source)]),
            Fault::SourceIsVirtual => {
                Why::with("virtual address {} is the interface's own", [Value::Address(source)])
            }
            Fault::NoPeers => Why::new("unicast without a peer"),
            Fault::Script => Why::new("a tracked script has failed"),
            Fault::File => Why::new("a tracked file says so"),
            Fault::Process => Why::new("a tracked process does not run as it should"),
            Fault::Bfd => Why::new("a tracked BFD session is not up"),
            Fault::Group => Why::new("another member of its group is in FAULT"),
        }
    }
    /// In words, once it is gone.
    pub(crate) fn mended(self) -> Why {
        Why::new(match self {
            Fault::NoInterface => "its interface is there",
            Fault::OwnLink | Fault::Link => "link up",
            Fault::SourceMissing | Fault::SourceIsVirtual => "its source address is back",
            Fault::NoPeers => "it has peers",
            Fault::Script => "the tracked script succeeds",
            Fault::File => "the tracked file says so",
            Fault::Process => "the tracked process runs as it should",
            Fault::Bfd => "the tracked BFD session is up",
            Fault::Group => "no member of its group is in FAULT",
        })
    }
}
