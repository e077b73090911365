//! What every request passes: it is read, its sender is verified, its action looked up, its parameters held against
//! the table; and every answer goes out in the API's envelope, refusals with HTTP 200 as well.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, header};
use havip_sim::cloud::model::{Refused, is_region};
use serde_json::{Map, Value, json};

use crate::api::schema::{self, Params};
use crate::api::{ACTIONS, Action, Call};
use crate::server::is_a_programs;
use crate::sign::{self, Signed};
use crate::state::App;

/// The longest body that is read. The vendor takes 10 MB; no request here needs a hundredth of it.
pub const LONGEST_BODY: usize = 1 << 20;
/// Nothing in a request is nested deeper, and no query has more fields.
const MOST_FIELDS: usize = 4096;

/// An error in the API's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What clients decide by.
    pub code: String,
    /// What people read.
    pub message: String,
}

impl Fault {
    /// An error.
    pub fn new(code: &str, message: impl Into<String>) -> Fault {
        Fault { code: code.to_owned(), message: message.into() }
    }
    /// A parameter is not there.
    pub fn missing(name: &str) -> Fault {
        Fault::new("MissingParameter", format!("The request is missing a required parameter `{name}`."))
    }
    /// A parameter is of another type.
    pub fn mistyped(name: &str) -> Fault {
        Fault::new("InvalidParameter", format!("The value type of parameter `{name}` is not valid."))
    }
    /// A parameter is none of the action's.
    pub fn unknown(name: &str) -> Fault {
        Fault::new("UnknownParameter", format!("The parameter `{}` is not recognized.", shown(name)))
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Fault {
        Fault { code: refused.code.0.into_owned(), message: refused.message }
    }
}

/// A name from outside, at a length that can be shown.
fn shown(name: &str) -> String {
    name.chars().take(128).collect()
}

/// A request as it came, its body read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// How.
    pub method: &'a Method,
    /// What follows the `?`, as sent.
    pub query: &'a str,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// Whether its body is the fields of a form.
    fn is_form(&self) -> bool {
        let kind = self.header("content-type").unwrap_or("");
        let kind = kind.split(';').next().unwrap_or("").trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }
    /// Its body as text.
    fn text(&self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.body)
            .map_err(|_| Fault::new("InvalidParameter", "The request body is not valid UTF-8."))
    }
    /// Whether it is for the API rather than for the page.
    pub fn is_for_api(&self) -> bool {
        self.headers.contains_key("x-tc-action")
            || *self.method != Method::GET && *self.method != Method::HEAD
            || schema::pairs(self.query).any(|(name, _)| name == "Action")
    }
}

/// Answers a request of the API.
pub async fn answer(app: &App, request: Request<'_>) -> Response<Body> {
    let now = app.clock.wall_seconds();
    let ((id, reply), number) = app.start(|inner, at| {
        let id = inner.request_id();
        let reply = read(app.settings.mode, &inner.keys, now, request).and_then(|read| {
            if let Some((stamp, signature)) = signature_of(request)
                && !read.key.is_empty()
                && let Some(n) = inner.replays.again(stamp, signature)
            {
                // Or another action with the same body in the same second: no client signs the name of its action.
                let (action, key) = (read.action.name, &read.key);
                eprintln!("replay: {action} by {key} has a signature that came before ({n})");
            }
            if app.settings.rate_limit && !inner.limiter.allows(now, &read.key, read.action.name) {
                let message = format!(
                    "Your current request times have reached the limit of `20` times per second for API `{}`.",
                    read.action.name
                );
                return Err(Fault::new("RequestLimitExceeded", message));
            }
            let (region, params) = (&*read.region, &read.params);
            let call = Call { action: read.action.name, region, params, request: &id, now: at };
            (read.action.run)(&mut inner.model, &call)
        });
        (id, reply)
    });
    app.stored(number).await;
    envelope(&id, reply)
}

/// What a request says when it was signed, and its signature.
fn signature_of<'a>(request: Request<'a>) -> Option<(u64, &'a str)> {
    let stamp = request.header("x-tc-timestamp")?.parse().ok()?;
    let (_, signature) = request.header("authorization")?.rsplit_once("Signature=")?;
    Some((stamp, signature))
}

/// An error for a request that could not be read at all.
pub async fn refuse(app: &App, fault: Fault) -> Response<Body> {
    let (id, _) = app.start(|inner, _| inner.request_id());
    envelope(&id, Err(fault))
}

/// What a request asks for.
struct Asked {
    key: String,
    action: &'static Action,
    region: String,
    params: Params,
}

fn read(mode: sign::Mode, keys: &crate::keys::Keys, now: u64, request: Request<'_>) -> Result<Asked, Fault> {
    if !matches!(*request.method, Method::GET | Method::POST) {
        return Err(Fault::new("UnsupportedProtocol", "The protocol is not supported: use GET or POST."));
    }
    if mode == sign::Mode::Off && !is_a_programs(request.headers) {
        let message = "Without signatures only programs of this machine are served: another site's page, or a host that is not this one, is not.";
        return Err(Fault::new("AuthFailure.UnauthorizedOperation", message));
    }
    let Some(name) = request.header("x-tc-action") else {
        // The old signatures' way: everything travels in the parameters.
        let is_old = |(name, _): (String, String)| name == "Action" || name == "Signature";
        let body = if request.is_form() { request.text()? } else { "" };
        if schema::pairs(request.query).chain(schema::pairs(body)).any(is_old) {
            let message = "Only TC3-HMAC-SHA256 is supported: no action and no signature in the parameters.";
            return Err(Fault::new("AuthFailure.InvalidAuthorization", message));
        }
        return Err(Fault::missing("Action"));
    };
    let header = |name: &str| request.header(name);
    let signed =
        Signed { method: request.method.as_str(), query: request.query, header: &header, body: request.body };
    let key = sign::verify(mode, keys, now, &signed)?;
    let action = find(name)?;
    let version = request.header("x-tc-version").ok_or_else(|| Fault::missing("Version"))?;
    if version != action.version {
        return Err(Fault::new(
            "NoSuchVersion",
            format!("The API version `{}` does not exist.", shown(version)),
        ));
    }
    let region = request.header("x-tc-region").filter(|region| !region.is_empty());
    let region = region.ok_or_else(|| Fault::missing("Region"))?;
    if !is_region(region) {
        let message = format!("The region `{}` is not supported.", shown(region));
        return Err(Fault::new("UnsupportedRegion", message));
    }
    let params = params_of(action, request)?;
    Ok(Asked { key, action, region: region.to_owned(), params })
}

fn find(name: &str) -> Result<&'static Action, Fault> {
    if let Some(action) = ACTIONS.iter().find(|action| action.name == name) {
        return Ok(action);
    }
    let near = ACTIONS.iter().min_by_key(|action| distance(action.name, &shown(name)));
    let near = near.map_or(String::new(), |action| format!(" Did you mean `{}`?", action.name));
    let message = format!("The request parameter Action `{}` does not exist.{near}", shown(name));
    Err(Fault::new("InvalidAction", message))
}

fn params_of(action: &'static Action, request: Request<'_>) -> Result<Params, Fault> {
    if *request.method == Method::GET {
        return schema::from_pairs(action.request, request.query, MOST_FIELDS);
    }
    if request.is_form() {
        return schema::from_pairs(action.request, request.text()?, MOST_FIELDS);
    }
    if request.body.is_empty() {
        return schema::from_json(action.request, &Value::Object(Map::new()));
    }
    let body: Value = serde_json::from_slice(request.body)
        .map_err(|_| Fault::new("InvalidParameter", "The request body is not valid JSON."))?;
    if !body.is_object() {
        return Err(Fault::new("InvalidParameter", "The request body is not a JSON object."));
    }
    schema::from_json(action.request, &body)
}

/// The API's envelope. Its type is exactly `application/json`: the Python SDK takes an error under any other for an
/// empty success.
pub fn envelope(id: &str, reply: Result<Map<String, Value>, Fault>) -> Response<Body> {
    let mut response = match reply {
        Ok(fields) => fields,
        Err(Fault { code, message }) => {
            let error = json!({ "Code": code, "Message": message });
            Map::from_iter([("Error".to_owned(), error)])
        }
    };
    response.insert("RequestId".to_owned(), id.into());
    let text = json!({ "Response": response }).to_string();
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// How many letters differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = i;
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let this = (before + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            before = row[j + 1];
            row[j + 1] = this;
        }
    }
    row[b.len()]
}
