//! Security groups: which packets the cloud lets to a machine and from it.
//!
//! What no rule is about passes (assumed; a real group's last rule is its owner's). Of several rules the one that was put
//! in last decides, as in a console where a new rule goes to the top. Groups are stateful: an answer to what was let
//! through is let through. ARP and neighbour discovery are no packets of theirs, nor has protocol 112 connections.

use havip::wire::ethernet::{EtherType, Frame};
use havip::wire::{ipv4, ipv6};

use super::console::{Direction, GroupRule, Traffic};
use super::frames::PortId;
use super::report::{FrameId, Loss};
use super::setup::{EniIndex, NodeId};
use super::state::World;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

#[derive(Clone, Copy, Debug)]
struct Rule {
    node: NodeId,
    eni: Option<EniIndex>,
    rule: GroupRule,
    /// The act that put it in; none of one that stood from the start.
    act: Option<u32>,
}

/// Every machine's rules, the last one put in last.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    rules: Vec<Rule>,
}

impl Groups {
    /// Whether nobody has any rule.
    pub(super) fn are_empty(&self) -> bool {
        self.rules.is_empty()
    }
    /// Puts a rule before all others; an older one about the same is gone.
    pub(super) fn put(&mut self, node: NodeId, eni: Option<EniIndex>, rule: GroupRule, act: Option<u32>) {
        let same = |one: &Rule| {
            (one.node, one.eni, one.rule.traffic, one.rule.direction)
                == (node, eni, rule.traffic, rule.direction)
        };
        self.rules.retain(|one| !same(one));
        self.rules.push(Rule { node, eni, rule, act });
    }
    /// Which rule denies a packet its way.
    fn denies(
        &self,
        (node, eni): (NodeId, EniIndex),
        direction: Direction,
        packet: Asked,
    ) -> Option<Option<u32>> {
        let is_about = |one: &&Rule| {
            one.node == node
                && one.eni.is_none_or(|of| of == eni)
                && one.rule.direction == direction
                && packet.is_of(one.rule.traffic)
        };
        self.rules.iter().rev().find(is_about).filter(|one| !one.rule.allow).map(|one| one.act)
    }
}

/// A packet that begins something, as a group looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    protocol: u8,
    /// Where it goes, in TCP and UDP.
    port: Option<u16>,
}

impl Asked {
    fn is_of(self, traffic: Traffic) -> bool {
        match traffic {
            Traffic::All => true,
            Traffic::Protocol(protocol) => self.protocol == protocol,
            Traffic::Port(protocol, port) => (self.protocol, self.port) == (protocol, Some(port)),
        }
    }

    /// What is asked of a frame; `None` of one that no group is asked of: an answer, or no IP packet.
    fn of(frame: &[u8]) -> Option<Asked> {
        let eth = Frame::new(frame).ok()?;
        let (protocol, payload) = match eth.ethertype() {
            EtherType::IPV4 => {
                let packet = ipv4::Packet::new(eth.payload()).ok()?;
                (packet.protocol().0, packet.payload())
            }
            EtherType::IPV6 => {
                let packet = ipv6::Packet::new(eth.payload()).ok()?;
                (packet.next_header().0, packet.payload())
            }
            _ => return None,
        };
        let port = || Some(u16::from_be_bytes(payload.get(2..4)?.try_into().ok()?));
        match protocol {
            // Echo replies and errors answer something, as does a segment with ACK.
            ICMP if payload.first() != Some(&8) => None,
            ICMPV6 if payload.first() != Some(&128) => None,
            TCP if payload.get(13).is_some_and(|flags| flags & 0x10 != 0) => None,
            TCP | UDP => Some(Asked { protocol, port: port() }),
            _ => Some(Asked { protocol, port: None }),
        }
    }
}

impl World {
    /// Why a frame does not get from port to port, as far as security groups are concerned.
    pub(super) fn denied(&self, frame: FrameId, from: PortId, to: PortId) -> Option<Loss> {
        if self.groups.are_empty() {
            return None;
        }
        let packet = Asked::of(self.frames.bytes(frame))?;
        let asks = |port: PortId, direction| {
            let nic = self.nic(port);
            self.groups.denies((nic.node, nic.index), direction, packet)
        };
        asks(from, Direction::Out).or_else(|| asks(to, Direction::In)).map(Loss::Denied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: (NodeId, EniIndex) = (NodeId(0), EniIndex::ETH0);
    const VRRP: Asked = Asked { protocol: 112, port: None };

    fn rule(allow: bool, traffic: Traffic, direction: Direction) -> GroupRule {
        GroupRule { allow, traffic, direction }
    }

    #[test]
    fn the_rule_that_was_put_in_last_decides_and_without_one_all_passes() {
        let mut groups = Groups::default();
        assert_eq!(groups.denies(A, Direction::In, VRRP), None);
        groups.put(A.0, None, rule(false, Traffic::All, Direction::In), Some(3));
        assert_eq!(groups.denies(A, Direction::In, VRRP), Some(Some(3)));
        assert_eq!(groups.denies(A, Direction::Out, VRRP), None);
        groups.put(A.0, None, rule(true, Traffic::Protocol(112), Direction::In), Some(4));
        assert_eq!(groups.denies(A, Direction::In, VRRP), None);
        let https = Asked { protocol: 6, port: Some(443) };
        assert_eq!(groups.denies(A, Direction::In, https), Some(Some(3)));
        groups.put(A.0, Some(EniIndex(1)), rule(false, Traffic::All, Direction::In), None);
        assert_eq!(groups.denies(A, Direction::In, VRRP), None, "another interface's rule");
        assert_eq!(groups.denies((A.0, EniIndex(1)), Direction::In, VRRP), Some(None));
    }

    #[test]
    fn a_port_is_one_port() {
        let https = Asked { protocol: 6, port: Some(443) };
        assert!(https.is_of(Traffic::Port(6, 443)) && https.is_of(Traffic::Protocol(6)));
        assert!(!https.is_of(Traffic::Port(6, 80)) && !https.is_of(Traffic::Port(17, 443)));
    }
}
