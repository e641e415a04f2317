//! Tests of the policy with findings made by hand: what the detectors really find is tested where they are.

mod builtin;
mod conditions;
mod files;
mod hindsight;
mod monotone;
mod overrides;
mod routes;
mod values;
mod verdicts;

use std::ops::Range;
use std::sync::Arc;

use crate::detect::{Category, Coverage, Detector, DetectorCoverage, EntityType, Explanation, Finding, Status, Topic};
use crate::document::{Document, Part, Role, Text};

use super::*;

/// A few types of many categories.
pub(super) fn types() -> TypeTable {
    let all = [
        ("PERSON", Category::Person),
        ("DATE_OF_BIRTH", Category::Person),
        ("AGE", Category::Person),
        ("EMAIL_ADDRESS", Category::Contact),
        ("PHONE_NUMBER", Category::Contact),
        ("LOCATION", Category::Location),
        ("STREET_ADDRESS", Category::Location),
        ("US_SSN", Category::GovernmentId),
        ("CREDIT_CARD", Category::Financial),
        ("IBAN_CODE", Category::Financial),
        ("HEALTH_CONDITION", Category::Health),
        ("PASSWORD", Category::Credential),
        ("IP_ADDRESS", Category::Network),
        ("MARKING_CONFIDENTIAL", Category::Marking),
        ("CUE", Category::Other),
    ];
    all.into_iter().fold(TypeTable::new(), |table, (name, category)| table.with(name, category))
}

pub(super) fn finding(entity_type: &str, part: usize, range: Range<usize>, score: f32) -> Finding {
    Finding {
        part,
        range,
        entity_type: EntityType::new(entity_type),
        category: types().category(entity_type).unwrap_or(Category::Other),
        score,
        detector: Detector::Pattern,
        recognizer: Arc::from("by_hand"),
        explanation: Explanation::default(),
    }
}

/// A finding over the first occurrence of a value.
pub(super) fn at(document: &Document, entity_type: &str, value: &str) -> Finding {
    let (part, start) = document
        .parts()
        .iter()
        .enumerate()
        .find_map(|(i, part)| part.text.expose().find(value).map(|start| (i, start)))
        .unwrap_or_else(|| panic!("`{value}` is not in the document"));
    finding(entity_type, part, start..start + value.len(), 0.9)
}

pub(super) fn document(parts: &[&str]) -> Document {
    Document::new(
        parts.iter().map(|text| Part { role: Role::User, pointer: Text::from(""), text: Text::from(*text) }).collect(),
    )
}

pub(super) fn coverage(status: &Status) -> Coverage {
    let all = [Detector::Pattern, Detector::Dictionary, Detector::Secret, Detector::Ner];
    Coverage {
        detectors: all
            .into_iter()
            .map(|detector| DetectorCoverage {
                detector,
                status: if detector == Detector::Ner { status.clone() } else { Status::Complete },
                bytes_scanned: 1,
                bytes_total: 1,
                digest: Arc::from("d"),
            })
            .collect(),
    }
}

pub(super) fn complete() -> Coverage {
    coverage(&Status::Complete)
}

pub(super) fn evidence(document: &Document, findings: Vec<Finding>) -> Evidence<'_> {
    Evidence { document, findings, topics: Vec::new(), coverage: complete(), declared_level: None, caller: "anonymous" }
}

/// A policy file of these tables, with a head.
pub(super) fn source(tables: &str) -> String {
    format!("format = 1\nname = \"test\"\nversion = \"1\"\n{tables}")
}

/// A policy of one confidential rule `r` with this condition.
pub(super) fn rule(when: &str) -> Policy {
    let tables = format!("[[rule]]\nid = \"r\"\nlevel = \"confidential\"\ndescription = \"d\"\nwhen = {when}\n");
    Policy::parse(&source(&tables), &types()).unwrap()
}

/// Whether the rule of [`rule`] holds for these values of one text.
pub(super) fn applies(when: &str, text: &str, found: &[(&str, &str)]) -> bool {
    let document = document(&[text]);
    let findings = found.iter().map(|(entity_type, value)| at(&document, entity_type, value)).collect();
    rule(when).decide(evidence(&document, findings)).level() == Sensitivity::Confidential
}

pub(super) fn topic(name: &str, probability: f32) -> Topic {
    Topic { name: Arc::from(name), probability }
}
