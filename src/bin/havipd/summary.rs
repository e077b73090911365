//! What would run, in a table: one row an instance.

use havip::config::{Config, Instance, SyncGroup, Tracked, Tracker, Version};
use havip::time::Duration;

use crate::check::quoted;

const HEADINGS: [&str; 9] = [
    "instance",
    "vrid",
    "version",
    "priority",
    "preempts",
    "interval",
    "takeover after",
    "advertises to",
    "addresses",
];

/// The table; nothing when nothing runs. What nobody uses has no column.
pub(crate) fn table(config: &Config) -> String {
    if config.instances.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned).to_vec()];
    rows.extend(config.instances.iter().map(|i| row(i)));
    let mut column = |heading: &str, cells: Vec<String>| {
        if cells.iter().any(|c| !c.is_empty()) {
            rows[0].push(heading.to_owned());
            for (row, cell) in rows[1..].iter_mut().zip(cells) {
                row.push(if cell.is_empty() { "-".to_owned() } else { cell });
            }
        }
    };
    let all = config.instances.iter();
    column("excluded", all.clone().map(|i| some(i.excluded.iter().map(|a| a.address))).collect());
    column("tracks", all.clone().map(|i| some(tracked(i, config))).collect());
    column(
        "group",
        (0..all.len()).map(|i| group_of(i, config).map_or("", |g| g.name.as_str()).to_owned()).collect(),
    );
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(i: &Instance) -> Vec<String> {
    let (least, most) = takeover(i);
    vec![
        i.name.clone(),
        i.vrid.to_string(),
        version(i).to_string(),
        i.priority.to_string(),
        preempts(i),
        i.advert_interval.to_string(),
        format!("{}..{} s", least.display(3), most.display(3)),
        if i.is_unicast() {
            list(i.peers.iter().map(|p| p.address))
        } else if i.lost_its_peers && i.fault_without_peers {
            "nobody: FAULT".to_owned()
        } else {
            "multicast".to_owned()
        },
        list(i.addresses.iter().map(|a| a.address)),
    ]
}

/// The group an instance is in.
fn group_of(instance: usize, config: &Config) -> Option<&SyncGroup> {
    config.groups.iter().find(|g| g.members.contains(&instance))
}

/// What an instance tracks, and its group for it: `chk -20`, `eth1 fault`.
fn tracked(instance: &Instance, config: &Config) -> Vec<String> {
    let index = config.instances.iter().position(|i| std::ptr::eq(&**i, instance));
    let group = index.and_then(|i| group_of(i, config));
    let trackers = instance.tracked.iter().chain(group.iter().flat_map(|g| &g.tracked));
    trackers.map(|t| tracker(t, config)).collect()
}

fn tracker(t: &Tracker, config: &Config) -> String {
    let name = name(t, config);
    let effect = match (t.what, t.weight) {
        (_, 0) => "fault".to_owned(),
        (Tracked::File(_), weight) => format!("x{weight}"),
        (_, weight) => format!("{weight:+}"),
    };
    format!("{name} {effect}{}", if t.reverse { " reverse" } else { "" })
}

fn name<'a>(t: &Tracker, config: &'a Config) -> &'a str {
    match t.what {
        Tracked::Interface(i) => &config.interfaces[usize::from(i)],
        Tracked::Script(i) => &config.scripts[usize::from(i)].name,
        Tracked::File(i) => &config.files[usize::from(i)].name,
        Tracked::Process(i) => &config.processes[usize::from(i)].name,
        Tracked::Bfd(i) => &config.bfd[usize::from(i)].name,
    }
}

/// The items, or nothing for none.
fn some<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() { String::new() } else { list(items) }
}

/// What is tracked, as JSON objects.
fn trackers(trackers: &[Tracker], config: &Config) -> String {
    let one = |t: &Tracker| {
        let kind = match t.what {
            Tracked::Interface(_) => "interface",
            Tracked::Script(_) => "script",
            Tracked::File(_) => "file",
            Tracked::Process(_) => "process",
            Tracked::Bfd(_) => "bfd",
        };
        format!(
            "{{\"kind\": \"{kind}\", \"name\": {}, \"weight\": {}, \"reverse\": {}}}",
            quoted(name(t, config)),
            t.weight,
            t.reverse
        )
    };
    trackers.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// One group as a JSON object.
pub(crate) fn group(g: &SyncGroup, config: &Config) -> String {
    let members: Vec<String> = g.members.iter().map(|&i| quoted(&config.instances[i].name)).collect();
    format!(
        "{{\"name\": {}, \"instances\": [{}], \"tracked\": [{}]}}",
        quoted(&g.name),
        members.join(", "),
        trackers(&g.tracked, config)
    )
}

/// One instance as a JSON object.
pub(crate) fn json(i: &Instance, config: &Config) -> String {
    let (least, most) = takeover(i);
    let strings = |items: Vec<String>| items.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(", ");
    format!(
        "{{\"name\": {}, \"vrid\": {}, \"version\": {}, \"priority\": {}, \"interval_ns\": {}, \"nopreempt\": {}, \
         \"preempt_delay_ns\": {}, \"takeover_ns_min\": {}, \"takeover_ns_max\": {}, \"peers\": [{}], \"addresses\": [{}], \
         \"excluded\": [{}], \"tracked\": [{}], \"authentication\": \"{}\"}}",
        quoted(&i.name),
        i.vrid,
        version(i),
        i.priority,
        i.advert_interval.as_nanos(),
        i.nopreempt,
        i.preempt_delay.as_nanos(),
        least.as_nanos(),
        most.as_nanos(),
        strings(i.peers.iter().map(|p| p.address.to_string()).collect()),
        strings(i.addresses.iter().map(|a| a.address.to_string()).collect()),
        strings(i.excluded.iter().map(|a| a.address.to_string()).collect()),
        trackers(&i.tracked, config),
        match (&i.password, &i.hmac) {
            (_, Some(_)) => "hmac",
            (Some(_), None) => "password",
            (None, None) => "none",
        },
    )
}

fn preempts(i: &Instance) -> String {
    match (i.nopreempt, i.preempt_delay) {
        (true, _) => "never".to_owned(),
        (false, Duration::ZERO) => "yes".to_owned(),
        (false, delay) => format!("after {delay}"),
    }
}

fn version(i: &Instance) -> u8 {
    match i.version {
        Version::V2 => 2,
        Version::V3 => 3,
    }
}

/// How long after a master's sudden death this machine takes over: within the master down interval, 3A + skew
/// after the last advertisement, which was sent up to A before the death.
fn takeover(i: &Instance) -> (Duration, Duration) {
    let (below, interval) = (256 - u64::from(i.priority), i.advert_interval);
    // RFC 9568 section 6.1; in VRRPv2 the skew does not scale with the interval.
    let skew = match i.version {
        Version::V2 => Duration::from_micros(below * 1_000_000 / 256),
        Version::V3 => Duration::from_micros(below * interval.as_micros() / 256),
    };
    let down = interval * u64::from(i.down_timer_adverts) + skew;
    (down.saturating_sub(interval), down)
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|i| i.to_string()).collect();
    match items.len() {
        0 => "none".to_owned(),
        1..=4 => items.join(", "),
        n => format!("{}, ... ({n})", items[..4].join(", ")),
    }
}
