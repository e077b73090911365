//! A report as one JSON document: times in nanoseconds, what is counted in a year as numbers.

use serde_json::{Map, Value, json};

use super::choose::{Choice, Found, Miss, Verdict};
use super::measure::{Lasted, StoryFigures};
use super::number::Number;
use super::{Report, Row};

impl Report {
    /// The report as one JSON value.
    pub fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(|row| self.row(row)).collect();
        let remarks = self.remarks.iter().map(|(said, points)| json!({ "said": said, "points": points }));
        json!({
            "seed": self.plan.seed,
            "runs": self.plan.runs,
            "quiet_ns": self.plan.quiet.as_nanos(),
            "target": self.plan.target.as_ref().map(ToString::to_string),
            "points": rows,
            "remarks": remarks.collect::<Vec<_>>(),
            "choice": self.choice.as_ref().map(|choice| self.choice_json(choice)),
        })
    }

    fn values(&self, row: &Row) -> Map<String, Value> {
        let axes = self.plan.grid.axes.iter().zip(&row.point.0);
        axes.map(|(axis, &value)| (axis.name.clone(), Value::from(axis.values[value].as_str()))).collect()
    }

    fn row(&self, row: &Row) -> Value {
        let figures = &row.figures;
        let stories: Vec<Value> = figures.stories.iter().map(story).collect();
        let (verdict, missed) = match &row.verdict {
            Verdict::NotAsked => ("not-asked", None),
            Verdict::Meets => ("meets", None),
            Verdict::Misses(one) => ("misses", Some(miss(one))),
        };
        json!({
            "values": self.values(row),
            "stories": stories,
            "false_takeovers": figures.takeovers,
            "false_takeovers_per_year": number(figures.seen()),
            "false_takeovers_per_year_bound_95": figures.bound().map(number),
            "false_takeovers_per_year_formula": number(figures.formula),
            "adverts_per_s": number(figures.adverts),
            "garp_per_s": number(figures.claims),
            "verdict": verdict,
            "misses": missed,
        })
    }

    fn choice_json(&self, choice: &Choice) -> Value {
        match choice {
            Choice::Chosen(i) => json!({ "meets": true, "values": self.values(&self.rows[*i]) }),
            Choice::Nearest(i, one) => {
                json!({ "meets": false, "values": self.values(&self.rows[*i]), "misses": miss(one) })
            }
        }
    }
}

/// As it is printed: three digits.
fn number(number: Number) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

fn lasted(one: Lasted) -> Value {
    json!({ "ns": one.time.as_nanos(), "open": one.open })
}

fn story(one: &StoryFigures) -> Value {
    json!({
        "story": one.story.word(),
        "p50": lasted(one.p50),
        "p99": lasted(one.p99),
        "max": lasted(one.max),
        "runs_still_out": one.open,
        "runs_unserved": one.unserved,
    })
}

fn miss(one: &Miss) -> Value {
    let found = match one.found {
        Found::Outage(outage) => lasted(outage),
        Found::Takeovers(takeovers) => number(takeovers),
    };
    json!({ "limit": one.limit.to_string(), "found": found })
}
