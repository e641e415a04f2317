//! The evidence as conditions see it: findings that count, numbered, sorted and placed. It borrows the document to
//! compare values in memory; it must never keep one.

use std::ops::Range;

use crate::detect::{Category, Coverage, Detector, Finding, Topic};
use crate::document::{Document, Role};

use super::Sensitivity;
use super::condition::TypeIndex;

/// Everything that a verdict rests on.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// What was scanned. Its values are compared, in memory, to count different ones.
    pub document: &'a Document,
    /// What the detectors found, in any order.
    pub findings: Vec<Finding>,
    /// What the text is about.
    pub topics: Vec<Topic>,
    /// Who looked, and how far.
    pub coverage: Coverage,
    /// The caller's own opinion; it can only raise the level.
    pub declared_level: Option<Sensitivity>,
    /// Name of the caller in the configuration, or `anonymous`.
    pub caller: &'a str,
}

/// A finding that counts.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    /// Number of its type; `None` if the policy's catalog does not know it.
    pub(super) number: Option<usize>,
    pub(super) category: Category,
    pub(super) score: f32,
    pub(super) detector: Detector,
    pub(super) role: Role,
    pub(super) part: usize,
    /// Bytes inside the part.
    pub(super) range: Range<usize>,
    /// Bytes from the start of the document.
    pub(super) bytes: Range<u64>,
    /// Code points from the start of the document.
    pub(super) points: Range<u64>,
    /// Index into the findings.
    pub(super) finding: usize,
}

/// The evidence, ready for questions.
pub(super) struct View<'a> {
    pub(super) document: &'a Document,
    /// In the order of the document.
    pub(super) marks: Vec<Mark>,
    pub(super) topics: &'a [Topic],
    pub(super) declared: Option<Sensitivity>,
    pub(super) caller: &'a str,
}

impl<'a> View<'a> {
    /// `findings` in the order of parts and offsets.
    pub(super) fn new(evidence: &'a Evidence<'_>, index: &TypeIndex, min_score: f32) -> Self {
        let mut marks = Vec::with_capacity(evidence.findings.len());
        let mut place = Place::default();
        let mut findings = evidence.findings.iter().enumerate().peekable();
        for (number, part) in evidence.document.parts().iter().enumerate() {
            let text = part.text.expose();
            let first = marks.len();
            while let Some((finding_index, finding)) = findings.next_if(|(_, finding)| finding.part <= number) {
                if finding.score >= min_score {
                    marks.push(mark(finding, finding_index, index, part.role));
                }
            }
            place.part(text, marks.get_mut(first..).unwrap_or_default());
        }
        // A finding that points outside the document is a defect of a detector; it still counts.
        for (finding_index, finding) in findings {
            if finding.score >= min_score {
                let mut stray = mark(finding, finding_index, index, Role::Metadata);
                stray.bytes = place.bytes..place.bytes;
                stray.points = place.points..place.points;
                marks.push(stray);
            }
        }
        Self {
            document: evidence.document,
            marks,
            topics: &evidence.topics,
            declared: evidence.declared_level,
            caller: evidence.caller,
        }
    }

    /// The text of a mark, for comparison only.
    pub(super) fn value(&self, mark: &Mark) -> Option<&'a str> {
        self.document.parts().get(mark.part)?.text.expose().get(mark.range.clone())
    }
}

fn mark(finding: &Finding, finding_index: usize, index: &TypeIndex, role: Role) -> Mark {
    Mark {
        number: index.number(finding.entity_type.as_str()),
        category: finding.category,
        score: finding.score,
        detector: finding.detector,
        role,
        part: finding.part,
        range: finding.range.clone(),
        bytes: 0..0,
        points: 0..0,
        finding: finding_index,
    }
}

/// Running position in the document.
#[derive(Default)]
struct Place {
    bytes: u64,
    points: u64,
}

impl Place {
    /// Places the marks of one part and steps over it. One pass over the text; none if nothing was found in it and it
    /// is ASCII.
    fn part(&mut self, text: &str, marks: &mut [Mark]) {
        let ascii = text.is_ascii();
        let mut offsets: Vec<usize> =
            if ascii { Vec::new() } else { marks.iter().flat_map(|mark| [mark.range.start, mark.range.end]).collect() };
        offsets.sort_unstable();
        offsets.dedup();
        let mut points = Vec::with_capacity(offsets.len());
        let (mut last, mut count) = (0, 0);
        for offset in &offsets {
            count += starts_between(text, last, *offset);
            points.push(count);
            last = *offset;
        }
        let point_of = |offset: usize| match offsets.binary_search(&offset) {
            Ok(at) => points.get(at).copied().unwrap_or(offset),
            Err(_) => offset,
        };
        for mark in marks {
            let Range { start, end } = mark.range;
            mark.bytes = self.bytes + start as u64..self.bytes + end as u64;
            mark.points = self.points + point_of(start) as u64..self.points + point_of(end) as u64;
        }
        // Parts are at least one apart, as if a line break stood between them.
        self.bytes += text.len() as u64 + 1;
        self.points += if ascii { text.len() } else { text.chars().count() } as u64 + 1;
    }
}

/// Code points that start in `from..to`. The answer for an offset off a character boundary, or past the end, depends on
/// that offset alone: a careless detector must not move the findings of others.
fn starts_between(text: &str, from: usize, to: usize) -> usize {
    let inside = text.as_bytes().get(from.min(text.len())..to.min(text.len())).unwrap_or_default();
    let starts = inside.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
    starts + to.saturating_sub(text.len().max(from))
}
