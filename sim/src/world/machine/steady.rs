//! Beats are asked, not stepped: while nothing happens but one program's advertising to others that shrug at it, all that
//! changes is when each of them last did so.
//!
//! Every chance of a beat is a hash of its instant, so a row of beats needs no queue: when each timer fires, when each
//! packet leaves and arrives, whether it is lost, is what it would have been. A row ends before the first instant in
//! which anything else happens; what is not certain is not asked. Who wants to see every frame ([`Wants::beats`](crate::world::Wants)) gets
//! every beat stepped, and the same record; others are shown what is sent and what arrives.

use havip::program::{Action, Actions, Beat, InterfaceId, Now};
use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip::wire::ipv4;

use super::Running;
use super::outbox::Burst;
use crate::world::act::Kind;
use crate::world::addresses::{Change, Lease};
use crate::world::chance::Nth;
use crate::world::frames::PortId;
use crate::world::kinds::kind_of_packet;
use crate::world::links::Fate;
use crate::world::neighbours::Uses;
use crate::world::queue::Due;
use crate::world::report::{FrameId, Report, What};
use crate::world::setup::CvmId;
use crate::world::state::World;

/// What a program makes of a packet: [`havip::program::Program::shrugs_at`].
pub type Shrugs<'a> = &'a dyn Fn(CvmId, Now, InterfaceId, &[u8]) -> Option<Duration>;

/// A row of beats, and what came of it; its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Row {
    packets: Vec<Sent>,
    hops: Vec<Hop>,
    hearers: Vec<Hearer>,
    /// By machine: its place among the hearers.
    places: Vec<Option<u16>>,
    /// Until when the speaker's resolver knows where its packets go.
    until: Time,
    /// The addresses that each beat adds once more.
    renewals: Vec<Renewal>,
    /// Of one beat: when each of them is there.
    renewed: Vec<Time>,
    /// Of one beat: the port and the instant of each packet, and how many of that instant.
    sent: Vec<(PortId, Time, u16)>,
    /// Of one beat: which packet arrived where, and when.
    arrivals: Vec<(Time, Heard)>,
    /// Of the whole row, if somebody wants to see it: what was sent and what arrived, and when.
    shown: Vec<(Time, Shown)>,
}

/// A packet that arrived: its place among the beat's, and the port.
#[derive(Clone, Copy, Debug)]
struct Heard {
    packet: usize,
    port: PortId,
    /// Whose program got it, by its place among the hearers.
    hearer: Option<usize>,
}

/// What somebody sees of a packet, by its place among the beat's.
#[derive(Clone, Copy, Debug)]
enum Shown {
    Sent(usize),
    Received(usize, PortId),
}

/// A packet of each beat.
#[derive(Clone, Copy, Debug)]
struct Sent {
    from: PortId,
    kind: Kind,
    /// The hardware address it is for.
    mac: Mac,
    /// Whom the kernel gives it to; nobody for a group.
    next_hop: Option<std::net::IpAddr>,
    /// How many of the hops are its own.
    hops: usize,
}

/// Where it goes.
#[derive(Clone, Copy, Debug)]
struct Hop {
    to: PortId,
    latency: (Duration, Duration),
    /// A kernel looks at what comes there.
    is_open: bool,
    /// Whose program gets it, by its place among the hearers.
    hearer: Option<usize>,
}

/// An address that each beat adds once more.
#[derive(Clone, Copy, Debug)]
struct Renewal {
    port: PortId,
    address: std::net::IpAddr,
    lifetime: Option<Duration>,
    accept: bool,
    /// When it was there last, and until when it stays at the least.
    last: Time,
    stays: Time,
}

/// A program that shrugs at the beat.
#[derive(Clone, Copy, Debug)]
struct Hearer {
    cvm: CvmId,
    wait: Duration,
    deadline: Time,
    times: u32,
    last: Time,
}

impl Row {
    /// Nothing is known of a row yet but who speaks.
    fn begin(&mut self, speaker: Hearer) {
        for one in self.hearers.drain(..) {
            self.places[usize::from(one.cvm.0)] = None;
        }
        self.packets.clear();
        self.hops.clear();
        self.shown.clear();
        self.renewals.clear();
        self.until = Time::MAX;
        self.add_hearer(speaker);
    }

    /// Where a machine stands among the hearers, the speaker being the first.
    fn place_of(&self, cvm: CvmId) -> Option<usize> {
        self.places.get(usize::from(cvm.0)).copied().flatten().map(usize::from)
    }

    fn add_hearer(&mut self, one: Hearer) -> usize {
        let (place, index) = (self.hearers.len(), usize::from(one.cvm.0));
        if self.places.len() <= index {
            self.places.resize(index + 1, None);
        }
        self.places[index] = Some(place as u16);
        self.hearers.push(one);
        place
    }

    /// Shows a beat, in time order.
    fn show_beat(&mut self) {
        let begin = self.shown.len();
        let sent = self.sent.iter().enumerate().map(|(index, &(_, at, _))| (at, Shown::Sent(index)));
        let received = self.arrivals.iter().map(|&(at, one)| (at, Shown::Received(one.packet, one.port)));
        self.shown.extend(sent.chain(received));
        self.shown[begin..].sort_by_key(|&(at, _)| at);
    }

    /// How often each program's beat came, or was heard, and when last.
    pub(crate) fn of_each(&self) -> impl Iterator<Item = (CvmId, u32, Time)> + '_ {
        self.hearers.iter().filter(|one| one.times > 0).map(|one| (one.cvm, one.times, one.last))
    }
}

impl World {
    /// Whether a row of beats may begin: nothing is under way.
    pub(crate) fn is_still(&self) -> bool {
        !self.queue.has_frames() && self.held_back.is_empty() && !self.wants().beats
    }

    /// Whether a program only waits for its timer.
    fn only_waits(&self, cvm: CvmId) -> bool {
        let machine = &self.machines[usize::from(cvm.0)];
        let idle = machine.inbox.is_empty() && machine.outbox.is_empty() && machine.signals.is_empty();
        machine.running == Running::Yes
            && !machine.frozen
            && machine.reads_until <= self.now
            && !self.is_held(cvm)
            && idle
            && machine.fires > self.now
    }

    /// Whether its timer comes before anything happens but clients' probes and other programs' timers.
    pub(crate) fn has_room_for_beats(&self, cvm: CvmId) -> bool {
        let counts = |due, at| match due {
            Due::Client(_) | Due::Program(_) => Time::MAX,
            _ => at,
        };
        let fires = self.machines[usize::from(cvm.0)].fires;
        if !self.only_waits(cvm) {
            return false;
        }
        let over = fires + self.margin();
        let after = over + Duration::from_nanos(1);
        over < self.next_act_at() && self.queue.next_that_counts(after, counts) == after
    }

    /// A client that is asked sends a frame at the earliest this long before something else happens.
    fn margin(&self) -> Duration {
        self.longest_way() * 2 + self.setup.tick * 5
    }

    /// Lets a program's beats happen that are certain, those that are over by `end`. True if there were any; the row says
    /// what came of them, and whoever is in it has a new deadline. `None` if it is not certain what comes of a beat.
    pub(crate) fn keep_on(
        &mut self,
        (cvm, beat, packets): (CvmId, Beat, &Actions),
        end: Time,
        shrugs: Shrugs<'_>,
        row: &mut Row,
    ) -> Option<bool> {
        let now = self.now;
        // All that this instant has done is seen from the next one on.
        self.now = self.next_tick();
        let certain = self.find_hops((cvm, beat.every), packets, shrugs, row);
        let quiet = certain.map(|()| self.quiet_besides(cvm, end, row));
        self.now = now;
        Some(self.beat_until((cvm, beat), quiet?, row))
    }

    /// What a machine's clocks show at an instant.
    pub(crate) fn clock_of(&self, cvm: CvmId, at: Time) -> Now {
        self.userlands[usize::from(cvm.0)].clock.now(at)
    }

    /// Where the packets of a beat go, if that is certain and whoever gets them shrugs at them.
    fn find_hops(
        &self,
        (cvm, every): (CvmId, Duration),
        packets: &Actions,
        shrugs: Shrugs<'_>,
        row: &mut Row,
    ) -> Option<()> {
        let speaker = Hearer { cvm, wait: Duration::ZERO, deadline: Time::MAX, times: 0, last: Time::ZERO };
        row.begin(speaker);
        if !self.links.only_lose_and_delay() || !self.groups.are_empty() {
            return None;
        }
        let node = self.setup.node_of_cvm(cvm);
        // Timers are late, if never by as much as that.
        let uses = Uses { first: self.machines[usize::from(cvm.0)].fires + every, apart: every * 2 };
        for action in packets.iter() {
            if let Action::AddAddress { interface, address, lifetime, accept } = action {
                let port = self.port_of_interface(node, interface)?;
                self.find_renewal((port, address.addr()), lifetime, accept, row)?;
                continue;
            }
            let Action::SendPacket { interface, packet } = action else { return None };
            if !row.renewals.is_empty() {
                return None; // it would leave behind what the kernel is asked for
            }
            let (from, before) = (self.port_of_interface(node, interface)?, row.hops.len());
            let dst = ipv4::Packet::new(packet).ok()?.dst();
            if !self.nic(from).carrier {
                return None;
            }
            let (mut next_hop, mut to_mac) = (None, Mac::for_multicast(dst));
            if dst.is_multicast() {
                self.find_group(from, packet, shrugs, row)?;
            } else {
                let hop = self.nic(from).next_hop(dst.into(), self.in_vpc(), true)?;
                let (mac, until) = self.nic(from).neighbours.steady(hop, uses)?;
                (next_hop, to_mac, row.until) = (Some(hop), mac, row.until.min(until));
                // Where nothing in the VPC has the address, nobody hears it.
                if let Some(to) = self.certain_port(from, dst.into(), mac)? {
                    self.find_hearer(to, (dst, packet), shrugs, row)?;
                }
            }
            let hops = row.hops.len() - before;
            row.packets.push(Sent { from, kind: kind_of_packet(packet), mac: to_mac, next_hop, hops });
        }
        Some(())
    }

    /// An address that is there already is added once more: all that changes is until when it stays.
    fn find_renewal(
        &self,
        (port, address): (PortId, std::net::IpAddr),
        lifetime: Option<Duration>,
        accept: bool,
        row: &mut Row,
    ) -> Option<()> {
        let (nic, stays) = (self.nic(port), self.lease_ends(port, address));
        let is_there = nic.attached && nic.holds(address) && self.filters(nic.node, address) != accept;
        row.renewals.push(Renewal { port, address, lifetime, accept, last: Time::ZERO, stays });
        is_there.then_some(())
    }

    /// A group's packet: to everybody on a lan that knows its sender, to nobody in a VPC.
    fn find_group(&self, from: PortId, packet: &[u8], shrugs: Shrugs<'_>, row: &mut Row) -> Option<()> {
        let dst = ipv4::Packet::new(packet).ok()?.dst();
        if self.in_vpc() {
            return Some(());
        }
        let subnet = self.nic(from).subnet;
        if self.switches[usize::from(subnet)].port_of(self.now, self.nic(from).mac) != Some(from) {
            return None;
        }
        for to in (0..self.nics.len() as u16).map(PortId) {
            if to != from && self.nic(to).subnet == subnet {
                self.find_hearer(to, (dst, packet), shrugs, row)?;
            }
        }
        Some(())
    }

    /// Adds a hop to a port, if what happens there is certain.
    fn find_hearer(
        &self,
        to: PortId,
        (dst, packet): (std::net::Ipv4Addr, &[u8]),
        shrugs: Shrugs<'_>,
        row: &mut Row,
    ) -> Option<()> {
        let nic = self.nics.get(usize::from(to.0))?;
        let kernel = &self.kernels[usize::from(nic.node.0)];
        if kernel.paused {
            return None;
        }
        let is_open = kernel.powered && nic.carrier;
        let mut hop = Hop { to, latency: self.latency(to), is_open, hearer: None };
        if is_open {
            let protocol = ipv4::Packet::new(packet).ok()?.protocol().0;
            let listens = |cvm: &CvmId| self.machines[usize::from(cvm.0)].listens(to, protocol, dst.into());
            let listening = self.setup.cvm_of(nic.node).filter(listens);
            match listening {
                Some(cvm) => {
                    let wait = shrugs(cvm, self.clock_of(cvm, self.now), nic.interface(), packet)?;
                    let deadline = self.machines[usize::from(cvm.0)].deadline?;
                    let new = Hearer { cvm, wait, deadline, times: 0, last: Time::ZERO };
                    let known = row.place_of(cvm);
                    let certain = self.only_waits(cvm)
                        && known != Some(0)
                        && (dst.is_multicast() || self.node_holds(nic.node, dst.into()));
                    if !certain {
                        return None;
                    }
                    hop.hearer = Some(known.unwrap_or_else(|| row.add_hearer(new)));
                }
                None if dst.is_multicast() => {}
                None => return None, // its kernel answers that nobody listens
            }
        }
        row.hops.push(hop);
        Some(())
    }

    /// Until when nothing happens but a beat, what it moves, and probes whose fate is certain.
    fn quiet_besides(&self, cvm: CvmId, end: Time, row: &Row) -> Time {
        let (node, is_of_row) = (self.setup.node_of_cvm(cvm), |cvm: CvmId| row.place_of(cvm).is_some());
        debug_assert!(is_of_row(cvm));
        let counts = |due, at| match due {
            Due::Program(cvm) if is_of_row(cvm) => Time::MAX,
            Due::Client(client) if !self.wants().probes => self.certain_until(client).unwrap_or(at),
            Due::Kernel(of) if of == node && !row.renewals.is_empty() => Time::MAX,
            _ => at,
        };
        let renews = |lease: &Lease| {
            row.renewals.iter().any(|one| (one.port, one.address) == (lease.port, lease.address))
        };
        let kernel =
            if row.renewals.is_empty() { Time::MAX } else { self.kernel_due(node, |one| !renews(one)) };
        let end = end + Duration::from_nanos(1);
        self.queue.next_that_counts(self.next_act_at().min(kernel).min(end).min(row.until), counts)
    }

    fn beat_until(&mut self, (cvm, beat): (CvmId, Beat), quiet: Time, row: &mut Row) -> bool {
        let margin = self.margin();
        let machine = &self.machines[usize::from(cvm.0)];
        let Some(mut deadline) = machine.deadline else { return false };
        let (mut fires, mut burst) = (machine.fires, machine.burst);
        let (mut last_left, shows) = (Time::ZERO, self.wants().frames);
        while fires + margin < quiet {
            let timer = self.clock_of(cvm, fires);
            let before = deadline.as_nanos().saturating_sub(beat.every.as_nanos());
            if timer.mono >= beat.until || timer.mono.saturating_since(Time::from_nanos(before)) > beat.within
            {
                break;
            }
            let next_deadline = timer.mono + beat.every;
            let next_fires = self.fires_for(cvm, next_deadline);
            let (after, over) = self.one_beat((cvm, fires, burst), row);
            let is_waited_for = |one: &Hearer| {
                one.cvm == cvm
                    || self.userlands[usize::from(one.cvm.0)].clock.when(one.deadline) > over + margin
            };
            let stays = |one: &Renewal| one.stays > over + margin;
            if over + margin >= quiet.min(next_fires)
                || !row.hearers.iter().all(is_waited_for)
                || !row.renewals.iter().all(stays)
            {
                break;
            }
            burst = after;
            last_left = row.sent.last().map_or(fires, |&(_, left, _)| left);
            self.count_beat(row);
            if shows {
                row.show_beat();
            }
            let programs = row.arrivals.iter().filter_map(|&(at, heard)| Some((heard.hearer?, at)));
            for (hearer, at) in programs {
                let shown = self.clock_of(row.hearers[hearer].cvm, at).mono;
                let one = &mut row.hearers[hearer];
                (one.deadline, one.times, one.last) = (shown + one.wait, one.times + 1, at);
            }
            for (one, &at) in row.renewals.iter_mut().zip(&row.renewed) {
                (one.last, one.stays) = (at, one.lifetime.map_or(Time::MAX, |lifetime| at + lifetime));
            }
            let speaker = &mut row.hearers[0];
            (speaker.deadline, speaker.times, speaker.last) = (next_deadline, speaker.times + 1, fires);
            (deadline, fires) = (next_deadline, next_fires);
        }
        if row.hearers.first().is_none_or(|speaker| speaker.times == 0) {
            return false;
        }
        let fired = row.hearers[0].last;
        let machine = self.machine(cvm);
        (machine.burst, machine.fired) = (burst, fired);
        self.note_beats(last_left, row);
        true
    }

    /// When the packets of a beat leave and arrive. Says when the wire is free again, and when everything is over.
    fn one_beat(&self, (cvm, fires, mut burst): (CvmId, Time, Burst), row: &mut Row) -> (Burst, Time) {
        let (tick, mut over) = (self.setup.tick, fires);
        let Row { packets, hops, sent, arrivals, renewals, renewed, .. } = row;
        arrivals.clear();
        sent.clear();
        renewed.clear();
        let mut hops = hops.iter();
        for (index, packet) in packets.iter().enumerate() {
            let at = burst.leaves(self.host, cvm, fires);
            let leaves = at.round_up(tick).max(fires);
            // None leaves before the one in front of it.
            let of_instant = sent.iter().rev().take_while(|&&(_, when, _)| when == leaves);
            let n = of_instant.filter(|&&(from, ..)| from == packet.from).count() as u16;
            sent.push((packet.from, leaves, n));
            over = over.max(leaves);
            let nth = Nth { kind: packet.kind, at: leaves, n };
            for hop in hops.by_ref().take(packet.hops) {
                if let Fate::Arrives(at, _) = self.links.fate(packet.from, hop.to, nth, hop.latency, tick) {
                    over = over.max(at);
                    let heard = Heard { packet: index, port: hop.to, hearer: hop.hearer };
                    arrivals.extend(hop.is_open.then_some((at, heard)));
                }
            }
        }
        arrivals.sort_unstable_by_key(|&(at, heard)| (at, heard.port, heard.packet));
        let asked = burst.free_at.max(fires);
        for one in renewals {
            // Its kernel takes requests in turn, and has done none of them in the instant in which it was asked.
            let at = self.installed_at(one.port, asked, one.address).max(fires + tick);
            let at = renewed.last().map_or(at, |before| at.max(*before));
            renewed.push(at);
            over = over.max(at);
        }
        (burst, over)
    }

    /// Shows what of a row was sent and received.
    pub(crate) fn show(&mut self, packets: &Actions, row: &Row, show: &mut dyn FnMut(&World, &[Report])) {
        if row.shown.is_empty() {
            return;
        }
        let frames = self.frames_of(packets, row);
        let mut reports = std::mem::take(&mut self.reports);
        reports.extend(row.shown.iter().map(|&(at, shown)| {
            let (Shown::Sent(index) | Shown::Received(index, _)) = shown;
            let (frame, Sent { from, kind, .. }) = (frames[index], row.packets[index]);
            match shown {
                Shown::Sent(_) => Report { at, who: self.who(from), what: What::Sent { frame, kind } },
                Shown::Received(_, port) => {
                    let what = What::Received { frame, kind, from: self.who(from) };
                    Report { at, who: self.who(port), what }
                }
            }
        }));
        for instant in reports.chunk_by_mut(|one, next| one.at == next.at) {
            instant.sort_by_key(|report| report.who);
        }
        show(self, &reports);
        reports.clear();
        self.reports = reports;
        for frame in frames {
            self.frames.let_go(frame);
        }
        self.frames.sweep();
    }

    /// A beat's packets as frames.
    fn frames_of(&mut self, packets: &Actions, row: &Row) -> Vec<FrameId> {
        let sent = packets.iter().zip(&row.packets);
        sent.filter_map(|(action, sent)| {
            let Action::SendPacket { packet, .. } = action else { return None };
            let frame = self.frame_packet(sent.from, packet, sent.kind);
            self.frames.bytes_mut(frame)[..6].copy_from_slice(&sent.mac.0);
            Some(frame)
        })
        .collect()
    }

    /// What was sent counts as sent.
    fn count_beat(&mut self, row: &Row) {
        for (packet, &(from, at, _)) in row.packets.iter().zip(&row.sent) {
            self.count_sent_at(at, from, packet.kind);
        }
    }

    /// What the beats have left behind besides timers: who was spoken to last when.
    fn note_beats(&mut self, last_left: Time, row: &Row) {
        for packet in &row.packets {
            if let Some(next_hop) = packet.next_hop {
                let nic = self.nic_mut(packet.from);
                let (node, due) = (nic.node, nic.neighbours.deadline());
                nic.neighbours.note_used(next_hop, last_left);
                if nic.neighbours.deadline() != due {
                    self.arm_kernel(node);
                }
            }
            let (subnet, mac) = (usize::from(self.nic(packet.from).subnet), self.nic(packet.from).mac);
            if let Some(switch) = self.switches.get_mut(subnet) {
                switch.learn(last_left, mac, packet.from);
            }
        }
        for Renewal { port, address, lifetime, accept, last, .. } in row.renewals.iter().copied() {
            self.note_change(port, address, Change::Add { lifetime, accept }, last);
        }
        if let Some(one) = row.renewals.first() {
            self.arm_kernel(self.nic(one.port).node);
        }
    }
}
