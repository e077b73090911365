//! The master dies or leaves: by kill, by signal, by its cable.

use havip::program::Role;

use crate::capture::{A, B, C, Capture, VIP, VIP_13, gap};
use crate::case::{Case, LATE};
use crate::figures::{Figures, MS, Nanos, SECOND};
use crate::play::PING;

/// How long after a's last advertisement it was killed.
fn killed(m: &Figures) -> Option<Nanos> {
    m.less("/last_advert_to_first_advert", "/cmd_to_first_advert")
}
pub(super) fn killed_2(m: &Figures) -> Option<Nanos> {
    m.less("/last_to_first_advert", "/cmd_to_first_advert")
}
pub(super) fn takeover(c: &Capture) -> Option<Nanos> {
    gap(c.last(A, c.act(0)), c.first(B, c.act(0)))
}
/// From the new master's first advertisement to its first claim.
pub(super) fn claimed(c: &Capture) -> Vec<Nanos> {
    gap(c.first(B, c.act(0)), c.claim(B, c.act(0))).into_iter().collect()
}
/// From a's goodbye to b's first advertisement.
pub(super) fn succession(c: &Capture) -> Option<Nanos> {
    let goodbye = c.goodbye(A, c.act(0))?;
    gap(Some(goodbye), c.first(B, goodbye))
}
pub(super) fn goodbyes(c: &Capture) -> Option<String> {
    Some(c.goodbyes(A).filter(|frame| frame.at >= c.act(0)).count().to_string())
}
/// From the signal to the goodbye.
pub(super) fn obeyed(c: &Capture) -> Vec<Nanos> {
    gap(Some(c.act(0)), c.goodbye(A, c.act(0))).into_iter().collect()
}

pub(super) fn ordered(m: &Figures) -> Vec<Nanos> {
    m.time("/cmd_to_prio0")
        .or_else(|| m.less("/cmd_to_first_advert", "/prio0_to_first_advert"))
        .into_iter()
        .collect()
}

/// The pings that went unanswered between two answers: a gap of 7 intervals has lost 6. Which it is of two
/// neighbouring numbers is the phase of the client's ping, which no figure has.
pub(super) fn lost(gap: Nanos) -> Nanos {
    (gap + PING / 2) / PING - 1
}
/// Lost pings as lengths of time, so that they can be held as a range.
pub(super) fn lost_pings(m: &Figures) -> Vec<Nanos> {
    lost_pings_at(m, "/ping_gap")
}
pub(super) fn lost_pings_at(m: &Figures, path: &str) -> Vec<Nanos> {
    m.time(path).map(|gap| lost(gap) * PING).into_iter().collect()
}
pub(super) fn lost_probes(c: &Capture) -> Vec<Nanos> {
    c.longest_gap(c.act(0), PING).map(|gap| lost(gap) * PING).into_iter().collect()
}

/// Who answered an ARP request for the address: who holds it.
pub(super) fn answering(m: &Figures) -> Option<String> {
    let list =
        m.value("/arping_after").or_else(|| m.value("/arping_during")).or_else(|| m.value("/arping"))?;
    let each: std::collections::BTreeSet<&str> =
        list.as_array()?.iter().filter_map(|one| one.as_str()).collect();
    Some(each.into_iter().collect())
}

/// kill -9 of the master, or of all but the last.
fn kill(name: &'static str, near: Nanos, seconds: Nanos, late: &'static [usize]) -> Case {
    Case::new(name, seconds)
        .act(near, "kill a")
        .after('a', killed)
        .timer("last advert of a -> first of b", |m| m.time("/last_advert_to_first_advert"), takeover)
        .outside(late, LATE)
        .host(
            "b's first advert -> its first GARP",
            |m| m.time("/advert_to_garp").into_iter().collect(),
            claimed,
        )
        .host("lost pings, as a length", lost_pings, lost_probes)
}

/// SIGTERM of the master.
fn stop(name: &'static str, near: Nanos, seconds: Nanos, late: &'static [usize]) -> Case {
    Case::new(name, seconds)
        .act(near, "stop a")
        .timer("prio 0 -> first advert of b", |m| m.time("/prio0_to_first_advert"), succession)
        .outside(late, LATE)
        .equal("prio 0 adverts", |m| m.text("/n_prio0"), goodbyes)
        .host("SIGTERM -> prio 0", ordered, obeyed)
        .host("lost pings, as a length", lost_pings, lost_probes)
}

/// The cable out and in again.
fn unplug(name: &'static str, near: Nanos, back: Nanos, late_log: &'static [usize]) -> Case {
    Case::new(name, 34)
        .act(near, "unplug a")
        .after('a', killed)
        .act(back, "plug a")
        .after('b', |m| Some((-m.time("/b_last_advert_after_up")?).rem_euclid(SECOND + 200_000)))
        .timer("last advert of a -> first of b", |m| m.time("/last_advert_to_first_advert"), takeover)
        .timer(
            "cable in -> b's last advert",
            |m| m.time("/b_last_advert_after_up"),
            |c| gap(Some(c.act(1)), c.last(B, Nanos::MAX)),
        )
        .host("cable in -> a's first advert", |m| m.time("/up_to_a_first_advert").into_iter().collect(), |c| {
            gap(Some(c.act(1)), c.first(A, c.act(1))).into_iter().collect()
        })
        .host("cable in -> a's first GARP", |m| m.time("/up_to_a_first_garp").into_iter().collect(), |c| {
            gap(Some(c.act(1)), c.claim(A, c.act(1))).into_iter().collect()
        })
        .host("cable out -> FAULT", |m| m.time("/a_fault_log").into_iter().collect(), |c| {
            gap(Some(c.act(0)), c.role(A, Role::Fault, c.act(0))).into_iter().collect()
        })
        .host("cable in -> BACKUP", |m| m.time("/up_to_a_backup_log").into_iter().collect(), |c| {
            gap(Some(c.act(1)), c.role(A, Role::Backup, c.act(1))).into_iter().collect()
        })
        .timer(
            "a BACKUP -> a's first advert",
            |m| m.less("/up_to_a_first_advert", "/up_to_a_backup_log"),
            |c| gap(c.role(A, Role::Backup, c.act(1)), c.first(A, c.act(1))),
        )
        .outside(
            late_log,
            "the line in the log is late, not the program: it stands 16.5 ms after the cable and the advert 3.6172 s, \
             as in the other runs",
        )
        .host("lost pings, as a length", lost_pings, lost_probes)
}

/// Three nodes.
fn three() -> [Case; 2] {
    let both = Case::new("c16_three_nodes_two_die", 20)
        .act(10_174, "kill a")
        .after('a', killed)
        .act(10_174, "kill b")
        .after('a', killed)
        .timer(
            "last advert of a -> first of c",
            |m| m.time("/last_advert_to_first_advert"),
            |c| gap(c.last(A, c.act(0)), c.first(C, c.act(0))),
        )
        .outside(&[2, 3], LATE);
    let one_by_one = Case::new("c16b_three_nodes_sequential", 30)
        .act(10_743, "kill a")
        .after('a', killed)
        .act(20_620, "kill b")
        .after('b', |m| m.less("/second_last_advert_to_first_advert", "/second_cmd_to_first_advert"))
        .timer("last advert of a -> first of b", |m| m.time("/last_advert_to_first_advert"), takeover)
        .timer(
            "last advert of b -> first of c",
            |m| m.time("/second_last_advert_to_first_advert"),
            |c| gap(c.last(B, c.act(1)), c.first(C, c.act(1))),
        )
        .equal(
            "adverts of c before",
            |m| m.text("/c_adverts_before_second_kill"),
            |c| Some(Capture::count(c.adverts(C), 0, c.act(1)).to_string()),
        );
    [both, one_by_one]
}

/// `down_timer_adverts`.
fn down_timer() -> [Case; 3] {
    let kill = |name, near, back| {
        Case::new(name, 19)
            .act(near, "kill a")
            .after('a', killed_2)
            .act(back, "start a")
            .timer("last advert of a -> first of b", |m| m.time("/last_to_first_advert"), takeover)
            .timer(
                "a BACKUP -> a's first advert",
                |m| m.time("/a_backup_to_first"),
                |c| gap(c.role(A, Role::Backup, c.act(1)), c.first(A, c.act(1))),
            )
            .host(
                "b's first advert -> its first GARP",
                |m| m.time("/advert_to_garp").into_iter().collect(),
                claimed,
            )
    };
    let stop = Case::new("d08d_down_timer_2_term", 13)
        .act(9_393, "stop a")
        .timer("prio 0 -> first advert of b", |m| m.time("/prio0_to_first_advert"), succession)
        .equal("prio 0 adverts", |m| m.text("/n_prio0"), goodbyes);
    [kill("d08_down_timer_2", 9_048, 14_049), kill("d08c_down_timer_1", 7_981, 12_982), stop]
}

/// A backup takes the master's interval over.
fn learned() -> [Case; 2] {
    let case = |name, near, back, seconds| {
        Case::new(name, seconds)
            .act(near, "kill a")
            .after('a', killed_2)
            .act(back, "start a")
            .timer("last advert of a -> first of b", |m| m.time("/last_to_first_advert"), takeover)
            .timer(
                "a BACKUP -> a's first advert",
                |m| m.time("/a_back_backup_log_to_first"),
                |c| gap(c.role(A, Role::Backup, c.act(1)), c.first(A, c.act(1))),
            )
            .equal(
                "adverts of b before",
                |m| m.text("/b_adverts_before_kill"),
                |c| Some(Capture::count(c.adverts(B), 0, c.act(0)).to_string()),
            )
            .host(
                "exec -> a's first advert",
                |m| m.time("/a_back_first").into_iter().collect(),
                |c| gap(Some(c.act(1)), c.first(A, c.act(1))).into_iter().collect(),
            )
            .timer(
                "between a's adverts before",
                |m| m.time("/a_adv_gap/1"),
                |c| {
                    let since = Capture::since(c.adverts(A), 0);
                    Some(since.get(2)? - since.get(1)?)
                },
            )
            .equal(
                "who holds the address at the end",
                |m| m.text("/h"),
                |c| Some(c.holders(VIP, c.act(1) + 5_900 * MS)),
            )
            .timer(
                "between b's first two adverts",
                |m| m.time("/b_adv_gap/1"),
                |c| {
                    let since = Capture::since(c.adverts(B), c.act(0));
                    Some(since.get(2)? - since.get(1)?)
                },
            )
    };
    [case("d13_v3_a01_b1", 7_099, 12_103, 18).every(100), case("d13b_v3_a1_b01", 10_834, 16_836, 22)]
}

/// SIGSTOP for ten seconds, and SIGCONT.
fn thaw() -> Case {
    Case::new("d12_timer_expired_backup", 28)
        .act(10_586, "freeze a")
        .after('a', |m| m.less("/fo/last_to_first_advert", "/fo/cmd_to_first_advert"))
        .act(20_586, "thaw a")
        .timer("last advert of a -> first of b", |m| m.time("/fo/last_to_first_advert"), takeover)
        .timer(
            "thaw -> a's first advert",
            |m| m.time("/thaw/a/first/0"),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))),
        )
        .equal("adverts of a in the 10 ms after the thaw", adverts_at_once, |c| {
            Some(Capture::count(c.adverts(A), c.act(1), c.act(1) + 10 * MS).to_string())
        })
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 28 * SECOND)))
        .equal("GARPs of a in the 10 ms after the thaw", garps_at_once, |c| {
            Some(Capture::count(c.claims(A), c.act(1), c.act(1) + 10 * MS).to_string())
        })
        .timer(
            "thaw -> b without the address",
            |m| {
                let list = m.value("/thaw/addr")?.as_array()?;
                let del = list.iter().position(|row| row[1] == "b")?;
                m.time(&format!("/thaw/addr/{del}/0"))
            },
            |c| gap(Some(c.act(1)), c.address(B, VIP, false, c.act(1))),
        )
}

fn garps_at_once(m: &Figures) -> Option<String> {
    Some(m.times("/thaw/a/garp").iter().filter(|&&at| at < 10 * MS).count().to_string())
}
fn adverts_at_once(m: &Figures) -> Option<String> {
    Some(m.times("/thaw/a/first").iter().filter(|&&at| at < 10 * MS).count().to_string())
}

/// The last bytes of the addresses that the first 20 claims are for.
fn garps_of(m: &Figures) -> Option<String> {
    let list = m.value("/garp")?.as_array()?;
    let last = |row: &serde_json::Value| Some(row[1].as_str()?.rsplit('.').next()?.to_owned());
    Some(list.iter().take(20).filter_map(last).collect::<Vec<_>>().join(" "))
}

/// Takeovers.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        kill("c02_kill9_both", 10_120, 21, &[])
            .equal("prio 0 adverts", |m| m.text("/a_prio0"), goodbyes)
            .equal("who answers for the address at the end", answering, |c| {
                Some(c.holders(VIP, 21 * SECOND))
            }),
        Case::new("c02b_kill9_parent", 19)
            .act(10_647, "stop a")
            .equal("prio 0 adverts", |m| m.text("/a_prio0"), goodbyes)
            .timer("prio 0 -> first advert of b", |m| m.time("/prio0_to_first_advert"), succession)
            .outside(&[2, 3], LATE),
        stop("c03_sigterm", 10_606, 20, &[1, 4])
            .equal("who answers for the address after it", answering, |c| {
                Some(c.holders(VIP, c.act(0) + 2 * SECOND))
            })
            .host(
                "SIGTERM -> the program is gone",
                |m| m.time("/a_exit_after_cmd").into_iter().collect(),
                |c| gap(Some(c.act(0)), c.gone(A, c.act(0))).into_iter().collect(),
            ),
        unplug("c04_link_down_own", 9_925, 19_946, &[]),
        unplug("c04b_link_down_peer", 9_965, 19_996, &[3]),
        kill("c13_v3_100ms_kill9", 6_673, 11, &[3]).every(100),
        Case::new("c13b_v3_100ms_term", 12)
            .every(100)
            .act(7_491, "stop a")
            .timer("prio 0 -> first advert of b", |m| m.time("/prio0_to_first_advert"), succession)
            .equal("prio 0 adverts", |m| m.text("/n_prio0"), goodbyes),
        kill("c17_multicast_kill9", 10_195, 19, &[]),
        stop("c17b_multicast_term", 10_284, 16, &[]),
        Case::new("c19_backup_dies", 15)
            .act(10_261, "kill b")
            .equal(
                "GARPs of a after it",
                |m| m.text("/a_garps"),
                |c| Some(Capture::count(c.claims(A), c.act(0), Nanos::MAX).to_string()),
            )
            .host("lost pings, as a length", lost_pings, lost_probes),
        thaw(),
        Case::new("d19_two_vips_one_excluded", 18)
            .act(10_374, "kill a")
            .after('a', killed_2)
            .timer("last advert of a -> first of b", |m| m.time("/last_to_first_advert"), takeover)
            .equal(
                "who holds the four addresses at the end",
                |m| {
                    let of = |last| m.text(&format!("/h/172.16.16.{last}"));
                    Some([of(12)?, of(13)?, of(14)?, of(15)?].join(" "))
                },
                |c| {
                    let of = |last| c.holders(std::net::Ipv4Addr::new(172, 16, 16, last), 17_900 * MS);
                    Some([of(12), of(13), of(14), of(15)].join(" "))
                },
            )
            .equal("whose GARPs b sends first", garps_of, |c| {
                let of_it = c.claims(B).filter(|frame| frame.at >= c.act(0)).take(20);
                Some(of_it.map(|frame| frame.bytes[31].to_string()).collect::<Vec<_>>().join(" "))
            }),
        Case::new("d19b_two_vips_order_swapped", 10)
            .equal(
                "who holds the first address",
                |m| m.text("/h/172.16.16.12"),
                |c| Some(c.holders(VIP, 9_900 * MS)),
            )
            .equal(
                "who holds the second one",
                |m| m.text("/h/172.16.16.13"),
                |c| Some(c.holders(VIP_13, 9_900 * MS)),
            )
            // a was first up in every run.
            .seeded(|_, c| c.first(B, 0).is_none()),
    ];
    cases.extend(three());
    cases.extend(down_timer());
    cases.extend(learned());
    cases
}
