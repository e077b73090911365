//! What a campaign tells: tables for people, one document for machines.

use std::fmt::Write as _;
use std::path::PathBuf;

use havip::time::Duration;
use serde_json::{Value, json};

use super::results::{Head, hex, json_of};
use super::shard::Shard;
use super::tally::{Histogram, Tally};
use crate::observe::Palette;
use crate::rules::Rule;
use crate::scenario::TimeText;

/// Results, and what else there is to say of them.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// The campaign.
    pub head: &'a Head,
    /// What its seeds have come to.
    pub tally: &'a Tally,
    /// Which part of it.
    pub shard: Shard,
    /// Where the results are.
    pub results: Option<PathBuf>,
    /// The shortest scenario of each rule that was found.
    pub found: Vec<(Rule, PathBuf)>,
    /// What to type to see a seed again: `havip-sim replay FILE`; the seed comes behind it.
    pub replay: Option<String>,
    /// What to type besides.
    pub next: Vec<String>,
}

const PERCENTILES: [(&str, u64); 3] = [("p50", 500_000), ("p99", 990_000), ("max", 1_000_000)];

impl Report<'_> {
    /// For people.
    pub fn render(&self, palette: &Palette) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut out, palette);
        out
    }

    /// For machines: the tally as results have it, and what it comes to.
    pub fn json(&self) -> Value {
        let Report { head, tally, shard, results, found, .. } = self;
        let quantiles = |of: &Histogram| {
            let of = PERCENTILES.map(|(name, ppm)| (name.to_owned(), ms(of.quantile(ppm)).into()));
            Value::Object(of.into_iter().collect())
        };
        let found: Vec<Value> =
            found.iter().map(|(rule, path)| json!({ "rule": rule.name(), "file": path })).collect();
        let missed: Vec<&str> = tally.missed().into_iter().map(crate::rules::Mark::name).collect();
        let mut value = json_of(tally);
        if let Value::Object(fields) = &mut value {
            let more = [
                ("campaign", json!(head.name)),
                ("code", json!(head.code)),
                ("files", json!(found)),
                ("holds", json!(tally.found() == 0)),
                ("missed", json!(missed)),
                ("of", json!([head.seeds.first, head.seeds.last])),
                ("outages_ms", quantiles(&tally.outages)),
                ("plan", json!(hex(head.plan))),
                ("results", json!(results)),
                ("shard", json!(shard.to_string())),
                ("worst_ms", quantiles(&tally.worst)),
            ];
            fields.extend(more.map(|(key, value)| (key.to_owned(), value)));
        }
        value
    }

    fn write(&self, out: &mut String, palette: &Palette) -> std::fmt::Result {
        let Report { head, tally, .. } = self;
        let bold = palette.head;
        let all = self.shard.seeds(head.seeds.first, head.seeds.last);
        write!(out, "{bold}{}{bold:#}   seeds {}", head.name, head.seeds)?;
        if self.shard != Shard::WHOLE {
            write!(out, ", shard {}", self.shard)?;
        }
        match tally.seeds == all {
            true => write!(out, ", all {}", grouped(all))?,
            false => write!(out, ", {} of {}", grouped(tally.seeds), grouped(all))?,
        }
        writeln!(out, " run: {} simulated", long(tally.simulated))?;
        writeln!(out)?;

        writeln!(
            out,
            "{bold}{:<28} {:>8} {:>8} {:>8}   number{bold:#}",
            "without the address", "p50", "p99", "max"
        )?;
        for (what, of) in
            [("the longest of each run", &tally.worst), ("every one of every client", &tally.outages)]
        {
            let [p50, p99, max] = PERCENTILES.map(|(_, ppm)| length(of.quantile(ppm)));
            writeln!(out, "{what:<28} {p50:>8} {p99:>8} {max:>8}   {}", grouped(of.count()))?;
        }
        writeln!(out)?;
        self.write_rules(out, palette)?;
        self.write_injections(out, palette)?;
        let missed: Vec<&str> = tally.missed().into_iter().map(crate::rules::Mark::name).collect();
        if missed.is_empty() {
            writeln!(out, "every mark was hit")?;
        } else {
            writeln!(out, "{bold}marks never hit{bold:#}  {}", missed.join("; "))?;
        }
        let longest: Vec<String> =
            tally.longest.iter().map(|(time, seed)| format!("{} seed {seed}", length(Some(*time)))).collect();
        if !longest.is_empty() {
            writeln!(out, "{bold}longest outages{bold:#}  {}", longest.join(", "))?;
        }
        writeln!(out)?;
        writeln!(out, "digest {}   plan {}   code {}", hex(tally.digest), hex(head.plan), head.code)?;
        if let Some(results) = &self.results {
            writeln!(out, "results {}", results.display())?;
        }
        self.write_next(out, palette)
    }

    fn write_rules(&self, out: &mut String, palette: &Palette) -> std::fmt::Result {
        let bold = palette.head;
        writeln!(out, "{bold}{:<28} how it fared{bold:#}", "rule")?;
        for (rule, of) in self.tally.by_rule() {
            let expected = match of.expected {
                0 => String::new(),
                n => format!("expected {}: {}", grouped(n), self.head.why(rule)),
            };
            write!(out, "{:<28} ", rule.name())?;
            if let Some((seed, what)) = of.first.first() {
                let (bad, found) = (palette.bad, grouped(of.found));
                writeln!(out, "{bad}found {found}{bad:#}, first in seed {seed}: {what}")?;
                if !expected.is_empty() {
                    writeln!(out, "{:<28} {expected}", "")?;
                }
            } else if !expected.is_empty() {
                writeln!(out, "{expected}")?;
            } else if self.tally.seeds == 0 {
                writeln!(out, "no seed was run")?;
            } else if self.head.is_on(rule) {
                let good = palette.good;
                writeln!(out, "{good}held{good:#}")?;
            } else {
                writeln!(out, "not asked")?;
            }
        }
        writeln!(out)
    }

    fn write_injections(&self, out: &mut String, palette: &Palette) -> std::fmt::Result {
        let bold = palette.head;
        let head = ["runs", "found", "p50", "p99", "max"];
        let [runs, found, p50, p99, max] = head;
        writeln!(out, "{bold}{:<28} {runs:>8} {found:>8} {p50:>8} {p99:>8} {max:>8}{bold:#}", "runs with")?;
        for (injection, of) in self.tally.by_injection().filter(|(_, of)| of.runs > 0) {
            let [p50, p99, max] = PERCENTILES.map(|(_, ppm)| length(of.worst.quantile(ppm)));
            let (runs, found) = (grouped(of.runs), grouped(of.found));
            writeln!(out, "{:<28} {runs:>8} {found:>8} {p50:>8} {p99:>8} {max:>8}", injection.name())?;
        }
        writeln!(out)
    }

    fn write_next(&self, out: &mut String, palette: &Palette) -> std::fmt::Result {
        let mut next: Vec<String> = Vec::new();
        for (rule, of) in self.tally.by_rule() {
            let Some((seed, _)) = of.first.first() else { continue };
            let file = self.found.iter().find(|(found, _)| *found == rule);
            // A file does not say that the machines have a planted flaw.
            match (file.filter(|_| !self.head.is_of_a_canary()), &self.replay) {
                (Some((_, path)), _) => next.push(format!("havip-sim run {}", path.display())),
                (None, Some(replay)) => next.push(format!("{replay} {seed} --lanes")),
                (None, None) => {}
            }
        }
        if let (true, Some(replay), Some((_, seed))) =
            (next.is_empty(), &self.replay, self.tally.longest.first())
        {
            next.push(format!("{replay} {seed} --lanes"));
        }
        next.extend(self.next.iter().cloned());
        next.dedup();
        let dim = palette.dim;
        for (i, command) in next.iter().enumerate() {
            let word = if i == 0 { "next" } else { "" };
            writeln!(out, "{dim}{word:<4}{dim:#}    {command}")?;
        }
        Ok(())
    }
}

impl Head {
    /// Whether its plan asks for a rule: as the plan says.
    fn is_on(&self, rule: Rule) -> bool {
        let rules = self.says.lines().find_map(|line| line.strip_prefix("rules "));
        let limit = self.says.lines().any(|line| line.starts_with("outage "));
        let named = rules.is_some_and(|rules| rules.split(',').any(|name| name.trim() == rule.name()));
        named && (rule != Rule::OutageLimit || limit)
    }

    fn is_of_a_canary(&self) -> bool {
        self.says.lines().any(|line| line.starts_with("canary "))
    }

    /// Why its plan expects a rule not to hold.
    fn why(&self, rule: Rule) -> String {
        let expected = self.says.lines().filter_map(|line| line.strip_prefix("expected "));
        let of_rule = expected.filter_map(|line| {
            let (what, why) = line.trim_start().split_once(": ")?;
            (what.split(' ').next() == Some(rule.name())).then_some(why)
        });
        let mut whys: Vec<&str> = of_rule.collect();
        whys.dedup();
        whys.join("; ")
    }
}

/// `3.61s`; nothing and 0 are no outage.
fn length(time: Option<Duration>) -> String {
    match time.filter(|time| !time.is_zero()) {
        Some(time) => TimeText(Duration::from_millis(time.as_nanos().div_ceil(1_000_000))).to_string(),
        None => "none".to_owned(),
    }
}

fn ms(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| time.as_nanos() / 1_000_000)
}

/// `16 h 40 min`.
pub(super) fn long(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        (1, _) => format!("1 day {hours} h"),
        _ => format!("{} days {hours} h", grouped(days)),
    }
}

/// `1,000,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Plan, Seeds};
    use super::super::results::tests::tally;
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn a_report_names_every_rule_and_what_to_type() {
        let base = super::super::testing::pair();
        let plan = Plan { canary: true, ..Plan::new(&base) };
        let head = Head::new(&base, &plan, Seeds { first: 0, last: 127 });
        let tally = tally(&head, 0);
        let report = Report {
            head: &head,
            tally: &tally,
            shard: Shard::WHOLE,
            results: None,
            found: Vec::new(),
            replay: Some("havip-sim replay pair.scn --canary".to_owned()),
            next: Vec::new(),
        };
        let text = report.render(&Palette::plain());
        assert!(text.starts_with("pair   seeds 0..127, all 128 run: 2 h 8 min simulated\n"), "{text}");
        for rule in RULES {
            let line = text.lines().find(|line| line.starts_with(rule.name())).expect("a line for each");
            let end = match rule {
                Rule::HealAgrees => " found 1, first in seed 0: at 3s \"so\" ä",
                Rule::OutageLimit => " not asked",
                _ => " held",
            };
            assert!(line.ends_with(end), "{line}");
        }
        assert!(
            text.contains(" expected 2: who knows the password is believed; who is in the subnet"),
            "{text}"
        );
        assert!(text.ends_with("next    havip-sim replay pair.scn --canary 0 --lanes\n"), "{text}");
        let json = report.json();
        assert_eq!(json["worst_ms"]["max"], 127, "{json}");
        assert_eq!(json["holds"], false);
    }

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(long(Duration::from_secs(59)), "0 min 59 s");
        assert_eq!(long(Duration::from_secs(60_000)), "16 h 40 min");
        assert_eq!(long(Duration::from_secs(86_400)), "1 day 0 h");
        assert_eq!(length(Some(Duration::from_nanos(3_605_000_001))), "3.606s");
        assert_eq!(length(Some(Duration::ZERO)), "none");
    }
}
