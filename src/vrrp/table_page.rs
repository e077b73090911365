//! The state machine as a page: the graph, and every cell. `state-machine.md` beside this file is made here, and a
//! test holds it against the table.

use std::fmt::Write as _;

use super::table::{Cell, Effect, Input, cell};
use crate::profile::Profile;
use crate::program::Role;

const ROLES: [Role; 4] = [Role::Init, Role::Backup, Role::Master, Role::Fault];

/// The page, in Markdown.
pub fn page() -> String {
    let mut out = String::from(
        "# The state machine of a virtual router\n\n\
         Made from `src/vrrp/table.rs`, where every line says why; `cargo test -p havip state_machine` compares, and with\n\
         `HAVIP_BLESS=1` writes it anew.\n\n\
         ## What leads where\n\n",
    );
    graph(&mut out);
    out.push_str("\n## Every state by every input\n\nAs keepalived 2.2.7. `-` is nothing at all; `Turn` becomes the state named first.\n\n");
    cells(&mut out, Profile::KEEPALIVED);
    for profile in Profile::ALL.into_iter().filter(|p| *p != Profile::KEEPALIVED) {
        let _ = writeln!(out, "\n## Where `{profile}` differs\n");
        differences(&mut out, profile);
    }
    out
}

/// Mermaid: an arrow for each pair of states, with the inputs that lead along it.
fn graph(out: &mut String) {
    out.push_str("```mermaid\nstateDiagram-v2\n    [*] --> INIT\n");
    for from in ROLES {
        for to in ROLES.into_iter().filter(|to| *to != from) {
            let leads = |i: &Input| cell(from, *i, Profile::KEEPALIVED).to == to;
            let inputs: Vec<&str> = Input::ALL.into_iter().filter(leads).map(Input::words).collect();
            if !inputs.is_empty() {
                let _ = writeln!(out, "    {from} --> {to}: {}", inputs.join("<br>"));
            }
        }
    }
    out.push_str("```\n");
}

fn cells(out: &mut String, profile: Profile) {
    for role in ROLES {
        let _ = writeln!(out, "### {role}\n\n| input | next | what is done |\n|---|---|---|");
        for input in Input::ALL {
            let cell = cell(role, input, profile);
            let _ = writeln!(out, "| {input} | {} | {} |", next(role, cell), effects(cell.effects));
        }
        out.push('\n');
    }
    out.pop();
}

fn differences(out: &mut String, profile: Profile) {
    out.push_str("| state | input | next | what is done |\n|---|---|---|---|\n");
    for role in ROLES {
        for input in Input::ALL {
            let (own, measured) = (cell(role, input, profile), cell(role, input, Profile::KEEPALIVED));
            if own != measured {
                let _ =
                    writeln!(out, "| {role} | {input} | {} | {} |", next(role, own), effects(own.effects));
            }
        }
    }
}

fn next(role: Role, cell: Cell) -> String {
    if cell.to == role { String::new() } else { cell.to.to_string() }
}

fn effects(effects: &[Effect]) -> String {
    match effects {
        [] => "-".to_owned(),
        some => some.iter().map(|e| format!("`{e:?}`")).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every state by every input, whole: a change of any cell is seen here.
    #[test]
    fn the_page_of_the_state_machine_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/vrrp/state-machine.md");
        let page = page();
        if std::env::var_os("HAVIP_BLESS").is_some() {
            std::fs::write(path, &page).expect("the page can be written");
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(stored, page, "run again with HAVIP_BLESS=1, and read what changed");
    }

    #[test]
    fn a_cell_that_leads_elsewhere_says_so_and_no_other_does() {
        for profile in Profile::ALL {
            for (role, input) in ROLES.into_iter().flat_map(|r| Input::ALL.map(|i| (r, i))) {
                let cell = cell(role, input, profile);
                let turns = cell.effects.iter().filter(|e| **e == Effect::Turn).count();
                assert_eq!(turns, usize::from(cell.to != role), "{profile}: {role}, {input}");
            }
        }
    }

    #[test]
    fn a_state_that_is_left_keeps_none_of_its_timers_or_addresses() {
        for profile in Profile::ALL {
            for (role, input) in ROLES.into_iter().flat_map(|r| Input::ALL.map(|i| (r, i))) {
                let cell = cell(role, input, profile);
                let does = |effect| cell.effects.contains(&effect);
                let ends = does(Effect::DisarmElection) || does(Effect::DisarmAll);
                let leaves = |from, to: Option<Role>| {
                    role == from && to.is_none_or(|to| cell.to == to) && cell.to != from
                };
                if leaves(Role::Master, None) {
                    assert!(does(Effect::RemoveAddresses) && ends, "{profile}: {input}");
                }
                if leaves(Role::Backup, None) {
                    assert!(ends, "{profile}: {input}");
                }
                if cell.to == Role::Backup && role != Role::Backup {
                    assert!(
                        does(Effect::AwaitMaster) || does(Effect::AwaitSkew),
                        "{profile}: {role}, {input}"
                    );
                }
            }
        }
    }
}
