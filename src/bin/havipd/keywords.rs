//! `havipd keywords`: the keyword table.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;
use havip::config::Context;
use havip::config::keywords::{Keyword, of};

#[derive(Args)]
pub(crate) struct Arguments {
    /// Only those that have an effect here
    #[arg(long)]
    modelled: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut text = String::new();
    for context in Context::ALL {
        let rows: Vec<&Keyword> = of(context).filter(|k| k.modelled || !arguments.modelled).collect();
        if rows.is_empty() {
            continue;
        }
        text += &format!("{}{}:\n", if text.is_empty() { "" } else { "\n" }, context.name());
        text.extend(rows.into_iter().map(row));
    }
    let _ = anstream::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
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
    let state = if k.modelled { "" } else { " [not modelled yet]" };
    format!("  {:<44} {doc}{state}\n", form.trim_end_matches(" -"))
}
