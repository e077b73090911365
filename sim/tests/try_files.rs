//! `havip-sim try`: its tables, its exit codes, its messages, and that what it saves replays.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use havip_sim::run;
use havip_sim::trial::{Settings, Trial};

const SPELLED: &str = "scenarios/conf/vendor-spelled.conf";
const SAFE: &str = "scenarios/conf/vendor-safe.conf";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn try_in(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_havip-sim");
    Command::new(program).current_dir(folder).arg("try").args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A folder of its own for a test's files.
fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

/// A machine's file: its address and its peer's, and what else an instance says.
fn conf(own: &str, peer: &str, more: &str) -> String {
    format!(
        "vrrp_instance VI_1 {{\n    interface eth0\n    virtual_router_id 51\n    {more}\n    unicast_src_ip {own}\n    \
         unicast_peer {{\n        {peer}\n    }}\n    virtual_ipaddress {{\n        10.0.0.12\n    }}\n}}\n"
    )
}

/// What a command that must be refused says.
fn refused(name: &str, files: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = folder(name, files);
    let output = try_in(&folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(output.stdout.is_empty(), "what cannot be tried has no table");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_vendors_pair_leaves_clients_behind_after_a_healed_split() {
    let output = try_in(&root(), &[SPELLED, SPELLED]);
    assert_eq!(output.status.code(), Some(0), "no limit was given");
    let text = stdout(&output);
    insta::assert_snapshot!("vendor-spelled", text);
    // b, of the higher address, is master; in the split a claims the address. Heard first, b never hears a. Its
    // adverts come in (1 - 0.609) of all phases next: a's trail them by its skew time, (256-100)/256 s.
    let row =
        text.lines().find(|line| line.starts_with("heal, b heard first") && line.contains("never")).unwrap();
    assert!(row.contains(" 40% ") || row.contains(" 39% "), "{row}");
    assert!(row.ends_with("left behind"), "{row}");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&text), "README.md shows another table of {SPELLED}");
}

#[test]
fn the_safe_pair_bounds_that_by_its_refresh() {
    let output = try_in(&root(), &[SAFE, SAFE, "--fail-on", "outage>15s,stale"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let text = stdout(&try_in(&root(), &[SAFE, SAFE]));
    insta::assert_snapshot!("vendor-safe", text);
    assert!(!text.contains("left behind") && !text.contains("never"));
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&text), "README.md shows another table of {SAFE}");
}

#[test]
fn on_a_lan_the_figure_is_the_neighbour_tables() {
    let text = stdout(&try_in(&root(), &["--lan", "--phases", "40", SPELLED, SPELLED]));
    insta::assert_snapshot!("vendor-spelled-lan", text);
    assert!(!text.contains("+ D") && !text.contains("binding"), "no cloud on a lan");
    assert!(text.contains("cable out"));
}

#[test]
fn a_limit_that_is_passed_is_exit_1_and_names_the_line() {
    let output = try_in(&root(), &["--phases", "20", "--fail-on", "stale", SPELLED, SPELLED]);
    assert_eq!(output.status.code(), Some(1));
    let output = try_in(&root(), &["--phases", "10", "--fail-on", "outage>12s", SAFE, SAFE]);
    assert_eq!(output.status.code(), Some(1), "3.6 s of detection and the vendor's 10 s");
    let text = stdout(&output);
    assert!(text.contains("decided scenarios/conf/vendor-safe.conf:10: advert_int 1"), "{text}");
    assert!(text.contains("vendor    outage limit   --fail-on outage counts D as 10 s"), "{text}");
    let output = try_in(
        &root(),
        &["--phases", "10", "--fail-on", "outage>12s", "--cloud-delay", "1s..2s", SAFE, SAFE],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(!stdout(&output).contains("+ D"), "the delay is known");
}

/// Its only row is left behind as well: mending that alone would leave the limit passed.
#[test]
fn a_limit_beside_a_graver_verdict_has_a_remedy_of_its_own() {
    let a = conf("10.0.0.5", "10.0.0.6", "priority 100");
    let b = conf("10.0.0.6", "10.0.0.5", "priority 90");
    let folder = folder("two-masters-limit", &[("a.conf", &a), ("b.conf", &b)]);
    let output = try_in(&folder, &["--phases", "40", "--fail-on", "two-masters>1s", "a.conf", "b.conf"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("; two-masters > 1s"), "the row has both: {text}");
    let remedy = text.split("\ntwo-masters > 1s\n").nth(1).expect("a remedy");
    assert!(remedy.starts_with("  in      20% loss 10min"), "{text}");
    assert!(remedy.contains("write   down_timer_adverts 6"), "{text}");
}

#[test]
fn what_differs_and_must_not_is_named_with_both_lines() {
    let secret =
        |word: &str| format!("authentication {{\n        auth_type PASS\n        auth_pass {word}\n    }}");
    let (a, b) = (conf("10.0.0.5", "10.0.0.6", &secret("one")), conf("10.0.0.6", "10.0.0.5", &secret("two")));
    let folder = folder("passwords", &[("one.conf", &a), ("two.conf", &b)]);
    let text = stdout(&try_in(&folder, &["--phases", "4", "one.conf", "two.conf"]));
    assert!(text.contains("two masters\n  in"), "{text}");
    assert!(
        text.contains("decided one.conf:6: auth_pass ***\n          two.conf:6: auth_pass ***"),
        "{text}"
    );
    assert!(text.contains("both start: 3.6") && text.contains("+ D without the address, ok"), "{text}");
}

#[test]
fn machines_of_two_virtual_routers_are_two_masters_in_every_row_and_the_line_is_named() {
    let ours = conf("10.0.0.5", "10.0.0.6", "priority 100");
    let theirs = conf("10.0.0.6", "10.0.0.5", "priority 90").replace("router_id 51", "router_id 52");
    let folder = folder("two-virtual-routers", &[("a.conf", &ours), ("b.conf", &theirs)]);
    let text = stdout(&try_in(&folder, &["a.conf", "b.conf"]));
    let rows = || {
        text.lines().skip_while(|line| !line.starts_with("both start")).take_while(|line| !line.is_empty())
    };
    assert!(rows().count() > 10, "{text}");
    for row in rows() {
        assert!(row.contains("two masters"), "{row}");
    }
    assert!(text.contains("b.conf:3: virtual_router_id 52"), "{text}");
    assert!(text.contains("write   virtual_router_id 51"), "{text}");
}

/// Three addresses are two too many for `conf`: peers, one a line.
fn conf_of(n: usize, of: usize, more: &str) -> String {
    let address = |i: usize| format!("10.0.0.{}", 5 + i);
    let peers: Vec<String> = (0..of).filter(|i| *i != n).map(address).collect();
    conf(&address(n), &peers.join("\n        "), more)
}

#[test]
fn three_and_four_files_are_machines_a_to_d_each_first_where_it_can_be() {
    for of in [3, 4] {
        let names = ["a.conf", "b.conf", "c.conf", "d.conf"];
        let texts: Vec<String> = (0..of).map(|n| conf_of(n, of, "priority 100\n    nopreempt")).collect();
        let files: Vec<(&str, &str)> = names.into_iter().zip(texts.iter().map(String::as_str)).collect();
        let folder = folder(&format!("{of}-files"), &files);
        let text = stdout(&try_in(&folder, &[&["--phases", "4"], &names[..of]].concat()));
        assert!(text.contains("\nall start "), "{text}");
        for (name, file) in ["a", "b", "c", "d"].into_iter().zip(names).take(of) {
            assert!(text.contains(file), "{text}");
            let row = text.lines().find(|line| line.starts_with(&format!("power-off             {name} ")));
            let row = row.unwrap_or_else(|| panic!("no row of {name}: {text}"));
            let after = row.split_whitespace().nth(2).unwrap();
            assert!(after != name && ["a", "b", "c", "d"][..of].contains(&after), "{row}");
            assert!(row.ends_with(" ok"), "{row}");
        }
    }
}

/// The key may stand in the file or beside it; what is the same in both machines has rows like any other pair.
#[test]
fn auth_hmac_on_one_machine_or_with_another_key_is_two_masters_and_its_blocks_are_named() {
    let block = |key: &str| {
        format!("priority 100\n    auth_hmac {{\n        key 1 {key}\n        active_key 1\n    }}")
    };
    let inline = "ascii:0123456789abcdef0123456789abcdef";
    let (one, other) = ("0123456789abcdefSECRETSECRETSECRET", "another-9abcdefSECRETSECRETSECRET");
    for (n, (ours, theirs)) in [
        (block(inline), "priority 90".to_owned()),
        ("priority 90".to_owned(), block(inline)),
        (block(inline), block("ascii:another-another-another-another-")),
        (block("file:one"), block("file:other")),
        (block("file:one"), block("file:same")),
    ]
    .into_iter()
    .enumerate()
    {
        let (a, b) = (conf("10.0.0.5", "10.0.0.6", &ours), conf("10.0.0.6", "10.0.0.5", &theirs));
        let files = [("a.conf", &*a), ("b.conf", &*b), ("one", one), ("other", other), ("same", one)];
        let folder = folder(&format!("hmac-{n}"), &files);
        let text = stdout(&try_in(&folder, &["--phases", "4", "--save", "saved", "a.conf", "b.conf"]));
        assert!(!text.contains("0123456789") && !text.contains("another-"), "no key is printed: {text}");
        let saved = fs::read_to_string(folder.join("saved/conf/a.conf")).unwrap();
        assert!(!saved.contains("SECRET"), "a key that is kept apart stays there: {saved}");
        if n == 4 {
            assert!(text.contains("power-off") && !text.contains("two masters\n"), "{text}");
            continue;
        }
        let (_, advice) = text.split_once("\ntwo masters\n").unwrap_or_else(|| panic!("{n}: {text}"));
        let line = |file: &str, text: &str| {
            let found = text.lines().position(|line| line.trim().starts_with("auth_hmac"));
            found.map_or(format!("{file}: no auth_hmac: "), |i| format!("{file}:{}: auth_hmac ***", i + 1))
        };
        assert!(advice.contains(&format!("decided {}", line("a.conf", &a))), "{text}");
        assert!(advice.contains(&format!("          {}", line("b.conf", &b))), "{text}");
        assert_eq!(advice.contains("write   the same `auth_hmac` block on every machine"), n < 3, "{text}");
        if n < 3 {
            assert!(advice.contains("then    both start: 3.6") && advice.contains("address, ok"), "{text}");
        }
    }
}

/// Each takes the other's advertisements by a rule of its own, or none: two owners hear nobody.
#[test]
fn what_keeps_machines_apart_is_named_and_where_no_line_explains_it_none_is_blamed() {
    let pair = |a: &str, b: &str| (conf("10.0.0.5", "10.0.0.6", a), conf("10.0.0.6", "10.0.0.5", b));
    let (narrow, wide) = pair("priority 100", "priority 90\n    unicast_ttl 64");
    let narrow = narrow.replace("        10.0.0.6\n", "        10.0.0.6 min_ttl 200\n");
    let (old, new) = pair("priority 100\n    version 3\n    v3_checksum_as_v2", "priority 90\n    version 3");
    let owner = "state MASTER\n    priority 255\n    owner_ignore_adverts";
    let owners = pair(owner, owner);
    for (n, (a, b), says) in [
        (0, (&narrow, &wide), "a takes b's adverts with a TTL of 200 to 255, and they come with 64"),
        (1, (&old, &new), "decided a.conf:6: v3_checksum_as_v2"),
        (2, (&owners.0, &owners.1), "why     no line was found that decides it"),
    ] {
        let folder = folder(&format!("apart-{n}"), &[("a.conf", a), ("b.conf", b)]);
        let text = stdout(&try_in(&folder, &["--phases", "4", "a.conf", "b.conf"]));
        assert!(text.contains(says), "{text}");
        assert!(
            !text.contains("down_timer_adverts") && !text.contains("write   garp_master_refresh"),
            "{text}"
        );
        assert_eq!(text.contains("\n  then    "), n < 2, "{text}");
    }
}

/// Two machines that name the same file for their key, and have others under that name.
#[test]
fn key_files_that_differ_are_told_of_and_no_block_is_blamed() {
    let block = "priority 100\n    auth_hmac {\n        key 1 file:key\n        active_key 1\n    }";
    let (a, b) = (conf("10.0.0.5", "10.0.0.6", block), conf("10.0.0.6", "10.0.0.5", block));
    let folder = folder("key-files", &[]);
    for (name, text, key) in [("one", a, "1"), ("two", b, "2")] {
        fs::create_dir(folder.join(name)).unwrap();
        fs::write(folder.join(name).join("k.conf"), text).unwrap();
        fs::write(folder.join(name).join("key"), key.repeat(40)).unwrap();
    }
    let text = stdout(&try_in(&folder, &["--phases", "4", "one/k.conf", "two/k.conf"]));
    assert!(
        text.contains("a and b have their keys in files of their own, and those do not say the same"),
        "{text}"
    );
    assert!(text.contains("write   nothing here"), "{text}");
    assert!(!text.contains("1111") && !text.contains("2222"), "{text}");
}

/// Who serves after: of two standbys one still has its service, which the script on it sees.
#[test]
fn a_standby_without_its_service_does_not_take_over_and_without_scripts_that_is_said() {
    let script = "vrrp_script chk {\n    script /bin/true\n    interval 1\n    fall 1\n}\n";
    let tracked = |more: &str| format!("{more}\n    track_script {{\n        chk\n    }}");
    let a = format!("{script}{}", conf("10.0.0.5", "10.0.0.6", &tracked("priority 130")));
    let b = format!("{script}{}", conf("10.0.0.6", "10.0.0.5", &tracked("priority 100")));
    let plain = |own, peer| conf(own, peer, "priority 100");
    let (c, d) = (plain("10.0.0.5", "10.0.0.6"), plain("10.0.0.6", "10.0.0.5"));
    let files = [("a.conf", &*a), ("b.conf", &*b), ("c.conf", &*c), ("d.conf", &*d)];
    let folder = folder("none-serves", &files);
    let text = stdout(&try_in(&folder, &["--phases", "4", "a.conf", "b.conf"]));
    // The standby's service comes back 40 s after the power went; its check sees it within two seconds.
    let row = text.lines().find(|line| line.starts_with("standby's, then power  a ")).expect("a row");
    assert!(row.contains(" b ") && row.contains(" 4"), "{row}");
    assert!(!text.contains("has no row"), "{text}");
    let text = stdout(&try_in(&folder, &["--phases", "4", "c.conf", "d.conf"]));
    assert!(!text.contains("service dies") && !text.contains("standby's"), "{text}");
    assert!(text.contains("nobody notices a service that dies, and it has no row"), "{text}");
}

/// A check that is worth too little, or looked at by nobody: the row is run again with the check as a fault.
#[test]
fn a_service_that_dies_is_tried_again_with_a_check_that_is_a_fault() {
    let script = "vrrp_script chk {\n    script /bin/true\n    interval 1\n    weight 10\n}\n";
    let tracked = "track_script {\n        chk\n    }";
    let file = |own, peer, priority: u8, tracked: &str| {
        format!("{script}{}", conf(own, peer, &format!("priority {priority}\n    {tracked}")))
    };
    for (name, tracked_by_a) in [("weight", tracked), ("untracked", "")] {
        let a = file("10.0.0.5", "10.0.0.6", 130, tracked_by_a);
        let b = file("10.0.0.6", "10.0.0.5", 100, tracked);
        let folder = folder(name, &[("a.conf", &a), ("b.conf", &b)]);
        let text = stdout(&try_in(&folder, &["a.conf", "b.conf", "--phases", "8"]));
        let (_, advice) = text.split_once("\nnobody serves\n").unwrap_or_else(|| panic!("{text}"));
        assert!(advice.contains("  write   track_script { chk weight 0 }"), "{text}");
        // Two runs of the check at most, and the skew time of 100 (0.609 s).
        let (_, then) = advice.split_once("  then    service dies, a master first: ").unwrap();
        assert!(then.lines().next().unwrap().ends_with(" without the address, ok"), "{text}");
    }
}

#[test]
fn multicast_in_a_cloud_is_two_masters_and_unicast_peers_are_written_out() {
    let text = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.12\n    }\n}\n";
    let other = text.replace("VI_1", "VI_2");
    let folder = folder("multicast", &[("one.conf", text), ("two.conf", &other)]);
    let text = stdout(&try_in(&folder, &["--phases", "4", "one.conf", "two.conf"]));
    assert!(text.contains("write   on a: unicast_src_ip 10.0.0.2, unicast_peer { 10.0.0.3 }"), "{text}");
    assert!(text.contains("assumed   address of a   10.0.0.2: one.conf has no unicast_src_ip"), "{text}");
    assert!(text.contains("+ D without the address, ok"), "{text}");
}

#[test]
fn the_worst_run_of_each_row_is_saved_and_replays() {
    let folder = folder("save", &[]);
    let trial = Trial::open(
        &[root().join(SPELLED), root().join(SPELLED)],
        Settings { phases: 12, ..Settings::default() },
    )
    .unwrap();
    Trial::can_save(&folder).unwrap();
    let report = trial.run(&()).unwrap();
    let written = trial.save(&report, &folder).unwrap();
    assert_eq!(written.len(), report.rows.len());
    for (row, name) in report.rows.iter().zip(&written) {
        let scenario = run::open(&folder.join(name), None).unwrap();
        let record = run::run(&scenario);
        assert_eq!(record.failing(), 0, "{name}");
        let worst = &row.figures[row.worst];
        let longest =
            record.outages.iter().map(havip_sim::observe::OutageRow::length).max().unwrap_or_default();
        if row.first.is_some() && row.story != havip_sim::trial::Story::Return {
            assert_eq!(longest, worst.without.probed, "{name}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let trial =
        Trial::open(&[root().join(SAFE), root().join(SAFE)], Settings { phases: 8, ..Settings::default() })
            .unwrap();
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let report = pool.install(|| trial.run(&())).unwrap();
        (report.text(), report.json().to_string(), report.junit())
    };
    assert_eq!(with(1), with(2));
}

#[test]
fn the_page_has_the_table_and_a_picture_a_row_and_nothing_outside_it() {
    let folder = folder("page", &[("pair.conf", &fs::read_to_string(root().join(SPELLED)).unwrap())]);
    let output = try_in(&folder, &["--phases", "8", "--html", "page.html", "pair.conf", "pair.conf"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    let rows =
        stdout(&output).lines().filter(|line| line.contains("100%") || line.contains("heard first")).count();
    assert!(rows > 20 && page.matches("<svg").count() >= 20, "{} pictures", page.matches("<svg").count());
    assert!(page.contains("what happens") && page.contains("left behind"));
    // The one address in it names the language of the pictures; nothing is loaded.
    for outside in ["src=", "href=", "@import", "url(http"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let refused = try_in(&folder, &["--html", "none/page.html", "pair.conf", "pair.conf"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--html"));
}

#[test]
fn json_and_junit_have_a_case_a_row() {
    let folder = folder("junit", &[("pair.conf", &fs::read_to_string(root().join(SPELLED)).unwrap())]);
    let output = try_in(
        &folder,
        &["--phases", "8", "--format", "json", "--junit", "rows.xml", "pair.conf", "pair.conf"],
    );
    let json: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let xml = fs::read_to_string(folder.join("rows.xml")).unwrap();
    assert_eq!(xml.matches("<testcase ").count(), rows.len());
    let bad = rows.iter().filter(|row| row["ok"] == false).count();
    assert_eq!(xml.matches("<failure message=\"left behind").count(), bad);
    assert!(bad > 0 && xml.contains("until the next claim (never)"));
    assert!(rows[1]["takeover_ns"]["max"].as_u64().unwrap() > 2_600_000_000);
}

#[test]
fn bad_input_says_what_to_do() {
    let a = conf("10.0.0.5", "10.0.0.6", "");
    let b = conf("10.0.0.6", "10.0.0.5", "");
    let stranger = conf("10.0.0.7", "10.0.0.5", "");
    let two =
        format!("{a}{}", a.replace("VI_1", "VI_2").replace("51", "52").replace("10.0.0.12", "10.0.0.13"));
    let ipv6 = conf("fd00::5", "fd00::6", "").replace("10.0.0.12", "fd00::12");
    let marked = "vrrp_instance VI_1 {\n    interface eth0\n    virtual_router_id 51\n    priority 10O\n}\n";
    let files = [
        ("a.conf", a.as_str()),
        ("b.conf", &b),
        ("stranger.conf", &stranger),
        ("two.conf", &two),
        ("ipv6.conf", &ipv6),
        ("error.conf", marked),
        ("file", ""),
    ];
    let cases: [(&str, &[&str]); 12] = [
        ("one file", &["a.conf"]),
        ("five files", &["a.conf", "a.conf", "a.conf", "a.conf", "a.conf"]),
        ("one file twice", &["a.conf", "a.conf"]),
        ("strangers", &["a.conf", "stranger.conf"]),
        ("two instances", &["two.conf", "b.conf"]),
        ("IPv6", &["ipv6.conf", "b.conf"]),
        ("an error", &["error.conf", "b.conf"]),
        ("no file", &["none.conf", "b.conf"]),
        ("another subnet", &["--subnet", "10.0.1.0/24", "a.conf", "b.conf"]),
        ("unwritable", &["--save", "file/saved", "a.conf", "b.conf"]),
        ("a limit", &["--fail-on", "outtage>3s", "a.conf", "b.conf"]),
        ("lan and subnet", &["--lan", "--subnet", "10.0.0.0/24", "a.conf", "b.conf"]),
    ];
    let mut all = String::new();
    for (name, arguments) in cases {
        let said = refused("bad-input", &files, arguments);
        all.push_str(&format!("## {name}: try {}\n{said}\n", arguments.join(" ")));
    }
    insta::assert_snapshot!("bad-input", all);
}

#[test]
fn strict_mode_serves_nobody_and_the_line_is_found() {
    let strict = |own, peer| conf(own, peer, "strict_mode");
    let (a, b) = (strict("10.0.0.5", "10.0.0.6"), strict("10.0.0.6", "10.0.0.5"));
    let folder = folder("strict", &[("a.conf", &a), ("b.conf", &b)]);
    let text = stdout(&try_in(&folder, &["a.conf", "b.conf"]));
    let remedy = text.split("\n\n").find(|part| part.starts_with("nobody serves")).expect("a remedy");
    for words in ["decided a.conf:4: strict_mode", "write   strict_mode off", "power-off, a master first"] {
        assert!(remedy.contains(words), "{words}: {remedy}");
    }
    assert!(!remedy.split("then ").last().expect("what would be").contains("nobody serves"), "{remedy}");
}
