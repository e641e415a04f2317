//! One line of `classify`: what is known about one text, from this process or from a service, in the form of the JSON
//! that is printed and of the explanation that is drawn from it. It decides nothing.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::classify::{Classified, Query};
use crate::detect::{Adjustment, Catalog, Coverage, DetectorCoverage, Explanation, Finding, Status, Topic, language};
use crate::document::{CodePoints, Document};
use crate::policy::Sensitivity;
use crate::service::{convert, proto};

use super::explain::{Change, Why, changes};

/// One line of output.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: Value,
    pub(super) level: Sensitivity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
    pub(super) findings: Vec<FindingRow>,
    pub(super) topics: Vec<TopicRow>,
    /// ISO 639-1 code, if the text tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) coverage: Option<CoverageRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<Detail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Why>,
}

/// What `--explain` adds.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Detail {
    /// The text, for the caller's own screen.
    #[serde(skip)]
    pub(super) text: String,
    /// Findings below it count for no rule; 0 where a service does not tell.
    #[serde(skip)]
    pub(super) least_score: f32,
    /// The rules that applied, those of the level first.
    pub(super) rules: Vec<RuleRow>,
    /// What would change the level; a service does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changes: Option<Vec<Change>>,
    /// What only helped the rules to judge.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cues: Vec<CueRow>,
    /// What was found and left out, because the policy lists it as harmless.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) allowed: Vec<CueRow>,
}

/// A rule that applied.
#[derive(Clone, Debug, Serialize)]
pub(super) struct RuleRow {
    pub(super) rule: String,
    pub(super) level: Sensitivity,
    pub(super) description: String,
    pub(super) entity_types: Vec<String>,
    /// What the rule asks the text to be about, and it is; a service does not tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) topics: Vec<TopicRow>,
}

/// A span that is no finding.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CueRow {
    pub(super) entity_type: String,
    /// Code points, half-open.
    pub(super) start: u64,
    pub(super) end: u64,
}

/// A finding.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct FindingRow {
    pub(super) entity_type: String,
    pub(super) coarse: String,
    /// Code points, half-open.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) score: f32,
    pub(super) detector: String,
    pub(super) recognizer: String,
    pub(super) pattern: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) validator: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) context_words: Vec<String>,
    pub(super) base_score: f32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) adjustments: Vec<AdjustmentRow>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) note: String,
    /// Rules that it made apply.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) used_by: Vec<String>,
    /// One sentence about its type.
    #[serde(skip)]
    pub(super) description: String,
    /// Where its rule comes from.
    #[serde(skip)]
    pub(super) source: String,
}

/// One change of a score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct AdjustmentRow {
    pub(super) reason: String,
    pub(super) score: f32,
}

/// What a text is about.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TopicRow {
    pub(super) name: String,
    pub(super) probability: f32,
}

impl From<&Topic> for TopicRow {
    fn from(topic: &Topic) -> Self {
        Self { name: topic.name.to_string(), probability: topic.probability }
    }
}

/// The receipt.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CoverageRow {
    pub(super) complete: bool,
    pub(super) detectors: Vec<DetectorRow>,
}

/// How far a detector came.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DetectorRow {
    pub(super) detector: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) bytes_scanned: u64,
    pub(super) bytes_total: u64,
}

/// What is known about entity types of a service.
pub(super) type Types = HashMap<String, proto::EntityTypeInfo>;

impl Row {
    /// What cannot be read is confidential.
    pub(super) fn failed(id: Value, problem: String) -> Self {
        Self {
            id,
            level: Sensitivity::HIGHEST,
            reasons: Vec::new(),
            findings: Vec::new(),
            topics: Vec::new(),
            language: None,
            coverage: None,
            error: Some(problem),
            detail: None,
            why: None,
        }
    }

    /// An answer of this process.
    pub(super) fn local(
        id: Value,
        classified: &Classified,
        document: &Document,
        catalog: &Catalog,
        min_score: f32,
    ) -> Self {
        let verdict = &classified.verdict;
        let points = CodePoints::of(text_of(document));
        let findings = verdict.findings().iter().zip(verdict.reasons_by_finding());
        let finding = |(finding, rules): (&Finding, Vec<&crate::policy::Reason>)| {
            let info = catalog.entity_type(finding.entity_type.as_str());
            let Explanation { pattern, validator, context_words, base_score, adjustments, note } = &finding.explanation;
            FindingRow {
                entity_type: finding.entity_type.to_string(),
                coarse: catalog.coarse(finding.entity_type.as_str()).to_owned(),
                start: points.code_point(finding.range.start) as u64,
                end: points.code_point(finding.range.end) as u64,
                score: finding.score,
                detector: finding.detector.as_str().to_owned(),
                recognizer: finding.recognizer.to_string(),
                pattern: pattern.to_string(),
                validator: validator.to_string(),
                context_words: context_words.iter().map(ToString::to_string).collect(),
                base_score: *base_score,
                adjustments: adjustments.iter().map(AdjustmentRow::from).collect(),
                note: note.to_string(),
                used_by: rules.iter().map(|reason| reason.rule.to_string()).collect(),
                description: info.map(|info| info.description.to_string()).unwrap_or_default(),
                source: catalog.source_of(&finding.recognizer).unwrap_or_default().to_owned(),
            }
        };
        Self {
            id,
            level: verdict.level(),
            reasons: verdict.reasons().iter().map(|reason| reason.rule.to_string()).collect(),
            findings: findings.filter(|(finding, _)| finding.score >= min_score).map(finding).collect(),
            topics: verdict.topics().iter().filter(|topic| topic.is_shown()).map(TopicRow::from).collect(),
            language: language::tell(text_of(document)).likeliest,
            coverage: Some(CoverageRow::from(verdict.coverage())),
            error: None,
            detail: None,
            why: None,
        }
    }

    /// With what `--explain` shows.
    pub(super) fn explained(mut self, classified: &Classified, document: &Document, query: &Query) -> Self {
        let verdict = &classified.verdict;
        let text = text_of(document);
        let points = CodePoints::of(text);
        let span = |finding: &Finding| CueRow {
            entity_type: finding.entity_type.to_string(),
            start: points.code_point(finding.range.start) as u64,
            end: points.code_point(finding.range.end) as u64,
        };
        let rule = |(reason, topics): (&crate::policy::Reason, Vec<&Topic>)| RuleRow {
            rule: reason.rule.to_string(),
            level: reason.level,
            description: reason.description.to_string(),
            entity_types: reason.entity_types.iter().map(ToString::to_string).collect(),
            topics: topics.into_iter().map(TopicRow::from).collect(),
        };
        self.detail = Some(Detail {
            text: text.to_owned(),
            least_score: classified.policy.min_score(),
            rules: verdict.reasons().iter().zip(verdict.topics_by_reason()).map(rule).collect(),
            changes: Some(changes(verdict, &classified.policy, document, query)),
            cues: verdict.cues().iter().map(span).collect(),
            allowed: verdict.allowed().iter().map(span).collect(),
        });
        self
    }

    /// An answer of a service.
    pub(super) fn remote(id: Value, verdict: proto::Verdict, types: &Types) -> Self {
        let finding = |finding: proto::Finding| {
            let range = finding.codepoint_range.unwrap_or_default();
            let detector = strip(finding.detector().as_str_name(), "DETECTOR_");
            let info = types.get(&finding.entity_type);
            let explanation = finding.explanation.unwrap_or_default();
            let adjustment = |step: proto::ScoreAdjustment| AdjustmentRow { reason: step.reason, score: step.score };
            FindingRow {
                coarse: info.map_or_else(|| "OTHER".to_owned(), |info| info.coarse.clone()),
                description: info.map(|info| info.description.clone()).unwrap_or_default(),
                detector,
                entity_type: finding.entity_type,
                start: range.start,
                end: range.end,
                score: finding.score,
                recognizer: finding.recognizer,
                pattern: explanation.pattern,
                validator: explanation.validator,
                context_words: explanation.context_words,
                base_score: explanation.base_score,
                adjustments: explanation.adjustments.into_iter().map(adjustment).collect(),
                note: explanation.note,
                used_by: finding.used_by,
                source: String::new(),
            }
        };
        let level = convert::level_from_proto(verdict.level());
        let coverage = verdict.coverage.map(|coverage| {
            let entry = |entry: proto::DetectorCoverage| DetectorRow {
                detector: strip(entry.detector().as_str_name(), "DETECTOR_"),
                status: strip(entry.status().as_str_name(), "COVERAGE_STATUS_"),
                bytes_scanned: entry.bytes_scanned,
                bytes_total: entry.bytes_total,
                reason: entry.reason,
            };
            CoverageRow { complete: coverage.complete, detectors: coverage.detectors.into_iter().map(entry).collect() }
        });
        Self {
            id,
            // An unknown level is confidential.
            level: level.unwrap_or(Sensitivity::HIGHEST),
            reasons: verdict.reasons.into_iter().map(|reason| reason.rule).collect(),
            findings: verdict.findings.into_iter().map(finding).collect(),
            topics: verdict
                .topics
                .into_iter()
                .map(|topic| TopicRow { name: topic.name, probability: topic.probability })
                .collect(),
            language: None,
            coverage,
            error: None,
            detail: None,
            why: None,
        }
    }

    /// The same, with what a service tells for `--explain`.
    pub(super) fn remote_explained(id: Value, verdict: proto::Verdict, types: &Types, text: String) -> Self {
        let rule = |reason: &proto::Reason| RuleRow {
            rule: reason.rule.clone(),
            level: convert::level_from_proto(reason.level()).unwrap_or(Sensitivity::HIGHEST),
            description: reason.description.clone(),
            entity_types: reason.entity_types.clone(),
            topics: Vec::new(),
        };
        let rules = verdict.reasons.iter().map(rule).collect();
        let detail = Detail { text, rules, ..Detail::default() };
        Self { detail: Some(detail), ..Self::remote(id, verdict, types) }
    }
}

/// The text of a document of one part.
pub(super) fn text_of(document: &Document) -> &str {
    document.parts().first().map(|part| part.text.expose()).unwrap_or_default()
}

impl From<&Adjustment> for AdjustmentRow {
    fn from(adjustment: &Adjustment) -> Self {
        Self { reason: adjustment.reason.to_owned(), score: adjustment.score }
    }
}

impl From<&Coverage> for CoverageRow {
    fn from(coverage: &Coverage) -> Self {
        let entry = |entry: &DetectorCoverage| {
            let (status, reason) = match &entry.status {
                Status::Complete => ("complete", ""),
                Status::PermittedSkip(why) => ("permitted_skip", why.as_ref()),
                Status::Failed(why) => ("failed", why.as_ref()),
            };
            DetectorRow {
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

fn strip(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase()
}
