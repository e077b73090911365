//! `virtual_routes`: a line as keepalived takes it, made one that `ip route add` takes.

use std::net::IpAddr;

use ipnet::IpNet;

use super::diagnosis::{Diagnoses, Diagnosis, quote};
use super::lexer::Word;
use super::model::VirtualRoute;
use super::parser::line_span;

/// Kinds of a route, which stand before its destination.
const KINDS: [&str; 5] = ["blackhole", "unreachable", "prohibit", "throw", "unicast"];
/// Options with an address behind them.
const ADDRESSES: [&str; 4] = ["via", "gw", "or", "src"];
/// Options with a word behind them.
const VALUES: [&str; 27] = [
    "dev",
    "table",
    "tos",
    "dsfield",
    "scope",
    "proto",
    "protocol",
    "metric",
    "priority",
    "preference",
    "mtu",
    "advmss",
    "rtt",
    "rttvar",
    "rto_min",
    "window",
    "cwnd",
    "initcwnd",
    "initrwnd",
    "ssthresh",
    "reordering",
    "hoplimit",
    "quickack",
    "realms",
    "features",
    "weight",
    "vrf",
];
/// Options that stand alone. Those in how keepalived adds a route are none of the route's own.
const FLAGS: [&str; 9] =
    ["onlink", "fastopen_no_cookie", "nexthop", "inet6", "no_track", "append", "add", "prepend", "lock"];
/// Those that are said to keepalived, not to the kernel.
const NOT_THE_ROUTES: [&str; 4] = ["inet6", "no_track", "append", "add"];

/// One line; `None` where keepalived leaves it out.
pub(super) fn read(words: &[Word], out: &mut Diagnoses) -> Option<VirtualRoute> {
    let (mut kind, mut destination, mut options) = (None, None, Vec::new());
    let mut no_track = false;
    let mut rest = words.iter();
    let wrong = |word: &Word, message: String, out: &mut Diagnoses| {
        out.push(Diagnosis::error("bad-route", word.span, message).label("left out").by_keepalived());
    };
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        let is_address = ADDRESSES.contains(&text);
        if is_address || VALUES.contains(&text) {
            let Some(value) = rest.next() else {
                wrong(word, format!("`{text}` needs a word behind it"), out);
                return None;
            };
            if is_address && value.text.parse::<IpAddr>().is_err() {
                wrong(value, format!("{} is no address", quote(&value.text)), out);
                return None;
            }
            match text {
                "gw" => options.extend(["via", &value.text]),
                // The second of two gateways.
                "or" => options.extend(["nexthop", "via", &value.text]),
                _ => options.extend([text, &value.text]),
            }
        } else if KINDS.contains(&text) && kind.is_none() {
            kind = Some(text);
        } else if FLAGS.contains(&text) {
            no_track |= text == "no_track";
            options.extend(Some(text).filter(|flag| !NOT_THE_ROUTES.contains(flag) && *flag != "prepend"));
        } else if text != "to" || destination.is_some() {
            let known = text == "default" || text.parse::<IpNet>().is_ok() || text.parse::<IpAddr>().is_ok();
            if destination.is_some() || !known {
                wrong(word, format!("{} has no place in a route", quote(text)), out);
                return None;
            }
            destination = Some(text);
        }
    }
    let Some(destination) = destination else {
        out.push(
            Diagnosis::error("bad-route", line_span(words), "a route leads somewhere: its net is missing")
                .label("left out")
                .by_keepalived(),
        );
        return None;
    };
    let parts = kind.into_iter().chain([destination]).chain(options);
    Some(VirtualRoute { route: parts.collect::<Vec<_>>().join(" "), no_track })
}

#[cfg(test)]
mod tests {
    use crate::config::{Options, load};
    use crate::files::Files;

    /// The routes of an instance with this one line, and what is said of it.
    fn route(line: &str) -> (Vec<String>, Vec<&'static str>) {
        let text = format!(
            "vrrp_instance V {{\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {{\n 10.0.0.1\n }}\n \
             virtual_routes {{\n{line}\n }}\n}}\n"
        );
        let loaded = load(&Files::single("x", text), &Options::default());
        let routes = loaded.config.instances[0].routes.iter();
        let told = routes.map(|r| r.route.clone() + if r.no_track { " [not tracked]" } else { "" });
        (told.collect(), loaded.diagnoses.iter().map(|d| d.code).collect())
    }

    #[test]
    fn a_line_is_made_one_that_the_kernels_tool_takes() {
        for (line, made) in [
            (
                "192.168.110.0/24 via 192.168.200.254 dev eth1",
                "192.168.110.0/24 via 192.168.200.254 dev eth1",
            ),
            (
                "src 10.1.0.1 to 10.2.0.0/16 gw 10.0.0.254 dev eth1",
                "10.2.0.0/16 src 10.1.0.1 via 10.0.0.254 dev eth1",
            ),
            (
                "10.3.0.0/16 via 10.0.0.2 or 10.0.0.3 dev eth1",
                "10.3.0.0/16 via 10.0.0.2 nexthop via 10.0.0.3 dev eth1",
            ),
            ("10.4.0.0/16 dev eth2 no_track", "10.4.0.0/16 dev eth2 [not tracked]"),
            ("blackhole 10.5.0.0/16", "blackhole 10.5.0.0/16"),
            ("0.0.0.0/0 gw 10.0.0.254 table 100", "0.0.0.0/0 via 10.0.0.254 table 100"),
            ("default via fd00::1 metric 5", "default via fd00::1 metric 5"),
            ("10.0.0.9", "10.0.0.9"),
        ] {
            assert_eq!(route(line), (vec![made.to_owned()], vec![]), "{line}");
        }
    }

    #[test]
    fn what_is_no_route_is_left_out() {
        for line in [
            "via 10.0.0.1",
            "10.0.0.0/33",
            "10.0.0.0/8 via gateway",
            "10.0.0.0/8 10.1.0.0/16",
            "10.0.0.0/8 dev",
            "to",
        ] {
            assert_eq!(route(line), (vec![], vec!["bad-route"]), "{line}");
        }
    }
}
