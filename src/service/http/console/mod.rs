//! The console: pages for the people who read the log, on the same listeners as everything else, for callers who may read
//! it. `entry` says who comes in, `session` remembers a browser, `login` lets one in, `layout` is the frame of every page,
//! `query` reads addresses and forms, and each further file is one page.
//!
//! It is read-only: no page changes the log, the policy or the switch of the cloud. It has no script, loads nothing from
//! elsewhere, and keeps no text that is tried in it.

mod decision;
mod decisions;
mod entry;
mod layout;
mod login;
mod overview;
mod plan;
mod query;
mod rules;
mod session;
mod try_it;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware;
use axum::routing::{any, get, post};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::error::Kind;
use crate::report::html::STYLE;
use crate::service::auth::{Caller, Callers};
use crate::service::core::Core;
use crate::service::error::Refusal;

use self::session::Sessions;

/// How long a question waits for records on their way to the disk.
const SETTLE: Duration = Duration::from_secs(2);
/// How long a form may take to arrive.
const FORM_PATIENCE: Duration = Duration::from_secs(10);

/// What the pages share.
#[derive(Clone, Debug)]
struct Console {
    core: Arc<Core>,
    callers: Callers,
    sessions: Sessions,
    hosts: Arc<[String]>,
    /// Whether browsers come over TLS, so that the cookie can be kept to it.
    secure: bool,
}

/// The routes.
pub(super) fn router(core: &Arc<Core>, callers: &Callers, hosts: &[String], secure: bool) -> Router {
    let console = Console {
        core: Arc::clone(core),
        callers: callers.clone(),
        sessions: Sessions::default(),
        hosts: hosts.into(),
        secure,
    };
    Router::new()
        .route("/console", get(overview::show))
        .route("/console/", get(|| async { entry::redirect("/console") }))
        .route("/console/report.html", get(overview::html_file))
        .route("/console/report.json", get(overview::json_file))
        .route("/console/decisions", get(decisions::show))
        .route("/console/decisions/{id}", get(decision::show))
        .route("/console/plan", get(plan::show))
        .route("/console/try", get(try_it::show).post(try_it::classify))
        .route("/console/login", get(login::show).post(login::sign_in))
        .route("/console/logout", post(login::sign_out))
        .route("/console/style.css", get(style))
        .route("/console/{*rest}", any(no_page))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(console.clone(), entry::entry))
        .with_state(console)
}

async fn style() -> Response<Body> {
    static BOTH: LazyLock<String> = LazyLock::new(|| format!("{STYLE}\n{}", include_str!("console.css")));
    let mut response = Response::new(Body::from(BOTH.as_str()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    // It says nothing of anybody.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    response
}

async fn no_page() -> Response<Body> {
    layout::refused(&Refusal::new(Kind::NotFound, "PATH_NOT_FOUND", "the console has no such page"))
}

async fn wrong_method() -> Response<Body> {
    layout::refused(&Refusal::new(Kind::InvalidArgument, "METHOD_NOT_ALLOWED", "the console is read-only"))
}

/// The caller whom the entry let in.
fn caller(request: &Request) -> Result<Caller, Refusal> {
    let missing = || Refusal::new(Kind::Unauthenticated, "UNAUTHENTICATED", "sign in first");
    request.extensions().get::<Caller>().cloned().ok_or_else(missing)
}

/// A page, or the error as one.
fn answer(page: Result<Response<Body>, Refusal>) -> Response<Body> {
    page.unwrap_or_else(|refusal| layout::refused(&refusal))
}

/// A defect of the service.
fn internal(message: &str) -> Refusal {
    Refusal::new(Kind::Internal, "INTERNAL", message)
}

fn form_deadline() -> Instant {
    Instant::now() + FORM_PATIENCE
}

/// A handler's state, for short signatures.
type Shared = State<Console>;
