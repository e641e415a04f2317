//! An answer as OpenAI's clients read it: `chat.completion` at once, or `chat.completion.chunk` as server-sent events
//! with `[DONE]` at the end. An answer that fails on the way ends with an error event and without `[DONE]`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::dispatch::{FinishReason, Outcome, ToolCallPiece};
use crate::document::Text;
use crate::service::calls::{self, Call};
use crate::service::error::Refusal;

use super::answer::{Answer, Piece, Shape};
use super::error::{self, Tongue};
use super::told::{self, Told};

/// The shape of one answer.
#[derive(Debug)]
pub(super) struct ChatAnswer {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
}

impl ChatAnswer {
    /// Of a request that wants usage at the end of a stream, or not.
    pub(super) fn new(include_usage: bool) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { id: String::new(), model: String::new(), created, include_usage }
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>) -> String {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
        });
        // As the reference has it: asked for usage, every chunk has the field, and the last one the numbers.
        if self.include_usage
            && let Some(map) = chunk.as_object_mut()
        {
            map.insert("usage".to_owned(), usage.unwrap_or_default());
        }
        event(&chunk)
    }
}

impl ChatAnswer {
    /// A piece of a call. What says which call it is comes with the first piece of it.
    fn call_piece(&self, piece: &ToolCallPiece) -> Value {
        let index = usize::try_from(piece.index).unwrap_or_default();
        let arguments = piece.arguments.expose();
        match &piece.name {
            None => json!({"index": index, "function": {"arguments": arguments}}),
            Some(name) => json!({
                "index": index,
                "id": calls::id(piece.id.as_ref().map_or("", Text::expose), &self.id, index),
                "type": "function",
                "function": {"name": name.expose(), "arguments": arguments},
            }),
        }
    }
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}

fn id(told: &Told) -> String {
    let id = told.decision_id();
    // Without a record there is none; local answers only.
    format!("chatcmpl-{}", if id.is_empty() { uuid::Uuid::now_v7().to_string() } else { id })
}

fn finish_reason(outcome: &Outcome) -> &'static str {
    match outcome.finish_reason {
        FinishReason::Stop | FinishReason::Other => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

fn usage(outcome: &Outcome) -> Value {
    json!({
        "prompt_tokens": outcome.input_tokens,
        "completion_tokens": outcome.output_tokens,
        "total_tokens": outcome.input_tokens.saturating_add(outcome.output_tokens),
    })
}

impl Shape for ChatAnswer {
    fn tongue(&self) -> Tongue {
        Tongue::OpenAi
    }

    fn media_type(&self) -> &'static str {
        "text/event-stream"
    }

    fn begin(&mut self, told: &Told) -> String {
        self.id = id(told);
        told.model().clone_into(&mut self.model);
        let delta = json!({"role": "assistant", "content": "", "refusal": null});
        let first = self.chunk(&json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]), None);
        format!(": cordon {}\n\n{first}", told.json())
    }

    fn piece(&mut self, piece: &Piece) -> String {
        let delta = match piece {
            Piece::Text(text) => json!({"content": text.expose()}),
            Piece::ToolCall(piece) => json!({"tool_calls": [self.call_piece(piece)]}),
            // A chat has none.
            Piece::Vectors(_) => return String::new(),
        };
        self.chunk(&json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]), None)
    }

    fn end(&mut self, outcome: &Outcome) -> Result<String, Refusal> {
        let finish = finish_reason(outcome);
        let mut end = self.chunk(&json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": finish}]), None);
        if self.include_usage {
            end.push_str(&self.chunk(&json!([]), Some(usage(outcome))));
        }
        if let Some(confidence) = told::confidence(outcome) {
            end.push_str(&format!(": cordon {confidence}\n\n"));
        }
        end.push_str("data: [DONE]\n\n");
        Ok(end)
    }

    fn fail(&mut self, refusal: &Refusal) -> String {
        event(&error::openai(refusal))
    }

    fn keep_alive(&self) -> Option<&'static str> {
        Some(": still at work\n\n")
    }

    fn whole(&self, told: &Told, answer: &Answer, outcome: &Outcome) -> Result<String, Refusal> {
        let id = id(told);
        let mut message = json!({"role": "assistant", "content": answer.text, "refusal": null});
        if let Some(fields) = message.as_object_mut().filter(|_| !answer.calls.is_empty()) {
            let call = |(index, call): (usize, &Call)| {
                json!({
                    "id": calls::id(&call.id, &id, index),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                })
            };
            fields.insert("tool_calls".to_owned(), answer.calls.iter().map(call).collect());
            if answer.text.is_empty() {
                fields.insert("content".to_owned(), Value::Null);
            }
        }
        Ok(json!({
            "id": id,
            "object": "chat.completion",
            "created": self.created,
            "model": told.model(),
            "choices": [{
                "index": 0,
                "message": message,
                "logprobs": null,
                "finish_reason": finish_reason(outcome),
            }],
            "usage": usage(outcome),
        })
        .to_string())
    }
}
