//! Dispatch: where a request goes, and the answer that comes back.
//!
//! The life of a dispatch, file by file: `request` is what is asked; `dispatcher` runs it, at most
//! once by `once`; `complexity` says how much it
//! asks of a model; `plan` orders the sides under the policy's ceiling; `attempt` tries one side after the other, `turn` one
//! backend after the other with retries in the time that `patience` gives; `redacted` is the way to the cloud for text that
//! may not leave as it is; `confidence` judges a local answer and `escalate` asks the cloud for a better one; `relay` passes
//! the answer on; `record` writes decisions and outcomes, `bill` says what a call costs; `provider` speaks to models;
//! `backend` and `config` say which there are, `order` and `chance` which comes first,
//! `breaker` and `health` which is left alone, `gate` how many calls one takes at once.
//!
//! It must never send text beyond the ceiling of its one verdict, never call the cloud before the decision is durable,
//! and never change the backend once a piece of an answer has gone to the caller.

mod attempt;
mod backend;
mod bill;
mod breaker;
mod chance;
mod complexity;
mod confidence;
mod config;
mod dispatcher;
mod error;
mod escalate;
mod gate;
mod health;
mod judge;
mod once;
mod order;
mod patience;
mod plan;
mod provider;
mod record;
mod redacted;
mod rehearse;
mod relay;
mod request;
mod turn;

#[cfg(test)]
mod sabotage;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use backend::{Backend, Backends, Probe, discover_ollama};
pub use complexity::{Confusion, Estimate, Measured, Prompt, Weights, WeightsError, estimate, measure};
pub use confidence::{
    Accepted, AcceptedError, AcceptedPrompt, Band, Confidence, Ending, Features, Fitted, Judge, Match, Measure,
    Observed, Pick, Picked, Weights as ConfidenceWeights, fit,
};
pub use config::{BackendConfig, BackendError, BackendKind, EscalationCalibration, EscalationConfig, HoldBack, Side};
pub use dispatcher::{Dispatcher, Events};
pub use error::DispatchError;
pub use escalate::withheld;
pub use plan::reason;
pub use provider::{
    AnswerStream, Call, CloudProvider, ErrorCode, Fault, Finish, FinishReason, LocalProvider, Piece, ProviderError,
    TokenLimitField, TokenScore, ToolCallPiece, Vectors,
};
pub use rehearse::{Rehearsed, rehearse};
pub use request::{Classify, Decision, Event, Judged, LevelOverride, Outcome, Overridden, Redaction, Request};
