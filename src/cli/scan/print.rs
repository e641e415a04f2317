//! A scan as tables on a terminal: the worst first, and everything that was not scanned.

use std::io;

use crate::plan::grouped;
use crate::policy::Sensitivity;
use crate::scan::{FileReport, PlaceRow, Summary, TypeInFile};

use super::super::output;

/// Files shown one by one.
const MAX_FILES: usize = 50;
/// Places shown of a type in a file.
const MAX_SHOWN: usize = 8;
/// Things shown that were not scanned, and notes.
const MAX_GAPS: usize = 50;

/// Everything.
pub(super) fn all(summary: &Summary, quote: bool) -> io::Result<()> {
    output::line(format_args!(
        "{}: {} files, {} texts, {} bytes",
        output::level(summary.level),
        grouped(summary.files),
        grouped(summary.texts),
        grouped(summary.bytes)
    ))?;
    let mut table = output::table(&["level", "files", "texts"]);
    for level in [Sensitivity::Confidential, Sensitivity::Internal, Sensitivity::Public] {
        let files = summary.files_by_level.get(level.as_str()).copied().unwrap_or_default();
        let texts = summary.texts_by_level.get(level.as_str()).copied().unwrap_or_default();
        table.add_row([output::level(level), grouped(files), grouped(texts)]);
    }
    let unscanned = summary.files_by_level.get("not_scanned").copied().unwrap_or_default();
    if unscanned > 0 {
        table.add_row(["not scanned".to_owned(), grouped(unscanned), "–".to_owned()]);
    }
    output::line(table)?;
    if !summary.entity_types.is_empty() {
        let mut table = output::table(&["entity type", "found", "in files"]);
        for found in &summary.entity_types {
            table.add_row([found.entity_type.clone(), grouped(found.count), grouped(found.files)]);
        }
        output::line(table)?;
    }
    files(summary, quote)?;
    gaps(summary)
}

fn files(summary: &Summary, quote: bool) -> io::Result<()> {
    let worth: Vec<&FileReport> = summary.found.iter().filter(|file| file.level > Sensitivity::Public).collect();
    if worth.is_empty() {
        return Ok(());
    }
    let mut table = output::table(&["level", "file", "found", "where"]);
    for file in worth.iter().take(MAX_FILES) {
        let found: Vec<String> =
            file.types.iter().map(|found| format!("{} {}", grouped(found.count), found.entity_type)).collect();
        let mut found = found.join("\n");
        if found.is_empty() {
            let rules: Vec<&str> = file.rules.iter().map(|rule| rule.rule.as_str()).collect();
            found = rules.join(", ");
        }
        let mut places: Vec<String> = file.types.iter().map(|found| places(found, quote)).collect();
        if file.not_scanned > 0 {
            places.push(format!("{} parts not scanned", grouped(file.not_scanned)));
        }
        if file.incomplete > 0 {
            places.push(format!("{} texts not scanned whole", grouped(file.incomplete)));
        }
        table.add_row([output::level(file.level), file.path.clone(), found, places.join("\n")]);
    }
    output::line(table)?;
    if worth.len() > MAX_FILES {
        output::note(&format!("{} more files; --json lists all", worth.len() - MAX_FILES));
    }
    Ok(())
}

fn places(found: &TypeInFile, quote: bool) -> String {
    let mut shown: Vec<String> = Vec::new();
    for row in &found.places {
        let text = place(row, quote);
        // Two findings on one line are one place.
        if shown.last() != Some(&text) {
            shown.push(text);
        }
    }
    let more = shown.len() > MAX_SHOWN || found.omitted > 0;
    shown.truncate(MAX_SHOWN);
    format!("{}{}", shown.join(", "), if more { ", …" } else { "" })
}

fn place(row: &PlaceRow, quote: bool) -> String {
    let at = &row.at;
    let mut parts = Vec::new();
    match (at.record, at.line) {
        (Some(record), _) if at.section.is_some() => parts.push(format!("message {record}")),
        (_, Some(line)) => parts.push(line.to_string()),
        (Some(record), None) => parts.push(format!("row {record}")),
        (None, None) => {}
    }
    parts.extend(at.section.clone());
    parts.extend(at.field.clone());
    let place = parts.join(" ");
    match &row.quote {
        Some(value) if quote => format!("{place}: {value}"),
        _ => place,
    }
}

fn gaps(summary: &Summary) -> io::Result<()> {
    if !summary.not_scanned.is_empty() {
        let mut table = output::table(&["not scanned", "where", "why"]);
        for gap in summary.not_scanned.iter().take(MAX_GAPS) {
            table.add_row([&gap.path, &gap.place, &gap.says]);
        }
        output::line(table)?;
    }
    if summary.not_scanned.len() > MAX_GAPS {
        output::note(&format!(
            "{} more things were not scanned; --json lists them",
            summary.not_scanned.len() - MAX_GAPS
        ));
    }
    for note in summary.notes.iter().take(MAX_GAPS) {
        let place = if note.path.is_empty() { String::new() } else { format!("{}: ", note.path) };
        output::note(&format!("{place}{}", note.note));
    }
    Ok(())
}
