//! From the runs of a story to rows of the table: smallest and largest, how often, and a verdict.

use havip::time::Duration;

use super::battery::Story;
use super::cluster::Cluster;
use super::execute::Runs;
use super::measure::Figures;
use super::settings::{LEFT_BEHIND, Limits, Settings};
use crate::observe::Spread;
use crate::world::CvmId;

/// What is to be thought of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// At the end nobody answers the client, and not because it is left behind.
    NobodyServes,
    /// The client's traffic goes to a machine that is not master, and nothing will tell it soon.
    LeftBehind,
    /// Two machines that hear each other both stay master.
    TwoMasters,
    /// Coming back, a machine takes the address from one that served well.
    SecondSwitch,
    /// `--fail-on outage` is passed.
    OutageLimit(Duration),
    /// `--fail-on two-masters` is passed.
    TwoMastersLimit(Duration),
    /// `--fail-on stale` is passed.
    StaleLimit(Duration),
}

/// Two masters for longer than this is no election any more.
const ELECTION: Duration = Duration::from_secs(15);

/// Two masters for longer than this before anything happens do not hear each other.
const SPLIT: Duration = Duration::from_secs(1);

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its story.
    pub story: Story,
    /// The story in words; of a healed split, whose advert came first: `heal, a heard first`.
    pub title: String,
    /// Who is master first, by name.
    pub first: Option<String>,
    /// How many runs of the story ended in this row, and how many there are.
    pub share: (u32, u32),
    /// The runs.
    pub figures: Vec<Figures>,
    /// Who serves after, by name, and in how many runs; nobody is `None`.
    pub after: Vec<(Option<String>, u32)>,
    /// From the act to the first machine that became master by it; the runs that had one.
    pub takeover: Option<Spread<Duration>>,
    /// What is wrong with it, worst first, and in how many of its runs.
    pub verdicts: Vec<(Verdict, u32)>,
    /// The worst run: a place in `figures`.
    pub worst: usize,
    pub(super) plan: usize,
    pub(super) first_advert: Option<CvmId>,
}

impl Row {
    /// The smallest, the middle and the largest of a figure.
    pub fn spread(&self, of: fn(&Figures) -> Duration) -> Spread<Duration> {
        let none = Spread { min: Duration::ZERO, median: Duration::ZERO, max: Duration::ZERO };
        Spread::of(self.figures.iter().map(of).collect()).unwrap_or(none)
    }
    /// How often its phase happens, in thousandths.
    pub fn per_mille(&self) -> u32 {
        (self.share.0 * 1000 + self.share.1 / 2).checked_div(self.share.1).unwrap_or(0)
    }
    /// The worst that is wrong with it.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdicts.first().map(|(verdict, _)| *verdict)
    }
    /// Whether a limit of `--fail-on` is passed.
    pub fn fails(&self) -> bool {
        self.verdicts.iter().any(|(verdict, _)| verdict.is_limit())
    }
}

impl Verdict {
    /// Whether it is about a limit of `--fail-on`.
    pub fn is_limit(self) -> bool {
        matches!(self, Verdict::OutageLimit(_) | Verdict::TwoMastersLimit(_) | Verdict::StaleLimit(_))
    }
}

/// The rows of all stories, in the order of the table.
pub(super) fn rows(cluster: &Cluster, settings: &Settings, runs: &[Runs]) -> Vec<Row> {
    runs.iter().enumerate().flat_map(|(i, runs)| rows_of(cluster, settings, i, runs)).collect()
}

/// The rows of one story: one, or where a split heals one for each machine whose advert may come first.
pub(super) fn rows_of(cluster: &Cluster, settings: &Settings, plan: usize, runs: &Runs) -> Vec<Row> {
    if runs.figures.is_empty() {
        return Vec::new();
    }
    if runs.plan.story != Story::Split {
        return vec![row(cluster, settings, plan, runs, runs.figures.clone(), None)];
    }
    let mut groups: Vec<(Option<CvmId>, Vec<Figures>)> = Vec::new();
    for figures in &runs.figures {
        match groups.iter_mut().find(|(first, _)| *first == figures.first_advert) {
            Some((_, group)) => group.push(*figures),
            None => groups.push((figures.first_advert, vec![*figures])),
        }
    }
    groups.sort_by_key(|(first, _)| *first);
    groups.into_iter().map(|(first, group)| row(cluster, settings, plan, runs, group, Some(first))).collect()
}

fn row(
    cluster: &Cluster,
    settings: &Settings,
    plan: usize,
    runs: &Runs,
    figures: Vec<Figures>,
    by_advert: Option<Option<CvmId>>,
) -> Row {
    let name = |cvm: CvmId| cluster.machines[usize::from(cvm.0)].name.to_owned();
    let story = runs.plan.story;
    let mut title = story.title(cluster.machines.len()).to_owned();
    match by_advert {
        Some(Some(first)) => title = format!("heal, {} heard first", name(first)),
        Some(None) => title = "heal, none heard".to_owned(),
        None => {}
    }
    let mut after: Vec<(Option<String>, u32)> = Vec::new();
    for one in &figures {
        let who = one.after.map(name);
        match after.iter_mut().find(|(known, _)| *known == who) {
            Some((_, n)) => *n += 1,
            None => after.push((who, 1)),
        }
    }
    after.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    let mut verdicts: Vec<(Verdict, u32)> = Vec::new();
    for one in &figures {
        for verdict in judge(story, one, cluster, settings) {
            match verdicts.iter_mut().find(|(known, _)| *known == verdict) {
                Some((_, n)) => *n += 1,
                None => verdicts.push((verdict, 1)),
            }
        }
    }
    verdicts.sort();
    let badness = |one: &Figures| {
        let verdicts = judge(story, one, cluster, settings);
        let without = one.without;
        let worst = verdicts.iter().min().map_or(0, |v| 10 - rank(*v));
        (worst, without.open, without.time + without.cloud, one.two_masters, one.takeover)
    };
    // The first of those that are equally bad.
    let worst = (0..figures.len()).rev().max_by_key(|&i| badness(&figures[i])).unwrap_or(0);
    Row {
        story,
        title,
        first: runs.plan.first.map(name),
        share: (figures.len() as u32, runs.figures.len() as u32),
        after,
        takeover: Spread::of(figures.iter().filter_map(|one| one.takeover).collect()),
        verdicts,
        worst,
        plan,
        first_advert: by_advert.flatten(),
        figures,
    }
}

fn rank(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::NobodyServes => 0,
        Verdict::LeftBehind => 1,
        Verdict::TwoMasters => 2,
        Verdict::OutageLimit(_) | Verdict::TwoMastersLimit(_) | Verdict::StaleLimit(_) => 3,
        Verdict::SecondSwitch => 4,
    }
}

/// What is wrong with one run.
fn judge(story: Story, one: &Figures, cluster: &Cluster, settings: &Settings) -> Vec<Verdict> {
    let mut all = Vec::new();
    let delay = settings.cloud_delay.map_or(Duration::ZERO, |(_, longest)| longest);
    let left_behind = one.stale_open || one.stale > LEFT_BEHIND + delay;
    if left_behind {
        all.push(Verdict::LeftBehind);
    } else if one.after.is_none() {
        all.push(Verdict::NobodyServes);
    }
    // The longest a master can need to hear another one: a round of adverts on both sides.
    let slowest = cluster.machines.iter().map(|m| m.instance().advert_interval).max().unwrap_or_default();
    let no_election = one.two_masters_heard > ELECTION + slowest && story != Story::Loss;
    if no_election || one.two_before > SPLIT + slowest * 2 {
        all.push(Verdict::TwoMasters);
    } else if story == Story::Return && one.moved {
        all.push(Verdict::SecondSwitch);
    }
    let Limits { outage, two_masters, stale } = settings.limits;
    let over =
        |limit: Option<Duration>, time: Duration, open: bool| limit.filter(|most| open || time > *most);
    let without = one.without;
    all.extend(over(outage, without.time + without.cloud, without.open).map(Verdict::OutageLimit));
    all.extend(over(two_masters, one.two_masters_heard, false).map(Verdict::TwoMastersLimit));
    all.extend(over(stale, one.stale, one.stale_open).map(Verdict::StaleLimit));
    all
}

/// Machines that are not master when a story begins with them: another one has taken the address from them.
pub(super) fn never_first(cluster: &Cluster, runs: &[Runs]) -> Vec<String> {
    let mut names = Vec::new();
    for runs in runs.iter().filter(|runs| runs.figures.is_empty()) {
        if let Some(first) = runs.plan.first {
            let name = cluster.machines[usize::from(first.0)].name.to_owned();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
