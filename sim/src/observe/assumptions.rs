//! What the numbers of a record rest on: a simulator that hides its guesses is not believed.

use havip::profile::Profile;
use havip::time::Duration;

use super::words;
use crate::world::{Act, ConsoleAct, ProgramSetup, Segment, Setup, Subnet};

/// Its name, its value, and how it is known.
type Assumption = (&'static str, String, &'static str);

/// What decided the numbers of a run and was not measured in it.
pub(super) fn assumptions(setup: &Setup) -> Vec<Assumption> {
    let mut all = Vec::new();
    let latency = |subnet: &Subnet| words::range(subnet.latency.0, subnet.latency.1);
    match &setup.segment {
        Segment::Lan(lans) => {
            let mut texts: Vec<String> = lans.iter().map(latency).collect();
            texts.dedup();
            all.push(("latency", texts.join(", "), "given"));
            all.push(("neighbour tables", "the timers of Linux".into(), "measured"));
        }
        Segment::Vpc { subnets, .. } => {
            let mut texts: Vec<String> = subnets.iter().map(latency).collect();
            texts.dedup();
            all.push(("latency", texts.join(", "), "given"));
            let (least, most) = setup.bind_delay;
            if most.is_zero() {
                all.push(("bind-delay", "0s; the vendor says \"may take 10 seconds\"".into(), "assumed"));
            } else {
                all.push(("bind-delay", words::range(least, most), "given"));
            }
            all.push(("binding", "moves to whoever announces the HAVIP by ARP".into(), "vendor"));
            all.extend(of_the_console(setup));
        }
    }
    if setup.host_exact {
        all.push(("host", "exact: no program and no timer is ever late".into(), "assumed"));
    } else {
        all.push(("host", "start, timers and addresses as late as Linux's".into(), "measured"));
    }
    all.extend(programs(setup));
    all
}

/// What the numbers rest on beyond the subnet.
fn of_the_console(setup: &Setup) -> impl Iterator<Item = Assumption> {
    let far: Vec<(Duration, Duration)> = setup.clients.iter().filter_map(|one| one.internet).collect();
    let mut texts: Vec<String> = far.iter().map(|latency| words::range(latency.0, latency.1)).collect();
    texts.dedup();
    let internet =
        (!far.is_empty()).then(|| ("internet", format!("{} each way", texts.join(", ")), "assumed"));
    let is_rule = |act: &ConsoleAct| matches!(act, ConsoleAct::Security(..));
    let acts = setup.acts.iter().filter_map(|timed| match &timed.act {
        Act::Console(act) => Some(act),
        _ => None,
    });
    let has_groups = setup.console.iter().chain(acts).any(is_rule);
    let groups = "what no rule is about passes; protocol 112 has no connections".to_owned();
    let groups = has_groups.then_some(("security groups", groups, "assumed"));
    internet.into_iter().chain(groups)
}

/// Whose behaviour the machines' programs have, each once.
fn programs(setup: &Setup) -> impl Iterator<Item = Assumption> {
    let mut all: Vec<Profile> = Vec::new();
    for cvm in &setup.cvms {
        let ProgramSetup::Agent { profile, .. } = cvm.program;
        if !all.contains(&profile) {
            all.push(profile);
        }
    }
    if all.is_empty() {
        all.push(Profile::KEEPALIVED);
    }
    all.into_iter().map(|profile| {
        let (text, known) = words::program(profile);
        ("program", text.to_owned(), known)
    })
}
