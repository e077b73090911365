//! What a sweep is to do, read from a file: the cluster, the grid, the failures, the target.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use havip::profile::Profile;
use havip::time::Duration;
use ipnet::Ipv4Net;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::grid::{Axis, Grid, What};
use super::stories::STORIES;
use super::target::Target;
use crate::scenario::{share_of, times};
use crate::trial::Story;

/// More runs than this of one story at one point say nothing more.
const MOST_RUNS: u32 = 10_000;
/// Longer than this nobody watches a point: ten years.
const MOST_QUIET: Duration = Duration::from_secs(10 * 365 * DAY);
const DAY: u64 = 86_400;
const RUNS: u32 = 100;

/// A plan, its defaults filled in.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is swept.
    pub cluster: Named,
    /// The machines' profile, where the plan has one.
    pub profile: Option<Profile>,
    /// What is varied.
    pub grid: Grid,
    /// How many settings are drawn, if not all are tried.
    pub sample: Option<u64>,
    /// What all chance comes from.
    pub seed: u64,
    /// What happens to the master.
    pub stories: Vec<Story>,
    /// How often each story is run at a point.
    pub runs: u32,
    /// How long a point is watched while nothing happens.
    pub quiet: Duration,
    /// What the chosen setting must keep to.
    pub target: Option<Target>,
    /// Where the grid begins, for who complains of a point.
    pub grid_line: usize,
    /// The plan's file.
    pub path: PathBuf,
}

/// The cluster as the plan names it; paths are those of the plan's folder.
#[derive(Clone, Debug)]
pub enum Named {
    /// A scenario file.
    Scenario(PathBuf),
    /// Configuration files, one a machine.
    Files {
        /// a, b, c and d.
        files: Vec<PathBuf>,
        /// On a lan instead of a cloud's subnet.
        lan: bool,
        /// The subnet, where the files shall not say it.
        subnet: Option<Ipv4Net>,
    },
}

/// Why there is nothing to sweep: where, what, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(super) String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PlanFile {
    scenario: Option<PathBuf>,
    #[serde(default)]
    files: Vec<PathBuf>,
    subnet: Option<Spanned<String>>,
    #[serde(default)]
    lan: bool,
    #[serde(rename = "as")]
    profile: Option<Spanned<String>>,
    #[serde(default = "one")]
    seed: u64,
    runs: Option<Spanned<u32>>,
    stories: Option<Spanned<Vec<String>>>,
    quiet: Option<Spanned<String>>,
    sample: Option<Spanned<u64>>,
    target: Option<Spanned<String>>,
    grid: Option<Spanned<BTreeMap<String, Entry>>>,
}

fn one() -> u64 {
    1
}

/// What stands behind a keyword of the grid: values, or values by machine.
enum Entry {
    Values(Values),
    Machines(BTreeMap<String, Spanned<Values>>),
}

/// A list of values, or one.
struct Values {
    texts: Vec<String>,
    /// Of the first value, which has a place of its own where a table has none.
    place: Range<usize>,
}

struct Value(String);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value: a number, a word, true or false")
            }
            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value(text.to_owned()))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
                Ok(Value(n.to_string()))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
                Ok(Value(n.to_string()))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
                Ok(Value(n.to_string()))
            }
            // A keyword that takes no value is switched by these words.
            fn visit_bool<E>(self, on: bool) -> Result<Value, E> {
                Ok(Value(if on { "on" } else { "off" }.to_owned()))
            }
        }
        from.deserialize_any(Any)
    }
}

impl Values {
    fn of(values: Vec<Spanned<Value>>) -> Values {
        let place = values.first().map_or(0..0, Spanned::span);
        Values { place, texts: values.into_iter().map(|value| value.into_inner().0).collect() }
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Values, D::Error> {
        Vec::<Spanned<Value>>::deserialize(from).map(Values::of)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Entry, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of values")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entry, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Entry::Values(Values::of(values)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let mut machines = BTreeMap::new();
                while let Some((machine, values)) = map.next_entry()? {
                    machines.insert(machine, values);
                }
                Ok(Entry::Machines(machines))
            }
        }
        from.deserialize_any(Either)
    }
}

/// A plan's text, for who has something to say about a place of it.
struct Page<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Page<'_> {
    fn line(&self, place: &Range<usize>) -> usize {
        let before = self.text.as_bytes().iter().take(place.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }
    fn wrong<T>(&self, place: &Range<usize>, message: impl fmt::Display) -> Result<T, Refused> {
        Err(refused(self.path, self.line(place), message))
    }
}

pub(super) fn refused(path: &Path, line: usize, message: impl fmt::Display) -> Refused {
    Refused(format!("{}:{line}: {message}", path.display()))
}

impl Plan {
    /// Reads a plan; what is wrong with it is said with its line.
    pub fn read(path: &Path) -> Result<Plan, Refused> {
        let text = std::fs::read(path)
            .map_err(|error| Refused(format!("cannot read {}: {error}", path.display())))?;
        Plan::parse(path, &String::from_utf8_lossy(&text))
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Plan, Refused> {
        let file: PlanFile = toml::from_str(text)
            .map_err(|error| Refused(format!("{}: {}", path.display(), error.to_string().trim_end())))?;
        let page = Page { path, text };
        let grid = match &file.grid {
            Some(grid) => Grid { axes: axes(&page, grid)? },
            None => return Err(Refused(format!("{}: {EMPTY}", path.display()))),
        };
        let profile = match &file.profile {
            None => None,
            Some(name) => match name.get_ref().parse::<Profile>() {
                Ok(profile) => Some(profile),
                Err(error) => return page.wrong(&name.span(), format!("as: {error}")),
            },
        };
        let runs = file.runs.as_ref().map_or(RUNS, |runs| *runs.get_ref());
        if let Some(place) = file.runs.as_ref().filter(|_| !(1..=MOST_RUNS).contains(&runs)) {
            return page.wrong(&place.span(), format!("runs: 1 to {MOST_RUNS} of each story at a point"));
        }
        let sample = file.sample.as_ref().map(|n| *n.get_ref());
        if let Some(place) = file.sample.as_ref().filter(|n| *n.get_ref() == 0) {
            return page.wrong(&place.span(), "sample: at least one setting, or there is nothing to run");
        }
        let mut plan = Plan {
            cluster: cluster(&file, &page)?,
            profile,
            sample,
            seed: file.seed,
            stories: stories(&file, &page)?,
            runs,
            quiet: quiet(&file, &page)?,
            target: None,
            grid_line: file.grid.as_ref().map_or(1, |grid| page.line(&grid.span())),
            path: path.to_owned(),
            grid,
        };
        if let Some(text) = &file.target {
            let said = |error| refused(path, page.line(&text.span()), format!("target: {error}"));
            plan.target = Some(Target::parse(text.get_ref()).map_err(said)?);
            plan.weather().map_err(said)?;
        }
        Ok(plan)
    }

    /// A target's loss has to be one that is tried; where the grid says nothing of loss, it is tried everywhere.
    fn weather(&mut self) -> Result<(), String> {
        let Some(loss) = self.target.as_ref().and_then(|target| target.loss) else { return Ok(()) };
        let shares = self.grid.axes.iter().find_map(|axis| match &axis.what {
            What::Loss(shares) => Some(shares),
            _ => None,
        });
        let text = super::target::Share(loss).to_string();
        match shares {
            Some(shares) if shares.contains(&loss) => Ok(()),
            Some(_) => Err(format!(
                "it is about {text} loss, and no point has that: write \"{text}\" into `loss` of the grid"
            )),
            None => {
                let what = What::Loss(vec![loss]);
                self.grid.axes.push(Axis { name: "loss".to_owned(), line: 1, what, values: vec![text] });
                Ok(())
            }
        }
    }
}

const EMPTY: &str =
    "the grid is empty: write the keywords to vary below `[grid]`, such as `advert_int = [1, 2]`";

fn cluster(file: &PlanFile, page: &Page<'_>) -> Result<Named, Refused> {
    let of = |path: &PathBuf| page.path.parent().unwrap_or(Path::new("")).join(path);
    let wrong = |message: &str| Err(Refused(format!("{}: {message}", page.path.display())));
    let subnet = match &file.subnet {
        None => None,
        Some(text) => match text.get_ref().parse::<Ipv4Net>() {
            Ok(net) if net == net.trunc() && !file.lan => Some(net),
            Ok(net) if net == net.trunc() => {
                return page.wrong(&text.span(), "subnet: a lan is none: leave out one of the two");
            }
            Ok(net) => {
                return page.wrong(&text.span(), format!("subnet: did you mean {}?", net.trunc()));
            }
            Err(_) => {
                return page.wrong(&text.span(), "subnet: a range of addresses such as \"172.16.16.0/24\"");
            }
        },
    };
    match (&file.scenario, file.files.as_slice()) {
        (None, []) => wrong("no cluster: name a scenario file (`scenario`) or configuration files (`files`)"),
        (Some(_), [_, ..]) => wrong("two clusters: `scenario` or `files`, not both"),
        (Some(_), []) if file.lan || subnet.is_some() => {
            wrong("`lan` and `subnet` are for `files`: a scenario has its own network")
        }
        (Some(path), []) => Ok(Named::Scenario(of(path))),
        (None, files) => Ok(Named::Files { files: files.iter().map(of).collect(), lan: file.lan, subnet }),
    }
}

fn stories(file: &PlanFile, page: &Page<'_>) -> Result<Vec<Story>, Refused> {
    let Some(named) = &file.stories else { return Ok(vec![Story::PowerOff]) };
    let names = || STORIES.map(Story::word).join(", ");
    let mut stories = Vec::new();
    for name in named.get_ref() {
        match STORIES.into_iter().find(|story| story.word() == name) {
            Some(story) if !stories.contains(&story) => stories.push(story),
            Some(_) => return page.wrong(&named.span(), format!("stories: {name} twice")),
            None => {
                let message = format!("stories: there is no {name:?}: there are {}", names());
                return page.wrong(&named.span(), message);
            }
        }
    }
    match stories.is_empty() {
        true => page.wrong(&named.span(), format!("stories: at least one of {}", names())),
        false => Ok(stories),
    }
}

fn quiet(file: &PlanFile, page: &Page<'_>) -> Result<Duration, Refused> {
    let Some(text) = &file.quiet else { return Ok(Duration::from_secs(DAY)) };
    match long_time(text.get_ref()) {
        Ok(time) if time <= MOST_QUIET => Ok(time),
        Ok(_) => page.wrong(&text.span(), "quiet: ten years is the most"),
        Err(error) => page.wrong(&text.span(), format!("quiet: {error}")),
    }
}

/// `30s`, `12h`, `1d`, `2y`: days and years (of 365 days) as well.
fn long_time(text: &str) -> Result<Duration, String> {
    let days = [('d', DAY), ('y', 365 * DAY)];
    let counted = days.into_iter().find_map(|(unit, seconds)| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(Duration::from_secs(count.saturating_mul(seconds)))
    });
    match counted.map_or_else(|| times(text), |time| Ok((time, time)))? {
        (low, high) if low == high => Ok(low),
        _ => Err("one time, not a range, such as \"1d\"".to_owned()),
    }
}

/// The axes, in the order in which they stand in the file.
fn axes(page: &Page<'_>, grid: &Spanned<BTreeMap<String, Entry>>) -> Result<Vec<Axis>, Refused> {
    let mut found: Vec<(String, Range<usize>, Vec<String>)> = Vec::new();
    for (key, entry) in grid.get_ref() {
        match entry {
            Entry::Values(values) => found.push((key.clone(), values.place.clone(), values.texts.clone())),
            Entry::Machines(machines) => {
                for (machine, values) in machines {
                    let texts = values.get_ref().texts.clone();
                    found.push((format!("{key}.{machine}"), values.span(), texts));
                }
            }
        }
    }
    found.sort_by_key(|(_, place, _)| place.start);
    if found.is_empty() {
        return page.wrong(&grid.span(), EMPTY);
    }
    let mut axes: Vec<Axis> = Vec::new();
    for (name, place, values) in found {
        let place = if place.is_empty() { grid.span() } else { place };
        if values.is_empty() {
            return page
                .wrong(&place, format!("{name}: no value: give a list such as [1, 2], or leave it out"));
        }
        if let Some((i, twice)) = values.iter().enumerate().find(|(i, value)| values[..*i].contains(value)) {
            return page.wrong(&place, format!("{name}: {twice} twice, the second time as number {}", i + 1));
        }
        if let Some(odd) = values.iter().find(|value| value.chars().any(|c| c.is_control() || c == '"')) {
            return page.wrong(&place, format!("{name}: {odd:?} is no value of a keyword"));
        }
        let what = match name.as_str() {
            "loss" => each(&values, share_of).map(What::Loss),
            "bind-delay" => each(&values, times).map(What::BindDelay),
            name => Ok(match name.split_once('.') {
                Some((key, machine)) => {
                    What::Keyword { key: key.to_owned(), machine: Some(machine.to_owned()) }
                }
                None => What::Keyword { key: name.to_owned(), machine: None },
            }),
        };
        match what {
            Ok(what) if axes.iter().any(|axis| axis.what == what || axis.name == name) => {
                return page.wrong(&place, format!("{name}: a second time"));
            }
            Ok(what) => axes.push(Axis { line: page.line(&place), name, what, values }),
            Err(error) => return page.wrong(&place, format!("{name}: {error}")),
        }
    }
    Ok(axes)
}

fn each<T>(values: &[String], of: fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    values.iter().map(|value| of(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Plan, String> {
        Plan::parse(Path::new("plans/p.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_plan_is_read_in_its_own_order() {
        let text = "files = [\"a.conf\", \"b.conf\"]\nquiet = \"2d\"\n[grid]\npriority.b = [90, 120]\n\
                    advert_int = [0.1, 1]\nnopreempt = [true, false]\nbind-delay = [\"0s\", \"1s..3s\"]\n\
                    priority.a = [100]\n";
        let plan = parse(text).unwrap();
        let axes: Vec<(&str, usize)> =
            plan.grid.axes.iter().map(|axis| (axis.name.as_str(), axis.line)).collect();
        let expected =
            [("priority.b", 4), ("advert_int", 5), ("nopreempt", 6), ("bind-delay", 7), ("priority.a", 8)];
        assert_eq!(axes, expected);
        assert_eq!(plan.grid.axes[1].values, ["0.1", "1"]);
        assert_eq!(plan.grid.axes[2].values, ["on", "off"]);
        assert_eq!(plan.quiet, Duration::from_secs(2 * DAY));
        assert_eq!((plan.runs, plan.seed, plan.stories), (RUNS, 1, vec![Story::PowerOff]));
        let Named::Files { files, .. } = plan.cluster else { panic!("files") };
        assert_eq!(files[0], Path::new("plans/a.conf"), "relative to the plan");
    }

    #[test]
    fn a_targets_loss_is_tried_where_the_grid_says_nothing_of_loss() {
        let head = "scenario = \"x.scn\"\ntarget = \"false takeovers <= 1 a year at 0.1% loss\"\n[grid]\n";
        let plan = parse(&format!("{head}advert_int = [1]\n")).unwrap();
        assert_eq!(plan.grid.axes[1].what, What::Loss(vec![crate::world::Ppm(1_000)]));
        let wrong = parse(&format!("{head}loss = [\"1%\"]\n")).unwrap_err();
        assert!(wrong.starts_with("plans/p.toml:2: target: it is about 0.1% loss"), "{wrong}");
    }

    #[test]
    fn a_plan_says_what_is_wrong_with_it_and_where() {
        let head = "files = [\"a.conf\", \"b.conf\"]\n";
        let grid = "[grid]\nadvert_int = [1]\n";
        for (text, message) in [
            (format!("{head}qiet = \"1d\"\n{grid}"), "line 2"),
            (head.to_owned(), "the grid is empty"),
            (format!("{head}[grid]\n"), "the grid is empty"),
            (format!("{head}[grid]\nadvert_int = []\n"), "plans/p.toml:2: advert_int: no value"),
            (format!("{head}[grid]\nadvert_int = [1, 2, 1]\n"), ":3: advert_int: 1 twice"),
            (format!("{head}[grid]\nloss = [\"-0.1%\"]\n"), ":3: loss: expected a share"),
            (format!("{head}[grid]\nloss = [-0.1]\n"), ":3: loss: expected a share"),
            (format!("{head}[grid]\nbind-delay = [\"3s..1s\"]\n"), ":3: bind-delay: "),
            (format!("{head}[grid]\nadvert_int = 1\n"), "a list of values"),
            (format!("{head}[grid]\nadvert_int = [[1]]\n"), "a value"),
            (format!("{head}[grid]\npriority.b = [1]\n\"priority.b\" = [2]\n"), "a second time"),
            (format!("{head}target = \"fast\"\n{grid}"), "plans/p.toml:2: target: `fast` is no limit"),
            (format!("{head}runs = 0\n{grid}"), ":2: runs: 1 to 10000"),
            (format!("{head}sample = 0\n{grid}"), ":2: sample: at least one"),
            (format!("{head}quiet = \"1w\"\n{grid}"), ":2: quiet: "),
            (format!("{head}quiet = \"11y\"\n{grid}"), ":2: quiet: ten years"),
            (
                format!("{head}stories = [\"fire\"]\n{grid}"),
                "there is no \"fire\": there are power-off, kill",
            ),
            (format!("{head}stories = []\n{grid}"), ":2: stories: at least one"),
            (format!("{head}as = \"frr\"\n{grid}"), ":2: as: "),
            (format!("{head}subnet = \"10.0.0.1/24\"\n{grid}"), "did you mean 10.0.0.0/24?"),
            (format!("{head}scenario = \"x.scn\"\n{grid}"), "two clusters"),
            (grid.to_owned(), "no cluster"),
            (format!("scenario = \"x.scn\"\nlan = true\n{grid}"), "a scenario has its own network"),
        ] {
            let error = parse(&text).map(|_| ()).unwrap_err();
            assert!(error.contains(message), "{text}\n{error}");
        }
    }
}
