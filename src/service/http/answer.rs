//! The way of an answer to an HTTP client, whole or in pieces, whatever its shape. The response begins with the
//! decision, which comes with the first piece: until then an error has a status of its own, and after that the headers
//! hold all that there is to say.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};

use crate::dispatch::{Event, Outcome, ToolCallPiece, Vectors};
use crate::document::Text;
use crate::service::auth::Caller;
use crate::service::calls::Calls;
use crate::service::core::Core;
use crate::service::dispatching::{self, Asked, Running};
use crate::service::error::Refusal;

use super::error::{self, Tongue};
use super::told::Told;

/// How long a stream may be silent before a comment says that it is alive. Proxies close silent connections after a
/// minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One shape of answers.
pub(super) trait Shape: Send + 'static {
    /// Whose words it speaks.
    fn tongue(&self) -> Tongue;
    /// Media type of a stream.
    fn media_type(&self) -> &'static str;
    /// What a stream begins with.
    fn begin(&mut self, told: &Told) -> String;
    /// A piece of the answer.
    fn piece(&mut self, piece: &Piece) -> String;
    /// The end of a whole answer.
    ///
    /// # Errors
    /// When what came cannot be said in this shape.
    fn end(&mut self, outcome: &Outcome) -> Result<String, Refusal>;
    /// The end of one that failed.
    fn fail(&mut self, refusal: &Refusal) -> String;
    /// A sign of life, if the shape has one.
    fn keep_alive(&self) -> Option<&'static str>;
    /// A whole answer as one JSON value.
    ///
    /// # Errors
    /// When what came cannot be said in this shape.
    fn whole(&self, told: &Told, answer: &Answer, outcome: &Outcome) -> Result<String, Refusal>;
}

/// A piece of an answer.
#[derive(Debug)]
pub(super) enum Piece {
    /// Text to append.
    Text(Text),
    /// More of a call of a tool.
    ToolCall(ToolCallPiece),
    /// The vectors that were asked for.
    Vectors(Vectors),
}

/// A whole answer.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) calls: Calls,
    pub(super) vectors: Vec<Vec<f32>>,
}

impl Answer {
    fn add(&mut self, piece: &Piece) {
        match piece {
            Piece::Text(text) => self.text.push_str(text.expose()),
            Piece::ToolCall(piece) => self.calls.add(piece),
            Piece::Vectors(vectors) => self.vectors.extend_from_slice(&vectors.0),
        }
    }
}

/// What a client wants of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// At once.
    Whole,
    /// As it comes.
    Streamed,
}

/// Runs a request and answers it. `dropped` names what of the body was neither scanned nor passed on.
pub(super) async fn answer(
    core: &Core,
    caller: &Caller,
    asked: Asked,
    dropped: Option<String>,
    manner: Manner,
    shape: impl Shape,
) -> Response<Body> {
    let mut told = Told { request_id: asked.request_id.clone(), dropped, ..Told::default() };
    let validate_only = asked.validate_only;
    let begun = match dispatching::start(core, caller, asked) {
        Ok(running) => begin(running, &mut told, validate_only).await,
        Err(refusal) => Err(refusal),
    };
    let response = match (begun, manner) {
        (Ok(None), _) => Ok(error::json_response(StatusCode::OK, &told.json())),
        (Ok(Some(begun)), Manner::Whole) => whole(begun, &mut told, &shape).await,
        (Ok(Some(begun)), Manner::Streamed) => {
            let response = streamed(begun, &mut told, shape);
            return with_headers(response, &told);
        }
        (Err(refusal), _) => Err(refusal),
    };
    with_headers(response.unwrap_or_else(|refusal| error::response(&refusal, shape.tongue())), &told)
}

fn with_headers(mut response: Response<Body>, told: &Told) -> Response<Body> {
    told.headers(response.headers_mut());
    response
}

/// A request whose answer has begun.
struct Begun {
    first: Option<Event>,
    running: Running,
}

impl Begun {
    async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        match self.first.take() {
            Some(event) => Some(Ok(event)),
            None => self.running.next().await,
        }
    }
}

/// Waits for the decision and the event after it, so that a request which no backend took is an error with a status.
/// `None` for one that was to be decided only.
async fn begin(mut running: Running, told: &mut Told, validate_only: bool) -> Result<Option<Begun>, Refusal> {
    while let Some(event) = running.next().await {
        match event? {
            Event::Verdict(verdict) => told.verdict = Some(verdict),
            Event::Decision(decision) => told.decision = Some(decision),
            first => return Ok(Some(Begun { first: Some(first), running })),
        }
    }
    // It ended in good order without a piece or an outcome: so it does when it was to be decided only.
    if validate_only { Ok(None) } else { Ok(Some(Begun { first: None, running })) }
}

/// What one event adds to an answer.
enum Step {
    Piece(Piece),
    End(Outcome),
    Nothing,
}

fn step(event: Event) -> Step {
    match event {
        Event::Delta(text) => Step::Piece(Piece::Text(text)),
        Event::ToolCall(piece) => Step::Piece(Piece::ToolCall(piece)),
        Event::Vectors(vectors) => Step::Piece(Piece::Vectors(vectors)),
        Event::Outcome(outcome) => Step::End(outcome),
        // They stand before the answer.
        Event::Verdict(_) | Event::Decision(_) => Step::Nothing,
    }
}

async fn whole(mut begun: Begun, told: &mut Told, shape: &impl Shape) -> Result<Response<Body>, Refusal> {
    let mut answer = Answer::default();
    loop {
        match begun.next().await {
            Some(event) => match step(event?) {
                Step::Piece(piece) => answer.add(&piece),
                Step::End(outcome) => {
                    let body = shape.whole(told, &answer, &outcome)?;
                    told.outcome = Some(outcome);
                    return Ok(error::json_text(StatusCode::OK, body));
                }
                Step::Nothing => {}
            },
            None => return Err(unfinished()),
        }
    }
}

/// An answer without its end; the one way into dispatch sees to it that this does not happen.
fn unfinished() -> Refusal {
    Refusal::new(crate::error::Kind::Internal, "INTERNAL", "the answer has no end; this is a defect of the service")
}

fn streamed<S: Shape>(begun: Begun, told: &mut Told, mut shape: S) -> Response<Body> {
    let media_type = shape.media_type();
    let beginning = shape.begin(told);
    struct Stream<S> {
        beginning: Option<String>,
        begun: Option<Begun>,
        shape: S,
    }
    let state = Stream { beginning: Some(beginning), begun: Some(begun), shape };
    let chunks = stream::unfold(state, |mut state| async move {
        if let Some(beginning) = state.beginning.take().filter(|beginning| !beginning.is_empty()) {
            return Some((Ok::<_, std::convert::Infallible>(Bytes::from(beginning)), state));
        }
        loop {
            let begun = state.begun.as_mut()?;
            let event = match tokio::time::timeout(KEEP_ALIVE, begun.next()).await {
                Ok(event) => event,
                Err(_) => match state.shape.keep_alive() {
                    Some(sign) => return Some((Ok(Bytes::from_static(sign.as_bytes())), state)),
                    None => continue,
                },
            };
            let chunk = match event.unwrap_or_else(|| Err(unfinished())).map(step) {
                Ok(Step::Piece(piece)) => Ok(state.shape.piece(&piece)),
                Ok(Step::Nothing) => continue,
                Ok(Step::End(outcome)) => {
                    state.begun = None;
                    state.shape.end(&outcome)
                }
                Err(refusal) => Err(refusal),
            };
            let chunk = chunk.unwrap_or_else(|refusal| {
                refusal.note();
                state.begun = None;
                state.shape.fail(&refusal)
            });
            if chunk.is_empty() {
                continue;
            }
            return Some((Ok(Bytes::from(chunk)), state));
        }
    });
    let mut response = Response::new(Body::from_stream(chunks));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx gathers an answer before it passes it on unless it is told not to.
    response.headers_mut().insert(http::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
