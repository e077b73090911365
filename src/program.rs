//! The contract between a program and the machine it runs on.
//!
//! A [`Program`] is a function of its history: an event goes in, actions come out. It never blocks, never
//! reads a clock, never draws a random number. Whoever drives it — the daemon's shell, the event loop of the
//! testbed — keeps these rules, and may count on nothing else:
//!
//! 1. Events come in time order: [`Now::mono`] never goes back.
//! 2. All actions of a step are carried out, in order, before the next step.
//! 3. [`Event::Timer`] comes no earlier than [`Program::deadline`]; it may come late (a busy or a frozen
//!    machine), and [`Now`] tells how late.
//! 4. [`Event::Start`] comes first and once. After [`Action::Exit`] nothing comes any more, and nothing that the
//!    same step asked for after it is done.
//! 5. Every [`Action::AddAddress`] and [`Action::RemoveAddress`] is answered by one [`Event::Address`].
//! 6. What a program asks of its kernel, the kernel has done at a later instant, never at the same one.
//! 7. Every [`Action::RunScript`] is answered by one [`Event::Script`], after an [`Action::KillScript`] as well;
//!    every [`Action::WatchFile`] by an [`Event::File`], every [`Action::WatchProcess`] by an [`Event::Process`], and
//!    by one more after each change.
//! 8. Instead of stepping a program through what only happens over and over, whoever drives it may ask what that would be
//!    ([`Program::beat`], [`Program::shrugs_at`]) and then say how often it was ([`Program::keep_on`]). The program is
//!    then as it would be after as many steps.
//!
//! No protocol is named here: keepalived's agent is one program, Pacemaker's and Heartbeat's models are others.

use std::fmt;
use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;

use crate::files::Files;
use crate::time::{Duration, Time};
use crate::wire::ethernet::Mac;

/// The machine's own two clocks, read once for each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// `CLOCK_MONOTONIC`: deadlines are on this time line.
    pub mono: Time,
    /// `CLOCK_REALTIME`, since the Unix epoch; may step either way.
    pub utc: Time,
}

/// A network interface, by the kernel's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceId(pub u16);

/// What a program finds on its machine when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's index of it.
    pub id: InterfaceId,
    /// `eth0`.
    pub name: String,
    /// Its hardware address.
    pub mac: Mac,
    /// The addresses on it, the primary one first; an address left behind by a killed program among them.
    pub addresses: Vec<IpNet>,
    /// Up and with carrier.
    pub up: bool,
}

/// Something that happened to a program's machine.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The program has started on a machine with these interfaces.
    Start {
        /// In the kernel's order.
        interfaces: &'a [Interface],
        /// When the machine booted, on its monotonic clock.
        booted: Time,
    },
    /// An IP packet of a protocol the program listens to, the IP header included.
    Packet {
        /// Where it came in.
        interface: InterfaceId,
        /// As received: any bytes at all.
        packet: &'a [u8],
    },
    /// An ARP or neighbour discovery frame, to a program that listens to them. Frames and packets of one instant come
    /// in the order in which they reached the machine, whichever of its sockets they came to.
    Neighbour {
        /// Where it came in.
        interface: InterfaceId,
        /// The whole Ethernet frame: any bytes at all.
        frame: &'a [u8],
    },
    /// The deadline has passed.
    Timer,
    /// An interface gained or lost its carrier, or was set up or down.
    Link {
        /// Which.
        interface: InterfaceId,
        /// Its state now.
        up: bool,
    },
    /// An interface is there that was not: somebody plugged in a card, or made a link.
    Appeared {
        /// As it is now.
        interface: &'a Interface,
    },
    /// An address came or went.
    Address {
        /// Where.
        interface: InterfaceId,
        /// Which.
        address: IpAddr,
        /// What happened to it.
        change: AddressChange,
    },
    /// Somebody else removed a route that the program had added.
    RouteVanished {
        /// As it was in [`Action::AddRoute`].
        route: &'a str,
    },
    /// A script that the program had run has ended.
    Script {
        /// Which.
        script: ScriptId,
        /// How.
        result: ScriptResult,
    },
    /// A watched file was written, or is gone.
    File {
        /// Which.
        file: WatchId,
        /// What stands in it; nothing when there is no such file.
        text: Option<&'a str>,
    },
    /// So many processes of a watched name run, or run now.
    Process {
        /// Which.
        watch: WatchId,
        /// How many; what stands still runs too.
        running: u32,
    },
    /// The files changed and the program is to read them again (SIGHUP).
    Reload {
        /// As they are now.
        files: &'a Files,
    },
    /// The program is to end in good order (SIGTERM).
    Stop,
}

/// One of a program's scripts, by its own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScriptId(pub u16);

/// One of the files or processes a program watches, by its own number; files and processes are numbered apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchId(pub u16);

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptResult {
    /// With this exit code.
    Exited(u8),
    /// By a signal.
    Killed,
}

/// What happened to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressChange {
    /// It is on the interface, as the program asked.
    Added,
    /// It is gone, as the program asked.
    Removed,
    /// The kernel refused what the program asked.
    Failed,
    /// Someone else added it.
    AppearedByOther,
    /// Someone else removed it.
    VanishedByOther,
}

/// Something a program asks of its machine.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// Receive packets of an IP protocol from now on.
    Listen {
        /// Where.
        interface: InterfaceId,
        /// The protocol number: 112 for VRRP.
        protocol: u8,
        /// A multicast group to join.
        group: Option<IpAddr>,
    },
    /// Send an IP packet, header included: the kernel resolves the next hop, frames it and, for IPv4, fills
    /// in nothing (the header checksum is the program's).
    SendPacket {
        /// Where it leaves.
        interface: InterfaceId,
        /// The whole packet.
        packet: &'a [u8],
    },
    /// Send an Ethernet frame as it is: gratuitous ARP, unsolicited neighbour advertisements.
    SendFrame {
        /// Where it leaves.
        interface: InterfaceId,
        /// The whole frame, without its check sequence.
        frame: &'a [u8],
    },
    /// Put an address on an interface.
    AddAddress {
        /// Where.
        interface: InterfaceId,
        /// With its prefix length.
        address: IpNet,
        /// How long it stays without being added again; for ever if nothing is said. The kernel counts whole
        /// seconds.
        lifetime: Option<Duration>,
        /// The kernel takes packets for it. Where it does not, a packet filter's rule drops them; ARP and neighbour
        /// discovery are answered all the same. The rule goes with the address.
        accept: bool,
    },
    /// Take an address off an interface.
    RemoveAddress {
        /// Where.
        interface: InterfaceId,
        /// With its prefix length.
        address: IpNet,
    },
    /// Set the interface's `promote_secondaries`: when the first address of an IPv4 subnet is taken off, the subnet's
    /// other addresses stay. Linux takes them off with it by default.
    PromoteSecondaries {
        /// Which.
        interface: InterfaceId,
    },
    /// Add a route; one that is there stays. What a kernel refuses, nobody is told of.
    AddRoute {
        /// As `ip route add` takes it.
        route: &'a str,
    },
    /// Remove a route, if it is there.
    RemoveRoute {
        /// As it was added.
        route: &'a str,
    },
    /// Name something the program will report about.
    Subject {
        /// How later records refer to it.
        id: Subject,
        /// What makes subjects of different machines the same thing: the virtual router.
        group: u32,
        /// For people: `VI_1`.
        name: &'a str,
    },
    /// Run a script and say how it ended. A number that is still running is not run twice.
    RunScript {
        /// How [`Event::Script`] will name it.
        script: ScriptId,
        /// Its command line.
        command: &'a str,
    },
    /// End a script that takes too long (SIGTERM).
    KillScript {
        /// Which.
        script: ScriptId,
    },
    /// Run a program that is told something; nobody waits for it.
    Notify {
        /// Its command line.
        command: &'a str,
    },
    /// Write a line into a named pipe.
    WriteFifo {
        /// The pipe's path.
        path: &'a str,
        /// The line, without its end.
        line: &'a str,
    },
    /// Tell what stands in a file, once at once and then whenever it changes.
    WatchFile {
        /// How [`Event::File`] will name it.
        file: WatchId,
        /// Its path.
        path: &'a str,
    },
    /// Tell how many processes of a name run, once at once and then whenever that changes.
    WatchProcess {
        /// How [`Event::Process`] will name it.
        watch: WatchId,
        /// The file name of the executable: `haproxy`.
        name: &'a str,
    },
    /// Hand over ARP frames and neighbour advertisements as they come in, with [`Event::Neighbour`].
    WatchNeighbours {
        /// Where.
        interface: InterfaceId,
    },
    /// A fact for whoever watches.
    Record(Record),
    /// The program has ended.
    Exit,
}

/// One of the things a program looks after, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject(pub u16);

/// What a program is to a shared address, in the words of VRRP, which every user knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Not taking part: not started yet, stopped, or taken out of the configuration.
    Init,
    /// Ready to take over.
    Backup,
    /// Announces the address.
    Master,
    /// Unable to take part.
    Fault,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Role::Init => "INIT",
            Role::Backup => "BACKUP",
            Role::Master => "MASTER",
            Role::Fault => "FAULT",
        })
    }
}

/// A fact a program states about itself. `Copy`, and rendered only when somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Record {
    /// It changed what it is to an address.
    Transition {
        /// Of what.
        subject: Subject,
        /// Before.
        from: Role,
        /// After.
        to: Role,
        /// The cause.
        why: Why,
    },
    /// It received something and refused it; counted and folded.
    Rejected {
        /// For what.
        subject: Subject,
        /// The reason.
        why: Why,
    },
    /// It announces an address: the cause of the claims that follow, until the next such record.
    Claims {
        /// For what.
        subject: Subject,
        /// The cause of the announcement: `garp_master_delay 5`, or nothing for the takeover itself.
        why: Why,
    },
    /// Anything else worth a line.
    Note {
        /// About what, if about one thing.
        subject: Option<Subject>,
        /// The text.
        why: Why,
    },
}

/// A cause in words: a fixed text whose `{}` stand for values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Why {
    /// `no advert for {} s (priority {})`.
    pub text: &'static str,
    /// What the `{}` stand for, in order.
    pub values: [Value; 3],
}

/// One value in a [`Why`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value {
    /// Prints as nothing.
    #[default]
    None,
    /// A whole number.
    Number(i64),
    /// Seconds, to the microsecond at most; trailing zeros are not printed.
    Seconds(Duration),
    /// An address.
    Address(IpAddr),
}

impl Why {
    /// No cause worth naming.
    pub const NONE: Why = Why::new("");

    /// A text without values.
    pub const fn new(text: &'static str) -> Why {
        Why { text, values: [Value::None; 3] }
    }
    /// A text with up to three values.
    pub fn with<const N: usize>(text: &'static str, given: [Value; N]) -> Why {
        debug_assert!(N <= 3 && text.matches("{}").count() == N, "{text}: {N} values");
        let mut values = [Value::None; 3];
        for (slot, value) in values.iter_mut().zip(given) {
            *slot = value;
        }
        Why { text, values }
    }
    /// Whether there is nothing to say.
    pub const fn is_none(&self) -> bool {
        self.text.is_empty()
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut values = self.values.iter();
        let mut parts = self.text.split("{}");
        f.write_str(parts.next().unwrap_or(""))?;
        for part in parts {
            match values.next().copied().unwrap_or_default() {
                Value::None => {}
                Value::Number(n) => write!(f, "{n}")?,
                Value::Address(a) => write!(f, "{a}")?,
                Value::Seconds(d) => {
                    let text = d.display(6).to_string();
                    f.write_str(text.trim_end_matches('0').trim_end_matches('.'))?;
                }
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// What a program does at its timer over and over, as long as nothing else happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// Its deadline is this much later than the timer came.
    pub every: Duration,
    /// It does something else at a timer that comes later than this behind the one before it,
    pub within: Duration,
    /// and at one that does not come before this time of the monotonic clock.
    pub until: Time,
}

/// What lives in time on a machine; see the rules at the top of this module.
pub trait Program {
    /// Takes one event and says what to do about it. `out` is empty on entry.
    fn step(&mut self, now: Now, event: Event<'_>, out: &mut Actions);
    /// When to be called with [`Event::Timer`] at the latest, on the monotonic clock.
    fn deadline(&self) -> Option<Time>;

    /// Whether what it is going to do at its timer is to send some packets, to add once more addresses that it has, and
    /// nothing else, and to do the same again at the next. Numbers in packets may count on. It takes no notice of the
    /// answer that it has those addresses.
    fn beat(&self) -> Option<Beat> {
        None
    }
    /// What it does at its next beat, if it has one.
    fn push_beat(&self, _out: &mut Actions) {}
    /// Whether a packet would make it do nothing but move its deadline, and the same one again and again: then how long
    /// behind the packet that will be. True of every packet that comes before the deadline.
    fn shrugs_at(&self, _now: Now, _interface: InterfaceId, _packet: &[u8]) -> Option<Duration> {
        None
    }
    /// Its beat, or the packet it shrugs at, came so many times, and last now.
    fn keep_on(&mut self, _times: u32, _last: Now) {}
}

/// The actions of one step, in order. Keeps its memory from step to step: a step of steady state allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Actions {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Entry {
    Listen { interface: InterfaceId, protocol: u8, group: Option<IpAddr> },
    SendPacket { interface: InterfaceId, packet: Range<usize> },
    SendFrame { interface: InterfaceId, frame: Range<usize> },
    AddAddress { interface: InterfaceId, address: IpNet, lifetime: Option<Duration>, accept: bool },
    RemoveAddress { interface: InterfaceId, address: IpNet },
    PromoteSecondaries { interface: InterfaceId },
    AddRoute { route: Range<usize> },
    RemoveRoute { route: Range<usize> },
    Subject { id: Subject, group: u32, name: Range<usize> },
    RunScript { script: ScriptId, command: Range<usize> },
    KillScript { script: ScriptId },
    Notify { command: Range<usize> },
    WriteFifo { path: Range<usize>, line: Range<usize> },
    WatchFile { file: WatchId, path: Range<usize> },
    WatchProcess { watch: WatchId, name: Range<usize> },
    WatchNeighbours { interface: InterfaceId },
    Record(Record),
    Exit,
}

impl Actions {
    /// No actions yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Forgets all actions and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
    }
    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
    /// Adds an action.
    pub fn push(&mut self, action: Action<'_>) {
        let entry = match action {
            Action::Listen { interface, protocol, group } => Entry::Listen { interface, protocol, group },
            Action::SendPacket { interface, packet } => {
                Entry::SendPacket { interface, packet: self.keep(packet) }
            }
            Action::SendFrame { interface, frame } => Entry::SendFrame { interface, frame: self.keep(frame) },
            Action::AddAddress { interface, address, lifetime, accept } => {
                Entry::AddAddress { interface, address, lifetime, accept }
            }
            Action::PromoteSecondaries { interface } => Entry::PromoteSecondaries { interface },
            Action::RemoveAddress { interface, address } => Entry::RemoveAddress { interface, address },
            Action::AddRoute { route } => Entry::AddRoute { route: self.keep(route.as_bytes()) },
            Action::RemoveRoute { route } => Entry::RemoveRoute { route: self.keep(route.as_bytes()) },
            Action::Subject { id, group, name } => {
                Entry::Subject { id, group, name: self.keep(name.as_bytes()) }
            }
            Action::RunScript { script, command } => {
                Entry::RunScript { script, command: self.keep(command.as_bytes()) }
            }
            Action::KillScript { script } => Entry::KillScript { script },
            Action::Notify { command } => Entry::Notify { command: self.keep(command.as_bytes()) },
            Action::WriteFifo { path, line } => {
                Entry::WriteFifo { path: self.keep(path.as_bytes()), line: self.keep(line.as_bytes()) }
            }
            Action::WatchFile { file, path } => Entry::WatchFile { file, path: self.keep(path.as_bytes()) },
            Action::WatchProcess { watch, name } => {
                Entry::WatchProcess { watch, name: self.keep(name.as_bytes()) }
            }
            Action::WatchNeighbours { interface } => Entry::WatchNeighbours { interface },
            Action::Record(record) => Entry::Record(record),
            Action::Exit => Entry::Exit,
        };
        self.entries.push(entry);
    }
    /// Adds the sending of an IP packet of `len` bytes, which `write` fills in place.
    pub fn push_packet(&mut self, interface: InterfaceId, len: usize, write: impl FnOnce(&mut [u8])) {
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        write(&mut self.bytes[start..]);
        self.entries.push(Entry::SendPacket { interface, packet: start..start + len });
    }
    /// The actions in the order they were asked.
    pub fn iter(&self) -> impl Iterator<Item = Action<'_>> {
        self.entries.iter().map(|entry| match entry {
            Entry::Listen { interface, protocol, group } => {
                Action::Listen { interface: *interface, protocol: *protocol, group: *group }
            }
            Entry::SendPacket { interface, packet } => {
                Action::SendPacket { interface: *interface, packet: &self.bytes[packet.clone()] }
            }
            Entry::SendFrame { interface, frame } => {
                Action::SendFrame { interface: *interface, frame: &self.bytes[frame.clone()] }
            }
            &Entry::AddAddress { interface, address, lifetime, accept } => {
                Action::AddAddress { interface, address, lifetime, accept }
            }
            Entry::PromoteSecondaries { interface } => Action::PromoteSecondaries { interface: *interface },
            Entry::RemoveAddress { interface, address } => {
                Action::RemoveAddress { interface: *interface, address: *address }
            }
            Entry::AddRoute { route } => Action::AddRoute { route: self.text(route) },
            Entry::RemoveRoute { route } => Action::RemoveRoute { route: self.text(route) },
            Entry::Subject { id, group, name } => {
                Action::Subject { id: *id, group: *group, name: self.text(name) }
            }
            Entry::RunScript { script, command } => {
                Action::RunScript { script: *script, command: self.text(command) }
            }
            Entry::KillScript { script } => Action::KillScript { script: *script },
            Entry::Notify { command } => Action::Notify { command: self.text(command) },
            Entry::WriteFifo { path, line } => {
                Action::WriteFifo { path: self.text(path), line: self.text(line) }
            }
            Entry::WatchFile { file, path } => Action::WatchFile { file: *file, path: self.text(path) },
            Entry::WatchProcess { watch, name } => {
                Action::WatchProcess { watch: *watch, name: self.text(name) }
            }
            Entry::WatchNeighbours { interface } => Action::WatchNeighbours { interface: *interface },
            Entry::Record(record) => Action::Record(*record),
            Entry::Exit => Action::Exit,
        })
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    fn keep(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_prints_its_values_in_order() {
        let why = Why::with(
            "no advert for {} s (priority {})",
            [Value::Seconds(Duration::from_micros(3_609_375)), Value::Number(100)],
        );
        assert_eq!(why.to_string(), "no advert for 3.609375 s (priority 100)");
        assert_eq!(Why::NONE.to_string(), "");
    }

    #[test]
    fn actions_come_out_as_they_went_in() {
        let mut actions = Actions::new();
        let eth0 = InterfaceId(2);
        actions.push(Action::SendPacket { interface: eth0, packet: b"one" });
        actions.push(Action::SendFrame { interface: eth0, frame: b"three" });
        actions.push(Action::Exit);
        let seen: Vec<String> = actions.iter().map(|a| format!("{a:?}")).collect();
        assert_eq!(seen.len(), 3);
        assert!(seen[0].contains("[111, 110, 101]"), "{}", seen[0]);
        actions.clear();
        assert!(actions.is_empty());
    }
}
