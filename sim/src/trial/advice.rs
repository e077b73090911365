//! For each verdict that is not ok: the line that decided it, why, what to write instead, and what would be then.
//!
//! What would be then is not guessed: the row is run again on the changed files.

use havip::time::Duration;

use super::Refusal;
use super::battery::{Plan, Story};
use super::change::Change;
use super::cluster::{Cluster, Machine};
use super::disagreement::disagreement;
use super::execute;
use super::rows::{Row, Verdict, rows_of};
use super::service;
use super::settings::Settings;
use super::table;

/// What to do about a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The verdict, in words.
    pub verdict: String,
    /// The rows that have it, in words.
    pub rows: Vec<String>,
    /// The lines that decided it: `FILE:LINE: text`.
    pub decided: Vec<String>,
    /// Why, in a sentence.
    pub why: String,
    /// What to write instead; empty where no line helps.
    pub write: Vec<String>,
    /// What each of the rows would then be, in their order.
    pub then: Vec<String>,
}

/// What is known to help.
pub(super) struct Cure {
    pub(super) decided: Vec<String>,
    pub(super) why: String,
    pub(super) write: Vec<String>,
    pub(super) change: Option<Change>,
}

/// A remedy for each kind of verdict that occurs.
pub(super) fn remedies(cluster: &Cluster, settings: &Settings, rows: &[Row]) -> Result<Vec<Remedy>, Refusal> {
    let mut kinds: Vec<Verdict> = rows.iter().flat_map(|row| row.verdicts.iter().map(|(v, _)| *v)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    // A limit on what is left behind anyway says nothing new.
    let stale = kinds.contains(&Verdict::LeftBehind);
    kinds.retain(|kind| !(stale && matches!(kind, Verdict::StaleLimit(_))));
    let mut remedies = Vec::new();
    for kind in kinds {
        let has = |row: &&Row| row.verdicts.iter().any(|(verdict, _)| *verdict == kind);
        let mut with_it: Vec<&Row> = rows.iter().filter(has).collect();
        if kind.is_limit() {
            // Where the row has a graver verdict, that one's remedy is what to do; where all have one, the limit may be
            // passed all the same when they are mended.
            let own =
                |row: &&Row| row.verdict() == Some(kind) || row.verdict().is_some_and(Verdict::is_limit);
            let only: Vec<&Row> = with_it.iter().copied().filter(own).collect();
            if !only.is_empty() {
                with_it = only;
            }
        }
        // What makes an outage long is detection, or that nobody announces the address for a while.
        let by_claim = |row: &&&Row| matches!(kind, Verdict::OutageLimit(_)) && waits_for_a_claim(row);
        let (waiting, others): (Vec<&Row>, Vec<&Row>) = with_it.iter().partition(|row| by_claim(row));
        for rows in [others, waiting].into_iter().filter(|rows| !rows.is_empty()) {
            remedies.push(remedy(kind, cluster, settings, &rows)?);
        }
    }
    Ok(remedies)
}

/// Whether a row's worst outage is that the client's traffic goes to a machine that gave the address up.
fn waits_for_a_claim(row: &Row) -> bool {
    let worst = &row.figures[row.worst];
    worst.stale * 2 > worst.without.time && worst.without.time > Duration::from_secs(1)
}

fn remedy(kind: Verdict, cluster: &Cluster, settings: &Settings, rows: &[&Row]) -> Result<Remedy, Refusal> {
    let cure = cure(kind, cluster, settings, rows[0]);
    let then = match &cure.change {
        Some(change) => then(change, cluster, settings, rows)?,
        None => Vec::new(),
    };
    Ok(Remedy {
        verdict: table::verdict(kind),
        rows: rows.iter().map(|row| table::row_in_words(row)).collect(),
        decided: cure.decided,
        why: cure.why,
        write: cure.write,
        then,
    })
}

fn cure(kind: Verdict, cluster: &Cluster, settings: &Settings, row: &Row) -> Cure {
    // Machines that do not understand each other, or serve nobody by their own will, are nothing else's fault.
    let is_service = row.story == Story::ServiceDies && kind == Verdict::NobodyServes;
    if !is_service && cluster.machines.iter().any(|machine| !machine.instance().accepts) {
        return closed(cluster);
    }
    if let Some(cure) = disagreement(cluster).filter(|_| !is_service) {
        return cure;
    }
    match kind {
        Verdict::LeftBehind => left_behind(cluster, row, "5"),
        Verdict::StaleLimit(_) => left_behind(cluster, row, "1"),
        Verdict::SecondSwitch => second_switch(cluster, row),
        Verdict::NobodyServes if row.story == Story::ServiceDies => service::dead(cluster, row),
        Verdict::TwoMasters | Verdict::NobodyServes | Verdict::TwoMastersLimit(_) => {
            elections(cluster, kind, row)
        }
        Verdict::OutageLimit(_) if row.story == Story::NoneServes => Cure {
            why: "no machine has the service until it is mended, 40 s after the power went: no line decides that".to_owned(),
            ..unknown()
        },
        Verdict::OutageLimit(_) if waits_for_a_claim(row) => left_behind(cluster, row, "1"),
        Verdict::OutageLimit(limit) => slow(cluster, settings, row, limit),
    }
}

/// A machine drops what is sent to its address.
fn closed(cluster: &Cluster) -> Cure {
    let decided = decided_in_all(cluster, "accept", "default on");
    let strict = decided.iter().any(|line| line.contains("strict"));
    let write = if strict { "strict_mode off" } else { "accept" };
    Cure {
        decided,
        why: "whoever holds the address answers ARP for it and drops every other packet".to_owned(),
        write: vec![write.to_owned()],
        change: Some(Change::with(&[("strict_mode", "off"), ("no_accept", "off")])),
    }
}

/// The rows again, on the changed files.
fn then(
    change: &Change,
    cluster: &Cluster,
    settings: &Settings,
    rows: &[&Row],
) -> Result<Vec<String>, Refusal> {
    let Some(changed) = change.made(cluster) else {
        return Ok(vec!["not run: these files do not take the change as it is written here".to_owned()]);
    };
    let refresh = changed.machines.iter().map(|m| m.instance().garp.master_refresh).max().unwrap_or_default();
    let mut plans: Vec<Plan> = Vec::new();
    let mut of_row = Vec::new();
    for row in rows {
        let first = row.first_of(cluster);
        let known = plans.iter().position(|plan| (plan.story, plan.first) == (row.story, first));
        of_row.push(known.unwrap_or(plans.len()));
        if known.is_none() {
            plans.push(Plan::new(&changed, settings, row.story, first));
        }
    }
    let runs = execute::run(&changed, settings, plans, &())?;
    let told = rows.iter().zip(of_row).map(|(row, place)| {
        let new = rows_of(&changed, settings, place, &runs[place]);
        let same = new.iter().find(|new| new.story != Story::Split || new.first_advert == row.first_advert);
        let words = match same {
            Some(new) => {
                format!("{} without the address, {}", table::without(new, refresh), table::verdict_of(new))
            }
            None => "does not happen any more".to_owned(),
        };
        format!("{}: {words}", table::row_in_words(row))
    });
    Ok(told.collect())
}

impl Row {
    /// Who is master first, by number.
    fn first_of(&self, cluster: &Cluster) -> Option<crate::world::CvmId> {
        let first = self.first.as_ref()?;
        let place = cluster.machines.iter().position(|machine| machine.name == first)?;
        Some(crate::world::CvmId(place as u16))
    }
}

/// The line of a keyword, or that there is none.
pub(super) fn decided(machine: &Machine, keyword: &str, default: &str) -> String {
    let sources = &machine.loaded.sources;
    let written = machine.instance().decided.get(keyword).and_then(|span| Some((*span, sources.get(*span)?)));
    match written {
        Some((span, source)) => {
            let (line, _) = sources.position(span);
            let written = source.text.lines().nth(line - 1).unwrap_or("").trim();
            // A log is no place for a password, nor for a key.
            let text = match keyword {
                "auth_pass" | "auth_hmac" => format!("{keyword} ***"),
                _ => written.to_owned(),
            };
            format!("{}:{line}: {text}", source.path)
        }
        None => format!("{}: no {keyword}: {default}", machine.path),
    }
}

/// A keyword's lines in all files, each once.
pub(super) fn decided_in_all(cluster: &Cluster, keyword: &str, default: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for machine in &cluster.machines {
        let line = decided(machine, keyword, default);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn left_behind(cluster: &Cluster, row: &Row, refresh: &str) -> Cure {
    let place = if cluster.lan { "the client's ARP entry" } else { "the binding" };
    let why = match (row.story, row.first_advert) {
        (Story::Split, Some(heard)) => format!(
            "{0}'s advert is heard first: the other master steps down without a word, {0} never heard it and does \
             not announce, so {place} stays with the loser until somebody announces the address",
            cluster.machines[usize::from(heard.0)].name
        ),
        _ => format!(
            "who stays master does not announce the address again, so {place} stays with a machine that gave it up"
        ),
    };
    Cure {
        decided: decided_in_all(cluster, "garp_master_refresh", "default 0, a master never announces again"),
        why,
        write: vec![format!("garp_master_refresh {refresh}")],
        change: Some(Change::with(&[("garp_master_refresh", refresh)])),
    }
}

fn second_switch(cluster: &Cluster, row: &Row) -> Cure {
    let place = cluster.machines.iter().position(|m| Some(m.name) == row.first.as_deref()).unwrap_or(0);
    let machine = &cluster.machines[place];
    let instance = machine.instance();
    let mut lines = Vec::new();
    for keyword in ["priority", "nopreempt", "preempt_delay"] {
        let wanted = keyword != "preempt_delay" || !instance.preempt_delay.is_zero();
        let line =
            decided(machine, keyword, if keyword == "priority" { "default 100" } else { "it preempts" });
        if wanted && !lines.contains(&line) {
            lines.push(line);
        }
    }
    let mut why = format!("{} has the higher priority ({}) and preempts", machine.name, instance.priority);
    if instance.starts_master {
        why.push_str("; `state MASTER` clears `nopreempt` and `preempt_delay`");
    }
    if machine.loaded.diagnoses.iter().any(|d| d.code == "seconds-not-minutes") {
        why.push_str("; `preempt_delay` counts seconds, not the minutes its comment says");
    }
    why.push_str(": clients suffer a second time, when nothing is broken");
    let mut pairs = vec![("state", "BACKUP"), ("nopreempt", "on")];
    let mut write = vec!["state BACKUP".to_owned(), "nopreempt".to_owned()];
    if instance.priority == 255 {
        pairs.push(("priority", "100"));
        write.push("priority 100".to_owned());
    }
    Cure { decided: lines, why, write, change: Some(Change::with(&pairs)) }
}

/// Detection takes N advert intervals and a skew time; version 3 counts them in hundredths of a second.
fn slow(cluster: &Cluster, settings: &Settings, row: &Row, limit: Duration) -> Cure {
    let cloud = row.spread(|one| one.without.cloud).max;
    let given = settings.cloud_delay.map_or(Duration::ZERO, |(_, longest)| longest);
    let left = limit.saturating_sub(cloud).saturating_sub(given);
    let decided = decided_in_all(cluster, "advert_int", "default 1 s");
    // In version 3 detection is at most N + 1 intervals; half of what is left is kept for the rest.
    let count =
        cluster.machines.iter().map(|m| u64::from(m.instance().down_timer_adverts)).max().unwrap_or(3);
    let centis = left.as_centis() / 2 / (count + 1);
    if centis == 0 {
        let why = "the cloud alone takes longer to move the binding than the limit allows: no line of a file decides \
                   it, --cloud-delay gives what you measured";
        return Cure { decided: Vec::new(), why: why.to_owned(), write: Vec::new(), change: None };
    }
    let interval = Duration::from_centis(centis.min(100));
    let interval = format!("{}.{:02}", interval.as_secs(), interval.as_centis() % 100);
    let mut why =
        format!("a backup waits for {count} adverts that do not come, and version 2 counts whole seconds");
    if cluster.machines.iter().any(|m| m.instance().password.is_some()) {
        why.push_str("; version 3 has no authentication, which in the clear protects from nothing");
    }
    Cure {
        decided,
        why,
        write: vec!["version 3".to_owned(), format!("advert_int {interval}")],
        change: Some(Change {
            with: vec![("version", "3".to_owned()), ("advert_int", interval)],
            edits: Vec::new(),
        }),
    }
}

fn elections(cluster: &Cluster, kind: Verdict, row: &Row) -> Cure {
    let why = match row.story {
        _ if kind == Verdict::NobodyServes => return unknown(),
        Story::Loss => {
            "so many adverts in a row are lost by chance now and then; waiting for more of them makes it rare, and detection slower"
        }
        Story::Freeze | Story::Pause => {
            "a machine that goes on works through what it missed before it gives way"
        }
        _ => return unknown(),
    };
    Cure {
        decided: decided_in_all(cluster, "down_timer_adverts", "default 3"),
        why: why.to_owned(),
        write: vec!["down_timer_adverts 6".to_owned()],
        change: Some(Change::with(&[("down_timer_adverts", "6")])),
    }
}

/// Nothing that is known here explains it.
fn unknown() -> Cure {
    let why =
        "no line was found that decides it; --save writes the run, and `havip-sim run` tells it line by line";
    Cure { decided: Vec::new(), why: why.to_owned(), write: Vec::new(), change: None }
}
