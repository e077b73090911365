//! What happens to the cluster: a closed list of stories, and each as acts of a script.

use std::net::IpAddr;

use havip::config::Instance;
use havip::time::{Duration, Time};
use ipnet::Ipv4Net;

use super::cluster::{Cluster, INTERFACE, PERIOD};
use super::settings::Settings;
use crate::scenario::{CheckDecl, ClientDecl, CvmDecl, FileDecl, Place, ProgramDecl, Script, ServiceDecl};
use crate::world::{
    Act, CvmId, End, FileId, Health, Kind, Kinds, NodeId, Path, Ppm, Segment, ServiceId, Subnet, TimedAct,
};

/// One story of the battery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// Every machine boots.
    Start,
    /// The master loses power.
    PowerOff,
    /// Its program is killed; its kernel keeps the address.
    Kill,
    /// Its program ends in good order.
    Stop,
    /// It lost power and comes back.
    Return,
    /// Its program stands still for 10 s.
    Freeze,
    /// The whole machine stands still for 10 s.
    Pause,
    /// No advertisement passes either way for 60 s, then all do.
    Split,
    /// What the master sends to the others is lost for 60 s.
    LossOut,
    /// What the others send to the master is lost for 60 s.
    LossIn,
    /// A fifth of what passes between the machines is lost for 10 minutes.
    Loss,
    /// Every machine reloads, the master last.
    Reload,
    /// The master's cable is out for 20 s. On a lan only.
    Unplug,
    /// What the master's scripts look at dies. Where a machine tracks a script only, as the next one.
    ServiceDies,
    /// What the others' scripts look at dies, then the master loses power; 40 s later the others' is well again.
    NoneServes,
}

/// A second.
const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// When the stories' times are counted from, and what else is needed to run one.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) story: Story,
    /// Who is master first; nobody in [`Story::Start`].
    pub(super) first: Option<CvmId>,
    /// How many acts come before the story: they are not shifted.
    pub(super) before: usize,
    /// The act from which everything is measured: an index into the script's acts.
    pub(super) mark: u32,
    /// The acts between which no advertisement passes.
    pub(super) blocked: Option<(u32, u32)>,
    pub(super) script: Script,
}

impl Story {
    /// In the order of the table.
    pub const ALL: [Story; 15] = [
        Story::Start,
        Story::PowerOff,
        Story::Kill,
        Story::Stop,
        Story::Return,
        Story::Freeze,
        Story::Pause,
        Story::Split,
        Story::LossOut,
        Story::LossIn,
        Story::Loss,
        Story::Reload,
        Story::Unplug,
        Story::ServiceDies,
        Story::NoneServes,
    ];

    /// Its name in file names and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Story::Start => "start",
            Story::PowerOff => "power-off",
            Story::Kill => "kill",
            Story::Stop => "stop",
            Story::Return => "return",
            Story::Freeze => "freeze",
            Story::Pause => "pause",
            Story::Split => "split",
            Story::LossOut => "loss-out",
            Story::LossIn => "loss-in",
            Story::Loss => "loss",
            Story::Reload => "reload",
            Story::Unplug => "unplug",
            Story::ServiceDies => "service-dies",
            Story::NoneServes => "none-serves",
        }
    }

    /// As the table says it.
    pub(super) fn title(self, machines: usize) -> &'static str {
        match self {
            Story::Start if machines == 2 => "both start",
            Story::Start => "all start",
            Story::PowerOff => "power-off",
            Story::Kill => "kill -9",
            Story::Stop => "graceful stop",
            Story::Return => "return of the failed",
            Story::Freeze => "freeze 10s",
            Story::Pause => "VM pause 10s",
            Story::Split => "heal",
            Story::LossOut => "master unheard 60s",
            Story::LossIn => "master deaf 60s",
            Story::Loss => "20% loss 10min",
            Story::Reload => "rolling reload",
            Story::Unplug => "cable out 20s",
            Story::ServiceDies => "service dies",
            Story::NoneServes => "standby's, then power",
        }
    }

    /// Whether it has a row in this cluster.
    pub(super) fn is_for(self, cluster: &Cluster) -> bool {
        match self {
            Story::Unplug => cluster.lan,
            Story::ServiceDies | Story::NoneServes => !scripts(cluster).is_empty(),
            _ => true,
        }
    }

    /// Whether the client asks for a service, which the machines' scripts look at, and not just for the address.
    fn asks_a_service(self) -> bool {
        matches!(self, Story::ServiceDies | Story::NoneServes)
    }
}

impl Plan {
    /// A story in a cluster, one of its machines being master first.
    pub(super) fn new(cluster: &Cluster, settings: &Settings, story: Story, first: Option<CvmId>) -> Plan {
        let waits = Waits::of(cluster);
        let mut acts = Acts::default();
        let others: Vec<CvmId> =
            (0..cluster.machines.len() as u16).map(CvmId).filter(|cvm| Some(*cvm) != first).collect();
        let boot = if first.is_some() { s(2) + waits.down } else { s(1) };
        for &cvm in &others {
            acts.at(boot, Act::PowerOn(cvm));
        }
        let before = if first.is_some() { acts.list.len() } else { 0 };
        // By then whoever would take the address from the first has done so, and every burst is over.
        let start = boot + waits.down + waits.down + waits.preempt + s(6);
        let (mark, blocked) = match first {
            Some(first) => story.acts(first, &others, start, &waits, cluster, &mut acts),
            None => (0, None),
        };
        let last = acts.list.last().map_or(Duration::ZERO, |(at, _)| *at);
        let files = files(cluster);
        let mut script = Script {
            source: crate::scenario::Source::default(),
            name: story.name(cluster, first),
            run: last + story.observed(&waits),
            seed: Script::SEED,
            tick: Script::TICK,
            host_exact: false,
            phases: None,
            also: Vec::new(),
            segment: segment(cluster.net, cluster.lan),
            havips: if cluster.lan {
                Vec::new()
            } else {
                cluster.havips.iter().map(|&address| IpAddr::V4(address).into()).collect()
            },
            eips: Vec::new(),
            console: Vec::new(),
            bind_delay: settings.cloud_delay.unwrap_or_default(),
            cvms: cvms(cluster, first),
            clients: vec![ClientDecl {
                name: "web".to_owned(),
                address: cluster.client,
                ipv6: None,
                mac: Script::default_mac(cluster.client),
                target: cluster.havips[0].into(),
                port: story.asks_a_service().then_some(PORT),
                every: if story == Story::Loss { PERIOD * 2 } else { PERIOD },
                internet: None,
            }],
            services: services(cluster, story),
            checks: checks(cluster, story),
            files,
            texts: Vec::new(),
            acts: acts.timed(),
            expectations: Vec::new(),
        };
        script.tidy();
        Plan { story, first, before, mark, blocked, script }
    }

    /// The script of one run: with its seed, the story's acts so much later, and those behind the mark later still.
    pub(super) fn script_of(&self, seed: u64, (shift, extra): (Duration, Duration)) -> Script {
        let mut script = self.script.clone();
        script.seed = seed;
        script.run = script.run + shift + extra;
        for (i, act) in script.acts.iter_mut().enumerate().skip(self.before) {
            act.at = act.at + shift + if i > self.mark as usize { extra } else { Duration::ZERO };
        }
        script
    }

    /// Over how many advert intervals the beginning and the end of a split are spread, each, so that they meet every
    /// part of the time between two refreshes; 1 where nobody refreshes.
    pub(super) fn turns(&self, cluster: &Cluster) -> u64 {
        let refresh =
            cluster.machines.iter().map(|m| m.instance().garp.master_refresh).max().unwrap_or_default();
        if self.blocked.is_none() || refresh.is_zero() {
            return 1;
        }
        let interval = self.interval(cluster).as_nanos().max(1);
        (refresh.as_nanos().div_ceil(interval) + 1).min(50)
    }

    /// The advert interval of whoever is master first.
    pub(super) fn interval(&self, cluster: &Cluster) -> Duration {
        let of = |i: usize| cluster.machines[i].instance().advert_interval;
        match self.first {
            Some(first) => of(usize::from(first.0)),
            None => (0..cluster.machines.len()).map(of).max().unwrap_or(s(1)),
        }
    }
}

impl Story {
    fn name(self, cluster: &Cluster, first: Option<CvmId>) -> String {
        match first {
            Some(first) => format!("{}-{}", self.word(), cluster.machines[usize::from(first.0)].name),
            None => self.word().to_owned(),
        }
    }

    /// How long after its last act a story is watched.
    fn observed(self, waits: &Waits) -> Duration {
        let settled = waits.down + waits.down + waits.preempt + s(15);
        match self {
            Story::Split | Story::LossOut | Story::LossIn | Story::Loss | Story::Unplug => {
                settled.max(s(90)) + waits.refresh
            }
            Story::Freeze | Story::Pause | Story::Return | Story::ServiceDies | Story::NoneServes => {
                settled.max(s(30)) + waits.refresh
            }
            Story::Start | Story::PowerOff | Story::Kill | Story::Stop | Story::Reload => settled,
        }
    }

    /// Adds the story's acts; the act it is measured from, and those between which nothing passes.
    fn acts(
        self,
        first: CvmId,
        others: &[CvmId],
        start: Duration,
        waits: &Waits,
        cluster: &Cluster,
        acts: &mut Acts,
    ) -> (u32, Option<(u32, u32)>) {
        let vrrp = Kinds::NONE.with(Kind::Vrrp);
        let me = End::Node(NodeId(first.0));
        let path = |from, to, both| Path { from, to, both };
        let mark = acts.list.len() as u32;
        let block = |acts: &mut Acts, path| {
            acts.at(start, Act::Drop(vrrp, path));
            acts.at(start + s(60), Act::Heal(None));
            (mark, Some((mark, mark + 1)))
        };
        match self {
            Story::Start => {}
            Story::PowerOff => acts.at(start, Act::PowerOff(first)),
            Story::Kill => acts.at(start, Act::Kill(first)),
            Story::Stop => acts.at(start, Act::Stop(first)),
            Story::Return => {
                acts.at(start, Act::PowerOff(first));
                acts.at(start + s(20).max(waits.down + waits.down + s(6)), Act::PowerOn(first));
                return (mark + 1, None);
            }
            Story::Freeze => {
                acts.at(start, Act::Freeze(first));
                acts.at(start + s(10), Act::Thaw(first));
            }
            Story::Pause => {
                acts.at(start, Act::Pause(first));
                acts.at(start + s(10), Act::Resume(first));
            }
            Story::Split => return block(acts, path(me, End::Any, true)),
            Story::LossOut => return block(acts, path(me, End::Any, false)),
            Story::LossIn => return block(acts, path(End::Any, me, false)),
            Story::Loss => {
                let all: Vec<CvmId> = std::iter::once(first).chain(others.iter().copied()).collect();
                for (i, a) in all.iter().enumerate() {
                    for b in &all[i + 1..] {
                        let between = path(End::Node(NodeId(a.0)), End::Node(NodeId(b.0)), true);
                        acts.at(start, Act::Loss(Ppm(200_000), Kinds::ALL, between));
                    }
                }
                acts.at(start + s(600), Act::Heal(None));
            }
            Story::Reload => {
                let mut at = start;
                for cvm in others.iter().copied().chain([first]) {
                    acts.at(at, Act::Reload(cvm, file_of(cluster, cvm), Duration::ZERO));
                    at += s(5);
                }
            }
            Story::ServiceDies => acts.at(start, Act::Service(APP, first, Health::Dead)),
            Story::NoneServes => {
                for &cvm in others {
                    acts.at(start, Act::Service(APP, cvm, Health::Dead));
                }
                let dies = start + s(20).max(waits.down + waits.down);
                acts.at(dies, Act::PowerOff(first));
                for &cvm in others {
                    acts.at(dies + s(40), Act::Service(APP, cvm, Health::Alive));
                }
                return (mark + others.len() as u32, None);
            }
            Story::Unplug => {
                acts.at(start, Act::Unplug(NodeId(first.0), None));
                acts.at(start + s(20), Act::Plug(NodeId(first.0), None));
            }
        }
        (mark, None)
    }
}

/// How long things take by the files.
struct Waits {
    /// The longest master down interval, in whole seconds, rounded up.
    down: Duration,
    preempt: Duration,
    refresh: Duration,
}

impl Waits {
    fn of(cluster: &Cluster) -> Waits {
        let longest = |of: fn(&Instance) -> Duration| {
            let all = cluster.machines.iter().map(|m| of(m.instance()));
            s(all.max().unwrap_or_default().as_nanos().div_ceil(1_000_000_000))
        };
        let down = |i: &Instance| i.advert_interval * (u64::from(i.down_timer_adverts) + 1);
        Waits {
            // A skew time is shorter than a second, or than an interval.
            down: longest(down).max(s(4)),
            preempt: longest(|i| i.preempt_delay),
            refresh: longest(|i| i.garp.master_refresh),
        }
    }
}

#[derive(Default)]
struct Acts {
    list: Vec<(Duration, Act)>,
}

impl Acts {
    fn at(&mut self, at: Duration, act: Act) {
        self.list.push((at, act));
    }
    fn timed(self) -> Vec<TimedAct> {
        self.list.into_iter().map(|(at, act)| TimedAct { at: Time::ZERO + at, act, line: 0 }).collect()
    }
}

/// What the machines' scripts look at, and where a client asks for it.
const APP: ServiceId = ServiceId(0);
const PORT: u16 = 80;

/// The scripts that some machine tracks, by name.
pub(super) fn scripts(cluster: &Cluster) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for script in cluster.machines.iter().flat_map(|machine| &machine.loaded.config.scripts) {
        if !names.contains(&&*script.name) {
            names.push(&script.name);
        }
    }
    names
}

fn services(cluster: &Cluster, story: Story) -> Vec<ServiceDecl> {
    let on = (0..cluster.machines.len() as u16).map(CvmId).collect();
    let app = || ServiceDecl { name: "app".to_owned(), port: PORT, on };
    story.asks_a_service().then(app).into_iter().collect()
}

fn checks(cluster: &Cluster, story: Story) -> Vec<CheckDecl> {
    let scripts = if story.asks_a_service() { scripts(cluster) } else { Vec::new() };
    let of = |name: &str| CheckDecl { script: name.to_owned(), place: Place::NOWHERE, service: APP };
    scripts.into_iter().map(of).collect()
}

/// Each file once, however many machines read it.
fn files(cluster: &Cluster) -> Vec<FileDecl> {
    let mut files: Vec<FileDecl> = Vec::new();
    for machine in &cluster.machines {
        if !files.iter().any(|file| file.path == machine.file) {
            files.push(FileDecl { path: machine.file.clone(), place: Place::NOWHERE });
        }
    }
    files
}

fn file_of(cluster: &Cluster, cvm: CvmId) -> FileId {
    let path = &cluster.machines[usize::from(cvm.0)].file;
    FileId(files(cluster).iter().position(|file| file.path == *path).unwrap_or_default() as u16)
}

fn cvms(cluster: &Cluster, first: Option<CvmId>) -> Vec<CvmDecl> {
    let of = |(i, machine): (usize, &super::cluster::Machine)| CvmDecl {
        name: machine.name.to_owned(),
        address: machine.address,
        ipv6: None,
        mac: Script::default_mac(machine.address),
        more: Vec::new(),
        program: ProgramDecl::Agent(cluster.profile),
        file: FileDecl { path: machine.file.clone(), place: Place::NOWHERE },
        with: machine
            .with
            .iter()
            .map(|(key, value)| crate::scenario::WithDecl {
                key: key.clone(),
                value: value.clone(),
                place: Place::NOWHERE,
            })
            .collect(),
        off: first != Some(CvmId(i as u16)),
    };
    debug_assert_eq!(INTERFACE, "eth0", "what the world calls a machine's interface");
    cluster.machines.iter().enumerate().map(of).collect()
}

fn segment(net: Ipv4Net, lan: bool) -> Segment {
    let subnet = Subnet { net, ipv6: None, latency: Script::default_latency(Script::TICK) };
    if lan {
        return Segment::Lan(vec![subnet]);
    }
    let wide = Ipv4Net::new(net.network(), net.prefix_len().min(16)).unwrap_or(net).trunc();
    Segment::Vpc { net: wide, subnets: vec![subnet] }
}
