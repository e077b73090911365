//! The values of the language: times, spans, shares, counts, addresses, ranges, hardware addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::profile::Profile;
use havip::time::Duration;
use havip::wire::ethernet::Mac;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use winnow::ascii::{digit1, hex_digit1};
use winnow::combinator::{opt, preceded, separated};
use winnow::prelude::*;
use winnow::token::{rest, take_until};

use super::error::{Complaint, shown};
use super::lex::Word;
use crate::world::{Drift, Kind, Kinds, Ppm};

/// Units of time and how many nanoseconds they are.
const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const TIME: &str = "a time such as `20s`, `3.7s` or `10ms`";

/// A number, its decimals, and what follows.
fn decimal<'a>(input: &mut &'a str) -> winnow::Result<(&'a str, &'a str, &'a str)> {
    (digit1, opt(preceded('.', digit1)).map(Option::unwrap_or_default), rest).parse_next(input)
}

/// `A..B`: the length of `A`.
fn first_end(input: &mut &str) -> winnow::Result<usize> {
    (take_until(1.., ".."), rest).map(|(first, _): (&str, &str)| first.len()).parse_next(input)
}

/// `20s`, `3.7s`, `200us`.
pub(super) fn time(word: Word<'_>) -> Result<Duration, Complaint> {
    let Ok((whole, part, unit)) = decimal.parse(word.text) else {
        return Err(word.unexpected(TIME));
    };
    let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        let help = if unit.is_empty() {
            format!("it has no unit: did you mean `{}s`?", shown(word.text).trim_matches('`'))
        } else {
            "the units are ns us ms s m h".to_owned()
        };
        return Err(word.unexpected(TIME).help(help));
    };
    let part = part.trim_end_matches('0');
    let too_long = || Complaint::new(word.place, format!("{} is too long a time", shown(word.text)));
    let too_fine = || Complaint::new(word.place, format!("{} is finer than a nanosecond", shown(word.text)));
    let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(*nanos)).ok_or_else(too_long)?;
    if part.is_empty() {
        return Ok(Duration::from_nanos(whole));
    }
    // 20 digits of an hour are less than 2^109, and no whole nanosecond needs more.
    let scale = 10u128.checked_pow(part.len() as u32).filter(|_| part.len() <= 20).ok_or_else(too_fine)?;
    let scaled = part.parse::<u128>().map_err(|_| too_fine())? * u128::from(*nanos);
    if !scaled.is_multiple_of(scale) {
        return Err(too_fine());
    }
    // A proper part of a unit: less than an hour.
    whole.checked_add((scaled / scale) as u64).map(Duration::from_nanos).ok_or_else(too_long)
}

/// `20s..40s`, each end with its place.
pub(super) fn span(word: Word<'_>) -> Result<(Duration, Duration), Complaint> {
    let Ok(middle) = first_end.parse(word.text) else {
        return Err(word.unexpected("a span such as `20s..40s`"));
    };
    let (from, to) = (time(word.part(0, middle))?, time(word.part(middle + 2, word.text.len()))?);
    if from > to {
        return Err(Complaint::new(word.place, format!("the span {} is reversed", shown(word.text)))
            .help(format!("write `{}..{}`", super::print::TimeText(to), super::print::TimeText(from))));
    }
    Ok((from, to))
}

/// `200us..400us`, or one time for both.
pub(super) fn range(word: Word<'_>) -> Result<(Duration, Duration), Complaint> {
    if word.text.contains("..") {
        return span(word);
    }
    let both = time(word)?;
    Ok((both, both))
}

/// `3s..8s` or `3s`, as on a command line; what is wrong with it, in a line, if it is no such thing.
pub fn times(text: &str) -> Result<(Duration, Duration), String> {
    let place = super::place::Place::NOWHERE;
    range(Word { text, place }).map_err(|complaint| match complaint.help {
        Some(help) => format!("{}: {help}", complaint.message),
        None => complaint.message,
    })
}

/// `0.1%`, as in a plan; what is wrong with it, in a line, if it is no such thing.
pub fn share_of(text: &str) -> Result<Ppm, String> {
    share(Word { text, place: super::place::Place::NOWHERE }).map_err(|complaint| complaint.message)
}

/// `20%`, to the ten-thousandth of a percent.
pub(super) fn share(word: Word<'_>) -> Result<Ppm, Complaint> {
    let expected = "a share such as `20%`";
    let Ok((whole, part, "%")) = decimal.parse(word.text) else {
        return Err(word.unexpected(expected));
    };
    let part = part.trim_end_matches('0');
    if part.len() > 4 {
        return Err(Complaint::new(word.place, format!("{} is finer than 0.0001%", shown(word.text))));
    }
    let part: u64 = format!("{part:0<4}").parse().unwrap_or(0);
    let over = || Complaint::new(word.place, format!("{} is more than 100%", shown(word.text)));
    let whole: u64 = whole.parse().map_err(|_| over())?;
    let ppm = whole.checked_mul(10_000).and_then(|n| n.checked_add(part)).ok_or_else(over)?;
    if ppm > 1_000_000 { Err(over()) } else { Ok(Ppm(ppm as u32)) }
}

/// A whole number.
pub(super) fn count<N: std::str::FromStr>(word: Word<'_>, what: &str) -> Result<N, Complaint> {
    let digits: Result<&str, _> = digit1::<_, winnow::error::EmptyError>.parse(word.text).map_err(|_| ());
    let Ok(digits) = digits else {
        return Err(word.unexpected(&format!("{what}, a whole number")));
    };
    digits.parse().map_err(|_| Complaint::new(word.place, format!("{} is too large", shown(word.text))))
}

/// `172.16.16.5`.
pub(super) fn address(word: Word<'_>) -> Result<Ipv4Addr, Complaint> {
    word.text.parse().map_err(|_| word.unexpected("an address such as `172.16.16.5`"))
}

/// `172.16.16.5` or `fd00:16::5`.
pub(super) fn any_address(word: Word<'_>) -> Result<IpAddr, Complaint> {
    if word.text.contains(':') { ipv6_address(word).map(IpAddr::V6) } else { address(word).map(IpAddr::V4) }
}

/// `fd00:16::5`, an address that a machine can be given.
pub(super) fn ipv6_address(word: Word<'_>) -> Result<Ipv6Addr, Complaint> {
    let address: Ipv6Addr =
        word.text.parse().map_err(|_| word.unexpected("an IPv6 address such as `fd00:16::5`"))?;
    if address.is_multicast() || address.is_loopback() || address.is_unspecified() {
        return Err(Complaint::new(word.place, format!("no machine has the address {}", shown(word.text))));
    }
    Ok(address)
}

/// `fd00:16::/64`, from a /16 to a /126.
pub(super) fn cidr_v6(word: Word<'_>) -> Result<Ipv6Net, Complaint> {
    let net: Ipv6Net =
        word.text.parse().map_err(|_| word.unexpected("a range of addresses such as `fd00:16::/64`"))?;
    if net.addr() != net.network() {
        return Err(Complaint::new(word.place, format!("{} is not the start of a range", shown(word.text)))
            .help(format!("did you mean `{}`?", net.trunc())));
    }
    if !(16..=126).contains(&net.prefix_len()) {
        let size = if net.prefix_len() < 16 { "large" } else { "small" };
        return Err(Complaint::new(word.place, format!("{} is too {size} a range", shown(word.text)))
            .help("from /16 to /126"));
    }
    if net.addr().is_multicast() || net.addr().is_unicast_link_local() || net.addr().is_unspecified() {
        return Err(Complaint::new(
            word.place,
            format!("no machine is given an address of {}", shown(word.text)),
        )
        .help("every interface has a link-local address by itself"));
    }
    Ok(net)
}

/// `172.16.16.12`, `172.16.16.12:443`, `fd00:16::12`, `[fd00:16::12]:443`.
pub(super) fn target(word: Word<'_>) -> Result<(IpAddr, Option<u16>), Complaint> {
    if word.text.starts_with('[') {
        let Some(end) = word.text.find("]:") else {
            return Err(word.unexpected("a port behind the address, such as `[fd00:16::12]:443`"));
        };
        let port = port(word.part(end + 2, word.text.len()))?;
        return Ok((ipv6_address(word.part(1, end))?.into(), Some(port)));
    }
    match word.text.find(':') {
        Some(colon) if !word.text[colon + 1..].contains(':') => {
            let port = port(word.part(colon + 1, word.text.len()))?;
            Ok((address(word.part(0, colon))?.into(), Some(port)))
        }
        _ => Ok((any_address(word)?, None)),
    }
}

/// `443`.
pub(super) fn port(word: Word<'_>) -> Result<u16, Complaint> {
    match count(word, "a port")? {
        0 => Err(Complaint::new(word.place, "no service has port 0")),
        port => Ok(port),
    }
}

/// `172.16.16.0/24`, from a /8 to a /30, of addresses that a machine can have.
pub(super) fn cidr(word: Word<'_>) -> Result<Ipv4Net, Complaint> {
    let net: Ipv4Net =
        word.text.parse().map_err(|_| word.unexpected("a range of addresses such as `172.16.16.0/24`"))?;
    if net.addr() != net.network() {
        return Err(Complaint::new(word.place, format!("{} is not the start of a range", shown(word.text)))
            .help(format!("did you mean `{}`?", net.trunc())));
    }
    if !(8..=30).contains(&net.prefix_len()) {
        return Err(Complaint::new(
            word.place,
            format!(
                "{} is too {} a range",
                shown(word.text),
                if net.prefix_len() < 8 { "large" } else { "small" }
            ),
        )
        .help("from /8 to /30"));
    }
    if matches!(net.network().octets()[0], 0 | 127 | 224..) {
        return Err(Complaint::new(word.place, format!("no machine has an address of {}", shown(word.text)))
            .help("it is not a range of unicast addresses"));
    }
    Ok(net)
}

/// `02:00:ac:10:10:05`.
pub(super) fn any_mac(word: Word<'_>) -> Result<Mac, Complaint> {
    let byte = hex_digit1::<_, winnow::error::EmptyError>
        .verify(|digits: &str| digits.len() == 2)
        .try_map(|digits: &str| u8::from_str_radix(digits, 16));
    let parsed: Result<Vec<u8>, _> = separated(6, byte, ':').parse(word.text).map_err(|_| ());
    let bytes: Option<[u8; 6]> = parsed.ok().and_then(|b| b.try_into().ok());
    Ok(Mac(bytes.ok_or_else(|| word.unexpected("a hardware address such as `02:00:ac:10:10:05`"))?))
}

/// The same, and it can be a machine's own.
pub(super) fn mac(word: Word<'_>) -> Result<Mac, Complaint> {
    let mac = any_mac(word)?;
    if mac.is_multicast() || mac == Mac::UNSPECIFIED {
        return Err(Complaint::new(word.place, format!("{mac} is no machine's own hardware address")));
    }
    Ok(mac)
}

/// `vrrp,garp`, or `all`.
pub(super) fn kinds(word: Word<'_>) -> Result<Kinds, Complaint> {
    let mut kinds = Kinds::NONE;
    let mut from = 0;
    for text in word.text.split(',') {
        let one = word.part(from, from + text.len());
        from += text.len() + 1;
        if text == "all" {
            kinds = Kinds::ALL;
        } else if let Some(kind) = Kind::ALL.iter().find(|kind| kind.word() == text) {
            kinds = kinds.with(*kind);
        } else {
            let words = Kind::ALL.map(Kind::word);
            let nearest = super::words::nearest(text, words.iter().copied().chain(["all"]));
            let list = "the kinds are vrrp arp garp probe other all, with commas and no blanks between them";
            return Err(one.unexpected("a kind of frame").suggest(nearest, list));
        }
    }
    Ok(kinds)
}

/// `+5s`, `-5s`, in nanoseconds.
pub(super) fn signed_time(word: Word<'_>) -> Result<i64, Complaint> {
    let expected = "a step such as `+5s` or `-5s`";
    let negative = match word.text.as_bytes().first() {
        Some(b'+') => false,
        Some(b'-') => true,
        _ => return Err(word.unexpected(expected).help("with its sign: `+` forward, `-` back")),
    };
    let nanos = time(word.part(1, word.text.len()))?.as_nanos();
    let nanos = i64::try_from(nanos)
        .map_err(|_| Complaint::new(word.place, format!("{} is too long a time", shown(word.text))))?;
    Ok(if negative { -nanos } else { nanos })
}

/// `50ppm`, `-50ppm`.
pub(super) fn drift(word: Word<'_>) -> Result<Drift, Complaint> {
    let expected = "a drift such as `50ppm` or `-50ppm`";
    let digits = word.text.strip_suffix("ppm").ok_or_else(|| word.unexpected(expected))?;
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, digits),
    };
    let is_number = (1..=9).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit());
    match digits.parse::<i32>() {
        Ok(ppm) if is_number && ppm <= Drift::MOST => Ok(Drift(sign * ppm)),
        Ok(_) if is_number => {
            Err(Complaint::new(word.place, format!("no clock drifts by {}", shown(word.text)))
                .help("at most 100000ppm: a tenth"))
        }
        _ => Err(word.unexpected(expected)),
    }
}

/// `172.16.16.12`, `172.16.16.12/24`: an address with the length of its prefix, 32 if none is written.
pub(super) fn host(word: Word<'_>) -> Result<IpNet, Complaint> {
    let expected = "an address such as `172.16.16.12` or `172.16.16.12/24`";
    if word.text.contains('/') {
        return word.text.parse().map_err(|_| word.unexpected(expected));
    }
    word.text.parse::<IpAddr>().map(IpNet::from).map_err(|_| word.unexpected(expected))
}

/// `keepalived`, `havip`, `keepalived-1.3`.
pub(super) fn profile(word: Word<'_>) -> Result<Profile, Complaint> {
    word.text.parse().map_err(|_| {
        let names = || Profile::ALL.iter().map(Profile::name);
        let list = format!("the profiles are: {}", names().collect::<Vec<_>>().join(" "));
        word.unexpected("a profile").suggest(super::words::nearest(word.text, names()), list)
    })
}

/// What can be printed and read again as one word, and moves no cursor.
pub(super) fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || c == '"')
}

/// A file's path, as the script names it.
pub(super) fn path(word: Word<'_>) -> Result<String, Complaint> {
    if word.text.is_empty() || !is_printable(word.text) {
        return Err(word.unexpected("a file's path"));
    }
    Ok(word.text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::place::Place;
    use super::*;

    fn word(text: &str) -> Word<'_> {
        Word { text, place: Place { start: 0, end: text.len() as u32 } }
    }

    #[test]
    fn times_are_exact() {
        for (text, nanos) in [
            ("0s", 0),
            ("1ns", 1),
            ("200us", 200_000),
            ("10ms", 10_000_000),
            ("3.7s", 3_700_000_000),
            ("3.648437500s", 3_648_437_500),
            ("2m", 120_000_000_000),
            ("0.25h", 900_000_000_000),
            ("18446744073709551615ns", u64::MAX),
        ] {
            assert_eq!(time(word(text)).unwrap(), Duration::from_nanos(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "s", "20", "20x", "1.s", ".5s", "-1s", "+1s", "1e3s", "0.1ns", "99999999999h", "1s2s"]
        {
            assert!(time(word(text)).is_err(), "{text}");
        }
        for text in
            ["0.00000000000000000000000000000000000000001s", "18446744073709551615.9ns", "9999999999999s"]
        {
            assert!(time(word(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_parts_per_million() {
        for (text, ppm) in
            [("0%", 0), ("20%", 200_000), ("0.5%", 5_000), ("0.0001%", 1), ("100.0%", 1_000_000)]
        {
            assert_eq!(share(word(text)).unwrap(), Ppm(ppm), "{text}");
        }
        for text in ["20", "%", "101%", "100.0001%", "0.00001%", "-1%", "99999999999999999999%"] {
            assert!(share(word(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn hardware_addresses_are_six_bytes_of_one_machine() {
        assert_eq!(mac(word("02:00:AC:10:10:05")).unwrap(), Mac([2, 0, 0xac, 0x10, 0x10, 5]));
        for text in [
            "02:00:ac:10:10",
            "02:00:ac:10:10:05:06",
            "ff:ff:ff:ff:ff:ff",
            "00:00:00:00:00:00",
            "2:0:1:1:1:1",
        ] {
            assert!(mac(word(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_has_two_times_in_order() {
        let s = Duration::from_secs;
        assert_eq!(span(word("20s..40s")).unwrap(), (s(20), s(40)));
        assert_eq!(span(word("0.5s..1s")).unwrap().0, Duration::from_millis(500));
        for text in ["20s", "20s..", "..40s", "40s..20s", "20s...40s", "20..40s"] {
            assert!(span(word(text)).is_err(), "{text}");
        }
        assert_eq!(range(word("3s")).unwrap(), (s(3), s(3)));
    }
}
