//! What the chosen setting must keep to: `p99 outage <= 1s, false takeovers <= 1 a year at 0.1% loss`.

use std::fmt;

use havip::time::Duration;

use super::number::Number;
use crate::scenario::{TimeText, share_of, times};
use crate::world::Ppm;

/// A target: limits, all of which are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// In the order in which they are written.
    pub limits: Vec<Limit>,
    /// Only what was seen under this loss counts.
    pub loss: Option<Ppm>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `p99 outage <= 1s`: of a million runs of any story, so many are to be no worse.
    Outage {
        /// 990,000 for `p99`, 1,000,000 for `max`.
        ppm: u32,
        /// The longest outage that is still good.
        most: Duration,
    },
    /// `false takeovers <= 1 a year`.
    FalseTakeovers {
        /// So many in a year of 365 days.
        most: Number,
    },
}

const FORMS: &str = "a limit is `p99 outage <= 1s` (or p50, p99.9, max) or `false takeovers <= 1 a year`, limits have \
                     commas between them, and behind the last may stand `at 0.1% loss`";

impl Target {
    /// Reads a target; what is wrong with it otherwise.
    pub fn parse(text: &str) -> Result<Target, String> {
        let mut target = Target { limits: Vec::new(), loss: None };
        for part in text.split(',').map(str::trim) {
            let part = match part.split_once(" at ") {
                None => part,
                Some((limit, at)) => {
                    let of = at.trim().strip_suffix("loss").unwrap_or("").trim();
                    let loss = share_of(of).map_err(|error| format!("`{part}`: {error}; {FORMS}"))?;
                    if target.loss.is_some_and(|known| known != loss) {
                        return Err(format!("`{part}`: one loss for the whole target, not two"));
                    }
                    target.loss = Some(loss);
                    limit.trim()
                }
            };
            let limit = Limit::parse(part)?;
            if target.limits.iter().any(|known| known.what() == limit.what()) {
                return Err(format!("`{part}`: a second limit of {}", limit.what()));
            }
            target.limits.push(limit);
        }
        Ok(target)
    }
}

impl Limit {
    fn parse(text: &str) -> Result<Limit, String> {
        let wrong = || format!("`{text}` is no limit: {FORMS}");
        let (what, most) = text.split_once("<=").or_else(|| text.split_once('\u{2264}')).ok_or_else(wrong)?;
        let most = most.trim();
        let what: Vec<&str> = what.split_whitespace().collect();
        match what.as_slice() {
            [quantile, "outage"] => {
                let ppm = quantile_of(quantile).ok_or_else(wrong)?;
                let (low, high) = times(most).map_err(|error| format!("`{text}`: {error}"))?;
                if low != high {
                    return Err(format!("`{text}`: one time, no span"));
                }
                Ok(Limit::Outage { ppm, most: high })
            }
            ["false", "takeovers"] => {
                let words: Vec<&str> = most.split_whitespace().collect();
                let [count, "a" | "per", "year"] = words.as_slice() else { return Err(wrong()) };
                let most = Number::parse(count).ok_or_else(wrong)?;
                Ok(Limit::FalseTakeovers { most })
            }
            _ => Err(wrong()),
        }
    }

    /// What it limits: `p99 outage`.
    pub fn what(&self) -> String {
        match self {
            Limit::Outage { ppm, .. } => format!("{} outage", Quantile(*ppm)),
            Limit::FalseTakeovers { .. } => "false takeovers".to_owned(),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Outage { most, .. } => write!(f, "{} <= {}", self.what(), TimeText(*most)),
            Limit::FalseTakeovers { most } => write!(f, "{} <= {most} a year", self.what()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, limit) in self.limits.iter().enumerate() {
            write!(f, "{}{limit}", if i == 0 { "" } else { ", " })?;
        }
        self.loss.map_or(Ok(()), |loss| write!(f, " at {} loss", Share(loss)))
    }
}

/// `p99`, `p99.9`, `max`.
fn quantile_of(word: &str) -> Option<u32> {
    if word == "max" {
        return Some(1_000_000);
    }
    let Ppm(ppm) = share_of(&format!("{}%", word.strip_prefix('p')?)).ok()?;
    (ppm > 0).then_some(ppm)
}

/// A quantile, from parts in a million.
struct Quantile(u32);

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1_000_000 => f.write_str("max"),
            ppm => write!(f, "p{}", Share(Ppm(ppm)).to_string().trim_end_matches('%')),
        }
    }
}

/// A share as scripts write it: `0.1%`.
pub(super) struct Share(pub(super) Ppm);

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.0 / 10_000, self.0.0 % 10_000);
        let part = format!("{part:04}");
        match part.trim_end_matches('0') {
            "" => f.pad(&format!("{whole}%")),
            part => f.pad(&format!("{whole}.{part}%")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_printed() {
        let text = "p99 outage <= 1s, false takeovers <= 1 a year at 0.1% loss";
        let target = Target::parse(text).unwrap();
        assert_eq!(target.loss, Some(Ppm(1_000)));
        assert_eq!(target.limits[0], Limit::Outage { ppm: 990_000, most: Duration::from_secs(1) });
        assert_eq!(target.limits[1], Limit::FalseTakeovers { most: Number::ratio(1, 1) });
        assert_eq!(target.to_string(), text);
        assert_eq!(
            Target::parse("p99 outage \u{2264} 1s,false takeovers\u{2264}1 per year at 0.1% loss"),
            Ok(target)
        );
        let odd = Target::parse("max outage <= 1500ms, p99.9 outage <= 0.8s").unwrap();
        assert_eq!(odd.to_string(), "max outage <= 1.5s, p99.9 outage <= 800ms");
    }

    #[test]
    fn what_is_no_target_is_said() {
        for (text, message) in [
            ("", "`` is no limit: a limit is `p99 outage <= 1s`"),
            ("p99 outage < 1s", "`p99 outage < 1s` is no limit"),
            ("p99 outage <= 1", "no unit: did you mean `1s`?"),
            ("p99 outage <= 1s..2s", "one time, no span"),
            ("p0 outage <= 1s", "is no limit"),
            ("p101 outage <= 1s", "is no limit"),
            ("outage <= 1s", "is no limit"),
            ("false takeovers <= -1 a year", "is no limit"),
            ("false takeovers <= 1 a day", "is no limit"),
            ("false takeovers <= 1 a year at 0.1 loss", "a share such as `20%`"),
            ("false takeovers <= 1 a year at 0.1%", "a share such as `20%`"),
            ("p99 outage <= 1s, p99 outage <= 2s", "a second limit of p99 outage"),
            ("p99 outage <= 1s at 1% loss, p50 outage <= 1s at 2% loss", "not two"),
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
