//! What a dispatch is asked and what it answers with. Text stands in [`Text`] and [`Conversation`] only, whose `Debug`
//! shows no text, so every type here may be logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::audit::{DecisionId, Provenance, RequestId, Timings};
use crate::classify::Observed;
use crate::document::{Conversation, Text};
use crate::money::Cost;
use crate::policy::{Complexity, Policy, Route, Sensitivity, Verdict};

use super::confidence::Confidence;
use super::provider::{FinishReason, ToolCallPiece, Vectors};

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's own id, for the record.
    pub request_id: Option<RequestId>,
    /// Who asks.
    pub caller: Arc<str>,
    /// What is asked. One verdict is made for all of it.
    pub conversation: Arc<Conversation>,
    /// The caller's own statement; the estimate holds when absent.
    pub complexity: Option<Complexity>,
    /// The caller's own opinion of the level; it only raises.
    pub declared_level: Option<Sensitivity>,
    /// Whether the named-entity model must run even where the policy permits a skip.
    pub always_ner: bool,
    /// Decide and record, and call nothing.
    pub validate_only: bool,
    /// The level that the caller asks for although the verdict may be higher; the policy decides.
    pub level_override: Option<LevelOverride>,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The caller takes the answer whole only: then a local one is judged whole before the cloud is asked.
    pub whole: bool,
    /// Say how sure the local model was, also where nothing depends on it.
    pub confidence: bool,
    /// The model whose vectors are asked for instead of an answer; one of [`super::Backends::embedding_models`].
    pub embedding: Option<Arc<str>>,
}

/// A level that a caller asks for although the verdict's is higher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelOverride {
    /// The level.
    pub level: Sensitivity,
    /// Why, in one short word for the record; may be empty.
    pub reason_code: Arc<str>,
}

/// What an override changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    /// Id of the override in the policy.
    pub rule: Arc<str>,
    /// The verdict's level.
    pub from: Sensitivity,
    /// The level that the route was looked up for.
    pub to: Sensitivity,
    /// The caller's reason; may be empty.
    pub reason_code: Arc<str>,
}

/// A verdict with what the record says of its making.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict.
    pub verdict: Arc<Verdict>,
    /// What took how long; `total_us` is filled in at the decision.
    pub timings: Timings,
    /// What decided beside the policy.
    pub provenance: Provenance,
    /// What a policy that only looks on says.
    pub observed: Option<Observed>,
    /// The policy of the verdict: a new one that is loaded meanwhile has no part in this request.
    pub policy: Arc<Policy>,
}

/// What the dispatcher needs of classification.
#[async_trait]
pub trait Classify: Send + Sync {
    /// The verdict on the conversation of this request. It never fails: what could not be scanned is confidential.
    async fn classify(&self, request: &Request) -> Judged;
}

/// What happens in a dispatch, in this order: one verdict, one decision, any number of deltas and parts of calls, one outcome. With
/// `validate_only` the decision is the last. An error ends it; a decision may stand before the error.
#[derive(Clone, Debug)]
pub enum Event {
    /// How sensitive the conversation is.
    Verdict(Arc<Verdict>),
    /// Where it went. It comes with the first piece of the answer, because until then another backend may step in.
    Decision(Decision),
    /// A piece of the answer; never empty.
    Delta(Text),
    /// A part of a call of a tool, which the caller may run.
    ToolCall(ToolCallPiece),
    /// The vectors of the texts, for a request for embeddings; instead of deltas.
    Vectors(Vectors),
    /// How it ended.
    Outcome(Outcome),
}

/// Where a request goes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its record; `None` if the log could not take it, which happens for local routes only.
    pub id: Option<DecisionId>,
    /// The route.
    pub route: Route,
    /// Name of the backend in the configuration; empty if none is there to take it.
    pub backend: Arc<str>,
    /// Its model.
    pub model: Arc<str>,
    /// How much the request asks of a model.
    pub complexity: Complexity,
    /// Why.
    pub complexity_reasons: Vec<&'static str>,
    /// Id of the route rule in the policy.
    pub rule: Arc<str>,
    /// Why the route differs from what the rule prefers; empty if it does not. See [`super::reason`].
    pub reason: &'static str,
    /// The most outward route that the verdict allows.
    pub ceiling: Route,
    /// What was sent instead of the text; with [`Route::CloudRedacted`] only.
    pub redaction: Option<Redaction>,
    /// Of the local answer that was not sure enough, if this is an escalation.
    pub local_confidence: Option<Confidence>,
    /// The decision of that answer.
    pub escalated_from: Option<DecisionId>,
    /// What an override of the caller's changed, if one did.
    pub overridden: Option<Overridden>,
}

/// A redacted text that left instead of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The level of the redacted text, by its own verdict.
    pub level: Sensitivity,
    /// Values that were replaced by placeholders.
    pub replaced: u64,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why the answer ended.
    pub finish_reason: FinishReason,
    /// Backend that answered.
    pub backend: Arc<str>,
    /// Its model.
    pub model: Arc<str>,
    /// The route taken.
    pub route: Route,
    /// As the backend counts them; 0 if it does not say.
    pub input_tokens: u64,
    /// As the backend counts them; 0 if it does not say.
    pub output_tokens: u64,
    /// From the call of the backend that answered to the first piece of its answer.
    pub time_to_first_token: Duration,
    /// From the arrival of the request to the end of the answer.
    pub total: Duration,
    /// How sure the local model was of its answer, also if the cloud's took its place; `None` if nobody wanted to know.
    pub confidence: Option<Confidence>,
    /// Whether the cloud's answer took its place.
    pub escalated: bool,
    /// Why it did not, though the local one was not sure enough; else empty. See [`super::withheld`].
    pub escalation_withheld: &'static str,
    /// Those of the tokens read that the backend had in its cache; 0 if it does not say.
    pub cached_input_tokens: u64,
    /// What the answer costs, here and on the other side.
    pub cost: Cost,
}
