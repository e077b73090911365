//! Sets of rules, and how one did not hold.

use havip::time::Time;

use crate::scenario::{Expect, TimeText};
pub use crate::scenario::{RULES, Rule};

/// A set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(u32);

impl Rules {
    /// None.
    pub const NONE: Rules = Rules(0);
    /// Every one of the list but the limit, which a plan has to give.
    pub fn all() -> Rules {
        RULES.into_iter().fold(Rules::NONE, Rules::with)
    }
    /// This set and one more.
    #[must_use]
    pub const fn with(self, rule: Rule) -> Rules {
        Rules(self.0 | 1 << rule as u8)
    }
    /// This set without one.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Rules {
        Rules(self.0 & !(1 << rule as u8))
    }
    /// Whether it holds that rule.
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & 1 << rule as u8 != 0
    }
}

/// A rule that did not hold, for the first time in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// When that was seen.
    pub at: Time,
    /// What was the case, with the arithmetic.
    pub what: String,
    /// What a scenario file expects so that it fails while this is the case, if a reader has plainer words for that than
    /// the rule's name.
    pub expect: Option<Expect>,
}

/// A point of a run in words.
pub(super) fn when(at: Time) -> String {
    format!("{}", TimeText(at.saturating_since(Time::ZERO)))
}
