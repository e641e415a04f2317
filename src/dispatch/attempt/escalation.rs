//! Whether the cloud may be asked for a better answer than the local one. The ceiling comes first: no switch of a policy and
//! no wish of a caller goes beyond it.

use super::Attempts;
use crate::audit::DecisionId;
use crate::dispatch::confidence::Confidence;
use crate::dispatch::escalate::withheld;
use crate::dispatch::plan::Cloud;
#[cfg(test)]
use crate::dispatch::sabotage::Sabotage;
use crate::policy::Route;

impl Attempts<'_> {
    /// Whether local answers are to be judged: the caller asks for it, or the policy escalates somewhere, so that people
    /// see what else would.
    pub(super) fn wants_confidence(&self) -> bool {
        // Vectors are not judged.
        self.request.embedding.is_none() && (self.request.confidence || self.judged.policy.escalates())
    }

    /// Whether the cloud may be asked for a better answer than the local one, or why not.
    pub(in crate::dispatch) fn may_escalate(&self) -> Result<(), &'static str> {
        #[cfg(test)]
        if self.sabotage() == Sabotage::EscalatesWithoutPermit {
            return Ok(());
        }
        match self.cloud() {
            _ if self.permit.ceiling() != Route::Cloud => Err(withheld::CEILING),
            _ if !self.plan.may_escalate() => Err(withheld::POLICY),
            Cloud::Absent => Err(withheld::NO_CLOUD_BACKEND),
            Cloud::Closed => Err(withheld::CLOUD_CLOSED),
            Cloud::Open => Ok(()),
        }
    }

    /// Until [`Attempts::stay_local`], decisions say that they come after this local answer.
    pub(in crate::dispatch) fn leave_local(&mut self, decision: Option<DecisionId>, confidence: Confidence) {
        self.left = Some((decision, confidence));
    }

    /// Decisions stand for themselves again.
    pub(in crate::dispatch) fn stay_local(&mut self) {
        self.left = None;
    }
}
