//! The table against the times that Linux keeps.

use std::net::Ipv4Addr;

use super::entry::{DELAY_TIME, REACHABLE_TIME, RETRANS_TIME};
use super::*;
use crate::world::chance::Chance;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 12));
const A: Mac = Mac([2, 0, 0, 0, 0, 5]);
const B: Mac = Mac([2, 0, 0, 0, 0, 6]);

fn at(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}
fn table() -> Neighbours {
    Neighbours::new(1, Host::new(Chance::new(7), true), Duration::from_micros(100))
}
fn reply(mac: Mac) -> Heard {
    Heard { address: PEER, mac, confirms: true, asks_us: false, gratuitous: false, weak: false }
}
fn announcement(mac: Mac) -> Heard {
    Heard { confirms: false, gratuitous: true, ..reply(mac) }
}
/// Runs the table to `until`, sending a packet every 100 ms; returns when each request was sent.
fn asked(table: &mut Neighbours, from: u64, until: u64) -> Vec<(u64, Option<Mac>)> {
    let (mut wants, mut asked) = (Vec::new(), Vec::new());
    for ms in (from..until).step_by(100) {
        table.run_timers(at(ms), &mut wants);
        for want in wants.drain(..) {
            if let Want::Ask { to, .. } = want {
                asked.push((ms, to));
            }
        }
        if let Resolved::Waits { ask: true, .. } = table.resolve(at(ms), PEER, FrameId(0)) {
            asked.push((ms, None));
        }
    }
    asked
}

#[test]
fn an_unknown_neighbour_is_asked_for_three_times_and_given_up_after_three_seconds() {
    let mut t = table();
    assert_eq!(t.resolve(at(0), PEER, FrameId(1)), Resolved::Waits { ask: true, pushed_out: None });
    let mut wants = Vec::new();
    for ms in [1000, 2000, 3000] {
        assert_eq!(t.deadline(), at(ms));
        t.run_timers(at(ms), &mut wants);
    }
    assert_eq!(wants.len(), 3);
    assert_eq!(wants[2], Want::GiveUp { address: PEER, waiting: VecDeque::from([FrameId(1)]) });
    assert_eq!(t.state_of(PEER), Some(State::Failed));
}

#[test]
fn a_used_entry_whose_owner_is_gone_is_left_after_reachable_time_and_eight_seconds() {
    let mut t = table();
    t.resolve(at(0), PEER, FrameId(1));
    assert_eq!(t.hear(at(1), reply(B)).released, [FrameId(1)]);
    let reachable = t.clock.reachable_time(at(1)).as_nanos() / 1_000_000;
    let asked = asked(&mut t, 100, 60_000);
    // Reachable time, rounded up to our step, then 5 s of delay: three unicast requests a second apart,
    // then, a second later, the broadcast.
    let first = (1 + reachable).next_multiple_of(100) + 5_000;
    assert_eq!(
        asked[..4],
        [(first, Some(B)), (first + 1000, Some(B)), (first + 2000, Some(B)), (first + 3000, None)]
    );
}

#[test]
fn that_an_entry_is_not_reachable_any_more_wakes_nobody() {
    let mut t = table();
    t.resolve(at(0), PEER, FrameId(1));
    assert_eq!(t.deadline(), at(1_000));
    t.hear(at(1), reply(B));
    assert_eq!(t.deadline(), Time::MAX, "it has answered, and nobody uses it: it will be stale");
    let lapses = (at(1) + t.clock.reachable_time(at(1))).round_up(t.clock.tick);
    let uses = |first: Time, ms: u64| Uses { first, apart: Duration::from_millis(ms) };
    assert_eq!(t.steady(PEER, uses(at(2), 100)), Some((B, lapses + DELAY_TIME)));
    assert_eq!(t.steady(PEER, uses(at(2), 5_001)), Some((B, lapses)), "it may be stale in between");
    assert_eq!(t.steady(PEER, uses(lapses + RETRANS_TIME, 100)), None, "it is stale before that");
    // The last of many packets, all of them asked for at once.
    t.note_used(PEER, lapses + RETRANS_TIME);
    assert_eq!(t.deadline(), lapses + DELAY_TIME);
    assert_eq!(t.steady(PEER, uses(lapses + RETRANS_TIME * 2, 100)), Some((B, lapses + DELAY_TIME)));
    t.resolve(lapses + RETRANS_TIME * 3, PEER, FrameId(2));
    assert_eq!(t.state_of(PEER), Some(State::Delay));
}

#[test]
fn an_entry_that_nobody_used_is_stale_when_somebody_looks() {
    let mut t = table();
    t.resolve(at(0), PEER, FrameId(1));
    t.hear(at(1), reply(B));
    let late = at(1) + REACHABLE_TIME.1 + RETRANS_TIME;
    assert_eq!(t.resolve(late, PEER, FrameId(2)), Resolved::To(B));
    assert_eq!((t.state_of(PEER), t.deadline()), (Some(State::Delay), late + DELAY_TIME));
}

#[test]
fn what_was_to_happen_while_a_kernel_stands_still_happens_when_it_goes_on() {
    let mut t = table();
    t.resolve(at(0), PEER, FrameId(1));
    t.hear(at(1), reply(B));
    t.note_used(PEER, at(14_000));
    t.pause(at(14_000));
    t.resume(at(60_000));
    assert_eq!(t.state_of(PEER), Some(State::Reachable));
    t.resolve(at(60_001), PEER, FrameId(2));
    // It was not used within 5 s before it went on, and so is used while stale.
    assert_eq!((t.state_of(PEER), t.deadline()), (Some(State::Delay), at(60_001) + DELAY_TIME));
}

#[test]
fn an_announcement_moves_an_entry_at_once_and_makes_none() {
    let mut t = table();
    assert_eq!(t.hear(at(0), announcement(A)), Learned::default());
    assert_eq!(t.mac_of(PEER), None);
    t.resolve(at(0), PEER, FrameId(1));
    t.hear(at(1), reply(A));
    assert!(t.hear(at(2), announcement(B)).changed, "within the lock time, too");
    assert_eq!((t.mac_of(PEER), t.state_of(PEER)), (Some(B), Some(State::Stale)));
}

#[test]
fn of_two_answers_the_first_holds() {
    let mut t = table();
    t.resolve(at(0), PEER, FrameId(1));
    t.hear(at(1), reply(B));
    assert!(!t.hear(at(2), reply(A)).changed);
    assert_eq!(t.mac_of(PEER), Some(B));
    assert!(t.hear(at(1002), reply(A)).changed, "after the lock time");
}

#[test]
fn the_queue_of_an_unresolved_neighbour_is_bounded() {
    let mut t = table();
    for n in 0..QUEUE_MAX as u32 {
        t.resolve(at(0), PEER, FrameId(n));
    }
    assert_eq!(
        t.resolve(at(1), PEER, FrameId(999)),
        Resolved::Waits { ask: false, pushed_out: Some(FrameId(0)) }
    );
    assert_eq!(t.flush().len(), QUEUE_MAX);
}
