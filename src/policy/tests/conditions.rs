//! What each key of a condition means.

use super::*;

#[test]
fn any_of_takes_one_of_the_types() {
    let when = r#"{ any_of = ["PERSON", "US_SSN"] }"#;
    assert!(applies(when, "Anna", &[("PERSON", "Anna")]));
    assert!(!applies(when, "Anna", &[("AGE", "Anna")]));
    assert!(!applies(when, "Anna", &[]));
}

#[test]
fn all_of_takes_each_and_none_of_takes_none() {
    let when = r#"{ all_of = ["PERSON", "AGE"], none_of = ["CUE"] }"#;
    assert!(applies(when, "Anna 41 x", &[("PERSON", "Anna"), ("AGE", "41")]));
    assert!(!applies(when, "Anna 41 x", &[("PERSON", "Anna")]));
    assert!(!applies(when, "Anna 41 x", &[("PERSON", "Anna"), ("AGE", "41"), ("CUE", "x")]));
}

#[test]
fn categories_take_their_types_except_some() {
    let when = r#"{ categories = ["person"], except = ["AGE"] }"#;
    assert!(applies(when, "Anna 41", &[("PERSON", "Anna")]));
    assert!(!applies(when, "Anna 41", &[("AGE", "41")]));
}

#[test]
fn a_type_that_the_catalog_does_not_know_is_judged_by_its_category() {
    let document = document(&["Anna"]);
    let mut stranger = finding("NEW_SECRET_TYPE", 0, 0..4, 0.9);
    stranger.category = Category::Credential;
    let verdict = rule(r#"{ categories = ["credential"] }"#).decide(evidence(&document, vec![stranger]));
    assert_eq!(verdict.level(), Sensitivity::Confidential);
}

#[test]
fn scores_below_the_floor_do_not_count() {
    let document = document(&["Anna"]);
    let level = |when: &str, score: f32| {
        rule(when).decide(evidence(&document, vec![finding("PERSON", 0, 0..4, score)])).level()
    };
    assert_eq!(level(r#"{ any_of = ["PERSON"] }"#, 0.39), Sensitivity::Public, "scan.min_score is 0.4");
    assert_eq!(level(r#"{ any_of = ["PERSON"] }"#, 0.4), Sensitivity::Confidential);
    assert_eq!(level(r#"{ any_of = ["PERSON"], min_score = 0.7 }"#, 0.69), Sensitivity::Public);
    assert_eq!(level(r#"{ any_of = ["PERSON"], min_likelihood = "very_likely" }"#, 0.8), Sensitivity::Public);
    assert_eq!(level(r#"{ any_of = ["PERSON"], min_likelihood = "very_likely" }"#, 0.85), Sensitivity::Confidential);
}

#[test]
fn counts_distinct_values_and_kinds() {
    let text = "a@x.de b@x.de A@X.DE 41";
    let mails = [("EMAIL_ADDRESS", "a@x.de"), ("EMAIL_ADDRESS", "b@x.de"), ("EMAIL_ADDRESS", "A@X.DE")];
    assert!(applies(r#"{ any_of = ["EMAIL_ADDRESS"], count = 3 }"#, text, &mails));
    assert!(!applies(r#"{ any_of = ["EMAIL_ADDRESS"], distinct = 3 }"#, text, &mails), "two are the same");
    assert!(applies(r#"{ any_of = ["EMAIL_ADDRESS"], distinct = 2 }"#, text, &mails));
    assert!(!applies(r#"{ any_of = ["EMAIL_ADDRESS", "AGE"], kinds = 2 }"#, text, &mails));
    let two = [("EMAIL_ADDRESS", "a@x.de"), ("AGE", "41")];
    assert!(applies(r#"{ any_of = ["EMAIL_ADDRESS", "AGE"], kinds = 2 }"#, text, &two));
}

#[test]
fn numbers_written_differently_are_one() {
    let text = "07482 611 930 or 07482-611930";
    let found = [("PHONE_NUMBER", "07482 611 930"), ("PHONE_NUMBER", "07482-611930")];
    assert!(!applies(r#"{ any_of = ["PHONE_NUMBER"], distinct = 2 }"#, text, &found));
}

#[test]
fn a_name_and_its_short_form_are_one_person() {
    let when = r#"{ any_of = ["PERSON"], distinct = 3 }"#;
    let text = "Anna Berg, Tom Ode; later Berg said to Tom; Ida";
    let full = [("PERSON", "Anna Berg"), ("PERSON", "Tom Ode")];
    let short = [("PERSON", "Berg"), ("PERSON", "Tom")];
    let mut found = full.to_vec();
    // `find` gives the first occurrence, which is inside the full name; only the value matters here.
    found.extend(short);
    assert!(!applies(when, text, &found));
    found.push(("PERSON", "Ida"));
    assert!(applies(when, text, &found));
}

#[test]
fn a_window_limits_counts() {
    let when = r#"{ any_of = ["PERSON"], count = 2, within = 10 }"#;
    let far = format!("Anna{}Berta", " ".repeat(11));
    assert!(!applies(when, &far, &[("PERSON", "Anna"), ("PERSON", "Berta")]));
    let close = format!("Anna{}Berta", " ".repeat(10));
    assert!(applies(when, &close, &[("PERSON", "Anna"), ("PERSON", "Berta")]));
}

#[test]
fn near_measures_from_end_to_start_in_both_orders() {
    let when = r#"{ near = [{ any_of = ["PERSON"] }, { categories = ["health"] }], within = 5 }"#;
    let found = [("PERSON", "Anna"), ("HEALTH_CONDITION", "flu")];
    assert!(applies(when, "Anna 1234flu", &found));
    assert!(!applies(when, "Anna 12345flu", &found));
    assert!(applies(when, "flu 1234Anna", &found));
    assert!(!applies(when, "flu 12345Anna", &found));
}

#[test]
fn near_counts_code_points_unless_bytes_are_asked_for() {
    let text = format!("Anna{}flu", "é".repeat(5));
    let found = [("PERSON", "Anna"), ("HEALTH_CONDITION", "flu")];
    let when = |unit: &str| {
        format!(r#"{{ near = [{{ any_of = ["PERSON"] }}, {{ categories = ["health"] }}], within = 5{unit} }}"#)
    };
    assert!(applies(&when(""), &text, &found));
    assert!(!applies(&when(r#", unit = "bytes""#), &text, &found), "each é is two bytes");
}

#[test]
fn near_without_a_distance_means_the_same_part() {
    let when = r#"{ near = [{ any_of = ["PERSON"] }, { categories = ["health"] }] }"#;
    let together = document(&["Anna has flu", "x"]);
    let apart = document(&["Anna", "has flu"]);
    for (document, level) in [(together, Sensitivity::Confidential), (apart, Sensitivity::Public)] {
        let findings = vec![at(&document, "PERSON", "Anna"), at(&document, "HEALTH_CONDITION", "flu")];
        assert_eq!(rule(when).decide(evidence(&document, findings)).level(), level);
    }
}

#[test]
fn near_may_reach_over_parts() {
    let document = document(&["é Anna", "has flu"]);
    let level = |within: u32| {
        let when = format!(
            r#"{{ near = [{{ any_of = ["PERSON"] }}, {{ categories = ["health"] }}], within = {within}, scope = "document" }}"#
        );
        let findings = vec![at(&document, "PERSON", "Anna"), at(&document, "HEALTH_CONDITION", "flu")];
        rule(&when).decide(evidence(&document, findings)).level()
    };
    assert_eq!(level(5), Sensitivity::Confidential, "one for the boundary, four for `has `");
    assert_eq!(level(4), Sensitivity::Public);
}

#[test]
fn near_wants_different_findings() {
    let when = r#"{ near = [{ any_of = ["PERSON"] }, { categories = ["person"] }], within = 50 }"#;
    assert!(!applies(when, "Anna 41", &[("PERSON", "Anna")]), "one finding cannot be both");
    assert!(applies(when, "Anna 41", &[("PERSON", "Anna"), ("AGE", "41")]));
    assert!(applies(when, "41 Anna", &[("PERSON", "Anna"), ("AGE", "41")]));
}

#[test]
fn near_takes_three() {
    let when = r#"{ near = [{ any_of = ["PERSON"] }, { any_of = ["AGE"] }, { any_of = ["LOCATION"] }], within = 10 }"#;
    let found = [("PERSON", "Anna"), ("AGE", "41"), ("LOCATION", "Kiel")];
    assert!(applies(when, "Anna 41 Kiel", &found));
    assert!(!applies(when, "Anna 41 -------- Kiel", &found), "the first and the last are too far apart");
}

#[test]
fn an_excuse_covers_only_what_is_close_to_it() {
    let when = r#"{ any_of = ["PERSON"], unless_near = [{ any_of = ["CUE"], within = 10 }] }"#;
    assert!(!applies(when, "novel: Anna", &[("PERSON", "Anna"), ("CUE", "novel")]));
    assert!(!applies(when, "Anna: novel", &[("PERSON", "Anna"), ("CUE", "novel")]));
    let text = format!("novel: Anna {} Berta", "-".repeat(20));
    assert!(applies(when, &text, &[("PERSON", "Anna"), ("CUE", "novel"), ("PERSON", "Berta")]));
}

#[test]
fn roles_and_detectors_narrow() {
    let document = Document::new(vec![Part { role: Role::Tool, pointer: "".into(), text: "Anna".into() }]);
    let level = |when: &str| rule(when).decide(evidence(&document, vec![at(&document, "PERSON", "Anna")])).level();
    assert_eq!(level(r#"{ any_of = ["PERSON"], roles = ["tool"] }"#), Sensitivity::Confidential);
    assert_eq!(level(r#"{ any_of = ["PERSON"], roles = ["user"] }"#), Sensitivity::Public);
    assert_eq!(level(r#"{ any_of = ["PERSON"], detectors = ["pattern"] }"#), Sensitivity::Confidential);
    assert_eq!(level(r#"{ any_of = ["PERSON"], detectors = ["ner"] }"#), Sensitivity::Public);
}

#[test]
fn circumstances_count() {
    let document = document(&["x"]);
    let level = |when: &str, caller: &str, declared, topics: Vec<Topic>| {
        let mut evidence = evidence(&document, Vec::new());
        evidence.caller = caller;
        evidence.declared_level = declared;
        evidence.topics = topics;
        rule(when).decide(evidence).level()
    };
    assert_eq!(level(r#"{ callers = ["hr"] }"#, "hr", None, vec![]), Sensitivity::Confidential);
    assert_eq!(level(r#"{ callers = ["hr"] }"#, "web", None, vec![]), Sensitivity::Public);
    let internal = Some(Sensitivity::Internal);
    assert_eq!(level(r#"{ declared = "internal" }"#, "web", internal, vec![]), Sensitivity::Confidential);
    assert_eq!(level(r#"{ declared = "confidential" }"#, "web", internal, vec![]), Sensitivity::Internal);
    let health = |p| vec![topic("health", p)];
    assert_eq!(level("{ topics = { health = 0.8 } }", "web", None, health(0.8)), Sensitivity::Confidential);
    assert_eq!(level("{ topics = { health = 0.8 } }", "web", None, health(0.79)), Sensitivity::Public);
    assert_eq!(level("{ always = true }", "web", None, vec![]), Sensitivity::Confidential);
}

#[test]
fn nesting_reads_as_written() {
    let when =
        r#"{ all = [{ any = [{ any_of = ["PERSON"] }, { any_of = ["AGE"] }] }, { not = { any_of = ["CUE"] } }] }"#;
    assert!(applies(when, "Anna x", &[("PERSON", "Anna")]));
    assert!(applies(when, "41 x", &[("AGE", "41")]));
    assert!(!applies(when, "Anna x", &[("PERSON", "Anna"), ("CUE", "x")]));
    assert!(!applies(when, "x", &[]));
}

#[test]
fn values_narrow_by_beginning_and_end() {
    let text = "ida@GMAIL.com, info@acme.org";
    let one = |value| [("EMAIL_ADDRESS", value)];
    let private = r#"{ any_of = ["EMAIL_ADDRESS"], values = { ends_with = ["@gmail.com"] } }"#;
    assert!(applies(private, text, &one("ida@GMAIL.com")));
    assert!(!applies(private, text, &one("info@acme.org")));
    let personal = r#"{ any_of = ["EMAIL_ADDRESS"], except_values = { starts_with = ["Info@"] } }"#;
    assert!(applies(personal, text, &one("ida@GMAIL.com")));
    assert!(!applies(personal, text, &one("info@acme.org")));
}
