//! A cluster for tests.

/// Two machines that share an address, the first of them preferred.
pub(crate) const CONF: &str = "vrrp_instance VI_1 {
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
