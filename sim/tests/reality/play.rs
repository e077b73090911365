//! Replays a run of a case: the scenario file it is, and the capture of it.

use std::sync::Arc;

use havip::time::{Duration, Time};
use havip_sim::engine::EventLoop;
use havip_sim::scenario::{Script, load_keepalived};
use havip_sim::world::NodeId;

use crate::capture::{A, B, C, Capture};
use crate::case::{Case, Place};
use crate::figures::{self, Act, Crafted, Figures, Nanos, SECOND};

/// `ping -i 0.1` of the measured host sent every 104 ms: its timers have grains of 4 ms.
pub const PING: Nanos = 104_000_000;

/// A case and its folder, read once.
pub struct Player<'c> {
    case: &'c Case,
    /// The acts of the first run, crafted frames among them.
    acts: Vec<Act>,
    crafted: Vec<Crafted>,
    /// Which machines there are.
    machines: Vec<char>,
}

impl<'c> Player<'c> {
    /// Reads the folder of a case.
    pub fn new(case: &'c Case) -> Player<'c> {
        let mut acts = figures::acts(case.name);
        let crafted = figures::crafted(case.name);
        acts.extend(crafted.iter().map(|one| one.act.clone()));
        let starts =
            |name: &char| acts.iter().any(|act| act.what.starts_with(&format!("{name}: keepalived start")));
        let machines = ['a', 'b', 'c'].into_iter().filter(starts).collect();
        Player { case, acts, crafted, machines }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        self.case
    }

    /// The run of these figures: the instant of each act is found in the run itself, as it went up to there.
    pub fn play(&self, figures: Option<&Figures>, seed: u64) -> Capture {
        let mut story: Vec<(Nanos, &str)> = Vec::new();
        // When the act before came in the first run, and how much later than that in this one.
        let mut before = (0, 0);
        for step in &self.case.steps {
            let about = step.about.and_then(|about| about(figures?));
            let near = before.0 + about.unwrap_or(step.near - before.0) + before.1;
            let first_run = self.acts.iter().min_by_key(|act| (act.at - step.near).abs());
            let place = match step.place {
                Place::After(node, offset) => figures.and_then(offset).map(|offset| (node, offset)),
                Place::LikeFirst | Place::Then => None,
            };
            let at = match place.or(first_run.and_then(|act| act.after)) {
                Some((node, offset)) if !matches!(step.place, Place::Then) => {
                    let so_far = self.run(&story, near + SECOND, seed);
                    let instants = so_far.adverts(node_of(node)).map(|advert| advert.at + offset);
                    instants.min_by_key(|at| (at - near).abs()).unwrap_or(near)
                }
                _ => near,
            };
            before = (step.near, at - step.near);
            story.push((at, &step.act));
        }
        let mut capture = self.run(&story, self.case.end, seed);
        capture.acts = story.iter().map(|&(at, _)| at / 1000 * 1000).collect();
        capture
    }

    /// The scenario file of a run.
    pub fn text(&self, story: &[(Nanos, &str)], end: Nanos, seed: u64) -> String {
        let us = |at: Nanos| format!("{}us", at / 1000);
        let conf = figures::file(self.case.name, "a.conf").unwrap_or_default();
        let (two, v6) = (conf.contains("eth1"), conf.contains("fd00:16::"));
        let of_6 = |last: &str| if v6 { format!(" ipv6 fd00:16::{last}") } else { String::new() };
        let mut text = format!(
            "scenario reality\nrun {} seed {seed}\ntick 1us\nlan 172.16.16.0/24{} latency 15us..55us\n",
            us(end),
            of_6("/64")
        );
        if two {
            text += "lan 172.16.17.0/24 latency 15us..55us\n";
        }
        for name in &self.machines {
            let last = last_byte(*name);
            let v6 = of_6(&last.to_string());
            let first = format!("{name}.first.conf");
            let conf = match figures::file(self.case.name, &first) {
                Ok(_) => first,
                Err(_) => format!("{name}.conf"),
            };
            text += &format!(
                "cvm {name} 172.16.16.{last}{v6} keepalived {conf} mac 02:00:00:00:00:{last:02x} off\n"
            );
            if two {
                text += &format!("eni {name}.eth1 172.16.17.{last} mac 02:00:00:00:01:{last:02x}\n");
            }
        }
        let target = self.case.target;
        text += &format!(
            "client k 172.16.16.7{} probe {target} every {} mac 02:00:00:00:00:07\n",
            of_6("7"),
            us(PING)
        );
        // A host that runs no program is there all the same, and its kernel answers: a client that asks once.
        for name in ['a', 'b', 'c'].into_iter().filter(|name| !self.machines.contains(name)) {
            let last = last_byte(name);
            text += &format!(
                "client {name} 172.16.16.{last}{} probe 172.16.16.7 every {} mac 02:00:00:00:00:{last:02x}\n",
                of_6(&last.to_string()),
                us(end)
            );
        }
        let mut acts: Vec<_> = self.machines.iter().filter_map(|&name| self.start_of(name)).collect();
        acts.retain(|(_, start)| !self.case.steps.iter().any(|step| step.act == *start));
        // A crafted frame needs an instant to be sent at: an act that finds nothing to do makes one.
        let worded = |act: &str| if act.starts_with("craft ") { "plug k".to_owned() } else { act.to_owned() };
        acts.extend(story.iter().map(|&(at, act)| (at, worded(act))));
        acts.sort_by_key(|&(at, _)| at);
        for (at, act) in acts.iter().filter(|&&(at, _)| at <= end) {
            text += &format!("at {} {act}\n", us(*at));
        }
        text
    }

    /// When a machine's program is started first, if it is.
    fn start_of(&self, name: char) -> Option<(Nanos, String)> {
        let is = |act: &&Act| act.what.starts_with(&format!("{name}: keepalived start"));
        self.acts.iter().find(is).map(|act| (act.at, format!("power-on {name}")))
    }

    fn run(&self, story: &[(Nanos, &str)], end: Nanos, seed: u64) -> Capture {
        let text = self.text(story, end, seed);
        let script = Script::parse(self.case.name, &text)
            .unwrap_or_else(|wrong| panic!("{}\n{text}", wrong[0].one_line()));
        let read = |name: &str| figures::file(self.case.name, name);
        let scenario = script
            .prepare(&read, &load_keepalived)
            .unwrap_or_else(|wrong| panic!("{}\n{text}", wrong[0].one_line()));
        let instant = |at: Nanos| Time::ZERO + Duration::from_nanos(at as u64);
        let mut capture = Capture::default();
        let mut engine = EventLoop::new(Arc::new(scenario.setup));
        for (at, frame) in story.iter().filter_map(|(at, act)| Some((*at, self.frame(act)?))) {
            if at <= end {
                engine.run(instant(at), &mut capture);
                let sender = self.sender(frame[11]);
                engine.world_mut().inject(sender, frame);
            }
        }
        engine.run(instant(end), &mut capture);
        capture
    }

    /// The frame that an act sends.
    fn frame(&self, act: &str) -> Option<&[u8]> {
        let n: usize = act.strip_prefix("craft ")?.parse().ok()?;
        Some(&self.crafted[n].bytes)
    }

    /// The node with that last byte of a hardware address: machines come first, then the client, then the hosts
    /// that run nothing.
    fn sender(&self, last: u8) -> NodeId {
        let machine = |name: &&char| self.machines.contains(name);
        let (programs, hosts): (Vec<&char>, Vec<&char>) = ['a', 'b', 'c'].iter().partition(machine);
        let place = programs.into_iter().chain([&'k']).chain(hosts).position(|&name| last_byte(name) == last);
        NodeId(place.expect("a node with that address") as u16)
    }
}

fn node_of(name: char) -> NodeId {
    match name {
        'a' => A,
        'b' => B,
        _ => C,
    }
}

fn last_byte(name: char) -> u8 {
    match name {
        'a' => 5,
        'b' => 6,
        'k' => 7,
        _ => 8,
    }
}
