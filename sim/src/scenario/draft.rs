//! Declarations as they are being read: each with its place, nothing checked against anything else yet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::profile::Profile;
use havip::time::Duration;
use havip::wire::ethernet::Mac;
use ipnet::{Ipv4Net, Ipv6Net};

use super::error::{Complaint, Stop, shown};
use super::lex::Word;
use super::place::Place;
use super::script::{CheckDecl, ClientDecl, CvmDecl, Script, ServiceDecl};
use super::words;
use crate::world::{ClientId, CvmId, ServiceId};

/// A value and where it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
    pub(super) line: u32,
}

/// A node and the places of what may be wrong with it.
#[derive(Debug)]
pub(super) struct NodeDraft<T> {
    pub(super) decl: T,
    pub(super) eni: EniDraft,
    /// A machine's further interfaces.
    pub(super) more: Vec<EniDraft>,
    /// Of what a client probes.
    pub(super) target: Place,
}

/// An interface and the places of what may be wrong with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct EniDraft {
    pub(super) address: At<Ipv4Addr>,
    pub(super) ipv6: Option<At<Ipv6Addr>>,
    pub(super) mac: Mac,
    /// Of `mac`, or of the address it follows from.
    pub(super) mac_place: Place,
}

/// An elastic IP, and the HAVIP that it is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) struct EipDraft {
    pub(super) address: At<Ipv4Addr>,
    pub(super) havip: Option<At<IpAddr>>,
}

/// A range of addresses, and its latency where one is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubnetDraft {
    pub(super) net: Ipv4Net,
    pub(super) ipv6: Option<Ipv6Net>,
    pub(super) latency: Option<(Duration, Duration)>,
}

/// A time that a declaration gives, to be held against the tick when that is known.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) time: Duration,
    pub(super) place: Place,
    /// What it is, if it must last a tick at least.
    pub(super) lasting: Option<&'static str>,
}

/// Every declaration of a file.
#[derive(Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) name: Option<At<String>>,
    pub(super) run: Option<At<Duration>>,
    pub(super) seed: Option<u64>,
    pub(super) tick: Option<At<Duration>>,
    pub(super) host_exact: Option<At<()>>,
    pub(super) phases: Option<At<u32>>,
    pub(super) also: Vec<At<Profile>>,
    pub(super) vpc: Option<At<Ipv4Net>>,
    pub(super) lans: Vec<At<SubnetDraft>>,
    pub(super) subnets: Vec<At<SubnetDraft>>,
    pub(super) havips: Vec<At<IpAddr>>,
    /// Those of them that are applied for later, by address.
    pub(super) off_havips: Vec<IpAddr>,
    pub(super) eips: Vec<EipDraft>,
    pub(super) bind_delay: Option<At<(Duration, Duration)>>,
    pub(super) cvms: Vec<NodeDraft<CvmDecl>>,
    pub(super) clients: Vec<NodeDraft<ClientDecl>>,
    pub(super) services: Vec<At<ServiceDecl>>,
    pub(super) checks: Vec<CheckDecl>,
    pub(super) times: Vec<Given>,
    pub(super) names: Names<'a>,
    /// The statements that were given up: what they would have declared is not missed.
    pub(super) failed: BTreeSet<&'a str>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Cvm(CvmId),
    Client(ClientId),
    Service(ServiceId),
}

impl Named {
    /// Whether it has a port on the segment.
    pub(super) fn is_node(self) -> bool {
        !matches!(self, Named::Service(_))
    }
}

/// Every declared name.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Nothing where the declaration is wrong and was complained of: uses of it are passed over in silence.
    by_name: BTreeMap<&'a str, (Option<Named>, u32)>,
}

impl Draft<'_> {
    /// The tick, unless the file names one that cannot be.
    pub(super) fn tick(&self) -> Option<Duration> {
        match &self.tick {
            Some(tick) => Some(tick.value),
            None => (!self.failed.contains("tick")).then_some(Script::TICK),
        }
    }
}

impl<'a> Names<'a> {
    /// Takes a name that a declaration gives. Until [`Names::is`] the declaration counts as wrong.
    pub(super) fn declare(&mut self, word: Word<'a>, line: u32) -> Result<&'a str, Complaint> {
        let name = name(word)?;
        if words::is_keyword(name) {
            return Err(Complaint::new(word.place, format!("`{name}` is a word of the language"))
                .help(format!("choose another name, for example `{name}1`")));
        }
        if let Some((_, before)) = self.by_name.get(name) {
            let message = format!("the name `{name}` is taken by line {before}");
            return Err(Complaint::new(word.place, message));
        }
        self.by_name.insert(name, (None, line));
        Ok(name)
    }

    /// What a declared name stands for.
    pub(super) fn is(&mut self, name: &'a str, named: Named) {
        if let Some(entry) = self.by_name.get_mut(name) {
            entry.0 = Some(named);
        }
    }

    /// What a name stands for that is used on `line`.
    /// `fits` tells which names are worth suggesting.
    pub(super) fn find(
        &self,
        word: Word<'_>,
        line: u32,
        expected: &str,
        fits: fn(Named) -> bool,
    ) -> Result<Named, Stop> {
        match self.by_name.get(word.text) {
            Some((_, declared)) if *declared > line => {
                let message = format!("`{}` is declared only on line {declared}", word.text);
                Err(Complaint::new(word.place, message).help("declare it above its first use").into())
            }
            Some((Some(named), _)) => Ok(*named),
            Some((None, _)) => Err(Stop::Silent),
            None => {
                let fitting = self.by_name.iter().filter(|(_, (named, _))| named.is_some_and(fits));
                let fitting: Vec<&str> = fitting.map(|(name, _)| *name).take(words::CANDIDATES).collect();
                let nearest = words::nearest(word.text, fitting.iter().copied());
                Err(word.unexpected(expected).suggest(nearest, list(&fitting)).into())
            }
        }
    }
}

/// The names there are, for a message.
fn list(names: &[&str]) -> String {
    match names {
        [] => "none is declared".to_owned(),
        few if few.len() <= 10 => format!("declared: {}", few.join(", ")),
        many => format!("declared: {} and others", many[..10].join(", ")),
    }
}

/// A word that can be a name.
pub(super) fn name(word: Word<'_>) -> Result<&str, Complaint> {
    if words::is_name(word.text) {
        return Ok(word.text);
    }
    let message = format!("{} is not a name", shown(word.text));
    Err(Complaint::new(word.place, message)
        .help("a name begins with a letter a-z and goes on with a-z, 0-9, `-` and `_`; at most 64 of them"))
}
