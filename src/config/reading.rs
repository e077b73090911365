//! The way from texts to a configuration.

use std::collections::{BTreeMap, BTreeSet};

use super::advice::SAFE_PAIR;
use super::complete::complete;
use super::diagnosis::{DIAGNOSES_MAX, Diagnoses, Diagnosis, Severity, quote};
use super::globals::{Globals, link_delays};
use super::groups::{self, Member};
use super::hmac::Vault;
use super::instance::Draft;
use super::keywords::Effect;
use super::lexer::{Item, lex};
use super::overrides::{self, Override};
use super::parser::{Mends, Node, parse};
use super::tracking::Definitions;
use super::{Config, Loaded, Options, Sources, Span, advice, garp, suggest};
use crate::files::Files;

/// A slip inside a block that was itself mended shows in the next reading; more than this is no slip.
const MENDING_ROUNDS: usize = 4;

/// Reads a configuration as keepalived 2.2.7 would.
pub fn load(files: &Files, options: &Options) -> Loaded {
    let mut sources = Sources::default();
    let mut lexed = Diagnoses::default();
    let Some(items) = lex(files, options, &mut sources, &mut lexed) else {
        return missing(files, sources);
    };
    let (overrides, unmatched_with) = overrides::read(&options.with, &mut sources);
    let vault = Vault { files, sources: &sources };
    let given = Given { items: &items, options, overrides: &overrides, vault };
    let strict = read(&given, &Mends::new());
    let mended = mend(&given, &strict);
    let secrets: Vec<Span> =
        strict.secrets.iter().chain(mended.iter().flat_map(|m| &m.secrets)).copied().collect();
    secrets.into_iter().for_each(|span| sources.hide(span));
    let hidden = hide_what_may_be_secret(&mut sources);
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
    for diagnosis in &mut diagnoses {
        hidden.iter().for_each(|word| diagnosis.hide(word));
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
    /// Where passwords and keys stand.
    secrets: Vec<Span>,
}

/// What is read, and how: the same for every reading.
struct Given<'a> {
    items: &'a [Item],
    options: &'a Options,
    overrides: &'a [Override],
    vault: Vault<'a>,
}

fn read(given: &Given<'_>, mends: &Mends) -> Reading {
    let mut out = Diagnoses::default();
    let tree = parse(given.items, mends, &mut out);
    let top = &tree.top;
    let mut globals = Globals::default();
    for node in top.iter().filter(|n| n.name() == "global_defs") {
        node.children.iter().for_each(|line| globals.line(line, &mut out));
    }
    let mut config = Config { refused: tree.refused, ..Config::default() };
    let mut definitions = Definitions::read(top, &mut out);
    let groups = groups::read(top, &mut definitions, &mut out);
    let mut programs: Vec<Span> = groups.iter().filter_map(|g| g.notifies.first()).collect();
    let members = members(given, top, &globals, &mut definitions, &mut config, &mut programs, &mut out);
    if let Some(reason) = advice::check_together(&members, &mut out) {
        config.refused.get_or_insert(reason);
    }
    groups::settle(groups, members, &mut config, &mut out);
    programs.extend(definitions.first_script());
    programs.extend(globals.first_reader());
    definitions.settle(&mut config, &mut out);
    if !globals.script_security {
        advice::script_security(programs.into_iter().min(), &mut out);
    }
    globals.settle(&mut config, &mut out);
    let mut delays = BTreeMap::new();
    for node in top.iter().filter(|n| n.name() == "interface_up_down_delays") {
        link_delays(node, &mut delays, &mut out);
    }
    config.link_delays = delays.into_values().collect();
    config.garp_groups = garp::groups(top, &mut out);
    warn_of_keywords(top, &mut out);
    let (mut diagnoses, dropped) = out.into_parts();
    if let Some(cleared) = diagnoses.iter().find(|d| d.code == "master-clears-nopreempt").and_then(|d| d.span)
    {
        let mut more = Diagnoses::default();
        advice::safe_pair(cleared, &config, &mut more);
        diagnoses.extend(more.into_parts().0);
    }
    if config.refused.is_some() {
        config = Config { refused: config.refused, ..Config::default() };
    }
    let secrets = secrets(top);
    Reading { config, diagnoses, dropped, mends: tree.mends, used: tree.used, secrets }
}

/// The `vrrp_instance` blocks in force, before groups have a word.
fn members(
    given: &Given<'_>,
    top: &[Node],
    globals: &Globals,
    definitions: &mut Definitions,
    config: &mut Config,
    programs: &mut Vec<Span>,
    out: &mut Diagnoses,
) -> Vec<Member> {
    let mut members = Vec::new();
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for (place, node) in top.iter().enumerate().filter(|(_, n)| n.name() == "vrrp_instance") {
        // A block without a name, or with two, was diagnosed by the parser and is skipped.
        let [_, name] = node.words.as_slice() else { continue };
        if let Some(&before) = names.get(name.text.as_str()) {
            let message =
                format!("there is a vrrp_instance {} already: this one is skipped", quote(&name.text));
            out.push(
                Diagnosis::error("instance-twice", name.span, message)
                    .related(before, "the first")
                    .by_keepalived(),
            );
            continue;
        }
        names.insert(&name.text, name.span);
        let mut node = node.clone();
        overrides::apply(given.overrides, &mut node);
        let mut draft = Draft::read(name.clone(), &node, given.vault, out);
        programs.extend(draft.notifies.first());
        let own = draft.interface.as_ref().map(|s| s.value.clone());
        let lines = std::mem::take(&mut draft.tracked);
        match complete(draft, globals, given.options, out) {
            Ok(instance) => {
                let mut tracked = definitions.resolve(&name.text, place, &lines, out);
                tracked.retain(|f| !advice::is_own_interface(f, &name.text, own.as_deref(), out));
                members.push(Member { instance, name: name.span, tracked });
            }
            Err(reason) => {
                config.refused.get_or_insert(reason);
            }
        }
    }
    members
}

/// Where passwords and keys stand.
fn secrets(top: &[Node]) -> Vec<Span> {
    let inner = top.iter().flat_map(|n| &n.children).flat_map(|n| &n.children);
    let words = inner.filter_map(|line| match line.name() {
        "auth_pass" => line.words.get(1..),
        "key" => line.words.get(2..),
        _ => None,
    });
    words.flatten().map(|w| w.span).collect()
}

/// Lines that were meant to say a password or a key, and are wrong by a letter or a word, or stand in the wrong place: no
/// keyword tells what is secret in them, and a diagnosis shows them. The words that no message may have either.
fn hide_what_may_be_secret(sources: &mut Sources) -> Vec<String> {
    let (mut spans, mut words) = (Vec::new(), Vec::new());
    for (file, source) in (0..).zip(sources.files()) {
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let secret = suggest::secret_in(line);
            let of = secret.clone().map_or("", |range| &line[range]).split_whitespace();
            words.extend(of.filter(|word| word.len() > 3).map(str::to_owned));
            spans.extend(secret.map(|range| Span {
                file,
                start: (start + range.start) as u32,
                end: (start + range.end) as u32,
            }));
            start += line.len();
        }
    }
    spans.into_iter().for_each(|span| sources.hide(span));
    words
}

/// Reads again with the unknown blocks mended, until no new one shows. `None` where there are none.
fn mend(given: &Given<'_>, strict: &Reading) -> Option<Reading> {
    let mut mends = strict.mends.clone();
    let mut slips: Vec<Diagnosis> = Vec::new();
    for round in 1.. {
        if mends.is_empty() {
            break;
        }
        let mut reading = read(given, &mends);
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

/// One warning for each keyword that is recognised and has no effect here, one note for each that keepalived 2.2.7
/// does not know.
fn warn_of_keywords(top: &[Node], out: &mut Diagnoses) {
    let mut said: BTreeSet<&str> = BTreeSet::new();
    let mut waiting: Vec<&Node> = top.iter().rev().collect();
    while let Some(node) = waiting.pop() {
        let Some(keyword) = node.keyword else { continue };
        let is_old = keyword.effect != Effect::Skipped && !keyword.is_newer_than_measured();
        if is_old {
            waiting.extend(node.children.iter().rev());
        }
        if is_old || !said.insert(keyword.name) {
            continue;
        }
        let span = node.words[0].span;
        if keyword.effect != Effect::Skipped {
            let message = format!("`{}` is known since keepalived {}", keyword.name, keyword.since);
            let help = if keyword.form.has_block() {
                "to an older one it is an unknown block, whose `}` closes the block around it"
            } else {
                "to an older one it is an unknown keyword, which it skips"
            };
            out.push(Diagnosis::note("newer-keepalived", span, message).help(help));
        } else {
            let message = format!("`{}` is not modelled yet: it has no effect here", keyword.name);
            out.push(Diagnosis::warning("not-modelled", span, message).help(keyword.doc));
        }
    }
}
