//! Advertisements for a minute, one a tick of 100 us, which is all that one sender can send here: the state is what the
//! profile says, and memory stays flat.

use std::sync::Arc;

use havip::profile::Profile;
use havip::time::{Duration, Time};
use havip::wire::checksum::Checksum;
use havip_sim::engine::EventLoop;
use havip_sim::observe::{Facts, Observer};
use havip_sim::scenario::{Fact, Script, load_keepalived};
use havip_sim::world::{CvmId, Look, Report, Setup, Wants, What};

const A: CvmId = CvmId(0);
const B: CvmId = CvmId(1);

const PAIR: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    @a priority 100
    @b priority 90
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass 1111
    }
    @a unicast_src_ip 172.16.16.5
    @b unicast_src_ip 172.16.16.6
    unicast_peer {
        @a 172.16.16.6
        @b 172.16.16.5
    }
    virtual_ipaddress {
        172.16.16.12
    }
}
";

/// The same with another authentication.
fn pair(authentication: &str) -> String {
    let (before, rest) = PAIR.split_once("    authentication {").expect("a block");
    let (_, after) = rest.split_once("}\n").expect("its end");
    format!("{before}{authentication}{after}")
}

const HMAC: &str = "    auth_hmac {
        key 1 ascii:0123456789abcdef0123456789abcdef
        active_key 1
    }
";

/// Who is master, and whether b ever was.
struct Watch {
    facts: Facts,
    taken: bool,
}

impl Observer for Watch {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: false, beats: false, probes: false }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.facts.begin();
        for report in reports {
            self.facts.apply(setup, look, report);
        }
        self.taken |= self.facts.holds(&Fact::Master(B));
    }
}

/// What a flood led to.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// a and b are master at the end.
    masters: [bool; 2],
    /// b was master at some time.
    taken: bool,
}

/// What the machines are read from, and what is sent to them: the rest of a `spoof` line.
struct Flood<'a> {
    conf: &'a str,
    spoof: &'a str,
}

/// Sends forged advertisements to a from its fifth second on, 10,000 a second for a minute. What that led to, and how many frames and
/// queue entries there were at most.
fn flood(profile: Profile, forged: &str) -> (Outcome, usize) {
    flood_with(profile, &Flood { conf: PAIR, spoof: &format!("vrrp on eve {forged}") })
}

/// The same of other frames, or to other machines.
fn flood_with(profile: Profile, flood: &Flood<'_>) -> (Outcome, usize) {
    let spoof = flood.spoof;
    let text = format!(
        "scenario flood\nrun 70s seed 1\nlan 172.16.16.0/24\ncvm a 172.16.16.5 {profile} pair.conf\n\
         cvm b 172.16.16.6 {profile} pair.conf\nclient eve 172.16.16.200 probe 172.16.16.12 every 1s\n\
         at 5s spoof {spoof} every 100us for 60s\n"
    );
    let script = Script::parse("flood.scn", &text).expect("a script");
    let scenario = script.prepare(&|_| Ok(flood.conf.to_owned()), &load_keepalived).expect("a setup");
    let setup = Arc::new(scenario.setup);
    let mut engine = EventLoop::new(Arc::clone(&setup));
    let mut watch = Watch { facts: Facts::new(&setup), taken: false };
    let mut most = 0;
    for second in 1..=65 {
        engine.run(Time::ZERO + Duration::from_secs(second), &mut watch);
        let (frames, entries) = engine.world().held();
        most = most.max(frames + entries);
    }
    let masters = [A, B].map(|cvm| watch.facts.holds(&Fact::Master(cvm)));
    (Outcome { masters, taken: watch.taken }, most)
}

/// a is master all the time.
const UNMOVED: Outcome = Outcome { masters: [true, false], taken: false };
const TO_A: &str = "from 172.16.16.6 to 172.16.16.5 vrid 51";

#[test]
fn a_flood_of_refused_adverts_silences_keepalived_and_nobody_else() {
    for wrong in ["priority 200 auth 2222", "priority 200 bad checksum", "priority 255 truncated 12"] {
        let forged = format!("{TO_A} {wrong}");
        let (outcome, most) = flood(Profile::KEEPALIVED, &forged);
        assert!(outcome.taken, "{wrong}: a is master and silent, so b takes over, again and again");
        assert!(most < 1000, "{wrong}: {most}");
        let (outcome, most) = flood(Profile::HAVIP, &forged);
        assert_eq!(outcome, UNMOVED, "{wrong}: nothing happened");
        assert!(most < 1000, "{wrong}: {most}");
    }
}

#[test]
fn a_flood_of_goodbyes_is_answered_and_changes_nothing() {
    for profile in [Profile::KEEPALIVED, Profile::HAVIP] {
        let (outcome, most) = flood(profile, &format!("{TO_A} priority 0"));
        assert_eq!(outcome, UNMOVED, "{profile}");
        assert!(most < 5000, "{profile}: {most}");
    }
}

#[test]
fn a_flood_of_an_owners_adverts_from_a_stranger_is_believed_by_keepalived_alone() {
    let forged = "from 172.16.16.200 to 172.16.16.5 vrid 51 priority 255";
    let (outcome, most) = flood(Profile::KEEPALIVED, forged);
    let moved = Outcome { masters: [false, true], taken: true };
    assert_eq!(outcome, moved, "a has stepped down for good, and b heard nobody");
    assert!(most < 1000, "{most}");
    let (outcome, most) = flood(Profile::HAVIP, forged);
    assert_eq!(outcome, UNMOVED, "a stranger is not believed");
    assert!(most < 1000, "{most}");
}

/// Four bytes more than an advertisement has, and IP says so too.
#[test]
fn a_flood_of_padded_adverts_silences_keepalived_and_nobody_else() {
    let mut padded = captured(PAIR);
    padded.extend([0; 4]);
    let len = padded.len() as u16;
    padded[2..4].copy_from_slice(&len.to_be_bytes());
    padded[10..12].fill(0);
    let sum = Checksum::new().with(&padded[..20]).finish();
    padded[10..12].copy_from_slice(&sum.to_be_bytes());
    silences_keepalived_alone(PAIR, &padded);
}

/// What b once said, signed and true, 10,000 times a second: too old at first, and replayed ever after.
#[test]
fn a_flood_of_replayed_signed_adverts_silences_keepalived_and_nobody_else() {
    let conf = pair(HMAC);
    silences_keepalived_alone(&conf, &captured(&conf));
    let monotonic = pair(&HMAC.replace("active_key 1", "active_key 1\n        anti_replay monotonic"));
    silences_keepalived_alone(&monotonic, &captured(&monotonic));
}

fn silences_keepalived_alone(conf: &str, packet: &[u8]) {
    let hex: String = packet.iter().map(|byte| format!("{byte:02x}")).collect();
    let flood = Flood { conf, spoof: &format!("hex on eve {hex}") };
    let (outcome, most) = flood_with(Profile::KEEPALIVED, &flood);
    assert!(outcome.taken, "a is master and silent, so b takes over, again and again");
    assert!(most < 1000, "{most}");
    let (outcome, most) = flood_with(Profile::HAVIP, &flood);
    assert_eq!(outcome, UNMOVED, "nothing happened");
    assert!(most < 1000, "{most}");
}

/// What b says to a as it takes over, in a run of its own.
fn captured(conf: &str) -> Vec<u8> {
    let text = "scenario capture\nrun 10s seed 1\nlan 172.16.16.0/24\ncvm a 172.16.16.5 keepalived pair.conf off\n\
                cvm b 172.16.16.6 keepalived pair.conf\nclient eve 172.16.16.200 probe 172.16.16.12 every 1s\n\
                at 1s power-on a\n";
    let script = Script::parse("capture.scn", text).expect("a script");
    let scenario = script.prepare(&|_| Ok(conf.to_owned()), &load_keepalived).expect("a setup");
    let mut engine = EventLoop::new(Arc::new(scenario.setup));
    let mut tap = Tap::default();
    engine.run(Time::ZERO + Duration::from_secs(10), &mut tap);
    tap.0.expect("b advertises")
}

/// Keeps the first IP packet from b to a of protocol 112.
#[derive(Default)]
struct Tap(Option<Vec<u8>>);

impl Observer for Tap {
    fn wants(&self) -> Wants {
        Wants { facts: false, frames: true, beats: false, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports {
            if let What::Sent { frame, .. } = report.what
                && let Some(packet) = look.frame(frame).get(14..)
                && packet.get(9) == Some(&112)
                && packet.get(16..20) == Some(&[172, 16, 16, 5])
            {
                self.0.get_or_insert_with(|| packet.to_vec());
            }
        }
    }
}
