//! The policies that come with Cordon: they hold no mistake that the checker knows, and their tests pass when the
//! detectors find exactly what each test says that they find.

use std::sync::LazyLock;

use crate::detect::Catalog;

use super::*;

const ESCALATION: &str = include_str!("../../../policy/escalation.toml");
const GDPR: &str = include_str!("../../../policy/gdpr.toml");
const HIPAA: &str = include_str!("../../../policy/hipaa.toml");
const PCI: &str = include_str!("../../../policy/pci.toml");

const ALL: [(&str, &str); 6] = [
    ("default", DEFAULT_SOURCE),
    ("gateway", GATEWAY_SOURCE),
    ("escalation", ESCALATION),
    ("gdpr", GDPR),
    ("hipaa", HIPAA),
    ("pci", PCI),
];

/// The entity types of the catalog that the binary carries.
fn catalog() -> &'static Catalog {
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());
    &CATALOG
}

/// Detectors that find what the test says: surely, or just below the score that it names.
fn as_told(trial: &Trial, known: &Catalog) -> Detected {
    let mut seen: Vec<(&str, usize)> = Vec::new();
    let findings = trial
        .findings
        .iter()
        .map(|expected| {
            // The second finding of the same value is its second occurrence.
            let nth = seen.iter().filter(|(value, _)| *value == &*expected.value).count();
            let (start, value) = trial
                .text
                .match_indices(&*expected.value)
                .nth(nth)
                .unwrap_or_else(|| (trial.text.find(&*expected.value).unwrap(), &*expected.value));
            seen.push((&*expected.value, start));
            let mut found = finding(
                expected.entity_type.as_str(),
                0,
                start..start + value.len(),
                expected.score_below.map_or(0.9, |limit| limit - 0.01),
            );
            found.category = known.category(expected.entity_type.as_str()).unwrap();
            found
        })
        .collect();
    Detected { findings, topics: Vec::new(), coverage: complete() }
}

fn policy(source: &str) -> Policy {
    Policy::parse(source, catalog()).unwrap_or_else(|error| match error {
        PolicyError::Invalid { problems } => {
            panic!("{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
        other => panic!("{other}"),
    })
}

#[test]
fn the_checker_finds_no_mistake() {
    for (name, source) in ALL {
        let problems: Vec<String> =
            check(source, catalog(), None).unwrap().iter().map(|problem| format!("{name}: {problem}")).collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
}

#[test]
fn the_tests_inside_pass() {
    let mut failures = Vec::new();
    for (name, source) in ALL {
        let policy = policy(source);
        for trial in policy.trials() {
            let result = policy.try_out(trial, |_| as_told(trial, catalog()));
            for failure in result.failures() {
                failures.push(format!("{name} line {}: {}: {failure}", trial.line, trial.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_default_has_many_tests() {
    assert!(policy(DEFAULT_SOURCE).trials().len() >= 80);
    for (name, source) in ALL {
        assert!(policy(source).trials().len() >= 12, "{name}");
    }
}

#[test]
fn weak_identifiers_are_internal_alone_and_confidential_beside_a_person() {
    let policy = policy(DEFAULT_SOURCE);
    let document = document(&["Send it to Maria Okafor, 378281004."]);
    let number = || {
        let mut number = at(&document, "TAX_ID", "378281004");
        number.category = Category::GovernmentId;
        number.score = 0.42;
        number
    };
    let alone = policy.decide(evidence(&document, vec![number()]));
    assert_eq!(&*alone.reasons()[0].rule, "weak_government_identifier");
    let both = policy.decide(evidence(&document, vec![number(), at(&document, "PERSON", "Maria Okafor")]));
    assert_eq!(&*both.reasons()[0].rule, "weak_government_identifier_of_somebody");
    let mut patient = number();
    patient.entity_type = EntityType::new("UK_NHS");
    patient.category = Category::Health;
    let patient = policy.decide(evidence(&document, vec![patient]));
    assert_eq!(&*patient.reasons()[0].rule, "weak_medical_identifier");
}

#[test]
fn topics_raise_once_somebody_gives_them() {
    let policy = policy(DEFAULT_SOURCE);
    let document = document(&["Graham is late"]);
    let rule = |topics: Vec<Topic>, person: bool| {
        let findings = if person { vec![at(&document, "PERSON", "Graham")] } else { Vec::new() };
        let mut evidence = evidence(&document, findings);
        evidence.topics = topics;
        policy.decide(evidence).reasons().first().map(|reason| reason.rule.to_string()).unwrap_or_default()
    };
    assert_eq!(rule(vec![topic("health", 0.95)], false), "confidential_topic");
    assert_eq!(rule(vec![topic("health", 0.7)], true), "confidential_topic_of_somebody");
    assert_eq!(rule(vec![topic("health", 0.7)], false), "");
    assert_eq!(rule(vec![topic("project", 0.85)], false), "internal_topic");
}

#[test]
fn only_public_text_may_leave_under_every_policy() {
    for (name, source) in ALL {
        let policy = policy(source);
        for route in &policy.routes.routes {
            let outward = route.ceiling() == Route::Cloud;
            assert!(!(outward && route.covers_level(Sensitivity::Internal)), "{name}: {}", route.id);
        }
    }
}

#[test]
fn the_variants_differ_from_the_default_in_their_routes_only() {
    let part = |source: &str, from: &str, to: &str| {
        let start = source.find(from).unwrap();
        source.get(start..source.find(to).unwrap()).unwrap().to_owned()
    };
    for variant in [GATEWAY_SOURCE, ESCALATION] {
        assert_eq!(part(DEFAULT_SOURCE, "[scan]", "# Routes:"), part(variant, "[scan]", "# Routes:"));
    }
    assert!(policy(ESCALATION).escalates() && !policy(DEFAULT_SOURCE).escalates());
}
