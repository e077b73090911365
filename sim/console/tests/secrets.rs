//! What is secret stays so: a secret key is shown once, when it is made, and stands in no log, no answer and no page.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Ask, Server, folder, now};
use havip_console::keys::Secret;

/// Everything that a server says on its own output, and the server.
fn heard(options: &[&str]) -> (Server, Arc<Mutex<String>>) {
    let log = Arc::new(Mutex::new(String::new()));
    let to = Arc::clone(&log);
    let server = Server::heard(options, move |line| *to.lock().unwrap() += &format!("{line}\n"));
    (server, log)
}

/// What is signed of a request; its headers say the signature.
fn signed(server: &Server, key: &(String, Secret), stamp: u64) -> Vec<(String, String)> {
    let host = &*server.address;
    let ask = Ask {
        method: "POST",
        target: "/",
        query: "",
        body: "{}",
        service: "vpc",
        hosts: (host, host),
        stamp,
        kind: "application/json",
        action: "DescribeHaVips",
    };
    ask.headers(&key.0, &key.1)
}

fn send(server: &Server, headers: &[(String, String)]) -> String {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    let (head, body) = server.request("POST", "/", &headers, "{}");
    format!("{head}\n{body}")
}

/// Waits until a log has a text.
fn wait(log: &Mutex<String>, text: &str) -> String {
    for _ in 0..200 {
        let said = log.lock().unwrap().clone();
        if said.contains(text) {
            return said;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never: {text}; said: {}", log.lock().unwrap());
}

#[test]
fn a_replay_is_answered_and_logged_whatever_came_in_the_same_second() {
    let (server, log) = heard(&["--memory", "--no-rate-limit"]);
    let key = server.key.clone().unwrap();
    let stamp = now();
    let (one, other) = (signed(&server, &key, stamp), signed(&server, &key, stamp - 1));
    let in_capitals = |headers: &[(String, String)]| {
        let upper = |text: &str| {
            let (rest, signature) = text.rsplit_once('=').unwrap();
            format!("{rest}={}", signature.to_uppercase())
        };
        let change = |(name, value): &(String, String)| match &**name {
            "Authorization" => (name.clone(), upper(value)),
            _ => (name.clone(), value.clone()),
        };
        headers.iter().map(change).collect::<Vec<_>>()
    };
    for headers in [&one, &other, &in_capitals(&one), &other] {
        assert!(
            send(&server, headers).contains("\"TotalCount\":0"),
            "it is answered as the real service does"
        );
    }
    let line = format!("replay: DescribeHaVips by {} has a signature that came before (1)\n", key.0);
    let said = wait(&log, &line.repeat(2));
    assert_eq!(said, line.repeat(2), "each once, and nothing else");
}

#[test]
fn nothing_that_is_secret_is_said_again() {
    let data = folder("secrets");
    let options = ["--data", data.to_str().unwrap()];
    let (first, log) = heard(&options);
    let key = first.key.clone().expect("shown once, when it is made");
    let stamp = now();
    let headers = signed(&first, &key, stamp);
    let mut said = send(&first, &headers);
    said += &send(&first, &headers);
    let wrong = (key.0.clone(), Secret::new("x".to_owned()));
    said += &send(&first, &signed(&first, &wrong, stamp));
    said += &send(&first, &signed(&first, &key, stamp - 1000));
    let mut events = first.events();
    let reset = first.request("POST", "/_havip/reset", &[], "");
    said += &events.next("replaced").to_string();
    let (_, snapshot) = first.request("GET", "/_havip/snapshot", &[], "");
    let page = first.request("GET", "/", &[], "").1;
    for path in ["/_havip/", "/_page/rows", "/_havip/refused?Region=ap-guangzhou", "/_havip/lab", "/nowhere"]
    {
        said += &first.request("GET", path, &[], "").1;
    }
    said += &(wait(&log, "replay: ") + &reset.1 + &snapshot + &page);
    drop(first);

    // A second start says its address, and no key.
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_havip-console"))
        .args([&["serve", "--listen", "127.0.0.1:0"], &options[..]].concat())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut said_first) = (String::new(), BufReader::new(second.stdout.take().unwrap()));
    said_first.read_line(&mut out).unwrap();
    second.kill().unwrap();
    second.wait().unwrap();
    said_first.read_to_string(&mut out).unwrap();
    second.stderr.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(out.starts_with("listening on http://127.0.0.1:") && out.lines().count() == 1, "{out}");

    let signature = headers.iter().find(|(name, _)| name == "Authorization").unwrap();
    let signature = signature.1.rsplit_once('=').unwrap().1;
    let token = page.split_once("name=\"token\" value=\"").unwrap().1.split('"').next().unwrap();
    for (what, secret, may_be) in
        [("key", key.1.reveal(), 0), ("signature", signature, 0), ("form token", token, 4)]
    {
        assert_eq!(said.matches(secret).count(), may_be, "the {what}: {said}");
    }
    assert!(said.contains(&key.0), "whose it was is no secret");
}
