//! The frame of every page of the console: its head, its way around, and how an error looks.

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use crate::service::auth::{ANONYMOUS, Caller};
use crate::service::error::Refusal;
use crate::service::http::error;

/// Where a page stands in the way around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Overview,
    Decisions,
    TryIt,
    Plan,
}

const PLACES: [(Place, &str, &str); 4] = [
    (Place::Overview, "/console", "Overview"),
    (Place::Decisions, "/console/decisions", "Decisions"),
    (Place::TryIt, "/console/try", "Try it"),
    (Place::Plan, "/console/plan", "Local or cloud"),
];

/// A page for a caller who is in.
pub(super) fn page(place: Place, title: &str, caller: &Caller, body: &Markup) -> Response<Body> {
    let around = html! {
        nav.around aria-label="Console" {
            a.brand href="/console" { "Cordon" }
            ul {
                @for (at, href, name) in PLACES {
                    li { a href=(href) aria-current=[(at == place).then_some("page")] { (name) } }
                }
            }
            div.who {
                @if &**caller.name() == ANONYMOUS {
                    span.soft title="No caller is configured, so everybody on this machine is let in." { "open on this machine" }
                } @else {
                    span { (caller.name()) }
                    form method="post" action="/console/logout" { button.quiet type="submit" { "Sign out" } }
                }
            }
        }
    };
    respond(StatusCode::OK, title, &html! { (around) (body) })
}

/// A page without a way around.
pub(super) fn bare(status: StatusCode, title: &str, body: &Markup) -> Response<Body> {
    respond(status, title, &html! { (body) })
}

/// An error as a page.
pub(super) fn refused(refusal: &Refusal) -> Response<Body> {
    // What the doors for programs would answer, with the words for people.
    let mut response = error::response(refusal, error::Tongue::OpenAi);
    let page = document(
        "Refused",
        &html! {
            main.narrow {
                h1 { (response.status().canonical_reason().unwrap_or("Refused")) }
                p.lead {
                    @if let Some(field) = &refusal.field { code { (field) } ": " }
                    (refusal.message)
                }
                p { a href="/console" { "Back to the overview" } }
            }
        },
    );
    *response.body_mut() = Body::from(page);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn respond(status: StatusCode, title: &str, body: &Markup) -> Response<Body> {
    let mut response = Response::new(Body::from(document(title, body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn document(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Cordon" }
                link rel="stylesheet" href="/console/style.css";
                // Without it a browser asks for /favicon.ico, which is not there.
                link rel="icon" href="data:,";
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (body)
            }
        }
    }
    .into_string()
}
