//! BFD sessions of a machine: their packets go in and out here, and what they are is [`bfd`](crate::bfd)'s.

use std::net::IpAddr;

use tracing::info;

use super::note;
use crate::bfd::{Outcome, Session};
use crate::config::{BfdSession, Config};
use crate::program::{Action, Actions, Interface, InterfaceId, Now, Value, Why};
use crate::time::Time;
use crate::wire::bfd::{Diagnostic, LEN, PORT, Repr};
use crate::wire::{ipv4, ipv6, udp};

/// The first port a session sends from (RFC 5881 section 4: 49152 through 65535).
const FIRST_PORT: u16 = 49_152;
/// The longest packet: IPv6's header, UDP's, and a control packet.
const PACKET_MAX: usize = ipv6::HEADER_LEN + udp::HEADER_LEN + LEN;

/// Every session, by its place in the configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions(Vec<Live>);

#[derive(Clone, Copy, Debug)]
struct Live {
    session: Session,
    interface: InterfaceId,
    source: IpAddr,
    neighbour: IpAddr,
}

impl Sessions {
    /// Opens the sessions. One that an earlier configuration had with the same neighbour and settings goes on.
    pub(super) fn start(
        config: &Config,
        old: &Sessions,
        interfaces: &[Interface],
        now: Now,
        out: &mut Actions,
    ) -> Self {
        let open = |(index, setup): (usize, &BfdSession)| {
            let (interface, source) = whence(interfaces, setup)?;
            let protocol = ipv4::Protocol::UDP.0;
            out.push(Action::Listen { interface, protocol, group: None });
            let number = number(source, index as u16);
            let same = |live: &&Live| {
                let place = (live.interface, live.source, live.neighbour);
                place == (interface, source, setup.neighbour) && *live.session.settings() == setup.settings
            };
            let session = match old.0.iter().find(same) {
                Some(live) => live.session,
                None => Session::new(setup.settings, number, now.mono),
            };
            Some(Live { session, interface, source, neighbour: setup.neighbour })
        };
        Sessions(config.bfd.iter().enumerate().filter_map(open).collect())
    }

    /// Whether a session is up.
    pub(super) fn is_up(&self, index: u16) -> bool {
        self.0.get(usize::from(index)).is_some_and(|live| live.session.is_up())
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Time {
        self.0.iter().map(|live| live.session.deadline()).min().unwrap_or(Time::MAX)
    }

    /// Sends what is due, and finds who is not heard any more. Whether that turned a session.
    pub(super) fn timer(&mut self, config: &Config, now: Now, out: &mut Actions) -> bool {
        let mut turned = false;
        for (index, (live, setup)) in self.0.iter_mut().zip(&config.bfd).enumerate() {
            if live.session.deadline() <= now.mono {
                let outcome = live.session.timer(now.mono);
                turned |= live.take(index, setup, outcome, out);
            }
        }
        turned
    }

    /// A packet of UDP's protocol number: for the session that it names, or that is with its sender. Whether that turned
    /// a session. Others are none of ours.
    pub(super) fn receive(&mut self, config: &Config, now: Now, packet: &[u8], out: &mut Actions) -> bool {
        let Some((from, ttl, heard)) = read(packet) else { return false };
        let all = self.0.iter_mut().zip(&config.bfd).enumerate();
        let found = all.into_iter().find(|(_, (live, _))| {
            let named = heard.yours == 0 || heard.yours == live.session.number();
            named && live.neighbour == from
        });
        let Some((index, (live, setup))) = found else { return false };
        // RFC 5881 section 5: "all received BFD Control packets that are demultiplexed to the session MUST be discarded
        // if the received TTL or Hop Limit is not equal to 255", without authentication; `max_hops` allows for more.
        if setup.hops_max != u8::MAX && setup.ttl.saturating_sub(ttl) > setup.hops_max {
            return false;
        }
        let outcome = live.session.receive(now.mono, &heard);
        live.take(index, setup, outcome, out)
    }
}

impl Live {
    /// Sends what a session says and notes what it has become.
    fn take(&self, index: usize, setup: &BfdSession, outcome: Outcome, out: &mut Actions) -> bool {
        if let Some(packet) = outcome.packet {
            self.send(index, setup, &packet, out);
        }
        if outcome.turned {
            let neighbour = Value::Address(self.neighbour);
            let waited = Value::Seconds(self.session.detection_time());
            let why = match (self.session.is_up(), self.session.diagnostic()) {
                (true, _) => Why::with("BFD session with {} is up", [neighbour]),
                (false, Diagnostic::EXPIRED) => {
                    Why::with("BFD session with {} is down: not heard for {} s", [neighbour, waited])
                }
                (false, _) => Why::with("BFD session with {} is down: it says so", [neighbour]),
            };
            info!("BFD_Instance({}) {why}", setup.name);
            out.push(note(why));
        }
        outcome.turned
    }

    fn send(&self, index: usize, setup: &BfdSession, packet: &Repr, out: &mut Actions) {
        let ports = udp::Repr { src_port: FIRST_PORT.saturating_add(index as u16), dst_port: PORT };
        let mut bytes = [0; PACKET_MAX];
        let payload_len = (udp::HEADER_LEN + LEN) as u16;
        let (len, datagram) = match (self.source, self.neighbour) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let header = ipv4::Repr {
                    src,
                    dst,
                    protocol: ipv4::Protocol::UDP,
                    ttl: setup.ttl,
                    tos: 0,
                    identification: 0,
                    dont_fragment: true,
                    payload_len,
                };
                (header.total_len(), header.emit(&mut bytes))
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let header = ipv6::Repr {
                    src,
                    dst,
                    next_header: ipv4::Protocol::UDP,
                    hop_limit: setup.ttl,
                    traffic_class: 0,
                    flow_label: 0,
                    payload_len,
                };
                (header.total_len(), header.emit(&mut bytes))
            }
            _ => return, // a source is of its neighbour's family
        };
        packet.emit(&mut datagram[udp::HEADER_LEN..]);
        ports.emit(&mut datagram[..usize::from(payload_len)], self.source, self.neighbour);
        out.push(Action::SendPacket { interface: self.interface, packet: &bytes[..len] });
    }
}

/// By which interface a neighbour is reached, and as whom: the one with its source, or with an address in its subnet, or
/// the first.
fn whence(interfaces: &[Interface], setup: &BfdSession) -> Option<(InterfaceId, IpAddr)> {
    let of_family = |i: &Interface| {
        let mut all = i.addresses.iter().map(ipnet::IpNet::addr);
        all.find(|a| a.is_ipv4() == setup.neighbour.is_ipv4())
    };
    let has_source = |i: &&Interface| setup.source.is_some_and(|source| super::has(i, source));
    let is_near = |i: &&Interface| i.addresses.iter().any(|net| net.contains(&setup.neighbour));
    let found = interfaces
        .iter()
        .find(has_source)
        .or_else(|| interfaces.iter().find(is_near))
        .or(interfaces.first())?;
    Some((found.id, setup.source.or_else(|| of_family(found))?))
}

/// A session's number, never 0, and not that of another machine's, so that two of them do not send in step.
fn number(source: IpAddr, index: u16) -> u32 {
    let [.., high, low] = match source {
        IpAddr::V4(source) => source.to_ipv6_mapped().octets(),
        IpAddr::V6(source) => source.octets(),
    };
    u32::from(u16::from_be_bytes([high, low])) << 16 | u32::from(index.wrapping_add(1).max(1))
}

/// A control packet, who sent it, and with what time to live it came.
fn read(packet: &[u8]) -> Option<(IpAddr, u8, Repr)> {
    let (src, dst, ttl, payload): (IpAddr, IpAddr, _, _) = match packet.first()? >> 4 {
        4 => {
            let ip = ipv4::Packet::new(packet).ok().filter(|ip| ip.protocol() == ipv4::Protocol::UDP)?;
            (ip.src().into(), ip.dst().into(), ip.ttl(), ip.payload())
        }
        _ => {
            let ip = ipv6::Packet::new(packet).ok().filter(|ip| ip.next_header() == ipv4::Protocol::UDP)?;
            (ip.src().into(), ip.dst().into(), ip.hop_limit(), ip.payload())
        }
    };
    let datagram = udp::Packet::new(payload).ok()?;
    let ports = udp::Repr::parse(&datagram, src, dst).ok()?;
    (ports.dst_port == PORT).then_some(())?;
    Some((src, ttl, Repr::parse(datagram.payload()).ok()?))
}
