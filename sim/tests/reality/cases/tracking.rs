//! What a program watches: scripts, files, its interface, its address.

use havip::program::Role;

use crate::capture::{A, B, Capture, VIP, gap};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos, SECOND};

fn before(m: &Figures) -> Option<Nanos> {
    m.time("/a/last_before").map(|at| -at)
}

/// The address is taken from the master by hand.
fn deleted() -> Case {
    Case::new("d05_vip_deleted_on_master", 19)
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
            |_| Some("0".into()),
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
    Case::new("d05d_vip_flapped_3x", 23)
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
        );
    let restarted = Case::new("d05c_vip_added_on_backup_then_restart", 18)
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
        .timer(
            "script succeeds -> a's first advert",
            |m| m.time("/ok_to_a_first"),
            |c| gap(Some(c.act(1)), c.first(A, c.act(1))),
        )
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
}
/// `rise` and `fall`, hanging scripts: `interval` is the script's.
fn scripted(name: &'static str, near: Nanos, how: &'static str, back: Nanos, interval: Nanos) -> Case {
    let about: fn(&Figures) -> Option<Nanos> = if interval == 1 { |m| about(m, 1) } else { |m| about(m, 2) };
    Case::new(name, back / 1000 + 9)
        .act(near, how)
        .after('a', |m| m.time("/fail/a/last_before").map(|at| -at))
        .about(about)
        .act(back, "script chk up on a")
        .then()
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
}
/// When the command came: scripts run `interval` seconds apart from 20 ms after exec on.
fn about(m: &Figures, interval: Nanos) -> Option<Nanos> {
    let phase = (20 * MS - m.time("/script_runs/0")?).rem_euclid(interval * SECOND);
    Some((10 * SECOND / (interval * SECOND)) * interval * SECOND + phase)
}

/// A file's number is a priority's part.
fn file_weighted() -> Case {
    Case::new("d14_track_file_w1", 28)
        .act(0, "file tf 0 on a")
        .act(10_752, "file tf -20 on a")
        .after('a', |m| m.time("/0 '-20\\n'/a/last_before").map(|at| -at))
        .act(19_411, "file tf 0 on a")
        .then()
        .timer(
            "last advert of 100 -> b's first",
            |m| m.less("/0 '-20\\n'/b/first/0", "/0 '-20\\n'/a/last_before"),
            |c| gap(c.last(A, c.act(1)), c.first(B, c.act(1))),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 28 * SECOND)))
}
/// A file's number is a verdict.
fn file_decisive() -> Case {
    Case::new("d14b_track_file_w0", 27)
        .act(0, "file tf 0 on a")
        .act(10_174, "file tf 1 on a")
        .after('a', |m| m.time("/0 '1\\n'/a/last_before").map(|at| -at))
        .act(18_832, "file tf 0 on a")
        .then()
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
        .timer(
            "0 again -> a's first advert",
            |m| m.time("/1 '0\\n'/a/first/0"),
            |c| gap(Some(c.act(2)), c.first(A, c.act(2))),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 27 * SECOND)))
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
            |_| Some("0".into()),
            |c| Some(Capture::count(c.adverts(B), c.act(0), Nanos::MAX).to_string()),
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 22 * SECOND)))
}

/// Trackers.
pub fn cases() -> Vec<Case> {
    let script = |case: Case| case.waits("track_script");
    let file = |case: Case| case.waits("track_file");
    let mut cases = vec![
        script(weighted()),
        script(decisive()),
        script(scripted("d15_script_rise3_fall3", 10_428, "script chk down on a", 20_436, 1)),
        script(scripted("d15b_script_timeout_overrun", 10_270, "script chk hang on a", 20_280, 2)),
        Case::pending("d15c_script_init_fail", "track_script"),
        Case::pending("d15d_script_init_fail_weight", "track_script"),
        Case::pending("d15g_script_timeout_overrun_fall2", "track_script"),
        file(file_weighted()),
        file(file_decisive()),
        Case::pending("d14c_track_file_m300_rm", "track_file"),
        deleted().waits("`tamper`"),
        flapped().waits("`tamper`"),
        flap(),
        delayed("d11b_updown_1s_down5", 10_278, 15_283, 26, &[]),
        delayed("d11d_updown_1_3_down3", 10_226, 13_231, 24, &[3]),
    ];
    cases.extend(added().map(|case| case.waits("`tamper`")));
    cases
}
