//! What pictures say in words.

use havip::time::Duration;

use super::Lanes;
use crate::observe::{Outage, Record};

/// `3.22 s = 2.65 detection + 0.56 cloud + 0.01 probe`: hundredths, or thousandths of what is shorter than a
/// second, never more digits than the run has. The parts sum to the whole as printed: what is rounded are the
/// points between them.
pub(super) fn parts(outage: &Outage, digits: u8) -> String {
    let whole = outage.length();
    let digits = digits.min(if whole < Duration::from_secs(1) { 3 } else { 2 });
    let mut text = format!("{} s", show(round(whole, digits), digits));
    if outage.detection.is_none() {
        return text;
    }
    let mut done = Duration::ZERO;
    let mut part = |join: &str, length: Duration, name: &str| {
        let before = round(done, digits);
        done += length;
        text.push_str(join);
        text.push_str(&show(round(done, digits) - before, digits));
        text.push_str(name);
    };
    part(" = ", outage.detection.unwrap_or_default(), " detection");
    if let Some(cloud) = outage.cloud {
        part(" + ", cloud, " cloud");
    }
    part(" + ", outage.probe, " probe");
    text
}

/// `3.22 s` alone.
pub(super) fn length(length: Duration, digits: u8) -> String {
    let digits = digits.min(if length < Duration::from_secs(1) { 3 } else { 2 });
    format!("{} s", show(round(length, digits), digits))
}

/// In units of the last digit.
fn round(length: Duration, digits: u8) -> u64 {
    let unit = 10u64.pow(9 - u32::from(digits.min(9)));
    length.as_nanos().saturating_add(unit / 2) / unit
}

fn show(units: u64, digits: u8) -> String {
    let unit = 10u64.pow(9 - u32::from(digits.min(9)));
    Duration::from_nanos(units.saturating_mul(unit)).display(digits).to_string()
}

/// The one sentence of a run: what its users got.
pub(super) fn headline(lanes: &Lanes) -> String {
    let Some((i, worst)) = lanes.worst() else {
        let never = lanes
            .clients
            .iter()
            .filter(|one| !one.reach.iter().any(|span| matches!(span.what, super::Reach::Answered)));
        let never: Vec<&str> = never.map(|one| one.name.as_str()).collect();
        return match (lanes.clients.is_empty(), never.as_slice()) {
            (true, _) => "no client asks for an address in this run".into(),
            (false, []) => "no client was without its address".into(),
            (false, names) => format!("{} never reached its address", names.join(", ")),
        };
    };
    let client = lanes.client_of(worst);
    let cause = match lanes.causes.get(i).map(String::as_str) {
        None | Some("-") => String::new(),
        Some(cause) => format!(": {cause}"),
    };
    let to_the_end = if worst.still_out { ", to the end of the run" } else { "" };
    let long = length(worst.length(), lanes.digits);
    format!("{} was without {} for {long}{to_the_end}{cause}", client.name, client.target)
}

/// What else there was than the worst outage.
fn others(lanes: &Lanes) -> Option<String> {
    let (_, worst) = lanes.worst()?;
    let (count, all) = lanes.out_in_all(usize::from(worst.client.0));
    let mut clients: Vec<_> = lanes.outages.iter().map(|one| one.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let mut words = Vec::new();
    if count > 1 {
        words.push(format!("{count} outages, {} in all", length(all, lanes.digits)));
    }
    match clients.len() {
        0 | 1 => {}
        2 => words.push("1 more client was out".to_owned()),
        n => words.push(format!("{} more clients were out", n - 1)),
    }
    (!words.is_empty()).then(|| words.join("; "))
}

/// Where the numbers come from, and whether they are what was wanted.
pub(super) fn subtitle(lanes: &Lanes, record: &Record) -> String {
    let long = Duration::from_nanos(lanes.end.as_nanos());
    let whole = long.as_nanos().is_multiple_of(1_000_000_000);
    let long = long.display(if whole { 0 } else { record.digits });
    let mut text = others(lanes).map_or_else(String::new, |others| format!("{others}; "));
    text.push_str(&format!("{long} s simulated, seed {}", record.seed));
    if let Some(summary) = &record.summary {
        text.push_str(&format!("; the worst of {} phases", summary.runs));
        let same = summary.outages.iter().max_by_key(|one| one.length.max);
        if let Some(one) = same {
            let [min, median, max] = one.length.each().map(|value| length(value, record.digits));
            text.push_str(&format!(" (outage {min} to {max}, median {median})"));
        }
    }
    let (all, failing) = (record.verdicts.len(), record.failing());
    if all > 0 {
        text.push_str(&format!("; {} of {all} expectations hold", all - failing));
    }
    text
}

/// The first expectations that do not hold, a sentence each.
pub(super) fn failing(record: &Record) -> Vec<String> {
    let failing = record.verdicts.iter().filter(|row| !row.verdict.holds);
    let mut texts: Vec<String> =
        failing.map(|row| format!("does not hold: {} (line {})", row.text, row.verdict.line)).collect();
    let more = texts.len().saturating_sub(FAILING_MAX);
    texts.truncate(FAILING_MAX);
    if more > 0 {
        texts.push(format!("and {more} more do not hold"));
    }
    texts
}

/// More expectations than this are counted, not named.
const FAILING_MAX: usize = 3;

#[cfg(test)]
mod tests {
    use havip::time::Time;

    use super::*;
    use crate::observe::Cause;
    use crate::world::ClientId;

    fn outage(detection: u64, cloud: Option<u64>, probe: u64) -> Outage {
        let micros = Duration::from_micros;
        let whole = micros(detection + cloud.unwrap_or(0) + probe);
        Outage {
            client: ClientId(0),
            from: Time::ZERO,
            unanswered: Time::ZERO,
            to: Time::ZERO + whole,
            still_out: false,
            cause: Cause::None,
            owner: None,
            detection: Some(micros(detection)),
            cloud: cloud.map(micros),
            probe: micros(probe),
        }
    }

    #[test]
    fn parts_sum_to_the_whole_as_printed() {
        for (one, text) in [
            (outage(2_650_000, Some(560_000), 10_000), "3.22 s = 2.65 detection + 0.56 cloud + 0.01 probe"),
            (outage(3_298_900, Some(400), 10_700), "3.31 s = 3.30 detection + 0.00 cloud + 0.01 probe"),
            (outage(334_000, None, 333_000), "0.667 s = 0.334 detection + 0.333 probe"),
        ] {
            assert_eq!(parts(&one, 4), text);
        }
        for i in 0..5_000 {
            let one = outage(1_000_000 + i * 997, Some(i * 131), i * 17);
            let text = parts(&one, 4);
            let numbers: Vec<u64> = text
                .split(' ')
                .filter(|word| word.contains('.'))
                .map(|word| word.replace('.', "").parse().unwrap())
                .collect();
            assert_eq!(numbers[0], numbers[1..].iter().sum::<u64>(), "{text}");
        }
    }

    #[test]
    fn an_outage_that_no_claim_ended_is_one_number() {
        let mut one = outage(0, None, 2_100_000);
        one.detection = None;
        assert_eq!(parts(&one, 4), "2.10 s");
        assert_eq!(parts(&one, 1), "2.1 s", "no more digits than the run has");
    }
}
