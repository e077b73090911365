//! What a script, an explorer or a lab does to a world: one closed list.

use havip::time::Duration;
use ipnet::IpNet;

pub use super::console::{ConsoleAct, Direction, GroupRule, Members, Traffic};
use super::setup::{CvmId, EniIndex, FileId, NodeId, ServiceId, TextId};
pub use super::spoof::{Forged, ForgedAdvert, Spoof, Wire};

/// One thing done to the world at an instant. Names are dense ids of a [`Setup`](super::Setup); the
/// script language (`scenario`) reads and prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The program starts (again) on a machine that is on.
    Start(CvmId),
    /// SIGTERM: the program ends in good order.
    Stop(CvmId),
    /// SIGKILL: the program ends, its kernel keeps what it had set.
    Kill(CvmId),
    /// Program and kernel vanish; addresses and tables are gone.
    PowerOff(CvmId),
    /// The machine boots and its program starts.
    PowerOn(CvmId),
    /// SIGSTOP: the program stands still, the kernel answers and its socket queue fills.
    Freeze(CvmId),
    /// SIGCONT.
    Thaw(CvmId),
    /// The hypervisor stops the whole virtual machine.
    Pause(CvmId),
    /// The virtual machine goes on; its clocks have run on.
    Resume(CvmId),
    /// The cable is pulled: carrier lost. The cable of one interface, or of all that the node has.
    Unplug(NodeId, Option<EniIndex>),
    /// The cable is back.
    Plug(NodeId, Option<EniIndex>),
    /// A further interface that was declared `off` is plugged into the running machine.
    Attach(NodeId, EniIndex),
    /// SIGHUP, the machine's configuration file now being this one, which takes the program so long to read.
    Reload(CvmId, FileId, Duration),
    /// What a `vrrp_script` of that name finds from its next run on.
    Script(CvmId, TextId, ScriptAct),
    /// The file of a `track_file` of that name is written with this text, or removed.
    File(CvmId, TextId, Option<TextId>),
    /// A service of a machine is, from now on, in this health.
    Service(ServiceId, CvmId, Health),
    /// The machine's wall clock is set forward or back by so many nanoseconds.
    ClockStep(CvmId, i64),
    /// The machine's clocks gain or lose so much from now on.
    ClockDrift(CvmId, Drift),
    /// Somebody deletes a route of the machine by hand, named as its program added it.
    DelRoute(CvmId, TextId),
    /// Somebody adds an address to the machine's interface by hand, or deletes one.
    Tamper(CvmId, Tamper, IpNet),
    /// Somebody at that machine or client puts frames on the wire that it would not send itself: by this interface, or
    /// by its first.
    Spoof(NodeId, Option<EniIndex>, Spoof),
    /// Every frame of these kinds on these paths is lost. `cut` is `drop` of all kinds.
    Drop(Kinds, Path),
    /// A share of the frames is lost, each by its own chance.
    Loss(Ppm, Kinds, Path),
    /// Frames take this long instead of the segment's latency.
    Delay(Duration, Duration, Path),
    /// A share of the frames arrives twice.
    Duplicate(Ppm, Path),
    /// In a share of the frames one bit is flipped on the way, somewhere behind the Ethernet header.
    Corrupt(Ppm, Path),
    /// A share of the frames is held back until the next frame on its path has passed it.
    Reorder(Ppm, Path),
    /// Ends every drop, loss, delay, duplication, corruption and reordering; given a pair, those of that pair.
    Heal(Option<Path>),
    /// The cloud does something else from now on.
    Cloud(CloudAct),
    /// A further interface is taken out of the running machine.
    Detach(NodeId, EniIndex),
    /// Somebody does something in the cloud's console.
    Console(ConsoleAct),
    /// Chance is another one's from now on: what has been drawn stays, what is drawn later is what it would be under this
    /// seed. Of one beginning so come many stories.
    Seed(u64),
}

/// How the cloud behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudAct {
    /// A binding follows its claim after this long (drawn between the two).
    BindDelay(Duration, Duration),
    /// It hears no claim.
    DropClaims,
    /// It hears claims again.
    HearClaims,
}

impl Act {
    /// Whether it is something that happens to the cluster, and so may be what an outage is of: that chance is another
    /// one's is not.
    pub const fn happens(&self) -> bool {
        !matches!(self, Act::Seed(_))
    }
    /// Shows every text that the act names.
    pub fn texts(&mut self, see: &mut impl FnMut(&mut TextId)) {
        match self {
            Act::Script(_, name, _) | Act::File(_, name, None) | Act::DelRoute(_, name) => see(name),
            Act::Spoof(.., Spoof { forged: Forged::Packet(text), .. }) => see(text),
            Act::File(_, name, Some(text)) => {
                see(name);
                see(text);
            }
            _ => {}
        }
    }
}

/// What becomes of a script's runs that begin from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptAct {
    /// They exit with 0, and take as long as scripts take.
    Up,
    /// They exit with 1.
    Down,
    /// They do not end.
    Hang,
    /// They take this long, whatever they exit with.
    Takes(Duration),
}

/// One end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// `*`: every port.
    Any,
    /// A machine or a client: every interface of it.
    Node(NodeId),
    /// One interface of a machine.
    Eni(NodeId, EniIndex),
    /// The cloud, where claims go.
    Cloud,
}

/// An ordered pair of ports, or both directions of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// Where frames come from.
    pub from: End,
    /// Where they go.
    pub to: End,
    /// `<->`: and the other way round.
    pub both: bool,
}

impl Path {
    /// Whether `heal pair` ends what stands on this path: one whose two ends are the pair's, in a direction the pair
    /// names. A machine's name is every interface of it.
    pub fn is_healed_by(self, pair: Path) -> bool {
        let is =
            |end: End, of: End| end == of || matches!((end, of), (End::Node(a), End::Eni(b, _)) if a == b);
        let same = is(pair.from, self.from) && is(pair.to, self.to);
        let turned = is(pair.from, self.to) && is(pair.to, self.from);
        same && (pair.both || !self.both) || turned && pair.both
    }
}

/// How a service is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// It accepts connections.
    #[default]
    Alive,
    /// Its process is gone: the kernel refuses connections.
    Dead,
    /// Its process stands still, connections that it does not accept fill its queue, and Linux drops new ones.
    Hung,
}

/// What is done to an address by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// `ip addr add`.
    Add,
    /// `ip addr del`.
    Del,
}

/// How fast a clock runs beside the world's: parts per million that it gains, or loses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Drift(pub i32);

impl Drift {
    /// No clock is further off: a tenth.
    pub const MOST: i32 = 100_000;
}

/// A chance in parts per million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ppm(pub u32);

/// What a frame is, as far as links and readers tell frames apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// IP protocol 112.
    Vrrp = 0,
    /// An ARP request or reply between two machines.
    Arp = 1,
    /// A gratuitous ARP: an announcement of the sender's own address, request or reply.
    Garp = 2,
    /// A client's probe or its answer (ICMP).
    Probe = 3,
    /// Anything else.
    Other = 4,
}

impl Kind {
    /// In the order of their numbers.
    pub const ALL: [Kind; 5] = [Kind::Vrrp, Kind::Arp, Kind::Garp, Kind::Probe, Kind::Other];
    /// The word of the script language.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Vrrp => "vrrp",
            Kind::Arp => "arp",
            Kind::Garp => "garp",
            Kind::Probe => "probe",
            Kind::Other => "other",
        }
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kinds(u8);

impl Kinds {
    /// Every kind: `all`.
    pub const ALL: Kinds = Kinds(0b1_1111);
    /// No kind.
    pub const NONE: Kinds = Kinds(0);
    /// This set and one more.
    pub const fn with(self, kind: Kind) -> Kinds {
        Kinds(self.0 | 1 << kind as u8)
    }
    /// Whether it holds that kind.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}
