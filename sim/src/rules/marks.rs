//! Places that a campaign must have been to: who never saw two masters has tested little.

/// A place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mark {
    /// Two masters, and the lower priority gave way.
    SplitEndedByPriority,
    /// Two masters of one priority, and the lower address gave way.
    SplitEndedByAddress,
    /// A backup became master after silence.
    TakeoverAfterSilence,
    /// A backup became master because its master left.
    TakeoverAfterGoodbye,
    /// A backup became master though it heard one of lower priority.
    Preemption,
    /// A backup that was waiting to preempt became master because the lower one fell silent or left.
    TakeoverDuringPreemptDelay,
    /// A machine became master while another was: they did not hear each other.
    TwoMasters,
    /// Nobody was master for more than a second after somebody had been.
    NoMaster,
    /// Somebody's link, script or file made it FAULT.
    Fault,
    /// A master gave up because its process had stood still.
    StoodStill,
    /// A master's address was deleted by hand.
    AddressDeleted,
    /// An address's lifetime ran out.
    LeaseRanOut,
    /// The cloud refused a claim.
    ClaimRefused,
    /// A claim reached a cloud that heard none.
    ClaimUnheard,
    /// A claim was lost on its way.
    ClaimLost,
    /// The cloud got a claim while an earlier one of another machine had not been followed.
    ClaimsPending,
    /// A binding moved from one machine to another.
    BindingMoved,
    /// A client's traffic went to a machine that is no live master for more than a second.
    LeftBehind,
    /// An advertisement was refused.
    AdvertRefused,
    /// A machine claimed an address again because a claim was not followed.
    ClaimedAgain,
}

/// Every mark, in the order of their numbers.
pub const MARKS: [Mark; 20] = [
    Mark::SplitEndedByPriority,
    Mark::SplitEndedByAddress,
    Mark::TakeoverAfterSilence,
    Mark::TakeoverAfterGoodbye,
    Mark::Preemption,
    Mark::TakeoverDuringPreemptDelay,
    Mark::TwoMasters,
    Mark::NoMaster,
    Mark::Fault,
    Mark::StoodStill,
    Mark::AddressDeleted,
    Mark::LeaseRanOut,
    Mark::ClaimRefused,
    Mark::ClaimUnheard,
    Mark::ClaimLost,
    Mark::ClaimsPending,
    Mark::BindingMoved,
    Mark::LeftBehind,
    Mark::AdvertRefused,
    Mark::ClaimedAgain,
];

impl Mark {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Mark::SplitEndedByPriority => "two masters, ended by priority",
            Mark::SplitEndedByAddress => "two masters, ended by address",
            Mark::TakeoverAfterSilence => "takeover after silence",
            Mark::TakeoverAfterGoodbye => "takeover after a goodbye",
            Mark::Preemption => "preemption of a lower priority",
            Mark::TakeoverDuringPreemptDelay => "takeover during preempt_delay",
            Mark::TwoMasters => "two masters",
            Mark::NoMaster => "no master for a second",
            Mark::Fault => "FAULT",
            Mark::StoodStill => "master that stood still",
            Mark::AddressDeleted => "address deleted under a master",
            Mark::LeaseRanOut => "lease ran out",
            Mark::ClaimRefused => "claim refused by the cloud",
            Mark::ClaimUnheard => "claim to a deaf cloud",
            Mark::ClaimLost => "claim lost on its way",
            Mark::ClaimsPending => "claims of two machines pending",
            Mark::BindingMoved => "binding moved",
            Mark::LeftBehind => "client left behind",
            Mark::AdvertRefused => "advertisement refused",
            Mark::ClaimedAgain => "claimed again, not having been followed",
        }
    }
}

/// A set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u32);

impl Marks {
    /// Adds one.
    pub fn hit(&mut self, mark: Mark) {
        self.0 |= 1 << mark as u8;
    }
    /// Whether it holds that mark.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & 1 << mark as u8 != 0
    }
}

/// What a transition's cause says of where the run has been: the agent's own words.
pub(super) fn of_cause(text: &str) -> Option<Mark> {
    Some(match text {
        "advert of {}: priority {}, ours {}" => Mark::SplitEndedByPriority,
        "advert of {}: same priority {}, higher address" => Mark::SplitEndedByAddress,
        "it did not run for {} s" => Mark::StoodStill,
        "{} was removed from the interface" => Mark::AddressDeleted,
        "{} left; skew time {} s is over" => Mark::TakeoverAfterGoodbye,
        "claim not believed: another machine answers" | "claim not verified: nobody answers" => {
            Mark::ClaimedAgain
        }
        _ => return None,
    })
}
