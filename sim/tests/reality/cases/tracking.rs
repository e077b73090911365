//! What a program watches: scripts, files, its interface, its address.

use crate::capture::{A, B, Capture, VIP, gap};
use crate::case::Case;
use crate::figures::{Figures, Nanos, SECOND};

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

/// Trackers.
pub fn cases() -> Vec<Case> {
    let script = |name| Case::pending(name, "track_script");
    let file = |name| Case::pending(name, "track_file");
    let delays = |name| Case::pending(name, "interface_up_down_delays");
    let mut cases = vec![
        script("c15_track_weight"),
        script("c15b_track_weight0"),
        script("d15_script_rise3_fall3"),
        script("d15b_script_timeout_overrun"),
        script("d15c_script_init_fail"),
        script("d15d_script_init_fail_weight"),
        script("d15g_script_timeout_overrun_fall2"),
        file("d14_track_file_w1"),
        file("d14b_track_file_w0"),
        file("d14c_track_file_m300_rm"),
        deleted().waits("`tamper`"),
        flapped().waits("`tamper`"),
        delays("d11_updown_1s_flap05"),
        delays("d11b_updown_1s_down5"),
        delays("d11d_updown_1_3_down3"),
    ];
    cases.extend(added().map(|case| case.waits("`tamper`")));
    cases
}
