//! What a campaign does things to: a script, read once, and what of it can be interfered with.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use havip::config::{Config, Instance};
use havip::profile::Profile;
use havip::time::{Duration, Time};

use super::attack;
use crate::rules::{Promises, promises_of};
use crate::scenario::{FileDecl, Place, Script, ScriptError, TextDecl, load_keepalived};
use crate::world::{Act, ConsoleAct, CvmId, EniIndex, FileId, NodeId, ProgramSetup, Setup, TextId, TimedAct};

/// A cluster under test.
#[derive(Clone, Debug)]
pub struct Base {
    /// The script, without expectations; its texts and files hold what injections name as well.
    pub script: Script,
    /// The same, ready to run.
    pub(super) setup: Setup,
    /// What its machines promise.
    pub(super) promises: Promises,
    /// Every file that was read, as the script or an `include` names it: what the cluster is made of.
    pub files: Vec<(String, String)>,
    /// What machines track by scripts and files: the names, by machine.
    pub(super) tracked: Vec<Tracked>,
    /// By machine, the file it reads: what a `reload` names.
    pub(super) own_files: Vec<FileId>,
    /// What is written into a tracked file.
    pub(super) numbers: Vec<TextId>,
    /// By machine, a packet to it that is no advertisement.
    pub(super) garbage: Vec<Option<TextId>>,
}

/// What one machine tracks.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracked {
    pub(super) scripts: Vec<TextId>,
    pub(super) files: Vec<TextId>,
    /// The routes that it would miss.
    pub(super) routes: Vec<TextId>,
}

/// What injections write into tracked files.
const NUMBERS: [&str; 3] = ["0", "1", "-30"];

impl Base {
    /// A script and how its configuration files are read, every machine under `profile` if one is given.
    pub fn new(
        mut script: Script,
        profile: Option<Profile>,
        read: &dyn Fn(&str) -> std::io::Result<String>,
    ) -> Result<Base, Vec<ScriptError>> {
        if let Some(profile) = profile {
            script = script.under(profile);
        }
        script.phases = None;
        script.also.clear();
        script.expectations.clear();
        script.tidy();
        if script.source.text.is_empty() {
            script = script.checked()?;
        }
        // What machines track is known when their files are read.
        let shelf = RefCell::new(BTreeMap::new());
        let kept = |name: &str| {
            let text = read(name)?;
            shelf.borrow_mut().insert(name.to_owned(), text.clone());
            Ok(text)
        };
        let first = script.prepare(&kept, &load_keepalived)?.setup;
        let mut base = Base {
            files: Vec::new(),
            promises: promises_of(&first),
            setup: first,
            tracked: Vec::new(),
            own_files: Vec::new(),
            numbers: Vec::new(),
            garbage: Vec::new(),
            script,
        };
        base.name_what_is_tracked();
        base.name_garbage();
        base.name_own_files();
        let acts = base.script.acts.clone();
        for (cvm, &file) in base.own_files.clone().iter().enumerate() {
            let act = Act::Reload(CvmId(cvm as u16), file, Duration::ZERO);
            base.script.acts.push(TimedAct { at: Time::ZERO, act, line: 0 });
        }
        base.setup = base.script.prepare(&kept, &load_keepalived)?.setup;
        base.files = shelf.into_inner().into_iter().collect();
        base.script.acts = acts;
        base.setup.acts = base.script.acts.clone();
        base.promises = promises_of(&base.setup);
        Ok(base)
    }

    /// Reads a scenario file and the files it names.
    pub fn open(path: &Path, profile: Option<Profile>) -> Result<Base, crate::run::OpenError> {
        use crate::run::OpenError;
        let unreadable = |error| OpenError::Unreadable { path: path.to_owned(), error };
        let text = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8_lossy(&text);
        let script = Script::parse(&path.display().to_string(), &text).map_err(OpenError::Wrong)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = |name: &str| std::fs::read_to_string(folder.join(name));
        Base::new(script, profile, &read).map_err(OpenError::Wrong)
    }

    /// The lines of its own acts that rules do not follow: they hold machines to the files that these begin with, and the
    /// cloud to the HAVIPs and ranges of its beginning.
    pub fn beyond_rules(&self) -> Vec<u32> {
        let is_beyond = |act: &Act| match *act {
            Act::Reload(cvm, file, _) => self.own_files.get(usize::from(cvm.0)) != Some(&file),
            Act::Console(ConsoleAct::Apply(_) | ConsoleAct::Release(_) | ConsoleAct::Range(..)) => true,
            _ => false,
        };
        self.script.acts.iter().filter(|timed| is_beyond(&timed.act)).map(|timed| timed.line).collect()
    }

    /// Whether its script was read from a file on disk, or is some program's.
    pub(super) fn is_from_a_file(&self) -> bool {
        !self.script.source.file.is_empty()
    }

    /// What a machine's program runs with.
    pub(super) fn config(&self, cvm: usize) -> &Arc<Config> {
        let ProgramSetup::Agent { config, .. } = &self.setup.cvms[cvm].program;
        config
    }

    /// The addresses that machines share: those of their instances, each once.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let all = (0..self.setup.cvms.len()).flat_map(|cvm| {
            let config = Arc::clone(self.config(cvm));
            let of = |i: &Arc<havip::config::Instance>| {
                i.addresses.iter().map(|a| a.address.addr()).collect::<Vec<_>>()
            };
            config.instances.iter().flat_map(of).collect::<Vec<_>>()
        });
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The interfaces that are not there at the start.
    pub(super) fn absent(&self) -> Vec<(NodeId, EniIndex)> {
        self.setup.ports().filter(|(.., eni)| eni.off).map(|(node, index, _)| (node, index)).collect()
    }

    /// The further interfaces that are there and that no instance has anything to do with.
    pub(super) fn spare(&self) -> Vec<(NodeId, EniIndex)> {
        let used = |node: NodeId, name: &str| {
            let config = self.config(usize::from(node.0));
            let of_instance = |i: &Instance| {
                i.interface.as_deref() == Some(name)
                    || i.addresses.iter().chain(&i.excluded).any(|a| a.device.as_deref() == Some(name))
            };
            config.interfaces.iter().any(|one| one == name) || config.instances.iter().any(|i| of_instance(i))
        };
        let machines = self.setup.cvms.len();
        let there = self.setup.ports().filter(|(node, index, eni)| {
            usize::from(node.0) < machines && index.0 > 0 && !eni.off && !used(*node, &eni.name)
        });
        there.map(|(node, index, _)| (node, index)).collect()
    }

    /// The longest advertisement interval of the cluster.
    pub(super) fn interval(&self) -> Duration {
        let of = |cvm| self.config(cvm).instances.iter().map(|i| i.advert_interval).max();
        (0..self.setup.cvms.len()).filter_map(of).max().unwrap_or(Duration::from_secs(1))
    }

    /// The acts that the scenario has of its own; a seed's are written nowhere.
    pub(super) fn own_acts(&self) -> impl Iterator<Item = TimedAct> + '_ {
        self.script.acts.iter().map(|act| TimedAct { line: 0, ..*act })
    }

    /// A script with these acts, seed and length: what one run of the campaign is.
    pub(super) fn script_with(&self, acts: &[TimedAct], seed: u64, run: Duration) -> Script {
        let mut script = self.script.clone();
        (script.acts, script.seed, script.run) = (acts.to_vec(), seed, run);
        script.tidy();
        script
    }

    fn name_what_is_tracked(&mut self) {
        for cvm in 0..self.setup.cvms.len() {
            let config = Arc::clone(self.config(cvm));
            // A script that looks at a service is that service's affair.
            let bound = |name: &str| self.script.checks.iter().any(|check| check.script == name);
            let scripts: Vec<String> =
                config.scripts.iter().map(|s| s.name.to_string()).filter(|name| !bound(name)).collect();
            let files: Vec<String> = config.files.iter().map(|f| f.name.to_string()).collect();
            let routes = config.instances.iter().flat_map(|instance| &instance.routes);
            let routes: Vec<String> =
                routes.filter(|route| !route.no_track).map(|route| route.route.clone()).collect();
            let tracked = Tracked {
                routes: routes.iter().map(|route| self.text(route)).collect(),
                scripts: scripts.iter().map(|name| self.text(name)).collect(),
                files: files.iter().map(|name| self.text(name)).collect(),
            };
            self.tracked.push(tracked);
        }
        if self.tracked.iter().any(|tracked| !tracked.files.is_empty()) {
            self.numbers = NUMBERS.map(|number| self.text(number)).to_vec();
        }
    }

    fn name_garbage(&mut self) {
        for cvm in 0..self.setup.cvms.len() {
            let listens = self.config(cvm).instances.iter().any(|instance| !instance.is_ipv6());
            let to = self.setup.cvms[cvm].eni.address.addr();
            let packet = listens.then(|| self.text(&attack::garbage(to)));
            self.garbage.push(packet);
        }
    }

    fn name_own_files(&mut self) {
        for cvm in 0..self.script.cvms.len() {
            let path = self.script.cvms[cvm].file.path.clone();
            let known = self.script.files.iter().position(|file| file.path == path);
            let id = known.unwrap_or_else(|| {
                self.script.files.push(FileDecl { path, place: Place::default() });
                self.script.files.len() - 1
            });
            self.own_files.push(FileId(id as u16));
        }
    }

    fn text(&mut self, text: &str) -> TextId {
        let known = self.script.texts.iter().position(|one| one.text == text);
        TextId(known.unwrap_or_else(|| {
            self.script.texts.push(TextDecl { text: text.to_owned(), place: Place::default() });
            self.script.texts.len() - 1
        }) as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::super::{replay, testing};
    use super::*;

    /// The pair, its addresses in a file that its configuration includes.
    fn with_included(addresses: &str) -> Base {
        let base = testing::pair();
        let (_, conf) = &base.files[0];
        let (before, _) = conf.split_once("virtual_ipaddress").expect("a block");
        let conf = format!("{before}include addresses.conf\n}}\n");
        let read = |name: &str| match name {
            "pair.conf" => Ok(conf.clone()),
            "addresses.conf" => Ok(addresses.to_owned()),
            _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        Base::new(base.script, None, &read).expect("a cluster")
    }

    #[test]
    fn a_cluster_is_also_what_its_files_include() {
        let one = "virtual_ipaddress {\n172.16.16.12\n}\n";
        let base = with_included(one);
        let names: Vec<&str> = base.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["addresses.conf", "pair.conf"]);
        let plan = Plan::new(&base);
        assert_eq!(plan.digest(&base), plan.digest(&with_included(one)));
        let other = with_included("virtual_ipaddress {\n172.16.16.12\n172.16.16.13\n}\n");
        assert_ne!(plan.digest(&base), plan.digest(&other), "results of the two are not put together");
        // A seed that is run again has them, too.
        let drawn = super::super::Drawn::new(&base, &plan, 1);
        let again = replay::scenario(&base, &plan, &drawn).expect("a scenario");
        let ProgramSetup::Agent { config, .. } = &again.setup.cvms[0].program;
        assert_eq!(config.instances[0].addresses.len(), 1);
    }
}
