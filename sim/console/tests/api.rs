//! The API over a socket: a HAVIP's life, every refusal.

mod common;

use common::{Server, folder, id};
use serde_json::{Value, json};

#[test]
fn a_havip_is_applied_for_claimed_bound_to_an_eip_and_released() {
    let server = Server::open(&["--seed", "7"]);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "web", "Vip": "10.0.0.10" });
    let havip = server.call("CreateHaVip", &ask)["HaVip"].take();
    assert_eq!(havip["State"], "UNBIND");
    assert_eq!(havip["FlushedTime"], "0000-00-00 00:00:00");
    for field in ["NetworkInterfaceId", "InstanceId", "AddressIp", "Business", "CdcId"] {
        assert_eq!(havip[field], "", "{field} is not set: an empty text, never null");
    }
    let id = havip["HaVipId"].as_str().unwrap();
    let machine = |name: &str| {
        let ask = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": name });
        server.control("instances", &ask)
    };
    let (a, b) = (machine("a"), machine("b"));
    let claim = |eni: &Value, address: &str| {
        let ask = json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": eni["NetworkInterfaceId"], "Address": address });
        server.control("claim", &ask)["verdict"].take()
    };
    assert_eq!(claim(&a, "10.0.0.10"), "believed");
    assert_eq!(claim(&b, "10.0.0.11"), "refused");
    assert_eq!(claim(&b, "10.0.0.10"), "believed");
    let found = server.call("DescribeHaVips", &json!({ "HaVipIds": [id] }));
    let shown = &found["HaVipSet"][0];
    assert_eq!((&shown["State"], &shown["InstanceId"]), (&json!("AVAILABLE"), &b["InstanceId"]));
    assert_ne!(shown["FlushedTime"], "0000-00-00 00:00:00");
    let timeline = server.look(&format!("timeline?Region=ap-guangzhou&HaVipId={id}"));
    let owners: Vec<&Value> = timeline["Timeline"].as_array().unwrap().iter().map(|m| &m["ToName"]).collect();
    assert_eq!(owners, ["a", "b"]);
    assert_eq!(server.look("refused?Region=ap-guangzhou")["Refused"][0]["Why"], "the address is no HAVIP");

    let eip = server.call("AllocateAddresses", &json!({}));
    let task: u64 = eip["TaskId"].as_str().unwrap().parse().unwrap();
    assert_eq!(server.call("DescribeTaskResult", &json!({ "TaskId": task }))["Result"], "SUCCESS");
    assert_eq!(server.call("DescribeTaskResult", &json!({ "TaskId": task.to_string() }))["TaskId"], task);
    let found = server.call("DescribeAddresses", &json!({ "AddressIds": eip["AddressSet"] }));
    let address = found["AddressSet"][0]["AddressIp"].clone();
    let bound = server.call("HaVipAssociateAddressIp", &json!({ "HaVipId": id, "AddressIp": address }));
    let status = server.call("DescribeVpcTaskResult", &json!({ "TaskId": bound["RequestId"] }));
    assert_eq!(status["Status"], "SUCCESS");
    let shown =
        server.call("DescribeHaVips", &json!({ "Filters": [{ "Name": "address-ip", "Values": [address] }] }));
    assert_eq!(shown["HaVipSet"][0]["AddressIp"], address);
    let shown = server.call("DescribeAddresses", &json!({}))["AddressSet"][0].take();
    assert_eq!((&shown["AddressStatus"], &shown["InstanceType"]), (&json!("BIND"), &json!("HAVIP")));
    assert_eq!(server.code("DeleteHaVip", &json!({ "HaVipId": id })), "UnsupportedOperation");
    assert_eq!(server.code("DeleteSubnet", &json!({ "SubnetId": subnet })), "ResourceInUse");
    server.call("HaVipDisassociateAddressIp", &json!({ "HaVipId": id }));
    server.call("DeleteHaVip", &json!({ "HaVipId": id }));
    assert_eq!(server.call("DescribeHaVips", &json!({ "HaVipIds": [id] }))["TotalCount"], 0);
}

#[test]
fn every_refusal_has_its_code() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let create = |more: Value| {
        let mut ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" });
        ask.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        server.call("CreateHaVip", &ask)
    };
    let code = |more: Value| create(more)["Error"]["Code"].as_str().unwrap_or("none").to_owned();
    let made = create(json!({ "Vip": "10.0.0.10", "ClientToken": "t1" }));
    let havip = id(&made, "HaVip", "HaVipId");
    let again = create(json!({ "Vip": "10.0.0.10", "ClientToken": "t1" }));
    assert_eq!(id(&again, "HaVip", "HaVipId"), havip, "a token makes nothing twice");
    let cases = [
        (
            json!({ "Vip": "10.0.0.11", "ClientToken": "t1" }),
            "UnsupportedOperation.IdempotentParameterMismatch",
        ),
        (json!({ "ClientToken": "t".repeat(65) }), "InvalidParameterValue.TooLong"),
        (json!({ "Vip": "10.0.1.5" }), "InvalidParameterValue.Range"),
        (json!({ "Vip": "10.0.0.0" }), "InvalidParameterValue.Reserved"),
        (json!({ "Vip": "10.0.0.1" }), "InvalidParameterValue.Reserved"),
        (json!({ "Vip": "10.0.0.255" }), "InvalidParameterValue.Reserved"),
        (json!({ "Vip": "10.0.0.10" }), "ResourceInUse"),
        (json!({ "Vip": "nonsense" }), "InvalidParameterValue.Malformed"),
        (json!({ "HaVipName": "x".repeat(61) }), "InvalidParameterValue.TooLong"),
        (json!({ "VpcId": "vpc-00000000" }), "ResourceNotFound"),
        (json!({ "VpcId": "x" }), "InvalidParameterValue.Malformed"),
        (json!({ "SubnetId": "subnet-00000000" }), "ResourceNotFound"),
        (
            json!({ "HaVipAssociationSet": [{ "InstanceId": "ins-00000000", "InstanceType": "ENI" }] }),
            "InvalidParameterValue.ParameterMismatch",
        ),
        (json!({ "Nonsense": 1 }), "UnknownParameter"),
        (json!({ "CheckAssociate": 7 }), "InvalidParameter"),
        (json!({ "Tags": [{ "Key": "a" }, { "Key": "a" }] }), "InvalidParameterValue.TagDuplicateKey"),
    ];
    for (more, expected) in cases {
        assert_eq!(code(more.clone()), expected, "{more}");
    }
    let many: Vec<String> = (0..101).map(|_| "havip-00000000".to_owned()).collect();
    let filter = |name: &str| json!([{ "Name": name, "Values": ["x"] }]);
    let filters: Vec<Value> = (0..11).map(|_| filter("vip")[0].clone()).collect();
    let six: Vec<u8> = vec![b'x'; 6];
    let six: Vec<String> = six.iter().map(|b| char::from(*b).to_string()).collect();
    for (action, ask, expected) in [
        ("DescribeHaVips", json!({ "HaVipIds": many }), "InvalidParameterValue.LimitExceeded"),
        ("DescribeHaVips", json!({ "Limit": 0 }), "InvalidParameterValue.Range"),
        ("DescribeHaVips", json!({ "Limit": 101 }), "InvalidParameterValue.Range"),
        ("DescribeHaVips", json!({ "Offset": -1 }), "InvalidParameterValue.Range"),
        (
            "DescribeHaVips",
            json!({ "HaVipIds": [havip], "Filters": filter("vip") }),
            "InvalidParameter.Coexist",
        ),
        ("DescribeHaVips", json!({ "Filters": filter("nonsense") }), "InvalidParameter.FilterInvalidKey"),
        ("DescribeHaVips", json!({ "Filters": filters }), "LimitExceeded.NumberOfFilters"),
        (
            "DescribeHaVips",
            json!({ "Filters": [{ "Name": "vip", "Values": six }] }),
            "InvalidParameterValue.LimitExceeded",
        ),
        (
            "ModifyHaVipAttribute",
            json!({ "HaVipId": havip, "HaVipName": "x".repeat(61) }),
            "InvalidParameterValue.TooLong",
        ),
        ("ModifyHaVipAttribute", json!({ "HaVipName": "x" }), "MissingParameter"),
        ("DeleteHaVip", json!({ "HaVipId": "havip-00000000" }), "ResourceNotFound"),
        ("DeleteHaVip", json!({ "HaVipId": "havip" }), "InvalidParameterValue.Malformed"),
        ("HaVipDisassociateAddressIp", json!({ "HaVipId": havip }), "UnsupportedOperation.UnbindEIP"),
        (
            "HaVipAssociateAddressIp",
            json!({ "HaVipId": havip, "AddressIp": "198.18.0.1" }),
            "ResourceNotFound",
        ),
        ("DeleteVpc", json!({ "VpcId": vpc }), "ResourceInUse"),
        ("ReleaseAddresses", json!({ "AddressIds": ["eip-00000000"] }), "InvalidAddressId.NotFound"),
        ("AllocateAddresses", json!({ "AddressCount": 21 }), "InvalidParameterValue.Range"),
        ("DescribeVpcTaskResult", json!({ "TaskId": "x" }), "ResourceNotFound"),
        ("CreateVpc", json!({ "VpcName": "v", "CidrBlock": "8.8.8.0/24" }), "InvalidParameterValue.Range"),
        (
            "CreateVpc",
            json!({ "VpcName": "v", "CidrBlock": "10.0.0.1/16" }),
            "InvalidParameterValue.Malformed",
        ),
        ("DescribeHaVipz", json!({}), "InvalidAction"),
    ] {
        assert_eq!(server.code(action, &ask), expected, "{action} {ask}");
    }
    for _ in 0..9 {
        assert_eq!(code(json!({})), "none");
    }
    assert_eq!(code(json!({})), "LimitExceeded");
}

#[test]
fn a_running_task_keeps_its_object_to_itself() {
    let server = Server::open(&["--task-delay", "1500"]);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" });
    let id = id(&server.call("CreateHaVip", &ask), "HaVip", "HaVipId");
    let task = server.call("DeleteHaVip", &json!({ "HaVipId": id }))["RequestId"].take();
    let status = || server.call("DescribeVpcTaskResult", &json!({ "TaskId": task }))["Status"].take();
    assert_eq!(
        server.code("DeleteHaVip", &json!({ "HaVipId": id })),
        "UnsupportedOperation.MutexOperationTaskRunning"
    );
    assert_eq!(status(), "RUNNING");
    std::thread::sleep(std::time::Duration::from_millis(1600));
    assert_eq!(status(), "SUCCESS");
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 0);
}

#[test]
fn refusals_about_ranges_elastic_ips_and_full_subnets_have_their_codes() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let made = |action: &str, set: &str, name: &str, ask: Value| id(&server.call(action, &ask), set, name);
    let new = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" });
    let havip = made("CreateHaVip", "HaVip", "HaVipId", new.clone());
    let eni = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "e", "ClientToken": "t" });
    let eni_id = made("CreateNetworkInterface", "NetworkInterface", "NetworkInterfaceId", eni.clone());
    let again = made("CreateNetworkInterface", "NetworkInterface", "NetworkInterfaceId", eni.clone());
    assert_eq!(again, eni_id, "a token makes nothing twice");
    let other = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "f", "ClientToken": "t" });
    assert_eq!(
        server.code("CreateNetworkInterface", &other),
        "UnsupportedOperation.IdempotentParameterMismatch"
    );
    let pair = json!({ "HaVipId": havip, "InstanceId": eni_id, "InstanceType": "ENI" });
    let code = |set: Value| server.code("AssociateHaVipInstance", &json!({ "HaVipAssociationSet": set }));
    assert_eq!(code(json!([pair, pair])), "InvalidParameterValue.Duplicate");
    server.call("AssociateHaVipInstance", &json!({ "HaVipAssociationSet": [pair] }));
    assert_eq!(code(json!([pair])), "InvalidParameterValue.DuplicatedHaVipAssociations");
    let wrong = json!({ "HaVipId": havip, "InstanceId": eni_id, "InstanceType": "CVM" });
    assert_eq!(code(json!([wrong])), "InvalidParameterValue.ParameterMismatch");

    // The interface that a range names stays where it is.
    let machine = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": "m" });
    let cvm = server.control("instances", &machine)["InstanceId"].take();
    server.call("AttachNetworkInterface", &json!({ "NetworkInterfaceId": eni_id, "InstanceId": cvm }));
    assert_eq!(
        server.code("DetachNetworkInterface", &json!({ "NetworkInterfaceId": eni_id, "InstanceId": cvm })),
        "UnsupportedOperation.InstanceAssociateHavip"
    );

    let eips = server.call("AllocateAddresses", &json!({ "AddressCount": 2, "ClientToken": "e" }));
    let again = server.call("AllocateAddresses", &json!({ "AddressCount": 2, "ClientToken": "e" }));
    assert_eq!((&again["AddressSet"], &again["TaskId"]), (&eips["AddressSet"], &eips["TaskId"]));
    let shown = server.call("DescribeAddresses", &json!({}))["AddressSet"].take();
    let bind = |havip: &str, n: usize| json!({ "HaVipId": havip, "AddressIp": shown[n]["AddressIp"] });
    server.call("HaVipAssociateAddressIp", &bind(&havip, 0));
    assert_eq!(
        server.code("HaVipAssociateAddressIp", &bind(&havip, 1)),
        "UnsupportedOperation.BindEIP",
        "it has one"
    );
    let second = made("CreateHaVip", "HaVip", "HaVipId", new);
    assert_eq!(
        server.code("HaVipAssociateAddressIp", &bind(&second, 0)),
        "UnsupportedOperation.BindEIP",
        "it is bound"
    );
    assert_eq!(
        server.code("ReleaseAddresses", &json!({ "AddressIds": [shown[0]["AddressId"]] })),
        "InvalidAddressIdStatus.NotPermit"
    );

    // A /29 has five addresses that may be had.
    let small =
        json!({ "VpcId": vpc, "SubnetName": "t", "Zone": "ap-guangzhou-3", "CidrBlock": "10.0.9.0/29" });
    let small = made("CreateSubnet", "Subnet", "SubnetId", small);
    let ask = json!({ "VpcId": vpc, "SubnetId": small, "HaVipName": "h" });
    for _ in 0..5 {
        server.call("CreateHaVip", &ask);
    }
    assert_eq!(server.code("CreateHaVip", &ask), "ResourceInsufficient");
}

#[test]
fn the_gateway_complains_in_the_words_of_the_real_one() {
    let server = Server::open(&[]);
    let message = |headers: &[(&str, &str)], body: &str| {
        let (head, body) = server.request("POST", "/", headers, body);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let reply: Value = serde_json::from_str(&body).unwrap();
        reply["Response"]["Error"]["Message"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
    };
    let all = [
        ("Content-Type", "application/json"),
        ("X-TC-Action", "DescribeHaVips"),
        ("X-TC-Version", "2017-03-12"),
        ("X-TC-Region", "ap-guangzhou"),
    ];
    assert_eq!(message(&all[..3], "{}"), "The request is missing a required parameter `Region`.");
    assert_eq!(message(&all, r#"{"X":1}"#), "The parameter `X` is not recognized.");
    assert_eq!(message(&all, r#"{"Limit":[]}"#), "The value type of parameter `Limit` is not valid.");
}

#[test]
fn what_is_answered_has_the_fields_of_the_table() {
    use havip_console::api::ACTIONS;
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let seen = |action: &str, ask: Value| {
        let reply = server.call(action, &ask);
        let of = ACTIONS.iter().find(|one| one.name == action).unwrap();
        let mut names: Vec<&str> = of.response.iter().map(|&(name, _)| name).chain(["RequestId"]).collect();
        names.sort_unstable();
        let given: Vec<&String> = reply.as_object().unwrap_or_else(|| panic!("{reply}")).keys().collect();
        assert_eq!(given, names, "{action}: {reply}");
        for (name, inner) in of.response.iter().filter(|(_, inner)| !inner.is_empty()) {
            let object = if reply[name].is_array() { &reply[name][0] } else { &reply[name] };
            let mut inner = inner.to_vec();
            inner.sort_unstable();
            let given: Vec<&String> =
                object.as_object().unwrap_or_else(|| panic!("{reply}")).keys().collect();
            assert_eq!(given, inner, "{action}.{name}");
        }
        reply
    };
    let tags = json!([{ "Key": "k", "Value": "v" }]);
    let havip =
        seen("CreateHaVip", json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h", "Tags": tags }));
    seen("DescribeHaVips", json!({}));
    seen("CreateVpc", json!({ "VpcName": "w", "CidrBlock": "192.168.0.0/16", "EnableMulticast": "true" }));
    seen("DescribeVpcs", json!({ "Offset": "0", "Limit": "20" }));
    seen(
        "CreateSubnet",
        json!({ "VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-2", "CidrBlock": "10.0.1.0/24" }),
    );
    seen("DescribeSubnets", json!({}));
    seen("DescribeRouteTables", json!({}));
    let eni = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "e", "SecondaryPrivateIpAddressCount": 2 });
    let eni = seen("CreateNetworkInterface", eni)["NetworkInterface"]["NetworkInterfaceId"].take();
    seen("DescribeNetworkInterfaces", json!({}));
    let cvm = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": "a" });
    let cvm = server.control("instances", &cvm)["InstanceId"].take();
    seen("AttachNetworkInterface", json!({ "NetworkInterfaceId": eni, "InstanceId": cvm, "AttachType": 0 }));
    let task = seen("DetachNetworkInterface", json!({ "NetworkInterfaceId": eni, "InstanceId": cvm }));
    seen("DescribeVpcTaskResult", json!({ "TaskId": task["RequestId"] }));
    seen("DeleteNetworkInterface", json!({ "NetworkInterfaceId": eni }));
    let eips = seen("AllocateAddresses", json!({ "AddressCount": 2 }));
    seen("DescribeAddresses", json!({}));
    let task = seen("ReleaseAddresses", json!({ "AddressIds": eips["AddressSet"] }));
    seen("DescribeTaskResult", json!({ "TaskId": task["TaskId"] }));
    seen("DescribeVpcLimits", json!({ "LimitTypes": [] }));
    seen("DescribeUsedIpAddress", json!({ "VpcId": vpc }));
    seen("DescribeBandwidthPackages", json!({}));
    let id = havip["HaVip"]["HaVipId"].clone();
    seen("DescribeResourceTagsByResourceIds", json!({ "ServiceType": "vpc", "ResourceIds": [id] }));
    seen("ModifySubnetAttribute", json!({ "SubnetId": subnet, "EnableBroadcast": "false" }));
    let set = json!([{ "HaVipId": id, "InstanceId": cvm, "InstanceType": "CVM" }]);
    seen("AssociateHaVipInstance", json!({ "HaVipAssociationSet": set }));
    seen(
        "DisassociateHaVipInstance",
        json!({ "HaVipAssociationSet": [{ "HaVipId": id, "InstanceId": cvm }] }),
    );
    seen("ModifyHaVipAttribute", json!({ "HaVipId": id, "HaVipName": "i" }));
    seen("DeleteHaVip", json!({ "HaVipId": id }));
}

#[test]
fn a_snapshot_is_taken_and_put_back() {
    let server = Server::open(&["--seed", "3"]);
    let (vpc, subnet) = server.subnet();
    server.call("CreateHaVip", &json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" }));
    let (_, snapshot) = server.request("GET", "/_havip/snapshot", &[], "");
    server.control("reset", &json!({}));
    assert_eq!(server.call("DescribeVpcs", &json!({}))["TotalCount"], 0);
    assert_eq!(server.subnet(), (vpc, subnet), "the same seed makes the same ids");
    let (head, _) = server.request("POST", "/_havip/restore", &[], &snapshot);
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 1);
    assert_eq!(server.request("GET", "/_havip/snapshot", &[], "").1, snapshot);
    for wrong in [
        "",
        "[]",
        "{}",
        r#"{"havip":1,"rows":[["vpc","ap-guangzhou","x","{}"]]}"#,
        r#"{"havip":1,"rows":[["havip","mars","x","{}"]]}"#,
    ] {
        let (head, body) = server.request("POST", "/_havip/restore", &[], wrong);
        assert!(head.starts_with("HTTP/1.1 400") && body.contains("error"), "{head} {body}");
    }
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 1);
}

#[test]
fn what_is_due_is_told_in_its_time_though_nobody_asks() {
    let server = Server::open(&["--bind-delay", "300", "--task-delay", "300"]);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h", "Vip": "10.0.0.10" });
    let havip = id(&server.call("CreateHaVip", &ask), "HaVip", "HaVipId");
    let gone = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "g" });
    let gone = id(&server.call("CreateHaVip", &gone), "HaVip", "HaVipId");
    let machine = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": "a" });
    let eni = server.control("instances", &machine)["NetworkInterfaceId"].take();
    let mut events = server.events();
    let claim = json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": eni, "Address": "10.0.0.10" });
    assert_eq!(server.control("claim", &claim)["verdict"], "believed");
    server.call("DeleteHaVip", &json!({ "HaVipId": gone }));
    // Nobody asks for anything; the next request comes long after both are due.
    let moved = events.next("moved");
    assert_eq!((&moved["What"]["To"], &moved["What"]["DelayMs"]), (&eni, &json!(300)));
    let deleted = events.next("object");
    assert_eq!((&deleted["What"]["Id"], &deleted["What"]["What"]), (&json!(gone), &json!("deleted")));
    std::thread::sleep(std::time::Duration::from_millis(200));
    let timeline = server.look(&format!("timeline?Region=ap-guangzhou&HaVipId={havip}"))["Timeline"].take();
    assert_eq!((&timeline[0]["DelayMs"], &timeline[0]["At"]), (&json!(300), &moved["At"]));
}

#[test]
fn a_request_that_is_sent_again_with_its_token_is_answered_as_the_first() {
    let server = Server::open(&["--task-delay", "700"]);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "e", "ClientToken": "t" });
    let eni = id(&server.call("CreateNetworkInterface", &ask), "NetworkInterface", "NetworkInterfaceId");
    let machine = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": "m" });
    let cvm = server.control("instances", &machine)["InstanceId"].take();
    let attach = json!({ "NetworkInterfaceId": eni, "InstanceId": cvm, "ClientToken": "t" });
    let tasks = [0, 1].map(|_| server.call("AttachNetworkInterface", &attach)["RequestId"].take());
    assert_ne!(tasks[0], tasks[1]);
    let states = || {
        tasks
            .clone()
            .map(|id| server.call("DescribeVpcTaskResult", &json!({ "TaskId": id }))["Status"].take())
    };
    assert_eq!(states(), ["RUNNING", "RUNNING"]);
    std::thread::sleep(std::time::Duration::from_millis(800));
    assert_eq!(states(), ["SUCCESS", "SUCCESS"]);

    let detach = json!({ "NetworkInterfaceId": eni, "InstanceId": cvm });
    server.call("DetachNetworkInterface", &detach);
    std::thread::sleep(std::time::Duration::from_millis(800));
    server.call("DeleteNetworkInterface", &json!({ "NetworkInterfaceId": eni }));
    assert_eq!(server.code("CreateNetworkInterface", &ask), "ResourceNotFound", "what it made is gone");
}

#[test]
fn how_the_server_was_set_up_outlives_what_was_made_in_it() {
    let data = folder("set-up");
    let options = ["--signature", "off", "--data", data.to_str().unwrap()];
    let given = ["--task-delay", "60000", "--quota", "vpc-max-havips=2"];
    let server = Server::start(&[&options[..], &given].concat());
    let (_, snapshot) = server.request("GET", "/_havip/snapshot", &[], "");
    let plain = snapshot.replace("vpc-max-havips", "appid-max-enis");
    assert_ne!(plain, snapshot, "the quota is in it");
    for path in ["/_havip/reset", "/_havip/restore"] {
        let mut events = server.events();
        let (head, body) = server.request("POST", path, &[], &plain);
        assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
        assert_eq!(events.next("replaced")["What"], json!({}), "open pages are told");
        let (vpc, subnet) = server.subnet();
        let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h" });
        let havip = id(&server.call("CreateHaVip", &ask), "HaVip", "HaVipId");
        server.call("CreateHaVip", &ask);
        assert_eq!(
            server.code("CreateHaVip", &ask),
            "LimitExceeded",
            "{path}: two, as was said at the start"
        );
        let task = server.call("DeleteHaVip", &json!({ "HaVipId": havip }))["RequestId"].take();
        let status = server.call("DescribeVpcTaskResult", &json!({ "TaskId": task }))["Status"].take();
        assert_eq!(status, "RUNNING", "{path}: a minute, as was said at the start");
    }
    let limits = server.call("DescribeVpcLimits", &json!({ "LimitTypes": ["appid-max-enis"] }));
    assert_eq!(
        limits["VpcLimitSet"][0]["LimitValue"], 2,
        "what nobody said at the start is as it was put back"
    );
}

#[test]
fn two_that_claim_in_turn_are_warned_of() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h", "Vip": "10.0.0.10" });
    let havip = id(&server.call("CreateHaVip", &ask), "HaVip", "HaVipId");
    let machine = |name: &str| {
        let ask = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": name });
        server.control("instances", &ask)["NetworkInterfaceId"].as_str().unwrap().to_owned()
    };
    let enis = [machine("a"), machine("b")];
    let warnings = || {
        let told = server.look(&format!("timeline?Region=ap-guangzhou&HaVipId={havip}"))["Warnings"].take();
        told.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut events = server.events();
    for turn in 0..4 {
        assert_eq!(warnings(), [""; 0], "{turn} moves are none too many");
        let claim =
            json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": enis[turn % 2], "Address": "10.0.0.10" });
        assert_eq!(server.control("claim", &claim)["verdict"], "believed");
    }
    let told = warnings();
    assert!(told[0].contains("claim it in turn: 4 moves within 120 s"), "{told:?}");
    assert!(enis.iter().all(|eni| told[0].contains(eni.as_str())), "{told:?}");
    let event = events.next("warning")["What"].take();
    assert_eq!((&event["HaVipId"], &event["Warnings"]), (&json!(havip), &json!(told)), "and nobody asked");
}

#[test]
fn what_clients_know_and_has_no_effect_here_is_taken_and_said_to_have_none() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let eni = json!({
        "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": "e",
        "Ipv6Addresses": [{ "Address": "2001:db8::1", "Primary": true }], "Ipv6AddressCount": 1,
    });
    assert!(server.call("CreateNetworkInterface", &eni)["Error"].is_null());
    let prepaid =
        |more: Value| json!({ "AddressChargePrepaid": more, "IPChargeType": "IP_POSTPAID_BY_HOUR" });
    let eip = prepaid(json!({ "Period": 1, "AutoRenewFlag": "1" }));
    assert!(server.call("AllocateAddresses", &eip)["Error"].is_null());
    assert_eq!(
        server.code("AllocateAddresses", &prepaid(json!([]))),
        "InvalidParameter",
        "one object, no list"
    );
    assert_eq!(server.code("AllocateAddresses", &prepaid(json!({ "X": 1 }))), "UnknownParameter");
    let table = havip_console::api::coverage();
    let row = |action: &str| table.lines().find(|line| line.starts_with(&format!("| {action} "))).unwrap();
    assert!(row("AllocateAddresses").contains("AddressChargePrepaid{Period AutoRenewFlag}"));
    let eni = row("CreateNetworkInterface");
    let columns: Vec<&str> = eni.split('|').map(str::trim).collect();
    assert!(columns[3].contains("PrivateIpAddresses[]{PrivateIpAddress Primary Description}"), "{eni}");
    assert!(columns[4].contains("PrivateIpAddresses[]{PublicIpAddress AddressId"), "{eni}");
    assert!(columns[4].contains("Ipv6AddressCount"), "{eni}");
}
