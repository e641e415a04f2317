//! Which findings a selection takes. A finding that is excused by something close to it does not count, while the same
//! type elsewhere in the document still does: an excuse never covers the whole text.

use super::condition::{Excuse, Selection};
use super::doubt::Lens;
use super::near::same_scope;
use super::view::{Mark, View};

impl Selection {
    /// The findings that it takes, in the order of the document.
    pub(super) fn of<'m>(&self, view: &'m View<'_>, lens: Lens) -> Vec<&'m Mark> {
        let marks = &view.marks;
        let mut taken: Vec<&Mark> = marks.iter().filter(|mark| self.takes(mark, view, lens)).collect();
        for excuse in &self.excuses {
            if taken.is_empty() {
                break;
            }
            // Where an excuse may stand that nobody listed, nothing is surely unexcused.
            if view.may_have_more(&excuse.types, lens.flipped()) {
                taken.clear();
                break;
            }
            let excuses =
                |mark: &&Mark| excuse.types.contains(mark.number, mark.category) && view.counts(mark, lens.flipped());
            let excusing: Vec<&Mark> = marks.iter().filter(excuses).collect();
            if !excusing.is_empty() {
                taken = unexcused(taken, &excusing, excuse, view, lens.flipped());
            }
        }
        taken
    }

    fn takes(&self, mark: &Mark, view: &View<'_>, lens: Lens) -> bool {
        mark.score >= self.min_score
            && self.types.contains(mark.number, mark.category)
            && view.counts(mark, lens)
            && (self.roles.is_empty() || self.roles.contains(&mark.role))
            && (self.detectors.is_empty() || self.detectors.contains(&mark.detector))
            && self.values.as_ref().is_none_or(|values| view.fits(values, mark, lens))
            && !self.except_values.iter().any(|values| view.fits(values, mark, lens.flipped()))
    }
}

/// The findings with no excuse close to them. Two sweeps, one for excuses that come before and one for those after. The
/// lens is that of the excuse.
fn unexcused<'m>(
    taken: Vec<&'m Mark>,
    excusing: &[&Mark],
    excuse: &Excuse,
    view: &View<'_>,
    lens: Lens,
) -> Vec<&'m Mark> {
    let mut kept = Vec::with_capacity(taken.len());
    let mut next = 0;
    let mut before: Option<&Mark> = None;
    for mark in taken {
        while let Some(candidate) = excusing.get(next).filter(|candidate| candidate.bytes.start <= mark.bytes.start) {
            // The excuse that ends last is the closest.
            if before.is_none_or(|best| candidate.bytes.end >= best.bytes.end) {
                before = Some(candidate);
            }
            next += 1;
        }
        let excused_by = |first: &Mark, last: &Mark| {
            same_scope(first, last, excuse.reach) && excuse.reach.gap(first, last, view, lens)
        };
        let excused = before.is_some_and(|before| excused_by(before, mark))
            || excusing.get(next).is_some_and(|after| excused_by(mark, after));
        if !excused {
            kept.push(mark);
        }
    }
    kept
}
