//! Scripts, files, interfaces, groups and programs: what is read, and what is said of it.

use havip::config::{self, Loaded, Options, Tracked, Tracker};
use havip::files::Files;
use havip::time::Duration;

fn load(text: &str) -> Loaded {
    config::load(&Files::single("x.conf", text), &Options::default())
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

fn instance(name: &str, vrid: u8, lines: &str) -> String {
    format!(
        "vrrp_instance {name} {{\n interface eth0\n virtual_router_id {vrid}\n{lines}\n virtual_ipaddress {{\n  172.16.16.{vrid}\n }}\n}}\n"
    )
}

/// Programs are run as they should be, so that nothing is said about that.
const SECURE: &str = "global_defs {\n enable_script_security\n script_user root\n}\n";

/// One instance with these lines, these blocks above it.
fn one(blocks: &str, lines: &str) -> Loaded {
    load(&format!("{SECURE}{blocks}{}", instance("VI_1", 51, lines)))
}

const CHECK: &str = "vrrp_script chk {\n script \"/bin/check -x 1\"\n interval 2\n timeout 1\n rise 3\n fall 4\n weight -20\n init_fail\n}\n";

#[test]
fn a_script_is_read_and_tracked_with_its_own_weight_or_the_lines() {
    let loaded = one(CHECK, " track_script {\n  chk\n }");
    assert_eq!(codes(&loaded), [""; 0]);
    let [script] = &loaded.config.scripts[..] else { panic!("{:?}", loaded.config) };
    assert_eq!((script.name.as_str(), script.command.as_str()), ("chk", "/bin/check -x 1"));
    assert_eq!((script.interval, script.timeout), (Duration::from_secs(2), Duration::from_secs(1)));
    assert_eq!((script.rise, script.fall, script.init_fail), (3, 4, true));
    let tracked = |lines: &str| one(CHECK, lines).config.instances[0].tracked.clone();
    let chk = |weight, reverse| vec![Tracker { what: Tracked::Script(0), weight, reverse }];
    assert_eq!(loaded.config.instances[0].tracked, chk(-20, false));
    assert_eq!(tracked(" track_script {\n  chk weight 0\n }"), chk(0, false));
    assert_eq!(tracked(" track_script {\n  chk weight 30 reverse\n }"), chk(30, true));
}

#[test]
fn without_its_lines_a_script_runs_each_second_and_its_first_result_counts() {
    let loaded = one("vrrp_script s {\n script /bin/true\n}\n", " track_script {\n  s\n }");
    let script = &loaded.config.scripts[0];
    assert_eq!((script.interval, script.timeout), (Duration::from_secs(1), Duration::from_secs(1)));
    assert_eq!((script.rise, script.fall, script.init_fail), (1, 1, false));
    assert_eq!(loaded.config.instances[0].tracked[0].weight, 0);
}

#[test]
fn a_file_counts_its_number_once_unless_a_weight_is_written() {
    for (block, line, weight) in [
        ("track_file f {\n file /run/f\n}\n", "f", 1),
        ("vrrp_track_file f {\n file /run/f\n weight 5\n}\n", "f", 5),
        ("track_file f {\n file \"/run/f\"\n weight 5\n}\n", "f weight 0", 0),
    ] {
        let loaded = one(block, &format!(" track_file {{\n  {line}\n }}"));
        assert_eq!(codes(&loaded), [""; 0], "{block}{line}");
        assert_eq!(loaded.config.files[0].path, "/run/f");
        let tracker = Tracker { what: Tracked::File(0), weight, reverse: false };
        assert_eq!(loaded.config.instances[0].tracked, [tracker]);
    }
}

#[test]
fn an_interface_is_tracked_by_name_and_the_own_one_always() {
    let loaded = one(
        "",
        " dont_track_primary\n track_interface {\n  eth1\n  eth2 weight 10 reverse\n  eth0 weight 3\n }",
    );
    assert_eq!(codes(&loaded), ["own-interface-tracked"]);
    assert_eq!(loaded.config.interfaces, ["eth1", "eth2"]);
    let vi = &loaded.config.instances[0];
    assert!(!vi.track_own_interface);
    let tracker = |i, weight, reverse| Tracker { what: Tracked::Interface(i), weight, reverse };
    assert_eq!(vi.tracked, [tracker(0, 0, false), tracker(1, 10, true)]);
}

#[test]
fn what_is_not_there_or_stands_below_is_not_tracked() {
    let loaded = one("", " track_script {\n  nope\n }\n track_file {\n  nope\n }");
    assert_eq!(codes(&loaded), ["not-to-track", "not-to-track"]);
    // The complaint of the real one names the line that tracks, not the end of the file.
    let below = load(&format!("{SECURE}{}{CHECK}", instance("VI_1", 51, " track_script {\n  chk\n }")));
    assert_eq!(codes(&below), ["not-to-track", "unused-script"]);
    assert!(below.diagnoses[0].related[0].1.contains("below"));
    assert!(below.config.instances[0].tracked.is_empty() && below.config.scripts.is_empty());
}

#[test]
fn wrong_weights_and_options_are_taken_as_keepalived_takes_them() {
    for (line, said, left) in [
        ("chk weight 300", "bad-number", Some(-20)),
        ("chk weight -254", "weight-cut", Some(-253)),
        ("chk weight", "missing-parameter", None),
        ("chk 20", "bad-option", None),
        ("chk weight 5 upside", "bad-option", Some(5)),
        ("chk weight 5 noreverse", "", Some(5)),
    ] {
        let loaded = one(CHECK, &format!(" track_script {{\n  {line}\n }}"));
        let complaints: Vec<_> = codes(&loaded).into_iter().filter(|c| *c != "unused-script").collect();
        assert_eq!(complaints.join(" "), said, "{line}");
        assert_eq!(loaded.config.instances[0].tracked.first().map(|t| t.weight), left, "{line}");
    }
    assert_eq!(codes(&one(CHECK, " track_script {\n  chk\n  chk weight 2\n }")), ["tracked-twice"]);
}

#[test]
fn a_script_without_a_command_is_none() {
    let loaded = one("vrrp_script s {\n interval 0.2\n}\n", " track_script {\n  s\n }");
    assert_eq!(codes(&loaded), ["no-script", "bad-number", "newer-keepalived", "not-to-track"]);
}

#[test]
fn an_owner_has_no_weights() {
    let lines = " priority 255\n track_script {\n  chk\n }\n track_interface {\n  eth1 weight 5\n  eth2\n }";
    let loaded = one(CHECK, lines);
    assert_eq!(codes(&loaded), ["unused-script", "weight-dropped", "weight-dropped"]);
    assert_eq!(loaded.config.interfaces, ["eth2"], "an interface whose weight is dropped is not tracked");
    assert_eq!(loaded.config.instances[0].tracked.len(), 1);
}

/// "ignoring tracked script with weights due to SYNC group": the script is not run at all.
#[test]
fn in_a_group_a_weighted_script_is_not_run_and_an_interface_is_a_fault() {
    let file = "track_file f {\n file /f\n}\ntrack_file g {\n file /g\n weight 2\n}\n";
    let lines =
        " track_script {\n  chk\n }\n track_interface {\n  eth1 weight 5\n }\n track_file {\n  f\n  g\n }";
    let group = |more: &str| {
        format!("vrrp_sync_group G {{\n group {{\n  VI_1\n  VI_2\n }}\n{more}\n}}\n{SECURE}{CHECK}{file}")
    };
    let members = instance("VI_1", 51, lines) + &instance("VI_2", 52, "");
    let loaded = load(&(group("") + &members));
    assert_eq!(
        codes(&loaded),
        ["unused-script", "weight-dropped", "weight-dropped", "weight-dropped", "weight-dropped"]
    );
    let vi = &loaded.config.instances[0];
    let zero = |what| Tracker { what, weight: 0, reverse: false };
    assert_eq!(vi.tracked, [zero(Tracked::Interface(0)), zero(Tracked::File(0))]);
    assert_eq!((loaded.config.files.len(), loaded.config.scripts.len()), (1, 0));
    let loaded = load(&(group(" sync_group_tracking_weight") + &members));
    assert_eq!(codes(&loaded), [""; 0]);
    assert_eq!(loaded.config.instances[0].tracked.len(), 4);
}

#[test]
fn a_group_has_its_members_in_its_own_order_and_tracks_for_them() {
    let group = "vrrp_sync_group G {\n group {\n  VI_2\n  VI_1\n }\n track_script {\n  chk weight 0\n }\n notify_master /bin/m\n notify /bin/n\n}\n";
    let loaded =
        load(&format!("{SECURE}{CHECK}{group}{}{}", instance("VI_1", 51, ""), instance("VI_2", 52, "")));
    assert_eq!(codes(&loaded), [""; 0]);
    let [g] = &loaded.config.groups[..] else { panic!("{:?}", loaded.config) };
    assert_eq!((g.name.as_str(), &g.members[..], g.tracking_weight), ("G", &[1, 0][..], false));
    assert_eq!(g.tracked, [Tracker { what: Tracked::Script(0), weight: 0, reverse: false }]);
    assert_eq!((g.notify.master.as_deref(), g.notify.any.as_deref()), (Some("/bin/m"), Some("/bin/n")));
}

#[test]
fn groups_that_cannot_be_are_diagnosed() {
    let group =
        |name: &str, members: &str| format!("vrrp_sync_group {name} {{\n group {{\n{members}\n }}\n}}\n");
    let pair = instance("VI_1", 51, "") + &instance("VI_2", 52, "");
    for (groups, said, left) in [
        (group("G", "VI_1\nVI_9"), vec!["lone-member", "no-such-instance"], 1),
        (group("G", "VI_9"), vec!["empty-group", "no-such-instance"], 0),
        (group("G", ""), vec!["empty-group"], 0),
        ("vrrp_sync_group G {\n}\n".to_owned(), vec!["empty-group"], 0),
        (group("G", "VI_1 VI_2") + &group("H", "VI_1"), vec!["empty-group", "two-groups"], 1),
        (group("G", "VI_1 VI_2") + &group("G", "VI_1"), vec!["group-twice"], 1),
        (format!("vrrp_sync_group {{\n{}}}\n", "group {\nVI_1\n}\n"), vec!["bad-name"], 0),
    ] {
        let loaded = load(&(groups.clone() + &pair));
        assert_eq!(codes(&loaded), said, "{groups}");
        assert_eq!(loaded.config.groups.len(), left, "{groups}");
        assert_eq!(loaded.config.instances.len(), 2);
    }
    let owner = instance("VI_1", 51, " priority 255") + &instance("VI_2", 52, "");
    assert_eq!(codes(&load(&(group("G", "VI_1 VI_2") + &owner))), ["owners-in-group"]);
}

#[test]
fn the_first_notify_line_of_a_kind_counts_and_its_quotes_hold_it_together() {
    let lines = " notify_master \"/bin/m a b\" root\n notify_master /bin/other\n notify_backup /bin/b user group\n \
                 notify_fault '/bin/f x  y'\n notify_stop /bin/s\n notify \"/bin/n z\"\n notify_master_rx_lower_pri /bin/l";
    let loaded = one("", lines);
    assert_eq!(codes(&loaded), ["notify-twice"]);
    let n = &loaded.config.instances[0].notify;
    let words = [&n.master, &n.backup, &n.fault, &n.stop, &n.any, &n.master_rx_lower_pri];
    assert_eq!(
        words.map(|w| w.as_deref().unwrap_or("-")),
        ["/bin/m a b", "/bin/b", "/bin/f x y", "/bin/s", "/bin/n z", "/bin/l"]
    );
}

#[test]
fn programs_without_script_security_draw_one_complaint() {
    let text = CHECK.to_owned() + &instance("VI_1", 51, " notify /bin/n\n track_script {\n  chk\n }");
    assert_eq!(codes(&load(&text)), ["script-security"]);
    assert_eq!(codes(&load(&(SECURE.to_owned() + &text))), [""; 0]);
}

#[test]
fn pipes_delays_and_intervals_are_the_machines() {
    let text = "global_defs {\n vrrp_startup_delay 3.5\n vrrp_delay_after_boot 60\n vrrp_garp_interval 0.001\n vrrp_gna_interval .002\n notify_fifo /run/a root\n \
                vrrp_notify_fifo /run/b\n vrrp_notify_fifo /run/c\n vrrp_notify_priority_changes true\n fifo_write_vrrp_states_on_reload\n}\n\
                interface_up_down_delays {\n eth0 1 1.5\n eth1 2\n eth1 3\n eth2\n eth3 300\n}\n";
    let loaded = load(&(text.to_owned() + &instance("VI_1", 51, "")));
    assert_eq!(codes(&loaded), ["newer-keepalived", "fifo-twice", "missing-parameter", "bad-number"]);
    let c = &loaded.config;
    assert_eq!(c.startup_delay, Duration::from_millis(3500));
    assert_eq!(c.delay_after_boot, Duration::from_secs(60));
    let garp = c.instances[0].garp;
    assert_eq!((garp.interval, garp.gna_interval), (Duration::from_millis(1), Duration::from_millis(2)));
    assert_eq!(c.fifos, ["/run/a", "/run/b"]);
    assert!(c.notify_priority_changes && c.fifo_states_on_reload);
    let delays: Vec<_> = c.link_delays.iter().map(|d| (d.interface.as_str(), d.down, d.up)).collect();
    let ms = Duration::from_millis;
    assert_eq!(delays, [("eth0", ms(1000), ms(1500)), ("eth1", ms(3000), ms(0))]);
}

#[test]
fn a_weight_that_can_change_nothing_is_said_to() {
    assert_eq!(codes(&one(CHECK, " priority 1\n track_script {\n  chk\n }")), ["weight-without-effect"]);
    assert_eq!(
        codes(&one(CHECK, " priority 254\n track_script {\n  chk weight 9\n }")),
        ["weight-without-effect"]
    );
    assert_eq!(codes(&one(CHECK, " priority 2\n track_script {\n  chk\n }")), [""; 0]);
}

#[test]
fn a_process_is_tracked_by_the_name_of_its_executable() {
    let block = "vrrp_track_process p {\n process /usr/sbin/haproxy -f x\n weight -20 reverse\n quorum 2\n quorum_max 4\n \
                 delay 2\n fork_delay 0.5\n}\n";
    let loaded = one(block, " track_process {\n  p\n }");
    assert_eq!(codes(&loaded), [""; 0]);
    let [p] = &loaded.config.processes[..] else { panic!("{:?}", loaded.config) };
    assert_eq!((p.name.as_str(), p.process.as_str(), p.quorum), ("p", "haproxy", (2, 4)));
    assert_eq!((p.fork_delay, p.terminate_delay), (Duration::from_millis(500), Duration::from_secs(2)));
    let tracker = Tracker { what: Tracked::Process(0), weight: -20, reverse: true };
    assert_eq!(loaded.config.instances[0].tracked, [tracker]);
    let line = one(block, " track_process {\n  p weight 7 noreverse\n }");
    let tracker = Tracker { what: Tracked::Process(0), weight: 7, reverse: false };
    assert_eq!((codes(&line), &line.config.instances[0].tracked), (vec![], &vec![tracker]));
}

#[test]
fn of_a_process_one_must_run_and_any_number_may_unless_it_is_written() {
    for (lines, quorum, said) in [
        ("process x", (1, u32::MAX), ""),
        ("process x\n quorum_max 0", (0, 0), ""),
        ("process x\n quorum 3\n quorum_max 2", (2, 2), "quorum-above-max"),
        ("process x\n quorum 0", (1, u32::MAX), "bad-number"),
        ("process x\n full_command", (1, u32::MAX), "not-modelled"),
    ] {
        let loaded = one(&format!("track_process p {{\n {lines}\n}}\n"), " track_process {\n  p\n }");
        assert_eq!(
            (loaded.config.processes[0].quorum, codes(&loaded).join(" ").as_str()),
            (quorum, said),
            "{lines}"
        );
    }
    let none = one("vrrp_track_process p {\n quorum 1\n}\n", " track_process {\n  p\n }");
    assert_eq!(codes(&none), ["no-process-line", "not-to-track"]);
    let twice = "vrrp_track_process p {\n process x\n}\ntrack_process p {\n process y\n}\n";
    let twice = one(twice, " track_process {\n  p\n }");
    assert_eq!((codes(&twice), twice.config.processes[0].process.as_str()), (vec!["defined-twice"], "x"));
    // As those of scripts: an owner has no weights.
    let weighted = "vrrp_track_process p {\n process x\n weight 5\n}\n";
    let owner = one(weighted, " priority 255\n track_process {\n  p\n }");
    assert_eq!((codes(&owner), owner.config.instances[0].tracked.len()), (vec!["weight-dropped"], 0));
}

#[test]
fn a_program_that_reads_a_pipe_needs_one() {
    let globals = |lines: &str| {
        let loaded = load(&format!("{SECURE}global_defs {{\n{lines}\n}}\n{}", instance("VI_1", 51, "")));
        (codes(&loaded).join(" "), loaded.config.fifo_scripts)
    };
    let none: Vec<String> = Vec::new();
    let both = "notify_fifo /run/a\nvrrp_notify_fifo /run/b\nvrrp_notify_fifo_script '/bin/b -x' root\nnotify_fifo_script /bin/a";
    assert_eq!(
        globals(both),
        (String::new(), vec!["/bin/a /run/a".to_owned(), "/bin/b -x /run/b".to_owned()])
    );
    assert_eq!(globals("notify_fifo_script /bin/a"), ("reader-without-fifo".to_owned(), none));
    let twice = globals("notify_fifo /run/a\nnotify_fifo_script /bin/a\nnotify_fifo_script /bin/b");
    assert_eq!(twice, ("fifo-twice".to_owned(), vec!["/bin/a /run/a".to_owned()]));
    let insecure = load(&format!(
        "global_defs {{\nnotify_fifo /run/a\nnotify_fifo_script /bin/a\n}}\n{}",
        instance("VI_1", 51, "")
    ));
    assert_eq!(codes(&insecure), ["script-security"]);
}

#[test]
fn what_a_group_says_of_priorities_holds_for_its_instances_that_say_nothing() {
    let off = " notify_priority_changes off";
    let text = format!(
        "{SECURE}vrrp_sync_group G {{\n group {{\n  A\n  B\n }}\n notify_priority_changes\n}}\n{}{}{}",
        instance("A", 1, ""),
        instance("B", 2, off),
        instance("C", 3, "")
    );
    let told: Vec<_> = load(&text).config.instances.iter().map(|i| i.notify.priority_changes).collect();
    assert_eq!(told, [Some(true), Some(false), None]);
}

#[test]
fn a_garp_group_has_interfaces_and_an_interval() {
    let groups = |text: &str| {
        let loaded = load(&format!("{text}{}", instance("VI_1", 51, "")));
        let groups = loaded.config.garp_groups.iter();
        let groups: Vec<_> = groups
            .map(|g| (g.interfaces.join(" "), g.interval.as_micros(), g.gna_interval.as_micros()))
            .collect();
        (groups, codes(&loaded).join(" "))
    };
    let one = "garp_group {\n garp_interval 0.001\n interface eth0\n}\n";
    assert_eq!(groups(one), (vec![("eth0".to_owned(), 1_000, 0)], String::new()));
    let two = "garp_group {\n gna_interval 0.5\n interfaces {\n  eth1 eth0\n  eth2\n }\n}\n";
    let (all, said) = groups(&format!("{one}{two}"));
    assert_eq!((all[1].clone(), said.as_str()), (("eth1 eth2".to_owned(), 0, 500_000), "interface-twice"));
    for empty in ["garp_group {\n garp_interval 1\n}\n", "garp_group {\n interface eth0\n}\n"] {
        assert_eq!(groups(empty), (vec![], "empty-garp-group".to_owned()), "{empty}");
    }
}
