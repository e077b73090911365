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
}
