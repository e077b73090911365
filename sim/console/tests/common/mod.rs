//! A server as a process, and a client that speaks to it over a socket.
#![allow(dead_code, reason = "each test uses its part")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use havip_console::keys::Secret;
use havip_console::sign::{Signed, authorize};
use serde_json::{Value, json};

/// A running server; it ends with its value.
pub struct Server {
    pub child: Child,
    pub address: String,
    pub key: Option<(String, Secret)>,
}

impl Server {
    pub fn start(options: &[&str]) -> Server {
        Server::heard(options, |line| eprintln!("{line}"))
    }
    /// One whose log somebody reads, line by line.
    pub fn heard(options: &[&str], mut log: impl FnMut(&str) + Send + 'static) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_havip-console"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        #[allow(clippy::disallowed_methods, reason = "the thread that reads its log")]
        std::thread::spawn(move || errors.lines().map_while(Result::ok).for_each(|line| log(&line)));
        let (mut id, mut secret) = (None, None);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it says where it listens").unwrap();
            if let Some(value) = line.strip_prefix("export TENCENTCLOUD_SECRET_ID=") {
                id = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("export TENCENTCLOUD_SECRET_KEY=") {
                secret = Some(Secret::new(value.to_owned()));
            } else if let Some(address) = line.strip_prefix("listening on http://") {
                break address.to_owned();
            }
        };
        Server { child, address, key: id.zip(secret) }
    }
    /// Signatures off, nothing stored.
    pub fn open(options: &[&str]) -> Server {
        Server::start(&[&["--memory", "--signature", "off", "--no-rate-limit"], options].concat())
    }

    /// Sends bytes, and reads what comes until the end of the answer.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        // The server may answer, and close, before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a request, and gives the answer's first line with its headers, and its body.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (String, String) {
        let mut text =
            format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            text.push_str(&format!("Host: {}\r\n", self.address));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let answer = self.raw(format!("{text}\r\n{body}").as_bytes());
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        (head.to_owned(), body.to_owned())
    }

    /// An action without a signature: what stands in `Response`.
    pub fn call(&self, action: &str, body: &Value) -> Value {
        self.call_in("ap-guangzhou", action, body)
    }
    pub fn call_in(&self, region: &str, action: &str, body: &Value) -> Value {
        let version = if action == "DescribeResourceTagsByResourceIds" { "2018-08-13" } else { "2017-03-12" };
        let headers = [
            ("Content-Type", "application/json"),
            ("X-TC-Action", action),
            ("X-TC-Version", version),
            ("X-TC-Region", region),
        ];
        let (head, body) = self.request("POST", "/", &headers, &body.to_string());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(
            head.contains("content-type: application/json\r\n")
                || head.ends_with("content-type: application/json"),
            "{head}"
        );
        let mut value: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}\n{body}"));
        assert_eq!(value["Response"]["RequestId"].as_str().unwrap().len(), 36);
        value["Response"].take()
    }
    /// The code of the error.
    pub fn code(&self, action: &str, body: &Value) -> String {
        let reply = self.call(action, body);
        reply["Error"]["Code"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
    }
    /// What `/_havip/` says.
    pub fn control(&self, path: &str, body: &Value) -> Value {
        let (head, body) = self.request("POST", &format!("/_havip/{path}"), &[], &body.to_string());
        assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
        serde_json::from_str(&body).unwrap()
    }
    pub fn look(&self, path: &str) -> Value {
        let (head, body) = self.request("GET", &format!("/_havip/{path}"), &[], "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// What it tells from here on.
    pub fn events(&self) -> Events {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        write!(stream, "GET /_havip/events HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).unwrap();
        let (mut events, mut line) = (BufReader::new(stream), String::new());
        // Its head is there: it listens.
        while line != "\r\n" {
            line.clear();
            events.read_line(&mut line).unwrap();
        }
        Events(events)
    }

    /// A VPC 10.0.0.0/16 and a subnet 10.0.0.0/24 in it.
    pub fn subnet(&self) -> (String, String) {
        let vpc = self.call("CreateVpc", &json!({ "VpcName": "v", "CidrBlock": "10.0.0.0/16" }));
        let vpc = vpc["Vpc"]["VpcId"].as_str().unwrap().to_owned();
        let ask =
            json!({ "VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-3", "CidrBlock": "10.0.0.0/24" });
        let subnet = self.call("CreateSubnet", &ask);
        (vpc, subnet["Subnet"]["SubnetId"].as_str().unwrap().to_owned())
    }
}

/// What a server tells of its own accord.
pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event of a kind.
    pub fn next(&mut self, kind: &str) -> Value {
        let (mut line, wanted, mut found) = (String::new(), format!("event: {kind}"), false);
        let mut quiet = 0;
        // A comment comes every 15 s of quiet.
        while quiet < 2 {
            line.clear();
            assert_ne!(self.0.read_line(&mut line).expect("in time"), 0, "the stream goes on");
            quiet += usize::from(line.starts_with(':'));
            match line.trim_end().strip_prefix("data: ") {
                Some(data) if found => return serde_json::from_str(data).unwrap(),
                Some(_) => {}
                None => found |= line.trim_end() == wanted,
            }
        }
        panic!("never: {kind}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signed request, and what of it may be spoilt.
pub struct Ask<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub query: &'a str,
    pub body: &'a str,
    pub service: &'a str,
    /// The host as sent, and as signed.
    pub hosts: (&'a str, &'a str),
    pub stamp: u64,
    pub kind: &'a str,
    pub action: &'a str,
}

impl Ask<'_> {
    /// Its headers.
    pub fn headers(&self, id: &str, secret: &Secret) -> Vec<(String, String)> {
        let header = |name: &str| match name {
            "content-type" => Some(self.kind),
            "host" => Some(self.hosts.1),
            _ => None,
        };
        let signed =
            Signed { method: self.method, query: self.query, header: &header, body: self.body.as_bytes() };
        let authorization = authorize(id, secret, self.service, self.stamp, &signed);
        [
            ("Host", self.hosts.0),
            ("Content-Type", self.kind),
            ("Authorization", &authorization),
            ("X-TC-Timestamp", &self.stamp.to_string()),
            ("X-TC-Action", self.action),
            ("X-TC-Version", "2017-03-12"),
            ("X-TC-Region", "ap-guangzhou"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

/// The id of what was made: a field of an object of a reply.
pub fn id(reply: &Value, set: &str, name: &str) -> String {
    reply[set][name].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// What time it is, in seconds from 1970.
pub fn now() -> u64 {
    havip_console::clock::Clock::new(1).wall_seconds()
}

/// A folder of a test's own, emptied.
pub fn folder(name: &str) -> std::path::PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    path
}
