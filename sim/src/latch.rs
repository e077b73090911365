//! A value that others see one instant after it was set (axiom 5: within an instant nothing is shared).

use havip::time::Time;

/// A value, since when, and what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latched<T> {
    now: T,
    since: Time,
    before: T,
}

impl<T: Copy + PartialEq> Latched<T> {
    /// A value from the beginning on.
    pub const fn new(value: T) -> Self {
        Latched { now: value, since: Time::ZERO, before: value }
    }
    /// The value as set last, whoever sees it.
    pub const fn latest(&self) -> T {
        self.now
    }
    /// Whether it was set at this instant.
    pub fn is_set_at(&self, at: Time) -> bool {
        self.since == at
    }
    /// The value a look-up at this instant uses: what was set at earlier instants.
    pub fn seen_at(&self, at: Time) -> T {
        #[cfg(test)]
        if crate::flaws::has(crate::flaws::Flaw::SharedInstant) {
            return self.now;
        }
        if self.since < at { self.now } else { self.before }
    }
    /// Sets the value. Of two values set at one instant, the one set last holds.
    pub fn set(&mut self, at: Time, value: T) {
        debug_assert!(self.since <= at);
        if self.since < at {
            self.before = self.now;
            self.since = at;
        }
        self.now = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_at_an_instant_is_seen_at_the_next() {
        let [t1, t2] = [1, 2].map(Time::from_nanos);
        let mut latched = Latched::new('a');
        latched.set(t1, 'b');
        latched.set(t1, 'c');
        assert_eq!((latched.seen_at(t1), latched.seen_at(t2), latched.latest()), ('a', 'c', 'c'));
    }
}
