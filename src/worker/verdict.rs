//! The verdict as a message: the level and everything that explains it, and never a word of the text. What a message can
//! hold is bounded by the server, so a verdict with very many findings leaves some out, and says how many; levels, types
//! and counts are always whole.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::message::{Place, VERSION, Work};
use super::names::RunId;
use crate::audit::Provenance;
use crate::classify::Classified;
use crate::detect::{Catalog, Status};
use crate::document::CodePoints;
use crate::policy::{PolicyReference, Reason, Sensitivity};
use crate::scan::{self, Applied, FoundAt, Hit, Judged};

/// Room that is left in a message for headers and the subject.
const HEADROOM: usize = 16 * 1024;

/// The verdict on one document of the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The version of the messages.
    pub version: u32,
    /// The run.
    pub run: RunId,
    /// The document.
    pub id: String,
    /// Its number in the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The level.
    pub level: Sensitivity,
    /// The rules that gave it, then those that gave lower ones.
    pub reasons: Vec<RuleLine>,
    /// Entity types, and how many findings of each.
    pub types: BTreeMap<String, u64>,
    /// The findings that begin in what the document owns.
    pub findings: Vec<FindingLine>,
    /// Findings that did not fit into the message.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings_left_out: u64,
    /// What the text is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicLine>,
    /// The coverage receipt.
    pub coverage: CoverageLine,
    /// The policy that decided.
    pub policy: PolicyReference,
    /// What decided beside it.
    pub provenance: ProvenanceLine,
    /// Bytes of the text.
    pub bytes: u64,
    /// Microseconds from the text to the verdict.
    pub micros: u64,
    /// Which delivery of the document led to it, from 1.
    pub delivery: u64,
    /// Who classified it.
    pub worker: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingLine {
    /// The type.
    pub entity_type: String,
    /// Its coarse class.
    pub coarse: String,
    /// Code points of the text, half-open.
    pub start: u64,
    /// The end.
    pub end: u64,
    /// Where that is in the file; only counted past [`crate::scan::MAX_PLACES`] of its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<FoundAt>,
    /// From 0 to 1.
    pub score: f32,
    /// The highest level of the rules that it made apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Sensitivity>,
    /// Who found it.
    pub detector: String,
    /// By which entry of the catalog.
    pub recognizer: String,
}

/// A rule of the policy that applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// Its id.
    pub rule: String,
    /// The level that it gives.
    pub level: Sensitivity,
    /// A sentence for people.
    pub description: String,
}

/// What a text is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicLine {
    /// The name.
    pub name: String,
    /// From 0 to 1.
    pub probability: f32,
}

/// The receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageLine {
    /// Whether every detector saw everything, or was skipped by permission.
    pub complete: bool,
    /// One entry for each detector.
    pub detectors: Vec<DetectorLine>,
}

/// How far a detector came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectorLine {
    /// Who.
    pub detector: String,
    /// `complete`, `permitted_skip` or `failed`.
    pub status: String,
    /// Why, where it was skipped or failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Bytes that it saw.
    pub bytes_scanned: u64,
    /// Bytes that there were.
    pub bytes_total: u64,
}

/// Digests of what decided beside the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenanceLine {
    /// The version of Cordon.
    pub service_version: String,
    /// The catalog with its word lists.
    pub catalog: String,
    /// The named-entity model.
    pub model: String,
    /// The calibration of scores.
    pub calibration: String,
}

impl From<&Provenance> for ProvenanceLine {
    fn from(provenance: &Provenance) -> Self {
        Self {
            service_version: provenance.service_version.as_str().to_owned(),
            catalog: provenance.catalog.as_str().to_owned(),
            model: provenance.model.as_str().to_owned(),
            calibration: provenance.calibration.as_str().to_owned(),
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Verdict {
    /// The verdict on this document.
    #[must_use]
    pub fn new(work: &Work, classified: &Classified, catalog: &Catalog, delivery: u64, worker: &str) -> Self {
        let verdict = &classified.verdict;
        let unit = work.unit();
        let text = work.text.expose();
        let points = CodePoints::of(text);
        let min_score = classified.policy.min_score();
        let judged = scan::judge(&unit, verdict, min_score, false);
        let findings: Vec<FindingLine> = scan::owned(&unit, verdict, min_score)
            .into_iter()
            .zip(judged.hits)
            .map(|((finding, level), hit)| FindingLine {
                entity_type: finding.entity_type.to_string(),
                coarse: catalog.coarse(finding.entity_type.as_str()).to_owned(),
                start: points.code_point(finding.range.start) as u64,
                end: points.code_point(finding.range.end) as u64,
                at: hit.at,
                score: finding.score,
                level,
                detector: finding.detector.as_str().to_owned(),
                recognizer: finding.recognizer.to_string(),
            })
            .collect();
        let mut types = BTreeMap::new();
        for finding in &findings {
            *types.entry(finding.entity_type.clone()).or_default() += 1;
        }
        let rule = |reason: &Reason| RuleLine {
            rule: reason.rule.to_string(),
            level: reason.level,
            description: reason.description.to_string(),
        };
        Self {
            version: VERSION,
            run: work.run.clone(),
            id: work.id.clone(),
            number: work.number,
            place: work.place.clone(),
            level: verdict.level(),
            reasons: verdict.reasons().iter().map(rule).collect(),
            types,
            findings,
            findings_left_out: 0,
            topics: verdict
                .topics()
                .iter()
                .filter(|topic| topic.is_shown())
                .map(|topic| TopicLine { name: topic.name.to_string(), probability: topic.probability })
                .collect(),
            coverage: CoverageLine::of(classified),
            policy: verdict.policy().clone(),
            provenance: ProvenanceLine::from(&classified.provenance),
            bytes: text.len() as u64,
            micros: u64::try_from(classified.timings.total.as_micros()).unwrap_or(u64::MAX),
            delivery,
            worker: worker.to_owned(),
        }
    }

    /// What it adds to the summary of a scan, the same as if the document had been classified there.
    #[must_use]
    pub(crate) fn judged(&self, min_score: f32) -> Judged {
        let place = self.place.clone().unwrap_or_default();
        let mut left = self.types.clone();
        let mut hits = Vec::with_capacity(self.findings.len());
        for finding in &self.findings {
            left.entry(finding.entity_type.clone()).and_modify(|count| *count = count.saturating_sub(1));
            if finding.score >= min_score {
                hits.push(Hit {
                    entity_type: finding.entity_type.as_str().into(),
                    score: finding.score,
                    level: finding.level,
                    at: finding.at.clone(),
                    quote: None,
                });
            }
        }
        // Those that did not fit into the message are counted all the same.
        for (entity_type, count) in left {
            let hit = Hit { entity_type: entity_type.into(), score: 0.0, level: None, at: None, quote: None };
            hits.extend(std::iter::repeat_n(hit, usize::try_from(count).unwrap_or_default()));
        }
        let rule = |line: &RuleLine| Applied {
            rule: line.rule.as_str().into(),
            level: line.level,
            description: line.description.as_str().into(),
        };
        Judged {
            path: place.path.as_str().into(),
            bytes: place.owned.map_or(self.bytes, |(start, end)| end.saturating_sub(start)),
            place: place.in_file(),
            level: self.level,
            complete: self.coverage.complete,
            rules: self.reasons.iter().map(rule).collect(),
            hits,
        }
    }

    /// As bytes of a message of at most `max_payload`, without the findings that do not fit.
    ///
    /// # Errors
    /// When it cannot be written; a defect of Cordon.
    pub fn to_bytes(&self, max_payload: usize) -> Result<Bytes, serde_json::Error> {
        let room = max_payload.saturating_sub(HEADROOM);
        let mut bytes = serde_json::to_vec(self)?;
        let mut kept = self.findings.len();
        while bytes.len() > room && kept > 0 {
            // In proportion, and a tenth less, so that two or three rounds are enough.
            kept = (kept * room / bytes.len()).min(kept) * 9 / 10;
            let mut cut = self.clone();
            cut.findings.truncate(kept);
            cut.findings_left_out = self.findings_left_out + (self.findings.len() - kept) as u64;
            bytes = serde_json::to_vec(&cut)?;
        }
        Ok(Bytes::from(bytes))
    }
}

impl CoverageLine {
    fn of(classified: &Classified) -> Self {
        let coverage = classified.verdict.coverage();
        let entry = |entry: &crate::detect::DetectorCoverage| {
            let (status, reason) = match &entry.status {
                Status::Complete => ("complete", ""),
                Status::PermittedSkip(why) => ("permitted_skip", why.as_ref()),
                Status::Failed(why) => ("failed", why.as_ref()),
            };
            DetectorLine {
                detector: entry.detector.as_str().to_owned(),
                status: status.to_owned(),
                reason: reason.to_owned(),
                bytes_scanned: entry.bytes_scanned,
                bytes_total: entry.bytes_total,
            }
        };
        Self { complete: coverage.is_complete(), detectors: coverage.detectors.iter().map(entry).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(findings: usize) -> Verdict {
        let finding = |index: usize| FindingLine {
            entity_type: "EMAIL_ADDRESS".into(),
            coarse: "EMAIL".into(),
            start: index as u64 * 20,
            end: index as u64 * 20 + 10,
            at: None,
            score: 0.9,
            level: None,
            detector: "pattern".into(),
            recognizer: "email".into(),
        };
        Verdict {
            version: VERSION,
            run: RunId::new("r").unwrap(),
            id: "a#1".into(),
            number: Some(0),
            place: None,
            level: Sensitivity::Internal,
            reasons: Vec::new(),
            types: BTreeMap::from([("EMAIL_ADDRESS".into(), findings as u64)]),
            findings: (0..findings).map(finding).collect(),
            findings_left_out: 0,
            topics: Vec::new(),
            coverage: CoverageLine { complete: true, detectors: Vec::new() },
            policy: PolicyReference { name: "p".into(), version: "1".into(), digest: "d".into() },
            provenance: ProvenanceLine::default(),
            bytes: 1,
            micros: 1,
            delivery: 1,
            worker: "w".into(),
        }
    }

    #[test]
    fn a_verdict_that_is_too_large_leaves_findings_out_and_counts_them() {
        let limit = 1024 * 1024;
        for findings in [0, 3, 9_000, 60_000] {
            let bytes = verdict(findings).to_bytes(limit).unwrap();
            assert!(bytes.len() <= limit - HEADROOM);
            let back: Verdict = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(back.types.get("EMAIL_ADDRESS"), Some(&(findings as u64)));
            assert_eq!(back.findings.len() as u64 + back.findings_left_out, findings as u64);
            assert!(findings > 3 || back.findings_left_out == 0);
            assert!(findings < 9_000 || back.findings.len() > 4_000, "{}", back.findings.len());
        }
    }

    #[test]
    fn the_summary_counts_what_did_not_fit() {
        let bytes = verdict(60_000).to_bytes(1024 * 1024).unwrap();
        let cut: Verdict = serde_json::from_slice(&bytes).unwrap();
        assert!(cut.findings_left_out > 0);
        assert_eq!(cut.judged(0.5).hits.len(), 60_000);
        assert_eq!(verdict(3).judged(0.95).hits.len(), 0);
    }
}
