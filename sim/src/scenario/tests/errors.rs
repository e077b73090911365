//! What is refused, and how it is said.

use std::fmt::Write as _;

use super::super::Script;
use super::{PAIR, POWER_OFF};

/// A title, and the text to refuse.
fn bad() -> Vec<(&'static str, String)> {
    let pair = |line: &str| format!("{PAIR}{line}\n");
    let instead = |old: &str, new: &str| {
        assert!(PAIR.contains(old), "{old}");
        PAIR.replace(old, new)
    };
    let pair_v6 =
        |line: &str| pair(line).replace("subnet 172.16.16.0/24", "subnet 172.16.16.0/24 ipv6 fd00:16::/64");
    let lan = |line: &str| format!("scenario x\nrun 60s\nlan 10.0.0.0/24\n{line}\n");
    vec![
        ("nothing at all", String::new()),
        ("no scenario", instead("scenario pair\n", "\n")),
        ("no run and no segment", "scenario x\n".into()),
        ("a typing error in a statement", instead("client", "clent")),
        ("an unknown statement", pair("firewall on")),
        ("an act without its time", pair("power-off a")),
        ("an expectation without its word", pair("never two-masters")),
        ("an elastic IP for nobody", pair("eip 203.0.113.9 to 172.16.16.13")),
        ("an elastic IP of the VPC", pair("eip 172.16.99.9")),
        (
            "two elastic IPs for one HAVIP",
            pair("eip 203.0.113.9 to 172.16.16.12\neip 203.0.113.8 to 172.16.16.12"),
        ),
        (
            "an elastic IP for what is not there yet",
            pair("havip 172.16.16.13 off\neip 203.0.113.9 to 172.16.16.13"),
        ),
        ("an elastic IP on a lan", lan("eip 203.0.113.9")),
        ("an unknown elastic IP", pair("at 3s bind-eip 203.0.113.9 to 172.16.16.12")),
        ("an elastic IP bound to nothing known", pair("eip 203.0.113.9\nat 3s bind-eip 203.0.113.9 to a")),
        ("an elastic IP without its HAVIP", pair("eip 203.0.113.9\nat 3s bind-eip 203.0.113.9")),
        (
            "a client out there that probes a HAVIP",
            pair("internet far 198.51.100.7 probe 172.16.16.12 every 1s"),
        ),
        (
            "a client out there that is in the VPC",
            pair("eip 203.0.113.9\ninternet far 172.16.99.7 probe 203.0.113.9 every 1s"),
        ),
        (
            "a client out there with IPv6",
            pair("internet far 198.51.100.7 ipv6 fd00::7 probe 203.0.113.9 every 1s"),
        ),
        ("a client out there beside a lan", lan("internet far 198.51.100.7 probe 203.0.113.9 every 1s")),
        ("a range of nobody", pair("range 172.16.16.12")),
        ("a range of a client", pair("range 172.16.16.12 a web")),
        ("a range of one twice", pair("range 172.16.16.12 a b a")),
        ("a range of all from the start", pair("range 172.16.16.12 all")),
        ("a range on a lan", lan("at 3s range 10.0.0.9 all")),
        ("a first interface detached", pair("at 3s detach a")),
        ("a rule about nothing", pair("secgroup a deny in")),
        ("a rule about no protocol", pair("secgroup a deny 300 in")),
        ("a typing error in a rule", pair("at 3s secgroup a dney 112 in")),
        ("a rule without its way", pair("at 3s secgroup a deny 112")),
        ("a rule about a port of ICMP", pair("at 3s secgroup a deny icmp:8 in")),
        ("a client's security group", pair("secgroup web deny all in")),
        ("a release of nothing", pair("at 3s release 172.16.16.13")),
        ("a later host", pair("host debian12")),
        ("an unknown profile", instead("b 172.16.16.6 keepalived", "b 172.16.16.6 keepalived-1.4")),
        ("a later program", instead("b 172.16.16.6 keepalived", "b 172.16.16.6 wsfc")),
        ("a typing error in a program", instead("b 172.16.16.6 keepalived", "b 172.16.16.6 keepalive")),
        ("a machine without a file", instead("6 keepalived conf/pair.conf", "6 keepalived")),
        ("a second run", pair("run 30s")),
        ("a lan and a vpc", pair("lan 10.0.0.0/24")),
        ("a time without a unit", pair("at 20 kill a")),
        ("an unknown unit", pair("at 20sec kill a")),
        ("a time off the tick", pair("at 20.00005s kill a")),
        ("an act past the end", pair("at 61s kill a")),
        ("a typing error in an act", pair("at 20s powr-off a")),
        ("an act on nobody", pair("at 20s kill")),
        ("an act on an unknown machine", pair("at 20s kill c")),
        ("a client that is nearly known", pair("expect by 3s stale webb")),
        ("a machine's act on a client", pair("at 20s kill web")),
        ("too much in a line", pair("at 20s kill a b")),
        ("a use above its declaration", instead("cvm    a", "at 3s kill a\ncvm    a")),
        ("an arrow without blanks", pair("at 3s cut a->b")),
        ("a path without an arrow", pair("at 3s cut a b")),
        ("a path to itself", pair("at 3s cut a <-> a")),
        ("an unknown kind", pair("at 3s drop vrrp,grap a -> b")),
        ("an unknown kind of loss", pair("at 3s loss 5% vrp a -> b")),
        ("more than everything", pair("at 3s loss 120% a -> b")),
        ("a share that is none", pair("at 3s loss 20 a -> b")),
        ("no delay", pair("at 3s delay 0s a -> b")),
        ("a reversed delay", pair("at 3s delay 9ms..5ms a -> b")),
        ("a cloud's act as a declaration", pair("cloud drop-claims")),
        ("a HAVIP outside every subnet", instead("havip  172.16.16.12", "havip  172.16.17.12")),
        ("the gateway as a HAVIP", instead("havip  172.16.16.12", "havip  172.16.16.1")),
        ("the broadcast address of a machine", instead("b 172.16.16.6", "b 172.16.16.255")),
        ("one address twice", instead("b 172.16.16.6", "b 172.16.16.5")),
        ("a HAVIP's address for a machine", instead("b 172.16.16.6", "b 172.16.16.12")),
        (
            "one hardware address twice",
            instead(
                "a 172.16.16.5 keepalived conf/pair.conf",
                "a 172.16.16.5 keepalived conf/pair.conf mac 02:00:ac:10:10:06",
            ),
        ),
        ("one name twice", instead("cvm    b", "cvm    a")),
        ("a word of the language as a name", instead("cvm    b", "cvm    master")),
        ("a name with capitals", instead("cvm    b", "cvm    B")),
        ("a subnet outside its VPC", pair("subnet 10.0.0.0/24")),
        ("subnets that overlap", pair("subnet 172.16.16.128/25")),
        ("host bits in a range", instead("172.16.16.0/24", "172.16.16.5/24")),
        ("a latency below the tick", instead("172.16.16.0/24", "172.16.16.0/24 latency 0us..400us")),
        ("a reversed latency", instead("172.16.16.0/24", "172.16.16.0/24 latency 400us..200us")),
        ("a probe without a pause", instead("every 10ms", "every 0s")),
        ("a broken address", instead("172.16.16.5", "172.16.16.500")),
        (
            "an override without with",
            instead("6 keepalived conf/pair.conf", "6 keepalived conf/pair.conf priority=9"),
        ),
        ("a tick too long", pair("tick 11ms")),
        ("no phase", pair("phases 0")),
        ("a HAVIP on a lan", lan("havip 10.0.0.9")),
        ("a cloud's act on a lan", lan("at 3s cloud drop-claims")),
        ("a binding expected on a lan", lan("expect never unbound")),
        ("an unknown fact", pair("expect by 3s mastr b")),
        ("an expectation without a form", pair("expect master b")),
        ("an outage without a bound", pair("expect in 3s..5s outage web")),
        ("an outage of a machine", pair("expect in 3s..5s outage a <= 3s")),
        ("a reversed span", pair("expect during 5s..3s master b")),
        ("a span past the end", pair("expect during 5s..61s master b")),
        ("one of several HAVIPs", pair("havip 172.16.16.13\nexpect never unbound")),
        ("an unknown HAVIP", pair("expect by 3s bound b 172.16.16.13")),
        ("a state in lower case", pair("expect by 3s transition b master")),
        ("an instant that is to last", pair("expect eventually transition b MASTER")),
        ("a file name with a quote", instead("6 keepalived conf/pair.conf", "6 keepalived pair\"conf")),
        ("also as nobody", pair("also as havp")),
        ("also as one twice", pair("also as havip\nalso as havip")),
        ("an expectation as nobody", pair("expect as keepalivd never two-masters")),
        ("a script without a verdict", pair("at 3s script chk")),
        ("a typing error in a verdict", pair("at 3s script chk dwon on a")),
        ("a script nowhere", pair("at 3s script chk down")),
        ("a script on a client", pair("at 3s script chk down on web")),
        ("a file with two words", pair("at 3s file load 1 2 on a")),
        ("a step without a sign", pair("at 3s clock a step 5s")),
        ("a clock that does something else", pair("at 3s clock a stop")),
        ("a drift without its unit", pair("at 3s clock a drift 50")),
        ("a drift of a broken clock", pair("at 3s clock a drift 100001ppm")),
        ("a hand that does something else", pair("at 3s tamper a remove 172.16.16.12")),
        ("no address", pair("at 3s tamper a add 172.16.16.12/33")),
        ("a forgery of nothing known", pair("at 3s spoof vrpp on web")),
        ("a forged advert without its router", pair("at 3s spoof vrrp on web from 172.16.16.8 priority 255")),
        (
            "a forged advert that is wrong in no known way",
            pair("at 3s spoof vrrp on web from 172.16.16.8 vrid 51 priority 255 tll 1"),
        ),
        (
            "a long password",
            pair("at 3s spoof vrrp on web from 172.16.16.8 vrid 51 priority 255 auth 123456789"),
        ),
        ("a priority too high", pair("at 3s spoof vrrp on web from 172.16.16.8 vrid 51 priority 256")),
        (
            "two intervals",
            pair("at 3s spoof vrrp on web from 172.16.16.8 vrid 51 priority 1 interval 2 interval 3"),
        ),
        (
            "a forgery by no interface",
            pair("at 3s spoof vrrp on a.eth1 from 172.16.16.8 vrid 51 priority 255"),
        ),
        ("a forgery by no interface of a client", pair("at 3s spoof hex on web.eth1 45c0")),
        (
            "a forged advert of IPv6 where there is none",
            pair("at 3s spoof vrrp on web from fd00:16::8 vrid 51 priority 255"),
        ),
        (
            "a forged neighbour advertisement where there is no IPv6",
            pair("at 3s spoof na on web fd00:16::12 is-at 02:00:00:00:00:66"),
        ),
        ("ARP for IPv6", pair_v6("at 3s spoof arp on web fd00:16::12 is-at 02:00:00:00:00:66")),
        (
            "a neighbour advertisement for IPv4",
            pair("at 3s spoof na on web 172.16.16.12 is-at 02:00:00:00:00:66"),
        ),
        (
            "a forged advert of two families",
            pair_v6("at 3s spoof vrrp on web from fd00:16::8 to 172.16.16.5 vrid 51 priority 255"),
        ),
        (
            "a forged advert with an address of the other family",
            pair_v6("at 3s spoof vrrp on web from fd00:16::8 vrid 51 priority 255 address 172.16.16.12"),
        ),
        (
            "a forged advert of IPv6 with a password",
            pair_v6("at 3s spoof vrrp on web from fd00:16::8 vrid 51 priority 255 auth 1111"),
        ),
        ("half a byte", pair("at 3s spoof hex on web 45c")),
        ("repeated without an end", pair("at 3s spoof hex on web 45c0 every 1s")),
        ("a service nowhere", pair("service http tcp 80 on")),
        ("a service on a client", pair("service http tcp 80 on web")),
        ("a port that cannot be", pair("service http tcp 0 on a")),
        ("a port that is taken", pair("service http tcp 80 on a b\nservice www tcp 80 on b")),
        ("a name for a service and a machine", pair("service a tcp 80 on b")),
        ("a port that nobody has", instead("probe 172.16.16.12", "probe 172.16.16.12:443")),
        ("a check of nothing", pair("check chk = http")),
        ("a check of a machine", pair("check chk = a")),
        ("a service that does not run there", pair("service http tcp 80 on a\nat 3s fail http on b")),
        ("a machine that fails as a service", pair("at 3s fail a on b")),
        ("a path to a service", pair("service http tcp 80 on a\nat 3s cut web -> http")),
        ("how many without a bound", pair("expect in 3s..5s claims a")),
        ("an unknown measure", pair("expect in 3s..5s outrage web <= 3s")),
        ("told nothing", pair("expect by 3s notified a")),
        ("a telling that is to last", pair("expect during 3s..5s notified a MASTER")),
        ("letters of other scripts", pair("at 3s kill ä日本 # 語")),
        ("letters that move the cursor", pair("at 3s kill \u{1b}[2Ja")),
        ("an interface of nobody", pair("eni eth1 172.16.16.9")),
        ("an interface of a client", pair("eni web.eth1 172.16.16.9")),
        ("a second eth0", pair("eni a.eth0 172.16.16.9")),
        ("two interfaces in one subnet", pair("eni a.eth1 172.16.16.9")),
        ("a cable that is not there", pair("at 3s unplug a.eth1")),
        (
            "a range of IPv6 that begins elsewhere",
            instead("172.16.16.0/24", "172.16.16.0/24 ipv6 fd00::1/64"),
        ),
        ("IPv6 where the range has none", instead("a 172.16.16.5", "a 172.16.16.5 ipv6 fd00::5")),
        ("a HAVIP that is the gateway of IPv6", pair("subnet 172.16.17.0/24 ipv6 fd00::/64\nhavip fd00::1")),
        (
            "a client without IPv6",
            lan("lan 10.0.1.0/24 ipv6 fd00::/64\nclient w 10.0.1.7 probe fd00::9 every 1s"),
        ),
        (
            "a connection to an IPv6 address without its port",
            lan("client w 10.0.0.7 probe [fd00::9] every 1s"),
        ),
        ("a connection to IPv4 in brackets", lan("client w 10.0.0.7 probe [10.0.0.9]:80 every 1s")),
        ("a connection over IPv6 where there is none", lan("client w 10.0.0.7 probe [fd00::9]:80 every 1s")),
        ("a client of another lan", lan("lan 10.0.1.0/24\nclient w 10.0.1.7 probe 10.0.0.9 every 1s")),
        ("lans that overlap", lan("lan 10.0.0.128/25")),
    ]
}

#[test]
fn what_is_refused_says_where_and_why() {
    let mut told = String::new();
    for (title, text) in bad() {
        let errors = Script::parse("t.scn", &text).expect_err(title);
        writeln!(told, "== {title}").unwrap();
        for error in &errors {
            writeln!(told, "{}", error.render(false)).unwrap();
        }
        writeln!(told).unwrap();
    }
    insta::assert_snapshot!("errors", told);
}

#[test]
fn every_message_is_one_clean_line() {
    for (title, text) in bad() {
        for error in Script::parse("t.scn", &text).expect_err(title) {
            let line = error.one_line();
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.starts_with(&format!("t.scn:{}:{}: ", error.line, error.column)), "{line}");
            assert!(
                !error.message.starts_with(|c: char| c.is_ascii_uppercase()),
                "fits after `failed to`: {line}"
            );
        }
    }
}

#[test]
fn a_wrong_declaration_is_told_once_and_its_uses_are_not() {
    let text = POWER_OFF.replace("172.16.16.5 ", "172.16.16 ");
    let errors = Script::parse("t.scn", &text).unwrap_err();
    let lines: Vec<_> = errors.iter().map(|e| e.line).collect();
    assert_eq!(lines, [8], "{errors:?}");
}

#[test]
fn errors_come_in_the_order_of_the_file_one_for_a_line() {
    let text = POWER_OFF
        .replace("run 60s", "run 60")
        .replace("every 10ms", "every 10")
        .replace("power-on a", "power-on c")
        .replace("two-masters", "two-master");
    let errors = Script::parse("t.scn", &text).unwrap_err();
    assert_eq!(errors.iter().map(|e| e.line).collect::<Vec<_>>(), [3, 10, 13, 18]);
}

#[test]
fn at_most_twenty_errors_are_told() {
    let text = PAIR.to_owned() + &"at 3s explode a\n".repeat(1_000);
    let errors = Script::parse("t.scn", &text).unwrap_err();
    assert_eq!(errors.len(), 20);
    assert_eq!((errors[0].line, errors[19].line), (10, 29));
}

#[test]
fn a_file_too_long_is_not_read() {
    let errors = Script::parse("t.scn", &"#".repeat((1 << 20) + 1)).unwrap_err();
    assert_eq!(errors[0].one_line(), "t.scn:1:1: the file is 1048577 bytes long; at most 1048576 are read");
    assert!(errors[0].render(true).contains("at most"));
}

#[test]
fn machines_and_acts_have_a_limit() {
    let mut text = "scenario x\nrun 60s\nlan 10.0.0.0/8\n".to_owned();
    for i in 0..=10_000u32 {
        writeln!(text, "cvm a{i} {} keepalived f", std::net::Ipv4Addr::from(0x0a00_0001 + i)).unwrap();
    }
    let errors = Script::parse("t.scn", &text).unwrap_err();
    assert_eq!(errors[0].one_line(), "t.scn:10004:1: more than 10000 lines that begin with `cvm`");
    let text = PAIR.to_owned() + &"at 0s heal\n".repeat(90_000);
    assert_eq!(Script::parse("t.scn", &text).unwrap().acts.len(), 90_000);
}

/// As much as a file can hold of whatever costs most: a second would be far too long, ten are a bug.
#[test]
fn the_largest_files_are_read_in_no_time() {
    let head = "scenario x\nrun 60s\nvpc 10.0.0.0/8\n";
    let nets: String = (0..10_000u32)
        .map(|i| format!("subnet {}/26\n", std::net::Ipv4Addr::from(0x0a00_0000 + (i << 6))))
        .collect();
    let ip = |i: u32| std::net::Ipv4Addr::from(0x0a00_0002 + (i << 6));
    let havips: String = (0..10_000).map(|i| format!("havip {}\n", ip(i))).collect();
    let files = [
        format!("{head}{nets}{havips}"),
        format!("{head}{nets}{}", "cvm a 10.0.0.2 keepalived f\n".repeat(16_000)),
        format!("{head}subnet 10.0.0.0/9\n{havips}{}", "expect never unbound 10.9.195.194\n".repeat(16_000)),
        format!(
            "{PAIR}cvm c 172.16.16.7 keepalived f {}",
            (0..70_000).map(|i| format!("with k{i}=1 ")).collect::<String>()
        ),
        format!("{PAIR}at 1s drop {} a -> b", "vrrp,".repeat(200_000)),
        "x\n".repeat(1 << 19),
        "\"".repeat(1 << 20),
        " \"".repeat(1 << 19),
        "\n".repeat(1 << 20),
    ];
    for text in files {
        assert!(text.len() <= 1 << 20, "{}", text.len());
        let _ = Script::parse("t.scn", &text);
    }
}

#[test]
fn a_very_long_line_is_shown_around_the_caret() {
    let text = format!("{PAIR}at 3s kill {} a\n", "日".repeat(100_000));
    let errors = Script::parse("t.scn", &text).unwrap_err();
    assert!(errors[0].source_line.len() < 400 && errors[0].message.len() < 400);
    let _ = errors[0].render(false);
}
