//! From configuration files to machines on a segment: who is who, where, and what had to be assumed.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use havip::config::{self, Instance, Loaded, Severity};
use havip::files::Files;
use havip::profile::Profile;
use havip::time::Duration;
use ipnet::Ipv4Net;

use super::Refusal;
use super::expand::expand;
use super::settings::Settings;

/// The names machines get, in the order of their files.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
/// The one interface of every machine.
pub(super) const INTERFACE: &str = "eth0";
/// How often the client asks.
pub(super) const PERIOD: Duration = Duration::from_millis(50);

/// How a figure came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// On real machines.
    Measured,
    /// The cloud's vendor says so.
    Vendor,
    /// Nobody said; something had to be taken.
    Assumed,
    /// On the command line.
    Given,
}

impl Tag {
    /// As it is printed.
    pub const fn word(self) -> &'static str {
        match self {
            Tag::Measured => "measured",
            Tag::Vendor => "vendor",
            Tag::Assumed => "assumed",
            Tag::Given => "given",
        }
    }
}

/// Something the figures rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basis {
    /// How it is known.
    pub tag: Tag,
    /// What it is about: `latency`.
    pub what: String,
    /// What was taken.
    pub taken: String,
}

impl Basis {
    pub(super) fn new(tag: Tag, what: impl Into<String>, taken: impl Into<String>) -> Basis {
        Basis { tag, what: what.into(), taken: taken.into() }
    }
}

/// A machine, its file, and what the file means for it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) name: &'static str,
    /// The file as the user named it.
    pub(super) path: String,
    /// The file as scripts name it: `conf/pair.conf`.
    pub(super) file: String,
    /// What scripts find under that name: the file, with what it includes in its place.
    pub(super) text: String,
    /// What the user's own file means.
    pub(super) loaded: Loaded,
    pub(super) address: Ipv4Addr,
    /// Overrides of the file.
    pub(super) with: Vec<(String, String)>,
}

impl Machine {
    /// Its one instance.
    pub(super) fn instance(&self) -> &Instance {
        &self.loaded.config.instances[0]
    }
}

/// Machines, their segment, and who asks for the address.
#[derive(Clone, Debug)]
pub(super) struct Cluster {
    pub(super) machines: Vec<Machine>,
    pub(super) net: Ipv4Net,
    pub(super) lan: bool,
    /// Whose behaviour the machines' programs have.
    pub(super) profile: Profile,
    /// The virtual addresses of all files, the first machine's first; the client asks for the first.
    pub(super) havips: Vec<Ipv4Addr>,
    pub(super) client: Ipv4Addr,
    pub(super) bases: Vec<Basis>,
}

impl Cluster {
    /// Reads the files and holds them against each other.
    pub(super) fn open(paths: &[PathBuf], settings: &Settings) -> Result<Cluster, Refusal> {
        if paths.len() < 2 {
            return Err(Refusal::new("one file is no cluster").advise(
                "give one file for each machine, or the same file twice if its `@a` and `@b` lines differ",
            ));
        }
        if paths.len() > NAMES.len() {
            let message =
                format!("{} files: machines are named a, b, c and d, and there are no more", paths.len());
            return Err(Refusal::new(message).advise("give two, three or four files"));
        }
        let mut bases = Vec::new();
        let mut machines = Vec::new();
        for (path, name) in paths.iter().zip(NAMES) {
            machines.push(read(path, name, paths, settings.profile)?);
        }
        same_file_twice(&machines)?;
        addresses(&mut machines, &mut bases)?;
        interfaces(&mut machines, &mut bases);
        super::peers::check(&machines)?;
        let havips = havips(&machines);
        let net = segment(&machines, &havips, settings, &mut bases)?;
        let mut cluster = Cluster {
            machines,
            net,
            lan: settings.lan,
            profile: settings.profile,
            havips,
            client: Ipv4Addr::UNSPECIFIED,
            bases,
        };
        cluster.client = cluster.free(true).ok_or_else(|| no_room(net))?;
        let (client, target) = (cluster.client, cluster.havips[0]);
        let more = match cluster.havips.len() {
            1 => String::new(),
            n => format!(", the first of {n}"),
        };
        let text =
            format!("{client} asks for {target}{more} every 50 ms; while frames are lost, every 100 ms");
        cluster.bases.push(Basis::new(Tag::Assumed, "client", text));
        Ok(cluster)
    }

    /// A free address: near the upper end for a client, from below for a machine.
    fn free(&self, client: bool) -> Option<Ipv4Addr> {
        let taken = taken(&self.machines, &self.havips);
        free_in(self.net, self.lan, client, &taken)
    }
}

/// One file, for one machine; what is wrong with it ends the trial.
fn read(path: &Path, name: &'static str, all: &[PathBuf], profile: Profile) -> Result<Machine, Refusal> {
    let shown = path.display().to_string();
    let files = config::disk::read(&shown).map_err(|error| {
        Refusal::new(format!("cannot read {shown}: {error}")).advise("give the path of a keepalived.conf")
    })?;
    let loaded = understand(&files, name, &[], profile);
    let mixed = loaded.diagnoses.iter().find(|d| d.code == "family-mismatch");
    let excluded = |i: &Instance| i.excluded.iter().any(|one| one.address.addr().is_ipv6());
    if mixed.is_some() || loaded.config.instances.iter().any(|i| i.is_ipv6() || excluded(i)) {
        let mut refusal = Refusal::new(format!("{shown}: IPv6 addresses are not supported yet by `try`"));
        if let Some(found) = mixed {
            refusal = refusal.diagnosis(found.render(&loaded.sources, false));
        }
        return Err(refusal.advise(
            "try the IPv4 instance in a file of its own, or write a scenario file, which can have IPv6 (`havip-sim run`)",
        ));
    }
    if loaded.worst() == Some(Severity::Error) {
        let errors = loaded.diagnoses.iter().filter(|d| d.severity == Severity::Error);
        let text = errors.map(|d| d.render(&loaded.sources, false)).collect::<Vec<_>>().join("\n");
        return Err(Refusal::new(format!("{shown} has an error: it is diagnosed, not simulated"))
            .diagnosis(text)
            .advise(format!(
                "mend it and try again; `havipd check {shown} -i {name}` says everything there is to say"
            )));
    }
    match loaded.config.instances.len() {
        1 => {}
        0 => {
            return Err(Refusal::new(format!(
                "{shown} has no vrrp_instance for {name}: there is nothing to try"
            ))
            .advise(format!("`havipd check {shown} -i {name}` says what keepalived makes of it")));
        }
        n => {
            return Err(Refusal::new(format!("{shown} has {n} instances for {name}: `try` follows one"))
                .advise("try each `vrrp_instance` in a file of its own, or write a scenario file (`havip-sim run`)"));
        }
    }
    let text = expand(&files);
    Ok(Machine {
        name,
        file: format!("conf/{}", script_name(path, all)),
        path: shown,
        text,
        loaded,
        address: Ipv4Addr::UNSPECIFIED,
        with: Vec::new(),
    })
}

/// What a machine's file means.
pub(super) fn understand(files: &Files, name: &str, with: &[(String, String)], profile: Profile) -> Loaded {
    config::load(files, &config::Options { id: Some(name.to_owned()), with: with.to_vec(), profile })
}

/// A file's name in scripts: its own, unless another file of another folder has it too.
fn script_name(path: &Path, all: &[PathBuf]) -> String {
    let base = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let plain = |c: char| c.is_alphanumeric() || "._-".contains(c);
        name.chars().map(|c| if plain(c) { c } else { '_' }).collect::<String>()
    };
    let own = base(path);
    let mut others: Vec<&PathBuf> = Vec::new();
    for other in all.iter().filter(|other| base(other) == own) {
        if !others.contains(&other) {
            others.push(other);
        }
    }
    match others.iter().position(|other| other.as_path() == path) {
        Some(0) | None => own,
        Some(n) => format!("{}-{own}", n + 1),
    }
}

/// One file for two machines makes sense only where its `@` lines make two of it.
fn same_file_twice(machines: &[Machine]) -> Result<(), Refusal> {
    for (i, this) in machines.iter().enumerate() {
        for other in &machines[..i] {
            let (mut a, mut b) = (this.loaded.config.clone(), other.loaded.config.clone());
            for config in [&mut a, &mut b] {
                config.instances.iter_mut().for_each(|instance| Arc::make_mut(instance).decided.clear());
            }
            if this.path == other.path && a == b {
                let (path, x, y) = (&this.path, other.name, this.name);
                return Err(Refusal::new(format!("{path} says the same for {x} and for {y}")).advise(format!(
                    "give {y}'s own file, or mark what differs: `@{x} unicast_src_ip ...` and `@{y} unicast_src_ip ...` \
                     (keepalived's option -i chooses)"
                )));
            }
        }
    }
    Ok(())
}

/// Each machine's address: its file's, else one that the others list, else a free one.
fn addresses(machines: &mut [Machine], bases: &mut Vec<Basis>) -> Result<(), Refusal> {
    for machine in machines.iter_mut() {
        if let Some(IpAddr::V4(address)) = machine.instance().source {
            machine.address = address;
        }
    }
    for i in 0..machines.len() {
        for other in &machines[..i] {
            if machines[i].address == other.address && !other.address.is_unspecified() {
                let (a, b, address) = (other, &machines[i], other.address);
                return Err(Refusal::new(format!(
                    "{} ({}) and {} ({}) both have the address {address}",
                    a.name, a.path, b.name, b.path
                ))
                .advise(
                    "give each machine its own `unicast_src_ip`, and the others' in its `unicast_peer`",
                ));
            }
        }
    }
    let havips = havips(machines);
    for i in 0..machines.len() {
        if !machines[i].address.is_unspecified() {
            continue;
        }
        let used = taken(machines, &havips);
        let listed = machines.iter().enumerate().filter(|(n, _)| *n != i);
        let listed =
            listed.flat_map(|(_, m)| m.instance().peers.iter()).find_map(|peer| match peer.address {
                IpAddr::V4(peer) if !used_by_machine(machines, peer) => Some(peer),
                _ => None,
            });
        let around = smallest_net(used.iter().copied());
        let address =
            listed.or_else(|| free_in(around, false, false, &used)).ok_or_else(|| no_room(around))?;
        machines[i].address = address;
        let why = if listed.is_some() { "others list it as a peer" } else { "a free one" };
        let text = format!("{address}: {} has no unicast_src_ip, and {why}", machines[i].path);
        bases.push(Basis::new(Tag::Assumed, format!("address of {}", machines[i].name), text));
    }
    Ok(())
}

/// Every machine has one interface; a file that names another one means it.
fn interfaces(machines: &mut [Machine], bases: &mut Vec<Basis>) {
    for machine in machines {
        let Some(name) = machine.instance().interface.clone().filter(|name| name != INTERFACE) else {
            continue;
        };
        machine.with.push(("interface".to_owned(), INTERFACE.to_owned()));
        let text = format!("the machine's one interface, {INTERFACE}, stands for {name}");
        bases.push(Basis::new(Tag::Assumed, format!("interface of {}", machine.name), text));
    }
}

fn havips(machines: &[Machine]) -> Vec<Ipv4Addr> {
    let mut all = Vec::new();
    for address in machines.iter().flat_map(|m| &m.instance().addresses) {
        if let IpAddr::V4(address) = address.address.addr()
            && !all.contains(&address)
        {
            all.push(address);
        }
    }
    all
}

fn used_by_machine(machines: &[Machine], address: Ipv4Addr) -> bool {
    machines.iter().any(|machine| machine.address == address)
}

/// Every address that somebody has or is listed with.
fn taken(machines: &[Machine], havips: &[Ipv4Addr]) -> Vec<Ipv4Addr> {
    let own = machines.iter().map(|m| m.address).filter(|a| !a.is_unspecified());
    let peers = machines.iter().flat_map(|m| &m.instance().peers).filter_map(|peer| match peer.address {
        IpAddr::V4(peer) => Some(peer),
        IpAddr::V6(_) => None,
    });
    let mut all: Vec<Ipv4Addr> = own.chain(peers).chain(havips.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// The segment's range: what was given, or the longest prefix of at most /24 that holds everybody.
fn segment(
    machines: &[Machine],
    havips: &[Ipv4Addr],
    settings: &Settings,
    bases: &mut Vec<Basis>,
) -> Result<Ipv4Net, Refusal> {
    if havips.is_empty() {
        return Err(Refusal::new(format!(
            "{} has no virtual address: nobody asks for anything",
            machines[0].path
        ))
        .advise("write one into `virtual_ipaddress`"));
    }
    let own = machines.iter().map(|m| (m.address, format!("the address of {} ({})", m.name, m.path)));
    let virtuals = havips.iter().map(|&a| (a, "the virtual address".to_owned()));
    let all: Vec<(Ipv4Addr, String)> = own.chain(virtuals).collect();
    for (i, machine) in machines.iter().enumerate() {
        if havips.contains(&machine.address) {
            let message = format!("the virtual address {} is {}'s own", machine.address, machines[i].name);
            return Err(Refusal::new(message).advise("choose a virtual address that no machine has"));
        }
    }
    let smallest = smallest_net(all.iter().map(|(a, _)| *a));
    let Some(net) = settings.subnet else {
        if smallest.prefix_len() < 8 {
            let (first, last) = (&all[0], &all[all.len() - 1]);
            let message = format!("no subnet holds both {} and {}", first.0, last.0);
            return Err(Refusal::new(message)
                .advise("a virtual address moves within one subnet: give all machines addresses of it"));
        }
        let what = if settings.lan { "lan" } else { "subnet" };
        let text = format!("{smallest}: the longest prefix of at most /24 that holds every address");
        bases.push(Basis::new(Tag::Assumed, what, text));
        return Ok(smallest);
    };
    if let Some((address, whose)) = all.iter().find(|(address, _)| !net.contains(address)) {
        let message = format!("--subnet {net} does not hold {address}, {whose}");
        return Err(Refusal::new(message)
            .advise(format!("give a range that holds all of them, such as --subnet {smallest}, or none")));
    }
    if net.prefix_len() > 29 {
        return Err(no_room(net));
    }
    bases.push(Basis::new(Tag::Given, "subnet", net.to_string()));
    Ok(net)
}

/// The longest prefix of at most /24 that holds them all.
fn smallest_net(addresses: impl Iterator<Item = Ipv4Addr> + Clone) -> Ipv4Net {
    let first = addresses.clone().next().unwrap_or(Ipv4Addr::UNSPECIFIED);
    let common = addresses.map(|a| (u32::from(a) ^ u32::from(first)).leading_zeros()).min().unwrap_or(24);
    Ipv4Net::new(first, common.min(24) as u8).unwrap_or_default().trunc()
}

fn free_in(net: Ipv4Net, lan: bool, client: bool, taken: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    let (network, broadcast) = (u32::from(net.network()), u32::from(net.broadcast()));
    let (first, last) = (network + if lan { 1 } else { 2 }, broadcast.checked_sub(1)?);
    let free = |n: &u32| !taken.contains(&Ipv4Addr::from(*n));
    let found = if client {
        let hundred = (network + 100 <= last).then_some(network + 100);
        hundred.into_iter().chain((first..=last).rev()).find(free)
    } else {
        (first..=last).find(free)
    };
    found.map(Ipv4Addr::from)
}

fn no_room(net: Ipv4Net) -> Refusal {
    Refusal::new(format!("{net} has no free address left for a client"))
        .advise("give a wider range, such as --subnet with a prefix of /24")
}
