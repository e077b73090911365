//! A scenario drawn at random: a small cluster and everything the language can do to it, on a grid so coarse that
//! things happen at once.

use std::fmt::{self, Display, Write as _};
use std::io;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::scenario::{Script, ScriptError, load_keepalived};
use crate::world::Setup;

/// What everything happens on, in milliseconds: the longest tick there is.
const GRID: u32 = 10;
const NAMES: [char; 3] = ['a', 'b', 'c'];

/// A random scenario; prints as the file it would be.
#[derive(Clone, Debug)]
pub(super) struct Case {
    seed: u16,
    vpc: bool,
    tick: &'static str,
    exact: bool,
    latency: &'static str,
    seconds: u32,
    machines: Vec<Machine>,
    clients: u8,
    unicast: bool,
    advert: &'static str,
    garp_delay: u8,
    acts: Vec<ActDraw>,
}

#[derive(Clone, Debug)]
struct Machine {
    priority: u8,
    master: bool,
    nopreempt: bool,
    off: bool,
}

/// When, for how long, what, to whom, and how much.
#[derive(Clone, Debug)]
struct ActDraw {
    at: u32,
    lasts: u32,
    what: u8,
    one: u8,
    other: u8,
    amount: u32,
}

pub(super) fn cases() -> impl Strategy<Value = Case> {
    let machine = (prop_oneof![Just(100u8), Just(90), Just(255), 1u8..255], any::<bool>(), any::<bool>());
    let machine = (machine, prop::bool::weighted(0.1))
        .prop_map(|((priority, master, nopreempt), off)| Machine { priority, master, nopreempt, off });
    // The finer the tick, the more steps turmoil makes.
    let tick = prop_oneof![8 => Just("10ms"), 4 => Just("1ms"), 1 => Just("100us")];
    let latency = prop_oneof![Just("10ms"), Just("10ms..20ms"), Just("20ms..50ms")];
    let place = (any::<u16>(), any::<bool>(), tick, prop::bool::weighted(0.7), latency);
    let advert = prop_oneof![Just("0.1"), Just("0.2"), Just("1")];
    let agents = (vec(machine, 2..=3), 1u8..=2, any::<bool>(), advert, 0u8..=5);
    (place, agents, 4u32..=20).prop_flat_map(|(place, agents, seconds)| {
        let (seed, vpc, tick, exact, latency) = place;
        let (machines, clients, unicast, advert, garp_delay) = agents;
        let seconds = if tick == "100us" { seconds.min(8) } else { seconds };
        vec(act(seconds), 1..16).prop_map(move |acts| {
            let machines = machines.clone();
            let unicast = unicast || vpc; // a VPC carries no multicast
            Case {
                seed,
                vpc,
                tick,
                exact,
                latency,
                seconds,
                machines,
                clients,
                unicast,
                advert,
                garp_delay,
                acts,
            }
        })
    })
}

fn act(seconds: u32) -> impl Strategy<Value = ActDraw> {
    let instants = seconds * 1000 / GRID;
    // Half of them at a half second: together with each other.
    let at = prop_oneof![0..=instants, (0..=2 * seconds).prop_map(|s| s * 500 / GRID)];
    let lasts = prop_oneof![0u32..10, 0u32..300, Just(50), Just(100)];
    (at, lasts, 0u8..29, 0u8..6, 0u8..6, 0u32..4).prop_map(|(at, lasts, what, one, other, amount)| ActDraw {
        at: at * GRID,
        lasts: lasts * GRID,
        what,
        one,
        other,
        amount,
    })
}

impl Case {
    /// Three machines on a lan, one of them off: `a`, the owner, loses its power and is back at that millisecond,
    /// and sends at once; `b` and `c` are nothing but its peers.
    pub(super) fn comes_back_at(at: u32) -> Case {
        let machine = |priority, off| Machine { priority, master: priority == 255, nopreempt: false, off };
        let off = ActDraw { at: 5000, lasts: at - 5000, what: 3, one: 0, other: 0, amount: 0 };
        Case {
            seed: 1,
            vpc: false,
            tick: "10ms",
            exact: true,
            latency: "10ms",
            seconds: 13,
            machines: vec![machine(255, false), machine(100, false), machine(90, true)],
            clients: 1,
            unicast: true,
            advert: "0.2",
            garp_delay: 1,
            acts: vec![off],
        }
    }

    /// The cable of `a` is out for ten milliseconds at the very beginning, and its program has yet to start.
    pub(super) fn starts_unplugged() -> Case {
        let unplug = ActDraw { at: 0, lasts: 10, what: 7, one: 0, other: 0, amount: 0 };
        Case { tick: "1ms", exact: false, acts: vec![unplug], ..Case::comes_back_at(6000) }
    }

    /// What an engine needs. A random scenario that the language refuses is a mistake of this file.
    pub(super) fn setup(&self) -> Arc<Setup> {
        let script = Script::parse("random.scn", &self.to_string()).unwrap_or_else(|errors| {
            panic!("{self}\n{}", errors.iter().map(ScriptError::one_line).collect::<Vec<_>>().join("\n"))
        });
        let read = |path: &str| match path {
            "pair.conf" => Ok(self.conf(0)),
            "other.conf" => Ok(self.conf(7)),
            _ => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        match script.prepare(&read, &load_keepalived) {
            Ok(scenario) => Arc::new(scenario.setup),
            Err(errors) => panic!("{self}\n{errors:?}"),
        }
    }

    /// Whether the machines have IPv6 and an address of it between them.
    fn ipv6(&self) -> bool {
        self.seed & 2 != 0
    }
    /// Whether each machine has a second interface, in a segment of its own.
    fn two_interfaces(&self) -> bool {
        self.seed & 12 == 12
    }

    /// The machines' file; another one with other priorities.
    fn conf(&self, other: u8) -> String {
        let weight = [-30, 0][usize::from(self.clients - 1)];
        let mut text = format!("vrrp_script chk {{\n script /bin/chk\n interval 1\n weight {weight}\n}}\n");
        text += "track_file load {\n file /run/load\n weight 1\n}\n";
        text += &self.instance(other, "VI_1", "eth0", 51, "172.16.16.");
        if self.ipv6() {
            text += &self.instance(other, "VI_6", "eth0", 51, "fd00:16::");
        }
        if self.two_interfaces() {
            text += &self.instance(other, "VI_2", "eth1", 52, "172.16.20.");
        }
        text
    }

    /// A virtual router: machines' addresses begin with `net` and end with 5, 6, 7, the shared one with 12.
    fn instance(&self, other: u8, name: &str, interface: &str, vrid: u8, net: &str) -> String {
        let mut text =
            format!("vrrp_instance {name} {{\n interface {interface}\n virtual_router_id {vrid}\n");
        if self.advert != "1" || net.contains(':') {
            text += " version 3\n";
        }
        let _ = write!(text, " advert_int {}\n garp_master_delay {}\n", self.advert, self.garp_delay);
        for (i, machine) in self.machines.iter().enumerate() {
            let name = NAMES[i];
            let priority = machine.priority.saturating_add(other).max(1);
            let state = if machine.master { "MASTER" } else { "BACKUP" };
            let _ = writeln!(text, "@{name} priority {priority}\n@{name} state {state}");
            if machine.nopreempt {
                let _ = writeln!(text, "@{name} nopreempt");
            }
            if self.unicast {
                let _ = writeln!(text, "@{name} unicast_src_ip {net}{}", 5 + i);
            }
        }
        if self.unicast {
            let _ = writeln!(text, " unicast_peer {{");
            for (i, name) in NAMES.iter().enumerate().take(self.machines.len()) {
                for peer in (0..self.machines.len()).filter(|&peer| peer != i) {
                    let _ = writeln!(text, "@{name} {net}{}", 5 + peer);
                }
            }
            let _ = writeln!(text, " }}");
        }
        text += " track_script {\n chk\n }\n track_file {\n load\n }\n notify /bin/notify\n";
        text + &format!(" virtual_ipaddress {{\n {net}12\n }}\n}}\n")
    }

    /// What is done, and what ends it, if anything does.
    fn act(&self, act: &ActDraw) -> (String, Option<String>) {
        let cvms = self.machines.len();
        let cvm = NAMES[usize::from(act.one) % cvms];
        let nodes: Vec<String> = NAMES[..cvms]
            .iter()
            .map(char::to_string)
            .chain((0..self.clients).map(|i| format!("web{i}")))
            .collect();
        let end = |n: u8| nodes[usize::from(n) % nodes.len()].as_str();
        let second = self.two_interfaces() && act.amount == 3;
        let node = if second { format!("{cvm}.eth1") } else { end(act.one).to_owned() };
        let node = node.as_str();
        let arrow = if act.amount.is_multiple_of(2) { "<->" } else { "->" };
        let peer = if self.vpc && act.other == 5 { "cloud" } else { end(act.other) };
        let path = if peer == node { format!("* {arrow} {node}") } else { format!("{node} {arrow} {peer}") };
        let ms = (act.amount + 1) * GRID;
        let share = 20 + act.amount * 20;
        let (first, then) = match act.what {
            0 | 1 => (format!("stop {cvm}"), format!("start {cvm}")),
            2 => (format!("kill {cvm}"), format!("start {cvm}")),
            3 | 4 => (format!("power-off {cvm}"), format!("power-on {cvm}")),
            5 => (format!("freeze {cvm}"), format!("thaw {cvm}")),
            6 => (format!("pause {cvm}"), format!("resume {cvm}")),
            7 => (format!("unplug {node}"), format!("plug {node}")),
            8 => (format!("cut {path}"), format!("heal {path}")),
            9 => (format!("drop vrrp,garp {path}"), "heal".to_owned()),
            10 => (format!("loss {share}% {path}"), format!("heal {path}")),
            11 => (format!("delay {ms}ms..{}ms {path}", 2 * ms), "heal".to_owned()),
            12 => (format!("duplicate {share}% {path}"), format!("heal {path}")),
            13 if self.vpc => return (format!("cloud bind-delay {ms}ms"), None),
            14 | 27 | 28 if self.vpc => ("cloud drop-claims".to_owned(), "cloud hear-claims".to_owned()),
            15 => (format!("corrupt {share}% {path}"), format!("heal {path}")),
            16 => (format!("reorder {share}% {path}"), "heal".to_owned()),
            17 => {
                let own = 5 + usize::from(act.one) % cvms;
                let address =
                    if act.other < 2 { format!("172.16.16.{own}/24") } else { "172.16.16.12".into() };
                (format!("tamper {cvm} del {address}"), format!("tamper {cvm} add {address}"))
            }
            18 => (format!("tamper {cvm} add 172.16.16.12/24"), format!("tamper {cvm} del 172.16.16.12")),
            19 => {
                let sign = if act.other < 3 { "-" } else { "" };
                let ppm = (act.amount + 1) * 25_000;
                (format!("clock {cvm} drift {sign}{ppm}ppm"), format!("clock {cvm} drift 0ppm"))
            }
            20 => (format!("clock {cvm} step -{ms}ms"), format!("clock {cvm} step +1h")),
            21 => (self.spoof(act, node), format!("stop {cvm}")),
            22 => {
                let what = match self.ipv6() && act.other < 3 {
                    true => format!("na on {node} fd00:16::12"),
                    false => format!("arp on {node} 172.16.16.12"),
                };
                return (format!("spoof {what} is-at 02:00:00:00:00:66 every {ms}ms for 90ms"), None);
            }
            23 => {
                let first = if act.other < 3 { "fail" } else { "hang" };
                (format!("{first} db on {cvm}"), format!("mend db on {cvm}"))
            }
            // The owner of an address tracks nothing that has a weight.
            24..=26 if self.machines[usize::from(act.one) % cvms].priority == 255 => {
                (format!("freeze {cvm}"), format!("thaw {cvm}"))
            }
            24 | 25 => {
                let verdict = ["down", "hang", "takes 300ms", "takes 2s"][act.amount as usize];
                (format!("script chk {verdict} on {cvm}"), format!("script chk up on {cvm}"))
            }
            26 => {
                let text = ["-20", "30", "junk", "-300"][act.amount as usize];
                (format!("file load {text} on {cvm}"), format!("file load gone on {cvm}"))
            }
            _ => (format!("reload {cvm} with other.conf"), format!("reload {cvm} with pair.conf")),
        };
        (first, Some(then).filter(|_| act.amount < 3 || act.lasts > GRID))
    }

    /// An attacker's advertisement, right or wrong.
    fn spoof(&self, act: &ActDraw, node: &str) -> String {
        let ipv6 = self.ipv6() && act.lasts.is_multiple_of(20);
        let net = if ipv6 { "fd00:16::" } else { "172.16.16." };
        let to = if self.unicast { format!("to {net}{} ", 5 + act.one % 3) } else { String::new() };
        let third = if ipv6 { "count 2" } else { "auth 2222" };
        let wrong = ["", "bad checksum", third, "truncated 12", "padded 6", "ttl 1"][usize::from(act.other)];
        let (from, ms) = (5 + act.other, (act.amount + 1) * GRID);
        format!(
            "spoof vrrp on {node} from {net}{from} {to}vrid 51 priority 200 {wrong} every {ms}ms for 500ms"
        )
    }
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario random\nrun {}s seed {}\ntick {}", self.seconds, self.seed, self.tick)?;
        if self.exact {
            writeln!(f, "host exact")?;
        }
        let latency = self.latency;
        let net_v6 = if self.ipv6() { "ipv6 fd00:16::/64 " } else { "" };
        let segment = if self.vpc { "subnet" } else { "lan" };
        if self.vpc {
            writeln!(f, "vpc 172.16.0.0/16\nhavip 172.16.16.12")?;
        }
        writeln!(f, "{segment} 172.16.16.0/24 {net_v6}latency {latency}")?;
        if self.two_interfaces() {
            writeln!(f, "{segment} 172.16.20.0/24 latency {latency}")?;
        }
        if self.vpc && self.ipv6() {
            writeln!(f, "havip fd00:16::12")?;
        }
        if self.vpc && self.two_interfaces() {
            writeln!(f, "havip 172.16.20.12")?;
        }
        let v6 = |last: usize| if self.ipv6() { format!(" ipv6 fd00:16::{last}") } else { String::new() };
        for (i, machine) in self.machines.iter().enumerate() {
            let off = if machine.off { " off" } else { "" };
            let last = 5 + i;
            writeln!(f, "cvm {} 172.16.16.{last}{} keepalived pair.conf{off}", NAMES[i], v6(last))?;
            if self.two_interfaces() {
                writeln!(f, "eni {}.eth1 172.16.20.{last}", NAMES[i])?;
            }
        }
        for i in 0..self.clients {
            let every = [100, 70][usize::from(i)];
            let last = 100 + usize::from(i);
            let port = ["", ":80"][usize::from(i)];
            let (own, target) = match i {
                1 if self.two_interfaces() => (format!("172.16.20.{last}"), format!("172.16.20.12{port}")),
                1 if self.ipv6() => (format!("172.16.16.{last}{}", v6(last)), "[fd00:16::12]:80".to_owned()),
                _ if self.ipv6() => (format!("172.16.16.{last}{}", v6(last)), "fd00:16::12".to_owned()),
                _ => (format!("172.16.16.{last}"), format!("172.16.16.12{port}")),
            };
            writeln!(f, "client web{i} {own} probe {target} every {every}ms")?;
        }
        let names: String = NAMES[..self.machines.len()].iter().flat_map(|name| [' ', *name]).collect();
        writeln!(f, "service db tcp 80 on{names}")?;
        for act in &self.acts {
            let (first, then) = self.act(act);
            writeln!(f, "at {}ms {first}", act.at)?;
            if let Some(then) = then {
                writeln!(f, "at {}ms {then}", (act.at + act.lasts).min(self.seconds * 1000))?;
            }
        }
        Ok(())
    }
}
