//! Holds the simulated figures against the measured ones.

use rayon::prelude::*;

use crate::capture::Capture;
use crate::case::{Case, LATE, Quantity, Rule};
use crate::figures::{self, Figures, MS, Nanos};
use crate::play::Player;

/// For quantities of the host.
pub const SEEDS: u64 = 1000;

/// What became of a row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which quantity.
    pub what: String,
    /// How many figures were measured.
    pub n: usize,
    /// Least, median and greatest of them, or the words they are.
    pub real: String,
    /// Of the simulated ones.
    pub simulated: String,
    /// How many of how many are within.
    pub within: (usize, usize),
    /// Why the others are not.
    pub reasons: Vec<String>,
    /// What nobody said a reason for, or where a reason is needed no more.
    pub wrong: Vec<String>,
}

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its folder.
    pub name: &'static str,
    /// What it waits for.
    pub pending: Option<&'static str>,
    /// What is to be said of it.
    pub note: Option<&'static str>,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Replays every run of a case and holds its figures.
pub fn outcome(case: &Case) -> Outcome {
    let mut outcome = Outcome { name: case.name, pending: case.pending, note: case.note, rows: Vec::new() };
    if case.pending.is_some() || case.quantities.is_empty() {
        return outcome;
    }
    let player = Player::new(case);
    let runs = figures::runs(case.name);
    let places: Vec<Figures> = runs.iter().map(Figures::for_a_place).collect();
    let captures: Vec<Capture> =
        places.par_iter().enumerate().map(|(i, run)| replay(&player, run, i as u64)).collect();
    let host: Vec<&Quantity> =
        case.quantities.iter().filter(|quantity| matches!(quantity.rule, Rule::Host(..))).collect();
    let mut samples = if host.is_empty() { Vec::new() } else { sample(&player, &places, &host) }.into_iter();
    for quantity in &case.quantities {
        let row = match &quantity.rule {
            Rule::Timer(real, sim) => {
                let pairs: Vec<_> =
                    runs.iter().zip(&captures).map(|(run, capture)| (real(run), sim(capture))).collect();
                timer(case, quantity, &pairs)
            }
            Rule::Equal(real, sim) => {
                let pairs: Vec<_> =
                    runs.iter().zip(&captures).map(|(run, capture)| (real(run), sim(capture))).collect();
                equal(quantity, &pairs)
            }
            Rule::Host(real, _) => {
                let real = runs.iter().flat_map(|run| real(run)).collect();
                host_row(quantity, real, samples.next().unwrap_or_default())
            }
        };
        outcome.rows.push(row);
    }
    outcome
}

/// Run i, from 0: with its number for a seed, or with the first that gives what the run had.
fn replay(player: &Player<'_>, run: &Figures, i: u64) -> Capture {
    let Some(fits) = player.case().fits else { return player.play(Some(run), i + 1) };
    let seeds = i * SEEDS + 1..(i + 1) * SEEDS;
    let found =
        seeds.into_par_iter().map(|seed| player.play(Some(run), seed)).find_first(|seen| fits(run, seen));
    found.unwrap_or_else(|| player.play(Some(run), i + 1))
}

/// The host's quantities over all seeds, in turns with the acts of each measured run.
fn sample(player: &Player<'_>, runs: &[Figures], quantities: &[&Quantity]) -> Vec<Vec<Nanos>> {
    let one = |seed: u64| -> Vec<Vec<Nanos>> {
        let capture = player.play(runs.get(seed as usize % runs.len().max(1)), seed);
        let of = |quantity: &&Quantity| match &quantity.rule {
            Rule::Host(_, sim) => sim(&capture),
            _ => Vec::new(),
        };
        quantities.iter().map(of).collect()
    };
    let every: Vec<Vec<Vec<Nanos>>> = (1..=SEEDS).into_par_iter().map(one).collect();
    (0..quantities.len()).map(|i| every.iter().flat_map(|run| run[i].iter().copied()).collect()).collect()
}

/// 2 ms, or 1 ms for each whole advertisement interval that lies within it.
pub fn tolerance(real: Nanos, interval: Nanos) -> Nanos {
    (real / interval * MS).max(2 * MS)
}

fn timer(case: &Case, quantity: &Quantity, pairs: &[(Option<Nanos>, Option<Nanos>)]) -> Row {
    let fits = |real: Nanos, sim: Option<Nanos>| {
        sim.is_some_and(|sim| (sim - real).abs() <= tolerance(real, case.interval))
    };
    let held = held(quantity, pairs, fits, |real, sim| {
        let sim = sim.map_or_else(|| "nothing".to_owned(), show);
        format!("{} measured, {sim} simulated", show(real))
    });
    let mut wrong = held.wrong;
    // Who says that a timer was late says that the figure is the greater one.
    let late = quantity.outside.iter().filter(|(_, why)| why.starts_with(LATE)).flat_map(|(runs, _)| runs);
    for run in late.filter(|run| pairs.get(**run - 1).is_some_and(|pair| pair.0 <= pair.1)) {
        wrong.push(format!("run {run} is said to be late and is early"));
    }
    let real = pairs.iter().filter_map(|pair| pair.0).collect();
    let simulated = pairs.iter().filter(|pair| pair.0.is_some()).filter_map(|pair| pair.1).collect();
    Row { real: range(real), simulated: range(simulated), wrong, ..held }
}

fn equal(quantity: &Quantity, pairs: &[(Option<String>, Option<String>)]) -> Row {
    let words: Vec<(Option<&str>, Option<&str>)> =
        pairs.iter().map(|(real, sim)| (real.as_deref(), sim.as_deref())).collect();
    let fits = |real: &str, sim: Option<&str>| sim == Some(real);
    let held = held(quantity, &words, fits, |real, sim| {
        format!("`{real}` measured, `{}` simulated", sim.unwrap_or("nothing"))
    });
    let real = distinct(words.iter().filter_map(|pair| pair.0));
    let simulated = distinct(words.iter().filter(|pair| pair.0.is_some()).filter_map(|pair| pair.1));
    Row { real, simulated, ..held }
}

/// Which runs are within, and whether those that are not were known.
fn held<T: Copy>(
    quantity: &Quantity,
    pairs: &[(Option<T>, Option<T>)],
    fits: impl Fn(T, Option<T>) -> bool,
    tell: impl Fn(T, Option<T>) -> String,
) -> Row {
    let mut wrong = Vec::new();
    let (mut n, mut within) = (0, 0);
    for (i, &(real, sim)) in pairs.iter().enumerate() {
        let Some(real) = real else { continue };
        n += 1;
        let known = quantity.outside.iter().any(|(runs, _)| runs.contains(&(i + 1)));
        let fits = fits(real, sim);
        within += usize::from(fits);
        if fits == known {
            let so = if known { "is within, and has a reason for not being" } else { "is not within" };
            wrong.push(format!("run {} {so}: {}", i + 1, tell(real, sim)));
        }
    }
    if n == 0 {
        wrong.push("no run has this figure".to_owned());
    }
    let reasons = quantity.outside.iter().map(|(runs, why)| format!("{}: {why}", listed(runs))).collect();
    Row {
        what: quantity.what.clone(),
        n,
        real: String::new(),
        simulated: String::new(),
        within: (within, n),
        reasons,
        wrong,
    }
}

/// `run 2`, `runs 1 and 4`.
fn listed(runs: &[usize]) -> String {
    let words: Vec<String> = runs.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [one] => format!("run {one}"),
        [most @ .., last] => format!("runs {} and {last}", most.join(", ")),
        [] => "no run".to_owned(),
    }
}

fn host_row(quantity: &Quantity, mut real: Vec<Nanos>, mut simulated: Vec<Nanos>) -> Row {
    real.sort_unstable();
    simulated.sort_unstable();
    let percentile = |p: usize| simulated.get(simulated.len().saturating_sub(1) * p / 100).copied();
    // A harness that wrote four decimals has cut what lies between.
    let cut = if real.iter().all(|figure| figure % 100_000 == 0) { 50_000 } else { 0 };
    let (low, median, high) = (percentile(1), percentile(50), percentile(99));
    let meets = match (real.first(), real.last(), low, high) {
        (Some(&least), Some(&most), Some(low), Some(high)) => low <= most + cut && least - cut <= high,
        _ => false,
    };
    let known = !quantity.outside.is_empty();
    let mut wrong = Vec::new();
    if meets == known {
        let so = if known { "meet, and there is a reason for not doing so" } else { "do not meet" };
        wrong.push(format!("what was measured and what is simulated {so}"));
    }
    let three = |low: Option<Nanos>, median: Option<Nanos>, high: Option<Nanos>| {
        let word = |at: Option<Nanos>| at.map_or_else(|| "none".to_owned(), show);
        format!("{} / {} / {}", word(low), word(median), word(high))
    };
    Row {
        what: quantity.what.clone(),
        n: real.len(),
        real: range(real),
        simulated: format!("{} (p1 / p50 / p99)", three(low, median, high)),
        within: (usize::from(meets), 1),
        reasons: quantity.outside.iter().map(|(_, why)| (*why).to_owned()).collect(),
        wrong,
    }
}

/// Least, median, greatest.
fn range(mut values: Vec<Nanos>) -> String {
    values.sort_unstable();
    match values.as_slice() {
        [] => "none".to_owned(),
        [one] => show(*one),
        [least, .., most] => {
            format!("{} / {} / {}", show(*least), show(values[values.len() / 2]), show(*most))
        }
    }
}

/// The words there are, each once.
fn distinct<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for word in words {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    if seen.is_empty() { "none".to_owned() } else { seen.join(" or ") }
}

/// A length as a reader wants it: four digits that count, the last of them rounded half up.
pub fn show(length: Nanos) -> String {
    let sign = if length < 0 { "-" } else { "" };
    let rounded = |unit: Nanos| (length.abs() + unit / 2) / unit;
    // A length belongs to the row in which its rounded digits have a place.
    match (rounded(1_000), rounded(10_000)) {
        (us @ 0..1_000, _) => format!("{sign}{us} us"),
        (_, tens @ 0..10_000) => format!("{sign}{}.{:02} ms", tens / 100, tens % 100),
        _ => {
            let tenths = rounded(100_000);
            format!("{sign}{}.{:04} s", tenths / 10_000, tenths % 10_000)
        }
    }
}
