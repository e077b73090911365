//! Everything the language can do is drawn: a table says by which injection, or why by none.

use std::collections::{BTreeMap, BTreeSet};

use super::super::testing;
use super::*;
use crate::world::{ConsoleAct, Forged, ForgedAdvert, Spoof};

/// What an act is called here. A new act, or a new kind of one, gets its name here and its row in [`TABLE`].
const fn name(act: &Act) -> &'static str {
    match act {
        Act::Start(_) => "start",
        Act::Stop(_) => "stop",
        Act::Kill(_) => "kill",
        Act::PowerOff(_) => "power-off",
        Act::PowerOn(_) => "power-on",
        Act::Freeze(_) => "freeze",
        Act::Thaw(_) => "thaw",
        Act::Pause(_) => "pause",
        Act::Resume(_) => "resume",
        Act::Unplug(node, None) if node.0 >= MACHINES => "unplug a client",
        Act::Unplug(_, None) => "unplug a machine",
        Act::Unplug(_, Some(_)) => "unplug an interface",
        Act::Plug(node, None) if node.0 >= MACHINES => "plug a client",
        Act::Plug(_, None) => "plug a machine",
        Act::Plug(_, Some(_)) => "plug an interface",
        Act::Attach(..) => "attach",
        Act::Reload(_, _, Duration::ZERO) => "reload",
        Act::Reload(..) => "reload taking",
        Act::Script(_, _, ScriptAct::Up) => "script up",
        Act::Script(_, _, ScriptAct::Down) => "script down",
        Act::Script(_, _, ScriptAct::Hang) => "script hang",
        Act::Script(_, _, ScriptAct::Takes(_)) => "script takes",
        Act::File(_, _, Some(_)) => "file written",
        Act::File(_, _, None) => "file gone",
        Act::Service(_, _, Health::Alive) => "mend",
        Act::Service(_, _, Health::Dead) => "fail",
        Act::Service(_, _, Health::Hung) => "hang",
        Act::ClockStep(..) => "clock step",
        Act::ClockDrift(..) => "clock drift",
        Act::Tamper(_, Tamper::Add, _) => "tamper add",
        Act::Tamper(_, Tamper::Del, _) => "tamper del",
        Act::DelRoute(..) => "tamper del-route",
        Act::Spoof(_, _, Spoof { forged: Forged::Advert(_), .. }) => "spoof advert",
        Act::Spoof(_, _, Spoof { forged: Forged::Announcement(_, _, None), .. }) => "spoof claim",
        Act::Spoof(_, _, Spoof { forged: Forged::Announcement(_, _, Some(_)), .. }) => "spoof claim to one",
        Act::Spoof(_, _, Spoof { forged: Forged::Packet(_), .. }) => "spoof packet",
        Act::Drop(kinds, _) if is_all(*kinds) => "cut",
        Act::Drop(..) => "drop a kind",
        Act::Loss(_, kinds, _) if is_all(*kinds) => "loss",
        Act::Loss(..) => "loss of a kind",
        Act::Delay(..) => "delay",
        Act::Duplicate(..) => "duplicate",
        Act::Corrupt(..) => "corrupt",
        Act::Reorder(..) => "reorder",
        Act::Heal(None) => "heal",
        Act::Heal(Some(_)) => "heal a pair",
        Act::Cloud(CloudAct::BindDelay(..)) => "cloud bind-delay",
        Act::Seed(_) => "seed",
        Act::Cloud(CloudAct::DropClaims) => "cloud drop-claims",
        Act::Cloud(CloudAct::HearClaims) => "cloud hear-claims",
        Act::Detach(..) => "detach",
        Act::Console(ConsoleAct::Apply(_)) => "apply",
        Act::Console(ConsoleAct::Release(_)) => "release",
        Act::Console(ConsoleAct::Range(..)) => "range",
        Act::Console(ConsoleAct::BindEip(..)) => "bind-eip",
        Act::Console(ConsoleAct::UnbindEip(_)) => "unbind-eip",
        Act::Console(ConsoleAct::Security(_, _, GroupRule { traffic: Traffic::All, .. })) => "secgroup all",
        Act::Console(ConsoleAct::Security(_, _, GroupRule { traffic: Traffic::Protocol(_), .. })) => {
            "secgroup"
        }
        Act::Console(ConsoleAct::Security(_, _, GroupRule { traffic: Traffic::Port(..), .. })) => {
            "secgroup port"
        }
    }
}

/// How many machines each of the clusters here has.
const MACHINES: u16 = 2;

/// What an act says besides, each of which is another thing to a receiver.
fn words(act: &Act) -> Vec<&'static str> {
    let mut words = Vec::new();
    let mut say = |word, is: bool| words.extend(is.then_some(word));
    match act {
        Act::Spoof(node, eni, Spoof { forged, again }) => {
            say("spoof on a client", node.0 >= MACHINES);
            say("spoof on a machine", node.0 < MACHINES && eni.is_none());
            say("spoof on an interface", eni.is_some());
            say("spoof once", again.is_none());
            say("spoof again", again.is_some());
            if let Forged::Advert(advert) = forged {
                // All of them, so that a new one has to be named.
                let ForgedAdvert { from: _, to, vrid: _, priority, auth, no_address, addresses, .. } =
                    *advert;
                let ForgedAdvert {
                    interval,
                    version,
                    message_type,
                    count,
                    ttl,
                    truncated,
                    padded,
                    bad_checksum,
                    ..
                } = *advert;
                say("advert to one", to.is_some());
                say("advert to the group", to.is_none());
                say("advert with the machine's own priority", matches!(priority, 90 | 100));
                say("advert auth none", auth == Some(None));
                say("advert auth", matches!(auth, Some(Some(_))));
                say("advert address none", no_address);
                say("advert address", addresses.iter().any(Option::is_some));
                say("advert interval", interval.is_some());
                say("advert version", version.is_some());
                say("advert type", message_type.is_some());
                say("advert count", count.is_some());
                say("advert ttl", ttl.is_some());
                say("advert truncated", truncated.is_some());
                say("advert padded", padded.is_some());
                say("advert bad checksum", bad_checksum);
            }
        }
        Act::Console(ConsoleAct::Security(_, eni, _)) => say("secgroup of an interface", eni.is_some()),
        _ => {}
    }
    words
}

const fn is_all(kinds: Kinds) -> bool {
    kinds.contains(Kind::Vrrp) && kinds.contains(Kind::Other) && kinds.contains(Kind::Probe)
}

/// Injections that begin what a later `heal` ends.
const PATHS: &[&str] = &["cut", "one-way", "drop-kind", "loss", "delay", "duplicate", "corrupt", "reorder"];

/// Injections of somebody who sends advertisements, and of somebody who sends anything.
const ADVERTS: &[&str] = &["forged-by-stranger", "forged-with-password", "malformed"];
const SPOOFS: &[&str] =
    &["forged-by-stranger", "forged-with-password", "malformed", "forged-claim", "stolen-address"];

/// Each act: by which injections it is drawn, as plans name them. One that is drawn by none has its reason here instead.
const TABLE: &[(&str, &[&str])] = &[
    ("start", &["kill", "stop"]),
    ("stop", &["stop"]),
    ("kill", &["kill"]),
    ("power-off", &["power-off"]),
    ("power-on", &["power-off"]),
    ("freeze", &["freeze"]),
    ("thaw", &["freeze"]),
    ("pause", &["pause"]),
    ("resume", &["pause"]),
    ("unplug a machine", &["unplug"]),
    ("unplug a client", &["unplug"]),
    ("unplug an interface", &["unplug"]),
    ("plug a machine", &["unplug"]),
    ("plug a client", &["unplug"]),
    ("plug an interface", &["unplug"]),
    ("attach", &["attach"]),
    // Its own file again: with another one the machine would promise other things than rules hold it to.
    ("reload", &["reload"]),
    // How much longer than its interval a master is silent that reads for so long depends on when it last spoke.
    ("reload taking", &[]),
    ("script up", &["script"]),
    ("script down", &["script"]),
    ("script hang", &["script"]),
    ("script takes", &["script"]),
    ("file written", &["file"]),
    ("file gone", &["file"]),
    ("mend", &["service"]),
    ("fail", &["service"]),
    ("hang", &["service"]),
    ("clock step", &["clock-step"]),
    ("clock drift", &["clock-drift"]),
    // Every story begins with it, whatever is injected (`Drawn`).
    ("seed", &[]),
    ("tamper add", &["address-added"]),
    ("tamper del", &["address-deleted", "address-added"]),
    ("tamper del-route", &["route-deleted"]),
    ("spoof advert", ADVERTS),
    ("spoof on a client", SPOOFS),
    // There is no machine here whose first interface is no peer's.
    ("spoof on a machine", &["forged-with-password", "malformed", "forged-claim", "stolen-address"]),
    ("spoof on an interface", SPOOFS),
    ("spoof once", SPOOFS),
    ("spoof again", SPOOFS),
    ("advert to one", ADVERTS),
    ("advert to the group", ADVERTS),
    ("advert with the machine's own priority", ADVERTS),
    ("advert auth none", &["forged-by-stranger", "malformed"]),
    ("advert auth", &["forged-by-stranger", "malformed"]),
    ("advert address none", &["malformed"]),
    ("advert address", &["forged-with-password"]),
    ("advert interval", &["forged-with-password", "malformed"]),
    ("advert version", &["malformed"]),
    ("advert type", &["malformed"]),
    ("advert count", &["malformed"]),
    ("advert ttl", &["malformed"]),
    ("advert truncated", &["malformed"]),
    ("advert padded", &["malformed"]),
    ("advert bad checksum", &["malformed"]),
    ("spoof claim", &["forged-claim", "stolen-address"]),
    ("spoof claim to one", &["forged-claim", "stolen-address"]),
    ("spoof packet", &["malformed"]),
    ("cut", &["cut", "one-way"]),
    ("drop a kind", &["drop-kind"]),
    ("loss", &["loss"]),
    ("loss of a kind", &["loss"]),
    ("delay", &["delay"]),
    ("duplicate", &["duplicate"]),
    ("corrupt", &["corrupt"]),
    ("reorder", &["reorder"]),
    ("heal", PATHS),
    ("heal a pair", PATHS),
    ("cloud bind-delay", &["cloud-slow", "cloud-stalled"]),
    ("cloud drop-claims", &["cloud-deaf"]),
    ("cloud hear-claims", &["cloud-deaf"]),
    ("detach", &["detach"]),
    ("secgroup", &["security-group"]),
    ("secgroup all", &["security-group"]),
    ("secgroup port", &["security-group"]),
    ("secgroup of an interface", &["security-group"]),
    ("bind-eip", &["eip"]),
    ("unbind-eip", &["eip"]),
    // Rules hold machines to what they promise of the HAVIPs that they were set up for, and would be broken by whoever
    // takes one away, from all or from some.
    ("apply", &[]),
    ("release", &[]),
    ("range", &[]),
];

/// What each injection draws, on clusters that have something of everything.
fn drawn() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut by_act: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for base in [testing::with_everything(), testing::lan(), testing::multicast()] {
        for injection in INJECTIONS.into_iter().filter(|one| one.is_for(&base)) {
            for seed in 0..300 {
                let safety = (Time::ZERO + Duration::from_secs(5), Time::ZERO + Duration::from_secs(20));
                let mut scene = Scene::new(&base, Draws::new(seed), safety);
                scene.inject(injection);
                for act in scene.finish() {
                    for name in words(&act.act).into_iter().chain([name(&act.act)]) {
                        by_act.entry(name).or_default().insert(injection.name());
                    }
                }
            }
        }
    }
    by_act
}

#[test]
fn everything_the_language_can_do_is_drawn_by_an_injection() {
    let drawn = drawn();
    let otherwise = |(act, by): &&(&'static str, &[&'static str])| {
        let expected: BTreeSet<&str> = by.iter().copied().collect();
        drawn.get(act).cloned().unwrap_or_default() != expected
    };
    let otherwise: Vec<_> = TABLE.iter().filter(otherwise).map(|(act, _)| (act, drawn.get(act))).collect();
    assert!(otherwise.is_empty(), "by others: {otherwise:?}");
    let unknown: Vec<_> = drawn.keys().filter(|act| TABLE.iter().all(|(known, _)| known != *act)).collect();
    assert!(unknown.is_empty(), "without a row: {unknown:?}");
    let idle: Vec<&str> = INJECTIONS
        .into_iter()
        .map(Injection::name)
        .filter(|one| !drawn.values().any(|by| by.contains(one)))
        .collect();
    assert!(idle.is_empty(), "injections that draw nothing: {idle:?}");
}

#[test]
fn what_is_drawn_is_a_script_that_reads_as_it_was_written() {
    for base in [testing::with_everything(), testing::lan(), testing::multicast()] {
        for seed in 0..200 {
            let draws = Draws::new(seed);
            let mut scene = Scene::new(&base, draws, (Time::ZERO, Time::ZERO + Duration::from_secs(20)));
            INJECTIONS.into_iter().filter(|one| one.is_for(&base)).for_each(|one| scene.inject(one));
            let acts = scene.finish();
            let script = base.script_with(&acts, seed, Duration::from_secs(30));
            let text = script.to_string();
            let again = script.checked().unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
            assert_eq!(again.to_string(), text);
        }
    }
}

/// What the cluster does by itself is in nobody's way: a machine that is held is held once.
#[test]
fn a_machine_with_acts_of_its_own_is_left_alone_meanwhile() {
    let acts = "at 6s freeze a\nat 12s thaw a\nat 15s stop b\n";
    let base = testing::pair_of(testing::CONF, acts);
    let safety = (Time::ZERO + Duration::from_secs(5), Time::ZERO + Duration::from_secs(20));
    let (mut hits, of) = ([0; 2], |secs| Time::ZERO + Duration::from_secs(secs));
    for seed in 0..400 {
        let mut scene = Scene::new(&base, Draws::new(seed), safety);
        scene.inject(Injection::Pause);
        let acts = scene.finish();
        let Some(TimedAct { at: from, act: Act::Pause(cvm), .. }) = acts.first() else { continue };
        let to = acts[1].at;
        hits[usize::from(cvm.0)] += 1;
        match cvm.0 {
            0 => assert!(to < of(6) || *from >= of(12), "seed {seed}: {acts:?}"),
            _ => assert!(to < of(15), "seed {seed}: {acts:?}"),
        }
    }
    assert!(hits.iter().all(|count| *count > 20), "{hits:?}");
}

/// Where a receiver takes it for right, it is no malformed one.
#[test]
fn what_is_malformed_is_so_for_its_receiver() {
    let any =
        testing::CONF.replace("    unicast_peer", "    version 3\n    v3_checksum_as_v2\n    unicast_peer");
    for (conf, bad_checksums) in [(testing::CONF, true), (&any, false)] {
        let base = testing::pair_of(conf, "");
        let mut bad = false;
        for seed in 0..300 {
            let mut scene =
                Scene::new(&base, Draws::new(seed), (Time::ZERO, Time::ZERO + Duration::from_secs(20)));
            scene.inject(Injection::Malformed);
            for act in scene.finish() {
                if let Act::Spoof(_, _, Spoof { forged: Forged::Advert(advert), .. }) = act.act {
                    assert_eq!(advert.ttl, None, "a peer may be some hops away");
                    bad |= advert.bad_checksum;
                }
            }
        }
        assert_eq!(bad, bad_checksums);
    }
}
