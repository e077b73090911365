//! What acts have done to the paths between ports: cuts, losses, delays, copies, flipped bits, changed order.
//!
//! A list of rules in the order they were made; a frame asks each. Few rules stand at a time, and with none a
//! frame pays one comparison.

use havip::time::{Duration, Time};
use havip::wire::ethernet;

use super::act::{Act, End, Kind, Kinds, Path, Ppm};
use super::chance::{Chance, Nth, Purpose};
use super::frames::PortId;
use super::report::Loss;
use super::setup::{EniIndex, NodeId};

#[derive(Clone, Copy, Debug)]
struct Rule {
    path: Path,
    kinds: Kinds,
    effect: Effect,
    /// The act that made it.
    act: u32,
}

#[derive(Clone, Copy, Debug)]
enum Effect {
    Drop,
    Loss(Ppm),
    Delay(Duration, Duration),
    Duplicate(Ppm),
    Corrupt(Ppm),
    Reorder(Ppm),
}

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Links {
    rules: Vec<Rule>,
    /// Whose each port is.
    owners: Vec<(NodeId, EniIndex)>,
    chance: Chance,
    /// Whose chance it was before, and until when.
    before: (Time, Chance),
}

/// What acts do to frames of a kind on a way, where none copies them, changes them or their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// An act's effect stands on the way.
    pub disturbed: bool,
    /// Frames may be lost.
    pub loses: bool,
    /// The longest that one takes, but for rounding to the tick.
    pub longest: Duration,
}

/// A frame's fate on its way from one port to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is lost.
    Lost(Loss),
    /// It arrives then, and perhaps once more.
    Arrives(Time, Option<Time>),
}

impl Links {
    /// No rules. `owners`: whose each port is, in the order of ports.
    pub const fn new(owners: Vec<(NodeId, EniIndex)>, chance: Chance) -> Self {
        Links { rules: Vec::new(), owners, chance, before: (Time::ZERO, chance) }
    }

    /// Chance is another one's from now on.
    pub const fn reseed(&mut self, now: Time, chance: Chance) {
        (self.before, self.chance) = ((now, self.chance), chance);
    }

    /// Whether no act's effect stands.
    pub fn are_untouched(&self) -> bool {
        self.rules.is_empty()
    }

    /// What becomes of frames of a kind on a way, if all that can is that they are lost or late.
    pub fn manner(
        &self,
        from: PortId,
        to: PortId,
        kind: Kind,
        latency: (Duration, Duration),
    ) -> Option<Manner> {
        let mut manner = Manner { disturbed: false, loses: false, longest: latency.1 };
        for rule in self.rules.iter().filter(|r| self.applies(r, from, to, kind)) {
            manner.disturbed = true;
            match rule.effect {
                Effect::Drop | Effect::Loss(_) => manner.loses = true,
                Effect::Delay(_, high) => manner.longest = high,
                Effect::Duplicate(_) | Effect::Corrupt(_) | Effect::Reorder(_) => return None,
            }
        }
        Some(manner)
    }

    /// The longest that an act makes a frame take from or to a node that `is_of`.
    pub fn longest_delay(&self, is_of: impl Fn(NodeId) -> bool) -> Duration {
        let meets = |end| match end {
            End::Any => true,
            End::Node(node) | End::Eni(node, _) => is_of(node),
            End::Cloud => false,
        };
        let delays = self.rules.iter().filter_map(|rule| match rule.effect {
            Effect::Delay(_, high) if meets(rule.path.from) || meets(rule.path.to) => Some(high),
            _ => None,
        });
        delays.max().unwrap_or_default()
    }

    /// Whether no act copies frames, changes them or their order.
    pub fn only_lose_and_delay(&self) -> bool {
        let simple = |effect| matches!(effect, Effect::Drop | Effect::Loss(_) | Effect::Delay(..));
        self.rules.iter().all(|rule| simple(rule.effect))
    }

    /// Carries out an act, if it is one on links.
    pub fn act(&mut self, act: &Act, index: u32) {
        let (path, kinds, effect) = match *act {
            Act::Drop(kinds, path) => (path, kinds, Effect::Drop),
            Act::Loss(share, kinds, path) => (path, kinds, Effect::Loss(share)),
            Act::Delay(low, high, path) => (path, Kinds::ALL, Effect::Delay(low, high)),
            Act::Duplicate(share, path) => (path, Kinds::ALL, Effect::Duplicate(share)),
            Act::Corrupt(share, path) => (path, Kinds::ALL, Effect::Corrupt(share)),
            Act::Reorder(share, path) => (path, Kinds::ALL, Effect::Reorder(share)),
            Act::Heal(None) => return self.rules.clear(),
            Act::Heal(Some(pair)) => return self.rules.retain(|rule| !rule.path.is_healed_by(pair)),
            _ => return,
        };
        self.rules.push(Rule { path, kinds, effect, act: index });
    }

    /// Decides what becomes of a frame, at the instant it is sent. It takes at least one tick (axiom 2).
    pub fn fate(
        &self,
        from: PortId,
        to: PortId,
        nth: Nth,
        latency: (Duration, Duration),
        tick: Duration,
    ) -> Fate {
        let mut latency = latency;
        let mut copies = false;
        for rule in self.rules.iter().filter(|r| self.applies(r, from, to, nth.kind)) {
            match rule.effect {
                Effect::Drop => return Fate::Lost(Loss::Cut(rule.act)),
                Effect::Loss(share) if self.draw(Purpose::Loss, from, to, nth, rule.act).happens(share) => {
                    return Fate::Lost(Loss::Chance(rule.act));
                }
                Effect::Loss(_) | Effect::Corrupt(_) | Effect::Reorder(_) => {}
                Effect::Delay(low, high) => latency = (low, high),
                Effect::Duplicate(share) => {
                    copies |= self.draw(Purpose::Duplicate, from, to, nth, rule.act).happens(share);
                }
            }
        }
        debug_assert_eq!(nth.at, nth.at.round_up(tick), "frames are sent at instants (axiom 1)");
        let late = self.latency(from, to, nth.at, latency).max(tick);
        let copy = copies.then(|| {
            let takes = self
                .chance
                .of_frame(Purpose::DuplicateLatency, from.0.into(), to.0.into(), nth)
                .within(latency);
            nth.at + (late + takes.max(tick)).round_up(tick)
        });
        Fate::Arrives(nth.at + late.round_up(tick), copy)
    }

    /// Which bit of a frame that arrives is flipped on its way, and by which act; of a frame of `len` bytes one behind
    /// its Ethernet header. Of several acts the last one is told.
    pub fn corrupts(&self, from: PortId, to: PortId, nth: Nth, len: usize) -> Option<(usize, u32)> {
        let bits = (len.checked_sub(ethernet::HEADER_LEN)? as u64 * 8).checked_sub(1)?;
        let mut flipped = None;
        for rule in self.rules.iter().filter(|r| self.applies(r, from, to, nth.kind)) {
            if let Effect::Corrupt(share) = rule.effect
                && self.draw(Purpose::Corrupt, from, to, nth, rule.act).happens(share)
            {
                let bit = self.draw(Purpose::CorruptBit, from, to, nth, rule.act).between(0, bits);
                flipped = Some((ethernet::HEADER_LEN * 8 + bit as usize, rule.act));
            }
        }
        flipped
    }

    /// Which act holds a frame back until the next one on its path has passed it.
    pub fn holds_back(&self, from: PortId, to: PortId, nth: Nth) -> Option<u32> {
        let rules = self.rules.iter().filter(|r| self.applies(r, from, to, nth.kind));
        let holding = |rule: &&Rule| match rule.effect {
            Effect::Reorder(share) => self.draw(Purpose::Reorder, from, to, nth, rule.act).happens(share),
            _ => false,
        };
        rules.into_iter().find(holding).map(|rule| rule.act)
    }

    /// Whether the effect of an act still stands.
    pub fn stands(&self, act: u32) -> bool {
        self.rules.iter().any(|rule| rule.act == act)
    }

    /// How long a frame takes that is sent now. Jitter is continuous, as queues make it: drawn at points as far
    /// apart as the latency varies, and linear between them. It so falls no faster than time passes, and on one
    /// path no frame overtakes another.
    fn latency(&self, from: PortId, to: PortId, at: Time, (low, high): (Duration, Duration)) -> Duration {
        let width = high.saturating_sub(low).as_nanos();
        if width == 0 {
            return low;
        }
        let (slot, into) = (at.as_nanos() / width, at.as_nanos() % width);
        let place = u32::from(from.0) << 16 | u32::from(to.0);
        let (until, before) = self.before;
        let drawn = |slot: u64| {
            // The two points between which chance changed are the old one's: no frame overtakes another there either.
            let is_old = slot.saturating_mul(width) < until.as_nanos().saturating_add(width);
            let chance = if is_old { before } else { self.chance };
            chance.of_node(Purpose::Latency, place, Time::from_nanos(slot), 0).between(0, width)
        };
        let (here, next) = (drawn(slot), drawn(slot + 1));
        let step = share(here.abs_diff(next), into, width);
        low + Duration::from_nanos(if here <= next { here + step } else { here - step })
    }

    /// Two rules on one path draw apart: the rule's act is part of the name.
    fn draw(&self, purpose: Purpose, from: PortId, to: PortId, nth: Nth, act: u32) -> super::chance::Draw {
        self.chance.of_frame(purpose, u32::from(from.0) | act << 16, to.0.into(), nth)
    }

    fn applies(&self, rule: &Rule, from: PortId, to: PortId, kind: Kind) -> bool {
        let Path { from: a, to: b, both } = rule.path;
        let is_at = |end, port| self.is_at(end, port);
        rule.kinds.contains(kind)
            && (is_at(a, from) && is_at(b, to) || both && is_at(b, from) && is_at(a, to))
    }

    fn is_at(&self, end: End, port: PortId) -> bool {
        let owner = || self.owners.get(usize::from(port.0));
        match end {
            End::Any => true,
            End::Node(node) => owner().is_some_and(|&(of, _)| of == node),
            End::Eni(node, eni) => owner() == Some(&(node, eni)),
            End::Cloud => port == PortId::CLOUD,
        }
    }
}

/// `whole * part / of`, rounded down.
fn share(whole: u64, part: u64, of: u64) -> u64 {
    match whole.checked_mul(part) {
        Some(product) => product / of,
        None => (u128::from(whole) * u128::from(part) / u128::from(of)) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_micros(100);
    const LATENCY: (Duration, Duration) = (Duration::from_micros(200), Duration::from_micros(400));
    const A: PortId = PortId(0);
    const B: PortId = PortId(1);

    fn path(from: End, to: End, both: bool) -> Path {
        Path { from, to, both }
    }
    fn node(port: PortId) -> End {
        End::Node(NodeId(port.0))
    }
    fn links(acts: &[Act]) -> Links {
        let owners = (0..2).map(|n| (NodeId(n), EniIndex::ETH0)).collect();
        let mut links = Links::new(owners, Chance::new(1));
        for (i, act) in acts.iter().enumerate() {
            links.act(act, i as u32);
        }
        links
    }
    fn fate(links: &Links, from: PortId, to: PortId) -> Fate {
        let nth = Nth { kind: Kind::Vrrp, at: Time::ZERO, n: 0 };
        links.fate(from, to, nth, LATENCY, TICK)
    }

    #[test]
    fn a_cut_cable_loses_what_leaves_and_lets_in_what_comes() {
        let links = links(&[Act::Drop(Kinds::ALL, path(node(A), End::Any, false))]);
        assert_eq!(fate(&links, A, B), Fate::Lost(Loss::Cut(0)));
        assert_eq!(fate(&links, A, PortId::CLOUD), Fate::Lost(Loss::Cut(0)));
        assert!(matches!(fate(&links, B, A), Fate::Arrives(..)));
    }

    #[test]
    fn a_drop_of_garps_leaves_adverts_alone() {
        let garps = Kinds::NONE.with(Kind::Garp);
        let links = links(&[Act::Drop(garps, path(node(A), node(B), true))]);
        assert!(matches!(fate(&links, A, B), Fate::Arrives(..)));
    }

    #[test]
    fn healing_a_pair_leaves_the_other_rules() {
        let pair = path(node(A), node(B), true);
        let cable = Act::Drop(Kinds::ALL, path(node(A), End::Any, false));
        let one_way = Act::Drop(Kinds::ALL, path(node(B), node(A), false));
        let links = links(&[cable, one_way, Act::Heal(Some(pair))]);
        assert_eq!(fate(&links, A, B), Fate::Lost(Loss::Cut(0)));
        assert!(matches!(fate(&links, B, A), Fate::Arrives(..)));
    }

    #[test]
    fn a_frame_arrives_on_the_grid_within_its_latency_and_never_at_once() {
        let quiet = links(&[]);
        for n in 0..200 {
            let nth = Nth { kind: Kind::Vrrp, at: Time::from_nanos(100_000 * n), n: 0 };
            let Fate::Arrives(at, None) = quiet.fate(A, B, nth, LATENCY, TICK) else { panic!("lost") };
            let took = at - nth.at;
            assert!((LATENCY.0..=LATENCY.1).contains(&took), "{took}");
            assert_eq!(at, at.round_up(TICK));
        }
        let nth = Nth { kind: Kind::Vrrp, at: Time::ZERO, n: 0 };
        let at_once = quiet.fate(A, B, nth, (Duration::ZERO, Duration::ZERO), TICK);
        assert_eq!(at_once, Fate::Arrives(Time::ZERO + TICK, None));
    }

    #[test]
    fn nor_where_chance_becomes_another_ones() {
        let wide = (Duration::from_millis(1), Duration::from_millis(50));
        for seed in 101..=140 {
            let mut links = links(&[]);
            let (mut last, mut changed) = (Time::ZERO, false);
            for n in 0..3_000 {
                let nth = Nth { kind: Kind::Vrrp, at: Time::from_nanos(100_000 * n), n: 0 };
                if n == 900 + seed {
                    links.reseed(nth.at, Chance::new(seed));
                }
                let Fate::Arrives(at, None) = links.fate(A, B, nth, wide, TICK) else { panic!("lost") };
                assert!(at >= last, "the {n}th under {seed}");
                last = at;
                changed |= self::links(&[]).fate(A, B, nth, wide, TICK) != Fate::Arrives(at, None);
            }
            assert!(changed, "seed {seed}");
        }
    }

    #[test]
    fn on_one_path_no_frame_overtakes_another() {
        let (quiet, wide) = (links(&[]), (Duration::from_micros(100), Duration::from_millis(7)));
        let mut last = Time::ZERO;
        for n in 0..20_000 {
            let nth = Nth { kind: Kind::Vrrp, at: Time::from_nanos(100_000 * n), n: 0 };
            let Fate::Arrives(at, None) = quiet.fate(A, B, nth, wide, TICK) else { panic!("lost") };
            assert!(last <= at && at <= (nth.at + wide.1).round_up(TICK), "{at:?} after {last:?}");
            last = at;
        }
    }
}
