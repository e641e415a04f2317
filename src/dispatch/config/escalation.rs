//! `[backend.escalation]`: what makes an answer of this local backend sure enough, and how much of it is held back until
//! that is known.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::Problem;
use super::{BackendConfig, BackendKind, Side, read_small};
use crate::dispatch::confidence::{Measure, Weights};

/// Bytes of a calibration file.
const MAX_FILE: u64 = 64 * 1024;

/// Tokens that are held back. Most answers that a small model gets right are over by then, and 64 tokens at 30 a second
/// are about the two seconds below.
const USUAL_TOKENS: u32 = 64;
/// Bytes of text, for backends that say nothing of tokens: English has four and a half a token.
const USUAL_BYTES: u32 = 320;
/// Time that the caller waits beyond the first token.
const USUAL_MS: u64 = 2_000;

/// Bounds of what may be held back.
const MOST_TOKENS: u32 = 4_096;
const MOST_BYTES: u32 = 64 * 1024;
const MOST_MS: u64 = 60_000;

/// The table as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EscalationConfig {
    /// An answer with a lower score is not sure enough; from 0 to 1.
    pub threshold: Option<f64>,
    /// The same for the beginning of an answer, where the caller streams; `threshold` when absent.
    pub early_threshold: Option<f64>,
    /// Weights of the formula; see docs/escalation.md.
    pub weights: Option<Weights>,
    /// File with these three, as `cordon calibrate escalation --write` leaves it.
    pub calibration: Option<PathBuf>,
    /// Tokens after which a streamed answer is judged.
    pub hold_back_tokens: Option<u32>,
    /// Bytes of text after which it is judged.
    pub hold_back_bytes: Option<u32>,
    /// Milliseconds after its first piece when it is judged.
    pub hold_back_ms: Option<u64>,
}

/// A calibration file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationCalibration {
    /// As in [`EscalationConfig`].
    pub threshold: f64,
    /// As in [`EscalationConfig`].
    #[serde(default)]
    pub early_threshold: Option<f64>,
    /// As in [`EscalationConfig`].
    pub weights: Weights,
}

/// What is held back of a streamed answer until it is judged: the first bound that is reached counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldBack {
    /// Tokens.
    pub tokens: u32,
    /// Bytes of text.
    pub bytes: u32,
    /// From the first piece on.
    pub time: Duration,
}

impl Default for HoldBack {
    fn default() -> Self {
        Self { tokens: USUAL_TOKENS, bytes: USUAL_BYTES, time: Duration::from_millis(USUAL_MS) }
    }
}

impl BackendConfig {
    /// Whether it may be asked for log-probabilities.
    pub(super) fn gives_probabilities(&self) -> bool {
        let usual = self.side == Side::Local && self.kind != BackendKind::Anthropic;
        self.logprobs.unwrap_or(usual)
    }

    pub(super) fn checked_escalation(&self) -> Result<(Measure, HoldBack), Problem> {
        if self.side == Side::Cloud {
            for (field, set) in [("escalation", self.escalation.is_some()), ("logprobs", self.logprobs.is_some())] {
                if set {
                    return Err(Problem::LocalField(field));
                }
            }
        }
        if self.kind == BackendKind::Anthropic && self.logprobs == Some(true) {
            return Err(Problem::NoProbabilities);
        }
        let config = self.escalation.clone().unwrap_or_default();
        let written = config.threshold.is_some() || config.early_threshold.is_some() || config.weights.is_some();
        let calibration = match &config.calibration {
            Some(_) if written => return Err(Problem::TwoCalibrations),
            Some(path) => {
                let text = read_small(path, MAX_FILE).map_err(|error| Problem::CalibrationFile(path.clone(), error))?;
                Some(
                    toml::from_str::<EscalationCalibration>(&text)
                        .map_err(|error| Problem::Calibration(path.clone(), error.message().to_owned()))?,
                )
            }
            None => None,
        };
        let usual = Measure::default();
        let threshold = calibration.map(|file| file.threshold).or(config.threshold);
        let early = calibration.map_or(config.early_threshold, |file| file.early_threshold).or(threshold);
        let measure = Measure {
            weights: calibration.map(|file| file.weights).or(config.weights).unwrap_or(usual.weights),
            threshold: threshold.unwrap_or(usual.threshold),
            early_threshold: early.unwrap_or(usual.early_threshold),
        };
        for (field, value) in [("threshold", measure.threshold), ("early_threshold", measure.early_threshold)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(Problem::NoShare(field));
            }
        }
        if !measure.weights.are_sound() {
            return Err(Problem::Weights);
        }
        let bounded = |field, value: Option<u64>, usual: u64, most: u64| match value.unwrap_or(usual) {
            value if (1..=most).contains(&value) => Ok(value),
            _ => Err(Problem::HoldBack(field, most)),
        };
        let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        let hold_back = HoldBack {
            tokens: narrow(bounded(
                "hold_back_tokens",
                config.hold_back_tokens.map(u64::from),
                USUAL_TOKENS.into(),
                MOST_TOKENS.into(),
            )?),
            bytes: narrow(bounded(
                "hold_back_bytes",
                config.hold_back_bytes.map(u64::from),
                USUAL_BYTES.into(),
                MOST_BYTES.into(),
            )?),
            time: Duration::from_millis(bounded("hold_back_ms", config.hold_back_ms, USUAL_MS, MOST_MS)?),
        };
        Ok((measure, hold_back))
    }
}
