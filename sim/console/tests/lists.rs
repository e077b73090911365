//! Lists: filters, pages, and regions that do not see each other.

mod common;

use common::{Server, id};
use serde_json::{Value, json};

#[test]
fn lists_come_in_pages_and_regions_do_not_see_each_other() {
    let server = Server::open(&["--quota", "vpc-max-havips=100"]);
    let (vpc, subnet) = server.subnet();
    for i in 0..25 {
        let name = if i % 2 == 0 { "even" } else { "odd" };
        server.call("CreateHaVip", &json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": name }));
    }
    let page = |ask: Value| {
        let reply = server.call("DescribeHaVips", &ask);
        (reply["TotalCount"].as_u64().unwrap(), reply["HaVipSet"].as_array().unwrap().len())
    };
    assert_eq!(page(json!({})), (25, 20));
    assert_eq!(page(json!({ "Offset": 20 })), (25, 5));
    assert_eq!(page(json!({ "Offset": "20", "Limit": "2" })), (25, 2));
    assert_eq!(page(json!({ "Offset": u64::MAX })), (25, 0));
    let odd = json!([{ "Name": "havip-name", "Values": ["odd", "neither"] }]);
    assert_eq!(page(json!({ "Filters": odd, "Limit": 5 })), (12, 5));
    let elsewhere = server.call_in("ap-tokyo", "DescribeHaVips", &json!({}));
    assert_eq!(elsewhere["TotalCount"], 0);
    let subnets = server.call("DescribeSubnets", &json!({ "Offset": "0", "Limit": "20" }));
    assert_eq!(subnets["SubnetSet"][0]["AvailableIpAddressCount"], 253 - 25);
    let used = server.call("DescribeUsedIpAddress", &json!({ "VpcId": vpc, "IpAddresses": ["10.0.0.2"] }));
    assert_eq!(used["IpAddressStates"][0]["ResourceType"], "HAVIP");
    let limits = server.call("DescribeVpcLimits", &json!({ "LimitTypes": ["vpc-max-havips"] }));
    assert_eq!(limits["VpcLimitSet"][0]["LimitValue"], 100);
    let tables =
        server.call("DescribeRouteTables", &json!({ "Filters": [{ "Name": "vpc-id", "Values": [vpc] }] }));
    assert_eq!(tables["RouteTableSet"][0]["Main"], true);
    let none = server
        .call("DescribeAddresses", &json!({ "Filters": [{ "Name": "business-type", "Values": ["CDC"] }] }));
    assert_eq!(none["TotalCount"], 0, "Terraform asks so");
}

#[test]
fn subnets_come_in_turn_whatever_comes_and_goes_in_between() {
    let server = Server::open(&[]);
    let (vpc, _) = server.subnet();
    let make = |n: u8| {
        let ask = json!({ "VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-3", "CidrBlock": format!("10.0.{n}.0/24") });
        id(&server.call("CreateSubnet", &ask), "Subnet", "SubnetId")
    };
    let made: Vec<String> = (1..5).map(make).collect();
    let page = |ask: Value| {
        let reply = server.call("DescribeSubnets", &ask);
        let all = reply["SubnetSet"].as_array().unwrap_or_else(|| panic!("{reply}")).clone();
        let blocks: Vec<String> =
            all.iter().map(|one| one["CidrBlock"].as_str().unwrap().to_owned()).collect();
        (blocks, reply["NextToken"].as_str().unwrap().to_owned(), reply["TotalCount"].as_u64().unwrap())
    };
    let (first, next, total) = page(json!({ "MaxResults": 2 }));
    assert_eq!((first, total), (vec!["10.0.0.0/24".to_owned(), "10.0.1.0/24".to_owned()], 5));
    server.call("DeleteSubnet", &json!({ "SubnetId": made[0] }));
    make(9);
    let (second, next, _) = page(json!({ "MaxResults": 2, "NextToken": next }));
    assert_eq!(second, ["10.0.2.0/24", "10.0.3.0/24"], "none is left out, none comes twice");
    let (third, next, _) = page(json!({ "MaxResults": "2", "NextToken": next }));
    assert_eq!((third, &*next), (vec!["10.0.4.0/24".to_owned(), "10.0.9.0/24".to_owned()], ""));
    let some = json!([{ "Name": "cidr-block", "Values": ["10.0.2.0/24", "10.0.9.0/24"] }]);
    let (found, next, total) = page(json!({ "MaxResults": 1, "Filters": some }));
    assert_eq!((found, total), (vec!["10.0.2.0/24".to_owned()], 2));
    assert_eq!(page(json!({ "NextToken": next, "Filters": some })).0, ["10.0.9.0/24"]);
    assert_eq!(page(json!({})).1, "", "who asks by places is told no token");
    for (ask, expected) in [
        (json!({ "MaxResults": 0 }), "InvalidParameterValue.Range"),
        (json!({ "MaxResults": 101 }), "InvalidParameterValue.Range"),
        (json!({ "NextToken": "nonsense" }), "InvalidParameterValue.Malformed"),
        (json!({ "NextToken": "next-+000000000000001" }), "InvalidParameterValue.Malformed"),
        (json!({ "MaxResults": 2, "Offset": "2" }), "InvalidParameter.Coexist"),
    ] {
        assert_eq!(server.code("DescribeSubnets", &ask), expected, "{ask}");
    }
}

#[test]
fn lists_that_terraform_asks_for_take_filters_as_all_do() {
    let server = Server::open(&[]);
    let vpcs = [(); 3].map(|()| server.subnet().0);
    let tables = |ask: Value| server.call("DescribeRouteTables", &ask)["RouteTableSet"].take();
    let all = tables(json!({}));
    let ids: Vec<&Value> = all.as_array().unwrap().iter().map(|one| &one["RouteTableId"]).collect();
    let some = tables(json!({ "RouteTableIds": [ids[2], ids[0], ids[2], "rtb-00000000"] }));
    let found: Vec<&Value> = some.as_array().unwrap().iter().map(|one| &one["VpcId"]).collect();
    assert_eq!(found, [&vpcs[0], &vpcs[2]], "as they were made, each once");
    let page = tables(json!({ "RouteTableIds": [ids[0], ids[2]], "Offset": "1", "Limit": "1" }));
    assert_eq!((page.as_array().unwrap().len(), &page[0]["VpcId"]), (1, &json!(vpcs[2])));
    let filter = |name: &str| json!([{ "Name": name, "Values": ["x"] }]);
    let many: Vec<String> = (0..101).map(|i| format!("x-{i}")).collect();
    for (action, list, name) in [
        ("DescribeRouteTables", "RouteTableIds", "vpc-id"),
        ("DescribeBandwidthPackages", "BandwidthPackageIds", "network-type"),
    ] {
        assert_eq!(server.call(action, &json!({ "Filters": filter(name) }))["TotalCount"], 0);
        for (ask, expected) in [
            (json!({ "Filters": filter("nonsense") }), "InvalidParameter.FilterInvalidKey"),
            (json!({ list: ["x-1"], "Filters": filter(name) }), "InvalidParameter.Coexist"),
            (json!({ list: many }), "InvalidParameterValue.LimitExceeded"),
            (json!({ "Limit": 101 }), "InvalidParameterValue.Range"),
            (json!({ "Offset": -1 }), "InvalidParameterValue.Range"),
        ] {
            assert_eq!(server.code(action, &ask), expected, "{action} {ask}");
        }
    }
}

#[test]
fn every_filter_of_the_documentation_is_known() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let tagged = |key: &str, value: &str| json!([{ "Key": key, "Value": value }]);
    for (name, tags) in [("a", tagged("role", "web")), ("b", tagged("role", "db"))] {
        let mut ask = json!({ "VpcId": vpc, "SubnetId": subnet, "Tags": tags });
        ask["HaVipName"] = name.into();
        server.call("CreateHaVip", &ask);
        let eni = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": name, "Tags": tags });
        server.call("CreateNetworkInterface", &eni);
        server.call("AllocateAddresses", &json!({ "AddressName": name, "Tags": tags }));
    }
    let shown = server.call("DescribeHaVips", &json!({}))["HaVipSet"][1]["HaVipId"].take();
    let eip = server.call("DescribeAddresses", &json!({}))["AddressSet"][0]["AddressIp"].take();
    server.call("HaVipAssociateAddressIp", &json!({ "HaVipId": shown, "AddressIp": eip }));
    let count = |action: &str, name: &str, values: &[&str]| {
        let reply = server.call(action, &json!({ "Filters": [{ "Name": name, "Values": values }] }));
        reply["TotalCount"].as_u64().unwrap_or_else(|| panic!("{action} {name}: {reply}"))
    };
    for (action, names) in [
        (
            "DescribeHaVips",
            "havip-id havip-name vpc-id subnet-id vip address-ip havip-association.instance-id \
             havip-association.instance-type check-associate cdc-id type termination-protection traffic-protection",
        ),
        (
            "DescribeVpcs",
            "vpc-name is-default vpc-id cidr-block tag-key tag:k ipv6-cidr-block isp-type address-type",
        ),
        (
            "DescribeSubnets",
            "subnet-id vpc-id cidr-block is-default is-remote-vpc-snat subnet-name zone tag-key tag:k cdc-id \
             is-cdc-subnet ipv6-cidr-block isp-type address-type",
        ),
        (
            "DescribeNetworkInterfaces",
            "vpc-id subnet-id network-interface-id attachment.instance-id groups.security-group-id \
             network-interface-name network-interface-description address-ip ip-exact-match tag-key tag:k is-primary \
             eni-type eni-qos address-ipv6 public-address-ip address-type termination-protection traffic-protection",
        ),
        (
            "DescribeAddresses",
            "address-id address-name address-ip address-status instance-id private-ip-address network-interface-id \
             is-arrears instance-type address-type address-isp dedicated-cluster-id tag-key tag-value tag:k",
        ),
        (
            "DescribeRouteTables",
            "route-table-id route-table-name vpc-id association.main tag-key tag:k visible next-hop-type",
        ),
        ("DescribeUsedIpAddress", "resource-id"),
    ] {
        for name in names.split_whitespace() {
            assert_eq!(count(action, name, &["nobody has it"]), 0, "{action} {name}");
        }
    }
    for action in ["DescribeNetworkInterfaces", "DescribeAddresses"] {
        assert_eq!(count(action, "tag:role", &["web"]), 1, "{action}");
        assert_eq!(count(action, "tag:role", &["web", "db"]), 2, "{action}");
        assert_eq!(count(action, "tag:rol", &["web"]), 0, "{action}");
        let none = json!({ "Filters": [{ "Name": "tag:", "Values": ["web"] }] });
        assert_eq!(server.code(action, &none), "InvalidParameter.FilterInvalidKey", "{action}");
    }
    assert_eq!(count("DescribeAddresses", "instance-type", &["HAVIP"]), 1);
    assert_eq!(
        count("DescribeAddresses", "address-name", &["a", "x", "x", "x", "x", "x"]),
        1,
        "up to 100 values"
    );
}
