//! A deterministic testbed for floating cloud addresses: the full agent against a simulated L2 segment.
//!
//! A scenario file names machines, their `keepalived.conf` files, what happens to them and what is expected. A run
//! of it is a function of the file and its seed: the same bytes on any machine. [`run`] does the whole of it;
//! [`harness()`] makes a folder of scenario files a test of any crate.
//!
//! ```
//! use havip_sim::run;
//! use havip_sim::scenario::{Script, load_keepalived};
//!
//! let text = "\
//! scenario alone
//! run 10s
//! lan 192.168.0.0/24
//! cvm a 192.168.0.5 keepalived alone.conf
//! client web 192.168.0.100 probe 192.168.0.10 every 10ms
//! expect by 4s master a   # 3 + (256-100)/256 = 3.609 s after its start
//! ";
//! let conf = "vrrp_instance VI_1 {
//!     interface eth0
//!     virtual_router_id 51
//!     virtual_ipaddress {
//!         192.168.0.10
//!     }
//! }";
//! let script = Script::parse("alone.scn", text).unwrap();
//! let scenario = script.prepare(&|_path| Ok(conf.to_owned()), &load_keepalived).unwrap();
//! let record = run::run(&scenario);
//! assert_eq!(record.failing(), 0, "{}", record.text());
//! ```
//!
//! What a run promises: it reads no clock, no environment and no randomness; its chance is a hash of the seed and of
//! what is drawn for; two runs of one scenario give the same record, in any process and any build. What it does not: that
//! the next version gives it too.
//!
//! Arrows run one way: `engine` drives `world`, which knows `cloud`; `scenario` and `observe` know the world, not
//! the engine; the world knows neither.

pub mod agree;
pub mod cli;
pub mod cloud;
pub mod engine;
pub mod explore;
#[cfg(test)]
mod flaws;
mod harness;
mod latch;
pub mod logs;
pub mod observe;
pub mod rules;
pub mod run;
pub mod scenario;
pub mod snapshot;
pub mod sweep;
pub mod trial;
pub mod world;

pub use harness::harness;
