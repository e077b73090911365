//! A campaign on the vendor document's block, small enough for a test, and what its page says of it.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::*;
use crate::explore::draw::seed_of;
use crate::explore::outcome::Outcome;
use crate::explore::seed::Drawn;
use crate::explore::shrink;
use crate::observe::testing::well_formed;
use crate::rules::RULES;
use crate::scenario::Script;

const SEEDS: Seeds = Seeds { first: 1, last: 200 };

struct Campaign {
    base: Base,
    plan: Plan,
    tally: Tally,
    found: Vec<Found>,
}

impl Campaign {
    fn page(&self) -> String {
        page(&self.base, &self.plan, &SEEDS, &self.tally, &self.found, "0123456")
    }

    /// To be drawn from.
    fn drawing(&self) -> Page<'_> {
        let Campaign { base, plan, tally, found } = self;
        Page { base, plan, seeds: SEEDS, tally, found, code: "", out: String::new() }
    }
}

/// The vendor document's block on two machines, in keepalived's profile.
fn spelled() -> Base {
    let text = "scenario vendor-spelled\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
                cvm a 172.16.16.5 keepalived conf/vendor-spelled.conf\n\
                cvm b 172.16.16.6 keepalived conf/vendor-spelled.conf with priority=90\n\
                client web 172.16.16.100 probe 172.16.16.12 every 100ms\n";
    let script = Script::parse("spelled.scn", text).expect("a script");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}{name}"));
    Base::new(script, None, &read).expect("a cluster")
}

fn campaign() -> &'static Campaign {
    static CAMPAIGN: OnceLock<Campaign> = OnceLock::new();
    CAMPAIGN.get_or_init(|| {
        let base = spelled();
        let plan = Plan { limit: Some(Duration::from_secs(30)), ..Plan::new(&base) };
        let mut tally = Tally::default();
        for seed in SEEDS.first..=SEEDS.last {
            tally.add(&plan, &Outcome::of(&base, &plan, seed));
        }
        let firsts = tally.by_rule().filter_map(|(rule, of)| Some((rule, of.first.first()?.0)));
        let found = firsts.filter_map(|(rule, seed)| shrink(&base, &plan, seed, rule, &|_| true)).collect();
        Campaign { base, plan, tally, found }
    })
}

#[test]
fn a_page_has_everything_and_needs_nothing() {
    let campaign = campaign();
    let Campaign { tally, found, plan, base } = campaign;
    let page = campaign.page();
    well_formed(&page);
    assert!(!found.is_empty() && !tally.longest.is_empty(), "there is something to show");
    for rule in RULES {
        assert!(page.contains(&format!("<strong>{}</strong><p>", rule.name())), "{}", rule.name());
        assert!(page.contains(&Escaped(rule.sentence()).to_string()), "{}", rule.sentence());
    }
    for (rule, of) in &tally.rules {
        for (seed, what) in &of.first {
            let said = format!("<li><b>seed {seed}</b> {}</li>", Escaped(what));
            assert!(page.contains(&said), "{} {said}", rule.name());
        }
    }
    for (one, of) in &tally.injections {
        let row = format!(r#"<tr><th scope="row">{}</th><td class="number">{}</td>"#, one.name(), of.runs);
        assert!(page.contains(&row), "{row}");
    }
    for mark in MARKS {
        assert!(page.contains(mark.name()), "{}", mark.name());
    }
    for found in found {
        assert!(page.contains(&Escaped(&found.text()).to_string()), "{}", found.text());
    }
    for (length, seed) in &tally.longest {
        let drawn = Drawn::new(base, plan, *seed);
        assert!(page.contains(&format!("<b>{}</b> without the address: seed {seed}<", short(*length))));
        assert!(page.contains(&drawn.in_words()), "{}", drawn.in_words());
        assert!(page.contains(&Escaped(&drawn.script(base).to_string()).to_string()), "seed {seed}");
    }
    // The chart, and a picture of every run that is shown.
    let pictures = 1 + found.len() + tally.longest.len();
    assert_eq!(page.matches(r#"<svg xmlns"#).count(), pictures);
    for outside in ["<script", "src=", "@import", "url(http", "<link", "cannot be drawn"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page, campaign.page(), "the same bytes");
}

/// What is linked, or named by a picture, is there once.
#[test]
fn names_on_a_page_lead_somewhere() {
    let page = campaign().page();
    let values = |attribute: &str| {
        let begin = format!(" {attribute}=\"");
        let parts = page.split(begin.as_str()).skip(1);
        parts.filter_map(|part| part.split('"').next()).flat_map(str::split_whitespace).collect::<Vec<_>>()
    };
    let ids = values("id");
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{ids:?}");
    let links = values("href").into_iter().map(|link| link.strip_prefix('#').expect("a part of the page"));
    let urls = page.split("url(#").skip(1).filter_map(|part| part.split(')').next());
    let named: BTreeSet<&str> = links.chain(values("aria-labelledby")).chain(urls).collect();
    assert!(named.contains("rules") && named.contains("worst-0-title") && named.contains("havip-stripes"));
    assert_eq!(named.difference(&unique).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn the_pictures_are_of_the_seeds_runs() {
    let campaign = campaign();
    for (length, seed) in &campaign.tally.longest {
        let script = Drawn::new(&campaign.base, &campaign.plan, *seed).script(&campaign.base).to_string();
        let drawn = campaign.drawing().drawn(&script, "x").unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(
            drawn.record.outages.iter().map(crate::observe::OutageRow::length).max(),
            Some(*length),
            "seed {seed}"
        );
    }
    for found in &campaign.found {
        let drawn = campaign.drawing().drawn(&found.text(), "x").unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(drawn.record.failing(), 1, "{}", found.text());
    }
}

#[test]
fn a_planted_flaw_is_in_the_pictures_too() {
    let (base, tally) = (spelled(), Tally::default());
    let well = Plan::new(&base);
    let planted = Plan { canary: true, ..well.clone() };
    let differs = |seed: &u64| {
        let [with, without] = [&planted, &well].map(|plan| Outcome::of(&base, plan, *seed));
        with.violations != without.violations
    };
    let Some(seed) = (0..2_000).find(differs) else { panic!("no seed has it") };
    let [with, without] = [&planted, &well].map(|plan| {
        let script = Drawn::new(&base, plan, seed).script(&base).to_string();
        let page =
            Page { base: &base, plan, seeds: SEEDS, tally: &tally, found: &[], code: "", out: String::new() };
        page.drawn(&script, "x").map(|drawn| drawn.record.text())
    });
    assert!(with.is_ok() && with != without, "seed {seed}: {with:?}");
}

#[test]
fn nothing_in_a_name_gets_out_of_its_text() {
    let hostile = "</title></pre><script>alert(\"x\")</script>&]]>'<!--";
    let Campaign { base, plan, tally, found } = campaign();
    let (mut base, mut plan, mut tally) = (base.clone(), plan.clone(), tally.clone());
    base.script.name = hostile.to_owned();
    base.setup.clients[0].name = hostile.to_owned();
    let mut found: Vec<Found> = found.iter().take(1).cloned().collect();
    found[0].script.name = hostile.to_owned();
    found[0].from = hostile.to_owned();
    found[0].violation.what = hostile.to_owned();
    plan.expected.iter_mut().for_each(|one| one.why = hostile.to_owned());
    tally.rules.values_mut().for_each(|of| of.first.iter_mut().for_each(|one| one.1 = hostile.to_owned()));
    let page = page(&base, &plan, &SEEDS, &tally, &found, hostile);
    well_formed(&page);
    for part in ["<script", "</pre></", "<!--"] {
        assert!(!page.contains(part), "{part}");
    }
    assert!(page.matches("&lt;script&gt;alert(&quot;x&quot;)").count() > 10);
}

#[test]
fn an_empty_campaign_is_a_page_too() {
    let base = spelled();
    let plan = Plan::new(&base);
    let seed = seed_of("deadbeef").expect("a hash");
    let seeds = Seeds { first: seed, last: seed };
    let page = page(&base, &plan, &seeds, &Tally::default(), &[], "");
    well_formed(&page);
    for text in ["vendor-spelled: no seed was run", "0 of 1 runs", "There was no outage", "0 of 20 hit"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn figures_are_never_less_than_they_were() {
    assert_eq!(short(Duration::from_nanos(3_605_000_001)), "3.606s");
    assert_eq!([share(1, 3), share(1, 100_000), share(0, 0)], ["33.3 %", "&lt; 0.1 %", "0.0 %"]);
}
