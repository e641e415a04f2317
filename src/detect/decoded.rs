//! The rules over what a part says once its encodings are undone and what is spelled out is joined
//! ([`crate::document::reading`]). It owns which of those findings count: what owes nothing to the other reading was
//! found in the text itself, and a number that was put together needs more evidence than one that was written.

use std::sync::Arc;

use super::{Category, Detector, Finding, Rules, ScanLimit};
use crate::document::View;
use crate::document::reading::{Kind, Reading, Stretch, readings};

/// How far before a value the change may lie that made it a finding, in bytes: `p4ssw0rd for the shop is …`.
const REACH: usize = 40;

/// Joined digits that may be a card or an account without a word near: as many as the shortest payment card has.
const LONG_NUMBER: usize = 13;

/// The score of a marking whose letters are set apart or disguised: that of one in capitals on a line of its own.
const DISGUISED_MARKING: f32 = 0.6;

/// Appends what the rules find in the other readings of a part and not in the text as it stands.
///
/// # Errors
/// As [`Rules::scan`].
pub(super) fn scan(
    rules: &Rules,
    part: usize,
    field: &str,
    view: &View<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(), ScanLimit> {
    let mut outcome = Ok(());
    readings(view, &mut |reading| {
        let mut found = Vec::new();
        let result = rules.scan_plain(part, field, reading.view(), &mut found);
        findings.extend(found.into_iter().filter_map(|finding| accept(finding, reading)));
        if outcome.is_ok() {
            outcome = result;
        }
    });
    outcome
}

/// The finding with what was undone, if it owes anything to that.
fn accept(mut finding: Finding, reading: &Reading<'_>) -> Option<Finding> {
    let stretch = reading.near(&finding.range, REACH)?;
    if !has_evidence(&finding, stretch) {
        return None;
    }
    // A value that the text itself shows may only have become one: words and addresses behind a change were there before.
    let touches = finding.range.start <= stretch.original.end;
    if !touches && finding.category != Category::Credential {
        return None;
    }
    let within = stretch.original.start <= finding.range.start && finding.range.end <= stretch.original.end;
    if within && stretch.kind == Kind::Letters && finding.category == Category::Marking {
        // `c o n f i d e n t i a l`: in running text the word alone says little, but who sets it so means it.
        finding.score = finding.score.max(DISGUISED_MARKING);
    }
    let note = &finding.explanation.note;
    finding.explanation.note =
        if note.is_empty() { Arc::from(stretch.how) } else { Arc::from(format!("{note}; {}", stretch.how)) };
    Some(finding)
}

/// Digits stand in rows for many reasons; a matrix is no telephone number.
fn has_evidence(finding: &Finding, stretch: &Stretch) -> bool {
    let Kind::Digits(digits) = stretch.kind else { return true };
    let within = stretch.original.start <= finding.range.start && finding.range.end <= stretch.original.end;
    !within
        || finding.detector == Detector::Secret
        || !finding.explanation.context_words.is_empty()
        || (digits >= LONG_NUMBER && !finding.explanation.validator.is_empty())
}
