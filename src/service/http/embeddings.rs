//! `POST /v1/embeddings` in OpenAI's shape. The texts are scanned as one request and go where the policy sends them, as a
//! chat does; the vectors come at once. Ids of tokens cannot be scanned, so they are refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::dispatch::Outcome;
use crate::service::error::Refusal;
use crate::service::proto::{DispatchRequest, Message, Role};

use super::answer::{Answer, Piece, Shape};
use super::error::{self, Tongue};
use super::fields::{self, Dropped, Fields};
use super::told::Told;

/// Most texts of one request, as in OpenAI's API.
const MAX_TEXTS: usize = 2048;

/// A request, read.
#[derive(Debug)]
pub(super) struct EmbeddingRequest {
    pub(super) model: String,
    pub(super) dispatch: DispatchRequest,
    pub(super) base64: bool,
    pub(super) dropped: Dropped,
}

/// Reads a body.
pub(super) fn read(body: Map<String, Value>) -> Result<EmbeddingRequest, Refusal> {
    let mut fields = Fields::new("", body);
    let mut dropped = Dropped::default();
    let model = fields.required_text("model")?;
    if fields.take("dimensions").is_some() {
        return Err(fields::unsupported("dimensions", "leave it out; vectors have the length of their model"));
    }
    let base64 = match fields.text("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(fields::out_of_range("encoding_format", "must be float or base64")),
    };
    let messages = texts(&mut fields)?
        .into_iter()
        .map(|content| Message { role: Role::User as i32, content, ..Message::default() })
        .collect();
    fields.drop_rest(&mut dropped);
    Ok(EmbeddingRequest {
        model,
        dispatch: DispatchRequest { messages, ..DispatchRequest::default() },
        base64,
        dropped,
    })
}

/// The path of a field of gRPC in the words of this API.
pub(super) fn path(_field: &str) -> String {
    "input".to_owned()
}

fn texts(fields: &mut Fields) -> Result<Vec<String>, Refusal> {
    let at = "input";
    let values = match fields.take(at).ok_or_else(|| fields::missing(at))? {
        Value::Array(values) => values,
        value => vec![value],
    };
    if values.is_empty() || values.len() > MAX_TEXTS {
        return Err(fields::out_of_range(at, format!("must be a text, or a list of 1 to {MAX_TEXTS} texts")));
    }
    let text = |(index, value): (usize, Value)| match value {
        Value::String(text) if text.is_empty() => {
            Err(fields::out_of_range(&format!("{at}[{index}]"), "is empty; leave it out"))
        }
        Value::String(text) => Ok(text),
        Value::Number(_) | Value::Array(_) => {
            let message = "holds ids of tokens, which cannot be scanned; send the text itself";
            Err(Refusal::field(at, "TOKENS_NOT_SCANNABLE", message))
        }
        _ => Err(fields::wrong_type(&format!("{at}[{index}]"), "a string")),
    };
    values.into_iter().enumerate().map(text).collect()
}

/// The shape of the answer.
#[derive(Debug)]
pub(super) struct EmbeddingAnswer {
    /// As base64 of little-endian single precision, instead of numbers.
    pub(super) base64: bool,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Vector<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vector<'a> {
    Numbers(&'a [f32]),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl Shape for EmbeddingAnswer {
    fn tongue(&self) -> Tongue {
        Tongue::OpenAi
    }

    // This answer is never streamed, so what belongs to streams says nothing.
    fn media_type(&self) -> &'static str {
        "application/json"
    }

    fn begin(&mut self, _told: &Told) -> String {
        String::new()
    }

    fn piece(&mut self, _piece: &Piece) -> String {
        String::new()
    }

    fn end(&mut self, _outcome: &Outcome) -> Result<String, Refusal> {
        Ok(String::new())
    }

    fn fail(&mut self, refusal: &Refusal) -> String {
        error::openai(refusal).to_string()
    }

    fn keep_alive(&self) -> Option<&'static str> {
        None
    }

    fn whole(&self, told: &Told, answer: &Answer, outcome: &Outcome) -> Result<String, Refusal> {
        let vector =
            |vector: &'_ Vec<f32>| STANDARD.encode(vector.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
        let item = |(index, numbers)| Item {
            object: "embedding",
            index,
            embedding: if self.base64 { Vector::Base64(vector(numbers)) } else { Vector::Numbers(numbers) },
        };
        let list = List {
            object: "list",
            data: answer.vectors.iter().enumerate().map(item).collect(),
            model: told.model(),
            usage: Usage { prompt_tokens: outcome.input_tokens, total_tokens: outcome.input_tokens },
        };
        serde_json::to_string(&list).map_err(|_| {
            let message = "the vectors could not be written; this is a defect of the service";
            Refusal::new(crate::error::Kind::Internal, "INTERNAL", message)
        })
    }
}
