//! `classify --explain`: one text with its findings marked, the level with the rules that gave it and what would change
//! it, and for each finding who found it, how its score came about and whether the level rests on it. It shows the text:
//! that is right on the caller's own screen and nowhere else, so nothing here is logged or sent.

mod change;
mod finding;
mod marked;
mod outcome;
#[cfg(test)]
mod tests;
mod why;
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

pub(super) use self::change::{Change, changes};
use self::finding::phrase;
use self::marked::{marked, quoted, visible_line};
pub(super) use self::why::{Asked, Context, Why};
use super::output;
use super::row::{CueRow, Detail, DetectorRow, FindingRow, Row, RuleRow, TopicRow};
use crate::classify::RULES_REACHED_HIGHEST_LEVEL;

/// Values of one type of cue that are listed.
const CUES: usize = 6;
/// Numbers of findings that are listed for one type of a rule.
const NUMBERS: usize = 6;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// The explanation of one text.
pub(super) fn render(row: &Row) -> String {
    let mut out = String::new();
    let Some(detail) = &row.detail else { return out };
    let characters: Vec<char> = detail.text.chars().collect();
    let _ = writeln!(out, "{DIM}text {}{DIM:#}", id(&row.id));
    indent(&mut out, &marked(&characters, &row.findings));
    let _ = writeln!(out);
    level(&mut out, row, detail, &characters);
    finding::all(&mut out, &row.findings, detail, &characters);
    let notes = notes(row, detail, &characters);
    if !notes.is_empty() {
        let _ = write!(out, "\n{notes}");
    }
    out
}

/// The id of a text on one line.
fn id(id: &serde_json::Value) -> String {
    visible_line(&id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned))
}

fn indent(out: &mut String, text: &str) {
    for line in text.split('\n') {
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

/// The level, the rule that gave it, the other rules that hold, and what would change it.
fn level(out: &mut String, row: &Row, detail: &Detail, text: &[char]) {
    let _ = writeln!(out, "{} is the level of this text", output::level(row.level));
    if detail.rules.is_empty() {
        let why = if row.findings.is_empty() {
            "nothing was found in it that a rule of the policy asks for"
        } else {
            "what was found in it is not enough for any rule of the policy"
        };
        let _ = writeln!(out, "  {why}");
    }
    for rule in detail.rules.iter().filter(|rule| rule.level == row.level) {
        let _ = writeln!(out, "  because of {}", because(rule, row));
    }
    for rule in detail.rules.iter().filter(|rule| rule.level != row.level) {
        let (level, because) = (output::level(rule.level), because(rule, row));
        let _ = writeln!(out, "  even without that it would be {level}, because of {because}");
    }
    match detail.changes.as_deref() {
        Some([]) if !row.findings.is_empty() || !detail.cues.is_empty() => {
            let _ = writeln!(out, "  no single value, type or cue less would change that, nor a name more");
        }
        changes => {
            for change in changes.unwrap_or_default() {
                let _ = writeln!(out, "  {}", change.told(&row.findings, text));
            }
        }
    }
}

/// A rule with what it says and the findings that made it apply.
fn because(rule: &RuleRow, row: &Row) -> String {
    let types: Vec<String> = rule
        .entity_types
        .iter()
        .map(|entity_type| {
            let mine = |finding: &&FindingRow| finding.entity_type == *entity_type;
            let used = |finding: &FindingRow| finding.used_by.contains(&rule.rule);
            let numbers: Vec<usize> =
                (1..).zip(&row.findings).filter(|(_, f)| mine(f) && used(f)).map(|(number, _)| number).collect();
            format!("{entity_type}{}", marks(&numbers))
        })
        .chain(rule.topics.iter().map(|topic| format!("topic {}", likely(topic))))
        .collect();
    let types = if types.is_empty() { String::new() } else { format!(" {DIM}({}){DIM:#}", types.join(", ")) };
    format!("{BOLD}{}{BOLD:#}: {}{types}", rule.rule, rule.description)
}

/// A topic with its probability.
fn likely(topic: &TopicRow) -> String {
    format!("{} {:.2}", topic.name, topic.probability)
}

/// The marks of findings in the text: ` [1] [4]`; nothing for none.
fn marks(numbers: &[usize]) -> String {
    let mut marks: String = numbers.iter().take(NUMBERS).map(|number| format!(" [{number}]")).collect();
    if numbers.len() > NUMBERS {
        let _ = write!(marks, " and {} more", numbers.len() - NUMBERS);
    }
    marks
}

/// What is true of the text as a whole.
fn notes(row: &Row, detail: &Detail, text: &[char]) -> String {
    let mut notes = String::new();
    if !row.topics.is_empty() {
        let topics: Vec<String> = row.topics.iter().map(likely).collect();
        let _ =
            writeln!(notes, "{DIM}{:<9} what the text is about, by the model: {}{DIM:#}", "topics", topics.join(", "));
    }
    cues(&mut notes, "cues", "words that only help the rules to judge", &detail.cues, text);
    cues(&mut notes, "allowed", "left out, since the policy lists them as harmless", &detail.allowed, text);
    if row.findings.iter().any(FindingRow::is_calibrated) {
        let what = "a calibrated score is the share of such findings that were right when that was measured";
        let _ = writeln!(notes, "{DIM}{:<9} {what}{DIM:#}", "scores");
    }
    if let Some(coverage) = &row.coverage {
        let _ = writeln!(notes, "{DIM}{:<9} {}{DIM:#}", "checked", checked(&coverage.detectors));
    }
    notes
}

/// Types with their values, on one dim line.
fn cues(out: &mut String, name: &str, what: &str, cues: &[CueRow], text: &[char]) {
    if cues.is_empty() {
        return;
    }
    let mut by_type: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for cue in cues {
        let values = by_type.entry(&cue.entity_type).or_default();
        let value = quoted(text, cue.start, cue.end);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let list: Vec<String> = by_type
        .into_iter()
        .map(|(entity_type, values)| {
            let more = values.len().saturating_sub(CUES);
            let shown = values.iter().take(CUES).cloned().collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{entity_type} {shown} and {more} more") } else { format!("{entity_type} {shown}") }
        })
        .collect();
    let _ = writeln!(out, "{DIM}{name:<9} {what}: {}{DIM:#}", list.join("; "));
}

/// How far the detectors came, in a phrase.
fn checked(rows: &[DetectorRow]) -> String {
    let whole: Vec<&str> = rows.iter().filter(|row| row.status == "complete").map(name).collect();
    let mut all = match whole.split_last() {
        None => Vec::new(),
        Some((last, [])) => vec![format!("the whole text for {last}")],
        Some((last, rest)) => vec![format!("the whole text for {} and {last}", rest.join(", "))],
    };
    all.extend(rows.iter().filter(|row| row.status != "complete").map(partly));
    all.join("; ")
}

/// What a detector looks for.
fn name(row: &DetectorRow) -> &str {
    match row.detector.as_str() {
        "pattern" => "patterns",
        "dictionary" => "words of lists",
        "secret" => "secrets",
        "ner" => "names (by the model)",
        other => other,
    }
}

/// How far a detector came that did not see all.
fn partly(row: &DetectorRow) -> String {
    let name = name(row);
    let far = row.bytes_scanned.saturating_mul(100).checked_div(row.bytes_total).unwrap_or(100);
    match (row.status.as_str(), row.reason.as_str()) {
        ("permitted_skip", RULES_REACHED_HIGHEST_LEVEL) => {
            format!("{name} skipped, since the rules alone reached the highest level (--all-findings looks for them)")
        }
        ("permitted_skip", "machine_text") => {
            format!("{name} in {far} % of it, the rest is code, logs or numbers without a name")
        }
        ("permitted_skip", reason) => format!("{name} in {far} % of it, skipped: {}", phrase(reason)),
        (_, reason) => format!("{name} FAILED after {far} % ({}), and what is unknown is confidential", phrase(reason)),
    }
}
