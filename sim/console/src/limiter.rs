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
    /// Signatures by the time they carry, and whether they came again.
    seen: BTreeMap<(u64, String), bool>,
    /// The time that the one told of last carries.
    told: u64,
}

impl Replays {
    /// Remembers a signature; tells once of one that is seen again, and of no more than one a second.
    pub fn is_to_be_told(&mut self, stamp: u64, signature: &str) -> bool {
        let text: String = signature.chars().take(16).collect();
        match self.seen.get_mut(&(stamp, text.clone())) {
            Some(told) => !std::mem::replace(told, true) && std::mem::replace(&mut self.told, stamp) != stamp,
            None => {
                if self.seen.len() >= SIGNATURES {
                    self.seen.pop_first();
                }
                self.seen.insert((stamp, text), false);
                false
            }
        }
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
    fn a_replay_is_told_of_once_and_memory_is_bounded() {
        let mut replays = Replays::default();
        let told = |replays: &mut Replays, stamp, text| replays.is_to_be_told(stamp, text);
        let first: Vec<bool> = (0..4).map(|_| told(&mut replays, 7, "abc")).collect();
        assert_eq!(first, [false, true, false, false]);
        assert!(!told(&mut replays, 8, "abc"));
        for stamp in 0..(SIGNATURES as u64 * 2) {
            told(&mut replays, stamp, "x");
        }
        assert!(replays.seen.len() <= SIGNATURES);
    }
}
