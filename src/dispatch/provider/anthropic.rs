//! Anthropic's Messages API: `POST /v1/messages`, server-sent events. Written from Anthropic's public API reference
//! (version 2023-06-01). The system prompt is a field of its own, `max_tokens` is required, and unknown events must be
//! ignored.

mod body;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;

use crate::document::Conversation;

use self::body::Request;
use super::{Decode, Dialect, ErrorCode, Fault, Finish, FinishReason, Framing, Piece, ToolCallPiece};

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

impl Dialect for Anthropic {
    fn path(&self) -> &'static [&'static str] {
        &["v1", "messages"]
    }

    fn models_path(&self) -> &'static [&'static str] {
        &["v1", "models"]
    }

    // The API gives no log-probabilities.
    fn body(&self, conversation: &Conversation, _probabilities: bool) -> Result<Vec<u8>, Fault> {
        let max_tokens = conversation.generation().max_output_tokens.unwrap_or(self.default_max_output_tokens);
        let request = Request::new(&self.model, max_tokens, conversation)?;
        serde_json::to_vec(&request).map_err(|_| Fault::Encode)
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
    ContentBlockStart {
        #[serde(default)]
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        #[serde(default)]
        index: u64,
        delta: BlockDelta,
    },
    MessageDelta {
        #[serde(default)]
        delta: MessageDelta,
        #[serde(default)]
        usage: Usage,
    },
    MessageStop,
    /// `ping`, `content_block_stop`, and whatever is added later.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct StartedMessage {
    #[serde(default)]
    usage: Usage,
}

/// The beginning of a block. Only a call of a tool has anything in it.
#[derive(Deserialize)]
struct Block {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct BlockDelta {
    /// `text_delta` and `input_json_delta` are part of the answer; thinking is not.
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    partial_json: Option<String>,
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
    /// The block of the call of a tool that is being written, and which of the answer's calls it is.
    call: Option<(u64, u32)>,
    calls: u32,
}

impl Decoder {
    /// A block begins: a call of a tool, or something that has its content in what follows.
    fn start(&mut self, block: u64, begun: Block) -> Option<Piece> {
        if begun.kind != "tool_use" {
            return None;
        }
        let index = self.calls;
        self.calls = index.saturating_add(1);
        self.call = Some((block, index));
        Some(Piece::ToolCall(ToolCallPiece {
            index,
            id: begun.id.map(Into::into),
            name: begun.name.map(Into::into),
            arguments: "".into(),
        }))
    }

    fn delta(&self, block: u64, delta: BlockDelta) -> Option<Piece> {
        match delta.kind.as_str() {
            "text_delta" => delta.text.filter(|text| !text.is_empty()).map(|text| Piece::Text(text.into())),
            "input_json_delta" => {
                let (_, index) = self.call.filter(|(begun, _)| *begun == block)?;
                let arguments = delta.partial_json.filter(|text| !text.is_empty())?.into();
                Some(Piece::ToolCall(ToolCallPiece { index, id: None, name: None, arguments }))
            }
            _ => None,
        }
    }

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
            Event::ContentBlockStart { index, content_block } => out.extend(self.start(index, content_block)),
            Event::ContentBlockDelta { index, delta } => out.extend(self.delta(index, delta)),
            Event::MessageDelta { delta, usage } => {
                self.count(&usage);
                if let Some(reason) = delta.stop_reason {
                    self.reason = Some(match reason.as_str() {
                        "end_turn" | "stop_sequence" => FinishReason::Stop,
                        "tool_use" => FinishReason::ToolCalls,
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
