//! What must hold between declarations.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use havip::time::Duration;
use ipnet::{Ipv4Net, Ipv6Net};

use super::draft::{At, Draft, EniDraft, SubnetDraft};
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

/// What to do where there is no IPv6.
pub(super) const IPV6_IS_GIVEN: &str = "a range is given IPv6 so: `172.16.16.0/24 ipv6 fd00:16::/64`";

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
    if !declared("lan", !draft.lans.is_empty()) && !declared("vpc", draft.vpc.is_some()) {
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
    match (draft.lans.first(), &draft.vpc) {
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
            found.extend(draft.eips.iter().map(|eip| Complaint::new(eip.address.place, vpc_only)));
            let far = draft.clients.iter().filter(|client| client.decl.internet.is_some());
            found.extend(far.map(|client| {
                Complaint::new(client.eni.address.place, "a client of the internet beside a lan")
                    .help("it reaches an elastic IP, which only a VPC has")
            }));
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

/// Ranges that hold addresses of each other.
fn overlaps(draft: &Draft<'_>) -> Vec<Complaint> {
    let (what, ranges) = match draft.lans.is_empty() {
        true => ("subnet", &draft.subnets),
        false => ("lan", &draft.lans),
    };
    // Two ranges overlap only where one holds the other: sorted by start, longer first, each is held against
    // the last one that reached furthest.
    let mut sorted: Vec<_> = ranges.iter().collect();
    sorted.sort_by_key(|s| (s.value.net.network(), s.value.net.prefix_len()));
    let mut furthest: Option<&At<SubnetDraft>> = None;
    let mut found = Vec::new();
    for this in sorted {
        match furthest {
            Some(outer) if outer.value.net.contains(&this.value.net) => {
                let (first, second) = if outer.line < this.line { (outer, this) } else { (this, outer) };
                let (a, b) = (second.value.net, first.value.net);
                let message = format!("the {what} {a} overlaps {b} (line {})", first.line);
                found.push(Complaint::new(second.place, message));
            }
            _ => furthest = Some(this),
        }
    }
    let mut sorted: Vec<(Ipv6Net, &At<SubnetDraft>)> =
        ranges.iter().filter_map(|range| Some((range.value.ipv6?, range))).collect();
    sorted.sort_by_key(|(net, _)| (net.network(), net.prefix_len()));
    for pair in sorted.windows(2) {
        let [(outer, a), (inner, b)] = pair else { continue };
        if outer.contains(inner) {
            let (first, second) = if a.line < b.line { (a, b) } else { (b, a) };
            let message = format!("IPv6 of the {what} overlaps that of line {}", first.line);
            found.push(Complaint::new(second.place, message));
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
    v6: Vec<(Ipv6Net, u16)>,
    lan: bool,
}

impl Ranges {
    pub(super) fn of(segment: &Segment) -> Ranges {
        match segment {
            Segment::Lan(lans) => Ranges::new(lans.iter().map(|s| (s.net, s.ipv6)), true),
            Segment::Vpc { subnets, .. } => Ranges::new(subnets.iter().map(|s| (s.net, s.ipv6)), false),
        }
    }
    fn new(nets: impl Iterator<Item = (Ipv4Net, Option<Ipv6Net>)> + Clone, lan: bool) -> Ranges {
        let mut sorted: Vec<Range> = nets.clone().map(|(net, _)| net).zip(0..=u16::MAX).collect();
        sorted.sort_by_key(|(net, _)| (net.network(), net.prefix_len()));
        let v6 = nets.zip(0..=u16::MAX).filter_map(|((_, net), i)| Some((net?, i))).collect();
        Ranges { sorted, v6, lan }
    }
    /// The IPv6 range that holds an address.
    pub(super) fn find_v6(&self, address: Ipv6Addr) -> Option<(Ipv6Net, u16)> {
        self.v6.iter().copied().find(|(net, _)| net.contains(&address))
    }
    /// Which range of either family holds an address.
    fn index_of(&self, address: IpAddr) -> Option<u16> {
        match address {
            IpAddr::V4(address) => self.find(address).map(|(_, index)| index),
            IpAddr::V6(address) => self.find_v6(address).map(|(_, index)| index),
        }
    }
    /// The range that holds an address.
    pub(super) fn find(&self, address: Ipv4Addr) -> Option<Range> {
        let after = self.sorted.partition_point(|(net, _)| net.network() <= address);
        self.sorted[..after].last().copied().filter(|(net, _)| net.contains(&address))
    }
    /// Why no node can have an address here.
    fn refuses(&self, what: &str, address: At<IpAddr>) -> Option<Complaint> {
        let ip = match address.value {
            IpAddr::V4(ip) => ip,
            IpAddr::V6(ip) => return self.refuses_v6(what, ip, address.place),
        };
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
    fn refuses_v6(&self, what: &str, ip: Ipv6Addr, place: Place) -> Option<Complaint> {
        let Some((net, _)) = self.find_v6(ip) else {
            let whole = if self.lan { "every lan" } else { "every subnet" };
            let list: Vec<_> = self.v6.iter().take(4).map(|(net, _)| net.to_string()).collect();
            let help = match list.is_empty() {
                true => IPV6_IS_GIVEN.to_owned(),
                false => format!("there is {}", list.join(", ")),
            };
            return Some(Complaint::new(place, format!("{what} {ip} is outside {whole}")).help(help));
        };
        let kept = if self.lan { 0 } else { 1 };
        let place_in_it = u128::from(ip) - u128::from(net.network());
        (place_in_it <= kept).then(|| {
            Complaint::new(place, format!("{what} {ip} is reserved"))
                .help("the first address of a range is nobody's, the next one a subnet's gateway's")
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

/// Elastic IPs and clients of the internet: outside the VPC, bound to what is there, probing what is there.
fn outside(draft: &Draft<'_>, found: &mut Vec<Complaint>) {
    let Some(vpc) = &draft.vpc else { return };
    let far = draft.clients.iter().filter(|client| client.decl.internet.is_some());
    let all = draft.eips.iter().map(|eip| ("the elastic IP", eip.address));
    for (what, At { value, place, .. }) in all.chain(far.clone().map(|one| ("the address", one.eni.address)))
    {
        if vpc.value.contains(&value) {
            let message = format!("{what} {value} is inside the VPC");
            let help = format!("the VPC is {} (line {}); the internet is outside", vpc.value, vpc.line);
            found.push(Complaint::new(place, message).help(help));
        }
    }
    let mut bound: Vec<IpAddr> = Vec::new();
    for At { value, place, .. } in draft.eips.iter().filter_map(|eip| eip.havip) {
        let message = if !draft.havips.iter().any(|havip| havip.value == value) {
            if draft.failed.contains("havip") {
                continue;
            }
            format!("{value} is no HAVIP")
        } else if value.is_ipv6() {
            "an elastic IP for an IPv6 HAVIP".to_owned()
        } else if draft.off_havips.contains(&value) {
            format!("{value} is not there yet: it is `off`")
        } else if bound.contains(&value) {
            format!("a second elastic IP for {value}")
        } else {
            bound.push(value);
            continue;
        };
        found.push(Complaint::new(place, message));
    }
    let is_eip = |target: IpAddr| draft.eips.iter().any(|eip| eip.address.value == target);
    for client in far.filter(|client| !is_eip(client.decl.target) && !draft.failed.contains("eip")) {
        let target = client.decl.target;
        let message = format!("the probed address {target} is no elastic IP");
        found.push(
            Complaint::new(client.target, message).help("nothing else of a VPC is reached from the internet"),
        );
    }
}

/// Addresses and hardware addresses: in their range, not reserved, each only once.
fn addresses(draft: &Draft<'_>, found: &mut Vec<Complaint>) {
    ports(draft, found);
    outside(draft, found);
    // Where the segment itself is wrong, nothing is said about what is in it.
    let nets = |all: &[At<SubnetDraft>]| all.iter().map(|s| (s.value.net, s.value.ipv6)).collect::<Vec<_>>();
    let ranges = match (draft.lans.is_empty(), &draft.vpc) {
        (false, None) if !draft.failed.contains("lan") => {
            Some(Ranges::new(nets(&draft.lans).into_iter(), true))
        }
        (true, Some(_)) if !draft.subnets.is_empty() && !draft.failed.contains("subnet") => {
            Some(Ranges::new(nets(&draft.subnets).into_iter(), false))
        }
        _ => None,
    };
    let cvms = || draft.cvms.iter().flat_map(|n| std::iter::once(&n.eni).chain(&n.more));
    let enis = || cvms().chain(draft.clients.iter().map(|n| &n.eni));
    let near = || {
        let clients = draft.clients.iter().filter(|client| client.decl.internet.is_none());
        cvms().chain(clients.map(|n| &n.eni))
    };
    let own = |eni: &EniDraft| {
        let ipv6 = eni.ipv6.map(|at| At { value: IpAddr::V6(at.value), place: at.place, line: at.line });
        let At { value, place, line } = eni.address;
        std::iter::once(At { value: IpAddr::V4(value), place, line }).chain(ipv6)
    };
    if let Some(ranges) = &ranges {
        if !ranges.lan {
            found.extend(draft.havips.iter().filter_map(|h| ranges.refuses("the HAVIP", *h)));
        }
        found.extend(near().flat_map(own).filter_map(|address| ranges.refuses("the address", address)));
        for client in draft.clients.iter().filter(|client| client.decl.internet.is_none()) {
            let line = client.eni.address.line;
            let target = At { value: client.decl.target, place: client.target, line };
            found.extend(ranges.refuses("the probed address", target));
        }
        interfaces(draft, ranges, found);
    }
    for client in &draft.clients {
        if own(&client.eni).any(|address| address.value == client.decl.target) {
            found.push(Complaint::new(client.target, "a client that probes itself"));
        } else if client.decl.target.is_ipv6() && client.decl.ipv6.is_none() {
            let message =
                format!("`{}` has no IPv6 address to probe {} from", client.decl.name, client.decl.target);
            found.push(
                Complaint::new(client.target, message)
                    .help("write one behind its address: `ipv6 fd00:16::7`"),
            );
        }
    }
    let mut taken: Vec<At<IpAddr>> = draft.havips.clone();
    taken.extend(draft.eips.iter().map(|eip| {
        let At { value, place, line } = eip.address;
        At { value: IpAddr::V4(value), place, line }
    }));
    taken.extend(enis().flat_map(own));
    taken.sort_by_key(|address| address.line);
    let mut first = BTreeMap::new();
    for At { value, place, line } in taken {
        if let Some(before) = first.get(&value) {
            found.push(Complaint::new(place, format!("the address {value} is taken by line {before}")));
        } else {
            first.insert(value, line);
        }
    }
    let mut macs: Vec<_> = enis().collect();
    macs.sort_by_key(|eni| eni.address.line);
    let mut first: BTreeMap<_, At<Ipv4Addr>> = BTreeMap::new();
    for EniDraft { address, mac, mac_place: place, .. } in macs.into_iter().copied() {
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

/// Each interface is in one range with all its addresses, no two of a machine are in the same, and nobody probes what
/// its own lan cannot reach.
fn interfaces(draft: &Draft<'_>, ranges: &Ranges, found: &mut Vec<Complaint>) {
    let index = |eni: &EniDraft| ranges.index_of(eni.address.value.into());
    let cvms = draft.cvms.iter().map(|n| (&n.eni, &n.more[..]));
    for (first, more) in cvms.chain(draft.clients.iter().map(|n| (&n.eni, &n.more[..]))) {
        let mut before: Vec<&EniDraft> = Vec::new();
        for eni in std::iter::once(first).chain(more) {
            if let Some(ipv6) = eni.ipv6
                && let (Some(v4), Some(v6)) = (index(eni), ranges.index_of(ipv6.value.into()))
                && v4 != v6
            {
                let message = format!("{} and {} are of different ranges", eni.address.value, ipv6.value);
                found.push(Complaint::new(ipv6.place, message).help("an interface is in one subnet or lan"));
            }
            if let Some(other) =
                before.iter().find(|other| index(other).is_some() && index(other) == index(eni))
            {
                let message =
                    format!("a second interface of one machine in one range (line {})", other.address.line);
                found.push(
                    Complaint::new(eni.address.place, message).help("each is in a subnet or lan of its own"),
                );
            }
            before.push(eni);
        }
    }
    for client in draft.clients.iter().filter(|_| ranges.lan) {
        let target = ranges.index_of(client.decl.target);
        if target.is_some() && index(&client.eni).is_some_and(|own| Some(own) != target) {
            let message = format!("the probed address {} is on another lan", client.decl.target);
            found.push(Complaint::new(client.target, message).help("nothing forwards between lans"));
        }
    }
}
