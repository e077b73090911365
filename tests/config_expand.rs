//! Definitions, sequences and lists: what they make of a text, where it is said to stand, and that it ends.

use havip::config::{self, Loaded, Options};
use havip::files::Files;
use havip::profile::Profile;

fn load_as(text: &str, id: Option<&str>) -> Loaded {
    let options = Options { id: id.map(str::to_owned), ..Options::default() };
    config::load(&Files::single("conf/x.conf", text), &options)
}

fn load(text: &str) -> Loaded {
    load_as(text, None)
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

/// An instance with these lines in its list of addresses.
fn addresses(before: &str, lines: &str) -> Vec<String> {
    let text = format!(
        "{before}\nvrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n virtual_ipaddress {{\n{lines}\n }}\n}}\n"
    );
    let loaded = load(&text);
    assert_eq!(
        codes(&loaded).iter().filter(|c| **c != "not-link-local").count(),
        0,
        "{:?}",
        loaded.diagnoses
    );
    loaded.config.instances[0].addresses.iter().map(|a| a.address.addr().to_string()).collect()
}

#[test]
fn a_definition_is_put_in_when_it_is_used() {
    let before = "$BASE=10.2.${SUB}\n$SUB=0 # a comment";
    assert_eq!(addresses(before, "${BASE}.100\n$SUB=10\n${BASE}.100"), ["10.2.0.100", "10.2.10.100"]);
    assert_eq!(addresses("$A=10.0.0.1", "$A # a comment\n$A=10.0.0.2\n$A"), ["10.0.0.1", "10.0.0.2"]);
}

#[test]
fn sequences_and_lists_repeat_the_rest_of_their_line_in_each_other() {
    assert_eq!(addresses("", "~SEQ(N,10,12) 10.0.0.$N"), ["10.0.0.10", "10.0.0.11", "10.0.0.12"]);
    assert_eq!(addresses("", "~LST({A, B}, {10,1},{20,4}) 10.0.${A}.${B}"), ["10.0.10.1", "10.0.20.4"]);
    assert_eq!(
        addresses("", "~LST(A,1,2) ~SEQ(B,168,2,170) 192.${B}.0.${A}"),
        ["192.168.0.1", "192.170.0.1", "192.168.0.2", "192.170.0.2"]
    );
    assert_eq!(addresses("", "~SEQx(N,0x9f,0xa0) fe80::$N"), ["fe80::9f", "fe80::a0"]);
    assert_eq!(addresses("$LAST=3", "~SEQ(N,2,$LAST) 10.0.0.$N"), ["10.0.0.2", "10.0.0.3"]);
}

#[test]
fn a_definition_of_several_lines_is_several_lines_with_marks_and_definitions_of_their_own() {
    let text = "$LINE= \\\n 10.0.${N}.1 \\\n 10.0.${N}.2\n\
                $VI= \\\n vrrp_instance VI_${N} { \\\n  interface eth0 \\\n  virtual_router_id ${N} \\\n  @high priority 130 \\\n  \
                @^high priority 120 \\\n  virtual_ipaddress { \\\n $LINE \\\n  } \\\n }\n~SEQ(N,21,22) $VI\n";
    let loaded = load_as(text, Some("high"));
    assert_eq!(codes(&loaded), [""; 0], "{:?}", loaded.diagnoses);
    let found: Vec<_> = loaded
        .config
        .instances
        .iter()
        .map(|i| (i.name.as_str(), i.vrid, i.priority, i.addresses.len()))
        .collect();
    assert_eq!(found, [("VI_21", 21, 130, 2), ("VI_22", 22, 130, 2)]);
    assert_eq!(loaded.config.instances[1].addresses[0].address.addr().to_string(), "10.0.22.1");
}

#[test]
fn what_is_wrong_in_a_value_is_shown_where_it_is_used_and_what_is_wrong_in_a_line_where_it_stands() {
    let text = "$P=high\n$VI= \\\n vrrp_instance VI_1 { \\\n  interface eth0 \\\n  virtual_router_id 51 \\\n  priority $P \\\n  \
                adver_int 1 \\\n  virtual_ipaddress { \\\n   10.0.0.1 \\\n  } \\\n }\n$VI\n";
    let loaded = load(text);
    let places: Vec<_> =
        loaded.diagnoses.iter().map(|d| (d.code, loaded.sources.text(d.span.unwrap()))).collect();
    assert_eq!(places, [("bad-number", "$P"), ("unknown-keyword", "adver_int")]);
    let line = loaded.sources.position(loaded.diagnoses[0].span.unwrap()).0;
    assert_eq!(line, 6);
}

#[test]
fn what_is_not_defined_stays_as_it_stands() {
    let text = "$A=1\nvrrp_instance VI_${B} {\n interface eth0\n virtual_router_id 51\n notify \"/bin/x $B ${C}\"\n virtual_ipaddress {\n10.0.0.1\n}\n}\n";
    let vi = &load(text).config.instances[0];
    assert_eq!((vi.name.as_str(), vi.notify.any.as_deref()), ("VI_${B}", Some("/bin/x $B ${C}")));
}

#[test]
fn keepalived_has_definitions_of_its_own() {
    let text = "vrrp_instance VI_${_INSTANCE} {\n interface eth0\n virtual_router_id 51\n notify_master \"${_PWD}/m ${_HASH}1\"\n \
                notify_backup ${_HASH}${_BANG}\n notify_fault \"x ${_ENV HOME}\"\n notify_stop ${_RANDOM 1 2}\n virtual_ipaddress {\n10.0.0.1\n}\n}\n";
    let loaded = load_as(text, Some("a"));
    assert_eq!(codes(&loaded), ["script-security", "definition-not-modelled"]);
    let vi = &loaded.config.instances[0];
    assert_eq!(vi.name, "VI_a");
    assert_eq!(vi.notify.master.as_deref(), Some("conf/m #1"));
    assert_eq!(vi.notify.backup.as_deref(), Some("#!"));
}

#[test]
fn a_sequence_that_is_not_understood_is_left_out() {
    let loaded = load("~SEQ(N) x\n~LST({A,B},{1}) y\n~SEQ(N,1,0,5) z\n");
    assert_eq!(codes(&loaded), ["bad-sequence"; 3]);
}

#[test]
fn a_few_lines_that_mean_any_number_of_others_are_cut() {
    let doubling: String = (0..40).map(|i| format!("$A{i}=${{A{}}}${{A{0}}}\n", i + 1)).collect();
    let lines: String = (0..40).map(|i| format!("$B{i}= \\\n$B{} \\\n$B{0}\n", i + 1)).collect();
    for text in [
        format!("{doubling}$A40=x\n$A0\n"),
        doubling.clone() + "$A0\n",
        format!("{lines}$B40=x y\n$B0\n"),
        lines + "$B0\n",
        "$A=$A\n$A\n".to_owned(),
        "$A= \\\n$A \\\n$A\n$A\n".to_owned(),
        "~SEQ(A,1,99999) ~SEQ(B,1,99999) ~SEQ(C,1,99999) x$A$B$C {\n".to_owned(),
        "~SEQ(A,1,2000000000) ".repeat(100) + "x\n",
        format!("$L={}\n{}\n", "y ".repeat(2000), "${L} ".repeat(800)),
        format!("~SEQ(A,1,20000) {}\n", "x ".repeat(2000)),
        format!("$L={}\n~SEQ(A,1,20000) $L\n", "{ ".repeat(2000)),
    ] {
        let loaded = load(&text);
        assert!(loaded.config.instances.is_empty());
        assert!(loaded.diagnoses.len() <= 1001);
    }
}

#[test]
fn to_an_old_keepalived_a_brace_is_a_word_of_its_own() {
    let text = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n unicast_peer{\n  172.16.16.6\n }\n virtual_ipaddress {\n  172.16.16.12\n }\n}\n";
    let old = Options { profile: Profile::KEEPALIVED_1_3, ..Options::default() };
    let loaded = config::load(&Files::single("x.conf", text), &old);
    assert_eq!(loaded.diagnoses[0].code, "no-address");
    let glued = loaded.diagnoses.iter().find(|d| d.code == "glued-brace").expect("it is diagnosed");
    assert_eq!(glued.severity, config::Severity::Error);
    // Its `}` closed the instance: no peers, no address, multicast.
    let vi = &loaded.config.instances[0];
    assert!(vi.peers.is_empty() && vi.addresses.is_empty());
    let mended = text.replace("unicast_peer{", "unicast_peer {");
    let loaded = config::load(&Files::single("x.conf", mended), &old);
    assert_eq!((codes(&loaded), loaded.config.instances[0].peers.len()), (vec![], 1));
}

#[test]
fn an_old_keepalived_keeps_nopreempt_beside_state_master() {
    let text = |lines: &str| {
        format!(
            "vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority 100\n state MASTER\n{lines}\n virtual_ipaddress {{\n  172.16.16.12\n }}\n}}\n"
        )
    };
    let vi = |lines: &str, profile| {
        let options = Options { profile, ..Options::default() };
        let loaded = config::load(&Files::single("x.conf", text(lines)), &options);
        // Before 2.0 it does not wait.
        assert_eq!(codes(&loaded).contains(&"state-master-waits"), profile == Profile::KEEPALIVED);
        let vi = &loaded.config.instances[0];
        (vi.nopreempt, vi.preempt_delay.as_secs())
    };
    let (old, new) = (Profile::KEEPALIVED_1_3, Profile::KEEPALIVED);
    for (lines, kept, cleared) in [
        (" nopreempt", (true, 0), (false, 0)),
        (" nopreempt\n preempt_delay 10", (true, 0), (false, 0)),
        (" preempt_delay 10", (false, 10), (false, 0)),
    ] {
        assert_eq!((vi(lines, old), vi(lines, new)), (kept, cleared), "{lines}");
    }
}
