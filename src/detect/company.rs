//! Findings that mean something only in company. The number of an order or a ticket is an identifying code where the
//! text also says whose it is; alone it is a number of the trade. An address at a documentation host is data in a
//! record of a person, and an example elsewhere. Runs on all findings of a document, those of the model included; it
//! changes types and scores and must never drop a finding, because policies decide by the category, which stays.

use std::ops::Range;
use std::sync::Arc;

use super::finding::reason;
use super::trace::{Considered, Outcome, Trace, Winner};
use super::{Category, Detector, EntityType, Finding, engine};
use crate::document::Document;

/// A street with its number, and what follows it.
const STREET: &str = "STREET_ADDRESS";

/// Numbers of things: an order, a ticket, a file, a piece of equipment.
const OF_THINGS: [&str; 4] = ["ORDER_ID", "TICKET_ID", "CASE_NUMBER", "ASSET_TAG"];

/// What such a number is in a text about nobody.
const REFERENCE: &str = "REFERENCE_NUMBER";

/// An address at a documentation host with a name of its own.
const EXAMPLE_ADDRESS: &str = "EMAIL_ADDRESS_EXAMPLE";

/// Types of e-mail addresses.
const ADDRESSES: [&str; 2] = ["EMAIL_ADDRESS", EXAMPLE_ADDRESS];

/// Score of such an address beside personal data: possible, and below what policies ask of an identifier.
const EXAMPLE_SCORE: f32 = 0.45;

/// Bytes between an example address and the personal data that makes it data.
const NEAR: usize = 200;

/// Lowest score of company.
const SURE: f32 = 0.5;

/// Lets streets that the model found go on over unit, town, postal code and country, as those of the patterns do.
/// Tells `trace` how much the model found itself.
pub fn complete_addresses(document: &Document, findings: &mut [Finding], mut trace: Option<&mut Trace>) {
    for finding in findings.iter_mut().filter(|finding| finding.entity_type.as_str() == STREET) {
        let Some(part) = document.parts().get(finding.part) else { continue };
        let end = engine::address_end(part.text.expose(), finding.range.end);
        let whole = finding.range.start..end;
        if end != finding.range.end
            && let Some(trace) = trace.as_deref_mut().filter(|trace| trace.wants(finding.part, &whole))
        {
            trace.note(Considered::of(finding, Outcome::Completed));
        }
        finding.range = whole;
    }
}

/// Drops what the model takes for an e-mail address where the rules have read one: they know its ends, and whether it is
/// a role or an example. Tells `trace` what it drops in its span.
pub fn defer_to_rules(rules: &[Finding], of_model: &mut Vec<Finding>, mut trace: Option<&mut Trace>) {
    let address = |finding: &&Finding| ADDRESSES.contains(&finding.entity_type.as_str());
    let read: Vec<&Finding> = rules.iter().filter(address).collect();
    of_model.retain(|finding| {
        let overlaps = |known: &&Finding| {
            known.part == finding.part && known.range.start < finding.range.end && finding.range.start < known.range.end
        };
        // Those of the rules are in the order of their places and do not overlap.
        let at = read.partition_point(|known| (known.part, known.range.end) <= (finding.part, finding.range.start));
        if finding.detector != Detector::Ner || !address(&finding) {
            return true;
        }
        let Some(known) = read.get(at).filter(|known| overlaps(known)) else { return true };
        if let Some(trace) = trace.as_deref_mut().filter(|trace| trace.wants(finding.part, &finding.range)) {
            trace.note(Considered::of(finding, Outcome::Deferred(Winner::of(known))));
        }
        false
    });
}

/// Judges the findings of a document by each other.
pub fn settle(findings: &mut [Finding]) {
    let company: Vec<(usize, Range<usize>)> = findings
        .iter()
        .filter(|finding| is_company(finding))
        .map(|finding| (finding.part, finding.range.clone()))
        .collect();
    for finding in findings {
        let name = finding.entity_type.as_str();
        if company.is_empty() && OF_THINGS.contains(&name) {
            finding.entity_type = EntityType::new(REFERENCE);
            finding.explanation.note = Arc::from("no person in the text");
        } else if name == EXAMPLE_ADDRESS && near(&company, finding) {
            finding.adjust(reason::BESIDE_PERSONAL_DATA, finding.score.max(EXAMPLE_SCORE));
        }
    }
}

/// Whether a finding is about a person, for certain enough.
fn is_company(finding: &Finding) -> bool {
    let personal = match finding.category {
        Category::Person => {
            !matches!(finding.entity_type.as_str(), "PERSON_REFERENCE" | "SINGLING_OUT" | "THIRD_PERSON" | "TITLE")
        }
        Category::Contact | Category::GovernmentId | Category::Financial => true,
        Category::Location => finding.entity_type.as_str() == STREET,
        _ => matches!(finding.entity_type.as_str(), "CUSTOMER_ID" | "EMPLOYEE_ID" | "STUDENT_ID" | "POLICY_NUMBER"),
    };
    personal && finding.score >= SURE && finding.entity_type.as_str() != EXAMPLE_ADDRESS
}

/// Whether company stands near a finding. Company is in the order of parts and places, and does not overlap itself
/// beyond what nests, so looking at the neighbours of the place is enough.
fn near(company: &[(usize, Range<usize>)], finding: &Finding) -> bool {
    let place = (finding.part, finding.range.start);
    let at = company.partition_point(|(part, range)| (*part, range.start) < place);
    let close = |(part, range): &(usize, Range<usize>)| {
        *part == finding.part
            && range.start.saturating_sub(finding.range.end) <= NEAR
            && finding.range.start.saturating_sub(range.end) <= NEAR
    };
    let before = company.get(at.saturating_sub(2)..at).unwrap_or_default();
    let after = company.get(at..(at + 2).min(company.len())).unwrap_or_default();
    before.iter().chain(after).any(close)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::testing::finding;

    fn settled(mut findings: Vec<Finding>) -> Vec<(String, f32)> {
        settle(&mut findings);
        findings.into_iter().map(|f| (f.entity_type.to_string(), f.score)).collect()
    }

    #[test]
    fn a_number_of_a_thing_identifies_only_beside_a_person() {
        let order = || finding("ORDER_ID", Category::Other, 10..20, 0.6);
        assert_eq!(settled(vec![order()]), [("REFERENCE_NUMBER".to_owned(), 0.6)]);
        let person = |score| finding("PERSON", Category::Person, 5000..5010, score);
        assert_eq!(settled(vec![order(), person(0.9)])[0].0, "ORDER_ID");
        assert_eq!(settled(vec![order(), person(0.4)])[0].0, "REFERENCE_NUMBER");
        let reference = finding("PERSON_REFERENCE", Category::Person, 0..5, 0.9);
        assert_eq!(settled(vec![reference, order()])[1].0, "REFERENCE_NUMBER");
        let customer = finding("CUSTOMER_ID", Category::Other, 0..5, 0.9);
        assert_eq!(settled(vec![customer])[0].0, "CUSTOMER_ID", "the number of a person stays");
    }

    #[test]
    fn the_model_does_not_overrule_an_address_that_was_read() {
        let rules = [
            finding(EXAMPLE_ADDRESS, Category::Other, 10..30, 0.3),
            finding("EMAIL_ADDRESS", Category::Contact, 40..60, 0.9),
        ];
        let model =
            |range| Finding { detector: Detector::Ner, ..finding("EMAIL_ADDRESS", Category::Contact, range, 0.99) };
        let mut found =
            vec![model(10..18), model(45..50), model(30..40), finding("PERSON", Category::Person, 10..18, 0.9)];
        defer_to_rules(&rules, &mut found, None);
        let kept: Vec<_> = found.into_iter().map(|f| f.range).collect();
        assert_eq!(kept, [30..40, 10..18]);
    }

    #[test]
    fn a_trace_says_what_was_deferred_and_what_was_completed() {
        let rules = [finding("EMAIL_ADDRESS", Category::Contact, 40..60, 0.9)];
        let of_model =
            |name, category, range| Finding { detector: Detector::Ner, ..finding(name, category, range, 0.9) };
        let mut trace = Trace::new(0, 44..50);
        defer_to_rules(&rules, &mut vec![of_model("EMAIL_ADDRESS", Category::Contact, 45..50)], Some(&mut trace));
        assert!(matches!(&trace.considered()[0].outcome, Outcome::Deferred(to) if to.range == (40..60)));
        let mut elsewhere = Trace::new(0, 0..10);
        defer_to_rules(&rules, &mut vec![of_model("EMAIL_ADDRESS", Category::Contact, 45..50)], Some(&mut elsewhere));
        assert_eq!(elsewhere.considered(), []);
        let text = "Write to 12 Oak Street, Springfield, IL 62704 today.";
        let mut street = [of_model(STREET, Category::Location, 9..22)];
        let mut trace = Trace::new(0, 24..35);
        complete_addresses(&Document::of(text), &mut street, Some(&mut trace));
        assert_eq!(text.get(street[0].range.clone()), Some("12 Oak Street, Springfield, IL 62704"));
        let told = &trace.considered()[0];
        assert_eq!((told.range.clone(), &told.outcome), (9..22, &Outcome::Completed));
    }

    #[test]
    fn an_example_address_counts_near_personal_data_only() {
        let address = || finding(EXAMPLE_ADDRESS, Category::Network, 300..320, 0.3);
        let phone = |start| finding("PHONE_NUMBER", Category::Contact, start..start + 10, 0.7);
        assert_eq!(settled(vec![address()])[0].1, 0.3);
        assert_eq!(settled(vec![phone(200), address()])[1].1, EXAMPLE_SCORE);
        assert_eq!(settled(vec![address(), phone(500)])[0].1, EXAMPLE_SCORE);
        assert_eq!(settled(vec![address(), phone(600)])[0].1, 0.3);
        assert_eq!(settled(vec![address(), address()])[0].1, 0.3, "examples are no company for each other");
    }
}
