//! `AuditService`: reads and verifies the log. Thin: the work is in [`crate::audit`].

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use crate::audit::{
    AuditError, DecisionFilter, DecisionId, Label, MAX_PAGE_SIZE, Operation, OutcomeStatus, RecordedConfidence,
    RecordedObservation, StatusFilter, StoredDecision, StoredOutcome,
};
use crate::error::Kind;
use crate::report::{self, Range};

use super::auth::Permission;
use super::convert;
use super::core::{self, Core};
use super::error::Refusal;
use super::proto::audit_service_server::AuditService;
use super::proto::{
    self, DecisionRecord, EntityCount, GetDecisionRequest, GetReportRequest, GetReportResponse, ListDecisionsRequest,
    ListDecisionsResponse, OutcomeRecord, ReplayPolicyRequest, ReplayPolicyResponse, ReportFormat, VerifyLogRequest,
    VerifyLogResponse,
};
use super::replay;

/// How long a question waits for records on their way to the disk.
const SETTLE: Duration = Duration::from_secs(2);

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Audit {
    core: Arc<Core>,
}

impl Audit {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Lets what was answered before this question reach the disk, so that callers find the decisions whose ids they
    /// hold. A log that cannot be written must still be readable, so the wait is short and its end is no error.
    async fn settle(&self) {
        let _ = tokio::time::timeout(SETTLE, self.core.audit.flush()).await;
    }
}

impl From<AuditError> for Refusal {
    fn from(error: AuditError) -> Self {
        let field = match &error {
            AuditError::InvalidPageToken => Some("page_token"),
            AuditError::InvalidDecisionId => Some("decision_id"),
            AuditError::InvalidRequestId => Some("request_id"),
            _ => None,
        };
        let reason = match error.kind() {
            Kind::NotFound => "DECISION_NOT_FOUND",
            Kind::InvalidArgument => "INVALID_ARGUMENT",
            Kind::ResourceExhausted => "AUDIT_LOG_BUSY",
            _ => "AUDIT_LOG_UNAVAILABLE",
        };
        Self { field: field.map(str::to_owned), ..Self::new(error.kind(), reason, error.to_string()) }
    }
}

fn filter(request: &ListDecisionsRequest) -> Result<DecisionFilter, Refusal> {
    let unknown =
        |field: &str| Refusal::field(field, "UNKNOWN_ENUM_VALUE", "has a value that this version does not know");
    let level = proto::Sensitivity::try_from(request.level).map_err(|_| unknown("level"))?;
    let route = proto::Route::try_from(request.route).map_err(|_| unknown("route"))?;
    Ok(DecisionFilter {
        level: convert::level_from_proto(level),
        route: convert::route_from_proto(route),
        caller: given(&request.caller),
        request_id: given(&request.request_id),
        since: request.since.map(|time| timestamp("since", time)).transpose()?,
        until: request.until.map(|time| timestamp("until", time)).transpose()?,
        entity_type: given(&request.entity_type),
        model: given(&request.model),
        policy_digest: given(&request.policy_digest),
        status: given(&request.outcome_status).map(|name| status(&name)).transpose()?,
        operation: operation_asked(request.operation)?,
    })
}

/// A field that filters; empty means that it does not.
fn given(field: &str) -> Option<String> {
    (!field.is_empty()).then(|| field.to_owned())
}

fn status(name: &str) -> Result<StatusFilter, Refusal> {
    StatusFilter::named(name).ok_or_else(|| {
        Refusal::field("outcome_status", "OUT_OF_RANGE", format!("must be one of {}", StatusFilter::NAMES.join(", ")))
    })
}

fn operation_asked(code: i32) -> Result<Option<Operation>, Refusal> {
    match proto::Operation::try_from(code) {
        Ok(proto::Operation::Unspecified) => Ok(None),
        Ok(proto::Operation::Classify) => Ok(Some(Operation::Classify)),
        Ok(proto::Operation::Dispatch) => Ok(Some(Operation::Dispatch)),
        Ok(proto::Operation::Validate) => Ok(Some(Operation::Validate)),
        Err(_) => Err(Refusal::field("operation", "UNKNOWN_ENUM_VALUE", "has a value that this version does not know")),
    }
}

fn timestamp(field: &str, time: prost_types::Timestamp) -> Result<Timestamp, Refusal> {
    let in_range = (0..1_000_000_000).contains(&time.nanos);
    in_range
        .then(|| Timestamp::new(time.seconds, time.nanos).ok())
        .flatten()
        .ok_or_else(|| Refusal::field(field, "OUT_OF_RANGE", "is no time of the years 0001 to 9999"))
}

fn time(time: Timestamp) -> Option<prost_types::Timestamp> {
    let (mut seconds, mut nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    Some(prost_types::Timestamp { seconds, nanos })
}

/// A decision of the log in the words of the protocol.
fn record(stored: StoredDecision) -> DecisionRecord {
    let StoredDecision { sequence, hash, decision, outcome, chain: _ } = stored;
    let routing = decision.routing.as_ref().map(|routing| proto::Decision {
        route: convert::route(routing.route) as i32,
        backend: routing.backend.to_string(),
        model: routing.model.to_string(),
        complexity: convert::complexity_to_proto(routing.complexity) as i32,
        complexity_reasons: routing.complexity_reasons.iter().map(ToString::to_string).collect(),
        route_rule: routing.rule.to_string(),
        reason: routing.reason.to_string(),
        ceiling: convert::route(routing.ceiling) as i32,
        redacted: routing.redacted.as_ref().map(|redacted| proto::RedactedText {
            level: convert::level(redacted.level) as i32,
            replaced: redacted.replaced,
        }),
        local_confidence: None,
        escalated_from: routing.escalated_from.map(|id| id.to_string()).unwrap_or_default(),
        overridden: routing.overridden.as_ref().map(|overridden| proto::Overridden {
            rule: overridden.rule.to_string(),
            from: convert::level(overridden.from) as i32,
            to: convert::level(overridden.to) as i32,
            reason_code: overridden.reason.to_string(),
        }),
    });
    let entity = |entity: &crate::audit::EntityCount| EntityCount {
        entity_type: entity.entity_type.to_string(),
        count: narrow(entity.count),
        distinct: narrow(entity.distinct),
        max_score: entity.max_score.as_f32(),
    };
    DecisionRecord {
        sequence,
        decision_id: decision.id.to_string(),
        time: time(decision.time),
        request_id: decision.request_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default(),
        caller: decision.caller.to_string(),
        operation: operation(decision.operation) as i32,
        level: convert::level(decision.level) as i32,
        reasons: decision.reasons.iter().map(|reason| reason.rule.to_string()).collect(),
        entities: decision.entities.iter().map(entity).collect(),
        coverage: Some(convert::coverage(&decision.coverage)),
        text_bytes: decision.text_bytes,
        decision: routing,
        policy: Some(convert::policy(&decision.policy)),
        service_version: decision.provenance.service_version.to_string(),
        record_hash: hash.to_string(),
        outcome: outcome.map(outcome_record),
        observed: decision.observed.as_deref().map(observation),
    }
}

fn observation(observed: &RecordedObservation) -> proto::Observation {
    proto::Observation {
        policy: Some(convert::policy(&observed.policy)),
        level: convert::level(observed.level) as i32,
        rule: observed.rule.to_string(),
        route: observed.route.map_or(0, |route| convert::route(route) as i32),
        route_rule: observed.route_rule.to_string(),
        differs: observed.differs,
    }
}

fn narrow(count: impl TryInto<u32>) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}

fn operation(operation: Operation) -> proto::Operation {
    match operation {
        Operation::Classify => proto::Operation::Classify,
        Operation::Dispatch => proto::Operation::Dispatch,
        Operation::Validate => proto::Operation::Validate,
    }
}

fn confidence(recorded: &RecordedConfidence) -> proto::Confidence {
    let words = |labels: &[Label]| labels.iter().map(ToString::to_string).collect();
    proto::Confidence {
        millionths: recorded.millionths,
        low: recorded.low,
        early: recorded.early,
        signals: words(&recorded.signals),
        reasons: words(&recorded.reasons),
    }
}

fn outcome_record(stored: StoredOutcome) -> OutcomeRecord {
    let outcome = stored.outcome;
    let finish = match outcome.finish_reason {
        None => proto::FinishReason::Unspecified,
        Some(crate::audit::FinishReason::Stop) => proto::FinishReason::Stop,
        Some(crate::audit::FinishReason::Length) => proto::FinishReason::Length,
        Some(crate::audit::FinishReason::ToolCalls) => proto::FinishReason::ToolCalls,
        Some(crate::audit::FinishReason::ContentFilter) => proto::FinishReason::ContentFilter,
        Some(crate::audit::FinishReason::Other) => proto::FinishReason::Other,
    };
    OutcomeRecord {
        sequence: stored.sequence,
        time: time(outcome.time),
        status: outcome.status.as_str().to_owned(),
        error: outcome.error.to_string(),
        outcome: Some(proto::Outcome {
            finish_reason: finish as i32,
            backend: outcome.backend.to_string(),
            model: outcome.model.to_string(),
            route: outcome.route.map_or(0, |route| convert::route(route) as i32),
            input_tokens: outcome.input_tokens,
            output_tokens: outcome.output_tokens,
            time_to_first_token_us: outcome.time_to_first_token_us,
            total_us: outcome.total_us,
            confidence: outcome.confidence.as_deref().map(confidence),
            escalated: outcome.status == OutcomeStatus::Escalated,
            escalation_withheld: outcome.escalation_withheld.map(|word| word.to_string()).unwrap_or_default(),
            cost_micros: outcome.cost_micros,
            other_side_cost_micros: outcome.other_side_cost_micros,
            cost_estimated: outcome.cost_estimated,
            cached_input_tokens: outcome.cached_input_tokens,
        }),
        record_hash: stored.hash.to_string(),
    }
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn list_decisions(
        &self,
        request: Request<ListDecisionsRequest>,
    ) -> Result<Response<ListDecisionsResponse>, Status> {
        core::caller(&request, Permission::AuditRead)?;
        let request = request.into_inner();
        if request.page_size > MAX_PAGE_SIZE {
            let message = format!("must be at most {MAX_PAGE_SIZE}");
            return Err(Refusal::field("page_size", "OUT_OF_RANGE", message).into());
        }
        let filter = filter(&request)?;
        self.settle().await;
        let reader = self.core.audit.reader();
        let page = reader.list_async(filter, request.page_token, request.page_size).await.map_err(Refusal::from)?;
        Ok(Response::new(ListDecisionsResponse {
            decisions: page.decisions.into_iter().map(record).collect(),
            next_page_token: page.next_page_token,
        }))
    }

    async fn get_decision(&self, request: Request<GetDecisionRequest>) -> Result<Response<DecisionRecord>, Status> {
        core::caller(&request, Permission::AuditRead)?;
        let id: DecisionId = request.into_inner().decision_id.parse().map_err(Refusal::from)?;
        self.settle().await;
        let stored = self.core.audit.reader().get_async(id).await.map_err(Refusal::from)?;
        Ok(Response::new(record(stored)))
    }

    async fn replay_policy(
        &self,
        request: Request<ReplayPolicyRequest>,
    ) -> Result<Response<ReplayPolicyResponse>, Status> {
        core::caller(&request, Permission::AuditRead)?;
        let (metadata, _, request) = request.into_parts();
        let level = proto::Sensitivity::try_from(request.level).map_err(|_| {
            Refusal::field("level", "UNKNOWN_ENUM_VALUE", "has a value that this version does not know")
        })?;
        let filter = crate::replay::Filter {
            since: request.since.map(|time| timestamp("since", time)).transpose()?,
            until: request.until.map(|time| timestamp("until", time)).transpose()?,
            caller: (!request.caller.is_empty()).then(|| request.caller.clone()),
            level: convert::level_from_proto(level),
        };
        self.settle().await;
        Ok(Response::new(replay::answer(&self.core, &metadata, filter, request).await?))
    }

    async fn get_report(&self, request: Request<GetReportRequest>) -> Result<Response<GetReportResponse>, Status> {
        core::caller(&request, Permission::AuditRead)?;
        let request = request.into_inner();
        let unknown = || Refusal::field("format", "UNKNOWN_ENUM_VALUE", "has a value that this version does not know");
        let format = ReportFormat::try_from(request.format).map_err(|_| unknown())?;
        let range = Range {
            since: request.since.map(|time| timestamp("since", time)).transpose()?,
            until: request.until.map(|time| timestamp("until", time)).transpose()?,
        };
        let report = self.core.live.report(&self.core, range).await?;
        let (content, content_type) = match format {
            ReportFormat::Html => (report::html::page(&report).into_bytes(), "text/html; charset=utf-8"),
            ReportFormat::Unspecified | ReportFormat::Json => {
                let defect = |_| Refusal::new(Kind::Internal, "INTERNAL", "the report is no JSON");
                (serde_json::to_vec_pretty(&*report).map_err(defect)?, "application/json")
            }
        };
        let decisions = report.summary.total.decisions;
        Ok(Response::new(GetReportResponse { content, content_type: content_type.to_owned(), decisions }))
    }

    async fn verify_log(&self, request: Request<VerifyLogRequest>) -> Result<Response<VerifyLogResponse>, Status> {
        core::caller(&request, Permission::AuditRead)?;
        self.settle().await;
        let found = self
            .core
            .audit
            .reader()
            .verify_async(Vec::new(), |_| ControlFlow::Continue(()))
            .await
            .map_err(Refusal::from)?;
        Ok(Response::new(VerifyLogResponse {
            intact: found.intact(),
            records: found.records,
            head_hash: found.head.hash.to_string(),
            first_bad_sequence: found.fault.as_ref().map_or(0, |fault| fault.sequence),
            problem: found.fault.as_ref().map(ToString::to_string).unwrap_or_default(),
            unproven: found.unproven.iter().map(ToString::to_string).collect(),
            proven_through: found.proven,
            checkpoints: found.checkpoints,
            removed_through: found.removed,
        }))
    }
}
