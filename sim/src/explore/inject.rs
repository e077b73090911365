//! What a campaign does to a cluster: a closed list of injections, each as acts of the script language.
//!
//! An injection begins somewhere in the safety phase and ends in it: what comes after is the liveness phase, in which
//! nothing is wrong any more and the cluster has to find together.

mod busy;

use havip::time::{Duration, Time};
use ipnet::IpNet;

use super::attack;
use super::base::Base;
use super::draw::Draws;
use crate::world::{
    Act, ClientId, CloudAct, ConsoleAct, CvmId, Direction, Drift, EipId, End, EniIndex, GroupRule, Health,
    Kind, Kinds, NodeId, Path, Ppm, ScriptAct, Segment, ServiceId, Tamper, TimedAct, Traffic,
};

/// One way to interfere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Injection {
    /// SIGKILL, and a start later.
    Kill,
    /// SIGTERM, and a start later.
    Stop,
    /// The machine loses power, and boots later.
    PowerOff,
    /// SIGSTOP and SIGCONT.
    Freeze,
    /// The hypervisor stops the machine for a while.
    Pause,
    /// A cable is out.
    Unplug,
    /// SIGHUP, nothing changed.
    Reload,
    /// Somebody deletes the address.
    AddressDeleted,
    /// Somebody adds the address where it is not.
    AddressAdded,
    /// The wall clock jumps.
    ClockStep,
    /// The clocks run fast or slow.
    ClockDrift,
    /// Two nodes, or one and everybody, do not hear each other.
    Cut,
    /// One does not hear the other.
    OneWay,
    /// Frames of one kind do not arrive.
    DropKind,
    /// Frames are lost by chance.
    Loss,
    /// Frames take longer.
    Delay,
    /// Frames arrive twice.
    Duplicate,
    /// Bits are flipped.
    Corrupt,
    /// Frames overtake each other.
    Reorder,
    /// The cloud hears no claim.
    CloudDeaf,
    /// The cloud takes long.
    CloudSlow,
    /// The cloud takes longer than anybody waits.
    CloudStalled,
    /// A service dies or hangs.
    Service,
    /// A tracked script fails or hangs.
    Script,
    /// A tracked file changes.
    File,
    /// Advertisements of somebody who is no peer.
    ForgedByStranger,
    /// Advertisements in a peer's name, by somebody who knows the password.
    ForgedWithPassword,
    /// What no receiver may take for an advertisement.
    Malformed,
    /// Announcements that the address is at somebody else's hardware address.
    ForgedClaim,
    /// Announcements that the address is at the attacker's own.
    StolenAddress,
    /// A further interface is plugged in, and stays.
    Attach,
    /// A further interface is taken away for good.
    Detach,
    /// Somebody deletes a route of the master's.
    RouteDeleted,
    /// A security group lets something through no more.
    SecurityGroup,
    /// An elastic IP is bound to nothing for a while.
    Eip,
}

/// Everything there is, in the order of their numbers.
pub const INJECTIONS: [Injection; 35] = [
    Injection::Kill,
    Injection::Stop,
    Injection::PowerOff,
    Injection::Freeze,
    Injection::Pause,
    Injection::Unplug,
    Injection::Reload,
    Injection::AddressDeleted,
    Injection::AddressAdded,
    Injection::ClockStep,
    Injection::ClockDrift,
    Injection::Cut,
    Injection::OneWay,
    Injection::DropKind,
    Injection::Loss,
    Injection::Delay,
    Injection::Duplicate,
    Injection::Corrupt,
    Injection::Reorder,
    Injection::CloudDeaf,
    Injection::CloudSlow,
    Injection::CloudStalled,
    Injection::Service,
    Injection::Script,
    Injection::File,
    Injection::ForgedByStranger,
    Injection::ForgedWithPassword,
    Injection::Malformed,
    Injection::ForgedClaim,
    Injection::StolenAddress,
    Injection::Attach,
    Injection::Detach,
    Injection::RouteDeleted,
    Injection::SecurityGroup,
    Injection::Eip,
];

impl Injection {
    /// Its name in plans and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Injection::Kill => "kill",
            Injection::Stop => "stop",
            Injection::PowerOff => "power-off",
            Injection::Freeze => "freeze",
            Injection::Pause => "pause",
            Injection::Unplug => "unplug",
            Injection::Reload => "reload",
            Injection::AddressDeleted => "address-deleted",
            Injection::AddressAdded => "address-added",
            Injection::ClockStep => "clock-step",
            Injection::ClockDrift => "clock-drift",
            Injection::Cut => "cut",
            Injection::OneWay => "one-way",
            Injection::DropKind => "drop-kind",
            Injection::Loss => "loss",
            Injection::Delay => "delay",
            Injection::Duplicate => "duplicate",
            Injection::Corrupt => "corrupt",
            Injection::Reorder => "reorder",
            Injection::CloudDeaf => "cloud-deaf",
            Injection::CloudSlow => "cloud-slow",
            Injection::CloudStalled => "cloud-stalled",
            Injection::Service => "service",
            Injection::Script => "script",
            Injection::File => "file",
            Injection::ForgedByStranger => "forged-by-stranger",
            Injection::ForgedWithPassword => "forged-with-password",
            Injection::Malformed => "malformed",
            Injection::ForgedClaim => "forged-claim",
            Injection::StolenAddress => "stolen-address",
            Injection::Attach => "attach",
            Injection::Detach => "detach",
            Injection::RouteDeleted => "route-deleted",
            Injection::SecurityGroup => "security-group",
            Injection::Eip => "eip",
        }
    }

    /// The injection of a name.
    pub fn of(name: &str) -> Option<Injection> {
        INJECTIONS.into_iter().find(|one| one.name() == name)
    }

    /// Whether it can do anything to this cluster.
    pub(super) fn is_for(self, base: &Base) -> bool {
        match self {
            Injection::CloudDeaf
            | Injection::CloudSlow
            | Injection::CloudStalled
            | Injection::SecurityGroup => matches!(base.setup.segment, Segment::Vpc { .. }),
            Injection::Service => !base.setup.services.is_empty(),
            Injection::Script => base.tracked.iter().any(|tracked| !tracked.scripts.is_empty()),
            Injection::File => base.tracked.iter().any(|tracked| !tracked.files.is_empty()),
            Injection::AddressDeleted
            | Injection::AddressAdded
            | Injection::ForgedClaim
            | Injection::StolenAddress => !base.addresses().is_empty(),
            Injection::ForgedByStranger | Injection::ForgedWithPassword | Injection::Malformed => {
                base.setup.cvms.len() > 1 && !attack::aims(base).is_empty()
            }
            Injection::Attach => !base.absent().is_empty(),
            Injection::Detach => !base.spare().is_empty(),
            Injection::RouteDeleted => base.tracked.iter().any(|tracked| !tracked.routes.is_empty()),
            Injection::Eip => base.setup.eips.iter().any(|eip| eip.havip.is_some()),
            _ => true,
        }
    }
}

/// A seed's acts as they come to be.
pub(super) struct Scene<'a> {
    pub(super) base: &'a Base,
    pub(super) draws: Draws,
    /// From when to when anything may be wrong.
    pub(super) safety: (Time, Time),
    pub(super) acts: Vec<TimedAct>,
    /// By machine: when its program is being stopped, killed, held or started.
    busy: Vec<Vec<(Time, Time)>>,
    /// A path that is disturbed until the end of the safety phase.
    heals_at_end: bool,
}

/// How long injections last, before a factor of 1 to 3.
const LENGTHS_MS: [u64; 7] = [30, 100, 300, 1_000, 3_000, 10_000, 20_000];
/// Acts are at multiples of one of these: the coarser, the more often two things happen at once.
const GRIDS_MS: [u64; 4] = [10, 50, 100, 1_000];

impl<'a> Scene<'a> {
    pub(super) fn new(base: &'a Base, draws: Draws, safety: (Time, Time)) -> Scene<'a> {
        Scene {
            base,
            draws,
            safety,
            acts: Vec::with_capacity(16),
            busy: busy::by_itself(base),
            heals_at_end: false,
        }
    }

    /// Adds an injection, unless the machine it would hit is being hit already.
    pub(super) fn inject(&mut self, injection: Injection) {
        let (from, to) = self.span();
        match injection {
            Injection::Kill => self.outage(from, to, Act::Kill, Act::Start),
            Injection::Stop => self.outage(from, to, Act::Stop, Act::Start),
            Injection::PowerOff => self.outage(from, to, Act::PowerOff, Act::PowerOn),
            Injection::Freeze => self.outage(from, to, Act::Freeze, Act::Thaw),
            Injection::Pause => self.outage(from, to, Act::Pause, Act::Resume),
            Injection::Unplug => self.unplug(from, to),
            Injection::Reload => {
                let cvm = self.machine();
                self.at(from, Act::Reload(cvm, self.base.own_files[usize::from(cvm.0)], Duration::ZERO));
            }
            Injection::AddressDeleted => {
                let (cvm, address) = (self.machine(), self.address());
                self.at(from, Act::Tamper(cvm, Tamper::Del, address));
            }
            Injection::AddressAdded => {
                let (cvm, address) = (self.machine(), self.address());
                self.at(from, Act::Tamper(cvm, Tamper::Add, address));
                self.at(to, Act::Tamper(cvm, Tamper::Del, address));
            }
            Injection::ClockStep => self.clock_step(from),
            Injection::ClockDrift => self.clock_drift(from, to),
            Injection::Cut => {
                let path = self.path(true);
                self.path_act(from, to, Act::Drop(Kinds::ALL, path), path);
            }
            Injection::OneWay => {
                let path = self.path(false);
                self.path_act(from, to, Act::Drop(Kinds::ALL, path), path);
            }
            Injection::DropKind => {
                let kind = self.draws.pick(&Kind::ALL);
                let both = self.draws.happens(50);
                let path = self.path(both);
                self.path_act(from, to, Act::Drop(Kinds::NONE.with(kind), path), path);
            }
            Injection::Loss => {
                let (share, path) = (self.share(), self.any_path());
                let of = self.draws.pick(&Kind::ALL);
                let kinds = if self.draws.happens(70) { Kinds::ALL } else { Kinds::NONE.with(of) };
                self.path_act(from, to, Act::Loss(share, kinds, path), path);
            }
            Injection::Delay => self.delay(from, to),
            Injection::Duplicate => {
                let (share, path) = (self.share(), self.any_path());
                self.path_act(from, to, Act::Duplicate(share, path), path);
            }
            Injection::Corrupt => {
                let (share, path) = (self.share(), self.any_path());
                self.path_act(from, to, Act::Corrupt(share, path), path);
            }
            Injection::Reorder => {
                let (share, path) = (self.share(), self.any_path());
                self.path_act(from, to, Act::Reorder(share, path), path);
            }
            Injection::CloudDeaf => {
                self.at(from, Act::Cloud(CloudAct::DropClaims));
                self.at(to, Act::Cloud(CloudAct::HearClaims));
            }
            Injection::CloudSlow => self.bind_delay(from, to, 1_000, 10_000),
            Injection::CloudStalled => self.bind_delay(from, to, 10_000, 15_000),
            Injection::Service => self.service(from, to),
            Injection::Script => self.script(from, to),
            Injection::File => self.file(from, to),
            Injection::ForgedByStranger => self.forge(from, to, false),
            Injection::ForgedWithPassword => self.forge(from, to, true),
            Injection::Malformed => self.malform(from, to),
            Injection::ForgedClaim => self.claim(from, to, false),
            Injection::StolenAddress => self.claim(from, to, true),
            Injection::Attach => {
                let (node, eni) = self.draws.pick(&self.base.absent());
                self.at(from, Act::Attach(node, eni));
            }
            Injection::Detach => {
                let (node, eni) = self.draws.pick(&self.base.spare());
                self.at(from, Act::Detach(node, eni));
            }
            Injection::RouteDeleted => {
                let cvm = self.machine();
                let routes = &self.base.tracked[usize::from(cvm.0)].routes;
                if !routes.is_empty() {
                    let route = self.draws.pick(routes);
                    self.at(from, Act::DelRoute(cvm, route));
                }
            }
            Injection::SecurityGroup => self.close(from, to),
            Injection::Eip => self.unbind(from, to),
        }
    }

    /// The end of the safety phase: what is wrong with paths is mended.
    pub(super) fn finish(mut self) -> Vec<TimedAct> {
        if self.heals_at_end {
            let end = self.safety.1;
            self.at(end, Act::Heal(None));
        }
        self.acts.sort_by_key(|act| act.at);
        self.acts
    }

    pub(super) fn at(&mut self, at: Time, act: Act) {
        self.acts.push(TimedAct { at, act, line: 0 });
    }

    /// From when to when: a beginning anywhere in the safety phase, a length of any order of magnitude.
    fn span(&mut self) -> (Time, Time) {
        let (begin, end) = self.safety;
        let grid = Duration::from_millis(self.draws.pick(&GRIDS_MS));
        let length = Duration::from_millis(self.draws.pick(&LENGTHS_MS));
        let from = begin + self.draws.time(Duration::ZERO, end.saturating_since(begin), grid);
        let long = self.draws.time(length, length * 3, grid).max(Duration::from_millis(10));
        let from = from.min(end.saturating_sub(Duration::from_millis(10)));
        (from, (from + long).min(end))
    }

    // Machines.

    pub(super) fn machine(&mut self) -> CvmId {
        CvmId(self.draws.below(self.base.setup.cvms.len() as u64) as u16)
    }

    fn outage(&mut self, from: Time, to: Time, begins: fn(CvmId) -> Act, ends: fn(CvmId) -> Act) {
        let cvm = self.machine();
        let busy = &mut self.busy[usize::from(cvm.0)];
        let until = to + busy::STARTS;
        if busy.iter().any(|&(a, b)| from < b && a < until) || self.base.setup.cvms[usize::from(cvm.0)].off {
            return;
        }
        busy.push((from, until));
        self.at(from, begins(cvm));
        self.at(to, ends(cvm));
    }

    fn unplug(&mut self, from: Time, to: Time) {
        let machine = NodeId(self.machine().0);
        let clients = self.base.setup.clients.len() as u64;
        let (client, is_client) = (self.draws.below(clients) as u16, self.draws.happens(15) && clients > 0);
        let node = if is_client { self.base.setup.node_of_client(ClientId(client)) } else { machine };
        let eni = self.interface(node);
        self.at(from, Act::Unplug(node, eni));
        self.at(to, Act::Plug(node, eni));
    }

    /// One of a node's interfaces; none, where it has but one: then all of it is meant.
    fn interface(&mut self, node: NodeId) -> Option<EniIndex> {
        let count = self.base.setup.enis_of(node).count() as u64;
        // Of several, now and then all.
        let one = self.draws.below(count + 1);
        (count > 1 && one < count).then_some(EniIndex(one as u8))
    }

    /// A security group drops what machines need, and lets it through again.
    fn close(&mut self, from: Time, to: Time) {
        let node = NodeId(self.machine().0);
        let eni = self.interface(node);
        let served = self.base.setup.services.first().map(|service| Traffic::Port(6, service.port));
        let most =
            [Traffic::All, Traffic::Protocol(1), Traffic::Protocol(112), served.unwrap_or(Traffic::All)];
        let traffic = self.draws.pick(&most);
        let direction = self.draws.pick(&[Direction::In, Direction::Out]);
        for (at, allow) in [(from, false), (to, true)] {
            let rule = GroupRule { allow, traffic, direction };
            self.at(at, Act::Console(ConsoleAct::Security(node, eni, rule)));
        }
    }

    /// An elastic IP is unbound, and bound again to what it was bound to.
    fn unbind(&mut self, from: Time, to: Time) {
        let all = (0..).map(EipId).zip(&self.base.setup.eips);
        let bound: Vec<_> = all.filter_map(|(eip, setup)| Some((eip, setup.havip?))).collect();
        let (eip, havip) = self.draws.pick(&bound);
        self.at(from, Act::Console(ConsoleAct::UnbindEip(eip)));
        self.at(to, Act::Console(ConsoleAct::BindEip(eip, havip)));
    }

    fn address(&mut self) -> IpNet {
        IpNet::from(self.draws.pick(&self.base.addresses()))
    }

    fn clock_step(&mut self, at: Time) {
        let cvm = self.machine();
        let seconds = self.draws.pick(&[1, 5, 100, 3_600]);
        let sign = if self.draws.happens(50) { 1 } else { -1 };
        self.at(at, Act::ClockStep(cvm, sign * seconds * 1_000_000_000));
    }

    fn clock_drift(&mut self, from: Time, to: Time) {
        let cvm = self.machine();
        let ppm = self.draws.pick(&[50, 500, 10_000]);
        let sign = if self.draws.happens(50) { 1 } else { -1 };
        self.at(from, Act::ClockDrift(cvm, Drift(sign * ppm)));
        self.at(to, Act::ClockDrift(cvm, Drift(0)));
    }

    // Paths.

    /// A pair of machines; or a machine and the cloud, a client, or everybody.
    fn path(&mut self, both: bool) -> Path {
        let machines = self.base.setup.cvms.len() as u64;
        let node = NodeId(self.machine().0);
        let from = self.interface(node).map_or(End::Node(node), |eni| End::Eni(node, eni));
        let to = match self.draws.below(10) {
            0..=6 if machines > 1 => {
                let other = (u64::from(node.0) + 1 + self.draws.below(machines - 1)) % machines;
                End::Node(NodeId(other as u16))
            }
            7 if matches!(self.base.setup.segment, Segment::Vpc { .. }) => End::Cloud,
            8 if !self.base.setup.clients.is_empty() => {
                End::Node(NodeId((machines + self.draws.below(self.base.setup.clients.len() as u64)) as u16))
            }
            _ => End::Any,
        };
        match self.draws.happens(50) || to == End::Cloud {
            true => Path { from, to, both },
            false => Path { from: to, to: from, both },
        }
    }

    fn any_path(&mut self) -> Path {
        let both = self.draws.happens(50);
        match self.draws.happens(30) {
            true => Path { from: End::Any, to: End::Any, both: false },
            false => self.path(both),
        }
    }

    fn path_act(&mut self, from: Time, to: Time, act: Act, path: Path) {
        self.at(from, act);
        if to < self.safety.1 {
            self.at(to, Act::Heal(Some(path)));
        } else {
            self.heals_at_end = true;
        }
    }

    fn share(&mut self) -> Ppm {
        Ppm(self.draws.pick(&[10_000, 50_000, 200_000, 500_000, 1_000_000]))
    }

    fn delay(&mut self, from: Time, to: Time) {
        let path = self.any_path();
        let longest = Duration::from_millis(self.draws.pick(&[5, 50, 500]));
        let shortest = Duration::from_millis(1);
        self.path_act(from, to, Act::Delay(shortest, longest, path), path);
    }

    // The cloud, and what machines run besides.

    fn bind_delay(&mut self, from: Time, to: Time, low: u64, high: u64) {
        let low = Duration::from_millis(low);
        let high = self.draws.time(low, Duration::from_millis(high), Duration::from_millis(500));
        self.at(from, Act::Cloud(CloudAct::BindDelay(low, high)));
        let (a, b) = self.base.setup.bind_delay;
        self.at(to, Act::Cloud(CloudAct::BindDelay(a, b)));
    }

    fn service(&mut self, from: Time, to: Time) {
        let index = self.draws.below(self.base.setup.services.len() as u64) as u16;
        let on = &self.base.setup.services[usize::from(index)].on;
        if on.is_empty() {
            return;
        }
        let cvm = self.draws.pick(on);
        let health = self.draws.pick(&[Health::Dead, Health::Hung]);
        self.at(from, Act::Service(ServiceId(index), cvm, health));
        self.at(to, Act::Service(ServiceId(index), cvm, Health::Alive));
    }

    fn script(&mut self, from: Time, to: Time) {
        let cvm = self.machine();
        let scripts = &self.base.tracked[usize::from(cvm.0)].scripts;
        if scripts.is_empty() {
            return;
        }
        let name = self.draws.pick(scripts);
        let slow = ScriptAct::Takes(Duration::from_millis(self.draws.pick(&[500, 5_000])));
        let act = self.draws.pick(&[ScriptAct::Down, ScriptAct::Down, ScriptAct::Hang, slow]);
        self.at(from, Act::Script(cvm, name, act));
        self.at(to, Act::Script(cvm, name, ScriptAct::Up));
    }

    fn file(&mut self, from: Time, to: Time) {
        let cvm = self.machine();
        let files = &self.base.tracked[usize::from(cvm.0)].files;
        if files.is_empty() {
            return;
        }
        let name = self.draws.pick(files);
        let number = self.draws.pick(&self.base.numbers);
        let stands = if self.draws.happens(80) { Some(number) } else { None };
        self.at(from, Act::File(cvm, name, stands));
        self.at(to, Act::File(cvm, name, self.base.numbers.first().copied()));
    }
}

#[cfg(test)]
#[path = "inject/tests.rs"]
mod tests;
