//! Which part of a campaign one of several machines runs.

use std::fmt;

use super::results::BLOCK;

/// One of so many parts, counted from 0: the blocks whose number, divided by so many, leaves that rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub of: u64,
}

/// How an engine that runs many tasks tells a task which one it is.
struct Engine {
    /// What it is called.
    name: &'static str,
    index: &'static str,
    /// Hold the first index and the last, where the first may not be 0.
    ends: Option<(&'static str, &'static str)>,
    count: Option<&'static str>,
}

const ENGINES: [Engine; 4] = [
    Engine { name: "HyperQueue", index: "HQ_TASK_ID", ends: None, count: None },
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        ends: Some(("SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX")),
        count: Some("SLURM_ARRAY_TASK_COUNT"),
    },
    Engine { name: "a Kubernetes Indexed Job", index: "JOB_COMPLETION_INDEX", ends: None, count: None },
    Engine {
        name: "AWS Batch",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        ends: None,
        count: Some("AWS_BATCH_JOB_ARRAY_SIZE"),
    },
];

/// Reads a variable of the environment.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl Shard {
    /// The whole campaign.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// `I/N`, `env/N` or `env`: with `env` the engine says which one this is, and may say of how many.
    pub fn parse(text: &str, environment: &Environment<'_>) -> Result<Shard, String> {
        let (which, of) = match text.split_once('/') {
            Some((which, of)) => (which, Some(number("--shard", of)?)),
            None => (text, None),
        };
        if which == "env" {
            return Shard::of_engine(of, environment);
        }
        let Some(of) = of else {
            return Err(format!("--shard {text:?}: I/N, such as 0/32, or env/32, or env"));
        };
        Shard { index: number("--shard", which)?, of }.checked("--shard")
    }

    fn of_engine(of: Option<u64>, environment: &Environment<'_>) -> Result<Shard, String> {
        let present = ENGINES.iter().filter_map(|engine| Some((engine, environment(engine.index)?)));
        let (engine, index) = match present.collect::<Vec<_>>().as_slice() {
            [(engine, index)] => (*engine, index.clone()),
            [] => {
                let names: Vec<&str> = ENGINES.iter().map(|engine| engine.index).collect();
                return Err(format!("--shard env: none of {} is set: give --shard I/N", names.join(", ")));
            }
            several => {
                let names: Vec<&str> = several.iter().map(|(engine, _)| engine.index).collect();
                return Err(format!(
                    "--shard env: {} are set, and which one counts is not clear: give --shard I/N",
                    names.join(" and ")
                ));
            }
        };
        let index = number(engine.index, &index)?;
        let told = |name: Option<&str>| match name.and_then(environment) {
            Some(value) => number(name.unwrap_or_default(), &value).map(Some),
            None => Ok(None),
        };
        let first = told(engine.ends.map(|(first, _)| first))?;
        let last = told(engine.ends.map(|(_, last)| last))?;
        let told = told(engine.count)?;
        // An array of some tasks only, such as one that is run again, begins at another first index.
        if let (Some(of), Some(told)) = (of, told)
            && of != told
        {
            let count = engine.count.unwrap_or_default();
            return Err(format!(
                "--shard env/{of}: {count} is {told}, and a part of an array does not say which part: run the task again \
                 in its array, or give --shard I/{of}"
            ));
        }
        // Without a number of shards, an array's own must be all of them.
        if let (None, Some(count), Some(first)) = (of, told, first) {
            let is_whole = last.is_none_or(|last| last.checked_sub(first) == count.checked_sub(1));
            if !is_whole || (count == 1 && first > 0) {
                return Err(format!(
                    "--shard env: {} is {count}, from {first} on{}: this is a part of an array, and does not say of how \
                     many shards: give --shard env/N in a whole array, or --shard I/N",
                    engine.count.unwrap_or_default(),
                    last.map_or(String::new(), |last| format!(" to {last}"))
                ));
            }
        }
        let Some(of) = of.or(told) else {
            return Err(format!(
                "--shard env: {} does not say how many shards there are: give --shard env/N",
                engine.name
            ));
        };
        let first = first.unwrap_or(0);
        let Some(index) = index.checked_sub(first) else {
            return Err(format!("{} {index} is before the first, {first}", engine.index));
        };
        Shard { index, of }.checked(engine.index)
    }

    fn checked(self, whence: &str) -> Result<Shard, String> {
        let Shard { index, of } = self;
        if of == 0 {
            return Err(format!("{whence}: 0 shards are none: at least 1"));
        }
        if index >= of {
            let last = of - 1;
            return Err(format!("{whence}: there is no shard {index} of {of}: they are 0 to {last}"));
        }
        Ok(self)
    }

    /// Whether a block is in it.
    pub fn has(self, block: u64) -> bool {
        block % self.of == self.index
    }

    /// How many of the seeds of `first..=last` it runs; more than there are numbers count as the largest.
    pub fn seeds(self, first: u64, last: u64) -> u64 {
        let (low, high) = (first / BLOCK, last / BLOCK);
        let before = |blocks: u64| {
            // Of the blocks 0 to blocks - 1, those of this shard.
            blocks / self.of + u64::from(blocks % self.of > self.index)
        };
        let all = (before(high) - before(low)).saturating_add(u64::from(self.has(high)));
        let mut seeds = u128::from(all) * u128::from(BLOCK);
        if self.has(low) {
            seeds -= u128::from(first % BLOCK);
        }
        if self.has(high) {
            seeds -= u128::from(BLOCK - 1 - last % BLOCK);
        }
        u64::try_from(seeds).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

fn number(what: &str, text: &str) -> Result<u64, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("{what}: {text:?} is no whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(variables: &[(&str, &str)], text: &str) -> Result<Shard, String> {
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|v| v.1.to_owned());
        Shard::parse(text, &find)
    }

    #[test]
    fn every_engine_says_which_one_this_is() {
        let third = Ok(Shard { index: 3, of: 8 });
        assert_eq!(with(&[], "3/8"), third);
        assert_eq!(with(&[("HQ_TASK_ID", "3")], "env/8"), third);
        assert_eq!(with(&[("JOB_COMPLETION_INDEX", "3")], "env/8"), third);
        let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "8")];
        assert_eq!(with(&batch, "env"), third);
        let slurm =
            [("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "8")];
        assert_eq!(with(&slurm, "env"), third, "--array=1-8 counts from 1");
        assert_eq!(with(&slurm, "env/8"), third);
    }

    #[test]
    fn what_is_no_shard_is_said() {
        let wrong = |variables: &[(&str, &str)], text| with(variables, text).unwrap_err();
        assert_eq!(wrong(&[], "8/8"), "--shard: there is no shard 8 of 8: they are 0 to 7");
        assert_eq!(wrong(&[], "0/0"), "--shard: 0 shards are none: at least 1");
        assert_eq!(wrong(&[], "-1/8"), "--shard: \"-1\" is no whole number");
        assert!(wrong(&[], "3").contains("I/N, such as 0/32"));
        assert!(wrong(&[], "env/8").contains("none of HQ_TASK_ID, SLURM_ARRAY_TASK_ID"));
        assert!(wrong(&[("HQ_TASK_ID", "3")], "env").contains("give --shard env/N"));
        assert_eq!(
            wrong(&[("HQ_TASK_ID", "9")], "env/8"),
            "HQ_TASK_ID: there is no shard 9 of 8: they are 0 to 7"
        );
        let two = [("HQ_TASK_ID", "3"), ("JOB_COMPLETION_INDEX", "1")];
        assert!(wrong(&two, "env/8").contains("HQ_TASK_ID and JOB_COMPLETION_INDEX are set"));
        let one =
            [("SLURM_ARRAY_TASK_ID", "4"), ("SLURM_ARRAY_TASK_MIN", "4"), ("SLURM_ARRAY_TASK_COUNT", "1")];
        assert!(
            wrong(&one, "env/8").contains("SLURM_ARRAY_TASK_COUNT is 1"),
            "one task of an array, run again"
        );
        let again = [one.as_slice(), &[("SLURM_ARRAY_TASK_MAX", "4")]].concat();
        assert!(wrong(&again, "env").contains("SLURM_ARRAY_TASK_COUNT is 1, from 4 on to 4"), "the same");
        let array = |first, last, count| {
            [
                ("SLURM_ARRAY_TASK_ID", "6"),
                ("SLURM_ARRAY_TASK_MIN", first),
                ("SLURM_ARRAY_TASK_MAX", last),
                ("SLURM_ARRAY_TASK_COUNT", count),
            ]
        };
        assert!(wrong(&array("0", "6", "4"), "env").contains("a part of an array"), "--array=0-6:2");
        assert_eq!(with(&array("5", "8", "4"), "env"), Ok(Shard { index: 1, of: 4 }), "--array=5-8");
        let early = [("SLURM_ARRAY_TASK_ID", "1"), ("SLURM_ARRAY_TASK_MIN", "2")];
        assert_eq!(wrong(&early, "env/8"), "SLURM_ARRAY_TASK_ID 1 is before the first, 2");
    }

    proptest! {
        #[test]
        fn shards_have_every_seed_once(first in 0..2_000u64, more in 0..2_000u64, of in 1..40u64) {
            let last = first + more;
            let count = |index| {
                let shard = Shard { index, of };
                let seeds = (first..=last).filter(|seed| shard.has(seed / BLOCK)).count() as u64;
                assert_eq!(shard.seeds(first, last), seeds, "{shard}");
                seeds
            };
            prop_assert_eq!((0..of).map(count).sum::<u64>(), more + 1);
        }
    }
}
