//! Who may come in by HTTP. A browser runs the code of strangers and reaches loopback, so a request that a web page
//! could have caused is refused before anybody looks at it: one with an `Origin` of elsewhere, one that calls this
//! machine by a name that is not its own (DNS rebinding), and one whose body is not declared as JSON, which a page can
//! send without asking first. No answer allows other origins (CORS).

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method, Response, Version};
use tonic::transport::server::TcpConnectInfo;

use crate::error::Kind;
use crate::service::auth::{Caller, Callers, Permission};
use crate::service::core;
use crate::service::error::Refusal;

use super::Doors;
use super::error::{self, Tongue};

/// Refuses whom it must and names the caller for the handler.
pub(super) async fn guard(State(doors): State<Doors>, mut request: Request, next: Next) -> Response<Body> {
    match admit(&doors, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => error::response(&refusal, Tongue::of_path(request.uri().path())),
    }
}

fn admit(doors: &Doors, request: &Request) -> Result<Caller, Refusal> {
    let headers = request.headers();
    let host = host(request);
    let local = request.extensions().get::<TcpConnectInfo>().and_then(TcpConnectInfo::local_addr);
    if local.is_some_and(|address| address.ip().to_canonical().is_loopback())
        && !host.as_ref().is_some_and(|host| is_own(host.host(), &doors.hosts))
    {
        return Err(Refusal::new(
            Kind::PermissionDenied,
            "HOST_NOT_ALLOWED",
            "this machine is not known by the name in the Host header; call it as localhost, or add the name to \
             [http] hosts in the configuration",
        ));
    }
    if let Some(origin) = headers.get(ORIGIN)
        && !same_origin(origin.to_str().unwrap_or_default(), host.as_ref())
    {
        return Err(Refusal::new(
            Kind::PermissionDenied,
            "ORIGIN_NOT_ALLOWED",
            "requests of web pages from elsewhere are not served; call from a program, without an Origin header",
        ));
    }
    if request.method() == Method::POST && !is_json(headers) {
        return Err(Refusal::new(
            Kind::InvalidArgument,
            "UNSUPPORTED_MEDIA_TYPE",
            "the body must be declared as JSON; send `content-type: application/json`",
        ));
    }
    core::permitted(caller(headers, &doors.callers)?.as_ref(), Permission::Dispatch)
}

/// The caller of the token, as for gRPC. Clients of OpenAI always send a key, so where no caller is configured, and a
/// token can name nobody, any key is the anonymous caller's.
fn caller(headers: &HeaderMap, callers: &Callers) -> Result<Option<Caller>, Refusal> {
    let header = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let header = if callers.names_nobody() { None } else { header };
    match callers.identify(header) {
        None if header.is_some() => Err(Refusal::unknown_token()),
        caller => Ok(caller),
    }
}

/// Whom the client believes to call: `:authority` of HTTP/2, or the one Host header of HTTP/1.1.
pub(super) fn host(request: &Request) -> Option<Authority> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.clone());
    }
    let mut named = request.headers().get_all(HOST).iter();
    match (named.next(), named.next()) {
        (Some(only), None) => Authority::try_from(only.as_bytes()).ok(),
        _ => None,
    }
}

pub(super) fn is_own(host: &str, configured: &[String]) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    // RFC 6761, section 6.3: names under `localhost` are always this machine.
    name == "localhost" || name.ends_with(".localhost") || configured.iter().any(|own| own.eq_ignore_ascii_case(&name))
}

pub(super) fn same_origin(origin: &str, host: Option<&Authority>) -> bool {
    let Some((_scheme, authority)) = origin.split_once("://") else { return false };
    host.is_some_and(|host| host.as_str().eq_ignore_ascii_case(authority))
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let kind = value.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    })
}

/// Whether a request is one of gRPC.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Keeps everything but gRPC over HTTP/2 from the gRPC services: a page can make a browser send a plain POST to them,
/// but not one of this type without asking first.
pub(in crate::service) async fn only_grpc(request: Request, next: Next) -> Response<Body> {
    if is_grpc(request.headers()) && request.version() == Version::HTTP_2 {
        return next.run(request).await;
    }
    let message = "this path is served by gRPC over HTTP/2 only; see docs/http.md for what HTTP clients can use";
    error::response(
        &Refusal::new(Kind::InvalidArgument, "UNSUPPORTED_MEDIA_TYPE", message),
        Tongue::of_path(request.uri().path()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        let configured = ["models.example.org".to_owned()];
        for own in ["localhost", "LOCALHOST.", "app.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "Models.example.org"]
        {
            assert!(is_own(own, &configured), "{own}");
        }
        for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "10.0.0.1", "0.0.0.0", ""] {
            assert!(!is_own(foreign, &configured), "{foreign}");
        }
    }

    #[test]
    fn an_origin_must_be_the_host_itself() {
        let host = Authority::from_static("localhost:50051");
        assert!(same_origin("http://localhost:50051", Some(&host)));
        for foreign in ["null", "http://localhost:3000", "https://evil.example", "file://", ""] {
            assert!(!same_origin(foreign, Some(&host)), "{foreign}");
        }
        assert!(!same_origin("http://localhost:50051", None));
    }
}
