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
