//! What the log keeps of a decision. What came of it is in `outcome.rs`.
//!
//! Neither has a field that could carry a caller's text. Strings are [`Label`]s (names from configuration, policy,
//! catalog and backends), the caller's own [`RequestId`] in its narrow form, and keyed digests. Numbers are integers,
//! so that equal records have equal bytes; a score is counted in millionths.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::detect::{Coverage, DetectorCoverage, Status, Topic};
use crate::document::Document;
use crate::policy::{Complexity, PolicyReference, Reason, Recalled, Route, Sensitivity, Verdict};

use super::entities::{self, EntityCount, RecordedFinding, Score};
use super::{AuditError, DecisionId, DigestKey, Label, RequestId, words};

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Classification alone.
    Classify,
    /// Classification, routing and inference.
    Dispatch,
    /// A dispatch that only asked where it would go.
    Validate,
}

impl Operation {
    /// The name in output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Classify => "classify",
            Self::Dispatch => "dispatch",
            Self::Validate => "validate",
        }
    }
}

/// Microseconds of each stage before the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timings {
    /// Patterns, dictionaries and secrets.
    pub rules_us: u64,
    /// The named-entity model; 0 if it did not run.
    pub ner_us: u64,
    /// The policy.
    pub policy_us: u64,
    /// From the arrival of the request to the decision.
    pub total_us: u64,
}

/// Digests of what decided beside the policy, whose own reference stands in the decision. Each is hexadecimal, or empty
/// where the service has no such thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// Version of Cordon.
    pub service_version: Label,
    /// The catalog of recognizers.
    pub catalog: Label,
    /// The word lists, those of the organisation included.
    pub dictionaries: Label,
    /// The named-entity model with its tokenizer.
    pub model: Label,
    /// The calibration of scores.
    pub calibration: Label,
}

/// Where a dispatch goes, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Routing {
    /// The route taken.
    pub route: Route,
    /// The most outward route that the verdict allows.
    pub ceiling: Route,
    /// Name of the backend in the configuration; empty if none can take it.
    pub backend: Label,
    /// The model asked for.
    pub model: Label,
    /// How much the request asks of a model.
    pub complexity: Complexity,
    /// Why: `stated_by_caller`, `long_input`, ….
    pub complexity_reasons: Vec<Label>,
    /// Id of the rule in the policy's route table.
    pub rule: Label,
    /// Why the route differs from what the rule prefers, such as `no_cloud_backend`; empty if it does not.
    pub reason: Label,
    /// What left instead of the text; with the route `cloud-redacted` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redacted: Option<RecordedRedaction>,
    /// The decision of the local answer that was not sure enough, if the cloud is asked for a better one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_from: Option<DecisionId>,
    /// What an override of the caller's changed; the level of the record is the verdict's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<RecordedOverride>,
}

/// An override: whose it was stands in the record as its caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOverride {
    /// Id of the override in the policy.
    pub rule: Label,
    /// The verdict's level.
    pub from: Sensitivity,
    /// The level that the route was looked up for.
    pub to: Sensitivity,
    /// The caller's reason, in one word; may be empty.
    pub reason: Label,
}

/// What another policy, which only looks on, made of the same findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedObservation {
    /// That policy.
    pub policy: PolicyReference,
    /// The level that it gives.
    pub level: Sensitivity,
    /// The rule that gives it; empty if none does.
    pub rule: Label,
    /// Where it would send the request; `None` for a classification.
    pub route: Option<Route>,
    /// Its route rule; empty for a classification.
    pub route_rule: Label,
    /// Whether level or route differ from those of the policy that acts.
    pub differs: bool,
}

/// The redacted text that left instead of the text that the record is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRedaction {
    /// Values that were replaced by placeholders.
    pub replaced: u64,
    /// Its level, by its own verdict.
    pub level: Sensitivity,
    /// The rules that gave the level; none for public.
    pub reasons: Vec<RecordedReason>,
    /// How often each type was found in it, by name.
    pub entities: Vec<EntityCount>,
    /// Its bytes of UTF-8.
    pub text_bytes: u64,
    /// Keyed digest of its strings; see [`DigestKey::document`].
    pub text_digest: Label,
}

/// A rule that applied: its id in the policy, and the level that it gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedReason {
    /// Id in the policy file, or a built-in one.
    pub rule: Label,
    /// The level that it gives.
    pub level: Sensitivity,
}

impl RecordedReason {
    fn of(reason: &Reason) -> Self {
        Self { rule: Label::new(&reason.rule), level: reason.level }
    }
}

/// What the text is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedTopic {
    /// `health`, `people_decision`, ….
    pub name: Label,
    /// How sure that is.
    pub probability: Score,
}

impl RecordedTopic {
    fn of(topic: &Topic) -> Self {
        Self { name: Label::new(&topic.name), probability: Score::of_topic(topic) }
    }
}

/// Everything that the caller of [`Decision::new`] knows and the verdict does not.
#[derive(Clone, Debug)]
pub struct DecisionInput {
    /// What was asked.
    pub operation: Operation,
    /// Name of the caller in the configuration, or `anonymous`.
    pub caller: Label,
    /// The caller's own id, if it sent one.
    pub request_id: Option<RequestId>,
    /// The level that the caller stated.
    pub declared_level: Option<Sensitivity>,
    /// What decided.
    pub provenance: Provenance,
    /// How long it took.
    pub timings: Timings,
    /// Where it goes; `None` for a classification.
    pub routing: Option<Routing>,
}

/// One decision as the log keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Its name.
    pub id: DecisionId,
    /// Wall-clock time, in microseconds. The order of records is their position, not this.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// What was asked.
    pub operation: Operation,
    /// Name of the caller in the configuration.
    pub caller: Label,
    /// The caller's own id for the request.
    pub request_id: Option<RequestId>,
    /// The level.
    pub level: Sensitivity,
    /// The level that the caller stated.
    pub declared_level: Option<Sensitivity>,
    /// The rules that applied, those that gave the level first.
    pub reasons: Vec<RecordedReason>,
    /// How often each type was found, by name.
    pub entities: Vec<EntityCount>,
    /// Where, at most [`entities::MAX_FINDINGS`]; the counts cover all.
    pub findings: Vec<RecordedFinding>,
    /// How many findings are counted but not listed.
    pub findings_omitted: u64,
    /// What the text is about.
    pub topics: Vec<RecordedTopic>,
    /// What each detector saw.
    pub coverage: Coverage,
    /// Strings in the request.
    pub parts: u64,
    /// Their bytes of UTF-8.
    pub text_bytes: u64,
    /// Keyed digest of the strings; see [`DigestKey::document`].
    pub text_digest: Label,
    /// Key of that digest; see [`DigestKey::id`].
    pub digest_key: Label,
    /// The policy that decided.
    pub policy: PolicyReference,
    /// What else decided.
    pub provenance: Provenance,
    /// How long it took.
    pub timings: Timings,
    /// Where it goes; `None` for a classification.
    pub routing: Option<Routing>,
    /// What the observed policy says. Left out of the record if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Box<RecordedObservation>>,
    /// What the policy's conditions looked at beside the findings, for a replay under another policy. Left out of records
    /// that are older than it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Box<Recalled>>,
    /// The document in this process, so that the proof of this record fits no other. Not recorded.
    #[serde(skip)]
    pub(super) document_id: u64,
}

impl Decision {
    /// A record of this verdict on this document, with a new id and the time of now.
    pub fn new(
        input: DecisionInput,
        verdict: &Verdict,
        document: &Document,
        key: &DigestKey,
    ) -> Result<Self, AuditError> {
        let decision = Self::from_evidence(input, &Evidence::of(verdict), document, key)?;
        Ok(Self { recalled: Some(Box::new(verdict.recalled(document, entities::MAX_FINDINGS))), ..decision })
    }

    /// The same record where a redacted text leaves instead of the text: it says what leaves, and its proof fits that
    /// document and no longer the one that it was made of.
    ///
    /// # Errors
    /// When the verdict is about another document, or the record is not about a dispatch.
    pub fn of_redacted(
        mut self,
        verdict: &Verdict,
        document: &Document,
        replaced: u64,
        key: &DigestKey,
    ) -> Result<Self, AuditError> {
        let evidence = Evidence::of(verdict);
        let Some(routing) = self.routing.as_mut().filter(|_| evidence.document_id == document.id()) else {
            return Err(AuditError::ForeignVerdict);
        };
        routing.redacted = Some(RecordedRedaction {
            replaced,
            level: evidence.level,
            reasons: evidence.reasons.iter().map(RecordedReason::of).collect(),
            entities: entities::summarise(evidence.findings, document, key).counts,
            text_bytes: document.total_bytes(),
            text_digest: key.document(document),
        });
        self.document_id = document.id();
        Ok(self)
    }

    /// With what the observed policy says.
    #[must_use]
    pub fn observed(self, observed: Option<RecordedObservation>) -> Self {
        Self { observed: observed.map(Box::new), ..self }
    }

    pub(super) fn from_evidence(
        input: DecisionInput,
        evidence: &Evidence<'_>,
        document: &Document,
        key: &DigestKey,
    ) -> Result<Self, AuditError> {
        if evidence.document_id != document.id() {
            return Err(AuditError::ForeignVerdict);
        }
        let DecisionInput { operation, caller, request_id, declared_level, provenance, timings, routing } = input;
        let summary = entities::summarise(evidence.findings, document, key);
        let topics =
            evidence.topics.iter().filter(|topic| topic.probability >= Topic::LEAST_RECORDED).map(RecordedTopic::of);
        Ok(Self {
            id: DecisionId::new(),
            time: words::now(),
            operation,
            caller,
            request_id,
            level: evidence.level,
            declared_level,
            reasons: evidence.reasons.iter().map(RecordedReason::of).collect(),
            entities: summary.counts,
            findings: summary.findings,
            findings_omitted: summary.omitted,
            topics: topics.collect(),
            coverage: tidy_coverage(evidence.coverage),
            parts: document.parts().len() as u64,
            text_bytes: document.total_bytes(),
            text_digest: key.document(document),
            digest_key: key.id().clone(),
            policy: tidy_policy(evidence.policy),
            provenance,
            timings,
            routing,
            observed: None,
            recalled: None,
            document_id: document.id(),
        })
    }
}

/// What a verdict says, borrowed.
pub(super) struct Evidence<'a> {
    pub(super) document_id: u64,
    pub(super) level: Sensitivity,
    pub(super) reasons: &'a [Reason],
    pub(super) findings: &'a [crate::detect::Finding],
    pub(super) topics: &'a [Topic],
    pub(super) coverage: &'a Coverage,
    pub(super) policy: &'a PolicyReference,
}

impl<'a> Evidence<'a> {
    fn of(verdict: &'a Verdict) -> Self {
        Self {
            document_id: verdict.document_id(),
            level: verdict.level(),
            reasons: verdict.reasons(),
            findings: verdict.findings(),
            topics: verdict.topics(),
            coverage: verdict.coverage(),
            policy: verdict.policy(),
        }
    }
}

/// The reason of a skip or failure comes from a detector that had the text in hand, so only a single word passes.
fn tidy_coverage(coverage: &Coverage) -> Coverage {
    let word = |reason: &str| Label::token(reason).as_str().to_owned().into();
    let tidy = |entry: &DetectorCoverage| DetectorCoverage {
        detector: entry.detector,
        status: match &entry.status {
            Status::Complete => Status::Complete,
            Status::PermittedSkip(reason) => Status::PermittedSkip(word(reason)),
            Status::Failed(reason) => Status::Failed(word(reason)),
        },
        bytes_scanned: entry.bytes_scanned,
        bytes_total: entry.bytes_total,
        digest: Label::token(&entry.digest).shared(),
    };
    Coverage { detectors: coverage.detectors.iter().map(tidy).collect() }
}

/// The reference of a policy as a record holds it.
#[must_use]
pub fn tidy_policy(policy: &PolicyReference) -> PolicyReference {
    PolicyReference {
        name: Label::new(&policy.name).shared(),
        version: Label::new(&policy.version).shared(),
        digest: Label::token(&policy.digest).shared(),
    }
}
