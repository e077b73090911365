//! VRRP as keepalived 2.2.7 speaks it: one [`VirtualRouter`] for each `vrrp_instance`.
//!
//! - `interval`: the arithmetic of skew time and master down interval;
//! - `timers`: what an instance waits for;
//! - `receive`: the checks an advertisement must pass, in keepalived's order;
//! - `transmit`: advertisements and gratuitous ARP as bytes;
//! - `router`: the state machine.

mod interval;
mod receive;
mod router;
mod timers;
mod transmit;

pub use interval::{master_down_interval, skew_time};
pub use router::{Place, VirtualRouter};
