//! What an agent overhears on its segment: who has which address, and that others reach it who speak to all. A cloud's
//! subnet carries no such thing, so that one frame shows a lan.

use std::net::IpAddr;

use super::Agent;
use crate::program::{Actions, InterfaceId, Now};
use crate::vrrp::VirtualRouter;
use crate::wire::ethernet::{self, EtherType, Mac};
use crate::wire::{arp, ipv4, ipv6, ndp};

impl Agent {
    /// An advertisement to a group. Whatever it says, that it came shows a lan.
    pub(super) fn hears_multicast(&mut self, interface: InterfaceId, from: IpAddr) {
        if self.routers.iter().all(|r| r.place().source != from) {
            self.routers
                .iter_mut()
                .filter(|r| r.speaks_on(interface))
                .for_each(VirtualRouter::hears_broadcasts);
        }
    }

    /// Who says that an address is whose: ARP, and neighbour advertisements.
    pub(super) fn neighbour(&mut self, now: Now, interface: InterfaceId, frame: &[u8], out: &mut Actions) {
        let Ok(eth) = ethernet::Frame::new(frame) else { return };
        let (broadcast, said) = (eth.dst().is_multicast(), said_by(&eth));
        for router in self.routers.iter_mut().filter(|r| r.speaks_on(interface)) {
            if broadcast {
                router.hears_broadcasts();
            }
            if let Some((address, mac)) = said {
                router.heard_of(now, address, (mac, broadcast), out);
            }
        }
    }
}

/// What a frame says of an address: whose it is.
fn said_by(frame: &ethernet::Frame<&[u8]>) -> Option<(IpAddr, Mac)> {
    match frame.ethertype() {
        EtherType::ARP => {
            let arp = arp::Repr::parse(&arp::Packet::new(frame.payload()).ok()?).ok()?;
            Some((arp.sender_address.into(), arp.sender_mac))
        }
        EtherType::IPV6 => {
            let packet = ipv6::Packet::new(frame.payload()).ok()?;
            let ip = ipv6::Repr::parse(&packet).ok()?;
            if ip.next_header != ipv4::Protocol::ICMPV6 {
                return None;
            }
            let message = ndp::Packet::new(packet.payload()).ok()?;
            match ndp::Repr::parse(&message, &ip).ok()? {
                ndp::Repr::Advertisement { target, target_mac, .. } => {
                    Some((target.into(), target_mac.unwrap_or(frame.src())))
                }
                ndp::Repr::Solicitation { .. } => None,
            }
        }
        _ => None,
    }
}
