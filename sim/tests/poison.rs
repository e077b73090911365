//! One wrong ARP entry is an outage, however right every VRRP state is: a probe passes resolver, link, switch and
//! kernel, and nothing else says whether a client is served.

use std::path::Path;
use std::sync::Arc;

use havip::time::{Duration, Time};
use havip_sim::engine::EventLoop;
use havip_sim::observe::{Facts, Observer, Recorder};
use havip_sim::run;
use havip_sim::scenario::Fact;
use havip_sim::world::{ClientId, CvmId, Look, Report, Setup, Wants};

const A: CvmId = CvmId(0);
const B: CvmId = CvmId(1);

/// Whether a was ever anything but the only master.
struct Watch {
    facts: Facts,
    wrong: usize,
}

impl Observer for Watch {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.facts.begin();
        for report in reports {
            self.facts.apply(setup, look, report);
        }
        let now = reports.first().map_or(Time::ZERO, |r| r.at);
        let right = self.facts.holds(&Fact::Master(A)) && !self.facts.holds(&Fact::Master(B));
        self.wrong += usize::from(now > seconds(5) && !right);
    }
}

fn seconds(n: u64) -> Time {
    Time::ZERO + Duration::from_secs(n)
}

#[test]
fn a_poisoned_arp_entry_is_an_outage_while_every_vrrp_state_is_right() {
    let scenario = run::open(Path::new("tests/data/quiet-lan.scn"), None).expect("a scenario");
    let setup = Arc::new(scenario.setup);
    let mut watch = (Watch { facts: Facts::new(&setup), wrong: 0 }, Recorder::new(&setup));
    let mut engine = EventLoop::new(Arc::clone(&setup));
    engine.run(seconds(20), &mut watch);
    let standby = setup.eni_of(setup.node_of_cvm(B)).mac;
    let web = setup.node_of_client(ClientId(0));
    engine.world_mut().poison(web, setup.clients[0].target, standby);
    engine.run(seconds(120), &mut watch);
    watch.finish(&setup, seconds(120));
    let (watch, recorder) = watch;
    let record = recorder.record(&setup, &[], None);

    assert_eq!(watch.wrong, 0, "a is the only master throughout");
    let [outage] = &record.outages[..] else { panic!("{}", record.text()) };
    assert!(!outage.still_out);
    // The entry counts as just confirmed: 15 to 45 s reachable, 5 s of delay, three requests a second apart.
    let range = Duration::from_secs(15 + 8)..=Duration::from_secs(45 + 9);
    assert!(range.contains(&outage.length()), "{}", outage.length());
}
