//! A report as JUnit XML: a test case a row.

use std::fmt::Write as _;

use super::Report;
use super::table;

impl Report {
    /// The report as JUnit XML. A row whose verdict is not ok is a failure, its text the verdict.
    pub fn junit(&self) -> String {
        let bad = self.rows.iter().filter(|row| !row.verdicts.is_empty()).count();
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let _ = writeln!(out, "<testsuites tests=\"{0}\" failures=\"{bad}\">", self.rows.len());
        let _ = writeln!(
            out,
            "  <testsuite name=\"havip-sim try\" tests=\"{}\" failures=\"{bad}\">",
            self.rows.len()
        );
        for row in &self.rows {
            let name = escaped(&table::row_in_words(row));
            let class = format!("try.{}", row.story.word());
            if row.verdicts.is_empty() {
                let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\"/>");
                continue;
            }
            let verdict = escaped(&table::verdict_of(row));
            let without = escaped(&table::without(row, self.refresh));
            let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\">");
            let _ = writeln!(
                out,
                "      <failure message=\"{verdict}\">{verdict}; without the address: {without}</failure>"
            );
            let _ = writeln!(out, "    </testcase>");
        }
        out.push_str("  </testsuite>\n</testsuites>\n");
        out
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
