//! A parsed file: names and texts, no disk.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use havip::profile::Profile;

use super::expect::Expectation;
use super::place::{Place, Source};
use crate::world::{Act, ConsoleAct, CvmId, FileId, HavipId, Segment, ServiceId, TextId, TimedAct};

/// What a scenario file says, defaults filled in.
///
/// [`Script::parse`] gives only scripts that make sense. A program may change one or make one; what it prints
/// then is read again as any file is ([`Script::checked`]), and complained of as any file is.
///
/// Two scripts are equal when they say the same: lines and places do not count.
#[derive(Clone, Debug)]
pub struct Script {
    /// Where it was read; empty for one that a program made.
    pub source: Source,
    /// `scenario NAME`.
    pub name: String,
    /// `run 60s`.
    pub run: Duration,
    /// `seed 7`.
    pub seed: u64,
    /// `tick 100us`.
    pub tick: Duration,
    /// `host exact`.
    pub host_exact: bool,
    /// `phases 200`.
    pub phases: Option<u32>,
    /// `also as PROFILE`: run, and held against a snapshot, with every machine under that profile too.
    pub also: Vec<Profile>,
    /// `lan`s, or `vpc` and its `subnet`s, in file order.
    pub segment: Segment,
    /// `havip ADDR [off]`, by `HavipId`.
    pub havips: Vec<HavipDecl>,
    /// `eip ADDR [to HAVIP]`, by `EipId`.
    pub eips: Vec<EipDecl>,
    /// `range …` and `secgroup …` without a time, in file order.
    pub console: Vec<ConsoleAct>,
    /// `cloud bind-delay A..B`, from the start.
    pub bind_delay: (Duration, Duration),
    /// `cvm …`, by `CvmId`.
    pub cvms: Vec<CvmDecl>,
    /// `client …`, by `ClientId`.
    pub clients: Vec<ClientDecl>,
    /// `service …`, by `ServiceId`.
    pub services: Vec<ServiceDecl>,
    /// `check …`, in file order.
    pub checks: Vec<CheckDecl>,
    /// The files that `reload` names, by `FileId`.
    pub files: Vec<FileDecl>,
    /// What acts and expectations name, by `TextId`.
    pub texts: Vec<TextDecl>,
    /// In time order; those of one instant in file order.
    pub acts: Vec<TimedAct>,
    /// In file order.
    pub expectations: Vec<Expectation>,
}

/// `havip ADDR [off]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HavipDecl {
    /// Its address.
    pub address: IpAddr,
    /// It is applied for later.
    pub off: bool,
}

impl From<IpAddr> for HavipDecl {
    fn from(address: IpAddr) -> HavipDecl {
        HavipDecl { address, off: false }
    }
}

/// `eip ADDR [to HAVIP]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EipDecl {
    /// Its address.
    pub address: Ipv4Addr,
    /// The HAVIP that it is bound to from the start.
    pub havip: Option<HavipId>,
}

/// `cvm NAME ADDR [ipv6 ADDR] PROFILE FILE [mac MAC] [with key=value]... [off]`, and the `eni`s that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CvmDecl {
    /// Its name.
    pub name: String,
    /// The address of its first interface.
    pub address: Ipv4Addr,
    /// That interface's IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Its hardware address.
    pub mac: Mac,
    /// Further interfaces.
    pub more: Vec<EniDecl>,
    /// What it runs.
    pub program: ProgramDecl,
    /// The program's configuration file.
    pub file: FileDecl,
    /// Overrides of the file.
    pub with: Vec<WithDecl>,
    /// Off at the start.
    pub off: bool,
}

/// `eni CVM.NAME ADDR [ipv6 ADDR] [mac MAC] [off]`: a further interface of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EniDecl {
    /// What the machine calls it: `eth1`.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Its hardware address.
    pub mac: Mac,
    /// It is attached later.
    pub off: bool,
}

/// The program of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgramDecl {
    /// `keepalived`, `havip`, `keepalived-1.3`: the agent, and whose behaviour it has.
    Agent(Profile),
}

/// A text that acts or expectations name, and where the script does so first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextDecl {
    /// As written, without quotes.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// `service NAME tcp PORT on NAME...`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDecl {
    /// Its name.
    pub name: String,
    /// Its port.
    pub port: u16,
    /// The machines it runs on.
    pub on: Vec<CvmId>,
}

/// `check SCRIPT = SERVICE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckDecl {
    /// The name of a `vrrp_script`.
    pub script: String,
    /// Where it is written.
    pub place: Place,
    /// What it looks at.
    pub service: ServiceId,
}

/// A configuration file, and where the script names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDecl {
    /// As written: relative to the folder of the scenario file.
    pub path: String,
    /// Where.
    pub place: Place,
}

/// `with key=value`, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithDecl {
    /// The keyword it overrides.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where `key=value` is written.
    pub place: Place,
}

/// `client NAME ADDR [ipv6 ADDR] probe ADDR[:PORT]|[ADDR]:PORT every DUR [mac MAC]`, or
/// `internet NAME ADDR probe EIP[:PORT] every DUR [latency A..B]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientDecl {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// Its hardware address.
    pub mac: Mac,
    /// What it probes.
    pub target: IpAddr,
    /// The port it asks for a connection, if it does not just ping.
    pub port: Option<u16>,
    /// How often.
    pub every: Duration,
    /// It is one of the internet: how long a packet takes from there or to there.
    pub internet: Option<(Duration, Duration)>,
}

impl Script {
    /// What every node's first interface is called.
    pub const ETH0: &'static str = "eth0";
    /// The seed of a file that names none.
    pub const SEED: u64 = 1;
    /// The tick of a file that names none.
    pub const TICK: Duration = Duration::from_micros(100);

    /// The latency of a segment that names none: 200us..400us, rounded up to the tick.
    pub fn default_latency(tick: Duration) -> (Duration, Duration) {
        (rounded_up(200, tick), rounded_up(400, tick))
    }
    /// The latency of the internet where none is named: 10ms, rounded up to the tick (assumed).
    pub fn default_internet(tick: Duration) -> (Duration, Duration) {
        (rounded_up(10_000, tick), rounded_up(10_000, tick))
    }
    /// The hardware address of a node that names none: 02:00 and the four bytes of its address.
    pub fn default_mac(address: Ipv4Addr) -> Mac {
        let [a, b, c, d] = address.octets();
        Mac([2, 0, a, b, c, d])
    }

    /// Reads this script's own printed text: whether a program made one that makes sense. Lines and places are
    /// those of the printed text then.
    pub fn checked(&self) -> Result<Script, Vec<super::ScriptError>> {
        Script::parse(&self.source.file, &self.to_string())
    }

    /// The same with every machine's agent under one profile.
    #[must_use]
    pub fn under(mut self, profile: Profile) -> Script {
        for cvm in &mut self.cvms {
            cvm.program = ProgramDecl::Agent(profile);
        }
        self
    }

    /// Acts in time order; files and texts only those that something names, in the order in which it does. To be
    /// called when a program has changed `acts` or `expectations`.
    pub fn tidy(&mut self) {
        self.acts.sort_by_key(|act| act.at);
        self.tidy_texts();
        let mut new_ids: Vec<Option<FileId>> = vec![None; self.files.len()];
        let mut files = Vec::new();
        for timed in &mut self.acts {
            if let Act::Reload(_, id, _) = &mut timed.act
                && let Some(new_id) = new_ids.get_mut(usize::from(id.0))
            {
                *id = *new_id.get_or_insert_with(|| {
                    files.push(self.files[usize::from(id.0)].clone());
                    FileId(files.len() as u16 - 1)
                });
            }
        }
        self.files = files;
    }

    fn tidy_texts(&mut self) {
        let mut new_ids: Vec<Option<TextId>> = vec![None; self.texts.len()];
        let mut texts: Vec<TextDecl> = Vec::new();
        let old = &self.texts;
        let mut keep = |id: &mut TextId| {
            if let Some(new_id) = new_ids.get_mut(usize::from(id.0)) {
                *id = *new_id.get_or_insert_with(|| {
                    texts.push(old[usize::from(id.0)].clone());
                    TextId(texts.len() as u16 - 1)
                });
            }
        };
        self.acts.iter_mut().for_each(|timed| timed.act.texts(&mut keep));
        self.expectations.iter_mut().for_each(|one| one.expect.texts(&mut keep));
        self.texts = texts;
    }
}

fn rounded_up(micros: u64, tick: Duration) -> Duration {
    Time::from_nanos(Duration::from_micros(micros).as_nanos()).round_up(tick).saturating_since(Time::ZERO)
}

impl PartialEq for Script {
    fn eq(&self, other: &Script) -> bool {
        let Script {
            source: _, // all fields by name, so that a new one cannot be forgotten
            name,
            run,
            seed,
            tick,
            host_exact,
            phases,
            also,
            segment,
            havips,
            eips,
            console,
            bind_delay,
            cvms,
            clients,
            services,
            checks,
            files,
            texts,
            acts,
            expectations,
        } = self;
        let same_acts = acts.len() == other.acts.len()
            && acts.iter().zip(&other.acts).all(|(a, b)| (a.at, a.act) == (b.at, b.act));
        let same_expectations = expectations.len() == other.expectations.len()
            && expectations
                .iter()
                .zip(&other.expectations)
                .all(|(a, b)| (a.expect, a.only) == (b.expect, b.only));
        (name, run, seed, tick) == (&other.name, &other.run, &other.seed, &other.tick)
            && (host_exact, phases, segment) == (&other.host_exact, &other.phases, &other.segment)
            && (havips, bind_delay, cvms) == (&other.havips, &other.bind_delay, &other.cvms)
            && (clients, files, texts, also) == (&other.clients, &other.files, &other.texts, &other.also)
            && (services, checks) == (&other.services, &other.checks)
            && (eips, console) == (&other.eips, &other.console)
            && same_acts
            && same_expectations
    }
}
impl Eq for Script {}
