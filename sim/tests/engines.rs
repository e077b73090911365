//! Every scenario file gives one trace in both engines, byte for byte; and a run is the same in every process.
//!
//! Of a file with phases: its unshifted and its worst run. Random scenarios, and what a comparison must find, are
//! unit tests of `engine`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use havip::profile::Profile;
use havip_sim::engine::Engine;
use havip_sim::{agree, run, snapshot};
use libtest_mimic::{Arguments, Failed, Trial};

const SCENARIOS: &str = "../scenarios";
/// What runs in processes of its own: a takeover by claim, with losses of power, and nothing longer than it must be.
const STORY: &str = "../scenarios/power-off.scn";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let files = snapshot::files_in(Path::new(SCENARIOS), "scn").unwrap_or_default();
    assert!(!files.is_empty(), "there is no scenario file in {SCENARIOS}");
    let mut trials: Vec<Trial> = Vec::new();
    for file in files {
        trials.extend(run::also(&file).into_iter().map(|profile| one_trace(file.clone(), Some(profile))));
        trials.push(one_trace(file, None));
    }
    trials.push(Trial::test("two runs in a process are one", two_runs));
    trials.push(Trial::test("two processes print one record", two_processes));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn one_trace(path: PathBuf, under: Option<Profile>) -> Trial {
    Trial::test(snapshot::name_of(&path, under), move || {
        let scenario = run::open_as(&path, None, under)?;
        agree::both(&scenario).map_err(|difference| Failed::from(difference.to_string()))
    })
}

fn two_runs() -> Result<(), Failed> {
    let scenario = run::open(Path::new(STORY), None)?;
    for engine in [Engine::EventLoop, Engine::Turmoil] {
        let [one, other] = [(); 2].map(|()| run::run_with(&scenario, engine, None));
        same("digest of all frames", &one.frames, &other.frames)?;
        same("record", &one.text(), &other.text())?;
    }
    Ok(())
}

fn two_processes() -> Result<(), Failed> {
    let print = |engine: &str| -> Result<String, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
        command.args(["run", "--format", "json", "--engine", engine, STORY]).env_remove("RUST_LOG");
        let output = command.output()?;
        if !output.status.success() {
            return Err(Failed::from(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (one, other) = (print("turmoil")?, print("turmoil")?);
    same("JSON of two processes", &one, &other)?;
    same("JSON of two engines", &one, &print("event-loop")?)?;
    same("JSON of both engines, compared", &one, &print("both")?)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, one: &T, other: &T) -> Result<(), Failed> {
    match one == other {
        true => Ok(()),
        false => Err(Failed::from(format!("the {what} differs:\n{one:?}\n{other:?}"))),
    }
}
