//! What a program tells: lines into a pipe, and what scripts are given.

use havip_sim::world::NodeId;

use super::shared::{came_and_went, in_turn};
use crate::capture::{A, B, Capture, VIP};
use crate::case::Case;
use crate::figures::{Figures, MS, Nanos, SECOND};

/// The harness's names for the parts of its runs, in order of time.
const PHASES: [&str; 16] = [
    "startup",
    "fault(pa down)",
    "recover(pa up)",
    "oneway a->b drop",
    "heal",
    "prio -20 (track_file)",
    "prio back",
    "fault(qa down)",
    "recover(qa up)",
    "hup a",
    "hup b",
    "hup a instance removed",
    "term a",
    "start a",
    "kill9 a",
    "term b",
];

/// The lines or calls of one node in every phase of a run, in order of time.
fn phases<'m>(m: &'m Figures, what: &'m str, node: &'m str) -> impl Iterator<Item = &'m str> {
    let lists = PHASES.iter().filter_map(move |name| m.value(&format!("/{name}/{what}/{node}"))?.as_array());
    lists.flatten().filter_map(|one| one.get(1)?.as_str())
}
/// `VI_1 MASTER 100, VI_1 FAULT 100`: the lines without what they all have.
fn lines<'l>(lines: impl Iterator<Item = &'l str>) -> Option<String> {
    let bare = |line: &str| line.replace("INSTANCE ", "").replace("GROUP ", "").replace('"', "");
    Some(lines.map(bare).collect::<Vec<_>>().join(", "))
}
fn piped(c: &Capture, node: NodeId) -> Option<String> {
    lines(c.told(node, true).map(|(_, line)| line))
}
/// What scripts were given, each call once, least first: they are not waited for, so that a later one may write first.
fn calls(calls: impl Iterator<Item = String>) -> Option<String> {
    let each: std::collections::BTreeSet<String> = calls.collect();
    Some(each.into_iter().collect::<Vec<_>>().join(", "))
}
/// `argc=2 argv=[notify][x] uid=0` is `notify x`.
fn argv(call: &str) -> Option<String> {
    let words = call.split("argv=[").nth(1)?.split("] ").next()?;
    Some(words.replace("][", " "))
}
fn given(m: &Figures, node: &str) -> Option<String> {
    calls(phases(m, "notify", node).filter_map(argv))
}
/// A command without the script's own path.
fn called(c: &Capture, node: NodeId) -> Option<String> {
    calls(c.told(node, false).filter_map(|(_, call)| Some(call.split_once(' ')?.1.to_owned())))
}
fn runs(c: &Capture, node: NodeId) -> Option<String> {
    Some(c.told(node, false).count().to_string())
}

/// Node by node and address by address: in which order two move within a millisecond is how long a kernel takes.
fn of_each_address(mut words: Vec<String>) -> String {
    words.sort_by_key(|word| (word[..1].to_owned(), word[3..].to_owned()));
    words.join(", ")
}
/// Which addresses come and go in all phases of a run.
fn moves(m: &Figures) -> Option<String> {
    let each = PHASES.iter().filter_map(|phase| came_and_went(m, &format!("/{phase}/addr")));
    let mut all: Vec<String> =
        each.flat_map(|part| part.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    all.retain(|word| word != "none");
    Some(of_each_address(all))
}
/// The rows that every case has.
fn told(case: Case) -> Case {
    case.equal("lines into a's pipe, in order", |m| lines(phases(m, "fifo", "a")), |c| piped(c, A))
        .equal("lines into b's pipe, in order", |m| lines(phases(m, "fifo", "b")), |c| piped(c, B))
        .equal("what a's scripts are given, each once", |m| given(m, "a"), |c| called(c, A))
        .equal("what b's scripts are given, each once", |m| given(m, "b"), |c| called(c, B))
        .equal("scripts that a runs", |m| Some(phases(m, "notify", "a").count().to_string()), |c| runs(c, A))
        .equal("addresses that come and go", moves, |c| {
            Some(of_each_address(in_turn(c.moves(0, Nanos::MAX)).split(", ").map(str::to_owned).collect()))
        })
        .equal("scripts that b runs", |m| Some(phases(m, "notify", "b").count().to_string()), |c| runs(c, B))
}

/// Of each time that an address came or went in a run, how much later this was told: the nearest word of it.
fn after_each(moves: &[Nanos], told: &[Nanos]) -> Vec<Nanos> {
    let near = |at: &Nanos| told.iter().map(|word| word - at).min_by_key(|late| late.abs());
    moves.iter().filter_map(near).filter(|late| late.abs() < 100 * MS).collect()
}
/// What a figure's phases say: when the address came (or went), and when that was told, node by node.
fn told_after(m: &Figures, came: bool, list: &str, word: &str) -> Vec<Nanos> {
    let verb = if came { "ADD" } else { "DEL" };
    let times = |path: &str, fits: &dyn Fn(&serde_json::Value) -> bool| -> Vec<Nanos> {
        let rows = m.value(path).and_then(|list| list.as_array()).into_iter().flatten().enumerate();
        let fitting = rows.filter(|(_, row)| fits(row));
        fitting.filter_map(|(i, _)| m.time(&format!("{path}/{i}/0"))).collect()
    };
    let mut late = Vec::new();
    for (phase, node) in PHASES.iter().flat_map(|phase| ["a", "b"].map(|node| (phase, node))) {
        let of_it = |row: &serde_json::Value| {
            row[1] == node && row[2].as_str().is_some_and(|what| what.starts_with(verb))
        };
        let moves = times(&format!("/{phase}/addr"), &of_it);
        let says = |row: &serde_json::Value| row[1].as_str().is_some_and(|text| text.contains(word));
        late.extend(after_each(&moves, &times(&format!("/{phase}/{list}/{node}"), &says)));
    }
    late
}
fn seen_after(c: &Capture, came: bool, pipe: bool, word: &str) -> Vec<Nanos> {
    let of = |node| {
        let told: Vec<Nanos> =
            c.told(node, pipe).filter(|(_, text)| text.contains(word)).map(|(at, _)| at).collect();
        after_each(&c.changes(node, VIP, came), &told)
    };
    [of(A), of(B)].concat()
}
/// How long after the address the outside hears of it.
fn heard(case: Case) -> Case {
    let row = |case: Case, what: &str, came: bool, pipe: bool, real: &'static str, sim: &'static str| {
        let list = if pipe { "fifo" } else { "notify" };
        case.host(what, move |m| told_after(m, came, list, real), move |c| seen_after(c, came, pipe, sim))
    };
    let case =
        row(case, "address there -> line of MASTER in the pipe", true, true, "\" MASTER ", "\" MASTER ");
    let case = row(case, "address there -> notify_master", true, false, "[notify_master]", "notify_master");
    let case = row(case, "address gone -> notify_fault", false, false, "[notify_fault]", "notify_fault");
    let case = row(case, "address gone -> notify_backup", false, false, "[notify_backup]", "notify_backup");
    row(case, "address gone -> notify_stop", false, false, "[notify_stop]", "notify_stop")
}

/// How long before the act an advertisement came, by the one that followed it.
fn next(m: &Figures, path: &str) -> Option<Nanos> {
    Some(SECOND + 200_000 - m.time(path)?)
}
fn everything() -> Case {
    let case = Case::new("d06_notify", 67)
        .act(0, "file tf 0 on a")
        .act(10_328, "unplug a")
        .after('a', |m| Some(3 * SECOND + 648_800_000 - m.time("/fault(pa down)/adv/b/0/0")?))
        .act(16_833, "plug a")
        .after('b', |m| next(m, "/recover(pa up)/adv/b/0/0"))
        .act(23_338, "cut a -> b")
        .after('a', |m| next(m, "/oneway a->b drop/adv/a/0/0"))
        .act(30_344, "heal")
        .after('b', |m| next(m, "/heal/adv/b/0/0"))
        .act(33_357, "file tf -20 on a")
        .after('a', |m| next(m, "/prio -20 (track_file)/adv/a/0/0"))
        .act(40_096, "file tf 0 on a")
        .after('b', |m| next(m, "/prio back/adv/b/0/0"))
        .act(47_037, "reload a with a.conf")
        .act(50_038, "stop a")
        .act(53_539, "start a")
        .then()
        .act(59_541, "kill a")
        .act(64_541, "stop b")
        .then();
    heard(told(case))
}
fn grouped() -> Case {
    let case = Case::new("d06b_notify_syncgroup", 23)
        .act(8_207, "unplug a.eth1")
        .act(13_211, "plug a.eth1")
        .then()
        .act(19_220, "stop a")
        .then()
        .act(22_221, "stop b")
        .then();
    told(case)
}
fn reloaded() -> Case {
    let case = Case::new("d06c_notify_reload_fifo_states", 17)
        .act(6_174, "reload a with a.first.conf")
        .act(8_675, "reload b with b.conf")
        .act(11_178, "reload a with a.reload.conf")
        .act(16_180, "stop a")
        .then()
        .act(16_180, "stop b")
        .then();
    told(case)
}

/// Notify scripts and pipes.
pub fn cases() -> Vec<Case> {
    vec![everything(), grouped(), reloaded()]
}
