//! What the rules know against what the model guesses: a "person" inside a web address, the name of an organisation, a
//! date or a postal address is not a person, and a number that a rule has read is not the other number that the model
//! takes it for. The rules have seen a form there, with its check digits; the model has seen a word.

use crate::detect::{Category, Detector, Finding, Likelihood};
use crate::document::Document;

use super::find::NerReport;
use super::reason::{Dropped, Reason};

/// Findings of the rules that begin before a person and are looked at: those of one place are few.
const LOOK_BACK: usize = 16;

/// What the model may say of a person that is not a name: the rules exclude nothing there.
const FACTS: [&str; 3] = ["AGE", "DATE_OF_BIRTH", "TITLE"];

/// Drops the people of a report that lie in something that the rules found, and its numbers, dates and secrets that
/// overlap one. `rules` are in the order of parts and offsets. A value in the query of a web address stays: it is what
/// somebody typed.
pub fn overrule(report: &mut NerReport, rules: &[Finding], document: &Document) {
    let found = std::mem::take(&mut report.findings);
    for finding in found {
        let overruled = match finding.category {
            Category::Person if !FACTS.contains(&finding.entity_type.as_str()) => {
                is_overruled(&finding, rules, document)
            }
            _ => is_guess(&finding) && is_known(&finding, rules),
        };
        if overruled {
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

/// Whether a finding of the model says what kind of value a number, a code or a date is. A rule that has read the same
/// value knows better.
fn is_guess(finding: &Finding) -> bool {
    let name = finding.entity_type.as_str();
    name == "USERNAME"
        || name == "PHONE_NUMBER"
        || name != "HEALTH_CONDITION"
            && matches!(
                finding.category,
                Category::Financial
                    | Category::GovernmentId
                    | Category::Health
                    | Category::Credential
                    | Category::Temporal
                    | Category::Other
            )
}

/// Whether a value of this kind is as grave as a secret. A password may be a date or the number of a phone, and stays one.
fn is_as_grave(category: Category) -> bool {
    matches!(category, Category::Financial | Category::GovernmentId | Category::Credential)
}

/// Whether a rule has read the place of a finding as something of another type. Words of lists are no values, and an
/// address of the network keeps what lies in it.
fn is_known(guess: &Finding, rules: &[Finding]) -> bool {
    let before = rules.partition_point(|rule| (rule.part, rule.range.start) < (guess.part, guess.range.end));
    let near = rules.get(before.saturating_sub(LOOK_BACK)..before).unwrap_or_default();
    near.iter().any(|rule| {
        rule.part == guess.part
            && rule.range.end > guess.range.start
            && rule.detector != Detector::Dictionary
            && rule.category != Category::Network
            && rule.entity_type != guess.entity_type
            && (rule.likelihood() >= Likelihood::Possible || !rule.explanation.validator.is_empty())
            && (guess.category != Category::Credential || is_as_grave(rule.category))
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
        guess_stays(text, finding(Category::Person, Detector::Ner, range), rule)
    }

    /// Whether what the model says stays beside a finding of the rules.
    fn guess_stays(text: &str, guess: Finding, rule: Finding) -> bool {
        let coverage = DetectorCoverage {
            detector: Detector::Ner,
            status: Status::Complete,
            bytes_scanned: 0,
            bytes_total: 0,
            digest: "".into(),
        };
        let mut report = NerReport { findings: vec![guess], dropped: Vec::new(), topics: Vec::new(), coverage };
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
    fn a_number_that_a_rule_has_read_is_not_what_the_model_takes_it_for() {
        let text = "4539 1488 0343 6467 for Anna";
        let guess = |name: &str, category, range| {
            let found = testing::finding(name, category, range, 0.99);
            Finding { detector: Detector::Ner, ..found }
        };
        let rule = |name: &str, category, score| testing::finding(name, category, 0..19, score);
        let card = || rule("CREDIT_CARD", Category::Financial, 0.8);
        for (name, category) in [
            ("BANK_ACCOUNT_NUMBER", Category::Financial),
            ("NATIONAL_ID", Category::GovernmentId),
            ("MEDICAL_RECORD_NUMBER", Category::Health),
            ("PASSWORD", Category::Credential),
            ("DATE_TIME", Category::Temporal),
            ("CASE_NUMBER", Category::Other),
            ("USERNAME", Category::Contact),
        ] {
            assert!(!guess_stays(text, guess(name, category, 5..19), card()), "{name}");
            assert!(
                !guess_stays(text, guess(name, category, 0..24), card()),
                "{name}, and more than the rule has read"
            );
            assert!(guess_stays(text, guess(name, category, 20..24), card()), "{name} beside it");
            let weak = rule("PHONE_NUMBER", Category::Contact, 0.3);
            assert!(guess_stays(text, guess(name, category, 0..19), weak), "{name} against a guess of the rules");
            let url = rule("URL", Category::Network, 0.8);
            assert!(guess_stays(text, guess(name, category, 0..19), url), "{name} in a web address");
        }
        let same = guess("CREDIT_CARD", Category::Financial, 0..19);
        assert!(guess_stays(text, same, card()), "both say the same");
        let mut checked = rule("ISBN", Category::Other, 0.3);
        checked.explanation.validator = "isbn".into();
        assert!(!guess_stays(text, guess("NATIONAL_ID", Category::GovernmentId, 0..19), checked));
    }

    #[test]
    fn a_secret_that_looks_like_something_harmless_stays() {
        let secret =
            || Finding { detector: Detector::Ner, ..testing::finding("PASSWORD", Category::Credential, 0..10, 0.9) };
        for category in [Category::Temporal, Category::Contact, Category::Other, Category::Location] {
            assert!(guess_stays("1990-02-03", secret(), finding(category, Detector::Pattern, 0..10)), "{category:?}");
        }
        assert!(!guess_stays("1990-02-03", secret(), finding(Category::Financial, Detector::Pattern, 0..10)));
    }

    #[test]
    fn a_date_of_birth_is_not_dropped_because_it_is_a_date() {
        let born = testing::finding("DATE_OF_BIRTH", Category::Person, 0..10, 0.9);
        let date = finding(Category::Temporal, Detector::Pattern, 0..10);
        assert!(guess_stays("1990-02-03", Finding { detector: Detector::Ner, ..born }, date));
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
