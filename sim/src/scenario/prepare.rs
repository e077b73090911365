//! From a script to a setup: the configuration files are read and loaded.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use havip::config::Config;
use havip::files::Files;
use havip::wire::ethernet::Mac;
use ipnet::{Ipv4Net, Ipv6Net};

use super::error::{Complaint, ScriptError, shown};
use super::expect::Expectation;
use super::includes::{Gathered, gather};
use super::parse::told;
use super::place::Place;
use super::script::{CvmDecl, FileDecl, ProgramDecl, Script};
use super::validate::Ranges;
use crate::world::{ClientSetup, CvmSetup, EniSetup, HavipSetup, ProgramSetup, Setup};

/// Everything a run needs, and what is expected of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is simulated.
    pub setup: Setup,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    /// `phases N`: run so often, the acts shifted through one advert interval.
    pub phases: Option<u32>,
}

/// How a configuration file is read, given its path as the script or an `include` names it: relative to the
/// folder of the scenario file.
pub type Read<'a> = dyn Fn(&str) -> io::Result<String> + 'a;

/// How a machine's configuration is understood: its files, the machine's name (keepalived's `-i`), and the
/// overrides of its line.
pub type Load<'a> = dyn Fn(&Files, &str, &[(String, String)]) -> Loaded + 'a;

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
            EniSetup { name: name.to_owned(), address, ipv6, mac, subnet }
        };
        let mut cvms = Vec::new();
        for cvm in &self.cvms {
            match shelf.get(&cvm.file) {
                Ok(found) => {
                    let program = keepalived(cvm, &found, load, &mut complaints);
                    cvms.push(CvmSetup {
                        name: cvm.name.clone(),
                        eni: eni(Script::ETH0, cvm.address, cvm.ipv6, cvm.mac),
                        more: cvm
                            .more
                            .iter()
                            .map(|one| eni(&one.name, one.address, one.ipv6, one.mac))
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
        if !complaints.is_empty() {
            return Err(told(complaints, &self.source));
        }
        let clients = self.clients.iter().map(|client| ClientSetup {
            name: client.name.clone(),
            eni: eni(Script::ETH0, client.address, client.ipv6, client.mac),
            target: client.target,
            every: client.every,
        });
        let havips = self.havips.iter().map(|&address| {
            let subnet = match address {
                IpAddr::V4(address) => ranges.find(address).map(|(_, subnet)| subnet),
                IpAddr::V6(address) => ranges.find_v6(address).map(|(_, subnet)| subnet),
            };
            HavipSetup { address, subnet: subnet.unwrap_or_default() }
        });
        let setup = Setup {
            name: self.name.clone(),
            run: self.run,
            seed: self.seed,
            tick: self.tick,
            host_exact: self.host_exact,
            segment: self.segment.clone(),
            havips: havips.collect(),
            bind_delay: self.bind_delay,
            cvms,
            clients: clients.collect(),
            files,
            acts: self.acts.clone(),
        };
        Ok(Scenario { setup, expectations: self.expectations.clone(), phases: self.phases })
    }
}

/// A machine's program on its file.
fn keepalived(cvm: &CvmDecl, found: &Gathered, load: &Load<'_>, wrong: &mut Vec<Complaint>) -> ProgramSetup {
    let ProgramDecl::Keepalived = cvm.program;
    let with: Vec<_> = cvm.with.iter().map(|with| (with.key.clone(), with.value.clone())).collect();
    let Loaded { config, mut diagnoses, unmatched_with } = load(&found.files, &cvm.name, &with);
    diagnoses.extend(found.notes.iter().cloned());
    for with in cvm.with.iter().filter(|with| unmatched_with.contains(&with.key)) {
        let message = format!("{} overrides nothing in {}", shown(&with.key), shown(&cvm.file.path));
        let help = "`with KEYWORD=VALUE` gives this machine another value of a `vrrp_instance`";
        wrong.push(Complaint::new(with.place, message).help(help));
    }
    let files = Arc::clone(&found.files);
    ProgramSetup::Keepalived { file: cvm.file.path.clone(), files, with, config: Arc::new(config), diagnoses }
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
