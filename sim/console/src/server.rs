//! The network's side: connections are bounded in number, requests in length and in time, and each goes to the API,
//! the page or `/_havip/`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::any;
use http_body_util::BodyExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::gate::{self, Fault, LONGEST_BODY};
use crate::page::{self, Where};
use crate::state::App;
use crate::{api, control};

/// How many connections there may be at a time; the next ones wait.
const CONNECTIONS: usize = 512;
/// How long a client may take to send its headers, and how long to send its body.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of a body that is too long is read before the answer: a client that still sends reads none.
const DRAINED: usize = 16 << 20;

/// Everything that is served.
pub fn router(app: Arc<App>) -> Router {
    let people = control::routes().merge(page::routes()).layer(middleware::from_fn(only_people));
    Router::new().route("/", any(root)).merge(people).fallback(nothing_here).with_state(app)
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, app: Arc<App>) {
    let router = router(app);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let router = router.clone();
                tokio::spawn(async move {
                    connection(stream, peer, router).await;
                    drop(place);
                });
            }
            // Out of files, for one: others will be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    // Answers are small: none waits for more to be sent with it.
    let _ = stream.set_nodelay(true);
    let router = router.layer(axum::Extension(ConnectInfo(peer)));
    // A client's mistakes and its going away end its connection and nothing else.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
}

/// `/`: the API, and the page for those who ask for no action.
async fn root(State(app): State<Arc<App>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let read = read_body(body).await;
    let query = parts.uri.query().unwrap_or("");
    let body = match read {
        Ok(body) => body,
        Err(fault) => return gate::refuse(&app, fault).await,
    };
    let asked = gate::Request { method: &parts.method, query, headers: &parts.headers, body: &body };
    if asked.is_for_api() {
        return gate::answer(&app, asked).await;
    }
    if let Err(answer) = are_people(&parts.method, &parts.headers, &parts.extensions) {
        return answer;
    }
    let fields: Vec<(String, String)> = api::schema::pairs(query).collect();
    page::show(&app, &Where::of(&fields), "").await
}

/// Reads a body, as long as it may be, as slow as it may come.
pub(crate) async fn read_body(mut body: Body) -> Result<Bytes, Fault> {
    let end = Instant::now() + PATIENCE;
    let (mut read, mut length) = (Vec::new(), 0);
    loop {
        let frame = match timeout_at(end, body.frame()).await {
            Err(_) => return Err(Fault::new("InvalidRequest", "The request body did not come in time.")),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Fault::new("InvalidRequest", "The request body ends too soon.")),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        if length <= LONGEST_BODY {
            read.extend_from_slice(&data);
        } else {
            read = Vec::new();
            if length > DRAINED {
                break;
            }
        }
    }
    if length > LONGEST_BODY {
        let message = format!("The request size exceeds the limit of {LONGEST_BODY} bytes.");
        return Err(Fault::new("RequestSizeLimitExceeded", message));
    }
    Ok(read.into())
}

async fn nothing_here() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, "Nothing is here. The API is at /.\n")
}

/// The page and `/_havip/` are for people at this machine, and for no other site's pages.
async fn only_people(request: Request, next: Next) -> Response<Body> {
    match are_people(request.method(), request.headers(), request.extensions()) {
        Ok(()) => next.run(request).await,
        Err(answer) => answer,
    }
}

#[allow(clippy::result_large_err, reason = "an answer is what it is")]
fn are_people(method: &Method, headers: &HeaderMap, more: &Extensions) -> Result<(), Response<Body>> {
    let peer = more.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    if !peer.is_some_and(|ip| ip.to_canonical().is_loopback()) {
        return Err(plain(StatusCode::FORBIDDEN, "This is served to the machine itself only.\n"));
    }
    is_ours(method, headers).map_err(|why| plain(StatusCode::FORBIDDEN, why))
}

/// Whether a request is one that a person or a script of this machine makes, not the page of another site.
fn is_ours(method: &Method, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or("");
    if !is_local_name(host) {
        return Err("The host is not this machine's: a name that was made to point here?\n");
    }
    if method.is_safe() || is_of_no_other_site(headers, host) {
        Ok(())
    } else {
        Err("Another site's page asked for this.\n")
    }
}

/// Whether a request of the API that nobody signed is a program's, not that of another site's page. By its header a page
/// could ask for anything, as soon as its name points here: so the name is this machine's, or the vendor's own, which
/// clients keep that come by a proxy.
pub(crate) fn is_a_programs(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("");
    // tccli sends its endpoint whole.
    let host = host.strip_prefix("http://").unwrap_or(host);
    (is_local_name(host) || is_the_vendors(host)) && is_of_no_other_site(headers, host)
}

/// Whether no browser says that the page of another site made it.
fn is_of_no_other_site(headers: &HeaderMap, host: &str) -> bool {
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    origin.is_none_or(|origin| origin == format!("http://{host}").as_bytes())
        && site.is_none_or(|site| matches!(site, b"same-origin" | b"none"))
}

fn is_the_vendors(host: &str) -> bool {
    let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
    bare.to_ascii_lowercase().ends_with(".tencentcloudapi.com")
}

/// `localhost` or an address, with or without a port: a name that somebody else resolves is none.
fn is_local_name(host: &str) -> bool {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !bare.ends_with(':') => bare,
        _ => host,
    };
    let bare = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(bare);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

/// A few words.
pub(crate) fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use havip_sim::cloud::model::Model;
    use hyper::service::Service;

    use super::*;
    use crate::clock::Clock;
    use crate::keys::Keys;
    use crate::sign::Mode;
    use crate::state::Settings;
    use crate::store::Store;

    #[test]
    fn another_sites_page_is_told_from_a_person() {
        let ask = |method: Method, pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            is_ours(&method, &headers).is_ok()
        };
        let host = ("host", "127.0.0.1:8120");
        assert!(ask(Method::GET, &[host]));
        assert!(ask(Method::POST, &[host]), "curl says no origin");
        assert!(ask(Method::POST, &[host, ("origin", "http://127.0.0.1:8120")]));
        assert!(ask(Method::POST, &[("host", "[::1]:8120"), ("origin", "http://[::1]:8120")]));
        assert!(!ask(Method::POST, &[host, ("origin", "http://evil.example")]));
        assert!(!ask(Method::POST, &[host, ("origin", "null")]));
        assert!(!ask(Method::POST, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(!ask(Method::POST, &[("host", "evil.example:8120"), ("origin", "http://evil.example:8120")]));
        assert!(!ask(Method::GET, &[("host", "evil.example")]), "a name made to point here");
    }

    #[test]
    fn without_signatures_the_api_is_for_programs() {
        let ask = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|&(name, value)| (name, HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            pairs.for_each(|(name, value)| _ = headers.insert(name, value));
            is_a_programs(&headers)
        };
        for host in [
            "127.0.0.1:8120",
            "http://127.0.0.1:8120",
            "localhost",
            "[::1]:8120",
            "VPC.TencentCloudAPI.com:80",
        ] {
            assert!(ask(&[("host", host)]), "{host}");
        }
        for host in ["evil.example", "evil.example:8120", "nottencentcloudapi.com", "https://127.0.0.1", ""] {
            assert!(!ask(&[("host", host)]), "{host}");
        }
        let host = ("host", "127.0.0.1:8120");
        assert!(ask(&[host, ("origin", "http://127.0.0.1:8120")]));
        assert!(!ask(&[host, ("origin", "http://evil.example")]));
        assert!(!ask(&[host, ("origin", "null")]));
        assert!(!ask(&[host, ("sec-fetch-site", "cross-site")]));
    }

    /// What a server answers to a peer.
    async fn status(peer: &str, path: &str, action: &str) -> StatusCode {
        let settings = Settings {
            mode: Mode::Lenient,
            rate_limit: true,
            bind_delay: havip::time::Duration::ZERO,
            quota: vec![],
        };
        let (loaded, store) = ((Model::new(1), Keys::new(), 1), Store::nowhere());
        let app = Arc::new(App::new(settings, Clock::new(1), "token".to_owned(), loaded, store));
        let peer = ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4000));
        let service = TowerToHyperService::new(router(app).layer(axum::Extension(peer)));
        let request = axum::http::Request::builder().uri(path).header("host", "127.0.0.1:8120");
        let request = if action.is_empty() { request } else { request.header("x-tc-action", action) };
        service.call(request.body(Body::empty()).unwrap()).await.unwrap().status()
    }

    #[tokio::test]
    async fn the_page_and_the_control_are_for_the_machine_itself_and_the_api_for_everybody() {
        for path in ["/", "/_havip/", "/_havip/snapshot", "/_havip/events", "/_page/rows", "/_page/page.js"] {
            for peer in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7", "0.0.0.0"] {
                assert_eq!(status(peer, path, "").await, StatusCode::FORBIDDEN, "{path} for {peer}");
            }
            for peer in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
                assert_eq!(status(peer, path, "").await, StatusCode::OK, "{path} for {peer}");
            }
        }
        assert_eq!(status("192.0.2.7", "/", "DescribeHaVips").await, StatusCode::OK, "in the API's envelope");
    }
}
