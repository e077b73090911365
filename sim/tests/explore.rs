//! `havip-sim explore`, `replay` and `merge` as their users meet them: what they print, write and refuse, and how they
//! exit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CONF: &str = "\
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
@a  priority 100
@b  priority 90
@a  unicast_src_ip 172.16.16.5
@b  unicast_src_ip 172.16.16.6
    unicast_peer {
@a      172.16.16.6
@b      172.16.16.5
    }
    virtual_ipaddress {
        172.16.16.12
    }
}
";

/// A folder of its own for each test: a pair as scenario, as configuration file, and as plan.
struct Lab {
    folder: PathBuf,
}

impl Lab {
    fn new(name: &str) -> Lab {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("explore-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let lab = Lab { folder };
        lab.write("pair.conf", CONF);
        lab.write("pair.scn", &scenario("", ""));
        lab
    }
    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file");
    }
    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
    fn with(&self, variables: &[(&str, &str)], arguments: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
        command.current_dir(&self.folder).args(arguments.split_whitespace());
        command.envs(variables.iter().copied()).output().expect("havip-sim runs")
    }
    fn run(&self, arguments: &str) -> Output {
        self.with(&[], arguments)
    }
    /// What it says when it refuses.
    fn refused(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {complaint}");
        assert!(output.stdout.is_empty(), "{arguments}: {}", text(&output.stdout));
        complaint
    }
}

fn scenario(more: &str, client: &str) -> String {
    format!(
        "scenario pair\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
         cvm a 172.16.16.5 havip pair.conf\ncvm b 172.16.16.6 havip pair.conf {more}\n\
         client web 172.16.16.100 probe 172.16.16.12 every 100ms\n{client}"
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_campaign_says_how_every_rule_fared_and_what_to_type() {
    let lab = Lab::new("report");
    let output = lab.run("explore pair.scn --seeds 1..200 --jobs 2");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.starts_with("pair   seeds 1..200, all 200 run: "), "{printed}");
    for rule in ["one-master-a-side", "heal-agrees", "lease-runs-out", "converges"] {
        let line = printed.lines().find(|line| line.starts_with(rule)).expect("a line a rule");
        assert!(line.ends_with("held") || line.contains("expected "), "{line}");
    }
    assert!(printed.contains("\nnext    havip-sim replay pair.scn "), "{printed}");
    assert!(!printed.contains('\u{1b}') && output.stderr.is_empty(), "no bar where there is no terminal");
    let json = text(&lab.run("explore pair.scn --seeds 1..200 --format json").stdout);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["seeds"], &json["holds"]), (&200.into(), &true.into()), "{json}");
    assert!(printed.contains(json["digest"].as_str().expect("a digest")), "{printed}");
}

#[test]
fn the_page_is_one_file_and_the_same_for_any_number_of_threads() {
    let lab = Lab::new("page");
    let explore = |more: &str| lab.run(&format!("explore pair.scn --seeds 1..200 --canary --out out {more}"));
    let output = explore("--jobs 1 --html one.html");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    let page = lab.read("one.html");
    for said in ["A flaw is planted", "✗ found", "1..200", "at most 8 a seed", "Worst runs"] {
        assert!(page.contains(said), "{said}");
    }
    let digest = printed.split("digest ").nth(1).and_then(|rest| rest.get(..16)).expect("a digest");
    assert!(page.contains(digest), "{digest}");
    let files = fs::read_dir(lab.folder.join("out/found")).expect("a folder");
    let files: Vec<String> =
        files.map(|file| text(file.expect("a file").file_name().as_encoded_bytes())).collect();
    assert!(files.iter().any(|file| file.ends_with(".scn")), "{files:?}");
    for file in files.iter().filter(|file| file.ends_with(".scn")) {
        assert!(page.contains(&format!("does not hold: {file}, ")), "{file}");
    }
    explore("--jobs 2 --resume --html two.html");
    assert_eq!(page, lab.read("two.html"));
    let refused = lab.refused("explore pair.scn --seeds 1..200 --canary --out out --html none/page.html");
    assert!(refused.contains("none/page.html") && refused.contains("--html"), "{refused}");
    let shown = lab.refused("explore pair.scn --show --html one.html");
    assert!(shown.contains("--html") && lab.read("one.html") == page, "{shown}");
}

#[test]
fn results_are_the_same_bytes_for_any_threads_shards_and_interruptions() {
    let lab = Lab::new("bytes");
    let explore = |more: &str| {
        let output = lab.run(&format!("explore pair.scn --seeds 100..1000 --no-shrink {more}"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    explore("--jobs 1 --out one");
    explore("--jobs 2 --out two");
    let whole = lab.read("one/pair.jsonl");
    assert_eq!(whole, lab.read("two/pair.jsonl"));

    for shard in ["0/3", "1/3", "2/3"] {
        explore(&format!("--shard {shard} --out parts"));
    }
    let parts = ["parts/pair-2-of-3.jsonl", "parts/pair-0-of-3.jsonl", "parts/pair-1-of-3.jsonl"].join(" ");
    assert_eq!(lab.run(&format!("merge {parts} --out merged.jsonl")).status.code(), Some(0));
    assert_eq!(lab.read("merged.jsonl"), whole);
    let again = format!("merge merged.jsonl {parts} merged.jsonl --out merged.jsonl");
    assert_eq!(lab.run(&again).status.code(), Some(0));
    assert_eq!(lab.read("merged.jsonl"), whole);

    // Killed in the middle of a line.
    lab.write("two/pair.jsonl", &whole[..whole.len() * 2 / 3]);
    let refused = lab.refused("explore pair.scn --seeds 100..1000 --out two");
    assert!(refused.contains("--resume goes on"), "{refused}");
    explore("--resume --out two");
    assert_eq!(lab.read("two/pair.jsonl"), whole);
}

#[test]
fn the_canary_is_found_shrunk_and_replayed() {
    let lab = Lab::new("canary");
    let output = lab.run("explore pair.scn --canary --seeds 1..1000 --out out");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    let line = printed.lines().find(|line| line.contains(" found ")).expect("a rule that does not hold");
    let rule = line.split(' ').next().expect("its name");
    let found = lab.read(&format!("out/found/{rule}-pair.scn"));
    let acts = found.lines().filter(|line| line.starts_with("at ")).count();
    assert!(acts <= 4, "{found}");
    assert!(found.starts_with("# Found by `havip-sim explore` on pair, seed "), "{found}");

    let (_, rest) = line.split_once("first in seed ").expect("its first seed");
    let seed = rest.split(':').next().expect("a number");
    let replayed =
        lab.run(&format!("replay pair.scn --canary {seed} --svg run.svg --pcap run.pcapng --scn seed.scn"));
    let record = text(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(1), "{record}{}", text(&replayed.stderr));
    assert!(record.contains(&format!("{rule} does not hold: ")), "{record}");
    assert!(lab.read("run.svg").starts_with("<svg"), "a picture");
    assert!(lab.folder.join("run.pcapng").exists());
    let shown = text(&lab.run(&format!("explore pair.scn --canary --seeds {seed} --show")).stdout);
    assert_eq!(shown.trim_end(), lab.read("seed.scn").trim_end());
    // Without the flaw the same seed holds, and its file is one like any other.
    assert_eq!(lab.run(&format!("replay pair.scn {seed}")).status.code(), Some(0));
    assert_eq!(lab.run("run -q seed.scn").status.code(), Some(0));
}

#[test]
fn configuration_files_and_plans_are_explored_too() {
    let lab = Lab::new("conf");
    let output = lab.run("explore pair.conf pair.conf --as havip --seeds 1..100");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("\nnext    havip-sim replay --as havip pair.conf pair.conf "), "{printed}");
    let seed = lab.run("replay --as havip pair.conf pair.conf 17 --scn made/seed.scn");
    assert_eq!(seed.status.code(), Some(0), "{}", text(&seed.stderr));
    assert_eq!(
        lab.run("run -q made/seed.scn").status.code(),
        Some(0),
        "its configuration is written beside it"
    );

    lab.write(
        "plan.toml",
        "scenario = \"pair.scn\"\nseeds = \"5..70\"\nonly = [\"kill\", \"cut\"]\nmost = 2\n",
    );
    let printed = text(&lab.run("explore plan.toml").stdout);
    assert!(printed.starts_with("pair   seeds 5..70, all 66 run: "), "{printed}");
    let table = printed.split("runs with").nth(1).expect("a table");
    assert!(table.contains("\nkill ") && table.contains("\ncut ") && !table.contains("\nfreeze "), "{table}");
    // On a lan multicast travels: in a cloud's subnet two masters would be by themselves.
    let multicast = CONF.lines().filter(|line| {
        !line.contains("unicast") && !line.starts_with("@a      ") && !line.starts_with("@b      ")
    });
    let multicast: Vec<&str> = multicast.collect();
    let multicast = multicast.join("\n").replacen("    }\n    virtual_ip", "    virtual_ip", 1);
    lab.write("lan.conf", &multicast);
    let refused = lab.refused("explore lan.conf lan.conf --as havip --seeds 1..5");
    assert!(refused.contains("though nothing is injected"), "{refused}");
    let output = lab.run("explore --lan lan.conf lan.conf --as havip --seeds 1..50");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
    assert!(printed.contains("havip-sim replay --lan --as havip lan.conf lan.conf "), "{printed}");
    lab.write(
        "plan.toml",
        "files = [\"lan.conf\", \"lan.conf\"]\nlan = true\nas = \"havip\"\nseeds = \"1..50\"\n",
    );
    let digest = |printed: &str| printed.split("digest ").nth(1).map(|rest| rest[..16].to_owned());
    assert_eq!(digest(&text(&lab.run("explore plan.toml --out plan").stdout)), digest(&printed));
    assert!(lab.refused("explore pair.scn --lan").contains("a scenario says `lan` by itself"));
    lab.write("plan.toml", "files = [\"pair.conf\", \"pair.conf\"]\nas = \"havip\"\n");
    assert_eq!(lab.run("explore plan.toml --seeds deadbeef").status.code(), Some(0));
}

#[test]
fn seeds_are_run_twice_and_in_both_engines() {
    let lab = Lab::new("twice");
    let output = lab.run("explore pair.scn --seeds 49..51 --check-determinism");
    let said = "3 of 3 seeds run twice, 2 of them in both engines: the same\n";
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), said.to_owned()));
    assert!(!lab.folder.join("havip-explore").exists());
}

#[test]
fn engines_say_which_shard_a_task_is() {
    let lab = Lab::new("engines");
    let slurm =
        [("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_MIN", "1"), ("SLURM_ARRAY_TASK_COUNT", "3")];
    let index = [("JOB_COMPLETION_INDEX", "1")];
    for (variables, shard) in [(&slurm[..], "env"), (&index[..], "env/3")] {
        let output =
            lab.with(variables, &format!("explore pair.scn --seeds 0..500 --shard {shard} --out out"));
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{printed}{}", text(&output.stderr));
        assert!(printed.starts_with("pair   seeds 0..500, shard 1/3, all 128 run: "), "{printed}");
        assert!(
            printed.contains("\nnext    havip-sim merge out/pair-*-of-3.jsonl --out out/pair.jsonl\n")
                || printed.contains("havip-sim merge out/pair-*-of-3.jsonl --out out/pair.jsonl\n"),
            "{printed}"
        );
    }
    // More shards than blocks: a part may have nothing to do, and says so in its file.
    let output = lab.run("explore pair.scn --seeds 0..100 --shard 7/32 --out out");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lab.read("out/pair-7-of-32.jsonl").lines().count(), 1);
    assert!(text(&output.stdout).contains("has none of the 1"), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("no seed was run") && !text(&output.stdout).contains("held"));
    assert!(lab.refused("explore pair.scn --shard 32/32").contains("they are 0 to 31"));
    assert!(lab.refused("explore pair.scn --shard env/32").contains("HQ_TASK_ID"));
}

#[test]
fn what_cannot_be_explored_is_said_with_what_to_do() {
    let lab = Lab::new("refused");
    assert!(lab.refused("explore none.scn").contains("cannot read none.scn"));
    assert!(lab.refused("explore none.toml").contains("cannot read none.toml"));
    assert!(lab.refused("explore none.conf none.conf").contains("cannot read none.conf"));
    assert!(lab.refused("explore pair.conf").contains("one file is no cluster"));
    assert!(lab.refused("explore pair.scn pair.conf").contains("give one scenario file, or one plan"));
    assert!(lab.refused("explore pair.scn --seeds 9..3").contains("did you mean 3..9?"));
    assert!(lab.refused("explore pair.scn --seeds x").contains("no seed"));
    assert!(lab.refused("explore pair.scn --for 10").contains("90s, 10m or 2h"));
    assert!(lab.refused("explore pair.scn --jobs 0").contains("--jobs"));
    assert!(lab.refused("replay pair.scn x").contains("commit hash"));

    lab.write("plan.toml", "scenario = \"pair.scn\"\nsafty = \"3s\"\n");
    let unknown = lab.refused("explore plan.toml");
    assert!(unknown.contains("plan.toml") && unknown.contains("unknown field `safty`"), "{unknown}");
    lab.write("plan.toml", "seeds = \"1..9\"\n");
    assert!(lab.refused("explore plan.toml").contains("it names no cluster"));
    lab.write("plan.toml", "scenario = \"pair.scn\"\nseeds = \"9..1\"\n");
    assert!(lab.refused("explore plan.toml").contains("plan.toml: \"9..1\" is an empty range"));
    for (line, says) in [
        ("only = [\"kil\"]", "there is no injection \"kil\": there are kill, stop"),
        ("only = []", "no injection is left"),
        ("only = [\"service\"]", "no injection is left that could do anything to this cluster"),
        ("rules-off = [\"x\"]", "there is no rule \"x\": there are one-master-a-side"),
        ("most = 0", "most: 1 to 1000 injections a seed"),
        ("safety = \"1ms\"", "safety: at least \"100ms\""),
        ("liveness = \"0s\"", "liveness: at least \"1s\""),
        ("liveness = \"25h\"", "a seed is 24h at most"),
        ("settle = \"1s..2s\"", "settle: one time, not a range"),
        ("as = \"keepalive\"", "as: "),
        ("files = [\"pair.conf\", \"pair.conf\"]", "it names a scenario and files"),
    ] {
        lab.write("plan.toml", &format!("scenario = \"pair.scn\"\n{line}\n"));
        let refused = lab.refused("explore plan.toml");
        assert!(refused.contains("plan.toml") && refused.contains(says), "{line}: {refused}");
    }

    lab.write("file", "");
    assert!(lab.refused("explore pair.scn --out file/x").contains("cannot write file/x/pair.jsonl"));
    fs::create_dir_all(lab.folder.join("out/pair.jsonl")).expect("a folder");
    assert!(lab.refused("explore pair.scn --out out").contains("it is a folder"));
}

#[test]
fn a_cluster_that_fails_by_itself_is_refused_until_the_plan_expects_it() {
    let lab = Lab::new("unsound");
    lab.write("late.scn", &scenario("", "at 20s power-off a\nexpect by 21s master b\n"));
    let refused = lab.refused("explore late.scn");
    assert!(
        refused.contains("late.scn does not hold though nothing is injected: line 10, by 21s"),
        "{refused}"
    );
    assert!(refused.contains("havip-sim run late.scn"), "{refused}");
    assert_eq!(lab.refused("explore late.scn --as havip"), refused, "it is havip's by itself");
    lab.write("other.conf", &CONF.replace("priority 100", "priority 80"));
    lab.write("reload.scn", &scenario("", "at 20s reload a with other.conf\n"));
    let output = lab.run("explore reload.scn --seeds 1..2 --no-shrink");
    assert!(text(&output.stderr).contains("reload.scn:9: no rule knows of this"), "{}", text(&output.stderr));
    let output = lab.run("explore late.scn --as keepalived --seeds 1..2 --no-shrink");
    assert!(text(&output.stderr).contains("late.scn expects is not looked at"), "{}", text(&output.stderr));
    assert!(output.status.code() < Some(2));
    lab.write("pair.scn", &scenario("", "at 20s power-off a\nat 40s power-on a\n"));
    lab.write("plan.toml", "scenario = \"pair.scn\"\noutage-limit = \"1s\"\n");
    let refused = lab.refused("explore plan.toml");
    assert!(
        refused.contains("outage-limit does not hold though nothing is injected: web is without"),
        "{refused}"
    );
    let plan = "scenario = \"pair.scn\"\nseeds = \"1..20\"\noutage-limit = \"1s\"\n\
                [[expected]]\nrule = \"outage-limit\"\nwhy = \"it is so\"\n";
    lab.write("plan.toml", plan);
    let output = lab.run("explore plan.toml --no-shrink");
    assert_eq!(output.status.code(), Some(0));
    let printed = text(&output.stdout);
    let line = printed.lines().find(|line| line.starts_with("outage-limit")).unwrap_or_default();
    // In a run or two what is injected has made b master before.
    let expected =
        line.split("expected ").nth(1).and_then(|rest| rest.split(':').next()?.parse::<u32>().ok());
    assert!(expected.is_some_and(|n| n >= 17) && line.ends_with("it is so"), "{printed}");
}

#[test]
fn results_of_other_campaigns_are_refused_or_kept() {
    let lab = Lab::new("others");
    assert_eq!(lab.run("explore pair.scn --seeds 1..10 --out a").status.code(), Some(0));
    assert_eq!(
        lab.run("explore pair.scn --seeds 1..10 --as keepalived --no-shrink --out b")
            .status
            .code()
            .map(|c| c < 2),
        Some(true)
    );
    let refused = lab.refused("merge a/pair.jsonl b/pair.jsonl");
    assert!(refused.contains("b/pair.jsonl: it is of another cluster or plan"), "{refused}");
    let refused = lab.refused("explore pair.scn --seeds 1..20 --resume --out a");
    assert!(refused.contains("cannot resume a/pair.jsonl: it is of seeds 1..10, not 1..20"), "{refused}");
    let code = lab.read("a/pair.jsonl").replacen("\"code\":\"", "\"code\":\"0", 1);
    lab.write("c.jsonl", &code);
    assert!(lab.refused("merge a/pair.jsonl c.jsonl").contains("it was made by other code"));
    assert!(lab.refused("merge pair.conf").contains("pair.conf: these are no results"));
    assert!(lab.refused("merge none.jsonl").contains("cannot read none.jsonl"));
    assert!(lab.refused("merge a/pair.jsonl --out pair.conf/x").contains("cannot write pair.conf/x"));

    let before = lab.read("a/pair.jsonl");
    let output = lab.run("explore pair.scn --seeds 1..20 --out a");
    assert!(text(&output.stderr).contains("another campaign's results are now a/pair.jsonl.old"));
    assert_eq!(lab.read("a/pair.jsonl.old"), before);
    // What is finished is not run again, and a third campaign takes the place of the second's alone.
    let second = lab.read("a/pair.jsonl");
    let output = lab.run("explore pair.scn --seeds 1..20 --out a");
    assert!(text(&output.stderr).contains("has all of these seeds: nothing is run again"));
    assert!(text(&output.stdout).contains("seeds 1..20, all 20 run"), "{}", text(&output.stdout));
    assert_eq!(lab.read("a/pair.jsonl"), second);
    let output = lab.run("explore pair.scn --seeds 1..30 --out a");
    assert!(text(&output.stderr).contains("another campaign's results are now a/pair.jsonl.old.2"));
    assert_eq!((lab.read("a/pair.jsonl.old"), lab.read("a/pair.jsonl.old.2")), (before, second));
}

#[test]
fn what_is_missing_of_a_merge_is_told() {
    let lab = Lab::new("missing");
    for shard in ["0/3", "2/3"] {
        let explore = format!("explore pair.scn --seeds 0..399 --shard {shard} --out out");
        assert_eq!(lab.run(&explore).status.code(), Some(0));
    }
    let output = lab.run("merge out/pair-0-of-3.jsonl out/pair-2-of-3.jsonl --out out/pair.jsonl");
    assert!(text(&output.stderr).contains("seeds are missing: 128..255; "), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(", 272 of 400 run: "), "{}", text(&output.stdout));
    let output = lab.run("explore pair.scn --seeds 0..399 --out out --resume");
    assert!(text(&output.stdout).contains(", all 400 run: "), "{}", text(&output.stdout));
    let output = lab.run("merge out/pair.jsonl out/pair-0-of-3.jsonl");
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn more_results_are_put_together_than_files_may_be_open() {
    let lab = Lab::new("many");
    assert_eq!(lab.run("explore pair.scn --seeds 0..5119 --out out").status.code(), Some(0));
    let whole = lab.read("out/pair.jsonl");
    let (head, blocks) = whole.split_once('\n').expect("a head");
    let names: Vec<String> = (0..blocks.lines().count()).map(|n| format!("part-{n}.jsonl")).collect();
    assert_eq!(names.len(), 40);
    for (name, block) in names.iter().zip(blocks.lines()) {
        lab.write(name, &format!("{head}\n{block}\n"));
    }
    let script = "ulimit -n 20; exec \"$0\" merge part-*.jsonl --out merged.jsonl";
    let mut command = Command::new("sh");
    command.current_dir(&lab.folder).args(["-c", script, env!("CARGO_BIN_EXE_havip-sim")]);
    let output = command.output().expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(lab.read("merged.jsonl"), whole);
}

#[test]
fn what_a_campaign_found_in_its_time_is_made_small_and_stays_when_another_finds_more() {
    let lab = Lab::new("budget");
    let vendor =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/conf/vendor-spelled.conf"));
    let vendor = text(&vendor.expect("a file"));
    for (folder, conf) in [("x", vendor.replace("priority 100", "priority 101")), ("y", vendor)] {
        fs::create_dir_all(lab.folder.join(folder)).expect("a folder");
        lab.write(&format!("{folder}/pair.conf"), &conf);
    }
    let explore = |folder: &str| {
        let files = format!("{folder}/pair.conf {folder}/pair.conf");
        lab.run(&format!("explore {files} --as keepalived --for 2s --out out"))
    };
    let output = explore("x");
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    let name = "out/found/heal-agrees-pair.scn";
    assert!(printed.contains(&format!("havip-sim run {name}\n")), "{printed}");
    assert!(printed.contains("the same command with --resume goes on"), "{printed}");
    let (first, conf) = (lab.read(name), lab.read("out/found/conf/pair.conf"));
    let printed = text(&explore("y").stdout);
    assert!(printed.contains("out/found/heal-agrees-pair-2.scn\n"), "{printed}");
    assert_eq!((lab.read(name), lab.read("out/found/conf/pair.conf")), (first, conf));
    assert!(lab.read("out/found/heal-agrees-pair-2.scn").contains(" conf/pair-2.conf"));
    for file in [name, "out/found/heal-agrees-pair-2.scn"] {
        assert_eq!(lab.run(&format!("run -q {file}")).status.code(), Some(1), "{file}");
    }
}

#[test]
fn whatever_a_cluster_is_called_its_runs_are_scenarios() {
    let lab = Lab::new("names");
    let long = "a-name-as-long-as-names-can-be-in-this-language-of-ours-and-more".to_owned();
    assert_eq!(long.len(), 64);
    lab.write("long.scn", &scenario("", "").replace("scenario pair", &format!("scenario {long}")));
    let output = lab.run("explore long.scn --seeds 1..200 --canary --out out");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let files = fs::read_dir(lab.folder.join("out/found")).expect("a folder");
    let mut seen = 0;
    for file in files.map(|file| file.expect("a file").path()).filter(|path| path.extension().is_some()) {
        let output = lab.run(&format!("run -q {}", file.display()));
        assert!(output.status.code() < Some(2), "{}", text(&output.stderr));
        assert!(text(&fs::read(&file).expect("text")).contains("# The flaw is planted: "));
        seen += 1;
    }
    assert!(seen > 0, "the planted flaw is found");
    assert!(lab.run("replay long.scn 18446744073709551615").status.code() < Some(2));
    lab.write("Web_Front.End-1.conf", CONF);
    lab.write("10.conf", CONF);
    assert!(lab.run("replay --as havip Web_Front.End-1.conf 10.conf 3").status.code() < Some(2));
}

#[test]
fn what_is_found_is_a_file_that_still_breaks_its_rule() {
    let lab = Lab::new("found");
    let conf = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/conf/vendor-spelled.conf"));
    fs::write(lab.folder.join("vendor-spelled.conf"), conf.expect("a file")).expect("a folder");
    let vendor = "vendor-spelled.conf vendor-spelled.conf --seeds 1..1000";
    let output = lab.run(&format!("explore {vendor} --as keepalived --out out --html page.html"));
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}{}", text(&output.stderr));
    // The client left behind after a healed split: the binding is the loser's, and nobody claims.
    let name = "out/found/heal-agrees-vendor-spelled.scn";
    let found = lab.read(name);
    let acts = found.lines().filter(|line| line.starts_with("at ")).count();
    assert!(acts <= 4 && found.contains("expect by ") && found.contains(" bound = master"), "{found}");
    assert!(printed.contains(&format!("havip-sim run {name}")), "{printed}");
    // The page shows it as it is on the disk.
    let page = lab.read("page.html");
    assert!(page.contains("does not hold: heal-agrees-vendor-spelled.scn, "), "{page}");
    // Its configuration is beside it, and another profile mends it.
    assert!(lab.folder.join("out/found/conf/vendor-spelled.conf").exists());
    let run = lab.run(&format!("run {name}"));
    assert_eq!(run.status.code(), Some(1), "{}{}", text(&run.stdout), text(&run.stderr));
    assert!(text(&run.stdout).contains("0 of 1 hold"), "{}", text(&run.stdout));
    assert_eq!(lab.run(&format!("run -q --as havip {name}")).status.code(), Some(0));
    // Each of them is a test that fails, and says by which rule.
    let files: Vec<&str> =
        printed.lines().filter_map(|line| Some(line.split_once("havip-sim run ")?.1)).collect();
    assert!(files.len() > 2, "{printed}");
    for file in files {
        let run = lab.run(&format!("run {file}"));
        let said = text(&run.stdout);
        assert_eq!(run.status.code(), Some(1), "{file}: {said}");
        assert!(said.contains("expect  0 of 1 hold"), "{file}: {said}");
    }
    // And the rule itself is broken again by every other way to run the seed.
    let seed = found.split(", seed ").nth(1).and_then(|rest| rest.split(':').next()).expect("its seed");
    let again = lab.run(&format!("replay {} --as keepalived {seed}", vendor.replace(" --seeds 1..1000", "")));
    assert!(text(&again.stdout).contains("heal-agrees does not hold: "), "{}", text(&again.stdout));
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_room_is_told_and_stays_what_it_is() {
    use std::os::unix::fs::FileTypeExt as _;
    let lab = Lab::new("no-room");
    let says = |arguments: &str| {
        let output = lab.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", text(&output.stdout));
        let complaint = text(&output.stderr);
        assert!(complaint.contains("cannot write "), "{arguments}: {complaint}");
    };
    // A link, since a device of the machine is not to be touched by a mistake of the program's.
    std::os::unix::fs::symlink("/dev/full", lab.folder.join("full")).expect("a link");
    says("explore pair.scn --seeds 1..20 --out out --html full");
    assert_eq!(lab.read("out/pair.jsonl").lines().count(), 2, "a head and a block: nothing is lost");
    for option in ["--svg", "--pcap", "--scn"] {
        says(&format!("replay pair.scn 3 {option} full"));
    }
    says("merge out/pair.jsonl --out full");
    let link = fs::symlink_metadata(lab.folder.join("full")).expect("it is there");
    let device = fs::metadata("/dev/full").expect("it is there");
    assert!(link.file_type().is_symlink() && device.file_type().is_char_device());
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_nothing_that_is_done_is_lost() {
    let lab = Lab::new("full");
    // A disk on which files can have some kilobytes and no more.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" explore pair.scn --seeds 1..3000 --out out";
    let mut command = Command::new("sh");
    command.current_dir(&lab.folder).args(["-c", script, env!("CARGO_BIN_EXE_havip-sim")]);
    let output = command.output().expect("a shell");
    let (printed, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{printed}{complaint}");
    assert!(
        complaint.contains("cannot write out/pair.jsonl: ") && complaint.contains("go on with --resume"),
        "{complaint}"
    );
    assert!(printed.contains(" of 3,000 run: ") && printed.contains("\nconverges "), "{printed}");
    let done = lab.read("out/pair.jsonl").lines().count();
    assert!(done > 1 && lab.read("out/pair.jsonl").ends_with('\n'), "{done} lines");

    let explore = |more: &str| lab.run(&format!("explore pair.scn --seeds 1..3000 {more}")).status.code();
    assert_eq!((explore("--resume --out out"), explore("--out whole")), (Some(0), Some(0)));
    assert_eq!(lab.read("out/pair.jsonl"), lab.read("whole/pair.jsonl"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_done() {
    let lab = Lab::new("ctrl-c");
    let mut command = Command::new(env!("CARGO_BIN_EXE_havip-sim"));
    command.current_dir(&lab.folder).args("explore pair.scn --for 1h --jobs 1 --out out".split(' '));
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let child = child.expect("havip-sim runs");
    let lines =
        || fs::read_to_string(lab.folder.join("out/pair.jsonl")).map_or(0, |text| text.lines().count());
    while lines() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("--resume goes on"), "{}", text(&output.stderr));
    let done: u64 = (lines() as u64 - 1) * 128;
    let printed = text(&output.stdout);
    let run = printed.split(", ").nth(1).expect("how many").replace(',', "");
    // Seed 0 is in the first block and not in the campaign.
    assert!(run.starts_with(&format!("{} of ", done - 1)), "{printed}");
}
