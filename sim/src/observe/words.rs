//! What people call things: acts, causes of loss, reasons of refusal, expectations.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;

use crate::scenario::{Expect, Fact};
use crate::world::{
    Act, CloudAct, CvmId, End, HavipId, Kind, Kinds, Life, Loss, NodeId, Path, Ppm, Refusal, Setup,
};

/// How a record names an act.
pub trait ActText {
    /// What is done, in the script's words; the machine or client it is done to is in its own column.
    fn act(&self, setup: &Setup, act: &Act) -> String;
    /// The same as the cause of something: `a powered off`.
    fn cause(&self, setup: &Setup, act: &Act) -> String;
}

/// The words of this module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words;

impl ActText for Words {
    fn act(&self, setup: &Setup, act: &Act) -> String {
        match *act {
            Act::Start(_) => "start".into(),
            Act::Stop(_) => "stop (SIGTERM)".into(),
            Act::Kill(_) => "kill -9".into(),
            Act::PowerOff(_) => "power off".into(),
            Act::PowerOn(_) => "power on".into(),
            Act::Freeze(_) => "freeze (SIGSTOP)".into(),
            Act::Thaw(_) => "thaw (SIGCONT)".into(),
            Act::Pause(_) => "pause".into(),
            Act::Resume(_) => "resume".into(),
            Act::Unplug(_) => "cable out".into(),
            Act::Plug(_) => "cable in".into(),
            Act::Reload(_, file) => match setup.files.get(usize::from(file.0)) {
                Some(files) => format!("reload with {}", files.main),
                None => "reload".into(),
            },
            Act::Drop(Kinds::ALL, path) => format!("cut {}", path_text(setup, path)),
            Act::Drop(kinds, path) => format!("drop {} {}", kinds_text(kinds), path_text(setup, path)),
            Act::Loss(share, Kinds::ALL, path) => {
                format!("loss {} {}", percent(share), path_text(setup, path))
            }
            Act::Loss(share, kinds, path) => {
                format!("loss {} {} {}", percent(share), kinds_text(kinds), path_text(setup, path))
            }
            Act::Delay(from, to, path) => format!("delay {} {}", range(from, to), path_text(setup, path)),
            Act::Duplicate(share, path) => format!("duplicate {} {}", percent(share), path_text(setup, path)),
            Act::Heal(None) => "heal".into(),
            Act::Heal(Some(path)) => format!("heal {}", path_text(setup, path)),
            Act::Cloud(CloudAct::BindDelay(from, to)) => format!("bind-delay {}", range(from, to)),
            Act::Cloud(CloudAct::DropClaims) => "drop-claims".into(),
            Act::Cloud(CloudAct::HearClaims) => "hear-claims".into(),
        }
    }

    fn cause(&self, setup: &Setup, act: &Act) -> String {
        let done = match act {
            Act::Start(_) => "started",
            Act::Stop(_) => "stopped",
            Act::Kill(_) => "killed",
            Act::PowerOff(_) => "powered off",
            Act::PowerOn(_) => "powered on",
            Act::Freeze(_) => "frozen",
            Act::Thaw(_) => "thawed",
            Act::Pause(_) => "paused",
            Act::Resume(_) => "resumed",
            Act::Unplug(_) => "unplugged",
            Act::Plug(_) => "plugged in",
            Act::Reload(..) => "reloaded",
            Act::Cloud(CloudAct::DropClaims) => "deaf to claims",
            Act::Cloud(CloudAct::HearClaims) => "hears claims",
            Act::Heal(_)
            | Act::Drop(..)
            | Act::Loss(..)
            | Act::Delay(..)
            | Act::Duplicate(..)
            | Act::Cloud(_) => return self.act(setup, act),
        };
        format!("{} {done}", act_who(setup, act))
    }
}

/// The column an act stands in: its machine or client, the cloud, or the links.
pub(crate) fn act_who<'a>(setup: &'a Setup, act: &Act) -> &'a str {
    match act_node(act) {
        Some(node) => setup.name_of(node),
        None if matches!(act, Act::Cloud(_)) => "cloud",
        None => "link",
    }
}

/// The machine or client an act is done to.
pub(crate) fn act_node(act: &Act) -> Option<NodeId> {
    match *act {
        Act::Start(cvm)
        | Act::Stop(cvm)
        | Act::Kill(cvm)
        | Act::PowerOff(cvm)
        | Act::PowerOn(cvm)
        | Act::Freeze(cvm)
        | Act::Thaw(cvm)
        | Act::Pause(cvm)
        | Act::Resume(cvm)
        | Act::Reload(cvm, _) => Some(NodeId(cvm.0)),
        Act::Unplug(node) | Act::Plug(node) => Some(node),
        Act::Drop(..)
        | Act::Loss(..)
        | Act::Delay(..)
        | Act::Duplicate(..)
        | Act::Heal(_)
        | Act::Cloud(_) => None,
    }
}

/// Whether an act says by itself that the program came or went like this.
pub(crate) fn act_implies(act: &Act, life: Life) -> bool {
    matches!(
        (act, life),
        (Act::Kill(_) | Act::PowerOff(_), Life::Killed)
            | (Act::Freeze(_) | Act::Pause(_), Life::Frozen)
            | (Act::Thaw(_) | Act::Resume(_), Life::Thawed)
    )
}

pub(crate) fn loss(loss: Loss) -> &'static str {
    match loss {
        Loss::Cut(_) => "cut",
        Loss::Chance(_) => "loss",
        Loss::NoCarrier => "the sender's cable is out",
        Loss::ReceiverNoCarrier => "the receiver's cable is out",
        Loss::ReceiverOff => "the receiver is off",
        Loss::NoMulticast => "a VPC carries no multicast",
        Loss::NoSuchAddress => "nothing in the VPC has the address",
        Loss::Unbound => "the HAVIP is bound to nobody",
        Loss::Unresolved => "no answer to ARP",
        Loss::NeighbourQueueFull => "the queue for ARP is full",
        Loss::SocketQueueFull => "the program's queue is full",
        Loss::NotHeld => "the receiver does not hold the address",
        Loss::NoListener => "nobody listens there",
        Loss::Deaf(_) => "the cloud hears no claims",
        Loss::NoRoute => "no route to the destination",
        Loss::Malformed => "malformed",
        Loss::DiedInQueue => "the receiver stopped first",
    }
}

/// The act that lost a frame, if one did.
pub(crate) fn loss_act(loss: Loss) -> Option<u32> {
    match loss {
        Loss::Cut(act) | Loss::Chance(act) | Loss::Deaf(act) => Some(act),
        _ => None,
    }
}

pub(crate) fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotHavip => "the address is no HAVIP",
        Refusal::OtherSubnet => "a HAVIP of another subnet",
        Refusal::ForeignMac => "the announced hardware address is not the sender's",
    }
}

/// What a lost or folded frame is called.
pub(crate) fn frame(kind: Kind) -> &'static str {
    match kind {
        Kind::Vrrp => "advert",
        Kind::Arp => "arp",
        Kind::Garp => "garp",
        Kind::Probe => "probe",
        Kind::Other => "frame",
    }
}

/// Who has an address as its own, by name; or the address.
pub(crate) fn address(setup: &Setup, address: Ipv4Addr) -> String {
    let owner = (0..setup.nodes() as u16).map(NodeId).find(|n| setup.eni_of(*n).address.addr() == address);
    owner.map_or_else(|| address.to_string(), |node| setup.name_of(node).into())
}

/// Who has a hardware address, by name; or the address.
pub(crate) fn hardware(setup: &Setup, mac: Mac) -> String {
    let owner = (0..setup.nodes() as u16).map(NodeId).find(|n| setup.eni_of(*n).mac == mac);
    owner.map_or_else(|| mac.to_string(), |node| setup.name_of(node).into())
}

/// An expectation as the script writes it, without `expect`.
pub(crate) fn expect(setup: &Setup, expect: &Expect) -> String {
    let client = |client: crate::world::ClientId| setup.name_of(setup.node_of_client(client)).to_owned();
    match *expect {
        Expect::By(by, fact) => format!("by {} {}", time(by), fact_text(setup, fact)),
        Expect::During(from, to, fact) => {
            format!("during {}..{} {}", time(from), time(to), fact_text(setup, fact))
        }
        Expect::Outage(from, to, whose, most) => {
            format!("in {}..{} outage {} <= {most}", time(from), time(to), client(whose))
        }
        Expect::Moves(from, to, most) => format!("in {}..{} moves <= {most}", time(from), time(to)),
        Expect::Never(fact, None) => format!("never {}", fact_text(setup, fact)),
        Expect::Never(fact, Some(most)) => format!("never {} > {most}", fact_text(setup, fact)),
        Expect::Eventually(fact) => format!("eventually {}", fact_text(setup, fact)),
    }
}

fn fact_text(setup: &Setup, fact: Fact) -> String {
    let cvm = |cvm: CvmId| setup.cvms[usize::from(cvm.0)].name.as_str();
    let which = |havip: Option<HavipId>| {
        havip.map_or_else(String::new, |h| format!(" {}", setup.havips[usize::from(h.0)].address))
    };
    match fact {
        Fact::Master(one) => format!("master {}", cvm(one)),
        Fact::Bound(one, havip) => format!("bound {}{}", cvm(one), which(havip)),
        Fact::Unbound(havip) => format!("unbound{}", which(havip)),
        Fact::BoundIsMaster => "bound = master".into(),
        Fact::TwoMasters => "two-masters".into(),
        Fact::Stale(client) => format!("stale {}", setup.name_of(setup.node_of_client(client))),
        Fact::Refused(address) => format!("refused {address}"),
        Fact::Transition(one, role) => format!("transition {} {role}", cvm(one)),
    }
}

fn time(time: Time) -> Duration {
    Duration::from_nanos(time.as_nanos())
}

pub(crate) fn range(from: Duration, to: Duration) -> String {
    if from == to { from.to_string() } else { format!("{from}..{to}") }
}

fn percent(share: Ppm) -> String {
    let (whole, part) = (share.0 / 10_000, share.0 % 10_000);
    if part == 0 {
        return format!("{whole}%");
    }
    let text = format!("{whole}.{part:04}");
    format!("{}%", text.trim_end_matches('0'))
}

fn path_text(setup: &Setup, path: Path) -> String {
    let end = |end: End| match end {
        End::Any => "*",
        End::Node(node) => setup.name_of(node),
        End::Cloud => "cloud",
    };
    let arrow = if path.both { "<->" } else { "->" };
    format!("{} {arrow} {}", end(path.from), end(path.to))
}

fn kinds_text(kinds: Kinds) -> String {
    if kinds == Kinds::ALL {
        return "all".into();
    }
    let mut text = String::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kinds.contains(*kind)) {
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{}", kind.word());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;
    use crate::world::ClientId;

    #[test]
    fn acts_read_as_a_person_says_them() {
        let setup = Run::pair().setup;
        let path = |from, to, both| Path { from, to, both };
        let (a, b) = (End::Node(NodeId(A)), End::Node(NodeId(B)));
        let five = Duration::from_millis(5);
        for (act, who, text, cause) in [
            (Act::PowerOff(CvmId(A)), "a", "power off", "a powered off"),
            (Act::Unplug(NodeId(B)), "b", "cable out", "b unplugged"),
            (Act::Drop(Kinds::ALL, path(a, b, false)), "link", "cut a -> b", "cut a -> b"),
            (
                Act::Drop(Kinds::NONE.with(Kind::Vrrp).with(Kind::Garp), path(a, End::Any, true)),
                "link",
                "drop vrrp,garp a <-> *",
                "drop vrrp,garp a <-> *",
            ),
            (
                Act::Loss(Ppm(12_500), Kinds::ALL, path(a, End::Cloud, false)),
                "link",
                "loss 1.25% a -> cloud",
                "loss 1.25% a -> cloud",
            ),
            (Act::Delay(five, five, path(a, b, false)), "link", "delay 5ms a -> b", "delay 5ms a -> b"),
            (Act::Cloud(CloudAct::DropClaims), "cloud", "drop-claims", "cloud deaf to claims"),
        ] {
            assert_eq!(act_who(&setup, &act), who);
            assert_eq!(Words.act(&setup, &act), text);
            assert_eq!(Words.cause(&setup, &act), cause);
        }
    }

    #[test]
    fn expectations_read_as_they_were_written() {
        let setup = Run::pair().setup;
        let web = ClientId(0);
        for (form, text) in [
            (Expect::By(t("24"), Fact::Master(CvmId(B))), "by 24s master b"),
            (Expect::During(t("24"), t("60"), Fact::BoundIsMaster), "during 24s..60s bound = master"),
            (
                Expect::Outage(t("20"), t("40"), web, Duration::from_millis(3700)),
                "in 20s..40s outage web <= 3700ms",
            ),
            (Expect::Moves(t("20"), t("40.5"), 1), "in 20s..40500ms moves <= 1"),
            (Expect::Never(Fact::TwoMasters, Some(Duration::from_millis(5))), "never two-masters > 5ms"),
            (Expect::Eventually(Fact::Stale(web)), "eventually stale web"),
        ] {
            assert_eq!(expect(&setup, &form), text);
        }
    }
}
