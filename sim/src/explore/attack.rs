//! What an attacker puts on the wire, as acts: advertisements for a machine, and announcements of an address.

use std::net::IpAddr;

use havip::config::{Instance, Version};
use havip::time::{Duration, Time};
use havip::wire::vrrp;

use super::base::Base;
use super::inject::Scene;
use crate::world::{
    Act, ClientId, CvmId, EniIndex, EniSetup, Forged, ForgedAdvert, Segment, Setup, Spoof, TextId, Wire,
    link_local,
};

/// Whom an advertisement can be forged for, and in whose name.
#[derive(Clone, Copy)]
pub(super) struct Aim {
    victim: CvmId,
    /// Which of its instances.
    instance: usize,
    from: IpAddr,
    /// Nobody in particular: the group of VRRP.
    to: Option<IpAddr>,
    vrid: u8,
}

/// Every pair of machines that hear each other's advertisements.
pub(super) fn aims(base: &Base) -> Vec<Aim> {
    let victims = (0..base.setup.cvms.len() as u16).map(CvmId);
    victims
        .flat_map(|victim| {
            let all = base.config(usize::from(victim.0)).instances.iter().enumerate();
            all.flat_map(move |(index, instance)| aims_at(base, (victim, index), instance))
        })
        .collect()
}

fn aims_at(base: &Base, (victim, index): (CvmId, usize), own: &Instance) -> Vec<Aim> {
    let setup = &base.setup;
    let aim = |from, to| Aim { victim, instance: index, from, to, vrid: own.vrid };
    let Some((_, eni)) = interface(setup, victim, own) else { return Vec::new() };
    if own.is_unicast() {
        let is_machine =
            |address| setup.owner_of(address).is_some_and(|(node, _)| setup.cvm_of(node).is_some());
        let peers = own.peers.iter().map(|peer| peer.address).filter(|peer| is_machine(*peer));
        return peers.filter_map(|peer| Some(aim(peer, Some(source(eni, own, peer.is_ipv6())?)))).collect();
    }
    if !matches!(setup.segment, Segment::Lan(_)) {
        return Vec::new();
    }
    let group = (own.group != IpAddr::V4(vrrp::GROUP) && own.group != IpAddr::V6(vrrp::GROUP_V6))
        .then_some(own.group);
    let others = (0..setup.cvms.len() as u16).map(CvmId).filter(|other| *other != victim);
    let heard = others.flat_map(|other| {
        let all = base.config(usize::from(other.0)).instances.iter();
        let alike = all.filter(|one| !one.is_unicast() && (one.vrid, one.group) == (own.vrid, own.group));
        alike.filter_map(move |one| {
            let (_, at) = interface(setup, other, one).filter(|(_, at)| at.subnet == eni.subnet)?;
            source(at, one, own.is_ipv6())
        })
    });
    heard.map(|from| aim(from, group)).collect()
}

/// Where a machine's instance is.
fn interface<'a>(setup: &'a Setup, cvm: CvmId, instance: &Instance) -> Option<(EniIndex, &'a EniSetup)> {
    let mut all = (0..).map(EniIndex).zip(setup.enis_of(setup.node_of_cvm(cvm)));
    match &instance.interface {
        Some(name) => all.find(|(_, eni)| eni.name == *name),
        None => all.next(),
    }
}

/// The address from which an instance advertises.
fn source(eni: &EniSetup, instance: &Instance, ipv6: bool) -> Option<IpAddr> {
    let local = (ipv6 && !instance.is_unicast()).then(|| IpAddr::V6(link_local(eni.mac)));
    instance.source.or(local).or_else(|| address_of(eni, ipv6))
}

/// An interface's own address of a family.
fn address_of(eni: &EniSetup, ipv6: bool) -> Option<IpAddr> {
    eni.addresses().map(|net| net.addr()).find(|own| own.is_ipv6() == ipv6)
}

/// A packet of VRRP's protocol number and nothing of VRRP in it, to an address; in hexadecimal digits.
pub(super) fn garbage(to: std::net::Ipv4Addr) -> String {
    let mut packet = [0xff; 28];
    // Version 4 and five words, 28 bytes, not fragmented; a hop limit of 255, protocol 112.
    packet[..12].copy_from_slice(&[0x45, 0xc0, 0, 28, 0, 1, 0, 0, 255, 112, 0, 0]);
    packet[12..16].copy_from_slice(&to.octets());
    packet[16..20].copy_from_slice(&to.octets());
    let checksum = havip::wire::checksum::Checksum::new().with(&packet[..20]).finish();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What an attacker says who does not know the password: none, or a wrong one.
const WRONG_PASSWORDS: [Option<[u8; 8]>; 2] = [None, Some(*b"guessed\0")];

impl Scene<'_> {
    /// Advertisements to one machine: in another peer's name and with everything right, or in the sender's own name.
    pub(super) fn forge(&mut self, from: Time, to: Time, in_a_peers_name: bool) {
        let aims: Vec<Aim> =
            aims(self.base).into_iter().filter(|aim| in_a_peers_name || self.knows_peers(aim)).collect();
        if aims.is_empty() {
            return;
        }
        let aim = self.draws.pick(&aims);
        let own = |wire: &Wire| {
            address_of(
                self.base.setup.enis_of(wire.0).nth(usize::from(wire.1.unwrap_or(EniIndex::ETH0).0))?,
                aim.from.is_ipv6(),
            )
        };
        let peers = &self.instance(&aim).peers;
        let is_a_peer =
            |wire: &Wire| own(wire).is_none_or(|own| peers.iter().any(|peer| peer.address == own));
        let mut wires = self.attackers(&aim);
        wires.retain(|wire| in_a_peers_name || !is_a_peer(wire));
        if wires.is_empty() {
            return;
        }
        let at = self.draws.pick(&wires);
        let source = if in_a_peers_name { aim.from } else { own(&at).unwrap_or(aim.from) };
        let priority = self.priority(&aim);
        let mut advert = ForgedAdvert { to: aim.to, ..ForgedAdvert::new(source, aim.vrid, priority) };
        let (auth, knows, unlike) =
            (self.draws.pick(&WRONG_PASSWORDS), self.draws.happens(50), self.draws.below(6));
        let v3 = self.instance(&aim).version == Version::V3;
        // Whom a list of peers tells apart may know the password.
        let may_know = self.instance(&aim).is_unicast();
        match unlike {
            // Believed or not: whoever knows the password may say what it likes.
            0 if in_a_peers_name && v3 => advert.interval = Some(self.draws.pick(&[1, 10, 4_095])),
            1 if in_a_peers_name => advert.addresses[0] = own(&at),
            _ => {}
        }
        let is_right = in_a_peers_name || v3 || knows && may_know;
        if !is_right {
            advert.auth = Some(auth);
        }
        self.spoof((from, to), at, Forged::Advert(advert));
    }

    /// Advertisements in a peer's name with the right password, one thing in each for which its receiver must refuse it;
    /// or no advertisement at all.
    pub(super) fn malform(&mut self, from: Time, to: Time) {
        let aim = self.draws.pick(&aims(self.base));
        let priority = self.priority(&aim);
        let right = ForgedAdvert { to: aim.to, ..ForgedAdvert::new(aim.from, aim.vrid, priority) };
        let v3 = self.instance(&aim).version == Version::V3;
        let interval = if v3 { 0 } else { self.draws.pick(&[0, 2, 255]) };
        let mut wrong = vec![
            ForgedAdvert { bad_checksum: true, ..right },
            ForgedAdvert { ttl: Some(self.draws.pick(&[1, 64, 254])), ..right },
            ForgedAdvert { truncated: Some(self.draws.below(8) as u8), ..right },
            ForgedAdvert { version: Some(self.draws.pick(&[0, 1, 4, 15])), ..right },
            ForgedAdvert { message_type: Some(self.draws.pick(&[0, 2, 15])), ..right },
            ForgedAdvert { count: Some(self.draws.pick(&[0, 255])), ..right },
            ForgedAdvert { padded: Some(self.draws.pick(&[1, 4, 16])), ..right },
            ForgedAdvert { interval: Some(interval), ..right },
            ForgedAdvert { no_address: true, ..right },
        ];
        if !v3 {
            wrong.extend(WRONG_PASSWORDS.map(|auth| ForgedAdvert { auth: Some(auth), ..right }));
        }
        // A peer by unicast may be any number of hops away, and who is told to takes any checksum for right.
        wrong.retain(|one| self.base.promises.refuses(aim.victim, aim.instance, one));
        let garbage: Option<TextId> = self.base.garbage[usize::from(aim.victim.0)];
        let forged = match garbage.filter(|_| self.draws.happens(10)) {
            Some(packet) => Forged::Packet(packet),
            None => Forged::Advert(self.draws.pick(&wrong)),
        };
        let wires = self.attackers(&aim);
        if !wires.is_empty() {
            let at = self.draws.pick(&wires);
            self.spoof((from, to), at, forged);
        }
    }

    /// Announcements of a shared address, to everybody or to one client: it is at the attacker's own hardware
    /// address, or at that of a machine.
    pub(super) fn claim(&mut self, from: Time, to: Time, own: bool) {
        let address = self.draws.pick(&self.base.addresses());
        let machine = self.machine();
        let setup = &self.base.setup;
        // Nobody believes on one segment what is announced on another, and a machine's own claim is none that is forged.
        let reaches = |eni: &EniSetup| match &setup.segment {
            Segment::Lan(all) => all.get(usize::from(eni.subnet)).is_some_and(|lan| match address {
                IpAddr::V4(address) => lan.net.contains(&address),
                IpAddr::V6(address) => lan.ipv6.is_some_and(|net| net.contains(&address)),
            }),
            Segment::Vpc { .. } => true,
        };
        let mut wires = wires(setup, reaches);
        wires.retain(|wire| wire.0 != setup.node_of_cvm(machine));
        if wires.is_empty() {
            return;
        }
        let at = self.draws.pick(&wires);
        let of = setup.enis_of(at.0).nth(usize::from(at.1.unwrap_or(EniIndex::ETH0).0));
        let mac = match of.filter(|_| own) {
            Some(eni) => eni.mac,
            None => setup.cvms[usize::from(machine.0)].eni.mac,
        };
        let to_one = matches!(setup.segment, Segment::Lan(_)) && !setup.clients.is_empty();
        let one = ClientId(self.draws.below(self.base.setup.clients.len() as u64) as u16);
        let whom = (to_one && self.draws.happens(50)).then(|| (self.base.setup.node_of_client(one), None));
        self.spoof((from, to), at, Forged::Announcement(address, mac, whom));
    }

    fn instance(&self, aim: &Aim) -> &Instance {
        &self.base.config(usize::from(aim.victim.0)).instances[aim.instance]
    }

    /// Whether a receiver can tell who is no peer: by a list of them, or by a password that others do not know.
    fn knows_peers(&self, aim: &Aim) -> bool {
        let instance = self.instance(aim);
        instance.is_unicast() || instance.version == Version::V2 && instance.password.is_some()
    }

    /// One of the ends of what there is, or what the machine has itself.
    fn priority(&mut self, aim: &Aim) -> u8 {
        let own = self.instance(aim).priority;
        self.draws.pick(&[0, 1, own, 150, 254, 255])
    }

    /// Where the attacker may be: at any client or other machine from which that is heard.
    fn attackers(&self, aim: &Aim) -> Vec<Wire> {
        let setup = &self.base.setup;
        let at = interface(setup, aim.victim, self.instance(aim)).map(|(_, eni)| eni.subnet);
        let is_lan = matches!(setup.segment, Segment::Lan(_));
        let mut all = wires(setup, |eni| !is_lan || Some(eni.subnet) == at);
        all.retain(|wire| wire.0 != setup.node_of_cvm(aim.victim));
        all
    }

    /// Again and again until the injection's end.
    fn spoof(&mut self, (from, to): (Time, Time), at: Wire, forged: Forged) {
        let every = Duration::from_millis(self.draws.pick(&[100, 1_000]));
        let long = to.saturating_since(from);
        let again = (long >= every).then_some((every, long));
        self.at(from, Act::Spoof(at.0, at.1, Spoof { forged, again }));
    }
}

/// Every interface of the cluster's own network that is there and is of use.
fn wires(setup: &Setup, is_of_use: impl Fn(&EniSetup) -> bool) -> Vec<Wire> {
    let there = |eni: &EniSetup| !eni.off && eni.subnet != Setup::INTERNET && is_of_use(eni);
    let all = setup.ports().filter(|(.., eni)| there(eni));
    all.map(|(node, index, _)| (node, (index != EniIndex::ETH0).then_some(index))).collect()
}
