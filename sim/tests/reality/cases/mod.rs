//! Every measured case, a file for each family.

mod crafted;
mod garp;
mod groups;
mod heal;
mod ipv6;
mod notify;
mod reload;
mod shared;
mod startup;
mod takeover;
mod tracking;

use crate::case::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    let families = [
        startup::cases(),
        takeover::cases(),
        garp::cases(),
        heal::cases(),
        reload::cases(),
        groups::cases(),
        tracking::cases(),
        ipv6::cases(),
        crafted::cases(),
    ];
    families.into_iter().flatten().map(shared::rows).collect()
}
