//! What was measured: the folders under `data/`, as `data/README.md` says they were made.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// Nanoseconds: an instant of a run, or what lies between two. Differences may be negative.
pub type Nanos = i64;

/// One nanosecond unit up.
pub const MS: Nanos = 1_000_000;
/// A second.
pub const SECOND: Nanos = 1_000 * MS;

/// What somebody asked figures for: the case, and where in them.
static ASKED: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// The figures of one run, as the harness of that run wrote them.
#[derive(Clone, Debug)]
pub struct Figures {
    case: String,
    all: Value,
    /// Whether who reads a figure holds it. Who only looks for an act's place does not.
    held: bool,
}

impl Figures {
    /// A length of time, written in seconds. Nothing where it was not measured.
    pub fn time(&self, path: &str) -> Option<Nanos> {
        nanos(self.value(path)?)
    }
    /// One length less another.
    pub fn less(&self, path: &str, other: &str) -> Option<Nanos> {
        Some(self.time(path)? - self.time(other)?)
    }
    /// A list of lengths; empty where there is none.
    pub fn times(&self, path: &str) -> Vec<Nanos> {
        let list = self.value(path).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(nanos).collect()
    }
    /// How long a list is.
    pub fn count(&self, path: &str) -> Option<String> {
        Some(self.value(path)?.as_array()?.len().to_string())
    }
    /// A word, or a number as it is written.
    pub fn text(&self, path: &str) -> Option<String> {
        match self.value(path)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }
    /// Anything else in it.
    pub fn value(&self, path: &str) -> Option<&Value> {
        if self.held {
            let asked = (self.case.clone(), path.to_owned());
            ASKED.lock().unwrap_or_else(PoisonError::into_inner).insert(asked);
        }
        self.all.pointer(path)
    }
    /// The same figures for somebody who puts acts where a run had them.
    pub fn for_a_place(&self) -> Figures {
        Figures { held: false, ..self.clone() }
    }
    /// Whether there is something there. That is no use of the figure.
    pub fn has(&self, path: &str) -> bool {
        self.all.pointer(path).is_some_and(|value| !value.is_null())
    }
    /// Where in it every figure is; a list of figures is one.
    pub fn places(&self) -> Vec<String> {
        let mut places = Vec::new();
        walk(&self.all, String::new(), &mut places);
        places
    }
    /// Whether somebody asked for the figure there, for something in it or for what it is in.
    pub fn was_asked(&self, place: &str) -> bool {
        let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |inner: &str, outer: &str| {
            inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        asked.iter().any(|(case, path)| *case == self.case && (within(path, place) || within(place, path)))
    }
}

fn walk(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(parts) => {
            for (name, part) in parts {
                walk(part, format!("{at}/{name}"), places);
            }
        }
        Value::Null => {}
        _ => places.push(at),
    }
}

/// Seconds in decimals as nanoseconds, by the digits and not by a float.
fn nanos(value: &Value) -> Option<Nanos> {
    match value {
        Value::Number(number) => decimal(&number.to_string()),
        _ => None,
    }
}

/// `-1.25` is -1,250,000,000 ns. Digits after the ninth are cut: clocks had six.
pub fn decimal(text: &str) -> Option<Nanos> {
    if let Some((head, exponent)) = text.split_once(['e', 'E']) {
        // Very small numbers are written so: `4.1e-05`.
        let shift: u32 = exponent.strip_prefix('-')?.parse().ok()?;
        return Some(decimal(head)? / 10_i64.checked_pow(shift)?);
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part: String = part.chars().chain(std::iter::repeat('0')).take(9).collect();
    let magnitude = whole.parse::<Nanos>().ok()? * SECOND + part.parse::<Nanos>().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// What the harness did in the first run, and when.
#[derive(Clone, Debug)]
pub struct Act {
    /// Since the beginning of the script.
    pub at: Nanos,
    /// The command.
    pub what: String,
    /// Whose advertisement went over the bridge last before it, and how long before.
    pub after: Option<(char, Nanos)>,
}

/// A captured frame.
#[derive(Clone, Debug)]
pub struct Golden {
    /// `eth0` or `eth1`.
    pub segment: String,
    /// Who sent it.
    pub node: char,
    /// `advert`, `prio0`, `claim`.
    pub kind: String,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The folder of a case.
pub fn folder(case: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reality/data").join(case)
}

/// One of its files.
pub fn file(case: &str, name: &str) -> std::io::Result<String> {
    std::fs::read_to_string(folder(case).join(name))
}

/// Every folder there is.
pub fn all() -> Vec<String> {
    let read = std::fs::read_dir(folder("")).expect("the folder of measured cases");
    let mut names: Vec<String> = read
        .map(|entry| entry.expect("an entry of it"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The figures of every run of a case, the first run first. A case that ran once has one `metrics.json`, or a list
/// of one run.
pub fn runs(case: &str) -> Vec<Figures> {
    let numbered = (1..).map_while(|n| file(case, &format!("run{n}.metrics.json")).ok());
    let mut texts: Vec<String> = numbered.collect();
    texts.extend(file(case, "metrics.json").ok());
    let parse = |text: String| Figures {
        case: case.to_owned(),
        all: serde_json::from_str(&text).expect("figures"),
        held: true,
    };
    texts.into_iter().map(parse).collect()
}

/// The acts of a case's first run.
pub fn acts(case: &str) -> Vec<Act> {
    let Ok(text) = file(case, "acts.csv") else { return Vec::new() };
    text.lines().skip(1).map(act).collect()
}

/// `t,what,after,offset`, and `what` may have commas, between two `"` then.
fn act(line: &str) -> Act {
    let (at, rest) = line.split_once(',').expect("an act's time");
    let (rest, offset) = rest.rsplit_once(',').expect("an act's offset");
    let (what, after) = rest.rsplit_once(',').expect("whom an act follows");
    let after = after.chars().next().zip(decimal(offset));
    Act { at: decimal(at).expect("a time"), what: what.trim_matches('"').to_owned(), after }
}

/// The first frame of each kind that each node sent.
pub fn golden(case: &str) -> Vec<Golden> {
    let Ok(text) = file(case, "frames.csv") else { return Vec::new() };
    let row = |line: &str| {
        let mut words = line.split(',').map(str::to_owned);
        let mut word = || words.next().expect("a word of a frame's line");
        let (segment, node, kind, hex) = (word(), word(), word(), word());
        Golden { segment, node: node.chars().next().expect("a node"), kind, bytes: unhex(&hex) }
    };
    text.lines().skip(1).map(row).collect()
}

/// A frame that the harness made up, and when it sent it in the first run.
#[derive(Clone, Debug)]
pub struct Crafted {
    /// When, and after whose advertisement.
    pub act: Act,
    /// All of it.
    pub bytes: Vec<u8>,
    /// What the harness called it; nothing where it only puts things right again.
    pub name: String,
}

/// The crafted frames of a case, in order.
pub fn crafted(case: &str) -> Vec<Crafted> {
    let Ok(text) = file(case, "crafted.csv") else { return Vec::new() };
    let row = |(n, line): (usize, &str)| {
        // A name may have commas: it is the last word.
        let words: Vec<&str> = line.splitn(5, ',').collect();
        let [at, after, offset, hex, name] = words[..] else { panic!("five words in {line}") };
        let after = after.chars().next().zip(decimal(offset));
        let act = Act { at: decimal(at).expect("a time"), what: format!("craft {n}"), after };
        Crafted { act, bytes: unhex(hex), name: name.to_owned() }
    };
    text.lines().skip(1).enumerate().map(row).collect()
}

/// Bytes of two hexadecimal digits each.
pub fn unhex(text: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&text[i..i + 2], 16).expect("two hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}
