//! All lanes over one stretch of time: the whole run, or a closer look.

use std::net::IpAddr;

use havip::time::Time;

use super::canvas::{Anchor, Canvas, fit, width_of};
use super::rows::{self, Folded};
use super::scale::Scale;
use super::{Heard, Lanes, Outage, Reach, State, label};
use crate::observe::{Cause, words};

/// Where the lanes begin; the names stand left of it.
pub(super) const LEFT: i64 = 158;
/// How wide the lanes are.
pub(super) const WIDTH: i64 = 1012;

/// More clients, machines, addresses or routers than this are counted, not drawn.
const CLIENTS_MAX: usize = 8;
const MACHINES_MAX: usize = 12;
const ROUTERS_MAX: usize = 4;
const HOLDERS_MAX: usize = 8;
/// So many lines of flags carry their words.
const LEVELS_MAX: usize = 6;

/// Lanes in the making: what lies behind, the bars, what lies before.
pub(super) struct Panel<'a> {
    lanes: &'a Lanes,
    scale: Scale,
    /// A closer look: parts of an outage are drawn too.
    close: bool,
    back: Canvas,
    bars: Canvas,
    front: Canvas,
    y: i64,
    top: i64,
    /// By address: where the arrows of its claims end.
    ears: Vec<(IpAddr, i64)>,
}

/// Draws all lanes from `y` on, and says where they end.
pub(super) fn draw(out: &mut Canvas, lanes: &Lanes, from: Time, to: Time, y: i64, close: bool) -> i64 {
    let scale = Scale::new(from, to, LEFT, WIDTH);
    let (back, bars, front) = (Canvas::default(), Canvas::default(), Canvas::default());
    let mut panel = Panel { lanes, scale, close, back, bars, front, y, top: y, ears: Vec::new() };
    panel.clients();
    panel.acts();
    panel.holders();
    panel.machines();
    panel.axis();
    let (from, to) = (scale.from.as_nanos(), scale.to.as_nanos());
    let bottom = panel.y;
    out.raw(format_args!(
        r#"<g class="panel" data-from="{from}" data-to="{to}" data-left="{LEFT}" data-width="{WIDTH}" data-top="{y}" data-bottom="{bottom}">"#
    ));
    out.out.push_str(&panel.back.out);
    out.out.push_str(&panel.bars.out);
    out.out.push_str(&panel.front.out);
    out.raw("</g>");
    bottom
}

impl Panel<'_> {
    fn name(&mut self, class: &str, y: i64, text: &str) {
        self.bars.text(class, (LEFT - 10, y), Anchor::End, &fit(text, LEFT - 24));
    }

    fn more(&mut self, count: usize, what: &str) {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            let text = format!("and {count} more {what}{plural}, not drawn");
            self.bars.text("dim small", (LEFT, self.y + 10), Anchor::Start, &text);
            self.y += 18;
        }
    }

    fn clients(&mut self) {
        let lanes = self.lanes;
        // Those that suffered most come first where not all can be shown.
        let mut order: Vec<usize> = (0..lanes.clients.len()).collect();
        if order.len() > CLIENTS_MAX {
            order.sort_by_key(|i| std::cmp::Reverse(lanes.out_in_all(*i).1));
            order.truncate(CLIENTS_MAX);
            order.sort_unstable();
        }
        for i in &order {
            let client = &lanes.clients[*i];
            let y = self.y + 18;
            self.name("name", y + 9, &format!("{} reaches", client.name));
            self.name("dim small", y + 21, &client.target.to_string());
            let out = |reach: &Reach| matches!(reach, Reach::Out(_));
            for one in rows::fold(&self.scale, &client.reach, out) {
                self.reach(&one, y);
            }
            self.outage_labels(*i, y - 5);
            self.y = y + 24;
            if self.close {
                self.outage_parts(*i);
            }
        }
        self.more(lanes.clients.len() - order.len(), "client");
        self.y += 4;
    }

    fn reach(&mut self, one: &Folded<Reach>, y: i64) {
        let &Folded { x, width, what, .. } = one;
        let span = self.between(one.from, one.to);
        match what {
            Reach::Waiting => {
                let never = one.to == self.lanes.end;
                let (class, word) =
                    if never { ("bad small", "never reached") } else { ("dim small", "not reached yet") };
                self.bars.rect("wait", (x, y + 8), (width, 4), &format!("{word}, {span}"));
                self.inside(class, x, width, y + 5, word);
            }
            Reach::Answered => {
                self.bars.rect("ok", (x, y + 3), (width, 14), &format!("reachable, {span}"));
                self.inside("on small", x, width, y + 14, "reachable");
            }
            Reach::Out(i) => {
                let outage = &self.lanes.outages[i];
                let text = label::parts(outage, self.lanes.digits);
                let cause = self.lanes.causes.get(i).map_or("", String::as_str);
                let title = format!("out of reach, {span}: {text}. {cause}");
                self.bars.rect("out", (x, y), (width, 20), &title);
                if width > 6 {
                    self.bars.rect("stripes", (x, y), (width, 20), &title);
                }
                self.boxed(x, width, y + 14, "out of reach");
            }
        }
    }

    /// The longest outages are named first; a name that finds no room is left to the pointer.
    fn outage_labels(&mut self, client: usize, y: i64) {
        let lanes = self.lanes;
        let of_client = |one: &&Outage| usize::from(one.client.0) == client;
        let mut mine: Vec<&Outage> = lanes.outages.iter().filter(of_client).collect();
        mine.sort_by_key(|one| std::cmp::Reverse(one.length()));
        let mut taken: Vec<(i64, i64)> = Vec::new();
        for outage in mine.into_iter().take(40) {
            let Some((from, to)) = self.scale.range(outage.from, outage.to) else { continue };
            let whole = label::parts(outage, lanes.digits);
            let short = label::length(outage.length(), lanes.digits);
            for text in [&whole, &short] {
                let half = width_of(text) * 9 / 16 + 8; // bold is wider
                let middle = ((from + to) / 2).clamp(LEFT + half, self.scale.right() - half);
                let place = (middle - half, middle + half);
                if half * 2 <= WIDTH && taken.iter().all(|one| place.1 <= one.0 || one.1 <= place.0) {
                    self.front.text("bad", (middle, y), Anchor::Middle, text);
                    taken.push(place);
                    break;
                }
            }
        }
    }

    /// What an outage is made of, each part as long as it took.
    fn outage_parts(&mut self, client: usize) {
        let lanes = self.lanes;
        let y = self.y;
        let mut any = false;
        for outage in lanes.outages.iter().filter(|one| usize::from(one.client.0) == client) {
            let Some(detection) = outage.detection else { continue };
            if self.scale.range(outage.from, outage.to).is_none() {
                continue;
            }
            let begin = match outage.cause {
                Cause::Act(act) => {
                    lanes.acts.get(act as usize).map_or(outage.from, |act| act.at.max(outage.from))
                }
                Cause::None | Cause::Transition(..) => outage.from,
            };
            let claim = begin + detection;
            let bound = claim + outage.cloud.unwrap_or_default();
            for (from, to, name) in [
                (outage.from, begin, "probe"),
                (begin, claim, "detection"),
                (claim, bound, "cloud"),
                (bound, outage.to, "probe"),
            ] {
                let Some((x1, x2)) = self.scale.range(from, to) else { continue };
                if x2 - x1 < 2 {
                    continue;
                }
                any = true;
                let long = to.saturating_since(from).display(lanes.digits);
                let title = format!("{name}, {long} s");
                let bracket = format!("M{} {} v4 H{} v-4", x1 + 1, y, x2 - 1);
                self.bars.path("bracket", bracket, &title);
                self.inside("bad small", x1, x2 - x1, y + 16, name);
            }
        }
        self.y += if any { 22 } else { 0 };
    }

    fn acts(&mut self) {
        let lanes = self.lanes;
        let y = self.y;
        let within: Vec<_> = lanes.acts.iter().filter(|act| self.scale.has(act.at)).collect();
        if within.is_empty() {
            return;
        }
        self.name("dim", y + 13, "the script");
        let mut ends: Vec<i64> = Vec::new();
        let (mut unnamed, mut last) = (Vec::new(), i64::MIN);
        for act in &within {
            let x = self.scale.x(act.at);
            let text = format!("{} (line {})", act.text, act.line);
            let title = format!("{} s: {text}", act.at.display(lanes.digits));
            let wide = width_of(&text) + 14;
            // Left of its flag where there is no room to the right.
            let left = x + wide > self.scale.right();
            let start = if left { x - wide } else { x };
            let level = ends.iter().position(|end| *end <= start).unwrap_or(ends.len());
            if level < LEVELS_MAX && start >= LEFT - 8 {
                if level == ends.len() {
                    ends.push(0);
                }
                ends[level] = start + wide + if left { 14 } else { 4 };
                let y = y + level as i64 * 17;
                self.front.path("flag", format_args!("M{x} {y} l9 5 l-9 5 z"), &title);
                let (at, anchor) = if left { (x - 5, Anchor::End) } else { (x + 12, Anchor::Start) };
                self.front.text("ink small halo", (at, y + 10), anchor, &text);
            } else {
                unnamed.push((x, title));
            }
            if x >= last.saturating_add(3) {
                self.back.raw(format_args!(r#"<path class="pole" d="M{x} {} V@BOTTOM@"/>"#, self.top + 14));
                last = x;
            }
        }
        self.y += 17 * ends.len() as i64;
        let count = unnamed.len();
        let mut last = i64::MIN;
        for (x, title) in unnamed {
            if x >= last.saturating_add(3) {
                self.front.path("flag", format_args!("M{x} {} l9 5 l-9 5 z", self.y), &title);
                last = x;
            }
        }
        if count > 0 {
            let text = format!("{count} by flag only");
            self.name("dim small", self.y + 10, &text);
            self.y += 17;
        }
        self.y += 4;
    }

    fn holders(&mut self) {
        let lanes = self.lanes;
        for holder in lanes.holders.iter().take(HOLDERS_MAX) {
            let y = self.y + 2;
            self.name("name", y + 13, &holder.label);
            self.back.line("rail", (LEFT, y + 9), (self.scale.right(), y + 9));
            for one in rows::fold(&self.scale, &holder.with, |_| true) {
                let name = lanes.name(one.what);
                let title = format!("{} is with {name}, {}", holder.address, self.between(one.from, one.to));
                self.bars.rect(&format!("m{}", one.what.0 % 8), (one.x, y), (one.width, 18), &title);
                self.inside("on", one.x, one.width, y + 13, name);
            }
            let pending = rows::fold(&self.scale, &holder.pending, |_| false);
            let deep = if pending.is_empty() { 18 } else { 34 };
            for one in &pending {
                let name = lanes.name(one.what);
                let title = format!("claimed by {name}, pending, {}", self.between(one.from, one.to));
                let (place, size) = ((one.x, y + 19), (one.width, 15));
                self.bars.rect(&format!("m{}", one.what.0 % 8), place, size, &title);
                self.bars.rect("stripes", place, size, &title);
                self.boxed(one.x, one.width, y + 30, &format!("claimed by {name}, pending"));
            }
            if holder.with.is_empty() {
                self.inside("dim small", LEFT, WIDTH, y + 13, "with nobody");
            }
            self.ears.push((holder.address, y + deep));
            self.y = y + deep + 8;
        }
        self.more(lanes.holders.len().saturating_sub(HOLDERS_MAX), "address");
        self.y += 4;
    }

    fn machines(&mut self) {
        let lanes = self.lanes;
        for (i, machine) in lanes.machines.iter().enumerate().take(MACHINES_MAX) {
            let class = format!("m{}", i % 8);
            let top = self.y;
            let several = machine.routers.len() > 1;
            for (n, (router, states)) in machine.routers.iter().take(ROUTERS_MAX).enumerate() {
                let y = self.y;
                match (n, several) {
                    (0, false) => self.name("name", y + 14, &machine.name),
                    (0, true) => self.name("name", y + 14, &format!("{} {router}", machine.name)),
                    _ => self.name("dim", y + 14, router),
                }
                for one in rows::fold(&self.scale, states, |state| *state == State::Master) {
                    self.state(&class, &machine.name, &one, y);
                }
                for one in rows::fold(&self.scale, &machine.still, |()| true) {
                    let title = format!("{} stands still, {}", machine.name, self.between(one.from, one.to));
                    self.bars.rect("still", (one.x, y), (one.width, 20), &title);
                    self.boxed(one.x, one.width, y + 14, "frozen");
                }
                for one in rows::fold(&self.scale, &machine.unplugged, |()| true) {
                    let title =
                        format!("{}'s cable is out, {}", machine.name, self.between(one.from, one.to));
                    self.bars.rect("unplugged", (one.x, y - 2), (one.width, 24), &title);
                    self.boxed(one.x, one.width, y + 14, "cable out");
                }
                self.y += 23;
            }
            self.more(machine.routers.len().saturating_sub(ROUTERS_MAX), "virtual router");
            for (address, spans) in machine.held.iter().take(HOLDERS_MAX) {
                self.name("dim small", self.y + 7, &format!("holds {address}"));
                for one in rows::fold(&self.scale, spans, |()| true) {
                    let title =
                        format!("{} holds {address}, {}", machine.name, self.between(one.from, one.to));
                    self.bars.rect(&class, (one.x, self.y + 1), (one.width, 6), &title);
                }
                self.y += 11;
            }
            self.name("dim small", self.y + 10, "adverts");
            rows::adverts(&mut self.bars, &self.scale, machine, &class, self.y + 2);
            self.claims(i, &class, top);
            self.y += 22;
        }
        self.more(lanes.machines.len().saturating_sub(MACHINES_MAX), "machine");
    }

    fn state(&mut self, class: &str, machine: &str, one: &Folded<State>, y: i64) {
        let word = match one.what {
            State::Off => "off",
            State::NoProgram => "no program",
            State::Init => "INIT",
            State::Fault => "FAULT",
            State::Backup => "BACKUP",
            State::Master => "MASTER",
        };
        let (x, width) = (one.x, one.width);
        let title = format!("{machine} {word}, {}", self.between(one.from, one.to));
        match one.what {
            State::Master => {
                self.bars.rect(class, (x, y), (width, 20), &title);
                self.inside("on", x, width, y + 14, word);
            }
            State::Backup => {
                self.bars.rect(&format!("{class} faint"), (x, y + 3), (width, 14), &title);
                self.inside("ink small", x, width, y + 14, word);
            }
            State::Fault => {
                self.bars.rect("fault", (x, y + 1), (width, 18), &title);
                self.boxed(x, width, y + 14, word);
            }
            State::Init | State::NoProgram | State::Off => {
                let height = if one.what == State::Init { 14 } else { 4 };
                self.bars.rect("idle", (x, y + 10 - height / 2), (width, height), &title);
                self.inside("dim small halo", x, width, y + 14, word);
            }
        }
    }

    fn claims(&mut self, machine: usize, class: &str, top: i64) {
        let lanes = self.lanes;
        let machine = &lanes.machines[machine];
        let within: Vec<_> = machine.claims.iter().filter(|one| self.scale.has(one.at)).collect();
        // Where they would make a wall, those that change nothing are arrowheads only.
        let dense = within.len() as i64 * 12 > WIDTH;
        // By whether it is a cross: the last one drawn.
        let mut last = [i64::MIN; 2];
        for claim in within {
            let mut x = self.scale.x(claim.at);
            let cross = matches!(claim.heard, Heard::Refused(_) | Heard::Lost);
            let short = dense && matches!(claim.heard, Heard::Sent | Heard::Already);
            if cross && x < last[0].saturating_add(7) {
                x += 7; // beside the one that was heard
            }
            let last = &mut last[usize::from(cross)];
            if x < last.saturating_add(4) && (short || cross || x <= *last) {
                continue;
            }
            *last = x;
            // On a lan every client hears it: the nearest row stands for all.
            let ear = self.ears.iter().rev().find(|(address, _)| *address == claim.address);
            let ear = ear.or(self.ears.last()).map_or(top - 14, |(_, y)| *y);
            let end = if short { top - 7 } else { ear + 1 };
            let what = match claim.heard {
                Heard::Sent => "announced",
                Heard::Lost => "lost on the way",
                Heard::Already => "nothing to change",
                Heard::Moves => "believed: the address moves",
                Heard::Refused(refusal) => words::refusal(refusal),
            };
            let at = claim.at.display(lanes.digits);
            let (who, address, count) = (&machine.name, claim.address, claim.count);
            let title = format!("{at} s: {who} claims {address}, garp x{count}, {what}");
            self.front.path("under", format_args!("M{x} {top} V{end}"), "");
            if cross {
                self.front.path(
                    "refused",
                    format_args!("M{x} {top} V{} m-5 -5 l10 10 m0 -10 l-10 10", end + 7),
                    &title,
                );
            } else {
                let shaft = format!("M{x} {top} V{end} m-4 6 l4 -6 l4 6");
                self.front.path(&format!("arrow {class}s"), shaft, &title);
            }
        }
    }

    fn axis(&mut self) {
        let bottom = self.y;
        let mut grid = Canvas::default();
        for (at, name) in self.scale.ticks(84) {
            let x = self.scale.x(at);
            grid.line("grid", (x, self.top + 14), (x, bottom + 4));
            self.bars.text("dim small", (x, bottom + 16), Anchor::Middle, &name);
        }
        // The poles of flags were raised before it was known how far down they go.
        grid.out.push_str(&self.back.out.replace("@BOTTOM@", &bottom.to_string()));
        self.back = grid;
        self.y = bottom + 22;
    }

    /// A word in a bar, where there is room for it.
    fn inside(&mut self, class: &str, x: i64, width: i64, y: i64, text: &str) {
        if width_of(text) + 6 <= width {
            self.bars.text(class, (x + width / 2, y), Anchor::Middle, text);
        }
    }

    /// A word on a patterned bar: on a ground of its own.
    fn boxed(&mut self, x: i64, width: i64, y: i64, text: &str) {
        let wide = width_of(text);
        if wide + 14 <= width {
            self.bars.rect("ground", (x + (width - wide) / 2 - 3, y - 11), (wide + 6, 14), "");
            self.bars.text("ink small", (x + width / 2, y), Anchor::Middle, text);
        }
    }

    fn between(&self, from: Time, to: Time) -> String {
        let digits = self.lanes.digits;
        format!("{} s to {} s", from.display(digits), to.display(digits))
    }
}
