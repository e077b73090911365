//! `vrrp_track_process`: how many processes of a name must run.

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::model::TrackProcess;
use super::parser::Node;
use super::tracking::{Definition, own_weight};
use super::values::{integer, seconds};
use crate::time::Duration;

/// More processes than Linux runs by default (`pid_max`).
const QUORUM_MAX: u64 = 65_535;
/// An hour, in microseconds.
const DELAY_MAX: u64 = 3_600_000_000;

/// Reads a block; `None` where keepalived removes it.
pub(super) fn read(
    name: &Word,
    node: &Node,
    place: usize,
    out: &mut Diagnoses,
) -> Option<Definition<TrackProcess>> {
    let (mut process, mut weight, mut reverse) = (None, 0, false);
    let (mut least, mut most) = (None, None);
    let (mut fork_delay, mut terminate_delay) = (Duration::ZERO, Duration::ZERO);
    for line in &node.children {
        let count = |min, out: &mut Diagnoses| {
            let read = integer(line, min, QUORUM_MAX, "ignored", out).ok();
            read.and_then(|n| u32::try_from(n).ok()).map(|n| (n, line.span()))
        };
        let delay = |out: &mut Diagnoses| seconds(line, 0, DELAY_MAX, "ignored", out);
        match line.name() {
            "process" => process = line.value().map(|w| file_name(&w.text).to_owned()),
            "weight" => (weight, reverse) = own_weight(line, 0, out),
            "quorum" => least = count(1, out).or(least),
            "quorum_max" => most = count(0, out).or(most),
            "fork_delay" => fork_delay = delay(out).unwrap_or(fork_delay),
            "terminate_delay" => terminate_delay = delay(out).unwrap_or(terminate_delay),
            "delay" => {
                if let Some(both) = delay(out) {
                    (fork_delay, terminate_delay) = (both, both);
                }
            }
            _ => {}
        }
    }
    let Some(process) = process.filter(|p| !p.is_empty()) else {
        let message =
            format!("the vrrp_track_process {} has no `process` line: it is left out", quote(&name.text));
        out.push(Diagnosis::error("no-process-line", name.span, message).by_keepalived());
        return None;
    };
    let top = most.map_or(u32::MAX, |(most, _)| most);
    if let (Some((least, line)), Some((_, other))) = (least, most)
        && least > top
    {
        let message = format!("at least {least} and at most {top} processes are never there");
        let never = Diagnosis::error("quorum-above-max", line, message).label(format!("{top} is used"));
        out.push(never.related(other, "at most"));
    }
    let quorum = (least.map_or(1, |(least, _)| least).min(top), top);
    let value = TrackProcess { name: name.text.clone(), process, quorum, fork_delay, terminate_delay };
    Some(Definition { value, weight, reverse, place, name: name.span })
}

/// What the kernel calls a process that runs this executable.
fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
