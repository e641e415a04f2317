//! Signing in and out. The token goes through once, in the body of a POST, and is not kept.

use axum::body::Body;
use axum::extract::{Request, State};
use http::header::SET_COOKIE;
use http::{HeaderValue, Response, StatusCode};
use maud::html;

use crate::error::Kind;
use crate::service::error::Refusal;

use super::{Shared, answer, entry, form_deadline, layout, query, session};

/// Bytes of the form; a token is far shorter.
const MAX_FORM: usize = 4096;

pub(super) async fn show() -> Response<Body> {
    page(StatusCode::OK, None)
}

fn page(status: StatusCode, problem: Option<&str>) -> Response<Body> {
    layout::bare(
        status,
        "Sign in",
        &html! {
            main.narrow #content {
                p.eyebrow { "Cordon console" }
                h1 { "Sign in" }
                p.about { "Give the bearer token of a caller who may read the audit log. It is sent once; this browser keeps a random "
                    "number in its place, for eight hours at most." }
                @if let Some(problem) = problem { p.problem role="alert" { (problem) } }
                form method="post" action="/console/login" {
                    label.wide { "Token" input type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false"; }
                    button type="submit" { "Sign in" }
                }
            }
        },
    )
}

pub(super) async fn sign_in(State(console): Shared, request: Request) -> Response<Body> {
    let signed = async move {
        if !console.sessions.may_try() {
            let message = "too many tokens were wrong; wait a few seconds and try again";
            return Err(Refusal::new(Kind::ResourceExhausted, "RATE_LIMITED", message));
        }
        let form = query::form(request, MAX_FORM, form_deadline()).await?;
        let header = format!("Bearer {}", form.get("token").unwrap_or_default());
        let Some(caller) = console.callers.identify(Some(&header)) else {
            console.sessions.failed();
            Refusal::unknown_token().note();
            return Ok(page(StatusCode::UNAUTHORIZED, Some("This token is not one that is configured.")));
        };
        if let Err(refusal) = entry::may_read(&caller) {
            refusal.note();
            let problem =
                "This caller may not read the audit log. It needs the permission audit-read in the configuration.";
            return Ok(page(StatusCode::FORBIDDEN, Some(problem)));
        }
        tracing::info!(caller = %caller.name(), "signed in to the console");
        let random = || Refusal::new(Kind::Internal, "INTERNAL", "the system gives no random numbers");
        let value = console.sessions.open(caller).ok_or_else(random)?;
        let mut response = entry::redirect("/console");
        if let Ok(cookie) = HeaderValue::from_str(&session::set_cookie(&value, console.secure)) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        Ok(response)
    };
    answer(signed.await)
}

pub(super) async fn sign_out(State(console): Shared, request: Request) -> Response<Body> {
    console.sessions.close(request.headers());
    let mut response = entry::redirect("/console/login");
    if let Ok(cookie) = HeaderValue::from_str(&session::unset_cookie()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
