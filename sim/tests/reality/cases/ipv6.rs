//! IPv6.

use crate::case::Case;

/// IPv6.
pub fn cases() -> Vec<Case> {
    let names = [
        "d01_v6_mcast_kill9",
        "d01b_v6_mcast_term",
        "d01c_v6_mcast_linklocal_vip_kill9",
        "d02_v6_unicast_kill9",
        "d02b_v6_unicast_term",
        "d02c_v6_garp_delay2_repeat3",
        "d21f_nointerval_5vips_v6",
    ];
    names.into_iter().map(|name| Case::pending(name, "IPv6")).collect()
}
