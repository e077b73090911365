//! What benches share: how fast this machine is, how much memory a process had, and a cluster of any size.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark is the one place with a clock"
)]

use std::fmt::Write as _;
use std::io;
use std::net::Ipv4Addr;
use std::time::Instant;

use havip_sim::scenario::Script;

/// A fixed loop: rounds of a hash a second. What a machine is worth just now.
pub fn loop_rate() -> f64 {
    const ROUNDS: u64 = 50_000_000;
    let begun = Instant::now();
    let hash =
        (0..ROUNDS).fold(1u64, |hash, n| (hash ^ n).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(7));
    std::hint::black_box(hash);
    ROUNDS as f64 / begun.elapsed().as_secs_f64()
}

/// The most memory this process ever had, in MiB, from the kernel's own account; none where it keeps none.
pub fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Machines of falling priority on one subnet, and one client that asks `every` so often.
pub fn script(machines: u32, program: &str, every: &str) -> Script {
    let mut text = format!(
        "scenario figures\nrun 24h\nvpc 172.16.0.0/16\nsubnet 172.16.0.0/16\nhavip 172.16.255.1\n\
         client web 172.16.255.2 probe 172.16.255.1 every {every}\n",
    );
    for i in 0..machines {
        writeln!(text, "cvm m{i} {} {program} m{i}.conf", address(i)).expect("a string takes it");
    }
    Script::parse("figures.scn", &text).expect("a script")
}

/// The file of one of these machines: it advertises to every other, so many milliseconds apart.
pub fn conf(name: &str, machines: u32, advert_ms: u64) -> io::Result<String> {
    let i: u32 = name.trim_start_matches('m').trim_end_matches(".conf").parse().expect("a machine's number");
    let peers: String = (0..machines).filter(|&j| j != i).map(|j| format!("{}\n", address(j))).collect();
    // Version 2 has whole seconds only.
    let version = if advert_ms.is_multiple_of(1_000) { "" } else { "version 3\n" };
    let (seconds, thousandths) = (advert_ms / 1_000, advert_ms % 1_000);
    Ok(format!(
        "vrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\npriority {}\n{version}\
         advert_int {seconds}.{thousandths:03}\nunicast_src_ip {}\nunicast_peer {{\n{peers}}}\n\
         virtual_ipaddress {{\n172.16.255.1\n}}\n}}\n",
        250 - (i % 240),
        address(i)
    ))
}

fn address(machine: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from_be_bytes([172, 16, 0, 10]) + machine)
}
