//! Who takes what is sent to an address, and whom an address's owner hears.

use havip::config::{self, Instance, Loaded, Options};
use havip::files::Files;

fn load(global: &str, lines: &str) -> Loaded {
    let text = format!(
        "global_defs {{\n{global}\n}}\nvrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
         virtual_ipaddress {{\n172.16.16.12\n}}\n}}\n"
    );
    config::load(&Files::single("x.conf", text), &Options::default())
}

fn instance(loaded: &Loaded) -> &Instance {
    loaded.config.instances.first().expect("an instance")
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

/// keepalived.conf(5); `vrrp_strict` alone is measured (probe global_strict_unicast: accept 0).
#[test]
fn strict_mode_accepts_nothing_unless_version_3_or_the_owner_says_so() {
    let accepts = |global, lines| instance(&load(global, lines)).accepts;
    assert!(accepts("", ""));
    assert!(accepts("", "no_accept\naccept"), "the last one counts");
    assert!(!accepts("", "no_accept"));
    assert!(accepts("", "no_accept\npriority 255"), "an owner has no choice");
    assert!(!accepts("vrrp_strict", ""));
    assert!(!accepts("vrrp_strict", "accept"), "version 2 has no accept mode");
    assert!(accepts("vrrp_strict", "version 3\naccept"));
    assert!(!accepts("vrrp_strict", "version 3"));
    assert!(accepts("vrrp_strict", "state MASTER\npriority 255"));
    assert!(accepts("vrrp_strict", "strict_mode off"));
}

#[test]
fn whoever_writes_strict_mode_is_told_that_nobody_will_be_answered() {
    assert_eq!(codes(&load("vrrp_strict", "")), ["strict-drops"]);
    assert_eq!(codes(&load("vrrp_strict", "accept")), ["strict-accept"]);
    assert_eq!(codes(&load("vrrp_strict", "version 3\naccept")), Vec::<&str>::new());
    assert_eq!(codes(&load("", "no_accept")), Vec::<&str>::new(), "it is what is written");
}

#[test]
fn only_an_owner_ignores_advertisements_and_off_is_off() {
    let ignores = |global, lines| instance(&load(global, lines)).owner_ignores_adverts;
    assert!(ignores("", "state MASTER\npriority 255\nowner_ignore_adverts"));
    assert!(ignores("vrrp_owner_ignore_adverts", "state MASTER\npriority 255"));
    assert!(!ignores("vrrp_owner_ignore_adverts", "state MASTER\npriority 255\nowner_ignore_adverts off"));
    assert!(!ignores("vrrp_owner_ignore_adverts", "priority 254"));
    assert!(!ignores("", "state MASTER\npriority 255"));
}
