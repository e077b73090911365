//! A server that is killed (SIGKILL) under load, 200 times: every acknowledged change is there afterwards, no half-made
//! one, and no id was given twice.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Server, folder};
use serde_json::{Value, json};

/// How often it is killed.
const KILLS: usize = 200;
/// How many clients load it.
const CLIENTS: usize = 4;

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(address: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream: BufReader::new(stream) }
    }
    /// The answer; nothing when the server is gone before it has answered.
    fn call(&mut self, action: &str, body: &Value) -> Option<Value> {
        let body = body.to_string();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-TC-Action: {action}\r\n\
             X-TC-Version: 2017-03-12\r\nX-TC-Region: ap-guangzhou\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(head.as_bytes()).ok()?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        let mut value: Value = serde_json::from_slice(&body).unwrap();
        assert!(value["Response"]["Error"].is_null(), "{action}: {value}");
        Some(value["Response"].take())
    }
}

/// What one client was told, and what it asked for last without an answer.
#[derive(Default)]
struct Told {
    /// Names of HAVIPs that exist, by their ids.
    names: BTreeMap<String, String>,
    gone: BTreeSet<String>,
    /// Ids that it was given.
    ids: Vec<String>,
    /// May or may not have been renamed, and to what.
    renaming: Option<(String, String)>,
    /// May or may not have been released.
    releasing: Option<String>,
    /// May or may not have been made, by name.
    making: Option<String>,
    /// The HAVIP that has the client's elastic IP; `Err` while nobody knows.
    bound: Option<Result<bool, ()>>,
    count: usize,
}

impl Told {
    /// Works until the server is gone.
    fn work(&mut self, client: usize, mut server: Client, place: &(String, String), pair: &(String, String)) {
        loop {
            self.count += 1;
            if self.step(client, &mut server, place, pair).is_none() {
                return;
            }
        }
    }

    fn step(
        &mut self,
        client: usize,
        server: &mut Client,
        place: &(String, String),
        pair: &(String, String),
    ) -> Option<()> {
        let n = self.count;
        match n % 5 {
            0 | 1 => {
                let name = format!("c{client}-{n}");
                self.making = Some(name.clone());
                let ask = json!({ "VpcId": place.0, "SubnetId": place.1, "HaVipName": name });
                let made = server.call("CreateHaVip", &ask)?;
                self.making = None;
                let id = made["HaVip"]["HaVipId"].as_str().unwrap().to_owned();
                self.ids.push(id.clone());
                self.names.insert(id, name);
            }
            2 => {
                let id = self.names.keys().next_back()?.clone();
                let name = format!("c{client}-{n}");
                self.renaming = Some((id.clone(), name.clone()));
                server.call("ModifyHaVipAttribute", &json!({ "HaVipId": id, "HaVipName": name }))?;
                self.renaming = None;
                self.names.insert(id, name);
            }
            3 => {
                let id = self.names.keys().next()?.clone();
                self.releasing = Some(id.clone());
                server.call("DeleteHaVip", &json!({ "HaVipId": id }))?;
                self.releasing = None;
                self.names.remove(&id);
                self.gone.insert(id);
            }
            _ => {
                let (havip, eip) = pair;
                let bound = match self.bound {
                    Some(Ok(bound)) => bound,
                    _ => {
                        let found = server.call("DescribeHaVips", &json!({ "HaVipIds": [havip] }))?;
                        found["HaVipSet"][0]["AddressIp"] != ""
                    }
                };
                self.bound = Some(Err(()));
                if bound {
                    server.call("HaVipDisassociateAddressIp", &json!({ "HaVipId": havip }))?;
                } else {
                    server.call("HaVipAssociateAddressIp", &json!({ "HaVipId": havip, "AddressIp": eip }))?;
                }
                self.bound = Some(Ok(!bound));
            }
        }
        Some(())
    }

    /// Holds what it was told against what is there, and learns what came of what was not answered.
    fn check(&mut self, rows: &BTreeMap<String, Value>, pair: &(String, String)) {
        if let Some((id, name)) = self.renaming.take() {
            let now = rows[&id]["name"].as_str().unwrap();
            assert!(now == name || *now == self.names[&id], "{id} is called {now}");
            self.names.insert(id, now.to_owned());
        }
        if let Some(id) = self.releasing.take()
            && !rows.contains_key(&id)
        {
            self.names.remove(&id);
            self.gone.insert(id);
        }
        if let Some(name) = self.making.take() {
            let made: Vec<&String> =
                rows.iter().filter(|(_, row)| row["name"] == *name).map(|(id, _)| id).collect();
            assert!(made.len() <= 1, "{name} was made {} times", made.len());
            for id in made {
                self.ids.push(id.clone());
                self.names.insert(id.clone(), name.clone());
            }
        }
        for (id, name) in &self.names {
            let row = rows.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
            assert_eq!(row["name"], **name, "{id}");
        }
        for id in &self.gone {
            assert!(!rows.contains_key(id), "{id} was released and is back");
        }
        if let Some(Ok(bound)) = self.bound {
            assert_eq!(
                !rows[&pair.0]["eip"].is_null(),
                bound,
                "what was said of the elastic IP of {}",
                pair.0
            );
        }
        self.bound = None;
    }
}

/// Stored HAVIPs and elastic IPs, held against each other.
fn rows(server: &Server) -> BTreeMap<String, Value> {
    let snapshot = server.look("snapshot");
    let (mut havips, mut eips, mut numbers, mut next) =
        (BTreeMap::new(), BTreeMap::new(), BTreeSet::new(), 0);
    for row in snapshot["rows"].as_array().unwrap() {
        let value: Value = serde_json::from_str(row[3].as_str().unwrap()).unwrap();
        if row[0] == "counter" {
            next = value[1].as_u64().unwrap();
            continue;
        }
        if row[0] == "limit" || row[0] == "refused" {
            continue; // no objects: they have no number
        }
        assert!(numbers.insert(value["number"].as_u64().unwrap()), "a number twice: {row}");
        match row[0].as_str().unwrap() {
            "havip" => _ = havips.insert(row[2].as_str().unwrap().to_owned(), value),
            "eip" => _ = eips.insert(row[2].as_str().unwrap().to_owned(), value),
            _ => {}
        }
    }
    assert!(numbers.last().is_none_or(|&last| last <= next), "the counter is behind what was counted");
    let vips: BTreeSet<&str> = havips.values().map(|row| row["vip"].as_str().unwrap()).collect();
    assert_eq!(vips.len(), havips.len(), "an address twice");
    for (id, row) in &havips {
        if let Some(eip) = row["eip"].as_str() {
            assert_eq!(eips[eip]["holder"]["havip"], **id, "half a binding");
            assert_eq!(eips[eip]["status"], "Bind");
        }
    }
    for (id, row) in &eips {
        if let Some(havip) = row["holder"]["havip"].as_str() {
            assert_eq!(havips[havip]["eip"], **id, "half a binding");
        }
    }
    havips
}

#[test]
fn what_was_acknowledged_survives_200_kills() {
    let data = folder("kill");
    let options = ["--data", data.to_str().unwrap(), "--signature", "off", "--no-rate-limit"];
    let options = [&options[..], &["--quota", "vpc-max-havips=1000000"]].concat();
    let mut server = Server::start(&options);
    let vpc =
        server.call("CreateVpc", &json!({ "VpcName": "v", "CidrBlock": "10.0.0.0/12" }))["Vpc"]["VpcId"]
            .take();
    let ask =
        json!({ "VpcId": vpc, "SubnetName": "s", "Zone": "ap-guangzhou-3", "CidrBlock": "10.0.0.0/16" });
    let subnet = server.call("CreateSubnet", &ask)["Subnet"]["SubnetId"].take();
    let place = (vpc.as_str().unwrap().to_owned(), subnet.as_str().unwrap().to_owned());
    let eips = server.call("AllocateAddresses", &json!({ "AddressCount": CLIENTS }))["AddressSet"].take();
    let eips = server.call("DescribeAddresses", &json!({ "AddressIds": eips }))["AddressSet"].take();
    let pairs: Vec<(String, String)> = (0..CLIENTS)
        .map(|i| {
            let ask = json!({ "VpcId": place.0, "SubnetId": place.1, "HaVipName": "pair" });
            let havip = server.call("CreateHaVip", &ask)["HaVip"]["HaVipId"].as_str().unwrap().to_owned();
            (havip, eips[i]["AddressIp"].as_str().unwrap().to_owned())
        })
        .collect();
    let mut told: Vec<Told> = (0..CLIENTS).map(|_| Told::default()).collect();
    for kill in 0..KILLS {
        let (place, pairs) = (&place, &pairs);
        // Connected before it can be killed.
        let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(&server.address)).collect();
        std::thread::scope(|scope| {
            for ((i, one), client) in told.iter_mut().enumerate().zip(clients) {
                scope.spawn(move || one.work(i, client, place, &pairs[i]));
            }
            // Another instant each time.
            std::thread::sleep(Duration::from_micros(20_000 + (kill as u64 * 7919) % 40_000));
            server.child.kill().unwrap();
            server.child.wait().unwrap();
        });
        server = Server::start(&options);
        let rows = rows(&server);
        for (one, pair) in told.iter_mut().zip(pairs) {
            one.check(&rows, pair);
        }
        let known: usize = told.iter().map(|one| one.names.len()).sum();
        assert_eq!(rows.len(), known + CLIENTS, "nothing is there that nobody asked for");
    }
    let ids: Vec<&String> = told.iter().flat_map(|one| &one.ids).collect();
    let once: BTreeSet<&String> = ids.iter().copied().collect();
    assert_eq!(ids.len(), once.len(), "an id twice");
    let changes: usize = told.iter().map(|one| one.count).sum();
    println!("{KILLS} kills, {changes} changes asked for, {} ids", ids.len());
    assert!(changes > 2 * KILLS, "there was a load: {changes}");
}
