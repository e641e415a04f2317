//! The name of the field that a value stands in: the key of a JSON value, the header of a CSV column, `key=value`, a
//! label before a colon, an XML tag. A field's name says more about a value than the words around it. Structure is read
//! once for a part and with tolerance: caller text is rarely well formed, and nothing here may fail or look far back.

mod json;
mod names;
mod table;
#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;

use std::ops::Range;

pub(super) use self::json::in_key;
use self::json::json_values;
pub(super) use self::names::{label, mixed_identifiers, split_name};
use self::table::{Table, table};

/// Longest name of a field in bytes; anything longer is prose.
const MAX_NAME: usize = 64;

/// The fields of one part.
pub(super) struct Fields {
    /// JSON values with their keys, by position; they do not overlap.
    values: Vec<(Range<usize>, Range<usize>)>,
    /// If the part looks like CSV.
    table: Option<Table>,
}

impl Fields {
    /// Reads the structure of a text in one pass.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let json = memchr::memmem::find(bytes, b"\":").is_some() || memchr::memmem::find(bytes, b"\" :").is_some();
        Self { values: if json { json_values(bytes) } else { Vec::new() }, table: table(bytes) }
    }

    /// The header line, if the part looks like CSV.
    pub(super) fn header(&self) -> Range<usize> {
        let header = self.table.as_ref().map(|table| &table.header);
        let ends = header.and_then(|header| Some(header.first()?.start..header.last()?.end));
        ends.unwrap_or(0..0)
    }

    /// Calls `found` for each cell of the table, with the name of its column.
    pub(super) fn cells(&self, bytes: &[u8], found: &mut dyn FnMut(Range<usize>, Range<usize>)) {
        if let Some(table) = &self.table {
            table.cells(bytes, found);
        }
    }

    /// Whether there are values of JSON.
    pub(super) fn has_keys(&self) -> bool {
        !self.values.is_empty()
    }

    /// Where the name of the field stands that holds the value beginning at `at`.
    pub(super) fn name_of(&mut self, text: &str, at: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let name = label(bytes, at).or_else(|| self.key(at)).or_else(|| self.table.as_mut()?.column(bytes, at));
        name.filter(|name| {
            // A cut inside a character would be a defect of the reader above; such a name says nothing.
            text.get(name.clone()).is_some_and(|name| name.chars().any(char::is_alphabetic))
        })
    }

    /// The key of the JSON value in which `at` lies.
    fn key(&self, at: usize) -> Option<Range<usize>> {
        let before = self.values.partition_point(|(value, _)| value.start <= at).checked_sub(1)?;
        self.values.get(before).filter(|(value, _)| at < value.end).map(|(_, key)| key.clone())
    }
}
