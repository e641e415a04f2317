//! CSV. A caller chooses the ids of its requests, and a spreadsheet runs what begins like a formula, so such a value gets
//! an apostrophe before it (<https://owasp.org/www-community/attacks/CSV_Injection>).

use std::io::Write;

use jiff::Timestamp;

use super::ExportError;
use super::columns::{COLUMNS, Cell};
use crate::audit::StoredDecision;

pub(super) struct Rows<W: Write> {
    writer: csv::Writer<W>,
}

fn failed(error: csv::Error) -> ExportError {
    ExportError::Write(error.to_string())
}

impl<W: Write> Rows<W> {
    pub(super) fn new(writer: W) -> Result<Self, ExportError> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(COLUMNS.iter().map(|column| column.name)).map_err(failed)?;
        Ok(Self { writer })
    }

    pub(super) fn push(&mut self, stored: &StoredDecision) -> Result<(), ExportError> {
        self.writer.write_record(COLUMNS.iter().map(|column| field((column.value)(stored)))).map_err(failed)
    }

    pub(super) fn finish(self) -> Result<W, ExportError> {
        self.writer.into_inner().map_err(|error| ExportError::Write(error.error().to_string()))
    }
}

fn field(cell: Cell) -> String {
    match cell {
        Cell::Text(Some(text)) if text.starts_with(['=', '+', '-', '@', '\t']) => format!("'{text}"),
        Cell::Text(text) => text.unwrap_or_default(),
        Cell::Integer(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        Cell::Flag(flag) => flag.map(|flag| flag.to_string()).unwrap_or_default(),
        Cell::Time(micros) => {
            let time = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
            time.map(|time| format!("{time:.6}")).unwrap_or_default()
        }
    }
}
