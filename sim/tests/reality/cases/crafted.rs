//! Advertisements that no keepalived sends.

use havip::program::Role;

use super::shared::{came_and_went, in_turn};
use crate::capture::{A, B, Capture, VIP, gap};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos};

/// The priority-200 advertisement of somebody who is no peer.
fn stranger(name: &'static str, near: Nanos, late: &'static [usize]) -> Case {
    Case::new(name, 18)
        .act(near, "craft 0")
        .after('a', after_last)
        .timer(
            "crafted advert -> a's next",
            |m| m.less(next_of_a(m), "/c/first/0"),
            |c| gap(Some(c.act(0)), c.first(A, c.act(0))),
        )
        .outside(late, "a took the frame up 21 ms late: it came at 0.2908 s and a's address went at 0.3124 s")
        .timer("a's last before -> b's first", a_to_b, |c| gap(c.last(A, c.act(0)), c.first(B, c.act(0))))
        .equal(
            "a gives way",
            |m| {
                came_and_went(m, "/addr").map(|moves| if moves.contains("a -") { "yes" } else { "no" }.into())
            },
            |c| {
                let gave = c.role(A, Role::Backup, c.act(0)).is_some_and(|at| at - c.act(0) < 10 * MS);
                Some(if gave { "yes" } else { "no" }.into())
            },
        )
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 17_900 * MS)))
        .equal("adverts of a, its GARPs; of b, its GARPs", answers, |c| {
            let (from, to) = (c.act(0), c.act(0) + 7_700 * MS);
            let of = |node| {
                let adverts = Capture::count(c.adverts(node), from, to);
                format!("{adverts}, {}", Capture::count(c.claims(node), from, to))
            };
            Some(format!("{}; {}", of(A), of(B)))
        })
        .equal(
            "addresses that come and go",
            |m| came_and_went(m, "/addr"),
            |c| Some(in_turn(c.moves(c.act(0), c.act(0) + 7_700 * MS))),
        )
}
/// What the two send behind the crafted frame.
fn answers(m: &Figures) -> Option<String> {
    let crafted = m.time("/c/first/0")?;
    let of = |node: &str| {
        let adverts = m.times(&format!("/{node}/first")).into_iter().filter(|&at| at > crafted).count();
        Some(format!("{adverts}, {}", m.text(&format!("/{node}/garps"))?))
    };
    Some(format!("{}; {}", of("a")?, of("b")?))
}
/// Some runs have one more advertisement of a between the command and the crafted frame.
fn next_of_a(m: &Figures) -> &'static str {
    if m.less("/a/first/0", "/c/first/0").is_some_and(|after| after > 0) {
        "/a/first/0"
    } else {
        "/a/first/1"
    }
}
fn last_of_a(m: &Figures) -> &'static str {
    if next_of_a(m) == "/a/first/0" { "/a/last_before" } else { "/a/first/0" }
}
fn after_last(m: &Figures) -> Option<Nanos> {
    m.less("/c/first/0", last_of_a(m))
}
fn a_to_b(m: &Figures) -> Option<Nanos> {
    m.less("/b/first/0", last_of_a(m))
}

/// Who believes which time to live.
fn hop_limit(name: &'static str, seconds: Nanos) -> Case {
    Case::new(name, seconds + 1)
        .equal("who holds the address at the end", |m| m.text("/h"), |c| Some(c.holders(VIP, 9_900 * MS)))
        .equal(
            "time to live of a's adverts",
            |m| m.text("/ttl_seen/0/1"),
            |c| Some(c.adverts(A).next()?.bytes[22].to_string()),
        )
}

/// Crafted frames, and the checks that refuse them.
pub fn cases() -> Vec<Case> {
    vec![
        Case::new("c21_crafted", 67).crafted().timer(
            "rejected adverts every 0.6 s: from a's last before to its next",
            |m| m.less("/a_adverts_with_rejects/2", "/a_adverts_with_rejects/1"),
            |c| {
                let rejects = c.acts.len() - 10;
                gap(c.last(A, c.act(rejects)), c.first(A, c.act(rejects)))
            },
        ),
        Case::new("c21b_crafted_multicast", 10).crafted().equal(
            "how often a gives way",
            |m| {
                let table = m.value("/table")?.as_array()?;
                Some(table.iter().filter(|row| row[1] == "a->BACKUP").count().to_string())
            },
            |c| {
                let next = |at: &Nanos| c.role(A, Role::Backup, at + 1);
                Some(std::iter::successors(next(&c.act(0)), next).count().to_string())
            },
        ),
        stranger("d17b_check_unicast_src_forged_peer", 10_304, &[]),
        stranger("d17c_default_stranger", 10_248, &[1]),
        hop_limit("d18_ttl64_default_peer", 10),
        hop_limit("d18b_ttl64_min255", 10),
        hop_limit("d18d_ttl255_max254", 10),
    ]
}
