//! The part of a backend's configuration that says how it is used: its place among others, and how long and how often it
//! is tried.

use std::time::Duration;

use super::error::Problem;
use super::escalation::HoldBack;
use super::{BackendConfig, BackendError, BackendKind, Side};
use crate::dispatch::confidence::Measure;
use crate::dispatch::order::Rank;
use crate::dispatch::provider::ANTHROPIC_MAX_TOKENS;
use crate::money::{Price, PriceConfig};

/// Largest weight: enough for shares of a thousandth.
const MAX_WEIGHT: u32 = 1000;

/// Most retries of one backend for one request. More would only hold the caller.
const MAX_RETRIES: u32 = 5;

/// Time between two probes of a local backend.
const USUAL_HEALTH_INTERVAL: Duration = Duration::from_secs(30);

/// Probes more often than this would be load.
const LEAST_HEALTH_INTERVAL_MS: u64 = 1000;

/// Probes less often than once a day tell nobody anything; the bound also keeps sums of times within the clock.
const MOST_HEALTH_INTERVAL_MS: u64 = 24 * 60 * 60 * 1000;

/// How a backend is used, validated.
#[derive(Clone, Copy, Debug)]
pub(in crate::dispatch) struct Terms {
    /// Its place.
    pub(in crate::dispatch) rank: Rank,
    /// How often it is called again for one request.
    pub(in crate::dispatch) retries: u32,
    /// How long its first piece may take; `None` leaves it to the idle timeout.
    pub(in crate::dispatch) first_token_timeout: Option<Duration>,
    /// Time between two probes; `None` is never.
    pub(in crate::dispatch) health_interval: Option<Duration>,
    /// Calls at once; `None` is no limit.
    pub(in crate::dispatch) max_calls: Option<u32>,
    /// Requests that may wait for a place.
    pub(in crate::dispatch) max_waiting: u32,
    /// What makes its answers sure enough.
    pub(in crate::dispatch) measure: Measure,
    /// What is held back of them when they are streamed.
    pub(in crate::dispatch) hold_back: HoldBack,
    /// What its tokens cost.
    pub(in crate::dispatch) price: Option<Price>,
    /// Tokens of an answer when the caller does not say; `None` is the backend's own limit, which nobody knows.
    pub(in crate::dispatch) max_output_tokens: Option<u32>,
}

impl BackendConfig {
    /// Checks how the backend is to be used.
    pub(in crate::dispatch) fn terms(&self) -> Result<Terms, BackendError> {
        self.checked_terms().map_err(|problem| BackendError { backend: self.name.clone(), problem })
    }

    /// What a budget needs to bound the cost of a call and this backend does not say; `None` if nothing is missing.
    #[must_use]
    pub fn lacks_for_budget(&self) -> Option<&'static str> {
        match (self.side, &self.price, self.output_limit()) {
            (Side::Local, ..) => None,
            (Side::Cloud, None, _) => Some("price"),
            (Side::Cloud, Some(_), None) => Some("max_output_tokens"),
            (Side::Cloud, Some(_), Some(_)) => None,
        }
    }

    fn output_limit(&self) -> Option<u32> {
        match self.kind {
            BackendKind::Anthropic => Some(self.max_output_tokens.unwrap_or(ANTHROPIC_MAX_TOKENS)),
            BackendKind::Ollama | BackendKind::Openai => self.max_output_tokens,
        }
    }

    fn checked_terms(&self) -> Result<Terms, Problem> {
        let weight = self.weight.unwrap_or(1);
        if self.priority.is_none() && self.weight.is_some() {
            return Err(Problem::WeightAlone);
        }
        if !(1..=MAX_WEIGHT).contains(&weight) {
            return Err(Problem::Weight(MAX_WEIGHT));
        }
        if self.retries > MAX_RETRIES {
            return Err(Problem::Retries(MAX_RETRIES));
        }
        if self.max_calls == Some(0) {
            return Err(Problem::Zero("max_calls"));
        }
        if self.max_calls.is_none() && self.max_waiting.is_some() {
            return Err(Problem::WaitingAlone);
        }
        if self.first_token_timeout_ms == Some(0) {
            return Err(Problem::Zero("first_token_timeout_ms"));
        }
        let health_interval = match (self.health_interval_ms, self.side) {
            (Some(0), _) | (None, Side::Cloud) => None,
            (Some(interval), _) if !(LEAST_HEALTH_INTERVAL_MS..=MOST_HEALTH_INTERVAL_MS).contains(&interval) => {
                return Err(Problem::HealthInterval(LEAST_HEALTH_INTERVAL_MS, MOST_HEALTH_INTERVAL_MS));
            }
            (Some(interval), _) => Some(Duration::from_millis(interval)),
            (None, Side::Local) => Some(USUAL_HEALTH_INTERVAL),
        };
        let (measure, hold_back) = self.checked_escalation()?;
        Ok(Terms {
            measure,
            hold_back,
            health_interval,
            rank: Rank { priority: self.priority, weight },
            retries: self.retries,
            max_calls: self.max_calls,
            max_waiting: self.max_waiting.unwrap_or_else(|| self.max_calls.unwrap_or(0).saturating_mul(4)),
            first_token_timeout: self.first_token_timeout_ms.map(Duration::from_millis),
            price: self.price.as_ref().map(PriceConfig::checked).transpose()?,
            max_output_tokens: self.output_limit(),
        })
    }
}
