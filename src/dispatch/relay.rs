//! Passes an answer on to the caller, and writes how it ended. From its first piece on no other backend may step in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use super::attempt::Begun;
use super::breaker::Sign;
use super::dispatcher::{Run, Stop, within};
use super::once::Claim;
use super::provider::{Finish, Piece};
use super::record::Open;
use super::request::{Event, Outcome};

impl Run<'_> {
    /// Passes the answer on. From its first piece on no other backend may step in.
    pub(super) async fn relay(&self, begun: Begun, claim: Option<Claim<'_>>) -> Result<(), Stop> {
        let Begun { open, first, mut rest, time_to_first_token, breaker, place: _place } = begun;
        metrics::counter!("cordon_dispatches_total", "route" => open.decision().route.as_str(), "reason" => open.decision().reason)
            .increment(1);
        let ended = async {
            self.send(Event::Decision(open.decision().clone())).await?;
            let mut piece = first;
            loop {
                match piece {
                    Piece::Text(text) => self.send(Event::Delta(text)).await?,
                    Piece::Finish(finish) => return Ok(finish),
                }
                // The stream ends by a finish or an error, and by nothing else.
                piece = match within(self.request.deadline, rest.next()).await? {
                    Some(next) => {
                        next.inspect_err(|error| breaker.note(Sign::of(&error.fault), Instant::now().into()))?
                    }
                    None => return Err(Stop::CallerLeft),
                };
            }
        };
        match ended.await {
            Ok(finish) => {
                let outcome = self.outcome(&open, finish, time_to_first_token);
                if let Some(claim) = claim {
                    claim.answered(open.decision().id);
                }
                open.complete(finish, &outcome);
                self.send(Event::Outcome(outcome)).await
            }
            Err(Stop::Failed(error)) => {
                open.fail(error.kind(), error.reason());
                Err(Stop::Failed(error))
            }
            // Dropping the open record says that the caller left.
            Err(Stop::CallerLeft) => Err(Stop::CallerLeft),
        }
    }

    fn outcome(&self, open: &Open, finish: Finish, time_to_first_token: Duration) -> Outcome {
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
        }
    }
}
