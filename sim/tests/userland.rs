//! Scripts, files and what a program tells others, at a world that is stepped by hand.

use std::sync::Arc;

use havip::config::{Config, Options, TrackFile, TrackScript};
use havip::files::Files;
use havip::program::{Action, Event, ScriptId, ScriptResult, WatchId};
use havip::time::{Duration, Time};
use havip_sim::scenario::{Loaded, Script};
use havip_sim::world::{CvmId, Look, Wants, What, World};

const A: CvmId = CvmId(0);
const CHK: ScriptId = ScriptId(0);
const LOAD: WatchId = WatchId(0);

/// A machine whose configuration tracks the script `chk` and the file `load`.
fn world(acts: &str) -> World {
    let text = format!(
        "scenario x\nrun 20s\nlan 10.0.0.0/24\ncvm a 10.0.0.5 keepalived a.conf\nservice haproxy tcp 443 on a\nat 0s file load 7 on a\n{acts}"
    );
    let script = Script::parse("x.scn", &text).expect("a script");
    let load = |_: &Files, _: &Options| {
        let second = Duration::from_secs(1);
        let chk = TrackScript {
            name: "chk".into(),
            command: "/bin/chk -q".into(),
            interval: second,
            timeout: second,
            rise: 1,
            fall: 1,
            init_fail: false,
        };
        let file = TrackFile { name: "load".into(), path: "/run/load".into(), init: None, overwrite: false };
        let config = Config { scripts: vec![chk], files: vec![file], ..Config::default() };
        Loaded { config, ..Loaded::default() }
    };
    let setup = script.prepare(&|_| Ok(String::new()), &load).expect("a setup").setup;
    World::new(Arc::new(setup), Duration::ZERO)
}

/// What the program hears up to an instant; it asks for `actions` when it starts.
fn heard(world: &mut World, actions: &[Action<'_>], until: u64) -> Vec<(Time, String)> {
    let mut heard = Vec::new();
    world.watch(Wants { facts: true, ..Wants::default() }, Time::MAX);
    let until = Time::ZERO + Duration::from_millis(until);
    while let Some(now) = world.next_instant().filter(|at| *at <= until) {
        world.begin(now);
        for cvm in world.ready().to_vec() {
            while let Some((_, event)) = world.poll(cvm) {
                let (started, text) = (matches!(event, Event::Start { .. }), say(event));
                heard.push((now, text));
                for action in actions.iter().filter(|_| started) {
                    world.apply(cvm, *action);
                }
            }
            world.set_deadline(cvm, None);
        }
        for report in world.reports() {
            if let What::Notified { told, .. } = report.what {
                heard.push((now, world.told(told).to_owned()));
            }
        }
        world.end();
    }
    heard.retain(|(_, text)| text != "started");
    heard
}

fn say(event: Event<'_>) -> String {
    match event {
        Event::Start { .. } => "started".into(),
        Event::Script { script: CHK, result } => match result {
            ScriptResult::Exited(code) => format!("exited {code}"),
            ScriptResult::Killed => "killed".into(),
        },
        Event::File { file: LOAD, text } => text.unwrap_or("gone").into(),
        Event::Process { watch: WatchId(n), running } => format!("{n}: {running}"),
        other => panic!("{other:?}"),
    }
}

fn run() -> Action<'static> {
    Action::RunScript { script: CHK, command: "/bin/chk -q" }
}

fn texts(heard: &[(Time, String)]) -> Vec<&str> {
    heard.iter().map(|(_, text)| text.as_str()).collect()
}

#[test]
fn a_script_exits_with_what_the_last_act_said_when_it_began() {
    let mut world = world("at 1s script chk down on a\nat 2s script chk up on a\n");
    let first = heard(&mut world, &[run()], 500);
    assert_eq!(texts(&first), ["exited 0"]);
    let millis: Vec<u64> = first.iter().map(|(at, _)| at.as_nanos() / 1_000_000).collect();
    assert!((14..=68).contains(&millis[0]), "12 to 58 ms to start, 2 to 9 to run: {millis:?}");
    heard(&mut world, &[], 1500);
    world.apply(A, run());
    assert_eq!(texts(&heard(&mut world, &[], 1600)), ["exited 1"]);
    world.apply(A, run());
    world.apply(A, run());
    assert_eq!(texts(&heard(&mut world, &[], 2500)), ["exited 1"], "what runs is not run twice");
    world.apply(A, run());
    assert_eq!(texts(&heard(&mut world, &[], 3000)), ["exited 0"]);
}

#[test]
fn a_script_that_hangs_ends_when_it_is_killed_and_not_before() {
    let mut world = world("at 0s script chk hang on a\n");
    assert_eq!(texts(&heard(&mut world, &[run()], 5000)), [""; 0]);
    world.apply(A, Action::KillScript { script: CHK });
    assert_eq!(texts(&heard(&mut world, &[], 6000)), ["killed"]);
    world.apply(A, Action::KillScript { script: CHK });
    assert_eq!(texts(&heard(&mut world, &[], 7000)), [""; 0], "nothing runs");
}

#[test]
fn a_script_that_takes_long_can_be_killed_too() {
    let mut world = world("at 0s script chk takes 2s on a\nat 1s script chk down on a\n");
    let first = heard(&mut world, &[run()], 1000);
    assert_eq!(texts(&first), [""; 0]);
    world.apply(A, Action::KillScript { script: CHK });
    assert_eq!(texts(&heard(&mut world, &[], 5000)), ["killed"], "and does not end a second time");
    let begun = world.now();
    world.apply(A, run());
    let ended = heard(&mut world, &[], 9000);
    assert_eq!(texts(&ended), ["exited 1"]);
    assert_eq!(ended[0].0 - begun, Duration::from_secs(2));
}

#[test]
fn a_file_is_told_at_once_and_after_each_change() {
    let acts = "at 1s file load -5x on a\nat 2s file load \"\" on a\nat 3s file load gone on a\n";
    let mut world = world(acts);
    let told = heard(&mut world, &[Action::WatchFile { file: LOAD, path: "/run/load" }], 5000);
    assert_eq!(texts(&told), ["7", "-5x", "", "gone"]);
    let after = told[1].0 - (Time::ZERO + Duration::from_secs(1));
    assert!((Duration::from_micros(300)..=Duration::from_micros(900)).contains(&after), "{after}");
}

#[test]
fn a_file_that_nobody_wrote_is_not_there() {
    let watch = Action::WatchFile { file: LOAD, path: "/run/other" };
    assert_eq!(texts(&heard(&mut world(""), &[watch], 5000)), ["gone"]);
}

#[test]
fn what_a_program_tells_is_reported() {
    let notify = Action::Notify { command: "/bin/n.sh MASTER" };
    let write = Action::WriteFifo { path: "/run/fifo", line: "INSTANCE \"VI_1\" MASTER 100" };
    let told = heard(&mut world(""), &[notify, write], 1000);
    assert_eq!(texts(&told), ["/bin/n.sh MASTER", "INSTANCE \"VI_1\" MASTER 100"]);
}

#[test]
fn a_program_that_ends_hears_of_none_of_its_scripts() {
    let mut world = world("at 1s kill a\nat 2s start a\nat 0s script chk takes 3s on a\n");
    assert_eq!(texts(&heard(&mut world, &[run()], 4900)), [""; 0]);
    assert_eq!(texts(&heard(&mut world, &[], 5100)), ["exited 0"], "the second program's");
}

#[test]
fn of_a_service_one_process_runs_until_it_dies_whether_it_hangs_or_not() {
    let watch = |n, name| Action::WatchProcess { watch: WatchId(n), name };
    let asks = [watch(0, "haproxy"), watch(1, "keepalived"), watch(2, "nginx")];
    let acts = "at 1s hang haproxy on a\nat 2s fail haproxy on a\nat 3s mend haproxy on a\n";
    let mut told = heard(&mut world(acts), &asks, 900);
    told.sort_by(|a, b| a.1.cmp(&b.1));
    assert_eq!(texts(&told), ["0: 1", "1: 2", "2: 0"]);
    let told = heard(&mut world(acts), &[watch(0, "haproxy")], 5000);
    assert_eq!(texts(&told), ["0: 1", "0: 0", "0: 1"]);
    let after = told[1].0 - (Time::ZERO + Duration::from_secs(2));
    assert!((Duration::from_micros(300)..=Duration::from_micros(900)).contains(&after), "{after}");
}

#[test]
fn a_boot_starts_services_and_a_kill_of_the_program_leaves_them_as_they_are() {
    let watch = Action::WatchProcess { watch: WatchId(0), name: "haproxy" };
    let acts = "at 1s fail haproxy on a\nat 2s kill a\nat 3s start a\nat 4s power-off a\nat 5s power-on a\n";
    assert_eq!(texts(&heard(&mut world(acts), &[watch], 6000)), ["0: 1", "0: 0", "0: 0", "0: 1"]);
}
