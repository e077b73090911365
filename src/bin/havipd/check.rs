//! `havipd check`: the diagnoses of a file, a verdict, and what would run.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use havip::config::{self, Config, Diagnosis, Loaded, Options, Origin, Severity};
use havip::profile::Profile;

use crate::{FAILED, summary};

/// Beyond this many, further diagnoses are counted, not shown.
const SHOWN_MAX: usize = 200;

#[derive(Args)]
#[command(after_help = "\
Exit codes:
  0  nothing to complain of; there may be notes
  1  there are errors or warnings
  2  the file cannot be read, or the command line is wrong

Colour is used on a terminal only, and never when NO_COLOR is set.")]
pub(crate) struct Arguments {
    /// The configuration; what it includes is read as well
    #[arg(value_name = "FILE")]
    file: String,
    /// This machine's id, as keepalived's -i: `@NAME` lines are read, other `@` lines are not
    #[arg(long, short = 'i', value_name = "NAME")]
    id: Option<String>,
    /// Replace a scalar of every vrrp_instance, as a scenario does: `--with priority=90`
    #[arg(long = "with", value_name = "KEYWORD=VALUE", value_parser = pair)]
    with: Vec<(String, String)>,
    /// Whose reading it is: keepalived 2.2.7's as measured, this agent's own, or keepalived 1.3's
    #[arg(long = "as", default_value = "keepalived", value_name = "PROFILE")]
    profile: Profile,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, each remark with its place in the text
    Text,
    /// One remark a line: `FILE:LINE:COLUMN: SEVERITY[CODE]: MESSAGE`
    Short,
    /// For programs: one object
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("it takes KEYWORD=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let files = match config::disk::read(&arguments.file) {
        Ok(files) => files,
        Err(error) => {
            anstream::eprintln!("havipd: failed to read {}: {error}", arguments.file);
            return ExitCode::from(FAILED);
        }
    };
    let options =
        Options { id: arguments.id.clone(), with: arguments.with.clone(), profile: arguments.profile };
    let loaded = config::load(&files, &options);
    if let Some(keyword) = loaded.unmatched_with.first() {
        anstream::eprintln!(
            "havipd: --with {keyword}: not a scalar keyword of a vrrp_instance (see `havipd keywords`)"
        );
        return ExitCode::from(FAILED);
    }
    let color = std::io::stdout().is_terminal()
        && anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    let text = match arguments.format {
        Format::Text => text(&arguments.file, &loaded, |d| d.render(&loaded.sources, color) + "\n"),
        Format::Short => text(&arguments.file, &loaded, |d| d.one_line(&loaded.sources) + "\n"),
        Format::Json => json(&loaded),
    };
    // Whoever reads may stop reading: that is no failure of the check.
    let _ = anstream::stdout().write_all(text.as_bytes());
    ExitCode::from(u8::from(loaded.worst() < Some(Severity::Note) && loaded.worst().is_some()))
}

fn text(file: &str, loaded: &Loaded, show: impl Fn(&Diagnosis) -> String) -> String {
    let mut text: String = loaded.diagnoses.iter().take(SHOWN_MAX).map(show).collect();
    let hidden = loaded.diagnoses.len().saturating_sub(SHOWN_MAX);
    if hidden > 0 {
        let _ = writeln!(text, "... and {hidden} more");
    }
    let _ = writeln!(text, "{file}: {}", verdict(loaded));
    text + &summary::table(&loaded.config)
}

/// What there is to say in a line: `2 errors, 1 warning; 1 instance would run`.
fn verdict(loaded: &Loaded) -> String {
    let count = |severity| loaded.diagnoses.iter().filter(|d| d.severity == severity).count();
    let some = |n: usize, what: &str| (n > 0).then(|| format!("{n} {what}{}", if n == 1 { "" } else { "s" }));
    let counts = [
        some(count(Severity::Error), "error"),
        some(count(Severity::Warning), "warning"),
        some(count(Severity::Note), "note"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = if counts.is_empty() { "nothing to complain of".to_owned() } else { counts.join(", ") };
    format!("{counts}; {}", fate(&loaded.config))
}

fn fate(config: &Config) -> String {
    match (&config.refused, config.instances.len()) {
        (Some(reason), _) => format!("keepalived refuses to start: {reason}"),
        (None, 0) => "keepalived starts and runs nothing at all".to_owned(),
        (None, 1) => "1 instance runs".to_owned(),
        (None, n) => format!("{n} instances run"),
    }
}

fn json(loaded: &Loaded) -> String {
    let diagnoses: Vec<String> = loaded.diagnoses.iter().map(|d| remark(d, loaded)).collect();
    let refused = loaded.config.refused.as_deref().map_or("null".to_owned(), quoted);
    let instances: Vec<String> =
        loaded.config.instances.iter().map(|i| summary::json(i, &loaded.config)).collect();
    let groups: Vec<String> =
        loaded.config.groups.iter().map(|g| summary::group(g, &loaded.config)).collect();
    let list = |items: &[String]| match items {
        [] => "[]".to_owned(),
        items => format!("[\n    {}\n  ]", items.join(",\n    ")),
    };
    format!(
        "{{\n  \"diagnoses\": {},\n  \"refused\": {refused},\n  \"instances\": {},\n  \"groups\": {}\n}}\n",
        list(&diagnoses),
        list(&instances),
        list(&groups)
    )
}

fn remark(d: &Diagnosis, loaded: &Loaded) -> String {
    let place = d.span.and_then(|s| loaded.sources.get(s).map(|file| (file, loaded.sources.position(s))));
    let place = place.map_or("null".to_owned(), |(file, (line, column))| {
        format!("{{\"file\": {}, \"line\": {line}, \"column\": {column}}}", quoted(&file.path))
    });
    let fix = d.fix.as_ref().map_or("null".to_owned(), |f| {
        format!(
            "{{\"title\": {}, \"start\": {}, \"end\": {}, \"text\": {}}}",
            quoted(&f.title),
            f.span.start,
            f.span.end,
            quoted(&f.replacement)
        )
    });
    format!(
        "{{\"severity\": \"{}\", \"code\": \"{}\", \"message\": {}, \"place\": {place}, \"help\": [{}], \"fix\": {fix}, \
         \"keepalived_complains\": {}, \"once_mended\": {}}}",
        d.severity.name(),
        d.code,
        quoted(&d.message),
        d.help.iter().map(|h| quoted(h)).collect::<Vec<_>>().join(", "),
        d.origin == Origin::Keepalived,
        d.once_mended,
    )
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
