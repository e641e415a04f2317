//! A chat completion as OpenAI's clients ask for it, read from the public API reference. Every field is either taken
//! (and its strings are scanned with the rest), refused because without it the answer would be another one, or dropped
//! and named. What it becomes is the request of gRPC, so the same checks hold for both.

use serde_json::{Map, Value};

use crate::service::error::Refusal;
use crate::service::proto::{DispatchRequest, GenerationOptions, ResponseFormat, ToolMode, response_format};

use super::fields::{self, Dropped, Fields};
use super::openai_message;
use super::tools;

/// A request, read.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) dispatch: DispatchRequest,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) dropped: Dropped,
}

/// Reads a body.
pub(super) fn read(body: Map<String, Value>) -> Result<ChatRequest, Refusal> {
    let mut fields = Fields::new("", body);
    let mut dropped = Dropped::default();
    let model = fields.required_text("model")?;
    refuse_what_is_not_offered(&mut fields)?;
    let stream = fields.boolean("stream")?.unwrap_or_default();
    let include_usage = match fields.object("stream_options")? {
        Some(mut options) => {
            let include = options.boolean("include_usage")?.unwrap_or_default();
            options.drop_rest(&mut dropped);
            include
        }
        None => false,
    };
    let generation = generation(&mut fields)?;
    let tools = tools::definitions(&mut fields, &mut dropped)?;
    let (tool_mode, tool_name) = tool_choice(&mut fields, &mut dropped)?;
    let parallel_tool_calls = fields.boolean("parallel_tool_calls")?;
    let response_format = response_format(&mut fields, &mut dropped)?;
    let messages = fields.list("messages")?.ok_or_else(|| fields::missing("messages"))?;
    let messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, value)| openai_message::read(Fields::of(format!("messages[{index}]"), value)?, &mut dropped))
        .collect::<Result<Vec<_>, _>>()?;
    fields.drop_rest(&mut dropped);
    let dispatch = DispatchRequest {
        messages,
        generation: Some(generation),
        tools,
        tool_mode: tool_mode as i32,
        tool_name,
        parallel_tool_calls,
        response_format,
        ..DispatchRequest::default()
    };
    Ok(ChatRequest { model, dispatch, stream, include_usage, dropped })
}

/// The path of a field of gRPC in the words of this API.
pub(super) fn path(field: &str) -> String {
    if let Some(rest) = field.strip_prefix("generation.") {
        return rest.to_owned();
    }
    match field {
        "tool_mode" | "tool_name" => "tool_choice".to_owned(),
        "response_format.name" | "response_format.schema" => {
            field.replace("response_format.", "response_format.json_schema.")
        }
        _ => tools::path(field).replace(".parts[", ".content[").replace("].json", "]"),
    }
}

/// Fields that change the answer in ways that Cordon does not offer. Their neutral values are let through, because many
/// clients send all fields.
fn refuse_what_is_not_offered(fields: &mut Fields) -> Result<(), Refusal> {
    if fields.integer("n")?.is_some_and(|n| n != 1) {
        return Err(fields::unsupported("n", "leave it out or send 1, and ask again for another answer"));
    }
    if fields.boolean("logprobs")? == Some(true) || fields.integer("top_logprobs")?.is_some_and(|n| n != 0) {
        return Err(fields::unsupported("logprobs", "leave logprobs and top_logprobs out"));
    }
    for name in ["presence_penalty", "frequency_penalty"] {
        if fields.number(name, -2.0, 2.0)?.is_some_and(|penalty| penalty != 0.0) {
            return Err(fields::unsupported(name, "leave it out or send 0"));
        }
    }
    let empty = |value: &Value| match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    };
    for (name, instead) in [
        ("logit_bias", "leave it out"),
        ("functions", "describe functions in `tools`"),
        ("function_call", "use `tools` and `tool_choice`"),
        ("audio", "ask for text"),
        ("web_search_options", "leave it out; Cordon calls no search for a model"),
    ] {
        if fields.take(name).is_some_and(|value| !empty(&value)) {
            return Err(fields::unsupported(name, instead));
        }
    }
    let modalities = fields.list("modalities")?.unwrap_or_default();
    if modalities.iter().any(|modality| modality != "text") {
        return Err(fields::unsupported("modalities", "ask for text alone"));
    }
    Ok(())
}

fn generation(fields: &mut Fields) -> Result<GenerationOptions, Refusal> {
    let mut max_output_tokens = None;
    // The newer name wins where both stand.
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(tokens) = fields.integer(name)? {
            let tokens = u32::try_from(tokens).ok().filter(|tokens| *tokens > 0);
            max_output_tokens =
                Some(tokens.ok_or_else(|| fields::out_of_range(name, "must be at least 1 and below 2^32"))?);
        }
    }
    Ok(GenerationOptions {
        max_output_tokens,
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        stop: fields.texts("stop")?,
        seed: fields.integer("seed")?,
    })
}

/// A word, or an object that names a function.
fn tool_choice(fields: &mut Fields, dropped: &mut Dropped) -> Result<(ToolMode, String), Refusal> {
    let at = "tool_choice";
    match fields.take(at) {
        None => Ok((ToolMode::Unspecified, String::new())),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok((ToolMode::Unspecified, String::new())),
            "none" => Ok((ToolMode::None, String::new())),
            "required" => Ok((ToolMode::Required, String::new())),
            _ => Err(fields::out_of_range(at, "must be none, auto, required, or an object that names a function")),
        },
        Some(value) => {
            let mut choice = Fields::of(at, value)?;
            if choice.required_text("type")? != "function" {
                return Err(fields::unsupported(&choice.path("type"), "name one function, or send a word"));
            }
            let mut function = choice.object("function")?.ok_or_else(|| fields::missing("tool_choice.function"))?;
            let name = function.required_text("name")?;
            function.drop_rest(dropped);
            choice.drop_rest(dropped);
            Ok((ToolMode::Named, name))
        }
    }
}

fn response_format(fields: &mut Fields, dropped: &mut Dropped) -> Result<Option<ResponseFormat>, Refusal> {
    let Some(mut format) = fields.object("response_format")? else { return Ok(None) };
    let read = match format.required_text("type")?.as_str() {
        "text" => None,
        "json_object" => {
            Some(ResponseFormat { kind: response_format::Kind::JsonObject as i32, ..ResponseFormat::default() })
        }
        "json_schema" => {
            let at = "response_format.json_schema";
            let mut named = format.object("json_schema")?.ok_or_else(|| fields::missing(at))?;
            let read = ResponseFormat {
                kind: response_format::Kind::JsonSchema as i32,
                name: named.required_text("name")?,
                schema: named.json("schema")?.unwrap_or_default(),
                strict: named.boolean("strict")?,
            };
            named.drop_rest(dropped);
            Some(read)
        }
        _ => return Err(fields::unsupported("response_format.type", "send text, json_object or json_schema")),
    };
    format.drop_rest(dropped);
    Ok(read)
}
