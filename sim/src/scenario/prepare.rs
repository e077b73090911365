//! From a script to a setup: the configuration files are read and loaded.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use havip::config::{Config, Options};
use havip::files::Files;
use havip::profile::Profile;
use havip::wire::ethernet::Mac;
use ipnet::{Ipv4Net, Ipv6Net};

use super::error::{Complaint, ScriptError, shown};
use super::expect::Expectation;
use super::includes::{Gathered, gather};
use super::parse::told;
use super::place::Place;
use super::script::{CheckDecl, CvmDecl, FileDecl, HavipDecl, ProgramDecl, Script, ServiceDecl};
use super::validate::Ranges;
use crate::world::{
    Act, CheckSetup, ClientSetup, CvmId, CvmSetup, EipSetup, EniSetup, HavipSetup, ProgramSetup, Reload,
    ServiceSetup, Setup, TextId,
};

/// Everything a run needs, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is simulated.
    pub setup: Setup,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// `phases N`: run so often, the acts shifted through one advert interval.
    pub phases: Option<u32>,
    /// `also as PROFILE`: the profiles that it is run under as well, every machine.
    pub also: Vec<Profile>,
    /// The profile that every machine is under because somebody asked for it, not the file.
    pub under: Option<Profile>,
}

/// How a configuration file is read, given its path as the script or an `include` names it: relative to the
/// folder of the scenario file.
pub type Read<'a> = dyn Fn(&str) -> io::Result<String> + 'a;

/// How a machine's configuration is understood: its files, and the options it is read with: the machine's name
/// (keepalived's `-i`), the overrides of its line, its profile.
pub type Load<'a> = dyn Fn(&Files, &Options) -> Loaded + 'a;

/// What a configuration file means for one machine.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The values in force.
    pub config: Config,
    /// What is wrong with the file, a line each, errors first.
    pub diagnoses: Vec<String>,
    /// The keys of overrides that nothing in the file matched.
    pub unmatched_with: Vec<String>,
}

impl Script {
    /// Reads the configuration files and makes the script ready to run. What is wrong *inside* a file is no
    /// error here: keepalived runs with what it could read, and the record tells.
    ///
    /// A script that a program made is [checked](Script::checked) first; one that was parsed and then changed
    /// is the caller's to check.
    pub fn prepare(&self, read: &Read<'_>, load: &Load<'_>) -> Result<Scenario, Vec<ScriptError>> {
        if self.source.text.is_empty() {
            return self.checked()?.prepare(read, load);
        }
        let mut complaints = Vec::new();
        let mut shelf = Shelf { read, read_before: BTreeMap::new() };
        let ranges = Ranges::of(&self.segment);
        let eni = |name: &str, address: Ipv4Addr, ipv6: Option<Ipv6Addr>, mac: Mac| {
            // Parsing found every address in a subnet; a changed script that was not checked finds its first.
            let (net, subnet) = ranges.find(address).unwrap_or_default();
            let address = Ipv4Net::new(address, net.prefix_len()).unwrap_or_default();
            let ipv6 = ipv6.and_then(|ipv6| {
                let (net, _) = ranges.find_v6(ipv6)?;
                Ipv6Net::new(ipv6, net.prefix_len()).ok()
            });
            EniSetup { name: name.to_owned(), address, ipv6, mac, subnet, off: false }
        };
        let mut cvms = Vec::new();
        for cvm in &self.cvms {
            match shelf.get(&cvm.file) {
                Ok(found) => {
                    let program = agent(cvm, &found, load, &mut complaints);
                    cvms.push(CvmSetup {
                        name: cvm.name.clone(),
                        eni: eni(Script::ETH0, cvm.address, cvm.ipv6, cvm.mac),
                        more: cvm
                            .more
                            .iter()
                            .map(|one| EniSetup {
                                off: one.off,
                                ..eni(&one.name, one.address, one.ipv6, one.mac)
                            })
                            .collect(),
                        off: cvm.off,
                        program,
                    });
                }
                Err(complaint) => complaints.push(complaint),
            }
        }
        let mut files = Vec::new();
        for file in &self.files {
            match shelf.get(file) {
                Ok(found) => files.push(found.files),
                Err(complaint) => complaints.push(complaint),
            }
        }
        let reloads = if complaints.is_empty() { self.reloads(&files, load) } else { Vec::new() };
        if complaints.is_empty() {
            self.tracked(&cvms, &reloads, &mut complaints);
        }
        if !complaints.is_empty() {
            return Err(told(complaints, &self.source));
        }
        let clients = self.clients.iter().map(|client| ClientSetup {
            name: client.name.clone(),
            eni: match client.internet {
                None => eni(Script::ETH0, client.address, client.ipv6, client.mac),
                Some(_) => EniSetup {
                    name: Script::ETH0.to_owned(),
                    address: Ipv4Net::from(client.address),
                    ipv6: None,
                    mac: client.mac,
                    subnet: Setup::INTERNET,
                    off: false,
                },
            },
            internet: client.internet,
            target: client.target,
            port: client.port,
            every: client.every,
        });
        let havips = self.havips.iter().map(|&HavipDecl { address, off }| {
            let subnet = match address {
                IpAddr::V4(address) => ranges.find(address).map(|(_, subnet)| subnet),
                IpAddr::V6(address) => ranges.find_v6(address).map(|(_, subnet)| subnet),
            };
            HavipSetup { address, subnet: subnet.unwrap_or_default(), off }
        });
        let setup = Setup {
            name: self.name.clone(),
            run: self.run,
            seed: self.seed,
            tick: self.tick,
            host_exact: self.host_exact,
            segment: self.segment.clone(),
            havips: havips.collect(),
            eips: self.eips.iter().map(|eip| EipSetup { address: eip.address, havip: eip.havip }).collect(),
            console: self.console.clone(),
            bind_delay: self.bind_delay,
            cvms,
            clients: clients.collect(),
            services: self.services.iter().map(ServiceSetup::from).collect(),
            checks: self.checks.iter().map(CheckSetup::from).collect(),
            files,
            reloads,
            texts: self.texts.iter().map(|text| text.text.clone()).collect(),
            acts: self.acts.clone(),
            canary: false,
        };
        let (expectations, also) = (self.expectations.clone(), self.also.clone());
        Ok(Scenario { setup, expectations, phases: self.phases, also, under: None })
    }

    /// What the file of each `reload` means for its machine.
    fn reloads(&self, files: &[Arc<Files>], load: &Load<'_>) -> Vec<Reload> {
        let mut all: Vec<Reload> = Vec::new();
        for timed in &self.acts {
            let Act::Reload(cvm, file, _) = timed.act else { continue };
            let (Some(decl), Some(files)) =
                (self.cvms.get(usize::from(cvm.0)), files.get(usize::from(file.0)))
            else {
                continue;
            };
            if !all.iter().any(|known| (known.cvm, known.file) == (cvm, file)) {
                let config = Arc::new(load(files, &decl.options()).config);
                all.push(Reload { cvm, file, config });
            }
        }
        all
    }

    /// Scripts and files that acts name must be tracked: nobody else would see a difference.
    fn tracked(&self, cvms: &[CvmSetup], reloads: &[Reload], wrong: &mut Vec<Complaint>) {
        let configs = |cvm: CvmId| {
            let own = cvms.get(usize::from(cvm.0)).map(|one| {
                let ProgramSetup::Agent { config, .. } = &one.program;
                config
            });
            let others = reloads.iter().filter(move |one| one.cvm == cvm).map(|one| &one.config);
            own.into_iter().chain(others).map(|config| &**config)
        };
        let scripts = |cvm| configs(cvm).flat_map(|config| &config.scripts).map(|one| &*one.name);
        let all = || (0..cvms.len() as u16).flat_map(|n| scripts(CvmId(n)));
        for check in self.checks.iter().filter(|check| !all().any(|name| name == check.script)) {
            let message = format!("no machine tracks a script {}", shown(&check.script));
            let help = match all().next() {
                Some(one) => format!("there is {}", shown(one)),
                None => "`track_script` in a `vrrp_instance` makes it so".to_owned(),
            };
            wrong.push(Complaint::new(check.place, message).help(help));
        }
        for timed in &self.acts {
            let (cvm, text, what, names): (CvmId, TextId, &str, Vec<&str>) = match timed.act {
                Act::Script(cvm, name, _) => (cvm, name, "script", scripts(cvm).collect()),
                Act::File(cvm, name, _) => {
                    let names = configs(cvm).flat_map(|config| &config.files).map(|one| &*one.name);
                    (cvm, name, "file", names.collect())
                }
                _ => continue,
            };
            let Some(decl) = self.texts.get(usize::from(text.0)) else { continue };
            if names.contains(&&*decl.text) {
                continue;
            }
            let machine = self.cvms.get(usize::from(cvm.0)).map_or("?", |one| &one.name);
            let help = match names.first() {
                Some(_) => format!("it tracks {}", names.join(", ")),
                None => format!("`track_{what}` in a `vrrp_instance` makes it so"),
            };
            let message = format!("{machine}'s configuration tracks no {what} {}", shown(&decl.text));
            wrong.push(Complaint::new(decl.place, message).help(help));
        }
    }
}

impl From<&ServiceDecl> for ServiceSetup {
    fn from(decl: &ServiceDecl) -> ServiceSetup {
        ServiceSetup { name: decl.name.clone(), port: decl.port, on: decl.on.clone() }
    }
}

impl From<&CheckDecl> for CheckSetup {
    fn from(decl: &CheckDecl) -> CheckSetup {
        CheckSetup { script: decl.script.clone(), service: decl.service }
    }
}

impl CvmDecl {
    /// How its program reads a file.
    fn options(&self) -> Options {
        let ProgramDecl::Agent(profile) = self.program;
        let with = self.with.iter().map(|with| (with.key.clone(), with.value.clone())).collect();
        Options { id: Some(self.name.clone()), with, profile }
    }
}

/// A machine's program on its file.
fn agent(cvm: &CvmDecl, found: &Gathered, load: &Load<'_>, wrong: &mut Vec<Complaint>) -> ProgramSetup {
    let options = cvm.options();
    let Loaded { config, mut diagnoses, unmatched_with } = load(&found.files, &options);
    diagnoses.extend(found.notes.iter().cloned());
    for with in cvm.with.iter().filter(|with| unmatched_with.contains(&with.key)) {
        let message = format!("{} overrides nothing in {}", shown(&with.key), shown(&cvm.file.path));
        let help = "`with KEYWORD=VALUE` gives this machine another value of a `vrrp_instance`";
        wrong.push(Complaint::new(with.place, message).help(help));
    }
    ProgramSetup::Agent {
        profile: options.profile,
        file: cvm.file.path.clone(),
        files: Arc::clone(&found.files),
        with: options.with,
        config: Arc::new(config),
        diagnoses,
    }
}

/// Files read so far: machines that share one share it in memory too.
struct Shelf<'a> {
    read: &'a Read<'a>,
    read_before: BTreeMap<String, Result<Gathered, String>>,
}

impl Shelf<'_> {
    fn get(&mut self, file: &FileDecl) -> Result<Gathered, Complaint> {
        let read = self.read;
        let found = self
            .read_before
            .entry(file.path.clone())
            .or_insert_with(|| gather(&file.path, read).map_err(|error| error.to_string()));
        found.clone().map_err(|error| cannot_read(file.place, &file.path, &error))
    }
}

fn cannot_read(place: Place, path: &str, error: &str) -> Complaint {
    Complaint::new(place, format!("cannot read {}: {error}", shown(path)))
        .help("a path is relative to the folder of the scenario file")
}
