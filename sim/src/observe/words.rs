//! What people call things: acts as causes, causes of loss, reasons of refusal, who has an address.

use std::net::IpAddr;

use havip::profile::Profile;
use havip::time::Duration;
use havip::wire::ethernet::Mac;

use crate::scenario::ActText;
use crate::world::{Act, CloudAct, EniIndex, Kind, Life, Loss, NodeId, Refusal, Setup};

/// An act as the cause of what followed: `a powered off`.
pub(crate) fn cause(setup: &Setup, act: &Act) -> String {
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
        Act::Unplug(node, Some(eni)) => return format!("{} unplugged", of_eni(setup, *node, *eni)),
        Act::Plug(node, Some(eni)) => return format!("{} plugged in", of_eni(setup, *node, *eni)),
        Act::Attach(node, eni) => return format!("{} attached", of_eni(setup, *node, *eni)),
        Act::Detach(node, eni) => return format!("{} detached", of_eni(setup, *node, *eni)),
        Act::Unplug(_, None) => "unplugged",
        Act::Plug(_, None) => "plugged in",
        Act::Reload(..) => "reloaded",
        Act::Cloud(CloudAct::DropClaims) => "deaf to claims",
        Act::Cloud(CloudAct::HearClaims) => "hears claims",
        Act::Script(..)
        | Act::Service(..)
        | Act::File(..)
        | Act::ClockStep(..)
        | Act::ClockDrift(..)
        | Act::Tamper(..)
        | Act::DelRoute(..)
        | Act::Spoof(..)
        | Act::Corrupt(..)
        | Act::Reorder(..)
        | Act::Heal(_)
        | Act::Drop(..)
        | Act::Loss(..)
        | Act::Delay(..)
        | Act::Duplicate(..)
        | Act::Console(_)
        | Act::Seed(_)
        | Act::Cloud(CloudAct::BindDelay(..)) => return ActText::new(act, setup).to_string(),
    };
    format!("{} {done}", act_who(setup, act))
}

/// An interface that an act names.
fn of_eni(setup: &Setup, node: NodeId, eni: EniIndex) -> String {
    let of_node = setup.enis_of(node).nth(usize::from(eni.0)).map_or("?", |eni| &eni.name);
    format!("{}.{of_node}", setup.name_of(node))
}

/// The column an act stands in: its machine or client, the cloud, or the links.
pub(crate) fn act_who<'a>(setup: &'a Setup, act: &Act) -> &'a str {
    match ActText::new(act, setup).about() {
        Some(node) => setup.name_of(node),
        None if matches!(act, Act::Cloud(_) | Act::Console(_)) => "cloud",
        None if matches!(act, Act::Seed(_)) => "chance",
        None => "link",
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
        Loss::Denied(_) => "a security group denies it",
        Loss::EipUnbound => "the elastic IP is bound to nothing",
        Loss::NoEip => "no elastic IP to reach the internet from",
        Loss::Unresolved => "no answer to ARP",
        Loss::Deaf(_) => "the cloud is deaf to claims",
        Loss::NoRoute => "no route",
        Loss::NeighbourQueueFull => "the queue for ARP is full",
        Loss::SocketQueueFull => "the program's queue is full",
        Loss::NotHeld => "the receiver does not hold the address",
        Loss::Filtered => "the receiver filters what is for the address",
        Loss::NoListener => "nobody listens there",
        Loss::ServiceHangs => "the service hangs",
        Loss::Malformed => "malformed",
        Loss::DiedInQueue => "the receiver stopped first",
    }
}

/// The act that lost a frame, if one did.
pub(crate) fn loss_act(loss: Loss) -> Option<u32> {
    match loss {
        Loss::Cut(act) | Loss::Chance(act) | Loss::Deaf(act) | Loss::Denied(Some(act)) => Some(act),
        _ => None,
    }
}

pub(crate) fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotHavip => "the address is no HAVIP",
        Refusal::OtherSubnet => "a HAVIP of another subnet",
        Refusal::ForeignMac => "the announced hardware address is not the sender's",
        Refusal::OutsideRange => "outside the HAVIP's drift range",
    }
}

/// What a profile is, and how it is known.
pub(crate) fn program(profile: Profile) -> (&'static str, &'static str) {
    match profile.name() {
        "keepalived" => ("keepalived 2.2.7", "measured"),
        "keepalived-1.3" => ("keepalived 1.3.5", "measured"),
        _ => ("havip: keepalived's messages, its flaws mended", "assumed"),
    }
}

/// What announces an address: gratuitous ARP, or a neighbour advertisement that nobody asked for.
pub(crate) const fn announcement(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "garp",
        IpAddr::V6(_) => "na",
    }
}

/// What a lost or folded frame is called.
pub(crate) fn frame(kind: Kind, address: IpAddr) -> &'static str {
    match kind {
        Kind::Arp if address.is_ipv6() => "nd",
        Kind::Garp => announcement(address),
        Kind::Vrrp => "advert",
        Kind::Arp => "arp",
        Kind::Probe => "probe",
        Kind::Other => "frame",
    }
}

/// Who has an address as its own, by name; or the address.
pub(crate) fn address(setup: &Setup, address: IpAddr) -> String {
    setup.owner_of(address).map_or_else(|| address.to_string(), |(node, eni)| setup.eni_name(node, eni))
}

/// Who has a hardware address, by name; or the address.
pub(crate) fn hardware(setup: &Setup, mac: Mac) -> String {
    let owner = setup.ports().find(|(_, _, eni)| eni.mac == mac);
    owner.map_or_else(|| mac.to_string(), |(node, index, _)| setup.eni_name(node, index))
}

/// `200us..400us`, or one value where the two are the same.
pub(crate) fn range(from: Duration, to: Duration) -> String {
    if from == to { from.to_string() } else { format!("{from}..{to}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::*;
    use crate::world::{CvmId, End, Kinds, Path};

    #[test]
    fn an_act_is_a_cause_in_the_words_of_a_person() {
        let setup = Run::pair().setup;
        let path = Path { from: End::Node(NodeId(A)), to: End::Cloud, both: false };
        for (act, who, text) in [
            (Act::PowerOff(CvmId(A)), "a", "a powered off"),
            (Act::Unplug(NodeId(B), None), "b", "b unplugged"),
            (Act::Drop(Kinds::ALL, path), "link", "cut a -> cloud"),
            (Act::Heal(None), "link", "heal"),
            (Act::Cloud(CloudAct::DropClaims), "cloud", "cloud deaf to claims"),
        ] {
            assert_eq!((act_who(&setup, &act), cause(&setup, &act).as_str()), (who, text));
        }
    }

    #[test]
    fn addresses_are_called_by_their_owners() {
        let setup = Run::pair().setup;
        assert_eq!(address(&setup, [172, 16, 16, 6].into()), "b");
        assert_eq!(address(&setup, HAVIP), "172.16.16.12");
        assert_eq!(hardware(&setup, mac_of(A)), "a");
        assert_eq!(hardware(&setup, Mac::BROADCAST), "ff:ff:ff:ff:ff:ff");
    }
}
