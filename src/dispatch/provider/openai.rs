//! Chat completions, the API of OpenAI that llama.cpp, vLLM and many others speak too: `POST /chat/completions`,
//! server-sent events, `[DONE]` at the end. Written from OpenAI's public API reference.

mod body;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;

use crate::document::Conversation;

use self::body::Request;
use super::{Decode, Dialect, ErrorCode, Fault, Finish, FinishReason, Framing, Piece, ToolCallPiece, scores};

/// The field that limits the answer. OpenAI replaced the first by the second and refuses the first for its newer
/// models; other servers know only the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLimitField {
    /// `max_tokens`.
    MaxTokens,
    /// `max_completion_tokens`.
    MaxCompletionTokens,
}

/// Chat completions, asked for one model.
pub(crate) struct OpenAi {
    model: Arc<str>,
    default_max_output_tokens: Option<u32>,
    token_limit_field: TokenLimitField,
}

impl OpenAi {
    pub(crate) fn new(
        model: Arc<str>,
        default_max_output_tokens: Option<u32>,
        token_limit_field: TokenLimitField,
    ) -> Self {
        Self { model, default_max_output_tokens, token_limit_field }
    }
}

impl Dialect for OpenAi {
    fn path(&self) -> &'static [&'static str] {
        &["chat", "completions"]
    }

    fn models_path(&self) -> &'static [&'static str] {
        &["models"]
    }

    fn body(&self, conversation: &Conversation, probabilities: bool) -> Result<Vec<u8>, Fault> {
        let limit = conversation.generation().max_output_tokens.or(self.default_max_output_tokens);
        let (max_tokens, max_completion_tokens) = match self.token_limit_field {
            TokenLimitField::MaxTokens => (limit, None),
            TokenLimitField::MaxCompletionTokens => (None, limit),
        };
        let request =
            Request::new(&self.model, conversation).limited(max_tokens, max_completion_tokens).scored(probabilities);
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
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Option<FunctionDelta>,
}

#[derive(Default, Deserialize)]
struct FunctionDelta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

impl From<CallDelta> for ToolCallPiece {
    fn from(delta: CallDelta) -> Self {
        let function = delta.function.unwrap_or_default();
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty()).map(Into::into);
        Self {
            index: delta.index,
            id: filled(delta.id),
            name: filled(function.name),
            arguments: function.arguments.unwrap_or_default().into(),
        }
    }
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptTokensDetails>,
}

#[derive(Deserialize)]
struct PromptTokensDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

/// The reason comes with the last choice, the usage after it, so the finish waits for `[DONE]`.
#[derive(Default)]
struct Decoder {
    reason: Option<FinishReason>,
    input_tokens: u64,
    output_tokens: u64,
    cached_input_tokens: u64,
}

impl Decoder {
    fn finish(&self, reason: FinishReason) -> Piece {
        Piece::Finish(Finish {
            reason,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_input_tokens: self.cached_input_tokens,
        })
    }
}

impl Decode for Decoder {
    fn frame(&mut self, event: &str, data: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        if data.trim() == "[DONE]" {
            out.push_back(self.finish(self.reason.unwrap_or(FinishReason::Other)));
            return Ok(());
        }
        // Chat completions have no named events but `error`, which some servers use; others are of no concern here.
        if !matches!(event, "" | "message" | "error") {
            return Ok(());
        }
        const NOT_A_CHUNK: Fault = Fault::Malformed("an event is no chat completion chunk");
        let value: serde_json::Value = serde_json::from_str(data).map_err(|_| NOT_A_CHUNK)?;
        if event == "error" || value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(ErrorCode::of_value(&value).fault());
        }
        let chunk: Chunk = serde_json::from_value(value).map_err(|_| NOT_A_CHUNK)?;
        if let Some(usage) = chunk.usage {
            self.input_tokens = usage.prompt_tokens.unwrap_or(self.input_tokens);
            self.output_tokens = usage.completion_tokens.unwrap_or(self.output_tokens);
            let cached = usage.prompt_tokens_details.and_then(|details| details.cached_tokens);
            self.cached_input_tokens = cached.unwrap_or(self.cached_input_tokens);
        }
        // One answer is asked for.
        if let Some(choice) = chunk.choices.into_iter().find(|choice| choice.index == 0) {
            out.extend(scores::piece(choice.logprobs.as_ref().and_then(|logprobs| logprobs.get("content"))));
            if let Some(delta) = choice.delta {
                // A model's refusal is its answer, in a field of its own.
                for text in [delta.content, delta.refusal].into_iter().flatten().filter(|text| !text.is_empty()) {
                    out.push_back(Piece::Text(text.into()));
                }
                let calls = delta.tool_calls.into_iter().flatten();
                out.extend(calls.map(|call| Piece::ToolCall(call.into())));
            }
            if let Some(reason) = choice.finish_reason {
                self.reason = Some(match reason.as_str() {
                    "stop" => FinishReason::Stop,
                    "length" => FinishReason::Length,
                    "tool_calls" => FinishReason::ToolCalls,
                    "content_filter" => FinishReason::ContentFilter,
                    _ => FinishReason::Other,
                });
            }
        }
        Ok(())
    }

    /// Some servers leave `[DONE]` out; the reason shows that the answer is whole.
    fn end(&mut self, out: &mut VecDeque<Piece>) {
        if let Some(reason) = self.reason {
            out.push_back(self.finish(reason));
        }
    }
}
