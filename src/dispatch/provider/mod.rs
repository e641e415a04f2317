//! Providers: the two doors through which a conversation reaches a model, and the wire formats behind them.
//!
//! [`LocalProvider`] takes [`LocalText`]; [`CloudProvider`] takes [`CloudText`], which only the policy can make, and the
//! proof that the decision is durable in the audit log. Nothing else may hand a conversation to the wire: the wire
//! formats ([`Dialect`]) and the HTTP client are private here. No answer, error or log line may show what was sent.

mod answer;
mod anthropic;
mod embedding;
mod endpoint;
mod error;
mod lines;
mod ollama;
mod openai;
mod resolve;
mod scores;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;

use futures_util::Stream;
use tokio::time::Instant;

use crate::audit::Durable;
use crate::document::{Conversation, Text};
use crate::policy::{CloudText, LocalText};

pub(super) use anthropic::{Anthropic, DEFAULT_MAX_TOKENS as ANTHROPIC_MAX_TOKENS};
pub(super) use embedding::Embedding;
pub use embedding::Vectors;
pub(super) use endpoint::{Endpoint, EndpointError, EndpointSettings, KeyHeader};
#[cfg(test)]
pub(super) use error::ConnectCause;
pub use error::{ErrorCode, Fault, ProviderError};
pub(super) use ollama::{Installed, Ollama};
pub(super) use openai::OpenAi;
pub use openai::TokenLimitField;
pub(super) use resolve::{is_loopback, may_be_own};

/// Terms of one call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// When the caller stops waiting; the stream ends with [`Fault::Deadline`] then.
    pub deadline: Instant,
    /// Ask a local backend for the log-probabilities of its tokens. They cost several times the bytes of the answer.
    pub probabilities: bool,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Text to append to the answer; never empty.
    Text(Text),
    /// How sure the model was of the tokens of the next text, where that was asked for and the backend says it. It
    /// never goes to the caller.
    Tokens(Vec<TokenScore>),
    /// A part of a call of a tool.
    ToolCall(ToolCallPiece),
    /// The vectors of the texts, all at once; for a request for embeddings only.
    Vectors(Vectors),
    /// The end; nothing follows.
    Finish(Finish),
}

/// How sure a model was of one token. Which token it was is not kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenScore {
    /// Natural logarithm of its probability, from [`TokenScore::LOWEST`] to 0.
    pub logprob: f32,
    /// How far the most probable other token is behind, in the same logarithm; negative if it was ahead. `None` if the
    /// backend does not say.
    pub margin: Option<f32>,
}

impl TokenScore {
    /// Lower than this is said no more exactly: some servers write -9999 for what they did not count.
    pub const LOWEST: f32 = -20.0;

    /// Takes what a backend says; `None` if it is no logarithm of a probability.
    #[must_use]
    pub fn new(logprob: f64, other: Option<f64>) -> Option<Self> {
        let tidy = |value: f64| {
            #[allow(clippy::cast_possible_truncation, reason = "it lies between -20 and 0")]
            value.is_finite().then(|| value.clamp(f64::from(Self::LOWEST), 0.0) as f32)
        };
        let logprob = tidy(logprob)?;
        Some(Self { logprob, margin: other.and_then(tidy).map(|other| logprob - other) })
    }
}

impl Piece {
    /// Bytes of text in it; of a part of a call one more, because it may hold no text and still takes room.
    pub(super) fn bytes(&self) -> u64 {
        let length = |text: &Option<Text>| text.as_ref().map_or(0, Text::len);
        let bytes = match self {
            Self::Text(text) => text.len(),
            Self::ToolCall(call) => 1 + length(&call.id) + length(&call.name) + call.arguments.len(),
            Self::Tokens(_) | Self::Vectors(_) | Self::Finish(_) => 0,
        };
        bytes as u64
    }
}

/// A part of a call of a tool. The first piece of a call has its name; the arguments of all its pieces together are the
/// text of a JSON object, if the model wrote one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCallPiece {
    /// Which of the answer's calls it belongs to, from 0.
    pub index: u32,
    /// The id that the model gave; with the first piece, if it gave one.
    pub id: Option<Text>,
    /// Name of the tool; with the first piece.
    pub name: Option<Text>,
    /// More of the arguments; may be empty.
    pub arguments: Text,
}

/// How an answer ended, as the backend says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Why it ended.
    pub reason: FinishReason,
    /// Tokens read; 0 if the backend does not say.
    pub input_tokens: u64,
    /// Tokens written; 0 if the backend does not say.
    pub output_tokens: u64,
    /// Tokens among those read that the backend had in its cache; 0 if it does not say.
    pub cached_input_tokens: u64,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended it, or a stop word did.
    Stop,
    /// The limit of tokens was reached.
    Length,
    /// The model waits for the results of tools.
    ToolCalls,
    /// The provider withheld the rest.
    ContentFilter,
    /// Anything else.
    Other,
}

impl FinishReason {
    /// The name in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other => "other",
        }
    }
}

/// The answer as it comes. It ends after [`Piece::Finish`] or the first error; dropping it closes the connection.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<Piece, ProviderError>> + Send>>;

/// A wire format: how a conversation is asked, and how the answer is read. Written from the providers' public
/// documentation; the one seam between Cordon and a kind of backend.
pub(super) trait Dialect: Send + Sync {
    /// Path segments below the base URL to post to.
    fn path(&self) -> &'static [&'static str];
    /// The JSON body of the request. `probabilities` asks for the log-probabilities of the answer's tokens, where the
    /// format has them.
    fn body(&self, conversation: &Conversation, probabilities: bool) -> Result<Vec<u8>, Fault>;
    /// Path segments below the base URL that list the models: asked to find out whether the backend is there.
    fn models_path(&self) -> &'static [&'static str];
    /// How the answer is cut into frames.
    fn framing(&self) -> Framing;
    /// Reads one answer.
    fn decoder(&self) -> Box<dyn Decode>;
    /// The check that a local backend of this kind must pass before it gets text, if the kind has one.
    fn local_check(&self) -> Option<&dyn LocalCheck> {
        None
    }
}

/// Tells from a backend's own description of its models whether the configured one is really served there.
pub(super) trait LocalCheck: Send + Sync {
    /// Path segments below the base URL to read the description from.
    fn path(&self) -> &'static [&'static str];
    /// Judges it.
    fn judge(&self, description: &[u8]) -> Result<(), Fault>;
}

/// How an answer is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One JSON value a line.
    JsonLines,
    /// Server-sent events, as in the HTML standard, section 9.2.
    Events,
    /// One JSON value over all.
    Whole,
}

/// Reads the frames of one answer in order.
pub(super) trait Decode: Send {
    /// Takes one frame: the event's type (empty for JSON lines and unnamed events) and its data.
    fn frame(&mut self, event: &str, data: &str, out: &mut VecDeque<Piece>) -> Result<(), Fault>;
    /// The connection ended in good order. Pushes a finish if the answer was whole.
    fn end(&mut self, out: &mut VecDeque<Piece>);
}

/// A backend on this organisation's own machines.
#[derive(Debug)]
pub struct LocalProvider(Endpoint);

impl LocalProvider {
    /// Wraps an endpoint that was configured as local.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self(endpoint)
    }

    /// Asks, and returns the answer as it comes. Refuses when the backend says that its model is served elsewhere.
    pub async fn stream(&self, text: LocalText, call: Call) -> Result<AnswerStream, ProviderError> {
        self.0.ensure_local(call).await?;
        self.0.open(text.conversation(), call).await
    }

    /// Whether the backend answers and serves its model itself; sends no text.
    pub async fn probe(&self, call: Call) -> Result<(), ProviderError> {
        self.0.probe(call).await
    }
}

/// A provider outside.
#[derive(Debug)]
pub struct CloudProvider(Endpoint);

impl CloudProvider {
    /// Wraps an endpoint that was configured as cloud.
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self(endpoint)
    }

    /// Asks, and returns the answer as it comes. The text is one that the policy lets out, and the decision to let it
    /// out is durable: both are proved by the types, and that they belong together is checked.
    pub async fn stream(&self, text: CloudText, decision: &Durable, call: Call) -> Result<AnswerStream, ProviderError> {
        // Nothing judges the cloud's answers, so nothing more is asked for.
        let call = Call { probabilities: false, ..call };
        if !decision.covers(text.conversation().document().id(), text.route()) {
            return Err(self.0.error(Fault::NotRecorded));
        }
        self.0.open(text.conversation(), call).await
    }

    /// Bytes of the request that would be sent: no tokenizer makes more tokens of it than that. `None` if it cannot be
    /// encoded, which [`Self::stream`] says too.
    #[must_use]
    pub fn request_bytes(&self, text: &CloudText) -> Option<u64> {
        self.0.request_bytes(text.conversation())
    }

    /// Asks without the proof of a record: for tests of builds that are broken on purpose.
    #[cfg(test)]
    pub(super) async fn stream_unproven(&self, text: CloudText, call: Call) -> Result<AnswerStream, ProviderError> {
        self.0.open(text.conversation(), call).await
    }

    /// Whether the provider answers; sends no text.
    pub async fn probe(&self, call: Call) -> Result<(), ProviderError> {
        self.0.probe(call).await
    }
}
