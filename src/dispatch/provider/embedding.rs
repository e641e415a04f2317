//! Embeddings: texts in, one vector each out, at once. `POST /embeddings` of OpenAI's API, which llama.cpp, vLLM and others
//! speak too, and `POST /api/embed` of Ollama's. Written from their public documentation.
//!
//! The texts are the messages of a conversation, so one verdict and one permit hold for them as for a chat. A vector says
//! much of its text, so it goes to the caller only, and `Debug` shows its size.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::Conversation;

use super::{Decode, Dialect, Fault, Finish, FinishReason, Framing, LocalCheck, Ollama, Piece};

/// One vector for each text, in their order.
#[derive(Clone, PartialEq)]
pub struct Vectors(pub Arc<[Vec<f32>]>);

impl fmt::Debug for Vectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vectors({} of {} numbers)", self.0.len(), self.0.first().map_or(0, Vec::len))
    }
}

/// Embeddings, asked for one model.
pub(crate) struct Embedding {
    model: Arc<str>,
    /// Tells whether an Ollama has the model itself; `None` for OpenAI's API.
    ollama: Option<Ollama>,
}

impl Embedding {
    /// By OpenAI's API.
    pub(crate) fn openai(model: Arc<str>) -> Self {
        Self { model, ollama: None }
    }

    /// By Ollama's.
    pub(crate) fn ollama(model: Arc<str>, must_be_local: bool) -> Self {
        Self { ollama: Some(Ollama::new(Arc::clone(&model), None, None, must_be_local)), model }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<&'static str>,
    /// Without this, Ollama cuts a text that is longer than the context silently.
    #[serde(skip_serializing_if = "Option::is_none")]
    truncate: Option<bool>,
}

impl Dialect for Embedding {
    fn path(&self) -> &'static [&'static str] {
        if self.ollama.is_some() { &["api", "embed"] } else { &["embeddings"] }
    }

    fn models_path(&self) -> &'static [&'static str] {
        if self.ollama.is_some() { &["api", "tags"] } else { &["models"] }
    }

    fn body(&self, conversation: &Conversation, _probabilities: bool) -> Result<Vec<u8>, Fault> {
        let texts: Vec<_> = conversation.messages().iter().map(crate::document::Message::text).collect();
        let openai = self.ollama.is_none();
        serde_json::to_vec(&Request {
            model: &self.model,
            input: texts.iter().map(crate::document::Text::expose).collect(),
            encoding_format: openai.then_some("float"),
            truncate: (!openai).then_some(false),
        })
        .map_err(|_| Fault::Encode)
    }

    fn framing(&self) -> Framing {
        Framing::Whole
    }

    fn decoder(&self) -> Box<dyn Decode> {
        Box::new(Decoder)
    }

    fn local_check(&self) -> Option<&dyn LocalCheck> {
        self.ollama.as_ref().map(|ollama| ollama as &dyn LocalCheck)
    }
}

/// The answer of either API.
#[derive(Deserialize)]
struct Response {
    /// Ollama's.
    #[serde(default)]
    embeddings: Option<Vec<Vec<f32>>>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
    /// OpenAI's.
    #[serde(default)]
    data: Option<Vec<Item>>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
}

struct Decoder;

impl Decode for Decoder {
    fn frame(&mut self, _event: &str, data: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault> {
        const UNREADABLE: Fault = Fault::Malformed("it is no list of embeddings");
        let response: Response = serde_json::from_str(data).map_err(|_| UNREADABLE)?;
        let tokens = response.usage.and_then(|usage| usage.prompt_tokens).or(response.prompt_eval_count);
        let vectors = match (response.data, response.embeddings) {
            (Some(mut items), None) => {
                items.sort_by_key(|item| item.index);
                if items.iter().enumerate().any(|(place, item)| item.index != place) {
                    return Err(UNREADABLE);
                }
                items.into_iter().map(|item| item.embedding).collect()
            }
            (None, Some(vectors)) => vectors,
            _ => return Err(UNREADABLE),
        };
        let length = vectors.first().map_or(0, Vec::len);
        if length == 0 || vectors.iter().any(|vector| vector.len() != length) {
            return Err(UNREADABLE);
        }
        out.push_back(Piece::Vectors(Vectors(vectors.into())));
        out.push_back(Piece::Finish(Finish {
            reason: FinishReason::Stop,
            input_tokens: tokens.unwrap_or(0),
            output_tokens: 0,
            cached_input_tokens: 0,
        }));
        Ok(())
    }

    // The body is one frame, and it is whole or none.
    fn end(&mut self, _out: &mut VecDeque<Piece>) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::Call;
    use super::*;
    use crate::dispatch::config::{BackendConfig, BackendKind, Side};
    use crate::dispatch::testing::{Server, response};
    use crate::document::{Generation, Message, Role};

    fn read(data: &str) -> Result<Vec<Vec<f32>>, Fault> {
        let mut out = VecDeque::new();
        Decoder.frame("", data, &mut out)?;
        match out.pop_front() {
            Some(Piece::Vectors(vectors)) => Ok(vectors.0.to_vec()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn vectors_come_in_the_order_of_the_texts() {
        let openai =
            r#"{"data":[{"index":1,"embedding":[0.5]},{"index":0,"embedding":[0.25]}],"usage":{"prompt_tokens":4}}"#;
        assert_eq!(read(openai), Ok(vec![vec![0.25], vec![0.5]]));
        assert_eq!(read(r#"{"embeddings":[[1,2],[3,4]],"prompt_eval_count":3}"#), Ok(vec![vec![1., 2.], vec![3., 4.]]));
        for rubbish in [
            "{}",
            "[]",
            r#"{"data":[]}"#,
            r#"{"embeddings":[[1],[1,2]]}"#,
            r#"{"data":[{"index":1,"embedding":[1]}]}"#,
            r#"{"data":[{"index":0,"embedding":"AAAA"}]}"#,
        ] {
            assert!(matches!(read(rubbish), Err(Fault::Malformed(_))), "{rubbish}");
        }
    }

    #[test]
    fn a_request_holds_the_texts_alone() {
        let texts = ["one", "two"].map(|text| Message::new(Role::User, text));
        let conversation = Conversation::new(texts.into(), Generation::default());
        let body = |dialect: Embedding| String::from_utf8(dialect.body(&conversation, false).unwrap()).unwrap();
        assert_eq!(
            body(Embedding::openai("e".into())),
            r#"{"model":"e","input":["one","two"],"encoding_format":"float"}"#
        );
        assert_eq!(
            body(Embedding::ollama("e".into(), true)),
            r#"{"model":"e","input":["one","two"],"truncate":false}"#
        );
    }

    /// The chat model may be on the machine and the other one not: each is looked at for itself.
    #[tokio::test]
    async fn an_embedding_model_that_is_served_elsewhere_gets_no_text() {
        let tags = r#"{"models":[{"name":"chat:1","size":9000000,"digest":"a"},
            {"name":"vectors:1","size":300,"digest":"b","remote_host":"https://ollama.com"}]}"#;
        let server = Server::start(move |_| response(200, "application/json", tags));
        let mut config = BackendConfig::new("b", Side::Local, BackendKind::Ollama, &server.url(), "chat:1");
        config.embedding_model = Some("vectors:1".into());
        let call = Call { deadline: Instant::now() + Duration::from_secs(5), probabilities: false };
        config.endpoint().unwrap().ensure_local(call).await.unwrap();
        let refused = config.embedding_endpoint().unwrap().unwrap().ensure_local(call).await.unwrap_err();
        assert_eq!(refused.fault, Fault::ServedElsewhere);
        assert!(server.requests().iter().all(|seen| seen.method == "GET"));
    }

    #[test]
    fn debug_shows_no_numbers() {
        assert_eq!(format!("{:?}", Vectors(vec![vec![0.125, 2.5]].into())), "Vectors(1 of 2 numbers)");
    }
}
