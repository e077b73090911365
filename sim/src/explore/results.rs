//! A campaign's results as lines of JSON: a head, then a line for each block of seeds.
//!
//! A line is canonical (keys sorted, whole numbers only): equal results are equal bytes, whoever computed them.

use std::collections::BTreeMap;

use havip::time::Duration;
use serde_json::{Map, Value, json};

use super::inject::{INJECTIONS, Injection};
use super::plan::{Plan, Seeds};
use super::tally::{Histogram, InjectionTally, RuleTally, Tally};
use crate::explore::Base;
use crate::rules::{MARKS, Rule};

/// How many seeds make a block: seed / 128 is its number.
pub const BLOCK: u64 = 128;
/// The digest of the sources of `havip` and `havip-sim`, which are part of what a seed does.
pub const CODE: &str = env!("HAVIP_SIM_CODE");
/// The version of what is in these lines.
const FORMAT: u64 = 1;
/// A line of a block is shorter: a hundred injections with a thousand figures each.
pub(super) const LONGEST_LINE: u64 = 4 << 20;
/// No length is seen more often in a block than this.
const MOST: u64 = 1 << 24;
/// Lengths of three digits and a power of ten, up to what 32 bits hold.
const BUCKETS: usize = 8_192;

/// What the results of two machines must have in common to be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The campaign's name.
    pub name: String,
    /// [`CODE`] of the program that ran it.
    pub code: String,
    /// [`Plan::digest`].
    pub plan: u64,
    /// The plan, as it prints itself.
    pub says: String,
    /// All its seeds, whatever shards there are.
    pub seeds: Seeds,
}

impl Head {
    /// The head of this program's results.
    pub fn new(base: &Base, plan: &Plan, seeds: Seeds) -> Head {
        Head {
            name: base.script.name.clone(),
            code: CODE.to_owned(),
            plan: plan.digest(base),
            says: plan.to_string(),
            seeds,
        }
    }

    /// As a line, its end included.
    pub fn line(&self) -> String {
        let Head { name, code, plan, says, seeds } = self;
        let plan = hex(*plan);
        let seeds = [seeds.first, seeds.last];
        let value = json!({
            "code": code, "format": FORMAT, "name": name, "plan": plan, "says": says, "seeds": seeds
        });
        format!("{value}\n")
    }

    /// From a line.
    pub fn parse(line: &str) -> Result<Head, String> {
        let value: Value = serde_json::from_str(line).map_err(|_| "these are no results".to_owned())?;
        let format = value["format"].as_u64().ok_or("these are no results")?;
        if format != FORMAT {
            return Err(format!("results of format {format}, and this program writes {FORMAT}"));
        }
        let head = || {
            let word = |key: &str| Some(value[key].as_str()?.to_owned());
            let seeds = value["seeds"].as_array()?;
            let [first, last] = seeds.as_slice() else { return None };
            let seeds = Seeds { first: first.as_u64()?, last: last.as_u64()? };
            let head = Head {
                name: word("name")?,
                code: word("code")?,
                plan: unhex(&value["plan"])?,
                says: word("says")?,
                seeds,
            };
            (seeds.first <= seeds.last).then_some(head)
        };
        let head: Option<Head> = head();
        head.filter(|head| head.line().trim_end() == line.trim_end())
            .ok_or_else(|| "its head was changed".to_owned())
    }

    /// What another's results must agree in, and do not.
    pub fn differs(&self, other: &Head) -> Option<String> {
        if self.seeds != other.seeds {
            return Some(format!("it is of seeds {}, not {}", other.seeds, self.seeds));
        }
        if self.code != other.code {
            return Some(format!(
                "it was made by other code ({}, not {}): what a seed does may have changed",
                other.code, self.code
            ));
        }
        if (self.plan, &self.name, &self.says) != (other.plan, &other.name, &other.says) {
            let lines = |head: &Head| head.says.lines().map(str::to_owned).collect::<Vec<_>>();
            let (ours, theirs) = (lines(self), lines(other));
            let difference = ours.iter().zip(&theirs).find(|(a, b)| a != b);
            return Some(match difference {
                Some((ours, theirs)) => format!("it is of another plan: `{theirs}`, not `{ours}`"),
                None => {
                    format!("it is of another cluster or plan: {}, not {}", hex(other.plan), hex(self.plan))
                }
            });
        }
        None
    }

    /// The seeds of a block that are this campaign's, if any is.
    pub(super) fn seeds_of(&self, block: u64) -> Option<Seeds> {
        let first = block.checked_mul(BLOCK)?;
        let last = first + (BLOCK - 1);
        let seeds = Seeds { first: first.max(self.seeds.first), last: last.min(self.seeds.last) };
        (seeds.first <= seeds.last).then_some(seeds)
    }
}

/// A block's line, its end included.
pub(super) fn line_of(block: u64, tally: &Tally) -> String {
    let mut value = json_of(tally);
    if let Value::Object(fields) = &mut value {
        fields.insert("block".to_owned(), block.into());
    }
    format!("{value}\n")
}

/// A tally as JSON; what was never seen is not in it.
pub(super) fn json_of(tally: &Tally) -> Value {
    let Tally { seeds, simulated, digest, outages, worst, rules, injections, marks, longest } = tally;
    let rules = rules.iter().map(|(rule, of)| {
        let RuleTally { found, expected, first } = of;
        (rule.name().to_owned(), json!({ "expected": expected, "first": first, "found": found }))
    });
    let injections = injections.iter().map(|(injection, of)| {
        let InjectionTally { runs, found, worst } = of;
        (injection.name().to_owned(), json!({ "found": found, "runs": runs, "worst": pairs(worst) }))
    });
    let marks = marks.iter().map(|(mark, count)| (mark.name().to_owned(), Value::from(*count)));
    let longest: Vec<(u64, u64)> = longest.iter().map(|(length, seed)| (length.as_nanos(), *seed)).collect();
    json!({
        "digest": hex(*digest),
        "injections": injections.collect::<Map<_, _>>(),
        "longest": longest,
        "marks": marks.collect::<Map<_, _>>(),
        "outages": pairs(outages),
        "rules": rules.collect::<Map<_, _>>(),
        "seeds": seeds,
        "simulated": simulated.as_nanos(),
        "worst": pairs(worst),
    })
}

/// A line of a block of this campaign, read; nothing if it is none, or was changed by somebody.
pub(super) fn parse_line(head: &Head, line: &str) -> Option<(u64, Tally)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let block = value["block"].as_u64()?;
    let seeds = head.seeds_of(block)?;
    let tally = tally_of(&value, seeds)?;
    (line_of(block, &tally).trim_end() == line.trim_end()).then_some((block, tally))
}

fn tally_of(value: &Value, of: Seeds) -> Option<Tally> {
    let is_of = |seed: u64| (of.first..=of.last).contains(&seed);
    // In so many of the block's runs: no sum of such numbers is too large.
    let runs = |value: &Value| value.as_u64().filter(|count| *count <= of.count());
    let mut tally = Tally {
        seeds: runs(&value["seeds"]).filter(|seeds| *seeds == of.count())?,
        simulated: Duration::from_nanos(value["simulated"].as_u64()?),
        digest: unhex(&value["digest"])?,
        outages: histogram(&value["outages"])?,
        worst: histogram(&value["worst"])?,
        ..Tally::default()
    };
    for (name, value) in value["rules"].as_object()? {
        let mut first = Vec::new();
        for one in value["first"].as_array()? {
            let [seed, what] = one.as_array()?.as_slice() else { return None };
            first.push((seed.as_u64().filter(|seed| is_of(*seed))?, what.as_str()?.to_owned()));
        }
        let (found, expected) = (runs(&value["found"])?, runs(&value["expected"])?);
        tally.rules.insert(Rule::of(name)?, RuleTally { found, expected, first });
    }
    for (name, value) in value["injections"].as_object()? {
        let (runs, found) = (runs(&value["runs"])?, runs(&value["found"])?);
        let of = InjectionTally { runs, found, worst: histogram(&value["worst"])? };
        tally.injections.insert(Injection::of(name)?, of);
    }
    let known: BTreeMap<&str, _> = MARKS.into_iter().map(|mark| (mark.name(), mark)).collect();
    for (name, value) in value["marks"].as_object()? {
        tally.marks.insert(*known.get(name.as_str())?, runs(value)?);
    }
    for one in value["longest"].as_array()? {
        let [length, seed] = one.as_array()?.as_slice() else { return None };
        tally
            .longest
            .push((Duration::from_nanos(length.as_u64()?), seed.as_u64().filter(|seed| is_of(*seed))?));
    }
    let few = tally.injections.len() <= INJECTIONS.len() && tally.longest.len() <= BLOCK as usize;
    few.then_some(tally)
}

fn pairs(histogram: &Histogram) -> Vec<(u64, u64)> {
    histogram.buckets().map(|(length, count)| (length.as_micros() / 1_000, count)).collect()
}

fn histogram(value: &Value) -> Option<Histogram> {
    let pairs = value.as_array().filter(|pairs| pairs.len() <= BUCKETS)?;
    let pair = |pair: &Value| {
        let [ms, count] = pair.as_array()?.as_slice() else { return None };
        let ms = u32::try_from(ms.as_u64()?).ok()?;
        Some((Duration::from_millis(ms.into()), count.as_u64().filter(|count| *count <= MOST)?))
    };
    Some(Histogram::of(pairs.iter().map(pair).collect::<Option<Vec<_>>>()?))
}

/// As results have digests: JSON's numbers are too short for some readers.
pub(super) fn hex(number: u64) -> String {
    format!("{number:016x}")
}

fn unhex(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?, 16).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) fn head(first: u64, last: u64) -> Head {
        Head {
            name: "pair".to_owned(),
            code: "c0de".to_owned(),
            plan: 7,
            says: "injections kill\nrules converges\n".to_owned(),
            seeds: Seeds { first, last },
        }
    }

    pub(in super::super) fn tally(head: &Head, block: u64) -> Tally {
        let seeds = head.seeds_of(block).expect("a block of it");
        let (mut worst, mut outages) = (Histogram::default(), Histogram::default());
        for seed in seeds.first..=seeds.last {
            worst.add(Duration::from_millis(seed));
            outages.add(Duration::from_micros(seed * 700));
        }
        let rule =
            RuleTally { found: 1, expected: 2, first: vec![(seeds.first, "at 3s \"so\" ä".to_owned())] };
        let injection = InjectionTally { runs: 2, found: 1, worst: worst.clone() };
        Tally {
            seeds: seeds.count(),
            simulated: Duration::from_secs(60) * seeds.count(),
            digest: seeds.first.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            outages,
            worst,
            rules: [(Rule::HealAgrees, rule)].into(),
            injections: [(Injection::Kill, injection)].into(),
            marks: [(MARKS[3], 1)].into(),
            longest: vec![(Duration::from_nanos(12_345_678_901), seeds.last)],
        }
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let head = head(5, 1_000);
        assert_eq!(Head::parse(&head.line()), Ok(head.clone()));
        for block in [0, 1, 7] {
            let tally = tally(&head, block);
            assert_eq!(parse_line(&head, &line_of(block, &tally)), Some((block, tally)));
        }
        let line = line_of(1, &tally(&head, 1));
        let names =
            ["block", "digest", "injections", "longest", "marks", "outages", "rules", "seeds", "simulated"];
        let keys: Vec<usize> =
            names.iter().map(|name| line.find(&format!("\"{name}\":")).expect("a key")).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn what_was_changed_is_no_result() {
        let head = head(0, 1_000);
        let line = line_of(1, &tally(&head, 1));
        for (this, that) in [
            ("\"seeds\":128", "\"seeds\":127"),
            ("\"seeds\":128", "\"seeds\": 128"),
            ("\"found\":1", "\"found\":129"),
            ("\"found\":1", "\"found\":1.5"),
            ("\"found\":1", "\"found\":-1"),
            ("heal-agrees", "heals"),
            ("\"block\":1,", "\"block\":99,"),
            ("[128,1]", "[128,99999999999]"),
            ("[128,1]", "[99999999999,1]"),
            ("[128,1]", "[128]"),
        ] {
            let changed = line.replace(this, that);
            assert_ne!(changed, line, "{this} is in it");
            assert_eq!(parse_line(&head, &changed), None, "{that}");
        }
        assert!(
            Head::parse(&head.line().replace("\"format\":1", "\"format\":2"))
                .is_err_and(|e| e.contains("format 2"))
        );
        assert!(Head::parse(&head.line().replace("[0,1000]", "[1000,0]")).is_err());
        assert!(Head::parse("{}").is_err());
    }

    #[test]
    fn a_block_at_the_end_of_all_numbers_is_one() {
        let head = head(u64::MAX - 3, u64::MAX);
        let seeds = head.seeds_of(u64::MAX / BLOCK).expect("the last block");
        assert_eq!((seeds, seeds.count()), (head.seeds, 4));
        assert_eq!(head.seeds_of(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn anything_is_read_without_a_panic(line in "\\PC{0,200}", at in 0..400usize, byte in any::<u8>()) {
            let head = head(0, 1_000);
            prop_assert_eq!(parse_line(&head, &line), None);
            let mut bytes = line_of(1, &tally(&head, 1)).into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = parse_line(&head, &String::from_utf8_lossy(&bytes));
        }
    }
}
