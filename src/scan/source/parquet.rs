//! Parquet: the columns that hold text, row by row, without Arrow. It reads a page of each column at a time. A column that
//! holds several values a row is refused by name; columns of numbers hold no text, and which they are is said.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parquet::basic::{LogicalType, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::ByteArray;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::{Event, Events, MAX_RECORD_BYTES, Options, Place, Reason, Utf8Reader, records};

/// Rows decoded at a time.
const BATCH: usize = 128;

/// A column that is read.
struct Column {
    index: usize,
    name: String,
    optional: bool,
    /// Whether the file says that it is text.
    said_text: bool,
    /// Whether a value of it was no text.
    binary: bool,
}

struct Rows {
    reader: SerializedFileReader<File>,
    path: Arc<str>,
    columns: Vec<Column>,
    chosen: usize,
    group: usize,
    open: Vec<ColumnReader>,
    left: u64,
    row: u64,
    waiting: VecDeque<Event>,
    repaired: bool,
    done: bool,
}

fn is_text(column: &ColumnDescriptor) -> bool {
    use parquet::basic::ConvertedType;
    matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Json | LogicalType::Enum))
        || matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::JSON | ConvertedType::ENUM)
}

/// Runs what a damaged file can make panic.
fn guarded<T>(read: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, Reason> {
    let damaged = || Reason::Malformed("is damaged, or no Parquet file".to_owned());
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(parquet::errors::ParquetError::NYI(what))) => {
            Err(Reason::Malformed(format!("cannot be read yet: {what}")))
        }
        Ok(Err(_)) | Err(_) => Err(damaged()),
    }
}

pub(super) fn events(file: File, path: Arc<str>, options: &Options) -> Result<Events, Reason> {
    let reader = guarded(|| SerializedFileReader::new(file))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut waiting = VecDeque::new();
    let (mut columns, mut others) = (Vec::new(), Vec::new());
    let wanted = |name: &str| options.columns.is_empty() || options.columns.iter().any(|column| column == name);
    let has = |wanted: &str| {
        schema.columns().iter().any(|column| {
            let path = column.path().string();
            path == wanted || path.split('.').next() == Some(wanted)
        })
    };
    if let Some(missing) = options.columns.iter().find(|wanted| !has(wanted)) {
        return Err(Reason::Malformed(format!("has no column `{missing}`")));
    }
    for (index, column) in schema.columns().iter().enumerate() {
        let name = column.path().string();
        let root = column.path().parts().first().map_or("", String::as_str);
        if !wanted(&name) && !wanted(root) {
            continue;
        }
        if column.physical_type() != Physical::BYTE_ARRAY {
            others.push(name);
        } else if column.max_rep_level() > 0 || column.path().parts().len() > 1 {
            waiting.push_back(Event::unscanned(&path, None, Reason::Nested { column: name }));
        } else {
            let (optional, said_text) = (column.max_def_level() > 0, is_text(column));
            columns.push(Column { index, name, optional, said_text, binary: false });
        }
    }
    if !others.is_empty() {
        waiting.push_back(Event::note(
            &path,
            format!("columns that hold no text were not scanned: {}", others.join(", ")),
        ));
    }
    Ok(Box::new(Rows {
        reader,
        path,
        columns,
        chosen: options.columns.len(),
        group: 0,
        open: Vec::new(),
        left: 0,
        row: 0,
        waiting,
        repaired: false,
        done: false,
    }))
}

impl Rows {
    /// Opens the next group of rows; false at the end.
    fn open_group(&mut self) -> Result<bool, Reason> {
        if self.columns.is_empty() || self.group >= self.reader.num_row_groups() {
            return Ok(false);
        }
        let (group, columns) = (self.group, &self.columns);
        let (rows, open) = guarded(|| {
            let group = self.reader.get_row_group(group)?;
            let open =
                columns.iter().map(|column| group.get_column_reader(column.index)).collect::<Result<Vec<_>, _>>()?;
            Ok((group.metadata().num_rows(), open))
        })?;
        self.group += 1;
        self.left = u64::try_from(rows).unwrap_or(0);
        self.open = open;
        Ok(true)
    }

    /// Reads some rows of the open group.
    fn read(&mut self) -> Result<(), Reason> {
        let rows = BATCH.min(usize::try_from(self.left).unwrap_or(BATCH));
        let mut cells: Vec<Vec<Option<ByteArray>>> = Vec::with_capacity(self.open.len());
        for (column, reader) in self.columns.iter().zip(&mut self.open) {
            let ColumnReader::ByteArrayColumnReader(reader) = reader else {
                return Err(Reason::Malformed("is damaged, or no Parquet file".to_owned()));
            };
            let (mut levels, mut values) = (Vec::new(), Vec::new());
            let optional = column.optional;
            let (read, ..) = guarded(|| reader.read_records(rows, optional.then_some(&mut levels), None, &mut values))?;
            if read != rows {
                return Err(Reason::Malformed("ends before its last row; it is damaged".to_owned()));
            }
            let mut values = values.into_iter();
            cells.push(if optional {
                levels.iter().map(|level| if *level > 0 { values.next() } else { None }).collect()
            } else {
                values.map(Some).collect()
            });
        }
        let mut cells: Vec<_> = cells.into_iter().map(Vec::into_iter).collect();
        for _ in 0..rows {
            self.row += 1;
            let mut fields = Vec::new();
            let place = Place { record: Some(self.row), ..Place::default() };
            for (column, cells) in self.columns.iter_mut().zip(&mut cells) {
                let Some(value) = cells.next().flatten() else { continue };
                let bytes = value.data();
                if bytes.len() as u64 > MAX_RECORD_BYTES {
                    let reason = Reason::TooLong { what: "a value", limit: MAX_RECORD_BYTES };
                    self.waiting.push_back(Event::unscanned(&self.path, Some(place.clone()), reason));
                } else if let Ok(text) = std::str::from_utf8(bytes) {
                    fields.push((column.name.clone(), text.to_owned()));
                } else if column.said_text {
                    let mut text = String::new();
                    // A slice of bytes is read without errors.
                    let _ = std::io::Read::read_to_string(&mut Utf8Reader::new(bytes), &mut text);
                    self.repaired = true;
                    fields.push((column.name.clone(), text));
                } else if !column.binary {
                    column.binary = true;
                    let reason = Reason::Binary("values of a column");
                    self.waiting.push_back(Event::unscanned(&self.path, Some(place.clone()), reason));
                }
            }
            records::push_fields(&mut self.waiting, &self.path, &place, self.chosen, fields);
        }
        self.left -= rows as u64;
        Ok(())
    }
}

impl Iterator for Rows {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.done {
                return None;
            }
            let step = if self.left > 0 { self.read().map(|()| true) } else { self.open_group() };
            match step {
                Ok(true) => {}
                Ok(false) => {
                    self.done = true;
                    return self.repaired.then(|| super::pieces::encoding_note(&self.path));
                }
                Err(reason) => {
                    self.done = true;
                    let place = Place { record: Some(self.row + 1), ..Place::default() };
                    return Some(Event::unscanned(&self.path, Some(place), reason));
                }
            }
        }
    }
}
