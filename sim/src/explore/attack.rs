//! What an attacker puts on the wire, as acts: advertisements for a peer, and announcements of an address.

use std::net::IpAddr;

use havip::time::{Duration, Time};

use super::base::Base;
use super::inject::Scene;
use crate::world::{Act, ClientId, CvmId, Forged, ForgedAdvert, NodeId, Segment, Spoof, TextId};

/// Whom an advertisement can be forged for, and in whose name.
#[derive(Clone, Copy)]
pub(super) struct Aim {
    peer: CvmId,
    victim: CvmId,
    /// Which of its instances.
    instance: usize,
    from: IpAddr,
    to: IpAddr,
    vrid: u8,
}

/// Every pair of unicast peers that are machines.
pub(super) fn aims(base: &Base) -> Vec<Aim> {
    let setup = &base.setup;
    let owner = |address: IpAddr| setup.owner_of(address).and_then(|(node, _)| setup.cvm_of(node));
    let mut all = Vec::new();
    for cvm in 0..setup.cvms.len() {
        for (index, instance) in base.config(cvm).instances.iter().enumerate() {
            for peer in &instance.peers {
                let eni = &setup.cvms[cvm].eni;
                let own = instance.source.or_else(|| {
                    eni.addresses().map(|net| net.addr()).find(|own| same_family(*own, peer.address))
                });
                if let (Some(to), Some(of)) = (own, owner(peer.address)) {
                    let victim = CvmId(cvm as u16);
                    let aim = Aim {
                        peer: of,
                        victim,
                        instance: index,
                        from: peer.address,
                        to,
                        vrid: instance.vrid,
                    };
                    all.push(aim);
                }
            }
        }
    }
    all
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

impl Scene<'_> {
    /// Advertisements to one machine: in another peer's name and with everything right, or in the sender's own name.
    pub(super) fn forge(&mut self, from: Time, to: Time, in_a_peers_name: bool) {
        let aim = self.draws.pick(&aims(self.base));
        let at = self.attacker(aim.peer);
        let eni = self.base.setup.eni_of(at);
        let own = eni.addresses().map(|net| net.addr()).find(|own| same_family(*own, aim.from));
        let source = if in_a_peers_name { aim.from } else { own.unwrap_or(aim.from) };
        let priority = self.draws.pick(&[0, 1, 150, 254, 255]);
        let mut advert = ForgedAdvert { to: Some(aim.to), ..ForgedAdvert::new(source, aim.vrid, priority) };
        if !in_a_peers_name && aim.from.is_ipv4() && self.draws.happens(50) {
            advert.auth = Some(Some(*b"guessed\0"));
        }
        self.spoof((from, to), at, Forged::Advert(advert));
    }

    /// Advertisements in a peer's name with the right password, one thing in each for which its receiver must refuse it;
    /// or no advertisement at all.
    pub(super) fn malform(&mut self, from: Time, to: Time) {
        let aim = self.draws.pick(&aims(self.base));
        let priority = self.draws.pick(&[0, 1, 150, 254, 255]);
        let right = ForgedAdvert { to: Some(aim.to), ..ForgedAdvert::new(aim.from, aim.vrid, priority) };
        let wrong = [
            ForgedAdvert { bad_checksum: true, ..right },
            ForgedAdvert { ttl: Some(self.draws.pick(&[1, 64, 254])), ..right },
            ForgedAdvert { truncated: Some(self.draws.below(8) as u8), ..right },
            ForgedAdvert { version: Some(self.draws.pick(&[0, 1, 4, 15])), ..right },
            ForgedAdvert { message_type: Some(self.draws.pick(&[0, 2, 15])), ..right },
            ForgedAdvert { count: Some(255), ..right },
        ];
        // A peer by unicast may be any number of hops away, and who is told to takes any checksum for right.
        let refuses = |one: &ForgedAdvert| self.base.promises.refuses(aim.victim, aim.instance, one);
        let refused: Vec<ForgedAdvert> = wrong.into_iter().filter(refuses).collect();
        let garbage: Option<TextId> = self.base.garbage[usize::from(aim.victim.0)];
        let forged = match garbage.filter(|_| self.draws.happens(20)) {
            Some(packet) => Forged::Packet(packet),
            None => Forged::Advert(self.draws.pick(&refused)),
        };
        let at = self.attacker(aim.peer);
        self.spoof((from, to), at, forged);
    }

    /// Announcements of a shared address, to everybody or to one client: it is at the attacker's own hardware
    /// address, or at that of a machine.
    pub(super) fn claim(&mut self, from: Time, to: Time, own: bool) {
        let address = self.draws.pick(&self.base.addresses());
        let machine = self.machine();
        let at = self.attacker(machine);
        let setup = &self.base.setup;
        let mac = if own { setup.eni_of(at).mac } else { setup.cvms[usize::from(machine.0)].eni.mac };
        let to_one = matches!(setup.segment, Segment::Lan(_)) && !setup.clients.is_empty();
        let one = ClientId(self.draws.below(self.base.setup.clients.len() as u64) as u16);
        let whom = (to_one && self.draws.happens(50)).then(|| (self.base.setup.node_of_client(one), None));
        self.spoof((from, to), at, Forged::Announcement(address, mac, whom));
    }

    /// Where the attacker is: at a client, if there is one.
    fn attacker(&self, otherwise: CvmId) -> NodeId {
        match self.base.setup.clients.first() {
            Some(_) => self.base.setup.node_of_client(ClientId(0)),
            None => self.base.setup.node_of_cvm(otherwise),
        }
    }

    /// Again and again until the injection's end.
    fn spoof(&mut self, (from, to): (Time, Time), at: NodeId, forged: Forged) {
        let every = Duration::from_millis(self.draws.pick(&[100, 1_000]));
        let long = to.saturating_since(from);
        let again = (long >= every).then_some((every, long));
        self.at(from, Act::Spoof(at, None, Spoof { forged, again }));
    }
}

fn same_family(a: IpAddr, b: IpAddr) -> bool {
    a.is_ipv4() == b.is_ipv4()
}
