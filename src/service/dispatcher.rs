//! `DispatcherService`: checks the request, hands it to [`crate::dispatch`], and passes the events on. Both RPCs run the
//! same stream; the unary one gathers it.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::Stream;
use tonic::{Request, Response, Status};

use crate::dispatch::{self, Event};
use crate::document::{Conversation, Text};
use crate::error::Kind;
use crate::money::Amount;

use super::auth::{Caller, Permission};
use super::calls::Calls;
use super::conversation;
use super::convert::{self, Show};
use super::core::{self, Core};
use super::dispatching::{self, Asked};
use super::error::Refusal;
use super::limits::deadline_of;
use super::proto::dispatch_stream_response::Event as StreamEvent;
use super::proto::dispatcher_service_server::DispatcherService;
use super::proto::{self, DispatchRequest, DispatchResponse, DispatchStreamResponse};

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Dispatch {
    core: Arc<Core>,
}

impl Dispatch {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Checks everything and starts the request. `whole`: the caller gets the answer in one piece.
    fn start(&self, request: Request<DispatchRequest>, whole: bool) -> Result<Running, Status> {
        let caller: Caller = core::caller(&request, Permission::Dispatch)?;
        let deadline = deadline_of(request.metadata(), self.core.limits.dispatch_deadline());
        let mut request = request.into_inner();
        convert::request_id(&request.request_id)?;
        let known = |name: &str| self.core.classifier.knows_entity_type(name);
        let (show, ner) = convert::options(request.classify.take(), "classify", known)?;
        let complexity = convert::complexity(request.complexity)?;
        let declared_level = convert::declared_level(request.declared_level)?;
        let level_override = convert::level_override(request.level_override.take())?;
        let conversation = Arc::new(conversation::conversation(&mut request, &self.core.limits)?);
        let asked = Asked {
            request_id: request.request_id.clone(),
            conversation: Arc::clone(&conversation),
            complexity,
            declared_level,
            ner,
            validate_only: request.validate_only,
            deadline,
            level_override,
            whole,
            confidence: request.confidence,
            embedding: None,
        };
        let running = dispatching::start(&self.core, &caller, asked)?;
        Ok(Running { request_id: request.request_id, decision_id: String::new(), conversation, show, running })
    }
}

/// A request in work, with what is needed to tell its caller about it.
struct Running {
    request_id: String,
    decision_id: String,
    conversation: Arc<Conversation>,
    show: Show,
    running: dispatching::Running,
}

impl Running {
    /// The next event in the words of the protocol.
    async fn next(&mut self) -> Option<Result<StreamEvent, Refusal>> {
        let event = match self.running.next().await? {
            Ok(event) => event,
            Err(refusal) => return Some(Err(refusal)),
        };
        Some(Ok(match event {
            Event::Verdict(verdict) => {
                StreamEvent::Verdict(convert::verdict(&verdict, self.conversation.document(), &self.show))
            }
            Event::Decision(decision) => {
                self.decision_id = decision.id.map(|id| id.to_string()).unwrap_or_default();
                StreamEvent::Decision(self::decision(&decision))
            }
            Event::Delta(text) => StreamEvent::Delta(text.expose().to_owned()),
            Event::ToolCall(call) => StreamEvent::ToolCall(tool_call(&call)),
            // Only a request for embeddings gets them, and this door makes none.
            Event::Vectors(_) => {
                let message = "vectors came for a chat; this is a defect of the service";
                return Some(Err(Refusal::new(Kind::Internal, "INTERNAL", message)));
            }
            Event::Outcome(outcome) => StreamEvent::Outcome(self::outcome(&outcome)),
        }))
    }
}

fn tool_call(piece: &dispatch::ToolCallPiece) -> proto::ToolCallDelta {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default();
    proto::ToolCallDelta {
        index: piece.index,
        id: text(&piece.id),
        name: text(&piece.name),
        arguments: piece.arguments.expose().to_owned(),
    }
}

fn decision(decision: &dispatch::Decision) -> proto::Decision {
    proto::Decision {
        route: convert::route(decision.route) as i32,
        backend: decision.backend.to_string(),
        model: decision.model.to_string(),
        complexity: convert::complexity_to_proto(decision.complexity) as i32,
        complexity_reasons: decision.complexity_reasons.iter().map(ToString::to_string).collect(),
        route_rule: decision.rule.to_string(),
        reason: decision.reason.to_owned(),
        ceiling: convert::route(decision.ceiling) as i32,
        redacted: decision.redaction.map(|redaction| proto::RedactedText {
            level: convert::level(redaction.level) as i32,
            replaced: redaction.replaced,
        }),
        local_confidence: decision.local_confidence.as_ref().map(confidence),
        escalated_from: decision.escalated_from.map(|id| id.to_string()).unwrap_or_default(),
        overridden: decision.overridden.as_ref().map(|overridden| proto::Overridden {
            rule: overridden.rule.to_string(),
            from: convert::level(overridden.from) as i32,
            to: convert::level(overridden.to) as i32,
            reason_code: overridden.reason_code.to_string(),
        }),
    }
}

fn outcome(outcome: &dispatch::Outcome) -> proto::Outcome {
    let finish = match outcome.finish_reason {
        dispatch::FinishReason::Stop => proto::FinishReason::Stop,
        dispatch::FinishReason::Length => proto::FinishReason::Length,
        dispatch::FinishReason::ToolCalls => proto::FinishReason::ToolCalls,
        dispatch::FinishReason::ContentFilter => proto::FinishReason::ContentFilter,
        dispatch::FinishReason::Other => proto::FinishReason::Other,
    };
    proto::Outcome {
        finish_reason: finish as i32,
        backend: outcome.backend.to_string(),
        model: outcome.model.to_string(),
        route: convert::route(outcome.route) as i32,
        input_tokens: outcome.input_tokens,
        output_tokens: outcome.output_tokens,
        time_to_first_token_us: core::micros(outcome.time_to_first_token),
        total_us: core::micros(outcome.total),
        cost_micros: outcome.cost.own.map(Amount::micros_up),
        other_side_cost_micros: outcome.cost.other_side.map(Amount::micros_up),
        cost_estimated: outcome.cost.estimated,
        cached_input_tokens: outcome.cached_input_tokens,
        confidence: outcome.confidence.as_ref().map(confidence),
        escalated: outcome.escalated,
        escalation_withheld: outcome.escalation_withheld.to_owned(),
    }
}

fn confidence(confidence: &dispatch::Confidence) -> proto::Confidence {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    proto::Confidence {
        millionths: confidence.millionths,
        low: confidence.low,
        early: confidence.early,
        signals: words(&confidence.signals),
        reasons: words(&confidence.reasons),
    }
}

#[tonic::async_trait]
impl DispatcherService for Dispatch {
    async fn dispatch(&self, request: Request<DispatchRequest>) -> Result<Response<DispatchResponse>, Status> {
        let mut running = self.start(request, true)?;
        let mut response = DispatchResponse { request_id: running.request_id.clone(), ..Default::default() };
        let mut calls = Calls::default();
        while let Some(event) = running.next().await {
            match event? {
                StreamEvent::Verdict(verdict) => response.verdict = Some(verdict),
                StreamEvent::Decision(decision) => response.decision = Some(decision),
                StreamEvent::Delta(delta) => response.content.push_str(&delta),
                StreamEvent::ToolCall(piece) => {
                    calls.add_texts(piece.index, &piece.id, &piece.name, &piece.arguments);
                }
                StreamEvent::Outcome(outcome) => response.outcome = Some(outcome),
            }
        }
        response.tool_calls = calls.into_proto();
        response.decision_id = running.decision_id;
        Ok(Response::new(response))
    }

    type DispatchStreamStream = Pin<Box<dyn Stream<Item = Result<DispatchStreamResponse, Status>> + Send>>;

    async fn dispatch_stream(
        &self,
        request: Request<DispatchRequest>,
    ) -> Result<Response<Self::DispatchStreamStream>, Status> {
        let running = self.start(request, false)?;
        let messages = futures_util::stream::unfold(running, |mut running| async move {
            let event = running.next().await?;
            let message = event.map_err(Status::from).map(|event| DispatchStreamResponse {
                request_id: running.request_id.clone(),
                decision_id: running.decision_id.clone(),
                event: Some(event),
            });
            Some((message, running))
        });
        Ok(Response::new(Box::pin(messages)))
    }
}
