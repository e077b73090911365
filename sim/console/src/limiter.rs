//! Twenty requests a second of each action, as the vendor allows.

use std::collections::BTreeMap;

/// Requests of one action in one second.
const ALLOWED: u32 = 20;

/// Counts requests of the second that runs.
#[derive(Debug, Default)]
pub struct Limiter {
    second: u64,
    counts: BTreeMap<(String, &'static str), u32>,
}

impl Limiter {
    /// Whether one more request of an action by a key may be carried out.
    pub fn allows(&mut self, second: u64, key: &str, action: &'static str) -> bool {
        if self.second != second {
            self.second = second;
            self.counts.clear();
        }
        let count = self.counts.entry((key.to_owned(), action)).or_default();
        *count += 1;
        *count <= ALLOWED
    }
}

/// How many signatures are remembered at most.
const SIGNATURES: usize = 1 << 16;

/// Notices requests that come again. They are answered, as in the cloud: signatures carry nothing that is used once.
#[derive(Debug, Default)]
pub struct Replays {
    /// How often a signature came again, by the time it carries and its beginning.
    seen: BTreeMap<(u64, String), u32>,
}

impl Replays {
    /// Remembers a signature. Of one that comes again it is told how often it has, the first time, the tenth, the
    /// hundredth: whoever sends one over and over fills no disk with it.
    pub fn again(&mut self, stamp: u64, signature: &str) -> Option<u32> {
        // 64 bits of it; its digits may be of either case.
        let text = signature.chars().take(16).collect::<String>().to_ascii_lowercase();
        let Some(again) = self.seen.get_mut(&(stamp, text.clone())) else {
            if self.seen.len() >= SIGNATURES {
                self.seen.pop_first();
            }
            self.seen.insert((stamp, text), 0);
            return None;
        };
        *again = again.saturating_add(1);
        let is_round = 10u32.checked_pow(again.ilog10()) == Some(*again);
        is_round.then_some(*again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_21st_request_of_an_action_in_a_second_is_one_too_many() {
        let mut limiter = Limiter::default();
        let allowed = (0..30).filter(|_| limiter.allows(7, "k", "A")).count();
        assert_eq!(allowed, 20);
        assert!(limiter.allows(7, "k", "B") && limiter.allows(7, "j", "A") && limiter.allows(8, "k", "A"));
    }

    #[test]
    fn each_signature_that_comes_again_is_told_of_and_memory_is_bounded() {
        let mut replays = Replays::default();
        let told: Vec<u32> = (0..=1000).filter_map(|_| replays.again(7, "abc")).collect();
        assert_eq!(told, [1, 10, 100, 1000]);
        assert_eq!([replays.again(7, "abd"), replays.again(8, "abc")], [None; 2], "others");
        assert_eq!(replays.again(7, "ABD"), Some(1), "of the same second, in other letters");
        for stamp in 0..(SIGNATURES as u64 * 2) {
            replays.again(stamp, "x");
        }
        assert!(replays.seen.len() <= SIGNATURES);
    }
}
