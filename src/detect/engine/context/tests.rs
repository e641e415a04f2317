//! Which words near a value count, from where, and against which.

use super::*;
use crate::detect::catalog::CatalogFile;

fn words() -> ContextWords {
    let file: CatalogFile = toml::from_str(
        r#"[[recognizer]]
        id = "ssn"
        entity_type = "T"
        source = "s"
        trigger = { digits = [3, 9] }
        score = 0.4
        context = { en = ["ssn", "social security", "date of birth"], ru = ["паспорт"] }
        negative_context = { en = ["order", "order number"] }
        context_window = 30"#,
    )
    .unwrap();
    ContextWords::build(&file.recognizer.into_iter().map(Arc::new).collect::<Vec<_>>()).unwrap()
}

fn judge(text: &str, field: &str) -> (Vec<String>, bool) {
    let at = text.find("536").unwrap();
    let judgement = words().judge(0, text, field, at..at + 3, &mut PartContext::default());
    (judgement.confirming.iter().map(ToString::to_string).collect(), judgement.refuting.is_some())
}

#[test]
fn words_count_within_the_window_before_and_a_third_of_it_after() {
    assert_eq!(judge("my SSN is 536", "").0, ["ssn"]);
    assert_eq!(judge(&format!("ssn{}536", " .".repeat(15)), "").0, ["ssn"]);
    assert_eq!(judge(&format!("ssn{} 536", " .".repeat(15)), "").0, [""; 0]);
    assert_eq!(judge("536 (my ssn)", "").0, ["ssn"]);
    assert_eq!(judge("536 is not here, my ssn", "").0, [""; 0]);
    assert_eq!(judge("assn 536 ssna", "").0, [""; 0], "whole words only");
}

#[test]
fn distance_is_in_code_points() {
    assert_eq!(judge(&format!("ПАСПОРТ {} 536", "я".repeat(27)), "").0, ["паспорт"]);
    assert_eq!(judge(&format!("ПАСПОРТ {} 536", "я".repeat(29)), "").0, [""; 0]);
    assert_eq!(judge(&format!("ssn {} 536", "🙂".repeat(27)), "").0, ["ssn"]);
}

#[test]
fn a_refuting_word_wins_unless_a_confirming_one_is_nearer() {
    assert!(judge("order 536", "").1);
    assert!(judge("ssn of order 536", "").1);
    assert!(!judge("order with ssn 536", "").1);
    assert!(!judge("no word 536", "").1);
}

#[test]
fn names_of_fields_count_from_any_distance() {
    let far = "x".repeat(200);
    assert_eq!(judge(&format!(r#"{{"customerSsn": "{far} 536"}}"#), "").0, ["ssn"]);
    assert_eq!(judge("a,customer_ssn\n1,536\n", "").0, ["ssn"]);
    assert_eq!(judge("dateofbirth: 536", "").0, ["date of birth"]);
    assert_eq!(judge("536", "DateOfBirth").0, ["date of birth"]);
    assert!(judge("orderNumber=536", "").1);
}
