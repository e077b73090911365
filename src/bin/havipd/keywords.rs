//! `havipd keywords`: the keyword table.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use havip::config::Context;
use havip::config::keywords::{Effect, Keyword, TABLE, of};

use crate::check::quoted;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only those that have an effect here
    #[arg(long)]
    modelled: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

/// How a table is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one list
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let wanted = |k: &&Keyword| k.effect == Effect::Modelled || !arguments.modelled;
    let text = match arguments.format {
        Format::Text => text(&wanted),
        Format::Json => {
            let rows: Vec<String> = TABLE.iter().filter(wanted).map(json).collect();
            format!("[\n  {}\n]\n", rows.join(",\n  "))
        }
    };
    let _ = anstream::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn text(wanted: &dyn Fn(&&Keyword) -> bool) -> String {
    let mut text = String::new();
    for context in Context::ALL {
        let rows: Vec<&Keyword> = of(context).filter(|k| wanted(k)).collect();
        if rows.is_empty() {
            continue;
        }
        // A digit before each: how much users need it.
        let head = if text.is_empty() { "(1 must, 2 expected, 3 recognised only)\n\n" } else { "\n" };
        text += &format!("{head}{}:\n", context.name());
        text.extend(rows.into_iter().map(row));
    }
    text
}

fn json(k: &Keyword) -> String {
    let contexts: Vec<String> = k.contexts.iter().map(|c| quoted(c.name())).collect();
    format!(
        "{{\"name\": {}, \"contexts\": [{}], \"form\": {}, \"range\": {}, \"default\": {}, \"tier\": {}, \
         \"effect\": {}, \"since\": {}, \"until\": {}, \"doc\": {}}}",
        quoted(k.name),
        contexts.join(", "),
        quoted(k.form.describe()),
        quoted(k.range),
        quoted(k.default),
        k.tier,
        quoted(effect(k)),
        quoted(k.since),
        quoted(k.until),
        quoted(k.doc),
    )
}

/// `  priority N           1..255, default 100: the highest one becomes master`
fn row(k: &Keyword) -> String {
    let form = format!("{} {}", k.name, k.form.describe());
    let mut doc = k.doc.to_owned();
    let mut values: Vec<String> = Vec::new();
    if !k.range.is_empty() {
        values.push(k.range.to_owned());
    }
    if !k.default.is_empty() {
        values.push(format!("default {}", k.default));
    }
    if !values.is_empty() {
        doc = format!("{doc} ({})", values.join("; "));
    }
    if !k.since.is_empty() {
        doc += &format!(", since {}", k.since);
    }
    if !k.until.is_empty() {
        doc += &format!(", until {}", k.until);
    }
    let state = match k.effect {
        Effect::Modelled => "",
        Effect::Unseen => " [nobody sees it from outside]",
        Effect::Skipped => " [not modelled yet]",
    };
    format!("  {} {:<44} {doc}{state}\n", k.tier, form.trim_end_matches(" -"))
}

fn effect(k: &Keyword) -> &'static str {
    match k.effect {
        Effect::Modelled => "modelled",
        Effect::Unseen => "unseen",
        Effect::Skipped => "skipped",
    }
}
