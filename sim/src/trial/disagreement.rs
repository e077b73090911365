//! Where the machines of a cluster say different things of what must be the same, or talk where nobody hears: the most
//! common reason of two masters.

use std::net::IpAddr;

use havip::config::{HmacMode, Instance, Version, includes};

use super::advice::{Cure, decided, decided_in_all};
use super::change::{Block, Change, Edit, Found};
use super::cluster::{Cluster, Machine};

/// The first such thing, by how early it is checked.
pub(super) fn disagreement(cluster: &Cluster) -> Option<Cure> {
    let model = &cluster.machines[0];
    if !cluster.lan && !model.instance().is_unicast() {
        return Some(multicast(cluster));
    }
    for (i, other) in cluster.machines.iter().enumerate().skip(1) {
        let (ours, theirs) = (model.instance(), other.instance());
        if ours.version != theirs.version {
            let value = if ours.version == Version::V3 { "3" } else { "2" };
            return Some(scalar(
                model,
                other,
                "version",
                "default 2",
                value,
                "one speaks VRRPv2, one VRRPv3",
            ));
        }
        if ours.vrid != theirs.vrid {
            let why = "each takes the other's adverts for another router's and drops them without a word";
            return Some(scalar(model, other, "virtual_router_id", "", &ours.vrid.to_string(), why));
        }
        if ours.version == Version::V2 && ours.advert_interval != theirs.advert_interval {
            let seconds = ours.advert_interval.as_secs().to_string();
            let why = "in version 2 an advert with another interval is dropped";
            return Some(scalar(model, other, "advert_int", "default 1 s", &seconds, why));
        }
        if ours.password != theirs.password {
            return Some(password(model, i, other));
        }
        if ours.version == Version::V3 && ours.v3_checksum_as_v2 != theirs.v3_checksum_as_v2 {
            let value = if ours.v3_checksum_as_v2 { "on" } else { "off" };
            let why = "each finds the other's checksums wrong";
            return Some(scalar(model, other, "v3_checksum_as_v2", "default off", value, why));
        }
        if let Some(cure) = ttl(model, other).or_else(|| ttl(other, model)) {
            return Some(cure);
        }
        if refuses_by_hmac(ours, theirs) || refuses_by_hmac(theirs, ours) {
            return Some(hmac(cluster, i));
        }
        if sorted(ours) != sorted(theirs) {
            return Some(addresses(model, i, other));
        }
    }
    None
}

fn sorted(instance: &Instance) -> Vec<ipnet::IpNet> {
    let mut all: Vec<_> = instance.addresses.iter().map(|a| a.address).collect();
    all.sort_unstable();
    all
}

fn scalar(
    model: &Machine,
    other: &Machine,
    keyword: &'static str,
    default: &str,
    value: &str,
    why: &str,
) -> Cure {
    Cure {
        decided: vec![decided(model, keyword, default), decided(other, keyword, default)],
        why: format!("{} and {} differ: {why}, so both are master", model.name, other.name),
        write: vec![format!("{keyword} {value}")],
        change: Some(Change::with(&[(keyword, value)])),
    }
}

fn password(model: &Machine, place: usize, other: &Machine) -> Cure {
    let written = |machine: &Machine| machine.instance().decided.get("auth_pass").copied();
    let edit = match (written(model), written(other)) {
        (Some(ours), Some(theirs)) => Some(Edit::Replace(theirs, model.loaded.sources.text(ours).to_owned())),
        _ => None,
    };
    let write = "the same `authentication` block on every machine, or on none";
    Cure {
        decided: vec![
            decided(model, "auth_pass", "no authentication"),
            decided(other, "auth_pass", "no authentication"),
        ],
        why: format!(
            "{} and {} differ: adverts with another password are dropped, so both are master",
            model.name, other.name
        ),
        write: vec![write.to_owned()],
        change: edit.map(|edit| Change { with: Vec::new(), edits: vec![(place, edit)] }),
    }
}

/// A peer's advertisements come with another TTL than its `min_ttl` and `max_ttl` allow.
fn ttl(receiver: &Machine, sender: &Machine) -> Option<Cure> {
    let from = IpAddr::V4(sender.address);
    let peer = receiver.instance().peers.iter().find(|peer| peer.address == from)?;
    let (least, most) = peer.ttl?;
    let sent = sender.instance().unicast_ttl.unwrap_or(255);
    if (least..=most).contains(&sent) {
        return None;
    }
    let allowed = format!("{}: unicast_peer {{ {from} min_ttl {least} max_ttl {most} }}", receiver.path);
    Some(Cure {
        decided: vec![allowed, decided(sender, "unicast_ttl", "default 255")],
        why: format!(
            "{} takes {}'s adverts with a TTL of {least} to {most}, and they come with {sent}: it drops them and is master \
             beside it",
            receiver.name, sender.name
        ),
        write: vec![format!("unicast_ttl {most}")],
        change: Some(Change { with: vec![("unicast_ttl", most.to_string())], edits: Vec::new() }),
    })
}

/// Whether a machine takes no advertisement of another, for what `auth_hmac` says of the one or the other.
fn refuses_by_hmac(receiver: &Instance, sender: &Instance) -> bool {
    let signs = sender.hmac.as_ref().filter(|hmac| hmac.mode != HmacMode::ReceiveOnly);
    let signed_with = signs.and_then(|hmac| hmac.keys.iter().find(|(id, _)| *id == hmac.active));
    match (&receiver.hmac, signed_with) {
        // Whoever does not know the trailer sees a message that is too long.
        (None, signed_with) => signed_with.is_some(),
        (Some(hmac), None) => hmac.mode == HmacMode::Enforce,
        (Some(hmac), Some(key)) => !hmac.keys.contains(key),
    }
}

/// Whether a line of the user's own file names a file for a key.
fn keeps_keys_apart(machine: &Machine) -> bool {
    let files = machine.loaded.sources.files();
    files.iter().flat_map(|file| file.text.lines()).any(|line| includes::key_word(line).is_some())
}

/// The `auth_hmac` block of one machine on another that has none, or another one.
fn hmac(cluster: &Cluster, place: usize) -> Cure {
    let (first, other) = (&cluster.machines[0], &cluster.machines[place]);
    let (from, to) = if first.instance().hmac.is_some() { (first, place) } else { (other, 0) };
    let text = match Block::find(&from.text, "auth_hmac") {
        Found::One(block) => from.text.get(block.start..block.end),
        _ => None,
    };
    let machine = &cluster.machines[to];
    // What the blocks say may be right, and what their keys are in is not the same.
    if [first, other].iter().all(|machine| keeps_keys_apart(machine)) {
        return Cure {
            decided: [first, other].map(|machine| decided(machine, "auth_hmac", "")).to_vec(),
            why: format!(
                "{} and {} have their keys in files of their own, and those do not say the same: each drops the other's \
                 adverts, so both are master",
                first.name, other.name
            ),
            write: vec!["nothing here: copy the files of the keys from one machine to the others".to_owned()],
            change: None,
        };
    }
    let edit = text.and_then(|text| match Block::find(&machine.text, "auth_hmac") {
        Found::One(block) => Some(Edit::Replace(block.span(), text.to_owned())),
        Found::None => {
            let below = machine.instance().decided.get("virtual_router_id")?;
            Some(Edit::Below(*below, format!("    {text}\n")))
        }
        Found::Several => None,
    });
    let none = "its adverts have no trailer";
    Cure {
        decided: [first, other].map(|machine| decided(machine, "auth_hmac", none)).to_vec(),
        why: format!(
            "{} and {} differ: adverts without a trailer that the other can verify are dropped, and so are those \
             with one where none is known; so both are master",
            first.name, other.name
        ),
        write: vec![
            "the same `auth_hmac` block on every machine; `mode receive-only` on all of them first, then `mode \
             permissive`, brings it in without a gap"
                .to_owned(),
        ],
        change: edit.map(|edit| Change { with: Vec::new(), edits: vec![(to, edit)] }),
    }
}

fn addresses(model: &Machine, place: usize, other: &Machine) -> Cure {
    let block = |machine: &Machine| match Block::find(&machine.text, "virtual_ipaddress") {
        Found::One(Block { start, end, line }) => Some((start, end, line)),
        _ => None,
    };
    let (ours, theirs) = (block(model), block(other));
    let decided = [(model, ours), (other, theirs)].map(|(machine, found)| {
        let list: Vec<String> =
            machine.instance().addresses.iter().map(|a| a.address.addr().to_string()).collect();
        match found {
            Some((.., line)) => {
                format!("{}:{line}: virtual_ipaddress {{ {} }}", machine.path, list.join(" "))
            }
            None => format!("{}: virtual_ipaddress {{ {} }}", machine.path, list.join(" ")),
        }
    });
    let edit = match (ours, theirs) {
        (Some((from, to, _)), Some((start, end, _))) => {
            let span = havip::config::Span { file: 0, start: start as u32, end: end as u32 };
            Some(Edit::Replace(span, model.text[from..to].to_owned()))
        }
        _ => None,
    };
    Cure {
        decided: decided.to_vec(),
        why: format!(
            "{} and {} differ: 2.2.7 drops adverts with other addresses, so both are master",
            model.name, other.name
        ),
        write: vec!["the same `virtual_ipaddress` block on every machine".to_owned()],
        change: edit.map(|edit| Change { with: Vec::new(), edits: vec![(place, edit)] }),
    }
}

/// A cloud carries no multicast: every machine hears nobody.
fn multicast(cluster: &Cluster) -> Cure {
    let mut write = Vec::new();
    let mut edits = Vec::new();
    for (i, machine) in cluster.machines.iter().enumerate() {
        let others = cluster.machines.iter().filter(|other| other.name != machine.name);
        let peers: Vec<String> = others.map(|other| other.address.to_string()).collect();
        let own = machine.address;
        write.push(format!(
            "on {}: unicast_src_ip {own}, unicast_peer {{ {} }}",
            machine.name,
            peers.join(" ")
        ));
        let instance = machine.instance();
        if let Some(span) = instance.decided.get("virtual_router_id") {
            let source =
                if instance.source.is_some() { String::new() } else { format!("    unicast_src_ip {own}\n") };
            let lines =
                format!("{source}    unicast_peer {{\n        {}\n    }}\n", peers.join("\n        "));
            edits.push((i, Edit::Below(*span, lines)));
        }
    }
    Cure {
        decided: decided_in_all(cluster, "unicast_peer", "it advertises to 224.0.0.18"),
        why: "a cloud's network carries no multicast: no machine hears another, and all are master"
            .to_owned(),
        write,
        change: Some(Change { with: Vec::new(), edits }),
    }
}
