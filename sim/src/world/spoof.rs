//! Frames that an attacker puts on the wire, made of what an act says of them.
//!
//! What an act does not say of an advertisement is right: it is taken from the first machine that has the virtual
//! router. So each word of an act is one thing that is wrong, and a receiver's reason for refusing it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use havip::config::{Instance, Version};
use havip::time::{Duration, Time};
use havip::wire::checksum::Checksum;
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::ipv4::{self, Protocol};
use havip::wire::{arp, vrrp};

use super::frames::PortId;
use super::kinds::kind_of_frame;
use super::queue::Due;
use super::report::Mark;
use super::setup::{NodeId, Setup, TextId};
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
    /// An announcement that an address is at a hardware address, to one node or to everybody.
    Arp(Ipv4Addr, Mac, Option<NodeId>),
    /// An IP packet, in hexadecimal digits.
    Packet(TextId),
}

/// An advertisement of an attacker. What is not said is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgedAdvert {
    /// The source address.
    pub from: Ipv4Addr,
    /// The destination; the group of VRRP if nothing is said.
    pub to: Option<Ipv4Addr>,
    /// The virtual router.
    pub vrid: u8,
    /// The priority.
    pub priority: u8,
    /// Another password, `Some(None)`: none.
    pub auth: Option<Option<[u8; 8]>>,
    /// It carries no address.
    pub no_address: bool,
    /// Other virtual addresses, up to four.
    pub addresses: [Option<Ipv4Addr>; 4],
    /// Another interval, in the protocol's own unit.
    pub interval: Option<u16>,
    /// Another version.
    pub version: Option<u8>,
    /// Another type of message.
    pub message_type: Option<u8>,
    /// Another number of addresses than there are.
    pub count: Option<u8>,
    /// Another time to live.
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
    pub const fn new(from: Ipv4Addr, vrid: u8, priority: u8) -> ForgedAdvert {
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
        let to = self.to.unwrap_or(vrrp::GROUP);
        let message = self.message(model(setup, self.vrid), to);
        let header = ipv4::Repr {
            src: self.from,
            dst: to,
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

    fn message(&self, model: Option<&Instance>, to: Ipv4Addr) -> Vec<u8> {
        let v3 = model.is_some_and(|one| one.version == Version::V3);
        let own = || {
            let all = model.map_or(&[][..], |one| &one.addresses[..]).iter();
            all.filter_map(|one| match one.address.addr() {
                IpAddr::V4(address) => Some(address),
                IpAddr::V6(_) => None,
            })
        };
        let mut addresses: Vec<Ipv4Addr> = self.addresses.iter().flatten().copied().collect();
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
        bytes.extend(addresses.iter().flat_map(Ipv4Addr::octets));
        if !v3 {
            bytes.extend(password.unwrap_or_default());
        }
        bytes.truncate(self.truncated.map_or(bytes.len(), usize::from));
        bytes.resize(bytes.len() + usize::from(self.padded.unwrap_or(0)), 0);
        let sum = match v3 {
            true => Checksum::pseudo_header(self.from, to, Protocol::VRRP, bytes.len() as u16),
            false => Checksum::new(),
        };
        let checksum = sum.with(&bytes).finish() ^ u16::from(self.bad_checksum);
        if let Some(field) = bytes.get_mut(6..8) {
            field.copy_from_slice(&checksum.to_be_bytes());
        }
        bytes
    }
}

/// Whose advertisement an attacker imitates: the first machine's that has the virtual router, or just the first's.
fn model(setup: &Setup, vrid: u8) -> Option<&Instance> {
    let configs = (0..setup.cvms.len() as u16).filter_map(|n| setup.config_of(super::CvmId(n), None));
    let mut all = configs.flat_map(|config| &config.instances);
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
    node: NodeId,
    spoof: Spoof,
    every: Duration,
    next: Time,
    /// Nothing is sent after this.
    ends: Time,
}

impl World {
    /// An act: sends a forged frame, and sees to it that it is sent again.
    pub(super) fn begin_spoof(&mut self, act: u32, node: NodeId, spoof: &Spoof) {
        self.spoof(act, node, &spoof.forged);
        if let Some((every, lasts)) = spoof.again {
            let (next, ends) = (self.instant(self.now + every), self.now + lasts);
            self.spoofs.push(Repeated { act, node, spoof: *spoof, every, next, ends });
            self.arm_spoofs();
        }
    }

    /// The time of a repetition has come.
    pub(super) fn spoof_again(&mut self) {
        for i in 0..self.spoofs.len() {
            let one = self.spoofs[i];
            if one.next == self.now {
                self.spoofs[i].next = self.instant(self.now + one.every);
                self.spoof(one.act, one.node, &one.spoof.forged);
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

    fn spoof(&mut self, act: u32, node: NodeId, forged: &Forged) {
        let kernel = &self.kernels[usize::from(node.0)];
        // Somebody on that machine, or at that client.
        if kernel.powered && !kernel.paused {
            let bytes = self.forge(node, forged);
            let frame = self.frames.store(&[&bytes], PortId::of(node), kind_of_frame(&bytes));
            self.frames.set_mark(frame, Mark::Spoofed(act));
            self.transmit(PortId::of(node), frame);
        }
    }

    fn forge(&self, node: NodeId, forged: &Forged) -> Vec<u8> {
        let mac = self.nic(PortId::of(node)).mac;
        let packet = match *forged {
            Forged::Advert(advert) => advert.packet(&self.setup),
            Forged::Packet(text) => bytes_of_hex(self.setup.text(text)).unwrap_or_default(),
            Forged::Arp(address, at, to) => {
                let dst = to.map_or(Mac::BROADCAST, |to| self.nic(PortId::of(to)).mac);
                return arp::Repr::announcement(at, address).frame_to(dst).to_vec();
            }
        };
        let dst = packet.get(16..20).map_or(Ipv4Addr::UNSPECIFIED, |dst| {
            Ipv4Addr::from(<[u8; 4]>::try_from(dst).unwrap_or_default())
        });
        let owner = self.nics.iter().find(|nic| nic.own.addr() == dst).map(|nic| nic.mac);
        let dst = if dst.is_multicast() { Mac::for_multicast(dst) } else { owner.unwrap_or(Mac::BROADCAST) };
        let mut frame = vec![0; ethernet::HEADER_LEN];
        ethernet::Repr { dst, src: mac, ethertype: EtherType::IPV4 }.emit(&mut frame);
        frame.extend(packet);
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_come_in_pairs() {
        assert_eq!(bytes_of_hex("45C000"), Some(vec![0x45, 0xc0, 0]));
        assert_eq!(bytes_of_hex(""), Some(vec![]));
        for text in ["4", "4g", "é0", "0x"] {
            assert_eq!(bytes_of_hex(text), None, "{text}");
        }
    }
}
