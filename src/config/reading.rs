//! The way from texts to a configuration.

use std::collections::BTreeSet;

use super::advice::SAFE_PAIR;
use super::complete::complete;
use super::diagnosis::{DIAGNOSES_MAX, Diagnoses, Diagnosis, Severity, quote};
use super::globals::Globals;
use super::instance::Draft;
use super::keywords::Context;
use super::lexer::{Item, lex};
use super::overrides::{self, Override};
use super::parser::{Mends, Node, parse};
use super::{Config, Loaded, Options, Sources, Span, advice};
use crate::files::Files;

/// A slip inside a block that was itself mended shows in the next reading; more than this is no slip.
const MENDING_ROUNDS: usize = 4;

/// Reads a configuration as keepalived 2.2.7 would.
pub fn load(files: &Files, options: &Options) -> Loaded {
    let mut sources = Sources::default();
    let mut lexed = Diagnoses::default();
    let Some(items) = lex(files, options.id.as_deref(), &mut sources, &mut lexed) else {
        return missing(files, sources);
    };
    let (overrides, unmatched_with) = overrides::read(&options.with, &mut sources);
    let strict = read(&items, &Mends::new(), &overrides, &sources);
    let mended = mend(&items, &strict, &overrides, &sources);
    let (mut diagnoses, mut dropped) = lexed.into_parts();
    dropped += strict.dropped;
    match mended {
        Some(mended) => {
            dropped += mended.dropped;
            diagnoses.extend(merge(&strict, &mended));
        }
        None => diagnoses.extend(strict.diagnoses.iter().cloned()),
    }
    diagnoses.sort_by_key(|d| (d.code == SAFE_PAIR, d.span.is_none(), d.span.map(|s| (s.file, s.start))));
    if diagnoses.len() > DIAGNOSES_MAX {
        dropped += diagnoses.len() - DIAGNOSES_MAX;
        diagnoses.truncate(DIAGNOSES_MAX);
    }
    if dropped > 0 {
        let message = format!("{dropped} further remarks are left out");
        diagnoses.push(Diagnosis::new(Severity::Note, "and-more", None, message));
    }
    Loaded { config: strict.config, diagnoses, sources, unmatched_with }
}

fn missing(files: &Files, sources: Sources) -> Loaded {
    let message = format!("there is no file {}", quote(&files.main));
    let config = Config { refused: Some(message.clone()), ..Config::default() };
    let mut diagnosis = Diagnosis::new(Severity::Error, "no-file", None, message);
    diagnosis = diagnosis.by_keepalived();
    Loaded { config, diagnoses: vec![diagnosis], sources, unmatched_with: Vec::new() }
}

/// One reading.
struct Reading {
    config: Config,
    diagnoses: Vec<Diagnosis>,
    dropped: usize,
    mends: Mends,
    used: BTreeSet<(u16, u32)>,
}

fn read(items: &[Item], mends: &Mends, overrides: &[Override], sources: &Sources) -> Reading {
    let mut out = Diagnoses::default();
    let tree = parse(items, mends, &mut out);
    let mut globals = Globals::default();
    for node in tree.top.iter().filter(|n| n.name() == "global_defs") {
        node.children.iter().for_each(|line| globals.line(line, &mut out));
    }
    let mut config = Config { refused: tree.refused, ..Config::default() };
    let mut instances: Vec<(super::Instance, Span)> = Vec::new();
    let mut names: Vec<(String, Span)> = Vec::new();
    for node in tree.top.iter().filter(|n| n.name() == "vrrp_instance") {
        // A block without a name, or with two, was diagnosed by the parser and is skipped.
        let [_, name] = node.words.as_slice() else { continue };
        if let Some((_, before)) = names.iter().find(|(n, _)| *n == name.text) {
            let message =
                format!("there is a vrrp_instance {} already: this one is skipped", quote(&name.text));
            out.push(
                Diagnosis::error("instance-twice", name.span, message)
                    .related(*before, "the first")
                    .by_keepalived(),
            );
            continue;
        }
        names.push((name.text.clone(), name.span));
        let mut node = node.clone();
        overrides::apply(overrides, &mut node);
        let draft = Draft::read(name.clone(), &node, sources, &mut out);
        match complete(draft, &globals, &mut out) {
            Ok(instance) => instances.push((instance, name.span)),
            Err(reason) => {
                config.refused.get_or_insert(reason);
            }
        }
    }
    if let Some(reason) = advice::check_together(&instances, &mut out) {
        config.refused.get_or_insert(reason);
    }
    config.instances = instances.into_iter().map(|(i, _)| i).collect();
    warn_not_modelled(&tree.top, &mut out);
    let (mut diagnoses, dropped) = out.into_parts();
    if let Some(cleared) = diagnoses.iter().find(|d| d.code == "master-clears-nopreempt").and_then(|d| d.span)
    {
        let mut more = Diagnoses::default();
        advice::safe_pair(cleared, &config, &mut more);
        diagnoses.extend(more.into_parts().0);
    }
    if config.refused.is_some() {
        config.instances.clear();
    }
    Reading { config, diagnoses, dropped, mends: tree.mends, used: tree.used }
}

/// Reads again with the unknown blocks mended, until no new one shows. `None` where there are none.
fn mend(items: &[Item], strict: &Reading, overrides: &[Override], sources: &Sources) -> Option<Reading> {
    let mut mends = strict.mends.clone();
    let mut slips: Vec<Diagnosis> = Vec::new();
    for round in 1.. {
        if mends.is_empty() {
            break;
        }
        let mut reading = read(items, &mends, overrides, sources);
        let known = mends.len();
        mends.extend(reading.mends.iter().map(|(&place, &mend)| (place, mend)));
        if mends.len() == known || round == MENDING_ROUNDS {
            // A slip inside a mended block was diagnosed in the round that found it.
            slips.retain(|d| is_slip(d, &reading.used));
            reading.diagnoses.append(&mut slips);
            return Some(reading);
        }
        slips.extend(reading.diagnoses.into_iter().filter(|d| d.code.ends_with("keyword")));
    }
    None
}

/// Whether a complaint is about a place that was mended.
fn is_slip(d: &Diagnosis, mended: &BTreeSet<(u16, u32)>) -> bool {
    d.code.ends_with("keyword") && d.span.is_some_and(|s| mended.contains(&(s.file, s.start)))
}

/// Tells slips from what follows from them. A complaint that is gone once the slips are mended is a
/// consequence: those about unknown words are folded into one note. A complaint that shows only then is what
/// the reader will meet next.
fn merge(strict: &Reading, mended: &Reading) -> Vec<Diagnosis> {
    let key = |d: &Diagnosis| (d.code, d.span);
    let first: BTreeSet<_> = strict.mends.keys().copied().filter(|p| mended.used.contains(p)).collect();
    // A slip inside another one is told as the reading that knows its block tells it.
    let inner: BTreeSet<_> = mended.used.difference(&first).copied().collect();
    let after: BTreeSet<_> = mended.diagnoses.iter().filter(|d| !is_slip(d, &inner)).map(key).collect();
    let before: BTreeSet<_> = strict.diagnoses.iter().filter(|d| !is_slip(d, &inner)).map(key).collect();
    let follows = |d: &&Diagnosis| {
        let words =
            ["unknown-keyword", "glued-keyword", "unexpected-brace", "unknown-brace", "missing-brace"];
        words.contains(&d.code) && !is_slip(d, &first) && !after.contains(&key(d))
    };
    let mut all: Vec<Diagnosis> = strict.diagnoses.iter().filter(|d| !follows(d)).cloned().collect();
    let folded: Vec<&Diagnosis> = strict.diagnoses.iter().filter(follows).collect();
    if let (Some(slip), Some(head)) = (strict.diagnoses.iter().find(|d| is_slip(d, &first)), folded.first()) {
        let message = match folded.len() {
            1 => format!("this follows from it: {}", head.message),
            n => format!("{n} complaints follow from it, the first: {}", head.message),
        };
        let help = "these are what keepalived itself logs; they go once the block is mended";
        all.push(Diagnosis::new(Severity::Note, "follow-ups", slip.span, message).help(help));
    }
    let new = mended.diagnoses.iter().filter(|d| !before.contains(&key(d)));
    all.extend(new.cloned().map(|d| Diagnosis { once_mended: d.code != SAFE_PAIR, ..d }));
    all
}

/// One warning for each keyword that is recognised and has no effect here.
fn warn_not_modelled(top: &[Node], out: &mut Diagnoses) {
    let mut said: BTreeSet<&str> = BTreeSet::new();
    let mut warn = |node: &Node| {
        let Some(keyword) = node.keyword.filter(|k| !k.modelled) else { return };
        if said.insert(keyword.name) {
            let message = format!("`{}` is not modelled yet: it has no effect here", keyword.name);
            out.push(Diagnosis::warning("not-modelled", node.words[0].span, message).help(keyword.doc));
        }
    };
    for node in top {
        warn(node);
        let modelled = node.keyword.is_some_and(|k| k.modelled && k.contexts.contains(&Context::Top));
        if modelled {
            node.children.iter().for_each(&mut warn);
        }
    }
}
