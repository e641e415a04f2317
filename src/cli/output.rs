//! How the command line looks: tables on a terminal, plain lines in a pipe, errors on standard error. Colours are
//! left out where the stream is no terminal or `NO_COLOR` is set.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::policy::Sensitivity;

/// Says what went wrong.
pub(super) fn error(message: &str) {
    let style = AnsiColor::Red.on_default().bold();
    let _ = writeln!(anstream::stderr(), "{style}error{style:#}: {message}");
}

/// Says something beside the output proper.
pub(super) fn note(message: &str) {
    let style = Style::new().dimmed();
    let _ = writeln!(anstream::stderr(), "{style}{message}{style:#}");
}

/// A line of text.
pub(super) fn line(text: impl std::fmt::Display) -> io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// One JSON object on a line.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")
}

/// A table with these headings.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings.iter().copied());
    table
}

/// A level in its colour.
pub(super) fn level(level: Sensitivity) -> String {
    let colour = match level {
        Sensitivity::Public => AnsiColor::Green,
        Sensitivity::Internal => AnsiColor::Yellow,
        Sensitivity::Confidential => AnsiColor::Red,
    };
    let style = colour.on_default().bold();
    format!("{style}{level}{style:#}")
}
