//! What each machine's configuration promises, as numbers that rules are held against.

use std::net::IpAddr;
use std::sync::Arc;

use havip::config::Instance;
use havip::profile::{Profile, Switch};
use havip::time::{Duration, Time};
use havip::wire::Family;

use super::paths;
use super::reads::Demands;
use crate::world::{EniIndex, EniSetup, NodeId, ProgramSetup, Setup, link_local};

/// An agent's lease beside three advertisement intervals.
const LEASE: Duration = Duration::from_secs(2);
/// How long after its end a kernel notices it: it looks once a second.
const CHECKS: Duration = Duration::from_secs(1);
/// How much longer an agent's lease is that has heard no broadcast: a cloud may take that long to follow its successor.
const FOLLOWS: Duration = Duration::from_secs(10);
/// How late a machine may be with anything: timers, reading, installing addresses.
pub(super) const LATE: Duration = Duration::from_millis(50);

/// One virtual router of a machine.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) name: String,
    pub(super) vrid: u8,
    pub(super) family: Family,
    /// Which it is of the cluster's: others of the same number mean the same by it where they hear each other, or have
    /// an address in common.
    pub(super) router: usize,
    /// By which interface it speaks and hears.
    pub(super) eni: Option<EniIndex>,
    /// The interfaces without which it is nowhere, of each a bit; none, where one does not even exist.
    pub(super) needs: Option<u64>,
    /// Where its advertisements come from.
    pub(super) source: IpAddr,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) priority: u8,
    pub(super) nopreempt: bool,
    pub(super) preempt_delay: Duration,
    /// It decides together with others: what it hears itself is not the whole of it.
    pub(super) in_group: bool,
    pub(super) interval: Duration,
    /// How many advertisements must be missed.
    pub(super) lost: u64,
    /// From being the only master until the cloud, or a client, has been told twice.
    pub(super) claims: Duration,
    /// From another master's giving way until the same, where nothing is in the way.
    pub(super) heals: Duration,
    /// It verifies its claims, and does not for ever take back what another machine takes from it.
    pub(super) verifies: bool,
    /// How long addresses stay behind a killed agent.
    pub(super) lease: Duration,
    /// From the agent's start until it takes part, and from the machine's.
    begins: Duration,
    begins_after_boot: Duration,
    /// Machines that it advertises to.
    pub(super) hearers: Vec<usize>,
    /// What it asks of an advertisement.
    pub(super) demands: Demands,
    /// Having stood still, it steps down before it speaks.
    pub(super) steps_down: bool,
}

/// The seats of every machine.
pub(super) fn of(setup: &Setup) -> Arc<[Vec<Seat>]> {
    let addresses = addresses(setup);
    let instances = |own: usize| {
        let ProgramSetup::Agent { config, .. } = &setup.cvms[own].program;
        config.instances.iter().map(Arc::as_ref)
    };
    let placed = |own: usize| instances(own).map(move |one| (one, Place::of(setup, NodeId(own as u16), one)));
    let all: Vec<_> = (0..setup.cvms.len()).flat_map(placed).collect();
    let mut each = all.iter().map(|(_, place)| *place).zip(routers(&all));
    setup
        .cvms
        .iter()
        .enumerate()
        .map(|(own, cvm)| {
            let ProgramSetup::Agent { config, profile, .. } = &cvm.program;
            let grouped = |i: usize| config.groups.iter().any(|group| group.members.contains(&i));
            let seat = |((i, instance), (place, router)): ((usize, &Arc<Instance>), (Place, usize))| Seat {
                router,
                eni: place.eni,
                needs: place.needs,
                in_group: grouped(i),
                begins: config.startup_delay,
                begins_after_boot: config.delay_after_boot,
                hearers: hearers(setup, &addresses, own, instance),
                ..seat(instance, *profile, place.source)
            };
            config.instances.iter().enumerate().zip(each.by_ref()).map(seat).collect()
        })
        .collect()
}

/// Where an instance is on its machine.
#[derive(Clone, Copy)]
struct Place {
    eni: Option<EniIndex>,
    needs: Option<u64>,
    source: IpAddr,
    /// Which lan or subnet that is in.
    subnet: u16,
}

impl Place {
    fn of(setup: &Setup, node: NodeId, instance: &Instance) -> Place {
        let named = |name: &str| setup.enis_of(node).position(|eni| eni.name == name);
        let at = match (&instance.interface, instance.source) {
            (Some(name), _) => named(name),
            (None, Some(source)) => {
                let has = |eni: &EniSetup| eni.addresses().any(|own| own.addr() == source);
                Some(setup.enis_of(node).position(has).unwrap_or(0))
            }
            (None, None) => None,
        };
        let index = |at: usize| EniIndex(at as u8);
        let all = instance.addresses.iter().chain(&instance.excluded);
        let devices = all.filter_map(|address| address.device.as_deref()).map(named);
        let needs = devices.chain([at]).try_fold(0, |all, one| one.map(|at| all | paths::bit(index(at))));
        let eni = at.and_then(|at| setup.enis_of(node).nth(at)).unwrap_or(setup.eni_of(node));
        let own = match instance.is_ipv6() {
            true => link_local(eni.mac).into(),
            false => eni.address.addr().into(),
        };
        let source = instance.source.unwrap_or(own);
        Place { eni: at.map(index), needs, source, subnet: eni.subnet }
    }
}

/// Which virtual router of the cluster each instance is of.
fn routers(all: &[(&Instance, Place)]) -> Vec<usize> {
    let mut routers: Vec<usize> = (0..all.len()).collect();
    for i in 0..all.len() {
        for j in 0..i {
            let (old, new) = (routers[i], routers[j]);
            if old != new && are_one(all[i], all[j]) {
                routers.iter_mut().filter(|router| **router == old).for_each(|router| *router = new);
            }
        }
    }
    routers
}

/// Whether two instances are of one virtual router: of the same number, and they hear each other, or
/// are meant to, or share an address.
fn are_one((a, at): (&Instance, Place), (b, other): (&Instance, Place)) -> bool {
    let hear = || match (a.is_unicast(), b.is_unicast()) {
        (false, false) => at.subnet == other.subnet && a.group == b.group,
        (true, true) => {
            let has = |one: &Instance, source| one.peers.iter().any(|peer| peer.address == source);
            has(a, other.source) || has(b, at.source)
        }
        _ => false,
    };
    let share = || {
        let has = |address: IpAddr| b.addresses.iter().any(|one| one.address.addr() == address);
        a.addresses.iter().any(|one| has(one.address.addr()))
    };
    a.vrid == b.vrid && a.is_ipv6() == b.is_ipv6() && (hear() || share())
}

impl Seat {
    /// From when on an instance takes part whose agent runs since a time, on a machine that was booted at another. Its
    /// clock may be 1 % off.
    pub(super) fn begins(&self, since: Time, booted: Time) -> Time {
        let late = |wait: Duration| if wait.is_zero() { wait } else { wait + percent(wait, 2) + LATE };
        (since + late(self.begins)).max(booted + late(self.begins_after_boot))
    }
    /// Whether that has not come yet, where there is anything to wait for.
    pub(super) fn is_to_begin(&self, at: Time, since: Time, booted: Time) -> bool {
        let waits = !self.begins.is_zero() || !self.begins_after_boot.is_zero();
        waits && at < self.begins(since, booted)
    }
    /// No takeover by silence comes sooner after an advertisement that promised the next one in `interval`, nor later.
    /// Clocks may be 1 % off, the worst that is injected; timers are late.
    pub(super) fn down(&self, interval: Duration) -> (Duration, Duration) {
        let (shorter, longer) = (self.interval.min(interval), self.interval.max(interval));
        let (sooner, later) = (shorter * self.lost, longer * (self.lost + 1));
        (sooner.saturating_sub(percent(sooner, 2)), later + percent(later, 2) + LATE * 2)
    }
}

/// How soon an agent that verifies its claims asks again whether one was followed, at the latest, and has its answer.
const VERIFIES: Duration = Duration::from_millis(10_500);
/// What claims take: to be sent, paced, and to be heard.
const CLAIM: Duration = Duration::from_secs(2);

fn seat(instance: &Instance, profile: Profile, source: IpAddr) -> Seat {
    let interval = instance.advert_interval;
    let all = instance.addresses.iter().chain(&instance.excluded);
    let bursts = instance.garp.master_delay.max(instance.garp.master_refresh);
    let claims = if profile.has(Switch::VerifiesClaims) { bursts.max(VERIFIES) } else { bursts };
    Seat {
        name: instance.name.clone(),
        vrid: instance.vrid,
        family: if instance.is_ipv6() { Family::Ipv6 } else { Family::Ipv4 },
        router: 0,
        eni: None,
        needs: None,
        source,
        addresses: all.map(|one| one.address.addr()).collect(),
        priority: instance.priority,
        nopreempt: instance.nopreempt,
        preempt_delay: instance.preempt_delay,
        in_group: false,
        interval,
        lost: instance.down_timer_adverts.into(),
        verifies: profile.has(Switch::VerifiesClaims),
        claims: claims + CLAIM,
        heals: if profile.has(Switch::ReclaimsAfterSplit) { Duration::from_secs(1) } else { claims + CLAIM },
        // A kernel knows lifetimes of whole seconds.
        lease: whole_seconds(LEASE + interval * 3 + FOLLOWS) + CHECKS + LATE * 2,
        begins: Duration::ZERO,
        begins_after_boot: Duration::ZERO,
        hearers: Vec::new(),
        demands: Demands::of(instance, profile),
        steps_down: profile.has(Switch::LateWakeStepsDown),
    }
}

/// Every machine's own addresses, sorted.
fn addresses(setup: &Setup) -> Vec<(IpAddr, usize)> {
    let of = |cvm: usize| {
        let all = setup.enis_of(NodeId(cvm as u16)).flat_map(EniSetup::addresses);
        all.map(move |own| (own.addr(), cvm))
    };
    let mut all: Vec<_> = (0..setup.cvms.len()).flat_map(of).collect();
    all.sort_unstable();
    all
}

/// Who gets an instance's advertisements: its peers, or everybody who has that virtual router.
fn hearers(setup: &Setup, addresses: &[(IpAddr, usize)], own: usize, instance: &Instance) -> Vec<usize> {
    let owners = |address: IpAddr| {
        let from = addresses.partition_point(|(other, _)| *other < address);
        addresses[from..].iter().take_while(move |(other, _)| *other == address).map(|(_, cvm)| *cvm)
    };
    let mut all: Vec<usize> = match instance.peers.is_empty() {
        true => (0..setup.cvms.len()).collect(),
        false => instance.peers.iter().flat_map(|peer| owners(peer.address)).collect(),
    };
    let has_it = |other: &usize| {
        let ProgramSetup::Agent { config, .. } = &setup.cvms[*other].program;
        config.instances.iter().any(|one| one.vrid == instance.vrid)
    };
    all.sort_unstable();
    all.dedup();
    all.retain(|other| *other != own && has_it(other));
    all
}

fn percent(of: Duration, share: u64) -> Duration {
    Duration::from_nanos(of.as_nanos() / 100 * share)
}

/// The seconds that are begun in it.
pub(crate) fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_nanos().div_ceil(1_000_000_000))
}
