//! HAVIPs: who may claim one, and whom the cloud holds it bound to.
//!
//! A claim is a gratuitous ARP. It is believed for a HAVIP, from an interface of the HAVIP's own subnet; the
//! binding then moves after the binding delay, and stays until the next believed claim. An interface that
//! announces its own address claims nothing.

use std::collections::VecDeque;
use std::net::IpAddr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::eips::Eips;
use super::judge::{Declined, Heard, Refusal, Verdict, may_release};
use crate::latch::Latched;

/// A network interface of the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EniId(pub u16);

/// An announcement as the cloud hears it.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The port it came in on.
    pub by: EniId,
    /// The announced address.
    pub address: IpAddr,
    /// The announced hardware address.
    pub mac: Mac,
}

/// Who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// This interface.
    To(EniId),
    /// It is a HAVIP, bound to nobody.
    Unbound,
    /// Nobody.
    Nobody,
}

/// A binding that has just moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Which HAVIP.
    pub havip: usize,
    /// Bound to whom before.
    pub from: Option<EniId>,
    /// Bound to whom now.
    pub to: EniId,
    /// Whose announcement did it.
    pub mac: Mac,
}

#[derive(Clone, Debug)]
struct Eni {
    mac: Mac,
    subnet: u16,
}

/// A believed claim, and the binding that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed<E> {
    /// Bound to whom before.
    pub from: Option<E>,
    /// Bound to whom now.
    pub to: E,
    /// The announced hardware address.
    pub mac: Mac,
}

/// What one HAVIP is bound to: it follows believed claims, each after the binding delay, in the order they came.
#[derive(Clone, Debug)]
pub struct Binding<E> {
    bound: Latched<Option<E>>,
    /// Believed claims whose time has not come, oldest first.
    pending: VecDeque<(Time, E, Mac)>,
}

impl<E: Copy + PartialEq> Binding<E> {
    /// Bound as it was left.
    pub const fn new(bound: Option<E>) -> Self {
        Binding { bound: Latched::new(bound), pending: VecDeque::new() }
    }
    /// Whom it is bound to, as packets of an instant see it.
    pub fn seen_at(&self, now: Time) -> Option<E> {
        self.bound.seen_at(now)
    }
    /// Whom it is bound to.
    pub const fn latest(&self) -> Option<E> {
        self.bound.latest()
    }
    /// Whom it will be bound to once everything pending has happened.
    fn heading_for(&self) -> Option<E> {
        self.pending.back().map(|&(_, eni, _)| eni).or(self.bound.latest())
    }
    /// Takes a claim that may be believed.
    pub fn claim(&mut self, now: Time, by: E, mac: Mac, delay: Duration) -> Verdict {
        if self.heading_for() == Some(by) {
            return Verdict::Already;
        }
        // A later claim never overtakes an earlier one, however its delay was drawn.
        let after = self.pending.back().map_or(now, |&(t, ..)| t);
        self.pending.push_back((after.max(now + delay), by, mac));
        Verdict::Believed
    }
    /// When it moves next.
    pub fn deadline(&self) -> Option<Time> {
        self.pending.front().map(|&(t, ..)| t)
    }
    /// Moves it, if its time has come.
    pub fn settle(&mut self, now: Time) -> Option<Followed<E>> {
        if self.deadline()? > now {
            return None;
        }
        let (_, to, mac) = self.pending.pop_front()?;
        let from = self.bound.latest();
        self.bound.set(now, Some(to));
        Some(Followed { from, to, mac })
    }
    /// Binds it to nobody, and forgets what was pending from or for an interface that is gone.
    pub fn leave(&mut self, now: Time, gone: E) {
        self.pending.retain(|&(_, eni, _)| eni != gone);
        if self.bound.latest() == Some(gone) {
            self.bound.set(now, None);
        }
    }
}

#[derive(Clone, Debug)]
struct Havip {
    /// None of one that has been released.
    key: Option<u128>,
    subnet: u16,
    binding: Binding<EniId>,
    /// The only interfaces whose claims are believed, where its drift is limited.
    range: Option<Vec<EniId>>,
}

/// The cloud's state.
#[derive(Clone, Debug, Default)]
pub struct Cloud {
    enis: Vec<Eni>,
    havips: Vec<Havip>,
    /// Interfaces by address, sorted: whose own an address is. Link-local ones too, which nothing is forwarded to.
    by_address: Vec<(u128, EniId)>,
    /// When the next binding moves.
    next: Option<Time>,
    pub(super) eips: Eips,
}

impl Cloud {
    /// A cloud without anything.
    pub fn new() -> Self {
        Cloud::default()
    }
    /// Adds an interface with its own addresses; ids count from 0.
    pub fn add_eni(&mut self, own: impl IntoIterator<Item = IpAddr>, mac: Mac, subnet: u16) -> EniId {
        let id = EniId(self.enis.len() as u16);
        self.enis.push(Eni { mac, subnet });
        for key in own.into_iter().map(key_of) {
            let place = self.by_address.partition_point(|&(a, _)| a < key);
            self.by_address.insert(place, (key, id));
        }
        id
    }
    /// Adds a HAVIP, bound to nobody; they count from 0.
    pub fn add_havip(&mut self, address: IpAddr, subnet: u16) -> usize {
        self.havips.push(Havip {
            key: Some(key_of(address)),
            subnet,
            binding: Binding::new(None),
            range: None,
        });
        self.havips.len() - 1
    }
    /// Releases a HAVIP: nobody has its address any more. Its number is not given again. Says whom it was bound to.
    pub fn release(&mut self, havip: usize) -> Result<Option<EniId>, Declined> {
        may_release(self.eips.of_havip(havip).is_some())?;
        let mut was = None;
        if let Some(havip) = self.havips.get_mut(havip) {
            was = havip.binding.latest();
            (havip.key, havip.binding) = (None, Binding::new(None));
        }
        self.find_deadline();
        Ok(was)
    }
    /// Whether a HAVIP is there: applied for, and not released.
    pub fn has(&self, havip: usize) -> bool {
        self.havips.get(havip).is_some_and(|havip| havip.key.is_some())
    }
    /// Gives a released HAVIP an address again: it is bound to nobody.
    pub fn revive(&mut self, havip: usize, address: IpAddr) {
        if let Some(havip) = self.havips.get_mut(havip) {
            (havip.key, havip.range) = (Some(key_of(address)), None);
        }
    }
    /// Believes claims of a HAVIP from these interfaces only; `None`: from any of its subnet. Moves nothing.
    pub fn limit(&mut self, havip: usize, range: Option<Vec<EniId>>) {
        if let Some(havip) = self.havips.get_mut(havip) {
            havip.range = range;
        }
    }
    /// An interface has been detached: what is bound to it is bound to nobody. Says which HAVIPs were.
    pub fn detach(&mut self, now: Time, eni: EniId) -> Vec<usize> {
        let was = |(i, havip): (usize, &Havip)| (havip.binding.latest() == Some(eni)).then_some(i);
        let bound = self.havips.iter().enumerate().filter_map(was).collect();
        self.havips.iter_mut().for_each(|havip| havip.binding.leave(now, eni));
        self.find_deadline();
        bound
    }

    fn find_deadline(&mut self) {
        self.next = self.havips.iter().filter_map(|h| h.binding.deadline()).min();
    }

    /// Who has an address, as packets of this instant see it.
    pub fn route(&self, now: Time, address: IpAddr) -> Route {
        let key = key_of(address);
        if let Some(havip) = self.havips.iter().find(|h| h.key == Some(key)) {
            return havip.binding.seen_at(now).map_or(Route::Unbound, Route::To);
        }
        match self.owner_of(key) {
            Some(eni) if !is_link_local(address) => Route::To(eni),
            _ => Route::Nobody,
        }
    }

    fn owner_of(&self, key: u128) -> Option<EniId> {
        let i = self.by_address.binary_search_by_key(&key, |&(a, _)| a).ok()?;
        Some(self.by_address[i].1)
    }

    /// The hardware address of an interface.
    pub fn mac_of(&self, eni: EniId) -> Mac {
        self.enis[usize::from(eni.0)].mac
    }

    /// Hears an announcement. A believed one moves the binding after `delay`.
    pub fn claim(&mut self, now: Time, claim: Claim, delay: Duration) -> Verdict {
        let key = key_of(claim.address);
        let own = self.owner_of(key) == Some(claim.by);
        let eni = &self.enis[usize::from(claim.by.0)];
        let havip = self.havips.iter_mut().find(|h| h.key == Some(key));
        let heard = Heard {
            own,
            havip: havip.is_some(),
            own_mac: claim.mac == eni.mac,
            same_subnet: havip.as_ref().is_some_and(|h| h.subnet == eni.subnet),
            in_range: havip
                .as_ref()
                .is_some_and(|h| h.range.as_ref().is_none_or(|range| range.contains(&claim.by))),
        };
        let (Some(havip), None) = (havip, heard.dismissed()) else {
            return heard.dismissed().unwrap_or(Verdict::Refused(Refusal::NotHavip));
        };
        let verdict = havip.binding.claim(now, claim.by, claim.mac, delay);
        self.find_deadline();
        verdict
    }

    /// When the next binding moves.
    pub fn deadline(&self) -> Option<Time> {
        self.next
    }

    /// Moves the next binding that is due.
    pub fn settle(&mut self, now: Time) -> Option<Move> {
        if self.next.is_none_or(|t| t > now) {
            return None;
        }
        let settled = |(havip, h): (usize, &mut Havip)| h.binding.settle(now).map(|moved| (havip, moved));
        let (havip, Followed { from, to, mac }) = self.havips.iter_mut().enumerate().find_map(settled)?;
        self.find_deadline();
        Some(Move { havip, from, to, mac })
    }
}

/// An address as a number that is quickly compared. An IPv4 address is the IPv6 one it is mapped to (RFC 4291, 2.5.5.2),
/// which no interface has.
pub fn key_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => 0xffff_0000_0000 | u128::from(u32::from(address)),
        IpAddr::V6(address) => address.into(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HAVIP: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 16, 16, 12));
    const MAC: [Mac; 3] = [Mac([2, 0, 0, 0, 0, 5]), Mac([2, 0, 0, 0, 0, 6]), Mac([2, 0, 0, 0, 1, 5])];
    const A: EniId = EniId(0);
    const B: EniId = EniId(1);
    const ELSEWHERE: EniId = EniId(2);

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }
    fn cloud() -> Cloud {
        let mut cloud = Cloud::new();
        for (i, (address, subnet)) in
            [([172, 16, 16, 5], 0), ([172, 16, 16, 6], 0), ([172, 16, 17, 5], 1)].into_iter().enumerate()
        {
            cloud.add_eni([IpAddr::from(address)], MAC[i], subnet);
        }
        cloud.add_havip(HAVIP, 0);
        cloud
    }
    fn claim(by: EniId, address: impl Into<IpAddr>) -> Claim {
        Claim { by, address: address.into(), mac: MAC[usize::from(by.0)] }
    }

    #[test]
    fn the_binding_follows_the_last_believed_claim_after_the_delay() {
        let mut c = cloud();
        let delay = Duration::from_millis(100);
        assert_eq!(c.route(at(0), HAVIP), Route::Unbound);
        assert_eq!(c.claim(at(0), claim(A, HAVIP), delay), Verdict::Believed);
        assert_eq!(c.claim(at(1), claim(A, HAVIP), delay), Verdict::Already);
        assert_eq!(c.claim(at(2), claim(B, HAVIP), Duration::ZERO), Verdict::Believed);
        assert_eq!(c.deadline(), Some(at(100)));
        assert_eq!(c.settle(at(99)), None);
        assert_eq!(c.settle(at(100)).map(|m| (m.from, m.to)), Some((None, A)));
        assert_eq!(c.settle(at(100)).map(|m| (m.from, m.to)), Some((Some(A), B)));
        assert_eq!(c.route(at(101), HAVIP), Route::To(B));
        assert_eq!(c.deadline(), None);
    }

    #[test]
    fn a_packet_of_the_instant_of_a_move_still_goes_the_old_way() {
        let mut c = cloud();
        c.claim(at(5), claim(A, HAVIP), Duration::ZERO);
        c.settle(at(5));
        assert_eq!(c.route(at(5), HAVIP), Route::Unbound);
        assert_eq!(c.route(at(6), HAVIP), Route::To(A));
    }

    #[test]
    fn only_a_havip_can_be_claimed_only_from_its_subnet_and_only_for_oneself() {
        let mut c = cloud();
        let refused = |c: &mut Cloud, claim| match c.claim(at(0), claim, Duration::ZERO) {
            Verdict::Refused(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(&mut c, claim(A, Ipv4Addr::new(172, 16, 16, 9))), Refusal::NotHavip);
        assert_eq!(refused(&mut c, claim(A, Ipv4Addr::new(172, 16, 16, 6))), Refusal::NotHavip);
        assert_eq!(refused(&mut c, claim(ELSEWHERE, HAVIP)), Refusal::OtherSubnet);
        assert_eq!(refused(&mut c, Claim { mac: MAC[1], ..claim(A, HAVIP) }), Refusal::ForeignMac);
        let own = c.claim(at(0), claim(A, Ipv4Addr::new(172, 16, 16, 5)), Duration::ZERO);
        assert_eq!(own, Verdict::OwnAddress);
        assert_eq!(c.route(at(1), HAVIP), Route::Unbound);
    }

    #[test]
    fn a_drift_range_limits_who_is_believed_and_moves_nothing() {
        let mut c = cloud();
        c.claim(at(1), claim(A, HAVIP), Duration::ZERO);
        c.settle(at(1));
        c.limit(0, Some(vec![B]));
        assert_eq!(c.route(at(2), HAVIP), Route::To(A));
        c.claim(at(2), claim(B, HAVIP), Duration::ZERO);
        c.settle(at(2));
        let again = c.claim(at(3), claim(A, HAVIP), Duration::ZERO);
        assert_eq!(again, Verdict::Refused(Refusal::OutsideRange));
        assert_eq!(c.route(at(4), HAVIP), Route::To(B));
    }

    #[test]
    fn what_was_bound_to_a_detached_interface_is_bound_to_nobody() {
        let mut c = cloud();
        c.claim(at(1), claim(A, HAVIP), Duration::ZERO);
        c.settle(at(1));
        c.claim(at(2), claim(B, HAVIP), Duration::from_millis(100));
        assert_eq!(c.detach(at(3), A), [0]);
        assert_eq!((c.route(at(4), HAVIP), c.deadline()), (Route::Unbound, Some(at(102))));
        c.detach(at(5), B);
        assert_eq!(c.deadline(), None);
        assert_eq!(c.release(0), Ok(None));
        assert_eq!(c.route(at(6), HAVIP), Route::Nobody);
        c.revive(0, HAVIP);
        assert_eq!(c.route(at(7), HAVIP), Route::Unbound);
    }
}
