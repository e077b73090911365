//! The coverage table, from the table that decides.

use std::fmt::Write;

use super::ACTIONS;
use super::schema::{Field, Kind};

/// What is implemented: a Markdown table, a row an action.
pub fn coverage() -> String {
    let mut text =
        String::from("| action | version | takes | known, without effect | gives |\n|---|---|---|---|---|\n");
    for action in ACTIONS {
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
            listed(action.request, true),
            listed(action.request, false),
            gives.join(" ")
        );
    }
    let _ = writeln!(text, "\n{} actions. `*` must be there, `[]` is a list.", ACTIONS.len());
    text
}

/// The fields that have an effect, or those that have none; objects with those of theirs.
fn listed(fields: &[Field], used: bool) -> String {
    let all = fields.iter().filter_map(|field| shown(field, used));
    all.collect::<Vec<_>>().join(" ")
}

fn shown(field: &Field, used: bool) -> Option<String> {
    let star = if field.required { "*" } else { "" };
    let (name, is_listed) = (field.name, field.used == used);
    let (list, inner) = match field.kind {
        Kind::Text | Kind::Int | Kind::Bool => return is_listed.then(|| format!("{name}{star}")),
        Kind::Texts => return is_listed.then(|| format!("{name}[]{star}")),
        Kind::Object(inner) => ("", listed(inner, used)),
        Kind::Objects(inner) => ("[]", listed(inner, used)),
    };
    // An object that has an effect may have fields that have none.
    (is_listed || !inner.is_empty()).then(|| format!("{name}{list}{{{inner}}}{star}"))
}
