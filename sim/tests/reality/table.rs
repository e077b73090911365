//! The scorecard as a page.

use std::fmt::Write as _;

use crate::compare::Outcome;

const HEAD: &str = "\
# Scorecard

Each case that keepalived 2.2.7 was measured in, replayed in the `keepalived` profile: the same configurations, the
acts at the same offset from the advertisement before them, figure i held against run i. Written by
`INSTA_UPDATE=always cargo test -p havip-sim --test reality`, which also holds it; how the figures came about is in
`sim/tests/reality/data/README.md`.

*Within* is: of a timer, 2 ms, or 1 ms for each advertisement interval spanned if that is more; of a count, an order, a
holder, a frame: the same. Of a quantity of the host, which no timer makes: what 1,000 seeds give, from the first to
the ninety-ninth percentile, and what was measured have values in common. Figures are least / median / greatest.

Frames are the same byte for byte but for the IP identification, the header checksum that follows from it, and, of
IPv6, the flow label: the kernel makes it of a secret that it draws, so that it is another one on each bench.
Hardware addresses are the bench's, and are compared.

Every figure of every run was read for a row, or is of a kind that has none: `sim/tests/reality/data/README.md` says
which and why, and the test counts them.

";

/// The page.
pub fn page(outcomes: &[Outcome]) -> String {
    let mut text = HEAD.to_owned();
    text += &summary(outcomes);
    text += "\n| case | quantity | n | measured | simulated | within | why not |\n|---|---|---|---|---|---|---|\n";
    for outcome in outcomes {
        for row in &outcome.rows {
            let (within, of) = row.within;
            let verdict = match within {
                _ if within == of => "yes".to_owned(),
                0 => "**no**".to_owned(),
                _ => format!("**{within} of {of}**"),
            };
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {verdict} | {} |",
                outcome.name,
                row.what,
                row.n,
                row.real,
                row.simulated,
                row.reasons.join("; ")
            );
        }
    }
    let noted: Vec<_> = outcomes.iter().filter_map(|o| Some((o.name, o.note?))).collect();
    if !noted.is_empty() {
        text += "\n## Remarks\n\n| case | |\n|---|---|\n";
        for (name, note) in noted {
            let _ = writeln!(text, "| {name} | {note} |");
        }
    }
    let pending: Vec<_> = outcomes.iter().filter_map(|o| Some((o.name, o.pending?))).collect();
    if !pending.is_empty() {
        text += "\n## Not run\n\n| case | waits for |\n|---|---|\n";
        for (name, what) in pending {
            let _ = writeln!(text, "| {name} | not run: {what} |");
        }
    }
    text
}

/// How many cases and rows there are, and how they fare.
pub fn summary(outcomes: &[Outcome]) -> String {
    let rows = || outcomes.iter().flat_map(|outcome| &outcome.rows);
    let within = rows().filter(|row| row.within.0 == row.within.1).count();
    let run = outcomes.iter().filter(|outcome| !outcome.rows.is_empty()).count();
    let pending = outcomes.iter().filter(|outcome| outcome.pending.is_some()).count();
    format!(
        "{} cases: {run} run, {pending} not run yet, {} with nothing to hold. {} rows: {within} within, {} not in every \
         run, each with its reason.\n",
        outcomes.len(),
        outcomes.len() - run - pending,
        rows().count(),
        rows().count() - within
    )
}
