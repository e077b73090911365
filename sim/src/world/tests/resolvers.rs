//! Neighbour tables of machines that stand still.

use std::collections::BTreeSet;

use super::*;

const LAN: &str = "\
lan 172.16.16.0/24
cvm a 172.16.16.5 keepalived x
cvm b 172.16.16.6 keepalived x
client web 172.16.16.100 probe 172.16.16.12 every 100ms";

/// It has not used the entry within 5 s before it goes on, so nothing is asked before it does.
#[test]
fn a_machine_that_stood_still_asks_for_nobody_when_it_goes_on() {
    // How long an entry stays reachable is drawn: with some seeds it would have been asked for meanwhile.
    for seed in 1..=20 {
        let mut hand = Hand::new(&format!("{LAN}\nat 1ms seed {seed}\nat 16s pause a\nat 60s resume a"));
        hand.run(10);
        for second in 0..16 {
            hand.run(second * 1_000 + 500);
            hand.sends(A, ETH0, "172.16.16.5", "172.16.16.6");
        }
        hand.run(59_999);
        hand.frames.clear();
        hand.run(64_000);
        assert_eq!(hand.seen(&["who has 172.16.16.6"]), 0, "seed {seed}: {:#?}", hand.frames);
        hand.sends(A, ETH0, "172.16.16.5", "172.16.16.6");
        hand.run(70_000);
        let asked: Vec<&String> =
            hand.frames.iter().filter(|line| line.contains("who has 172.16.16.6")).collect();
        assert_eq!(asked.len(), 1, "seed {seed}: {:#?}", hand.frames);
    }
}

#[test]
fn where_chance_is_another_ones_entries_stay_reachable_for_another_time() {
    let asked = |seed: u64| {
        let mut hand = Hand::new(&format!("{LAN}\nat 1ms seed {seed}"));
        for second in 0..60 {
            hand.run(second * 1_000 + 500);
            hand.sends(A, ETH0, "172.16.16.5", "172.16.16.6");
        }
        let mut asked =
            hand.frames.iter().filter(|line| line.contains(" b ") && line.contains("who has 172.16.16.6"));
        asked.nth(1).map(|line| line[..4].to_owned())
    };
    let times: BTreeSet<Option<String>> = (1..=8).map(asked).collect();
    assert!(times.len() > 4 && !times.contains(&None), "{times:?}");
}
