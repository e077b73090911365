//! The network comes apart and heals: two masters, and who keeps the address.

use havip::program::Role;

use super::takeover::answering;
use crate::capture::{A, B, Capture, Frame, Sort, VIP, bursts, gap};
use crate::case::{Case, LATE};
use crate::figures::{Figures, MS, Nanos, SECOND};
use havip_sim::world::NodeId;

/// How long before the act the last advertisement of a was: as the figures of the d-cases have it.
fn a_before(m: &Figures) -> Option<Nanos> {
    m.time("/during/a/last_before").map(|at| -at)
}
fn b_before_heal(m: &Figures) -> Option<Nanos> {
    m.time("/after/b/last_before").map(|at| -at)
}
/// How long b's claims and advertisements have to be apart to be two groups.
fn takeover(c: &Capture) -> Option<Nanos> {
    gap(c.last(A, c.act(0)), c.first(B, c.act(0)))
}
fn d_takeover(m: &Figures) -> Option<Nanos> {
    Some(m.time("/during/b/first/0")? - m.time("/during/a/last_before")?)
}
fn counted(n: usize) -> Option<String> {
    Some(n.to_string())
}
fn healed(c: &Capture) -> Option<Nanos> {
    gap(Some(c.act(1)), c.role(B, Role::Backup, c.act(1)))
}
/// The order in which frames went over the bridge after the heal, each kind of each node once: `a garp, b advert`.
fn order(words: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for word in words {
        if seen.last() != Some(&word) {
            seen.push(word);
        }
        if seen.len() == 2 {
            break;
        }
    }
    seen.join(", ")
}
fn measured_order(m: &Figures) -> Option<String> {
    let list = m.value("/order_after_heal")?.as_array()?;
    Some(order(list.iter().filter_map(|row| Some(format!("{} {}", row[1].as_str()?, row[2].as_str()?)))))
}
fn seen_order(c: &Capture) -> Option<String> {
    let word = |frame: &Frame| {
        let kind = if matches!(frame.sort, Sort::Advert(..)) { "advert" } else { "garp" };
        format!("{} {kind}", if frame.node == A { "a" } else { "b" })
    };
    Some(order(c.frames.iter().filter(|frame| frame.at > c.act(1)).map(word)))
}

/// a's frames do not reach b: c12.
fn one_way() -> Case {
    Case::new("c12_oneway_a_to_b", 30)
        .act(10_604, "cut a -> b")
        .after('a', |m| m.less("/a_last_before_drop_to_b_first", "/drop_to_b_first_advert"))
        .act(22_650, "heal")
        .after('a', |m| Some(SECOND + 200_000 - m.time("/heal_to_b_backup_log")?))
        .timer(
            "last advert of a delivered -> first of b",
            |m| m.time("/a_last_before_drop_to_b_first"),
            takeover,
        )
        .equal(
            "adverts of b during it",
            |m| m.text("/b_adverts_during"),
            |c| counted(Capture::count(c.adverts(B), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of b during it",
            |m| m.text("/b_garps_during"),
            |c| counted(Capture::count(c.claims(B), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of a during it",
            |m| m.text("/a_garps_during"),
            |c| counted(Capture::count(c.claims(A), c.act(0), c.act(1))),
        )
        .equal(
            "who holds the address during it",
            |m| m.text("/holders_during"),
            |c| Some(c.holders(VIP, c.act(1))),
        )
        .equal(
            "adverts of a during it",
            |m| m.text("/a_adverts_during"),
            |c| counted(Capture::count(c.adverts(A), c.act(0), c.act(1))),
        )
        .equal("who answers for the address during it", answering, |c| Some(c.holders(VIP, c.act(1))))
        .timer(
            "cut -> first advert of b",
            |m| m.time("/drop_to_b_first_advert"),
            |c| gap(Some(c.act(0)), c.first(B, c.act(0))),
        )
        .timer(
            "heal -> last advert of b",
            |m| m.time("/heal_to_b_last_advert"),
            |c| gap(Some(c.act(1)), c.last(B, Nanos::MAX)),
        )
        .equal(
            "GARPs of a after the heal, the first 14, in s after the first",
            |m| Some(from_the_first(&m.times("/a_garps_after_heal"))),
            |c| Some(from_the_first(&Capture::since(c.claims(A), c.act(1)))),
        )
        .timer("heal -> b BACKUP", |m| m.time("/heal_to_b_backup_log"), healed)
        .equal(
            "who holds the address after it",
            |m| m.text("/holders_after"),
            |c| Some(c.holders(VIP, c.act(1) + 7 * SECOND)),
        )
}

fn from_the_first(times: &[Nanos]) -> String {
    let first = times.first().copied().unwrap_or(0);
    bursts(&times.iter().take(14).map(|at| at - first).collect::<Vec<_>>())
}

/// b's frames do not reach a: nothing happens.
fn harmless() -> Case {
    Case::new("c12b_oneway_b_to_a", 28)
        .act(10_721, "cut b -> a")
        .after('a', |m| Some(SECOND + 200_000 - m.time("/a_extra_adverts/0")?))
        .act(19_810, "heal")
        .equal(
            "adverts of b during it",
            |m| m.text("/b_adverts_during"),
            |c| counted(Capture::count(c.adverts(B), c.act(0), c.act(1))),
        )
        .equal(
            "adverts of a during it",
            |m| m.text("/a_adverts_during"),
            |c| counted(Capture::count(c.adverts(A), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of a during it",
            |m| m.text("/a_garps_during"),
            |c| counted(Capture::count(c.claims(A), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of b during it",
            |m| m.text("/b_garps_during"),
            |c| counted(Capture::count(c.claims(B), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of a after it",
            |m| m.count("/a_garps_after_heal"),
            |c| counted(Capture::count(c.claims(A), c.act(1), Nanos::MAX)),
        )
        .equal(
            "who holds the address during it",
            |m| m.text("/holders_during"),
            |c| Some(c.holders(VIP, c.act(1))),
        )
        .equal("who answers for the address during it", answering, |c| Some(c.holders(VIP, c.act(1))))
        .equal(
            "who holds the address after it",
            |m| m.text("/holders_after"),
            |c| Some(c.holders(VIP, c.act(1) + 7 * SECOND)),
        )
}

/// Equal priorities apart and together again.
fn equals() -> Case {
    Case::new("c09_equal_prio", 21)
        .act(9_065, "drop vrrp a <-> b")
        .act(15_095, "heal")
        .seeded(|m, c| m.text("/holders_start").is_some_and(|first| first == c.holders(VIP, c.act(0))))
        .equal(
            "who holds the address first, of two that start at once",
            |m| m.text("/holders_start"),
            |c| Some(c.holders(VIP, c.act(0))),
        )
        .host(
            "exec -> first advert of anybody",
            |m| m.time("/first_advert_a").min(m.time("/first_advert_b")).into_iter().collect(),
            |c| c.first(A, 0).min(c.first(B, 0)).into_iter().collect(),
        )
        .equal(
            "adverts of a after the heal",
            |m| m.text("/a_adverts_after_heal"),
            |c| counted(Capture::count(c.adverts(A), c.act(1), c.act(1) + 6 * SECOND)),
        )
        .equal(
            "who holds the address during it",
            |m| m.text("/holders_partition"),
            |c| Some(c.holders(VIP, c.act(1))),
        )
        .equal(
            "who holds it after the heal",
            |m| m.text("/holders_healed"),
            |c| Some(c.holders(VIP, c.act(1) + 5_900 * MS)),
        )
        .equal(
            "adverts of b after the heal",
            |m| m.text("/b_adverts_after_heal"),
            |c| counted(Capture::count(c.adverts(B), c.act(1), c.act(1) + 6 * SECOND)),
        )
}

/// The client, where there are two machines.
const K: NodeId = NodeId(2);

/// The master's port is silent, and heals so that its own advertisement comes first.
fn stale() -> Case {
    Case::new("c23_stale_after_heal", 95)
        .act(9_886, "cut a <-> *")
        .act(24_340, "heal")
        .after('a', before_the_next)
        .equal(
            "GARPs of a after the heal",
            |m| m.text("/a_garps_after_heal"),
            |c| counted(Capture::count(c.claims(A), c.act(1), Nanos::MAX)),
        )
        .equal(
            "who holds the address at the end",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP, 94 * SECOND)),
        )
        .seeded(|m, c| match (first_request(m), asked(c)) {
            (Some(real), Some(sim)) => (real - sim).abs() < HALF_A_PING,
            (None, _) => true,
            _ => false,
        })
        .timer(
            "client without the address after the heal, of the same reachable time",
            |m| m.time("/longest_gap_after_heal").filter(|&gap| gap > 0),
            |c| c.longest_gap(c.act(1), 0),
        )
        .outside(
            &[1, 2, 4, 6],
            "one or two pings of 104 ms: the runs' first requests agree within half a ping, and then the kernel's \
             timers and the ping's phase, which no figure has, decide which ping finds the address again",
        )
        .equal("outages of the client after the heal, of more than 3 s", gaps, |c| {
            counted(usize::from(c.longest_gap(c.act(1), 0).is_some_and(|gap| gap > 3 * SECOND)))
        })
        .equal(
            "whose advert is first after the heal",
            |m| m.text("/first_advert_after_heal_from"),
            |c| {
                let (a, b) = (c.first(A, c.act(1)), c.first(B, c.act(1)));
                Some(if b.is_some_and(|b| Some(b) < a) { "b" } else { "a" }.to_owned())
            },
        )
        .timer("heal -> that advert", |m| m.time("/heal_to_first_advert"), |c| {
            let first = c.adverts(A).chain(c.adverts(B)).filter(|frame| frame.at >= c.act(1));
            gap(Some(c.act(1)), first.map(|frame| frame.at).min())
        })
        .host(
            "client's first request to b -> its request to all",
            |m| first_request(m).and_then(|first| Some(request_to_all(m)? - first)).into_iter().collect(),
            |c| gap(asked(c), asked_all(c)).into_iter().collect(),
        )
}

const HALF_A_PING: Nanos = 52 * MS;

/// When the client first asks the old holder after the heal: its entry's reachable time has run out, and the delay.
fn first_request(m: &Figures) -> Option<Nanos> {
    let b_is_asked = m.text("/client_arp/0/2")? == "02:00:00:00:00:06";
    m.time("/client_arp/0/0").filter(|_| b_is_asked)
}
fn request_to_all(m: &Figures) -> Option<Nanos> {
    m.time("/client_arp/3/0")
        .filter(|_| m.text("/client_arp/3/2").is_some_and(|to| to == "ff:ff:ff:ff:ff:ff"))
}
fn asked(c: &Capture) -> Option<Nanos> {
    c.asked.iter().find(|&&(at, node, all)| at > c.act(1) && node == K && !all).map(|&(at, ..)| at - c.act(1))
}
fn asked_all(c: &Capture) -> Option<Nanos> {
    c.asked.iter().find(|&&(at, node, all)| at > c.act(1) && node == K && all).map(|&(at, ..)| at - c.act(1))
}

/// Where the heal fell between two advertisements of a. Those of b trail them by 0.6487 s: in the run in which b's
/// came first, a's own had been so much earlier.
fn before_the_next(m: &Figures) -> Option<Nanos> {
    let next = m.time("/heal_to_first_advert")?;
    Some(if m.text("/first_advert_after_heal_from")? == "a" { SECOND + 200_000 } else { 648_700_000 } - next)
}

/// The first request after the heal, of runs in which the client lost the address.
fn gaps(m: &Figures) -> Option<String> {
    m.count("/client_gaps_after_heal")
}

/// a's frames do not reach b, with something about answering in the configuration.
fn d_one_way(name: &'static str, near: Nanos, heal: Nanos, seconds: Nanos, late: &'static [usize]) -> Case {
    Case::new(name, seconds)
        .act(near, "cut a -> b")
        .after('a', a_before)
        .act(heal, "heal")
        .after('b', b_before_heal)
        .timer("last advert of a delivered -> first of b", d_takeover, takeover)
        .outside(late, LATE)
        .equal(
            "adverts of b during it",
            |m| m.text("/during/b/adverts"),
            |c| counted(Capture::count(c.adverts(B), c.act(0), c.act(1))),
        )
        .equal(
            "GARPs of a during it",
            |m| m.text("/during/a/garps"),
            |c| counted(Capture::count(c.claims(A), c.act(0), c.act(1))),
        )
        .equal(
            "who holds the address, during and after",
            |m| m.value("/h").map(spelled),
            |c| {
                let after = c.holders(VIP, c.act(1) + 5 * SECOND);
                Some(format!("{} {after}", c.holders(VIP, c.act(1))))
            },
        )
        .equal("what goes over the bridge first after it", measured_order, seen_order)
}
fn spelled(list: &serde_json::Value) -> String {
    let words = list.as_array().into_iter().flatten().filter_map(|word| word.as_str());
    words.collect::<Vec<_>>().join(" ")
}

/// Both directions of a's port are silent.
fn split(name: &'static str, near: Nanos, heal: Nanos) -> Case {
    Case::new(name, 34)
        .act(near, "cut a <-> *")
        .after('a', a_before)
        .act(heal, "heal")
        .after('a', |m| Some(SECOND + 200_000 - m.time("/after/a/first/0")?))
        .about(|m| m.less("/during/a/last_before", "/after/a/last_before"))
        .timer("last advert of a delivered -> first of b", d_takeover, takeover)
        .timer("last advert of a before -> its first after it", last_to_next, |c| {
            gap(c.last(A, c.act(0)), c.first(A, c.act(1)))
        })
        .equal("what goes over the bridge first after it", measured_order, seen_order)
        .equal(
            "who holds the address, during and after",
            |m| m.value("/h").map(spelled),
            |c| {
                let after = c.holders(VIP, c.act(1) + 5 * SECOND);
                Some(format!("{} {after}", c.holders(VIP, c.act(1))))
            },
        )
        .equal("GARPs of a after it, in s", after_heal, |c| {
            let claims = Capture::since(c.claims(A), c.act(1));
            let first = claims.first().copied().unwrap_or(0);
            Some(bursts(&claims.iter().map(|at| at - first).collect::<Vec<_>>()))
        })
}
fn last_to_next(m: &Figures) -> Option<Nanos> {
    m.less("/after/a/first/0", "/after/a/last_before")
}
fn after_heal(m: &Figures) -> Option<String> {
    let claims = m.times("/after/a/garp");
    let first = claims.first().copied().unwrap_or(0);
    Some(bursts(&claims.iter().map(|at| at - first).collect::<Vec<_>>()))
}

/// Splits.
pub fn cases() -> Vec<Case> {
    vec![
        one_way(),
        harmless(),
        equals(),
        stale(),
        d_one_way("d09_lower_prio_no_advert_oneway", 10_185, 22_231, 33, &[1]).equal(
            "adverts of a during it",
            |m| m.text("/during/a/adverts"),
            |c| counted(Capture::count(c.adverts(A), c.act(0), c.act(1))),
        ),
        d_one_way("d09b_higher_prio_send_advert_oneway", 10_188, 22_201, 33, &[3]),
        split("d09d_split_lower_prio_no_advert_good", 10_204, 19_915),
        split("d09e_split_default_bad", 10_872, 20_360),
        split("d09f_split_default_good", 9_973, 19_913),
        d_one_way("d10_garp_lower_prio_delay2_repeat2", 10_093, 22_110, 30, &[]),
        d_one_way("d10b_garp_lower_prio_repeat0", 9_877, 18_893, 27, &[]),
        d_one_way("d10c_garp_lower_prio_delay0", 10_026, 19_048, 27, &[3]),
    ]
}
