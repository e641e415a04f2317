//! Findings as the log keeps them: offsets, types, scores and who found them. The found values themselves are seen here
//! once, to count how many differ, and only as keyed digests; what is kept of them is a number that means something
//! inside one record alone.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Deserializer, Serialize};

use crate::detect::{Category, Detector, EntityType, Finding, Topic, in_millionths, of_millionths};
use crate::document::{Document, Role};

use super::{DigestKey, Label};

/// At most this many findings are listed in one record, about half a megabyte; the rest are counted.
pub const MAX_FINDINGS: usize = 4096;

/// A score or probability in millionths. What is not a number counts as certain, because unknown is worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Score(u32);

impl Score {
    const ONE: u32 = 1_000_000;

    /// Rounds a score from 0 to 1; what is outside is brought to the nearer end.
    #[must_use]
    pub fn of(score: f32) -> Self {
        Self(in_millionths(score))
    }

    /// The probability of a topic.
    pub(super) fn of_topic(topic: &Topic) -> Self {
        Self(topic.millionths())
    }

    /// Millionths, from 0 to 1000000.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// From 0 to 1.
    #[must_use]
    pub fn as_f32(self) -> f32 {
        of_millionths(self.0)
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millionths = u32::deserialize(deserializer)?;
        if millionths > Self::ONE {
            return Err(serde::de::Error::custom("a score above 1"));
        }
        Ok(Self(millionths))
    }
}

/// How often a type was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityCount {
    /// The type.
    pub entity_type: EntityType,
    /// Its group.
    pub category: Category,
    /// Findings.
    pub count: u64,
    /// Different values among them, told apart by keyed digest.
    pub distinct: u64,
    /// Highest score among them.
    pub max_score: Score,
}

/// One finding without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedFinding {
    /// Index of the part.
    pub part: u64,
    /// Who speaks in that part: `user`, `tool`, ….
    pub role: Label,
    /// First byte of the part's text.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// What the span holds.
    pub entity_type: EntityType,
    /// Its group.
    pub category: Category,
    /// How sure that is.
    pub score: Score,
    /// Who found it.
    pub detector: Detector,
    /// Id of the catalog entry, word list or model label.
    pub recognizer: Label,
    /// Equal numbers under one type in one record mean equal values; counted from 0. It says nothing across records.
    pub value: u64,
}

/// The findings of one document, counted and listed.
pub(super) struct Summary {
    pub(super) counts: Vec<EntityCount>,
    pub(super) findings: Vec<RecordedFinding>,
    pub(super) omitted: u64,
}

/// Counts the findings by type. A finding whose range is not in the document counts as a value of its own.
pub(super) fn summarise(findings: &[Finding], document: &Document, key: &DigestKey) -> Summary {
    let mut counts: BTreeMap<EntityType, EntityCount> = BTreeMap::new();
    let mut values: HashMap<(EntityType, [u8; 32]), u64> = HashMap::new();
    let mut listed = Vec::with_capacity(findings.len().min(MAX_FINDINGS));
    for finding in findings {
        let entity_type = tidy_type(&finding.entity_type);
        let part = document.parts().get(finding.part);
        let score = Score::of(finding.score);
        let entry = counts.entry(entity_type.clone()).or_insert_with(|| EntityCount {
            entity_type: entity_type.clone(),
            category: finding.category,
            count: 0,
            distinct: 0,
            max_score: Score::default(),
        });
        entry.count += 1;
        entry.max_score = entry.max_score.max(score);
        let value = match part.and_then(|part| part.text.expose().get(finding.range.clone())) {
            Some(text) => *values.entry((entity_type.clone(), key.value(text))).or_insert_with(|| next(entry)),
            None => next(entry),
        };
        if listed.len() < MAX_FINDINGS {
            listed.push(RecordedFinding {
                part: finding.part as u64,
                role: Label::token(part.map_or("", |part| role_name(part.role))),
                start: finding.range.start as u64,
                end: finding.range.end as u64,
                entity_type,
                category: finding.category,
                score,
                detector: finding.detector,
                recognizer: Label::new(&finding.recognizer),
                value,
            });
        }
    }
    let omitted = (findings.len() - listed.len()) as u64;
    Summary { counts: counts.into_values().collect(), findings: listed, omitted }
}

/// Number of a value that was not seen before under its type.
fn next(entry: &mut EntityCount) -> u64 {
    let number = entry.distinct;
    entry.distinct += 1;
    number
}

fn tidy_type(entity_type: &EntityType) -> EntityType {
    let label = Label::token(entity_type.as_str());
    if label.as_str() == entity_type.as_str() { entity_type.clone() } else { EntityType::new(label.shared()) }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
        Role::ToolDefinition => "tool_definition",
        Role::Metadata => "metadata",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(entity_type: &str, range: std::ops::Range<usize>, score: f32) -> Finding {
        Finding {
            part: 0,
            range,
            entity_type: EntityType::new(entity_type),
            category: Category::Financial,
            score,
            detector: Detector::Pattern,
            recognizer: "r".into(),
            explanation: crate::detect::Explanation::default(),
        }
    }

    #[test]
    fn equal_values_are_counted_once() {
        let document = Document::of("4111-1111 4111 1111 5500");
        let found = [finding("CARD", 0..9, 0.5), finding("CARD", 10..19, 0.9), finding("CARD", 20..24, 0.1)];
        let summary = summarise(&found, &document, &DigestKey::from_bytes(&[1; 32]));
        let [count] = summary.counts.as_slice() else { panic!("one type") };
        assert_eq!((count.count, count.distinct, count.max_score.millionths()), (3, 2, 900_000));
        let values: Vec<_> = summary.findings.iter().map(|finding| finding.value).collect();
        assert_eq!(values, [0, 0, 1]);
    }

    #[test]
    fn a_range_outside_the_document_counts_as_its_own_value() {
        let document = Document::of("short");
        let found = [finding("A", 0..90, 0.5), finding("A", 0..90, 0.5)];
        let summary = summarise(&found, &document, &DigestKey::from_bytes(&[1; 32]));
        assert_eq!(summary.counts[0].distinct, 2);
    }

    #[test]
    fn too_many_findings_are_counted_and_said() {
        let document = Document::of("x".repeat(5000));
        let found: Vec<_> = (0..5000).map(|at| finding("A", at..at + 1, 0.5)).collect();
        let summary = summarise(&found, &document, &DigestKey::from_bytes(&[1; 32]));
        assert_eq!((summary.findings.len(), summary.omitted), (MAX_FINDINGS, 5000 - MAX_FINDINGS as u64));
        assert_eq!((summary.counts[0].count, summary.counts[0].distinct), (5000, 1));
    }

    #[test]
    fn scores_are_kept_in_millionths() {
        let kept = |score| Score::of(score).millionths();
        assert_eq!([kept(0.85), kept(-1.0), kept(7.0), kept(f32::NAN)], [850_000, 0, 1_000_000, 1_000_000]);
    }
}
