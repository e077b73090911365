//! `havip-sim run`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};
use havip::profile::Profile;

use super::{BAD_INPUT, FAILS, Format, HOLDS, complain, print_open_error, watch};
use crate::observe::{Lanes, Palette, Record};
use crate::run;
use crate::snapshot::{self, Compared};
use crate::{agree, engine::Engine, logs, scenario::Scenario};

/// Run scenario files and print the record of each.
#[derive(Debug, Args)]
#[command(after_help = "\
A record is everything that happened, each line with its cause, then what the clients suffered and whether the
file's expectations hold. The same file and seed give the same bytes, anywhere.

Snapshots lie in `snapshots` beside the scenario's own folder, in insta's format: scenarios/power-off.scn has
snapshots/power-off.snap. `cargo test` and `cargo insta review` use the same files.")]
pub(super) struct Run {
    /// Scenario files (*.scn), or folders of them
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
    /// Use this seed instead of the file's
    #[arg(long, value_name = "N", conflicts_with_all = ["check", "bless"])]
    seed: Option<u64>,
    /// Run every machine under this profile instead: keepalived, havip or keepalived-1.3
    #[arg(long = "as", value_name = "PROFILE", conflicts_with_all = ["check", "bless"])]
    profile: Option<Profile>,
    /// How to print the records
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// What makes time pass; `both` runs both and fails at the first line in which their traces differ
    #[arg(long, value_enum, default_value_t = Choice::EventLoop)]
    engine: Choice,
    /// Print one line a file, no record
    #[arg(long, short)]
    quiet: bool,
    /// Hold each record against its snapshot; a difference fails
    #[arg(long, conflicts_with = "bless")]
    check: bool,
    /// Store each record as its snapshot
    #[arg(long)]
    bless: bool,
    /// Where the snapshots lie
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// Print keepalived-style log lines too, on standard error (RUST_LOG chooses which)
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    watch: watch::Watch,
}

/// Which engine runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Jumps from event to event
    EventLoop,
    /// Every machine a host of turmoil that runs the real shell: slower
    Turmoil,
    /// One after the other, their traces compared
    Both,
}

impl Run {
    pub(super) fn execute(&self) -> u8 {
        let files = match self.files() {
            Ok(files) => files,
            Err(message) => {
                complain(&message);
                return BAD_INPUT;
            }
        };
        if let Err(message) = self.watch.check(&files) {
            complain(&message);
            return BAD_INPUT;
        }
        let mut worst = HOLDS;
        for file in &files {
            for under in self.profiles(file) {
                match self.run_file(file, under) {
                    Ok(code) => worst = worst.max(code),
                    // A reader that has gone away (`| head`) wants no more.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return worst,
                    Err(error) => {
                        complain(&format!("{}: {error}", file.display()));
                        worst = BAD_INPUT;
                    }
                }
            }
        }
        if self.check {
            worst = worst.max(self.complain_of_orphans(&files));
        }
        worst
    }

    /// The files meant, each folder's in the order of their names.
    fn files(&self) -> Result<Vec<PathBuf>, String> {
        let mut files = Vec::new();
        for path in &self.paths {
            if !path.is_dir() {
                files.push(path.clone());
                continue;
            }
            let found = snapshot::files_in(path, "scn")
                .map_err(|e| format!("cannot read {}: {e}", path.display()))?;
            if found.is_empty() {
                return Err(format!("{} has no scenario file (*.scn)", path.display()));
            }
            files.extend(found);
        }
        Ok(files)
    }

    /// The profiles a file is run under: the given one; or its own, and those it says `also as` of. Only its own where
    /// another file is made of the run.
    fn profiles(&self, file: &Path) -> Vec<Option<Profile>> {
        let mut all = vec![self.profile];
        if self.profile.is_none() && !self.watch.writes() {
            all.extend(run::also(file).into_iter().map(Some));
        }
        all
    }

    fn run_file(&self, file: &Path, under: Option<Profile>) -> io::Result<u8> {
        let scenario = match run::open_as(file, self.seed, under) {
            Ok(scenario) => scenario,
            Err(error) => {
                print_open_error(&error);
                return Ok(BAD_INPUT);
            }
        };
        self.install_logs(&scenario);
        let engine = match self.engine {
            Choice::EventLoop => Engine::EventLoop,
            Choice::Turmoil => Engine::Turmoil,
            Choice::Both => match agree::both(&scenario) {
                Ok(()) => Engine::EventLoop,
                Err(difference) => {
                    complain(&format!("{}: {difference}", file.display()));
                    return Ok(FAILS);
                }
            },
        };
        let (record, lanes) = match self.watch.run(&scenario, engine) {
            Ok(watched) => watched,
            Err(message) => {
                complain(&message);
                return Ok(BAD_INPUT);
            }
        };
        let stored = self.stored(file, &record)?;
        let fails = record.failing() > 0 || stored.as_ref().is_some_and(|s| s.difference.is_some());
        self.print(file, &record, lanes.as_ref(), stored.as_ref(), fails)?;
        Ok(if fails { FAILS } else { HOLDS })
    }

    fn install_logs(&self, scenario: &Scenario) {
        let machines = scenario.setup.cvms.iter().map(|cvm| cvm.name.clone()).collect();
        logs::install(self.verbose, machines);
    }

    /// Stores the record, or holds it against the stored one, if asked to.
    fn stored(&self, file: &Path, record: &Record) -> io::Result<Option<Stored>> {
        if !self.check && !self.bless {
            return Ok(None);
        }
        let path = snapshot::path_of(&self.folder_for(file), file, record.under);
        let text = record.text();
        let compared = snapshot::compare(&path, &text)?;
        if self.bless {
            if compared != Compared::Same {
                snapshot::bless(&path, &text)?;
            }
            let word = if compared == Compared::Same { "snapshot unchanged" } else { "snapshot written" };
            return Ok(Some(Stored { word, difference: None }));
        }
        Ok(Some(match compared {
            Compared::Same => Stored { word: "snapshot matches", difference: None },
            Compared::Missing => {
                let advice = format!("  there is no {}; --bless writes it\n", path.display());
                Stored { word: "snapshot missing", difference: Some(advice) }
            }
            Compared::Differs { stored } => {
                let difference = snapshot::difference(&stored, &text);
                Stored { word: "snapshot differs", difference: Some(difference) }
            }
        }))
    }

    fn folder_for(&self, file: &Path) -> PathBuf {
        self.snapshots.clone().unwrap_or_else(|| match file.parent() {
            Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("../snapshots"),
            Some(folder) => folder.join("../snapshots"),
            None => PathBuf::from("snapshots"),
        })
    }

    fn print(
        &self,
        file: &Path,
        record: &Record,
        lanes: Option<&Lanes>,
        stored: Option<&Stored>,
        fails: bool,
    ) -> io::Result<()> {
        let mut out = AutoStream::new(io::stdout().lock(), ColorChoice::Auto);
        if self.format == Format::Json {
            let mut json = record.json();
            if let Some(fields) = json.as_object_mut() {
                fields.insert("file".into(), file.display().to_string().into());
                if let Some(stored) = stored {
                    fields.insert("snapshot".into(), stored.word.into());
                }
            }
            return writeln!(out, "{json}");
        }
        let palette = Palette::colour();
        if !self.quiet {
            write!(out, "{}", record.render(&palette))?;
            writeln!(out)?;
        }
        if let Some(lanes) = lanes.filter(|_| self.watch.lanes) {
            writeln!(out, "{}", lanes.text(record, &palette))?;
        }
        let (style, word) = if fails { (palette.bad, "FAIL") } else { (palette.good, "ok") };
        write!(out, "{style}{word:<4}{style:#}  {}", verdict_line(file, record))?;
        if let Some(stored) = stored {
            write!(out, "  {}", stored.word)?;
        }
        writeln!(out)?;
        match stored.and_then(|s| s.difference.as_ref()) {
            Some(difference) => write!(out, "{difference}"),
            None => Ok(()),
        }
    }

    fn complain_of_orphans(&self, files: &[PathBuf]) -> u8 {
        let mut code = HOLDS;
        for folder in self.paths.iter().filter(|path| path.is_dir()) {
            let snapshots = self.folder_for(&folder.join("any.scn"));
            for orphan in snapshot::orphans(&snapshots, files).unwrap_or_default() {
                complain(&format!(
                    "{} has no scenario file: remove it, or bring the file back",
                    orphan.display()
                ));
                code = FAILS;
            }
        }
        code
    }
}

/// How a record and its snapshot stand to each other.
struct Stored {
    word: &'static str,
    difference: Option<String>,
}

/// `power-off  4 of 4 hold  worst outage 3.3000 s (web)  digest 5f0c2e91`.
fn verdict_line(file: &Path, record: &Record) -> String {
    let name = snapshot::name_of(file, record.under);
    let all = record.verdicts.len();
    let hold = all - record.failing();
    let worst = record.outages.iter().max_by_key(|o| o.length());
    let outage = match worst {
        Some(o) => format!("worst outage {} s ({})", o.length().display(record.digits), o.client),
        None => "no outage".to_owned(),
    };
    format!("{name}  {hold} of {all} hold  {outage}  digest {:08x}", record.digest())
}
