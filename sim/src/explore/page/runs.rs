//! Runs worth a look: the smallest that break a rule, and those in which a client was longest without its address.

use std::fmt::Write as _;

use super::{Page, short};
use crate::engine::Engine;
use crate::explore::outcome::Outcome;
use crate::observe::{Escaped, Picture, Record};
use crate::rules::Violation;
use crate::run;
use crate::scenario::{Script, ScriptError, load_keepalived};

/// More lines of a record than this are not on the page.
const LINES: usize = 4_000;

/// A run, drawn.
pub(super) struct Drawn {
    svg: String,
    pub(super) record: Record,
}

impl Page<'_> {
    /// The shrunk runs: the file of each, and what happens in it.
    pub(super) fn found(&mut self) {
        self.raw(r#"<h2 id="found">Found</h2>"#);
        if self.found.is_empty() {
            let text = match self.tally.found() {
                0 => "No rule was found not to hold.",
                _ => "Nothing was made smaller: the table of rules has the seeds.",
            };
            self.paragraph("", text);
        }
        for (i, found) in self.found.iter().enumerate() {
            let (rule, seed, text) = (found.rule.name(), found.seed, found.text());
            let count = found.script.acts.len();
            let acts = if count == 1 { "act" } else { "acts" };
            let file = format!("{}.scn", found.script.name);
            self.raw(format_args!(
                "<details open><summary><b>{rule}</b> does not hold: {}, {count} {acts}, from seed {seed}</summary>",
                Escaped(&file)
            ));
            self.paragraph("said", found.rule.sentence());
            self.paragraph("said", &found.violation.what);
            self.text(&file, &text);
            self.run(&text, &format!("found-{i}"));
            self.raw("</details>");
        }
    }

    /// The runs with the longest outages.
    pub(super) fn worst(&mut self) {
        self.raw(r#"<h2 id="worst">Worst runs</h2>"#);
        if self.tally.longest.is_empty() {
            self.paragraph("", "No client was without its address in any run.");
        }
        for (i, &(length, seed)) in self.tally.longest.iter().enumerate() {
            let outcome = Outcome::of(self.base, self.plan, seed);
            let script = outcome.drawn.script(self.base).to_string();
            // The worst is what a reader came for.
            let open = if i == 0 { " open" } else { "" };
            let short = short(length);
            self.raw(format_args!(
                "<details{open}><summary><b>{short}</b> without the address: seed {seed}</summary>"
            ));
            for Violation { rule, what, .. } in &outcome.violations {
                let expected = self.plan.expects(*rule, &outcome.drawn.injected);
                let expected = expected.map_or(String::new(), |one| format!(", as expected ({})", one.why));
                self.paragraph("said", &format!("{} does not hold{expected}: {what}", rule.name()));
            }
            self.text("What was drawn", &outcome.drawn.in_words());
            self.run(&script, &format!("worst-{i}"));
            self.folded("Script", &script);
            self.raw("</details>");
        }
    }

    /// A run as `run --html` draws it, its record behind it.
    fn run(&mut self, script: &str, id: &str) {
        match self.drawn(script, id) {
            Ok(Drawn { svg, record }) => {
                self.raw(r#"<div class="wide" tabindex="0" role="region" aria-label="Picture of the run">"#);
                self.out.push_str(&svg);
                self.raw("</div>");
                self.folded("Record", &shortened(&record.text()));
            }
            Err(why) => self.paragraph("bad", &format!("It cannot be drawn: {why}")),
        }
    }

    fn folded(&mut self, name: &str, text: &str) {
        self.raw(format_args!("<details><summary>{name}</summary>"));
        self.text(name, text);
        self.raw("</details>");
    }

    /// Runs a script. It is read from its text, so that lines in the picture are lines of what is shown.
    pub(super) fn drawn(&self, script: &str, id: &str) -> Result<Drawn, String> {
        let said = |errors: Vec<ScriptError>| {
            errors.iter().map(ScriptError::one_line).collect::<Vec<_>>().join("\n")
        };
        let read = |name: &str| match self.base.files.iter().find(|(file, _)| file == name) {
            Some((_, text)) => Ok(text.clone()),
            None => Err(std::io::ErrorKind::NotFound.into()),
        };
        let script = Script::parse("", script).map_err(said)?;
        let mut scenario = script.prepare(&read, &load_keepalived).map_err(said)?;
        scenario.setup.canary = self.plan.canary;
        let mut picture = Picture::new(&scenario.setup);
        let record = run::run_with(&scenario, Engine::EventLoop, Some(&mut picture));
        let svg = picture.lanes(&scenario.setup).svg_among(&record, id);
        Ok(Drawn { svg, record })
    }
}

/// A record of a run that is too long for a page.
fn shortened(record: &str) -> String {
    let mut lines = record.lines();
    let mut text = String::new();
    for line in lines.by_ref().take(LINES) {
        let _ = writeln!(text, "{line}");
    }
    match lines.count() {
        0 => {}
        more => {
            let _ = writeln!(text, "… {more} more lines: `havip-sim run` on this script prints them");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_is_cut_and_says_so() {
        let record = |lines: usize| "a line\n".repeat(lines);
        assert_eq!(shortened(&record(LINES)), record(LINES));
        let cut = shortened(&record(LINES + 7));
        assert!(cut.starts_with(&record(LINES)) && cut.lines().count() == LINES + 1);
        assert!(cut.ends_with("… 7 more lines: `havip-sim run` on this script prints them\n"));
    }
}
