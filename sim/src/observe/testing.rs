//! Hand-made runs for the tests of this module: two machines, a client, and what is said of them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use havip::config::Config;
use havip::files::Files;
use havip::profile::Profile;
use havip::program::{Record as Said, Role, Subject, Value, Why};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::Observer;
use crate::world::*;

pub(crate) const A: u16 = 0;
pub(crate) const B: u16 = 1;
pub(crate) const HAVIP: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 12));
const CLIENT: u16 = 2;

/// `20.5` seconds.
pub(crate) fn t(text: &str) -> Time {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let nanos: u64 = format!("{part:0<9}").parse().unwrap();
    Time::from_nanos(whole.parse::<u64>().unwrap() * 1_000_000_000 + nanos)
}

/// A run told by hand: what is said after `at` happens there.
pub(crate) struct Run {
    pub(crate) setup: Setup,
    pub(crate) group_of_b: u32,
    now: Time,
    reports: Vec<Report>,
    frames: Vec<Vec<u8>>,
}

struct Told<'a> {
    run: &'a Run,
}

impl Look for Told<'_> {
    fn frame(&self, id: FrameId) -> &[u8] {
        &self.run.frames[id.0 as usize]
    }
    fn subject(&self, cvm: CvmId, _: Subject) -> (&str, u32) {
        ("VI_1", if cvm.0 == B { self.run.group_of_b } else { 51 })
    }
    fn mark(&self, _: FrameId) -> Option<Mark> {
        None
    }
    fn told(&self, _: crate::world::Told) -> &str {
        "INSTANCE \"VI_1\" MASTER 100"
    }
}

impl Run {
    /// a and b with keepalived in a VPC, a HAVIP, and a client that probes it ten times a second.
    pub(crate) fn pair() -> Run {
        let subnet = Subnet {
            net: "172.16.16.0/24".parse().unwrap(),
            ipv6: None,
            latency: (Duration::from_micros(200), Duration::from_micros(400)),
        };
        let mut run = Run::on(Segment::Vpc { net: "172.16.0.0/16".parse().unwrap(), subnets: vec![subnet] });
        run.setup.havips.push(HavipSetup { address: HAVIP, subnet: 0, off: false });
        run
    }

    /// The same on a lan.
    pub(crate) fn lan() -> Run {
        let latency = (Duration::from_micros(200), Duration::from_micros(400));
        Run::on(Segment::Lan(vec![Subnet { net: "172.16.16.0/24".parse().unwrap(), ipv6: None, latency }]))
    }

    fn on(segment: Segment) -> Run {
        let cvm = |name: &str, last: u8| CvmSetup {
            name: name.into(),
            eni: eni(last),
            more: Vec::new(),
            off: false,
            program: ProgramSetup::Agent {
                profile: Profile::KEEPALIVED,
                file: "conf/pair.conf".into(),
                files: Arc::new(Files::default()),
                with: Vec::new(),
                config: Arc::new(Config::default()),
                diagnoses: Vec::new(),
            },
        };
        let client = ClientSetup {
            name: "web".into(),
            eni: eni(100),
            target: HAVIP,
            port: None,
            every: Duration::from_millis(100),
            internet: None,
        };
        let setup = Setup {
            name: "by-hand".into(),
            run: Duration::from_secs(60),
            seed: 7,
            tick: Duration::from_micros(100),
            host_exact: false,
            segment,
            havips: Vec::new(),
            eips: Vec::new(),
            console: Vec::new(),
            bind_delay: (Duration::ZERO, Duration::ZERO),
            cvms: vec![cvm("a", 5), cvm("b", 6)],
            clients: vec![client],
            services: Vec::new(),
            checks: Vec::new(),
            files: Vec::new(),
            reloads: Vec::new(),
            texts: Arc::new([]),
            acts: Vec::new(),
            canary: false,
        };
        Run { setup, group_of_b: 51, now: Time::ZERO, reports: Vec::new(), frames: Vec::new() }
    }

    /// What is said from here on happens at this instant.
    pub(crate) fn at(&mut self, now: &str) -> &mut Run {
        self.now = t(now);
        self
    }
    /// An act of the script, carried out.
    pub(crate) fn act(&mut self, at: &str, act: Act, line: u32) -> &mut Run {
        self.at(at);
        self.setup.acts.push(TimedAct { at: self.now, act, line });
        let index = self.setup.acts.len() as u32 - 1;
        self.say(Who::Script, What::Act(index))
    }
    pub(crate) fn say(&mut self, who: Who, what: What) -> &mut Run {
        self.reports.push(Report { at: self.now, who, what });
        self
    }
    fn node(&mut self, node: u16, what: What) -> &mut Run {
        self.say(Who::Node(NodeId(node)), what)
    }
    pub(crate) fn life(&mut self, cvm: u16, life: Life) -> &mut Run {
        self.node(cvm, What::Program(CvmId(cvm), life))
    }
    pub(crate) fn subject(&mut self, cvm: u16) -> &mut Run {
        self.node(cvm, What::Subject(CvmId(cvm), Subject(0)))
    }
    pub(crate) fn started(&mut self, cvm: u16) -> &mut Run {
        self.life(cvm, Life::Started).subject(cvm)
    }
    pub(crate) fn transition(&mut self, cvm: u16, from: Role, to: Role, why: Why) -> &mut Run {
        let said = Said::Transition { subject: Subject(0), from, to, why };
        self.node(cvm, What::Record(CvmId(cvm), said))
    }
    pub(crate) fn master(&mut self, cvm: u16) -> &mut Run {
        let values = [Value::Seconds(Duration::from_millis(3609)), Value::Number(100)];
        let why = Why::with("no advert for {} s (priority {})", values);
        self.transition(cvm, Role::Backup, Role::Master, why)
    }
    pub(crate) fn backup(&mut self, cvm: u16) -> &mut Run {
        self.transition(cvm, Role::Master, Role::Backup, Why::new("a higher priority was heard"))
    }
    pub(crate) fn claims(&mut self, cvm: u16, why: &'static str) -> &mut Run {
        let said = Said::Claims { subject: Subject(0), why: Why::new(why) };
        self.node(cvm, What::Record(CvmId(cvm), said))
    }
    pub(crate) fn rejects(&mut self, cvm: u16, why: &'static str) -> &mut Run {
        let said = Said::Rejected { subject: Subject(0), why: Why::new(why) };
        self.node(cvm, What::Record(CvmId(cvm), said))
    }
    pub(crate) fn held(&mut self, node: u16, held: bool) -> &mut Run {
        self.node(node, What::Held { node: NodeId(node), address: HAVIP, held, ran_out: false })
    }
    pub(crate) fn bound(&mut self, from: Option<u16>, to: Option<u16>) -> &mut Run {
        let claimed_by = to.map(mac_of);
        let (from, to) = (from.map(NodeId), to.map(NodeId));
        self.say(Who::Cloud, What::Bound { havip: HavipId(0), from, to, claimed_by })
    }
    pub(crate) fn refused(&mut self, by: u16, address: IpAddr) -> &mut Run {
        let verdict = Verdict::Refused(Refusal::NotHavip);
        self.claim(address, by, verdict)
    }
    pub(crate) fn believed(&mut self, by: u16) -> &mut Run {
        let verdict = Verdict::Believed;
        self.claim(HAVIP, by, verdict)
    }
    fn claim(&mut self, address: IpAddr, by: u16, verdict: Verdict) -> &mut Run {
        let (by, eni, mac) = (NodeId(by), EniIndex::ETH0, mac_of(by));
        self.say(Who::Cloud, What::Claim { address, by, eni, mac, verdict })
    }
    pub(crate) fn neighbour(&mut self, node: u16, mac: Option<Mac>) -> &mut Run {
        self.node(node, What::Neighbour { node: NodeId(node), address: HAVIP, mac })
    }
    pub(crate) fn probed(&mut self) -> &mut Run {
        self.node(CLIENT, What::Probed { client: ClientId(0) })
    }
    pub(crate) fn probe_reaches(&mut self, cvm: u16) -> &mut Run {
        self.node(cvm, What::Reached { client: ClientId(0), node: NodeId(cvm) })
    }
    /// Probes from one instant to another, each answered by a machine within the same tick.
    pub(crate) fn probes(&mut self, from: &str, to: &str, by: u16) -> &mut Run {
        self.each_period(from, to, |run| {
            let sent = run.now;
            run.probed().probe_reaches(by).node(CLIENT, What::Answered { client: ClientId(0), sent });
        })
    }
    /// Probes from one instant to another that nobody answers.
    pub(crate) fn silence(&mut self, from: &str, to: &str) -> &mut Run {
        self.each_period(from, to, |run| {
            run.probed();
        })
    }
    fn each_period(&mut self, from: &str, to: &str, mut each: impl FnMut(&mut Run)) -> &mut Run {
        self.at(from);
        while self.now <= t(to) {
            each(self);
            self.now += self.setup.clients[0].every;
        }
        self
    }
    /// One unicast advertisement.
    pub(crate) fn advert(&mut self, from: u16, to: u16, priority: u8) -> &mut Run {
        let frame = self.frame(advert_frame(from, to, priority));
        self.node(from, What::Sent { frame, kind: Kind::Vrrp })
    }
    /// A machine has a second interface.
    pub(crate) fn has_eth1(&mut self, cvm: u16) {
        let last = 5 + cvm as u8;
        let address = format!("10.20.0.{last}/24").parse().unwrap();
        let mac = Mac([2, 0, 10, 20, 0, last]);
        let eth1 = EniSetup { name: "eth1".into(), address, ipv6: None, mac, subnet: 1, off: false };
        self.setup.cvms[usize::from(cvm)].more.push(eth1);
    }
    /// One unicast advertisement by the second interface.
    pub(crate) fn advert_by_eth1(&mut self, from: u16, to: u16) -> &mut Run {
        let frame = self.frame(advert_frame(from, to, 100));
        self.say(Who::Eni(NodeId(from), EniIndex(1)), What::Sent { frame, kind: Kind::Vrrp })
    }
    /// Advertisements, one a second, `n` of them.
    pub(crate) fn adverts(&mut self, first: &str, n: u64, from: u16, to: u16, priority: u8) -> &mut Run {
        for i in 0..n {
            self.now = t(first) + Duration::from_micros(1_000_200) * i;
            self.now = self.now.round_up(self.setup.tick);
            self.advert(from, to, priority);
        }
        self
    }
    /// An advertisement that does not arrive.
    pub(crate) fn lost(&mut self, from: u16, to: u16, cause: Loss) -> &mut Run {
        let frame = self.frame(advert_frame(from, to, 100));
        let to = Some(Who::Node(NodeId(to)));
        self.node(from, What::Lost { frame, kind: Kind::Vrrp, to, cause })
    }
    /// Any frame that does not arrive.
    pub(crate) fn lost_frame(&mut self, from: u16, to: Option<u16>, bytes: Vec<u8>, cause: Loss) -> &mut Run {
        let frame = self.frame(bytes);
        let to = to.map(|to| Who::Node(NodeId(to)));
        self.node(from, What::Lost { frame, kind: Kind::Vrrp, to, cause })
    }
    /// An advertisement that arrives.
    pub(crate) fn received_advert(&mut self, by: u16, from: u16) -> &mut Run {
        let frame = self.frame(advert_frame(from, by, 100));
        self.node(by, What::Received { frame, kind: Kind::Vrrp, from: Who::Node(NodeId(from)) })
    }
    /// An announcement that reaches the cloud.
    pub(crate) fn heard_by_cloud(&mut self, from: u16, address: IpAddr) -> &mut Run {
        let frame = self.frame(garp_frame(from, address));
        self.say(Who::Cloud, What::Received { frame, kind: Kind::Garp, from: Who::Node(NodeId(from)) })
    }
    /// A gratuitous ARP for the HAVIP.
    pub(crate) fn garp(&mut self, from: u16) -> &mut Run {
        self.garp_for(from, HAVIP)
    }
    pub(crate) fn garp_for(&mut self, from: u16, address: IpAddr) -> &mut Run {
        let frame = self.frame(garp_frame(from, address));
        self.node(from, What::Sent { frame, kind: Kind::Garp })
    }
    /// Five of them, a tick apart.
    pub(crate) fn burst(&mut self, from: u16) -> &mut Run {
        for _ in 0..5 {
            self.garp(from);
            self.now += self.setup.tick;
        }
        self
    }

    fn frame(&mut self, bytes: Vec<u8>) -> FrameId {
        self.frames.push(bytes);
        FrameId(self.frames.len() as u32 - 1)
    }

    /// Tells an observer everything, instant by instant in canonical order, up to the end of the run.
    pub(crate) fn play(&self, observer: &mut dyn Observer, end: &str) {
        let mut reports = self.reports.clone();
        reports.sort_by_key(|report| (report.at, report.who));
        reports.retain(|report| report.at <= t(end));
        for instant in reports.chunk_by(|a, b| a.at == b.at) {
            observer.instant(&self.setup, &Told { run: self }, instant);
        }
        observer.finish(&self.setup, t(end));
    }
}

pub(crate) fn mac_of(node: u16) -> Mac {
    let last = if node == CLIENT { 100 } else { 5 + node as u8 };
    Mac([2, 0, 172, 16, 16, last])
}

fn eni(last: u8) -> EniSetup {
    let address = format!("172.16.16.{last}/24").parse().unwrap();
    EniSetup {
        name: "eth0".into(),
        address,
        ipv6: None,
        mac: Mac([2, 0, 172, 16, 16, last]),
        subnet: 0,
        off: false,
    }
}

/// An advertisement as keepalived sends it (version 2, router 51), checksums aside.
pub(crate) fn advert_frame(from: u16, to: u16, priority: u8) -> Vec<u8> {
    let mut frame = [mac_of(to).0, mac_of(from).0].concat();
    frame.extend([8, 0, 0x45, 0xc0, 0, 40, 0, 1, 0, 0, 255, 112, 0, 0]);
    frame.extend([172, 16, 16, 5 + from as u8, 172, 16, 16, 5 + to as u8]);
    frame.extend([0x21, 51, priority, 1, 1, 1, 0, 0, 172, 16, 16, 12, 0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0]);
    frame
}

/// A gratuitous ARP as keepalived sends it: a request whose sender and target are the address.
pub(crate) fn garp_frame(from: u16, address: IpAddr) -> Vec<u8> {
    let mut frame = [[0xff; 6], mac_of(from).0].concat();
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac_of(from).0);
    let IpAddr::V4(address) = address else { panic!("{address} is not announced by ARP") };
    frame.extend(address.octets());
    frame.extend([0xff; 6]);
    frame.extend(address.octets());
    frame
}

/// Every element is closed in its turn, every attribute quoted.
pub(crate) fn well_formed(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, _) = part.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '\n']).next().expect("a name");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !["!doctype", "meta"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
