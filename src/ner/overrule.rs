//! What the rules know against what the model guesses: a "person" inside a web address, the name of an organisation, a
//! date or a postal address is not a person. The rules have seen a form there; the model has seen a word.

use crate::detect::{Category, Detector, Finding, Likelihood};
use crate::document::Document;

use super::find::NerReport;
use super::reason::{Dropped, Reason};

/// Findings of the rules that begin before a person and are looked at: those of one place are few.
const LOOK_BACK: usize = 16;

/// Drops the people of a report that lie in something that the rules found. `rules` are in the order of parts and
/// offsets. A value in the query of a web address stays: it is what somebody typed.
pub fn overrule(report: &mut NerReport, rules: &[Finding], document: &Document) {
    let found = std::mem::take(&mut report.findings);
    for finding in found {
        if finding.category == Category::Person && is_overruled(&finding, rules, document) {
            let Finding { part, range, entity_type, score, .. } = finding;
            report.dropped.push(Dropped { part, range, entity_type, score, reason: Reason::Overruled });
        } else {
            report.findings.push(finding);
        }
    }
    report.dropped.sort_by_key(|dropped| (dropped.part, dropped.range.start));
}

fn is_overruled(person: &Finding, rules: &[Finding], document: &Document) -> bool {
    let place = (person.part, person.range.start);
    let before = rules.partition_point(|rule| (rule.part, rule.range.start) <= place);
    let near = rules.get(before.saturating_sub(LOOK_BACK)..before).unwrap_or_default();
    near.iter().any(|rule| {
        rule.part == person.part
            && rule.detector != Detector::Dictionary
            && rule.likelihood() >= Likelihood::Possible
            && rule.range.end >= person.range.end
            && excludes(rule, person, document)
    })
}

/// Whether what a rule found cannot be or hold a person.
fn excludes(rule: &Finding, person: &Finding, document: &Document) -> bool {
    match rule.category {
        Category::Organization | Category::Temporal => true,
        // The name in "12 Anna Street", but not one that is all that the rule found.
        Category::Location => rule.range != person.range,
        Category::Network => {
            let text = document.parts().get(person.part).map(|part| part.text.expose()).unwrap_or_default();
            !text.get(..person.range.start).is_some_and(|before| before.ends_with('='))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::detect::{DetectorCoverage, Status, testing};

    fn finding(category: Category, detector: Detector, range: Range<usize>) -> Finding {
        Finding { detector, ..testing::finding("X", category, range, 0.7) }
    }

    /// Whether "Anna" at `range` stays beside a finding of the rules.
    fn stays(text: &str, range: Range<usize>, rule: Finding) -> bool {
        let coverage = DetectorCoverage {
            detector: Detector::Ner,
            status: Status::Complete,
            bytes_scanned: 0,
            bytes_total: 0,
            digest: "".into(),
        };
        let person = finding(Category::Person, Detector::Ner, range);
        let mut report = NerReport { findings: vec![person], dropped: Vec::new(), coverage };
        overrule(&mut report, &[rule], &Document::of(text));
        assert_eq!(report.findings.len() + report.dropped.len(), 1, "it is one or the other");
        assert!(report.dropped.iter().all(|dropped| dropped.reason == Reason::Overruled));
        report.dropped.is_empty()
    }

    #[test]
    fn a_person_inside_what_the_rules_know_is_dropped() {
        let rule = |category, range| finding(category, Detector::Pattern, range);
        assert!(!stays("Anna Bakery Ltd", 0..4, rule(Category::Organization, 0..15)));
        assert!(!stays("https://a.example/Anna", 18..22, rule(Category::Network, 0..22)));
        assert!(!stays("12 Anna Street", 3..7, rule(Category::Location, 0..14)));
    }

    #[test]
    fn a_person_beside_or_in_a_query_stays() {
        let rule = |category, range| finding(category, Detector::Pattern, range);
        assert!(stays("https://a.example/?n=Anna", 21..25, rule(Category::Network, 0..25)));
        assert!(stays("Anna in Anna", 0..4, rule(Category::Location, 8..12)));
        assert!(stays("Anna Lee Ltd", 0..8, rule(Category::Organization, 5..12)), "it sticks out");
        assert!(stays("Anna", 0..4, finding(Category::Organization, Detector::Dictionary, 0..4)));
        let weak = Finding { score: 0.3, ..rule(Category::Organization, 0..4) };
        assert!(stays("Anna", 0..4, weak));
    }
}
