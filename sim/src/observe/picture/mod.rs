//! The picture of a run: who could reach the address, who held it, who was master, on one line of time.
//!
//! A [`Picture`] watches a run and keeps spans and marks; [`Lanes`] is what became of them. They are drawn as SVG
//! ([`Lanes::svg`]), as a page with the record beside it ([`Lanes::html`]), and in 80 columns of text
//! ([`Lanes::text`]). All three show the same lanes, from what a manager asks down to what an engineer checks:
//!
//! * *address reachable*, a band a client, each outage with what it is made of;
//! * acts, as flags with their line of the script;
//! * the cloud's binding, hatched while a claim is pending; on a lan the client's ARP entry;
//! * a lane a machine: state, addresses held, adverts (lost ones hollow), claims (refused ones with a cross).
//!
//! Integers only, and nothing but the run goes in: the same run gives the same bytes. What is drawn is bounded by
//! the width of the picture, not by the length of the run.

mod canvas;
mod collect;
mod html;
mod label;
mod panel;
mod rows;
mod scale;
mod svg;
mod text;

#[cfg(test)]
mod tests;

pub(crate) use canvas::{Anchor, Canvas, Escaped, fit, width_of};
pub(crate) use html::STYLE as PAGE_STYLE;
pub(crate) use svg::{STYLE, looks};

use std::net::IpAddr;

use havip::time::{Duration, Time};

use super::Outage;
use crate::world::{NodeId, Refusal};

pub use collect::Picture;

/// Something that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<T> {
    /// Its first instant.
    pub from: Time,
    /// The first instant behind it.
    pub to: Time,
    /// What it is.
    pub what: T,
}

/// Everything a picture shows.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// The last instant.
    pub end: Time,
    /// How many decimals a time has.
    pub digits: u8,
    /// Who can hold an address, by node.
    pub machines: Vec<Machine>,
    /// Who wants an address.
    pub clients: Vec<Client>,
    /// What clients suffered, in the order they ended.
    pub outages: Vec<Outage>,
    /// What each outage is put down to.
    pub causes: Vec<String>,
    /// Who an address is with: the cloud's bindings, or on a lan what clients believe.
    pub holders: Vec<Holder>,
    /// What the script did.
    pub acts: Vec<Mark>,
    /// How many marks and spans were too many to keep.
    pub left_out: u64,
}

/// A client's band.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name.
    pub name: String,
    /// The address it wants.
    pub target: IpAddr,
    /// Whether it reached it.
    pub reach: Vec<Span<Reach>>,
}

/// Whether a client reaches its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It was never answered so far.
    Waiting,
    /// It does.
    Answered,
    /// It does not: an index into [`Lanes::outages`].
    Out(usize),
}

/// Who an address is with.
#[derive(Clone, Debug)]
pub struct Holder {
    /// `cloud: 172.16.16.12`, or `web's ARP entry`.
    pub label: String,
    /// The address.
    pub address: IpAddr,
    /// With whom it is.
    pub with: Vec<Span<NodeId>>,
    /// Who claimed it and has to wait.
    pub pending: Vec<Span<NodeId>>,
}

/// A machine's lane.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Its virtual routers: what each is called, and its states.
    pub routers: Vec<(String, Vec<Span<State>>)>,
    /// When its program stood still.
    pub still: Vec<Span<()>>,
    /// When its cable was out.
    pub unplugged: Vec<Span<()>>,
    /// Addresses on its interface besides its own, and when.
    pub held: Vec<(IpAddr, Vec<Span<()>>)>,
    /// Its advertisements.
    pub adverts: Vec<Advert>,
    /// Its claims.
    pub claims: Vec<Claim>,
}

/// What a virtual router of a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The machine has no power.
    Off,
    /// The machine is on, its program does not run.
    NoProgram,
    /// It has not begun.
    Init,
    /// It may not be master.
    Fault,
    /// It waits.
    Backup,
    /// It is master.
    Master,
}

/// An advertisement, sent to one peer or to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advert {
    /// When.
    pub at: Time,
    /// Somebody did not get it.
    pub lost: bool,
}

/// Announcements of one address in quick succession.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The first of them.
    pub at: Time,
    /// The last.
    pub last: Time,
    /// What is announced.
    pub address: IpAddr,
    /// How many.
    pub count: u32,
    /// What came of it.
    pub heard: Heard,
}

/// What came of a claim. A burst has the strongest word that one of its frames had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// Nothing is known: announced to a lan, or still on its way.
    Sent,
    /// Its ear did not get it: lost on the way, or the cloud is deaf.
    Lost,
    /// It was with the machine already.
    Already,
    /// The cloud refuses it.
    Refused(Refusal),
    /// The address moves.
    Moves,
}

/// An act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What, in the script's words.
    pub text: String,
    /// Where it is written.
    pub line: u32,
}

impl Lanes {
    /// The longest outage; of equal ones the first client's.
    fn worst(&self) -> Option<(usize, &Outage)> {
        let order = |one: &Outage| (std::cmp::Reverse(one.length()), one.client, one.from);
        self.outages.iter().enumerate().min_by_key(|(_, one)| order(one))
    }

    fn client_of(&self, outage: &Outage) -> &Client {
        &self.clients[usize::from(outage.client.0)]
    }

    fn name(&self, node: NodeId) -> &str {
        self.machines.get(usize::from(node.0)).map_or("?", |machine| &machine.name)
    }

    /// How often a client was out, and how long in all.
    fn out_in_all(&self, client: usize) -> (usize, Duration) {
        let mine = self.outages.iter().filter(|one| usize::from(one.client.0) == client);
        mine.fold((0, Duration::ZERO), |(count, all), one| (count + 1, all + one.length()))
    }
}
