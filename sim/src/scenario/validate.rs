//! What must hold between declarations.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use havip::time::Duration;
use ipnet::Ipv4Net;

use super::draft::{At, Draft, SubnetDraft};
use super::error::Complaint;
use super::place::Place;
use super::print::TimeText;
use crate::world::Segment;

/// Everything wrong between the declarations of a file, what it lacks first.
pub(super) fn validate(draft: &Draft<'_>) -> Vec<Complaint> {
    let mut found = Vec::new();
    found.extend(lacks(draft));
    found.extend(segments(draft));
    if let Some(tick) = draft.tick() {
        let wrong = draft.times.iter().filter_map(|given| {
            on_tick(given.time, tick, given.place).err().or_else(|| {
                let what = given.lasting.filter(|_| given.time < tick)?;
                let message = format!(
                    "{what} of `{}` is shorter than the tick ({})",
                    TimeText(given.time),
                    TimeText(tick)
                );
                Some(Complaint::new(given.place, message))
            })
        });
        found.extend(wrong);
    }
    addresses(draft, &mut found);
    found
}

/// A time of the file must be a multiple of the tick.
pub(super) fn on_tick(time: Duration, tick: Duration, place: Place) -> Result<(), Complaint> {
    let (time, tick) = (time.as_nanos(), tick.as_nanos());
    let over = time.checked_rem(tick).unwrap_or(0);
    if over == 0 {
        return Ok(());
    }
    let below = time - over;
    let nearest = if over * 2 < tick { below } else { below.saturating_add(tick) };
    let span = |nanos| TimeText(Duration::from_nanos(nanos));
    let message = format!("`{}` is not a multiple of the tick ({})", span(time), span(tick));
    Err(Complaint::new(place, message).help(format!("the nearest is `{}`", span(nearest))))
}

/// The statements every file must have.
fn lacks(draft: &Draft<'_>) -> Option<Complaint> {
    let declared = |head: &str, there: bool| there || draft.failed.contains(head);
    let mut missing = Vec::new();
    if !declared("scenario", draft.name.is_some()) {
        missing.push("`scenario NAME`");
    }
    if !declared("run", draft.run.is_some()) {
        missing.push("`run TIME`");
    }
    if !declared("lan", draft.lan.is_some()) && !declared("vpc", draft.vpc.is_some()) {
        missing.push("a segment (`lan CIDR`, or `vpc CIDR` and `subnet CIDR`)");
    }
    if missing.is_empty() {
        return None;
    }
    Some(Complaint::new(Place::NOWHERE, format!("the file lacks {}", missing.join(", "))))
}

/// `lan`, `vpc` and `subnet`, and what only a VPC has.
fn segments(draft: &Draft<'_>) -> Vec<Complaint> {
    let mut found = Vec::new();
    match (&draft.lan, &draft.vpc) {
        (Some(lan), Some(vpc)) => {
            let (second, first) =
                if lan.line > vpc.line { (lan.place, vpc.line) } else { (vpc.place, lan.line) };
            let message = format!("a segment is a `lan` or a `vpc`: the other is on line {first}");
            found.push(Complaint::new(second, message));
        }
        (Some(_), None) => {
            let vpc_only = "a lan has no cloud: any address may be claimed there";
            found.extend(draft.havips.iter().map(|h| {
                Complaint::new(h.place, "a HAVIP on a lan")
                    .help(format!("{vpc_only}; `vpc` and `subnet` have one"))
            }));
            found.extend(draft.subnets.iter().map(|s| {
                Complaint::new(s.place, "a subnet without a VPC").help("write `vpc CIDR`, or only the `lan`")
            }));
            found.extend(draft.bind_delay.map(|d| Complaint::new(d.place, vpc_only)));
        }
        (None, Some(vpc)) => {
            if draft.subnets.is_empty() && !draft.failed.contains("subnet") {
                found.push(Complaint::new(vpc.place, "a VPC without a subnet").help("write `subnet CIDR`"));
            }
            let outside = draft.subnets.iter().filter(|s| !vpc.value.contains(&s.value.net));
            found.extend(outside.map(|s| {
                Complaint::new(s.place, format!("the subnet {} is outside the VPC", s.value.net))
                    .help(format!("the VPC is {} (line {})", vpc.value, vpc.line))
            }));
        }
        (None, None) => {}
    }
    found.extend(overlaps(draft));
    found
}

fn overlaps(draft: &Draft<'_>) -> Vec<Complaint> {
    // Two ranges overlap only where one holds the other: sorted by start, longer first, each is held against
    // the last one that reached furthest.
    let mut sorted: Vec<_> = draft.subnets.iter().collect();
    sorted.sort_by_key(|s| (s.value.net.network(), s.value.net.prefix_len()));
    let mut furthest: Option<&At<SubnetDraft>> = None;
    let mut found = Vec::new();
    for this in sorted {
        match furthest {
            Some(outer) if outer.value.net.contains(&this.value.net) => {
                let (first, second) = if outer.line < this.line { (outer, this) } else { (this, outer) };
                let (a, b) = (second.value.net, first.value.net);
                let message = format!("the subnet {a} overlaps {b} (line {})", first.line);
                found.push(Complaint::new(second.place, message));
            }
            _ => furthest = Some(this),
        }
    }
    found
}

/// Which addresses of a range nodes can have: on a lan all but the first and the last; a VPC keeps one more,
/// its gateway's.
fn usable(net: Ipv4Net, lan: bool) -> (Ipv4Addr, Ipv4Addr) {
    let bits = u32::from(net.network());
    (Ipv4Addr::from(bits + if lan { 1 } else { 2 }), Ipv4Addr::from(u32::from(net.broadcast()) - 1))
}

/// A range and its place in its list.
type Range = (Ipv4Net, u16);

/// The ranges that addresses are in, by start.
pub(super) struct Ranges {
    sorted: Vec<Range>,
    lan: bool,
}

impl Ranges {
    pub(super) fn of(segment: &Segment) -> Ranges {
        match segment {
            Segment::Lan(subnet) => Ranges::new([subnet.net], true),
            Segment::Vpc { subnets, .. } => Ranges::new(subnets.iter().map(|s| s.net), false),
        }
    }
    fn new(nets: impl IntoIterator<Item = Ipv4Net>, lan: bool) -> Ranges {
        let mut sorted: Vec<Range> = nets.into_iter().zip(0..=u16::MAX).collect();
        sorted.sort_by_key(|(net, _)| (net.network(), net.prefix_len()));
        Ranges { sorted, lan }
    }
    /// The range that holds an address.
    pub(super) fn find(&self, address: Ipv4Addr) -> Option<Range> {
        let after = self.sorted.partition_point(|(net, _)| net.network() <= address);
        self.sorted[..after].last().copied().filter(|(net, _)| net.contains(&address))
    }
    /// Why no node can have an address here.
    fn refuses(&self, what: &str, address: At<Ipv4Addr>) -> Option<Complaint> {
        let ip = address.value;
        let Some((net, _)) = self.find(ip) else {
            let place = if self.lan { "the lan" } else { "every subnet" };
            let list: Vec<_> = self.sorted.iter().take(4).map(|(net, _)| net.to_string()).collect();
            return Some(
                Complaint::new(address.place, format!("{what} {ip} is outside {place}"))
                    .help(format!("there is {}", list.join(", "))),
            );
        };
        let (first, last) = usable(net, self.lan);
        ((ip < first) | (ip > last)).then(|| {
            Complaint::new(address.place, format!("{what} {ip} is reserved"))
                .help(format!("for {net} only {first}-{last}"))
        })
    }
}

/// A port that is probed must be somebody's.
fn ports(draft: &Draft<'_>, found: &mut Vec<Complaint>) {
    if draft.failed.contains("service") {
        return;
    }
    for client in &draft.clients {
        let Some(port) = client.decl.port else { continue };
        if !draft.services.iter().any(|service| service.value.port == port) {
            let list: Vec<_> = draft.services.iter().take(4).map(|one| one.value.port.to_string()).collect();
            let help = if list.is_empty() {
                format!("declare it: `service haproxy tcp {port} on a b`")
            } else {
                format!("there is {}", list.join(", "))
            };
            found.push(Complaint::new(client.target, format!("no service has port {port}")).help(help));
        }
    }
}

/// Addresses and hardware addresses: in their range, not reserved, each only once.
fn addresses(draft: &Draft<'_>, found: &mut Vec<Complaint>) {
    ports(draft, found);
    // Where the segment itself is wrong, nothing is said about what is in it.
    let ranges = match (&draft.lan, &draft.vpc) {
        (Some(lan), None) => Some(Ranges::new([lan.value.net], true)),
        (None, Some(_)) if !draft.subnets.is_empty() && !draft.failed.contains("subnet") => {
            Some(Ranges::new(draft.subnets.iter().map(|s| s.value.net), false))
        }
        _ => None,
    };
    let nodes = || {
        let cvms = draft.cvms.iter().map(|n| (n.address, n.decl.mac, n.mac));
        cvms.chain(draft.clients.iter().map(|n| (n.address, n.decl.mac, n.mac)))
    };
    if let Some(ranges) = &ranges {
        if !ranges.lan {
            found.extend(draft.havips.iter().filter_map(|h| ranges.refuses("the HAVIP", *h)));
        }
        found.extend(nodes().filter_map(|(address, _, _)| ranges.refuses("the address", address)));
        for client in &draft.clients {
            let target = At { value: client.decl.target, place: client.target, line: client.address.line };
            found.extend(ranges.refuses("the probed address", target));
        }
    }
    for client in draft.clients.iter().filter(|c| c.decl.target == c.address.value) {
        found.push(Complaint::new(client.target, "a client that probes itself"));
    }
    let mut taken: Vec<At<Ipv4Addr>> = draft.havips.clone();
    taken.extend(nodes().map(|(address, _, _)| address));
    taken.sort_by_key(|address| address.line);
    let mut first = BTreeMap::new();
    for At { value, place, line } in taken {
        if let Some(before) = first.get(&value) {
            found.push(Complaint::new(place, format!("the address {value} is taken by line {before}")));
        } else {
            first.insert(value, line);
        }
    }
    let mut macs: Vec<_> = nodes().collect();
    macs.sort_by_key(|(address, _, _)| address.line);
    let mut first: BTreeMap<_, At<Ipv4Addr>> = BTreeMap::new();
    for (address, mac, place) in macs {
        match first.get(&mac) {
            // One address twice is complained of already, and its hardware address follows from it.
            Some(before) if before.value != address.value => {
                let message = format!("the hardware address {mac} is taken by line {}", before.line);
                found.push(Complaint::new(place, message).help("`mac` gives a node another one"));
            }
            Some(_) => {}
            None => drop(first.insert(mac, address)),
        }
    }
}
