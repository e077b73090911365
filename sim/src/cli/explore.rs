//! `havip-sim explore`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use havip::time::Duration;

use super::meter::{self, Meter};
use super::subject::{Bad, Loaded, Subject};
use super::{BAD_INPUT, FAILS, Format, HOLDS, INTERRUPTED, complain, merge};
use crate::explore::{
    BLOCK, Begin, Campaign, Drawn, End, Found, Report, Results, Seeds, Shard, Tally, check, grouped, page,
    replay, shrink,
};

/// Explore what can happen to a cluster: each seed draws its own failures.
#[derive(Debug, Args)]
#[command(after_help = "\
Each seed draws failures of every kind, runs them against the cluster, and holds the run against rules; then all is
healed, and the cluster has to find together. For the first seed of each rule that does not hold, the smallest scenario
that still breaks it is written into scenarios/found. The same seeds give the same results on any number of cores and
machines; what is done is kept in havip-explore/NAME.jsonl, whatever ends the campaign.

A plan is a file such as
    scenario = \"pair.scn\"          # or files = [\"a.conf\", \"b.conf\"]
    seeds = \"1..100000\"
    without = [\"clock-step\"]       # or only = [...]
    outage-limit = \"20s\"
    [[expected]]
    rule = \"heal-agrees\"
    with = \"cloud-deaf\"
    why = \"nobody claims again without garp_master_refresh\"

Exit status: 0 all rules hold; 1 one does not; 2 the input cannot be used; 130 stopped by Ctrl-C.")]
pub(super) struct Explore {
    #[command(flatten)]
    subject: Subject,
    /// Which seeds, both ends included; one may be a commit hash. 1..1000 if not given, any number with --for
    #[arg(long, value_name = "A..B", value_parser = Seeds::parse)]
    seeds: Option<Seeds>,
    /// How many threads; one a core if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    jobs: Option<u16>,
    /// Stop after this time, such as 90s, 10m or 2h; --resume goes on
    #[arg(long = "for", value_name = "TIME", value_parser = time)]
    longest: Option<Duration>,
    /// Run only this part of the seeds, counted from 0: I/N; or env/N, env: as HyperQueue, Slurm, a Kubernetes Indexed
    /// Job or AWS Batch says
    #[arg(long, value_name = "I/N")]
    shard: Option<String>,
    /// Go on with the results that are there
    #[arg(long)]
    resume: bool,
    /// Write results into this folder, and what was found into its folder `found`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write one page: how every rule fared, the distribution of outages, and the worst runs as pictures
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check_determinism", "show"])]
    html: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Run each seed twice, the first and one in 50 in the turmoil engine as well, and stop at the first line that differs
    #[arg(long, conflicts_with_all = ["resume", "out", "html", "show"])]
    check_determinism: bool,
    /// Do not shrink what was found
    #[arg(long)]
    no_shrink: bool,
    /// Print what each seed draws, as a scenario, and run none
    #[arg(long)]
    show: bool,
}

/// What `--for` alone means by seeds: more than anybody waits for.
const ENDLESS: Seeds = Seeds { first: 1, last: 1_000_000_000 };
const USUAL: Seeds = Seeds { first: 1, last: 1_000 };

fn time(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("min", 60), ("h", 3_600)];
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = units.iter().find(|(unit, _)| *unit == &text[digits.len()..]);
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok());
    match (unit, number.flatten()) {
        // A thousand hours and more are a mistake; a hundred years are no mistake of the arithmetic.
        (Some((_, seconds)), Some(n @ 1..=1_000_000)) => Ok(Duration::from_secs(n * seconds)),
        _ => Err("a time such as 90s, 10m or 2h".to_owned()),
    }
}

impl Explore {
    pub(super) fn execute(&self) -> u8 {
        self.explore().unwrap_or_else(|bad| {
            bad.complain();
            BAD_INPUT
        })
    }

    fn explore(&self) -> Result<u8, Bad> {
        let environment = |name: &str| std::env::var(name).ok();
        let shard = match &self.shard {
            Some(text) => Shard::parse(text, &environment)?,
            None => Shard::WHOLE,
        };
        let Loaded { base, plan, seeds } = self.subject.load()?;
        let usual = if self.longest.is_some() { ENDLESS } else { USUAL };
        let seeds = self.seeds.or(seeds).unwrap_or(usual);
        let campaign = Campaign { base: &base, plan: &plan, seeds, shard };
        if self.show {
            return Ok(show(&campaign));
        }
        let unsound = campaign.unsound();
        if let Some(one) = unsound.first() {
            return Err(Bad::Message(format!(
                "{} does not hold though nothing is injected: {}\n  {}\n  mend the cluster, or say in a plan that it is \
                 so: [[expected]] rule = \"{}\" why = \"...\"",
                one.rule.name(),
                one.what,
                one.rule.sentence(),
                one.rule.name()
            )));
        }
        meter::listen();
        if self.check_determinism {
            return Ok(self.twice(&campaign));
        }
        self.run(&campaign)
    }

    fn jobs(&self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(cores, usize::from)
    }

    fn run(&self, campaign: &Campaign<'_>) -> Result<u8, Bad> {
        // Whoever may not write learns it before a long run; a page that is there stays until then.
        if let Some(file) = &self.html {
            let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
            opened.map_err(|error| unwritten(file, &error))?;
        }
        let path = self.path(campaign);
        let begin = if self.resume { Begin::Resume } else { Begin::Anew };
        let mut results = Results::open(&path, &campaign.head(), campaign.count(), begin)?;
        if let Some(moved) = results.moved() {
            anstream::eprintln!("another campaign's results are now {}", moved.display());
        }
        if !self.resume && results.total().seeds > 0 {
            let path = path.display();
            anstream::eprintln!(
                "{path} has all of these seeds: nothing is run again; without that file it would be"
            );
        }
        let meter = Meter::new(results.total().seeds, campaign.count(), self.longest);
        let end = campaign.run(&mut results, self.jobs(), &meter);
        meter.clear();
        let mut code = if results.total().found() > 0 { FAILS } else { HOLDS };
        // What cannot be written is told in the end, under what was found.
        let mut troubles = Vec::new();
        if let End::Unwritten(trouble) = &end {
            troubles.push(trouble.clone());
        } else if let Err(trouble) = results.finish() {
            troubles.push(trouble);
        }
        // Where the time ran out, what was found by then is what there is.
        let is_over = !matches!(end, End::Unwritten(_)) && !meter::interrupted();
        let shrinks = !self.no_shrink && campaign.shard == Shard::WHOLE;
        let found = match is_over && shrinks {
            true => self.shrink(campaign, results.total(), &meter, &mut troubles),
            false => Vec::new(),
        };
        if let Some(file) = &self.html {
            let shrunk: Vec<Found> = found.iter().map(|(_, small)| small.clone()).collect();
            let page = page(
                campaign.base,
                campaign.plan,
                &campaign.seeds,
                results.total(),
                &shrunk,
                &results.head().code,
            );
            if let Err(error) = std::fs::write(file, page) {
                troubles.push(unwritten(file, &error));
            }
        }
        let found = found.into_iter().map(|(path, small)| (small.rule, path)).collect();
        let report = Report {
            head: results.head(),
            tally: results.total(),
            shard: campaign.shard,
            results: Some(path.clone()),
            found,
            replay: Some(format!("havip-sim replay {}", self.subject.words())),
            next: self.next(campaign, &end, &path),
        };
        match merge::print(&report, self.format) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => troubles.push(error.to_string()),
            _ => {}
        }
        for trouble in &troubles {
            complain(trouble);
            code = BAD_INPUT;
        }
        let is_whole = end == End::Done && !(shrinks && results.total().found() > 0);
        if meter::interrupted() && !is_whole {
            anstream::eprintln!(
                "{}",
                match end {
                    End::Done =>
                        "stopped while shrinking: what was written may get smaller yet; the same command shrinks again",
                    _ => "stopped; what is done is kept, and --resume goes on",
                }
            );
            return Ok(INTERRUPTED);
        }
        Ok(code)
    }

    /// Where the results are.
    fn path(&self, campaign: &Campaign<'_>) -> PathBuf {
        let folder = self.out.as_deref().unwrap_or(Path::new("havip-explore"));
        let name = &campaign.base.script.name;
        folder.join(match campaign.shard {
            Shard::WHOLE => format!("{name}.jsonl"),
            Shard { index, of } => format!("{name}-{index}-of-{of}.jsonl"),
        })
    }

    /// The smallest file for the first seed of each rule that was found.
    fn shrink(
        &self,
        campaign: &Campaign<'_>,
        total: &Tally,
        meter: &Meter,
        troubles: &mut Vec<String>,
    ) -> Vec<(PathBuf, Found)> {
        let folder = self.out.as_deref().map_or(PathBuf::from("scenarios/found"), |out| out.join("found"));
        let mut files = Vec::new();
        for (rule, of) in total.by_rule() {
            let Some((seed, _)) = of.first.first() else { continue };
            let goes_on = |runs: usize| {
                meter.shrinks(rule.name(), runs);
                !meter::interrupted()
            };
            let small = shrink(campaign.base, campaign.plan, *seed, rule, &goes_on);
            meter.clear();
            match small.map(|small| (small.write(campaign.base, &folder), small)) {
                Some((Ok(path), small)) => files.push((path, small)),
                Some((Err(error), _)) => {
                    let folder = folder.display();
                    troubles
                        .push(format!("cannot write into {folder}: {error}: name another place with --out"));
                }
                None if meter::interrupted() => break,
                None => troubles.push(format!("{} did not show again in seed {seed}", rule.name())),
            }
        }
        files
    }

    /// What to type to go on.
    fn next(&self, campaign: &Campaign<'_>, end: &End, path: &Path) -> Vec<String> {
        let mut next = Vec::new();
        if campaign.count() == 0 {
            let blocks = campaign.seeds.last / BLOCK - campaign.seeds.first / BLOCK + 1;
            let blocks = grouped(blocks);
            next.push(format!(
                "a shard runs whole blocks of {BLOCK} seeds, and this one has none of the {blocks}"
            ));
        }
        if *end != End::Done {
            next.push("the same command with --resume goes on".to_owned());
        } else if campaign.shard != Shard::WHOLE {
            let folder = path.parent().unwrap_or(Path::new("")).display();
            let name = &campaign.base.script.name;
            let of = campaign.shard.of;
            next.push(format!("havip-sim merge {folder}/{name}-*-of-{of}.jsonl --out {folder}/{name}.jsonl"));
        }
        next
    }

    fn twice(&self, campaign: &Campaign<'_>) -> u8 {
        let meter = Meter::new(0, campaign.count(), self.longest);
        let checked = check(campaign, self.jobs(), &meter);
        meter.clear();
        match checked {
            Ok(compared) => {
                anstream::println!(
                    "{} of {} seeds run twice, {} of them in both engines: the same",
                    grouped(compared.twice),
                    grouped(campaign.count()),
                    grouped(compared.engines)
                );
                if meter::interrupted() { INTERRUPTED } else { HOLDS }
            }
            Err(parting) => {
                complain(&parting.to_string());
                FAILS
            }
        }
    }
}

fn unwritten(page: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {error}: give --html a file that you may write", page.display())
}

/// Prints what each seed draws.
fn show(campaign: &Campaign<'_>) -> u8 {
    let mut out = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
    for seed in campaign.seeds.first..=campaign.seeds.last {
        if !campaign.shard.has(seed / BLOCK) {
            continue;
        }
        let drawn = Drawn::new(campaign.base, campaign.plan, seed);
        if let Err(error) = writeln!(out, "{}", replay::text(campaign.base, &drawn)) {
            if error.kind() != io::ErrorKind::BrokenPipe {
                complain(&error.to_string());
                return BAD_INPUT;
            }
            break;
        }
    }
    HOLDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_persons() {
        assert_eq!(time("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(time("2h"), Ok(Duration::from_secs(7_200)));
        for wrong in ["", "10", "m", "0s", "-1s", "1.5h", "3d", "99999999999999999999s", "1ä"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }
}
