//! Spans and marks as bars and ticks: as many as there are points, however many there were.

use havip::time::Time;

use super::canvas::Canvas;
use super::scale::Scale;
use super::{Machine, Span};

/// A span on its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Folded<T> {
    pub(super) x: i64,
    pub(super) width: i64,
    pub(super) from: Time,
    pub(super) to: Time,
    pub(super) what: T,
}

/// The spans within a stretch, on their points. What is narrower than a point is left out, or where it matters
/// two points wide, the same at the same point once; what matters is drawn last.
pub(super) fn fold<T: Copy + PartialEq>(
    scale: &Scale,
    spans: &[Span<T>],
    matters: impl Fn(&T) -> bool,
) -> Vec<Folded<T>> {
    let mut plain = Vec::new();
    let mut important: Vec<Folded<T>> = Vec::new();
    for span in spans {
        let Some((x1, x2)) = scale.range(span.from, span.to) else { continue };
        let one = |width| Folded { x: x1, width, from: span.from, to: span.to, what: span.what };
        if !matters(&span.what) {
            if x2 > x1 {
                plain.push(one(x2 - x1));
            }
            continue;
        }
        let hidden = important.last().is_some_and(|last| last.x + last.width > x1.max(x2 - 1));
        if !hidden || x2 - x1 > 2 {
            important.push(one((x2 - x1).max(2)));
        }
    }
    plain.extend(important);
    plain
}

/// Points between two ticks below which they are drawn as a texture.
const APART: i64 = 4;

/// A machine's advertisements as ticks; lost ones are hollow. Where they stand too close they are a band.
pub(super) fn adverts(out: &mut Canvas, scale: &Scale, machine: &Machine, class: &str, y: i64) {
    let within = machine.adverts.iter().filter(|one| scale.has(one.at));
    let mut points: Vec<(i64, bool, Time)> = Vec::new();
    for one in within {
        let x = scale.x(one.at);
        match points.last_mut() {
            Some(last) if last.0 == x => last.1 |= one.lost,
            _ => points.push((x, one.lost, one.at)),
        }
    }
    let mut i = 0;
    while i < points.len() {
        let (x, lost, at) = points[i];
        let alike = |a: &(i64, bool, Time), b: &(i64, bool, Time)| b.0 - a.0 < APART && a.1 == b.1;
        let run = points[i..].windows(2).take_while(|two| alike(&two[0], &two[1])).count() + 1;
        let word = if lost { "lost" } else { "sent" };
        if run > 3 {
            let (end, until) = (points[i + run - 1].0, points[i + run - 1].2);
            let (from, to) = (at.display(4), until.display(4));
            let title = format!("{}: adverts {word}, {from} s to {to} s", machine.name);
            let class = if lost { format!("hollow {class}s") } else { format!("{class} texture") };
            out.rect(&class, (x, y), (end - x + 2, 9), &title);
        } else {
            for &(x, lost, at) in &points[i..i + run] {
                let title = format!("{}: advert {word}, {} s", machine.name, at.display(4));
                match lost {
                    true => out.rect(&format!("hollow {class}s"), (x - 2, y), (4, 9), &title),
                    false => out.rect(class, (x - 1, y), (2, 9), &title),
                }
            }
        }
        i += run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::testing::t;

    #[test]
    fn a_short_outage_in_a_long_run_is_still_seen_and_many_are_as_few_as_there_are_points() {
        let scale = Scale::new(t("0"), t("600"), 0, 1000);
        let span = |from: u64, to: u64, what| Span {
            from: Time::from_nanos(from * 1_000_000),
            to: Time::from_nanos(to * 1_000_000),
            what,
        };
        let mut spans = Vec::new();
        for i in 0..6_000 {
            spans.push(span(i * 100, i * 100 + 90, false));
            spans.push(span(i * 100 + 90, i * 100 + 100, true));
        }
        let bars = fold(&scale, &spans, |what| *what);
        assert!(bars.len() <= 2_000, "{} bars on 1000 points", bars.len());
        assert!(bars.iter().all(|bar| bar.width >= 1 && bar.x >= 0 && bar.x + bar.width <= 1002));
        let one = fold(&scale, &spans[1..2], |what| *what);
        assert_eq!(one[0].width, 2);
    }
}
