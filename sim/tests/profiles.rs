//! Every difference between profiles has a scenario that tells the two apart, and that notices when the difference is
//! gone: it is run under both, and under its profile less the one switch, where an expectation must fail.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use havip::profile::{Profile, ROWS, Row};
use havip_sim::run;
use libtest_mimic::{Arguments, Failed, Trial};

const SCENARIOS: &str = "../scenarios";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = ROWS.iter().flat_map(|row| {
        let (one, other) = (format!("{} is told apart", row.name), format!("{} is missed", row.name));
        [Trial::test(one, || is_told_apart(row)), Trial::test(other, || is_missed(row))]
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn path_of(row: &Row) -> PathBuf {
    Path::new(SCENARIOS).join(row.scenario)
}

/// The profile that differs from what was measured by this row.
fn profile_of(row: &Row) -> Result<Profile, Failed> {
    let having = Profile::ALL.into_iter().find(|profile| profile.has(row.switch));
    having.ok_or_else(|| Failed::from(format!("no profile has {}", row.name)))
}

fn is_told_apart(row: &Row) -> Result<(), Failed> {
    let profile = profile_of(row)?;
    let path = path_of(row);
    let scenario = run::open(&path, None)?;
    if !scenario.also.contains(&profile) {
        return Err(format!("{} does not say `also as {profile}`", path.display()).into());
    }
    for one in [profile, Profile::KEEPALIVED] {
        if !scenario.expectations.iter().any(|expectation| expectation.only == Some(one)) {
            return Err(format!("{} expects nothing `as {one}`", path.display()).into());
        }
        let record = run::run(&run::open_as(&path, None, Some(one))?);
        if record.failing() > 0 {
            return Err(format!("under {one}: {}", record.text()).into());
        }
    }
    Ok(())
}

fn is_missed(row: &Row) -> Result<(), Failed> {
    let less = profile_of(row)?.without(row.switch);
    let record = run::run(&run::open_as(&path_of(row), None, Some(less))?);
    match record.failing() {
        0 => Err(format!("without {}, everything expected still holds:\n{}", row.name, record.text()).into()),
        _ => Ok(()),
    }
}
