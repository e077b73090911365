//! `spoof …`, there and back: what an attacker puts on the wire.

use std::fmt;
use std::net::IpAddr;

use super::act::{Scope, enis};
use super::error::{Complaint, Stop};
use super::lex::{Quoted, Reader, Word};
use super::print::TimeText;
use super::text::{Names, NodeText};
use super::validate::IPV6_IS_GIVEN;
use super::{value, words};
use crate::world::{EniIndex, Forged, ForgedAdvert, NodeId, Spoof, bytes_of_hex};

/// What can be forged.
const KINDS: [&str; 4] = ["vrrp", "arp", "na", "hex"];
/// What an advertisement can be told to be.
const OPTIONS: [&str; 15] = [
    "from",
    "to",
    "vrid",
    "priority",
    "auth",
    "address",
    "interval",
    "version",
    "type",
    "count",
    "ttl",
    "bad",
    "truncated",
    "padded",
    "every",
];
/// The longest IP packet that fits into a frame, in bytes.
const LONGEST: usize = 1500;

/// `vrrp|arp|na|hex on NODE …`: who sends, by which interface if one is named, and what.
pub(super) fn spoof(
    r: &mut Reader<'_, '_>,
    scope: &mut Scope<'_, '_>,
) -> Result<(NodeId, Option<EniIndex>, Spoof), Stop> {
    let expected = "`vrrp`, `arp`, `na` or `hex`";
    let kind = r.word(expected)?;
    if !KINDS.contains(&kind.text) {
        let example = "for example `spoof vrrp on web from 172.16.16.8 vrid 51 priority 255`";
        return Err(kind.unexpected(expected).suggest(words::nearest(kind.text, KINDS), example).into());
    }
    r.literal("on")?;
    let (node, eni) = enis(r, scope)?;
    let (forged, again) = match kind.text {
        "vrrp" => advert(r, scope)?,
        "hex" => {
            let what = "an IP packet in hexadecimal digits";
            let word = r.word(what)?;
            match bytes_of_hex(word.text) {
                Some(bytes) if (1..=LONGEST).contains(&bytes.len()) => {}
                Some(_) => {
                    let message = format!("a packet of {} bytes cannot be", word.text.len() / 2);
                    return Err(Complaint::new(word.place, message).help("from 1 to 1500").into());
                }
                None => return Err(word.unexpected(what).help("two digits a byte: `45c00028…`").into()),
            }
            (Forged::Packet(scope.text(word, what)?), again(r, scope)?)
        }
        by => {
            let address = announced(by, r.word("the announced address")?, scope)?;
            r.literal("is-at")?;
            let mac = value::any_mac(r.word("a hardware address such as `02:00:00:00:00:66`")?)?;
            let to = match r.take("to") {
                Some(_) if r.take("*").is_some() => None,
                Some(_) => Some(enis(r, scope)?),
                None => None,
            };
            (Forged::Announcement(address, mac, to), again(r, scope)?)
        }
    };
    Ok((node, eni, Spoof { forged, again }))
}

/// An address of the family that `arp` or `na` announces.
fn announced(by: &str, word: Word<'_>, scope: &Scope<'_, '_>) -> Result<IpAddr, Complaint> {
    let address = any_address(word, scope)?;
    let (right, other, family) =
        if address.is_ipv6() { ("na", "arp", "IPv6") } else { ("arp", "na", "IPv4") };
    if by == other {
        let message = format!("`{other}` does not announce an {family} address");
        return Err(Complaint::new(word.place, message).help(format!("`spoof {right}` does")));
    }
    Ok(address)
}

/// An address of either family, a group's among them. One of IPv6 only where there is any.
fn any_address(word: Word<'_>, scope: &Scope<'_, '_>) -> Result<IpAddr, Complaint> {
    let address = match word.text.contains(':') {
        true => IpAddr::V6(
            word.text.parse().map_err(|_| word.unexpected("an IPv6 address such as `fd00:16::5`"))?,
        ),
        false => IpAddr::V4(value::address(word)?),
    };
    if address.is_ipv6() && !scope.has_ipv6() {
        let message = format!("{address} where no range has IPv6");
        return Err(Complaint::new(word.place, message).help(IPV6_IS_GIVEN));
    }
    Ok(address)
}

/// The same, of the family that the packet has.
fn address_like(from: IpAddr, word: Word<'_>, scope: &Scope<'_, '_>) -> Result<IpAddr, Complaint> {
    let address = any_address(word, scope)?;
    if address.is_ipv6() != from.is_ipv6() {
        let message = format!("{address} is not of the family of {from}, where it comes from");
        return Err(Complaint::new(word.place, message));
    }
    Ok(address)
}

type Again = Option<(havip::time::Duration, havip::time::Duration)>;

/// `every T for T`, or nothing more.
fn again(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<Again, Complaint> {
    if r.take("every").is_none() {
        return Ok(None);
    }
    let word = r.word("a time such as `600ms`")?;
    let every = scope.length(value::time(word)?, word.place)?;
    if every.is_zero() {
        return Err(Complaint::new(word.place, "a repetition without a pause"));
    }
    r.literal("for")?;
    let word = r.word("a time such as `10s`")?;
    Ok(Some((every, scope.length(value::time(word)?, word.place)?)))
}

/// `from ADDR vrid N priority N`, and what is wrong with it.
fn advert(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<(Forged, Again), Complaint> {
    r.literal("from")?;
    let from = any_address(r.word("the source address")?, scope)?;
    let to = match r.take("to") {
        Some(_) => Some(address_like(from, r.word("the destination address")?, scope)?),
        None => None,
    };
    r.literal("vrid")?;
    let vrid = value::count(r.word("a virtual router")?, "a virtual router from 0 to 255")?;
    r.literal("priority")?;
    let priority = value::count(r.word("a priority")?, "a priority from 0 to 255")?;
    let mut advert = ForgedAdvert { to, ..ForgedAdvert::new(from, vrid, priority) };
    while let Some(word) = r.peek(0) {
        if word.text == "every" {
            break;
        }
        r.word("an option")?;
        let fresh = option(word, &mut advert, r, scope)?;
        match fresh {
            Some(true) => {}
            Some(false) => return Err(Complaint::new(word.place, format!("a second `{}`", word.text))),
            None => {
                let list = format!("what can be wrong: {}", OPTIONS[4..14].join(" "));
                let nearest = words::nearest(word.text, OPTIONS);
                return Err(word.unexpected("what is wrong with it, or `every`").suggest(nearest, list));
            }
        }
    }
    Ok((Forged::Advert(advert), again(r, scope)?))
}

/// One thing that is wrong. False where it was said before; nothing where there is no such thing.
fn option(
    name: Word<'_>,
    advert: &mut ForgedAdvert,
    r: &mut Reader<'_, '_>,
    scope: &Scope<'_, '_>,
) -> Result<Option<bool>, Complaint> {
    fn set<T>(slot: &mut Option<T>, value: T) -> Option<bool> {
        Some(slot.replace(value).is_none())
    }
    let mut number = |most: &str| value::count(r.word("a number")?, most);
    Ok(match name.text {
        "version" => set(&mut advert.version, number("a version from 0 to 15")?),
        "type" => set(&mut advert.message_type, number("a type from 0 to 15")?),
        "count" => set(&mut advert.count, number("a count from 0 to 255")?),
        "ttl" => set(&mut advert.ttl, number("a time to live from 0 to 255")?),
        "truncated" => set(&mut advert.truncated, number("a length from 0 to 255")?),
        "padded" => set(&mut advert.padded, number("a length from 0 to 255")?),
        "interval" => {
            let word = r.word("an interval in the protocol's own unit")?;
            set(&mut advert.interval, value::count(word, "an interval")?)
        }
        "auth" if advert.from.is_ipv6() => {
            return Err(Complaint::new(name.place, "an advertisement over IPv6 has no password"));
        }
        "auth" => {
            let word = r.word("a password of at most 8 bytes, or `none`")?;
            let password = match word.text {
                "none" => None,
                text if text.len() <= 8 && value::is_printable(text) => {
                    let mut bytes = [0; 8];
                    bytes[..text.len()].copy_from_slice(text.as_bytes());
                    Some(bytes)
                }
                _ => return Err(word.unexpected("a password of at most 8 bytes, or `none`")),
            };
            set(&mut advert.auth, password)
        }
        "address" => {
            let word = r.word("a virtual address, or `none`")?;
            if word.text == "none" {
                return Ok(Some(!std::mem::replace(&mut advert.no_address, true)));
            }
            let address = address_like(advert.from, word, scope)?;
            match advert.addresses.iter_mut().find(|slot| slot.is_none()) {
                Some(slot) => *slot = Some(address),
                None => return Err(Complaint::new(word.place, "more than four virtual addresses")),
            }
            Some(true)
        }
        "bad" => {
            r.literal("checksum")?;
            Some(!std::mem::replace(&mut advert.bad_checksum, true))
        }
        _ => None,
    })
}

/// What follows `spoof`.
pub(super) struct SpoofText<'a> {
    pub(super) node: NodeId,
    pub(super) eni: Option<EniIndex>,
    pub(super) spoof: Spoof,
    pub(super) names: &'a dyn Names,
}

impl fmt::Display for SpoofText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |(node, eni)| NodeText { node, eni, names: self.names };
        let at = end((self.node, self.eni));
        match &self.spoof.forged {
            Forged::Advert(advert) => {
                write!(f, "vrrp on {at} ")?;
                print(advert, f)?;
            }
            Forged::Announcement(address, mac, to) => {
                let by = if address.is_ipv6() { "na" } else { "arp" };
                write!(f, "{by} on {at} {address} is-at {mac}")?;
                if let Some(to) = to {
                    write!(f, " to {}", end(*to))?;
                }
            }
            Forged::Packet(text) => write!(f, "hex on {at} {}", Quoted(self.names.text(*text)))?,
        }
        match self.spoof.again {
            Some((every, lasts)) => write!(f, " every {} for {}", TimeText(every), TimeText(lasts)),
            None => Ok(()),
        }
    }
}

fn print(advert: &ForgedAdvert, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "from {}", advert.from)?;
    if let Some(to) = advert.to {
        write!(f, " to {to}")?;
    }
    write!(f, " vrid {} priority {}", advert.vrid, advert.priority)?;
    match advert.auth {
        Some(Some(bytes)) => {
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            write!(f, " auth {}", Quoted(&String::from_utf8_lossy(&bytes[..end])))?;
        }
        Some(None) => f.write_str(" auth none")?,
        None => {}
    }
    if advert.no_address {
        f.write_str(" address none")?;
    }
    for address in advert.addresses.iter().flatten() {
        write!(f, " address {address}")?;
    }
    if let Some(interval) = advert.interval {
        write!(f, " interval {interval}")?;
    }
    for (name, value) in [
        ("version", advert.version),
        ("type", advert.message_type),
        ("count", advert.count),
        ("ttl", advert.ttl),
        ("truncated", advert.truncated),
        ("padded", advert.padded),
    ] {
        if let Some(value) = value {
            write!(f, " {name} {value}")?;
        }
    }
    if advert.bad_checksum { f.write_str(" bad checksum") } else { Ok(()) }
}
