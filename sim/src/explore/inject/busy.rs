//! When machines are being hit: nothing else hits them meanwhile.

use havip::time::{Duration, Time};

use super::super::base::Base;
use crate::world::{Act, TimedAct};

/// A program takes a moment to start: nothing hits it before.
pub(super) const STARTS: Duration = Duration::from_millis(100);

/// By machine: when the cluster's own acts stop, kill, hold or start its program, or its power.
pub(super) fn by_itself(base: &Base) -> Vec<Vec<(Time, Time)>> {
    let mut busy = vec![Vec::new(); base.setup.cvms.len()];
    // Since when each has been away, or held, by an act that another takes back.
    let mut since = vec![None; busy.len()];
    let mut acts: Vec<&TimedAct> = base.script.acts.iter().collect();
    acts.sort_by_key(|act| act.at);
    for TimedAct { at, act, .. } in acts {
        match *act {
            Act::Stop(cvm) | Act::Kill(cvm) | Act::PowerOff(cvm) | Act::Freeze(cvm) | Act::Pause(cvm) => {
                since[usize::from(cvm.0)].get_or_insert(*at);
            }
            Act::Start(cvm) | Act::PowerOn(cvm) | Act::Thaw(cvm) | Act::Resume(cvm) => {
                let from = since[usize::from(cvm.0)].take().unwrap_or(*at);
                busy[usize::from(cvm.0)].push((from, *at + STARTS));
            }
            _ => {}
        }
    }
    for (busy, from) in busy.iter_mut().zip(since) {
        busy.extend(from.map(|from| (from, Time::MAX)));
    }
    busy
}
