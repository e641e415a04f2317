//! The names of fields in JSON, CSV, labels and tags.

use super::table::MAX_LINE;
use super::*;

fn name<'a>(text: &'a str, value: &str) -> Option<&'a str> {
    let mut fields = Fields::of(text);
    fields.name_of(text, text.find(value).unwrap()).map(|range| &text[range])
}

#[test]
fn keys_of_json_hold_for_strings_numbers_and_arrays() {
    let text = r#"{"a": {"customerSsn": "x 536", "n" : 77, "list": ["v1", {"deep": "v2"}, "v3"]}, "z": "\"q\" 9"}"#;
    assert_eq!(name(text, "536"), Some("customerSsn"));
    assert_eq!(name(text, "77"), Some("n"));
    assert_eq!(name(text, "v1"), Some("list"));
    assert_eq!(name(text, "v2"), Some("deep"));
    assert_eq!(name(text, "v3"), Some("list"));
    assert_eq!(name(text, "9"), Some("z"));
}

#[test]
fn json_inside_a_string_of_json_has_labels() {
    assert_eq!(name(r#"{"arguments": "{\"ssn\": \"536\"}"}"#, "536"), Some("ssn"));
    assert_eq!(name(r#"{\"ssn\": \"536\"}"#, "536"), Some("ssn"));
}

#[test]
fn columns_of_a_table_have_the_name_of_their_header() {
    let text = "name,ssn,\"date, of birth\"\n\"Roe, Jane\",536,1990\nJohn,537,\n";
    assert_eq!(name(text, "536"), Some("ssn"));
    assert_eq!(name(text, "537"), Some("ssn"));
    assert_eq!(name("id\tphone\n1\t555\n", "555"), Some("phone"));
    assert_eq!(name("| id | card |\n|---|---|\n| 1 | 4111 |\n", "4111"), Some("card"));
    let mut fields = Fields::of(text);
    for (value, column) in [("537", "ssn"), ("536", "ssn"), ("1990", "date, of birth"), ("John", "name")] {
        let name = fields.name_of(text, text.find(value).unwrap());
        assert_eq!(name.map(|range| &text[range]), Some(column), "in any order");
    }
    let long = format!("a,b\n{0},{0}\n", "x".repeat(2 * MAX_LINE));
    assert_eq!(Fields::of(&long).name_of(&long, long.len() - 1), None, "the start of its line is too far");
    assert_eq!(name("Hello there\nno, table", "table"), None);
    let below = "Here it is, as you asked:\n\nid,last name,ssn\n1,Roe,536\n2,Doe,537\n\nThanks, Ann, bye 9";
    assert_eq!(name(below, "537"), Some("ssn"));
    assert_eq!(name(below, "9"), None, "behind the table");
}

#[test]
fn labels_stand_directly_before_a_value() {
    assert_eq!(name("ssn=536", "536"), Some("ssn"));
    assert_eq!(name("say: Social security no.: 536", "536"), Some("Social security no."));
    assert_eq!(name("'user_ssn' => '536'", "536"), Some("user_ssn"));
    assert_eq!(name("**SSN:** 536", "536"), Some("SSN"));
    assert_eq!(name("<ssn>536</ssn>", "536"), Some("ssn"));
    assert_eq!(name("Numéro: 536", "536"), Some("Numéro"));
    assert_eq!(name("a 536", "536"), None);
    assert_eq!(name(&format!("{}: 536", "é".repeat(80)), "536"), None);
    assert_eq!(name("=536", "536"), None);
}

#[test]
fn identifiers_in_mixed_case_are_found() {
    let text = "a customerSsn=1, HTTPServer dateOfBirth2 plain Word";
    let mut names = Vec::new();
    mixed_identifiers(text, &mut |range| names.push(&text[range]));
    assert_eq!(names, ["customerSsn", "dateOfBirth2"]);
}

#[test]
fn words_in_keys_are_told_from_words_in_values() {
    let text = r#"{"ssn_no": "ssn", "a": 1}"#;
    assert!(in_key(text, 5));
    assert!(!in_key(text, 15));
}

#[test]
fn names_are_split_into_words() {
    for (name, words) in [
        ("customerSsn", "customer Ssn"),
        ("SSN_no", "SSN no"),
        ("dateOfBirth", "date Of Birth"),
        ("XMLHttp", "XML Http"),
        ("a-b.c", "a b c"),
    ] {
        let mut split = String::new();
        split_name(name, &mut split);
        assert_eq!(split, words);
    }
}
