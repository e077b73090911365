//! `keepalived.conf`: text to words to blocks to a [`Config`], with diagnoses that point at the byte.
//!
//! [`load`] is the whole of it. It is a function of the texts in [`Files`](crate::files::Files); it never fails and never panics,
//! whatever the text: what keepalived 2.2.7 would run with always results, and what is to be said about the
//! text comes as [`Diagnosis`]. Following `include` lines is
//! [`includes`]'s, reading a disk is [`disk`]'s.

mod addresses;
mod advice;
mod auth;
mod bfd;
mod complete;
mod diagnosis;
pub mod disk;
mod expand;
mod garp;
mod globals;
mod groups;
mod hmac;
pub mod includes;
mod instance;
pub mod keywords;
mod lexer;
mod model;
mod notify;
mod numbers;
mod overrides;
mod parser;
mod paths;
mod place;
mod processes;
mod reading;
mod routes;
mod sources;
mod suggest;
mod tracking;
mod values;
mod weights;

pub use diagnosis::{Diagnosis, Fix, Origin, Severity};
pub use keywords::{Context, Form, Keyword};
pub use model::{
    BfdSession, Config, Garp, GarpGroup, Hmac, HmacKey, HmacMode, Instance, LinkDelay, Notify, Password,
    Peer, SyncGroup, TrackFile, TrackProcess, TrackScript, Tracked, Tracker, VRRP_GROUP, VRRP_GROUP6,
    Version, VirtualAddress, VirtualRoute,
};
pub use reading::load;
pub use sources::{Source, Sources};

/// A place in a configuration: file, and the bytes in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which file: an index into the list of files read, 0 for the main one.
    pub file: u16,
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}

impl Span {
    /// From here to the end of what stands behind it. What begins in a definition's text may stand elsewhere in the file
    /// than what follows it, and is pointed at alone.
    fn until(self, last: Span) -> Span {
        let in_order = self.file == last.file && self.start <= last.end;
        if in_order { Span { end: last.end, ..self } } else { self }
    }
}

/// How to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// keepalived's option `-i`: which `@id` lines are for this machine.
    pub id: Option<String>,
    /// Scalars of every `vrrp_instance`, keyword and value, as if they stood there instead of the file's own.
    /// A keyword that takes no value is switched by `on` and `off`; an empty value means `on`.
    pub with: Vec<(String, String)>,
    /// Whose reading it is: which version's lexer and clearing rules, and how the agent behaves.
    pub profile: crate::profile::Profile,
}

/// What was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What keepalived would run with.
    pub config: Config,
    /// What there is to say about it, in the order of the text.
    pub diagnoses: Vec<Diagnosis>,
    /// The texts the diagnoses point into.
    pub sources: Sources,
    /// The keywords of [`Options::with`] that are no scalar of a `vrrp_instance`.
    pub unmatched_with: Vec<String>,
}

impl Loaded {
    /// The worst there is to say.
    pub fn worst(&self) -> Option<Severity> {
        self.diagnoses.iter().map(|d| d.severity).min()
    }
}
