//! What an instance sends, as bytes: advertisements, and announcements of addresses.

use std::net::IpAddr;

use super::place::Place;
use crate::config::{Instance, Version};
use crate::program::{Action, Actions};
use crate::wire::ethernet::Mac;
use crate::wire::hmac_trailer::{self, Signing};
use crate::wire::vrrp::{self, Addresses, AuthData, Authentication, ChecksumRule, Dialect};
use crate::wire::{Family, arp, ipv4, ipv6, ndp};

/// What Linux gives a unicast packet over IPv6 without `unicast_ttl` (measured: d02).
const KERNEL_HOP_LIMIT: u8 = 64;

/// Who sends an advertisement, and how it is signed.
pub(crate) struct Sender<'a> {
    pub(crate) config: &'a Instance,
    pub(crate) place: Place,
    pub(crate) signing: Option<Signing<'a>>,
}

impl Sender<'_> {
    /// Sends one advertisement: to the group, or a copy to each peer, all with one IP identification.
    ///
    /// RFC 9568 section 7.2: "The following operations MUST be performed when transmitting a VRRP packet".
    pub(crate) fn advertise(
        &self,
        addresses: &[IpAddr],
        priority: u8,
        identification: u16,
        out: &mut Actions,
    ) {
        let config = self.config;
        let family = Family::of(self.place.source);
        // RFC 9568 section 7.2: "Fill in the VRRP packet fields with the appropriate Virtual Router
        // configuration state".
        let message = vrrp::Repr {
            dialect: dialect(config),
            vrid: config.vrid,
            priority,
            advert_interval: config.advert_interval,
            addresses: Addresses::of(family, addresses),
        };
        // RFC 9568 section 7.2: "Send the VRRP packet to the VRRP IPvX multicast group". RFC 9568 section
        // 5.1.1.3: "The TTL MUST be set to 255." RFC 9568 section 5.1.2.3: "The Hop Limit MUST be set to
        // 255."
        if !config.is_unicast() {
            return self.send(&message, (config.group, vrrp::TTL, identification), out);
        }
        let default = if family == Family::Ipv6 { KERNEL_HOP_LIMIT } else { vrrp::TTL };
        let ttl = config.unicast_ttl.unwrap_or(default);
        for peer in &config.peers {
            self.send(&message, (peer.address, ttl, identification), out);
        }
    }

    /// Puts a message into a packet. A peer of another family than the source gets nothing: the reader warns of it.
    fn send(
        &self,
        message: &vrrp::Repr<'_>,
        (dst, ttl, identification): (IpAddr, u8, u16),
        out: &mut Actions,
    ) {
        let len = message.len() + if self.signing.is_some() { hmac_trailer::LEN } else { 0 };
        let (src, payload_len) = (self.place.source, len as u16);
        // RFC 9568 section 7.2: "Set the IPvX protocol to VRRP".
        let (protocol, tos) = (ipv4::Protocol::VRRP, ipv4::TOS_INTERNETWORK_CONTROL);
        match (src, dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let dont_fragment = false;
                let header =
                    ipv4::Repr { src, dst, protocol, ttl, tos, identification, dont_fragment, payload_len };
                out.push_packet(self.place.interface, header.total_len(), |packet| {
                    self.write(message, header.emit(packet), (src.into(), dst.into()));
                });
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let (next_header, hop_limit, traffic_class, flow_label) = (protocol, ttl, tos, 0);
                let header =
                    ipv6::Repr { src, dst, next_header, hop_limit, traffic_class, flow_label, payload_len };
                out.push_packet(self.place.interface, header.total_len(), |packet| {
                    self.write(message, header.emit(packet), (src.into(), dst.into()));
                });
            }
            _ => {}
        }
    }

    fn write(&self, message: &vrrp::Repr<'_>, buffer: &mut [u8], (src, dst): (IpAddr, IpAddr)) {
        // RFC 9568 section 7.2: "Compute the VRRP checksum". What it covers over IPv4 is RFC 5798's pseudo
        // header too, as in keepalived; `v3_checksum_as_v2` makes it RFC 9568's.
        let rule = match self.config.version {
            Version::V2 => ChecksumRule::Plain,
            Version::V3 if self.config.v3_checksum_as_v2 => ChecksumRule::Plain,
            Version::V3 if self.config.old_unicast_checksum => ChecksumRule::GroupPseudoHeader,
            Version::V3 => ChecksumRule::PseudoHeader,
        };
        match &self.signing {
            None => message.emit(buffer, rule, src, dst),
            Some(signing) => hmac_trailer::emit(message, signing, buffer, rule, src, dst),
        }
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
