//! SIGHUP: the same text, another one, a broken one.

use crate::capture::{A, B, Capture, Sort, VIP, VIP_13, bursts, gap};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos, SECOND};

fn before(m: &Figures) -> Option<Nanos> {
    m.time("/a/last_before").map(|at| -at)
}
fn list(path: &'static str, m: &Figures) -> Vec<Nanos> {
    m.time(path).into_iter().collect()
}
/// The n-th advertisement of a node after the signal, goodbyes among them.
fn nth(c: &Capture, node: havip_sim::world::NodeId, n: usize) -> Option<Nanos> {
    let all = c.frames.iter().filter(|frame| frame.node == node && matches!(frame.sort, Sort::Advert(..)));
    let at = all.filter(|frame| frame.at >= c.act(0)).nth(n).map(|frame| frame.at);
    gap(Some(c.act(0)), at)
}
/// The priorities a shows after the signal, as the harness lists them.
fn priorities(c: &Capture) -> Option<String> {
    let priority = |sort: Sort| match sort {
        Sort::Advert(_, priority) => Some(priority),
        Sort::Claim(_) => None,
    };
    let all = c.frames.iter().filter(|frame| frame.node == A && frame.at >= c.act(0));
    let mut seen: Vec<u8> = all.filter_map(|frame| priority(frame.sort)).collect();
    seen.sort_unstable();
    seen.dedup();
    Some(format!("{seen:?}").replace(' ', ""))
}
fn claims(c: &Capture) -> Option<String> {
    Some(bursts(&Capture::since(c.claims(A), c.act(0))))
}

/// `.12 5, .13 5`: how many of the first dozen seconds are for which address.
fn by_address(m: &Figures) -> Option<String> {
    let all = m.value("/garp_by_ip")?.as_object()?;
    let counts = all.iter().filter_map(|(address, at)| {
        let n = at.as_array()?.len();
        (n > 0).then(|| format!("{address} {n}"))
    });
    Some(counts.collect::<Vec<_>>().join(", "))
}
fn claims_by_address(c: &Capture) -> Option<String> {
    let mut counts = std::collections::BTreeMap::new();
    for frame in c.claims(A).filter(|frame| (c.act(0)..c.act(0) + 12 * SECOND).contains(&frame.at)) {
        if let Sort::Claim(address) = frame.sort {
            *counts.entry(address).or_insert(0) += 1;
        }
    }
    Some(counts.iter().map(|(address, n)| format!("{address} {n}")).collect::<Vec<_>>().join(", "))
}

/// What d04e has and the simulator has not.
const TAKES_LONG: &str = "between the last line of its log about the file and its goodbye keepalived does something for 8 \
                          to 20 ms that it logs nothing of, and that it does not do where an instance is left (d04g, \
                          d04k: 0.2 to 0.5 ms). The agent reads, finds nothing and takes leave in one step, whose \
                          frames are a burst's spacing apart; a row of the host table delays what a program hears, \
                          and here something is late within what it does";

/// A reload of the master with another file.
fn reload(name: &'static str, near: Nanos, no_second: &'static [usize]) -> Case {
    Case::new(name, near / 1000 + 14)
        .act(near, "reload a with a.reload.conf")
        .after('a', before)
        .host("SIGHUP -> first advert", |m| list("/a/first/0", m), |c| nth(c, A, 0).into_iter().collect())
        .timer(
            "first advert -> second advert",
            |m| m.less("/a/first/1", "/a/first/0"),
            |c| Some(nth(c, A, 1)? - nth(c, A, 0)?),
        )
        .outside(no_second, TAKES_LONG)
        .equal("priorities that a shows", |m| m.text("/a/prios"), priorities)
        .equal("GARPs of a after it, in s", |m| Some(bursts(&m.times("/a/garp"))), claims)
        .equal("who holds the address at the end", holders, |c| Some(c.holders(VIP, c.act(0) + 11_900 * MS)))
}
/// Which of them a claims.
fn each_claimed(case: Case) -> Case {
    case.equal("GARPs of a by address", by_address, claims_by_address)
}
fn holders(m: &Figures) -> Option<String> {
    match m.value("/holders")? {
        serde_json::Value::Object(all) => Some(all.get("172.16.16.12")?.as_str()?.to_owned()),
        _ => m.text("/holders"),
    }
}
/// b takes over, or becomes a second master.
fn then_b(case: Case) -> Case {
    case.timer(
        "first advert of a after it -> first of b",
        |m| m.less("/b/first/0", "/a/first/0"),
        |c| Some(nth(c, B, 0)? - nth(c, A, 0)?),
    )
}
fn then_prio0(case: Case) -> Case {
    case.timer(
        "prio 0 -> first advert of b",
        |m| m.less("/b/first/0", "/a/prio0/0"),
        |c| gap(c.goodbye(A, c.act(0)), c.first(B, c.act(0))),
    )
}
fn second_address(case: Case) -> Case {
    case.equal(
        "who holds the second address",
        |m| m.text("/holders/172.16.16.13"),
        |c| Some(c.holders(VIP_13, c.act(0) + 11_900 * MS)),
    )
}

/// Reloads.
pub fn cases() -> Vec<Case> {
    vec![
        each_claimed(reload("d04a_hup_same", 10_635, &[])),
        then_b(each_claimed(reload("d04b_hup_prio80", 10_054, &[]))),
        second_address(then_b(each_claimed(reload("d04c_hup_vip_added", 10_648, &[])))),
        second_address(then_b(reload("d04d_hup_vip_removed", 10_791, &[]))),
        each_claimed(reload("d04e2_hup_missing_brace", 9_891, &[])),
        each_claimed(reload("d04e3_hup_unknown_keyword", 10_315, &[])),
        then_prio0(each_claimed(reload("d04e_hup_syntax_error", 10_339, &[1, 2, 3]))),
        then_prio0(each_claimed(reload("d04g_hup_vrid_changed", 9_973, &[]))).timer(
            "SIGHUP -> the new instance's first advert",
            |m| m.time("/a/first/2"),
            |c| nth(c, A, 2),
        ),
        each_claimed(reload("d04i_hup_prio110_master", 10_518, &[])),
        Case::new("d04j_hup_backup_same", 24)
            .act(10_314, "reload b with b.reload.conf")
            .after('a', before)
            .timer(
                "SIGHUP -> a's next advert",
                |m| m.time("/a/first/0"),
                |c| gap(Some(c.act(0)), c.first(A, c.act(0))),
            )
            .equal(
                "adverts of b after it",
                |m| Some(m.times("/b/first").len().to_string()),
                |c| Some(Capture::count(c.adverts(B), c.act(0), 22 * SECOND).to_string()),
            )
            .equal("who holds the address at the end", holders, |c| Some(c.holders(VIP, 22 * SECOND))),
        then_prio0(each_claimed(reload("d04k_hup_instance_removed", 10_390, &[]))).timer(
            "SIGHUP -> the new instance's first advert",
            |m| m.time("/a/first/2"),
            |c| nth(c, A, 2),
        ),
    ]
}
