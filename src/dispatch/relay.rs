//! Passes an answer on to the caller, and writes how it ended. From its first piece on no other backend may step in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use super::breaker::Sign;
use super::dispatcher::{Run, Stop, within};
use super::escalate::{Chosen, Told};
use super::once::Claim;
use super::provider::{Finish, Piece};
use super::record::Open;
use super::request::{Event, Outcome};

impl Run<'_> {
    /// Passes the answer on.
    pub(super) async fn relay(&self, mut chosen: Chosen, claim: Option<Claim<'_>>) -> Result<(), Stop> {
        let decision = chosen.open.decision();
        metrics::counter!("cordon_dispatches_total", "route" => decision.route.as_str(), "reason" => decision.reason)
            .increment(1);
        match self.pass_on(&mut chosen).await {
            Ok(finish) => {
                let told = chosen.told(finish, self.request.conversation.generation().max_output_tokens);
                let Chosen { open, time_to_first_token, .. } = chosen;
                let outcome = self.outcome(&open, finish, time_to_first_token, told);
                if let Some(claim) = claim {
                    claim.answered(open.decision().id);
                }
                open.complete(finish, &outcome);
                self.send(Event::Outcome(outcome)).await
            }
            Err(Stop::Failed(error)) => {
                chosen.open.fail(error.kind(), error.reason());
                Err(Stop::Failed(error))
            }
            // Dropping the open record says that the caller left.
            Err(Stop::CallerLeft) => Err(Stop::CallerLeft),
        }
    }

    async fn pass_on(&self, chosen: &mut Chosen) -> Result<Finish, Stop> {
        self.send(Event::Decision(chosen.open.decision().clone())).await?;
        loop {
            let piece = match chosen.held.pop_front() {
                Some(piece) => piece,
                // The stream ends by a finish or an error, and by nothing else.
                None => match within(self.request.deadline, chosen.rest.next()).await? {
                    Some(next) => {
                        let piece = next.inspect_err(|error| {
                            chosen.breaker.note(Sign::of(&error.fault), Instant::now().into());
                        })?;
                        chosen.note(&piece);
                        piece
                    }
                    None => return Err(Stop::CallerLeft),
                },
            };
            match piece {
                Piece::Text(text) => self.send(Event::Delta(text)).await?,
                Piece::ToolCall(call) => self.send(Event::ToolCall(call)).await?,
                Piece::Vectors(vectors) => self.send(Event::Vectors(vectors)).await?,
                Piece::Tokens(_) => {}
                Piece::Finish(finish) => return Ok(finish),
            }
        }
    }

    fn outcome(&self, open: &Open, finish: Finish, time_to_first_token: Duration, told: Told) -> Outcome {
        let decision = open.decision();
        Outcome {
            finish_reason: finish.reason,
            backend: Arc::clone(&decision.backend),
            model: Arc::clone(&decision.model),
            route: decision.route,
            input_tokens: finish.input_tokens,
            output_tokens: finish.output_tokens,
            time_to_first_token,
            total: self.started.elapsed(),
            cached_input_tokens: finish.cached_input_tokens,
            cost: open.cost(&finish),
            confidence: told.confidence,
            escalated: told.escalated,
            escalation_withheld: told.withheld,
        }
    }
}
