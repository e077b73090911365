//! `havip-sim run` as its users meet it: what it prints, and how it exits.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn havip_sim(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
    command.args(arguments).env_remove("RUST_LOG").output().expect("havip-sim runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder of its own for each test, with a pair that loses its primary.
struct Lab {
    folder: PathBuf,
}

impl Lab {
    fn new(name: &str) -> Lab {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("scenarios")).expect("a folder");
        let pair = fs::read("../scenarios/conf/pair.conf").expect("the pair");
        fs::write(folder.join("scenarios/pair.conf"), pair).expect("a file");
        let lab = Lab { folder };
        lab.write("loss.scn", "expect by 24s master b\n");
        lab
    }
    fn write(&self, name: &str, expectations: &str) {
        let story = format!(
            "scenario loss\nrun 30s seed 7\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
             cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 keepalived pair.conf\n\
             client web 172.16.16.100 probe 172.16.16.12 every 100ms\nat 20s power-off a\n{expectations}"
        );
        fs::write(self.folder.join("scenarios").join(name), story).expect("a file");
    }
    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
    fn run(&self, more: &[&str]) -> Output {
        let file = self.path("scenarios/loss.scn");
        havip_sim(&[&["run", &file][..], more].concat())
    }
}

#[test]
fn a_record_ends_with_a_verdict_and_exit_0_when_all_holds() {
    let lab = Lab::new("holds");
    let output = lab.run(&[]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.starts_with("scenario loss   seed 7   tick 100us   digest "), "{printed}");
    assert!(printed.contains("BACKUP -> MASTER"), "{printed}");
    assert!(
        printed.lines().last().is_some_and(|line| line.starts_with("ok    loss  1 of 1 hold")),
        "{printed}"
    );
    assert!(!printed.contains('\u{1b}'), "no colour where there is no terminal");
    assert_eq!(output.stdout, lab.run(&[]).stdout, "the same bytes again");
    assert_ne!(output.stdout, lab.run(&["--seed", "8"]).stdout, "another seed, another run");
}

#[test]
fn an_expectation_that_fails_exits_1_and_says_what_was_seen() {
    let lab = Lab::new("fails");
    lab.write("loss.scn", "expect in 20s..30s outage web <= 1s\n");
    let output = lab.run(&["--quiet"]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.starts_with("FAIL  loss  0 of 1 hold"), "{printed}");
    assert_eq!(printed.lines().count(), 1, "{printed}");
    let record = text(&lab.run(&[]).stdout);
    assert!(record.contains("outage web <= 1s"), "{record}");
}

#[test]
fn what_cannot_be_run_exits_2_and_names_line_and_column() {
    let lab = Lab::new("bad");
    lab.write("loss.scn", "at 25s power-off c\n");
    let output = lab.run(&[]);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(complaint.contains("loss.scn:10:18"), "{complaint}");
    assert!(text(&output.stdout).is_empty());

    let missing = havip_sim(&["run", &lab.path("scenarios/none.scn")]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("cannot read"), "{}", text(&missing.stderr));
    let empty = havip_sim(&["run", &lab.path("scenarios/..")]);
    assert!(text(&empty.stderr).contains("no scenario file"), "{}", text(&empty.stderr));
    assert_eq!(havip_sim(&["run"]).status.code(), Some(2), "no file named");
}

#[test]
fn bless_stores_check_compares_and_insta_reads_the_same_file() {
    let lab = Lab::new("snapshots");
    let folder = lab.path("scenarios");
    let check = || havip_sim(&["run", "--check", "--quiet", &folder]);

    let before = check();
    assert_eq!(before.status.code(), Some(1), "there is no snapshot yet");
    assert!(text(&before.stdout).contains("snapshot missing"), "{}", text(&before.stdout));
    let blessed = havip_sim(&["run", "--bless", "--quiet", &folder]);
    assert_eq!(blessed.status.code(), Some(0), "{}", text(&blessed.stdout));
    assert_eq!(check().status.code(), Some(0));

    let snapshot = lab.folder.join("snapshots/loss.snap");
    let stored = fs::read_to_string(&snapshot).expect("a snapshot");
    let record = text(&lab.run(&[]).stdout);
    let record = record.split("\n\nok ").next().expect("a record").to_owned();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(lab.folder.join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!("loss", record));

    fs::write(&snapshot, stored.replace("MASTER", "MISTER")).expect("a file");
    let differs = check();
    assert_eq!(differs.status.code(), Some(1));
    let printed = text(&differs.stdout);
    assert!(
        printed.contains("snapshot differs") && printed.contains("\n+ ") && printed.contains("\n- "),
        "{printed}"
    );

    fs::write(&snapshot, stored).expect("a file");
    fs::write(lab.folder.join("snapshots/gone.snap"), "---\nsource: x\n---\n\n").expect("a file");
    let orphan = check();
    assert_eq!(orphan.status.code(), Some(1));
    assert!(text(&orphan.stderr).contains("gone.snap has no scenario file"), "{}", text(&orphan.stderr));
}

#[test]
fn json_is_one_document_a_line_with_both_digests() {
    let lab = Lab::new("json");
    let output = lab.run(&["--format", "json"]);
    let printed = text(&output.stdout);
    assert_eq!(printed.lines().count(), 1);
    let json: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(json["scenario"], "loss", "{json}");
    assert!(json["outages"].as_array().is_some_and(|o| o.len() == 1), "{json}");
}

#[test]
fn verbose_prints_keepalived_lines_with_simulated_time_on_standard_error() {
    let lab = Lab::new("verbose");
    let output = lab.run(&["-v", "--quiet"]);
    let logged = text(&output.stderr);
    assert!(logged.lines().any(|line| line.ends_with("b: (VI_1) Entering MASTER STATE")), "{logged}");
    let plain = lab.run(&["--quiet"]);
    assert!(plain.stderr.is_empty() && plain.stdout == output.stdout, "and changes nothing else");
}
