//! What a campaign is to do: which injections, which rules, and what is known to break.

use std::fmt;
use std::path::{Path, PathBuf};

use havip::config::Instance;
use havip::profile::Profile;
use havip::time::{Duration, Time};
use serde::Deserialize;

use super::base::Base;
use super::draw::seed_of;
use super::inject::{INJECTIONS, Injection};
use super::seed::ALIKE;
use crate::observe::Hash64;
use crate::rules::{Rule, Rules, whole_seconds};
use crate::scenario::{TimeText, times};
use crate::world::Segment;

/// A plan, its defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What may be injected.
    pub injections: Vec<Injection>,
    /// What must hold.
    pub rules: Rules,
    /// How long no client may be without its address.
    pub limit: Option<Duration>,
    /// How long the cluster has to find together before anything is injected.
    pub settle: Duration,
    /// How long anything may be wrong.
    pub safety: Duration,
    /// How long the run goes on when nothing is wrong any more.
    pub liveness: Duration,
    /// At most so many injections a seed.
    pub most: u32,
    /// What is known to break: it is counted and does not fail the campaign.
    pub expected: Vec<Expected>,
    /// The machines have a planted flaw, which the campaign must find.
    pub canary: bool,
}

/// A rule that is known not to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Which.
    pub rule: Rule,
    /// Only in runs in which this was injected.
    pub with: Option<Injection>,
    /// Why.
    pub why: String,
}

/// Which seeds: from, and up to and including.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl Seeds {
    /// `A..B`, both included; or one seed, which may be a commit hash.
    pub fn parse(text: &str) -> Result<Seeds, String> {
        let one = |word: &str| {
            seed_of(word.trim()).ok_or_else(|| format!("{word:?} is no seed: a number, or a commit hash"))
        };
        let seeds = match text.split_once("..") {
            Some((first, last)) => Seeds { first: one(first)?, last: one(last.trim_start_matches('='))? },
            None => Seeds { first: one(text)?, last: one(text)? },
        };
        match seeds.first <= seeds.last {
            true => Ok(seeds),
            false => {
                Err(format!("{text:?} is an empty range: did you mean {}..{}?", seeds.last, seeds.first))
            }
        }
    }
    /// Those of each beginning.
    pub(super) fn alike(self) -> impl Iterator<Item = Seeds> {
        let group = move |n: u64| {
            let first = n * ALIKE;
            Seeds { first: first.max(self.first), last: (first + (ALIKE - 1)).min(self.last) }
        };
        (self.first / ALIKE..=self.last / ALIKE).map(group)
    }
    /// How many.
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}

/// A plan as a file has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PlanFile {
    /// The scenario file it does things to.
    pub scenario: Option<PathBuf>,
    /// Or the configuration files, one a machine.
    #[serde(default)]
    pub files: Vec<PathBuf>,
    /// Whose machines are on a lan, not in a cloud's subnet.
    #[serde(default)]
    pub lan: bool,
    /// The machines' profile.
    #[serde(rename = "as")]
    pub profile: Option<String>,
    /// `1..1000`.
    pub seeds: Option<String>,
    settle: Option<String>,
    safety: Option<String>,
    liveness: Option<String>,
    most: Option<u32>,
    outage_limit: Option<String>,
    only: Option<Vec<String>>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    rules_off: Vec<String>,
    #[serde(default)]
    expected: Vec<ExpectedFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ExpectedFile {
    rule: String,
    with: Option<String>,
    why: String,
}

impl PlanFile {
    /// Reads a plan; what is wrong with it is said with its line.
    pub fn read(path: &Path) -> Result<PlanFile, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        PlanFile::parse(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn parse(text: &str) -> Result<PlanFile, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// The profile it names.
    pub fn profile(&self) -> Result<Option<Profile>, String> {
        let parsed = self.profile.as_deref().map(str::parse::<Profile>).transpose();
        parsed.map_err(|error| format!("as: {error}"))
    }

    /// The plan for a cluster.
    pub fn plan(&self, base: &Base) -> Result<Plan, String> {
        let mut plan = Plan::new(base);
        let time = |key: &str, text: &Option<String>, default: Duration| match text {
            None => Ok(default),
            Some(text) => match times(text) {
                Ok((a, b)) if a == b => Ok(a),
                Ok(_) => Err(format!("{key}: one time, not a range, such as \"30s\"")),
                Err(error) => Err(format!("{key}: {error}")),
            },
        };
        plan.settle = time("settle", &self.settle, plan.settle)?;
        plan.safety = time("safety", &self.safety, plan.safety)?;
        plan.liveness = time("liveness", &self.liveness, plan.liveness)?;
        if plan.safety < Duration::from_millis(100) {
            return Err("safety: at least \"100ms\", or nothing can be injected".to_owned());
        }
        if plan.liveness < Duration::from_secs(1) {
            return Err("liveness: at least \"1s\", or nobody has time to find together".to_owned());
        }
        let seed = plan.settle + plan.safety + plan.liveness;
        if seed > Duration::from_secs(24 * 3_600) {
            let long = TimeText(seed);
            return Err(format!("settle, safety and liveness are {long} together: a seed is 24h at most"));
        }
        if self.outage_limit.is_some() {
            plan.limit = Some(time("outage-limit", &self.outage_limit, Duration::ZERO)?);
        }
        plan.most = self.most.unwrap_or(plan.most);
        if !(1..=1_000).contains(&plan.most) {
            return Err("most: 1 to 1000 injections a seed".to_owned());
        }
        if let Some(only) = &self.only {
            plan.injections = only.iter().map(|name| injection(name)).collect::<Result<_, _>>()?;
            plan.injections.sort_unstable();
            plan.injections.dedup();
        }
        for name in &self.without {
            let not = injection(name)?;
            plan.injections.retain(|one| *one != not);
        }
        if !plan.injections.iter().any(|one| one.is_for(base)) {
            return Err("no injection is left that could do anything to this cluster".to_owned());
        }
        for name in &self.rules_off {
            plan.rules = plan.rules.without(rule(name)?);
        }
        for one in &self.expected {
            let with = one.with.as_deref().map(injection).transpose()?;
            plan.expected.push(Expected { rule: rule(&one.rule)?, with, why: one.why.clone() });
        }
        Ok(plan)
    }
}

fn injection(name: &str) -> Result<Injection, String> {
    let names: Vec<&str> = INJECTIONS.iter().map(|one| one.name()).collect();
    Injection::of(name)
        .ok_or_else(|| format!("there is no injection {name:?}: there are {}", names.join(", ")))
}

fn rule(name: &str) -> Result<Rule, String> {
    let names: Vec<&str> = crate::rules::RULES.iter().map(|one| one.name()).collect();
    Rule::of(name).ok_or_else(|| format!("there is no rule {name:?}: there are {}", names.join(", ")))
}

/// What attacks are known to achieve.
fn attacks(base: &Base) -> Vec<Expected> {
    use crate::rules::RULES;
    let expected = |rule, with, why: &str| Expected { rule, with: Some(with), why: why.to_owned() };
    let all = RULES.into_iter().filter(|rule| *rule != Rule::OnlyHavips);
    let as_peer = all.map(|rule| expected(rule, Injection::ForgedWithPassword, KNOWS_THE_PASSWORD));
    let of_address = [Rule::BindingIsMasters, Rule::ClientsReachMaster, Rule::HealAgrees];
    let stolen = of_address.map(|rule| expected(rule, Injection::StolenAddress, MAY_CLAIM));
    // A cloud looks whose hardware address it is that is announced.
    let is_lan = matches!(base.setup.segment, Segment::Lan(_));
    let forged = of_address.map(|rule| expected(rule, Injection::ForgedClaim, NOBODY_LOOKS));
    as_peer.chain(stolen).chain(forged.into_iter().filter(|_| is_lan)).collect()
}

/// Every interface of its subnet may claim a HAVIP.
const MAY_CLAIM: &str =
    "who is in the subnet may claim, and what is taken often is taken back ever more seldom";
const NOBODY_LOOKS: &str = "on a lan everybody believes every announcement";
/// Whoever knows the password, or sends in a peer's name where there is none, is a peer to everybody.
const KNOWS_THE_PASSWORD: &str = "who knows the password is believed";

impl Plan {
    /// The plan of who gives none.
    pub fn new(base: &Base) -> Plan {
        let instances = || (0..base.setup.cvms.len()).flat_map(|cvm| base.config(cvm).instances.to_vec());
        let longest = |of: fn(&Instance) -> Duration| instances().map(|i| of(&i)).max().unwrap_or_default();
        let down = longest(|i| i.advert_interval * (u64::from(i.down_timer_adverts) + 1));
        // A machine that has lost power waits for as long as at the beginning.
        let waits = |cvm| base.config(cvm).startup_delay.max(base.config(cvm).delay_after_boot);
        let startup = (0..base.setup.cvms.len()).map(waits).max().unwrap_or_default();
        let settle = whole_seconds(down + startup + Duration::from_secs(2));
        let preempt = longest(|i| i.preempt_delay);
        // Two elections, both bursts of claims, and a binding that a stalled cloud still owes.
        let claims =
            longest(|i| i.garp.master_delay.max(i.garp.master_refresh)).max(Duration::from_millis(10_500));
        let owes = base.setup.bind_delay.1.max(Duration::from_secs(15));
        let liveness = down * 2 + startup + preempt + claims + owes + Duration::from_secs(3);
        let liveness = whole_seconds(liveness);
        let minute = Duration::from_secs(60);
        let rest = minute.saturating_sub(settle + liveness);
        Plan {
            injections: INJECTIONS.to_vec(),
            rules: Rules::all(),
            limit: None,
            settle,
            safety: rest.max(base.interval() * 24).max(Duration::from_secs(10)),
            liveness,
            most: 8,
            expected: attacks(base),
            canary: false,
        }
    }

    /// When nothing is wrong any more, and how long the whole run is.
    pub(super) fn phases(&self, base: &Base) -> (Time, Duration) {
        let last = base.script.acts.last().map_or(Time::ZERO, |act| act.at);
        let healed = last.max(Time::ZERO + self.settle + self.safety);
        (healed, healed.saturating_since(Time::ZERO) + self.liveness)
    }

    /// Why a rule was expected not to hold in a run with these injections, if it was.
    pub fn expects(&self, rule: Rule, injected: &[Injection]) -> Option<&Expected> {
        let fits = |one: &&Expected| {
            one.rule == rule && one.with.is_none_or(|injection| injected.contains(&injection))
        };
        self.expected.iter().find(fits)
    }

    /// What the results of two campaigns must have in common to be put together.
    pub fn digest(&self, base: &Base) -> u64 {
        let mut hash = Hash64::default();
        hash.bytes(base.script.to_string().as_bytes());
        for (name, text) in &base.files {
            hash.bytes(name.as_bytes());
            hash.bytes(text.as_bytes());
        }
        hash.bytes(self.to_string().as_bytes());
        hash.value()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { injections, rules, limit, settle, safety, liveness, most, expected, canary } = self;
        let names: Vec<&str> = injections.iter().map(|one| one.name()).collect();
        let on: Vec<&str> =
            crate::rules::RULES.iter().filter(|one| rules.has(**one)).map(|one| one.name()).collect();
        writeln!(f, "injections {}", names.join(", "))?;
        writeln!(f, "rules      {}", on.join(", "))?;
        let [settle, safety, liveness] = [settle, safety, liveness].map(|time| TimeText(*time));
        writeln!(
            f,
            "phases     settle {settle}, safety {safety}, liveness {liveness}; at most {most} a seed"
        )?;
        if let Some(limit) = limit {
            writeln!(f, "outage     at most {}", TimeText(*limit))?;
        }
        for one in expected {
            let with = one.with.map_or(String::new(), |with| format!(" with {}", with.name()));
            writeln!(f, "expected   {}{with}: {}", one.rule.name(), one.why)?;
        }
        if *canary {
            writeln!(f, "canary     a flaw is planted")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_or_one() {
        assert_eq!(Seeds::parse("1..1000"), Ok(Seeds { first: 1, last: 1000 }));
        assert_eq!(Seeds::parse("7"), Ok(Seeds { first: 7, last: 7 }));
        assert_eq!(Seeds::parse("deadbeef").map(Seeds::count), Ok(1));
        assert_eq!(Seeds::parse("9..3"), Err("\"9..3\" is an empty range: did you mean 3..9?".to_owned()));
        assert!(Seeds::parse("1..x").is_err_and(|e| e.contains("no seed")));
    }

    #[test]
    fn a_plan_says_what_is_wrong_with_it() {
        let wrong = PlanFile::parse("seeds = \"1..9\"\nsafty = \"3s\"\n").unwrap_err();
        assert!(wrong.contains("unknown field `safty`") && wrong.contains("line 2"), "{wrong}");
        assert!(injection("kil").unwrap_err().contains("there are kill, stop"));
        assert!(rule("x").unwrap_err().contains("one-master-a-side"));
    }
}
