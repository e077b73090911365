//! A report as CSV (RFC 4180): a line for each point and story, times in seconds.

use std::fmt::Write as _;

use super::Report;
use super::choose::Verdict;
use super::measure::Lasted;

/// What the columns behind the axes are called.
const HEADS: [&str; 18] = [
    "story",
    "runs",
    "runs_still_out",
    "runs_unserved",
    "outage_p50_s",
    "outage_p99_s",
    "outage_max_s",
    "outage_p50_open",
    "outage_p99_open",
    "outage_max_open",
    "quiet_s",
    "false_takeovers",
    "false_takeovers_per_year",
    "false_takeovers_per_year_bound_95",
    "false_takeovers_per_year_formula",
    "adverts_per_s",
    "garp_per_s",
    "target",
];

/// A field: in quotes where it has to be.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

impl Report {
    /// The report as CSV.
    pub fn csv(&self) -> String {
        let axes = self.plan.grid.axes.iter().map(|axis| field(&axis.name));
        let heads: Vec<String> = axes.chain(HEADS.map(str::to_owned)).collect();
        let mut out = heads.join(",") + "\r\n";
        for row in &self.rows {
            let figures = &row.figures;
            let values: Vec<String> = (self.plan.grid.axes.iter().zip(&row.point.0))
                .map(|(axis, &value)| field(&axis.values[value]))
                .collect();
            for story in &figures.stories {
                let time = |one: Lasted| one.time.display(4).to_string();
                let open = |one: Lasted| if one.open { "1" } else { "0" }.to_owned();
                let target = match &row.verdict {
                    Verdict::NotAsked => "",
                    Verdict::Meets => "meets",
                    Verdict::Misses(_) => "misses",
                };
                let (own, all) = (story, [story.p50, story.p99, story.max]);
                let cells: [String; HEADS.len()] = [
                    own.story.word().to_owned(),
                    self.plan.runs.to_string(),
                    own.open.to_string(),
                    own.unserved.to_string(),
                    time(all[0]),
                    time(all[1]),
                    time(all[2]),
                    open(all[0]),
                    open(all[1]),
                    open(all[2]),
                    figures.quiet.as_secs().to_string(),
                    figures.takeovers.to_string(),
                    figures.seen().to_string(),
                    figures.bound().map_or(String::new(), |bound| bound.to_string()),
                    figures.formula.to_string(),
                    figures.adverts.to_string(),
                    figures.claims.to_string(),
                    target.to_owned(),
                ];
                let _ = write!(out, "{},{}\r\n", values.join(","), cells.join(","));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_in_quotes_where_it_has_to_be() {
        assert_eq!(field("1s..3s"), "1s..3s");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
