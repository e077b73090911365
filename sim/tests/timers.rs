//! The timers of keepalived 2.2.7, with the host table on, in every one of a thousand seeds.
//!
//! The standby starts 1 s after the primary; latency is 200us..400us, the tick 100us. The arithmetic stands beside
//! each bound. What adds to a rule: the frame's way (0.2 to 0.4 ms), the timer's lateness (0.08 to 0.5 ms), rounding
//! up to the tick (less than 0.1 ms each).

use std::sync::Arc;

use havip::time::{Duration, Time};
use havip::wire::vrrp::PRIORITY_LEAVING;
use havip::wire::{ethernet, ipv4, vrrp};
use havip_sim::engine::EventLoop;
use havip_sim::observe::Observer;
use havip_sim::scenario::{Script, load_keepalived};
use havip_sim::world::{Kind, Look, NodeId, Report, Setup, Wants, What, Who};

const SEEDS: u64 = 1000;
const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

const PAIR: &str = "
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
@a  priority 100
@b  priority 90
    authentication {
        auth_type PASS
        auth_pass 1111
    }
@a  unicast_src_ip 172.16.16.5
@b  unicast_src_ip 172.16.16.6
    unicast_peer {
@a      172.16.16.6
@b      172.16.16.5
    }
    virtual_ipaddress {
        172.16.16.12
    }
}
";

/// When each advertisement was put on the wire or heard.
#[derive(Default)]
struct Adverts {
    sent: Vec<(Time, NodeId, u8)>,
    heard: Vec<(Time, NodeId, u8)>,
}

impl Observer for Adverts {
    fn wants(&self) -> Wants {
        Wants { facts: false, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports {
            let Who::Node(node) = report.who else { continue };
            match report.what {
                What::Sent { frame, kind: Kind::Vrrp } => {
                    self.sent.push((report.at, node, priority(look.frame(frame))));
                }
                What::Received { frame, kind: Kind::Vrrp, .. } => {
                    self.heard.push((report.at, node, priority(look.frame(frame))));
                }
                _ => {}
            }
        }
    }
}

impl Adverts {
    fn first_of(&self, node: NodeId, after: Time) -> Time {
        self.sent.iter().find(|&&(at, who, _)| who == node && at >= after).expect("an advertisement").0
    }
    fn last_of(&self, node: NodeId, before: Time) -> (Time, u8) {
        let mut sent = self.sent.iter().rev();
        let &(at, _, priority) =
            sent.find(|&&(at, who, _)| who == node && at <= before).expect("an advertisement");
        (at, priority)
    }
}

fn priority(frame: &[u8]) -> u8 {
    let packet = ipv4::Packet::new(&frame[ethernet::HEADER_LEN..]).expect("an IPv4 packet");
    vrrp::Packet::new(packet.payload()).expect("a VRRP message").priority()
}

/// Runs a pair on a subnet with every seed.
fn with_every_seed(story: &str, mut check: impl FnMut(u64, &Adverts)) {
    let text = format!(
        "scenario timers\nrun 60s\ntick 100us\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24 latency 200us..400us\n\
         havip 172.16.16.12\n{story}"
    );
    let mut script = Script::parse("timers.scn", &text).expect("a script");
    for seed in 1..=SEEDS {
        script.seed = seed;
        let read = |_: &str| Ok(PAIR.to_owned());
        let setup = Arc::new(script.prepare(&read, &load_keepalived).expect("a setup").setup);
        let mut adverts = Adverts::default();
        EventLoop::new(setup).run(at(60_000), &mut adverts);
        check(seed, &adverts);
    }
}

fn at(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}

fn assert_within(seed: u64, what: &str, is: Duration, (low, high): (u64, u64)) {
    let range = Duration::from_millis(low)..=Duration::from_millis(high);
    assert!(range.contains(&is), "seed {seed}: {what} took {is}, not {low} to {high} ms");
}

/// Master_Down_Interval of priority 90: 3 * 1 s + (256 - 90)/256 s = 3.6484 s. Shortest: + 0.2 ms way, 0.08 ms late
/// = 3.6487 s; longest: + 0.4 ms, 0.5 ms, three roundings = 3.6496 s.
#[test]
fn a_standby_of_90_takes_over_3_648_to_3_651_s_after_the_last_advert() {
    let story = "cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 keepalived pair.conf off\n\
                 at 1s power-on b\nat 20s power-off a\n";
    with_every_seed(story, |seed, adverts| {
        let (last, _) = adverts.last_of(A, at(20_000));
        let first = adverts.first_of(B, at(20_000));
        assert_within(seed, "takeover", first - last, (3648, 3651));
    });
}

/// Skew_Time of priority 90: (256 - 90)/256 s = 0.6484 s, and the same additions.
#[test]
fn after_priority_0_a_standby_of_90_takes_over_in_0_648_to_0_651_s() {
    let story = "cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 keepalived pair.conf off\n\
                 at 1s power-on b\nat 20s stop a\n";
    with_every_seed(story, |seed, adverts| {
        let (last, priority) = adverts.last_of(A, at(20_100));
        assert_eq!(priority, PRIORITY_LEAVING, "seed {seed}");
        let first = adverts.first_of(B, last);
        assert_within(seed, "takeover", first - last, (648, 651));
    });
}

/// preempt_delay 10 begins with the first lower advertisement heard. The tenth one after it is the first to be
/// discarded, so the last accepted is the ninth: 9 intervals of 1 s and 0.08 to 0.5 ms (plus a rounding) each, that is 9.0007 to 9.0054 s;
/// then the master down interval of priority 100, 3.6094 s, and one lateness: 12.6101 to 12.6154 s, and the jitter
/// between the first and the ninth's way, 0.2 ms either way.
#[test]
fn preempt_delay_10_ends_12_610_to_12_620_s_after_the_first_lower_advert() {
    let story = "cvm a 172.16.16.5 keepalived pair.conf with preempt_delay=10 off\n\
                 cvm b 172.16.16.6 keepalived pair.conf\nat 10s power-on a\n";
    with_every_seed(story, |seed, adverts| {
        let &(heard, ..) =
            adverts.heard.iter().find(|&&(_, who, priority)| who == A && priority == 90).expect("an advert");
        let first = adverts.first_of(A, heard);
        assert_within(seed, "preemption", first - heard, (12_610, 12_620));
    });
}
