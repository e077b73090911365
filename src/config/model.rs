//! What a `keepalived.conf` means: the values in force after defaults, rounding and clearing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

use crate::time::Duration;
pub use crate::wire::vrrp::Version;

/// A configuration in force. It always exists: keepalived runs with what it could read, be it nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The `vrrp_instance` blocks that take part, in file order.
    pub instances: Vec<Arc<Instance>>,
    /// The `vrrp_sync_group` blocks, in file order.
    pub groups: Vec<SyncGroup>,
    /// The `vrrp_script` blocks that somebody tracks, in file order.
    pub scripts: Vec<TrackScript>,
    /// The `track_file` blocks that somebody tracks, in file order.
    pub files: Vec<TrackFile>,
    /// The `vrrp_track_process` blocks that somebody tracks, in file order.
    pub processes: Vec<TrackProcess>,
    /// The `bfd_instance` blocks, tracked or not, in file order.
    pub bfd: Vec<BfdSession>,
    /// The names of the interfaces that somebody tracks.
    pub interfaces: Vec<String>,
    /// `vrrp_startup_delay`: nothing of VRRP is done before this has passed.
    pub startup_delay: Duration,
    /// `vrrp_delay_after_boot`: nor before this has passed since the machine booted.
    pub delay_after_boot: Duration,
    /// `log_unknown_vrids`: advertisements for other virtual routers are told of.
    pub log_unknown_vrids: bool,
    /// `dynamic_interfaces`: an instance whose interface does not exist waits for it.
    pub dynamic_interfaces: bool,
    /// `interface_up_down_delays`.
    pub link_delays: Vec<LinkDelay>,
    /// The `garp_group` blocks: an interface is in one at most.
    pub garp_groups: Vec<GarpGroup>,
    /// `notify_fifo` and `vrrp_notify_fifo`: the pipes that are told of every transition.
    pub fifos: Vec<String>,
    /// `notify_fifo_script` and `vrrp_notify_fifo_script`: the programs that read those pipes, each with its pipe's path
    /// behind it.
    pub fifo_scripts: Vec<String>,
    /// `vrrp_notify_priority_changes`: and of every change of priority.
    pub notify_priority_changes: bool,
    /// `fifo_write_vrrp_states_on_reload`.
    pub fifo_states_on_reload: bool,
    /// keepalived refuses to run with this file at all (it exits 2), for this reason.
    pub refused: Option<String>,
}

/// One `vrrp_instance` in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name: `VI_1`.
    pub name: String,
    /// The `interface` keyword; absent where `unicast_src_ip` finds the interface.
    pub interface: Option<String>,
    /// `virtual_router_id`, 1..=255.
    pub vrid: u8,
    /// `version`.
    pub version: Version,
    /// `priority`, 1..=255; 255 is the address owner.
    pub priority: u8,
    /// `state MASTER` is in force: it was written, or priority 255 stands there without a `state`. Since 2.0 it
    /// has an effect at priority 255 only.
    pub starts_master: bool,
    /// `advert_int`, rounded as the version demands (whole seconds in v2, hundredths in v3).
    pub advert_interval: Duration,
    /// `down_timer_adverts`, 1..=100.
    pub down_timer_adverts: u8,
    /// `nopreempt`, unless it was cleared.
    pub nopreempt: bool,
    /// `preempt_delay`, zero when absent or cleared.
    pub preempt_delay: Duration,
    /// `authentication`: VRRPv2 only.
    pub password: Option<Password>,
    /// `unicast_src_ip` or `mcast_src_ip`.
    pub source: Option<IpAddr>,
    /// `unicast_peer`: present and not empty means unicast.
    pub peers: Vec<Peer>,
    /// Unicast was asked for and no peer is left: without `unicast_fault_no_peer` it advertises by multicast.
    pub lost_its_peers: bool,
    /// `unicast_fault_no_peer`: without a peer it is in FAULT.
    pub fault_without_peers: bool,
    /// `unicast_ttl`; without it 255 over IPv4, and the kernel's 64 over IPv6.
    pub unicast_ttl: Option<u8>,
    /// `check_unicast_src`, or a `min_ttl` or `max_ttl` of a peer: advertisements are taken from listed peers only.
    pub check_unicast_source: bool,
    /// The multicast group: `mcast_dst_ip`, or the family's own.
    pub group: IpAddr,
    /// `virtual_ipaddress`, in file order: what advertisements carry.
    pub addresses: Vec<VirtualAddress>,
    /// `virtual_ipaddress_excluded`, in file order: held and announced, never advertised.
    pub excluded: Vec<VirtualAddress>,
    /// `virtual_routes`, in file order.
    pub routes: Vec<VirtualRoute>,
    /// The `garp_*` keywords.
    pub garp: Garp,
    /// `lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// `old_unicast_checksum`: the v3 pseudo-header names 224.0.0.18 even in unicast.
    pub old_unicast_checksum: bool,
    /// `v3_checksum_as_v2`: VRRPv3 over IPv4 without a pseudo header, and any checksum is accepted.
    pub v3_checksum_as_v2: bool,
    /// `skip_check_adv_addr`: the addresses of a master heard before are not compared again.
    pub skip_check_addresses: bool,
    /// `auth_hmac`.
    pub hmac: Option<Hmac>,
    /// What is sent to its addresses is taken in: no `no_accept`, and no strict mode that implies it.
    pub accepts: bool,
    /// `owner_ignore_adverts`, at priority 255: it hears nobody.
    pub owner_ignores_adverts: bool,
    /// `promote_secondaries`: of two addresses in one subnet, the second one outlives the first.
    pub promotes_secondaries: bool,
    /// `track_interface`, `track_script`, `track_file` and `track_process`.
    pub tracked: Vec<Tracker>,
    /// Its own interface counts: there is no `dont_track_primary`.
    pub track_own_interface: bool,
    /// `track_src_ip`: FAULT while the source address is not on the interface.
    pub track_source: bool,
    /// `timer_expired_backup`: a master whose process stood still for more than the master down interval of a machine of this priority
    /// becomes backup.
    pub timer_expired_backup: Option<u8>,
    /// Which programs are told.
    pub notify: Notify,
    /// Which line decided a value: keyword -> where it stands. A default has no entry.
    pub decided: BTreeMap<&'static str, super::Span>,
}

/// A VRRPv2 simple text password: eight bytes, padded with zeros. `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Password(pub [u8; 8]);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

/// One line of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address, with /32 where no prefix was written.
    pub address: IpNet,
    /// `dev`, where it differs from the instance's interface.
    pub device: Option<String>,
    /// `no_track`: nothing happens when somebody removes it.
    pub no_track: bool,
}

/// A route of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualRoute {
    /// As `ip route add` takes it: `10.20.0.0/16 via 172.16.16.1`.
    pub route: String,
    /// `no_track`: nothing happens when somebody removes it.
    pub no_track: bool,
}

/// One line of `unicast_peer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// `min_ttl`, `max_ttl`: the TTL (hop limit) that its advertisements must arrive with.
    pub ttl: Option<(u8, u8)>,
}

/// A `vrrp_sync_group`: instances that are master together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroup {
    /// Its name.
    pub name: String,
    /// Its instances: indices into [`Config::instances`], in the group's order.
    pub members: Vec<usize>,
    /// What the group tracks; it counts for every member.
    pub tracked: Vec<Tracker>,
    /// `sync_group_tracking_weight`: members may have weights all the same.
    pub tracking_weight: bool,
    /// Which programs are told.
    pub notify: Notify,
}

/// Something whose state counts for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// What.
    pub what: Tracked,
    /// Zero: FAULT while it is bad. Positive: added while it is good. Negative: added while it is bad. Of a file: what
    /// its number is multiplied with. -253..=253.
    pub weight: i16,
    /// `reverse`: good and bad change places.
    pub reverse: bool,
}

/// What is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tracked {
    /// An interface's link: an index into [`Config::interfaces`].
    Interface(u16),
    /// A script's verdict: an index into [`Config::scripts`].
    Script(u16),
    /// A file's number: an index into [`Config::files`].
    File(u16),
    /// Whether a process runs: an index into [`Config::processes`].
    Process(u16),
    /// Whether a BFD session is up: an index into [`Config::bfd`].
    Bfd(u16),
}

/// A `vrrp_script`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackScript {
    /// Its name.
    pub name: String,
    /// `script`: the command line.
    pub command: String,
    /// `interval`: from the beginning of a run to the next.
    pub interval: Duration,
    /// `timeout`: a run that takes longer has failed. Without it, the interval.
    pub timeout: Duration,
    /// `rise`: successes in a row until it is good.
    pub rise: u32,
    /// `fall`: failures in a row until it is bad.
    pub fall: u32,
    /// `init_fail`: bad until its first success.
    pub init_fail: bool,
}

/// A `track_file` (old name `vrrp_track_file`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFile {
    /// Its name.
    pub name: String,
    /// `file`: its path.
    pub path: String,
    /// `init_file`: made with this number at the start, if it is not there.
    pub init: Option<i64>,
    /// `init_file N overwrite`: even if it is.
    pub overwrite: bool,
}

/// A `vrrp_track_process`: good while as many processes of its name run as should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackProcess {
    /// Its name.
    pub name: String,
    /// `process`: the file name of the executable.
    pub process: String,
    /// `quorum`, `quorum_max`: how many must run, and how many may.
    pub quorum: (u32, u32),
    /// `fork_delay`: how long it must have been good again to count as good.
    pub fork_delay: Duration,
    /// `terminate_delay`: how long it must have been bad to count as bad.
    pub terminate_delay: Duration,
}

/// A `bfd_instance`: whether a neighbour is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdSession {
    /// Its name.
    pub name: String,
    /// `neighbor_ip`.
    pub neighbour: IpAddr,
    /// `source_ip`; without it the address of the interface that leads to the neighbour.
    pub source: Option<IpAddr>,
    /// Its intervals, and how many packets may be missing.
    pub settings: crate::bfd::Settings,
    /// `ttl`, or `hoplimit`.
    pub ttl: u8,
    /// `max_hops`: how much less than that a received packet may have; 255 for any.
    pub hops_max: u8,
}

/// A `garp_group`: interfaces whose announcements keep a distance from each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GarpGroup {
    /// Their names.
    pub interfaces: Vec<String>,
    /// `garp_interval`: between two gratuitous ARPs; zero for none.
    pub interval: Duration,
    /// `gna_interval`: between two unsolicited neighbour advertisements; zero for none.
    pub gna_interval: Duration,
}

/// One line of `interface_up_down_delays`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkDelay {
    /// The interface's name.
    pub interface: String,
    /// How long a link must be down to count as down.
    pub down: Duration,
    /// How long it must be up to count as up.
    pub up: Duration,
}

/// The command lines of `notify_master` and its kin; keepalived appends nothing to them but to `notify`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// `notify_master`.
    pub master: Option<String>,
    /// `notify_backup`.
    pub backup: Option<String>,
    /// `notify_fault`.
    pub fault: Option<String>,
    /// `notify_stop`.
    pub stop: Option<String>,
    /// `notify`: every state, with four words appended.
    pub any: Option<String>,
    /// `notify_master_rx_lower_pri`.
    pub master_rx_lower_pri: Option<String>,
    /// `notify_priority_changes`: whether the pipes are told of priorities, where it is not as for all instances.
    pub priority_changes: Option<bool>,
}

/// `auth_hmac` (keepalived 2.4): an HMAC-SHA256 behind each advertisement, with a time that only grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hmac {
    /// Number and key.
    pub keys: Vec<(u8, HmacKey)>,
    /// `active_key`: the one to sign with.
    pub active: u8,
    /// `time_window`: how far a sender's clock may be off.
    pub window: Duration,
    /// `mode`.
    pub mode: HmacMode,
    /// `anti_replay time`: stamps are compared with this machine's clock. Otherwise they must only grow.
    pub by_time: bool,
}

/// A key of 32 to 64 bytes. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct HmacKey(pub Vec<u8>);

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HmacKey(***)")
    }
}

/// What is done about advertisements without a trailer. One that has a wrong trailer is refused in every mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HmacMode {
    /// They are refused.
    #[default]
    Enforce,
    /// They are taken: some machines do not sign yet.
    Permissive,
    /// They are taken, and own ones carry none either: some machines do not verify yet.
    ReceiveOnly,
}

/// When an instance announces its addresses by gratuitous ARP (spec: keepalived 2.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garp {
    /// `garp_master_delay`: the second burst comes this long after the takeover; zero for none.
    pub master_delay: Duration,
    /// `garp_master_repeat`: frames in a burst, for each address.
    pub master_repeat: u32,
    /// `garp_master_refresh`: a master announces again each time this has passed; zero for never.
    pub master_refresh: Duration,
    /// `garp_master_refresh_repeat`: frames in a refresh, for each address.
    pub master_refresh_repeat: u32,
    /// `garp_lower_prio_delay`: as `master_delay`, after a lower-priority advertisement was heard.
    pub lower_prio_delay: Duration,
    /// `garp_lower_prio_repeat`: frames in that burst, for each address; 0 for none.
    pub lower_prio_repeat: u32,
    /// `vrrp_garp_interval`: time between two frames of a burst; zero for none.
    pub interval: Duration,
    /// `vrrp_gna_interval`: the same for unsolicited neighbour advertisements.
    pub gna_interval: Duration,
}

impl Default for Garp {
    fn default() -> Self {
        let five = Duration::from_secs(5);
        Garp {
            master_delay: five,
            master_repeat: 5,
            master_refresh: Duration::ZERO,
            master_refresh_repeat: 1,
            lower_prio_delay: five,
            lower_prio_repeat: 5,
            interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
        }
    }
}

impl Instance {
    /// Whether advertisements go to the peers one by one.
    pub fn is_unicast(&self) -> bool {
        !self.peers.is_empty()
    }
    /// Whether it speaks over IPv6. Its first virtual address decides; without one, its source and its peers.
    pub fn is_ipv6(&self) -> bool {
        let first = self.addresses.first().map(|a| a.address.addr());
        let first = first.or(self.source).or(self.peers.first().map(|p| p.address));
        first.unwrap_or(self.group).is_ipv6()
    }
}

/// The multicast group of VRRP over IPv4 (RFC 9568 section 5.1.1.2).
pub const VRRP_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
/// The multicast group of VRRP over IPv6 (RFC 9568 section 5.1.2.2).
pub const VRRP_GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
