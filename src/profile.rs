//! How an agent behaves where agents differ: one row a difference.
//!
//! keepalived 2.2.7 as it was measured is where every row is off but those it is named in. A [`Profile`] is a set of
//! rows; code asks [`Profile::has`] at the one place where the difference is made, and `havipd profiles` prints
//! the table.

mod rows;

use std::fmt;
use std::str::FromStr;

pub use rows::ROWS;

/// A named way to behave.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    name: &'static str,
    switches: u32,
}

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Switch {
    // keepalived 1.3.
    /// `{` must be a word of its own.
    BraceIsAWord,
    /// `state MASTER` begins as master.
    StartsMaster,
    /// A new master claims its addresses one advertisement interval after its first advertisement.
    ClaimsOneIntervalLate,
    /// A backup answers a lower-priority advertisement at once.
    AnswersLowerAtOnce,
    /// `nopreempt` is kept beside `state MASTER`.
    KeepsNopreempt,
    /// A refused advertisement re-arms a backup's master down timer.
    RefusedFeedsBackup,
    // havip.
    /// After a split, the loser says goodbye and the winner claims again.
    ReclaimsAfterSplit,
    /// A refused advertisement leaves a master's own timer alone.
    RefusedFeedsNobody,
    /// A master whose process was not scheduled for a master down interval steps down before it speaks.
    LateWakeStepsDown,
    /// A lowered priority is announced as a departure, so that the peer takes over within its skew time.
    DemotesAtOnce,
    /// Advertisements are taken from listed peers only.
    ChecksUnicastSource,
    /// A unicast instance without peers is in FAULT, instead of advertising by multicast.
    NoMulticastFallback,
    /// Claims are made as ARP request and reply in turn, paced.
    ClaimsBothWays,
    /// A claim is verified by asking who has the address, and repeated while another answers.
    VerifiesClaims,
    /// Addresses are on the interface for a lease that each advertisement renews.
    LeasesAddresses,
    /// Another machine's announcement of an address held here is noticed and answered (RFC 5227).
    DefendsAddresses,
    /// VRRPv3's checksum is right with and without the pseudo header.
    EitherChecksum,
    /// A master with other addresses is obeyed all the same, and reported.
    ObeysOtherAddresses,
    /// Nothing that a past mastership planned happens in the next one.
    ForgetsPastMastership,
    /// One goodbye, not two.
    OneGoodbye,
    /// The wait of `vrrp_startup_delay` is counted once.
    StartupDelayOnce,
    /// Of two owners of an address the one with the higher source stays.
    RanksOwners,
    /// An advertisement names its link-local addresses first (RFC 9568 section 5.2.9).
    LinkLocalFirst,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The difference.
    pub switch: Switch,
    /// Its name for people.
    pub name: &'static str,
    /// What the profile does.
    pub what: &'static str,
    /// What goes wrong without it, or why the old version is worth keeping.
    pub why: &'static str,
    /// The measured case, or the source.
    pub case: &'static str,
    /// Who suffered: issue numbers of keepalived unless another project is named.
    pub issues: &'static str,
    /// The scenario that is run under both profiles.
    pub scenario: &'static str,
}

impl Profile {
    /// keepalived 2.2.7 as measured.
    pub const KEEPALIVED: Profile = Profile { name: "keepalived", switches: 0 };
    /// keepalived 1.3.5, which many clouds' guides still install.
    pub const KEEPALIVED_1_3: Profile = Profile {
        name: "keepalived-1.3",
        switches: bits(&[
            Switch::BraceIsAWord,
            Switch::StartsMaster,
            Switch::ClaimsOneIntervalLate,
            Switch::AnswersLowerAtOnce,
            Switch::KeepsNopreempt,
            Switch::RefusedFeedsBackup,
        ]),
    };
    /// The same messages on the wire, and keepalived's flaws mended.
    pub const HAVIP: Profile = Profile {
        name: "havip",
        switches: bits(&[
            Switch::ReclaimsAfterSplit,
            Switch::RefusedFeedsNobody,
            Switch::LateWakeStepsDown,
            Switch::DemotesAtOnce,
            Switch::ChecksUnicastSource,
            Switch::NoMulticastFallback,
            Switch::ClaimsBothWays,
            Switch::VerifiesClaims,
            Switch::LeasesAddresses,
            Switch::DefendsAddresses,
            Switch::EitherChecksum,
            Switch::ObeysOtherAddresses,
            Switch::ForgetsPastMastership,
            Switch::OneGoodbye,
            Switch::StartupDelayOnce,
            Switch::RanksOwners,
            Switch::LinkLocalFirst,
        ]),
    };
    /// Every profile, the measured one first.
    pub const ALL: [Profile; 3] = [Profile::KEEPALIVED, Profile::HAVIP, Profile::KEEPALIVED_1_3];

    /// Its name: what a machine's line in a scenario, and `--as`, say.
    pub const fn name(&self) -> &'static str {
        self.name
    }
    /// The same, one difference left out: what the scenario of that difference must notice.
    pub const fn without(self, switch: Switch) -> Profile {
        Profile { name: self.name, switches: self.switches & !(1 << switch as u32) }
    }
    /// Whether it behaves so.
    pub const fn has(&self, switch: Switch) -> bool {
        self.switches & (1 << switch as u32) != 0
    }
}

const fn bits(switches: &[Switch]) -> u32 {
    let (mut all, mut i) = (0, 0);
    while i < switches.len() {
        all |= 1 << switches[i] as u32;
        i += 1;
    }
    all
}

impl Default for Profile {
    fn default() -> Self {
        Profile::KEEPALIVED
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Profile::ALL.into_iter().find(|p| p.name == text).ok_or(UnknownProfile)
    }
}

/// There is no profile of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such profile: `keepalived`, `havip` and `keepalived-1.3` are")]
pub struct UnknownProfile;
