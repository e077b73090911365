//! The cloud's port on the segment: claims reach it as frames, and it answers every ARP request of a VPC.

use std::net::Ipv4Addr;

use havip::time::{Duration, Time};
use havip::wire::arp;
use havip::wire::ethernet::{self, EtherType, Mac};

use super::act::{CloudAct, Kind};
use super::chance::Purpose;
use super::frames::PortId;
use super::queue::Due;
use super::report::{FrameId, Loss, What, Who};
use super::setup::{HavipId, NodeId, Segment, Setup};
use super::state::World;
use crate::cloud::{Claim, Cloud, EniId, Route, Verdict};

/// What answers for a subnet's gateway.
const GATEWAY: Mac = Mac([0x02, 0xfe, 0, 0, 0, 1]);

/// The cloud and how it hears.
#[derive(Clone, Debug)]
pub(super) struct CloudPort {
    cloud: Cloud,
    bind_delay: (Duration, Duration),
    /// The act that made it deaf.
    deaf: Option<u32>,
}

impl CloudPort {
    pub(super) fn new(setup: &Setup) -> Self {
        let mut cloud = Cloud::new();
        for node in 0..setup.nodes() as u16 {
            let eni = setup.eni_of(NodeId(node));
            cloud.add_eni(eni.address.addr(), eni.mac, eni.subnet);
        }
        for havip in &setup.havips {
            cloud.add_havip(havip.address, havip.subnet);
        }
        CloudPort { cloud, bind_delay: setup.bind_delay, deaf: None }
    }

    pub(super) fn route(&self, now: Time, address: Ipv4Addr) -> Route {
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
    /// An ARP frame has reached the cloud.
    pub(super) fn cloud_receives(&mut self, frame: FrameId) {
        let from = self.frames.from(frame);
        let Some(node) = from.node() else { return self.frames.let_go(frame) };
        match self.read_arp(frame) {
            None => return self.lose(from, frame, Some(PortId::CLOUD), Loss::Malformed),
            Some(arp) if arp.is_gratuitous() => match self.cloud.deaf {
                Some(act) => return self.lose(from, frame, Some(PortId::CLOUD), Loss::Deaf(act)),
                None => {
                    self.report_frame(PortId::CLOUD, Kind::Garp, received(frame, Kind::Garp, node));
                    self.hear_claim(node, &arp);
                }
            },
            Some(arp) => {
                self.report_frame(PortId::CLOUD, Kind::Arp, received(frame, Kind::Arp, node));
                if arp.operation == arp::Operation::REQUEST {
                    self.answer_arp(node, &arp);
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

    fn hear_claim(&mut self, node: NodeId, arp: &arp::Repr) {
        let (by, address, mac) = (EniId(node.0), arp.sender_address, arp.sender_mac);
        let delay = self
            .chance
            .of_node(Purpose::BindDelay, u32::from(node.0), self.now, u32::from(address))
            .within(self.cloud.bind_delay);
        let verdict = self.cloud.cloud.claim(self.now, Claim { by, address, mac }, delay);
        if verdict != Verdict::OwnAddress {
            self.report(Who::Cloud, What::Claim { address, by: node, verdict });
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
                    from: moved.from.map(|eni| NodeId(eni.0)),
                    to: Some(NodeId(moved.to.0)),
                    claimed_by: Some(moved.mac),
                },
            );
        }
        if let Some(next) = self.cloud.cloud.deadline() {
            self.wake(self.instant(next), Due::Cloud);
        }
    }

    /// Answers for interfaces of the VPC, bound HAVIPs and gateways; for nothing else.
    fn answer_arp(&mut self, asker: NodeId, request: &arp::Repr) {
        let address = request.target_address;
        let mac = match self.cloud.route(self.now, address) {
            Route::To(eni) => self.cloud.cloud.mac_of(eni),
            Route::Nobody if self.is_gateway(address) => GATEWAY,
            Route::Nobody | Route::Unbound => return,
        };
        let reply = request.reply(mac).frame_to(request.sender_mac);
        let frame = self.frames.store(&[&reply], PortId::CLOUD, Kind::Arp);
        self.transmit_from_cloud(frame, asker);
    }

    fn is_gateway(&self, address: Ipv4Addr) -> bool {
        match &self.setup.segment {
            Segment::Lan(_) => false,
            Segment::Vpc { subnets, .. } => subnets.iter().any(|s| gateway_of(s.net) == address),
        }
    }
}

/// A subnet's gateway: its first address.
pub(super) fn gateway_of(net: ipnet::Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(net.network()).saturating_add(1))
}

fn received(frame: FrameId, kind: Kind, from: NodeId) -> What {
    What::Received { frame, kind, from: Who::Node(from) }
}
