//! Frames of any bytes, from a machine that has gone mad: they are refused or ignored, the pair goes on, and memory
//! stays flat.

use std::path::Path;
use std::sync::Arc;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip::wire::{arp, ipv4};
use havip_sim::engine::EventLoop;
use havip_sim::observe::{Facts, Observer};
use havip_sim::run;
use havip_sim::scenario::Fact;
use havip_sim::world::{CvmId, Look, NodeId, Report, Setup, Wants};
use proptest::prelude::*;

/// Whoever sends them: a client, so that nothing it sends is expected of it.
const MAD: NodeId = NodeId(2);

struct Watch(Facts);

impl Observer for Watch {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        self.0.begin();
        for report in reports {
            self.0.apply(setup, look, report);
        }
    }
}

/// Any bytes, or a frame that was good before it was damaged.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let damage = || proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let advert = proptest::collection::vec(any::<u8>(), 0..40).prop_map(|payload| {
        let header = ipv4::Repr {
            src: [172, 16, 16, 100].into(),
            dst: [172, 16, 16, 5].into(),
            protocol: ipv4::Protocol::VRRP,
            ttl: 255,
            tos: 0,
            identification: 0,
            dont_fragment: false,
            payload_len: payload.len() as u16,
        };
        let mut frame = vec![2, 0, 172, 16, 16, 5, 2, 0, 172, 16, 16, 100, 8, 0];
        let mut packet = vec![0; header.total_len()];
        header.emit(&mut packet).copy_from_slice(&payload);
        frame.extend(packet);
        frame
    });
    let garp = any::<[u8; 4]>().prop_map(|address| {
        arp::Repr::announcement(Mac([2, 0, 172, 16, 16, 100]), address.into())
            .frame_to(Mac::BROADCAST)
            .to_vec()
    });
    let good = prop_oneof![advert, garp];
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..128),
        (good, damage()).prop_map(|(mut frame, damage)| {
            for (at, with) in damage {
                let at = at.index(frame.len());
                frame[at] ^= with;
            }
            frame
        }),
    ]
}

fn at(ms: u64) -> Time {
    Time::ZERO + Duration::from_millis(ms)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn any_frames_are_survived_and_forgotten(
        frames in proptest::collection::vec(frames(), 1..60),
        lan in any::<bool>(),
    ) {
        let file = if lan { "tests/data/quiet-lan.scn" } else { "tests/data/quiet-subnet.scn" };
        let setup = Arc::new(run::open(Path::new(file), None).expect("a scenario").setup);
        let mut watch = Watch(Facts::new(&setup));
        let mut engine = EventLoop::new(Arc::clone(&setup));
        engine.run(at(10_000), &mut watch);
        let (held, _) = engine.world().held();
        for (n, frame) in frames.iter().enumerate() {
            engine.world_mut().inject(MAD, frame);
            engine.run(at(10_100 + 100 * n as u64), &mut watch);
        }
        // 31 s on, every neighbour entry they may have made has given up.
        engine.run(at(60_000), &mut watch);
        prop_assert!(engine.world().held().0 <= held + 8, "{:?} frames are held", engine.world().held());
        // Nobody who does not know the password can move the address by VRRP.
        prop_assert!(watch.0.holds(&Fact::Master(CvmId(0))));
    }
}
