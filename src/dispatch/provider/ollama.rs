//! Ollama's own API: `POST /api/chat`, one JSON object a line; `GET /api/tags` for what is installed. Written from
//! Ollama's API documentation (docs/api.md of the project) and the field names of its public types.
//!
//! Ollama can also serve models that run on its maker's machines. Such a model is told by `remote_host` or
//! `remote_model`, by a tag that ends in `cloud`, or by having no weights; it is refused as local, before any text is
//! sent and again in the answer.

mod body;

use std::collections::VecDeque;
use std::sync::Arc;

use serde::Deserialize;

use crate::document::Conversation;

use self::body::Request;
use super::{Decode, Dialect, Fault, Finish, FinishReason, Framing, LocalCheck, Piece, ToolCallPiece, scores};

/// Ollama, asked for one model.
pub(crate) struct Ollama {
    model: Arc<str>,
    default_max_output_tokens: Option<u32>,
    context_tokens: Option<u32>,
    /// Refuse an answer that names a remote host.
    must_be_local: bool,
}

impl Ollama {
    pub(crate) fn new(
        model: Arc<str>,
        default_max_output_tokens: Option<u32>,
        context_tokens: Option<u32>,
        must_be_local: bool,
    ) -> Self {
        Self { model, default_max_output_tokens, context_tokens, must_be_local }
    }
}

impl Dialect for Ollama {
    fn path(&self) -> &'static [&'static str] {
        &["api", "chat"]
    }

    fn models_path(&self) -> &'static [&'static str] {
        &["api", "tags"]
    }

    fn body(&self, conversation: &Conversation, probabilities: bool) -> Result<Vec<u8>, Fault> {
        let num_predict = conversation.generation().max_output_tokens.or(self.default_max_output_tokens);
        let request = Request::new(&self.model, num_predict, self.context_tokens, conversation)?.scored(probabilities);
        serde_json::to_vec(&request).map_err(|_| Fault::Encode)
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder { must_be_local: self.must_be_local, calls: 0 })
    }

    fn local_check(&self) -> Option<&dyn LocalCheck> {
        Some(self)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    message: Option<LineMessage>,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    done_reason: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    #[serde(default)]
    eval_count: Option<u64>,
    #[serde(default)]
    error: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    remote_host: Option<String>,
    #[serde(default)]
    remote_model: Option<String>,
    #[serde(default)]
    logprobs: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct LineMessage {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<LineCall>>,
}

/// A call comes whole, in one line.
#[derive(Deserialize)]
struct LineCall {
    function: LineFunction,
}

#[derive(Deserialize)]
struct LineFunction {
    name: String,
    #[serde(default)]
    arguments: serde_json::Map<String, serde_json::Value>,
}

struct Decoder {
    must_be_local: bool,
    /// Calls of tools so far.
    calls: u32,
}

impl Decoder {
    fn call(&mut self, call: LineCall) -> Piece {
        let index = self.calls;
        self.calls = index.saturating_add(1);
        Piece::ToolCall(ToolCallPiece {
            index,
            id: None,
            name: Some(call.function.name.into()),
            arguments: serde_json::Value::Object(call.function.arguments).to_string().into(),
        })
    }
}

impl Decode for Decoder {
    fn frame(&mut self, _event: &str, data: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        let line: Line =
            serde_json::from_str(data).map_err(|_| Fault::Malformed("a line is no Ollama chat response"))?;
        if line.error.is_some() {
            return Err(Fault::Failed { status: 200, code: super::ErrorCode::default(), retry_after: None });
        }
        if self.must_be_local && (filled(line.remote_host.as_deref()) || filled(line.remote_model.as_deref())) {
            return Err(Fault::ServedElsewhere);
        }
        out.extend(scores::piece(line.logprobs.as_ref()));
        if let Some(message) = line.message {
            let content = message.content.filter(|content| !content.is_empty());
            out.extend(content.map(|content| Piece::Text(content.into())));
            out.extend(message.tool_calls.into_iter().flatten().map(|call| self.call(call)));
        }
        if line.done {
            let reason = match line.done_reason.as_deref() {
                Some("length") => FinishReason::Length,
                // The API has no word for it.
                Some("stop") | None if self.calls > 0 => FinishReason::ToolCalls,
                // Versions before 0.1.45 give no reason.
                Some("stop") | None => FinishReason::Stop,
                Some(_) => FinishReason::Other,
            };
            out.push_back(Piece::Finish(Finish {
                reason,
                input_tokens: line.prompt_eval_count.unwrap_or(0),
                output_tokens: line.eval_count.unwrap_or(0),
                cached_input_tokens: 0,
            }));
        }
        Ok(())
    }

    // Every whole answer has a line with `done`.
    fn end(&mut self, _out: &mut VecDeque<Piece>) {}
}

fn filled(value: Option<&str>) -> bool {
    value.is_some_and(|value| !value.is_empty())
}

/// Bytes below which a model has no weights of its own: a pointer to a cloud model has some hundred, the smallest real
/// language models tens of millions.
const SMALLEST_MODEL_BYTES: u64 = 1024 * 1024;

/// What `GET /api/tags` says.
#[derive(Deserialize)]
pub(crate) struct Installed {
    #[serde(default)]
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    name: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    remote_host: Option<String>,
    #[serde(default)]
    remote_model: Option<String>,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    family: Option<String>,
}

impl Model {
    fn is_called(&self, wanted: &str) -> bool {
        let full = |name: &str| if name.contains(':') { name.to_owned() } else { format!("{name}:latest") };
        let wanted = full(wanted);
        [&self.name, &self.model].into_iter().any(|name| !name.is_empty() && full(name).eq_ignore_ascii_case(&wanted))
    }

    fn is_on_this_machine(&self) -> bool {
        !filled(self.remote_host.as_deref())
            && !filled(self.remote_model.as_deref())
            && !named_as_cloud(&self.name)
            && !named_as_cloud(&self.model)
            && !self.digest.is_empty()
            && self.size >= SMALLEST_MODEL_BYTES
    }

    /// Embedding models cannot chat; their families are named after BERT.
    fn can_chat(&self) -> bool {
        !self.details.family.as_deref().is_some_and(|family| family.contains("bert"))
    }
}

/// `gpt-oss:120b-cloud`, `glm-4.6:cloud`.
fn named_as_cloud(name: &str) -> bool {
    name.rsplit_once(':').is_some_and(|(_, tag)| {
        let tag = tag.to_ascii_lowercase();
        tag == "cloud" || tag.ends_with("-cloud")
    })
}

impl Installed {
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The first model that can chat and whose weights are on that machine; Ollama lists the newest first.
    pub(crate) fn first_local(&self) -> Option<&str> {
        self.models
            .iter()
            .find(|model| model.is_on_this_machine() && model.can_chat() && !model.name.is_empty())
            .map(|model| model.name.as_str())
    }
}

impl LocalCheck for Ollama {
    fn path(&self) -> &'static [&'static str] {
        &["api", "tags"]
    }

    fn judge(&self, description: &[u8]) -> Result<(), Fault> {
        if named_as_cloud(&self.model) {
            return Err(Fault::ServedElsewhere);
        }
        let installed =
            Installed::parse(description).ok_or(Fault::Malformed("the list of models is none of Ollama's"))?;
        let mut named = installed.models.iter().filter(|model| model.is_called(&self.model)).peekable();
        if named.peek().is_none() {
            return Err(Fault::ModelNotFound { code: super::ErrorCode::default() });
        }
        if named.all(Model::is_on_this_machine) { Ok(()) } else { Err(Fault::ServedElsewhere) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(model: &str, listing: &str) -> Result<(), Fault> {
        Ollama::new(model.into(), None, None, true).judge(listing.as_bytes())
    }

    const REAL: &str = r#"{"name":"llama3.2:latest","model":"llama3.2:latest","size":2019393189,"digest":"a80c","details":{"family":"llama"}}"#;

    fn listing(models: &[&str]) -> String {
        format!(r#"{{"models":[{}]}}"#, models.join(","))
    }

    #[test]
    fn a_model_on_the_machine_is_local() {
        assert_eq!(judge("llama3.2", &listing(&[REAL])), Ok(()));
        assert_eq!(judge("llama3.2:latest", &listing(&[REAL])), Ok(()));
        let missing = Err(Fault::ModelNotFound { code: super::super::ErrorCode::default() });
        assert_eq!(judge("llama3.2:1b", &listing(&[REAL])), missing);
        assert_eq!(judge("llama3.2", "{}"), missing);
        assert!(matches!(judge("llama3.2", "<html>"), Err(Fault::Malformed(_))));
    }

    #[test]
    fn a_model_served_elsewhere_is_not() {
        let elsewhere = [
            r#"{"name":"m:1","model":"m:1","size":384,"digest":"a","remote_host":"https://ollama.com:443"}"#,
            r#"{"name":"m:1","model":"m:1","size":9000000000,"digest":"a","remote_model":"m"}"#,
            r#"{"name":"m:1","model":"m:1","size":384,"digest":"a"}"#,
            r#"{"name":"m:1","model":"m:1","size":9000000000,"digest":""}"#,
            r#"{"name":"m:1","model":"m:20b-cloud","size":9000000000,"digest":"a"}"#,
        ];
        for model in elsewhere {
            assert_eq!(judge("m:1", &listing(&[model])), Err(Fault::ServedElsewhere), "{model}");
            assert_eq!(Installed::parse(listing(&[model]).as_bytes()).unwrap().first_local(), None, "{model}");
        }
        for name in ["gpt-oss:120b-cloud", "glm:cloud", "glm:CLOUD"] {
            assert_eq!(judge(name, &listing(&[])), Err(Fault::ServedElsewhere), "{name}");
        }
        assert!(!named_as_cloud("cloudy:7b"));
    }

    #[test]
    fn discovery_skips_clouds_and_embeddings() {
        let cloud = r#"{"name":"a:cloud","size":300,"digest":"a","remote_host":"https://ollama.com"}"#;
        let embedding =
            r#"{"name":"nomic-embed-text:latest","size":274302450,"digest":"b","details":{"family":"nomic-bert"}}"#;
        let installed = Installed::parse(listing(&[cloud, embedding, REAL]).as_bytes()).unwrap();
        assert_eq!(installed.first_local(), Some("llama3.2:latest"));
    }
}
