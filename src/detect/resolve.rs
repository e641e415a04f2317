//! Decides between findings that overlap. The same findings give the same result in any order, in linearithmic time.
//!
//! - The finding with the better rank wins: score, with a little more for a value that a validator accepted; then the
//!   longer, then the earlier, then the name of its type.
//! - Two of the same type that overlap are one: the winner is widened over both, unless that would cover a third.
//! - A credential is never dropped for something that is no credential: what a number looks like does not make a
//!   password harmless. Whatever else lies in a credential of better rank is dropped.
//! - An address of the network (URL, host) keeps what lies inside it when that is at least likely: a URL with an
//!   e-mail address in it is both.
//! - Terms of word lists do not compete with values; among themselves, overlapping terms of one type are one. What the
//!   model says in words about somebody, a condition or a job, is a term too: it joins that of a list.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::trace::{Considered, Outcome, Trace, Winner};
use super::{Category, Detector, EntityType, Finding, Likelihood};

/// What the acceptance of a validator adds to the rank: less than a step of likelihood.
const VALIDATED: f32 = 0.1;

/// The findings that stay, by part and place.
#[must_use]
pub fn resolve(findings: Vec<Finding>) -> Vec<Finding> {
    resolve_traced(findings, None)
}

/// The same, which also tells `trace` what became of findings in its span that do not stay.
#[must_use]
pub fn resolve_traced(mut findings: Vec<Finding>, mut trace: Option<&mut Trace>) -> Vec<Finding> {
    findings.sort_by(rank);
    let mut kept = Kept::default();
    for finding in findings {
        let asked = trace.as_deref_mut().filter(|trace| trace.wants(finding.part, &finding.range));
        let asked = asked.map(|trace| (trace, finding.clone()));
        if let (Some(winner), Some((trace, finding))) = (kept.offer(finding), asked)
            && let Some(winner) = kept.findings.get(winner)
        {
            trace.note(considered(&finding, Winner::of(winner)));
        }
    }
    let mut findings = kept.findings;
    findings.sort_by(|a, b| {
        let place = |f: &Finding| (f.part, f.range.start, f.range.end);
        place(a).cmp(&place(b)).then_with(|| rank(a, b))
    });
    findings
}

fn considered(finding: &Finding, to: Winner) -> Considered {
    let joined = finding.entity_type == to.entity_type;
    let outcome = if joined { Outcome::Joined(to) } else { Outcome::Lost { score: finding.score, to } };
    Considered::of(finding, outcome)
}

/// The better first.
fn rank(a: &Finding, b: &Finding) -> Ordering {
    let weight = |f: &Finding| f.score + if f.explanation.validator.is_empty() { 0.0 } else { VALIDATED };
    let length = |f: &Finding| f.range.end.saturating_sub(f.range.start);
    let name = |f: &Finding| (f.part, f.range.start, f.entity_type.clone(), f.detector.as_str(), f.recognizer.clone());
    weight(b)
        .total_cmp(&weight(a))
        .then_with(|| length(b).cmp(&length(a)))
        .then_with(|| name(a).cmp(&name(b)))
        .then_with(|| a.explanation.pattern.cmp(&b.explanation.pattern))
}

/// Types of the model that are words about somebody and no values.
const WORDS_OF_THE_MODEL: [&str; 3] = ["HEALTH_CONDITION", "NRP", "TITLE"];

/// Findings that do not overlap each other within a layer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Layer {
    Credential,
    Network,
    Value,
    Term(EntityType),
}

impl Layer {
    fn of(finding: &Finding) -> Self {
        match (finding.detector, finding.category) {
            (Detector::Dictionary, _) => Self::Term(finding.entity_type.clone()),
            (Detector::Ner, _) if WORDS_OF_THE_MODEL.contains(&finding.entity_type.as_str()) => {
                Self::Term(finding.entity_type.clone())
            }
            (_, Category::Credential) => Self::Credential,
            (_, Category::Network) => Self::Network,
            _ => Self::Value,
        }
    }
}

/// What was accepted: in each layer of each part, index by start.
#[derive(Default)]
struct Kept {
    findings: Vec<Finding>,
    layers: HashMap<(usize, Layer), BTreeMap<usize, usize>>,
}

impl Kept {
    /// Accepts a finding, or joins it to one or drops it for one, whose index it returns. Findings are offered by rank.
    fn offer(&mut self, finding: Finding) -> Option<usize> {
        let layer = Layer::of(&finding);
        let (part, range) = (finding.part, finding.range.clone());
        if let Some((first, last)) = self.overlapping(part, &layer, &range) {
            if first == last && self.blocked(part, &layer, &range, finding.likelihood()).is_none() {
                self.join(first, &finding, &layer);
            }
            return Some(first);
        }
        let blocked = self.blocked(part, &layer, &range, finding.likelihood());
        if blocked.is_some() {
            return blocked;
        }
        self.layers.entry((part, layer)).or_default().insert(range.start, self.findings.len());
        self.findings.push(finding);
        None
    }

    /// The finding of a better rank in another layer that excludes one here, if there is one.
    fn blocked(&self, part: usize, layer: &Layer, range: &Range<usize>, likelihood: Likelihood) -> Option<usize> {
        let overlapping = |other: &Layer| self.overlapping(part, other, range);
        match layer {
            Layer::Term(_) | Layer::Credential => None,
            Layer::Value => overlapping(&Layer::Credential).map(|(first, _)| first).or_else(|| {
                let (first, last) = overlapping(&Layer::Network)?;
                let inside = first == last && self.contains(first, range);
                (!(inside && likelihood >= Likelihood::Likely)).then_some(first)
            }),
            Layer::Network => [Layer::Credential, Layer::Value].iter().find_map(|other| {
                let (first, last) = overlapping(other)?;
                [first, last].into_iter().find(|index| !self.inside(*index, range))
            }),
        }
    }

    /// Whether a kept finding lies in the range and is smaller.
    fn inside(&self, index: usize, range: &Range<usize>) -> bool {
        self.findings.get(index).is_some_and(|kept| within(&kept.range, range))
    }

    /// Whether the range lies in a kept finding and is smaller.
    fn contains(&self, index: usize, range: &Range<usize>) -> bool {
        self.findings.get(index).is_some_and(|kept| within(range, &kept.range))
    }

    /// First and last of the kept findings of a layer that overlap a range.
    fn overlapping(&self, part: usize, layer: &Layer, range: &Range<usize>) -> Option<(usize, usize)> {
        let layer = self.layers.get(&(part, layer.clone()))?;
        let last = layer.range(..range.end).next_back().map(|(_, index)| *index)?;
        if self.findings.get(last)?.range.end <= range.start {
            return None;
        }
        // Those of a layer do not overlap: only the one that starts last before the range can reach into it.
        let reaches = |index: &usize| self.findings.get(*index).is_some_and(|kept| kept.range.end > range.start);
        let before = layer.range(..range.start).next_back().map(|(_, index)| *index).filter(reaches);
        let first = before.or_else(|| layer.range(range.start..range.end).next().map(|(_, index)| *index))?;
        Some((first, last))
    }

    /// Widens a kept finding over another of its type.
    fn join(&mut self, index: usize, other: &Finding, layer: &Layer) {
        let Some(kept) = self.findings.get(index) else { return };
        if kept.entity_type != other.entity_type {
            return;
        }
        let old = kept.range.clone();
        let wide = old.start.min(other.range.start)..old.end.max(other.range.end);
        if wide == old {
            return;
        }
        if self.overlapping(other.part, layer, &wide).is_some_and(|(first, last)| first != last) {
            return;
        }
        if let Some(layer) = self.layers.get_mut(&(other.part, layer.clone())) {
            layer.remove(&old.start);
            layer.insert(wide.start, index);
        }
        if let Some(kept) = self.findings.get_mut(index) {
            kept.range = wide;
        }
    }
}

fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end && inner != outer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::detect::testing::finding;

    fn value(name: &str, range: Range<usize>, score: f32) -> Finding {
        finding(name, Category::Financial, range, score)
    }

    fn term(name: &str, range: Range<usize>) -> Finding {
        Finding { detector: Detector::Dictionary, ..finding(name, Category::Marking, range, 0.8) }
    }

    fn validated(mut finding: Finding) -> Finding {
        finding.explanation.validator = "luhn".into();
        finding
    }

    fn kept(findings: &[Finding]) -> Vec<(String, Range<usize>)> {
        let resolved = resolve(findings.to_vec());
        let mut reversed = findings.to_vec();
        reversed.reverse();
        assert_eq!(resolve(reversed), resolved, "the order does not count");
        resolved.into_iter().map(|f| (f.entity_type.to_string(), f.range)).collect()
    }

    fn names(findings: &[Finding]) -> Vec<String> {
        kept(findings).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_better_score_wins_and_a_validator_breaks_near_ties() {
        assert_eq!(names(&[value("A", 0..10, 0.6), value("B", 5..12, 0.8)]), ["B"]);
        assert_eq!(names(&[value("A", 0..10, 0.6), validated(value("B", 0..10, 0.55))]), ["B"]);
        assert_eq!(names(&[value("A", 0..10, 0.6), value("B", 0..12, 0.6)]), ["B"], "the longer");
        assert_eq!(names(&[value("A", 0..10, 0.6), value("B", 10..12, 0.4)]), ["A", "B"], "touching is no overlap");
    }

    #[test]
    fn findings_of_one_type_are_joined() {
        assert_eq!(kept(&[value("A", 0..10, 0.9), value("A", 5..14, 0.5)]), [("A".to_owned(), 0..14)]);
        assert_eq!(
            kept(&[value("A", 0..10, 0.9), value("B", 12..15, 0.9), value("A", 5..13, 0.5)]),
            [("A".to_owned(), 0..10), ("B".to_owned(), 12..15)],
            "not over a third"
        );
    }

    #[test]
    fn words_of_the_model_join_those_of_lists_and_drop_no_value() {
        let said = |name: &str, range: Range<usize>| Finding {
            detector: Detector::Ner,
            ..finding(name, Category::Health, range, 0.99)
        };
        let listed = Finding { entity_type: EntityType::new("HEALTH_CONDITION"), ..term("X", 8..21) };
        assert_eq!(
            kept(&[listed, said("HEALTH_CONDITION", 0..21), value("AGE", 2..4, 0.5)]),
            [("HEALTH_CONDITION".to_owned(), 0..21), ("AGE".to_owned(), 2..4)]
        );
        assert_eq!(names(&[said("TITLE", 0..9), value("PERSON", 0..20, 0.6)]), ["TITLE", "PERSON"]);
    }

    #[test]
    fn a_credential_stays_beside_what_it_looks_like() {
        let secret = |range, score| finding("PASSWORD", Category::Credential, range, score);
        assert_eq!(names(&[secret(0..16, 0.5), value("CARD", 0..16, 0.9)]), ["CARD", "PASSWORD"]);
        assert_eq!(names(&[secret(0..40, 0.9), value("PHONE", 5..15, 0.6)]), ["PASSWORD"]);
    }

    #[test]
    fn a_url_keeps_what_lies_in_it() {
        let url = |score| finding("URL", Category::Network, 0..50, score);
        let secret = finding("PASSWORD", Category::Credential, 8..20, 0.9);
        assert_eq!(names(&[url(0.6), secret.clone(), value("EMAIL", 30..40, 0.9)]), ["URL", "PASSWORD", "EMAIL"]);
        assert_eq!(names(&[url(0.95), secret, value("EMAIL", 30..40, 0.9)]), ["URL", "PASSWORD", "EMAIL"]);
        assert_eq!(names(&[url(0.95), value("PHONE", 30..40, 0.4)]), ["URL"], "a weak guess is the URL's own number");
        assert_eq!(names(&[url(0.6), value("A", 45..55, 0.9)]), ["A"], "one that sticks out is no part of it");
    }

    #[test]
    fn terms_do_not_compete_with_values() {
        assert_eq!(names(&[term("MARKING", 0..12), value("A", 5..20, 0.9)]), ["MARKING", "A"]);
        assert_eq!(kept(&[term("MARKING", 0..12), term("MARKING", 9..21)]), [("MARKING".to_owned(), 0..21)]);
        assert_eq!(names(&[term("MARKING", 0..12), term("TERM", 9..21)]), ["MARKING", "TERM"]);
    }

    #[test]
    fn parts_do_not_mix() {
        let second = Finding { part: 1, ..value("B", 0..10, 0.5) };
        assert_eq!(names(&[value("A", 0..10, 0.9), second]), ["A", "B"]);
    }

    proptest! {
        #[test]
        fn values_that_stay_do_not_overlap(spans in prop::collection::vec((0usize..60, 1usize..20, 0u8..10, 0usize..3), 0..40)) {
            let findings: Vec<Finding> = spans
                .iter()
                .map(|(start, length, score, name)| value(["A", "B", "C"][*name], *start..start + length, f32::from(*score) / 10.0))
                .collect();
            let resolved = resolve(findings.clone());
            for pair in resolved.windows(2) {
                prop_assert!(pair[0].range.end <= pair[1].range.start);
            }
            for finding in &findings {
                let covered = resolved.iter().any(|kept| kept.range.start < finding.range.end && finding.range.start < kept.range.end);
                prop_assert!(covered, "what is dropped overlaps what stays");
            }
        }
    }
}
