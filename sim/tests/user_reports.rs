//! The ledger of user reports: which scenario shows each, held against the files and the list of reports.

use std::collections::BTreeSet;
use std::path::Path;

const LEDGER: &str = include_str!("../docs/user-reports.md");
const REPORTS: &str = include_str!("data/user-reports.txt");

/// How the name of a scenario begins that is named for a report, and what the ledger calls that project's reports.
const PROJECTS: [(&str, &str); 12] = [
    ("ansible-keepalived-", "ansible-keepalived "),
    ("cosmic-core-", "cosmic-core "),
    ("frr-", "FRR "),
    ("keepalived-operator-", "keepalived-operator "),
    ("keepalived-", ""),
    ("kube-keepalived-vip-", "kube-keepalived-vip "),
    ("kube-vip-", "kube-vip "),
    ("metallb-", "metallb "),
    ("netlab-", "netlab "),
    ("opennebula-", "OpenNebula "),
    ("resource-agents-", "resource-agents "),
    ("vrrpd-", "Vrrpd "),
];
/// Scenarios of an older keepalived are named for its version, not for a report.
const OLDER: &str = "keepalived-1-3-";

/// A row of the ledger: its reports, the scenarios it names, and the whole text of its last cell.
struct Row {
    reports: Vec<&'static str>,
    scenarios: Vec<&'static str>,
    last: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = LEDGER.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| reports"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [reports, what, last] = cells[..] else { panic!("not three cells: {line}") };
            assert!(!what.is_empty(), "{line}");
            let scenarios = last.split('`').skip(1).step_by(2).filter(|name| !name.contains(' '));
            Row {
                reports: reports.split(", ").collect(),
                scenarios: scenarios.filter(|name| *name != "protodown").collect(),
                last,
            }
        })
        .collect()
}

/// The names of the scenario files.
fn files() -> BTreeSet<String> {
    let files = havip_sim::snapshot::files_in(Path::new("../scenarios"), "scn").expect("scenarios");
    files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned())).collect()
}

/// The report that a scenario is named for.
fn report_of(name: &str) -> Option<String> {
    if name.starts_with(OLDER) {
        return None;
    }
    PROJECTS.iter().find_map(|(prefix, project)| {
        let rest = name.strip_prefix(prefix)?;
        let number: &str = rest.split('-').next()?;
        (!number.is_empty() && number.bytes().all(|c| c.is_ascii_digit()))
            .then(|| format!("{project}{number}"))
    })
}

#[test]
fn every_failure_of_the_list_has_one_row_with_all_its_reports() {
    let lists: Vec<Vec<&str>> = REPORTS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(", ").collect())
        .collect();
    assert_eq!(lists.len(), 30);
    let ledger: Vec<Vec<&str>> = rows().into_iter().map(|row| row.reports).collect();
    for (listed, told) in lists.iter().zip(&ledger) {
        assert_eq!(listed, told);
    }
    assert_eq!(lists.len(), ledger.len());
    let mut all: Vec<&str> = ledger.concat();
    all.sort_unstable();
    assert!(all.windows(2).all(|two| two[0] != two[1]), "a report has two rows");
}

#[test]
fn every_scenario_that_the_ledger_names_exists() {
    let files = files();
    for row in rows() {
        for name in row.scenarios {
            assert!(files.contains(name), "{:?}: there is no scenarios/{name}.scn", row.reports);
        }
    }
}

#[test]
fn a_row_has_a_scenario_named_for_one_of_its_reports_or_says_why_there_is_none() {
    for row in rows() {
        let named = row.scenarios.iter().filter_map(|name| report_of(name));
        let own = named.filter(|report| row.reports.contains(&report.as_str())).count();
        let none = row.last.strip_prefix("none: ").is_some_and(|reason| reason.len() > 40);
        assert!((own > 0) != none, "{:?}: {}", row.reports, row.last);
    }
}

#[test]
fn every_scenario_named_for_a_report_is_in_its_row() {
    let rows = rows();
    let mut named = 0;
    for name in files() {
        let Some(report) = report_of(&name) else { continue };
        named += 1;
        let row = rows.iter().find(|row| row.reports.contains(&report.as_str()));
        let row = row.unwrap_or_else(|| panic!("{name}: no row has the report {report}"));
        assert!(row.scenarios.contains(&name.as_str()), "{name} is not in the row of {report}");
    }
    assert!(named >= 30, "only {named} scenarios are named for a report");
}

#[test]
fn a_scenario_is_named_for_a_report_by_project_and_number() {
    assert_eq!(report_of("keepalived-166-no-claim-after-heal").as_deref(), Some("166"));
    assert_eq!(report_of("keepalived-1-3-brace-is-a-word"), None);
    assert_eq!(report_of("keepalived-operator-78-x").as_deref(), Some("keepalived-operator 78"));
    assert_eq!(report_of("kube-vip-665-x").as_deref(), Some("kube-vip 665"));
    assert_eq!(report_of("cosmic-core-73-x").as_deref(), Some("cosmic-core 73"));
    assert_eq!(report_of("power-off"), None);
}
