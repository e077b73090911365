//! What would run, in a table: one row an instance.

use havip::config::{Config, Instance, Version};
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

/// The table; nothing when nothing runs.
pub(crate) fn table(config: &Config) -> String {
    if config.instances.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(config.instances.iter().map(row));
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let line = |row: &[String; 9]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(i: &Instance) -> [String; 9] {
    let (least, most) = takeover(i);
    [
        i.name.clone(),
        i.vrid.to_string(),
        version(i).to_string(),
        i.priority.to_string(),
        preempts(i),
        i.advert_interval.to_string(),
        format!("{}..{} s", least.display(3), most.display(3)),
        if i.is_unicast() { list(i.peers.iter().map(|p| p.address)) } else { "multicast".to_owned() },
        list(i.addresses.iter().map(|a| a.address)),
    ]
}

/// One instance as a JSON object.
pub(crate) fn json(i: &Instance) -> String {
    let (least, most) = takeover(i);
    let strings = |items: Vec<String>| items.iter().map(|s| quoted(s)).collect::<Vec<_>>().join(", ");
    format!(
        "{{\"name\": {}, \"vrid\": {}, \"version\": {}, \"priority\": {}, \"interval_ns\": {}, \"nopreempt\": {}, \
         \"preempt_delay_ns\": {}, \"takeover_ns_min\": {}, \"takeover_ns_max\": {}, \"peers\": [{}], \"addresses\": [{}]}}",
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
