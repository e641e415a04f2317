//! What a detector said about texts: of this run, or read from a file of an earlier run or of another system. Such a
//! file has one JSON object a line: `{"id", "level", "spans": [{"start", "end", "label", "score"}]}`, where `level` and
//! `score` may be absent. What else stands in it is passed over.

use std::collections::HashMap;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::GoldError;
use crate::detect::{Catalog, EntityType, Finding};
use crate::document::CodePoints;
use crate::policy::{Sensitivity, Verdict};

/// A span in the coarse labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// First code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
    /// A coarse label, such as `PERSON`.
    pub label: String,
    /// How sure, from 0 to 1; 1 where nobody says.
    #[serde(default = "certain")]
    pub score: f32,
    /// The detector that found it, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Arc<str>>,
    /// The entity type behind the label, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<EntityType>,
}

const fn certain() -> f32 {
    1.0
}

impl Span {
    /// A span that is certain.
    #[must_use]
    pub fn new(start: usize, end: usize, label: impl Into<String>) -> Self {
        Self { start, end, label: label.into(), score: certain(), detector: None, entity_type: None }
    }

    /// A finding as a span of the text that `points` counts.
    #[must_use]
    pub fn of(finding: &Finding, points: &CodePoints<'_>, catalog: &Catalog) -> Self {
        Self {
            start: points.code_point(finding.range.start),
            end: points.code_point(finding.range.end),
            label: catalog.coarse(finding.entity_type.as_str()).to_owned(),
            score: finding.score,
            detector: Some(finding.detector.as_str().into()),
            entity_type: Some(finding.entity_type.clone()),
        }
    }
}

/// What a detector said about one text.
#[derive(Clone, Debug, Default)]
pub struct Prediction {
    /// Spans in the coarse labels.
    pub spans: Vec<Span>,
    /// The level.
    pub level: Option<Sensitivity>,
}

impl Prediction {
    /// The verdict on a text of one part. Findings below `min_score`, and those whose type has no coarse label, are
    /// left out.
    #[must_use]
    pub fn of(verdict: &Verdict, text: &str, catalog: &Catalog, min_score: f32) -> Self {
        let points = CodePoints::of(text);
        let scored = verdict.findings().iter().filter(|finding| finding.score >= min_score);
        let spans = scored.map(|finding| Span::of(finding, &points, catalog));
        Self { spans: spans.filter(|span| span.label != "OTHER").collect(), level: Some(verdict.level()) }
    }
}

/// The predictions of a file, by id.
#[derive(Clone, Debug, Default)]
pub struct Predictions {
    by_id: HashMap<String, Prediction>,
    /// Whether the file says anything about spans.
    pub has_spans: bool,
    /// Whether the file says anything about levels.
    pub has_levels: bool,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    #[serde(default)]
    level: Option<String>,
    #[serde(default)]
    spans: Option<Vec<Span>>,
}

impl Predictions {
    /// Reads a file; spans with a lower score than `min_score` are left out. A level that is none of the three counts
    /// as missing.
    ///
    /// # Errors
    /// Names the file and the line that cannot be used.
    pub fn read(path: &Path, min_score: f32) -> Result<Self, GoldError> {
        let failed = |source| GoldError::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut read = Self::default();
        for (index, line) in std::io::BufReader::new(file).lines().enumerate() {
            let line = line.map_err(failed)?;
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |problem: String| GoldError::Line { path: path.to_owned(), line: index + 1, problem };
            let Line { id, level, spans } = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
            read.has_spans |= spans.is_some();
            read.has_levels |= level.is_some();
            let mut spans = spans.unwrap_or_default();
            spans.retain(|span| span.score >= min_score);
            let level = level.and_then(|level| {
                super::LEVELS.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(level.trim()))
            });
            if read.by_id.insert(id, Prediction { spans, level }).is_some() {
                return Err(wrong("the id is there twice".to_owned()));
            }
        }
        Ok(read)
    }

    /// What was said about the text of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Prediction> {
        self.by_id.get(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<Predictions, GoldError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("p.jsonl");
        std::fs::write(&path, lines).unwrap();
        Predictions::read(&path, 0.4)
    }

    #[test]
    fn files_of_other_systems_are_read() {
        let lines = "{\"id\":\"a\",\"spans\":[{\"start\":0,\"end\":3,\"label\":\"PERSON\",\"score\":0.39},\
                     {\"start\":4,\"end\":5,\"label\":\"URL\",\"x\":1}]}\n\n{\"id\":\"b\",\"level\":\" Public\"}\n\
                     {\"id\":\"c\",\"level\":\"none\"}\n";
        let read = read(lines).unwrap();
        assert_eq!(read.get("a").unwrap().spans, [Span::new(4, 5, "URL")]);
        assert_eq!(read.get("b").unwrap().level, Some(Sensitivity::Public));
        assert_eq!(read.get("c").unwrap().level, None);
        assert!(read.get("d").is_none() && read.has_spans && read.has_levels);
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let twice = read("{\"id\":\"a\"}\n{\"id\":\"a\"}\n").unwrap_err().to_string();
        assert!(twice.contains(":2:") && twice.contains("twice"), "{twice}");
        assert!(read("{\"spans\":[]}\n").unwrap_err().to_string().contains("id"));
    }
}
