//! A record as replay reads it: borrowed from its bytes, with the fields that a policy or the summary looks at. It judges
//! neither the form nor the chain of a record, which is the verifier's work, and it never holds more than one record.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::audit::Operation;
use crate::detect::{Category, Coverage, Detector};
use crate::policy::{Complexity, Recalled, Route, Sensitivity};

use super::ReplayError;

/// How every record of the version that this program reads begins.
const START: &[u8] = br#"{"v":1,"record":"#;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    record: Body<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    #[serde(borrow)]
    Decision(Box<Decision<'a>>),
    #[serde(borrow)]
    Outcome(Ended<'a>),
}

#[derive(Deserialize)]
struct Ended<'a> {
    #[serde(borrow)]
    outcome: Outcome<'a>,
}

/// A record that replay looks at.
pub(super) enum Record<'a> {
    Decision(Box<Decision<'a>>),
    Outcome(Outcome<'a>),
}

#[derive(Deserialize)]
pub(super) struct Decision<'a> {
    pub(super) operation: Operation,
    #[serde(borrow)]
    pub(super) caller: Cow<'a, str>,
    pub(super) level: Sensitivity,
    pub(super) declared_level: Option<Sensitivity>,
    #[serde(borrow)]
    pub(super) reasons: Vec<Reason<'a>>,
    #[serde(borrow)]
    pub(super) entities: Vec<Entity<'a>>,
    #[serde(borrow)]
    pub(super) findings: Vec<Finding<'a>>,
    pub(super) findings_omitted: u64,
    #[serde(borrow)]
    pub(super) topics: Vec<Topic<'a>>,
    pub(super) coverage: Coverage,
    #[serde(borrow)]
    pub(super) policy: Policy<'a>,
    #[serde(borrow)]
    pub(super) provenance: Provenance<'a>,
    #[serde(borrow)]
    pub(super) routing: Option<Routing<'a>>,
    #[serde(default)]
    pub(super) recalled: Option<Recalled>,
}

#[derive(Deserialize)]
pub(super) struct Reason<'a> {
    #[serde(borrow)]
    pub(super) rule: Cow<'a, str>,
    pub(super) level: Sensitivity,
}

#[derive(Deserialize)]
pub(super) struct Entity<'a> {
    #[serde(borrow)]
    pub(super) entity_type: Cow<'a, str>,
    pub(super) category: Category,
    pub(super) count: u64,
}

#[derive(Deserialize)]
pub(super) struct Finding<'a> {
    pub(super) part: usize,
    #[serde(borrow)]
    pub(super) role: Cow<'a, str>,
    pub(super) start: usize,
    pub(super) end: usize,
    #[serde(borrow)]
    pub(super) entity_type: Cow<'a, str>,
    pub(super) category: Category,
    pub(super) score: u32,
    pub(super) detector: Detector,
    #[serde(borrow)]
    pub(super) recognizer: Cow<'a, str>,
    pub(super) value: u64,
}

#[derive(Deserialize)]
pub(super) struct Topic<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    pub(super) probability: u32,
}

#[derive(Deserialize)]
pub(super) struct Policy<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) digest: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Provenance<'a> {
    #[serde(borrow)]
    pub(super) service_version: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) catalog: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) model: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) calibration: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Routing<'a> {
    pub(super) route: Route,
    pub(super) ceiling: Route,
    pub(super) complexity: Complexity,
    #[serde(borrow)]
    pub(super) rule: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) reason: Cow<'a, str>,
    #[serde(default)]
    pub(super) escalated_from: Option<IgnoredAny>,
    #[serde(default, borrow)]
    pub(super) overridden: Option<Overridden<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Overridden<'a> {
    pub(super) to: Sensitivity,
    #[serde(borrow)]
    pub(super) reason: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct Outcome<'a> {
    #[serde(borrow)]
    pub(super) backend: Cow<'a, str>,
    pub(super) route: Option<Route>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    #[serde(default)]
    pub(super) cached_input_tokens: u64,
}

/// The record of a body of a decision or an outcome.
pub(super) fn read(sequence: u64, body: &[u8]) -> Result<Record<'_>, ReplayError> {
    if !body.starts_with(START) {
        return Err(ReplayError::Version { sequence });
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|_| ReplayError::Malformed { sequence })?;
    Ok(match envelope.record {
        Body::Decision(decision) => Record::Decision(decision),
        Body::Outcome(ended) => Record::Outcome(ended.outcome),
    })
}
