//! What is asked comes to what is stepped: every scenario file is run a part of its time with nobody looking at every
//! frame, so that rows of beats are asked, and again with every event stepped. What was reported must be the same, which
//! advertisements were sent and arrived too, and so must every frame from then on, which the whole state has a part in.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use havip::profile::Profile;
use havip::time::{Duration, Time};
use havip_sim::engine::EventLoop;
use havip_sim::observe::{Observer, Trace};
use havip_sim::world::{Kind, Look, Report, Setup, Wants, What};
use havip_sim::{run, snapshot};
use libtest_mimic::{Arguments, Failed, Trial};

const SCENARIOS: &str = "../scenarios";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = snapshot::files_in(Path::new(SCENARIOS), "scn").unwrap_or_default();
    assert!(!files.is_empty(), "there is no scenario file in {SCENARIOS}");
    let mut trials: Vec<Trial> = Vec::new();
    for file in files {
        let also = run::also(&file).into_iter().map(Some);
        for under in also.chain([None]) {
            let path = file.clone();
            trials
                .push(Trial::test(snapshot::name_of(&file, under), move || asked_and_stepped(&path, under)));
        }
    }
    trials.push(Trial::test("years are asked, not stepped", years));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Everything that is reported but probes, and of frames the advertisements that were sent and that arrived: as told, with its instant.
#[derive(Debug, Default)]
struct Told(Vec<(Time, String)>);

impl Observer for Told {
    fn wants(&self) -> Wants {
        Wants { facts: true, frames: true, beats: false, probes: false }
    }
    fn instant(&mut self, _: &Setup, look: &dyn Look, reports: &[Report]) {
        for report in reports {
            let told = match report.what {
                What::Received { frame, kind: Kind::Vrrp, from } => {
                    format!("{:?} from {from:?} {:02x?}", report.who, but_its_number(look.frame(frame)))
                }
                What::Sent { frame, kind: Kind::Vrrp } => {
                    format!("{:?} sends {:02x?}", report.who, but_its_number(look.frame(frame)))
                }
                What::Probed { .. }
                | What::Answered { .. }
                | What::AllAnswered { .. }
                | What::AllLost { .. }
                | What::Sent { .. }
                | What::Received { .. }
                | What::Lost { .. } => continue,
                _ => format!("{report:?}"),
            };
            self.0.push((report.at, told));
        }
    }
}

/// An IPv4 packet's identification, and the checksum that follows from it, set to zero: those of a row are its first's.
fn but_its_number(frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    if bytes.get(12..14) == Some(&[0x08, 0x00]) {
        bytes[18..20].fill(0);
        bytes[24..26].fill(0);
    }
    bytes
}

fn asked_and_stepped(path: &Path, under: Option<Profile>) -> Result<(), Failed> {
    let scenario = run::open_as(path, None, under)?;
    let setup = Arc::new(scenario.setup.clone());
    let end = Time::ZERO + setup.run;
    for part in [3, 5, 8] {
        let until = Time::from_nanos(setup.run.as_nanos() / 10 * part).round_up(setup.tick);
        let story = |steps_all: bool| {
            let mut engine = EventLoop::new(Arc::clone(&setup));
            if steps_all {
                engine.step_all();
            }
            let mut told = Told::default();
            engine.run(until, &mut told);
            told.0.sort_by_key(|(at, _)| *at); // probes that are asked fall behind the row they are in
            let programs = format!("{:?}", engine.programs());
            let mut trace = Trace::new();
            engine.run(end, &mut trace);
            (told, programs, trace)
        };
        let (asked, stepped) = (story(false), story(true));
        let place = format!("at {part}/10 of {}", setup.run);
        let at_first = asked.0.0.iter().zip(&stepped.0.0).find(|(a, b)| a != b);
        let (a, b) = at_first
            .map_or((asked.0.0.len().to_string(), stepped.0.0.len().to_string()), |(a, b)| {
                (format!("{a:?}"), format!("{b:?}"))
            });
        same(&format!("what was reported, {place}"), &a, &b)?;
        same(&format!("programs, {place}"), &asked.1, &stepped.1)?;
        if let Some((a, b)) = asked.2.first_difference(&stepped.2) {
            return Err(Failed::from(format!("frames after {place}\n  asked    {a:?}\n  stepped  {b:?}")));
        }
    }
    Ok(())
}

/// The test would prove nothing if nothing were asked: of two programs with an advertisement a second there is at least a
/// timer and a packet to step through for each. havip looks every ten seconds whether its claim holds.
fn years() -> Result<(), Failed> {
    years_under(Profile::KEEPALIVED, 7_000, 10)?;
    years_under(Profile::HAVIP, 10_000, 4)
}

fn years_under(profile: Profile, least: u64, fewer: u64) -> Result<(), Failed> {
    let scenario = run::open_as(Path::new("../scenarios/power-off.scn"), None, Some(profile))?;
    let mut setup = scenario.setup.clone();
    setup.acts.clear();
    let setup = Arc::new(setup);
    let instants = |steps_all: bool| {
        let mut engine = EventLoop::new(Arc::clone(&setup));
        if steps_all {
            engine.step_all();
        }
        engine.run(Time::ZERO + Duration::from_secs(3600), &mut ());
        engine.steps()
    };
    let (asked, stepped) = (instants(false), instants(true));
    if stepped < least || asked * fewer > stepped {
        return Err(Failed::from(format!("{profile}: {asked} steps where every step is taken: {stepped}")));
    }
    Ok(())
}

fn same(what: &str, a: &str, b: &str) -> Result<(), Failed> {
    if a == b {
        return Ok(());
    }
    Err(Failed::from(format!("{what}\n  asked    {a}\n  stepped  {b}")))
}
