//! IPv6: multicast and unicast, unsolicited neighbour advertisements.

use serde_json::Value;

use super::takeover::{
    claimed, goodbyes, killed_2, lost_pings, lost_probes, obeyed, ordered, succession, takeover,
};
use crate::capture::{A, B, Capture, VIP_6, bursts};
use crate::case::{Case, LATE};
use crate::figures::{self, Figures, MS, Nanos};

fn case(name: &'static str, seconds: Nanos) -> Case {
    Case { target: "fd00:16::12", ..Case::new(name, seconds) }
}

/// When the unsolicited advertisements of a node left, since its first advertisement of the protocol.
fn unsolicited(m: &Figures, path: &str) -> Option<Vec<Nanos>> {
    let list = m.value(path)?.as_array()?;
    list.iter().map(|one| figures::decimal(&one.get(0)?.to_string())).collect()
}
fn since_first(c: &Capture, node: havip_sim::world::NodeId, from: Nanos) -> Option<Vec<Nanos>> {
    Some(Capture::since(c.claims(node), c.first(node, from)?))
}
/// Whose they are, the first ten: `12 12 12`, the last group of the address.
fn whose(m: &Figures) -> Option<String> {
    let list = m.value("/b_una")?.as_array()?;
    let last = |one: &Value| Some(one.get(1)?.as_str()?.rsplit(':').next()?.to_owned());
    Some(list.iter().take(10).filter_map(last).collect::<Vec<_>>().join(" "))
}
fn last_group(bytes: &[u8]) -> String {
    format!("{:x}", u16::from_be_bytes([bytes[76], bytes[77]]))
}

/// Rows of every takeover.
fn announced(case: Case) -> Case {
    case.host(
        "b's first advert -> its first unsolicited NA",
        |m| m.time("/advert_to_garp").into_iter().collect(),
        claimed,
    )
    .equal(
        "unsolicited NAs of a after its first advert, in s",
        |m| Some(bursts(&unsolicited(m, "/a_una")?)),
        |c| Some(bursts(&since_first(c, A, 0)?)),
    )
    .equal(
        "unsolicited NAs of b after its first advert, in s",
        |m| Some(bursts(&unsolicited(m, "/b_una")?)),
        |c| Some(bursts(&since_first(c, B, c.act(0))?)),
    )
    .equal("whose the first ten of b are, by the last group of the address", whose, |c| {
        let of_it = c.claims(B).filter(|frame| frame.at >= c.act(0)).take(10);
        Some(of_it.map(|frame| last_group(&frame.bytes)).collect::<Vec<_>>().join(" "))
    })
    .host("lost pings, as a length", lost_pings, lost_probes)
}
fn kill(name: &'static str, near: Nanos) -> Case {
    let case = case(name, 20)
        .act(near, "kill a")
        .after('a', killed_2)
        .timer("last advert of a -> first of b", |m| m.time("/last_to_first_advert"), takeover)
        .equal(
            "who holds the address at the end",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP_6, c.act(0) + 9_900 * MS)),
        );
    announced(case)
}
fn stop(name: &'static str, near: Nanos, late: &'static [usize]) -> Case {
    let case = case(name, 20)
        .act(near, "stop a")
        .timer("prio 0 -> first advert of b", |m| m.time("/prio0_to_first_advert"), succession)
        .outside(late, LATE)
        .equal("prio 0 adverts", |m| m.text("/n_prio0"), goodbyes)
        .host("SIGTERM -> prio 0", ordered, obeyed)
        .equal(
            "who holds the address at the end",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP_6, c.act(0) + 9_900 * MS)),
        );
    announced(case)
}
/// `garp_master_delay` and `garp_master_repeat` hold for IPv6 too.
fn repeated() -> Case {
    case("d02c_v6_garp_delay2_repeat3", 11)
        .equal(
            "unsolicited NAs after the first advert, in s",
            |m| Some(bursts(&m.times("/una"))),
            |c| Some(bursts(&since_first(c, A, 0)?)),
        )
        .timer(
            "first advert -> second burst",
            |m| m.times("/una").into_iter().find(|&at| at > 1_500 * MS),
            |c| since_first(c, A, 0)?.into_iter().find(|&at| at > 1_500 * MS),
        )
        .outside(&[4], LATE)
}
/// Five addresses in turns.
fn five() -> Case {
    case("d21f_nointerval_5vips_v6", 16)
        .equal("unsolicited NAs in all", |m| m.text("/n"), |c| Some(since_first(c, A, 0)?.len().to_string()))
        .equal(
            "of the first burst",
            |m| m.text("/n1"),
            |c| Some(since_first(c, A, 0)?.into_iter().filter(|&at| at < 1_000 * MS).count().to_string()),
        )
        .equal(
            "whose the first 45 are, by the last group of the address",
            |m| {
                let list = m.value("/order")?.as_array()?;
                Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
            },
            |c| {
                Some(c.claims(A).take(45).map(|frame| last_group(&frame.bytes)).collect::<Vec<_>>().join(" "))
            },
        )
        .host(
            "first advert -> last NA of the first burst",
            |m| m.time("/span1").into_iter().collect(),
            |c| {
                let times = since_first(c, A, 0).unwrap_or_default();
                times.into_iter().filter(|&at| at < 3_000 * MS).max().into_iter().collect()
            },
        )
}

/// IPv6.
pub fn cases() -> Vec<Case> {
    vec![
        kill("d01_v6_mcast_kill9", 10_123),
        stop("d01b_v6_mcast_term", 10_039, &[1]),
        kill("d01c_v6_mcast_linklocal_vip_kill9", 10_307),
        kill("d02_v6_unicast_kill9", 10_850),
        stop("d02b_v6_unicast_term", 10_142, &[]),
        repeated(),
        super::garp::ends(five()),
    ]
}
