//! Elastic IPs of a segment: which HAVIP each is bound to. What is sent to one goes to that HAVIP, and what the HAVIP's
//! holder sends to the internet comes from it.

use std::net::Ipv4Addr;

use super::binding::Cloud;
use super::judge::{Declined, may_bind_eip};

/// All of them, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Eips {
    all: Vec<(Ipv4Addr, Option<usize>)>,
}

impl Eips {
    /// The address of the one that is bound to a HAVIP.
    pub(super) fn of_havip(&self, havip: usize) -> Option<Ipv4Addr> {
        self.all.iter().find(|one| one.1 == Some(havip)).map(|one| one.0)
    }
}

impl Cloud {
    /// Adds an elastic IP, bound to a HAVIP or to nothing; they count from 0.
    pub fn add_eip(&mut self, address: Ipv4Addr, havip: Option<usize>) -> usize {
        self.eips.all.push((address, havip));
        self.eips.all.len() - 1
    }
    /// Binds an elastic IP to a HAVIP.
    pub fn bind_eip(&mut self, eip: usize, havip: usize) -> Result<(), Declined> {
        if !self.has(havip) {
            return Err(Declined::Released);
        }
        let has_eip = self.eip_of(havip).is_some();
        let Some(one) = self.eips.all.get_mut(eip) else { return Err(Declined::EipUnbound) };
        may_bind_eip(has_eip, one.1.is_some())?;
        one.1 = Some(havip);
        Ok(())
    }
    /// Takes an elastic IP from its HAVIP.
    pub fn unbind_eip(&mut self, eip: usize) -> Result<(), Declined> {
        let bound = self.eips.all.get_mut(eip).and_then(|one| one.1.take());
        bound.map(|_| ()).ok_or(Declined::EipUnbound)
    }
    /// The HAVIP behind a public address: `None` where that is no elastic IP, `Some(None)` where it is bound to nothing.
    pub fn behind(&self, address: Ipv4Addr) -> Option<Option<usize>> {
        self.eips.all.iter().find(|one| one.0 == address).map(|one| one.1)
    }
    /// The elastic IP of a HAVIP.
    pub fn eip_of(&self, havip: usize) -> Option<Ipv4Addr> {
        self.eips.of_havip(havip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EIP: [Ipv4Addr; 2] = [Ipv4Addr::new(203, 0, 113, 10), Ipv4Addr::new(203, 0, 113, 11)];

    #[test]
    fn one_elastic_ip_for_one_havip_and_none_is_released_with_it() {
        let mut cloud = Cloud::new();
        for last in [12, 13] {
            cloud.add_havip([172, 16, 16, last].into(), 0);
        }
        for eip in EIP {
            cloud.add_eip(eip, None);
        }
        assert_eq!((cloud.behind(EIP[0]), cloud.behind(Ipv4Addr::BROADCAST)), (Some(None), None));
        assert_eq!(cloud.bind_eip(0, 0), Ok(()));
        assert_eq!((cloud.behind(EIP[0]), cloud.eip_of(0)), (Some(Some(0)), Some(EIP[0])));
        assert_eq!(cloud.bind_eip(1, 0), Err(Declined::HasEip));
        assert_eq!(cloud.bind_eip(0, 1), Err(Declined::EipBound));
        assert_eq!(cloud.release(0), Err(Declined::ReleaseWithEip));
        assert_eq!((cloud.unbind_eip(0), cloud.unbind_eip(0)), (Ok(()), Err(Declined::EipUnbound)));
        assert_eq!((cloud.release(0), cloud.has(0)), (Ok(None), false));
        assert_eq!(cloud.bind_eip(0, 0), Err(Declined::Released));
    }
}
