//! What a program watches: scripts, files, its interface, its address.

use havip::program::Role;

use super::shared::{came_and_went, in_turn};
use super::takeover::answering;
use crate::capture::{A, B, Capture, Frame, Sort, VIP, gap};
use crate::case::{Case, LATE};
use crate::figures::{Figures, MS, Nanos, SECOND};

/// Why an act that has its place by one timer lies elsewhere by another.
const PHASES: &str = "the act has its place by the advertisements before it, and the figure hangs on another timer, \
                      the script's or the other node's: between two timers lies all that each was served late since \
                      the start, and the bench served one in a hundred more than 11 ms late";

fn before(m: &Figures) -> Option<Nanos> {
    m.time("/a/last_before").map(|at| -at)
}

/// The address is taken from the master by hand.
fn deleted() -> Case {
    Case::new("d05_vip_deleted_on_master", 21)
        .act(10_223, "tamper a del 172.16.16.12")
        .after('a', before)
        .equal(
            "prio 0 adverts",
            |m| m.count("/a/prio0"),
            |c| Some(c.goodbyes(A).filter(|frame| frame.at >= c.act(0)).count().to_string()),
        )
        .timer(
            "prio 0 -> a's first advert",
            |m| m.less("/a/first/1", "/a/first/0"),
            |c| gap(c.goodbye(A, c.act(0)), c.first(A, c.act(0))),
        )
        .timer(
            "address gone -> address back",
            |m| m.less("/addr/1/0", "/addr/0/0"),
            |c| {
                let gone = c.address(A, VIP, false, c.act(0))?;
                gap(Some(gone), c.address(A, VIP, true, gone))
            },
        )
        .equal(
            "adverts of b after it",
            |m| Some(m.times("/b/first").len().to_string()),
            |c| Some(Capture::count(c.adverts(B), c.act(0), Nanos::MAX).to_string()),
        )
        .equal(
            "who holds the address at the end",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP, 19 * SECOND)),
        )
}
/// The same three times.
fn flapped() -> Case {
    Case::new("d05d_vip_flapped_3x", 25)
        .act(10_658, "tamper a del 172.16.16.12")
        .after('a', before)
        .act(12_965, "tamper a del 172.16.16.12")
        .act(15_272, "tamper a del 172.16.16.12")
        .equal(
            "prio 0 adverts",
            |m| m.count("/a/prio0"),
            |c| Some(c.goodbyes(A).filter(|frame| frame.at >= c.act(0)).count().to_string()),
        )
        .timer(
            "first prio 0 -> a's next advert",
            |m| m.less("/a/first/1", "/a/first/0"),
            |c| gap(c.goodbye(A, c.act(0)), c.first(A, c.act(0))),
        )
        .equal(
            "who holds the address at the end",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP, 23 * SECOND)),
        )
}
/// The address is given to the backup by hand.
fn added() -> [Case; 2] {
    let killed = Case::new("d05b_vip_added_on_backup", 23)
        .act(10_796, "tamper b add 172.16.16.12")
        .after('a', before)
        .act(16_836, "kill a")
        .after('a', |m| m.less("/fo/last_to_first_advert", "/fo/cmd_to_first_advert"))
        .equal(
            "who holds the address before the kill",
            |m| m.text("/holders"),
            |c| Some(c.holders(VIP, c.act(1))),
        )
        .timer(
            "last advert of a -> first of b",
            |m| m.time("/fo/last_to_first_advert"),
            |c| gap(c.last(A, c.act(1)), c.first(B, c.act(1))),
        )
        .equal("who answers for the address before the kill", answering, |c| Some(c.holders(VIP, c.act(1))))
        .equal(
            "addresses that come and go after the kill",
            |m| came_and_went(m, "/addr_after_kill"),
            |c| Some(in_turn(c.moves(c.act(1), c.act(1) + 6 * SECOND))),
        );
    let restarted = Case::new("d05c_vip_added_on_backup_then_restart", 20)
        .act(10_470, "tamper b add 172.16.16.12")
        .act(11_487, "stop b")
        .act(14_006, "start b")
        .equal(
            "who holds the address after b's stop",
            |m| m.text("/h_after_stop"),
            |c| Some(c.holders(VIP, c.act(2))),
        )
        .equal(
            "who holds it after b's start",
            |m| m.text("/h_after_start"),
            |c| Some(c.holders(VIP, c.act(2) + 4 * SECOND)),
        );
    [killed, restarted]
}

/// The harness's `holders` after each part, in one word.
fn spelled(m: &Figures) -> Option<String> {
    match m.value("/h")? {
        serde_json::Value::Array(list) => {
            Some(list.iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join(" "))
        }
        _ => m.text("/h"),
    }
}

/// What a advertises before and after a script fails, and who has the address.
fn shown(case: Case) -> Case {
    let of_a = |m: &Figures| {
        Some(m.value("/prios_a_after")?.as_array()?.iter().map(|row| row[1].to_string()).collect())
    };
    case.equal(
        "priorities of a before it",
        |m| m.text("/prios_a_before"),
        |c| Some(priorities(c.adverts(A).filter(|frame| frame.at < c.act(0)))),
    )
    .equal(
        "priorities of a after it, one by one",
        move |m| of_a(m).map(|all: Vec<String>| all.join(" ")),
        |c| {
            let of_a = c.frames.iter().filter(|frame| frame.node == A);
            let then = of_a.filter(|frame| (c.act(0)..c.act(0) + 10 * SECOND).contains(&frame.at));
            let all: Vec<String> = then.filter_map(|frame| Some(frame.priority()?.to_string())).collect();
            Some(all.join(" "))
        },
    )
    .equal(
        "who holds the address, script failing",
        |m| m.text("/holders_fail"),
        |c| Some(c.holders(VIP, c.act(1))),
    )
    .equal(
        "who holds the address, script well",
        |m| m.text("/holders_ok"),
        |c| Some(c.holders(VIP, c.act(1) + 9_900 * MS)),
    )
}
/// A tracked script fails twice in a row and costs 20.
fn weighted() -> Case {
    Case::new("c15_track_weight", 34)
        .act(10_327, "script chk down on a")
        .after('a', |m| Some(SECOND + 200_000 - m.time("/prios_a_after/0/0")?))
        .act(22_337, "script chk up on a")
        .then()
        .timer(
            "script fails -> b's first advert",
            |m| m.time("/fail_to_b_first"),
            |c| gap(Some(c.act(0)), c.first(B, c.act(0))),
        )
        .timer(
            "last advert of a -> b's first",
            |m| m.time("/last_a_advert_to_b_first"),
            |c| {
                let taken = c.first(B, c.act(0))?;
                gap(c.last(A, taken), Some(taken))
            },
        )
        .outside(
            &[3],
            "early, not late: b's timer runs from a's last advert of 100, and of the three of 80 that b discards the \
             second came 7 ms late (2.303 s, 3.310 s): so much less of it is left behind the last of them",
        )
        .timer(
            "script succeeds -> a's first advert",
            |m| m.time("/ok_to_a_first"),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))),
        )
        .outside(&[1, 2, 3, 4], PHASES)
}
/// A tracked script without weight: FAULT.
fn decisive() -> Case {
    Case::new("c15b_track_weight0", 34)
        .act(10_579, "script chk down on a")
        .after('a', |m| Some(SECOND + 200_000 - m.time("/prios_a_after/0/0")?))
        .act(22_590, "script chk up on a")
        .then()
        .timer(
            "script fails -> b's first advert",
            |m| m.time("/fail_to_b_first"),
            |c| gap(Some(c.act(0)), c.first(B, c.act(0))),
        )
        .outside(&[1, 2, 3], PHASES)
        .timer(
            "last prio 0 -> b's first advert",
            |m| m.time("/last_a_advert_to_b_first"),
            |c| {
                let last = c.goodbyes(A).rev().find(|frame| frame.at >= c.act(0)).map(|frame| frame.at);
                gap(last, c.first(B, c.act(0)))
            },
        )
        .timer(
            "script succeeds -> a's first advert",
            |m| m.time("/ok_to_a_first"),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))),
        )
        .outside(&[1, 3], PHASES)
}
/// `rise` and `fall`, hanging scripts: `interval` is the script's.
fn scripted(name: &'static str, near: Nanos, how: &'static str, back: Nanos, interval: Nanos) -> Case {
    let about: fn(&Figures) -> Option<Nanos> = if interval == 1 { |m| about(m, 1) } else { |m| about(m, 2) };
    Case::new(name, back / 1000 + 11)
        .act(near, how)
        .after('a', |m| m.time("/fail/a/last_before").map(|at| -at))
        .about(about)
        .act(back, "script chk up on a")
        .after('b', |m| m.time("/ok/b/last_before").map(|at| -at))
        .equal(
            "prio 0 adverts",
            |m| m.count("/fail/a/prio0"),
            |c| {
                Some(
                    c.goodbyes(A)
                        .filter(|frame| (c.act(0)..c.act(1)).contains(&frame.at))
                        .count()
                        .to_string(),
                )
            },
        )
        .timer(
            "last prio 0 -> b's first advert",
            |m| m.less("/fail/b/first/0", "/fail/a/prio0/1"),
            |c| {
                let last = c.goodbyes(A).rev().find(|frame| (c.act(0)..c.act(1)).contains(&frame.at));
                gap(last.map(|frame| frame.at), c.first(B, c.act(0)))
            },
        )
        .equal("who holds the address, down and up", spelled, |c| {
            Some(format!("{} {}", c.holders(VIP, c.act(1)), c.holders(VIP, c.act(1) + 8_900 * MS)))
        })
        .host(
            "script fails -> prio 0",
            |m| m.time("/fail/a/prio0/0").into_iter().collect(),
            |c| gap(Some(c.act(0)), c.goodbye(A, c.act(0))).into_iter().collect(),
        )
        .timer(
            "prio 0 -> a BACKUP again, which is a whole number of the script's runs",
            // BACKUP is told by the claim for its own address that goes before it.
            |m| Some(m.time("/ok/a/garp/0")? - m.time("/ok/a/last_before")?),
            |c| gap(c.goodbye(A, c.act(0)), c.role(A, Role::Backup, c.act(1))),
        )
}
/// From the first run of the script behind an act to what it led to. Runs are a second apart and lie on a lattice
/// that goes through their outcome.
fn since_the_first_run(act: Nanos, outcome: Nanos) -> Nanos {
    (outcome - act) / SECOND * SECOND
}
/// `fall 3` and `rise 3` are counted from the first run that fails, or succeeds.
fn counted(case: Case) -> Case {
    case.host(
        "first failing run, by the script's own clock -> prio 0",
        |m| m.less("/fail/a/prio0/0", "/script_runs/0").into_iter().collect(),
        |c| {
            let prio0 = c.goodbye(A, c.act(0));
            prio0.map(|prio0| since_the_first_run(c.act(0), prio0)).into_iter().collect()
        },
    )
    .host(
        "first good run, by the script's own clock -> a BACKUP",
        |m| m.less("/ok/a/garp/0", "/script_runs_ok/0").into_iter().collect(),
        |c| {
            let backup = c.role(A, Role::Backup, c.act(1));
            backup.map(|backup| since_the_first_run(c.act(1), backup)).into_iter().collect()
        },
    )
}
/// When the command came: scripts run `interval` seconds apart from 20 ms after exec on.
fn about(m: &Figures, interval: Nanos) -> Option<Nanos> {
    let phase = (20 * MS - m.time("/script_runs/0")?).rem_euclid(interval * SECOND);
    Some((10 * SECOND / (interval * SECOND)) * interval * SECOND + phase)
}

/// A file's number is a priority's part.
fn file_weighted() -> Case {
    Case::new("d14_track_file_w1", 30)
        .act(0, "file tf 0 on a")
        .act(10_752, "file tf -20 on a")
        .after('a', |m| m.time("/0 '-20\\n'/a/last_before").map(|at| -at))
        .act(19_411, "file tf 0 on a")
        .after('b', |m| m.time("/1 '0\\n'/b/last_before").map(|at| -at))
        .about(|m| Some(*m.times("/0 '-20\\n'/b/first").last()? - m.time("/1 '0\\n'/b/last_before")?))
        .timer(
            "last advert of 100 -> b's first",
            |m| m.less("/0 '-20\\n'/b/first/0", "/0 '-20\\n'/a/last_before"),
            |c| gap(c.last(A, c.act(1)), c.first(B, c.act(1))),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 28 * SECOND)))
}
/// A file's number is a verdict.
fn file_decisive() -> Case {
    Case::new("d14b_track_file_w0", 29)
        .act(0, "file tf 0 on a")
        .act(10_174, "file tf 1 on a")
        .after('a', |m| m.time("/0 '1\\n'/a/last_before").map(|at| -at))
        .act(18_832, "file tf 0 on a")
        .after('b', |m| m.time("/1 '0\\n'/b/last_before").map(|at| -at))
        .about(|m| Some(*m.times("/0 '1\\n'/b/first").last()? - m.time("/1 '0\\n'/b/last_before")?))
        .equal(
            "prio 0 adverts",
            |m| m.count("/0 '1\\n'/a/prio0"),
            |c| Some(c.goodbyes(A).filter(|frame| frame.at >= c.act(1)).count().to_string()),
        )
        .timer(
            "last prio 0 -> b's first advert",
            |m| m.less("/0 '1\\n'/b/first/0", "/0 '1\\n'/a/prio0/1"),
            |c| {
                let last = c.goodbyes(A).rev().find(|frame| frame.at >= c.act(1)).map(|frame| frame.at);
                gap(last, c.first(B, c.act(1)))
            },
        )
        .outside(&[3], LATE)
        .host(
            "1 written -> first prio 0",
            |m| m.time("/0 '1\\n'/a/prio0/0").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.goodbye(A, c.act(1))).into_iter().collect(),
        )
        .timer(
            "0 again -> a's first advert",
            |m| m.time("/1 '0\\n'/a/first/0"),
            |c| gap(Some(c.act(2)), c.first(A, c.act(2))),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 27 * SECOND)))
}

/// The priorities of advertisements, each once, least first, as the harness has them: `[80,100]`.
fn priorities<'f>(frames: impl Iterator<Item = &'f Frame>) -> String {
    let of = |frame: &Frame| match frame.sort {
        Sort::Advert(_, priority) => Some(priority),
        Sort::Claim(_) => None,
    };
    let each: std::collections::BTreeSet<u8> = frames.filter_map(of).collect();
    format!("[{}]", each.iter().map(u8::to_string).collect::<Vec<_>>().join(","))
}
/// `init_fail`, and a script that is well.
fn init_fail(name: &'static str, seconds: Nanos) -> Case {
    Case::new(name, seconds)
        .host(
            "exec -> first advert",
            |m| m.time("/a/first/0").into_iter().collect(),
            |c| c.first(A, 0).into_iter().collect(),
        )
        .equal("priorities advertised", |m| m.text("/a/prios"), |c| Some(priorities(c.adverts(A))))
        .equal(
            "GARPs, that for its own address on leaving FAULT among them",
            |m| m.text("/a/garps"),
            |c| {
                let claim = |frame: &&Frame| frame.node == A && matches!(frame.sort, Sort::Claim(_));
                Some(c.frames.iter().filter(claim).count().to_string())
            },
        )
        .timer(
            "first advert -> second burst of GARPs",
            |m| {
                let first = m.time("/a/first/0")?;
                m.times("/a/garp").into_iter().find(|&at| at > first + SECOND).map(|at| at - first)
            },
            |c| {
                let first = c.first(A, 0)?;
                gap(Some(first), c.claim(A, first + SECOND))
            },
        )
        .equal(
            "who holds the address",
            |m| m.text("/h"),
            move |c| {
                let last = c.frames.last()?.at;
                Some(c.holders(VIP, last))
            },
        )
}
/// A script that hangs beyond its timeout, twice, and costs 20.
fn overrun() -> Case {
    Case::new("d15g_script_timeout_overrun_fall2", 36)
        .act(9_900, "script chk hang on a")
        .after('a', |m| m.time("/fail/a/last_before").map(|at| -at))
        .about(|m| {
            // The command came 9.9 s into the script or little later, after a run that is not listed.
            let at = about(m, 2)?;
            Some(if at > 11 * SECOND { at - 2 * SECOND } else { at })
        })
        .act(23_910, "script chk up on a")
        .after('b', |m| m.time("/ok/b/last_before").map(|at| -at))
        .equal("adverts of 100 after the script hangs", of_100, |c| {
            let of_100 = |frame: &&Frame| matches!(frame.sort, Sort::Advert(_, 100));
            let taken = c.first(B, c.act(0))?;
            Some(Capture::count(c.adverts(A).filter(of_100), c.act(0), taken).to_string())
        })
        .timer(
            "last advert of 100 -> b's first",
            |m| Some(m.time("/fail/b/first/0")? - last_of_100(m)?),
            |c| {
                let taken = c.first(B, c.act(0))?;
                let of_100 = |frame: &&Frame| frame.at < taken && matches!(frame.sort, Sort::Advert(_, 100));
                gap(c.adverts(A).rev().find(of_100).map(|frame| frame.at), Some(taken))
            },
        )
        .timer(
            "script succeeds -> a's first advert with 100",
            |m| m.time("/ok/a/first/0"),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))),
        )
        .equal("who holds the address, down and up", spelled, |c| {
            Some(format!("{} {}", c.holders(VIP, c.act(1)), c.holders(VIP, c.act(1) + 9_900 * MS)))
        })
}
/// Advertisements of a after the act, `[when, priority]`.
fn sequence(m: &Figures) -> Vec<(Nanos, Nanos)> {
    let list = m.value("/a_prio_seq").and_then(|list| list.as_array()).map_or(0, Vec::len);
    (0..list)
        .filter_map(|i| {
            let priority = m.time(&format!("/a_prio_seq/{i}/1"))? / SECOND;
            Some((m.time(&format!("/a_prio_seq/{i}/0"))?, priority))
        })
        .collect()
}
fn of_100(m: &Figures) -> Option<String> {
    Some(sequence(m).iter().filter(|&&(at, priority)| at > 0 && priority == 100).count().to_string())
}
fn last_of_100(m: &Figures) -> Option<Nanos> {
    sequence(m).iter().rev().find(|&&(_, priority)| priority == 100).map(|&(at, _)| at)
}

/// A file's number beyond all priorities; then no file, and a file with no number in it.
fn file_lost() -> Case {
    Case::new("d14c_track_file_m300_rm", 38)
        .act(0, "file tf 0 on a")
        .act(10_297, "file tf -300 on a")
        .after('a', |m| m.time("/0 '-300\\n'/a/last_before").map(|at| -at))
        .act(16_528, "file tf 0 on a")
        .after('b', |m| m.time("/1 '0\\n'/b/last_before").map(|at| -at))
        .about(|m| Some(*m.times("/0 '-300\\n'/b/first").last()? - m.time("/1 '0\\n'/b/last_before")?))
        .act(23_312, "file tf gone on a")
        .after('a', |m| m.time("/2 None/a/last_before").map(|at| -at))
        .act(29_489, "file tf junk on a")
        .after('a', |m| m.time("/3 'junk\\n'/a/last_before").map(|at| -at))
        .equal(
            "prio 0 adverts",
            |m| m.count("/0 '-300\\n'/a/prio0"),
            |c| Some(c.goodbyes(A).filter(|frame| frame.at >= c.act(1)).count().to_string()),
        )
        .timer(
            "last prio 0 -> b's first advert",
            |m| m.less("/0 '-300\\n'/b/first/0", "/0 '-300\\n'/a/prio0/1"),
            |c| gap(c.goodbyes(A).next_back().map(|frame| frame.at), c.first(B, c.act(1))),
        )
        .host(
            "-300 written -> first prio 0",
            |m| m.time("/0 '-300\\n'/a/prio0/0").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.goodbye(A, c.act(1))).into_iter().collect(),
        )
        .timer(
            "0 again -> a's first advert",
            |m| m.time("/1 '0\\n'/a/first/0"),
            |c| gap(Some(c.act(2)), c.first(A, c.act(2))),
        )
        .equal(
            "priorities advertised without the file",
            |m| m.text("/2 None/a/prios"),
            |c| {
                let then = |frame: &&Frame| (c.act(3)..c.act(4)).contains(&frame.at);
                Some(priorities(c.adverts(A).filter(then)))
            },
        )
        .equal(
            "priorities advertised with junk in it",
            |m| m.text("/3 'junk\\n'/a/prios"),
            |c| Some(priorities(c.adverts(A).filter(|frame| frame.at >= c.act(4)))),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 36 * SECOND)))
}

/// `interface_up_down_delays`.
fn delayed(name: &'static str, near: Nanos, back: Nanos, seconds: Nanos, late_log: &'static [usize]) -> Case {
    Case::new(name, seconds)
        .act(near, "unplug a")
        .after('a', |m| m.time("/down/a/last_before").map(|at| -at))
        .act(back, "plug a")
        .then()
        .host(
            "cable out -> FAULT",
            |m| m.time("/fault_log").into_iter().collect(),
            |c| gap(Some(c.act(0)), c.role(A, Role::Fault, c.act(0))).into_iter().collect(),
        )
        .host(
            "cable in -> BACKUP",
            |m| m.time("/backup_log_after_up").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.role(A, Role::Backup, c.act(1))).into_iter().collect(),
        )
        .timer(
            "a BACKUP -> a's first advert",
            |m| m.less("/a_first_after_up", "/backup_log_after_up"),
            |c| gap(c.role(A, Role::Backup, c.act(1)), c.first(A, c.act(1))),
        )
        .outside(
            late_log,
            "the line in the log is late, not the program: it stands 1.5081 s after the cable, 2.5 ms later than in \
             the other runs, and the advert 5.1132 s, 2 ms earlier",
        )
        .equal(
            "who holds the address at the end",
            |m| m.text("/h"),
            |c| Some(c.holders(VIP, c.act(1) + 10_900 * MS)),
        )
}
/// A cut shorter than the delay: nothing comes of it.
fn flap() -> Case {
    Case::new("d11_updown_1s_flap05", 22)
        .act(10_450, "unplug a")
        .after('a', |m| m.time("/down/a/last_before").map(|at| -at))
        .act(10_959, "plug a")
        .then()
        .equal(
            "adverts of b after it",
            |m| Some(if m.value("/up/b/adverts").is_none() { "0" } else { "some" }.into()),
            |c| Some(Capture::count(c.adverts(B), c.act(0), Nanos::MAX).to_string()),
        )
        .host(
            "cable in -> a's first advert: the kernel asks for b again and lets go what has waited",
            |m| m.time("/a_first_after_up").into_iter().collect(),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))).into_iter().collect(),
        )
        .equal(
            "adverts that it lets go at once",
            |m| {
                let first = m.times("/up/a/first");
                Some(first.iter().filter(|&&at| at - first[0] < MS).count().to_string())
            },
            |c| {
                let first = c.first(A, c.act(1))?;
                Some(Capture::count(c.adverts(A), first, first + MS).to_string())
            },
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 22 * SECOND)))
}

/// Trackers.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        shown(weighted()),
        shown(decisive()),
        counted(scripted("d15_script_rise3_fall3", 10_428, "script chk down on a", 20_436, 1)),
        scripted("d15b_script_timeout_overrun", 10_270, "script chk hang on a", 20_280, 2),
        init_fail("d15c_script_init_fail", 12),
        init_fail("d15d_script_init_fail_weight", 14),
        overrun(),
        file_weighted(),
        file_decisive(),
        file_lost(),
        deleted(),
        flapped(),
        flap(),
        delayed("d11b_updown_1s_down5", 10_278, 15_283, 28, &[]),
        delayed("d11d_updown_1_3_down3", 10_226, 13_231, 26, &[3]),
    ];
    cases.extend(added());
    cases
}
