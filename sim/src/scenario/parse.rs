//! A whole file: declarations first, then acts and expectations against them.

use std::net::IpAddr;
use std::sync::Arc;

use havip::time::Duration;

use super::act::{Scope, timed};
use super::console::console;
use super::declare::declaration;
use super::draft::{Draft, NodeDraft};
use super::error::{Complaint, ScriptError, Stop};
use super::expect::Expectation;
use super::expectation::expectation;
use super::lex::{Line, Reader, Word, lines};
use super::place::{Place, Source};
use super::script::{EipDecl, FileDecl, HavipDecl, Script, TextDecl};
use super::validate::validate;
use crate::world::{ConsoleAct, HavipId, Segment, Subnet, TimedAct};

/// How many errors of a file are told.
const MOST_ERRORS: usize = 20;
/// How long a file may be.
const LONGEST: usize = 1 << 20;
/// How many acts, and how many expectations, a file may have.
const MOST_ACTS: usize = 100_000;

impl Script {
    /// Reads a scenario file's text; `file` is what to call it in errors.
    ///
    /// What is returned makes sense, as far as the text alone can tell. Errors come in the order of the file,
    /// one for each line, at most twenty.
    pub fn parse(file: &str, text: &str) -> Result<Script, Vec<ScriptError>> {
        if text.len() > LONGEST {
            let empty = Source { file: file.to_owned(), text: Arc::from("") };
            let message = format!("the file is {} bytes long; at most {LONGEST} are read", text.len());
            return Err(vec![Complaint::new(Place::NOWHERE, message).in_source(&empty)]);
        }
        let source = Source { file: file.to_owned(), text: Arc::from(text) };
        let (draft, deferred, mut complaints) = declarations(text);
        complaints.extend(validate(&draft));
        let mut story = story(&draft, &deferred);
        complaints.append(&mut story.complaints);
        match build(&source, draft) {
            Some(mut script) if complaints.is_empty() => {
                (script.files, script.texts) = (story.files, story.texts);
                (script.acts, script.expectations) = (story.acts, story.expectations);
                script.console = story.console;
                script.tidy();
                Ok(script)
            }
            _ => Err(told(complaints, &source)),
        }
    }
}

/// Reads the declarations and keeps the other lines for later: an act's ids depend on every declaration.
fn declarations(text: &str) -> (Draft<'_>, Vec<Line<'_>>, Vec<Complaint>) {
    let mut draft = Draft::default();
    let (mut deferred, mut complaints) = (Vec::new(), Vec::new());
    for line in lines(text) {
        let mut r = Reader::new(&line);
        let Ok(head) = r.word("a statement") else { continue };
        if matches!(head.text, "at" | "expect" | "range" | "secgroup") {
            deferred.push(line);
        } else if let Err(stop) = declaration(head, &mut r, &mut draft) {
            draft.failed.insert(head.text);
            if let Stop::Said(complaint) = stop {
                complaints.push(*complaint);
            }
            if complaints.len() >= MOST_ERRORS {
                break;
            }
        }
    }
    (draft, deferred, complaints)
}

/// What a file tells, and what is wrong with it.
struct Story {
    files: Vec<FileDecl>,
    texts: Vec<TextDecl>,
    console: Vec<ConsoleAct>,
    acts: Vec<TimedAct>,
    expectations: Vec<Expectation>,
    complaints: Vec<Complaint>,
}

/// Reads the acts and the expectations.
fn story(draft: &Draft<'_>, lines: &[Line<'_>]) -> Story {
    let mut scope = Scope::new(draft);
    let (mut acts, mut expectations, mut complaints) = (Vec::new(), Vec::new(), Vec::new());
    let mut settings: Vec<ConsoleAct> = Vec::new();
    for line in lines {
        let mut r = Reader::new(line);
        let Ok(head) = r.word("a statement") else { continue };
        let line = line.number;
        let most = acts.len().max(expectations.len()).max(settings.len());
        let read = if most >= MOST_ACTS {
            Err(Complaint::new(head.place, format!("more than {MOST_ACTS} acts or expectations")).into())
        } else if head.text == "at" {
            timed(&mut r, &mut scope).map(|(at, act)| acts.push(TimedAct { at, act, line }))
        } else if head.text != "expect" {
            from_the_start(head, &mut r, &scope).map(|act| settings.push(act))
        } else {
            expectation(&mut r, &mut scope)
                .map(|(expect, only)| expectations.push(Expectation { expect, only, line }))
        };
        if let Err(Stop::Said(complaint)) = read {
            complaints.push(*complaint);
            if complaints.len() >= MOST_ERRORS {
                break;
            }
        }
    }
    Story { files: scope.files, texts: scope.texts, console: settings, acts, expectations, complaints }
}

/// What stands in the cloud's console from the start.
fn from_the_start(head: Word<'_>, r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<ConsoleAct, Stop> {
    let act = console(head, r, scope)?;
    r.end()?;
    if let ConsoleAct::Range(_, None) = act {
        return Err(Complaint::new(head.place, "every HAVIP begins without a drift range")
            .help("this is an act: `at 20s range ADDR all`")
            .into());
    }
    Ok(act)
}

/// A script without its story, if nothing that it needs is missing.
fn build(source: &Source, draft: Draft<'_>) -> Option<Script> {
    let tick = draft.tick()?;
    let subnet = |s: super::draft::SubnetDraft| Subnet {
        net: s.net,
        ipv6: s.ipv6,
        latency: s.latency.unwrap_or_else(|| Script::default_latency(tick)),
    };
    let segment = match draft.vpc {
        _ if !draft.lans.is_empty() => {
            Segment::Lan(draft.lans.into_iter().map(|s| subnet(s.value)).collect())
        }
        Some(vpc) => {
            let subnets = draft.subnets.into_iter().map(|s| subnet(s.value)).collect();
            Segment::Vpc { net: vpc.value, subnets }
        }
        None => return None,
    };
    let place_of = |address: IpAddr| {
        let place = draft.havips.iter().position(|havip| havip.value == address)?;
        Some(HavipId(place as u16))
    };
    Some(Script {
        source: source.clone(),
        name: draft.name?.value,
        run: draft.run?.value,
        seed: draft.seed.unwrap_or(Script::SEED),
        tick,
        host_exact: draft.host_exact.is_some(),
        phases: draft.phases.map(|phases| phases.value),
        also: draft.also.into_iter().map(|also| also.value).collect(),
        segment,
        eips: draft
            .eips
            .iter()
            .map(|eip| EipDecl {
                address: eip.address.value,
                havip: eip.havip.and_then(|to| place_of(to.value)),
            })
            .collect(),
        console: Vec::new(),
        havips: draft
            .havips
            .iter()
            .map(|havip| HavipDecl { address: havip.value, off: draft.off_havips.contains(&havip.value) })
            .collect(),
        bind_delay: draft.bind_delay.map(|delay| delay.value).unwrap_or_default(),
        cvms: draft.cvms.into_iter().map(|cvm| cvm.decl).collect(),
        clients: draft
            .clients
            .into_iter()
            .map(|NodeDraft { mut decl, .. }| {
                // No latency that is written is nothing.
                let given = |one: &(Duration, Duration)| !one.1.is_zero();
                decl.internet = decl
                    .internet
                    .map(|one| Some(one).filter(given).unwrap_or(Script::default_internet(tick)));
                decl
            })
            .collect(),
        services: draft.services.into_iter().map(|service| service.value).collect(),
        checks: draft.checks,
        files: Vec::new(),
        texts: Vec::new(),
        acts: Vec::new(),
        expectations: Vec::new(),
    })
}

/// Complaints as errors: in the order of the file, the first of each line. What the file lacks has no line of
/// its own and comes first.
pub(super) fn told(mut complaints: Vec<Complaint>, source: &Source) -> Vec<ScriptError> {
    complaints.sort_by_key(|complaint| complaint.place.start);
    let mut errors: Vec<ScriptError> = Vec::new();
    for complaint in complaints {
        let of_no_line = complaint.place.end == 0;
        let error = complaint.in_source(source);
        if of_no_line || errors.last().is_none_or(|last| last.line != error.line || last.caret == (0, 0)) {
            errors.push(error);
        }
        if errors.len() >= MOST_ERRORS {
            break;
        }
    }
    errors
}
