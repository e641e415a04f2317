//! What a document says in base64, percent, entities and escapes, as a document of its own for the model. It owns the
//! way back: a name that is read there is reported where its code stands in the original. The decoded text lives as
//! long as the request; it is never stored, sent or shown.

use std::ops::Range;
use std::sync::Arc;

use crate::detect::Finding;
use crate::document::reading::{Kind, Reading, Stretch, readings};
use crate::document::{Document, Part, View};

use super::gather::Sorted;

/// The readings of a document in which an encoding is undone.
pub(super) struct Encoded {
    /// One part for each reading.
    pub(super) document: Arc<Document>,
    /// For each of these parts, the part of the original that it is a reading of.
    sources: Vec<usize>,
}

impl Encoded {
    /// `None` where nothing is encoded, which costs one look at each byte. What comes out is at most twice as long as
    /// the document, because nothing decodes to more than its own length and encodings nest twice.
    pub(super) fn of(document: &Document) -> Option<Self> {
        let (mut parts, mut sources) = (Vec::new(), Vec::new());
        for (index, part) in document.parts().iter().enumerate() {
            undone(part, &mut |reading| {
                let text = reading.view().text().into();
                parts.push(Part { role: part.role, pointer: part.pointer.clone(), text });
                sources.push(index);
            });
        }
        (!parts.is_empty()).then(|| Self { document: Arc::new(Document::new(parts)), sources })
    }

    /// Appends what was found in the readings to what was found in the original, at the place of its code. What owes
    /// nothing to an encoding is left out: the model has judged it in the original, with all that stands around it.
    pub(super) fn add_to(&self, original: &Document, here: Sorted, all: &mut Sorted) {
        let mut number = 0;
        let mut findings = here.findings.into_iter().peekable();
        let mut dropped = here.dropped.into_iter().peekable();
        // The readings are made again, in the same order: a map that outlives its text would cost more than that.
        for (index, part) in original.parts().iter().enumerate() {
            if self.sources.get(number) != Some(&index) {
                continue;
            }
            undone(part, &mut |reading| {
                while let Some(finding) = findings.next_if(|finding| finding.part <= number) {
                    all.findings.extend(place(finding, index, reading));
                }
                while let Some(mut dropped) = dropped.next_if(|dropped| dropped.part <= number) {
                    let range = reading.view().original(dropped.range);
                    if owes(reading, &range).is_some() {
                        (dropped.part, dropped.range) = (index, range);
                        all.dropped.push(dropped);
                    }
                }
                number += 1;
            });
        }
        all.findings.sort_by_key(|finding| (finding.part, finding.range.start));
        all.dropped.sort_by_key(|dropped| (dropped.part, dropped.range.start));
    }
}

/// Calls `read` with each reading of a part that undoes an encoding. What is only spelled out or set apart is left to
/// the rules: joined letters are no prose that the model knows.
fn undone(part: &Part, read: &mut dyn FnMut(&Reading<'_>)) {
    readings(&View::of(part.text.expose()), &mut |reading| {
        if reading.undoes(Kind::Encoding) {
            read(reading);
        }
    });
}

/// The finding in the original, with what was undone.
fn place(mut finding: Finding, part: usize, reading: &Reading<'_>) -> Option<Finding> {
    let range = reading.view().original(finding.range.clone());
    let stretch = owes(reading, &range)?;
    finding.explanation.remark(stretch.how);
    (finding.part, finding.range) = (part, range);
    Some(finding)
}

/// The encoding that a range of the original lies in or touches.
fn owes<'r>(reading: &'r Reading<'_>, range: &Range<usize>) -> Option<&'r Stretch> {
    reading.near(range, 0).filter(|stretch| stretch.kind == Kind::Encoding)
}
