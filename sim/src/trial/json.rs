//! A report as one JSON document: every row's numbers, times in nanoseconds.

use havip::time::Duration;
use serde_json::{Value, json};

use super::Report;
use super::rows::{Row, Verdict};
use super::table;
use crate::observe::Spread;

impl Report {
    /// The report as one JSON value.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let remedies: Vec<Value> = self
            .remedies
            .iter()
            .map(|remedy| {
                json!({
                    "verdict": remedy.verdict,
                    "rows": remedy.rows,
                    "decided": remedy.decided,
                    "why": remedy.why,
                    "write": remedy.write,
                    "then": remedy.then,
                })
            })
            .collect();
        let bases: Vec<Value> = self
            .bases
            .iter()
            .map(|basis| json!({ "tag": basis.tag.word(), "what": basis.what, "taken": basis.taken }))
            .collect();
        json!({
            "fails": self.fails(),
            "rows": rows,
            "never_first": self.never_first,
            "remedies": remedies,
            "rests_on": bases,
        })
    }
}

fn row(row: &Row) -> Value {
    let after: Vec<Value> =
        row.after.iter().map(|(who, runs)| json!({ "serves": who, "runs": runs })).collect();
    let verdicts: Vec<Value> = row
        .verdicts
        .iter()
        .map(
            |(verdict, runs)| json!({ "verdict": word(*verdict), "limit_ns": limit(*verdict), "runs": runs }),
        )
        .collect();
    let worst = &row.figures[row.worst];
    let open = row.figures.iter().filter(|one| one.without.open).count();
    json!({
        "story": row.story.word(),
        "title": row.title,
        "master_first": row.first,
        "runs": row.share.0,
        "runs_of_story": row.share.1,
        "share_per_mille": row.per_mille(),
        "after": after,
        "takeover_ns": row.takeover.map(spread),
        "without_address_ns": spread(row.spread(|one| one.without.time)),
        "without_address_open_runs": open,
        "outage_probed_ns": spread(row.spread(|one| one.without.probed)),
        "cloud_vendor_ns": spread(row.spread(|one| one.without.cloud)),
        "two_masters_ns": spread(row.spread(|one| one.two_masters)),
        "two_masters_heard_ns": spread(row.spread(|one| one.two_masters_heard)),
        "stale_ns": spread(row.spread(|one| one.stale)),
        "ok": row.verdicts.is_empty(),
        "verdicts": verdicts,
        "verdict": table::verdict_of(row),
        "worst": { "seed": worst.seed, "shift_ns": worst.shift.as_nanos(), "heal_later_ns": worst.extra.as_nanos() },
    })
}

fn spread(spread: Spread<Duration>) -> Value {
    let [min, median, max] = spread.each().map(Duration::as_nanos);
    json!({ "min": min, "median": median, "max": max })
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::NobodyServes => "nobody-serves",
        Verdict::LeftBehind => "left-behind",
        Verdict::TwoMasters => "two-masters",
        Verdict::SecondSwitch => "second-switch",
        Verdict::OutageLimit(_) => "outage-limit",
        Verdict::TwoMastersLimit(_) => "two-masters-limit",
        Verdict::StaleLimit(_) => "stale-limit",
    }
}

fn limit(verdict: Verdict) -> Option<u64> {
    match verdict {
        Verdict::OutageLimit(limit) | Verdict::TwoMastersLimit(limit) | Verdict::StaleLimit(limit) => {
            Some(limit.as_nanos())
        }
        _ => None,
    }
}
