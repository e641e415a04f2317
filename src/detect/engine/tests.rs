//! The engine over the embedded catalog's own examples, over texts with odd characters, and over texts made to be slow.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::detect::testing::{Row, entity_types, list, recognizer};
use crate::detect::{CatalogError, resolve};

static EMBEDDED: LazyLock<(Catalog, Rules)> = LazyLock::new(|| {
    let catalog = Catalog::embedded().unwrap_or_else(|error: CatalogError| panic!("{error}"));
    let rules = Rules::build(&catalog).unwrap();
    (catalog, rules)
});

/// A small catalog of its own, so that these tests do not depend on the embedded one.
static SMALL: LazyLock<Rules> = LazyLock::new(|| Rules::build(&small()).unwrap());

fn small() -> Catalog {
    let types = [("CARD", "financial"), ("EMAIL", "contact"), ("NUMBER", "other"), ("MARKING", "marking")];
    let rows = [
        entity_types(&types.map(|(name, category)| (name, category, ""))),
        recognizer(&Row {
            id: "card",
            entity_type: "CARD",
            settings: "trigger = { digits = [16, 16] }\nvalidator = \"credit_card\"\nscore = 0.6\n\
                       context = { en = [\"card\"] }\nnegative_context = { en = [\"order\"] }",
            pattern: ("grouped", "[0-9]{4}(?:[ -]?[0-9]{4}){3}"),
            positive: ("4111 1111 1111 1111", "4111 1111 1111 1111"),
            negative: "4",
        }),
        recognizer(&Row {
            id: "email",
            entity_type: "EMAIL",
            settings: "trigger = { literals = [\"@\"] }\nscore = 0.9",
            pattern: ("plain", r"\b[A-Za-z0-9.]{1,64}@(?:[A-Za-z0-9]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
            positive: ("a@b.org", "a@b.org"),
            negative: "a@b",
        }),
        recognizer(&Row {
            id: "number",
            entity_type: "NUMBER",
            settings: "trigger = { digits = [6, 6] }\nrequires_context = true\nscore = 0.1\n\
                       context = { en = [\"staff number\"], de = [\"personalnummer\"] }",
            pattern: ("six", "(?:^|[^0-9A-Za-z])(?P<value>[0-9]{6})(?:[^0-9A-Za-z]|$)"),
            positive: ("staff number 123456", "123456"),
            negative: "123456",
        }),
        list("marking", "MARKING", 0.8, "", &["strictly confidential", "confidencial"]),
        list("exact", "MARKING", 0.7, "match = \"exact\"", &["US  Only"]),
        list("prefix", "MARKING", 0.7, "match = \"prefix\"", &["geheim"]),
    ];
    Catalog::from_files(&[("small.toml", &rows.concat())]).unwrap_or_else(|error| panic!("{error}"))
}

/// What the small catalog finds: recognizer and text.
fn found(text: &str) -> Vec<(String, &str)> {
    let mut findings = Vec::new();
    SMALL.scan(0, &View::of(text), &mut findings).unwrap();
    resolve(findings).into_iter().map(|f| (f.recognizer.to_string(), &text[f.range])).collect()
}

fn pair<'a>(recognizer: &str, text: &'a str) -> (String, &'a str) {
    (recognizer.to_owned(), text)
}

#[test]
fn every_example_of_the_catalog_holds() {
    let (catalog, rules) = &*EMBEDDED;
    let mut failures = Vec::new();
    let scan = |text: &str| {
        let mut findings = Vec::new();
        rules.scan(0, &View::of(text), &mut findings).unwrap();
        findings
    };
    let said = |findings: &[Finding], id: &str, text: &str| -> Vec<String> {
        let mine = findings.iter().filter(|finding| *finding.recognizer == *id);
        mine.map(|finding| format!("{:?} ({:.2})", &text[finding.range.clone()], finding.score)).collect()
    };
    for spec in catalog.recognizers() {
        for example in &spec.examples.positive {
            let findings = scan(&example.text);
            let exact = |f: &Finding| *f.recognizer == *spec.id && example.text[f.range.clone()] == example.value;
            if !findings.iter().any(exact) {
                let got = said(&findings, &spec.id, &example.text);
                failures.push(format!("{}: {:?} in {:?}: found {got:?}", spec.id, example.value, example.text));
            }
        }
        for text in &spec.examples.negative {
            let findings: Vec<Finding> = scan(text).into_iter().filter(|finding| finding.score >= 0.4).collect();
            let got = said(&findings, &spec.id, text);
            if !got.is_empty() {
                failures.push(format!("{}: nothing in {text:?}: found {got:?}", spec.id));
            }
        }
    }
    for set in catalog.context_sets() {
        let of_set = |finding: &Finding| set.entity_types.contains(&finding.entity_type) && finding.score >= 0.4;
        for example in &set.examples.positive {
            let findings = scan(&example.text);
            let exact = |f: &Finding| of_set(f) && example.text[f.range.clone()] == example.value;
            if !findings.iter().any(exact) {
                failures.push(format!("{}: {:?} in {:?}", set.id, example.value, example.text));
            }
        }
        for text in set.examples.negative.iter().filter(|text| scan(text).iter().any(of_set)) {
            failures.push(format!("{}: something in {text:?}", set.id));
        }
    }
    for spec in catalog.lists() {
        for (texts, wanted) in [(&spec.examples.positive, true), (&spec.examples.negative, false)] {
            for text in texts {
                let got = said(&scan(text), &spec.id, text);
                if got.is_empty() == wanted {
                    failures.push(format!("{}: {text:?}: found {got:?}", spec.id));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} examples fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn findings_point_into_the_original() {
    let card = "4111\u{a0}１１１１\u{200b}-1111\u{2011}1111";
    let text = format!("🙂e\u{301}\0 שלום \u{202b}{card}\u{202c}, bob＠x.org");
    assert_eq!(found(&text), [pair("card", card), pair("email", "bob＠x.org")]);
    assert_eq!(found("\0a@b.org\0"), [pair("email", "a@b.org")]);
    assert_eq!(found("🙂4111111111111111🙂"), [pair("card", "4111111111111111")]);
}

#[test]
fn a_value_is_never_a_piece_of_a_longer_number() {
    assert_eq!(found("94111111111111111"), []);
    assert_eq!(found("41111111111111110"), []);
    assert_eq!(found("123 4111 1111 1111 1111"), [pair("card", "4111 1111 1111 1111")]);
    assert_eq!(found("1234 4111 1111 1111 1111"), [pair("card", "4111 1111 1111 1111")], "found after a failed check");
}

#[test]
fn values_that_share_a_boundary_are_all_found() {
    let text = "staff number 123456,234567,345678";
    assert_eq!(found(text).len(), 3);
    assert_eq!(found("a@b.org,c@d.org c@d.org").len(), 3);
}

#[test]
fn context_raises_refutes_and_permits() {
    let score = |text: &str| {
        let mut findings = Vec::new();
        SMALL.scan(0, &View::of(text), &mut findings).unwrap();
        findings.first().map(|finding| (finding.score, finding.explanation.context_words.len()))
    };
    assert_eq!(score("4111 1111 1111 1111"), Some((0.6, 0)));
    assert_eq!(score("my card 4111 1111 1111 1111"), Some((0.95, 1)));
    assert_eq!(score("order 4111 1111 1111 1111"), None);
    assert_eq!(score("123456"), None);
    assert_eq!(score("{\"staffNumber\": \"123456\"}"), Some((0.45, 1)));
    assert_eq!(score("Personalnummer: 123456"), Some((0.45, 1)));
    let mut findings = Vec::new();
    SMALL.scan_field(0, "staff_number", &View::of("123456"), &mut findings).unwrap();
    assert_eq!(findings.len(), 1);
}

#[test]
fn word_lists_find_words_of_prose() {
    assert_eq!(found("This is STRICTLY\n  Confidential."), [pair("marking", "STRICTLY\n  Confidential")]);
    assert_eq!(found("US Only, us only, US\tOnly"), [pair("exact", "US Only"), pair("exact", "US\tOnly")]);
    assert_eq!(found("Das GEHEIMNIS, ungeheim"), [pair("prefix", "GEHEIMNIS")]);
    assert_eq!(found("strictly\u{a0}confidential"), [pair("marking", "strictly\u{a0}confidential")]);
    assert_eq!(found("path/to/confidencial/x confidencial_x CONFIDENCIAL"), [pair("marking", "CONFIDENCIAL")]);
}

#[test]
fn too_many_values_are_an_error_and_not_a_shorter_result() {
    let text = "a@b.org ".repeat(MAX_FINDINGS + 1);
    let mut findings = Vec::new();
    let limit = SMALL.scan(0, &View::of(&text), &mut findings).unwrap_err();
    assert_eq!((limit.detector, limit.recognizer.as_ref()), (Detector::Pattern, "email"));
    assert_eq!(findings.len(), MAX_FINDINGS);
    let text = "strictly confidential ".repeat(MAX_FINDINGS + 1);
    let limit = SMALL.scan(0, &View::of(&text), &mut Vec::new()).unwrap_err();
    assert_eq!(limit.detector, Detector::Dictionary);
}

/// What is cheap must not hold anything back: every digit pattern, run over all examples of the catalog together without
/// shapes, gates or windows, finds nothing that the scan does not find.
#[test]
fn shapes_gates_and_windows_hold_nothing_back() {
    let (catalog, rules) = &*EMBEDDED;
    let mut text = String::new();
    for spec in catalog.recognizers() {
        let positive = spec.examples.positive.iter().map(|example| &example.text);
        positive.chain(&spec.examples.negative).for_each(|example| text.extend([example, "\n\n"]));
    }
    let view = View::of(&text);
    let named = |findings: &[Finding]| -> BTreeSet<(String, String)> {
        let digits = |f: &&Finding| rules.recognizers.iter().any(|r| r.id == f.recognizer && r.digits.is_some());
        let name =
            |f: &Finding| (format!("{}/{}", f.recognizer, f.explanation.pattern), text[f.range.clone()].to_owned());
        findings.iter().filter(digits).map(name).collect()
    };
    let mut scanned = Vec::new();
    rules.scan(0, &view, &mut scanned).unwrap();
    let mut alone = Vec::new();
    let mut scan = Scan::new(rules, 0, "", &view, &mut alone);
    let everything = triggers::Span { start: 0, end: view.text().len() };
    (0..rules.patterns.len()).for_each(|pattern| scan.search(pattern, everything));
    let (scanned, alone) = (named(&scanned), named(&alone));
    assert!(alone.len() >= 3);
    let held_back: Vec<_> = alone.difference(&scanned).collect();
    assert!(held_back.is_empty(), "{} of {}: {held_back:#?}", held_back.len(), alone.len());
}

/// Bytes that expressions read for each byte of a text.
fn work(rules: &Rules, text: &str) -> usize {
    let view = View::of(text);
    let mut findings = Vec::new();
    let mut scan = Scan::new(rules, 0, "", &view, &mut findings);
    scan.run();
    scan.work / text.len()
}

#[test]
fn work_stays_linear_on_texts_made_to_be_slow() {
    const SIZE: usize = 1 << 20;
    let (_, rules) = &*EMBEDDED;
    let patterns = rules.patterns.len();
    let units = ["7 ", "a@", "1-", "4111 ", "(at) ", "+1 (", "\"a\":", "a.", "=", "eyJ", "٣"];
    let long = ["7", "@", "a", "("].map(|unit| (unit, SIZE));
    for (unit, size) in units.map(|unit| (unit, SIZE / 16)).into_iter().chain(long) {
        let text = unit.repeat(size / unit.len());
        let (all, half) = (work(rules, &text), work(rules, &text[..text.len() / 2 / unit.len() * unit.len()]));
        // Each expression may read the text once, and a little more where it starts anew behind a refused value.
        assert!(all <= 2 * patterns, "{unit:?}: {all} bytes for each byte, {patterns} patterns");
        assert!(all <= half + 1 + half / 8, "{unit:?}: {half} for half the text, {all} for all");
    }
    assert_eq!(work(rules, &"7".repeat(SIZE)), 0, "an endless number wakes nothing");
    assert_eq!(work(rules, &"a".repeat(SIZE)), 0);
}

/// All work that is counted: bytes that expressions, shapes and word lists read.
fn counted(text: &str) -> usize {
    let view = View::of(text);
    let mut findings = Vec::new();
    let mut scan = Scan::new(&EMBEDDED.1, 0, "", &view, &mut findings);
    scan.run();
    scan.work + scan.words_read
}

/// What a service sees: prose, logs, tables, numbers, and what somebody sends who wants it to be slow.
fn kinds_of_text() -> Vec<(&'static str, String)> {
    let prose = "The claim of Mrs. Okafor, born 12.03.1981, was filed on 4 May; call +44 7912 330184 or write to \
                 a.okafor@mail.northbridge.io. La fattura è stata pagata, und die Rechnung ist vertraulich.\n";
    let log = "2026-05-04T10:22:31.118Z INFO [worker-7] req=8f14e45f status=200 took=31ms ip=10.1.4.22 user=4821\n";
    vec![
        ("prose", prose.to_owned()),
        ("logs", log.to_owned()),
        ("digits", "4111 1111 1111 1111 536-90-4399 ".to_owned()),
        ("context words", "ssn passport card ".to_owned()),
        ("at signs", "a@b.".to_owned()),
        ("open brackets", "{\"a\":[".to_owned()),
    ]
}

#[test]
fn a_text_of_a_mebibyte_takes_sixteen_times_the_work_of_64_kibibytes() {
    const SHORT: usize = 64 << 10;
    for (kind, unit) in kinds_of_text() {
        let (short, long) = (counted(&unit.repeat(SHORT / unit.len())), counted(&unit.repeat(16 * SHORT / unit.len())));
        // A sixteenth more: windows at the ends of a text are cut.
        assert!(long <= 17 * short + SHORT, "{kind}: {short} for 64 KiB, {long} for 1 MiB");
    }
}

#[test]
fn debug_shows_counts_only() {
    assert_eq!(format!("{:?}", *SMALL), "Rules(3 patterns, 3 lists)");
}

/// What the embedded catalog finds and reports, without cues.
fn reported(text: &str) -> Vec<(String, &str)> {
    let (catalog, rules) = &*EMBEDDED;
    let mut findings = Vec::new();
    rules.scan(0, &View::of(text), &mut findings).unwrap();
    let cue = |f: &Finding| catalog.entity_type(f.entity_type.as_str()).is_some_and(|info| info.cue);
    let kept = resolve(findings).into_iter().filter(|f| !cue(f) && f.score >= 0.4);
    kept.map(|f| (f.entity_type.to_string(), &text[f.range])).collect()
}

#[test]
fn what_lies_in_a_published_test_value_is_no_finding() {
    for text in [
        "IBAN DE89 3704 0044 0532 0130 00",
        "The format is DE89 3704 0044 0532 0130 00 for Germany.",
        "GB29 NWBK 6016 1331 9268 19",
        "FR14 2004 1010 0505 0001 3M02 606",
        "Call the API with 4111 1111 1111 1111, 378282246310005 or 5555-5555-5555-4444.",
        "the account 5555 5555 5555 4444 of the tests",
    ] {
        assert_eq!(reported(text), [], "{text}");
    }
}

#[test]
fn a_number_beside_a_test_value_or_of_the_same_digits_elsewhere_is_found() {
    assert_eq!(
        reported("instead of DE89 3704 0044 0532 0130 00 pay DE98 2005 0550 0881 0642 06"),
        [("IBAN_CODE".to_owned(), "DE98 2005 0550 0881 0642 06")]
    );
    let text = "sandbox 4242 4242 4242 4242, call me: +49 30 901820 or";
    assert_eq!(reported(text), [("PHONE_NUMBER".to_owned(), "+49 30 901820")]);
}

#[test]
fn endless_test_values_are_no_error() {
    let text = "4111 1111 1111 1111, ".repeat(MAX_FINDINGS + 2);
    assert!(EMBEDDED.1.scan(0, &View::of(&text), &mut Vec::new()).is_ok());
}
