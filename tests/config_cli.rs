//! `havipd` as a user meets it: exit codes, and what stands on which stream.

use std::process::{Command, Output};

fn havipd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_havipd"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/conf"))
        .output()
        .expect("havipd starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_exit_code_tells_clean_from_faulty_from_unreadable() {
    for (arguments, code) in [
        (&["check", "pair.conf", "--id", "a"][..], 0),
        (&["check", "pair.conf"], 1),
        (&["check", "vendor-printed.conf"], 1),
        (&["check", "no-such.conf"], 2),
        (&["check", "pair.conf", "--id", "a", "--with", "auth_pass=x"], 2),
        (&["check", "pair.conf", "--id", "a", "--with", "priority=high"], 1),
        (&["check"], 2),
        (&["run", "pair.conf"], 2),
        (&["keywords"], 0),
        (&["keywords", "--format", "json"], 0),
        (&["profiles"], 0),
        (&["profiles", "havip", "--format", "json"], 0),
        (&["profiles", "windows"], 2),
        (&["check", "pair.conf", "--id", "a", "--as", "havip"], 0),
        (&["check", "pair.conf", "--id", "a", "--as", "keepalived-1.2"], 2),
        (&["check", "pair-key-file.conf", "--id", "a"], 0),
        (&["check", "pair-key-file.conf", "--id", "b"], 1),
        (&["--version"], 0),
    ] {
        let output = havipd(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn a_check_ends_with_what_would_run() {
    let output = text(&havipd(&["check", "pair-delay.conf", "-i", "a"]).stdout);
    insta::assert_snapshot!(output, @r"
    pair-delay.conf: nothing to complain of; 1 instance runs
      instance  vrid  version  priority  preempts   interval  takeover after  advertises to  addresses
      VI_1      51    2        100       after 10s  1s        2.609..3.609 s  172.16.16.6    172.16.16.12/32
    ");
}

#[test]
fn what_is_tracked_and_excluded_and_grouped_has_a_column_where_there_is_any() {
    let path = std::env::temp_dir().join(format!("havipd-columns-{}.conf", std::process::id()));
    let text = "global_defs {\n enable_script_security\n}\nvrrp_script chk {\n script \"/bin/x\"\n weight -20\n}\n\
                track_file f {\n file /f\n}\nvrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n sync_group_tracking_weight\n \
                track_interface {\n  eth2\n }\n}\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n track_script {\n  \
                chk\n }\n track_file {\n  f weight 2\n }\n virtual_ipaddress {\n  10.0.0.1\n }\n}\nvrrp_instance VI_2 {\n \
                interface eth1\n virtual_router_id 52\n virtual_ipaddress {\n  10.0.1.1\n }\n virtual_ipaddress_excluded {\n  \
                fd00::1\n }\n}\n";
    std::fs::write(&path, text).expect("the file can be written");
    let file = path.to_str().expect("a path of characters");
    let shown = text_of(&havipd(&["check", file]));
    let json = text_of(&havipd(&["check", file, "--format", "json"]));
    std::fs::remove_file(&path).expect("the file was there");
    let table: Vec<&str> = shown.lines().skip(1).collect();
    insta::assert_snapshot!(table.join("\n"), @r"
      instance  vrid  version  priority  preempts  interval  takeover after  advertises to  addresses    excluded     tracks                     group
      VI_1      51    2        100       yes       1s        2.609..3.609 s  multicast      10.0.0.1/32  -            chk -20, f x2, eth2 fault  G
      VI_2      52    2        100       yes       1s        2.609..3.609 s  multicast      10.0.1.1/32  fd00::1/128  eth2 fault                 G
    ");
    assert!(
        json.contains(
            "\"tracked\": [{\"kind\": \"script\", \"name\": \"chk\", \"weight\": -20, \"reverse\": false}"
        ),
        "{json}"
    );
    assert!(
        json.contains("\"groups\": [\n    {\"name\": \"G\", \"instances\": [\"VI_1\", \"VI_2\"]"),
        "{json}"
    );
}

#[test]
fn a_check_as_another_version_says_what_that_one_reads() {
    let check =
        |profile: &str| text_of(&havipd(&["check", "vendor-spelled.conf", "-i", "a", "--as", profile]));
    assert!(check("keepalived").contains("master-clears-nopreempt"));
    let old = check("keepalived-1.3");
    assert!(!old.contains("master-clears-nopreempt") && old.contains("glued-brace"), "{old}");
}

#[test]
fn keywords_say_since_when_they_are_known() {
    let text = text_of(&havipd(&["keywords"]));
    let line = text.lines().find(|l| l.contains("timer_expired_backup [")).expect("it is there");
    assert!(line.contains("since 2.2.8"), "{line}");
}

#[test]
fn profiles_tell_every_difference_and_who_makes_it() {
    let text = text_of(&havipd(&["profiles"]));
    assert!(
        text.contains("reclaims-after-split (havip)") && text.contains("starts-master (keepalived-1.3)"),
        "{text}"
    );
    let json = text_of(&havipd(&["profiles", "keepalived-1.3", "--format", "json"]));
    assert_eq!(json.matches("\"name\": ").count(), 6, "{json}");
    assert_eq!(text_of(&havipd(&["profiles", "keepalived", "--format", "json"])), "[]\n");
}

fn text_of(output: &Output) -> String {
    text(&output.stdout)
}

#[test]
fn colour_is_for_terminals() {
    let output = havipd(&["check", "vendor-printed.conf"]);
    assert!(!output.stdout.contains(&0x1b), "{}", text(&output.stdout));
}

#[test]
fn json_is_one_object() {
    let output = text(&havipd(&["check", "vendor-printed.conf", "--format", "json"]).stdout);
    assert!(output.starts_with("{\n  \"diagnoses\": [\n") && output.ends_with("}\n"), "{output}");
    assert!(output.contains("\"code\": \"glued-keyword\""), "{output}");
}

#[test]
fn run_says_what_to_use_instead() {
    let output = text(&havipd(&["run", "pair.conf"]).stderr);
    assert!(output.contains("keepalived -f pair.conf"), "{output}");
}
