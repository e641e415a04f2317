//! Levels, reasons and built-in reasons.

use super::*;

const LEVELS: &str = r#"
[[rule]]
id = "person"
level = "internal"
description = "A name."
when = { any_of = ["PERSON"] }
[[rule]]
id = "person_with_age"
level = "confidential"
description = "A name and an age."
when = { near = [{ any_of = ["PERSON"] }, { any_of = ["AGE"] }], within = 20 }
[[rule]]
id = "age"
level = "internal"
description = "An age."
when = { any_of = ["AGE"] }
"#;

fn policy() -> Policy {
    Policy::parse(&source(LEVELS), &types()).unwrap()
}

fn rules_of(verdict: &Verdict) -> Vec<&str> {
    verdict.reasons().iter().map(|reason| &*reason.rule).collect()
}

#[test]
fn the_highest_level_wins_and_its_reason_comes_first() {
    let document = document(&["Anna 41"]);
    let findings = vec![at(&document, "AGE", "41"), at(&document, "PERSON", "Anna")];
    let verdict = policy().decide(evidence(&document, findings));
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    assert_eq!(rules_of(&verdict), ["person_with_age", "person"], "one reason a level, the first that holds");
    let types: Vec<_> = verdict.reasons()[0].entity_types.iter().map(EntityType::as_str).collect();
    assert_eq!(types, ["AGE", "PERSON"]);
    assert_eq!(verdict.document_id(), document.id());
    let order: Vec<_> = verdict.findings().iter().map(|finding| finding.range.start).collect();
    assert_eq!(order, [0, 5]);
}

#[test]
fn no_rule_means_public() {
    let document = document(&["x"]);
    let verdict = policy().decide(evidence(&document, Vec::new()));
    assert_eq!((verdict.level(), verdict.reasons().len()), (Sensitivity::Public, 0));
}

#[test]
fn what_was_not_seen_is_confidential() {
    let document = document(&["x"]);
    let mut late = evidence(&document, Vec::new());
    late.coverage = coverage(&Status::Failed("timed_out".into()));
    let verdict = policy().decide(late);
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    assert_eq!(rules_of(&verdict), [INCOMPLETE_COVERAGE]);
    let mut nobody = evidence(&document, Vec::new());
    nobody.coverage = Coverage::default();
    assert_eq!(policy().decide(nobody).level(), Sensitivity::Confidential);
}

#[test]
fn a_declared_level_raises_and_never_lowers() {
    let document = document(&["Anna 41"]);
    let verdict = |declared| {
        let mut evidence = evidence(&document, vec![at(&document, "PERSON", "Anna")]);
        evidence.declared_level = Some(declared);
        policy().decide(evidence)
    };
    assert_eq!(verdict(Sensitivity::Public).level(), Sensitivity::Internal);
    assert_eq!(rules_of(&verdict(Sensitivity::Public)), ["person"]);
    assert_eq!(rules_of(&verdict(Sensitivity::Internal)), ["person", DECLARED_LEVEL]);
    let raised = verdict(Sensitivity::Confidential);
    assert_eq!(raised.level(), Sensitivity::Confidential);
    assert_eq!(rules_of(&raised), [DECLARED_LEVEL, "person"]);
}

#[test]
fn rules_suffice_only_at_the_highest_level_and_by_permission() {
    let document = document(&["Anna 41"]);
    let some = evidence(&document, vec![at(&document, "PERSON", "Anna")]);
    assert!(!policy().rules_suffice(&some));
    let all = evidence(&document, vec![at(&document, "PERSON", "Anna"), at(&document, "AGE", "41")]);
    assert!(policy().rules_suffice(&all));
    let strict =
        Policy::parse(&source(&format!("[scan]\nskip_ner_when_rules_reach_highest = false\n{LEVELS}")), &types());
    assert!(!strict.unwrap().rules_suffice(&all));
    let mut declared = evidence(&document, Vec::new());
    declared.declared_level = Some(Sensitivity::Confidential);
    assert!(!policy().rules_suffice(&declared), "a caller cannot skip a detector");
}

#[test]
fn allowed_values_do_not_count() {
    let allow = "[[allow]]\nvalues = [\"Help@Example.org\", \"41\"]\nentity_types = [\"EMAIL_ADDRESS\"]\nreason = \"published\"\n";
    let rules = "[[rule]]\nid = \"any\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"EMAIL_ADDRESS\", \"AGE\"] }\n";
    let policy = Policy::parse(&source(&format!("{allow}{rules}")), &types()).unwrap();
    let document = document(&["help@example.org me@example.org 41"]);
    let verdict = |value: &str, kind: &str| policy.decide(evidence(&document, vec![at(&document, kind, value)]));
    let allowed = verdict("help@example.org", "EMAIL_ADDRESS");
    assert_eq!((allowed.level(), allowed.findings().len()), (Sensitivity::Public, 0));
    assert_eq!(verdict("me@example.org", "EMAIL_ADDRESS").level(), Sensitivity::Internal);
    assert_eq!(verdict("41", "AGE").level(), Sensitivity::Internal, "allowed as another type only");
}

#[test]
fn a_finding_outside_the_document_still_counts() {
    let document = document(&["x"]);
    let verdict = policy().decide(evidence(&document, vec![finding("PERSON", 7, 3..9, 0.9)]));
    assert_eq!(verdict.level(), Sensitivity::Internal);
}

#[test]
fn the_reference_names_the_bytes() {
    let source = source(LEVELS);
    let policy = Policy::parse(&source, &types()).unwrap();
    assert_eq!(*policy.reference().digest, *blake3::hash(source.as_bytes()).to_hex().as_str());
    assert_eq!(&*policy.reference().name, "test");
    assert_eq!(policy.highest_level(), Sensitivity::Confidential);
}

#[test]
fn a_verdict_says_nothing_of_the_text() {
    let document = document(&["canary-7f3a 41"]);
    let verdict = policy().decide(evidence(&document, vec![at(&document, "PERSON", "canary-7f3a")]));
    assert!(!format!("{verdict:?}").contains("canary"));
}

#[test]
fn cues_count_for_rules_and_are_not_reported() {
    let known = types().with_cue("SHE", Category::Person);
    let when = r#"{ near = [{ any_of = ["SHE"] }, { any_of = ["HEALTH_CONDITION"] }], within = 50 }"#;
    let tables = format!("[[rule]]\nid = \"r\"\nlevel = \"confidential\"\ndescription = \"d\"\nwhen = {when}\n");
    let policy = Policy::parse(&source(&tables), &known).unwrap();
    let document = document(&["Asthma: the report of her asthma, at 12 Elm Row"]);
    let found = [("SHE", "her"), ("STREET_ADDRESS", "12 Elm Row"), ("HEALTH_CONDITION", "asthma")];
    let found = found.map(|(entity_type, value)| at(&document, entity_type, value)).to_vec();
    let verdict = policy.decide(evidence(&document, found));
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    let names = |findings: &[Finding]| findings.iter().map(|f| f.entity_type.to_string()).collect::<Vec<_>>();
    assert_eq!(names(verdict.findings()), ["HEALTH_CONDITION", "STREET_ADDRESS"]);
    assert_eq!(names(verdict.cues()), ["SHE"]);
    let used: Vec<usize> = verdict.reasons_by_finding().iter().map(Vec::len).collect();
    assert_eq!(used, [1, 0], "the address made no rule apply, and the cue is not counted among the findings");
    assert_eq!(names_of(&verdict.reasons()[0].entity_types), ["HEALTH_CONDITION", "SHE"]);
}

#[test]
fn what_the_policy_allows_is_kept_apart() {
    let tables = "[[allow]]\nvalues = [\"+1 800 555 0100\"]\nreason = \"our own line\"\n\
        [[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"PHONE_NUMBER\"] }\n";
    let policy = Policy::parse(&source(tables), &types()).unwrap();
    let document = document(&["call +1 800 555 0100"]);
    let verdict = policy.decide(evidence(&document, vec![at(&document, "PHONE_NUMBER", "+1 800 555 0100")]));
    assert_eq!((verdict.level(), verdict.findings().len()), (Sensitivity::Public, 0));
    assert_eq!(verdict.allowed().len(), 1);
}

fn names_of(types: &[crate::detect::EntityType]) -> Vec<&str> {
    types.iter().map(crate::detect::EntityType::as_str).collect()
}
