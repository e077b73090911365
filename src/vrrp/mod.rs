//! VRRP as keepalived speaks it: one [`VirtualRouter`] for each `vrrp_instance`.
//!
//! - `table`: the state machine, every state by every input; `table_page` prints it as `state-machine.md`;
//! - `router`: what an instance knows, and what can happen to it;
//! - `judge`: what happens made an input of the table; `perform`: what the table says done;
//! - `authenticate`: `auth_hmac`;
//! - `claims`: when and how the addresses are announced, and whether that is believed;
//! - `faults`: what keeps an instance from taking part;
//! - `interval`: the arithmetic of skew time and master down interval;
//! - `timers`: what an instance waits for;
//! - `receive`: the checks an advertisement must pass, in keepalived's order;
//! - `steady`: what an instance does again and again while nothing happens;
//! - `refused`: the reasons for refusing one, counted;
//! - `transmit`: advertisements and announcements as bytes;
//! - `place`: where on the machine all this is.

mod authenticate;
mod claims;
mod faults;
mod interval;
mod judge;
mod perform;
mod place;
mod receive;
mod refused;
mod router;
mod steady;
pub mod table;
pub mod table_page;
mod timers;
mod transmit;

pub use faults::{Fault, Faults};
pub use interval::{master_down_interval, skew_time};
pub use place::{Held, Place};
pub use receive::Datagram;
pub use router::{Notice, VirtualRouter};
