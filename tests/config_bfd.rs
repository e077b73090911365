//! BFD sessions, and who tracks them.

use havip::config::{self, Loaded, Options, Tracked, Tracker};
use havip::files::Files;
use havip::time::Duration;

fn load(block: &str, lines: &str) -> Loaded {
    let text = format!(
        "{block}\nvrrp_instance VI_1 {{\ninterface eth0\nvirtual_router_id 51\n{lines}\n\
         virtual_ipaddress {{\n172.16.16.12\n}}\n}}\n"
    );
    config::load(&Files::single("x.conf", text), &Options::default())
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnoses.iter().map(|d| d.code).collect()
}

#[test]
fn a_session_has_keepaliveds_defaults() {
    let loaded = load("bfd_instance r {\nneighbour_ip 172.16.16.1\n}", "");
    assert_eq!(codes(&loaded), Vec::<&str>::new());
    let [r] = &loaded.config.bfd[..] else { panic!("{:?}", loaded.config) };
    let ms = Duration::from_millis;
    assert_eq!((r.settings.min_tx, r.settings.min_rx, r.settings.idle_tx), (ms(10), ms(10), ms(1_000)));
    assert_eq!((r.settings.multiplier, r.settings.passive), (5, false));
    assert_eq!((r.ttl, r.hops_max, r.source), (255, 0, None));
    let six = load("bfd_instance r {\nneighbor_ip fd00::1\n}", "");
    assert_eq!(six.config.bfd[0].ttl, 64);
}

#[test]
fn every_line_of_a_session_counts() {
    let block = "bfd_instance r {\nneighbor_ip 172.16.16.1\nsource_ip 172.16.16.5\nmin_tx 20\nmin_rx 30\n\
                 idle_tx 2000\nmultiplier 3\npassive\nttl 9\nmax_hops 4\nweight 10 reverse\n}";
    let loaded = load(block, "track_bfd {\nr\n}");
    assert_eq!(codes(&loaded), Vec::<&str>::new());
    let r = &loaded.config.bfd[0];
    let ms = Duration::from_millis;
    assert_eq!((r.settings.min_tx, r.settings.min_rx, r.settings.idle_tx), (ms(20), ms(30), ms(2_000)));
    assert_eq!((r.settings.multiplier, r.settings.passive, r.ttl, r.hops_max), (3, true, 9, 4));
    assert_eq!(r.source, Some("172.16.16.5".parse().expect("an address")));
    let tracker = Tracker { what: Tracked::Bfd(0), weight: 10, reverse: true };
    assert_eq!(loaded.config.instances[0].tracked, [tracker]);
    let line = load(block, "track_bfd {\nr weight 0 noreverse\n}");
    let tracker = Tracker { what: Tracked::Bfd(0), weight: 0, reverse: false };
    assert_eq!(line.config.instances[0].tracked, [tracker]);
}

#[test]
fn what_is_no_session_is_left_out_and_said_to_be() {
    let track = "track_bfd {\nr\n}";
    for (block, said, sessions) in [
        ("bfd_instance r {\n}", "bfd-disabled not-to-track", 0),
        ("bfd_instance r {\nneighbor_ip x\n}", "bfd-disabled bad-address not-to-track", 0),
        ("bfd_instance r {\nneighbor_ip 10.0.0.1\nsource_ip fd00::1\n}", "bfd-disabled not-to-track", 0),
        ("bfd_instance r {\nneighbor_ip 10.0.0.1\nchecker\n}", "not-to-track", 1),
        ("bfd_instance r {\nneighbor_ip 10.0.0.1\nchecker\nvrrp\n}", "", 1),
        ("bfd_instance r {\nneighbor_ip 10.0.0.1\nmin_tx 0\nidle_tx 999\n}", "bad-number bad-number", 1),
        (
            "bfd_instance r {\nneighbor_ip 10.0.0.1\n}\nbfd_instance s {\nneighbor_ip 10.0.0.1\n}",
            "defined-twice",
            1,
        ),
        (
            "bfd_instance r {\nneighbor_ip 10.0.0.1\n}\nbfd_instance r {\nneighbor_ip 10.0.0.2\n}",
            "defined-twice",
            1,
        ),
    ] {
        let loaded = load(block, track);
        assert_eq!((codes(&loaded).join(" ").as_str(), loaded.config.bfd.len()), (said, sessions), "{block}");
    }
}
