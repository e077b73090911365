//! The page at `/`: the list of HAVIPs and the dialogs that the vendor's document describes, in English and in
//! Portuguese, and what no cloud shows: who held an address when, and why.
//!
//! It is rendered here; a little JavaScript opens dialogs, checks an address before it is sent, and renews the list when
//! something happens. Its forms carry a token that only this page has.

use std::net::Ipv4Addr;
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use havip::time::Time;
use havip_sim::cloud::model::{
    CreateHavip, Eip, EipStatus, Havip, Model, REGIONS, Refused, Region, Subnet, is_region,
};

use crate::civil::{date_time, with_millis};
use crate::control::{claim_of, machine};
use crate::server::plain;
use crate::state::App;
use crate::texts::{EN, PT, Texts};

/// So many HAVIPs are listed; a search finds the others.
const LISTED: usize = 200;

/// The page's parts but `/` itself.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/_page/rows", get(rows))
        .route(
            "/_page/page.js",
            get(|| file("text/javascript; charset=utf-8", include_str!("../templates/page.js"))),
        )
        .route(
            "/_page/page.css",
            get(|| file("text/css; charset=utf-8", include_str!("../templates/page.css"))),
        )
        .route("/_page/apply", post(apply))
        .route("/_page/bind", post(bind))
        .route("/_page/unbind", post(unbind))
        .route("/_page/release", post(release))
}

async fn file(kind: &'static str, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    guard(response)
}

/// What a page of this server may do: nothing but with this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn guard(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Where somebody looks.
#[derive(Clone, Debug)]
pub struct Where {
    region: String,
    language: &'static str,
    search: String,
}

impl Where {
    /// From the fields of a query or a form; what is not there, or is none, is as it is at first.
    pub fn of(fields: &[(String, String)]) -> Where {
        let field = |name: &str| fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.clone());
        let region = field("region").filter(|region| is_region(region));
        let language = if field("lang").as_deref() == Some("pt") { "pt" } else { "en" };
        Where {
            region: region.unwrap_or_else(|| "ap-guangzhou".to_owned()),
            language,
            search: field("q").unwrap_or_default().chars().take(64).collect(),
        }
    }
    fn texts(&self) -> &'static Texts {
        if self.language == "pt" { &PT } else { &EN }
    }
}

struct Move {
    at: String,
    from: String,
    to: String,
    cause: String,
}

struct Row {
    id: String,
    name: String,
    is_bound: bool,
    vip: String,
    eni: String,
    server: String,
    eip: String,
    vpc: String,
    subnet: String,
    created: String,
    moves: Vec<Move>,
    warnings: Vec<String>,
}

struct SubnetChoice {
    id: String,
    name: String,
    vpc: String,
    net: String,
    first: String,
    last: String,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    t: &'static Texts,
    at: &'a Where,
    regions: &'static [&'static str],
    rows: Vec<Row>,
    count: usize,
    vpcs: Vec<(String, String)>,
    subnets: Vec<SubnetChoice>,
    eips: Vec<(String, String)>,
    token: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Rows {
    t: &'static Texts,
    rows: Vec<Row>,
}

fn row(here: &Region, now: Time, t: &Texts, havip: &Havip) -> Row {
    let dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    let server = here.server_of(havip).unwrap_or("").to_owned();
    let server_name = here.cvms().get(&server).map(|cvm| format!("{server} ({})", cvm.name));
    let moves = havip.timeline.iter().rev().map(|one| {
        let cause = match claim_of(one) {
            (Some(mac), Some(delay)) => {
                t.claim_of.replace("{mac}", &mac).replace("{delay}", &delay.to_string())
            }
            _ => t.cause(one.cause).to_owned(),
        };
        let from = dash(machine(here, one.from.as_ref()));
        Move { at: with_millis(one.at), from, to: dash(machine(here, one.to.as_ref())), cause }
    });
    let named = |id: &str, name: Option<&String>| name.map_or(id.to_owned(), |name| format!("{id} ({name})"));
    Row {
        id: havip.id.clone(),
        name: havip.name.clone(),
        is_bound: havip.eni.is_some(),
        vip: havip.vip.to_string(),
        eni: dash(havip.eni.clone().unwrap_or_default()),
        server: dash(server_name.unwrap_or(server)),
        eip: dash(here.public_of(havip).map(|ip| ip.to_string()).unwrap_or_default()),
        vpc: named(&havip.vpc, here.vpcs().get(&havip.vpc).map(|vpc| &vpc.name)),
        subnet: named(&havip.subnet, here.subnets().get(&havip.subnet).map(|subnet| &subnet.name)),
        created: date_time(havip.created),
        moves: moves.collect(),
        warnings: here.warnings(now, havip).iter().map(|one| t.warning(one)).collect(),
    }
}

/// The HAVIPs that are searched for: by id, name or address.
fn found<'a>(here: &'a Region, search: &'a str) -> impl Iterator<Item = &'a Havip> {
    here.havips().iter().rev().filter(move |havip| {
        search.is_empty()
            || havip.id.contains(search)
            || havip.name.contains(search)
            || havip.vip.to_string().contains(search)
    })
}

fn listed(here: &Region, now: Time, at: &Where) -> Vec<Row> {
    found(here, &at.search).take(LISTED).map(|one| row(here, now, at.texts(), one)).collect()
}

fn choice(subnet: &Subnet) -> SubnetChoice {
    let plus = |address: Ipv4Addr, n: u32| Ipv4Addr::from(u32::from(address).wrapping_add(n)).to_string();
    SubnetChoice {
        id: subnet.id.clone(),
        name: subnet.name.clone(),
        vpc: subnet.vpc.clone(),
        net: subnet.cidr.to_string(),
        first: plus(subnet.cidr.network(), 2),
        last: plus(subnet.cidr.broadcast(), u32::MAX),
    }
}

fn html(status: StatusCode, text: Result<String, askama::Error>) -> Response<Body> {
    let Ok(text) = text else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "The page cannot be shown.\n");
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    guard(response)
}

/// The whole page, with what went wrong before it, if something did.
pub async fn show(app: &App, at: &Where, error: &str) -> Response<Body> {
    let text = app
        .with(|inner, now| {
            let here = inner.model.region(&at.region);
            let free = |eip: &&Eip| eip.status == EipStatus::Unbind;
            let page = Page {
                t: at.texts(),
                at,
                regions: &REGIONS,
                rows: listed(here, now, at),
                count: found(here, &at.search).count(),
                vpcs: here.vpcs().iter().map(|vpc| (vpc.id.clone(), vpc.name.clone())).collect(),
                subnets: here.subnets().iter().map(choice).collect(),
                eips: here
                    .eips()
                    .iter()
                    .filter(free)
                    .map(|e| (e.address.to_string(), e.id.clone()))
                    .collect(),
                token: &app.token,
                error,
            };
            page.render()
        })
        .await;
    html(if error.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST }, text)
}

async fn rows(State(app): State<Arc<App>>, Query(fields): Query<Vec<(String, String)>>) -> Response<Body> {
    let at = Where::of(&fields);
    let rows = app.with(|inner, now| listed(inner.model.region(&at.region), now, &at)).await;
    html(StatusCode::OK, Rows { t: at.texts(), rows }.render())
}

type Fields = Form<Vec<(String, String)>>;

/// Carries out what a form of the page asks for, and shows the page again.
async fn done(
    app: &App,
    fields: &[(String, String)],
    act: impl FnOnce(&mut Model, Time, &str, &dyn Fn(&str) -> String, &str) -> Result<(), Refused>,
) -> Response<Body> {
    let field = |name: &str| {
        let found = fields.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if field("token") != app.token {
        return plain(StatusCode::FORBIDDEN, "This form is not of this page. Load the page again.\n");
    }
    let at = Where::of(fields);
    let acted = app
        .with(|inner, now| {
            let request = inner.request_id();
            act(&mut inner.model, now, &at.region, &field, &request)
        })
        .await;
    match acted {
        Err(refused) => show(app, &at, &at.texts().refusal(&refused)).await,
        Ok(()) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::SEE_OTHER;
            let back = format!("/?region={}&lang={}", at.region, at.language);
            if let Ok(back) = HeaderValue::from_str(&back) {
                response.headers_mut().insert(header::LOCATION, back);
            }
            guard(response)
        }
    }
}

async fn apply(State(app): State<Arc<App>>, Form(fields): Fields) -> Response<Body> {
    done(&app, &fields, |model, now, region, field, _| {
        let ask = CreateHavip {
            vpc: field("vpc"),
            name: field("name"),
            subnet: Some(field("subnet")),
            vip: (field("how") == "manual").then(|| field("vip").trim().to_owned()),
            ..CreateHavip::default()
        };
        model.create_havip(now, region, ask).map(|_| ())
    })
    .await
}

async fn bind(State(app): State<Arc<App>>, Form(fields): Fields) -> Response<Body> {
    done(&app, &fields, |model, now, region, field, request| {
        model.bind_eip(now, region, &field("havip"), &field("eip"), request).map(|_| ())
    })
    .await
}

async fn unbind(State(app): State<Arc<App>>, Form(fields): Fields) -> Response<Body> {
    done(&app, &fields, |model, now, region, field, request| {
        model.unbind_eip(now, region, &field("havip"), request).map(|_| ())
    })
    .await
}

async fn release(State(app): State<Arc<App>>, Form(fields): Fields) -> Response<Body> {
    done(&app, &fields, |model, now, region, field, request| {
        model.delete_havip(now, region, &field("havip"), request).map(|_| ())
    })
    .await
}
