//! The havip agent: decides which machine announces a floating address, as keepalived does, by VRRP.
//!
//! Everything here is a function of events: no clock, no socket, no randomness, no hidden state. An
//! [`Agent`](agent::Agent) is a [`Program`](program::Program): an event and the machine's clocks go in, actions come
//! out, and the numbered rules of [`program`] are all that it and whoever drives it may count on. What drives it — the
//! daemon's shell on a machine, the event loop in a testbed — is told apart by nothing the agent can see.
//!
//! Nothing that comes from outside is an error to the caller or a panic: a packet is refused with a reason that is
//! recorded, and a configuration always means something, with diagnoses beside it:
//!
//! ```
//! use havip::config::{self, Options};
//! use havip::files::Files;
//!
//! let text = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    priorty 90\n}\n";
//! let loaded = config::load(&Files::single("pair.conf", text), &Options::default());
//! assert_eq!(loaded.config.instances[0].priority, 100, "keepalived skips what it does not know");
//! assert!(loaded.diagnoses.iter().any(|d| d.one_line(&loaded.sources).starts_with("pair.conf:4:5")));
//! ```

pub mod agent;
pub mod bfd;
pub mod config;
pub mod files;
pub mod profile;
pub mod program;
pub mod shell;
pub mod time;
pub mod vrrp;
pub mod wire;
