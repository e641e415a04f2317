//! A chat completion as OpenAI's clients ask for it, read from the public API reference. Every field is either taken
//! (and its strings are scanned with the rest), refused because without it the answer would be another one, or dropped
//! and named.

use serde_json::{Map, Value};

use crate::document::{Conversation, Generation, Message, Role, Text};
use crate::service::error::Refusal;

use super::fields::{self, Dropped, Fields};

/// A request, read.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) conversation: Conversation,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    pub(super) dropped: Dropped,
}

/// Most strings that may end an answer, as for gRPC.
const MAX_STOP: usize = 16;

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
    let messages = fields.list("messages")?.ok_or_else(|| fields::missing("messages"))?;
    let messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, value)| message(Fields::of(format!("messages[{index}]"), value)?, &mut dropped))
        .collect::<Result<Vec<_>, _>>()?;
    fields.drop_rest(&mut dropped);
    Ok(ChatRequest { model, conversation: Conversation::new(messages, generation), stream, include_usage, dropped })
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
        ("tools", "leave it out"),
        ("tool_choice", "leave it out"),
        ("response_format", "leave it out"),
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

fn generation(fields: &mut Fields) -> Result<Generation, Refusal> {
    let mut max_output_tokens = None;
    // The newer name wins where both stand.
    for name in ["max_tokens", "max_completion_tokens"] {
        if let Some(tokens) = fields.integer(name)? {
            let tokens = u32::try_from(tokens).ok().filter(|tokens| *tokens > 0);
            max_output_tokens =
                Some(tokens.ok_or_else(|| fields::out_of_range(name, "must be at least 1 and below 2^32"))?);
        }
    }
    Ok(Generation {
        max_output_tokens,
        temperature: fields.number("temperature", 0.0, 2.0)?,
        top_p: fields.number("top_p", 0.0, 1.0)?,
        stop: stop(fields, "stop")?,
        seed: fields.integer("seed")?,
    })
}

/// One string or a list of them.
pub(super) fn stop(fields: &mut Fields, name: &str) -> Result<Vec<Text>, Refusal> {
    let at = fields.path(name);
    let values = match fields.take(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(value) => vec![value],
    };
    if values.len() > MAX_STOP {
        return Err(fields::out_of_range(&at, format!("must be at most {MAX_STOP} strings")));
    }
    values
        .into_iter()
        .map(|value| match value {
            Value::String(text) if text.is_empty() => Err(fields::out_of_range(&at, "must hold no empty string")),
            Value::String(text) => Ok(Text::from(text)),
            _ => Err(fields::wrong_type(&at, "a string or a list of strings")),
        })
        .collect()
}

fn message(mut fields: Fields, dropped: &mut Dropped) -> Result<Message, Refusal> {
    let role = role(&mut fields)?;
    let content = content(&mut fields, dropped)?;
    let name = fields.text("name")?.filter(|name| !name.is_empty()).map(Text::from);
    for field in ["tool_calls", "function_call"] {
        if fields.take(field).is_some() {
            return Err(fields::unsupported(&fields.path(field), "leave it out"));
        }
    }
    fields.drop_rest(dropped);
    Ok(Message { role, content, name })
}

fn role(fields: &mut Fields) -> Result<Role, Refusal> {
    match fields.required_text("role")?.as_str() {
        // OpenAI renamed the first to the second for its newer models.
        "system" | "developer" => Ok(Role::System),
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "tool" => Ok(Role::Tool),
        _ => Err(Refusal::field(
            fields.path("role"),
            "ROLE_NOT_ALLOWED",
            "must be system, developer, user, assistant or tool",
        )),
    }
}

/// A string, or parts of text.
fn content(fields: &mut Fields, dropped: &mut Dropped) -> Result<Text, Refusal> {
    let at = fields.path("content");
    match fields.take("content") {
        None => Ok(Text::from("")),
        Some(Value::String(text)) => Ok(Text::from(text)),
        Some(Value::Array(parts)) => {
            let mut texts = Vec::with_capacity(parts.len());
            for (index, part) in parts.into_iter().enumerate() {
                let mut part = Fields::of(format!("{at}[{index}]"), part)?;
                if part.required_text("type")? != "text" {
                    return Err(fields::unsupported(&part.path("type"), "send parts of type text"));
                }
                texts.push(part.required_text("text")?);
                part.drop_rest(dropped);
            }
            Ok(Text::from(texts.join("\n")))
        }
        Some(_) => Err(fields::wrong_type(&at, "a string or a list of parts")),
    }
}
