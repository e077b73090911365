//! Ids: a prefix and eight of a-z and 0-9, from a seed and a counter, never one twice.

/// How many ids of eight characters there are: 36^8.
const SPACE: u64 = 2_821_109_907_456;

/// Makes ids.
///
/// The counter is stepped through the space by a number that has no divisor in common with it: no id comes twice
/// before all have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) seed: u64,
    pub(super) next: u64,
    pub(super) changed: bool,
}

impl Ids {
    pub(super) const fn new(seed: u64, next: u64) -> Ids {
        Ids { seed, next, changed: false }
    }

    /// A number that nothing else has: what puts objects into the order in which they were made.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.changed = true;
        self.next
    }

    /// An id of a number that [`number`](Ids::number) gave.
    pub(super) fn id(&self, prefix: &str, number: u64) -> String {
        let mut step = (mix(self.seed) % SPACE) | 1;
        while step.is_multiple_of(3) {
            step += 2;
        }
        let start = mix(self.seed ^ 0x5eed);
        let mut rest =
            ((u128::from(step) * u128::from(number) + u128::from(start)) % u128::from(SPACE)) as u64;
        let mut digits = [0; 8];
        for digit in digits.iter_mut().rev() {
            *digit = b"abcdefghijklmnopqrstuvwxyz0123456789"[(rest % 36) as usize];
            rest /= 36;
        }
        let digits = digits.map(char::from);
        prefix.chars().chain(['-']).chain(digits).collect()
    }
}

/// Whether a text is an id of a kind, whatever it names.
pub(super) fn is_id(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-')).is_some_and(|rest| {
        rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    })
}

/// SplitMix64's finisher.
pub(super) const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_id_comes_twice_and_each_looks_like_the_clouds() {
        for seed in [0, 1, 7, u64::MAX] {
            let mut ids = Ids::new(seed, 0);
            let made: BTreeSet<String> = (0..10_000)
                .map(|_| {
                    let number = ids.number();
                    ids.id("havip", number)
                })
                .collect();
            assert_eq!(made.len(), 10_000);
            assert!(made.iter().all(|id| is_id(id, "havip")), "{made:?}");
        }
    }

    #[test]
    fn an_id_is_a_prefix_and_eight_characters() {
        assert!(is_id("havip-9o233uri", "havip"));
        for wrong in
            ["havip-", "havip-9o233ur", "havip-9o233urix", "havip-9O233uri", "vpc-9o233uri", "", "havip"]
        {
            assert!(!is_id(wrong, "havip"), "{wrong}");
        }
    }
}
