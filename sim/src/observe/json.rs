//! A record as JSON: times in nanoseconds, absent values as null, keys in a fixed order.

use havip::time::{Duration, Time};
use serde_json::{Value, json};

use super::expectations::{Figure, Seen};
use super::record::{OutageRow, Record, RecordLine, UnreachedRow, VerdictRow};
use super::table::{OutageSummary, Spread, VerdictSummary};

impl Record {
    /// The record as JSON: the same content as its text, and the digest of all frames.
    pub fn json(&self) -> Value {
        let config = self.config.iter().map(|(who, text)| json!({ "text": text, "who": who }));
        let assumptions = self
            .assumptions
            .iter()
            .map(|(what, value, known)| json!({ "known": known, "value": value, "what": what }));
        let summary = self.summary.as_ref().map(|all| {
            json!({
                "expect": all.verdicts.iter().map(verdict_summary).collect::<Vec<_>>(),
                "outages": all.outages.iter().map(outage_summary).collect::<Vec<_>>(),
                "runs": all.runs,
            })
        });
        let mut json = json!({
            "assumptions": assumptions.collect::<Vec<_>>(),
            "config": config.collect::<Vec<_>>(),
            "digest": format!("{:08x}", self.digest()),
            "expect": self.verdicts.iter().map(verdict).collect::<Vec<_>>(),
            "frames_digest": self.frames.map(|digest| format!("{digest:016x}")),
            "lines": self.lines.iter().map(line).collect::<Vec<_>>(),
            "outages": self.outages.iter().map(outage).collect::<Vec<_>>(),
            "phases": summary,
            "scenario": self.name,
            "seed": self.seed,
            "tick_ns": self.tick.as_nanos(),
            "unreached": self.unreached.iter().map(unreached).collect::<Vec<_>>(),
        });
        if let (Some(profile), Some(fields)) = (self.under, json.as_object_mut()) {
            fields.insert("as".to_owned(), profile.name().into());
        }
        json
    }
}

fn line(line: &RecordLine) -> Value {
    json!({
        "at_ns": line.at.as_nanos(),
        "kind": line.kind,
        "until_ns": line.until.map(Time::as_nanos),
        "what": line.what,
        "who": line.who,
        "why": line.why,
    })
}

fn outage(row: &OutageRow) -> Value {
    json!({
        "cause": row.cause,
        "client": row.client,
        "cloud_ns": row.cloud.map(Duration::as_nanos),
        "detection_ns": row.detection.map(Duration::as_nanos),
        "from_ns": row.from.as_nanos(),
        "length_ns": row.length().as_nanos(),
        "probe_ns": row.probe.as_nanos(),
        "still_out": row.still_out,
        "to_ns": row.to.as_nanos(),
    })
}

fn unreached(row: &UnreachedRow) -> Value {
    json!({ "client": row.client, "from_ns": row.from.as_nanos(), "to_ns": row.to.map(Time::as_nanos) })
}

fn verdict(row: &VerdictRow) -> Value {
    let mut value = json!({
        "expect": row.text,
        "figure": figure(row.verdict.figure),
        "holds": row.verdict.holds,
        "line": row.verdict.line,
        "seen": seen(row.verdict.seen),
    });
    if let (Some(why), Some(fields)) = (&row.why, value.as_object_mut()) {
        fields.insert("why".into(), why.as_str().into());
    }
    value
}

fn seen(seen: Seen) -> Value {
    let span = |what: &str, from: Time, to: Time| json!({ "from_ns": from.as_nanos(), "to_ns": to.as_nanos(), "what": what });
    match seen {
        Seen::Nothing => Value::Null,
        Seen::NeverTrue => json!({ "what": "never true" }),
        Seen::Late(at) => json!({ "at_ns": at.as_nanos(), "what": "late" }),
        Seen::Happened(at) => json!({ "at_ns": at.as_nanos(), "what": "happened" }),
        Seen::Stretch { value: true, from, to } => span("true", from, to),
        Seen::Stretch { value: false, from, to } => span("false", from, to),
        Seen::Outage { from, to } => span("outage", from, to),
        Seen::Unreached => json!({ "what": "unreached" }),
        Seen::TooOften => json!({ "what": "too often" }),
    }
}

fn figure(figure: Figure) -> Value {
    match figure {
        Figure::None => Value::Null,
        Figure::Since(at) => json!({ "since_ns": at.as_nanos() }),
        Figure::Longest(span) => json!({ "longest_ns": span.as_nanos() }),
        Figure::Times(n) => json!({ "times": n }),
    }
}

fn spread<T: Ord + Copy>(spread: &Spread<T>, value: impl Fn(T) -> Value) -> Value {
    let [min, median, max] = spread.each().map(value);
    json!({ "max": max, "median": median, "min": min })
}

fn spans(spans: &Spread<Duration>) -> Value {
    spread(spans, |span| span.as_nanos().into())
}

fn outage_summary(one: &OutageSummary) -> Value {
    let part = |part: &Option<(u32, Spread<Duration>)>| part.as_ref().map(|(_, all)| spans(all));
    json!({
        "client": one.client,
        "cloud_ns": part(&one.cloud),
        "detection_ns": part(&one.detection),
        "length_ns": spans(&one.length),
        "nth": one.nth,
        "probe_ns": spans(&one.probe),
        "runs": one.runs,
    })
}

fn verdict_summary(one: &VerdictSummary) -> Value {
    json!({ "figure": spread(&one.figure, figure), "hold": one.hold })
}
