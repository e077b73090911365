//! The cloud's API server: HAVIPs, elastic IPs, network interfaces and VPCs over the Tencent Cloud API 3.0, for real
//! clients, and a page for people.
//!
//! What the cloud is, is `havip_sim::cloud::model`; this crate gives it a clock, a disk, a network port and the API's
//! own words. An answered request is stored: what a client was told survives the end of the process at any instant.
//!
//! The map: `server` accepts connections and bounds what they may cost, `gate` reads a request and answers in the
//! API's envelope, `sign` verifies who sent it, `api` is the table of actions and what each does, `state` is the one
//! place where the model is touched, `store` writes its changes down, `control` is `/_havip/`, `page` is `/`, `lab`
//! runs machines behind it.

pub mod api;
pub mod civil;
pub mod cli;
pub mod clock;
pub mod control;
pub mod gate;
pub mod keys;
pub mod lab;
pub mod limiter;
pub mod page;
pub mod server;
pub mod sign;
pub mod state;
pub mod store;
pub mod texts;
