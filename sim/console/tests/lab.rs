//! Machines behind the API: their agents claim, and clients see it.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Server, folder};
use serde_json::{Value, json};

const STORY: &str = "scenario pair\nrun 60s seed 7\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nhavip 172.16.16.12\n\
    cvm a 172.16.16.5 keepalived pair.conf\ncvm b 172.16.16.6 keepalived pair.conf\n\
    client web 172.16.16.100 probe 172.16.16.12 every 10ms\nexpect by 10s master a\n";
const CONF: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n state BACKUP\n nopreempt\n\
    garp_master_refresh 5\n @a priority 100\n @b priority 90\n unicast_peer {\n @a 172.16.16.6\n @b 172.16.16.5\n }\n\
    virtual_ipaddress {\n 172.16.16.12\n 172.16.16.20\n }\n}\n";

/// Asks until it holds; a minute of the lab's time takes three seconds at this speed.
fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

/// The lab's record, once an act stands in it.
fn recorded(server: &Server, act: &str) -> String {
    let mut story = String::new();
    wait(act, || {
        story = server.request("GET", "/_havip/lab/scenario", &[], "").1;
        story.lines().any(|line| line.starts_with("at ") && line.ends_with(&format!(" {act}")))
    });
    story
}

#[test]
fn agents_claim_a_havip_and_the_api_shows_it() {
    let data = folder("lab");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("pair.conf"), CONF).unwrap();
    std::fs::write(data.join("pair.scn"), STORY).unwrap();
    let story = data.join("pair.scn");
    let server = Server::open(&["--lab", story.to_str().unwrap(), "--speed", "20"]);
    let mut events = TcpStream::connect(&server.address).unwrap();
    events.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(events, "GET /_havip/events HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).unwrap();

    let look = |vip: &str| {
        let ask = json!({ "Filters": [{ "Name": "vip", "Values": [vip] }] });
        server.call("DescribeHaVips", &ask)["HaVipSet"][0].take()
    };
    let name_of = |havip: &Value| -> String {
        let enis = server.call(
            "DescribeNetworkInterfaces",
            &json!({ "NetworkInterfaceIds": [havip["NetworkInterfaceId"]] }),
        );
        enis["NetworkInterfaceSet"][0]["NetworkInterfaceName"].as_str().unwrap_or("").to_owned()
    };
    let first = look("172.16.16.12");
    assert!(first["State"] == "UNBIND" || first["State"] == "AVAILABLE", "{first}");
    wait("a claims it", || look("172.16.16.12")["State"] == "AVAILABLE");
    let held = look("172.16.16.12");
    assert_eq!(name_of(&held), "a");
    assert_ne!(held["FlushedTime"], "0000-00-00 00:00:00");
    let refused = server.look("refused?Region=ap-guangzhou");
    assert_eq!(refused["Refused"][0]["Address"], "172.16.16.20", "it is no HAVIP yet");

    // One that comes by the API is claimed too.
    let ask = json!({ "VpcId": held["VpcId"], "SubnetId": held["SubnetId"], "HaVipName": "n", "Vip": "172.16.16.20" });
    let late = server.call("CreateHaVip", &ask)["HaVip"]["HaVipId"].take();
    wait("a refreshes its claim of it", || look("172.16.16.20")["State"] == "AVAILABLE");

    assert_eq!(server.control("lab", &json!({ "Act": "power-off a" }))["Act"], "power-off a");
    wait("b takes over", || name_of(&look("172.16.16.12")) == "b");
    let after = look("172.16.16.12");
    assert_ne!(after["InstanceId"], held["InstanceId"]);
    let timeline =
        server.look(&format!("timeline?Region=ap-guangzhou&HaVipId={}", after["HaVipId"].as_str().unwrap()));
    let owners: Vec<&str> =
        timeline["Timeline"].as_array().unwrap().iter().map(|m| m["ToName"].as_str().unwrap()).collect();
    assert_eq!(owners, ["a", "b"]);
    assert_eq!(timeline["Timeline"][1]["Cause"], "claim");

    // Both gone: the owner has gone silent.
    server.control("lab", &json!({ "Act": "power-off b" }));
    wait("somebody says that nobody is there", || {
        let told = server
            .look(&format!("timeline?Region=ap-guangzhou&HaVipId={}", after["HaVipId"].as_str().unwrap()));
        told["Warnings"][0].as_str().is_some_and(|text| text.contains("nothing has been heard"))
    });
    let (head, body) = server.request("POST", "/_havip/lab", &[], r#"{"Act":"power-off nobody"}"#);
    assert!(head.starts_with("HTTP/1.1 400") && body.contains("nobody"), "{head} {body}");
    let state = server.look("lab");
    assert_eq!(
        (&state["Machines"][0]["Program"], state["Acts"].as_array().unwrap().len()),
        (&json!("not running"), 2)
    );

    // What was done is a file that does it again.
    server.call("DeleteHaVip", &json!({ "HaVipId": late }));
    let story = recorded(&server, "release 172.16.16.20");
    std::fs::write(data.join("again.scn"), &story).unwrap();
    let again = havip_sim::run::open(&data.join("again.scn"), None)
        .unwrap_or_else(|error| panic!("{error}\n{story}"));
    let acts: Vec<&str> =
        story.lines().filter(|line| line.starts_with("at ")).map(|line| line[12..].trim()).collect();
    assert_eq!(acts, ["apply 172.16.16.20", "power-off a", "power-off b", "release 172.16.16.20"], "{story}");
    assert_eq!(again.setup.acts.len(), 4, "{story}");
    let text = havip_sim::run::run(&again).text();
    assert!(text.contains("Bound with CVM b"), "{text}");

    // Who listened has heard of it.
    let moved = BufReader::new(events).lines().map_while(Result::ok).find(|line| line == "event: moved");
    assert!(moved.is_some());
}

#[test]
fn a_drift_range_holds_on_the_segment() {
    let data = folder("lab-range");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("pair.conf"), CONF).unwrap();
    std::fs::write(data.join("pair.scn"), STORY).unwrap();
    let story = data.join("pair.scn");
    let server = Server::open(&["--lab", story.to_str().unwrap(), "--speed", "20"]);
    let found = server.call("DescribeNetworkInterfaces", &json!({}))["NetworkInterfaceSet"].take();
    let b = found.as_array().unwrap().iter().find(|eni| eni["NetworkInterfaceName"] == "b").unwrap();
    let ask = json!({
        "VpcId": b["VpcId"], "SubnetId": b["SubnetId"], "HaVipName": "n", "Vip": "172.16.16.20", "CheckAssociate": true,
        "HaVipAssociationSet": [{ "InstanceId": b["NetworkInterfaceId"], "InstanceType": "ENI" }],
    });
    server.call("CreateHaVip", &ask);
    wait("a's claim is refused", || {
        let refused = server.look("refused?Region=ap-guangzhou");
        refused["Refused"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["Why"] == "outside the HAVIP's drift range")
    });
    let ask = json!({ "Filters": [{ "Name": "vip", "Values": ["172.16.16.20"] }] });
    assert_eq!(server.call("DescribeHaVips", &ask)["HaVipSet"][0]["State"], "UNBIND");
    server.control("lab", &json!({ "Act": "power-off a" }));
    wait("b's is believed", || {
        server.call("DescribeHaVips", &ask)["HaVipSet"][0]["NetworkInterfaceId"] == b["NetworkInterfaceId"]
    });
}

const TWO_SUBNETS: &str = "scenario two\nrun 60s seed 7\nvpc 172.16.0.0/16\nsubnet 172.16.16.0/24\nsubnet 172.16.17.0/24\n\
    havip 172.16.16.12\nhavip 172.16.17.12\nhavip 172.16.16.30 off\neip 203.0.113.10 to 172.16.16.12\n\
    cvm a 172.16.16.5 keepalived two.conf\neni a.eth1 172.16.17.5\n\
    cvm b 172.16.16.6 keepalived two.conf\neni b.eth1 172.16.17.6\n\
    client web 172.16.16.100 probe 172.16.16.12 every 10ms\n\
    internet far 198.51.100.7 probe 203.0.113.10 every 10ms\nrange 172.16.17.12 a b\n";
const TWO_CONF: &str = "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 51\n state BACKUP\n nopreempt\n\
    garp_master_refresh 5\n @a priority 100\n @b priority 90\n\
    unicast_peer {\n @a 172.16.16.6\n @b 172.16.16.5\n }\n virtual_ipaddress {\n 172.16.16.12\n }\n}\n\
    vrrp_instance VI_2 {\n interface eth1\n virtual_router_id 52\n state BACKUP\n nopreempt\n\
    garp_master_refresh 5\n @a priority 100\n @b priority 90\n\
    unicast_peer {\n @a 172.16.17.6\n @b 172.16.17.5\n }\n virtual_ipaddress {\n 172.16.17.12\n }\n}\n";

/// A lab of two machines with two interfaces each, and what its files are called.
fn two(name: &str) -> (Server, std::path::PathBuf) {
    let data = folder(name);
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("two.conf"), TWO_CONF).unwrap();
    std::fs::write(data.join("two.scn"), TWO_SUBNETS).unwrap();
    let server = Server::open(&["--lab", data.join("two.scn").to_str().unwrap(), "--speed", "20"]);
    (server, data)
}

fn havip(server: &Server, vip: &str) -> Value {
    let ask = json!({ "Filters": [{ "Name": "vip", "Values": [vip] }] });
    server.call("DescribeHaVips", &ask)["HaVipSet"].get(0).cloned().unwrap_or_default()
}

fn interface(server: &Server, name: &str) -> Value {
    let found = server.call("DescribeNetworkInterfaces", &json!({}))["NetworkInterfaceSet"].take();
    found.as_array().unwrap().iter().find(|eni| eni["NetworkInterfaceName"] == name).unwrap().clone()
}

#[test]
fn what_the_api_does_is_done_on_the_segment() {
    let (server, data) = two("lab-follows");
    let of = |name: &str| interface(&server, name)["Attachment"]["InstanceId"].clone();
    let owner = |vip: &str| havip(&server, vip)["InstanceId"].clone();
    wait("a has both", || [owner("172.16.16.12"), owner("172.16.17.12")] == [of("a"), of("a")]);
    let (first, second) = (havip(&server, "172.16.16.12"), havip(&server, "172.16.17.12"));
    assert_eq!((&first["AddressIp"], &second["CheckAssociate"]), (&json!("203.0.113.10"), &json!(true)));
    assert_eq!(second["HaVipAssociationSet"][0]["InstanceType"], "CVM");

    // An elastic IP is taken away, and another one bound.
    server.call("HaVipDisassociateAddressIp", &json!({ "HaVipId": first["HaVipId"] }));
    recorded(&server, "unbind-eip 203.0.113.10");
    let made = server.call("AllocateAddresses", &json!({}))["AddressSet"][0].take();
    let made = server.call("DescribeAddresses", &json!({ "AddressIds": [made] }))["AddressSet"][0].take();
    let address = made["AddressIp"].as_str().unwrap();
    server.call("HaVipAssociateAddressIp", &json!({ "HaVipId": first["HaVipId"], "AddressIp": address }));
    recorded(&server, &format!("bind-eip {address} to 172.16.16.12"));

    // The interface that holds the second HAVIP is detached: b takes it.
    let eni = interface(&server, "a.eth1");
    let ask = json!({ "NetworkInterfaceId": eni["NetworkInterfaceId"], "InstanceId": of("a") });
    server.call("DetachNetworkInterface", &ask);
    assert_eq!(havip(&server, "172.16.17.12")["State"], "UNBIND");
    recorded(&server, "detach a.eth1");
    wait("b takes it", || owner("172.16.17.12") == of("b"));

    // Nobody is in the drift range any more; then a alone.
    let member =
        |name: &str| json!({ "HaVipId": second["HaVipId"], "InstanceId": of(name), "InstanceType": "CVM" });
    let both = json!({ "HaVipAssociationSet": [member("a"), member("b")] });
    server.call("DisassociateHaVipInstance", &both);
    recorded(&server, "range 172.16.17.12 none");
    server.call("AssociateHaVipInstance", &json!({ "HaVipAssociationSet": [member("a")] }));
    recorded(&server, "range 172.16.17.12 a");

    // Beside its files the record does it again.
    server.call("HaVipDisassociateAddressIp", &json!({ "HaVipId": first["HaVipId"] }));
    server.call("DeleteHaVip", &json!({ "HaVipId": first["HaVipId"] }));
    let story = recorded(&server, "release 172.16.16.12");
    std::fs::write(data.join("again.scn"), &story).unwrap();
    let again = havip_sim::run::open(&data.join("again.scn"), None)
        .unwrap_or_else(|error| panic!("{error}\n{story}"));
    let text = havip_sim::run::run(&again).text();
    assert!(text.contains("172.16.17.12  Not bound with CVM yet -> Bound with CVM b"), "{text}");
    assert!(!text.contains("cloud  does not"), "the segment declines nothing that the API did\n{text}");
}

#[test]
fn what_is_done_on_the_segment_is_told_by_the_api() {
    let (server, _) = two("lab-tells");
    let act = |act: &str| _ = server.control("lab", &json!({ "Act": act }));
    let address = || havip(&server, "172.16.16.12")["AddressIp"].clone();
    act("unbind-eip 203.0.113.10");
    wait("the elastic IP is unbound", || address() == "");
    act("bind-eip 203.0.113.10 to 172.16.16.12");
    wait("the elastic IP is bound", || address() == "203.0.113.10");
    act("release 172.16.16.12");
    wait("the segment declines, and says so", || {
        let events = server.look("lab");
        events["Declined"][0].as_str().is_some_and(|text| text.contains("an elastic IP is bound to it"))
    });
    assert_ne!(havip(&server, "172.16.16.12"), Value::Null);

    act("detach a.eth1");
    wait("the interface is free", || interface(&server, "a.eth1")["State"] == "AVAILABLE");
    act("attach a.eth1");
    wait("the interface is used", || !interface(&server, "a.eth1")["Attachment"].is_null());

    act("range 172.16.16.12 b.eth0");
    wait("the drift range is told", || {
        let shown = havip(&server, "172.16.16.12");
        shown["CheckAssociate"] == true && shown["HaVipAssociationSet"][0]["InstanceType"] == "ENI"
    });
    act("range 172.16.16.12 all");
    wait("it is lifted", || havip(&server, "172.16.16.12")["CheckAssociate"] == false);

    assert_eq!(havip(&server, "172.16.16.30"), Value::Null);
    act("apply 172.16.16.30");
    wait("the new one is there", || havip(&server, "172.16.16.30")["State"] == "UNBIND");
    act("release 172.16.16.30");
    wait("it is gone", || havip(&server, "172.16.16.30").is_null());
}

fn warnings(server: &Server, vip: &str) -> Vec<String> {
    let id = havip(server, vip)["HaVipId"].take();
    let told = server.look(&format!("timeline?Region=ap-guangzhou&HaVipId={}", id.as_str().unwrap()));
    told["Warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_owner_is_silent_on_the_interface_that_it_claimed_by() {
    let (server, _) = two("lab-silent");
    let owner = |vip: &str| havip(&server, vip)["NetworkInterfaceId"].clone();
    let (first, second) = (interface(&server, "a"), interface(&server, "a.eth1"));
    wait("a has both, each on its own interface", || {
        [owner("172.16.16.12"), owner("172.16.17.12")]
            == [first["NetworkInterfaceId"].clone(), second["NetworkInterfaceId"].clone()]
    });
    // Nobody takes over, so that it stays the owner.
    server.control("lab", &json!({ "Act": "power-off b" }));
    server.control("lab", &json!({ "Act": "unplug a.eth1" }));
    wait("the second interface is silent", || !warnings(&server, "172.16.17.12").is_empty());
    let told = warnings(&server, "172.16.17.12");
    let eni = second["NetworkInterfaceId"].as_str().unwrap();
    assert!(told[0].contains("nothing has been heard") && told[0].contains(eni), "{told:?}");
    assert_eq!(warnings(&server, "172.16.16.12"), [""; 0], "the first one still speaks");
}

#[test]
fn a_refused_claim_is_told_with_what_was_announced_and_by_which_interface() {
    let (server, _) = two("lab-refused");
    server.control("lab", &json!({ "Act": "spoof arp on b.eth1 172.16.17.12 is-at 02:00:00:00:00:66" }));
    let eni = interface(&server, "b.eth1")["NetworkInterfaceId"].take();
    wait("it is refused", || {
        let refused = server.look("refused?Region=ap-guangzhou")["Refused"].take();
        refused.as_array().unwrap().iter().any(|one| {
            one["NetworkInterfaceId"] == eni
                && one["MacAddress"] == "02:00:00:00:00:66"
                && one["Address"] == "172.16.17.12"
                && one["Why"] == "the announced hardware address is not the sender's"
        })
    });
}

#[test]
fn what_the_segment_decides_nobody_decides_besides_it() {
    let (server, _) = two("lab-decides");
    let (eni, shown) = (interface(&server, "b"), havip(&server, "172.16.16.12"));
    let refused = |path: &str, ask: &Value| {
        let (head, body) = server.request("POST", &format!("/_havip/{path}"), &[], &ask.to_string());
        assert!(head.starts_with("HTTP/1.1 400"), "{path}: {head} {body}");
        body
    };
    let region = "ap-guangzhou";
    let claim = json!({ "Region": region, "NetworkInterfaceId": eni["NetworkInterfaceId"], "Address": "172.16.16.12" });
    let cvm = json!({ "Region": region, "InstanceId": eni["Attachment"]["InstanceId"] });
    let new =
        json!({ "Region": region, "VpcId": eni["VpcId"], "SubnetId": eni["SubnetId"], "InstanceName": "c" });
    for (path, ask) in [("claim", claim), ("instances/terminate", cvm), ("instances", new)] {
        assert!(refused(path, &ask).contains("/_havip/lab"), "{path}: what to do instead");
    }
    for path in ["reset", "restore"] {
        assert!(refused(path, &json!({})).contains("start the server anew"), "{path}");
    }
    let ask = json!({
        "VpcId": eni["VpcId"], "SubnetId": eni["SubnetId"], "HaVipName": "n", "NetworkInterfaceId": eni["NetworkInterfaceId"],
    });
    assert_eq!(server.code("CreateHaVip", &ask), "UnsupportedOperation");
    assert_eq!(havip(&server, "172.16.16.12")["HaVipId"], shown["HaVipId"]);

    // Another VPC has no segment.
    let (vpc, subnet) = server.subnet();
    let new = json!({ "Region": region, "VpcId": vpc, "SubnetId": subnet, "InstanceName": "c" });
    let eni = server.control("instances", &new)["NetworkInterfaceId"].take();
    server.call(
        "CreateHaVip",
        &json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "n", "Vip": "10.0.0.12" }),
    );
    let claim = json!({ "Region": region, "NetworkInterfaceId": eni, "Address": "10.0.0.12" });
    assert_eq!(server.control("claim", &claim)["verdict"], "believed");
}
