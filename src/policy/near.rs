//! Co-occurrence: one finding for each selection, all different, all close together. Linear in the findings: for each
//! finding only the few latest candidates of every selection matter.

use super::condition::{MAX_NEAR, Reach, Selection};
use super::doubt::Lens;
use super::file::{Scope, Unit};
use super::view::{Mark, View};

impl Reach {
    /// Whether two findings are close enough: from the end of the first to the start of the last.
    pub(super) fn gap(&self, first: &Mark, last: &Mark, view: &View<'_>, lens: Lens) -> bool {
        let Some(within) = self.within else { return true };
        let gap = match self.unit {
            Unit::CodePoints => view.gap_in_points(first, last, lens),
            Unit::Bytes => view.gap_in_bytes(first, last, lens),
        };
        gap <= within
    }
}

/// Whether two findings lie where the reach may look at both.
pub(super) fn same_scope(a: &Mark, b: &Mark, reach: Reach) -> bool {
    reach.scope == Scope::Document || a.part == b.part
}

/// The candidates of one selection that end last, latest first. As many as there are selections are enough: the other
/// selections can take at most the rest.
#[derive(Default)]
struct Latest<'m> {
    marks: Vec<&'m Mark>,
}

impl<'m> Latest<'m> {
    fn offer(&mut self, mark: &'m Mark, keep: usize) {
        let at = self.marks.partition_point(|other| other.bytes.end > mark.bytes.end);
        if at < keep {
            self.marks.insert(at, mark);
            self.marks.truncate(keep);
        }
    }
}

/// Whether every selection has a finding of its own, close to the others.
pub(super) fn near(
    selections: &[Selection],
    reach: Reach,
    view: &View<'_>,
    lens: Lens,
    because: &mut Vec<usize>,
) -> bool {
    // What nobody listed may stand wherever it is needed.
    let selections: Vec<&Selection> =
        selections.iter().filter(|selection| !view.may_have_more(&selection.types, lens)).collect();
    if selections.is_empty() {
        return true;
    }
    let keep = selections.len().min(MAX_NEAR);
    let mut latest: Vec<Latest<'_>> = selections.iter().map(|_| Latest::default()).collect();
    let selected: Vec<Vec<&Mark>> = selections.iter().map(|selection| selection.of(view, lens)).collect();
    if selected.iter().any(Vec::is_empty) {
        return false;
    }
    let mut upcoming: Vec<_> = selected.iter().map(|marks| marks.iter().peekable()).collect();
    let mut part = None;
    for mark in &view.marks {
        if reach.scope == Scope::Part && part != Some(mark.part) {
            latest.iter_mut().for_each(|candidates| candidates.marks.clear());
            part = Some(mark.part);
        }
        let mut wanted = false;
        for (upcoming, candidates) in upcoming.iter_mut().zip(&mut latest) {
            if upcoming.next_if(|next| next.finding == mark.finding).is_some() {
                candidates.offer(mark, keep);
                wanted = true;
            }
        }
        if wanted {
            let mut chosen = Vec::with_capacity(keep);
            if choose(&latest, mark, (reach, view, lens), &mut chosen) {
                because.extend(chosen.iter().map(|mark| mark.finding));
                return true;
            }
        }
    }
    false
}

/// Picks a different candidate for each selection, all within reach of the newest finding.
fn choose<'m>(
    latest: &[Latest<'m>],
    newest: &Mark,
    asked: (Reach, &View<'_>, Lens),
    chosen: &mut Vec<&'m Mark>,
) -> bool {
    let (reach, view, lens) = asked;
    let Some((first, rest)) = latest.split_first() else { return true };
    for candidate in &first.marks {
        if !reach.gap(candidate, newest, view, lens) || chosen.iter().any(|other| other.finding == candidate.finding) {
            continue;
        }
        chosen.push(candidate);
        if choose(rest, newest, asked, chosen) {
            return true;
        }
        chosen.pop();
    }
    false
}
