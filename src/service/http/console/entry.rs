//! Who may come in to the console: on the grounds of the other doors, and of what a browser says of where a request comes
//! from. A page of strangers can make a browser send a form here; it is refused before anybody looks at it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use tonic::transport::server::TcpConnectInfo;

use crate::error::Kind;
use crate::service::auth::{Caller, Permission};
use crate::service::error::Refusal;
use crate::service::http::guard;

use super::{Console, layout};

/// What a page may load and do: its own style, and forms to itself. No script at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
const SEC_FETCH_SITE: &str = "sec-fetch-site";
const SEC_FETCH_MODE: &str = "sec-fetch-mode";

/// Lets a request in or answers it, and puts on every answer what keeps it out of frames, caches and other sites.
pub(super) async fn entry(State(console): State<Console>, mut request: Request, next: Next) -> Response<Body> {
    let open = matches!(request.uri().path(), "/console/login" | "/console/style.css");
    let admitted =
        from_here(&console, &request).and_then(|()| if open { Ok(None) } else { caller(&console, &request).map(Some) });
    let mut response = match admitted {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(refusal) if refusal.kind == Kind::Unauthenticated && request.method() == Method::GET => to_login(),
        Err(refusal) => layout::refused(&refusal),
    };
    guard_answer(response.headers_mut());
    response
}

/// Whether a request comes from this site itself or from no site at all.
fn from_here(console: &Console, request: &Request) -> Result<(), Refusal> {
    let refused = |reason, message: &str| Err(Refusal::new(Kind::PermissionDenied, reason, message));
    let headers = request.headers();
    let host = guard::host(request);
    let local = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::local_addr);
    if local.is_some_and(|address| address.ip().to_canonical().is_loopback())
        && !host.as_ref().is_some_and(|host| guard::is_own(host.host(), &console.hosts))
    {
        return refused(
            "HOST_NOT_ALLOWED",
            "this machine is not known by the name in the address; open the console as localhost, or add the name to \
             [http] hosts in the configuration",
        );
    }
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let elsewhere = "requests of pages from elsewhere are not served; open the console itself";
    if text(ORIGIN.as_str()).is_some_and(|origin| !guard::same_origin(origin, host.as_ref())) {
        return refused("ORIGIN_NOT_ALLOWED", elsewhere);
    }
    let site = text(SEC_FETCH_SITE);
    let foreign = matches!(site, Some(site) if !matches!(site, "same-origin" | "none"));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    // A link from elsewhere may lead here; a picture, a frame or a script may not, and neither may a form.
    if foreign && !(reads && text(SEC_FETCH_MODE) == Some("navigate")) {
        return refused("ORIGIN_NOT_ALLOWED", elsewhere);
    }
    let says_where = headers.contains_key(ORIGIN) || site.is_some() || headers.contains_key(AUTHORIZATION);
    if !reads && !says_where {
        return refused(
            "ORIGIN_MISSING",
            "a form must say where it comes from; browsers do, other programs send `origin`",
        );
    }
    Ok(())
}

/// The caller of a bearer token, else of the session, else the anonymous one; with leave to read the log.
fn caller(console: &Console, request: &Request) -> Result<Caller, Refusal> {
    let headers = request.headers();
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let header = if console.callers.names_nobody() { None } else { header };
    let caller = match header {
        Some(_) => console.callers.identify(header).ok_or_else(Refusal::unknown_token)?,
        None => match console.sessions.find(headers).or_else(|| console.callers.identify(None)) {
            Some(caller) => caller,
            None => {
                return Err(Refusal::new(Kind::Unauthenticated, "UNAUTHENTICATED", "sign in first"));
            }
        },
    };
    may_read(&caller)?;
    console.core.admit(&caller)?;
    Ok(caller)
}

/// Whether a caller may read the log.
pub(super) fn may_read(caller: &Caller) -> Result<(), Refusal> {
    if caller.may(Permission::AuditRead) {
        return Ok(());
    }
    let message = "this caller may not read the audit log; give it the permission `audit-read` in the configuration";
    Err(Refusal::new(Kind::PermissionDenied, "PERMISSION_DENIED", message))
}

fn to_login() -> Response<Body> {
    redirect("/console/login")
}

/// Sends a browser on by GET.
pub(super) fn redirect(to: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(to));
    response
}

fn guard_answer(headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert_with(|| HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_FRAME_OPTIONS, "DENY");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(CACHE_CONTROL, "no-store");
    // With `no-referrer` a browser would hide the origin of our own forms from us.
    set(REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
}
