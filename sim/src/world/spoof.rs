//! Frames that an attacker puts on the wire, made of what an act says of them.
//!
//! What an act does not say of an advertisement is right: it is taken from the first machine that has the virtual
//! router. So each word of an act is one thing that is wrong, and a receiver's reason for refusing it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use havip::config::{Instance, Version};
use havip::time::{Duration, Time};
use havip::wire::checksum::Checksum;
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::ipv4::{self, Protocol};
use havip::wire::{arp, ipv6, ndp, vrrp};

use super::frames::PortId;
use super::ipv6::discovery_frame;
use super::kinds::kind_of_frame;
use super::queue::Due;
use super::report::Mark;
use super::setup::{EniIndex, NodeId, Setup, TextId, link_local};
use super::state::World;

/// Frames of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spoof {
    /// The frame.
    pub forged: Forged,
    /// How often it is sent again, and for how long; once, if nothing is said.
    pub again: Option<(Duration, Duration)>,
}

/// A frame of an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// An advertisement.
    Advert(ForgedAdvert),
    /// An announcement that an address is at a hardware address, to one interface or to everybody: gratuitous ARP, or
    /// an unsolicited neighbour advertisement.
    Announcement(IpAddr, Mac, Option<Wire>),
    /// An IP packet, in hexadecimal digits.
    Packet(TextId),
}

/// A machine or a client, and one of its interfaces; without one, its first.
pub type Wire = (NodeId, Option<EniIndex>);

/// An advertisement of an attacker. What is not said is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgedAdvert {
    /// The source address.
    pub from: IpAddr,
    /// The destination, of the same family; the group of VRRP if nothing is said.
    pub to: Option<IpAddr>,
    /// The virtual router.
    pub vrid: u8,
    /// The priority.
    pub priority: u8,
    /// Another password, `Some(None)`: none.
    pub auth: Option<Option<[u8; 8]>>,
    /// It carries no address.
    pub no_address: bool,
    /// Other virtual addresses of the same family, up to four.
    pub addresses: [Option<IpAddr>; 4],
    /// Another interval, in the protocol's own unit.
    pub interval: Option<u16>,
    /// Another version.
    pub version: Option<u8>,
    /// Another type of message.
    pub message_type: Option<u8>,
    /// Another number of addresses than there are.
    pub count: Option<u8>,
    /// Another time to live, or hop limit.
    pub ttl: Option<u8>,
    /// The message ends after so many bytes.
    pub truncated: Option<u8>,
    /// So many bytes follow the message.
    pub padded: Option<u8>,
    /// Its checksum is wrong.
    pub bad_checksum: bool,
}

impl ForgedAdvert {
    /// One with nothing wrong in it.
    pub const fn new(from: IpAddr, vrid: u8, priority: u8) -> ForgedAdvert {
        ForgedAdvert {
            from,
            to: None,
            vrid,
            priority,
            auth: None,
            no_address: false,
            addresses: [None; 4],
            interval: None,
            version: None,
            message_type: None,
            count: None,
            ttl: None,
            truncated: None,
            padded: None,
            bad_checksum: false,
        }
    }

    /// The IP packet.
    fn packet(&self, setup: &Setup) -> Vec<u8> {
        let model = model(setup, self.vrid, self.from.is_ipv6());
        match (self.from, self.to) {
            (IpAddr::V4(src), to) => {
                let dst = to.and_then(v4).unwrap_or(vrrp::GROUP);
                let message = self.message(model, src.into(), dst.into());
                let header = ipv4::Repr {
                    src,
                    dst,
                    protocol: Protocol::VRRP,
                    ttl: self.ttl.unwrap_or(vrrp::TTL),
                    tos: 0xc0,
                    identification: 1,
                    dont_fragment: false,
                    payload_len: message.len() as u16,
                };
                let mut packet = vec![0; header.total_len()];
                header.emit(&mut packet).copy_from_slice(&message);
                packet
            }
            (IpAddr::V6(src), to) => {
                let dst = to.and_then(v6).unwrap_or(vrrp::GROUP_V6);
                let message = self.message(model, src.into(), dst.into());
                let header = ipv6::Repr {
                    src,
                    dst,
                    next_header: Protocol::VRRP,
                    hop_limit: self.ttl.unwrap_or(vrrp::TTL),
                    traffic_class: ipv6::TRAFFIC_CLASS_INTERNETWORK_CONTROL,
                    flow_label: 0,
                    payload_len: message.len() as u16,
                };
                let mut packet = vec![0; header.total_len()];
                header.emit(&mut packet).copy_from_slice(&message);
                packet
            }
        }
    }

    fn message(&self, model: Option<&Instance>, from: IpAddr, to: IpAddr) -> Vec<u8> {
        // Over IPv6 there is no version 2.
        let v3 = from.is_ipv6() || model.is_some_and(|one| one.version == Version::V3);
        let own = || {
            let all = model.map_or(&[][..], |one| &one.addresses[..]).iter();
            all.map(|one| one.address.addr()).filter(|address| address.is_ipv6() == from.is_ipv6())
        };
        let mut addresses: Vec<IpAddr> = self.addresses.iter().flatten().copied().collect();
        if addresses.is_empty() && !self.no_address {
            addresses.extend(own().take(usize::from(u8::MAX)));
        }
        let interval = model.map_or(Duration::from_secs(1), |one| one.advert_interval);
        let usual = if v3 { interval.as_centis() } else { interval.as_secs() };
        let [high, low] = self.interval.unwrap_or(usual.min(u64::from(u16::MAX)) as u16).to_be_bytes();
        let password = self.auth.unwrap_or_else(|| model.and_then(|one| one.password).map(|one| one.0));
        let version = self.version.unwrap_or(if v3 { 3 } else { 2 });
        let mut bytes = vec![
            version << 4 | self.message_type.unwrap_or(vrrp::ADVERTISEMENT) & 0x0f,
            self.vrid,
            self.priority,
            self.count.unwrap_or(addresses.len() as u8),
            if v3 { high & 0x0f } else { u8::from(password.is_some()) },
            low,
            0,
            0,
        ];
        for address in addresses {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        if !v3 {
            bytes.extend(password.unwrap_or_default());
        }
        bytes.truncate(self.truncated.map_or(bytes.len(), usize::from));
        bytes.resize(bytes.len() + usize::from(self.padded.unwrap_or(0)), 0);
        let sum = match (from, to) {
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                Checksum::pseudo_header_v6(from, to, Protocol::VRRP, bytes.len() as u32)
            }
            (IpAddr::V4(from), IpAddr::V4(to)) if v3 => {
                Checksum::pseudo_header(from, to, Protocol::VRRP, bytes.len() as u16)
            }
            _ => Checksum::new(),
        };
        let checksum = sum.with(&bytes).finish() ^ u16::from(self.bad_checksum);
        if let Some(field) = bytes.get_mut(6..8) {
            field.copy_from_slice(&checksum.to_be_bytes());
        }
        bytes
    }
}

fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    if let IpAddr::V4(address) = address { Some(address) } else { None }
}

fn v6(address: IpAddr) -> Option<Ipv6Addr> {
    if let IpAddr::V6(address) = address { Some(address) } else { None }
}

/// Whose advertisement an attacker imitates: the first machine's that has the virtual router over this family, or just
/// the first's.
fn model(setup: &Setup, vrid: u8, ipv6: bool) -> Option<&Instance> {
    let configs = (0..setup.cvms.len() as u16).filter_map(|n| setup.config_of(super::CvmId(n), None));
    let mut all = configs.flat_map(|config| &config.instances).filter(|one| one.group.is_ipv6() == ipv6);
    all.clone().find(|one| one.vrid == vrid).or_else(|| all.next()).map(Arc::as_ref)
}

/// The bytes of hexadecimal digits, if they are that.
pub(crate) fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// A spoof that is repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeated {
    act: u32,
    at: Wire,
    spoof: Spoof,
    every: Duration,
    next: Time,
    /// Nothing is sent after this.
    ends: Time,
}

impl World {
    /// An act: sends a forged frame, and sees to it that it is sent again.
    pub(super) fn begin_spoof(&mut self, act: u32, at: Wire, spoof: &Spoof) {
        self.spoof(act, at, &spoof.forged);
        if let Some((every, lasts)) = spoof.again {
            let (next, ends) = (self.instant(self.now + every), self.now + lasts);
            self.spoofs.push(Repeated { act, at, spoof: *spoof, every, next, ends });
            self.arm_spoofs();
        }
    }

    /// The time of a repetition has come.
    pub(super) fn spoof_again(&mut self) {
        for i in 0..self.spoofs.len() {
            let one = self.spoofs[i];
            if one.next == self.now {
                self.spoofs[i].next = self.instant(self.now + one.every);
                self.spoof(one.act, one.at, &one.spoof.forged);
            }
        }
        self.arm_spoofs();
    }

    fn arm_spoofs(&mut self) {
        self.spoofs.retain(|one| one.next <= one.ends);
        let next = self.spoofs.iter().map(|one| one.next).min().unwrap_or(Time::MAX);
        if next > self.now {
            self.wake(next, Due::Spoof); // one that is due now is woken already
        }
    }

    fn spoof(&mut self, act: u32, at: Wire, forged: &Forged) {
        let kernel = &self.kernels[usize::from(at.0.0)];
        // Somebody on that machine, or at that client.
        if kernel.powered && !kernel.paused {
            let port = self.port_of_wire(at);
            let bytes = self.forge(port, forged);
            let frame = self.frames.store(&[&bytes], port, kind_of_frame(&bytes));
            self.frames.set_mark(frame, Mark::Spoofed(act));
            self.transmit(port, frame);
        }
    }

    fn port_of_wire(&self, (node, eni): Wire) -> PortId {
        self.setup.port_of(node, eni.unwrap_or(EniIndex::ETH0))
    }

    fn forge(&self, port: PortId, forged: &Forged) -> Vec<u8> {
        match *forged {
            Forged::Advert(advert) => self.framed(port, &advert.packet(&self.setup)),
            Forged::Packet(text) => {
                self.framed(port, &bytes_of_hex(self.setup.text(text)).unwrap_or_default())
            }
            Forged::Announcement(address, at, to) => {
                let to = to.map(|to| self.nic(self.port_of_wire(to)).mac);
                match address {
                    IpAddr::V4(address) => {
                        let dst = to.unwrap_or(Mac::BROADCAST);
                        arp::Repr::announcement(at, address).frame_to(dst).to_vec()
                    }
                    IpAddr::V6(address) => {
                        let message = ndp::Repr::announcement(at, address, false);
                        let everybody = (Mac::for_multicast_v6(ipv6::ALL_NODES), ipv6::ALL_NODES);
                        let (dst_mac, dst) = to.map_or(everybody, |mac| (mac, link_local(mac)));
                        let (frame, len) = discovery_frame(&message, at, dst_mac, address, dst);
                        frame[..len].to_vec()
                    }
                }
            }
        }
    }

    /// An attacker's packet in a frame to whoever has its destination: it resolves nothing, it knows.
    fn framed(&self, port: PortId, packet: &[u8]) -> Vec<u8> {
        let is_ipv6 = packet.first().is_some_and(|byte| byte >> 4 == 6);
        let (ethertype, dst) = match is_ipv6 {
            true => (EtherType::IPV6, IpAddr::from(bytes_at::<16>(packet, 24))),
            false => (EtherType::IPV4, IpAddr::from(bytes_at::<4>(packet, 16))),
        };
        let owner = self.setup.owner_of(dst).map(|(node, eni)| self.nic(self.setup.port_of(node, eni)).mac);
        let dst = match dst {
            IpAddr::V4(group) if group.is_multicast() => Mac::for_multicast(group),
            IpAddr::V6(group) if group.is_multicast() => Mac::for_multicast_v6(group),
            _ => owner.unwrap_or(Mac::BROADCAST),
        };
        let mut frame = vec![0; ethernet::HEADER_LEN];
        ethernet::Repr { dst, src: self.nic(port).mac, ethertype }.emit(&mut frame);
        frame.extend(packet);
        frame
    }
}

/// Bytes of a packet, or zeros where it is too short.
fn bytes_at<const N: usize>(packet: &[u8], at: usize) -> [u8; N] {
    packet.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETUP: &str = "scenario x\nrun 10s\nlan 172.16.16.0/24 ipv6 fd00:16::/64\n\
                         cvm a 172.16.16.5 ipv6 fd00:16::5 keepalived x\n";
    const BOTH: &str = "vrrp_instance V4 {\n interface eth0\n virtual_router_id 51\n priority 90\n\
                        virtual_ipaddress {\n 172.16.16.12\n }\n}\n\
                        vrrp_instance V6 {\n interface eth0\n virtual_router_id 51\n version 3\n advert_int 0.5\n\
                        virtual_ipaddress {\n fd00:16::12\n fd00:16::13\n }\n}\n";

    fn setup() -> Setup {
        let script = crate::scenario::Script::parse("x.scn", SETUP).expect("a script");
        let read = |_: &str| Ok(BOTH.to_owned());
        script.prepare(&read, &crate::scenario::load_keepalived).expect("a setup").setup
    }

    #[test]
    fn an_advertisement_imitates_the_router_of_its_own_family() {
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        let advert = ForgedAdvert::new(v6("fd00:16::8"), 51, 200);
        let bytes = advert.packet(&setup());
        let packet = ipv6::Packet::new(&bytes).unwrap();
        assert_eq!(
            (packet.src(), packet.dst(), packet.hop_limit()),
            ("fd00:16::8".parse().unwrap(), vrrp::GROUP_V6, 255)
        );
        let message = vrrp::Packet::from_ipv6(&packet).unwrap();
        assert_eq!(message.which_rule(packet.src(), packet.dst()), Some(vrrp::ChecksumRule::PseudoHeader));
        assert_eq!((message.version(), message.vrid(), message.priority()), (3, 51, 200));
        assert_eq!(message.v3_max_interval(), Duration::from_millis(500));
        let all: Vec<IpAddr> = message.addresses().iter().collect();
        assert_eq!(all, [v6("fd00:16::12"), v6("fd00:16::13")]);

        let bad = ForgedAdvert { bad_checksum: true, ..advert }.packet(&setup());
        let packet = ipv6::Packet::new(&bad).unwrap();
        assert_eq!(vrrp::Packet::from_ipv6(&packet).unwrap().which_rule(packet.src(), packet.dst()), None);

        let bytes = ForgedAdvert::new(IpAddr::from([172, 16, 16, 8]), 51, 200).packet(&setup());
        let packet = ipv4::Packet::new(&bytes).unwrap();
        let message = vrrp::Packet::from_ipv4(&packet).unwrap();
        assert_eq!((message.version(), message.address_count()), (2, 1));
    }

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(bytes_of_hex("45C000"), Some(vec![0x45, 0xc0, 0]));
        assert_eq!(bytes_of_hex(""), Some(vec![]));
        for text in ["4", "4g", "é0", "0x"] {
            assert_eq!(bytes_of_hex(text), None, "{text}");
        }
    }
}
