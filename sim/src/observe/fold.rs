//! Many alike made one line while a run streams by: adverts on their interval, claims of a burst, refusals.
//!
//! A fold is open as long as its pattern holds. What is open is kept by node in a short list; finding the
//! next of a pattern starts behind the last one found, so that many routers in turn cost no search.

use std::net::IpAddr;

use havip::program::{Subject, Why};
use havip::time::{Duration, Time};

use super::peek::Advert;
use crate::world::{Kind, Loss, NodeId, Refusal, Who};

/// Counted things of one kind that are further apart than this are two lines.
const APART: Duration = Duration::from_secs(60);
/// Announcements of one burst are never further apart (heartbeat's are 250 ms).
const BURST: Duration = Duration::from_secs(1);
/// More open folds of one node than this are closed together: what makes so many differs each time.
const OPEN_MAX: usize = 2048;

/// What the folded have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Key {
    Advert {
        to: IpAddr,
        vrid: u8,
        priority: u8,
    },
    Claims {
        address: IpAddr,
        why: Why,
    },
    Lost {
        kind: Kind,
        to: Option<Who>,
        address: IpAddr,
        cause: Loss,
    },
    Rejected {
        subject: Subject,
        why: Why,
    },
    /// A program told somebody something: a place among what was told.
    Notified {
        text: u32,
        pipe: bool,
    },
    /// A route came or went: a place among what was told.
    Routed {
        text: u32,
        added: bool,
    },
    /// Forged frames of an act that repeats them.
    Spoofed {
        act: u32,
    },
    Refused {
        address: IpAddr,
        by: NodeId,
        refusal: Refusal,
    },
}

/// One line of many alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold {
    pub(crate) key: Key,
    /// Orders lines of one instant.
    pub(crate) seq: u32,
    pub(crate) first: Time,
    pub(crate) last: Time,
    pub(crate) count: u32,
    /// Bursts of claims.
    pub(crate) bursts: u32,
    /// The shortest and the longest time between two of them.
    pub(crate) gaps: (Duration, Duration),
    /// Adverts: off the promised interval from the second on.
    irregular: bool,
    /// Claims: which of the program's announcements the last burst belonged to.
    announcement: u32,
    /// Claims: only what is left of that burst belongs to it still.
    sealed: bool,
}

impl Fold {
    fn new(key: Key, seq: u32, at: Time) -> Fold {
        Fold {
            key,
            seq,
            first: at,
            last: at,
            count: 1,
            bursts: 1,
            gaps: (Duration::MAX, Duration::ZERO),
            irregular: false,
            announcement: 0,
            sealed: false,
        }
    }
    fn add(&mut self, at: Time) {
        let gap = at.saturating_since(self.last);
        self.gaps = (self.gaps.0.min(gap), self.gaps.1.max(gap));
        self.last = at;
        self.count += 1;
    }
    /// The mean interval, where there is one and it was kept.
    pub(crate) fn every(&self) -> Option<Duration> {
        let steps = u64::from(self.count.checked_sub(1)?);
        let span = self.last.saturating_since(self.first).as_nanos();
        (steps > 0 && !self.irregular).then(|| Duration::from_nanos(span / steps))
    }
}

/// The open folds of every node.
#[derive(Clone, Debug)]
pub(crate) struct Folds {
    open: Vec<Vec<Fold>>,
    hint: Vec<usize>,
}

impl Folds {
    pub(crate) fn new(slots: usize) -> Folds {
        Folds { open: vec![Vec::new(); slots], hint: vec![0; slots] }
    }

    /// Takes an advertisement; folds that it ends go to `closed`.
    pub(crate) fn advert(
        &mut self,
        slot: usize,
        at: Time,
        advert: Advert,
        seq: u32,
        closed: &mut impl FnMut(Fold),
    ) {
        let Advert { to, vrid, priority, interval, .. } = advert;
        let found = self.find(
            slot,
            |fold| matches!(fold.key, Key::Advert { to: t, vrid: v, .. } if t == to && v == vrid),
        );
        let key = Key::Advert { to, vrid, priority };
        if let Some(i) = found {
            let fold = &mut self.open[slot][i];
            if fold.key == key && on_pattern(fold, at, interval) {
                fold.add(at);
                return;
            }
            // The next of this pattern takes the same place in the list.
            closed(*fold);
            *fold = Fold::new(key, seq, at);
        } else {
            self.open_new(slot, Fold::new(key, seq, at), closed);
        }
        // A goodbye stands alone.
        if priority == 0
            && let Some(i) = self.find(slot, |fold| fold.key == key)
        {
            closed(self.open[slot].remove(i));
        }
    }

    /// Takes an announcement of an address. `announcement` numbers what the program said it announces.
    pub(crate) fn claim(
        &mut self,
        slot: usize,
        at: Time,
        (address, why): (IpAddr, Why),
        announcement: u32,
        seq: u32,
        closed: &mut impl FnMut(Fold),
    ) {
        let key = Key::Claims { address, why };
        if let Some(i) = self.find(slot, |fold| fold.key == key) {
            let fold = &mut self.open[slot][i];
            if fold.sealed && fold.announcement != announcement {
                closed(*fold);
                *fold = Fold { announcement, ..Fold::new(key, seq, at) };
                return;
            }
            let next_burst = fold.announcement != announcement || at.saturating_since(fold.last) > BURST;
            fold.bursts += u32::from(next_burst);
            fold.announcement = announcement;
            fold.add(at);
        } else {
            let fold = Fold { announcement, ..Fold::new(key, seq, at) };
            self.open_new(slot, fold, closed);
        }
    }

    /// Counts one more of anything else.
    pub(crate) fn tally(&mut self, slot: usize, at: Time, key: Key, seq: u32, closed: &mut impl FnMut(Fold)) {
        if let Some(i) = self.find(slot, |fold| fold.key == key) {
            let fold = &mut self.open[slot][i];
            if at.saturating_since(fold.last) <= APART {
                fold.add(at);
            } else {
                closed(*fold);
                *fold = Fold::new(key, seq, at);
            }
        } else {
            self.open_new(slot, Fold::new(key, seq, at), closed);
        }
    }

    /// A node's patterns are over.
    pub(crate) fn close(&mut self, slot: usize, closed: &mut impl FnMut(Fold)) {
        self.open[slot].drain(..).for_each(closed);
    }

    /// A node's patterns are over, but for the rest of a burst that is still leaving.
    pub(crate) fn seal(&mut self, slot: usize, closed: &mut impl FnMut(Fold)) {
        self.open[slot].retain_mut(|fold| {
            fold.sealed = matches!(fold.key, Key::Claims { .. });
            if !fold.sealed {
                closed(*fold);
            }
            fold.sealed
        });
    }

    fn open_new(&mut self, slot: usize, fold: Fold, closed: &mut impl FnMut(Fold)) {
        if self.open[slot].len() >= OPEN_MAX {
            self.close(slot, closed);
        }
        self.open[slot].push(fold);
    }

    fn find(&mut self, slot: usize, is: impl Fn(&Fold) -> bool) -> Option<usize> {
        let (open, hint) = (&self.open[slot], &mut self.hint[slot]);
        let start = (*hint + 1).min(open.len());
        let behind = open[start..].iter().position(&is).map(|i| start + i);
        let found = behind.or_else(|| open[..start].iter().position(&is))?;
        *hint = found;
        Some(found)
    }
}

/// Whether an advert continues a fold: on its interval within 5 %, or, once a second one came too early, each
/// time too early (two masters that answer each other).
fn on_pattern(fold: &mut Fold, at: Time, interval: Duration) -> bool {
    let gap = at.saturating_since(fold.last);
    let (short, long) = (gap.min(interval), gap.max(interval));
    let regular = long.saturating_sub(short) * 20 <= interval;
    if fold.count == 1 {
        fold.irregular = !regular;
    }
    regular != fold.irregular && (regular || gap < interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advert(priority: u8) -> Advert {
        let to = IpAddr::from([172, 16, 16, 6]);
        Advert { from: to, to, vrid: 51, priority, interval: Duration::from_secs(1), first: None }
    }

    /// The counts of the folds that adverts at these milliseconds make.
    fn folds(adverts: &[(u64, u8)]) -> Vec<u32> {
        let mut folds = Folds::new(1);
        let mut counts = Vec::new();
        let mut closed = |fold: Fold| counts.push((fold.seq, fold.count));
        for (seq, (ms, priority)) in adverts.iter().enumerate() {
            let at = Time::from_nanos(ms * 1_000_000);
            folds.advert(0, at, advert(*priority), seq as u32, &mut closed);
        }
        folds.close(0, &mut closed);
        counts.sort_unstable();
        counts.iter().map(|(_, count)| *count).collect()
    }

    #[test]
    fn adverts_on_their_interval_are_one_fold() {
        assert_eq!(folds(&[(0, 100), (1000, 100), (2049, 100), (3000, 100)]), [4]);
    }

    #[test]
    fn another_priority_breaks_a_fold() {
        assert_eq!(folds(&[(0, 100), (1000, 100), (2000, 80), (3000, 80)]), [2, 2]);
    }

    #[test]
    fn an_interval_off_by_more_than_five_percent_breaks_a_fold() {
        assert_eq!(folds(&[(0, 100), (1000, 100), (2051, 100), (3051, 100)]), [2, 2], "too late");
        assert_eq!(folds(&[(0, 100), (1000, 100), (1949, 100), (2949, 100)]), [2, 2], "too early");
    }

    #[test]
    fn a_goodbye_stands_alone() {
        assert_eq!(folds(&[(0, 100), (1000, 100), (1500, 0), (9000, 100), (10_000, 100)]), [2, 1, 2]);
        assert_eq!(folds(&[(0, 0), (0, 0)]), [1, 1]);
    }

    #[test]
    fn adverts_that_always_come_too_early_are_one_fold() {
        let quarrel: Vec<(u64, u8)> = (0..1000).map(|i| (i / 2 * 1000 + i % 2 * 352, 100)).collect();
        assert_eq!(folds(&quarrel), [1000]);
    }

    #[test]
    fn many_routers_in_turn_are_found_without_search() {
        let mut folds = Folds::new(1);
        for second in 0..100u64 {
            for vrid in 1..=255 {
                let one = Advert { vrid, ..advert(100) };
                let at = Time::from_nanos(second * 1_000_000_000);
                folds.advert(0, at, one, 0, &mut |_| panic!("no pattern breaks"));
            }
        }
        assert_eq!(folds.open[0].len(), 255);
        assert!(folds.open[0].iter().all(|fold| fold.count == 100));
    }
}
