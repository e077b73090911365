//! Sync groups and what is told of them.

use super::shared::{came_and_went, in_turn};
use super::takeover::{lost_pings, lost_probes};
use crate::capture::{A, B, Capture, VIP, VIP_17, bursts, gap};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos, SECOND};

/// Why VI_1 follows VI_2 late.
const STALLED: &str = "the program stood still for some 20 ms between VI_2's advert and its GARPs, and came to VI_1 \
                       after that; the host table has no such tail";

/// So long before the act came a's advertisement of the first instance.
fn before(m: &Figures) -> Option<Nanos> {
    m.time("/VI_1/a_last_before/0").map(|at| -at)
}
fn takeover(c: &Capture) -> Option<Nanos> {
    gap(c.last(A, c.act(0)), c.first(B, c.act(0)))
}
/// `1 0`: of the first instance, and of the second.
fn prio_0s(m: &Figures) -> Option<String> {
    Some(format!("{} {}", m.count("/VI_1/a_prio0")?, m.count("/VI_2/a_prio0")?))
}
fn goodbyes(c: &Capture) -> Option<String> {
    let of = |c: &Capture| c.goodbyes(A).filter(|frame| frame.at >= c.act(0)).count();
    Some(format!("{} {}", of(c), of(&c.second())))
}
fn held(m: &Figures, when: &str) -> Option<String> {
    let of = |address: &str| m.text(&format!("/{when}/{address}"));
    Some(format!("{} {}", of("172.16.16.12")?, of("172.16.17.12")?))
}
fn holders(c: &Capture, at: Nanos) -> Option<String> {
    Some(format!("{} {}", c.holders(VIP, at), c.holders(VIP_17, at)))
}

/// The cable of the second interface, out and in again.
fn unplug(name: &'static str, near: Nanos, back: Nanos) -> Case {
    Case::new(name, 35)
        .act(near, "unplug a.eth1")
        .after('a', before)
        .act(back, "plug a.eth1")
        .after('b', phase_of_b)
        .equal("prio 0 adverts of VI_1 and VI_2", prio_0s, goodbyes)
        .timer(
            "last advert of VI_2 -> b's first of VI_2",
            |m| m.time("/VI_2/last_to_first"),
            |c| takeover(&c.second()),
        )
        .equal("who holds the two addresses, cable out", |m| held(m, "h1"), |c| holders(c, c.act(1)))
        .host(
            "cable in -> a's first advert of VI_2",
            |m| m.time("/VI_2/up_a_first/0").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.second().first(A, c.act(1))).into_iter().collect(),
        )
        .equal("who holds them, cable in", |m| held(m, "h2"), |c| holders(c, c.act(1) + 13 * SECOND))
        .host("lost pings of VI_1's client, as a length", lost_pings, lost_probes)
}
/// b's last advertisement of the first instance, or a's next, says how long before the act one came.
fn phase_of_b(m: &Figures) -> Option<Nanos> {
    Some((-m.time("/VI_1/up_b_last/0")?).rem_euclid(SECOND + 200_000))
}
/// With a group what befalls one instance befalls the other.
fn together(case: Case) -> Case {
    case.timer("last advert of VI_1 -> b's first of VI_1", |m| m.time("/VI_1/last_to_first"), takeover)
        .outside(
            &[3],
            "a's last advert of VI_2 came 2.8 ms after that of VI_1, and the group waits for the later of its timers; \
             two adverts of one tick are not told apart by so much here",
        )
        .host(
            "cable out -> prio 0 of VI_1",
            |m| m.times("/VI_1/a_prio0"),
            |c| gap(Some(c.act(0)), c.goodbye(A, c.act(0))).into_iter().collect(),
        )
        .host(
            "cable in -> a's first advert of VI_1",
            |m| m.time("/VI_1/up_a_first/0").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))).into_iter().collect(),
        )
}
/// Without one the other goes on.
fn apart(case: Case) -> Case {
    case.equal(
        "adverts of b for VI_1",
        |m| Some(m.times("/VI_1/b_during").len().to_string()),
        |c| Some(Capture::count(c.adverts(B), c.act(0), c.act(1)).to_string()),
    )
}
fn sooner(first: Option<Nanos>, second: Option<Nanos>) -> Option<String> {
    Some(if second? < first? { "VI_2" } else { "VI_1" }.to_owned())
}
/// Rows of a group whose master ends.
fn ends(case: Case) -> Case {
    case.equal("prio 0 adverts of VI_1 and VI_2", prio_0s, goodbyes)
        .equal(
            "whose advert of b is first",
            |m| sooner(m.time("/VI_1/b_during/0"), m.time("/VI_2/b_during/0")),
            |c| sooner(c.first(B, c.act(0)), c.second().first(B, c.act(0))),
        )
        .equal(
            "who holds the two addresses at the end",
            |m| held(m, "h1"),
            |c| holders(c, c.act(0) + 9_900 * MS),
        )
        .host("lost pings, as a length", lost_pings, lost_probes)
}
fn kill() -> Case {
    let case = Case::new("d03c_sync_kill9", 22)
        .act(10_841, "kill a")
        .after('a', before)
        .timer("last advert of VI_1 -> b's first of VI_1", |m| m.time("/VI_1/last_to_first"), takeover)
        .outside(&[3, 5], STALLED)
        .timer(
            "last advert of VI_2 -> b's first of VI_2",
            |m| m.time("/VI_2/last_to_first"),
            |c| takeover(&c.second()),
        );
    ends(case)
}
fn stop() -> Case {
    let succession = |c: &Capture| gap(c.goodbye(A, c.act(0)), c.first(B, c.act(0)));
    let case = Case::new("d03d_sync_term", 22)
        .act(10_243, "stop a")
        .after('a', before)
        .timer(
            "prio 0 of VI_1 -> b's first of VI_1",
            |m| m.less("/VI_1/b_during/0", "/VI_1/a_prio0/0"),
            succession,
        )
        .outside(&[2], STALLED)
        .timer(
            "prio 0 of VI_2 -> b's first of VI_2",
            |m| m.less("/VI_2/b_during/0", "/VI_2/a_prio0/0"),
            |c| gap(c.second().goodbye(A, c.act(0)), c.second().first(B, c.act(0))),
        );
    ends(case)
}

/// One instance's figures, and the capture on its bridge.
type Instance = (&'static str, fn(&Capture) -> Capture);
const INSTANCES: [Instance; 2] = [("VI_1", Capture::clone), ("VI_2", Capture::second)];

/// `7 adverts, GARPs: 5 at 0.0, 5 at 5.0`, in s after the first.
fn worded(adverts: usize, garps: &[Nanos]) -> String {
    let first = garps.first().copied().unwrap_or(0);
    let since: Vec<Nanos> = garps.iter().map(|at| at - first).collect();
    let adverts = if adverts == 0 { String::new() } else { format!("{adverts} adverts, ") };
    format!("{adverts}GARPs: {}", bursts(&since))
}
/// Both addresses of a node move within a millisecond: in which order is how long the kernel takes for each.
fn settled(moves: &str) -> String {
    let mut each: Vec<&str> = moves.split(", ").collect();
    each.sort_unstable();
    each.join(", ")
}
/// Rows that every case of two instances has.
fn of_each(mut case: Case) -> Case {
    let returns = case.steps.len() > 1;
    for (name, bridge) in INSTANCES {
        let path = move |figure: &str| format!("/{name}/{figure}");
        case = case
            .host(
                format!("exec -> a's first advert of {name}"),
                move |m| m.times(&path("a_first")),
                move |c| bridge(c).first(A, 0).into_iter().collect(),
            )
            .equal(
                format!("what b sends of {name} then"),
                move |m| Some(worded(m.times(&path("b_during")).len(), &m.times(&path("b_garp")))),
                move |c| {
                    let (from, to) = (c.act(0), c.act(0) + if returns { 10_080 * MS } else { 10 * SECOND });
                    let seen = bridge(c);
                    let garps = seen.claims(B).map(|frame| frame.at).filter(|at| (from..to).contains(at));
                    Some(worded(Capture::count(seen.adverts(B), from, to), &garps.collect::<Vec<_>>()))
                },
            );
        if returns {
            case = case.equal(
                format!("GARPs of a for {name}, cable in, in s after the first, six of them"),
                move |m| Some(worded(0, &m.times(&path("up_a_garp")))),
                move |c| {
                    let garps = Capture::since(bridge(c).claims(A), c.act(1));
                    Some(worded(0, &garps.into_iter().take(6).collect::<Vec<_>>()))
                },
            );
        }
        if returns && case.name == "d03_sync_cable_eth1" {
            case = case.timer(
                format!("cable in -> b's last advert of {name}"),
                move |m| m.time(&path("up_b_last/0")),
                move |c| gap(Some(c.act(1)), bridge(c).last(B, Nanos::MAX)),
            );
        }
    }
    case =
        case.equal("who holds the two addresses before", |m| held(m, "h0"), |c| holders(c, c.act(0))).equal(
            "addresses that come and go",
            |m| came_and_went(m, "/addr_down").map(|moves| settled(&moves)),
            |c| Some(settled(&in_turn(c.moves(c.act(0), c.act(0) + 10 * SECOND)))),
        );
    if returns {
        case = case.equal(
            "addresses that come and go, cable in",
            |m| came_and_went(m, "/addr_up").map(|moves| settled(&moves)),
            |c| Some(settled(&in_turn(c.moves(c.act(1), Nanos::MAX)))),
        );
    }
    case
}

/// Groups.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        of_each(together(unplug("d03_sync_cable_eth1", 10_316, 20_450))),
        of_each(kill()),
        of_each(stop()),
        of_each(apart(unplug("d03e_nosync_cable_eth1", 10_489, 20_573))),
    ];
    cases.extend(super::notify::cases());
    cases
}
