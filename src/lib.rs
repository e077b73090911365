//! The havip agent: decides which machine announces a floating address, as keepalived does, by VRRP.
//!
//! Everything here is a function of events: no clock, no socket, no randomness, no hidden state. An
//! [`Agent`](agent::Agent) is a [`Program`](program::Program); what drives it — the daemon's shell on a machine, the
//! event loop in a testbed — is told apart by nothing the agent can see.

pub mod agent;
pub mod config;
pub mod files;
pub mod program;
pub mod time;
pub mod vrrp;
pub mod wire;
