//! From the words of all windows to findings: puts them in one row for each part, joins and judges them, and finds sure
//! names again. What a rule drops is kept beside, with the rule, so that an explanation can name it.

use std::ops::Range;
use std::sync::Arc;

use crate::detect::{Detector, Explanation, Finding};
use crate::document::Document;

use super::cache::Outcome;
use super::decode::LabelledWord;
use super::filter::judge;
use super::labels::{Group, Kind, LabelSet};
use super::people::{Row, raise};
use super::prose::Looks;
use super::reason::{Dropped, Reason};
use super::repeat::Names;
use super::spans::{Placed, entities};

/// One window's part in the result.
pub(super) struct Done {
    pub(super) part: usize,
    pub(super) start: usize,
    pub(super) core: Range<usize>,
    /// What the model read of its core.
    pub(super) read: Read,
    pub(super) outcome: Option<Arc<Outcome>>,
}

/// How much of the core of a window the model read.
#[derive(Clone, Copy)]
pub(super) enum Read {
    All,
    /// Only the lines of machine text that could hold a name, in bytes.
    Human(usize),
}

/// What became of the words.
#[derive(Default)]
pub(super) struct Sorted {
    pub(super) findings: Vec<Finding>,
    pub(super) dropped: Vec<Dropped>,
}

/// Puts the words of all windows in one row for each part, joins and judges them, and finds sure names again.
pub(super) fn sort(document: &Document, mut done: Vec<Done>, labels: &LabelSet) -> Sorted {
    done.sort_unstable_by_key(|done| (done.part, done.core.start));
    let mut sorted = Sorted::default();
    let mut names = Names::default();
    for windows in done.chunk_by(|a, b| a.part == b.part) {
        let Some(part) = windows.first().map(|window| window.part) else { continue };
        let Some(text) = document.parts().get(part).map(|part| part.text.expose()) else { continue };
        let placed = placed(windows);
        let row = if labels.form_rules { raise(text, placed, labels) } else { placed };
        for weak in row.weak {
            let Some(group) = labels.group_of(weak.word.kind) else { continue };
            let (range, score, entity_type) = (weak.word.range, weak.word.score, group.entity_type.clone());
            sorted.dropped.push(Dropped { part, range, entity_type, score, reason: Reason::BelowThreshold });
        }
        let mut place_before = None;
        for entity in entities(text, &row.words, labels) {
            let Some(kind) = labels.kinds.get(entity.kind) else { continue };
            let Some(group) = labels.groups.get(kind.group) else { continue };
            let judged = match judge(text, &entity, place_before, labels.form_rules) {
                Ok(judged) => judged,
                Err(reason) => {
                    let (range, entity_type) = (entity.range, group.entity_type.clone());
                    sorted.dropped.push(Dropped { part, range, entity_type, score: entity.score, reason });
                    continue;
                }
            };
            if entity.role.is_place() {
                place_before = Some(judged.range.end);
            } else if entity.role.is_person() && !judged.only_a_place {
                names.learn(text.get(judged.range.clone()).unwrap_or_default(), judged.score);
            }
            let group = if judged.only_a_place { labels.place_group().unwrap_or(group) } else { group };
            let explanation = explain(kind, entity.score, "");
            let mut finding = finding(part, judged.range, group, entity.score, explanation);
            finding.adjust(judged.lowered.map_or("", Reason::name), judged.score);
            sorted.findings.push(finding);
        }
    }
    sorted.dropped.sort_by_key(|dropped| (dropped.part, dropped.range.start));
    repeat(document, &names, labels, &mut sorted);
    sorted
}

/// Note of a name that stands in full elsewhere in the document.
const NAMED_ELSEWHERE: &str = "named_elsewhere";

/// Finds the words of sure names again in every part.
fn repeat(document: &Document, names: &Names, labels: &LabelSet, sorted: &mut Sorted) {
    let Some(kind) = labels.kinds.iter().find(|kind| kind.role.is_person()).filter(|_| !names.is_empty()) else {
        return;
    };
    let Some(group) = labels.groups.get(kind.group) else { return };
    let (mut found, mut dropped) = (Vec::new(), Vec::with_capacity(sorted.dropped.len()));
    let mut before = std::mem::take(&mut sorted.dropped).into_iter().peekable();
    let mut rest = sorted.findings.as_slice();
    for (part, content) in document.parts().iter().enumerate() {
        let (here, later) = rest.split_at(rest.partition_point(|finding| finding.part <= part));
        rest = later;
        let taken: Vec<Range<usize>> = here.iter().map(|finding| finding.range.clone()).collect();
        let again = names.find(content.text.expose(), &taken);
        while let Some(old) = before.next_if(|old| old.part <= part) {
            let after = again.partition_point(|(range, _)| range.end <= old.range.start);
            if again.get(after).is_none_or(|(range, _)| range.start >= old.range.end) {
                dropped.push(old);
            }
        }
        found.extend(
            again
                .into_iter()
                .map(|(range, score)| finding(part, range, group, score, explain(kind, score, NAMED_ELSEWHERE))),
        );
    }
    sorted.dropped = dropped;
    sorted.findings.append(&mut found);
    sorted.findings.sort_by_key(|finding| (finding.part, finding.range.start));
}

fn explain(kind: &Kind, base_score: f32, note: &'static str) -> Explanation {
    Explanation { pattern: Arc::clone(&kind.name), base_score, note: note.into(), ..Explanation::default() }
}

fn finding(part: usize, range: Range<usize>, group: &Group, score: f32, explanation: Explanation) -> Finding {
    Finding {
        part,
        range,
        entity_type: group.entity_type.clone(),
        category: group.category,
        score,
        detector: Detector::Ner,
        recognizer: Arc::clone(&explanation.pattern),
        explanation,
    }
}

/// The words that each window answers for, in bytes of the part, none twice.
fn placed(windows: &[Done]) -> Row {
    let mut row = Row::default();
    for window in windows {
        let Some(outcome) = &window.outcome else { continue };
        place(&mut row.words, &outcome.decoded.words, window, outcome.looks);
        place(&mut row.weak, &outcome.decoded.weak, window, outcome.looks);
    }
    row
}

fn place(row: &mut Vec<Placed>, words: &[LabelledWord], window: &Done, looks: Looks) {
    for word in words {
        let range = word.range.start + window.start..word.range.end + window.start;
        let after = row.last().map_or(0, |last| last.word.range.end);
        if window.core.contains(&range.start) && range.start >= after {
            row.push(Placed { word: LabelledWord { range, ..word.clone() }, looks });
        }
    }
}
