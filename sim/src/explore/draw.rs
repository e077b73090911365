//! Chance of a seed: a sequence of draws that is a function of the seed and of nothing else.

use havip::time::Duration;

use crate::observe::Hash64;

/// Draws in sequence. Integer arithmetic only: the same on every platform.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    seed: u64,
    drawn: u64,
}

impl Draws {
    /// The draws of a seed.
    pub(super) fn new(seed: u64) -> Draws {
        Draws { seed, drawn: 0 }
    }
    fn next(&mut self) -> u64 {
        let mut hash = Hash64::default();
        hash.word(self.seed);
        hash.word(self.drawn);
        hash.word(0x6578_706c_6f72_6572);
        hash.word(self.drawn.rotate_left(32));
        self.drawn += 1;
        hash.value()
    }
    /// A number below `n`, each as likely as the others; 0 if there is none.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }
    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }
    /// One of several; the first of none is a mistake of the caller.
    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
    /// Whether something of this likelihood happens, in percent.
    pub(super) fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    /// Which of several things of different weights; none if all weigh nothing.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> Option<usize> {
        let all: u64 = weights.iter().map(|&w| u64::from(w)).sum();
        let mut left = self.below(all.max(1));
        weights.iter().position(|&weight| {
            let here = left < u64::from(weight);
            left = left.saturating_sub(weight.into());
            here
        })
    }
    /// A length in a range, on a grid; the range's ends are on it.
    pub(super) fn time(&mut self, low: Duration, high: Duration, grid: Duration) -> Duration {
        let steps = high.saturating_sub(low).as_nanos() / grid.as_nanos().max(1);
        low + grid * self.between(0, steps)
    }
}

/// A seed by which people name a run: a number, or a commit hash in hexadecimal digits.
///
/// A word of decimal digits is that number; any other of 7 to 64 hexadecimal digits is a hash, and its seed is the
/// number that its first 16 digits are.
pub fn seed_of(word: &str) -> Option<u64> {
    if word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= 20 {
        return word.parse().ok();
    }
    let is_hash = (7..=64).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit());
    is_hash.then(|| u64::from_str_radix(&word[..word.len().min(16)], 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_seeds_alone_and_even() {
        let all = |seed| {
            let mut draws = Draws::new(seed);
            (0..64).map(|_| draws.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
        let mut counts = [0u32; 10];
        let mut draws = Draws::new(1);
        (0..100_000).for_each(|_| counts[draws.below(10) as usize] += 1);
        // Binomial: 10,000 with a standard deviation of 95; five of them either way.
        assert!(counts.iter().all(|c| (9_525..=10_475).contains(c)), "{counts:?}");
    }

    #[test]
    fn weights_are_shares() {
        let mut draws = Draws::new(2);
        let mut counts = [0u32; 3];
        (0..40_000).for_each(|_| counts[draws.weighted(&[1, 0, 3]).expect("one of them")] += 1);
        assert_eq!(counts[1], 0);
        assert!((9_500..=10_500).contains(&counts[0]), "{counts:?}");
        assert_eq!(draws.weighted(&[0, 0]), None);
    }

    #[test]
    fn a_commit_hash_is_a_seed() {
        assert_eq!(seed_of("17"), Some(17));
        assert_eq!(seed_of("18446744073709551615"), Some(u64::MAX));
        assert_eq!(seed_of("4f2a9c1"), Some(0x4f2_a9c1));
        assert_eq!(seed_of("deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"), Some(0xdead_beef_dead_beef));
        for wrong in ["", "abc", "1..5", "-3", "99999999999999999999"] {
            assert_eq!(seed_of(wrong), None, "{wrong}");
        }
    }
}
