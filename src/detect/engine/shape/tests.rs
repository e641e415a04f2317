//! What may match where, and that no shape holds a match back.

use proptest::prelude::*;

use super::super::expression::{Start, start};
use super::*;

const PATTERNS: [&str; 10] = [
    r"(?i)\b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b",
    r"(?:^|[^:])(?P<value>(?:[0-9a-f]{1,4}:){2,7}(?::[0-9a-f]{1,4}){0,2})",
    r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    r"(?i)\bDE ?[0-9]{9,20}\b",
    r"(?:^|[^0-9A-Za-z])(?P<value>[1-9][0-9]{4} ?[A-Z]{2})(?:[^0-9A-Za-z]|$)",
    r"№ ?[0-9]{6}",
    r"[0-9]{4}(?:[ -]?[0-9]{4}){3}",
    r"(?:19|20)[0-9]{2}[./-](?:0[1-9]|1[0-2])(?:[./-][0-9]{2})?",
    r"(?P<value>[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7})",
    r"[0-9]{1,4} (?:[A-Z][a-z]{1,20} ){1,3}(?:Street|Road)",
];

/// Patterns that may match at some place of a text.
fn matching_from(from: From, text: &str) -> Vec<usize> {
    let hirs: Vec<Hir> = PATTERNS.iter().map(|pattern| regex_syntax::parse(pattern).unwrap()).collect();
    let shapes = Shapes::build(from, &hirs).unwrap();
    let mut reader = shapes.reader();
    let mut all = Vec::new();
    let mut last = b' ';
    for (at, byte) in text.bytes().enumerate() {
        if from.holds(byte) && !from.holds(last) {
            reader.matching(text, at, &mut |pattern| all.push(pattern));
        }
        last = byte;
    }
    all.sort_unstable();
    all.dedup();
    all
}

fn matching(text: &str) -> Vec<usize> {
    matching_from(From::Digit, text)
}

#[test]
fn shapes_tell_patterns_apart() {
    assert_eq!(matching("on 2024-01-01 at noon"), [7]);
    assert_eq!(matching("ssn 536-90-4399"), [2]);
    assert_eq!(matching("12536-90-4399"), [0; 0], "runs are whole");
    assert_eq!(matching("123456789"), [0; 0], "what stands before counts");
    assert_eq!(matching("de 123456789"), [3]);
    assert_eq!(matching("12345 AB"), [4]);
    assert_eq!(matching("12345 ab"), [0; 0], "letters count");
    assert_eq!(matching("№123456"), [5]);
    assert_eq!(matching("4111 1111 1111 1111 1"), [6]);
    assert_eq!(matching("48 Kiln Old Road"), [9]);
    assert_eq!(matching("48 kiln road"), [0; 0]);
    assert_eq!(matching("no number at all"), [0; 0]);
}

#[test]
fn ways_to_a_shape_and_on_from_it_pair_up() {
    for pattern in PATTERNS {
        let hir = regex_syntax::parse(pattern).unwrap();
        for from in [From::Digit, From::Token] {
            let (after, before) = (from.derive(&value_part(&hir)), from.before(&hir));
            assert!(!after.is_empty() && after.len() == before.len(), "{pattern}");
        }
    }
}

proptest! {
    #[test]
    fn no_match_is_held_back(text in r"[0-9A-Za-zÄ№ ./-]{0,40}", seed in prop::sample::select(vec![
        "123-45-6789", "DE123456789012", "de 1234567890", "12345 AB", "№ 123456", "1234567890123456", "2024/12",
        "GB82 WEST 1234 5698", "abcd.ef01.2345", "fe:80:a::1", "12 Old Street",
    ]), tail in r"[0-9A-Za-zé ./-]{0,10}") {
        let text = format!("{text}{seed}{tail}");
        let (runs, tokens) = (matching(&text), matching_from(From::Token, &text));
        for (index, pattern) in PATTERNS.iter().enumerate() {
            let token = start(&regex_syntax::parse(pattern).unwrap()) == Start::Token;
            let may = if token { &tokens } else { &runs };
            let regex = regex::Regex::new(pattern).unwrap();
            for captures in regex.captures_iter(&text) {
                let value = captures.name("value").unwrap_or(captures.get(0).unwrap()).range();
                let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
                let splits = (digit(value.start.checked_sub(1)) && digit(Some(value.start)))
                    || (digit(Some(value.end - 1)) && digit(Some(value.end)));
                prop_assert!(splits || may.contains(&index), "{} in {}", pattern, text);
            }
        }
    }
}
