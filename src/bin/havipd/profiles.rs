//! `havipd profiles`: how agents differ, one switch after the other.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use havip::profile::{Profile, ROWS, Row};

use crate::check::quoted;
use crate::keywords::Format;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only what this profile does otherwise than keepalived 2.2.7
    #[arg(value_name = "PROFILE")]
    profile: Option<Profile>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let wanted = |r: &&Row| arguments.profile.is_none_or(|p| p.has(r.switch));
    let rows = ROWS.iter().filter(wanted);
    let text = match arguments.format {
        Format::Text => text(rows),
        Format::Json => match rows.map(json).collect::<Vec<_>>().join(",\n  ") {
            rows if rows.is_empty() => "[]\n".to_owned(),
            rows => format!("[\n  {rows}\n]\n"),
        },
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

/// Which profiles behave so.
fn having(row: &Row) -> Vec<&'static Profile> {
    Profile::ALL.iter().filter(|p| p.has(row.switch)).collect()
}

fn text<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
    let mut text = "keepalived is 2.2.7 as measured: nothing below holds for it.\n".to_owned();
    for row in rows {
        let profiles: Vec<String> = having(row).iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "\n{} ({})", row.name, profiles.join(", "));
        let lines = [
            ("what", row.what),
            ("why", row.why),
            ("seen", row.case),
            ("issues", row.issues),
            ("scenario", row.scenario),
        ];
        for (heading, line) in lines {
            let _ = writeln!(text, "  {heading:<8}  {line}");
        }
    }
    text
}

fn json(row: &Row) -> String {
    let profiles: Vec<String> = having(row).iter().map(|p| quoted(p.name())).collect();
    format!(
        "{{\"name\": {}, \"profiles\": [{}], \"what\": {}, \"why\": {}, \"case\": {}, \"issues\": {}, \"scenario\": {}}}",
        quoted(row.name),
        profiles.join(", "),
        quoted(row.what),
        quoted(row.why),
        quoted(row.case),
        quoted(row.issues),
        quoted(row.scenario),
    )
}
