//! What a script expects of a run.

use std::net::IpAddr;

use havip::profile::Profile;
use havip::program::Role;
use havip::time::{Duration, Time};

use super::rule::Rule;
use crate::world::{ClientId, CvmId, HavipId, TextId};

/// One `expect` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What is expected.
    pub expect: Expect,
    /// `as PROFILE`: of runs only in which every machine is under that profile.
    pub only: Option<Profile>,
    /// The script's line, from 1.
    pub line: u32,
}

/// The forms of an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// `by T X`: true at some instant up to T, and from the last such instant on until the next act after T.
    By(Time, Fact),
    /// `during T..T X`: true at every instant.
    During(Time, Time, Fact),
    /// `in T..T outage C <= D`: no outage of that client that overlaps the span is longer.
    Outage(Time, Time, ClientId, Duration),
    /// `in T..T moves <= N`: the address changes its holder at most so often.
    Moves(Time, Time, u32),
    /// `in T..T claims a <= N`: the machine announces addresses that are not its own by at most so many frames.
    Claims(Time, Time, CvmId, u32),
    /// `in T..T notifies a <= N`: its program tells others at most so many things.
    Notifies(Time, Time, CvmId, u32),
    /// `never X`, or `never X > D`: at no instant, or never for longer than D at a stretch.
    Never(Fact, Option<Duration>),
    /// `eventually X`: from some instant to the end.
    Eventually(Fact),
    /// `rule heal-agrees`: a rule of campaigns is not broken.
    Rule(Rule),
}

/// Something that is true or not at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// `master b`: b's program is master (and alive, not frozen).
    Master(CvmId),
    /// `bound b`: the cloud holds the HAVIP bound to b. Which HAVIP is only written where there are several.
    Bound(CvmId, Option<HavipId>),
    /// `unbound`: to nobody.
    Unbound(Option<HavipId>),
    /// `bound = master`: every HAVIP is bound to a machine whose program is master, and alive.
    BoundIsMaster,
    /// `two-masters`: two live programs are master of the same virtual router.
    TwoMasters,
    /// `stale web`: the client's traffic goes to a machine that is not a live master.
    Stale(ClientId),
    /// `refused 172.16.16.9`: the cloud refused a claim for the address at this instant.
    Refused(IpAddr),
    /// `transition b MASTER`: b's program entered that state at this instant.
    Transition(CvmId, Role),
    /// `served web`: the client's probes are answered: it has been answered, and has no outage.
    Served(ClientId),
    /// `unserved web`: they are not: it has not been answered yet, or has an outage.
    Unserved(ClientId),
    /// `claimed a`: the machine announced an address that is not its own at this instant.
    Claimed(CvmId),
    /// `advertised a fe80::12`: the machine sent an advertisement that names this address first at this instant.
    Advertised(CvmId, IpAddr),
    /// `notified a "VI_1 MASTER"`: its program told somebody, in words with these among them, at this instant.
    Notified(CvmId, TextId),
    /// `routed a "10.9.0.0/16"`: a route with these words in it has been added on the machine.
    Routed(CvmId, TextId),
}

impl Fact {
    /// Whether it is true at an instant only, and lasts no time.
    pub const fn is_of_an_instant(&self) -> bool {
        matches!(
            self,
            Fact::Refused(_)
                | Fact::Transition(..)
                | Fact::Claimed(_)
                | Fact::Advertised(..)
                | Fact::Notified(..)
        )
    }
}

impl Expect {
    /// The same with its times, those from `first` on, so much later.
    pub fn shifted(self, first: Time, shift: Duration) -> Expect {
        let later = |t: Time| if t >= first { t + shift } else { t };
        match self {
            Expect::By(t, fact) => Expect::By(later(t), fact),
            Expect::During(from, to, fact) => Expect::During(later(from), later(to), fact),
            Expect::Outage(from, to, client, most) => Expect::Outage(later(from), later(to), client, most),
            Expect::Moves(from, to, most) => Expect::Moves(later(from), later(to), most),
            Expect::Claims(from, to, cvm, most) => Expect::Claims(later(from), later(to), cvm, most),
            Expect::Notifies(from, to, cvm, most) => Expect::Notifies(later(from), later(to), cvm, most),
            Expect::Never(..) | Expect::Eventually(_) | Expect::Rule(_) => self,
        }
    }

    /// Shows every text that it names.
    pub fn texts(&mut self, see: &mut impl FnMut(&mut TextId)) {
        if let Expect::By(_, fact)
        | Expect::During(_, _, fact)
        | Expect::Never(fact, _)
        | Expect::Eventually(fact) = self
            && let Fact::Notified(_, text) | Fact::Routed(_, text) = fact
        {
            see(text);
        }
    }
}
