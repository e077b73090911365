//! The table over the pictures of the worst runs: one page, nothing outside it.

use std::fmt::Write as _;

use super::rows::Row;
use super::{Refusal, Report, Trial, table};
use crate::engine::Engine;
use crate::observe::{Escaped, Picture, looks};
use crate::run;
use crate::scenario::{ScriptError, load_keepalived};

const STYLE: &str = "body{font:15px system-ui,sans-serif;margin:2em auto;max-width:1240px;padding:0 1em}\
pre{overflow-x:auto;font-size:12px;line-height:1.35}summary{cursor:pointer;padding:.4em 0}\
.bad{font-weight:bold}svg{max-width:100%;height:auto}@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}}";

impl Trial {
    /// The report as a page: the table as it is printed, and under it the worst run of each row, drawn.
    pub fn page(&self, report: &Report) -> Result<String, Refusal> {
        let title = self.cluster.machines.iter().map(|m| m.path.as_str()).collect::<Vec<_>>().join(", ");
        let mut page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\"><title>{0}</title><style>{STYLE}</style></head>\
             <body>{2}<main><h1>{0}</h1><pre tabindex=\"0\">{1}</pre><h2>The worst run of each row</h2>",
            Escaped(&title),
            Escaped(&report.text()),
            looks(),
        );
        for (i, row) in report.rows.iter().enumerate() {
            let ok = row.verdict().is_none();
            // What a reader came for is open: the rows that are not well.
            let (open, class) = if ok { ("", "") } else { (" open", " class=\"bad\"") };
            let words = format!("{}: {}", table::row_in_words(row), table::verdict_of(row));
            let _ = write!(page, "<details{open}><summary{class}>{}</summary>", Escaped(&words));
            page.push_str(&self.drawn(report, row, &format!("row-{i}"))?);
            page.push_str("</details>");
        }
        page.push_str("</main></body></html>\n");
        Ok(page)
    }

    fn drawn(&self, report: &Report, row: &Row, id: &str) -> Result<String, Refusal> {
        let read = |path: &str| self.text_at(path);
        let prepared = self.script_of(report, row).prepare(&read, &load_keepalived);
        let scenario = prepared.map_err(|errors| {
            Refusal::new(errors.iter().map(ScriptError::one_line).collect::<Vec<_>>().join("\n"))
        })?;
        let mut picture = Picture::new(&scenario.setup);
        let record = run::run_with(&scenario, Engine::EventLoop, Some(&mut picture));
        Ok(picture.lanes(&scenario.setup).svg_among(&record, id))
    }

    /// A machine's configuration by the name that a saved scenario gives it.
    fn text_at(&self, path: &str) -> std::io::Result<String> {
        let machine = self.cluster.machines.iter().find(|machine| machine.file == path);
        machine.map(|machine| machine.text.clone()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}
