//! Weights where they cannot be: an owner's priority is 255 and stays it, and the instances of a group are one.

use super::Span;
use super::diagnosis::{Diagnoses, Diagnosis, Severity, quote};
use super::model::{Instance, Tracked};
use super::tracking::{Found, Kind};

/// Why an instance's trackers cannot have weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its priority is 255.
    Owner,
    /// It is in a group that does not say `sync_group_tracking_weight`.
    Group(Span),
}

/// An instance's trackers without weights, as keepalived leaves them: those of scripts are gone (and
/// those of processes and BFD sessions, assumed), one of an interface
/// stays, and a file's only if its weight is the 1 that it has without a word.
pub(super) fn drop_from(name: &str, found: Vec<Found>, why: Why, out: &mut Diagnoses) -> Vec<Found> {
    let settle = |mut f: Found| {
        if f.tracker.weight == 0 {
            return Some(f);
        }
        let stays = match f.kind {
            Kind::Interface => why != Why::Owner,
            Kind::Script | Kind::Process | Kind::Bfd => false,
            Kind::File => f.tracker.weight == 1,
        };
        let (because, help) = match why {
            Why::Owner => {
                ("an owner's priority stays 255", "give it a lower priority, or the tracker weight 0")
            }
            Why::Group(_) => (
                "weights do not count in a sync group",
                "move it into the group, or write `sync_group_tracking_weight` there",
            ),
        };
        let what = format!("{} {}", f.kind.name(), quote(&f.name));
        let message = if stays {
            format!("{name}: {because}: while {what} is bad it is in FAULT")
        } else {
            format!("{name}: {because}: {what} is not tracked")
        };
        let mut diagnosis = Diagnosis::new(Severity::Warning, "weight-dropped", Some(f.line), message);
        if let Why::Group(group) = why {
            diagnosis = diagnosis.related(group, "the group");
        }
        out.push(diagnosis.help(help).by_keepalived());
        f.tracker.weight = 0;
        stays.then_some(f)
    };
    found.into_iter().filter_map(settle).collect()
}

/// The trackers of a group with an owner among its members: all weights are cleared.
pub(super) fn clear(group: &str, found: &mut [Found], out: &mut Diagnoses) {
    for f in found.iter_mut().filter(|f| f.tracker.weight != 0) {
        f.tracker.weight = 0;
        let message = format!(
            "{group}: a member's priority is 255 and stays it: while {} {} is bad the group is in FAULT",
            f.kind.name(),
            quote(&f.name)
        );
        out.push(Diagnosis::warning("weight-dropped", f.line, message).by_keepalived());
    }
}

/// Says which weights of an instance can never change what its peers hear.
pub(super) fn check_effect(instance: &Instance, found: &[Found], out: &mut Diagnoses) {
    for f in found {
        let (base, weight) = (i16::from(instance.priority), f.tracker.weight);
        // The priority that is announced stays within 1..254.
        let moved = (base + weight).clamp(1, 254);
        if weight == 0 || moved != base || matches!(f.tracker.what, Tracked::File(_)) {
            continue;
        }
        let bound = if weight > 0 { "above 254" } else { "below 1" };
        let message =
            format!("{}: weight {weight} changes nothing: no tracker takes {base} {bound}", instance.name);
        let help =
            "a negative weight must take this machine below the others, a positive one lift it above them";
        out.push(Diagnosis::warning("weight-without-effect", f.line, message).help(help));
    }
}
