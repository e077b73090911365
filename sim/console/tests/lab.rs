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
    let (_, story) = server.request("GET", "/_havip/lab/scenario", &[], "");
    std::fs::write(data.join("again.scn"), &story).unwrap();
    let again = havip_sim::run::open(&data.join("again.scn"), None)
        .unwrap_or_else(|error| panic!("{error}\n{story}"));
    assert_eq!(again.setup.acts.len(), 2, "{story}");
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
