//! The page without a browser: what is shown is escaped, and its forms are its own.

mod common;

use common::Server;
use serde_json::json;

/// Markup in a field, for every place where it could mean something.
const MARKUP: &str = "<b id=x>\"'&</b><script>alert(1)</script>";

fn page(server: &Server, target: &str) -> String {
    let (head, body) = server.request("GET", target, &[], "");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("default-src 'none'"), "{head}");
    body
}

fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"token\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn post(server: &Server, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> (String, String) {
    let code = |text: &str| text.bytes().map(|b| format!("%{b:02x}")).collect::<String>();
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", code(value))).collect();
    let kind = [("Content-Type", "application/x-www-form-urlencoded")];
    server.request("POST", path, &[&kind, headers].concat(), &body.join("&"))
}

#[test]
fn markup_in_every_field_is_text() {
    let server = Server::open(&[]);
    let vpc =
        server.call("CreateVpc", &json!({ "VpcName": MARKUP, "CidrBlock": "10.0.0.0/16" }))["Vpc"]["VpcId"]
            .take();
    let ask =
        json!({ "VpcId": vpc, "SubnetName": MARKUP, "Zone": "ap-guangzhou-3", "CidrBlock": "10.0.0.0/24" });
    let subnet = server.call("CreateSubnet", &ask)["Subnet"]["SubnetId"].take();
    let machine =
        json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": MARKUP });
    let eni = server.control("instances", &machine)["NetworkInterfaceId"].take();
    let tags = json!([{ "Key": MARKUP, "Value": MARKUP }]);
    let havip =
        json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": MARKUP, "Vip": "10.0.0.9", "Tags": tags });
    let havip = server.call("CreateHaVip", &havip)["HaVip"]["HaVipId"].take();
    server.control(
        "claim",
        &json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": eni, "Address": "10.0.0.9" }),
    );
    server.call("AllocateAddresses", &json!({ "AddressName": MARKUP, "Tags": tags }));
    let ask = json!({ "VpcId": vpc, "SubnetId": subnet, "NetworkInterfaceName": MARKUP, "NetworkInterfaceDescription": MARKUP });
    server.call("CreateNetworkInterface", &ask);
    let bytes: String = MARKUP.bytes().map(|b| format!("%{b:02x}")).collect();
    for target in [
        "/",
        "/?lang=pt",
        "/_page/rows?region=ap-guangzhou",
        &format!("/?q={bytes}"),
        &format!("/?lang={bytes}&region={bytes}&q=havip"),
    ] {
        let page = page(&server, target);
        assert!(!page.contains("<b id=x>") && !page.contains("alert(1)</script>"), "{target}: {page}");
        assert!(
            page.contains("&#60;b id=x&#62;") || page.contains("&lt;b id=x&gt;"),
            "{target}: it is shown as text"
        );
    }
    let token = token(&page(&server, "/"));
    let vpc = vpc.as_str().unwrap();
    let fields = [
        ("token", &*token),
        ("vpc", vpc),
        ("subnet", MARKUP),
        ("name", MARKUP),
        ("how", "manual"),
        ("vip", MARKUP),
    ];
    let (head, body) = post(&server, "/_page/apply", &fields, &[]);
    assert!(head.starts_with("HTTP/1.1 400") && !body.contains("<b id=x>"), "{head}");
    let fields = [("token", &*token), ("havip", havip.as_str().unwrap()), ("eip", MARKUP)];
    let (head, body) = post(&server, "/_page/bind", &fields, &[]);
    assert!(head.starts_with("HTTP/1.1 400") && !body.contains("<b id=x>"), "{head}");
}

#[test]
fn a_form_does_what_it_says_and_only_this_pages_form() {
    let server = Server::open(&[]);
    let (vpc, subnet) = server.subnet();
    let shown = page(&server, "/?lang=pt");
    assert!(shown.contains("Solicitar") && shown.contains("Atribuição automática"));
    assert!(
        shown.contains("data-first=\"10.0.0.2\" data-last=\"10.0.0.254\""),
        "as the document says of a /24"
    );
    let token = token(&shown);
    let fields =
        [("vpc", &*vpc), ("subnet", &*subnet), ("name", "web"), ("how", "automatic"), ("lang", "pt")];
    let with = |token: &str, headers: &[(&str, &str)]| {
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("token", token)]).collect();
        post(&server, "/_page/apply", &fields, headers).0
    };
    assert!(with("", &[]).starts_with("HTTP/1.1 403"));
    assert!(with("guessed", &[]).starts_with("HTTP/1.1 403"));
    let evil = [("Origin", "http://evil.example")];
    assert!(with(&token, &evil).starts_with("HTTP/1.1 403"), "another site's page, whatever it knows");
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 0);
    let own = format!("http://{}", server.address);
    let done = with(&token, &[("Origin", &own)]);
    assert!(done.starts_with("HTTP/1.1 303") && done.contains("lang=pt"), "{done}");
    let shown = page(&server, "/?lang=pt&q=web");
    assert!(shown.contains("Ainda não vinculado ao CVM") && shown.contains("10.0.0.2"));
    assert!(page(&server, "/?q=other").contains("There is no HAVIP here."));
    let id = server.call("DescribeHaVips", &json!({}))["HaVipSet"][0]["HaVipId"].take();
    let fields = [("token", &*token), ("havip", id.as_str().unwrap())];
    assert!(post(&server, "/_page/unbind", &fields, &[]).1.contains("no EIP bound"));
    assert!(post(&server, "/_page/release", &fields, &[]).0.starts_with("HTTP/1.1 303"));
    assert_eq!(server.call("DescribeHaVips", &json!({}))["TotalCount"], 0);
}

#[test]
fn the_page_speaks_portuguese_of_whatever_it_says() {
    let server = Server::open(&["--quota", "vpc-max-havips=3"]);
    let (vpc, subnet) = server.subnet();
    let machine = |name: &str| {
        let ask = json!({ "Region": "ap-guangzhou", "VpcId": vpc, "SubnetId": subnet, "InstanceName": name });
        server.control("instances", &ask)["NetworkInterfaceId"].take()
    };
    let enis = [machine("a"), machine("b")];
    let made = json!({ "VpcId": vpc, "SubnetId": subnet, "HaVipName": "h", "Vip": "10.0.0.9", "NetworkInterfaceId": enis[1] });
    let havip = server.call("CreateHaVip", &made)["HaVip"]["HaVipId"].take();
    for turn in 0..4 {
        let claim =
            json!({ "Region": "ap-guangzhou", "NetworkInterfaceId": enis[turn % 2], "Address": "10.0.0.9" });
        server.control("claim", &claim);
    }
    let shown = page(&server, "/?lang=pt");
    for text in [
        "o anunciam alternadamente: 5 mudanças em 120 s",
        "criado assim",
        "anúncio de 02:00:0a:00:00:02, +0 ms",
    ] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let in_english = page(&server, "/");
    assert!(in_english.contains("claim it in turn: 5 moves") && in_english.contains("created so"));

    let token = token(&shown);
    let apply = |name: &str, vip: &str| {
        let fields = [("vpc", &*vpc), ("subnet", &*subnet), ("name", name), ("how", "manual"), ("vip", vip)];
        let fields: Vec<_> = fields.into_iter().chain([("lang", "pt"), ("token", &*token)]).collect();
        post(&server, "/_page/apply", &fields, &[])
    };
    for (name, vip, said) in [
        ("n", "10.0.1.9", "O endereço não está dentro da sub-rede."),
        ("n", "10.0.0.1", "O endereço é reservado pelo sistema."),
        ("n", "10.0.0.9", "O endereço já está em uso."),
        ("n", "nada", "O valor informado não está em um formato válido."),
        ("", "10.0.0.10", "Informe um nome."),
        (&"n".repeat(61), "10.0.0.10", "O nome tem mais de 60 caracteres."),
    ] {
        let (head, body) = apply(name, vip);
        assert!(head.starts_with("HTTP/1.1 400") && body.contains(said), "{name} {vip}: {head}");
    }
    for vip in ["10.0.0.10", "10.0.0.11"] {
        assert!(apply("n", vip).0.starts_with("HTTP/1.1 303"));
    }
    assert!(apply("n", "10.0.0.12").1.contains("A cota de HAVIPs da VPC foi atingida."));

    let act = |path: &str, havip: &str, eip: &str| {
        let fields = [("token", &*token), ("lang", "pt"), ("havip", havip), ("eip", eip)];
        post(&server, &format!("/_page/{path}"), &fields, &[]).1
    };
    let havip = havip.as_str().unwrap();
    assert!(act("unbind", havip, "").contains("Não há nenhum EIP vinculado ao HAVIP."));
    assert!(act("release", "havip-00000000", "").contains("O recurso não existe ou deixou de existir."));
    server.call("AllocateAddresses", &json!({}));
    let eip = server.call("DescribeAddresses", &json!({}))["AddressSet"][0]["AddressIp"].take();
    act("bind", havip, eip.as_str().unwrap());
    assert!(
        act("bind", havip, eip.as_str().unwrap())
            .contains("O HAVIP já tem um EIP, ou o EIP já está vinculado.")
    );
    assert!(act("release", havip, "").contains("Há um EIP vinculado ao HAVIP. Desvincule-o primeiro."));
}
