//! Chance as a hash, never a stream.
//!
//! Every draw is a function of the run's seed, what it is for and where and when it is made. One frame more or
//! less changes no other draw; the fate of a frame can be asked without sending it; the order in which draws are
//! made means nothing. Integer arithmetic only: the same on every platform and toolchain.

use std::net::IpAddr;

use havip::time::{Duration, Time};

use super::act::{Kind, Ppm};

/// What a draw decides. The numbers are part of the result: append, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// How long frames take on a path at a point in time.
    Latency = 1,
    /// Whether a frame is lost.
    Loss = 2,
    /// Whether a frame arrives twice.
    Duplicate = 3,
    /// How much later the second copy comes.
    DuplicateLatency = 4,
    /// How long a program takes to start.
    ProgramStart = 5,
    /// How late a timer is.
    TimerLateness = 6,
    /// How long an address takes to install.
    AddressInstall = 7,
    /// How far apart frames of a burst are.
    BurstSpacing = 8,
    /// How long a link event takes to reach the program.
    LinkEvent = 9,
    /// How long a neighbour entry stays reachable.
    ReachableTime = 10,
    /// How long the cloud takes to move a binding.
    BindDelay = 11,
    /// How long a signal takes to reach the program.
    Signal = 12,
    /// How late a kernel's own timer is.
    KernelTimer = 13,
    /// How long a script takes.
    Script = 14,
    /// How long it takes until a program has read a file that was written.
    FileEvent = 15,
    /// Whether a frame is corrupted.
    Corrupt = 16,
    /// Which bit of it is flipped.
    CorruptBit = 17,
    /// Whether a frame is held back behind the next.
    Reorder = 18,
    /// How long a command takes that somebody types.
    Tamper = 19,
    /// How late a kernel notices that an address's lifetime has run out.
    LifetimeCheck = 20,
}

/// The run's chance: its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(u64);

/// Which frame of its sender: the n-th of its kind at an instant (axiom 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth {
    /// What it is.
    pub kind: Kind,
    /// When it was sent.
    pub at: Time,
    /// How many of that kind its sender had sent at that instant before it.
    pub n: u16,
}

impl Chance {
    /// The chance of a seed.
    pub const fn new(seed: u64) -> Self {
        Chance(mix(seed ^ 0x6861_7669_7073_696d))
    }

    /// A draw about a frame between two ports.
    pub fn of_frame(self, purpose: Purpose, from: u32, to: u32, nth: Nth) -> Draw {
        let place = u64::from(from) << 32 | u64::from(to);
        let which = u64::from(purpose as u8) << 24 | u64::from(nth.kind as u8) << 16 | u64::from(nth.n);
        self.hash(place, nth.at.as_nanos(), which)
    }

    /// A draw about one node at an instant.
    pub fn of_node(self, purpose: Purpose, node: u32, at: Time, n: u32) -> Draw {
        self.hash(u64::from(node), at.as_nanos(), u64::from(purpose as u8) << 32 | u64::from(n))
    }

    const fn hash(self, a: u64, b: u64, c: u64) -> Draw {
        let h = mix(self.0 ^ a);
        let h = mix(h ^ b.rotate_left(17));
        Draw(mix(h ^ c.rotate_left(34)))
    }
}

/// An address as the number that a draw about it is named by; IPv6 addresses of one subnet have numbers of their own.
pub fn number_of(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            (bits ^ bits >> 32 ^ bits >> 64 ^ bits >> 96) as u32
        }
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the result depends on every bit of `x`.
const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// One draw: 64 even bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(pub u64);

impl Draw {
    /// A number in `low..=high`, each as likely as the others.
    pub fn between(self, low: u64, high: u64) -> u64 {
        debug_assert!(low <= high);
        let width = u128::from(high - low) + 1;
        low + ((u128::from(self.0) * width) >> 64) as u64
    }
    /// A length in a range, ends included.
    pub fn within(self, (low, high): (Duration, Duration)) -> Duration {
        Duration::from_nanos(self.between(low.as_nanos(), high.as_nanos()))
    }
    /// Whether something of this likelihood happens.
    pub fn happens(self, ppm: Ppm) -> bool {
        self.between(0, 999_999) < u64::from(ppm.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Nth = Nth { kind: Kind::Vrrp, at: Time::from_nanos(1_000_000), n: 0 };

    #[test]
    fn a_draw_depends_on_every_part_of_its_name_and_on_nothing_else() {
        let chance = Chance::new(7);
        let draw = chance.of_frame(Purpose::Latency, 1, 2, SOME);
        assert_eq!(draw, Chance::new(7).of_frame(Purpose::Latency, 1, 2, SOME));
        for other in [
            Chance::new(8).of_frame(Purpose::Latency, 1, 2, SOME),
            chance.of_frame(Purpose::Loss, 1, 2, SOME),
            chance.of_frame(Purpose::Latency, 2, 1, SOME),
            chance.of_frame(Purpose::Latency, 1, 2, Nth { n: 1, ..SOME }),
            chance.of_frame(Purpose::Latency, 1, 2, Nth { kind: Kind::Arp, ..SOME }),
            chance.of_frame(Purpose::Latency, 1, 2, Nth { at: Time::from_nanos(1_000_001), ..SOME }),
        ] {
            assert_ne!(draw, other);
        }
    }

    /// The value is part of every recorded run: a change of the hash is a change of the product.
    #[test]
    fn the_hash_is_the_one_that_was_released() {
        assert_eq!(Chance::new(7).of_frame(Purpose::Latency, 1, 2, SOME).0, 9_666_503_440_263_928_009);
    }

    #[test]
    fn a_fifth_of_the_frames_is_a_fifth_of_the_frames() {
        let chance = Chance::new(1);
        let lost = (0..100_000u64)
            .filter(|n| {
                let nth = Nth { at: Time::from_nanos(n * 1_000_000_000), ..SOME };
                chance.of_frame(Purpose::Loss, 0, 1, nth).happens(Ppm(200_000))
            })
            .count();
        // Binomial: 20,000 with a standard deviation of 126; five of them either way.
        assert!((19_370..=20_630).contains(&lost), "{lost} of 100000");
    }

    #[test]
    fn ends_of_a_range_are_reached() {
        assert_eq!(Draw(0).between(3, 9), 3);
        assert_eq!(Draw(u64::MAX).between(3, 9), 9);
        assert_eq!(Draw(u64::MAX).between(0, u64::MAX), u64::MAX);
    }
}
