//! One seed again, as a scenario like any other.

use std::io;
use std::path::Path;

use super::base::Base;
use super::found::placed;
use super::plan::Plan;
use super::seed::Drawn;
use crate::scenario::{Scenario, ScriptError, load_keepalived};
use crate::world::Setup;

/// What a seed drew, ready to run with a record.
pub fn scenario(base: &Base, plan: &Plan, drawn: &Drawn) -> Result<Scenario, Vec<ScriptError>> {
    let read = |name: &str| match base.files.iter().find(|(file, _)| file == name) {
        Some((_, text)) => Ok(text.clone()),
        None => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let scenario = drawn.script(base).checked()?.prepare(&read, &load_keepalived)?;
    Ok(Scenario { setup: Setup { canary: plan.canary, ..scenario.setup }, ..scenario })
}

/// What a seed drew as a scenario file, with what was drawn in its head.
pub fn text(base: &Base, drawn: &Drawn) -> String {
    told(drawn, &drawn.script(base).to_string())
}

/// Writes that file; its configurations are named from its folder, and written into it where the cluster was made of
/// configuration files alone.
pub fn write(base: &Base, drawn: &Drawn, path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let script = placed(base, &drawn.script(base), folder)?;
    std::fs::write(path, told(drawn, &script.to_string()))
}

fn told(drawn: &Drawn, script: &str) -> String {
    let words: String = drawn.in_words().lines().map(|line| format!("# {line}\n")).collect();
    format!("# seed     {}\n{words}{script}", drawn.seed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::outcome::{Outcome, watched};
    use super::*;
    use crate::engine::Engine;

    #[test]
    fn a_script_of_a_seed_is_the_run_that_was_judged() {
        let base = super::super::testing::pair();
        for canary in [false, true] {
            let plan = Plan { canary, ..Plan::new(&base) };
            for seed in 1..=40 {
                let outcome = Outcome::of(&base, &plan, seed);
                let again = scenario(&base, &plan, &outcome.drawn).expect("a scenario");
                let watch = watched(&Arc::new(again.setup), &plan, outcome.drawn.healed, Engine::EventLoop);
                assert_eq!(watch.digest(), outcome.digest, "seed {seed}:\n{}", text(&base, &outcome.drawn));
                assert_eq!(watch.violations(), outcome.violations, "seed {seed}");
            }
        }
    }
}
