//! What a receiver has to make of an advertisement that an act made, or whose bits an act has flipped.

use std::net::IpAddr;

use havip::config::{Instance, Version};
use havip::profile::{Profile, Switch};
use havip::time::Duration;
use havip::wire::vrrp;

use crate::world::{Act, Forged, ForgedAdvert, Mark, Setup, Spoof};

/// How an instance takes an advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// As what it says.
    AsItIs,
    /// Not at all: it must refuse it.
    Refuses,
    /// One way or the other: nothing can be demanded because of it, nor held against what is done because of it.
    Perhaps,
}

/// What an instance asks of an advertisement.
#[derive(Clone, Debug)]
pub(super) struct Demands {
    version: Version,
    interval: Duration,
    password: Option<[u8; 8]>,
    signed: bool,
    /// Any checksum is right.
    any_checksum: bool,
    /// How many addresses it advertises itself, and whether it looks at them each time.
    addresses: usize,
    skips_addresses: bool,
    /// By unicast: who its peers are, if it asks, and whether it looks how far away they are.
    peers: Option<Vec<IpAddr>>,
    looks_how_far: bool,
    unicast: bool,
}

impl Demands {
    pub(super) fn of(instance: &Instance, profile: Profile) -> Demands {
        let unicast = instance.is_unicast();
        let asks = unicast && (instance.check_unicast_source || profile.has(Switch::ChecksUnicastSource));
        Demands {
            version: instance.version,
            interval: instance.advert_interval,
            password: instance.password.map(|password| password.0),
            signed: instance.hmac.is_some(),
            any_checksum: instance.v3_checksum_as_v2 && instance.version == Version::V3,
            addresses: instance.addresses.len(),
            skips_addresses: instance.skip_check_addresses,
            peers: asks.then(|| instance.peers.iter().map(|peer| peer.address).collect()),
            looks_how_far: instance.peers.iter().any(|peer| peer.ttl.is_some()),
            unicast,
        }
    }

    /// Whether it listens to what is sent to such an address.
    pub(super) fn listens_to(&self, to: IpAddr) -> bool {
        to.is_multicast() != self.unicast
    }

    /// How it takes an advertisement that an act has had to do with, or none.
    pub(super) fn reads(&self, setup: &Setup, mark: Option<Mark>) -> Reads {
        match mark {
            None => Reads::AsItIs,
            // A bit that no checksum covers may have been flipped, or none that matters.
            Some(Mark::Corrupted(_)) => Reads::Perhaps,
            Some(Mark::Spoofed(act)) => match setup.acts.get(act as usize).map(|timed| timed.act) {
                Some(Act::Spoof(_, _, Spoof { forged: Forged::Advert(advert), .. })) => self.takes(&advert),
                _ => Reads::Perhaps,
            },
        }
    }

    fn takes(&self, advert: &ForgedAdvert) -> Reads {
        if self.must_refuse(advert) {
            return Reads::Refuses;
        }
        let other_addresses = advert.no_address || advert.addresses.iter().any(Option::is_some);
        let far = advert.ttl.is_some() && self.looks_how_far;
        let cut = advert.truncated.is_some();
        if other_addresses || far || cut || self.signed { Reads::Perhaps } else { Reads::AsItIs }
    }

    /// Whether no receiver of these demands may take it for an advertisement.
    pub(super) fn must_refuse(&self, advert: &ForgedAdvert) -> bool {
        let (number, unit) = match self.version {
            Version::V2 => (2, Duration::from_secs(1)),
            Version::V3 => (3, Duration::from_centis(1)),
        };
        let given = advert.addresses.iter().flatten().count();
        let count = if given > 0 || advert.no_address { given } else { self.addresses };
        let v2 = self.version == Version::V2;
        let interval = advert.interval.map(|interval| unit * u64::from(interval));
        advert.bad_checksum && !self.any_checksum
            || advert.truncated.is_some_and(|bytes| usize::from(bytes) < vrrp::HEADER_LEN)
            || advert.padded.is_some_and(|bytes| bytes > 0)
            || advert.count.is_some_and(|said| usize::from(said) != count)
            || advert.no_address && self.addresses > 0 && !self.skips_addresses
            || advert.version.is_some_and(|version| version != number)
            || advert.message_type.is_some_and(|kind| kind != vrrp::ADVERTISEMENT)
            || advert.ttl.is_some_and(|ttl| ttl != vrrp::TTL) && !self.unicast
            || interval.is_some_and(|interval| interval.is_zero() || v2 && interval != self.interval)
            || advert.auth.is_some_and(|auth| v2 && auth != self.password)
            || self.peers.as_ref().is_some_and(|peers| !peers.contains(&advert.from))
    }
}
