//! `classify --explain`: one text with its findings marked, the level with the rules that gave it, and for each finding
//! who found it, how its score came about and whether the level rests on it. It shows the text: that is right on the
//! caller's own screen and nowhere else, so nothing here is logged or sent. Control characters of the text are
//! replaced, or a pasted log could move the cursor and hide what was found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::classify::RULES_REACHED_HIGHEST_LEVEL;
use crate::detect::reason;

use super::output;
use super::row::{CueRow, Detail, DetectorRow, FindingRow, Row, RuleRow};

/// Code points of a stretch without findings that are shown; the middle of a longer one is left out.
const STRETCH: usize = 600;
/// Code points that stay on each side of what is left out.
const EDGE: usize = 200;
/// Code points of a value in a list.
const VALUE: usize = 60;
/// Values of one type of cue that are listed.
const CUES: usize = 6;

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
    level(&mut out, row, detail);
    for (index, finding) in row.findings.iter().enumerate() {
        let _ = writeln!(out);
        one(&mut out, index + 1, finding, detail, &characters);
    }
    let mut notes = String::new();
    cues(&mut notes, "cues", "only help the rules to judge", &detail.cues, &characters);
    cues(&mut notes, "allowed", "on the policy's allow list, so left out", &detail.allowed, &characters);
    if let Some(coverage) = &row.coverage {
        let _ = writeln!(notes, "{DIM}{:<9} {}{DIM:#}", "checked", checked(&coverage.detectors));
    }
    if !notes.is_empty() {
        let _ = write!(out, "\n{notes}");
    }
    out
}

fn id(id: &serde_json::Value) -> String {
    visible_line(&id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned))
}

/// The level, the rule that gave it, and the other rules that hold.
fn level(out: &mut String, row: &Row, detail: &Detail) {
    let _ = writeln!(out, "{} is the level of this text", output::level(row.level));
    if detail.rules.is_empty() {
        let _ = writeln!(out, "  no rule of the policy applies: nothing found here makes the text sensitive");
        return;
    }
    let given: Vec<&RuleRow> = detail.rules.iter().filter(|rule| rule.level == row.level).collect();
    let rest: Vec<&RuleRow> = detail.rules.iter().filter(|rule| rule.level != row.level).collect();
    for rule in given {
        let _ = writeln!(out, "  because of {}", because(rule));
    }
    for rule in rest {
        let _ = writeln!(out, "  otherwise {}, because of {}", output::level(rule.level), because(rule));
    }
}

fn because(rule: &RuleRow) -> String {
    let types = match rule.entity_types.as_slice() {
        [] => String::new(),
        types => format!(" {DIM}({}){DIM:#}", types.join(", ")),
    };
    format!("{BOLD}{}{BOLD:#}: {}{types}", rule.rule, rule.description)
}

/// One finding.
fn one(out: &mut String, number: usize, finding: &FindingRow, detail: &Detail, text: &[char]) {
    let style = style(finding);
    let (start, end) = (finding.start, finding.end);
    let _ = writeln!(
        out,
        "[{number}] {style}{}{style:#} {} {DIM}at {start}:{end}{DIM:#}",
        finding.entity_type,
        quoted(text, start, end)
    );
    let mut line = |name: &str, what: &str| {
        if !what.is_empty() {
            let _ = writeln!(out, "    {DIM}{name:<9}{DIM:#} {what}");
        }
    };
    line("means", &finding.description);
    let source = if finding.source.is_empty() { String::new() } else { format!(" {DIM}({}){DIM:#}", finding.source) };
    line("found by", &format!("{}{source}", found_by(finding)));
    line("score", &score(finding));
    line("note", &finding.note_for_people());
    line(
        "used",
        &match finding.used_by.as_slice() {
            [] if finding.score < detail.least_score => {
                format!("no: the policy counts findings from {:.2} on", detail.least_score)
            }
            [] => "no: none of the rules above rests on it".to_owned(),
            rules => format!("by {}", rules.join(", ")),
        },
    );
}

/// Who found it, in a phrase.
fn found_by(finding: &FindingRow) -> String {
    let FindingRow { recognizer, pattern, validator, .. } = finding;
    match finding.detector.as_str() {
        "dictionary" => format!("word list {recognizer}"),
        "ner" => format!("named-entity model, label {recognizer}"),
        detector => {
            let kind = if detector == "secret" { "secret detector" } else { "pattern" };
            let by = format!("{kind}, recognizer {recognizer}, form {pattern}");
            if validator.is_empty() { by } else { format!("{by}; the validator {validator} accepted it") }
        }
    }
}

/// The score from where it began, with what changed it.
fn score(finding: &FindingRow) -> String {
    let likelihood = crate::detect::Likelihood::of(finding.score);
    let likely = likelihood_words(likelihood);
    let mut line = format!("{:.2}", finding.base_score);
    for adjustment in &finding.adjustments {
        let _ = write!(line, " -> {:.2}", adjustment.score);
    }
    let _ = write!(line, ", {likely}");
    let mut before = finding.base_score;
    let mut reasons = Vec::new();
    for adjustment in &finding.adjustments {
        let verb = if adjustment.score >= before { "raised" } else { "lowered" };
        let why = match adjustment.reason.as_str() {
            "context_words" | "negative_context" => words(&adjustment.reason, &finding.context_words),
            code => phrase(code),
        };
        reasons.push(format!("{verb} by {:.2}: {why}", (adjustment.score - before).abs()));
        before = adjustment.score;
    }
    if !reasons.is_empty() {
        let _ = write!(line, " ({})", reasons.join("; "));
    } else if !finding.context_words.is_empty() {
        let _ = write!(line, " ({})", words("context_words", &finding.context_words));
    }
    line
}

fn words(code: &str, words: &[String]) -> String {
    let list: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let kind = if code == "negative_context" { "a word that speaks against it" } else { "context words" };
    if list.is_empty() { kind.to_owned() } else { format!("{kind} {}", list.join(", ")) }
}

fn likelihood_words(likelihood: crate::detect::Likelihood) -> &'static str {
    use crate::detect::Likelihood as L;
    match likelihood {
        L::VeryUnlikely => "very unlikely",
        L::Unlikely => "unlikely",
        L::Possible => "possible",
        L::Likely => "likely",
        L::VeryLikely => "very likely",
    }
}

/// A code of an explanation in words for people; one without words of its own is shown as it is.
pub(super) fn phrase(code: &str) -> String {
    match code {
        reason::CALIBRATED => return "calibrated, so that the score is the precision that was measured".to_owned(),
        reason::HOTWORD => return "a hotword stands near it".to_owned(),
        reason::OTHER_TERMS => return "other terms of the list stand near it".to_owned(),
        _ => {}
    }
    let told = crate::ner::Reason::ALL.iter().find(|reason| reason.name() == code);
    told.map_or_else(|| code.replace('_', " "), |reason| reason.description().to_owned())
}

impl FindingRow {
    /// The remark, unless an adjustment says the same.
    fn note_for_people(&self) -> String {
        if self.adjustments.iter().any(|adjustment| adjustment.reason == self.note) {
            return String::new();
        }
        if self.note.contains(' ') { self.note.clone() } else { phrase(&self.note) }
    }
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
    let _ = writeln!(out, "{DIM}{name:<9} ({what}) {}{DIM:#}", list.join("; "));
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
        ("permitted_skip", "machine_text") => format!("{name} in {far} % of it, the rest is code, a log or a table"),
        ("permitted_skip", reason) => format!("{name} in {far} % of it, skipped: {}", phrase(reason)),
        (_, reason) => format!("{name} FAILED after {far} % ({}), and what is unknown is confidential", phrase(reason)),
    }
}

/// A value between quotation marks, shortened, on one line.
pub(super) fn quoted(text: &[char], start: u64, end: u64) -> String {
    let (start, end) = (index(start), index(end));
    let value = text.get(start..end.min(text.len())).unwrap_or_default();
    if value.len() <= VALUE {
        return format!("\"{}\"", line(value));
    }
    let (head, tail) = (value.get(..VALUE * 2 / 3).unwrap_or_default(), value.get(value.len() - VALUE / 4..));
    format!("\"{} … {}\"", line(head), line(tail.unwrap_or_default()))
}

fn index(point: u64) -> usize {
    usize::try_from(point).unwrap_or(usize::MAX)
}

fn line(text: &[char]) -> String {
    text.iter().map(|c| if *c == '\n' { '⏎' } else { visible(*c) }).collect()
}

/// A character that cannot steer a terminal: control characters and marks of direction become a replacement.
fn visible(c: char) -> char {
    match c {
        '\n' => c,
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

/// A text on one line, without characters that steer a terminal.
pub(super) fn visible_line(text: &str) -> String {
    line(&text.chars().collect::<Vec<char>>())
}

/// The text with numbered marks around the findings.
fn marked(text: &[char], findings: &[FindingRow]) -> String {
    // At each place: the marks that close there, and those that open, the longer first.
    let mut places: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        let (start, end) = (index(finding.start).min(text.len()), index(finding.end).min(text.len()));
        places.entry(start).or_default().1.push(number);
        places.entry(end).or_default().0.push(number);
    }
    let style_of = |number: Option<&usize>| number.and_then(|number| findings.get(*number)).map_or(Style::new(), style);
    let mut out = String::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    for (place, (closing, mut opening)) in places {
        stretch(&mut out, text.get(at..place).unwrap_or_default(), open.is_empty(), style_of(open.last()));
        at = place;
        for number in closing {
            open.retain(|other| *other != number);
            let style = style_of(Some(&number));
            let _ = write!(out, "{style}]{style:#}");
        }
        opening.sort_by_key(|number| findings.get(*number).map(|finding| std::cmp::Reverse(finding.end)));
        for number in opening {
            let style = style_of(Some(&number));
            let _ = write!(out, "{style}[{} {style:#}", number + 1);
            open.push(number);
        }
    }
    stretch(&mut out, text.get(at..).unwrap_or_default(), true, Style::new());
    out
}

/// A piece of the text between two marks; of a long one between findings the middle is left out.
fn stretch(out: &mut String, piece: &[char], between: bool, style: Style) {
    let styled = |piece: &[char]| {
        let shown: String = piece.iter().copied().map(visible).collect();
        format!("{style}{shown}{style:#}")
    };
    match (piece.get(..EDGE), piece.get(piece.len().saturating_sub(EDGE)..)) {
        (Some(head), Some(tail)) if between && piece.len() > STRETCH => {
            let left_out = piece.len() - 2 * EDGE;
            let _ = write!(out, "{}{DIM} … {left_out} characters … {DIM:#}{}", styled(head), styled(tail));
        }
        _ if piece.is_empty() => {}
        _ => out.push_str(&styled(piece)),
    }
}

fn indent(out: &mut String, text: &str) {
    for line in text.split('\n') {
        let _ = writeln!(out, "  {}", line.trim_end());
    }
}

/// Colour by what is at stake, as for levels; a finding that the level does not rest on has none of its own.
fn style(finding: &FindingRow) -> Style {
    let colour = match finding.detector.as_str() {
        "secret" => AnsiColor::Red,
        "dictionary" => AnsiColor::Magenta,
        "ner" => AnsiColor::Blue,
        _ => AnsiColor::Cyan,
    };
    let style = colour.on_default();
    if finding.used_by.is_empty() { style } else { style.bold() }
}
