//! What each machine's configuration promises, as numbers that rules are held against.

use std::net::IpAddr;
use std::sync::Arc;

use havip::config::Instance;
use havip::profile::{Profile, Switch};
use havip::time::Duration;
use havip::wire::Family;

use crate::world::{EniSetup, NodeId, ProgramSetup, Setup};

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
    /// From the agent's start until it takes part.
    pub(super) begins: Duration,
    /// Machines that it advertises to.
    pub(super) hearers: Vec<usize>,
    /// It asks for a password.
    pub(super) has_password: bool,
    /// Having stood still, it steps down before it speaks.
    pub(super) steps_down: bool,
}

/// The seats of every machine.
pub(super) fn of(setup: &Setup) -> Arc<[Vec<Seat>]> {
    let addresses = addresses(setup);
    setup
        .cvms
        .iter()
        .enumerate()
        .map(|(own, cvm)| {
            let ProgramSetup::Agent { config, profile, .. } = &cvm.program;
            let grouped = |i: usize| config.groups.iter().any(|group| group.members.contains(&i));
            let seat = |(i, instance): (usize, &Arc<Instance>)| Seat {
                in_group: grouped(i),
                begins: config.startup_delay,
                hearers: hearers(setup, &addresses, own, instance),
                ..seat(instance, *profile, cvm.eni.address.addr().into())
            };
            config.instances.iter().enumerate().map(seat).collect()
        })
        .collect()
}

impl Seat {
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

fn seat(instance: &Instance, profile: Profile, eth0: IpAddr) -> Seat {
    let interval = instance.advert_interval;
    let all = instance.addresses.iter().chain(&instance.excluded);
    let bursts = instance.garp.master_delay.max(instance.garp.master_refresh);
    let claims = if profile.has(Switch::VerifiesClaims) { bursts.max(VERIFIES) } else { bursts };
    Seat {
        name: instance.name.clone(),
        vrid: instance.vrid,
        family: if instance.is_ipv6() { Family::Ipv6 } else { Family::Ipv4 },
        source: instance.source.unwrap_or(eth0),
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
        lease: Duration::from_secs(2) + interval * 3 + FOLLOWS + Duration::from_millis(2_500),
        begins: Duration::ZERO,
        hearers: Vec::new(),
        has_password: instance.password.is_some() || instance.hmac.is_some(),
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
