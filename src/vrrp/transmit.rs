//! What an instance sends, as bytes: advertisements and gratuitous ARP.

use std::net::Ipv4Addr;

use crate::config::{Instance, Version};
use crate::program::{Action, Actions, InterfaceId};
use crate::wire::ethernet::Mac;
use crate::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use crate::wire::{arp, ipv4};

/// Sends one advertisement: to the group, or a copy to each peer, all with one IP identification.
pub(crate) fn advert(
    config: &Instance,
    (interface, source): (InterfaceId, Ipv4Addr),
    addresses: &[Ipv4Addr],
    priority: u8,
    identification: u16,
    out: &mut Actions,
) {
    let dialect = match config.version {
        Version::V2 => {
            let authentication = match &config.password {
                Some(password) => Authentication::SimpleText(AuthData::new(password.0)),
                None => Authentication::None,
            };
            Dialect::V2 { authentication }
        }
        Version::V3 => Dialect::V3,
    };
    let message = vrrp::Repr {
        dialect,
        vrid: config.vrid,
        priority,
        advert_interval: config.advert_interval,
        addresses: Addresses::new(addresses),
    };
    let rule = match (config.version, config.old_unicast_checksum) {
        (Version::V2, _) => ChecksumRule::Plain,
        (Version::V3, false) => ChecksumRule::PseudoHeader,
        (Version::V3, true) => ChecksumRule::GroupPseudoHeader,
    };
    let mut send = |dst: Ipv4Addr, ttl: u8| {
        let header = ipv4::Repr {
            src: source,
            dst,
            protocol: ipv4::Protocol::VRRP,
            ttl,
            tos: ipv4::TOS_INTERNETWORK_CONTROL,
            identification,
            dont_fragment: false,
            payload_len: message.len() as u16,
        };
        out.push_packet(interface, header.total_len(), |packet| {
            message.emit(header.emit(packet), rule, source, dst);
        });
    };
    if config.is_unicast() {
        let ttl = config.unicast_ttl.unwrap_or(vrrp::TTL);
        config.peers.iter().filter_map(|p| ipv4_of(&p.address)).for_each(|peer| send(peer, ttl));
    } else {
        send(vrrp::GROUP, vrrp::TTL);
    }
}

/// Announces addresses by gratuitous ARP: each once, in turn, `repeat` times over, as keepalived does.
pub(crate) fn announcements(
    interface: InterfaceId,
    mac: Mac,
    addresses: &(impl Iterator<Item = Ipv4Addr> + Clone),
    repeat: u32,
    out: &mut Actions,
) {
    for _ in 0..repeat {
        for address in addresses.clone() {
            let frame = arp::Repr::announcement(mac, address).frame_to(Mac::BROADCAST);
            out.push(Action::SendFrame { interface, frame: &frame });
        }
    }
}

fn ipv4_of(address: &std::net::IpAddr) -> Option<Ipv4Addr> {
    match address {
        std::net::IpAddr::V4(a) => Some(*a),
        std::net::IpAddr::V6(_) => None,
    }
}
