//! The rules over what a part says once its encodings are undone and what is spelled out is joined
//! ([`crate::document::reading`]). It owns which of those findings count: what owes nothing to the other reading was
//! found in the text itself, and a number that was put together needs more evidence than one that was written.

use super::trace::{Considered, Outcome, Trace};
use super::{Category, Detector, Finding, Rules, ScanLimit};
use crate::document::View;
use crate::document::reading::{Kind, Reading, Stretch, readings};

/// How far before a value the change may lie that made it a finding, in bytes: `p4ssw0rd for the shop is …`.
const REACH: usize = 40;

/// Joined digits that may be a card or an account without a word near: as many as the shortest payment card has.
const LONG_NUMBER: usize = 13;

/// The score of a marking whose letters are set apart or disguised: that of one in capitals on a line of its own.
const DISGUISED_MARKING: f32 = 0.6;

/// Appends what the rules find in the other readings of a part and not in the text as it stands; tells `trace` what they
/// considered in a changed stretch, and what was found there and does not count.
///
/// # Errors
/// As [`Rules::scan`].
pub(super) fn scan(
    rules: &Rules,
    part: usize,
    field: &str,
    view: &View<'_>,
    findings: &mut Vec<Finding>,
    mut trace: Option<&mut Trace>,
) -> Result<(), ScanLimit> {
    let mut outcome = Ok(());
    readings(view, &mut |reading| {
        let mut found = Vec::new();
        // What is considered outside the changed stretches was told by the scan of the text itself.
        let mut inner = trace.as_deref().and_then(|trace| Some(Trace::new(part, trace.asked(part)?)));
        let result = rules.scan_view(part, field, reading.view(), &mut found, inner.as_mut());
        if let (Some(trace), Some(inner)) = (trace.as_deref_mut(), inner) {
            let changed = |considered: &&Considered| reading.near(&considered.range, 0).is_some();
            inner.considered().iter().filter(changed).for_each(|considered| trace.note(considered.clone()));
        }
        for finding in found {
            match judge(&finding, reading) {
                Ok(stretch) => findings.push(credit(finding, stretch)),
                Err(Some(outcome)) => {
                    let wanted = trace.as_deref_mut().filter(|trace| trace.wants(part, &finding.range));
                    // What the text itself shows needs no other reading.
                    if let Some(trace) = wanted.filter(|_| !is_known(&finding, findings)) {
                        trace.note(Considered::of(&finding, outcome));
                    }
                }
                Err(None) => {}
            }
        }
        if outcome.is_ok() {
            outcome = result;
        }
    });
    outcome
}

/// Whether another finding of its type overlaps it.
fn is_known(finding: &Finding, findings: &[Finding]) -> bool {
    findings.iter().any(|known| {
        known.entity_type == finding.entity_type
            && known.part == finding.part
            && known.range.start < finding.range.end
            && finding.range.start < known.range.end
    })
}

/// The stretch that a finding owes itself to; else why it does not count, unless the scan of the text itself has judged
/// it.
fn judge<'r>(finding: &Finding, reading: &'r Reading<'_>) -> Result<&'r Stretch, Option<Outcome>> {
    let stretch = reading.near(&finding.range, REACH).ok_or(None)?;
    if !has_evidence(finding, stretch) {
        return Err(Some(Outcome::PutTogether(stretch.how)));
    }
    // A value that the text itself shows may only have become one: words and addresses behind a change were there before.
    let touches = finding.range.start <= stretch.original.end;
    if !touches && finding.category != Category::Credential {
        return Err(Some(Outcome::BesideUndone(stretch.how)));
    }
    Ok(stretch)
}

/// The finding with what was undone.
fn credit(mut finding: Finding, stretch: &Stretch) -> Finding {
    let within = stretch.original.start <= finding.range.start && finding.range.end <= stretch.original.end;
    if within && stretch.kind == Kind::Letters && finding.category == Category::Marking {
        // `c o n f i d e n t i a l`: in running text the word alone says little, but who sets it so means it.
        finding.score = finding.score.max(DISGUISED_MARKING);
    }
    finding.explanation.remark(stretch.how);
    finding
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
