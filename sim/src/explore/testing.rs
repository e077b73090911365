//! Clusters for tests.

use super::base::Base;
pub(super) use crate::rules::testing::CONF;
use crate::scenario::Script;

/// Two machines in a subnet and a client that probes every 100 ms.
pub(super) fn pair() -> Base {
    pair_of(CONF, "")
}

/// The same of another file, with acts of its own.
pub(super) fn pair_of(conf: &str, acts: &str) -> Base {
    let text = "scenario pair\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
                cvm a 172.16.16.5 havip pair.conf\ncvm b 172.16.16.6 havip pair.conf\n\
                client web 172.16.16.100 probe 172.16.16.12 every 100ms\n";
    let script = Script::parse("pair.scn", &format!("{text}{acts}")).expect("a script");
    Base::new(script, None, &|_| Ok(conf.to_owned())).expect("a cluster")
}

/// Two machines with something of everything that can be interfered with: services, scripts, files, a second interface.
pub(super) fn with_everything() -> Base {
    let text = "scenario everything\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nsubnet 172.16.17.0/24\n\
                havip 172.16.16.12\neip 203.0.113.10 to 172.16.16.12\n\
                cvm a 172.16.16.5 havip pair.conf\neni a.eth1 172.16.17.5\n\
                cvm b 172.16.16.6 havip pair.conf\neni b.eth1 172.16.17.6\n\
                client web 172.16.16.100 probe 172.16.16.12:443 every 100ms\nservice proxy tcp 443 on a b\n\
                internet far 198.51.100.7 probe 203.0.113.10 every 100ms\n";
    let tracked = "vrrp_script check {\n    script \"/bin/check\"\n    interval 1\n}\n\
                   track_file load {\n    file /run/load\n    weight 1\n}\n";
    let tracks = "    track_script {\n        check\n    }\n    track_file {\n        load\n    }\n    \
                  virtual_routes {\n        10.20.0.0/16 via 172.16.16.1\n    }\n}\n";
    let (instance, _) = CONF.rsplit_once("}\n").expect("an instance");
    let conf = format!("{tracked}{instance}{tracks}");
    let script = Script::parse("everything.scn", text).expect("a script");
    Base::new(script, None, &|_| Ok(conf.clone())).expect("a cluster")
}

/// The same pair on a lan, one of whose machines has an interface that comes later.
pub(super) fn lan() -> Base {
    let text = "scenario lan\nrun 60s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\n\
                cvm a 172.16.16.5 havip pair.conf\neni a.eth1 10.20.0.5 off\ncvm b 172.16.16.6 havip pair.conf\n\
                client web 172.16.16.100 probe 172.16.16.12 every 100ms\n";
    let script = Script::parse("lan.scn", text).expect("a script");
    Base::new(script, None, &|_| Ok(CONF.to_owned())).expect("a cluster")
}

/// Two machines whose agents speak by multicast, version 3 on one lan and version 2 with a password on another.
pub(super) fn multicast() -> Base {
    let text = "scenario multicast\nrun 60s\nlan 172.16.16.0/24\nlan 10.20.0.0/24\n\
                cvm a 172.16.16.5 havip multicast.conf\neni a.eth1 10.20.0.5\n\
                cvm b 172.16.16.6 havip multicast.conf\neni b.eth1 10.20.0.6\n\
                client web 172.16.16.100 probe 172.16.16.12 every 100ms\n\
                client db 10.20.0.100 probe 10.20.0.12 every 100ms\n";
    let one = |name: &str, eni: &str, words: &str, address: &str| {
        format!(
            "vrrp_instance {name} {{\n interface {eni}\n virtual_router_id 51\n@a priority 100\n@b priority 90\n{words} \
             virtual_ipaddress {{\n  {address}\n }}\n}}\n"
        )
    };
    let password = " authentication {\n  auth_type PASS\n  auth_pass 1111\n }\n";
    let conf =
        one("VI_1", "eth0", " version 3\n", "172.16.16.12") + &one("VI_2", "eth1", password, "10.20.0.12");
    let script = Script::parse("multicast.scn", text).expect("a script");
    Base::new(script, None, &|_| Ok(conf.clone())).expect("a cluster")
}
