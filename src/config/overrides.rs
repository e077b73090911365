//! `with key=value`: lines that stand in every instance instead of the file's own.

use super::keywords::{Context, Effect, Form, lookup};
use super::lexer::Word;
use super::parser::Node;
use super::values::truth;
use super::{Sources, Span};

/// What replaces a keyword's lines.
#[derive(Debug)]
pub(super) struct Override {
    keyword: &'static str,
    /// `None` switches a flag off.
    line: Option<Node>,
}

/// The overrides that can be made, and the keywords of those that cannot.
pub(super) fn read(with: &[(String, String)], sources: &mut Sources) -> (Vec<Override>, Vec<String>) {
    let (mut overrides, mut unmatched) = (Vec::new(), Vec::new());
    if with.is_empty() {
        return (overrides, unmatched);
    }
    // The lines get a text of their own, so that a diagnosis can point at them.
    let lines: Vec<String> =
        with.iter().map(|(key, value)| format!("{key} {value}").replace(['\n', '\r'], " ")).collect();
    let Some(file) = sources.add("<with>", &lines.join("\n")) else { return (overrides, unmatched) };
    let mut start = 0u32;
    for ((key, _), line) in with.iter().zip(&lines) {
        match one(key, line, file, start) {
            Some(o) => overrides.push(o),
            None => unmatched.push(key.clone()),
        }
        start += line.len() as u32 + 1;
    }
    (overrides, unmatched)
}

fn one(key: &str, line: &str, file: u16, start: u32) -> Option<Override> {
    let keyword = lookup(Context::Instance, key).filter(|k| k.effect != Effect::Skipped)?;
    let value = line.get(key.len() + 1..).unwrap_or("").trim();
    let on = match keyword.form {
        Form::Flag => value.is_empty() || truth(value)?,
        Form::Switch | Form::Integer | Form::Seconds | Form::Word | Form::Any => true,
        _ => return None,
    };
    let key_end = start + key.len() as u32;
    let mut words = vec![Word { text: key.to_owned(), span: Span { file, start, end: key_end } }];
    if keyword.form != Form::Flag && (keyword.form.needs_word() || !value.is_empty()) {
        let span = Span { file, start: key_end + 1, end: start + line.len() as u32 };
        words.push(Word { text: value.to_owned(), span });
    }
    let line = on.then(|| Node { keyword: Some(keyword), words, comment: None, children: Vec::new() });
    Some(Override { keyword: keyword.name, line })
}

/// Replaces the lines in one instance.
pub(super) fn apply(overrides: &[Override], instance: &mut Node) {
    for o in overrides {
        let replaced = |name: &str| {
            let pair = ["nopreempt", "preempt"];
            name == o.keyword || (pair.contains(&name) && pair.contains(&o.keyword))
        };
        instance.children.retain(|n| !replaced(n.name()));
        instance.children.extend(o.line.clone());
    }
}
