//! The evidence as conditions see it: findings that count, numbered, sorted and placed. It is made of a document, whose
//! values are compared in memory, or of a record, which holds the outcome of such comparisons and no value; it must never
//! keep a document.

use std::cell::OnceCell;
use std::ops::Range;

use crate::detect::{Category, Coverage, Detector, Finding, Topic, in_millionths, of_millionths};
use crate::document::{Document, Role};

use super::Sensitivity;
use super::condition::{TypeIndex, TypeSet, Values};
use super::distinct::{self, Key};
use super::doubt::{Doubt, Lens};
use super::recall::Recalled;

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
    /// As records keep it, so that a record is judged like the request.
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
    /// It is recorded, and may not be found under the policy that is asked.
    pub(super) unsure: bool,
}

/// Where values are compared.
pub(super) enum Source<'a> {
    /// The request itself.
    Text { document: &'a Document, findings: &'a [Finding], index: &'a TypeIndex },
    /// What a record says of comparisons made then.
    Record { recalled: Option<&'a Recalled>, keys: Vec<Key> },
}

/// The evidence, ready for questions.
pub(super) struct View<'a> {
    pub(super) source: Source<'a>,
    /// In the order of the document.
    pub(super) marks: Vec<Mark>,
    pub(super) topics: &'a [Topic],
    pub(super) declared: Option<Sensitivity>,
    pub(super) caller: &'a str,
    /// What is open; nothing of a live request.
    pub(super) doubt: Option<&'a Doubt>,
    pub(super) keys: OnceCell<Vec<Key>>,
}

impl<'a> View<'a> {
    /// `findings` in the order of parts and offsets.
    pub(super) fn new(evidence: &'a Evidence<'_>, index: &'a TypeIndex, min_score: f32) -> Self {
        let (document, findings) = (evidence.document, evidence.findings.as_slice());
        let mut marks = marks(findings, document, |name| index.number(name));
        marks.retain(|mark| mark.score >= min_score);
        Self {
            source: Source::Text { document, findings, index },
            marks,
            topics: &evidence.topics,
            declared: evidence.declared_level,
            caller: evidence.caller,
            doubt: None,
            keys: OnceCell::new(),
        }
    }

    /// The same view, with marks of its own.
    pub(super) fn again(&self) -> View<'_> {
        let source = match &self.source {
            Source::Text { document, findings, index } => Source::Text { document, findings, index },
            Source::Record { recalled, keys } => Source::Record { recalled: *recalled, keys: keys.clone() },
        };
        View { source, marks: self.marks.clone(), keys: OnceCell::new(), ..*self }
    }

    /// Whether the value of a mark is like one of these.
    pub(super) fn fits(&self, values: &Values, mark: &Mark, lens: Lens) -> bool {
        match &self.source {
            Source::Text { document, .. } => values.fit(value(document, mark.part, &mark.range)),
            Source::Record { recalled, .. } => {
                let known = recalled.and_then(|recalled| recalled.fits(&values.id, mark.finding));
                known.unwrap_or(lens == Lens::Possible)
            }
        }
    }

    /// What the value of a mark is compared by.
    pub(super) fn key(&self, mark: &Mark) -> Key {
        let keys = match &self.source {
            Source::Text { document, findings, index } => self.keys.get_or_init(|| {
                distinct::keys(findings, document, |finding| index.is_cue(finding.entity_type.as_str()))
            }),
            Source::Record { keys, .. } => keys,
        };
        keys.get(mark.finding).cloned().unwrap_or(Key::Unique(mark.finding))
    }

    /// Whether a mark counts.
    pub(super) fn counts(&self, mark: &Mark, lens: Lens) -> bool {
        !mark.unsure || lens == Lens::Possible
    }

    /// Whether findings of these types may count that nobody listed.
    pub(super) fn may_have_more(&self, types: &TypeSet, lens: Lens) -> bool {
        lens == Lens::Possible && self.doubt.is_some_and(|doubt| doubt.more.touches(types))
    }

    /// Whether the text is about this, at least so probably.
    pub(super) fn is_about(&self, name: &str, probability: f32, lens: Lens) -> bool {
        self.topics.iter().any(|topic| *topic.name == *name && likely(topic, probability))
            || (lens == Lens::Possible
                && self.doubt.is_some_and(|doubt| doubt.may_be_about(self.topics, name, probability)))
    }

    /// Bytes from the end of the first mark to the start of the last.
    pub(super) fn gap_in_bytes(&self, first: &Mark, last: &Mark, lens: Lens) -> u64 {
        if first.part != last.part && self.doubt.is_some_and(|doubt| doubt.parts) {
            return if lens == Lens::Sure { u64::MAX } else { 0 };
        }
        last.bytes.start.saturating_sub(first.bytes.end)
    }

    /// The same in code points.
    pub(super) fn gap_in_points(&self, first: &Mark, last: &Mark, lens: Lens) -> u64 {
        if self.doubt.is_some_and(|doubt| doubt.offsets) {
            let bytes = self.gap_in_bytes(first, last, lens);
            // A code point takes one to four bytes of UTF-8 (RFC 3629).
            return if lens == Lens::Sure { bytes } else { bytes.div_ceil(4) };
        }
        if first.part != last.part && self.doubt.is_some_and(|doubt| doubt.parts) {
            return if lens == Lens::Sure { u64::MAX } else { 0 };
        }
        last.points.start.saturating_sub(first.points.end)
    }
}

/// Whether a topic is this likely, as records keep it.
pub(super) fn likely(topic: &Topic, probability: f32) -> bool {
    of_millionths(topic.millionths()) >= probability
}

/// The text of a span, for comparison only.
pub(super) fn value<'d>(document: &'d Document, part: usize, range: &Range<usize>) -> Option<&'d str> {
    document.parts().get(part)?.text.expose().get(range.clone())
}

/// Findings in the order of parts and offsets, each in its place in the document.
pub(super) fn marks(findings: &[Finding], document: &Document, number: impl Fn(&str) -> Option<usize>) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(findings.len());
    let mut place = Place::default();
    let mut findings = findings.iter().enumerate().peekable();
    for (part_number, part) in document.parts().iter().enumerate() {
        let first = marks.len();
        while let Some((index, finding)) = findings.next_if(|(_, finding)| finding.part <= part_number) {
            marks.push(mark(finding, index, number(finding.entity_type.as_str()), part.role));
        }
        place.part(part.text.expose(), marks.get_mut(first..).unwrap_or_default());
    }
    // A finding that points outside the document is a defect of a detector; it still counts.
    for (index, finding) in findings {
        let mut stray = mark(finding, index, number(finding.entity_type.as_str()), Role::Metadata);
        stray.bytes = place.bytes..place.bytes;
        stray.points = place.points..place.points;
        marks.push(stray);
    }
    marks
}

fn mark(finding: &Finding, index: usize, number: Option<usize>, role: Role) -> Mark {
    Mark {
        number,
        category: finding.category,
        score: of_millionths(in_millionths(finding.score)),
        detector: finding.detector,
        role,
        part: finding.part,
        range: finding.range.clone(),
        bytes: 0..0,
        points: 0..0,
        finding: index,
        unsure: false,
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
        self.points += code_points(text) + 1;
    }
}

/// Code points of a text.
pub(super) fn code_points(text: &str) -> u64 {
    if text.is_ascii() { text.len() as u64 } else { text.chars().count() as u64 }
}

/// Code points that start in `from..to`. The answer for an offset off a character boundary, or past the end, depends on
/// that offset alone: a careless detector must not move the findings of others.
fn starts_between(text: &str, from: usize, to: usize) -> usize {
    let inside = text.as_bytes().get(from.min(text.len())..to.min(text.len())).unwrap_or_default();
    let starts = inside.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
    starts + to.saturating_sub(text.len().max(from))
}
