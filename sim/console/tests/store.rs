//! What is on disk between two starts.

mod common;

use common::{Server, folder};
use serde_json::json;

#[test]
fn what_was_made_is_there_after_a_restart_and_no_id_comes_twice() {
    let data = folder("store");
    let options = ["--data", data.to_str().unwrap(), "--signature", "off", "--seed", "5"];
    let server = Server::start(&options);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h", "ClientToken": "once" });
    let made = server.call("CreateHaVip", &ask);
    let gone = server.call("CreateHaVip", &json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "g" }));
    let task =
        server.call("DeleteHaVip", &json!({ "HaVipId": gone["HaVip"]["HaVipId"] }))["RequestId"].take();
    drop(server);
    let server = Server::start(&options);
    assert_eq!(server.call("DescribeHaVips", &json!({}))["HaVipSet"][0], made["HaVip"]);
    assert_eq!(server.call("DescribeVpcTaskResult", &json!({ "TaskId": task }))["Status"], "SUCCESS");
    let again = server.call("CreateHaVip", &ask);
    assert_eq!(again["HaVip"], made["HaVip"], "the token is remembered");
    assert_ne!(again["RequestId"], made["RequestId"]);
    let new = server.call("CreateHaVip", &json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "g" }));
    assert_ne!(new["HaVip"]["HaVipId"], gone["HaVip"]["HaVipId"]);
    let (_, snapshot) = server.request("GET", "/_havip/snapshot", &[], "");
    server.control("reset", &json!({}));
    drop(server);
    let server = Server::start(&options);
    assert_eq!(server.call("DescribeVpcs", &json!({}))["TotalCount"], 0, "a reset is stored");
    server.request("POST", "/_havip/restore", &[], &snapshot);
    drop(server);
    let server = Server::start(&options);
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 2, "so is what was put back");
}

#[test]
fn quotas_and_refused_claims_are_there_after_a_restart() {
    let data = folder("store-limits");
    let options = ["--data", data.to_str().unwrap(), "--signature", "off", "--no-rate-limit"];
    let server = Server::start(&[&options[..], &["--quota", "appid-max-eips=3"]].concat());
    let (vpc, subnet) = server.subnet();
    server.control("limits", &json!({ "vpc-max-havips": 2 }));
    let machine = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": "a" });
    let eni = server.control("instances", &machine)["NetworkInterfaceId"].take();
    for last in 0..1003 {
        let address = format!("10.0.{}.{}", last / 200, last % 200 + 20);
        let claim = json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": eni, "Address": address });
        assert_eq!(server.control("claim", &claim)["verdict"], "refused");
    }
    let refused = server.look("refused?Region=ap-guangzhou");
    assert_eq!(refused["Refused"].as_array().unwrap().len(), 1000, "the last thousand");
    assert_eq!(refused["Refused"][0]["Address"], "10.0.0.23");
    drop(server);

    let server = Server::start(&options);
    assert_eq!(server.look("refused?Region=ap-guangzhou"), refused);
    let limits =
        server.call("DescribeVpcLimits", &json!({ "LimitTypes": ["vpc-max-havips", "appid-max-eips"] }));
    let values: Vec<_> =
        limits["VpcLimitSet"].as_array().unwrap().iter().map(|one| one["LimitValue"].clone()).collect();
    assert_eq!(values, [2, 3]);
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" });
    for _ in 0..2 {
        server.call("CreateHaVip", &ask);
    }
    assert_eq!(server.code("CreateHaVip", &ask), "LimitExceeded");
    // A quota that is as it was at first again is stored as well.
    server.control("limits", &json!({ "vpc-max-havips": 10 }));
    let (_, snapshot) = server.request("GET", "/_havip/snapshot", &[], "");
    assert!(snapshot.contains("appid-max-eips") && !snapshot.contains("vpc-max-havips"), "{snapshot}");
    drop(server);
    let server = Server::start(&options);
    server.call("CreateHaVip", &ask);
}

#[test]
fn a_store_has_one_server() {
    let data = folder("one-server");
    let data = data.to_str().unwrap();
    let _server = Server::start(&["--data", data]);
    let second = std::process::Command::new(env!("CARGO_BIN_EXE_havip-console"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is another server using it?"));
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let data = folder("no-store");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("havip.sqlite3"), "this is no database, of whatever kind").unwrap();
    let start = std::process::Command::new(env!("CARGO_BIN_EXE_havip-console"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(start.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&start.stderr).contains("cannot open the store"));
}
