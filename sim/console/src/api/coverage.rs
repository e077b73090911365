//! The coverage table, from the table that decides.

use std::fmt::Write;

use super::ACTIONS;
use super::schema::{Field, Kind};

/// What is implemented: a Markdown table, a row an action.
pub fn coverage() -> String {
    let mut text =
        String::from("| action | version | takes | known, without effect | gives |\n|---|---|---|---|---|\n");
    for action in ACTIONS {
        let names = |used: bool| {
            let names = action.request.iter().filter(|field| field.used == used).map(shown);
            names.collect::<Vec<_>>().join(" ")
        };
        let gives = action.response.iter().map(|(name, inner)| match inner {
            [] => (*name).to_owned(),
            inner => format!("{name}{{{}}}", inner.join(" ")),
        });
        let gives: Vec<String> = gives.chain(["RequestId".to_owned()]).collect();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            action.name,
            action.version,
            names(true),
            names(false),
            gives.join(" ")
        );
    }
    let _ = writeln!(text, "\n{} actions. `*` must be there, `[]` is a list.", ACTIONS.len());
    text
}

fn shown(field: &Field) -> String {
    let star = if field.required { "*" } else { "" };
    let name = field.name;
    match field.kind {
        Kind::Text | Kind::Int | Kind::Bool => format!("{name}{star}"),
        Kind::Texts => format!("{name}[]{star}"),
        Kind::Objects(inner) => {
            let inner: Vec<String> = inner.iter().filter(|field| field.used).map(shown).collect();
            format!("{name}[]{{{}}}{star}", inner.join(" "))
        }
    }
}
