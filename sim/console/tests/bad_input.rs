//! What clients should not send: each gets the error that it would get of the real service, and the server goes on.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;

use common::{Ask, Server, folder, now};
use havip_console::keys::Secret;
use serde_json::{Value, json};

/// What stands in the message of each error, whatever is named in it: the words of the real gateway.
const WORDS: &[(&str, &[&str])] = &[
    (
        "AuthFailure.InvalidAuthorization",
        &["`Authorization` is not valid.", "Only TC3-HMAC-SHA256 is supported"],
    ),
    ("AuthFailure.InvalidSecretId", &["The SecretId is not valid"]),
    (
        "AuthFailure.SecretIdNotFound",
        &["The SecretId is not found, please ensure that your SecretId is correct."],
    ),
    ("AuthFailure.SignatureExpire", &["it differs by more than five minutes."]),
    (
        "AuthFailure.SignatureFailure",
        &["The provided credentials could not be validated. Please check your signature is correct."],
    ),
    ("AuthFailure.TokenFailure", &["no temporary tokens"]),
    ("AuthFailure.UnauthorizedOperation", &["Without signatures only programs of this machine are served"]),
    ("InvalidAction", &["does not exist."]),
    (
        "InvalidParameter",
        &[
            "The value type of parameter `",
            "The request body is not ",
            "The request has too many parameters.",
        ],
    ),
    ("InvalidParameterValue.Range", &["The parameter `Limit` must be from 1 to 100."]),
    ("InvalidRequest", &["The request body did not come in time."]),
    ("MissingParameter", &["The request is missing a required parameter `"]),
    ("NoSuchVersion", &["The API version `"]),
    (
        "RequestLimitExceeded",
        &["Your current request times have reached the limit of `20` times per second for API `"],
    ),
    ("RequestSizeLimitExceeded", &["The request size exceeds the limit of 1048576 bytes."]),
    ("UnknownParameter", &["` is not recognized."]),
    ("UnsupportedProtocol", &["use GET or POST."]),
    ("UnsupportedRegion", &["The region `"]),
];

/// The code of an answer, `none` of a success. Whatever is answered comes in the exact envelope: HTTP 200, exactly this
/// type, which the Python SDK decides by, these fields and no others, and the message that the code has.
fn code((head, body): &(String, String)) -> String {
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let kinds: Vec<&str> = head.lines().filter_map(|line| line.strip_prefix("content-type: ")).collect();
    assert_eq!(kinds, ["application/json"], "{head}");
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let value: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{body}"));
    assert_eq!(keys(&value), ["Response"], "{body}");
    let response = &value["Response"];
    let id = response["RequestId"].as_str().unwrap();
    assert!(id.len() == 36 && id.bytes().filter(|&byte| byte == b'-').count() == 4, "{body}");
    let Some(error) = response.get("Error") else { return "none".to_owned() };
    assert_eq!(
        (keys(response), keys(error)),
        (vec!["Error".into(), "RequestId".into()], vec!["Code".into(), "Message".into()]),
        "{body}"
    );
    let (code, message) = (error["Code"].as_str().unwrap(), error["Message"].as_str().unwrap());
    let (_, words) =
        WORDS.iter().find(|(one, _)| *one == code).unwrap_or_else(|| panic!("an unknown code: {body}"));
    assert!(words.iter().any(|words| message.contains(words)), "{body}");
    code.to_owned()
}

fn send(server: &Server, ask: &Ask<'_>, spoil: &[(&str, &str)]) -> String {
    let (id, secret) = server.key.clone().unwrap();
    send_as(server, ask, (&id, &secret), spoil)
}

/// Sends a signed request with some headers replaced, or without them where the value is empty.
fn send_as(server: &Server, ask: &Ask<'_>, key: (&str, &Secret), spoil: &[(&str, &str)]) -> String {
    let mut headers = ask.headers(key.0, key.1);
    for (name, value) in spoil {
        headers.retain(|(one, _)| one != name);
        if !value.is_empty() {
            headers.push(((*name).to_owned(), (*value).to_owned()));
        }
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(a, b)| (&**a, &**b)).collect();
    let target =
        if ask.query.is_empty() { ask.target.to_owned() } else { format!("{}?{}", ask.target, ask.query) };
    code(&server.request(ask.method, &target, &headers, ask.body))
}

#[test]
fn signatures_are_verified() {
    let server = Server::start(&["--memory", "--no-rate-limit"]);
    let host = server.address.clone();
    let good = || Ask {
        method: "POST",
        target: "/",
        query: "",
        body: "{}",
        service: "vpc",
        hosts: (&host, &host),
        stamp: now(),
        kind: "application/json",
        action: "DescribeHaVips",
    };
    assert_eq!(send(&server, &good(), &[]), "none");
    assert_eq!(send(&server, &good(), &[]), "none", "a replay is answered as the real service does");
    // What the clients send: Node signs the host without its port and scopes 127; tccli has a URL for a host; by a
    // proxy the target is absolute.
    let url = format!("http://{host}");
    let absolute = "http://vpc.tencentcloudapi.com/";
    assert_eq!(send(&server, &Ask { hosts: (&host, "127.0.0.1"), service: "127", ..good() }, &[]), "none");
    assert_eq!(send(&server, &Ask { hosts: (&url, &url), ..good() }, &[]), "none");
    let name = "vpc.tencentcloudapi.com";
    assert_eq!(send(&server, &Ask { target: absolute, hosts: (name, name), ..good() }, &[]), "none");
    let query = "Filters.0.Name=vip&Filters.0.Values.0=10.0.0.5&Limit=20";
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(send(&server, &Ask { method: "GET", body: "", query, kind, ..good() }, &[]), "none");

    let (id, secret) = server.key.clone().unwrap();
    let failure = "AuthFailure.SignatureFailure";
    assert_eq!(send_as(&server, &good(), (&id, &Secret::new("x".into())), &[]), failure);
    assert_eq!(send_as(&server, &good(), ("AKIDx", &secret), &[]), "AuthFailure.SecretIdNotFound");
    assert_eq!(send_as(&server, &good(), ("x", &secret), &[]), "AuthFailure.InvalidSecretId");
    assert_eq!(send(&server, &Ask { stamp: now() - 301, ..good() }, &[]), "AuthFailure.SignatureExpire");
    assert_eq!(send(&server, &Ask { stamp: now() + 310, ..good() }, &[]), "AuthFailure.SignatureExpire");
    assert_eq!(send(&server, &Ask { stamp: now() - 250, ..good() }, &[]), "none");
    assert_eq!(send(&server, &good(), &[("X-TC-Timestamp", "x")]), "InvalidParameter");
    assert_eq!(send(&server, &good(), &[("X-TC-Timestamp", "")]), "MissingParameter");
    assert_eq!(send(&server, &good(), &[("Authorization", "")]), "MissingParameter");
    for wrong in
        ["TC3-HMAC-SHA256", "Basic x", "TC3-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"]
    {
        assert_eq!(
            send(&server, &good(), &[("Authorization", wrong)]),
            "AuthFailure.InvalidAuthorization",
            "{wrong}"
        );
    }
    assert_eq!(send(&server, &good(), &[("X-TC-Version", "2017-03-13")]), "NoSuchVersion");
    assert_eq!(send(&server, &good(), &[("X-TC-Region", "")]), "MissingParameter");
    assert_eq!(send(&server, &good(), &[("X-TC-Region", "mars")]), "UnsupportedRegion");
    assert_eq!(send(&server, &good(), &[("X-TC-Token", "x")]), "AuthFailure.TokenFailure");
    let headers = good().headers(&id, &secret);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(a, b)| (&**a, &**b)).collect();
    assert_eq!(code(&server.request("POST", "/", &headers, r#"{"Limit":1}"#)), failure, "a tampered body");

    let strict = Server::start(&["--memory", "--signature", "strict"]);
    let host = strict.address.clone();
    let good = |service, signed| Ask { service, hosts: (&host, signed), ..good() };
    assert_eq!(send(&strict, &good("vpc", &host), &[]), "none");
    assert_eq!(send(&strict, &good("127", &host), &[]), failure);
    assert_eq!(send(&strict, &good("vpc", "127.0.0.1"), &[]), failure);
    for (stamp, expected) in [(now() - 250, "none"), (now() - 310, "AuthFailure.SignatureExpire")] {
        assert_eq!(send(&strict, &Ask { stamp, ..good("vpc", &host) }, &[]), expected);
    }
    let limited: Vec<String> = (0..45).map(|_| send(&strict, &good("vpc", &host), &[])).collect();
    assert!(limited.iter().any(|code| code == "RequestLimitExceeded"), "{limited:?}");
}

#[test]
fn a_host_may_be_of_any_form_and_is_no_way_in() {
    let server = Server::start(&["--memory", "--no-rate-limit"]);
    let send_to = |sent: &str, signed: &str| {
        let ask = Ask {
            method: "POST",
            target: "/",
            query: "",
            body: "{}",
            service: "vpc",
            hosts: (sent, signed),
            stamp: now(),
            kind: "application/json",
            action: "DescribeHaVips",
        };
        send(&server, &ask, &[])
    };
    for good in ["localhost", "[::1]:8120", "VPC.TencentCloudAPI.com", "https://127.0.0.1:1", "a b", "x:y:z"]
    {
        assert_eq!(send_to(good, good), "none", "{good}");
    }
    assert_eq!(send_to("vpc.tencentcloudapi.com:443", "vpc.tencentcloudapi.com"), "none", "Node's");
    for (sent, signed) in [("a", "b"), ("a:1", "a:2"), ("a", "a:1"), ("", "a")] {
        assert_eq!(send_to(sent, signed), "AuthFailure.SignatureFailure", "{sent} {signed}");
    }
    // None at all, and an absolute target of nonsense: an answer in the envelope, or a refusal of HTTP's.
    for text in [
        "POST / HTTP/1.0\r\nX-TC-Action: DescribeHaVips\r\nContent-Length: 2\r\n\r\n{}",
        "POST http://[::1/ HTTP/1.1\r\nConnection: close\r\nX-TC-Action: DescribeHaVips\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let answer = server.raw(text.as_bytes());
        let fits = answer.contains("MissingParameter") || answer.starts_with("HTTP/1.1 400");
        assert!(fits, "{text}: {answer}");
    }
    assert_eq!(send_to("localhost", "localhost"), "none", "it goes on");
}

#[test]
fn more_than_20_requests_a_second_are_refused() {
    let server = Server::start(&["--memory", "--signature", "off"]);
    let codes: Vec<Value> =
        (0..45).map(|_| server.call("DescribeHaVips", &json!({}))["Error"]["Code"].take()).collect();
    // Some of the 45 fall into one second: no more than 20 of these are answered.
    assert!(codes.iter().any(|code| code == "RequestLimitExceeded"), "{codes:?}");
}

#[test]
fn bodies_that_are_none_get_an_answer() {
    let server = Server::open(&[]);
    let headers = [
        ("Content-Type", "application/json"),
        ("X-TC-Action", "DescribeHaVips"),
        ("X-TC-Version", "2017-03-12"),
        ("X-TC-Region", "ap-guangzhou"),
    ];
    let post = |body: &str| code(&server.request("POST", "/", &headers, body));
    assert_eq!(post(""), "none");
    for (body, expected) in [
        ("{", "InvalidParameter"),
        ("[]", "InvalidParameter"),
        ("null", "InvalidParameter"),
        (r#"{"Limit":1.5}"#, "InvalidParameter"),
        (r#"{"HaVipIds":"x"}"#, "InvalidParameter"),
        (r#"{"HaVipIds":[1]}"#, "InvalidParameter"),
        (r#"{"Filters":[1]}"#, "InvalidParameter"),
        (r#"{"Nonsense":1}"#, "UnknownParameter"),
        (r#"{"Limit":0}"#, "InvalidParameterValue.Range"),
        ("\u{0}\u{1}", "InvalidParameter"),
    ] {
        assert_eq!(post(body), expected, "{body}");
    }
    assert_eq!(post(&"[".repeat(200_000)), "InvalidParameter", "nested deeper than any stack");
    let long = format!(r#"{{"HaVipIds":["{}"]}}"#, "x".repeat(10 << 20));
    assert_eq!(post(&long), "RequestSizeLimitExceeded");
    assert_eq!(code(&server.request("POST", "/", &[], "{}")), "MissingParameter", "no action");
    assert_eq!(code(&server.request("PUT", "/", &headers, "{}")), "UnsupportedProtocol");
    let action = [&[("X-TC-Action", "DescribeHaVip")], &headers[2..]].concat();
    let unknown = server.request("POST", "/", &action, "{}");
    assert_eq!(code(&unknown), "InvalidAction");
    assert!(unknown.1.contains("Did you mean `DescribeHaVips`?"), "{}", unknown.1);
    // Old signatures, in either place.
    let old = "Action=DescribeHaVips&SecretId=x&Signature=y";
    let form = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    for reply in
        [server.request("GET", &format!("/?{old}"), &[], ""), server.request("POST", "/", &form, old)]
    {
        assert_eq!(code(&reply), "AuthFailure.InvalidAuthorization");
    }
    assert_eq!(code(&server.request("POST", "/", &form, "a=b")), "MissingParameter");
    // A form that is no text: nothing of it is taken for what it might have been.
    for head in ["X-TC-Action: DescribeHaVips\r\nX-TC-Version: 2017-03-12\r\nX-TC-Region: ap-tokyo\r\n", ""] {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
        );
        let answer = server.raw(&[head.as_bytes(), b"Limit=2\xff1"].concat());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(code(&(head.to_owned(), body.to_owned())), "InvalidParameter");
        assert!(body.contains("is not valid UTF-8."), "{body}");
    }
    let fields: String = (0..4200).map(|i| format!("HaVipIds.{i}&")).collect();
    let get =
        [("X-TC-Action", "DescribeHaVips"), ("X-TC-Version", "2017-03-12"), ("X-TC-Region", "ap-tokyo")];
    assert_eq!(code(&server.request("GET", &format!("/?{fields}"), &get, "")), "InvalidParameter");
    for nonsense in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ] {
        let _ = server.raw(nonsense.as_bytes());
    }
    assert_eq!(post("{}"), "none", "it goes on");
}

#[test]
fn a_slow_client_is_not_waited_for_and_keeps_nobody_waiting() {
    let server = Server::open(&[]);
    let connect = |text: &str| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let mut headers = connect("POST / HTTP/1.1\r\nHost: x\r\n");
    let mut body =
        connect("POST / HTTP/1.1\r\nHost: x\r\nX-TC-Action: DescribeHaVips\r\nContent-Length: 100\r\n\r\n{");
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 0, "others are answered meanwhile");
    let mut answer = String::new();
    let _ = headers.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "closed: {answer}");
    let mut answer = [0; 4096];
    let n = body.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
    let (head, answer) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(code(&(head.to_owned(), answer.to_owned())), "InvalidRequest");
}

#[test]
fn a_public_address_needs_signatures_and_secrets_are_in_no_output() {
    let refused = std::process::Command::new(env!("CARGO_BIN_EXE_havip-console"))
        .args(["serve", "--memory", "--signature", "off", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("loopback"));
    let data = folder("keys");
    let data = data.to_str().unwrap();
    let first = Server::start(&["--data", data]);
    assert!(first.key.is_some());
    drop(first);
    assert!(Server::start(&["--data", data]).key.is_none(), "shown once");
}

#[test]
fn another_sites_page_can_do_nothing() {
    let server = Server::open(&[]);
    let (vpc, _) = server.subnet();
    let evil = [("Origin", "http://evil.example"), ("Content-Type", "text/plain")];
    for path in ["/_havip/reset", "/_havip/restore", "/_havip/limits", "/_havip/claim", "/_havip/instances"] {
        let (head, _) = server.request("POST", path, &evil, "{}");
        assert!(head.starts_with("HTTP/1.1 403"), "{path}: {head}");
    }
    let (head, _) = server.request("GET", "/_havip/snapshot", &[("Host", "evil.example")], "");
    assert!(head.starts_with("HTTP/1.1 403"), "a name that was made to point here: {head}");
    // The API is reached by a header that no other site's form can set.
    let form = server.request("POST", "/", &[("Content-Type", "text/plain")], "Action=DeleteVpc");
    assert_eq!(code(&form), "MissingParameter");
    // A page whose name was made to point here can set it; so without signatures nobody's page is served.
    let delete = json!({ "VpcId": vpc }).to_string();
    let api = [("X-TC-Action", "DeleteVpc"), ("X-TC-Version", "2017-03-12"), ("X-TC-Region", "ap-guangzhou")];
    let json = [&[("Content-Type", "application/json")], &api[..]].concat();
    let made_to_point_here = [("Host", "evil.example"), ("Origin", "http://evil.example")];
    for page in
        [&[("Origin", "http://evil.example")][..], &[("Sec-Fetch-Site", "cross-site")], &made_to_point_here]
    {
        let reply = server.request("POST", "/", &[page, &json].concat(), &delete);
        assert_eq!(code(&reply), "AuthFailure.UnauthorizedOperation", "{page:?}");
    }
    let reply = server.request(
        "GET",
        &format!("/?VpcId={vpc}"),
        &[&[("Host", "evil.example")], &api[..]].concat(),
        "",
    );
    assert_eq!(code(&reply), "AuthFailure.UnauthorizedOperation", "a browser says no origin with GET");
    assert_eq!(server.call("DescribeVpcs", &json!({}))["VpcSet"][0]["VpcId"], vpc);
}
