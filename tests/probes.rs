//! Every configuration keepalived 2.2.7 was given, against what it made of it.

use std::fmt::Write as _;

use havip::config::{self, Instance, Options, Origin, Version};
use havip::files::Files;

struct Probe {
    name: String,
    clean: bool,
    runs: bool,
    instances: Vec<String>,
    text: String,
}

#[test]
fn a_configuration_means_what_it_means_to_keepalived() {
    let mut wrong = String::new();
    let mut held = 0;
    for probe in probes() {
        let files = Files::single(format!("{}.conf", probe.name), probe.text.as_str());
        let loaded = config::load(&files, &Options::default());
        held += 1;
        let complaints = loaded.diagnoses.iter().filter(|d| d.origin == Origin::Keepalived && !d.once_mended);
        let complaints: Vec<String> = complaints.map(|d| d.one_line(&loaded.sources)).collect();
        if complaints.is_empty() != probe.clean {
            let _ =
                writeln!(wrong, "{}: keepalived clean: {}, here: {complaints:#?}", probe.name, probe.clean);
        }
        if loaded.config.refused.is_none() != probe.runs {
            let _ = writeln!(
                wrong,
                "{}: keepalived runs: {}, here: {:?}",
                probe.name, probe.runs, loaded.config.refused
            );
        }
        let instances: Vec<String> = loaded.config.instances.iter().map(|i| describe(i)).collect();
        if instances.len() != probe.instances.len()
            || instances.iter().zip(&probe.instances).any(|(ours, theirs)| !same(ours, theirs))
        {
            let _ = writeln!(
                wrong,
                "{}:\n  keepalived {:#?}\n  here {instances:#?}",
                probe.name, probe.instances
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(held, 117);
}

/// The instance in the words of the data.
fn describe(i: &Instance) -> String {
    let s = |d: havip::time::Duration| d.as_secs();
    let password = i
        .password
        .map_or("-".to_owned(), |p| String::from_utf8_lossy(&p.0).trim_end_matches('\0').to_owned());
    let addresses: Vec<String> = i.addresses.iter().map(|a| a.address.addr().to_string()).collect();
    let addresses = if addresses.is_empty() { "-".to_owned() } else { addresses.join(",") };
    format!(
        "name={} vrid={} version={} priority={} advert_us={} nopreempt={} preempt_delay={} \
         garp={}/{}/{}/{}/{}/{} no_advert={} send_advert={} auth={password} interface={} vips={addresses} master={} accept={}",
        i.name,
        i.vrid,
        if i.version == Version::V3 { 3 } else { 2 },
        i.priority,
        i.advert_interval.as_micros(),
        u8::from(i.nopreempt),
        s(i.preempt_delay),
        s(i.garp.master_delay),
        i.garp.master_repeat,
        s(i.garp.master_refresh),
        i.garp.master_refresh_repeat,
        s(i.garp.lower_prio_delay),
        i.garp.lower_prio_repeat,
        u8::from(i.lower_prio_no_advert),
        u8::from(i.higher_prio_send_advert),
        i.interface.as_deref().unwrap_or("-"),
        u8::from(i.starts_master),
        u8::from(i.accepts),
    )
}

/// Whether two descriptions agree where keepalived's is known.
fn same(ours: &str, theirs: &str) -> bool {
    let (ours, theirs): (Vec<_>, Vec<_>) = (ours.split(' ').collect(), theirs.split(' ').collect());
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| *a == b || b.ends_with("=?"))
}

fn probes() -> Vec<Probe> {
    let mut probes: Vec<Probe> = Vec::new();
    for line in include_str!("probes/keepalived-2.2.7.txt").lines() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        if mark == "=" {
            let [name, verdict, fate] = rest.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            probes.push(Probe {
                name: name.to_owned(),
                clean: verdict == "clean",
                runs: fate == "runs",
                instances: Vec::new(),
                text: String::new(),
            });
        }
        let Some(probe) = probes.last_mut() else { continue };
        match mark {
            "+" => probe.instances.push(rest.to_owned()),
            "|" => probe.text.push_str(&(unescape(rest) + "\n")),
            "|!" => probe.text.push_str(&unescape(rest)),
            _ => {}
        }
    }
    probes
}

fn unescape(line: &str) -> String {
    line.replace("\\r", "\r")
        .replace("\\u{feff}", "\u{feff}")
        .replace("\\u{a0}", "\u{a0}")
        .replace("\\\\", "\\")
}
