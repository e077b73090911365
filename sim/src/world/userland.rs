//! What runs and lies on a machine beside its program: its clocks, what the program's scripts find, and the files and
//! processes it watches.
//!
//! Scripts and files are known by the names that the machine's configuration gives them, and found by the command
//! line and the path that the program asks for: another program may number them as it likes. What a script finds is
//! decided when it begins.

use std::sync::Arc;

use havip::config::Config;
use havip::profile::Profile;
use havip::program::{ScriptId, ScriptResult, WatchId};
use havip::time::{Duration, Time};

use super::act::{Health, ScriptAct};
use super::clock::Clock;
use super::host;
use super::machine::Signal;
use super::setup::{CvmId, ProgramSetup, ServiceId, TextId};
use super::state::World;

/// How many scripts a program may run at once, and how many files it may watch.
const CHILDREN_MAX: usize = 4096;

/// What an act made of a machine's scripts and files. It outlives the program, and the machine's power: scripts are
/// what they find in the world, files are on a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Userland {
    pub(super) clock: Clock,
    /// What its monotonic clock showed when the machine booted.
    pub(super) booted: Time,
    /// Scripts that an act has named.
    scripts: Vec<(TextId, Findings)>,
    /// Services that an act has made dead or hung.
    services: Vec<(ServiceId, Health)>,
    /// Files that an act has written, or removed.
    files: Vec<(TextId, Option<TextId>)>,
}

/// What a script finds.
#[derive(Clone, Copy, Debug, Default)]
struct Findings {
    verdict: Verdict,
    /// How long it takes, if an act says so.
    takes: Option<Duration>,
}

/// How a script that begins now will end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verdict {
    #[default]
    Good,
    Bad,
    Never,
}

/// What a program has asked its machine to run and to watch. It ends with the program.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    running: Vec<ScriptId>,
    /// Files, by path.
    watches: Vec<(WatchId, String)>,
    /// Processes, by name.
    processes: Vec<(WatchId, String)>,
}

impl Children {
    /// The program has heard of a script's end.
    pub(super) fn ended(&mut self, script: ScriptId) {
        self.running.retain(|one| *one != script);
    }
}

impl Userland {
    /// The machine boots, and starts its services.
    pub(super) fn boot(&mut self, now: Time) {
        self.booted = self.clock.now(now).mono;
        self.services.clear();
    }
    fn health(&self, service: ServiceId) -> Health {
        self.services.iter().find(|(one, _)| *one == service).map_or(Health::Alive, |(_, health)| *health)
    }
}

impl World {
    /// How whatever listens on a port of a machine is; dead if nothing does.
    pub(super) fn health_of(&self, cvm: CvmId, port: u16) -> Health {
        let services = self.setup.services.iter().zip(0..);
        let mut here = services.filter(|(one, _)| one.port == port && one.on.contains(&cvm));
        here.next().map_or(Health::Dead, |(_, id)| self.userlands[usize::from(cvm.0)].health(ServiceId(id)))
    }

    /// An act: a service dies, hangs, or is well again.
    pub(super) fn change_service(&mut self, cvm: CvmId, service: ServiceId, health: Health) {
        let setup = Arc::clone(&self.setup);
        let name = &setup.services[usize::from(service.0)].name;
        let before = self.running(cvm, name);
        let services = &mut self.userlands[usize::from(cvm.0)].services;
        services.retain(|(one, _)| *one != service);
        if health != Health::Alive {
            services.push((service, health));
        }
        let running = self.running(cvm, name);
        if running == before {
            return;
        }
        let watches = &self.machines[usize::from(cvm.0)].children.processes;
        let told: Vec<WatchId> = watches.iter().filter(|(_, one)| one == name).map(|(id, _)| *id).collect();
        for watch in told {
            self.tell_of_process(cvm, watch, running);
        }
    }

    /// How many processes of a name run on a machine: each service is one, and its program is the two of keepalived or
    /// the one of havip. What hangs runs.
    fn running(&self, cvm: CvmId, name: &str) -> u32 {
        let services = self.setup.services.iter().zip(0..);
        let here = services.filter(|(one, _)| one.name == name && one.on.contains(&cvm));
        let health = |id| self.userlands[usize::from(cvm.0)].health(ServiceId(id));
        let alive = here.filter(|(_, id)| health(*id) != Health::Dead).count() as u32;
        let ProgramSetup::Agent { profile, .. } = &self.setup.cvms[usize::from(cvm.0)].program;
        let own = if *profile == Profile::HAVIP { ("havipd", 1) } else { ("keepalived", 2) };
        alive + if own.0 == name { own.1 } else { 0 }
    }

    /// Tells how many processes of a name run, now and whenever that changes.
    pub(super) fn watch_process(&mut self, cvm: CvmId, watch: WatchId, name: &str) {
        let watches = &mut self.machine(cvm).children.processes;
        watches.retain(|(one, _)| *one != watch);
        if watches.len() < CHILDREN_MAX {
            watches.push((watch, name.to_owned()));
        }
        self.tell_of_process(cvm, watch, self.running(cvm, name));
    }

    /// The kernel's word of a process takes as long as its word of a file (assumed: both are read from a socket or pipe
    /// that the kernel fills at once).
    fn tell_of_process(&mut self, cvm: CvmId, watch: WatchId, running: u32) {
        let takes = self.host.takes(&host::FILE_EVENT, cvm.0.into(), self.now, u32::from(watch.0) << 16);
        let of_it = |signal: &Signal| matches!(signal, Signal::Process(one, _) if *one == watch);
        let before = self.machine(cvm).said_last(of_it).unwrap_or(self.now);
        self.signal(cvm, self.instant(self.now + takes).max(before), Signal::Process(watch, running));
    }

    /// Begins a script, unless it runs.
    pub(super) fn run_script(&mut self, cvm: CvmId, script: ScriptId, command: &str) {
        let children = &mut self.machine(cvm).children;
        if children.running.contains(&script) || children.running.len() >= CHILDREN_MAX {
            return;
        }
        children.running.push(script);
        let found = self.findings(cvm, script, command);
        let result = match found.verdict {
            Verdict::Good => ScriptResult::Exited(0),
            Verdict::Bad => ScriptResult::Exited(1),
            Verdict::Never => return,
        };
        let usual = self.host.takes(&host::SCRIPT, cvm.0.into(), self.now, script.0.into());
        let ends = self.instant(self.now + found.takes.unwrap_or(usual));
        self.signal(cvm, ends, Signal::Script(script, result));
    }

    /// SIGTERM to a script.
    pub(super) fn kill_script(&mut self, cvm: CvmId, script: ScriptId) {
        let machine = self.machine(cvm);
        if !machine.children.running.contains(&script) {
            return;
        }
        machine.unsay(|signal| matches!(signal, Signal::Script(one, _) if *one == script));
        self.signal_in_a_while(cvm, Signal::Script(script, ScriptResult::Killed));
    }

    /// Tells what stands in a file, now and whenever it changes.
    pub(super) fn watch_file(&mut self, cvm: CvmId, file: WatchId, path: &str) {
        let watches = &mut self.machine(cvm).children.watches;
        watches.retain(|(one, _)| *one != file);
        if watches.len() < CHILDREN_MAX {
            watches.push((file, path.to_owned()));
        }
        let userland = &self.userlands[usize::from(cvm.0)];
        let text = userland.files.iter().find(|(name, _)| self.path_of(cvm, *name) == Some(path));
        let text = text.and_then(|(_, text)| *text);
        self.tell_of_file(cvm, file, text);
    }

    /// An act: what a script finds from now on.
    pub(super) fn change_script(&mut self, cvm: CvmId, name: TextId, act: ScriptAct) {
        let scripts = &mut self.userlands[usize::from(cvm.0)].scripts;
        let place = scripts.iter().position(|(one, _)| *one == name).unwrap_or_else(|| {
            scripts.push((name, Findings::default()));
            scripts.len() - 1
        });
        let found = &mut scripts[place].1;
        match act {
            ScriptAct::Up => *found = Findings::default(),
            ScriptAct::Down => found.verdict = Verdict::Bad,
            ScriptAct::Hang => found.verdict = Verdict::Never,
            ScriptAct::Takes(time) => found.takes = Some(time),
        }
    }

    /// An act: a file is written, or removed.
    pub(super) fn write_file(&mut self, cvm: CvmId, name: TextId, text: Option<TextId>) {
        let files = &mut self.userlands[usize::from(cvm.0)].files;
        match files.iter_mut().find(|(one, _)| *one == name) {
            Some((_, stands)) => *stands = text,
            None => files.push((name, text)),
        }
        let Some(path) = self.path_of(cvm, name) else { return };
        let watches = &self.machines[usize::from(cvm.0)].children.watches;
        let told: Vec<WatchId> =
            watches.iter().filter(|(_, watched)| watched == path).map(|(file, _)| *file).collect();
        for file in told {
            self.tell_of_file(cvm, file, text);
        }
    }

    fn tell_of_file(&mut self, cvm: CvmId, file: WatchId, text: Option<TextId>) {
        let takes = self.host.takes(&host::FILE_EVENT, cvm.0.into(), self.now, file.0.into());
        let of_it = |signal: &Signal| matches!(signal, Signal::File(one, _) if *one == file);
        let before = self.machine(cvm).said_last(of_it).unwrap_or(self.now);
        self.signal(cvm, self.instant(self.now + takes).max(before), Signal::File(file, text));
    }

    /// What a script finds that begins now: what an act said of it, or how the service is that it looks at.
    fn findings(&self, cvm: CvmId, script: ScriptId, command: &str) -> Findings {
        let userland = &self.userlands[usize::from(cvm.0)];
        if userland.scripts.is_empty() && self.setup.checks.is_empty() {
            return Findings::default();
        }
        let Some(name) = self.config(cvm).and_then(|config| script_name(config, script, command)) else {
            return Findings::default();
        };
        let told = userland.scripts.iter().find(|(one, _)| self.setup.text(*one) == name);
        let mut found = told.map_or_else(Findings::default, |(_, found)| *found);
        let check = self.setup.checks.iter().find(|check| check.script == name);
        if let (Verdict::Good, Some(check)) = (found.verdict, check) {
            let here = self.setup.services[usize::from(check.service.0)].on.contains(&cvm);
            found.verdict = match userland.health(check.service) {
                Health::Alive if here => Verdict::Good,
                Health::Hung if here => Verdict::Never,
                _ => Verdict::Bad,
            };
        }
        found
    }

    /// The path of a `track_file`, by its name.
    fn path_of(&self, cvm: CvmId, name: TextId) -> Option<&str> {
        let name = self.setup.text(name);
        let file = self.config(cvm)?.files.iter().find(|file| file.name == name)?;
        Some(&file.path)
    }

    /// What a machine's program runs with.
    fn config(&self, cvm: CvmId) -> Option<&Config> {
        self.setup.config_of(cvm, self.file_of(cvm)).map(|config| &**config)
    }
}

/// The name of a script that a program runs: of those with its command line the one it numbers so, or the first.
fn script_name<'c>(config: &'c Config, script: ScriptId, command: &str) -> Option<&'c str> {
    let numbered = config.scripts.get(usize::from(script.0)).filter(|one| one.command == command);
    let found = numbered.or_else(|| config.scripts.iter().find(|one| one.command == command))?;
    Some(&found.name)
}
