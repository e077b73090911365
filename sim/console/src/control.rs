//! `/_havip/`: what the real service has no API for. Snapshots, machines, claims by hand, timelines, events.
//!
//! Requests and answers are JSON; what is refused is so with HTTP 400 and the reason.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::{get, post};
use havip::wire::ethernet::Mac;
use havip_sim::cloud::model::{
    Cause, Code, CreateEni, Happening, Model, Moved, Refused, RefusedClaim, Region, WantedAddress,
};
use havip_sim::cloud::{Refusal, Verdict};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;

use crate::civil::with_millis;
use crate::lab::Ask;
use crate::server::read_body;
use crate::state::{App, News};
use crate::texts::EN;

/// The longest snapshot that is taken back.
const LONGEST_SNAPSHOT: usize = 256 << 20;

/// What is here.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_havip/", get(index))
        .route("/_havip/snapshot", get(snapshot))
        .route("/_havip/restore", post(restore))
        .route("/_havip/reset", post(reset))
        .route("/_havip/instances", post(create_instance))
        .route("/_havip/instances/terminate", post(terminate_instance))
        .route("/_havip/claim", post(claim))
        .route("/_havip/timeline", get(timeline))
        .route("/_havip/refused", get(refused))
        .route("/_havip/limits", post(limits))
        .route("/_havip/events", get(events))
        .route("/_havip/lab", get(lab_state).post(lab_act))
        .route("/_havip/lab/scenario", get(lab_scenario))
}

type Parameters = Query<BTreeMap<String, String>>;

/// What a person did wrong.
struct Wrong(String);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response<Body> {
        reply(StatusCode::BAD_REQUEST, &json!({ "error": self.0 }))
    }
}
impl From<Refused> for Wrong {
    fn from(refused: Refused) -> Wrong {
        Wrong(refused.to_string())
    }
}

type Answer = Result<Response<Body>, Wrong>;

fn reply(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{value}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
fn ok(value: &Value) -> Answer {
    Ok(reply(StatusCode::OK, value))
}

/// The JSON object of a request.
async fn object(request: Request) -> Result<Value, Wrong> {
    let body = read_body(request.into_body()).await.map_err(|fault| Wrong(fault.message))?;
    let value: Value =
        serde_json::from_slice(&body).map_err(|error| Wrong(format!("the body is no JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(Wrong("the body is no JSON object".to_owned())) }
}
fn text<'a>(of: &'a Value, name: &str) -> Result<&'a str, Wrong> {
    of.get(name).and_then(Value::as_str).ok_or_else(|| Wrong(format!("`{name}` is missing")))
}

async fn index() -> Answer {
    ok(&json!({
        "GET": ["snapshot", "timeline?Region=&HaVipId=", "refused?Region=", "events", "lab", "lab/scenario"],
        "POST": {
            "restore": "a snapshot",
            "reset": "?seed=N",
            "instances": ["Region", "VpcId", "SubnetId", "InstanceName", "PrivateIpAddress", "MacAddress"],
            "instances/terminate": ["Region", "InstanceId"],
            "claim": ["Region", "NetworkInterfaceId", "Address", "MacAddress"],
            "limits": "a number by each name",
            "lab": ["Act"],
        },
    }))
}

async fn snapshot(State(app): State<Arc<App>>) -> Answer {
    let rows = app.with(|inner, _| inner.model.rows()).await;
    let rows: Vec<Value> =
        rows.into_iter().map(|c| json!([c.row.0, c.row.1, c.row.2, c.text.unwrap_or_default()])).collect();
    ok(&json!({ "havip": 1, "rows": rows }))
}

/// A lab's machines are the cloud's: another cloud would have none of them.
fn without_lab(app: &App) -> Result<(), Wrong> {
    match app.lab.get() {
        None => Ok(()),
        Some(_) => Err(Wrong("the machines of a lab cannot be replaced: start the server anew".to_owned())),
    }
}

async fn restore(State(app): State<Arc<App>>, request: Request) -> Answer {
    without_lab(&app)?;
    let body = axum::body::to_bytes(request.into_body(), LONGEST_SNAPSHOT);
    let body = tokio::time::timeout(Duration::from_secs(60), body).await;
    let body = body.map_err(|_| Wrong("the snapshot did not come in time".to_owned()))?;
    let body = body.map_err(|error| Wrong(format!("the snapshot cannot be read: {error}")))?;
    let wrong = |what: &str| Wrong(format!("this is no snapshot: {what}"));
    let value: Value = serde_json::from_slice(&body).map_err(|error| wrong(&error.to_string()))?;
    if value["havip"] != 1 {
        return Err(wrong("it is of no version that is known"));
    }
    let mut rows = Vec::new();
    for row in value["rows"].as_array().ok_or_else(|| wrong("it has no rows"))? {
        let at =
            |i: usize| row.get(i).and_then(Value::as_str).ok_or_else(|| wrong("a row is not of four texts"));
        rows.push((at(0)?, at(1)?, at(2)?, at(3)?));
    }
    let mut model = Model::load(0, rows).map_err(|corrupt| wrong(&corrupt.to_string()))?;
    app.settings.set_quota(&mut model);
    app.with(|inner, now| inner.replace(now, model)).await;
    ok(&json!({}))
}

async fn reset(State(app): State<Arc<App>>, Query(p): Parameters) -> Answer {
    without_lab(&app)?;
    let seed = p.get("seed").map(|text| text.parse::<u64>()).transpose();
    let seed = seed.map_err(|_| Wrong("`seed` is no number".to_owned()))?;
    app.with(|inner, now| {
        let seed = seed.unwrap_or_else(|| inner.model.seed());
        let mut model = Model::new(seed);
        // What may be had is how the server is set up, not what was made.
        model.set_limits(*inner.model.limits());
        inner.replace(now, model);
    })
    .await;
    ok(&json!({}))
}

async fn create_instance(State(app): State<Arc<App>>, request: Request) -> Answer {
    let ask = object(request).await?;
    let region = text(&ask, "Region")?;
    let address = ask.get("PrivateIpAddress").and_then(Value::as_str).map(str::to_owned);
    let mac = mac(&ask)?;
    let wanted = WantedAddress { address, primary: true, description: String::new() };
    let eni = CreateEni {
        vpc: text(&ask, "VpcId")?.to_owned(),
        subnet: text(&ask, "SubnetId")?.to_owned(),
        name: "eth0".to_owned(),
        addresses: vec![wanted],
        ..CreateEni::default()
    };
    let name = text(&ask, "InstanceName")?;
    let made = app.with(|inner, now| inner.model.create_cvm(now, region, name, eni, mac)).await;
    let (cvm, eni) = made.map_err(|refused| elsewhere(&app, refused))?;
    ok(&json!({ "InstanceId": cvm, "NetworkInterfaceId": eni }))
}

fn mac(ask: &Value) -> Result<Option<Mac>, Wrong> {
    let Some(text) = ask.get("MacAddress").and_then(Value::as_str) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Wrong("`MacAddress` is no hardware address".to_owned()))
}

async fn terminate_instance(State(app): State<Arc<App>>, request: Request) -> Answer {
    let ask = object(request).await?;
    let (region, id) = (text(&ask, "Region")?, text(&ask, "InstanceId")?);
    let gone = app.with(|inner, now| inner.model.delete_cvm(now, region, id)).await;
    gone.map_err(|refused| elsewhere(&app, refused))?;
    ok(&json!({}))
}

/// What a lab's segment decides is done there.
fn elsewhere(app: &App, refused: Refused) -> Wrong {
    match app.lab.get() {
        Some(_) if refused.code == Code::UNSUPPORTED => {
            let instead = "Act on it by /_havip/lab: {\"Act\": \"power-off a\"}, {\"Act\": \"spoof arp on a 10.0.0.9 is-at 02:00:00:00:00:66\"}";
            Wrong(format!("{refused} {instead}"))
        }
        _ => refused.into(),
    }
}

async fn claim(State(app): State<Arc<App>>, request: Request) -> Answer {
    let ask = object(request).await?;
    let (region, eni) = (text(&ask, "Region")?, text(&ask, "NetworkInterfaceId")?);
    let address: Ipv4Addr =
        text(&ask, "Address")?.parse().map_err(|_| Wrong("`Address` is no IPv4 address".to_owned()))?;
    let mac = mac(&ask)?;
    let delay = app.settings.bind_delay;
    let outcome = app.with(|inner, now| inner.model.claim(now, region, eni, address, mac, delay)).await;
    let outcome = outcome.map_err(|refused| elsewhere(&app, refused))?;
    let (verdict, why) = match outcome.verdict {
        Verdict::Believed => ("believed", None),
        Verdict::Already => ("already bound there", None),
        Verdict::OwnAddress => ("its own address", None),
        Verdict::Refused(why) => ("refused", Some(reason(why))),
    };
    ok(&json!({ "verdict": verdict, "why": why }))
}

/// Why a claim was refused.
pub fn reason(why: Refusal) -> &'static str {
    match why {
        Refusal::NotHavip => "the address is no HAVIP",
        Refusal::OtherSubnet => "a HAVIP of another subnet",
        Refusal::ForeignMac => "the announced hardware address is not the sender's",
        Refusal::OutsideRange => "outside the HAVIP's drift range",
    }
}

fn parameter<'a>(p: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Wrong> {
    p.get(name).map(String::as_str).ok_or_else(|| Wrong(format!("`{name}` is missing")))
}

async fn timeline(State(app): State<Arc<App>>, Query(p): Parameters) -> Answer {
    let (region, id) = (parameter(&p, "Region")?, parameter(&p, "HaVipId")?);
    let told = app
        .with(|inner, now| {
            let here = inner.model.region(region);
            let havip = here.havip(id)?;
            let moves: Vec<Value> = havip.timeline.iter().map(|one| moved(here, one)).collect();
            let warnings: Vec<String> = here.warnings(now, havip).iter().map(|one| EN.warning(one)).collect();
            Ok::<_, Refused>(json!({ "HaVipId": id, "Timeline": moves, "Warnings": warnings }))
        })
        .await?;
    ok(&told)
}

/// The machine of an interface, or the interface where it is on none.
pub(crate) fn machine(here: &Region, eni: Option<&String>) -> String {
    let Some(eni) = eni else { return String::new() };
    let cvm = here.enis().get(eni).and_then(|one| one.attachment.as_ref()).map(|at| &at.cvm);
    let name = cvm.and_then(|cvm| here.cvms().get(cvm)).map(|cvm| cvm.name.clone());
    name.unwrap_or_else(|| eni.clone())
}

fn moved(here: &Region, one: &Moved) -> Value {
    let (mac, delay) = claim_of(one);
    json!({
        "At": with_millis(one.at),
        "From": one.from,
        "To": one.to,
        "FromName": machine(here, one.from.as_ref()),
        "ToName": machine(here, one.to.as_ref()),
        "Cause": EN.cause(one.cause),
        "ClaimedBy": mac,
        "DelayMs": delay,
    })
}

/// The claim that a binding followed: the announced hardware address, and how many milliseconds later.
pub(crate) fn claim_of(one: &Moved) -> (Option<String>, Option<u64>) {
    match one.cause {
        Cause::Claim { mac, heard } => {
            let delay = one.at.saturating_since(heard).as_micros() / 1000;
            (Some(mac.to_string()), Some(delay))
        }
        Cause::Created | Cause::Detached => (None, None),
    }
}

fn refused_claim(one: &RefusedClaim) -> Value {
    json!({
        "At": with_millis(one.at),
        "NetworkInterfaceId": one.eni,
        "Address": one.address.to_string(),
        "MacAddress": one.mac.to_string(),
        "Why": reason(one.why),
    })
}

async fn refused(State(app): State<Arc<App>>, Query(p): Parameters) -> Answer {
    let region = parameter(&p, "Region")?;
    let list: Vec<Value> =
        app.with(|inner, _| inner.model.region(region).refused().map(refused_claim).collect()).await;
    ok(&json!({ "Refused": list }))
}

async fn limits(State(app): State<Arc<App>>, request: Request) -> Answer {
    let ask = object(request).await?;
    let mut wanted = Vec::new();
    for (name, value) in ask.as_object().into_iter().flatten() {
        let value = value.as_u64().ok_or_else(|| Wrong(format!("`{name}` is no number")))?;
        wanted.push((name.clone(), value));
    }
    app.with(|inner, _| {
        let mut limits = *inner.model.limits();
        match wanted.iter().find(|(name, value)| !limits.set(name, *value)) {
            Some((name, _)) => Err(Wrong(format!("there is no limit `{name}`"))),
            None => {
                inner.model.set_limits(limits);
                Ok(())
            }
        }
    })
    .await?;
    ok(&json!({}))
}

async fn events(State(app): State<Arc<App>>) -> impl IntoResponse {
    let stream = futures_util::stream::unfold(app.watch(), |mut news| async {
        next_event(&mut news).await.map(|event| (Ok::<_, Infallible>(event), news))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Asks the lab something.
async fn lab<T>(app: &App, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, Wrong> {
    let none = || Wrong("there is no lab: start with --lab FILE.scn".to_owned());
    let (to, answer) = oneshot::channel();
    app.lab.get().ok_or_else(none)?.send(ask(to)).await.map_err(|_| none())?;
    answer.await.map_err(|_| none())
}

async fn lab_state(State(app): State<Arc<App>>) -> Answer {
    ok(&lab(&app, Ask::State).await?)
}

async fn lab_act(State(app): State<Arc<App>>, request: Request) -> Answer {
    let ask = object(request).await?;
    let act = text(&ask, "Act")?.to_owned();
    let done = lab(&app, |to| Ask::Act(act, to)).await?;
    ok(&done.map_err(|wrong| Wrong(wrong.0))?)
}

async fn lab_scenario(State(app): State<Arc<App>>) -> Answer {
    let mut response = Response::new(Body::from(lab(&app, Ask::Record).await?));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// What happens, as events of the browser's kind; who is too slow is told that some are missing.
async fn next_event(news: &mut tokio::sync::broadcast::Receiver<News>) -> Option<Event> {
    match news.recv().await {
        Ok((n, at, region, what)) => {
            let (kind, data) = told(&what);
            let data = json!({ "At": with_millis(at), "Region": region, "What": data });
            Some(Event::default().id(n.to_string()).event(kind).data(data.to_string()))
        }
        Err(RecvError::Lagged(n)) => Some(Event::default().event("missed").data(n.to_string())),
        Err(RecvError::Closed) => None,
    }
}

fn told(what: &Happening) -> (&'static str, Value) {
    match what {
        Happening::Object { kind, id, what } => ("object", json!({ "Kind": kind, "Id": id, "What": what })),
        Happening::Moved { havip, moved } => {
            let (mac, delay) = claim_of(moved);
            let told = json!({
                "HaVipId": havip, "From": moved.from, "To": moved.to,
                "Cause": EN.cause(moved.cause), "ClaimedBy": mac, "DelayMs": delay,
            });
            ("moved", told)
        }
        Happening::Refused(claim) => ("refused", refused_claim(claim)),
        Happening::Warned { havip, warnings } => {
            let warnings: Vec<String> = warnings.iter().map(|one| EN.warning(one)).collect();
            ("warning", json!({ "HaVipId": havip, "Warnings": warnings }))
        }
        Happening::Replaced => ("replaced", json!({})),
    }
}
