//! Sync groups and what is told of them.

use crate::case::Case;

/// Groups.
pub fn cases() -> Vec<Case> {
    let group = |name| Case::pending(name, "a second interface, and sync groups");
    let notify = |name| Case::pending(name, "notify scripts and FIFO");
    vec![
        group("d03_sync_cable_eth1"),
        group("d03c_sync_kill9"),
        group("d03d_sync_term"),
        Case::pending("d03e_nosync_cable_eth1", "a second interface"),
        notify("d06_notify"),
        notify("d06b_notify_syncgroup"),
        notify("d06c_notify_reload_fifo_states"),
    ]
}
