//! The way between the internet and a VPC: what is sent to an elastic IP goes to the HAVIP that it is bound to, and what a
//! HAVIP answers comes from its elastic IP.
//!
//! Addresses are changed as a cloud's gateway does, checksums included; the machine sees the client's own address.

use std::net::{IpAddr, Ipv4Addr};

use havip::wire::ethernet;

use super::frames::PortId;
use super::report::{FrameId, Loss};
use super::setup::{ClientId, Setup};
use super::state::World;
use crate::cloud::Route;

/// Where a packet goes, and which address of it the gateway changes on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) to: PortId,
    pub(super) change: Option<(Side, Ipv4Addr)>,
}

/// Which of a packet's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source = 12,
    Destination = 16,
}

impl World {
    /// The client of the internet that a port is of.
    pub(super) fn internet_client(&self, port: PortId) -> Option<ClientId> {
        let nic = self.nics.get(usize::from(port.0)).filter(|nic| nic.subnet == Setup::INTERNET)?;
        nic.node.0.checked_sub(self.setup.cvms.len() as u16).map(ClientId)
    }

    /// Which way a VPC's packet goes.
    pub(super) fn passage(&self, from: PortId, (src, dst): (IpAddr, IpAddr)) -> Result<Passage, Loss> {
        if self.internet_client(from).is_some() {
            return self.passage_in(dst);
        }
        let to = self.port_routed(dst)?;
        if self.internet_client(to).is_none() {
            return Ok(Passage { to, change: None });
        }
        let havip = self.setup.havip_of(src).map(|havip| usize::from(havip.0));
        let eip = havip.and_then(|havip| self.cloud.cloud.eip_of(havip)).ok_or(Loss::NoEip)?;
        Ok(Passage { to, change: Some((Side::Source, eip)) })
    }

    /// From the internet nothing is reached but elastic IPs.
    fn passage_in(&self, dst: IpAddr) -> Result<Passage, Loss> {
        let IpAddr::V4(eip) = dst else { return Err(Loss::NoSuchAddress) };
        let havip = self.cloud.cloud.behind(eip).ok_or(Loss::NoSuchAddress)?.ok_or(Loss::EipUnbound)?;
        match self.setup.havips.get(havip).map(|havip| havip.address) {
            Some(IpAddr::V4(address)) => {
                let to = self.port_routed(address.into())?;
                Ok(Passage { to, change: Some((Side::Destination, address)) })
            }
            _ => Err(Loss::NoSuchAddress),
        }
    }

    fn port_routed(&self, dst: IpAddr) -> Result<PortId, Loss> {
        match self.cloud.route(self.now, dst) {
            Route::To(eni) => Ok(PortId(eni.0)),
            Route::Unbound => Err(Loss::Unbound),
            Route::Nobody => Err(Loss::NoSuchAddress),
        }
    }

    /// Changes an address of a packet that nobody else has seen yet.
    pub(super) fn translate(&mut self, frame: FrameId, side: Side, address: Ipv4Addr) {
        translate(&mut self.frames.bytes_mut(frame)[ethernet::HEADER_LEN..], side, address);
    }
}

/// Changes an address of an IPv4 packet, and the checksums that it is part of: the header's, and TCP's or UDP's.
fn translate(packet: &mut [u8], side: Side, address: Ipv4Addr) {
    const PROTOCOL: usize = 9;
    const CHECKSUM: usize = 10;
    let at = side as usize;
    let header = usize::from(packet.first().map_or(0, |byte| byte & 0xf)) * 4;
    let Some(old) = packet.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()) else { return };
    packet[at..at + 4].copy_from_slice(&address.octets());
    let of_payload = match packet[PROTOCOL] {
        6 => Some(header + 16),
        17 => Some(header + 6),
        _ => None,
    };
    for place in [Some(CHECKSUM), of_payload].into_iter().flatten() {
        if let Some(bytes) = packet.get_mut(place..place + 2) {
            let sum = updated(u16::from_be_bytes([bytes[0], bytes[1]]), old, address.octets());
            bytes.copy_from_slice(&sum.to_be_bytes());
        }
    }
}

/// RFC 1624, equation 3: the checksum of what was summed with four bytes of it changed.
fn updated(sum: u16, old: [u8; 4], new: [u8; 4]) -> u16 {
    let words = |bytes: [u8; 4]| [[bytes[0], bytes[1]], [bytes[2], bytes[3]]].map(u16::from_be_bytes);
    let mut total = u32::from(!sum);
    total += words(old).map(|word| u32::from(!word)).iter().sum::<u32>();
    total += words(new).map(u32::from).iter().sum::<u32>();
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

#[cfg(test)]
mod tests {
    use havip::wire::{ipv4, tcp};

    use super::*;

    #[test]
    fn a_translated_packet_has_the_checksums_of_one_that_was_sent_so() {
        let client = Ipv4Addr::new(198, 51, 100, 7);
        let (eip, havip) = (Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(172, 16, 16, 12));
        let syn = tcp::Repr::syn(40_000, 443, 7);
        let packet = |src: Ipv4Addr, dst: Ipv4Addr| {
            let mut bytes = vec![0; ipv4::HEADER_LEN + tcp::HEADER_LEN];
            let payload = syn.header(src, dst).emit(&mut bytes);
            syn.emit(payload, IpAddr::V4(src), IpAddr::V4(dst));
            bytes
        };
        let mut there = packet(client, eip);
        translate(&mut there, Side::Destination, havip);
        assert_eq!(there, packet(client, havip));
        let mut back = packet(havip, client);
        translate(&mut back, Side::Source, eip);
        assert_eq!(back, packet(eip, client));
    }

    #[test]
    fn what_is_no_packet_is_left_alone() {
        for len in 0..20 {
            translate(&mut vec![0xff; len], Side::Destination, Ipv4Addr::LOCALHOST);
        }
    }
}
