//! What a verdict on one unit says for the summary: the level, the rules, and each finding that the unit owns with its
//! line. It keeps places, not texts; a found value is kept only where a caller asked to see it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::Finding;
use crate::document::JsonPaths;
use crate::policy::{Sensitivity, Verdict};

use super::source::{Place, Unit};

/// Findings of one type of which a unit keeps the places; the rest is counted.
pub const MAX_PLACES: usize = 100;

/// Where a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FoundAt {
    /// Row of a table or message of a mailbox, from 1; 0 is the header of a table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Part of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// Line, from 1; of a record, the line that the record begins on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// First column in code points, from 1; records have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Line of the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u64>,
    /// The column after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u64>,
    /// Field or column, by name or RFC 6901 pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// A finding that the unit owns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) entity_type: Arc<str>,
    pub(crate) score: f32,
    /// The highest level of the rules that it made apply.
    pub(crate) level: Option<Sensitivity>,
    /// `None` past [`MAX_PLACES`] of its type.
    pub(crate) at: Option<FoundAt>,
    pub(crate) quote: Option<String>,
}

/// A rule that applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub(crate) rule: Arc<str>,
    pub(crate) level: Sensitivity,
    pub(crate) description: Arc<str>,
}

/// What a unit adds to the summary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    pub(crate) path: Arc<str>,
    pub(crate) place: Place,
    pub(crate) bytes: u64,
    pub(crate) level: Sensitivity,
    pub(crate) complete: bool,
    pub(crate) rules: Vec<Applied>,
    pub(crate) hits: Vec<Hit>,
}

/// Follows a text forward and counts its lines and columns.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    column: u64,
}

impl<'a> Cursor<'a> {
    fn to(&mut self, byte: usize) -> (u64, u64) {
        for character in self.text.get(self.at..byte).unwrap_or_default().chars() {
            if character == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        self.at = self.at.max(byte);
        (self.line, self.column)
    }

    fn copy(&self) -> Cursor<'a> {
        Cursor { ..*self }
    }
}

/// The findings that the unit owns, in their order, each with the highest level of the rules that it made apply.
pub(crate) fn owned<'a>(unit: &Unit, verdict: &'a Verdict, min_score: f32) -> Vec<(&'a Finding, Option<Sensitivity>)> {
    let mut owned: Vec<(&Finding, Option<Sensitivity>)> = verdict
        .findings()
        .iter()
        .zip(verdict.reasons_by_finding())
        .filter(|(finding, _)| finding.score >= min_score && unit.owned.contains(&finding.range.start))
        .map(|(finding, rules)| (finding, rules.iter().map(|rule| rule.level).max()))
        .collect();
    owned.sort_by_key(|(finding, _)| finding.range.start);
    owned
}

/// What this verdict on this unit says.
pub(crate) fn judge(unit: &Unit, verdict: &Verdict, min_score: f32, quote: bool) -> Judged {
    let text = unit.text.expose();
    let place = &unit.place;
    let owned = owned(unit, verdict, min_score);
    // A record's text is made of it, so only its first line is known; its fields are.
    let is_record = place.column == 0;
    let paths = if is_record && unit.field.is_none() { JsonPaths::of(text) } else { None };
    let mut cursor = Cursor { text, at: 0, line: place.line.unwrap_or(1), column: place.column.max(1) };
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut hits = Vec::with_capacity(owned.len());
    for (finding, level) in owned {
        let entity_type = finding.entity_type.as_str();
        let count = seen.entry(entity_type).or_default();
        *count += 1;
        let at = (*count <= MAX_PLACES).then(|| {
            let mut at = FoundAt { record: place.record, section: place.section.clone(), ..FoundAt::default() };
            if is_record {
                at.line = place.line;
                let pointer =
                    paths.as_ref().map(|paths| paths.at(finding.range.start)).filter(|pointer| !pointer.is_empty());
                at.field = unit.field.clone().or_else(|| pointer.map(str::to_owned));
            } else {
                let (line, column) = cursor.to(finding.range.start);
                let (end_line, end_column) = cursor.copy().to(finding.range.end);
                (at.line, at.column) = (Some(line), Some(column));
                (at.end_line, at.end_column) = (Some(end_line), Some(end_column));
            }
            at
        });
        let quote = if quote && at.is_some() { text.get(finding.range.clone()).map(str::to_owned) } else { None };
        hits.push(Hit { entity_type: entity_type.into(), score: finding.score, level, at, quote });
    }
    let rules = verdict.reasons().iter().map(|reason| Applied {
        rule: reason.rule.as_ref().into(),
        level: reason.level,
        description: reason.description.as_ref().into(),
    });
    Judged {
        path: Arc::clone(&unit.path),
        place: place.clone(),
        bytes: unit.owned.len() as u64,
        level: verdict.level(),
        complete: verdict.coverage().is_complete(),
        rules: rules.collect(),
        hits,
    }
}
