//! The picture on a page of its own: outages, expectations and the record beside it. One file, nothing outside it.

use super::canvas::{Canvas, Escaped};
use super::{Lanes, label};
use crate::observe::Record;

/// How a page looks around its pictures, in the light and in the dark.
pub(crate) const STYLE: &str = include_str!("page.css");
/// Reads the time under the pointer; the page is whole without it.
const SCRIPT: &str = include_str!("page.js");

impl Lanes {
    /// A page with the picture, the tables and the record.
    pub fn html(&self, record: &Record) -> String {
        let mut page = Canvas::default();
        let name = Escaped(&record.name);
        page.raw("<!doctype html>");
        page.raw(r#"<html lang="en"><head><meta charset="utf-8">"#);
        page.raw(r#"<meta name="viewport" content="width=device-width, initial-scale=1">"#);
        page.raw(r#"<meta name="color-scheme" content="light dark">"#);
        page.raw(format_args!("<title>{name}: {}</title>", Escaped(&label::headline(self))));
        page.raw(format_args!("<style>{STYLE}</style></head><body><main>"));
        page.raw(r#"<div class="wide">"#);
        page.out.push_str(&self.svg(record));
        page.raw("</div>");
        page.raw(r#"<p id="at" aria-hidden="true"></p>"#);
        self.outage_table(&mut page, record);
        expectations(&mut page, record);
        assumptions(&mut page, record);
        page.raw("<h2>Record</h2>");
        page.raw(format_args!(r#"<pre tabindex="0">{}</pre>"#, Escaped(&record.text())));
        page.raw(format_args!("</main><script>{SCRIPT}</script></body></html>"));
        page.out
    }

    fn outage_table(&self, page: &mut Canvas, record: &Record) {
        if record.outages.is_empty() {
            return;
        }
        let heads = ["client", "from", "to", "length", "detection", "cloud", "probe", "cause"];
        page.raw("<h2>Outages</h2>");
        let digits = record.digits;
        let rows = record.outages.iter().map(|one| {
            let part = |part: Option<havip::time::Duration>| {
                part.map_or_else(|| "-".to_owned(), |part| part.display(digits).to_string())
            };
            let to = if one.still_out { "still out".into() } else { one.to.display(digits).to_string() };
            vec![
                one.client.clone(),
                one.from.display(digits).to_string(),
                to,
                one.length().display(digits).to_string(),
                part(one.detection),
                part(one.cloud),
                one.probe.display(digits).to_string(),
                one.cause.clone(),
            ]
        });
        table(page, &heads, rows);
        page.raw("<p>Seconds. Detection is from the act to the new owner's first claim, cloud from that claim to the binding, probe the rest.</p>");
    }
}

fn expectations(page: &mut Canvas, record: &Record) {
    if record.verdicts.is_empty() {
        return;
    }
    page.raw("<h2>Expectations</h2>");
    let rows = record.verdicts.iter().map(|row| {
        let word = if row.verdict.holds { "✓ holds" } else { "✗ fails" };
        vec![format!("line {}", row.verdict.line), row.text.clone(), word.to_owned()]
    });
    table(page, &["", "expected", ""], rows);
}

fn assumptions(page: &mut Canvas, record: &Record) {
    if record.assumptions.is_empty() {
        return;
    }
    page.raw("<h2>What the numbers rest on</h2>");
    let rows = record.assumptions.iter();
    let rows = rows.map(|(what, value, known)| vec![(*what).to_owned(), value.clone(), (*known).to_owned()]);
    table(page, &["", "", "known how"], rows);
}

fn table(page: &mut Canvas, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    page.raw(r#"<div class="wide"><table><thead><tr>"#);
    for head in heads {
        page.raw(format_args!(r#"<th scope="col">{}</th>"#, Escaped(head)));
    }
    page.raw("</tr></thead><tbody>");
    for row in rows {
        page.out.push_str("<tr>");
        for cell in row {
            let number = !cell.is_empty() && cell.chars().all(|c| c.is_ascii_digit() || c == '.');
            let class = match cell.as_str() {
                "✗ fails" => r#" class="fails""#,
                _ if number => r#" class="number""#,
                _ => "",
            };
            page.out.push_str(&format!("<td{class}>{}</td>", Escaped(&cell)));
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table></div>");
}
