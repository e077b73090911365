//! The cloud's port on the segment: claims reach it as frames, and it answers every ARP request of a VPC.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::time::{Duration, Time};
use havip::wire::ethernet::{self, EtherType, Mac};
use havip::wire::{arp, ndp};
use ipnet::IpNet;

use super::act::{CloudAct, Kind, Members};
use super::chance::{Purpose, number_of};
use super::frames::PortId;
use super::ipv6::{Discovery, discovery_frame, read_discovery};
use super::queue::Due;
use super::report::{FrameId, Loss, What, Who};
use super::setup::{HavipId, Segment, Setup};
use super::state::World;
use crate::cloud::{Claim, Cloud, EniId, Route, Verdict};

/// What answers for a subnet's gateway.
const GATEWAY: Mac = Mac([0x02, 0xfe, 0, 0, 0, 1]);

/// The cloud and how it hears.
#[derive(Clone, Debug)]
pub(super) struct CloudPort {
    pub(super) cloud: Cloud,
    /// Who may claim what, where that is limited, as it was said.
    pub(super) ranges: Vec<(HavipId, Members)>,
    bind_delay: (Duration, Duration),
    /// The act that made it deaf.
    deaf: Option<u32>,
}

impl CloudPort {
    pub(super) fn new(setup: &Setup) -> Self {
        let mut cloud = Cloud::new();
        for (_, _, eni) in setup.ports() {
            cloud.add_eni(eni.addresses().map(|own| own.addr()), eni.mac, eni.subnet);
        }
        for havip in &setup.havips {
            cloud.add_havip(havip.address, havip.subnet);
        }
        CloudPort { cloud, ranges: Vec::new(), bind_delay: setup.bind_delay, deaf: None }
    }

    pub(super) fn route(&self, now: Time, address: IpAddr) -> Route {
        self.cloud.route(now, address)
    }

    pub(super) fn act(&mut self, act: CloudAct, index: u32) {
        match act {
            CloudAct::BindDelay(low, high) => self.bind_delay = (low, high),
            CloudAct::DropClaims => self.deaf = Some(index),
            CloudAct::HearClaims => self.deaf = None,
        }
    }
}

impl World {
    /// The cloud, for whoever administers it between two instants.
    pub fn cloud_mut(&mut self) -> &mut Cloud {
        &mut self.cloud.cloud
    }

    /// An ARP frame has reached the cloud.
    pub(super) fn cloud_receives(&mut self, frame: FrameId) {
        let from = self.frames.from(frame);
        let Some(nic) = self.nics.get(usize::from(from.0)) else { return self.frames.let_go(frame) };
        let who = Who::eni(nic.node, nic.index);
        if let Some(heard) = read_discovery(self.frames.bytes(frame)) {
            return self.cloud_receives_ipv6(from, who, frame, heard);
        }
        match self.read_arp(frame) {
            None => return self.lose(from, frame, Some(PortId::CLOUD), Loss::Malformed),
            Some(arp) if arp.is_gratuitous() => match self.cloud.deaf {
                Some(act) => return self.lose(from, frame, Some(PortId::CLOUD), Loss::Deaf(act)),
                None => {
                    self.report_frame(PortId::CLOUD, Kind::Garp, received(frame, Kind::Garp, who));
                    self.hear_claim(from, arp.sender_address.into(), arp.sender_mac);
                }
            },
            Some(arp) => {
                self.report_frame(PortId::CLOUD, Kind::Arp, received(frame, Kind::Arp, who));
                if arp.operation == arp::Operation::REQUEST {
                    self.answer_arp(from, &arp);
                }
            }
        }
        self.frames.let_go(frame);
    }

    pub(super) fn read_arp(&self, frame: FrameId) -> Option<arp::Repr> {
        let eth = ethernet::Frame::new(self.frames.bytes(frame)).ok()?;
        if eth.ethertype() != EtherType::ARP {
            return None;
        }
        arp::Repr::parse(&arp::Packet::new(eth.payload()).ok()?).ok()
    }

    fn hear_claim(&mut self, port: PortId, address: IpAddr, mac: Mac) {
        let (by, nic) = (EniId(port.0), self.nic(port));
        let (node, eni) = (nic.node, nic.index);
        let delay = self
            .chance
            .of_node(Purpose::BindDelay, u32::from(port.0), self.now, number_of(address))
            .within(self.cloud.bind_delay);
        let verdict = self.cloud.cloud.claim(self.now, Claim { by, address, mac }, delay);
        if verdict != Verdict::OwnAddress {
            self.report(Who::Cloud, What::Claim { address, by: node, eni, mac, verdict });
        }
        self.settle_bindings();
    }

    /// Moves the bindings whose time has come, and waits for the next.
    pub(super) fn settle_bindings(&mut self) {
        while let Some(moved) = self.cloud.cloud.settle(self.now) {
            self.report(
                Who::Cloud,
                What::Bound {
                    havip: HavipId(moved.havip as u16),
                    from: moved.from.map(|eni| self.nic(PortId(eni.0)).node),
                    to: Some(self.nic(PortId(moved.to.0)).node),
                    claimed_by: Some(moved.mac),
                },
            );
        }
        if let Some(next) = self.cloud.cloud.deadline() {
            self.wake(self.instant(next), Due::Cloud);
        }
    }

    /// Answers for interfaces of the VPC, bound HAVIPs and gateways; for nothing else.
    fn answer_arp(&mut self, asker: PortId, request: &arp::Repr) {
        let Some(mac) = self.answer_for(request.target_address.into()) else { return };
        let reply = request.reply(mac).frame_to(request.sender_mac);
        let frame = self.frames.store(&[&reply], PortId::CLOUD, Kind::Arp);
        self.transmit_from_cloud(frame, asker);
    }

    /// A message of neighbour discovery has reached the cloud: the same in IPv6.
    fn cloud_receives_ipv6(&mut self, from: PortId, who: Who, frame: FrameId, heard: Discovery) {
        let Ok((ip, message)) = heard else {
            return self.lose(from, frame, Some(PortId::CLOUD), Loss::Malformed);
        };
        if let (ndp::Repr::Advertisement { target, target_mac: Some(mac), .. }, true) =
            (message, message.is_unsolicited())
        {
            if let Some(act) = self.cloud.deaf {
                return self.lose(from, frame, Some(PortId::CLOUD), Loss::Deaf(act));
            }
            self.report_frame(PortId::CLOUD, Kind::Garp, received(frame, Kind::Garp, who));
            self.hear_claim(from, target.into(), mac);
            return self.frames.let_go(frame);
        }
        self.report_frame(PortId::CLOUD, Kind::Arp, received(frame, Kind::Arp, who));
        self.frames.let_go(frame);
        // Who asks before it has an address asks whether somebody else has it: nobody has, here.
        if let ndp::Repr::Solicitation { target, .. } = message
            && !ip.src.is_unspecified()
            && let Some(mac) = self.answer_for(target.into())
            && let Some((reply, asker)) = message.reply(ip.src, mac, mac == GATEWAY)
        {
            let (bytes, len) = discovery_frame(&reply, mac, self.nic(from).mac, target, asker);
            let frame = self.frames.store(&[&bytes[..len]], PortId::CLOUD, Kind::Arp);
            self.transmit_from_cloud(frame, from);
        }
    }

    /// At which hardware address the cloud says that an address is.
    fn answer_for(&self, address: IpAddr) -> Option<Mac> {
        match self.cloud.route(self.now, address) {
            Route::To(eni) => Some(self.cloud.cloud.mac_of(eni)),
            Route::Nobody if self.is_gateway(address) => Some(GATEWAY),
            Route::Nobody | Route::Unbound => None,
        }
    }

    fn is_gateway(&self, address: IpAddr) -> bool {
        let mut far = self.setup.clients.iter().filter(|client| client.internet.is_some());
        match &self.setup.segment {
            Segment::Lan(_) => false,
            Segment::Vpc { subnets, .. } => {
                far.any(|client| gateway_of(client.eni.address.into()) == address)
                    || subnets.iter().any(|s| {
                        gateway_of(s.net.into()) == address
                            || s.ipv6.is_some_and(|n| gateway_of(n.into()) == address)
                    })
            }
        }
    }
}

/// A subnet's gateway: its first address. That of somebody who is in no subnet is the address behind its own.
pub(super) fn gateway_of(net: IpNet) -> IpAddr {
    match net {
        IpNet::V4(net) => Ipv4Addr::from(u32::from(net.network()).saturating_add(1)).into(),
        IpNet::V6(net) => Ipv6Addr::from(u128::from(net.network()).saturating_add(1)).into(),
    }
}

fn received(frame: FrameId, kind: Kind, from: Who) -> What {
    What::Received { frame, kind, from }
}
