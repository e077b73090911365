//! `expect FORM …`.

use havip::profile::Profile;
use havip::program::Role;
use havip::time::Time;

use super::act::Scope;
use super::error::{Complaint, Stop};
use super::expect::{Expect, Fact};
use super::lex::{Reader, Word};
use super::rule::{RULES, Rule};
use super::{value, words};
use crate::world::HavipId;

/// What an expectation begins with.
const EXPECTED: &str = "`by`, `during`, `in`, `never`, `eventually` or `rule`";

/// Reads what follows `expect`.
pub(super) fn expectation(
    r: &mut Reader<'_, '_>,
    scope: &mut Scope<'_, '_>,
) -> Result<(Expect, Option<Profile>), Stop> {
    let only = if r.take("as").is_some() { Some(value::profile(r.word("a profile")?)?) } else { None };
    let word = r.word(EXPECTED)?;
    let expect = match word.text {
        "by" => {
            let by = r.word("a time such as `24s`")?;
            let by = scope.instant(value::time(by)?, by.place)?;
            Expect::By(by, fact(r, scope)?.0)
        }
        "during" => {
            let (from, to) = span(r, scope)?;
            Expect::During(from, to, lasting(r, scope)?)
        }
        "in" => measure(r, scope)?,
        "never" => {
            let (fact, of) = fact(r, scope)?;
            match r.take(">") {
                None => Expect::Never(fact, None),
                Some(_) => {
                    no_instant(fact, of)?;
                    let word = r.word("a time such as `5ms`")?;
                    Expect::Never(fact, Some(scope.length(value::time(word)?, word.place)?))
                }
            }
        }
        "eventually" => Expect::Eventually(lasting(r, scope)?),
        "rule" => Expect::Rule(rule(r)?),
        other => {
            let nearest = words::nearest(other, words::FORMS);
            let complaint = word.unexpected(EXPECTED);
            let help = if words::FACTS.contains(&other) {
                format!("say when: `expect by 24s {other} …`")
            } else {
                "for example `expect by 24s master b`".to_owned()
            };
            return Err(complaint.suggest(nearest, help).into());
        }
    };
    if let (Expect::Never(_, None), Some(word)) = (expect, r.peek(0)) {
        return Err(word.unexpected("`>` and a time, or the end of the line").into());
    }
    r.end()?;
    Ok((expect, only))
}

/// A rule that needs nothing but its name.
fn rule(r: &mut Reader<'_, '_>) -> Result<Rule, Complaint> {
    let expected = "a rule such as `heal-agrees`";
    let word = r.word(expected)?;
    match Rule::of(word.text) {
        Some(Rule::OutageLimit) => {
            Err(Complaint::new(word.place, "`outage-limit` has a plan's limit".to_owned())
                .help("say which: `expect in T..T outage CLIENT <= D`"))
        }
        Some(rule) => Ok(rule),
        None => {
            let names = RULES.map(Rule::name);
            let list = format!("the rules are: {}", names.join(" "));
            Err(word.unexpected(expected).suggest(words::nearest(word.text, names), list))
        }
    }
}

/// `T..T`, both in the run.
fn span(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>) -> Result<(Time, Time), Complaint> {
    let word = r.word("a span such as `20s..40s`")?;
    let (from, to) = value::span(word)?;
    Ok((scope.instant(from, word.place)?, scope.instant(to, word.place)?))
}

/// `T..T outage C <= D`, `T..T moves <= N`, `T..T claims a <= N`, `T..T notifies a <= N`.
fn measure(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Expect, Stop> {
    let (from, to) = span(r, scope)?;
    let expected = "`outage`, `moves`, `claims` or `notifies`";
    let word = r.word(expected)?;
    let most = |r: &mut Reader<'_, '_>| {
        r.literal("<=")?;
        value::count(r.word("a count")?, "a count")
    };
    match word.text {
        "outage" => {
            let client = scope.client(r, "outage")?;
            r.literal("<=")?;
            let word = r.word("a time such as `3.7s`")?;
            let most = scope.length(value::time(word)?, word.place)?;
            Ok(Expect::Outage(from, to, client, most))
        }
        "moves" => Ok(Expect::Moves(from, to, most(r)?)),
        "claims" => Ok(Expect::Claims(from, to, scope.cvm(r, "claims")?, most(r)?)),
        "notifies" => Ok(Expect::Notifies(from, to, scope.cvm(r, "notifies")?, most(r)?)),
        other => {
            let nearest = words::nearest(other, words::MEASURES);
            let help = if words::FACTS.contains(&other) {
                format!("did you mean `expect during … {other}`?")
            } else {
                "`outage web <= 3.7s`, or `moves <= 1`".to_owned()
            };
            Err(word.unexpected(expected).suggest(nearest, help).into())
        }
    }
}

/// A fact that can be true for a while.
fn lasting(r: &mut Reader<'_, '_>, scope: &mut Scope<'_, '_>) -> Result<Fact, Stop> {
    let (fact, of) = fact(r, scope)?;
    no_instant(fact, of)?;
    Ok(fact)
}

/// Some facts are true at an instant only: nothing can be said of how long they are.
fn no_instant(fact: Fact, word: Word<'_>) -> Result<(), Complaint> {
    if !fact.is_of_an_instant() {
        return Ok(());
    }
    let message = format!("`{}` is true at an instant and lasts no time", word.text);
    Err(Complaint::new(word.place, message)
        .help(format!("`by T {0} …` and `never {0} …` can be asked of it", word.text)))
}

/// A fact, and the word it begins with.
fn fact<'a>(r: &mut Reader<'_, 'a>, scope: &mut Scope<'_, '_>) -> Result<(Fact, Word<'a>), Stop> {
    let word = r.word("a fact such as `master b`")?;
    let fact = match word.text {
        "master" => Fact::Master(scope.cvm(r, "master")?),
        "bound" => {
            scope.needs_cloud(word)?;
            if r.take("=").is_some() {
                r.literal("master")?;
                some_havip(scope, word)?;
                Fact::BoundIsMaster
            } else {
                let cvm = scope.cvm(r, "bound")?;
                Fact::Bound(cvm, which_havip(r, scope, word)?)
            }
        }
        "unbound" => {
            scope.needs_cloud(word)?;
            Fact::Unbound(which_havip(r, scope, word)?)
        }
        "two-masters" => Fact::TwoMasters,
        "stale" => Fact::Stale(scope.client(r, "stale")?),
        "refused" => {
            scope.needs_cloud(word)?;
            Fact::Refused(value::any_address(r.word("an address such as `172.16.16.9`")?)?)
        }
        "transition" => Fact::Transition(scope.cvm(r, "transition")?, role(r)?),
        "served" => Fact::Served(scope.client(r, "served")?),
        "unserved" => Fact::Unserved(scope.client(r, "unserved")?),
        "claimed" => Fact::Claimed(scope.cvm(r, "claimed")?),
        "advertised" => {
            let cvm = scope.cvm(r, "advertised")?;
            Fact::Advertised(cvm, value::any_address(r.word("an address such as `172.16.16.12`")?)?)
        }
        "notified" => {
            let cvm = scope.cvm(r, "notified")?;
            let what = "what its program tells, such as `\"VI_1 MASTER\"`";
            Fact::Notified(cvm, scope.text(r.word(what)?, what)?)
        }
        "routed" => {
            let cvm = scope.cvm(r, "routed")?;
            let what = "a route's words, such as `\"10.9.0.0/16\"`";
            Fact::Routed(cvm, scope.text(r.word(what)?, what)?)
        }
        other => {
            let nearest = words::nearest(other, words::FACTS);
            let list = format!("the facts are: {}", words::FACTS.join(" "));
            return Err(word.unexpected("a fact such as `master b`").suggest(nearest, list).into());
        }
    };
    Ok((fact, word))
}

/// There must be a HAVIP to speak of.
fn some_havip(scope: &Scope<'_, '_>, word: Word<'_>) -> Result<(), Stop> {
    if !scope.draft.havips.is_empty() {
        return Ok(());
    }
    if scope.draft.failed.contains("havip") {
        return Err(Stop::Silent);
    }
    Err(Complaint::new(word.place, format!("`{}` without a HAVIP", word.text))
        .help("declare one: `havip ADDR`")
        .into())
}

/// `[ADDR]`: which HAVIP; it must be written where there are several.
fn which_havip(r: &mut Reader<'_, '_>, scope: &Scope<'_, '_>, of: Word<'_>) -> Result<Option<HavipId>, Stop> {
    some_havip(scope, of)?;
    match r.peek(0) {
        // `>` goes on with the expectation.
        Some(word) if word.text != ">" => {
            r.word("a HAVIP's address")?;
            Ok(Some(scope.havip(word)?))
        }
        _ if scope.draft.havips.len() > 1 => {
            let list: Vec<_> = scope.draft.havips.iter().take(4).map(|h| h.value.to_string()).collect();
            let message = format!("which HAVIP? there are {}", scope.draft.havips.len());
            Err(Complaint::new(of.place, message)
                .help(format!("write its address: {}", list.join(", ")))
                .into())
        }
        _ => Ok(None),
    }
}

fn role(r: &mut Reader<'_, '_>) -> Result<Role, Complaint> {
    let expected = "a state: INIT, BACKUP, MASTER or FAULT";
    let word = r.word(expected)?;
    Ok(match word.text {
        "INIT" => Role::Init,
        "BACKUP" => Role::Backup,
        "MASTER" => Role::Master,
        "FAULT" => Role::Fault,
        other => {
            let upper = other.to_ascii_uppercase();
            let states = ["INIT", "BACKUP", "MASTER", "FAULT"];
            let same = states.iter().find(|state| **state == upper).copied();
            let complaint = word.unexpected(expected);
            return Err(match same {
                Some(state) => complaint.help(format!("did you mean `{state}`?")),
                None => complaint,
            });
        }
    })
}
