//! An answer as Ollama's clients read it: one JSON object, or one a line with `done` in the last. An answer that fails on
//! the way ends with a line that holds the error and no `done`.

use serde_json::{Value, json};

use crate::dispatch::{FinishReason, Outcome};
use crate::error::Kind;
use crate::service::calls::{Call, Calls};
use crate::service::error::Refusal;

use super::answer::{Answer, Piece, Shape};
use super::error::{self, Tongue};
use super::told::Told;

/// The shape of one answer.
#[derive(Debug, Default)]
pub(super) struct ChatAnswer {
    model: String,
    /// They are told whole, because a line of this API has no part of a call.
    calls: Calls,
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The last line, or the whole answer.
fn last(model: &str, message: &Value, outcome: &Outcome) -> Value {
    let reason = match outcome.finish_reason {
        FinishReason::Length => "length",
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::ContentFilter | FinishReason::Other => "stop",
    };
    let until_first = outcome.time_to_first_token.min(outcome.total);
    json!({
        "model": model,
        "created_at": now(),
        "message": message,
        "done": true,
        "done_reason": reason,
        "total_duration": nanoseconds(outcome.total),
        "load_duration": 0,
        "prompt_eval_count": outcome.input_tokens,
        "prompt_eval_duration": nanoseconds(until_first),
        "eval_count": outcome.output_tokens,
        "eval_duration": nanoseconds(outcome.total.saturating_sub(until_first)),
    })
}

impl Shape for ChatAnswer {
    fn tongue(&self) -> Tongue {
        Tongue::Ollama
    }

    fn media_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn begin(&mut self, told: &Told) -> String {
        told.model().clone_into(&mut self.model);
        // Lines of JSON have no comments; what a comment would tell stands in the headers.
        String::new()
    }

    fn piece(&mut self, piece: &Piece) -> String {
        let message = match piece {
            Piece::Text(text) => json!({"role": "assistant", "content": text.expose()}),
            // A chat has none.
            Piece::Vectors(_) => return String::new(),
            Piece::ToolCall(piece) => {
                self.calls.add(piece);
                return String::new();
            }
        };
        line(&json!({"model": self.model, "created_at": now(), "message": message, "done": false}))
    }

    fn end(&mut self, outcome: &Outcome) -> Result<String, Refusal> {
        let message = json!({"role": "assistant", "content": ""});
        let mut end = String::new();
        if !self.calls.is_empty() {
            let mut called = message.clone();
            add_calls(&mut called, &self.calls)?;
            end = line(&json!({"model": self.model, "created_at": now(), "message": called, "done": false}));
        }
        end.push_str(&line(&last(&self.model, &message, outcome)));
        Ok(end)
    }

    fn fail(&mut self, refusal: &Refusal) -> String {
        line(&error::ollama(refusal))
    }

    fn keep_alive(&self) -> Option<&'static str> {
        None
    }

    fn whole(&self, told: &Told, answer: &Answer, outcome: &Outcome) -> Result<String, Refusal> {
        let mut message = json!({"role": "assistant", "content": answer.text});
        add_calls(&mut message, &answer.calls)?;
        Ok(last(told.model(), &message, outcome).to_string())
    }
}

/// Adds the calls of tools to a message. Their arguments are objects in this API, so text that is none cannot be said.
fn add_calls(message: &mut Value, calls: &Calls) -> Result<(), Refusal> {
    let call = |(_, call): (usize, &Call)| {
        let text = if call.arguments.trim().is_empty() { "{}" } else { &call.arguments };
        match serde_json::from_str(text) {
            Ok(arguments @ Value::Object(_)) => Ok(json!({"function": {"name": call.name, "arguments": arguments}})),
            Ok(_) | Err(_) => Err(Refusal::new(
                Kind::Unavailable,
                "TOOL_CALL_BROKEN",
                "the model wrote a call of a tool whose arguments are no JSON object; ask again",
            )),
        }
    };
    let calls: Vec<Value> = calls.iter().map(call).collect::<Result<_, _>>()?;
    if let Some(fields) = message.as_object_mut().filter(|_| !calls.is_empty()) {
        fields.insert("tool_calls".to_owned(), calls.into());
    }
    Ok(())
}
