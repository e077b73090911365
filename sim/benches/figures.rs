//! The figures the testbed must reach, measured: absolute, and as a ratio to a fixed loop timed in the same run.
//!
//! `cargo bench -p havip-sim` prints the table. Nothing here fails on a slow machine: the figure is for people. A
//! case runs in a process of its own, so that its peak memory is its own.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark is the one place with a clock"
)]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use havip::agent::Agent;
use havip::config::{self, Options};
use havip::files::Files;
use havip::program::{Actions, Event, Interface, InterfaceId, Now, Program, Role};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip_sim::engine::{Engine, EventLoop};
use havip_sim::observe::{Expectations, FrameDigest, Observer, Recorder};
use havip_sim::scenario::{Script, load_keepalived};
use havip_sim::trial::{Settings, Trial};
use havip_sim::world::Setup;

use self::common::loop_rate;

/// One row: a cluster, how long it runs and how often, who watches, and what it must reach.
struct Case {
    name: &'static str,
    machines: u32,
    simulated: Duration,
    /// Runs, each with a seed of its own.
    seeds: u64,
    /// The client's period.
    every: &'static str,
    recording: bool,
    must: &'static str,
}

const DAY: Case = Case {
    name: "",
    machines: 3,
    simulated: Duration::from_secs(86_400),
    seeds: 1,
    every: "1s",
    recording: false,
    must: "",
};

const CASES: [Case; 7] = [
    Case { name: "3 machines, nobody watching", must: ">= 400000 sim s/s", ..DAY },
    Case { name: "3 machines, recording", recording: true, must: ">= 200000 sim s/s", ..DAY },
    Case {
        name: "100 machines",
        machines: 100,
        simulated: Duration::from_secs(3600),
        must: ">= 5000 sim s/s",
        ..DAY
    },
    Case { name: "1000 machines", machines: 1000, simulated: MINUTE, must: "< 512 MiB", ..DAY },
    Case {
        name: "1000 machines, recording",
        machines: 1000,
        simulated: MINUTE,
        recording: true,
        must: "< 512 MiB",
        ..DAY
    },
    Case { name: "a recorded day of 3 machines", recording: true, must: "< 64 MiB", ..DAY },
    Case {
        name: "one-minute seeds, 10 Hz client",
        simulated: MINUTE,
        seeds: 2000,
        every: "100ms",
        must: ">= 1200000 sim s/s: 20000 seeds/s",
        ..DAY
    },
];

const MINUTE: Duration = Duration::from_secs(60);

fn main() {
    let mut arguments = std::env::args().skip(1);
    if let Some(index) = arguments.find_map(|a| a.strip_prefix("--case=").map(str::to_owned)) {
        return run_case(&CASES[index.parse::<usize>().expect("a case")]);
    }
    println!("{:<32} {:>16} {:>14} {:>12}   must", "case", "sim s/s", "ratio to loop", "peak MiB");
    for index in 0..CASES.len() {
        let program = std::env::current_exe().expect("this program");
        let output =
            Command::new(program).arg(format!("--case={index}")).output().expect("a run of this program");
        print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    many_instances();
    one_step();
    battery();
    println!("{:<32} {:>16} {:>14} {:>12}", "one engine against the other", "event loop", "turmoil", "ratio");
    for machines in [3, 10] {
        compare_engines(machines);
    }
}

/// Two machines of 255 virtual routers each, an advertisement every 10 ms: 25,500 a second from the master alone.
fn many_instances() {
    let setup = Arc::new(crowd());
    let simulated = Duration::from_secs(2);
    let mut rates: Vec<(f64, f64)> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            Engine::EventLoop.run(&setup, Duration::ZERO, Time::ZERO + simulated, &mut ());
            (simulated.as_secs() as f64 / begun.elapsed().as_secs_f64(), loop_rate())
        })
        .collect();
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (rate, of_loop) = rates[1];
    let (name, ratio, peak) = ("2 x 255 instances, 10 ms", rate / (of_loop / 1e6), peak_mib());
    println!("{name:<32} {rate:>16.1} {ratio:>14.3} {peak:>12}   >= 20 sim s/s");
}

/// What a backup takes to receive a valid advertisement, and the loop's rounds in that time.
fn one_step() {
    const STEPS: u32 = 2_000_000;
    let (mut agent, mut out) = (backup(), Actions::new());
    let packet = valid_advert();
    let mut now = Time::ZERO;
    let mut times: Vec<(f64, f64)> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..STEPS {
                now += Duration::from_millis(1);
                out.clear();
                let event = Event::Packet { interface: ETH0, packet: &packet };
                agent.step(Now { mono: now, utc: now }, event, &mut out);
            }
            (begun.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS), loop_rate())
        })
        .collect();
    assert_eq!(agent.routers()[0].role(), Role::Backup, "it was obeyed each time");
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (nanos, of_loop) = times[1];
    let (name, rounds) = ("a step: a valid advert", nanos * of_loop / 1e9);
    println!("{name:<32} {nanos:>13.0} ns {rounds:>7.0} rounds {:>12}   < 150 ns", "");
}

/// `try` on the vendor's pair, every row and phase of it, on every core.
fn battery() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/conf/vendor-spelled.conf");
    let trial = Trial::open(&[file.clone(), file], Settings::default()).expect("the pair can be tried");
    let mut times: Vec<(f64, f64)> = (0..3)
        .map(|_| {
            let begun = Instant::now();
            let report = trial.run(&()).expect("nobody stops it");
            assert!(report.rows.len() > 10, "it is the whole battery");
            (begun.elapsed().as_secs_f64(), loop_rate())
        })
        .collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (seconds, of_loop) = times[1];
    let (name, rounds) = ("try on the vendor's pair", seconds * of_loop / 1e6);
    println!("{name:<32} {seconds:>14.2} s {rounds:>7.0} M rounds {:>9}   < 5 s on 2 cores", "");
}

/// Both engines on one cluster, in turns: simulated seconds a second each, and the median of the ratios.
fn compare_engines(machines: u32) {
    let simulated = Duration::from_secs(5);
    let setup = Arc::new(cluster(machines, "1s"));
    let rate = |engine: Engine, times: u32| {
        let begun = Instant::now();
        for _ in 0..times {
            engine.run(&setup, Duration::ZERO, Time::ZERO + simulated, &mut ());
        }
        (simulated.as_secs() * u64::from(times)) as f64 / begun.elapsed().as_secs_f64()
    };
    let mut pairs: Vec<(f64, f64)> =
        (0..3).map(|_| (rate(Engine::EventLoop, 200), rate(Engine::Turmoil, 1))).collect();
    pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (fast, faithful) = pairs[1];
    let name = format!("{machines} machines, 5 s from the start");
    println!("{name:<32} {fast:>16.0} {faithful:>14.1} {:>12.0}", fast / faithful);
}

/// Three runs; the median counts.
fn run_case(case: &Case) {
    let setup = cluster(case.machines, case.every);
    let mut rates: Vec<(f64, f64)> = (0..3).map(|_| (rate(case, &setup), loop_rate())).collect();
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (rate, of_loop) = rates[1];
    // Simulated seconds for each million rounds of the fixed loop.
    let ratio = rate / (of_loop / 1e6);
    println!("{:<32} {rate:>16.0} {ratio:>14.2} {:>12}   {}", case.name, peak_mib(), case.must);
}

fn rate(case: &Case, setup: &Setup) -> f64 {
    let end = Time::ZERO + case.simulated;
    let setups: Vec<_> = (1..=case.seeds).map(|seed| Arc::new(Setup { seed, ..setup.clone() })).collect();
    let begun = Instant::now();
    for setup in &setups {
        let mut engine = EventLoop::new(Arc::clone(setup));
        if case.recording {
            let mut watch = (Recorder::new(setup), Expectations::new(setup, &[]), FrameDigest::new());
            engine.run(end, &mut watch);
            watch.finish(setup, end);
            assert!(!watch.0.record(setup, &[], None).text().is_empty());
        } else {
            engine.run(end, &mut ());
        }
    }
    (case.simulated.as_secs() * case.seeds) as f64 / begun.elapsed().as_secs_f64()
}

/// Machines of falling priority on one subnet, 1 s advertisements to every other, and one client.
fn cluster(machines: u32, every: &str) -> Setup {
    let script = common::script(machines, "keepalived", every);
    let read = |name: &str| common::conf(name, machines, 1_000);
    script.prepare(&read, &load_keepalived).expect("a setup").setup
}

/// The same as a column of the table.
fn peak_mib() -> String {
    common::peak_mib().map_or("?".into(), |mib| format!("{mib:.1}"))
}

const ETH0: InterfaceId = InterfaceId(2);

/// An agent with one instance, which has begun as backup.
fn backup() -> Agent {
    let text = "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority 90\nadvert_int 1\n\
                authentication {\nauth_type PASS\nauth_pass 1111\n}\nunicast_src_ip 172.16.16.6\n\
                unicast_peer {\n172.16.16.5\n}\nvirtual_ipaddress {\n172.16.16.12\n}\n}\n";
    let options = Options::default();
    let config = config::load(&Files::single("b.conf", text), &options).config;
    let mut agent = Agent::new(Arc::new(config), options);
    let addresses = vec!["172.16.16.6/24".parse().expect("an address")];
    let eth0 =
        Interface { id: ETH0, name: "eth0".into(), mac: Mac([2, 0, 172, 16, 16, 6]), addresses, up: true };
    let zero = Now { mono: Time::ZERO, utc: Time::ZERO };
    agent.step(zero, Event::Start { interfaces: &[eth0], booted: Time::ZERO }, &mut Actions::new());
    agent
}

/// The packet of case c02 (reality 5): 172.16.16.5 to .6, priority 100, password 1111.
fn valid_advert() -> Vec<u8> {
    let hex =
        "45c0002800010000ff704279ac101005ac101006213364010101 5b4bac10100c3131313100000000".replace(' ', "");
    let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex");
    (0..hex.len() / 2).map(byte).collect()
}

/// Two machines of 255 instances each on a lan.
fn crowd() -> Setup {
    let text = "scenario crowd\nrun 60s\nlan 172.16.0.0/16\ncvm a 172.16.0.5 keepalived a.conf\n\
                cvm b 172.16.0.6 keepalived b.conf\n";
    let script = Script::parse("crowd.scn", text).expect("a script");
    let read = |name: &str| {
        let (own, other, priority) = if name == "a.conf" { (5, 6, 100) } else { (6, 5, 90) };
        let mut text = String::new();
        for i in 1..=255 {
            write!(
                text,
                "vrrp_instance VI_{i} {{\ninterface eth0\nversion 3\nvirtual_router_id {i}\npriority {priority}\n\
                 advert_int 0.01\nunicast_src_ip 172.16.0.{own}\nunicast_peer {{\n172.16.0.{other}\n}}\n\
                 virtual_ipaddress {{\n172.16.1.{i}\n}}\n}}\n"
            )
            .expect("a string takes it");
        }
        Ok(text)
    };
    script.prepare(&read, &load_keepalived).expect("a setup").setup
}
