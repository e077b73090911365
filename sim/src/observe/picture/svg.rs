//! The picture as SVG: headline, the whole run, a closer look at its outages, legend.

use super::canvas::{Anchor, Canvas, Escaped, fit, width_of};
use super::panel::{self, LEFT, WIDTH};
use super::scale::{Scale, details};
use super::{Lanes, label};
use crate::observe::Record;
use crate::world::NodeId;

/// How wide the picture is.
const PAGE: i64 = LEFT + WIDTH + 30;

/// How the classes look, in the light and in the dark.
pub(crate) const STYLE: &str = include_str!("style.css");

/// What the pictures of one page share, at its beginning and never folded away: patterns of a picture that is hidden
/// are drawn nowhere.
pub(crate) fn looks() -> String {
    format!(
        "<svg class=\"havip-picture looks\" width=\"0\" height=\"0\" aria-hidden=\"true\">\n\
         <style>{STYLE}.looks{{position:absolute}}</style>\n{PATTERNS}\n</svg>\n"
    )
}

impl Lanes {
    /// The picture as an SVG document. It needs nothing else, and adapts to a dark page.
    pub fn svg(&self, record: &Record) -> String {
        self.document(record, "havip", &format!("<style>{STYLE}</style>\n{PATTERNS}\n"))
    }

    /// The picture for a page of several: `id` is its own there, and its looks are those that [`looks`] gives once.
    pub(crate) fn svg_among(&self, record: &Record, id: &str) -> String {
        self.document(record, id, "")
    }

    fn document(&self, record: &Record, id: &str, looks: &str) -> String {
        let mut body = Canvas::default();
        let (title, about) = (format!("Run of {}", record.name), label::headline(self));
        body.text("title", (LEFT, 34), Anchor::Start, &fit(&about, WIDTH * 4 / 7));
        let about = format!("{}: {}", record.name, label::subtitle(self, record));
        body.text("dim", (LEFT, 56), Anchor::Start, &fit(&about, WIDTH));
        let (from, mut y) = (havip::time::Time::ZERO, 70);
        for text in label::failing(record) {
            body.text("bad", (LEFT, y + 4), Anchor::Start, &fit(&text, WIDTH));
            y += 17;
        }
        y = panel::draw(&mut body, self, from, self.end, y, false);
        let whole = Scale::new(from, self.end, LEFT, WIDTH);
        let (closer, left_out) = details(self);
        for (from, to) in closer {
            y = self.closer(&mut body, &whole, from, to, y + 8);
        }
        if left_out > 0 {
            let text = format!("{left_out} shorter outages have no closer look: the record lists them");
            body.text("dim small", (LEFT, y + 14), Anchor::Start, &text);
            y += 20;
        }
        if self.left_out > 0 {
            let text = format!("{} marks of this long run are not drawn", self.left_out);
            body.text("dim small", (LEFT, y + 14), Anchor::Start, &text);
            y += 20;
        }
        y = self.legend(&mut body, y + 20);
        let mut page = Canvas::default();
        page.raw(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="havip-picture" width="{PAGE}" height="{y}" viewBox="0 0 {PAGE} {y}" role="img" aria-labelledby="{id}-title {id}-desc">"#
        ));
        page.raw(format_args!(r#"<title id="{id}-title">{}</title>"#, Escaped(&title)));
        page.raw(format_args!(r#"<desc id="{id}-desc">{}</desc>"#, Escaped(&self.in_words(record))));
        page.out.push_str(looks);
        page.rect("page", (0, 0), (PAGE, y), "");
        page.out.push_str(&body.out);
        page.raw("</svg>");
        page.out
    }

    /// A stretch of the run with all its lanes, as wide as the whole.
    fn closer(
        &self,
        out: &mut Canvas,
        whole: &Scale,
        from: havip::time::Time,
        to: havip::time::Time,
        y: i64,
    ) -> i64 {
        let (x1, x2) = (whole.x(from), whole.x(to).max(whole.x(from) + 2));
        let (right, base) = (whole.right(), y + 22);
        let shape = format!("M{x1} {y} H{x2} L{right} {base} H{LEFT} Z");
        out.path("beam", shape, "");
        let digits = if to.saturating_since(from) < havip::time::Duration::from_secs(2) { 3 } else { 1 };
        let digits = digits.min(self.digits);
        let text = format!("A closer look: {} s to {} s", from.display(digits), to.display(digits));
        out.text("name halo", (LEFT + 8, base + 10), Anchor::Start, &text);
        panel::draw(out, self, from, to, base + 14, true)
    }

    /// What the picture shows, for those who cannot see it.
    fn in_words(&self, record: &Record) -> String {
        let mut words = format!("{}. {}.", label::headline(self), label::subtitle(self, record));
        for text in label::failing(record) {
            words.push_str(&format!(" {text}."));
        }
        for (i, outage) in self.outages.iter().enumerate().take(20) {
            let client = &self.client_of(outage).name;
            let (from, text) = (outage.from.display(self.digits), label::parts(outage, self.digits));
            words.push_str(&format!(" {client} out from {from} s: {text}, {}.", self.causes[i]));
        }
        for holder in self.holders.iter().take(4) {
            for span in holder.with.iter().take(12) {
                let (name, at) = (self.name(span.what), span.from.display(self.digits));
                words.push_str(&format!(" {} with {name} from {at} s.", holder.address));
            }
        }
        words
    }

    fn legend(&self, out: &mut Canvas, y: i64) -> i64 {
        let (mut x, mut y) = (LEFT, y);
        let lan = self.holders.iter().any(|one| one.label.ends_with("ARP entry"));
        let pending = self.holders.iter().any(|one| !one.pending.is_empty());
        let refused = self.machines.iter().flat_map(|one| &one.claims);
        let refused =
            refused.into_iter().any(|one| matches!(one.heard, super::Heard::Refused(_) | super::Heard::Lost));
        let lost = self.machines.iter().flat_map(|one| &one.adverts).any(|one| one.lost);
        let (claim, cross) = if lan {
            ("announces the address", "announcement lost")
        } else {
            ("claims the address", "claim refused or lost")
        };
        let mut items: Vec<(&str, &str)> = vec![
            (r#"<rect class="ok" x="0" y="-9" width="18" height="9"/>"#, "reachable"),
            (
                r#"<rect class="out" x="0" y="-11" width="18" height="13"/><rect class="stripes" x="0" y="-11" width="18" height="13"/>"#,
                "out of reach",
            ),
            (r#"<rect class="m0" x="0" y="-11" width="18" height="13"/>"#, "master, or with this machine"),
            (r#"<rect class="m0 faint" x="0" y="-9" width="18" height="10"/>"#, "backup"),
            (r#"<rect class="m0" x="0" y="-7" width="18" height="6"/>"#, "holds the address"),
            (r#"<rect class="m0" x="8" y="-10" width="2" height="9"/>"#, "advert"),
            (r#"<path class="arrow m0s" d="M9 3 V-11 m-4 6 l4 -6 l4 6"/>"#, claim),
        ];
        if lost {
            items.push((
                r#"<rect class="hollow m0s" x="7" y="-10" width="4" height="9"/>"#,
                "advert somebody missed",
            ));
        }
        if refused {
            items.push((r#"<path class="refused" d="M9 4 V-5 m-5 -5 l10 10 m0 -10 l-10 10"/>"#, cross));
        }
        if pending {
            items.push((
                r#"<rect class="m0" x="0" y="-9" width="18" height="9"/><rect class="stripes" x="0" y="-9" width="18" height="9"/>"#,
                "claim pending",
            ));
        }
        for (shape, text) in items {
            let wide = 24 + width_of(text) + 16;
            if x + wide > LEFT + WIDTH {
                (x, y) = (LEFT, y + 20);
            }
            out.raw(format_args!(r#"<g transform="translate({x} {y})">{shape}</g>"#));
            out.text("dim small", (x + 24, y), Anchor::Start, text);
            x += wide;
        }
        for (i, machine) in self.machines.iter().enumerate().take(8) {
            let wide = 24 + width_of(&machine.name) + 16;
            if x + wide > LEFT + WIDTH {
                (x, y) = (LEFT, y + 20);
            }
            out.rect(&format!("m{}", NodeId(i as u16).0 % 8), (x, y - 11), (18, 13), "");
            out.text("dim small", (x + 24, y), Anchor::Start, &machine.name);
            x += wide;
        }
        y + 16
    }
}

/// Shapes beside colours: stripes for what is not as it should be, ticks for a texture.
const PATTERNS: &str = r#"<defs>
<pattern id="havip-stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="page" width="2" height="7"/></pattern>
<pattern id="havip-still" width="6" height="6" patternUnits="userSpaceOnUse"><rect class="page" width="3" height="6"/></pattern>
<pattern id="havip-fault" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><rect class="weave" width="3" height="6"/></pattern>
</defs>"#;
