//! The doors for clients of OpenAI and of Ollama, on the same listeners as gRPC and with the same way into
//! [`crate::dispatch`]: the same callers, slots, verdict, ceiling and records.
//!
//! The life of a request, file by file: `guard` says who may come in, `ask` reads its headers and bytes, `json` and
//! `fields` the body, `openai_request` or `ollama_request` what is asked (with `…_message` and `tools`), `answer` runs it and passes the answer on in
//! the words of `openai_answer` or `ollama_answer`, `told` adds what was decided, `calls` holds calls of tools, `embeddings` is the other thing that a model can be asked for, `error` says what went wrong, and
//! `models` knows the names that clients may ask for.
//!
//! `console` is the pages for people who read the log; it has its own way in.
//!
//! It must never let a string of a body go on unscanned, never choose a backend, and never answer another origin.

mod answer;
mod ask;
mod console;
mod embeddings;
mod error;
mod fields;
mod guard;
mod json;
mod models;
mod ollama_answer;
mod ollama_message;
mod ollama_request;
mod openai_answer;
mod openai_message;
mod openai_request;
#[cfg(test)]
mod reading_tests;
mod told;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware;
use axum::routing::{get, post};
use http::{Response, StatusCode};
use serde_json::json;

pub(super) use guard::only_grpc;

use crate::config::{HttpSection, Limits};
use crate::document::Conversation;
use crate::error::Kind;
use crate::policy::Complexity;

use self::answer::Manner;
use self::ask::Inputs;
use self::error::Tongue;
use self::fields::Dropped;
use self::models::Models;
use super::auth::{Caller, Callers, Permission};
use super::conversation;
use super::core::{self, Core};
use super::dispatching::Asked;
use super::error::Refusal;
use super::proto::DispatchRequest;

/// What the handlers share.
#[derive(Clone, Debug)]
struct Doors {
    core: Arc<Core>,
    callers: Callers,
    models: Arc<Models>,
    hosts: Arc<[String]>,
    /// Bytes of a body.
    max_body: usize,
}

/// The routes.
pub(super) fn router(core: &Arc<Core>, callers: &Callers, section: &HttpSection, max_body: usize, tls: bool) -> Router {
    let console = section.console.then(|| console::router(core, callers, &section.hosts, tls));
    let doors = Doors {
        core: Arc::clone(core),
        callers: callers.clone(),
        models: Arc::new(Models::new(core.dispatcher.backends(), section)),
        hosts: section.hosts.clone().into(),
        max_body,
    };
    let doors = Router::new()
        .route("/v1/chat/completions", post(openai_chat))
        .route("/v1/embeddings", post(openai_embeddings))
        .route("/v1/models", get(openai_models))
        .route("/v1/models/{*name}", get(openai_model))
        .route("/api/chat", post(ollama_chat))
        .route("/api/tags", get(ollama_tags))
        .route("/api/version", get(ollama_version))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(doors.clone(), guard::guard))
        .with_state(doors);
    match console {
        Some(console) => doors.merge(console),
        None => doors,
    }
}

/// Anything that has no route: gRPC's own words for its clients, JSON for others.
pub(super) async fn no_such_path(request: Request) -> Response<Body> {
    if guard::is_grpc(request.headers()) {
        let (parts, ()) = tonic::Status::unimplemented("no such service").into_http::<()>().into_parts();
        return Response::from_parts(parts, Body::empty());
    }
    let message = "nothing is served on this path; POST /v1/chat/completions, POST /v1/embeddings, POST /api/chat, GET /v1/models, \
                   GET /v1/models/{id}, GET /api/tags and GET /api/version are, the console at /console, and gRPC";
    let refusal = Refusal::new(Kind::NotFound, "PATH_NOT_FOUND", message);
    error::response(&refusal, Tongue::of_path(request.uri().path()))
}

async fn wrong_method(request: Request) -> Response<Body> {
    let message = "this path is not served for this method; chats are sent by POST, lists are read by GET";
    let refusal = Refusal::new(Kind::InvalidArgument, "METHOD_NOT_ALLOWED", message);
    error::response(&refusal, Tongue::of_path(request.uri().path()))
}

async fn openai_models(State(doors): State<Doors>) -> Response<Body> {
    error::json_response(StatusCode::OK, &doors.models.openai_list())
}

async fn openai_model(State(doors): State<Doors>, Path(name): Path<String>) -> Response<Body> {
    match doors.models.openai_one(&name) {
        Ok(model) => error::json_response(StatusCode::OK, &model),
        Err(refusal) => error::response(&refusal, Tongue::OpenAi),
    }
}

async fn ollama_tags(State(doors): State<Doors>) -> Response<Body> {
    error::json_response(StatusCode::OK, &doors.models.ollama_tags())
}

async fn ollama_version() -> Response<Body> {
    error::json_response(StatusCode::OK, &json!({"version": env!("CARGO_PKG_VERSION")}))
}

async fn openai_chat(State(doors): State<Doors>, request: Request) -> Response<Body> {
    let read = async {
        let (caller, inputs, body) = doors.take(request).await?;
        let chat = openai_request::read(body)?;
        let asked = doors.asked(&chat.model, chat.dispatch, openai_request::path, inputs)?;
        Ok((caller, asked, chat.stream, chat.include_usage, chat.dropped))
    };
    match read.await {
        Ok((caller, asked, stream, include_usage, dropped)) => {
            let shape = openai_answer::ChatAnswer::new(include_usage);
            doors.answer(&caller, asked, &dropped, stream, shape).await
        }
        Err(refusal) => error::response(&refusal, Tongue::OpenAi),
    }
}

async fn openai_embeddings(State(doors): State<Doors>, request: Request) -> Response<Body> {
    let read = async {
        let (caller, inputs, body) = doors.take(request).await?;
        let wanted = embeddings::read(body)?;
        let model = doors.models.embedding(&wanted.model)?;
        // What a text asks of a model says nothing about its vector, so the policy sees a simple request.
        let inputs = Inputs { complexity: inputs.complexity.or(Some(Complexity::Simple)), ..inputs };
        let asked = doors.asked(models::BY_POLICY, wanted.dispatch, embeddings::path, inputs)?;
        Ok((caller, Asked { embedding: Some(model), ..asked }, wanted.base64, wanted.dropped))
    };
    match read.await {
        Ok((caller, asked, base64, dropped)) => {
            doors.answer(&caller, asked, &dropped, false, embeddings::EmbeddingAnswer { base64 }).await
        }
        Err(refusal) => error::response(&refusal, Tongue::OpenAi),
    }
}

async fn ollama_chat(State(doors): State<Doors>, request: Request) -> Response<Body> {
    let read = async {
        let (caller, inputs, body) = doors.take(request).await?;
        let chat = ollama_request::read(body)?;
        let asked = doors.asked(&chat.model, chat.dispatch, ollama_request::path, inputs)?;
        Ok((caller, asked, chat.stream, chat.dropped))
    };
    match read.await {
        Ok((caller, asked, stream, dropped)) => {
            doors.answer(&caller, asked, &dropped, stream, ollama_answer::ChatAnswer::default()).await
        }
        Err(refusal) => error::response(&refusal, Tongue::Ollama),
    }
}

/// The conversation of a request, with every check of gRPC. `path` names a field of gRPC in the client's words.
fn checked(request: &mut DispatchRequest, path: fn(&str) -> String, limits: &Limits) -> Result<Conversation, Refusal> {
    conversation::conversation(request, limits)
        .map_err(|refusal| Refusal { field: refusal.field.as_deref().map(path), ..refusal })
}

impl Doors {
    /// Who asks, what the headers say, and the body as an object.
    async fn take(
        &self,
        request: Request,
    ) -> Result<(Caller, Inputs, serde_json::Map<String, serde_json::Value>), Refusal> {
        let caller = core::permitted(request.extensions().get::<Caller>(), Permission::Dispatch)?;
        let (parts, body) = request.into_parts();
        let inputs = Inputs::read(&parts.headers, self.core.limits.dispatch_deadline())?;
        let bytes = ask::body(&parts.headers, body, self.max_body, inputs.deadline).await?;
        Ok((caller, inputs, json::object(&bytes)?))
    }

    /// The request in the words of the domain, if the model's name is known and the checks of gRPC hold.
    fn asked(
        &self,
        model: &str,
        mut request: DispatchRequest,
        path: fn(&str) -> String,
        inputs: Inputs,
    ) -> Result<Asked, Refusal> {
        self.models.accept(model)?;
        let conversation = checked(&mut request, path, &self.core.limits)?;
        Ok(Asked {
            request_id: inputs.request_id,
            conversation: Arc::new(conversation),
            complexity: inputs.complexity,
            declared_level: inputs.declared_level,
            ner: inputs.ner,
            validate_only: inputs.validate_only,
            deadline: inputs.deadline,
            whole: true,
            confidence: inputs.confidence,
            embedding: None,
            level_override: None,
        })
    }

    async fn answer(
        &self,
        caller: &Caller,
        asked: Asked,
        dropped: &Dropped,
        stream: bool,
        shape: impl answer::Shape,
    ) -> Response<Body> {
        let manner = if stream { Manner::Streamed } else { Manner::Whole };
        let asked = Asked { whole: !stream, ..asked };
        answer::answer(&self.core, caller, asked, dropped.told(), manner, shape).await
    }
}
