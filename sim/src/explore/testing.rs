//! Clusters for tests.

use super::base::Base;
use crate::scenario::Script;

const CONF: &str = "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
@a  priority 100
@b  priority 90
    unicast_peer {
@a      172.16.16.6
@b      172.16.16.5
    }
    virtual_ipaddress {
        172.16.16.12
    }
}
";

/// Two machines in a subnet and a client that probes every 100 ms.
pub(super) fn pair() -> Base {
    let text = "scenario pair\nrun 60s\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
                cvm a 172.16.16.5 havip pair.conf\ncvm b 172.16.16.6 havip pair.conf\n\
                client web 172.16.16.100 probe 172.16.16.12 every 100ms\n";
    let script = Script::parse("pair.scn", text).expect("a script");
    Base::new(script, None, &|_| Ok(CONF.to_owned())).expect("a cluster")
}
