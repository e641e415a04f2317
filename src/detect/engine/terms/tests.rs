//! What a table of terms finds, refuses and costs.

use super::*;

fn found<'t>(file: &str, text: &'t str) -> Vec<&'t str> {
    let table = TermTable::read(file, false).unwrap();
    let mut hits = Vec::new();
    table.scan(text, &mut |hit| hits.push(&text[hit.range]));
    hits
}

#[test]
fn whole_words_and_phrases_in_any_case() {
    let file = "# customers\nBlue Heron\nheron\nO'Brien & Söhne\nÄrzte ohne Zahl\n";
    assert_eq!(found(file, "BLUE \n heron, bluebird Herons"), ["BLUE \n heron", "heron"]);
    assert_eq!(found(file, "o'brien & SÖHNE; obrien"), ["o'brien & SÖHNE"]);
    assert_eq!(found(file, "ÄRZTE OHNE ZAHL ärzte ohne"), ["ÄRZTE OHNE ZAHL"]);
    assert_eq!(found(file, "Blue-Heron"), ["Heron"], "a hyphen is no space");
    assert_eq!(found(file, "blue"), [""; 0]);
}

#[test]
fn terms_with_signs_at_their_ends_and_scripts_without_spaces() {
    let file = "C++\n.NET\n株式会社青空\n".to_owned() + &"w ".repeat(20);
    assert_eq!(found(&file, "c++ and .net of 株式会社青空です"), ["c++", ".net", "株式会社青空"]);
    assert_eq!(found(&file, "C and net"), [""; 0]);
    assert_eq!(found(&file, &"w ".repeat(20)).len(), 1);
}

#[test]
fn case_counts_where_it_is_asked_for() {
    let table = TermTable::read("Apollo\nHarvest Moon", true).unwrap();
    let mut hits = 0;
    table.scan("Apollo apollo Harvest  Moon harvest moon", &mut |_| hits += 1);
    assert_eq!(hits, 2);
}

#[test]
fn terms_have_scores_of_their_own() {
    let table = TermTable::read("alpha\t0.25\nbeta\nC++\t1", false).unwrap();
    let mut scores = Vec::new();
    table.scan("alpha beta C++", &mut |hit| scores.push(hit.score));
    assert_eq!(scores, [Some(0.25), None, Some(1.0)]);
    assert_eq!(table.entries(), 3);
}

#[test]
fn wrong_lines_are_named() {
    let wrong = |file: &str| TermTable::read(file, false).unwrap_err().to_string();
    assert_eq!(wrong("# nothing\n\n"), "the list's file holds no term; write one a line");
    assert_eq!(wrong("a\n--"), "line 2: a term holds a letter or a digit");
    assert_eq!(wrong("a\tb"), "line 1: what stands behind the tab is no number");
    assert_eq!(wrong("a\t7"), "line 1: the score behind the tab is not between 0 and 1");
    assert_eq!(wrong(&"a".repeat(300)), "line 1: a term has at most 256 bytes");
}

/// Two million words of invented names, no two the same.
fn million() -> String {
    const FIRST: [&str; 10] = ["Nord", "Süd", "Alt", "Neu", "Hoch", "Blau", "Rot", "Grün", "Klar", "Wald"];
    let mut file = String::with_capacity(24 << 20);
    for number in 0..1_000_000_u32 {
        let first = FIRST[number as usize % 10];
        file.push_str(&format!("{first}{} {number:x}werk\n", number / 7));
    }
    file
}

#[test]
fn a_million_terms_are_found_and_take_little_memory() {
    let file = million();
    let table = TermTable::read(&file, false).unwrap();
    assert_eq!(table.entries(), 1_000_000);
    assert!(table.bytes() < 64 << 20, "{} bytes", table.bytes());
    let text = file.lines().step_by(9973).collect::<Vec<_>>().join(", not Nord7 werk, ");
    let mut hits = 0;
    let work = table.scan(&text.to_uppercase(), &mut |_| hits += 1);
    assert_eq!(hits, file.lines().step_by(9973).count());
    assert!(work <= 3 * text.len(), "{work} bytes read for {}", text.len());
}

#[test]
fn work_is_linear_whatever_the_text() {
    let file = (2..=16).map(|words| "a ".repeat(words) + "b\n").collect::<String>();
    let table = TermTable::read(&file, false).unwrap();
    for unit in ["a ", "a", "a  \n ", "a-", "b a "] {
        let work = |size: usize| table.scan(&unit.repeat(size / unit.len()), &mut |_| {});
        let (short, long) = (work(1 << 14), work(1 << 18));
        assert!(long <= 17 * short, "{unit:?}: {short} for the short text, {long} for one of 16 times its length");
        assert!(long <= 17 << 18, "{unit:?}: {long}");
    }
}
