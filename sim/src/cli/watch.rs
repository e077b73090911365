//! What `havip-sim run` draws and captures besides the record.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::engine::Engine;
use crate::observe::{Lanes, Observer, Pcapng, Picture, Record};
use crate::run;
use crate::scenario::Scenario;

/// Files made of one run, and lanes of text.
#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Write every frame to a pcapng file, one interface a network card, with comments on what was lost
    #[arg(long, value_name = "FILE", help_heading = WATCH)]
    pcap: Option<PathBuf>,
    /// Leave passwords in that file; without it they are replaced
    #[arg(long, requires = "pcap", help_heading = WATCH)]
    pcap_secrets: bool,
    /// Draw the run as an SVG picture
    #[arg(long, value_name = "FILE", help_heading = WATCH)]
    svg: Option<PathBuf>,
    /// Write one page with the picture, the tables and the record
    #[arg(long, value_name = "FILE", help_heading = WATCH)]
    html: Option<PathBuf>,
    /// Print the picture as text, 80 columns wide
    #[arg(long, help_heading = WATCH)]
    pub(super) lanes: bool,
}

const WATCH: &str = "Look closer (of a file with phases, at the worst run)";

impl Watch {
    /// Whether files are made of the run.
    pub(super) fn writes(&self) -> bool {
        self.pcap.is_some() || self.svg.is_some() || self.html.is_some()
    }

    /// Whether what is asked for can be had of these scenario files.
    pub(super) fn check(&self, files: &[PathBuf]) -> Result<(), String> {
        let wanted = [("--pcap", &self.pcap), ("--svg", &self.svg), ("--html", &self.html)];
        let mut known: Vec<&Path> = Vec::new();
        for (option, path) in wanted {
            let Some(path) = path else { continue };
            if files.len() != 1 {
                let count = files.len();
                return Err(format!("{option} shows one run, {count} scenario files are given: name one"));
            }
            if known.contains(&path.as_path()) {
                return Err(format!(
                    "{} is to be two files at once: give {option} another name",
                    path.display()
                ));
            }
            if files.contains(path) {
                return Err(format!("{option} would overwrite the scenario file: give another name"));
            }
            known.push(path);
        }
        Ok(())
    }

    /// Runs a scenario and writes what is asked for.
    pub(super) fn run(&self, scenario: &Scenario, engine: Engine) -> Result<(Record, Option<Lanes>), String> {
        let setup = &scenario.setup;
        let draws = self.lanes || self.svg.is_some() || self.html.is_some();
        // Files are opened first: who may not write learns it before a long run.
        let (mut svg, mut html) = (open(self.svg.as_deref())?, open(self.html.as_deref())?);
        let mut pcap = open(self.pcap.as_deref())?.map(|out| match self.pcap_secrets {
            true => Pcapng::new(setup, out).with_secrets(),
            false => Pcapng::new(setup, out),
        });
        let mut picture = draws.then(|| Picture::new(setup));
        let mut watchers: Vec<&mut dyn Observer> = Vec::new();
        watchers.extend(pcap.as_mut().map(|one| one as &mut dyn Observer));
        watchers.extend(picture.as_mut().map(|one| one as &mut dyn Observer));
        let also = (!watchers.is_empty()).then_some(&mut watchers as &mut dyn Observer);
        let record = run::run_with(scenario, engine, also);
        if let (Some(pcap), Some(path)) = (pcap, &self.pcap) {
            pcap.into_inner().map_err(|error| cannot_write(path, &error))?;
        }
        let lanes = picture.map(|picture| picture.lanes(setup));
        if let Some(lanes) = &lanes {
            write(&mut svg, self.svg.as_deref(), || lanes.svg(&record))?;
            write(&mut html, self.html.as_deref(), || lanes.html(&record))?;
        }
        Ok((record, lanes))
    }
}

type Out = BufWriter<File>;

fn open(path: Option<&Path>) -> Result<Option<Out>, String> {
    let Some(path) = path else { return Ok(None) };
    let file = File::create(path).map_err(|error| cannot_write(path, &error))?;
    Ok(Some(BufWriter::new(file)))
}

fn write(out: &mut Option<Out>, path: Option<&Path>, text: impl FnOnce() -> String) -> Result<(), String> {
    let (Some(out), Some(path)) = (out, path) else { return Ok(()) };
    out.write_all(text().as_bytes()).and_then(|()| out.flush()).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    let advice = match error.kind() {
        std::io::ErrorKind::NotFound => "make its folder first, or name another",
        std::io::ErrorKind::PermissionDenied => "name a file in a folder that you may write to",
        std::io::ErrorKind::IsADirectory => "it is a folder: name a file in it",
        std::io::ErrorKind::StorageFull => "make room, or name a file on another disk",
        _ => "name another file",
    };
    format!("cannot write {}: {error}; {advice}", path.display())
}
