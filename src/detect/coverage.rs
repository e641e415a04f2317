//! The coverage receipt: which detectors ran, over how many bytes, and what stopped them. A receipt can only get worse:
//! a detector that is missing from it, or that saw less than everything without a permitted skip, counts as failed.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Detector;

/// How far a detector came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status", content = "reason")]
pub enum Status {
    /// It saw every byte.
    Complete,
    /// It was skipped where the policy permits that; says why, such as `rules_reached_highest_level`.
    PermittedSkip(Cow<'static, str>),
    /// It failed, timed out or hit a limit; says why, such as `timed_out`.
    Failed(Cow<'static, str>),
}

/// What one detector did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorCoverage {
    /// Who.
    pub detector: Detector,
    /// How far it came.
    pub status: Status,
    /// Bytes that it saw.
    pub bytes_scanned: u64,
    /// Bytes of the document; for the model also those that its encodings say once they are undone.
    pub bytes_total: u64,
    /// Digest of what it ran with (catalog, lists, model), in hexadecimal.
    pub digest: Arc<str>,
}

/// The receipt of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// One entry for each detector that the service is built of.
    pub detectors: Vec<DetectorCoverage>,
}

impl Coverage {
    /// Whether every detector that must speak has spoken about every byte, or was skipped by permission.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        const ALL: [Detector; 4] = [Detector::Pattern, Detector::Dictionary, Detector::Secret, Detector::Ner];
        ALL.iter().all(|wanted| self.detectors.iter().any(|entry| entry.detector == *wanted))
            && self.detectors.iter().all(|entry| match entry.status {
                Status::Complete => entry.bytes_scanned >= entry.bytes_total,
                Status::PermittedSkip(_) => true,
                Status::Failed(_) => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(detector: Detector, status: Status, bytes_scanned: u64) -> DetectorCoverage {
        DetectorCoverage { detector, status, bytes_scanned, bytes_total: 10, digest: "d".into() }
    }

    fn receipt(ner: Status, bytes: u64) -> Coverage {
        let rules = [Detector::Pattern, Detector::Dictionary, Detector::Secret];
        let mut detectors: Vec<_> = rules.into_iter().map(|d| entry(d, Status::Complete, 10)).collect();
        detectors.push(entry(Detector::Ner, ner, bytes));
        Coverage { detectors }
    }

    #[test]
    fn only_full_or_permitted_coverage_is_complete() {
        assert!(receipt(Status::Complete, 10).is_complete());
        assert!(receipt(Status::PermittedSkip("why".into()), 0).is_complete());
        assert!(!receipt(Status::Complete, 9).is_complete(), "complete over fewer bytes");
        assert!(!receipt(Status::Failed("timed_out".into()), 10).is_complete());
        assert!(!Coverage::default().is_complete(), "nobody spoke");
    }
}
