//! The summary as SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), which code hosts and
//! editors show beside the lines. Rules are the entity types and the rules of the policy; a result is a finding, or a rule
//! in a file. It holds places and never a found value. What was not scanned is a notification and, where it is text, a
//! result too, so that a gate on errors sees it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::summary::{FileReport, NotScanned, PlaceRow, Summary};
use crate::policy::Sensitivity;

/// The rule of what was not scanned.
pub const NOT_SCANNED: &str = "not_scanned";

fn severity(level: Option<Sensitivity>) -> &'static str {
    match level {
        Some(Sensitivity::Confidential) => "error",
        Some(Sensitivity::Internal) => "warning",
        Some(Sensitivity::Public) | None => "note",
    }
}

/// A path as a URI reference (RFC 3986): absolute ones get their scheme.
fn uri(path: &str) -> String {
    let mut out = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    let path = path.strip_prefix("./").unwrap_or(path);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An object of these fields, without those that are not known.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn location(path: &str, row: &PlaceRow) -> Value {
    let at = &row.at;
    let number = |value: Option<u64>| value.map(Value::from);
    let region = at.line.map(|line| {
        object([
            ("startLine", Some(line.into())),
            ("startColumn", number(at.column)),
            ("endLine", number(at.end_line)),
            ("endColumn", number(at.end_column)),
        ])
    });
    let physical = object([("artifactLocation", Some(json!({ "uri": uri(path) }))), ("region", region)]);
    let mut name: Vec<String> = Vec::new();
    name.extend(at.record.map(|record| format!("record {record}")));
    name.extend(at.section.clone());
    name.extend(at.field.clone());
    let logical = (!name.is_empty()).then(|| json!([{ "fullyQualifiedName": name.join(" / "), "kind": "element" }]));
    object([("physicalLocation", Some(physical)), ("logicalLocations", logical)])
}

/// The rules, and the index of each by its id.
struct Rules {
    rules: Vec<Value>,
    ids: std::collections::HashMap<String, usize>,
}

impl Rules {
    fn of(summary: &Summary) -> Self {
        let mut all = Self { rules: Vec::new(), ids: std::collections::HashMap::new() };
        for rule in &summary.rules {
            let says = if rule.description.is_empty() {
                format!("the policy's rule {}", rule.rule)
            } else {
                rule.description.clone()
            };
            all.add(&rule.rule, &says, severity(Some(rule.level)), "policy");
        }
        for found in &summary.entity_types {
            let says = if found.description.is_empty() {
                format!("a finding of the type {}", found.entity_type)
            } else {
                found.description.clone()
            };
            all.add(&found.entity_type, &says, "note", "entity type");
        }
        all.add(NOT_SCANNED, "something was not scanned, so nothing is known about it", "error", "coverage");
        all
    }

    fn add(&mut self, id: &str, says: &str, level: &str, tag: &str) {
        if self.ids.contains_key(id) {
            return;
        }
        self.ids.insert(id.to_owned(), self.rules.len());
        self.rules.push(json!({
            "id": id,
            "shortDescription": { "text": says },
            "defaultConfiguration": { "level": level },
            "properties": { "tags": ["sensitivity", tag] },
        }));
    }

    fn result(&self, id: &str, level: &str, text: &str, location: Value) -> Value {
        object([
            ("ruleId", Some(id.into())),
            ("ruleIndex", self.ids.get(id).map(|index| json!(index))),
            ("level", Some(level.into())),
            ("message", Some(json!({ "text": text }))),
            ("locations", Some(json!([location]))),
        ])
    }
}

fn file_results(file: &FileReport, rules: &Rules, results: &mut Vec<Value>) {
    for rule in &file.rules {
        let row = PlaceRow {
            at: super::FoundAt {
                line: rule.first.line,
                record: rule.first.record,
                section: rule.first.section.clone(),
                ..Default::default()
            },
            score: 1.0,
            level: Some(rule.level),
            quote: None,
        };
        let text = format!(
            "{}: the rule {} applies to {} of {} texts of this file",
            rule.level, rule.rule, rule.texts, file.texts
        );
        results.push(rules.result(&rule.rule, severity(Some(rule.level)), &text, location(&file.path, &row)));
    }
    for found in &file.types {
        for row in &found.places {
            let text = format!("{} with a score of {:.2}", found.entity_type, row.score);
            results.push(rules.result(&found.entity_type, severity(row.level), &text, location(&file.path, row)));
        }
        if found.omitted > 0
            && let Some(last) = found.places.last()
        {
            let text = format!("{} more findings of {} in this file are not listed", found.omitted, found.entity_type);
            results.push(rules.result(&found.entity_type, severity(last.level), &text, location(&file.path, last)));
        }
    }
}

fn whole_file(path: &str) -> Value {
    json!({ "physicalLocation": { "artifactLocation": { "uri": uri(path) } } })
}

fn says(gap: &NotScanned) -> String {
    if gap.place.is_empty() { gap.says.clone() } else { format!("{}: {}", gap.place, gap.says) }
}

/// The log.
#[must_use]
pub fn sarif(summary: &Summary) -> Value {
    let rules = Rules::of(summary);
    let mut results = Vec::new();
    for file in &summary.found {
        file_results(file, &rules, &mut results);
    }
    let mut notifications = Vec::new();
    for gap in &summary.not_scanned {
        let level = if gap.no_text { "note" } else { "error" };
        notifications.push(json!({
            "level": level,
            "message": { "text": says(gap) },
            "locations": [whole_file(&gap.path)],
            "descriptor": { "id": gap.reason },
        }));
        if !gap.no_text {
            results.push(rules.result(
                NOT_SCANNED,
                "error",
                &format!("not scanned: {}", says(gap)),
                whole_file(&gap.path),
            ));
        }
    }
    for note in &summary.notes {
        notifications.push(json!({
            "level": "note",
            "message": { "text": note.note },
            "locations": [whole_file(&note.path)],
        }));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cordon", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules.rules } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": summary.gaps == 0,
                "toolExecutionNotifications": notifications,
            }],
            "results": results,
            "properties": { "level": summary.level, "policy": summary.policy, "files": summary.files, "texts": summary.texts },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("a/b c.txt"), "a/b%20c.txt");
        assert_eq!(uri("./ä.md"), "%C3%A4.md");
        assert_eq!(uri("/x/y#1"), "file:///x/y%231");
    }
}
