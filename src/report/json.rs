//! The report as JSON: the numbers of the page, and every row of what left. The rows are read from the log a second time
//! as they are written, so that a million of them need no memory.

use std::io::{self, Write};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::audit::AuditError;

use super::{Egress, Report, Source};

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] AuditError),
    /// The output takes no more.
    #[error("cannot write the report: {0}")]
    Output(#[from] io::Error),
}

/// Writes the report with every row of what left, newest first. Rows that came after the report was made are left out,
/// so that they add up to its counts.
///
/// # Errors
/// When the log cannot be read or the output takes no more.
pub fn write(report: &Report, source: &dyn Source, out: &mut dyn Write) -> Result<(), WriteError> {
    let mut whole = serde_json::to_value(report).map_err(io::Error::from)?;
    let mut egress = whole.as_object_mut().and_then(|fields| fields.shift_remove("cloud_egress")).unwrap_or_default();
    if let Some(fields) = egress.as_object_mut() {
        fields.shift_remove("rows");
        fields.shift_remove("rows_left_out");
    }
    // The rows stand last in the last object, so that what comes before them is whole.
    let (head, counts) = (opened(&whole)?, opened(&egress)?);
    write!(out, "{head},\n  \"cloud_egress\": {},\n    \"rows\": [", counts.replace('\n', "\n  "))?;
    let newest = report.summary.cloud_egress.rows.first().map_or(0, |row| row.sequence);
    let mut failed = None;
    let mut first = true;
    source.outward(&report.range, &mut |stored| {
        let Some(row) = Egress::of(stored).filter(|row| row.sequence <= newest) else {
            return ControlFlow::Continue(());
        };
        let written = serde_json::to_string(&row).map_err(io::Error::from).and_then(|row| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            write!(out, "{comma}\n      {row}")
        });
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let end = if first { "]" } else { "\n    ]" };
    writeln!(out, "{end}\n  }}\n}}")?;
    Ok(())
}

/// An object without its end, so that more can follow.
fn opened(value: &Value) -> io::Result<String> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.truncate(text.strip_suffix("\n}").unwrap_or(&text).len());
    Ok(text)
}
