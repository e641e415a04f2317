//! The rules as a whole over the cases of `tests/cases`: credentials in many languages and notations, values that are
//! disguised, and for each what only looks like one.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::detect::{Catalog, Category, Finding, Rules, resolve};
use crate::document::View;

/// Findings with a lower score do not count, as in the default policy.
const COUNTS: f32 = 0.4;

/// Bytes that a finding may cover beyond the value: quotes, or the rest of an encoded group.
const SURPLUS: usize = 8;

/// Each group proves itself on as many texts of either kind.
const FEWEST: usize = 5;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    positive: Vec<Positive>,
    negative: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Positive {
    text: String,
    value: String,
    /// Any credential where none is named.
    entity_type: Option<String>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::build(&Catalog::embedded().unwrap()).unwrap());

fn found(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    RULES.scan(0, &View::of(text), &mut findings).unwrap();
    let mut resolved = resolve(findings);
    resolved.retain(|finding| finding.score >= COUNTS);
    resolved
}

fn shown(text: &str, findings: &[Finding]) -> Vec<(String, String)> {
    findings.iter().map(|f| (f.entity_type.to_string(), text.get(f.range.clone()).unwrap().to_owned())).collect()
}

/// Runs a file and tells all that is wrong with it at once.
fn check(file: &str, counts: impl Fn(&Finding) -> bool) {
    let cases: Cases = toml::from_str(file).unwrap();
    let mut wrong = Vec::new();
    for group in cases.group {
        assert!(group.positive.len() >= FEWEST && group.negative.len() >= FEWEST, "{} has too few cases", group.name);
        for Positive { text, value, entity_type } in group.positive {
            let at = text.find(&value).unwrap_or_else(|| panic!("{value} is not in {text}"));
            let value = at..at + value.len();
            let findings = found(&text);
            let right = findings.iter().any(|finding| {
                entity_type
                    .as_ref()
                    .map_or(finding.category == Category::Credential, |name| finding.entity_type.as_str() == name)
                    && finding.range.start <= value.start
                    && value.end <= finding.range.end
                    && finding.range.len() <= value.len() + SURPLUS
            });
            if !right {
                wrong.push(format!("{}: missed {text:?}: {:?}", group.name, shown(&text, &findings)));
            }
        }
        for text in group.negative {
            let mut findings = found(&text);
            findings.retain(&counts);
            if !findings.is_empty() {
                wrong.push(format!("{}: false alarm {text:?}: {:?}", group.name, shown(&text, &findings)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn is_credential(finding: &Finding) -> bool {
    finding.category == Category::Credential
}

#[test]
fn credentials_in_source_code() {
    check(include_str!("../../../tests/cases/secrets_code.toml"), is_credential);
}

#[test]
fn credentials_in_configuration_and_requests() {
    check(include_str!("../../../tests/cases/secrets_config.toml"), is_credential);
}

#[test]
fn credentials_in_sentences() {
    check(include_str!("../../../tests/cases/secrets_prose.toml"), is_credential);
}

#[test]
fn values_in_disguise() {
    check(include_str!("../../../tests/cases/obfuscation.toml"), |finding| {
        matches!(
            finding.category,
            Category::Credential
                | Category::Contact
                | Category::GovernmentId
                | Category::Financial
                | Category::Health
                | Category::Device
                | Category::Marking
        )
    });
}
