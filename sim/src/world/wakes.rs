//! Wake-ups: whoever can be woken has one, at the next time it wants to be, and moves it as it likes.
//!
//! A tournament: each wins against the one beside it who wants to be woken earlier, and so on, two by two, up to the
//! one time that is next. Moving a wake-up replays the matches of its own place only, and leaves nothing behind.

use havip::time::Time;

/// One wake-up for each place.
#[derive(Clone, Debug)]
pub(crate) struct Wakes {
    /// The winner of all at 1; those of the two matches before `times[i]` at `2 * i` and `2 * i + 1`; the places
    /// themselves in the second half.
    times: Vec<Time>,
}

impl Wakes {
    /// So many places, none of them with a wake-up.
    pub(crate) fn new(places: usize) -> Self {
        Wakes { times: vec![Time::MAX; 2 * places.next_power_of_two()] }
    }
    /// When the next one is due; `Time::MAX` if none is.
    pub(crate) fn next(&self) -> Time {
        self.times[1]
    }
    /// When a place's own is due.
    pub(crate) fn at(&self, place: usize) -> Time {
        self.times[self.times.len() / 2 + place]
    }
    /// Moves the wake-up of a place; `Time::MAX` takes it away.
    pub(crate) fn set(&mut self, place: usize, at: Time) {
        let mut i = self.times.len() / 2 + place;
        if self.times[i] == at {
            return;
        }
        self.times[i] = at;
        while i > 1 {
            let winner = self.times[i].min(self.times[i ^ 1]);
            i /= 2;
            if self.times[i] == winner {
                break;
            }
            self.times[i] = winner;
        }
    }
    /// Takes the wake-up that is due at exactly this instant and whose place is the first; says where it was.
    pub(crate) fn take(&mut self, now: Time) -> Option<usize> {
        debug_assert!(self.next() >= now, "something was due before now");
        if self.next() != now {
            return None;
        }
        let places = self.times.len() / 2;
        let mut i = 1;
        while i < places {
            i = 2 * i + usize::from(self.times[2 * i] != now);
        }
        self.set(i - places, Time::MAX);
        Some(i - places)
    }
    /// When the next one is due, each as late as it `counts`, no earlier than it is due; `before`, if none is due earlier.
    /// Only those are asked about that would be the next.
    pub(crate) fn next_that_counts(&self, before: Time, counts: impl Fn(usize, Time) -> Time) -> Time {
        let places = self.times[self.times.len() / 2..].iter().copied().enumerate();
        places.fold(before, |next, (place, at)| if at < next { next.min(counts(place, at)) } else { next })
    }
    /// How many there are: what a test of memory looks at.
    pub(crate) fn len(&self) -> usize {
        self.times[self.times.len() / 2..].iter().filter(|&&at| at != Time::MAX).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a list that is searched from end to end.
        #[test]
        fn the_earliest_comes_first_and_of_those_of_one_instant_the_first_place(
            moves in proptest::collection::vec((0..11usize, 0..20u64), 0..60),
        ) {
            let mut wakes = Wakes::new(11);
            let mut list = [Time::MAX; 11];
            for (place, at) in moves {
                let at = if at == 0 { Time::MAX } else { Time::from_nanos(at) };
                wakes.set(place, at);
                list[place] = at;
                prop_assert_eq!(wakes.next(), list.into_iter().min().unwrap_or(Time::MAX));
            }
            prop_assert_eq!(wakes.len(), list.iter().filter(|&&at| at != Time::MAX).count());
            for odd in [0, 1] {
                let others = list.iter().enumerate().filter(|(place, _)| place % 2 != odd).map(|(_, at)| *at);
                let before = Time::from_nanos(15);
                let expected = others.min().unwrap_or(Time::MAX);
                let counts = |place, at| if place % 2 == odd { Time::MAX } else { at };
                prop_assert_eq!(wakes.next_that_counts(Time::MAX, counts), expected);
                prop_assert_eq!(wakes.next_that_counts(before, counts), expected.min(before));
            }
            let mut expected: Vec<(Time, usize)> = list.into_iter().zip(0..).filter(|e| e.0 != Time::MAX).collect();
            expected.sort_unstable();
            for (at, place) in expected {
                prop_assert_eq!(wakes.next(), at);
                prop_assert_eq!(wakes.take(at), Some(place));
            }
            prop_assert_eq!(wakes.next(), Time::MAX);
        }
    }
}
