//! `havip-sim sweep`: its table, its files, its exit codes, its messages, and that its figures are those of the
//! arithmetic.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder of its own for each test, with a pair and a plan for it.
struct Lab {
    folder: PathBuf,
}

/// Two machines whose takeover takes 3.6 s, and a target.
const SMALL: &str = r#"files   = ["pair.conf", "pair.conf"]
seed    = 7
runs    = 20
stories = ["power-off", "stop"]
quiet   = "20m"
target  = "p99 outage <= 5s, false takeovers <= 1 a year at 0.1% loss"

[grid]
advert_int         = [1, 2]
down_timer_adverts = [2, 3]
loss               = ["0.1%", "30%"]
"#;

impl Lab {
    fn new(name: &str, plan: &str) -> Lab {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sweep-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let pair = fs::read("../scenarios/conf/pair.conf").unwrap();
        fs::write(folder.join("pair.conf"), pair).unwrap();
        fs::write(folder.join("plan.toml"), plan).unwrap();
        Lab { folder }
    }
    fn sweep(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
        command.current_dir(&self.folder).args(["sweep", "plan.toml"]).args(arguments).output().unwrap()
    }
    fn json(&self) -> Value {
        let output = self.sweep(&["--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }
    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What a plan that must be refused is told.
fn refused(name: &str, plan: &str, arguments: &[&str]) -> String {
    let output = Lab::new(name, plan).sweep(arguments);
    assert_eq!(output.status.code(), Some(2), "{name}: {}", stdout(&output));
    assert!(output.stdout.is_empty(), "{name}: what cannot be swept has no table");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_small_plan_has_a_table_a_csv_and_a_setting() {
    let lab = Lab::new("small", SMALL);
    let output = lab.sweep(&["--csv", "points.csv", "--svg", "points.svg", "--jobs", "1"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    insta::assert_snapshot!("table", stdout(&output));
    insta::assert_snapshot!("csv", lab.read("points.csv").replace("\r\n", "\n"));
    let svg = lab.read("points.svg");
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{svg}");
    assert!(!svg.contains("href") && !svg.contains("url(http"), "it needs nothing else");
    assert!(svg.contains("false takeovers a year") && svg.contains("p99 outage &lt;= 5s"), "{svg}");
    // The same on any number of threads.
    let again = lab.sweep(&["--csv", "again.csv", "--svg", "again.svg", "--jobs", "3"]);
    assert_eq!(output.stdout, again.stdout);
    assert_eq!((lab.read("points.csv"), svg), (lab.read("again.csv"), lab.read("again.svg")));
}

/// In a subnet, at an interval of one second: b's down interval is 3 + (256-90)/256 = 3.648 s and begins with the last
/// advert, which the failure follows by up to a second; the client's probes add up to twice 50 ms.
#[test]
fn the_outage_of_a_power_loss_is_the_down_interval_less_the_phase() {
    let plan = SMALL
        .replace("\"power-off\", \"stop\"", "\"power-off\"")
        .replace("runs    = 20", "runs = 400")
        .replace("[2, 3]\nloss               = [\"0.1%\", \"30%\"]", "[3]\nbind-delay = [\"0s\", \"2s\"]")
        .replace("[1, 2]", "[1]");
    let report = Lab::new("by-hand", &plan).json();
    let ns = |point: usize, what: &str| report["points"][point]["stories"][0][what]["ns"].as_u64().unwrap();
    let within = |found: u64, low: u64, high: u64| {
        assert!((low * 1_000_000..=high * 1_000_000).contains(&found), "{found} ns is not {low}..{high} ms");
    };
    // Phases are even: half of all outages are shorter than the middle, 3.148 s.
    within(ns(0, "p50"), 3_098, 3_248);
    within(ns(0, "p99"), 3_588, 3_748);
    within(ns(0, "max"), 3_598, 3_758);
    // A cloud that takes two seconds adds them, and nothing else.
    within(ns(1, "p99"), 5_588, 5_748);
    let adverts = report["points"][0]["adverts_per_s"].as_f64().unwrap();
    assert!(
        (0.99..=1.0).contains(&adverts),
        "one peer, an advert a second, and timers a little late: {adverts}"
    );
}

/// Frames lost by their own chance alone: the closed form and what is seen are the same.
#[test]
fn false_takeovers_are_as_many_as_the_formula_has() {
    let plan = SMALL
        .replace("quiet   = \"20m\"", "quiet = \"2d\"")
        .replace("runs    = 20", "runs = 1")
        .replace("[1, 2]", "[1]")
        .replace("target", "# target");
    let report = Lab::new("formula", &plan).json();
    let mut compared = 0;
    for point in report["points"].as_array().unwrap().iter().filter(|point| point["values"]["loss"] == "30%")
    {
        let seen = point["false_takeovers"].as_u64().unwrap() as i64;
        // In two days at a second: 172,800 (1-p) p^N.
        let expected = if point["values"]["down_timer_adverts"] == "2" { 10_886 } else { 3_266 };
        // Poisson: five standard deviations either way.
        let off = 5 * (expected as u64).isqrt() as i64;
        assert!((seen - expected).abs() <= off, "{seen} and not {expected}, give or take {off}");
        compared += 1;
    }
    assert_eq!(compared, 2);
}

#[test]
fn a_target_that_none_meets_is_exit_1_and_says_by_how_much() {
    let plan = SMALL.replace("p99 outage <= 5s", "p99 outage <= 1s");
    let output = Lab::new("none", &plan).sweep(&[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    let end = text.split_once("no setting meets").expect("it says so").1;
    // 3.7 times the outage is nearer than 31.5 times the takeovers.
    assert!(end.contains("nearest: advert_int 1, down_timer_adverts 3, loss 0.1%"), "{text}");
    assert!(end.contains("misses p99 outage <= 1s by 2.700 s: p99 outage 3.700 s"), "{text}");
    let without = SMALL.replace("target", "# target");
    let output = Lab::new("no-target", &without).sweep(&[]);
    assert_eq!(output.status.code(), Some(0), "nothing was asked");
    assert!(!stdout(&output).contains("choose"), "{}", stdout(&output));
}

#[test]
fn a_scenario_can_be_swept_and_its_own_acts_are_left_out() {
    let plan = "scenario = \"pair.scn\"\nruns = 10\nquiet = \"1m\"\n[grid]\npriority.b = [80, 200]\n";
    let lab = Lab::new("scenario", plan);
    let scenario = "scenario pair\nrun 30s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
                    cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 havip pair.conf\n\
                    client web 172.16.16.100 probe 172.16.16.12 every 100ms\nat 1s cut a <-> b\n\
                    expect never master b\n";
    fs::write(lab.folder.join("pair.scn"), scenario).unwrap();
    let report = lab.json();
    // Uncut there is one master; of the higher priority, b is it, and a takes over.
    for (point, low) in [(0, 2_600), (1, 2_500)] {
        let max = report["points"][point]["stories"][0]["max"]["ns"].as_u64().unwrap() / 1_000_000;
        assert!((low..=3_950).contains(&max), "{max} ms: {report}");
        assert_eq!(report["points"][point]["stories"][0]["runs_unserved"], 0);
        assert_eq!(report["points"][point]["false_takeovers"], 0);
    }
}

#[test]
fn what_cannot_be_swept_is_refused_with_its_line() {
    let (head, _) = SMALL.split_once("[grid]").unwrap();
    let head = head.lines().filter(|line| !line.starts_with("target")).collect::<Vec<_>>().join("\n");
    let grid = |text: &str| format!("{head}\n[grid]\n{text}\n");
    let many = (1..=101).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let mut all = String::new();
    for (name, plan, arguments) in [
        ("unknown-keyword", grid("advrt_int = [1]"), &[][..]),
        ("unknown-machine", grid("priority.z = [1]"), &[]),
        ("value-out-of-range", grid("advert_int = [1, 300]"), &[]),
        ("value-of-no-kind", grid("advert_int = [\"soon\"]"), &[]),
        ("empty-grid", grid(""), &[]),
        ("too-many-points", grid(&format!("priority.a = [{many}]\npriority.b = [{many}]")), &[]),
        ("negative-loss", grid("loss = [\"-0.1%\"]"), &[]),
        ("finer-than-the-tick", grid("bind-delay = [\"1us\"]"), &[]),
        ("unreadable-target", SMALL.replace("p99 outage", "outage"), &[]),
        ("unknown-key", SMALL.replace("seed", "sead"), &[]),
        ("no-such-file", SMALL.replace("\"pair.conf\", ", "\"none.conf\", "), &[]),
        ("unwritable", SMALL.to_owned(), &["--csv", "no/such/folder.csv"]),
    ] {
        all.push_str(&format!("## {name}\n{}\n", refused(name, &plan, arguments)));
    }
    insta::assert_snapshot!("bad-input", all);
}
