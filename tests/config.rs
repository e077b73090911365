//! What is said about a configuration, and what holds for any text at all.

use havip::config::keywords::{self, Effect};
use havip::config::{self, Context, Form, Loaded, Options, Severity};
use havip::files::Files;
use proptest::prelude::*;

const GOOD: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        172.16.16.12
    }
}
";

fn load(text: &str) -> Loaded {
    config::load(&Files::single("x.conf", text), &Options::default())
}

fn load_as(text: &str, id: &str) -> Loaded {
    config::load(&Files::single("x.conf", text), &Options { id: Some(id.to_owned()), ..Options::default() })
}

fn rendered(loaded: &Loaded) -> String {
    loaded.diagnoses.iter().map(|d| d.render(&loaded.sources, false)).collect::<Vec<_>>().join("\n")
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

/// An instance with some lines more.
fn with_lines(lines: &str) -> String {
    GOOD.replacen("    virtual_ipaddress", &format!("{lines}\n    virtual_ipaddress"), 1)
}

/// The text with every fix made, from the end to the beginning.
fn fixed(text: &str, loaded: &Loaded) -> String {
    let mut fixes: Vec<_> = loaded.diagnoses.iter().filter_map(|d| d.fix.as_ref()).collect();
    fixes.sort_by_key(|f| std::cmp::Reverse((f.span.start, f.span.end)));
    let mut text = text.to_owned();
    for f in fixes {
        text.replace_range(f.span.start as usize..f.span.end as usize, &f.replacement);
    }
    text
}

#[test]
fn the_vendor_document_as_printed() {
    let text = include_str!("../scenarios/conf/vendor-printed.conf");
    let loaded = config::load(&Files::single("vendor-printed.conf", text), &Options::default());
    assert!(loaded.config.instances.is_empty() && loaded.config.refused.is_none(), "{:?}", loaded.config);
    insta::assert_snapshot!("vendor_printed", rendered(&loaded));
}

#[test]
fn the_vendor_document_with_its_blank() {
    let text = include_str!("../scenarios/conf/vendor-spelled.conf");
    let loaded = load_as(text, "a");
    let [vi] = &loaded.config.instances[..] else { panic!("{:?}", loaded.config) };
    assert!(!vi.nopreempt && vi.preempt_delay.is_zero() && vi.starts_master);
    assert_eq!(loaded.sources.text(vi.decided["nopreempt"]), "state MASTER");
    assert_eq!(loaded.sources.text(vi.decided["priority"]), "priority 100");
    insta::assert_snapshot!("vendor_spelled", rendered(&loaded));
}

#[test]
fn mending_the_printed_block_as_told_gives_the_spelled_one() {
    let text = include_str!("../scenarios/conf/vendor-printed.conf");
    let mended = load(&fixed(text, &load(text)));
    let [vi] = &mended.config.instances[..] else { panic!("{:?}", mended.config) };
    assert_eq!((vi.name.as_str(), vi.peers.len(), vi.addresses.len()), ("VI_1", 1, 1));
    assert!(mended.diagnoses.iter().all(|d| d.severity != Severity::Error), "{}", rendered(&mended));
}

#[test]
fn the_other_files_of_the_scenarios_are_clean_for_both_machines() {
    for (name, text) in [
        ("vendor-safe", include_str!("../scenarios/conf/vendor-safe.conf")),
        ("pair", include_str!("../scenarios/conf/pair.conf")),
        ("pair-preempt", include_str!("../scenarios/conf/pair-preempt.conf")),
        ("pair-delay", include_str!("../scenarios/conf/pair-delay.conf")),
    ] {
        let (a, b) = (load_as(text, "a"), load_as(text, "b"));
        for loaded in [&a, &b] {
            assert_eq!(rendered(loaded), "", "{name}");
        }
        let (a, b) = (&a.config.instances[0], &b.config.instances[0]);
        assert_eq!((a.source, b.source), (Some(b.peers[0].address), Some(a.peers[0].address)), "{name}");
        assert_eq!((a.vrid, &a.addresses, a.password), (b.vrid, &b.addresses, b.password), "{name}");
    }
}

#[test]
fn typical_mistakes() {
    for (name, text) in [
        ("unknown_block", with_lines("    frobnicate {\n        a 1\n    }\n    priority 77")),
        ("misspelt_block", GOOD.replace("virtual_ipaddress", "virtual_ipadress")),
        ("glued_value", with_lines("    priority150")),
        ("two_keywords_a_line", with_lines("    priority 150 advert_int 2")),
        ("equals_sign", with_lines("    priority = 100")),
        ("typographic_quotes", with_lines("    priority \u{201c}100\u{201d}")),
        ("unit", with_lines("    preempt_delay 10m")),
        ("two_peers_a_line", with_lines("    unicast_peer {\n        172.16.16.6 172.16.16.7\n    }")),
        ("no_peers", with_lines("    unicast_src_ip 172.16.16.5")),
        ("byte_order_mark", format!("\u{feff}{GOOD}")),
        ("missing_brace", GOOD.trim_end().trim_end_matches('}').to_owned()),
        ("missing_value", with_lines("    priority")),
        ("upper_case", with_lines("    PRIORITY 100")),
        (
            "strict_with_password",
            format!(
                "global_defs {{\n    vrrp_strict\n    vrrp_garp_interval 0\n}}\n{}",
                with_lines(
                    "    authentication {\n        auth_type PASS\n        auth_pass 123456789\n    }"
                )
            ),
        ),
        ("vrid_twice", format!("{GOOD}{}", GOOD.replace("VI_1", "VI_2"))),
        ("ipv6", GOOD.replace("172.16.16.12", "fd00::12")),
        ("definition", format!("$P=high\n{}", with_lines("    priority $P"))),
    ] {
        insta::assert_snapshot!(name, rendered(&load(&text)));
    }
}

/// Measured with keepalived 2.2.7, which complains of the same in both.
#[test]
fn strict_mode_and_priority_255_clear_what_they_clear() {
    let lines = "    state MASTER\n    nopreempt\n    preempt_delay 10\n    priority 100\n    authentication {\n        auth_type PASS\n        auth_pass 1111\n    }";
    let loaded = load(&format!("global_defs {{\n    vrrp_strict\n}}\n{}", with_lines(lines)));
    assert_eq!(
        codes(&loaded),
        ["strict-drops", "strict-state", "strict-clears-delay", "strict-authentication"],
        "{}",
        rendered(&loaded)
    );
    let vi = &loaded.config.instances[0];
    assert!(vi.nopreempt && vi.lower_prio_no_advert && !vi.starts_master && vi.password.is_none());

    let loaded = load(&with_lines("    state BACKUP\n    nopreempt\n    preempt_delay 10\n    priority 255"));
    assert_eq!(codes(&loaded), ["owner-preempts"]);
    let vi = &loaded.config.instances[0];
    assert_eq!((vi.nopreempt, vi.preempt_delay.as_secs(), vi.starts_master), (false, 10, false));
}

#[test]
fn without_a_state_priority_255_starts_as_master() {
    let loaded = load(&with_lines("    priority 255"));
    assert!(loaded.config.instances[0].starts_master);
}

#[test]
fn what_is_not_modelled_is_skipped_whole_and_warned_of_once() {
    let text = format!(
        "virtual_server 10.0.0.1 80 {{\n  real_server 10.0.0.2 80 {{\n    HTTP_GET {{\n      url {{\n path /\n }}\n    }}\n  }}\n}}\n\
         virtual_server 10.0.0.1 81 {{\n}}\nstatic_routes {{\n  10.0.0.0/8 via 10.0.0.3 \"{{\"\n}}\n{}",
        with_lines("    use_vmac vrrp.51")
    );
    let loaded = load(&text);
    assert_eq!(loaded.config.instances.len(), 1, "{}", rendered(&loaded));
    assert_eq!(codes(&loaded), ["not-modelled"; 3], "{}", rendered(&loaded));
}

#[test]
fn every_keyword_is_recognised_where_it_belongs() {
    for k in keywords::TABLE {
        for &context in k.contexts {
            let loaded = load(&inside(context, &sample(k, " ", " ")));
            let bad = [
                "unknown-keyword",
                "glued-keyword",
                "unexpected-brace",
                "extra-brace",
                "missing-open-brace",
                "extra-words",
                "bad-sequence",
            ];
            let found: Vec<_> = codes(&loaded).into_iter().filter(|c| bad.contains(c)).collect();
            assert!(found.is_empty(), "{} in {context:?}: {}", k.name, rendered(&loaded));
        }
    }
}

#[test]
fn a_word_or_a_brace_glued_to_any_keyword_is_found_and_mended() {
    for k in keywords::TABLE {
        for &context in k.contexts.iter().filter(|context| context.begins_lines()) {
            if k.form.takes_word() {
                let text = inside(context, &sample(k, "", " "));
                let loaded = load(&text);
                let glued = loaded.diagnoses.iter().find(|d| d.code == "glued-keyword");
                let glued = glued.unwrap_or_else(|| panic!("{}: {}", k.name, rendered(&loaded)));
                assert_eq!(glued.severity, Severity::Error);
                assert!(!codes(&load(&fixed(&text, &loaded))).contains(&"glued-keyword"), "{}", k.name);
            }
            if k.form.has_block() {
                let loaded = load(&inside(context, &sample(k, " ", "")));
                assert!(codes(&loaded).contains(&"glued-brace"), "{}: {}", k.name, rendered(&loaded));
                assert!(!codes(&loaded).contains(&"unknown-keyword"), "{}: {}", k.name, rendered(&loaded));
            }
        }
    }
}

/// A line with this keyword, its word and its brace joined by these.
fn sample(k: &keywords::Keyword, before_word: &str, before_brace: &str) -> String {
    match k.name {
        "@ID" => return "@a priority 7\n@^a priority 8".to_owned(),
        "$NAME" => return "$NAME=7\npriority $NAME".to_owned(),
        "~SEQ" => return "~SEQ(N, 1, 2) priority $N".to_owned(),
        "~LST" => return "~LST({A, B}, {1, 2}, {3, 4}) priority $A".to_owned(),
        _ => {}
    }
    let word = if k.form.takes_word() { format!("{before_word}7") } else { String::new() };
    let block = if k.form.has_block() { format!("{before_brace}{{\n}}") } else { String::new() };
    format!("{}{word}{block}", k.name)
}

/// A file in which the lines stand in this kind of block.
fn inside(context: Context, lines: &str) -> String {
    match context {
        Context::Top => lines.to_owned(),
        Context::Global => format!("global_defs {{\n{lines}\n}}\n"),
        Context::Instance | Context::Line => with_lines(lines),
        Context::Authentication => with_lines(&format!("authentication {{\n{lines}\n}}")),
        Context::SyncGroup => format!("vrrp_sync_group G {{\n{lines}\n}}\n"),
        Context::Script => format!("vrrp_script S {{\n{lines}\n}}\n"),
        Context::TrackFile => format!("track_file F {{\n{lines}\n}}\n"),
        Context::TrackProcess => format!("vrrp_track_process P {{\n{lines}\n}}\n"),
        Context::Bfd => format!("bfd_instance B {{\nneighbor_ip 10.0.0.3\n{lines}\n}}\n"),
        Context::GarpGroup => format!("garp_group {{\n{lines}\n}}\n"),
        Context::Hmac => with_lines(&format!("auth_hmac {{\n{lines}\n}}")),
        Context::Peer => with_lines(&format!("unicast_peer {{\n10.0.0.6 {lines}\n}}")),
        Context::Address => with_lines(&format!("virtual_ipaddress_excluded {{\n10.0.0.9 {lines}\n}}")),
    }
}

#[test]
fn a_slip_inside_a_slip_is_found_as_well() {
    let text = "vrrp_instanceVI_1 {\n interface eth0\n virtual_router_id 51\n virtual_ipadress {\n 172.16.16.12\n }\n}\n";
    let loaded = load(text);
    assert_eq!(codes(&loaded), ["glued-keyword", "follow-ups", "unknown-keyword"], "{}", rendered(&loaded));
    assert_eq!(load(&fixed(text, &loaded)).config.instances[0].addresses.len(), 1);
}

#[test]
fn includes_follow_directories_globs_and_an_end() {
    let mut files =
        Files::single("conf/main.conf", "include parts/*.conf\ninclude main.conf\ninclude none.conf\n");
    files.texts.insert("conf/parts/a.conf".to_owned(), GOOD.to_owned());
    files.texts.insert("conf/parts/b.conf".to_owned(), "include ../more\n".to_owned());
    files.texts.insert("conf/more".to_owned(), GOOD.replace("VI_1", "VI_2").replace("51", "52"));
    let loaded = config::load(&files, &Options::default());
    let names: Vec<_> = loaded.config.instances.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(names, ["VI_1", "VI_2"]);
    for code in ["include-too-deep", "include-missing", "instance-twice"] {
        assert!(codes(&loaded).contains(&code), "{code}");
    }
}

#[test]
fn files_come_from_a_disk_with_what_they_include() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/conf/pair.conf");
    let files = config::disk::read(root).expect("the file is there");
    assert_eq!(files.texts.len(), 1);
    assert_eq!(
        config::load(&files, &Options { id: Some("b".to_owned()), ..Options::default() }).config.instances[0]
            .priority,
        90
    );
    assert!(config::disk::read("/no/such/file.conf").is_err());
}

#[test]
fn lines_for_another_machine_are_left_out_and_said_to_be() {
    let text = with_lines("@a priority 10\n@^a priority 20");
    let priority = |l: &Loaded| l.config.instances[0].priority;
    assert_eq!(priority(&load_as(&text, "a")), 10);
    assert_eq!(priority(&load_as(&text, "b")), 20);
    assert_eq!(priority(&load(&text)), 20);
    assert_eq!(codes(&load(&text)), ["conditional-lines"]);
    assert_eq!(codes(&load_as(&text, "a")), [""; 0]);
}

#[test]
fn an_override_stands_in_every_instance_instead_of_its_line() {
    let with = |list: &[(&str, &str)]| {
        let with = list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        config::load(
            &Files::single("x.conf", with_lines("    priority 10\n    nopreempt")),
            &Options { with, ..Options::default() },
        )
    };
    let loaded = with(&[("priority", "20"), ("preempt_delay", "3"), ("preempt", ""), ("state", "MASTER")]);
    let vi = &loaded.config.instances[0];
    assert_eq!((vi.priority, vi.nopreempt, vi.starts_master), (20, false, true));
    assert_eq!(loaded.sources.text(vi.decided["priority"]), "priority 20");
    assert!(!with(&[("nopreempt", "off")]).config.instances[0].nopreempt);
    let loaded = with(&[("auth_pass", "x"), ("unicast_peer", "x"), ("frobnicate", "1"), ("nopreempt", "7")]);
    assert_eq!(loaded.unmatched_with, ["auth_pass", "unicast_peer", "frobnicate", "nopreempt"]);
    assert_eq!(codes(&with(&[("priority", "high")])), ["bad-number"]);
}

#[test]
fn a_missing_file_refuses() {
    let files = Files { main: "gone.conf".to_owned(), ..Files::default() };
    let loaded = config::load(&files, &Options::default());
    assert!(loaded.config.refused.is_some());
    assert_eq!(loaded.diagnoses[0].one_line(&loaded.sources), "error[no-file]: there is no file `gone.conf`");
}

#[test]
fn a_word_that_begins_in_a_definition_and_ends_at_a_brace_is_pointed_at() {
    // The second time the file is read, `X` is known above its own place.
    for body in ["one two", "\\\n one \\\n two"] {
        holds(&format!("${{X}}a b{{\n}}\n${{X}}{{\n}}\n$X={body}\n\ninclude x.conf\n"));
    }
}

#[test]
fn what_users_need_and_expect_has_its_effect() {
    let without =
        keywords::TABLE.iter().filter(|k| k.tier < 3 && k.effect == Effect::Skipped).map(|k| k.name);
    assert_eq!(without.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_form_that_needs_a_word_takes_one() {
    for k in keywords::TABLE {
        assert!(!k.form.needs_word() || k.form.takes_word(), "{}", k.name);
        assert!(k.form != Form::Flag || !k.form.has_block(), "{}", k.name);
    }
}

/// Whatever holds for any text.
fn holds(text: &str) {
    let files = Files::single("x.conf", text);
    let with = vec![("priority".to_owned(), "7".to_owned())];
    let loaded = config::load(&files, &Options { id: Some("a".to_owned()), with, ..Options::default() });
    for d in &loaded.diagnoses {
        let spans =
            d.span.into_iter().chain(d.related.iter().map(|r| r.0)).chain(d.fix.iter().map(|f| f.span));
        for span in spans {
            let source = loaded.sources.get(span).expect("the span's file is known");
            let range = span.start as usize..span.end as usize;
            assert!(source.text.get(range).is_some(), "{span:?} of {d:?} is not in {text:?}");
        }
        let _ = (d.render(&loaded.sources, false), d.one_line(&loaded.sources));
    }
    assert!(loaded.config.refused.is_none() || loaded.config.instances.is_empty());
    let c = &loaded.config;
    let trackers =
        c.instances.iter().flat_map(|i| &i.tracked).chain(c.groups.iter().flat_map(|g| &g.tracked));
    for tracker in trackers {
        let known = match tracker.what {
            config::Tracked::Interface(i) => usize::from(i) < c.interfaces.len(),
            config::Tracked::Script(i) => usize::from(i) < c.scripts.len(),
            config::Tracked::File(i) => usize::from(i) < c.files.len(),
            config::Tracked::Process(i) => usize::from(i) < c.processes.len(),
            config::Tracked::Bfd(i) => usize::from(i) < c.bfd.len(),
        };
        assert!(known && (-253..=253).contains(&tracker.weight), "{tracker:?} of {text:?}");
    }
    let mut members: Vec<usize> = c.groups.iter().flat_map(|g| g.members.clone()).collect();
    members.sort_unstable();
    assert!(members.windows(2).all(|w| w[0] < w[1]) && members.last().is_none_or(|&m| m < c.instances.len()));
    for i in &loaded.config.instances {
        assert!(
            i.hmac.as_ref().is_none_or(|h| h.keys.iter().any(|(id, k)| *id == h.active && k.0.len() >= 32))
        );
        assert_eq!(i.is_ipv6(), i.group.is_ipv6(), "{text:?}");
        assert!(!i.advert_interval.is_zero() && i.priority > 0 && i.vrid > 0 && i.down_timer_adverts > 0);
    }
    assert_eq!(
        loaded,
        config::load(
            &files,
            &Options {
                id: Some("a".to_owned()),
                with: vec![("priority".to_owned(), "7".to_owned())],
                ..Options::default()
            }
        )
    );
}

/// Blocks that mean something, so that what stands in them is met.
const BLOCKS: [&str; 8] = [
    "\nvrrp_script chk {\n script \"/bin/x\"\n}\n",
    "\ntrack_file f {\n file /f\n}\n",
    "\nvrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n track_script {\n chk\n }\n}\n",
    "\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n track_script {\n chk weight 5\n }\n virtual_ipaddress {\n 10.0.0.1\n }\n",
    "\nvrrp_instance VI_2 {\n interface eth0\n virtual_router_id 52\n track_file {\n f\n }\n virtual_ipaddress {\n fe80::1\n }\n",
    "\nauth_hmac {\n key 1 0123456789012345678901234567890123456789\n active_key 1\n",
    "\n$X= \\\n vrrp_instance VI_1 { \\\n interface eth0 \\\n virtual_router_id 5\n",
    "\ninterface_up_down_delays {\n eth0 1 2\n}\n",
];

/// Texts that look enough like a configuration to get past the first word.
fn likely_text() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = keywords::TABLE.iter().map(|k| k.name).collect();
    let piece = prop_oneof![
        6 => proptest::sample::select(names),
        6 => proptest::sample::select(vec![" ", "\n", "{", "}", " {\n", "\n}\n", "VI_1", "172.16.16.12", "fd00::1", "100", "-1", "0.5"]),
        3 => proptest::sample::select(BLOCKS.to_vec()),
        1 => proptest::sample::select(vec!["\"", "#", "!", "\\#", "@a ", "@^a ", "$X=", "${X}", "$X", "$X\n", "~SEQ(X,1,3) ", "~LST({X,Y},{1,é},{a,b}) ", "~SEQ(", "${_PWD}", "weight", "reverse", "hex:00", " \\\n", "\\\n", "include x.conf\n", "\u{feff}", "\u{a0}", "\r\n", "\0", "é", "PASS", "MASTER", "/33", " dev ", "# 10 minutos"]),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|p| p.concat())
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC*") {
        holds(&text);
    }

    #[test]
    fn any_likely_text_is_read(text in likely_text()) {
        holds(&text);
    }

    #[test]
    fn any_damage_to_a_real_file_is_read(at in 0usize..700, length in 0usize..30, tail in "\\PC{0,6}") {
        let mut text = include_str!("../scenarios/conf/vendor-printed.conf").to_owned();
        let start = text.floor_char_boundary(at);
        let end = text.floor_char_boundary(at + length).max(start);
        text.replace_range(start..end, &tail);
        holds(&text);
    }
}

#[test]
fn a_hostile_text_is_bounded() {
    holds(&"x {\n".repeat(20_000));
    holds(&"vrrp_instance a {\n virtual_ipaddress {\n".repeat(5_000));
    holds(&"}".repeat(50_000));
    holds(&"\"".repeat(9_000));
    holds(&format!("vrrp_instance {}", "a".repeat(100_000)));
    let tracked: String = (0..3_000).map(|i| format!("eth{i} weight 1\n")).collect();
    holds(&with_lines(&format!(
        "track_interface {{\n{tracked}}}\ntrack_script {{\n{tracked}}}\nvirtual_ipaddress_excluded {{\n{tracked}}}"
    )));
    holds(&(0..3_000).map(|i| format!("vrrp_script s{i} {{\nscript x\n}}\n")).collect::<String>());
    holds(
        &(0..500).map(|i| format!("vrrp_sync_group g{i} {{\ngroup {{\nVI_1\n}}\n}}\n")).collect::<String>(),
    );
    let bomb = Files::single("x.conf", "include x.conf\n".repeat(500));
    assert!(config::load(&bomb, &Options::default()).diagnoses.len() <= 1001);
}
