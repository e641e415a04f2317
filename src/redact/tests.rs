//! Redaction as a whole, on texts and ranges of any kind.

#![allow(clippy::string_slice)] // texts of tests are cut where they are known

use proptest::prelude::*;

use crate::detect::testing::finding;
use crate::detect::{Category, EntityType, Finding};
use crate::document::{Document, Part, Role};

use super::*;

const KEY: [u8; 32] = [9; 32];

fn person(part: usize, range: std::ops::Range<usize>) -> Finding {
    Finding { part, ..finding("PERSON", Category::Person, range, 0.9) }
}

fn document(texts: &[&str]) -> Document {
    let part = |text: &&str| Part { role: Role::User, pointer: "".into(), text: (*text).into() };
    Document::new(texts.iter().map(part).collect())
}

/// The redacted texts of a document.
fn texts(document: &Document, findings: &[Finding], operators: &Operators, map: &mut PlaceholderMap) -> Vec<String> {
    let done = redact(document, findings, operators, &RedactionKey::from_bytes(&KEY), "crm", map).unwrap();
    for span in &done.spans {
        let part = done.document.parts()[span.part].text.expose();
        assert!(part.get(span.redacted.clone()).is_some(), "offsets are on boundaries");
    }
    done.document.parts().iter().map(|part| part.text.expose().to_owned()).collect()
}

fn one(text: &str, findings: &[Finding], operators: &Operators) -> String {
    texts(&document(&[text]), findings, operators, &mut PlaceholderMap::new().unwrap()).remove(0)
}

fn all(operator: Operator) -> Operators {
    Operators::all(operator)
}

#[test]
fn each_operator_does_what_it_says() {
    let text = "call Zoë Maß now";
    let found = [person(0, 5..14)];
    let mask = |keep_last| all(Operator::Mask { keep_last, with: '*' });
    assert_eq!(one(text, &found, &all(Operator::Replace)), "call ⟦PERSON_1⟧ now");
    assert_eq!(one(text, &found, &mask(2)), "call *****aß now");
    assert_eq!(one(text, &found, &mask(99)), "call ****Maß now", "at most half stays");
    assert_eq!(one(text, &found, &mask(0)), "call ******* now");
    assert_eq!(one(text, &found, &all(Operator::Drop)), "call  now");
    assert_eq!(one(text, &found, &all(Operator::Keep)), text);
    let hashed = one(text, &found, &all(Operator::Hash));
    assert!(hashed.starts_with("call PERSON:") && hashed.len() == "call PERSON: now".len() + 32, "{hashed}");
    let encrypted = one(text, &found, &all(Operator::Encrypt));
    assert!(encrypted.starts_with("call ⟦PERSON=") && encrypted.ends_with("⟧ now"), "{encrypted}");
    assert_ne!(encrypted, one(text, &found, &all(Operator::Encrypt)));
}

#[test]
fn hashes_are_equal_for_one_caller_and_type_only() {
    let key = RedactionKey::from_bytes(&KEY);
    let hash = |caller: &str, name: &str, text: &str| {
        let found = [finding(name, Category::Person, 0..text.len(), 0.9)];
        let mut map = PlaceholderMap::new().unwrap();
        let done = redact(&document(&[text]), &found, &all(Operator::Hash), &key, caller, &mut map).unwrap();
        done.document.parts()[0].text.expose().split_once(':').unwrap().1.to_owned()
    };
    assert_eq!(hash("crm", "PERSON", "Ada"), hash("crm", "PERSON", "ADA"));
    assert_ne!(hash("crm", "PERSON", "Ada"), hash("web", "PERSON", "Ada"));
    assert_ne!(hash("crm", "PERSON", "Ada"), hash("crm", "LOCATION", "Ada"));
}

#[test]
fn operators_go_by_type_and_the_strictest_wins_an_overlap() {
    let text = "see https://a.example/ada@b.example today";
    let found =
        [finding("URL", Category::Network, 4..35, 0.6), finding("EMAIL_ADDRESS", Category::Contact, 22..35, 0.9)];
    assert_eq!(one(text, &found, &all(Operator::Replace)), "see ⟦URL_1⟧ today", "the longest names it");
    let email = EntityType::new("EMAIL_ADDRESS");
    let dropped = all(Operator::Replace).with(email.clone(), Operator::Drop);
    assert_eq!(one(text, &found, &dropped), "see  today", "what must go is in no map");
    let kept = all(Operator::Replace).with(email.clone(), Operator::Keep);
    assert_eq!(one(text, &found, &kept), "see ⟦URL_1⟧ today", "what goes wins over what stays");
    let kept = all(Operator::Keep).with(email.clone(), Operator::Replace);
    assert_eq!(one(text, &found, &kept), "see https://a.example/⟦EMAIL_ADDRESS_1⟧ today");
    let masked = all(Operator::Replace).with(email, Operator::Mask { keep_last: 4, with: '#' });
    assert_eq!(one(text, &found, &masked), format!("see {} today", "#".repeat(31)), "nothing of the URL stays");
}

#[test]
fn numbers_are_stable_over_all_messages() {
    let document = document(&["Ada met Bo", "ADA  and bo", "Kim"]);
    let found = [person(0, 0..3), person(0, 8..10), person(1, 0..4), person(1, 9..11), person(2, 0..3)];
    let mut map = PlaceholderMap::new().unwrap();
    let done = texts(&document, &found, &all(Operator::Replace), &mut map);
    assert_eq!(done, ["⟦PERSON_1⟧ met ⟦PERSON_2⟧", "⟦PERSON_1⟧  and ⟦PERSON_2⟧", "⟦PERSON_3⟧"]);
    assert_eq!(map.value("PERSON_1"), Some("Ada"), "as it was written first");
    assert_eq!(format!("{map:?}"), "PlaceholderMap(3 placeholders, 0 reserved)");
}

#[test]
fn passwords_that_differ_in_case_are_two() {
    let text = "Hunter2 hunter2";
    let found =
        [finding("PASSWORD", Category::Credential, 0..7, 0.9), finding("PASSWORD", Category::Credential, 8..15, 0.9)];
    assert_eq!(one(text, &found, &all(Operator::Replace)), "⟦PASSWORD_1⟧ ⟦PASSWORD_2⟧");
}

#[test]
fn a_number_that_the_caller_wrote_is_never_given() {
    for (look_alike, given) in [("⟦PERSON_1⟧", 2), ("[person 1]", 2), ("<PERSON_1>", 2), ("⟦PERSON_2⟧", 1)] {
        let text = format!("Ada says {look_alike}");
        let expected = format!("⟦PERSON_{given}⟧ says {look_alike}");
        assert_eq!(one(&text, &[person(0, 0..3)], &all(Operator::Replace)), expected);
    }
    let second = texts(
        &document(&["Ada", "⟦PERSON_1⟧"]),
        &[person(0, 0..3)],
        &all(Operator::Replace),
        &mut PlaceholderMap::new().unwrap(),
    );
    assert_eq!(second, ["⟦PERSON_2⟧", "⟦PERSON_1⟧"], "in a later message too");
    // Only when a value is dropped out of it does it look like one.
    let drop = all(Operator::Replace).with(EntityType::new("CODE"), Operator::Drop);
    let found = [person(0, 0..3), finding("CODE", Category::Other, 14..17, 0.9)];
    assert_eq!(one("Ada ⟦PERSON_xyz1⟧", &found, &drop), "⟦PERSON_2⟧ ⟦PERSON_1⟧");
}

#[test]
fn types_whose_names_meet_do_not_share_a_placeholder() {
    let text = "aa bb";
    let found = [finding("X_1", Category::Other, 0..2, 0.9), finding("X", Category::Other, 3..5, 0.9)];
    assert_eq!(one(text, &found, &all(Operator::Replace)), "⟦X_1_1⟧ ⟦X_1⟧");
    let found = [finding("A-B", Category::Other, 0..2, 0.9), finding("A_B", Category::Other, 3..5, 0.9)];
    assert_eq!(one(text, &found, &all(Operator::Replace)), "⟦A_B_1⟧ ⟦A_B_2⟧");
}

#[test]
fn a_finding_of_another_document_is_refused() {
    let mut map = PlaceholderMap::new().unwrap();
    let key = RedactionKey::from_bytes(&KEY);
    let refused = redact(&document(&["a"]), &[person(1, 0..1)], &Operators::default(), &key, "crm", &mut map);
    assert_eq!(refused.unwrap_err(), RedactError::ForeignFinding);
}

/// Texts of few characters, none of which an operator writes by itself.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec!["ж", "é", "🙂", "字", " ", "\n", "⟦", "⟧", "ü", "\u{301}", "ñ"]);
    prop::collection::vec(odd, 0..40).prop_map(|pieces| pieces.concat())
}

fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    let types = prop::sample::select(vec!["PERSON", "URL", "DATE"]);
    let one = (types, 0usize..90, 0usize..90, 0.0f32..1.0)
        .prop_map(|(name, start, end, score)| finding(name, Category::Other, start..end, score));
    prop::collection::vec(one, 0..8)
}

fn any_operator() -> impl Strategy<Value = Operator> {
    prop_oneof![
        Just(Operator::Replace),
        (0usize..4).prop_map(|keep_last| Operator::Mask { keep_last, with: '*' }),
        Just(Operator::Hash),
        Just(Operator::Encrypt),
        Just(Operator::Drop),
        Just(Operator::Keep),
    ]
}

proptest! {
    /// What is left of the original is exactly what no finding that goes has a byte of.
    #[test]
    fn no_byte_of_a_value_survives(
        text in odd_text(),
        found in any_findings(),
        person in any_operator(),
        others in any_operator(),
    ) {
        let operators = all(others).with(EntityType::new("PERSON"), person);
        let mut map = PlaceholderMap::new().unwrap();
        let key = RedactionKey::from_bytes(&KEY);
        let done = redact(&document(&[&text]), &found, &operators, &key, "crm", &mut map).unwrap();
        let redacted = done.document.parts()[0].text.expose();
        let mut gone = vec![false; text.len()];
        for finding in &found {
            if operators.of(&finding.entity_type) != Operator::Keep {
                (finding.range.start..finding.range.end.min(text.len())).for_each(|at| gone[at] = true);
            }
        }
        let (mut before, mut after) = (0, 0);
        for span in &done.spans {
            prop_assert_eq!(&text[before..span.original.start], &redacted[after..span.redacted.start]);
            prop_assert!((before..span.original.start).all(|at| !gone[at] || white(&text, at)), "a byte stays");
            let instead = &redacted[span.redacted.clone()];
            match span.operator {
                Operator::Mask { keep_last, .. } => {
                    let kept = instead.chars().filter(|c| *c != '*').count();
                    prop_assert!(kept <= keep_last);
                    prop_assert_eq!(instead.chars().count(), text[span.original.clone()].chars().count());
                }
                _ => prop_assert!(instead.chars().all(|c| c.is_ascii() || "⟦⟧".contains(c)), "{}", instead),
            }
            (before, after) = (span.original.end, span.redacted.end);
        }
        prop_assert_eq!(&text[before..], &redacted[after..]);
        prop_assert!((before..text.len()).all(|at| !gone[at] || white(&text, at)), "a byte stays");
    }
}

/// Whether the character at this byte is white space, which is not part of a value at its ends.
fn white(text: &str, at: usize) -> bool {
    text[text.floor_char_boundary(at)..].chars().next().is_some_and(char::is_whitespace)
}
