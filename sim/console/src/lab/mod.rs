//! Machines behind the cloud: a scenario that goes on as long as the server does, and that people act upon.
//!
//! A lab has no clock: it is told how far to go. What was done to it is a scenario file that does it again.

mod drive;
mod follow;
mod mirror;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use havip::time::{Duration, Time};
use havip::wire::ethernet::Mac;
use havip_sim::cloud::model::Refused;
use havip_sim::cloud::{Declined, Verdict};
use havip_sim::engine::EventLoop;
use havip_sim::observe::Observer;
use havip_sim::scenario::{EipDecl, HavipDecl, Script, ScriptError, TimeText, load_keepalived};
use havip_sim::world::{Act, EniIndex, Life, Look, NodeId, Report, Segment, Setup, Wants, What};

pub use drive::Ask;
use mirror::Mirror;
pub use mirror::REGION;
use tokio::sync::mpsc;

use crate::state::App;

/// As long as a lab may run.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Why a lab cannot be made, or an act not be done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Wrong(pub String);

fn wrong(errors: &[ScriptError]) -> Wrong {
    Wrong(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// An interface of the segment: its machine or client, and which of its interfaces.
pub type Nic = (NodeId, EniIndex);

/// Something that was seen on the segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// The cloud heard a claim.
    Claim {
        /// When.
        at: Time,
        /// By which interface.
        by: Nic,
        /// For what.
        address: IpAddr,
        /// The announced hardware address.
        mac: Mac,
        /// What it made of it.
        verdict: Verdict,
    },
    /// A HAVIP's binding moved.
    Bound {
        /// When.
        at: Time,
        /// Which, by its place.
        havip: usize,
        /// To whom.
        to: Option<NodeId>,
        /// The announced hardware address.
        mac: Option<Mac>,
    },
    /// A machine sent something.
    Heard {
        /// When last.
        at: Time,
        /// By which interface.
        by: Nic,
    },
    /// Somebody did something that the API can do as well, and the cloud did not decline.
    Done {
        /// When.
        at: Time,
        /// An index into the setup's acts.
        index: u32,
    },
    /// The cloud declined to do it.
    Declined {
        /// When.
        at: Time,
        /// An index into the setup's acts.
        index: u32,
        /// Why.
        why: Declined,
    },
    /// A machine's program came or went.
    Program {
        /// Of which machine.
        of: NodeId,
        /// How.
        life: Life,
    },
}

/// A scenario that goes on.
#[derive(Debug)]
pub struct Lab {
    script: Script,
    folder: PathBuf,
    engine: EventLoop,
    now: Time,
}

impl Lab {
    /// Reads a scenario file. Its expectations and its end are left out: a lab goes on.
    pub fn open(path: &Path) -> Result<Lab, Wrong> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|error| Wrong(format!("cannot read {name}: {error}")))?;
        let mut script = Script::parse(&name, &text).map_err(|errors| wrong(&errors))?;
        if !matches!(script.segment, Segment::Vpc { .. }) {
            return Err(Wrong(format!("{name} has no VPC: a lan has no cloud")));
        }
        script.run = LONGEST;
        script.phases = None;
        script.expectations.clear();
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let (script, setup) = prepare(&script, "", &folder)?;
        Ok(Lab { script, folder, engine: EventLoop::new(Arc::new(setup)), now: Time::ZERO })
    }

    /// An act in the words of its script, without a time.
    pub fn act_text(&self, act: &Act) -> String {
        self.script.act_text(act).to_string()
    }
    /// What it is made of.
    pub fn setup(&self) -> &Setup {
        self.engine.world().setup()
    }
    /// How far it has gone.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Goes on to an instant, and tells what was seen on the way.
    pub fn advance(&mut self, to: Time) -> Vec<Seen> {
        let mut watch = Watch { seen: Vec::new(), heard: Vec::new() };
        if to > self.now {
            self.engine.run(to, &mut watch);
            self.now = to;
        }
        let heard = watch.heard.iter().map(|&(by, at)| Seen::Heard { at, by });
        watch.seen.extend(heard);
        watch.seen
    }

    /// Does something, as a scenario file says it: `power-off a`. It happens at the next tick; when, is given back.
    pub fn act(&mut self, act: &str) -> Result<Time, Wrong> {
        if act.contains(['\n', '\r']) || act.len() > 4096 {
            return Err(Wrong("an act is one line".to_owned()));
        }
        let at = self.next_tick();
        let line = format!("at {} {act}\n", TimeText(at.saturating_since(Time::ZERO)));
        self.go_on(&self.script.clone(), &line)?;
        Ok(at)
    }

    /// Somebody applies for a HAVIP that is not there: one that was released, or that nobody has heard of. Its place
    /// among them is given back.
    pub fn apply(&mut self, address: IpAddr) -> Result<usize, Wrong> {
        let place = self.script.havips.iter().position(|one| one.address == address);
        let place = place.unwrap_or(self.script.havips.len());
        let mut script = self.script.clone();
        if place == script.havips.len() {
            script.havips.push(HavipDecl { address, off: true });
        }
        let at = TimeText(self.next_tick().saturating_since(Time::ZERO));
        self.go_on(&script, &format!("at {at} apply {address}\n"))?;
        Ok(place)
    }

    /// One more elastic IP, bound to nothing; its place among them is given back.
    pub fn add_eip(&mut self, address: Ipv4Addr) -> Result<usize, Wrong> {
        let mut script = self.script.clone();
        script.eips.push(EipDecl { address, havip: None });
        self.go_on(&script, "")?;
        Ok(self.script.eips.len() - 1)
    }

    fn go_on(&mut self, script: &Script, line: &str) -> Result<(), Wrong> {
        let (script, setup) = prepare(script, line, &self.folder)?;
        let went = self.engine.world_mut().go_on_with(Arc::new(setup));
        went.map_err(|_| Wrong("this would change what has been".to_owned()))?;
        self.script = script;
        Ok(())
    }

    fn next_tick(&self) -> Time {
        let tick = self.setup().tick;
        (self.now + tick).round_up(tick)
    }

    /// What was done, by whomever, as a scenario file: beside the file it was opened from, it does it again.
    pub fn recorded(&self) -> String {
        let mut script = self.script.clone();
        script.run = self.next_tick().saturating_since(Time::ZERO);
        script.acts.retain(|act| act.at <= self.now);
        script.tidy();
        script.to_string()
    }
}

/// Opens a lab, shows its objects in the cloud, and lets it go on for as long as the server runs.
pub async fn start(app: &Arc<App>, file: &Path) -> Result<(), Wrong> {
    let lab = Lab::open(file)?;
    let mirror = app.with(|inner, now| {
        let mirror = Mirror::new(&mut inner.model, now, lab.setup())?;
        inner.model.follow_segment(REGION, &mirror.vpc);
        Ok::<_, Refused>(mirror)
    });
    let mirror = mirror.await;
    let mirror = mirror.map_err(|refused| Wrong(refused.to_string()))?;
    let (asks, asked) = mpsc::channel(16);
    // There is one start.
    let _ = app.lab.set(asks);
    tokio::spawn(drive::drive(Arc::clone(app), lab, mirror, asked));
    Ok(())
}

/// A script with one more line, ready to run. It is printed and read again, so that every id in it is right.
fn prepare(script: &Script, line: &str, folder: &Path) -> Result<(Script, Setup), Wrong> {
    let text = format!("{script}\n{line}");
    let script = Script::parse("lab.scn", &text).map_err(|errors| wrong(&errors))?;
    let read = |name: &str| std::fs::read_to_string(folder.join(name));
    let scenario = script.prepare(&read, &load_keepalived).map_err(|errors| wrong(&errors))?;
    Ok((script, scenario.setup))
}

/// Keeps what the console wants to know.
struct Watch {
    seen: Vec<Seen>,
    /// When each interface sent something last.
    heard: Vec<(Nic, Time)>,
}

impl Observer for Watch {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: true, probes: false }
    }
    fn instant(&mut self, setup: &Setup, _: &dyn Look, reports: &[Report]) {
        for report in reports {
            let at = report.at;
            match report.what {
                What::Claim { address, by, eni, mac, verdict } => {
                    self.seen.push(Seen::Claim { at, by: (by, eni), address, mac, verdict });
                }
                What::Bound { havip, to, claimed_by, .. } => {
                    let havip = usize::from(havip.0);
                    self.seen.push(Seen::Bound { at, havip, to, mac: claimed_by });
                }
                What::Act(index) => {
                    let act = setup.acts.get(index as usize).map(|timed| timed.act);
                    if let Some(Act::Console(_) | Act::Attach(..) | Act::Detach(..)) = act {
                        self.seen.push(Seen::Done { at, index });
                    }
                }
                What::Declined(index, why) => {
                    self.seen.retain(|one| *one != Seen::Done { at, index });
                    self.seen.push(Seen::Declined { at, index, why });
                }
                What::Program(cvm, life) => self.seen.push(Seen::Program { of: NodeId(cvm.0), life }),
                What::Sent { .. } => {
                    let Some(by) = report.who.node().map(|node| (node, report.who.index())) else { continue };
                    match self.heard.iter_mut().find(|(one, _)| *one == by) {
                        Some((_, last)) => *last = at,
                        None => self.heard.push((by, at)),
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "scenario lab\nrun 1s seed 7\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
        cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 keepalived pair.conf\n\
        client web 172.16.16.100 probe 172.16.16.12 every 10ms\n";
    const CONF: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n state BACKUP\n nopreempt\n\
        @a priority 100\n @b priority 90\n unicast_peer {\n @a 172.16.16.6\n @b 172.16.16.5\n }\n\
        virtual_ipaddress {\n 172.16.16.12\n 172.16.16.20\n }\n}\n";

    fn at(ms: u64) -> Time {
        Time::ZERO + Duration::from_millis(ms)
    }
    fn moves(seen: &[Seen]) -> Vec<(Time, Option<NodeId>)> {
        let moved = |seen: &Seen| match *seen {
            Seen::Bound { at, to, .. } => Some((at, to)),
            _ => None,
        };
        seen.iter().filter_map(moved).collect()
    }
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("havip-lab-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pair.conf"), CONF).unwrap();
        std::fs::write(folder.join("story.scn"), STORY).unwrap();
        folder
    }

    #[test]
    fn what_was_done_to_a_lab_is_a_file_that_does_it_again() {
        let folder = folder("replay");
        let mut lab = Lab::open(&folder.join("story.scn")).unwrap();
        let mut seen = Vec::new();
        // It goes on in steps that nothing else knows of.
        for step in 1..3000 {
            seen.extend(lab.advance(at(step * 10)));
            match step {
                1000 => _ = lab.act("power-off a").unwrap(),
                1500 => _ = lab.apply("172.16.16.20".parse().unwrap()).unwrap(),
                2000 => _ = lab.act("power-on a").unwrap(),
                2300 => _ = lab.act("cut a -> *").unwrap(),
                _ => {}
            }
        }
        assert!(lab.act("power-off nobody").is_err());
        assert!(lab.act("heal\nat 1s heal").is_err());
        let held: Vec<_> = moves(&seen).iter().map(|&(_, to)| to).collect();
        assert_eq!(
            held,
            [Some(NodeId(0)), Some(NodeId(1)), Some(NodeId(1))],
            "a, then b; b claims the second one"
        );

        std::fs::write(folder.join("again.scn"), lab.recorded()).unwrap();
        let again = havip_sim::run::open(&folder.join("again.scn"), None).unwrap();
        assert_eq!(again.setup.acts.len(), 4);
        let mut watch = Watch { seen: Vec::new(), heard: Vec::new() };
        EventLoop::new(Arc::new(again.setup)).run(lab.now(), &mut watch);
        assert_eq!(moves(&watch.seen), moves(&seen));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
