//! A chat as Ollama's clients ask for it, read from the project's public API documentation. Every field is either taken
//! (and its strings are scanned with the rest), refused because without it the answer would be another one, or dropped
//! and named. What it becomes is the request of gRPC, so the same checks hold for both.

use serde_json::{Map, Value};

use crate::service::error::Refusal;
use crate::service::proto::{DispatchRequest, GenerationOptions, ResponseFormat, response_format};

use super::fields::{self, Dropped, Fields};
use super::ollama_message::{self, Calls};
use super::tools;

/// A request, read.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) dispatch: DispatchRequest,
    pub(super) stream: bool,
    pub(super) dropped: Dropped,
}

/// The schema of an answer has no name in this API, and needs one in others.
const SCHEMA_NAME: &str = "answer";

/// Reads a body.
pub(super) fn read(body: Map<String, Value>) -> Result<ChatRequest, Refusal> {
    let mut fields = Fields::new("", body);
    let mut dropped = Dropped::default();
    let model = fields.required_text("model")?;
    // Unlike OpenAI's, Ollama's chat streams unless told not to.
    let stream = fields.boolean("stream")?.unwrap_or(true);
    if fields.boolean("logprobs")? == Some(true) {
        return Err(fields::unsupported("logprobs", "leave it out"));
    }
    let generation = match fields.object("options")? {
        Some(options) => generation(options, &mut dropped)?,
        None => GenerationOptions::default(),
    };
    let tools = tools::definitions(&mut fields, &mut dropped)?;
    let response_format = format(&mut fields)?;
    let messages = fields.list("messages")?.ok_or_else(|| fields::missing("messages"))?;
    let mut calls = Calls::default();
    let messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let message = Fields::of(format!("messages[{index}]"), value)?;
            ollama_message::read(message, &mut calls, &mut dropped)
        })
        .collect::<Result<Vec<_>, _>>()?;
    fields.drop_rest(&mut dropped);
    let generation = Some(generation);
    let dispatch = DispatchRequest { messages, generation, tools, response_format, ..DispatchRequest::default() };
    Ok(ChatRequest { model, dispatch, stream, dropped })
}

/// The path of a field of gRPC in the words of this API.
pub(super) fn path(field: &str) -> String {
    if let Some(rest) = field.strip_prefix("generation.") {
        return format!("options.{rest}");
    }
    if field.starts_with("response_format") {
        return "format".to_owned();
    }
    tools::path(field).replace(".parts[", ".images[")
}

fn generation(mut options: Fields, dropped: &mut Dropped) -> Result<GenerationOptions, Refusal> {
    let at = options.path("num_predict");
    let max_output_tokens = match options.integer("num_predict")? {
        // Ollama's own words for no limit: until the end, or until the context is full.
        None | Some(-2 | -1) => None,
        Some(tokens) => Some(
            u32::try_from(tokens)
                .ok()
                .filter(|tokens| *tokens > 0)
                .ok_or_else(|| fields::out_of_range(&at, "must be at least 1, or -1 for no limit"))?,
        ),
    };
    let generation = GenerationOptions {
        max_output_tokens,
        temperature: options.number("temperature", 0.0, 2.0)?,
        top_p: options.number("top_p", 0.0, 1.0)?,
        stop: options.texts("stop")?,
        seed: options.integer("seed")?,
    };
    // The rest tunes a sampler or a machine: the service that answers keeps its own.
    options.drop_rest(dropped);
    Ok(generation)
}

/// The word `json`, or a schema.
fn format(fields: &mut Fields) -> Result<Option<ResponseFormat>, Refusal> {
    use response_format::Kind;
    match fields.take("format") {
        None => Ok(None),
        // What clients send for none.
        Some(Value::String(word)) if word.is_empty() => Ok(None),
        Some(Value::String(word)) if word == "json" => {
            Ok(Some(ResponseFormat { kind: Kind::JsonObject as i32, ..ResponseFormat::default() }))
        }
        Some(schema @ Value::Object(_)) => Ok(Some(ResponseFormat {
            kind: Kind::JsonSchema as i32,
            name: SCHEMA_NAME.to_owned(),
            schema: schema.to_string(),
            strict: None,
        })),
        Some(_) => Err(fields::wrong_type("format", "the word `json` or a schema")),
    }
}
