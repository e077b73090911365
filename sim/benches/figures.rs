//! The figures the testbed must reach, measured: absolute, and as a ratio to a fixed loop timed in the same run.
//!
//! `cargo bench -p havip-sim` prints the table. Nothing here fails on a slow machine: the figure is for people. A
//! case runs in a process of its own, so that its peak memory is its own.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark is the one place with a clock"
)]

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use havip::time::{Duration, Time};
use havip_sim::engine::{Engine, EventLoop};
use havip_sim::observe::{Expectations, FrameDigest, Observer, Recorder};
use havip_sim::scenario::{Script, load_keepalived};
use havip_sim::world::Setup;

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
    println!("{:<32} {:>16} {:>14} {:>12}", "one engine against the other", "event loop", "turmoil", "ratio");
    for machines in [3, 10] {
        compare_engines(machines);
    }
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

/// A fixed loop: rounds of a hash a second. What a machine is worth just now.
fn loop_rate() -> f64 {
    const ROUNDS: u64 = 50_000_000;
    let begun = Instant::now();
    let hash =
        (0..ROUNDS).fold(1u64, |hash, n| (hash ^ n).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7));
    std::hint::black_box(hash);
    ROUNDS as f64 / begun.elapsed().as_secs_f64()
}

/// The most memory this process ever had, from the kernel's own account.
fn peak_mib() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or("?".into(), |kib| format!("{:.1}", kib as f64 / 1024.0))
}

/// Machines of falling priority on one subnet, 1 s advertisements to every other, and one client.
fn cluster(machines: u32, every: &str) -> Setup {
    let address = |i: u32| std::net::Ipv4Addr::from(u32::from_be_bytes([172, 16, 0, 10]) + i);
    let mut text = format!(
        "scenario figures\nrun 24h\nvpc 172.16.0.0/16\nsubnet 172.16.0.0/16\nhavip 172.16.255.1\n\
         client web 172.16.255.2 probe 172.16.255.1 every {every}\n",
    );
    for i in 0..machines {
        writeln!(text, "cvm m{i} {} keepalived m{i}.conf", address(i)).expect("a string takes it");
    }
    let script = Script::parse("figures.scn", &text).expect("a script");
    let read = |name: &str| {
        let i: u32 =
            name.trim_start_matches('m').trim_end_matches(".conf").parse().expect("a machine's number");
        let peers: String = (0..machines).filter(|&j| j != i).map(|j| format!("{}\n", address(j))).collect();
        Ok(format!(
            "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\npriority {}\nadvert_int 1\n\
             unicast_src_ip {}\nunicast_peer {{\n{peers}}}\nvirtual_ipaddress {{\n172.16.255.1\n}}\n}}\n",
            250 - (i % 240).min(240),
            address(i)
        ))
    };
    script.prepare(&read, &load_keepalived).expect("a setup").setup
}
