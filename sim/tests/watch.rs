//! `havip-sim run --pcap --svg --html --lanes` as its users meet them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const POWER_OFF: &str = "../scenarios/power-off.scn";

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
    command.arg("run").args(arguments).env_remove("RUST_LOG").output().expect("havip-sim runs")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watch").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn word(path: &Path) -> &str {
    path.to_str().expect("a path of this test")
}

#[test]
fn one_run_gives_all_of_them_and_the_same_bytes_each_time() {
    let folder = folder("all");
    let mut seen = Vec::new();
    for round in ["one", "two"] {
        let file = |ending: &str| folder.join(format!("{round}.{ending}"));
        let (pcap, svg, html) = (file("pcapng"), file("svg"), file("html"));
        let output =
            run(&[POWER_OFF, "--pcap", word(&pcap), "--svg", word(&svg), "--html", word(&html), "--lanes"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("web reaches"), "the lanes are printed");
        let [pcap, svg, html] = [pcap, svg, html].map(|path| fs::read(path).expect("a file"));
        assert_eq!(pcap[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
        assert!(text(&svg).contains("web was without 172.16.16.12 for 3."));
        assert!(text(&html).contains("expect  4 of 4 hold"), "the record is on the page");
        seen.push((output.stdout, pcap, svg, html));
    }
    assert!(seen[0] == seen[1]);
}

#[test]
fn watching_changes_no_record() {
    let svg = folder("record").join("run.svg");
    let (plain, watched) = (run(&[POWER_OFF]), run(&[POWER_OFF, "--svg", word(&svg)]));
    assert_eq!(text(&plain.stdout), text(&watched.stdout));
    let pcap = svg.with_extension("pcapng");
    assert_eq!(text(&plain.stdout), text(&run(&[POWER_OFF, "--pcap", word(&pcap)]).stdout));
}

#[test]
fn of_phases_the_worst_run_is_shown() {
    let folder = folder("phases");
    let story = fs::read_to_string(POWER_OFF).expect("the story").replace("conf/", "");
    let story = story.replace("run 60s seed 7", "run 60s seed 7\nphases 5");
    fs::write(folder.join("phases.scn"), story).expect("a file");
    fs::copy("../scenarios/conf/pair.conf", folder.join("pair.conf")).expect("a copy");
    let (file, svg) = (folder.join("phases.scn"), folder.join("phases.svg"));
    let output = run(&[word(&file), "--svg", word(&svg)]);
    let printed = text(&output.stdout);
    let worst = printed.lines().last().and_then(|line| line.split("worst outage ").nth(1));
    let seconds: String = worst.expect("an outage").chars().take(4).collect();
    let svg = fs::read_to_string(svg).expect("a picture");
    assert!(svg.contains(&format!("web was without 172.16.16.12 for {seconds} s")), "{seconds} s\n{printed}");
    assert!(svg.contains("the worst of 5 phases"));
}

#[test]
fn what_cannot_be_written_is_said_before_the_run_with_what_to_do() {
    let folder = folder("cannot");
    let missing = folder.join("no/such.svg");
    let output = run(&[POWER_OFF, "--svg", word(&missing)]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("cannot write") && said.contains("make its folder first"), "{said}");
    assert_eq!(output.stdout, b"");
    let output = run(&[POWER_OFF, "--pcap", word(&folder)]);
    assert_eq!(output.status.code(), Some(2), "a folder is no file");
}

#[test]
fn a_file_shows_one_run() {
    let folder = folder("several");
    let file = folder.join("run.svg");
    for (arguments, reason) in [
        (vec![POWER_OFF, POWER_OFF, "--svg", word(&file)], "name one"),
        (vec![POWER_OFF, "--svg", word(&file), "--html", word(&file)], "two files at once"),
        (vec![POWER_OFF, "--html", POWER_OFF], "overwrite the scenario"),
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(reason), "{}", text(&output.stderr));
    }
    assert!(!file.exists());
    let several = run(&[POWER_OFF, POWER_OFF, "--lanes", "--quiet"]);
    assert_eq!(text(&several.stdout).matches("web reaches").count(), 4, "lanes of each, and its closer look");
    assert!(text(&run(&["--pcap-secrets", POWER_OFF]).stderr).contains("--pcap"));
}
