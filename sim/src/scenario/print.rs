//! Canonical text: what is printed reads as the same script again.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use havip::time::{Duration, Time};

use super::console::{self, ConsoleText};
use super::expect::Expect;
use super::lex::Quoted;
use super::script::{ProgramDecl, Script};
use super::text::{ActText, ExpectText, Names};
use crate::world::{NodeId, Segment, Subnet};

/// A time as a script writes it: the largest unit that makes it at least one, decimals if need be: `3.7s`.
#[derive(Clone, Copy, Debug)]
pub struct TimeText(pub Duration);

impl fmt::Display for TimeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, digits, name) = match nanos {
            0 => return f.pad("0s"),
            1_000_000_000.. => (1_000_000_000, 9, "s"),
            1_000_000.. => (1_000_000, 6, "ms"),
            1_000.. => (1_000, 3, "us"),
            _ => (1, 0, "ns"),
        };
        let (whole, part) = (nanos / unit, nanos % unit);
        if part == 0 {
            return f.pad(&format!("{whole}{name}"));
        }
        let part = format!("{part:0digits$}");
        f.pad(&format!("{whole}.{}{name}", part.trim_end_matches('0')))
    }
}

/// A point of a run as a script writes it.
pub(super) fn instant(time: Time) -> TimeText {
    TimeText(time.saturating_since(Time::ZERO))
}

/// `A..B`, or `A` where both are the same.
pub(super) struct Range(pub(super) (Duration, Duration));

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = self.0;
        if from == to { TimeText(from).fmt(f) } else { write!(f, "{}..{}", TimeText(from), TimeText(to)) }
    }
}

/// `172.16.16.5`, or `172.16.16.5  ipv6 fd00:16::5`.
struct Addresses(Ipv4Addr, Option<Ipv6Addr>);

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        self.1.map_or(Ok(()), |ipv6| write!(f, "  ipv6 {ipv6}"))
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario {}", self.name)?;
        writeln!(f, "run {} seed {}", TimeText(self.run), self.seed)?;
        if self.tick != Script::TICK {
            writeln!(f, "tick {}", TimeText(self.tick))?;
        }
        if self.host_exact {
            writeln!(f, "host exact")?;
        }
        if let Some(phases) = self.phases {
            writeln!(f, "phases {phases}")?;
        }
        for profile in &self.also {
            writeln!(f, "also as {profile}")?;
        }
        writeln!(f)?;
        self.topology(f)?;
        if !self.acts.is_empty() {
            writeln!(f)?;
        }
        for act in &self.acts {
            writeln!(f, "at {:<8} {}", instant(act.at), ActText { act: &act.act, names: self })?;
        }
        if !self.expectations.is_empty() {
            writeln!(f)?;
        }
        for expectation in &self.expectations {
            let expect: &Expect = &expectation.expect;
            f.write_str("expect ")?;
            if let Some(profile) = expectation.only {
                write!(f, "as {profile} ")?;
            }
            writeln!(f, "{}", ExpectText { expect, names: self })?;
        }
        Ok(())
    }
}

impl Script {
    fn topology(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subnet = |f: &mut fmt::Formatter<'_>, word, subnet: &Subnet| {
            write!(f, "{word:<7} {}", subnet.net)?;
            if let Some(net) = subnet.ipv6 {
                write!(f, "  ipv6 {net}")?;
            }
            if subnet.latency != Script::default_latency(self.tick) {
                write!(f, "  latency {}", Range(subnet.latency))?;
            }
            writeln!(f)
        };
        match &self.segment {
            Segment::Lan(lans) => {
                for each in lans {
                    subnet(f, "lan", each)?;
                }
            }
            Segment::Vpc { net, subnets } => {
                writeln!(f, "vpc     {net}")?;
                for each in subnets {
                    subnet(f, "subnet", each)?;
                }
            }
        }
        for havip in &self.havips {
            writeln!(f, "havip   {}{}", havip.address, if havip.off { "  off" } else { "" })?;
        }
        for eip in &self.eips {
            write!(f, "eip     {}", eip.address)?;
            match eip.havip {
                Some(havip) => writeln!(f, "  to {}", Names::havip(self, havip))?,
                None => writeln!(f)?,
            }
        }
        if self.bind_delay != (Duration::ZERO, Duration::ZERO) {
            writeln!(f, "cloud   bind-delay {}", Range(self.bind_delay))?;
        }
        for cvm in &self.cvms {
            let ProgramDecl::Agent(program) = cvm.program;
            write!(f, "cvm     {}  {}", cvm.name, Addresses(cvm.address, cvm.ipv6))?;
            write!(f, "  {program} {}", Quoted(&cvm.file.path))?;
            if cvm.mac != Script::default_mac(cvm.address) {
                write!(f, "  mac {}", cvm.mac)?;
            }
            for with in &cvm.with {
                write!(f, "  with {}", Quoted(&format!("{}={}", with.key, with.value)))?;
            }
            writeln!(f, "{}", if cvm.off { "  off" } else { "" })?;
            for eni in &cvm.more {
                write!(f, "eni     {}.{}  {}", cvm.name, eni.name, Addresses(eni.address, eni.ipv6))?;
                if eni.mac != Script::default_mac(eni.address) {
                    write!(f, "  mac {}", eni.mac)?;
                }
                writeln!(f, "{}", if eni.off { "  off" } else { "" })?;
            }
        }
        for client in &self.clients {
            let word = if client.internet.is_some() { "internet" } else { "client " };
            write!(f, "{word} {}  {}  probe ", client.name, Addresses(client.address, client.ipv6))?;
            match client.port {
                Some(port) => write!(f, "{}", SocketAddr::new(client.target, port))?,
                None => write!(f, "{}", client.target)?,
            }
            write!(f, " every {}", TimeText(client.every))?;
            if client.mac != Script::default_mac(client.address) {
                write!(f, "  mac {}", client.mac)?;
            }
            if let Some(latency) = client.internet.filter(|one| *one != Script::default_internet(self.tick)) {
                write!(f, "  latency {}", Range(latency))?;
            }
            writeln!(f)?;
        }
        for service in &self.services {
            write!(f, "service {}  tcp {}  on", service.name, service.port)?;
            for cvm in &service.on {
                write!(f, " {}", Names::node(self, NodeId(cvm.0)))?;
            }
            writeln!(f)?;
        }
        for check in &self.checks {
            let service = self.services.get(usize::from(check.service.0)).map_or("?", |one| &one.name);
            writeln!(f, "check   {} = {service}", Quoted(&check.script))?;
        }
        for act in &self.console {
            writeln!(f, "{:<7} {}", console::verb(act), ConsoleText { act: *act, names: self })?;
        }
        Ok(())
    }
}
