//! Gratuitous ARP: how many, when, how close.

use crate::capture::{A, Capture, bursts};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos};

const ONE_MORE: &str = "one frame more, for an address in the middle of the list, behind the first: seen in one of six \
                        bursts of a hundred addresses, its cause not known";
const TIMES: &str = "/garp_times_after_first_advert";

fn claims(c: &Capture) -> Vec<Nanos> {
    let Some(first) = c.first(A, 0) else { return Vec::new() };
    Capture::since(c.claims(A), first)
}
/// Lengths between the frames of one burst.
fn spacing(times: &[Nanos]) -> Vec<Nanos> {
    times.windows(2).map(|pair| pair[1] - pair[0]).filter(|&apart| apart < 50 * MS).collect()
}

fn bursts_of(name: &'static str, seconds: Nanos) -> Case {
    Case::new(name, seconds).equal(
        "GARPs after the first advert, in s",
        |m| Some(bursts(&m.times(TIMES))),
        |c| Some(bursts(&claims(c))),
    )
}
fn schedule(name: &'static str, seconds: Nanos) -> Case {
    bursts_of(name, seconds).host("spacing in a burst", |m| spacing(&m.times(TIMES)), |c| spacing(&claims(c)))
}
/// A second burst, which has a timer of its own.
fn second(case: Case) -> Case {
    case.timer(
        "first advert -> second burst",
        |m| m.times(TIMES).into_iter().find(|&at| at > 1_500 * MS),
        |c| claims(c).into_iter().find(|&at| at > 1_500 * MS),
    )
}
fn twenty() -> Case {
    Case::new("d21c_nointerval_20vips", 16)
        .equal("GARPs in all", |m| m.text("/n"), |c| Some(claims(c).len().to_string()))
        .equal(
            "GARPs of the first burst",
            |m| m.text("/n1"),
            |c| Some(claims(c).into_iter().filter(|&at| at < 1_000 * MS).count().to_string()),
        )
        .equal("whose the first 25 are, by the last byte of the address", order, seen_order)
        .host(
            "first advert -> last GARP of the first burst",
            |m| m.time("/span1").into_iter().collect(),
            first_burst,
        )
}
/// The second burst is as long as the first: its end.
pub(super) fn ends(case: Case) -> Case {
    case.host(
        "first advert -> last GARP of all",
        |m| m.times("/last").last().copied().into_iter().collect(),
        |c| claims(c).last().copied().into_iter().collect(),
    )
    .host(
        "first advert -> first GARP",
        |m| m.times("/first").first().copied().into_iter().collect(),
        |c| claims(c).first().copied().into_iter().collect(),
    )
    .host(
        "first advert -> the first address is there",
        |m| m.times("/addr_first_last").first().copied().into_iter().collect(),
        |c| came(c).first().copied().into_iter().collect(),
    )
    .host(
        "first advert -> the last address is there",
        |m| m.times("/addr_first_last").last().copied().into_iter().collect(),
        |c| came(c).last().copied().into_iter().collect(),
    )
    .host(
        "between two adverts",
        |m| m.times("/adverts").windows(2).map(|pair| pair[1] - pair[0]).collect(),
        |c| Capture::since(c.adverts(A), 0).windows(2).map(|pair| pair[1] - pair[0]).collect(),
    )
}
/// When addresses came to a, after its first advertisement.
fn came(c: &Capture) -> Vec<Nanos> {
    c.first(A, 0).map_or(Vec::new(), |first| c.arrivals(A).map(|at| at - first).collect())
}
fn order(m: &Figures) -> Option<String> {
    let list = m.value("/order")?.as_array()?;
    let words: Vec<&str> = list.iter().take(25).filter_map(|word| word.as_str()).collect();
    Some(words.join(" "))
}

/// `vrrp_garp_interval` and many addresses.
fn many(name: &'static str, one_more: &'static [usize]) -> Case {
    Case::new(name, 16)
        .equal("GARPs in all", |m| m.text("/n"), |c| Some(claims(c).len().to_string()))
        .outside(one_more, ONE_MORE)
        .equal(
            "GARPs of the first burst",
            |m| m.text("/n1"),
            |c| Some(claims(c).into_iter().filter(|&at| at < 3_000 * MS).count().to_string()),
        )
        .equal("whose the first 25 are, by the last byte of the address", order, seen_order)
        .outside(one_more, ONE_MORE)
        .host(
            "first advert -> last GARP of the first burst",
            |m| m.time("/span1").into_iter().collect(),
            first_burst,
        )
}
fn seen_order(c: &Capture) -> Option<String> {
    let first = c.first(A, 0)?;
    let of_it = c.claims(A).filter(|frame| frame.at >= first);
    Some(of_it.take(25).map(|frame| frame.bytes[31].to_string()).collect::<Vec<_>>().join(" "))
}
fn first_burst(c: &Capture) -> Vec<Nanos> {
    claims(c).into_iter().filter(|&at| at < 3_000 * MS).max().into_iter().collect()
}

/// Bursts.
pub fn cases() -> Vec<Case> {
    vec![
        second(schedule("c14_garp_default", 29)),
        second(schedule("c14b_garp_delay2_repeat3", 11)),
        schedule("c14d_garp_delay0", 15),
        second(schedule("c14h_garp_repeat3_nointerval", 11)),
        second(bursts_of("c14e_garp_interval", 15)),
        second(bursts_of("c14g_garp_interval_default_repeat", 15)),
        ends(twenty()),
        ends(many("d21_garpint001_20vips", &[])),
        ends(many("d21d_garpint0001_100vips", &[3])),
    ]
}
