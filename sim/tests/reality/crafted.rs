//! Advertisements that no keepalived sends: which of them a master believes.

use havip::program::Role;

use crate::capture::A;
use crate::case::Case;
use crate::compare::Row;
use crate::figures::{self, MS};
use crate::play::Player;

/// How long a master has to give way to what it believes. Its own next advertisement is later.
const SOON: i64 = 300 * MS;

/// A row for each crafted frame that has a name and a verdict.
pub fn rows(case: &Case) -> Vec<Row> {
    let (runs, crafted) = (figures::runs(case.name), figures::crafted(case.name));
    let table = runs.first().and_then(|run| run.value("/table")).and_then(|table| table.as_array());
    let Some(table) = table.filter(|_| case.pending.is_none()) else { return Vec::new() };
    let capture = Player::new(case).play(runs.first().map(figures::Figures::for_a_place).as_ref(), 1);
    let mut rows = Vec::new();
    for (n, frame) in crafted.iter().enumerate() {
        // The harness says `send NAME`, and the table has the name alone.
        let entry = table.iter().find(|entry| entry[0].as_str().is_some_and(|name| frame.name == name));
        let Some(real) = entry.and_then(|entry| entry[1].as_str()) else { continue };
        let sent = capture.act(n);
        let gave_way = capture.role(A, Role::Backup, sent).is_some_and(|at| at - sent < SOON);
        let was_master = capture.role(A, Role::Master, 0).is_some_and(|at| at < sent);
        let simulated = match (was_master, gave_way) {
            (true, true) => "a->BACKUP",
            (true, false) => "a stays MASTER",
            (false, _) => "a is no master",
        };
        let within = usize::from(simulated == real);
        let wrong =
            if within == 1 { Vec::new() } else { vec![format!("{real} measured, {simulated} simulated")] };
        rows.push(Row {
            what: format!("crafted: {}", frame.name),
            n: 1,
            real: real.to_owned(),
            simulated: simulated.to_owned(),
            within: (within, 1),
            reasons: Vec::new(),
            wrong,
        });
    }
    let named = table.len();
    if rows.len() != named {
        let wrong = vec![format!("{named} crafted frames have a verdict, {} were sent", rows.len())];
        rows.push(Row {
            what: "crafted frames".to_owned(),
            n: named,
            real: named.to_string(),
            simulated: rows.len().to_string(),
            within: (0, 1),
            reasons: Vec::new(),
            wrong,
        });
    }
    rows
}
