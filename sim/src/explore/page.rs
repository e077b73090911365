//! A campaign as one page for a browser: what a manager asks first, what an engineer needs behind it. Nothing outside
//! the file is loaded, nothing in it is a program, and the same campaign gives the same bytes.
//!
//! `chart` draws how long clients were without their address, `runs` the runs worth a look.

mod chart;
mod runs;
#[cfg(test)]
mod tests;

use std::fmt::{Display, Write as _};

use havip::time::Duration;

use super::base::Base;
use super::found::Found;
use super::plan::{Plan, Seeds};
use super::report::{grouped, long};
use super::tally::{Histogram, RuleTally, Tally};
use crate::observe::{Escaped, PAGE_STYLE, looks};
use crate::rules::{MARKS, Rule};
use crate::scenario::TimeText;

const STYLE: &str = include_str!("page/page.css");

/// What is told by everybody who looks at a distribution.
const PERCENTILES: [(&str, u64); 3] = [("p50", 500_000), ("p99", 990_000), ("max", 1_000_000)];

/// The page of a campaign on `base`: what its seeds have come to, and the shrunk runs. `code` says which program ran
/// it.
pub fn page(base: &Base, plan: &Plan, seeds: &Seeds, tally: &Tally, found: &[Found], code: &str) -> String {
    Page { base, plan, seeds: *seeds, tally, found, code, out: String::new() }.whole()
}

struct Page<'a> {
    base: &'a Base,
    plan: &'a Plan,
    seeds: Seeds,
    tally: &'a Tally,
    found: &'a [Found],
    code: &'a str,
    out: String,
}

/// How a rule fared, as far as the page is concerned.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fared {
    Found,
    /// It did not hold, as the plan says.
    Expected,
    Held,
    /// The plan does not ask for it.
    NotAsked,
}

impl Page<'_> {
    fn whole(mut self) -> String {
        let (name, verdict) = (&self.base.script.name, self.verdict());
        let title = Escaped(&format!("{name}: {verdict}")).to_string();
        self.raw("<!doctype html>");
        self.raw(r#"<html lang="en"><head><meta charset="utf-8">"#);
        self.raw(r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#);
        self.raw(r#"<meta name="color-scheme" content="light dark">"#);
        self.raw(format_args!("<title>{title}</title><style>{PAGE_STYLE}{STYLE}</style></head><body>"));
        self.raw(looks());
        self.raw("<main>");
        let class = if self.tally.found() > 0 { "bad" } else { "good" };
        self.raw(format_args!(r#"<h1 class="{class}">{title}</h1>"#));
        self.head();
        self.outages();
        self.rules();
        self.found();
        self.worst();
        self.injections();
        self.marks();
        self.plan();
        self.raw("</main></body></html>");
        self.out
    }

    fn raw(&mut self, html: impl Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{html}");
    }

    fn paragraph(&mut self, class: &str, text: &str) {
        self.raw(format_args!(r#"<p class="{class}">{}</p>"#, Escaped(text)));
    }

    fn fared(&self, rule: Rule, of: &RuleTally) -> Fared {
        let limited = rule != Rule::OutageLimit || self.plan.limit.is_some();
        match of {
            _ if of.found > 0 => Fared::Found,
            _ if of.expected > 0 => Fared::Expected,
            _ if self.plan.rules.has(rule) && limited => Fared::Held,
            _ => Fared::NotAsked,
        }
    }

    /// How many rules fared so.
    fn count(&self, fared: Fared) -> u64 {
        self.tally.by_rule().filter(|(rule, of)| self.fared(*rule, of) == fared).count() as u64
    }

    fn verdict(&self) -> String {
        match (self.tally.seeds, self.count(Fared::Found)) {
            (0, _) => "no seed was run".to_owned(),
            (_, 0) if self.count(Fared::Expected) > 0 => "nothing found that was not expected".to_owned(),
            (_, 0) => "every rule holds".to_owned(),
            (_, 1) => "1 rule does not hold".to_owned(),
            (_, n) => format!("{n} rules do not hold"),
        }
    }

    /// What a manager reads.
    fn head(&mut self) {
        let Page { tally, seeds, plan, .. } = *self;
        let (run, all) = (grouped(tally.seeds), grouped(seeds.count()));
        let run = if tally.seeds == seeds.count() { run } else { format!("{run} of {all}") };
        let mut words = format!("{run} runs, {} simulated.", long(tally.simulated));
        match tally.longest.first() {
            Some((longest, seed)) => {
                let [p50, p99] = [500_000, 990_000].map(|ppm| tally.worst.quantile(ppm).unwrap_or_default());
                let half = if p50.is_zero() {
                    "had no outage".into()
                } else {
                    format!("stayed within {}", short(p50))
                };
                let _ = write!(
                    words,
                    " The longest a client was without its address: {}, in seed {seed}. Half of the runs {half}, 99 \
                     of 100 stayed within {}.",
                    short(*longest),
                    short(p99)
                );
            }
            None if self.base.setup.clients.is_empty() => words.push_str(" No client asks for an address."),
            None => words.push_str(" No client was ever without its address."),
        }
        if plan.canary {
            words.push_str(" A flaw is planted, which this campaign has to find.");
        }
        let longest = tally.longest.first().map_or("none".to_owned(), |(longest, _)| short(*longest));
        let (digest, plan) = (format!("{:016x}", tally.digest), format!("{:016x}", plan.digest(self.base)));
        let held = [Fared::Held, Fared::Expected, Fared::Found].map(|fared| self.count(fared));
        let [held, expected, found] = held;
        let mut rules = format!("{held} hold, {found} do not");
        if expected > 0 {
            let _ = write!(rules, ", {expected} only where expected");
        }
        let hit = tally.marks.len();
        let facts = [
            ("seeds", seeds.to_string()),
            ("rules", rules),
            ("worst outage", longest),
            ("marks", format!("{hit} of {} hit", MARKS.len())),
            ("digest", digest),
            ("plan", plan),
            ("code", self.code.to_owned()),
        ];
        self.paragraph("lead", &words);
        self.raw("<dl>");
        for (what, value) in facts {
            self.raw(format_args!("<div><dt>{what}</dt><dd>{}</dd></div>", Escaped(&value)));
        }
        self.raw("</dl>");
        let parts = [
            ("outages", "Outages"),
            ("rules", "Rules"),
            ("found", "Found"),
            ("worst", "Worst runs"),
            ("injections", "Injections"),
            ("marks", "Marks"),
            ("plan", "Plan"),
        ];
        self.raw(r#"<nav aria-label="parts of this page">"#);
        for (id, name) in parts {
            self.raw(format_args!(r##"<a href="#{id}">{name}</a>"##));
        }
        self.raw("</nav>");
    }

    fn outages(&mut self) {
        self.raw(r#"<h2 id="outages">How long clients were without their address</h2>"#);
        self.raw(r#"<div class="wide" tabindex="0" role="region" aria-label="Distribution of outages">"#);
        self.out.push_str(&chart::draw(self.tally, self.plan.limit));
        self.raw("</div>");
    }

    fn rules(&mut self) {
        self.raw(r#"<h2 id="rules">Rules</h2>"#);
        self.table("Rules", &["rule", "", "runs", "what was the case"]);
        let mut rules: Vec<_> =
            self.tally.by_rule().map(|(rule, of)| (self.fared(rule, &of), rule, of)).collect();
        // What a reader came for is first.
        rules.sort_by_key(|(fared, ..)| *fared);
        for (fared, rule, of) in rules {
            let (class, word, runs) = match fared {
                Fared::NotAsked => ("dim", "not asked", String::new()),
                Fared::Held => ("good", "✓ holds", String::new()),
                Fared::Expected => ("dim", "expected", grouped(of.expected)),
                Fared::Found => ("fails", "✗ found", grouped(of.found)),
            };
            let head = format!("<strong>{}</strong><p>{}</p>", rule.name(), Escaped(rule.sentence()));
            let _ = write!(self.out, r#"<tr><th scope="row" class="says">{head}</th>"#);
            let _ =
                write!(self.out, r#"<td class="word {class}">{word}</td><td class="number">{runs}</td><td>"#);
            if !of.first.is_empty() {
                self.out.push_str("<ul>");
                for (seed, what) in &of.first {
                    let _ = write!(self.out, "<li><b>seed {seed}</b> {}</li>", Escaped(what));
                }
                self.out.push_str("</ul>");
            }
            if of.expected > 0 {
                let text = format!("expected in {} runs: {}", grouped(of.expected), self.why(rule));
                let _ = write!(self.out, "{}", Escaped(&text));
            } else if fared == Fared::NotAsked {
                let why = if rule == Rule::OutageLimit {
                    "the plan has no limit"
                } else {
                    "the plan leaves it out"
                };
                self.out.push_str(why);
            }
            self.raw("</td></tr>");
        }
        self.raw("</tbody></table></div>");
    }

    /// Why the plan expects a rule not to hold.
    fn why(&self, rule: Rule) -> String {
        let of_rule = self.plan.expected.iter().filter(|one| one.rule == rule);
        let whys = of_rule.map(|one| match one.with {
            Some(with) => format!("{} (with {})", one.why, with.name()),
            None => one.why.clone(),
        });
        whys.collect::<Vec<_>>().join("; ")
    }

    fn injections(&mut self) {
        self.raw(r#"<h2 id="injections">What was done to the cluster</h2>"#);
        let heads = ["runs with", "runs", "found", "worst outage p50", "p99", "max"];
        self.table("Injections", &heads);
        for (one, of) in self.tally.by_injection().filter(|(_, of)| of.runs > 0) {
            let _ = write!(self.out, r#"<tr><th scope="row">{}</th>"#, one.name());
            let class = if of.found > 0 { "number fails" } else { "number" };
            let _ = write!(self.out, r#"<td class="number">{}</td>"#, grouped(of.runs));
            let _ = write!(self.out, r#"<td class="{class}">{}</td>"#, grouped(of.found));
            for (_, ppm) in PERCENTILES {
                let _ = write!(self.out, r#"<td class="number">{}</td>"#, at(&of.worst, ppm));
            }
            self.raw("</tr>");
        }
        self.raw("</tbody></table></div>");
        let never = self.tally.by_injection().filter(|(_, of)| of.runs == 0);
        let never: Vec<&str> = never.map(|(one, _)| one.name()).collect();
        if !never.is_empty() {
            let text = format!(
                "Never injected, because the plan leaves it out, there is nothing of it in this cluster, or no seed \
                 drew it: {}.",
                never.join(", ")
            );
            self.paragraph("", &text);
        }
    }

    fn marks(&mut self) {
        self.raw(r#"<h2 id="marks">Where the runs have been</h2>"#);
        let missed = self.tally.missed();
        if missed.is_empty() {
            self.paragraph("", "Every mark was hit.");
        } else {
            let names: Vec<&str> = missed.into_iter().map(crate::rules::Mark::name).collect();
            let text = format!("Never hit, so nothing is known of it: {}.", names.join("; "));
            self.paragraph("bad", &text);
        }
        self.table("Marks", &["mark", "runs", "of all"]);
        for mark in MARKS {
            let Some(&count) = self.tally.marks.get(&mark) else { continue };
            let (name, share) = (mark.name(), share(count, self.tally.seeds));
            self.raw(format_args!(
                r#"<tr><th scope="row">{name}</th><td class="number">{}</td><td class="number">{share}</td></tr>"#,
                grouped(count)
            ));
        }
        self.raw("</tbody></table></div>");
    }

    fn plan(&mut self) {
        self.raw(r#"<h2 id="plan">Plan</h2>"#);
        let text = self.plan.to_string();
        self.text("The plan", &text);
    }

    /// The head of a table that can be scrolled with the keyboard.
    fn table(&mut self, name: &str, heads: &[&str]) {
        self.raw(format_args!(
            r#"<div class="wide" tabindex="0" role="region" aria-label="{name}"><table><thead><tr>"#
        ));
        for head in heads {
            self.raw(format_args!(r#"<th scope="col">{head}</th>"#));
        }
        self.raw("</tr></thead><tbody>");
    }

    /// A text as it is, which can be scrolled with the keyboard.
    fn text(&mut self, name: &str, text: &str) {
        let (name, text) = (Escaped(name), Escaped(text));
        self.raw(format_args!(r#"<pre tabindex="0" role="region" aria-label="{name}">{text}</pre>"#));
    }
}

/// `3.61s`: whole milliseconds, never shorter than it was.
fn short(time: Duration) -> String {
    TimeText(Duration::from_millis(time.as_nanos().div_ceil(1_000_000))).to_string()
}

/// A quantile in words.
fn at(of: &Histogram, ppm: u64) -> String {
    of.quantile(ppm).filter(|time| !time.is_zero()).map_or("none".to_owned(), short)
}

/// `15.6 %`; what is not nothing is not shown as nothing.
fn share(count: u64, all: u64) -> String {
    let tenths = u128::from(count) * 1_000 / u128::from(all.max(1));
    match tenths {
        0 if count > 0 => "&lt; 0.1 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}
