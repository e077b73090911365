//! `keepalived.conf`: text to words to blocks to a [`Config`], with diagnoses that point at the byte.

mod model;

pub use model::{Config, Garp, Instance, Password, VRRP_GROUP, Version, VirtualAddress};

/// A place in a configuration: file, and the bytes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which file: an index into the list of files read, 0 for the main one.
    pub file: u16,
    /// The first byte.
    pub start: u32,
    /// Behind the last byte.
    pub end: u32,
}
/// Stub.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// id
    pub id: Option<String>,
    /// with
    pub with: Vec<(String, String)>,
}
/// Stub.
#[derive(Debug)]
pub struct Loaded {
    /// config
    pub config: Config,
}
/// Stub.
pub fn load(_: &crate::files::Files, _: &Options) -> Loaded {
    Loaded { config: Config::default() }
}
