//! A chat as Ollama's clients ask for it, read from the project's public API documentation. Every field is either taken
//! (and its strings are scanned with the rest), refused because without it the answer would be another one, or dropped
//! and named.

use serde_json::{Map, Value};

use crate::document::{Conversation, Generation, Message, Role, Text};
use crate::service::error::Refusal;

use super::fields::{self, Dropped, Fields};
use super::openai_request::stop;

/// A request, read.
#[derive(Debug)]
pub(super) struct ChatRequest {
    pub(super) model: String,
    pub(super) conversation: Conversation,
    pub(super) stream: bool,
    pub(super) dropped: Dropped,
}

/// Reads a body.
pub(super) fn read(body: Map<String, Value>) -> Result<ChatRequest, Refusal> {
    let mut fields = Fields::new("", body);
    let mut dropped = Dropped::default();
    let model = fields.required_text("model")?;
    // Unlike OpenAI's, Ollama's chat streams unless told not to.
    let stream = fields.boolean("stream")?.unwrap_or(true);
    for (name, instead) in [("tools", "leave it out"), ("format", "leave it out")] {
        let neutral = |value: &Value| value.as_array().is_some_and(Vec::is_empty) || value.as_str() == Some("");
        if fields.take(name).is_some_and(|value| !neutral(&value)) {
            return Err(fields::unsupported(name, instead));
        }
    }
    let generation = match fields.object("options")? {
        Some(options) => generation(options, &mut dropped)?,
        None => Generation::default(),
    };
    let messages = fields.list("messages")?.ok_or_else(|| fields::missing("messages"))?;
    let messages = messages
        .into_iter()
        .enumerate()
        .map(|(index, value)| message(Fields::of(format!("messages[{index}]"), value)?, &mut dropped))
        .collect::<Result<Vec<_>, _>>()?;
    fields.drop_rest(&mut dropped);
    Ok(ChatRequest { model, conversation: Conversation::new(messages, generation), stream, dropped })
}

fn generation(mut options: Fields, dropped: &mut Dropped) -> Result<Generation, Refusal> {
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
    let generation = Generation {
        max_output_tokens,
        temperature: options.number("temperature", 0.0, 2.0)?,
        top_p: options.number("top_p", 0.0, 1.0)?,
        stop: stop(&mut options, "stop")?,
        seed: options.integer("seed")?,
    };
    // The rest tunes a sampler or a machine: the service that answers keeps its own.
    options.drop_rest(dropped);
    Ok(generation)
}

fn message(mut fields: Fields, dropped: &mut Dropped) -> Result<Message, Refusal> {
    let role = match fields.required_text("role")?.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => {
            let message = "must be system, user, assistant or tool";
            return Err(Refusal::field(fields.path("role"), "ROLE_NOT_ALLOWED", message));
        }
    };
    let content = Text::from(fields.text("content")?.unwrap_or_default());
    for name in ["tool_calls", "images"] {
        if fields.list(name)?.is_some_and(|list| !list.is_empty()) {
            return Err(fields::unsupported(&fields.path(name), "leave it out"));
        }
    }
    fields.drop_rest(dropped);
    Ok(Message { role, content, name: None })
}
