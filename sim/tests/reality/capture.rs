//! What a run shows to somebody who measures it: the frames a capture on the bridge would have, the states a log
//! tells, who holds an address, and a client's answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::program::{Record, Role};
use havip::time::Time;
use havip_sim::observe::Observer;
use havip_sim::world::{ClientId, CvmId, Kind, Life, Look, Loss, NodeId, Report, Setup, Wants, What, Who};

use crate::figures::{MS, Nanos};

/// Node a, 172.16.16.5.
pub const A: NodeId = NodeId(0);
/// Node b, 172.16.16.6.
pub const B: NodeId = NodeId(1);
/// Node c, 172.16.16.8.
pub const C: NodeId = NodeId(2);
/// The address that nearly every case is about.
pub const VIP: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 12);
/// The second one of those that have two.
pub const VIP_13: Ipv4Addr = Ipv4Addr::new(172, 16, 16, 13);

/// The one on the second bridge.
pub const VIP_17: Ipv4Addr = Ipv4Addr::new(172, 16, 17, 12);
/// The one of IPv6.
pub const VIP_6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x16, 0, 0, 0, 0, 0, 0x12);

/// What a frame is to the one who measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// An advertisement: virtual router and priority.
    Advert(u8, u8),
    /// A gratuitous ARP to everybody, and for which address.
    Claim(IpAddr),
}

/// A frame on the bridge.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When it was sent.
    pub at: Nanos,
    /// By whom.
    pub node: NodeId,
    /// What it is.
    pub sort: Sort,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// The priority of an advertisement.
    pub fn priority(&self) -> Option<u8> {
        match self.sort {
            Sort::Advert(_, priority) => Some(priority),
            Sort::Claim(_) => None,
        }
    }
}

/// A run as it was seen.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    /// Advertisements and claims, in order.
    pub frames: Vec<Frame>,
    /// Those on the second bridge, where there is one.
    second: Vec<Frame>,
    /// What programs told: when, which, whether by the pipe, and the words.
    told: Vec<(Nanos, NodeId, bool, String)>,
    /// When each act was carried out, starts of the beginning left out.
    pub acts: Vec<Nanos>,
    roles: Vec<(Nanos, CvmId, Role)>,
    held: Vec<(Nanos, NodeId, IpAddr, bool)>,
    /// When each answered probe was sent, and up to when all of them were answered.
    answered: Vec<(ClientId, Nanos, Nanos)>,
    /// When a machine's program was gone.
    ended: Vec<(Nanos, CvmId)>,
    /// Broadcast and unicast requests of clients for the address.
    pub asked: Vec<(Nanos, NodeId, bool)>,
}

/// An instant as the figures have it.
pub fn nanos(at: Time) -> Nanos {
    at.as_nanos() as Nanos
}

impl Observer for Capture {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports {
            let at = nanos(report.at);
            match report.what {
                What::Sent { frame, kind } => {
                    let Some((node, first)) = port(report.who) else { continue };
                    let bytes = look.frame(frame);
                    if kind == Kind::Arp && bytes.get(38..42) == Some(&VIP.octets()) && bytes[21] == 1 {
                        self.asked.push((at, node, bytes[0] == 0xff));
                    }
                    if let Some(sort) = sort(kind, bytes) {
                        self.bridge(first).push(Frame { at, node, sort, bytes: bytes.to_vec() });
                    }
                }
                // A cable that is out carries nothing to the bridge.
                What::Lost { frame, kind, cause: Loss::NoCarrier, .. } => {
                    let bytes = look.frame(frame);
                    let Some((_, first)) = port(report.who) else { continue };
                    let frames = self.bridge(first);
                    let last = frames.last();
                    if sort(kind, bytes).is_some()
                        && last.is_some_and(|last| last.at == at && last.bytes == bytes)
                    {
                        frames.pop();
                    }
                }
                What::Record(cvm, Record::Transition { to, .. }) => self.roles.push((at, cvm, to)),
                What::Program(cvm, Life::Exited) => self.ended.push((at, cvm)),
                What::Held { node, address, held, .. } => self.held.push((at, node, address, held)),
                What::Notified { cvm, told, pipe } => {
                    self.told.push((at, NodeId(cvm.0), pipe, look.told(told).to_owned()));
                }
                What::Answered { client, sent } => {
                    self.answered.push((client, nanos(sent), nanos(sent)));
                }
                What::AllAnswered { client, last } => {
                    if let Some(entry) = self.answered.iter_mut().rev().find(|entry| entry.0 == client) {
                        entry.2 = entry.2.max(nanos(last));
                    }
                }
                _ => {}
            }
        }
    }
}

/// Whose interface it is, and whether it is the first.
fn port(who: Who) -> Option<(NodeId, bool)> {
    match who {
        Who::Node(node) => Some((node, true)),
        Who::Eni(node, _) => Some((node, false)),
        Who::Script | Who::Cloud => None,
    }
}

fn sort(kind: Kind, bytes: &[u8]) -> Option<Sort> {
    match kind {
        Kind::Vrrp => {
            let v6 = bytes.get(12..14)? == [0x86, 0xdd];
            let vrrp = bytes.get(if v6 { 54.. } else { 34.. })?;
            Some(Sort::Advert(*vrrp.get(1)?, *vrrp.get(2)?))
        }
        // A kernel that is asked for what it still holds answers to one station; that is no claim.
        Kind::Garp if *bytes.first()? & 1 == 1 => {
            if bytes.get(12..14)? == [0x86, 0xdd] {
                let target: [u8; 16] = bytes.get(62..78)?.try_into().ok()?;
                return Some(Sort::Claim(IpAddr::V6(target.into())));
            }
            let address: [u8; 4] = bytes.get(28..32)?.try_into().ok()?;
            Some(Sort::Claim(IpAddr::V4(address.into())))
        }
        _ => None,
    }
}

/// From one instant to another, if there are both.
pub fn gap(from: Option<Nanos>, to: Option<Nanos>) -> Option<Nanos> {
    Some(to? - from?)
}

impl Capture {
    fn bridge(&mut self, first: bool) -> &mut Vec<Frame> {
        if first { &mut self.frames } else { &mut self.second }
    }
    /// The same run as a capture on the second bridge has it.
    pub fn second(&self) -> Capture {
        Capture { frames: self.second.clone(), ..self.clone() }
    }
    /// What a program told, by its pipe or by scripts, in order.
    pub fn told(&self, node: NodeId, pipe: bool) -> impl Iterator<Item = (Nanos, &str)> {
        let of_it = move |one: &&(Nanos, NodeId, bool, String)| one.1 == node && one.2 == pipe;
        self.told.iter().filter(of_it).map(|one| (one.0, one.3.as_str()))
    }
    /// When the n-th act was carried out, from 0.
    pub fn act(&self, n: usize) -> Nanos {
        self.acts.get(n).copied().unwrap_or(Nanos::MAX)
    }
    /// Advertisements of a node, its goodbyes not among them.
    pub fn adverts(&self, node: NodeId) -> impl DoubleEndedIterator<Item = &Frame> {
        let of_it = move |frame: &&Frame| frame.node == node;
        self.frames.iter().filter(of_it).filter(|frame| matches!(frame.sort, Sort::Advert(_, 1..)))
    }
    /// Goodbyes of a node: advertisements with priority 0.
    pub fn goodbyes(&self, node: NodeId) -> impl DoubleEndedIterator<Item = &Frame> {
        let of_it = move |frame: &&Frame| frame.node == node;
        self.frames.iter().filter(of_it).filter(|frame| matches!(frame.sort, Sort::Advert(_, 0)))
    }
    /// Claims of a node for any address but its own.
    pub fn claims(&self, node: NodeId) -> impl DoubleEndedIterator<Item = &Frame> {
        let own = [A, B, C].iter().position(|&n| n == node).map(|i| [5, 6, 8][i]);
        let last = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        let is_own = move |address: IpAddr| Some(last(address)) == own;
        let of_it = move |frame: &&Frame| frame.node == node;
        let claim = move |frame: &&Frame| matches!(frame.sort, Sort::Claim(address) if !is_own(address));
        self.frames.iter().filter(of_it).filter(claim)
    }
    /// The first advertisement of a node from an instant on.
    pub fn first(&self, node: NodeId, from: Nanos) -> Option<Nanos> {
        self.adverts(node).find(|frame| frame.at >= from).map(|frame| frame.at)
    }
    /// Its last one before an instant.
    pub fn last(&self, node: NodeId, before: Nanos) -> Option<Nanos> {
        self.adverts(node).rev().find(|frame| frame.at < before).map(|frame| frame.at)
    }
    /// Its first goodbye from an instant on.
    pub fn goodbye(&self, node: NodeId, from: Nanos) -> Option<Nanos> {
        self.goodbyes(node).find(|frame| frame.at >= from).map(|frame| frame.at)
    }
    /// Its first claim from an instant on.
    pub fn claim(&self, node: NodeId, from: Nanos) -> Option<Nanos> {
        self.claims(node).find(|frame| frame.at >= from).map(|frame| frame.at)
    }
    /// When a machine took on a role, from an instant on.
    pub fn role(&self, node: NodeId, role: Role, from: Nanos) -> Option<Nanos> {
        let is = |&&(at, cvm, to): &&(Nanos, CvmId, Role)| at >= from && cvm.0 == node.0 && to == role;
        self.roles.iter().find(is).map(|&(at, ..)| at)
    }
    /// When a machine's program was gone, from an instant on.
    pub fn gone(&self, node: NodeId, from: Nanos) -> Option<Nanos> {
        self.ended.iter().find(|&&(at, cvm)| at >= from && cvm.0 == node.0).map(|&(at, _)| at)
    }
    /// When an address came to a machine or left it, from an instant on.
    pub fn address(
        &self,
        node: NodeId,
        address: impl Into<IpAddr>,
        held: bool,
        from: Nanos,
    ) -> Option<Nanos> {
        let address = address.into();
        let is = |&&(at, who, what, is): &&(Nanos, NodeId, IpAddr, bool)| {
            at >= from && who == node && what == address && is == held
        };
        self.held.iter().find(is).map(|&(at, ..)| at)
    }
    /// Who holds an address at an instant: `ab`.
    pub fn holders(&self, address: impl Into<IpAddr>, at: Nanos) -> String {
        let address = address.into();
        let holds = |node: NodeId| {
            let of_it = |&&(when, who, what, _): &&(Nanos, NodeId, IpAddr, bool)| {
                when <= at && who == node && what == address
            };
            self.held.iter().rev().find(of_it).is_some_and(|&(.., held)| held)
        };
        [(A, 'a'), (B, 'b'), (C, 'c')].into_iter().filter(|&(node, _)| holds(node)).map(|(_, c)| c).collect()
    }
    /// Which addresses came to a machine or left it in a span, in order: which machine, whether they came, which.
    pub fn moves(&self, from: Nanos, to: Nanos) -> impl Iterator<Item = (char, bool, String)> {
        let of_it = move |one: &&(Nanos, NodeId, IpAddr, bool)| (from..to).contains(&one.0) && one.1.0 < 3;
        let named = |node: NodeId| ['a', 'b', 'c'][usize::from(node.0)];
        self.held
            .iter()
            .filter(of_it)
            .map(move |&(_, node, what, came)| (named(node), came, what.to_string()))
    }
    /// When an address came to a machine, each time, or left it.
    pub fn changes(&self, node: NodeId, address: impl Into<IpAddr>, came: bool) -> Vec<Nanos> {
        let address = address.into();
        let of_it = self.held.iter().filter(|one| one.1 == node && one.2 == address && one.3 == came);
        of_it.map(|one| one.0).collect()
    }
    /// When each address came to a machine.
    pub fn arrivals(&self, node: NodeId) -> impl Iterator<Item = Nanos> {
        self.held.iter().filter(move |one| one.1 == node && one.3).map(|one| one.0)
    }
    /// Who advertised last before an instant.
    pub fn master_before(&self, at: Nanos) -> Option<NodeId> {
        let advert = |frame: &&Frame| frame.at < at && matches!(frame.sort, Sort::Advert(..));
        self.frames.iter().rev().find(advert).map(|frame| frame.node)
    }
    /// How many of these there are in a span.
    pub fn count<'f>(frames: impl Iterator<Item = &'f Frame>, from: Nanos, to: Nanos) -> usize {
        frames.filter(|frame| (from..to).contains(&frame.at)).count()
    }
    /// When these were sent from an instant on, less that instant.
    pub fn since<'f>(frames: impl Iterator<Item = &'f Frame>, from: Nanos) -> Vec<Nanos> {
        frames.filter(|frame| frame.at >= from).map(|frame| frame.at - from).collect()
    }
    /// When the last answered probe was sent.
    pub fn answered_last(&self) -> Option<Nanos> {
        self.answered.iter().map(|&(.., last)| last).max()
    }
    /// The longest time between two answered probes of the client, one sent after the other, from an instant on:
    /// as `ping` shows it.
    pub fn longest_gap(&self, from: Nanos, period: Nanos) -> Option<Nanos> {
        self.longest_gap_until(from, Nanos::MAX, period)
    }
    /// The same of those that begin before another instant.
    pub fn longest_gap_until(&self, from: Nanos, until: Nanos, period: Nanos) -> Option<Nanos> {
        let ends = self.answered.windows(2).filter(|pair| pair[1].1 >= from && pair[0].2 < until);
        ends.map(|pair| pair[1].1.min(until) - pair[0].2).max().map(|gap| gap.max(period))
    }
}

/// Frames that follow each other in less than 50 ms are a burst: `5 at 0.0, 5 at 5.0`, to the tenth of a second.
pub fn bursts(times: &[Nanos]) -> String {
    let mut bursts: Vec<(Nanos, usize)> = Vec::new();
    let mut before = Nanos::MIN / 2;
    for &at in times {
        match bursts.last_mut() {
            Some(burst) if at - before < 50 * MS => burst.1 += 1,
            _ => bursts.push((at, 1)),
        }
        before = at;
    }
    let tenths = |at: Nanos| (at + 50 * MS).div_euclid(100 * MS);
    let text = |&(at, n): &(Nanos, usize)| format!("{n} at {}.{}", tenths(at) / 10, tenths(at) % 10);
    if bursts.is_empty() { "none".to_owned() } else { bursts.iter().map(text).collect::<Vec<_>>().join(", ") }
}
