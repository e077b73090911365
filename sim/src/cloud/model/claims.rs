//! Announcements: what an interface claims, what is made of it, and what looks wrong.
//!
//! A cloud without a segment is told of announcements by [`Model::claim`] and decides itself. Behind one with a
//! segment the segment decides, and tells what came of it: [`Model::bound`], [`Model::refuse`], [`Model::heard`].

use std::net::Ipv4Addr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use super::objects::{Cause, Havip, Member, RefusedClaim};
use super::{Code, Happening, Model, Refused, Region, tags};
use crate::cloud::{Binding, Heard, Refusal, Verdict};

/// What came of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimOutcome {
    /// What the cloud made of it.
    pub verdict: Verdict,
}

impl ClaimOutcome {
    /// How many refused claims of a region are remembered.
    pub(super) const REMEMBERED: usize = 1000;
}

/// Something about a HAVIP that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Two interfaces claim it in turn.
    Turns {
        /// Both.
        enis: [String; 2],
        /// How often it moved.
        moves: usize,
        /// Within how long.
        within: Duration,
    },
    /// Nothing has been heard from its owner for a while.
    Silent {
        /// The owner.
        eni: String,
        /// When it was heard last.
        last: Time,
    },
}

impl Warning {
    /// Whether two are one, looked at twice.
    fn is(&self, other: &Warning) -> bool {
        match (self, other) {
            (Warning::Turns { enis, .. }, Warning::Turns { enis: others, .. }) => enis == others,
            (one, other) => one == other,
        }
    }
}

/// Two that take turns move a HAVIP so often...
const TURNS: usize = 4;
/// ... within this time.
const TURNS_WITHIN: Duration = Duration::from_secs(120);
/// An owner that is silent for longer is told of.
const SILENT: Duration = Duration::from_secs(15);
/// How often it is looked whether there is something to warn of.
const LOOK: Duration = Duration::from_secs(1);

impl Model {
    /// An interface announces an address. A believed claim moves the binding after `delay`.
    pub fn claim(
        &mut self,
        now: Time,
        region: &str,
        eni: &str,
        address: Ipv4Addr,
        mac: Option<Mac>,
        delay: Duration,
    ) -> Result<ClaimOutcome, Refused> {
        tags::id("NetworkInterfaceId", "eni", eni)?;
        let here = self.region_mut(region)?;
        let sender = here.eni(eni)?;
        here.decides(&sender.vpc)?;
        if sender.attachment.is_none() {
            let message = format!("`{eni}` is attached to nothing: it cannot announce.");
            return Err(Refused::new(Code::INVALID_STATE, message));
        }
        let mac = mac.unwrap_or(sender.mac);
        let number = sender.number;
        let claimed = here.havips.iter().find(|one| one.vpc == sender.vpc && one.vip == address);
        let heard = Heard {
            own: sender.addresses.iter().any(|one| one.address == address),
            havip: claimed.is_some(),
            own_mac: mac == sender.mac,
            same_subnet: claimed.is_some_and(|one| one.subnet == sender.subnet),
            in_range: claimed.is_some_and(|one| here.may_drift(one, eni)),
        };
        let claimed = claimed.map(|one| one.id.clone());
        self.heard(now, region, eni);
        let verdict = match (heard.dismissed(), claimed) {
            (None, Some(id)) => {
                let here = self.region_mut(region)?;
                let binding = here.bindings.entry(id).or_insert(Binding::new(None));
                binding.claim(now, number, mac, delay)
            }
            (dismissed, _) => dismissed.unwrap_or(Verdict::Refused(Refusal::NotHavip)),
        };
        if let Verdict::Refused(why) = verdict {
            self.refuse(region, RefusedClaim::new(now, eni, address, mac, why));
        }
        self.next_binding = self.regions.values().filter_map(Region::deadline).min();
        if verdict == Verdict::Believed {
            self.heard_at.insert((region.to_owned(), eni.to_owned(), address), now);
        }
        self.settle(now);
        Ok(ClaimOutcome { verdict })
    }

    /// Moves the bindings whose time has come.
    pub(super) fn settle_bindings(&mut self, now: Time) {
        let mut moves = Vec::new();
        for (name, region) in &mut self.regions {
            for (id, binding) in &mut region.bindings {
                while let Some(followed) = binding.settle(now) {
                    moves.push((name.clone(), id.clone(), followed));
                }
            }
        }
        self.next_binding = self.regions.values().filter_map(Region::deadline).min();
        let is_quiet = self.next_binding.is_none();
        for (region, id, followed) in moves {
            let here = self.region(&region);
            let Some(to) = here.enis.at(followed.to).map(|eni| eni.id.clone()) else { continue };
            let Some(vip) = here.havips.get(&id).map(|havip| havip.vip) else { continue };
            let heard = self.heard_at.remove(&(region.clone(), to.clone(), vip)).unwrap_or(now);
            self.moved(now, &region, &id, Some(&to), Cause::Claim { mac: followed.mac, heard });
        }
        if is_quiet {
            // What was pending for a HAVIP that is gone.
            self.heard_at.clear();
        }
    }

    /// The bindings of a VPC are those of a segment, which decides and tells what came of it; nobody else does.
    pub fn follow_segment(&mut self, region: &str, vpc: &str) {
        if let Ok(here) = self.region_mut(region) {
            here.segment = Some(vpc.to_owned());
        }
    }

    /// The segment has moved a binding, after a claim that it heard then.
    pub fn bound(&mut self, now: Time, region: &str, havip: &str, to: Option<&str>, mac: Mac, heard: Time) {
        self.moved(now, region, havip, to, Cause::Claim { mac, heard });
    }

    /// The segment holds a HAVIP bound to nobody, whatever was stored of it.
    pub fn unbind(&mut self, now: Time, region: &str, havip: &str) {
        if self.region(region).havips.get(havip).is_some_and(|one| one.eni.is_some()) {
            self.moved(now, region, havip, None, Cause::Detached);
            if let Ok(here) = self.region_mut(region) {
                here.bindings.insert(havip.to_owned(), Binding::new(None));
            }
        }
    }

    /// A claim was refused.
    pub fn refuse(&mut self, region: &str, mut refused: RefusedClaim) {
        refused.number = self.ids.number();
        refused.id = refused.number.to_string();
        let Ok(here) = self.region_mut(region) else { return };
        here.remember(refused.clone());
        self.happened(refused.at, region, Happening::Refused(refused));
    }

    /// From here on owners are listened to, whatever was heard before the model was stored: who says nothing is silent.
    pub fn listen(&mut self, now: Time) {
        for region in self.regions.values_mut() {
            for eni in region.havips.iter().filter_map(|havip| havip.eni.as_ref()) {
                region.heard.entry(eni.clone()).or_insert(now);
            }
        }
    }

    /// Tells of warnings that have come or gone since this looked last.
    pub(super) fn look_for_warnings(&mut self, now: Time) {
        if now < self.next_look {
            return;
        }
        self.next_look = now + LOOK;
        let mut told = Vec::new();
        for (name, region) in &mut self.regions {
            let mut before = std::mem::take(&mut region.warned);
            for havip in region.havips.iter() {
                let (warnings, old) = (region.warnings(now, havip), before.remove(&havip.id));
                let old = old.unwrap_or_default();
                if warnings.len() != old.len() || warnings.iter().zip(&old).any(|(new, old)| !new.is(old)) {
                    told.push((name.clone(), havip.id.clone(), warnings.clone()));
                }
                if !warnings.is_empty() {
                    region.warned.insert(havip.id.clone(), warnings);
                }
            }
        }
        for (region, havip, warnings) in told {
            self.happened(now, &region, Happening::Warned { havip, warnings });
        }
    }

    /// Something was heard from an interface.
    pub fn heard(&mut self, now: Time, region: &str, eni: &str) {
        if let Ok(here) = self.region_mut(region) {
            here.heard.insert(eni.to_owned(), now);
        }
    }
}

impl Region {
    /// Complains where a segment decides who has the HAVIPs of a VPC.
    pub(super) fn decides(&self, vpc: &str) -> Result<(), Refused> {
        if self.segment.as_deref() != Some(vpc) {
            return Ok(());
        }
        let message =
            format!("The machines of `{vpc}` run on a segment: what they have and claim is decided there.");
        Err(Refused::new(Code::UNSUPPORTED, message))
    }

    /// Whether a HAVIP's drift range lets an interface claim it.
    pub fn may_drift(&self, havip: &Havip, eni: &str) -> bool {
        let cvm = self.enis.get(eni).and_then(|eni| eni.attachment.as_ref()).map(|at| &at.cvm);
        !havip.check_associate
            || havip.range.iter().any(|one| match one.member {
                Member::Eni => one.instance == eni,
                Member::Cvm => Some(&one.instance) == cvm,
            })
    }

    /// What somebody should look at.
    pub fn warnings(&self, now: Time, havip: &Havip) -> Vec<Warning> {
        let mut all = Vec::new();
        let lately: Vec<_> = havip
            .timeline
            .iter()
            .rev()
            .take_while(|one| now.saturating_since(one.at) <= TURNS_WITHIN)
            .collect();
        let mut owners: Vec<&String> = lately.iter().filter_map(|one| one.to.as_ref()).collect();
        let moves = owners.len();
        owners.sort_unstable();
        owners.dedup();
        if let (TURNS.., [a, b]) = (moves, &owners[..]) {
            let enis = [(*a).clone(), (*b).clone()];
            all.push(Warning::Turns { enis, moves, within: TURNS_WITHIN });
        }
        if let Some(eni) = &havip.eni
            && let Some(&heard) = self.heard.get(eni)
            && now.saturating_since(heard) > SILENT
        {
            all.push(Warning::Silent { eni: eni.clone(), last: heard });
        }
        all
    }
}
