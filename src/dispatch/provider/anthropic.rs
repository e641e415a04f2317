//! Anthropic's Messages API: `POST /v1/messages`, server-sent events. Written from Anthropic's public API reference
//! (version 2023-06-01). The system prompt is a field of its own, `max_tokens` is required, and unknown events must be
//! ignored.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::{Conversation, Role, Text};

use super::{Decode, Dialect, ErrorCode, Fault, Finish, FinishReason, Framing, Piece};

/// The version of the API that this file was written for; sent as `anthropic-version`.
pub(super) const VERSION: &str = "2023-06-01";

/// Tokens of an answer when neither the caller nor the configuration says: the API requires a number. Every model of
/// the API allows this many.
pub(crate) const DEFAULT_MAX_TOKENS: u32 = 4096;

/// The Messages API, asked for one model.
pub(crate) struct Anthropic {
    model: Arc<str>,
    default_max_output_tokens: u32,
}

impl Anthropic {
    pub(crate) fn new(model: Arc<str>, default_max_output_tokens: Option<u32>) -> Self {
        Self { model, default_max_output_tokens: default_max_output_tokens.unwrap_or(DEFAULT_MAX_TOKENS) }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl Dialect for Anthropic {
    fn path(&self) -> &'static [&'static str] {
        &["v1", "messages"]
    }

    fn models_path(&self) -> &'static [&'static str] {
        &["v1", "models"]
    }

    fn body(&self, conversation: &Conversation) -> Result<Vec<u8>, serde_json::Error> {
        let generation = conversation.generation();
        let mut system = String::new();
        let mut messages = Vec::new();
        for message in conversation.messages() {
            let content = message.content.expose();
            // The API refuses empty messages.
            if content.is_empty() {
                continue;
            }
            match message.role {
                Role::System | Role::ToolDefinition => {
                    if !system.is_empty() {
                        system.push_str("\n\n");
                    }
                    system.push_str(content);
                }
                Role::Assistant => messages.push(Message { role: "assistant", content }),
                // A tool's result needs the id of its call, which a plain conversation does not have.
                Role::User | Role::Tool | Role::Metadata => messages.push(Message { role: "user", content }),
            }
        }
        // The API needs at least one message, so instructions alone are asked as the user's.
        let alone = if messages.is_empty() { std::mem::take(&mut system) } else { String::new() };
        if !alone.is_empty() {
            messages.push(Message { role: "user", content: &alone });
        }
        serde_json::to_vec(&Request {
            model: &self.model,
            max_tokens: generation.max_output_tokens.unwrap_or(self.default_max_output_tokens),
            system,
            messages,
            stream: true,
            // The API's scale ends at 1. It knows no seed and no name of a speaker; both are dropped.
            temperature: generation.temperature.map(|temperature| temperature.min(1.0)),
            top_p: generation.top_p,
            stop_sequences: generation.stop.iter().map(Text::expose).collect(),
        })
    }

    fn framing(&self) -> Framing {
        Framing::Events
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder::default())
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: StartedMessage,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    MessageDelta {
        #[serde(default)]
        delta: MessageDelta,
        #[serde(default)]
        usage: Usage,
    },
    MessageStop,
    /// `ping`, `content_block_start`, `content_block_stop`, and whatever is added later.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct StartedMessage {
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct BlockDelta {
    /// Only `text_delta` is part of the answer; thinking and tool input are not.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Default, Deserialize)]
struct MessageDelta {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

#[derive(Default)]
struct Decoder {
    reason: Option<FinishReason>,
    input_tokens: u64,
    output_tokens: u64,
    cached_input_tokens: u64,
}

impl Decoder {
    /// Counts are cumulative, so the last one holds.
    fn count(&mut self, usage: &Usage) {
        if let Some(input) = usage.input_tokens {
            // `input_tokens` leaves out what was read from or written to the provider's cache.
            let cached = usage
                .cache_creation_input_tokens
                .unwrap_or(0)
                .saturating_add(usage.cache_read_input_tokens.unwrap_or(0));
            self.input_tokens = input.saturating_add(cached);
            self.cached_input_tokens = usage.cache_read_input_tokens.unwrap_or(0);
        }
        self.output_tokens = usage.output_tokens.unwrap_or(self.output_tokens);
    }
}

impl Decode for Decoder {
    fn frame(&mut self, event: &str, data: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        const NOT_AN_EVENT: Fault = Fault::Malformed("an event is none of the Messages API");
        let value: serde_json::Value = serde_json::from_str(data).map_err(|_| NOT_AN_EVENT)?;
        if event == "error" || value.get("type").and_then(serde_json::Value::as_str) == Some("error") {
            return Err(ErrorCode::of_value(&value).fault());
        }
        match serde_json::from_value(value).map_err(|_| NOT_AN_EVENT)? {
            Event::MessageStart { message } => self.count(&message.usage),
            Event::ContentBlockDelta { delta } => {
                let text = delta.text.filter(|text| delta.kind == "text_delta" && !text.is_empty());
                out.extend(text.map(|text| Piece::Text(text.into())));
            }
            Event::MessageDelta { delta, usage } => {
                self.count(&usage);
                if let Some(reason) = delta.stop_reason {
                    self.reason = Some(match reason.as_str() {
                        "end_turn" | "stop_sequence" => FinishReason::Stop,
                        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
                        "refusal" => FinishReason::ContentFilter,
                        _ => FinishReason::Other,
                    });
                }
            }
            Event::MessageStop => out.push_back(Piece::Finish(Finish {
                reason: self.reason.unwrap_or(FinishReason::Other),
                input_tokens: self.input_tokens,
                output_tokens: self.output_tokens,
                cached_input_tokens: self.cached_input_tokens,
            })),
            Event::Other => {}
        }
        Ok(())
    }

    // Every whole answer has a `message_stop`.
    fn end(&mut self, _out: &mut VecDeque<Piece>) {}
}
