//! What an instance sends, as bytes: advertisements, and announcements of addresses.

use std::net::IpAddr;

use super::place::Place;
use crate::config::{Instance, Version};
use crate::program::{Action, Actions};
use crate::wire::ethernet::Mac;
use crate::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use crate::wire::{Family, arp, ipv4, ipv6, ndp};

/// What Linux gives a unicast packet over IPv6 without `unicast_ttl` (measured: d02).
const KERNEL_HOP_LIMIT: u8 = 64;

/// Sends one advertisement: to the group, or a copy to each peer, all with one IP identification.
pub(crate) fn advert(
    config: &Instance,
    place: Place,
    addresses: &[IpAddr],
    priority: u8,
    identification: u16,
    out: &mut Actions,
) {
    let family = Family::of(place.source);
    let message = vrrp::Repr {
        dialect: dialect(config),
        vrid: config.vrid,
        priority,
        advert_interval: config.advert_interval,
        addresses: Addresses::of(family, addresses),
    };
    let rule = match config.version {
        Version::V2 => ChecksumRule::Plain,
        Version::V3 if config.v3_checksum_as_v2 => ChecksumRule::Plain,
        Version::V3 if config.old_unicast_checksum => ChecksumRule::GroupPseudoHeader,
        Version::V3 => ChecksumRule::PseudoHeader,
    };
    let mut send = |dst: IpAddr, ttl: u8| send(&message, rule, (place, dst, ttl, identification), out);
    if config.is_unicast() {
        let default = if family == Family::Ipv6 { KERNEL_HOP_LIMIT } else { vrrp::TTL };
        let ttl = config.unicast_ttl.unwrap_or(default);
        config.peers.iter().for_each(|peer| send(peer.address, ttl));
    } else {
        send(config.group, vrrp::TTL);
    }
}

fn dialect(config: &Instance) -> Dialect {
    match (config.version, &config.password) {
        (Version::V3, _) => Dialect::V3,
        (Version::V2, None) => Dialect::V2 { authentication: Authentication::None },
        (Version::V2, Some(password)) => {
            Dialect::V2 { authentication: Authentication::SimpleText(AuthData::new(password.0)) }
        }
    }
}

/// Puts a message into a packet. A peer of another family than the source gets nothing: the reader warns of it.
fn send(
    message: &vrrp::Repr<'_>,
    rule: ChecksumRule,
    (place, dst, ttl, identification): (Place, IpAddr, u8, u16),
    out: &mut Actions,
) {
    match (place.source, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let header = ipv4::Repr {
                src,
                dst,
                protocol: ipv4::Protocol::VRRP,
                ttl,
                tos: ipv4::TOS_INTERNETWORK_CONTROL,
                identification,
                dont_fragment: false,
                payload_len: message.len() as u16,
            };
            out.push_packet(place.interface, header.total_len(), |packet| {
                message.emit(header.emit(packet), rule, src, dst);
            });
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let header = ipv6::Repr {
                src,
                dst,
                next_header: ipv4::Protocol::VRRP,
                hop_limit: ttl,
                traffic_class: ipv4::TOS_INTERNETWORK_CONTROL,
                flow_label: 0,
                payload_len: message.len() as u16,
            };
            out.push_packet(place.interface, header.total_len(), |packet| {
                message.emit(header.emit(packet), rule, src, dst);
            });
        }
        _ => {}
    }
}

/// Announces an address to everybody: gratuitous ARP, or an unsolicited neighbour advertisement. `reply`: the
/// other of ARP's two forms, which some networks believe and others do not (reality 4: Pacemaker sends both).
pub(crate) fn announcement(place: Place, address: IpAddr, reply: bool, out: &mut Actions) {
    let interface = place.interface;
    match address {
        IpAddr::V4(address) => {
            let request = arp::Repr::announcement(place.mac, address);
            let arp = if reply {
                arp::Repr { operation: arp::Operation::REPLY, target_mac: place.mac, ..request }
            } else {
                request
            };
            out.push(Action::SendFrame { interface, frame: &arp.frame_to(Mac::BROADCAST) });
        }
        IpAddr::V6(address) => {
            let frame = ndp::announcement_frame(place.mac, address, false);
            out.push(Action::SendFrame { interface, frame: &frame });
        }
    }
}

/// Asks everybody who has an address.
pub(crate) fn question(place: Place, address: IpAddr, out: &mut Actions) {
    let interface = place.interface;
    match (place.source, address) {
        (IpAddr::V4(source), IpAddr::V4(address)) => {
            let frame = arp::Repr::request(place.mac, source, address).frame_to(Mac::BROADCAST);
            out.push(Action::SendFrame { interface, frame: &frame });
        }
        (IpAddr::V6(source), IpAddr::V6(address)) => {
            let frame = ndp::solicitation_frame(place.mac, source, address);
            out.push(Action::SendFrame { interface, frame: &frame });
        }
        _ => {}
    }
}
