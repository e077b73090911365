//! Digests: of all that was sent, to compare two engines; of the printed lines, to compare two records.

use havip::program::Record as Said;
use havip::time::Time;

use super::Observer;
use crate::world::{Kind, Look, Report, Setup, Wants, What, Who};

/// A 64-bit hash, written out so that it is the same on every platform and toolchain. It takes words, mixes
/// each with a multiplication and a shift, and is no defence against anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash64(u64);

impl Default for Hash64 {
    fn default() -> Self {
        Hash64(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash64 {
    /// Takes one word.
    #[inline]
    pub fn word(&mut self, word: u64) {
        // The multiplier is 2^64 divided by the golden ratio; the shift brings high bits down again.
        let mixed = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 29;
    }
    /// Takes bytes and their number.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for eight in words {
            self.word(u64::from_le_bytes(*eight));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(last));
        }
    }
    /// The hash of what was taken.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// Folds a hash to the eight hexadecimal digits a record shows.
pub fn fold_hash(hash: u64) -> u32 {
    (hash ^ hash >> 32) as u32
}

/// The digest of every frame sent (time, sender, bytes), every transition and every binding, in canonical
/// order. Two engines that give the same digest gave the same trace.
#[derive(Clone, Debug, Default)]
pub struct FrameDigest {
    hash: Hash64,
    frames: u64,
}

impl FrameDigest {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// The digest so far.
    pub fn value(&self) -> u64 {
        self.hash.value()
    }
    /// How many frames went into it.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    fn head(&mut self, at: Time, what: u64, whom: u64) {
        self.hash.word(at.as_nanos());
        self.hash.word(what << 32 | whom);
    }
}

/// A number for everybody; no two have the same.
fn number(who: Who) -> u64 {
    match who {
        Who::Script => 0x1_0000,
        Who::Cloud => 0x1_0001,
        Who::Node(node) => u64::from(node.0),
        Who::Eni(node, eni) => 0x2_0000 | u64::from(node.0) << 32 | u64::from(eni.0),
    }
}

impl Observer for FrameDigest {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports {
            match report.what {
                // Probes are no part of it: whether they are frames at all is the watcher's choice.
                What::Sent { frame, kind } if kind != Kind::Probe => {
                    self.frames += 1;
                    self.head(report.at, 1, number(report.who));
                    self.hash.bytes(look.frame(frame));
                }
                What::Record(cvm, Said::Transition { subject, from, to, .. }) => {
                    self.head(report.at, 2, u64::from(cvm.0));
                    self.hash.word(u64::from(subject.0) << 16 | (from as u64) << 8 | to as u64);
                }
                What::Bound { havip, to, .. } => {
                    self.head(report.at, 3, u64::from(havip.0));
                    self.hash.word(to.map_or(u64::MAX, |node| u64::from(node.0)));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;

    #[test]
    fn the_hash_never_changes_its_mind() {
        let mut hash = Hash64::default();
        hash.bytes(b"havip");
        hash.word(7);
        assert_eq!(format!("{:016x}", hash.value()), "290b8729b30a0a6e");
    }

    #[test]
    fn a_byte_a_sender_or_an_instant_makes_another_digest() {
        let sent = |at: &str, who: u16, priority: u8| {
            let mut run = Run::pair();
            run.at(at).advert(who, 1 - who, priority);
            let mut digest = FrameDigest::new();
            run.play(&mut digest, "10");
            digest.value()
        };
        let first = sent("4.0000", A, 100);
        assert_eq!(first, sent("4.0000", A, 100));
        assert_ne!(first, sent("4.0001", A, 100));
        assert_ne!(first, sent("4.0000", B, 100));
        assert_ne!(first, sent("4.0000", A, 99));
    }
}
