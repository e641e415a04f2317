//! Where words and phrases begin and end, in any case, script and form.

use super::*;

fn hits(terms: &[(&str, Ending)], text: &str) -> Vec<String> {
    hits_with(Joins::Space, terms, text)
}

fn hits_with(joins: Joins, terms: &[(&str, Ending)], text: &str) -> Vec<String> {
    let terms: Vec<Term<'_>> = terms.iter().map(|(text, ending)| Term { text, ending: *ending }).collect();
    let mut found = Vec::new();
    WordSet::build(terms, joins).unwrap().scan(text, &mut |hit| found.push(text[hit.start..hit.end].to_owned()));
    found
}

#[test]
fn whole_words_in_any_case() {
    let terms = [("top secret", Ending::Whole), ("паспорт", Ending::Whole), ("ΟΔΌΣ", Ending::Whole)];
    assert_eq!(hits(&terms, "TOP \t\r\n Secret, topsecret top secrets"), ["TOP \t\r\n Secret"]);
    assert_eq!(hits(&terms, "ПАСПОРТ паспорта"), ["ПАСПОРТ"]);
    assert_eq!(hits(&terms, "οδός"), ["οδός"]);
    assert_eq!(hits(&terms, "top\u{b}\u{b}secret"), ["top\u{b}\u{b}secret"]);
}

#[test]
fn names_of_fields_join_words_with_signs() {
    let terms = [("e-mail", Ending::Whole), ("date of birth", Ending::Plural)];
    let text = "e mail, E-Mail, date_of_birth, date-of births";
    assert_eq!(hits_with(Joins::Signs, &terms, text), ["e mail", "E-Mail", "date_of_birth", "date-of birth"]);
    assert_eq!(hits(&terms, text), ["E-Mail"]);
}

#[test]
fn plural_and_open_endings() {
    assert_eq!(hits(&[("account", Ending::Plural)], "accounts account's accounting"), ["account", "account"]);
    assert_eq!(hits(&[("krank", Ending::Open)], "Krankheit erkrankt krank"), ["Krank", "krank"]);
}

#[test]
fn inflected_phrases_take_an_ending_on_each_word() {
    let polish = Ending::Inflected(7);
    assert_eq!(hits(&[("numer telefonu", polish)], "NUMERU  Telefonem numeracja telefonu"), ["NUMERU  Telefonem"]);
    assert_eq!(hits(&[("poufny", polish)], "poufnych poufność Poufnego."), ["poufnych", "Poufnego"]);
    assert_eq!(hits(&[("tajemnica", polish)], "x tajemnicą"), ["tajemnicą"]);
    assert_eq!(hits(&[("osoite", Ending::Inflected(11))], "osoitteni osoiteni osoitetta"), ["osoiteni", "osoitetta"]);
    assert_eq!(hits(&[("top secret", Ending::Inflected(0))], "top-secrets top secrets"), ["top secrets"]);
    let address = [("e-mailová adresa", Ending::Inflected(12))];
    assert_eq!(
        hits_with(Joins::Signs, &address, "e-mailovou  adresu, e_mailové adrese e adresa"),
        ["e-mailovou  adresu", "e_mailové adrese"]
    );
    assert_eq!(
        hits(&[("krank", Ending::Inflected(1))], "kranken Krankheiten krankenundsoweiterundsofort"),
        ["kranken"]
    );
}

#[test]
fn scripts_without_spaces_have_no_boundaries() {
    assert_eq!(hits(&[("身份证", Ending::Whole)], "我的身份证号码"), ["身份证"]);
    assert_eq!(hits(&[("주민등록번호", Ending::Whole)], "주민등록번호는"), ["주민등록번호"]);
}

#[test]
fn letters_that_change_length_do_not_shift_offsets() {
    assert_eq!(hits(&[("plan", Ending::Whole)], "İİ ẞ K plan"), ["plan"]);
}

#[test]
fn overlapping_terms_are_all_found() {
    let terms = [("number", Ending::Whole), ("order number", Ending::Whole)];
    let mut found = hits(&terms, "order  number");
    found.sort();
    assert_eq!(found, ["number", "order  number"]);
}
