//! A run as a capture file: what `tcpdump` would have seen on every network interface at once.
//!
//! pcapng, one interface an ENI and one for the cloud's port (its name is `cloud`, its description says what it
//! is). A frame stands once at its sender, outbound, and once at each receiver, inbound; its time is the
//! machines' wall clock. A frame that was dropped or refused says so in its comment, with the cause and the line
//! of the script:
//!
//! * lost on the way: the comment is on the sender's frame;
//! * lost where it was to be received: on the receiver's, though the machine may be off and have seen nothing;
//! * a packet that never became a frame (nobody answered ARP, the cable is out): on the sender's, with a
//!   destination hardware address of zero where none was known;
//! * a claim that the cloud refuses: on the cloud's;
//! * an advertisement that the program rejects: on the receiver's;
//! * a frame of an attacker: on everybody's; a frame that was corrupted on its way: on the receiver's.
//!
//! Passwords of VRRPv2 are replaced, also where an ICMP error quotes them, and the checksums follow, so that a
//! capture can be shown to others. See [`Pcapng::with_secrets`].

mod blocks;
mod secrets;

use std::io::{self, Write};

use havip::program::Record as Said;
use havip::time::Time;

use self::blocks::Direction;
use super::{Observer, peek, words};
use crate::scenario::ActText;
use crate::world::{
    Act, EPOCH, FrameId, Kind, Look, Loss, Mark, Report, Segment, Setup, Verdict, Wants, What, Who,
};

/// Writes a run as a pcapng file while it goes by.
#[derive(Debug)]
pub struct Pcapng<W: Write> {
    out: W,
    /// The first error of `out`; nothing is written after it.
    error: Option<io::Error>,
    secrets: bool,
    /// The last act on each node: why it is off, or its cable out.
    acts: Vec<Option<u32>>,
    packets: Vec<Packet>,
    frames: u64,
}

/// A frame of the instant.
#[derive(Debug)]
struct Packet {
    frame: FrameId,
    at: Who,
    direction: Direction,
    kind: Kind,
    comments: Vec<String>,
}

impl<W: Write> Pcapng<W> {
    /// Begins a file: its interfaces are written at once.
    pub fn new(setup: &Setup, out: W) -> Pcapng<W> {
        let acts = vec![None; setup.nodes()];
        let mut file = Pcapng { out, error: None, secrets: false, acts, packets: Vec::new(), frames: 0 };
        let mut head = Vec::new();
        blocks::section(&mut head, &format!("scenario {}, seed {}", setup.name, setup.seed));
        for (node, index, eni) in setup.ports() {
            let role = if setup.cvm_of(node).is_some() { "machine" } else { "client" };
            let mut about = format!("{} of {role} {}, {}", eni.name, setup.name_of(node), eni.address);
            if let Some(own) = eni.ipv6 {
                about += &format!(", {own}");
            }
            blocks::interface(&mut head, &setup.eni_name(node, index), &about, Some(eni));
        }
        if let Segment::Vpc { net, .. } = &setup.segment {
            let about = format!("the cloud: where claims and ARP requests of {net} arrive");
            blocks::interface(&mut head, CLOUD, &about, None);
        }
        file.write(&head);
        file
    }

    /// Passwords stay as they were sent.
    #[must_use]
    pub fn with_secrets(mut self) -> Pcapng<W> {
        self.secrets = true;
        self
    }

    /// The file's writer and how many frames it got, or what went wrong with it.
    pub fn into_inner(mut self) -> io::Result<(W, u64)> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| (self.out, self.frames)),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.error = self.out.write_all(bytes).err();
        }
    }

    fn packet(&mut self, frame: FrameId, kind: Kind, at: Who, direction: Direction) -> &mut Packet {
        self.packets.push(Packet { frame, at, direction, kind, comments: Vec::new() });
        let last = self.packets.len() - 1;
        &mut self.packets[last]
    }

    /// A frame did not arrive: the comment goes where it was seen last.
    fn lost(&mut self, setup: &Setup, look: &dyn Look, report: &Report) {
        let What::Lost { frame, kind, to, cause } = report.what else { return };
        let why = self.why(setup, report.who, to, cause);
        let at_receiver = to.filter(|_| !matches!(cause, Loss::Cut(_) | Loss::Chance(_)));
        if let Some(to) = at_receiver {
            let known = self
                .packets
                .iter_mut()
                .find(|one| one.frame == frame && one.at == to && one.direction == Direction::Inbound);
            let comment = format!("dropped: {why}");
            match known {
                Some(packet) => packet.comments.push(comment),
                None => self.packet(frame, kind, to, Direction::Inbound).comments.push(comment),
            }
            return;
        }
        // A virtual switch that readdressed the frame lost its copy of it.
        let body = |id| look.frame(id).get(6..).unwrap_or_default();
        let sent = |one: &Packet| one.at == report.who && one.direction == Direction::Outbound;
        let same = self.packets.iter().position(|one| sent(one) && one.frame == frame);
        let like = || self.packets.iter().position(|one| sent(one) && body(one.frame) == body(frame));
        match same.or_else(like) {
            Some(i) => {
                let comment = match to {
                    Some(to) => format!("not delivered to {}: {why}", name(setup, to)),
                    None => format!("not delivered: {why}"),
                };
                self.packets[i].comments.push(comment);
            }
            None => {
                let comment = format!("never sent: {why}");
                self.packet(frame, kind, report.who, Direction::Outbound).comments.push(comment);
            }
        }
    }

    /// `cut (line 12)`, `the receiver is off (a powered off, line 12)`.
    fn why(&self, setup: &Setup, from: Who, to: Option<Who>, cause: Loss) -> String {
        let what = words::loss(cause);
        if let Some(act) = words::loss_act(cause).and_then(|act| setup.acts.get(act as usize)) {
            return format!("{what} (line {})", act.line);
        }
        let whose = match cause {
            Loss::NoCarrier => Some(from),
            Loss::ReceiverOff
            | Loss::ReceiverNoCarrier
            | Loss::SocketQueueFull
            | Loss::NoListener
            | Loss::DiedInQueue => to.or(Some(from)),
            _ => None,
        };
        let node = whose.and_then(Who::node);
        let act = node.and_then(|node| self.acts.get(usize::from(node.0)).copied().flatten());
        match act.and_then(|act| setup.acts.get(act as usize)) {
            Some(act) => format!("{what} ({}, line {})", words::cause(setup, &act.act), act.line),
            None => what.to_owned(),
        }
    }

    /// The program of a machine rejected what it had just received.
    fn rejected(&mut self, by: Who, why: &str) {
        let at_it = |one: &Packet| one.at.node() == by.node() && one.kind == Kind::Vrrp;
        let received = |one: &&mut Packet| at_it(one) && one.direction == Direction::Inbound;
        let all = self.packets.iter().filter(|one| at_it(one));
        let count = all.filter(|one| one.direction == Direction::Inbound).count();
        for packet in self.packets.iter_mut().filter(received) {
            packet.comments.push(match count {
                1 => format!("rejected: {why}"),
                n => format!("one of {n} that came at this instant was rejected: {why}"),
            });
        }
    }

    fn note_act(&mut self, setup: &Setup, index: u32) {
        let act = &setup.acts[index as usize].act;
        if let Some(node) = ActText::new(act, setup).about()
            && !matches!(act, Act::Reload(..))
        {
            self.acts[usize::from(node.0)] = Some(index);
        }
    }

    fn end_instant(&mut self, setup: &Setup, look: &dyn Look, at: Time) {
        let utc = at + EPOCH;
        let mut block = Vec::new();
        for packet in std::mem::take(&mut self.packets) {
            let mut bytes = look.frame(packet.frame).to_vec();
            if !self.secrets {
                secrets::mask(&mut bytes);
            }
            block.clear();
            let interface = interface_of(setup, packet.at);
            blocks::packet(&mut block, interface, utc, packet.direction, &bytes, &packet.comments);
            self.write(&block);
            self.frames += 1;
        }
    }
}

impl<W: Write> Observer for Pcapng<W> {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: true }
    }

    fn instant(&mut self, setup: &Setup, look: &dyn Look, reports: &[Report]) {
        let Some(first) = reports.first() else { return };
        for report in reports {
            match report.what {
                What::Sent { frame, kind } => {
                    let comment = marked(setup, look.mark(frame));
                    let packet = self.packet(frame, kind, report.who, Direction::Outbound);
                    packet.comments.extend(comment);
                }
                What::Received { frame, kind, .. } => {
                    let comment = marked(setup, look.mark(frame));
                    let packet = self.packet(frame, kind, report.who, Direction::Inbound);
                    packet.comments.extend(comment);
                }
                What::Act(index) => self.note_act(setup, index),
                _ => {}
            }
        }
        // A sender stands before its receivers in an instant: what became of a frame may be told before it came.
        for report in reports {
            match report.what {
                What::Lost { .. } => self.lost(setup, look, report),
                What::Claim { address, by, verdict: Verdict::Refused(refusal), .. } => {
                    let sent_by = |mac: &[u8]| setup.enis_of(by).any(|eni| eni.mac.0 == mac);
                    let heard = self.packets.iter_mut().find(|one| {
                        let frame = look.frame(one.frame);
                        one.at == Who::Cloud
                            && !one.comments.iter().any(|comment| comment.starts_with("refused"))
                            && peek::announced(frame) == Some(address)
                            && frame.get(6..12).is_some_and(sent_by)
                    });
                    if let Some(packet) = heard {
                        packet.comments.push(format!("refused by the cloud: {}", words::refusal(refusal)));
                    }
                }
                What::Record(_, Said::Rejected { why, .. }) => self.rejected(report.who, &why.to_string()),
                _ => {}
            }
        }
        self.end_instant(setup, look, first.at);
    }
}

/// What an act did to a frame: `corrupted (line 12)`.
fn marked(setup: &Setup, mark: Option<Mark>) -> Option<String> {
    let (word, act) = match mark? {
        Mark::Spoofed(act) => ("spoofed", act),
        Mark::Corrupted(act) => ("corrupted", act),
    };
    let line = setup.acts.get(act as usize).map_or(0, |act| act.line);
    Some(format!("{word} (line {line})"))
}

/// The interface of the cloud.
const CLOUD: &str = "cloud";

/// Interfaces stand in the order of ports; the cloud's is the last.
fn interface_of(setup: &Setup, who: Who) -> u32 {
    match who {
        Who::Node(node) => u32::from(node.0),
        Who::Eni(node, eni) => setup.port_of(node, eni).0.into(),
        Who::Cloud | Who::Script => setup.ports().count() as u32,
    }
}

fn name(setup: &Setup, who: Who) -> String {
    match who.node() {
        Some(node) => setup.eni_name(node, who.index()),
        None => CLOUD.to_owned(),
    }
}

#[cfg(test)]
mod tests;
