//! TC3-HMAC-SHA256: who sent a request, and that nobody changed it.

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::civil;
use crate::gate::Fault;
use crate::keys::{Keys, Secret};

/// How far a client's clock may be from the server's, in seconds.
const SKEW: u64 = 300;
/// The services whose names a strict server takes in a credential's scope.
const SERVICES: [&str; 3] = ["vpc", "cvm", "tag"];

/// How signatures are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Not at all.
    Off,
    /// Verified; whatever service the scope names, and whatever form of host was signed.
    Lenient,
    /// Verified; the scope must name vpc, cvm or tag, and the host must be the one sent.
    Strict,
}

/// What of a request is signed.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, reason = "its headers are a function")]
pub struct Signed<'a> {
    /// `POST`.
    pub method: &'a str,
    /// As sent.
    pub query: &'a str,
    /// Header values by lower-case name.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// As sent.
    pub body: &'a [u8],
}

/// `Authorization`, taken apart.
struct Authorization<'a> {
    id: &'a str,
    date: &'a str,
    service: &'a str,
    headers: &'a str,
    signature: &'a str,
}

fn parse(text: &str) -> Option<Authorization<'_>> {
    let rest = text.strip_prefix("TC3-HMAC-SHA256")?;
    let (mut credential, mut headers, mut signature) = (None, None, None);
    for part in rest.split(',') {
        let (name, value) = part.trim().split_once('=')?;
        match name {
            "Credential" => credential = Some(value),
            "SignedHeaders" => headers = Some(value),
            "Signature" => signature = Some(value),
            _ => return None,
        }
    }
    let mut scope = credential?.split('/');
    let (id, date, service, end) = (scope.next()?, scope.next()?, scope.next()?, scope.next()?);
    if end != "tc3_request" || scope.next().is_some() {
        return None;
    }
    Some(Authorization { id, date, service, headers: headers?, signature: signature? })
}

/// Whose key signed a request; complains of one that nobody signed who may.
pub fn verify(mode: Mode, keys: &Keys, now: u64, request: &Signed<'_>) -> Result<String, Fault> {
    let header = |name: &str| (request.header)(name);
    if mode == Mode::Off {
        return Ok(String::new());
    }
    let invalid = || {
        let message = "The value of the request header `Authorization` is not valid.";
        Fault::new("AuthFailure.InvalidAuthorization", message)
    };
    let text = header("authorization").ok_or_else(|| Fault::missing("Authorization"))?;
    let auth = parse(text).ok_or_else(invalid)?;
    if auth.headers.len() > 1024 || auth.id.len() > 256 {
        return Err(invalid());
    }
    let stamp = header("x-tc-timestamp").ok_or_else(|| Fault::missing("X-TC-Timestamp"))?;
    let at: u64 = stamp.parse().map_err(|_| Fault::mistyped("X-TC-Timestamp"))?;
    if !auth.id.starts_with("AKID") {
        let message = "The SecretId is not valid: it is not one of an API key.";
        return Err(Fault::new("AuthFailure.InvalidSecretId", message));
    }
    let secret = keys.get(auth.id).ok_or_else(|| {
        Fault::new(
            "AuthFailure.SecretIdNotFound",
            "The SecretId is not found, please ensure that your SecretId is correct.",
        )
    })?;
    if now.abs_diff(at) > SKEW || auth.date != civil::day(at) {
        let message = "The provided credentials could not be validated because of the clock: it differs by more than five minutes.";
        return Err(Fault::new("AuthFailure.SignatureExpire", message));
    }
    if header("x-tc-token").is_some_and(|token| !token.is_empty()) {
        return Err(Fault::new("AuthFailure.TokenFailure", "There are no temporary tokens here."));
    }
    let failure = || {
        let message =
            "The provided credentials could not be validated. Please check your signature is correct.";
        Fault::new("AuthFailure.SignatureFailure", message)
    };
    if mode == Mode::Strict && !SERVICES.contains(&auth.service) {
        return Err(failure());
    }
    let names: Vec<&str> = auth.headers.split(';').collect();
    if !names.contains(&"host") || !names.contains(&"content-type") {
        return Err(failure());
    }
    let given = unhex(auth.signature).ok_or_else(failure)?;
    let host = header("host").unwrap_or("");
    for host in hosts(host, mode) {
        let canonical = canonical(request, &names, auth.headers, host);
        if mac_of(secret, &auth, stamp, &canonical).verify_slice(&given).is_ok() {
            return Ok(auth.id.to_owned());
        }
    }
    Err(failure())
}

/// The forms in which clients sign their host: as sent; without the port (Node); nothing else.
fn hosts(sent: &str, mode: Mode) -> impl Iterator<Item = &str> {
    let bare = sent.rsplit_once(':').map(|(bare, _)| bare);
    [Some(sent), bare.filter(|_| mode == Mode::Lenient)].into_iter().flatten()
}

fn canonical(request: &Signed<'_>, names: &[&str], list: &str, host: &str) -> String {
    let mut headers = String::new();
    for &name in names {
        let value = match name {
            "host" => host,
            _ => (request.header)(name).unwrap_or(""),
        };
        headers.push_str(name);
        headers.push(':');
        // The official recipe writes values in lower case; the clients, as they are sent. Both are the same for
        // what they sign, but for the name of the action.
        match name {
            "host" | "content-type" => headers.push_str(value.trim()),
            _ => headers.push_str(&value.trim().to_ascii_lowercase()),
        }
        headers.push('\n');
    }
    let payload = match (request.header)("x-tc-content-sha256") {
        Some("UNSIGNED-PAYLOAD") => hex(&Sha256::digest(b"UNSIGNED-PAYLOAD")),
        _ => hex(&Sha256::digest(request.body)),
    };
    format!("{}\n/\n{}\n{headers}\n{list}\n{payload}", request.method, request.query)
}

fn mac_of(secret: &Secret, auth: &Authorization<'_>, stamp: &str, canonical: &str) -> Hmac<Sha256> {
    let scope = format!("{}/{}/tc3_request", auth.date, auth.service);
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let text = format!("TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hash}");
    keyed(&signing_key(secret, auth.date, auth.service), text.as_bytes())
}

fn signing_key(secret: &Secret, date: &str, service: &str) -> Vec<u8> {
    let first = format!("TC3{}", secret.reveal());
    [date, service, "tc3_request"]
        .iter()
        .fold(first.into_bytes(), |key, text| keyed(&key, text.as_bytes()).finalize().into_bytes().to_vec())
}

fn keyed(key: &[u8], text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length is one");
    mac.update(text);
    mac
}

/// Signs a request as a client does: the value of its `Authorization`. For tests and load generators.
pub fn authorize(id: &str, secret: &Secret, service: &str, stamp: u64, request: &Signed<'_>) -> String {
    let date = civil::day(stamp);
    let list = "content-type;host";
    let names: Vec<&str> = list.split(';').collect();
    let host = (request.header)("host").unwrap_or("");
    let canonical = canonical(request, &names, list, host);
    let auth = Authorization { id, date: &date, service, headers: list, signature: "" };
    let signature = hex(&mac_of(secret, &auth, &stamp.to_string(), &canonical).finalize().into_bytes());
    format!(
        "TC3-HMAC-SHA256 Credential={id}/{date}/{service}/tc3_request, SignedHeaders={list}, Signature={signature}"
    )
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()).collect()
}
