//! Recognizers that come to mind for a span in which they found nothing: because the span alone would be found, because
//! their context words stand near it, or because it holds a literal that they look for. Only for a person who asks why
//! a span was not found; never part of a scan without that question.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Rules;
use super::context::PartContext;
use crate::detect::trace::{Hint, NearMiss, Trace};
use crate::detect::{EntityType, Finding};
use crate::document::View;

/// Most suggestions of each kind.
const MOST: usize = 4;

impl Rules {
    /// Adds to the trace what comes to mind for its span, unless something of that type was found or considered there.
    pub(super) fn suggest(&self, part: usize, field: &str, view: &View<'_>, findings: &[Finding], trace: &mut Trace) {
        let Some(asked) = trace.asked(part) else { return };
        let found = findings.iter().filter(|finding| trace.wants(finding.part, &finding.range));
        let mut known: BTreeSet<EntityType> = found.map(|finding| finding.entity_type.clone()).collect();
        known.extend(trace.considered().iter().map(|considered| considered.entity_type.clone()));
        let span = in_view(view, &asked);
        let Some(value) = view.text().get(span.clone()) else { return };
        for near_miss in self.alone(field, value).into_iter().take(MOST) {
            if known.insert(near_miss.entity_type.clone()) {
                trace.suggest(near_miss);
            }
        }
        for near_miss in self.by_words(field, view.text(), &span, value).into_iter().chain(self.by_literal(value)) {
            if trace.near_misses().len() < 2 * MOST && known.insert(near_miss.entity_type.clone()) {
                trace.suggest(near_miss);
            }
        }
    }

    /// What the span would be if nothing stood around it.
    fn alone(&self, field: &str, value: &str) -> Vec<NearMiss> {
        let mut findings = Vec::new();
        // A limit that stops the scan leaves fewer suggestions.
        let _ = self.scan_field(0, field, &View::of(value), &mut findings);
        findings.sort_by(|a, b| b.score.total_cmp(&a.score));
        let suggestion = |finding: Finding| NearMiss {
            entity_type: finding.entity_type,
            digits: None,
            hint: Hint::Alone,
            recognizer: finding.recognizer,
        };
        findings.into_iter().map(suggestion).collect()
    }

    /// Recognizers whose context words stand near; those first whose number of digits is the nearest.
    fn by_words(&self, field: &str, text: &str, span: &Range<usize>, value: &str) -> Vec<NearMiss> {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let mut context = PartContext::default();
        let mut found: Vec<(usize, NearMiss)> = Vec::new();
        for (index, recognizer) in self.recognizers.iter().enumerate() {
            if recognizer.digits.is_some() != (digits > 0) {
                continue;
            }
            let judgement = self.context.judge(index, text, field, span.clone(), &mut context);
            if judgement.confirming.is_empty() {
                continue;
            }
            let off = recognizer.digits.map_or(0, |(min, max)| min.saturating_sub(digits) + digits.saturating_sub(max));
            let near_miss = NearMiss {
                entity_type: recognizer.entity_type.clone(),
                recognizer: recognizer.id.clone(),
                hint: Hint::Words(judgement.confirming),
                digits: recognizer.digits,
            };
            found.push((off, near_miss));
        }
        found.sort_by_key(|(off, _)| *off);
        found.into_iter().map(|(_, near_miss)| near_miss).take(MOST).collect()
    }

    /// Recognizers that look for a word that the span holds.
    fn by_literal(&self, value: &str) -> Vec<NearMiss> {
        let mut indices = BTreeSet::new();
        self.literals.scan_words(value, &mut |recognizer| {
            indices.insert(recognizer);
        });
        let recognizers = indices.into_iter().filter_map(|index| self.recognizers.get(index));
        let suggestion = |recognizer: &super::Recognizer| NearMiss {
            entity_type: recognizer.entity_type.clone(),
            recognizer: recognizer.id.clone(),
            hint: Hint::Literal,
            digits: recognizer.digits,
        };
        recognizers.map(suggestion).take(MOST).collect()
    }
}

/// The bytes of the view that stand for bytes of the original, by halving: both grow together.
fn in_view(view: &View<'_>, original: &Range<usize>) -> Range<usize> {
    let text = view.text();
    let first = |from: &dyn Fn(usize) -> bool| {
        let (mut low, mut high) = (0, text.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if from(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    };
    let end_of = |at: usize| view.original(0..at).end;
    let start = text.floor_char_boundary(first(&|at| end_of(at) > original.start).saturating_sub(1));
    let end = text.ceil_char_boundary(first(&|at| end_of(at) >= original.end));
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_the_original_are_found_in_the_view() {
        let original = "no\u{200b}te ４２ end";
        let view = View::of(original);
        assert_eq!(view.text(), "note 42 end");
        for value in ["４２", "end", "te", "no", "４"] {
            let start = original.find(value).unwrap();
            let span = in_view(&view, &(start..start + value.len()));
            let back = view.original(span);
            assert_eq!(original.get(back), Some(value), "{value}");
        }
        let plain = View::of("abc");
        assert_eq!(in_view(&plain, &(1..3)), 1..3);
        assert_eq!(in_view(&plain, &(0..3)), 0..3);
    }
}
